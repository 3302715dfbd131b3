/* L1 and L2: look-ups on the node against bare mdb_get on the same file. */
#include "bench/lookups.h"
#include "bench/rows.h"

#define LIMIT_NAME "mdb_get of the row, renew and reset around it, value copied"

static enum cadre_status compare(struct bench *bench, struct bench_lookups *lookups,
                                 const char *name, const char *what, double target,
                                 struct cadre_error *err)
{
	const struct bench_comparison comparison = {
		.name = name,
		.what = what,
		.unit = "look-up",
		.ours_name = lookups->at_moment ? "cadre_scope_resolve_at"
		                                : "cadre_scope_resolve",
		.limit_name = LIMIT_NAME,
		.target = target,
		.ours = bench_lookups_ours,
		.limit = bench_lookups_bare,
		.ctx = lookups,
	};

	return bench_compare(bench, &comparison, err);
}

static uint64_t keys_of(const struct bench *bench)
{
	return bench_by_size(bench, 20000, 1000000, 5000000);
}

static enum cadre_status plain_rows(struct bench *bench, struct cadre_error *err)
{
	struct bench_lookups lookups;
	enum cadre_status status;

	if (!bench_wanted(bench, "L1a") && !bench_wanted(bench, "L1b") &&
	    !bench_wanted(bench, "L1c") && !bench_wanted(bench, "L1d") &&
	    !bench_wanted(bench, "L1e"))
		return CADRE_OK;
	status = bench_lookups_plain(&lookups, bench, keys_of(bench), BENCH_GROUPS, err);

	if (status == CADRE_OK)
		status = compare(bench, &lookups, "L1a", "group", 0.80, err);
	if (status == CADRE_OK)
		status = bench_lookups_retarget(&lookups, BENCH_HISTORIES, err);
	if (status == CADRE_OK)
		status = compare(bench, &lookups, "L1b", "history, kept pointer", 0.75,
		                 err);
	lookups.at_moment = true;
	if (status == CADRE_OK)
		status = compare(bench, &lookups, "L1c", "history, pointer looked up",
		                 0.55, err);
	if (status == CADRE_OK)
		status = bench_lookups_retarget(&lookups, BENCH_DEPLOYMENTS, err);
	if (status == CADRE_OK)
		status = compare(bench, &lookups, "L1d", "deployment, pointer looked up",
		                 0.55, err);
	lookups.at_moment = false;
	if (status == CADRE_OK)
		status = compare(bench, &lookups, "L1e", "deployment, kept pointer", 0.75,
		                 err);
	bench_lookups_destroy(&lookups);
	return status;
}

static enum cadre_status version_row(struct bench *bench, const char *name,
                                     const char *what, enum bench_scope_kind kind,
                                     struct cadre_error *err)
{
	struct bench_lookups lookups;
	enum cadre_status status;

	if (!bench_wanted(bench, name))
		return CADRE_OK;
	status = bench_lookups_versions(&lookups, bench, keys_of(bench), kind, err);

	lookups.at_moment = kind == BENCH_HISTORIES;
	if (status == CADRE_OK)
		status = compare(bench, &lookups, name, what, 0.55, err);
	bench_lookups_destroy(&lookups);
	return status;
}

enum cadre_status bench_row_l1(struct bench *bench, struct cadre_error *err)
{
	enum cadre_status status = plain_rows(bench, err);

	if (status == CADRE_OK)
		status = version_row(bench, "L1f", "past group, 10 versions a key",
		                     BENCH_GROUPS, err);
	if (status == CADRE_OK)
		status = version_row(bench, "L1g",
		                     "history at a past seq, 10 versions a key",
		                     BENCH_HISTORIES, err);
	return status;
}

/* The gain from a second thread, as a rate: two threads' over one's. */
static enum cadre_status gain(struct bench_lookups *lookups, bench_side_fn side,
                              struct bench_measure *measure, struct cadre_error *err)
{
	struct bench_measure one = { .latency = NULL };
	double alone;
	enum cadre_status status;

	lookups->threads = 1;
	status = side(lookups, &one, err);
	if (status != CADRE_OK)
		return status;
	alone = one.units / (double)one.ns;
	lookups->threads = 2;
	status = side(lookups, measure, err);
	if (status == CADRE_OK) {
		measure->units = measure->units / (double)measure->ns / alone;
		measure->ns = 1000000000u;
	}
	return status;
}

static enum cadre_status gain_ours(void *ctx, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	return gain(ctx, bench_lookups_ours, measure, err);
}

static enum cadre_status gain_bare(void *ctx, struct bench_measure *measure,
                                   struct cadre_error *err)
{
	return gain(ctx, bench_lookups_bare, measure, err);
}

enum cadre_status bench_row_l2(struct bench *bench, struct cadre_error *err)
{
	struct bench_lookups lookups;
	const struct bench_comparison comparison = {
		.name = "L2",
		.what = "group, gain from a second thread",
		.unit = "gain",
		.ours_name = "rate of two threads over one's",
		.limit_name = "the same of bare mdb_get",
		.target = 0.9,
		.ours = gain_ours,
		.limit = gain_bare,
		.ctx = &lookups,
		.note = "\"ours\" and \"limit\" are gains, not rates",
	};
	enum cadre_status status = bench_lookups_plain(&lookups, bench, keys_of(bench),
	                                               BENCH_GROUPS, err);

	if (status == CADRE_OK)
		status = bench_compare(bench, &comparison, err);
	bench_lookups_destroy(&lookups);
	return status;
}

enum cadre_status bench_lookup_at_size(struct bench *bench, const char *name,
                                       const char *what, uint64_t events,
                                       struct cadre_error *err)
{
	struct bench_lookups lookups;
	enum cadre_status status = bench_lookups_mixed(&lookups, bench, events, err);

	if (status == CADRE_OK)
		status = compare(bench, &lookups, name, what, 0.80, err);
	bench_lookups_destroy(&lookups);
	return status;
}
