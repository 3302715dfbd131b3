/* Listings. */
#include <inttypes.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/oci_write.h"

#define PAGE_ROWS 500u
#define LIMIT_DEFAULT 1000u

enum cadre_status cli_each(struct cli *cli, const Cadre__V1__ListResources *filter,
                           cli_row_fn fn, void *ctx)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__ListResources list = *filter;
	enum cadre_status status = CADRE_OK;

	op.body_case = CADRE__V1__OP__BODY_LIST;
	op.list = &list;
	list.has_limit = true;
	list.limit = PAGE_ROWS;
	for (bool more = true; more && status == CADRE_OK;) {
		const Cadre__V1__Result *result = NULL;

		status = cli_ask(cli, &op, &result);
		for (size_t i = 0; status == CADRE_OK && i < result->list->n_resources;
		     i++)
			status = fn(cli, ctx, result->list->resources[i]);
		if (status != CADRE_OK)
			break;
		more = result->list->has_next_page;
		list.has_page = more;
		list.page = result->list->next_page;
	}
	return status == CADRE_END ? CADRE_OK : status;
}

struct listing {
	struct cadre_table table;
	struct cadre_json json;
	uint64_t rows, limit;
};

static void add_counts(struct cadre_table *table, const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__Resource *resource = info->resource;

	switch ((int)resource->detail_case) {
	case CADRE__V1__RESOURCE__DETAIL_GROUP:
		cadre_table_cell(table, "%" PRIu64, resource->group->version_id);
		cadre_table_cell(table, "%" PRIu32, resource->group->member_count);
		break;
	case CADRE__V1__RESOURCE__DETAIL_HISTORY:
		cadre_table_cell(table, "%" PRIu64, resource->history->last_version_id);
		cadre_table_cell(table, "%" PRIu32, resource->history->live_groups);
		break;
	case CADRE__V1__RESOURCE__DETAIL_DEPLOYMENT:
		cadre_table_cell(table, "%" PRIu64, resource->deployment->generation);
		cadre_table_cell(table, "%" PRIu64,
		                 resource->deployment->serving_generation);
		break;
	case CADRE__V1__RESOURCE__DETAIL_MODEL:
		cadre_table_cell(table, "%s",
		                 resource->model->framework ? resource->model->framework
		                                            : "");
		cadre_table_cell(table, "%" PRIu64, resource->model->artifact_bytes);
		break;
	default:
		cadre_table_cell(table, "%s", "");
		cadre_table_cell(table, "%s", "");
		break;
	}
}

static enum cadre_status add_row(struct cli *cli, void *ctx,
                                 const Cadre__V1__ResourceInfo *info)
{
	struct listing *listing = ctx;
	const Cadre__V1__Resource *resource = info->resource;
	char time[32];

	listing->rows++;
	if (cli->mode == CADRE_OUTPUT_QUIET) {
		printf("%s\n", resource->ocid);
	} else if (cli->mode == CADRE_OUTPUT_JSON) {
		cadre_oci_put_resource(&listing->json, info);
	} else {
		cadre_table_cell(&listing->table, "%s",
		                 resource->display_name ? resource->display_name : "");
		cadre_table_cell(&listing->table, "%s",
		                 cli_state_name(resource->lifecycle_state));
		add_counts(&listing->table, info);
		cadre_table_cell(&listing->table, "%s",
		                 cli_time(resource->time_created_ms, time));
		cadre_table_cell(&listing->table, "%s", resource->ocid);
	}
	return listing->rows == listing->limit ? CADRE_END : CADRE_OK;
}

static const char *const *titles_of(Cadre__V1__Kind kind)
{
	static const char *const groups[] = { "NAME",    "STATE",   "VERSION",
		                              "MEMBERS", "CREATED", "OCID" };
	static const char *const histories[] = { "NAME", "STATE",   "VERSIONS",
		                                 "LIVE", "CREATED", "OCID" };
	static const char *const deployments[] = { "NAME",    "STATE",   "TARGET",
		                                   "SERVING", "CREATED", "OCID" };
	static const char *const models[] = { "NAME",  "STATE",   "FRAMEWORK",
		                              "BYTES", "CREATED", "OCID" };

	switch ((int)kind) {
	case CADRE__V1__KIND__KIND_GROUP:
		return groups;
	case CADRE__V1__KIND__KIND_HISTORY:
		return histories;
	case CADRE__V1__KIND__KIND_DEPLOYMENT:
		return deployments;
	default:
		return models;
	}
}

static enum cadre_status take_state(struct cli *cli, Cadre__V1__ListResources *filter)
{
	const char *text = cli_value(cli, CLI_STATE);
	const ProtobufCEnumValue *value;

	if (!text)
		return CADRE_OK;
	value = protobuf_c_enum_descriptor_get_value_by_name(
	        &cadre__v1__lifecycle_state__descriptor, text);
	if (!value)
		return cli_usage(cli, "--state: no lifecycle state \"%s\"", text);
	filter->has_lifecycle_state = true;
	filter->lifecycle_state = (Cadre__V1__LifecycleState)value->value;
	return CADRE_OK;
}

static enum cadre_status make_filter(struct cli *cli, Cadre__V1__Kind kind,
                                     Cadre__V1__ListResources *filter)
{
	const Cadre__V1__ResourceInfo *history = NULL;
	enum cadre_status status;

	cadre__v1__list_resources__init(filter);
	filter->kind = kind;
	filter->display_name = (char *)(uintptr_t)cli_value(cli, CLI_NAME);
	status = take_state(cli, filter);
	if (status == CADRE_OK && cli_value(cli, CLI_HISTORY)) {
		status = cli_find(cli, cli_value(cli, CLI_HISTORY), CLI_K_HISTORY,
		                  &history);
		if (status == CADRE_OK)
			filter->history = history->resource->ocid;
	}
	return status;
}

enum cadre_status cli_list(struct cli *cli, Cadre__V1__Kind kind, const char *plural)
{
	struct listing listing = { 0 };
	Cadre__V1__ListResources filter;
	enum cadre_status status = make_filter(cli, kind, &filter);

	if (status == CADRE_OK)
		status = cli_number(cli, CLI_LIMIT, LIMIT_DEFAULT, &listing.limit);
	if (status != CADRE_OK)
		return status;
	cadre_table_init(&listing.table, 6, 1u << 2 | 1u << 3, titles_of(kind));
	cadre_json_begin(&listing.json, '{');
	cadre_json_key(&listing.json, plural);
	cadre_json_begin(&listing.json, '[');
	status = cli_each(cli, &filter, add_row, &listing);
	cadre_json_end(&listing.json, ']');
	cadre_json_end(&listing.json, '}');
	if (status == CADRE_OK && cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&listing.json);
	if (status == CADRE_OK && cli->mode == CADRE_OUTPUT_TEXT && listing.rows > 0)
		cadre_table_print(&listing.table, stdout);
	if (status == CADRE_OK)
		cli_note(cli, "%" PRIu64 " %s in the compartment \"%s\"", listing.rows,
		         plural, cli->context.compartment);
	cadre_table_fini(&listing.table);
	cadre_json_fini(&listing.json);
	return status;
}
