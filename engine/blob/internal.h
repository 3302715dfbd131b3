/* The parts of a blob store among themselves. */
#ifndef CADRE_BLOB_INTERNAL_H
#define CADRE_BLOB_INTERNAL_H

#include <pthread.h>

#include "engine/base/checksum.h"
#include "engine/blob/blob.h"

#define BLOB_PATH_BYTES 1200u
#define BLOB_HEX_CHARS 64u
/* `<32 hex digits of the name>-<16 of the wall clock>` */
#define BLOB_UPLOAD_CHARS (32u + 1u + 16u)
#define BLOB_PIECE_BYTES ((size_t)1 << 20)
/* Written bytes between two syncs of an upload: the last sync has little to do. */
#define BLOB_SYNC_BYTES ((uint64_t)64 << 20)

/* One upload. `busy` belongs to the call that set it, and with it all but what
 * the lock guards. */
struct blob_upload {
	bool used;              /* lock */
	bool busy;              /* lock */
	bool known;             /* lock; begun since this process started */
	bool publishing;        /* lock; named, and perhaps not durable */
	bool shared_owner;      /* lock */
	uint8_t name[16];       /* lock; of owner and id */
	uint64_t owner;         /* lock; a hash */
	uint64_t bytes;         /* lock; declared, 0 while not known */
	uint64_t have;          /* lock; bytes that are here */
	uint64_t touched_ns;    /* lock; boot-time clock */
	cadre_time_ms begun_ms; /* wall clock */
	uint64_t hashed;
	uint64_t unsynced;
	struct cadre_sha256_stream stream;
	struct cadre_sha256 sha256; /* while publishing */
};

struct cadre_blobs {
	struct cadre_env *env;
	char dir[1024];
	struct cadre_blob_options options;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* an upload is no longer busy */
	struct blob_upload *uploads;
	pthread_mutex_t naming; /* one blob is named at a time */
};

/* "<dir>/blobs/sha256/<hex>"; `sha256` NULL: the directory. */
CADRE_MUST_CHECK enum cadre_status blob_path(const char *dir,
                                             const struct cadre_sha256 *sha256,
                                             char path[BLOB_PATH_BYTES],
                                             struct cadre_error *err);
/* "<dir>/blobs/tmp/<name>"; `upload` NULL: the directory. */
CADRE_MUST_CHECK enum cadre_status blob_upload_path(const struct cadre_blobs *blobs,
                                                    const struct blob_upload *upload,
                                                    char path[BLOB_PATH_BYTES],
                                                    struct cadre_error *err);
bool blob_name_parse(const char *name, struct cadre_sha256 *ret_sha256);

/* ---- table.c ---- */

/* Finds what lies in `blobs/tmp`. */
CADRE_MUST_CHECK enum cadre_status blob_uploads_find(struct cadre_blobs *blobs,
                                                     struct cadre_error *err);
/* The upload of that name, made busy; NULL when there is none. Waits for others. */
struct blob_upload *blob_upload_take(struct cadre_blobs *blobs, const uint8_t name[16]);
/* A free place, busy and named. CADRE_TOO_MANY_REQUESTS. */
CADRE_MUST_CHECK enum cadre_status blob_upload_make(struct cadre_blobs *blobs,
                                                    const struct cadre_blob_upload *from,
                                                    const uint8_t name[16],
                                                    struct blob_upload **ret_upload,
                                                    struct cadre_error *err);
void blob_upload_release(struct cadre_blobs *blobs, struct blob_upload *upload);
/* Gives up place and file. What of the file cannot be removed is found by the next
 * open. */
void blob_upload_drop(struct cadre_blobs *blobs, struct blob_upload *upload);
/* Declares its size. CADRE_LIMIT_EXCEEDED, CADRE_OUT_OF_SPACE. */
CADRE_MUST_CHECK enum cadre_status blob_upload_admit(struct cadre_blobs *blobs,
                                                     struct blob_upload *upload,
                                                     uint64_t bytes,
                                                     struct cadre_error *err);
void blob_upload_name(const struct cadre_blob_upload *upload, uint8_t name[16]);
uint64_t blob_owner(const struct cadre_blob_upload *upload);
/* Whether the content is being named, and so perhaps not durable. */
bool blob_is_publishing(struct cadre_blobs *blobs, const struct cadre_sha256 *sha256);

#endif
