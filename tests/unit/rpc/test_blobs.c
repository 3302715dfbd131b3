/* Operations on blobs, and commands that wait for one. */
#include <stdio.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "tests/unit/rpc/rpc_blobs.h"
#include "tests/unit/rpc/rpc_ops.h"

struct bench {
	struct rpc_node node;
	struct rpc_ops ops;
	struct cadre_client *client;
};

static int setup(void **state)
{
	static struct bench bench;

	*state = &bench;
	rpc_node_make(&bench.node);
	rpc_node_start(&bench.node);
	rpc_ops_init(&bench.ops);
	bench.client = rpc_client(&bench.node, NULL);
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	cadre_client_close(bench->client);
	rpc_ops_fini(&bench->ops);
	rpc_node_remove(&bench->node);
	return 0;
}

/* ---- operations ---- */

static ProtobufCBinaryData bytes_of(const void *data, size_t length)
{
	ProtobufCBinaryData bytes = { .len = length, .data = (uint8_t *)(uintptr_t)data };

	return bytes;
}

static Cadre__V1__Op *op_begin(struct rpc_ops *ops, const uint8_t id[16], uint64_t bytes)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_BLOB_BEGIN;
	op->blob_begin = rpc_alloc(ops, sizeof *op->blob_begin);
	cadre__v1__blob_begin__init(op->blob_begin);
	op->blob_begin->upload_id = bytes_of(id, 16);
	op->blob_begin->bytes = bytes;
	return op;
}

static Cadre__V1__Op *op_chunk(struct rpc_ops *ops, const uint8_t id[16], uint64_t offset,
                               const void *data, size_t length)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_BLOB_CHUNK;
	op->blob_chunk = rpc_alloc(ops, sizeof *op->blob_chunk);
	cadre__v1__blob_chunk__init(op->blob_chunk);
	op->blob_chunk->upload_id = bytes_of(id, 16);
	op->blob_chunk->offset = offset;
	op->blob_chunk->data = bytes_of(data, length);
	return op;
}

static Cadre__V1__Op *op_finish(struct rpc_ops *ops, const uint8_t id[16],
                                const struct cadre_sha256 *sha256)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_BLOB_FINISH;
	op->blob_finish = rpc_alloc(ops, sizeof *op->blob_finish);
	cadre__v1__blob_finish__init(op->blob_finish);
	op->blob_finish->upload_id = bytes_of(id, 16);
	op->blob_finish->sha256 = bytes_of(sha256->bytes, 32);
	return op;
}

static Cadre__V1__Op *op_read(struct rpc_ops *ops, const struct cadre_sha256 *sha256,
                              uint64_t offset)
{
	Cadre__V1__Op *op = rpc_op(ops);

	op->body_case = CADRE__V1__OP__BODY_BLOB_READ;
	op->blob_read = rpc_alloc(ops, sizeof *op->blob_read);
	cadre__v1__blob_read__init(op->blob_read);
	op->blob_read->sha256 = bytes_of(sha256->bytes, 32);
	op->blob_read->offset = offset;
	return op;
}

static uint64_t next_offset(struct cadre_client *client, const Cadre__V1__Op *op)
{
	struct cadre_client_answer *answer;
	uint64_t next = rpc_done(client, op, &answer)->blob_state->next_offset;

	cadre_client_answer_free(answer);
	return next;
}

static Cadre__V1__Op *op_register(struct rpc_ops *ops, const char *uri)
{
	Cadre__V1__Command *command = rpc_alloc(ops, sizeof *command);
	Cadre__V1__RegisterModel *model = rpc_alloc(ops, sizeof *model);

	cadre__v1__command__init(command);
	cadre__v1__register_model__init(model);
	command->body_case = CADRE__V1__COMMAND__BODY_REGISTER_MODEL;
	command->register_model = model;
	model->compartment_id = rpc_text(ops, RPC_COMPARTMENT);
	model->project_id = rpc_text(ops, "p");
	model->display_name = rpc_text(ops, "m");
	model->artifact_uri = rpc_text(ops, "%s", uri);
	return rpc_op_batch(ops, &command, 1);
}

static char *blob_uri(struct rpc_ops *ops, const struct cadre_sha256 *sha256)
{
	char hex[65];

	cadre_hex_encode(sha256->bytes, 32, hex);
	return rpc_text(ops, "%s%s", CADRE_BLOB_URI_PREFIX, hex);
}

static Cadre__V1__Op *op_put_artifact(struct rpc_ops *ops, const char *group,
                                      const struct cadre_sha256 *sha256, uint64_t bytes)
{
	Cadre__V1__Command *command = rpc_alloc(ops, sizeof *command);
	Cadre__V1__PutArtifact *put = rpc_alloc(ops, sizeof *put);

	cadre__v1__command__init(command);
	cadre__v1__put_artifact__init(put);
	command->body_case = CADRE__V1__COMMAND__BODY_PUT_ARTIFACT;
	command->put_artifact = put;
	put->id = rpc_text(ops, "%s", group);
	put->artifact = rpc_alloc(ops, sizeof *put->artifact);
	cadre__v1__artifact__init(put->artifact);
	put->artifact->sha256 = bytes_of(sha256->bytes, 32);
	put->artifact->bytes = bytes;
	return rpc_op_batch(ops, &command, 1);
}

/* ---- cases ---- */

static void what_is_uploaded_comes_back_the_same(void **state)
{
	struct bench *bench = *state;
	struct source source = { .bytes = 3 * PIECE + 5, .seed = 1 };
	struct cadre_sha256 sha256 = source_hash(&source);
	struct cadre_client_blob blob;

	assert_put(bench->client, &source, &sha256);
	assert_got(bench->client, &source, &sha256);
	assert_int_equal(cadre_client_blob_stat(bench->client, sha256.bytes, &blob),
	                 CADRE_CLIENT_DONE);
	assert_int_equal(blob.bytes, source.bytes);
	/* Once more: nothing is sent. */
	source.asked = 0;
	assert_put(bench->client, &source, &sha256);
	assert_int_equal(source.asked, 0);
}

static void a_stream_is_hashed_while_it_is_sent(void **state)
{
	struct bench *bench = *state;
	struct source source = { .bytes = 2 * PIECE + 1, .seed = 2 };
	struct cadre_sha256 sha256 = source_hash(&source);

	assert_put(bench->client, &source, NULL);
	assert_got(bench->client, &source, &sha256);
}

static void a_file_goes_up_and_comes_down(void **state)
{
	struct bench *bench = *state;
	char path[300];
	uint8_t read[100];
	struct cadre_client_blob blob;
	FILE *file;

	snprintf(path, sizeof path, "%s/file", bench->node.dir);
	file = fopen(path, "w+");
	assert_non_null(file);
	assert_int_equal(
	        cadre_client_blob_put_fd(bench->client, fileno(file), NULL, NULL, &blob),
	        CADRE_CLIENT_REFUSED); /* empty */
	fputs("some content", file);
	fflush(file);
	assert_int_equal(
	        cadre_client_blob_put_fd(bench->client, fileno(file), NULL, NULL, &blob),
	        CADRE_CLIENT_DONE);
	fseek(file, 0, SEEK_SET);
	assert_int_equal(ftruncate(fileno(file), 0), 0);
	assert_int_equal(cadre_client_blob_get_fd(bench->client, blob.sha256,
	                                          fileno(file), NULL, NULL, &blob),
	                 CADRE_CLIENT_DONE);
	assert_int_equal(pread(fileno(file), read, sizeof read, 0), 12);
	assert_memory_equal(read, "some content", 12);
	fclose(file);
}

static void a_wrong_digest_and_a_wrong_size_are_refused(void **state)
{
	struct bench *bench = *state;
	struct source source = { .bytes = 1000, .seed = 3 };
	struct cadre_sha256 sha256 = source_hash(&source);
	uint8_t data[1000];
	static const uint8_t id[16] = "an upload";

	source_fill(&source, 0, data, sizeof data);
	assert_int_equal(next_offset(bench->client, op_begin(&bench->ops, id, 1000)), 0);
	rpc_refused(bench->client, op_begin(&bench->ops, id, 999),
	            CADRE_INVALID_PARAMETER, "bytes: 999");
	assert_int_equal(
	        next_offset(bench->client, op_chunk(&bench->ops, id, 0, data, 999)), 999);
	rpc_refused(bench->client, op_finish(&bench->ops, id, &sha256),
	            CADRE_INCORRECT_STATE, "bytes up to 999 of 1000");
	data[999] ^= 1;
	assert_int_equal(
	        next_offset(bench->client, op_chunk(&bench->ops, id, 999, data + 999, 1)),
	        1000);
	rpc_refused(bench->client, op_finish(&bench->ops, id, &sha256),
	            CADRE_INVALID_PARAMETER, "sha256: what arrived has ");
	rpc_refused(bench->client, op_read(&bench->ops, &sha256, 0), CADRE_NOT_FOUND,
	            "no blob sha256:");
	/* It is gone, and begun anew. */
	rpc_refused(bench->client, op_chunk(&bench->ops, id, 0, data, 1),
	            CADRE_INCORRECT_STATE, "this upload is not under way");
	assert_int_equal(next_offset(bench->client, op_begin(&bench->ops, id, 1000)), 0);
}

static void hostile_fields_are_refused(void **state)
{
	struct bench *bench = *state;
	static const uint8_t id[16] = "an upload";
	static uint8_t data[PIECE + 1];
	struct cadre_sha256 sha256 = { { 1 } };
	Cadre__V1__Op *op = op_begin(&bench->ops, id, 10);

	op->blob_begin->upload_id.len = 15;
	rpc_refused(bench->client, op, CADRE_INVALID_PARAMETER, "blobBegin.uploadId: 15");
	rpc_refused(bench->client, op_begin(&bench->ops, id, UINT64_MAX),
	            CADRE_INVALID_PARAMETER, "bytes: ");
	rpc_refused(bench->client, op_begin(&bench->ops, id, CADRE_BLOB_BYTES_MAX),
	            CADRE_OUT_OF_SPACE, "");
	assert_int_equal(next_offset(bench->client, op_begin(&bench->ops, id, 10)), 0);
	rpc_refused(bench->client, op_chunk(&bench->ops, id, 10, data, 1),
	            CADRE_INVALID_PARAMETER, "offset: ");
	rpc_refused(bench->client, op_chunk(&bench->ops, id, UINT64_MAX, data, 1),
	            CADRE_INVALID_PARAMETER, "offset: ");
	rpc_refused(bench->client, op_chunk(&bench->ops, id, 1, data, 9),
	            CADRE_INCORRECT_STATE, "offset: ");
	rpc_refused(bench->client, op_chunk(&bench->ops, id, 0, data, sizeof data),
	            CADRE_TOO_LARGE, "data: ");
	op = op_read(&bench->ops, &sha256, 0);
	op->blob_read->sha256.len = 31;
	rpc_refused(bench->client, op, CADRE_INVALID_PARAMETER, "blobRead.sha256: 31");
}

static void blobs_stand_alone_in_their_message(void **state)
{
	struct bench *bench = *state;
	struct cadre_sha256 sha256 = { { 1 } };
	const Cadre__V1__Op *ops[] = { rpc_op_status(&bench->ops),
		                       op_read(&bench->ops, &sha256, 0) };
	struct cadre_client_answer *answer;

	assert_int_equal(cadre_client_call(bench->client, ops, 2, NULL, &answer),
	                 CADRE_CLIENT_REFUSED);
	assert_int_equal(cadre_client_answer_status(answer), CADRE_INVALID_PARAMETER);
	cadre_client_answer_free(answer);
}

static void a_command_that_names_a_blob_waits_for_it(void **state)
{
	struct bench *bench = *state;
	struct source source = { .bytes = 500, .seed = 5 };
	struct cadre_sha256 sha256 = source_hash(&source);
	struct cadre_client_answer *answer;
	char *group = rpc_do(&bench->ops, bench->client,
	                     rpc_create_group(&bench->ops, "g", "m", 1, 2));
	char *uri = blob_uri(&bench->ops, &sha256);
	Cadre__V1__Op *op;

	rpc_refused(bench->client, op_put_artifact(&bench->ops, group, &sha256, 500),
	            CADRE_RELATED_NOT_FOUND,
	            "commands[0].putArtifact.artifact: no blob sha256:");
	rpc_refused(bench->client, op_register(&bench->ops, uri), CADRE_RELATED_NOT_FOUND,
	            "commands[0].registerModel.artifactUri: no blob sha256:");
	rpc_refused(bench->client, op_register(&bench->ops, "cadre://sha256/12"),
	            CADRE_INVALID_PARAMETER, "commands[0].registerModel.artifactUri: ");
	assert_put(bench->client, &source, &sha256);
	rpc_refused(bench->client, op_put_artifact(&bench->ops, group, &sha256, 501),
	            CADRE_INVALID_PARAMETER, "commands[0].putArtifact.artifact: 501 ");
	op = op_register(&bench->ops, uri);
	op->batch->commands[0]->register_model->has_artifact_sha256 = true;
	op->batch->commands[0]->register_model->artifact_sha256 =
	        bytes_of("01234567890123456789012345678901", 32);
	rpc_refused(bench->client, op, CADRE_INVALID_PARAMETER,
	            "commands[0].registerModel.artifactSha256: ");
	(void)rpc_done(bench->client, op_put_artifact(&bench->ops, group, &sha256, 500),
	               &answer);
	cadre_client_answer_free(answer);
	(void)rpc_done(bench->client, op_register(&bench->ops, uri), &answer);
	cadre_client_answer_free(answer);
	(void)rpc_done(bench->client, op_register(&bench->ops, "file:///else"), &answer);
	cadre_client_answer_free(answer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_uploaded_comes_back_the_same),
		CASE(a_stream_is_hashed_while_it_is_sent),
		CASE(a_file_goes_up_and_comes_down),
		CASE(a_wrong_digest_and_a_wrong_size_are_refused),
		CASE(hostile_fields_are_refused),
		CASE(blobs_stand_alone_in_their_message),
		CASE(a_command_that_names_a_blob_waits_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
