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
	/* Who this client is and its private key in PEM, where principals are configured:
	 * proven once a connection. Both or neither. */
	const char *principal;
	const char *private_key_pem;
	uint32_t timeout_ms;   /* of a call: 10,000 */
	uint32_t connect_ms;   /* for a connection, in each attempt: 1,000 */
	unsigned attempts_max; /* 8 */
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

/* ---- blobs: artifacts by content ---- */

/* What became of it. `status` and `message` are of the refusal; 0 and "" when done. */
struct cadre_client_blob {
	uint8_t sha256[32];
	uint64_t bytes;
	int status;
	char message[512];
};

/* At most `capacity` bytes from `offset` on; their number, or -1. Asked in order from
 * 0, but from an earlier offset when the leader lost what it had, and from a later one
 * when it has more already. */
typedef int64_t (*cadre_client_blob_read_fn)(void *ctx, uint64_t offset, void *data,
                                             size_t capacity);
/* All of it, or -1. In order. */
typedef int (*cadre_client_blob_write_fn)(void *ctx, uint64_t offset, const void *data,
                                          size_t length);
/* Bytes that are done, of total; what is not 0 ends the work with UNAVAILABLE. */
typedef int (*cadre_client_blob_progress_fn)(void *ctx, uint64_t done, uint64_t total);

/* Zero and NULL mean the default. */
struct cadre_client_blob_put {
	uint64_t bytes;        /* at least 1 */
	const uint8_t *sha256; /* 32 bytes: goes on with an earlier attempt, sends nothing
	                        * that is there already. NULL: hashed while it is sent */
	cadre_client_blob_read_fn read;
	cadre_client_blob_progress_fn progress;
	void *ctx;
	uint32_t stall_ms; /* given up after so long without progress: 60,000 */
};
/* Uploads; on DONE it is durable on the leader. Goes on by itself when a connection
 * breaks or the leader starts again. Sent again, it harms nothing: never UNKNOWN. */
CADRE_API enum cadre_client_outcome
cadre_client_blob_put(struct cadre_client *client,
                      const struct cadre_client_blob_put *put,
                      struct cadre_client_blob *ret_blob);
/* A file, from its start. It is read twice: hashed, and sent. */
CADRE_API enum cadre_client_outcome
cadre_client_blob_put_fd(struct cadre_client *client, int fd,
                         cadre_client_blob_progress_fn progress, void *ctx,
                         struct cadre_client_blob *ret_blob);

struct cadre_client_blob_get {
	const uint8_t *sha256; /* 32 bytes */
	cadre_client_blob_write_fn write;
	cadre_client_blob_progress_fn progress;
	void *ctx;
	uint32_t stall_ms;
};
/* Downloads. On DONE what was written has that SHA-256; otherwise it is to be thrown
 * away. */
CADRE_API enum cadre_client_outcome
cadre_client_blob_get(struct cadre_client *client,
                      const struct cadre_client_blob_get *get,
                      struct cadre_client_blob *ret_blob);
/* Written to a file, a pipe or a terminal, where it stands. */
CADRE_API enum cadre_client_outcome
cadre_client_blob_get_fd(struct cadre_client *client, const uint8_t sha256[32], int fd,
                         cadre_client_blob_progress_fn progress, void *ctx,
                         struct cadre_client_blob *ret_blob);

/* One piece, 1 MiB at most; short only at the end. `ret_blob->bytes` is the whole's
 * size. Nothing is verified. */
CADRE_API enum cadre_client_outcome
cadre_client_blob_read(struct cadre_client *client, const uint8_t sha256[32],
                       uint64_t offset, void *data, size_t capacity, size_t *ret_length,
                       struct cadre_client_blob *ret_blob);
/* Its size. REFUSED with NOT_FOUND when it is not durable there. */
CADRE_API enum cadre_client_outcome
cadre_client_blob_stat(struct cadre_client *client, const uint8_t sha256[32],
                       struct cadre_client_blob *ret_blob);

#ifdef __cplusplus
}
#endif

#endif
