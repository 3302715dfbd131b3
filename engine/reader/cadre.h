/*
 * libcadre, reader part: looks keys up in a node's views from another process,
 * with no call to the daemon. See docs/READER.md for what the process needs (read
 * and write permission on lock.mdb, the daemon's pid namespace, one open a
 * process) and what it can do wrong.
 *
 * Threads: a reader and its scopes belong to one thread; open one reader and
 * share nothing, or one per process with cadre_reader_clone() for each thread.
 * Errors: negative values of enum cadre_reader_error; cadre_reader_message() has the text
 * of the last one.
 */
#ifndef CADRE_H
#define CADRE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CADRE_API __attribute__((visibility("default")))

struct cadre_reader;
struct cadre_scope;

enum cadre_reader_error {
	CADRE_READER_OK = 0,
	CADRE_READER_NOT_FOUND = -1, /* no such target, key, or not at that moment */
	CADRE_READER_UNAVAILABLE =
	        -2, /* no daemon, rebuilding, or closed: ask again, or by RPC */
	CADRE_READER_DIVERGED = -3, /* the node must not be believed */
	CADRE_READER_LAGGING = -4,  /* the moment asked for is not settled here yet */
	CADRE_READER_CORRUPT = -5,  /* a damaged row; the daemon rebuilds */
	CADRE_READER_INVALID =
	        -6, /* bad argument, other ABI, pid namespace, permission */
	CADRE_READER_NO_MEMORY = -7,
	CADRE_READER_TOO_SMALL = -8 /* the buffer; `length` says what is needed */
};

/* Opens the views below `data_dir`. */
CADRE_API int cadre_reader_open(const char *data_dir, struct cadre_reader **ret_reader);
/* A further handle on the same views for another thread of this process. */
CADRE_API int cadre_reader_clone(struct cadre_reader *reader,
                                 struct cadre_reader **ret_reader);
/* Closes its scopes too. Takes NULL. */
CADRE_API void cadre_reader_close(struct cadre_reader *reader);
/* Text of the last error on this reader; valid until the next call. NULL: of this
 * thread's last open or clone that failed. */
CADRE_API const char *cadre_reader_message(const struct cadre_reader *reader);

/* Position of the views as last seen: seq applied, and the time (ms since 1970)
 * at or before which nothing new can come. Either may be NULL. */
CADRE_API int cadre_reader_position(struct cadre_reader *reader,
                                    uint64_t *ret_applied_seq,
                                    uint64_t *ret_watermark_ms);

/* A target that keys are looked up in: OCID of a group, version history or
 * deployment. Keeps what makes look-ups fast; survives generation switches. */
CADRE_API int cadre_scope_open(struct cadre_reader *reader, const char *target_ocid,
                               struct cadre_scope **ret_scope);
CADRE_API void cadre_scope_close(struct cadre_scope *scope);

/* Inference key (or model OCID) -> model OCID, with a NUL, at most 256 bytes.
 * `ret_group_seq` (may be NULL) gets the seq that made the group answering it. */
CADRE_API int cadre_scope_resolve(struct cadre_scope *scope, const char *key,
                                  size_t key_length, char *model_ocid, size_t capacity,
                                  uint64_t *ret_group_seq);
/* As it was after the event `seq`. */
CADRE_API int cadre_scope_resolve_at(struct cadre_scope *scope, const char *key,
                                     size_t key_length, uint64_t seq, char *model_ocid,
                                     size_t capacity, uint64_t *ret_group_seq);
/* As it was at that time, ms since 1970; LAGGING when that is not settled yet. */
CADRE_API int cadre_scope_resolve_at_time(struct cadre_scope *scope, const char *key,
                                          size_t key_length, uint64_t time_ms,
                                          char *model_ocid, size_t capacity,
                                          uint64_t *ret_group_seq);

#ifdef __cplusplus
}
#endif

#endif
