#include "bench/peer/sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct bench_sqlite {
	sqlite3 *db;
	sqlite3_stmt *get;
	sqlite3_stmt *put;
};

const char *bench_sqlite_missing(const struct bench *bench)
{
	return bench->no_peers ? "peers are not wanted" : NULL;
}

static enum cadre_status failed(struct bench_sqlite *sqlite, struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_INTERNAL, "sqlite: %s",
	                       sqlite3_errmsg(sqlite->db));
}

static enum cadre_status run(struct bench_sqlite *sqlite, const char *sql,
                             struct cadre_error *err)
{
	return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK
	               ? CADRE_OK
	               : failed(sqlite, err);
}

static bool prepare(struct bench_sqlite *sqlite)
{
	return sqlite3_prepare_v3(sqlite->db, "SELECT v FROM kv WHERE k = ?", -1,
	                          SQLITE_PREPARE_PERSISTENT, &sqlite->get,
	                          NULL) == SQLITE_OK &&
	       sqlite3_prepare_v3(sqlite->db, "REPLACE INTO kv (k, v) VALUES (?, ?)", -1,
	                          SQLITE_PREPARE_PERSISTENT, &sqlite->put,
	                          NULL) == SQLITE_OK;
}

enum cadre_status bench_sqlite_open(const char *path, struct bench_sqlite **ret_sqlite,
                                    struct cadre_error *err)
{
	/* Readers beside a writer in another process; every page is mapped. */
	static const char setup[] =
	        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
	        "PRAGMA mmap_size = 2147418112; PRAGMA cache_size = -65536;"
	        "CREATE TABLE IF NOT EXISTS kv (k BLOB PRIMARY KEY, v BLOB NOT NULL)"
	        " WITHOUT ROWID;";
	struct bench_sqlite *sqlite = calloc(1, sizeof *sqlite);
	enum cadre_status status;

	*ret_sqlite = NULL;
	if (!sqlite)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "sqlite: out of memory");
	if (sqlite3_open(path, &sqlite->db) != SQLITE_OK)
		status = failed(sqlite, err);
	else
		status = run(sqlite, setup, err);
	if (status == CADRE_OK && !prepare(sqlite))
		status = failed(sqlite, err);
	if (status != CADRE_OK) {
		bench_sqlite_close(sqlite);
		return status;
	}
	*ret_sqlite = sqlite;
	return CADRE_OK;
}

void bench_sqlite_close(struct bench_sqlite *sqlite)
{
	if (!sqlite)
		return;
	sqlite3_finalize(sqlite->get);
	sqlite3_finalize(sqlite->put);
	sqlite3_close(sqlite->db);
	free(sqlite);
}

enum cadre_status bench_sqlite_begin(struct bench_sqlite *sqlite, struct cadre_error *err)
{
	return run(sqlite, "BEGIN", err);
}

enum cadre_status bench_sqlite_commit(struct bench_sqlite *sqlite,
                                      struct cadre_error *err)
{
	return run(sqlite, "COMMIT", err);
}

enum cadre_status bench_sqlite_put(struct bench_sqlite *sqlite, struct cadre_slice key,
                                   struct cadre_slice value, struct cadre_error *err)
{
	int rc;

	sqlite3_bind_blob(sqlite->put, 1, key.data, (int)key.length, SQLITE_STATIC);
	sqlite3_bind_blob(sqlite->put, 2, value.data, (int)value.length, SQLITE_STATIC);
	rc = sqlite3_step(sqlite->put);
	sqlite3_reset(sqlite->put);
	return rc == SQLITE_DONE ? CADRE_OK : failed(sqlite, err);
}

bool bench_sqlite_get(struct bench_sqlite *sqlite, struct cadre_slice key, void *value,
                      size_t capacity)
{
	bool found;

	sqlite3_bind_blob(sqlite->get, 1, key.data, (int)key.length, SQLITE_STATIC);
	found = sqlite3_step(sqlite->get) == SQLITE_ROW;
	if (found) {
		const void *bytes = sqlite3_column_blob(sqlite->get, 0);
		size_t length = (size_t)sqlite3_column_bytes(sqlite->get, 0);
		memcpy(value, bytes, length < capacity ? length : capacity);
	}
	sqlite3_reset(sqlite->get);
	return found;
}
