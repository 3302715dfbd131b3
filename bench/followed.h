/* A leader and its follower in processes of their own, and how far each is, as a reader
 * on the machine sees it. */
#ifndef BENCH_FOLLOWED_H
#define BENCH_FOLLOWED_H

#include "bench/child.h"
#include "engine/reader/cadre.h"

struct bench_followed {
	struct bench_child leader;
	struct bench_child follower;
	struct cadre_reader *leader_reader;
	struct cadre_reader *follower_reader;
};

/* Both run on return; also a failed one must be stopped. */
CADRE_MUST_CHECK enum cadre_status bench_followed_start(struct bench_followed *followed,
                                                        const char *leader_dir,
                                                        const char *follower_dir,
                                                        struct cadre_error *err);
void bench_followed_stop(struct bench_followed *followed); /* takes a struct of zeros */
/* Seq applied; 0 while nothing can be read. */
uint64_t bench_followed_seq(struct cadre_reader *reader);
/* Waits until the follower has all that the leader has. CADRE_DEADLINE. */
CADRE_MUST_CHECK enum cadre_status
bench_followed_catch_up(struct bench_followed *followed, struct cadre_error *err);

#endif
