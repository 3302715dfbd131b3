/*
 * What waits, and the thread that goes on with it.
 *
 * `ready` holds calls whose requests the store has completed; `waiting` those for a
 * seq to be applied, or for their time to be over. Who registers looks at
 * applied_seq once more behind raising waiting_count; rpc_applied() raises
 * applied_seq first and looks at waiting_count then: one of the two sees the other.
 */
#include "replica/rpc/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/codec/limits.h"

/* So often a look whether those who wait are still there. */
#define LOOK_NS UINT64_C(1000000000)

/* ---- lists ---- */

static void push(struct call_list *list, struct call *call)
{
	call->next = NULL;
	call->previous = list->last;
	if (list->last)
		list->last->next = call;
	else
		list->first = call;
	list->last = call;
}

static void unlink_call(struct call_list *list, struct call *call)
{
	if (call->previous)
		call->previous->next = call->next;
	else
		list->first = call->next;
	if (call->next)
		call->next->previous = call->previous;
	else
		list->last = call->previous;
}

/* ---- admission ---- */

static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 16777619u;
	return hash;
}

/* Under the lock. The principal's share, made when there is none; NULL when all
 * are taken, which parked_max of them cannot be. */
static struct principal_share *find_share(struct cadre_rpc_server *server,
                                          const char *name)
{
	uint32_t hash = hash_of(name);
	struct principal_share *free_share = NULL;

	for (unsigned i = 0; i < server->options.parked_max; i++) {
		struct principal_share *share = &server->shares[i];
		if (share->count == 0) {
			free_share = free_share ? free_share : share;
			continue;
		}
		if (share->hash == hash && strcmp(share->name, name) == 0)
			return share;
	}
	if (free_share) {
		free_share->hash = hash;
		(void)snprintf(free_share->name, sizeof free_share->name, "%s", name);
	}
	return free_share;
}

/* In open mode everybody local is one principal, who has it all. */
static bool is_named(const struct call *call)
{
	return call->who || call->actor.via || call->server->options.hooks.actor;
}

/* Under the lock. */
static bool has_room(const struct cadre_rpc_server *server, bool to_wait, size_t bytes)
{
	unsigned max = server->options.parked_max;

	return !server->stopping && server->parked < max &&
	       (!to_wait || server->parked_to_wait < (max + 1) / 2) &&
	       server->parked_bytes + bytes <= CADRE_RPC_PARKED_BYTES_MAX;
}

enum cadre_status rpc_park(struct call *call, bool to_wait, struct cadre_error *err)
{
	struct cadre_rpc_server *server = call->server;
	size_t bytes =
	        cadre_arena_bytes_for(cadre_exchange_request(call->exchange).length);
	struct principal_share *share = NULL;
	unsigned max = server->options.parked_max;
	bool room;
	bool stopping;

	if (call->parked)
		return CADRE_OK;
	pthread_mutex_lock(&server->lock);
	stopping = server->stopping;
	room = has_room(server, to_wait, bytes);
	if (room && is_named(call)) {
		share = find_share(server, call->actor.principal);
		room = share && share->count < (max + 3) / 4;
	}
	if (room) {
		server->parked++;
		server->parked_to_wait += to_wait ? 1 : 0;
		server->parked_bytes += bytes;
		call->parked = true;
		call->parked_to_wait = to_wait;
		call->parked_bytes = bytes;
		call->share = share;
		if (share)
			share->count++;
	}
	cadre_metric_set(server->metrics, METRIC_PARKED, server->parked);
	pthread_mutex_unlock(&server->lock);
	if (room)
		return CADRE_OK;
	if (stopping)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "this node is shutting down: nothing was done");
	cadre_metric_add(server->metrics, METRIC_TOO_MANY, 1);
	return cadre_error_set(err, CADRE_TOO_MANY_REQUESTS,
	                       "%u calls wait here already%s: nothing was done, send it "
	                       "again later",
	                       to_wait ? (max + 1) / 2 : max,
	                       share ? ", or a quarter of that for this principal" : "");
}

void rpc_unpark(struct call *call)
{
	struct cadre_rpc_server *server = call->server;

	if (!call->parked)
		return;
	pthread_mutex_lock(&server->lock);
	server->parked--;
	server->parked_to_wait -= call->parked_to_wait ? 1 : 0;
	server->parked_bytes -= call->parked_bytes;
	if (call->share)
		call->share->count--;
	cadre_metric_set(server->metrics, METRIC_PARKED, server->parked);
	/* The keeper's stop waits for the last one. */
	if (server->parked == 0 && server->stopping)
		pthread_cond_signal(&server->wake);
	pthread_mutex_unlock(&server->lock);
	call->parked = false;
}

/* ---- waiting ---- */

bool rpc_wait(struct call *call)
{
	struct cadre_rpc_server *server = call->server;
	bool waits;

	pthread_mutex_lock(&server->lock);
	push(&server->waiting, call);
	atomic_fetch_add(&server->waiting_count, 1);
	waits = atomic_load(&server->applied_seq) < call->wait_seq &&
	        !atomic_load(&server->refusing);
	if (waits) {
		pthread_cond_signal(&server->wake); /* perhaps an earlier time-out */
	} else {
		unlink_call(&server->waiting, call);
		atomic_fetch_sub(&server->waiting_count, 1);
		call->wait = WAIT_NONE;
	}
	pthread_mutex_unlock(&server->lock);
	return waits;
}

void rpc_ready(struct call *call)
{
	struct cadre_rpc_server *server = call->server;

	pthread_mutex_lock(&server->lock);
	push(&server->ready, call);
	pthread_cond_signal(&server->wake);
	pthread_mutex_unlock(&server->lock);
}

void rpc_applied(void *ctx, cadre_seq seq)
{
	struct cadre_rpc_server *server = ctx;

	atomic_store(&server->applied_seq, seq);
	if (atomic_load(&server->waiting_count) == 0)
		return;
	pthread_mutex_lock(&server->lock);
	pthread_cond_signal(&server->wake);
	pthread_mutex_unlock(&server->lock);
}

/* ---- the keeper ---- */

/* Under the lock. Nobody would hear the answers of these: their waits are over. */
static void end_waits_of_left(struct cadre_rpc_server *server, uint64_t now)
{
	if (now < server->look_ns)
		return;
	server->look_ns = now + LOOK_NS;
	for (struct call *call = server->waiting.first; call; call = call->next)
		if (cadre_exchange_peer_left(call->exchange))
			call->wait_until_ns = now;
}

/* Under the lock. Moves what is due from `waiting` to `ready`; the time of the next
 * one, UINT64_MAX for none. */
static uint64_t wake_due(struct cadre_rpc_server *server)
{
	cadre_seq applied = atomic_load(&server->applied_seq);
	uint64_t now = server->env->ops->mono_ns(server->env);
	bool refusing = atomic_load(&server->refusing);
	uint64_t next_ns = UINT64_MAX;
	struct call *next;

	end_waits_of_left(server, now);
	for (struct call *call = server->waiting.first; call; call = next) {
		next = call->next;
		if (applied >= call->wait_seq || now >= call->wait_until_ns || refusing) {
			unlink_call(&server->waiting, call);
			atomic_fetch_sub(&server->waiting_count, 1);
			push(&server->ready, call);
		} else if (call->wait_until_ns < next_ns) {
			next_ns = call->wait_until_ns;
		}
	}
	if (next_ns == UINT64_MAX)
		return UINT64_MAX;
	return (next_ns < server->look_ns ? next_ns : server->look_ns) - now;
}

/* Under the lock. */
static void pause_keeper(struct cadre_rpc_server *server, uint64_t pause_ns)
{
	struct timespec until;

	if (pause_ns == UINT64_MAX) {
		pthread_cond_wait(&server->wake, &server->lock);
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(pause_ns / 1000000000u);
	until.tv_nsec += (long)(pause_ns % 1000000000u);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&server->wake, &server->lock, &until);
}

static void *keep(void *ctx)
{
	struct cadre_rpc_server *server = ctx;

	pthread_mutex_lock(&server->lock);
	while (!server->stopping || server->parked > 0) {
		uint64_t pause_ns = wake_due(server);
		struct call *call = server->ready.first;
		if (!call) {
			pause_keeper(server, pause_ns);
			continue;
		}
		server->ready = (struct call_list){ 0 };
		pthread_mutex_unlock(&server->lock);
		while (call) {
			struct call *next = call->next;
			rpc_resume(call);
			call = next;
		}
		pthread_mutex_lock(&server->lock);
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

enum cadre_status rpc_keeper_start(struct cadre_rpc_server *server,
                                   struct cadre_error *err)
{
	int rc = pthread_create(&server->keeper, NULL, keep, server);

	if (rc != 0)
		return cadre_error_errno(err, rc, "starting the RPC's keeper");
	server->keeping = true;
	return CADRE_OK;
}

void rpc_keeper_stop(struct cadre_rpc_server *server)
{
	if (!server->keeping)
		return;
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	pthread_cond_signal(&server->wake);
	pthread_mutex_unlock(&server->lock);
	(void)pthread_join(server->keeper, NULL);
	server->keeping = false;
}
