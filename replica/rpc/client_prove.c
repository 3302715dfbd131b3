/*
 * Who this client is: challenge --> nonce --> prove, its signature --> the call again.
 *
 * Calls that are refused at the same time each do so; the nonce is the connection's, so
 * they do not disturb each other.
 */
#include "engine/base/assert.h"
#include "proto/codec/codec.h"
#include "proto/codec/limits.h"
#include "replica/rpc/client_internal.h"
#include "replica/rpc/sessions.h"

#include <stdlib.h>

/* A connection may break between; more often than this something else is wrong. */
#define PROOFS_MAX 4u
/* Of a challenge or its answer. */
#define PROOF_ARENA_BYTES 65536u

static uint32_t remaining_ms(const struct cadre_client_answer *call)
{
	struct cadre_env *env = call->client->env;
	uint64_t now = env->ops->mono_ns(env);

	if (now >= call->deadline_ns)
		return 0;
	return (uint32_t)((call->deadline_ns - now + 999999u) / 1000000u);
}

static void give_up(struct cadre_client_answer *call)
{
	call->status = call->err.status;
	client_finish(call,
	              call->maybe_done ? CADRE_CLIENT_UNKNOWN : CADRE_CLIENT_REFUSED);
}

/* One operation of ours to the node that the call goes to. */
static void send_op(struct cadre_client_answer *call, Cadre__V1__Op *op,
                    cadre_reply_fn done)
{
	struct cadre_client *client = call->client;
	Cadre__V1__Request request = CADRE__V1__REQUEST__INIT;
	uint32_t left_ms = remaining_ms(call);
	struct cadre_asker *asker = client_acquire(client, &call->node);
	struct cadre_question *question;
	uint8_t *body;

	if (!asker) {
		give_up(call);
		return;
	}
	request.version = 1;
	request.request_id = call->request_id;
	request.remaining_ms = left_ms;
	request.n_ops = 1;
	request.ops = &op;
	if (left_ms == 0 ||
	    cadre_question_begin(asker, protobuf_c_message_get_packed_size(&request.base),
	                         &question, &body, &call->err) != CADRE_OK) {
		client_release(client);
		give_up(call);
		return;
	}
	(void)protobuf_c_message_pack(&request.base, body);
	cadre_question_send(question,
	                    client->connect_ms < left_ms ? client->connect_ms : left_ms,
	                    left_ms, done, call);
	client_release(client);
}

/* The answer to one operation; NULL when it was refused, with the reason in call->err. */
static Cadre__V1__Result *only_result(struct cadre_client_answer *call,
                                      enum cadre_status status, struct cadre_slice reply,
                                      const struct cadre_error *err,
                                      struct cadre_arena *arena)
{
	ProtobufCMessage *message = NULL;
	Cadre__V1__Response *response;

	if (status != CADRE_OK) {
		call->err = *err;
		return NULL;
	}
	if (cadre_unpack(&cadre__v1__response__descriptor, reply, arena, &message,
	                 &call->err) != CADRE_OK)
		return NULL;
	response = (Cadre__V1__Response *)(void *)message;
	if (response->has_status && response->status != CADRE_OK) {
		(void)cadre_error_set(&call->err, (enum cadre_status)response->status,
		                      "%s", response->message ? response->message : "");
		return NULL;
	}
	if (response->n_results == 1 && response->results[0]->status == CADRE_OK)
		return response->results[0];
	if (response->n_results == 1)
		(void)cadre_error_set(
		        &call->err, (enum cadre_status)response->results[0]->status, "%s",
		        response->results[0]->message ? response->results[0]->message
		                                      : "");
	else
		(void)cadre_error_set(&call->err, CADRE_INTERNAL,
		                      "%zu results to a question of who we are",
		                      response->n_results);
	return NULL;
}

/* A connection that broke is nothing against the proof: the call goes its usual way. */
static void end_proof(struct cadre_client_answer *call, bool connected, bool good)
{
	if ((good || !connected) && client_try_later(call, 0))
		return;
	give_up(call);
}

static void proven(void *ctx, enum cadre_status status, bool sent,
                   struct cadre_slice reply, const struct cadre_error *err)
{
	struct cadre_client_answer *call = ctx;
	struct cadre_arena arena;
	bool good;

	(void)sent;
	cadre_arena_init(&arena, PROOF_ARENA_BYTES);
	good = only_result(call, status, reply, err, &arena) != NULL;
	cadre_arena_fini(&arena);
	end_proof(call, status == CADRE_OK, good);
}

static void send_proof(struct cadre_client_answer *call,
                       const Cadre__V1__ChallengeResult *challenge)
{
	struct cadre_client *client = call->client;
	Cadre__V1__Prove prove = CADRE__V1__PROVE__INIT;
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	struct cadre_buffer signature = { 0 };
	char text[SESSION_TEXT_BYTES];

	session_text(challenge->cluster_id.data, challenge->nonce.data, client->principal,
	             text);
	if (cadre_rsa_sign(client->key, cadre_slice_text(text), &signature, &call->err) !=
	    CADRE_OK) {
		cadre_buffer_fini(&signature);
		give_up(call);
		return;
	}
	prove.principal = client->principal;
	prove.signature.data = signature.data;
	prove.signature.len = signature.length;
	op.body_case = CADRE__V1__OP__BODY_PROVE;
	op.prove = &prove;
	send_op(call, &op, proven);
	cadre_buffer_fini(&signature);
}

static void challenged(void *ctx, enum cadre_status status, bool sent,
                       struct cadre_slice reply, const struct cadre_error *err)
{
	struct cadre_client_answer *call = ctx;
	struct cadre_arena arena;
	const Cadre__V1__Result *result;

	(void)sent;
	cadre_arena_init(&arena, PROOF_ARENA_BYTES);
	result = only_result(call, status, reply, err, &arena);
	if (result && (result->body_case != CADRE__V1__RESULT__BODY_CHALLENGE ||
	               result->challenge->cluster_id.len != 16 ||
	               result->challenge->nonce.len != SESSION_NONCE_BYTES)) {
		(void)cadre_error_set(&call->err, CADRE_INTERNAL,
		                      "a challenge of another form");
		result = NULL;
	}
	if (result)
		send_proof(call, result->challenge);
	else
		end_proof(call, status == CADRE_OK, false);
	cadre_arena_fini(&arena);
}

bool client_prove(struct cadre_client_answer *call)
{
	Cadre__V1__Challenge challenge = CADRE__V1__CHALLENGE__INIT;
	Cadre__V1__Op op = CADRE__V1__OP__INIT;

	if (!call->client->key || call->proofs == PROOFS_MAX)
		return false;
	call->proofs++;
	call->response = NULL;
	op.body_case = CADRE__V1__OP__BODY_CHALLENGE;
	op.challenge = &challenge;
	send_op(call, &op, challenged);
	return true;
}
