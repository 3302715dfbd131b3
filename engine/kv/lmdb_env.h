/* The LMDB environment behind a map: lmdb_env.c opens and closes it, lmdb.c
 * works in it, lmdb_error.c tells what went wrong. */
#ifndef CADRE_KV_LMDB_ENV_H
#define CADRE_KV_LMDB_ENV_H

#include <lmdb.h>
#include <sys/types.h>

#include "engine/kv/kv_ops.h"

struct lmdb_kv {
	struct cadre_kv base;
	MDB_env *env;
	MDB_dbi dbi; /* the one unnamed database */
	pid_t pid;   /* of the opener: an environment does not survive fork */
	uint64_t map_bytes;
	void *map; /* where data.mdb is mapped; NULL when that was not found */
	size_t map_length;
	dev_t device; /* of the directory, as is inode */
	ino_t inode;
	struct lmdb_kv *next_open; /* guarded by the registry's lock */
	char path[];
};

/* Opens everything but `base.ops`. */
CADRE_MUST_CHECK enum cadre_status lmdb_env_open(const char *path,
                                                 const struct cadre_kv_options *options,
                                                 struct lmdb_kv **ret_lmdb,
                                                 struct cadre_error *err);
void lmdb_env_close(struct lmdb_kv *lmdb);
CADRE_MUST_CHECK enum cadre_status lmdb_env_copy(struct lmdb_kv *lmdb, const char *path,
                                                 struct cadre_error *err);

/* The status for what an mdb_ function returned: an errno or an MDB_ code. */
enum cadre_status lmdb_status(int rc);
/* As lmdb_status() with the message "<what> in \"<path>\": <cause>"; EIO on a disk that is
 * full is CADRE_OUT_OF_SPACE. */
enum cadre_status lmdb_error(struct cadre_error *err, int rc, const char *path,
                             const char *what);

#endif
