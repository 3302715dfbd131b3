/* The facade: submit, step, commit, append, and what can be asked. */
#include "engine/store/store.h"

#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/store/internal.h"

void cadre_store_submit(struct cadre_store *store, struct cadre_request *request)
{
	request->durable = false;
	request->visible = false;
	request->repeated = false;
	if (store->options.follower)
		cadre_request_finish(request, CADRE_NOT_LEADER,
		                     "this node follows; send commands to the leader");
	else if (store->failed)
		cadre_request_finish(request, CADRE_UNAVAILABLE,
		                     "the log failed; this process must be restarted");
	else
		cadre_request_push(&store->waiting, request);
}

/* Views that fell behind or are damaged come first: nothing is decided before. */
static enum cadre_status step_views(struct cadre_store *store, bool *ret_again,
                                    struct cadre_error *err)
{
	uint64_t now = store->env->ops->mono_ns(store->env);
	bool more = false;
	enum cadre_status status;

	if (now < store->retry_at_ns) {
		*ret_again = false;
		return CADRE_OK;
	}
	status = store->rebuild
	                 ? cadre_store_rebuild(store, err)
	                 : cadre_store_catch_up(store, CADRE_APPLY_EVENTS, &more, err);
	*ret_again = true;
	if (status == CADRE_OK) {
		if (!store->behind)
			cadre_store_set_out_of_space(store, false, NULL);
		return CADRE_OK;
	}
	store->behind = true;
	if (status == CADRE_CORRUPT && !store->rebuild) {
		store->rebuild = true;
		return CADRE_OK;
	}
	if (status == CADRE_DIVERGED && store->options.follower) {
		store->rebuild = cadre_store_judge(store, err) == VERDICT_REBUILD;
		return CADRE_OK;
	}
	if (status == CADRE_OUT_OF_SPACE && cadre_ballast_release(store))
		return CADRE_OK;
	if (status == CADRE_OUT_OF_SPACE || status == CADRE_IO_ERROR ||
	    status == CADRE_OUT_OF_MEMORY) {
		cadre_store_set_out_of_space(store, status == CADRE_OUT_OF_SPACE, err);
		store->retry_at_ns = now + CADRE_REAPPLY_PAUSE_NS;
		*ret_again = false;
		return CADRE_OK;
	}
	return status;
}

/* Nothing is decided in front of batches that are in the log and not committed. */
static bool may_decide(const struct cadre_store *store)
{
	return store->waiting.first && !store->behind && !store->rebuild &&
	       store->view_head.applied_seq == cadre_log_head(store->log).last_seq;
}

enum cadre_status cadre_store_step(struct cadre_store *store, bool *ret_again,
                                   struct cadre_error *err)
{
	struct cadre_error cause = CADRE_ERROR_INIT;

	/* Requests and log lines are told the cause also when the caller is not. */
	if (!err)
		err = &cause;
	*ret_again = true;
	if (store->failed) {
		*ret_again = false;
		return cadre_error_set(err, CADRE_IO_ERROR,
		                       "the log in \"%s\" failed; restart this process",
		                       store->paths.log);
	}
	switch (store->phase) {
	case PHASE_SYNC:
		return cadre_store_sync_batch(store, err);
	case PHASE_COMMIT:
		if (store->committed_seq < cadre_batch_last_seq(&store->batch_header)) {
			*ret_again = false;
			return CADRE_OK;
		}
		return cadre_store_commit_batch(store, err);
	case PHASE_IDLE:
	default:
		break;
	}
	if ((store->behind || store->rebuild) && !store->diverged)
		return step_views(store, ret_again, err);
	if (may_decide(store))
		return cadre_store_decide_waiting(store, err);
	return cadre_store_upkeep(store, ret_again, err);
}

uint64_t cadre_store_idle_ns(const struct cadre_store *store)
{
	if (store->phase == PHASE_IDLE && may_decide(store))
		return 0;
	if ((store->behind || store->rebuild) && !store->diverged)
		return CADRE_REAPPLY_PAUSE_NS;
	return store->sealed_tail ? 1000000000u : CADRE_SEAL_PAUSE_NS;
}

void cadre_store_commit(struct cadre_store *store, cadre_seq seq)
{
	cadre_seq last = cadre_log_head(store->log).last_seq;

	/* What is not here yet is said again with the batches. */
	if (seq > last)
		seq = last;
	if (seq <= store->committed_seq)
		return;
	store->committed_seq = seq;
	if (store->phase == PHASE_IDLE && store->view_head.applied_seq < seq)
		store->behind = true;
}

enum cadre_status cadre_store_append(struct cadre_store *store,
                                     struct cadre_slice batches, cadre_seq commit_seq,
                                     struct cadre_error *err)
{
	enum cadre_status status;

	if (store->failed)
		return cadre_error_set(err, CADRE_IO_ERROR, "the log in \"%s\" failed",
		                       store->paths.log);
	CADRE_ASSERT(store->phase == PHASE_IDLE);
	status = cadre_log_prepare(store->log, batches.length, err);
	if (status == CADRE_OK)
		status = cadre_log_append(store->log, batches, store->committed_seq, err);
	if (status == CADRE_OK)
		status = cadre_log_sync(store->log, err);
	store->failed = cadre_log_failed(store->log);
	if (status != CADRE_OK)
		return status;
	store->last_sync_ns = store->env->ops->mono_ns(store->env);
	store->log_bytes += batches.length;
	store->sealed_tail = false;
	cadre_store_commit(store, commit_seq);
	return CADRE_OK;
}

void cadre_store_status(struct cadre_store *store, struct cadre_store_status *ret_status)
{
	memset(ret_status, 0, sizeof *ret_status);
	ret_status->log = cadre_log_head(store->log);
	ret_status->log_stat = cadre_log_stat(store->log);
	ret_status->view = store->view_head;
	ret_status->committed_seq = store->committed_seq;
	ret_status->generation = store->generation;
	ret_status->snapshot_seq = store->snapshots.last_seq;
	memcpy(ret_status->cluster_id, store->cluster_id, sizeof ret_status->cluster_id);
	memcpy(ret_status->node_id, store->node_id, sizeof ret_status->node_id);
	ret_status->failed = store->failed;
	ret_status->out_of_space = store->out_of_space;
	ret_status->recovered_torn_bytes = store->torn_bytes;
	ret_status->rebuilt_events = store->rebuilt_events;
	ret_status->leader_digest_seq = store->doubt.leader_digest_seq;
	ret_status->diverged_seq = store->diverged ? store->doubt.failed_seq : 0;
	ret_status->state = store->diverged  ? CADRE_CONTROL_DIVERGED
	                    : store->rebuild ? CADRE_CONTROL_REBUILDING
	                                     : CADRE_CONTROL_SERVING;
}

bool cadre_store_failed(const struct cadre_store *store)
{
	return store->failed;
}

enum cadre_status cadre_store_outcome(struct cadre_store *store, const char *principal,
                                      const char *token, struct cadre_result *ret_result,
                                      struct cadre_error *err)
{
	struct cadre_view view;
	Cadre__V1__TokenRow *row;
	Cadre__V1__Resource *resource;
	enum cadre_status status;

	memset(ret_result, 0, sizeof *ret_result);
	if (store->diverged)
		return cadre_error_set(err, CADRE_DIVERGED,
		                       "\"%s\": what this node holds is not what its "
		                       "leader's log says",
		                       store->paths.dir);
	if (store->failed || store->behind || store->rebuild || !store->kv)
		return cadre_error_set(
		        err, CADRE_UNAVAILABLE,
		        "retry token \"%.64s\": not all that is in the log can be seen "
		        "here now; ask again",
		        token);
	status = cadre_view_begin(&view, store->kv, CADRE_KV_READ, &store->arena, err);
	if (status != CADRE_OK)
		return status;
	status = cadre_view_token(&view, principal, token, &row, err);
	if (status == CADRE_OK) {
		ret_result->seq = row->seq;
		ret_result->version_id = row->version_id;
		ret_result->changed = true;
		if (row->has_resource &&
		    cadre_view_by_id(&view, row->resource, &resource, NULL) == CADRE_OK) {
			snprintf(ret_result->ocid, sizeof ret_result->ocid, "%s",
			         resource->ocid);
			cadre_etag(store->cluster_id, row->resource,
			           row->has_etag_seq ? row->etag_seq : row->seq,
			           ret_result->etag);
		}
	}
	cadre_view_abort(&view);
	cadre_arena_reset(&store->arena);
	return status;
}

struct cadre_kv *cadre_store_kv(struct cadre_store *store)
{
	return store->kv;
}

struct cadre_log *cadre_store_log(struct cadre_store *store)
{
	return store->log;
}

struct cadre_control_page *cadre_store_control_page(struct cadre_store *store)
{
	return store->control.page;
}

enum cadre_status cadre_store_snapshot(struct cadre_store *store,
                                       struct cadre_snapshot_info *ret_info,
                                       struct cadre_error *err)
{
	struct cadre_snapshot_info info;
	unsigned kept = store->options.snapshots_kept ? store->options.snapshots_kept : 2;
	enum cadre_status status;

	if (store->diverged)
		return cadre_error_set(err, CADRE_DIVERGED,
		                       "\"%s\": the views are not to be believed",
		                       store->paths.views);
	if (store->rebuild || !store->kv)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "\"%s\": the views are being made again",
		                       store->paths.views);
	status = cadre_snapshot_write(store->env, store->paths.snapshots, store->kv,
	                              store->options.progress,
	                              store->options.progress_ctx, &info, err);
	if (status != CADRE_OK)
		return status;
	store->snapshots.last_seq = info.head.applied_seq;
	store->snapshots.last_log_bytes = store->log_bytes;
	store->snapshots.last_mono_ns = store->env->ops->mono_ns(store->env);
	if (ret_info)
		*ret_info = info;
	return cadre_snapshot_prune(store->env, store->paths.snapshots, kept, err);
}
