/*
 * The role `echo`: as many contexts as the RPC server has, each with one aio:
 * receive -> (write and sync) -> send -> receive, on nng's threads.
 */
#include <fcntl.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/child.h"
#include "replica/transport/answerer.h"

struct echo;

struct lane {
	struct echo *echo;
	nng_ctx ctx;
	nng_aio *aio;
	bool sending;
};

struct echo {
	nng_socket socket;
	struct lane *lanes;
	unsigned count;
	size_t reply_bytes;
	int file;
	uint8_t *bytes;
	size_t sync_bytes;
	pthread_mutex_t lock;
	uint64_t at; /* lock */
};

/* Another process shows the failure: no answer comes. */
static bool write_and_sync(struct echo *echo)
{
	bool done;

	pthread_mutex_lock(&echo->lock);
	done = pwrite(echo->file, echo->bytes, echo->sync_bytes, (off_t)echo->at) ==
	               (ssize_t)echo->sync_bytes &&
	       fdatasync(echo->file) == 0;
	echo->at += echo->sync_bytes;
	pthread_mutex_unlock(&echo->lock);
	return done;
}

static void lane_event(void *arg)
{
	struct lane *lane = arg;
	struct echo *echo = lane->echo;
	int rc = nng_aio_result(lane->aio);
	nng_msg *msg;

	if (rc == NNG_ECLOSED || rc == NNG_ECANCELED)
		return;
	if (rc != 0 || lane->sending) {
		if (rc != 0 && lane->sending)
			nng_msg_free(nng_aio_get_msg(lane->aio));
		lane->sending = false;
		nng_aio_set_msg(lane->aio, NULL);
		nng_ctx_recv(lane->ctx, lane->aio);
		return;
	}
	msg = nng_aio_get_msg(lane->aio);
	if ((echo->sync_bytes > 0 && !write_and_sync(echo)) ||
	    nng_msg_realloc(msg, echo->reply_bytes) != 0) {
		nng_msg_free(msg);
		return;
	}
	lane->sending = true;
	nng_aio_set_msg(lane->aio, msg);
	nng_ctx_send(lane->ctx, lane->aio);
}

static int open_lanes(struct echo *echo)
{
	for (unsigned i = 0; i < CADRE_EXCHANGES_MAX; i++) {
		struct lane *lane = &echo->lanes[i];
		int rc = nng_aio_alloc(&lane->aio, lane_event, lane);
		if (rc == 0)
			rc = nng_ctx_open(&lane->ctx, echo->socket);
		if (rc != 0)
			return rc;
		lane->echo = echo;
		echo->count++;
		nng_ctx_recv(lane->ctx, lane->aio);
	}
	return 0;
}

static int listen_now(struct echo *echo, char address[64])
{
	nng_listener listener;
	int port = 0;
	int rc = nng_listener_create(&listener, echo->socket, "tcp://127.0.0.1:0");

	if (rc == 0)
		rc = nng_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true);
	if (rc == 0)
		rc = nng_listener_start(listener, 0);
	if (rc == 0)
		rc = nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port);
	snprintf(address, 64, "tcp://127.0.0.1:%d", port);
	return rc;
}

/* The process ends: what is open goes with it, but nothing of nng's may run then. */
static void stop(struct echo *echo)
{
	for (unsigned i = 0; i < echo->count; i++)
		nng_aio_stop(echo->lanes[i].aio);
	for (unsigned i = 0; i < echo->count; i++) {
		nng_ctx_close(echo->lanes[i].ctx);
		nng_aio_free(echo->lanes[i].aio);
	}
	nng_close(echo->socket);
}

int bench_echo_child(const char *path, size_t reply_bytes, size_t sync_bytes)
{
	struct echo echo = { .reply_bytes = reply_bytes,
		             .sync_bytes = sync_bytes,
		             .file = -1,
		             .lock = PTHREAD_MUTEX_INITIALIZER };
	char address[64];
	int rc;

	echo.lanes = calloc(CADRE_EXCHANGES_MAX, sizeof *echo.lanes);
	echo.bytes = calloc(1, sync_bytes + 1);
	if (sync_bytes > 0)
		echo.file = open(path, O_WRONLY | O_CLOEXEC);
	rc = !echo.lanes || !echo.bytes        ? NNG_ENOMEM
	     : sync_bytes > 0 && echo.file < 0 ? NNG_ENOENT
	                                       : nng_rep0_open(&echo.socket);
	if (rc == 0) {
		memset(echo.bytes, 'x', sync_bytes);
		rc = open_lanes(&echo);
		if (rc == 0)
			rc = listen_now(&echo, address);
		if (rc == 0)
			bench_child_serve(address);
		stop(&echo);
	}
	if (rc != 0)
		fprintf(stderr, "cadre-bench --child echo: %s\n", nng_strerror(rc));
	free(echo.lanes);
	free(echo.bytes);
	if (echo.file >= 0)
		close(echo.file);
	return rc != 0;
}
