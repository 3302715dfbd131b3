/* What the events of groups and histories do to the model. */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "tests/support/model_apply.h"

/* ---- members ---- */

static int compare_members(const void *a, const void *b)
{
	const struct model_member *x = a;
	const struct model_member *y = b;

	return strcmp(x->model_id, y->model_id);
}

static void put_member(struct model_resource *group, const Cadre__V1__Member *member)
{
	group->members[group->member_count++] =
	        (struct model_member){ member->model_id, member->inference_key };
}

static void drop_member(struct model_resource *group, const Cadre__V1__Member *member)
{
	size_t at = 0;

	while (at < group->member_count &&
	       strcmp(group->members[at].model_id, member->model_id) != 0)
		at++;
	CADRE_ASSERT(at < group->member_count);
	memmove(&group->members[at], &group->members[at + 1],
	        (group->member_count - at - 1) * sizeof group->members[0]);
	group->member_count--;
}

static void settle_members(struct model_resource *group)
{
	CADRE_ASSERT(group->member_count > 0);
	qsort(group->members, group->member_count, sizeof group->members[0],
	      compare_members);
	for (size_t i = 1; i < group->member_count; i++)
		CADRE_ASSERT(compare_members(&group->members[i - 1], &group->members[i]) <
		             0);
	group->detail.group.member_count = (uint32_t)group->member_count;
}

/* ---- histories ---- */

static void set_latest(struct applying *a, struct model_resource *history, uint64_t group)
{
	history->detail.history.has_latest_group = group != 0;
	history->detail.history.latest_group = group;
	model_touch(a, history);
	model_point(a, history, group, 0);
}

static void link_group(struct applying *a, struct model_resource *group,
                       struct model_resource *history, uint64_t version_id, bool latest)
{
	Cadre__V1__GroupState *state = &group->detail.group;

	CADRE_ASSERT(!state->has_history);
	CADRE_ASSERT(version_id == history->detail.history.last_version_id + 1);
	state->has_history = true;
	state->history = history->row.id;
	state->version_id = version_id;
	history->detail.history.last_version_id = version_id;
	history->detail.history.live_groups++;
	if (latest)
		set_latest(a, history, group->row.id);
}

static void link_as(struct applying *a, struct model_resource *group,
                    const Cadre__V1__HistoryLink *link)
{
	if (link)
		link_group(a, group, model_find_kind(a, KIND(HISTORY), link->history_id),
		           link->version_id, link->latest);
}

/* The group is gone from its history's live ones, or may no longer be its latest. */
static void leave(struct applying *a, struct model_resource *group, bool counts)
{
	struct model_resource *history;

	if (!group->detail.group.has_history)
		return;
	history = model_find_id(a->model, group->detail.group.history);
	if (counts)
		history->detail.history.live_groups--;
	if (history->detail.history.has_latest_group &&
	    history->detail.history.latest_group == group->row.id)
		set_latest(a, history, 0);
}

/* ---- groups ---- */

void model_apply_group_created(struct applying *a)
{
	const Cadre__V1__GroupCreated *event = a->event->group_created;
	const Cadre__V1__CreateGroup *body = event->group;
	const Cadre__V1__GroupDetails *details = body->model_group_details;
	struct model_resource *group = model_make(a, KIND(GROUP), "", event->id);
	Cadre__V1__GroupState *state = &group->detail.group;

	cadre__v1__group_state__init(state);
	model_own(group, body->compartment_id, body->project_id, body->display_name,
	          body->description);
	model_set_tags(a, group, body->freeform_tags, body->defined_tags,
	               details->n_custom_metadata_list > 0, details->custom_metadata_list,
	               details->n_custom_metadata_list);
	state->type = details->type;
	state->base_model_id = details->base_model_id;
	state->lineage = a->seq;
	state->version_label = body->version_label;
	state->version_id = 1;
	group->members = model_alloc(a->model, body->n_members * sizeof *group->members);
	for (size_t i = 0; i < body->n_members; i++)
		put_member(group, body->members[i]);
	settle_members(group);
	link_as(a, group, event->link);
	a->version_id = state->version_id;
}

static void override_details(struct applying *a, struct model_resource *group,
                             const Cadre__V1__GroupOverrides *overrides)
{
	Cadre__V1__GroupState *state = &group->detail.group;
	const Cadre__V1__GroupDetails *details = overrides
	                                                 ? overrides->model_group_details
	                                                 : NULL;

	if (!overrides)
		return;
	if (overrides->description)
		group->row.description = overrides->description;
	if (overrides->version_label)
		state->version_label = overrides->version_label;
	if (details) {
		state->type = details->type;
		state->base_model_id = details->base_model_id;
		/* Only HOMOGENEOUS groups have one. */
		if (details->type != CADRE__V1__GROUP_TYPE__HOMOGENEOUS)
			state->artifact = NULL;
	}
	model_set_tags(a, group, overrides->freeform_tags, overrides->defined_tags,
	               details != NULL, details ? details->custom_metadata_list : NULL,
	               details ? details->n_custom_metadata_list : 0);
}

static void derive_members(struct applying *a, struct model_resource *group,
                           const struct model_resource *source,
                           const Cadre__V1__GroupDerived *event)
{
	size_t most = source->member_count + event->n_inserted;

	group->members = model_alloc(a->model, most * sizeof *group->members);
	memcpy(group->members, source->members,
	       source->member_count * sizeof *group->members);
	group->member_count = source->member_count;
	for (size_t i = 0; i < event->n_removed; i++)
		drop_member(group, event->removed[i]);
	for (size_t i = 0; i < event->n_inserted; i++)
		put_member(group, event->inserted[i]);
	settle_members(group);
}

void model_apply_group_derived(struct applying *a)
{
	const Cadre__V1__GroupDerived *event = a->event->group_cloned;
	const struct model_resource *source = model_find_kind(a, KIND(GROUP),
	                                                      event->source_group_id);
	struct model_resource *group = model_make(a, KIND(GROUP), "", event->id);
	Cadre__V1__GroupState *state = &group->detail.group;

	*state = source->detail.group;
	state->lineage = a->seq;
	state->has_history = false;
	state->history = 0;
	state->version_id = 1;
	state->deployments = 0;
	state->has_source_group = true;
	state->source_group = source->row.id;
	state->has_patched = true;
	state->patched = a->event->body_case == CADRE__V1__EVENT__BODY_GROUP_PATCHED;
	model_own(group, event->compartment_id, event->project_id, event->display_name,
	          source->row.description);
	group->attributes = source->attributes;
	group->row.has_attributes = source->row.has_attributes;
	group->row.attributes = source->row.attributes;
	override_details(a, group, event->overrides);
	derive_members(a, group, source, event);
	link_as(a, group, event->link);
	a->version_id = state->version_id;
}

void model_apply_group_updated(struct applying *a)
{
	const Cadre__V1__UpdateGroup *changes = a->event->group_updated->changes;
	struct model_resource *group = model_find_changed(a, KIND(GROUP), changes->id);

	if (changes->display_name)
		group->row.display_name = changes->display_name;
	if (changes->description)
		group->row.description = changes->description;
	if (changes->version_label)
		group->detail.group.version_label = changes->version_label;
	model_set_tags(a, group, changes->freeform_tags, changes->defined_tags, false,
	               NULL, 0);
	if (changes->model_group_version_history_id &&
	    changes->model_group_version_history_id[0] == '\0') {
		leave(a, group, true);
		group->detail.group.has_history = false;
		group->detail.group.history = 0;
		group->detail.group.version_id = 1;
	}
	link_as(a, group, a->event->group_updated->link);
}

void model_apply_group_activated(struct applying *a)
{
	model_find_changed(a, KIND(GROUP), a->event->group_activated->id)
	        ->row.lifecycle_state = STATE(ACTIVE);
}

void model_apply_group_deactivated(struct applying *a)
{
	struct model_resource *group =
	        model_find_changed(a, KIND(GROUP), a->event->group_deactivated->id);

	group->row.lifecycle_state = STATE(INACTIVE);
	leave(a, group, false);
}

void model_apply_group_deleted(struct applying *a)
{
	struct model_resource *group = model_find_changed(a, KIND(GROUP),
	                                                  a->event->group_deleted->id);

	group->row.lifecycle_state = STATE(DELETED);
	leave(a, group, true);
}

void model_apply_moved(struct applying *a)
{
	const Cadre__V1__MoveResource *event = a->event->group_moved;
	bool group = a->event->body_case == CADRE__V1__EVENT__BODY_GROUP_MOVED;

	model_find_changed(a, group ? KIND(GROUP) : KIND(HISTORY), event->id)
	        ->row.compartment_id = event->compartment_id;
}

void model_apply_artifact_put(struct applying *a)
{
	const Cadre__V1__PutArtifact *event = a->event->artifact_put;

	model_find_changed(a, KIND(GROUP), event->id)->detail.group.artifact =
	        event->artifact;
}

/* ---- histories ---- */

static void move_latest(struct applying *a, struct model_resource *history,
                        const char *group_id, bool links, uint64_t version_id)
{
	struct model_resource *group;

	if (!group_id)
		return;
	group = model_find_kind(a, KIND(GROUP), group_id);
	if (links) {
		model_touch(a, group);
		link_group(a, group, history, version_id, true);
	} else {
		CADRE_ASSERT(group->detail.group.history == history->row.id);
		set_latest(a, history, group->row.id);
	}
}

void model_apply_history_created(struct applying *a)
{
	const Cadre__V1__HistoryCreated *event = a->event->history_created;
	const Cadre__V1__CreateHistory *body = event->history;
	struct model_resource *history = model_make(a, KIND(HISTORY), "", event->id);

	cadre__v1__history_state__init(&history->detail.history);
	model_own(history, body->compartment_id, body->project_id, body->display_name,
	          body->description);
	model_set_tags(a, history, body->freeform_tags, body->defined_tags, false, NULL,
	               0);
	move_latest(a, history, event->latest_group_id, event->has_linked_version_id,
	            event->linked_version_id);
}

void model_apply_history_updated(struct applying *a)
{
	const Cadre__V1__HistoryUpdated *event = a->event->history_updated;
	const Cadre__V1__UpdateHistory *changes = event->changes;
	struct model_resource *history = model_find_changed(a, KIND(HISTORY),
	                                                    changes->id);

	CADRE_ASSERT(!changes->display_name);
	if (changes->description)
		history->row.description = changes->description;
	model_set_tags(a, history, changes->freeform_tags, changes->defined_tags, false,
	               NULL, 0);
	move_latest(a, history, changes->latest_model_group_id,
	            event->has_linked_version_id, event->linked_version_id);
}

void model_apply_history_deleted(struct applying *a)
{
	model_find_changed(a, KIND(HISTORY), a->event->history_deleted->id)
	        ->row.lifecycle_state = STATE(DELETED);
}
