#include "engine/base/assert.h"
#include "engine/env/sim_machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct sim_file {
	struct cadre_file base; /* first: cast from struct cadre_file */
	struct sim_node *node;
	uint64_t generation;
	bool writable;
	bool holds_lock;
	char path[];
};

static struct cadre_env_sim *sim_of(struct cadre_env *env)
{
	return (struct cadre_env_sim *)(void *)env;
}

static struct sim_file *file_of(struct cadre_file *file)
{
	return (struct sim_file *)(void *)file;
}

/* Counts the operation; true when it is the one to fail. */
static bool fails(struct cadre_env_sim *sim, enum cadre_env_sim_kind kind)
{
	struct cadre_env_sim_failure *failure = &sim->failure;
	unsigned kinds = failure->kinds ? failure->kinds : CADRE_ENV_SIM_ALL;

	sim->operations++;
	if (failure->nth == 0 || !(kinds & kind))
		return false;
	sim->failure_seen++;
	if (sim->failure_seen == failure->nth ||
	    (failure->sticky && sim->failure_seen > failure->nth)) {
		sim->failed = true;
		return true;
	}
	return false;
}

static enum cadre_status injected(struct cadre_env_sim *sim, const char *what,
                                  const char *path, struct cadre_error *err)
{
	return cadre_error_errno(err, sim->failure.errno_value, "%s \"%s\"", what, path);
}

static enum cadre_status missing(const char *what, const char *path,
                                 struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_NOT_FOUND, "%s \"%s\": no such file", what,
	                       path);
}

static bool parent_exists(struct cadre_env_sim *sim, const char *path)
{
	size_t length = sim_path_directory(path);
	char *directory;
	struct sim_node *node;

	if (length == 0)
		return true;
	directory = malloc(length + 1);
	CADRE_ASSERT(directory);
	memcpy(directory, path, length);
	directory[length] = '\0';
	node = sim_disk_find(&sim->disk, directory);
	free(directory);
	return node && node->directory;
}

static enum cadre_status sim_open(struct cadre_env *env, const char *path, unsigned flags,
                                  struct cadre_file **ret_file, struct cadre_error *err)
{
	struct cadre_env_sim *sim = sim_of(env);
	struct sim_node *node = sim_disk_find(&sim->disk, path);
	size_t path_bytes = strlen(path) + 1;
	struct sim_file *file;

	if (fails(sim, CADRE_ENV_SIM_OPEN))
		return injected(sim, "opening", path, err);
	if (node && node->directory)
		return cadre_error_errno(err, EISDIR, "opening \"%s\"", path);
	if (node && (flags & CADRE_OPEN_CREATE) && (flags & CADRE_OPEN_EXCL))
		return cadre_error_set(err, CADRE_CONFLICT, "\"%s\" exists", path);
	if (!node && (!(flags & CADRE_OPEN_CREATE) || !parent_exists(sim, path)))
		return missing("opening", path, err);
	if (!node)
		node = sim_disk_create(&sim->disk, path, false);
	file = calloc(1, sizeof *file + path_bytes);
	CADRE_ASSERT(file);
	file->base.env = env;
	file->node = node;
	file->generation = sim->generation;
	file->writable = flags & CADRE_OPEN_WRITE;
	memcpy(file->path, path, path_bytes);
	node->opens++;
	*ret_file = &file->base;
	return CADRE_OK;
}

static void sim_close(struct cadre_file *base)
{
	struct sim_file *file = file_of(base);
	struct cadre_env_sim *sim = sim_of(base->env);

	CADRE_ASSERT(file->node->opens > 0);
	file->node->opens--;
	if (file->holds_lock && file->generation == sim->generation)
		file->node->locked = false;
	free(file);
	sim_disk_collect(&sim->disk);
}

/* Counts, fails when it is to fail, and when the file was open across a crash. */
static enum cadre_status enter(struct sim_file *file, enum cadre_env_sim_kind kind,
                               const char *what, struct cadre_error *err)
{
	struct cadre_env_sim *sim = sim_of(file->base.env);

	if (fails(sim, kind))
		return injected(sim, what, file->path, err);
	if (file->generation != sim->generation)
		return cadre_error_set(err, CADRE_IO_ERROR,
		                       "%s \"%s\": the machine crashed since", what,
		                       file->path);
	return CADRE_OK;
}

static enum cadre_status sim_pread(struct cadre_file *base, uint64_t offset, void *data,
                                   size_t length, size_t *ret_length,
                                   struct cadre_error *err)
{
	struct sim_file *file = file_of(base);
	struct sim_node *node = file->node;
	enum cadre_status status = enter(file, CADRE_ENV_SIM_READ, "reading", err);

	if (status != CADRE_OK)
		return status;
	if (offset >= node->size)
		length = 0;
	else if (length > node->size - offset)
		length = (size_t)(node->size - offset);
	if (length > 0)
		memcpy(data, node->data + offset, length);
	*ret_length = length;
	return CADRE_OK;
}

/* False when the disk is full; what fits is written. */
static bool write_some(struct cadre_env_sim *sim, struct sim_node *node, uint64_t offset,
                       const void *data, size_t length)
{
	uint64_t end = offset + length;
	uint64_t used;
	uint64_t fits;

	if (end <= node->size || sim_node_resize(&sim->disk, node, end)) {
		sim_node_write(node, offset, data, length);
		return true;
	}
	used = sim_disk_used(&sim->disk);
	fits = node->size +
	       (sim->disk.limit_bytes > used ? sim->disk.limit_bytes - used : 0);
	if (fits > offset && fits < end && sim_node_resize(&sim->disk, node, fits))
		sim_node_write(node, offset, data, (size_t)(fits - offset));
	return false;
}

/* A random part of a write that ends between two sectors: a kernel copies and a
 * disk writes nothing smaller. */
static size_t whole_sectors(struct cadre_env_sim *sim, uint64_t offset, size_t length)
{
	uint64_t end = offset + sim_random_next(sim) % (length + 1);

	end -= end % SIM_SECTOR_BYTES;
	return end > offset ? (size_t)(end - offset) : 0;
}

static enum cadre_status sim_pwrite(struct cadre_file *base, uint64_t offset,
                                    const void *data, size_t length,
                                    struct cadre_error *err)
{
	struct sim_file *file = file_of(base);
	struct cadre_env_sim *sim = sim_of(base->env);
	bool live = file->generation == sim->generation;
	enum cadre_status status;

	CADRE_ASSERT(file->writable);
	status = enter(file, CADRE_ENV_SIM_WRITE, "writing", err);
	if (status != CADRE_OK) {
		if (live)
			write_some(sim, file->node, offset, data,
			           whole_sectors(sim, offset, length));
		return status;
	}
	if (!write_some(sim, file->node, offset, data, length))
		return cadre_error_errno(err, ENOSPC, "writing \"%s\" at offset %llu",
		                         file->path, (unsigned long long)offset);
	return CADRE_OK;
}

static enum cadre_status sim_datasync(struct cadre_file *base, struct cadre_error *err)
{
	struct sim_file *file = file_of(base);
	enum cadre_status status = enter(file, CADRE_ENV_SIM_SYNC, "syncing", err);

	if (status != CADRE_OK)
		sim_node_fail_sync(file->node);
	else
		sim_node_sync(file->node);
	return status;
}

static enum cadre_status sim_truncate(struct cadre_file *base, uint64_t size,
                                      struct cadre_error *err)
{
	struct sim_file *file = file_of(base);
	struct cadre_env_sim *sim = sim_of(base->env);
	enum cadre_status status = enter(file, CADRE_ENV_SIM_WRITE, "truncating", err);

	if (status != CADRE_OK)
		return status;
	if (!sim_node_resize(&sim->disk, file->node, size))
		return cadre_error_errno(err, ENOSPC, "truncating \"%s\" to %llu bytes",
		                         file->path, (unsigned long long)size);
	return CADRE_OK;
}

static enum cadre_status sim_size(struct cadre_file *base, uint64_t *ret_size,
                                  struct cadre_error *err)
{
	struct sim_file *file = file_of(base);
	enum cadre_status status = enter(file, CADRE_ENV_SIM_READ, "size of", err);

	if (status == CADRE_OK)
		*ret_size = file->node->size;
	return status;
}

static enum cadre_status sim_rename(struct cadre_env *env, const char *from,
                                    const char *to, struct cadre_error *err)
{
	struct cadre_env_sim *sim = sim_of(env);
	struct sim_node *node = sim_disk_find(&sim->disk, from);

	if (fails(sim, CADRE_ENV_SIM_NAME))
		return injected(sim, "renaming", from, err);
	if (!node || !parent_exists(sim, to))
		return missing("renaming", from, err);
	CADRE_ASSERT(!node->directory || !sim_disk_has_entries(&sim->disk, to));
	sim_disk_rename(&sim->disk, from, to);
	return CADRE_OK;
}

static enum cadre_status sim_remove(struct cadre_env *env, const char *path,
                                    struct cadre_error *err)
{
	struct cadre_env_sim *sim = sim_of(env);
	struct sim_node *node = sim_disk_find(&sim->disk, path);

	if (fails(sim, CADRE_ENV_SIM_NAME))
		return injected(sim, "removing", path, err);
	if (!node)
		return missing("removing", path, err);
	if (node->directory && sim_disk_has_entries(&sim->disk, path))
		return cadre_error_set(err, CADRE_INCORRECT_STATE,
		                       "removing \"%s\": directory not empty", path);
	sim_disk_remove(&sim->disk, path);
	return CADRE_OK;
}

static enum cadre_status sim_mkdir(struct cadre_env *env, const char *path,
                                   struct cadre_error *err)
{
	struct cadre_env_sim *sim = sim_of(env);

	if (fails(sim, CADRE_ENV_SIM_NAME))
		return injected(sim, "creating directory", path, err);
	if (sim_disk_find(&sim->disk, path))
		return CADRE_OK;
	if (!parent_exists(sim, path))
		return missing("creating directory", path, err);
	sim_disk_create(&sim->disk, path, true);
	return CADRE_OK;
}

static enum cadre_status sim_list(struct cadre_env *env, const char *path,
                                  cadre_dir_fn fn, void *ctx, struct cadre_error *err)
{
	struct cadre_env_sim *sim = sim_of(env);
	struct sim_node *node = sim_disk_find(&sim->disk, path);
	size_t length = strlen(path);
	struct sim_names *names = &sim->disk.names;

	if (fails(sim, CADRE_ENV_SIM_READ))
		return injected(sim, "listing", path, err);
	if (!node || !node->directory)
		return missing("listing", path, err);
	for (size_t i = names->count; i-- > 0;) {
		const char *name = names->items[i].path;
		enum cadre_status status;
		if (sim_path_directory(name) != length ||
		    strncmp(name, path, length) != 0)
			continue;
		status = fn(ctx, name + length + 1);
		if (status != CADRE_OK)
			return cadre_error_set(err, status, "listing \"%s\"", path);
		/* The callback may have removed the entry. */
		if (i > names->count)
			i = names->count;
	}
	return CADRE_OK;
}

static enum cadre_status sim_sync_dir(struct cadre_env *env, const char *path,
                                      struct cadre_error *err)
{
	struct cadre_env_sim *sim = sim_of(env);
	struct sim_node *node = sim_disk_find(&sim->disk, path);

	if (fails(sim, CADRE_ENV_SIM_SYNC))
		return injected(sim, "syncing directory", path, err);
	if (path[0] != '\0' && strcmp(path, "/") != 0 && (!node || !node->directory))
		return missing("syncing directory", path, err);
	sim_disk_sync_dir(&sim->disk, path);
	return CADRE_OK;
}

static enum cadre_status sim_space(struct cadre_env *env, const char *path,
                                   struct cadre_space *ret_space, struct cadre_error *err)
{
	struct cadre_env_sim *sim = sim_of(env);
	uint64_t used = sim_disk_used(&sim->disk);
	uint64_t limit = sim->disk.limit_bytes;

	(void)path;
	(void)err;
	ret_space->total_bytes = limit;
	ret_space->free_bytes = used < limit ? limit - used : 0;
	return CADRE_OK;
}

static enum cadre_status sim_place(struct cadre_env *env, const char *path,
                                   struct cadre_place *ret_place, struct cadre_error *err)
{
	struct cadre_env_sim *sim = sim_of(env);
	struct sim_node *node = sim_disk_find(&sim->disk, path);

	if (!node)
		return missing("place of", path, err);
	memset(ret_place, 0, sizeof *ret_place);
	memcpy(ret_place->boot_id, sim->boot_id, sizeof ret_place->boot_id);
	ret_place->device = 1;
	ret_place->inode = node->id;
	ret_place->fs_type = 0xef53;
	ret_place->pid_namespace = 1;
	return CADRE_OK;
}

static cadre_time_ms sim_wall_ms(struct cadre_env *env)
{
	return sim_of(env)->wall_ms;
}

static uint64_t sim_mono_ns(struct cadre_env *env)
{
	return sim_of(env)->mono_ns;
}

static void sim_random(struct cadre_env *env, void *data, size_t length)
{
	struct cadre_env_sim *sim = sim_of(env);
	uint8_t *at = data;

	for (size_t i = 0; i < length; i++)
		at[i] = (uint8_t)(sim_random_next(sim) >> 16);
}

static enum cadre_status sim_map(struct cadre_file *base, size_t length, bool writable,
                                 void **ret_memory, struct cadre_error *err)
{
	struct sim_file *file = file_of(base);
	enum cadre_status status = enter(file, CADRE_ENV_SIM_READ, "mapping", err);

	(void)writable;
	if (status != CADRE_OK)
		return status;
	if (length > file->node->size)
		return cadre_error_errno(err, EINVAL, "mapping %zu bytes of \"%s\"",
		                         length, file->path);
	file->node->maps++;
	*ret_memory = file->node->data;
	return CADRE_OK;
}

static void sim_unmap(struct cadre_file *base, void *memory, size_t length)
{
	struct sim_file *file = file_of(base);

	(void)length;
	CADRE_ASSERT(file->node->maps > 0 && memory == file->node->data);
	file->node->maps--;
}

static enum cadre_status sim_lock(struct cadre_file *base, struct cadre_error *err)
{
	struct sim_file *file = file_of(base);
	enum cadre_status status = enter(file, CADRE_ENV_SIM_NAME, "locking", err);

	if (status != CADRE_OK)
		return status;
	if (file->node->locked && !file->holds_lock)
		return cadre_error_set(err, CADRE_CONFLICT, "\"%s\" is locked",
		                       file->path);
	file->node->locked = true;
	file->holds_lock = true;
	return CADRE_OK;
}

const struct cadre_env_ops sim_env_ops = {
	.open = sim_open,
	.close = sim_close,
	.pread = sim_pread,
	.pwrite = sim_pwrite,
	.datasync = sim_datasync,
	.truncate = sim_truncate,
	.size = sim_size,
	.rename = sim_rename,
	.remove = sim_remove,
	.mkdir = sim_mkdir,
	.list = sim_list,
	.sync_dir = sim_sync_dir,
	.space = sim_space,
	.place = sim_place,
	.wall_ms = sim_wall_ms,
	.mono_ns = sim_mono_ns,
	.random = sim_random,
	.map = sim_map,
	.unmap = sim_unmap,
	.lock = sim_lock,
};
