/* The rows of the benchmark, one function a family. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "bench/harness.h"

typedef enum cadre_status (*bench_row_fn)(struct bench *bench, struct cadre_error *err);

struct bench_row {
	const char *name;
	const char *what;
	const char *limit; /* what it is compared with */
	const char *target;
	bench_row_fn run;
};
/* Ends with a row without a name. */
extern const struct bench_row bench_rows[];

CADRE_MUST_CHECK enum cadre_status bench_row_l1(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_l2(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_l3(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_l4(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_l5(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_w1(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_w2(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_w3(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_w4(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_w5(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_f1(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_f3(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_g1(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_r1(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_r2(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_r3(struct bench *bench,
                                                struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_row_m1(struct bench *bench,
                                                struct cadre_error *err);
/* The same measurements at 10^4, 10^5 and 10^6 events. */
CADRE_MUST_CHECK enum cadre_status bench_growth(struct bench *bench,
                                                struct cadre_error *err);

/* Parts that the growth series uses. `name` is the reported row's. */
CADRE_MUST_CHECK enum cadre_status bench_lookup_at_size(struct bench *bench,
                                                        const char *name,
                                                        const char *what, uint64_t events,
                                                        struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_write_at_size(struct bench *bench,
                                                       const char *name, const char *what,
                                                       uint64_t events, unsigned batch,
                                                       struct cadre_error *err);

/* By size: quick, default, full. */
static inline uint64_t bench_by_size(const struct bench *bench, uint64_t quick,
                                     uint64_t normal, uint64_t full)
{
	return bench->size == BENCH_QUICK  ? quick
	       : bench->size == BENCH_FULL ? full
	                                   : normal;
}

#endif
