/*
 * apply: brings version histories to the members that files want.
 *
 * A file holds one or more objects in the form of OCI's model group (also what `cadre
 * group show --json` prints): modelGroupVersionHistoryName names the history,
 * memberModelEntries is the complete list that its latest shall have. All plans are
 * made and shown first; then each is one command, or, for a history that is not there
 * yet, one batch that makes both.
 *
 * A plan's patch names the version it was made against: when somebody else was faster
 * it is refused, never mixed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cadre/apply_plan.h"

struct plans {
	struct cli_plan **list;
	size_t count, changing;
	const char *file;
};

static enum cadre_status take_value(struct cli *cli, void *ctx, json_t *value,
                                    size_t line)
{
	struct plans *plans = ctx;
	struct cli_plan *plan = cli_alloc(cli, sizeof(*plan));
	struct cli_plan **list;
	enum cadre_status status = cli_plan_make(cli, value, plan);

	if (status != CADRE_OK) {
		cadre_error_prefix(&cli->err, "%s:%zu: ", plans->file, line);
		return status;
	}
	list = cli_alloc(cli, (plans->count + 1) * sizeof(*list));
	if (plans->count > 0)
		memcpy(list, plans->list, plans->count * sizeof(*list));
	list[plans->count++] = plan;
	plans->list = list;
	plans->changing += plan->count > 0;
	return CADRE_OK;
}

static void show(struct cli *cli, struct cli_plan *plan)
{
	if (cli->mode != CADRE_OUTPUT_TEXT)
		return;
	if (plan->count == 0) {
		printf("%s: as wanted, version %" PRIu64 "\n", plan->history_name,
		       plan->version_id);
		return;
	}
	if (plan->version_id > 0)
		printf("%s: a version after %" PRIu64 "%s\n", plan->history_name,
		       plan->version_id, plan->details ? ", with other details" : "");
	else
		printf("%s: %s\n", plan->history_name,
		       plan->count > 1 ? "a new history with its first version"
		                       : "its first version");
	cli_changes_print(cli, &plan->changes);
}

/* True when nobody is there to ask, or the answer is yes. */
static bool agreed(const struct cli *cli)
{
	char answer[16];

	if (cli_has(cli, CLI_YES) || cli_has(cli, CLI_DRY_RUN) || !isatty(STDIN_FILENO))
		return true;
	fflush(stdout);
	fputs("apply this? [y/N] ", stderr);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

static void put_plan(struct cadre_json *json, struct cli *cli, struct cli_plan *plan)
{
	const Cadre__V1__CommandResult *result = plan->result;

	cadre_json_end(&plan->changes.json, ']');
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "history", plan->history_name);
	cadre_json_key_bool(json, "changed", plan->count > 0);
	cadre_json_key_u64(json, "added", plan->changes.added);
	cadre_json_key_u64(json, "removed", plan->changes.removed);
	cadre_json_key_u64(json, "rekeyed", plan->changes.rekeyed);
	cadre_json_key(json, "changes");
	cadre_json_raw(json, cli_text(cli, "%.*s", (int)plan->changes.json.text.length,
	                              (const char *)plan->changes.json.text.data));
	json->comma = true;
	if (result) {
		cadre_json_key_text(json, "id", result->id);
		cadre_json_key_u64(json, "versionId", result->version_id);
		cadre_json_key_u64(json, "seq", result->seq);
		cadre_json_key_text(json, "etag", result->etag);
	}
	cadre_json_end(json, '}');
}

static void print_results(struct cli *cli, const struct plans *plans)
{
	struct cadre_json json = { 0 };

	cadre_json_begin(&json, '{');
	cadre_json_key_bool(&json, "dryRun", cli_has(cli, CLI_DRY_RUN));
	cadre_json_key(&json, "plans");
	cadre_json_begin(&json, '[');
	for (size_t i = 0; i < plans->count; i++) {
		struct cli_plan *plan = plans->list[i];

		put_plan(&json, cli, plan);
		if (!plan->result)
			continue;
		if (cli->mode == CADRE_OUTPUT_QUIET)
			puts(plan->result->id);
		else if (cli->mode == CADRE_OUTPUT_TEXT)
			printf("%s: version %" PRIu64 " is %s, seq %" PRIu64 "\n",
			       plan->history_name, plan->result->version_id,
			       plan->result->id, plan->result->seq);
	}
	cadre_json_end(&json, ']');
	cadre_json_end(&json, '}');
	if (cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&json);
	cadre_json_fini(&json);
}

static enum cadre_status send_all(struct cli *cli, const struct plans *plans)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < plans->count && status == CADRE_OK; i++) {
		struct cli_plan *plan = plans->list[i];

		if (plan->count == 0)
			continue;
		status = cli_send(cli, plan->commands, plan->count, &plan->result);
		if (status != CADRE_OK)
			cadre_error_prefix(&cli->err, "%s: ", plan->history_name);
	}
	return status;
}

enum cadre_status cli_apply(struct cli *cli)
{
	struct plans plans = { 0 };
	enum cadre_status status = CADRE_OK;

	for (unsigned i = 0; i < cli->count && status == CADRE_OK; i++) {
		plans.file = cli->words[i];
		status = cli_read_values(cli, cli->words[i], take_value, &plans);
	}
	if (status == CADRE_OK && plans.changing > 1 && cli_has(cli, CLI_RETRY_TOKEN))
		status = cli_usage(cli, "--retry-token is for one change, these are %zu",
		                   plans.changing);
	for (size_t i = 0; i < plans.count && status == CADRE_OK; i++)
		show(cli, plans.list[i]);
	if (status == CADRE_OK && plans.changing > 0 && !agreed(cli))
		return cadre_error_set(&cli->err, CADRE_INVALID_PARAMETER,
		                       "not agreed to: nothing was done");
	if (status == CADRE_OK)
		status = send_all(cli, &plans);
	/* Also after a failure: what was done before it. */
	print_results(cli, &plans);
	if (status == CADRE_OK && cli_has(cli, CLI_DRY_RUN))
		cli_note(cli, "dry run: nothing was sent");
	for (size_t i = 0; i < plans.count; i++)
		cli_changes_fini(&plans.list[i]->changes);
	return status;
}
