/* LMDB and a log file without an engine: the other side of the comparisons. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <lmdb.h>

#include "bench/record.h"
#include "engine/base/status.h"

struct bench_bare {
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn; /* of the rows written since the last commit */
	int log;      /* -1: log steps are passed over */
	uint64_t log_at;
	uint8_t *frame;
	unsigned append; /* MDB_APPEND for puts */
};

/* Opens (creates) `dir` with the flags that the engine uses. */
CADRE_MUST_CHECK enum cadre_status bench_bare_open(struct bench_bare *bare,
                                                   const char *dir, bool read_only,
                                                   struct cadre_error *err);
void bench_bare_close(struct bench_bare *bare);
/* Log steps go to this file of zeros. */
CADRE_MUST_CHECK enum cadre_status
bench_bare_open_log(struct bench_bare *bare, const char *path, struct cadre_error *err);
/* Puts, deletes, commits, or writes and syncs one frame. */
CADRE_MUST_CHECK enum cadre_status bench_bare_do(struct bench_bare *bare,
                                                 const struct bench_step *step,
                                                 struct cadre_error *err);
/* Reads every row once. */
CADRE_MUST_CHECK enum cadre_status bench_bare_warm(struct bench_bare *bare,
                                                   struct cadre_error *err);

#endif
