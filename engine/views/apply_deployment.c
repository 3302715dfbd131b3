#include "engine/views/apply.h"

static bool is_state(const Cadre__V1__Resource *deployment,
                     Cadre__V1__LifecycleState state)
{
	return deployment->lifecycle_state == state;
}

/* The event in the deployment's own list. */
static enum cadre_status put_event(struct cadre_apply *apply, uint64_t deployment)
{
	struct cadre_row_key key = cadre_key_u64_u64('e', deployment, apply->seq);
	uint8_t value[2];

	cadre_put_le16(value, (uint16_t)apply->event->body_case);
	return cadre_row_put(apply->view, &key, cadre_slice(value, sizeof value),
	                     &cadre_row_absent, apply->err);
}

/* ---- which groups a live deployment names ---- */

struct uses {
	uint64_t groups[2];
	size_t count;
};

static struct uses uses_of(const Cadre__V1__Resource *deployment)
{
	const Cadre__V1__DeploymentState *state = deployment->deployment;
	struct uses uses = { .count = 0 };

	if (is_state(deployment, CADRE__V1__LIFECYCLE_STATE__DELETED))
		return uses;
	uses.groups[uses.count++] = state->target_group;
	if (state->has_serving_group && state->serving_group != state->target_group)
		uses.groups[uses.count++] = state->serving_group;
	return uses;
}

static bool has_use(const struct uses *uses, uint64_t group)
{
	for (size_t i = 0; i < uses->count; i++) {
		if (uses->groups[i] == group)
			return true;
	}
	return false;
}

/* Writes or deletes the u row and counts; the group's etag stays. */
static enum cadre_status set_use(struct cadre_apply *apply, uint64_t group_id,
                                 uint64_t deployment, bool used)
{
	struct cadre_row_key key = cadre_key_u64_u64('u', group_id, deployment);
	struct cadre_loaded group;
	enum cadre_status status = cadre_apply_load_id(apply, CADRE__V1__KIND__KIND_GROUP,
	                                               group_id, &group);

	if (status != CADRE_OK)
		return status;
	if (used) {
		group.resource->group->deployments++;
		status = cadre_row_put(apply->view, &key, cadre_slice(NULL, 0),
		                       &cadre_row_absent, apply->err);
	} else {
		if (group.resource->group->deployments == 0)
			return cadre_apply_diverged(apply,
			                            "group \"%.255s\" has no deployment",
			                            group.resource->ocid);
		group.resource->group->deployments--;
		status = cadre_apply_required(
		        apply, cadre_row_del(apply->view, &key, apply->err), "use row of",
		        group.resource->ocid);
	}
	if (status == CADRE_OK)
		status = cadre_apply_store(apply, &group);
	return status;
}

static enum cadre_status change_uses(struct cadre_apply *apply, const struct uses *before,
                                     const Cadre__V1__Resource *deployment)
{
	struct uses after = uses_of(deployment);
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < before->count && status == CADRE_OK; i++) {
		if (!has_use(&after, before->groups[i]))
			status = set_use(apply, before->groups[i], deployment->id, false);
	}
	for (size_t i = 0; i < after.count && status == CADRE_OK; i++) {
		if (!has_use(before, after.groups[i]))
			status = set_use(apply, after.groups[i], deployment->id, true);
	}
	return status;
}

/* ---- events ---- */

enum cadre_status cadre_apply_deployment_created(struct cadre_apply *apply)
{
	const Cadre__V1__DeploymentCreated *event = apply->event->deployment_created;
	const Cadre__V1__CreateDeployment *body = event->deployment;
	struct cadre_attribute_change attributes = {
		.freeform_tags = body->freeform_tags,
		.defined_tags = body->defined_tags,
	};
	const struct uses none = { .count = 0 };
	Cadre__V1__DeploymentState state = CADRE__V1__DEPLOYMENT_STATE__INIT;
	Cadre__V1__Resource deployment;
	struct cadre_loaded group;
	enum cadre_status status = cadre_apply_load(apply, CADRE__V1__KIND__KIND_GROUP,
	                                            body->model_group_id, &group);

	if (status != CADRE_OK)
		return status;
	cadre_apply_init(apply, &deployment, CADRE__V1__KIND__KIND_DEPLOYMENT, event->id,
	                 body->compartment_id, body->project_id, body->display_name);
	deployment.description = body->description;
	deployment.lifecycle_state = CADRE__V1__LIFECYCLE_STATE__CREATING;
	deployment.detail_case = CADRE__V1__RESOURCE__DETAIL_DEPLOYMENT;
	deployment.deployment = &state;
	state.target_group = group.resource->id;
	state.generation = 1;
	state.update_type = CADRE__V1__UPDATE_TYPE__ZDT;
	state.infrastructure = body->infrastructure;
	state.environment = body->environment;
	state.category_log_details = body->category_log_details;
	status = cadre_apply_attributes(apply, &deployment, &attributes);
	if (status == CADRE_OK)
		status = change_uses(apply, &none, &deployment);
	if (status == CADRE_OK)
		status = put_event(apply, deployment.id);
	if (status == CADRE_OK)
		status = cadre_apply_create(apply, "", &deployment);
	return status;
}

static enum cadre_status load_deployment(struct cadre_apply *apply, const char *ocid,
                                         struct cadre_loaded *ret_deployment)
{
	enum cadre_status status = cadre_apply_load(
	        apply, CADRE__V1__KIND__KIND_DEPLOYMENT, ocid, ret_deployment);

	if (status != CADRE_OK)
		return status;
	if (is_state(ret_deployment->resource, CADRE__V1__LIFECYCLE_STATE__DELETED))
		return cadre_apply_diverged(apply, "deployment \"%.255s\" is deleted",
		                            ocid);
	apply->resource = ret_deployment->resource->id;
	return put_event(apply, apply->resource);
}

/* What a live deployment is while its target is, or is not yet, served. */
static Cadre__V1__LifecycleState running_state(const Cadre__V1__DeploymentState *state)
{
	if (!state->has_serving_group)
		return CADRE__V1__LIFECYCLE_STATE__CREATING;
	return state->serving_generation == state->generation
	               ? CADRE__V1__LIFECYCLE_STATE__ACTIVE
	               : CADRE__V1__LIFECYCLE_STATE__UPDATING;
}

static enum cadre_status retarget(struct cadre_apply *apply,
                                  Cadre__V1__Resource *deployment,
                                  const Cadre__V1__DeploymentUpdated *event)
{
	Cadre__V1__DeploymentState *state = deployment->deployment;
	struct uses before = uses_of(deployment);
	struct cadre_loaded group;
	enum cadre_status status;

	if (!event->has_generation)
		return CADRE_OK;
	if (!event->changes->model_group_id || event->generation != state->generation + 1)
		return cadre_apply_diverged(
		        apply, "generation %llu of \"%.255s\" after %llu",
		        (unsigned long long)event->generation, deployment->ocid,
		        (unsigned long long)state->generation);
	status = cadre_apply_load(apply, CADRE__V1__KIND__KIND_GROUP,
	                          event->changes->model_group_id, &group);
	if (status != CADRE_OK)
		return status;
	state->target_group = group.resource->id;
	state->generation = event->generation;
	if (!is_state(deployment, CADRE__V1__LIFECYCLE_STATE__INACTIVE))
		deployment->lifecycle_state = running_state(state);
	return change_uses(apply, &before, deployment);
}

static void change_fields(Cadre__V1__Resource *deployment,
                          const Cadre__V1__UpdateDeployment *changes)
{
	Cadre__V1__DeploymentState *state = deployment->deployment;

	if (changes->description)
		deployment->description = changes->description;
	if (changes->has_update_type)
		state->update_type = changes->update_type;
	if (changes->infrastructure)
		state->infrastructure = changes->infrastructure;
	if (changes->environment)
		state->environment = changes->environment;
	if (changes->category_log_details)
		state->category_log_details = changes->category_log_details;
}

enum cadre_status cadre_apply_deployment_updated(struct cadre_apply *apply)
{
	const Cadre__V1__DeploymentUpdated *event = apply->event->deployment_updated;
	const Cadre__V1__UpdateDeployment *changes = event->changes;
	struct cadre_attribute_change attributes = {
		.freeform_tags = changes->freeform_tags,
		.defined_tags = changes->defined_tags,
	};
	struct cadre_loaded deployment;
	enum cadre_status status = load_deployment(apply, changes->id, &deployment);

	if (status == CADRE_OK && changes->display_name)
		status = cadre_apply_rename(apply, deployment.resource,
		                            changes->display_name);
	if (status == CADRE_OK)
		status = cadre_apply_attributes(apply, deployment.resource, &attributes);
	if (status == CADRE_OK)
		status = retarget(apply, deployment.resource, event);
	if (status != CADRE_OK)
		return status;
	change_fields(deployment.resource, changes);
	cadre_apply_touch(apply, deployment.resource);
	return cadre_apply_store(apply, &deployment);
}

/* A deleted deployment serves nothing, and names no group. */
static enum cadre_status end_deployment(struct cadre_apply *apply,
                                        Cadre__V1__Resource *deployment)
{
	struct uses before = uses_of(deployment);
	enum cadre_status status = CADRE_OK;

	deployment->lifecycle_state = CADRE__V1__LIFECYCLE_STATE__DELETED;
	if (deployment->deployment->has_serving_group)
		status = cadre_apply_point(apply, 's', deployment->id, NULL, 0);
	if (status == CADRE_OK)
		status = change_uses(apply, &before, deployment);
	return status;
}

enum cadre_status cadre_apply_deployment_state(struct cadre_apply *apply)
{
	const Cadre__V1__Event *event = apply->event;
	bool activated = event->body_case == CADRE__V1__EVENT__BODY_DEPLOYMENT_ACTIVATED;
	bool deleted = event->body_case == CADRE__V1__EVENT__BODY_DEPLOYMENT_DELETED;
	const Cadre__V1__ResourceRef *ref = activated ? event->deployment_activated
	                                    : deleted ? event->deployment_deleted
	                                              : event->deployment_deactivated;
	struct cadre_loaded deployment;
	enum cadre_status status = load_deployment(apply, ref->id, &deployment);

	if (status != CADRE_OK)
		return status;
	if (deleted)
		status = end_deployment(apply, deployment.resource);
	else if (activated)
		deployment.resource->lifecycle_state =
		        running_state(deployment.resource->deployment);
	else
		deployment.resource->lifecycle_state =
		        CADRE__V1__LIFECYCLE_STATE__INACTIVE;
	if (status != CADRE_OK)
		return status;
	cadre_apply_touch(apply, deployment.resource);
	return cadre_apply_store(apply, &deployment);
}

enum cadre_status cadre_apply_cut_over(struct cadre_apply *apply)
{
	const Cadre__V1__CutOverDecided *event = apply->event->cut_over;
	struct cadre_loaded deployment, group;
	Cadre__V1__DeploymentState *state;
	struct uses before;
	enum cadre_status status = load_deployment(apply, event->deployment_id,
	                                           &deployment);

	if (status == CADRE_OK)
		status = cadre_apply_load(apply, CADRE__V1__KIND__KIND_GROUP,
		                          event->group_id, &group);
	if (status != CADRE_OK)
		return status;
	state = deployment.resource->deployment;
	if (event->generation != state->generation ||
	    group.resource->id != state->target_group || event->generation > UINT32_MAX)
		return cadre_apply_diverged(
		        apply,
		        "cut-over of \"%.255s\" to generation %llu, target is %llu",
		        event->deployment_id, (unsigned long long)event->generation,
		        (unsigned long long)state->generation);
	before = uses_of(deployment.resource);
	state->has_serving_group = true;
	state->serving_group = state->target_group;
	state->has_serving_generation = true;
	state->serving_generation = state->generation;
	if (!is_state(deployment.resource, CADRE__V1__LIFECYCLE_STATE__INACTIVE))
		deployment.resource->lifecycle_state = CADRE__V1__LIFECYCLE_STATE__ACTIVE;
	cadre_apply_touch(apply, deployment.resource);
	status = cadre_apply_point(apply, 's', deployment.resource->id, group.resource,
	                           (uint32_t)event->generation);
	if (status == CADRE_OK)
		status = change_uses(apply, &before, deployment.resource);
	if (status == CADRE_OK)
		status = cadre_apply_store(apply, &deployment);
	return status;
}

/* Says when the nodes flipped. The etag stays; the deployment notes the generation
 * once it was ever placed: a log without placements means what it always meant. */
enum cadre_status cadre_apply_cut_over_finished(struct cadre_apply *apply)
{
	const Cadre__V1__FinishCutOver *event = apply->event->cut_over_finished;
	struct cadre_loaded deployment;
	Cadre__V1__DeploymentState *state;
	enum cadre_status status = load_deployment(apply, event->deployment_id,
	                                           &deployment);

	if (status != CADRE_OK)
		return status;
	apply->etag_seq = deployment.resource->changed_seq;
	state = deployment.resource->deployment;
	if (!state->has_finished_generation ||
	    event->generation <= state->finished_generation)
		return CADRE_OK;
	state->finished_generation = event->generation;
	return cadre_apply_store(apply, &deployment);
}

enum cadre_status cadre_apply_deployment_placed(struct cadre_apply *apply)
{
	const Cadre__V1__PlaceDeployment *event = apply->event->deployment_placed;
	struct cadre_loaded deployment;
	Cadre__V1__DeploymentState *state;
	enum cadre_status status = load_deployment(apply, event->deployment_id,
	                                           &deployment);

	if (status != CADRE_OK)
		return status;
	state = deployment.resource->deployment;
	state->nodes = event->nodes;
	state->n_nodes = event->n_nodes;
	state->has_finished_generation = true;
	cadre_apply_touch(apply, deployment.resource);
	return cadre_apply_store(apply, &deployment);
}
