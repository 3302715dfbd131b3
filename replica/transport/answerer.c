#include "replica/transport/answerer.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/assert.h"
#include "replica/transport/closing.h"
#include "replica/transport/hangup.h"
#include "replica/transport/nng_error.h"
#include "replica/transport/pipes.h"

/* For a reply to a peer that holds up many, while exchanges run short. */
#define HURRY_TIMEOUT_MS 250
/* Peers that ask again and again, or do not read, hold no stop up for longer. */
#define QUIET_ROUNDS_MAX 10u

enum exchange_state { EXCHANGE_RECEIVING, EXCHANGE_HANDLING, EXCHANGE_SENDING };

struct cadre_exchange {
	struct cadre_answerer *answerer;
	nng_ctx ctx;
	nng_aio *aio;
	nng_msg *msg; /* the request, then the reply */
	uint32_t pipe;
	size_t reply_bytes;
	/* Moves with the exchange from thread to thread, never shared. */
	enum exchange_state state;
	void *storage;
};

struct cadre_answerer {
	nng_socket socket;
	nng_listener listener;
	bool socket_open;
	unsigned quiet_ms;
	struct cadre_address address;
	cadre_answer_fn answer;
	void *ctx;
	struct cadre_exchange *exchanges;
	unsigned exchange_count;
	unsigned started; /* exchanges with context and aio */
	uint8_t *storage;
	size_t storage_bytes;

	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct cadre_pipes pipes;     /* lock */
	unsigned handling;            /* lock */
	unsigned sending;             /* lock */
	bool stopping;                /* lock */
	uint64_t received;            /* lock; requests */
	uint64_t connections_refused; /* lock */
	uint64_t slow_peers_closed;   /* lock */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void close_pipe(const struct cadre_answerer *answerer, uint32_t id)
{
	cadre_hang_up(&id, 1, answerer->address.port);
}

/* ---- one exchange ---- */

static void receive(struct cadre_exchange *exchange)
{
	exchange->state = EXCHANGE_RECEIVING;
	nng_aio_set_timeout(exchange->aio, NNG_DURATION_INFINITE);
	nng_ctx_recv(exchange->ctx, exchange->aio);
}

/* False when the answerer is stopping. */
static bool enter(struct cadre_answerer *answerer, uint32_t pipe)
{
	uint64_t now = now_ms();
	bool stopping;

	pthread_mutex_lock(&answerer->lock);
	stopping = answerer->stopping;
	answerer->handling += stopping ? 0 : 1;
	answerer->received++;
	cadre_pipes_asked(&answerer->pipes, pipe, now);
	pthread_mutex_unlock(&answerer->lock);
	return !stopping;
}

static void received(struct cadre_exchange *exchange, int result)
{
	struct cadre_answerer *answerer = exchange->answerer;

	if (result == NNG_ECLOSED || result == NNG_ECANCELED)
		return;
	if (result != 0) {
		receive(exchange);
		return;
	}
	exchange->msg = nng_aio_get_msg(exchange->aio);
	nng_aio_set_msg(exchange->aio, NULL);
	exchange->pipe = (uint32_t)nng_msg_get_pipe(exchange->msg).id;
	if (!enter(answerer, exchange->pipe)) {
		nng_msg_free(exchange->msg);
		exchange->msg = NULL;
		return;
	}
	exchange->state = EXCHANGE_HANDLING;
	answerer->answer(answerer->ctx, exchange);
}

static void sent(struct cadre_exchange *exchange, int result)
{
	struct cadre_answerer *answerer = exchange->answerer;
	uint32_t slow = result == NNG_ETIMEDOUT ? exchange->pipe : 0;
	struct cadre_pipe *pipe;
	bool stopping;

	if (result != 0) {
		nng_msg_free(nng_aio_get_msg(exchange->aio));
		nng_aio_set_msg(exchange->aio, NULL);
	}
	pthread_mutex_lock(&answerer->lock);
	answerer->sending--;
	pipe = cadre_pipes_find(&answerer->pipes, exchange->pipe);
	answerer->slow_peers_closed += slow && pipe && !pipe->closing ? 1 : 0;
	cadre_pipes_replied(&answerer->pipes, exchange->pipe, exchange->reply_bytes);
	stopping = answerer->stopping;
	pthread_mutex_unlock(&answerer->lock);
	if (slow)
		close_pipe(answerer, slow);
	if (!stopping)
		receive(exchange);
}

static void exchange_event(void *arg)
{
	struct cadre_exchange *exchange = arg;
	int result = nng_aio_result(exchange->aio);

	if (exchange->state == EXCHANGE_SENDING)
		sent(exchange, result);
	else
		received(exchange, result);
}

struct cadre_slice cadre_exchange_request(const struct cadre_exchange *exchange)
{
	CADRE_ASSERT(exchange->state == EXCHANGE_HANDLING && exchange->msg);
	return cadre_slice(nng_msg_body(exchange->msg), nng_msg_len(exchange->msg));
}

bool cadre_exchange_peer_left(struct cadre_exchange *exchange)
{
	struct cadre_answerer *answerer = exchange->answerer;
	const struct cadre_pipe *pipe;
	bool left;

	pthread_mutex_lock(&answerer->lock);
	pipe = cadre_pipes_find(&answerer->pipes, exchange->pipe);
	left = !pipe || pipe->closing;
	pthread_mutex_unlock(&answerer->lock);
	return left;
}

void *cadre_exchange_storage(struct cadre_exchange *exchange)
{
	return exchange->storage;
}

uint32_t cadre_exchange_peer(const struct cadre_exchange *exchange)
{
	return exchange->pipe;
}

uint8_t *cadre_exchange_reply_begin(struct cadre_exchange *exchange, size_t bytes)
{
	CADRE_ASSERT(exchange->state == EXCHANGE_HANDLING && exchange->msg);
	/* A message of its own size: the request's could be kept large by a peer
	 * that reads slowly. */
	if (nng_msg_len(exchange->msg) > 2 * bytes + 4096) {
		nng_msg_free(exchange->msg);
		exchange->msg = NULL;
		if (nng_msg_alloc(&exchange->msg, bytes) != 0)
			return NULL;
	} else if (nng_msg_realloc(exchange->msg, bytes) != 0) {
		return NULL;
	}
	return nng_msg_body(exchange->msg);
}

/* Counts the reply; the time its peer has to take it. Replies that were taken but whose
 * ends are not told yet count too: many at once are no proof that nobody reads. */
static nng_duration count_reply(struct cadre_exchange *exchange)
{
	struct cadre_answerer *answerer = exchange->answerer;
	struct cadre_pipe *pipe;
	bool hurry = false;

	pthread_mutex_lock(&answerer->lock);
	answerer->sending++;
	pipe = cadre_pipes_replying(&answerer->pipes, exchange->pipe,
	                            exchange->reply_bytes);
	if (pipe)
		hurry = answerer->sending > answerer->exchange_count / 2 &&
		        pipe->queued > answerer->exchange_count / 8;
	pthread_mutex_unlock(&answerer->lock);
	return hurry ? HURRY_TIMEOUT_MS : CADRE_SEND_TIMEOUT_MS;
}

/* Replies that nobody takes are not kept without end. */
static void relieve(struct cadre_answerer *answerer)
{
	uint32_t heaviest;

	do {
		pthread_mutex_lock(&answerer->lock);
		heaviest = cadre_pipes_relieve(&answerer->pipes);
		answerer->slow_peers_closed += heaviest ? 1 : 0;
		pthread_mutex_unlock(&answerer->lock);
		if (heaviest)
			close_pipe(answerer, heaviest);
	} while (heaviest);
}

/* Last touch of an exchange by its owner: stop may go on behind it. */
static void leave(struct cadre_answerer *answerer)
{
	pthread_mutex_lock(&answerer->lock);
	answerer->handling--;
	if (answerer->handling == 0 && answerer->stopping)
		pthread_cond_signal(&answerer->idle);
	pthread_mutex_unlock(&answerer->lock);
}

void cadre_exchange_reply_send(struct cadre_exchange *exchange)
{
	struct cadre_answerer *answerer = exchange->answerer;
	nng_msg *msg = exchange->msg;

	CADRE_ASSERT(exchange->state == EXCHANGE_HANDLING && msg);
	exchange->state = EXCHANGE_SENDING;
	exchange->msg = NULL;
	exchange->reply_bytes = nng_msg_len(msg);
	nng_aio_set_timeout(exchange->aio, count_reply(exchange));
	nng_aio_set_msg(exchange->aio, msg);
	nng_ctx_send(exchange->ctx, exchange->aio);
	relieve(answerer);
	leave(answerer);
}

void cadre_exchange_drop(struct cadre_exchange *exchange)
{
	struct cadre_answerer *answerer = exchange->answerer;
	bool stopping;

	CADRE_ASSERT(exchange->state == EXCHANGE_HANDLING);
	nng_msg_free(exchange->msg);
	exchange->msg = NULL;
	close_pipe(answerer, exchange->pipe);
	pthread_mutex_lock(&answerer->lock);
	stopping = answerer->stopping;
	pthread_mutex_unlock(&answerer->lock);
	if (!stopping)
		receive(exchange);
	leave(answerer);
}

/* ---- connections ---- */

/* Silent ones give their places up to who comes. */
static void make_room(struct cadre_answerer *answerer)
{
	uint32_t silent[CADRE_PIPES_ROOM];
	unsigned count;

	pthread_mutex_lock(&answerer->lock);
	count = cadre_pipes_make_room(&answerer->pipes, now_ms(), silent);
	answerer->connections_refused += count;
	pthread_mutex_unlock(&answerer->lock);
	cadre_hang_up(silent, count, answerer->address.port);
}

static void connection_event(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct cadre_answerer *answerer = arg;
	bool refused = false;

	if (event == NNG_PIPE_EV_ADD_PRE)
		make_room(answerer);
	pthread_mutex_lock(&answerer->lock);
	if (event == NNG_PIPE_EV_ADD_PRE) {
		refused = !cadre_pipes_add(&answerer->pipes, (uint32_t)pipe.id, now_ms());
		answerer->connections_refused += refused ? 1 : 0;
	} else if (event == NNG_PIPE_EV_REM_POST) {
		cadre_pipes_remove(&answerer->pipes, (uint32_t)pipe.id);
	}
	pthread_mutex_unlock(&answerer->lock);
	/* Nothing is received on it yet. */
	if (refused)
		(void)nng_pipe_close(pipe);
}

/* ---- start and stop ---- */

static int open_socket(struct cadre_answerer *answerer, size_t message_bytes_max)
{
	int rc = nng_rep0_open(&answerer->socket);

	if (rc != 0)
		return rc;
	answerer->socket_open = true;
	/* Before listen: an accepted connection keeps what was set then. */
	rc = nng_socket_set_size(answerer->socket, NNG_OPT_RECVMAXSZ, message_bytes_max);
	if (rc == 0)
		rc = nng_pipe_notify(answerer->socket, NNG_PIPE_EV_ADD_PRE,
		                     connection_event, answerer);
	if (rc == 0)
		rc = nng_pipe_notify(answerer->socket, NNG_PIPE_EV_REM_POST,
		                     connection_event, answerer);
	return rc;
}

static int listen_now(struct cadre_answerer *answerer)
{
	char url[CADRE_ADDRESS_BYTES];
	int port = 0;
	int rc;

	cadre_address_format(&answerer->address, url);
	rc = nng_listener_create(&answerer->listener, answerer->socket, url);
	if (rc == 0)
		rc = nng_listener_set_bool(answerer->listener, NNG_OPT_TCP_NODELAY, true);
	if (rc == 0)
		rc = nng_listener_start(answerer->listener, 0);
	if (rc != 0)
		return rc;
	rc = nng_listener_get_int(answerer->listener, NNG_OPT_TCP_BOUND_PORT, &port);
	if (rc == 0)
		answerer->address.port = (uint16_t)port;
	return rc;
}

static enum cadre_status make_exchanges(struct cadre_answerer *answerer,
                                        struct cadre_error *err)
{
	for (unsigned i = 0; i < answerer->exchange_count; i++) {
		struct cadre_exchange *exchange = &answerer->exchanges[i];
		int rc;
		exchange->answerer = answerer;
		exchange->storage = answerer->storage + i * answerer->storage_bytes;
		rc = nng_aio_alloc(&exchange->aio, exchange_event, exchange);
		if (rc != 0)
			return cadre_nng_error(err, rc, "opening an exchange");
		rc = nng_ctx_open(&exchange->ctx, answerer->socket);
		if (rc != 0) {
			nng_aio_free(exchange->aio);
			return cadre_nng_error(err, rc, "opening an exchange");
		}
		answerer->started++;
	}
	return CADRE_OK;
}

static void init_locks(struct cadre_answerer *answerer)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&answerer->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&answerer->idle, &attributes);
	pthread_condattr_destroy(&attributes);
}

static enum cadre_status make(const struct cadre_answerer_options *options,
                              struct cadre_answerer **ret_answerer,
                              struct cadre_error *err)
{
	const size_t alignment = _Alignof(max_align_t);
	struct cadre_answerer *answerer = calloc(1, sizeof *answerer);

	*ret_answerer = answerer;
	if (!answerer)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a listener");
	init_locks(answerer);
	answerer->answer = options->answer;
	answerer->ctx = options->ctx;
	answerer->quiet_ms = options->quiet_ms ? options->quiet_ms : CADRE_QUIET_MS;
	answerer->exchange_count = options->exchanges ? options->exchanges
	                                              : CADRE_EXCHANGES_MAX;
	answerer->storage_bytes = (options->storage_bytes + alignment - 1) / alignment *
	                          alignment;
	answerer->exchanges = calloc(answerer->exchange_count,
	                             sizeof *answerer->exchanges);
	answerer->storage = calloc(answerer->exchange_count, answerer->storage_bytes + 1);
	if (!answerer->exchanges || !answerer->storage)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %u exchanges",
		                       answerer->exchange_count);
	return cadre_pipes_init(&answerer->pipes,
	                        options->connections_max ? options->connections_max
	                                                 : CADRE_CONNECTIONS_MAX,
	                        options->reply_bytes_max ? options->reply_bytes_max
	                                                 : CADRE_REPLY_BYTES_MAX,
	                        err);
}

static enum cadre_status open_all(struct cadre_answerer *answerer,
                                  const struct cadre_answerer_options *options,
                                  struct cadre_error *err)
{
	char what[CADRE_ADDRESS_BYTES + 32];
	int rc;
	enum cadre_status status = cadre_address_parse(
	        options->address, options->default_port, &answerer->address, err);

	if (status == CADRE_OK)
		status = cadre_address_check_exposure(&answerer->address,
		                                      options->insecure, err);
	if (status == CADRE_OK && answerer->address.tls)
		status = cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                         "\"%s\": no certificate is configured",
		                         options->address);
	if (status != CADRE_OK)
		return status;
	rc = open_socket(answerer, options->message_bytes_max);
	if (rc != 0)
		return cadre_nng_error(err, rc, "opening a socket");
	status = make_exchanges(answerer, err);
	if (status != CADRE_OK)
		return status;
	for (unsigned i = 0; i < answerer->exchange_count; i++)
		receive(&answerer->exchanges[i]);
	rc = listen_now(answerer);
	if (rc == 0)
		return CADRE_OK;
	(void)snprintf(what, sizeof what, "listening on \"%s\"", options->address);
	return cadre_nng_error(err, rc, what);
}

enum cadre_status cadre_answerer_start(const struct cadre_answerer_options *options,
                                       struct cadre_answerer **ret_answerer,
                                       struct cadre_error *err)
{
	struct cadre_answerer *answerer;
	enum cadre_status status = make(options, &answerer, err);

	*ret_answerer = NULL;
	if (status == CADRE_OK)
		status = open_all(answerer, options, err);
	if (status != CADRE_OK) {
		cadre_answerer_stop(answerer);
		return status;
	}
	*ret_answerer = answerer;
	return CADRE_OK;
}

const struct cadre_address *cadre_answerer_address(const struct cadre_answerer *answerer)
{
	return &answerer->address;
}

/* Under the lock, which is free meanwhile. */
static void pause_for(struct cadre_answerer *answerer, unsigned pause_ms)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)pause_ms % 1000 * 1000000;
	until.tv_sec += (time_t)pause_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (rc == 0)
		rc = pthread_cond_timedwait(&answerer->idle, &answerer->lock, &until);
}

/* A peer knows nothing of a stop before an answer tells it. Until then it sends, and a
 * connection that is closed over an unread request leaves its peer in doubt. */
static void wait_until_quiet(struct cadre_answerer *answerer)
{
	uint64_t before;
	unsigned round = 0;

	pthread_mutex_lock(&answerer->lock);
	do {
		if (answerer->pipes.count == 0)
			break;
		before = answerer->received;
		pause_for(answerer, answerer->quiet_ms);
	} while (++round < QUIET_ROUNDS_MAX &&
	         (answerer->received != before || answerer->handling > 0 ||
	          answerer->sending > 0));
	pthread_mutex_unlock(&answerer->lock);
}

static void wait_until_answered(struct cadre_answerer *answerer)
{
	pthread_mutex_lock(&answerer->lock);
	answerer->stopping = true;
	while (answerer->handling > 0)
		pthread_cond_wait(&answerer->idle, &answerer->lock);
	pthread_mutex_unlock(&answerer->lock);
}

void cadre_answerer_stop(struct cadre_answerer *answerer)
{
	if (!answerer)
		return;
	wait_until_quiet(answerer);
	wait_until_answered(answerer);
	for (unsigned i = 0; i < answerer->started; i++)
		nng_aio_stop(answerer->exchanges[i].aio);
	for (unsigned i = 0; i < answerer->started; i++)
		(void)nng_ctx_close(answerer->exchanges[i].ctx);
	/* Left to itself, its connections still end here. */
	if (answerer->socket_open && !cadre_socket_close(answerer->socket))
		return;
	for (unsigned i = 0; i < answerer->started; i++)
		nng_aio_free(answerer->exchanges[i].aio);
	cadre_pipes_fini(&answerer->pipes);
	pthread_cond_destroy(&answerer->idle);
	pthread_mutex_destroy(&answerer->lock);
	free(answerer->exchanges);
	free(answerer->storage);
	free(answerer);
}

void cadre_answerer_stat(struct cadre_answerer *answerer,
                         struct cadre_answerer_stat *ret_stat)
{
	pthread_mutex_lock(&answerer->lock);
	ret_stat->connections = answerer->pipes.count;
	ret_stat->connections_refused = answerer->connections_refused;
	ret_stat->slow_peers_closed = answerer->slow_peers_closed;
	ret_stat->handling = answerer->handling;
	pthread_mutex_unlock(&answerer->lock);
}
