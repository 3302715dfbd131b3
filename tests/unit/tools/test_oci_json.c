#include "tests/support/testing.h"

#include <string.h>

#include "tools/common/json_message.h"
#include "tools/common/oci_json.h"

static const struct cadre_oci_defaults flags = { .compartment_id = "c",
	                                         .project_id = "p",
	                                         .type = "HOMOGENEOUS",
	                                         .display_name = "named",
	                                         .history = "h" };

static json_t *parse(const char *text)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	json_t *value = NULL;

	assert_ok(cadre_json_parse(cadre_slice_text(text), 1, &value, &err));
	return value;
}

/* The body as a command, written as JSON of ours. */
static void check_command(const char *body, const struct cadre_oci_defaults *defaults,
                          const char *expected)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_json json = { 0 };
	struct cadre_arena arena;
	Cadre__V1__Command command;
	json_t *value = parse(body);
	enum cadre_oci_body guess = cadre_oci_guess(value);

	cadre_arena_init(&arena, 1 << 20);
	if (guess == CADRE_OCI_CREATE_GROUP)
		assert_ok(
		        cadre_oci_create_group(value, defaults, &arena, &command, &err));
	else if (guess == CADRE_OCI_CREATE_HISTORY)
		assert_ok(cadre_oci_create_history(value, defaults, &arena, &command,
		                                   &err));
	else
		assert_ok(cadre_oci_create_deployment(value, defaults, &arena, &command,
		                                      &err));
	assert_ok(cadre_json_put_message(&json, &command.base, &err));
	assert_ok(cadre_buffer_append(&json.text, "", 1));
	assert_string_equal((char *)json.text.data, expected);
	json_decref(value);
	cadre_json_fini(&json);
	cadre_arena_fini(&arena);
}

static void check_refused(const char *body, const struct cadre_oci_defaults *defaults,
                          enum cadre_status status, const char *message)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	Cadre__V1__Command command;
	json_t *value = parse(body);
	enum cadre_status got;

	cadre_arena_init(&arena, 1 << 20);
	got = cadre_oci_guess(value) == CADRE_OCI_CREATE_DEPLOYMENT
	              ? cadre_oci_create_deployment(value, defaults, &arena, &command,
	                                            &err)
	              : cadre_oci_create_group(value, defaults, &arena, &command, &err);
	assert_string_equal(err.message, message);
	assert_int_equal(got, status);
	json_decref(value);
	cadre_arena_fini(&arena);
}

static void test_a_create_body_is_a_create_command(void **state)
{
	(void)state;
	check_command(
	        "{\"createType\":\"CREATE\",\"compartmentId\":\"c1\",\"projectId\":\"p1\","
	        "\"displayName\":\"n\",\"modelGroupDetails\":{\"type\":\"STACKED\","
	        "\"baseModelId\":\"b\",\"customMetadataList\":[{\"key\":\"GPU\"}]},"
	        "\"memberModelEntries\":{\"memberModelDetails\":[{\"inferenceKey\":\"k\","
	        "\"modelId\":\"b\"}]},\"freeformTags\":{\"z\":\"1\",\"a\":\"2\"},"
	        "\"definedTags\":{\"ns\":{\"n\":5,\"f\":true,\"t\":\"x\"}},"
	        "\"somethingNew\":[1]}",
	        NULL,
	        "{\"createGroup\":{\"compartmentId\":\"c1\",\"projectId\":\"p1\","
	        "\"displayName\":\"n\",\"modelGroupDetails\":{\"type\":\"STACKED\","
	        "\"baseModelId\":\"b\",\"customMetadataList\":[{\"key\":\"GPU\"}]},"
	        "\"members\":[{\"modelId\":\"b\",\"inferenceKey\":\"k\"}],"
	        "\"freeformTags\":{\"tags\":[{\"key\":\"a\",\"value\":\"2\"},"
	        "{\"key\":\"z\",\"value\":\"1\"}]},\"definedTags\":{\"tags\":["
	        "{\"namespace\":\"ns\",\"key\":\"f\",\"flag\":true},"
	        "{\"namespace\":\"ns\",\"key\":\"n\",\"number\":5},"
	        "{\"namespace\":\"ns\",\"key\":\"t\",\"text\":\"x\"}]}}}");
}

static void test_a_clone_body_is_a_clone_command(void **state)
{
	(void)state;
	check_command(
	        "{\"createType\":\"CLONE\",\"compartmentId\":\"c\",\"projectId\":\"p\","
	        "\"modelGroupCloneSourceDetails\":{\"modelGroupCloneSourceType\":"
	        "\"MODEL_GROUP_VERSION_HISTORY\",\"sourceId\":\"h1\","
	        "\"modifyModelGroupDetails\":{\"displayName\":\"d\"},"
	        "\"patchModelGroupMemberModelDetails\":{\"items\":[{\"operation\":\"INSERT\","
	        "\"values\":[{\"inferenceKey\":\"k\",\"modelId\":\"m\"}]},{\"operation\":"
	        "\"REMOVE\",\"values\":[{\"modelId\":\"x\"}]}]}}}",
	        NULL,
	        "{\"cloneGroup\":{\"compartmentId\":\"c\",\"projectId\":\"p\",\"sourceId\":\"h1\","
	        "\"overrides\":{\"displayName\":\"d\"},\"patch\":[{\"operation\":\"INSERT\","
	        "\"values\":[{\"modelId\":\"m\",\"inferenceKey\":\"k\"}]},{\"operation\":"
	        "\"REMOVE\",\"values\":[{\"modelId\":\"x\"}]}]}}");
}

static void test_fragments_are_completed_from_defaults(void **state)
{
	(void)state;
	check_command(
	        "{\"memberModelEntries\":{\"memberModelDetails\":[{\"modelId\":\"m\"}]}}",
	        &flags,
	        "{\"createGroup\":{\"compartmentId\":\"c\",\"projectId\":\"p\","
	        "\"displayName\":\"named\",\"modelGroupDetails\":{\"type\":"
	        "\"HOMOGENEOUS\"},\"members\":[{\"modelId\":\"m\"}],"
	        "\"modelGroupVersionHistoryId\":\"h\"}}");
	check_command("{\"patchModelGroupMemberModelDetails\":{\"items\":[]}}", &flags,
	              "{\"cloneGroup\":{\"compartmentId\":\"c\",\"projectId\":\"p\","
	              "\"sourceId\":\"h\",\"overrides\":{\"displayName\":\"named\"}}}");
}

static void test_a_history_body_is_a_create_history_command(void **state)
{
	(void)state;
	check_command(
	        "{\"compartmentId\":\"c\",\"projectId\":\"p\",\"displayName\":\"h\","
	        "\"latestModelGroupId\":\"g\"}",
	        NULL,
	        "{\"createHistory\":{\"compartmentId\":\"c\",\"projectId\":\"p\","
	        "\"displayName\":\"h\",\"latestModelGroupId\":\"g\"}}");
}

static void test_a_deployment_body_keeps_its_settings(void **state)
{
	(void)state;
	check_command(
	        "{\"displayName\":\"d\",\"compartmentId\":\"c\",\"projectId\":\"p\","
	        "\"modelDeploymentConfigurationDetails\":{\"deploymentType\":\"MODEL_GROUP\","
	        "\"modelGroupConfigurationDetails\":{\"modelGroupId\":\"g\"},"
	        "\"infrastructureConfigurationDetails\":{\"infrastructureType\":"
	        "\"INSTANCE_POOL\",\"instanceConfiguration\":{\"instanceShapeName\":\"VM\","
	        "\"modelDeploymentInstanceShapeConfigDetails\":{\"ocpus\":8,\"memoryInGBs\":128}},"
	        "\"scalingPolicy\":{\"policyType\":\"FIXED_SIZE\",\"instanceCount\":1}},"
	        "\"environmentConfigurationDetails\":{\"environmentConfigurationType\":"
	        "\"DEFAULT\",\"environmentVariables\":{\"WEB_CONCURRENCY\":\"1\"}}},"
	        "\"categoryLogDetails\":{\"access\":{\"logGroupId\":\"lg\",\"logId\":\"l\"}}}",
	        NULL,
	        "{\"createDeployment\":{\"compartmentId\":\"c\",\"projectId\":\"p\","
	        "\"displayName\":\"d\",\"modelGroupId\":\"g\",\"infrastructure\":{"
	        "\"instanceShapeName\":\"VM\",\"ocpus\":8.0,\"memoryInGbs\":128.0,"
	        "\"scalingPolicyType\":\"FIXED_SIZE\",\"instanceCount\":1},\"environment\":{"
	        "\"type\":\"DEFAULT\",\"variables\":[{\"name\":\"WEB_CONCURRENCY\",\"value\":"
	        "\"1\"}]},\"categoryLogDetails\":{\"access\":{\"logGroupId\":\"lg\",\"logId\":"
	        "\"l\"}}}}");
}

static void test_refusals_name_the_path_as_oci_spells_it(void **state)
{
	(void)state;
	check_refused("{\"createType\":\"COPY\"}", NULL, CADRE_INVALID_PARAMETER,
	              "createType: \"COPY\" is none of CREATE, CLONE");
	check_refused("{\"createType\":\"CREATE\",\"memberModelEntries\":{}}", NULL,
	              CADRE_MISSING_PARAMETER, "compartmentId: missing");
	check_refused(
	        "{\"memberModelEntries\":{\"memberModelDetails\":[{\"modelId\":\"m\"},"
	        "{\"inferenceKey\":\"k\"}]}}",
	        &flags, CADRE_MISSING_PARAMETER,
	        "memberModelEntries.memberModelDetails[1].modelId: missing");
	check_refused(
	        "{\"memberModelEntries\":{\"memberModelDetails\":[{\"modelId\":\"m\","
	        "\"inferenceKey\":3}]}}",
	        &flags, CADRE_INVALID_PARAMETER,
	        "memberModelEntries.memberModelDetails[0].inferenceKey: expected a string, "
	        "got an integer");
	check_refused(
	        "{\"createType\":\"CLONE\",\"modelGroupCloneSourceDetails\":{"
	        "\"modelGroupCloneSourceType\":\"MODEL_GROUP\",\"sourceId\":\"g\","
	        "\"patchModelGroupMemberModelDetails\":{\"items\":[{\"operation\":"
	        "\"UPSERT\",\"values\":[]}]}}}",
	        &flags, CADRE_INVALID_PARAMETER,
	        "modelGroupCloneSourceDetails.patchModelGroupMemberModelDetails.items[0]."
	        "operation: \"UPSERT\" is none of INSERT, REMOVE");
	check_refused(
	        "{\"createType\":\"CLONE\",\"modelGroupCloneSourceDetails\":{"
	        "\"modelGroupCloneSourceType\":\"MODEL_GROUP\",\"sourceId\":"
	        "\"ocid1.dscmodelgroupversionhistory.oc1..h\"}}",
	        &flags, CADRE_INVALID_PARAMETER,
	        "modelGroupCloneSourceDetails.sourceId: "
	        "\"ocid1.dscmodelgroupversionhistory.oc1..h\" is not a MODEL_GROUP");
	check_refused(
	        "{\"modelDeploymentConfigurationDetails\":{\"deploymentType\":"
	        "\"SINGLE_MODEL\"}}",
	        &flags, CADRE_INVALID_PARAMETER,
	        "modelDeploymentConfigurationDetails.deploymentType: \"SINGLE_MODEL\" is "
	        "not supported, only MODEL_GROUP");
}

static void test_an_update_without_a_body_changes_nothing(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	Cadre__V1__Command command;

	(void)state;
	cadre_arena_init(&arena, 1 << 20);
	assert_ok(cadre_oci_update_group(NULL, "g", &arena, &command, &err));
	assert_int_equal(command.body_case, CADRE__V1__COMMAND__BODY_UPDATE_GROUP);
	assert_null(command.update_group->display_name);
	assert_ok(cadre_oci_update_deployment(NULL, "d", &arena, &command, &err));
	assert_null(command.update_deployment->model_group_id);
	assert_ok(cadre_oci_update_history(NULL, "h", &arena, &command, &err));
	assert_null(command.update_history->latest_model_group_id);
	cadre_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_create_body_is_a_create_command),
		cmocka_unit_test(test_a_clone_body_is_a_clone_command),
		cmocka_unit_test(test_fragments_are_completed_from_defaults),
		cmocka_unit_test(test_a_history_body_is_a_create_history_command),
		cmocka_unit_test(test_a_deployment_body_keeps_its_settings),
		cmocka_unit_test(test_refusals_name_the_path_as_oci_spells_it),
		cmocka_unit_test(test_an_update_without_a_body_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
