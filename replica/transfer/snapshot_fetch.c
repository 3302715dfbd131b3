#include "replica/transfer/snapshot_fetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "replica/transfer/snapshot_source.h"

#define PATH_BYTES 4096u
#define MIB ((uint64_t)1 << 20)
/* For the log and what else the node writes meanwhile. */
#define SPACE_RESERVE_BYTES (64 * MIB)

/* One fetch under way. */
struct fetching {
	const struct cadre_snapshot_fetch *options;
	struct cadre_env *env;
	struct cadre_link_answer answer;
	cadre_seq seq;
	uint64_t rows_bytes;
	struct cadre_buffer manifest;
	struct cadre_file *rows;
	uint64_t offset;            /* bytes of the rows that are here */
	char fetch_dir[PATH_BYTES]; /* what is not whole yet */
	char part[PATH_BYTES];      /* the snapshot in it */
	char whole[PATH_BYTES];     /* where it goes */
};

static enum cadre_status join(char path[PATH_BYTES], const char *dir, const char *name,
                              struct cadre_error *err)
{
	int length = snprintf(path, PATH_BYTES, "%s/%s", dir, name);

	if (length < 0 || (unsigned)length >= PATH_BYTES)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "path \"%.64s...\": over %u bytes", dir,
		                       PATH_BYTES - 1);
	return CADRE_OK;
}

static enum cadre_status ask(struct fetching *fetching,
                             const Cadre__V1__ReplicationRequest *request,
                             Cadre__V1__ReplicationAnswer__BodyCase expected,
                             struct cadre_error *err)
{
	uint32_t timeout_ms = fetching->options->timeout_ms;
	enum cadre_status status =
	        cadre_link_ask(fetching->options->link, request,
	                       timeout_ms ? timeout_ms : CADRE_SNAPSHOT_FETCH_TIMEOUT_MS,
	                       &fetching->answer, err);

	if (status == CADRE_OK && fetching->answer.message->body_case != expected)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "the leader answered something else");
	return status;
}

static enum cadre_status open_snapshot(struct fetching *fetching, struct cadre_error *err)
{
	Cadre__V1__SnapshotOpen open = CADRE__V1__SNAPSHOT_OPEN__INIT;
	Cadre__V1__ReplicationRequest request = CADRE__V1__REPLICATION_REQUEST__INIT;
	const Cadre__V1__SnapshotInfo *info;
	char name[24];
	enum cadre_status status;

	open.node_id.data = (uint8_t *)(uintptr_t)fetching->options->node_id;
	open.node_id.len = 16;
	request.version = 1;
	request.body_case = CADRE__V1__REPLICATION_REQUEST__BODY_SNAPSHOT_OPEN;
	request.snapshot_open = &open;
	status = ask(fetching, &request,
	             CADRE__V1__REPLICATION_ANSWER__BODY_SNAPSHOT_INFO, err);
	if (status != CADRE_OK)
		return status;
	info = fetching->answer.message->snapshot_info;
	if (info->manifest.len == 0)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "the leader sent an empty manifest");
	fetching->seq = info->seq;
	fetching->rows_bytes = info->rows_bytes;
	(void)snprintf(name, sizeof name, "%016" PRIx64, info->seq);
	status = cadre_buffer_append(&fetching->manifest, info->manifest.data,
	                             info->manifest.len);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "no memory for a manifest");
	status = join(fetching->fetch_dir, fetching->options->snapshot_dir, "fetch", err);
	if (status == CADRE_OK)
		status = join(fetching->part, fetching->fetch_dir, name, err);
	if (status == CADRE_OK)
		status = join(fetching->whole, fetching->options->snapshot_dir, name,
		              err);
	return status;
}

/* Whether `dir` holds exactly the manifest that the leader gave. */
static bool same_manifest(struct fetching *fetching, const char *dir)
{
	size_t length = fetching->manifest.length;
	uint8_t *bytes = malloc(length + 1);
	struct cadre_file *file = NULL;
	char path[PATH_BYTES];
	size_t got = 0;
	bool same = false;

	if (bytes && join(path, dir, "manifest", NULL) == CADRE_OK &&
	    cadre_file_open(fetching->env, path, CADRE_OPEN_READ, &file, NULL) ==
	            CADRE_OK &&
	    fetching->env->ops->pread(file, 0, bytes, length + 1, &got, NULL) == CADRE_OK)
		same = got == length &&
		       memcmp(bytes, fetching->manifest.data, length) == 0;
	cadre_file_close(file);
	free(bytes);
	return same;
}

struct leftovers {
	struct fetching *fetching;
	struct cadre_error *err;
};

/* Another snapshot that was begun and is not offered any more. */
static enum cadre_status remove_leftover(void *ctx, const char *name)
{
	struct leftovers *leftovers = ctx;
	struct fetching *fetching = leftovers->fetching;
	char path[PATH_BYTES];
	enum cadre_status status = join(path, fetching->fetch_dir, name, leftovers->err);

	if (status != CADRE_OK || strcmp(path, fetching->part) == 0)
		return status;
	return cadre_env_remove_tree(fetching->env, path, leftovers->err);
}

static enum cadre_status write_manifest(struct fetching *fetching,
                                        struct cadre_error *err)
{
	struct cadre_file *file = NULL;
	char path[PATH_BYTES];
	enum cadre_status status = join(path, fetching->part, "manifest", err);

	if (status == CADRE_OK)
		status = cadre_file_open(fetching->env, path,
		                         CADRE_OPEN_WRITE | CADRE_OPEN_CREATE, &file,
		                         err);
	if (status == CADRE_OK)
		status = fetching->env->ops->pwrite(file, 0, fetching->manifest.data,
		                                    fetching->manifest.length, err);
	if (status == CADRE_OK)
		status = fetching->env->ops->datasync(file, err);
	cadre_file_close(file);
	return status;
}

/* The place of what comes: empty, or as far as an earlier fetch of the same bytes. */
static enum cadre_status prepare_part(struct fetching *fetching, struct cadre_error *err)
{
	const struct cadre_env_ops *ops = fetching->env->ops;
	struct leftovers leftovers = { fetching, err };
	char path[PATH_BYTES];
	enum cadre_status status = ops->mkdir(fetching->env,
	                                      fetching->options->snapshot_dir, err);

	if (status == CADRE_OK)
		status = ops->mkdir(fetching->env, fetching->fetch_dir, err);
	if (status == CADRE_OK)
		status = ops->list(fetching->env, fetching->fetch_dir, remove_leftover,
		                   &leftovers, err);
	if (status == CADRE_OK && !same_manifest(fetching, fetching->part)) {
		status = cadre_env_remove_tree(fetching->env, fetching->part, err);
		if (status == CADRE_OK)
			status = ops->mkdir(fetching->env, fetching->part, err);
		if (status == CADRE_OK)
			status = write_manifest(fetching, err);
	}
	if (status == CADRE_OK)
		status = join(path, fetching->part, "rows", err);
	if (status == CADRE_OK)
		status = cadre_file_open(fetching->env, path,
		                         CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
		                         &fetching->rows, err);
	if (status == CADRE_OK)
		status = ops->size(fetching->rows, &fetching->offset, err);
	if (status == CADRE_OK && fetching->offset > fetching->rows_bytes) {
		fetching->offset = 0;
		status = ops->truncate(fetching->rows, 0, err);
	}
	return status;
}

static enum cadre_status check_space(const struct fetching *fetching,
                                     struct cadre_error *err)
{
	struct cadre_space space;
	/* No file is larger than a quarter of all numbers; their sum fits. */
	uint64_t rows = fetching->rows_bytes < UINT64_MAX / 16 ? fetching->rows_bytes
	                                                       : UINT64_MAX / 16;
	uint64_t left = rows > fetching->offset ? rows - fetching->offset : 0;
	uint64_t needed = left + rows * CADRE_SNAPSHOT_FETCH_GROWTH + SPACE_RESERVE_BYTES;
	enum cadre_status status = fetching->env->ops->space(
	        fetching->env, fetching->options->snapshot_dir, &space, err);

	if (status == CADRE_OK && space.free_bytes < needed)
		return cadre_error_set(err, CADRE_OUT_OF_SPACE,
		                       "\"%s\": the snapshot of seq %" PRIu64
		                       " needs %" PRIu64 " MiB with its views, %" PRIu64
		                       " MiB are free",
		                       fetching->options->snapshot_dir, fetching->seq,
		                       needed / MIB, space.free_bytes / MIB);
	return status;
}

static enum cadre_status take_chunk(struct fetching *fetching, struct cadre_error *err)
{
	Cadre__V1__SnapshotChunkRequest chunk = CADRE__V1__SNAPSHOT_CHUNK_REQUEST__INIT;
	Cadre__V1__ReplicationRequest request = CADRE__V1__REPLICATION_REQUEST__INIT;
	uint64_t left = fetching->rows_bytes - fetching->offset;
	const Cadre__V1__SnapshotBytes *bytes;
	enum cadre_status status;

	chunk.seq = fetching->seq;
	chunk.offset = fetching->offset;
	chunk.bytes = left < CADRE_SNAPSHOT_CHUNK_BYTES_MAX
	                      ? (uint32_t)left
	                      : CADRE_SNAPSHOT_CHUNK_BYTES_MAX;
	request.version = 1;
	request.body_case = CADRE__V1__REPLICATION_REQUEST__BODY_SNAPSHOT_CHUNK;
	request.snapshot_chunk = &chunk;
	status = ask(fetching, &request,
	             CADRE__V1__REPLICATION_ANSWER__BODY_SNAPSHOT_BYTES, err);
	if (status != CADRE_OK)
		return status;
	bytes = fetching->answer.message->snapshot_bytes;
	if (bytes->offset != fetching->offset || bytes->data.len == 0 ||
	    bytes->data.len > chunk.bytes)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "the leader sent %zu bytes at %" PRIu64
		                       ", asked for were %" PRIu32 " at %" PRIu64,
		                       bytes->data.len, bytes->offset, chunk.bytes,
		                       chunk.offset);
	status = fetching->env->ops->pwrite(fetching->rows, fetching->offset,
	                                    bytes->data.data, bytes->data.len, err);
	if (status == CADRE_OK)
		fetching->offset += bytes->data.len;
	return status;
}

static enum cadre_status take_rows(struct fetching *fetching, struct cadre_error *err)
{
	const struct cadre_snapshot_fetch *options = fetching->options;
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK && fetching->offset < fetching->rows_bytes) {
		status = take_chunk(fetching, err);
		if (status == CADRE_OK && options->progress) {
			status = options->progress(options->ctx, fetching->offset,
			                           fetching->rows_bytes);
			if (status != CADRE_OK)
				return cadre_error_set(err, status,
				                       "stopped while a snapshot came");
		}
	}
	if (status == CADRE_OK)
		status = fetching->env->ops->datasync(fetching->rows, err);
	cadre_file_close(fetching->rows);
	fetching->rows = NULL;
	return status;
}

/* Its last name, once every byte was looked at. */
static enum cadre_status finish(struct fetching *fetching, struct cadre_error *err)
{
	const struct cadre_env_ops *ops = fetching->env->ops;
	enum cadre_status status = cadre_snapshot_verify(
	        fetching->env, fetching->fetch_dir, fetching->seq, NULL, NULL, err);

	if (status == CADRE_CORRUPT || status == CADRE_DIVERGED) {
		enum cadre_status removed = cadre_env_remove_tree(fetching->env,
		                                                  fetching->part, NULL);
		/* What stays is refused again, and removed then. */
		(void)removed;
		return status;
	}
	if (status == CADRE_OK)
		status = ops->sync_dir(fetching->env, fetching->part, err);
	if (status == CADRE_OK)
		status = cadre_env_remove_tree(fetching->env, fetching->whole, err);
	if (status == CADRE_OK)
		status = ops->rename(fetching->env, fetching->part, fetching->whole, err);
	if (status == CADRE_OK)
		status = ops->sync_dir(fetching->env, fetching->options->snapshot_dir,
		                       err);
	return status;
}

/* An earlier fetch was whole, and the process ended before it was used. */
static bool is_here(struct fetching *fetching)
{
	return same_manifest(fetching, fetching->whole) &&
	       cadre_snapshot_verify(fetching->env, fetching->options->snapshot_dir,
	                             fetching->seq, NULL, NULL, NULL) == CADRE_OK;
}

enum cadre_status cadre_snapshot_fetch(const struct cadre_snapshot_fetch *options,
                                       cadre_seq *ret_seq, struct cadre_error *err)
{
	struct fetching *fetching = calloc(1, sizeof *fetching);
	enum cadre_status status;

	if (!fetching)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory to fetch a snapshot");
	fetching->options = options;
	fetching->env = options->env;
	cadre_link_answer_init(&fetching->answer);
	status = open_snapshot(fetching, err);
	if (status == CADRE_OK && !is_here(fetching)) {
		status = prepare_part(fetching, err);
		if (status == CADRE_OK)
			status = check_space(fetching, err);
		if (status == CADRE_OK)
			status = take_rows(fetching, err);
		if (status == CADRE_OK)
			status = finish(fetching, err);
	}
	if (status == CADRE_OK)
		*ret_seq = fetching->seq;
	cadre_file_close(fetching->rows);
	cadre_link_answer_fini(&fetching->answer);
	cadre_buffer_fini(&fetching->manifest);
	free(fetching);
	return status;
}
