/*
 * Apply for a feature level never changes: level-1.bin holds a log with every kind
 * of event a client can cause, level-1.txt the chain and the state digest after
 * each batch.
 */
#include <string.h>

#include "engine/base/checksum.h"
#include "tests/unit/store/store_fixture.h"

#define BATCHES_FILE GOLDEN_DIR "/level-1.bin"
#define DIGESTS_FILE GOLDEN_DIR "/level-1.txt"
#define FILE_BYTES_MAX (1u << 20)

static void describe(const struct cadre_view *view, char line[256])
{
	char chain[65];
	char digest[33];

	cadre_hex_encode(view->head.chain.bytes, sizeof view->head.chain.bytes, chain);
	cadre_hash128_format(view->head.digest, digest);
	snprintf(line, 256, "%llu %s %s\n", (unsigned long long)view->head.applied_seq,
	         chain, digest);
}

static size_t read_whole(const char *path, uint8_t *bytes)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	size_t length;

	assert_ok(cadre_env_read_file(cadre_env_real(), path, bytes, FILE_BYTES_MAX,
	                              &length, &err));
	return length;
}

/* Applies every batch; `lines` gets one line each. */
static void apply_all(struct cadre_slice bytes, char *lines, size_t capacity)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	struct cadre_kv *kv;
	size_t length = 0;

	cadre_arena_init(&arena, 64u << 20);
	assert_ok(cadre_kv_open_memory(&kv, &err));
	while (bytes.length > 0) {
		struct cadre_batch batch;
		struct cadre_view view;
		char line[256];
		assert_ok(cadre_batch_scan(bytes, &batch, &err));
		assert_ok(cadre_view_begin(&view, kv, CADRE_KV_WRITE, &arena, &err));
		assert_ok(cadre_view_apply_batch(&view, &batch, &err));
		describe(&view, line);
		assert_ok(cadre_view_commit(&view, &err));
		assert_true(length + strlen(line) < capacity);
		memcpy(lines + length, line, strlen(line) + 1);
		length += strlen(line);
		bytes = cadre_slice(bytes.data + batch.bytes.length,
		                    bytes.length - batch.bytes.length);
	}
	cadre_kv_close(kv);
	cadre_arena_fini(&arena);
}

static void a_log_of_level_1_means_what_it_always_meant(void **state)
{
	static uint8_t bytes[FILE_BYTES_MAX];
	static char expected[FILE_BYTES_MAX + 1];
	static char lines[FILE_BYTES_MAX];
	size_t length = read_whole(BATCHES_FILE, bytes);

	(void)state;
	expected[read_whole(DIGESTS_FILE, (uint8_t *)expected)] = '\0';
	apply_all(cadre_slice(bytes, length), lines, sizeof lines);
	assert_true(length > 0);
	assert_string_equal(lines, expected);
}

/* ---- making the files ---- */

/* An empty command with its body set by the caller. */
static Cadre__V1__Command *command_of(struct fixture *fixture,
                                      Cadre__V1__Command__BodyCase body_case)
{
	Cadre__V1__Command *command = fixture_alloc(fixture, sizeof *command);

	cadre__v1__command__init(command);
	command->body_case = body_case;
	return command;
}

/* Commands whose body is only an id share one layout in the union. */
static void do_ref(struct fixture *fixture, Cadre__V1__Command__BodyCase body_case,
                   const char *id)
{
	Cadre__V1__Command *command = command_of(fixture, body_case);

	command->delete_group = fixture_alloc(fixture, sizeof *command->delete_group);
	cadre__v1__resource_ref__init(command->delete_group);
	command->delete_group->id = fixture_text(fixture, "%s", id);
	(void)fixture_do(fixture, NULL, command);
}

static void do_move(struct fixture *fixture, Cadre__V1__Command__BodyCase body_case,
                    const char *id)
{
	Cadre__V1__Command *command = command_of(fixture, body_case);

	command->move_group = fixture_alloc(fixture, sizeof *command->move_group);
	cadre__v1__move_resource__init(command->move_group);
	command->move_group->id = fixture_text(fixture, "%s", id);
	command->move_group->compartment_id = fixture_text(fixture, "elsewhere");
	(void)fixture_do(fixture, NULL, command);
}

static void group_events(struct fixture *fixture, const char *group)
{
	Cadre__V1__Command *command = command_of(fixture,
	                                         CADRE__V1__COMMAND__BODY_UPDATE_GROUP);
	Cadre__V1__Artifact *artifact = fixture_alloc(fixture, sizeof *artifact);

	command->update_group = fixture_alloc(fixture, sizeof *command->update_group);
	cadre__v1__update_group__init(command->update_group);
	command->update_group->id = fixture_text(fixture, "%s", group);
	command->update_group->description = fixture_text(fixture, "described");
	(void)fixture_do(fixture, NULL, command);
	command = command_of(fixture, CADRE__V1__COMMAND__BODY_PUT_ARTIFACT);
	command->put_artifact = fixture_alloc(fixture, sizeof *command->put_artifact);
	cadre__v1__put_artifact__init(command->put_artifact);
	cadre__v1__artifact__init(artifact);
	artifact->sha256.data = fixture_alloc(fixture, 32);
	memset(artifact->sha256.data, 0xAB, 32);
	artifact->sha256.len = 32;
	artifact->bytes = 1234;
	command->put_artifact->id = fixture_text(fixture, "%s", group);
	command->put_artifact->artifact = artifact;
	(void)fixture_do(fixture, NULL, command);
	do_ref(fixture, CADRE__V1__COMMAND__BODY_DEACTIVATE_GROUP, group);
	do_ref(fixture, CADRE__V1__COMMAND__BODY_ACTIVATE_GROUP, group);
	do_move(fixture, CADRE__V1__COMMAND__BODY_MOVE_GROUP, group);
	do_ref(fixture, CADRE__V1__COMMAND__BODY_DELETE_GROUP, group);
}

static void roll_back(struct fixture *fixture, const char *history, const char *group)
{
	Cadre__V1__Command *command = command_of(fixture,
	                                         CADRE__V1__COMMAND__BODY_UPDATE_HISTORY);

	command->update_history = fixture_alloc(fixture, sizeof *command->update_history);
	cadre__v1__update_history__init(command->update_history);
	command->update_history->id = fixture_text(fixture, "%s", history);
	command->update_history->latest_model_group_id = fixture_text(fixture, "%s",
	                                                              group);
	(void)fixture_do(fixture, NULL, command);
}

static void cut_over(struct fixture *fixture, const char *deployment, unsigned generation)
{
	Cadre__V1__Command *command = command_of(fixture,
	                                         CADRE__V1__COMMAND__BODY_CUT_OVER);

	command->cut_over = fixture_alloc(fixture, sizeof *command->cut_over);
	cadre__v1__cut_over__init(command->cut_over);
	command->cut_over->deployment_id = fixture_text(fixture, "%s", deployment);
	command->cut_over->generation = generation;
	(void)fixture_do(fixture, NULL, command);
	command = command_of(fixture, CADRE__V1__COMMAND__BODY_FINISH_CUT_OVER);
	command->finish_cut_over = fixture_alloc(fixture,
	                                         sizeof *command->finish_cut_over);
	cadre__v1__finish_cut_over__init(command->finish_cut_over);
	command->finish_cut_over->deployment_id = fixture_text(fixture, "%s", deployment);
	command->finish_cut_over->generation = generation;
	(void)fixture_do(fixture, NULL, command);
}

static void deployment_events(struct fixture *fixture, const char *first,
                              const char *second)
{
	Cadre__V1__Command *command =
	        command_of(fixture, CADRE__V1__COMMAND__BODY_CREATE_DEPLOYMENT);
	struct cadre_result made;

	command->create_deployment = fixture_alloc(fixture,
	                                           sizeof *command->create_deployment);
	cadre__v1__create_deployment__init(command->create_deployment);
	command->create_deployment->compartment_id = fixture_text(fixture, "c");
	command->create_deployment->project_id = fixture_text(fixture, "p");
	command->create_deployment->model_group_id = fixture_text(fixture, "%s", first);
	made = fixture_do(fixture, NULL, command);
	cut_over(fixture, made.ocid, 1);
	command = command_of(fixture, CADRE__V1__COMMAND__BODY_UPDATE_DEPLOYMENT);
	command->update_deployment = fixture_alloc(fixture,
	                                           sizeof *command->update_deployment);
	cadre__v1__update_deployment__init(command->update_deployment);
	command->update_deployment->id = fixture_text(fixture, "%s", made.ocid);
	command->update_deployment->model_group_id = fixture_text(fixture, "%s", second);
	(void)fixture_do(fixture, NULL, command);
	cut_over(fixture, made.ocid, 2);
	do_ref(fixture, CADRE__V1__COMMAND__BODY_DEACTIVATE_DEPLOYMENT, made.ocid);
	do_ref(fixture, CADRE__V1__COMMAND__BODY_ACTIVATE_DEPLOYMENT, made.ocid);
	do_ref(fixture, CADRE__V1__COMMAND__BODY_DELETE_DEPLOYMENT, made.ocid);
}

static void other_events(struct fixture *fixture)
{
	Cadre__V1__Command *command = command_of(fixture,
	                                         CADRE__V1__COMMAND__BODY_REGISTER_MODEL);
	struct cadre_result made;
	static const char node[] = "00112233445566778899aabbccddeeff";

	command->register_model = fixture_alloc(fixture, sizeof *command->register_model);
	cadre__v1__register_model__init(command->register_model);
	command->register_model->compartment_id = fixture_text(fixture, "c");
	command->register_model->project_id = fixture_text(fixture, "p");
	made = fixture_do(fixture, NULL, command);
	do_ref(fixture, CADRE__V1__COMMAND__BODY_RETIRE_MODEL, made.ocid);
	command = command_of(fixture, CADRE__V1__COMMAND__BODY_REGISTER_NODE);
	command->register_node = fixture_alloc(fixture, sizeof *command->register_node);
	cadre__v1__register_node__init(command->register_node);
	command->register_node->node_id = fixture_text(fixture, "%s", node);
	(void)fixture_do(fixture, NULL, command);
	command = command_of(fixture, CADRE__V1__COMMAND__BODY_RETIRE_NODE);
	command->retire_node = fixture_alloc(fixture, sizeof *command->retire_node);
	cadre__v1__retire_node__init(command->retire_node);
	command->retire_node->node_id = fixture_text(fixture, "%s", node);
	(void)fixture_do(fixture, NULL, command);
	command = command_of(fixture, CADRE__V1__COMMAND__BODY_PUT_PRINCIPAL);
	command->put_principal = fixture_alloc(fixture, sizeof *command->put_principal);
	cadre__v1__put_principal__init(command->put_principal);
	command->put_principal->name = fixture_text(fixture, "somebody");
	(void)fixture_do(fixture, NULL, command);
	command = command_of(fixture, CADRE__V1__COMMAND__BODY_REMOVE_PRINCIPAL);
	command->remove_principal = fixture_alloc(fixture,
	                                          sizeof *command->remove_principal);
	cadre__v1__remove_principal__init(command->remove_principal);
	command->remove_principal->name = fixture_text(fixture, "somebody");
	(void)fixture_do(fixture, NULL, command);
}

static void run_script(struct fixture *fixture)
{
	char ids[8][CADRE_OCID_BYTES];
	char history[CADRE_OCID_BYTES];
	struct cadre_result result;
	Cadre__V1__Command *batch[2];
	struct cadre_error err = CADRE_ERROR_INIT;
	struct sent *sent;

	result = fixture_do(fixture, "t0", fixture_create_group(fixture, "first", 0, 5));
	memcpy(ids[0], result.ocid, sizeof ids[0]);
	result = fixture_do(fixture, NULL,
	                    fixture_create_history(fixture, "line", ids[0]));
	memcpy(history, result.ocid, sizeof history);
	for (unsigned i = 1; i < 8; i++) {
		cadre_env_sim_advance_ms(fixture->sim, 1000);
		result = fixture_do(fixture, NULL,
		                    fixture_patch(fixture, history, 10 + i));
		memcpy(ids[i], result.ocid, sizeof ids[i]);
	}
	/* Back to an old version, and on from there: its members are copied. */
	roll_back(fixture, history, ids[3]);
	(void)fixture_do(fixture, NULL, fixture_patch(fixture, history, 50));
	deployment_events(fixture, ids[5], ids[6]);
	group_events(fixture, ids[4]);
	other_events(fixture);
	batch[0] = fixture_create_group(fixture, "second", 100, 70);
	batch[1] = fixture_create_history(fixture, "other", "$0");
	sent = fixture_send(fixture, "t1", batch, 2);
	assert_ok(fixture_settle(fixture, &err));
	assert_int_equal(sent->request.status, CADRE_OK);
	do_move(fixture, CADRE__V1__COMMAND__BODY_MOVE_HISTORY, sent->results[1].ocid);
	do_ref(fixture, CADRE__V1__COMMAND__BODY_DELETE_GROUP, sent->results[0].ocid);
	do_ref(fixture, CADRE__V1__COMMAND__BODY_DELETE_HISTORY, sent->results[1].ocid);
	for (unsigned i = 0; i < 1000; i++)
		(void)fixture_send_one(fixture, NULL,
		                       fixture_create_group(fixture, "bulk", i, 1));
	assert_ok(fixture_settle(fixture, &err));
}

static void write_file(const char *path, const void *data, size_t length)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void write_files(void **state)
{
	struct fixture fixture;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	struct cadre_buffer bytes = { 0 };
	static char lines[FILE_BYTES_MAX];

	(void)state;
	fixture_init(&fixture);
	fixture_open(&fixture);
	run_script(&fixture);
	assert_ok(
	        cadre_log_cursor_open(cadre_store_log(fixture.store), 1, &cursor, &err));
	while (cadre_log_cursor_next(cursor, &batch, &err) == CADRE_OK)
		assert_ok(cadre_buffer_append(&bytes, batch.bytes.data,
		                              batch.bytes.length));
	cadre_log_cursor_close(cursor);
	apply_all(cadre_buffer_slice(&bytes), lines, sizeof lines);
	write_file(BATCHES_FILE, bytes.data, bytes.length);
	write_file(DIGESTS_FILE, lines, strlen(lines));
	cadre_buffer_fini(&bytes);
	fixture_fini(&fixture);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_of_level_1_means_what_it_always_meant),
	};
	const struct CMUnitTest writing[] = { cmocka_unit_test(write_files) };

	if (argc == 2 && strcmp(argv[1], "write") == 0)
		return cmocka_run_group_tests(writing, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
