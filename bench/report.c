#include "bench/report.h"

#include <stdio.h>
#include <time.h>

#ifndef BENCH_COMMIT
#define BENCH_COMMIT "unknown"
#endif

void bench_report_header(void)
{
	printf("%-6s %-44s %13s %13s %7s %17s %8s  %s\n", "row", "what", "ours", "limit",
	       "ratio", "[low, high]", "target", "met");
}

/* A rate or a time with four digits and a unit. */
static const char *short_number(double value, char text[32])
{
	static const char *const units[] = { "", "k", "M", "G" };
	unsigned unit = 0;

	while (value >= 10000 && unit < 3) {
		value /= 1000;
		unit++;
	}
	snprintf(text, 32, "%.*f%s", value < 100 ? 2 : 0, value, units[unit]);
	return text;
}

static const char *verdict(bool refused, bool met)
{
	return refused ? "refused" : met ? "yes" : "no";
}

/* ">= 0.8  yes", or that there is nothing to meet. */
static const char *target_text(const struct bench_outcome *outcome, char text[64])
{
	const struct bench_comparison *comparison = outcome->comparison;

	if (comparison->target == 0)
		snprintf(text, 64, "%s", outcome->refused ? "-  refused" : "-  shown");
	else
		snprintf(text, 64, "%s %.3g  %s",
		         comparison->at_most ? "<=" : ">=", comparison->target,
		         verdict(outcome->refused, outcome->met));
	return text;
}

static void print_latency(const char *side, const struct bench_histogram *latency)
{
	if (latency->count == 0)
		return;
	printf("       %-6s p50 %.1f us  p99 %.1f us  p99.9 %.1f us  max %.1f us\n", side,
	       (double)bench_histogram_at(latency, 5000) / 1e3,
	       (double)bench_histogram_at(latency, 9900) / 1e3,
	       (double)bench_histogram_at(latency, 9990) / 1e3,
	       (double)latency->max_ns / 1e3);
}

static json_t *json_interval(const struct bench_interval *interval)
{
	return json_pack("{s:f, s:f, s:f}", "median", interval->median, "low",
	                 interval->low, "high", interval->high);
}

static json_t *json_latency(const struct bench_histogram *latency)
{
	if (latency->count == 0)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)latency->count,
	                 "p50_ns", (json_int_t)bench_histogram_at(latency, 5000),
	                 "p99_ns", (json_int_t)bench_histogram_at(latency, 9900),
	                 "p99_9_ns", (json_int_t)bench_histogram_at(latency, 9990),
	                 "max_ns", (json_int_t)latency->max_ns);
}

static json_t *json_measure(const struct bench_measure *measure)
{
	const struct bench_machine *before = &measure->before;
	const struct bench_machine *after = &measure->after;

	return json_pack("{s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "units", measure->units,
	                 "ns", (json_int_t)measure->ns, "cpu_ns",
	                 (json_int_t)measure->cpu_ns, "major_faults",
	                 (json_int_t)(after->major_faults - before->major_faults),
	                 "steal_ns", (json_int_t)(after->steal_ns - before->steal_ns),
	                 "wait_ns", (json_int_t)(after->wait_ns - before->wait_ns),
	                 "dirty_bytes", (json_int_t)before->dirty_bytes);
}

static json_t *json_pairs(const struct bench_outcome *outcome)
{
	json_t *pairs = json_array();

	for (unsigned i = 0; i < outcome->count; i++) {
		const struct bench_pair *pair = &outcome->pairs[i];
		json_array_append_new(pairs, json_pack("{s:f, s:b, s:o, s:o}", "ratio",
		                                       pair->ratio, "limit_first",
		                                       (int)pair->limit_first, "ours",
		                                       json_measure(&pair->ours), "limit",
		                                       json_measure(&pair->limit)));
	}
	return pairs;
}

/* Share of the time that this process waited for a core while others ran: above a
 * tenth the machine was not quiet. */
static double busy_share(const struct bench_outcome *outcome)
{
	uint64_t wait = 0;
	uint64_t ns = 1;

	for (unsigned i = 0; i < outcome->count; i++) {
		const struct bench_measure *sides[] = { &outcome->pairs[i].ours,
			                                &outcome->pairs[i].limit };
		for (unsigned k = 0; k < 2; k++) {
			wait += sides[k]->after.wait_ns - sides[k]->before.wait_ns;
			ns += sides[k]->ns;
		}
	}
	return (double)wait / (double)ns;
}

/* The ratio by processor time, which other processes disturb less; what waits for a
 * disk is missing in it. 0: not measured. */
static double cpu_ratio(const struct bench_outcome *outcome, uint64_t seed)
{
	double ratios[BENCH_PAIRS_MAX];

	for (unsigned i = 0; i < outcome->count; i++) {
		const struct bench_measure *ours = &outcome->pairs[i].ours;
		const struct bench_measure *limit = &outcome->pairs[i].limit;
		if (ours->cpu_ns == 0 || limit->cpu_ns == 0)
			return 0;
		ratios[i] = ours->units / (double)ours->cpu_ns /
		            (limit->units / (double)limit->cpu_ns);
		if (outcome->comparison->at_most)
			ratios[i] = 1 / ratios[i];
	}
	return bench_interval_of(ratios, outcome->count, seed).median;
}

void bench_report_outcome(struct bench *bench, const struct bench_outcome *outcome)
{
	const struct bench_comparison *c = outcome->comparison;
	double busy = busy_share(outcome);
	double by_cpu = cpu_ratio(outcome, bench->seed);
	char ours[32];
	char limit[32];
	char interval[32];
	char target[64];

	snprintf(interval, sizeof interval, "[%.3f, %.3f]", outcome->ratio.low,
	         outcome->ratio.high);
	printf("%-6s %-44s %11s/s %11s/s %7.3f %17s %s\n", c->name, c->what,
	       short_number(outcome->ours.median, ours),
	       short_number(outcome->limit.median, limit), outcome->ratio.median,
	       interval, target_text(outcome, target));
	print_latency("ours", outcome->ours_latency);
	print_latency("limit", outcome->limit_latency);
	if (by_cpu > 0)
		printf("       by processor time alone the ratio is %.3f\n", by_cpu);
	if (busy > 0.1 && !c->sizes)
		printf("       waited for a core %.0f %% of the time: the machine was not quiet\n",
		       busy * 100);
	if (c->note)
		printf("       %s\n", c->note);
	fflush(stdout);
	json_array_append_new(
	        bench->results,
	        json_pack(
	                "{s:s, s:s, s:s, s:s, s:s, s:f, s:b, s:b, s:b, s:i, s:f, s:f, s:o, "
	                "s:o, s:o, s:o, s:o, s:s*, s:o}",
	                "row", c->name, "what", c->what, "unit", c->unit, "ours_name",
	                c->ours_name, "limit_name", c->limit_name, "target", c->target,
	                "at_most", (int)c->at_most, "met", (int)outcome->met, "refused",
	                (int)outcome->refused, "repeated", (int)outcome->repeated,
	                "waited_share", busy, "cpu_ratio", by_cpu, "ratio",
	                json_interval(&outcome->ratio), "ours_rate",
	                json_interval(&outcome->ours), "limit_rate",
	                json_interval(&outcome->limit), "ours_latency",
	                json_latency(outcome->ours_latency), "limit_latency",
	                json_latency(outcome->limit_latency), "note", c->note, "pairs",
	                json_pairs(outcome)));
}

void bench_report_left_out(struct bench *bench, const char *name, const char *what,
                           const char *why)
{
	if (!bench_wanted(bench, name))
		return;
	bench->left_out++;
	bench_progress(bench, "%s", "");
	printf("%-6s %-44s left out: %s\n", name, what, why);
	fflush(stdout);
	json_array_append_new(bench->results, json_pack("{s:s, s:s, s:s}", "row", name,
	                                                "what", what, "left_out", why));
}

void bench_report_figure(struct bench *bench, const struct bench_figure *figure)
{
	struct bench_interval value = bench_interval_of(figure->values, figure->count,
	                                                bench->seed);
	bool met = value.high <= figure->target;
	json_t *values = json_array();
	char text[32];
	char interval[32];

	for (unsigned i = 0; i < figure->count; i++)
		json_array_append_new(values, json_real(figure->values[i]));
	bench->missed += !met;
	snprintf(text, sizeof text, "%.3g %s", value.median, figure->unit);
	snprintf(interval, sizeof interval, "[%.3f, %.3f]", value.low, value.high);
	bench_progress(bench, "%s", "");
	printf("%-6s %-44s %13s %13s %7s %17s <= %.3g  %s\n", figure->name, figure->what,
	       text, "", "", interval, figure->target, verdict(false, met));
	if (figure->note)
		printf("       %s\n", figure->note);
	fflush(stdout);
	json_array_append_new(
	        bench->results,
	        json_pack("{s:s, s:s, s:s, s:f, s:b, s:b, s:b, s:o, s:s*, s:o}", "row",
	                  figure->name, "what", figure->what, "unit", figure->unit,
	                  "target", figure->target, "at_most", 1, "met", (int)met,
	                  "refused", 0, "value", json_interval(&value), "note",
	                  figure->note, "values", values));
}

static const char *size_name(enum bench_size size)
{
	return size == BENCH_QUICK ? "quick" : size == BENCH_FULL ? "full" : "default";
}

enum cadre_status bench_report_write(const struct bench *bench, const char *path,
                                     struct cadre_error *err)
{
	struct bench_hardware hardware;
	struct tm utc;
	time_t now = time(NULL);
	char date[32] = "";
	json_t *root;
	int rc;

	bench_hardware_read(bench->dir, &hardware);
	if (gmtime_r(&now, &utc))
		strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
	root = json_pack(
	        "{s:s, s:s, s:I, s:s, s:i, s:{s:s, s:i, s:I, s:s, s:s}, s:O}", "date",
	        date, "commit", BENCH_COMMIT, "seed", (json_int_t)bench->seed, "size",
	        size_name(bench->size), "pairs", (int)bench->pairs, "hardware", "cpu",
	        hardware.cpu, "cores", (int)hardware.cores, "memory_bytes",
	        (json_int_t)hardware.memory_bytes, "file_system", hardware.file_system,
	        "system", hardware.system, "results", bench->results);
	rc = root ? json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(12))
	          : -1;
	json_decref(root);
	if (rc != 0)
		return cadre_error_set(err, CADRE_IO_ERROR, "\"%s\" cannot be written",
		                       path);
	return CADRE_OK;
}
