/*
 * L3: look-ups on the node against other systems' gets, one client.
 *
 * The others hold the rows that answer our look-ups, under the same short keys, and are
 * asked for them in the same random order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bare.h"
#include "bench/lookups.h"
#include "bench/peer/etcd.h"
#include "bench/peer/redis.h"
#include "bench/peer/sqlite.h"
#include "bench/rows.h"

#define LOAD_PUTS 64u /* of a request */
#define PIPELINED 64u

struct peer_lookups;
typedef bool (*put_fn)(struct peer_lookups *peers, struct cadre_slice key,
                       struct cadre_slice value);

struct peer_lookups {
	struct bench *bench;
	struct bench_lookups lookups;
	/* The row that answers look-up n ends at ends[n]. */
	struct cadre_buffer values;
	size_t *ends;
	size_t count;  /* of rows that the peer holds, those of the first look-ups */
	uint64_t gets; /* of one measurement */
	/* The peer of the row that runs. */
	struct bench_requests puts;
	struct bench_requests asks;
	unsigned asks_each; /* gets of a request */
};

static struct cadre_slice row_of(const struct peer_lookups *peers, size_t number)
{
	const struct bench_ask *ask = &peers->lookups.asks[number];

	return cadre_slice(ask->row, ask->row_length);
}

static struct cadre_slice value_of(const struct peer_lookups *peers, size_t number)
{
	size_t from = number > 0 ? peers->ends[number - 1] : 0;

	return cadre_slice(peers->values.data + from, peers->ends[number] - from);
}

static enum cadre_status no_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "look-ups: out of memory");
}

/* ---- our side ---- */

static enum cadre_status run_ours(void *ctx, struct bench_measure *measure,
                                  struct cadre_error *err)
{
	struct peer_lookups *peers = ctx;

	return bench_lookups_ours(&peers->lookups, measure, err);
}

/* ---- servers ---- */

static bool redis_put(struct peer_lookups *peers, struct cadre_slice key,
                      struct cadre_slice value)
{
	const struct cadre_slice words[] = { cadre_slice_text("SET"), key, value };

	return bench_redis_command(&peers->puts, 3, words);
}

static bool etcd_put(struct peer_lookups *peers, struct cadre_slice key,
                     struct cadre_slice value)
{
	return bench_etcd_put(&peers->puts, key, value);
}

/* Puts of all rows, so many a request. */
static bool make_puts(struct peer_lookups *peers, put_fn put, bool reply_each)
{
	bool done = true;

	for (size_t i = 0; i < peers->count && done; i++) {
		bool last = i + 1 == peers->count || (i + 1) % LOAD_PUTS == 0;
		done = put(peers, row_of(peers, i), value_of(peers, i));
		if (done && last)
			done = bench_requests_end(
			        &peers->puts,
			        reply_each ? (unsigned)(i % LOAD_PUTS) + 1 : 1);
	}
	return done;
}

static bool make_redis_gets(struct peer_lookups *peers)
{
	bool done = true;

	for (size_t i = 0; i < peers->count && done; i++) {
		const struct cadre_slice words[] = { cadre_slice_text("GET"),
			                             row_of(peers, i) };
		done = bench_redis_command(&peers->asks, 2, words);
		if (done && (i + 1) % peers->asks_each == 0)
			done = bench_requests_end(&peers->asks, peers->asks_each);
	}
	return done;
}

static bool make_etcd_gets(struct peer_lookups *peers)
{
	bool done = true;

	for (size_t i = 0; i < peers->count && done; i++)
		done = bench_etcd_get(&peers->asks, row_of(peers, i)) &&
		       bench_requests_end(&peers->asks, 1);
	return done;
}

/* On a warm server; the gets after the first tenth are measured. */
static enum cadre_status measure_gets(struct peer_lookups *peers, struct bench_wire *wire,
                                      const struct bench_peer *peer,
                                      struct bench_measure *measure,
                                      struct cadre_error *err)
{
	uint64_t requests = peers->gets / peers->asks_each + 1;
	enum cadre_status status = bench_wire_run(wire, &peers->asks, 0,
	                                          requests / 10 + 1, NULL, err);

	measure->server_pid = peer->pid;
	bench_machine_settle(peers->bench->dir, peers->bench->settle_ms);
	bench_measure_start(measure);
	if (status == CADRE_OK)
		status = bench_wire_run(wire, &peers->asks, requests / 10 + 1, requests,
		                        measure->latency, err);
	bench_measure_stop(measure, (double)requests * peers->asks_each);
	return status;
}

static enum cadre_status run_redis(void *ctx, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	struct peer_lookups *peers = ctx;
	struct bench_wire wire = { .in = NULL };
	struct bench_peer peer;
	char address[BENCH_PATH_BYTES];
	enum cadre_status status = bench_redis_start(&peer, peers->bench, false, address,
	                                             err);

	if (status == CADRE_OK)
		status = bench_redis_open(&wire, address, err);
	if (status == CADRE_OK)
		status = bench_wire_run(&wire, &peers->puts, 0, peers->puts.count, NULL,
		                        err);
	if (status == CADRE_OK)
		status = measure_gets(peers, &wire, &peer, measure, err);
	bench_wire_close(&wire);
	bench_peer_stop(&peer);
	return status;
}

static enum cadre_status load_etcd(struct peer_lookups *peers, const char *address,
                                   struct cadre_error *err)
{
	struct bench_wire wire;
	enum cadre_status status = bench_etcd_open(&wire, address, BENCH_ETCD_TXN, err);

	if (status == CADRE_OK)
		status = bench_wire_run(&wire, &peers->puts, 0, peers->puts.count, NULL,
		                        err);
	bench_wire_close(&wire);
	return status;
}

static enum cadre_status run_etcd(void *ctx, struct bench_measure *measure,
                                  struct cadre_error *err)
{
	struct peer_lookups *peers = ctx;
	struct bench_wire wire = { .in = NULL };
	struct bench_peer peer;
	char address[BENCH_PATH_BYTES];
	enum cadre_status status = bench_etcd_start(&peer, peers->bench, address, err);

	if (status == CADRE_OK)
		status = load_etcd(peers, address, err);
	if (status == CADRE_OK)
		status = bench_etcd_open(&wire, address, BENCH_ETCD_RANGE, err);
	if (status == CADRE_OK)
		status = measure_gets(peers, &wire, &peer, measure, err);
	bench_wire_close(&wire);
	bench_peer_stop(&peer);
	return status;
}

/* ---- SQLite ---- */

static enum cadre_status load_sqlite(struct peer_lookups *peers,
                                     struct bench_sqlite *sqlite, struct cadre_error *err)
{
	enum cadre_status status = bench_sqlite_begin(sqlite, err);

	for (size_t i = 0; i < peers->count && status == CADRE_OK; i++)
		status = bench_sqlite_put(sqlite, row_of(peers, i), value_of(peers, i),
		                          err);
	return status == CADRE_OK ? bench_sqlite_commit(sqlite, err) : status;
}

static bool select_all(const struct peer_lookups *peers, struct bench_sqlite *sqlite,
                       struct bench_histogram *latency)
{
	char model[CADRE_OCID_BYTES];
	bool found = true;

	for (size_t i = 0; i < peers->count && found; i++) {
		bool sampled = latency && i % 64 == 0;
		uint64_t begin = sampled ? bench_now_ns() : 0;
		found = bench_sqlite_get(sqlite, row_of(peers, i), model, sizeof model);
		if (sampled)
			bench_histogram_add(latency, bench_now_ns() - begin);
	}
	return found;
}

static enum cadre_status run_sqlite(void *ctx, struct bench_measure *measure,
                                    struct cadre_error *err)
{
	struct peer_lookups *peers = ctx;
	struct bench_sqlite *sqlite = NULL;
	char path[BENCH_PATH_BYTES];
	bool found = false;
	enum cadre_status status;

	bench_path(path, peers->bench->dir, "rows.sqlite");
	status = bench_sqlite_open(path, &sqlite, err);
	if (status == CADRE_OK)
		status = load_sqlite(peers, sqlite, err);
	if (status == CADRE_OK) {
		(void)select_all(peers, sqlite, NULL);
		bench_machine_settle(peers->bench->dir, peers->bench->settle_ms);
		bench_measure_start(measure);
		found = select_all(peers, sqlite, measure->latency);
		bench_measure_stop(measure, (double)peers->count);
	}
	bench_sqlite_close(sqlite);
	remove(path);
	if (status == CADRE_OK && !found)
		status = cadre_error_set(err, CADRE_INTERNAL, "sqlite: a row is missing");
	return status;
}

/* ---- the rows ---- */

static enum cadre_status copy_value(struct peer_lookups *peers,
                                    const struct bench_bare *rows, size_t number,
                                    struct cadre_error *err)
{
	const struct bench_ask *ask = &peers->lookups.asks[number];
	MDB_val key = { ask->row_length, (void *)(uintptr_t)ask->row };
	MDB_val value;

	if (mdb_get(rows->txn, rows->dbi, &key, &value) != 0)
		return cadre_error_set(err, CADRE_INTERNAL, "a row is missing");
	if (cadre_buffer_append(&peers->values, value.mv_data, value.mv_size) != CADRE_OK)
		return no_memory(err);
	peers->ends[number] = peers->values.length;
	return CADRE_OK;
}

/* Copies: a process may have an LMDB file open only once, and our side opens it. */
static enum cadre_status copy_values(struct peer_lookups *peers, struct cadre_error *err)
{
	struct bench_bare rows;
	enum cadre_status status = bench_bare_open(&rows, peers->lookups.views, true,
	                                           err);

	if (status != CADRE_OK)
		return status;
	peers->ends = calloc(peers->lookups.count, sizeof *peers->ends);
	if (!peers->ends)
		status = no_memory(err);
	else if (mdb_txn_begin(rows.env, NULL, MDB_RDONLY, &rows.txn) != 0)
		status = cadre_error_set(err, CADRE_INTERNAL, "rows: no transaction");
	for (size_t i = 0; i < peers->lookups.count && status == CADRE_OK; i++)
		status = copy_value(peers, &rows, i, err);
	bench_bare_close(&rows);
	return status;
}

struct part {
	const char *name;
	const char *what;
	const char *limit_name;
	double target;
	const char *(*missing)(const struct bench *bench);
	bench_side_fn limit;
	put_fn put;
	bool (*make_asks)(struct peer_lookups *peers);
	unsigned asks_each;
	uint64_t gets[3]; /* quick, default, full */
	uint64_t rows[3];
	const char *note;
};

static enum cadre_status compare_part(struct peer_lookups *peers, const struct part *part,
                                      struct cadre_error *err)
{
	struct bench *bench = peers->bench;
	const struct bench_comparison comparison = {
		.name = part->name,
		.what = part->what,
		.unit = "look-up",
		.ours_name = "cadre_scope_resolve",
		.limit_name = part->limit_name,
		.target = part->target,
		.ours = run_ours,
		.limit = part->limit,
		.ctx = peers,
		.note = part->note,
	};
	const char *missing = part->missing(bench);
	bool made = true;
	enum cadre_status status = CADRE_OK;

	if (missing)
		bench_report_left_out(bench, part->name, part->what, missing);
	if (missing || !bench_wanted(bench, part->name))
		return CADRE_OK;
	peers->count = bench_by_size(bench, part->rows[0], part->rows[1], part->rows[2]);
	if (peers->count > peers->lookups.count)
		peers->count = peers->lookups.count;
	peers->gets = bench_by_size(bench, part->gets[0], part->gets[1], part->gets[2]);
	peers->asks_each = part->asks_each;
	if (part->put)
		made = make_puts(peers, part->put, part->put == redis_put) &&
		       part->make_asks(peers);
	status = made ? bench_compare(bench, &comparison, err) : no_memory(err);
	bench_requests_fini(&peers->puts);
	bench_requests_fini(&peers->asks);
	return status;
}

static const struct part parts[] = {
	{ .name = "L3a",
	  .what = "group, against Redis GET",
	  .limit_name = "GET on a unix socket, nothing kept on disk",
	  .target = 10,
	  .missing = bench_redis_missing,
	  .limit = run_redis,
	  .put = redis_put,
	  .make_asks = make_redis_gets,
	  .asks_each = 1,
	  .gets = { 2000, 200000, 1000000 },
	  .rows = { 20000, 1000000, 5000000 } },
	{ .name = "L3b",
	  .what = "group, against Redis GET, 64 pipelined",
	  .limit_name = "64 GETs in one write",
	  .missing = bench_redis_missing,
	  .limit = run_redis,
	  .put = redis_put,
	  .make_asks = make_redis_gets,
	  .asks_each = PIPELINED,
	  .gets = { 2000, 1000000, 5000000 },
	  .rows = { 20000, 1000000, 5000000 },
	  .note = "our look-ups are not pipelined; their latencies are of 64 GETs" },
	{ .name = "L3c",
	  .what = "group, against SQLite SELECT",
	  .limit_name = "prepared SELECT, WITHOUT ROWID, mmap",
	  .target = 2,
	  .missing = bench_sqlite_missing,
	  .limit = run_sqlite,
	  .rows = { 20000, 1000000, 5000000 } },
	{ .name = "L3d",
	  .what = "group, against etcd get",
	  .limit_name = "serializable Range over gRPC, loopback",
	  .target = 50,
	  .missing = bench_etcd_missing,
	  .limit = run_etcd,
	  .put = etcd_put,
	  .make_asks = make_etcd_gets,
	  .asks_each = 1,
	  .gets = { 500, 30000, 100000 },
	  .rows = { 2000, 100000, 1000000 },
	  .note = "etcd holds a tenth of the keys" },
};

enum cadre_status bench_row_l3(struct bench *bench, struct cadre_error *err)
{
	struct peer_lookups peers;
	enum cadre_status status;

	memset(&peers, 0, sizeof peers);
	peers.bench = bench;
	status = bench_lookups_plain(&peers.lookups, bench,
	                             bench_by_size(bench, 20000, 1000000, 5000000),
	                             BENCH_GROUPS, err);
	if (status == CADRE_OK)
		status = copy_values(&peers, err);
	for (size_t i = 0; i < sizeof parts / sizeof *parts && status == CADRE_OK; i++)
		status = compare_part(&peers, &parts[i], err);
	bench_lookups_destroy(&peers.lookups);
	cadre_buffer_fini(&peers.values);
	free(peers.ends);
	return status;
}
