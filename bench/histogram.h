/* Latencies in buckets that are each about 1 % wider than the one before: what is
 * reported is at most 1.6 % too high. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

/* 64 buckets for each power of two. */
#define BENCH_BUCKET_BITS 6u
#define BENCH_BUCKETS ((64u - BENCH_BUCKET_BITS + 1u) << BENCH_BUCKET_BITS)

struct bench_histogram {
	uint64_t buckets[BENCH_BUCKETS];
	uint64_t count;
	uint64_t max_ns;
};
void bench_histogram_add(struct bench_histogram *histogram, uint64_t ns);
void bench_histogram_merge(struct bench_histogram *into,
                           const struct bench_histogram *from);
/* The value that `permille10` / 10,000 of all are at or below; 0 while empty. */
uint64_t bench_histogram_at(const struct bench_histogram *histogram, unsigned permille10);

#endif
