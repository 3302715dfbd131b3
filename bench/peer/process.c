#include "bench/peer/process.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/machine.h"
#include "engine/base/assert.h"

#define NOBODY 65534u
#define ARGUMENTS_MAX 48u
/* A first start writes data files and syncs them. */
#define START_LIMIT_NS (60ull * 1000000000u)
#define STOP_LIMIT_NS (20ull * 1000000000u)
#define PAUSE_NS 5000000

static void pause_a_moment(void)
{
	const struct timespec moment = { .tv_nsec = PAUSE_NS };

	nanosleep(&moment, NULL);
}

/* ---- where it is ---- */

static bool find_below(const char *root, const char *folder, const char *program,
                       char path[BENCH_PATH_BYTES])
{
	char pattern[BENCH_PATH_BYTES];
	glob_t found;
	bool any;

	if (!folder || snprintf(pattern, sizeof pattern, "%s/%s/%s", root, folder,
	                        program) >= (int)sizeof pattern)
		return false;
	/* Sorted: the last is the newest version. */
	any = glob(pattern, 0, NULL, &found) == 0 &&
	      access(found.gl_pathv[found.gl_pathc - 1], X_OK) == 0;
	if (any)
		(void)snprintf(path, BENCH_PATH_BYTES, "%s",
		               found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	return any;
}

bool bench_peer_find(const struct bench *bench, const char *program, const char *place,
                     char path[BENCH_PATH_BYTES])
{
	const char *const roots[] = { bench->peers, "" };
	const char *const folders[] = { "usr/bin", "usr/local/bin", place };

	for (size_t i = 0; i < 2 && !bench->no_peers; i++)
		for (size_t k = 0; roots[i] && k < 3; k++)
			if (find_below(roots[i], folders[k], program, path))
				return true;
	return false;
}

bool bench_peer_can_enter(const struct bench *bench)
{
	char *path = realpath(bench->dir, NULL);
	struct stat info;
	char *slash;
	bool open = path != NULL;

	if (geteuid() != 0) {
		free(path);
		return true;
	}
	while (open && (slash = strrchr(path, '/')) && slash != path) {
		*slash = '\0';
		open = stat(path, &info) == 0 && info.st_mode & S_IXOTH;
	}
	free(path);
	return open;
}

/* ---- start ---- */

static enum cadre_status give_to_nobody(const struct bench_peer *peer,
                                        const struct bench *bench,
                                        struct cadre_error *err)
{
	if (chmod(bench->dir, 0711) != 0 || chown(peer->dir, NOBODY, NOBODY) != 0 ||
	    chown(peer->sockets, NOBODY, NOBODY) != 0)
		return cadre_error_errno(err, errno, "\"%s\"", peer->dir);
	return CADRE_OK;
}

enum cadre_status bench_peer_prepare(struct bench_peer *peer, const struct bench *bench,
                                     const char *name, bool unprivileged,
                                     struct cadre_error *err)
{
	memset(peer, 0, sizeof *peer);
	(void)snprintf(peer->sockets, sizeof peer->sockets, "/tmp/cadre-peer-XXXXXX");
	if (!mkdtemp(peer->sockets)) {
		peer->sockets[0] = '\0';
		return cadre_error_errno(err, errno, "a directory in /tmp");
	}
	bench_path(peer->dir, bench->dir, name);
	if (mkdir(peer->dir, 0700) != 0)
		return cadre_error_errno(err, errno, "directory \"%s\"", peer->dir);
	if (bench->peers)
		(void)snprintf(peer->library_path, sizeof peer->library_path,
		               "LD_LIBRARY_PATH=%s/usr/lib/" BENCH_LIBRARY_ARCHITECTURE,
		               bench->peers);
	peer->unprivileged = unprivileged && geteuid() == 0;
	return peer->unprivileged ? give_to_nobody(peer, bench, err) : CADRE_OK;
}

/* The environment with the library path in front: the first of two names counts. */
static char **make_environment(struct bench_peer *peer)
{
	size_t count = 0;
	char **names;

	while (environ[count])
		count++;
	names = calloc(count + 2, sizeof *names);
	if (!names)
		return NULL;
	if (peer->library_path[0] != '\0')
		names[0] = peer->library_path;
	memcpy(names + (names[0] ? 1 : 0), environ, count * sizeof *names);
	return names;
}

static int spawn(struct bench_peer *peer, char *const arguments[], const char *log)
{
	posix_spawn_file_actions_t actions;
	char **environment = make_environment(peer);
	int rc;

	if (!environment)
		return ENOMEM;
	posix_spawn_file_actions_init(&actions);
	rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(
		        &actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&actions, 1, 2);
	if (rc == 0)
		rc = posix_spawnp(&peer->pid, arguments[0], &actions, NULL, arguments,
		                  environment);
	posix_spawn_file_actions_destroy(&actions);
	free(environment);
	return rc;
}

enum cadre_status bench_peer_start(struct bench_peer *peer, const char *const argv[],
                                   struct cadre_error *err)
{
	static const char *const as_nobody[] = { "setpriv", "--reuid=65534",
		                                 "--regid=65534", "--clear-groups" };
	char *arguments[ARGUMENTS_MAX] = { NULL };
	char log[BENCH_PATH_BYTES];
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < 4 && peer->unprivileged; i++)
		arguments[count++] = (char *)(uintptr_t)as_nobody[i];
	for (size_t i = 0; argv[i] && count < ARGUMENTS_MAX - 1; i++)
		arguments[count++] = (char *)(uintptr_t)argv[i];
	bench_path(log, peer->sockets, "log");
	CADRE_ASSERT(arguments[0]);
	rc = spawn(peer, arguments, log);
	if (rc == 0)
		return CADRE_OK;
	peer->pid = 0;
	return cadre_error_errno(err, rc, "starting \"%s\"", argv[0]);
}

/* ---- its end ---- */

static enum cadre_status last_words(const struct bench_peer *peer,
                                    struct cadre_error *err)
{
	char path[BENCH_PATH_BYTES];
	char line[256];
	char last[256] = "it said nothing";
	FILE *file;

	bench_path(path, peer->sockets, "log");
	file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			memcpy(last, line, sizeof last);
	}
	if (file)
		fclose(file);
	return cadre_error_set(err, CADRE_INTERNAL, "a peer ended: %s", last);
}

/* Whether it has ended; then its id is given up. */
static bool has_ended(struct bench_peer *peer, int options, int *ret_state)
{
	pid_t pid;

	do
		pid = waitpid(peer->pid, ret_state, options);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return false;
	peer->pid = 0;
	return true;
}

enum cadre_status bench_peer_wait(struct bench_peer *peer, struct cadre_error *err)
{
	int state = -1;

	(void)has_ended(peer, 0, &state);
	return state == 0 ? CADRE_OK : last_words(peer, err);
}

bool bench_peer_try_again(struct bench_peer *peer, uint64_t *io_since_ns,
                          struct cadre_error *err)
{
	uint64_t now = bench_now_ns();
	int state;

	if (*io_since_ns == 0)
		*io_since_ns = now;
	if (has_ended(peer, WNOHANG, &state)) {
		(void)last_words(peer, err);
		return false;
	}
	if (now - *io_since_ns > START_LIMIT_NS) {
		(void)cadre_error_set(err, CADRE_DEADLINE, "a peer does not answer");
		return false;
	}
	pause_a_moment();
	return true;
}

void bench_peer_stop(struct bench_peer *peer)
{
	uint64_t since = bench_now_ns();
	int state;

	if (peer->pid > 0)
		(void)kill(peer->pid, SIGTERM);
	while (peer->pid > 0 && !has_ended(peer, WNOHANG, &state)) {
		if (bench_now_ns() - since > STOP_LIMIT_NS)
			(void)kill(peer->pid, SIGKILL);
		pause_a_moment();
	}
	if (peer->dir[0] != '\0')
		bench_remove_tree(peer->dir);
	if (peer->sockets[0] != '\0')
		bench_remove_tree(peer->sockets);
	memset(peer, 0, sizeof *peer);
}
