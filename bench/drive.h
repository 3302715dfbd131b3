/* Stores under the workload, in this process. */
#ifndef BENCH_DRIVE_H
#define BENCH_DRIVE_H

#include "bench/files.h"
#include "bench/histogram.h"
#include "bench/workload.h"

/* The machine, but for its random bytes: those follow from a seed, so that two
 * stores that get the same commands write rows of the same sizes in the same order. */
struct bench_env {
	struct cadre_env base;
	uint64_t state;
};
void bench_env_init(struct bench_env *env, uint64_t seed);

#define BENCH_BATCH_MAX 1024u

/* Of the logs of new stores and of those opened here; 0: the engine's own. Small
 * runs make it small: a new store begins by writing two segments of zeros.
 * Threads: set before any lab is made. */
extern uint64_t bench_segment_bytes;
#define BENCH_SEGMENT_BYTES_QUICK (1u << 20)

/* A store, where it lies, and the workload that runs on it. */
struct bench_lab {
	struct bench_env env;
	char dir[BENCH_PATH_BYTES];
	struct bench_workload *workload;
	struct cadre_store *store; /* NULL: closed */
};

/* Makes a new, empty store in `dir` and its workload. It is left closed. */
CADRE_MUST_CHECK enum cadre_status
bench_lab_create(struct bench_lab *lab, const char *dir,
                 const struct bench_workload_options *options, struct cadre_error *err);
/* The same store and workload a second time, in `dir`. Both are closed. */
CADRE_MUST_CHECK enum cadre_status bench_lab_copy(struct bench_lab *lab, const char *dir,
                                                  const struct bench_lab *from,
                                                  struct cadre_error *err);
/* Without snapshots. */
CADRE_MUST_CHECK enum cadre_status bench_lab_open(struct bench_lab *lab,
                                                  struct cadre_error *err);
void bench_lab_close(struct bench_lab *lab);
/* Closes, frees, removes the files. Takes a struct of zeros. */
void bench_lab_destroy(struct bench_lab *lab);

typedef void (*bench_answer_fn)(void *ctx, const struct bench_command *command,
                                const struct cadre_result *result);
struct bench_drive {
	uint64_t commands;
	unsigned batch;                  /* commands submitted together, 1..1024 */
	struct bench_histogram *latency; /* of a batch; may be NULL */
	bench_answer_fn answer;          /* may be NULL */
	void *ctx;
	/* Results. */
	uint64_t done;
	uint64_t batches;
	uint64_t busy_ns; /* from submit until all are answered, summed up */
	uint64_t busy_cpu_ns;
	uint64_t upkeep_ns; /* between the batches */
};
/* Runs `commands` of the workload on the open store: submit a batch, step until it
 * is answered, one slice of upkeep. A refused command is an error. */
CADRE_MUST_CHECK enum cadre_status
bench_drive(struct bench_lab *lab, struct bench_drive *drive, struct cadre_error *err);
/* Steps until nothing is left to do at once. */
CADRE_MUST_CHECK enum cadre_status bench_lab_rest(struct bench_lab *lab,
                                                  struct cadre_error *err);
/* Reads every row once. */
CADRE_MUST_CHECK enum cadre_status bench_warm_kv(struct cadre_kv *kv,
                                                 struct cadre_error *err);
/* The directory of the generation that serves. */
CADRE_MUST_CHECK enum cadre_status bench_views_dir(const struct bench_lab *lab,
                                                   char path[BENCH_PATH_BYTES],
                                                   struct cadre_error *err);

#endif
