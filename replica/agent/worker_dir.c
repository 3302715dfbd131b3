#include "replica/agent/worker_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "worker.sock"
#define PATH_BYTES sizeof(((struct sockaddr_un *)NULL)->sun_path)
#define DIR_PATTERN "cadre-worker-XXXXXX"

static enum cadre_status fail_long(const char *path, struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "\"%s\": too long for a socket, at most %zu bytes", path,
	                       PATH_BYTES - 1);
}

enum cadre_status cadre_worker_dir_make(const char *parent, char **ret_dir,
                                        char **ret_address, struct cadre_error *err)
{
	char dir[PATH_BYTES];
	char *address = NULL;
	char *copy;
	int length;

	if (!parent)
		parent = getenv("TMPDIR");
	if (!parent || !*parent)
		parent = "/tmp";
	length = snprintf(dir, sizeof dir, "%s/" DIR_PATTERN, parent);
	if (length < 0 || (size_t)length + sizeof "/" SOCKET_NAME > sizeof dir)
		return fail_long(parent, err);
	if (!mkdtemp(dir))
		return cadre_error_errno(err, errno, "making a directory in \"%s\"",
		                         parent);
	copy = strdup(dir);
	if (!copy || asprintf(&address, "ipc://%s/" SOCKET_NAME, dir) < 0) {
		free(copy);
		rmdir(dir);
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                       dir);
	}
	*ret_dir = copy;
	*ret_address = address;
	return CADRE_OK;
}

enum cadre_status cadre_worker_dir_check(const char *socket_path, struct cadre_error *err)
{
	const char *slash = strrchr(socket_path, '/');
	char dir[PATH_BYTES];
	struct stat info;

	if (strlen(socket_path) >= PATH_BYTES)
		return fail_long(socket_path, err);
	if (!slash || slash == socket_path)
		return cadre_error_set(err, CADRE_NOT_AUTHORIZED,
		                       "\"%s\": a socket needs a directory of its own",
		                       socket_path);
	snprintf(dir, sizeof dir, "%.*s", (int)(slash - socket_path), socket_path);
	if (lstat(dir, &info) != 0)
		return cadre_error_errno(err, errno, "\"%s\"", dir);
	if (S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
	    (info.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_NOT_AUTHORIZED,
	                       "\"%s\" must be a directory of this user with mode 0700",
	                       dir);
}

void cadre_worker_dir_remove(const char *dir)
{
	char path[PATH_BYTES];
	int length = snprintf(path, sizeof path, "%s/" SOCKET_NAME, dir);

	if (length > 0 && (size_t)length < sizeof path)
		unlink(path);
	rmdir(dir);
}
