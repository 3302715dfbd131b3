#include "tests/support/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/support/testing.h"

/* More than a long run writes; memory is taken for what is written only. */
#define DISK_SIZE "size=4g"
/* Room that is left to fill: memory for the ballast. */
#define SPARE_BYTES ((uint64_t)16 << 20)

bool disk_permitted(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

void disk_make(const char *path)
{
	assert_int_equal(mkdir(path, 0700), 0);
	if (mount("cadre-test", path, "tmpfs", MS_NOSUID | MS_NODEV, DISK_SIZE) != 0)
		fail_msg("mount on \"%s\": %s", path, strerror(errno));
}

static void resize(const char *path, const char *size)
{
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, size) != 0)
		fail_msg("remount of \"%s\": %s", path, strerror(errno));
}

static uint64_t used_bytes(const char *path)
{
	struct statvfs info;

	assert_int_equal(statvfs(path, &info), 0);
	return (uint64_t)(info.f_blocks - info.f_bfree) * info.f_frsize;
}

static void ballast_path(const char *path, char text[400])
{
	(void)snprintf(text, 400, "%s/test-ballast", path);
}

/* As large as the disk allows. Who else writes takes room too, so that what was free is
 * not any more. */
static void grow_ballast(int fd, const char *path, uint64_t left)
{
	struct statvfs info;
	off_t length = 0;

	for (;;) {
		off_t room;
		assert_int_equal(statvfs(path, &info), 0);
		room = (off_t)(info.f_bavail * info.f_frsize) - (off_t)left;
		if (room < (off_t)info.f_frsize)
			return;
		if (posix_fallocate(fd, length, room) == 0)
			length += room;
	}
}

void disk_fill(const char *path, uint64_t left)
{
	char ballast[400];
	char size[64];
	int fd;

	(void)snprintf(size, sizeof size, "size=%llu",
	               (unsigned long long)(used_bytes(path) + SPARE_BYTES));
	resize(path, size);
	ballast_path(path, ballast);
	fd = open(ballast, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	grow_ballast(fd, path, left);
	(void)close(fd);
}

void disk_relieve(const char *path)
{
	char ballast[400];

	ballast_path(path, ballast);
	assert_int_equal(unlink(ballast), 0);
	resize(path, DISK_SIZE);
}

void disk_remove(const char *path)
{
	(void)umount2(path, MNT_DETACH);
}
