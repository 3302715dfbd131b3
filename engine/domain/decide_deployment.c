/* Deployments: a group on nodes, its generations and their cut-over. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/domain/deciding.h"
#include "engine/domain/message.h"
#include "proto/codec/limits.h"

/* A group that can be deployed: live, ACTIVE, not too large. */
static enum cadre_status find_deployable(struct cadre_deciding *d, const char *ocid,
                                         Cadre__V1__Resource **ret_group)
{
	const char *field = "modelGroupId";
	enum cadre_status status = cadre_find(d, CADRE__V1__KIND__KIND_GROUP, ocid, field,
	                                      CADRE_RELATED_NOT_FOUND, ret_group);

	if (status == CADRE_OK)
		status = cadre_check_active(d, *ret_group, field);
	if (status != CADRE_OK)
		return status;
	if ((*ret_group)->group->member_count > CADRE_DEPLOYED_MEMBERS_MAX)
		return cadre_refuse(
		        d, CADRE_LIMIT_EXCEEDED, field,
		        "\"%s\" has %u members, a deployment takes at most %d", ocid,
		        (*ret_group)->group->member_count, CADRE_DEPLOYED_MEMBERS_MAX);
	return CADRE_OK;
}

enum cadre_status cadre_decide_create_deployment(struct cadre_deciding *d,
                                                 ProtobufCMessage **ret)
{
	const Cadre__V1__CreateDeployment *wanted = d->command->create_deployment;
	Cadre__V1__DeploymentCreated *event;
	Cadre__V1__Resource *group;
	enum cadre_status status = find_deployable(d, wanted->model_group_id, &group);

	if (status == CADRE_OK)
		status = cadre_new_message(d, &cadre__v1__deployment_created__descriptor,
		                           &event);
	if (status == CADRE_OK)
		status = cadre_new_message(d, wanted->base.descriptor,
		                           &event->deployment);
	if (status != CADRE_OK)
		return status;
	*event->deployment = *wanted;
	*ret = &event->base;
	status = cadre_made(d, CADRE__V1__KIND__KIND_DEPLOYMENT, NULL, &event->id);
	if (status != CADRE_OK)
		return status;
	return cadre_name_or_made_up(d, wanted->display_name, "model-deployment",
	                             &event->deployment->display_name);
}

static enum cadre_status update_group(struct cadre_deciding *d,
                                      Cadre__V1__DeploymentUpdated *event,
                                      unsigned *changes)
{
	Cadre__V1__UpdateDeployment *left = event->changes;
	const Cadre__V1__DeploymentState *present = d->target->deployment;
	Cadre__V1__Resource *group;
	enum cadre_status status;

	if (!left->model_group_id)
		return CADRE_OK;
	status = find_deployable(d, left->model_group_id, &group);
	if (status != CADRE_OK)
		return status;
	if (group->id == present->target_group) {
		left->model_group_id = NULL;
		return CADRE_OK;
	}
	event->has_generation = true;
	event->generation = present->generation + 1;
	if (!left->has_update_type) {
		left->has_update_type = true;
		left->update_type = CADRE__V1__UPDATE_TYPE__ZDT;
	}
	++*changes;
	return CADRE_OK;
}

/* The settings are replaced as a whole. */
static void keep_settings(Cadre__V1__UpdateDeployment *left,
                          const Cadre__V1__DeploymentState *present, unsigned *changes)
{
	if (left->infrastructure &&
	    (!present->infrastructure ||
	     !cadre_message_equal(&left->infrastructure->base,
	                          &present->infrastructure->base)))
		++*changes;
	else
		left->infrastructure = NULL;
	if (left->environment &&
	    (!present->environment ||
	     !cadre_message_equal(&left->environment->base, &present->environment->base)))
		++*changes;
	else
		left->environment = NULL;
	if (left->category_log_details &&
	    (!present->category_log_details ||
	     !cadre_message_equal(&left->category_log_details->base,
	                          &present->category_log_details->base)))
		++*changes;
	else
		left->category_log_details = NULL;
}

enum cadre_status cadre_decide_update_deployment(struct cadre_deciding *d,
                                                 ProtobufCMessage **ret)
{
	const Cadre__V1__UpdateDeployment *wanted = d->command->update_deployment;
	Cadre__V1__DeploymentUpdated *event;
	Cadre__V1__UpdateDeployment *left;
	unsigned changes = 0;
	enum cadre_status status =
	        cadre_new_message(d, &cadre__v1__deployment_updated__descriptor, &event);

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
	keep_settings(left, d->target->deployment, &changes);
	status = update_group(d, event, &changes);
	if (status == CADRE_OK && changes > 0)
		*ret = &event->base;
	return status;
}

enum cadre_status cadre_decide_activate_deployment(struct cadre_deciding *d,
                                                   ProtobufCMessage **ret)
{
	if (d->target->lifecycle_state != CADRE__V1__LIFECYCLE_STATE__INACTIVE)
		return cadre_refuse(d, CADRE_CONFLICT, "id", "\"%s\" is not INACTIVE",
		                    d->target->ocid);
	*ret = &d->command->activate_deployment->base;
	return CADRE_OK;
}

/* A deployment that never became ACTIVE can be stopped, too. */
enum cadre_status cadre_decide_deactivate_deployment(struct cadre_deciding *d,
                                                     ProtobufCMessage **ret)
{
	if (d->target->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__INACTIVE)
		return cadre_refuse(d, CADRE_CONFLICT, "id", "\"%s\" is INACTIVE already",
		                    d->target->ocid);
	*ret = &d->command->deactivate_deployment->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_delete_deployment(struct cadre_deciding *d,
                                                 ProtobufCMessage **ret)
{
	*ret = &d->command->delete_deployment->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_cut_over(struct cadre_deciding *d, ProtobufCMessage **ret)
{
	const Cadre__V1__CutOver *wanted = d->command->cut_over;
	const Cadre__V1__DeploymentState *present = d->target->deployment;
	Cadre__V1__CutOverDecided *event;
	Cadre__V1__Resource *group;
	enum cadre_status status;

	if (d->target->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__INACTIVE)
		return cadre_refuse(d, CADRE_CONFLICT, "deploymentId",
		                    "\"%s\" is INACTIVE", d->target->ocid);
	if (wanted->generation != present->generation)
		return cadre_refuse(d, CADRE_CONFLICT, "generation",
		                    "%llu, the newest is %llu",
		                    (unsigned long long)wanted->generation,
		                    (unsigned long long)present->generation);
	if (present->has_serving_generation &&
	    present->serving_generation == wanted->generation)
		return cadre_refuse(d, CADRE_CONFLICT, "generation",
		                    "%llu is served already",
		                    (unsigned long long)wanted->generation);
	status = cadre_find_row(d, present->target_group, &group);
	if (status == CADRE_OK)
		status = cadre_new_message(d, &cadre__v1__cut_over_decided__descriptor,
		                           &event);
	if (status != CADRE_OK)
		return status;
	event->deployment_id = wanted->deployment_id;
	event->generation = wanted->generation;
	event->group_id = group->ocid;
	event->participants = wanted->participants;
	event->n_participants = wanted->n_participants;
	*ret = &event->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_finish_cut_over(struct cadre_deciding *d,
                                               ProtobufCMessage **ret)
{
	Cadre__V1__FinishCutOver *wanted = d->command->finish_cut_over;
	const Cadre__V1__DeploymentState *present = d->target->deployment;

	if (!present->has_serving_generation ||
	    present->serving_generation != wanted->generation)
		return cadre_refuse(d, CADRE_CONFLICT, "generation", "%llu is not served",
		                    (unsigned long long)wanted->generation);
	if (present->has_finished_generation &&
	    present->finished_generation >= wanted->generation)
		return CADRE_OK;
	/* The deployment's etag stays as it is. */
	d->out->etag_seq = d->target->changed_seq;
	*ret = &wanted->base;
	return CADRE_OK;
}

static enum cadre_status find_nodes(struct cadre_deciding *d,
                                    const Cadre__V1__PlaceDeployment *wanted)
{
	for (size_t i = 0; i < wanted->n_nodes; i++) {
		Cadre__V1__Resource *node;
		char name[64];
		char field[32];
		enum cadre_status status;

		snprintf(name, sizeof name, "node:%s", wanted->nodes[i]);
		snprintf(field, sizeof field, "nodes[%zu]", i);
		status = cadre_find(d, CADRE__V1__KIND__KIND_NODE, name, field,
		                    CADRE_RELATED_NOT_FOUND, &node);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool placed_so(const Cadre__V1__DeploymentState *present,
                      const Cadre__V1__PlaceDeployment *sorted)
{
	if (present->n_nodes != sorted->n_nodes)
		return false;
	for (size_t i = 0; i < sorted->n_nodes; i++) {
		if (strcmp(present->nodes[i], sorted->nodes[i]) != 0)
			return false;
	}
	return true;
}

enum cadre_status cadre_decide_place_deployment(struct cadre_deciding *d,
                                                ProtobufCMessage **ret)
{
	const Cadre__V1__PlaceDeployment *wanted = d->command->place_deployment;
	Cadre__V1__PlaceDeployment *event;
	enum cadre_status status = find_nodes(d, wanted);

	if (status == CADRE_OK)
		status = cadre_new_message(d, wanted->base.descriptor, &event);
	if (status != CADRE_OK)
		return status;
	event->deployment_id = wanted->deployment_id;
	if (wanted->n_nodes > 0) {
		status = cadre_new_array(d, wanted->n_nodes, sizeof *event->nodes,
		                         &event->nodes);
		if (status != CADRE_OK)
			return status;
		memcpy(event->nodes, wanted->nodes,
		       wanted->n_nodes * sizeof *event->nodes);
		event->n_nodes = wanted->n_nodes;
		qsort(event->nodes, event->n_nodes, sizeof *event->nodes, compare_texts);
	}
	if (!placed_so(d->target->deployment, event))
		*ret = &event->base;
	return CADRE_OK;
}
