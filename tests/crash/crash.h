/*
 * The parts of the crash test: a supervisor that kills, a worker that writes
 * under load until it is killed, and a local reader that must live through it.
 *
 * Each of CRASH_CLIENTS clients works alone and in order on its own version
 * history: command 0 makes a group and its history in one batch, command n
 * inserts member n and removes member n - CRASH_WINDOW. So the members after n
 * commands are known exactly: a lost command and a doubled one both show.
 */
#ifndef TESTS_CRASH_CRASH_H
#define TESTS_CRASH_CRASH_H

#include <stdint.h>

#include "engine/base/types.h"

#define CRASH_CLIENTS 8
#define CRASH_WINDOW 6

/* One acknowledgement: written to the pipe in one piece. */
struct crash_ack {
	uint32_t client;
	uint64_t n;
	uint64_t seq;
	char ocid[256];
};

/* Text of client c's command n: history name, token, member OCID, key. */
void crash_history_name(unsigned client, char text[64]);
void crash_token(unsigned client, uint64_t n, char text[64]);
void crash_model(unsigned client, uint64_t n, char text[96]);
void crash_key(uint64_t n, char text[32]);

/* Writes until killed; client c goes on with command next[c]. Acknowledgements
 * go to `ack_fd`. Returns an exit code when something is wrong. */
int crash_work(const char *dir, const uint64_t next[CRASH_CLIENTS], int ack_fd);
/* Resolves keys until standard input closes. */
int crash_read(const char *dir);
/* Checks the directory against what was acknowledged: `acked[c]` commands of
 * client c, the `fresh` ones of this round one by one; with `replay` the digest too,
 * against a replay of the whole log. 0 when all is well. */
int crash_check(const char *dir, const uint64_t acked[CRASH_CLIENTS],
                const struct crash_ack *fresh, size_t fresh_count, bool replay);

#endif
