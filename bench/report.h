/* The table on standard output and the JSON file. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench/harness.h"

struct bench_pair {
	struct bench_measure ours;
	struct bench_measure limit;
	double ratio;
	bool limit_first;
};
struct bench_outcome {
	const struct bench_comparison *comparison;
	const struct bench_pair *pairs;
	unsigned count;
	unsigned repeated; /* pairs measured again */
	bool refused;
	struct bench_interval ratio;
	struct bench_interval ours; /* units a second */
	struct bench_interval limit;
	bool met;
	const struct bench_histogram *ours_latency;
	const struct bench_histogram *limit_latency;
};
void bench_report_header(void);
void bench_report_outcome(struct bench *bench, const struct bench_outcome *outcome);
CADRE_MUST_CHECK enum cadre_status
bench_report_write(const struct bench *bench, const char *path, struct cadre_error *err);

#endif
