/*
 * predict and predictWithResponseStream: the leader says which nodes have the key ready,
 * one of them is asked; another one only while it is certain that no worker has begun.
 *
 * The key is the header `model-key`, or the field "model" of a JSON body. The body goes
 * to the worker as it came, and its answer comes back as it is.
 */
#include <string.h>

#include "replica/agent/predict_choose.h"
#include "tools/gateway/exchange.h"
#include "tools/gateway/model_field.h"
#include "tools/gateway/nodes.h"
#include "tools/gateway/operations.h"

struct prediction {
	struct gateway_request *request;
	const char *key;
	const Cadre__V1__EndpointsResult *endpoints;
	uint64_t deadline_ns;
	bool streamed;                 /* chunks go out as they come */
	struct gateway_stream *stream; /* once the first one is there */
	size_t bytes;                  /* collected otherwise */
	struct cadre_prediction_facts facts;
};

static enum cadre_status read_key(struct prediction *prediction)
{
	struct gateway_request *request = prediction->request;
	const char *header = gateway_header(request, "model-key");
	char *model = gateway_alloc(request, GATEWAY_MODEL_BYTES);

	if (!model)
		return request->err.status;
	prediction->key = header && *header ? gateway_text(request, "%s", header) : model;
	if (header && *header)
		return prediction->key ? CADRE_OK : request->err.status;
	if (gateway_model_field(cadre_buffer_slice(&request->body), model))
		return CADRE_OK;
	return cadre_error_set(
	        &request->err, CADRE_MISSING_PARAMETER,
	        "model-key: missing; name a model in this header or in the "
	        "field \"model\" of a JSON body");
}

/* Nodes list the keys that they have ready; a model that is called by its OCID may have
 * none. Then each node says for itself whether it has it. */
static enum cadre_status allow_ocid(struct prediction *prediction,
                                    Cadre__V1__EndpointsResult *endpoints)
{
	char **keys;

	if (strncmp(prediction->key, "ocid1.", 6) != 0)
		return CADRE_OK;
	keys = gateway_alloc(prediction->request, sizeof *keys);
	if (!keys)
		return prediction->request->err.status;
	*keys = (char *)(uintptr_t)prediction->key;
	for (size_t i = 0; i < endpoints->n_endpoints; i++) {
		endpoints->endpoints[i]->ready_keys = keys;
		endpoints->endpoints[i]->n_ready_keys = 1;
	}
	return CADRE_OK;
}

/* Deployment and endpoints in one message. */
static enum cadre_status load(struct prediction *prediction)
{
	struct gateway_request *request = prediction->request;
	Cadre__V1__Op get_op = CADRE__V1__OP__INIT;
	Cadre__V1__Op endpoints_op = CADRE__V1__OP__INIT;
	Cadre__V1__Get get = CADRE__V1__GET__INIT;
	Cadre__V1__Endpoints endpoints = CADRE__V1__ENDPOINTS__INIT;
	const Cadre__V1__Op *const ops[] = { &get_op, &endpoints_op };
	const Cadre__V1__Resource *deployment;
	Cadre__V1__Result **results = NULL;
	enum cadre_status status;

	get_op.body_case = CADRE__V1__OP__BODY_GET;
	get_op.get = &get;
	get.id = (char *)(uintptr_t)request->ids[0];
	endpoints_op.body_case = CADRE__V1__OP__BODY_ENDPOINTS;
	endpoints_op.endpoints = &endpoints;
	endpoints.deployment = get.id;
	status = gateway_ask(request, ops, 2, &results);
	if (status != CADRE_OK)
		return status;
	deployment = results[0]->resource->resource;
	if (strcmp(deployment->ocid, request->ids[0]) != 0 || !deployment->deployment ||
	    deployment->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		return cadre_error_set(&request->err, CADRE_NOT_FOUND,
		                       "deployment \"%.255s\" does not exist, or you may "
		                       "not see it",
		                       request->ids[0]);
	if (deployment->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__INACTIVE)
		return cadre_error_set(&request->err, CADRE_CONFLICT,
		                       "deployment \"%.255s\" is INACTIVE",
		                       request->ids[0]);
	prediction->endpoints = results[1]->endpoints;
	return allow_ocid(prediction, results[1]->endpoints);
}

/* What the first bytes look like. */
static const char *type_of(struct cadre_slice chunk)
{
	if (chunk.length > 0 && (chunk.data[0] == '{' || chunk.data[0] == '['))
		return "application/json";
	if (chunk.length >= 5 && memcmp(chunk.data, "data:", 5) == 0)
		return "text/event-stream";
	return "application/octet-stream";
}

static void put_facts(struct prediction *prediction)
{
	struct gateway_request *request = prediction->request;

	gateway_answer_header(request, "cadre-model-id", prediction->facts.model_id);
	gateway_answer_header(
	        request, "cadre-generation",
	        gateway_text(request, "%llu",
	                     (unsigned long long)prediction->facts.generation));
}

static enum cadre_status send_chunk(struct prediction *prediction,
                                    struct cadre_slice chunk, struct cadre_error *err)
{
	if (!prediction->stream) {
		put_facts(prediction);
		prediction->stream = gateway_exchange_stream(prediction->request,
		                                             type_of(chunk));
		if (!prediction->stream)
			return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "out of memory");
	}
	if (gateway_stream_write(prediction->stream, chunk) == CADRE_OK)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_UNAVAILABLE, "the client has gone");
}

static enum cadre_status collect_chunk(struct prediction *prediction,
                                       struct cadre_slice chunk, struct cadre_error *err)
{
	struct gateway_answer *answer = &prediction->request->answer;

	if (answer->json.text.length + chunk.length >
	    prediction->request->gateway->predict_max)
		return cadre_error_set(err, CADRE_LIMIT_EXCEEDED,
		                       "the answer is longer than %zu bytes: ask for it "
		                       "by predictWithResponseStream",
		                       prediction->request->gateway->predict_max);
	if (cadre_buffer_append(&answer->json.text, chunk.data, chunk.length) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "out of memory");
	return CADRE_OK;
}

/* All chunks of one node's answer. */
static enum cadre_status take_chunks(struct prediction *prediction,
                                     struct cadre_prediction *from,
                                     struct cadre_error *err)
{
	struct cadre_slice chunk;
	enum cadre_status status;

	while ((status = cadre_prediction_next(from, &chunk, err)) == CADRE_OK) {
		if (atomic_load(&prediction->request->gateway->stopping))
			return cadre_error_set(err, CADRE_UNAVAILABLE,
			                       "the gateway is stopping");
		if (chunk.length == 0)
			continue;
		status = prediction->streamed ? send_chunk(prediction, chunk, err)
		                              : collect_chunk(prediction, chunk, err);
		if (status != CADRE_OK)
			return status;
	}
	return status == CADRE_END ? CADRE_OK : status;
}

static enum cadre_status ask_node(struct prediction *prediction, const char *address,
                                  struct cadre_error *err)
{
	struct gateway_request *request = prediction->request;
	uint64_t now = gateway_now_ns();
	const struct cadre_prediction_request question = {
		.deployment = request->ids[0],
		.key = prediction->key,
		.payload = cadre_buffer_slice(&request->body),
		.deadline_ms =
		        prediction->deadline_ns > now
		                ? (uint32_t)((prediction->deadline_ns - now) / 1000000u) +
		                          1
		                : 1,
	};
	struct cadre_predict_client *client = NULL;
	struct cadre_prediction *answer = NULL;
	size_t slot = 0;
	enum cadre_status status = gateway_nodes_borrow(request->gateway->nodes, address,
	                                                &client, &slot, err);

	memset(&prediction->facts, 0, sizeof prediction->facts);
	if (status != CADRE_OK)
		return status;
	status = cadre_prediction_begin(client, &question, &prediction->facts, &answer,
	                                err);
	if (status == CADRE_OK)
		status = take_chunks(prediction, answer, err);
	cadre_prediction_end(&answer);
	gateway_nodes_give_back(request->gateway->nodes, slot);
	return status;
}

static enum cadre_status ask_nodes(struct prediction *prediction)
{
	struct gateway_request *request = prediction->request;
	bool *tried = gateway_alloc(request,
	                            prediction->endpoints->n_endpoints * sizeof *tried);
	uint64_t spread = atomic_load(&request->gateway->requests);
	struct cadre_error last = CADRE_ERROR_INIT;

	if (!tried)
		return request->err.status;
	for (;;) {
		struct cadre_error err = CADRE_ERROR_INIT;
		size_t index = 0;
		enum cadre_status status = cadre_predict_choose(prediction->endpoints,
		                                                prediction->key, tried,
		                                                spread, &index, &err);

		if (status == CADRE_OK) {
			last = err;
			status = ask_node(
			        prediction,
			        prediction->endpoints->endpoints[index]->address, &last);
			if (status == CADRE_OK)
				return status;
			if (cadre_predict_may_ask_elsewhere(status,
			                                    prediction->facts.started)) {
				tried[index] = true;
				continue;
			}
		} else if (last.status == CADRE_OK) {
			last = err;
		}
		/* Why the last one refused. */
		return cadre_error_set(&request->err, last.status, "%s", last.message);
	}
}

static enum cadre_status answer(struct prediction *prediction, enum cadre_status status)
{
	struct gateway_request *request = prediction->request;
	struct gateway_stream *stream = prediction->stream;

	if (stream) {
		gateway_stream_end(stream, status != CADRE_OK);
		gateway_stream_unref(stream);
		return CADRE_OK;
	}
	if (status != CADRE_OK)
		return status;
	put_facts(prediction);
	request->answer.http = 200;
	request->answer.type = type_of(cadre_buffer_slice(&request->answer.json.text));
	return CADRE_OK;
}

static enum cadre_status predict(struct gateway_request *request, bool streamed)
{
	struct prediction prediction = {
		.request = request,
		.streamed = streamed,
		.deadline_ns = gateway_now_ns() +
		               (uint64_t)request->gateway->predict_ms * 1000000u,
	};
	enum cadre_status status = read_key(&prediction);

	if (status == CADRE_OK)
		status = load(&prediction);
	if (status == CADRE_OK)
		status = ask_nodes(&prediction);
	return answer(&prediction, status);
}

enum cadre_status gateway_predict(struct gateway_request *request)
{
	return predict(request, false);
}

enum cadre_status gateway_predict_stream(struct gateway_request *request)
{
	return predict(request, true);
}
