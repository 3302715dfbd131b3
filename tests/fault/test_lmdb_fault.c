/*
 * Sweeps a failure over every write, sync, truncation and mapping that LMDB does
 * on its data file.
 *
 * The parent commits the first transactions, then starts this program again as a
 * child under the library lmdb_fault: it goes on with them, checks after each
 * failure what the map promises, and says what it committed last. The parent
 * then opens the map without faults and compares it with a map in memory that
 * had the same transactions.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/kv/kv.h"
#include "tests/support/testing.h"

#define MAP_BYTES (UINT64_C(64) << 20)
#define FIRST_TXNS 4 /* the parent's */
#define LAST_TXN 16
#define SYNC_EVERY 5
#define ROWS_PER_TXN 12
#define CHILD_SECONDS_MAX 60

static struct cadre_error err;

/* The workload */

static enum cadre_status put_rows(struct cadre_kv_txn *txn, unsigned number,
                                  unsigned first_row)
{
	uint8_t value[900];
	char key[16];
	enum cadre_status status = CADRE_OK;

	memset(value, (int)number, sizeof value);
	for (unsigned i = 0; i < ROWS_PER_TXN && status == CADRE_OK; i++) {
		(void)snprintf(key, sizeof key, "row%04u", first_row + i);
		status = cadre_kv_put(txn, cadre_slice_text(key),
		                      cadre_slice(value, i == 5 ? 900 : 300),
		                      CADRE_KV_PUT, &err);
	}
	return status;
}

static enum cadre_status put_nested(struct cadre_kv_txn *txn, unsigned number,
                                    unsigned first_row, bool keep)
{
	struct cadre_kv_txn *child;
	enum cadre_status status = cadre_kv_begin_nested(txn, &child, &err);

	if (status != CADRE_OK)
		return status;
	status = put_rows(child, number, first_row);
	if (status == CADRE_OK && keep)
		return cadre_kv_commit(child, &err);
	cadre_kv_abort(child);
	return status;
}

/* Transaction `number`: new rows, changed rows, undone rows, one row less. */
static enum cadre_status run_txn(struct cadre_kv *kv, unsigned number)
{
	struct cadre_kv_txn *txn;
	char key[16];
	enum cadre_status status = cadre_kv_begin(kv, CADRE_KV_WRITE, &txn, &err);

	if (status != CADRE_OK)
		return status;
	status = put_rows(txn, number, number * ROWS_PER_TXN);
	if (status == CADRE_OK)
		status = put_nested(txn, number, 0, true);
	if (status == CADRE_OK)
		status = put_nested(txn, number, 9000, false);
	(void)snprintf(key, sizeof key, "row%04u", number * ROWS_PER_TXN + 7);
	if (status == CADRE_OK)
		status = cadre_kv_del(txn, cadre_slice_text(key), &err);
	if (status == CADRE_OK)
		return cadre_kv_commit(txn, &err);
	cadre_kv_abort(txn);
	return status;
}

static enum cadre_status open_map(const char *path, struct cadre_kv **ret_kv)
{
	struct cadre_kv_options options = { .map_bytes = MAP_BYTES };

	return cadre_kv_open_lmdb(path, &options, ret_kv, &err);
}

/* True when `kv` holds exactly the rows of `model`. */
static bool holds(struct cadre_kv *kv, struct cadre_kv *model)
{
	struct cadre_kv *kvs[2] = { kv, model };
	struct cadre_kv_txn *txns[2];
	struct cadre_kv_cursor *cursors[2];
	struct cadre_slice key[2];
	struct cadre_slice value[2];
	enum cadre_status status[2];
	bool equal = true;

	for (int i = 0; i < 2; i++) {
		assert_ok(cadre_kv_begin(kvs[i], CADRE_KV_READ, &txns[i], &err));
		assert_ok(cadre_kv_cursor_open(txns[i], &cursors[i], &err));
		status[i] = cadre_kv_seek(cursors[i], cadre_slice(NULL, 0), &key[i],
		                          &value[i]);
	}
	while (equal && status[0] == CADRE_OK && status[1] == CADRE_OK) {
		equal = cadre_slice_equal(key[0], key[1]) &&
		        cadre_slice_equal(value[0], value[1]);
		for (int i = 0; i < 2; i++)
			status[i] = cadre_kv_next(cursors[i], &key[i], &value[i]);
	}
	for (int i = 0; i < 2; i++) {
		equal = equal && status[i] == CADRE_END;
		cadre_kv_cursor_close(cursors[i]);
		cadre_kv_abort(txns[i]);
	}
	return equal;
}

static struct cadre_kv *model_after(unsigned last_txn)
{
	struct cadre_kv *model;

	assert_ok(cadre_kv_open_memory(&model, &err));
	for (unsigned i = 1; i <= last_txn; i++)
		assert_ok(run_txn(model, i));
	return model;
}

static bool holds_after(struct cadre_kv *kv, unsigned last_txn)
{
	struct cadre_kv *model = model_after(last_txn);
	bool equal = holds(kv, model);

	cadre_kv_close(model);
	return equal;
}

/* The child: under faults. Its exit status is a law broken, 0 for none. */

enum broken { NONE, NO_REASON, LOST_AFTER_FAILURE, LOST_AFTER_REOPEN, HALF_A_COPY };

struct run {
	const char *dir;
	struct cadre_kv *kv; /* NULL: could not be opened again */
	unsigned committed;
	enum broken broken;
};

static void check_reason(struct run *run, enum cadre_status status)
{
	if (status != CADRE_OUT_OF_SPACE && status != CADRE_IO_ERROR &&
	    status != CADRE_CORRUPT && status != CADRE_OUT_OF_MEMORY)
		run->broken = NO_REASON;
}

/* Usable as it is, or after it was opened again. */
static void after_failure(struct run *run, enum cadre_status status)
{
	struct cadre_kv_txn *txn;

	check_reason(run, status);
	if (cadre_kv_begin(run->kv, CADRE_KV_WRITE, &txn, &err) == CADRE_OK) {
		cadre_kv_abort(txn);
		if (!holds_after(run->kv, run->committed))
			run->broken = LOST_AFTER_FAILURE;
		return;
	}
	cadre_kv_close(run->kv);
	run->kv = NULL;
	status = open_map(run->dir, &run->kv);
	if (status != CADRE_OK)
		check_reason(run, status);
	else if (!holds_after(run->kv, run->committed))
		run->broken = LOST_AFTER_REOPEN;
}

static void copy_map(struct run *run)
{
	char path[300];
	enum cadre_status status;

	(void)snprintf(path, sizeof path, "%s/copy", run->dir);
	status = cadre_kv_copy(run->kv, path, &err);
	if (status == CADRE_OK)
		return;
	check_reason(run, status);
	if (access(path, F_OK) == 0)
		run->broken = HALF_A_COPY;
}

static int child_main(const char *dir, const char *progress)
{
	struct run run = { .dir = dir, .committed = FIRST_TXNS };
	enum cadre_status status = open_map(dir, &run.kv);
	FILE *file;

	alarm(CHILD_SECONDS_MAX);
	if (status != CADRE_OK)
		check_reason(&run, status);
	while (run.kv && run.committed < LAST_TXN && run.broken == NONE) {
		status = run_txn(run.kv, run.committed + 1);
		if (status == CADRE_OK)
			run.committed++;
		if (status == CADRE_OK && run.committed % SYNC_EVERY == 0)
			status = cadre_kv_sync(run.kv, &err);
		if (status == CADRE_OK)
			continue;
		after_failure(&run, status);
		if (getenv("CADRE_FAULT_FOREVER"))
			break;
	}
	if (run.kv && run.broken == NONE)
		copy_map(&run);
	cadre_kv_close(run.kv);
	file = fopen(progress, "w");
	assert_non_null(file);
	fprintf(file, "%u\n", run.committed);
	fclose(file);
	return (int)run.broken;
}

/* The parent */

struct fault {
	unsigned long call; /* 0: none */
	int error;
	bool forever;
};

static unsigned long read_number(const char *path)
{
	unsigned long number = 0;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &number), 1);
	fclose(file);
	return number;
}

static void start_and_wait(const struct fault *fault, char *dir, char *progress,
                           const char *count)
{
	char program[] = "/proc/self/exe";
	char preload[] = "LD_PRELOAD=" LMDB_FAULT_LIBRARY;
	char number[64];
	char error[64];
	char count_to[320];
	char forever[] = "CADRE_FAULT_FOREVER=1";
	char *const args[] = { program, dir, progress, NULL };
	char *const env[] = {
		preload, number, error, count_to, fault->forever ? forever : NULL, NULL
	};
	pid_t pid;
	int status;

	(void)snprintf(number, sizeof number, "CADRE_FAULT_N=%lu", fault->call);
	(void)snprintf(error, sizeof error, "CADRE_FAULT_ERRNO=%d", fault->error);
	(void)snprintf(count_to, sizeof count_to, "CADRE_FAULT_COUNT=%s", count);
	assert_int_equal(posix_spawn(&pid, program, NULL, NULL, args, env), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != NONE)
		fail_msg("call %lu, errno %d, %s: signal %d, broken law %d", fault->call,
		         fault->error, fault->forever ? "forever" : "once",
		         WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		         WIFEXITED(status) ? WEXITSTATUS(status) : 0);
}

static void check_copy(const char *dir, unsigned committed)
{
	char path[300];
	struct cadre_kv *copy;

	(void)snprintf(path, sizeof path, "%s/copy", dir);
	if (access(path, F_OK) != 0)
		return;
	assert_ok(open_map(path, &copy));
	assert_true(holds_after(copy, committed));
	cadre_kv_close(copy);
}

/* One child under `fault`; returns how many calls it made. */
static unsigned long run_fault(const struct fault *fault, unsigned *ret_committed)
{
	char dir[256];
	char progress[300];
	char count[300];
	struct cadre_kv *kv;
	unsigned committed;
	unsigned long calls;

	test_make_dir(dir, sizeof dir);
	(void)snprintf(progress, sizeof progress, "%s/progress", dir);
	(void)snprintf(count, sizeof count, "%s/count", dir);
	assert_ok(open_map(dir, &kv));
	for (unsigned i = 1; i <= FIRST_TXNS; i++)
		assert_ok(run_txn(kv, i));
	cadre_kv_close(kv);

	start_and_wait(fault, dir, progress, count);
	calls = read_number(count);
	committed = (unsigned)read_number(progress);

	assert_ok(open_map(dir, &kv));
	assert_true(holds_after(kv, committed));
	assert_ok(run_txn(kv, committed + 1));
	assert_true(holds_after(kv, committed + 1));
	cadre_kv_close(kv);
	check_copy(dir, committed);
	test_remove_dir(dir);
	*ret_committed = committed;
	return calls;
}

static void sweep(bool forever)
{
	static const int errors[] = { EIO, ENOSPC };
	struct fault none = { 0 };
	unsigned committed;
	unsigned long calls = run_fault(&none, &committed);
	unsigned long stopped = 0;

	assert_int_equal(committed, LAST_TXN);
	assert_true(calls > 2 * (LAST_TXN - FIRST_TXNS));
	print_message("%lu calls\n", calls);
	for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
		for (unsigned long call = 1; call <= calls; call++) {
			struct fault fault = { call, errors[e], forever };
			(void)run_fault(&fault, &committed);
			stopped += committed < LAST_TXN;
		}
	/* The faults do reach LMDB. */
	if (forever)
		assert_true(stopped > calls);
}

static void a_call_that_fails_once_loses_nothing_committed(void **state)
{
	(void)state;
	sweep(false);
}

static void calls_that_fail_for_good_lose_nothing_committed(void **state)
{
	(void)state;
	sweep(true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_fails_once_loses_nothing_committed),
		cmocka_unit_test(calls_that_fail_for_good_lose_nothing_committed),
	};

	if (argc == 3)
		return child_main(argv[1], argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
