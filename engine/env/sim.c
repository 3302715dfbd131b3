#include "engine/env/sim.h"

#include "engine/base/assert.h"
#include "engine/env/sim_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define WALL_MS_START 1000000u
#define MONO_NS_START 1000000000u

struct cadre_env_sim {
	struct cadre_env env; /* first: cast from struct cadre_env */
	struct sim_disk disk;
	uint64_t random_state;
	uint64_t generation; /* raised by a crash: older open files are dead */
	uint64_t operations;
	struct cadre_env_sim_failure failure;
	uint64_t failure_seen; /* operations of its kinds since it was set */
	bool failed;
	cadre_time_ms wall_ms;
	uint64_t mono_ns;
	char boot_id[40];
};

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

/* xorshift64* */
static uint64_t next_random(void *ctx)
{
	struct cadre_env_sim *sim = ctx;
	uint64_t x = sim->random_state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	sim->random_state = x;
	return x * 0x2545F4914F6CDD1Du >> 1;
}

static void seed_random(struct cadre_env_sim *sim, uint64_t seed)
{
	sim->random_state = (seed + 1) * 0x9E3779B97F4A7C15u;
	if (sim->random_state == 0)
		sim->random_state = 1;
	for (int i = 0; i < 4; i++)
		next_random(sim);
}

static void new_boot(struct cadre_env_sim *sim)
{
	unsigned long long high = next_random(sim);
	unsigned long long low = next_random(sim);

	snprintf(sim->boot_id, sizeof sim->boot_id, "%016llx-%016llx", high, low);
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
	return cadre_error_set(err, CADRE_NOT_FOUND, "%s \"%s\": no such file", what, path);
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
	fits = node->size + (sim->disk.limit_bytes > used ? sim->disk.limit_bytes - used : 0);
	if (fits > offset && fits < end && sim_node_resize(&sim->disk, node, fits))
		sim_node_write(node, offset, data, (size_t)(fits - offset));
	return false;
}

/* A random part of a write that ends between two sectors: a kernel copies and a
 * disk writes nothing smaller. */
static size_t whole_sectors(struct cadre_env_sim *sim, uint64_t offset, size_t length)
{
	uint64_t end = offset + next_random(sim) % (length + 1);

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

static enum cadre_status sim_rename(struct cadre_env *env, const char *from, const char *to,
                                    struct cadre_error *err)
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

static enum cadre_status sim_list(struct cadre_env *env, const char *path, cadre_dir_fn fn,
                                  void *ctx, struct cadre_error *err)
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
		if (sim_path_directory(name) != length || strncmp(name, path, length) != 0)
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
		at[i] = (uint8_t)(next_random(sim) >> 16);
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
		return cadre_error_errno(err, EINVAL, "mapping %zu bytes of \"%s\"", length,
		                         file->path);
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
		return cadre_error_set(err, CADRE_CONFLICT, "\"%s\" is locked", file->path);
	file->node->locked = true;
	file->holds_lock = true;
	return CADRE_OK;
}

static const struct cadre_env_ops sim_ops = {
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

struct cadre_env_sim *cadre_env_sim_create(uint64_t seed)
{
	struct cadre_env_sim *sim = calloc(1, sizeof *sim);

	if (!sim)
		return NULL;
	sim->env.ops = &sim_ops;
	sim_disk_init(&sim->disk);
	sim->disk.random = next_random;
	sim->disk.random_ctx = sim;
	seed_random(sim, seed);
	sim->wall_ms = WALL_MS_START;
	sim->mono_ns = MONO_NS_START;
	new_boot(sim);
	return sim;
}

void cadre_env_sim_destroy(struct cadre_env_sim *sim)
{
	if (!sim)
		return;
	sim_disk_fini(&sim->disk);
	free(sim);
}

struct cadre_env *cadre_env_sim_env(struct cadre_env_sim *sim)
{
	return &sim->env;
}

void cadre_env_sim_kill(struct cadre_env_sim *sim)
{
	sim->generation++;
	memset(&sim->failure, 0, sizeof sim->failure);
	for (struct sim_node *node = sim->disk.nodes; node; node = node->next)
		node->locked = false;
}

void cadre_env_sim_crash(struct cadre_env_sim *sim, uint64_t seed)
{
	cadre_env_sim_kill(sim);
	seed_random(sim, seed);
	sim_disk_crash(&sim->disk);
	new_boot(sim);
}

void cadre_env_sim_fail(struct cadre_env_sim *sim,
                        const struct cadre_env_sim_failure *failure)
{
	sim->failure = *failure;
	sim->failure_seen = 0;
	sim->failed = false;
}

bool cadre_env_sim_failed(const struct cadre_env_sim *sim)
{
	return sim->failed;
}

uint64_t cadre_env_sim_operations(const struct cadre_env_sim *sim)
{
	return sim->operations;
}

void cadre_env_sim_set_capacity(struct cadre_env_sim *sim, uint64_t bytes)
{
	sim->disk.limit_bytes = bytes;
}

uint64_t cadre_env_sim_used(const struct cadre_env_sim *sim)
{
	return sim_disk_used(&sim->disk);
}

enum cadre_status cadre_env_sim_flip(struct cadre_env_sim *sim, const char *path,
                                     uint64_t offset, unsigned bit)
{
	struct sim_node *node = sim_disk_find(&sim->disk, path);

	CADRE_ASSERT(bit < 8);
	if (!node || node->directory || offset >= node->size)
		return CADRE_NOT_FOUND;
	node->data[offset] = (uint8_t)(node->data[offset] ^ 1u << bit);
	node->durable[offset] = (uint8_t)(node->durable[offset] ^ 1u << bit);
	return CADRE_OK;
}

void cadre_env_sim_set_wall_ms(struct cadre_env_sim *sim, cadre_time_ms wall_ms)
{
	sim->wall_ms = wall_ms;
}

void cadre_env_sim_set_mono_ns(struct cadre_env_sim *sim, uint64_t mono_ns)
{
	sim->mono_ns = mono_ns;
}

void cadre_env_sim_advance_ms(struct cadre_env_sim *sim, uint64_t ms)
{
	sim->wall_ms += ms;
	sim->mono_ns += ms * 1000000u;
}

void cadre_env_sim_set_boot_id(struct cadre_env_sim *sim, const char *boot_id)
{
	snprintf(sim->boot_id, sizeof sim->boot_id, "%s", boot_id);
}
