/*
 * libcadre, client part: asks a Cadre cluster over its RPC.
 *
 * A call is a list of operations (cadre.v1.Op of the published schema), each
 * answered for itself. The library owns the retry: every batch gets one retry token,
 * kept over all attempts, so that it takes effect at most once; a connection that
 * breaks, a node that is busy, starting or not the leader is asked again, or another
 * one is, until `attempts_max` or the deadline. A call ends as
 *
 *   DONE      every operation succeeded
 *   REFUSED   a rule refused one, or nothing was asked at all; what it refused did
 *             not happen
 *   UNKNOWN   a batch may or may not have taken effect: the deadline passed before
 *             anybody could tell. Send it again with the same token, or ask for
 *             the token's outcome later
 *
 * Before it says UNKNOWN the library asks the cluster by retry token for as long as
 * the deadline allows.
 *
 * A client reads its own writes on any node: the positions that its batches were
 * given go along with later reads.
 *
 * Threads: a client may be used by any number of threads. Answers belong to one.
 * Processes: a client does not survive fork.
 */
#ifndef CADRE_CLIENT_H
#define CADRE_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef CADRE_API
#define CADRE_API __attribute__((visibility("default")))
#endif

struct cadre_client;
struct cadre_client_answer;
/* protobuf-c types of cadre/v1/rpc.proto, for those who use them. */
struct Cadre__V1__Op;
struct Cadre__V1__Response;

enum cadre_client_outcome {
	CADRE_CLIENT_DONE = 0,
	CADRE_CLIENT_REFUSED = 1,
	CADRE_CLIENT_UNKNOWN = 2
};

enum cadre_client_reads {
	CADRE_CLIENT_OWN_WRITES = 0, /* at least as new as this client's batches */
	CADRE_CLIENT_MONOTONIC = 1,  /* and as everything it has read */
	CADRE_CLIENT_ANY = 2         /* as new as the node that is asked */
};

/* Zero means default. Ownership: copied. */
struct cadre_client_options {
	/* tcp://host:port; port 7420 unless given. The first is asked first. */
	const char *const *addresses;
	size_t address_count;     /* 1..16 */
	const char *compartment;  /* where names are looked up */
	const char *on_behalf_of; /* only for principals that may */
	uint32_t timeout_ms;      /* of a call: 10,000 */
	uint32_t connect_ms;      /* for a connection, in each attempt: 1,000 */
	unsigned attempts_max;    /* 8 */
	enum cadre_client_reads reads;
};

/* Connects in the background: nodes may start later. 0, or -1 with the cause in
 * `message` (may be NULL). */
CADRE_API int cadre_client_open(const struct cadre_client_options *options,
                                struct cadre_client **ret_client, char *message,
                                size_t capacity);
/* Ends calls under way (batches that were sent: UNKNOWN) and waits for their
 * callbacks. Not from a callback. Takes NULL. */
CADRE_API void cadre_client_close(struct cadre_client *client);

/* Later reads of this client are answered from a state at least as new as `seq` of the
 * timeline: a position that another client was given. An older one than it knows of the
 * same timeline changes nothing. */
CADRE_API void cadre_client_read_after(struct cadre_client *client,
                                       const uint8_t timeline_id[16], uint64_t seq);

/* Of one call; NULL or zero: the client's. */
struct cadre_client_call_options {
	uint32_t timeout_ms;
	const char *compartment;
	const char *on_behalf_of;
	int ack_local; /* durable on the leader is enough */
};

/*
 * Asks and waits. `*ret_answer` (may be NULL) is the caller's, to be freed; NULL
 * when memory ran out. Batches without a retry token get one; what `ops` points to
 * is not changed.
 */
CADRE_API enum cadre_client_outcome
cadre_client_call(struct cadre_client *client, const struct Cadre__V1__Op *const *ops,
                  size_t count, const struct cadre_client_call_options *options,
                  struct cadre_client_answer **ret_answer);

/* The answer is the callback's, to be freed then or later. */
typedef void (*cadre_client_fn)(void *ctx, struct cadre_client_answer *answer);
/* Asks and returns: `fn` is called exactly once, on a thread of the library's, or
 * from inside this call. It must not block. `ops` may go on return.
 * -1: out of memory, `fn` is not called. */
CADRE_API int cadre_client_start(struct cadre_client *client,
                                 const struct Cadre__V1__Op *const *ops, size_t count,
                                 const struct cadre_client_call_options *options,
                                 cadre_client_fn fn, void *ctx);

/* ---- answers; all take NULL, as an answer without memory ---- */

CADRE_API void cadre_client_answer_free(struct cadre_client_answer *answer);
CADRE_API enum cadre_client_outcome
cadre_client_answer_outcome(const struct cadre_client_answer *answer);
/* Number and name ("NOT_FOUND") of the first refusal's status; 0 and "OK" when
 * done. */
CADRE_API int cadre_client_answer_status(const struct cadre_client_answer *answer);
CADRE_API const char *
cadre_client_answer_status_name(const struct cadre_client_answer *answer);
/* What was refused and why; "" when done. */
CADRE_API const char *
cadre_client_answer_message(const struct cadre_client_answer *answer);
/* The results, one an operation; NULL when no node answered. Lives as long as the
 * answer. When `by_token` says 1, the results of batches are those of their retry
 * tokens: `outcome` instead of `batch`. */
CADRE_API const struct Cadre__V1__Response *
cadre_client_answer_response(const struct cadre_client_answer *answer);
CADRE_API int cadre_client_answer_by_token(const struct cadre_client_answer *answer);
/* The retry token that batch number `op` was sent with; NULL for other operations. */
CADRE_API const char *
cadre_client_answer_retry_token(const struct cadre_client_answer *answer, size_t op);
/* Messages that were sent for it. */
CADRE_API unsigned cadre_client_answer_attempts(const struct cadre_client_answer *answer);

/* ---- without protobuf ---- */

/* Which model a key of a group, history or deployment means: its OCID and a NUL in
 * `model_ocid`. `at_seq` 0: now. `ret_answer` may be NULL. */
CADRE_API enum cadre_client_outcome
cadre_client_resolve(struct cadre_client *client, const char *target, const char *key,
                     uint64_t at_seq, char *model_ocid, size_t capacity,
                     struct cadre_client_answer **ret_answer);
/* A packed cadre.v1.Batch. */
CADRE_API enum cadre_client_outcome
cadre_client_batch(struct cadre_client *client, const void *packed, size_t length,
                   struct cadre_client_answer **ret_answer);

#ifdef __cplusplus
}
#endif

#endif
