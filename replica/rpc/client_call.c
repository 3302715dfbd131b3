/*
 * One call through its attempts.
 *
 *   attempt --> no node reached, connection broke --> later, next node
 *           --> refused for now (busy, starting, lagging, not the leader) --> later
 *           --> answered --> finish
 * When attempts are used up and a batch may have taken effect, its token is asked
 * for instead, until the deadline.
 */
#include "engine/base/assert.h"
#include "proto/codec/codec.h"
#include "proto/codec/limits.h"
#include "replica/rpc/client_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* Response, Result, HistoryLogResult, HistoryLogEntry, ResourceInfo, Resource,
 * DeploymentState, Environment, NameValue, and room for two more. From a node that
 * this process chose to ask: small fields are no attack. */
static const struct cadre_wire_limits response_limits = {
	.bytes_max = CADRE_MESSAGE_BYTES_MAX,
	.depth_max = 11,
	.fields_base = CADRE_WIRE_FIELDS_BASE,
	.bytes_per_field = 2,
};

void client_finish(struct cadre_client_answer *call, enum cadre_client_outcome outcome)
{
	struct cadre_client *client = call->client;

	call->outcome = outcome;
	if (outcome == CADRE_CLIENT_DONE) {
		call->status = CADRE_OK;
		call->err.message[0] = '\0';
	}
	call->fn(call->ctx, call);
	pthread_mutex_lock(&client->lock);
	client->active--;
	if (client->closing)
		pthread_cond_broadcast(&client->wake);
	pthread_mutex_unlock(&client->lock);
}

static void fail(struct cadre_client_answer *call)
{
	call->status = call->err.status;
	client_finish(call,
	              call->maybe_done ? CADRE_CLIENT_UNKNOWN : CADRE_CLIENT_REFUSED);
}

/* ---- again ---- */

static uint64_t pause_ns(const struct cadre_client_answer *call)
{
	unsigned doublings = call->tries < 8 ? call->tries : 8;
	uint64_t ms = (uint64_t)CLIENT_PAUSE_MIN_MS << doublings;
	uint16_t spread;

	if (ms > CLIENT_PAUSE_MAX_MS)
		ms = CLIENT_PAUSE_MAX_MS;
	/* Half of it by chance: many clients of one node do not come back at once. */
	call->client->env->ops->random(call->client->env, &spread, sizeof spread);
	return ms * 500000u + ms * 500000u * spread / UINT16_MAX;
}

/* The first attempts go again at once: another node, or the leader that was named. */
static void again(struct cadre_client_answer *call, bool at_once)
{
	struct cadre_env *env = call->client->env;
	uint64_t now = env->ops->mono_ns(env);
	uint64_t due = at_once && call->tries <= 2 ? now : now + pause_ns(call);

	if (due > call->deadline_ns)
		due = call->deadline_ns;
	if (!client_try_later(call, due))
		fail(call);
}

/* ---- judging an answer ---- */

static bool is_passing(uint32_t status)
{
	switch ((int)status) {
	case CADRE_TOO_MANY_REQUESTS:
	case CADRE_NOT_LEADER:
	case CADRE_LAGGING:
	case CADRE_FENCED:
	case CADRE_UNAVAILABLE:
		return true;
	default:
		return false;
	}
}

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* The status of the whole: the envelope's, or the first refusal's. */
static uint32_t first_refusal(struct cadre_client_answer *call)
{
	const Cadre__V1__Response *response = call->response;

	if (response->has_status && response->status != CADRE_OK) {
		(void)cadre_error_set(&call->err, (enum cadre_status)response->status,
		                      "%s", text_or_empty(response->message));
		return response->status;
	}
	for (size_t i = 0; i < response->n_results; i++) {
		const Cadre__V1__Result *result = response->results[i];
		if (result->status == CADRE_OK)
			continue;
		(void)cadre_error_set(&call->err, (enum cadre_status)result->status, "%s",
		                      text_or_empty(result->message));
		return result->status;
	}
	return CADRE_OK;
}

/* Whether nothing at all was done, for a reason that passes. */
static bool all_passing(const Cadre__V1__Response *response)
{
	if (response->has_status && response->status != CADRE_OK)
		return is_passing(response->status);
	for (size_t i = 0; i < response->n_results; i++)
		if (!is_passing(response->results[i]->status))
			return false;
	return response->n_results > 0;
}

static bool has_unknown(const struct cadre_client_answer *call)
{
	for (size_t i = 0; i < call->response->n_results; i++)
		if (call->response->results[i]->status == CADRE_DEADLINE &&
		    call->has_batch)
			return true;
	return false;
}

/* An answer by token says done only when it knows all of them. */
static void judge_outcomes(struct cadre_client_answer *call, uint32_t status)
{
	if (status == CADRE_OK) {
		client_finish(call, CADRE_CLIENT_DONE);
		return;
	}
	again(call, false);
}

static void judge(struct cadre_client_answer *call)
{
	uint32_t status = first_refusal(call);

	if (status == CADRE_NOT_AUTHENTICATED && call->response->has_status &&
	    client_prove(call))
		return;
	if (call->only_outcome) {
		judge_outcomes(call, status);
		return;
	}
	if (status == CADRE_TOKEN_LOST)
		client_forget_position(call->client);
	if (has_unknown(call)) {
		call->maybe_done = true;
		again(call, false);
		return;
	}
	if (all_passing(call->response) && call->tries < call->client->attempts_max) {
		bool named = status == CADRE_NOT_LEADER && call->response->leader;
		if (named)
			call->node = client_node_named(
			        call->client, call->response->leader, call->node + 1);
		else if (status != CADRE_TOO_MANY_REQUESTS)
			call->node++;
		again(call, named);
		return;
	}
	if (all_passing(call->response) && call->maybe_done) {
		again(call, false);
		return;
	}
	client_note_position(call->client, call->response,
	                     call->has_batch && status == CADRE_OK);
	call->status = call->err.status;
	client_finish(call,
	              status == CADRE_OK ? CADRE_CLIENT_DONE : CADRE_CLIENT_REFUSED);
}

static enum cadre_status unpack(struct cadre_client_answer *call,
                                struct cadre_slice reply)
{
	ProtobufCMessage *message = NULL;
	enum cadre_status status =
	        cadre_unpack_within(&cadre__v1__response__descriptor, reply,
	                            &response_limits, &call->arena, &message, &call->err);

	if (status != CADRE_OK)
		return status;
	call->response = (Cadre__V1__Response *)(void *)message;
	if (call->response->has_status || call->response->n_results == call->op_count)
		return CADRE_OK;
	return cadre_error_set(&call->err, CADRE_INTERNAL,
	                       "%zu results to %zu operations", call->response->n_results,
	                       call->op_count);
}

static void replied(void *ctx, enum cadre_status status, bool sent,
                    struct cadre_slice reply, const struct cadre_error *err)
{
	struct cadre_client_answer *call = ctx;

	call->attempts += sent ? 1 : 0;
	if (status == CADRE_OK) {
		if (unpack(call, reply) == CADRE_OK) {
			judge(call);
			return;
		}
		cadre_error_prefix(&call->err, "the answer: ");
		call->maybe_done = call->has_batch;
		fail(call);
		return;
	}
	call->err = *err;
	call->maybe_done = call->maybe_done || (sent && call->has_batch);
	call->node++;
	again(call, true);
}

/* ---- an attempt ---- */

static void set_request(struct cadre_client_answer *call, uint32_t remaining_ms)
{
	call->request.remaining_ms = remaining_ms;
	call->request.after = NULL;
	if ((call->has_read || call->only_outcome) &&
	    client_position(call->client, &call->after, call->after_timeline))
		call->request.after = &call->after;
}

static void ask(struct cadre_client_answer *call, uint32_t remaining_ms)
{
	struct cadre_client *client = call->client;
	struct cadre_asker *asker = client_acquire(client, &call->node);
	struct cadre_question *question;
	uint8_t *body;
	size_t head_bytes;

	if (!asker) {
		(void)cadre_error_set(&call->err, CADRE_UNAVAILABLE,
		                      "the client is closing");
		fail(call);
		return;
	}
	set_request(call, remaining_ms);
	head_bytes = protobuf_c_message_get_packed_size(&call->request.base);
	if (cadre_question_begin(asker, head_bytes + call->ops_bytes, &question, &body,
	                         &call->err) != CADRE_OK) {
		client_release(client);
		fail(call);
		return;
	}
	CADRE_ASSERT(protobuf_c_message_pack(&call->request.base, body) == head_bytes);
	memcpy(body + head_bytes, call->ops, call->ops_bytes);
	cadre_question_send(question,
	                    client->connect_ms < remaining_ms ? client->connect_ms
	                                                      : remaining_ms,
	                    remaining_ms, replied, call);
	client_release(client);
}

void client_attempt(struct cadre_client_answer *call)
{
	struct cadre_env *env = call->client->env;
	uint64_t now = env->ops->mono_ns(env);

	if (now >= call->deadline_ns) {
		if (call->err.message[0] == '\0')
			(void)cadre_error_set(&call->err, CADRE_DEADLINE,
			                      "the deadline passed");
		fail(call);
		return;
	}
	if (call->tries == call->client->attempts_max && !call->only_outcome) {
		if (!call->maybe_done || client_pack_outcomes(call) != CADRE_OK) {
			fail(call);
			return;
		}
		call->only_outcome = true;
	}
	call->tries++;
	/* Rounded up: a call with less than a millisecond left still asks. */
	ask(call, (uint32_t)((call->deadline_ns - now + 999999u) / 1000000u));
}

/* ---- start ---- */

static const char *one_of(const char *first, const char *second)
{
	return first ? first : second;
}

static enum cadre_status prepare(struct cadre_client_answer *call,
                                 const Cadre__V1__Op *const *ops, size_t count,
                                 const struct cadre_client_call_options *options)
{
	struct cadre_client *client = call->client;
	Cadre__V1__Request *request = &call->request;
	const char *compartment = one_of(options->compartment, client->compartment);
	const char *other = one_of(options->on_behalf_of, client->on_behalf_of);
	uint64_t timeout_ms = options->timeout_ms ? options->timeout_ms
	                                          : client->timeout_ms;

	cadre__v1__request__init(request);
	(void)snprintf(call->request_id, sizeof call->request_id, "%s-%llx", client->id,
	               (unsigned long long)atomic_fetch_add(&client->calls, 1));
	request->version = 1;
	request->request_id = call->request_id;
	if (compartment)
		request->compartment = cadre_arena_strdup(&call->arena,
		                                          cadre_slice_text(compartment));
	if (other)
		request->on_behalf_of = cadre_arena_strdup(&call->arena,
		                                           cadre_slice_text(other));
	if ((compartment && !request->compartment) || (other && !request->on_behalf_of))
		return cadre_error_set(&call->err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a call");
	if (options->ack_local) {
		request->has_ack = true;
		request->ack = CADRE__V1__ACK_LEVEL__ACK_LOCAL;
	}
	call->deadline_ns = client->env->ops->mono_ns(client->env) +
	                    timeout_ms * 1000000u;
	call->node = CLIENT_NODES_MAX; /* the preferred */
	return client_pack_ops(call, ops, count);
}

int cadre_client_start(struct cadre_client *client,
                       const struct Cadre__V1__Op *const *ops, size_t count,
                       const struct cadre_client_call_options *options,
                       cadre_client_fn fn, void *ctx)
{
	static const struct cadre_client_call_options defaults;
	struct cadre_client_answer *call = malloc(sizeof *call);

	if (!call)
		return -1;
	memset(call, 0, offsetof(struct cadre_client_answer, storage));
	call->client = client;
	call->fn = fn;
	call->ctx = ctx;
	cadre_arena_init_storage(&call->arena, CLIENT_ARENA_BYTES, call->storage,
	                         sizeof call->storage);
	pthread_mutex_lock(&client->lock);
	client->active++;
	pthread_mutex_unlock(&client->lock);
	if (prepare(call, ops, count, options ? options : &defaults) == CADRE_OK)
		client_attempt(call);
	else
		fail(call);
	return 0;
}
