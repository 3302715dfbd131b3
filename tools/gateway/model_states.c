/* GET /modelDeployments/{id}/models/modelState: how far each model is, over all nodes
 * of the deployment. */
#include "tools/common/oci_write.h"
#include "tools/gateway/members.h"
#include "tools/gateway/operations.h"

struct deployment {
	const Cadre__V1__ResourceInfo *info;
	const Cadre__V1__ModelStatesResult *states;
};

/* Deployment and reports of its nodes, in one look. */
static enum cadre_status load(struct gateway_request *request,
                              struct deployment *ret_deployment)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__ModelStates states = CADRE__V1__MODEL_STATES__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status = gateway_get(request, request->ids[0],
	                                       CADRE__V1__KIND__KIND_DEPLOYMENT,
	                                       &ret_deployment->info);

	if (status != CADRE_OK)
		return status;
	op.body_case = CADRE__V1__OP__BODY_MODEL_STATES;
	op.model_states = &states;
	states.deployment = (char *)(uintptr_t)request->ids[0];
	status = gateway_ask_one(request, &op, &result);
	if (status == CADRE_OK)
		ret_deployment->states = result->model_states;
	return status;
}

/* What one node says of a member of the generation that shall be served. */
static const Cadre__V1__MemberReport *find_report(const Cadre__V1__NodeReport *node,
                                                  const char *deployment,
                                                  uint64_t generation, const char *model)
{
	for (size_t i = 0; i < node->n_members; i++) {
		const Cadre__V1__MemberReport *report = node->members[i];

		if (report->generation == generation &&
		    strcmp(report->deployment_id, deployment) == 0 &&
		    strcmp(report->model_id, model) == 0)
			return report;
	}
	return NULL;
}

/* SUCCESS: ready on every node; FAILED: on none and not on the way; else the nodes
 * differ, or are not that far. */
static const char *state_of(const struct deployment *deployment, const char *model,
                            const char **ret_reason)
{
	const Cadre__V1__Resource *resource = deployment->info->resource;
	size_t ready = 0, failed = 0;

	for (size_t i = 0; i < deployment->states->n_nodes; i++) {
		const Cadre__V1__MemberReport *report =
		        find_report(deployment->states->nodes[i], resource->ocid,
		                    resource->deployment->generation, model);

		if (!report)
			continue;
		ready += report->state == CADRE__V1__MEMBER_STATE__MEMBER_READY;
		failed += report->state == CADRE__V1__MEMBER_STATE__MEMBER_FAILED;
		if (report->state == CADRE__V1__MEMBER_STATE__MEMBER_FAILED)
			*ret_reason = report->reason;
	}
	if (ready > 0 && ready == deployment->states->n_nodes)
		return "SUCCESS";
	if (failed > 0 && failed == deployment->states->n_nodes)
		return "FAILED";
	return "INCONSISTENT";
}

static bool same(const struct gateway_request *request, const char *name,
                 const char *found)
{
	const char *wanted = gateway_query(request, name);

	return !wanted || (found && strcmp(wanted, found) == 0);
}

static size_t filter(const struct gateway_request *request,
                     struct gateway_member *members, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (same(request, "displayName", members[i].name) &&
		    same(request, "modelId", members[i].member->model_id) &&
		    same(request, "inferenceKey", members[i].member->inference_key))
			members[kept++] = members[i];
	return kept;
}

static void put(struct cadre_json *json, const struct deployment *deployment,
                const struct gateway_member *member)
{
	const char *model = member->member->model_id;
	const char *key = member->member->inference_key;
	const char *reason = NULL;

	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "modelId", model);
	/* Required there: a member without a key is called by its OCID. */
	cadre_json_key_text(json, "inferenceKey", key ? key : model);
	cadre_json_key_text(json, "displayName", member->name);
	cadre_json_key_text(json, "projectId", deployment->info->resource->project_id);
	cadre_json_key_text(json, "state", state_of(deployment, model, &reason));
	if (reason)
		cadre_json_key_text(json, "stateDetails", reason);
	cadre_oci_put_tags(json, member->model ? member->model->attributes : NULL);
	cadre_json_end(json, '}');
}

enum cadre_status gateway_list_model_states(struct gateway_request *request)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	struct deployment deployment = { 0 };
	struct gateway_member *members = NULL;
	const char *compartment = NULL;
	size_t count = 0, first = 0, end = 0;
	struct cadre_json *json;
	enum cadre_status status = gateway_query_required(request, "compartmentId",
	                                                  &compartment);

	if (status == CADRE_OK)
		status = load(request, &deployment);
	if (status == CADRE_OK)
		status = gateway_get(request, deployment.info->target_group_id,
		                     CADRE__V1__KIND__KIND_GROUP, &group);
	if (status == CADRE_OK)
		status = gateway_load_members(request, group, &members, &count);
	if (status != CADRE_OK)
		return status;
	count = filter(request, members, count);
	status = gateway_sort_members(request, members, count);
	if (status == CADRE_OK)
		status = gateway_cut_page(request, count, &first, &end);
	if (status != CADRE_OK)
		return status;
	json = gateway_answer_json(request, 200);
	cadre_json_begin(json, '[');
	for (size_t i = first; i < end; i++)
		put(json, &deployment, &members[i]);
	cadre_json_end(json, ']');
	return CADRE_OK;
}
