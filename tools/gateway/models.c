#include "tools/common/oci_json.h"
#include "tools/gateway/operations.h"

#define MODEL CADRE__V1__KIND__KIND_MODEL

enum cadre_status gateway_list_models(struct gateway_request *request)
{
	return gateway_list_resources(request, MODEL);
}

enum cadre_status gateway_get_model(struct gateway_request *request)
{
	return gateway_get_resource(request, MODEL);
}

enum cadre_status gateway_create_model(struct gateway_request *request)
{
	const Cadre__V1__CommandResult *result = NULL;
	const Cadre__V1__ResourceInfo *info = NULL;
	Cadre__V1__Command command;
	enum cadre_status status = gateway_body_required(request);

	if (status == CADRE_OK)
		status = cadre_oci_create_model(request->json, &request->arena, &command,
		                                &request->err);
	if (status == CADRE_OK)
		status = gateway_submit_and_get(request, &command, MODEL, &result, &info);
	return status == CADRE_OK ? gateway_answer_resource(request, 200, info) : status;
}
