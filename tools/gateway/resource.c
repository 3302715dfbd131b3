#include <inttypes.h>

#include "tools/common/oci_json.h"
#include "tools/common/oci_write.h"
#include "tools/gateway/operations.h"
#include "tools/gateway/work_request.h"

const char *gateway_deployment_url(struct gateway_request *request, const char *id)
{
	const char *host = gateway_header(request, "host");
	const char *scheme = gateway_header(request, "x-forwarded-proto");

	if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		scheme = request->gateway->tls ? "https" : "http";
	if (!host || !cadre_utf8_check(host, strlen(host), NULL))
		host = "localhost";
	return gateway_text(request, "%s://%s/%s", scheme, host, id);
}

enum cadre_status gateway_answer_resource(struct gateway_request *request, unsigned http,
                                          const Cadre__V1__ResourceInfo *info)
{
	struct cadre_oci_style style = { .summary = false };

	if (info->resource->kind == CADRE__V1__KIND__KIND_DEPLOYMENT)
		style.deployment_url = gateway_deployment_url(request,
		                                              info->resource->ocid);
	gateway_answer_header(request, "etag", info->etag);
	cadre_oci_put_styled(gateway_answer_json(request, http), info, &style);
	return CADRE_OK;
}

void gateway_answer_work_request(struct gateway_request *request,
                                 const Cadre__V1__CommandResult *result)
{
	char id[GATEWAY_WORK_REQUEST_BYTES];

	if (!result->has_seq || result->seq == 0)
		return;
	gateway_work_request_id(result->seq, id);
	gateway_answer_header(request, "opc-work-request-id", id);
}

enum cadre_status gateway_get_resource(struct gateway_request *request,
                                       Cadre__V1__Kind kind)
{
	const Cadre__V1__ResourceInfo *info = NULL;
	enum cadre_status status = gateway_get(request, request->ids[0], kind, &info);

	return status == CADRE_OK ? gateway_answer_resource(request, 200, info) : status;
}

enum cadre_status gateway_refer(struct gateway_request *request,
                                Cadre__V1__Command__BodyCase body,
                                Cadre__V1__Command *command)
{
	Cadre__V1__ResourceRef *ref = gateway_alloc(request, sizeof *ref);

	if (!ref)
		return request->err.status;
	cadre__v1__resource_ref__init(ref);
	ref->id = (char *)(uintptr_t)request->ids[0];
	cadre__v1__command__init(command);
	command->body_case = body;
	/* One member of the union for all that refer. */
	command->activate_group = ref;
	return CADRE_OK;
}

enum cadre_status gateway_move(struct gateway_request *request,
                               Cadre__V1__Command__BodyCase body)
{
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__MoveResource move = CADRE__V1__MOVE_RESOURCE__INIT;
	const Cadre__V1__CommandResult *result = NULL;
	enum cadre_status status = gateway_body_required(request);

	if (status == CADRE_OK)
		status = cadre_oci_read_compartment(request->json, &request->arena,
		                                    &move.compartment_id, &request->err);
	if (status != CADRE_OK)
		return status;
	move.id = (char *)(uintptr_t)request->ids[0];
	command.body_case = body;
	command.move_group = &move;
	status = gateway_submit(request, &command, &result);
	if (status != CADRE_OK)
		return status;
	gateway_answer_header(request, "etag", result->etag);
	return gateway_answer_empty(request, 204);
}
