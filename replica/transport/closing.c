#include "replica/transport/closing.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Owned by whoever leaves last: the closing thread, or who waits for it. */
struct closing {
	nng_socket socket;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done; /* lock */
	bool left; /* lock; nobody waits any more */
};

static void closing_free(struct closing *closing)
{
	pthread_cond_destroy(&closing->changed);
	pthread_mutex_destroy(&closing->lock);
	free(closing);
}

static void *close_socket(void *ctx)
{
	struct closing *closing = ctx;
	bool left;

	(void)nng_close(closing->socket);
	pthread_mutex_lock(&closing->lock);
	closing->done = true;
	left = closing->left;
	pthread_cond_signal(&closing->changed);
	pthread_mutex_unlock(&closing->lock);
	if (left)
		closing_free(closing);
	return NULL;
}

static struct closing *closing_make(nng_socket socket)
{
	struct closing *closing = calloc(1, sizeof *closing);
	pthread_condattr_t attributes;

	if (!closing)
		return NULL;
	closing->socket = socket;
	pthread_mutex_init(&closing->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&closing->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return closing;
}

static bool wait_for(struct closing *closing)
{
	struct timespec until;
	bool done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CADRE_CLOSE_WAIT_MS / 1000;
	pthread_mutex_lock(&closing->lock);
	while (!closing->done) {
		if (pthread_cond_timedwait(&closing->changed, &closing->lock, &until) ==
		    ETIMEDOUT)
			break;
	}
	done = closing->done;
	closing->left = !done;
	pthread_mutex_unlock(&closing->lock);
	return done;
}

bool cadre_socket_close(nng_socket socket)
{
	struct closing *closing = closing_make(socket);
	pthread_t thread;

	if (!closing || pthread_create(&thread, NULL, close_socket, closing) != 0) {
		if (closing)
			closing_free(closing);
		return nng_close(socket) == 0;
	}
	if (!wait_for(closing)) {
		(void)pthread_detach(thread);
		return false;
	}
	(void)pthread_join(thread, NULL);
	closing_free(closing);
	return true;
}
