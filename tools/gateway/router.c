#include "tools/gateway/router.h"

#include <stdio.h>

#include "tools/gateway/operations.h"

#define V GATEWAY_VERSION_PATH
#define CADRE "/cadre/v1"
#define LIST                                                                           \
	"compartmentId* id projectId displayName lifecycleState createdBy limit page " \
	"sortBy sortOrder"

/* clang-format off */
const struct gateway_route gateway_routes[] = {
	/* model groups */
	{ "GET", V "/modelGroups", "listModelGroups", gateway_list_groups, 200,
	  GATEWAY_NO_BODY, GATEWAY_CALL, LIST " modelGroupVersionHistoryId",
	  "Groups of a compartment" },
	{ "POST", V "/modelGroups", "createModelGroup", gateway_create_group, 201,
	  GATEWAY_JSON_BODY, GATEWAY_CALL, "", "A group from members, or a clone" },
	{ "GET", V "/modelGroups/{modelGroupId}", "getModelGroup", gateway_get_group, 200,
	  GATEWAY_NO_BODY, GATEWAY_CALL, "", "A group with its members" },
	{ "PUT", V "/modelGroups/{modelGroupId}", "updateModelGroup",
	  gateway_update_group, 200, GATEWAY_JSON_BODY, GATEWAY_CALL, "",
	  "Name, description, label, history, tags" },
	{ "DELETE", V "/modelGroups/{modelGroupId}", "deleteModelGroup",
	  gateway_delete_group, 202, GATEWAY_NO_BODY, GATEWAY_CALL, "", "Deletes a group" },
	{ "POST", V "/modelGroups/{modelGroupId}/actions/activate", "activateModelGroup",
	  gateway_activate_group, 200, GATEWAY_JSON_BODY, GATEWAY_CALL, "",
	  "Activates a group" },
	{ "POST", V "/modelGroups/{modelGroupId}/actions/deactivate",
	  "deactivateModelGroup", gateway_deactivate_group, 200, GATEWAY_JSON_BODY,
	  GATEWAY_CALL, "", "Deactivates a group" },
	{ "POST", V "/modelGroups/{modelGroupId}/actions/changeCompartment",
	  "changeModelGroupCompartment", gateway_move_group, 204, GATEWAY_JSON_BODY,
	  GATEWAY_CALL, "", "Moves a group" },
	{ "GET", V "/modelGroups/{modelGroupId}/models", "listModelGroupModels",
	  gateway_list_group_models, 200, GATEWAY_NO_BODY, GATEWAY_CALL,
	  "compartmentId* id displayName lifecycleState createdBy limit page sortBy "
	  "sortOrder",
	  "Members of a group, with what is known of each model" },
	{ "POST", V "/modelGroups/{modelGroupId}/artifact", "createModelGroupArtifact",
	  gateway_not_emulated, 501, GATEWAY_NO_BODY, GATEWAY_CALL, "", "Not emulated" },
	{ "GET", V "/modelGroups/{modelGroupId}/artifact/content",
	  "getModelGroupArtifactContent", gateway_not_emulated, 501, GATEWAY_NO_BODY,
	  GATEWAY_CALL, "", "Not emulated" },
	{ "HEAD", V "/modelGroups/{modelGroupId}/artifact/content",
	  "headModelGroupArtifact", gateway_not_emulated, 501, GATEWAY_NO_BODY,
	  GATEWAY_CALL, "", "Not emulated" },

	/* version histories */
	{ "GET", V "/modelGroupVersionHistory", "listModelGroupVersionHistories",
	  gateway_list_histories, 200, GATEWAY_NO_BODY, GATEWAY_CALL, LIST,
	  "Version histories of a compartment" },
	{ "POST", V "/modelGroupVersionHistory", "createModelGroupVersionHistory",
	  gateway_create_history, 200, GATEWAY_JSON_BODY, GATEWAY_CALL, "",
	  "A version history" },
	{ "GET", V "/modelGroupVersionHistory/{modelGroupVersionHistoryId}",
	  "getModelGroupVersionHistory", gateway_get_history, 200, GATEWAY_NO_BODY,
	  GATEWAY_CALL, "", "A version history" },
	{ "PUT", V "/modelGroupVersionHistory/{modelGroupVersionHistoryId}",
	  "updateModelGroupVersionHistory", gateway_update_history, 200,
	  GATEWAY_JSON_BODY, GATEWAY_CALL, "", "Description, latest, tags" },
	{ "DELETE", V "/modelGroupVersionHistory/{modelGroupVersionHistoryId}",
	  "deleteModelGroupVersionHistory", gateway_delete_history, 202, GATEWAY_NO_BODY,
	  GATEWAY_CALL, "", "Deletes a version history" },
	{ "POST",
	  V "/modelGroupVersionHistory/{modelGroupVersionHistoryId}/actions/"
	    "changeCompartment",
	  "changeModelGroupVersionHistoryCompartment", gateway_move_history, 204,
	  GATEWAY_JSON_BODY, GATEWAY_CALL, "", "Moves a version history" },

	/* deployments */
	{ "GET", V "/modelDeployments", "listModelDeployments", gateway_list_deployments,
	  200, GATEWAY_NO_BODY, GATEWAY_CALL, LIST, "Deployments of a compartment" },
	{ "POST", V "/modelDeployments", "createModelDeployment",
	  gateway_create_deployment, 201, GATEWAY_JSON_BODY, GATEWAY_CALL, "",
	  "Deploys a model group" },
	{ "GET", V "/modelDeployments/{modelDeploymentId}", "getModelDeployment",
	  gateway_get_deployment, 200, GATEWAY_NO_BODY, GATEWAY_CALL, "", "A deployment" },
	{ "PUT", V "/modelDeployments/{modelDeploymentId}", "updateModelDeployment",
	  gateway_update_deployment, 202, GATEWAY_JSON_BODY, GATEWAY_CALL, "",
	  "Another group, or other properties" },
	{ "DELETE", V "/modelDeployments/{modelDeploymentId}", "deleteModelDeployment",
	  gateway_delete_deployment, 202, GATEWAY_NO_BODY, GATEWAY_CALL, "",
	  "Deletes a deployment" },
	{ "POST", V "/modelDeployments/{modelDeploymentId}/actions/activate",
	  "activateModelDeployment", gateway_activate_deployment, 202, GATEWAY_JSON_BODY,
	  GATEWAY_CALL, "", "Activates a deployment" },
	{ "POST", V "/modelDeployments/{modelDeploymentId}/actions/deactivate",
	  "deactivateModelDeployment", gateway_deactivate_deployment, 202,
	  GATEWAY_JSON_BODY, GATEWAY_CALL, "", "Deactivates a deployment" },
	{ "POST", V "/modelDeployments/{modelDeploymentId}/actions/changeCompartment",
	  "changeModelDeploymentCompartment", gateway_not_emulated, 501,
	  GATEWAY_JSON_BODY, GATEWAY_CALL, "", "Not emulated" },
	{ "GET", V "/modelDeployments/{modelDeploymentId}/models/modelState",
	  "listModelDeploymentModelStates", gateway_list_model_states, 200,
	  GATEWAY_NO_BODY, GATEWAY_CALL,
	  "compartmentId* projectId displayName inferenceKey modelId limit page sortBy "
	  "sortOrder",
	  "How far each model of a deployment is" },

	/* work requests */
	{ "GET", V "/workRequests", "listWorkRequests", gateway_list_work_requests, 200,
	  GATEWAY_NO_BODY, GATEWAY_CALL,
	  "compartmentId* id resourceId operationType status limit page sortBy sortOrder",
	  "Work requests of a compartment" },
	{ "GET", V "/workRequests/{workRequestId}", "getWorkRequest",
	  gateway_get_work_request, 200, GATEWAY_NO_BODY, GATEWAY_CALL, "",
	  "A work request" },
	{ "DELETE", V "/workRequests/{workRequestId}", "cancelWorkRequest",
	  gateway_cancel_work_request, 202, GATEWAY_NO_BODY, GATEWAY_CALL, "",
	  "Always refused: what is in the log has happened" },
	{ "GET", V "/workRequests/{workRequestId}/errors", "listWorkRequestErrors",
	  gateway_list_work_request_errors, 200, GATEWAY_NO_BODY, GATEWAY_CALL,
	  "limit page", "What went wrong" },
	{ "GET", V "/workRequests/{workRequestId}/logs", "listWorkRequestLogs",
	  gateway_list_work_request_logs, 200, GATEWAY_NO_BODY, GATEWAY_CALL,
	  "limit page", "What was done" },

	/* models */
	{ "GET", V "/models", "listModels", gateway_list_models, 200, GATEWAY_NO_BODY,
	  GATEWAY_CALL, LIST, "Models of a compartment" },
	{ "POST", V "/models", "createModel", gateway_create_model, 200,
	  GATEWAY_JSON_BODY, GATEWAY_CALL, "", "Registers a model" },
	{ "GET", V "/models/{modelId}", "getModel", gateway_get_model, 200,
	  GATEWAY_NO_BODY, GATEWAY_CALL, "", "A model" },

	/* what OCI does not have */
	{ "GET", CADRE "/openapi.json", "openapi", gateway_openapi, 200, GATEWAY_NO_BODY,
	  GATEWAY_CALL, "", "This document" },
	{ "GET", CADRE "/resolve", "resolve", gateway_resolve, 200, GATEWAY_NO_BODY,
	  GATEWAY_CALL, "target* key* at", "Which model a key means, now or at a moment" },
	{ "GET", CADRE "/key-log", "keyLog", gateway_key_log, 200, GATEWAY_NO_BODY,
	  GATEWAY_CALL, "target* key* limit page", "Every change of a key" },
	{ "GET", CADRE "/diff", "diff", gateway_diff, 200, GATEWAY_NO_BODY, GATEWAY_CALL,
	  "from* to*", "What differs between two groups" },
	{ "GET", CADRE "/histories/{historyId}/graph", "historyGraph",
	  gateway_history_graph, 200, GATEWAY_NO_BODY, GATEWAY_CALL, "limit page",
	  "Versions of a history and what each came from" },
	{ "GET", CADRE "/watch", "watch", gateway_watch, 200, GATEWAY_NO_BODY,
	  GATEWAY_WATCH, "from", "Events as they commit, as server-sent events" },
	{ "GET", CADRE "/status", "status", gateway_status, 200, GATEWAY_NO_BODY,
	  GATEWAY_CALL, "", "State of the node that answers" },

	/* predictions: no version in the path */
	{ "POST", "/{modelDeploymentId}/predict", "predict", gateway_predict, 200,
	  GATEWAY_PAYLOAD, GATEWAY_PREDICT, "", "Asks a model of a deployment" },
	{ "POST", "/{modelDeploymentId}/predictWithResponseStream",
	  "predictWithResponseStream", gateway_predict_stream, 200, GATEWAY_PAYLOAD,
	  GATEWAY_PREDICT, "", "The same, answered as it comes" },
};
/* clang-format on */
const size_t gateway_route_count = sizeof gateway_routes / sizeof *gateway_routes;

#define ALLOW_BYTES 64u

/* Length of the path, without the query. */
static size_t path_length(const char *target)
{
	return strcspn(target, "?");
}

/* Matches, and sets where the id stands in `path`. */
static bool matches(const char *pattern, const char *path, size_t length,
                    struct cadre_slice *ret_id)
{
	const char *end = path + length;

	while (*pattern != '\0' && path < end) {
		if (*pattern == '{') {
			size_t id = 0;

			while (path + id < end && path[id] != '/')
				id++;
			if (id == 0)
				return false;
			*ret_id = cadre_slice(path, id);
			path += id;
			pattern = strchr(pattern, '}') + 1;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *pattern == '\0' && path == end;
}

/* An id that could be one: text without control characters. */
static enum cadre_status take_id(struct gateway_request *request, struct cadre_slice id)
{
	char *text = cadre_arena_strdup(&request->arena, id);
	size_t length;

	if (!text)
		return cadre_error_set(&request->err, CADRE_OUT_OF_MEMORY,
		                       "out of memory");
	length = gateway_decode(text, false);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			length = 0;
	if (length == 0 || length > 255 || !cadre_utf8_check(text, length, NULL))
		return gateway_refuse(
		        request, 404, "InvalidParameter",
		        "path: the id is empty, longer than 255 bytes or no "
		        "text");
	request->ids[0] = text;
	return CADRE_OK;
}

static void allow(char text[ALLOW_BYTES], const char *method)
{
	size_t used = strlen(text);

	snprintf(text + used, ALLOW_BYTES - used, "%s%s", used > 0 ? ", " : "", method);
}

enum cadre_status gateway_find_route(struct gateway_request *request)
{
	size_t length = path_length(request->target);
	char allowed[ALLOW_BYTES] = "";
	struct cadre_slice id = { 0 };

	for (size_t i = 0; i < gateway_route_count; i++) {
		const struct gateway_route *route = &gateway_routes[i];

		if (!matches(route->path, request->target, length, &id))
			continue;
		if (strcmp(route->method, request->method) == 0) {
			request->route = route;
			return strchr(route->path, '{') ? take_id(request, id) : CADRE_OK;
		}
		allow(allowed, route->method);
	}
	if (allowed[0] == '\0')
		return gateway_refuse(request, 404, "NotFound",
		                      "no such operation: %s %.*s", request->method,
		                      (int)(length > 200 ? 200 : length),
		                      request->target);
	gateway_refuse(request, 405, "MethodNotAllowed", "%s is none of %s",
	               request->method, allowed);
	gateway_answer_header(request, "allow", allowed);
	return CADRE_END;
}

enum cadre_status gateway_not_emulated(struct gateway_request *request)
{
	return gateway_refuse(request, 501, "MethodNotImplemented",
	                      "%s: Cadre has no counterpart of this operation",
	                      request->route->operation);
}
