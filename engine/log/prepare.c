/*
 * Segments are written with zeros before they are used, so that an append neither
 * allocates space nor changes the size of a file: next.tmp grows by slices, is
 * synced and renamed to next.seg. A roll writes the header into next.seg, syncs it
 * and renames it to its final name: a named segment always has a good header. No
 * frame goes into it before the directory is synced.
 *
 * A full disk may stop any of these steps, names and directories take space too: the
 * step is refused with CADRE_OUT_OF_SPACE and done again with the next frame. Any
 * other failure of a roll latches the handle.
 */
#include "engine/log/internal.h"

#include "engine/base/assert.h"

#define ZERO_BYTES (1u << 20)
static const uint8_t zeros[ZERO_BYTES];

void cadre_log_abandon_preparation(struct cadre_log *log)
{
	struct cadre_preparation *preparation = &log->preparation;
	char path[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	cadre_file_close(preparation->file);
	memset(preparation, 0, sizeof *preparation);
	cadre_log_path(log->dir, CADRE_LOG_NEXT_TEMP, path);
	status = log->env->ops->remove(log->env, path, NULL);
	(void)status; /* what is left is removed by the next preparation */
}

static enum cadre_status begin(struct cadre_log *log, uint64_t bytes,
                               struct cadre_error *err)
{
	struct cadre_preparation *preparation = &log->preparation;
	char path[CADRE_LOG_PATH_BYTES];
	struct cadre_space space;
	enum cadre_status status;

	/* Writing zeros until a full disk says no would take the last room from others. */
	status = log->env->ops->space(log->env, log->dir, &space, err);
	if (status != CADRE_OK)
		return status;
	if (space.free_bytes < bytes)
		return cadre_error_set(
		        err, CADRE_OUT_OF_SPACE,
		        "\"%.400s\": %llu MiB free, the next segment takes %llu",
		        log->dir, (unsigned long long)(space.free_bytes >> 20),
		        (unsigned long long)(bytes >> 20));
	cadre_log_path(log->dir, CADRE_LOG_NEXT_TEMP, path);
	status = cadre_file_open(log->env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
	                         &preparation->file, err);
	if (status != CADRE_OK)
		return status;
	preparation->bytes = bytes;
	preparation->written = 0;
	return log->env->ops->truncate(preparation->file, 0, err);
}

static enum cadre_status finish(struct cadre_log *log, struct cadre_error *err)
{
	char temp[CADRE_LOG_PATH_BYTES];
	char path[CADRE_LOG_PATH_BYTES];
	uint64_t bytes = log->preparation.bytes;
	enum cadre_status status;

	cadre_log_path(log->dir, CADRE_LOG_NEXT_TEMP, temp);
	cadre_log_path(log->dir, CADRE_LOG_NEXT, path);
	cadre_file_close(log->preparation.file);
	memset(&log->preparation, 0, sizeof log->preparation);
	log->next_bytes = 0;
	/* The roll syncs the directory; until then nothing depends on the name. */
	status = log->env->ops->rename(log->env, temp, path, err);
	if (status == CADRE_OK)
		log->next_bytes = bytes;
	return status;
}

/* Writes and syncs the next `budget` bytes, so that no sync has much to do. */
static enum cadre_status fill(struct cadre_log *log, size_t budget,
                              struct cadre_error *err)
{
	struct cadre_preparation *preparation = &log->preparation;
	uint64_t stop = preparation->written + budget;

	if (stop > preparation->bytes || stop < preparation->written)
		stop = preparation->bytes;
	while (preparation->written < stop) {
		uint64_t left = stop - preparation->written;
		size_t piece = left < ZERO_BYTES ? (size_t)left : ZERO_BYTES;
		enum cadre_status status = log->env->ops->pwrite(
		        preparation->file, preparation->written, zeros, piece, err);
		if (status != CADRE_OK)
			return status;
		preparation->written += piece;
	}
	return log->env->ops->datasync(preparation->file, err);
}

enum cadre_status cadre_log_prepare_step(struct cadre_log *log, uint64_t bytes,
                                         size_t budget, struct cadre_error *err)
{
	struct cadre_preparation *preparation = &log->preparation;
	enum cadre_status status = CADRE_OK;

	CADRE_ASSERT(budget > 0 && !log->read_only);
	if (log->next_bytes >= bytes)
		return CADRE_OK;
	if (preparation->file && preparation->bytes < bytes)
		cadre_log_abandon_preparation(log);
	if (!preparation->file)
		status = begin(log, bytes, err);
	if (status == CADRE_OK)
		status = fill(log, budget, err);
	if (status == CADRE_OK && preparation->written == preparation->bytes)
		status = finish(log, err);
	if (status != CADRE_OK)
		cadre_log_abandon_preparation(log);
	return status;
}

static enum cadre_status write_header(struct cadre_log *log,
                                      const struct cadre_segment_header *header,
                                      struct cadre_file **ret_file,
                                      struct cadre_error *err)
{
	uint8_t block[CADRE_LOG_BLOCK_BYTES] = { 0 };
	char path[CADRE_LOG_PATH_BYTES];
	struct cadre_file *file;
	enum cadre_status status;

	cadre_segment_header_encode(header, block);
	cadre_log_path(log->dir, CADRE_LOG_NEXT, path);
	status = cadre_file_open(log->env, path, CADRE_OPEN_WRITE, &file, err);
	if (status != CADRE_OK)
		return status;
	status = log->env->ops->pwrite(file, 0, block, sizeof block, err);
	if (status == CADRE_OK)
		status = log->env->ops->datasync(file, err);
	if (status != CADRE_OK) {
		cadre_file_close(file);
		return status;
	}
	*ret_file = file;
	return CADRE_OK;
}

static struct cadre_segment_header header_after(const struct cadre_log *log)
{
	struct cadre_segment_header header = {
		.first_seq = log->head.last_seq + 1,
		.file_bytes = log->next_bytes,
		.epoch = log->head.epoch,
		.time_ms = log->head.time_ms,
		.commit_seq = log->head.commit_seq,
		.chain = log->head.chain,
	};

	log->env->ops->random(log->env, &header.salt, sizeof header.salt);
	return header;
}

/* A failure other than a full disk means that nothing is certain any more. */
static enum cadre_status judge(struct cadre_log *log, enum cadre_status status)
{
	if (status == CADRE_OK || status == CADRE_OUT_OF_SPACE)
		return status;
	log->latched = true;
	return CADRE_IO_ERROR;
}

static enum cadre_status publish(struct cadre_log *log, struct cadre_error *err)
{
	enum cadre_status status = log->env->ops->sync_dir(log->env, log->dir, err);

	log->unpublished = status != CADRE_OK;
	return judge(log, status);
}

/* What a failed sync left of next.seg is not known. */
static void forget_next(struct cadre_log *log)
{
	char path[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	log->next_bytes = 0;
	cadre_log_path(log->dir, CADRE_LOG_NEXT, path);
	status = log->env->ops->remove(log->env, path, NULL);
	(void)status; /* what is left is replaced by the next preparation */
}

static enum cadre_status name_next(struct cadre_log *log, cadre_seq first_seq,
                                   struct cadre_error *err)
{
	char from[CADRE_LOG_PATH_BYTES];
	char to[CADRE_LOG_PATH_BYTES];

	cadre_log_path(log->dir, CADRE_LOG_NEXT, from);
	cadre_log_segment_path(log, first_seq, to);
	return log->env->ops->rename(log->env, from, to, err);
}

/* Makes the file, which has its header and name, the active segment. */
static void activate(struct cadre_log *log, const struct cadre_segment_header *header,
                     struct cadre_file *file)
{
	struct cadre_segment *segment = cadre_log_last_segment(log);

	log->next_bytes = 0;
	cadre_file_close(log->active);
	log->active = file;
	/* An empty segment too small for the frame is replaced: same first seq. */
	if (!segment || segment->header.first_seq != header->first_seq)
		segment = &log->segments[log->count++];
	memset(segment, 0, sizeof *segment);
	segment->header = *header;
	segment->last_seq = header->first_seq - 1;
	segment->end = CADRE_LOG_BLOCK_BYTES;
	log->last_is_seal = true; /* the header carries what is durable */
}

enum cadre_status cadre_log_roll(struct cadre_log *log, struct cadre_error *err)
{
	struct cadre_segment_header header = header_after(log);
	struct cadre_file *file = NULL;
	enum cadre_status status;

	CADRE_ASSERT(log->next_bytes > 0 && !log->unsynced && !log->latched);
	status = cadre_log_reserve_segment(log, err);
	if (status != CADRE_OK)
		return status;
	status = write_header(log, &header, &file, err);
	if (status == CADRE_OUT_OF_SPACE)
		forget_next(log);
	if (status == CADRE_OK)
		status = name_next(log, header.first_seq, err);
	if (status != CADRE_OK) {
		cadre_file_close(file);
		return judge(log, status);
	}
	activate(log, &header, file);
	return publish(log, err);
}

static bool has_room(struct cadre_log *log, size_t padded)
{
	struct cadre_segment *segment = cadre_log_last_segment(log);

	return segment && log->active &&
	       segment->header.file_bytes - segment->end >= padded;
}

/* Bytes of the segment that takes a frame of `padded` bytes next. */
static uint64_t bytes_for(const struct cadre_log *log, size_t padded)
{
	uint64_t needed = CADRE_LOG_BLOCK_BYTES + padded;

	return needed > log->segment_bytes ? needed : log->segment_bytes;
}

enum cadre_status cadre_log_make_room(struct cadre_log *log, size_t padded,
                                      struct cadre_error *err)
{
	enum cadre_status status = log->unpublished ? publish(log, err) : CADRE_OK;

	if (status != CADRE_OK || has_room(log, padded))
		return status;
	status = cadre_log_prepare_step(log, bytes_for(log, padded), SIZE_MAX, err);
	if (status != CADRE_OK)
		return status;
	return cadre_log_roll(log, err);
}

enum cadre_status cadre_log_prepare(struct cadre_log *log, size_t payload_bytes,
                                    struct cadre_error *err)
{
	size_t padded = cadre_frame_padded_bytes(payload_bytes);

	if (log->latched)
		return cadre_error_set(err, CADRE_IO_ERROR,
		                       "\"%s\": a write failed before; restart",
		                       log->dir);
	if (!log->unsynced)
		return cadre_log_make_room(log, padded, err);
	if (has_room(log, padded))
		return CADRE_OK;
	return cadre_log_prepare_step(log, bytes_for(log, padded), SIZE_MAX, err);
}
