/* What the events of deployments, models, nodes, principals and the cluster do to the
 * model. */
#include "engine/base/assert.h"
#include "tests/support/model_apply.h"

/* ---- deployments ---- */

/* Which groups are in use is counted anew. */
static void count_uses(struct applying *a)
{
	struct model_state *model = a->model;

	for (size_t i = 0; i < model->resource_count; i++) {
		if (model->resources[i]->row.kind == KIND(GROUP))
			model->resources[i]->detail.group.deployments = 0;
	}
	for (size_t i = 0; i < model->resource_count; i++) {
		const struct model_resource *user = model->resources[i];
		const Cadre__V1__DeploymentState *state = &user->detail.deployment;
		if (user->row.kind != KIND(DEPLOYMENT) ||
		    user->row.lifecycle_state == STATE(DELETED))
			continue;
		model_find_id(model, state->target_group)->detail.group.deployments++;
		if (state->has_serving_group &&
		    state->serving_group != state->target_group)
			model_find_id(model, state->serving_group)
			        ->detail.group.deployments++;
	}
}

static void set_running(struct model_resource *deployment)
{
	const Cadre__V1__DeploymentState *state = &deployment->detail.deployment;

	if (!state->has_serving_group)
		deployment->row.lifecycle_state = STATE(CREATING);
	else if (state->serving_generation == state->generation)
		deployment->row.lifecycle_state = STATE(ACTIVE);
	else
		deployment->row.lifecycle_state = STATE(UPDATING);
}

void model_apply_deployment_created(struct applying *a)
{
	const Cadre__V1__DeploymentCreated *event = a->event->deployment_created;
	const Cadre__V1__CreateDeployment *body = event->deployment;
	struct model_resource *made = model_make(a, KIND(DEPLOYMENT), "", event->id);
	Cadre__V1__DeploymentState *state = &made->detail.deployment;

	cadre__v1__deployment_state__init(state);
	model_own(made, body->compartment_id, body->project_id, body->display_name,
	          body->description);
	model_set_tags(a, made, body->freeform_tags, body->defined_tags, false, NULL, 0);
	state->target_group =
	        model_find_kind(a, KIND(GROUP), body->model_group_id)->row.id;
	state->generation = 1;
	state->update_type = CADRE__V1__UPDATE_TYPE__ZDT;
	state->infrastructure = body->infrastructure;
	state->environment = body->environment;
	state->category_log_details = body->category_log_details;
	set_running(made);
	count_uses(a);
}

void model_apply_deployment_updated(struct applying *a)
{
	const Cadre__V1__DeploymentUpdated *event = a->event->deployment_updated;
	const Cadre__V1__UpdateDeployment *changes = event->changes;
	struct model_resource *made = model_find_changed(a, KIND(DEPLOYMENT),
	                                                 changes->id);
	Cadre__V1__DeploymentState *state = &made->detail.deployment;

	if (changes->display_name)
		made->row.display_name = changes->display_name;
	if (changes->description)
		made->row.description = changes->description;
	model_set_tags(a, made, changes->freeform_tags, changes->defined_tags, false,
	               NULL, 0);
	if (changes->has_update_type)
		state->update_type = changes->update_type;
	if (changes->infrastructure)
		state->infrastructure = changes->infrastructure;
	if (changes->environment)
		state->environment = changes->environment;
	if (changes->category_log_details)
		state->category_log_details = changes->category_log_details;
	if (!event->has_generation)
		return;
	CADRE_ASSERT(event->generation == state->generation + 1);
	state->generation = event->generation;
	state->target_group =
	        model_find_kind(a, KIND(GROUP), changes->model_group_id)->row.id;
	if (made->row.lifecycle_state != STATE(INACTIVE))
		set_running(made);
	count_uses(a);
}

void model_apply_deployment_activated(struct applying *a)
{
	set_running(model_find_changed(a, KIND(DEPLOYMENT),
	                               a->event->deployment_activated->id));
}

void model_apply_deployment_deactivated(struct applying *a)
{
	model_find_changed(a, KIND(DEPLOYMENT), a->event->deployment_deactivated->id)
	        ->row.lifecycle_state = STATE(INACTIVE);
}

void model_apply_deployment_deleted(struct applying *a)
{
	struct model_resource *made =
	        model_find_changed(a, KIND(DEPLOYMENT), a->event->deployment_deleted->id);

	made->row.lifecycle_state = STATE(DELETED);
	if (made->detail.deployment.has_serving_group)
		model_point(a, made, 0, 0);
	count_uses(a);
}

void model_apply_cut_over(struct applying *a)
{
	const Cadre__V1__CutOverDecided *event = a->event->cut_over;
	struct model_resource *made = model_find_changed(a, KIND(DEPLOYMENT),
	                                                 event->deployment_id);
	Cadre__V1__DeploymentState *state = &made->detail.deployment;

	CADRE_ASSERT(event->generation == state->generation);
	state->has_serving_group = true;
	state->serving_group = model_find_kind(a, KIND(GROUP), event->group_id)->row.id;
	CADRE_ASSERT(state->serving_group == state->target_group);
	state->has_serving_generation = true;
	state->serving_generation = event->generation;
	if (made->row.lifecycle_state != STATE(INACTIVE))
		set_running(made);
	model_point(a, made, state->serving_group, event->generation);
	count_uses(a);
}

void model_apply_cut_over_finished(struct applying *a)
{
	const Cadre__V1__FinishCutOver *event = a->event->cut_over_finished;
	Cadre__V1__DeploymentState *state;

	a->resource = model_find_kind(a, KIND(DEPLOYMENT), event->deployment_id);
	state = &a->resource->detail.deployment;
	if (state->has_finished_generation &&
	    state->finished_generation < event->generation)
		state->finished_generation = event->generation;
}

void model_apply_deployment_placed(struct applying *a)
{
	const Cadre__V1__PlaceDeployment *event = a->event->deployment_placed;
	struct model_resource *made = model_find_changed(a, KIND(DEPLOYMENT),
	                                                 event->deployment_id);

	made->detail.deployment.nodes = event->nodes;
	made->detail.deployment.n_nodes = event->n_nodes;
	made->detail.deployment.has_finished_generation = true;
}

/* ---- models, nodes, principals, cluster ---- */

/* These may come back after their end: the same resource then. */
static struct model_resource *add_again(struct applying *a, Cadre__V1__Kind kind,
                                        const char *prefix, char *id)
{
	struct model_resource *made = model_find(a->model, model_join(a, prefix, id));

	if (!made)
		return model_make(a, kind, prefix, id);
	CADRE_ASSERT(made->row.kind == kind);
	model_touch(a, made);
	made->row.lifecycle_state = STATE(ACTIVE);
	a->resource = made;
	return made;
}

void model_apply_model_registered(struct applying *a)
{
	const Cadre__V1__RegisterModel *body = a->event->model_registered->model;
	struct model_resource *made = add_again(a, KIND(MODEL), "",
	                                        a->event->model_registered->id);
	Cadre__V1__ModelState *state = &made->detail.model;

	cadre__v1__model_state__init(state);
	model_own(made, body->compartment_id, body->project_id, body->display_name,
	          body->description);
	cadre__v1__attributes__init(&made->attributes);
	made->row.has_attributes = false;
	made->row.attributes = 0;
	model_set_tags(a, made, body->freeform_tags, body->defined_tags,
	               body->n_custom_metadata_list > 0, body->custom_metadata_list,
	               body->n_custom_metadata_list);
	state->framework = body->framework;
	state->has_kind = body->has_kind;
	state->kind = body->kind;
	state->artifact_uri = body->artifact_uri;
	state->has_artifact_sha256 = body->has_artifact_sha256;
	state->artifact_sha256 = body->artifact_sha256;
	state->has_artifact_bytes = body->has_artifact_bytes;
	state->artifact_bytes = body->artifact_bytes;
}

void model_apply_node_registered(struct applying *a)
{
	const Cadre__V1__RegisterNode *body = a->event->node_registered;
	struct model_resource *node = add_again(a, KIND(NODE), "node:", body->node_id);

	cadre__v1__node_state__init(&node->detail.node);
	node->row.display_name = body->name ? body->name : body->node_id;
	node->detail.node.labels = body->labels;
	node->detail.node.n_labels = body->n_labels;
	node->detail.node.address = body->address;
}

static void note_access(struct applying *a)
{
	Cadre__V1__ClusterRow *row = &a->model->cluster;

	if (!a->model->configured || row->feature_level < 2)
		return;
	row->has_access_seq = true;
	row->access_seq = a->seq;
}

void model_apply_principal_put(struct applying *a)
{
	const Cadre__V1__PutPrincipal *body = a->event->principal_put;
	struct model_resource *made = add_again(a, KIND(PRINCIPAL),
	                                        "principal:", body->name);
	Cadre__V1__PrincipalState *state = &made->detail.principal;

	cadre__v1__principal_state__init(state);
	made->row.display_name = body->name;
	state->public_key_pem = body->public_key_pem;
	state->groups = body->groups;
	state->n_groups = body->n_groups;
	state->has_may_act_for_others = body->has_may_act_for_others;
	state->may_act_for_others = body->may_act_for_others;
	note_access(a);
}

void model_apply_policy_put(struct applying *a)
{
	const Cadre__V1__PutPolicy *body = a->event->policy_put;
	struct model_resource *made = add_again(a, KIND(POLICY), "policy:", body->name);
	Cadre__V1__PolicyState *state = &made->detail.policy;

	cadre__v1__policy_state__init(state);
	made->row.display_name = body->name;
	state->statements = body->statements;
	state->n_statements = body->n_statements;
	note_access(a);
}

static void end(struct applying *a, Cadre__V1__Kind kind, const char *prefix,
                const char *id)
{
	model_find_changed(a, kind, model_join(a, prefix, id))->row.lifecycle_state =
	        STATE(DELETED);
}

void model_apply_model_retired(struct applying *a)
{
	end(a, KIND(MODEL), "", a->event->model_retired->id);
}

void model_apply_node_retired(struct applying *a)
{
	end(a, KIND(NODE), "node:", a->event->node_retired->node_id);
}

void model_apply_principal_removed(struct applying *a)
{
	end(a, KIND(PRINCIPAL), "principal:", a->event->principal_removed->name);
	note_access(a);
}

void model_apply_policy_removed(struct applying *a)
{
	end(a, KIND(POLICY), "policy:", a->event->policy_removed->name);
	note_access(a);
}

void model_apply_cluster_configured(struct applying *a)
{
	const Cadre__V1__ClusterConfigured *event = a->event->cluster_configured;
	Cadre__V1__ClusterRow *row = &a->model->cluster;

	row->cluster_id = event->cluster_id;
	row->timeline_id = event->timeline_id;
	row->name = event->name;
	row->feature_level = event->feature_level;
	row->voter_node_ids = event->voter_node_ids;
	row->n_voter_node_ids = event->n_voter_node_ids;
	row->has_strict_members = event->has_strict_members;
	row->strict_members = event->strict_members;
	row->has_access_seq = event->feature_level >= 2;
	row->access_seq = row->has_access_seq ? a->seq : 0;
	a->model->configured = true;
}

void model_apply_feature_level(struct applying *a)
{
	a->model->cluster.feature_level = a->event->feature_level_raised->level;
	note_access(a);
}

void model_apply_nothing(struct applying *a)
{
	(void)a;
}
