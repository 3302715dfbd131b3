#include "engine/env/env.h"

#include "engine/base/assert.h"
#include "engine/base/bytes.h"

#include <stdio.h>

#define PATH_BYTES 4096u
#define WHOLE_FILE_BYTES_MAX (1u << 20)
/* remove_tree follows one level of subdirectories. */
#define TREE_DEPTH 2

enum cadre_status cadre_file_open(struct cadre_env *env, const char *path, unsigned flags,
                                  struct cadre_file **ret_file, struct cadre_error *err)
{
	CADRE_ASSERT(flags & (CADRE_OPEN_READ | CADRE_OPEN_WRITE));
	return env->ops->open(env, path, flags, ret_file, err);
}

void cadre_file_close(struct cadre_file *file)
{
	if (file)
		file->env->ops->close(file);
}

enum cadre_status cadre_file_read_exact(struct cadre_file *file, uint64_t offset,
                                        void *data, size_t length,
                                        struct cadre_error *err)
{
	size_t got = 0;
	enum cadre_status status = file->env->ops->pread(file, offset, data, length, &got,
	                                                 err);

	if (status != CADRE_OK)
		return status;
	if (got < length)
		return cadre_error_set(
		        err, CADRE_END,
		        "end of file %zu bytes into a read of %zu bytes at "
		        "offset %llu",
		        got, length, (unsigned long long)offset);
	return CADRE_OK;
}

static enum cadre_status join(char *path, const char *dir, const char *name,
                              const char *suffix, struct cadre_error *err)
{
	int length = snprintf(path, PATH_BYTES, "%s/%s%s", dir, name, suffix);

	if (length < 0 || (unsigned)length >= PATH_BYTES)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s/%.64s\": path longer than %u bytes", dir,
		                       name, PATH_BYTES - 1);
	return CADRE_OK;
}

static enum cadre_status write_whole(struct cadre_env *env, const char *path,
                                     const void *data, size_t length,
                                     struct cadre_error *err)
{
	struct cadre_file *file;
	enum cadre_status status = cadre_file_open(
	        env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE, &file, err);

	if (status != CADRE_OK)
		return status;
	status = env->ops->truncate(file, 0, err);
	if (status == CADRE_OK && length > 0)
		status = env->ops->pwrite(file, 0, data, length, err);
	if (status == CADRE_OK)
		status = env->ops->datasync(file, err);
	cadre_file_close(file);
	return status;
}

enum cadre_status cadre_env_write_atomic(struct cadre_env *env, const char *dir,
                                         const char *name, const void *data,
                                         size_t length, struct cadre_error *err)
{
	char path[PATH_BYTES];
	char temp[PATH_BYTES];
	enum cadre_status status;

	CADRE_ASSERT(length <= WHOLE_FILE_BYTES_MAX);
	status = join(path, dir, name, "", err);
	if (status == CADRE_OK)
		status = join(temp, dir, name, ".tmp", err);
	if (status != CADRE_OK)
		return status;
	status = write_whole(env, temp, data, length, err);
	if (status == CADRE_OK)
		status = env->ops->rename(env, temp, path, err);
	if (status == CADRE_OK)
		return env->ops->sync_dir(env, dir, err);
	/* A full disk must not stay full because of the half-written file. */
	if (env->ops->remove(env, temp, NULL) != CADRE_OK)
		return status;
	return status;
}

enum cadre_status cadre_env_read_file(struct cadre_env *env, const char *path, void *data,
                                      size_t capacity, size_t *ret_length,
                                      struct cadre_error *err)
{
	struct cadre_file *file;
	uint64_t size = 0;
	enum cadre_status status = cadre_file_open(env, path, CADRE_OPEN_READ, &file,
	                                           err);

	if (status != CADRE_OK)
		return status;
	status = env->ops->size(file, &size, err);
	if (status == CADRE_OK && size > capacity)
		status = cadre_error_set(err, CADRE_TOO_LARGE,
		                         "\"%s\": %llu bytes, at most %zu", path,
		                         (unsigned long long)size, capacity);
	if (status == CADRE_OK)
		status = env->ops->pread(file, 0, data, (size_t)size, ret_length, err);
	cadre_file_close(file);
	return status;
}

static enum cadre_status keep_name(void *ctx, const char *name)
{
	return cadre_buffer_append(ctx, name, strlen(name) + 1);
}

static enum cadre_status remove_entries(struct cadre_env *env, const char *path,
                                        int depth, struct cadre_error *err);

static enum cadre_status remove_entry(struct cadre_env *env, const char *path, int depth,
                                      struct cadre_error *err)
{
	enum cadre_status status = env->ops->remove(env, path, err);

	if (status == CADRE_INCORRECT_STATE && depth > 0) {
		status = remove_entries(env, path, depth - 1, err);
		if (status == CADRE_OK)
			status = env->ops->remove(env, path, err);
	}
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

static enum cadre_status remove_entries(struct cadre_env *env, const char *path,
                                        int depth, struct cadre_error *err)
{
	struct cadre_buffer names = { 0 };
	char child[PATH_BYTES];
	enum cadre_status status = env->ops->list(env, path, keep_name, &names, err);

	for (size_t at = 0; status == CADRE_OK && at < names.length;) {
		const char *name = (const char *)names.data + at;
		status = join(child, path, name, "", err);
		if (status == CADRE_OK)
			status = remove_entry(env, child, depth, err);
		at += strlen(name) + 1;
	}
	cadre_buffer_fini(&names);
	return status;
}

enum cadre_status cadre_env_remove_tree(struct cadre_env *env, const char *path,
                                        struct cadre_error *err)
{
	return remove_entry(env, path, TREE_DEPTH, err);
}
