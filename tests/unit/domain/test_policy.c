#include "tests/support/domain_bench.h"
#include "tests/support/testing.h"

#include "engine/domain/policy.h"

static struct cadre_statement parsed(const char *text)
{
	struct cadre_statement statement;
	struct cadre_error err = CADRE_ERROR_INIT;

	if (cadre_statement_parse(text, &statement, &err) != CADRE_OK)
		fail_msg("%s: %s", text, err.message);
	return statement;
}

static void assert_text(struct cadre_slice slice, const char *text)
{
	assert_int_equal(slice.length, strlen(text));
	assert_memory_equal(slice.data, text, slice.length);
}

static void statements_are_read_in_any_case_and_with_quotes(void **state)
{
	struct cadre_statement one = parsed(
	        "ALLOW Group 'data people' TO Manage Data-Science-Model-Groups IN "
	        "Compartment 'one two'");
	struct cadre_statement other =
	        parsed("  allow any-user to inspect data-science-family in tenancy ");

	(void)state;
	assert_text(one.group, "data people");
	assert_text(one.compartment, "one two");
	assert_int_equal(one.verb, CADRE_MANAGE);
	assert_int_equal(one.resources, CADRE_GROUPS);
	assert_int_equal(other.group.length, 0);
	assert_int_equal(other.compartment.length, 0);
	assert_int_equal(other.resources, CADRE_FAMILY);
	assert_text(parsed("allow any-user to use all-resources in compartment id c")
	                    .compartment,
	            "c");
	assert_text(parsed("allow any-user to use all-resources in compartment id")
	                    .compartment,
	            "id");
}

static void resources_have_singular_and_plural(void **state)
{
	static const struct {
		const char *word;
		unsigned resource;
	} words[] = {
		{ "data-science-model-group", CADRE_GROUPS },
		{ "data-science-model-groups", CADRE_GROUPS },
		{ "data-science-model-group-version-history", CADRE_HISTORIES },
		{ "data-science-model-group-version-histories", CADRE_HISTORIES },
		{ "data-science-model-deployment", CADRE_DEPLOYMENTS },
		{ "data-science-models", CADRE_MODELS },
		{ "data-science-work-requests", CADRE_WORK_REQUESTS },
		{ "cadre-node", CADRE_NODES },
		{ "cadre-policies", CADRE_POLICIES },
		{ "all-resources", CADRE_ALL_RESOURCES },
		{ "buckets", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		assert_int_equal(cadre_resource_named(cadre_slice_text(words[i].word)),
		                 words[i].resource);
	for (int kind = CADRE__V1__KIND__KIND_GROUP; kind <= CADRE__V1__KIND__KIND_POLICY;
	     kind++) {
		unsigned resource = cadre_resource_of((Cadre__V1__Kind)kind);
		const char *name = cadre_resource_name(resource);
		assert_int_equal(cadre_resource_named(cadre_slice_text(name)), resource);
	}
}

static void a_broken_statement_says_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} broken[] = {
		{ "", "begins with" },
		{ "deny group a to use all-resources in tenancy", "begins with" },
		{ "allow", "`group NAME`" },
		{ "allow user a to use all-resources in tenancy", "`group NAME`" },
		{ "allow group", "one group" },
		{ "allow group a, b to use all-resources in tenancy", "one group" },
		{ "allow group 'a to use all-resources in tenancy", "one group" },
		{ "allow group a use all-resources in tenancy", "`to`" },
		{ "allow group a to own all-resources in tenancy", "verb" },
		{ "allow group a to use buckets in tenancy", "resource" },
		{ "allow group a to use all-resources", "`in`" },
		{ "allow group a to use all-resources in region x", "`tenancy`" },
		{ "allow group a to use all-resources in compartment",
		  "one compartment" },
		{ "allow group a to use all-resources in tenancy where x", "conditions" },
		{ "allow group a to use all-resources in compartment c where x",
		  "conditions" },
	};
	struct cadre_statement statement;
	char long_one[CADRE_STATEMENT_BYTES_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct cadre_error err = CADRE_ERROR_INIT;
		assert_int_equal(cadre_statement_parse(broken[i].text, &statement, &err),
		                 CADRE_INVALID_PARAMETER);
		if (!strstr(err.message, broken[i].why))
			print_error("%s: %s\n", broken[i].text, err.message);
		assert_non_null(strstr(err.message, broken[i].why));
	}
	memset(long_one, 'a', sizeof long_one - 1);
	long_one[sizeof long_one - 1] = '\0';
	assert_int_equal(cadre_statement_parse(long_one, &statement, NULL),
	                 CADRE_INVALID_PARAMETER);
}

static bool grants(const char *text, char *group, enum cadre_verb verb,
                   unsigned resources, const char *compartment)
{
	const struct cadre_statement statement = parsed(text);
	const struct cadre_wish wish = { &group, group ? 1 : 0, verb, resources,
		                         compartment };

	return cadre_statement_grants(&statement, &wish);
}

static void a_verb_includes_those_before_it(void **state)
{
	(void)state;
	for (int given = CADRE_INSPECT; given <= CADRE_MANAGE; given++) {
		for (int wanted = CADRE_INSPECT; wanted <= CADRE_MANAGE; wanted++) {
			struct cadre_statement statement = parsed(
			        "allow any-user to inspect all-resources in tenancy");
			struct cadre_wish wish = { .verb = (enum cadre_verb)wanted,
				                   .resources = CADRE_GROUPS };
			statement.verb = (enum cadre_verb)given;
			assert_int_equal(cadre_statement_grants(&statement, &wish),
			                 wanted <= given);
		}
	}
}

static void a_statement_is_for_its_group_alone(void **state)
{
	static const char text[] = "allow group a to use data-science-models in tenancy";
	char a[] = "a", b[] = "b", upper[] = "A";

	(void)state;
	assert_true(grants(text, a, CADRE_USE, CADRE_MODELS, "c"));
	assert_false(grants(text, b, CADRE_USE, CADRE_MODELS, "c"));
	assert_false(grants(text, upper, CADRE_USE, CADRE_MODELS, "c"));
	assert_false(grants(text, NULL, CADRE_USE, CADRE_MODELS, "c"));
}

static void a_statement_is_for_its_compartment_alone(void **state)
{
	static const char text[] = "allow any-user to use all-resources in compartment c";

	(void)state;
	assert_true(grants(text, NULL, CADRE_USE, CADRE_MODELS, "c"));
	assert_false(grants(text, NULL, CADRE_USE, CADRE_MODELS, "d"));
	assert_false(grants(text, NULL, CADRE_USE, CADRE_NODES, NULL));
	assert_true(grants("allow any-user to use all-resources in tenancy", NULL,
	                   CADRE_USE, CADRE_NODES, NULL));
}

static void a_statement_is_for_its_resources_alone(void **state)
{
	static const char text[] = "allow any-user to use data-science-family in tenancy";

	(void)state;
	assert_true(grants(text, NULL, CADRE_USE, CADRE_WORK_REQUESTS, "c"));
	assert_false(grants(text, NULL, CADRE_USE, CADRE_PRINCIPALS, NULL));
	assert_false(grants(text, NULL, CADRE_USE, CADRE_ALL_RESOURCES, NULL));
}

/* ---- the command ---- */

#define BODY(name) CADRE__V1__COMMAND__BODY_##name
#define ALL "allow any-user to use all-resources in tenancy"

static Cadre__V1__Command *put(struct test_bench *t, const char *name, const char *text)
{
	Cadre__V1__Command *command = test_command(t, BODY(PUT_POLICY));

	command->put_policy->name = test_text(&t->arena, "%s", name);
	command->put_policy->n_statements = text ? 1 : 0;
	command->put_policy->statements = cadre_arena_alloc(&t->arena, sizeof(char *));
	command->put_policy->statements[0] = test_text(&t->arena, "%s", text ? text : "");
	return command;
}

static int setup(void **state)
{
	static struct test_bench bench;

	test_bench_init(&bench);
	model_state_apply(&bench.model, bench.time_ms,
	                  test_event_cluster_configured(&bench.arena));
	bench.model.cluster.feature_level = 2;
	*state = &bench;
	return 0;
}

static int teardown(void **state)
{
	test_bench_fini(*state);
	return 0;
}

static void a_policy_needs_statements_that_can_be_read(void **state)
{
	struct test_bench *t = *state;
	char *many[CADRE_STATEMENTS_MAX + 1];
	Cadre__V1__Command *command = put(t, "p", ALL);

	test_refused(t, put(t, "p", NULL), CADRE_MISSING_PARAMETER,
	             "putPolicy.statements");
	test_refused(t, put(t, "p", "allow everything"), CADRE_INVALID_PARAMETER,
	             "putPolicy.statements[0]");
	for (size_t i = 0; i < sizeof many / sizeof *many; i++)
		many[i] = command->put_policy->statements[0];
	command->put_policy->statements = many;
	command->put_policy->n_statements = CADRE_STATEMENTS_MAX + 1;
	test_refused(t, command, CADRE_LIMIT_EXCEEDED, "putPolicy.statements");
}

static void policies_are_put_and_removed(void **state)
{
	struct test_bench *t = *state;
	Cadre__V1__Command *gone = test_command(t, BODY(REMOVE_POLICY));

	gone->remove_policy->name = test_text(&t->arena, "p");
	test_refused(t, gone, CADRE_NOT_FOUND, "removePolicy.name");
	assert_string_equal(test_done(t, put(t, "p", ALL)), "p");
	test_no_op(t, put(t, "p", ALL));
	test_done(t, put(t, "p", "allow any-user to read all-resources in tenancy"));
	test_done(t, gone);
	test_refused(t, gone, CADRE_CONFLICT, "removePolicy.name");
	test_done(t, put(t, "p", ALL));
}

static void policies_wait_for_their_level(void **state)
{
	struct test_bench *t = *state;

	t->model.cluster.feature_level = 1;
	test_refused(t, put(t, "p", ALL), CADRE_CONFLICT, "putPolicy");
	t->model.cluster.feature_level = 2;
	test_done(t, put(t, "p", ALL));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_are_read_in_any_case_and_with_quotes),
		cmocka_unit_test(resources_have_singular_and_plural),
		cmocka_unit_test(a_broken_statement_says_what_is_wrong),
		cmocka_unit_test(a_verb_includes_those_before_it),
		cmocka_unit_test(a_statement_is_for_its_group_alone),
		cmocka_unit_test(a_statement_is_for_its_compartment_alone),
		cmocka_unit_test(a_statement_is_for_its_resources_alone),
		CASE(a_policy_needs_statements_that_can_be_read),
		CASE(policies_are_put_and_removed),
		CASE(policies_wait_for_their_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
