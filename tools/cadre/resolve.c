/* resolve, key-log. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cadre/cli.h"

#define LIMIT_DEFAULT 100u
#define PAGE_ROWS 1000u

/* Digits are a seq, anything else a time. */
static enum cadre_status take_moment(struct cli *cli, Cadre__V1__Resolve *resolve)
{
	const char *text = cli_value(cli, CLI_AT);
	char *end = NULL;

	if (!text)
		return CADRE_OK;
	if (*text >= '0' && *text <= '9') {
		resolve->at_seq = strtoull(text, &end, 10);
		resolve->has_at_seq = *end == '\0';
		if (resolve->has_at_seq)
			return CADRE_OK;
	}
	resolve->has_at_time_ms = true;
	if (!cadre_time_parse(text, &resolve->at_time_ms))
		return cli_usage(cli,
		                 "--at: \"%s\" is neither a seq nor a time like "
		                 "2026-11-22T14:40:24Z",
		                 text);
	return CADRE_OK;
}

static void print_answer(struct cli *cli, const char *target,
                         const Cadre__V1__ResolveResult *answer)
{
	struct cadre_json json = { 0 };

	switch (cli->mode) {
	case CADRE_OUTPUT_QUIET:
		puts(answer->model_id);
		break;
	case CADRE_OUTPUT_TEXT:
		printf("%s\n  of version %" PRIu64 " (%s), since seq %" PRIu64 "\n",
		       answer->model_id, answer->version_id, answer->group_id,
		       answer->seq);
		break;
	case CADRE_OUTPUT_JSON:
		cadre_json_begin(&json, '{');
		cadre_json_key_text(&json, "target", target);
		cadre_json_key_text(&json, "key", cli->words[1]);
		cadre_json_key_text(&json, "modelId", answer->model_id);
		cadre_json_key_text(&json, "modelGroupId", answer->group_id);
		cadre_json_key_u64(&json, "versionId", answer->version_id);
		cadre_json_key_u64(&json, "sinceSeq", answer->seq);
		cadre_json_end(&json, '}');
		cli_print_json(&json);
		cadre_json_fini(&json);
		break;
	}
}

enum cadre_status cli_resolve(struct cli *cli)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Resolve resolve = CADRE__V1__RESOLVE__INIT;
	const Cadre__V1__ResourceInfo *target = NULL;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status = take_moment(cli, &resolve);

	if (status == CADRE_OK)
		status = cli_find(cli, cli->words[0], CLI_K_TARGET, &target);
	if (status != CADRE_OK)
		return status;
	op.body_case = CADRE__V1__OP__BODY_RESOLVE;
	op.resolve = &resolve;
	resolve.target = target->resource->ocid;
	resolve.key = (char *)(uintptr_t)cli->words[1];
	status = cli_ask(cli, &op, &result);
	if (status == CADRE_OK)
		print_answer(cli, target->resource->ocid, result->resolve);
	return status;
}

/* ---- key-log ---- */

struct entries {
	const Cadre__V1__KeyLogEntry **list; /* newest first */
	size_t count;
	uint64_t before; /* 0: from the newest */
	bool more;
};

static enum cadre_status read_page(struct cli *cli, const char *target, uint64_t limit,
                                   struct entries *entries)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__KeyLog log = CADRE__V1__KEY_LOG__INIT;
	const Cadre__V1__Result *result = NULL;
	uint64_t left = limit - entries->count;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_KEY_LOG;
	op.key_log = &log;
	log.target = (char *)(uintptr_t)target;
	log.key = (char *)(uintptr_t)cli->words[1];
	log.has_limit = true;
	log.limit = left < PAGE_ROWS ? (uint32_t)left : PAGE_ROWS;
	log.has_before_seq = entries->before > 0;
	log.before_seq = entries->before;
	status = cli_ask(cli, &op, &result);
	if (status != CADRE_OK)
		return status;
	for (size_t i = 0; i < result->key_log->n_entries; i++)
		entries->list[entries->count++] = result->key_log->entries[i];
	entries->more = result->key_log->more;
	entries->before = result->key_log->next_before_seq;
	return CADRE_OK;
}

static void add_entry(struct cadre_json *json, struct cadre_table *table,
                      const Cadre__V1__KeyLogEntry *entry)
{
	const char *who = entry->actor ? entry->actor->principal : "";
	char time[32];

	cadre_table_cell(table, "%" PRIu64, entry->seq);
	cadre_table_cell(table, "%s", cli_time(entry->time_ms, time));
	cadre_table_cell(table, "%s", who);
	cadre_table_cell(table, "%" PRIu64, entry->version_id);
	cadre_table_cell(table, "%s", entry->model_before ? entry->model_before : "-");
	cadre_table_cell(table, "%s", entry->model_after ? entry->model_after : "-");
	cadre_json_begin(json, '{');
	cadre_json_key_u64(json, "seq", entry->seq);
	cadre_json_key_time(json, "time", entry->time_ms);
	cadre_json_key_text(json, "principal", who);
	cadre_json_key_text(json, "modelGroupId", entry->group_id);
	cadre_json_key_u64(json, "versionId", entry->version_id);
	cadre_json_key_text(json, "from", entry->model_before);
	cadre_json_key_text(json, "to", entry->model_after);
	cadre_json_end(json, '}');
}

static void print_entries(struct cli *cli, const char *target,
                          const struct entries *entries)
{
	static const char *const titles[] = { "SEQ",     "TIME", "WHO",
		                              "VERSION", "FROM", "TO" };
	struct cadre_json json = { 0 };
	struct cadre_table table;

	cadre_table_init(&table, 6, 1u | 1u << 3, titles);
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "target", target);
	cadre_json_key_text(&json, "key", cli->words[1]);
	cadre_json_key(&json, "changes");
	cadre_json_begin(&json, '[');
	for (size_t i = entries->count; i > 0; i--) {
		const Cadre__V1__KeyLogEntry *entry = entries->list[i - 1];

		add_entry(&json, &table, entry);
		if (cli->mode == CADRE_OUTPUT_QUIET)
			puts(entry->model_after ? entry->model_after : "-");
	}
	cadre_json_end(&json, ']');
	cadre_json_key_bool(&json, "more", entries->more);
	cadre_json_end(&json, '}');
	if (cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&json);
	else if (cli->mode == CADRE_OUTPUT_TEXT)
		cadre_table_print(&table, stdout);
	if (entries->more)
		cli_note(cli, "older changes are left out: --limit");
	cadre_table_fini(&table);
	cadre_json_fini(&json);
}

enum cadre_status cli_key_log(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *target = NULL;
	struct entries entries = { .more = true };
	uint64_t limit = 0;
	enum cadre_status status = cli_number(cli, CLI_LIMIT, LIMIT_DEFAULT, &limit);

	if (status == CADRE_OK && (limit < 1 || limit > 100000))
		return cli_usage(cli, "--limit: 1 to 100000");
	if (status == CADRE_OK)
		status = cli_find(cli, cli->words[0], CLI_K_HISTORY | CLI_K_DEPLOYMENT,
		                  &target);
	if (status != CADRE_OK)
		return status;
	entries.list = cli_alloc(cli, (limit + PAGE_ROWS) * sizeof(entries.list[0]));
	while (status == CADRE_OK && entries.more && entries.count < limit)
		status = read_page(cli, target->resource->ocid, limit, &entries);
	if (status == CADRE_OK && entries.count == 0)
		return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
		                       "\"%.200s\" never had a key \"%.200s\"",
		                       cli->words[0], cli->words[1]);
	if (status == CADRE_OK)
		print_entries(cli, target->resource->ocid, &entries);
	return status;
}
