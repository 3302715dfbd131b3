#include "bench/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/kv/kv_ops.h"
#include "engine/log/log.h"

#define STEP_HEADER_BYTES 9u

static struct bench_counts counts;
static FILE *file;
static bool file_failed;

struct bench_counts bench_counts_now(void)
{
	return counts;
}

bool bench_record_start(const char *path)
{
	file_failed = false;
	file = fopen(path, "we");
	if (!file)
		return false;
	setvbuf(file, NULL, _IOFBF, 1u << 20);
	return true;
}

bool bench_record_stop(void)
{
	bool closed = fclose(file) == 0;

	file = NULL;
	return closed && !file_failed;
}

static void write_step(enum bench_operation operation, struct cadre_slice key,
                       struct cadre_slice value)
{
	uint8_t header[STEP_HEADER_BYTES];
	uint32_t key_bytes = (uint32_t)key.length;
	uint32_t value_bytes = (uint32_t)value.length;

	if (!file)
		return;
	header[0] = (uint8_t)operation;
	memcpy(header + 1, &key_bytes, sizeof key_bytes);
	memcpy(header + 5, &value_bytes, sizeof value_bytes);
	if (fwrite(header, sizeof header, 1, file) != 1 ||
	    fwrite(key.data, 1, key.length, file) != key.length ||
	    fwrite(value.data, 1, value.length, file) != value.length)
		file_failed = true;
}

void bench_record_put(struct cadre_slice key, struct cadre_slice value)
{
	write_step(BENCH_PUT, key, value);
}

/* ---- in front of the engine's functions ---- */

enum cadre_status __real_cadre_kv_put(struct cadre_kv_txn *txn, struct cadre_slice key,
                                      struct cadre_slice value, unsigned flags,
                                      struct cadre_error *err);
enum cadre_status __wrap_cadre_kv_put(struct cadre_kv_txn *txn, struct cadre_slice key,
                                      struct cadre_slice value, unsigned flags,
                                      struct cadre_error *err);
enum cadre_status __real_cadre_kv_del(struct cadre_kv_txn *txn, struct cadre_slice key,
                                      struct cadre_error *err);
enum cadre_status __wrap_cadre_kv_del(struct cadre_kv_txn *txn, struct cadre_slice key,
                                      struct cadre_error *err);
enum cadre_status __real_cadre_kv_commit(struct cadre_kv_txn *txn,
                                         struct cadre_error *err);
enum cadre_status __wrap_cadre_kv_commit(struct cadre_kv_txn *txn,
                                         struct cadre_error *err);
enum cadre_status __real_cadre_log_append(struct cadre_log *log,
                                          struct cadre_slice batches,
                                          cadre_seq commit_seq, struct cadre_error *err);
enum cadre_status __wrap_cadre_log_append(struct cadre_log *log,
                                          struct cadre_slice batches,
                                          cadre_seq commit_seq, struct cadre_error *err);

enum cadre_status __real_cadre_log_append_built(struct cadre_log *log,
                                                const struct cadre_batch_header *header,
                                                struct cadre_slice batch,
                                                cadre_seq commit_seq,
                                                struct cadre_error *err);
enum cadre_status __wrap_cadre_log_append_built(struct cadre_log *log,
                                                const struct cadre_batch_header *header,
                                                struct cadre_slice batch,
                                                cadre_seq commit_seq,
                                                struct cadre_error *err);

enum cadre_status __wrap_cadre_kv_put(struct cadre_kv_txn *txn, struct cadre_slice key,
                                      struct cadre_slice value, unsigned flags,
                                      struct cadre_error *err)
{
	counts.puts++;
	counts.put_bytes += key.length + value.length;
	if (file)
		write_step(BENCH_PUT, key, value);
	return __real_cadre_kv_put(txn, key, value, flags, err);
}

enum cadre_status __wrap_cadre_kv_del(struct cadre_kv_txn *txn, struct cadre_slice key,
                                      struct cadre_error *err)
{
	counts.dels++;
	if (file)
		write_step(BENCH_DEL, key, cadre_slice(NULL, 0));
	return __real_cadre_kv_del(txn, key, err);
}

enum cadre_status __wrap_cadre_kv_commit(struct cadre_kv_txn *txn,
                                         struct cadre_error *err)
{
	/* A nested commit only hands its rows to the outer one. */
	if (txn->write && !txn->parent) {
		counts.commits++;
		write_step(BENCH_COMMIT, cadre_slice(NULL, 0), cadre_slice(NULL, 0));
	}
	return __real_cadre_kv_commit(txn, err);
}

static void note_append(struct cadre_slice batches)
{
	counts.appends++;
	counts.append_bytes += batches.length;
	if (file)
		write_step(BENCH_LOG, cadre_slice(NULL, 0), batches);
}

enum cadre_status __wrap_cadre_log_append(struct cadre_log *log,
                                          struct cadre_slice batches,
                                          cadre_seq commit_seq, struct cadre_error *err)
{
	note_append(batches);
	return __real_cadre_log_append(log, batches, commit_seq, err);
}

enum cadre_status __wrap_cadre_log_append_built(struct cadre_log *log,
                                                const struct cadre_batch_header *header,
                                                struct cadre_slice batch,
                                                cadre_seq commit_seq,
                                                struct cadre_error *err)
{
	note_append(batch);
	return __real_cadre_log_append_built(log, header, batch, commit_seq, err);
}

/* ---- reading ---- */

bool bench_record_open(struct bench_record *record, const char *path)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *memory = MAP_FAILED;

	memset(record, 0, sizeof *record);
	if (fd < 0)
		return false;
	if (fstat(fd, &info) == 0 && info.st_size > 0)
		memory = mmap(NULL, (size_t)info.st_size, PROT_READ,
		              MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return false;
	record->bytes = memory;
	record->length = (size_t)info.st_size;
	return true;
}

void bench_record_close(struct bench_record *record)
{
	if (record->bytes)
		munmap((void *)(uintptr_t)record->bytes, record->length);
	memset(record, 0, sizeof *record);
}

bool bench_record_next(struct bench_record *record, struct bench_step *ret_step)
{
	const uint8_t *at = record->bytes + record->at;

	if (record->length - record->at < STEP_HEADER_BYTES)
		return false;
	ret_step->operation = (enum bench_operation)at[0];
	memcpy(&ret_step->key_bytes, at + 1, sizeof ret_step->key_bytes);
	memcpy(&ret_step->value_bytes, at + 5, sizeof ret_step->value_bytes);
	ret_step->key = at + STEP_HEADER_BYTES;
	ret_step->value = ret_step->key + ret_step->key_bytes;
	record->at += STEP_HEADER_BYTES + (size_t)ret_step->key_bytes +
	              ret_step->value_bytes;
	return true;
}
