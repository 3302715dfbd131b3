#include "bench/histogram.h"

static unsigned bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns >> BENCH_BUCKET_BITS == 0)
		return (unsigned)ns;
	shift = 63u - (unsigned)__builtin_clzll(ns) - BENCH_BUCKET_BITS;
	return ((shift + 1) << BENCH_BUCKET_BITS) +
	       (unsigned)(ns >> shift & ((1u << BENCH_BUCKET_BITS) - 1));
}

static uint64_t bucket_end(unsigned bucket)
{
	unsigned shift = bucket >> BENCH_BUCKET_BITS;
	uint64_t low = bucket & ((1u << BENCH_BUCKET_BITS) - 1);

	if (shift == 0)
		return low;
	low |= 1u << BENCH_BUCKET_BITS;
	return ((low + 1) << (shift - 1)) - 1;
}

void bench_histogram_add(struct bench_histogram *histogram, uint64_t ns)
{
	histogram->buckets[bucket_of(ns)]++;
	histogram->count++;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
}

void bench_histogram_merge(struct bench_histogram *into,
                           const struct bench_histogram *from)
{
	for (unsigned i = 0; i < BENCH_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
	into->count += from->count;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

uint64_t bench_histogram_at(const struct bench_histogram *histogram, unsigned permille10)
{
	uint64_t rank = (histogram->count * permille10 + 9999) / 10000;
	uint64_t seen = 0;

	for (unsigned i = 0; i < BENCH_BUCKETS && rank > 0; i++) {
		seen += histogram->buckets[i];
		if (seen >= rank) {
			uint64_t end = bucket_end(i);
			return end < histogram->max_ns ? end : histogram->max_ns;
		}
	}
	return 0;
}
