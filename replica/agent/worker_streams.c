#include "replica/agent/worker_internal.h"

#include <stdlib.h>

#include "engine/base/assert.h"

#define NS_PER_MS UINT64_C(1000000)
/* What the author may be ahead of the client. */
#define PENDING_BYTES_MAX ((size_t)1 << 20)

static struct cadre_worker_stream *find(struct cadre_worker *worker, uint64_t id)
{
	struct cadre_worker_stream *stream = worker->streams;

	while (stream && stream->id != id)
		stream = stream->next;
	return stream;
}

static void remove_stream(struct cadre_worker *worker, struct cadre_worker_stream *stream)
{
	struct cadre_worker_stream **link = &worker->streams;

	CADRE_ASSERT(stream->state == STREAM_ENDED && stream->waiters == 0);
	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
	worker->stream_count--;
	pthread_cond_destroy(&stream->changed);
	cadre_buffer_fini(&stream->handed_data);
	cadre_buffer_fini(&stream->pending);
	free(stream->payload);
	free(stream);
}

static void end_stream(struct cadre_worker *worker, struct cadre_worker_stream *stream,
                       const struct cadre_error *outcome)
{
	struct worker_model *model = stream->model;

	stream->outcome = *outcome;
	stream->state = STREAM_ENDED;
	stream->model = NULL;
	free(stream->payload);
	stream->payload = NULL;
	worker->inferences++;
	worker_model_released(worker, model);
	pthread_cond_broadcast(&stream->changed);
}

/* ---- the author's side; the lock is not held ---- */

static bool past_deadline(const struct cadre_worker_stream *stream)
{
	return worker_now_ns() >= stream->deadline_ns;
}

bool cadre_worker_stopped(struct cadre_worker_stream *stream)
{
	return atomic_load(&stream->cancelled) || past_deadline(stream);
}

static enum cadre_status stopped_error(struct cadre_worker_stream *stream,
                                       struct cadre_error *err)
{
	if (past_deadline(stream))
		return cadre_error_set(err, CADRE_DEADLINE,
		                       "the inference took more than %u ms",
		                       (unsigned)stream->deadline_ms);
	return cadre_error_set(err, CADRE_UNAVAILABLE, "the inference was cancelled");
}

static enum cadre_status append(struct cadre_worker_stream *stream,
                                struct cadre_slice bytes, struct cadre_error *err)
{
	if (bytes.length > CADRE_PREDICT_BYTES_MAX)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "a chunk of %zu bytes, at most %d", bytes.length,
		                       (int)CADRE_PREDICT_BYTES_MAX);
	while (stream->pending.length > 0 &&
	       stream->pending.length + bytes.length > PENDING_BYTES_MAX) {
		if (cadre_worker_stopped(stream))
			return stopped_error(stream, err);
		worker_wait(stream->worker, &stream->changed, stream->deadline_ns);
	}
	if (cadre_worker_stopped(stream))
		return stopped_error(stream, err);
	if (cadre_buffer_append(&stream->pending, bytes.data, bytes.length) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a chunk of %zu bytes",
		                       bytes.length);
	pthread_cond_broadcast(&stream->changed);
	return CADRE_OK;
}

static enum cadre_status emit(struct cadre_worker_stream *stream,
                              struct cadre_slice bytes, bool last,
                              struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	pthread_mutex_lock(&stream->worker->lock);
	CADRE_ASSERT(!stream->complete);
	if (bytes.length > 0)
		status = append(stream, bytes, err);
	if (status == CADRE_OK)
		stream->complete = last;
	pthread_mutex_unlock(&stream->worker->lock);
	return status;
}

enum cadre_status cadre_worker_emit(struct cadre_worker_stream *stream,
                                    struct cadre_slice bytes, struct cadre_error *err)
{
	return emit(stream, bytes, false, err);
}

enum cadre_status cadre_worker_emit_last(struct cadre_worker_stream *stream,
                                         struct cadre_slice bytes,
                                         struct cadre_error *err)
{
	return emit(stream, bytes, true, err);
}

static void infer_one(struct cadre_worker *worker, struct cadre_worker_stream *stream)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;

	stream->state = STREAM_RUNNING;
	if (cadre_worker_stopped(stream)) {
		stopped_error(stream, &err);
		end_stream(worker, stream, &err);
		return;
	}
	pthread_mutex_unlock(&worker->lock);
	status = worker->callbacks.infer(
	        worker->ctx, stream->model->handle,
	        cadre_slice(stream->payload, stream->payload_length), stream, &err);
	pthread_mutex_lock(&worker->lock);
	if (stream->complete)
		status = CADRE_OK;
	else if (status != CADRE_OK && cadre_worker_stopped(stream))
		stopped_error(stream, &err);
	else if (status >= CADRE_END)
		cadre_error_set(&err, CADRE_INTERNAL, "the worker answered %s",
		                cadre_status_name(status));
	else if (status != CADRE_OK && (err.status != status || !err.message[0]))
		cadre_error_set(&err, status, "the inference failed");
	if (status == CADRE_OK)
		err.status = CADRE_OK;
	end_stream(worker, stream, &err);
	if (stream->waiters == 0 && atomic_load(&stream->cancelled))
		remove_stream(worker, stream);
}

void *worker_run_inferer(void *arg)
{
	struct cadre_worker *worker = arg;

	pthread_mutex_lock(&worker->lock);
	while (!worker->stopping) {
		struct cadre_worker_stream *stream = worker->streams;
		while (stream && stream->state != STREAM_QUEUED)
			stream = stream->next;
		if (stream)
			infer_one(worker, stream);
		else
			worker_wait(worker, &worker->work, UINT64_MAX);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

/* ---- the client's side ---- */

/* What was told to the end makes room, the oldest first. */
static bool evict(struct cadre_worker *worker)
{
	struct cadre_worker_stream *stream = worker->streams;

	while (stream && !(stream->state == STREAM_ENDED && stream->waiters == 0 &&
	                   (stream->handed_end || stream->failure_told)))
		stream = stream->next;
	if (!stream)
		return false;
	remove_stream(worker, stream);
	return true;
}

static struct cadre_worker_stream *make_stream(struct cadre_worker *worker,
                                               const Cadre__V1__WorkerInfer *infer,
                                               struct worker_model *model)
{
	struct cadre_worker_stream *stream = calloc(1, sizeof *stream);
	uint32_t deadline_ms = infer->has_deadline_ms ? infer->deadline_ms
	                                              : CADRE_WORKER_DEADLINE_MS_DEFAULT;

	if (!stream)
		return NULL;
	stream->payload = malloc(infer->payload.len + 1);
	if (!stream->payload) {
		free(stream);
		return NULL;
	}
	if (infer->payload.len > 0)
		memcpy(stream->payload, infer->payload.data, infer->payload.len);
	if (deadline_ms > CADRE_WORKER_DEADLINE_MS_MAX)
		deadline_ms = CADRE_WORKER_DEADLINE_MS_MAX;
	worker_cond_init(&stream->changed);
	stream->payload_length = infer->payload.len;
	stream->worker = worker;
	stream->id = ++worker->last_stream;
	stream->model = model;
	stream->deadline_ms = deadline_ms;
	stream->asked_ns = worker_now_ns();
	stream->deadline_ns = stream->asked_ns + deadline_ms * NS_PER_MS;
	return stream;
}

static void enqueue(struct cadre_worker *worker, struct cadre_worker_stream *stream)
{
	struct cadre_worker_stream **link = &worker->streams;

	while (*link)
		link = &(*link)->next;
	*link = stream;
	worker->stream_count++;
	stream->model->in_flight++;
	pthread_cond_signal(&worker->work);
}

static enum cadre_status find_ready(struct cadre_worker *worker, const char *name,
                                    struct worker_model **ret_model,
                                    struct cadre_error *err)
{
	struct worker_model *model = worker_model_find(worker, name);

	*ret_model = model;
	if (!model)
		return cadre_error_set(err, CADRE_NOT_FOUND, "\"%s\" is not loaded",
		                       name);
	if (model->state == MODEL_READY && !worker->stopping)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INCORRECT_STATE, "\"%s\" is %s", name,
	                       model->state == MODEL_FAILED    ? "failed"
	                       : model->state == MODEL_LEAVING ? "being unloaded"
	                                                       : "still loading");
}

static void fill(const struct cadre_worker_stream *stream, uint32_t number,
                 Cadre__V1__WorkerChunk *chunk)
{
	chunk->stream = stream->id;
	chunk->chunk = number;
	if (number == 0)
		return;
	chunk->data.data = stream->handed_data.data;
	chunk->data.len = stream->handed_data.length;
	chunk->end = stream->handed_end;
}

/* Chunk `handed + 1` from what is pending. */
static void hand_out(struct cadre_worker_stream *stream)
{
	struct cadre_buffer free_data = stream->handed_data;

	cadre_buffer_clear(&free_data);
	stream->handed_data = stream->pending;
	stream->pending = free_data;
	stream->handed_end = stream->complete || (stream->state == STREAM_ENDED &&
	                                          stream->outcome.status == CADRE_OK);
	stream->handed++;
	pthread_cond_broadcast(&stream->changed);
}

/* Waits for the chunk behind the one handed out, until `until_ns`. */
static enum cadre_status await_next(struct cadre_worker_stream *stream, uint64_t until_ns,
                                    Cadre__V1__WorkerChunk *chunk,
                                    struct cadre_error *err)
{
	uint64_t until = until_ns < stream->deadline_ns ? until_ns : stream->deadline_ns;
	uint32_t number = stream->handed + 1;

	while (stream->handed < number && stream->pending.length == 0 &&
	       stream->state != STREAM_ENDED && !cadre_worker_stopped(stream) &&
	       worker_wait(stream->worker, &stream->changed, until))
		;
	if (stream->handed >= number) { /* asked for twice at once */
		fill(stream, stream->handed, chunk);
		return CADRE_OK;
	}
	if (stream->state == STREAM_ENDED && stream->outcome.status != CADRE_OK &&
	    stream->pending.length == 0) {
		stream->failure_told = true;
		*err = stream->outcome;
		return stream->outcome.status;
	}
	if (stream->pending.length > 0 ||
	    (stream->state == STREAM_ENDED && stream->outcome.status == CADRE_OK)) {
		hand_out(stream);
		fill(stream, number, chunk);
		return CADRE_OK;
	}
	if (cadre_worker_stopped(stream))
		return stopped_error(stream, err);
	fill(stream, 0, chunk);
	return CADRE_OK;
}

static enum cadre_status await_held(struct cadre_worker_stream *stream, uint32_t wait_ms,
                                    Cadre__V1__WorkerChunk *chunk,
                                    struct cadre_worker_stream **ret_stream,
                                    struct cadre_error *err)
{
	if (wait_ms > CADRE_WORKER_WAIT_MS_MAX)
		wait_ms = CADRE_WORKER_WAIT_MS_MAX;
	stream->waiters++;
	*ret_stream = stream;
	return await_next(stream, worker_now_ns() + wait_ms * NS_PER_MS, chunk, err);
}

enum cadre_status worker_stream_start(struct cadre_worker *worker,
                                      const Cadre__V1__WorkerInfer *infer,
                                      Cadre__V1__WorkerChunk *chunk,
                                      struct cadre_worker_stream **ret_stream,
                                      struct cadre_error *err)
{
	struct cadre_worker_stream *stream;
	struct worker_model *model;
	enum cadre_status status = find_ready(worker, infer->name, &model, err);

	if (status != CADRE_OK)
		return status;
	if (worker->stream_count >= worker->streams_max && !evict(worker))
		return cadre_error_set(err, CADRE_TOO_MANY_REQUESTS,
		                       "%u inferences are under way, at most %u",
		                       worker->stream_count, worker->streams_max);
	stream = make_stream(worker, infer, model);
	if (!stream)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a payload of %zu bytes",
		                       infer->payload.len);
	enqueue(worker, stream);
	return await_held(stream, CADRE_WORKER_ANSWER_MS, chunk, ret_stream, err);
}

enum cadre_status worker_stream_next(struct cadre_worker *worker,
                                     const Cadre__V1__WorkerNext *next,
                                     Cadre__V1__WorkerChunk *chunk,
                                     struct cadre_worker_stream **ret_stream,
                                     struct cadre_error *err)
{
	struct cadre_worker_stream *stream = find(worker, next->stream);

	if (!stream || atomic_load(&stream->cancelled))
		return cadre_error_set(err, CADRE_NOT_FOUND, "no stream %llu",
		                       (unsigned long long)next->stream);
	stream->asked_ns = worker_now_ns();
	if (next->chunk > 0 && next->chunk == stream->handed) {
		stream->waiters++;
		*ret_stream = stream;
		fill(stream, stream->handed, chunk);
		return CADRE_OK;
	}
	if (next->chunk != stream->handed + 1 || stream->handed_end)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "chunk %u of stream %llu, whose last one is %u",
		                       (unsigned)next->chunk,
		                       (unsigned long long)next->stream,
		                       (unsigned)stream->handed);
	return await_held(stream, next->wait_ms, chunk, ret_stream, err);
}

void worker_stream_let_go(struct cadre_worker_stream *stream)
{
	if (!stream)
		return;
	CADRE_ASSERT(stream->waiters > 0);
	stream->waiters--;
	if (stream->waiters == 0 && stream->state == STREAM_ENDED &&
	    atomic_load(&stream->cancelled))
		remove_stream(stream->worker, stream);
}

/* What waits for its turn ends at once, what runs when its author notices. */
static void cancel(struct cadre_worker *worker, struct cadre_worker_stream *stream)
{
	struct cadre_error outcome = CADRE_ERROR_INIT;

	atomic_store(&stream->cancelled, true);
	if (stream->state == STREAM_QUEUED) {
		stopped_error(stream, &outcome);
		end_stream(worker, stream, &outcome);
	}
	pthread_cond_broadcast(&stream->changed);
}

void worker_stream_cancel(struct cadre_worker *worker, uint64_t id)
{
	struct cadre_worker_stream *stream = find(worker, id);

	if (!stream)
		return;
	cancel(worker, stream);
	if (stream->state == STREAM_ENDED && stream->waiters == 0)
		remove_stream(worker, stream);
}

void worker_stream_cancel_model(struct cadre_worker *worker,
                                const struct worker_model *model)
{
	for (struct cadre_worker_stream *stream = worker->streams; stream;
	     stream = stream->next) {
		if (stream->model == model && !atomic_load(&stream->cancelled))
			cancel(worker, stream);
	}
}

void worker_stream_cancel_all(struct cadre_worker *worker)
{
	for (struct cadre_worker_stream *stream = worker->streams; stream;
	     stream = stream->next)
		cancel(worker, stream);
}

void worker_streams_expire(struct cadre_worker *worker)
{
	uint64_t now = worker_now_ns();
	struct cadre_worker_stream *next;

	for (struct cadre_worker_stream *stream = worker->streams; stream;
	     stream = next) {
		next = stream->next;
		if (stream->waiters > 0 ||
		    now < stream->asked_ns + worker->idle_ms * NS_PER_MS)
			continue;
		if (stream->state != STREAM_ENDED)
			cancel(worker, stream);
		if (stream->state == STREAM_ENDED)
			remove_stream(worker, stream);
	}
}

void worker_streams_drop(struct cadre_worker *worker)
{
	while (worker->streams)
		remove_stream(worker, worker->streams);
}
