/*
 * The log: an append-only sequence of batches in segment files. The only truth.
 *
 * Files in `dir`: `<first seq, 16 hex>.seg`, and `next.seg` (the prepared one).
 *   active segment: 4 KiB header, then frames, each 4 KiB-aligned, in a file
 *     written with zeros beforehand. A frame is one write: a 64-byte header
 *     {magic, crc, payload bytes, durable seq, commit seq, first seq, last seq,
 *     payload crc, flags}, whole batches, an end mark without zero bytes.
 *     A SEAL is a frame without batches.
 *   closed segment: was active; waits to be sealed.
 *   sealed segment: 64 KiB zstd frames, a seek table, a footer {count, last seq,
 *     chain, sparse index, SHA-256}; read-only; replaced the closed file by rename.
 *
 * Normal sequence: append (pwrite), sync (fdatasync), the next append carries the
 * new durable seq. The next frame is written only after the previous one is
 * synced, so a bad frame with a valid one behind it was durable: damage.
 *
 * Failures. A failed sync latches: nothing is acknowledged any more, every later
 * append or sync answers CADRE_IO_ERROR, and the process should exit with 75. A
 * full disk can only hit cadre_log_prepare(), which also makes the next segment
 * ready and its name durable; appends go to space already written.
 *
 * Recovery (open) tells a torn tail from damage:
 *   - a bad frame with a valid frame anywhere behind it: damage;
 *   - the last frame bad: torn only if a 512-byte sector inside its length (or
 *     its header sector) is all zero and no lower bound (a SEAL, a later frame's
 *     durable seq, options.durable_floor) reaches it; else damage;
 *   - torn bytes are copied to `lost+found/` (left out when the disk is full) and
 *     zeroed; frames that no later frame, SEAL or footer proves synced are written
 *     again and synced before open returns.
 * Damage is never cut: open returns CADRE_CORRUPT and the report names file,
 * offset and seq range; cadre_log_open_read() still reads what is sound before it.
 *
 * Threads: one thread at a time per struct; cursors may be used by other threads
 * on their own cadre_log_open_read() handle.
 */
#ifndef CADRE_LOG_LOG_H
#define CADRE_LOG_LOG_H

#include "engine/env/env.h"
#include "engine/log/batch.h"

struct cadre_log;
struct cadre_log_cursor;

struct cadre_log_options {
	const char *dir;            /* "<data>/log", created when missing */
	const char *lost_found_dir; /* "<data>/lost+found", created when needed */
	uint64_t segment_bytes;     /* 0: 64 MiB; multiple of 4 KiB, at least 64 KiB; one
	                             * larger frame gets a segment of its own size */
	cadre_seq durable_floor;    /* known durable from elsewhere (views, a peer) */
};

/* Where damage was found, or what recovery did. */
struct cadre_log_report {
	uint64_t torn_bytes;      /* cut from the tail and kept in lost+found */
	uint64_t rewritten_bytes; /* written and synced again */
	uint64_t segments;        /* files found */
	/* Damage; file is empty when there is none. */
	char file[64];
	uint64_t offset;     /* bytes, in the file */
	cadre_seq first_bad; /* first seq that cannot be read */
	cadre_seq last_bad;  /* last seq known to lie in the damage, or first_bad */
};

/* Opens for appending, recovering first. `ret_report` may be NULL.
 * Errors: CADRE_CORRUPT (damage), CADRE_OUT_OF_SPACE (no room for a first
 * segment), CADRE_IO_ERROR. */
CADRE_MUST_CHECK enum cadre_status cadre_log_open(struct cadre_env *env,
                                                  const struct cadre_log_options *options,
                                                  struct cadre_log **ret_log,
                                                  struct cadre_log_report *ret_report,
                                                  struct cadre_error *err);
/* Opens for reading beside a live writer or on damaged files: changes nothing.
 * Sees whole batches up to the last good frame at the time of opening, which
 * may not be synced yet (compare with the commit seq); damage ends the readable range and is described in the report, and the call
 * still succeeds. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_open_read(struct cadre_env *env, const struct cadre_log_options *options,
                    struct cadre_log **ret_log, struct cadre_log_report *ret_report,
                    struct cadre_error *err);
/* Read handles only: looks for frames written since. */
CADRE_MUST_CHECK enum cadre_status cadre_log_refresh(struct cadre_log *log,
                                                     struct cadre_error *err);
/* Takes NULL. Does not sync: unsynced frames are as after a crash. */
void cadre_log_close(struct cadre_log *log);

/* Positions. 0 and a zero chain while empty. */
struct cadre_log_head {
	cadre_seq last_seq;        /* appended */
	cadre_seq durable_seq;     /* synced */
	cadre_seq commit_seq;      /* newest commit seq found in or put into a frame */
	cadre_epoch epoch;         /* of the last batch */
	cadre_time_ms time_ms;     /* of the last batch */
	struct cadre_sha256 chain; /* after last_seq */
};
struct cadre_log_head cadre_log_head(const struct cadre_log *log);

/* Writes one frame that holds `batches` (whole batches, in sequence behind
 * last_seq, chain checked) and `commit_seq`. The previous frame must be synced.
 * Errors: CADRE_OUT_OF_SPACE (no prepared room and none can be made; nothing
 * written), CADRE_CORRUPT or CADRE_DIVERGED (bad batches; nothing written),
 * CADRE_TOO_LARGE (over 32 MiB), CADRE_IO_ERROR (latched). */
CADRE_MUST_CHECK enum cadre_status cadre_log_append(struct cadre_log *log,
                                                    struct cadre_slice batches,
                                                    cadre_seq commit_seq,
                                                    struct cadre_error *err);
/* The same for one batch that this process has just built behind the head's chain, with
 * `header` as cadre_batch_finish() left it: it is not read again. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_append_built(struct cadre_log *log, const struct cadre_batch_header *header,
                       struct cadre_slice batch, cadre_seq commit_seq,
                       struct cadre_error *err);
/* Durability: after CADRE_OK every appended batch survives power loss. */
CADRE_MUST_CHECK enum cadre_status cadre_log_sync(struct cadre_log *log,
                                                  struct cadre_error *err);
/* Appends and syncs a SEAL when the last frame is not one already. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_seal_mark(struct cadre_log *log, cadre_seq commit_seq, struct cadre_error *err);
/* CADRE_OK when a frame of `payload_bytes` can be appended without allocating
 * disk space; tries to prepare the next segment when not. Else
 * CADRE_OUT_OF_SPACE; clears by itself when space returns. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_prepare(struct cadre_log *log, size_t payload_bytes, struct cadre_error *err);
/* A write or sync failed: from now on everything answers CADRE_IO_ERROR. */
bool cadre_log_failed(const struct cadre_log *log);
/* One slice of background work of about `budget_bytes`: zeroing the next
 * segment, sealing a closed one, dropping what sealing made useless.
 * `*ret_more` says whether more waits. An error here loses nothing. */
CADRE_MUST_CHECK enum cadre_status cadre_log_maintain(struct cadre_log *log,
                                                      size_t budget_bytes, bool *ret_more,
                                                      struct cadre_error *err);
/* Closes the active segment and seals every closed one now. */
CADRE_MUST_CHECK enum cadre_status cadre_log_seal_all(struct cadre_log *log,
                                                      struct cadre_error *err);

struct cadre_log_stat {
	uint64_t segments;
	uint64_t sealed_segments;
	uint64_t sealed_bytes;       /* on disk */
	uint64_t sealed_batch_bytes; /* of the batches in sealed segments */
	uint64_t active_bytes;       /* frames in the active and closed segments */
	cadre_seq first_seq;         /* oldest present, 0 while empty */
};
/* What the handle knows; reads no file. */
struct cadre_log_stat cadre_log_stat(const struct cadre_log *log);

/* Reads whole batches from the one that holds `from` (at least 1) on. Sees
 * appended batches up to the head at the time of each call; CADRE_END at the
 * head. Each batch is checked (crc); the chain is checked from the second
 * returned batch on. A batch's slices live until the next call on the cursor.
 * Errors: CADRE_NOT_FOUND (older than first_seq), CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_cursor_open(struct cadre_log *log, cadre_seq from,
                      struct cadre_log_cursor **ret_cursor, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_log_cursor_next(struct cadre_log_cursor *cursor,
                                                         struct cadre_batch *ret_batch,
                                                         struct cadre_error *err);
void cadre_log_cursor_close(struct cadre_log_cursor *cursor); /* takes NULL */

/* Scrub: reads everything, checks every crc, the whole chain and the footers.
 * `fn` is called for each finding (file, offset, seq range, message) and for
 * progress (message NULL, bytes done of total). Returns CADRE_OK when sound,
 * CADRE_TORN when only the tail is torn, CADRE_CORRUPT when damaged.
 * Changes nothing. */
struct cadre_log_finding {
	const char *file;
	uint64_t offset;
	cadre_seq first_seq, last_seq;
	const char *message; /* NULL for progress */
	uint64_t bytes_done, bytes_total;
};
typedef void (*cadre_log_finding_fn)(void *ctx, const struct cadre_log_finding *finding);
CADRE_MUST_CHECK enum cadre_status
cadre_log_verify(struct cadre_env *env, const struct cadre_log_options *options,
                 cadre_log_finding_fn fn, void *ctx, struct cadre_log_head *ret_head,
                 struct cadre_error *err);
/* Cuts the log behind `last_seq` (a batch's last): everything later is copied to
 * lost+found first. Explicit repair only; the log must not be open. */
CADRE_MUST_CHECK enum cadre_status cadre_log_cut(struct cadre_env *env,
                                                 const struct cadre_log_options *options,
                                                 cadre_seq last_seq,
                                                 struct cadre_error *err);
/* Starts an empty log whose first batch will be `first_seq` behind `chain`: what
 * a node restored from a snapshot has. The directory must hold no segment. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_create_at(struct cadre_env *env, const struct cadre_log_options *options,
                    cadre_seq first_seq, cadre_epoch epoch, cadre_time_ms time_ms,
                    const struct cadre_sha256 *chain, struct cadre_error *err);

#endif
