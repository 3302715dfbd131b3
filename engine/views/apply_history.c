#include "engine/views/apply.h"

static enum cadre_status set_latest(struct cadre_apply *apply,
                                    Cadre__V1__Resource *history,
                                    const Cadre__V1__Resource *group)
{
	Cadre__V1__HistoryState *state = history->history;

	state->has_latest_group = group != NULL;
	state->latest_group = group ? group->id : 0;
	cadre_apply_touch(apply, history);
	return cadre_apply_point(apply, 'h', history->id, group, 0);
}

enum cadre_status cadre_history_link(struct cadre_apply *apply,
                                     Cadre__V1__Resource *group,
                                     struct cadre_loaded *history, uint64_t version_id,
                                     bool latest)
{
	Cadre__V1__HistoryState *state = history->resource->history;
	struct cadre_row_key key;
	uint8_t value[8];
	enum cadre_status status;

	if (history->resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		return cadre_apply_diverged(apply, "history \"%.255s\" is deleted",
		                            history->resource->ocid);
	if (group->group->has_history)
		return cadre_apply_diverged(apply, "group \"%.255s\" is in a history",
		                            group->ocid);
	if (version_id != state->last_version_id + 1)
		return cadre_apply_diverged(
		        apply, "version %llu of \"%.255s\" after %llu",
		        (unsigned long long)version_id, history->resource->ocid,
		        (unsigned long long)state->last_version_id);
	state->last_version_id = version_id;
	state->live_groups++;
	group->group->has_history = true;
	group->group->history = history->resource->id;
	group->group->version_id = version_id;
	key = cadre_key_u64_u64('v', history->resource->id, version_id);
	cadre_put_le64(value, group->id);
	status = cadre_row_put(apply->view, &key, cadre_slice(value, sizeof value),
	                       &cadre_row_absent, apply->err);
	if (status == CADRE_OK && latest)
		status = set_latest(apply, history->resource, group);
	return status;
}

enum cadre_status cadre_history_leave(struct cadre_apply *apply,
                                      const Cadre__V1__Resource *group,
                                      enum cadre_history_leave how)
{
	const Cadre__V1__GroupState *member = group->group;
	struct cadre_loaded history;
	Cadre__V1__HistoryState *state;
	enum cadre_status status;

	if (!member->has_history)
		return CADRE_OK;
	status = cadre_apply_load_id(apply, CADRE__V1__KIND__KIND_HISTORY,
	                             member->history, &history);
	if (status != CADRE_OK)
		return status;
	state = history.resource->history;
	if (how != CADRE_LEAVE_DEACTIVATED) {
		if (state->live_groups == 0)
			return cadre_apply_diverged(apply,
			                            "history \"%.255s\" has no groups",
			                            history.resource->ocid);
		state->live_groups--;
	}
	if (how == CADRE_LEAVE_UNLINKED) {
		struct cadre_row_key key = cadre_key_u64_u64('v', member->history,
		                                             member->version_id);

		status = cadre_row_del(apply->view, &key, apply->err);
		if (status != CADRE_OK)
			return cadre_apply_required(apply, status, "version row of",
			                            group->ocid);
	}
	if (state->has_latest_group && state->latest_group == group->id)
		status = set_latest(apply, history.resource, NULL);
	if (status == CADRE_OK)
		status = cadre_apply_store(apply, &history);
	return status;
}

/* Makes a group the latest, linking it first when `linked_version_id` is set. */
static enum cadre_status move_latest(struct cadre_apply *apply,
                                     struct cadre_loaded *history, const char *group_ocid,
                                     bool linked, uint64_t linked_version_id)
{
	struct cadre_loaded group;
	enum cadre_status status = cadre_apply_load(apply, CADRE__V1__KIND__KIND_GROUP,
	                                            group_ocid, &group);

	if (status != CADRE_OK)
		return status;
	if (group.resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		return cadre_apply_diverged(apply, "group \"%.255s\" is deleted",
		                            group_ocid);
	if (linked) {
		cadre_apply_touch(apply, group.resource);
		status = cadre_history_link(apply, group.resource, history,
		                            linked_version_id, true);
		return status == CADRE_OK ? cadre_apply_store(apply, &group) : status;
	}
	if (!group.resource->group->has_history ||
	    group.resource->group->history != history->resource->id)
		return cadre_apply_diverged(
		        apply, "group \"%.255s\" is not in the history", group_ocid);
	return set_latest(apply, history->resource, group.resource);
}

enum cadre_status cadre_apply_history_created(struct cadre_apply *apply)
{
	const Cadre__V1__HistoryCreated *event = apply->event->history_created;
	const Cadre__V1__CreateHistory *body = event->history;
	struct cadre_attribute_change attributes = {
		.freeform_tags = body->freeform_tags,
		.defined_tags = body->defined_tags,
	};
	Cadre__V1__HistoryState state = CADRE__V1__HISTORY_STATE__INIT;
	Cadre__V1__Resource resource;
	struct cadre_loaded history = { .resource = &resource };
	enum cadre_status status;

	cadre_apply_init(apply, &resource, CADRE__V1__KIND__KIND_HISTORY, event->id,
	                 body->compartment_id, body->project_id, body->display_name);
	resource.description = body->description;
	resource.detail_case = CADRE__V1__RESOURCE__DETAIL_HISTORY;
	resource.history = &state;
	status = cadre_apply_attributes(apply, &resource, &attributes);
	if (status == CADRE_OK && event->latest_group_id)
		status = move_latest(apply, &history, event->latest_group_id,
		                     event->has_linked_version_id,
		                     event->linked_version_id);
	if (status != CADRE_OK)
		return status;
	return cadre_apply_create(apply, "", &resource);
}

static enum cadre_status load_history(struct cadre_apply *apply, const char *ocid,
                                      struct cadre_loaded *ret_history)
{
	enum cadre_status status = cadre_apply_load(apply, CADRE__V1__KIND__KIND_HISTORY,
	                                            ocid, ret_history);

	if (status == CADRE_OK) {
		apply->resource = ret_history->resource->id;
		cadre_apply_touch(apply, ret_history->resource);
	}
	return status;
}

enum cadre_status cadre_apply_history_updated(struct cadre_apply *apply)
{
	const Cadre__V1__HistoryUpdated *event = apply->event->history_updated;
	const Cadre__V1__UpdateHistory *changes = event->changes;
	struct cadre_attribute_change attributes = {
		.freeform_tags = changes->freeform_tags,
		.defined_tags = changes->defined_tags,
	};
	struct cadre_loaded history;
	enum cadre_status status = load_history(apply, changes->id, &history);

	if (status == CADRE_OK)
		status = cadre_apply_attributes(apply, history.resource, &attributes);
	if (status == CADRE_OK && changes->display_name)
		status = cadre_apply_rename(apply, history.resource,
		                            changes->display_name);
	if (status == CADRE_OK && changes->latest_model_group_id)
		status = move_latest(apply, &history, changes->latest_model_group_id,
		                     event->has_linked_version_id,
		                     event->linked_version_id);
	if (status != CADRE_OK)
		return status;
	if (changes->description)
		history.resource->description = changes->description;
	return cadre_apply_store(apply, &history);
}

enum cadre_status cadre_apply_history_deleted(struct cadre_apply *apply)
{
	struct cadre_loaded history;
	enum cadre_status status = load_history(apply, apply->event->history_deleted->id,
	                                        &history);

	if (status != CADRE_OK)
		return status;
	if (history.resource->history->live_groups > 0)
		return cadre_apply_diverged(apply, "history \"%.255s\" has live groups",
		                            history.resource->ocid);
	history.resource->lifecycle_state = CADRE__V1__LIFECYCLE_STATE__DELETED;
	status = cadre_apply_free_name(apply, history.resource);
	return status == CADRE_OK ? cadre_apply_store(apply, &history) : status;
}

enum cadre_status cadre_apply_history_moved(struct cadre_apply *apply)
{
	const Cadre__V1__MoveResource *event = apply->event->history_moved;
	struct cadre_loaded history;
	enum cadre_status status = load_history(apply, event->id, &history);

	if (status == CADRE_OK)
		status = cadre_apply_move(apply, history.resource, event->compartment_id);
	if (status == CADRE_OK)
		status = cadre_apply_store(apply, &history);
	return status;
}
