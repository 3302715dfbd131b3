/* How the figures change with the number of events in the store. */
#include <stdio.h>

#include "bench/rows.h"

#define WRITE_BATCH 64u

enum cadre_status bench_growth(struct bench *bench, struct cadre_error *err)
{
	static const struct {
		uint64_t events;
		const char *exponent;
	} sizes[] = { { 10000, "4" }, { 100000, "5" }, { 1000000, "6" } };
	size_t count = bench->size == BENCH_QUICK ? 1 : sizeof sizes / sizeof *sizes;
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < count && status == CADRE_OK; i++) {
		char name[16];
		char what[64];

		snprintf(name, sizeof name, "G-L1-%s", sizes[i].exponent);
		snprintf(what, sizeof what, "group, %llu events",
		         (unsigned long long)sizes[i].events);
		status = bench_lookup_at_size(bench, name, what, sizes[i].events, err);
		if (status != CADRE_OK)
			break;
		snprintf(name, sizeof name, "G-W3-%s", sizes[i].exponent);
		snprintf(what, sizeof what, "batches of %u, %llu events", WRITE_BATCH,
		         (unsigned long long)sizes[i].events);
		status = bench_write_at_size(bench, name, what, sizes[i].events,
		                             WRITE_BATCH, err);
	}
	return status;
}
