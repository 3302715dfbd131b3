/* A store for patches of many clients at once: each client has histories of its own,
 * so that its commands follow on one another and on nobody else's. */
#ifndef BENCH_PATCHERS_H
#define BENCH_PATCHERS_H

#include "bench/drive.h"
#include "bench/harness.h"
#include "bench/rpc_load.h"

#define BENCH_PATCHERS_MAX 64u

struct bench_patchers {
	struct bench_lab lab; /* without a workload */
	struct bench_workload *workloads[BENCH_PATCHERS_MAX];
	struct bench_command commands[BENCH_PATCHERS_MAX]; /* under way */
	unsigned count;
};

/* Patches only, with retry tokens. */
struct bench_workload_options bench_patch_options(uint64_t seed, unsigned histories);
/* A store below the benchmark's directory where every history has its first group. It
 * is left closed. Also a failed one must be destroyed. */
CADRE_MUST_CHECK enum cadre_status
bench_patchers_create(struct bench_patchers *patchers, const struct bench *bench,
                      unsigned count, unsigned histories_each, struct cadre_error *err);
void bench_patchers_destroy(struct bench_patchers *patchers);

/* For struct bench_rpc_options; ctx is a struct bench_patchers, slots its clients. */
CADRE_MUST_CHECK enum cadre_status bench_patchers_make(void *ctx, unsigned slot,
                                                       struct cadre_arena *arena,
                                                       const Cadre__V1__Op ***ret_ops,
                                                       size_t *ret_count);
void bench_patchers_take(void *ctx, unsigned slot, const Cadre__V1__Response *response);

#endif
