/*
 * The thread on which the node starts, lives and stops, so that the main thread hears
 * signals and the watchdog at any time, also while a recovery takes minutes.
 *
 * Normal sequence: start -> the node starts -> SERVING -> stop -> the node stops -> ENDED
 * -> join. A node that does not start: ENDED with the error.
 * `wake` is called from the runner's thread at each change.
 * Threads: start, stop and join on one thread.
 */
#ifndef CADRE_TOOLS_CADRED_RUNNER_H
#define CADRE_TOOLS_CADRED_RUNNER_H

#include "tools/cadred/health.h"

enum cadred_run { CADRED_RUN_STARTING, CADRED_RUN_SERVING, CADRED_RUN_ENDED };

struct cadred_runner {
	struct cadre_env *env;
	const struct cadre_node_options *options;
	struct cadred_health *health;
	void (*wake)(void *ctx);
	void *wake_ctx;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop_wanted;        /* lock */
	enum cadred_run run;     /* lock */
	struct cadre_node *node; /* lock; valid while SERVING */
	struct cadre_error err;  /* of the start; the runner's until join */
};

/* env, options, health and wake are set by the caller. Ownership: borrowed until join. */
CADRE_MUST_CHECK enum cadre_status cadred_runner_start(struct cadred_runner *runner,
                                                       struct cadre_error *err);
/* Asks for the end; also of a start that is under way. */
void cadred_runner_stop(struct cadred_runner *runner);
/* After ENDED. `ret_err` has what kept the node from starting. */
void cadred_runner_join(struct cadred_runner *runner, struct cadre_error *ret_err);

enum cadred_run cadred_runner_state(struct cadred_runner *runner);
/* The node while SERVING and no stop was asked for, else NULL. Threads: the one that
 * calls stop. */
struct cadre_node *cadred_runner_node(struct cadred_runner *runner);

#endif
