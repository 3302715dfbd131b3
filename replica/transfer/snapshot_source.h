/*
 * Snapshots for other nodes, from the files in `<dir>/snapshots`: the newest one is
 * opened, described by its manifest, and read in chunks by offset, any number of times.
 * What is being fetched stays open (and so on the disk, pruned or not) for its lease,
 * renewed by each chunk. Who fetches the same snapshot shares its lease; at most
 * CADRE_SNAPSHOT_LEASES_MAX snapshots are held at once, others are asked to come later.
 *
 * `now_ms` is of one clock that never goes back.
 * Threads: any; one lock, held while a chunk is read.
 */
#ifndef CADRE_TRANSFER_SNAPSHOT_SOURCE_H
#define CADRE_TRANSFER_SNAPSHOT_SOURCE_H

#include "cadre/v1/replication.pb-c.h"
#include "engine/base/bytes.h"
#include "engine/snapshot/snapshot.h"

#define CADRE_SNAPSHOT_LEASE_MS 60000u
#define CADRE_SNAPSHOT_LEASES_MAX 16u
#define CADRE_SNAPSHOT_CHUNK_BYTES_MAX ((uint32_t)1 << 20)

struct cadre_snapshot_source;

CADRE_MUST_CHECK enum cadre_status
cadre_snapshot_source_create(struct cadre_env *env, const char *snapshot_dir,
                             struct cadre_snapshot_source **ret_source,
                             struct cadre_error *err);
void cadre_snapshot_source_destroy(
        struct cadre_snapshot_source **source); /* takes NULL */

/* The newest whole snapshot of seq `seq_min` or later. `info`'s manifest is appended to
 * `manifest`, and points there. Errors: CADRE_NOT_FOUND (make one first),
 * CADRE_TOO_MANY_REQUESTS. */
CADRE_MUST_CHECK enum cadre_status
cadre_snapshot_source_open(struct cadre_snapshot_source *source, cadre_seq seq_min,
                           uint64_t now_ms, Cadre__V1__SnapshotInfo *info,
                           struct cadre_buffer *manifest, struct cadre_error *err);
/* Bytes of its file `rows` are appended to `out`: at most CADRE_SNAPSHOT_CHUNK_BYTES_MAX,
 * fewer at its end. Errors: CADRE_NOT_FOUND (the lease is over, open again),
 * CADRE_INVALID_PARAMETER (an offset behind the end). */
CADRE_MUST_CHECK enum cadre_status
cadre_snapshot_source_read(struct cadre_snapshot_source *source,
                           const Cadre__V1__SnapshotChunkRequest *request,
                           uint64_t now_ms, struct cadre_buffer *out,
                           struct cadre_error *err);
/* Lets go of what is past its lease: from time to time, when nobody asks. */
void cadre_snapshot_source_tend(struct cadre_snapshot_source *source, uint64_t now_ms);

#endif
