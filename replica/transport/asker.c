#include "replica/transport/asker.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "replica/transport/closing.h"
#include "replica/transport/nng_error.h"

/* A lost connection is tried again after this, then twice, ... */
#define RECONNECT_MIN_MS 20
#define RECONNECT_MAX_MS 500

struct cadre_question {
	struct cadre_asker *asker;
	struct cadre_question *next; /* in the list of all */
	struct cadre_question *next_free;
	nng_ctx ctx;
	nng_aio *aio;
	nng_msg *msg;
	bool receiving; /* the send is done */
	uint32_t timeout_ms;
	cadre_reply_fn done;
	void *done_ctx;
};

struct cadre_asker {
	nng_socket socket;
	nng_dialer dialer;
	bool open;
	char url[CADRE_ADDRESS_BYTES];
	pthread_mutex_t lock;
	struct cadre_question *all;       /* lock */
	struct cadre_question *free_list; /* lock */
	bool closing;                     /* lock */
};

static void give_back(struct cadre_question *question)
{
	struct cadre_asker *asker = question->asker;

	pthread_mutex_lock(&asker->lock);
	question->next_free = asker->free_list;
	asker->free_list = question;
	pthread_mutex_unlock(&asker->lock);
}

static void end(struct cadre_question *question, int result, nng_msg *reply)
{
	cadre_reply_fn done = question->done;
	void *ctx = question->done_ctx;
	bool was_sent = question->receiving;
	struct cadre_error err = CADRE_ERROR_INIT;
	char what[CADRE_ADDRESS_BYTES + 32];
	struct cadre_slice bytes = cadre_slice(NULL, 0);

	question->done = NULL;
	if (reply)
		bytes = cadre_slice(nng_msg_body(reply), nng_msg_len(reply));
	if (result != 0) {
		(void)snprintf(what, sizeof what, "%s \"%s\"",
		               was_sent ? "waiting for" : "connecting to",
		               question->asker->url);
		(void)cadre_nng_error(&err, result, what);
		/* Not connected in time is no lapsed deadline: nothing was asked. */
		if (!was_sent || result != NNG_ETIMEDOUT)
			err.status = CADRE_UNAVAILABLE;
	}
	done(ctx, err.status, was_sent, bytes, &err);
	nng_msg_free(reply);
	give_back(question);
}

static void question_event(void *arg)
{
	struct cadre_question *question = arg;
	int result = nng_aio_result(question->aio);

	if (!question->receiving) {
		if (result != 0) {
			nng_msg_free(nng_aio_get_msg(question->aio));
			nng_aio_set_msg(question->aio, NULL);
			end(question, result, NULL);
			return;
		}
		question->receiving = true;
		nng_aio_set_timeout(question->aio, (nng_duration)question->timeout_ms);
		nng_ctx_recv(question->ctx, question->aio);
		return;
	}
	end(question, result, result == 0 ? nng_aio_get_msg(question->aio) : NULL);
}

static struct cadre_question *question_make(struct cadre_asker *asker,
                                            struct cadre_error *err)
{
	struct cadre_question *question = calloc(1, sizeof *question);
	int rc = question ? 0 : NNG_ENOMEM;

	if (rc == 0)
		rc = nng_aio_alloc(&question->aio, question_event, question);
	if (rc == 0) {
		rc = nng_ctx_open(&question->ctx, asker->socket);
		if (rc != 0)
			nng_aio_free(question->aio);
	}
	if (rc != 0) {
		free(question);
		(void)cadre_nng_error(err, rc, "opening a context");
		return NULL;
	}
	question->asker = asker;
	pthread_mutex_lock(&asker->lock);
	question->next = asker->all;
	asker->all = question;
	pthread_mutex_unlock(&asker->lock);
	return question;
}

enum cadre_status cadre_question_begin(struct cadre_asker *asker, size_t bytes,
                                       struct cadre_question **ret_question,
                                       uint8_t **ret_body, struct cadre_error *err)
{
	struct cadre_question *question;
	bool closing;

	pthread_mutex_lock(&asker->lock);
	closing = asker->closing;
	question = closing ? NULL : asker->free_list;
	if (question)
		asker->free_list = question->next_free;
	pthread_mutex_unlock(&asker->lock);
	if (closing)
		return cadre_error_set(err, CADRE_UNAVAILABLE, "\"%s\": closing",
		                       asker->url);
	if (!question)
		question = question_make(asker, err);
	if (!question)
		return CADRE_OUT_OF_MEMORY;
	if (nng_msg_alloc(&question->msg, bytes) != 0) {
		give_back(question);
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a message of %zu bytes", bytes);
	}
	*ret_question = question;
	*ret_body = nng_msg_body(question->msg);
	return CADRE_OK;
}

void cadre_question_send(struct cadre_question *question, uint32_t connect_ms,
                         uint32_t timeout_ms, cadre_reply_fn done, void *ctx)
{
	nng_msg *msg = question->msg;
	bool closing;

	question->msg = NULL;
	question->receiving = false;
	question->timeout_ms = timeout_ms;
	question->done = done;
	question->done_ctx = ctx;
	pthread_mutex_lock(&question->asker->lock);
	closing = question->asker->closing;
	if (!closing) {
		nng_aio_set_timeout(question->aio, (nng_duration)connect_ms);
		nng_aio_set_msg(question->aio, msg);
		nng_ctx_send(question->ctx, question->aio);
	}
	pthread_mutex_unlock(&question->asker->lock);
	if (closing) {
		nng_msg_free(msg);
		end(question, NNG_ECLOSED, NULL);
	}
}

static int open_socket(struct cadre_asker *asker, size_t reply_bytes_max)
{
	int rc = nng_req0_open(&asker->socket);

	if (rc != 0)
		return rc;
	asker->open = true;
	rc = nng_socket_set_ms(asker->socket, NNG_OPT_REQ_RESENDTIME,
	                       NNG_DURATION_INFINITE);
	if (rc == 0)
		rc = nng_socket_set_size(asker->socket, NNG_OPT_RECVMAXSZ,
		                         reply_bytes_max);
	if (rc == 0)
		rc = nng_socket_set_ms(asker->socket, NNG_OPT_RECONNMINT,
		                       RECONNECT_MIN_MS);
	if (rc == 0)
		rc = nng_socket_set_ms(asker->socket, NNG_OPT_RECONNMAXT,
		                       RECONNECT_MAX_MS);
	if (rc == 0)
		rc = nng_dialer_create(&asker->dialer, asker->socket, asker->url);
	if (rc == 0)
		rc = nng_dialer_set_bool(asker->dialer, NNG_OPT_TCP_NODELAY, true);
	if (rc == 0)
		rc = nng_dialer_start(asker->dialer, NNG_FLAG_NONBLOCK);
	return rc;
}

enum cadre_status cadre_asker_create(const char *address, uint16_t default_port,
                                     size_t reply_bytes_max,
                                     struct cadre_asker **ret_asker,
                                     struct cadre_error *err)
{
	struct cadre_address parsed;
	struct cadre_asker *asker;
	int rc;
	enum cadre_status status = cadre_address_parse(address, default_port, &parsed,
	                                               err);

	*ret_asker = NULL;
	if (status != CADRE_OK)
		return status;
	asker = calloc(1, sizeof *asker);
	if (!asker)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a connection");
	pthread_mutex_init(&asker->lock, NULL);
	cadre_address_format(&parsed, asker->url);
	rc = open_socket(asker, reply_bytes_max);
	if (rc != 0) {
		char what[CADRE_ADDRESS_BYTES + 32];
		(void)snprintf(what, sizeof what, "dialing \"%s\"", asker->url);
		cadre_asker_destroy(&asker);
		return cadre_nng_error(err, rc, what);
	}
	*ret_asker = asker;
	return CADRE_OK;
}

void cadre_asker_destroy(struct cadre_asker **asker_at)
{
	struct cadre_asker *asker = *asker_at;
	struct cadre_question *all;

	*asker_at = NULL;
	if (!asker)
		return;
	pthread_mutex_lock(&asker->lock);
	asker->closing = true;
	all = asker->all;
	pthread_mutex_unlock(&asker->lock);
	for (struct cadre_question *at = all; at; at = at->next)
		nng_aio_stop(at->aio);
	/* What went from sending to receiving in that moment was not begun. */
	for (struct cadre_question *at = all; at; at = at->next)
		if (at->done)
			end(at, NNG_ECLOSED, NULL);
	for (struct cadre_question *at = all; at; at = at->next)
		(void)nng_ctx_close(at->ctx);
	if (asker->open)
		(void)cadre_socket_close(asker->socket); /* nothing of it calls here */
	while (all) {
		struct cadre_question *next = all->next;
		nng_aio_free(all->aio);
		free(all);
		all = next;
	}
	pthread_mutex_destroy(&asker->lock);
	free(asker);
}
