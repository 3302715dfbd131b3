/* The workload's own state: workload.c draws, workload_commands.c makes messages. */
#ifndef BENCH_WORKLOAD_INTERNAL_H
#define BENCH_WORKLOAD_INTERNAL_H

#include "bench/workload.h"

#define BENCH_MEMBERS_MAX 500u

struct bench_workload {
	struct bench_workload_options options;
	struct bench_history *histories;
	double *cumulative; /* of the Zipf weights, up to 1 */
	uint64_t random;
	uint64_t issued;
	uint64_t learned;
	uint32_t next_number; /* of models and keys */
	char compartment[BENCH_MODEL_BYTES];
	char project[BENCH_MODEL_BYTES];
};

static inline uint64_t workload_random(struct bench_workload *workload)
{
	return bench_mix(workload->random++);
}

static inline unsigned workload_below(struct bench_workload *workload, unsigned bound)
{
	return (unsigned)(workload_random(workload) % bound);
}

/* `count` base32 digits and a NUL. */
void workload_text(uint64_t seed, size_t count, char *text);
/* How many members a new group gets. */
unsigned workload_draw_members(struct bench_workload *workload);
/* The command and its body, and what it does to the workload's idea of the history; false
 * without memory. */
bool workload_make_body(struct bench_workload *workload, struct cadre_arena *arena,
                        struct bench_command *command);
char *workload_make_token(struct bench_workload *workload, struct cadre_arena *arena);

#endif
