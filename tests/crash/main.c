/*
 * crash_test [ROUNDS]: starts a worker, kills it with SIGKILL at a random moment,
 * checks the directory, and so on. Rounds also from CADRE_CRASH_ROUNDS.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/store/store.h"
#include "tests/crash/crash.h"

#define ROUNDS_DEFAULT 20
#define ACKS_MAX (1u << 20)
/* A worker lives this long at most, in ms; short lives hit opening itself. */
#define LIFE_MS_MAX 600u

extern char **environ;

struct supervisor {
	char dir[256];
	uint64_t random;
	uint64_t acked[CRASH_CLIENTS]; /* commands acknowledged */
	struct crash_ack *fresh;       /* of this round */
	size_t fresh_count;
	char history[256]; /* of client 0 */
	pid_t reader;
	int reader_in;
};

static uint64_t next_random(struct supervisor *supervisor)
{
	supervisor->random ^= supervisor->random << 13;
	supervisor->random ^= supervisor->random >> 7;
	supervisor->random ^= supervisor->random << 17;
	return supervisor->random;
}

static int spawn_self(char *const arguments[], int stdin_fd, int stdout_fd,
                      pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int result;

	posix_spawn_file_actions_init(&actions);
	if (stdin_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, stdin_fd, 0);
	if (stdout_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, stdout_fd, 1);
	result = posix_spawn(ret_pid, "/proc/self/exe", &actions, NULL, arguments,
	                     environ);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

static int start_worker(struct supervisor *supervisor, pid_t *ret_pid, int *ret_fd)
{
	char next[CRASH_CLIENTS][24];
	char *arguments[CRASH_CLIENTS + 4] = { "crash_test", "worker", supervisor->dir };
	int ends[2];
	int result;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	for (unsigned i = 0; i < CRASH_CLIENTS; i++) {
		snprintf(next[i], sizeof next[i], "%llu",
		         (unsigned long long)supervisor->acked[i]);
		arguments[3 + i] = next[i];
	}
	arguments[3 + CRASH_CLIENTS] = NULL;
	result = spawn_self(arguments, -1, ends[1], ret_pid);
	close(ends[1]);
	*ret_fd = ends[0];
	return result;
}

static int take_ack(struct supervisor *supervisor, const struct crash_ack *ack)
{
	if (ack->client >= CRASH_CLIENTS || ack->n != supervisor->acked[ack->client]) {
		fprintf(stderr, "client %u: command %llu acknowledged, %llu expected\n",
		        ack->client, (unsigned long long)ack->n,
		        (unsigned long long)supervisor->acked[ack->client]);
		return 1;
	}
	supervisor->acked[ack->client]++;
	if (ack->client == 0 && ack->n == 0)
		snprintf(supervisor->history, sizeof supervisor->history, "%s",
		         ack->ocid);
	if (supervisor->fresh_count < ACKS_MAX)
		supervisor->fresh[supervisor->fresh_count++] = *ack;
	return 0;
}

/* Reads acknowledgements; kills when `life_ms` is over; drains what was sent. */
static int watch_worker(struct supervisor *supervisor, pid_t pid, int fd,
                        uint64_t life_ms)
{
	struct timespec start;
	struct timespec now;
	struct crash_ack ack;
	bool killed = false;
	int wrong = 0;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &start);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (;;) {
		ssize_t got = read(fd, &ack, sizeof ack);
		uint64_t passed;
		if (got == 0)
			break;
		if (got == (ssize_t)sizeof ack && !wrong)
			wrong = take_ack(supervisor, &ack);
		clock_gettime(CLOCK_MONOTONIC, &now);
		passed = (uint64_t)(now.tv_sec - start.tv_sec) * 1000 +
		         (uint64_t)(now.tv_nsec / 1000000) -
		         (uint64_t)(start.tv_nsec / 1000000);
		if (!killed && (int64_t)passed >= (int64_t)life_ms) {
			kill(pid, SIGKILL);
			killed = true;
		}
	}
	close(fd);
	waitpid(pid, &status, 0);
	if (!killed || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		fprintf(stderr, "the worker ended by itself (status %d)\n", status);
		return 1;
	}
	return wrong;
}

static int start_reader(struct supervisor *supervisor)
{
	char *arguments[] = { "crash_test", "reader", supervisor->dir, NULL };
	int ends[2];
	int result;

	if (supervisor->reader || supervisor->history[0] == '\0')
		return 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	result = spawn_self(arguments, ends[0], -1, &supervisor->reader);
	close(ends[0]);
	supervisor->reader_in = ends[1];
	if (result == 0 && dprintf(ends[1], "%s\n", supervisor->history) < 0)
		return errno;
	return result;
}

/* It must have lived through every kill. */
static int stop_reader(struct supervisor *supervisor)
{
	int status = 0;

	if (!supervisor->reader)
		return 1;
	close(supervisor->reader_in);
	waitpid(supervisor->reader, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "the reader failed (status %d)\n", status);
		return 1;
	}
	return 0;
}

static int round_once(struct supervisor *supervisor, bool replay)
{
	uint64_t life_ms = 5 + next_random(supervisor) % LIFE_MS_MAX;
	pid_t pid;
	int fd = -1;
	int wrong;

	supervisor->fresh_count = 0;
	if (start_worker(supervisor, &pid, &fd) != 0)
		return 1;
	wrong = watch_worker(supervisor, pid, fd, life_ms);
	if (!wrong)
		wrong = crash_check(supervisor->dir, supervisor->acked, supervisor->fresh,
		                    supervisor->fresh_count, replay);
	if (!wrong)
		wrong = start_reader(supervisor);
	return wrong;
}

static int remove_entry(const char *path, const struct stat *info, int type,
                        struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

static int supervise(unsigned rounds)
{
	struct supervisor supervisor = { .random = (uint64_t)time(NULL) * 2654435761u +
		                                   1 };
	struct cadre_init_options init = { .cluster_name = "crash",
		                           .segment_bytes = 1u << 20 };
	struct cadre_error err = CADRE_ERROR_INIT;
	const char *base = getenv("TMPDIR");
	const char *seed = getenv("CADRE_TEST_SEED");
	uint64_t total = 0;
	int wrong = 0;

	if (seed)
		supervisor.random = strtoull(seed, NULL, 10) | 1;
	printf("seed %llu (set CADRE_TEST_SEED to repeat)\n",
	       (unsigned long long)supervisor.random);
	snprintf(supervisor.dir, sizeof supervisor.dir, "%s/cadre-crash-XXXXXX",
	         base ? base : "/tmp");
	supervisor.fresh = calloc(ACKS_MAX, sizeof *supervisor.fresh);
	if (!supervisor.fresh || !mkdtemp(supervisor.dir))
		return 1;
	init.dir = supervisor.dir;
	if (cadre_store_init(cadre_env_real(), &init, &err) != CADRE_OK) {
		fprintf(stderr, "init: %s\n", err.message);
		return 1;
	}
	for (unsigned round = 0; round < rounds && !wrong; round++) {
		/* A replay reads the whole log, which grows: every tenth round of many. */
		wrong = round_once(&supervisor, rounds <= ROUNDS_DEFAULT ||
		                                        round % 10 == 9 ||
		                                        round + 1 == rounds);
		if (wrong)
			fprintf(stderr, "round %u failed; the directory is kept: %s\n",
			        round, supervisor.dir);
	}
	if (stop_reader(&supervisor) != 0)
		wrong = 1;
	for (unsigned i = 0; i < CRASH_CLIENTS; i++)
		total += supervisor.acked[i];
	printf("%u rounds, %llu commands acknowledged: %s\n", rounds,
	       (unsigned long long)total, wrong ? "FAILED" : "none lost, none doubled");
	free(supervisor.fresh);
	if (!wrong)
		nftw(supervisor.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return wrong;
}

int main(int argc, char **argv)
{
	const char *rounds = getenv("CADRE_CRASH_ROUNDS");

	if (argc == 3 + CRASH_CLIENTS && strcmp(argv[1], "worker") == 0) {
		uint64_t next[CRASH_CLIENTS];
		for (unsigned i = 0; i < CRASH_CLIENTS; i++)
			next[i] = strtoull(argv[3 + i], NULL, 10);
		return crash_work(argv[2], next, 1);
	}
	if (argc == 3 && strcmp(argv[1], "reader") == 0)
		return crash_read(argv[2]);
	if (argc == 2)
		rounds = argv[1];
	return supervise(rounds ? (unsigned)strtoul(rounds, NULL, 10) : ROUNDS_DEFAULT);
}
