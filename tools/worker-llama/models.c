#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/base/assert.h"
#include "tools/worker-llama/llama_worker.h"

static const char *parameter(const struct cadre_worker_load *load, const char *name)
{
	for (size_t i = 0; i < load->parameter_count; i++)
		if (strcmp(load->parameters[i].name, name) == 0)
			return load->parameters[i].value;
	return NULL;
}

static enum cadre_status number_parameter(const struct cadre_worker_load *load,
                                          const char *name, double min, double max,
                                          double *value, struct cadre_error *err)
{
	const char *text = parameter(load, name);
	char *end;

	if (!text)
		return CADRE_OK;
	*value = strtod(text, &end);
	if (end != text && *end == '\0' && *value >= min && *value <= max)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "parameter %s: \"%s\" is not a number from %g to %g", name,
	                       text, min, max);
}

static bool progress(float done, void *ctx)
{
	cadre_worker_load_progress(ctx, (double)done);
	return !cadre_worker_load_stopped(ctx);
}

static enum cadre_status load_weights(const struct llama_worker *worker,
                                      const struct cadre_worker_load *load,
                                      struct llama_base *base, struct cadre_error *err)
{
	struct llama_model_params params = llama_model_default_params();
	double layers = params.n_gpu_layers;
	ggml_backend_dev_t offload[CADRE_WORKER_DEVICES_MAX + 1];
	enum cadre_status status = number_parameter(load, "n_gpu_layers", -1, 100000,
	                                            &layers, err);

	if (status != CADRE_OK)
		return status;
	memcpy(offload, worker->offload, sizeof offload);
	if (!worker->all_devices)
		params.devices = offload;
	params.n_gpu_layers = (int32_t)layers;
	if (llama_supports_mmap())
		params.load_mode = LLAMA_LOAD_MODE_MMAP;
	params.progress_callback = progress;
	params.progress_callback_user_data = load->task;
	llama_worker_take_error();
	base->model = llama_model_load_from_file(load->path, params);
	if (base->model)
		return CADRE_OK;
	if (cadre_worker_load_stopped(load->task))
		return cadre_error_set(err, CADRE_UNAVAILABLE, "the load was stopped");
	return cadre_error_set(err, CADRE_CORRUPT, "\"%s\": %s", load->path,
	                       llama_worker_take_error());
}

static enum cadre_status set_up_base(const struct llama_worker *worker,
                                     const struct cadre_worker_load *load,
                                     struct llama_base *base, struct cadre_error *err)
{
	int32_t trained = llama_model_n_ctx_train(base->model);
	double tokens = LLAMA_WORKER_CONTEXT_DEFAULT;
	enum cadre_status status = number_parameter(load, "n_ctx", 8, 1 << 24, &tokens,
	                                            err);

	if (status != CADRE_OK)
		return status;
	if (!llama_model_has_decoder(base->model))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": a model without a decoder", load->path);
	if (trained > 0 && tokens > trained)
		tokens = trained;
	base->context_tokens = (uint32_t)tokens;
	base->vocab = llama_model_get_vocab(base->model);
	base->vocab_size = llama_vocab_n_tokens(base->vocab);
	base->has_text = llama_vocab_type(base->vocab) != LLAMA_VOCAB_TYPE_NONE;
	base->threads = worker->threads;
	base->pool = calloc(worker->inferences_max, sizeof base->pool[0]);
	if (!base->pool)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                       load->name);
	base->pool_size = worker->inferences_max;
	return CADRE_OK;
}

static void free_base(struct llama_base *base)
{
	llama_pool_fini(base);
	if (base->model)
		llama_model_free(base->model);
	pthread_mutex_destroy(&base->lock);
	free(base);
}

static enum cadre_status load_base(const struct llama_worker *worker,
                                   const struct cadre_worker_load *load,
                                   struct llama_member *member, uint64_t *ret_bytes,
                                   struct cadre_error *err)
{
	struct llama_base *base = calloc(1, sizeof *base);
	enum cadre_status status;

	if (!base)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                       load->name);
	CADRE_ASSERT(pthread_mutex_init(&base->lock, NULL) == 0);
	status = load_weights(worker, load, base, err);
	if (status == CADRE_OK)
		status = set_up_base(worker, load, base, err);
	if (status != CADRE_OK) {
		free_base(base);
		return status;
	}
	member->base = base;
	*ret_bytes = llama_model_size(base->model);
	return CADRE_OK;
}

/* llama.cpp says only in words that the file is sound but another base's. */
static bool says_other_base(const char *message)
{
	return strstr(message, "wrong base") || strstr(message, "mismatch");
}

static enum cadre_status load_adapter(const struct cadre_worker_load *load,
                                      struct llama_member *member, uint64_t *ret_bytes,
                                      struct cadre_error *err)
{
	const struct llama_member *base = load->base;
	double scale = 1;
	struct stat info;
	const char *reason;
	enum cadre_status status = number_parameter(load, "scale", -1000, 1000, &scale,
	                                            err);

	if (status != CADRE_OK)
		return status;
	if (base->adapter)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": its base \"%s\" is itself an adapter",
		                       load->name, load->base_name);
	if (stat(load->path, &info) != 0)
		return cadre_error_errno(err, errno, "\"%s\"", load->path);
	llama_worker_take_error();
	member->adapter = llama_adapter_lora_init(base->base->model, load->path);
	if (member->adapter) {
		member->base = base->base;
		member->scale = (float)scale;
		*ret_bytes = (uint64_t)info.st_size;
		return CADRE_OK;
	}
	reason = llama_worker_take_error();
	if (says_other_base(reason))
		return cadre_error_set(err, CADRE_CONFLICT,
		                       "\"%s\" is no adapter for \"%s\": %s", load->name,
		                       load->base_name, reason);
	return cadre_error_set(err, CADRE_CORRUPT, "\"%s\": %s", load->path, reason);
}

enum cadre_status llama_worker_load(void *ctx, const struct cadre_worker_load *load,
                                    void **ret_model, uint64_t *ret_bytes,
                                    struct cadre_error *err)
{
	struct llama_member *member;
	enum cadre_status status;

	if (load->kind == CADRE_WORKER_MODEL_ONNX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": llama.cpp reads GGUF, not ONNX",
		                       load->name);
	member = calloc(1, sizeof *member);
	if (!member)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                       load->name);
	status = load->kind == CADRE_WORKER_MODEL_LORA
	                 ? load_adapter(load, member, ret_bytes, err)
	                 : load_base(ctx, load, member, ret_bytes, err);
	if (status == CADRE_OK)
		*ret_model = member;
	else
		free(member);
	return status;
}

void llama_worker_unload(void *ctx, void *model)
{
	struct llama_member *member = model;

	(void)ctx;
	if (member->adapter) {
		llama_pool_forget(member->base, member->adapter);
		llama_adapter_lora_free(member->adapter);
	} else {
		free_base(member->base);
	}
	free(member);
}
