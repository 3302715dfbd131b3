#include "tests/crash/cluster/daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/cluster/wait.h"
#include "tests/support/testing.h"

extern char **environ;

/* argv of posix_spawn() is not const, and is not changed. */
static pid_t spawn(const char *program, const char *const *arguments, const char *output,
                   int output_flags, int stream)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;

	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(
	        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0),
	        0);
	if (output)
		assert_int_equal(posix_spawn_file_actions_addopen(
		                         &actions, stream, output, output_flags, 0600),
		                 0);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL,
	                             (char *const *)(uintptr_t)arguments, environ),
	                 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	return pid;
}

void daemon_launch(struct daemon *daemon)
{
	const char *arguments[DAEMON_ARGUMENTS_MAX + 16] = {
		"cadred",        daemon->role,  "--data-dir",     daemon->data,
		"--ready-file",  daemon->ready, "--listen",       "tcp://127.0.0.1:0",
		"--http-listen", "none",        "--segment-size", "1MiB",
		"--log-level",   "info",
	};
	size_t count = 14;

	assert_int_equal(daemon->pid, 0);
	for (size_t i = 0; daemon->more[i]; i++)
		arguments[count++] = daemon->more[i];
	assert_true(unlink(daemon->ready) == 0 || errno == ENOENT);
	daemon->pid = spawn(CADRED, arguments, daemon->log, O_WRONLY | O_CREAT | O_APPEND,
	                    2);
}

/* ---- what it says ---- */

static void print_end_of(const char *path)
{
	char text[4097] = "";
	FILE *file = fopen(path, "rb");
	size_t length;

	if (!file)
		return;
	if (fseek(file, -4096, SEEK_END) != 0)
		rewind(file);
	length = fread(text, 1, sizeof text - 1, file);
	text[length] = '\0';
	(void)fclose(file);
	print_error("the end of %s:\n%s\n", path, text);
}

static uint16_t port_in(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	const char *colon = at ? strstr(at, "127.0.0.1:") : NULL;

	return colon ? (uint16_t)strtoul(colon + strlen("127.0.0.1:"), NULL, 10) : 0;
}

static bool read_ready(struct daemon *daemon)
{
	char text[1024];
	FILE *file = fopen(daemon->ready, "rb");
	size_t length;

	if (!file)
		return false;
	length = fread(text, 1, sizeof text - 1, file);
	text[length] = '\0';
	(void)fclose(file);
	daemon->rpc = port_in(text, "\"rpc\"");
	daemon->replication = port_in(text, "\"replication\"");
	daemon->predict = port_in(text, "\"predict\"");
	assert_true(daemon->rpc != 0);
	return true;
}

void daemon_assert_alive(struct daemon *daemon)
{
	int status = 0;
	pid_t pid = daemon->pid;

	if (waitpid(pid, &status, WNOHANG) == 0)
		return;
	daemon->pid = 0;
	print_end_of(daemon->log);
	fail_msg("the %s, pid %d, ended by itself: %s %d", daemon->role, (int)pid,
	         WIFEXITED(status) ? "exit code" : "signal",
	         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

void daemon_wait_serving(struct daemon *daemon)
{
	uint64_t since = 0;

	while (!read_ready(daemon)) {
		daemon_assert_alive(daemon);
		wait_for(&since, WAIT_S, "a ready file");
	}
}

/* ---- signals ---- */

static int reap(struct daemon *daemon)
{
	int status = 0;

	while (waitpid(daemon->pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	daemon->pid = 0;
	return status;
}

void daemon_kill(struct daemon *daemon)
{
	if (daemon->pid == 0)
		return;
	daemon_assert_alive(daemon);
	assert_int_equal(kill(daemon->pid, SIGKILL), 0);
	(void)reap(daemon);
}

void daemon_freeze(struct daemon *daemon)
{
	int status;

	assert_int_equal(kill(daemon->pid, SIGSTOP), 0);
	/* The signal is on its way only: some thread may still run. */
	assert_int_equal(waitpid(daemon->pid, &status, WUNTRACED), daemon->pid);
	assert_true(WIFSTOPPED(status));
}

void daemon_thaw(struct daemon *daemon)
{
	assert_int_equal(kill(daemon->pid, SIGCONT), 0);
}

void daemon_stop(struct daemon *daemon)
{
	int status;

	if (daemon->pid == 0)
		return;
	daemon_assert_alive(daemon);
	assert_int_equal(kill(daemon->pid, SIGTERM), 0);
	status = reap(daemon);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		print_end_of(daemon->log);
		fail_msg("the %s did not stop as told: status %d", daemon->role, status);
	}
}

/* "pid (name) state ppid ...": whether its parent is `parent`. */
static bool is_child(const char *pid, pid_t parent)
{
	char path[64];
	char text[512] = "";
	const char *behind;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	file = fopen(path, "rb");
	if (!file)
		return false;
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	(void)fclose(file);
	behind = strrchr(text, ')');
	return behind && strlen(behind) > 4 && strtol(behind + 4, NULL, 10) == parent;
}

pid_t daemon_worker(const struct daemon *daemon)
{
	DIR *dir = opendir("/proc");
	pid_t found = 0;

	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry && found == 0;
	     entry = readdir(dir)) {
		if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name) &&
		    is_child(entry->d_name, daemon->pid))
			found = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	(void)closedir(dir);
	return found;
}

int admin_run(const char *const *arguments, const char *output)
{
	pid_t pid = spawn(CADRE_ADMIN, arguments, output, O_WRONLY | O_CREAT | O_TRUNC,
	                  1);
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
