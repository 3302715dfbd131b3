#include <stdlib.h>
#include <string.h>

#include "tools/cadre/cli.h"

void cli_print_json(struct cadre_json *json)
{
	fwrite(json->text.data, 1, json->text.length, stdout);
	fputc('\n', stdout);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
	va_list args;

	if (cli->mode != CADRE_OUTPUT_TEXT)
		return;
	fflush(stdout);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

const char *cli_time(uint64_t time_ms, char text[32])
{
	if (time_ms > 0)
		cadre_time_format(time_ms, text);
	else
		snprintf(text, 32, "-");
	return text;
}

static const char *enum_name(const ProtobufCEnumDescriptor *type, int number)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type,
	                                                                       number);

	return value ? value->name : "?";
}

const char *cli_state_name(Cadre__V1__LifecycleState state)
{
	return enum_name(&cadre__v1__lifecycle_state__descriptor, (int)state);
}

const char *cli_member_state_name(Cadre__V1__MemberState state)
{
	return enum_name(&cadre__v1__member_state__descriptor, (int)state) +
	       strlen("MEMBER_");
}

/* ---- report ---- */

static bool changes(const struct cli_verb *verb)
{
	return (verb->options & CLI_BIT(CLI_DRY_RUN)) != 0;
}

static void report_json(const struct cli *cli)
{
	struct cadre_json json = { 0 };

	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "error", cadre_status_name(cli->err.status));
	cadre_json_key_text(&json, "message", cli->err.message);
	if (changes(cli->verb))
		cadre_json_key_text(&json, "outcome",
		                    cli->unknown ? "UNKNOWN" : "NOT_DONE");
	if (cli->retry_token[0])
		cadre_json_key_text(&json, "retryToken", cli->retry_token);
	cadre_json_end(&json, '}');
	fprintf(stderr, "%.*s\n", (int)json.text.length, (const char *)json.text.data);
	cadre_json_fini(&json);
}

static const char *remedy_of(const struct cli *cli)
{
	switch ((int)cli->err.status) {
	case CADRE_ETAG_MISMATCH:
		return "it was changed meanwhile: show it and decide anew";
	case CADRE_INVALIDATED_RETRY_TOKEN:
		return "this retry token did something else: leave it out, or ask "
		       "\"cadre outcome\"";
	case CADRE_UNAVAILABLE:
	case CADRE_DEADLINE:
		return cli->silent ? "is the node running? --address and $CADRE_ADDRESS "
		                     "say where to ask"
		                   : NULL;
	case CADRE_LAGGING:
		return "this node is behind: ask again, or ask the leader";
	case CADRE_TOKEN_LOST:
		return "the cluster was restored since: what the token stood for may be "
		       "gone";
	default:
		return NULL;
	}
}

/* What is known of a change that failed. */
static void report_outcome(const struct cli *cli, int code)
{
	if (cli->unknown)
		fprintf(stderr,
		        "  outcome unknown: send it again with --retry-token %s, or ask "
		        "\"" CLI_PROGRAM " outcome %s\"\n",
		        cli->retry_token, cli->retry_token);
	else if (changes(cli->verb) && cli->done > 0)
		fprintf(stderr, "  this was not done; %u before it were\n", cli->done);
	else if (changes(cli->verb) && code == CLI_EXIT_UNAVAILABLE)
		fputs("  nothing was done\n", stderr);
}

static int report(struct cli *cli)
{
	int code = cli->unknown ? CLI_EXIT_UNAVAILABLE
	                        : cadre_status_exit_code(cli->err.status);
	const char *remedy = remedy_of(cli);
	char name[64];

	fflush(stdout);
	if (cli->usage) {
		fprintf(stderr, CLI_PROGRAM " %s: %s\n", cli_verb_name(cli->verb, name),
		        cli->err.message);
		return CLI_EXIT_USAGE;
	}
	if (cli->mode == CADRE_OUTPUT_JSON) {
		report_json(cli);
		return code;
	}
	cadre_report(CLI_PROGRAM, cli->mode, &cli->err);
	if (remedy && !cli->unknown)
		fprintf(stderr, "  %s\n", remedy);
	report_outcome(cli, code);
	return code;
}

static void cli_fini(struct cli *cli)
{
	for (size_t i = 0; i < cli->answer_count; i++)
		cadre_client_answer_free(cli->answers[i]);
	free(cli->answers);
	cadre_client_close(cli->client);
	json_decref(cli->body);
	cadre_arena_fini(&cli->arena);
}

static bool asks(const struct cli_verb *verb)
{
	return (verb->options & CLI_BIT(CLI_TIMEOUT)) != 0;
}

int main(int argc, char **argv)
{
	static struct cli cli;
	enum cadre_status status = CADRE_OK;
	int code = 0;

	if (!cli_parse(&cli, argc, argv, &code))
		return code;
	cadre_arena_init(&cli.arena, CLI_ARENA_BYTES);
	if (asks(cli.verb))
		status = cli_context_load(&cli);
	if (status == CADRE_OK)
		status = cli.verb->run(&cli);
	/* What was named is gone, or named otherwise, because the change was made. */
	if (status == CADRE_NOT_FOUND && cli.repeated && !cli.sending) {
		cli_print_repeated(&cli);
		status = CADRE_OK;
	}
	if (status != CADRE_OK)
		code = report(&cli);
	cli_fini(&cli);
	if (fflush(stdout) != 0 && code == 0) {
		perror(CLI_PROGRAM ": standard output");
		code = 1;
	}
	return code;
}
