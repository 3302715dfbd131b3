/* SQLite in this process: one table of keys and values without row ids, mapped. */
#ifndef BENCH_PEER_SQLITE_H
#define BENCH_PEER_SQLITE_H

#include <stdbool.h>

#include "bench/harness.h"
#include "engine/base/types.h"

struct bench_sqlite;

/* NULL when this build has the library, else what to install. Without it the functions
 * below fail. */
const char *bench_sqlite_missing(const struct bench *bench);
/* Opens (creates) the database. */
CADRE_MUST_CHECK enum cadre_status bench_sqlite_open(const char *path,
                                                     struct bench_sqlite **ret_sqlite,
                                                     struct cadre_error *err);
void bench_sqlite_close(struct bench_sqlite *sqlite); /* takes NULL */
/* Between begin and commit; replaces what the key had. */
CADRE_MUST_CHECK enum cadre_status bench_sqlite_put(struct bench_sqlite *sqlite,
                                                    struct cadre_slice key,
                                                    struct cadre_slice value,
                                                    struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_sqlite_begin(struct bench_sqlite *sqlite,
                                                      struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status bench_sqlite_commit(struct bench_sqlite *sqlite,
                                                       struct cadre_error *err);
/* A transaction of its own; copies up to `capacity` bytes of the value. False: no such
 * key. */
bool bench_sqlite_get(struct bench_sqlite *sqlite, struct cadre_slice key, void *value,
                      size_t capacity);

#endif
