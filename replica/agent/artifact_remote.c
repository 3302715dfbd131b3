/* An artifact from elsewhere, into a part that stays until it is whole. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"
#include "replica/agent/artifacts_internal.h"

#define SCHEME "cadre:"

struct part {
	struct cadre_artifacts *artifacts;
	const struct cadre_artifact_want *want;
	const atomic_bool *stopped;
	char *path;
	struct cadre_file *file;
	struct cadre_sha256_stream stream;
	uint64_t have;
	uint64_t total; /* as the other side says; not known before its first answer */
};

bool artifact_is_remote(const char *uri)
{
	return uri && strncasecmp(uri, SCHEME, strlen(SCHEME)) == 0;
}

static enum cadre_status check_stopped(const struct part *part, struct cadre_error *err)
{
	if (!atomic_load(part->stopped))
		return CADRE_OK;
	return cadre_error_set(err, CADRE_UNAVAILABLE, "fetching \"%s\" was stopped",
	                       part->want->uri);
}

/* Hashes what an earlier fetch left. */
static enum cadre_status take_up(struct part *part, struct cadre_error *err)
{
	uint8_t *piece = part->artifacts->piece;
	size_t length = 1;
	enum cadre_status status = CADRE_OK;

	cadre_sha256_init(&part->stream);
	while (status == CADRE_OK && length > 0) {
		status = check_stopped(part, err);
		if (status == CADRE_OK)
			status = part->file->env->ops->pread(part->file, part->have,
			                                     piece, ARTIFACT_PIECE_BYTES,
			                                     &length, err);
		if (status != CADRE_OK)
			break;
		cadre_sha256_update(&part->stream, piece, length);
		part->have += length;
	}
	return status;
}

static enum cadre_status start_over(struct part *part, struct cadre_error *err)
{
	part->have = 0;
	cadre_sha256_init(&part->stream);
	return part->file->env->ops->truncate(part->file, 0, err);
}

/* The size is told with every piece, and never another one. */
static enum cadre_status check_total(struct part *part, bool first, uint64_t total,
                                     struct cadre_error *err)
{
	enum cadre_status status = artifact_check_size(part->want, part->want->uri, total,
	                                               err);

	if (status != CADRE_OK)
		return status;
	if (!first && total != part->total)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "\"%s\": %" PRIu64 " bytes, a moment ago %" PRIu64,
		                       part->want->uri, total, part->total);
	part->total = total;
	return first && total > part->have
	               ? artifact_check_space(part->artifacts, total - part->have, err)
	               : CADRE_OK;
}

static enum cadre_status write_piece(struct part *part, size_t length,
                                     struct cadre_error *err)
{
	struct cadre_file *file = part->file;
	const uint8_t *piece = part->artifacts->piece;
	enum cadre_status status = file->env->ops->pwrite(file, part->have, piece, length,
	                                                  err);

	if (status != CADRE_OK)
		return status;
	cadre_sha256_update(&part->stream, piece, length);
	part->have += length;
	return CADRE_OK;
}

static enum cadre_status read_piece(struct part *part, bool first, size_t *ret_length,
                                    struct cadre_error *err)
{
	const struct cadre_artifact_remote *remote = &part->artifacts->remote;
	uint64_t total = 0;
	enum cadre_status status = check_stopped(part, err);

	if (status == CADRE_OK)
		status = remote->read(remote->ctx, &part->want->sha256, part->have,
		                      part->artifacts->piece, ARTIFACT_PIECE_BYTES,
		                      ret_length, &total, err);
	return status == CADRE_OK ? check_total(part, first, total, err) : status;
}

static enum cadre_status read_rest(struct part *part, struct cadre_error *err)
{
	size_t length = 0;
	enum cadre_status status = read_piece(part, true, &length, err);

	/* Behind its end: what was left here is of something else. */
	if (status == CADRE_INVALID_PARAMETER && part->have > 0) {
		status = start_over(part, err);
		if (status == CADRE_OK)
			status = read_piece(part, true, &length, err);
	}
	while (status == CADRE_OK && part->have < part->total) {
		if (length == 0 || length > ARTIFACT_PIECE_BYTES ||
		    length > part->total - part->have)
			return cadre_error_set(
			        err, CADRE_CORRUPT,
			        "\"%s\": %zu bytes at %" PRIu64 " of %" PRIu64,
			        part->want->uri, length, part->have, part->total);
		status = write_piece(part, length, err);
		if (status == CADRE_OK && part->have < part->total)
			status = read_piece(part, false, &length, err);
	}
	return status;
}

static enum cadre_status fill(struct part *part, struct cadre_artifact *artifact,
                              struct cadre_error *err)
{
	enum cadre_status status = take_up(part, err);

	if (status == CADRE_OK)
		status = read_rest(part, err);
	if (status != CADRE_OK)
		return status;
	artifact->bytes = part->have;
	artifact->sha256 = cadre_sha256_final(&part->stream);
	status = artifact_check(part->want, part->want->uri, artifact, err);
	return status == CADRE_OK ? part->file->env->ops->datasync(part->file, err)
	                          : status;
}

static enum cadre_status open_part(struct part *part, struct cadre_error *err)
{
	char hex[ARTIFACT_HEX_CHARS + 1];

	cadre_hex_encode(part->want->sha256.bytes, sizeof part->want->sha256.bytes, hex);
	if (asprintf(&part->path, "%s/%s", part->artifacts->parts, hex) < 0) {
		part->path = NULL;
		return artifact_no_memory(err);
	}
	return cadre_file_open(part->artifacts->env, part->path,
	                       CADRE_OPEN_WRITE | CADRE_OPEN_CREATE, &part->file, err);
}

enum cadre_status artifact_fetch_remote(struct cadre_artifacts *artifacts,
                                        const struct cadre_artifact_want *want,
                                        const atomic_bool *stopped,
                                        struct cadre_artifact *artifact,
                                        struct cadre_error *err)
{
	struct part part = { .artifacts = artifacts, .want = want, .stopped = stopped };
	enum cadre_status status;

	if (!artifacts->remote.read)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%s\": this node has no leader to ask",
		                       want->uri);
	status = open_part(&part, err);
	if (status == CADRE_OK)
		status = fill(&part, artifact, err);
	cadre_file_close(part.file);
	if (status == CADRE_OK)
		status = artifact_put_in_place(artifacts, part.path, artifact, err);
	/* Bytes that nothing is known of, or that are wrong, are not gone on with. */
	if ((status == CADRE_CORRUPT || status == CADRE_IO_ERROR) && part.path)
		(void)!artifact_remove(artifacts, part.path, NULL);
	artifact->copied = status == CADRE_OK;
	free(part.path);
	return status;
}
