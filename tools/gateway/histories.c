#include "tools/common/oci_json.h"
#include "tools/gateway/operations.h"

#define HISTORY CADRE__V1__KIND__KIND_HISTORY

enum cadre_status gateway_list_histories(struct gateway_request *request)
{
	return gateway_list_resources(request, HISTORY);
}

enum cadre_status gateway_get_history(struct gateway_request *request)
{
	return gateway_get_resource(request, HISTORY);
}

static enum cadre_status change(struct gateway_request *request,
                                Cadre__V1__Command *command)
{
	const Cadre__V1__CommandResult *result = NULL;
	const Cadre__V1__ResourceInfo *info = NULL;
	enum cadre_status status = gateway_submit_and_get(request, command, HISTORY,
	                                                  &result, &info);

	return status == CADRE_OK ? gateway_answer_resource(request, 200, info) : status;
}

enum cadre_status gateway_create_history(struct gateway_request *request)
{
	Cadre__V1__Command command;
	enum cadre_status status = gateway_body_required(request);

	if (status == CADRE_OK)
		status = cadre_oci_create_history(request->json, NULL, &request->arena,
		                                  &command, &request->err);
	return status == CADRE_OK ? change(request, &command) : status;
}

enum cadre_status gateway_update_history(struct gateway_request *request)
{
	Cadre__V1__Command command;
	enum cadre_status status = gateway_body_read(request);

	if (status == CADRE_OK)
		status = cadre_oci_update_history(request->json, request->ids[0],
		                                  &request->arena, &command,
		                                  &request->err);
	return status == CADRE_OK ? change(request, &command) : status;
}

enum cadre_status gateway_delete_history(struct gateway_request *request)
{
	const Cadre__V1__CommandResult *result = NULL;
	Cadre__V1__Command command;
	enum cadre_status status =
	        gateway_refer(request, CADRE__V1__COMMAND__BODY_DELETE_HISTORY, &command);

	if (status == CADRE_OK)
		status = gateway_submit(request, &command, &result);
	if (status != CADRE_OK)
		return status;
	gateway_answer_work_request(request, result);
	return gateway_answer_empty(request, 202);
}

enum cadre_status gateway_move_history(struct gateway_request *request)
{
	return gateway_move(request, CADRE__V1__COMMAND__BODY_MOVE_HISTORY);
}
