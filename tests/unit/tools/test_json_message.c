#include "tests/unit/tools/filled.h"

#include <string.h>

#include "cadre/v1/command.pb-c.h"
#include "cadre/v1/event.pb-c.h"
#include "cadre/v1/state.pb-c.h"
#include "proto/codec/codec.h"
#include "tools/common/json_message.h"

/* One filled message costs a few hundred KiB at most. */
#define ARENA_BYTES (16u << 20)

/* JSON of the message, that JSON as a message, its bytes: equal. The text of the
 * second message is equal too. */
static void check_round_trip(const ProtobufCMessage *message)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer before = { 0 };
	struct cadre_buffer after = { 0 };
	struct cadre_json text = { 0 };
	struct cadre_json again = { 0 };
	struct cadre_arena arena;
	ProtobufCMessage *back = NULL;
	json_t *value = NULL;

	cadre_arena_init(&arena, ARENA_BYTES);
	assert_ok(cadre_pack(message, &before, &err));
	assert_ok(cadre_json_put_message(&text, message, &err));
	assert_ok(cadre_json_status(&text, &err));
	assert_ok(cadre_json_parse(cadre_buffer_slice(&text.text), 1, &value, &err));
	assert_ok(cadre_json_get_message(value, message->descriptor, "", &arena, &back,
	                                 &err));
	assert_ok(cadre_pack(back, &after, &err));
	assert_true(cadre_slice_equal(cadre_buffer_slice(&before),
	                              cadre_buffer_slice(&after)));
	assert_ok(cadre_json_put_message(&again, back, &err));
	assert_true(cadre_slice_equal(cadre_buffer_slice(&text.text),
	                              cadre_buffer_slice(&again.text)));
	json_decref(value);
	cadre_json_fini(&text);
	cadre_json_fini(&again);
	cadre_buffer_fini(&before);
	cadre_buffer_fini(&after);
	cadre_arena_fini(&arena);
}

static void check_every_member(const ProtobufCMessageDescriptor *type)
{
	struct test_random random = { .state = test_seed(0x0DDBA11) };
	struct cadre_arena arena;

	cadre_arena_init(&arena, ARENA_BYTES);
	for (unsigned i = 0; i < type->n_fields; i++) {
		unsigned chances[] = { 256, 0, 128, 128, 128 };

		for (size_t j = 0; j < sizeof(chances) / sizeof(chances[0]); j++) {
			cadre_arena_reset(&arena);
			check_round_trip(filled_message(type, type->fields[i].id,
			                                chances[j], &random, &arena));
		}
	}
	cadre_arena_fini(&arena);
}

static void test_every_event_goes_through_json_unchanged(void **state)
{
	(void)state;
	check_every_member(&cadre__v1__event__descriptor);
}

static void test_every_command_goes_through_json_unchanged(void **state)
{
	(void)state;
	check_every_member(&cadre__v1__command__descriptor);
}

static void test_every_resource_goes_through_json_unchanged(void **state)
{
	(void)state;
	check_every_member(&cadre__v1__resource__descriptor);
}

static void test_a_field_has_its_lower_camel_case_name(void **state)
{
	char name[CADRE_JSON_NAME_BYTES];

	(void)state;
	cadre_json_name("model_group_version_history_id", name);
	assert_string_equal(name, "modelGroupVersionHistoryId");
	cadre_json_name("memory_in_gbs", name);
	assert_string_equal(name, "memoryInGbs");
}

static void test_the_text_is_the_same_for_all_time(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_json json = { 0 };
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__RegisterModel model = CADRE__V1__REGISTER_MODEL__INIT;
	uint8_t hash[2] = { 0xAB, 0x01 };

	(void)state;
	command.retry_token = (char[]){ "t" };
	command.body_case = CADRE__V1__COMMAND__BODY_REGISTER_MODEL;
	command.register_model = &model;
	model.compartment_id = (char[]){ "c\"\n" };
	model.project_id = (char[]){ "" };
	model.has_kind = 1;
	model.kind = CADRE__V1__MODEL_KIND__MODEL_LORA;
	model.has_artifact_sha256 = 1;
	model.artifact_sha256 = (ProtobufCBinaryData){ .len = 2, .data = hash };
	model.has_artifact_bytes = 1;
	model.artifact_bytes = UINT64_MAX;
	assert_ok(cadre_json_put_message(&json, &command.base, &err));
	assert_ok(cadre_buffer_append(&json.text, "", 1));
	assert_string_equal((char *)json.text.data,
	                    "{\"retryToken\":\"t\",\"registerModel\":{\"compartmentId\":"
	                    "\"c\\\"\\n\",\"projectId\":\"\",\"kind\":\"MODEL_LORA\","
	                    "\"artifactSha256\":\"ab01\",\"artifactBytes\":"
	                    "\"18446744073709551615\"}}");
	cadre_json_fini(&json);
}

static void check_refused(const char *text, enum cadre_status status, const char *message)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	ProtobufCMessage *back = NULL;
	json_t *value = NULL;

	cadre_arena_init(&arena, 1 << 20);
	assert_ok(cadre_json_parse(cadre_slice_text(text), 1, &value, &err));
	assert_int_equal(cadre_json_get_message(value, &cadre__v1__command__descriptor,
	                                        "", &arena, &back, &err),
	                 status);
	assert_string_equal(err.message, message);
	json_decref(value);
	cadre_arena_fini(&arena);
}

static void test_what_does_not_fit_is_refused_with_its_path(void **state)
{
	(void)state;
	check_refused("{\"createGrup\":{}}", CADRE_INVALID_PARAMETER,
	              "createGrup: unknown field, did you mean \"createGroup\"?");
	check_refused(
	        "{\"createGroup\":{\"members\":[{\"modelId\":\"a\"},{\"modelId\":7}]}}",
	        CADRE_INVALID_PARAMETER,
	        "createGroup.members[1].modelId: expected a string, got an integer");
	check_refused("{\"createGroup\":{\"compartmentId\":\"c\"}}",
	              CADRE_MISSING_PARAMETER, "createGroup.projectId: missing");
	check_refused(
	        "{\"createGroup\":{\"modelGroupDetails\":{\"type\":\"STACKD\"}}}",
	        CADRE_INVALID_PARAMETER,
	        "createGroup.modelGroupDetails.type: \"STACKD\" is not a GroupType, "
	        "did you mean \"STACKED\"?");
	check_refused("{\"raiseFeatureLevel\":{\"level\":4294967296}}",
	              CADRE_INVALID_PARAMETER,
	              "raiseFeatureLevel.level: 4294967296, must be 0..4294967295");
	check_refused("{\"raiseFeatureLevel\":{\"level\":-1}}", CADRE_INVALID_PARAMETER,
	              "raiseFeatureLevel.level: -1, must be 0..4294967295");
	check_refused("{\"cutOver\":{\"deploymentId\":\"d\",\"generation\":\"5\"}}",
	              CADRE_INVALID_PARAMETER,
	              "cutOver.generation: expected an integer (as a string only above "
	              "2^63 - 1)");
	check_refused("{\"deleteGroup\":{\"id\":\"a\"},\"deleteHistory\":{\"id\":\"b\"}}",
	              CADRE_INVALID_PARAMETER,
	              "deleteHistory: only one of the alternatives may be given");
	check_refused("{\"putArtifact\":{\"artifact\":{\"sha256\":\"abc\"}}}",
	              CADRE_INVALID_PARAMETER,
	              "putArtifact.artifact.sha256: expected pairs of hex digits");
	check_refused("[]", CADRE_INVALID_PARAMETER, "expected an object, got an array");
}

static void test_a_message_over_the_arenas_cap_is_too_large(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	ProtobufCMessage *back = NULL;
	json_t *members = json_array();
	json_t *value;

	(void)state;
	for (int i = 0; i < 1000; i++)
		json_array_append_new(members, json_pack("{s:s}", "modelId", "m"));
	value = json_pack("{s:{s:o}}", "createGroup", "members", members);
	cadre_arena_init(&arena, 16 << 10);
	assert_int_equal(cadre_json_get_message(value, &cadre__v1__command__descriptor,
	                                        "", &arena, &back, &err),
	                 CADRE_TOO_LARGE);
	json_decref(value);
	cadre_arena_fini(&arena);
}

static void test_a_key_given_twice_is_refused(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	json_t *value = NULL;

	(void)state;
	assert_int_equal(cadre_json_parse(cadre_slice_text("{\"a\":1,\n\"a\":2}"), 10,
	                                  &value, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_non_null(strstr(err.message, "line 11"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_event_goes_through_json_unchanged),
		cmocka_unit_test(test_every_command_goes_through_json_unchanged),
		cmocka_unit_test(test_every_resource_goes_through_json_unchanged),
		cmocka_unit_test(test_a_field_has_its_lower_camel_case_name),
		cmocka_unit_test(test_the_text_is_the_same_for_all_time),
		cmocka_unit_test(test_what_does_not_fit_is_refused_with_its_path),
		cmocka_unit_test(test_a_message_over_the_arenas_cap_is_too_large),
		cmocka_unit_test(test_a_key_given_twice_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
