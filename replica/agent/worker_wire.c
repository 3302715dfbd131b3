#include "replica/agent/worker_wire.h"

static const struct cadre_wire_limits limits = {
	.bytes_max = CADRE_WORKER_MESSAGE_BYTES_MAX,
	.depth_max = 4,
	.fields_base = CADRE_WIRE_FIELDS_BASE,
	.bytes_per_field = CADRE_WIRE_BYTES_PER_FIELD,
};

static enum cadre_status check_name(const char *field, const char *name,
                                    struct cadre_error *err)
{
	size_t bytes = strlen(name);

	if (bytes > 0 && bytes <= CADRE_WORKER_NAME_BYTES_MAX)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "%s: %zu bytes, must be 1 to %d", field, bytes,
	                       (int)CADRE_WORKER_NAME_BYTES_MAX);
}

static enum cadre_status check_load(const Cadre__V1__WorkerLoad *load,
                                    struct cadre_error *err)
{
	enum cadre_status status = check_name("load.name", load->name, err);

	if (status == CADRE_OK && load->base_name)
		status = check_name("load.base_name", load->base_name, err);
	if (status != CADRE_OK)
		return status;
	if (load->sha256.len != sizeof(struct cadre_sha256))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "load.sha256: %zu bytes, must be 32",
		                       load->sha256.len);
	if (load->path[0] == '\0' || load->n_parameters > CADRE_WORKER_PARAMETERS_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "load: no path, or more than %d parameters",
		                       (int)CADRE_WORKER_PARAMETERS_MAX);
	if ((load->kind == CADRE__V1__MODEL_KIND__MODEL_LORA) !=
	    (load->base_name != NULL))
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "load.base_name: belongs to a LoRA adapter and no other");
	return CADRE_OK;
}

static enum cadre_status check_infer(const Cadre__V1__WorkerInfer *infer,
                                     struct cadre_error *err)
{
	if (infer->payload.len > CADRE_PREDICT_BYTES_MAX)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "infer.payload: %zu bytes, at most %d",
		                       infer->payload.len, (int)CADRE_PREDICT_BYTES_MAX);
	return check_name("infer.name", infer->name, err);
}

static enum cadre_status check_request(const Cadre__V1__WorkerRequest *request,
                                       struct cadre_error *err)
{
	switch (request->body_case) {
	case CADRE__V1__WORKER_REQUEST__BODY_LOAD:
		return check_load(request->load, err);
	case CADRE__V1__WORKER_REQUEST__BODY_UNLOAD:
		return check_name("unload.name", request->unload->name, err);
	case CADRE__V1__WORKER_REQUEST__BODY_INFER:
		return check_infer(request->infer, err);
	case CADRE__V1__WORKER_REQUEST__BODY_HELLO:
	case CADRE__V1__WORKER_REQUEST__BODY_STATUS:
	case CADRE__V1__WORKER_REQUEST__BODY_NEXT:
	case CADRE__V1__WORKER_REQUEST__BODY_CANCEL:
		return CADRE_OK;
	case CADRE__V1__WORKER_REQUEST__BODY__NOT_SET:
	case _CADRE__V1__WORKER_REQUEST__BODY__CASE_IS_INT_SIZE:
		break;
	}
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "WorkerRequest: no body");
}

enum cadre_status
cadre_worker_unpack_request(struct cadre_slice bytes, struct cadre_arena *arena,
                            const Cadre__V1__WorkerRequest **ret_request,
                            struct cadre_error *err)
{
	ProtobufCMessage *message;
	const Cadre__V1__WorkerRequest *request;
	enum cadre_status status =
	        cadre_unpack_within(&cadre__v1__worker_request__descriptor, bytes,
	                            &limits, arena, &message, err);

	if (status != CADRE_OK)
		return status;
	request = (const Cadre__V1__WorkerRequest *)(const void *)message;
	status = check_request(request, err);
	if (status == CADRE_OK)
		*ret_request = request;
	return status;
}

enum cadre_status cadre_worker_unpack_answer(struct cadre_slice bytes,
                                             struct cadre_arena *arena,
                                             const Cadre__V1__WorkerAnswer **ret_answer,
                                             struct cadre_error *err)
{
	ProtobufCMessage *message;
	const Cadre__V1__WorkerAnswer *answer;
	enum cadre_status status =
	        cadre_unpack_within(&cadre__v1__worker_answer__descriptor, bytes, &limits,
	                            arena, &message, err);

	if (status != CADRE_OK)
		return status;
	answer = (const Cadre__V1__WorkerAnswer *)(const void *)message;
	if (answer->status >= CADRE_END)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "status: %u is no outcome of a request",
		                       (unsigned)answer->status);
	*ret_answer = answer;
	return CADRE_OK;
}
