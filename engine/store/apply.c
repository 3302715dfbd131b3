/*
 * From log to views: catching up behind the head, and making a new generation
 * when the present one cannot be believed.
 */
#include "engine/store/internal.h"

#include <stdio.h>

void cadre_store_publish(struct cadre_store *store)
{
	struct cadre_control_page *page = store->control.page;

	if (!page)
		return;
	atomic_store(&page->applied_seq, store->view_head.applied_seq);
	atomic_store(&page->committed_seq, store->committed_seq);
	atomic_store(&page->watermark_ms, cadre_store_watermark(store));
}

enum cadre_status cadre_store_commit_view(struct cadre_store *store,
                                          struct cadre_view *view,
                                          struct cadre_error *err)
{
	struct cadre_control_page *page = store->control.page;
	struct cadre_view_head head = view->head;
	bool pointers = view->pointers_changed && page;
	enum cadre_status status;

	/* Odd while pointers change: a reader's kept pointer is not used then. */
	if (pointers)
		atomic_fetch_add(&page->pointer_epoch, 1);
	status = cadre_view_commit(view, err);
	if (pointers)
		atomic_fetch_add(&page->pointer_epoch, 1);
	if (status == CADRE_OK) {
		store->view_head = head;
		cadre_store_publish(store);
		if (store->watch.applied)
			store->watch.applied(store->watch.ctx, head.applied_seq);
	}
	return status;
}

void cadre_store_say_views(struct cadre_store *store, bool serving)
{
	if (store->watch.views)
		store->watch.views(store->watch.ctx, serving ? store->kv : NULL);
}

void cadre_store_watch(struct cadre_store *store, const struct cadre_store_watch *watch)
{
	if (!watch) {
		cadre_store_say_views(store, false);
		memset(&store->watch, 0, sizeof store->watch);
		return;
	}
	store->watch = *watch;
	cadre_store_say_views(store, !store->rebuild && !store->diverged);
	if (watch->applied)
		watch->applied(watch->ctx, store->view_head.applied_seq);
}

/* Applies whole batches until `target`, in one transaction of about
 * CADRE_APPLY_EVENTS. The cursor stands behind the view's head. `*ret_end`: the
 * next batch is not committed as a whole. */
static enum cadre_status apply_some(struct cadre_store *store,
                                    struct cadre_log_cursor *cursor, cadre_seq target,
                                    bool *ret_end, struct cadre_error *err)
{
	struct cadre_view view;
	struct cadre_batch batch;
	cadre_seq first, compared, differing;
	enum cadre_status status = cadre_view_begin(&view, store->kv, CADRE_KV_WRITE,
	                                            &store->arena, err);

	if (status != CADRE_OK)
		return status;
	first = view.head.applied_seq;
	view.digests_may_differ = store->doubt.leader_digest_seq != 0;
	while (view.head.applied_seq < target &&
	       view.head.applied_seq - first < CADRE_APPLY_EVENTS) {
		status = cadre_log_cursor_next(cursor, &batch, err);
		if (status == CADRE_END)
			status = cadre_error_set(
			        err, CADRE_CORRUPT,
			        "log ends at seq %llu, behind the committed %llu",
			        (unsigned long long)view.head.applied_seq,
			        (unsigned long long)target);
		*ret_end = status == CADRE_OK &&
		           cadre_batch_last_seq(&batch.header) > target;
		if (*ret_end)
			break;
		if (status == CADRE_OK)
			status = cadre_view_apply_batch(&view, &batch, err);
		if (status != CADRE_OK) {
			cadre_store_note_failure(store, &view);
			cadre_view_abort(&view);
			return status;
		}
	}
	if (view.head.applied_seq == first) {
		cadre_view_abort(&view);
		return CADRE_OK;
	}
	compared = view.digest_seq;
	differing = view.difference.seq;
	status = cadre_store_commit_view(store, &view, err);
	if (status == CADRE_OK)
		cadre_store_note_digests(store, compared, differing);
	return status;
}

enum cadre_status cadre_store_catch_up_to(struct cadre_store *store, cadre_seq target,
                                          uint64_t slice_events, bool *ret_more,
                                          struct cadre_error *err)
{
	struct cadre_log_cursor *cursor = NULL;
	cadre_seq first = store->view_head.applied_seq;
	bool end = false;
	enum cadre_status status;

	*ret_more = false;
	if (first >= target) {
		store->behind = false;
		return CADRE_OK;
	}
	status = cadre_log_cursor_open(store->log, first + 1, &cursor, err);
	while (status == CADRE_OK && !end && store->view_head.applied_seq < target &&
	       (slice_events == 0 ||
	        store->view_head.applied_seq - first < slice_events)) {
		status = apply_some(store, cursor, target, &end, err);
		if (slice_events == 0)
			cadre_kv_relax(store->kv); /* millions of events in one go */
		if (status == CADRE_OK && store->options.progress)
			status = store->options.progress(store->options.progress_ctx,
			                                 store->view_head.applied_seq,
			                                 target);
	}
	cadre_log_cursor_close(cursor);
	*ret_more = status == CADRE_OK && !end && store->view_head.applied_seq < target;
	store->behind = status != CADRE_OK || *ret_more;
	return status;
}

enum cadre_status cadre_store_catch_up(struct cadre_store *store, uint64_t slice_events,
                                       bool *ret_more, struct cadre_error *err)
{
	return cadre_store_catch_up_to(store, store->committed_seq, slice_events,
	                               ret_more, err);
}

static enum cadre_status read_head(struct cadre_store *store, struct cadre_error *err)
{
	struct cadre_view view;
	enum cadre_status status = cadre_view_begin(&view, store->kv, CADRE_KV_READ,
	                                            &store->arena, err);

	if (status != CADRE_OK)
		return status;
	store->view_head = view.head;
	cadre_view_abort(&view);
	return CADRE_OK;
}

bool cadre_store_fits_log(struct cadre_store *store, const struct cadre_view_head *view)
{
	struct cadre_log_head head = cadre_log_head(store->log);
	struct cadre_log_cursor *cursor = NULL;
	struct cadre_batch batch;
	cadre_seq at = view->applied_seq;
	bool fits = false;

	if (at == 0)
		return true;
	if (at == head.last_seq)
		return memcmp(&head.chain, &view->chain, sizeof head.chain) == 0;
	/* The batch at `at` may be older than the log. */
	if (cadre_log_cursor_open(store->log, at + 1, &cursor, NULL) == CADRE_OK &&
	    cadre_log_cursor_next(cursor, &batch, NULL) == CADRE_OK)
		fits = batch.header.first_seq == at + 1 &&
		       cadre_batch_check_chain(&batch, &view->chain, NULL) == CADRE_OK;
	cadre_log_cursor_close(cursor);
	return fits;
}

/* The newest snapshot that the log goes on from: after a repair that cut the log, an
 * older one may be of events that are no more. */
static enum cadre_status find_snapshot(struct cadre_store *store, cadre_seq limit,
                                       struct cadre_snapshot_info *info)
{
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK && limit > 0) {
		status = cadre_snapshot_newest(store->env, store->paths.snapshots, limit,
		                               info, NULL);
		if (status != CADRE_OK)
			return CADRE_NOT_FOUND;
		if (info->head.schema == CADRE_VIEWS_SCHEMA &&
		    cadre_store_fits_log(store, &info->head))
			return CADRE_OK;
		limit = info->head.applied_seq - 1;
	}
	return CADRE_NOT_FOUND;
}

/* Into a new generation: from the newest snapshot that can be read to its end. A
 * damaged one costs its half-filled generation. CADRE_NOT_FOUND: none serves. */
static enum cadre_status load_snapshot(struct cadre_store *store, struct cadre_error *err)
{
	struct cadre_snapshot_info info;
	cadre_seq last = cadre_log_head(store->log).last_seq;
	cadre_seq limit = store->committed_seq < last ? store->committed_seq : last;
	enum cadre_status status = cadre_generation_next(store, err);

	limit = cadre_store_trusted_limit(store, limit);
	while (status == CADRE_OK) {
		status = find_snapshot(store, limit, &info);
		if (status != CADRE_OK)
			return status;
		limit = info.head.applied_seq - 1;
		status = cadre_snapshot_load(store->env, store->paths.snapshots,
		                             info.head.applied_seq, store->kv,
		                             store->options.progress,
		                             store->options.progress_ctx, err);
		if (status != CADRE_CORRUPT)
			return status;
		status = cadre_generation_next(store, err);
	}
	return status;
}

/* One attempt. `*ret_verdict`: of CADRE_DIVERGED on a follower. */
static enum cadre_status make_generation(struct cadre_store *store,
                                         enum store_verdict *ret_verdict,
                                         struct cadre_error *err)
{
	bool more = false;
	enum cadre_status status;

	/* A new directory has nothing to lose and nothing to say. */
	STORE_SAY(store, store->committed_seq > 1 ? CADRE_LOG_WARN : CADRE_LOG_INFO,
	          "store.rebuild", "generation=%llu to_seq=%llu",
	          (unsigned long long)store->generation + 1,
	          (unsigned long long)store->committed_seq);
	memset(&store->view_head, 0, sizeof store->view_head);
	*ret_verdict = VERDICT_GO_ON;
	status = load_snapshot(store, err);
	/* The log can do without one. */
	if (status == CADRE_OK || status == CADRE_NOT_FOUND)
		status = read_head(store, err);
	if (status != CADRE_OK)
		return status;
	do {
		status = cadre_store_catch_up(store, 0, &more, err);
		if (status == CADRE_DIVERGED && store->options.follower)
			*ret_verdict = cadre_store_judge(store, err);
	} while (status == CADRE_DIVERGED && store->options.follower &&
	         *ret_verdict == VERDICT_GO_ON);
	return status;
}

enum cadre_status cadre_store_rebuild(struct cadre_store *store, struct cadre_error *err)
{
	enum store_verdict verdict;
	enum cadre_status status;

	if (store->control.page)
		atomic_store(&store->control.page->state, CADRE_CONTROL_REBUILDING);
	cadre_store_say_views(store, false);
	do {
		status = make_generation(store, &verdict, err);
	} while (status == CADRE_DIVERGED && verdict == VERDICT_REBUILD);
	if (status == CADRE_DIVERGED && verdict == VERDICT_DIVERGED)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	store->rebuild = false;
	store->behind = false;
	store->doubt.open = false;
	cadre_generation_serve(store);
	cadre_store_publish(store);
	cadre_store_say_views(store, true);
	return CADRE_OK;
}

enum cadre_status cadre_store_read_cluster(struct cadre_store *store,
                                           struct cadre_error *err)
{
	struct cadre_view view;
	Cadre__V1__ClusterRow *row;
	enum cadre_status status = cadre_view_begin(&view, store->kv, CADRE_KV_READ,
	                                            &store->arena, err);

	if (status != CADRE_OK)
		return status;
	status = cadre_view_cluster(&view, &row, err);
	if (status == CADRE_OK && row->cluster_id.len == sizeof store->cluster_id)
		memcpy(store->cluster_id, row->cluster_id.data, sizeof store->cluster_id);
	else if (status == CADRE_NOT_FOUND)
		status = CADRE_OK;
	cadre_view_abort(&view);
	return status;
}
