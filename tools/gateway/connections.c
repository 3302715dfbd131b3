#include "tools/gateway/connections.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "tools/gateway/gateway.h"

/* How often it is looked: a deadline is kept to within so much. */
#define LOOK_MS 250u

struct gateway_connection {
	int fd;
	uint64_t deadline_ns; /* 0: none */
	struct gateway_connection *next, *previous;
};

struct gateway_connections {
	pthread_mutex_t lock;
	pthread_cond_t end;
	struct gateway_connection all; /* lock; a ring around it */
	bool ending;                   /* lock */
	pthread_t thread;
};

static void look(struct gateway_connections *connections)
{
	uint64_t now = gateway_now_ns();

	for (struct gateway_connection *at = connections->all.next;
	     at != &connections->all; at = at->next) {
		if (at->deadline_ns == 0 || now < at->deadline_ns)
			continue;
		/* The library sees the end and closes it. */
		shutdown(at->fd, SHUT_RDWR);
		at->deadline_ns = 0;
	}
}

static void *watch(void *ctx)
{
	struct gateway_connections *connections = ctx;
	struct timespec next;

	pthread_mutex_lock(&connections->lock);
	while (!connections->ending) {
		clock_gettime(CLOCK_REALTIME, &next);
		next.tv_nsec += (long)LOOK_MS * 1000000;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&connections->end, &connections->lock,
		                           &next) == ETIMEDOUT)
			look(connections);
	}
	pthread_mutex_unlock(&connections->lock);
	return NULL;
}

enum cadre_status gateway_connections_create(struct gateway_connections **ret_connections,
                                             struct cadre_error *err)
{
	struct gateway_connections *connections = calloc(1, sizeof *connections);

	if (!connections)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "out of memory");
	connections->all.next = connections->all.previous = &connections->all;
	pthread_mutex_init(&connections->lock, NULL);
	pthread_cond_init(&connections->end, NULL);
	if (pthread_create(&connections->thread, NULL, watch, connections) != 0) {
		free(connections);
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no thread left");
	}
	*ret_connections = connections;
	return CADRE_OK;
}

void gateway_connections_destroy(struct gateway_connections **connections)
{
	struct gateway_connections *old = *connections;

	if (!old)
		return;
	pthread_mutex_lock(&old->lock);
	old->ending = true;
	pthread_cond_signal(&old->end);
	pthread_mutex_unlock(&old->lock);
	pthread_join(old->thread, NULL);
	pthread_cond_destroy(&old->end);
	pthread_mutex_destroy(&old->lock);
	free(old);
	*connections = NULL;
}

static uint64_t deadline(uint32_t ms)
{
	return ms > 0 ? gateway_now_ns() + (uint64_t)ms * 1000000u : 0;
}

struct gateway_connection *gateway_connection_add(struct gateway_connections *connections,
                                                  int fd, uint32_t ms)
{
	struct gateway_connection *added = calloc(1, sizeof *added);

	if (!added)
		return NULL;
	added->fd = fd;
	added->deadline_ns = deadline(ms);
	pthread_mutex_lock(&connections->lock);
	added->next = &connections->all;
	added->previous = connections->all.previous;
	added->previous->next = added;
	connections->all.previous = added;
	pthread_mutex_unlock(&connections->lock);
	return added;
}

void gateway_connection_remove(struct gateway_connections *connections,
                               struct gateway_connection *connection)
{
	if (!connection)
		return;
	pthread_mutex_lock(&connections->lock);
	connection->previous->next = connection->next;
	connection->next->previous = connection->previous;
	pthread_mutex_unlock(&connections->lock);
	free(connection);
}

void gateway_connection_expect(struct gateway_connections *connections,
                               struct gateway_connection *connection, uint32_t ms)
{
	if (!connection)
		return;
	pthread_mutex_lock(&connections->lock);
	connection->deadline_ns = deadline(ms);
	pthread_mutex_unlock(&connections->lock);
}
