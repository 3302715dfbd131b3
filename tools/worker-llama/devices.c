#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/worker-llama/llama_worker.h"

#define MESSAGE_BYTES 256

static _Thread_local char first_error[MESSAGE_BYTES];

static void log_line(enum ggml_log_level level, const char *text, void *ctx)
{
	(void)ctx;
	if (level != GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_WARN)
		return;
	fputs(text, stderr);
	if (level == GGML_LOG_LEVEL_ERROR && !first_error[0])
		snprintf(first_error, sizeof first_error, "%s", text);
}

void llama_worker_log_init(void)
{
	llama_log_set(log_line, NULL);
}

const char *llama_worker_take_error(void)
{
	static _Thread_local char taken[MESSAGE_BYTES];

	snprintf(taken, sizeof taken, "%s", first_error);
	taken[strcspn(taken, "\n")] = '\0';
	first_error[0] = '\0';
	return taken;
}

/* Backends that are files of their own lie beside libllama. */
static void load_backends(void)
{
	Dl_info info;
	char dir[4096];
	char *slash;

	if (dladdr((void *)(uintptr_t)llama_backend_init, &info) == 0 ||
	    !info.dli_fname) {
		ggml_backend_load_all();
		return;
	}
	snprintf(dir, sizeof dir, "%s", info.dli_fname);
	slash = strrchr(dir, '/');
	if (!slash) {
		ggml_backend_load_all();
		return;
	}
	*slash = '\0';
	ggml_backend_load_all_from_path(dir);
}

static bool offloads(ggml_backend_dev_t device)
{
	return ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_GPU ||
	       ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_IGPU;
}

static enum cadre_status choose(struct llama_worker *worker, const char *names,
                                struct cadre_error *err)
{
	size_t count = 0;

	while (*names) {
		char name[64];
		size_t length = strcspn(names, ",");
		ggml_backend_dev_t device;

		snprintf(name, sizeof name, "%.*s", (int)length, names);
		names += length + (names[length] == ',');
		if (strcmp(name, "cpu") == 0)
			continue;
		device = ggml_backend_dev_by_name(name);
		if (!device || !offloads(device) || count == CADRE_WORKER_DEVICES_MAX)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "no device \"%s\" to compute on", name);
		worker->offload[count++] = device;
	}
	worker->offload[count] = NULL;
	return CADRE_OK;
}

enum cadre_status llama_worker_devices_init(struct llama_worker *worker,
                                            const char *names, struct cadre_error *err)
{
	load_backends();
	llama_backend_init();
	if (!ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU))
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "no backend of ggml was found beside libllama");
	worker->all_devices = names == NULL;
	return names ? choose(worker, names, err) : CADRE_OK;
}

/* Entry `index` of CUDA_VISIBLE_DEVICES when it is a uuid: ggml does not tell them. */
static bool visible_uuid(size_t index, char *id, size_t capacity)
{
	const char *at = getenv("CUDA_VISIBLE_DEVICES");

	for (; at && index > 0; index--) {
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	if (!at || strncmp(at, "GPU-", 4) != 0)
		return false;
	snprintf(id, capacity, "%.*s", (int)strcspn(at, ","), at);
	return true;
}

static bool used(const struct llama_worker *worker, ggml_backend_dev_t device)
{
	if (worker->all_devices || !offloads(device))
		return true;
	for (size_t i = 0; worker->offload[i]; i++)
		if (worker->offload[i] == device)
			return true;
	return false;
}

static void describe(ggml_backend_dev_t device, size_t gpu_index,
                     struct cadre_worker_device *to)
{
	struct ggml_backend_dev_props props;

	ggml_backend_dev_get_props(device, &props);
	if (!offloads(device))
		snprintf(to->id, sizeof to->id, "cpu");
	else if (!visible_uuid(gpu_index, to->id, sizeof to->id))
		snprintf(to->id, sizeof to->id, "%s",
		         props.device_id ? props.device_id : props.name);
	snprintf(to->name, sizeof to->name, "%s: %s", props.name, props.description);
	to->bytes_total = props.memory_total;
	to->bytes_free = props.memory_free;
}

enum cadre_status llama_worker_facts(void *ctx, struct cadre_worker_facts *ret_facts,
                                     struct cadre_error *err)
{
	const struct llama_worker *worker = ctx;
	size_t gpus = 0;

	(void)err;
	snprintf(ret_facts->engine, sizeof ret_facts->engine, "llama.cpp %s",
	         llama_version());
	for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
		ggml_backend_dev_t device = ggml_backend_dev_get(i);
		bool is_gpu = offloads(device);
		if (!is_gpu &&
		    ggml_backend_dev_type(device) != GGML_BACKEND_DEVICE_TYPE_CPU)
			continue;
		if (used(worker, device) &&
		    ret_facts->device_count < CADRE_WORKER_DEVICES_MAX)
			describe(device, gpus,
			         &ret_facts->devices[ret_facts->device_count++]);
		gpus += is_gpu;
	}
	return CADRE_OK;
}
