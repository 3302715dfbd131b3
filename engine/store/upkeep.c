/* What a store does between batches, a slice at a time. */
#include "engine/store/internal.h"

#include <stdlib.h>

static bool ballast_path(const struct cadre_store *store, char path[CADRE_PATH_BYTES])
{
	return !store->options.memory_views &&
	       cadre_store_path(path, store->paths.views, "ballast", NULL) == CADRE_OK;
}

void cadre_ballast_make(struct cadre_store *store)
{
	char path[CADRE_PATH_BYTES];
	struct cadre_space space;
	struct cadre_file *file = NULL;
	uint64_t size = 0;
	const size_t piece = 1u << 20;
	uint8_t *bytes;
	enum cadre_status status;

	if (store->ballast || !ballast_path(store, path) ||
	    store->env->ops->space(store->env, store->paths.views, &space, NULL) !=
	            CADRE_OK ||
	    space.free_bytes < 4ull * CADRE_BALLAST_BYTES)
		return;
	bytes = malloc(piece);
	if (!bytes)
		return;
	/* Not zeros: a file system that compresses must really give the room. */
	for (size_t at = 0; at < piece; at += 4096)
		store->env->ops->random(store->env, bytes + at, 4096);
	status = cadre_file_open(store->env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
	                         &file, NULL);
	if (status == CADRE_OK)
		status = store->env->ops->size(file, &size, NULL);
	for (; status == CADRE_OK && size < CADRE_BALLAST_BYTES; size += piece)
		status = store->env->ops->pwrite(file, size, bytes, piece, NULL);
	cadre_file_close(file);
	free(bytes);
	store->ballast = status == CADRE_OK;
}

bool cadre_ballast_release(struct cadre_store *store)
{
	char path[CADRE_PATH_BYTES];

	store->ballast = false;
	return ballast_path(store, path) &&
	       store->env->ops->remove(store->env, path, NULL) == CADRE_OK;
}

void cadre_store_set_out_of_space(struct cadre_store *store, bool out,
                                  const struct cadre_error *err)
{
	if (out && !store->out_of_space)
		STORE_SAY(store, CADRE_LOG_ERROR, "store.out_of_space", "cause=\"%s\"",
		          err->message);
	else if (!out && store->out_of_space)
		STORE_SAY(store, CADRE_LOG_INFO, "store.space_again", "seq=%llu",
		          (unsigned long long)store->view_head.applied_seq);
	store->out_of_space = out;
}

bool cadre_store_clock_ok(struct cadre_store *store)
{
	int64_t offset = (int64_t)store->env->ops->wall_ms(store->env) -
	                 (int64_t)(store->env->ops->mono_ns(store->env) / 1000000);
	int64_t step = offset - store->clock_offset_ms;

	if (step > (int64_t)CADRE_CLOCK_STEP_MS || step < -(int64_t)CADRE_CLOCK_STEP_MS) {
		if (!store->clock_alarm)
			STORE_SAY(store, CADRE_LOG_ERROR, "store.clock_jumped",
			          "step_ms=%lld", (long long)step);
		store->clock_alarm = true;
	} else {
		store->clock_offset_ms = offset; /* slewing is no jump */
	}
	return !store->clock_alarm;
}

static enum cadre_status seal_tail(struct cadre_store *store, uint64_t now,
                                   struct cadre_error *err)
{
	enum cadre_status status;

	if (store->sealed_tail || now - store->last_sync_ns < CADRE_SEAL_PAUSE_NS)
		return CADRE_OK;
	status = cadre_log_seal_mark(store->log, store->committed_seq, err);
	if (status == CADRE_OUT_OF_SPACE)
		return CADRE_OK; /* the SEAL only tells a torn tail from damage sooner */
	if (status != CADRE_OK)
		store->failed = true;
	store->sealed_tail = true;
	return status;
}

static void check_readers(struct cadre_store *store, uint64_t now)
{
	unsigned cleared;

	if (now - store->last_reader_check_ns < CADRE_READER_CHECK_NS)
		return;
	store->last_reader_check_ns = now;
	/* Only frees pages early; the next round tries again. */
	if (cadre_kv_reader_check(store->kv, &cleared, NULL) != CADRE_OK)
		return;
	cadre_ballast_make(store);
}

enum cadre_status cadre_store_upkeep(struct cadre_store *store, bool *ret_again,
                                     struct cadre_error *err)
{
	uint64_t now = store->env->ops->mono_ns(store->env);
	enum cadre_status status = seal_tail(store, now, err);

	if (status != CADRE_OK)
		return status;
	if (!cadre_store_clock_ok(store))
		*ret_again = false;
	check_readers(store, now);
	if (store->out_of_space)
		cadre_store_recheck_space(store);
	cadre_store_publish(store);
	status = cadre_log_maintain(store->log, CADRE_UPKEEP_BYTES, ret_again, err);
	if (status != CADRE_OK && !store->upkeep_fails)
		STORE_SAY(store, CADRE_LOG_ERROR, "store.upkeep_failed", "cause=\"%s\"",
		          err->message);
	store->upkeep_fails = status != CADRE_OK;
	if (status != CADRE_OK) {
		/* Sealing and preparing are put off: nothing is lost, and prepare says
		 * so when a command needs the room. */
		*ret_again = false;
		status = CADRE_OK;
	}
	if (!store->options.no_snapshots && !store->options.memory_views &&
	    !store->diverged &&
	    cadre_snapshot_due(&store->snapshots, store->view_head.applied_seq,
	                       store->log_bytes, now, false) &&
	    cadre_store_snapshot(store, NULL, NULL) != CADRE_OK)
		store->snapshots.last_mono_ns =
		        now; /* tried again after the usual pause */
	return status;
}
