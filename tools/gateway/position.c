#include "tools/gateway/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One look for an event that is not there yet. */
#define LOOK_MS 1000u
#define TIMELINE_CHARS 32u

struct wanted {
	uint8_t timeline_id[16];
	uint64_t seq;
};

static bool parse(const char *text, struct wanted *ret_wanted)
{
	char digits[TIMELINE_CHARS + 1];
	char *end = NULL;

	snprintf(digits, sizeof digits, "%s", text);
	if (strlen(text) < TIMELINE_CHARS + 2 || strlen(text) > TIMELINE_CHARS + 20 ||
	    text[TIMELINE_CHARS] != ':' || text[TIMELINE_CHARS + 1] < '0' ||
	    text[TIMELINE_CHARS + 1] > '9' ||
	    !cadre_hex_decode(digits, ret_wanted->timeline_id,
	                      sizeof ret_wanted->timeline_id))
		return false;
	ret_wanted->seq = strtoull(text + TIMELINE_CHARS + 1, &end, 10);
	return *end == '\0';
}

/* What is there, and until `wait_ms` whether the wanted event comes. */
static enum cadre_status look(struct gateway_request *request,
                              const struct wanted *wanted, uint32_t wait_ms,
                              bool *ret_there)
{
	Cadre__V1__Op watch_op = CADRE__V1__OP__INIT;
	Cadre__V1__Op status_op = CADRE__V1__OP__INIT;
	Cadre__V1__Watch watch = CADRE__V1__WATCH__INIT;
	Cadre__V1__StatusQuery query = CADRE__V1__STATUS_QUERY__INIT;
	const Cadre__V1__Op *const ops[] = { &status_op, &watch_op };
	struct cadre_client_answer *answer = NULL;
	const Cadre__V1__Response *response;
	const Cadre__V1__StatusResult *found = NULL;
	enum cadre_status status = CADRE_OK;

	status_op.body_case = CADRE__V1__OP__BODY_STATUS;
	status_op.status = &query;
	watch_op.body_case = CADRE__V1__OP__BODY_WATCH;
	watch_op.watch = &watch;
	watch.from_seq = wanted->seq;
	watch.has_max_events = watch.has_wait_ms = true;
	watch.max_events = 1;
	watch.wait_ms = wait_ms;
	cadre_client_call(request->gateway->client, ops, wait_ms > 0 ? 2 : 1, NULL,
	                  &answer);
	response = cadre_client_answer_response(answer);
	if (response && response->n_results > 0)
		found = response->results[0]->node_status;
	if (!found)
		status = cadre_error_set(&request->err, CADRE_UNAVAILABLE, "%s",
		                         cadre_client_answer_message(answer));
	else if (memcmp(found->timeline_id.data, wanted->timeline_id,
	                sizeof wanted->timeline_id) != 0)
		status = cadre_error_set(&request->err, CADRE_TOKEN_LOST,
		                         "cadre-position: the cluster has left this "
		                         "timeline: it was restored or cut");
	else
		*ret_there = found->committed_seq >= wanted->seq;
	cadre_client_answer_free(answer);
	return status;
}

enum cadre_status gateway_position_wait(struct gateway_request *request)
{
	const char *text = gateway_header(request, "cadre-position");
	uint64_t end_ns = gateway_now_ns() +
	                  (uint64_t)request->gateway->call_ms * 1000000u;
	enum cadre_status status = CADRE_OK;
	struct wanted wanted;
	uint32_t wait_ms = 0;
	bool there = false;

	if (!text || request->answer_count > 0)
		return CADRE_OK;
	if (!parse(text, &wanted))
		return cadre_error_set(
		        &request->err, CADRE_INVALID_PARAMETER,
		        "cadre-position: \"%.80s\" is no position that was "
		        "given here",
		        text);
	while (!there) {
		status = look(request, &wanted, wait_ms, &there);
		if (status != CADRE_OK)
			return status;
		if (!there && gateway_now_ns() > end_ns)
			return cadre_error_set(&request->err, CADRE_LAGGING,
			                       "cadre-position: seq %" PRIu64
			                       " is not there yet",
			                       wanted.seq);
		wait_ms = LOOK_MS;
	}
	/* Only now: the client is everybody's, and would wait for it each time. */
	cadre_client_read_after(request->gateway->client, wanted.timeline_id, wanted.seq);
	return CADRE_OK;
}

void gateway_position_note(struct gateway_request *request,
                           const Cadre__V1__Position *position)
{
	char digits[TIMELINE_CHARS + 1];

	if (!position || position->timeline_id.len != 16)
		return;
	cadre_hex_encode(position->timeline_id.data, 16, digits);
	snprintf(request->position, sizeof request->position, "%s:%" PRIu64, digits,
	         position->seq);
}
