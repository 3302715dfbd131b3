/*
 * What the engine writes, as it writes it: the linker puts the functions of
 * record.c in front of cadre_kv_put(), cadre_kv_del(), cadre_kv_commit(),
 * cadre_log_append() and cadre_log_append_built() (--wrap), so that the bare side of a comparison can write the
 * same rows in the same transactions and the same log bytes.
 *
 * File: u8 operation, u32 key bytes, u32 value bytes (host order), key, value.
 * Counting is always on; it costs each call a few additions.
 * Threads: the store's writer.
 */
#ifndef BENCH_RECORD_H
#define BENCH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/types.h"

enum bench_operation {
	BENCH_PUT = 1,
	BENCH_DEL = 2,
	BENCH_COMMIT = 3,
	BENCH_LOG = 4 /* value: the batches of one frame */
};

struct bench_counts {
	uint64_t puts;
	uint64_t put_bytes; /* keys and values */
	uint64_t dels;
	uint64_t commits;
	uint64_t appends;
	uint64_t append_bytes;
};
struct bench_counts bench_counts_now(void);

/* Starts or ends writing what happens to `path`. False: the file failed. */
bool bench_record_start(const char *path);
bool bench_record_stop(void);
/* Adds a put that the engine did not make. */
void bench_record_put(struct cadre_slice key, struct cadre_slice value);

/* A finished record, mapped. */
struct bench_record {
	const uint8_t *bytes;
	size_t length;
	size_t at;
};
struct bench_step {
	enum bench_operation operation;
	uint32_t key_bytes;
	uint32_t value_bytes;
	const uint8_t *key;
	const uint8_t *value;
};
bool bench_record_open(struct bench_record *record, const char *path);
void bench_record_close(struct bench_record *record);
/* False at the end. */
bool bench_record_next(struct bench_record *record, struct bench_step *ret_step);

#endif
