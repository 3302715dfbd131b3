#include <stdio.h>
#include <string.h>

#include "tests/support/testing.h"
#include "tools/gateway/model_field.h"

static const char *found(const char *body)
{
	static char model[GATEWAY_MODEL_BYTES];

	return gateway_model_field(cadre_slice_text(body), model) ? model : NULL;
}

static void the_field_of_the_outermost_object_counts(void **state)
{
	(void)state;
	assert_string_equal(found("{\"model\":\"a\"}"), "a");
	assert_string_equal(
	        found(" {\n\"x\" : [1,{\"model\":\"b\"}] ,\t\"model\" : \"a\"}"), "a");
	assert_string_equal(
	        found("{\"prompt\":\"\\\"model\\\":\\\"b\\\"\",\"model\":\"a\"}"), "a");
	assert_string_equal(found("{\"n\":-1.5e3,\"t\":true,\"z\":null,\"model\":\"a\"}"),
	                    "a");
	assert_null(found("{\"x\":{\"model\":\"a\"}}"));
	assert_null(found("[{\"model\":\"a\"}]"));
}

static void escapes_are_read_as_json_reads_them(void **state)
{
	(void)state;
	assert_string_equal(found("{\"model\":\"\\u00e9\\n\\\\\"}"), "é\n\\");
	assert_null(found("{\"model\":\"\\ud800\"}"));
	assert_null(found("{\"model\":\"a\\u0000b\"}"));
}

static void a_string_that_holds_an_object_is_looked_into(void **state)
{
	(void)state;
	assert_string_equal(found("\"{\\\"model\\\":\\\"a\\\"}\""), "a");
	assert_null(found("\"text\""));
	assert_null(found("\"\\\"{}\\\"\""));
}

static void what_is_no_name_is_none(void **state)
{
	static const char *const bodies[] = {
		"",
		" ",
		"{",
		"{}",
		"{\"model\"",
		"{\"model\":",
		"{\"model\":\"",
		"{\"model\":\"a",
		"{\"model\":\"\"}",
		"{\"model\":7}",
		"{\"model\":[\"a\"]}",
		"{model:\"a\"}",
		"{\"x\":\"\\",
		"{\"x\":[}",
		"{\"x\":]]]]],\"model\":\"a\"",
		"{\"x\" \"model\":\"a\"}",
		"null",
		"\"",
		"\"\\",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_null(found(bodies[i]));
}

static void names_are_bounded(void **state)
{
	char body[2 * GATEWAY_MODEL_BYTES];
	int length = (int)GATEWAY_MODEL_BYTES - 1;

	(void)state;
	snprintf(body, sizeof body, "{\"model\":\"%0*d\"}", length, 1);
	assert_int_equal(strlen(found(body)), length);
	snprintf(body, sizeof body, "{\"model\":\"%0*d\"}", length + 1, 1);
	assert_null(found(body));
}

/* Any prefix, and any byte changed: never beyond the body. */
static void damaged_bodies_are_survived(void **state)
{
	static const char whole[] = "{\"a\":[1,\"x\\\"\"],\"model\":\"key\\u0031\"}";
	char model[GATEWAY_MODEL_BYTES];

	(void)state;
	for (size_t length = 0; length < sizeof whole - 1; length++) {
		uint8_t *copy = test_malloc(length + 1);

		memcpy(copy, whole, length);
		/* Only the name must be whole: what stands behind it is not looked at. */
		if (length < sizeof whole - 2)
			assert_false(
			        gateway_model_field(cadre_slice(copy, length), model));
		for (size_t i = 0; i < length; i++) {
			copy[i] ^= 0x55;
			(void)gateway_model_field(cadre_slice(copy, length), model);
			copy[i] ^= 0x55;
		}
		test_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_field_of_the_outermost_object_counts),
		cmocka_unit_test(escapes_are_read_as_json_reads_them),
		cmocka_unit_test(a_string_that_holds_an_object_is_looked_into),
		cmocka_unit_test(what_is_no_name_is_none),
		cmocka_unit_test(names_are_bounded),
		cmocka_unit_test(damaged_bodies_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
