/* The machine: POSIX files and Linux identities behind struct cadre_env_ops. */
#include "engine/env/env.h"

#include "engine/base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

struct real_file {
	struct cadre_file base; /* first: cast from struct cadre_file */
	int fd;
	char path[];
};

static struct real_file *real_of(struct cadre_file *file)
{
	return (struct real_file *)(void *)file;
}

/* ENOENT is an expected outcome with its own status. */
static enum cadre_status fail(struct cadre_error *err, int errno_value, const char *what,
                              const char *path)
{
	if (errno_value == ENOENT)
		return cadre_error_set(err, CADRE_NOT_FOUND, "%s \"%s\": no such file",
		                       what, path);
	return cadre_error_errno(err, errno_value, "%s \"%s\"", what, path);
}

static enum cadre_status real_open(struct cadre_env *env, const char *path,
                                   unsigned flags, struct cadre_file **ret_file,
                                   struct cadre_error *err)
{
	int mode = flags & CADRE_OPEN_WRITE ? O_RDWR : O_RDONLY;
	size_t path_bytes = strlen(path) + 1;
	struct real_file *file = malloc(sizeof *file + path_bytes);

	if (!file)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "opening \"%s\"", path);
	if (flags & CADRE_OPEN_CREATE)
		mode |= O_CREAT;
	if (flags & CADRE_OPEN_EXCL)
		mode |= O_EXCL;
	do
		file->fd = open(path, mode | O_CLOEXEC, 0600);
	while (file->fd < 0 && errno == EINTR);
	if (file->fd < 0) {
		int saved = errno;
		free(file);
		if (saved == EEXIST)
			return cadre_error_set(err, CADRE_CONFLICT, "\"%s\" exists",
			                       path);
		return fail(err, saved, "opening", path);
	}
	file->base.env = env;
	memcpy(file->path, path, path_bytes);
	*ret_file = &file->base;
	return CADRE_OK;
}

static void real_close(struct cadre_file *base)
{
	struct real_file *file = real_of(base);

	close(file->fd);
	free(file);
}

static enum cadre_status real_pread(struct cadre_file *base, uint64_t offset, void *data,
                                    size_t length, size_t *ret_length,
                                    struct cadre_error *err)
{
	struct real_file *file = real_of(base);
	size_t done = 0;

	while (done < length) {
		ssize_t got = pread(file->fd, (uint8_t *)data + done, length - done,
		                    (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cadre_error_errno(
			        err, errno, "reading \"%s\" at offset %llu", file->path,
			        (unsigned long long)(offset + done));
		if (got == 0)
			break;
		done += (size_t)got;
	}
	*ret_length = done;
	return CADRE_OK;
}

static enum cadre_status real_pwrite(struct cadre_file *base, uint64_t offset,
                                     const void *data, size_t length,
                                     struct cadre_error *err)
{
	struct real_file *file = real_of(base);
	size_t done = 0;

	while (done < length) {
		ssize_t put = pwrite(file->fd, (const uint8_t *)data + done,
		                     length - done, (off_t)(offset + done));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return cadre_error_errno(
			        err, errno, "writing \"%s\" at offset %llu", file->path,
			        (unsigned long long)(offset + done));
		done += (size_t)put;
	}
	return CADRE_OK;
}

/* Never repeated after a failure: the kernel has marked the pages clean, so a
 * second call would succeed over lost data. EINTR cannot happen here on Linux. */
static enum cadre_status real_datasync(struct cadre_file *base, struct cadre_error *err)
{
	struct real_file *file = real_of(base);

	if (fdatasync(file->fd) != 0)
		return cadre_error_errno(err, errno, "syncing \"%s\"", file->path);
	return CADRE_OK;
}

static enum cadre_status real_truncate(struct cadre_file *base, uint64_t size,
                                       struct cadre_error *err)
{
	struct real_file *file = real_of(base);
	int result;

	do
		result = ftruncate(file->fd, (off_t)size);
	while (result != 0 && errno == EINTR);
	if (result != 0)
		return cadre_error_errno(err, errno, "truncating \"%s\" to %llu bytes",
		                         file->path, (unsigned long long)size);
	return CADRE_OK;
}

static enum cadre_status real_size(struct cadre_file *base, uint64_t *ret_size,
                                   struct cadre_error *err)
{
	struct real_file *file = real_of(base);
	struct stat info;

	if (fstat(file->fd, &info) != 0)
		return cadre_error_errno(err, errno, "size of \"%s\"", file->path);
	*ret_size = (uint64_t)info.st_size;
	return CADRE_OK;
}

static enum cadre_status real_rename(struct cadre_env *env, const char *from,
                                     const char *to, struct cadre_error *err)
{
	(void)env;
	if (rename(from, to) != 0)
		return fail(err, errno, "renaming", from);
	return CADRE_OK;
}

static enum cadre_status real_remove(struct cadre_env *env, const char *path,
                                     struct cadre_error *err)
{
	(void)env;
	if (unlink(path) == 0)
		return CADRE_OK;
	if (errno != EISDIR && errno != EPERM)
		return fail(err, errno, "removing", path);
	if (rmdir(path) == 0)
		return CADRE_OK;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return cadre_error_set(err, CADRE_INCORRECT_STATE,
		                       "removing \"%s\": directory not empty", path);
	return fail(err, errno, "removing", path);
}

static enum cadre_status real_mkdir(struct cadre_env *env, const char *path,
                                    struct cadre_error *err)
{
	(void)env;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return fail(err, errno, "creating directory", path);
	return CADRE_OK;
}

static enum cadre_status real_list(struct cadre_env *env, const char *path,
                                   cadre_dir_fn fn, void *ctx, struct cadre_error *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	enum cadre_status status = CADRE_OK;

	(void)env;
	if (!dir)
		return fail(err, errno, "listing", path);
	while (status == CADRE_OK) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		errno = 0;
		status = fn(ctx, entry->d_name);
		if (status != CADRE_OK)
			cadre_error_set(err, status, "listing \"%s\" at \"%s\"", path,
			                entry->d_name);
	}
	if (status == CADRE_OK && errno != 0)
		status = fail(err, errno, "listing", path);
	closedir(dir);
	return status;
}

static enum cadre_status real_sync_dir(struct cadre_env *env, const char *path,
                                       struct cadre_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;
	int saved;

	(void)env;
	if (fd < 0)
		return fail(err, errno, "syncing directory", path);
	result = fsync(fd);
	saved = errno;
	close(fd);
	if (result != 0)
		return cadre_error_errno(err, saved, "syncing directory \"%s\"", path);
	return CADRE_OK;
}

static enum cadre_status real_space(struct cadre_env *env, const char *path,
                                    struct cadre_space *ret_space,
                                    struct cadre_error *err)
{
	struct statfs info;

	(void)env;
	if (statfs(path, &info) != 0)
		return fail(err, errno, "space of", path);
	ret_space->free_bytes = (uint64_t)info.f_bavail * (uint64_t)info.f_bsize;
	ret_space->total_bytes = (uint64_t)info.f_blocks * (uint64_t)info.f_bsize;
	return CADRE_OK;
}

static void read_boot_id(char text[40])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(text, 0, 40);
	if (!file)
		return;
	if (!fgets(text, 40, file))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

static enum cadre_status real_place(struct cadre_env *env, const char *path,
                                    struct cadre_place *ret_place,
                                    struct cadre_error *err)
{
	struct statfs fs;
	struct stat info;
	struct stat ns;

	(void)env;
	memset(ret_place, 0, sizeof *ret_place);
	if (stat(path, &info) != 0 || statfs(path, &fs) != 0)
		return fail(err, errno, "place of", path);
	read_boot_id(ret_place->boot_id);
	ret_place->device = (uint64_t)info.st_dev;
	ret_place->inode = (uint64_t)info.st_ino;
	ret_place->fs_type = (uint64_t)fs.f_type;
	if (stat("/proc/self/ns/pid", &ns) == 0)
		ret_place->pid_namespace = (uint64_t)ns.st_ino;
	return CADRE_OK;
}

static cadre_time_ms real_wall_ms(struct cadre_env *env)
{
	struct timespec now;

	(void)env;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static uint64_t real_mono_ns(struct cadre_env *env)
{
	struct timespec now;

	(void)env;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void real_random(struct cadre_env *env, void *data, size_t length)
{
	uint8_t *at = data;

	(void)env;
	while (length > 0) {
		ssize_t got = getrandom(at, length, 0);
		if (got < 0 && errno == EINTR)
			continue;
		CADRE_ASSERT(got > 0);
		at += got;
		length -= (size_t)got;
	}
}

static enum cadre_status real_map(struct cadre_file *base, size_t length, bool writable,
                                  void **ret_memory, struct cadre_error *err)
{
	struct real_file *file = real_of(base);
	int protection = PROT_READ | (writable ? PROT_WRITE : 0);
	void *memory = mmap(NULL, length, protection, MAP_SHARED, file->fd, 0);

	if (memory == MAP_FAILED)
		return cadre_error_errno(err, errno, "mapping %zu bytes of \"%s\"",
		                         length, file->path);
	*ret_memory = memory;
	return CADRE_OK;
}

static void real_unmap(struct cadre_file *base, void *memory, size_t length)
{
	(void)base;
	CADRE_ASSERT(munmap(memory, length) == 0);
}

/* flock() belongs to the open file, so a second open of this process conflicts
 * too, and closing another descriptor of the file does not drop it. */
static enum cadre_status real_lock(struct cadre_file *base, struct cadre_error *err)
{
	struct real_file *file = real_of(base);

	if (flock(file->fd, LOCK_EX | LOCK_NB) == 0)
		return CADRE_OK;
	if (errno == EWOULDBLOCK)
		return cadre_error_set(err, CADRE_CONFLICT, "\"%s\" is locked",
		                       file->path);
	return cadre_error_errno(err, errno, "locking \"%s\"", file->path);
}

static const struct cadre_env_ops real_ops = {
	.open = real_open,
	.close = real_close,
	.pread = real_pread,
	.pwrite = real_pwrite,
	.datasync = real_datasync,
	.truncate = real_truncate,
	.size = real_size,
	.rename = real_rename,
	.remove = real_remove,
	.mkdir = real_mkdir,
	.list = real_list,
	.sync_dir = real_sync_dir,
	.space = real_space,
	.place = real_place,
	.wall_ms = real_wall_ms,
	.mono_ns = real_mono_ns,
	.random = real_random,
	.map = real_map,
	.unmap = real_unmap,
	.lock = real_lock,
};

struct cadre_env *cadre_env_real(void)
{
	static struct cadre_env env = { .ops = &real_ops };

	return &env;
}
