#include "tests/support/testing.h"

#include "tools/common/json_message.h"
#include "tools/common/oci_json.h"
#include "tools/common/oci_write.h"

#define HEAD                                                               \
	"{\"id\":\"ocid1.x\",\"compartmentId\":\"c\",\"projectId\":\"p\"," \
	"\"displayName\":\"n\","
#define TAIL                                                   \
	"\"lifecycleState\":\"ACTIVE\",\"createdBy\":\"ada\"," \
	"\"timeCreated\":\"1970-01-01T00:00:01.000Z\","        \
	"\"timeUpdated\":\"1970-01-01T00:00:02.000Z\",\"etag\":\"e\"}"

static void init(Cadre__V1__ResourceInfo *info, Cadre__V1__Resource *resource,
                 Cadre__V1__Kind kind)
{
	cadre__v1__resource_info__init(info);
	cadre__v1__resource__init(resource);
	info->resource = resource;
	info->etag = (char *)"e";
	resource->kind = kind;
	resource->ocid = (char *)"ocid1.x";
	resource->compartment_id = (char *)"c";
	resource->project_id = (char *)"p";
	resource->display_name = (char *)"n";
	resource->created_by = (char *)"ada";
	resource->lifecycle_state = CADRE__V1__LIFECYCLE_STATE__ACTIVE;
	resource->time_created_ms = 1000;
	resource->time_updated_ms = 2000;
}

static void check(const Cadre__V1__ResourceInfo *info, const char *expected)
{
	struct cadre_json json = { 0 };

	cadre_oci_put_resource(&json, info);
	assert_int_equal(json.text.length, strlen(expected));
	assert_memory_equal(json.text.data, expected, json.text.length);
	cadre_json_fini(&json);
}

static void a_group_is_written_as_oci_returns_it(void **state)
{
	Cadre__V1__ResourceInfo info;
	Cadre__V1__Resource resource;
	Cadre__V1__GroupState group = CADRE__V1__GROUP_STATE__INIT;
	Cadre__V1__Member first = CADRE__V1__MEMBER__INIT;
	Cadre__V1__Member second = CADRE__V1__MEMBER__INIT;
	Cadre__V1__Member *members[] = { &first, &second };

	(void)state;
	init(&info, &resource, CADRE__V1__KIND__KIND_GROUP);
	resource.detail_case = CADRE__V1__RESOURCE__DETAIL_GROUP;
	resource.group = &group;
	group.type = CADRE__V1__GROUP_TYPE__STACKED;
	group.base_model_id = (char *)"m1";
	group.version_id = 3;
	group.member_count = 2;
	first.model_id = (char *)"m1";
	second.model_id = (char *)"m2";
	second.inference_key = (char *)"k\"";
	info.members = members;
	info.n_members = 2;
	info.history_id = (char *)"h";
	info.history_name = (char *)"line";
	check(&info,
	      HEAD "\"createType\":\"CREATE\",\"modelGroupVersionHistoryId\":\"h\","
	           "\"modelGroupVersionHistoryName\":\"line\",\"versionId\":3,"
	           "\"modelGroupDetails\":{\"type\":\"STACKED\",\"baseModelId\":\"m1\"},"
	           "\"memberCount\":2,\"deployments\":0,\"memberModelEntries\":"
	           "{\"memberModelDetails\":[{\"modelId\":\"m1\"},"
	           "{\"modelId\":\"m2\",\"inferenceKey\":\"k\\\"\"}]},"
	           "\"freeformTags\":{},\"definedTags\":{}," TAIL);
}

static void defined_tags_are_grouped_by_namespace(void **state)
{
	Cadre__V1__ResourceInfo info;
	Cadre__V1__Resource resource;
	Cadre__V1__HistoryState history = CADRE__V1__HISTORY_STATE__INIT;
	Cadre__V1__Attributes attributes = CADRE__V1__ATTRIBUTES__INIT;
	Cadre__V1__DefinedTags tags = CADRE__V1__DEFINED_TAGS__INIT;
	Cadre__V1__DefinedTag list[3];
	Cadre__V1__DefinedTag *pointers[] = { &list[0], &list[1], &list[2] };

	(void)state;
	init(&info, &resource, CADRE__V1__KIND__KIND_HISTORY);
	resource.detail_case = CADRE__V1__RESOURCE__DETAIL_HISTORY;
	resource.history = &history;
	for (int i = 0; i < 3; i++)
		cadre__v1__defined_tag__init(&list[i]);
	list[0].namespace_ = list[2].namespace_ = (char *)"a";
	list[1].namespace_ = (char *)"b";
	list[0].key = list[1].key = (char *)"x";
	list[2].key = (char *)"y";
	list[0].value_case = CADRE__V1__DEFINED_TAG__VALUE_NUMBER;
	list[0].number = -7;
	list[1].value_case = CADRE__V1__DEFINED_TAG__VALUE_FLAG;
	list[1].flag = 1;
	list[2].value_case = CADRE__V1__DEFINED_TAG__VALUE_TEXT;
	list[2].text = (char *)"z";
	tags.tags = pointers;
	tags.n_tags = 3;
	attributes.defined_tags = &tags;
	info.attributes = &attributes;
	check(&info, HEAD "\"lastVersionId\":0,\"liveGroups\":0,\"freeformTags\":{},"
	                  "\"definedTags\":{\"a\":{\"x\":-7,\"y\":\"z\"},"
	                  "\"b\":{\"x\":true}}," TAIL);
}

/* What is written is read back as the same command. */
static void a_deployment_is_written_as_it_was_asked_for(void **state)
{
	static const char policy[] =
	        "{\"policyType\":\"AUTOSCALING\",\"autoScalingPolicies\":[]}";
	Cadre__V1__ResourceInfo info;
	Cadre__V1__Resource resource;
	Cadre__V1__DeploymentState deployment = CADRE__V1__DEPLOYMENT_STATE__INIT;
	Cadre__V1__Infrastructure infrastructure = CADRE__V1__INFRASTRUCTURE__INIT;
	struct cadre_json json = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	Cadre__V1__Command command;
	json_t *value = NULL;

	(void)state;
	init(&info, &resource, CADRE__V1__KIND__KIND_DEPLOYMENT);
	resource.detail_case = CADRE__V1__RESOURCE__DETAIL_DEPLOYMENT;
	resource.deployment = &deployment;
	deployment.infrastructure = &infrastructure;
	infrastructure.instance_shape_name = (char *)"VM.X";
	infrastructure.has_ocpus = 1;
	infrastructure.ocpus = 2.5;
	infrastructure.scaling_policy_type = (char *)"AUTOSCALING";
	infrastructure.scaling_policy_json = (char *)(uintptr_t)policy;
	infrastructure.has_bandwidth_mbps = 1;
	infrastructure.bandwidth_mbps = 10;
	info.target_group_id = (char *)"g";
	cadre_oci_put_resource(&json, &info);
	assert_ok(cadre_json_parse(cadre_buffer_slice(&json.text), 0, &value, &err));
	cadre_arena_init(&arena, 1 << 20);
	assert_ok(cadre_oci_create_deployment(value, NULL, &arena, &command, &err));
	assert_string_equal(command.create_deployment->model_group_id, "g");
	assert_string_equal(
	        command.create_deployment->infrastructure->scaling_policy_json, policy);
	assert_true(command.create_deployment->infrastructure->ocpus == 2.5);
	assert_int_equal(command.create_deployment->infrastructure->bandwidth_mbps, 10);
	json_decref(value);
	cadre_arena_fini(&arena);
	cadre_json_fini(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_is_written_as_oci_returns_it),
		cmocka_unit_test(defined_tags_are_grouped_by_namespace),
		cmocka_unit_test(a_deployment_is_written_as_it_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
