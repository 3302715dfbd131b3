/*
 * Events as they commit, as server-sent events. An event's id is its seq: who comes back
 * with Last-Event-ID goes on behind it, none left out and none twice.
 */
#include <stdlib.h>

#include "tools/common/json_message.h"
#include "tools/gateway/exchange.h"
#include "tools/gateway/operations.h"

/* A question waits so long; then the client gets a comment, so that both sides see
 * whether the other is still there. */
#define WAIT_MS 2000u
#define EVENTS_MAX 200u
#define FEWER 6u

struct watching {
	struct gateway_request *request;
	struct gateway_stream *stream;
	uint64_t next; /* 0: what comes next */
	char *on_behalf_of;
};

static enum cadre_status first_seq(struct gateway_request *request, uint64_t *ret_next)
{
	const char *last = gateway_header(request, "last-event-id");
	char *end = NULL;

	if (!last || *last == '\0')
		return gateway_query_number(request, "from", 0, 1, UINT64_MAX - 1,
		                            ret_next);
	*ret_next = strtoull(last, &end, 10) + 1;
	if (*last >= '0' && *last <= '9' && *end == '\0' && strlen(last) < 20)
		return CADRE_OK;
	return cadre_error_set(&request->err, CADRE_INVALID_PARAMETER,
	                       "last-event-id: \"%.40s\" is no seq", last);
}

static enum cadre_status ask_for(struct watching *watching, uint32_t events,
                                 uint32_t wait_ms,
                                 struct cadre_client_answer **ret_answer)
{
	const struct cadre_client_call_options options = {
		.timeout_ms = watching->request->gateway->call_ms + wait_ms,
		.on_behalf_of = watching->request->actor.local
		                        ? NULL
		                        : watching->request->actor.principal,
	};
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Watch watch = CADRE__V1__WATCH__INIT;
	const Cadre__V1__Op *const ops[] = { &op };

	op.body_case = CADRE__V1__OP__BODY_WATCH;
	op.watch = &watch;
	watch.from_seq = watching->next;
	watch.has_max_events = watch.has_wait_ms = true;
	watch.max_events = events;
	watch.wait_ms = wait_ms;
	cadre_client_call(watching->request->gateway->client, ops, 1, &options,
	                  ret_answer);
	return (enum cadre_status)cadre_client_answer_status(*ret_answer);
}

/* Fewer at a time while they are too large for one answer: one alone always fits. */
static enum cadre_status ask(struct watching *watching, uint32_t wait_ms,
                             struct cadre_client_answer **ret_answer)
{
	uint32_t events = EVENTS_MAX;
	enum cadre_status status;

	for (;;) {
		status = ask_for(watching, events, wait_ms, ret_answer);
		if (events == 1 ||
		    (status != CADRE_LIMIT_EXCEEDED && status != CADRE_TOO_LARGE))
			return status;
		cadre_client_answer_free(*ret_answer);
		*ret_answer = NULL;
		events = events > FEWER ? events / FEWER : 1;
	}
}

static void put_event(struct cadre_json *text, const Cadre__V1__WatchEvent *event)
{
	const ProtobufCMessageDescriptor *type = event->event->base.descriptor;
	const ProtobufCFieldDescriptor *body = protobuf_c_message_descriptor_get_field(
	        type, (unsigned)event->event->body_case);
	struct cadre_error ignored;
	char line[64];

	snprintf(line, sizeof line, "id: %llu\nevent: ", (unsigned long long)event->seq);
	cadre_json_raw(text, line);
	cadre_json_raw(text, body ? body->name : "event");
	cadre_json_raw(text, "\ndata: ");
	text->comma = false;
	cadre_json_begin(text, '{');
	cadre_json_key_u64(text, "seq", event->seq);
	cadre_json_key_time(text, "time", event->time_ms);
	cadre_json_key_u64(text, "epoch", event->epoch);
	cadre_json_key(text, "event");
	if (cadre_json_put_message(text, &event->event->base, &ignored) != CADRE_OK)
		text->failed = true;
	cadre_json_end(text, '}');
	cadre_json_raw(text, "\n\n");
}

static enum cadre_status send_events(struct watching *watching,
                                     const Cadre__V1__WatchResult *result)
{
	struct cadre_json text = { 0 };
	enum cadre_status status;

	for (size_t i = 0; i < result->n_events; i++)
		put_event(&text, result->events[i]);
	if (result->n_events == 0)
		cadre_json_raw(&text, ": nothing new\n\n");
	status = cadre_json_status(&text, NULL);
	if (status == CADRE_OK)
		status = gateway_stream_write(watching->stream,
		                              cadre_buffer_slice(&text.text));
	cadre_json_fini(&text);
	if (result->next_seq > 0)
		watching->next = result->next_seq;
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

/* One question and what it brings. */
static enum cadre_status step(struct watching *watching)
{
	static const Cadre__V1__WatchResult nothing = CADRE__V1__WATCH_RESULT__INIT;
	struct cadre_client_answer *answer = NULL;
	enum cadre_status status = ask(watching, WAIT_MS, &answer);
	const Cadre__V1__Response *response = cadre_client_answer_response(answer);

	if (status == CADRE_OK && response && response->n_results == 1)
		status = send_events(watching, response->results[0]->watch);
	else if (passes(status))
		status = send_events(watching, &nothing);
	cadre_client_answer_free(answer);
	return status;
}

/* The first question is answered before the stream begins: a seq that is no longer in
 * the log is an ordinary error. */
static enum cadre_status begin(struct watching *watching)
{
	struct gateway_request *request = watching->request;
	struct cadre_client_answer *answer = NULL;
	const Cadre__V1__Response *response;
	enum cadre_status status = ask(watching, 0, &answer);

	response = cadre_client_answer_response(answer);
	if (status != CADRE_OK || !response || response->n_results != 1) {
		cadre_error_set(&request->err, status ? status : CADRE_INTERNAL, "%s",
		                cadre_client_answer_message(answer));
		cadre_client_answer_free(answer);
		return request->err.status;
	}
	watching->stream = gateway_exchange_stream(request, "text/event-stream");
	status = watching->stream ? send_events(watching, response->results[0]->watch)
	                          : CADRE_OUT_OF_MEMORY;
	cadre_client_answer_free(answer);
	return status;
}

enum cadre_status gateway_watch(struct gateway_request *request)
{
	struct watching watching = { .request = request };
	enum cadre_status status = first_seq(request, &watching.next);

	if (status == CADRE_OK)
		status = begin(&watching);
	while (status == CADRE_OK && !atomic_load(&request->gateway->stopping))
		status = step(&watching);
	if (!watching.stream)
		return status;
	gateway_stream_end(watching.stream, false);
	gateway_stream_unref(watching.stream);
	return CADRE_OK;
}
