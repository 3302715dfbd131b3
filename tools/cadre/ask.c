/* Asking the cluster. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/cadre/cli.h"
#include "tools/common/key_text.h"

#define TIMEOUT_S 10u
#define TIMEOUT_S_MAX 86400u
/* The longest that one question may take. */
#define QUESTION_MS_MAX 600000u

void *cli_alloc(struct cli *cli, size_t bytes)
{
	void *memory = cadre_arena_alloc(&cli->arena, bytes > 0 ? bytes : 1);

	if (!memory) {
		fputs(CLI_PROGRAM ": out of memory\n", stderr);
		exit(1);
	}
	return memset(memory, 0, bytes);
}

const char *cli_text(struct cli *cli, const char *format, ...)
{
	va_list args;
	int length;
	char *text;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = cli_alloc(cli, (size_t)length + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

/* "timeline:seq", as changes print it. */
static enum cadre_status read_after(struct cli *cli)
{
	const char *text = cli_value(cli, CLI_AFTER);
	uint8_t timeline_id[16];
	char digits[33];
	char *end = NULL;
	uint64_t seq;

	if (!text)
		return CADRE_OK;
	snprintf(digits, sizeof(digits), "%s", text);
	if (strlen(text) < 34 || text[32] != ':' ||
	    !cadre_hex_decode(digits, timeline_id, sizeof(timeline_id)))
		return cli_usage(cli, "--after: \"%s\" is no token of a change", text);
	seq = strtoull(text + 33, &end, 10);
	if (*end != '\0')
		return cli_usage(cli, "--after: \"%s\" is no token of a change", text);
	cadre_client_read_after(cli->client, timeline_id, seq);
	return CADRE_OK;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t cli_remaining_ms(const struct cli *cli)
{
	uint64_t now = now_ns();
	uint64_t left_ms = now < cli->deadline_ns ? (cli->deadline_ns - now) / 1000000u
	                                          : 0;

	if (left_ms > QUESTION_MS_MAX)
		return QUESTION_MS_MAX;
	return left_ms > 0 ? (uint32_t)left_ms : 1;
}

void cli_set_remaining_ms(struct cli *cli, uint32_t remaining_ms)
{
	cli->deadline_ns = now_ns() + (uint64_t)remaining_ms * 1000000u;
}

enum cadre_status cli_open(struct cli *cli)
{
	struct cadre_client_options options = {
		.addresses = cli->context.addresses,
		.address_count = cli->context.address_count,
		.compartment = cli->context.compartment,
		.on_behalf_of = cli_value(cli, CLI_AS),
	};
	struct cadre_key_text key = { 0 };
	uint64_t seconds = 0;
	char message[400];
	int opened;
	enum cadre_status status;

	if (cli->client)
		return CADRE_OK;
	status = cli_number(cli, CLI_TIMEOUT, TIMEOUT_S, &seconds);
	if (status != CADRE_OK)
		return status;
	if (seconds < 1 || seconds > TIMEOUT_S_MAX)
		return cli_usage(cli, "--timeout: 1 to %u seconds", TIMEOUT_S_MAX);
	cli->deadline_ns = now_ns() + seconds * 1000000000u;
	/* The deadline ends it, not a count. */
	options.attempts_max = UINT32_MAX;
	if (!cli->context.principal != !cli->context.key)
		return cli_usage(cli, "a principal and its key go together");
	if (cli->context.key) {
		status = cadre_key_text_read(cli->context.key, true, &key, &cli->err);
		if (status != CADRE_OK)
			return status;
		options.principal = cli->context.principal;
		options.private_key_pem = key.text;
	}
	opened = cadre_client_open(&options, &cli->client, message, sizeof(message));
	cadre_key_text_free(&key);
	if (opened != 0)
		return cli_usage(cli, "%s", message);
	return read_after(cli);
}

enum cadre_status cli_keep(struct cli *cli, struct cadre_client_answer *answer)
{
	struct cadre_client_answer **answers =
	        realloc(cli->answers,
	                (cli->answer_count + 1) * sizeof(struct cadre_client_answer *));

	if (answers)
		cli->answers = answers;
	if (!answers || !answer) {
		cadre_client_answer_free(answer);
		return cadre_error_set(&cli->err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the answer");
	}
	cli->answers[cli->answer_count++] = answer;
	return CADRE_OK;
}

/* The result that belongs to a question; batches have a judge of their own. */
static Cadre__V1__Result__BodyCase answer_of(Cadre__V1__Op__BodyCase question)
{
	static const struct {
		Cadre__V1__Op__BodyCase question;
		Cadre__V1__Result__BodyCase answer;
	} pairs[] = {
		{ CADRE__V1__OP__BODY_GET, CADRE__V1__RESULT__BODY_RESOURCE },
		{ CADRE__V1__OP__BODY_RESOLVE, CADRE__V1__RESULT__BODY_RESOLVE },
		{ CADRE__V1__OP__BODY_LIST, CADRE__V1__RESULT__BODY_LIST },
		{ CADRE__V1__OP__BODY_DIFF, CADRE__V1__RESULT__BODY_DIFF },
		{ CADRE__V1__OP__BODY_KEY_LOG, CADRE__V1__RESULT__BODY_KEY_LOG },
		{ CADRE__V1__OP__BODY_HISTORY_LOG, CADRE__V1__RESULT__BODY_HISTORY_LOG },
		{ CADRE__V1__OP__BODY_OUTCOME, CADRE__V1__RESULT__BODY_OUTCOME },
		{ CADRE__V1__OP__BODY_WATCH, CADRE__V1__RESULT__BODY_WATCH },
		{ CADRE__V1__OP__BODY_STATUS, CADRE__V1__RESULT__BODY_NODE_STATUS },
		{ CADRE__V1__OP__BODY_MODEL_STATES,
		  CADRE__V1__RESULT__BODY_MODEL_STATES },
		{ CADRE__V1__OP__BODY_ENDPOINTS, CADRE__V1__RESULT__BODY_ENDPOINTS },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].question == question)
			return pairs[i].answer;
	return CADRE__V1__RESULT__BODY__NOT_SET;
}

enum cadre_status cli_ask(struct cli *cli, const Cadre__V1__Op *op,
                          const Cadre__V1__Result **ret_result)
{
	const Cadre__V1__Op *const ops[] = { op };
	struct cadre_client_call_options options = { 0 };
	struct cadre_client_answer *answer = NULL;
	const Cadre__V1__Response *response;
	enum cadre_status status = cli_open(cli);

	if (status != CADRE_OK)
		return status;
	options.timeout_ms = cli_remaining_ms(cli);
	cadre_client_call(cli->client, ops, 1, &options, &answer);
	status = cli_keep(cli, answer);
	if (status != CADRE_OK)
		return status;
	status = (enum cadre_status)cadre_client_answer_status(answer);
	response = cadre_client_answer_response(answer);
	cli->silent = !response;
	if (status != CADRE_OK)
		return cadre_error_set(&cli->err, status, "%s",
		                       cadre_client_answer_message(answer));
	if (!response || response->n_results != 1 ||
	    response->results[0]->body_case != answer_of(op->body_case))
		return cadre_error_set(&cli->err, CADRE_INTERNAL,
		                       "the node answered another question");
	*ret_result = response->results[0];
	return CADRE_OK;
}
