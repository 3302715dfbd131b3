#include <fcntl.h>

#include "tests/unit/reader/reader_fixture.h"

static struct node node;
static struct cadre_reader *reader;

static int start(void **state)
{
	(void)state;
	node_init(&node);
	reader = reader_of(&node);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	cadre_reader_close(reader);
	node_fini(&node);
	return 0;
}

static void a_group_resolves_its_keys_and_model_ocids(void **state)
{
	struct made group = node_make(&node, "group 5");
	struct cadre_scope *scope = scope_of(reader, group.ocid);
	const char model_id[] = "ocid1.datasciencemodel.oc1.iad.m3";
	char model[256];
	uint64_t seq = 0;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(resolve(scope, i, &seq), CADRE_READER_OK);
		assert_int_equal(seq, group.seq);
	}
	assert_int_equal(resolve(scope, 5, NULL), CADRE_READER_NOT_FOUND);
	assert_int_equal(cadre_scope_resolve(scope, model_id, strlen(model_id), model,
	                                     sizeof model, NULL),
	                 CADRE_READER_OK);
	assert_string_equal(model, model_id);
	assert_int_equal(resolve_at(scope, 1, group.seq - 1, NULL),
	                 CADRE_READER_NOT_FOUND);
	assert_int_equal(resolve_at(scope, 1, group.seq, NULL), CADRE_READER_OK);
}

static void a_history_resolves_in_its_latest_and_in_each_past(void **state)
{
	struct made group = node_make(&node, "group 3");
	struct made history = node_make(&node, "history %s", group.ocid);
	struct cadre_scope *scope = scope_of(reader, history.ocid);
	struct made version[4];
	uint64_t seq;

	(void)state;
	assert_int_equal(resolve(scope, 2, &seq), CADRE_READER_OK);
	assert_int_equal(seq, group.seq);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(resolve(scope, 10 + i, NULL), CADRE_READER_NOT_FOUND);
		version[i] = node_make(&node, "patch %s %u", history.ocid, 10 + i);
		assert_int_equal(resolve(scope, 10 + i, &seq), CADRE_READER_OK);
		assert_int_equal(seq, version[i].seq);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(resolve_at(scope, 10 + i, version[i].seq - 1, NULL),
		                 CADRE_READER_NOT_FOUND);
		assert_int_equal(resolve_at(scope, 10 + i, version[i].seq, &seq),
		                 CADRE_READER_OK);
		assert_int_equal(seq, version[i].seq);
		assert_int_equal(resolve_at(scope, 2, version[i].seq, &seq),
		                 CADRE_READER_OK);
		assert_int_equal(seq, version[i].seq);
	}
	assert_int_equal(resolve_at(scope, 2, history.seq - 1, NULL),
	                 CADRE_READER_NOT_FOUND);
}

static void a_rollback_of_latest_is_seen_at_once(void **state)
{
	struct made group = node_make(&node, "group 3");
	struct made history = node_make(&node, "history %s", group.ocid);
	struct made next = node_make(&node, "patch %s 40", history.ocid);
	struct cadre_scope *scope = scope_of(reader, history.ocid);

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(resolve(scope, 40, NULL), CADRE_READER_OK);
		(void)node_make(&node, "latest %s %s", history.ocid, group.ocid);
		assert_int_equal(resolve(scope, 40, NULL), CADRE_READER_NOT_FOUND);
		(void)node_make(&node, "latest %s %s", history.ocid, next.ocid);
	}
}

static void a_deployment_resolves_in_what_serves_not_in_its_target(void **state)
{
	struct made old = node_make(&node, "group 2");
	struct made new = node_make(&node, "group 4");
	struct made deployment = node_make(&node, "deployment %s", old.ocid);
	struct cadre_scope *scope = scope_of(reader, deployment.ocid);
	struct made cut;
	uint64_t seq;

	(void)state;
	assert_int_equal(resolve(scope, 0, NULL), CADRE_READER_NOT_FOUND);
	(void)node_make(&node, "cutover %s 1", deployment.ocid);
	assert_int_equal(resolve(scope, 0, &seq), CADRE_READER_OK);
	assert_int_equal(seq, old.seq);
	(void)node_make(&node, "target %s %s", deployment.ocid, new.ocid);
	assert_int_equal(resolve(scope, 3, NULL), CADRE_READER_NOT_FOUND);
	cut = node_make(&node, "cutover %s 2", deployment.ocid);
	assert_int_equal(resolve(scope, 3, &seq), CADRE_READER_OK);
	assert_int_equal(seq, new.seq);
	assert_int_equal(resolve_at(scope, 3, cut.seq - 1, NULL), CADRE_READER_NOT_FOUND);
}

static void a_time_resolves_as_the_last_event_at_or_before_it(void **state)
{
	struct made group = node_make(&node, "group 3");
	struct made history = node_make(&node, "history %s", group.ocid);
	struct cadre_scope *scope = scope_of(reader, history.ocid);
	struct made next;
	uint64_t watermark, time_ms;
	char model[256];
	int code;

	(void)state;
	/* The next event's time is later than this one's. */
	do
		next = node_make(&node, "patch %s %llu", history.ocid,
		                 100 + history.seq++);
	while (next.time_ms == history.time_ms);
	time_ms = history.time_ms;
	assert_int_equal(cadre_reader_position(reader, NULL, &watermark),
	                 CADRE_READER_OK);
	assert_true(watermark >= time_ms);
	code = cadre_scope_resolve_at_time(scope, "key-2", 5, time_ms, model,
	                                   sizeof model, NULL);
	assert_int_equal(code, CADRE_READER_OK);
	code = cadre_scope_resolve_at_time(scope, "key-2", 5, group.time_ms - 1, model,
	                                   sizeof model, NULL);
	assert_int_equal(code, CADRE_READER_NOT_FOUND);
	code = cadre_scope_resolve_at_time(scope, "key-2", 5, watermark + 3600000, model,
	                                   sizeof model, NULL);
	assert_int_equal(code, CADRE_READER_LAGGING);
}

static void a_seq_that_is_not_applied_is_lagging(void **state)
{
	struct made group = node_make(&node, "group 3");
	struct cadre_scope *scope = scope_of(reader, group.ocid);
	uint64_t applied;

	(void)state;
	assert_int_equal(cadre_reader_position(reader, &applied, NULL), CADRE_READER_OK);
	assert_int_equal(applied, group.seq);
	assert_int_equal(resolve_at(scope, 0, applied + 1, NULL), CADRE_READER_LAGGING);
	assert_int_equal(resolve_at(scope, 0, applied, NULL), CADRE_READER_OK);
}

static void a_buffer_without_room_for_the_nul_is_too_small(void **state)
{
	struct made group = node_make(&node, "group 1");
	struct cadre_scope *scope = scope_of(reader, group.ocid);
	char model[64] = "untouched";
	size_t length = strlen("ocid1.datasciencemodel.oc1.iad.m0");

	(void)state;
	assert_int_equal(cadre_scope_resolve(scope, "key-0", 5, model, length, NULL),
	                 CADRE_READER_TOO_SMALL);
	assert_string_equal(model, "untouched");
	assert_int_equal(cadre_scope_resolve(scope, "key-0", 5, model, length + 1, NULL),
	                 CADRE_READER_OK);
}

static void what_is_no_target_or_not_there_says_so(void **state)
{
	struct cadre_scope *scope = NULL;
	char long_name[300];

	(void)state;
	memset(long_name, 'x', sizeof long_name);
	long_name[299] = '\0';
	assert_int_equal(cadre_scope_open(reader, "ocid1.none", &scope),
	                 CADRE_READER_NOT_FOUND);
	assert_non_null(strstr(cadre_reader_message(reader), "ocid1.none"));
	assert_int_equal(cadre_scope_open(reader, long_name, &scope),
	                 CADRE_READER_INVALID);
	assert_null(scope);
}

static void damaged_rows_are_refused_not_answered(void **state)
{
	struct made group = node_make(&node, "group 30");
	struct cadre_scope *scope = scope_of(reader, group.ocid);

	(void)state;
	assert_int_equal(resolve(scope, 29, NULL), CADRE_READER_OK);
	node_tell(&node, "damage key-29");
	assert_int_equal(resolve(scope, 29, NULL), CADRE_READER_CORRUPT);
	assert_int_equal(resolve(scope, 28, NULL), CADRE_READER_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_resolves_its_keys_and_model_ocids),
		cmocka_unit_test(a_history_resolves_in_its_latest_and_in_each_past),
		cmocka_unit_test(a_rollback_of_latest_is_seen_at_once),
		cmocka_unit_test(a_deployment_resolves_in_what_serves_not_in_its_target),
		cmocka_unit_test(a_time_resolves_as_the_last_event_at_or_before_it),
		cmocka_unit_test(a_seq_that_is_not_applied_is_lagging),
		cmocka_unit_test(a_buffer_without_room_for_the_nul_is_too_small),
		cmocka_unit_test(what_is_no_target_or_not_there_says_so),
		cmocka_unit_test(damaged_rows_are_refused_not_answered),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
