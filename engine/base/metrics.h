/*
 * Metrics: a module declares a table, gets a registry for it, counts by the index
 * in the table, and the program writes the text that Prometheus reads.
 *
 * Threads: any; every update is one or three relaxed atomic additions. The text is
 * not a snapshot: values may be a few updates apart.
 */
#ifndef CADRE_BASE_METRICS_H
#define CADRE_BASE_METRICS_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

enum cadre_metric_kind {
	CADRE_METRIC_COUNTER,   /* only rises */
	CADRE_METRIC_GAUGE,     /* goes up and down */
	CADRE_METRIC_HISTOGRAM, /* how many values fell below each bound */
};

/* One row of a module's table. */
struct cadre_metric_row {
	const char *name; /* Prometheus name with the unit in it: "cadre_log_sync_us" */
	enum cadre_metric_kind kind;
	const char *unit;       /* of the values: "us", "bytes", "events" */
	const char *help;       /* one sentence without newline */
	const uint64_t *bounds; /* histogram: upper bounds in rising order */
	size_t bound_count;     /* at most 64 */
};

/* 50 us to 10 s: syncs, commits, requests. */
extern const uint64_t cadre_metric_bounds_us[];
extern const size_t cadre_metric_bounds_us_count;

struct cadre_metrics;

/* Ownership: `rows` is borrowed and outlives the registry (a static table).
 * Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_metrics_create(const struct cadre_metric_row *rows, size_t count,
                     struct cadre_metrics **ret_metrics);
/* Takes NULL; nulls the pointer. */
void cadre_metrics_destroy(struct cadre_metrics **metrics);

/* Counter: `row` rises by `amount`. A NULL registry swallows all four calls. */
void cadre_metric_add(struct cadre_metrics *metrics, size_t row, uint64_t amount);
/* Gauge: set, or moved by `change`. */
void cadre_metric_set(struct cadre_metrics *metrics, size_t row, int64_t value);
void cadre_metric_move(struct cadre_metrics *metrics, size_t row, int64_t change);
/* Histogram: one more value. */
void cadre_metric_observe(struct cadre_metrics *metrics, size_t row, uint64_t value);

/* The value of a counter or gauge, the number of values of a histogram. */
uint64_t cadre_metric_value(const struct cadre_metrics *metrics, size_t row);

/* Appends the Prometheus text format (version 0.0.4) of all rows to `out`.
 * Errors: CADRE_OUT_OF_MEMORY; `out` then holds a part. */
CADRE_MUST_CHECK enum cadre_status cadre_metrics_text(const struct cadre_metrics *metrics,
                                                      struct cadre_buffer *out);

#endif
