#include "tests/unit/rpc/rpc_process.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/testing.h"

extern char **environ;

void rpc_process_start(struct rpc_process *process, const char *program, const char *dir,
                       unsigned port)
{
	char port_text[16];
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)dir, port_text,
		         NULL };
	posix_spawn_file_actions_t actions;
	int in[2];
	int out[2];
	FILE *answer;

	snprintf(port_text, sizeof port_text, "%u", port);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_addclose(&actions, in[1]);
	assert_int_equal(
	        posix_spawn(&process->pid, program, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	(void)close(in[0]);
	(void)close(out[1]);
	process->in = in[1];
	answer = fdopen(out[0], "r");
	assert_non_null(answer);
	assert_int_equal(fscanf(answer, "%u", &process->port), 1);
	(void)fclose(answer);
}

void rpc_process_end(struct rpc_process *process, bool by_kill)
{
	int status;

	if (by_kill)
		assert_int_equal(kill(process->pid, SIGKILL), 0);
	(void)close(process->in);
	assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
}

uint64_t rpc_process_memory(pid_t pid)
{
	char path[64];
	char line[256];
	unsigned long long kib = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "RssAnon: %llu", &kib) == 1)
			break;
	(void)fclose(file);
	assert_true(kib > 0);
	return (uint64_t)kib * 1024;
}
