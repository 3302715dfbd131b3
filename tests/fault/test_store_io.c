/*
 * A failure of every write, sync, truncation and mapping that LMDB does on the views,
 * one after the other, while a store works.
 *
 * A child (this program again, under the library lmdb_fault) opens the store, sends
 * commands and writes the token of each acknowledged one to its output. Then a
 * process without faults opens the store: each acknowledged token is known there, and
 * the state is what a replay of the log makes.
 */
#include <errno.h>
#include <spawn.h>

#include "tests/fault/fault_store.h"

#define CHILD_SECONDS_MAX 60
#define COMMANDS 14
#define OPEN_AGAIN_AT 7
/* Each sweep takes every third call, the sweeps together take all. */
#define STEP 3

/* ---- the child ---- */

static enum cadre_status open_store(struct fixture *fixture)
{
	return cadre_store_open(fixture->env, &fixture->options, &fixture->store, &err);
}

/* A refusal names what is wrong with the disk, not with the command. */
static bool is_disk_status(enum cadre_status status)
{
	return status == CADRE_OUT_OF_SPACE || status == CADRE_IO_ERROR ||
	       status == CADRE_UNAVAILABLE || status == CADRE_CORRUPT ||
	       status == CADRE_DEADLINE || status == CADRE_OUT_OF_MEMORY;
}

/* 0, or which law is broken. */
static int send_command(struct fixture *fixture, unsigned number)
{
	char token[32];
	struct sent *sent;

	snprintf(token, sizeof token, "token-%u", number);
	sent = fixture_send_one(fixture, token,
	                        fixture_create_group(fixture, "g", 10 * number, 10));
	for (unsigned i = 0; i < 200 && sent->completed == 0; i++) {
		bool again;
		if (cadre_store_step(fixture->store, &again, &err) != CADRE_OK)
			break;
	}
	if (sent->completed == 0)
		return 0; /* still waiting: the views are not there yet */
	if (sent->request.status == CADRE_OK) {
		if (!sent->request.durable)
			return 3;
		printf("%s\n", token);
		fflush(stdout);
		return 0;
	}
	return is_disk_status(sent->request.status) ? 0 : 4;
}

static int child_main(const char *dir)
{
	struct fixture fixture;
	int broken = 0;

	alarm(CHILD_SECONDS_MAX);
	real_prepare(&fixture, dir);
	if (open_store(&fixture) != CADRE_OK)
		return is_disk_status(err.status) ? 0 : 5;
	for (unsigned i = 0; i < COMMANDS && !broken; i++) {
		if (i == OPEN_AGAIN_AT) {
			fixture_close(&fixture);
			if (open_store(&fixture) != CADRE_OK)
				return is_disk_status(err.status) ? 0 : 5;
		}
		broken = send_command(&fixture, i);
	}
	real_fini(&fixture);
	return broken;
}

/* ---- the parent ---- */

struct fault {
	unsigned long call; /* 0: none */
	int error;
	bool forever;
};

static unsigned long read_number(const char *path)
{
	unsigned long number = 0;
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &number), 1);
	fclose(file);
	return number;
}

static void run_child(const struct fault *fault, const char *store, const char *acks,
                      const char *count)
{
	char program[] = "/proc/self/exe";
	char preload[] = "LD_PRELOAD=" LMDB_FAULT_LIBRARY;
	char forever[] = "CADRE_FAULT_FOREVER=1";
	char dir[300], number[64], error[64], count_to[320];
	char *const args[] = { program, dir, NULL };
	char *const env[] = {
		preload, number, error, count_to, fault->forever ? forever : NULL, NULL
	};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	snprintf(dir, sizeof dir, "%s", store);
	snprintf(number, sizeof number, "CADRE_FAULT_N=%lu", fault->call);
	snprintf(error, sizeof error, "CADRE_FAULT_ERRNO=%d", fault->error);
	snprintf(count_to, sizeof count_to, "CADRE_FAULT_COUNT=%s", count);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(
	                         &actions, 1, acks, O_WRONLY | O_CREAT | O_TRUNC, 0600),
	                 0);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, args, env), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("call %lu, errno %d, %s: signal %d, broken law %d", fault->call,
		         fault->error, fault->forever ? "forever" : "once",
		         WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		         WIFEXITED(status) ? WEXITSTATUS(status) : 0);
}

/* Every acknowledged token is known; returns how many there are. */
static unsigned check_acks(struct fixture *fixture, const char *acks)
{
	char token[64];
	unsigned count = 0;
	FILE *file = fopen(acks, "re");

	assert_non_null(file);
	while (fgets(token, sizeof token, file)) {
		struct cadre_result result;
		enum cadre_status status;
		token[strcspn(token, "\n")] = '\0';
		status = cadre_store_outcome(fixture->store, "tester", token, &result,
		                             &err);
		if (status != CADRE_OK)
			fail_msg("acknowledged \"%s\" is lost", token);
		count++;
	}
	fclose(file);
	return count;
}

static void check_store(const char *store, const char *acks, unsigned *ret_acked)
{
	struct cadre_view_head expected = real_replay(store);
	struct fixture fixture;
	struct cadre_view view;
	uint64_t rows;

	real_prepare(&fixture, store);
	fixture_open(&fixture);
	assert_true(cadre_hash128_equal(fixture_status(&fixture).view.digest,
	                                expected.digest));
	*ret_acked = check_acks(&fixture, acks);
	assert_ok(cadre_view_begin(&view, cadre_store_kv(fixture.store), CADRE_KV_READ,
	                           &fixture.arena, &err));
	assert_ok(cadre_view_recount(&view, &rows, &err));
	cadre_view_abort(&view);
	/* And it goes on. */
	fixture_do(&fixture, NULL, fixture_create_group(&fixture, "after", 1, 2));
	real_fini(&fixture);
}

/* Returns how many calls the child made. */
static unsigned long run_fault(const char *base, const struct fault *fault,
                               unsigned *ret_acked)
{
	char dir[256], store[300], acks[300], count[300];
	unsigned long calls;

	test_make_dir(dir, sizeof dir);
	snprintf(store, sizeof store, "%s/store", dir);
	snprintf(acks, sizeof acks, "%s/acks", dir);
	snprintf(count, sizeof count, "%s/count", dir);
	copy_store(base, store);
	run_child(fault, store, acks, count);
	calls = read_number(count);
	check_store(store, acks, ret_acked);
	test_remove_dir(dir);
	return calls;
}

static void sweep(int error, bool forever, unsigned long first)
{
	struct fault none = { 0 };
	struct fixture fixture;
	char dir[256], base[300];
	unsigned acked;
	unsigned long calls;
	unsigned fewer = 0;

	test_make_dir(dir, sizeof dir);
	snprintf(base, sizeof base, "%s/base", dir);
	real_init(&fixture, base);
	fixture_open(&fixture);
	real_fill(&fixture, 4);
	real_fini(&fixture);
	calls = run_fault(base, &none, &acked);
	assert_int_equal(acked, COMMANDS);
	print_message("%lu calls\n", calls);
	for (unsigned long call = first; call <= calls; call += STEP) {
		struct fault fault = { call, error, forever };
		(void)run_fault(base, &fault, &acked);
		fewer += acked < COMMANDS;
	}
	/* The faults do reach the store. */
	if (forever)
		assert_true(fewer > 0);
	test_remove_dir(dir);
}

static void a_call_that_fails_once_loses_nothing_acknowledged(void **state)
{
	(void)state;
	sweep(EIO, false, 1);
}

static void a_disk_that_is_full_once_loses_nothing_acknowledged(void **state)
{
	(void)state;
	sweep(ENOSPC, false, 2);
}

static void calls_that_fail_for_good_lose_nothing_acknowledged(void **state)
{
	(void)state;
	sweep(EIO, true, 3);
}

static void a_disk_that_stays_full_loses_nothing_acknowledged(void **state)
{
	(void)state;
	sweep(ENOSPC, true, 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_fails_once_loses_nothing_acknowledged),
		cmocka_unit_test(a_disk_that_is_full_once_loses_nothing_acknowledged),
		cmocka_unit_test(calls_that_fail_for_good_lose_nothing_acknowledged),
		cmocka_unit_test(a_disk_that_stays_full_loses_nothing_acknowledged),
	};

	if (argc == 2)
		return child_main(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
