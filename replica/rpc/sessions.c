#include "replica/rpc/sessions.h"

#include <stdio.h>
#include <stdlib.h>

/* Sessions among which one connection has its place. */
#define WAYS 16u

void sessions_init(struct sessions *sessions)
{
	pthread_mutex_init(&sessions->lock, NULL);
	sessions->clock = 0;
	sessions->all = NULL;
}

void sessions_fini(struct sessions *sessions)
{
	free(sessions->all);
	sessions->all = NULL;
	pthread_mutex_destroy(&sessions->lock);
}

/* Under the lock. Its own, else NULL. */
static struct session *find(struct sessions *sessions, uint32_t peer)
{
	struct session *set = sessions->all
	                              ? &sessions->all[peer % (SESSIONS / WAYS) * WAYS]
	                              : NULL;

	for (size_t i = 0; set && i < WAYS; i++) {
		if (set[i].peer != peer)
			continue;
		set[i].used = ++sessions->clock;
		return &set[i];
	}
	return NULL;
}

/* Under the lock. A free place, or that of the one used least lately. */
static struct session *take(struct sessions *sessions, uint32_t peer)
{
	struct session *set = &sessions->all[peer % (SESSIONS / WAYS) * WAYS];
	struct session *oldest = &set[0];

	for (size_t i = 1; i < WAYS; i++) {
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	memset(oldest, 0, sizeof *oldest);
	oldest->peer = peer;
	oldest->used = ++sessions->clock;
	return oldest;
}

enum cadre_status sessions_nonce(struct sessions *sessions, struct cadre_env *env,
                                 uint32_t peer, uint8_t nonce[SESSION_NONCE_BYTES],
                                 struct cadre_error *err)
{
	struct session *session;

	pthread_mutex_lock(&sessions->lock);
	if (!sessions->all)
		sessions->all = calloc(SESSIONS, sizeof *sessions->all);
	session = sessions->all ? find(sessions, peer) : NULL;
	if (sessions->all && !session) {
		session = take(sessions, peer);
		env->ops->random(env, session->nonce, sizeof session->nonce);
	}
	if (session)
		memcpy(nonce, session->nonce, sizeof session->nonce);
	pthread_mutex_unlock(&sessions->lock);
	return session ? CADRE_OK
	               : cadre_error_set(err, CADRE_OUT_OF_MEMORY,
	                                 "no memory for sessions");
}

void sessions_prove(struct sessions *sessions, uint32_t peer, const char *principal,
                    cadre_seq changed_seq)
{
	struct session *session;

	pthread_mutex_lock(&sessions->lock);
	session = find(sessions, peer);
	if (session) {
		(void)snprintf(session->principal, sizeof session->principal, "%s",
		               principal);
		session->changed_seq = changed_seq;
	}
	pthread_mutex_unlock(&sessions->lock);
}

bool sessions_find(struct sessions *sessions, uint32_t peer, char principal[256],
                   cadre_seq *ret_changed_seq)
{
	struct session *session;
	bool proven;

	pthread_mutex_lock(&sessions->lock);
	session = find(sessions, peer);
	proven = session && session->principal[0] != '\0';
	if (proven) {
		memcpy(principal, session->principal, sizeof session->principal);
		*ret_changed_seq = session->changed_seq;
	}
	pthread_mutex_unlock(&sessions->lock);
	return proven;
}
