/*
 * A shared library for LD_PRELOAD that fails I/O on LMDB's data files.
 *
 * Counts the calls below on descriptors whose path ends in "data.mdb", from 1,
 * and fails some before they do anything:
 *   CADRE_FAULT_N        the number of the call that fails; unset or 0: none
 *   CADRE_FAULT_FOREVER  set: all calls from that one on fail
 *   CADRE_FAULT_ERRNO    the errno they fail with, as a number; unset: EIO
 *   CADRE_FAULT_COUNT    a file that gets the number of calls when the process
 *                        exits
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define SUFFIX "/data.mdb"

static atomic_ulong calls;

static unsigned long number_from(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : fallback;
}

static bool is_data_file(int fd)
{
	char link[64];
	char path[PATH_MAX];
	ssize_t length;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof path);
	return length >= (ssize_t)strlen(SUFFIX) &&
	       memcmp(path + length - strlen(SUFFIX), SUFFIX, strlen(SUFFIX)) == 0;
}

/* True, with errno set, when this call is to fail. */
static bool fails(int fd)
{
	unsigned long from = number_from("CADRE_FAULT_N", 0);
	unsigned long call;
	int saved = errno;

	if (fd < 0 || !is_data_file(fd)) {
		errno = saved;
		return false;
	}
	call = atomic_fetch_add(&calls, 1) + 1;
	errno = saved;
	if (from == 0 || call < from || (call > from && !getenv("CADRE_FAULT_FOREVER")))
		return false;
	errno = (int)number_from("CADRE_FAULT_ERRNO", EIO);
	return true;
}

/* The function of that name behind this library. */
static void *next_function(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

__attribute__((destructor)) static void write_count(void)
{
	const char *path = getenv("CADRE_FAULT_COUNT");
	FILE *file = path ? fopen(path, "we") : NULL;

	if (!file)
		return;
	(void)fprintf(file, "%lu\n", atomic_load(&calls));
	(void)fclose(file);
}

/* ISO C has no cast from void * to a function pointer; POSIX lets it be copied. */
#define INTERPOSE(result, name, failure, fd, parameters, ...) \
	EXPORT result name parameters;                        \
	EXPORT result name parameters                         \
	{                                                     \
		result(*function) parameters;                 \
		if (fails(fd))                                \
			return failure;                       \
		*(void **)&function = next_function(#name);   \
		return function(__VA_ARGS__);                 \
	}

INTERPOSE(ssize_t, write, -1, fd, (int fd, const void *data, size_t length), fd, data,
          length)
INTERPOSE(ssize_t, pwrite, -1, fd,
          (int fd, const void *data, size_t length, off_t offset), fd, data, length,
          offset)
INTERPOSE(ssize_t, pwrite64, -1, fd,
          (int fd, const void *data, size_t length, off64_t offset), fd, data, length,
          offset)
INTERPOSE(ssize_t, writev, -1, fd, (int fd, const struct iovec *parts, int count), fd,
          parts, count)
INTERPOSE(ssize_t, pwritev, -1, fd,
          (int fd, const struct iovec *parts, int count, off_t offset), fd, parts, count,
          offset)
INTERPOSE(ssize_t, pwritev64, -1, fd,
          (int fd, const struct iovec *parts, int count, off64_t offset), fd, parts,
          count, offset)
INTERPOSE(int, fdatasync, -1, fd, (int fd), fd)
INTERPOSE(int, fsync, -1, fd, (int fd), fd)
INTERPOSE(int, ftruncate, -1, fd, (int fd, off_t length), fd, length)
INTERPOSE(int, ftruncate64, -1, fd, (int fd, off64_t length), fd, length)
INTERPOSE(void *, mmap, MAP_FAILED, fd,
          (void *address, size_t length, int protection, int flags, int fd, off_t offset),
          address, length, protection, flags, fd, offset)
INTERPOSE(void *, mmap64, MAP_FAILED, fd,
          (void *address, size_t length, int protection, int flags, int fd,
           off64_t offset),
          address, length, protection, flags, fd, offset)
