#include "tools/common/oci_json.h"
#include "tools/gateway/operations.h"

#define DEPLOYMENT CADRE__V1__KIND__KIND_DEPLOYMENT

enum cadre_status gateway_list_deployments(struct gateway_request *request)
{
	return gateway_list_resources(request, DEPLOYMENT);
}

enum cadre_status gateway_get_deployment(struct gateway_request *request)
{
	return gateway_get_resource(request, DEPLOYMENT);
}

enum cadre_status gateway_create_deployment(struct gateway_request *request)
{
	const Cadre__V1__CommandResult *result = NULL;
	const Cadre__V1__ResourceInfo *info = NULL;
	Cadre__V1__Command command;
	enum cadre_status status = gateway_body_required(request);

	if (status == CADRE_OK)
		status = cadre_oci_create_deployment(request->json, NULL, &request->arena,
		                                     &command, &request->err);
	if (status == CADRE_OK)
		status = gateway_submit_and_get(request, &command, DEPLOYMENT, &result,
		                                &info);
	if (status != CADRE_OK)
		return status;
	gateway_answer_work_request(request, result);
	gateway_answer_header(request, "location",
	                      gateway_text(request, "/20190101/modelDeployments/%s",
	                                   info->resource->ocid));
	return gateway_answer_resource(request, 201, info);
}

/* What takes time is answered at once, without a body. */
static enum cadre_status accept(struct gateway_request *request,
                                Cadre__V1__Command *command)
{
	const Cadre__V1__CommandResult *result = NULL;
	enum cadre_status status = gateway_submit(request, command, &result);

	if (status != CADRE_OK)
		return status;
	gateway_answer_work_request(request, result);
	return gateway_answer_empty(request, 202);
}

enum cadre_status gateway_update_deployment(struct gateway_request *request)
{
	Cadre__V1__Command command;
	enum cadre_status status = gateway_body_read(request);

	if (status == CADRE_OK)
		status = cadre_oci_update_deployment(request->json, request->ids[0],
		                                     &request->arena, &command,
		                                     &request->err);
	return status == CADRE_OK ? accept(request, &command) : status;
}

static enum cadre_status refer(struct gateway_request *request,
                               Cadre__V1__Command__BodyCase body)
{
	Cadre__V1__Command command;
	enum cadre_status status = gateway_refer(request, body, &command);

	return status == CADRE_OK ? accept(request, &command) : status;
}

enum cadre_status gateway_delete_deployment(struct gateway_request *request)
{
	return refer(request, CADRE__V1__COMMAND__BODY_DELETE_DEPLOYMENT);
}

enum cadre_status gateway_activate_deployment(struct gateway_request *request)
{
	return refer(request, CADRE__V1__COMMAND__BODY_ACTIVATE_DEPLOYMENT);
}

enum cadre_status gateway_deactivate_deployment(struct gateway_request *request)
{
	return refer(request, CADRE__V1__COMMAND__BODY_DEACTIVATE_DEPLOYMENT);
}
