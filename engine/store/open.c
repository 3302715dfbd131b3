/*
 * Opening a store: lock, log recovery, views, catching up. The order matters:
 * what the views of this boot have applied was durable, so their position is a
 * lower bound for the log's recovery.
 */
#include "engine/store/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/store/guard.h"

/* Of look-ups and one event under way: an event of 512 KiB unpacks to at most 8
 * times that, and a batch keeps up to 256 of them only when each is small. */
#define STORE_ARENA_BYTES (64u << 20)

enum cadre_status cadre_store_take_lock(struct cadre_env *env,
                                        const struct store_paths *paths,
                                        struct cadre_file **ret_lock,
                                        struct cadre_error *err)
{
	char path[CADRE_PATH_BYTES];
	enum cadre_status status = cadre_store_path(path, paths->dir, "lock", err);

	if (status == CADRE_OK)
		status = cadre_file_open(env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
		                         ret_lock, err);
	if (status != CADRE_OK)
		return status;
	status = env->ops->lock(*ret_lock, err);
	if (status == CADRE_CONFLICT)
		return cadre_error_set(
		        err, CADRE_CONFLICT,
		        "\"%s\" is in use by another process (its lock is held); "
		        "stop that one first, or ask it by RPC",
		        paths->dir);
	return status;
}

static enum cadre_status open_log(struct cadre_store *store, cadre_seq floor,
                                  struct cadre_error *err)
{
	struct cadre_log_report report;
	struct cadre_log_options options = {
		.dir = store->paths.log,
		.lost_found_dir = store->paths.lost_found,
		.segment_bytes = store->options.segment_bytes,
		.durable_floor = floor,
	};
	enum cadre_status status = cadre_log_open(store->env, &options, &store->log,
	                                          &report, err);

	if (status == CADRE_OK)
		store->torn_bytes = report.torn_bytes;
	return status;
}

/* Rows without a head: a snapshot that was not loaded to its end. */
static enum cadre_status read_view_head(struct cadre_store *store)
{
	struct cadre_kv_stat stat;
	struct cadre_view view;
	enum cadre_status status = cadre_view_begin(&view, store->kv, CADRE_KV_READ,
	                                            &store->arena, NULL);

	if (status != CADRE_OK)
		return status;
	store->view_head = view.head;
	cadre_view_abort(&view);
	if (store->view_head.applied_seq > 0)
		return store->view_head.schema == CADRE_VIEWS_SCHEMA ? CADRE_OK
		                                                     : CADRE_CORRUPT;
	status = cadre_kv_stat(store->kv, &stat, NULL);
	return status == CADRE_OK && stat.entries > 0 ? CADRE_CORRUPT : status;
}

/* What the views hold can be served: what is behind it follows when there is room, as in
 * a store that runs. Without the cluster's first event there is nothing to serve. */
static bool serves_behind(struct cadre_store *store, enum cadre_status status,
                          const struct cadre_error *err)
{
	if (status != CADRE_OUT_OF_SPACE || store->view_head.applied_seq == 0)
		return false;
	cadre_store_set_out_of_space(store, true, err);
	return true;
}

/* `full`: the disk stays full. */
static enum cadre_status bring_views_once(struct cadre_store *store, bool usable,
                                          bool full, struct cadre_error *err)
{
	cadre_seq before = store->view_head.applied_seq;
	bool more = false;
	enum cadre_status status;

	if (usable && cadre_store_fits_log(store, &store->view_head)) {
		status = cadre_store_catch_up(store, 0, &more, err);
		if (status == CADRE_OK || (full && serves_behind(store, status, err))) {
			store->rebuilt_events = store->view_head.applied_seq - before;
			cadre_generation_serve(store);
			cadre_store_publish(store);
			return CADRE_OK;
		}
		if (status != CADRE_CORRUPT && status != CADRE_DIVERGED)
			return status;
		if (status == CADRE_DIVERGED && store->options.follower &&
		    cadre_store_judge(store, err) == VERDICT_DIVERGED)
			return CADRE_OK;
	}
	status = cadre_store_rebuild(store, err);
	store->rebuilt_events = store->view_head.applied_seq;
	return status;
}

static enum cadre_status bring_views(struct cadre_store *store, bool usable,
                                     struct cadre_error *err)
{
	struct cadre_error cause = CADRE_ERROR_INIT;
	enum cadre_status status = bring_views_once(store, usable, false, &cause);

	if (status == CADRE_OUT_OF_SPACE) {
		(void)cadre_ballast_release(store);
		status = bring_views_once(store, usable, true, &cause);
	}
	if (status != CADRE_OK && err)
		*err = cause;
	return status;
}

/* Deleted views cost time only. The log's directory is not made: without it, events
 * are missing. */
static enum cadre_status make_dirs(struct cadre_store *store, struct cadre_error *err)
{
	const char *dirs[] = { store->paths.views, store->paths.snapshots,
		               store->paths.lost_found };
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0] && status == CADRE_OK; i++)
		status = store->env->ops->mkdir(store->env, dirs[i], err);
	return status;
}

/* The guard is armed before anything reads the views: rot shows at open already. */
static void take_page(struct cadre_store *store)
{
	cadre_store_watermark_of_page(store);
	if (store->options.guard_crashes)
		cadre_guard_arm(store->control.page);
}

static enum cadre_status open_parts(struct cadre_store *store, struct cadre_error *err)
{
	bool usable = false;
	struct cadre_log_head head;
	enum cadre_status status = cadre_node_read(store->env, &store->paths,
	                                           store->node_id, err);

	if (status == CADRE_OK)
		status = cadre_store_take_lock(store->env, &store->paths, &store->lock,
		                               err);
	if (status == CADRE_OK)
		status = cadre_store_resume_adoption(store->env, &store->paths, err);
	if (status == CADRE_OK && !store->options.memory_views)
		status = make_dirs(store, err);
	if (status == CADRE_OK && !store->options.memory_views)
		status = cadre_control_create(store->env, store->paths.views,
		                              &store->control, err);
	if (status == CADRE_OK && store->control.page)
		take_page(store);
	if (status == CADRE_OK)
		status = cadre_generation_open(store, &usable, err);
	if (status != CADRE_OK)
		return status;
	if (usable && read_view_head(store) != CADRE_OK) {
		usable = false;
		memset(&store->view_head, 0, sizeof store->view_head);
	}
	status = open_log(store, store->view_head.applied_seq, err);
	if (status != CADRE_OK)
		return status;
	head = cadre_log_head(store->log);
	/* What recovery kept is durable; with one voter that is committed. */
	store->committed_seq = store->options.follower || store->options.no_auto_commit
	                               ? head.commit_seq
	                               : head.last_seq;
	if (store->committed_seq < store->view_head.applied_seq)
		store->committed_seq = store->view_head.applied_seq;
	status = bring_views(store, usable, err);
	if (status == CADRE_OK)
		status = cadre_store_read_cluster(store, err);
	return status;
}

enum cadre_status cadre_store_open(struct cadre_env *env,
                                   const struct cadre_store_options *options,
                                   struct cadre_store **ret_store,
                                   struct cadre_error *err)
{
	struct cadre_store *store = calloc(1, sizeof *store);
	enum cadre_status status;

	*ret_store = NULL;
	if (!store)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "opening \"%s\": out of memory", options->dir);
	store->env = env;
	store->options = *options;
	cadre_arena_init(&store->arena, STORE_ARENA_BYTES);
	status = cadre_store_paths(&store->paths, options->dir, err);
	if (status == CADRE_OK)
		status = open_parts(store, err);
	if (status != CADRE_OK) {
		store->failed = true; /* nothing to mark clean */
		cadre_store_close(store);
		return status;
	}
	store->clock_offset_ms = (int64_t)env->ops->wall_ms(env) -
	                         (int64_t)(env->ops->mono_ns(env) / 1000000);
	store->snapshots.last_seq = store->view_head.applied_seq;
	cadre_ballast_make(store);
	if (store->torn_bytes > 0)
		STORE_SAY(store, CADRE_LOG_WARN, "store.torn_tail",
		          "bytes=%llu kept_in=\"%s\" note=\"never acknowledged\"",
		          (unsigned long long)store->torn_bytes, store->paths.lost_found);
	STORE_SAY(store, CADRE_LOG_INFO, "store.opened",
	          "dir=\"%s\" seq=%llu generation=%llu applied_at_open=%llu",
	          store->paths.dir, (unsigned long long)store->view_head.applied_seq,
	          (unsigned long long)store->generation,
	          (unsigned long long)store->rebuilt_events);
	*ret_store = store;
	return CADRE_OK;
}

void cadre_store_close(struct cadre_store *store)
{
	bool clean;

	if (!store)
		return;
	cadre_store_abandon_batch(store);
	cadre_request_fail_all(&store->waiting, CADRE_UNAVAILABLE,
	                       "the store is closing");
	clean = !store->failed && store->kv && !store->behind && !store->rebuild &&
	        !store->diverged;
	if (clean && store->log &&
	    cadre_log_seal_mark(store->log, store->committed_seq, NULL) != CADRE_OK)
		clean = false;
	if (clean && !store->options.no_snapshots && !store->options.memory_views &&
	    cadre_snapshot_due(&store->snapshots, store->view_head.applied_seq,
	                       store->log_bytes, store->env->ops->mono_ns(store->env),
	                       true) &&
	    cadre_store_snapshot(store, NULL, NULL) != CADRE_OK)
		clean = store->kv != NULL; /* a missing snapshot costs time, not safety */
	cadre_generation_close(store, clean);
	cadre_log_close(store->log);
	if (store->options.guard_crashes)
		cadre_guard_disarm();
	cadre_control_close(&store->control);
	cadre_file_close(store->lock);
	cadre_arena_fini(&store->arena);
	cadre_buffer_fini(&store->batch);
	cadre_buffer_fini(&store->event_bytes);
	free(store);
}
