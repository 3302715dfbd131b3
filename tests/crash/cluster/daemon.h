/*
 * cadred as a process: started on ports of the system's choice, which its ready file
 * tells; killed, stopped and resumed by its own pid.
 *
 * Threads: one.
 */
#ifndef TESTS_CRASH_CLUSTER_DAEMON_H
#define TESTS_CRASH_CLUSTER_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define DAEMON_ARGUMENTS_MAX 24u

struct daemon {
	const char *role;
	char data[300];                         /* its directory */
	char ready[320];                        /* its ready file */
	char log[320];                          /* where its lines go, of all its lives */
	const char *more[DAEMON_ARGUMENTS_MAX]; /* arguments of its role; NULL ends */
	pid_t pid;                              /* 0: not running */
	uint16_t rpc;                           /* ports; 0 where it has none */
	uint16_t replication;
	uint16_t predict;
};

/* Starts the process; waits for nothing. */
void daemon_launch(struct daemon *daemon);
/* Until its ready file is there; fails the test when it ends before. */
void daemon_wait_serving(struct daemon *daemon);
/* kill -9, and gone. Nothing when it does not run. */
void daemon_kill(struct daemon *daemon);
void daemon_freeze(struct daemon *daemon);
void daemon_thaw(struct daemon *daemon);
/* SIGTERM; fails the test unless it ends with 0. */
void daemon_stop(struct daemon *daemon);
/* Fails the test when it ended by itself. */
void daemon_assert_alive(struct daemon *daemon);
/* The only child of the process: its worker; 0 when it has none. */
pid_t daemon_worker(const struct daemon *daemon);

/* Runs cadre-admin to its end: its exit code. `output` (may be NULL) takes what it
 * prints. */
int admin_run(const char *const *arguments, const char *output);

#endif
