#include "tests/support/testing.h"

#include <errno.h>
#include <stdio.h>

static void every_status_has_a_row_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CADRE_STATUS_COUNT; i++) {
		const char *name = cadre_status_name((enum cadre_status)i);
		assert_non_null(name);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(name,
			                        cadre_status_name((enum cadre_status)k));
		assert_non_null(cadre_status_oci_code((enum cadre_status)i));
		assert_in_range(cadre_status_http((enum cadre_status)i), 200, 504);
		assert_int_not_equal(cadre_status_exit_code((enum cadre_status)i), 2);
		assert_in_range(cadre_status_exit_code((enum cadre_status)i),
		                i == 0 ? 0 : 1, 6);
	}
}

static void a_number_that_is_no_status_reads_as_internal(void **state)
{
	(void)state;
	assert_string_equal(cadre_status_name((enum cadre_status)999), "INTERNAL");
	assert_string_equal(cadre_status_name(CADRE_STATUS_COUNT), "INTERNAL");
}

static void an_error_holds_status_and_message(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	assert_int_equal(cadre_error_set(&err, CADRE_CONFLICT, "key \"%s\": %d", "k", 7),
	                 CADRE_CONFLICT);
	assert_int_equal(err.status, CADRE_CONFLICT);
	assert_string_equal(err.message, "key \"k\": 7");
	cadre_error_prefix(&err, "while patching \"%s\": ", "g");
	assert_string_equal(err.message, "while patching \"g\": key \"k\": 7");
	assert_int_equal(cadre_error_set(NULL, CADRE_CONFLICT, "unheard"),
	                 CADRE_CONFLICT);
	cadre_error_prefix(NULL, "unheard");
}

static void a_message_too_long_is_cut_and_keeps_its_nul(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	cadre_error_set(&err, CADRE_INTERNAL, "%s", text);
	assert_int_equal(strlen(err.message), sizeof err.message - 1);
	cadre_error_prefix(&err, "front: ");
	assert_int_equal(strlen(err.message), sizeof err.message - 1);
	assert_memory_equal(err.message, "front: xxx", 10);
	cadre_error_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.message), sizeof err.message - 1);
	cadre_error_errno(&err, EIO, "%s", text);
	assert_non_null(strstr(err.message, strerror(EIO)));
}

static void errno_chooses_the_status(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	assert_int_equal(cadre_error_errno(&err, ENOSPC, "a"), CADRE_OUT_OF_SPACE);
	assert_int_equal(cadre_error_errno(&err, EDQUOT, "a"), CADRE_OUT_OF_SPACE);
	assert_int_equal(cadre_error_errno(&err, ENOMEM, "a"), CADRE_OUT_OF_MEMORY);
	assert_int_equal(cadre_error_errno(NULL, EIO, "a"), CADRE_IO_ERROR);
	assert_int_equal(cadre_error_errno(&err, EACCES, "open \"%s\"", "x"),
	                 CADRE_IO_ERROR);
	assert_string_equal(err.message, "open \"x\": Permission denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_a_row_of_its_own),
		cmocka_unit_test(a_number_that_is_no_status_reads_as_internal),
		cmocka_unit_test(an_error_holds_status_and_message),
		cmocka_unit_test(a_message_too_long_is_cut_and_keeps_its_nul),
		cmocka_unit_test(errno_chooses_the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
