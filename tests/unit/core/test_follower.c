#include "replica/core/follower.h"
#include "tests/support/testing.h"

static Cadre__V1__HelloAnswer hello_answer(Cadre__V1__HelloVerdict verdict,
                                           cadre_seq committed)
{
	Cadre__V1__HelloAnswer answer = CADRE__V1__HELLO_ANSWER__INIT;

	answer.verdict = verdict;
	answer.epoch = 3;
	answer.committed_seq = committed;
	return answer;
}

static Cadre__V1__FetchAnswer fetch_answer(Cadre__V1__HelloVerdict verdict)
{
	Cadre__V1__FetchAnswer answer = CADRE__V1__FETCH_ANSWER__INIT;

	answer.verdict = verdict;
	answer.epoch = 3;
	answer.committed_seq = 70;
	answer.watermark_ms = 900;
	return answer;
}

static void it_meets_the_leader_then_fetches_without_a_pause(void **state)
{
	struct cadre_follower follower;
	Cadre__V1__HelloAnswer hello = hello_answer(CADRE__V1__HELLO_VERDICT__HELLO_OK,
	                                            60);
	Cadre__V1__FetchAnswer fetch = fetch_answer(CADRE__V1__HELLO_VERDICT__HELLO_OK);
	uint64_t wait_ms;

	(void)state;
	cadre_follower_init(&follower, 1);
	assert_int_equal(cadre_follower_next(&follower, 0, &wait_ms),
	                 CADRE_FOLLOWER_SEND_HELLO);
	cadre_follower_on_hello(&follower, &hello, 50, 10);
	assert_int_equal(cadre_follower_next(&follower, 10, &wait_ms),
	                 CADRE_FOLLOWER_SEND_FETCH);
	cadre_follower_on_fetch(&follower, &fetch, 11);
	assert_int_equal(follower.leader_seq, 70);
	assert_int_equal(follower.watermark_ms, 900);
	assert_int_equal(cadre_follower_next(&follower, 11, &wait_ms),
	                 CADRE_FOLLOWER_SEND_FETCH);
}

static void a_lost_leader_is_asked_again_with_growing_pauses(void **state)
{
	struct cadre_follower follower;
	struct cadre_error err = CADRE_ERROR_INIT;
	uint64_t now = 1000;
	uint64_t longest = 0;

	(void)state;
	cadre_follower_init(&follower, 7);
	cadre_error_set(&err, CADRE_UNAVAILABLE, "connection refused");
	for (unsigned i = 0; i < 20; i++) {
		uint64_t wait_ms;
		cadre_follower_on_failure(&follower, &err, now);
		assert_int_equal(cadre_follower_next(&follower, now, &wait_ms),
		                 CADRE_FOLLOWER_WAIT);
		assert_in_range(wait_ms, CADRE_FOLLOWER_BACKOFF_MIN_MS / 2,
		                CADRE_FOLLOWER_BACKOFF_MAX_MS);
		if (wait_ms > longest)
			longest = wait_ms;
		now += wait_ms;
		assert_int_equal(cadre_follower_next(&follower, now, &wait_ms),
		                 CADRE_FOLLOWER_SEND_HELLO);
	}
	assert_true(longest > CADRE_FOLLOWER_BACKOFF_MAX_MS / 2);
	assert_string_equal(follower.why, "connection refused");
}

static void a_refused_fetch_says_hello_again_at_once(void **state)
{
	struct cadre_follower follower;
	Cadre__V1__HelloAnswer hello = hello_answer(CADRE__V1__HELLO_VERDICT__HELLO_OK,
	                                            60);
	Cadre__V1__FetchAnswer fetch =
	        fetch_answer(CADRE__V1__HELLO_VERDICT__HELLO_NOT_LEADER);
	uint64_t wait_ms;

	(void)state;
	cadre_follower_init(&follower, 1);
	cadre_follower_on_hello(&follower, &hello, 50, 10);
	cadre_follower_on_fetch(&follower, &fetch, 11);
	assert_int_equal(cadre_follower_next(&follower, 11, &wait_ms),
	                 CADRE_FOLLOWER_SEND_HELLO);
}

static void an_empty_or_too_old_follower_takes_a_snapshot_first(void **state)
{
	struct cadre_follower follower;
	Cadre__V1__HelloAnswer far_ahead = hello_answer(
	        CADRE__V1__HELLO_VERDICT__HELLO_OK, CADRE_FOLLOWER_SNAPSHOT_EVENTS + 1);
	Cadre__V1__HelloAnswer needed =
	        hello_answer(CADRE__V1__HELLO_VERDICT__HELLO_SNAPSHOT_NEEDED, 60);
	uint64_t wait_ms;

	(void)state;
	cadre_follower_init(&follower, 1);
	cadre_follower_on_hello(&follower, &far_ahead, 0, 10);
	assert_int_equal(cadre_follower_next(&follower, 10, &wait_ms),
	                 CADRE_FOLLOWER_TAKE_SNAPSHOT);
	cadre_follower_on_snapshot(&follower);
	assert_int_equal(cadre_follower_next(&follower, 10, &wait_ms),
	                 CADRE_FOLLOWER_SEND_HELLO);
	/* With a log of its own it goes on from there, however far behind. */
	cadre_follower_on_hello(&follower, &far_ahead, 5, 10);
	assert_int_equal(cadre_follower_next(&follower, 10, &wait_ms),
	                 CADRE_FOLLOWER_SEND_FETCH);
	cadre_follower_on_hello(&follower, &needed, 5, 10);
	assert_int_equal(cadre_follower_next(&follower, 10, &wait_ms),
	                 CADRE_FOLLOWER_TAKE_SNAPSHOT);
}

static void divergence_is_kept_until_the_leader_agrees_again(void **state)
{
	struct cadre_follower follower;
	Cadre__V1__HelloAnswer diverged =
	        hello_answer(CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED, 60);
	Cadre__V1__HelloAnswer well = hello_answer(CADRE__V1__HELLO_VERDICT__HELLO_OK,
	                                           60);
	uint64_t wait_ms;

	(void)state;
	cadre_follower_init(&follower, 1);
	cadre_follower_on_hello(&follower, &diverged, 50, 10);
	assert_true(follower.diverged);
	assert_int_equal(cadre_follower_next(&follower, 10, &wait_ms),
	                 CADRE_FOLLOWER_WAIT);
	assert_int_equal(cadre_follower_next(&follower, 10 + wait_ms, &wait_ms),
	                 CADRE_FOLLOWER_SEND_HELLO);
	cadre_follower_on_hello(&follower, &well, 50, 20);
	assert_false(follower.diverged);
	assert_string_equal(follower.why, "");
}

static void a_leader_that_refuses_again_and_again_is_asked_with_pauses(void **state)
{
	struct cadre_follower follower;
	Cadre__V1__HelloAnswer well = hello_answer(CADRE__V1__HELLO_VERDICT__HELLO_OK,
	                                           60);
	Cadre__V1__FetchAnswer refusal =
	        fetch_answer(CADRE__V1__HELLO_VERDICT__HELLO_SNAPSHOT_NEEDED);
	uint64_t now = 10;
	unsigned rounds = 0;

	(void)state;
	cadre_follower_init(&follower, 1);
	for (; now < 60000; rounds++) {
		uint64_t wait_ms;
		cadre_follower_on_hello(&follower, &well, 50, now);
		(void)cadre_follower_next(&follower, now, &wait_ms);
		now += wait_ms;
		cadre_follower_on_fetch(&follower, &refusal, now);
		assert_true(rounds < 1000);
	}
	assert_true(rounds < 60);
}

static void
a_leader_that_offers_one_snapshot_after_the_other_is_asked_with_pauses(void **state)
{
	struct cadre_follower follower;
	Cadre__V1__HelloAnswer offer =
	        hello_answer(CADRE__V1__HELLO_VERDICT__HELLO_SNAPSHOT_NEEDED, 60);
	uint64_t now = 10;
	unsigned rounds = 0;

	(void)state;
	cadre_follower_init(&follower, 1);
	for (; now < 60000; rounds++) {
		uint64_t wait_ms;
		cadre_follower_on_hello(&follower, &offer, 50, now);
		(void)cadre_follower_next(&follower, now, &wait_ms);
		now += wait_ms;
		assert_int_equal(cadre_follower_next(&follower, now, &wait_ms),
		                 CADRE_FOLLOWER_TAKE_SNAPSHOT);
		cadre_follower_on_snapshot(&follower);
		assert_true(rounds < 1000);
	}
	assert_true(rounds < 60);
}

static void a_leader_that_answers_empty_at_once_is_asked_with_pauses(void **state)
{
	struct cadre_follower follower;
	Cadre__V1__HelloAnswer well = hello_answer(CADRE__V1__HELLO_VERDICT__HELLO_OK,
	                                           60);
	Cadre__V1__FetchAnswer empty = fetch_answer(CADRE__V1__HELLO_VERDICT__HELLO_OK);
	uint64_t now = 10;
	unsigned asked = 0;

	(void)state;
	cadre_follower_init(&follower, 1);
	cadre_follower_on_hello(&follower, &well, 50, now);
	for (; now < 10000; asked++) {
		uint64_t wait_ms;
		if (cadre_follower_next(&follower, now, &wait_ms) == CADRE_FOLLOWER_WAIT)
			now += wait_ms;
		else
			cadre_follower_on_fetch(&follower, &empty, ++now);
	}
	assert_true(asked < 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_meets_the_leader_then_fetches_without_a_pause),
		cmocka_unit_test(a_lost_leader_is_asked_again_with_growing_pauses),
		cmocka_unit_test(a_refused_fetch_says_hello_again_at_once),
		cmocka_unit_test(an_empty_or_too_old_follower_takes_a_snapshot_first),
		cmocka_unit_test(divergence_is_kept_until_the_leader_agrees_again),
		cmocka_unit_test(
		        a_leader_that_refuses_again_and_again_is_asked_with_pauses),
		cmocka_unit_test(
		        a_leader_that_offers_one_snapshot_after_the_other_is_asked_with_pauses),
		cmocka_unit_test(
		        a_leader_that_answers_empty_at_once_is_asked_with_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
