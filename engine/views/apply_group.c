#include "engine/views/apply.h"

/* ---- created, cloned, patched ---- */

static enum cadre_status link_new(struct cadre_apply *apply, Cadre__V1__Resource *group,
                                  const Cadre__V1__HistoryLink *link)
{
	struct cadre_loaded history;
	enum cadre_status status;

	group->group->version_id = 1;
	if (!link)
		return CADRE_OK;
	status = cadre_apply_load(apply, CADRE__V1__KIND__KIND_HISTORY, link->history_id,
	                          &history);
	if (status == CADRE_OK)
		status = cadre_history_link(apply, group, &history, link->version_id,
		                            link->latest);
	if (status == CADRE_OK)
		status = cadre_apply_store(apply, &history);
	return status;
}

static enum cadre_status finish_new(struct cadre_apply *apply, Cadre__V1__Resource *group,
                                    const Cadre__V1__HistoryLink *link)
{
	enum cadre_status status = link_new(apply, group, link);

	if (status == CADRE_OK)
		status = cadre_apply_create(apply, "", group);
	apply->version_id = group->group->version_id;
	return status;
}

static void set_members(Cadre__V1__GroupState *state, const struct cadre_lineage_ref *ref)
{
	state->lineage = ref->lineage;
	state->lineage_version = ref->version;
	state->member_count = ref->member_count;
}

enum cadre_status cadre_apply_group_created(struct cadre_apply *apply)
{
	const Cadre__V1__GroupCreated *event = apply->event->group_created;
	const Cadre__V1__CreateGroup *body = event->group;
	const Cadre__V1__GroupDetails *details = body->model_group_details;
	struct cadre_attribute_change attributes = {
		.has_metadata = details->n_custom_metadata_list > 0,
		.metadata = details->custom_metadata_list,
		.metadata_count = details->n_custom_metadata_list,
		.freeform_tags = body->freeform_tags,
		.defined_tags = body->defined_tags,
	};
	Cadre__V1__GroupState state = CADRE__V1__GROUP_STATE__INIT;
	Cadre__V1__Resource group;
	struct cadre_lineage_ref ref;
	enum cadre_status status;

	cadre_apply_init(apply, &group, CADRE__V1__KIND__KIND_GROUP, event->id,
	                 body->compartment_id, body->project_id, body->display_name);
	group.description = body->description;
	group.detail_case = CADRE__V1__RESOURCE__DETAIL_GROUP;
	group.group = &state;
	state.type = details->type;
	state.base_model_id = details->base_model_id;
	state.version_label = body->version_label;
	status = cadre_lineage_create(apply, body->members, body->n_members, &ref);
	if (status == CADRE_OK)
		status = cadre_apply_attributes(apply, &group, &attributes);
	if (status != CADRE_OK)
		return status;
	set_members(&state, &ref);
	return finish_new(apply, &group, event->link);
}

/* What replaces the source's; details replace all of type, base and metadata. */
static enum cadre_status override(struct cadre_apply *apply, Cadre__V1__Resource *group,
                                  const Cadre__V1__GroupOverrides *overrides)
{
	struct cadre_attribute_change attributes = { .has_metadata = false };
	const Cadre__V1__GroupDetails *details;

	if (!overrides)
		return CADRE_OK;
	details = overrides->model_group_details;
	if (overrides->description)
		group->description = overrides->description;
	if (overrides->version_label)
		group->group->version_label = overrides->version_label;
	attributes.freeform_tags = overrides->freeform_tags;
	attributes.defined_tags = overrides->defined_tags;
	if (details) {
		group->group->type = details->type;
		group->group->base_model_id = details->base_model_id;
		/* Only HOMOGENEOUS groups have one. */
		if (details->type != CADRE__V1__GROUP_TYPE__HOMOGENEOUS)
			group->group->artifact = NULL;
		attributes.has_metadata = true;
		attributes.metadata = details->custom_metadata_list;
		attributes.metadata_count = details->n_custom_metadata_list;
	}
	return cadre_apply_attributes(apply, group, &attributes);
}

/* Cloned and patched differ in their name only: one union member holds both. */
enum cadre_status cadre_apply_group_derived(struct cadre_apply *apply)
{
	bool patched = apply->event->body_case == CADRE__V1__EVENT__BODY_GROUP_PATCHED;
	const Cadre__V1__GroupDerived *event = patched ? apply->event->group_patched
	                                               : apply->event->group_cloned;
	struct cadre_loaded source;
	Cadre__V1__GroupState state;
	Cadre__V1__Resource group;
	struct cadre_lineage_ref ref;
	enum cadre_status status = cadre_apply_load(apply, CADRE__V1__KIND__KIND_GROUP,
	                                            event->source_group_id, &source);

	if (status == CADRE_OK)
		status = cadre_lineage_derive(apply, source.resource, event, &ref);
	if (status != CADRE_OK)
		return status;
	cadre_apply_init(apply, &group, CADRE__V1__KIND__KIND_GROUP, event->id,
	                 event->compartment_id, event->project_id, event->display_name);
	group.description = source.resource->description;
	group.has_attributes = source.resource->has_attributes;
	group.attributes = source.resource->attributes;
	group.detail_case = CADRE__V1__RESOURCE__DETAIL_GROUP;
	group.group = &state;
	state = *source.resource->group;
	state.has_history = false;
	state.history = 0;
	state.deployments = 0;
	state.has_source_group = true;
	state.source_group = source.resource->id;
	state.has_patched = true;
	state.patched = patched;
	set_members(&state, &ref);
	status = override(apply, &group, event->overrides);
	if (status != CADRE_OK)
		return status;
	return finish_new(apply, &group, event->link);
}

/* ---- changes of one group ---- */

static enum cadre_status load_group(struct cadre_apply *apply, const char *ocid,
                                    struct cadre_loaded *ret_group)
{
	enum cadre_status status = cadre_apply_load(apply, CADRE__V1__KIND__KIND_GROUP,
	                                            ocid, ret_group);

	if (status == CADRE_OK) {
		apply->resource = ret_group->resource->id;
		cadre_apply_touch(apply, ret_group->resource);
	}
	return status;
}

static enum cadre_status relink(struct cadre_apply *apply, Cadre__V1__Resource *group,
                                const Cadre__V1__GroupUpdated *event)
{
	const char *history_id = event->changes->model_group_version_history_id;
	enum cadre_status status = CADRE_OK;

	if (history_id && history_id[0] == '\0') {
		status = cadre_history_leave(apply, group, CADRE_LEAVE_UNLINKED);
		group->group->has_history = false;
		group->group->history = 0;
		group->group->version_id = 1;
	}
	if (status == CADRE_OK && event->link)
		status = link_new(apply, group, event->link);
	return status;
}

enum cadre_status cadre_apply_group_updated(struct cadre_apply *apply)
{
	const Cadre__V1__GroupUpdated *event = apply->event->group_updated;
	const Cadre__V1__UpdateGroup *changes = event->changes;
	struct cadre_attribute_change attributes = {
		.freeform_tags = changes->freeform_tags,
		.defined_tags = changes->defined_tags,
	};
	struct cadre_loaded group;
	enum cadre_status status = load_group(apply, changes->id, &group);

	if (status == CADRE_OK && changes->display_name)
		status = cadre_apply_rename(apply, group.resource, changes->display_name);
	if (status == CADRE_OK)
		status = cadre_apply_attributes(apply, group.resource, &attributes);
	if (status == CADRE_OK)
		status = relink(apply, group.resource, event);
	if (status != CADRE_OK)
		return status;
	if (changes->description)
		group.resource->description = changes->description;
	if (changes->version_label)
		group.resource->group->version_label = changes->version_label;
	return cadre_apply_store(apply, &group);
}

enum cadre_status cadre_apply_group_state(struct cadre_apply *apply)
{
	const Cadre__V1__Event *event = apply->event;
	struct cadre_loaded group;
	Cadre__V1__LifecycleState state = CADRE__V1__LIFECYCLE_STATE__ACTIVE;
	const char *ocid;
	enum cadre_status status;

	if (event->body_case == CADRE__V1__EVENT__BODY_GROUP_ACTIVATED) {
		ocid = event->group_activated->id;
	} else if (event->body_case == CADRE__V1__EVENT__BODY_GROUP_DEACTIVATED) {
		ocid = event->group_deactivated->id;
		state = CADRE__V1__LIFECYCLE_STATE__INACTIVE;
	} else {
		ocid = event->group_deleted->id;
		state = CADRE__V1__LIFECYCLE_STATE__DELETED;
	}
	status = load_group(apply, ocid, &group);
	if (status != CADRE_OK)
		return status;
	if (group.resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		return cadre_apply_diverged(apply, "group \"%.255s\" is deleted", ocid);
	if (state == CADRE__V1__LIFECYCLE_STATE__INACTIVE)
		status = cadre_history_leave(apply, group.resource,
		                             CADRE_LEAVE_DEACTIVATED);
	if (state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		status = cadre_history_leave(apply, group.resource, CADRE_LEAVE_DELETED);
	if (status != CADRE_OK)
		return status;
	group.resource->lifecycle_state = state;
	return cadre_apply_store(apply, &group);
}

enum cadre_status cadre_apply_group_moved(struct cadre_apply *apply)
{
	const Cadre__V1__MoveResource *event = apply->event->group_moved;
	struct cadre_loaded group;
	enum cadre_status status = load_group(apply, event->id, &group);

	if (status == CADRE_OK)
		status = cadre_apply_move(apply, group.resource, event->compartment_id);
	if (status == CADRE_OK)
		status = cadre_apply_store(apply, &group);
	return status;
}

enum cadre_status cadre_apply_artifact_put(struct cadre_apply *apply)
{
	const Cadre__V1__PutArtifact *event = apply->event->artifact_put;
	struct cadre_loaded group;
	enum cadre_status status = load_group(apply, event->id, &group);

	if (status != CADRE_OK)
		return status;
	group.resource->group->artifact = event->artifact;
	return cadre_apply_store(apply, &group);
}
