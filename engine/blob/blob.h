/*
 * Blobs by content: `<dir>/blobs/sha256/<64 hex digits>`, whole and verified or absent.
 *
 * Normal sequence: begin -> append, at the offset that is wanted -> finish, again and
 * again until it is done -> durable. What is under way lies in `blobs/tmp/<32 hex
 * digits>-<16>`: a name made of owner and upload id, and when it was begun.
 *
 * Failures. The process ends: begin with the same owner and id goes on where the file
 *   ends. Power is lost: the same; what the disk did not keep of it is noticed by
 *   finish, which then removes the upload. A failed write: its bytes are written again.
 *   A failed sync: the upload is removed, for nothing is known of its bytes. A content
 *   that is here already: the upload is dropped, the blob stays as it is.
 * What is left: an upload untouched for an hour and begun a day ago is removed.
 *
 * Work of one call is bounded: 1 MiB for append and read, CADRE_BLOB_STEP_BYTES hashed
 * for finish. What is appended in order is hashed in passing.
 *
 * Threads: any. Calls on one upload wait for each other.
 * Locks: `naming`, held while a blob gets its name, so that a durable one is never
 * replaced > the table's, never held over a file.
 */
#ifndef CADRE_BLOB_BLOB_H
#define CADRE_BLOB_BLOB_H

#include "engine/env/env.h"

#define CADRE_BLOB_CHUNK_BYTES_MAX ((size_t)1 << 20)
/* One step of finish: about a quarter of a second. */
#define CADRE_BLOB_STEP_BYTES ((uint64_t)256 << 20)
/* A single artifact: far above today's models, far below what 64 bits overflow at. */
#define CADRE_BLOB_BYTES_MAX ((uint64_t)1 << 44)
/* Unfinished at once; a quarter of each for one owner who is named. */
#define CADRE_BLOB_UPLOADS_MAX 256u
/* Left free for the log and the views on the same disk. */
#define CADRE_BLOB_RESERVE_BYTES ((uint64_t)64 << 20)
#define CADRE_BLOB_ABANDONED_MS ((uint64_t)24 * 3600 * 1000)
#define CADRE_BLOB_IDLE_MS ((uint64_t)3600 * 1000)

struct cadre_blobs;

/* Zero means the default. */
struct cadre_blob_options {
	unsigned uploads_max;     /* CADRE_BLOB_UPLOADS_MAX */
	uint64_t owner_bytes_max; /* declared by one owner's uploads: no limit */
	uint64_t step_bytes;      /* CADRE_BLOB_STEP_BYTES */
};

/* Makes what is missing below `dir`; finds what was under way. Harms nothing when
 * another process has them open.
 * Ownership: `dir` is copied. Durability: the names of all blobs found.
 * Errors: CADRE_IO_ERROR, CADRE_OUT_OF_SPACE, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_blobs_open(struct cadre_env *env, const char *dir,
                 const struct cadre_blob_options *options, struct cadre_blobs **ret_blobs,
                 struct cadre_error *err);
/* Uploads stay on the disk. Takes NULL; nulls the pointer. */
void cadre_blobs_close(struct cadre_blobs **blobs);

/* ---- uploads ---- */

/* Names an upload: two owners never share one. */
struct cadre_blob_upload {
	const char *owner; /* a principal */
	bool shared_owner; /* it stands for everybody: no quarter for it */
	uint8_t id[16];
};

struct cadre_blob_state {
	uint64_t bytes;       /* of the whole */
	uint64_t next_offset; /* bytes that are here */
	bool durable;         /* finished: verified, synced, named */
};

/* Begins an upload of exactly `bytes`, or says how far it is. `expected` (may be NULL):
 * a blob of that content that is here already is the answer.
 * Errors: CADRE_INVALID_PARAMETER (size, or another than before), CADRE_OUT_OF_SPACE,
 * CADRE_TOO_MANY_REQUESTS (uploads), CADRE_LIMIT_EXCEEDED (bytes of one owner),
 * CADRE_IO_ERROR. */
CADRE_MUST_CHECK enum cadre_status
cadre_blob_begin(struct cadre_blobs *blobs, const struct cadre_blob_upload *upload,
                 uint64_t bytes, const struct cadre_sha256 *expected,
                 struct cadre_blob_state *ret_state, struct cadre_error *err);
/* Bytes that are here already are passed over, as a repeat.
 * Errors: CADRE_INCORRECT_STATE (not begun since this process started, or a gap:
 * begin says where it goes on), CADRE_INVALID_PARAMETER (beyond the declared size),
 * CADRE_TOO_LARGE (over CADRE_BLOB_CHUNK_BYTES_MAX), CADRE_OUT_OF_SPACE,
 * CADRE_IO_ERROR. */
CADRE_MUST_CHECK enum cadre_status
cadre_blob_append(struct cadre_blobs *blobs, const struct cadre_blob_upload *upload,
                  uint64_t offset, struct cadre_slice data,
                  struct cadre_blob_state *ret_state, struct cadre_error *err);
/* One step. `ret_state->durable` false: call again.
 * Durability: once durable, content and name survive power loss.
 * Errors: CADRE_INCORRECT_STATE (not begun, or bytes are missing),
 * CADRE_INVALID_PARAMETER (another content: the upload is gone), CADRE_IO_ERROR. */
CADRE_MUST_CHECK enum cadre_status
cadre_blob_finish(struct cadre_blobs *blobs, const struct cadre_blob_upload *upload,
                  const struct cadre_sha256 *sha256, struct cadre_blob_state *ret_state,
                  struct cadre_error *err);
/* Removes abandoned uploads; from time to time. */
CADRE_MUST_CHECK enum cadre_status cadre_blobs_tend(struct cadre_blobs *blobs,
                                                    unsigned *ret_removed,
                                                    struct cadre_error *err);

/* ---- blobs ---- */

/* CADRE_NOT_FOUND: not durable here. */
CADRE_MUST_CHECK enum cadre_status cadre_blob_stat(struct cadre_blobs *blobs,
                                                   const struct cadre_sha256 *sha256,
                                                   uint64_t *ret_bytes,
                                                   struct cadre_error *err);
/* At most `capacity` bytes, fewer only at the end. Not verified: who has all of it
 * hashes it. Errors: CADRE_NOT_FOUND, CADRE_INVALID_PARAMETER (behind the end),
 * CADRE_IO_ERROR. */
CADRE_MUST_CHECK enum cadre_status
cadre_blob_read(struct cadre_blobs *blobs, const struct cadre_sha256 *sha256,
                uint64_t offset, void *data, size_t capacity, size_t *ret_length,
                uint64_t *ret_bytes, struct cadre_error *err);
/* CADRE_NOT_FOUND when it is not here. */
CADRE_MUST_CHECK enum cadre_status cadre_blob_remove(struct cadre_blobs *blobs,
                                                     const struct cadre_sha256 *sha256,
                                                     struct cadre_error *err);

/* ---- without opening: for tools, beside a process that has them open ---- */

/* Called for each blob, in any order. */
typedef enum cadre_status (*cadre_blob_fn)(void *ctx, const struct cadre_sha256 *sha256,
                                           uint64_t bytes);
/* What else lies there is passed over. A directory without blobs: CADRE_OK. */
CADRE_MUST_CHECK enum cadre_status cadre_blobs_list(struct cadre_env *env,
                                                    const char *dir, cadre_blob_fn fn,
                                                    void *ctx, struct cadre_error *err);
/* Reads all of it. `progress` (may be NULL) gets bytes done, of total; what it returns
 * ends the work. Errors: CADRE_CORRUPT (another content, unreadable), CADRE_NOT_FOUND. */
CADRE_MUST_CHECK enum cadre_status
cadre_blob_verify(struct cadre_env *env, const char *dir,
                  const struct cadre_sha256 *sha256,
                  enum cadre_status (*progress)(void *ctx, uint64_t done, uint64_t total),
                  void *ctx, struct cadre_error *err);

/* ---- names ---- */

#define CADRE_BLOB_URI_PREFIX "cadre://sha256/"
/* Reads `cadre://sha256/<64 hex digits>`; false on anything else. */
CADRE_MUST_CHECK bool cadre_blob_uri_parse(const char *uri, struct cadre_sha256 *ret);

#endif
