#include <pthread.h>
#include <stdatomic.h>

#include "tests/support/testing.h"
#include "tools/gateway/pool.h"
#include "tools/gateway/work_request.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint runs;

/* Runs once the gate is open. */
static void pass(void *job)
{
	(void)job;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	atomic_fetch_add(&runs, 1);
}

static void every_job_that_was_taken_runs_before_the_pool_is_gone(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct gateway_pool *pool = NULL;
	int job = 0;

	(void)state;
	atomic_store(&runs, 0);
	assert_ok(gateway_pool_create(3, 1000, pass, &pool, &err));
	for (unsigned i = 0; i < 500; i++)
		assert_ok(gateway_pool_submit(pool, &job));
	gateway_pool_destroy(&pool);
	assert_null(pool);
	assert_int_equal(atomic_load(&runs), 500);
	gateway_pool_destroy(&pool);
}

static void what_finds_no_place_is_refused_at_once(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct gateway_pool *pool = NULL;
	unsigned taken = 0;
	int job = 0;

	(void)state;
	atomic_store(&runs, 0);
	assert_ok(gateway_pool_create(2, 3, pass, &pool, &err));
	pthread_mutex_lock(&gate);
	while (taken < 100 && gateway_pool_submit(pool, &job) == CADRE_OK)
		taken++;
	assert_int_equal(taken, 5);
	pthread_mutex_unlock(&gate);
	gateway_pool_destroy(&pool);
	assert_int_equal(atomic_load(&runs), 5);
}

static void a_work_request_s_id_is_the_seq_and_nothing_else_is(void **state)
{
	static const cadre_seq seqs[] = { 1, 7, UINT64_C(0x0123456789abcdef),
		                          UINT64_MAX };
	char id[GATEWAY_WORK_REQUEST_BYTES];
	cadre_seq seq = 0;

	(void)state;
	for (size_t i = 0; i < sizeof seqs / sizeof *seqs; i++) {
		gateway_work_request_id(seqs[i], id);
		assert_true(gateway_work_request_parse(id, &seq));
		assert_true(seq == seqs[i]);
	}
	assert_false(gateway_work_request_parse("", &seq));
	assert_false(gateway_work_request_parse("ocid1.datascienceworkrequest.oc1.cadre.",
	                                        &seq));
	assert_false(gateway_work_request_parse(
	        "ocid1.datascienceworkrequest.oc1.cadre.0000000000000000", &seq));
	assert_false(gateway_work_request_parse(
	        "ocid1.datascienceworkrequest.oc1.cadre.00000000000000012", &seq));
	assert_false(gateway_work_request_parse(
	        "ocid1.datascienceworkrequest.oc1.cadre.+00000000000000f", &seq));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_that_was_taken_runs_before_the_pool_is_gone),
		cmocka_unit_test(what_finds_no_place_is_refused_at_once),
		cmocka_unit_test(a_work_request_s_id_is_the_seq_and_nothing_else_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
