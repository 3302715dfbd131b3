/*
 * One envelope from its bytes to its answer. See server.h for the sequence.
 */
#include "replica/rpc/internal.h"

#include <inttypes.h>

#include "engine/domain/domain.h"
#include "proto/codec/codec.h"
#include "proto/codec/limits.h"
#include "proto/codec/wire.h"

/* Request, Op, Batch, Command, CreateGroup, GroupDetails, CustomMetadata, and room
 * for two more. */
static const struct cadre_wire_limits request_limits = {
	.bytes_max = CADRE_MESSAGE_BYTES_MAX,
	.depth_max = 9,
	.fields_base = CADRE_WIRE_FIELDS_BASE,
	.bytes_per_field = CADRE_WIRE_BYTES_PER_FIELD,
};

#define REQUEST_ID_CHARS_MAX 64u

static void set_refusal(struct call *call, Cadre__V1__Result *result,
                        enum cadre_status status, const char *message)
{
	result->body_case = CADRE__V1__RESULT__BODY__NOT_SET;
	result->status = (uint32_t)status;
	result->message = cadre_arena_strdup(&call->arena, cadre_slice_text(message));
}

/* ---- the envelope ---- */

static enum cadre_status unpack(struct call *call, struct cadre_error *err)
{
	ProtobufCMessage *message = NULL;
	struct cadre_slice bytes = cadre_exchange_request(call->exchange);
	enum cadre_status status = cadre_unpack_within(&cadre__v1__request__descriptor,
	                                               bytes, &request_limits,
	                                               &call->arena, &message, err);

	call->request = (Cadre__V1__Request *)(void *)message;
	return status;
}

static enum cadre_status check_envelope(const Cadre__V1__Request *request,
                                        struct cadre_error *err)
{
	size_t id_length = strlen(request->request_id);

	if (request->version != CADRE_RPC_VERSION)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "version: %u, this node speaks %u",
		                       request->version, CADRE_RPC_VERSION);
	if (id_length < 1 || id_length > REQUEST_ID_CHARS_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "requestId: %zu bytes, 1 to %u", id_length,
		                       REQUEST_ID_CHARS_MAX);
	if (request->n_ops < 1 || request->n_ops > CADRE_COMMANDS_PER_MESSAGE_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "ops: %zu operations, 1 to %d", request->n_ops,
		                       CADRE_COMMANDS_PER_MESSAGE_MAX);
	for (size_t i = 0; i < request->n_ops; i++) {
		if (request->ops[i]->body_case == CADRE__V1__OP__BODY__NOT_SET)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "ops[%zu]: empty", i);
		if (request->ops[i]->body_case == CADRE__V1__OP__BODY_WATCH &&
		    request->n_ops > 1)
			return cadre_error_set(
			        err, CADRE_INVALID_PARAMETER,
			        "ops[%zu].watch: stands alone in its message", i);
	}
	if (request->after && request->after->timeline_id.len != 16)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "after.timelineId: %zu bytes, 16",
		                       request->after->timeline_id.len);
	return CADRE_OK;
}

static enum cadre_status find_actor(struct call *call, struct cadre_error *err)
{
	static char local[] = OPEN_MODE_PRINCIPAL;
	const struct cadre_rpc_hooks *hooks = &call->server->options.hooks;
	char *other = call->request->on_behalf_of;

	cadre__v1__actor__init(&call->actor);
	call->actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	call->actor.principal = other ? other : local;
	call->actor.via = other ? local : NULL;
	if (other && (other[0] == '\0' || strlen(other) > CADRE_OCID_CHARS_MAX))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "onBehalfOf: %zu bytes, 1 to %d", strlen(other),
		                       CADRE_OCID_CHARS_MAX);
	if (!hooks->actor)
		return CADRE_OK;
	return hooks->actor(hooks->ctx, cadre_exchange_peer(call->exchange),
	                    call->request, &call->arena, &call->actor, err);
}

static enum cadre_status make_results(struct call *call, struct cadre_error *err)
{
	size_t count = call->request->n_ops;
	Cadre__V1__Result *results = cadre_arena_alloc(&call->arena,
	                                               count * sizeof *results);
	Cadre__V1__Result **pointers = cadre_arena_alloc(&call->arena,
	                                                 count * sizeof *pointers);

	if (!results || !pointers)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %zu results", count);
	for (size_t i = 0; i < count; i++) {
		cadre__v1__result__init(&results[i]);
		pointers[i] = &results[i];
	}
	call->response.results = pointers;
	call->response.n_results = count;
	return CADRE_OK;
}

static void set_deadline(struct call *call)
{
	uint64_t ms = call->request->remaining_ms;

	if (ms == 0)
		ms = CADRE_RPC_DEADLINE_MS;
	if (ms > CADRE_RPC_DEADLINE_MS_MAX)
		ms = CADRE_RPC_DEADLINE_MS_MAX;
	call->deadline_ns = call->arrived_ns + ms * 1000000u;
}

/* Refuses the envelope as a whole. */
static void refuse(struct call *call, const struct cadre_error *err)
{
	call->response.has_status = true;
	call->response.status = (uint32_t)err->status;
	call->response.message = cadre_arena_strdup(&call->arena,
	                                            cadre_slice_text(err->message));
	call->response.n_results = 0;
	cadre_metric_add(call->server->metrics, METRIC_REFUSED, 1);
	rpc_send(call);
}

/* ---- reads ---- */

static void note_position(struct call *call, const struct reader *reader)
{
	memcpy(call->timeline_id, reader->timeline_id, sizeof call->timeline_id);
	call->position.timeline_id.data = call->timeline_id;
	call->position.timeline_id.len = sizeof call->timeline_id;
	if (reader->view.head.applied_seq > call->position.seq)
		call->position.seq = reader->view.head.applied_seq;
	call->response.position = &call->position;
}

static bool wants_log(const Cadre__V1__Op *op)
{
	return op->body_case == CADRE__V1__OP__BODY_KEY_LOG ||
	       op->body_case == CADRE__V1__OP__BODY_HISTORY_LOG ||
	       op->body_case == CADRE__V1__OP__BODY_WATCH;
}

/* With the log's read handle, opened when it is first asked for. One at a time:
 * a handle is one thread's. */
static void query_with_log(struct call *call, struct cadre_query *query,
                           const Cadre__V1__Op *op, Cadre__V1__Result *result)
{
	struct cadre_rpc_server *server = call->server;
	const struct cadre_log_options options = { .dir = server->log_dir };

	pthread_mutex_lock(&server->log_lock);
	if (!server->log && server->log_dir[0] != '\0' &&
	    cadre_log_open_read(server->env, &options, &server->log, NULL, NULL) !=
	            CADRE_OK)
		server->log = NULL;
	query->log = server->log;
	cadre_query(query, op, result);
	query->log = NULL;
	if (result->status == CADRE_CORRUPT || result->status == CADRE_IO_ERROR) {
		/* Perhaps a segment that was sealed meanwhile: look anew next time. */
		cadre_log_close(server->log);
		server->log = NULL;
	}
	pthread_mutex_unlock(&server->log_lock);
}

static void run_read(struct call *call, struct reader *reader, struct cadre_query *query,
                     size_t number)
{
	const Cadre__V1__Op *op = call->request->ops[number];
	Cadre__V1__Result *result = call->response.results[number];

	if (!cadre_query_answers(op))
		rpc_daemon_op(call, reader, query, op, result);
	else if (wants_log(op))
		query_with_log(call, query, op, result);
	else
		cadre_query(query, op, result);
}

static cadre_time_ms watermark(const struct cadre_rpc_server *server)
{
	const struct cadre_control_page *page = server->options.page;

	return page ? atomic_load_explicit(&page->watermark_ms, memory_order_acquire) : 0;
}

/* The reads from `next_op` up to the next batch, all in one snapshot. */
static void run_reads(struct call *call)
{
	struct cadre_query query = {
		.compartment = call->request->compartment,
		.principal = call->actor.principal,
		.watermark_ms = watermark(call->server),
	};
	struct reader *reader;
	enum cadre_status status = readers_enter(&call->server->readers, &call->arena,
	                                         &reader, &call->err);
	size_t count = call->request->n_ops;

	if (status == CADRE_OK) {
		query.view = &reader->view;
		note_position(call, reader);
	}
	for (; call->next_op < count; call->next_op++) {
		size_t number = call->next_op;
		if (call->request->ops[number]->body_case == CADRE__V1__OP__BODY_BATCH)
			break;
		if (status == CADRE_OK)
			run_read(call, reader, &query, number);
		else
			set_refusal(call, call->response.results[number], status,
			            call->err.message);
	}
	if (status == CADRE_OK)
		readers_leave(reader);
}

/* ---- batches ---- */

static void batch_done(struct cadre_request *request)
{
	struct call_batch *batch = request->ctx;
	struct call *call = batch->call;

	if (atomic_fetch_sub(&call->pending, 1) == 1)
		rpc_ready(call);
}

static enum cadre_status check_batch(const Cadre__V1__Batch *batch,
                                     struct cadre_error *err)
{
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
	set_refusal(call, result, status, call->err.message);
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
		set_refusal(call, call->response.results[call->next_op], call->err.status,
		            call->err.message);
}

/* Submits the neighbouring batches from `next_op` on. True: the call is the store's
 * and then the keeper's. */
static bool run_batches(struct call *call)
{
	size_t end = call->next_op;
	struct call_batch **last = &call->batches;
	size_t count = 0;

	while (end < call->request->n_ops &&
	       call->request->ops[end]->body_case == CADRE__V1__OP__BODY_BATCH)
		end++;
	if (rpc_park(call, &call->err) != CADRE_OK) {
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

static void find_leader(struct call *call)
{
	const struct cadre_rpc_hooks *hooks = &call->server->options.hooks;

	if (hooks->leader && !call->response.leader)
		call->response.leader = (char *)(uintptr_t)hooks->leader(hooks->ctx,
		                                                         &call->arena);
}

static void collect_batches(struct call *call)
{
	for (struct call_batch *batch = call->batches; batch; batch = batch->next) {
		Cadre__V1__Result *result = call->response.results[batch->op];
		const struct cadre_request *request = &batch->request;
		if (request->status != CADRE_OK)
			set_refusal(call, result, request->status, request->err.message);
		else if (!batch_result(call, batch, result))
			set_refusal(
			        call, result, CADRE_DEADLINE,
			        "done, but the answer is too large: ask by retry token");
		if (request->status == CADRE_NOT_LEADER)
			find_leader(call);
	}
	call->batches = NULL;
}

/* ---- the sequence ---- */

/* A watch that found nothing waits; true: the call is the keeper's. */
static bool wait_for_event(struct call *call)
{
	const Cadre__V1__Op *op = call->request->ops[0];
	Cadre__V1__Result *result = call->response.results[0];
	uint64_t limit_ns = call->deadline_ns -
	                    (call->deadline_ns - call->arrived_ns) / 10;
	uint64_t wait_ms;

	if (op->body_case != CADRE__V1__OP__BODY_WATCH || result->status != CADRE_OK ||
	    result->watch->n_events > 0 || !op->watch->has_wait_ms)
		return false;
	wait_ms = op->watch->wait_ms < CADRE_RPC_WATCH_MS_MAX ? op->watch->wait_ms
	                                                      : CADRE_RPC_WATCH_MS_MAX;
	call->wait_until_ns = call->arrived_ns + wait_ms * 1000000u;
	if (call->wait_until_ns > limit_ns)
		call->wait_until_ns = limit_ns;
	if (call->server->env->ops->mono_ns(call->server->env) >= call->wait_until_ns ||
	    atomic_load(&call->server->refusing))
		return false;
	if (rpc_park(call, &call->err) != CADRE_OK) {
		set_refusal(call, result, call->err.status, call->err.message);
		return false;
	}
	call->wait = WAIT_EVENT;
	call->wait_seq = result->watch->next_seq;
	op->watch->from_seq = call->wait_seq;
	return true;
}

/* As far as it goes without waiting; then sends, or leaves the call to others. */
static void go_on(struct call *call)
{
	while (call->next_op < call->request->n_ops) {
		if (call->request->ops[call->next_op]->body_case ==
		    CADRE__V1__OP__BODY_BATCH) {
			if (run_batches(call))
				return;
			collect_batches(call);
			continue;
		}
		run_reads(call);
		if (wait_for_event(call)) {
			call->next_op = 0;
			if (rpc_wait(call))
				return;
		}
	}
	if (!call->response.position) {
		struct reader *reader;
		if (readers_enter(&call->server->readers, &call->arena, &reader, NULL) ==
		    CADRE_OK) {
			note_position(call, reader);
			readers_leave(reader);
		}
	}
	rpc_send(call);
}

static enum cadre_status lagging(const struct call *call, struct cadre_error *err)
{
	return cadre_error_set(
	        err, CADRE_LAGGING,
	        "after: seq %" PRIu64 " is not applied here yet, the last is %" PRIu64,
	        call->request->after->seq, atomic_load(&call->server->applied_seq));
}

/* The read-your-writes token. True: the call waits for it. */
static bool wait_for_token(struct call *call, struct cadre_error *err)
{
	const Cadre__V1__Position *after = call->request->after;
	struct reader *reader;

	if (!after)
		return false;
	if (readers_enter(&call->server->readers, &call->arena, &reader, err) != CADRE_OK)
		return false;
	if (memcmp(reader->timeline_id, after->timeline_id.data, 16) != 0)
		(void)cadre_error_set(
		        err, CADRE_TOKEN_LOST,
		        "after: of another timeline: what was written there "
		        "may be lost");
	call->wait_seq = after->seq;
	call->wait = reader->view.head.applied_seq < after->seq ? WAIT_APPLIED
	                                                        : WAIT_NONE;
	readers_leave(reader);
	if (err->status != CADRE_OK || call->wait == WAIT_NONE)
		return false;
	if (atomic_load(&call->server->refusing)) {
		(void)lagging(call, err);
		return false;
	}
	call->wait_until_ns = call->deadline_ns -
	                      (call->deadline_ns - call->arrived_ns) / 10;
	if (rpc_park(call, err) != CADRE_OK)
		return false;
	if (rpc_wait(call))
		return true;
	if (atomic_load(&call->server->applied_seq) < after->seq)
		(void)lagging(call, err);
	return false;
}

void rpc_resume(struct call *call)
{
	enum call_wait wait = call->wait;

	call->wait = WAIT_NONE;
	if (wait == WAIT_APPLIED &&
	    atomic_load(&call->server->applied_seq) < call->wait_seq) {
		(void)lagging(call, &call->err);
		refuse(call, &call->err);
		return;
	}
	collect_batches(call);
	go_on(call);
}

static void call_init(struct call *call, struct cadre_rpc_server *server,
                      struct cadre_exchange *exchange)
{
	size_t bytes = cadre_exchange_request(exchange).length;

	memset(call, 0, offsetof(struct call, storage));
	call->server = server;
	call->exchange = exchange;
	cadre_arena_init_storage(&call->arena,
	                         cadre_arena_bytes_for(bytes) + CADRE_QUERY_ARENA_BYTES,
	                         call->storage, sizeof call->storage);
	cadre__v1__response__init(&call->response);
	cadre__v1__position__init(&call->position);
	call->response.version = CADRE_RPC_VERSION;
	call->arrived_ns = server->env->ops->mono_ns(server->env);
}

void rpc_answer(void *ctx, struct cadre_exchange *exchange)
{
	static char no_id[] = "?";
	struct cadre_rpc_server *server = ctx;
	struct call *call = cadre_exchange_storage(exchange);
	struct cadre_error *err = &call->err;
	enum cadre_status status;

	call_init(call, server, exchange);
	call->response.request_id = no_id;
	cadre_metric_add(server->metrics, METRIC_REQUESTS, 1);
	status = unpack(call, err);
	if (status == CADRE_OK) {
		call->response.request_id = call->request->request_id;
		status = check_envelope(call->request, err);
	}
	if (status == CADRE_OK && atomic_load(&server->refusing))
		status = cadre_error_set(err, CADRE_UNAVAILABLE,
		                         "this node is shutting down: nothing was done");
	if (status == CADRE_OK)
		status = find_actor(call, err);
	if (status == CADRE_OK)
		status = make_results(call, err);
	if (status != CADRE_OK) {
		refuse(call, err);
		return;
	}
	cadre_metric_add(server->metrics, METRIC_OPS, call->request->n_ops);
	set_deadline(call);
	if (wait_for_token(call, err))
		return;
	if (err->status != CADRE_OK)
		refuse(call, err);
	else
		go_on(call);
}
