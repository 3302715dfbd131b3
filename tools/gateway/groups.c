#include "tools/common/oci_json.h"
#include "tools/gateway/operations.h"

#define GROUP CADRE__V1__KIND__KIND_GROUP

enum cadre_status gateway_list_groups(struct gateway_request *request)
{
	return gateway_list_resources(request, GROUP);
}

enum cadre_status gateway_get_group(struct gateway_request *request)
{
	return gateway_get_resource(request, GROUP);
}

/* Sends, and answers with the group as it is now. */
static enum cadre_status change(struct gateway_request *request,
                                Cadre__V1__Command *command, unsigned http,
                                bool work_request)
{
	const Cadre__V1__CommandResult *result = NULL;
	const Cadre__V1__ResourceInfo *info = NULL;
	enum cadre_status status = gateway_submit_and_get(request, command, GROUP,
	                                                  &result, &info);

	if (status != CADRE_OK)
		return status;
	if (work_request)
		gateway_answer_work_request(request, result);
	return gateway_answer_resource(request, http, info);
}

enum cadre_status gateway_create_group(struct gateway_request *request)
{
	Cadre__V1__Command command;
	enum cadre_status status = gateway_body_required(request);

	if (status == CADRE_OK)
		status = cadre_oci_create_group(request->json, NULL, &request->arena,
		                                &command, &request->err);
	return status == CADRE_OK ? change(request, &command, 201, true) : status;
}

enum cadre_status gateway_update_group(struct gateway_request *request)
{
	Cadre__V1__Command command;
	enum cadre_status status = gateway_body_read(request);

	if (status == CADRE_OK)
		status = cadre_oci_update_group(request->json, request->ids[0],
		                                &request->arena, &command, &request->err);
	return status == CADRE_OK ? change(request, &command, 200, false) : status;
}

enum cadre_status gateway_delete_group(struct gateway_request *request)
{
	const Cadre__V1__CommandResult *result = NULL;
	Cadre__V1__Command command;
	enum cadre_status status =
	        gateway_refer(request, CADRE__V1__COMMAND__BODY_DELETE_GROUP, &command);

	if (status == CADRE_OK)
		status = gateway_submit(request, &command, &result);
	if (status != CADRE_OK)
		return status;
	gateway_answer_work_request(request, result);
	return gateway_answer_empty(request, 202);
}

/* The work request is not OCI's, but its data science library waits for one. */
static enum cadre_status set_state(struct gateway_request *request,
                                   Cadre__V1__Command__BodyCase body)
{
	Cadre__V1__Command command;
	enum cadre_status status = gateway_refer(request, body, &command);

	return status == CADRE_OK ? change(request, &command, 200, true) : status;
}

enum cadre_status gateway_activate_group(struct gateway_request *request)
{
	return set_state(request, CADRE__V1__COMMAND__BODY_ACTIVATE_GROUP);
}

enum cadre_status gateway_deactivate_group(struct gateway_request *request)
{
	return set_state(request, CADRE__V1__COMMAND__BODY_DEACTIVATE_GROUP);
}

enum cadre_status gateway_move_group(struct gateway_request *request)
{
	return gateway_move(request, CADRE__V1__COMMAND__BODY_MOVE_GROUP);
}
