/* GET /modelGroups/{id}/models: members, each with its model. */
#include "tools/common/oci_write.h"
#include "tools/gateway/members.h"
#include "tools/gateway/operations.h"

static bool same(const struct gateway_request *request, const char *name,
                 const char *found)
{
	const char *wanted = gateway_query(request, name);

	return !wanted || (found && strcmp(wanted, found) == 0);
}

static bool passes(const struct gateway_request *request,
                   const struct gateway_member *member,
                   const Cadre__V1__ResourceInfo *group)
{
	const Cadre__V1__Resource *model = member->model ? member->model->resource
	                                                 : group->resource;

	return (same(request, "id", member->member->model_id) ||
	        same(request, "id", group->resource->ocid)) &&
	       same(request, "displayName", member->name) &&
	       same(request, "lifecycleState", member->state) &&
	       same(request, "createdBy", model->created_by);
}

static void put(struct cadre_json *json, const struct gateway_member *member,
                const Cadre__V1__ResourceInfo *group)
{
	const Cadre__V1__Resource *model = member->model ? member->model->resource
	                                                 : group->resource;

	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "id", group->resource->ocid);
	cadre_json_key_text(json, "modelId", member->member->model_id);
	if (member->member->inference_key)
		cadre_json_key_text(json, "inferenceKey", member->member->inference_key);
	cadre_json_key_text(json, "compartmentId", model->compartment_id);
	cadre_json_key_text(json, "projectId", model->project_id);
	cadre_json_key_text(json, "displayName", member->name);
	cadre_json_key_text(json, "createdBy", model->created_by);
	cadre_json_key_time(json, "timeCreated", member->created_ms);
	cadre_json_key_time(json, "timeUpdated", model->time_updated_ms);
	cadre_json_key_text(json, "lifecycleState", member->state);
	cadre_json_key_text(json, "lifecycleDetails",
	                    member->model ? "registered" : "not registered");
	cadre_json_key_text(json, "category", "USER");
	cadre_json_key_bool(json, "isModelByReference", true);
	cadre_oci_put_tags(json, member->model ? member->model->attributes : NULL);
	cadre_json_end(json, '}');
}

/* Moves those that pass to the front. */
static size_t filter(const struct gateway_request *request,
                     struct gateway_member *members, size_t count,
                     const Cadre__V1__ResourceInfo *group)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (passes(request, &members[i], group))
			members[kept++] = members[i];
	return kept;
}

enum cadre_status gateway_list_group_models(struct gateway_request *request)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	struct gateway_member *members = NULL;
	const char *compartment = NULL;
	size_t count = 0, first = 0, end = 0;
	struct cadre_json *json;
	enum cadre_status status = gateway_query_required(request, "compartmentId",
	                                                  &compartment);

	if (status == CADRE_OK)
		status = gateway_get(request, request->ids[0],
		                     CADRE__V1__KIND__KIND_GROUP, &group);
	if (status == CADRE_OK)
		status = gateway_load_members(request, group, &members, &count);
	if (status != CADRE_OK)
		return status;
	count = filter(request, members, count, group);
	status = gateway_sort_members(request, members, count);
	if (status == CADRE_OK)
		status = gateway_cut_page(request, count, &first, &end);
	if (status != CADRE_OK)
		return status;
	json = gateway_answer_json(request, 200);
	cadre_json_begin(json, '[');
	for (size_t i = first; i < end; i++)
		put(json, &members[i], group);
	cadre_json_end(json, ']');
	return CADRE_OK;
}
