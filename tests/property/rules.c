/* The table of rules, what all share, and the rules of the smaller kinds. */
#include "tests/property/rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "proto/codec/codec.h"

#define KIND(name) CADRE__V1__KIND__KIND_##name
#define STATE(name) CADRE__V1__LIFECYCLE_STATE__##name
#define TOKEN_MS (24u * 3600u * 1000u)
#define DEPLOYED_MAX 500
#define LEVEL_MAX 2

/* ---- what all share ---- */

bool rule_same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	struct cadre_buffer x = { 0 };
	struct cadre_buffer y = { 0 };
	bool same;

	CADRE_ASSERT(cadre_pack(a, &x, NULL) == CADRE_OK);
	CADRE_ASSERT(cadre_pack(b, &y, NULL) == CADRE_OK);
	same = cadre_slice_equal(cadre_buffer_slice(&x), cadre_buffer_slice(&y));
	cadre_buffer_fini(&x);
	cadre_buffer_fini(&y);
	return same;
}

bool rule_text_changes(const char *wanted, const char *present)
{
	return wanted && (!present || strcmp(wanted, present) != 0);
}

static bool same_or_absent(const ProtobufCMessage *wanted, size_t wanted_count,
                           const ProtobufCMessage *present)
{
	if (!wanted)
		return true;
	if (wanted_count == 0 || !present)
		return wanted_count == 0 && !present;
	return rule_same(wanted, present);
}

bool rule_common_changes(const struct model_resource *target, const char *name,
                         const char *description, const Cadre__V1__FreeformTags *freeform,
                         const Cadre__V1__DefinedTags *defined)
{
	const Cadre__V1__Attributes *mine = &target->attributes;

	return rule_text_changes(name, target->row.display_name) ||
	       rule_text_changes(description, target->row.description) ||
	       !same_or_absent(freeform ? &freeform->base : NULL,
	                       freeform ? freeform->n_tags : 0,
	                       mine->freeform_tags ? &mine->freeform_tags->base : NULL) ||
	       !same_or_absent(defined ? &defined->base : NULL,
	                       defined ? defined->n_tags : 0,
	                       mine->defined_tags ? &mine->defined_tags->base : NULL);
}

enum cadre_status rule_find(const struct judging *j, Cadre__V1__Kind kind, const char *id,
                            enum cadre_status absent, struct model_resource **ret)
{
	*ret = model_find(j->model, id);
	if (!*ret || (*ret)->row.kind != kind)
		return absent;
	return (*ret)->row.lifecycle_state == STATE(DELETED) ? CADRE_CONFLICT : CADRE_OK;
}

enum cadre_status rule_if_match(const struct judging *j,
                                const struct model_resource *resource)
{
	char etag[CADRE_ETAG_CHARS + 1];

	if (!j->command->if_match)
		return CADRE_OK;
	cadre_etag(j->model->cluster.cluster_id.data, resource->row.id,
	           resource->row.changed_seq, etag);
	return strcmp(etag, j->command->if_match) == 0 ? CADRE_OK : CADRE_ETAG_MISMATCH;
}

enum cadre_status rule_target(const struct judging *j, Cadre__V1__Kind kind,
                              const char *id, struct model_resource **ret)
{
	enum cadre_status status = rule_find(j, kind, id, CADRE_NOT_FOUND, ret);

	return status == CADRE_OK ? rule_if_match(j, *ret) : status;
}

enum cadre_status rule_strict(const struct judging *j, const char *model_id)
{
	struct model_resource *model;

	if (!j->model->cluster.strict_members)
		return CADRE_OK;
	return rule_find(j, KIND(MODEL), model_id, CADRE_RELATED_NOT_FOUND, &model);
}

/* ---- models ---- */

static enum cadre_status register_model(struct judging *j)
{
	const char *id = j->command->register_model->id;
	const struct model_resource *present = id ? model_find(j->model, id) : NULL;

	j->event = true;
	return present && (present->row.kind != KIND(MODEL) ||
	                   present->row.lifecycle_state != STATE(DELETED))
	               ? CADRE_CONFLICT
	               : CADRE_OK;
}

static enum cadre_status retire_model(struct judging *j)
{
	struct model_resource *model;

	j->event = true;
	return rule_target(j, KIND(MODEL), j->command->retire_model->id, &model);
}

/* ---- deployments ---- */

static enum cadre_status deployable(const struct judging *j, const char *id,
                                    struct model_resource **ret_group)
{
	enum cadre_status status = rule_find(j, KIND(GROUP), id, CADRE_RELATED_NOT_FOUND,
	                                     ret_group);

	if (status != CADRE_OK)
		return status;
	if ((*ret_group)->row.lifecycle_state != STATE(ACTIVE))
		return CADRE_CONFLICT;
	return (*ret_group)->member_count > DEPLOYED_MAX ? CADRE_LIMIT_EXCEEDED
	                                                 : CADRE_OK;
}

static enum cadre_status create_deployment(struct judging *j)
{
	struct model_resource *group;

	j->event = true;
	return deployable(j, j->command->create_deployment->model_group_id, &group);
}

static bool replaces(const ProtobufCMessage *wanted, const ProtobufCMessage *present)
{
	return wanted && (!present || !rule_same(wanted, present));
}

static const ProtobufCMessage *base(const void *message)
{
	return message;
}

static enum cadre_status update_deployment(struct judging *j)
{
	const Cadre__V1__UpdateDeployment *wanted = j->command->update_deployment;
	struct model_resource *deployment;
	struct model_resource *group;
	const Cadre__V1__DeploymentState *state;
	enum cadre_status status = rule_target(j, KIND(DEPLOYMENT), wanted->id,
	                                       &deployment);

	if (status != CADRE_OK)
		return status;
	state = &deployment->detail.deployment;
	j->event = rule_common_changes(deployment, wanted->display_name,
	                               wanted->description, wanted->freeform_tags,
	                               wanted->defined_tags) ||
	           replaces(base(wanted->infrastructure), base(state->infrastructure)) ||
	           replaces(base(wanted->environment), base(state->environment)) ||
	           replaces(base(wanted->category_log_details),
	                    base(state->category_log_details));
	if (!wanted->model_group_id)
		return CADRE_OK;
	status = deployable(j, wanted->model_group_id, &group);
	if (status == CADRE_OK && group->row.id != state->target_group)
		j->event = true;
	return status;
}

/* The states of a deployment that the command may meet. */
static enum cadre_status switch_deployment(struct judging *j)
{
	struct model_resource *deployment;
	bool inactive;
	enum cadre_status status = rule_target(
	        j, KIND(DEPLOYMENT), j->command->activate_deployment->id, &deployment);

	j->event = true;
	if (status != CADRE_OK)
		return status;
	inactive = deployment->row.lifecycle_state == STATE(INACTIVE);
	switch ((int)j->command->body_case) {
	case CADRE__V1__COMMAND__BODY_ACTIVATE_DEPLOYMENT:
		return inactive ? CADRE_OK : CADRE_CONFLICT;
	case CADRE__V1__COMMAND__BODY_DEACTIVATE_DEPLOYMENT:
		return inactive ? CADRE_CONFLICT : CADRE_OK;
	default:
		return CADRE_OK;
	}
}

static enum cadre_status cut_over(struct judging *j)
{
	const Cadre__V1__CutOver *wanted = j->command->cut_over;
	const Cadre__V1__DeploymentState *state;
	struct model_resource *deployment;
	enum cadre_status status = rule_target(j, KIND(DEPLOYMENT), wanted->deployment_id,
	                                       &deployment);

	j->event = true;
	if (status != CADRE_OK)
		return status;
	state = &deployment->detail.deployment;
	return deployment->row.lifecycle_state == STATE(INACTIVE) ||
	                       wanted->generation != state->generation ||
	                       (state->has_serving_generation &&
	                        state->serving_generation == wanted->generation)
	               ? CADRE_CONFLICT
	               : CADRE_OK;
}

static enum cadre_status finish_cut_over(struct judging *j)
{
	const Cadre__V1__FinishCutOver *wanted = j->command->finish_cut_over;
	const Cadre__V1__DeploymentState *state;
	struct model_resource *deployment;
	enum cadre_status status = rule_target(j, KIND(DEPLOYMENT), wanted->deployment_id,
	                                       &deployment);

	j->event = true;
	if (status != CADRE_OK)
		return status;
	state = &deployment->detail.deployment;
	j->event = !state->has_finished_generation ||
	           state->finished_generation < wanted->generation;
	return state->has_serving_generation &&
	                       state->serving_generation == wanted->generation
	               ? CADRE_OK
	               : CADRE_CONFLICT;
}

/* ---- nodes, principals, the level ---- */

static struct model_resource *find_prefixed(const struct judging *j, const char *prefix,
                                            const char *id)
{
	char name[320];

	snprintf(name, sizeof name, "%s%s", prefix, id);
	return model_find(j->model, name);
}

static bool is_gone(const struct model_resource *resource)
{
	return !resource || resource->row.lifecycle_state == STATE(DELETED);
}

static enum cadre_status live_node(const struct judging *j, const char *id)
{
	const struct model_resource *node = find_prefixed(j, "node:", id);

	if (!node)
		return CADRE_RELATED_NOT_FOUND;
	return is_gone(node) ? CADRE_CONFLICT : CADRE_OK;
}

static enum cadre_status place_deployment(struct judging *j)
{
	const Cadre__V1__PlaceDeployment *wanted = j->command->place_deployment;
	const Cadre__V1__DeploymentState *state;
	struct model_resource *deployment;
	size_t kept = 0;
	enum cadre_status status = rule_target(j, KIND(DEPLOYMENT), wanted->deployment_id,
	                                       &deployment);

	for (size_t i = 0; i < wanted->n_nodes && status == CADRE_OK; i++)
		status = live_node(j, wanted->nodes[i]);
	if (status != CADRE_OK)
		return status;
	state = &deployment->detail.deployment;
	for (size_t i = 0; i < wanted->n_nodes; i++) {
		for (size_t k = 0; k < state->n_nodes; k++)
			kept += strcmp(wanted->nodes[i], state->nodes[k]) == 0;
	}
	j->event = kept != wanted->n_nodes || kept != state->n_nodes;
	return CADRE_OK;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static enum cadre_status register_node(struct judging *j)
{
	const Cadre__V1__RegisterNode *wanted = j->command->register_node;
	const struct model_resource *node = find_prefixed(j, "node:", wanted->node_id);
	const char *name = wanted->name ? wanted->name : wanted->node_id;

	j->event = is_gone(node) || strcmp(name, node->row.display_name) != 0 ||
	           !same_text(wanted->address, node->detail.node.address) ||
	           wanted->n_labels != node->detail.node.n_labels ||
	           (wanted->n_labels > 0 &&
	            !rule_same(&wanted->labels[0]->base,
	                       &node->detail.node.labels[0]->base));
	return CADRE_OK;
}

static enum cadre_status put_principal(struct judging *j)
{
	const Cadre__V1__PutPrincipal *wanted = j->command->put_principal;
	const struct model_resource *one = find_prefixed(j, "principal:", wanted->name);
	const Cadre__V1__PrincipalState *state = one ? &one->detail.principal : NULL;

	j->event = is_gone(one) ||
	           !same_text(wanted->public_key_pem, state->public_key_pem) ||
	           wanted->n_groups != state->n_groups ||
	           (wanted->has_may_act_for_others && wanted->may_act_for_others) !=
	                   (state->has_may_act_for_others && state->may_act_for_others);
	return CADRE_OK;
}

static enum cadre_status put_policy(struct judging *j)
{
	const Cadre__V1__PutPolicy *wanted = j->command->put_policy;
	const struct model_resource *one = find_prefixed(j, "policy:", wanted->name);

	if (j->model->cluster.feature_level < 2)
		return CADRE_CONFLICT;
	j->event = is_gone(one) ||
	           !same_text(wanted->statements[0], one->detail.policy.statements[0]);
	return CADRE_OK;
}

static const struct model_resource *find_global(struct judging *j)
{
	const Cadre__V1__Command *command = j->command;

	if (command->body_case == CADRE__V1__COMMAND__BODY_RETIRE_NODE)
		return find_prefixed(j, "node:", command->retire_node->node_id);
	if (command->body_case == CADRE__V1__COMMAND__BODY_REMOVE_POLICY)
		return find_prefixed(j, "policy:", command->remove_policy->name);
	return find_prefixed(j, "principal:", command->remove_principal->name);
}

static enum cadre_status end_global(struct judging *j)
{
	const struct model_resource *found = find_global(j);

	j->event = true;
	if (!found)
		return CADRE_NOT_FOUND;
	return is_gone(found) ? CADRE_CONFLICT : CADRE_OK;
}

static enum cadre_status raise_feature_level(struct judging *j)
{
	uint32_t level = j->command->raise_feature_level->level;

	j->event = level != j->model->cluster.feature_level;
	if (level > LEVEL_MAX)
		return CADRE_INVALID_PARAMETER;
	return level < j->model->cluster.feature_level ? CADRE_CONFLICT : CADRE_OK;
}

/* ---- all of them ---- */

#define RULE(body) [CADRE__V1__COMMAND__BODY_##body]
static const rule_fn rules[] = {
	RULE(CREATE_GROUP) = rule_create_group,
	RULE(CLONE_GROUP) = rule_clone_group,
	RULE(PATCH_GROUP) = rule_patch_group,
	RULE(UPDATE_GROUP) = rule_update_group,
	RULE(ACTIVATE_GROUP) = rule_activate_group,
	RULE(DEACTIVATE_GROUP) = rule_deactivate_group,
	RULE(DELETE_GROUP) = rule_delete_group,
	RULE(MOVE_GROUP) = rule_move_group,
	RULE(PUT_ARTIFACT) = rule_put_artifact,
	RULE(CREATE_HISTORY) = rule_create_history,
	RULE(UPDATE_HISTORY) = rule_update_history,
	RULE(DELETE_HISTORY) = rule_delete_history,
	RULE(MOVE_HISTORY) = rule_move_history,
	RULE(REGISTER_MODEL) = register_model,
	RULE(RETIRE_MODEL) = retire_model,
	RULE(CREATE_DEPLOYMENT) = create_deployment,
	RULE(UPDATE_DEPLOYMENT) = update_deployment,
	RULE(ACTIVATE_DEPLOYMENT) = switch_deployment,
	RULE(DEACTIVATE_DEPLOYMENT) = switch_deployment,
	RULE(DELETE_DEPLOYMENT) = switch_deployment,
	RULE(CUT_OVER) = cut_over,
	RULE(FINISH_CUT_OVER) = finish_cut_over,
	RULE(PLACE_DEPLOYMENT) = place_deployment,
	RULE(REGISTER_NODE) = register_node,
	RULE(RETIRE_NODE) = end_global,
	RULE(PUT_PRINCIPAL) = put_principal,
	RULE(REMOVE_PRINCIPAL) = end_global,
	RULE(PUT_POLICY) = put_policy,
	RULE(REMOVE_POLICY) = end_global,
	RULE(RAISE_FEATURE_LEVEL) = raise_feature_level,
};

/* The newest use of the token in the last 24 h of log time. */
static const struct model_token *used_token(const struct judging *j,
                                            const char *principal, cadre_time_ms time_ms)
{
	for (size_t i = j->model->token_count; i-- > 0;) {
		const struct model_token *used = &j->model->tokens[i];
		if (strcmp(used->principal, principal) == 0 &&
		    strcmp(used->token, j->command->retry_token) == 0)
			return time_ms - used->row.time_ms < TOKEN_MS ? used : NULL;
	}
	return NULL;
}

struct verdict rules_judge(const struct model_state *model,
                           const Cadre__V1__Command *command, const char *principal,
                           cadre_time_ms time_ms)
{
	struct judging j = { .model = model, .command = command };
	const struct model_token *used = command->retry_token
	                                         ? used_token(&j, principal, time_ms)
	                                         : NULL;
	struct cadre_sha256 hash;
	enum cadre_status status;

	if (used) {
		bool same;
		CADRE_ASSERT(cadre_command_hash(command, &hash, NULL) == CADRE_OK);
		same = memcmp(hash.bytes, used->row.command_sha256.data, 32) == 0;
		return (struct verdict){
			.status = same ? CADRE_OK : CADRE_INVALIDATED_RETRY_TOKEN,
			.repeated = same,
		};
	}
	CADRE_ASSERT((size_t)command->body_case < sizeof rules / sizeof rules[0] &&
	             rules[command->body_case]);
	status = rules[command->body_case](&j);
	return (struct verdict){ .status = status,
		                 .event = status == CADRE_OK && j.event,
		                 .outcome = j.outcome };
}
