/* Answers told, calls that wait, and helpers without protobuf. */
#include "replica/rpc/client_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/codec/codec.h"

void cadre_client_answer_free(struct cadre_client_answer *answer)
{
	if (!answer)
		return;
	cadre_arena_fini(&answer->arena);
	free(answer);
}

enum cadre_client_outcome
cadre_client_answer_outcome(const struct cadre_client_answer *answer)
{
	return answer ? answer->outcome : CADRE_CLIENT_REFUSED;
}

int cadre_client_answer_status(const struct cadre_client_answer *answer)
{
	return answer ? (int)answer->status : (int)CADRE_OUT_OF_MEMORY;
}

const char *cadre_client_answer_status_name(const struct cadre_client_answer *answer)
{
	return cadre_status_name(answer ? answer->status : CADRE_OUT_OF_MEMORY);
}

const char *cadre_client_answer_message(const struct cadre_client_answer *answer)
{
	return answer ? answer->err.message : "no memory for a call";
}

const struct Cadre__V1__Response *
cadre_client_answer_response(const struct cadre_client_answer *answer)
{
	return answer ? answer->response : NULL;
}

int cadre_client_answer_by_token(const struct cadre_client_answer *answer)
{
	return answer && answer->only_outcome && answer->outcome == CADRE_CLIENT_DONE;
}

const char *cadre_client_answer_retry_token(const struct cadre_client_answer *answer,
                                            size_t op)
{
	return answer && answer->tokens && op < answer->token_count ? answer->tokens[op]
	                                                            : NULL;
}

unsigned cadre_client_answer_attempts(const struct cadre_client_answer *answer)
{
	return answer ? answer->attempts : 0;
}

/* ---- waiting ---- */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct cadre_client_answer *answer;
};

static void wake(void *ctx, struct cadre_client_answer *answer)
{
	struct waiter *waiter = ctx;

	pthread_mutex_lock(&waiter->lock);
	waiter->answer = answer;
	pthread_cond_signal(&waiter->done);
	pthread_mutex_unlock(&waiter->lock);
}

enum cadre_client_outcome
cadre_client_call(struct cadre_client *client, const struct Cadre__V1__Op *const *ops,
                  size_t count, const struct cadre_client_call_options *options,
                  struct cadre_client_answer **ret_answer)
{
	struct waiter waiter = { .answer = NULL };
	enum cadre_client_outcome outcome;

	pthread_mutex_init(&waiter.lock, NULL);
	pthread_cond_init(&waiter.done, NULL);
	if (cadre_client_start(client, ops, count, options, wake, &waiter) == 0) {
		pthread_mutex_lock(&waiter.lock);
		while (!waiter.answer)
			pthread_cond_wait(&waiter.done, &waiter.lock);
		pthread_mutex_unlock(&waiter.lock);
	}
	pthread_cond_destroy(&waiter.done);
	pthread_mutex_destroy(&waiter.lock);
	outcome = cadre_client_answer_outcome(waiter.answer);
	if (ret_answer)
		*ret_answer = waiter.answer;
	else
		cadre_client_answer_free(waiter.answer);
	return outcome;
}

/* ---- helpers ---- */

enum cadre_client_outcome cadre_client_resolve(struct cadre_client *client,
                                               const char *target, const char *key,
                                               uint64_t at_seq, char *model_ocid,
                                               size_t capacity,
                                               struct cadre_client_answer **ret_answer)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Resolve resolve = CADRE__V1__RESOLVE__INIT;
	const Cadre__V1__Op *ops[] = { &op };
	struct cadre_client_answer *answer;
	enum cadre_client_outcome outcome;

	op.body_case = CADRE__V1__OP__BODY_RESOLVE;
	op.resolve = &resolve;
	resolve.target = (char *)(uintptr_t)target;
	resolve.key = (char *)(uintptr_t)key;
	resolve.has_at_seq = at_seq != 0;
	resolve.at_seq = at_seq;
	outcome = cadre_client_call(client, ops, 1, NULL, &answer);
	if (outcome == CADRE_CLIENT_DONE) {
		const char *model = answer->response->results[0]->resolve->model_id;
		if (snprintf(model_ocid, capacity, "%s", model) >= (int)capacity) {
			outcome = answer->outcome = CADRE_CLIENT_REFUSED;
			answer->status = cadre_error_set(
			        &answer->err, CADRE_TOO_LARGE,
			        "a model OCID of %zu bytes and a NUL in a buffer of %zu",
			        strlen(model), capacity);
		}
	}
	if (ret_answer)
		*ret_answer = answer;
	else
		cadre_client_answer_free(answer);
	return outcome;
}

enum cadre_client_outcome cadre_client_batch(struct cadre_client *client,
                                             const void *packed, size_t length,
                                             struct cadre_client_answer **ret_answer)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	const Cadre__V1__Op *ops[] = { &op };
	struct cadre_arena arena;
	ProtobufCMessage *message = NULL;
	Cadre__V1__Batch none = CADRE__V1__BATCH__INIT;
	enum cadre_client_outcome outcome;

	cadre_arena_init(&arena, CLIENT_ARENA_BYTES);
	op.body_case = CADRE__V1__OP__BODY_BATCH;
	/* What is not a batch goes as an empty one: the server says what is wrong. */
	op.batch = &none;
	if (cadre_unpack(&cadre__v1__batch__descriptor, cadre_slice(packed, length),
	                 &arena, &message, NULL) == CADRE_OK)
		op.batch = (Cadre__V1__Batch *)(void *)message;
	outcome = cadre_client_call(client, ops, 1, NULL, ret_answer);
	cadre_arena_fini(&arena);
	return outcome;
}
