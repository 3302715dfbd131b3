/*
 * Clients under way all the time, each alone and in order on a version history of its
 * own: command 0 makes a group and its history in one batch, command n inserts member n
 * and removes member n - LOAD_WINDOW. So the members after n commands are known exactly:
 * a lost command and a doubled one both show. Every command has a retry token that says
 * whose it is; a client goes on when it is known what became of the last one.
 *
 * Threads: one a client; the calls from one.
 */
#ifndef TESTS_CRASH_CLUSTER_LOAD_H
#define TESTS_CRASH_CLUSTER_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "tests/crash/cluster/cluster.h"

#define LOAD_CLIENTS 6u
#define LOAD_WINDOW 6u
/* Acknowledgements of a client between two checks that are kept one by one; further ones
 * are only counted. */
#define LOAD_FRESH_MAX 2000u
/* No client gets this far ahead between two looks of a reader. */
#define LOAD_AHEAD_MAX 100000u
#define LOAD_TEXT_BYTES 64u

struct load;

/* Texts of client c's command n. */
void load_history(unsigned client, char text[LOAD_TEXT_BYTES]);
void load_token(unsigned client, uint64_t n, char text[LOAD_TEXT_BYTES]);
void load_model(unsigned client, uint64_t n, char text[LOAD_TEXT_BYTES]);
void load_key(uint64_t n, char text[LOAD_TEXT_BYTES]);

/* The clients wait for load_run(). Some ask the follower first, and are sent on. */
struct load *load_start(struct cluster *cluster);
void load_stop(struct load *load);

void load_run(struct load *load);
/* Until every client knows what became of its last command, and waits. */
void load_pause(struct load *load);
/* Until `count` more commands are acknowledged. */
void load_wait(struct load *load, unsigned count);
/* Fails the test when a client met what may not be. */
void load_check(struct load *load);
/* Commands acknowledged, of all. */
uint64_t load_total(struct load *load);
/* Answers that left it open what became of a command, and those that Outcome knew. */
uint64_t load_unknown(struct load *load, uint64_t *ret_settled);

/* One acknowledgement since the last load_pause(). */
struct load_ack {
	uint64_t n;
	uint64_t seq;
	char id[256];
};
/* While paused: those of a client, and how many commands it has done in all. */
const struct load_ack *load_fresh(const struct load *load, unsigned client,
                                  size_t *ret_count, uint64_t *ret_done);

#endif
