#include "bench/bare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/log/frame.h"

#define MAP_BYTES ((size_t)256 << 30)

static enum cadre_status failed(struct cadre_error *err, int rc, const char *what)
{
	return cadre_error_set(err, CADRE_INTERNAL, "bare LMDB, %s: %s", what,
	                       mdb_strerror(rc));
}

enum cadre_status bench_bare_open(struct bench_bare *bare, const char *dir,
                                  bool read_only, struct cadre_error *err)
{
	unsigned flags = MDB_NOTLS | MDB_NORDAHEAD |
	                 (read_only ? MDB_RDONLY : MDB_NOSYNC);
	MDB_txn *txn;
	int rc;

	memset(bare, 0, sizeof *bare);
	bare->log = -1;
	if (!read_only && mkdir(dir, 0700) != 0 && errno != EEXIST)
		return cadre_error_errno(err, errno, "directory \"%s\"", dir);
	rc = mdb_env_create(&bare->env);
	if (rc == 0)
		rc = mdb_env_set_mapsize(bare->env, MAP_BYTES);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(bare->env, 1024);
	if (rc == 0)
		rc = mdb_env_open(bare->env, dir, flags, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(bare->env, NULL, MDB_RDONLY, &txn);
	if (rc == 0) {
		rc = mdb_dbi_open(txn, NULL, 0, &bare->dbi);
		mdb_txn_abort(txn);
	}
	if (rc != 0) {
		bench_bare_close(bare);
		return failed(err, rc, "open");
	}
	return CADRE_OK;
}

void bench_bare_close(struct bench_bare *bare)
{
	if (bare->txn)
		mdb_txn_abort(bare->txn);
	if (bare->env)
		mdb_env_close(bare->env);
	if (bare->log >= 0)
		close(bare->log);
	free(bare->frame);
	memset(bare, 0, sizeof *bare);
	bare->log = -1;
}

enum cadre_status bench_bare_open_log(struct bench_bare *bare, const char *path,
                                      struct cadre_error *err)
{
	bare->frame = calloc(1, cadre_frame_padded_bytes(CADRE_FRAME_PAYLOAD_BYTES_MAX));
	bare->log = open(path, O_WRONLY | O_CLOEXEC);
	if (!bare->frame || bare->log < 0)
		return cadre_error_errno(err, errno, "bare log \"%s\"", path);
	return CADRE_OK;
}

static enum cadre_status write_log(struct bench_bare *bare, const struct bench_step *step,
                                   struct cadre_error *err)
{
	size_t bytes = cadre_frame_padded_bytes(step->value_bytes);
	size_t used = CADRE_FRAME_HEADER_BYTES + step->value_bytes;

	if (bare->log < 0)
		return CADRE_OK;
	memcpy(bare->frame + CADRE_FRAME_HEADER_BYTES, step->value, step->value_bytes);
	memset(bare->frame + used, 0, bytes - used);
	if (pwrite(bare->log, bare->frame, bytes, (off_t)bare->log_at) !=
	            (ssize_t)bytes ||
	    fdatasync(bare->log) != 0)
		return cadre_error_errno(err, errno, "bare log");
	bare->log_at += bytes;
	return CADRE_OK;
}

enum cadre_status bench_bare_do(struct bench_bare *bare, const struct bench_step *step,
                                struct cadre_error *err)
{
	MDB_val key = { step->key_bytes, (void *)(uintptr_t)step->key };
	MDB_val value = { step->value_bytes, (void *)(uintptr_t)step->value };
	int rc = 0;

	if (step->operation == BENCH_LOG)
		return write_log(bare, step, err);
	if (!bare->txn)
		rc = mdb_txn_begin(bare->env, NULL, 0, &bare->txn);
	if (rc == 0 && step->operation == BENCH_PUT)
		rc = mdb_put(bare->txn, bare->dbi, &key, &value, bare->append);
	else if (rc == 0 && step->operation == BENCH_DEL)
		rc = mdb_del(bare->txn, bare->dbi, &key, NULL);
	else if (rc == 0) {
		rc = mdb_txn_commit(bare->txn);
		bare->txn = NULL;
	}
	return rc == 0 ? CADRE_OK : failed(err, rc, "write");
}

enum cadre_status bench_bare_warm(struct bench_bare *bare, struct cadre_error *err)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;
	int rc = mdb_txn_begin(bare->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return failed(err, rc, "begin");
	rc = mdb_cursor_open(txn, bare->dbi, &cursor);
	if (rc == 0) {
		do
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
		while (rc == 0);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc == MDB_NOTFOUND ? CADRE_OK : failed(err, rc, "warm");
}
