#include "replica/agent/predict_internal.h"

/* ---- a start: admission ---- */

static enum cadre_status admit(struct cadre_predict_server *server,
                               struct predict_call *call)
{
	if (server->refusing)
		return cadre_error_set(&call->err, CADRE_UNAVAILABLE,
		                       "this node is shutting down: nothing was started");
	if (!predict_make_room(server, call->bytes)) {
		cadre_metric_add(server->metrics, METRIC_REFUSED, 1);
		return cadre_error_set(
		        &call->err, CADRE_TOO_MANY_REQUESTS,
		        "%u predictions with %zu bytes are under way: nothing was "
		        "started, ask again later or elsewhere",
		        server->starts + server->streams, server->bytes);
	}
	server->starts++;
	server->bytes += call->bytes;
	cadre_metric_set(server->metrics, METRIC_BYTES, (int64_t)server->bytes);
	predict_queue(server, &call->job);
	return CADRE_OK;
}

/* The place of a start is free, or its stream's. */
static void leave(struct cadre_predict_server *server, struct predict_call *call)
{
	pthread_mutex_lock(&server->lock);
	server->starts--;
	server->bytes -= call->bytes;
	cadre_metric_set(server->metrics, METRIC_BYTES, (int64_t)server->bytes);
	pthread_mutex_unlock(&server->lock);
	cadre_metric_observe(server->metrics, METRIC_FIRST_US,
	                     (predict_now_ns(server) - call->received_ns) / 1000);
}

/* ---- a start: on a thread of the pool ---- */

static const Cadre__V1__PredictStart *start_of(const struct predict_call *call)
{
	return call->request->start;
}

/* Rounded up; 0 once it has passed. */
static uint32_t remaining_ms(struct cadre_predict_server *server,
                             const struct predict_call *call)
{
	uint64_t now = predict_now_ns(server);

	if (now >= call->until_ns)
		return 0;
	return (uint32_t)((call->until_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

static bool is_stopping(struct cadre_predict_server *server)
{
	bool stopping;

	pthread_mutex_lock(&server->lock);
	stopping = server->stopping;
	pthread_mutex_unlock(&server->lock);
	return stopping;
}

static enum cadre_status resolve(struct cadre_predict_server *server,
                                 struct predict_call *call,
                                 struct cadre_agent_route *ret_route)
{
	const Cadre__V1__PredictStart *start = start_of(call);

	if (is_stopping(server))
		return cadre_error_set(&call->err, CADRE_UNAVAILABLE,
		                       "this node is shutting down: nothing was started");
	if (remaining_ms(server, call) == 0)
		return cadre_error_set(&call->err, CADRE_DEADLINE,
		                       "the deadline passed before a worker was free");
	return server->router.route(server->router.ctx, start->compartment,
	                            start->deployment, start->key, ret_route, &call->err);
}

/* A worker that refuses has not begun: no model of that name (it was just started again),
 * loading, or full. */
static enum cadre_status judge_refusal(struct predict_call *call,
                                       const struct cadre_agent_route *route)
{
	enum cadre_status status = call->err.status;

	if (status != CADRE_NOT_FOUND && status != CADRE_INCORRECT_STATE &&
	    status != CADRE_TOO_MANY_REQUESTS)
		return status;
	call->started = false;
	if (status == CADRE_TOO_MANY_REQUESTS)
		return status;
	call->err.status = CADRE_UNAVAILABLE;
	cadre_error_prefix(&call->err,
	                   "\"%s\" is not ready in its worker: ", route->model_id);
	return CADRE_UNAVAILABLE;
}

static enum cadre_status infer(struct cadre_predict_server *server,
                               struct predict_call *call,
                               const struct cadre_agent_route *route,
                               struct cadre_worker_piece *piece)
{
	const ProtobufCBinaryData *payload = &start_of(call)->payload;
	uint32_t deadline_ms = remaining_ms(server, call);

	if (!cadre_worker_alive(route->client, &call->err)) {
		call->err.status = CADRE_UNAVAILABLE;
		return CADRE_UNAVAILABLE;
	}
	call->started = true;
	if (cadre_worker_infer(
	            route->client, route->name, cadre_slice(payload->data, payload->len),
	            deadline_ms > 0 ? deadline_ms : 1, piece, &call->err) == CADRE_OK)
		return CADRE_OK;
	return judge_refusal(call, route);
}

static void answer_whole(struct predict_call *call, const struct cadre_agent_route *route,
                         const struct cadre_worker_piece *piece)
{
	const struct predict_reply reply = {
		.chunk = piece->number,
		.data = cadre_buffer_slice(&piece->data),
		.end = true,
		.route = route,
	};

	predict_answer_ok(call, &reply);
}

/* What is not whole goes on as a stream; true when that took over the route. */
static bool answer_stream(struct cadre_predict_server *server, struct predict_call *call,
                          const struct cadre_agent_route *route,
                          struct cadre_worker_piece *piece)
{
	uint64_t worker_stream = piece->stream;
	struct predict_stream *stream = predict_stream_make(server, call, route, piece);
	struct predict_reply reply = { .route = route };

	leave(server, call);
	if (!stream) {
		(void)!cadre_worker_cancel(route->client, worker_stream, NULL);
		predict_answer_error(call);
		return false;
	}
	reply.stream = stream->id;
	/* Nobody knows the stream yet, so nobody replaces its chunk. */
	if (stream->chunk) {
		reply.chunk = stream->chunk->number;
		reply.data = cadre_buffer_slice(&stream->chunk->data);
	}
	predict_answer_ok(call, &reply);
	predict_stream_leave(server, stream);
	return true;
}

static void run_start(struct cadre_predict_server *server, struct predict_job *job)
{
	struct predict_call *call = (struct predict_call *)(void *)job;
	struct cadre_agent_route route = { 0 };
	struct cadre_worker_piece piece = { 0 };
	bool taken = false;
	enum cadre_status status = resolve(server, call, &route);
	bool routed = status == CADRE_OK;

	if (routed)
		status = infer(server, call, &route, &piece);
	if (status == CADRE_OK && !(piece.number > 0 && piece.end)) {
		taken = answer_stream(server, call, &route, &piece);
	} else {
		leave(server, call);
		if (status == CADRE_OK)
			answer_whole(call, &route, &piece);
		else
			predict_answer_error(call);
	}
	if (routed && !taken)
		server->router.release(server->router.ctx, &route);
	cadre_buffer_fini(&piece.data);
}

/* ---- what nng's threads do ---- */

static void start(struct cadre_predict_server *server, struct predict_call *call)
{
	const Cadre__V1__PredictStart *request = start_of(call);
	uint64_t deadline_ms = request->has_deadline_ms ? request->deadline_ms : 0;
	enum cadre_status status;

	if (deadline_ms == 0)
		deadline_ms = CADRE_PREDICT_DEADLINE_MS_DEFAULT;
	if (deadline_ms > CADRE_PREDICT_DEADLINE_MS_MAX)
		deadline_ms = CADRE_PREDICT_DEADLINE_MS_MAX;
	cadre_metric_add(server->metrics, METRIC_STARTS, 1);
	call->until_ns = call->received_ns + deadline_ms * NS_PER_MS;
	call->job.run = run_start;
	pthread_mutex_lock(&server->lock);
	status = admit(server, call);
	pthread_mutex_unlock(&server->lock);
	if (status != CADRE_OK)
		predict_answer_error(call);
}

static void next(struct cadre_predict_server *server, struct predict_call *call)
{
	const Cadre__V1__PredictNext *request = call->request->next;
	uint64_t wait_ms = request->has_wait_ms ? request->wait_ms : PREDICT_TURN_MS;

	if (wait_ms > CADRE_PREDICT_WAIT_MS_MAX)
		wait_ms = CADRE_PREDICT_WAIT_MS_MAX;
	call->until_ns = call->received_ns + wait_ms * NS_PER_MS;
	call->started = true;
	predict_stream_next(server, call);
}

/* A stream that is gone, or never was, is as cancelled as one can be. */
static void cancel(struct cadre_predict_server *server, struct predict_call *call)
{
	const struct predict_reply reply = { .end = true };

	predict_stream_cancel(server, call->request->cancel->stream);
	predict_answer_ok(call, &reply);
}

void predict_receive(void *arg, struct cadre_exchange *exchange)
{
	struct cadre_predict_server *server = arg;
	struct predict_call *call = cadre_exchange_storage(exchange);
	struct cadre_slice bytes = cadre_exchange_request(exchange);

	*call = (struct predict_call){
		.server = server,
		.exchange = exchange,
		.received_ns = predict_now_ns(server),
		.bytes = bytes.length,
	};
	cadre_arena_init(&call->arena, CADRE_PREDICT_ARENA_BYTES_MAX);
	if (cadre_predict_unpack_request(bytes, &call->arena, &call->request,
	                                 &call->err) != CADRE_OK)
		predict_answer_error(call);
	else if (call->request->body_case == CADRE__V1__PREDICT_REQUEST__BODY_START)
		start(server, call);
	else if (call->request->body_case == CADRE__V1__PREDICT_REQUEST__BODY_NEXT)
		next(server, call);
	else
		cancel(server, call);
}
