/*
 * Snapshots: the rows of the views at one seq, in one portable file, so that a
 * node starts without the whole log. Logical, not LMDB's pages: those depend on
 * the host.
 *
 * `<dir>/<seq, 16 hex>/rows` holds independent zstd frames of about 64 KiB of raw
 * rows (each: u16 key bytes, u32 value bytes, key, value with its checksum), in
 * key order, a CRC32C behind each frame; `<dir>/<seq>/manifest` is a
 * SnapshotManifest and its CRC32C. Written as `<seq>.tmp`, synced, renamed, the
 * directory synced: a snapshot is whole or absent.
 *
 * Writing goes over a copy of the environment (`<dir>/copy.tmp`), so that no read
 * transaction stays open while it is streamed; refused with CADRE_OUT_OF_SPACE
 * when free space is below twice the used size.
 *
 * Threads: writing may run on another thread than the store's.
 */
#ifndef CADRE_SNAPSHOT_SNAPSHOT_H
#define CADRE_SNAPSHOT_SNAPSHOT_H

#include "cadre/v1/state.pb-c.h"
#include "engine/env/env.h"
#include "engine/views/views.h"

struct cadre_snapshot_info {
	struct cadre_view_head head;
	uint8_t cluster_id[16];
	uint8_t timeline_id[16];
	uint64_t rows;
	uint64_t bytes; /* of both files */
};

/* Called with rows done and total (0: unknown) now and then; may be NULL. A status
 * other than CADRE_OK stops the work with it. */
typedef enum cadre_status (*cadre_progress_fn)(void *ctx, uint64_t done, uint64_t total);

/* Writes a snapshot of `kv`'s last committed state below `dir`. Present already
 * is CADRE_OK. A memory kv is read through one read transaction. */
CADRE_MUST_CHECK enum cadre_status
cadre_snapshot_write(struct cadre_env *env, const char *dir, struct cadre_kv *kv,
                     cadre_progress_fn progress, void *ctx,
                     struct cadre_snapshot_info *ret_info, struct cadre_error *err);
/* Newest whole snapshot (by name) below `dir` whose seq is at most `seq_max`;
 * CADRE_NOT_FOUND when none. Damaged ones are passed over, and named in `err`
 * only when none is left. */
CADRE_MUST_CHECK enum cadre_status
cadre_snapshot_newest(struct cadre_env *env, const char *dir, cadre_seq seq_max,
                      struct cadre_snapshot_info *ret_info, struct cadre_error *err);
/* Loads snapshot `seq` into the empty `kv`: MDB_APPEND, at most 10,000 puts a
 * transaction; every frame's CRC, every chunk's SHA-256, each row's checksum and
 * the recounted digest are checked. Errors: CADRE_CORRUPT naming the file and
 * offset; the kv is then to be thrown away. */
CADRE_MUST_CHECK enum cadre_status
cadre_snapshot_load(struct cadre_env *env, const char *dir, cadre_seq seq,
                    struct cadre_kv *kv, cadre_progress_fn progress, void *ctx,
                    struct cadre_error *err);
/* Reads and checks everything, loads nothing. */
CADRE_MUST_CHECK enum cadre_status
cadre_snapshot_verify(struct cadre_env *env, const char *dir, cadre_seq seq,
                      cadre_progress_fn progress, void *ctx, struct cadre_error *err);
/* Removes all but the newest `keep` snapshots and what aborted writes left. */
CADRE_MUST_CHECK enum cadre_status cadre_snapshot_prune(struct cadre_env *env,
                                                        const char *dir, unsigned keep,
                                                        struct cadre_error *err);
/* Calls `fn` for each, oldest first. */
typedef enum cadre_status (*cadre_snapshot_fn)(void *ctx,
                                               const struct cadre_snapshot_info *info);
CADRE_MUST_CHECK enum cadre_status cadre_snapshot_list(struct cadre_env *env,
                                                       const char *dir,
                                                       cadre_snapshot_fn fn, void *ctx,
                                                       struct cadre_error *err);

/* When to write the next one: after 256 MiB of log or 500,000 events since the
 * last, at most every ten minutes; at a clean stop when anything came. */
struct cadre_snapshot_schedule {
	cadre_seq last_seq;
	uint64_t last_log_bytes;
	uint64_t last_mono_ns; /* 0: never */
};
bool cadre_snapshot_due(const struct cadre_snapshot_schedule *schedule, cadre_seq seq,
                        uint64_t log_bytes, uint64_t mono_ns, bool stopping);

#endif
