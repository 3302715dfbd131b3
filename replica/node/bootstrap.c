/*
 * A follower's content is replaced by the leader's snapshot.
 *
 * Normal sequence, on the puller's thread: the snapshot is fetched and verified while
 * the store serves what it has -> the store and its loop are closed (readers are told
 * that there are no views; the RPC goes on and answers UNAVAILABLE; the agent's routes
 * stay) -> the directory adopts the snapshot -> the store is opened on it and loads it.
 * Failures: a fetch that ends early goes on later; a store that cannot be opened again
 * is tried again by the puller, with back-off.
 */
#include "replica/node/internal.h"

#include <inttypes.h>

#include "replica/transfer/snapshot_fetch.h"

static enum cadre_status note_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct cadre_node *node = ctx;

	if (atomic_load(&node->ending))
		return CADRE_UNAVAILABLE;
	cadre_metric_set(node->metrics, NODE_METRIC_BOOTSTRAP_DONE, (int64_t)done);
	cadre_metric_set(node->metrics, NODE_METRIC_BOOTSTRAP_TOTAL, (int64_t)total);
	return node->options.progress
	               ? node->options.progress(node->options.progress_ctx, done, total)
	               : CADRE_OK;
}

static enum cadre_status replace(struct cadre_node *node, cadre_seq seq,
                                 struct cadre_error *err)
{
	struct cadre_error adopt_err = CADRE_ERROR_INIT;
	enum cadre_status adopted;
	enum cadre_status status;

	body_close(&node->body);
	adopted = cadre_store_adopt_snapshot(node->env, node->options.dir, seq,
	                                     &adopt_err);
	status = body_open(&node->body, err);
	if (status == CADRE_OK && adopted != CADRE_OK && err)
		*err = adopt_err;
	return adopted != CADRE_OK ? adopted : status;
}

enum cadre_status node_bootstrap(void *ctx, struct cadre_link *link,
                                 struct cadre_error *err)
{
	struct cadre_node *node = ctx;
	struct body_identity identity;
	const struct cadre_snapshot_fetch fetch = { .env = node->env,
		                                    .link = link,
		                                    .snapshot_dir = node->snapshot_dir,
		                                    .node_id = identity.node_id,
		                                    .timeout_ms = node->options.answer_ms,
		                                    .progress = note_progress,
		                                    .ctx = node };
	cadre_seq seq = 0;
	enum cadre_status status;

	body_status(&node->body, NULL, &identity, NULL);
	status = cadre_snapshot_fetch(&fetch, &seq, err);
	if (status != CADRE_OK)
		return status;
	NODE_SAY(node, CADRE_LOG_INFO, "follower.bootstrap", "snapshot_seq=%" PRIu64,
	         seq);
	status = replace(node, seq, err);
	if (status == CADRE_OK)
		cadre_metric_add(node->metrics, NODE_METRIC_BOOTSTRAPS, 1);
	return status;
}
