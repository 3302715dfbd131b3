#include "tests/unit/agent/stub_worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum cadre_status stub_facts(void *ctx, struct cadre_worker_facts *ret_facts,
                                    struct cadre_error *err)
{
	(void)ctx;
	(void)err;
	snprintf(ret_facts->engine, sizeof ret_facts->engine, "stub 1");
	ret_facts->device_count = 1;
	snprintf(ret_facts->devices[0].id, sizeof ret_facts->devices[0].id, "cpu");
	snprintf(ret_facts->devices[0].name, sizeof ret_facts->devices[0].name, "%s",
	         getenv("CUDA_VISIBLE_DEVICES") ? getenv("CUDA_VISIBLE_DEVICES") : "-");
	ret_facts->devices[0].bytes_total = 4096;
	ret_facts->devices[0].bytes_free = 1024;
	return CADRE_OK;
}

/* A turn of the loops that wait for their stop. */
static void turn(void)
{
	poll(NULL, 0, 1);
}

/* What the path says, or what the file there says. */
static void read_order(const char *path, char *order, size_t capacity)
{
	FILE *file = *path == '/' ? fopen(path, "rb") : NULL;
	size_t length;

	snprintf(order, capacity, "%s", path);
	if (!file)
		return;
	length = fread(order, 1, capacity - 1, file);
	order[length] = '\0';
	fclose(file);
}

static enum cadre_status stub_load(void *ctx, const struct cadre_worker_load *load,
                                   void **ret_model, uint64_t *ret_bytes,
                                   struct cadre_error *err)
{
	struct stub_worker *stub = ctx;
	unsigned turns = 0;
	char order[256];

	atomic_fetch_add(&stub->loads, 1);
	read_order(load->path, order, sizeof order);
	if (strncmp(order, "bad:", 4) == 0)
		return cadre_error_set(err, CADRE_CORRUPT, "%s", order + 4);
	if (strncmp(order, "die:", 4) == 0)
		_exit(4);
	if (strncmp(order, "slow:", 5) == 0)
		turns = (unsigned)strtoul(order + 5, NULL, 10);
	for (unsigned i = 0; i < turns; i++) {
		cadre_worker_load_progress(load->task, (double)i / turns);
		if (cadre_worker_load_stopped(load->task))
			return cadre_error_set(err, CADRE_UNAVAILABLE, "stopped");
		turn();
	}
	*ret_model = strdup(load->name);
	*ret_bytes = 1000;
	return *ret_model ? CADRE_OK : CADRE_OUT_OF_MEMORY;
}

static void stub_unload(void *ctx, void *model)
{
	struct stub_worker *stub = ctx;

	atomic_fetch_add(&stub->unloads, 1);
	free(model);
}

static enum cadre_status emit_text(struct cadre_worker_stream *stream, const char *text,
                                   struct cadre_error *err)
{
	return cadre_worker_emit(stream, cadre_slice_text(text), err);
}

static enum cadre_status count(struct cadre_worker_stream *stream, unsigned long pieces,
                               struct cadre_error *err)
{
	char text[32];

	for (unsigned long i = 0; i < pieces; i++) {
		enum cadre_status status;
		snprintf(text, sizeof text, "%lu;", i);
		status = emit_text(stream, text, err);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

static enum cadre_status flood(struct cadre_worker_stream *stream, unsigned long pieces,
                               struct cadre_error *err)
{
	static const uint8_t piece[1024];
	enum cadre_status status = CADRE_OK;

	for (unsigned long i = 0; i < pieces && status == CADRE_OK; i++)
		status = cadre_worker_emit(stream, cadre_slice(piece, sizeof piece), err);
	return status;
}

static enum cadre_status wait_for_stop(struct stub_worker *stub,
                                       struct cadre_worker_stream *stream,
                                       struct cadre_error *err)
{
	while (!cadre_worker_stopped(stream))
		turn();
	atomic_fetch_add(&stub->stopped, 1);
	return cadre_error_set(err, CADRE_UNAVAILABLE, "stopped");
}

static enum cadre_status stub_infer(void *ctx, void *model, struct cadre_slice payload,
                                    struct cadre_worker_stream *stream,
                                    struct cadre_error *err)
{
	struct stub_worker *stub = ctx;
	char text[256];
	char answer[512];

	atomic_fetch_add(&stub->infers, 1);
	snprintf(text, sizeof text, "%.*s",
	         (int)(payload.length < 255 ? payload.length : 255),
	         (const char *)payload.data);
	if (strncmp(text, "echo ", 5) == 0) {
		snprintf(answer, sizeof answer, "%s %s", (const char *)model, text + 5);
		return cadre_worker_emit_last(stream, cadre_slice_text(answer), err);
	}
	if (text[0] == '{') {
		snprintf(answer, sizeof answer, "{\"by\":\"%.100s\",\"to\":%s}",
		         (const char *)model, text);
		return cadre_worker_emit_last(stream, cadre_slice_text(answer), err);
	}
	if (strncmp(text, "count ", 6) == 0)
		return count(stream, strtoul(text + 6, NULL, 10), err);
	if (strncmp(text, "flood ", 6) == 0)
		return flood(stream, strtoul(text + 6, NULL, 10), err);
	if (strcmp(text, "wait") == 0)
		return wait_for_stop(stub, stream, err);
	if (strcmp(text, "die") == 0)
		_exit(3);
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "no such request");
}

const struct cadre_worker_callbacks stub_worker_callbacks = {
	.hello = stub_facts,
	.load = stub_load,
	.unload = stub_unload,
	.infer = stub_infer,
	.status = stub_facts,
};
