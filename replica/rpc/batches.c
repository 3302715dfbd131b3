/* The batches of an envelope: to the store and back. */
#include "replica/rpc/internal.h"

#include "engine/domain/domain.h"

static void batch_done(struct cadre_request *request)
{
	struct call_batch *batch = request->ctx;
	struct call *call = batch->call;

	if (atomic_fetch_sub(&call->pending, 1) == 1)
		rpc_ready(call);
}

/* What only the node that leads decides, on its own. */
static const char *leaders_own(const Cadre__V1__Command *command)
{
	switch ((int)command->body_case) {
	case CADRE__V1__COMMAND__BODY_CUT_OVER:
		return "cutOver";
	case CADRE__V1__COMMAND__BODY_FINISH_CUT_OVER:
		return "finishCutOver";
	case CADRE__V1__COMMAND__BODY_PLACE_DEPLOYMENT:
		return "placeDeployment";
	default:
		return NULL;
	}
}

static enum cadre_status check_allowed(const Cadre__V1__Batch *batch,
                                       struct cadre_error *err)
{
	for (size_t i = 0; i < batch->n_commands; i++) {
		const char *name = leaders_own(batch->commands[i]);
		if (name)
			return cadre_error_set(err, CADRE_NOT_AUTHORIZED,
			                       "commands[%zu].%s: the leader's own", i,
			                       name);
	}
	return CADRE_OK;
}

static enum cadre_status check_batch(const Cadre__V1__Batch *batch,
                                     struct cadre_error *err)
{
	enum cadre_status status = check_allowed(batch, err);

	if (status != CADRE_OK)
		return status;
	/* One command alone may have its own retry token. */
	if (batch->n_commands == 1 && !batch->retry_token)
		return cadre_command_check(batch->commands[0], err);
	return cadre_batch_check(batch, err);
}

/* Makes the request of one batch; NULL when it is refused, which is its answer. */
static struct call_batch *make_batch(struct call *call, size_t number)
{
	const Cadre__V1__Batch *in = call->request->ops[number]->batch;
	Cadre__V1__Result *result = call->response.results[number];
	struct call_batch *batch;
	size_t size = sizeof *batch + in->n_commands * sizeof *batch->results;
	enum cadre_status status = check_batch(in, &call->err);

	if (status == CADRE_OK)
		status = rpc_check_rights(call, in, &call->err);
	if (status == CADRE_OK)
		status = rpc_check_blobs(call->server, in, &call->err);
	if (status == CADRE_OK) {
		batch = cadre_arena_alloc(&call->arena, size);
		if (batch) {
			memset(batch, 0, size);
			batch->call = call;
			batch->op = number;
			batch->request.batch = in;
			batch->request.actor = &call->actor;
			batch->request.deadline_ns = call->deadline_ns;
			batch->request.results = batch->results;
			batch->request.complete = batch_done;
			batch->request.ctx = batch;
			return batch;
		}
		status = cadre_error_set(&call->err, CADRE_TOO_LARGE,
		                         "the message needs too much memory");
	}
	rpc_refuse_op(call, result, status, call->err.message);
	return NULL;
}

static void submit(struct call *call, struct call_batch *batch)
{
	struct cadre_rpc_server *server = call->server;
	const struct cadre_rpc_hooks *hooks = &server->options.hooks;
	Cadre__V1__AckLevel ack = call->request->has_ack
	                                  ? call->request->ack
	                                  : CADRE__V1__ACK_LEVEL__ACK_QUORUM;

	if (hooks->submit)
		hooks->submit(hooks->ctx, ack, &batch->request);
	else
		cadre_store_thread_submit(server->thread, &batch->request);
}

static void refuse_batches(struct call *call, size_t end)
{
	for (; call->next_op < end; call->next_op++)
		rpc_refuse_op(call, call->response.results[call->next_op],
		              call->err.status, call->err.message);
}

bool rpc_run_batches(struct call *call)
{
	size_t end = call->next_op;
	struct call_batch **last = &call->batches;
	size_t count = 0;

	while (end < call->request->n_ops &&
	       call->request->ops[end]->body_case == CADRE__V1__OP__BODY_BATCH)
		end++;
	if (rpc_park(call, false, &call->err) != CADRE_OK) {
		refuse_batches(call, end);
		return false;
	}
	call->wrote = true;
	call->batches = NULL;
	for (; call->next_op < end; call->next_op++) {
		*last = make_batch(call, call->next_op);
		if (*last) {
			last = &(*last)->next;
			count++;
		}
	}
	atomic_store(&call->pending, count + 1);
	for (struct call_batch *batch = call->batches; batch;) {
		struct call_batch *next = batch->next;
		submit(call, batch);
		batch = next;
	}
	return atomic_fetch_sub(&call->pending, 1) != 1;
}

static Cadre__V1__CommandResult *command_result(struct call *call,
                                                struct cadre_result *in)
{
	Cadre__V1__CommandResult *out = cadre_arena_alloc(&call->arena, sizeof *out);

	if (!out)
		return NULL;
	cadre__v1__command_result__init(out);
	out->id = in->ocid[0] ? in->ocid : NULL;
	out->etag = in->etag[0] ? in->etag : NULL;
	out->has_version_id = in->version_id != 0;
	out->version_id = in->version_id;
	out->has_seq = out->has_changed = true;
	out->seq = in->seq;
	out->changed = in->changed;
	if (in->seq > call->position.seq)
		call->position.seq = in->seq;
	return out;
}

static bool batch_result(struct call *call, struct call_batch *batch,
                         Cadre__V1__Result *result)
{
	size_t count = batch->request.batch->n_commands;
	Cadre__V1__BatchResult *out = cadre_arena_alloc(&call->arena, sizeof *out);
	Cadre__V1__CommandResult **list = cadre_arena_alloc(&call->arena,
	                                                    count * sizeof *list);

	if (!out || !list)
		return false;
	cadre__v1__batch_result__init(out);
	out->results = list;
	for (size_t i = 0; i < count; i++) {
		list[i] = command_result(call, &batch->results[i]);
		if (!list[i])
			return false;
		out->n_results++;
	}
	out->has_durable = out->has_visible = true;
	out->durable = batch->request.durable;
	out->visible = batch->request.visible;
	out->has_repeated_token = true;
	out->repeated_token = batch->request.repeated;
	result->status = CADRE_OK;
	result->body_case = CADRE__V1__RESULT__BODY_BATCH;
	result->batch = out;
	return true;
}

void rpc_name_leader(struct call *call)
{
	const struct cadre_rpc_hooks *hooks = &call->server->options.hooks;

	if (hooks->leader && !call->response.leader)
		call->response.leader = (char *)(uintptr_t)hooks->leader(hooks->ctx,
		                                                         &call->arena);
}

void rpc_collect_batches(struct call *call)
{
	for (struct call_batch *batch = call->batches; batch; batch = batch->next) {
		Cadre__V1__Result *result = call->response.results[batch->op];
		const struct cadre_request *request = &batch->request;
		if (request->status != CADRE_OK)
			rpc_refuse_op(call, result, request->status,
			              request->err.message);
		else if (!batch_result(call, batch, result))
			rpc_refuse_op(
			        call, result, CADRE_DEADLINE,
			        "done, but the answer is too large: ask by retry token");
		if (request->status == CADRE_NOT_LEADER)
			rpc_name_leader(call);
	}
	call->batches = NULL;
}
