#include "replica/agent/predict_internal.h"

#include <stdlib.h>

#include "engine/base/assert.h"

/* A stream whose last chunk is kept goes at once when room is wanted (predict_table.c),
 * else when nobody has asked for it for a while. */

static void destroy(struct cadre_predict_server *server, struct predict_stream *stream)
{
	if (stream->route_held)
		server->router.release(server->router.ctx, &stream->route);
	free(stream);
}

void predict_stream_leave(struct cadre_predict_server *server,
                          struct predict_stream *stream)
{
	bool last;

	pthread_mutex_lock(&server->lock);
	last = --stream->refs == 0;
	if (last)
		predict_hold(server, stream, NULL);
	pthread_mutex_unlock(&server->lock);
	if (last)
		destroy(server, stream);
}

/* ---- the job of a stream that is cancelled ---- */

static void run_closing(struct cadre_predict_server *server, struct predict_job *job)
{
	struct predict_stream *stream =
	        (struct predict_stream *)(void *)((char *)job -
	                                          offsetof(struct predict_stream,
	                                                   closing));

	/* A worker that is dead has nothing to cancel; others drop it when idle. */
	(void)!cadre_worker_cancel(stream->route.client, stream->worker_stream, NULL);
	predict_stream_leave(server, stream);
}

/* Lock held. Out of the table; its reference is the caller's to leave. Who waits for it
 * is `*ret_waiting`. */
static void cancel(struct cadre_predict_server *server, struct predict_stream *stream,
                   struct predict_call **ret_waiting)
{
	*ret_waiting = stream->waiting;
	stream->waiting = NULL;
	predict_table_remove(server, stream);
	if (stream->ended)
		return;
	stream->cancelled = true;
	stream->refs++;
	stream->closing.run = run_closing;
	predict_queue(server, &stream->closing);
	cadre_metric_add(server->metrics, METRIC_CANCELLED, 1);
}

static void answer_cancelled(struct predict_call *call)
{
	if (!call)
		return;
	(void)cadre_error_set(&call->err, CADRE_UNAVAILABLE,
	                      "the prediction was cancelled");
	predict_answer_error(call);
}

void predict_stream_cancel(struct cadre_predict_server *server, uint64_t id)
{
	struct predict_call *waiting = NULL;
	struct predict_stream *stream;

	pthread_mutex_lock(&server->lock);
	stream = predict_table_find(server, id);
	if (stream)
		cancel(server, stream, &waiting);
	pthread_mutex_unlock(&server->lock);
	if (!stream)
		return;
	answer_cancelled(waiting);
	predict_stream_leave(server, stream);
}

void predict_streams_cancel_all(struct cadre_predict_server *server)
{
	for (;;) {
		uint64_t id;
		pthread_mutex_lock(&server->lock);
		id = server->oldest ? server->oldest->id : 0;
		pthread_mutex_unlock(&server->lock);
		if (id == 0)
			return;
		predict_stream_cancel(server, id);
	}
}

/* ---- the job of a stream that is asked ---- */

/* Lock held. What the worker said becomes the stream's. */
static void take_piece(struct cadre_predict_server *server, struct predict_stream *stream,
                       struct cadre_worker_piece *piece, struct cadre_error *err)
{
	struct predict_chunk *chunk;

	if (err->status == CADRE_OK && piece->number == 0)
		return;
	if (err->status == CADRE_OK && piece->number != stream->held + 1)
		(void)cadre_error_set(
		        err, CADRE_CORRUPT, "the worker gave chunk %u instead of %u",
		        (unsigned)piece->number, (unsigned)stream->held + 1);
	chunk = err->status == CADRE_OK ? predict_chunk_make(piece) : NULL;
	if (err->status == CADRE_OK && !chunk)
		(void)cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a chunk");
	if (chunk) {
		stream->held = chunk->number;
		stream->ended = chunk->end;
		predict_hold(server, stream, chunk);
		return;
	}
	/* It was known a moment ago: the worker let it go. */
	if (err->status == CADRE_NOT_FOUND)
		err->status = CADRE_UNAVAILABLE;
	stream->outcome = *err;
	stream->ended = true;
}

static uint32_t turn_ms(const struct cadre_predict_server *server, uint64_t now,
                        const struct predict_call *call)
{
	uint64_t left = now < call->until_ns ? (call->until_ns - now) / NS_PER_MS : 0;
	uint64_t most = server->queued > 0 ? PREDICT_TURN_BUSY_MS : PREDICT_TURN_MS;

	return (uint32_t)(left < most ? left : most);
}

/* Lock held. Nothing yet, and time is left. */
static bool goes_on(const struct cadre_predict_server *server,
                    const struct predict_stream *stream, uint32_t wanted)
{
	return stream->held < wanted && !stream->ended && !stream->cancelled &&
	       stream->waiting && !server->stopping &&
	       predict_now_ns(server) + NS_PER_MS <= stream->waiting->until_ns;
}

/* The route of a stream that ended by itself; false when it is not this thread's. Lock
 * held. */
static bool take_route(struct predict_stream *stream, struct cadre_agent_route *ret_route)
{
	if (!stream->ended || stream->cancelled || !stream->route_held)
		return false;
	*ret_route = stream->route;
	stream->route_held = false;
	return true;
}

static void answer_waiting(struct predict_call *call, uint64_t id,
                           const struct predict_chunk *chunk)
{
	struct predict_reply reply = { .stream = id };

	if (call->err.status != CADRE_OK) {
		predict_answer_error(call);
		return;
	}
	if (chunk) {
		reply.chunk = chunk->number;
		reply.data = cadre_buffer_slice(&chunk->data);
		reply.end = chunk->end;
	}
	predict_answer_ok(call, &reply);
}

static void end_turn(struct cadre_predict_server *server, struct predict_stream *stream,
                     uint32_t wanted)
{
	struct cadre_agent_route route;
	struct predict_chunk *chunk = NULL;
	struct predict_call *call = stream->waiting;
	bool release = take_route(stream, &route);

	stream->asking = false;
	stream->waiting = NULL;
	if (call && stream->held == wanted) {
		chunk = stream->chunk;
		chunk->refs++;
	} else if (call && stream->ended) {
		call->err = stream->outcome;
	}
	pthread_mutex_unlock(&server->lock);
	if (release)
		server->router.release(server->router.ctx, &route);
	if (call)
		answer_waiting(call, stream->id, chunk);
	pthread_mutex_lock(&server->lock);
	predict_chunk_let_go(chunk);
}

static void run_ask(struct cadre_predict_server *server, struct predict_job *job)
{
	struct predict_stream *stream =
	        (struct predict_stream *)(void *)((char *)job -
	                                          offsetof(struct predict_stream, ask));
	struct cadre_worker_piece piece = { .stream = stream->worker_stream };
	struct cadre_error err = CADRE_ERROR_INIT;
	uint32_t wanted;
	uint32_t wait_ms;

	pthread_mutex_lock(&server->lock);
	wanted = stream->held + 1;
	if (stream->waiting) {
		wait_ms = turn_ms(server, predict_now_ns(server), stream->waiting);
		pthread_mutex_unlock(&server->lock);
		(void)!cadre_worker_next(stream->route.client, wanted, wait_ms, &piece,
		                         &err);
		pthread_mutex_lock(&server->lock);
		take_piece(server, stream, &piece, &err);
	}
	if (goes_on(server, stream, wanted)) {
		predict_queue(server, &stream->ask);
		pthread_mutex_unlock(&server->lock);
	} else {
		end_turn(server, stream, wanted);
		pthread_mutex_unlock(&server->lock);
		predict_stream_leave(server, stream);
	}
	cadre_buffer_fini(&piece.data);
}

/* ---- questions ---- */

struct predict_stream *predict_stream_make(struct cadre_predict_server *server,
                                           struct predict_call *call,
                                           const struct cadre_agent_route *route,
                                           struct cadre_worker_piece *piece)
{
	struct predict_stream *stream = calloc(1, sizeof *stream);
	struct predict_chunk *chunk = NULL;
	bool stopping;

	if (stream && piece->number > 0)
		chunk = predict_chunk_make(piece);
	if (!stream || (piece->number > 0 && !chunk)) {
		free(stream);
		(void)cadre_error_set(&call->err, CADRE_OUT_OF_MEMORY,
		                      "no memory for a stream");
		return NULL;
	}
	stream->refs = 1;
	stream->route = *route;
	stream->worker_stream = piece->stream;
	stream->held = piece->number;
	stream->asked_ns = predict_now_ns(server);
	stream->deadline_ns = call->until_ns;
	stream->ask.run = run_ask;
	pthread_mutex_lock(&server->lock);
	stopping = server->stopping;
	if (!stopping) {
		stream->route_held = true;
		predict_table_add(server, stream);
		predict_hold(server, stream, chunk);
	}
	pthread_mutex_unlock(&server->lock);
	if (!stopping)
		return stream;
	predict_chunk_let_go(chunk);
	free(stream);
	(void)cadre_error_set(&call->err, CADRE_UNAVAILABLE,
	                      "this node is shutting down");
	return NULL;
}

/* Lock held. The question waits; who waited before asks on. */
static struct predict_call *park(struct cadre_predict_server *server,
                                 struct predict_stream *stream, struct predict_call *call)
{
	struct predict_call *before = stream->waiting;

	stream->waiting = call;
	if (stream->asking)
		return before;
	stream->asking = true;
	stream->refs++;
	predict_queue(server, &stream->ask);
	return before;
}

/* Lock held. What to say to a chunk that there is not and will not be. */
static void refuse(const struct predict_stream *stream, uint32_t after,
                   struct cadre_error *err)
{
	if (after == stream->held && stream->outcome.status != CADRE_OK)
		*err = stream->outcome;
	else if (after == stream->held)
		(void)cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                      "next.after: the stream ended with chunk %u",
		                      (unsigned)after);
	else
		(void)cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                      "next.after: %u, the last chunk is %u",
		                      (unsigned)after, (unsigned)stream->held);
}

void predict_stream_next(struct cadre_predict_server *server, struct predict_call *call)
{
	const Cadre__V1__PredictNext *request = call->request->next;
	struct predict_chunk *chunk = NULL;
	struct predict_call *before = NULL;
	struct predict_stream *stream;
	bool answered = true;
	uint64_t id = request->stream;

	pthread_mutex_lock(&server->lock);
	stream = predict_table_find(server, id);
	if (stream)
		stream->asked_ns = call->received_ns;
	if (!stream) {
		(void)cadre_error_set(&call->err, CADRE_NOT_FOUND,
		                      "no such stream: it was cancelled, or nobody asked "
		                      "for it in a while");
	} else if (stream->chunk && (uint64_t)request->after + 1 == stream->held) {
		chunk = stream->chunk;
		chunk->refs++;
		cadre_metric_add(server->metrics, METRIC_REPEATS, 1);
	} else if (request->after == stream->held && !stream->ended) {
		before = park(server, stream, call);
		answered = false;
	} else {
		refuse(stream, request->after, &call->err);
	}
	pthread_mutex_unlock(&server->lock);
	if (before)
		answer_waiting(before, id, NULL);
	if (!answered)
		return;
	answer_waiting(call, id, chunk);
	pthread_mutex_lock(&server->lock);
	predict_chunk_let_go(chunk);
	pthread_mutex_unlock(&server->lock);
}

/* ---- the keeper ---- */

static uint64_t due_ns(const struct cadre_predict_server *server,
                       const struct predict_stream *stream)
{
	uint64_t idle = stream->asked_ns + server->idle_ns;
	uint64_t late = stream->deadline_ns + PREDICT_LATE_MS * NS_PER_MS;

	return idle < late ? idle : late;
}

/* Lock held. One that has not been asked for in a while or is past its deadline, or
 * NULL. */
static struct predict_stream *find_due(struct cadre_predict_server *server)
{
	uint64_t now = predict_now_ns(server);
	struct predict_stream *at = server->oldest;

	while (at && (at->waiting || at->asking || due_ns(server, at) > now))
		at = at->newer;
	return at;
}

static void drop_due(struct cadre_predict_server *server, struct predict_stream *stream)
{
	struct predict_call *waiting;
	bool ended = stream->ended;
	uint32_t held = stream->held;

	cancel(server, stream, &waiting);
	pthread_mutex_unlock(&server->lock);
	CADRE_ASSERT(!waiting);
	if (!ended) {
		cadre_metric_add(server->metrics, METRIC_IDLE, 1);
		cadre_log_line(server->sink, server->env->ops->wall_ms(server->env),
		               CADRE_LOG_INFO, "predict.idle",
		               "deployment=\"%s\" model=\"%s\" chunks=%u",
		               stream->route.deployment_id, stream->route.model_id,
		               (unsigned)held);
	}
	predict_stream_leave(server, stream);
	pthread_mutex_lock(&server->lock);
}

/* Lock held. */
static uint64_t next_look_ns(const struct cadre_predict_server *server)
{
	uint64_t pause_ns = PREDICT_LATE_MS * NS_PER_MS;

	if (server->streams == 0)
		return UINT64_MAX;
	if (pause_ns > server->idle_ns)
		pause_ns = server->idle_ns;
	return predict_now_ns(server) + pause_ns;
}

void *predict_keep(void *arg)
{
	struct cadre_predict_server *server = arg;

	pthread_mutex_lock(&server->lock);
	while (!server->stopping) {
		struct predict_stream *stream = find_due(server);
		if (stream)
			drop_due(server, stream);
		else
			(void)predict_wait(server, next_look_ns(server));
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}
