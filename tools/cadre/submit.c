/* Changes: checked here, sent once with a retry token, and told. */
#include <inttypes.h>
#include <string.h>

#include "engine/domain/domain.h"
#include "tools/cadre/cli.h"
#include "tools/common/json_message.h"

/* What a change was answered. */
struct done {
	const Cadre__V1__CommandResult *result;
	bool repeated;
	bool durable_here_only;
	char position[64]; /* "timeline:seq" */
};

Cadre__V1__Command *cli_command(struct cli *cli, Cadre__V1__Command__BodyCase body)
{
	Cadre__V1__Command *command = cli_alloc(cli, sizeof(*command));

	cadre__v1__command__init(command);
	command->body_case = body;
	return command;
}

enum cadre_status cli_begin_mutation(struct cli *cli)
{
	const char *token = cli_value(cli, CLI_RETRY_TOKEN);
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Outcome outcome = CADRE__V1__OUTCOME__INIT;
	const Cadre__V1__Result *result;
	enum cadre_status status;

	if (!token)
		return CADRE_OK;
	op.body_case = CADRE__V1__OP__BODY_OUTCOME;
	op.outcome = &outcome;
	outcome.retry_token = (char *)(uintptr_t)token;
	status = cli_ask(cli, &op, &result);
	if (status == CADRE_OK) {
		cli->repeated = result->outcome;
		cli->as_of = result->outcome->seq - 1;
	}
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

static enum cadre_status check(struct cli *cli, Cadre__V1__Batch *batch)
{
	const char *ack = cli_value(cli, CLI_ACK);

	if (ack && strcmp(ack, "local") != 0 && strcmp(ack, "quorum") != 0)
		return cli_usage(cli, "--ack: \"%s\" is none of local, quorum", ack);
	batch->commands[0]->if_match = (char *)(uintptr_t)cli_value(cli, CLI_IF_MATCH);
	batch->retry_token =
	        (char *)(uintptr_t)(cli->made_token ? cli->made_token
	                                            : cli_value(cli, CLI_RETRY_TOKEN));
	if (batch->retry_token && strlen(batch->retry_token) >= sizeof(cli->retry_token))
		return cli_usage(cli, "--retry-token: more than 64 characters");
	if (batch->n_commands == 1)
		return cadre_command_check(batch->commands[0], &cli->err);
	return cadre_batch_check(batch, &cli->err);
}

static const char *hex_position(const Cadre__V1__Position *position, char text[64])
{
	text[0] = '\0';
	if (position && position->timeline_id.len == 16) {
		cadre_hex_encode(position->timeline_id.data, 16, text);
		snprintf(text + 32, 32, ":%" PRIu64, position->seq);
	}
	return text;
}

static enum cadre_status
take_answer(struct cli *cli, const struct cadre_client_answer *answer, struct done *done)
{
	const Cadre__V1__Response *response = cadre_client_answer_response(answer);
	const char *token = cadre_client_answer_retry_token(answer, 0);
	enum cadre_status status = (enum cadre_status)cadre_client_answer_status(answer);
	const Cadre__V1__Result *result;

	if (token)
		snprintf(cli->retry_token, sizeof(cli->retry_token), "%s", token);
	cli->silent = !response;
	cli->unknown = cadre_client_answer_outcome(answer) == CADRE_CLIENT_UNKNOWN;
	if (status != CADRE_OK)
		return cadre_error_set(&cli->err, status, "%s",
		                       cadre_client_answer_message(answer));
	if (!response || response->n_results != 1)
		return cadre_error_set(&cli->err, CADRE_INTERNAL,
		                       "an answer without a result");
	result = response->results[0];
	hex_position(response->position, done->position);
	if (result->body_case == CADRE__V1__RESULT__BODY_OUTCOME) {
		done->result = result->outcome;
		return CADRE_OK;
	}
	if (result->body_case != CADRE__V1__RESULT__BODY_BATCH)
		return cadre_error_set(&cli->err, CADRE_INTERNAL,
		                       "the node answered another question");
	done->repeated = result->batch->repeated_token;
	done->durable_here_only = result->batch->has_visible && !result->batch->visible;
	if (result->batch->n_results > 0)
		done->result = result->batch->results[result->batch->n_results - 1];
	return CADRE_OK;
}

static enum cadre_status send_batch(struct cli *cli, Cadre__V1__Batch *batch,
                                    struct done *done)
{
	const char *ack = cli_value(cli, CLI_ACK);
	struct cadre_client_call_options options = {
		.ack_local = ack && strcmp(ack, "local") == 0
	};
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	const Cadre__V1__Op *const ops[] = { &op };
	struct cadre_client_answer *answer = NULL;
	enum cadre_status status = cli_open(cli);

	if (status != CADRE_OK)
		return status;
	op.body_case = CADRE__V1__OP__BODY_BATCH;
	op.batch = batch;
	cli->sending = true;
	options.timeout_ms = cli_remaining_ms(cli);
	cadre_client_call(cli->client, ops, 1, &options, &answer);
	status = cli_keep(cli, answer);
	if (status == CADRE_OK)
		status = take_answer(cli, answer, done);
	cli->sending = status != CADRE_OK;
	cli->done += status == CADRE_OK;
	return status;
}

static void print_done(struct cli *cli, const char *what, const struct done *done)
{
	const Cadre__V1__CommandResult *result = done->result;
	struct cadre_json json = { 0 };
	bool changed = !result->has_changed || result->changed;

	if (cli->mode == CADRE_OUTPUT_QUIET) {
		printf("%s\n", result->id ? result->id : "");
		return;
	}
	if (cli->mode == CADRE_OUTPUT_TEXT) {
		printf("%s %s", what, result->id ? result->id : "");
		if (result->has_version_id && result->version_id > 0)
			printf(", version %" PRIu64, result->version_id);
		printf("%s%s\n", changed ? "" : ": nothing to do",
		       done->repeated ? " (done before, with this retry token)" : "");
		printf("  seq %" PRIu64 ", etag %s\n  token %s\n", result->seq,
		       result->etag ? result->etag : "-", done->position);
		if (done->durable_here_only)
			puts("  durable on the leader, not yet on a majority");
		return;
	}
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "id", result->id);
	if (result->has_version_id)
		cadre_json_key_u64(&json, "versionId", result->version_id);
	cadre_json_key_u64(&json, "seq", result->seq);
	cadre_json_key_text(&json, "etag", result->etag);
	cadre_json_key_bool(&json, "changed", changed);
	cadre_json_key_bool(&json, "repeated", done->repeated);
	cadre_json_key_bool(&json, "visible", !done->durable_here_only);
	cadre_json_key_text(&json, "token", done->position);
	cadre_json_key_text(&json, "retryToken", cli->retry_token);
	cadre_json_end(&json, '}');
	cli_print_json(&json);
	cadre_json_fini(&json);
}

static enum cadre_status print_dry_run(struct cli *cli, const Cadre__V1__Batch *batch)
{
	struct cadre_json json = { 0 };
	enum cadre_status status;

	cadre_json_begin(&json, '{');
	cadre_json_key_bool(&json, "dryRun", true);
	cadre_json_key(&json, "batch");
	status = cadre_json_put_message(&json, &batch->base, &cli->err);
	cadre_json_end(&json, '}');
	if (status == CADRE_OK && cli->mode != CADRE_OUTPUT_QUIET)
		cli_print_json(&json);
	cadre_json_fini(&json);
	cli_note(cli, "dry run: nothing was sent");
	return status;
}

static enum cadre_status submit(struct cli *cli, Cadre__V1__Command **commands,
                                size_t count, struct done *done, Cadre__V1__Batch *batch)
{
	enum cadre_status status;

	cadre__v1__batch__init(batch);
	batch->commands = commands;
	batch->n_commands = count;
	status = check(cli, batch);
	if (status == CADRE_OK && !cli_has(cli, CLI_DRY_RUN))
		status = send_batch(cli, batch, done);
	return status;
}

enum cadre_status cli_submit_all(struct cli *cli, Cadre__V1__Command **commands,
                                 size_t count, const char *what)
{
	struct done done = { 0 };
	Cadre__V1__Batch batch;
	enum cadre_status status = submit(cli, commands, count, &done, &batch);

	if (status != CADRE_OK)
		return status;
	if (cli_has(cli, CLI_DRY_RUN))
		return print_dry_run(cli, &batch);
	if (done.result)
		print_done(cli, what, &done);
	return CADRE_OK;
}

enum cadre_status cli_submit(struct cli *cli, Cadre__V1__Command *command,
                             const char *what)
{
	return cli_submit_all(cli, &command, 1, what);
}

enum cadre_status cli_send(struct cli *cli, Cadre__V1__Command **commands, size_t count,
                           const Cadre__V1__CommandResult **ret_result)
{
	struct done done = { 0 };
	Cadre__V1__Batch batch;
	enum cadre_status status = submit(cli, commands, count, &done, &batch);

	*ret_result = done.result;
	return status;
}

/* ---- outcome ---- */

void cli_print_repeated(struct cli *cli)
{
	struct done done = { .result = cli->repeated, .repeated = true };

	snprintf(cli->retry_token, sizeof(cli->retry_token), "%s",
	         cli_value(cli, CLI_RETRY_TOKEN));
	print_done(cli, "done:", &done);
}

enum cadre_status cli_outcome(struct cli *cli)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Outcome outcome = CADRE__V1__OUTCOME__INIT;
	const Cadre__V1__Result *result = NULL;
	struct done done = { .repeated = true };
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_OUTCOME;
	op.outcome = &outcome;
	outcome.retry_token = (char *)(uintptr_t)cli->words[0];
	status = cli_ask(cli, &op, &result);
	if (status != CADRE_OK)
		return status;
	done.result = result->outcome;
	snprintf(cli->retry_token, sizeof(cli->retry_token), "%s", cli->words[0]);
	print_done(cli, "done:", &done);
	return CADRE_OK;
}
