/* L4, L5, W2: look-ups and patches over RPC against bare nng. */
#include <stdatomic.h>
#include <stdio.h>

#include "bench/echo.h"
#include "bench/lookups.h"
#include "bench/patchers.h"
#include "bench/rows.h"
#include "engine/base/assert.h"

/* ---- L4, L5 ---- */

struct rpc_lookups {
	struct bench *bench;
	struct bench_lookups lookups;
	unsigned outstanding;
	unsigned keys; /* look-ups a message */
	uint64_t messages;
	atomic_size_t next;
	/* Of a message of one look-up, as seen. */
	atomic_size_t request_bytes;
	atomic_size_t reply_bytes;
};

struct resolve_call {
	Cadre__V1__Op op;
	Cadre__V1__Resolve resolve;
};

/* What libcadre's client packs for the operations. */
static size_t request_bytes(const Cadre__V1__Op **ops, size_t count)
{
	static char id[] = "0123abcd-10000";
	Cadre__V1__Request request;

	cadre__v1__request__init(&request);
	request.version = 1;
	request.request_id = id;
	request.remaining_ms = 30000;
	request.n_ops = count;
	request.ops = (Cadre__V1__Op **)(uintptr_t)ops;
	return cadre__v1__request__get_packed_size(&request);
}

static enum cadre_status make_lookups(void *ctx, unsigned slot, struct cadre_arena *arena,
                                      const Cadre__V1__Op ***ret_ops, size_t *ret_count)
{
	struct rpc_lookups *rpc = ctx;
	const Cadre__V1__Op **ops = cadre_arena_alloc(arena, rpc->keys * sizeof *ops);
	struct resolve_call *calls = cadre_arena_alloc(arena, rpc->keys * sizeof *calls);
	size_t at = atomic_fetch_add(&rpc->next, rpc->keys);

	(void)slot;
	if (!ops || !calls)
		return CADRE_OUT_OF_MEMORY;
	for (unsigned i = 0; i < rpc->keys; i++) {
		struct bench_ask *ask = &rpc->lookups.asks[(at + i) % rpc->lookups.count];
		cadre__v1__op__init(&calls[i].op);
		cadre__v1__resolve__init(&calls[i].resolve);
		calls[i].resolve.target = rpc->lookups.targets[ask->target];
		calls[i].resolve.key = ask->key;
		calls[i].op.body_case = CADRE__V1__OP__BODY_RESOLVE;
		calls[i].op.resolve = &calls[i].resolve;
		ops[i] = &calls[i].op;
	}
	if (rpc->keys == 1 && atomic_load(&rpc->request_bytes) == 0)
		atomic_store(&rpc->request_bytes, request_bytes(ops, 1));
	*ret_ops = ops;
	*ret_count = rpc->keys;
	return CADRE_OK;
}

static void take_lookups(void *ctx, unsigned slot, const Cadre__V1__Response *response)
{
	struct rpc_lookups *rpc = ctx;

	(void)slot;
	if (rpc->keys == 1 && atomic_load(&rpc->reply_bytes) == 0)
		atomic_store(&rpc->reply_bytes,
		             cadre__v1__response__get_packed_size(response));
}

/* A node in a process of its own, every key asked for once, then the measurement. */
static enum cadre_status run_lookups(struct rpc_lookups *rpc, unsigned keys,
                                     struct bench_measure *measure,
                                     struct cadre_error *err)
{
	struct bench_rpc_options options = { .slots = rpc->outstanding,
		                             .clients = 1,
		                             .make = make_lookups,
		                             .take = take_lookups,
		                             .ctx = rpc };
	struct bench_rpc_load *load = NULL;
	struct bench_child node;
	uint64_t messages = rpc->messages / (keys > 1 ? keys / 10 : 1) + 1;
	enum cadre_status status = bench_child_start(&node, "rpc", rpc->lookups.lab.dir,
	                                             NULL, NULL, err);

	if (status != CADRE_OK)
		return status;
	rpc->keys = 100;
	options.address = node.address;
	status = bench_rpc_load_open(&options, &load, err);
	if (status == CADRE_OK)
		status = bench_rpc_load_run(load, rpc->lookups.count / 100 + 1, NULL,
		                            err);
	rpc->keys = keys;
	if (status == CADRE_OK)
		status = bench_rpc_load_run(load, messages / 10 + 1, NULL, err);
	measure->server_pid = node.pid;
	bench_measure_start(measure);
	if (status == CADRE_OK)
		status = bench_rpc_load_run(load, messages, measure->latency, err);
	bench_measure_stop(measure, (double)messages * keys);
	bench_rpc_load_close(load);
	bench_child_stop(&node);
	return status;
}

static enum cadre_status run_singles(void *ctx, struct bench_measure *measure,
                                     struct cadre_error *err)
{
	return run_lookups(ctx, 1, measure, err);
}

static enum cadre_status run_hundreds(void *ctx, struct bench_measure *measure,
                                      struct cadre_error *err)
{
	return run_lookups(ctx, 100, measure, err);
}

static void start_measure(void *ctx)
{
	bench_measure_start(ctx);
}

static enum cadre_status run_echo(void *ctx, struct bench_measure *measure,
                                  struct cadre_error *err)
{
	struct rpc_lookups *rpc = ctx;
	struct bench_echo echo = { .outstanding = rpc->outstanding,
		                   .request_bytes = atomic_load(&rpc->request_bytes),
		                   .messages = rpc->messages,
		                   .latency = measure->latency };
	struct bench_child child;
	char reply[32];
	enum cadre_status status;

	CADRE_ASSERT(echo.request_bytes > 0);
	snprintf(reply, sizeof reply, "%zu", atomic_load(&rpc->reply_bytes));
	status = bench_child_start(&child, "echo", "-", reply, "0", err);
	if (status != CADRE_OK)
		return status;
	echo.address = child.address;
	measure->server_pid = child.pid;
	status = bench_echo_run(&echo, start_measure, measure, err);
	bench_measure_stop(measure, (double)echo.messages);
	bench_child_stop(&child);
	return status;
}

static enum cadre_status compare_echo(struct rpc_lookups *rpc, const char *name,
                                      const char *what, unsigned outstanding,
                                      struct cadre_error *err)
{
	char note[96];
	const struct bench_comparison comparison = {
		.name = name,
		.what = what,
		.unit = "look-up",
		.ours_name = "resolve, cadre_client_start",
		.limit_name = "nng REQ/REP of as many bytes",
		.target = 0.80,
		.ours = run_singles,
		.limit = run_echo,
		.ctx = rpc,
		.note = note,
	};

	rpc->outstanding = outstanding;
	snprintf(note, sizeof note, "messages of %zu bytes, answers of %zu",
	         atomic_load(&rpc->request_bytes), atomic_load(&rpc->reply_bytes));
	return bench_compare(rpc->bench, &comparison, err);
}

static enum cadre_status prepare_lookups(struct rpc_lookups *rpc, struct bench *bench,
                                         struct cadre_error *err)
{
	struct bench_measure probe = { .latency = NULL };
	uint64_t messages = bench_by_size(bench, 2000, 200000, 1000000);
	enum cadre_status status;

	memset(rpc, 0, sizeof *rpc);
	rpc->bench = bench;
	status = bench_lookups_plain(&rpc->lookups, bench,
	                             bench_by_size(bench, 5000, 200000, 1000000),
	                             BENCH_GROUPS, err);
	/* The store is the nodes' from here on. */
	bench_child_stop(&rpc->lookups.server);
	rpc->outstanding = 1;
	rpc->messages = 16;
	if (status == CADRE_OK)
		status = run_singles(rpc, &probe, err);
	rpc->messages = messages;
	return status;
}

enum cadre_status bench_row_l4(struct bench *bench, struct cadre_error *err)
{
	struct rpc_lookups rpc;
	enum cadre_status status = prepare_lookups(&rpc, bench, err);

	if (status == CADRE_OK)
		status = compare_echo(&rpc, "L4a", "resolve over RPC, 64 outstanding", 64,
		                      err);
	if (status == CADRE_OK)
		status = compare_echo(&rpc, "L4b", "resolve over RPC, 256 outstanding",
		                      256, err);
	bench_lookups_destroy(&rpc.lookups);
	return status;
}

enum cadre_status bench_row_l5(struct bench *bench, struct cadre_error *err)
{
	struct rpc_lookups rpc;
	const struct bench_comparison comparison = {
		.name = "L5",
		.what = "100 look-ups a message, 64 outstanding",
		.unit = "look-up",
		.ours_name = "messages of 100 look-ups",
		.limit_name = "messages of one",
		.target = 8,
		.ours = run_hundreds,
		.limit = run_singles,
		.ctx = &rpc,
		.note = "latencies are of messages",
	};
	enum cadre_status status = prepare_lookups(&rpc, bench, err);

	rpc.outstanding = 64;
	if (status == CADRE_OK)
		status = bench_compare(bench, &comparison, err);
	bench_lookups_destroy(&rpc.lookups);
	return status;
}
