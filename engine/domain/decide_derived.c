/* Clone and patch: a new group as a source and a difference. */
#include "engine/domain/deciding.h"

struct derive {
	const char *source_id;
	Cadre__V1__GroupOverrides *overrides;
	Cadre__V1__PatchInstruction **patch;
	size_t patch_count;
	Cadre__V1__Resource *source;  /* the group itself */
	Cadre__V1__Resource *history; /* source_id named it, or NULL */
};

/* The source is a live group, or the latest of a history. */
static enum cadre_status find_source(struct cadre_deciding *d, struct derive *derive)
{
	const struct cadre_state *state = &d->in->state;
	Cadre__V1__Resource *named = NULL;
	enum cadre_status status = state->ops->by_ocid(state->ctx, derive->source_id,
	                                               &named, d->err);

	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	if (status == CADRE_NOT_FOUND || (named->kind != CADRE__V1__KIND__KIND_GROUP &&
	                                  named->kind != CADRE__V1__KIND__KIND_HISTORY))
		return cadre_refuse(d, CADRE_RELATED_NOT_FOUND, "sourceId",
		                    "no model group or version history \"%s\"",
		                    derive->source_id);
	if (named->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		return cadre_refuse(d, CADRE_CONFLICT, "sourceId", "\"%s\" is deleted",
		                    derive->source_id);
	status = cadre_check_if_match(d, named);
	if (status != CADRE_OK)
		return status;
	if (named->kind == CADRE__V1__KIND__KIND_GROUP) {
		derive->source = named;
		return CADRE_OK;
	}
	derive->history = named;
	if (!named->history->has_latest_group)
		return cadre_refuse(d, CADRE_CONFLICT, "sourceId",
		                    "version history \"%s\" is empty", derive->source_id);
	return cadre_find_row(d, named->history->latest_group, &derive->source);
}

/* The overrides as the event has them: without what the event says elsewhere. */
static enum cadre_status event_overrides(struct cadre_deciding *d,
                                         const Cadre__V1__GroupOverrides *overrides,
                                         Cadre__V1__GroupOverrides **ret)
{
	Cadre__V1__GroupOverrides *kept;
	enum cadre_status status;

	*ret = NULL;
	if (!overrides || (!overrides->description && !overrides->model_group_details &&
	                   !overrides->version_label && !overrides->freeform_tags &&
	                   !overrides->defined_tags))
		return CADRE_OK;
	status = cadre_new_message(d, overrides->base.descriptor, &kept);
	if (status != CADRE_OK)
		return status;
	*kept = *overrides;
	kept->display_name = NULL;
	kept->model_group_version_history_id = NULL;
	*ret = kept;
	return CADRE_OK;
}

static enum cadre_status difference(struct cadre_deciding *d, const struct derive *derive,
                                    Cadre__V1__GroupDerived *event)
{
	const Cadre__V1__GroupDetails *details =
	        derive->overrides ? derive->overrides->model_group_details : NULL;
	struct cadre_difference diff = { 0 };
	enum cadre_status status = cadre_patch(
	        d, derive->source->group, derive->patch, derive->patch_count,
	        details ? details->base_model_id : derive->source->group->base_model_id,
	        details ? "overrides.modelGroupDetails.baseModelId" : "patch", &diff);

	event->removed = diff.removed;
	event->n_removed = diff.removed_count;
	event->inserted = diff.inserted;
	event->n_inserted = diff.inserted_count;
	return status;
}

static enum cadre_status derive_group(struct cadre_deciding *d,
                                      const struct derive *derive,
                                      const char *compartment_id, const char *project_id,
                                      Cadre__V1__HistoryLink *link,
                                      ProtobufCMessage **ret)
{
	const Cadre__V1__Resource *source = derive->source;
	const char *name = derive->overrides && derive->overrides->display_name
	                           ? derive->overrides->display_name
	                           : source->display_name;
	Cadre__V1__GroupDerived *event;
	enum cadre_status status =
	        cadre_new_message(d, &cadre__v1__group_derived__descriptor, &event);

	if (status == CADRE_OK)
		status = difference(d, derive, event);
	if (status == CADRE_OK)
		status = event_overrides(d, derive->overrides, &event->overrides);
	if (status == CADRE_OK)
		status = cadre_name_or_made_up(d, name, "model-group",
		                               &event->display_name);
	if (status == CADRE_OK)
		status = cadre_made(d, CADRE__V1__KIND__KIND_GROUP, NULL, &event->id);
	if (status != CADRE_OK)
		return status;
	d->out->version_id = link ? link->version_id : 1;
	event->source_group_id = source->ocid;
	event->compartment_id = cadre_arena_strdup(d->in->arena,
	                                           cadre_slice_text(compartment_id));
	event->project_id = cadre_arena_strdup(d->in->arena,
	                                       cadre_slice_text(project_id));
	event->link = link;
	if (!event->compartment_id || !event->project_id)
		return cadre_arena_refused(d);
	*ret = &event->base;
	return CADRE_OK;
}

static const char *named_history(const struct derive *derive)
{
	return derive->overrides ? derive->overrides->model_group_version_history_id
	                         : NULL;
}

/* The new group takes its place in `history`; overrides may only repeat it. */
static enum cadre_status continue_history(struct cadre_deciding *d,
                                          const struct derive *derive,
                                          const Cadre__V1__Resource *history, bool latest,
                                          Cadre__V1__HistoryLink **ret_link)
{
	const char *named = named_history(derive);

	if (named && strcmp(named, history->ocid) != 0)
		return cadre_refuse(d, CADRE_INVALID_PARAMETER,
		                    "overrides.modelGroupVersionHistoryId",
		                    "\"%s\" is not the source's version history \"%s\"",
		                    named, history->ocid);
	return cadre_make_link(d, history, latest, ret_link);
}

enum cadre_status cadre_decide_clone_group(struct cadre_deciding *d,
                                           ProtobufCMessage **ret)
{
	const Cadre__V1__CloneGroup *clone = d->command->clone_group;
	struct derive derive = { .source_id = clone->source_id,
		                 .overrides = clone->overrides,
		                 .patch = clone->patch,
		                 .patch_count = clone->n_patch };
	Cadre__V1__HistoryLink *link;
	enum cadre_status status = find_source(d, &derive);

	if (status != CADRE_OK)
		return status;
	if (derive.history)
		status = continue_history(d, &derive, derive.history, true, &link);
	else
		status = cadre_join_history(d, named_history(&derive),
		                            "overrides.modelGroupVersionHistoryId",
		                            &link);
	if (status != CADRE_OK)
		return status;
	return derive_group(d, &derive, clone->compartment_id, clone->project_id, link,
	                    ret);
}

static enum cadre_status check_is_latest(struct cadre_deciding *d,
                                         const Cadre__V1__Resource *group,
                                         const Cadre__V1__Resource *history)
{
	Cadre__V1__Resource *latest;
	enum cadre_status status;

	if (!history->history->has_latest_group)
		return cadre_refuse(d, CADRE_CONFLICT, "sourceId",
		                    "\"%s\" is not the latest of version history \"%s\", "
		                    "which has none",
		                    group->ocid, history->ocid);
	if (history->history->latest_group == group->id)
		return CADRE_OK;
	status = cadre_find_row(d, history->history->latest_group, &latest);
	if (status != CADRE_OK)
		return status;
	return cadre_refuse(d, CADRE_CONFLICT, "sourceId",
	                    "\"%s\" is not the latest of version history \"%s\": that is "
	                    "\"%s\", version %llu",
	                    group->ocid, history->ocid, latest->ocid,
	                    (unsigned long long)latest->group->version_id);
}

static enum cadre_status patch_link(struct cadre_deciding *d, const struct derive *derive,
                                    bool branch, Cadre__V1__HistoryLink **ret_link)
{
	Cadre__V1__Resource *history;
	enum cadre_status status;

	if (!derive->source->group->has_history)
		return cadre_join_history(d, named_history(derive),
		                          "overrides.modelGroupVersionHistoryId",
		                          ret_link);
	status = cadre_find_row(d, derive->source->group->history, &history);
	if (status == CADRE_OK && !branch)
		status = check_is_latest(d, derive->source, history);
	if (status != CADRE_OK)
		return status;
	return continue_history(d, derive, history, !branch, ret_link);
}

enum cadre_status cadre_decide_patch_group(struct cadre_deciding *d,
                                           ProtobufCMessage **ret)
{
	const Cadre__V1__PatchGroup *patch = d->command->patch_group;
	struct derive derive = { .source_id = patch->source_id,
		                 .overrides = patch->overrides,
		                 .patch = patch->patch,
		                 .patch_count = patch->n_patch };
	Cadre__V1__HistoryLink *link;
	enum cadre_status status = find_source(d, &derive);

	if (status == CADRE_OK)
		status = patch_link(d, &derive, patch->has_branch && patch->branch,
		                    &link);
	if (status != CADRE_OK)
		return status;
	return derive_group(d, &derive, derive.source->compartment_id,
	                    derive.source->project_id, link, ret);
}
