/*
 * A walk over the rows of one snapshot that checks all there is to check: frame
 * checksums, the chunks' SHA-256 and sizes, row checksums and order, counts, and
 * the digest. Memory: two buffers of one frame, whatever the snapshot's size.
 *
 * Internal to engine/snapshot.
 */
#ifndef CADRE_SNAPSHOT_SCAN_H
#define CADRE_SNAPSHOT_SCAN_H

#include "engine/snapshot/format.h"

/* A checked row, in key order; its slices live during the call. */
typedef enum cadre_status (*snapshot_row_fn)(void *ctx, const struct snapshot_row *row,
                                             struct cadre_error *err);

struct snapshot_scan {
	struct cadre_env *env;
	const char *dir;
	const struct snapshot_manifest *manifest;
	snapshot_row_fn fn; /* NULL: only check */
	void *ctx;
	cadre_progress_fn progress;
	void *progress_ctx;
};

/* Errors: CADRE_CORRUPT naming the file and the frame's offset; what the callbacks
 * return. */
CADRE_MUST_CHECK enum cadre_status snapshot_scan_run(const struct snapshot_scan *scan,
                                                     struct cadre_error *err);

#endif
