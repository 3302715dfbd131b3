/*
 * What holds for LMDB alone: files, processes, limits. Other processes are this
 * program again (never a fork of an open map): see child_main().
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/kv/kv.h"
#include "tests/support/disk.h"
#include "tests/support/testing.h"

#define MAP_BYTES (UINT64_C(64) << 20)

static struct cadre_error err;
static char dir[256];
static struct cadre_kv *kv;
static bool with_disks;

static struct cadre_kv *open_at(const char *path, bool read_only)
{
	struct cadre_kv_options options = { .map_bytes = MAP_BYTES,
		                            .read_only = read_only };
	struct cadre_kv *opened = NULL;

	assert_ok(cadre_kv_open_lmdb(path, &options, &opened, &err));
	return opened;
}

static struct cadre_kv *open_map(bool read_only)
{
	return open_at(dir, read_only);
}

static int setup(void **state)
{
	(void)state;
	test_make_dir(dir, sizeof dir);
	kv = open_map(false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cadre_kv_close(kv);
	kv = NULL;
	test_remove_dir(dir);
	return 0;
}

static enum cadre_status try_open(const char *path, bool read_only)
{
	struct cadre_kv_options options = { .map_bytes = MAP_BYTES,
		                            .read_only = read_only };
	struct cadre_kv *opened;
	enum cadre_status status = cadre_kv_open_lmdb(path, &options, &opened, &err);

	if (status == CADRE_OK)
		cadre_kv_close(opened);
	else
		assert_non_null(strstr(err.message, path));
	return status;
}

static struct cadre_kv_txn *begin(struct cadre_kv *in, unsigned flags)
{
	struct cadre_kv_txn *txn = NULL;

	assert_ok(cadre_kv_begin(in, flags, &txn, &err));
	return txn;
}

static enum cadre_status try_put(struct cadre_kv_txn *txn, const char *key,
                                 const char *value)
{
	return cadre_kv_put(txn, cadre_slice_text(key), cadre_slice_text(value),
	                    CADRE_KV_PUT, &err);
}

static void commit_one(const char *key, const char *value)
{
	struct cadre_kv_txn *txn = begin(kv, CADRE_KV_WRITE);

	assert_ok(try_put(txn, key, value));
	assert_ok(cadre_kv_commit(txn, &err));
}

/* The committed value of `key` as text, "-" when absent. */
static void read_one(struct cadre_kv *in, const char *key, char *value, size_t capacity)
{
	struct cadre_kv_txn *txn = begin(in, CADRE_KV_READ);
	struct cadre_slice got = cadre_slice_text("-");
	enum cadre_status status = cadre_kv_get(txn, cadre_slice_text(key), &got);

	assert_true(status == CADRE_OK || status == CADRE_NOT_FOUND);
	(void)snprintf(value, capacity, "%.*s", (int)got.length, (const char *)got.data);
	cadre_kv_abort(txn);
}

static void expect(struct cadre_kv *in, const char *key, const char *value)
{
	char got[64];

	read_one(in, key, got, sizeof got);
	assert_string_equal(got, value);
}

/* Other processes: one command a line in, one answer a line out. */

struct child {
	pid_t pid;
	FILE *in;
	FILE *out;
};

/* read: answers the committed value of "k". hold: begins a read transaction and
 * keeps it. write: begins a write transaction, puts "k", keeps it. */
static int child_main(const char *mode, const char *path)
{
	struct cadre_kv_options options = { .map_bytes = MAP_BYTES,
		                            .read_only = strcmp(mode, "write") != 0 };
	struct cadre_kv_txn *txn = NULL;
	char line[64];

	if (cadre_kv_open_lmdb(path, &options, &kv, &err) != CADRE_OK) {
		printf("%s\n", err.message);
		return 1;
	}
	while (fgets(line, sizeof line, stdin)) {
		char value[64] = "held";
		if (strcmp(mode, "read") == 0)
			read_one(kv, "k", value, sizeof value);
		else
			txn = begin(kv,
			            options.read_only ? CADRE_KV_READ : CADRE_KV_WRITE);
		if (strcmp(mode, "write") == 0)
			assert_ok(try_put(txn, "k", "lost"));
		printf("%s\n", value);
		fflush(stdout);
	}
	cadre_kv_close(kv);
	return 0;
}

static struct child start_child(const char *mode)
{
	char program[] = "/proc/self/exe";
	char mode_copy[16];
	char *const args[] = { program, mode_copy, dir, NULL };
	struct child child = { 0 };
	posix_spawn_file_actions_t actions;
	int in[2];
	int out[2];

	(void)snprintf(mode_copy, sizeof mode_copy, "%s", mode);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, in[0], 0), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out[1], 1), 0);
	assert_int_equal(posix_spawn(&child.pid, program, &actions, NULL, args, environ),
	                 0);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	child.in = fdopen(in[1], "w");
	child.out = fdopen(out[0], "r");
	assert_non_null(child.in);
	assert_non_null(child.out);
	return child;
}

static void expect_answer(struct child *child, const char *answer)
{
	char line[600];

	fputs("go\n", child->in);
	fflush(child->in);
	assert_non_null(fgets(line, sizeof line, child->out));
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(line, answer);
}

/* `signal_number` 0: lets it end by itself. */
static void end_child(struct child *child, int signal_number)
{
	int status;

	if (signal_number != 0)
		assert_int_equal(kill(child->pid, signal_number), 0);
	fclose(child->in);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	fclose(child->out);
	if (signal_number == 0)
		assert_int_equal(status, 0);
	else
		assert_int_equal(WTERMSIG(status), signal_number);
}

static void a_second_open_in_this_process_is_a_conflict(void **state)
{
	char other[300];
	(void)state;

	assert_int_equal(try_open(dir, false), CADRE_CONFLICT);
	assert_int_equal(try_open(dir, true), CADRE_CONFLICT);
	(void)snprintf(other, sizeof other, "%s.link", dir);
	assert_int_equal(symlink(dir, other), 0);
	assert_int_equal(try_open(other, false), CADRE_CONFLICT);
	assert_int_equal(unlink(other), 0);
	commit_one("k", "v");
	expect(kv, "k", "v");
}

static void what_was_committed_is_there_after_close_and_open(void **state)
{
	(void)state;
	commit_one("k", "v");
	assert_ok(cadre_kv_sync(kv, &err));
	cadre_kv_close(kv);
	kv = open_map(true);
	expect(kv, "k", "v");
	cadre_kv_close(kv);
	kv = open_map(false);
	expect(kv, "k", "v");
}

static void open_refuses_what_is_no_directory_or_no_map(void **state)
{
	char path[300];
	char file[320];
	FILE *data;
	(void)state;

	(void)snprintf(path, sizeof path, "%s/absent", dir);
	assert_int_equal(try_open(path, false), CADRE_NOT_FOUND);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(try_open(path, true), CADRE_NOT_FOUND);
	(void)snprintf(file, sizeof file, "%s/data.mdb", path);
	data = fopen(file, "w");
	assert_non_null(data);
	for (int i = 0; i < 9000; i++)
		fputc('x', data);
	fclose(data);
	assert_int_equal(try_open(file, false), CADRE_INVALID_PARAMETER);
	assert_int_equal(try_open(path, false), CADRE_CORRUPT);
}

static void a_map_above_the_address_space_limit_is_refused(void **state)
{
	struct cadre_kv_options options = { .map_bytes = UINT64_C(1) << 60 };
	struct rlimit before;
	struct rlimit limit;
	struct cadre_kv *opened;
	enum cadre_status status;
	(void)state;

	cadre_kv_close(kv);
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)1 << 59;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	status = cadre_kv_open_lmdb(dir, &options, &opened, &err);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	assert_int_equal(status, CADRE_INVALID_PARAMETER);
	assert_non_null(strstr(err.message, "ulimit"));
	kv = open_map(false);
}

static void a_read_only_map_takes_no_writes(void **state)
{
	struct cadre_kv_txn *txn;
	(void)state;

	cadre_kv_close(kv);
	kv = open_map(true);
	assert_int_equal(cadre_kv_begin(kv, CADRE_KV_WRITE, &txn, &err),
	                 CADRE_INVALID_PARAMETER);
	expect(kv, "k", "-");
}

static void core_dumps_leave_the_map_out(void **state)
{
	char line[4200];
	bool in_map = false;
	int marked = 0;
	FILE *maps = fopen("/proc/self/smaps", "re");
	(void)state;

	assert_non_null(maps);
	while (fgets(line, sizeof line, maps)) {
		if (strstr(line, dir))
			in_map = strstr(line, "/data.mdb") != NULL;
		if (in_map && strncmp(line, "VmFlags:", 8) == 0) {
			assert_non_null(strstr(line, " dd"));
			marked++;
			in_map = false;
		}
	}
	fclose(maps);
	assert_int_equal(marked, 1);
}

static void a_reader_in_another_process_sees_each_commit(void **state)
{
	struct child child = start_child("read");
	(void)state;

	expect_answer(&child, "-");
	commit_one("k", "first");
	expect_answer(&child, "first");
	commit_one("k", "second");
	expect_answer(&child, "second");
	end_child(&child, 0);
}

static void the_slot_of_a_killed_reader_is_cleared(void **state)
{
	struct child child = start_child("hold");
	struct cadre_kv_stat stat;
	unsigned cleared = 99;
	(void)state;

	expect_answer(&child, "held");
	assert_ok(cadre_kv_reader_check(kv, &cleared, &err));
	assert_int_equal(cleared, 0);
	end_child(&child, SIGKILL);
	assert_ok(cadre_kv_stat(kv, &stat, &err));
	assert_int_equal(stat.readers, 1);
	assert_ok(cadre_kv_reader_check(kv, &cleared, &err));
	assert_int_equal(cleared, 1);
	assert_ok(cadre_kv_stat(kv, &stat, &err));
	assert_int_equal(stat.readers, 0);
}

static void a_killed_writer_leaves_nothing_and_blocks_nobody(void **state)
{
	struct child child;
	(void)state;

	commit_one("k", "kept");
	child = start_child("write");
	expect_answer(&child, "held");
	end_child(&child, SIGKILL);
	expect(kv, "k", "kept");
	commit_one("j", "after");
	expect(kv, "k", "kept");
}

static void slots_of_dead_readers_serve_new_ones(void **state)
{
	struct cadre_kv_options options = { .map_bytes = MAP_BYTES, .readers_max = 2 };
	struct cadre_kv_txn *readers[3];
	struct child child;
	char lock[300];
	(void)state;

	cadre_kv_close(kv);
	/* A lock file keeps the number of slots it was made with. */
	(void)snprintf(lock, sizeof lock, "%s/lock.mdb", dir);
	assert_int_equal(unlink(lock), 0);
	assert_ok(cadre_kv_open_lmdb(dir, &options, &kv, &err));
	child = start_child("hold");
	expect_answer(&child, "held");
	readers[0] = begin(kv, CADRE_KV_READ);
	assert_int_equal(cadre_kv_begin(kv, CADRE_KV_READ, &readers[1], &err),
	                 CADRE_UNAVAILABLE);
	end_child(&child, SIGKILL);
	readers[1] = begin(kv, CADRE_KV_READ);
	cadre_kv_abort(readers[0]);
	cadre_kv_abort(readers[1]);
}

/* Puts until the map is full. */
static void fill(struct cadre_kv_txn *txn, char letter)
{
	static char value[60000];
	enum cadre_status status = CADRE_OK;
	char key[16];

	memset(value, letter, sizeof value - 1);
	for (int i = 0; status == CADRE_OK && i < 10000; i++) {
		(void)snprintf(key, sizeof key, "%c%d", letter, i);
		status = try_put(txn, key, value);
	}
	assert_int_equal(status, CADRE_OUT_OF_SPACE);
	assert_non_null(strstr(err.message, dir));
}

static void a_full_map_undoes_the_transaction_and_stays_usable(void **state)
{
	struct cadre_kv_txn *txn;
	(void)state;

	commit_one("k", "kept");
	txn = begin(kv, CADRE_KV_WRITE);
	fill(txn, 'f');
	assert_int_equal(cadre_kv_commit(txn, &err), CADRE_OUT_OF_SPACE);
	expect(kv, "f0", "-");
	commit_one("j", "after");
	expect(kv, "k", "kept");
}

static void a_full_map_in_a_nested_transaction_spares_the_parent(void **state)
{
	struct cadre_kv_txn *txn = begin(kv, CADRE_KV_WRITE);
	struct cadre_kv_txn *child;
	(void)state;

	assert_ok(try_put(txn, "before", "1"));
	assert_ok(cadre_kv_begin_nested(txn, &child, &err));
	fill(child, 'f');
	cadre_kv_abort(child);
	assert_ok(cadre_kv_begin_nested(txn, &child, &err));
	fill(child, 'g');
	assert_int_equal(cadre_kv_commit(child, &err), CADRE_OUT_OF_SPACE);
	assert_ok(try_put(txn, "behind", "2"));
	assert_ok(cadre_kv_commit(txn, &err));
	expect(kv, "before", "1");
	expect(kv, "behind", "2");
	expect(kv, "f0", "-");
	expect(kv, "g0", "-");
}

static void a_commit_that_a_full_disk_cuts_short_is_out_of_space_and_undone(void **state)
{
	char disk[280];
	struct cadre_kv_txn *txn;
	static char value[200000];
	(void)state;

	if (!with_disks)
		skip();
	cadre_kv_close(kv);
	(void)snprintf(disk, sizeof disk, "%s/disk", dir);
	disk_make(disk);
	kv = open_at(disk, false);
	commit_one("k", "kept");
	disk_fill(disk, 40960);
	memset(value, 'v', sizeof value - 1);
	txn = begin(kv, CADRE_KV_WRITE);
	assert_ok(try_put(txn, "large", value));
	assert_int_equal(cadre_kv_commit(txn, &err), CADRE_OUT_OF_SPACE);
	expect(kv, "large", "-");
	disk_relieve(disk);
	commit_one("j", "after");
	expect(kv, "k", "kept");
	cadre_kv_close(kv);
	kv = NULL;
	disk_remove(disk);
}

static void fill_some(void)
{
	struct cadre_kv_txn *txn = begin(kv, CADRE_KV_WRITE);
	char key[16];

	for (int i = 0; i < 3000; i++) {
		(void)snprintf(key, sizeof key, "%d", i * 7919 % 3000);
		assert_ok(try_put(txn, key, key));
	}
	assert_ok(cadre_kv_commit(txn, &err));
}

static void expect_equal_maps(struct cadre_kv *a, struct cadre_kv *b)
{
	struct cadre_kv_txn *txns[2] = { begin(a, CADRE_KV_READ),
		                         begin(b, CADRE_KV_READ) };
	struct cadre_kv_cursor *cursors[2];
	struct cadre_slice key[2];
	struct cadre_slice value[2];
	enum cadre_status status[2];

	for (int i = 0; i < 2; i++) {
		assert_ok(cadre_kv_cursor_open(txns[i], &cursors[i], &err));
		status[i] = cadre_kv_seek(cursors[i], cadre_slice(NULL, 0), &key[i],
		                          &value[i]);
	}
	while (status[0] == CADRE_OK && status[1] == CADRE_OK) {
		assert_true(cadre_slice_equal(key[0], key[1]));
		assert_true(cadre_slice_equal(value[0], value[1]));
		for (int i = 0; i < 2; i++)
			status[i] = cadre_kv_next(cursors[i], &key[i], &value[i]);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(status[i], CADRE_END);
		cadre_kv_cursor_close(cursors[i]);
		cadre_kv_abort(txns[i]);
	}
}

static void a_copy_equals_the_last_committed_state(void **state)
{
	struct cadre_kv_options options = { .map_bytes = MAP_BYTES, .read_only = true };
	struct cadre_kv_txn *txn;
	struct cadre_kv *copy;
	char path[300];
	(void)state;

	fill_some();
	(void)snprintf(path, sizeof path, "%s/copy", dir);
	txn = begin(kv, CADRE_KV_WRITE);
	assert_ok(try_put(txn, "uncommitted", "x"));
	assert_ok(cadre_kv_copy(kv, path, &err));
	cadre_kv_abort(txn);
	assert_ok(cadre_kv_open_lmdb(path, &options, &copy, &err));
	expect_equal_maps(kv, copy);
	expect(copy, "uncommitted", "-");
	cadre_kv_close(copy);
	assert_int_equal(cadre_kv_copy(kv, path, &err), CADRE_CONFLICT);
	(void)snprintf(path, sizeof path, "%s/absent/copy", dir);
	assert_int_not_equal(cadre_kv_copy(kv, path, &err), CADRE_OK);
	assert_non_null(strstr(err.message, path));
}

#define LAW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LAW(a_second_open_in_this_process_is_a_conflict),
		LAW(what_was_committed_is_there_after_close_and_open),
		LAW(open_refuses_what_is_no_directory_or_no_map),
		LAW(a_map_above_the_address_space_limit_is_refused),
		LAW(a_read_only_map_takes_no_writes),
		LAW(core_dumps_leave_the_map_out),
		LAW(a_reader_in_another_process_sees_each_commit),
		LAW(the_slot_of_a_killed_reader_is_cleared),
		LAW(a_killed_writer_leaves_nothing_and_blocks_nobody),
		LAW(slots_of_dead_readers_serve_new_ones),
		LAW(a_full_map_undoes_the_transaction_and_stays_usable),
		LAW(a_full_map_in_a_nested_transaction_spares_the_parent),
		LAW(a_commit_that_a_full_disk_cuts_short_is_out_of_space_and_undone),
		LAW(a_copy_equals_the_last_committed_state),
	};

	if (argc == 3)
		return child_main(argv[1], argv[2]);
	with_disks = disk_permitted();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
