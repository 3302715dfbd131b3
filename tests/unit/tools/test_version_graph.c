#include "tests/support/testing.h"

#include <string.h>

#include "tools/common/version_graph.h"

struct drawn {
	uint64_t id, source;
	const char *join; /* NULL: no line before it */
	const char *line;
};

static void check(const struct drawn *versions, size_t count)
{
	struct cadre_graph graph = { 0 };
	char join[CADRE_GRAPH_BYTES];
	char line[CADRE_GRAPH_BYTES];

	for (size_t i = 0; i < count; i++) {
		bool joined = cadre_graph_step(&graph, versions[i].id, versions[i].source,
		                               join, line);

		assert_int_equal(joined, versions[i].join != NULL);
		if (joined)
			assert_string_equal(join, versions[i].join);
		assert_string_equal(line, versions[i].line);
	}
}

static void a_line_without_branches_is_one_column(void **state)
{
	static const struct drawn versions[] = { { 3, 2, NULL, "* " },
		                                 { 2, 1, NULL, "* " },
		                                 { 1, 0, NULL, "* " } };

	(void)state;
	check(versions, 3);
}

static void a_branch_has_a_column_until_its_source(void **state)
{
	static const struct drawn versions[] = { { 4, 2, NULL, "* " },
		                                 { 3, 2, NULL, "| * " },
		                                 { 2, 1, "|/  ", "* " },
		                                 { 1, 0, NULL, "* " } };

	(void)state;
	check(versions, 4);
}

static void a_version_without_a_source_ends_its_column(void **state)
{
	static const struct drawn versions[] = { { 3, 0, NULL, "* " },
		                                 { 2, 1, NULL, "* " },
		                                 { 1, 0, NULL, "* " } };

	(void)state;
	check(versions, 3);
}

static void more_branches_than_columns_stay_inside_the_text(void **state)
{
	struct cadre_graph graph = { 0 };
	char join[CADRE_GRAPH_BYTES];
	char line[CADRE_GRAPH_BYTES];

	(void)state;
	for (uint64_t id = 1000; id > 1; id--) {
		cadre_graph_step(&graph, id, 1, join, line);
		assert_true(strlen(line) < CADRE_GRAPH_BYTES);
	}
	assert_true(cadre_graph_step(&graph, 1, 0, join, line));
	assert_string_equal(line, "* ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_without_branches_is_one_column),
		cmocka_unit_test(a_branch_has_a_column_until_its_source),
		cmocka_unit_test(a_version_without_a_source_ends_its_column),
		cmocka_unit_test(more_branches_than_columns_stay_inside_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
