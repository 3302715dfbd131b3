#include <inttypes.h>

#include "tools/admin/source.h"
#include "tools/common/nearest.h"

#define PAGE_ROWS 500u

static const struct {
	const char *word;
	Cadre__V1__Kind kind;
} kinds[] = {
	{ "groups", CADRE__V1__KIND__KIND_GROUP },
	{ "histories", CADRE__V1__KIND__KIND_HISTORY },
	{ "deployments", CADRE__V1__KIND__KIND_DEPLOYMENT },
	{ "models", CADRE__V1__KIND__KIND_MODEL },
};

struct listing {
	const struct admin_args *args;
	struct cadre_table table;
	struct cadre_json json;
	uint64_t rows;
};

static const char *state_name(Cadre__V1__LifecycleState state)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
	        &cadre__v1__lifecycle_state__descriptor, (int)state);

	return value ? value->name : "?";
}

static void json_row(struct cadre_json *json, const Cadre__V1__Resource *resource)
{
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "id", resource->ocid);
	cadre_json_key_text(json, "displayName", resource->display_name);
	cadre_json_key_text(json, "lifecycleState",
	                    state_name(resource->lifecycle_state));
	cadre_json_key_time(json, "timeCreated", resource->time_created_ms);
	if (resource->detail_case == CADRE__V1__RESOURCE__DETAIL_GROUP) {
		cadre_json_key_u64(json, "versionId", resource->group->version_id);
		cadre_json_key_u64(json, "memberCount", resource->group->member_count);
	}
	cadre_json_end(json, '}');
}

static void table_row(struct cadre_table *table, const Cadre__V1__Resource *resource)
{
	char time[32];

	cadre_time_format(resource->time_created_ms, time);
	cadre_table_cell(table, "%s",
	                 resource->display_name ? resource->display_name : "");
	cadre_table_cell(table, "%s", state_name(resource->lifecycle_state));
	if (resource->detail_case == CADRE__V1__RESOURCE__DETAIL_GROUP) {
		cadre_table_cell(table, "%" PRIu64, resource->group->version_id);
		cadre_table_cell(table, "%" PRIu32, resource->group->member_count);
	} else if (resource->detail_case == CADRE__V1__RESOURCE__DETAIL_HISTORY) {
		cadre_table_cell(table, "%" PRIu64, resource->history->last_version_id);
		cadre_table_cell(table, "%" PRIu32, resource->history->live_groups);
	} else {
		cadre_table_cell(table, "%s", "");
		cadre_table_cell(table, "%s", "");
	}
	cadre_table_cell(table, "%s", time);
	cadre_table_cell(table, "%s", resource->ocid);
}

static enum cadre_status add_row(void *ctx, const Cadre__V1__Resource *resource)
{
	struct listing *listing = ctx;

	listing->rows++;
	if (listing->args->mode == CADRE_OUTPUT_QUIET)
		printf("%s\n", resource->ocid);
	else if (listing->args->mode == CADRE_OUTPUT_JSON)
		json_row(&listing->json, resource);
	else
		table_row(&listing->table, resource);
	return CADRE_OK;
}

static enum cadre_status list_all(struct admin_source *source, struct listing *listing,
                                  Cadre__V1__Kind kind, struct cadre_error *err)
{
	struct cadre_list_query query = { .kind = kind,
		                          .compartment_id = listing->args->compartment,
		                          .limit = PAGE_ROWS };
	struct cadre_buffer after = { 0 };
	struct cadre_buffer next = { 0 };
	enum cadre_status status;

	do {
		cadre_buffer_clear(&next);
		query.after = cadre_buffer_slice(&after);
		status = cadre_view_list(&source->view, &query, add_row, listing, &next,
		                         err);
		cadre_arena_reset(&source->arena);
		cadre_buffer_clear(&after);
		if (status == CADRE_OK)
			status = cadre_buffer_append(&after, next.data, next.length);
	} while (status == CADRE_OK && next.length > 0);
	cadre_buffer_fini(&after);
	cadre_buffer_fini(&next);
	return status;
}

static int find_kind(const struct admin_args *args, Cadre__V1__Kind *ret_kind)
{
	struct cadre_nearest nearest;
	char hint[96];

	cadre_nearest_init(&nearest, args->words[1]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(args->words[1], kinds[i].word) == 0) {
			*ret_kind = kinds[i].kind;
			return 0;
		}
		cadre_nearest_offer(&nearest, kinds[i].word);
	}
	fprintf(stderr, ADMIN_PROGRAM " list: nothing is called \"%s\"%s\n",
	        args->words[1], cadre_nearest_hint(&nearest, hint));
	return ADMIN_EXIT_USAGE;
}

static void print(struct listing *listing)
{
	if (listing->args->mode == CADRE_OUTPUT_JSON) {
		cadre_json_end(&listing->json, ']');
		cadre_json_end(&listing->json, '}');
		admin_print_json(&listing->json);
	} else if (listing->args->mode == CADRE_OUTPUT_TEXT) {
		if (listing->rows > 0)
			cadre_table_print(&listing->table, stdout);
		admin_note(listing->args, "%" PRIu64 " %s in the compartment \"%s\"",
		           listing->rows, listing->args->words[1],
		           listing->args->compartment);
	}
}

int admin_list(const struct admin_verb *verb, int argc, char **argv)
{
	static const char *const titles[] = { "NAME",    "STATE",   "VERSION",
		                              "MEMBERS", "CREATED", "OCID" };
	static const char *const history_titles[] = { "NAME", "STATE",   "VERSIONS",
		                                      "LIVE", "CREATED", "OCID" };
	const struct admin_syntax syntax = { NULL, NULL, 2, 2 };
	struct admin_args args = { 0 };
	struct listing listing = { .args = &args };
	struct admin_source source;
	struct cadre_error err = CADRE_ERROR_INIT;
	Cadre__V1__Kind kind = CADRE__V1__KIND__KIND_GROUP;
	int code;

	admin_parse(verb, &syntax, argc, argv, &args);
	code = find_kind(&args, &kind);
	if (code != 0)
		return code;
	if (admin_source_open(&source, args.words[0], &err) != CADRE_OK)
		return admin_fail(&args, &err);
	cadre_table_init(&listing.table, 6, 1u << 2 | 1u << 3,
	                 kind == CADRE__V1__KIND__KIND_HISTORY ? history_titles : titles);
	cadre_json_begin(&listing.json, '{');
	cadre_json_key(&listing.json, args.words[1]);
	cadre_json_begin(&listing.json, '[');
	if (list_all(&source, &listing, kind, &err) == CADRE_OK)
		print(&listing);
	else
		code = admin_fail(&args, &err);
	cadre_table_fini(&listing.table);
	cadre_json_fini(&listing.json);
	admin_source_close(&source);
	return code;
}
