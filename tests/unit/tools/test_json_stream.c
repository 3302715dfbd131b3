#include "tests/support/testing.h"

#include <string.h>

#include "tools/common/json_stream.h"

struct input {
	const char *text;
	size_t portion;
};

static enum cadre_status read_input(void *ctx, void *data, size_t capacity,
                                    size_t *ret_length, struct cadre_error *err)
{
	struct input *input = ctx;
	size_t length = strlen(input->text);

	(void)err;
	if (length > capacity)
		length = capacity;
	if (length > input->portion)
		length = input->portion;
	memcpy(data, input->text, length);
	input->text += length;
	*ret_length = length;
	return CADRE_OK;
}

static const char *lookup(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "project_id") == 0 ? "p \"1\"" : NULL;
}

/* All values, one a line, as compact JSON; then the status. */
static enum cadre_status read_all(const char *text, size_t portion, char *out,
                                  size_t capacity, struct cadre_error *err)
{
	struct input input = { .text = text, .portion = portion };
	struct cadre_json_stream stream;
	json_t *value = NULL;
	enum cadre_status status;

	out[0] = '\0';
	cadre_json_stream_init(&stream, read_input, &input);
	stream.lookup = lookup;
	while ((status = cadre_json_stream_next(&stream, &value, err)) == CADRE_OK) {
		char *dumped = json_dumps(value, JSON_COMPACT);
		size_t used = strlen(out);

		snprintf(out + used, capacity - used, "%zu%s\n", stream.line, dumped);
		free(dumped);
		json_decref(value);
	}
	cadre_json_stream_fini(&stream);
	return status;
}

static void check(const char *text, const char *expected)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	char out[1024];
	size_t portions[] = { 1, 3, SIZE_MAX };

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(read_all(text, portions[i], out, sizeof(out), &err),
		                 CADRE_END);
		assert_string_equal(out, expected);
	}
}

static void check_refused(const char *text, const char *message)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	char out[1024];

	assert_int_equal(read_all(text, 2, out, sizeof(out), &err),
	                 CADRE_INVALID_PARAMETER);
	assert_non_null(strstr(err.message, message));
}

static void test_values_follow_one_another_with_or_without_lines(void **state)
{
	(void)state;
	check("", "");
	check("{\"a\":1}{\"b\":\"}\\\"{\"}\n\n {\"c\":[{}]}\n",
	      "1{\"a\":1}\n1{\"b\":\"}\\\"{\"}\n3{\"c\":[{}]}\n");
	check("[{\"a\":1},\n{\"b\":2}]", "1{\"a\":1}\n2{\"b\":2}\n");
}

static void test_members_without_braces_are_an_object(void **state)
{
	(void)state;
	check("\"memberModelEntries\": { \"x\": [ 1 ] }\n",
	      "1{\"memberModelEntries\":{\"x\":[1]}}\n");
	check("\"a\": 1, \"b\": \"t\"", "1{\"a\":1,\"b\":\"t\"}\n");
	check("\"a\": {}\n{\"b\":2}", "1{\"a\":{}}\n2{\"b\":2}\n");
}

static void test_placeholders_get_their_value(void **state)
{
	(void)state;
	check("{\"projectId\": project_id, \"b\": true, \"c\": null, \"d\": -1.5e3}",
	      "1{\"projectId\":\"p \\\"1\\\"\",\"b\":true,\"c\":null,\"d\":-1500.0}\n");
	check_refused("{\"a\": model_group_id}",
	              "the placeholder model_group_id has no value");
}

static void test_errors_name_the_line(void **state)
{
	(void)state;
	check_refused("{\"a\":1}\n{\"b\":", "line 2: the JSON value does not end");
	check_refused("{\"a\":1}\n7", "line 2: expected a JSON object");
	check_refused("\n\n{\"a\":1,}", "line 3");
	check_refused("[{\"a\":1} {\"b\":2}]", "a comma is missing");
	check_refused("[{\"a\":1}", "the array does not end");
	check_refused("\"a\" 1", "expected a JSON object or its members");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_follow_one_another_with_or_without_lines),
		cmocka_unit_test(test_members_without_braces_are_an_object),
		cmocka_unit_test(test_placeholders_get_their_value),
		cmocka_unit_test(test_errors_name_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
