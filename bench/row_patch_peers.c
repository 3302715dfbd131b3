/*
 * W1: durable patches of many clients against other systems' writes.
 *
 * What Redis and etcd write is what the engine wrote for the same kind of patches: a
 * recorder, a store with one more workload, is driven command by command (record.h) and
 * each command's rows become one transaction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/patch_sides.h"
#include "bench/peer/etcd.h"
#include "bench/peer/postgres.h"
#include "bench/peer/redis.h"
#include "bench/record.h"
#include "bench/rows.h"

#define CLIENTS 64u
#define ROWS_MAX 4096u /* of a patch; one that copies the lineage of a large group */
#define VALUE_BYTES 1024u

enum system { REDIS_MULTI, REDIS_SET, ETCD };

struct peer_patches {
	struct bench_patches ours;
	struct bench_lab recorder;
	/* Of the recorder's commands. */
	uint64_t commands;
	uint64_t rows;
	uint64_t row_bytes;
	uint64_t log_bytes;
	struct bench_requests requests; /* of the side that runs */
};

/* ---- the recorder ---- */

static void record_path(const struct peer_patches *peers, char path[BENCH_PATH_BYTES])
{
	bench_path(path, peers->ours.bench->dir, "record");
}

static enum cadre_status make_recorder(struct peer_patches *peers,
                                       struct cadre_error *err)
{
	const struct bench *bench = peers->ours.bench;
	unsigned histories = (unsigned)bench_by_size(bench, 20, 2000, 20000);
	struct bench_workload_options options = bench_patch_options(bench->seed + CLIENTS,
	                                                            histories);
	struct bench_drive drive = { .batch = 256 };
	char dir[BENCH_PATH_BYTES];
	enum cadre_status status;

	drive.commands = bench_workload_setup_commands(&options);
	bench_path(dir, bench->dir, "recorder");
	status = bench_lab_create(&peers->recorder, dir, &options, err);
	if (status == CADRE_OK)
		status = bench_lab_open(&peers->recorder, err);
	if (status == CADRE_OK)
		status = bench_drive(&peers->recorder, &drive, err);
	if (status == CADRE_OK)
		status = bench_lab_rest(&peers->recorder, err);
	return status;
}

static enum cadre_status record_patches(struct peer_patches *peers, uint64_t commands,
                                        struct cadre_error *err)
{
	struct bench_drive drive = { .commands = commands, .batch = 1 };
	struct bench_counts before = bench_counts_now();
	struct bench_counts after;
	char path[BENCH_PATH_BYTES];
	enum cadre_status status;

	record_path(peers, path);
	if (!bench_record_start(path))
		return cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be made",
		                       path);
	status = bench_drive(&peers->recorder, &drive, err);
	if (!bench_record_stop() && status == CADRE_OK)
		status = cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be written",
		                         path);
	after = bench_counts_now();
	peers->commands += commands;
	peers->log_bytes += after.append_bytes - before.append_bytes;
	return status;
}

/* ---- requests of the record ---- */

struct making {
	struct peer_patches *peers;
	enum system system;
	const struct bench_step *rows;
	unsigned count;
};

static struct cadre_slice key_of(const struct bench_step *step)
{
	return cadre_slice(step->key, step->key_bytes);
}

static struct cadre_slice value_of(const struct bench_step *step)
{
	return cadre_slice(step->value, step->value_bytes);
}

static bool make_multi(struct making *making)
{
	struct bench_requests *requests = &making->peers->requests;
	const struct cadre_slice multi = cadre_slice_text("MULTI");
	const struct cadre_slice exec = cadre_slice_text("EXEC");
	bool done = bench_redis_command(requests, 1, &multi);

	for (unsigned i = 0; i < making->count && done; i++) {
		const struct bench_step *step = &making->rows[i];
		bool put = step->operation == BENCH_PUT;
		const struct cadre_slice words[] = { cadre_slice_text(put ? "SET"
			                                                  : "DEL"),
			                             key_of(step), value_of(step) };
		done = bench_redis_command(requests, put ? 3 : 2, words);
	}
	return done && bench_redis_command(requests, 1, &exec) &&
	       bench_requests_end(requests, making->count + 2);
}

/* One key, named by the number of the request, with as many bytes as the log takes. */
static bool make_set(struct making *making)
{
	static const uint8_t value[VALUE_BYTES];
	struct peer_patches *peers = making->peers;
	size_t length = (size_t)(peers->log_bytes / peers->commands);
	char key[32];
	int key_bytes = snprintf(key, sizeof key, "patch:%zu", peers->requests.count);
	const struct cadre_slice words[] = {
		cadre_slice_text("SET"), cadre_slice(key, (size_t)key_bytes),
		cadre_slice(value, length < VALUE_BYTES ? length : VALUE_BYTES)
	};

	return bench_redis_command(&peers->requests, 3, words) &&
	       bench_requests_end(&peers->requests, 1);
}

static bool make_txn(struct making *making)
{
	struct bench_requests *requests = &making->peers->requests;
	bool done = true;

	for (unsigned i = 0; i < making->count && done; i++) {
		const struct bench_step *step = &making->rows[i];
		done = step->operation == BENCH_PUT
		               ? bench_etcd_put(requests, key_of(step), value_of(step))
		               : bench_etcd_delete(requests, key_of(step));
	}
	return done && bench_requests_end(requests, 1);
}

static bool make_request(struct making *making)
{
	switch (making->system) {
	case REDIS_MULTI:
		return make_multi(making);
	case REDIS_SET:
		return make_set(making);
	case ETCD:
	default:
		return make_txn(making);
	}
}

/* A key that is written again: the last write counts, etcd takes each key once. */
static void add_row(struct bench_step *rows, unsigned *io_count,
                    const struct bench_step *step)
{
	for (unsigned i = 0; i < *io_count; i++) {
		if (rows[i].key_bytes != step->key_bytes ||
		    memcmp(rows[i].key, step->key, step->key_bytes) != 0)
			continue;
		rows[i] = *step;
		return;
	}
	rows[(*io_count)++] = *step;
}

static bool make_requests(struct peer_patches *peers, enum system system,
                          struct bench_record *record, struct bench_step *rows)
{
	struct making making = { .peers = peers, .system = system, .rows = rows };
	struct bench_step step;
	bool done = true;

	while (done && bench_record_next(record, &step)) {
		if (step.operation == BENCH_COMMIT && making.count > 0) {
			done = make_request(&making);
			making.count = 0;
		} else if ((step.operation == BENCH_PUT || step.operation == BENCH_DEL) &&
		           making.count < ROWS_MAX) {
			peers->row_bytes += step.key_bytes + step.value_bytes;
			peers->rows++;
			add_row(rows, &making.count, &step);
		}
	}
	return done;
}

static enum cadre_status prepare_requests(struct peer_patches *peers, enum system system,
                                          struct cadre_error *err)
{
	struct bench_step *rows = calloc(ROWS_MAX, sizeof *rows);
	struct bench_record record = { NULL, 0, 0 };
	char path[BENCH_PATH_BYTES];
	enum cadre_status status = record_patches(
	        peers, peers->ours.count + peers->ours.count / 10 + CLIENTS, err);

	record_path(peers, path);
	if (status == CADRE_OK && !bench_record_open(&record, path))
		status = cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be read",
		                         path);
	if (status == CADRE_OK && (!rows || !make_requests(peers, system, &record, rows)))
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                         "requests: out of memory");
	bench_record_close(&record);
	remove(path);
	free(rows);
	return status;
}

/* ---- sides ---- */

/* A tenth to warm, then the measurement. */
static enum cadre_status measure_clients(struct peer_patches *peers,
                                         struct bench_client *const *clients,
                                         const struct bench_peer *peer,
                                         struct bench_measure *measure,
                                         struct cadre_error *err)
{
	uint64_t count = peers->ours.count;
	uint64_t warm = count / 10 + CLIENTS;
	enum cadre_status status = bench_clients_run(clients, CLIENTS, 0, warm, NULL,
	                                             err);

	bench_machine_settle(peers->ours.bench->dir, peers->ours.bench->settle_ms);
	measure->server_pid = peer->pid;
	bench_measure_start(measure);
	if (status == CADRE_OK)
		status = bench_clients_run(clients, CLIENTS, warm, count,
		                           measure->latency, err);
	bench_measure_stop(measure, (double)count);
	return status;
}

static enum cadre_status run_wires(struct peer_patches *peers, enum system system,
                                   const struct bench_peer *peer, const char *address,
                                   struct bench_measure *measure, struct cadre_error *err)
{
	struct bench_wire *wires = calloc(CLIENTS, sizeof *wires);
	struct bench_client *clients[CLIENTS];
	enum cadre_status status = CADRE_OK;

	if (!wires)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "connections: out of memory");
	for (unsigned i = 0; i < CLIENTS && status == CADRE_OK; i++) {
		status = system == ETCD ? bench_etcd_open(&wires[i], address,
		                                          BENCH_ETCD_TXN, err)
		                        : bench_redis_open(&wires[i], address, err);
		wires[i].requests = &peers->requests;
		clients[i] = &wires[i].client;
	}
	if (status == CADRE_OK)
		status = measure_clients(peers, clients, peer, measure, err);
	for (unsigned i = 0; i < CLIENTS; i++)
		bench_wire_close(&wires[i]);
	free(wires);
	return status;
}

static enum cadre_status run_server(struct peer_patches *peers, enum system system,
                                    struct bench_measure *measure,
                                    struct cadre_error *err)
{
	struct bench_peer peer = { .pid = 0 };
	char address[BENCH_PATH_BYTES];
	enum cadre_status status = prepare_requests(peers, system, err);

	if (status == CADRE_OK)
		status = system == ETCD ? bench_etcd_start(&peer, peers->ours.bench,
		                                           address, err)
		                        : bench_redis_start(&peer, peers->ours.bench,
		                                            true, address, err);
	if (status == CADRE_OK)
		status = run_wires(peers, system, &peer, address, measure, err);
	bench_peer_stop(&peer);
	bench_requests_fini(&peers->requests);
	return status;
}

static enum cadre_status run_redis(void *ctx, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	return run_server(ctx, REDIS_MULTI, measure, err);
}

static enum cadre_status run_redis_set(void *ctx, struct bench_measure *measure,
                                       struct cadre_error *err)
{
	return run_server(ctx, REDIS_SET, measure, err);
}

static enum cadre_status run_etcd(void *ctx, struct bench_measure *measure,
                                  struct cadre_error *err)
{
	return run_server(ctx, ETCD, measure, err);
}

static enum cadre_status run_postgres(void *ctx, struct bench_measure *measure,
                                      struct cadre_error *err)
{
	struct peer_patches *peers = ctx;
	const struct bench *bench = peers->ours.bench;
	struct bench_client *clients[CLIENTS] = { NULL };
	struct bench_peer peer;
	enum cadre_status status = bench_postgres_start(&peer, bench, err);

	for (unsigned i = 0; i < CLIENTS && status == CADRE_OK; i++) {
		struct bench_workload_options options = bench_patch_options(
		        bench->seed + i, (unsigned)bench_by_size(bench, 1, 40, 400));
		status = bench_postgres_open(&peer, &options, &clients[i], err);
	}
	if (status == CADRE_OK)
		status = measure_clients(peers, clients, &peer, measure, err);
	for (unsigned i = 0; i < CLIENTS; i++)
		bench_postgres_close(clients[i]);
	bench_peer_stop(&peer);
	return status;
}

static enum cadre_status run_ours(void *ctx, struct bench_measure *measure,
                                  struct cadre_error *err)
{
	struct peer_patches *peers = ctx;

	return bench_patches_ours(&peers->ours, measure, err);
}

/* ---- the row ---- */

struct part {
	const char *name;
	const char *what;
	const char *limit_name;
	double target;
	const char *(*missing)(const struct bench *bench);
	bench_side_fn limit;
	const char *note;
};

static const struct part parts[] = {
	{ "W1a", "durable patches, against Redis MULTI",
	  "MULTI of the rows of a patch, appendfsync always, 64 connections", 0.5,
	  bench_redis_missing, run_redis, NULL },
	{ "W1b", "durable patches, against etcd txn",
	  "txn of the rows of a patch, gRPC, 64 connections", 3, bench_etcd_missing,
	  run_etcd, NULL },
	{ "W1c", "durable patches, against PostgreSQL",
	  "version, member differences, latest pointer; libpq pipelines, 64 connections",
	  1.5, bench_postgres_missing, run_postgres, NULL },
	{ "W1d", "durable patches, against one Redis SET",
	  "SET of as many bytes as a patch's log, appendfsync always, 64 connections", 0,
	  bench_redis_missing, run_redis_set,
	  "a SET checks nothing, keeps no older version, index or event" },
};

static enum cadre_status compare_part(struct peer_patches *peers, const struct part *part,
                                      struct cadre_error *err)
{
	struct bench *bench = peers->ours.bench;
	const struct bench_comparison comparison = {
		.name = part->name,
		.what = part->what,
		.unit = "patch",
		.ours_name = "patch over RPC, 64 clients, ACK_LOCAL",
		.limit_name = part->limit_name,
		.target = part->target,
		.ours = run_ours,
		.limit = part->limit,
		.ctx = peers,
		.note = part->note,
	};
	const char *missing = part->missing(bench);

	if (!missing)
		return bench_compare(bench, &comparison, err);
	bench_report_left_out(bench, part->name, part->what, missing);
	return CADRE_OK;
}

static void print_rows(const struct peer_patches *peers)
{
	if (peers->rows > 0)
		printf("       a patch writes %.1f rows of %.0f bytes in all, %.0f bytes of log\n",
		       (double)peers->rows / (double)peers->commands,
		       (double)peers->row_bytes / (double)peers->commands,
		       (double)peers->log_bytes / (double)peers->commands);
}

enum cadre_status bench_row_w1(struct bench *bench, struct cadre_error *err)
{
	struct peer_patches peers;
	enum cadre_status status;

	memset(&peers, 0, sizeof peers);
	status = bench_patches_create(&peers.ours, bench, CLIENTS,
	                              bench_by_size(bench, 640, 20000, 100000), err);
	if (status == CADRE_OK)
		status = make_recorder(&peers, err);
	for (size_t i = 0; i < sizeof parts / sizeof *parts && status == CADRE_OK; i++)
		status = compare_part(&peers, &parts[i], err);
	print_rows(&peers);
	bench_lab_destroy(&peers.recorder);
	bench_patches_destroy(&peers.ours);
	return status;
}
