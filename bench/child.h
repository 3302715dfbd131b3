/*
 * Other processes of a measurement: this program again, as `--child ROLE DIR …`.
 *
 *   serve DIR [TARGET KEY]  opens the store, looks KEY up in TARGET when given,
 *                           says "ready", does upkeep until its input ends, closes
 *   write DIR COMMANDS      the same, and runs commands before it says "ready"
 *   rpc DIR                 a node: the store's loop and the RPC server on a free port
 *   leader DIR              a node that followers follow: RPC and replication
 *   follower DIR ADDRESS    a node that follows the leader with this replication address
 *   worker -                an inference worker whose answer is its question
 *   predict ADDRESS         a node's prediction socket in front of the worker there
 *   echo FILE REPLY SYNC    answers every message with REPLY bytes; before that
 *                           it writes and syncs SYNC bytes of FILE, unless 0
 *
 * Those that listen say "ready ADDRESS", a leader also where its replication listens.
 *
 * Threads: one at a time per struct.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/status.h"

/* The first argument of a child; quick: with small log segments. */
#define BENCH_CHILD "--child"
#define BENCH_CHILD_QUICK "--child-quick"

struct bench_child {
	pid_t pid; /* 0: none */
	int input;
	int output;
	char address[64]; /* where it listens; "" */
	char replication[64];
};

/* Starts the role and waits for "ready". `a` and `b` may be NULL. */
CADRE_MUST_CHECK enum cadre_status bench_child_start(struct bench_child *child,
                                                     const char *role, const char *dir,
                                                     const char *a, const char *b,
                                                     struct cadre_error *err);
/* Ends its input and waits for its end. */
void bench_child_stop(struct bench_child *child);
/* SIGKILL, and waits. */
void bench_child_kill(struct bench_child *child);

/* The child's main. */
int bench_child_main(int argc, char **argv);
/* For roles: says "ready" with its addresses and waits until the input ends. */
void bench_child_serve(const char *addresses);
/* Roles, each in a file of its own. */
int bench_rpc_child(const char *dir);
int bench_node_child(const char *dir, const char *join); /* `join` NULL: the leader */
int bench_worker_child(void);
int bench_predict_child(const char *worker);
int bench_echo_child(const char *path, size_t reply_bytes, size_t sync_bytes);

#endif
