/* Models, nodes, principals, policies, and the feature level. */
#include "engine/domain/deciding.h"
#include "engine/domain/message.h"

static bool is_deleted(const Cadre__V1__Resource *resource)
{
	return resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED;
}

/* A model's id may be given: unused, or a retired model's, which then comes back. */
static enum cadre_status name_model(struct cadre_deciding *d, const char *ocid,
                                    char **ret_ocid)
{
	const struct cadre_state *state = &d->in->state;
	Cadre__V1__Resource *present = NULL;
	enum cadre_status status = CADRE_NOT_FOUND;

	if (ocid)
		status = state->ops->by_ocid(state->ctx, ocid, &present, d->err);
	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	if (present &&
	    (present->kind != CADRE__V1__KIND__KIND_MODEL || !is_deleted(present)))
		return cadre_refuse(d, CADRE_CONFLICT, "id", "\"%s\" is in use", ocid);
	status = cadre_made(d, CADRE__V1__KIND__KIND_MODEL, ocid, ret_ocid);
	if (present)
		d->out->resource = present->id;
	return status;
}

enum cadre_status cadre_decide_register_model(struct cadre_deciding *d,
                                              ProtobufCMessage **ret)
{
	const Cadre__V1__RegisterModel *wanted = d->command->register_model;
	Cadre__V1__ModelRegistered *event;
	enum cadre_status status =
	        cadre_new_message(d, &cadre__v1__model_registered__descriptor, &event);

	if (status == CADRE_OK)
		status = cadre_new_message(d, wanted->base.descriptor, &event->model);
	if (status != CADRE_OK)
		return status;
	*event->model = *wanted;
	event->model->id = NULL;
	if (!wanted->has_kind) {
		event->model->has_kind = true;
		event->model->kind = CADRE__V1__MODEL_KIND__MODEL_OTHER;
	}
	*ret = &event->base;
	status = name_model(d, wanted->id, &event->id);
	if (status != CADRE_OK)
		return status;
	return cadre_name_or_made_up(d, wanted->display_name, "model",
	                             &event->model->display_name);
}

/* Groups keep naming it: they are immutable, and it may still be loaded. */
enum cadre_status cadre_decide_retire_model(struct cadre_deciding *d,
                                            ProtobufCMessage **ret)
{
	*ret = &d->command->retire_model->base;
	return CADRE_OK;
}

static bool same_labels(const Cadre__V1__RegisterNode *wanted,
                        const Cadre__V1__NodeState *present)
{
	if (wanted->n_labels != present->n_labels)
		return false;
	for (size_t i = 0; i < wanted->n_labels; i++) {
		if (!cadre_message_equal(&wanted->labels[i]->base,
		                         &present->labels[i]->base))
			return false;
	}
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

enum cadre_status cadre_decide_register_node(struct cadre_deciding *d,
                                             ProtobufCMessage **ret)
{
	Cadre__V1__RegisterNode *wanted = d->command->register_node;
	const Cadre__V1__Resource *target = d->target;
	const char *name = wanted->name ? wanted->name : wanted->node_id;

	if (!target) {
		*ret = &wanted->base;
		return cadre_made(d, CADRE__V1__KIND__KIND_NODE, wanted->node_id, NULL);
	}
	if (is_deleted(target) || cadre_text_changes(name, target->display_name) ||
	    !same_text(wanted->address, target->node->address) ||
	    !same_labels(wanted, target->node))
		*ret = &wanted->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_retire_node(struct cadre_deciding *d,
                                           ProtobufCMessage **ret)
{
	*ret = &d->command->retire_node->base;
	return CADRE_OK;
}

static bool same_texts(char *const *wanted, size_t wanted_count, char *const *present,
                       size_t present_count)
{
	if (wanted_count != present_count)
		return false;
	for (size_t i = 0; i < wanted_count; i++) {
		if (strcmp(wanted[i], present[i]) != 0)
			return false;
	}
	return true;
}

enum cadre_status cadre_decide_put_principal(struct cadre_deciding *d,
                                             ProtobufCMessage **ret)
{
	Cadre__V1__PutPrincipal *wanted = d->command->put_principal;
	const Cadre__V1__Resource *target = d->target;

	if (!target) {
		*ret = &wanted->base;
		return cadre_made(d, CADRE__V1__KIND__KIND_PRINCIPAL, wanted->name, NULL);
	}
	if (is_deleted(target) ||
	    !same_text(wanted->public_key_pem, target->principal->public_key_pem) ||
	    (wanted->has_may_act_for_others && wanted->may_act_for_others) !=
	            (target->principal->has_may_act_for_others &&
	             target->principal->may_act_for_others) ||
	    !same_texts(wanted->groups, wanted->n_groups, target->principal->groups,
	                target->principal->n_groups))
		*ret = &wanted->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_remove_principal(struct cadre_deciding *d,
                                                ProtobufCMessage **ret)
{
	*ret = &d->command->remove_principal->base;
	return CADRE_OK;
}

/* Nodes that do not know policies would neither apply nor obey them. */
static enum cadre_status needs_level_2(struct cadre_deciding *d)
{
	if (d->cluster.feature_level >= 2)
		return CADRE_OK;
	return cadre_error_set(d->err, CADRE_CONFLICT,
	                       "%s: needs feature level 2, the cluster is at %u", d->path,
	                       d->cluster.feature_level);
}

enum cadre_status cadre_decide_put_policy(struct cadre_deciding *d,
                                          ProtobufCMessage **ret)
{
	Cadre__V1__PutPolicy *wanted = d->command->put_policy;
	const Cadre__V1__Resource *target = d->target;
	enum cadre_status status = needs_level_2(d);

	if (status != CADRE_OK)
		return status;
	if (!target) {
		*ret = &wanted->base;
		return cadre_made(d, CADRE__V1__KIND__KIND_POLICY, wanted->name, NULL);
	}
	if (is_deleted(target) ||
	    !same_texts(wanted->statements, wanted->n_statements,
	                target->policy->statements, target->policy->n_statements))
		*ret = &wanted->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_remove_policy(struct cadre_deciding *d,
                                             ProtobufCMessage **ret)
{
	*ret = &d->command->remove_policy->base;
	return CADRE_OK;
}

enum cadre_status cadre_decide_raise_feature_level(struct cadre_deciding *d,
                                                   ProtobufCMessage **ret)
{
	uint32_t level = d->command->raise_feature_level->level;
	Cadre__V1__FeatureLevelRaised *event;
	enum cadre_status status;

	if (level > CADRE_FEATURE_LEVEL)
		return cadre_refuse(d, CADRE_INVALID_PARAMETER, "level",
		                    "%u, this build goes up to %u", level,
		                    CADRE_FEATURE_LEVEL);
	if (level < d->cluster.feature_level)
		return cadre_refuse(d, CADRE_CONFLICT, "level",
		                    "%u, the cluster is at %u and never goes down", level,
		                    d->cluster.feature_level);
	if (level == d->cluster.feature_level)
		return CADRE_OK;
	status = cadre_new_message(d, &cadre__v1__feature_level_raised__descriptor,
	                           &event);
	if (status != CADRE_OK)
		return status;
	event->level = level;
	*ret = &event->base;
	return CADRE_OK;
}
