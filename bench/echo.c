/*
 * The asking side. A lane is a context with one aio: send -> receive -> send, on
 * nng's threads, until the round's messages are used up.
 */
#include "bench/echo.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"

struct round {
	atomic_ullong left; /* messages to send */
	pthread_mutex_t lock;
	pthread_cond_t done;
	unsigned running; /* lock; lanes */
	int code;         /* lock; the first failure's */
};

struct lane {
	struct round *round;
	nng_ctx ctx;
	nng_aio *aio;
	size_t request_bytes;
	uint64_t asked_ns;
	bool receiving;
	struct bench_histogram latency;
};

static void end_lane(struct lane *lane, int code)
{
	struct round *round = lane->round;

	pthread_mutex_lock(&round->lock);
	if (code != 0 && round->code == 0)
		round->code = code;
	if (--round->running == 0)
		pthread_cond_signal(&round->done);
	pthread_mutex_unlock(&round->lock);
}

/* The request travels in the message that the last answer came in, if any. */
static void ask(struct lane *lane, nng_msg *msg)
{
	unsigned long long left = atomic_load(&lane->round->left);
	int rc;

	do {
		if (left == 0) {
			nng_msg_free(msg);
			end_lane(lane, 0);
			return;
		}
	} while (!atomic_compare_exchange_weak(&lane->round->left, &left, left - 1));
	rc = msg ? nng_msg_realloc(msg, lane->request_bytes)
	         : nng_msg_alloc(&msg, lane->request_bytes);
	if (rc != 0) {
		end_lane(lane, rc);
		return;
	}
	lane->receiving = false;
	lane->asked_ns = bench_now_ns();
	nng_aio_set_msg(lane->aio, msg);
	nng_ctx_send(lane->ctx, lane->aio);
}

static void lane_event(void *arg)
{
	struct lane *lane = arg;
	int rc = nng_aio_result(lane->aio);
	nng_msg *msg;

	if (rc != 0) {
		if (!lane->receiving)
			nng_msg_free(nng_aio_get_msg(lane->aio));
		end_lane(lane, rc);
		return;
	}
	if (!lane->receiving) {
		lane->receiving = true;
		nng_ctx_recv(lane->ctx, lane->aio);
		return;
	}
	msg = nng_aio_get_msg(lane->aio);
	nng_aio_set_msg(lane->aio, NULL);
	bench_histogram_add(&lane->latency, bench_now_ns() - lane->asked_ns);
	ask(lane, msg);
}

static int run_round(struct lane *lanes, unsigned count, uint64_t messages)
{
	struct round *round = lanes[0].round;

	atomic_store(&round->left, messages);
	round->running = count;
	for (unsigned i = 0; i < count; i++) {
		memset(&lanes[i].latency, 0, sizeof lanes[i].latency);
		ask(&lanes[i], NULL);
	}
	pthread_mutex_lock(&round->lock);
	while (round->running > 0)
		pthread_cond_wait(&round->done, &round->lock);
	pthread_mutex_unlock(&round->lock);
	return round->code;
}

static int open_lanes(nng_socket socket, const struct bench_echo *echo,
                      struct round *round, struct lane *lanes, unsigned *ret_opened)
{
	for (unsigned i = 0; i < echo->outstanding; i++) {
		struct lane *lane = &lanes[i];
		int rc;
		lane->round = round;
		lane->request_bytes = echo->request_bytes;
		rc = nng_aio_alloc(&lane->aio, lane_event, lane);
		if (rc != 0)
			return rc;
		rc = nng_ctx_open(&lane->ctx, socket);
		if (rc != 0) {
			nng_aio_free(lane->aio);
			return rc;
		}
		++*ret_opened;
		/* As replica/transport does: nng repeats nothing by itself. */
		rc = nng_ctx_set_ms(lane->ctx, NNG_OPT_REQ_RESENDTIME,
		                    NNG_DURATION_INFINITE);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int connect_socket(nng_socket *socket, const char *address)
{
	nng_dialer dialer;
	int rc = nng_dialer_create(&dialer, *socket, address);

	if (rc == 0)
		rc = nng_dialer_set_bool(dialer, NNG_OPT_TCP_NODELAY, true);
	return rc == 0 ? nng_dialer_start(dialer, 0) : rc;
}

enum cadre_status bench_echo_run(const struct bench_echo *echo, void (*start)(void *ctx),
                                 void *ctx, struct cadre_error *err)
{
	struct round round = { .lock = PTHREAD_MUTEX_INITIALIZER,
		               .done = PTHREAD_COND_INITIALIZER };
	struct lane *lanes = calloc(echo->outstanding, sizeof *lanes);
	unsigned opened = 0;
	nng_socket socket;
	int rc = lanes ? nng_req0_open(&socket) : NNG_ENOMEM;

	if (rc != 0) {
		free(lanes);
		return cadre_error_set(err, CADRE_INTERNAL, "nng: %s", nng_strerror(rc));
	}
	rc = connect_socket(&socket, echo->address);
	if (rc == 0)
		rc = open_lanes(socket, echo, &round, lanes, &opened);
	if (rc == 0)
		rc = run_round(lanes, opened, echo->messages / 10 + 1);
	if (rc == 0) {
		start(ctx);
		rc = run_round(lanes, opened, echo->messages);
	}
	for (unsigned i = 0; i < opened; i++)
		nng_aio_stop(lanes[i].aio);
	for (unsigned i = 0; i < opened; i++) {
		if (echo->latency)
			bench_histogram_merge(echo->latency, &lanes[i].latency);
		nng_ctx_close(lanes[i].ctx);
		nng_aio_free(lanes[i].aio);
	}
	nng_close(socket);
	free(lanes);
	return rc == 0 ? CADRE_OK
	               : cadre_error_set(err, CADRE_INTERNAL, "nng: %s",
	                                 nng_strerror(rc));
}
