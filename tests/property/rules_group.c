/* Groups and version histories. */
#include "tests/property/rules.h"

#include <stdlib.h>

#include "engine/base/assert.h"

#define KIND(name) CADRE__V1__KIND__KIND_##name
#define STATE(name) CADRE__V1__LIFECYCLE_STATE__##name

static bool is_active(const struct model_resource *resource)
{
	return resource->row.lifecycle_state == STATE(ACTIVE);
}

static bool is_latest(const struct model_resource *history,
                      const struct model_resource *group)
{
	return history->detail.history.has_latest_group &&
	       history->detail.history.latest_group == group->row.id;
}

static struct model_resource *history_of(const struct judging *j,
                                         const struct model_resource *group)
{
	return group->detail.group.has_history
	               ? model_find_id(j->model, group->detail.group.history)
	               : NULL;
}

/* The group takes the history's next version; `latest`: and becomes its latest. */
static void joins(struct judging *j, const struct model_resource *history, bool latest)
{
	const Cadre__V1__HistoryState *state = history ? &history->detail.history : NULL;

	j->outcome.links = true;
	j->outcome.history = history ? history->row.id : 0;
	j->outcome.version_id = state ? state->last_version_id + 1 : 1;
	j->outcome.is_latest = latest;
	j->outcome.latest_group = state && !latest ? state->latest_group : 0;
}

/* A history that a group may join, when one is named: as the latest of an empty one. */
static enum cadre_status joinable(struct judging *j, const char *id)
{
	struct model_resource *history = NULL;
	enum cadre_status status = CADRE_OK;

	if (id)
		status = rule_find(j, KIND(HISTORY), id, CADRE_RELATED_NOT_FOUND,
		                   &history);
	if (status == CADRE_OK)
		joins(j, history, history && !history->detail.history.has_latest_group);
	return status;
}

static void list_members(struct judging *j, const Cadre__V1__CreateGroup *group)
{
	struct outcome *outcome = &j->outcome;

	outcome->has_members = true;
	outcome->members = calloc(group->n_members, sizeof *outcome->members);
	CADRE_ASSERT(outcome->members);
	for (size_t i = 0; i < group->n_members; i++)
		outcome->members[outcome->member_count++] = (struct model_member){
			group->members[i]->model_id, group->members[i]->inference_key
		};
}

enum cadre_status rule_create_group(struct judging *j)
{
	const Cadre__V1__CreateGroup *group = j->command->create_group;
	enum cadre_status status = CADRE_OK;

	j->event = true;
	list_members(j, group);
	for (size_t i = 0; i < group->n_members && status == CADRE_OK; i++)
		status = rule_strict(j, group->members[i]->model_id);
	return status == CADRE_OK ? joinable(j, group->model_group_version_history_id)
	                          : status;
}

/* ---- clone and patch ---- */

static enum cadre_status find_source(const struct judging *j, const char *id,
                                     struct model_resource **ret_group,
                                     struct model_resource **ret_history)
{
	struct model_resource *named = model_find(j->model, id);
	enum cadre_status status;

	*ret_history = NULL;
	if (!named ||
	    (named->row.kind != KIND(GROUP) && named->row.kind != KIND(HISTORY)))
		return CADRE_RELATED_NOT_FOUND;
	if (named->row.lifecycle_state == STATE(DELETED))
		return CADRE_CONFLICT;
	status = rule_if_match(j, named);
	if (status != CADRE_OK)
		return status;
	*ret_group = named;
	if (named->row.kind == KIND(GROUP))
		return CADRE_OK;
	*ret_history = named;
	if (!named->detail.history.has_latest_group)
		return CADRE_CONFLICT;
	*ret_group = model_find_id(j->model, named->detail.history.latest_group);
	return CADRE_OK;
}

static const char *base_of(const Cadre__V1__GroupOverrides *overrides,
                           const struct model_resource *source)
{
	return overrides && overrides->model_group_details
	               ? overrides->model_group_details->base_model_id
	               : source->detail.group.base_model_id;
}

static const char *named_history(const Cadre__V1__GroupOverrides *overrides)
{
	return overrides ? overrides->model_group_version_history_id : NULL;
}

enum cadre_status rule_clone_group(struct judging *j)
{
	const Cadre__V1__CloneGroup *clone = j->command->clone_group;
	const char *named = named_history(clone->overrides);
	struct model_resource *source, *history;
	enum cadre_status status = find_source(j, clone->source_id, &source, &history);

	j->event = true;
	if (status == CADRE_OK && history)
		status = named && strcmp(named, history->row.ocid) != 0
		                 ? CADRE_INVALID_PARAMETER
		                 : CADRE_OK;
	else if (status == CADRE_OK)
		status = joinable(j, named);
	if (status != CADRE_OK)
		return status;
	if (history)
		joins(j, history, true);
	return rule_patch(j, source, clone->patch, clone->n_patch,
	                  base_of(clone->overrides, source));
}

enum cadre_status rule_patch_group(struct judging *j)
{
	const Cadre__V1__PatchGroup *patch = j->command->patch_group;
	const char *named = named_history(patch->overrides);
	struct model_resource *source, *history;
	enum cadre_status status = find_source(j, patch->source_id, &source, &history);

	j->event = true;
	if (status != CADRE_OK)
		return status;
	history = history_of(j, source);
	if (!history)
		status = joinable(j, named);
	else if (!(patch->has_branch && patch->branch) && !is_latest(history, source))
		status = CADRE_CONFLICT;
	else if (named && strcmp(named, history->row.ocid) != 0)
		status = CADRE_INVALID_PARAMETER;
	if (status != CADRE_OK)
		return status;
	if (history)
		joins(j, history, !(patch->has_branch && patch->branch));
	return rule_patch(j, source, patch->patch, patch->n_patch,
	                  base_of(patch->overrides, source));
}

/* ---- one group ---- */

enum cadre_status rule_update_group(struct judging *j)
{
	const Cadre__V1__UpdateGroup *update = j->command->update_group;
	const char *wanted = update->model_group_version_history_id;
	struct model_resource *group;
	struct model_resource *history;
	enum cadre_status status = rule_target(j, KIND(GROUP), update->id, &group);

	if (status != CADRE_OK)
		return status;
	history = history_of(j, group);
	j->event = rule_common_changes(group, update->display_name, update->description,
	                               update->freeform_tags, update->defined_tags) ||
	           rule_text_changes(update->version_label,
	                             group->detail.group.version_label);
	if (!wanted || strcmp(wanted, history ? history->row.ocid : "") == 0)
		return CADRE_OK;
	j->event = true;
	if (wanted[0] != '\0' && !history) {
		status = joinable(j, wanted);
		/* Nothing points at an inactive group. */
		if (!is_active(group))
			j->outcome.is_latest = false;
		return status;
	}
	if (wanted[0] != '\0')
		return CADRE_CONFLICT;
	joins(j, NULL, false);
	return is_latest(history, group) && history->detail.history.live_groups > 1
	               ? CADRE_CONFLICT
	               : CADRE_OK;
}

enum cadre_status rule_activate_group(struct judging *j)
{
	struct model_resource *group;
	enum cadre_status status = rule_target(j, KIND(GROUP),
	                                       j->command->activate_group->id, &group);

	j->event = true;
	if (status == CADRE_OK && group->row.lifecycle_state != STATE(INACTIVE))
		status = CADRE_CONFLICT;
	return status;
}

/* Not deployed, and the latest only as the last live one. */
static enum cadre_status unused(const struct judging *j,
                                const struct model_resource *group)
{
	const struct model_resource *history = history_of(j, group);

	for (size_t i = 0; i < j->model->resource_count; i++) {
		const struct model_resource *other = j->model->resources[i];
		const Cadre__V1__DeploymentState *state = &other->detail.deployment;
		if (other->row.kind == KIND(DEPLOYMENT) &&
		    other->row.lifecycle_state != STATE(DELETED) &&
		    (state->target_group == group->row.id ||
		     (state->has_serving_group && state->serving_group == group->row.id)))
			return CADRE_CONFLICT;
	}
	if (history && is_latest(history, group) &&
	    history->detail.history.live_groups > 1)
		return CADRE_CONFLICT;
	return CADRE_OK;
}

enum cadre_status rule_deactivate_group(struct judging *j)
{
	struct model_resource *group;
	enum cadre_status status = rule_target(j, KIND(GROUP),
	                                       j->command->deactivate_group->id, &group);

	j->event = true;
	if (status == CADRE_OK && !is_active(group))
		status = CADRE_CONFLICT;
	return status == CADRE_OK ? unused(j, group) : status;
}

enum cadre_status rule_delete_group(struct judging *j)
{
	struct model_resource *group;
	enum cadre_status status = rule_target(j, KIND(GROUP),
	                                       j->command->delete_group->id, &group);

	j->event = true;
	return status == CADRE_OK ? unused(j, group) : status;
}

enum cadre_status rule_move_group(struct judging *j)
{
	const Cadre__V1__MoveResource *move = j->command->move_group;
	struct model_resource *group;
	enum cadre_status status = rule_target(j, KIND(GROUP), move->id, &group);

	if (status == CADRE_OK)
		j->event = strcmp(move->compartment_id, group->row.compartment_id) != 0;
	return status;
}

enum cadre_status rule_put_artifact(struct judging *j)
{
	const Cadre__V1__PutArtifact *put = j->command->put_artifact;
	struct model_resource *group;
	enum cadre_status status = rule_target(j, KIND(GROUP), put->id, &group);

	if (status != CADRE_OK)
		return status;
	if (group->detail.group.type != CADRE__V1__GROUP_TYPE__HOMOGENEOUS)
		return CADRE_CONFLICT;
	j->event = !group->detail.group.artifact ||
	           !rule_same(&put->artifact->base, &group->detail.group.artifact->base);
	return CADRE_OK;
}

/* ---- histories ---- */

static bool name_taken(const struct judging *j, const char *compartment, const char *name)
{
	for (size_t i = 0; i < j->model->resource_count; i++) {
		const Cadre__V1__Resource *row = &j->model->resources[i]->row;
		if (row->kind == KIND(HISTORY) &&
		    row->lifecycle_state != STATE(DELETED) &&
		    strcmp(row->compartment_id, compartment) == 0 &&
		    strcmp(row->display_name, name) == 0)
			return true;
	}
	return false;
}

/* A live, ACTIVE group in no other history. */
static enum cadre_status may_be_latest(struct judging *j, const char *id,
                                       const struct model_resource *history,
                                       struct model_resource **ret_group)
{
	enum cadre_status status = rule_find(j, KIND(GROUP), id, CADRE_RELATED_NOT_FOUND,
	                                     ret_group);

	if (status != CADRE_OK)
		return status;
	if (history_of(j, *ret_group) && history_of(j, *ret_group) != history)
		return CADRE_CONFLICT;
	j->outcome.moves_latest = true;
	j->outcome.latest_group = (*ret_group)->row.id;
	return is_active(*ret_group) ? CADRE_OK : CADRE_CONFLICT;
}

enum cadre_status rule_create_history(struct judging *j)
{
	const Cadre__V1__CreateHistory *wanted = j->command->create_history;
	struct model_resource *group;

	j->event = true;
	if (wanted->display_name &&
	    name_taken(j, wanted->compartment_id, wanted->display_name))
		return CADRE_CONFLICT;
	return wanted->latest_model_group_id
	               ? may_be_latest(j, wanted->latest_model_group_id, NULL, &group)
	               : CADRE_OK;
}

enum cadre_status rule_update_history(struct judging *j)
{
	const Cadre__V1__UpdateHistory *wanted = j->command->update_history;
	struct model_resource *history;
	struct model_resource *group;
	enum cadre_status status = rule_target(j, KIND(HISTORY), wanted->id, &history);

	if (status != CADRE_OK)
		return status;
	if (rule_text_changes(wanted->display_name, history->row.display_name))
		return CADRE_INVALID_PARAMETER;
	j->event = rule_common_changes(history, NULL, wanted->description,
	                               wanted->freeform_tags, wanted->defined_tags);
	if (!wanted->latest_model_group_id)
		return CADRE_OK;
	status = may_be_latest(j, wanted->latest_model_group_id, history, &group);
	if (status == CADRE_OK && !is_latest(history, group))
		j->event = true;
	return status;
}

enum cadre_status rule_delete_history(struct judging *j)
{
	struct model_resource *history;
	enum cadre_status status = rule_target(j, KIND(HISTORY),
	                                       j->command->delete_history->id, &history);

	j->event = true;
	if (status != CADRE_OK)
		return status;
	for (size_t i = 0; i < j->model->resource_count; i++) {
		const struct model_resource *group = j->model->resources[i];
		if (group->row.kind == KIND(GROUP) &&
		    group->row.lifecycle_state != STATE(DELETED) &&
		    history_of(j, group) == history)
			return CADRE_CONFLICT;
	}
	return CADRE_OK;
}

enum cadre_status rule_move_history(struct judging *j)
{
	const Cadre__V1__MoveResource *move = j->command->move_history;
	struct model_resource *history;
	enum cadre_status status = rule_target(j, KIND(HISTORY), move->id, &history);

	if (status != CADRE_OK ||
	    strcmp(move->compartment_id, history->row.compartment_id) == 0)
		return status;
	j->event = true;
	return name_taken(j, move->compartment_id, history->row.display_name)
	               ? CADRE_CONFLICT
	               : CADRE_OK;
}
