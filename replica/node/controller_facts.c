#include "replica/node/controller_facts.h"

#include <stdio.h>
#include <stdlib.h>

void facts_init(struct controller_facts *facts)
{
	memset(facts, 0, sizeof *facts);
	cadre_arena_init(&facts->arena, FACTS_ARENA_BYTES_MAX);
	cadre_arena_init(&facts->rows, FACTS_ROW_BYTES_MAX);
}

void facts_fini(struct controller_facts *facts)
{
	cadre_arena_fini(&facts->arena);
	cadre_arena_fini(&facts->rows);
	cadre_buffer_fini(&facts->nodes);
	cadre_buffer_fini(&facts->deployments);
}

/* Rows live in the view's arena for a callback only: what is kept is copied. */
struct reading {
	struct controller_facts *facts;
	struct cadre_error *err;
};

static enum cadre_status no_room(struct reading *reading)
{
	return cadre_error_set(reading->err, CADRE_OUT_OF_MEMORY,
	                       "no memory for nodes and deployments");
}

static void *alloc(struct reading *reading, size_t size)
{
	void *memory = cadre_arena_alloc(&reading->facts->arena, size + 1);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

/* NULL stays NULL. */
static bool copy_text(struct reading *reading, const char *text, char **ret_copy)
{
	*ret_copy = text ? cadre_arena_strdup(&reading->facts->arena,
	                                      cadre_slice_text(text))
	                 : NULL;
	return *ret_copy || !text;
}

/* ---- nodes ---- */

static bool copy_labels(struct reading *reading, const Cadre__V1__NodeState *state,
                        Cadre__V1__RegisterNode *copy)
{
	copy->labels = alloc(reading, state->n_labels * sizeof *copy->labels);
	for (size_t i = 0; copy->labels && i < state->n_labels; i++) {
		Cadre__V1__NameValue *label = alloc(reading, sizeof *label);
		if (!label)
			return false;
		cadre__v1__name_value__init(label);
		if (!copy_text(reading, state->labels[i]->name, &label->name) ||
		    !copy_text(reading, state->labels[i]->value, &label->value))
			return false;
		copy->labels[copy->n_labels++] = label;
	}
	return copy->labels != NULL;
}

static enum cadre_status add_registered(void *ctx, const Cadre__V1__Resource *row)
{
	struct reading *reading = ctx;
	struct cadre_rollout_node node = { 0 };
	Cadre__V1__RegisterNode *copy = alloc(reading, sizeof *copy);

	if (!copy)
		return no_room(reading);
	cadre__v1__register_node__init(copy);
	if (!copy_text(reading, row->ocid, &copy->node_id) ||
	    !copy_text(reading, row->display_name, &copy->name) ||
	    !copy_text(reading, row->node->address, &copy->address) ||
	    !copy_labels(reading, row->node, copy))
		return no_room(reading);
	node.id = copy->node_id;
	node.registered = copy;
	if (cadre_buffer_append(&reading->facts->nodes, &node, sizeof node) != CADRE_OK)
		return no_room(reading);
	return CADRE_OK;
}

static struct cadre_rollout_node *nodes_of(struct controller_facts *facts)
{
	return (struct cadre_rollout_node *)(void *)facts->nodes.data;
}

static int compare_nodes(const void *a, const void *b)
{
	return strcmp(((const struct cadre_rollout_node *)a)->id,
	              ((const struct cadre_rollout_node *)b)->id);
}

static void sort_nodes(struct controller_facts *facts)
{
	facts->facts.node_count = facts->nodes.length / sizeof(struct cadre_rollout_node);
	if (facts->facts.node_count > 0)
		qsort(facts->nodes.data, facts->facts.node_count,
		      sizeof(struct cadre_rollout_node), compare_nodes);
	facts->facts.nodes = nodes_of(facts);
}

static void introduce(struct cadre_rollout_node *node,
                      const struct cadre_reports_node *report)
{
	node->introduced = report->introduced;
	node->heard = report->heard;
	node->reports = report->deployments;
	node->report_count = report->deployment_count;
}

/* A node that is not among the registered ones: never was, or was retired. */
static enum cadre_status add_stranger(struct reading *reading, struct cadre_view *view,
                                      const struct cadre_reports_node *report)
{
	struct cadre_rollout_node node = { .id = report->introduced->node_id };
	Cadre__V1__Resource *row;
	char name[64];
	enum cadre_status status;

	(void)snprintf(name, sizeof name, "node:%s", node.id);
	cadre_arena_reset(&reading->facts->rows);
	status = cadre_view_by_ocid(view, name, &row, reading->err);
	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	node.retired = status == CADRE_OK;
	introduce(&node, report);
	if (cadre_buffer_append(&reading->facts->nodes, &node, sizeof node) != CADRE_OK)
		return no_room(reading);
	return CADRE_OK;
}

static enum cadre_status add_introduced(struct reading *reading, struct cadre_view *view,
                                        const struct cadre_reports_node *reports,
                                        size_t count)
{
	struct controller_facts *facts = reading->facts;
	size_t registered = facts->facts.node_count;
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; status == CADRE_OK && i < count; i++) {
		struct cadre_rollout_node key = { .id = reports[i].introduced->node_id };
		struct cadre_rollout_node *node =
		        registered > 0 ? bsearch(&key, nodes_of(facts), registered,
		                                 sizeof key, compare_nodes)
		                       : NULL;
		if (node)
			introduce(node, &reports[i]);
		else
			status = add_stranger(reading, view, &reports[i]);
	}
	return status;
}

/* ---- deployments ---- */

static bool copy_nodes(struct reading *reading, const Cadre__V1__DeploymentState *state,
                       struct cadre_rollout_deployment *deployment)
{
	char **nodes = alloc(reading, state->n_nodes * sizeof *nodes);

	for (size_t i = 0; nodes && i < state->n_nodes; i++)
		if (!copy_text(reading, state->nodes[i], &nodes[i]))
			return false;
	deployment->nodes = nodes;
	deployment->node_count = state->n_nodes;
	return nodes != NULL;
}

static enum cadre_status add_deployment(void *ctx, const Cadre__V1__Resource *row)
{
	struct reading *reading = ctx;
	const Cadre__V1__DeploymentState *state = row->deployment;
	const Cadre__V1__Infrastructure *infrastructure = state->infrastructure;
	struct cadre_rollout_deployment deployment = {
		.live = row->lifecycle_state != CADRE__V1__LIFECYCLE_STATE__INACTIVE,
		.generation = state->generation,
		.serving_generation = state->serving_generation,
		.finished_generation = state->finished_generation,
		.instance_count = infrastructure ? infrastructure->instance_count : 0,
	};
	char *id;
	char *shape;

	if (!copy_text(reading, row->ocid, &id) ||
	    !copy_text(reading,
	               infrastructure ? infrastructure->instance_shape_name : NULL,
	               &shape) ||
	    !copy_nodes(reading, state, &deployment))
		return no_room(reading);
	deployment.id = id;
	deployment.shape = shape;
	if (cadre_buffer_append(&reading->facts->deployments, &deployment,
	                        sizeof deployment) != CADRE_OK)
		return no_room(reading);
	return CADRE_OK;
}

/* ---- all ---- */

static enum cadre_status read_view(struct reading *reading, struct cadre_view *view,
                                   const struct cadre_reports_node *reports, size_t count)
{
	struct controller_facts *facts = reading->facts;
	enum cadre_status status = cadre_view_each(view, CADRE__V1__KIND__KIND_NODE,
	                                           add_registered, reading, reading->err);

	if (status != CADRE_OK)
		return status;
	sort_nodes(facts);
	status = add_introduced(reading, view, reports, count);
	sort_nodes(facts);
	if (status == CADRE_OK)
		status = cadre_view_each(view, CADRE__V1__KIND__KIND_DEPLOYMENT,
		                         add_deployment, reading, reading->err);
	facts->facts.deployment_count = facts->deployments.length /
	                                sizeof *facts->facts.deployments;
	facts->facts.deployments =
	        (struct cadre_rollout_deployment *)(void *)facts->deployments.data;
	return status;
}

enum cadre_status facts_read(struct controller_facts *facts, struct cadre_kv *kv,
                             struct cadre_reports *reports, uint64_t now_ms,
                             struct cadre_error *err)
{
	struct reading reading = { .facts = facts, .err = err };
	struct cadre_reports_node *nodes;
	struct cadre_view view;
	enum cadre_status status;
	size_t count;

	memset(&facts->facts, 0, sizeof facts->facts);
	cadre_arena_reset(&facts->arena);
	cadre_arena_reset(&facts->rows);
	cadre_buffer_clear(&facts->nodes);
	cadre_buffer_clear(&facts->deployments);
	status = cadre_reports_nodes(reports, now_ms, &facts->arena, &nodes, &count, err);
	if (status == CADRE_OK)
		status = cadre_view_begin(&view, kv, CADRE_KV_READ, &facts->rows, err);
	if (status != CADRE_OK)
		return status;
	status = read_view(&reading, &view, nodes, count);
	cadre_view_abort(&view);
	return status;
}
