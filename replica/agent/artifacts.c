#include "replica/agent/artifacts_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"

enum cadre_status artifact_no_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for an artifact");
}

enum cadre_status artifact_remove(struct cadre_artifacts *artifacts, const char *path,
                                  struct cadre_error *err)
{
	enum cadre_status status = artifacts->env->ops->remove(artifacts->env, path, err);

	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

static enum cadre_status make_dirs(struct cadre_artifacts *artifacts, const char *dir,
                                   struct cadre_error *err)
{
	struct cadre_env *env = artifacts->env;
	enum cadre_status status;
	char *parent;

	if (asprintf(&parent, "%s/artifacts", dir) < 0)
		return artifact_no_memory(err);
	if (asprintf(&artifacts->dir, "%s/sha256", parent) < 0)
		artifacts->dir = NULL;
	if (asprintf(&artifacts->temporary, "%s/fetch.tmp", parent) < 0)
		artifacts->temporary = NULL;
	if (asprintf(&artifacts->parts, "%s/part", parent) < 0)
		artifacts->parts = NULL;
	artifacts->piece = malloc(ARTIFACT_PIECE_BYTES);
	if (!artifacts->dir || !artifacts->temporary || !artifacts->parts ||
	    !artifacts->piece)
		status = artifact_no_memory(err);
	else
		status = env->ops->mkdir(env, parent, err);
	free(parent);
	if (status == CADRE_OK)
		status = env->ops->mkdir(env, artifacts->dir, err);
	if (status == CADRE_OK)
		status = env->ops->mkdir(env, artifacts->parts, err);
	if (status == CADRE_OK)
		status = artifact_remove(artifacts, artifacts->temporary, err);
	return status;
}

enum cadre_status cadre_artifacts_open(struct cadre_env *env, const char *dir,
                                       struct cadre_artifacts **ret,
                                       struct cadre_error *err)
{
	struct cadre_artifacts *artifacts = calloc(1, sizeof *artifacts);
	enum cadre_status status;

	if (!artifacts)
		return artifact_no_memory(err);
	artifacts->env = env;
	status = make_dirs(artifacts, dir, err);
	if (status == CADRE_OK)
		*ret = artifacts;
	else
		cadre_artifacts_close(&artifacts);
	return status;
}

void cadre_artifacts_close(struct cadre_artifacts **artifacts)
{
	if (!artifacts || !*artifacts)
		return;
	free((*artifacts)->dir);
	free((*artifacts)->temporary);
	free((*artifacts)->parts);
	free((*artifacts)->piece);
	free((*artifacts)->verified);
	free(*artifacts);
	*artifacts = NULL;
}

void cadre_artifacts_set_remote(struct cadre_artifacts *artifacts,
                                const struct cadre_artifact_remote *remote)
{
	artifacts->remote = *remote;
}

char *cadre_artifacts_path(const struct cadre_artifacts *artifacts,
                           const struct cadre_sha256 *sha256)
{
	char hex[ARTIFACT_HEX_CHARS + 1];
	char *path;

	cadre_hex_encode(sha256->bytes, sizeof sha256->bytes, hex);
	return asprintf(&path, "%s/%s", artifacts->dir, hex) < 0 ? NULL : path;
}

/* ---- what this process has verified ---- */

static struct verified *find_verified(struct cadre_artifacts *artifacts,
                                      const struct cadre_sha256 *sha256)
{
	for (size_t i = 0; i < artifacts->verified_count; i++) {
		if (memcmp(artifacts->verified[i].sha256.bytes, sha256->bytes,
		           sizeof sha256->bytes) == 0)
			return &artifacts->verified[i];
	}
	return NULL;
}

static bool is_verified(struct cadre_artifacts *artifacts,
                        const struct cadre_sha256 *sha256, const struct stat *info)
{
	const struct verified *known = find_verified(artifacts, sha256);

	return known && known->bytes == (uint64_t)info->st_size &&
	       known->changed.tv_sec == info->st_ctim.tv_sec &&
	       known->changed.tv_nsec == info->st_ctim.tv_nsec;
}

/* Forgetting it costs a second hashing and nothing else. */
static void remember(struct cadre_artifacts *artifacts, const struct cadre_sha256 *sha256,
                     const char *path)
{
	struct verified *known = find_verified(artifacts, sha256);
	struct stat info;

	if (stat(path, &info) != 0)
		return;
	if (!known) {
		struct verified *all =
		        realloc(artifacts->verified,
		                (artifacts->verified_count + 1) * sizeof *all);
		if (!all)
			return;
		artifacts->verified = all;
		known = &all[artifacts->verified_count++];
	}
	*known = (struct verified){
		.sha256 = *sha256,
		.bytes = (uint64_t)info.st_size,
		.changed = info.st_ctim,
	};
}

static void forget(struct cadre_artifacts *artifacts, const struct cadre_sha256 *sha256)
{
	struct verified *known = find_verified(artifacts, sha256);

	if (known)
		*known = artifacts->verified[--artifacts->verified_count];
}

/* ---- reading and copying ---- */

/* A source that is no regular file may block or never end. */
static enum cadre_status open_source(const char *path, int *ret_fd, uint64_t *ret_bytes,
                                     struct cadre_error *err)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return cadre_error_set(err, CADRE_NOT_FOUND, "\"%s\": no such file",
		                       path);
	if (fd < 0 || fstat(fd, &info) != 0) {
		int code = errno;
		if (fd >= 0)
			close(fd);
		return cadre_error_errno(err, code, "opening \"%s\"", path);
	}
	if (!S_ISREG(info.st_mode)) {
		close(fd);
		return cadre_error_set(err, CADRE_INVALID_PARAMETER, "\"%s\" is no file",
		                       path);
	}
	*ret_fd = fd;
	*ret_bytes = (uint64_t)info.st_size;
	return CADRE_OK;
}

static enum cadre_status read_piece(int fd, const char *path, uint8_t *piece,
                                    size_t *ret_length, struct cadre_error *err)
{
	ssize_t length;

	do {
		length = read(fd, piece, ARTIFACT_PIECE_BYTES);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return cadre_error_errno(err, errno, "reading \"%s\"", path);
	*ret_length = (size_t)length;
	return CADRE_OK;
}

/* Hashes all of `fd`, into `to` as well unless that is NULL. */
static enum cadre_status read_all(struct cadre_artifacts *artifacts, int fd,
                                  const char *path, struct cadre_file *to,
                                  const atomic_bool *stopped,
                                  struct cadre_artifact *ret_artifact,
                                  struct cadre_error *err)
{
	struct cadre_sha256_stream stream;
	enum cadre_status status;
	uint64_t done = 0;
	size_t length = 0;

	cadre_sha256_init(&stream);
	for (;;) {
		if (atomic_load(stopped))
			return cadre_error_set(err, CADRE_UNAVAILABLE,
			                       "reading \"%s\" was stopped", path);
		status = read_piece(fd, path, artifacts->piece, &length, err);
		if (status != CADRE_OK || length == 0)
			break;
		cadre_sha256_update(&stream, artifacts->piece, length);
		if (to)
			status = to->env->ops->pwrite(to, done, artifacts->piece, length,
			                              err);
		if (status != CADRE_OK)
			break;
		done += length;
	}
	ret_artifact->sha256 = cadre_sha256_final(&stream);
	ret_artifact->bytes = done;
	return status;
}

enum cadre_status artifact_check_size(const struct cadre_artifact_want *want,
                                      const char *path, uint64_t bytes,
                                      struct cadre_error *err)
{
	if (want->bytes == 0 || want->bytes == bytes)
		return CADRE_OK;
	return cadre_error_set(
	        err, CADRE_CORRUPT, "\"%s\": %llu bytes, registered with %llu", path,
	        (unsigned long long)bytes, (unsigned long long)want->bytes);
}

enum cadre_status artifact_check(const struct cadre_artifact_want *want, const char *path,
                                 const struct cadre_artifact *artifact,
                                 struct cadre_error *err)
{
	char hex[ARTIFACT_HEX_CHARS + 1];
	enum cadre_status status = artifact_check_size(want, path, artifact->bytes, err);

	if (status != CADRE_OK || !want->has_sha256 ||
	    memcmp(artifact->sha256.bytes, want->sha256.bytes,
	           sizeof want->sha256.bytes) == 0)
		return status;
	cadre_hex_encode(artifact->sha256.bytes, sizeof artifact->sha256.bytes, hex);
	return cadre_error_set(err, CADRE_CORRUPT,
	                       "\"%s\": its SHA-256 is %s, not the registered one", path,
	                       hex);
}

/* ---- present ---- */

/* CADRE_NOT_FOUND: it must be copied; what was wrong with it is removed. */
static enum cadre_status use_present(struct cadre_artifacts *artifacts,
                                     const struct cadre_artifact_want *want,
                                     const char *path, const atomic_bool *stopped,
                                     struct cadre_artifact *artifact,
                                     struct cadre_error *err)
{
	enum cadre_status status;
	struct stat info;
	uint64_t bytes;
	int fd;

	status = stat(path, &info) == 0 ? CADRE_OK : CADRE_NOT_FOUND;
	if (status == CADRE_OK && !want->again &&
	    is_verified(artifacts, &want->sha256, &info)) {
		artifact->sha256 = want->sha256;
		artifact->bytes = (uint64_t)info.st_size;
		return artifact_check_size(want, path, artifact->bytes, err);
	}
	forget(artifacts, &want->sha256);
	if (status == CADRE_OK)
		status = open_source(path, &fd, &bytes, err);
	if (status != CADRE_OK)
		return status;
	status = read_all(artifacts, fd, path, NULL, stopped, artifact, err);
	close(fd);
	if (status == CADRE_OK)
		status = artifact_check(want, path, artifact, err);
	if (status == CADRE_OK)
		remember(artifacts, &want->sha256, path);
	if (status != CADRE_CORRUPT && status != CADRE_IO_ERROR)
		return status;
	status = artifact_remove(artifacts, path, err);
	return status == CADRE_OK ? CADRE_NOT_FOUND : status;
}

/* ---- absent ---- */

enum cadre_status artifact_check_space(struct cadre_artifacts *artifacts, uint64_t bytes,
                                       struct cadre_error *err)
{
	struct cadre_env *env = artifacts->env;
	struct cadre_space space;
	enum cadre_status status = env->ops->space(env, artifacts->dir, &space, err);

	if (status != CADRE_OK || (space.free_bytes > ARTIFACT_RESERVE_BYTES &&
	                           bytes <= space.free_bytes - ARTIFACT_RESERVE_BYTES))
		return status;
	return cadre_error_set(
	        err, CADRE_OUT_OF_SPACE,
	        "\"%s\": %llu bytes are needed beside a reserve of %llu, %llu are free",
	        artifacts->dir, (unsigned long long)bytes,
	        (unsigned long long)ARTIFACT_RESERVE_BYTES,
	        (unsigned long long)space.free_bytes);
}

static enum cadre_status
copy_to_temporary(struct cadre_artifacts *artifacts, int fd, const char *source,
                  const struct cadre_artifact_want *want, const atomic_bool *stopped,
                  struct cadre_artifact *artifact, struct cadre_error *err)
{
	struct cadre_file *file;
	enum cadre_status status = cadre_file_open(
	        artifacts->env, artifacts->temporary,
	        CADRE_OPEN_WRITE | CADRE_OPEN_CREATE | CADRE_OPEN_EXCL, &file, err);

	if (status != CADRE_OK)
		return status;
	status = read_all(artifacts, fd, source, file, stopped, artifact, err);
	if (status == CADRE_OK)
		status = artifact_check(want, source, artifact, err);
	if (status == CADRE_OK)
		status = file->env->ops->datasync(file, err);
	cadre_file_close(file);
	return status;
}

enum cadre_status artifact_put_in_place(struct cadre_artifacts *artifacts,
                                        const char *from,
                                        const struct cadre_artifact *artifact,
                                        struct cadre_error *err)
{
	struct cadre_env *env = artifacts->env;
	char *path = cadre_artifacts_path(artifacts, &artifact->sha256);
	enum cadre_status status;

	if (!path)
		return artifact_no_memory(err);
	status = env->ops->rename(env, from, path, err);
	if (status == CADRE_OK)
		status = env->ops->sync_dir(env, artifacts->dir, err);
	if (status == CADRE_OK)
		remember(artifacts, &artifact->sha256, path);
	free(path);
	return status;
}

static enum cadre_status copy_here(struct cadre_artifacts *artifacts,
                                   const struct cadre_artifact_want *want,
                                   const atomic_bool *stopped,
                                   struct cadre_artifact *artifact,
                                   struct cadre_error *err)
{
	enum cadre_status status;
	uint64_t bytes = 0;
	char *source;
	int fd = -1;

	if (!want->uri)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "registered without an artifact");
	status = cadre_artifact_uri_path(want->uri, &source, err);
	if (status != CADRE_OK)
		return status;
	status = open_source(source, &fd, &bytes, err);
	if (status == CADRE_OK)
		status = artifact_check_size(want, source, bytes, err);
	if (status == CADRE_OK)
		status = artifact_check_space(artifacts, bytes, err);
	if (status == CADRE_OK)
		status = copy_to_temporary(artifacts, fd, source, want, stopped, artifact,
		                           err);
	if (status == CADRE_OK)
		status = artifact_put_in_place(artifacts, artifacts->temporary, artifact,
		                               err);
	if (status != CADRE_OK && fd >= 0)
		(void)!artifact_remove(artifacts, artifacts->temporary, NULL);
	artifact->copied = status == CADRE_OK;
	if (fd >= 0)
		close(fd);
	free(source);
	return status;
}

/* The digest that a cadre:// URI names counts, whatever else is known. */
static enum cadre_status name_by_uri(struct cadre_artifact_want *want,
                                     struct cadre_error *err)
{
	struct cadre_sha256 sha256;

	if (!artifact_is_remote(want->uri))
		return CADRE_OK;
	if (!cadre_blob_uri_parse(want->uri, &sha256))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": not " CADRE_BLOB_URI_PREFIX
		                       " and 64 hex digits",
		                       want->uri);
	if (want->has_sha256 &&
	    memcmp(want->sha256.bytes, sha256.bytes, sizeof sha256.bytes) != 0)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "\"%s\": not the registered SHA-256", want->uri);
	want->has_sha256 = true;
	want->sha256 = sha256;
	return CADRE_OK;
}

static enum cadre_status fetch_absent(struct cadre_artifacts *artifacts,
                                      const struct cadre_artifact_want *want,
                                      const atomic_bool *stopped,
                                      struct cadre_artifact *artifact,
                                      struct cadre_error *err)
{
	if (artifact_is_remote(want->uri))
		return artifact_fetch_remote(artifacts, want, stopped, artifact, err);
	return copy_here(artifacts, want, stopped, artifact, err);
}

enum cadre_status cadre_artifacts_fetch(struct cadre_artifacts *artifacts,
                                        const struct cadre_artifact_want *given,
                                        const atomic_bool *stopped,
                                        struct cadre_artifact *ret_artifact,
                                        struct cadre_error *err)
{
	struct cadre_artifact_want want = *given;
	enum cadre_status status = name_by_uri(&want, err);
	char *path;

	*ret_artifact = (struct cadre_artifact){ .copied = false };
	if (status != CADRE_OK)
		return status;
	status = CADRE_NOT_FOUND;
	if (want.has_sha256) {
		path = cadre_artifacts_path(artifacts, &want.sha256);
		if (!path)
			return artifact_no_memory(err);
		status = use_present(artifacts, &want, path, stopped, ret_artifact, err);
		free(path);
	}
	if (status == CADRE_NOT_FOUND)
		status = fetch_absent(artifacts, &want, stopped, ret_artifact, err);
	return status;
}

/* ---- collection ---- */

struct collecting {
	struct cadre_artifacts *artifacts;
	const char *dir;
	const struct cadre_sha256 *keep;
	size_t keep_count;
	unsigned removed;
	struct cadre_error *err;
};

static bool is_kept(const struct collecting *collecting, const char *name)
{
	struct cadre_sha256 sha256;

	if (strlen(name) != ARTIFACT_HEX_CHARS ||
	    !cadre_hex_decode(name, sha256.bytes, 32))
		return false;
	for (size_t i = 0; i < collecting->keep_count; i++) {
		if (memcmp(collecting->keep[i].bytes, sha256.bytes, 32) == 0)
			return true;
	}
	return false;
}

static enum cadre_status collect_one(void *ctx, const char *name)
{
	struct collecting *collecting = ctx;
	struct cadre_artifacts *artifacts = collecting->artifacts;
	enum cadre_status status;
	char *path;

	if (is_kept(collecting, name))
		return CADRE_OK;
	if (asprintf(&path, "%s/%s", collecting->dir, name) < 0)
		return artifact_no_memory(collecting->err);
	status = artifact_remove(artifacts, path, collecting->err);
	free(path);
	if (status == CADRE_OK)
		collecting->removed++;
	return status;
}

enum cadre_status cadre_artifacts_collect(struct cadre_artifacts *artifacts,
                                          const struct cadre_sha256 *keep,
                                          size_t keep_count, unsigned *ret_removed,
                                          struct cadre_error *err)
{
	struct collecting collecting = {
		.artifacts = artifacts,
		.dir = artifacts->dir,
		.keep = keep,
		.keep_count = keep_count,
		.err = err,
	};
	enum cadre_status status = artifacts->env->ops->list(
	        artifacts->env, artifacts->dir, collect_one, &collecting, err);

	collecting.dir = artifacts->parts;
	if (status == CADRE_OK)
		status = artifacts->env->ops->list(artifacts->env, artifacts->parts,
		                                   collect_one, &collecting, err);
	*ret_removed = collecting.removed;
	return status;
}
