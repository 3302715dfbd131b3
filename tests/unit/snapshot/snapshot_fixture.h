/* Maps of sound rows to make snapshots of, and ways to compare and damage them. */
#ifndef TESTS_UNIT_SNAPSHOT_SNAPSHOT_FIXTURE_H
#define TESTS_UNIT_SNAPSHOT_SNAPSHOT_FIXTURE_H

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/checksum.h"
#include "engine/env/sim.h"
#include "engine/snapshot/format.h"
#include "engine/views/rowio.h"
#include "tests/support/testing.h"

/* Changes `count` random rows of all tables as one commit at `seq`. */
static inline void rows_commit(struct cadre_kv *kv, cadre_seq seq, unsigned count,
                               size_t value_max, struct test_random *random)
{
	static const char tables[] = "ACKTbehimnorstuv";
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	struct cadre_view view;
	uint8_t *value = malloc(value_max + 1);

	assert_non_null(value);
	cadre_arena_init(&arena, 1 << 20);
	assert_ok(cadre_view_begin(&view, kv, CADRE_KV_WRITE, &arena, &err));
	for (unsigned i = 0; i < count; i++) {
		struct cadre_row_key key;
		size_t length = test_random_below(random, value_max + 1);

		cadre_row_key_init(&key,
		                   tables[test_random_below(random, sizeof tables - 1)]);
		if (key.bytes[0] == 'K') /* the cluster row is a message */
			key.bytes[0] = 'm';
		cadre_row_key_u64(&key, test_random_next(random));
		for (size_t b = 0; b < length; b++)
			value[b] = (uint8_t)(test_random_next(random) & 0x1f);
		assert_ok(cadre_row_put(&view, &key, cadre_slice(value, length), NULL,
		                        &err));
	}
	view.head.applied_seq = seq;
	view.head.epoch = 3;
	view.head.time_ms = 1000 + seq;
	memset(view.head.chain.bytes, (int)seq, sizeof view.head.chain.bytes);
	assert_ok(cadre_view_commit(&view, &err));
	cadre_arena_fini(&arena);
	free(value);
}

static inline struct cadre_kv *memory_open(void)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_kv *kv = NULL;

	assert_ok(cadre_kv_open_memory(&kv, &err));
	return kv;
}

/* Every entry of both, in order. */
static inline void assert_equal_maps(struct cadre_kv *a, struct cadre_kv *b)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_kv *maps[2] = { a, b };
	struct cadre_kv_txn *txns[2];
	struct cadre_kv_cursor *cursors[2];
	struct cadre_slice keys[2], values[2];
	enum cadre_status status[2];

	for (int i = 0; i < 2; i++) {
		assert_ok(cadre_kv_begin(maps[i], CADRE_KV_READ, &txns[i], &err));
		assert_ok(cadre_kv_cursor_open(txns[i], &cursors[i], &err));
		status[i] = cadre_kv_seek(cursors[i], cadre_slice(NULL, 0), &keys[i],
		                          &values[i]);
	}
	while (status[0] == CADRE_OK && status[1] == CADRE_OK) {
		assert_true(cadre_slice_equal(keys[0], keys[1]));
		assert_true(cadre_slice_equal(values[0], values[1]));
		for (int i = 0; i < 2; i++)
			status[i] = cadre_kv_next(cursors[i], &keys[i], &values[i]);
	}
	assert_int_equal(status[0], CADRE_END);
	assert_int_equal(status[1], CADRE_END);
	for (int i = 0; i < 2; i++) {
		cadre_kv_cursor_close(cursors[i]);
		cadre_kv_abort(txns[i]);
	}
}

static inline uint64_t file_bytes(struct cadre_env *env, const char *path)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_file *file;
	uint64_t size;

	assert_ok(cadre_file_open(env, path, CADRE_OPEN_READ, &file, &err));
	assert_ok(env->ops->size(file, &size, &err));
	cadre_file_close(file);
	return size;
}

/* Cuts the file (or grows it with zeros). */
static inline void file_truncate(struct cadre_env *env, const char *path, uint64_t size)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_file *file;

	assert_ok(cadre_file_open(env, path, CADRE_OPEN_WRITE, &file, &err));
	assert_ok(env->ops->truncate(file, size, &err));
	assert_ok(env->ops->datasync(file, &err));
	cadre_file_close(file);
}

static inline enum cadre_status load_anew(struct cadre_env *env, const char *dir,
                                          cadre_seq seq)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_kv *kv = memory_open();
	enum cadre_status status = cadre_snapshot_load(env, dir, seq, kv, NULL, NULL,
	                                               &err);

	cadre_kv_close(kv);
	if (status != CADRE_OK && err.message[0] == '\0')
		fail_msg("status %s without a message", cadre_status_name(status));
	return status;
}

#endif
