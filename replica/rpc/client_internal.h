/*
 * The client's parts among themselves: client.c has nodes and the thread that tries
 * again, client_call.c takes a call through its attempts, client_answer.c judges and
 * tells.
 *
 * Locks: the client's lock is taken last; nothing is called with it held.
 */
#ifndef CADRE_RPC_CLIENT_INTERNAL_H
#define CADRE_RPC_CLIENT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cadre/v1/rpc.pb-c.h"
#include "engine/base/rsa.h"
#include "engine/env/env.h"
#include "proto/codec/arena.h"
#include "replica/rpc/cadre_client.h"
#include "replica/transport/asker.h"

#define CLIENT_PORT 7420u
#define CLIENT_NODES_MAX 32u /* those given, and leaders that were named */
#define CLIENT_TIMEOUT_MS 10000u
#define CLIENT_CONNECT_MS 1000u
#define CLIENT_ATTEMPTS_MAX 8u
/* Pause before attempt n: doubles from the first to the second. */
#define CLIENT_PAUSE_MIN_MS 10u
#define CLIENT_PAUSE_MAX_MS 500u
/* An answer: four times what the largest message holds, for what protobuf-c makes
 * of small messages. */
#define CLIENT_ARENA_BYTES ((size_t)64 << 20)
#define CLIENT_STORAGE_BYTES 4096u
#define CLIENT_TOKEN_CHARS 32u

struct client_node {
	char address[CADRE_ADDRESS_BYTES];
	struct cadre_asker *asker;
};

struct cadre_client {
	struct cadre_env *env;
	char *compartment;
	char *on_behalf_of;
	char *principal;           /* NULL: none */
	struct cadre_rsa_key *key; /* its own */
	uint32_t timeout_ms;
	uint32_t connect_ms;
	unsigned attempts_max;
	enum cadre_client_reads reads;
	char id[9]; /* starts its request ids */
	atomic_ullong calls;

	pthread_mutex_t lock;
	pthread_cond_t wake;                        /* the thread, and close */
	struct client_node nodes[CLIENT_NODES_MAX]; /* lock; only added to */
	unsigned node_count;                        /* lock */
	unsigned preferred;                         /* lock; answered last as leader */
	bool closing;                               /* lock */
	unsigned active;                            /* lock; calls not finished */
	unsigned asking;                            /* lock; threads inside an asker */
	bool positioned;                            /* lock */
	uint8_t timeline_id[16];                    /* lock */
	uint64_t seq;                               /* lock */
	struct cadre_client_answer *later;          /* lock; calls to try again */
	pthread_t thread;
	bool running;
};

/* A call, and then its answer. */
struct cadre_client_answer {
	struct cadre_client *client;
	cadre_client_fn fn;
	void *ctx;
	struct cadre_arena arena;   /* request and answer */
	Cadre__V1__Request request; /* without the operations */
	Cadre__V1__Position after;
	uint8_t after_timeline[16];
	char request_id[32];
	uint8_t *ops; /* packed, as they stand in the request */
	size_t ops_bytes;
	size_t op_count;
	const char **tokens; /* of batches, NULL for other operations */
	size_t token_count;
	bool has_batch;
	bool has_read;
	bool only_outcome; /* asks by token now */
	bool maybe_done;   /* a batch was sent and not refused */
	unsigned proofs;   /* of who we are, that were begun for it */
	unsigned node;     /* to ask next */
	unsigned attempts;
	unsigned tries; /* attempts and failures to connect, since the ops were made */
	uint64_t deadline_ns;
	uint64_t due_ns; /* in `later` */
	struct cadre_client_answer *next;
	/* The answer. */
	enum cadre_client_outcome outcome;
	enum cadre_status status;
	struct cadre_error err;
	Cadre__V1__Response *response;
	_Alignas(16) uint8_t storage[CLIENT_STORAGE_BYTES];
};

/* ---- client.c ---- */

/* The node's number, added when it is new; `fallback` when it cannot be. */
unsigned client_node_named(struct cadre_client *client, const char *address,
                           unsigned fallback);
/* Puts the call off; false when the client is closing. */
bool client_try_later(struct cadre_client_answer *call, uint64_t due_ns);
/* An asker to use until client_release(); NULL when the client is closing. */
struct cadre_asker *client_acquire(struct cadre_client *client, unsigned *io_node);
void client_release(struct cadre_client *client);
void client_note_position(struct cadre_client *client,
                          const Cadre__V1__Response *response, bool from_batch);
void client_forget_position(struct cadre_client *client);
bool client_position(struct cadre_client *client, Cadre__V1__Position *position,
                     uint8_t timeline_id[16]);

/* ---- client_call.c ---- */

/* One more attempt, or the end. */
void client_attempt(struct cadre_client_answer *call);
void client_finish(struct cadre_client_answer *call, enum cadre_client_outcome outcome);

/* ---- client_prove.c ---- */

/* Proves who the client is on the connection that refused the call, and tries it again;
 * false: it has no key, or tried too often. */
bool client_prove(struct cadre_client_answer *call);

/* ---- client_ops.c ---- */

/* Packs the operations, with tokens for the batches. */
enum cadre_status client_pack_ops(struct cadre_client_answer *call,
                                  const Cadre__V1__Op *const *ops, size_t count);
/* Replaces them by Outcome for each batch. */
enum cadre_status client_pack_outcomes(struct cadre_client_answer *call);

#endif
