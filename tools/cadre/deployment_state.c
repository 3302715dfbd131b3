/* deployment models, wait: how far the nodes are. */
#include <inttypes.h>
#include <string.h>

#include "tools/cadre/cli.h"

/* A wait looks again after an event, or so long: reports of nodes are no events. */
#define LOOK_AGAIN_MS 500u

static enum cadre_status ask_states(struct cli *cli, const char *deployment,
                                    const Cadre__V1__ModelStatesResult **ret_states)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__ModelStates states = CADRE__V1__MODEL_STATES__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_MODEL_STATES;
	op.model_states = &states;
	states.deployment = (char *)(uintptr_t)deployment;
	status = cli_ask(cli, &op, &result);
	if (status == CADRE_OK)
		*ret_states = result->model_states;
	return status;
}

static const char *node_name(const Cadre__V1__NodeReport *node)
{
	return node->name && *node->name ? node->name : node->node_id;
}

static void put_member(struct cadre_json *json, const Cadre__V1__NodeReport *node,
                       const Cadre__V1__MemberReport *member)
{
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "nodeId", node->node_id);
	cadre_json_key_text(json, "node", node_name(node));
	cadre_json_key_u64(json, "generation", member->generation);
	cadre_json_key_text(json, "inferenceKey", member->inference_key);
	cadre_json_key_text(json, "modelId", member->model_id);
	cadre_json_key_text(json, "state", cli_member_state_name(member->state));
	cadre_json_key_text(json, "reason", member->reason);
	cadre_json_end(json, '}');
}

static void add_member(struct cadre_table *table, const Cadre__V1__NodeReport *node,
                       const Cadre__V1__MemberReport *member)
{
	cadre_table_cell(table, "%s", node_name(node));
	cadre_table_cell(table, "%" PRIu64, member->generation);
	cadre_table_cell(table, "%s", member->inference_key ? member->inference_key : "");
	cadre_table_cell(table, "%s", cli_member_state_name(member->state));
	cadre_table_cell(table, "%s", member->model_id);
	cadre_table_cell(table, "%s", member->reason ? member->reason : "");
}

static void print_states(struct cli *cli, const char *deployment,
                         const Cadre__V1__ModelStatesResult *states)
{
	static const char *const titles[] = { "NODE",  "GENERATION", "KEY",
		                              "STATE", "MODEL",      "REASON" };
	struct cadre_json json = { 0 };
	struct cadre_table table;

	cadre_table_init(&table, 6, 1u << 1, titles);
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "deploymentId", deployment);
	cadre_json_key(&json, "models");
	cadre_json_begin(&json, '[');
	for (size_t i = 0; i < states->n_nodes; i++) {
		const Cadre__V1__NodeReport *node = states->nodes[i];

		for (size_t j = 0; j < node->n_members; j++) {
			put_member(&json, node, node->members[j]);
			add_member(&table, node, node->members[j]);
			if (cli->mode == CADRE_OUTPUT_QUIET)
				puts(node->members[j]->model_id);
		}
	}
	cadre_json_end(&json, ']');
	cadre_json_end(&json, '}');
	if (cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&json);
	else if (cli->mode == CADRE_OUTPUT_TEXT && states->n_nodes > 0)
		cadre_table_print(&table, stdout);
	if (states->n_nodes == 0)
		cli_note(cli, "no node reports members of it");
	cadre_table_fini(&table);
	cadre_json_fini(&json);
}

enum cadre_status cli_deployment_models(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *deployment = NULL;
	const Cadre__V1__ModelStatesResult *states = NULL;
	enum cadre_status status = cli_find(cli, cli->words[0], CLI_K_DEPLOYMENT,
	                                    &deployment);

	if (status == CADRE_OK)
		status = ask_states(cli, deployment->resource->ocid, &states);
	if (status == CADRE_OK)
		print_states(cli, deployment->resource->ocid, states);
	return status;
}

/* ---- wait ---- */

static bool is_served(const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__DeploymentState *state = info->resource->deployment;

	return info->resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__ACTIVE &&
	       state->serving_generation == state->generation &&
	       state->finished_generation == state->generation;
}

static bool has_ended(const Cadre__V1__ResourceInfo *info)
{
	Cadre__V1__LifecycleState state = info->resource->lifecycle_state;

	return state == CADRE__V1__LIFECYCLE_STATE__DELETED ||
	       state == CADRE__V1__LIFECYCLE_STATE__INACTIVE;
}

/* Until the next event, or for LOOK_AGAIN_MS. */
static enum cadre_status pause_for_event(struct cli *cli)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Watch watch = CADRE__V1__WATCH__INIT;
	const Cadre__V1__Result *result = NULL;

	op.body_case = CADRE__V1__OP__BODY_WATCH;
	op.watch = &watch;
	watch.has_max_events = true;
	watch.max_events = 1;
	watch.has_wait_ms = true;
	watch.wait_ms = LOOK_AGAIN_MS;
	return cli_ask(cli, &op, &result);
}

/* The first member that a node could not make ready, as "; …". */
static const char *first_failure(struct cli *cli, const char *deployment)
{
	const Cadre__V1__ModelStatesResult *states = NULL;
	enum cadre_status status = ask_states(cli, deployment, &states);

	for (size_t i = 0; status == CADRE_OK && i < states->n_nodes; i++) {
		const Cadre__V1__NodeReport *node = states->nodes[i];

		for (size_t j = 0; j < node->n_members; j++) {
			const Cadre__V1__MemberReport *member = node->members[j];

			if (member->state == CADRE__V1__MEMBER_STATE__MEMBER_FAILED)
				return cli_text(
				        cli, "; \"%.100s\" on %.100s: %.200s",
				        member->inference_key ? member->inference_key
				                              : member->model_id,
				        node_name(node),
				        member->reason ? member->reason : "failed");
		}
	}
	return "";
}

static enum cadre_status fail_wait(struct cli *cli, const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__DeploymentState *state = info->resource->deployment;
	const char *details = info->resource->lifecycle_details;
	const char *failure = first_failure(cli, info->resource->ocid);

	return cadre_error_set(&cli->err, CADRE_DEADLINE,
	                       "\"%.100s\" is %s: wants generation %" PRIu64
	                       ", serves %" PRIu64 "%s%s%s",
	                       cli->words[0],
	                       cli_state_name(info->resource->lifecycle_state),
	                       state->generation, state->serving_generation,
	                       details ? "; " : "", details ? details : "", failure);
}

enum cadre_status cli_deployment_wait(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *info = NULL;
	const char *id;
	enum cadre_status status = cli_find(cli, cli->words[0], CLI_K_DEPLOYMENT, &info);

	if (status != CADRE_OK)
		return status;
	id = info->resource->ocid;
	while (!is_served(info)) {
		if (has_ended(info))
			return cadre_error_set(
			        &cli->err, CADRE_CONFLICT,
			        "\"%.200s\" is %s: it will not serve", cli->words[0],
			        cli_state_name(info->resource->lifecycle_state));
		if (cli_remaining_ms(cli) <= LOOK_AGAIN_MS)
			return fail_wait(cli, info);
		status = pause_for_event(cli);
		if (status == CADRE_OK)
			status = cli_get(cli, id, false, &info);
		if (status != CADRE_OK)
			return status;
	}
	return cli_show(cli, info);
}
