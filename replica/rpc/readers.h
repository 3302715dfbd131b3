/*
 * Kept read views, one for each thread that reads at a time. Beginning a view in LMDB
 * costs a slot and memory; renewing a kept one costs neither.
 *
 * Threads: any. views() of the store's watch is readers_switch(): on return no
 * transaction in an earlier map lives.
 */
#ifndef CADRE_RPC_READERS_H
#define CADRE_RPC_READERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/views/views.h"

/* nng runs at most 16 threads; the keeper and a few of the daemon's are more. */
#define READERS 24u

struct reader {
	pthread_mutex_t lock; /* held from enter to leave */
	bool open;
	struct cadre_view view;
	/* Of the cluster row as of `cluster_seq`. */
	bool cluster_known;
	cadre_seq cluster_seq;
	uint8_t timeline_id[16];
	uint8_t cluster_id[16];
	char cluster_name[256];
};

struct readers {
	_Atomic(struct cadre_kv *) kv;
	struct reader slots[READERS];
};

void readers_init(struct readers *readers);
/* All are left. */
void readers_fini(struct readers *readers);
void readers_switch(struct readers *readers, struct cadre_kv *kv);
/* The newest snapshot, look-ups into `arena`, the cluster row known. Ends with
 * readers_leave() when CADRE_OK.
 * Errors: CADRE_UNAVAILABLE while there are no views, and those of the views. */
CADRE_MUST_CHECK enum cadre_status readers_enter(struct readers *readers,
                                                 struct cadre_arena *arena,
                                                 struct reader **ret_reader,
                                                 struct cadre_error *err);
void readers_leave(struct reader *reader);

#endif
