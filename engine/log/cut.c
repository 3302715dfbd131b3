/*
 * Explicit changes of where a log ends or starts: the repair that cuts behind a
 * seq, and the empty log of a node restored from a snapshot.
 *
 * A cut first copies the segment it falls into and all later ones to lost+found,
 * then replaces that segment by one that ends there (built under a temporary name),
 * then removes the later ones from the last one back. Interrupted behind the
 * replacement it leaves a log that is damaged (segments are missing) until the cut
 * is done again; nothing in front of the cut is ever at risk.
 */
#include "engine/log/internal.h"

#include "engine/base/assert.h"

#define CUT_TEMP "cut.tmp"

static enum cadre_status keep_file(struct cadre_log *log, cadre_seq first_seq,
                                   struct cadre_error *err)
{
	char path[CADRE_LOG_PATH_BYTES];
	struct cadre_file *file;
	uint64_t size = 0;
	enum cadre_status status;

	cadre_log_segment_path(log, first_seq, path);
	status = cadre_file_open(log->env, path, CADRE_OPEN_READ, &file, err);
	if (status != CADRE_OK)
		return status;
	status = log->env->ops->size(file, &size, err);
	if (status == CADRE_OK)
		status = cadre_log_keep_lost(log, file, first_seq, 0, size, err);
	cadre_file_close(file);
	return status;
}

static enum cadre_status drop_file(struct cadre_log *log, cadre_seq first_seq,
                                   struct cadre_error *err)
{
	char path[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	cadre_log_segment_path(log, first_seq, path);
	status = log->env->ops->remove(log->env, path, err);
	if (status == CADRE_OK)
		status = log->env->ops->sync_dir(log->env, log->dir, err);
	return status;
}

/* The batches of the segment from its start to `last_seq`. */
static enum cadre_status read_batches(struct cadre_log *log, cadre_seq first_seq,
                                      cadre_seq last_seq, struct cadre_buffer *out,
                                      struct cadre_error *err)
{
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	cadre_seq seq = first_seq - 1;
	enum cadre_status status = CADRE_OK;

	if (last_seq < first_seq)
		return CADRE_OK;
	status = cadre_log_cursor_open(log, first_seq, &cursor, err);
	while (status == CADRE_OK && seq < last_seq) {
		status = cadre_log_cursor_next(cursor, &batch, err);
		if (status != CADRE_OK)
			break;
		seq = cadre_batch_last_seq(&batch.header);
		status = cadre_buffer_append(out, batch.bytes.data, batch.bytes.length);
	}
	cadre_log_cursor_close(cursor);
	if (status == CADRE_END || (status == CADRE_OK && seq != last_seq))
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "seq %llu does not end a readable batch of \"%.300s\"",
		        (unsigned long long)last_seq, log->dir);
	return status;
}

/* Appends whole batches by frames of at most the frame's limit. */
static enum cadre_status append_batches(struct cadre_log *log, struct cadre_slice batches,
                                        cadre_seq commit_seq, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK && batches.length > 0) {
		struct cadre_batch batch;
		status = cadre_batch_scan(batches, &batch, err);
		if (status == CADRE_OK)
			status = cadre_log_append(log, batch.bytes, commit_seq, err);
		if (status == CADRE_OK)
			status = cadre_log_sync(log, err);
		batches.data += batch.bytes.length;
		batches.length -= batch.bytes.length;
	}
	return status;
}

static struct cadre_log_head head_before(const struct cadre_segment_header *header)
{
	struct cadre_log_head head = {
		.last_seq = header->first_seq - 1,
		.durable_seq = header->first_seq - 1,
		.commit_seq = header->commit_seq,
		.epoch = header->epoch,
		.time_ms = header->time_ms,
		.chain = header->chain,
	};

	return head;
}

static enum cadre_status write_header(struct cadre_log *log,
                                      const struct cadre_segment_header *header,
                                      struct cadre_error *err)
{
	uint8_t block[CADRE_LOG_BLOCK_BYTES] = { 0 };
	enum cadre_status status;

	cadre_segment_header_encode(header, block);
	status = log->env->ops->pwrite(log->active, 0, block, sizeof block, err);
	return status == CADRE_OK ? log->env->ops->datasync(log->active, err) : status;
}

/* Builds the segment that replaces the one of the cut, under a temporary name. */
static enum cadre_status build_segment(struct cadre_log *log,
                                       struct cadre_segment_header header,
                                       const char *temp, struct cadre_slice batches,
                                       cadre_seq commit_seq, struct cadre_error *err)
{
	char next[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	cadre_log_path(log->dir, CADRE_LOG_NEXT, next);
	status = cadre_log_prepare_step(log, header.file_bytes, SIZE_MAX, err);
	if (status == CADRE_OK)
		status = log->env->ops->rename(log->env, next, temp, err);
	if (status == CADRE_OK)
		status = cadre_file_open(log->env, temp, CADRE_OPEN_WRITE, &log->active,
		                         err);
	if (status != CADRE_OK)
		return status;
	log->next_bytes = 0;
	log->env->ops->random(log->env, &header.salt, sizeof header.salt);
	log->count = 1;
	log->segments[0] = (struct cadre_segment){ .header = header,
		                                   .last_seq = header.first_seq - 1,
		                                   .end = CADRE_LOG_BLOCK_BYTES };
	log->head = head_before(&header);
	status = write_header(log, &header, err);
	return status == CADRE_OK ? append_batches(log, batches, commit_seq, err)
	                          : status;
}

static enum cadre_status replace_segment(struct cadre_log *log,
                                         const struct cadre_segment_header *header,
                                         struct cadre_slice batches, cadre_seq commit_seq,
                                         struct cadre_error *err)
{
	char temp[CADRE_LOG_PATH_BYTES];
	char path[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	cadre_log_path(log->dir, CUT_TEMP, temp);
	cadre_log_segment_path(log, header->first_seq, path);
	status = build_segment(log, *header, temp, batches, commit_seq, err);
	if (status == CADRE_OK)
		status = log->env->ops->rename(log->env, temp, path, err);
	if (status == CADRE_OK)
		status = log->env->ops->sync_dir(log->env, log->dir, err);
	return status;
}

static uint64_t room_for(const struct cadre_log *log, struct cadre_slice batches)
{
	uint64_t room = CADRE_LOG_BLOCK_BYTES + cadre_frame_padded_bytes(0);
	struct cadre_batch batch;

	while (batches.length > 0 &&
	       cadre_batch_scan(batches, &batch, NULL) == CADRE_OK) {
		room += cadre_frame_padded_bytes(batch.bytes.length);
		batches.data += batch.bytes.length;
		batches.length -= batch.bytes.length;
	}
	return room > log->segment_bytes ? room : log->segment_bytes;
}

/* `log`: a read handle of what is sound. */
static enum cadre_status cut(struct cadre_log *log, const struct cadre_log_names *names,
                             cadre_seq last_seq, struct cadre_error *err)
{
	struct cadre_buffer batches = { 0 };
	struct cadre_segment_header header;
	cadre_seq commit_seq = log->head.commit_seq < last_seq ? log->head.commit_seq
	                                                       : last_seq;
	size_t keep = 0;
	enum cadre_status status;

	while (keep + 1 < log->count &&
	       log->segments[keep + 1].header.first_seq <= last_seq)
		keep++;
	header = log->segments[keep].header;
	status = read_batches(log, header.first_seq, last_seq, &batches, err);
	for (size_t i = keep; status == CADRE_OK && i < names->count; i++)
		status = keep_file(log, names->first_seqs[i], err);
	cadre_window_fini(&log->tail);
	log->read_only = false;
	header.sealed = false;
	header.file_bytes = room_for(log, cadre_buffer_slice(&batches));
	if (status == CADRE_OK)
		status = replace_segment(log, &header, cadre_buffer_slice(&batches),
		                         commit_seq, err);
	for (size_t i = names->count; status == CADRE_OK && i-- > keep + 1;)
		status = drop_file(log, names->first_seqs[i], err);
	cadre_buffer_fini(&batches);
	return status;
}

enum cadre_status cadre_log_cut(struct cadre_env *env,
                                const struct cadre_log_options *options,
                                cadre_seq last_seq, struct cadre_error *err)
{
	struct cadre_log_options lenient = *options;
	struct cadre_log_names names;
	struct cadre_log *log;
	enum cadre_status status;

	lenient.durable_floor = 0;
	status = cadre_log_open_read(env, &lenient, &log, NULL, err);
	if (status != CADRE_OK)
		return status;
	if (log->count == 0 || last_seq > log->head.last_seq ||
	    last_seq + 1 < log->segments[0].header.first_seq) {
		status =
		        cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                        "seq %llu: \"%.300s\" is readable up to seq %llu",
		                        (unsigned long long)last_seq, log->dir,
		                        (unsigned long long)log->head.last_seq);
		cadre_log_close(log);
		return status;
	}
	status = cadre_log_list(log, &names, err);
	if (status == CADRE_OK) {
		status = cut(log, &names, last_seq, err);
		cadre_log_names_fini(&names);
	}
	cadre_log_close(log);
	return status;
}

enum cadre_status
cadre_log_create_at(struct cadre_env *env, const struct cadre_log_options *options,
                    cadre_seq first_seq, cadre_epoch epoch, cadre_time_ms time_ms,
                    const struct cadre_sha256 *chain, struct cadre_error *err)
{
	struct cadre_log_names names;
	struct cadre_log *log;
	enum cadre_status status = cadre_log_new(env, options, &log, err);

	CADRE_ASSERT(first_seq > 0);
	if (status != CADRE_OK)
		return status;
	status = cadre_log_open_dir(log, err);
	if (status == CADRE_OK)
		status = cadre_log_list(log, &names, err);
	if (status == CADRE_OK) {
		if (names.count > 0)
			status = cadre_error_set(err, CADRE_CONFLICT,
			                         "\"%.400s\" holds a log already",
			                         log->dir);
		cadre_log_names_fini(&names);
	}
	if (status == CADRE_OK) {
		log->head = (struct cadre_log_head){ .last_seq = first_seq - 1,
			                             .durable_seq = first_seq - 1,
			                             .commit_seq = first_seq - 1,
			                             .epoch = epoch,
			                             .time_ms = time_ms,
			                             .chain = *chain };
		status = cadre_log_prepare_step(log, log->segment_bytes, SIZE_MAX, err);
	}
	if (status == CADRE_OK)
		status = cadre_log_roll(log, err);
	cadre_log_close(log);
	return status;
}
