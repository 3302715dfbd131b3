/* Opening: recovery for the writer, a view for readers. */
#include "engine/log/internal.h"

#include "engine/base/assert.h"

#include <stdio.h>

#define COPY_BYTES (1u << 20)

/* Copies `length` bytes from `offset` of the open file to a new file in lost+found
 * and syncs it. */
static enum cadre_status copy_range(struct cadre_env *env, struct cadre_file *from,
                                    uint64_t offset, uint64_t length, const char *path,
                                    struct cadre_error *err)
{
	struct cadre_window window = { .file = from, .limit = offset + length };
	struct cadre_file *to;
	uint64_t done = 0;
	enum cadre_status status = cadre_file_open(
	        env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE, &to, err);

	if (status != CADRE_OK)
		return status;
	while (status == CADRE_OK && done < length) {
		uint64_t left = length - done;
		size_t piece = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
		const uint8_t *data;
		status = cadre_window_get(&window, offset + done, piece, &data, err);
		if (status == CADRE_OK)
			status = env->ops->pwrite(to, done, data, piece, err);
		done += piece;
	}
	if (status == CADRE_OK)
		status = env->ops->datasync(to, err);
	cadre_file_close(to);
	window.file = NULL;
	cadre_window_fini(&window);
	return status;
}

enum cadre_status cadre_log_keep_lost(struct cadre_log *log, struct cadre_file *from,
                                      cadre_seq first_seq, uint64_t offset,
                                      uint64_t length, struct cadre_error *err)
{
	struct cadre_env *env = log->env;
	char name[CADRE_SEGMENT_NAME_BYTES + 64];
	char segment[CADRE_SEGMENT_NAME_BYTES];
	char path[CADRE_LOG_PATH_BYTES];
	uint64_t salt;
	enum cadre_status status;

	if (log->lost_found_dir[0] == '\0' || length == 0)
		return CADRE_OK;
	status = env->ops->mkdir(env, log->lost_found_dir, err);
	if (status != CADRE_OK)
		return status;
	env->ops->random(env, &salt, sizeof salt);
	cadre_segment_name(first_seq, segment);
	snprintf(name, sizeof name, "%s.%llx.%08x", segment, (unsigned long long)offset,
	         (unsigned)(salt & 0xffffffffu));
	cadre_log_path(log->lost_found_dir, name, path);
	status = copy_range(env, from, offset, length, path, err);
	if (status == CADRE_OK)
		return env->ops->sync_dir(env, log->lost_found_dir, err);
	if (env->ops->remove(env, path, NULL) != CADRE_OK)
		return status;
	return status;
}

static enum cadre_status zero_range(struct cadre_file *file, uint64_t offset,
                                    uint64_t end, struct cadre_error *err)
{
	static const uint8_t zeros[CADRE_LOG_BLOCK_BYTES];

	for (; offset < end; offset += sizeof zeros) {
		enum cadre_status status = file->env->ops->pwrite(file, offset, zeros,
		                                                  sizeof zeros, err);
		if (status != CADRE_OK)
			return status;
	}
	return file->env->ops->datasync(file, err);
}

static enum cadre_status cut_torn(struct cadre_log *log, const struct cadre_tail *tail,
                                  struct cadre_log_report *report,
                                  struct cadre_error *err)
{
	struct cadre_segment *segment = cadre_log_last_segment(log);
	uint64_t length = tail->bad_end - tail->end;
	enum cadre_status status;

	CADRE_ASSERT(segment);
	status = cadre_log_keep_lost(log, log->active, segment->header.first_seq,
	                             tail->end, length, err);

	/* A full disk must not keep a node from starting; nobody was told that the
	 * torn bytes are stored. */
	if (status != CADRE_OK && status != CADRE_OUT_OF_SPACE)
		return status;
	status = zero_range(log->active, tail->end, tail->bad_end, err);
	if (status == CADRE_OK)
		report->torn_bytes = length;
	return status;
}

/* What was read came from the page cache and was perhaps never on disk: the frames
 * that nothing proves durable are written again. */
static enum cadre_status rewrite_unsynced(struct cadre_log *log,
                                          const struct cadre_tail *tail,
                                          struct cadre_log_report *report,
                                          struct cadre_error *err)
{
	struct cadre_window window = { .file = log->active, .limit = tail->end };
	enum cadre_status status = CADRE_OK;
	uint64_t at = tail->unsynced_offset;

	if (at == tail->end)
		return CADRE_OK;
	while (status == CADRE_OK && at < tail->end) {
		uint64_t left = tail->end - at;
		size_t piece = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
		const uint8_t *data;
		status = cadre_window_get(&window, at, piece, &data, err);
		if (status == CADRE_OK)
			status = log->env->ops->pwrite(log->active, at, data, piece, err);
		at += piece;
	}
	if (status == CADRE_OK)
		status = log->env->ops->datasync(log->active, err);
	if (status == CADRE_OK)
		report->rewritten_bytes = tail->end - tail->unsynced_offset;
	window.file = NULL;
	cadre_window_fini(&window);
	return status;
}

static enum cadre_status recover_last(struct cadre_log *log,
                                      const struct cadre_tail *tail,
                                      struct cadre_log_report *report,
                                      struct cadre_error *err)
{
	struct cadre_segment *segment = cadre_log_last_segment(log);
	char path[CADRE_LOG_PATH_BYTES];
	enum cadre_status status;

	if (!segment || segment->header.sealed)
		return CADRE_OK;
	cadre_log_segment_path(log, segment->header.first_seq, path);
	status = cadre_file_open(log->env, path, CADRE_OPEN_WRITE, &log->active, err);
	/* Who named the segment perhaps died before it synced the directory. */
	log->unpublished = true;
	if (status == CADRE_OK && tail->state == CADRE_TORN)
		status = cut_torn(log, tail, report, err);
	if (status == CADRE_OK)
		status = rewrite_unsynced(log, tail, report, err);
	return status;
}

static enum cadre_status drop_temp(void *ctx, const char *name)
{
	struct cadre_log *log = ctx;
	const char *dot = strrchr(name, '.');
	char path[CADRE_LOG_PATH_BYTES];

	if (!dot || strcmp(dot, ".tmp") != 0 || strlen(name) > 64)
		return CADRE_OK;
	cadre_log_path(log->dir, name, path);
	return log->env->ops->remove(log->env, path, NULL);
}

/* A next.seg left behind was synced as zeros; a roll that did not finish may have
 * put a header into it. */
static enum cadre_status adopt_next(struct cadre_log *log, struct cadre_error *err)
{
	char path[CADRE_LOG_PATH_BYTES];
	struct cadre_file *file;
	uint64_t size = 0;
	enum cadre_status status;

	cadre_log_path(log->dir, CADRE_LOG_NEXT, path);
	status = cadre_file_open(log->env, path, CADRE_OPEN_WRITE, &file, err);
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	status = log->env->ops->size(file, &size, err);
	cadre_file_close(file);
	if (status == CADRE_OK && size >= 2 * CADRE_LOG_BLOCK_BYTES &&
	    size % CADRE_LOG_BLOCK_BYTES == 0)
		log->next_bytes = size;
	return status;
}

static enum cadre_status first_segment(struct cadre_log *log, struct cadre_error *err)
{
	enum cadre_status status = cadre_log_make_room(log, cadre_frame_padded_bytes(0),
	                                               err);

	/* Without space a log that has content still opens: it reads. */
	if (status == CADRE_OUT_OF_SPACE && log->count > 0)
		return CADRE_OK;
	return status;
}

/* Durability: after CADRE_OK the directory itself survives. */
static enum cadre_status make_dir(struct cadre_env *env, const char *path,
                                  struct cadre_error *err)
{
	char parent[CADRE_LOG_DIR_BYTES];
	const char *slash = strrchr(path, '/');
	enum cadre_status status = env->ops->mkdir(env, path, err);

	if (status != CADRE_OK)
		return status;
	if (!slash)
		return env->ops->sync_dir(env, ".", err);
	if (slash == path)
		return env->ops->sync_dir(env, "/", err);
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return env->ops->sync_dir(env, parent, err);
}

/* A directory that holds something was made durable by whoever put it there. */
enum cadre_status cadre_log_open_dir(struct cadre_log *log, struct cadre_error *err)
{
	struct cadre_env *env = log->env;
	struct cadre_log_names names;
	enum cadre_status status = cadre_log_list(log, &names, NULL);
	bool fresh = status == CADRE_NOT_FOUND ||
	             (status == CADRE_OK && names.count == 0);

	if (status == CADRE_OK)
		cadre_log_names_fini(&names);
	if (fresh) {
		status = make_dir(env, log->dir, err);
		if (status != CADRE_OK)
			return status;
	}
	return env->ops->list(env, log->dir, drop_temp, log, err);
}

enum cadre_status cadre_log_open(struct cadre_env *env,
                                 const struct cadre_log_options *options,
                                 struct cadre_log **ret_log,
                                 struct cadre_log_report *ret_report,
                                 struct cadre_error *err)
{
	struct cadre_log_report report = { 0 };
	struct cadre_tail tail = { 0 };
	struct cadre_log *log;
	enum cadre_status status = cadre_log_new(env, options, &log, err);

	if (status != CADRE_OK)
		return status;
	status = cadre_log_open_dir(log, err);
	if (status == CADRE_OK)
		status = cadre_log_load(log, options->durable_floor, &tail, &report, err);
	if (status == CADRE_OK)
		status = recover_last(log, &tail, &report, err);
	if (status == CADRE_OK)
		status = adopt_next(log, err);
	log->head.durable_seq = log->head.last_seq;
	if (status == CADRE_OK && !log->active)
		status = first_segment(log, err);
	if (ret_report)
		*ret_report = report;
	if (status != CADRE_OK) {
		cadre_log_close(log);
		return status;
	}
	*ret_log = log;
	return CADRE_OK;
}
