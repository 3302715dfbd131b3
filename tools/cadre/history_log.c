/* history log: the line of versions, newest first. */
#include <inttypes.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/version_graph.h"

#define LIMIT_DEFAULT 100u
#define PAGE_ROWS 1000u

struct versions {
	const Cadre__V1__HistoryLogEntry **list;
	size_t count, room;
	bool more;
};

static enum cadre_status read_page(struct cli *cli, const char *history, uint64_t limit,
                                   struct versions *versions)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__HistoryLog log = CADRE__V1__HISTORY_LOG__INIT;
	const Cadre__V1__Result *result = NULL;
	uint64_t left = limit - versions->count;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_HISTORY_LOG;
	op.history_log = &log;
	log.history = (char *)(uintptr_t)history;
	log.has_limit = true;
	log.limit = left < PAGE_ROWS ? (uint32_t)left : PAGE_ROWS;
	log.has_before_version = versions->count > 0;
	if (versions->count > 0)
		log.before_version = versions->list[versions->count - 1]
		                             ->group->resource->group->version_id;
	status = cli_ask(cli, &op, &result);
	if (status != CADRE_OK)
		return status;
	for (size_t i = 0; i < result->history_log->n_entries; i++)
		versions->list[versions->count++] = result->history_log->entries[i];
	versions->more = result->history_log->more && result->history_log->n_entries > 0;
	return CADRE_OK;
}

static bool in_list(const struct versions *versions, uint64_t id)
{
	for (size_t i = 0; i < versions->count; i++)
		if (versions->list[i]->group->resource->id == id)
			return true;
	return false;
}

static const char *who_made(const Cadre__V1__HistoryLogEntry *entry)
{
	if (entry->actor)
		return entry->actor->principal;
	return entry->group->resource->created_by ? entry->group->resource->created_by
	                                          : "";
}

static bool is_deleted(const Cadre__V1__HistoryLogEntry *entry)
{
	return entry->group->resource->lifecycle_state ==
	       CADRE__V1__LIFECYCLE_STATE__DELETED;
}

static const char *marks_of(struct cli *cli, const Cadre__V1__HistoryLogEntry *entry)
{
	const char *marks = cli_text(cli, "%s%s", entry->latest ? " latest" : "",
	                             is_deleted(entry) ? " deleted" : "");

	if (entry->deployments > 0)
		marks = cli_text(cli, "%s deployed by %" PRIu32, marks,
		                 entry->deployments);
	return *marks ? marks + 1 : marks;
}

static void add_line(struct cli *cli, struct cadre_table *table, const char *graph,
                     const Cadre__V1__HistoryLogEntry *entry)
{
	const Cadre__V1__Resource *resource = entry->group->resource;
	char time[32];

	cadre_table_cell(table, "%s", graph);
	cadre_table_cell(table, "%" PRIu64, resource->group->version_id);
	cadre_table_cell(table, "%s",
	                 resource->group->version_label ? resource->group->version_label
	                                                : "");
	cadre_table_cell(table, "%s", cli_name_of(entry->group));
	cadre_table_cell(table, "%s", who_made(entry));
	cadre_table_cell(table, "%s", cli_time(resource->time_created_ms, time));
	cadre_table_cell(table, "+%" PRIu32, entry->added);
	cadre_table_cell(table, "-%" PRIu32, entry->removed);
	cadre_table_cell(table, "~%" PRIu32, entry->rekeyed);
	cadre_table_cell(table, "%s", marks_of(cli, entry));
}

static void draw(struct cli *cli, const struct versions *versions)
{
	static const char *const titles[] = { "",        "VERSION", "LABEL", "NAME",
		                              "WHO",     "CREATED", "ADDED", "REMOVED",
		                              "REKEYED", "" };
	struct cadre_graph graph = { 0 };
	struct cadre_table table;

	cadre_table_init(&table, 10, 1u << 1 | 1u << 6 | 1u << 7 | 1u << 8, titles);
	for (size_t i = 0; i < versions->count; i++) {
		const Cadre__V1__Resource *resource = versions->list[i]->group->resource;
		uint64_t source = resource->group->source_group;
		char join[CADRE_GRAPH_BYTES];
		char line[CADRE_GRAPH_BYTES];

		if (cadre_graph_step(&graph, resource->id,
		                     in_list(versions, source) ? source : 0, join,
		                     line)) {
			cadre_table_cell(&table, "%s", join);
			for (int cell = 1; cell < 10; cell++)
				cadre_table_cell(&table, "%s", "");
		}
		add_line(cli, &table, line, versions->list[i]);
	}
	cadre_table_print(&table, stdout);
	cadre_table_fini(&table);
	if (versions->more)
		cli_note(cli, "older versions are left out: --limit");
}

static void put_version(struct cadre_json *json, const Cadre__V1__HistoryLogEntry *entry)
{
	const Cadre__V1__Resource *resource = entry->group->resource;

	cadre_json_begin(json, '{');
	cadre_json_key_u64(json, "versionId", resource->group->version_id);
	cadre_json_key_text(json, "id", resource->ocid);
	cadre_json_key_text(json, "sourceModelGroupId", entry->group->source_group_id);
	cadre_json_key_text(json, "versionLabel", resource->group->version_label);
	cadre_json_key_text(json, "displayName", resource->display_name);
	cadre_json_key_text(json, "createdBy", who_made(entry));
	cadre_json_key_time(json, "timeCreated", resource->time_created_ms);
	cadre_json_key_u64(json, "added", entry->added);
	cadre_json_key_u64(json, "removed", entry->removed);
	cadre_json_key_u64(json, "rekeyed", entry->rekeyed);
	cadre_json_key_u64(json, "deployments", entry->deployments);
	cadre_json_key_bool(json, "latest", entry->latest);
	cadre_json_key_bool(json, "deleted", is_deleted(entry));
	cadre_json_end(json, '}');
}

static void print_json(const Cadre__V1__ResourceInfo *history,
                       const struct versions *versions)
{
	struct cadre_json json = { 0 };

	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "historyId", history->resource->ocid);
	cadre_json_key(&json, "versions");
	cadre_json_begin(&json, '[');
	for (size_t i = 0; i < versions->count; i++)
		put_version(&json, versions->list[i]);
	cadre_json_end(&json, ']');
	cadre_json_key_bool(&json, "more", versions->more);
	cadre_json_end(&json, '}');
	cli_print_json(&json);
	cadre_json_fini(&json);
}

enum cadre_status cli_history_log(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *history = NULL;
	struct versions versions = { .more = true };
	uint64_t limit = 0;
	enum cadre_status status = cli_number(cli, CLI_LIMIT, LIMIT_DEFAULT, &limit);

	if (status == CADRE_OK && (limit < 1 || limit > 100000))
		return cli_usage(cli, "--limit: 1 to 100000");
	if (status == CADRE_OK)
		status = cli_find(cli, cli->words[0], CLI_K_HISTORY, &history);
	if (status != CADRE_OK)
		return status;
	versions.list = cli_alloc(cli, (limit + PAGE_ROWS) * sizeof(versions.list[0]));
	while (status == CADRE_OK && versions.more && versions.count < limit)
		status = read_page(cli, history->resource->ocid, limit, &versions);
	if (status != CADRE_OK)
		return status;
	if (cli->mode == CADRE_OUTPUT_JSON)
		print_json(history, &versions);
	else if (cli->mode == CADRE_OUTPUT_TEXT)
		draw(cli, &versions);
	else
		for (size_t i = 0; i < versions.count; i++)
			puts(versions.list[i]->group->resource->ocid);
	return CADRE_OK;
}
