/* Version histories: creation, the latest pointer, deletion, moves. */
#include <stdio.h>

#include "engine/domain/deciding.h"

/* Errors: CADRE_CONFLICT when a live history of the compartment has the name. */
static enum cadre_status check_name_free(struct cadre_deciding *d,
                                         const char *compartment_id, const char *name,
                                         const char *field)
{
	const struct cadre_state *state = &d->in->state;
	Cadre__V1__Resource *other = NULL;
	enum cadre_status status = state->ops->history_by_name(state->ctx, compartment_id,
	                                                       name, &other, d->err);

	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	return cadre_refuse(d, CADRE_CONFLICT, field,
	                    "\"%s\" is the name of version history \"%s\"", name,
	                    other->ocid);
}

/* A made-up name that is taken gets the event's seq behind it. */
static enum cadre_status make_name(struct cadre_deciding *d, const char *compartment_id,
                                   char **ret_name)
{
	const char *prefix = "model-group-version-history";
	char numbered[64];
	enum cadre_status status = cadre_name_or_made_up(d, NULL, prefix, ret_name);

	if (status == CADRE_OK)
		status = check_name_free(d, compartment_id, *ret_name, "displayName");
	if (status != CADRE_CONFLICT)
		return status;
	snprintf(numbered, sizeof numbered, "%s-%llu", prefix,
	         (unsigned long long)d->in->seq);
	status = cadre_name_or_made_up(d, NULL, numbered, ret_name);
	if (status != CADRE_OK)
		return status;
	return check_name_free(d, compartment_id, *ret_name, "displayName");
}

/* A group that the history may point at. `*ret_linked`: it has to be linked first. */
static enum cadre_status find_latest(struct cadre_deciding *d, const char *ocid,
                                     const Cadre__V1__Resource *history,
                                     Cadre__V1__Resource **ret_group, bool *ret_linked)
{
	const char *field = "latestModelGroupId";
	Cadre__V1__Resource *group;
	enum cadre_status status = cadre_find(d, CADRE__V1__KIND__KIND_GROUP, ocid, field,
	                                      CADRE_RELATED_NOT_FOUND, &group);

	if (status != CADRE_OK)
		return status;
	if (group->group->has_history &&
	    (!history || group->group->history != history->id))
		return cadre_refuse(d, CADRE_CONFLICT, field,
		                    "\"%s\" is in another version history", ocid);
	*ret_group = group;
	*ret_linked = !group->group->has_history;
	return cadre_check_active(d, group, field);
}

static enum cadre_status fill_history(struct cadre_deciding *d,
                                      const Cadre__V1__CreateHistory *wanted,
                                      Cadre__V1__HistoryCreated *event)
{
	Cadre__V1__Resource *group;
	bool linked;
	enum cadre_status status;

	*event->history = *wanted;
	event->history->latest_model_group_id = NULL;
	if (wanted->display_name)
		status = check_name_free(d, wanted->compartment_id, wanted->display_name,
		                         "displayName");
	else
		status = make_name(d, wanted->compartment_id,
		                   &event->history->display_name);
	if (status != CADRE_OK || !wanted->latest_model_group_id)
		return status;
	status = find_latest(d, wanted->latest_model_group_id, NULL, &group, &linked);
	if (status != CADRE_OK)
		return status;
	event->latest_group_id = group->ocid;
	event->has_linked_version_id = true;
	event->linked_version_id = 1;
	return CADRE_OK;
}

enum cadre_status cadre_decide_create_history(struct cadre_deciding *d,
                                              ProtobufCMessage **ret)
{
	const Cadre__V1__CreateHistory *wanted = d->command->create_history;
	Cadre__V1__HistoryCreated *event;
	enum cadre_status status =
	        cadre_new_message(d, &cadre__v1__history_created__descriptor, &event);

	if (status == CADRE_OK)
		status = cadre_new_message(d, wanted->base.descriptor, &event->history);
	if (status == CADRE_OK)
		status = fill_history(d, wanted, event);
	if (status != CADRE_OK)
		return status;
	*ret = &event->base;
	return cadre_made(d, CADRE__V1__KIND__KIND_HISTORY, NULL, &event->id);
}

static enum cadre_status update_latest(struct cadre_deciding *d,
                                       Cadre__V1__HistoryUpdated *event,
                                       unsigned *changes)
{
	const Cadre__V1__HistoryState *history = d->target->history;
	char **wanted = &event->changes->latest_model_group_id;
	Cadre__V1__Resource *group;
	bool linked;
	enum cadre_status status;

	if (!*wanted)
		return CADRE_OK;
	status = find_latest(d, *wanted, d->target, &group, &linked);
	if (status != CADRE_OK)
		return status;
	if (history->has_latest_group && history->latest_group == group->id) {
		*wanted = NULL;
		return CADRE_OK;
	}
	++*changes;
	event->has_linked_version_id = linked;
	event->linked_version_id = linked ? history->last_version_id + 1 : 0;
	return CADRE_OK;
}

enum cadre_status cadre_decide_update_history(struct cadre_deciding *d,
                                              ProtobufCMessage **ret)
{
	const Cadre__V1__UpdateHistory *wanted = d->command->update_history;
	Cadre__V1__HistoryUpdated *event;
	Cadre__V1__UpdateHistory *left;
	unsigned changes = 0;
	enum cadre_status status =
	        cadre_new_message(d, &cadre__v1__history_updated__descriptor, &event);

	if (status == CADRE_OK)
		status = cadre_new_message(d, wanted->base.descriptor, &event->changes);
	if (status != CADRE_OK)
		return status;
	left = event->changes;
	*left = *wanted;
	if (cadre_text_changes(left->display_name, d->target->display_name))
		return cadre_refuse(d, CADRE_INVALID_PARAMETER, "displayName",
		                    "a version history keeps its name \"%s\"",
		                    d->target->display_name);
	const struct cadre_common_changes common = { &left->display_name,
		                                     &left->description,
		                                     &left->freeform_tags,
		                                     &left->defined_tags };
	status = cadre_keep_changes(d, &common, &changes);
	if (status == CADRE_OK)
		status = update_latest(d, event, &changes);
	if (status == CADRE_OK && changes > 0)
		*ret = &event->base;
	return status;
}

enum cadre_status cadre_decide_delete_history(struct cadre_deciding *d,
                                              ProtobufCMessage **ret)
{
	uint32_t live = d->target->history->live_groups;

	if (live > 0)
		return cadre_refuse(d, CADRE_CONFLICT, "id", "\"%s\" has %u live groups",
		                    d->target->ocid, live);
	*ret = &d->command->delete_history->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_move_history(struct cadre_deciding *d,
                                            ProtobufCMessage **ret)
{
	Cadre__V1__MoveResource *move = d->command->move_history;

	if (!cadre_text_changes(move->compartment_id, d->target->compartment_id))
		return CADRE_OK;
	*ret = &move->base;
	return check_name_free(d, move->compartment_id, d->target->display_name,
	                       "compartmentId");
}
