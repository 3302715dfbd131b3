#include "bench/followed.h"

#include <sched.h>
#include <string.h>

#include "bench/machine.h"

/* A follower of the largest size loads a snapshot first. */
#define CATCH_UP_LIMIT_NS (600ull * 1000000000u)

uint64_t bench_followed_seq(struct cadre_reader *reader)
{
	uint64_t seq = 0;

	return cadre_reader_position(reader, &seq, NULL) == CADRE_READER_OK ? seq : 0;
}

/* A follower's directory has views once it has met the leader. */
static enum cadre_status open_reader(const char *dir, struct cadre_reader **ret_reader,
                                     struct cadre_error *err)
{
	uint64_t end = bench_now_ns() + CATCH_UP_LIMIT_NS;

	while (cadre_reader_open(dir, ret_reader) != CADRE_READER_OK) {
		*ret_reader = NULL;
		if (bench_now_ns() > end)
			return cadre_error_set(err, CADRE_DEADLINE,
			                       "reader of \"%s\": %s", dir,
			                       cadre_reader_message(NULL));
		(void)sched_yield();
	}
	return CADRE_OK;
}

enum cadre_status bench_followed_start(struct bench_followed *followed,
                                       const char *leader_dir, const char *follower_dir,
                                       struct cadre_error *err)
{
	enum cadre_status status;

	memset(followed, 0, sizeof *followed);
	status = bench_child_start(&followed->leader, "leader", leader_dir, NULL, NULL,
	                           err);
	if (status == CADRE_OK)
		status = open_reader(leader_dir, &followed->leader_reader, err);
	if (status == CADRE_OK)
		status = bench_child_start(&followed->follower, "follower", follower_dir,
		                           followed->leader.replication, NULL, err);
	if (status == CADRE_OK)
		status = open_reader(follower_dir, &followed->follower_reader, err);
	return status;
}

void bench_followed_stop(struct bench_followed *followed)
{
	cadre_reader_close(followed->follower_reader);
	cadre_reader_close(followed->leader_reader);
	bench_child_stop(&followed->follower);
	bench_child_stop(&followed->leader);
	memset(followed, 0, sizeof *followed);
}

enum cadre_status bench_followed_catch_up(struct bench_followed *followed,
                                          struct cadre_error *err)
{
	uint64_t end = bench_now_ns() + CATCH_UP_LIMIT_NS;

	while (bench_followed_seq(followed->leader_reader) == 0 ||
	       bench_followed_seq(followed->follower_reader) <
	               bench_followed_seq(followed->leader_reader)) {
		if (bench_now_ns() > end)
			return cadre_error_set(err, CADRE_DEADLINE,
			                       "the follower is at seq %llu still",
			                       (unsigned long long)bench_followed_seq(
			                               followed->follower_reader));
		(void)sched_yield();
	}
	return CADRE_OK;
}
