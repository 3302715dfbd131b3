/* The laws of kv.h, each checked on both kinds. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/kv/kv.h"
#include "tests/support/testing.h"

#define MAP_BYTES (UINT64_C(256) << 20)

struct fixture {
	struct cadre_kv *kv;
	char dir[256];
};

static struct cadre_error err;

static int setup_memory(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	assert_ok(cadre_kv_open_memory(&fixture->kv, &err));
	*state = fixture;
	return 0;
}

static int setup_lmdb(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	struct cadre_kv_options options = { .map_bytes = MAP_BYTES };

	assert_non_null(fixture);
	test_make_dir(fixture->dir, sizeof fixture->dir);
	assert_ok(cadre_kv_open_lmdb(fixture->dir, &options, &fixture->kv, &err));
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	cadre_kv_close(fixture->kv);
	if (fixture->dir[0])
		test_remove_dir(fixture->dir);
	free(fixture);
	return 0;
}

static struct cadre_kv *kv_of(void **state)
{
	return ((struct fixture *)*state)->kv;
}

static struct cadre_slice text(const char *string)
{
	return cadre_slice_text(string);
}

static struct cadre_kv_txn *begin(struct cadre_kv *kv, unsigned flags)
{
	struct cadre_kv_txn *txn = NULL;

	assert_ok(cadre_kv_begin(kv, flags, &txn, &err));
	return txn;
}

static struct cadre_kv_txn *nest(struct cadre_kv_txn *parent)
{
	struct cadre_kv_txn *txn = NULL;

	assert_ok(cadre_kv_begin_nested(parent, &txn, &err));
	return txn;
}

static struct cadre_kv_cursor *cursor_in(struct cadre_kv_txn *txn)
{
	struct cadre_kv_cursor *cursor = NULL;

	assert_ok(cadre_kv_cursor_open(txn, &cursor, &err));
	return cursor;
}

static void put(struct cadre_kv_txn *txn, const char *key, const char *value)
{
	assert_ok(cadre_kv_put(txn, text(key), text(value), CADRE_KV_PUT, &err));
}

static void put_all(struct cadre_kv *kv, const char *const *keys, size_t count)
{
	struct cadre_kv_txn *txn = begin(kv, CADRE_KV_WRITE);

	for (size_t i = 0; i < count; i++)
		put(txn, keys[i], keys[i]);
	assert_ok(cadre_kv_commit(txn, &err));
}

/* `value` NULL: the key is absent. */
static void expect(struct cadre_kv_txn *txn, const char *key, const char *value)
{
	struct cadre_slice got;
	enum cadre_status status = cadre_kv_get(txn, text(key), &got);

	assert_int_equal(status, value ? CADRE_OK : CADRE_NOT_FOUND);
	if (value)
		assert_true(cadre_slice_equal(got, text(value)));
}

static void expect_committed(struct cadre_kv *kv, const char *key, const char *value)
{
	struct cadre_kv_txn *txn = begin(kv, CADRE_KV_READ);

	expect(txn, key, value);
	cadre_kv_abort(txn);
}

/* A move of a cursor gave `key`, or CADRE_END for NULL. */
#define expect_at(call, expected)                                           \
	do {                                                                \
		struct cadre_slice at_key;                                  \
		struct cadre_slice at_value;                                \
		const char *want = (expected);                              \
		assert_int_equal((call), want ? CADRE_OK : CADRE_END);      \
		if (want)                                                   \
			assert_true(cadre_slice_equal(at_key, text(want))); \
	} while (0)
#define seek(cursor, key) cadre_kv_seek(cursor, text(key), &at_key, &at_value)
#define seek_before(cursor, key) \
	cadre_kv_seek_before(cursor, text(key), &at_key, &at_value)
#define next(cursor) cadre_kv_next(cursor, &at_key, &at_value)
#define prev(cursor) cadre_kv_prev(cursor, &at_key, &at_value)

static void keys_come_back_in_memcmp_order(void **state)
{
	static const char *const keys[] = { "b", "ab", "a", "abc", "\xFF", "B", "c" };
	static const char *const sorted[] = { "B", "a", "ab", "abc", "b", "c", "\xFF" };
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor;

	put_all(kv_of(state), keys, 7);
	txn = begin(kv_of(state), CADRE_KV_READ);
	cursor = cursor_in(txn);
	expect_at(seek(cursor, ""), sorted[0]);
	for (size_t i = 1; i < 7; i++)
		expect_at(next(cursor), sorted[i]);
	expect_at(next(cursor), NULL);
	expect_at(seek_before(cursor, ""), sorted[6]);
	for (size_t i = 6; i-- > 0;)
		expect_at(prev(cursor), sorted[i]);
	expect_at(prev(cursor), NULL);
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(txn);
}

static void an_empty_map_has_no_entry_in_any_direction(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_READ);
	struct cadre_kv_cursor *cursor = cursor_in(txn);

	expect(txn, "a", NULL);
	expect_at(seek(cursor, ""), NULL);
	expect_at(seek(cursor, "a"), NULL);
	expect_at(seek_before(cursor, ""), NULL);
	expect_at(seek_before(cursor, "a"), NULL);
	expect_at(next(cursor), NULL);
	expect_at(prev(cursor), NULL);
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(txn);
}

static void seek_finds_the_first_entry_at_or_behind_the_key(void **state)
{
	static const char *const keys[] = { "b", "d", "f" };
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor;

	put_all(kv_of(state), keys, 3);
	txn = begin(kv_of(state), CADRE_KV_READ);
	cursor = cursor_in(txn);
	expect_at(seek(cursor, "a"), "b");
	expect_at(seek(cursor, "b"), "b");
	expect_at(prev(cursor), NULL);
	expect_at(seek(cursor, "ba"), "d");
	expect_at(prev(cursor), "b");
	expect_at(next(cursor), "d");
	expect_at(seek(cursor, "f"), "f");
	expect_at(next(cursor), NULL);
	expect_at(seek(cursor, "fa"), NULL);
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(txn);
}

static void seek_before_finds_the_last_entry_before_the_key(void **state)
{
	static const char *const keys[] = { "b", "d", "f" };
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor;

	put_all(kv_of(state), keys, 3);
	txn = begin(kv_of(state), CADRE_KV_READ);
	cursor = cursor_in(txn);
	expect_at(seek_before(cursor, "a"), NULL);
	expect_at(seek_before(cursor, "b"), NULL);
	expect_at(seek_before(cursor, "c"), "b");
	expect_at(next(cursor), "d");
	expect_at(seek_before(cursor, "d"), "b");
	expect_at(seek_before(cursor, "f"), "d");
	expect_at(seek_before(cursor, "g"), "f");
	expect_at(next(cursor), NULL);
	expect_at(seek_before(cursor, ""), "f");
	expect_at(prev(cursor), "d");
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(txn);
}

static void a_cursor_without_position_has_no_neighbours(void **state)
{
	static const char *const keys[] = { "a", "b" };
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor;

	put_all(kv_of(state), keys, 2);
	txn = begin(kv_of(state), CADRE_KV_READ);
	cursor = cursor_in(txn);
	expect_at(next(cursor), NULL);
	expect_at(prev(cursor), NULL);
	expect_at(seek(cursor, "b"), "b");
	expect_at(next(cursor), NULL);
	expect_at(prev(cursor), NULL);
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(txn);
}

static void a_cursor_of_a_write_transaction_sees_its_writes(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_WRITE);
	struct cadre_kv_cursor *cursor = cursor_in(txn);

	put(txn, "b", "1");
	expect_at(seek(cursor, ""), "b");
	put(txn, "a", "2");
	expect_at(seek(cursor, ""), "a");
	assert_ok(cadre_kv_del(txn, text("a"), &err));
	expect_at(seek(cursor, ""), "b");
	expect_at(next(cursor), NULL);
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(txn);
}

static void put_replaces_and_del_removes(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_WRITE);

	put(txn, "k", "short");
	put(txn, "k", "a longer value than before");
	expect(txn, "k", "a longer value than before");
	put(txn, "k", "");
	expect(txn, "k", "");
	assert_ok(cadre_kv_del(txn, text("k"), &err));
	expect(txn, "k", NULL);
	assert_int_equal(cadre_kv_del(txn, text("k"), &err), CADRE_NOT_FOUND);
	assert_ok(cadre_kv_commit(txn, &err));
	expect_committed(kv_of(state), "k", NULL);
}

static void a_write_is_seen_by_others_only_after_commit(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_WRITE);

	put(txn, "k", "v");
	expect(txn, "k", "v");
	expect_committed(kv_of(state), "k", NULL);
	assert_ok(cadre_kv_commit(txn, &err));
	expect_committed(kv_of(state), "k", "v");
}

static void abort_leaves_nothing(void **state)
{
	static const char *const keys[] = { "kept" };
	struct cadre_kv_txn *txn;
	struct cadre_kv_stat before;
	struct cadre_kv_stat after;

	put_all(kv_of(state), keys, 1);
	assert_ok(cadre_kv_stat(kv_of(state), &before, &err));
	txn = begin(kv_of(state), CADRE_KV_WRITE);
	put(txn, "new", "x");
	put(txn, "kept", "changed");
	assert_ok(cadre_kv_del(txn, text("kept"), &err));
	cadre_kv_abort(txn);
	expect_committed(kv_of(state), "kept", "kept");
	expect_committed(kv_of(state), "new", NULL);
	assert_ok(cadre_kv_stat(kv_of(state), &after, &err));
	assert_int_equal(before.entries, after.entries);
	assert_int_equal(before.txn_id, after.txn_id);
}

static void a_nested_commit_reaches_the_parent_and_a_nested_abort_does_not(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_WRITE);
	struct cadre_kv_txn *child;

	put(txn, "a", "parent");
	child = nest(txn);
	expect(child, "a", "parent");
	put(child, "a", "child");
	put(child, "b", "child");
	assert_ok(cadre_kv_commit(child, &err));
	expect(txn, "a", "child");
	child = nest(txn);
	put(child, "a", "undone");
	assert_ok(cadre_kv_del(child, text("b"), &err));
	expect(child, "b", NULL);
	cadre_kv_abort(child);
	expect(txn, "a", "child");
	expect(txn, "b", "child");
	expect_committed(kv_of(state), "a", NULL);
	assert_ok(cadre_kv_commit(txn, &err));
	expect_committed(kv_of(state), "a", "child");
	expect_committed(kv_of(state), "b", "child");
}

static void an_abort_undoes_nested_commits_at_every_depth(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_WRITE);
	struct cadre_kv_txn *child = nest(txn);
	struct cadre_kv_txn *grandchild = nest(child);

	put(grandchild, "k", "v");
	assert_ok(cadre_kv_commit(grandchild, &err));
	expect(child, "k", "v");
	cadre_kv_abort(child);
	expect(txn, "k", NULL);
	child = nest(txn);
	put(child, "k", "v");
	assert_ok(cadre_kv_commit(child, &err));
	cadre_kv_abort(txn);
	expect_committed(kv_of(state), "k", NULL);
}

static void a_cursor_of_the_parent_seeks_again_after_a_nested_one(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_WRITE);
	struct cadre_kv_cursor *cursor;
	struct cadre_kv_txn *child;

	put(txn, "b", "");
	cursor = cursor_in(txn);
	expect_at(seek(cursor, ""), "b");
	child = nest(txn);
	put(child, "a", "");
	assert_ok(cadre_kv_commit(child, &err));
	expect_at(seek(cursor, ""), "a");
	child = nest(txn);
	assert_ok(cadre_kv_del(child, text("a"), &err));
	cadre_kv_abort(child);
	expect_at(seek(cursor, ""), "a");
	expect_at(next(cursor), "b");
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(txn);
}

static void snapshots_stay_the_same_while_a_writer_commits(void **state)
{
	static const char *const keys[] = { "a", "b", "c" };
	struct cadre_kv_txn *reader;
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor;
	char key[16];

	put_all(kv_of(state), keys, 3);
	reader = begin(kv_of(state), CADRE_KV_READ);
	cursor = cursor_in(reader);
	expect_at(seek(cursor, ""), "a");
	for (int i = 0; i < 300; i++) {
		txn = begin(kv_of(state), CADRE_KV_WRITE);
		(void)snprintf(key, sizeof key, "a%d", i);
		put(txn, key, "later");
		put(txn, "b", "later");
		if (i == 150)
			assert_ok(cadre_kv_del(txn, text("c"), &err));
		assert_ok(cadre_kv_commit(txn, &err));
	}
	expect_at(next(cursor), "b");
	expect_at(next(cursor), "c");
	expect_at(next(cursor), NULL);
	expect(reader, "b", "b");
	expect(reader, "a7", NULL);
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(reader);
	expect_committed(kv_of(state), "b", "later");
}

static void renew_shows_what_was_committed_since_the_reset(void **state)
{
	static const char *const first[] = { "b" };
	static const char *const second[] = { "a" };
	struct cadre_kv_txn *reader;
	struct cadre_kv_cursor *cursor;

	put_all(kv_of(state), first, 1);
	reader = begin(kv_of(state), CADRE_KV_READ);
	cursor = cursor_in(reader);
	expect_at(seek(cursor, ""), "b");
	cadre_kv_reset(reader);
	put_all(kv_of(state), second, 1);
	assert_ok(cadre_kv_renew(reader, &err));
	assert_ok(cadre_kv_cursor_renew(cursor, reader));
	expect_at(next(cursor), NULL);
	expect_at(seek(cursor, ""), "a");
	expect_at(next(cursor), "b");
	expect(reader, "a", "a");
	cadre_kv_reset(reader);
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(reader);
}

static void reserve_gives_room_that_the_caller_fills(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_WRITE);
	struct cadre_slice got;
	uint8_t *room;

	/* Small, and large enough for overflow pages. */
	for (size_t length = 0; length < 40000; length = length * 3 + 1) {
		assert_ok(cadre_kv_reserve(txn, text("k"), length, CADRE_KV_PUT, &room,
		                           &err));
		memset(room, (int)(length % 251), length);
		assert_ok(cadre_kv_put(txn, text("j"), text("x"), CADRE_KV_PUT, &err));
		assert_ok(cadre_kv_get(txn, text("k"), &got));
		assert_int_equal(got.length, length);
		for (size_t i = 0; i < length; i++)
			assert_int_equal(got.data[i], length % 251);
	}
	assert_ok(cadre_kv_commit(txn, &err));
}

static void append_takes_only_keys_behind_all_others(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_WRITE);
	char key[16];

	for (int i = 0; i < 2000; i++) {
		(void)snprintf(key, sizeof key, "%06d", i);
		assert_ok(cadre_kv_put(txn, text(key), text("v"), CADRE_KV_APPEND, &err));
	}
	assert_int_equal(
	        cadre_kv_put(txn, text("001999"), text("w"), CADRE_KV_APPEND, &err),
	        CADRE_INVALID_PARAMETER);
	assert_int_equal(
	        cadre_kv_put(txn, text("0005"), text("w"), CADRE_KV_APPEND, &err),
	        CADRE_INVALID_PARAMETER);
	assert_ok(cadre_kv_put(txn, text("002000"), text("v"), CADRE_KV_APPEND, &err));
	assert_ok(cadre_kv_commit(txn, &err));
	expect_committed(kv_of(state), "001999", "v");
	expect_committed(kv_of(state), "0005", NULL);
	expect_committed(kv_of(state), "002000", "v");
}

static void keys_are_1_to_511_bytes(void **state)
{
	struct cadre_kv_txn *txn = begin(kv_of(state), CADRE_KV_WRITE);
	uint8_t bytes[CADRE_KV_KEY_BYTES_MAX + 1];
	struct cadre_slice longest = cadre_slice(bytes, CADRE_KV_KEY_BYTES_MAX);
	struct cadre_slice refused[] = { cadre_slice(bytes, 0),
		                         cadre_slice(bytes, sizeof bytes) };
	struct cadre_slice got;
	uint8_t *room;

	memset(bytes, 'k', sizeof bytes);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		        cadre_kv_put(txn, refused[i], text("v"), CADRE_KV_PUT, &err),
		        CADRE_INVALID_PARAMETER);
		assert_int_equal(
		        cadre_kv_reserve(txn, refused[i], 1, CADRE_KV_PUT, &room, &err),
		        CADRE_INVALID_PARAMETER);
		assert_int_equal(cadre_kv_del(txn, refused[i], &err),
		                 CADRE_INVALID_PARAMETER);
		assert_int_equal(cadre_kv_get(txn, refused[i], &got),
		                 CADRE_INVALID_PARAMETER);
	}
	assert_ok(cadre_kv_put(txn, longest, text("v"), CADRE_KV_PUT, &err));
	assert_ok(cadre_kv_get(txn, longest, &got));
	assert_ok(cadre_kv_commit(txn, &err));
}

static void seek_takes_a_key_longer_than_any_stored(void **state)
{
	static const char *const keys[] = { "a", "z" };
	uint8_t bytes[600];
	struct cadre_slice key = cadre_slice(bytes, sizeof bytes);
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor;

	memset(bytes, 'k', sizeof bytes);
	put_all(kv_of(state), keys, 2);
	txn = begin(kv_of(state), CADRE_KV_READ);
	cursor = cursor_in(txn);
	expect_at(cadre_kv_seek(cursor, key, &at_key, &at_value), "z");
	expect_at(cadre_kv_seek_before(cursor, key, &at_key, &at_value), "a");
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(txn);
}

static void stat_counts_entries_readers_and_commits(void **state)
{
	static const char *const keys[] = { "a", "b", "c" };
	struct cadre_kv_txn *reader = begin(kv_of(state), CADRE_KV_READ);
	struct cadre_kv_stat before;
	struct cadre_kv_stat after;

	assert_ok(cadre_kv_stat(kv_of(state), &before, &err));
	put_all(kv_of(state), keys, 3);
	assert_ok(cadre_kv_stat(kv_of(state), &after, &err));
	assert_int_equal(after.entries, before.entries + 3);
	assert_int_equal(after.txn_id, before.txn_id + 1);
	assert_int_equal(after.readers, 1);
	assert_true(after.used_bytes >= before.used_bytes);
	cadre_kv_abort(reader);
	assert_ok(cadre_kv_stat(kv_of(state), &after, &err));
	assert_int_equal(after.readers, 0);
	assert_ok(cadre_kv_sync(kv_of(state), &err));
}

#define LAW(name)                                                    \
	{ "lmdb: " #name, name, setup_lmdb, teardown, NULL },        \
	{                                                            \
		"memory: " #name, name, setup_memory, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAW(keys_come_back_in_memcmp_order),
		LAW(an_empty_map_has_no_entry_in_any_direction),
		LAW(seek_finds_the_first_entry_at_or_behind_the_key),
		LAW(seek_before_finds_the_last_entry_before_the_key),
		LAW(a_cursor_without_position_has_no_neighbours),
		LAW(a_cursor_of_a_write_transaction_sees_its_writes),
		LAW(put_replaces_and_del_removes),
		LAW(a_write_is_seen_by_others_only_after_commit),
		LAW(abort_leaves_nothing),
		LAW(a_nested_commit_reaches_the_parent_and_a_nested_abort_does_not),
		LAW(an_abort_undoes_nested_commits_at_every_depth),
		LAW(a_cursor_of_the_parent_seeks_again_after_a_nested_one),
		LAW(snapshots_stay_the_same_while_a_writer_commits),
		LAW(renew_shows_what_was_committed_since_the_reset),
		LAW(reserve_gives_room_that_the_caller_fills),
		LAW(append_takes_only_keys_behind_all_others),
		LAW(keys_are_1_to_511_bytes),
		LAW(seek_takes_a_key_longer_than_any_stored),
		LAW(stat_counts_entries_readers_and_commits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
