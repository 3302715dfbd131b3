/* A snapshot on its way: interrupted, resumed, damaged, refused. */
#include <inttypes.h>
#include <stdio.h>

#include "replica/transfer/snapshot_fetch.h"
#include "replica/transfer/snapshot_source.h"
#include "tests/unit/replication/cluster.h"

/* Of several chunks. */
#define GROUPS 40000u

struct bench {
	struct cluster cluster;
	struct cadre_link *link;
	struct cadre_snapshot_fetch fetch;
	char dir[300];
	uint8_t node_id[16];
	/* of the progress */
	uint64_t first_done;
	uint64_t last_done;
	uint64_t total;
	uint64_t stop_at; /* bytes; 0: never */
};

static struct bench bench;

static enum cadre_status note(void *ctx, uint64_t done, uint64_t total)
{
	struct bench *at = ctx;

	if (at->first_done == 0)
		at->first_done = done;
	at->last_done = done;
	at->total = total;
	return at->stop_at && done >= at->stop_at ? CADRE_UNAVAILABLE : CADRE_OK;
}

static void snapshot_job(struct cadre_store *store, void *ctx)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)ctx;
	assert_ok(cadre_store_snapshot(store, NULL, &err));
}

static int make_all(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	cluster_make(&bench.cluster);
	cluster_write(&bench.cluster, GROUPS);
	assert_true(body_run(&bench.cluster.leader.node->body, snapshot_job, NULL));
	assert_ok(cadre_link_create(bench.cluster.leader.replication, 1, &bench.link,
	                            &err));
	return 0;
}

static int remove_all(void **state)
{
	(void)state;
	cadre_link_destroy(&bench.link);
	cluster_remove(&bench.cluster);
	return 0;
}

static int setup(void **state)
{
	static unsigned number;

	bench.first_done = bench.last_done = bench.total = bench.stop_at = 0;
	(void)snprintf(bench.dir, sizeof bench.dir, "%.250s/fetched%u", bench.cluster.dir,
	               number++);
	bench.fetch = (struct cadre_snapshot_fetch){ .env = cadre_env_real(),
		                                     .link = bench.link,
		                                     .snapshot_dir = bench.dir,
		                                     .node_id = bench.node_id,
		                                     .progress = note,
		                                     .ctx = &bench };
	*state = &bench;
	return 0;
}

static enum cadre_status fetch(struct bench *at, cadre_seq *ret_seq)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	at->first_done = 0;
	return cadre_snapshot_fetch(&at->fetch, ret_seq, &err);
}

static void assert_whole(struct bench *at, cadre_seq seq)
{
	struct cadre_snapshot_info info;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(cadre_snapshot_newest(cadre_env_real(), at->dir, CADRE_SEQ_MAX, &info,
	                                &err));
	assert_int_equal(info.head.applied_seq, seq);
	assert_ok(
	        cadre_snapshot_verify(cadre_env_real(), at->dir, seq, NULL, NULL, &err));
}

static void a_snapshot_arrives_whole(void **state)
{
	struct bench *at = *state;
	cadre_seq seq = 0;

	assert_int_equal(fetch(at, &seq), CADRE_OK);
	assert_whole(at, seq);
	assert_int_equal(at->last_done, at->total);
	/* It is there: nothing is fetched a second time. */
	assert_int_equal(fetch(at, &seq), CADRE_OK);
	assert_int_equal(at->first_done, 0);
}

static void what_was_interrupted_goes_on_where_it_was(void **state)
{
	struct bench *at = *state;
	struct cadre_snapshot_info info;
	cadre_seq seq = 0;
	uint64_t here;

	at->stop_at = 1;
	assert_int_equal(fetch(at, &seq), CADRE_UNAVAILABLE);
	here = at->last_done;
	assert_true(here > 0 && here < at->total);
	/* Half of it is no snapshot. */
	assert_int_equal(cadre_snapshot_newest(cadre_env_real(), at->dir, CADRE_SEQ_MAX,
	                                       &info, NULL),
	                 CADRE_NOT_FOUND);
	at->stop_at = 0;
	assert_int_equal(fetch(at, &seq), CADRE_OK);
	assert_true(at->first_done > here);
	assert_whole(at, seq);
}

static void a_leader_that_was_away_is_asked_for_the_rest(void **state)
{
	struct bench *at = *state;
	cadre_seq seq = 0;
	uint64_t here, until = 0;

	at->stop_at = 1;
	assert_int_equal(fetch(at, &seq), CADRE_UNAVAILABLE);
	here = at->last_done;
	at->stop_at = 0;
	cluster_stop(&at->cluster.leader);
	assert_int_equal(fetch(at, &seq), CADRE_UNAVAILABLE);
	cluster_start(&at->cluster.leader);
	while (fetch(at, &seq) != CADRE_OK)
		cluster_tick(&until);
	assert_true(at->first_done > here);
	assert_whole(at, seq);
}

static void bytes_that_do_not_verify_are_fetched_again(void **state)
{
	struct bench *at = *state;
	struct cadre_env *env = cadre_env_real();
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_store_status store;
	struct cadre_file *file;
	cadre_seq seq = 0;
	char path[400];

	at->stop_at = 1;
	assert_int_equal(fetch(at, &seq), CADRE_UNAVAILABLE);
	cluster_positions(&at->cluster.leader, &store);
	(void)snprintf(path, sizeof path, "%s/fetch/%016" PRIx64 "/rows", at->dir,
	               store.snapshot_seq);
	assert_ok(cadre_file_open(env, path, CADRE_OPEN_WRITE, &file, &err));
	assert_ok(env->ops->pwrite(file, 5000, "damage", 6, &err));
	cadre_file_close(file);
	at->stop_at = 0;
	assert_int_equal(fetch(at, &seq), CADRE_CORRUPT);
	assert_int_equal(fetch(at, &seq), CADRE_OK);
	assert_true(at->first_done <= CADRE_SNAPSHOT_CHUNK_BYTES_MAX);
	assert_whole(at, seq);
}

static void a_cancelled_link_ends_the_fetch(void **state)
{
	struct bench *at = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	cadre_seq seq = 0;

	cadre_link_cancel(at->link);
	assert_int_equal(fetch(at, &seq), CADRE_UNAVAILABLE);
	cadre_link_destroy(&at->link);
	assert_ok(cadre_link_create(at->cluster.leader.replication, 1, &at->link, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_snapshot_arrives_whole, setup),
		cmocka_unit_test_setup(what_was_interrupted_goes_on_where_it_was, setup),
		cmocka_unit_test_setup(a_leader_that_was_away_is_asked_for_the_rest,
		                       setup),
		cmocka_unit_test_setup(bytes_that_do_not_verify_are_fetched_again, setup),
		cmocka_unit_test_setup(a_cancelled_link_ends_the_fetch, setup),
	};

	return cmocka_run_group_tests(tests, make_all, remove_all);
}
