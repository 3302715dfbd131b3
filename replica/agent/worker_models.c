#include "replica/agent/worker_internal.h"

#include <stdlib.h>

#include "engine/base/assert.h"

#define NS_PER_MS UINT64_C(1000000)

bool cadre_worker_load_stopped(struct cadre_worker_task *task)
{
	return atomic_load(&task->stopped);
}

void cadre_worker_load_progress(struct cadre_worker_task *task, double done)
{
	double percent = done < 0 ? 0 : done > 1 ? 100 : done * 100;

	atomic_store(&task->percent, (unsigned)percent);
}

struct worker_model *worker_model_find(struct cadre_worker *worker, const char *name)
{
	struct worker_model *model = worker->models;

	while (model && strcmp(model->name, name) != 0)
		model = model->next;
	return model;
}

static void free_model(struct worker_model *model)
{
	for (size_t i = 0; i < model->parameter_count; i++) {
		free((void *)(uintptr_t)model->parameters[i].name);
		free((void *)(uintptr_t)model->parameters[i].value);
	}
	free(model->parameters);
	free(model->base_name);
	free(model->path);
	free(model->name);
	free(model);
}

static void remove_model(struct cadre_worker *worker, struct worker_model *model)
{
	struct worker_model **link = &worker->models;

	while (*link != model)
		link = &(*link)->next;
	*link = model->next;
	worker->model_count--;
	free_model(model);
	pthread_cond_broadcast(&worker->models_changed);
}

static bool copy_parameters(struct worker_model *model, const Cadre__V1__WorkerLoad *load)
{
	if (load->n_parameters == 0)
		return true;
	model->parameters = calloc(load->n_parameters, sizeof model->parameters[0]);
	if (!model->parameters)
		return false;
	for (size_t i = 0; i < load->n_parameters; i++) {
		struct cadre_worker_parameter *parameter = &model->parameters[i];
		model->parameter_count++;
		parameter->name = strdup(load->parameters[i]->name);
		parameter->value = strdup(load->parameters[i]->value);
		if (!parameter->name || !parameter->value)
			return false;
	}
	return true;
}

static struct worker_model *make_model(const Cadre__V1__WorkerLoad *load)
{
	struct worker_model *model = calloc(1, sizeof *model);

	if (!model)
		return NULL;
	model->name = strdup(load->name);
	model->path = strdup(load->path);
	model->base_name = load->base_name ? strdup(load->base_name) : NULL;
	model->kind = (enum cadre_worker_kind)load->kind;
	memcpy(model->sha256.bytes, load->sha256.data, sizeof model->sha256.bytes);
	if (model->name && model->path && (!load->base_name || model->base_name) &&
	    copy_parameters(model, load))
		return model;
	free_model(model);
	return NULL;
}

static enum cadre_status add_model(struct cadre_worker *worker,
                                   const Cadre__V1__WorkerLoad *load,
                                   struct cadre_error *err)
{
	struct worker_model **link = &worker->models;
	struct worker_model *model;

	if (worker->model_count >= CADRE_WORKER_MODELS_MAX)
		return cadre_error_set(err, CADRE_LIMIT_EXCEEDED,
		                       "\"%s\": a worker holds at most %d models",
		                       load->name, (int)CADRE_WORKER_MODELS_MAX);
	model = make_model(load);
	if (!model)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                       load->name);
	while (*link)
		link = &(*link)->next;
	*link = model;
	worker->model_count++;
	pthread_cond_broadcast(&worker->models_changed);
	return CADRE_OK;
}

/* A name stands for one content. */
static enum cadre_status check_same(const struct worker_model *model,
                                    const Cadre__V1__WorkerLoad *load,
                                    struct cadre_error *err)
{
	bool same_base = model->base_name && load->base_name
	                         ? strcmp(model->base_name, load->base_name) == 0
	                         : !model->base_name && !load->base_name;

	if (memcmp(model->sha256.bytes, load->sha256.data, sizeof model->sha256.bytes) ==
	            0 &&
	    model->kind == (enum cadre_worker_kind)load->kind && same_base)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_CONFLICT,
	                       "\"%s\" is here with another content, kind or base",
	                       load->name);
}

/* A failure is told once; the Load after that tries again. */
static enum cadre_status settle(struct cadre_worker *worker, struct worker_model *model,
                                const struct worker_model **ret_model,
                                struct cadre_error *err)
{
	*ret_model = model;
	if (model->state == MODEL_LEAVING || worker->stopping)
		return cadre_error_set(err, CADRE_INCORRECT_STATE,
		                       "\"%s\" is being unloaded", model->name);
	if (model->state != MODEL_FAILED)
		return CADRE_OK;
	model->failure_told = true;
	*err = model->failure;
	return model->failure.status;
}

enum cadre_status worker_model_load(struct cadre_worker *worker,
                                    const Cadre__V1__WorkerLoad *load,
                                    const struct worker_model **ret_model,
                                    struct cadre_error *err)
{
	uint64_t until = worker_now_ns() + CADRE_WORKER_ANSWER_MS * NS_PER_MS;
	struct worker_model *model = worker_model_find(worker, load->name);
	enum cadre_status status;

	if (model && model->state == MODEL_FAILED && model->failure_told) {
		remove_model(worker, model);
		model = NULL;
	}
	status = model ? check_same(model, load, err) : add_model(worker, load, err);
	if (status != CADRE_OK)
		return status;
	for (;;) {
		model = worker_model_find(worker, load->name);
		if (!model)
			return cadre_error_set(err, CADRE_INCORRECT_STATE,
			                       "\"%s\" was unloaded meanwhile",
			                       load->name);
		if ((model->state != MODEL_WAITING && model->state != MODEL_LOADING) ||
		    worker->stopping ||
		    !worker_wait(worker, &worker->models_changed, until))
			return settle(worker, model, ret_model, err);
	}
}

/* Sets the model on its way out; what is not begun is gone at once. */
static enum cadre_status begin_leaving(struct cadre_worker *worker,
                                       struct worker_model *model, uint32_t drain_ms,
                                       struct cadre_error *err)
{
	if (model->adapters > 0)
		return cadre_error_set(err, CADRE_INCORRECT_STATE,
		                       "\"%s\" is the base of %u loaded adapters",
		                       model->name, model->adapters);
	if (model->state == MODEL_WAITING || model->state == MODEL_FAILED) {
		remove_model(worker, model);
		return CADRE_OK;
	}
	atomic_store(&model->task.stopped, true);
	if (model->state == MODEL_READY) {
		model->state = MODEL_LEAVING;
		model->leave_ns = worker_now_ns() + drain_ms * NS_PER_MS;
	}
	pthread_cond_broadcast(&worker->models_changed);
	return CADRE_OK;
}

enum cadre_status worker_model_unload(struct cadre_worker *worker,
                                      const Cadre__V1__WorkerUnload *unload,
                                      const struct worker_model **ret_model,
                                      struct cadre_error *err)
{
	uint64_t until = worker_now_ns() + CADRE_WORKER_ANSWER_MS * NS_PER_MS;
	struct worker_model *model = worker_model_find(worker, unload->name);
	enum cadre_status status = CADRE_OK;

	if (model && model->state != MODEL_LEAVING)
		status = begin_leaving(worker, model, unload->drain_ms, err);
	while (status == CADRE_OK) {
		model = worker_model_find(worker, unload->name);
		*ret_model = model;
		if (!model || worker->stopping ||
		    !worker_wait(worker, &worker->models_changed, until))
			break;
	}
	return status;
}

void worker_model_released(struct cadre_worker *worker, struct worker_model *model)
{
	CADRE_ASSERT(model->in_flight > 0);
	model->in_flight--;
	if (model->in_flight == 0)
		pthread_cond_broadcast(&worker->models_changed);
}

/* The base that an adapter goes on; NULL in `*ret_base` for what needs none. */
static enum cadre_status find_base(struct cadre_worker *worker,
                                   const struct worker_model *model,
                                   struct worker_model **ret_base,
                                   struct cadre_error *err)
{
	*ret_base = NULL;
	if (!model->base_name)
		return CADRE_OK;
	*ret_base = worker_model_find(worker, model->base_name);
	if (!*ret_base || (*ret_base)->state != MODEL_READY)
		return cadre_error_set(err, CADRE_RELATED_NOT_FOUND,
		                       "\"%s\": its base \"%s\" is not loaded",
		                       model->name, model->base_name);
	return CADRE_OK;
}

static enum cadre_status call_load(struct cadre_worker *worker,
                                   struct worker_model *model, struct worker_model *base,
                                   struct cadre_error *err)
{
	const struct cadre_worker_load load = {
		.name = model->name,
		.path = model->path,
		.sha256 = model->sha256,
		.kind = model->kind,
		.base_name = model->base_name,
		.base = base ? base->handle : NULL,
		.parameters = model->parameters,
		.parameter_count = model->parameter_count,
		.task = &model->task,
	};
	enum cadre_status status;

	pthread_mutex_unlock(&worker->lock);
	status = worker->callbacks.load(worker->ctx, &load, &model->handle, &model->bytes,
	                                err);
	pthread_mutex_lock(&worker->lock);
	return status;
}

static void load_one(struct cadre_worker *worker, struct worker_model *model)
{
	uint64_t started = worker_now_ns();
	struct cadre_error err = CADRE_ERROR_INIT;
	struct worker_model *base;
	enum cadre_status status;

	model->state = MODEL_LOADING;
	status = find_base(worker, model, &base, &err);
	if (status == CADRE_OK) {
		/* Counted first, so that the base stays meanwhile. */
		if (base)
			base->adapters++;
		status = call_load(worker, model, base, &err);
		if (status != CADRE_OK && base)
			base->adapters--;
	}
	if (status == CADRE_OK) {
		model->base = base;
		model->state = atomic_load(&model->task.stopped) ? MODEL_LEAVING
		                                                 : MODEL_READY;
		worker_log(worker, CADRE_LOG_INFO, "worker.loaded",
		           "name=\"%s\" bytes=%llu ms=%llu", model->name,
		           (unsigned long long)model->bytes,
		           (unsigned long long)((worker_now_ns() - started) / NS_PER_MS));
	} else if (atomic_load(&model->task.stopped)) {
		remove_model(worker, model);
	} else {
		cadre_error_set(&model->failure, status, "%s",
		                err.message[0] ? err.message : "the load failed");
		model->state = MODEL_FAILED;
		worker_log(worker, CADRE_LOG_WARN, "worker.load_failed",
		           "name=\"%s\" reason=\"%s\"", model->name,
		           model->failure.message);
	}
	pthread_cond_broadcast(&worker->models_changed);
}

static void unload_one(struct cadre_worker *worker, struct worker_model *model)
{
	pthread_mutex_unlock(&worker->lock);
	worker->callbacks.unload(worker->ctx, model->handle);
	pthread_mutex_lock(&worker->lock);
	if (model->base)
		model->base->adapters--;
	worker_log(worker, CADRE_LOG_INFO, "worker.unloaded", "name=\"%s\"", model->name);
	remove_model(worker, model);
}

/* Does one thing; false when nothing is to be done before `*ret_until`. */
static bool step(struct cadre_worker *worker, uint64_t *ret_until)
{
	*ret_until = UINT64_MAX;
	for (struct worker_model *model = worker->models; model; model = model->next) {
		if (model->state == MODEL_WAITING) {
			load_one(worker, model);
			return true;
		}
		if (model->state != MODEL_LEAVING)
			continue;
		if (model->in_flight == 0) {
			unload_one(worker, model);
			return true;
		}
		if (model->leave_ns <= worker_now_ns())
			worker_stream_cancel_model(worker, model);
		else if (model->leave_ns < *ret_until)
			*ret_until = model->leave_ns;
	}
	return false;
}

/* Adapters stand behind their bases in the list, so the last one goes first. */
static void unload_all(struct cadre_worker *worker)
{
	while (worker->models) {
		struct worker_model *model = worker->models;
		while (model->next)
			model = model->next;
		while (model->in_flight > 0)
			worker_wait(worker, &worker->models_changed, UINT64_MAX);
		if (model->state == MODEL_READY || model->state == MODEL_LEAVING)
			unload_one(worker, model);
		else
			remove_model(worker, model);
	}
}

void *worker_run_loader(void *arg)
{
	struct cadre_worker *worker = arg;
	uint64_t until;

	pthread_mutex_lock(&worker->lock);
	while (!worker->stopping) {
		if (!step(worker, &until))
			worker_wait(worker, &worker->models_changed, until);
	}
	unload_all(worker);
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}
