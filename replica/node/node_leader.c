/* What only a leader has: the RPC that takes commands, the source, the rollout loop. */
#include "replica/node/internal.h"

static void followers_changed(void *ctx)
{
	struct cadre_node *node = ctx;

	cadre_controller_poke(node->controller);
}

void node_leader_position(struct cadre_node *node)
{
	struct cadre_store_status store;
	struct body_identity identity;
	struct cadre_feed_position position = { 0 };
	cadre_time_ms watermark_ms;

	body_status(&node->body, &store, &identity, &watermark_ms);
	memcpy(position.node_id, identity.node_id, sizeof position.node_id);
	memcpy(position.cluster_id, identity.cluster_id, sizeof position.cluster_id);
	memcpy(position.timeline_id, identity.timeline_id, sizeof position.timeline_id);
	position.epoch = store.log.epoch;
	/* A log that goes on behind a snapshot and has nothing yet. */
	position.first_seq = store.log_stat.first_seq ? store.log_stat.first_seq
	                                              : store.log.last_seq + 1;
	position.committed_seq = store.committed_seq;
	cadre_source_position(node->source, &position, watermark_ms);
}

/* On the store's loop: from here on it tells controller and source. */
static void join_job(struct cadre_store *store, void *ctx)
{
	struct cadre_node *node = ctx;

	node->joined = true;
	/* Tells everybody where the views are. */
	cadre_store_watch(store, &node->body.options.watch);
	node_leader_position(node);
}

static void leave_job(struct cadre_store *store, void *ctx)
{
	struct cadre_node *node = ctx;

	(void)store;
	node->joined = false;
	cadre_controller_views(node->controller, NULL);
}

static enum cadre_status start_controller(struct cadre_node *node,
                                          struct cadre_error *err)
{
	struct cadre_store_status store;
	char id[33];
	const struct cadre_controller_options options = { .env = node->env,
		                                          .thread = node->body.thread,
		                                          .reports = node->reports,
		                                          .node_id = id,
		                                          .sink = node->options.sink };

	body_status(&node->body, &store, NULL, NULL);
	cadre_hex_encode(store.node_id, sizeof store.node_id, id);
	return cadre_controller_start(&options, &node->controller, err);
}

static enum cadre_status start_source(struct cadre_node *node, struct cadre_error *err)
{
	const struct cadre_source_options options = {
		.env = node->env,
		.address = node->options.replication_listen,
		.insecure = node->options.insecure,
		.log_dir = node->log_dir,
		.snapshot_dir = node->snapshot_dir,
		.rpc_address = node->rpc_address,
		.thread = node->body.thread,
		.reports = node->reports,
		.sink = node->options.sink,
		.met = followers_changed,
		.ctx = node,
	};

	return cadre_source_start(&options, &node->source, err);
}

enum cadre_status node_leader_start(struct cadre_node *node, struct cadre_error *err)
{
	enum cadre_status status;

	node->reports = cadre_reports_create();
	if (!node->reports)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for reports");
	status = cadre_rpc_listen(node->rpc, node->body.thread, err);
	if (status != CADRE_OK)
		return status;
	pthread_mutex_lock(&node->lock);
	if (node->rpc_address[0] == '\0')
		cadre_address_format(cadre_rpc_address(node->rpc), node->rpc_address);
	pthread_mutex_unlock(&node->lock);
	status = start_controller(node, err);
	if (status == CADRE_OK)
		status = start_source(node, err);
	if (status == CADRE_OK && !body_run(&node->body, join_job, node))
		status = cadre_error_set(err, CADRE_IO_ERROR, "the store has failed");
	return status;
}

void node_leader_stop(struct cadre_node *node)
{
	/* False: the loop has failed, and tells nobody any more. */
	if (node->joined && !body_run(&node->body, leave_job, node))
		node->joined = false;
	cadre_source_stop(&node->source);
	cadre_rpc_stop(node->rpc);
	cadre_controller_stop(&node->controller);
}
