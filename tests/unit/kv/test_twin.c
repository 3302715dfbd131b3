/* The two kinds, driven by the same random operations, never differ. */
#include <stdio.h>

#include "engine/kv/kv.h"
#include "tests/support/testing.h"

#define OPERATIONS 10000
#define DEPTH_MAX 4
#define KEY_BYTES_MAX 40
#define KINDS 2

/* Both kinds in the same state: a stack of write transactions on each. */
struct twin {
	struct cadre_kv *kv[KINDS];
	struct cadre_kv_txn *txns[DEPTH_MAX][KINDS];
	struct cadre_kv_txn *readers[KINDS];
	int depth;
	struct test_random random;
};

static struct cadre_error err;

static uint64_t below(struct twin *twin, uint64_t bound)
{
	return test_random_below(&twin->random, bound);
}

/* Few letters, so that keys repeat and are prefixes of each other; now and then
 * a long one. */
static struct cadre_slice random_key(struct twin *twin, uint8_t *bytes)
{
	static const uint8_t letters[] = { 0, 1, 'a', 'b', 0xFF };
	size_t length = 1 + (size_t)below(twin, below(twin, 4) ? 4 : KEY_BYTES_MAX);

	for (size_t i = 0; i < length; i++)
		bytes[i] = letters[below(twin, sizeof letters)];
	return cadre_slice(bytes, length);
}

static struct cadre_slice random_value(struct twin *twin, uint8_t *bytes)
{
	size_t length = (size_t)below(twin, below(twin, 20) ? 60 : 6000);

	memset(bytes, (int)below(twin, 256), length);
	return cadre_slice(bytes, length);
}

static void open_twin(struct twin *twin, const char *dir, uint64_t seed)
{
	struct cadre_kv_options options = { .map_bytes = UINT64_C(256) << 20 };

	*twin = (struct twin){ .random = { .state = seed } };
	assert_ok(cadre_kv_open_lmdb(dir, &options, &twin->kv[0], &err));
	assert_ok(cadre_kv_open_memory(&twin->kv[1], &err));
}

static void compare_walk(struct cadre_kv_txn *const txns[KINDS])
{
	struct cadre_kv_cursor *cursors[KINDS];
	struct cadre_slice key[KINDS];
	struct cadre_slice value[KINDS];
	enum cadre_status status[KINDS];

	for (int k = 0; k < KINDS; k++) {
		assert_ok(cadre_kv_cursor_open(txns[k], &cursors[k], &err));
		status[k] = cadre_kv_seek(cursors[k], cadre_slice(NULL, 0), &key[k],
		                          &value[k]);
	}
	for (;;) {
		assert_int_equal(status[0], status[1]);
		if (status[0] != CADRE_OK)
			break;
		assert_true(cadre_slice_equal(key[0], key[1]));
		assert_true(cadre_slice_equal(value[0], value[1]));
		for (int k = 0; k < KINDS; k++)
			status[k] = cadre_kv_next(cursors[k], &key[k], &value[k]);
	}
	assert_int_equal(status[0], CADRE_END);
	for (int k = 0; k < KINDS; k++)
		cadre_kv_cursor_close(cursors[k]);
}

static void compare_snapshots(struct twin *twin)
{
	struct cadre_kv_txn *txns[KINDS];

	for (int k = 0; k < KINDS; k++)
		assert_ok(cadre_kv_begin(twin->kv[k], CADRE_KV_READ, &txns[k], &err));
	compare_walk(txns);
	for (int k = 0; k < KINDS; k++)
		cadre_kv_abort(txns[k]);
}

static void begin_one(struct twin *twin)
{
	struct cadre_kv_txn **top = twin->txns[twin->depth];

	if (twin->depth == DEPTH_MAX)
		return;
	for (int k = 0; k < KINDS; k++)
		if (twin->depth == 0)
			assert_ok(cadre_kv_begin(twin->kv[k], CADRE_KV_WRITE, &top[k],
			                         &err));
		else
			assert_ok(cadre_kv_begin_nested(twin->txns[twin->depth - 1][k],
			                                &top[k], &err));
	twin->depth++;
}

static void end_one(struct twin *twin, bool commit)
{
	if (twin->depth == 0)
		return;
	twin->depth--;
	for (int k = 0; k < KINDS; k++)
		if (commit)
			assert_ok(cadre_kv_commit(twin->txns[twin->depth][k], &err));
		else
			cadre_kv_abort(twin->txns[twin->depth][k]);
	if (twin->depth == 0)
		compare_snapshots(twin);
}

static void write_one(struct twin *twin)
{
	uint8_t key_bytes[KEY_BYTES_MAX];
	uint8_t value_bytes[6000];
	struct cadre_slice key = random_key(twin, key_bytes);
	struct cadre_slice value = random_value(twin, value_bytes);
	unsigned flags = below(twin, 50) ? CADRE_KV_PUT : CADRE_KV_APPEND;
	bool del = below(twin, 3) == 0;
	enum cadre_status status[KINDS];

	if (twin->depth == 0)
		begin_one(twin);
	for (int k = 0; k < KINDS; k++) {
		struct cadre_kv_txn *txn = twin->txns[twin->depth - 1][k];
		status[k] = del ? cadre_kv_del(txn, key, &err)
		                : cadre_kv_put(txn, key, value, flags, &err);
	}
	assert_int_equal(status[0], status[1]);
}

/* The newest state there is to read: the open transaction or a fresh snapshot. */
static void read_one(struct twin *twin)
{
	uint8_t key_bytes[KEY_BYTES_MAX];
	struct cadre_slice key = random_key(twin, key_bytes);
	uint64_t moves = below(twin, 6);
	uint64_t directions = test_random_next(&twin->random);
	struct cadre_slice got[KINDS] = { { 0 } };
	struct cadre_slice at[KINDS][8];
	enum cadre_status status[KINDS][8];
	enum cadre_status get_status[KINDS];

	for (int k = 0; k < KINDS; k++) {
		struct cadre_kv_txn *txn = twin->depth ? twin->txns[twin->depth - 1][k]
		                                       : twin->readers[k];
		struct cadre_kv_cursor *cursor;
		struct cadre_slice value;
		get_status[k] = cadre_kv_get(txn, key, &got[k]);
		assert_ok(cadre_kv_cursor_open(txn, &cursor, &err));
		status[k][0] = directions & 1
		                       ? cadre_kv_seek(cursor, key, &at[k][0], &value)
		                       : cadre_kv_seek_before(cursor, key, &at[k][0],
		                                              &value);
		for (uint64_t i = 1; i <= moves; i++)
			status[k][i] = directions >> i & 1
			                       ? cadre_kv_next(cursor, &at[k][i], &value)
			                       : cadre_kv_prev(cursor, &at[k][i], &value);
		cadre_kv_cursor_close(cursor);
	}
	assert_int_equal(get_status[0], get_status[1]);
	if (get_status[0] == CADRE_OK)
		assert_true(cadre_slice_equal(got[0], got[1]));
	for (uint64_t i = 0; i <= moves; i++) {
		assert_int_equal(status[0][i], status[1][i]);
		if (status[0][i] == CADRE_OK)
			assert_true(cadre_slice_equal(at[0][i], at[1][i]));
	}
}

/* A snapshot that lives through some commits, compared as it is left. */
static void move_snapshot(struct twin *twin)
{
	compare_walk(twin->readers);
	for (int k = 0; k < KINDS; k++) {
		cadre_kv_reset(twin->readers[k]);
		assert_ok(cadre_kv_renew(twin->readers[k], &err));
	}
}

static void run_twin(struct twin *twin)
{
	for (int k = 0; k < KINDS; k++)
		assert_ok(cadre_kv_begin(twin->kv[k], CADRE_KV_READ, &twin->readers[k],
		                         &err));
	for (int i = 0; i < OPERATIONS; i++) {
		uint64_t what = below(twin, 100);
		if (what < 60)
			write_one(twin);
		else if (what < 85)
			read_one(twin);
		else if (what < 91)
			begin_one(twin);
		else if (what < 98)
			end_one(twin, what < 95);
		else
			move_snapshot(twin);
	}
	while (twin->depth > 0)
		end_one(twin, true);
	for (int k = 0; k < KINDS; k++)
		cadre_kv_abort(twin->readers[k]);
}

static void both_kinds_agree_after_every_random_operation(void **state)
{
	static const uint64_t seeds[] = { 1, 20261122, 0xCAD12E };
	(void)state;

	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		struct twin twin;
		char dir[256];
		test_make_dir(dir, sizeof dir);
		open_twin(&twin, dir, test_seed(seeds[i]));
		run_twin(&twin);
		for (int k = 0; k < KINDS; k++)
			cadre_kv_close(twin.kv[k]);
		test_remove_dir(dir);
	}
}

static void large_and_sorted_loads_agree(void **state)
{
	struct twin twin;
	char dir[256];
	char key[32];
	(void)state;

	test_make_dir(dir, sizeof dir);
	open_twin(&twin, dir, 7);
	begin_one(&twin);
	for (int i = 0; i < 20000; i++) {
		int number = i < 10000 ? i : 29999 - i;
		(void)snprintf(key, sizeof key, "%08d", number);
		for (int k = 0; k < KINDS; k++)
			assert_ok(cadre_kv_put(twin.txns[0][k], cadre_slice_text(key),
			                       cadre_slice_text(key), CADRE_KV_PUT,
			                       &err));
	}
	end_one(&twin, true);
	begin_one(&twin);
	for (int i = 0; i < 20000; i += 1 + i % 3) {
		(void)snprintf(key, sizeof key, "%08d", i);
		for (int k = 0; k < KINDS; k++)
			assert_ok(cadre_kv_del(twin.txns[0][k], cadre_slice_text(key),
			                       &err));
	}
	end_one(&twin, true);
	for (int k = 0; k < KINDS; k++)
		cadre_kv_close(twin.kv[k]);
	test_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_kinds_agree_after_every_random_operation),
		cmocka_unit_test(large_and_sorted_loads_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
