/*
 * Another system's server as a process: found, started in a directory of its own, and
 * stopped by its id.
 *
 * Threads: one at a time per struct.
 */
#ifndef BENCH_PEER_PROCESS_H
#define BENCH_PEER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "bench/files.h"
#include "bench/harness.h"

#define BENCH_SOCKET_DIR_BYTES 64u
/* What a row says of a server that is not there: "install redis-server". */
#define BENCH_WHY_BYTES 160u

struct bench_peer {
	pid_t pid; /* 0: none */
	bool unprivileged;
	char library_path[BENCH_PATH_BYTES];
	char dir[BENCH_PATH_BYTES]; /* data, below the benchmark's */
	/* Short, as paths of sockets must be; its log lies there, too. */
	char sockets[BENCH_SOCKET_DIR_BYTES];
};

/* Where `program` is; false when nowhere, or when the benchmark leaves peers out.
 * Looked for below bench->peers, then on the machine: in usr/bin and in `place`, a
 * pattern as glob's ("usr/lib/postgresql/?*" "/bin"). */
bool bench_peer_find(const struct bench *bench, const char *program, const char *place,
                     char path[BENCH_PATH_BYTES]);
/* Whether a peer that is prepared as unprivileged can reach its directory: others may
 * enter all folders above the benchmark's. */
bool bench_peer_can_enter(const struct bench *bench);
/* Makes `dir` "<bench->dir>/<name>", empty, and `sockets`. With `unprivileged` both
 * are the user nobody's when this process is root. */
CADRE_MUST_CHECK enum cadre_status bench_peer_prepare(struct bench_peer *peer,
                                                      const struct bench *bench,
                                                      const char *name, bool unprivileged,
                                                      struct cadre_error *err);
/* Starts argv[0]; its words go to "<sockets>/log". As nobody when prepared so. */
CADRE_MUST_CHECK enum cadre_status bench_peer_start(struct bench_peer *peer,
                                                    const char *const argv[],
                                                    struct cadre_error *err);
/* Waits for its end. CADRE_INTERNAL, with its last words, unless it ends with 0. */
CADRE_MUST_CHECK enum cadre_status bench_peer_wait(struct bench_peer *peer,
                                                   struct cadre_error *err);
/* For a loop that tries to connect: pauses for a moment. False when the server has
 * ended or `*io_since_ns` (0 at first) was too long ago; `err` has its last words. */
bool bench_peer_try_again(struct bench_peer *peer, uint64_t *io_since_ns,
                          struct cadre_error *err);
/* SIGTERM, and SIGKILL when that is not enough; removes what it left. Takes a struct
 * of zeros. */
void bench_peer_stop(struct bench_peer *peer);

#endif
