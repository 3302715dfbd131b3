/*
 * watch: events as they commit.
 *
 * One question is under way at a time; its answer, and SIGINT or SIGTERM, arrive
 * through a pipe on which the main thread waits. A node that goes away is asked again
 * from the next seq on: no event is left out and none comes twice.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tools/cadre/cli.h"
#include "tools/cadre/event_text.h"
#include "tools/common/json_message.h"

#define PARK_MS 20000u
/* Above PARK_MS: a node that answers is not given up. */
#define QUESTION_MS 25000u
#define EVENTS_MAX 500u

enum { WOKEN_BY_ANSWER = 'a', WOKEN_BY_SIGNAL = 's' };

struct watch {
	struct cli *cli;
	uint64_t next;
	uint64_t left; /* events until it ends; UINT64_MAX: never */
	bool away;     /* told that nobody answers */
	struct cadre_client_answer *answer;
};

static int wake_pipe[2];

static void on_signal(int number)
{
	char byte = WOKEN_BY_SIGNAL;
	int before = errno;
	ssize_t ignored = write(wake_pipe[1], &byte, 1);

	(void)number;
	(void)ignored;
	errno = before;
}

/* On a thread of the client's. */
static void on_answer(void *ctx, struct cadre_client_answer *answer)
{
	struct watch *watch = ctx;
	char byte = WOKEN_BY_ANSWER;
	ssize_t ignored;

	watch->answer = answer;
	ignored = write(wake_pipe[1], &byte, 1);
	(void)ignored;
}

static enum cadre_status catch_signals(struct cli *cli)
{
	struct sigaction action = { .sa_handler = on_signal };

	if (pipe(wake_pipe) != 0)
		return cadre_error_errno(&cli->err, errno, "pipe");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return CADRE_OK;
}

/* What woke it. */
static char wait_for_byte(void)
{
	char byte = 0;

	while (read(wake_pipe[0], &byte, 1) < 0 && errno == EINTR)
		;
	return byte;
}

/* Without --from: what comes behind the newest event there is. */
static enum cadre_status first_seq(struct watch *watch)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__StatusQuery query = CADRE__V1__STATUS_QUERY__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status = cli_number(watch->cli, CLI_FROM, 0, &watch->next);

	if (status != CADRE_OK || watch->next > 0)
		return status;
	op.body_case = CADRE__V1__OP__BODY_STATUS;
	op.status = &query;
	status = cli_ask(watch->cli, &op, &result);
	if (status == CADRE_OK)
		watch->next = result->node_status->committed_seq + 1;
	return status;
}

static enum cadre_status print_event(struct cli *cli, const Cadre__V1__WatchEvent *event)
{
	struct cadre_json json = { 0 };
	enum cadre_status status = CADRE_OK;
	char time[32];
	char text[CLI_EVENT_BYTES];

	switch (cli->mode) {
	case CADRE_OUTPUT_QUIET:
		printf("%" PRIu64 "\n", event->seq);
		break;
	case CADRE_OUTPUT_TEXT:
		printf("%" PRIu64 "  %s  %s  %s\n", event->seq,
		       cli_time(event->time_ms, time),
		       event->event->actor ? event->event->actor->principal : "-",
		       cli_event_text(event->event, text));
		break;
	case CADRE_OUTPUT_JSON:
		cadre_json_begin(&json, '{');
		cadre_json_key_u64(&json, "seq", event->seq);
		cadre_json_key_time(&json, "time", event->time_ms);
		cadre_json_key_u64(&json, "epoch", event->epoch);
		cadre_json_key(&json, "event");
		status = cadre_json_put_message(&json, &event->event->base, &cli->err);
		cadre_json_end(&json, '}');
		if (status == CADRE_OK)
			cli_print_json(&json);
		cadre_json_fini(&json);
		break;
	}
	return status;
}

static bool passes(enum cadre_status status)
{
	switch ((int)status) {
	case CADRE_UNAVAILABLE:
	case CADRE_DEADLINE:
	case CADRE_LAGGING:
	case CADRE_NOT_LEADER:
	case CADRE_TOO_MANY_REQUESTS:
	case CADRE_FENCED:
		return true;
	default:
		return false;
	}
}

static void tell_away(struct watch *watch, const char *message)
{
	if (!watch->away)
		cli_note(watch->cli, "waiting for a node: %s", message);
	watch->away = true;
}

static enum cadre_status print_events(struct watch *watch,
                                      const Cadre__V1__WatchResult *result)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < result->n_events && status == CADRE_OK && watch->left > 0;
	     i++) {
		status = print_event(watch->cli, result->events[i]);
		watch->next = result->events[i]->seq + 1;
		if (watch->left != UINT64_MAX)
			watch->left--;
	}
	if (status == CADRE_OK && watch->left > 0)
		watch->next = result->next_seq;
	if (fflush(stdout) != 0)
		return cadre_error_errno(&watch->cli->err, errno, "standard output");
	return status;
}

static enum cadre_status take_answer(struct watch *watch)
{
	struct cadre_client_answer *answer = watch->answer;
	const Cadre__V1__Response *response = cadre_client_answer_response(answer);
	enum cadre_status status = (enum cadre_status)cadre_client_answer_status(answer);

	watch->answer = NULL;
	if (status == CADRE_OK && response && response->n_results == 1 &&
	    response->results[0]->body_case == CADRE__V1__RESULT__BODY_WATCH) {
		if (watch->away)
			cli_note(watch->cli, "connected again");
		watch->away = false;
		status = print_events(watch, response->results[0]->watch);
	} else if (passes(status)) {
		tell_away(watch, cadre_client_answer_message(answer));
		status = CADRE_OK;
	} else if (status == CADRE_OK) {
		status = cadre_error_set(&watch->cli->err, CADRE_INTERNAL,
		                         "the node answered another question");
	} else {
		status = cadre_error_set(&watch->cli->err, status, "%s",
		                         cadre_client_answer_message(answer));
	}
	cadre_client_answer_free(answer);
	return status;
}

static enum cadre_status ask(struct watch *watch)
{
	static const struct cadre_client_call_options options = { .timeout_ms =
		                                                          QUESTION_MS };
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Watch question = CADRE__V1__WATCH__INIT;
	const Cadre__V1__Op *const ops[] = { &op };

	op.body_case = CADRE__V1__OP__BODY_WATCH;
	op.watch = &question;
	question.from_seq = watch->next;
	question.has_max_events = true;
	question.max_events = EVENTS_MAX;
	question.has_wait_ms = true;
	question.wait_ms = PARK_MS;
	if (cadre_client_start(watch->cli->client, ops, 1, &options, on_answer, watch) !=
	    0)
		return cadre_error_set(&watch->cli->err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a question");
	return CADRE_OK;
}

enum cadre_status cli_watch(struct cli *cli)
{
	struct watch watch = { .cli = cli };
	enum cadre_status status = cli_number(cli, CLI_LIMIT, UINT64_MAX, &watch.left);

	if (status == CADRE_OK)
		status = cli_open(cli);
	if (status == CADRE_OK)
		status = first_seq(&watch);
	if (status == CADRE_OK)
		status = catch_signals(cli);
	while (status == CADRE_OK && watch.left > 0) {
		status = ask(&watch);
		if (status == CADRE_OK && wait_for_byte() == WOKEN_BY_SIGNAL)
			break;
		if (status == CADRE_OK)
			status = take_answer(&watch);
	}
	/* Ends a question under way: its answer comes before close returns. */
	cadre_client_close(cli->client);
	cli->client = NULL;
	cadre_client_answer_free(watch.answer);
	return status;
}
