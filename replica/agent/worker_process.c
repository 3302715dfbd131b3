#include "replica/agent/worker_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replica/agent/worker_dir.h"

#define DEVICES_VARIABLE "CUDA_VISIBLE_DEVICES"
#define ARGUMENTS_MAX 64u

static bool names(const char *entry, const char *variable)
{
	size_t length = strlen(variable);

	return strncmp(entry, variable, length) == 0 && entry[length] == '=';
}

/* The environment with the parent's id and the slot's cards; free() frees all but the
 * borrowed texts, which `ret_own` holds. */
static char **make_environment(const char *devices, char *ret_own[2])
{
	size_t count = 0;
	char **result;

	while (environ[count])
		count++;
	result = calloc(count + 3, sizeof *result);
	ret_own[0] = ret_own[1] = NULL;
	if (!result)
		return NULL;
	count = 0;
	for (char **entry = environ; *entry; entry++) {
		if (names(*entry, CADRE_WORKER_PARENT_VARIABLE) ||
		    (devices && names(*entry, DEVICES_VARIABLE)))
			continue;
		result[count++] = *entry;
	}
	if (asprintf(&ret_own[0], CADRE_WORKER_PARENT_VARIABLE "=%ld", (long)getpid()) <
	    0)
		ret_own[0] = NULL;
	if (devices && asprintf(&ret_own[1], DEVICES_VARIABLE "=%s", devices) < 0)
		ret_own[1] = NULL;
	if (ret_own[0])
		result[count++] = ret_own[0];
	if (ret_own[1])
		result[count++] = ret_own[1];
	if (ret_own[0] && (!devices || ret_own[1]))
		return result;
	free(ret_own[0]);
	free(ret_own[1]);
	free(result);
	return NULL;
}

static bool fill_arguments(const struct cadre_worker_program *program, char *address,
                           char *arguments[ARGUMENTS_MAX + 4])
{
	static char listen_option[] = "--listen";
	size_t count = 0;

	arguments[count++] = (char *)(uintptr_t)program->path;
	for (size_t i = 0; program->arguments && program->arguments[i]; i++) {
		if (count > ARGUMENTS_MAX)
			return false;
		arguments[count++] = (char *)(uintptr_t)program->arguments[i];
	}
	arguments[count++] = listen_option;
	arguments[count++] = address;
	arguments[count] = NULL;
	return true;
}

/* Signals as a new program expects them, whatever this process blocks or ignores. */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;
	int code;

	sigemptyset(&none);
	sigfillset(&all);
	code = posix_spawnattr_setsigmask(attributes, &none);
	if (code == 0)
		code = posix_spawnattr_setsigdefault(attributes, &all);
	if (code == 0)
		code = posix_spawnattr_setflags(
		        attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return code;
}

static int set_files(posix_spawn_file_actions_t *actions, const char *log_path)
{
	int code = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
	                                            O_RDONLY, 0);
	if (code == 0)
		code = posix_spawn_file_actions_addopen(
		        actions, STDERR_FILENO, log_path ? log_path : "/dev/null",
		        O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (code == 0)
		code = posix_spawn_file_actions_adddup2(actions, STDERR_FILENO,
		                                        STDOUT_FILENO);
	return code;
}

static int spawn(const struct cadre_worker_program *program,
                 struct worker_process *process, char **arguments, char **environment)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int code = posix_spawn_file_actions_init(&actions);

	if (code != 0)
		return code;
	code = posix_spawnattr_init(&attributes);
	if (code == 0) {
		code = set_signals(&attributes);
		if (code == 0)
			code = set_files(&actions, program->log_path);
		if (code == 0)
			code = posix_spawn(&process->pid, program->path, &actions,
			                   &attributes, arguments, environment);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	if (code != 0)
		process->pid = 0;
	return code;
}

enum cadre_status worker_process_start(const struct cadre_worker_program *program,
                                       struct worker_process *process,
                                       struct cadre_error *err)
{
	char *arguments[ARGUMENTS_MAX + 4];
	char *own[2];
	char **environment;
	enum cadre_status status;
	int code;

	status = cadre_worker_dir_make(program->run_dir, &process->dir, &process->address,
	                               err);
	if (status != CADRE_OK)
		return status;
	if (!fill_arguments(program, process->address, arguments))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": more than %u arguments", program->path,
		                       ARGUMENTS_MAX);
	environment = make_environment(program->devices, own);
	if (!environment)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                       program->path);
	code = spawn(program, process, arguments, environment);
	free(environment);
	free(own[0]);
	free(own[1]);
	if (code == ENOENT || code == EACCES)
		return cadre_error_set(err, CADRE_NOT_FOUND, "starting \"%s\": %s",
		                       program->path, strerror(code));
	if (code != 0)
		return cadre_error_errno(err, code, "starting \"%s\"", program->path);
	process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (process->pidfd < 0)
		return cadre_error_errno(err, errno, "watching process %ld",
		                         (long)process->pid);
	return CADRE_OK;
}

static void describe(struct worker_process *process, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		snprintf(process->death, sizeof process->death,
		         "the worker, process %ld, ended with status %d",
		         (long)process->pid, info->si_status);
	else
		snprintf(process->death, sizeof process->death,
		         "the worker, process %ld, was killed by signal %d (%s)",
		         (long)process->pid, info->si_status,
		         sigdescr_np(info->si_status) ? sigdescr_np(info->si_status)
		                                      : "unknown");
}

/* Lock held. */
static bool reap(struct worker_process *process)
{
	siginfo_t info = { 0 };

	if (process->pid == 0)
		return true;
	if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG) != 0 ||
	    info.si_pid == 0)
		return false;
	describe(process, &info);
	process->pid = 0;
	return true;
}

bool worker_process_alive(struct worker_process *process, struct cadre_error *ret_err)
{
	bool dead;

	if (process->pidfd < 0)
		return true;
	pthread_mutex_lock(&process->lock);
	dead = reap(process);
	if (dead)
		cadre_error_set(ret_err, CADRE_UNAVAILABLE, "%s", process->death);
	pthread_mutex_unlock(&process->lock);
	return !dead;
}

bool worker_process_died(struct worker_process *process, int wait_ms)
{
	struct pollfd fd = { .fd = process->pidfd, .events = POLLIN };

	if (process->pidfd < 0)
		return false;
	while (poll(&fd, 1, wait_ms) < 0 && errno == EINTR)
		;
	return !worker_process_alive(process, NULL);
}

static void end(struct worker_process *process, uint32_t grace_ms)
{
	int wait_ms = grace_ms > 3600 * 1000 ? 3600 * 1000 : (int)grace_ms;

	if (process->pid == 0 || worker_process_died(process, 0))
		return;
	kill(process->pid, SIGTERM);
	if (process->pidfd >= 0 && worker_process_died(process, wait_ms))
		return;
	kill(process->pid, SIGKILL);
	waitid(P_PID, (id_t)process->pid, NULL, WEXITED);
}

void worker_process_stop(struct worker_process *process, uint32_t grace_ms)
{
	end(process, grace_ms);
	process->pid = 0;
	if (process->pidfd >= 0)
		close(process->pidfd);
	process->pidfd = -1;
	if (process->dir)
		cadre_worker_dir_remove(process->dir);
	free(process->dir);
	free(process->address);
	process->dir = process->address = NULL;
}
