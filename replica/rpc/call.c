/*
 * One envelope through its operations. See server.h for the sequence.
 */
#include "replica/rpc/internal.h"

#include <inttypes.h>

#include "proto/codec/limits.h"

void rpc_refuse_op(struct call *call, Cadre__V1__Result *result, enum cadre_status status,
                   const char *message)
{
	result->body_case = CADRE__V1__RESULT__BODY__NOT_SET;
	result->status = (uint32_t)status;
	result->message = cadre_arena_strdup(&call->arena, cadre_slice_text(message));
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

/* False: refused, which is its answer. */
static bool is_allowed(struct call *call, size_t number)
{
	if (rpc_check_op(call, call->request->ops[number], &call->err) == CADRE_OK)
		return true;
	rpc_refuse_op(call, call->response.results[number], call->err.status,
	              call->err.message);
	return false;
}

static void run_read(struct call *call, struct reader *reader, struct cadre_query *query,
                     size_t number)
{
	const Cadre__V1__Op *op = call->request->ops[number];
	Cadre__V1__Result *result = call->response.results[number];

	if (!is_allowed(call, number))
		return;
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
		.may = call->who ? rpc_may_resource : NULL,
		.may_ctx = call,
		.not_allowed = rpc_not_allowed(call),
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
		else if (call->request->ops[number]->body_case ==
		         CADRE__V1__OP__BODY_STATUS)
			/* A node without views is asked for its state more than ever. */
			rpc_daemon_op(call, NULL, &query, call->request->ops[number],
			              call->response.results[number]);
		else
			rpc_refuse_op(call, call->response.results[number], status,
			              call->err.message);
	}
	if (status == CADRE_OK)
		readers_leave(reader);
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
	if (rpc_park(call, true, &call->err) != CADRE_OK) {
		rpc_refuse_op(call, result, call->err.status, call->err.message);
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
			if (rpc_run_batches(call))
				return;
			rpc_collect_batches(call);
			continue;
		}
		if (rpc_is_blob_op(call->request->ops[call->next_op])) {
			if (is_allowed(call, call->next_op) && rpc_run_blob(call))
				return;
			call->next_op++;
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
	if (rpc_park(call, true, err) != CADRE_OK)
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
	rpc_collect_batches(call);
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

	call_init(call, server, exchange);
	call->response.request_id = no_id;
	cadre_metric_add(server->metrics, METRIC_REQUESTS, 1);
	if (rpc_read_envelope(call, err) != CADRE_OK) {
		refuse(call, err);
		return;
	}
	cadre_metric_add(server->metrics, METRIC_OPS, call->request->n_ops);
	if (wait_for_token(call, err))
		return;
	if (err->status != CADRE_OK)
		refuse(call, err);
	else
		go_on(call);
}
