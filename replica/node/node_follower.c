/* What only a follower has: the puller, and the agent with its prediction socket. */
#include "replica/node/internal.h"

/* ---- a directory ---- */

struct names {
	bool meta;
	bool other; /* than an unfinished init leaves */
};

static enum cadre_status note_name(void *ctx, const char *name)
{
	static const char *const made[] = { "log", "views", "snapshots", "lost+found" };
	struct names *names = ctx;

	if (strcmp(name, "node.meta") == 0) {
		names->meta = true;
		return CADRE_OK;
	}
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
		if (strcmp(name, made[i]) == 0)
			return CADRE_OK;
	}
	names->other = strncmp(name, "node.meta", strlen("node.meta")) != 0;
	return CADRE_OK;
}

enum cadre_status node_follower_prepare(struct cadre_node *node, struct cadre_error *err)
{
	const char *dir = node->options.dir;
	struct names names = { 0 };
	enum cadre_status status = node->env->ops->list(node->env, dir, note_name, &names,
	                                                err);

	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	if (names.meta)
		return CADRE_OK;
	if (names.other)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "dir: \"%s\" is no Cadre data directory and not "
		                       "empty: name another one",
		                       dir);
	return cadre_store_init_empty(node->env, dir, err);
}

/* ---- what it tells ---- */

static void introduce(void *ctx, struct cadre_arena *arena, Cadre__V1__Hello *hello)
{
	struct cadre_node *node = ctx;

	pthread_mutex_lock(&node->lock);
	/* Absent is what memory does not suffice for: said again with the next hello. */
	if (node->options.name)
		hello->name = cadre_arena_strdup(arena,
		                                 cadre_slice_text(node->options.name));
	hello->labels = (Cadre__V1__NameValue **)(uintptr_t)node->options.labels;
	hello->n_labels = node->options.label_count;
	pthread_mutex_unlock(&node->lock);
	if (node->predict_address[0] != '\0')
		hello->address = node->predict_address;
}

static enum cadre_status fill_report(struct cadre_node *node, struct cadre_arena *arena,
                                     Cadre__V1__NodeReport *report)
{
	struct cadre_store_status store;
	struct puller_status leader;
	char id[33];

	body_status(&node->body, &store, NULL, NULL);
	node_leader_contact(node, &leader);
	cadre_hex_encode(store.node_id, sizeof store.node_id, id);
	cadre__v1__node_report__init(report);
	report->node_id = cadre_arena_strdup(arena, cadre_slice_text(id));
	report->digest_state =
	        cadre_arena_strdup(arena, cadre_slice_text(node_digest_state(&store)));
	pthread_mutex_lock(&node->lock);
	if (node->options.name)
		report->name = cadre_arena_strdup(arena,
		                                  cadre_slice_text(node->options.name));
	pthread_mutex_unlock(&node->lock);
	if (node->predict_address[0] != '\0')
		report->address = cadre_arena_strdup(
		        arena, cadre_slice_text(node->predict_address));
	report->has_durable_seq = true;
	report->durable_seq = store.log.durable_seq;
	report->has_applied_seq = true;
	report->applied_seq = store.view.applied_seq;
	report->has_lag_events = leader.contacted;
	report->lag_events = leader.lag_events;
	report->has_lag_ms = leader.contacted;
	report->lag_ms = leader.lag_ms;
	return report->node_id && report->digest_state ? CADRE_OK : CADRE_OUT_OF_MEMORY;
}

enum cadre_status node_own_report(struct cadre_node *node, struct cadre_arena *arena,
                                  Cadre__V1__NodeReport **ret_report,
                                  struct cadre_error *err)
{
	Cadre__V1__NodeReport *report = cadre_arena_alloc(arena, sizeof *report);

	if (!report || fill_report(node, arena, report) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for this node's report");
	*ret_report = report;
	return node_agent_report(node->agent, arena, report, err);
}

static enum cadre_status report(void *ctx, struct cadre_arena *arena,
                                Cadre__V1__NodeReport **ret_report,
                                struct cadre_error *err)
{
	return node_own_report(ctx, arena, ret_report, err);
}

/* ---- life ---- */

void node_follower_poke(struct cadre_node *node)
{
	pthread_mutex_lock(&node->lock);
	if (node->puller)
		puller_poke(node->puller);
	pthread_mutex_unlock(&node->lock);
}

static void agent_changed(void *ctx)
{
	node_follower_poke(ctx);
}

/* For the loop, which tells the agent from now on. */
struct joining {
	struct cadre_node *node;
	struct node_agent *agent;
};

static void leader_address(void *ctx, char text[CADRE_ADDRESS_BYTES])
{
	node_leader_address(ctx, text);
}

static void join_job(struct cadre_store *store, void *ctx)
{
	struct joining *joining = ctx;

	joining->node->agent = joining->agent;
	/* Tells everybody where the views are. */
	cadre_store_watch(store, &joining->node->body.options.watch);
}

static enum cadre_status start_agent(struct cadre_node *node, struct cadre_error *err)
{
	struct node_agent_options options = {
		.env = node->env,
		.agent = node->options.agent,
		.predict_listen = node->options.predict_listen,
		.insecure = node->options.insecure,
	};
	struct joining joining = { .node = node };
	struct cadre_store_status store;
	enum cadre_status status;

	if (!options.agent.program.path)
		return CADRE_OK;
	node->remote = node_remote_create(leader_address, node);
	if (!node->remote)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the agent");
	options.agent.remote = node_remote_artifacts(node->remote);
	body_status(&node->body, &store, NULL, NULL);
	memcpy(options.agent.node_id, store.node_id, sizeof options.agent.node_id);
	options.agent.dir = node->options.dir;
	options.agent.sink = node->options.sink;
	options.agent.changed = agent_changed;
	options.agent.changed_ctx = node;
	status = node_agent_create(&options, &joining.agent, err);
	if (status != CADRE_OK)
		return status;
	if (node->predict_address[0] == '\0')
		cadre_address_format(node_agent_address(joining.agent),
		                     node->predict_address);
	if (body_run(&node->body, join_job, &joining))
		return CADRE_OK;
	node_agent_drain(joining.agent);
	node_agent_stop(joining.agent);
	node_agent_destroy(&joining.agent);
	return cadre_error_set(err, CADRE_IO_ERROR, "the store has failed");
}

static enum cadre_status start_puller(struct cadre_node *node, struct cadre_error *err)
{
	const struct puller_options options = {
		.env = node->env,
		.body = &node->body,
		.join = node->options.join,
		.default_port = CADRE_REPLICATION_PORT,
		.wait_ms = node->options.fetch_wait_ms,
		.answer_ms = node->options.answer_ms,
		.sink = node->options.sink,
		.introduce = introduce,
		.report = report,
		.bootstrap = node_bootstrap,
		.ctx = node,
	};
	struct puller *puller = NULL;
	enum cadre_status status = puller_start(&options, &puller, err);

	pthread_mutex_lock(&node->lock);
	node->puller = puller;
	pthread_mutex_unlock(&node->lock);
	return status;
}

enum cadre_status node_follower_start(struct cadre_node *node, struct cadre_error *err)
{
	enum cadre_status status = start_agent(node, err);

	if (status == CADRE_OK)
		status = cadre_rpc_listen(node->rpc, node->body.thread, err);
	if (status == CADRE_OK)
		status = start_puller(node, err);
	return status;
}

void node_follower_stop(struct cadre_node *node)
{
	struct puller *puller;

	cadre_rpc_stop(node->rpc);
	node_agent_drain(node->agent);
	node_agent_stop(node->agent);
	pthread_mutex_lock(&node->lock);
	puller = node->puller;
	node->puller = NULL;
	pthread_mutex_unlock(&node->lock);
	puller_stop(&puller);
}
