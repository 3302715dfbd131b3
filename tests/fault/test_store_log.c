/*
 * Damage to the log of a closed store: it is named, with file, offset and seqs, or lies
 * where no event is; nothing is ever dropped.
 */
#include "tests/fault/fault_store.h"

#define LOG_FLIPS 120

struct world {
	char dir[256];
	char base[300];
	char store[300];
	struct test_random random;
};

static int make_world(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	test_make_dir(w->dir, sizeof w->dir);
	snprintf(w->base, sizeof w->base, "%s/base", w->dir);
	snprintf(w->store, sizeof w->store, "%s/store", w->dir);
	w->random.state = test_seed(11);
	real_base(w->base);
	*state = w;
	return 0;
}

static int end_world(void **state)
{
	struct world *w = *state;

	test_remove_dir(w->dir);
	free(w);
	return 0;
}

static void fresh_copy(struct world *w)
{
	test_remove_dir(w->store);
	copy_store(w->base, w->store);
}

/* Refused with file, offset and seqs; or, where no event lies, all are there. */
static bool log_damage_is_named(struct world *w, const struct cadre_view_head *whole,
                                const char *what)
{
	struct fixture fixture;
	enum cadre_status status;
	struct cadre_store_status now;

	real_prepare(&fixture, w->store);
	fixture.options.rebuild_views = true;
	status = cadre_store_open(fixture.env, &fixture.options, &fixture.store, &err);
	if (status == CADRE_OK) {
		now = fixture_status(&fixture);
		if (now.view.applied_seq != whole->applied_seq ||
		    !cadre_hash128_equal(now.view.digest, whole->digest))
			fail_msg("%s: the store opened with %llu events of %llu", what,
			         (unsigned long long)now.view.applied_seq,
			         (unsigned long long)whole->applied_seq);
	} else if (status != CADRE_CORRUPT || !strstr(err.message, ".seg") ||
	           !strstr(err.message, "offset") || !strstr(err.message, "seq")) {
		fail_msg("%s: %s: %s", what, cadre_status_name(status), err.message);
	}
	real_fini(&fixture);
	return status != CADRE_OK;
}

static void flipped_bits_of_the_log_are_named(void **state)
{
	struct world *w = *state;
	struct cadre_view_head whole = real_replay(w->base);
	char log[512], path[512], what[600];
	unsigned named = 0;

	for (unsigned i = 0; i < LOG_FLIPS; i++) {
		uint64_t offset;
		fresh_copy(w);
		path_in(log, w->store, "log");
		find_file(log, "0", (unsigned)test_random_below(&w->random, 3), path);
		if (path[0] == '\0')
			continue;
		/* Frames start at multiples of 4 KiB: most of them are short. */
		offset = test_random_below(&w->random, file_bytes(path));
		if (i % 3 != 0)
			offset = (offset & ~UINT64_C(4095)) +
			         test_random_below(&w->random, 300);
		if (offset >= file_bytes(path))
			continue;
		snprintf(what, sizeof what, "byte %llu of %s", (unsigned long long)offset,
		         path);
		flip_bit(path, offset, (unsigned)test_random_below(&w->random, 8));
		named += log_damage_is_named(w, &whole, what);
	}
	print_message("%u of %u flips hit something and were named\n", named, LOG_FLIPS);
	assert_true(named > LOG_FLIPS / 4);
}

static void a_shortened_or_missing_segment_is_named(void **state)
{
	struct world *w = *state;
	struct cadre_view_head whole = real_replay(w->base);
	char log[512], path[512];

	for (unsigned i = 0; i < 8; i++) {
		fresh_copy(w);
		path_in(log, w->store, "log");
		find_file(log, "0", i / 4, path);
		if (i % 4 == 0)
			assert_int_equal(unlink(path), 0);
		else
			assert_int_equal(
			        truncate(path, (off_t)(file_bytes(path) * (i % 4) / 8)),
			        0);
		if (!log_damage_is_named(w, &whole, path) && i != 0)
			fail_msg("\"%s\" is cut, and nobody says so (case %u)", path, i);
	}
}

/* With its snapshot a log may start later; without, the first events are missing. */
static void a_log_without_its_start_needs_a_snapshot(void **state)
{
	struct world *w = *state;
	struct cadre_view_head whole = real_replay(w->base);
	char log[512], path[512];
	struct fixture fixture;

	fresh_copy(w);
	path_in(log, w->store, "log");
	find_file(log, "0", 0, path);
	assert_int_equal(unlink(path), 0);
	assert_false(log_damage_is_named(w, &whole, path));
	path_in(path, w->store, "snapshots");
	test_remove_dir(path);
	real_prepare(&fixture, w->store);
	fixture.options.rebuild_views = true;
	assert_int_not_equal(
	        cadre_store_open(fixture.env, &fixture.options, &fixture.store, &err),
	        CADRE_OK);
	print_message("%s: %s\n", cadre_status_name(err.status), err.message);
	real_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flipped_bits_of_the_log_are_named),
		cmocka_unit_test(a_shortened_or_missing_segment_is_named),
		cmocka_unit_test(a_log_without_its_start_needs_a_snapshot),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
