#include "replica/agent/predict_wire.h"

static const struct cadre_wire_limits limits = {
	.bytes_max = CADRE_PREDICT_MESSAGE_BYTES_MAX,
	.depth_max = 2,
	.fields_base = CADRE_WIRE_FIELDS_BASE,
	.bytes_per_field = CADRE_WIRE_BYTES_PER_FIELD,
};

static enum cadre_status check_name(const char *field, const char *name,
                                    struct cadre_error *err)
{
	size_t bytes = strlen(name);

	if (bytes > 0 && bytes <= CADRE_PREDICT_NAME_BYTES_MAX)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "start.%s: %zu bytes, must be 1 to %d", field, bytes,
	                       (int)CADRE_PREDICT_NAME_BYTES_MAX);
}

static enum cadre_status check_start(const Cadre__V1__PredictStart *start,
                                     struct cadre_error *err)
{
	enum cadre_status status = check_name("deployment", start->deployment, err);

	if (status == CADRE_OK)
		status = check_name("key", start->key, err);
	if (status == CADRE_OK && start->compartment)
		status = check_name("compartment", start->compartment, err);
	if (status == CADRE_OK && start->payload.len > CADRE_PREDICT_BODY_BYTES_MAX)
		status = cadre_error_set(
		        err, CADRE_TOO_LARGE, "start.payload: %zu bytes, at most %zu",
		        start->payload.len, CADRE_PREDICT_BODY_BYTES_MAX);
	return status;
}

enum cadre_status
cadre_predict_unpack_request(struct cadre_slice bytes, struct cadre_arena *arena,
                             const Cadre__V1__PredictRequest **ret_request,
                             struct cadre_error *err)
{
	ProtobufCMessage *message;
	const Cadre__V1__PredictRequest *request;
	enum cadre_status status =
	        cadre_unpack_within(&cadre__v1__predict_request__descriptor, bytes,
	                            &limits, arena, &message, err);

	if (status != CADRE_OK)
		return status;
	request = (const Cadre__V1__PredictRequest *)(const void *)message;
	if (request->body_case == CADRE__V1__PREDICT_REQUEST__BODY__NOT_SET)
		status = cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                         "PredictRequest: no body");
	else if (request->body_case == CADRE__V1__PREDICT_REQUEST__BODY_START)
		status = check_start(request->start, err);
	if (status == CADRE_OK)
		*ret_request = request;
	return status;
}

static enum cadre_status check_answer(const Cadre__V1__PredictAnswer *answer,
                                      struct cadre_error *err)
{
	if (answer->status >= CADRE_END)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "status: %u is no outcome of a request",
		                       (unsigned)answer->status);
	if (answer->status == CADRE_OK && !answer->has_stream && !answer->end)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "stream: missing, and this is not the end");
	return CADRE_OK;
}

enum cadre_status cadre_predict_unpack_answer(struct cadre_slice bytes,
                                              struct cadre_arena *arena,
                                              const Cadre__V1__PredictAnswer **ret_answer,
                                              struct cadre_error *err)
{
	ProtobufCMessage *message;
	const Cadre__V1__PredictAnswer *answer;
	enum cadre_status status =
	        cadre_unpack_within(&cadre__v1__predict_answer__descriptor, bytes,
	                            &limits, arena, &message, err);

	if (status != CADRE_OK)
		return status;
	answer = (const Cadre__V1__PredictAnswer *)(const void *)message;
	status = check_answer(answer, err);
	if (status == CADRE_OK)
		*ret_answer = answer;
	return status;
}
