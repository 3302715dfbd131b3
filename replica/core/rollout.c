#include "replica/core/rollout.h"

#include <stdlib.h>

#define SHAPE_LABEL "shape"

/* ---- nodes ---- */

static int compare_id(const void *id, const void *node)
{
	return strcmp(id, ((const struct cadre_rollout_node *)node)->id);
}

static struct cadre_rollout_node *find_node(const struct cadre_rollout_facts *facts,
                                            const char *id)
{
	if (facts->node_count == 0)
		return NULL;
	return bsearch(id, facts->nodes, facts->node_count, sizeof *facts->nodes,
	               compare_id);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_node(const Cadre__V1__RegisterNode *a, const Cadre__V1__RegisterNode *b)
{
	if (!same_text(a->name ? a->name : a->node_id, b->name ? b->name : b->node_id) ||
	    !same_text(a->address, b->address) || a->n_labels != b->n_labels)
		return false;
	for (size_t i = 0; i < a->n_labels; i++)
		if (strcmp(a->labels[i]->name, b->labels[i]->name) != 0 ||
		    strcmp(a->labels[i]->value, b->labels[i]->value) != 0)
			return false;
	return true;
}

static const char *label_of(const struct cadre_rollout_node *node, const char *name)
{
	for (size_t i = 0; i < node->registered->n_labels; i++)
		if (strcmp(node->registered->labels[i]->name, name) == 0)
			return node->registered->labels[i]->value;
	return NULL;
}

static const Cadre__V1__DeploymentReport *
report_on(const struct cadre_rollout_node *node,
          const struct cadre_rollout_deployment *deployment)
{
	for (size_t i = 0; i < node->report_count; i++)
		if (strcmp(node->reports[i]->deployment_id, deployment->id) == 0)
			return node->reports[i];
	return NULL;
}

/* ---- register ---- */

static bool decide_register(const struct cadre_rollout_node *node, bool room,
                            struct cadre_rollout_action *action)
{
	if (!node->introduced || !node->heard || node->retired || node->put_off)
		return false;
	if (!node->registered && !room)
		return false;
	if (node->registered && same_node(node->introduced, node->registered))
		return false;
	action->verb = CADRE_ROLLOUT_REGISTER;
	action->subject = node->id;
	action->node = node->introduced;
	return true;
}

/* ---- place ---- */

static void count_placements(struct cadre_rollout_facts *facts)
{
	for (size_t i = 0; i < facts->node_count; i++)
		facts->nodes[i].placements = 0;
	for (size_t i = 0; i < facts->deployment_count; i++) {
		const struct cadre_rollout_deployment *deployment =
		        &facts->deployments[i];
		for (size_t k = 0; k < deployment->node_count; k++) {
			struct cadre_rollout_node *node = find_node(facts,
			                                            deployment->nodes[k]);
			if (node)
				node->placements++;
		}
	}
}

static bool is_eligible(const struct cadre_rollout_node *node,
                        const struct cadre_rollout_deployment *deployment)
{
	const char *shape;

	if (!node->registered || node->retired || !node->heard)
		return false;
	shape = label_of(node, SHAPE_LABEL);
	return !shape || !deployment->shape || strcmp(shape, deployment->shape) == 0;
}

static bool is_chosen(const struct cadre_rollout_action *action, const char *id)
{
	for (size_t i = 0; i < action->node_count; i++)
		if (strcmp(action->nodes[i], id) == 0)
			return true;
	return false;
}

/* The next best one; NULL when there is none. */
static const struct cadre_rollout_node *
choose(const struct cadre_rollout_facts *facts,
       const struct cadre_rollout_deployment *deployment,
       const struct cadre_rollout_action *action)
{
	const struct cadre_rollout_node *best = NULL;

	for (size_t i = 0; i < facts->node_count; i++) {
		const struct cadre_rollout_node *node = &facts->nodes[i];
		if ((!best || node->placements < best->placements) &&
		    is_eligible(node, deployment) && !is_chosen(action, node->id))
			best = node;
	}
	return best;
}

static size_t instances(const struct cadre_rollout_deployment *deployment)
{
	if (deployment->instance_count == 0)
		return 1;
	return deployment->instance_count < CADRE_ROLLOUT_NODES_MAX
	               ? deployment->instance_count
	               : CADRE_ROLLOUT_NODES_MAX;
}

static bool decide_place(const struct cadre_rollout_facts *facts,
                         const struct cadre_rollout_deployment *deployment,
                         struct cadre_rollout_action *action)
{
	const struct cadre_rollout_node *node;
	size_t wanted = instances(deployment);
	size_t kept;

	for (size_t i = 0; i < deployment->node_count; i++) {
		node = find_node(facts, deployment->nodes[i]);
		if (node && node->registered && !node->retired &&
		    action->node_count < CADRE_ROLLOUT_NODES_MAX)
			action->nodes[action->node_count++] = node->id;
	}
	kept = action->node_count;
	while (action->node_count < wanted &&
	       (node = choose(facts, deployment, action)) != NULL)
		action->nodes[action->node_count++] = node->id;
	if (action->node_count == kept)
		return false;
	action->verb = CADRE_ROLLOUT_PLACE;
	action->subject = deployment->id;
	return true;
}

/* ---- cut over and finish ---- */

/* Placed nodes that count now. */
static void find_participants(const struct cadre_rollout_facts *facts,
                              const struct cadre_rollout_deployment *deployment,
                              struct cadre_rollout_action *action)
{
	for (size_t i = 0; i < deployment->node_count; i++) {
		const struct cadre_rollout_node *node = find_node(facts,
		                                                  deployment->nodes[i]);
		if (node && node->registered && !node->retired && node->heard &&
		    action->node_count < CADRE_ROLLOUT_NODES_MAX)
			action->nodes[action->node_count++] = node->id;
	}
}

static bool is_ready(const Cadre__V1__DeploymentReport *report, uint64_t generation)
{
	return report && report->has_prepared_generation &&
	       report->prepared_generation >= generation &&
	       !(report->has_failed_generation &&
	         report->failed_generation >= generation);
}

static bool decide_cut_over(const struct cadre_rollout_facts *facts,
                            const struct cadre_rollout_deployment *deployment,
                            struct cadre_rollout_action *action)
{
	if (deployment->generation <= deployment->serving_generation)
		return false;
	find_participants(facts, deployment, action);
	for (size_t i = 0; i < action->node_count; i++)
		if (!is_ready(report_on(find_node(facts, action->nodes[i]), deployment),
		              deployment->generation))
			return false;
	action->verb = CADRE_ROLLOUT_CUT_OVER;
	action->subject = deployment->id;
	action->generation = deployment->generation;
	return action->node_count > 0;
}

static void note_flip(struct cadre_rollout_action *action, uint64_t flip_ms)
{
	if (!action->has_flips || flip_ms < action->first_flip_ms)
		action->first_flip_ms = flip_ms;
	if (!action->has_flips || flip_ms > action->last_flip_ms)
		action->last_flip_ms = flip_ms;
	action->has_flips = true;
}

static bool decide_finish(const struct cadre_rollout_facts *facts,
                          const struct cadre_rollout_deployment *deployment,
                          struct cadre_rollout_action *action)
{
	uint64_t generation = deployment->serving_generation;

	if (generation <= deployment->finished_generation)
		return false;
	find_participants(facts, deployment, action);
	for (size_t i = 0; i < action->node_count; i++) {
		const Cadre__V1__DeploymentReport *report =
		        report_on(find_node(facts, action->nodes[i]), deployment);
		if (!report || !report->has_serving_generation ||
		    report->serving_generation < generation)
			return false;
		if (report->has_flipped_ms)
			note_flip(action, report->flipped_ms);
	}
	action->verb = CADRE_ROLLOUT_FINISH;
	action->subject = deployment->id;
	action->generation = generation;
	return action->node_count > 0;
}

/* ---- all of it ---- */

static bool decide_deployment(const struct cadre_rollout_facts *facts,
                              const struct cadre_rollout_deployment *deployment,
                              struct cadre_rollout_action *action)
{
	static bool (*const decisions[])(const struct cadre_rollout_facts *,
	                                 const struct cadre_rollout_deployment *,
	                                 struct cadre_rollout_action *) = {
		decide_finish, /* before a newer cut-over makes it meaningless */
		decide_cut_over,
		decide_place,
	};

	if (!deployment->live || deployment->put_off)
		return false;
	for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++) {
		memset(action, 0, sizeof *action);
		if (decisions[i](facts, deployment, action))
			return true;
	}
	return false;
}

static bool has_room(const struct cadre_rollout_facts *facts)
{
	size_t registered = 0;

	for (size_t i = 0; i < facts->node_count; i++)
		registered += facts->nodes[i].registered ? 1 : 0;
	return registered < CADRE_ROLLOUT_REGISTERED_MAX;
}

void cadre_rollout_next(struct cadre_rollout_facts *facts,
                        struct cadre_rollout_action *ret_action)
{
	bool room = has_room(facts);

	memset(ret_action, 0, sizeof *ret_action);
	for (size_t i = 0; i < facts->node_count; i++)
		if (decide_register(&facts->nodes[i], room, ret_action))
			return;
	count_placements(facts);
	for (size_t i = 0; i < facts->deployment_count; i++)
		if (decide_deployment(facts, &facts->deployments[i], ret_action))
			return;
	memset(ret_action, 0, sizeof *ret_action);
}
