/*
 * Two sides measured one after the other, several times, in one process.
 *
 * Each pair: settle (sync the file system, wait until little waits to be written),
 * run one side, settle, run the other; the order is swapped with each pair. A side
 * opens what it needs, warms it, measures between start and stop, and closes it:
 * while one side runs the other is closed. A pair whose sides differ in major
 * faults or in stolen time, or that began with more than BENCH_DIRTY_BYTES_MAX
 * to be written, is refused and measured again; BENCH_ATTEMPTS pairs in vain and
 * the comparison is reported as refused.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <jansson.h>

#include "bench/histogram.h"
#include "bench/machine.h"
#include "engine/base/status.h"

#define BENCH_PAIRS_MAX 99u
/* Of one pair. */
#define BENCH_ATTEMPTS 3u

enum bench_size { BENCH_QUICK, BENCH_DEFAULT, BENCH_FULL };

struct bench {
	enum bench_size size;
	unsigned pairs;
	uint64_t seed;
	const char *dir;    /* for data; on the file system to be measured */
	unsigned settle_ms; /* 0: neither settles nor measures a refused pair again */
	bool progress;      /* standard error is a terminal */
	const char *const *rows; /* asked for: "L1", or one of its parts, "L1a" */
	unsigned row_count;      /* 0: all */
	const char *peers; /* other systems' programs, before the machine's own; NULL */
	bool no_peers;     /* leaves out what needs them */
	json_t *results;
	unsigned refused;
	unsigned missed;
	unsigned left_out;
};

/* Whether a row, or a part of one ("L1a" when "L1" or "L1a" was asked for), or any
 * part of a row ("L1" when "L1a" was) is to run. */
bool bench_wanted(const struct bench *bench, const char *name);

/* One side's measurement. */
struct bench_measure {
	uint64_t started_ns;
	uint64_t ns;
	uint64_t started_cpu_ns;
	uint64_t cpu_ns; /* processor time in that time; 0: not measured */
	double units;    /* done in that time */
	struct bench_machine before;
	struct bench_machine after;
	struct bench_histogram *latency; /* for bench_histogram_add() */
	int server_pid; /* its processor time counts, too; set before start; 0: none */
};
void bench_measure_start(struct bench_measure *measure);
void bench_measure_stop(struct bench_measure *measure, double units);
/* As stop, when the timed parts are summed up by the side itself. */
void bench_measure_set(struct bench_measure *measure, double units, uint64_t ns,
                       uint64_t cpu_ns);

typedef enum cadre_status (*bench_side_fn)(void *ctx, struct bench_measure *measure,
                                           struct cadre_error *err);

struct bench_comparison {
	const char *name; /* "L1a" */
	const char *what;
	const char *unit; /* of one unit: "get", "command" */
	const char *ours_name;
	const char *limit_name;
	double target; /* 0: there is none, the ratio is shown */
	bool at_most;  /* the ratio is of times or sizes, and small is good */
	bool medians;  /* the ratio is of the sides' p50 latencies; with at_most */
	bool sizes;    /* bytes are compared, not times: nothing disturbs them */
	bench_side_fn ours;
	bench_side_fn limit;
	void *ctx;
	const char *note; /* may be NULL */
};
/* Measures and reports. The ratio is of rates (units a second), or, `at_most`, of
 * units' times. */
CADRE_MUST_CHECK enum cadre_status
bench_compare(struct bench *bench, const struct bench_comparison *comparison,
              struct cadre_error *err);

/* A part of a row that cannot be measured here, and what would help. */
void bench_report_left_out(struct bench *bench, const char *name, const char *what,
                           const char *why);

/* A figure that needs no other side: met when at most `target`. */
struct bench_figure {
	const char *name;
	const char *what;
	const char *unit;
	const char *note;
	double target;
	const double *values; /* one per run */
	unsigned count;
};
void bench_report_figure(struct bench *bench, const struct bench_figure *figure);

/* Median, and the 95 % interval of the median by 2,000 resamplings. */
struct bench_interval {
	double median;
	double low;
	double high;
};
struct bench_interval bench_interval_of(const double *values, unsigned count,
                                        uint64_t seed);

/* A line that the next one overwrites, on a terminal only. */
void bench_progress(const struct bench *bench, const char *format, ...)
        CADRE_PRINTF(2, 3);

#endif
