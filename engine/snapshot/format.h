/*
 * The bytes of a snapshot, apart from files: frames of rows and the manifest.
 * docs/format/snapshot.md has the layout.
 *
 * Internal to engine/snapshot; the functions over bytes are pure and stand any
 * input.
 */
#ifndef CADRE_SNAPSHOT_FORMAT_H
#define CADRE_SNAPSHOT_FORMAT_H

#include <zstd.h>

#include "engine/base/bytes.h"
#include "engine/kv/kv.h"
#include "engine/snapshot/snapshot.h"
#include "proto/codec/arena.h"
#include "proto/codec/limits.h"

#define SNAPSHOT_FORMAT 0u
#define SNAPSHOT_ROW_HEADER_BYTES 6u
/* A value is a message of one event at most, its checksum, and some room. */
#define SNAPSHOT_VALUE_BYTES_MAX (1u << 20)
#define SNAPSHOT_ROW_BYTES_MAX \
	(SNAPSHOT_ROW_HEADER_BYTES + CADRE_KV_KEY_BYTES_MAX + SNAPSHOT_VALUE_BYTES_MAX)
/* A frame ends with the row that reaches this. */
#define SNAPSHOT_FRAME_RAW_TARGET (64u << 10)
#define SNAPSHOT_FRAME_RAW_MAX (SNAPSHOT_FRAME_RAW_TARGET + SNAPSHOT_ROW_BYTES_MAX)
#define SNAPSHOT_FRAME_CRC_BYTES 4u
#define SNAPSHOT_FRAME_BYTES_MAX \
	(ZSTD_COMPRESSBOUND(SNAPSHOT_FRAME_RAW_MAX) + SNAPSHOT_FRAME_CRC_BYTES)
/* A chunk ends with the frame that reaches its target, which grows with the size
 * of the views so that there are about SNAPSHOT_CHUNKS_TARGET of them: a manifest
 * of the most chunks is one message (CADRE_MESSAGE_BYTES_MAX). */
#define SNAPSHOT_CHUNK_BYTES_MIN (1u << 20)
#define SNAPSHOT_CHUNKS_TARGET (16u << 10)
#define SNAPSHOT_CHUNKS_MAX (64u << 10)
#define SNAPSHOT_MANIFEST_BYTES_MAX (CADRE_MESSAGE_BYTES_MAX + 4u)
#define SNAPSHOT_PATH_BYTES 4096u
#define SNAPSHOT_NAME_CHARS 16u

struct snapshot_frame {
	struct cadre_slice packed; /* the zstd frame */
	size_t raw_bytes;          /* what it holds unpacked */
	size_t bytes;              /* on disk, checksum included */
};

/* The frame that `bytes` starts with. CADRE_END: `bytes` ends inside it (at most
 * SNAPSHOT_FRAME_BYTES_MAX are ever needed); CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status snapshot_frame_scan(struct cadre_slice bytes,
                                                       struct snapshot_frame *ret_frame,
                                                       struct cadre_error *err);
/* Unpacks into `raw`, which has room for SNAPSHOT_FRAME_RAW_MAX. CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status
snapshot_frame_unpack(ZSTD_DCtx *context, const struct snapshot_frame *frame,
                      uint8_t *raw, struct cadre_error *err);
/* Appends one frame of `raw` with its checksum to `out`. */
CADRE_MUST_CHECK enum cadre_status snapshot_frame_pack(ZSTD_CCtx *context,
                                                       struct cadre_slice raw,
                                                       struct cadre_buffer *out,
                                                       struct cadre_error *err);

struct snapshot_row {
	struct cadre_slice key;
	struct cadre_slice stored;  /* value with its checksum, behind the key */
	struct cadre_slice content; /* the value without it */
};
/* Takes the next row off `rest` and checks its checksum. CADRE_END when `rest` is
 * empty; CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status snapshot_row_next(struct cadre_slice *rest,
                                                     struct snapshot_row *ret_row,
                                                     struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status snapshot_row_append(struct cadre_buffer *raw,
                                                       struct cadre_slice key,
                                                       struct cadre_slice stored);
/* The row's share of the digest is added to `digest`. */
void snapshot_row_count(const struct snapshot_row *row, struct cadre_hash128 *digest);

/* Bytes of a manifest file: checksum, bounded unpack, and every field's rule.
 * Ownership: the message lives in `arena`. Errors: CADRE_CORRUPT;
 * CADRE_INCORRECT_STATE for a format, schema or digest version that is not this
 * program's; CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
snapshot_manifest_parse(struct cadre_slice bytes, struct cadre_arena *arena,
                        Cadre__V1__SnapshotManifest **ret_manifest,
                        struct cadre_error *err);

struct snapshot_chunk {
	uint64_t offset;
	uint64_t bytes;
	uint64_t rows;
	struct cadre_sha256 hash;
};
/* Appends a manifest file's bytes to `out`. `info->bytes` is not used. */
CADRE_MUST_CHECK enum cadre_status
snapshot_manifest_pack(const struct cadre_snapshot_info *info,
                       const struct snapshot_chunk *chunks, size_t count,
                       struct cadre_buffer *out, struct cadre_error *err);

/* A manifest as read from its directory; `{0}` may be closed. */
struct snapshot_manifest {
	struct cadre_arena arena;
	Cadre__V1__SnapshotManifest *message;
	struct cadre_snapshot_info info;
};
/* Reads and checks `<dir>/<seq>/manifest`, and the size of `rows`. `manifest` must
 * not move. Errors: as parse, CADRE_NOT_FOUND. */
CADRE_MUST_CHECK enum cadre_status
snapshot_manifest_open(struct cadre_env *env, const char *dir, cadre_seq seq,
                       struct snapshot_manifest *manifest, struct cadre_error *err);
void snapshot_manifest_close(struct snapshot_manifest *manifest);

/* `<dir>/<seq><suffix>` */
CADRE_MUST_CHECK enum cadre_status snapshot_path(char path[SNAPSHOT_PATH_BYTES],
                                                 const char *dir, cadre_seq seq,
                                                 const char *suffix,
                                                 struct cadre_error *err);

#endif
