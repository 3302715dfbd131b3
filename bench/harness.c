#include "bench/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/report.h"
#include "bench/workload.h"

#define RESAMPLES 2000u
/* A side may have this many major faults more than the other. */
#define FAULTS_DIFFER 16u
/* Of a side's time, that the host took from one side more than from the other. */
#define STEAL_DIFFER_PERCENT 3u

bool bench_wanted(const struct bench *bench, const char *name)
{
	for (unsigned i = 0; i < bench->row_count; i++) {
		const char *row = bench->rows[i];
		if (strncmp(row, name, strlen(name)) == 0 ||
		    strncmp(row, name, strlen(row)) == 0)
			return true;
	}
	return bench->row_count == 0;
}

void bench_measure_start(struct bench_measure *measure)
{
	measure->before = bench_machine_now();
	measure->started_cpu_ns = bench_cpu_ns() +
	                          bench_process_cpu_ns(measure->server_pid);
	measure->started_ns = bench_now_ns();
}

void bench_measure_set(struct bench_measure *measure, double units, uint64_t ns,
                       uint64_t cpu_ns)
{
	measure->ns = ns > 0 ? ns : 1;
	measure->cpu_ns = cpu_ns;
	measure->units = units;
	measure->after = bench_machine_now();
}

void bench_measure_stop(struct bench_measure *measure, double units)
{
	uint64_t ns = bench_now_ns() - measure->started_ns;

	bench_measure_set(measure, units, ns,
	                  bench_cpu_ns() + bench_process_cpu_ns(measure->server_pid) -
	                          measure->started_cpu_ns);
}

void bench_progress(const struct bench *bench, const char *format, ...)
{
	va_list args;

	if (!bench->progress)
		return;
	fputs("\r\033[K", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(double *values, unsigned count)
{
	qsort(values, count, sizeof *values, compare_doubles);
	if (count % 2)
		return values[count / 2];
	return (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct bench_interval bench_interval_of(const double *values, unsigned count,
                                        uint64_t seed)
{
	static double medians[RESAMPLES];
	double sample[BENCH_PAIRS_MAX];
	struct bench_interval interval = { 0, 0, 0 };
	uint64_t random = bench_mix(seed);

	if (count == 0)
		return interval;
	memcpy(sample, values, count * sizeof *sample);
	interval.median = median_of(sample, count);
	for (unsigned i = 0; i < RESAMPLES; i++) {
		for (unsigned k = 0; k < count; k++)
			sample[k] = values[bench_mix(random++) % count];
		medians[i] = median_of(sample, count);
	}
	qsort(medians, RESAMPLES, sizeof *medians, compare_doubles);
	interval.low = medians[RESAMPLES / 40];
	interval.high = medians[RESAMPLES - 1 - RESAMPLES / 40];
	return interval;
}

static uint64_t gap(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static bool pair_accepted(const struct bench_pair *pair)
{
	const struct bench_measure *a = &pair->ours;
	const struct bench_measure *b = &pair->limit;
	uint64_t shorter = a->ns < b->ns ? a->ns : b->ns;

	if (gap(a->after.major_faults - a->before.major_faults,
	        b->after.major_faults - b->before.major_faults) > FAULTS_DIFFER)
		return false;
	if (gap(a->after.steal_ns - a->before.steal_ns,
	        b->after.steal_ns - b->before.steal_ns) >
	    shorter / 100 * STEAL_DIFFER_PERCENT)
		return false;
	return a->before.dirty_bytes <= BENCH_DIRTY_BYTES_MAX &&
	       b->before.dirty_bytes <= BENCH_DIRTY_BYTES_MAX;
}

static double rate_of(const struct bench_measure *measure)
{
	return measure->units * 1e9 / (double)measure->ns;
}

static enum cadre_status run_side(struct bench *bench,
                                  const struct bench_comparison *comparison, bool ours,
                                  struct bench_measure *measure, struct cadre_error *err)
{
	struct bench_histogram *latency = measure->latency;
	enum cadre_status status;

	memset(measure, 0, sizeof *measure);
	measure->latency = latency;
	bench_machine_settle(bench->dir, bench->settle_ms);
	status = ours ? comparison->ours(comparison->ctx, measure, err)
	              : comparison->limit(comparison->ctx, measure, err);
	if (status != CADRE_OK)
		cadre_error_prefix(err, "%s, %s: ", comparison->name,
		                   ours ? comparison->ours_name : comparison->limit_name);
	return status;
}

static double ratio_of(const struct bench_comparison *comparison,
                       const struct bench_pair *pair)
{
	if (comparison->medians)
		return (double)bench_histogram_at(pair->ours.latency, 5000) /
		       (double)bench_histogram_at(pair->limit.latency, 5000);
	return comparison->at_most ? rate_of(&pair->limit) / rate_of(&pair->ours)
	                           : rate_of(&pair->ours) / rate_of(&pair->limit);
}

static enum cadre_status run_pair(struct bench *bench,
                                  const struct bench_comparison *comparison,
                                  struct bench_pair *pair, struct cadre_error *err)
{
	enum cadre_status status =
	        run_side(bench, comparison, !pair->limit_first,
	                 pair->limit_first ? &pair->limit : &pair->ours, err);

	if (status == CADRE_OK)
		status = run_side(bench, comparison, pair->limit_first,
		                  pair->limit_first ? &pair->ours : &pair->limit, err);
	if (status == CADRE_OK)
		pair->ratio = ratio_of(comparison, pair);
	return status;
}

/* The pair's latencies count only when the pair does. */
struct latencies {
	struct bench_histogram ours;
	struct bench_histogram limit;
	struct bench_histogram pair_ours;
	struct bench_histogram pair_limit;
};

static enum cadre_status measure_pair(struct bench *bench, struct bench_outcome *outcome,
                                      struct bench_pair *pair,
                                      struct latencies *latencies,
                                      struct cadre_error *err)
{
	for (unsigned attempt = 1;; attempt++) {
		enum cadre_status status;

		bench_progress(bench, "%s: pair %u of %u%s", outcome->comparison->name,
		               outcome->count + 1, bench->pairs,
		               attempt > 1 ? ", again" : "");
		memset(&latencies->pair_ours, 0, sizeof latencies->pair_ours);
		memset(&latencies->pair_limit, 0, sizeof latencies->pair_limit);
		pair->ours.latency = &latencies->pair_ours;
		pair->limit.latency = &latencies->pair_limit;
		status = run_pair(bench, outcome->comparison, pair, err);
		if (status != CADRE_OK)
			return status;
		if (outcome->comparison->sizes || pair_accepted(pair))
			break;
		if (attempt == BENCH_ATTEMPTS || bench->settle_ms == 0) {
			outcome->refused = true;
			break;
		}
		outcome->repeated++;
	}
	bench_histogram_merge(&latencies->ours, &latencies->pair_ours);
	bench_histogram_merge(&latencies->limit, &latencies->pair_limit);
	return CADRE_OK;
}

static void conclude(struct bench *bench, struct bench_outcome *outcome)
{
	double ratios[BENCH_PAIRS_MAX];
	double ours[BENCH_PAIRS_MAX];
	double limit[BENCH_PAIRS_MAX];
	const struct bench_comparison *comparison = outcome->comparison;

	for (unsigned i = 0; i < outcome->count; i++) {
		ratios[i] = outcome->pairs[i].ratio;
		ours[i] = rate_of(&outcome->pairs[i].ours);
		limit[i] = rate_of(&outcome->pairs[i].limit);
	}
	outcome->ratio = bench_interval_of(ratios, outcome->count, bench->seed);
	outcome->ours = bench_interval_of(ours, outcome->count, bench->seed);
	outcome->limit = bench_interval_of(limit, outcome->count, bench->seed);
	outcome->met = !outcome->refused &&
	               (comparison->at_most ? outcome->ratio.high <= comparison->target
	                                    : outcome->ratio.low >= comparison->target);
	if (comparison->target == 0)
		outcome->met = !outcome->refused;
	bench->refused += outcome->refused;
	bench->missed += !outcome->met && !outcome->refused;
}

enum cadre_status bench_compare(struct bench *bench,
                                const struct bench_comparison *comparison,
                                struct cadre_error *err)
{
	struct bench_pair *pairs = calloc(bench->pairs, sizeof *pairs);
	struct latencies *latencies = calloc(1, sizeof *latencies);
	struct bench_outcome outcome = { .comparison = comparison, .pairs = pairs };
	enum cadre_status status = CADRE_OK;

	if (!bench_wanted(bench, comparison->name)) {
		free(pairs);
		free(latencies);
		return CADRE_OK;
	}
	if (!pairs || !latencies)
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY, "%s: out of memory",
		                         comparison->name);
	for (unsigned i = 0; i < bench->pairs && status == CADRE_OK; i++) {
		pairs[i].limit_first = i % 2 == 1;
		status = measure_pair(bench, &outcome, &pairs[i], latencies, err);
		if (status == CADRE_OK)
			outcome.count++;
	}
	bench_progress(bench, "%s", "");
	if (status == CADRE_OK) {
		conclude(bench, &outcome);
		outcome.ours_latency = &latencies->ours;
		outcome.limit_latency = &latencies->limit;
		bench_report_outcome(bench, &outcome);
	}
	free(pairs);
	free(latencies);
	return status;
}
