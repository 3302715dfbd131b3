#include "replica/agent/worker_internal.h"

#include <stdlib.h>

/* One request on its way to an answer. */
struct asking {
	struct cadre_worker *worker;
	struct cadre_arena *arena; /* the request's */
	Cadre__V1__WorkerAnswer *answer;
	struct cadre_buffer *out;
	struct cadre_error err;
};

static enum cadre_status no_memory(struct asking *asking)
{
	return cadre_error_set(&asking->err, CADRE_OUT_OF_MEMORY,
	                       "no memory for the answer");
}

/* Callers hold the lock where the answer points into the tables. */
static enum cadre_status pack(struct asking *asking)
{
	return cadre_pack(&asking->answer->base, asking->out, &asking->err);
}

static bool copy_text(struct cadre_arena *arena, const char *text, char **ret_copy)
{
	*ret_copy = cadre_arena_strdup(arena, cadre_slice_text(text));
	return *ret_copy != NULL;
}

static bool fill_devices(struct cadre_arena *arena,
                         const struct cadre_worker_facts *facts,
                         Cadre__V1__WorkerDevice ***ret_devices, size_t *ret_count)
{
	size_t count = facts->device_count < CADRE_WORKER_DEVICES_MAX
	                       ? facts->device_count
	                       : CADRE_WORKER_DEVICES_MAX;

	*ret_count = count;
	*ret_devices = cadre_arena_alloc(arena, count * sizeof **ret_devices);
	if (!*ret_devices)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct cadre_worker_device *from = &facts->devices[i];
		Cadre__V1__WorkerDevice *device = cadre_arena_alloc(arena,
		                                                    sizeof *device);
		if (!device)
			return false;
		cadre__v1__worker_device__init(device);
		if (!copy_text(arena, from->id, &device->id) ||
		    !copy_text(arena, from->name, &device->name))
			return false;
		device->bytes_total = from->bytes_total;
		device->bytes_free = from->bytes_free;
		(*ret_devices)[i] = device;
	}
	return true;
}

static enum cadre_status ask_hello(struct asking *asking,
                                   const Cadre__V1__WorkerHello *hello)
{
	Cadre__V1__WorkerInfo info = CADRE__V1__WORKER_INFO__INIT;
	struct cadre_worker_facts facts = { 0 };
	enum cadre_status status;

	if (hello->version != CADRE_WORKER_VERSION)
		return cadre_error_set(&asking->err, CADRE_INVALID_PARAMETER,
		                       "hello.version: %u, this worker speaks %d",
		                       (unsigned)hello->version,
		                       (int)CADRE_WORKER_VERSION);
	status = asking->worker->callbacks.hello(asking->worker->ctx, &facts,
	                                         &asking->err);
	if (status != CADRE_OK)
		return status;
	if (!copy_text(asking->arena, facts.engine, &info.engine) ||
	    !fill_devices(asking->arena, &facts, &info.devices, &info.n_devices))
		return no_memory(asking);
	info.version = CADRE_WORKER_VERSION;
	asking->answer->body_case = CADRE__V1__WORKER_ANSWER__BODY_INFO;
	asking->answer->info = &info;
	return pack(asking);
}

/* Texts are the model's own. */
static void fill_model(const struct worker_model *from, Cadre__V1__WorkerModel *model)
{
	cadre__v1__worker_model__init(model);
	model->name = from->name;
	model->ready = from->state == MODEL_READY;
	model->has_bytes = from->bytes > 0;
	model->bytes = from->bytes;
	model->has_in_flight = from->in_flight > 0;
	model->in_flight = from->in_flight;
	model->has_percent = from->state == MODEL_LOADING;
	model->percent = atomic_load(&from->task.percent);
	if (from->state == MODEL_FAILED)
		model->error = (char *)(uintptr_t)from->failure.message;
}

static enum cadre_status answer_model(struct asking *asking,
                                      const struct worker_model *from)
{
	Cadre__V1__WorkerModel model;

	if (!from)
		return pack(asking);
	fill_model(from, &model);
	asking->answer->body_case = CADRE__V1__WORKER_ANSWER__BODY_MODEL;
	asking->answer->model = &model;
	return pack(asking);
}

static enum cadre_status ask_load(struct asking *asking,
                                  const Cadre__V1__WorkerLoad *load)
{
	const struct worker_model *model = NULL;
	enum cadre_status status;

	pthread_mutex_lock(&asking->worker->lock);
	status = worker_model_load(asking->worker, load, &model, &asking->err);
	if (status == CADRE_OK)
		status = answer_model(asking, model);
	pthread_mutex_unlock(&asking->worker->lock);
	return status;
}

static enum cadre_status ask_unload(struct asking *asking,
                                    const Cadre__V1__WorkerUnload *unload)
{
	const struct worker_model *model = NULL;
	enum cadre_status status;

	pthread_mutex_lock(&asking->worker->lock);
	status = worker_model_unload(asking->worker, unload, &model, &asking->err);
	if (status == CADRE_OK)
		status = answer_model(asking, model);
	pthread_mutex_unlock(&asking->worker->lock);
	return status;
}

/* Lock held until packed. */
static enum cadre_status answer_models(struct asking *asking,
                                       Cadre__V1__WorkerStatus *body)
{
	const struct cadre_worker *worker = asking->worker;

	body->models = cadre_arena_alloc(asking->arena,
	                                 worker->model_count * sizeof *body->models);
	if (!body->models)
		return no_memory(asking);
	for (struct worker_model *from = worker->models; from; from = from->next) {
		Cadre__V1__WorkerModel *model = cadre_arena_alloc(asking->arena,
		                                                  sizeof *model);
		if (!model)
			return no_memory(asking);
		fill_model(from, model);
		body->models[body->n_models++] = model;
	}
	body->has_inferences = true;
	body->inferences = worker->inferences;
	asking->answer->body_case = CADRE__V1__WORKER_ANSWER__BODY_WORKER_STATUS;
	asking->answer->worker_status = body;
	return pack(asking);
}

static enum cadre_status ask_status(struct asking *asking)
{
	Cadre__V1__WorkerStatus body = CADRE__V1__WORKER_STATUS__INIT;
	struct cadre_worker_facts facts = { 0 };
	enum cadre_status status;

	status = asking->worker->callbacks.status(asking->worker->ctx, &facts,
	                                          &asking->err);
	if (status != CADRE_OK)
		return status;
	if (!fill_devices(asking->arena, &facts, &body.devices, &body.n_devices))
		return no_memory(asking);
	pthread_mutex_lock(&asking->worker->lock);
	status = answer_models(asking, &body);
	pthread_mutex_unlock(&asking->worker->lock);
	return status;
}

static enum cadre_status answer_chunk(struct asking *asking, enum cadre_status status,
                                      Cadre__V1__WorkerChunk *chunk)
{
	if (status != CADRE_OK)
		return status;
	asking->answer->body_case = CADRE__V1__WORKER_ANSWER__BODY_CHUNK;
	asking->answer->chunk = chunk;
	return pack(asking);
}

static enum cadre_status ask_infer(struct asking *asking,
                                   const Cadre__V1__WorkerInfer *infer)
{
	Cadre__V1__WorkerChunk chunk = CADRE__V1__WORKER_CHUNK__INIT;
	struct cadre_worker_stream *stream = NULL;
	enum cadre_status status;

	pthread_mutex_lock(&asking->worker->lock);
	status = worker_stream_start(asking->worker, infer, &chunk, &stream,
	                             &asking->err);
	status = answer_chunk(asking, status, &chunk);
	worker_stream_let_go(stream);
	pthread_mutex_unlock(&asking->worker->lock);
	return status;
}

static enum cadre_status ask_next(struct asking *asking,
                                  const Cadre__V1__WorkerNext *next)
{
	Cadre__V1__WorkerChunk chunk = CADRE__V1__WORKER_CHUNK__INIT;
	struct cadre_worker_stream *stream = NULL;
	enum cadre_status status;

	pthread_mutex_lock(&asking->worker->lock);
	status = worker_stream_next(asking->worker, next, &chunk, &stream, &asking->err);
	status = answer_chunk(asking, status, &chunk);
	worker_stream_let_go(stream);
	pthread_mutex_unlock(&asking->worker->lock);
	return status;
}

static enum cadre_status ask_cancel(struct asking *asking,
                                    const Cadre__V1__WorkerCancel *cancel)
{
	pthread_mutex_lock(&asking->worker->lock);
	worker_stream_cancel(asking->worker, cancel->stream);
	pthread_mutex_unlock(&asking->worker->lock);
	return pack(asking);
}

static enum cadre_status dispatch(struct asking *asking,
                                  const Cadre__V1__WorkerRequest *request)
{
	switch (request->body_case) {
	case CADRE__V1__WORKER_REQUEST__BODY_HELLO:
		return ask_hello(asking, request->hello);
	case CADRE__V1__WORKER_REQUEST__BODY_LOAD:
		return ask_load(asking, request->load);
	case CADRE__V1__WORKER_REQUEST__BODY_UNLOAD:
		return ask_unload(asking, request->unload);
	case CADRE__V1__WORKER_REQUEST__BODY_STATUS:
		return ask_status(asking);
	case CADRE__V1__WORKER_REQUEST__BODY_INFER:
		return ask_infer(asking, request->infer);
	case CADRE__V1__WORKER_REQUEST__BODY_NEXT:
		return ask_next(asking, request->next);
	case CADRE__V1__WORKER_REQUEST__BODY_CANCEL:
		return ask_cancel(asking, request->cancel);
	case CADRE__V1__WORKER_REQUEST__BODY__NOT_SET:
	case _CADRE__V1__WORKER_REQUEST__BODY__CASE_IS_INT_SIZE:
		break;
	}
	return cadre_error_set(&asking->err, CADRE_INTERNAL, "an unchecked request");
}

/* A failure is the whole answer; text from an engine may be any bytes. */
static void answer_failure(struct asking *asking, enum cadre_status status)
{
	Cadre__V1__WorkerAnswer answer = CADRE__V1__WORKER_ANSWER__INIT;
	char *text = asking->err.message;

	if (status >= CADRE_END)
		status = CADRE_INTERNAL;
	if (!cadre_utf8_check(text, strlen(text), NULL)) {
		for (char *at = text; *at; at++)
			*at = (*at & 0x80) ? '?' : *at;
	}
	answer.status = status;
	answer.message = text;
	cadre_buffer_clear(asking->out);
	/* Without memory the answer is empty, which the client takes as damage. */
	if (cadre_pack(&answer.base, asking->out, NULL) != CADRE_OK)
		cadre_buffer_clear(asking->out);
}

void worker_answer(void *worker, struct cadre_slice bytes, struct cadre_buffer *out)
{
	Cadre__V1__WorkerAnswer answer = CADRE__V1__WORKER_ANSWER__INIT;
	const Cadre__V1__WorkerRequest *request = NULL;
	struct cadre_arena arena;
	struct asking asking = {
		.worker = worker,
		.arena = &arena,
		.answer = &answer,
		.out = out,
		.err = CADRE_ERROR_INIT,
	};
	enum cadre_status status;

	cadre_arena_init(&arena, CADRE_WORKER_ARENA_BYTES_MAX);
	status = cadre_worker_unpack_request(bytes, &arena, &request, &asking.err);
	if (status == CADRE_OK)
		status = dispatch(&asking, request);
	if (status != CADRE_OK)
		answer_failure(&asking, status);
	cadre_arena_fini(&arena);
}
