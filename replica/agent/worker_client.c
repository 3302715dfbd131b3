#include "replica/agent/worker_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/assert.h"
#include "replica/agent/worker_call.h"

/* What an answer may take over the wait it was asked with. */
#define ANSWER_SLACK_MS 5000u
#define CANCEL_DEADLINE_MS 5000u
#define REQUEST(member) CADRE__V1__WORKER_REQUEST__BODY_##member
#define ANSWER(member) CADRE__V1__WORKER_ANSWER__BODY_##member

static struct cadre_worker_client *make_client(struct cadre_error *err)
{
	struct cadre_worker_client *client = calloc(1, sizeof *client);

	if (!client) {
		cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a worker");
		return NULL;
	}
	CADRE_ASSERT(pthread_mutex_init(&client->process.lock, NULL) == 0);
	client->process.pidfd = -1;
	return client;
}

static enum cadre_status connect_client(struct cadre_worker_client *client,
                                        const char *address,
                                        struct cadre_worker_client **ret_client,
                                        struct cadre_error *err)
{
	enum cadre_status status;

	client->address = strdup(address);
	if (!client->address)
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                         address);
	else
		status = worker_link_open(address, &client->link, err);
	if (status == CADRE_OK)
		*ret_client = client;
	return status;
}

enum cadre_status cadre_worker_start(const struct cadre_worker_program *program,
                                     struct cadre_worker_client **ret_client,
                                     struct cadre_error *err)
{
	struct cadre_worker_client *client = make_client(err);
	enum cadre_status status;

	if (!client)
		return CADRE_OUT_OF_MEMORY;
	status = worker_process_start(program, &client->process, err);
	if (status == CADRE_OK)
		status = connect_client(client, client->process.address, ret_client, err);
	if (status != CADRE_OK)
		cadre_worker_stop(&client, 0);
	return status;
}

enum cadre_status cadre_worker_connect(const char *address,
                                       struct cadre_worker_client **ret_client,
                                       struct cadre_error *err)
{
	struct cadre_worker_client *client = make_client(err);
	enum cadre_status status;

	if (!client)
		return CADRE_OUT_OF_MEMORY;
	status = connect_client(client, address, ret_client, err);
	if (status != CADRE_OK)
		cadre_worker_stop(&client, 0);
	return status;
}

void cadre_worker_stop(struct cadre_worker_client **ref, uint32_t grace_ms)
{
	struct cadre_worker_client *client = *ref;

	if (!client)
		return;
	*ref = NULL;
	worker_link_close(client->link);
	worker_process_stop(&client->process, grace_ms);
	pthread_mutex_destroy(&client->process.lock);
	free(client->address);
	free(client);
}

pid_t cadre_worker_pid(struct cadre_worker_client *client)
{
	pid_t pid;

	pthread_mutex_lock(&client->process.lock);
	pid = client->process.pid;
	pthread_mutex_unlock(&client->process.lock);
	return pid;
}

int cadre_worker_pidfd(const struct cadre_worker_client *client)
{
	return client->process.pidfd;
}

bool cadre_worker_alive(struct cadre_worker_client *client, struct cadre_error *ret_err)
{
	return worker_process_alive(&client->process, ret_err);
}

const char *cadre_worker_client_address(const struct cadre_worker_client *client)
{
	return client->address;
}

static enum cadre_status fail_body(struct cadre_worker_client *client,
                                   struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_CORRUPT,
	                       "the worker at \"%s\" answered something else",
	                       client->address);
}

static void copy_devices(Cadre__V1__WorkerDevice *const *devices, size_t count,
                         struct cadre_worker_facts *facts)
{
	if (count > CADRE_WORKER_DEVICES_MAX)
		count = CADRE_WORKER_DEVICES_MAX;
	facts->device_count = count;
	for (size_t i = 0; i < count; i++) {
		struct cadre_worker_device *to = &facts->devices[i];
		snprintf(to->id, sizeof to->id, "%s", devices[i]->id);
		snprintf(to->name, sizeof to->name, "%s",
		         devices[i]->name ? devices[i]->name : "");
		to->bytes_total = devices[i]->bytes_total;
		to->bytes_free = devices[i]->bytes_free;
	}
}

enum cadre_status cadre_worker_hello(struct cadre_worker_client *client,
                                     uint32_t deadline_ms,
                                     struct cadre_worker_facts *ret_facts,
                                     struct cadre_error *err)
{
	Cadre__V1__WorkerRequest request = CADRE__V1__WORKER_REQUEST__INIT;
	Cadre__V1__WorkerHello hello = CADRE__V1__WORKER_HELLO__INIT;
	const Cadre__V1__WorkerAnswer *answer;
	struct cadre_arena arena;
	enum cadre_status status;

	hello.version = CADRE_WORKER_VERSION;
	request.body_case = REQUEST(HELLO);
	request.hello = &hello;
	cadre_arena_init(&arena, CADRE_WORKER_ARENA_BYTES_MAX);
	status = worker_call(client, &request, deadline_ms, &arena, &answer, err);
	if (status == CADRE_OK && answer->body_case != ANSWER(INFO))
		status = fail_body(client, err);
	if (status == CADRE_OK) {
		memset(ret_facts, 0, sizeof *ret_facts);
		snprintf(ret_facts->engine, sizeof ret_facts->engine, "%s",
		         answer->info->engine);
		copy_devices(answer->info->devices, answer->info->n_devices, ret_facts);
	}
	cadre_arena_fini(&arena);
	return status;
}

/* ---- calls that are asked again until they are done ---- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* `*ret_done`: there is no model (Unload) or it is ready (Load). */
static enum cadre_status ask_model(struct cadre_worker_client *client,
                                   const Cadre__V1__WorkerRequest *request,
                                   uint32_t deadline_ms, bool *ret_done,
                                   uint64_t *ret_bytes, struct cadre_error *err)
{
	const Cadre__V1__WorkerAnswer *answer;
	struct cadre_arena arena;
	enum cadre_status status;

	cadre_arena_init(&arena, CADRE_WORKER_ARENA_BYTES_MAX);
	status = worker_call(client, request, deadline_ms, &arena, &answer, err);
	if (status == CADRE_OK && request->body_case == REQUEST(LOAD)) {
		if (answer->body_case != ANSWER(MODEL)) {
			status = fail_body(client, err);
		} else {
			*ret_done = answer->model->ready;
			*ret_bytes = answer->model->bytes;
		}
	} else if (status == CADRE_OK) {
		*ret_done = answer->body_case == ANSWER(_NOT_SET);
	}
	cadre_arena_fini(&arena);
	return status;
}

static enum cadre_status ask_until_done(struct cadre_worker_client *client,
                                        const Cadre__V1__WorkerRequest *request,
                                        const char *name, uint32_t deadline_ms,
                                        uint64_t *ret_bytes, struct cadre_error *err)
{
	uint64_t until = now_ms() + deadline_ms;
	uint64_t bytes = 0;
	bool done = false;

	do {
		uint64_t now = now_ms();
		enum cadre_status status;
		if (now >= until)
			return cadre_error_set(err, CADRE_DEADLINE,
			                       "\"%s\": not done within %u ms", name,
			                       (unsigned)deadline_ms);
		status = ask_model(client, request, (uint32_t)(until - now), &done,
		                   &bytes, err);
		if (status != CADRE_OK)
			return status;
	} while (!done);
	if (ret_bytes)
		*ret_bytes = bytes;
	return CADRE_OK;
}

static char *unconst(const char *text)
{
	return (char *)(uintptr_t)text; /* protobuf-c reads it only */
}

enum cadre_status cadre_worker_load(struct cadre_worker_client *client,
                                    const struct cadre_worker_load *load,
                                    uint32_t deadline_ms, uint64_t *ret_bytes,
                                    struct cadre_error *err)
{
	Cadre__V1__WorkerRequest request = CADRE__V1__WORKER_REQUEST__INIT;
	Cadre__V1__WorkerLoad body = CADRE__V1__WORKER_LOAD__INIT;
	Cadre__V1__NameValue values[CADRE_WORKER_PARAMETERS_MAX];
	Cadre__V1__NameValue *parameters[CADRE_WORKER_PARAMETERS_MAX];
	struct cadre_sha256 sha256 = load->sha256;

	if (load->parameter_count > CADRE_WORKER_PARAMETERS_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": %zu parameters, at most %d", load->name,
		                       load->parameter_count,
		                       (int)CADRE_WORKER_PARAMETERS_MAX);
	for (size_t i = 0; i < load->parameter_count; i++) {
		cadre__v1__name_value__init(&values[i]);
		values[i].name = unconst(load->parameters[i].name);
		values[i].value = unconst(load->parameters[i].value);
		parameters[i] = &values[i];
	}
	body.name = unconst(load->name);
	body.path = unconst(load->path);
	body.sha256.data = sha256.bytes;
	body.sha256.len = sizeof sha256.bytes;
	body.kind = (Cadre__V1__ModelKind)load->kind;
	body.base_name = unconst(load->base_name);
	body.parameters = parameters;
	body.n_parameters = load->parameter_count;
	request.body_case = REQUEST(LOAD);
	request.load = &body;
	return ask_until_done(client, &request, load->name, deadline_ms, ret_bytes, err);
}

enum cadre_status cadre_worker_unload(struct cadre_worker_client *client,
                                      const char *name, uint32_t drain_ms,
                                      uint32_t deadline_ms, struct cadre_error *err)
{
	Cadre__V1__WorkerRequest request = CADRE__V1__WORKER_REQUEST__INIT;
	Cadre__V1__WorkerUnload body = CADRE__V1__WORKER_UNLOAD__INIT;

	body.name = unconst(name);
	body.has_drain_ms = true;
	body.drain_ms = drain_ms;
	request.body_case = REQUEST(UNLOAD);
	request.unload = &body;
	return ask_until_done(client, &request, name, deadline_ms, NULL, err);
}

/* ---- inference ---- */

static enum cadre_status take_piece(struct cadre_worker_client *client,
                                    const Cadre__V1__WorkerAnswer *answer,
                                    struct cadre_worker_piece *piece,
                                    struct cadre_error *err)
{
	const Cadre__V1__WorkerChunk *chunk = answer->chunk;

	if (answer->body_case != ANSWER(CHUNK))
		return fail_body(client, err);
	cadre_buffer_clear(&piece->data);
	if (cadre_buffer_append(&piece->data, chunk->data.data, chunk->data.len) !=
	    CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a piece of %zu bytes",
		                       chunk->data.len);
	piece->stream = chunk->stream;
	piece->number = chunk->chunk;
	piece->end = chunk->end;
	return CADRE_OK;
}

static enum cadre_status ask_piece(struct cadre_worker_client *client,
                                   const Cadre__V1__WorkerRequest *request,
                                   uint32_t deadline_ms, struct cadre_worker_piece *piece,
                                   struct cadre_error *err)
{
	const Cadre__V1__WorkerAnswer *answer;
	struct cadre_arena arena;
	enum cadre_status status;

	cadre_arena_init(&arena, CADRE_WORKER_ARENA_BYTES_MAX);
	status = worker_call(client, request, deadline_ms, &arena, &answer, err);
	if (status == CADRE_OK)
		status = take_piece(client, answer, piece, err);
	cadre_arena_fini(&arena);
	return status;
}

enum cadre_status cadre_worker_infer(struct cadre_worker_client *client, const char *name,
                                     struct cadre_slice payload, uint32_t deadline_ms,
                                     struct cadre_worker_piece *piece,
                                     struct cadre_error *err)
{
	Cadre__V1__WorkerRequest request = CADRE__V1__WORKER_REQUEST__INIT;
	Cadre__V1__WorkerInfer body = CADRE__V1__WORKER_INFER__INIT;

	body.name = unconst(name);
	body.payload.data = (uint8_t *)(uintptr_t)payload.data;
	body.payload.len = payload.length;
	body.has_deadline_ms = true;
	body.deadline_ms = deadline_ms;
	request.body_case = REQUEST(INFER);
	request.infer = &body;
	return ask_piece(client, &request, CADRE_WORKER_ANSWER_MS + ANSWER_SLACK_MS,
	                 piece, err);
}

enum cadre_status cadre_worker_next(struct cadre_worker_client *client, uint32_t number,
                                    uint32_t wait_ms, struct cadre_worker_piece *piece,
                                    struct cadre_error *err)
{
	Cadre__V1__WorkerRequest request = CADRE__V1__WORKER_REQUEST__INIT;
	Cadre__V1__WorkerNext body = CADRE__V1__WORKER_NEXT__INIT;

	if (wait_ms > CADRE_WORKER_WAIT_MS_MAX)
		wait_ms = CADRE_WORKER_WAIT_MS_MAX;
	body.stream = piece->stream;
	body.chunk = number;
	body.has_wait_ms = true;
	body.wait_ms = wait_ms;
	request.body_case = REQUEST(NEXT);
	request.next = &body;
	return ask_piece(client, &request, wait_ms + ANSWER_SLACK_MS, piece, err);
}

enum cadre_status cadre_worker_cancel(struct cadre_worker_client *client, uint64_t stream,
                                      struct cadre_error *err)
{
	Cadre__V1__WorkerRequest request = CADRE__V1__WORKER_REQUEST__INIT;
	Cadre__V1__WorkerCancel body = CADRE__V1__WORKER_CANCEL__INIT;
	const Cadre__V1__WorkerAnswer *answer;
	struct cadre_arena arena;
	enum cadre_status status;

	body.stream = stream;
	request.body_case = REQUEST(CANCEL);
	request.cancel = &body;
	cadre_arena_init(&arena, CADRE_WORKER_ARENA_BYTES_MAX);
	status = worker_call(client, &request, CANCEL_DEADLINE_MS, &arena, &answer, err);
	cadre_arena_fini(&arena);
	return status;
}

/* ---- status ---- */

static bool copy_model(const Cadre__V1__WorkerModel *from, struct cadre_worker_model *to)
{
	to->name = strdup(from->name);
	to->error = from->error ? strdup(from->error) : NULL;
	to->ready = from->ready;
	to->bytes = from->bytes;
	to->in_flight = from->in_flight;
	to->percent = from->percent;
	return to->name && (!from->error || to->error);
}

static enum cadre_status copy_report(const Cadre__V1__WorkerStatus *from,
                                     struct cadre_worker_report *to,
                                     struct cadre_error *err)
{
	copy_devices(from->devices, from->n_devices, &to->facts);
	to->inferences = from->inferences;
	to->models = calloc(from->n_models + 1, sizeof to->models[0]);
	for (size_t i = 0; to->models && i < from->n_models; i++) {
		to->model_count++;
		if (!copy_model(from->models[i], &to->models[i])) {
			cadre_worker_report_fini(to);
			break;
		}
	}
	return to->models ? CADRE_OK
	                  : cadre_error_set(err, CADRE_OUT_OF_MEMORY,
	                                    "no memory for a worker's status");
}

enum cadre_status cadre_worker_status(struct cadre_worker_client *client,
                                      uint32_t deadline_ms,
                                      struct cadre_worker_report *ret_report,
                                      struct cadre_error *err)
{
	Cadre__V1__WorkerRequest request = CADRE__V1__WORKER_REQUEST__INIT;
	Cadre__V1__WorkerStatusQuery body = CADRE__V1__WORKER_STATUS_QUERY__INIT;
	struct cadre_worker_report report = { 0 };
	const Cadre__V1__WorkerAnswer *answer;
	struct cadre_arena arena;
	enum cadre_status status;

	request.body_case = REQUEST(STATUS);
	request.status = &body;
	cadre_arena_init(&arena, CADRE_WORKER_ARENA_BYTES_MAX);
	status = worker_call(client, &request, deadline_ms, &arena, &answer, err);
	if (status == CADRE_OK && answer->body_case != ANSWER(WORKER_STATUS))
		status = fail_body(client, err);
	if (status == CADRE_OK)
		status = copy_report(answer->worker_status, &report, err);
	cadre_arena_fini(&arena);
	if (status == CADRE_OK)
		*ret_report = report;
	return status;
}

void cadre_worker_report_fini(struct cadre_worker_report *report)
{
	for (size_t i = 0; i < report->model_count; i++) {
		free(report->models[i].name);
		free(report->models[i].error);
	}
	free(report->models);
	report->models = NULL;
	report->model_count = 0;
}
