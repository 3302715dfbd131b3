#include "engine/base/metrics.h"

#include "engine/base/assert.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define BOUNDS_MAX 64

const uint64_t cadre_metric_bounds_us[] = { 50,     100,    200,    500,     1000,
	                                    2000,   5000,   10000,  20000,   50000,
	                                    100000, 200000, 500000, 1000000, 10000000 };
const size_t cadre_metric_bounds_us_count = sizeof cadre_metric_bounds_us /
                                            sizeof cadre_metric_bounds_us[0];

struct slot {
	_Atomic uint64_t value;    /* counter; gauge as int64; sum of a histogram */
	_Atomic uint64_t *buckets; /* histogram: bound_count + 1, not cumulative */
};

struct cadre_metrics {
	const struct cadre_metric_row *rows;
	size_t count;
	_Atomic uint64_t *buckets; /* of all histograms */
	struct slot slots[];
};

static size_t bucket_count(const struct cadre_metric_row *row)
{
	if (row->kind != CADRE_METRIC_HISTOGRAM)
		return 0;
	CADRE_ASSERT(row->bound_count <= BOUNDS_MAX);
	return row->bound_count + 1;
}

enum cadre_status cadre_metrics_create(const struct cadre_metric_row *rows, size_t count,
                                       struct cadre_metrics **ret_metrics)
{
	struct cadre_metrics *metrics =
	        calloc(1, sizeof *metrics + count * sizeof metrics->slots[0]);
	size_t total = 0;

	if (!metrics)
		return CADRE_OUT_OF_MEMORY;
	metrics->rows = rows;
	metrics->count = count;
	for (size_t i = 0; i < count; i++)
		total += bucket_count(&rows[i]);
	metrics->buckets = calloc(total + 1, sizeof metrics->buckets[0]);
	if (!metrics->buckets) {
		cadre_metrics_destroy(&metrics);
		return CADRE_OUT_OF_MEMORY;
	}
	total = 0;
	for (size_t i = 0; i < count; i++) {
		metrics->slots[i].buckets = metrics->buckets + total;
		total += bucket_count(&rows[i]);
	}
	*ret_metrics = metrics;
	return CADRE_OK;
}

void cadre_metrics_destroy(struct cadre_metrics **metrics)
{
	if (!metrics || !*metrics)
		return;
	free((*metrics)->buckets);
	free(*metrics);
	*metrics = NULL;
}

static struct slot *slot_of(struct cadre_metrics *metrics, size_t row,
                            enum cadre_metric_kind kind)
{
	CADRE_ASSERT(row < metrics->count);
	CADRE_ASSERT(metrics->rows[row].kind == kind);
	return &metrics->slots[row];
}

static void add(_Atomic uint64_t *value, uint64_t amount)
{
	atomic_fetch_add_explicit(value, amount, memory_order_relaxed);
}

void cadre_metric_add(struct cadre_metrics *metrics, size_t row, uint64_t amount)
{
	if (metrics)
		add(&slot_of(metrics, row, CADRE_METRIC_COUNTER)->value, amount);
}

void cadre_metric_set(struct cadre_metrics *metrics, size_t row, int64_t value)
{
	if (metrics)
		atomic_store_explicit(&slot_of(metrics, row, CADRE_METRIC_GAUGE)->value,
		                      (uint64_t)value, memory_order_relaxed);
}

void cadre_metric_move(struct cadre_metrics *metrics, size_t row, int64_t change)
{
	if (metrics)
		add(&slot_of(metrics, row, CADRE_METRIC_GAUGE)->value, (uint64_t)change);
}

void cadre_metric_observe(struct cadre_metrics *metrics, size_t row, uint64_t value)
{
	const struct cadre_metric_row *shape;
	struct slot *slot;
	size_t bucket = 0;

	if (!metrics)
		return;
	slot = slot_of(metrics, row, CADRE_METRIC_HISTOGRAM);
	shape = &metrics->rows[row];
	while (bucket < shape->bound_count && value > shape->bounds[bucket])
		bucket++;
	add(&slot->buckets[bucket], 1);
	add(&slot->value, value);
}

static uint64_t load(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

uint64_t cadre_metric_value(const struct cadre_metrics *metrics, size_t row)
{
	uint64_t total = 0;

	CADRE_ASSERT(row < metrics->count);
	if (metrics->rows[row].kind != CADRE_METRIC_HISTOGRAM)
		return load(&metrics->slots[row].value);
	for (size_t i = 0; i <= metrics->rows[row].bound_count; i++)
		total += load(&metrics->slots[row].buckets[i]);
	return total;
}

CADRE_PRINTF(2, 3)
static enum cadre_status print(struct cadre_buffer *out, const char *format, ...)
{
	char text[1024];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	CADRE_ASSERT(length >= 0 && (size_t)length < sizeof text);
	return cadre_buffer_append(out, text, (size_t)length);
}

static enum cadre_status print_histogram(const struct cadre_metric_row *row,
                                         const struct slot *slot,
                                         struct cadre_buffer *out)
{
	enum cadre_status status = CADRE_OK;
	uint64_t below = 0;

	for (size_t i = 0; i < row->bound_count && status == CADRE_OK; i++) {
		below += load(&slot->buckets[i]);
		status = print(out, "%s_bucket{le=\"%" PRIu64 "\"} %" PRIu64 "\n",
		               row->name, row->bounds[i], below);
	}
	if (status != CADRE_OK)
		return status;
	below += load(&slot->buckets[row->bound_count]);
	return print(out,
	             "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %" PRIu64
	             "\n%s_count %" PRIu64 "\n",
	             row->name, below, row->name, load(&slot->value), row->name, below);
}

static enum cadre_status print_row(const struct cadre_metric_row *row,
                                   const struct slot *slot, struct cadre_buffer *out)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };
	enum cadre_status status = print(out, "# HELP %s %s (%s)\n# TYPE %s %s\n",
	                                 row->name, row->help, row->unit, row->name,
	                                 kinds[row->kind]);

	if (status != CADRE_OK)
		return status;
	if (row->kind == CADRE_METRIC_HISTOGRAM)
		return print_histogram(row, slot, out);
	if (row->kind == CADRE_METRIC_GAUGE)
		return print(out, "%s %" PRId64 "\n", row->name,
		             (int64_t)load(&slot->value));
	return print(out, "%s %" PRIu64 "\n", row->name, load(&slot->value));
}

enum cadre_status cadre_metrics_text(const struct cadre_metrics *metrics,
                                     struct cadre_buffer *out)
{
	for (size_t i = 0; i < metrics->count; i++) {
		enum cadre_status status = print_row(&metrics->rows[i],
		                                     &metrics->slots[i], out);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}
