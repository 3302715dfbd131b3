#include "replica/node/node.h"

#include <stdio.h>
#include <stdlib.h>

#include "replica/node/internal.h"
#include "replica/transport/start.h"

uint64_t node_now_ms(const struct cadre_node *node)
{
	return node->env->ops->mono_ns(node->env) / 1000000;
}

/* ---- what the store tells ---- */

static void watch_views(void *ctx, struct cadre_kv *kv)
{
	struct cadre_node *node = ctx;

	node->rpc_watch.views(node->rpc_watch.ctx, kv);
	node_agent_views(node->agent, kv);
	if (node->joined)
		cadre_controller_views(node->controller, kv);
}

static void watch_applied(void *ctx, cadre_seq seq)
{
	struct cadre_node *node = ctx;

	node->rpc_watch.applied(node->rpc_watch.ctx, seq);
	node_agent_applied(node->agent, seq);
	if (node->joined)
		cadre_controller_applied(node->controller, seq);
}

static void store_changed(void *ctx, const struct cadre_store_status *status)
{
	struct cadre_node *node = ctx;

	if (node->joined)
		node_leader_position(node);
	if (node->leader || node->told_digest == node_digest_state(status))
		return;
	node->told_digest = node_digest_state(status);
	node_follower_poke(node);
}

/* Of open only: a follower's loop applies all day long. */
static enum cadre_status store_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct cadre_node *node = ctx;

	if (!atomic_load(&node->body.opening))
		return CADRE_OK;
	if (atomic_load(&node->ending))
		return CADRE_UNAVAILABLE;
	return node->options.progress
	               ? node->options.progress(node->options.progress_ctx, done, total)
	               : CADRE_OK;
}

/* ---- start ---- */

static enum cadre_status check_options(const struct cadre_node_options *options,
                                       struct cadre_error *err)
{
	if (!options->dir || options->dir[0] == '\0')
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "dir: a node needs a data directory");
	if (options->role == CADRE_NODE_FOLLOWER &&
	    (!options->join || options->join[0] == '\0'))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "join: a follower needs its leader's address");
	return CADRE_OK;
}

static void fill_defaults(struct cadre_node_options *options)
{
	if (!options->listen)
		options->listen = "tcp://127.0.0.1";
	if (!options->replication_listen)
		options->replication_listen = "tcp://127.0.0.1";
	if (!options->predict_listen)
		options->predict_listen = "tcp://127.0.0.1";
}

static bool set_text(char *to, size_t capacity, const char *text, const char *behind)
{
	int length = snprintf(to, capacity, "%s%s", text ? text : "", behind);

	return length >= 0 && (size_t)length < capacity;
}

static enum cadre_status set_texts(struct cadre_node *node, struct cadre_error *err)
{
	const struct cadre_node_options *options = &node->options;

	if (!set_text(node->log_dir, sizeof node->log_dir, options->dir, "/log") ||
	    !set_text(node->snapshot_dir, sizeof node->snapshot_dir, options->dir,
	              "/snapshots"))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "dir: \"%.64s...\": the path is too long",
		                       options->dir);
	if (!set_text(node->rpc_address, sizeof node->rpc_address, options->advertise,
	              "") ||
	    !set_text(node->predict_address, sizeof node->predict_address,
	              options->predict_advertise, ""))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "advertise: an address is too long");
	return CADRE_OK;
}

static enum cadre_status make(struct cadre_env *env,
                              const struct cadre_node_options *options,
                              struct cadre_node **ret_node, struct cadre_error *err)
{
	struct cadre_node *node = calloc(1, sizeof *node);
	struct body_options body = { .env = env };
	pthread_condattr_t attributes;

	*ret_node = node;
	if (!node)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a node");
	node->env = env;
	node->options = *options;
	node->leader = options->role == CADRE_NODE_LEADER;
	fill_defaults(&node->options);
	pthread_mutex_init(&node->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&node->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	node->clock_offset_ms = (int64_t)env->ops->wall_ms(env) -
	                        (int64_t)node_now_ms(node);
	body.store.dir = options->dir;
	body.store.follower = !node->leader;
	body.store.rebuild_views = options->rebuild_views;
	body.store.segment_bytes = options->segment_bytes;
	body.store.map_bytes = options->map_bytes;
	body.store.snapshots_kept = options->snapshots_kept;
	body.store.no_snapshots = true; /* the loop writes them */
	body.store.guard_crashes = options->guard_crashes;
	body.store.sink = options->sink;
	body.store.progress = store_progress;
	body.store.progress_ctx = node;
	body.watch.views = watch_views;
	body.watch.applied = watch_applied;
	body.watch.ctx = node;
	body.changed = store_changed;
	body.ctx = node;
	body_init(&node->body, &body);
	return set_texts(node, err);
}

/* In a directory that is one: what is wrong with another, the store says better. */
static enum cadre_status open_blobs(struct cadre_node *node, struct cadre_error *err)
{
	const struct cadre_blob_options options = {
		.owner_bytes_max = CADRE_RPC_BLOB_OWNER_BYTES_MAX
	};
	char path[1024];
	struct cadre_file *file;

	if (!set_text(path, sizeof path, node->options.dir, "/node.meta") ||
	    cadre_file_open(node->env, path, CADRE_OPEN_READ, &file, NULL) != CADRE_OK)
		return CADRE_OK;
	cadre_file_close(file);
	return cadre_blobs_open(node->env, node->options.dir, &options, &node->blobs,
	                        err);
}

static enum cadre_status make_rpc(struct cadre_node *node, struct cadre_error *err)
{
	struct cadre_rpc_options options = { .address = node->options.listen,
		                             .insecure = node->options.insecure,
		                             .env = node->env,
		                             .log_dir = node->log_dir,
		                             .page = &node->body.page };
	enum cadre_status status;

	node_hooks(node, &options.hooks);
	status = node->leader ? open_blobs(node, err) : CADRE_OK;
	options.blobs = node->blobs;
	if (status == CADRE_OK)
		status = cadre_rpc_create(&options, &node->rpc, err);
	if (status == CADRE_OK)
		node->rpc_watch = cadre_rpc_watch(node->rpc);
	return status;
}

static enum cadre_status open_store(struct cadre_node *node, struct cadre_error *err)
{
	enum cadre_status status = body_open(&node->body, err);

	/* Once is enough, also when a follower opens its store again. */
	node->body.options.store.rebuild_views = false;
	return status;
}

static bool is_exposed(const struct cadre_address *address)
{
	return address && !address->loopback && !address->tls;
}

static void note_exposure(struct cadre_node *node)
{
	for (int socket = CADRE_NODE_RPC; socket <= CADRE_NODE_PREDICT; socket++) {
		if (is_exposed(cadre_node_address(node, (enum cadre_node_socket)socket)))
			atomic_store(&node->exposed, true);
	}
}

static enum cadre_status start_parts(struct cadre_node *node, struct cadre_error *err)
{
	enum cadre_status status = node_metrics_make(node, err);

	if (status == CADRE_OK && !node->leader)
		status = node_follower_prepare(node, err);
	if (status == CADRE_OK)
		status = make_rpc(node, err);
	if (status == CADRE_OK)
		status = open_store(node, err);
	if (status == CADRE_OK)
		status = node->leader ? node_leader_start(node, err)
		                      : node_follower_start(node, err);
	if (status != CADRE_OK)
		return status;
	note_exposure(node);
	return node_minder_start(node, err);
}

enum cadre_status cadre_node_start(struct cadre_env *env,
                                   const struct cadre_node_options *options,
                                   struct cadre_node **ret_node, struct cadre_error *err)
{
	struct cadre_node *node = NULL;
	enum cadre_status status = check_options(options, err);

	*ret_node = NULL;
	if (status != CADRE_OK)
		return status;
	cadre_transport_start();
	status = make(env, options, &node, err);
	if (status == CADRE_OK)
		status = start_parts(node, err);
	if (status != CADRE_OK) {
		cadre_node_stop(&node);
		return status;
	}
	NODE_SAY(node, CADRE_LOG_INFO, "node.serves", "role=%s rpc=\"%s\"",
	         node->leader ? "leader" : "follower", node->options.listen);
	*ret_node = node;
	return CADRE_OK;
}

/* ---- stop ---- */

void cadre_node_stop(struct cadre_node **node_at)
{
	struct cadre_node *node = *node_at;

	*node_at = NULL;
	if (!node)
		return;
	atomic_store(&node->ending, true);
	node_minder_stop(node);
	if (node->leader)
		node_leader_stop(node);
	else
		node_follower_stop(node);
	body_close(&node->body);
	cadre_rpc_destroy(&node->rpc);
	cadre_blobs_close(&node->blobs);
	node_agent_destroy(&node->agent);
	node_remote_destroy(&node->remote);
	cadre_reports_destroy(node->reports);
	cadre_metrics_destroy(&node->metrics);
	body_fini(&node->body);
	pthread_cond_destroy(&node->wake);
	pthread_mutex_destroy(&node->lock);
	free(node);
}

/* ---- the rest ---- */

bool cadre_node_failed(struct cadre_node *node)
{
	return atomic_load(&node->body.failed);
}

const struct cadre_address *cadre_node_address(const struct cadre_node *node,
                                               enum cadre_node_socket socket)
{
	switch (socket) {
	case CADRE_NODE_RPC:
		return cadre_rpc_address(node->rpc);
	case CADRE_NODE_REPLICATION:
		return node->source ? cadre_source_address(node->source) : NULL;
	case CADRE_NODE_PREDICT:
	default:
		return node_agent_address(node->agent);
	}
}

void cadre_node_reload(struct cadre_node *node, const struct cadre_node_options *options)
{
	pthread_mutex_lock(&node->lock);
	node->options.name = options->name;
	node->options.labels = options->labels;
	node->options.label_count = options->label_count;
	if (node->puller)
		puller_reintroduce(node->puller);
	pthread_mutex_unlock(&node->lock);
}
