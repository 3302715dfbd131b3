/* What the RPC asks of a node: the daemon's part of status, model states, endpoints. */
#include "replica/node/internal.h"

#include <stdio.h>

static enum cadre_status no_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for the answer");
}

static char *copy(struct cadre_arena *arena, const char *text)
{
	return cadre_arena_strdup(arena, cadre_slice_text(text));
}

/* ---- status ---- */

/* Whether the cause of the moment belongs to the alarm. */
static bool has_cause(enum cadre_alarm alarm)
{
	return alarm == CADRE_ALARM_LEADER_SILENT ||
	       alarm == CADRE_ALARM_LEADER_REFUSES || alarm == CADRE_ALARM_OUT_OF_SPACE;
}

static enum cadre_status add_alarms(struct cadre_arena *arena, uint32_t set,
                                    const char *why, Cadre__V1__StatusResult *io_status,
                                    struct cadre_error *err)
{
	char text[320];

	io_status->alarms =
	        cadre_arena_alloc(arena, CADRE_ALARM_COUNT * sizeof *io_status->alarms);
	if (!io_status->alarms)
		return no_memory(err);
	for (unsigned i = 0; i < CADRE_ALARM_COUNT; i++) {
		if (!(set & UINT32_C(1) << i))
			continue;
		(void)snprintf(text, sizeof text, "%s%s%s", cadre_alarms[i].name,
		               has_cause(i) && why[0] ? ": " : "",
		               has_cause(i) ? why : "");
		io_status->alarms[io_status->n_alarms] = copy(arena, text);
		if (!io_status->alarms[io_status->n_alarms++])
			return no_memory(err);
	}
	return CADRE_OK;
}

static enum cadre_status leader_nodes(struct cadre_node *node, struct cadre_arena *arena,
                                      const char *deployment,
                                      Cadre__V1__NodeReport ***ret_nodes,
                                      size_t *ret_count, struct cadre_error *err)
{
	struct cadre_store_status store;

	body_status(&node->body, &store, NULL, NULL);
	return cadre_reports_list(node->reports, deployment, store.committed_seq,
	                          store.log.time_ms, node_now_ms(node), arena, ret_nodes,
	                          ret_count, err);
}

static enum cadre_status own_node(struct cadre_node *node, struct cadre_arena *arena,
                                  Cadre__V1__NodeReport ***ret_nodes, size_t *ret_count,
                                  struct cadre_error *err)
{
	*ret_nodes = cadre_arena_alloc(arena, sizeof **ret_nodes);
	if (!*ret_nodes)
		return no_memory(err);
	*ret_count = 1;
	return node_own_report(node, arena, &(*ret_nodes)[0], err);
}

static enum cadre_status add_contact(struct cadre_node *node, struct cadre_arena *arena,
                                     const struct puller_status *leader,
                                     Cadre__V1__StatusResult *io_status,
                                     struct cadre_error *err)
{
	char address[CADRE_ADDRESS_BYTES];

	node_leader_address(node, address);
	if (address[0] != '\0') {
		io_status->leader_address = copy(arena, address);
		if (!io_status->leader_address)
			return no_memory(err);
	}
	if (node->leader)
		return CADRE_OK;
	io_status->has_leader_contact_age_ms = leader->contacted;
	io_status->leader_contact_age_ms = leader->contact_age_ms;
	io_status->has_lag_events = leader->contacted;
	io_status->lag_events = leader->lag_events;
	io_status->has_lag_ms = leader->contacted;
	io_status->lag_ms = leader->lag_ms;
	return CADRE_OK;
}

static enum cadre_status status_hook(void *ctx, struct cadre_arena *arena,
                                     Cadre__V1__StatusResult *io_status,
                                     struct cadre_error *err)
{
	struct cadre_node *node = ctx;
	struct cadre_store_status store;
	struct puller_status leader;
	char id[33];
	enum cadre_status status;

	body_status(&node->body, &store, NULL, NULL);
	node_leader_contact(node, &leader);
	cadre_hex_encode(store.node_id, sizeof store.node_id, id);
	io_status->role = copy(arena, node->leader ? "leader" : "follower");
	io_status->node_id = copy(arena, id);
	io_status->version = copy(arena, CADRE_VERSION);
	if (!io_status->role || !io_status->node_id || !io_status->version)
		return no_memory(err);
	if (store.log.durable_seq > io_status->durable_seq)
		io_status->durable_seq = store.log.durable_seq;
	if (store.committed_seq > io_status->committed_seq)
		io_status->committed_seq = store.committed_seq;
	status = add_contact(node, arena, &leader, io_status, err);
	if (status == CADRE_OK)
		status = add_alarms(arena, node_alarms(node, &store, &leader), leader.why,
		                    io_status, err);
	if (status != CADRE_OK)
		return status;
	return node->leader ? leader_nodes(node, arena, NULL, &io_status->nodes,
	                                   &io_status->n_nodes, err)
	                    : own_node(node, arena, &io_status->nodes,
	                               &io_status->n_nodes, err);
}

/* ---- model states, endpoints ---- */

/* Of a report of one's own: only what belongs to the deployment. */
static void keep_deployment(Cadre__V1__NodeReport *report, const char *deployment)
{
	size_t members = 0;
	size_t deployments = 0;

	for (size_t i = 0; i < report->n_members; i++) {
		if (strcmp(report->members[i]->deployment_id, deployment) == 0)
			report->members[members++] = report->members[i];
	}
	for (size_t i = 0; i < report->n_deployments; i++) {
		if (strcmp(report->deployments[i]->deployment_id, deployment) == 0)
			report->deployments[deployments++] = report->deployments[i];
	}
	report->n_members = members;
	report->n_deployments = deployments;
}

static enum cadre_status nodes_of(struct cadre_node *node, struct cadre_arena *arena,
                                  const Cadre__V1__Resource *deployment,
                                  Cadre__V1__NodeReport ***ret_nodes, size_t *ret_count,
                                  struct cadre_error *err)
{
	enum cadre_status status;

	if (node->leader)
		return leader_nodes(node, arena, deployment->ocid, ret_nodes, ret_count,
		                    err);
	status = own_node(node, arena, ret_nodes, ret_count, err);
	if (status != CADRE_OK)
		return status;
	keep_deployment((*ret_nodes)[0], deployment->ocid);
	if ((*ret_nodes)[0]->n_members == 0 && (*ret_nodes)[0]->n_deployments == 0)
		*ret_count = 0;
	return CADRE_OK;
}

static enum cadre_status states_hook(void *ctx, struct cadre_arena *arena,
                                     const Cadre__V1__Resource *deployment,
                                     Cadre__V1__ModelStatesResult *io_states,
                                     struct cadre_error *err)
{
	return nodes_of(ctx, arena, deployment, &io_states->nodes, &io_states->n_nodes,
	                err);
}

static enum cadre_status fill_endpoint(struct cadre_arena *arena,
                                       const Cadre__V1__NodeReport *report,
                                       const Cadre__V1__DeploymentReport *deployment,
                                       Cadre__V1__Endpoint *endpoint)
{
	cadre__v1__endpoint__init(endpoint);
	endpoint->node_id = report->node_id;
	endpoint->address = report->address;
	endpoint->has_generation = true;
	endpoint->generation = deployment->serving_generation;
	endpoint->has_in_flight = deployment->has_in_flight;
	endpoint->in_flight = deployment->in_flight;
	endpoint->has_age_ms = report->has_age_ms;
	endpoint->age_ms = report->age_ms;
	endpoint->ready_keys = cadre_arena_alloc(
	        arena, (report->n_members + 1) * sizeof *endpoint->ready_keys);
	if (!endpoint->ready_keys)
		return CADRE_OUT_OF_MEMORY;
	for (size_t i = 0; i < report->n_members; i++) {
		const Cadre__V1__MemberReport *member = report->members[i];
		if (member->state == CADRE__V1__MEMBER_STATE__MEMBER_READY &&
		    member->generation == endpoint->generation && member->inference_key)
			endpoint->ready_keys[endpoint->n_ready_keys++] =
			        member->inference_key;
	}
	return CADRE_OK;
}

/* The node answers for the deployment now, as far as is known here. */
static const Cadre__V1__DeploymentReport *serving(const Cadre__V1__NodeReport *report)
{
	if (!report->address || report->n_deployments != 1 ||
	    (report->has_connected && !report->connected) ||
	    report->deployments[0]->serving_generation == 0)
		return NULL;
	return report->deployments[0];
}

static enum cadre_status endpoints_hook(void *ctx, struct cadre_arena *arena,
                                        const Cadre__V1__Resource *deployment,
                                        Cadre__V1__EndpointsResult *io_endpoints,
                                        struct cadre_error *err)
{
	Cadre__V1__NodeReport **nodes;
	Cadre__V1__Endpoint *endpoints;
	size_t count;
	enum cadre_status status = nodes_of(ctx, arena, deployment, &nodes, &count, err);

	if (status != CADRE_OK)
		return status;
	endpoints = cadre_arena_alloc(arena, (count + 1) * sizeof *endpoints);
	io_endpoints->endpoints =
	        cadre_arena_alloc(arena, (count + 1) * sizeof *io_endpoints->endpoints);
	if (!endpoints || !io_endpoints->endpoints)
		return no_memory(err);
	for (size_t i = 0; i < count; i++) {
		const Cadre__V1__DeploymentReport *report = serving(nodes[i]);
		Cadre__V1__Endpoint *endpoint = &endpoints[io_endpoints->n_endpoints];

		if (!report)
			continue;
		if (fill_endpoint(arena, nodes[i], report, endpoint) != CADRE_OK)
			return no_memory(err);
		io_endpoints->endpoints[io_endpoints->n_endpoints++] = endpoint;
	}
	return CADRE_OK;
}

/* ---- leader, commands ---- */

static const char *leader_hook(void *ctx, struct cadre_arena *arena)
{
	char address[CADRE_ADDRESS_BYTES];

	node_leader_address(ctx, address);
	return address[0] != '\0' ? copy(arena, address) : NULL;
}

/* A follower decides nothing, also while it has no store. */
static void refuse_command(void *ctx, Cadre__V1__AckLevel ack,
                           struct cadre_request *request)
{
	(void)ctx;
	(void)ack;
	request->status =
	        cadre_error_set(&request->err, CADRE_NOT_LEADER,
	                        "this node follows; send commands to the leader");
	request->durable = false;
	request->visible = false;
	request->repeated = false;
	request->complete(request);
}

void node_hooks(struct cadre_node *node, struct cadre_rpc_hooks *ret_hooks)
{
	memset(ret_hooks, 0, sizeof *ret_hooks);
	ret_hooks->status = status_hook;
	ret_hooks->model_states = states_hook;
	ret_hooks->endpoints = endpoints_hook;
	ret_hooks->leader = leader_hook;
	if (!node->leader)
		ret_hooks->submit = refuse_command;
	ret_hooks->ctx = node;
}
