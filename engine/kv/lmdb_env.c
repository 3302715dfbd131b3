/*
 * Opening, closing and copying an LMDB environment.
 *
 * Open refuses what would lose data later: a second open in this process
 * (closing either drops the fcntl locks of both), pages that are not 4 KiB, file
 * systems whose mappings or locks are not coherent between machines, a map that
 * the address-space limit cannot hold. Close gives the directory back.
 */
#include "engine/kv/lmdb_env.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/base/assert.h"

#define MAP_BYTES_DEFAULT (UINT64_C(256) << 30)
#define READERS_MAX_DEFAULT 1024
#define PAGE_BYTES 4096
#define FILE_MODE 0660

/* The environments open in this process. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lmdb_kv *registry;

/* statfs f_type of network and cluster file systems. FUSE is not among them:
 * most of what it carries is local, and tests run on it. */
static const struct {
	uint32_t magic;
	const char *name;
} refused_systems[] = {
	{ 0x00006969, "NFS" },    { 0x0000517B, "SMB" },      { 0xFF534D42, "CIFS" },
	{ 0xFE534D42, "SMB2" },   { 0x01021997, "9P" },       { 0x00C36400, "CEPH" },
	{ 0x5346414F, "AFS" },    { 0x6B414653, "kAFS" },     { 0x0BD00BD0, "LUSTRE" },
	{ 0x73757245, "CODA" },   { 0x0000564C, "NCP" },      { 0x01161970, "GFS2" },
	{ 0x7461636F, "OCFS2" },  { 0x47504653, "GPFS" },     { 0xAAD7AAEA, "PANFS" },
	{ 0x19830326, "BEEGFS" }, { 0x20030528, "ORANGEFS" },
};

static enum cadre_status check_file_system(const char *path, struct cadre_error *err)
{
	struct statfs system;

	if (statfs(path, &system) != 0)
		return cadre_error_errno(err, errno, "file system of \"%s\"", path);
	for (size_t i = 0; i < sizeof refused_systems / sizeof *refused_systems; i++)
		if ((uint32_t)system.f_type == refused_systems[i].magic)
			return cadre_error_set(
			        err, CADRE_INVALID_PARAMETER,
			        "\"%s\" is on %s: the map needs a local file "
			        "system",
			        path, refused_systems[i].name);
	return CADRE_OK;
}

static enum cadre_status check_machine(const char *path, uint64_t map_bytes,
                                       struct cadre_error *err)
{
	long page_bytes = sysconf(_SC_PAGESIZE);
	struct rlimit limit;

	if (page_bytes != PAGE_BYTES)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "this kernel has pages of %ld bytes, the map in "
		                       "\"%s\" needs %d",
		                       page_bytes, path, PAGE_BYTES);
	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    limit.rlim_cur <= map_bytes)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "the map of %" PRIu64 " bytes for \"%s\" is above "
		                       "the address-space limit of %" PRIu64
		                       " bytes (ulimit -v)",
		                       map_bytes, path, (uint64_t)limit.rlim_cur);
	return CADRE_OK;
}

static enum cadre_status check_directory(struct lmdb_kv *lmdb, struct cadre_error *err)
{
	struct stat info;

	if (stat(lmdb->path, &info) != 0) {
		if (errno == ENOENT)
			return cadre_error_set(err, CADRE_NOT_FOUND,
			                       "no directory \"%s\"", lmdb->path);
		return cadre_error_errno(err, errno, "directory \"%s\"", lmdb->path);
	}
	if (!S_ISDIR(info.st_mode))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\" is not a directory", lmdb->path);
	lmdb->device = info.st_dev;
	lmdb->inode = info.st_ino;
	return CADRE_OK;
}

static enum cadre_status enter_registry(struct lmdb_kv *lmdb, struct cadre_error *err)
{
	struct lmdb_kv *other;

	pthread_mutex_lock(&registry_lock);
	for (other = registry; other; other = other->next_open)
		if (other->device == lmdb->device && other->inode == lmdb->inode)
			break;
	if (!other) {
		lmdb->next_open = registry;
		registry = lmdb;
	}
	pthread_mutex_unlock(&registry_lock);
	if (other)
		return cadre_error_set(
		        err, CADRE_CONFLICT,
		        "the map in \"%s\" is open in this process already", lmdb->path);
	return CADRE_OK;
}

static void leave_registry(struct lmdb_kv *lmdb)
{
	pthread_mutex_lock(&registry_lock);
	for (struct lmdb_kv **at = &registry; *at; at = &(*at)->next_open)
		if (*at == lmdb) {
			*at = lmdb->next_open;
			break;
		}
	pthread_mutex_unlock(&registry_lock);
}

static void on_lmdb_assert(MDB_env *env, const char *text)
{
	(void)env;
	cadre_assert_failed(text, "lmdb", 0);
}

/* LMDB hides where its map is: /proc knows. Core dumps leave it out. Best effort, a
 * failure costs only the size of a dump and of the resident set. */
static void find_map(struct lmdb_kv *lmdb)
{
	mdb_filehandle_t fd;
	struct stat info;
	char line[PATH_MAX + 128];
	FILE *maps;

	if (mdb_env_get_fd(lmdb->env, &fd) != 0 || fstat(fd, &info) != 0)
		return;
	maps = fopen("/proc/self/maps", "re");
	if (!maps)
		return;
	while (fgets(line, sizeof line, maps)) {
		uintptr_t from;
		uintptr_t to;
		uint64_t inode;
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %" SCNu64, &from,
		           &to, &inode) == 3 &&
		    inode == info.st_ino && strstr(line, "/data.mdb")) {
			lmdb->map = (void *)from;
			lmdb->map_length = to - from;
			(void)madvise(lmdb->map, lmdb->map_length, MADV_DONTDUMP);
		}
	}
	fclose(maps);
}

static int open_database(struct lmdb_kv *lmdb)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &lmdb->dbi);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

static enum cadre_status start_env(struct lmdb_kv *lmdb, unsigned readers_max,
                                   struct cadre_error *err)
{
	unsigned flags = MDB_NOTLS | MDB_NORDAHEAD |
	                 (lmdb->base.read_only ? MDB_RDONLY : MDB_NOSYNC);
	MDB_stat stat;
	int rc = mdb_env_create(&lmdb->env);

	if (rc == 0)
		rc = mdb_env_set_assert(lmdb->env, on_lmdb_assert);
	if (rc == 0)
		rc = mdb_env_set_mapsize(lmdb->env, lmdb->map_bytes);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(lmdb->env, readers_max);
	if (rc == 0)
		rc = mdb_env_open(lmdb->env, lmdb->path, flags, FILE_MODE);
	if (rc == 0)
		rc = mdb_env_stat(lmdb->env, &stat);
	if (rc == 0 && stat.ms_psize != PAGE_BYTES)
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "the map in \"%s\" has pages of %u bytes, must be %d", lmdb->path,
		        stat.ms_psize, PAGE_BYTES);
	if (rc == 0)
		rc = open_database(lmdb);
	if (rc == 0)
		find_map(lmdb);
	return lmdb_error(err, rc, lmdb->path, "opening the map");
}

static void destroy(struct lmdb_kv *lmdb)
{
	if (lmdb->env)
		mdb_env_close(lmdb->env);
	free(lmdb);
}

enum cadre_status lmdb_env_open(const char *path, const struct cadre_kv_options *options,
                                struct lmdb_kv **ret_lmdb, struct cadre_error *err)
{
	static const struct cadre_kv_options defaults;
	size_t length = strlen(path) + 1;
	struct lmdb_kv *lmdb = calloc(1, sizeof *lmdb + length);
	enum cadre_status status;

	if (!lmdb)
		return cadre_error_errno(err, ENOMEM, "opening the map in \"%s\"", path);
	if (!options)
		options = &defaults;
	memcpy(lmdb->path, path, length);
	lmdb->pid = getpid();
	lmdb->base.read_only = options->read_only;
	lmdb->map_bytes = options->map_bytes ? options->map_bytes : MAP_BYTES_DEFAULT;
	lmdb->map_bytes = (lmdb->map_bytes + PAGE_BYTES - 1) &
	                  ~(uint64_t)(PAGE_BYTES - 1);

	status = check_directory(lmdb, err);
	if (status == CADRE_OK)
		status = check_file_system(path, err);
	if (status == CADRE_OK)
		status = check_machine(path, lmdb->map_bytes, err);
	if (status == CADRE_OK)
		status = enter_registry(lmdb, err);
	if (status != CADRE_OK) {
		destroy(lmdb);
		return status;
	}
	status = start_env(
	        lmdb, options->readers_max ? options->readers_max : READERS_MAX_DEFAULT,
	        err);
	if (status != CADRE_OK) {
		lmdb_env_close(lmdb);
		return status;
	}
	*ret_lmdb = lmdb;
	return CADRE_OK;
}

/* The directory is given back only after its locks are: the next open must not
 * find them half dropped. */
void lmdb_env_close(struct lmdb_kv *lmdb)
{
	if (lmdb->env)
		mdb_env_close(lmdb->env);
	lmdb->env = NULL;
	leave_registry(lmdb);
	destroy(lmdb);
}

static enum cadre_status sync_path(const char *path, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return cadre_error_errno(err, errno, "directory \"%s\"", path);
	if (fsync(fd) != 0)
		status = cadre_error_errno(err, errno, "syncing directory \"%s\"", path);
	close(fd);
	return status;
}

/* Compacting needs no writer lock; it gives up when a process died and left
 * pages that belong to nothing. Then all pages are copied as they are. */
static int copy_pages(MDB_env *env, int fd)
{
	int rc = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);

	if (rc == MDB_INCOMPATIBLE) {
		if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
			return errno;
		rc = mdb_env_copyfd2(env, fd, 0);
	}
	if (rc == 0 && fsync(fd) != 0)
		rc = errno;
	return rc;
}

static enum cadre_status copy_file(struct lmdb_kv *lmdb, const char *file,
                                   struct cadre_error *err)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	int rc;

	if (fd < 0)
		return cadre_error_errno(err, errno, "creating \"%s\"", file);
	rc = copy_pages(lmdb->env, fd);
	close(fd);
	return lmdb_error(err, rc, file, "copying the map");
}

enum cadre_status lmdb_env_copy(struct lmdb_kv *lmdb, const char *path,
                                struct cadre_error *err)
{
	char file[PATH_MAX];
	char text[PATH_MAX];
	enum cadre_status status;

	if (snprintf(file, sizeof file, "%s/data.mdb", path) >= (int)sizeof file)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "path \"%s\" is longer than %d bytes", path,
		                       PATH_MAX);
	if (mkdir(path, 0770) != 0) {
		if (errno == EEXIST)
			return cadre_error_set(err, CADRE_CONFLICT,
			                       "\"%s\" exists already", path);
		return cadre_error_errno(err, errno, "creating directory \"%s\"", path);
	}
	(void)snprintf(text, sizeof text, "%s", path);
	status = copy_file(lmdb, file, err);
	if (status == CADRE_OK)
		status = sync_path(path, err);
	if (status == CADRE_OK)
		status = sync_path(dirname(text), err);
	if (status != CADRE_OK) {
		(void)unlink(file);
		(void)rmdir(path);
	}
	return status;
}
