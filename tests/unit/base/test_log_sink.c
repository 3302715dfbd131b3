#include "tests/support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/log_sink.h"

struct heard {
	unsigned count;
	enum cadre_log_level level;
	char line[CADRE_LOG_LINE_BYTES_MAX + 1];
};

static void hear(void *ctx, enum cadre_log_level level, const char *line)
{
	struct heard *heard = ctx;

	heard->count++;
	heard->level = level;
	snprintf(heard->line, sizeof heard->line, "%s", line);
}

/* The dump, as one text. Ownership: the caller frees. */
static char *dump(struct cadre_log_sink *sink)
{
	FILE *file = tmpfile();
	char *text;
	long length;

	assert_non_null(file);
	cadre_log_sink_dump(sink, fileno(file));
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	length = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)length + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)length, file), length);
	fclose(file);
	return text;
}

static void a_line_has_time_level_event_and_pairs(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_sink *sink = NULL;
	struct heard heard = { 0 };

	(void)state;
	assert_ok(cadre_log_sink_create(CADRE_LOG_INFO, hear, &heard, &sink));
	cadre_log_line(sink, 1000, CADRE_LOG_WARN, "log.recovered",
	               "torn_bytes=%d dir=\"%s\"", 512, "x");
	assert_int_equal(heard.level, CADRE_LOG_WARN);
	assert_string_equal(heard.line, "1970-01-01T00:00:01.000Z warn log.recovered "
	                                "torn_bytes=512 dir=\"x\"");
	cadre_log_sink_destroy(&sink);
	assert_null(sink);
	cadre_log_sink_destroy(&sink);
	cadre_log_sink_destroy(NULL);
}

static void lines_below_the_level_are_kept_but_not_emitted(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_sink *sink = NULL;
	struct heard heard = { 0 };
	char *text;

	(void)state;
	assert_ok(cadre_log_sink_create(CADRE_LOG_INFO, hear, &heard, &sink));
	cadre_log_line(sink, 0, CADRE_LOG_DEBUG, "a.b", "c=1");
	assert_int_equal(heard.count, 0);
	cadre_log_line(sink, 0, CADRE_LOG_INFO, "a.b", "c=2");
	assert_int_equal(heard.count, 1);
	text = dump(sink);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z debug a.b c=1\n"
	                          "1970-01-01T00:00:00.000Z info a.b c=2\n");
	free(text);
	cadre_log_sink_destroy(&sink);
}

static void a_value_cannot_start_a_line(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_sink *sink = NULL;
	struct heard heard = { 0 };

	(void)state;
	assert_ok(cadre_log_sink_create(CADRE_LOG_DEBUG, hear, &heard, &sink));
	cadre_log_line(sink, 0, CADRE_LOG_INFO, "a.b", "name=\"%s\"",
	               "x\ny\x1B[2J\x7F\xC3\xA9");
	assert_string_equal(
	        heard.line,
	        "1970-01-01T00:00:00.000Z info a.b name=\"x?y?[2J?\xC3\xA9\"");
	cadre_log_sink_destroy(&sink);
}

static void a_line_too_long_shows_that_it_was_cut(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_sink *sink = NULL;
	struct heard heard = { 0 };
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_ok(cadre_log_sink_create(CADRE_LOG_DEBUG, hear, &heard, &sink));
	cadre_log_line(sink, 0, CADRE_LOG_INFO, text, "%s", text);
	assert_int_equal(strlen(heard.line), CADRE_LOG_LINE_BYTES_MAX);
	assert_string_equal(heard.line + CADRE_LOG_LINE_BYTES_MAX - 4, "x...");
	cadre_log_sink_destroy(&sink);
}

static void the_last_lines_are_kept_oldest_first(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_sink *sink = NULL;
	const unsigned total = CADRE_LOG_LINES_KEPT + 5;
	unsigned next = total - CADRE_LOG_LINES_KEPT;
	char *text;

	(void)state;
	assert_ok(cadre_log_sink_create(CADRE_LOG_DEBUG, NULL, NULL, &sink));
	for (unsigned i = 0; i < total; i++)
		cadre_log_line(sink, 0, CADRE_LOG_INFO, "a.b", "i=%u", i);
	text = dump(sink);
	for (char *at = strstr(text, "i="); at; at = strstr(at + 1, "i="))
		assert_int_equal(strtoul(at + 2, NULL, 10), next++);
	assert_int_equal(next, total);
	free(text);
	cadre_log_sink_destroy(&sink);
}

static void without_a_sink_nothing_happens(void **state)
{
	(void)state;
	cadre_log_line(NULL, 0, CADRE_LOG_ERROR, "a.b", "c=%d", 1);
	cadre_log_sink_dump(NULL, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_event_and_pairs),
		cmocka_unit_test(lines_below_the_level_are_kept_but_not_emitted),
		cmocka_unit_test(a_value_cannot_start_a_line),
		cmocka_unit_test(a_line_too_long_shows_that_it_was_cut),
		cmocka_unit_test(the_last_lines_are_kept_oldest_first),
		cmocka_unit_test(without_a_sink_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
