#include "tests/support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/common/config.h"
#include "tools/common/config_argp.h"

enum { ROLE, DIR, LISTEN, LABEL, INSECURE, SIZE, DRAIN, KEPT, JOIN, FILE_NAME, COUNT };
enum { LEADER = 1, FOLLOWER = 2 };

static enum cadre_status check_listen(const char *text, struct cadre_error *err)
{
	if (strncmp(text, "tcp://", 6) == 0)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "\"%.40s\" is not tcp",
	                       text);
}

static const struct cadre_config_row rows[COUNT] = {
	[ROLE] = { .name = "role",
	           .type = CADRE_CONFIG_CHOICE,
	           .metavar = "ROLE",
	           .fallback = "",
	           .choices = "leader|follower",
	           .group = "Identity",
	           .help = "What it is" },
	[DIR] = { .name = "data-dir",
	          .metavar = "DIR",
	          .fallback = "/var/lib/x",
	          .help = "Where the data lies" },
	[LISTEN] = { .name = "listen",
	             .metavar = "ADDRESS",
	             .fallback = "tcp://127.0.0.1:1",
	             .group = "Network",
	             .help = "Where it listens",
	             .check = check_listen },
	[LABEL] = { .name = "label",
	            .type = CADRE_CONFIG_PAIR,
	            .flags = CADRE_CONFIG_REPEAT | CADRE_CONFIG_RELOAD,
	            .metavar = "NAME=VALUE",
	            .fallback = "",
	            .help = "What is said of it" },
	[INSECURE] = { .name = "insecure",
	               .type = CADRE_CONFIG_SWITCH,
	               .metavar = "yes|no",
	               .fallback = "no",
	               .help = "Whether to be open" },
	[SIZE] = { .name = "segment-size",
	           .type = CADRE_CONFIG_BYTES,
	           .metavar = "BYTES",
	           .fallback = "64MiB",
	           .least = 1 << 20,
	           .most = 1 << 30,
	           .help = "Bytes of one file" },
	[DRAIN] = { .name = "drain",
	            .type = CADRE_CONFIG_TIME,
	            .metavar = "TIME",
	            .fallback = "5s",
	            .help = "How long it waits" },
	[KEPT] = { .name = "kept",
	           .type = CADRE_CONFIG_COUNT,
	           .metavar = "COUNT",
	           .fallback = "2",
	           .least = 1,
	           .most = 9,
	           .help = "How many are kept" },
	[JOIN] = { .name = "join",
	           .roles = FOLLOWER,
	           .metavar = "ADDRESS",
	           .fallback = "",
	           .help = "Whom it follows" },
	[FILE_NAME] = { .name = "config",
	                .flags = CADRE_CONFIG_NO_FILE,
	                .metavar = "FILE",
	                .fallback = "",
	                .help = "Which file" },
};
static const char *const role_names[] = { "leader", "follower", NULL };
static const struct cadre_config_program program = { "cadrex", "CADREX_", role_names,
	                                             rows, COUNT };

struct bench {
	struct cadre_config *config;
	struct cadre_error err;
	char path[64];
};

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof *bench);
	int fd;

	assert_non_null(bench);
	assert_int_equal(cadre_config_create(&program, &bench->config, &bench->err),
	                 CADRE_OK);
	snprintf(bench->path, sizeof bench->path, "/tmp/cadre-config-XXXXXX");
	fd = mkstemp(bench->path);
	assert_true(fd >= 0);
	close(fd);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	cadre_config_destroy(&bench->config);
	assert_null(bench->config);
	unlink(bench->path);
	free(bench);
	return 0;
}

static enum cadre_status read_text(struct bench *bench, const char *text)
{
	FILE *file = fopen(bench->path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return cadre_config_read_file(bench->config, bench->path, &bench->err);
}

/* The message behind the path of the file. */
static const char *said(const struct bench *bench)
{
	const char *at = strstr(bench->err.message, bench->path);

	return at ? at + strlen(bench->path) : bench->err.message;
}

static enum cadre_status set(struct bench *bench, size_t row, const char *text)
{
	return cadre_config_set(bench->config, row, CADRE_CONFIG_FLAG, "--x", text,
	                        &bench->err);
}

static void what_nobody_set_has_its_default(void **state)
{
	struct bench *bench = *state;

	assert_string_equal(cadre_config_text(bench->config, DIR), "/var/lib/x");
	assert_int_equal(cadre_config_number(bench->config, SIZE), 64u << 20);
	assert_int_equal(cadre_config_number(bench->config, DRAIN), 5000);
	assert_false(cadre_config_on(bench->config, INSECURE));
	assert_string_equal(cadre_config_text(bench->config, JOIN), "");
	assert_int_equal(cadre_config_count(bench->config, LABEL), 0);
}

static void a_flag_goes_before_the_environment_and_that_before_the_file(void **state)
{
	char *environment[] = { (char[]){ "CADREX_DATA_DIR=/variable" },
		                (char[]){ "CADREX_DRAIN=7s" }, (char[]){ "CADREX_KEPT=" },
		                NULL };
	struct bench *bench = *state;

	assert_int_equal(set(bench, DIR, "/flag"), CADRE_OK);
	assert_int_equal(
	        cadre_config_read_environment(bench->config, environment, &bench->err),
	        CADRE_OK);
	assert_int_equal(read_text(bench, "data-dir=/file\ndrain = 1 min\nkept=3\n"),
	                 CADRE_OK);
	assert_string_equal(cadre_config_text(bench->config, DIR), "/flag");
	assert_int_equal(cadre_config_number(bench->config, DRAIN), 7000);
	assert_int_equal(cadre_config_number(bench->config, KEPT), 3);
	assert_int_equal(cadre_config_source(bench->config, DRAIN),
	                 CADRE_CONFIG_ENVIRONMENT);
}

static void values_of_one_source_gather_and_replace_those_below(void **state)
{
	char *environment[] = { (char[]){ "CADREX_LABEL=zone=c,gpu=no" }, NULL };
	struct bench *bench = *state;

	assert_int_equal(read_text(bench, "label = zone=a\nlabel = zone=b=c\n"),
	                 CADRE_OK);
	assert_int_equal(cadre_config_count(bench->config, LABEL), 2);
	assert_string_equal(cadre_config_item(bench->config, LABEL, 1), "zone=b=c");
	assert_int_equal(
	        cadre_config_read_environment(bench->config, environment, &bench->err),
	        CADRE_OK);
	assert_int_equal(cadre_config_count(bench->config, LABEL), 2);
	assert_string_equal(cadre_config_item(bench->config, LABEL, 1), "gpu=no");
}

static void numbers_carry_their_units(void **state)
{
	static const struct {
		size_t row;
		const char *text;
		uint64_t number;
	} cases[] = {
		{ SIZE, "1MiB", 1 << 20 },
		{ SIZE, "1gib", 1 << 30 },
		{ SIZE, "2048 KiB", 2 << 20 },
		{ SIZE, "1048576B", 1 << 20 },
		{ DRAIN, "500ms", 500 },
		{ DRAIN, "2min", 120000 },
		{ DRAIN, "1h", 3600000 },
		{ DRAIN, "0", 0 },
		{ KEPT, "9", 9 },
		{ INSECURE, "YES", 1 },
		{ INSECURE, "off", 0 },
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(set(bench, cases[i].row, cases[i].text), CADRE_OK);
		assert_int_equal(cadre_config_number(bench->config, cases[i].row),
		                 cases[i].number);
	}
}

static void a_bad_value_is_told_with_place_value_and_remedy(void **state)
{
	static const struct {
		size_t row;
		const char *text, *message;
	} cases[] = {
		{ SIZE, "64",
		  "--x: \"64\" has no unit; write B, KiB, MiB, GiB or TiB "
		  "behind it" },
		{ SIZE, "64MB",
		  "--x: \"64MB\": no unit \"MB\"; write B, KiB, MiB, GiB or TiB" },
		{ SIZE, "1KiB", "--x: \"1KiB\" is out of range: 1MiB to 1GiB" },
		{ SIZE, "99999999999999TiB",
		  "--x: \"99999999999999TiB\" is out of range: 1MiB to 1GiB" },
		{ DRAIN, "5", "--x: \"5\" has no unit; write ms, s, min or h behind it" },
		{ DRAIN, "-5s", "--x: \"-5s\" is not a number" },
		{ KEPT, "2x", "--x: \"2x\" is not a whole number" },
		{ KEPT, "0", "--x: \"0\" is out of range: 1 to 9" },
		{ INSECURE, "maybe", "--x: \"maybe\" is neither yes nor no" },
		{ ROLE, "leadr",
		  "--x: \"leadr\" is none of leader|follower, did you "
		  "mean \"leader\"?" },
		{ LABEL, "zone", "--x: \"zone\" is not NAME=VALUE" },
		{ LISTEN, "udp://a", "--x: \"udp://a\" is not tcp" },
		{ DIR, "", "--x: empty; give DIR" },
		{ DIR, " a", "--x: \" a\" begins or ends with a space" },
		{ DIR, "a\nb", "--x: \"a\nb\" holds a control character" },
		{ DIR, "a ; b", "--x: \"a ; b\" holds \" ;\", which begins a comment" },
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(set(bench, cases[i].row, cases[i].text),
		                 CADRE_INVALID_PARAMETER);
		assert_string_equal(bench->err.message, cases[i].message);
	}
	assert_string_equal(cadre_config_text(bench->config, DIR), "/var/lib/x");
}

static void a_wrong_line_of_the_file_is_named(void **state)
{
	char wide[400];
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "# fine\n\ndata-dri = x\n",
		  ":3: no option \"data-dri\", did you mean \"data-dir\"?" },
		{ "zzzzzzzzzz = x\n", ":1: no option \"zzzzzzzzzz\"" },
		{ "config = x\n", ":1: no option \"config\"" },
		{ "[cadrex]\n  drain = soon ; really\n",
		  ":2: drain: \"soon\" is not a number" },
		{ "drain = 1s\n\ndrain = 2s\n",
		  ":3: drain stands in line 1 already; keep one of them" },
		{ "[other]\ndrain = 1s\n",
		  ":2: in a section [other]; there is only [cadrex]" },
		{ "drain = 1s\njust words\nkept = 0\n",
		  ":3: kept: \"0\" is out of range: 1 to 9" },
		{ "drain = 1s\njust words\n",
		  ":2: neither \"name = value\" nor a comment" },
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(read_text(bench, cases[i].text),
		                 CADRE_INVALID_PARAMETER);
		assert_string_equal(said(bench), cases[i].message);
	}
	memset(wide, 'x', sizeof wide);
	snprintf(wide, 12, "data-dir = ");
	wide[11] = 'x';
	wide[sizeof wide - 1] = '\0';
	assert_int_equal(read_text(bench, wide), CADRE_INVALID_PARAMETER);
	assert_non_null(strstr(said(bench), ":1: 399 characters, at most 198;"));
	unlink(bench->path);
	assert_int_equal(cadre_config_read_file(bench->config, bench->path, &bench->err),
	                 CADRE_NOT_FOUND);
}

static void blanks_and_comments_do_not_change_a_value(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(read_text(bench, "\t; note\n# note\n[cadrex]\n"
	                                  "kept = 3\n"
	                                  "   data-dir   =  /a;b#c  \t; where\n"),
	                 CADRE_OK);
	assert_string_equal(cadre_config_text(bench->config, DIR), "/a;b#c");
	assert_int_equal(cadre_config_number(bench->config, KEPT), 3);
}

static void an_option_of_another_role_is_refused(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(read_text(bench, "join = tcp://a:1\n"), CADRE_OK);
	assert_int_equal(cadre_config_check_role(bench->config, FOLLOWER, &bench->err),
	                 CADRE_OK);
	assert_int_equal(cadre_config_check_role(bench->config, LEADER, &bench->err),
	                 CADRE_INVALID_PARAMETER);
	assert_string_equal(
	        said(bench),
	        ":1: join: is for a follower, this is a leader; take it away");
}

static char *shown(const struct cadre_config *config, unsigned role)
{
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	assert_non_null(stream);
	cadre_config_show(config, role, stream);
	fclose(stream);
	return text;
}

static void what_is_shown_can_be_read_back(void **state)
{
	struct bench *bench = *state;
	struct cadre_config *again = NULL;
	char *text;
	char *twice;

	assert_int_equal(set(bench, ROLE, "leader"), CADRE_OK);
	assert_int_equal(set(bench, DIR, "/with space/a;b#=:c"), CADRE_OK);
	assert_int_equal(set(bench, LABEL, "a=b=c"), CADRE_OK);
	assert_int_equal(set(bench, LABEL, "d=\"e\""), CADRE_OK);
	assert_int_equal(read_text(bench, "\nsegment-size = 2MiB\n"), CADRE_OK);
	text = shown(bench->config, LEADER);
	assert_non_null(strstr(text, "\nrole = leader"));
	assert_non_null(strstr(text, "; --x\n"));
	assert_non_null(strstr(text, "XXXXXX:2\n") ? text : strstr(text, ":2\n"));
	assert_null(strstr(text, "join"));
	assert_int_equal(cadre_config_create(&program, &again, &bench->err), CADRE_OK);
	cadre_config_destroy(&bench->config);
	bench->config = again;
	assert_int_equal(read_text(bench, text), CADRE_OK);
	assert_string_equal(cadre_config_text(again, DIR), "/with space/a;b#=:c");
	assert_string_equal(cadre_config_item(again, LABEL, 1), "d=\"e\"");
	twice = shown(again, LEADER);
	assert_int_equal(read_text(bench, twice), CADRE_OK);
	free(text);
	free(twice);
}

static void a_change_is_seen_by_its_values(void **state)
{
	struct bench *bench = *state;
	struct cadre_config *other = NULL;

	assert_int_equal(cadre_config_create(&program, &other, &bench->err), CADRE_OK);
	assert_int_equal(set(bench, DIR, "/var/lib/x"), CADRE_OK);
	assert_true(cadre_config_same(bench->config, other, DIR));
	assert_int_equal(set(bench, LABEL, "a=b"), CADRE_OK);
	assert_false(cadre_config_same(bench->config, other, LABEL));
	cadre_config_destroy(&other);
}

static void a_flag_that_does_not_exist_gets_a_suggestion(void **state)
{
	static const struct argp_option extra[] = { { .name = "show", .key = 1 }, { 0 } };
	static struct cadre_config_flags flags;
	char *good[] = { (char[]){ "x" },         (char[]){ "--data-dir" },
		         (char[]){ "--strange" }, (char[]){ "--segm=1MiB" },
		         (char[]){ "--show" },    (char[]){ "--insecure" } };
	char *bad[] = { (char[]){ "x" }, (char[]){ "--lisen=a" } };
	struct bench *bench = *state;

	cadre_config_flags_init(&flags, &program, extra);
	assert_int_equal(cadre_config_flags_check(&flags, 6, good, &bench->err),
	                 CADRE_OK);
	assert_int_equal(cadre_config_flags_check(&flags, 2, bad, &bench->err),
	                 CADRE_INVALID_PARAMETER);
	assert_string_equal(bench->err.message,
	                    "no option --lisen, did you mean \"listen\"?");
	assert_int_equal(cadre_config_flag(bench->config,
	                                   CADRE_CONFIG_FLAG_KEY + INSECURE, NULL,
	                                   &bench->err),
	                 CADRE_OK);
	assert_true(cadre_config_on(bench->config, INSECURE));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(what_nobody_set_has_its_default),
		CASE(a_flag_goes_before_the_environment_and_that_before_the_file),
		CASE(values_of_one_source_gather_and_replace_those_below),
		CASE(numbers_carry_their_units),
		CASE(a_bad_value_is_told_with_place_value_and_remedy),
		CASE(a_wrong_line_of_the_file_is_named),
		CASE(blanks_and_comments_do_not_change_a_value),
		CASE(an_option_of_another_role_is_refused),
		CASE(what_is_shown_can_be_read_back),
		CASE(a_change_is_seen_by_its_values),
		CASE(a_flag_that_does_not_exist_gets_a_suggestion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
