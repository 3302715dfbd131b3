/*
 * Takes the leader's newest snapshot into `<snapshot_dir>/<seq, 16 hex>/`.
 *
 * Normal sequence: open (manifest, size) -> room on the disk? -> chunks by offset into
 * `<snapshot_dir>/fetch/<seq>/` -> sync -> every byte verified -> renamed, directory
 * synced: a snapshot is whole or absent.
 * Failures: a lost connection or the end of the process leaves what was written; the
 * next fetch goes on behind it when the leader still offers the same snapshot, else
 * starts again with the new one. Bytes that do not verify are removed.
 *
 * Threads: one per directory.
 */
#ifndef CADRE_TRANSFER_SNAPSHOT_FETCH_H
#define CADRE_TRANSFER_SNAPSHOT_FETCH_H

#include "engine/snapshot/snapshot.h"
#include "replica/transfer/link.h"

/* Of one question; a leader may have to read from a slow disk. */
#define CADRE_SNAPSHOT_FETCH_TIMEOUT_MS 10000u
/* The views made of it take about this many times the bytes of its rows. */
#define CADRE_SNAPSHOT_FETCH_GROWTH 4u

struct cadre_snapshot_fetch {
	struct cadre_env *env;
	struct cadre_link *link;
	const char *snapshot_dir;   /* made when absent */
	const uint8_t *node_id;     /* 16 bytes */
	uint32_t timeout_ms;        /* 0: CADRE_SNAPSHOT_FETCH_TIMEOUT_MS */
	cadre_progress_fn progress; /* bytes done, of total; may be NULL; ends the work */
	void *ctx;
};

/* Durability: after CADRE_OK the snapshot of `*ret_seq` survives power loss, and every
 * byte of it was checked.
 * Errors: as cadre_link_ask() (CADRE_NOT_FOUND: the leader has none yet, or let it go;
 * CADRE_TOO_MANY_REQUESTS: others come first), CADRE_OUT_OF_SPACE before anything is
 * fetched, CADRE_CORRUPT, CADRE_IO_ERROR. */
CADRE_MUST_CHECK enum cadre_status
cadre_snapshot_fetch(const struct cadre_snapshot_fetch *fetch, cadre_seq *ret_seq,
                     struct cadre_error *err);

#endif
