/* Members: one version after the other in a lineage, and when a new one starts. */
#include "tests/unit/views/fixture.h"

static void create(struct fixture *f, const char *id, const char *members)
{
	apply(f, test_event_group_created(&f->arena, id, "c1", members));
}

static void patch(struct fixture *f, const char *id, const char *source,
                  const char *removed, const char *inserted)
{
	apply(f, test_event_group_patched(&f->arena, id, source, removed, inserted));
}

static void patching_the_head_extends_its_lineage(void **state)
{
	struct fixture *f = *state;

	create(f, "g1", "a=m1 b=m2 m3");
	patch(f, "g2", "g1", "", "c=m4");
	assert_members(f, "g2", "a=m1 b=m2 m3 c=m4");
	assert_int_equal(get(f, "g2")->group->lineage, get(f, "g1")->group->lineage);
	assert_int_equal(get(f, "g2")->group->lineage_version, 2);
}

static void past_versions_still_resolve(void **state)
{
	struct fixture *f = *state;

	create(f, "g1", "a=m1 b=m2 m3");
	patch(f, "g2", "g1", "a=m1", "a=m9");
	patch(f, "g3", "g2", "m3", "z=m1");
	patch(f, "g4", "g3", "a=m9 b=m2", "");
	assert_members(f, "g1", "a=m1 b=m2 m3");
	assert_members(f, "g2", "b=m2 m3 a=m9");
	assert_members(f, "g3", "z=m1 b=m2 a=m9");
	assert_members(f, "g4", "z=m1");
	assert_string_equal(resolved(f, get(f, "g4")->group, "a"), "");
	assert_string_equal(resolved(f, get(f, "g4")->group, "m2"), "");
	assert_string_equal(resolved(f, get(f, "g1")->group, "z"), "");
}

static void patching_an_old_version_starts_a_lineage(void **state)
{
	struct fixture *f = *state;

	create(f, "g1", "a=m1 b=m2");
	patch(f, "g2", "g1", "b=m2", "c=m3");
	patch(f, "g3", "g1", "a=m1", "d=m4");
	assert_members(f, "g2", "a=m1 c=m3");
	assert_members(f, "g3", "b=m2 d=m4");
	assert_int_not_equal(get(f, "g3")->group->lineage, get(f, "g1")->group->lineage);
	assert_int_equal(get(f, "g3")->group->lineage, get(f, "g3")->id);
	assert_int_equal(get(f, "g3")->group->lineage_version, 1);
	patch(f, "g4", "g3", "", "e=m5");
	assert_members(f, "g4", "b=m2 d=m4 e=m5");
	assert_int_equal(get(f, "g4")->group->lineage, get(f, "g3")->id);
}

static void two_clones_of_one_source_do_not_meet(void **state)
{
	struct fixture *f = *state;

	create(f, "g1", "a=m1 b=m2");
	apply(f, test_event_group_cloned(&f->arena, "g2", "g1", "a=m1", "x=m7"));
	apply(f, test_event_group_cloned(&f->arena, "g3", "g1", "b=m2", "x=m8"));
	assert_members(f, "g1", "a=m1 b=m2");
	assert_members(f, "g2", "b=m2 x=m7");
	assert_members(f, "g3", "a=m1 x=m8");
	patch(f, "g4", "g2", "", "y=m9");
	patch(f, "g5", "g3", "", "y=m6");
	assert_members(f, "g4", "b=m2 x=m7 y=m9");
	assert_members(f, "g5", "a=m1 y=m6 x=m8");
}

static void a_clone_without_a_difference_shares_the_version(void **state)
{
	struct fixture *f = *state;
	uint64_t rows;

	create(f, "g1", "a=m1 b=m2");
	rows = f->view.rows_written;
	apply(f, test_event_group_cloned(&f->arena, "g2", "g1", "", ""));
	assert_true(f->view.rows_written - rows < 8);
	assert_int_equal(get(f, "g2")->group->lineage, get(f, "g1")->id);
	assert_members(f, "g2", "a=m1 b=m2");
	/* Whichever goes on first extends it, the other starts a lineage. */
	patch(f, "g3", "g2", "a=m1", "c=m3");
	patch(f, "g4", "g1", "b=m2", "d=m4");
	assert_int_equal(get(f, "g3")->group->lineage, get(f, "g1")->id);
	assert_int_equal(get(f, "g4")->group->lineage, get(f, "g4")->id);
	assert_members(f, "g1", "a=m1 b=m2");
	assert_members(f, "g2", "a=m1 b=m2");
	assert_members(f, "g3", "b=m2 c=m3");
	assert_members(f, "g4", "a=m1 d=m4");
}

static void two_keys_swap_in_one_patch(void **state)
{
	struct fixture *f = *state;

	create(f, "g1", "a=m1 b=m2");
	patch(f, "g2", "g1", "a=m1 b=m2", "b=m1 a=m2");
	assert_members(f, "g1", "a=m1 b=m2");
	assert_members(f, "g2", "b=m1 a=m2");
	/* The same through a fresh lineage. */
	patch(f, "g3", "g1", "a=m1 b=m2", "b=m1 a=m2");
	assert_members(f, "g3", "b=m1 a=m2");
}

static void a_member_changes_gains_and_loses_its_key(void **state)
{
	struct fixture *f = *state;

	create(f, "g1", "a=m1 m2");
	patch(f, "g2", "g1", "a=m1", "b=m1");
	patch(f, "g3", "g2", "b=m1 m2", "m1 b=m2");
	assert_members(f, "g2", "b=m1 m2");
	assert_string_equal(resolved(f, get(f, "g2")->group, "a"), "");
	assert_members(f, "g3", "m1 b=m2");
	assert_int_equal(get(f, "g3")->group->lineage_version, 3);
}

static uint64_t rows_of_patch(struct fixture *f, const char *id, const char *source,
                              const char *removed, const char *inserted)
{
	uint64_t before = f->view.rows_written;

	patch(f, id, source, removed, inserted);
	return f->view.rows_written - before;
}

static void a_key_that_changes_hands_is_written_once(void **state)
{
	struct fixture *f = *state;
	uint64_t two_keys;

	create(f, "g1", "a=m1 b=m2 m3");
	two_keys = rows_of_patch(f, "g2", "g1", "a=m1", "c=m4");
	assert_int_equal(rows_of_patch(f, "g3", "g2", "c=m4", "c=m5"), two_keys - 1);
	assert_members(f, "g3", "b=m2 m3 c=m5");
	assert_members(f, "g2", "b=m2 m3 c=m4");
}

static void a_member_removed_and_inserted_again_is_there(void **state)
{
	struct fixture *f = *state;

	create(f, "g1", "a=m1 b=m2");
	patch(f, "g2", "g1", "a=m1", "a=m1");
	assert_members(f, "g2", "a=m1 b=m2");
	patch(f, "g3", "g2", "a=m1", "");
	patch(f, "g4", "g3", "", "a=m1");
	assert_members(f, "g3", "b=m2");
	assert_members(f, "g4", "a=m1 b=m2");
	assert_int_equal(get(f, "g4")->group->lineage, get(f, "g1")->id);
}

static void a_key_may_equal_its_own_members_ocid(void **state)
{
	struct fixture *f = *state;

	create(f, "g1", "m1=m1 b=m2");
	assert_members(f, "g1", "m1=m1 b=m2");
	patch(f, "g2", "g1", "m1=m1", "");
	assert_members(f, "g2", "b=m2");
	assert_string_equal(resolved(f, get(f, "g2")->group, "m1"), "");
}

static void names_that_are_prefixes_of_others_stay_apart(void **state)
{
	struct fixture *f = *state;

	create(f, "g1", "a=m aa=m1 aaa=m11");
	patch(f, "g2", "g1", "aa=m1", "");
	assert_members(f, "g2", "a=m aaa=m11");
	assert_string_equal(resolved(f, get(f, "g2")->group, "aa"), "");
}

static void many_dead_rows_start_a_fresh_lineage(void **state)
{
	struct fixture *f = *state;
	const char *source = "g0";
	int extended = 0;

	create(f, "g0", "a=m0 b=m1");
	for (;;) {
		char *id = test_text(&f->arena, "g%d", extended + 1);
		bool odd = extended % 2;

		patch(f, id, source, odd ? "a=m9" : "a=m0", odd ? "a=m0" : "a=m9");
		assert_members(f, id, odd ? "a=m0 b=m1" : "b=m1 a=m9");
		if (get(f, id)->group->lineage != get(f, "g0")->id)
			break;
		source = id;
		extended++;
		assert_true(extended < 1000);
	}
	/* Two dead rows a patch: over 4 * 64 behind the 129th. */
	assert_int_equal(extended, 129);
	assert_int_equal(get(f, "g130")->group->lineage, get(f, "g130")->id);
	assert_members(f, "g129", "b=m1 a=m9");
}

static void a_walk_begins_behind_the_member_it_is_given(void **state)
{
	struct fixture *f = *state;
	struct joined joined = { "" };
	Cadre__V1__GroupState *group;

	create(f, "g1", "a=m1 b=m2 m22 c=m3");
	group = get(f, "g1")->group;
	assert_ok(cadre_view_members(&f->view, group->lineage, 1, "m2", join_member,
	                             &joined, &err));
	assert_string_equal(joined.text, "m22 c=m3");
}

static enum cadre_status join_diff(void *ctx, const struct cadre_member *before,
                                   const struct cadre_member *after)
{
	struct joined *joined = ctx;

	join_text(joined, before ? " -" : " ");
	if (before)
		(void)join_member(ctx, before);
	join_text(joined, after ? " +" : " ");
	return after ? join_member(ctx, after) : CADRE_OK;
}

static void a_difference_names_what_came_went_and_was_rekeyed(void **state)
{
	struct fixture *f = *state;
	struct joined joined = { "" };

	create(f, "g1", "a=m1 b=m2 c=m3 m4");
	patch(f, "g2", "g1", "b=m2 c=m3", "d=m3 e=m5");
	create(f, "g3", "a=m1 d=m3 m4 e=m5");
	assert_ok(cadre_view_diff(&f->view, get(f, "g1")->group, get(f, "g2")->group,
	                          join_diff, &joined, &err));
	assert_string_equal(joined.text, " - b=m2  - c=m3 + d=m3  + e=m5");
	joined.text[0] = '\0';
	assert_ok(cadre_view_diff(&f->view, get(f, "g2")->group, get(f, "g3")->group,
	                          join_diff, &joined, &err));
	assert_string_equal(joined.text, "");
}

static void a_patch_of_a_large_group_writes_as_little_as_of_a_small_one(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__Event *large = test_event_group_created(&f->arena, "large", "c1", "");
	uint64_t rows[2], bytes[2];

	large->group_created->group->members = test_members_many(&f->arena, "model", 100,
	                                                         500);
	large->group_created->group->n_members = 500;
	apply(f, large);
	create(f, "small", "k100=model100 k101=model101 k102=model102");
	for (int i = 0; i < 2; i++) {
		uint64_t rows_before = f->view.rows_written;
		uint64_t bytes_before = f->view.bytes_written;

		patch(f, i ? "patch1" : "patch2", i ? "small" : "large", "k101=model101",
		      "k101=model9");
		rows[i] = f->view.rows_written - rows_before;
		bytes[i] = f->view.bytes_written - bytes_before;
	}
	assert_int_equal(rows[0], rows[1]);
	assert_in_range(bytes[0], bytes[1] - 8, bytes[1] + 8);
}

/* A model of one group's members: keys of up to 40 models. */
struct sketch {
	int keys[40]; /* 0: absent; 1: no key; else key number */
};

static bool key_used(const struct sketch *sketch, int key)
{
	for (int i = 0; i < 40; i++) {
		if (sketch->keys[i] == key)
			return true;
	}
	return false;
}

static char *member_text(struct fixture *f, int model, int key)
{
	return key == 1 ? test_text(&f->arena, "m%02d", model)
	                : test_text(&f->arena, "k%d=m%02d", key, model);
}

static char *sketch_text(struct fixture *f, const struct sketch *sketch)
{
	char *text = test_text(&f->arena, "%s", "");

	for (int i = 0; i < 40; i++) {
		if (sketch->keys[i])
			text = test_text(&f->arena, "%s%s%s", text, text[0] ? " " : "",
			                 member_text(f, i, sketch->keys[i]));
	}
	return text;
}

static void random_patch(struct fixture *f, struct test_random *random,
                         struct sketch *sketch, char **removed, char **inserted)
{
	struct sketch before = *sketch;

	*removed = test_text(&f->arena, "%s", "");
	*inserted = test_text(&f->arena, "%s", "");
	for (int i = 1; i < 40; i++) {
		if (before.keys[i] && test_random_below(random, 8) == 0) {
			*removed = test_text(&f->arena, "%s %s", *removed,
			                     member_text(f, i, before.keys[i]));
			sketch->keys[i] = 0;
		}
	}
	for (int i = 1; i < 40; i++) {
		int key = 1 + (int)test_random_below(random, 50);

		if (sketch->keys[i] || test_random_below(random, 8) != 0)
			continue;
		if (key > 1 && key_used(sketch, key))
			continue;
		sketch->keys[i] = key;
		*inserted = test_text(&f->arena, "%s %s", *inserted,
		                      member_text(f, i, key));
	}
}

static void random_versions_read_as_a_list_says(void **state)
{
	enum { VERSIONS = 120 };
	struct fixture *f = *state;
	struct test_random random = { test_seed(42) };
	static struct sketch sketches[VERSIONS];

	memset(sketches, 0, sizeof sketches);
	sketches[0].keys[0] = 1;
	create(f, "r0", "m00");
	for (int i = 1; i < VERSIONS; i++) {
		/* Mostly the newest, at times an old one: rollback and branch. */
		int source = test_random_below(&random, 6)
		                     ? i - 1
		                     : (int)test_random_below(&random, (uint64_t)i);
		char *removed, *inserted;

		sketches[i] = sketches[source];
		random_patch(f, &random, &sketches[i], &removed, &inserted);
		patch(f, test_text(&f->arena, "r%d", i),
		      test_text(&f->arena, "r%d", source), removed, inserted);
	}
	for (int i = 0; i < VERSIONS; i++)
		assert_members(f, test_text(&f->arena, "r%d", i),
		               sketch_text(f, &sketches[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEW_TEST(patching_the_head_extends_its_lineage),
		VIEW_TEST(past_versions_still_resolve),
		VIEW_TEST(patching_an_old_version_starts_a_lineage),
		VIEW_TEST(two_clones_of_one_source_do_not_meet),
		VIEW_TEST(a_clone_without_a_difference_shares_the_version),
		VIEW_TEST(two_keys_swap_in_one_patch),
		VIEW_TEST(a_member_changes_gains_and_loses_its_key),
		VIEW_TEST(a_key_that_changes_hands_is_written_once),
		VIEW_TEST(a_member_removed_and_inserted_again_is_there),
		VIEW_TEST(a_key_may_equal_its_own_members_ocid),
		VIEW_TEST(names_that_are_prefixes_of_others_stay_apart),
		VIEW_TEST(many_dead_rows_start_a_fresh_lineage),
		VIEW_TEST(a_walk_begins_behind_the_member_it_is_given),
		VIEW_TEST(a_difference_names_what_came_went_and_was_rekeyed),
		VIEW_TEST(a_patch_of_a_large_group_writes_as_little_as_of_a_small_one),
		VIEW_TEST(random_versions_read_as_a_list_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
