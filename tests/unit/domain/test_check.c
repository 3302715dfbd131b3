/* What is wrong with a command by itself. */
#include "tests/support/testing.h"

#include <math.h>
#include <stdio.h>

#include "engine/domain/field_rules.h"
#include "proto/codec/limits.h"
#include "tests/support/domain_bench.h"

#define BODY(name) CADRE__V1__COMMAND__BODY_##name

static int setup(void **state)
{
	static struct test_bench bench;

	test_bench_init(&bench);
	*state = &bench;
	return 0;
}

static int teardown(void **state)
{
	test_bench_fini(*state);
	return 0;
}

static char *repeat(struct test_bench *t, const char *unit, size_t count)
{
	size_t bytes = strlen(unit);
	char *text = cadre_arena_alloc(&t->arena, bytes * count + 1);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * bytes, unit, bytes);
	text[bytes * count] = '\0';
	return text;
}

static char *text(struct test_bench *t, const char *value)
{
	return test_text(&t->arena, "%s", value);
}

/* ---- the table ---- */

static void check_schema(const ProtobufCMessageDescriptor *type, unsigned depth)
{
	const struct cadre_message_rules *rules = cadre_rules_of_message(type);

	assert_true(depth < 8);
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		const struct cadre_field_rule *rule = cadre_rule_of_field(rules, field);
		bool bounded = field->type != PROTOBUF_C_TYPE_STRING &&
		               field->type != PROTOBUF_C_TYPE_BYTES;
		bounded = bounded || (rule && rule->max > 0);
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			bounded = bounded && rule && rule->most > 0;
		if (!bounded)
			print_error("%s.%s has no limit\n", type->name, field->name);
		assert_true(bounded);
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			check_schema(field->descriptor, depth + 1);
	}
}

static void every_text_and_list_of_every_command_has_a_limit(void **state)
{
	(void)state;
	check_schema(&cadre__v1__command__descriptor, 0);
}

static void a_message_names_path_value_and_limit(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "a=m1 b=m2", NULL);

	create->create_group->members[1]->inference_key = repeat(t, "k", 33);
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createGroup.members[1].inferenceKey");
	assert_string_equal(
	        t->err.message,
	        "createGroup.members[1].inferenceKey: 33 characters, at most 32");
}

static void required_fields_are_missed_by_name(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);
	Cadre__V1__Command nothing = CADRE__V1__COMMAND__INIT;

	create->create_group->project_id = NULL;
	test_refused(t, create, CADRE_MISSING_PARAMETER, "createGroup.projectId");
	create = test_create_group(t, "", NULL);
	test_refused(t, create, CADRE_MISSING_PARAMETER, "createGroup.members");
	create->create_group->model_group_details = NULL;
	test_refused(t, create, CADRE_MISSING_PARAMETER, "createGroup.modelGroupDetails");
	test_refused(t, &nothing, CADRE_MISSING_PARAMETER, "command");
}

/* ---- texts ---- */

static void lengths_of_names_count_code_points(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);

	create->create_group->display_name = repeat(t, "\xF0\x9F\x90\x8C", 255);
	create->create_group->description = repeat(t, "\xC3\xA9", 400);
	create->create_group->version_label = repeat(t, "v", 400);
	create->create_group->members[0]->inference_key = repeat(t, "\xF0\x9F\x90\x8C",
	                                                         32);
	test_done(t, create);
	create->create_group->display_name = repeat(t, "\xF0\x9F\x90\x8C", 256);
	test_refused(t, create, CADRE_INVALID_PARAMETER, "createGroup.displayName");
	create->create_group->display_name = NULL;
	create->create_group->description = repeat(t, "\xC3\xA9", 401);
	test_refused(t, create, CADRE_INVALID_PARAMETER, "createGroup.description");
	create->create_group->description = text(t, "");
	test_refused(t, create, CADRE_INVALID_PARAMETER, "createGroup.description");
	create->create_group->description = NULL;
	create->create_group->version_label = repeat(t, "v", 401);
	test_refused(t, create, CADRE_INVALID_PARAMETER, "createGroup.versionLabel");
}

static void texts_are_utf8(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);

	create->create_group->display_name = text(t, "a\xED\xA0\x80");
	test_refused(t, create, CADRE_INVALID_PARAMETER, "createGroup.displayName");
	create->create_group->display_name = text(t, "\xC0\x80");
	test_refused(t, create, CADRE_INVALID_PARAMETER, "createGroup.displayName");
}

static void keys_hold_nothing_invisible(void **state)
{
	static const char *const bad[] = {
		"a\x01", "\t",           "\x7F",         "\xC2\x85",     "\xEF\xBB\xBF",
		"",      "\xE2\x80\xAA", "\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x81\xA9",
	};
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "k=m1", NULL);
	char **key = &create->create_group->members[0]->inference_key;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		*key = text(t, bad[i]);
		test_refused(t, create, CADRE_INVALID_PARAMETER,
		             "createGroup.members[0].inferenceKey");
	}
	*key = text(t, "meta-llama/Llama-2 7b \xC3\xA9");
	test_done(t, create);
}

static void ids_are_255_bytes_without_spaces(void **state)
{
	static const char *const bad[] = { "a b", "a\n", "\xC2\xA0x", "" };
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);
	char **id = &create->create_group->members[0]->model_id;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		*id = text(t, bad[i]);
		test_refused(t, create, CADRE_INVALID_PARAMETER,
		             "createGroup.members[0].modelId");
	}
	*id = repeat(t, "\xC3\xA9", 128);
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createGroup.members[0].modelId");
	*id = repeat(t, "x", 255);
	test_done(t, create);
}

/* ---- member lists ---- */

static void members_are_unique_by_model_and_by_key(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "x", NULL);

	test_refused(t, test_create_group(t, "m1 m2 m1", NULL), CADRE_INVALID_PARAMETER,
	             "createGroup.members[2].modelId");
	test_refused(t, test_create_group(t, "k=m1 j=m2 k=m3", NULL),
	             CADRE_INVALID_PARAMETER, "createGroup.members[2].inferenceKey");
	create->create_group->members = test_members_many(&t->arena, "m", 0, 1000);
	create->create_group->n_members = 1000;
	test_done(t, create);
	create->create_group->members[999]->model_id =
	        create->create_group->members[0]->model_id;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createGroup.members[999].modelId");
}

/* ---- tags and metadata ---- */

static void tags_are_few_unique_and_small(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);
	Cadre__V1__FreeformTags *tags = test_tags(t, "k", "");
	Cadre__V1__FreeformTag *many[11];

	create->create_group->freeform_tags = tags;
	test_done(t, create);
	tags->tags[0]->value = repeat(t, "v", 257);
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createGroup.freeformTags.tags[0].value");
	tags->tags[0]->value = text(t, "v");
	tags->tags[0]->key = repeat(t, "k", 101);
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createGroup.freeformTags.tags[0].key");
	tags->tags[0]->key = text(t, "k");
	for (size_t i = 0; i < 11; i++)
		many[i] = tags->tags[0];
	tags->tags = many;
	tags->n_tags = 2;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createGroup.freeformTags.tags[1].key");
	tags->n_tags = 11;
	test_refused(t, create, CADRE_LIMIT_EXCEEDED, "createGroup.freeformTags.tags");
}

static void all_tags_together_are_10_kib(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);
	Cadre__V1__DefinedTags defined = CADRE__V1__DEFINED_TAGS__INIT;
	Cadre__V1__DefinedTag *tags[64];

	for (size_t i = 0; i < 64; i++) {
		tags[i] = test_message(&t->arena, &cadre__v1__defined_tag__descriptor);
		tags[i]->namespace_ = text(t, "n");
		tags[i]->key = test_text(&t->arena, "%02zu", i);
		tags[i]->value_case = CADRE__V1__DEFINED_TAG__VALUE_TEXT;
		tags[i]->text = repeat(t, "v", 157);
	}
	defined.tags = tags;
	defined.n_tags = 64;
	create->create_group->defined_tags = &defined;
	test_done(t, create); /* 64 x 160 */
	create->create_group->freeform_tags = test_tags(t, "k", "");
	test_refused(t, create, CADRE_LIMIT_EXCEEDED,
	             "createGroup.freeformTags, definedTags");
	tags[1]->key = tags[0]->key;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createGroup.definedTags.tags[1]");
	tags[1]->key = text(t, "01");
	tags[1]->value_case = CADRE__V1__DEFINED_TAG__VALUE__NOT_SET;
	test_refused(t, create, CADRE_MISSING_PARAMETER,
	             "createGroup.definedTags.tags[1]");
}

static Cadre__V1__CustomMetadata *add_metadata(struct test_bench *t,
                                               Cadre__V1__Command *create)
{
	Cadre__V1__GroupDetails *details = create->create_group->model_group_details;

	details->custom_metadata_list = cadre_arena_alloc(&t->arena, sizeof(void *));
	details->custom_metadata_list[0] =
	        test_message(&t->arena, &cadre__v1__custom_metadata__descriptor);
	details->n_custom_metadata_list = 1;
	return details->custom_metadata_list[0];
}

static void custom_metadata_is_64_kib_together(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);
	Cadre__V1__CustomMetadata *row = add_metadata(t, create);

	row->key = text(t, "k");
	row->value = repeat(t, "v", 65535);
	test_done(t, create);
	row->category = text(t, "c");
	test_refused(t, create, CADRE_LIMIT_EXCEEDED,
	             "createGroup.modelGroupDetails.customMetadataList");
}

static void gpu_rows_follow_their_grammar(void **state)
{
	static const struct {
		const char *key, *value, *field; /* NULL: accepted */
	} cases[] = {
		{ "gpu", "0", NULL },
		{ "gpu", "any", NULL },
		{ "gpu", "0,1,10", NULL },
		{ "gpu/k1", "GPU-8d7cbb4e-5f2b-11ee-8c99-0242ac120002,3", NULL },
		{ "pin/k1", "never-evict", NULL },
		{ "pin/k1", "lru", NULL },
		{ "gpu", "", "value" },
		{ "gpu", "0,", "value" },
		{ "gpu", "0,,1", "value" },
		{ "gpu", "0, 1", "value" },
		{ "gpu", "01", "value" },
		{ "gpu", "-1", "value" },
		{ "gpu", "0,0", "value" },
		{ "gpu", "0,any", "value" },
		{ "gpu", "GPU-", "value" },
		{ "gpu", "GPU-xyz", "value" },
		{ "gpu", NULL, "value" },
		{ "gpu/", "0", "key" },
		{ "pin/", "lru", "key" },
		{ "pin/k1", "always", "value" },
		{ "GPU", "0", "key" },
		{ NULL, "0", "key" },
	};
	struct test_bench *t = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		Cadre__V1__Command *create = test_create_group(t, "m1", NULL);
		Cadre__V1__CustomMetadata *row = add_metadata(t, create);
		char path[96];
		row->category = text(t, "GPU Configuration");
		row->key = cases[i].key ? text(t, cases[i].key) : NULL;
		row->value = cases[i].value ? text(t, cases[i].value) : NULL;
		if (!cases[i].field) {
			test_done(t, create);
			continue;
		}
		snprintf(path, sizeof path,
		         "createGroup.modelGroupDetails.customMetadataList[0].%s",
		         cases[i].field);
		test_refused(t, create, CADRE_INVALID_PARAMETER, path);
		if (row->value && row->value[0]) {
			row->category = text(t, "other");
			test_done(t, create);
		}
	}
}

/* ---- deployments and models ---- */

static void infrastructure_has_ranges(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create =
	        test_create_deployment(t, test_done(t, test_create_group(t, "m1", NULL)));
	Cadre__V1__Infrastructure infra = CADRE__V1__INFRASTRUCTURE__INIT;

	create->create_deployment->infrastructure = &infra;
	infra.has_ocpus = true;
	infra.ocpus = 0.5;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.infrastructure.ocpus");
	infra.ocpus = (double)NAN;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.infrastructure.ocpus");
	infra.ocpus = 1.5;
	infra.has_memory_in_gbs = true;
	infra.memory_in_gbs = 1025;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.infrastructure.memoryInGbs");
	infra.memory_in_gbs = 6;
	infra.has_instance_count = true;
	infra.instance_count = 11;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.infrastructure.instanceCount");
	infra.instance_count = 3;
	infra.has_maximum_instance_count = true;
	infra.maximum_instance_count = 2;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.infrastructure.maximumInstanceCount");
	infra.maximum_instance_count = 3;
	infra.scaling_policy_type = text(t, "SOME");
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.infrastructure.scalingPolicyType");
	infra.scaling_policy_type = text(t, "AUTOSCALING");
	test_done(t, create);
}

static void environment_variables_follow_the_name_rules(void **state)
{
	static const char *const bad[] = { "A", "1A", "_A", "A_", "A-B", "A B" };
	struct test_bench *t = *state;
	Cadre__V1__Command *create =
	        test_create_deployment(t, test_done(t, test_create_group(t, "m1", NULL)));
	Cadre__V1__Environment environment = CADRE__V1__ENVIRONMENT__INIT;
	Cadre__V1__NameValue one = CADRE__V1__NAME_VALUE__INIT;
	Cadre__V1__NameValue *variables[2] = { &one, &one };

	create->create_deployment->environment = &environment;
	environment.variables = variables;
	environment.n_variables = 1;
	one.value = text(t, "");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		one.name = text(t, bad[i]);
		test_refused(t, create, CADRE_INVALID_PARAMETER,
		             "createDeployment.environment.variables[0].name");
	}
	one.name = repeat(t, "A", 32);
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.environment.variables[0].name");
	one.name = repeat(t, "A", 31);
	one.value = repeat(t, "v", 2017);
	test_done(t, create);
	one.value = repeat(t, "v", 2018);
	test_refused(t, create, CADRE_LIMIT_EXCEEDED,
	             "createDeployment.environment.variables");
	one.value = text(t, "v");
	environment.n_variables = 2;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.environment.variables[1].name");
	environment.n_variables = 1;
	environment.has_server_port = true;
	environment.server_port = 80;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.environment.serverPort");
	environment.server_port = 8446;
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createDeployment.environment.serverPort");
}

static void artifact_uris_hold_no_secrets(void **state)
{
	static const char *const good[] = {
		"file:///models/a.gguf", "https://host:8443/a/b@c",
		"cadre://sha256/0123",   "oci://bucket@namespace/object",
		"s3://bucket/key",       "http://[::1]:80/x",
	};
	static const char *const bad[] = {
		"https://user:secret@host/a",
		"https://token@host/a",
		"https://host/a?sig=1",
		"https://host/a#f",
		"ftp://host/a",
		"models/a.gguf",
		"HTTPS://host/a",
		"oci://user:pw@ns/o",
		"https://host/a b",
	};
	struct test_bench *t = *state;
	Cadre__V1__Command *model = test_register_model(t, NULL);
	uint8_t hash[32] = { 1 };

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		model->register_model->artifact_uri = text(t, good[i]);
		test_done(t, model);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		model->register_model->artifact_uri = text(t, bad[i]);
		test_refused(t, model, CADRE_INVALID_PARAMETER,
		             "registerModel.artifactUri");
	}
	model->register_model->artifact_uri = NULL;
	model->register_model->has_artifact_sha256 = true;
	model->register_model->artifact_sha256.data = hash;
	model->register_model->artifact_sha256.len = 31;
	test_refused(t, model, CADRE_INVALID_PARAMETER, "registerModel.artifactSha256");
}

static void retry_tokens_are_1_to_64_characters(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);

	create->retry_token = text(t, "");
	test_refused(t, create, CADRE_INVALID_PARAMETER, "retryToken");
	create->retry_token = repeat(t, "t", 65);
	test_refused(t, create, CADRE_INVALID_PARAMETER, "retryToken");
	create->retry_token = repeat(t, "t", 64);
	test_done(t, create);
}

static void enums_have_only_their_values(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "m1", NULL);
	int type = 9;

	memcpy(&create->create_group->model_group_details->type, &type, sizeof type);
	test_refused(t, create, CADRE_INVALID_PARAMETER,
	             "createGroup.modelGroupDetails.type");
}

/* Members as large as they may be. */
static void make_large(struct test_bench *t, Cadre__V1__Member **members,
                       const char *mark)
{
	for (size_t i = 0; i < 1000; i++) {
		members[i]->model_id = test_text(&t->arena, "%03zu%s%s", i, mark,
		                                 repeat(t, "x", 251));
		members[i]->inference_key = test_text(&t->arena, "%03zu%s%s", i, mark,
		                                      repeat(t, "\xF0\x9F\x90\x8C", 28));
	}
}

static void an_event_over_its_limit_is_too_large(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *create = test_create_group(t, "x", NULL);
	Cadre__V1__CreateGroup *group = create->create_group;
	Cadre__V1__Command *patch;
	Cadre__V1__PatchInstruction **steps;

	group->members = test_members_many(&t->arena, "m", 0, 1000);
	group->n_members = 1000;
	make_large(t, group->members, "a");
	add_metadata(t, create)->value = repeat(t, "\xF0\x9F\x90\x8C", 16384);
	patch = test_patch(t, test_done(t, create), "-x +x");
	assert_true(cadre__v1__event__get_packed_size(t->decision.event) <
	            CADRE_EVENT_BYTES_MAX);
	steps = patch->patch_group->patch;
	steps[0]->values = group->members;
	steps[0]->n_values = 1000;
	steps[1]->values = test_members_many(&t->arena, "m", 0, 1000);
	steps[1]->n_values = 1000;
	make_large(t, steps[1]->values, "b");
	test_refused(t, patch, CADRE_TOO_LARGE, "patchGroup");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(every_text_and_list_of_every_command_has_a_limit),
		CASE(a_message_names_path_value_and_limit),
		CASE(required_fields_are_missed_by_name),
		CASE(lengths_of_names_count_code_points),
		CASE(texts_are_utf8),
		CASE(keys_hold_nothing_invisible),
		CASE(ids_are_255_bytes_without_spaces),
		CASE(members_are_unique_by_model_and_by_key),
		CASE(tags_are_few_unique_and_small),
		CASE(all_tags_together_are_10_kib),
		CASE(custom_metadata_is_64_kib_together),
		CASE(gpu_rows_follow_their_grammar),
		CASE(infrastructure_has_ranges),
		CASE(environment_variables_follow_the_name_rules),
		CASE(artifact_uris_hold_no_secrets),
		CASE(retry_tokens_are_1_to_64_characters),
		CASE(enums_have_only_their_values),
		CASE(an_event_over_its_limit_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
