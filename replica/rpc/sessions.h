/*
 * Who stands behind a connection. The server gives a nonce, one a connection; the client
 * signs it with its principal's key; the connection is that principal's until it closes,
 * the principal goes, or its key changes.
 *
 * Bounded: the sessions that were used least lately are forgotten; their clients prove
 * themselves again.
 *
 * Threads: any.
 */
#ifndef CADRE_RPC_SESSIONS_H
#define CADRE_RPC_SESSIONS_H

#include <pthread.h>
#include <stdio.h>

#include "engine/base/bytes.h"
#include "engine/env/env.h"

/* Four times the connections that a server has at most. */
#define SESSIONS 4096u
#define SESSION_NONCE_BYTES 32u
/* The text that is signed, with its NUL. */
#define SESSION_TEXT_BYTES 512u

struct session {
	uint32_t peer; /* 0: free */
	uint64_t used;
	uint8_t nonce[SESSION_NONCE_BYTES];
	char principal[256];   /* "": not proven */
	cadre_seq changed_seq; /* of the principal, when it proved itself */
};

struct sessions {
	pthread_mutex_t lock;
	uint64_t clock;      /* lock */
	struct session *all; /* lock; SESSIONS, made when the first is needed */
};

void sessions_init(struct sessions *sessions);
void sessions_fini(struct sessions *sessions);
/* The connection's nonce. Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status sessions_nonce(struct sessions *sessions,
                                                  struct cadre_env *env, uint32_t peer,
                                                  uint8_t nonce[SESSION_NONCE_BYTES],
                                                  struct cadre_error *err);
/* It is `principal`'s now. */
void sessions_prove(struct sessions *sessions, uint32_t peer, const char *principal,
                    cadre_seq changed_seq);
/* Who proved itself; false: nobody. */
bool sessions_find(struct sessions *sessions, uint32_t peer, char principal[256],
                   cadre_seq *ret_changed_seq);

/* What is signed: purpose, cluster, nonce and principal. For both sides. */
static inline void session_text(const uint8_t cluster_id[16],
                                const uint8_t nonce[SESSION_NONCE_BYTES],
                                const char *principal, char text[SESSION_TEXT_BYTES])
{
	char cluster_hex[33], nonce_hex[2 * SESSION_NONCE_BYTES + 1];

	cadre_hex_encode(cluster_id, 16, cluster_hex);
	cadre_hex_encode(nonce, SESSION_NONCE_BYTES, nonce_hex);
	(void)snprintf(text, SESSION_TEXT_BYTES, "cadre session\n%s\n%s\n%s", cluster_hex,
	               nonce_hex, principal);
}

#endif
