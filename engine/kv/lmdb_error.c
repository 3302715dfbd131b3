/* What LMDB's codes mean here, and what to do about them. */
#include <errno.h>

#include "engine/env/env.h"
#include "engine/kv/lmdb_env.h"

/* More than LMDB writes in one piece but for values of that size: with less room than
 * this a write may have been cut short. */
#define ROOM_BYTES ((uint64_t)1 << 20)

struct code_row {
	int code;
	enum cadre_status status;
	const char *advice; /* behind LMDB's own text; NULL: none */
};

static const struct code_row codes[] = {
	{ MDB_NOTFOUND, CADRE_NOT_FOUND, NULL },
	{ MDB_KEYEXIST, CADRE_INVALID_PARAMETER,
	  "the key does not sort behind all others" },
	{ MDB_PAGE_NOTFOUND, CADRE_CORRUPT, "rebuild it from the log" },
	{ MDB_CORRUPTED, CADRE_CORRUPT, "rebuild it from the log" },
	{ MDB_PANIC, CADRE_CORRUPT,
	  "close it and open it again; rebuild it if that fails" },
	{ MDB_VERSION_MISMATCH, CADRE_CORRUPT, "made by another version: rebuild it" },
	{ MDB_INVALID, CADRE_CORRUPT, "not an LMDB file: rebuild it from the log" },
	{ MDB_MAP_FULL, CADRE_OUT_OF_SPACE, "reopen it with a larger map" },
	{ MDB_DBS_FULL, CADRE_INTERNAL, NULL },
	{ MDB_READERS_FULL, CADRE_UNAVAILABLE, "too many readers at once" },
	{ MDB_TLS_FULL, CADRE_INTERNAL, NULL },
	{ MDB_TXN_FULL, CADRE_TOO_LARGE, "commit after fewer writes" },
	{ MDB_CURSOR_FULL, CADRE_CORRUPT, "rebuild it from the log" },
	{ MDB_PAGE_FULL, CADRE_CORRUPT, "rebuild it from the log" },
	{ MDB_MAP_RESIZED, CADRE_UNAVAILABLE, "another process grew the map: reopen it" },
	{ MDB_INCOMPATIBLE, CADRE_CORRUPT, "not a map of this program: rebuild it" },
	{ MDB_BAD_RSLOT, CADRE_INTERNAL, NULL },
	{ MDB_BAD_TXN, CADRE_INCORRECT_STATE, "an earlier call failed: abort it" },
	{ MDB_BAD_VALSIZE, CADRE_INVALID_PARAMETER, NULL },
	{ MDB_BAD_DBI, CADRE_INTERNAL, NULL },
	{ ENOENT, CADRE_NOT_FOUND, NULL },
	{ ENOSPC, CADRE_OUT_OF_SPACE, NULL },
	{ EDQUOT, CADRE_OUT_OF_SPACE, NULL },
	{ ENOMEM, CADRE_OUT_OF_MEMORY, NULL },
};

static const struct code_row *row_of(int rc)
{
	static const struct code_row other = { 0, CADRE_IO_ERROR, NULL };

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].code == rc)
			return &codes[i];
	return &other;
}

enum cadre_status lmdb_status(int rc)
{
	return rc == MDB_SUCCESS ? CADRE_OK : row_of(rc)->status;
}

/* LMDB says EIO also for a write that a full disk cut short. */
static int cause_of(int rc, const char *path)
{
	struct cadre_env *env = cadre_env_real();
	struct cadre_space space;

	if (rc != EIO || env->ops->space(env, path, &space, NULL) != CADRE_OK)
		return rc;
	return space.free_bytes < ROOM_BYTES ? ENOSPC : rc;
}

enum cadre_status lmdb_error(struct cadre_error *err, int rc, const char *path,
                             const char *what)
{
	const struct code_row *row;

	if (rc == MDB_SUCCESS)
		return CADRE_OK;
	rc = cause_of(rc, path);
	row = row_of(rc);
	return cadre_error_set(err, row->status, "%s in \"%s\": %s%s%s", what, path,
	                       mdb_strerror(rc), row->advice ? "; " : "",
	                       row->advice ? row->advice : "");
}
