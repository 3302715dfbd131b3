/* Operations on blobs, and commands that name one. */
#include "replica/rpc/internal.h"

#include <inttypes.h>

bool rpc_is_blob_op(const Cadre__V1__Op *op)
{
	switch ((int)op->body_case) {
	case CADRE__V1__OP__BODY_BLOB_BEGIN:
	case CADRE__V1__OP__BODY_BLOB_CHUNK:
	case CADRE__V1__OP__BODY_BLOB_FINISH:
	case CADRE__V1__OP__BODY_BLOB_STAT:
	case CADRE__V1__OP__BODY_BLOB_READ:
		return true;
	default:
		return false;
	}
}

/* ---- fields ---- */

static enum cadre_status read_bytes(const char *field, const ProtobufCBinaryData *from,
                                    uint8_t *to, size_t length, struct cadre_error *err)
{
	if (from->len != length)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER, "%s: %zu bytes, %zu",
		                       field, from->len, length);
	memcpy(to, from->data, length);
	return CADRE_OK;
}

static enum cadre_status read_sha256(const char *field, const ProtobufCBinaryData *from,
                                     struct cadre_sha256 *to, struct cadre_error *err)
{
	return read_bytes(field, from, to->bytes, sizeof to->bytes, err);
}

/* In open mode everybody local is one principal, who has it all. */
static enum cadre_status read_upload(const struct call *call, const char *field,
                                     const ProtobufCBinaryData *id,
                                     struct cadre_blob_upload *upload,
                                     struct cadre_error *err)
{
	upload->owner = call->actor.principal;
	upload->shared_owner = !call->who && !call->actor.via &&
	                       !call->server->options.hooks.actor;
	return read_bytes(field, id, upload->id, sizeof upload->id, err);
}

/* ---- operations ---- */

static enum cadre_status begin(struct call *call, const Cadre__V1__BlobBegin *in,
                               struct cadre_blob_state *state, struct cadre_error *err)
{
	struct cadre_blob_upload upload;
	struct cadre_sha256 expected;
	enum cadre_status status = read_upload(call, "blobBegin.uploadId", &in->upload_id,
	                                       &upload, err);

	if (status == CADRE_OK && in->has_sha256)
		status = read_sha256("blobBegin.sha256", &in->sha256, &expected, err);
	if (status != CADRE_OK)
		return status;
	return cadre_blob_begin(call->server->options.blobs, &upload, in->bytes,
	                        in->has_sha256 ? &expected : NULL, state, err);
}

static enum cadre_status chunk(struct call *call, const Cadre__V1__BlobChunk *in,
                               struct cadre_blob_state *state, struct cadre_error *err)
{
	struct cadre_blob_upload upload;
	enum cadre_status status = read_upload(call, "blobChunk.uploadId", &in->upload_id,
	                                       &upload, err);

	if (status == CADRE_OK)
		status = cadre_blob_append(
		        call->server->options.blobs, &upload, in->offset,
		        cadre_slice(in->data.data, in->data.len), state, err);
	if (status == CADRE_OK)
		cadre_metric_add(call->server->metrics, METRIC_BLOB_BYTES_IN,
		                 in->data.len);
	return status;
}

static enum cadre_status finish(struct call *call, const Cadre__V1__BlobFinish *in,
                                struct cadre_blob_state *state, struct cadre_error *err)
{
	struct cadre_blob_upload upload;
	struct cadre_sha256 sha256;
	enum cadre_status status = read_upload(call, "blobFinish.uploadId",
	                                       &in->upload_id, &upload, err);

	if (status == CADRE_OK)
		status = read_sha256("blobFinish.sha256", &in->sha256, &sha256, err);
	return status == CADRE_OK ? cadre_blob_finish(call->server->options.blobs,
	                                              &upload, &sha256, state, err)
	                          : status;
}

static enum cadre_status stat_blob(struct call *call, const Cadre__V1__BlobStat *in,
                                   struct cadre_blob_state *state,
                                   struct cadre_error *err)
{
	struct cadre_sha256 sha256;
	enum cadre_status status = read_sha256("blobStat.sha256", &in->sha256, &sha256,
	                                       err);

	if (status == CADRE_OK)
		status = cadre_blob_stat(call->server->options.blobs, &sha256,
		                         &state->bytes, err);
	state->next_offset = state->bytes;
	state->durable = true;
	return status;
}

static enum cadre_status answer_state(struct call *call, Cadre__V1__Result *result,
                                      const struct cadre_blob_state *state,
                                      struct cadre_error *err)
{
	Cadre__V1__BlobState *out = cadre_arena_alloc(&call->arena, sizeof *out);

	if (!out)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the answer");
	cadre__v1__blob_state__init(out);
	out->bytes = state->bytes;
	out->next_offset = state->next_offset;
	out->durable = state->durable;
	result->body_case = CADRE__V1__RESULT__BODY_BLOB_STATE;
	result->blob_state = out;
	return CADRE_OK;
}

static enum cadre_status read_blob(struct call *call, const Cadre__V1__BlobRead *in,
                                   Cadre__V1__Result *result, struct cadre_error *err)
{
	size_t length = in->has_length ? in->length : CADRE_BLOB_CHUNK_BYTES_MAX;
	Cadre__V1__BlobData *out = cadre_arena_alloc(&call->arena, sizeof *out);
	struct cadre_sha256 sha256;
	uint8_t *data;
	enum cadre_status status = read_sha256("blobRead.sha256", &in->sha256, &sha256,
	                                       err);

	if (status != CADRE_OK)
		return status;
	if (length > CADRE_BLOB_CHUNK_BYTES_MAX)
		length = CADRE_BLOB_CHUNK_BYTES_MAX;
	data = cadre_arena_alloc(&call->arena, length + 1);
	if (!data || !out)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the answer");
	cadre__v1__blob_data__init(out);
	out->data.data = data;
	status = cadre_blob_read(call->server->options.blobs, &sha256, in->offset, data,
	                         length, &out->data.len, &out->bytes, err);
	if (status != CADRE_OK)
		return status;
	cadre_metric_add(call->server->metrics, METRIC_BLOB_BYTES_OUT, out->data.len);
	result->body_case = CADRE__V1__RESULT__BODY_BLOB_DATA;
	result->blob_data = out;
	return CADRE_OK;
}

void rpc_blob_op(struct call *call, const Cadre__V1__Op *op, Cadre__V1__Result *result)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_blob_state state = { .bytes = 0 };
	enum cadre_status status;

	switch ((int)op->body_case) {
	case CADRE__V1__OP__BODY_BLOB_BEGIN:
		status = begin(call, op->blob_begin, &state, &err);
		break;
	case CADRE__V1__OP__BODY_BLOB_CHUNK:
		status = chunk(call, op->blob_chunk, &state, &err);
		break;
	case CADRE__V1__OP__BODY_BLOB_FINISH:
		status = finish(call, op->blob_finish, &state, &err);
		break;
	case CADRE__V1__OP__BODY_BLOB_STAT:
		status = stat_blob(call, op->blob_stat, &state, &err);
		break;
	default:
		status = read_blob(call, op->blob_read, result, &err);
		break;
	}
	if (status == CADRE_OK && op->body_case != CADRE__V1__OP__BODY_BLOB_READ)
		status = answer_state(call, result, &state, &err);
	result->status = (uint32_t)status;
	if (status != CADRE_OK)
		rpc_refuse_op(call, result, status, err.message);
}

/* ---- commands ---- */

/* `has_bytes` false: the size is not told. */
static enum cadre_status check_durable(const struct cadre_rpc_server *server,
                                       size_t number, const char *field,
                                       const struct cadre_sha256 *sha256, bool has_bytes,
                                       uint64_t bytes, struct cadre_error *err)
{
	char hex[65];
	uint64_t found;
	enum cadre_status status = cadre_blob_stat(server->options.blobs, sha256, &found,
	                                           err);

	if (status == CADRE_OK && (!has_bytes || found == bytes))
		return CADRE_OK;
	cadre_hex_encode(sha256->bytes, sizeof sha256->bytes, hex);
	if (status == CADRE_OK)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "commands[%zu].%s: %" PRIu64 " bytes, the blob "
		                       "sha256:%s has %" PRIu64,
		                       number, field, bytes, hex, found);
	if (status != CADRE_NOT_FOUND)
		return status;
	return cadre_error_set(err, CADRE_RELATED_NOT_FOUND,
	                       "commands[%zu].%s: no blob sha256:%s is durable here: "
	                       "upload it first (blobBegin, blobChunk, blobFinish; cadre "
	                       "model register --upload, cadre group artifact put)",
	                       number, field, hex);
}

static enum cadre_status check_artifact(const struct cadre_rpc_server *server,
                                        size_t number, const Cadre__V1__PutArtifact *put,
                                        struct cadre_error *err)
{
	struct cadre_sha256 sha256;

	memcpy(sha256.bytes, put->artifact->sha256.data, sizeof sha256.bytes);
	return check_durable(server, number, "putArtifact.artifact", &sha256, true,
	                     put->artifact->bytes, err);
}

static enum cadre_status check_model(const struct cadre_rpc_server *server, size_t number,
                                     const Cadre__V1__RegisterModel *model,
                                     struct cadre_error *err)
{
	static const char scheme[] = "cadre:";
	struct cadre_sha256 sha256;

	if (!model->artifact_uri ||
	    strncmp(model->artifact_uri, scheme, sizeof scheme - 1) != 0)
		return CADRE_OK;
	if (!cadre_blob_uri_parse(model->artifact_uri, &sha256))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "commands[%zu].registerModel.artifactUri: "
		                       "\"%.100s\" is not " CADRE_BLOB_URI_PREFIX
		                       " and 64 hex digits",
		                       number, model->artifact_uri);
	if (model->has_artifact_sha256 &&
	    memcmp(model->artifact_sha256.data, sha256.bytes, sizeof sha256.bytes) != 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "commands[%zu].registerModel.artifactSha256: not "
		                       "the one in the URI",
		                       number);
	return check_durable(server, number, "registerModel.artifactUri", &sha256,
	                     model->has_artifact_bytes, model->artifact_bytes, err);
}

enum cadre_status rpc_check_blobs(const struct cadre_rpc_server *server,
                                  const Cadre__V1__Batch *batch, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < batch->n_commands && server->options.blobs; i++) {
		const Cadre__V1__Command *command = batch->commands[i];
		switch ((int)command->body_case) {
		case CADRE__V1__COMMAND__BODY_PUT_ARTIFACT:
			status = check_artifact(server, i, command->put_artifact, err);
			break;
		case CADRE__V1__COMMAND__BODY_REGISTER_MODEL:
			status = check_model(server, i, command->register_model, err);
			break;
		default:
			break;
		}
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}
