/*
 * Blobs: many small questions, each asked again for itself.
 *
 *   put   Begin -> Chunk at the offset the answer says ... -> Finish until durable
 *         lost on the leader (INCORRECT_STATE)  -> Begin again, which says where
 *         other content, but part of it is of an earlier attempt -> once more from 0
 *   get   Read, Read, ...; what arrived is hashed
 *
 * An attempt that nobody answers costs time, not bytes: it goes on until nothing moved
 * for `stall_ms`.
 */
#include "replica/rpc/client_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/checksum.h"

#define CHUNK_BYTES ((size_t)1 << 20)
#define STALL_MS 60000u
#define PAUSE_MS 50
/* A leader that forgets what it has, again and again, is not waited for. */
#define BEGINS_MAX 8u

struct transfer {
	struct cadre_client *client;
	struct cadre_client_blob *out;
	uint64_t stall_ns;
	uint64_t moved_ns; /* when something last did */
	uint64_t state_bytes, state_next;
	bool durable;
};

static uint64_t now_ns(const struct transfer *transfer)
{
	return transfer->client->env->ops->mono_ns(transfer->client->env);
}

static void transfer_init(struct transfer *transfer, struct cadre_client *client,
                          uint32_t stall_ms, struct cadre_client_blob *out)
{
	memset(transfer, 0, sizeof *transfer);
	transfer->client = client;
	transfer->out = out;
	transfer->stall_ns = (uint64_t)(stall_ms ? stall_ms : STALL_MS) * 1000000u;
	transfer->moved_ns = now_ns(transfer);
	out->status = CADRE_OK;
	out->message[0] = '\0';
}

static enum cadre_status fail(struct transfer *transfer, enum cadre_status status,
                              const char *message)
{
	transfer->out->status = (int)status;
	(void)snprintf(transfer->out->message, sizeof transfer->out->message, "%s",
	               message);
	return status;
}

static bool is_passing(enum cadre_status status)
{
	switch ((int)status) {
	case CADRE_TOO_MANY_REQUESTS:
	case CADRE_NOT_LEADER:
	case CADRE_LAGGING:
	case CADRE_FENCED:
	case CADRE_UNAVAILABLE:
	case CADRE_DEADLINE:
		return true;
	default:
		return false;
	}
}

static void pause_a_little(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	(void)nanosleep(&pause, NULL);
}

/* Asks until answered, refused for good, or nothing moved for too long. */
static enum cadre_status ask(struct transfer *transfer, const Cadre__V1__Op *op,
                             Cadre__V1__Result__BodyCase body,
                             struct cadre_client_answer **ret_answer,
                             const Cadre__V1__Result **ret_result)
{
	for (;;) {
		const Cadre__V1__Op *const ops[] = { op };
		struct cadre_client_answer *answer = NULL;
		const Cadre__V1__Response *response;
		enum cadre_status status;

		(void)cadre_client_call(transfer->client, ops, 1, NULL, &answer);
		status = (enum cadre_status)cadre_client_answer_status(answer);
		response = cadre_client_answer_response(answer);
		*ret_answer = answer;
		if (status == CADRE_OK && response->results[0]->body_case == body) {
			*ret_result = response->results[0];
			return CADRE_OK;
		}
		if (status == CADRE_OK)
			status = fail(transfer, CADRE_INTERNAL,
			              "the node answered another question");
		else
			fail(transfer, status, cadre_client_answer_message(answer));
		cadre_client_answer_free(answer);
		*ret_answer = NULL;
		if (!is_passing(status) ||
		    now_ns(transfer) - transfer->moved_ns >= transfer->stall_ns)
			return status;
		pause_a_little();
	}
}

static enum cadre_status ask_state(struct transfer *transfer, const Cadre__V1__Op *op)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__Result *result;
	enum cadre_status status = ask(transfer, op, CADRE__V1__RESULT__BODY_BLOB_STATE,
	                               &answer, &result);

	if (status != CADRE_OK)
		return status;
	transfer->state_bytes = result->blob_state->bytes;
	transfer->state_next = result->blob_state->next_offset;
	transfer->durable = result->blob_state->durable;
	cadre_client_answer_free(answer);
	return CADRE_OK;
}

static ProtobufCBinaryData bytes_of(const uint8_t *data, size_t length)
{
	ProtobufCBinaryData bytes = { .len = length, .data = (uint8_t *)(uintptr_t)data };

	return bytes;
}

static enum cadre_status show(struct transfer *transfer,
                              cadre_client_blob_progress_fn progress, void *ctx,
                              uint64_t done, uint64_t total)
{
	transfer->moved_ns = now_ns(transfer);
	if (!progress || progress(ctx, done, total) == 0)
		return CADRE_OK;
	return fail(transfer, CADRE_UNAVAILABLE, "ended by its caller");
}

/* ---- put ---- */

struct putting {
	struct transfer transfer;
	const struct cadre_client_blob_put *put;
	uint8_t id[16];
	uint8_t *piece;
	uint64_t first; /* where the first begin let it start */
	bool begun;
	bool again;      /* from 0, once */
	unsigned begins; /* since the leader had more than ever */
	uint64_t most;
	struct cadre_sha256_stream stream;
	uint64_t hashed;
	bool has_sha256;
	struct cadre_sha256 sha256;
};

static enum cadre_status begin(struct putting *putting)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__BlobBegin body = CADRE__V1__BLOB_BEGIN__INIT;
	enum cadre_status status;

	body.upload_id = bytes_of(putting->id, sizeof putting->id);
	body.bytes = putting->put->bytes;
	body.has_sha256 = putting->has_sha256;
	body.sha256 = bytes_of(putting->sha256.bytes, sizeof putting->sha256.bytes);
	op.body_case = CADRE__V1__OP__BODY_BLOB_BEGIN;
	op.blob_begin = &body;
	status = ask_state(&putting->transfer, &op);
	if (status == CADRE_OK && !putting->begun)
		putting->first = putting->transfer.state_next;
	putting->begun = putting->begun || status == CADRE_OK;
	return status;
}

/* Only what is new: a part may be sent again. */
static void hash_in_order(struct putting *putting, uint64_t offset, size_t length)
{
	uint64_t skip = putting->hashed - offset;

	if (putting->has_sha256 || offset > putting->hashed || skip >= length)
		return;
	cadre_sha256_update(&putting->stream, putting->piece + skip,
	                    length - (size_t)skip);
	putting->hashed += length - skip;
}

static enum cadre_status send_chunk(struct putting *putting)
{
	struct transfer *transfer = &putting->transfer;
	const struct cadre_client_blob_put *put = putting->put;
	uint64_t offset = transfer->state_next;
	uint64_t left = put->bytes - offset;
	size_t length = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
	int64_t got = put->read(put->ctx, offset, putting->piece, length);
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__BlobChunk body = CADRE__V1__BLOB_CHUNK__INIT;

	if (got <= 0 || (uint64_t)got > length)
		return fail(transfer, CADRE_IO_ERROR,
		            got == 0 ? "what is to be uploaded ends early"
		                     : "what is to be uploaded cannot be read");
	hash_in_order(putting, offset, (size_t)got);
	body.upload_id = bytes_of(putting->id, sizeof putting->id);
	body.offset = offset;
	body.data = bytes_of(putting->piece, (size_t)got);
	op.body_case = CADRE__V1__OP__BODY_BLOB_CHUNK;
	op.blob_chunk = &body;
	return ask_state(transfer, &op);
}

static enum cadre_status finish(struct putting *putting)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__BlobFinish body = CADRE__V1__BLOB_FINISH__INIT;

	if (!putting->has_sha256) {
		if (putting->hashed < putting->put->bytes)
			return fail(&putting->transfer, CADRE_INTERNAL,
			            "the leader has more of it than was sent");
		putting->sha256 = cadre_sha256_final(&putting->stream);
		putting->has_sha256 = true;
	}
	body.upload_id = bytes_of(putting->id, sizeof putting->id);
	body.sha256 = bytes_of(putting->sha256.bytes, sizeof putting->sha256.bytes);
	op.body_case = CADRE__V1__OP__BODY_BLOB_FINISH;
	op.blob_finish = &body;
	return ask_state(&putting->transfer, &op);
}

static enum cadre_status step(struct putting *putting)
{
	struct transfer *transfer = &putting->transfer;
	bool finishing = transfer->state_next >= putting->put->bytes;
	enum cadre_status status = finishing ? finish(putting) : send_chunk(putting);

	if (transfer->state_next > putting->most) {
		putting->most = transfer->state_next;
		putting->begins = 0;
	}
	if (status == CADRE_INCORRECT_STATE && putting->begins++ < BEGINS_MAX)
		return begin(putting);
	/* Perhaps the disk of the leader lost bytes of an attempt before this one. */
	if (status == CADRE_INVALID_PARAMETER && finishing && putting->first > 0 &&
	    !putting->again) {
		putting->again = true;
		return begin(putting);
	}
	return status;
}

static enum cadre_status run_put(struct putting *putting)
{
	const struct cadre_client_blob_put *put = putting->put;
	struct transfer *transfer = &putting->transfer;
	enum cadre_status status = begin(putting);

	while (status == CADRE_OK && !transfer->durable) {
		status = step(putting);
		if (status == CADRE_OK)
			status = show(transfer, put->progress, put->ctx,
			              transfer->state_next, put->bytes);
	}
	if (status == CADRE_OK && transfer->state_bytes != put->bytes)
		status = fail(transfer, CADRE_INVALID_PARAMETER,
		              "a blob of that SHA-256 is there, of another size");
	return status;
}

enum cadre_client_outcome cadre_client_blob_put(struct cadre_client *client,
                                                const struct cadre_client_blob_put *put,
                                                struct cadre_client_blob *ret_blob)
{
	struct putting putting = { .put = put };
	enum cadre_status status;

	transfer_init(&putting.transfer, client, put->stall_ms, ret_blob);
	cadre_sha256_init(&putting.stream);
	if (put->sha256) {
		putting.has_sha256 = true;
		memcpy(putting.sha256.bytes, put->sha256, sizeof putting.sha256.bytes);
		memcpy(putting.id, put->sha256, sizeof putting.id);
	} else {
		client->env->ops->random(client->env, putting.id, sizeof putting.id);
	}
	putting.piece = malloc(CHUNK_BYTES);
	status = putting.piece ? run_put(&putting)
	                       : fail(&putting.transfer, CADRE_OUT_OF_MEMORY,
	                              "no memory for an upload");
	free(putting.piece);
	if (status != CADRE_OK)
		return CADRE_CLIENT_REFUSED;
	ret_blob->status = CADRE_OK;
	ret_blob->message[0] = '\0';
	ret_blob->bytes = put->bytes;
	memcpy(ret_blob->sha256, putting.sha256.bytes, sizeof ret_blob->sha256);
	return CADRE_CLIENT_DONE;
}

/* ---- get ---- */

/* The data lives as long as `*ret_answer`. */
static enum cadre_status read_piece(struct transfer *transfer, const uint8_t *sha256,
                                    uint64_t offset, size_t length,
                                    struct cadre_client_answer **ret_answer,
                                    const Cadre__V1__BlobData **ret_data)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__BlobRead body = CADRE__V1__BLOB_READ__INIT;
	const Cadre__V1__Result *result;
	enum cadre_status status;

	body.sha256 = bytes_of(sha256, sizeof transfer->out->sha256);
	body.offset = offset;
	body.has_length = true;
	body.length = (uint32_t)length;
	op.body_case = CADRE__V1__OP__BODY_BLOB_READ;
	op.blob_read = &body;
	status = ask(transfer, &op, CADRE__V1__RESULT__BODY_BLOB_DATA, ret_answer,
	             &result);
	if (status != CADRE_OK)
		return status;
	*ret_data = result->blob_data;
	/* Bytes that end early, or do not end, are no blob. */
	if ((*ret_data)->data.len <= length &&
	    (*ret_data)->data.len <= (*ret_data)->bytes - offset &&
	    offset <= (*ret_data)->bytes &&
	    ((*ret_data)->data.len > 0 || offset == (*ret_data)->bytes || length == 0))
		return CADRE_OK;
	cadre_client_answer_free(*ret_answer);
	return fail(transfer, CADRE_CORRUPT,
	            "the node answered with other bytes than were asked for");
}

static enum cadre_status get_piece(struct transfer *transfer,
                                   const struct cadre_client_blob_get *get,
                                   uint64_t *io_offset, uint64_t *ret_bytes,
                                   struct cadre_sha256_stream *stream)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__BlobData *data;
	enum cadre_status status = read_piece(transfer, get->sha256, *io_offset,
	                                      CHUNK_BYTES, &answer, &data);

	if (status != CADRE_OK)
		return status;
	cadre_sha256_update(stream, data->data.data, data->data.len);
	if (get->write(get->ctx, *io_offset, data->data.data, data->data.len) != 0)
		status = fail(transfer, CADRE_IO_ERROR,
		              "what was downloaded cannot be written");
	*io_offset += data->data.len;
	*ret_bytes = data->bytes;
	cadre_client_answer_free(answer);
	return status == CADRE_OK
	               ? show(transfer, get->progress, get->ctx, *io_offset, *ret_bytes)
	               : status;
}

enum cadre_client_outcome cadre_client_blob_get(struct cadre_client *client,
                                                const struct cadre_client_blob_get *get,
                                                struct cadre_client_blob *ret_blob)
{
	struct transfer transfer;
	struct cadre_sha256_stream stream;
	struct cadre_sha256 found;
	uint64_t offset = 0;
	uint64_t bytes = 1;
	enum cadre_status status = CADRE_OK;

	transfer_init(&transfer, client, get->stall_ms, ret_blob);
	cadre_sha256_init(&stream);
	while (status == CADRE_OK && offset < bytes)
		status = get_piece(&transfer, get, &offset, &bytes, &stream);
	found = cadre_sha256_final(&stream);
	if (status == CADRE_OK && memcmp(found.bytes, get->sha256, sizeof found) != 0)
		status =
		        fail(&transfer, CADRE_CORRUPT,
		             "what was downloaded has another SHA-256: the leader's copy "
		             "is damaged");
	if (status != CADRE_OK)
		return CADRE_CLIENT_REFUSED;
	ret_blob->status = CADRE_OK;
	ret_blob->message[0] = '\0';
	ret_blob->bytes = bytes;
	memcpy(ret_blob->sha256, found.bytes, sizeof ret_blob->sha256);
	return CADRE_CLIENT_DONE;
}

/* ---- one question ---- */

enum cadre_client_outcome cadre_client_blob_read(struct cadre_client *client,
                                                 const uint8_t sha256[32],
                                                 uint64_t offset, void *data,
                                                 size_t capacity, size_t *ret_length,
                                                 struct cadre_client_blob *ret_blob)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__BlobData *found;
	struct transfer transfer;
	enum cadre_status status;

	/* Not asked again here: who calls it has a retry of its own. */
	transfer_init(&transfer, client, 1, ret_blob);
	if (capacity > CHUNK_BYTES)
		capacity = CHUNK_BYTES;
	status = read_piece(&transfer, sha256, offset, capacity, &answer, &found);
	if (status != CADRE_OK)
		return CADRE_CLIENT_REFUSED;
	memcpy(data, found->data.data, found->data.len);
	*ret_length = found->data.len;
	ret_blob->status = CADRE_OK;
	ret_blob->message[0] = '\0';
	ret_blob->bytes = found->bytes;
	memcpy(ret_blob->sha256, sha256, sizeof ret_blob->sha256);
	cadre_client_answer_free(answer);
	return CADRE_CLIENT_DONE;
}

enum cadre_client_outcome cadre_client_blob_stat(struct cadre_client *client,
                                                 const uint8_t sha256[32],
                                                 struct cadre_client_blob *ret_blob)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__BlobStat body = CADRE__V1__BLOB_STAT__INIT;
	struct transfer transfer;

	transfer_init(&transfer, client, 1, ret_blob);
	body.sha256 = bytes_of(sha256, sizeof ret_blob->sha256);
	op.body_case = CADRE__V1__OP__BODY_BLOB_STAT;
	op.blob_stat = &body;
	if (ask_state(&transfer, &op) != CADRE_OK)
		return CADRE_CLIENT_REFUSED;
	ret_blob->status = CADRE_OK;
	ret_blob->message[0] = '\0';
	ret_blob->bytes = transfer.state_bytes;
	memcpy(ret_blob->sha256, sha256, sizeof ret_blob->sha256);
	return CADRE_CLIENT_DONE;
}
