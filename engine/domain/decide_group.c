/* Groups: creation from a full list, update, lifecycle, artifact. */
#include <stdio.h>

#include "engine/domain/deciding.h"
#include "engine/domain/message.h"

static enum cadre_status check_strict_members(struct cadre_deciding *d,
                                              const Cadre__V1__CreateGroup *group)
{
	char field[64];

	for (size_t i = 0; d->cluster.strict_members && i < group->n_members; i++) {
		enum cadre_status status;
		snprintf(field, sizeof field, "members[%zu].modelId", i);
		status = cadre_check_member_model(d, group->members[i]->model_id, field);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

enum cadre_status cadre_decide_create_group(struct cadre_deciding *d,
                                            ProtobufCMessage **ret)
{
	const Cadre__V1__CreateGroup *wanted = d->command->create_group;
	Cadre__V1__GroupCreated *event;
	enum cadre_status status =
	        cadre_new_message(d, &cadre__v1__group_created__descriptor, &event);

	if (status == CADRE_OK)
		status = cadre_new_message(d, wanted->base.descriptor, &event->group);
	if (status == CADRE_OK)
		status = check_strict_members(d, wanted);
	if (status == CADRE_OK)
		status = cadre_join_history(d, wanted->model_group_version_history_id,
		                            "modelGroupVersionHistoryId", &event->link);
	if (status != CADRE_OK)
		return status;
	*event->group = *wanted;
	event->group->model_group_version_history_id = NULL;
	d->out->version_id = event->link ? event->link->version_id : 1;
	*ret = &event->base;
	status = cadre_made(d, CADRE__V1__KIND__KIND_GROUP, NULL, &event->id);
	if (status != CADRE_OK)
		return status;
	return cadre_name_or_made_up(d, wanted->display_name, "model-group",
	                             &event->group->display_name);
}

static enum cadre_status unlink_group(struct cadre_deciding *d)
{
	Cadre__V1__Resource *history;
	enum cadre_status status = cadre_find_row(d, d->target->group->history, &history);

	if (status != CADRE_OK)
		return status;
	if (history->history->has_latest_group &&
	    history->history->latest_group == d->target->id &&
	    history->history->live_groups > 1)
		return cadre_refuse(
		        d, CADRE_CONFLICT, "modelGroupVersionHistoryId",
		        "\"%s\" is the latest of version history \"%s\" with %u "
		        "live groups",
		        d->target->ocid, history->ocid, history->history->live_groups);
	return CADRE_OK;
}

static enum cadre_status link_group(struct cadre_deciding *d, const char *history_id,
                                    Cadre__V1__HistoryLink **ret_link)
{
	const char *field = "modelGroupVersionHistoryId";
	enum cadre_status status;

	if (d->target->group->has_history)
		return cadre_refuse(d, CADRE_CONFLICT, field,
		                    "\"%s\" is in another version history",
		                    d->target->ocid);
	status = cadre_join_history(d, history_id, field, ret_link);
	/* An inactive group joins, but nothing may point at it. */
	if (status == CADRE_OK &&
	    d->target->lifecycle_state != CADRE__V1__LIFECYCLE_STATE__ACTIVE)
		(*ret_link)->latest = false;
	return status;
}

/* Leaves the history field only when it changes something. */
static enum cadre_status update_link(struct cadre_deciding *d,
                                     Cadre__V1__GroupUpdated *event, unsigned *changes)
{
	char **wanted = &event->changes->model_group_version_history_id;
	Cadre__V1__Resource *present = NULL;
	enum cadre_status status;

	if (!*wanted)
		return CADRE_OK;
	if (d->target->group->has_history) {
		status = cadre_find_row(d, d->target->group->history, &present);
		if (status != CADRE_OK)
			return status;
	}
	if (strcmp(*wanted, present ? present->ocid : "") == 0) {
		*wanted = NULL;
		return CADRE_OK;
	}
	++*changes;
	if ((*wanted)[0] == '\0')
		return unlink_group(d);
	return link_group(d, *wanted, &event->link);
}

enum cadre_status cadre_decide_update_group(struct cadre_deciding *d,
                                            ProtobufCMessage **ret)
{
	const Cadre__V1__UpdateGroup *wanted = d->command->update_group;
	Cadre__V1__GroupUpdated *event;
	Cadre__V1__UpdateGroup *left;
	unsigned changes = 0;
	enum cadre_status status =
	        cadre_new_message(d, &cadre__v1__group_updated__descriptor, &event);

	if (status == CADRE_OK)
		status = cadre_new_message(d, wanted->base.descriptor, &event->changes);
	if (status != CADRE_OK)
		return status;
	left = event->changes;
	*left = *wanted;
	const struct cadre_common_changes common = { &left->display_name,
		                                     &left->description,
		                                     &left->freeform_tags,
		                                     &left->defined_tags };
	status = cadre_keep_changes(d, &common, &changes);
	if (status != CADRE_OK)
		return status;
	if (cadre_text_changes(left->version_label, d->target->group->version_label))
		changes++;
	else
		left->version_label = NULL;
	status = update_link(d, event, &changes);
	if (status == CADRE_OK && changes > 0)
		*ret = &event->base;
	return status;
}

enum cadre_status cadre_decide_activate_group(struct cadre_deciding *d,
                                              ProtobufCMessage **ret)
{
	if (d->target->lifecycle_state != CADRE__V1__LIFECYCLE_STATE__INACTIVE)
		return cadre_refuse(d, CADRE_CONFLICT, "id", "\"%s\" is not INACTIVE",
		                    d->target->ocid);
	*ret = &d->command->activate_group->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_deactivate_group(struct cadre_deciding *d,
                                                ProtobufCMessage **ret)
{
	enum cadre_status status = cadre_check_active(d, d->target, "id");

	if (status == CADRE_OK)
		status = cadre_check_unused(d, d->target, "deactivated");
	*ret = &d->command->deactivate_group->base;
	return status;
}

enum cadre_status cadre_decide_delete_group(struct cadre_deciding *d,
                                            ProtobufCMessage **ret)
{
	*ret = &d->command->delete_group->base;
	return cadre_check_unused(d, d->target, "deleted");
}

enum cadre_status cadre_decide_move_group(struct cadre_deciding *d,
                                          ProtobufCMessage **ret)
{
	Cadre__V1__MoveResource *move = d->command->move_group;

	if (cadre_text_changes(move->compartment_id, d->target->compartment_id))
		*ret = &move->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_put_artifact(struct cadre_deciding *d,
                                            ProtobufCMessage **ret)
{
	Cadre__V1__PutArtifact *put = d->command->put_artifact;
	const Cadre__V1__GroupState *group = d->target->group;

	if (group->type != CADRE__V1__GROUP_TYPE__HOMOGENEOUS)
		return cadre_refuse(d, CADRE_CONFLICT, "id",
		                    "\"%s\" is not HOMOGENEOUS: it has no artifact",
		                    d->target->ocid);
	if (!group->artifact ||
	    !cadre_message_equal(&put->artifact->base, &group->artifact->base))
		*ret = &put->base;
	return CADRE_OK;
}
