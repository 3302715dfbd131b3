/*
 * Sealing a closed segment: its batches are read and checked once more, packed,
 * compressed and written to `<first seq>.seg.tmp`, which is synced and then renamed
 * over the closed file. Until the rename the closed file is the truth, and a
 * failure leaves a temporary file that the next attempt or open removes.
 */
#include "engine/log/internal.h"
#include "engine/log/sealed.h"

#include "engine/base/assert.h"
#include "engine/base/checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#define LEVEL 1

struct cadre_sealer {
	struct cadre_segment_header header; /* of the closed file */
	uint64_t end;                       /* of its frames */
	struct cadre_window window;
	struct cadre_tail tail; /* how far it is read */
	struct cadre_file *out;
	uint64_t out_bytes;
	struct cadre_sha256_stream hash;
	ZSTD_CCtx *context;
	struct cadre_sealed_packer packer;
	struct cadre_buffer packed;
	struct cadre_buffer compressed;
	struct cadre_buffer table;
	struct cadre_sealed_footer footer;
	struct cadre_sha256 chain; /* after the last packed batch */
};

static void temp_path(const struct cadre_log *log, cadre_seq first_seq, char *path)
{
	char segment[CADRE_SEGMENT_NAME_BYTES];
	char name[CADRE_SEGMENT_NAME_BYTES + 8];

	cadre_segment_name(first_seq, segment);
	snprintf(name, sizeof name, "%s.tmp", segment);
	cadre_log_path(log->dir, name, path);
}

static void free_sealer(struct cadre_sealer *sealer)
{
	cadre_window_fini(&sealer->window);
	cadre_file_close(sealer->out);
	(void)cadre_sha256_final(&sealer->hash);
	ZSTD_freeCCtx(sealer->context);
	cadre_sealed_packer_fini(&sealer->packer);
	cadre_buffer_fini(&sealer->packed);
	cadre_buffer_fini(&sealer->compressed);
	cadre_buffer_fini(&sealer->table);
	free(sealer);
}

void cadre_log_abandon_sealer(struct cadre_log *log)
{
	char path[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	if (!log->sealer)
		return;
	temp_path(log, log->sealer->header.first_seq, path);
	free_sealer(log->sealer);
	log->sealer = NULL;
	status = log->env->ops->remove(log->env, path, NULL);
	(void)status; /* what is left is removed by the next attempt */
}

static enum cadre_status write_out(struct cadre_sealer *sealer, const void *data,
                                   size_t length, struct cadre_error *err)
{
	struct cadre_env *env = sealer->out->env;
	enum cadre_status status = env->ops->pwrite(sealer->out, sealer->out_bytes, data,
	                                            length, err);

	if (status != CADRE_OK)
		return status;
	cadre_sha256_update(&sealer->hash, data, length);
	sealer->out_bytes += length;
	return CADRE_OK;
}

static enum cadre_status open_out(struct cadre_log *log, struct cadre_sealer *sealer,
                                  struct cadre_error *err)
{
	struct cadre_segment_header header = sealer->header;
	uint8_t data[CADRE_SEGMENT_HEADER_BYTES];
	char path[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	temp_path(log, header.first_seq, path);
	status = cadre_file_open(log->env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
	                         &sealer->out, err);
	if (status == CADRE_OK)
		status = log->env->ops->truncate(sealer->out, 0, err);
	if (status != CADRE_OK)
		return status;
	header.sealed = true;
	header.file_bytes = 0;
	cadre_segment_header_encode(&header, data);
	return write_out(sealer, data, sizeof data, err);
}

static enum cadre_status begin(struct cadre_log *log, const struct cadre_segment *segment,
                               struct cadre_error *err)
{
	struct cadre_sealer *sealer = calloc(1, sizeof *sealer);
	enum cadre_status status;

	if (!sealer)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "sealing a segment");
	cadre_sha256_init(&sealer->hash);
	log->sealer = sealer;
	sealer->context = ZSTD_createCCtx();
	if (!sealer->context)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "sealing a segment");
	status = cadre_log_open_segment(log, segment->header.first_seq, &sealer->window,
	                                &sealer->header, err);
	if (status != CADRE_OK)
		return status;
	CADRE_ASSERT(!sealer->header.sealed);
	sealer->end = segment->end;
	sealer->window.limit = segment->end;
	sealer->chain = sealer->header.chain;
	sealer->footer.first_seq = sealer->header.first_seq;
	cadre_tail_init(&sealer->tail, &sealer->header);
	return open_out(log, sealer, err);
}

/* A block that would not give its batches back must not replace them. */
static enum cadre_status check_block(struct cadre_sealer *sealer, struct cadre_error *err)
{
	struct cadre_buffer again = { 0 };
	struct cadre_sha256 before;
	struct cadre_sha256 after;
	enum cadre_status status = cadre_sealed_unpack(
	        cadre_buffer_slice(&sealer->packed), sealer->packer.first_seq, &again,
	        &before, &after, err);

	if (status == CADRE_OK &&
	    !cadre_slice_equal(cadre_buffer_slice(&again),
	                       cadre_buffer_slice(&sealer->packer.batches)))
		status = cadre_error_set(err, CADRE_INTERNAL,
		                         "batches from seq %llu do not survive packing",
		                         (unsigned long long)sealer->packer.first_seq);
	cadre_buffer_fini(&again);
	return status;
}

static enum cadre_status compress(struct cadre_sealer *sealer, struct cadre_error *err)
{
	size_t bound = ZSTD_compressBound(sealer->packed.length);
	size_t length;

	cadre_buffer_clear(&sealer->compressed);
	if (cadre_buffer_reserve(&sealer->compressed, bound) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "sealing a segment");
	length = ZSTD_compressCCtx(sealer->context, sealer->compressed.data, bound,
	                           sealer->packed.data, sealer->packed.length, LEVEL);
	if (ZSTD_isError(length))
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "compressing: %s",
		                       ZSTD_getErrorName(length));
	sealer->compressed.length = length;
	return CADRE_OK;
}

static enum cadre_status flush_block(struct cadre_sealer *sealer, struct cadre_error *err)
{
	struct cadre_sealed_entry entry;
	uint8_t data[CADRE_SEALED_ENTRY_BYTES];
	enum cadre_status status;

	if (sealer->packer.count == 0)
		return CADRE_OK;
	cadre_buffer_clear(&sealer->packed);
	status = cadre_sealed_packer_finish(&sealer->packer, &sealer->packed);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "sealing a segment");
	status = check_block(sealer, err);
	if (status == CADRE_OK)
		status = compress(sealer, err);
	if (status != CADRE_OK)
		return status;
	entry.offset = sealer->out_bytes;
	entry.compressed_bytes = (uint32_t)sealer->compressed.length;
	entry.packed_bytes = (uint32_t)sealer->packed.length;
	entry.first_seq = sealer->packer.first_seq;
	entry.batch_bytes = (uint32_t)sealer->packer.batches.length;
	entry.crc = cadre_crc32c(0, sealer->compressed.data, sealer->compressed.length);
	cadre_sealed_entry_encode(&entry, data);
	status = cadre_buffer_append(&sealer->table, data, sizeof data);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "sealing a segment");
	sealer->footer.blocks++;
	sealer->footer.batch_bytes += entry.batch_bytes;
	sealer->footer.batches += sealer->packer.count;
	cadre_sealed_packer_clear(&sealer->packer);
	return write_out(sealer, sealer->compressed.data, sealer->compressed.length, err);
}

static enum cadre_status take_frame(struct cadre_sealer *sealer, struct cadre_error *err)
{
	struct cadre_slice payload;
	struct cadre_batch batch;
	enum cadre_status status = cadre_tail_step(&sealer->tail, &sealer->window,
	                                           &sealer->header, NULL, &payload, err);

	while (status == CADRE_OK && payload.length > 0) {
		status = cadre_batch_scan(payload, &batch, err);
		if (status == CADRE_OK &&
		    cadre_sealed_packer_bytes(&sealer->packer) + batch.body.length >
		            CADRE_SEALED_BLOCK_BYTES)
			status = flush_block(sealer, err);
		if (status != CADRE_OK)
			return status;
		status = cadre_sealed_pack(&sealer->packer, &batch, &sealer->chain);
		if (status != CADRE_OK)
			return cadre_error_set(err, status, "sealing a segment");
		sealer->chain = batch.header.chain;
		payload.data += batch.bytes.length;
		payload.length -= batch.bytes.length;
	}
	return status;
}

static enum cadre_status write_footer(struct cadre_sealer *sealer,
                                      struct cadre_error *err)
{
	struct cadre_sealed_footer *footer = &sealer->footer;
	const struct cadre_log_head *head = &sealer->tail.head;
	uint8_t data[CADRE_SEALED_FOOTER_BYTES];
	enum cadre_status status = flush_block(sealer, err);

	if (status != CADRE_OK)
		return status;
	footer->seek_offset = sealer->out_bytes;
	footer->seek_crc = cadre_crc32c(0, sealer->table.data, sealer->table.length);
	status = write_out(sealer, sealer->table.data, sealer->table.length, err);
	if (status != CADRE_OK)
		return status;
	footer->last_seq = head->last_seq;
	footer->epoch = head->epoch;
	footer->time_ms = head->time_ms;
	footer->commit_seq = head->commit_seq;
	footer->records = footer->last_seq - footer->first_seq + 1;
	footer->chain = sealer->chain;
	footer->hash = cadre_sha256_final(&sealer->hash);
	cadre_sha256_init(&sealer->hash);
	cadre_sealed_footer_encode(footer, data);
	return write_out(sealer, data, sizeof data, err);
}

static enum cadre_status publish(struct cadre_log *log, struct cadre_segment *segment,
                                 struct cadre_error *err)
{
	struct cadre_sealer *sealer = log->sealer;
	char from[CADRE_LOG_PATH_BYTES];
	char to[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	temp_path(log, sealer->header.first_seq, from);
	cadre_log_segment_path(log, sealer->header.first_seq, to);
	status = log->env->ops->rename(log->env, from, to, err);
	if (status != CADRE_OK)
		return status;
	/* Both files hold the same batches: which name wins a crash does not matter,
	 * but from here on readers see the sealed one. */
	segment->header.sealed = true;
	segment->header.file_bytes = 0;
	segment->end = sealer->out_bytes;
	segment->batch_bytes = sealer->footer.batch_bytes;
	free_sealer(sealer);
	log->sealer = NULL;
	return log->env->ops->sync_dir(log->env, log->dir, err);
}

static enum cadre_status step(struct cadre_log *log, struct cadre_segment *segment,
                              size_t budget, struct cadre_error *err)
{
	struct cadre_sealer *sealer = log->sealer;
	uint64_t stop = sealer->tail.end + budget;
	enum cadre_status status = CADRE_OK;

	if (stop > sealer->end || stop < sealer->tail.end)
		stop = sealer->end;
	while (status == CADRE_OK && sealer->tail.end < stop)
		status = take_frame(sealer, err);
	if (status == CADRE_OK && sealer->tail.end == sealer->end) {
		status = write_footer(sealer, err);
		if (status == CADRE_OK)
			status = log->env->ops->datasync(sealer->out, err);
		return status == CADRE_OK ? publish(log, segment, err) : status;
	}
	/* By slices, so that no sync has much to do. */
	return status == CADRE_OK ? log->env->ops->datasync(sealer->out, err) : status;
}

/* The first closed segment that is not sealed, NULL when there is none. */
static struct cadre_segment *find_closed(struct cadre_log *log)
{
	for (size_t i = 0; i < log->count; i++) {
		struct cadre_segment *segment = &log->segments[i];
		bool active = i + 1 == log->count && log->active;
		if (!segment->header.sealed && !active &&
		    segment->last_seq >= segment->header.first_seq)
			return segment;
	}
	return NULL;
}

enum cadre_status cadre_log_seal_step(struct cadre_log *log, size_t budget,
                                      bool *ret_more, struct cadre_error *err)
{
	struct cadre_segment *segment = find_closed(log);
	enum cadre_status status = CADRE_OK;

	*ret_more = false;
	if (!segment)
		return CADRE_OK;
	if (!log->sealer)
		status = begin(log, segment, err);
	if (status == CADRE_OK)
		status = step(log, segment, budget, err);
	if (status != CADRE_OK) {
		cadre_log_abandon_sealer(log);
		return status;
	}
	*ret_more = find_closed(log) != NULL;
	return CADRE_OK;
}

enum cadre_status cadre_log_seal_all(struct cadre_log *log, struct cadre_error *err)
{
	struct cadre_segment *last = cadre_log_last_segment(log);
	bool more = true;
	enum cadre_status status = CADRE_OK;

	CADRE_ASSERT(!log->read_only);
	if (log->latched)
		return cadre_error_set(err, CADRE_IO_ERROR,
		                       "\"%.400s\": a write failed before; restart",
		                       log->dir);
	CADRE_ASSERT(!log->unsynced);
	if (log->active && last && last->last_seq >= last->header.first_seq) {
		cadre_file_close(log->active);
		log->active = NULL;
	}
	while (status == CADRE_OK && more)
		status = cadre_log_seal_step(log, SIZE_MAX, &more, err);
	return status;
}
