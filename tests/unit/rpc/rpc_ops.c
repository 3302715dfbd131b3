#include "tests/unit/rpc/rpc_ops.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/bytes.h"
#include "replica/transport/asker.h"

void rpc_ops_init(struct rpc_ops *ops)
{
	cadre_arena_init(&ops->arena, (size_t)256 << 20);
}

void rpc_ops_fini(struct rpc_ops *ops)
{
	cadre_arena_fini(&ops->arena);
}

void *rpc_alloc(struct rpc_ops *ops, size_t size)
{
	void *memory = cadre_arena_alloc(&ops->arena, size);

	assert_non_null(memory);
	memset(memory, 0, size);
	return memory;
}

char *rpc_text(struct rpc_ops *ops, const char *format, ...)
{
	char text[512];
	va_list args;
	char *copy;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	copy = cadre_arena_strdup(&ops->arena, cadre_slice_text(text));
	assert_non_null(copy);
	return copy;
}

Cadre__V1__Op *rpc_op(struct rpc_ops *ops)
{
	Cadre__V1__Op *op = rpc_alloc(ops, sizeof *op);

	cadre__v1__op__init(op);
	return op;
}

Cadre__V1__Op *rpc_op_batch(struct rpc_ops *ops, Cadre__V1__Command *const *commands,
                            size_t count)
{
	Cadre__V1__Op *op = rpc_op(ops);
	Cadre__V1__Batch *batch = rpc_alloc(ops, sizeof *batch);

	cadre__v1__batch__init(batch);
	batch->n_commands = count;
	batch->commands = rpc_alloc(ops, count * sizeof *batch->commands + 1);
	memcpy(batch->commands, commands, count * sizeof *commands);
	op->body_case = CADRE__V1__OP__BODY_BATCH;
	op->batch = batch;
	return op;
}

Cadre__V1__Op *rpc_op_get(struct rpc_ops *ops, const char *id, bool with_members)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_GET;
	op->get = rpc_alloc(ops, sizeof *op->get);
	cadre__v1__get__init(op->get);
	op->get->id = rpc_text(ops, "%s", id);
	op->get->has_with_members = true;
	op->get->with_members = with_members;
	return op;
}

Cadre__V1__Op *rpc_op_resolve(struct rpc_ops *ops, const char *target, const char *key)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_RESOLVE;
	op->resolve = rpc_alloc(ops, sizeof *op->resolve);
	cadre__v1__resolve__init(op->resolve);
	op->resolve->target = rpc_text(ops, "%s", target);
	op->resolve->key = rpc_text(ops, "%s", key);
	return op;
}

Cadre__V1__Op *rpc_op_list(struct rpc_ops *ops, Cadre__V1__Kind kind)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_LIST;
	op->list = rpc_alloc(ops, sizeof *op->list);
	cadre__v1__list_resources__init(op->list);
	op->list->kind = kind;
	return op;
}

Cadre__V1__Op *rpc_op_members(struct rpc_ops *ops, const char *group)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_MEMBERS;
	op->members = rpc_alloc(ops, sizeof *op->members);
	cadre__v1__list_members__init(op->members);
	op->members->group = rpc_text(ops, "%s", group);
	return op;
}

Cadre__V1__Op *rpc_op_diff(struct rpc_ops *ops, const char *from, const char *to)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_DIFF;
	op->diff = rpc_alloc(ops, sizeof *op->diff);
	cadre__v1__diff__init(op->diff);
	op->diff->from = rpc_text(ops, "%s", from);
	op->diff->to = rpc_text(ops, "%s", to);
	return op;
}

Cadre__V1__Op *rpc_op_key_log(struct rpc_ops *ops, const char *target, const char *key)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_KEY_LOG;
	op->key_log = rpc_alloc(ops, sizeof *op->key_log);
	cadre__v1__key_log__init(op->key_log);
	op->key_log->target = rpc_text(ops, "%s", target);
	op->key_log->key = rpc_text(ops, "%s", key);
	return op;
}

Cadre__V1__Op *rpc_op_history_log(struct rpc_ops *ops, const char *history)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_HISTORY_LOG;
	op->history_log = rpc_alloc(ops, sizeof *op->history_log);
	cadre__v1__history_log__init(op->history_log);
	op->history_log->history = rpc_text(ops, "%s", history);
	return op;
}

Cadre__V1__Op *rpc_op_outcome(struct rpc_ops *ops, const char *token)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_OUTCOME;
	op->outcome = rpc_alloc(ops, sizeof *op->outcome);
	cadre__v1__outcome__init(op->outcome);
	op->outcome->retry_token = rpc_text(ops, "%s", token);
	return op;
}

Cadre__V1__Op *rpc_op_watch(struct rpc_ops *ops, uint64_t from, uint32_t wait_ms)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_WATCH;
	op->watch = rpc_alloc(ops, sizeof *op->watch);
	cadre__v1__watch__init(op->watch);
	op->watch->from_seq = from;
	op->watch->has_wait_ms = true;
	op->watch->wait_ms = wait_ms;
	return op;
}

Cadre__V1__Op *rpc_op_status(struct rpc_ops *ops)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_STATUS;
	op->status = rpc_alloc(ops, sizeof *op->status);
	cadre__v1__status_query__init(op->status);
	return op;
}

/* ---- commands ---- */

static Cadre__V1__Member *member(struct rpc_ops *ops, const char *model, const char *key)
{
	Cadre__V1__Member *made = rpc_alloc(ops, sizeof *made);

	cadre__v1__member__init(made);
	made->model_id = rpc_text(ops, "%s", model);
	made->inference_key = rpc_text(ops, "%s", key);
	return made;
}

Cadre__V1__Command *rpc_create_group(struct rpc_ops *ops, const char *name,
                                     const char *prefix, unsigned first, unsigned count)
{
	Cadre__V1__Command *command = rpc_alloc(ops, sizeof *command);
	Cadre__V1__CreateGroup *group = rpc_alloc(ops, sizeof *group);
	Cadre__V1__GroupDetails *details = rpc_alloc(ops, sizeof *details);

	cadre__v1__command__init(command);
	cadre__v1__create_group__init(group);
	cadre__v1__group_details__init(details);
	details->type = CADRE__V1__GROUP_TYPE__HOMOGENEOUS;
	group->compartment_id = rpc_text(ops, "c");
	group->project_id = rpc_text(ops, "p");
	group->display_name = rpc_text(ops, "%s", name);
	group->model_group_details = details;
	group->n_members = count;
	group->members = rpc_alloc(ops, count * sizeof *group->members + 1);
	for (unsigned i = 0; i < count; i++)
		group->members[i] = member(ops, rpc_text(ops, "%s%u", prefix, first + i),
		                           rpc_text(ops, "k%u", first + i));
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_GROUP;
	command->create_group = group;
	return command;
}

Cadre__V1__Command *rpc_create_history(struct rpc_ops *ops, const char *name,
                                       const char *latest)
{
	Cadre__V1__Command *command = rpc_alloc(ops, sizeof *command);
	Cadre__V1__CreateHistory *history = rpc_alloc(ops, sizeof *history);

	cadre__v1__command__init(command);
	cadre__v1__create_history__init(history);
	history->compartment_id = rpc_text(ops, "c");
	history->project_id = rpc_text(ops, "p");
	history->display_name = rpc_text(ops, "%s", name);
	if (latest)
		history->latest_model_group_id = rpc_text(ops, "%s", latest);
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_HISTORY;
	command->create_history = history;
	return command;
}

static Cadre__V1__PatchInstruction *instruction(struct rpc_ops *ops,
                                                Cadre__V1__PatchOperation operation,
                                                Cadre__V1__Member *value)
{
	Cadre__V1__PatchInstruction *made = rpc_alloc(ops, sizeof *made);

	cadre__v1__patch_instruction__init(made);
	made->operation = operation;
	made->n_values = 1;
	made->values = rpc_alloc(ops, sizeof *made->values);
	made->values[0] = value;
	return made;
}

Cadre__V1__Command *rpc_patch(struct rpc_ops *ops, const char *source, const char *key,
                              const char *model, const char *old)
{
	Cadre__V1__Command *command = rpc_alloc(ops, sizeof *command);
	Cadre__V1__PatchGroup *patch = rpc_alloc(ops, sizeof *patch);
	Cadre__V1__Member *removed;

	cadre__v1__command__init(command);
	cadre__v1__patch_group__init(patch);
	patch->source_id = rpc_text(ops, "%s", source);
	patch->patch = rpc_alloc(ops, 2 * sizeof *patch->patch);
	if (old) {
		removed = member(ops, old, key);
		removed->inference_key = NULL;
		patch->patch[patch->n_patch++] =
		        instruction(ops, CADRE__V1__PATCH_OPERATION__REMOVE, removed);
	}
	patch->patch[patch->n_patch++] = instruction(
	        ops, CADRE__V1__PATCH_OPERATION__INSERT, member(ops, model, key));
	command->body_case = CADRE__V1__COMMAND__BODY_PATCH_GROUP;
	command->patch_group = patch;
	return command;
}

/* ---- asking ---- */

const Cadre__V1__Result *rpc_done(struct cadre_client *client, const Cadre__V1__Op *op,
                                  struct cadre_client_answer **ret_answer)
{
	const Cadre__V1__Op *ops[] = { op };
	enum cadre_client_outcome outcome = cadre_client_call(client, ops, 1, NULL,
	                                                      ret_answer);

	if (outcome != CADRE_CLIENT_DONE)
		fail_msg("%s %s", cadre_client_answer_status_name(*ret_answer),
		         cadre_client_answer_message(*ret_answer));
	return cadre_client_answer_response(*ret_answer)->results[0];
}

char *rpc_do(struct rpc_ops *ops, struct cadre_client *client,
             Cadre__V1__Command *command)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__Result *result = rpc_done(client, rpc_op_batch(ops, &command, 1),
	                                           &answer);
	char *id = rpc_text(ops, "%s", result->batch->results[0]->id);

	cadre_client_answer_free(answer);
	return id;
}

void rpc_refused(struct cadre_client *client, const Cadre__V1__Op *op,
                 enum cadre_status status, const char *path)
{
	const Cadre__V1__Op *ops[] = { op };
	struct cadre_client_answer *answer;

	assert_int_equal(cadre_client_call(client, ops, 1, NULL, &answer),
	                 CADRE_CLIENT_REFUSED);
	assert_string_equal(cadre_client_answer_status_name(answer),
	                    cadre_status_name(status));
	if (strncmp(cadre_client_answer_message(answer), path, strlen(path)) != 0)
		fail_msg("\"%s\" does not start with \"%s\"",
		         cadre_client_answer_message(answer), path);
	cadre_client_answer_free(answer);
}

/* ---- envelopes as they are ---- */

struct rpc_burst {
	struct cadre_asker *asker;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	unsigned count;
	unsigned done;
	unsigned statuses[CADRE_STATUS_COUNT];
	struct cadre_buffer reply; /* the last one */
};

static uint32_t status_of(struct cadre_slice reply)
{
	Cadre__V1__Response *response = cadre__v1__response__unpack(NULL, reply.length,
	                                                            reply.data);
	uint32_t status = CADRE_INTERNAL;

	if (response && response->has_status)
		status = response->status;
	else if (response && response->n_results > 0)
		status = response->results[0]->status;
	cadre__v1__response__free_unpacked(response, NULL);
	return status;
}

static void burst_reply(void *ctx, enum cadre_status status, bool sent,
                        struct cadre_slice reply, const struct cadre_error *err)
{
	struct rpc_burst *burst = ctx;
	uint32_t answer = status == CADRE_OK ? status_of(reply) : (uint32_t)status;

	(void)sent;
	(void)err;
	pthread_mutex_lock(&burst->lock);
	burst->done++;
	if (answer < CADRE_STATUS_COUNT)
		burst->statuses[answer]++;
	cadre_buffer_clear(&burst->reply);
	if (status == CADRE_OK &&
	    cadre_buffer_append(&burst->reply, reply.data, reply.length) != CADRE_OK)
		burst->statuses[CADRE_OUT_OF_MEMORY]++;
	pthread_cond_broadcast(&burst->answered);
	pthread_mutex_unlock(&burst->lock);
}

struct rpc_burst *rpc_burst_start(const char *address, const Cadre__V1__Request *request,
                                  unsigned count)
{
	struct rpc_burst *burst = calloc(1, sizeof *burst);
	size_t bytes = protobuf_c_message_get_packed_size(&request->base);
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_non_null(burst);
	pthread_mutex_init(&burst->lock, NULL);
	pthread_cond_init(&burst->answered, NULL);
	burst->count = count;
	assert_ok(cadre_asker_create(address, 0, 16u << 20, &burst->asker, &err));
	for (unsigned i = 0; i < count; i++) {
		struct cadre_question *question;
		uint8_t *body;
		assert_ok(cadre_question_begin(burst->asker, bytes, &question, &body,
		                               &err));
		protobuf_c_message_pack(&request->base, body);
		cadre_question_send(question, 20000, 60000, burst_reply, burst);
	}
	return burst;
}

void rpc_burst_wait(struct rpc_burst *burst, unsigned count)
{
	pthread_mutex_lock(&burst->lock);
	while (burst->done < count)
		pthread_cond_wait(&burst->answered, &burst->lock);
	pthread_mutex_unlock(&burst->lock);
}

unsigned rpc_burst_count(struct rpc_burst *burst, enum cadre_status status)
{
	unsigned count;

	pthread_mutex_lock(&burst->lock);
	count = burst->statuses[status];
	pthread_mutex_unlock(&burst->lock);
	return count;
}

void rpc_burst_end(struct rpc_burst *burst)
{
	rpc_burst_wait(burst, burst->count);
	cadre_asker_destroy(&burst->asker);
	pthread_cond_destroy(&burst->answered);
	pthread_mutex_destroy(&burst->lock);
	cadre_buffer_fini(&burst->reply);
	free(burst);
}

const Cadre__V1__Response *rpc_ask(struct rpc_ops *ops, const char *address,
                                   const Cadre__V1__Request *request)
{
	struct rpc_burst *burst = rpc_burst_start(address, request, 1);
	Cadre__V1__Response *response;

	rpc_burst_wait(burst, 1);
	response = cadre__v1__response__unpack(cadre_arena_allocator(&ops->arena),
	                                       burst->reply.length, burst->reply.data);
	assert_non_null(response);
	rpc_burst_end(burst);
	return response;
}

Cadre__V1__Request *rpc_request(struct rpc_ops *ops, Cadre__V1__Op *op)
{
	Cadre__V1__Request *request = rpc_alloc(ops, sizeof *request);

	cadre__v1__request__init(request);
	request->version = 1;
	request->request_id = rpc_text(ops, "test");
	request->remaining_ms = 30000;
	request->compartment = rpc_text(ops, "c");
	request->n_ops = 1;
	request->ops = rpc_alloc(ops, sizeof *request->ops);
	request->ops[0] = op;
	return request;
}
