#include "replica/agent/predict_client.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/env/env.h"
#include "replica/agent/predict_wire.h"
#include "replica/transport/asker.h"

#define CONNECT_MS_DEFAULT 1000u
/* The node knows better than we whether it began: its answer at the deadline is waited
 * for so long. */
#define DEADLINE_SLACK_MS 500u
/* What an answer may take over the wait it was asked with. */
#define NEXT_SLACK_MS 5000u
#define CANCEL_MS 1000u
/* Between two attempts over connections that break at once. */
#define AGAIN_MS 20
#define NS_PER_MS UINT64_C(1000000)

struct cadre_predict_client {
	struct cadre_asker *asker;
};

/* One question at a time, from the caller's thread to nng's and back. */
struct cadre_prediction {
	struct cadre_predict_client *client;
	uint64_t until_ns;
	uint32_t connect_ms;
	uint64_t stream; /* 0: the node keeps nothing for us */
	uint32_t held;   /* the last chunk that was given out */
	bool over;       /* the last chunk was given out, or a failure told */

	pthread_mutex_t lock;
	pthread_cond_t done;
	bool answered; /* lock; and all below */
	bool sent;
	struct cadre_arena arena;
	const Cadre__V1__PredictAnswer *answer; /* in the arena */
	struct cadre_error err;
};

static uint64_t now_ns(void)
{
	struct cadre_env *env = cadre_env_real();

	return env->ops->mono_ns(env);
}

/* Rounded up; 0 once it has passed. */
static uint32_t left_ms(const struct cadre_prediction *prediction)
{
	uint64_t now = now_ns();

	if (now >= prediction->until_ns)
		return 0;
	return (uint32_t)((prediction->until_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

enum cadre_status cadre_predict_client_open(const char *address,
                                            struct cadre_predict_client **ret_client,
                                            struct cadre_error *err)
{
	struct cadre_predict_client *client = calloc(1, sizeof *client);
	enum cadre_status status;

	*ret_client = NULL;
	if (!client)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a client");
	status = cadre_asker_create(address, CADRE_PREDICT_PORT,
	                            CADRE_PREDICT_MESSAGE_BYTES_MAX, &client->asker, err);
	if (status != CADRE_OK)
		cadre_predict_client_close(&client);
	*ret_client = client;
	return status;
}

void cadre_predict_client_close(struct cadre_predict_client **client)
{
	if (!*client)
		return;
	cadre_asker_destroy(&(*client)->asker);
	free(*client);
	*client = NULL;
}

/* ---- a question and its answer ---- */

/* On a thread of nng's: `reply` does not outlive this call. */
static void replied(void *ctx, enum cadre_status status, bool sent,
                    struct cadre_slice reply, const struct cadre_error *err)
{
	struct cadre_prediction *prediction = ctx;

	pthread_mutex_lock(&prediction->lock);
	prediction->sent = sent;
	prediction->err = *err;
	if (status == CADRE_OK &&
	    cadre_predict_unpack_answer(reply, &prediction->arena, &prediction->answer,
	                                &prediction->err) != CADRE_OK) {
		cadre_error_prefix(&prediction->err, "the node's answer: ");
		if (prediction->err.status != CADRE_OUT_OF_MEMORY)
			prediction->err.status = CADRE_CORRUPT;
	}
	prediction->answered = true;
	pthread_cond_signal(&prediction->done);
	pthread_mutex_unlock(&prediction->lock);
}

/* CADRE_OK: there is an answer, perhaps one that says a failure. */
static enum cadre_status ask(struct cadre_prediction *prediction,
                             const Cadre__V1__PredictRequest *request,
                             uint32_t timeout_ms, struct cadre_error *err)
{
	size_t bytes = protobuf_c_message_get_packed_size(&request->base);
	struct cadre_question *question;
	uint8_t *body;
	enum cadre_status status;

	prediction->answered = false;
	prediction->sent = false;
	prediction->answer = NULL;
	cadre_arena_reset(&prediction->arena);
	status = cadre_question_begin(prediction->client->asker, bytes, &question, &body,
	                              err);
	if (status != CADRE_OK)
		return status;
	CADRE_ASSERT(protobuf_c_message_pack(&request->base, body) == bytes);
	cadre_question_send(question, prediction->connect_ms, timeout_ms, replied,
	                    prediction);
	pthread_mutex_lock(&prediction->lock);
	while (!prediction->answered)
		pthread_cond_wait(&prediction->done, &prediction->lock);
	pthread_mutex_unlock(&prediction->lock);
	if (prediction->err.status != CADRE_OK && err)
		*err = prediction->err;
	return prediction->err.status;
}

static enum cadre_status told_failure(const Cadre__V1__PredictAnswer *answer,
                                      struct cadre_error *err)
{
	return cadre_error_set(err, (enum cadre_status)answer->status, "%s",
	                       answer->message ? answer->message : "no reason");
}

/* ---- begin ---- */

static char *unconst(const char *text)
{
	return (char *)(uintptr_t)text; /* protobuf-c reads it only */
}

static enum cadre_status make(struct cadre_predict_client *client,
                              const struct cadre_prediction_request *request,
                              struct cadre_prediction **ret_prediction,
                              struct cadre_error *err)
{
	struct cadre_prediction *prediction;

	if (request->payload.length > CADRE_PREDICT_BODY_BYTES_MAX)
		return cadre_error_set(
		        err, CADRE_TOO_LARGE, "a body of %zu bytes, at most %zu",
		        request->payload.length, CADRE_PREDICT_BODY_BYTES_MAX);
	prediction = calloc(1, sizeof *prediction);
	if (!prediction)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a prediction");
	prediction->client = client;
	prediction->connect_ms = request->connect_ms ? request->connect_ms
	                                             : CONNECT_MS_DEFAULT;
	prediction->until_ns = now_ns() + (request->deadline_ms
	                                           ? request->deadline_ms
	                                           : CADRE_PREDICT_DEADLINE_MS_DEFAULT) *
	                                          NS_PER_MS;
	pthread_mutex_init(&prediction->lock, NULL);
	pthread_cond_init(&prediction->done, NULL);
	cadre_arena_init(&prediction->arena, CADRE_PREDICT_ARENA_BYTES_MAX);
	*ret_prediction = prediction;
	return CADRE_OK;
}

static enum cadre_status start(struct cadre_prediction *prediction,
                               const struct cadre_prediction_request *request,
                               struct cadre_error *err)
{
	Cadre__V1__PredictRequest message = CADRE__V1__PREDICT_REQUEST__INIT;
	Cadre__V1__PredictStart body = CADRE__V1__PREDICT_START__INIT;
	uint32_t left = left_ms(prediction);

	body.deployment = unconst(request->deployment);
	body.key = unconst(request->key);
	body.compartment = unconst(request->compartment);
	body.payload.data = (uint8_t *)(uintptr_t)request->payload.data;
	body.payload.len = request->payload.length;
	body.has_deadline_ms = true;
	body.deadline_ms = left > 0 ? left : 1;
	message.body_case = CADRE__V1__PREDICT_REQUEST__BODY_START;
	message.start = &body;
	if (prediction->connect_ms > body.deadline_ms)
		prediction->connect_ms = body.deadline_ms;
	return ask(prediction, &message, body.deadline_ms + DEADLINE_SLACK_MS, err);
}

static enum cadre_status take_start(struct cadre_prediction *prediction,
                                    struct cadre_prediction_facts *facts,
                                    struct cadre_error *err)
{
	const Cadre__V1__PredictAnswer *answer = prediction->answer;

	/* A node that does not say is one that may have begun. */
	facts->started = !answer->has_started || answer->started;
	facts->generation = answer->generation;
	if (answer->model_id)
		(void)snprintf(facts->model_id, sizeof facts->model_id, "%s",
		               answer->model_id);
	if (answer->status != CADRE_OK)
		return told_failure(answer, err);
	prediction->stream = answer->stream;
	return CADRE_OK;
}

enum cadre_status cadre_prediction_begin(struct cadre_predict_client *client,
                                         const struct cadre_prediction_request *request,
                                         struct cadre_prediction_facts *ret_facts,
                                         struct cadre_prediction **ret_prediction,
                                         struct cadre_error *err)
{
	struct cadre_prediction *prediction = NULL;
	enum cadre_status status = make(client, request, &prediction, err);

	*ret_prediction = NULL;
	memset(ret_facts, 0, sizeof *ret_facts);
	if (status != CADRE_OK)
		return status;
	status = start(prediction, request, err);
	if (status == CADRE_OK)
		status = take_start(prediction, ret_facts, err);
	else
		ret_facts->started = prediction->sent;
	if (status != CADRE_OK)
		cadre_prediction_end(&prediction);
	*ret_prediction = prediction;
	return status;
}

/* ---- next ---- */

/* Gives out the answer's chunk; false when that is not the next one. */
static bool give(struct cadre_prediction *prediction, struct cadre_slice *ret_chunk)
{
	const Cadre__V1__PredictAnswer *answer = prediction->answer;

	if (!answer || answer->status != CADRE_OK ||
	    answer->chunk != prediction->held + 1)
		return false;
	prediction->held = answer->chunk;
	prediction->over = answer->end;
	*ret_chunk = cadre_slice(answer->data.data, answer->data.len);
	return true;
}

static enum cadre_status ask_next(struct cadre_prediction *prediction, uint32_t left,
                                  struct cadre_error *err)
{
	Cadre__V1__PredictRequest message = CADRE__V1__PREDICT_REQUEST__INIT;
	Cadre__V1__PredictNext body = CADRE__V1__PREDICT_NEXT__INIT;
	uint32_t timeout_ms;

	body.stream = prediction->stream;
	body.after = prediction->held;
	body.has_wait_ms = true;
	body.wait_ms = left < CADRE_PREDICT_WAIT_MS_MAX ? left
	                                                : CADRE_PREDICT_WAIT_MS_MAX;
	message.body_case = CADRE__V1__PREDICT_REQUEST__BODY_NEXT;
	message.next = &body;
	timeout_ms = body.wait_ms + NEXT_SLACK_MS;
	if (timeout_ms > left + DEADLINE_SLACK_MS)
		timeout_ms = left + DEADLINE_SLACK_MS;
	return ask(prediction, &message, timeout_ms, err);
}

/* What a lost or broken connection did may be asked again by number; what a node said is
 * said. */
static enum cadre_status await_chunk(struct cadre_prediction *prediction,
                                     struct cadre_slice *ret_chunk,
                                     struct cadre_error *err)
{
	uint32_t left;

	while ((left = left_ms(prediction)) > 0) {
		enum cadre_status status = ask_next(prediction, left, err);
		if (status == CADRE_OK && prediction->answer->status != CADRE_OK)
			return told_failure(prediction->answer, err);
		if (status == CADRE_OK && give(prediction, ret_chunk))
			return CADRE_OK;
		if (status == CADRE_OK && prediction->answer->chunk != 0)
			return cadre_error_set(err, CADRE_CORRUPT,
			                       "the node gave chunk %u instead of %u",
			                       (unsigned)prediction->answer->chunk,
			                       (unsigned)prediction->held + 1);
		if (status == CADRE_UNAVAILABLE)
			(void)poll(NULL, 0, AGAIN_MS);
		else if (status != CADRE_OK && status != CADRE_DEADLINE)
			return status;
	}
	return cadre_error_set(err, CADRE_DEADLINE, "the deadline passed behind chunk %u",
	                       (unsigned)prediction->held);
}

enum cadre_status cadre_prediction_next(struct cadre_prediction *prediction,
                                        struct cadre_slice *ret_chunk,
                                        struct cadre_error *err)
{
	enum cadre_status status;

	if (prediction->over)
		return CADRE_END;
	if (give(prediction, ret_chunk))
		return CADRE_OK;
	status = await_chunk(prediction, ret_chunk, err);
	if (status != CADRE_OK)
		prediction->over = status != CADRE_DEADLINE;
	return status;
}

/* ---- end ---- */

static void cancel(struct cadre_prediction *prediction)
{
	Cadre__V1__PredictRequest message = CADRE__V1__PREDICT_REQUEST__INIT;
	Cadre__V1__PredictCancel body = CADRE__V1__PREDICT_CANCEL__INIT;

	body.stream = prediction->stream;
	message.body_case = CADRE__V1__PREDICT_REQUEST__BODY_CANCEL;
	message.cancel = &body;
	if (prediction->connect_ms > CANCEL_MS)
		prediction->connect_ms = CANCEL_MS;
	/* Unheard, it is cancelled when nobody has asked for it in a while. */
	(void)!ask(prediction, &message, CANCEL_MS, NULL);
}

void cadre_prediction_end(struct cadre_prediction **ref)
{
	struct cadre_prediction *prediction = *ref;

	*ref = NULL;
	if (!prediction)
		return;
	if (prediction->stream != 0 && !prediction->over)
		cancel(prediction);
	cadre_arena_fini(&prediction->arena);
	pthread_cond_destroy(&prediction->done);
	pthread_mutex_destroy(&prediction->lock);
	free(prediction);
}

enum cadre_status cadre_predict(struct cadre_predict_client *client,
                                const struct cadre_prediction_request *request,
                                cadre_prediction_fn fn, void *ctx,
                                struct cadre_prediction_facts *ret_facts,
                                struct cadre_error *err)
{
	struct cadre_prediction_facts facts;
	struct cadre_prediction *prediction;
	struct cadre_slice chunk;
	enum cadre_status status = cadre_prediction_begin(
	        client, request, ret_facts ? ret_facts : &facts, &prediction, err);

	while (status == CADRE_OK) {
		status = cadre_prediction_next(prediction, &chunk, err);
		if (status == CADRE_OK)
			status = fn(ctx, chunk, err);
	}
	cadre_prediction_end(&prediction);
	return status == CADRE_END ? CADRE_OK : status;
}
