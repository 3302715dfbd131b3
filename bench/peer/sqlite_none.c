/* For builds without the library: sqlite.c is not compiled. */
#include "bench/peer/sqlite.h"

const char *bench_sqlite_missing(const struct bench *bench)
{
	(void)bench;
	return "install libsqlite3-dev and build again";
}

static enum cadre_status none(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_INTERNAL, "built without sqlite");
}

enum cadre_status bench_sqlite_open(const char *path, struct bench_sqlite **ret_sqlite,
                                    struct cadre_error *err)
{
	(void)path;
	*ret_sqlite = NULL;
	return none(err);
}

void bench_sqlite_close(struct bench_sqlite *sqlite)
{
	(void)sqlite;
}

enum cadre_status bench_sqlite_put(struct bench_sqlite *sqlite, struct cadre_slice key,
                                   struct cadre_slice value, struct cadre_error *err)
{
	(void)sqlite;
	(void)key;
	(void)value;
	return none(err);
}

enum cadre_status bench_sqlite_begin(struct bench_sqlite *sqlite, struct cadre_error *err)
{
	(void)sqlite;
	return none(err);
}

enum cadre_status bench_sqlite_commit(struct bench_sqlite *sqlite,
                                      struct cadre_error *err)
{
	(void)sqlite;
	return none(err);
}

bool bench_sqlite_get(struct bench_sqlite *sqlite, struct cadre_slice key, void *value,
                      size_t capacity)
{
	(void)sqlite;
	(void)key;
	(void)value;
	(void)capacity;
	return false;
}
