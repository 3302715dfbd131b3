/* The two sides of lookups.h: each opens, warms with one pass over all look-ups,
 * then measures a second pass with one or more threads. */
#include <pthread.h>
#include <stdlib.h>

#include "bench/bare.h"
#include "bench/lookups.h"
#include "engine/reader/cadre.h"

/* The clock is read around one look-up in so many. */
#define SAMPLE 64u
#define THREADS_MAX 2u

struct worker {
	struct bench_lookups *lookups;
	size_t from;                     /* each thread starts elsewhere in the order */
	struct bench_histogram *latency; /* NULL: none */
	pthread_barrier_t *barrier;
	/* Ours. */
	struct cadre_reader *reader;
	struct cadre_scope **scopes;
	/* Bare. */
	MDB_txn *txn;
	MDB_dbi dbi;
	int code; /* of the first failing look-up */
};

static int ask_ours(struct worker *worker, const struct bench_ask *ask)
{
	struct cadre_scope *scope = worker->scopes[ask->target];
	char model[CADRE_OCID_BYTES];
	uint64_t seq;

	if (worker->lookups->at_moment)
		return cadre_scope_resolve_at(scope, ask->key, ask->length, ask->seq,
		                              model, sizeof model, &seq);
	return cadre_scope_resolve(scope, ask->key, ask->length, model, sizeof model,
	                           &seq);
}

/* The value is copied out: it is gone with the transaction. */
static int ask_bare(struct worker *worker, const struct bench_ask *ask)
{
	MDB_val key = { ask->row_length, (void *)(uintptr_t)ask->row };
	MDB_val value;
	volatile char model[CADRE_OCID_BYTES];
	int rc = mdb_txn_renew(worker->txn);

	if (rc == 0)
		rc = mdb_get(worker->txn, worker->dbi, &key, &value);
	if (rc == 0 && value.mv_size <= sizeof model)
		memcpy((char *)(uintptr_t)model, value.mv_data, value.mv_size);
	mdb_txn_reset(worker->txn);
	return rc;
}

static void pass(struct worker *worker, struct bench_histogram *latency)
{
	struct bench_lookups *lookups = worker->lookups;
	size_t at = worker->from;

	for (size_t i = 0; i < lookups->count; i++) {
		const struct bench_ask *ask = &lookups->asks[at];
		bool sampled = latency && i % SAMPLE == 0;
		uint64_t begin = sampled ? bench_now_ns() : 0;
		int code = worker->reader ? ask_ours(worker, ask) : ask_bare(worker, ask);
		if (sampled)
			bench_histogram_add(latency, bench_now_ns() - begin);
		if (code != 0 && worker->code == 0)
			worker->code = code;
		at = at + 1 < lookups->count ? at + 1 : 0;
	}
}

static void *run_worker(void *ctx)
{
	struct worker *worker = ctx;

	pass(worker, NULL);
	pthread_barrier_wait(worker->barrier);
	pthread_barrier_wait(worker->barrier);
	pass(worker, worker->latency);
	pthread_barrier_wait(worker->barrier);
	return NULL;
}

/* Runs the workers side by side; the measurement is from when all are warm until
 * the last is done. */
static enum cadre_status run_workers(struct worker *workers, unsigned count,
                                     struct bench_measure *measure,
                                     struct cadre_error *err)
{
	pthread_t threads[THREADS_MAX];
	pthread_barrier_t barrier;
	size_t asks = workers[0].lookups->count;

	pthread_barrier_init(&barrier, NULL, count + 1);
	for (unsigned i = 0; i < count; i++) {
		workers[i].from = asks / count * i;
		workers[i].barrier = &barrier;
		workers[i].latency = i == 0 ? measure->latency : NULL;
		if (pthread_create(&threads[i], NULL, run_worker, &workers[i]) != 0)
			abort(); /* the barrier would wait for ever */
	}
	pthread_barrier_wait(&barrier);
	bench_measure_start(measure);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	bench_measure_stop(measure, (double)asks * count);
	for (unsigned i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		if (workers[i].code != 0)
			return cadre_error_set(err, CADRE_INTERNAL,
			                       "a look-up failed with code %d",
			                       workers[i].code);
	}
	pthread_barrier_destroy(&barrier);
	return CADRE_OK;
}

static enum cadre_status open_ours(struct bench_lookups *lookups, struct worker *worker,
                                   struct cadre_reader *first, struct cadre_error *err)
{
	int code = first ? cadre_reader_clone(first, &worker->reader)
	                 : cadre_reader_open(lookups->lab.dir, &worker->reader);

	if (code != 0)
		return cadre_error_set(err, CADRE_INTERNAL, "reader: code %d", code);
	worker->scopes = calloc(lookups->target_count, sizeof *worker->scopes);
	if (!worker->scopes)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "scopes: out of memory");
	for (unsigned i = 0; i < lookups->target_count && code == 0; i++)
		code = cadre_scope_open(worker->reader, lookups->targets[i],
		                        &worker->scopes[i]);
	if (code != 0)
		return cadre_error_set(err, CADRE_INTERNAL, "scope: %s",
		                       cadre_reader_message(worker->reader));
	return CADRE_OK;
}

enum cadre_status bench_lookups_ours(void *ctx, struct bench_measure *measure,
                                     struct cadre_error *err)
{
	struct bench_lookups *lookups = ctx;
	struct worker workers[THREADS_MAX] = { { .lookups = lookups },
		                               { .lookups = lookups } };
	enum cadre_status status = CADRE_OK;

	for (unsigned i = 0; i < lookups->threads && status == CADRE_OK; i++)
		status = open_ours(lookups, &workers[i], i > 0 ? workers[0].reader : NULL,
		                   err);
	if (status == CADRE_OK)
		status = run_workers(workers, lookups->threads, measure, err);
	for (unsigned i = lookups->threads; i-- > 0;) {
		cadre_reader_close(workers[i].reader);
		free(workers[i].scopes);
	}
	return status;
}

enum cadre_status bench_lookups_bare(void *ctx, struct bench_measure *measure,
                                     struct cadre_error *err)
{
	struct bench_lookups *lookups = ctx;
	struct worker workers[THREADS_MAX] = { { .lookups = lookups },
		                               { .lookups = lookups } };
	struct bench_bare bare;
	enum cadre_status status = bench_bare_open(&bare, lookups->views, true, err);

	if (status != CADRE_OK)
		return status;
	for (unsigned i = 0; i < lookups->threads && status == CADRE_OK; i++) {
		workers[i].dbi = bare.dbi;
		if (mdb_txn_begin(bare.env, NULL, MDB_RDONLY, &workers[i].txn) != 0)
			status = cadre_error_set(err, CADRE_INTERNAL, "bare transaction");
		else
			mdb_txn_reset(workers[i].txn);
	}
	if (status == CADRE_OK)
		status = run_workers(workers, lookups->threads, measure, err);
	for (unsigned i = 0; i < lookups->threads; i++)
		if (workers[i].txn)
			mdb_txn_abort(workers[i].txn);
	bench_bare_close(&bare);
	return status;
}
