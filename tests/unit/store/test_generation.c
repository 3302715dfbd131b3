/* Generations of real views that are left in every state a death, a repair or a full
 * disk leaves them in. */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/store/internal.h"
#include "tests/unit/store/store_fixture.h"

struct real {
	struct fixture fixture;
	char root[256];
	char dir[300];
};

static struct cadre_error err;

static void real_init(struct real *real)
{
	struct cadre_init_options init = { .dir = real->dir,
		                           .cluster_name = "test",
		                           .segment_bytes = FIXTURE_SEGMENT_BYTES };
	struct fixture *fixture = &real->fixture;

	memset(real, 0, sizeof *real);
	test_make_dir(real->root, sizeof real->root);
	snprintf(real->dir, sizeof real->dir, "%s/data", real->root);
	fixture->env = cadre_env_real();
	cadre_arena_init(&fixture->arena, 64u << 20);
	cadre__v1__actor__init(&fixture->actor);
	snprintf(fixture->principal, sizeof fixture->principal, "tester");
	fixture->actor.principal = fixture->principal;
	fixture->actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	fixture->options.dir = real->dir;
	fixture->options.no_snapshots = true;
	fixture->options.segment_bytes = FIXTURE_SEGMENT_BYTES;
	fixture->options.map_bytes = 64u << 20;
	assert_ok(cadre_store_init(fixture->env, &init, &err));
}

static void real_fini(struct real *real)
{
	fixture_close(&real->fixture);
	cadre_arena_fini(&real->fixture.arena);
	test_remove_dir(real->root);
}

static void fill(struct real *real, unsigned from, unsigned to)
{
	char token[16];

	for (unsigned i = from; i < to; i++) {
		snprintf(token, sizeof token, "t%u", i);
		fixture_do(&real->fixture, fixture_text(&real->fixture, "%s", token),
		           fixture_create_group(&real->fixture, "g", i, 5));
	}
}

static struct cadre_view_head replayed(struct real *real)
{
	struct cadre_view_head head;

	real->fixture.options.memory_views = true;
	fixture_open(&real->fixture);
	head = fixture_status(&real->fixture).view;
	fixture_close(&real->fixture);
	real->fixture.options.memory_views = false;
	return head;
}

static void assert_opens_as_replayed(struct real *real)
{
	struct cadre_view_head expected = replayed(real);
	struct cadre_view_head head;
	struct cadre_view view;
	uint64_t rows;

	fixture_open(&real->fixture);
	head = fixture_status(&real->fixture).view;
	assert_int_equal(head.applied_seq, expected.applied_seq);
	assert_true(cadre_hash128_equal(head.digest, expected.digest));
	assert_ok(cadre_view_begin(&view, cadre_store_kv(real->fixture.store),
	                           CADRE_KV_READ, &real->fixture.arena, &err));
	assert_ok(cadre_view_recount(&view, &rows, &err));
	cadre_view_abort(&view);
}

static void rows_without_a_head_are_not_believed(void **state)
{
	struct real real;
	struct cadre_kv *kv;
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor;
	struct cadre_slice key, value;
	char path[400];

	(void)state;
	real_init(&real);
	fixture_open(&real.fixture);
	fill(&real, 0, 10);
	snprintf(path, sizeof path, "%s/views/%llu", real.dir,
	         (unsigned long long)fixture_status(&real.fixture).generation);
	fixture_close(&real.fixture);

	/* As a load leaves them that died in front of the table of OCIDs. */
	assert_ok(cadre_kv_open_lmdb(path, NULL, &kv, &err));
	assert_ok(cadre_kv_begin(kv, CADRE_KV_WRITE, &txn, &err));
	assert_ok(cadre_kv_del(txn, cadre_slice_text("0meta"), &err));
	for (;;) {
		uint8_t copy[CADRE_KV_KEY_BYTES_MAX];
		size_t length;
		enum cadre_status status;
		assert_ok(cadre_kv_cursor_open(txn, &cursor, &err));
		status = cadre_kv_seek(cursor, cadre_slice_text("o"), &key, &value);
		if (status == CADRE_OK)
			memcpy(copy, key.data, key.length);
		length = key.length;
		cadre_kv_cursor_close(cursor);
		if (status != CADRE_OK)
			break;
		assert_ok(cadre_kv_del(txn, cadre_slice(copy, length), &err));
	}
	assert_ok(cadre_kv_commit(txn, &err));
	cadre_kv_close(kv);
	assert_opens_as_replayed(&real);
	real_fini(&real);
}

static void a_snapshot_of_events_that_were_cut_off_is_passed_over(void **state)
{
	struct real real;
	struct cadre_log_options options = { .segment_bytes = FIXTURE_SEGMENT_BYTES };
	char log[400], lost[400], views[400];

	(void)state;
	real_init(&real);
	fixture_open(&real.fixture);
	fill(&real, 0, 5);
	assert_ok(cadre_store_snapshot(real.fixture.store, NULL, &err));
	fill(&real, 5, 10);
	assert_ok(cadre_store_snapshot(real.fixture.store, NULL, &err));
	fixture_close(&real.fixture);
	snprintf(log, sizeof log, "%s/log", real.dir);
	snprintf(lost, sizeof lost, "%s/lost+found", real.dir);
	snprintf(views, sizeof views, "%s/views", real.dir);
	options.dir = log;
	options.lost_found_dir = lost;
	assert_ok(cadre_log_cut(real.fixture.env, &options, 8, &err));
	real.fixture.options.memory_views = true;
	fixture_open(&real.fixture);
	fill(&real, 20, 30);
	fixture_close(&real.fixture);
	assert_ok(cadre_env_remove_tree(real.fixture.env, views, &err));
	assert_opens_as_replayed(&real);
	real_fini(&real);
}

static unsigned generations(const struct real *real)
{
	char path[400];
	unsigned count = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof path, "%s/views", real->dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	closedir(dir);
	return count;
}

static void a_rebuild_that_fails_again_and_again_takes_no_more_space(void **state)
{
	struct real real;
	struct cadre_result outcome;

	(void)state;
	real_init(&real);
	fixture_open(&real.fixture);
	fill(&real, 0, 200);
	real.fixture.store->rebuild = true;
	real.fixture.store->options.map_bytes = 48u << 10; /* too small */
	for (unsigned i = 0; i < 6; i++) {
		real.fixture.store->retry_at_ns = 0;
		assert_ok(fixture_settle(&real.fixture, &err));
		assert_true(fixture_status(&real.fixture).out_of_space);
		assert_true(generations(&real) <= 1);
		assert_int_equal(cadre_store_outcome(real.fixture.store, "tester", "t1",
		                                     &outcome, &err),
		                 CADRE_UNAVAILABLE);
	}
	real.fixture.store->options.map_bytes = 64u << 20;
	real.fixture.store->retry_at_ns = 0;
	assert_ok(fixture_settle(&real.fixture, &err));
	assert_ok(
	        cadre_store_outcome(real.fixture.store, "tester", "t1", &outcome, &err));
	fixture_close(&real.fixture);
	assert_opens_as_replayed(&real);
	real_fini(&real);
}

/* ---- a disk without a byte left but the ballast ---- */

static struct cadre_env_ops full_ops;
static struct cadre_env full_env = { &full_ops };
static char ballast[400];

static enum cadre_status full_rename(struct cadre_env *env, const char *from,
                                     const char *to, struct cadre_error *ret_err)
{
	if (access(ballast, F_OK) == 0)
		return cadre_error_errno(ret_err, ENOSPC, "renaming \"%s\"", from);
	return cadre_env_real()->ops->rename(env, from, to, ret_err);
}

static void a_store_opens_on_a_disk_full_but_for_its_ballast(void **state)
{
	struct real real;
	struct cadre_result outcome;

	(void)state;
	real_init(&real);
	fixture_open(&real.fixture);
	fill(&real, 0, 3);
	fixture_close(&real.fixture);
	snprintf(ballast, sizeof ballast, "%s/views/ballast", real.dir);
	assert_int_equal(access(ballast, F_OK), 0);
	full_ops = *cadre_env_real()->ops;
	full_ops.rename = full_rename;
	real.fixture.env = &full_env;
	fixture_open(&real.fixture);
	assert_ok(
	        cadre_store_outcome(real.fixture.store, "tester", "t1", &outcome, &err));
	real_fini(&real);
}

/* The views as they were: a copy put in their place. */
static void set_views_back(struct real *real, bool take)
{
	char command[1000];

	snprintf(command, sizeof command,
	         take ? "cp -a '%s/views' '%s/kept'"
	              : "rm -r '%s/views' && mv '%s/kept' '%s/views'",
	         real->dir, real->root, real->dir);
	assert_int_equal(system(command), 0);
}

static void views_that_a_full_disk_keeps_behind_serve_what_they_hold(void **state)
{
	struct real real;
	struct cadre_result outcome;
	cadre_seq seq;

	(void)state;
	real_init(&real);
	fixture_open(&real.fixture);
	fill(&real, 0, 3);
	seq = fixture_status(&real.fixture).view.applied_seq;
	fixture_close(&real.fixture);
	set_views_back(&real, true);
	fixture_open(&real.fixture);
	fill(&real, 3, 200);
	fixture_close(&real.fixture);
	set_views_back(&real, false);
	real.fixture.options.map_bytes = 48u << 10; /* too small */
	fixture_open(&real.fixture);
	assert_true(fixture_status(&real.fixture).out_of_space);
	assert_int_equal(fixture_status(&real.fixture).view.applied_seq, seq);
	assert_int_equal(
	        cadre_store_outcome(real.fixture.store, "tester", "t150", &outcome, &err),
	        CADRE_UNAVAILABLE);
	fixture_close(&real.fixture);
	real.fixture.options.map_bytes = 64u << 20;
	assert_opens_as_replayed(&real);
	real_fini(&real);
}

static void a_followers_watermark_is_on_its_page_and_kept_with_its_rows(void **state)
{
	struct real real;
	struct cadre_control control;
	cadre_time_ms told;
	char views[400];

	(void)state;
	real_init(&real);
	fixture_open(&real.fixture);
	fill(&real, 0, 3);
	fixture_close(&real.fixture);
	real.fixture.options.follower = true;
	fixture_open(&real.fixture);
	told = fixture_status(&real.fixture).view.time_ms + 1000;
	cadre_store_watermark_at(real.fixture.store, 4, told);
	assert_int_equal(atomic_load(&real.fixture.store->control.page->watermark_ms),
	                 told);
	fixture_close(&real.fixture);
	fixture_open(&real.fixture);
	assert_int_equal(cadre_store_watermark(real.fixture.store), told);
	fixture_close(&real.fixture);
	/* The page survived a loss of power, some of what was applied did not. */
	snprintf(views, sizeof views, "%s/views", real.dir);
	assert_ok(cadre_control_create(cadre_env_real(), views, &control, &err));
	atomic_store(&control.page->applied_seq, 5);
	cadre_control_close(&control);
	fixture_open(&real.fixture);
	assert_true(cadre_store_watermark(real.fixture.store) < told);
	real_fini(&real);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_without_a_head_are_not_believed),
		cmocka_unit_test(a_snapshot_of_events_that_were_cut_off_is_passed_over),
		cmocka_unit_test(
		        a_rebuild_that_fails_again_and_again_takes_no_more_space),
		cmocka_unit_test(a_store_opens_on_a_disk_full_but_for_its_ballast),
		cmocka_unit_test(
		        views_that_a_full_disk_keeps_behind_serve_what_they_hold),
		cmocka_unit_test(
		        a_followers_watermark_is_on_its_page_and_kept_with_its_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
