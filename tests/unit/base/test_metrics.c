#include "tests/support/testing.h"

#include <pthread.h>

#include "engine/base/metrics.h"

static const uint64_t bounds[] = { 10, 100 };

enum { EVENTS, WAITING, SYNC };

static const struct cadre_metric_row rows[] = {
	[EVENTS] = { "t_events_total", CADRE_METRIC_COUNTER, "events", "Events.", NULL,
	             0 },
	[WAITING] = { "t_waiting", CADRE_METRIC_GAUGE, "commands", "Waiting.", NULL, 0 },
	[SYNC] = { "t_sync_us", CADRE_METRIC_HISTOGRAM, "us", "Syncs.", bounds, 2 },
};

static struct cadre_metrics *new_metrics(void)
{
	struct cadre_metrics *metrics = NULL;

	assert_int_equal(cadre_metrics_create(rows, 3, &metrics), CADRE_OK);
	return metrics;
}

static void the_text_is_what_prometheus_reads(void **state)
{
	struct cadre_metrics *metrics = new_metrics();
	struct cadre_buffer text = { 0 };

	(void)state;
	cadre_metric_add(metrics, EVENTS, 3);
	cadre_metric_add(metrics, EVENTS, UINT64_C(1) << 40);
	cadre_metric_set(metrics, WAITING, 2);
	cadre_metric_move(metrics, WAITING, -7);
	cadre_metric_observe(metrics, SYNC, 10);
	cadre_metric_observe(metrics, SYNC, 11);
	cadre_metric_observe(metrics, SYNC, 1000);
	assert_int_equal(cadre_metrics_text(metrics, &text), CADRE_OK);
	assert_int_equal(cadre_buffer_append(&text, "", 1), CADRE_OK);
	assert_string_equal((const char *)text.data,
	                    "# HELP t_events_total Events. (events)\n"
	                    "# TYPE t_events_total counter\n"
	                    "t_events_total 1099511627779\n"
	                    "# HELP t_waiting Waiting. (commands)\n"
	                    "# TYPE t_waiting gauge\n"
	                    "t_waiting -5\n"
	                    "# HELP t_sync_us Syncs. (us)\n"
	                    "# TYPE t_sync_us histogram\n"
	                    "t_sync_us_bucket{le=\"10\"} 1\n"
	                    "t_sync_us_bucket{le=\"100\"} 2\n"
	                    "t_sync_us_bucket{le=\"+Inf\"} 3\n"
	                    "t_sync_us_sum 1021\n"
	                    "t_sync_us_count 3\n");
	cadre_buffer_fini(&text);
	cadre_metrics_destroy(&metrics);
	assert_null(metrics);
}

static void *count_up(void *ctx)
{
	struct cadre_metrics *metrics = ctx;

	for (uint64_t i = 0; i < 10000; i++) {
		cadre_metric_add(metrics, EVENTS, 1);
		cadre_metric_observe(metrics, SYNC, i % 200);
	}
	return NULL;
}

static void no_update_of_any_thread_is_lost(void **state)
{
	struct cadre_metrics *metrics = new_metrics();
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_up, metrics), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(cadre_metric_value(metrics, EVENTS), 40000);
	assert_int_equal(cadre_metric_value(metrics, SYNC), 40000);
	cadre_metrics_destroy(&metrics);
}

static void without_a_registry_nothing_happens(void **state)
{
	(void)state;
	cadre_metric_add(NULL, EVENTS, 1);
	cadre_metric_set(NULL, WAITING, 1);
	cadre_metric_move(NULL, WAITING, 1);
	cadre_metric_observe(NULL, SYNC, 1);
	cadre_metrics_destroy(NULL);
}

static void the_common_bounds_rise(void **state)
{
	(void)state;
	for (size_t i = 1; i < cadre_metric_bounds_us_count; i++)
		assert_true(cadre_metric_bounds_us[i] > cadre_metric_bounds_us[i - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_is_what_prometheus_reads),
		cmocka_unit_test(no_update_of_any_thread_is_lost),
		cmocka_unit_test(without_a_registry_nothing_happens),
		cmocka_unit_test(the_common_bounds_rise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
