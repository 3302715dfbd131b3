#include "replica/transfer/link.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* An answer is unpacked into a copy of itself and its messages. */
#define ANSWER_ARENA_BYTES (2 * CADRE_LINK_ANSWER_BYTES_MAX)
/* After so many in vain the socket itself is mistrusted: see transport/closing.h. */
#define UNCONNECTED_MAX 3u

struct cadre_link {
	char address[CADRE_ADDRESS_BYTES];
	uint16_t default_port;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct cadre_asker *asker; /* lock; NULL while there is none */
	unsigned entering;         /* lock; about to send on `asker` */
	bool replacing;            /* lock; somebody closes it and makes another */
	unsigned unconnected;      /* lock; questions in a row that found no connection */
	bool cancelled;            /* lock */
};

/* One question, on the stack of who waits for it. */
struct call {
	struct cadre_link *link;
	struct cadre_link_answer *answer;
	enum cadre_status status;
	bool sent;
	bool done; /* the link's lock */
	struct cadre_error err;
};

static const struct cadre_wire_limits answer_limits = {
	.bytes_max = CADRE_LINK_ANSWER_BYTES_MAX,
	.depth_max = CADRE_WIRE_DEPTH_MAX,
	.fields_base = CADRE_WIRE_FIELDS_BASE,
	.bytes_per_field = CADRE_WIRE_BYTES_PER_FIELD,
};

void cadre_link_answer_init(struct cadre_link_answer *answer)
{
	memset(answer, 0, sizeof *answer);
	cadre_arena_init(&answer->arena, ANSWER_ARENA_BYTES);
}

void cadre_link_answer_fini(struct cadre_link_answer *answer)
{
	cadre_arena_fini(&answer->arena);
	cadre_buffer_fini(&answer->request);
	cadre_buffer_fini(&answer->bytes);
}

enum cadre_status cadre_link_create(const char *address, uint16_t default_port,
                                    struct cadre_link **ret_link, struct cadre_error *err)
{
	struct cadre_link *link = calloc(1, sizeof *link);
	enum cadre_status status;

	*ret_link = NULL;
	if (!link)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a link");
	pthread_mutex_init(&link->lock, NULL);
	pthread_cond_init(&link->changed, NULL);
	link->default_port = default_port;
	(void)snprintf(link->address, sizeof link->address, "%s", address);
	status = cadre_asker_create(address, default_port, CADRE_LINK_ANSWER_BYTES_MAX,
	                            &link->asker, err);
	if (status != CADRE_OK) {
		cadre_link_destroy(&link);
		return status;
	}
	*ret_link = link;
	return CADRE_OK;
}

void cadre_link_destroy(struct cadre_link **link_at)
{
	struct cadre_link *link = *link_at;

	*link_at = NULL;
	if (!link)
		return;
	cadre_asker_destroy(&link->asker);
	pthread_cond_destroy(&link->changed);
	pthread_mutex_destroy(&link->lock);
	free(link);
}

/* Takes the connection out of everybody's hands; called with the lock held. */
static struct cadre_asker *take_asker(struct cadre_link *link)
{
	struct cadre_asker *asker = link->asker;

	link->asker = NULL;
	while (link->entering > 0)
		pthread_cond_wait(&link->changed, &link->lock);
	return asker;
}

void cadre_link_cancel(struct cadre_link *link)
{
	struct cadre_asker *asker;

	pthread_mutex_lock(&link->lock);
	link->cancelled = true;
	while (link->replacing)
		pthread_cond_wait(&link->changed, &link->lock);
	asker = take_asker(link);
	pthread_mutex_unlock(&link->lock);
	cadre_asker_destroy(&asker);
}

/* A fresh connection; called with the lock held, which is let go meanwhile. */
static void replace(struct cadre_link *link)
{
	struct cadre_asker *old;
	struct cadre_asker *fresh = NULL;

	if (link->replacing || link->cancelled)
		return;
	link->replacing = true;
	old = take_asker(link);
	pthread_mutex_unlock(&link->lock);
	cadre_asker_destroy(&old);
	if (cadre_asker_create(link->address, link->default_port,
	                       CADRE_LINK_ANSWER_BYTES_MAX, &fresh, NULL) != CADRE_OK)
		fresh = NULL;
	pthread_mutex_lock(&link->lock);
	link->asker = fresh;
	link->replacing = false;
	pthread_cond_broadcast(&link->changed);
}

/* The connection to send on, held until leave(); NULL: cancelled, or none can be
 * made. */
static struct cadre_asker *enter(struct cadre_link *link)
{
	struct cadre_asker *asker;

	pthread_mutex_lock(&link->lock);
	while (link->replacing && !link->cancelled)
		pthread_cond_wait(&link->changed, &link->lock);
	if (!link->asker)
		replace(link);
	asker = link->cancelled ? NULL : link->asker;
	if (asker)
		link->entering++;
	pthread_mutex_unlock(&link->lock);
	return asker;
}

static void leave(struct cadre_link *link)
{
	pthread_mutex_lock(&link->lock);
	link->entering--;
	pthread_cond_broadcast(&link->changed);
	pthread_mutex_unlock(&link->lock);
}

static void on_reply(void *ctx, enum cadre_status status, bool sent,
                     struct cadre_slice reply, const struct cadre_error *err)
{
	struct call *call = ctx;
	struct cadre_link *link = call->link;

	if (status == CADRE_OK)
		status = cadre_buffer_append(&call->answer->bytes, reply.data,
		                             reply.length);
	pthread_mutex_lock(&link->lock);
	call->status = status;
	call->sent = sent;
	call->err = *err;
	call->done = true;
	pthread_cond_broadcast(&link->changed);
	pthread_mutex_unlock(&link->lock);
}

static enum cadre_status send_call(struct call *call, uint32_t timeout_ms,
                                   struct cadre_error *err)
{
	const struct cadre_buffer *request = &call->answer->request;
	struct cadre_asker *asker = enter(call->link);
	struct cadre_question *question;
	uint8_t *body;
	enum cadre_status status;

	if (!asker)
		return cadre_error_set(err, CADRE_UNAVAILABLE, "\"%s\": not connected",
		                       call->link->address);
	status = cadre_question_begin(asker, request->length, &question, &body, err);
	if (status == CADRE_OK) {
		memcpy(body, request->data, request->length);
		cadre_question_send(question, CADRE_LINK_CONNECT_MS, timeout_ms, on_reply,
		                    call);
	}
	leave(call->link);
	return status;
}

static void wait_for(struct call *call)
{
	struct cadre_link *link = call->link;

	pthread_mutex_lock(&link->lock);
	while (!call->done)
		pthread_cond_wait(&link->changed, &link->lock);
	link->unconnected = call->status == CADRE_UNAVAILABLE && !call->sent
	                            ? link->unconnected + 1
	                            : 0;
	if ((call->status == CADRE_DEADLINE && call->sent) ||
	    link->unconnected >= UNCONNECTED_MAX) {
		link->unconnected = 0;
		replace(link);
	}
	pthread_mutex_unlock(&link->lock);
}

static enum cadre_status read_answer(struct cadre_link_answer *answer,
                                     struct cadre_error *err)
{
	ProtobufCMessage *message;
	enum cadre_status status =
	        cadre_unpack_within(&cadre__v1__replication_answer__descriptor,
	                            cadre_buffer_slice(&answer->bytes), &answer_limits,
	                            &answer->arena, &message, err);

	if (status == CADRE_OUT_OF_MEMORY)
		return status;
	if (status != CADRE_OK)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "the leader's answer cannot be read");
	answer->message = (Cadre__V1__ReplicationAnswer *)message;
	if (!answer->message->has_status || answer->message->status == CADRE_OK)
		return CADRE_OK;
	status = (enum cadre_status)answer->message->status;
	if (answer->message->status >= CADRE_STATUS_COUNT)
		status = CADRE_INTERNAL;
	return cadre_error_set(err, status, "%s",
	                       answer->message->message ? answer->message->message
	                                                : cadre_status_name(status));
}

enum cadre_status cadre_link_ask(struct cadre_link *link,
                                 const Cadre__V1__ReplicationRequest *request,
                                 uint32_t timeout_ms, struct cadre_link_answer *answer,
                                 struct cadre_error *err)
{
	struct call call = { .link = link, .answer = answer };
	enum cadre_status status;

	answer->message = NULL;
	cadre_arena_reset(&answer->arena);
	cadre_buffer_clear(&answer->request);
	cadre_buffer_clear(&answer->bytes);
	status = cadre_pack(&request->base, &answer->request, err);
	if (status == CADRE_OK)
		status = send_call(&call, timeout_ms, err);
	if (status != CADRE_OK)
		return status;
	wait_for(&call);
	if (call.status != CADRE_OK) {
		if (err)
			*err = call.err;
		return call.status == CADRE_OUT_OF_MEMORY
		               ? cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                                 "no memory for the leader's answer")
		               : call.status;
	}
	return read_answer(answer, err);
}
