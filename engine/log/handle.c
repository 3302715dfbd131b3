/* The log's handle in memory. */
#include "engine/log/internal.h"

#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#define SEGMENT_BYTES_DEFAULT (64ull << 20)
#define SEGMENT_BYTES_MIN (64u << 10)
/* The offset in a frame is counted in 4 KiB blocks of 32 bits. */
#define SEGMENT_BYTES_MAX (1ull << 40)

void cadre_log_path(const char *dir, const char *name, char *path)
{
	int length = snprintf(path, CADRE_LOG_PATH_BYTES, "%s/%s", dir, name);

	CADRE_ASSERT(length > 0 && (unsigned)length < CADRE_LOG_PATH_BYTES);
}

void cadre_log_segment_path(const struct cadre_log *log, cadre_seq first_seq, char *path)
{
	char name[CADRE_SEGMENT_NAME_BYTES];

	cadre_segment_name(first_seq, name);
	cadre_log_path(log->dir, name, path);
}

static enum cadre_status copy_dir(char *to, const char *from, struct cadre_error *err)
{
	size_t length = from ? strlen(from) : 0;

	if (length >= CADRE_LOG_DIR_BYTES)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.64s\"...: path of %zu bytes, at most %u",
		                       from, length, CADRE_LOG_DIR_BYTES - 1);
	if (length > 0)
		memcpy(to, from, length);
	to[length] = '\0';
	return CADRE_OK;
}

enum cadre_status cadre_log_new(struct cadre_env *env,
                                const struct cadre_log_options *options,
                                struct cadre_log **ret_log, struct cadre_error *err)
{
	uint64_t bytes = options->segment_bytes ? options->segment_bytes
	                                        : SEGMENT_BYTES_DEFAULT;
	struct cadre_log *log;
	enum cadre_status status;

	CADRE_ASSERT(options->dir);
	if (bytes < SEGMENT_BYTES_MIN || bytes > SEGMENT_BYTES_MAX ||
	    bytes % CADRE_LOG_BLOCK_BYTES != 0)
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "segment_bytes: %llu, a multiple of 4096 from %u on",
		        (unsigned long long)bytes, SEGMENT_BYTES_MIN);
	log = calloc(1, sizeof *log);
	if (!log)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "opening \"%s\"",
		                       options->dir);
	log->env = env;
	log->segment_bytes = bytes;
	status = copy_dir(log->dir, options->dir, err);
	if (status == CADRE_OK)
		status = copy_dir(log->lost_found_dir, options->lost_found_dir, err);
	if (status != CADRE_OK) {
		free(log);
		return status;
	}
	*ret_log = log;
	return CADRE_OK;
}

enum cadre_status cadre_log_reserve_segment(struct cadre_log *log,
                                            struct cadre_error *err)
{
	size_t capacity = log->capacity ? 2 * log->capacity : 16;
	struct cadre_segment *grown;

	if (log->count < log->capacity)
		return CADRE_OK;
	grown = realloc(log->segments, capacity * sizeof *grown);
	if (!grown)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "a table of %zu segments", capacity);
	log->segments = grown;
	log->capacity = capacity;
	return CADRE_OK;
}

void cadre_log_close(struct cadre_log *log)
{
	if (!log)
		return;
	cadre_log_abandon_sealer(log);
	cadre_file_close(log->active);
	cadre_file_close(log->preparation.file);
	cadre_window_fini(&log->tail);
	cadre_buffer_fini(&log->frame);
	free(log->segments);
	free(log);
}

struct cadre_log_head cadre_log_head(const struct cadre_log *log)
{
	return log->head;
}

struct cadre_log_stat cadre_log_stat(const struct cadre_log *log)
{
	struct cadre_log_stat stat = { 0 };

	stat.segments = log->count;
	for (size_t i = 0; i < log->count; i++) {
		const struct cadre_segment *segment = &log->segments[i];
		if (segment->header.sealed) {
			stat.sealed_segments++;
			stat.sealed_bytes += segment->end;
			stat.sealed_batch_bytes += segment->batch_bytes;
		} else {
			stat.active_bytes += segment->end - CADRE_LOG_BLOCK_BYTES;
		}
	}
	if (log->head.last_seq > 0 && log->count > 0 &&
	    log->segments[0].header.first_seq <= log->head.last_seq)
		stat.first_seq = log->segments[0].header.first_seq;
	return stat;
}
