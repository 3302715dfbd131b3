/*
 * import: model groups and version histories as OCI's get and list return them, made
 * anew here. Histories first, then groups in the order of history and version, last the
 * histories' latest. What is printed maps old ids to new ones.
 *
 * Every command's retry token is made of compartment and old id: run again after an
 * interrupt, what was done is not done twice (within 24 hours).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/checksum.h"
#include "tools/cadre/cli.h"
#include "tools/common/oci_json.h"

struct item {
	json_t *value; /* ours */
	const char *old_id;
	const char *new_id; /* once made */
	bool history;
	const char *history_id; /* of a group: old id, "" for none */
	json_int_t version;
	const char *time;
};

struct items {
	struct item *list;
	size_t count, room;
	const char *file;
};

static const char *text_of(const json_t *value, const char *field)
{
	const char *text = json_string_value(json_object_get(value, field));

	return text ? text : "";
}

static enum cadre_status add_item(struct cli *cli, struct items *items, json_t *value,
                                  size_t line)
{
	const char *id = text_of(value, "id");
	const char *state = text_of(value, "lifecycleState");
	bool history = strstr(id, "versionhistory") != NULL;
	struct item *list;

	if (!json_is_object(value) || !*id)
		return cadre_error_set(&cli->err, CADRE_MISSING_PARAMETER,
		                       "%s:%zu: id: missing; get and list return it",
		                       items->file, line);
	if (strcmp(state, "DELETED") == 0 || strcmp(state, "DELETING") == 0 ||
	    strcmp(state, "FAILED") == 0)
		return CADRE_OK;
	if (!history && !json_object_get(value, "memberModelEntries"))
		return cadre_error_set(
		        &cli->err, CADRE_MISSING_PARAMETER,
		        "%s:%zu: memberModelEntries: missing; lists leave it "
		        "out, ask for each group with get",
		        items->file, line);
	if (items->count == items->room) {
		items->room = items->room ? 2 * items->room : 256;
		list = realloc(items->list, items->room * sizeof(*list));
		if (!list)
			return cadre_error_set(&cli->err, CADRE_OUT_OF_MEMORY,
			                       "import: out of memory");
		items->list = list;
	}
	items->list[items->count++] = (struct item){
		.value = json_incref(value),
		.old_id = id,
		.history = history,
		.history_id = text_of(value, "modelGroupVersionHistoryId"),
		.version = json_integer_value(json_object_get(value, "versionId")),
		.time = text_of(value, "timeCreated"),
	};
	return CADRE_OK;
}

/* An answer of the command line of OCI wraps it in "data". */
static enum cadre_status take_value(struct cli *cli, void *ctx, json_t *value,
                                    size_t line)
{
	json_t *data = json_object_get(value, "data");
	enum cadre_status status = CADRE_OK;

	if (!data)
		return add_item(cli, ctx, value, line);
	if (!json_is_array(data))
		return add_item(cli, ctx, data, line);
	for (size_t i = 0; i < json_array_size(data) && status == CADRE_OK; i++)
		status = add_item(cli, ctx, json_array_get(data, i), line);
	return status;
}

/* Histories first; groups by history, version, time. */
static int compare(const void *a, const void *b)
{
	const struct item *first = a;
	const struct item *second = b;
	int order = (int)second->history - (int)first->history;

	if (order == 0)
		order = strcmp(first->history_id, second->history_id);
	if (order == 0)
		order = (first->version > second->version) -
		        (first->version < second->version);
	return order != 0 ? order : strcmp(first->time, second->time);
}

static struct item *item_of(struct items *items, const char *old_id)
{
	for (size_t i = 0; i < items->count; i++)
		if (strcmp(items->list[i].old_id, old_id) == 0)
			return &items->list[i];
	return NULL;
}

static const char *token_of(struct cli *cli, const char *step, const char *old_id)
{
	const char *text = cli_text(cli, "%s %s %s", step, cli->context.compartment,
	                            old_id);
	struct cadre_sha256 sum = cadre_sha256(text, strlen(text));
	char hex[65];

	cadre_hex_encode(sum.bytes, sizeof(sum.bytes), hex);
	return cli_text(cli, "import-%.48s", hex);
}

static enum cadre_status send_one(struct cli *cli, Cadre__V1__Command *command,
                                  const struct item *item, const char *step,
                                  const Cadre__V1__CommandResult **ret_result)
{
	enum cadre_status status;

	cli->made_token = token_of(cli, step, item->old_id);
	status = cli_send(cli, &command, 1, ret_result);
	if (status != CADRE_OK)
		cadre_error_prefix(&cli->err, "%s: ", item->old_id);
	return status;
}

/* Where it goes is the context's; what OCI filled in by itself is left out. */
static void adapt(struct cli *cli, json_t *value)
{
	json_object_set_new(value, "compartmentId",
	                    json_string(cli->context.compartment));
	json_object_set_new(value, "projectId", json_string(cli->context.project));
	json_object_del(value, "latestModelGroupId");
}

static enum cadre_status make_history(struct cli *cli, struct item *item)
{
	Cadre__V1__Command command;
	const Cadre__V1__CommandResult *result = NULL;
	json_t *body = json_copy(item->value);
	enum cadre_status status;

	adapt(cli, body);
	status = cadre_oci_create_history(body, NULL, &cli->arena, &command, &cli->err);
	json_decref(body);
	if (status == CADRE_OK)
		status = send_one(cli, &command, item, "history", &result);
	if (result)
		item->new_id = result->id;
	return status;
}

static enum cadre_status make_group(struct cli *cli, struct items *items,
                                    struct item *item)
{
	const struct item *history = *item->history_id ? item_of(items, item->history_id)
	                                               : NULL;
	Cadre__V1__Command command;
	const Cadre__V1__CommandResult *result = NULL;
	json_t *body = json_copy(item->value);
	enum cadre_status status;

	adapt(cli, body);
	json_object_set_new(body, "createType", json_string("CREATE"));
	json_object_del(body, "modelGroupVersionHistoryId");
	if (history && history->new_id)
		json_object_set_new(body, "modelGroupVersionHistoryId",
		                    json_string(history->new_id));
	else if (*item->history_id && !history)
		cli_note(cli, "%s: its history is in none of the files: left without",
		         item->old_id);
	status = cadre_oci_create_group(body, NULL, &cli->arena, &command, &cli->err);
	json_decref(body);
	if (status == CADRE_OK)
		status = send_one(cli, &command, item, "group", &result);
	if (result)
		item->new_id = result->id;
	return status;
}

static enum cadre_status set_latest(struct cli *cli, struct items *items,
                                    struct item *item)
{
	const char *old_latest = text_of(item->value, "latestModelGroupId");
	const struct item *latest = *old_latest ? item_of(items, old_latest) : NULL;
	Cadre__V1__Command *command =
	        cli_command(cli, CADRE__V1__COMMAND__BODY_UPDATE_HISTORY);
	Cadre__V1__UpdateHistory *update = cli_alloc(cli, sizeof(*update));
	const Cadre__V1__CommandResult *result = NULL;

	if (!latest || !latest->new_id || !item->new_id)
		return CADRE_OK;
	cadre__v1__update_history__init(update);
	update->id = (char *)(uintptr_t)item->new_id;
	update->latest_model_group_id = (char *)(uintptr_t)latest->new_id;
	command->update_history = update;
	return send_one(cli, command, item, "latest", &result);
}

static enum cadre_status make_all(struct cli *cli, struct items *items)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < items->count && status == CADRE_OK; i++)
		status = items->list[i].history ? make_history(cli, &items->list[i])
		                                : make_group(cli, items, &items->list[i]);
	for (size_t i = 0; i < items->count && status == CADRE_OK; i++)
		if (items->list[i].history)
			status = set_latest(cli, items, &items->list[i]);
	return status;
}

static void print(struct cli *cli, const struct items *items)
{
	static const char *const titles[] = { "WHAT", "OLD", "NEW" };
	struct cadre_json json = { 0 };
	struct cadre_table table;

	cadre_table_init(&table, 3, 0, titles);
	cadre_json_begin(&json, '{');
	cadre_json_key_bool(&json, "dryRun", cli_has(cli, CLI_DRY_RUN));
	cadre_json_key(&json, "imported");
	cadre_json_begin(&json, '[');
	for (size_t i = 0; i < items->count; i++) {
		const struct item *item = &items->list[i];
		const char *what = item->history ? "version history" : "model group";

		cadre_table_cell(&table, "%s", what);
		cadre_table_cell(&table, "%s", item->old_id);
		cadre_table_cell(&table, "%s", item->new_id ? item->new_id : "-");
		cadre_json_begin(&json, '{');
		cadre_json_key_text(&json, "kind", what);
		cadre_json_key_text(&json, "oldId", item->old_id);
		cadre_json_key_text(&json, "id", item->new_id);
		cadre_json_end(&json, '}');
		if (cli->mode == CADRE_OUTPUT_QUIET && item->new_id)
			puts(item->new_id);
	}
	cadre_json_end(&json, ']');
	cadre_json_end(&json, '}');
	if (cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&json);
	else if (cli->mode == CADRE_OUTPUT_TEXT && items->count > 0)
		cadre_table_print(&table, stdout);
	cadre_table_fini(&table);
	cadre_json_fini(&json);
}

enum cadre_status cli_import(struct cli *cli)
{
	struct items items = { 0 };
	enum cadre_status status = CADRE_OK;

	for (unsigned i = 0; i < cli->count && status == CADRE_OK; i++) {
		items.file = cli->words[i];
		status = cli_read_values(cli, cli->words[i], take_value, &items);
	}
	if (items.count > 0)
		qsort(items.list, items.count, sizeof(*items.list), compare);
	if (status == CADRE_OK)
		status = make_all(cli, &items);
	/* Also after a failure: what was made before it. */
	print(cli, &items);
	if (status == CADRE_OK && cli_has(cli, CLI_DRY_RUN))
		cli_note(cli, "dry run: checked, nothing was sent");
	for (size_t i = 0; i < items.count; i++)
		json_decref(items.list[i].value);
	free(items.list);
	return status;
}
