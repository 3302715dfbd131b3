#include "bench/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/assert.h"

void bench_path(char path[BENCH_PATH_BYTES], const char *dir, const char *name)
{
	int length = snprintf(path, BENCH_PATH_BYTES, "%s/%s", dir, name);

	CADRE_ASSERT(length > 0 && (unsigned)length < BENCH_PATH_BYTES);
}

static int remove_entry(const char *path, const struct stat *info, int type,
                        struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

void bench_remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static enum cadre_status copy_file(const char *from, const char *to,
                                   struct cadre_error *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t done = in < 0 || out < 0 ? -1 : 1;

	while (done > 0)
		done = copy_file_range(in, NULL, out, NULL, 1u << 26, 0);
	if (done < 0)
		cadre_error_errno(err, errno, "copying \"%s\" to \"%s\"", from, to);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return done < 0 ? CADRE_IO_ERROR : CADRE_OK;
}

static bool left_out(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	       strcmp(name, "lock.mdb") == 0;
}

enum cadre_status bench_copy_tree(const char *from, const char *to,
                                  struct cadre_error *err)
{
	DIR *dir = opendir(from);
	struct dirent *entry;
	enum cadre_status status = CADRE_OK;

	if (!dir)
		return cadre_error_errno(err, errno, "directory \"%s\"", from);
	if (mkdir(to, 0700) != 0)
		status = cadre_error_errno(err, errno, "directory \"%s\"", to);
	while (status == CADRE_OK && (entry = readdir(dir))) {
		char inner_from[BENCH_PATH_BYTES];
		char inner_to[BENCH_PATH_BYTES];
		struct stat info;
		if (left_out(entry->d_name))
			continue;
		bench_path(inner_from, from, entry->d_name);
		bench_path(inner_to, to, entry->d_name);
		if (stat(inner_from, &info) != 0)
			status = cadre_error_errno(err, errno, "\"%s\"", inner_from);
		else if (S_ISDIR(info.st_mode))
			status = bench_copy_tree(inner_from, inner_to, err);
		else
			status = copy_file(inner_from, inner_to, err);
	}
	closedir(dir);
	return status;
}

enum cadre_status bench_zero_file(const char *path, uint64_t bytes,
                                  struct cadre_error *err)
{
	static const uint8_t zeros[1u << 16];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool done = fd >= 0;

	for (uint64_t at = 0; at < bytes && done; at += sizeof zeros)
		done = write(fd, zeros, sizeof zeros) == (ssize_t)sizeof zeros;
	done = done && fdatasync(fd) == 0;
	if (!done)
		cadre_error_errno(err, errno, "zeros in \"%s\"", path);
	if (fd >= 0)
		close(fd);
	return done ? CADRE_OK : CADRE_IO_ERROR;
}
