#include "replica/node/reports.h"

#include <stdio.h>

#include "tests/support/testing.h"

#define SILENT CADRE_REPORT_SILENT_MS

static struct cadre_reports *reports;
static struct cadre_arena arena;

static int set_up(void **state)
{
	(void)state;
	reports = cadre_reports_create();
	cadre_arena_init(&arena, 64u << 20);
	return reports ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	cadre_reports_destroy(reports);
	cadre_arena_fini(&arena);
	return 0;
}

struct teller {
	uint8_t id[16];
	uint8_t incarnation[16];
	char name[32];
};

static struct teller teller(unsigned number)
{
	struct teller teller = { .incarnation = "first" };

	teller.id[0] = (uint8_t)(number >> 8);
	teller.id[1] = (uint8_t)number;
	snprintf(teller.name, sizeof teller.name, "node-%u", number);
	return teller;
}

static ProtobufCBinaryData binary(uint8_t *data, size_t length)
{
	ProtobufCBinaryData bytes = { .data = data, .len = length };

	return bytes;
}

static enum cadre_status hello(struct teller *from, uint64_t now_ms)
{
	Cadre__V1__Hello message = CADRE__V1__HELLO__INIT;
	Cadre__V1__NameValue label = CADRE__V1__NAME_VALUE__INIT;
	Cadre__V1__NameValue *labels[] = { &label };
	char name[] = "shape";
	char value[] = "gpu.1";
	char address[] = "tcp://127.0.0.1:7422";

	label.name = name;
	label.value = value;
	message.node_id = binary(from->id, 16);
	message.incarnation = binary(from->incarnation, 16);
	message.name = from->name;
	message.address = address;
	message.labels = labels;
	message.n_labels = 1;
	return cadre_reports_hello(reports, &message, now_ms);
}

static enum cadre_status fetch(struct teller *from, cadre_seq applied_seq,
                               Cadre__V1__NodeReport *report, uint64_t now_ms)
{
	Cadre__V1__Fetch message = CADRE__V1__FETCH__INIT;

	message.node_id = binary(from->id, 16);
	message.incarnation = binary(from->incarnation, 16);
	message.durable_seq = applied_seq + 1;
	message.applied_seq = applied_seq;
	message.report = report;
	return cadre_reports_fetch(reports, &message, now_ms);
}

/* A report of `count` READY members of a deployment, which is prepared up to
 * `generation`. */
static Cadre__V1__NodeReport *report_of(const char *deployment, unsigned count,
                                        uint64_t generation)
{
	Cadre__V1__NodeReport *report = cadre_arena_alloc(&arena, sizeof *report);
	Cadre__V1__MemberReport *members = cadre_arena_alloc(&arena,
	                                                     count * sizeof *members + 1);
	Cadre__V1__DeploymentReport *one = cadre_arena_alloc(&arena, sizeof *one);

	assert_true(report && members && one);
	cadre__v1__node_report__init(report);
	report->node_id = cadre_arena_strdup(&arena, cadre_slice_text("whoever"));
	report->members = cadre_arena_alloc(&arena, count * sizeof *report->members + 1);
	report->n_members = count;
	for (unsigned i = 0; i < count; i++) {
		cadre__v1__member_report__init(&members[i]);
		members[i].deployment_id =
		        cadre_arena_strdup(&arena, cadre_slice_text(deployment));
		members[i].model_id = members[i].deployment_id;
		members[i].generation = generation;
		members[i].state = CADRE__V1__MEMBER_STATE__MEMBER_READY;
		report->members[i] = &members[i];
	}
	cadre__v1__deployment_report__init(one);
	one->deployment_id = cadre_arena_strdup(&arena, cadre_slice_text(deployment));
	one->has_prepared_generation = true;
	one->prepared_generation = generation;
	report->deployments = cadre_arena_alloc(&arena, sizeof *report->deployments);
	report->deployments[0] = one;
	report->n_deployments = 1;
	return report;
}

static Cadre__V1__NodeReport **list(const char *deployment, cadre_seq committed_seq,
                                    cadre_time_ms committed_ms, uint64_t now_ms,
                                    size_t count)
{
	Cadre__V1__NodeReport **nodes = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;
	size_t found;

	assert_ok(cadre_reports_list(reports, deployment, committed_seq, committed_ms,
	                             now_ms, &arena, &nodes, &found, &err));
	assert_int_equal(found, count);
	return nodes;
}

static void a_node_is_listed_with_what_it_told_last(void **state)
{
	struct teller node = teller(7);
	uint64_t version = cadre_reports_version(reports);
	Cadre__V1__NodeReport *listed;

	(void)state;
	assert_int_equal(hello(&node, 100), CADRE_OK);
	assert_true(cadre_reports_version(reports) > version);
	assert_int_equal(fetch(&node, 40, report_of("d1", 3, 2), 200), CADRE_OK);
	listed = list(NULL, 50, 0, 260, 1)[0];
	assert_string_equal(listed->node_id, "00070000000000000000000000000000");
	assert_string_equal(listed->name, "node-7");
	assert_string_equal(listed->address, "tcp://127.0.0.1:7422");
	assert_int_equal(listed->applied_seq, 40);
	assert_int_equal(listed->durable_seq, 41);
	assert_int_equal(listed->lag_events, 10);
	assert_int_equal(listed->age_ms, 60);
	assert_true(listed->connected);
	assert_int_equal(listed->n_members, 3);
	assert_int_equal(listed->members[2]->state,
	                 CADRE__V1__MEMBER_STATE__MEMBER_READY);
	assert_int_equal(listed->n_deployments, 1);
	assert_int_equal(listed->deployments[0]->prepared_generation, 2);
	/* What is committed meanwhile is no negative lag. */
	assert_int_equal(list(NULL, 30, 0, 260, 1)[0]->lag_events, 0);
}

static void members_of_a_silent_node_are_unknown(void **state)
{
	struct teller node = teller(1);
	Cadre__V1__NodeReport *listed;

	(void)state;
	assert_int_equal(hello(&node, 100), CADRE_OK);
	assert_int_equal(fetch(&node, 40, report_of("d1", 2, 1), 200), CADRE_OK);
	listed = list(NULL, 40, 0, 200 + SILENT, 1)[0];
	assert_true(listed->connected);
	assert_int_equal(listed->members[0]->state,
	                 CADRE__V1__MEMBER_STATE__MEMBER_READY);
	listed = list(NULL, 40, 0, 200 + SILENT + 1, 1)[0];
	assert_false(listed->connected);
	assert_int_equal(listed->members[0]->state,
	                 CADRE__V1__MEMBER_STATE__MEMBER_UNKNOWN);
	assert_int_equal(listed->members[1]->state,
	                 CADRE__V1__MEMBER_STATE__MEMBER_UNKNOWN);
}

static void one_deployment_is_listed_with_its_nodes_only(void **state)
{
	struct teller first = teller(1);
	struct teller second = teller(2);
	Cadre__V1__NodeReport **listed;

	(void)state;
	assert_int_equal(hello(&second, 1), CADRE_OK);
	assert_int_equal(hello(&first, 1), CADRE_OK);
	assert_int_equal(fetch(&first, 5, report_of("d1", 2, 1), 2), CADRE_OK);
	assert_int_equal(fetch(&second, 5, report_of("d2", 1, 1), 2), CADRE_OK);
	listed = list("d2", 5, 0, 3, 1);
	assert_string_equal(listed[0]->name, "node-2");
	assert_int_equal(listed[0]->n_members, 1);
	(void)list("d3", 5, 0, 3, 0);
	listed = list(NULL, 5, 0, 3, 2);
	assert_string_equal(listed[0]->name, "node-1");
}

static void a_fetch_without_a_report_keeps_the_last_one(void **state)
{
	struct teller node = teller(1);
	uint64_t version;

	(void)state;
	assert_int_equal(hello(&node, 1), CADRE_OK);
	assert_int_equal(fetch(&node, 5, report_of("d1", 2, 1), 2), CADRE_OK);
	version = cadre_reports_version(reports);
	assert_int_equal(fetch(&node, 6, NULL, 3), CADRE_OK);
	assert_int_equal(fetch(&node, 7, report_of("d1", 2, 1), 4), CADRE_OK);
	/* The same again changes nothing. */
	assert_int_equal(cadre_reports_version(reports), version);
	assert_int_equal(list(NULL, 9, 0, 4, 1)[0]->n_members, 2);
	assert_int_equal(list(NULL, 9, 0, 4, 1)[0]->lag_events, 2);
	assert_int_equal(fetch(&node, 7, report_of("d1", 1, 2), 4), CADRE_OK);
	assert_true(cadre_reports_version(reports) > version);
	assert_int_equal(list(NULL, 9, 0, 4, 1)[0]->n_members, 1);
}

static void a_new_incarnation_has_reported_nothing(void **state)
{
	struct teller node = teller(1);

	(void)state;
	assert_int_equal(hello(&node, 1), CADRE_OK);
	assert_int_equal(fetch(&node, 5, report_of("d1", 2, 1), 2), CADRE_OK);
	assert_int_equal(hello(&node, 3), CADRE_OK);
	assert_int_equal(list(NULL, 9, 0, 4, 1)[0]->n_members, 2);
	node.incarnation[0]++;
	assert_int_equal(hello(&node, 5), CADRE_OK);
	assert_int_equal(list(NULL, 9, 0, 5, 1)[0]->n_members, 0);
}

static void a_report_over_the_limits_is_refused_and_the_last_one_stays(void **state)
{
	struct teller node = teller(1);
	Cadre__V1__NodeReport *listed;
	unsigned most = CADRE_REPORT_MEMBERS_MAX;

	(void)state;
	assert_int_equal(hello(&node, 1), CADRE_OK);
	assert_int_equal(fetch(&node, 5, report_of("d1", most, 1), 2), CADRE_OK);
	assert_int_equal(fetch(&node, 6, report_of("d1", most + 1, 2), 3),
	                 CADRE_LIMIT_EXCEEDED);
	listed = list(NULL, 6, 0, 3, 1)[0];
	assert_int_equal(listed->n_members, most);
	assert_int_equal(listed->applied_seq, 6);
	assert_int_equal(listed->deployments[0]->prepared_generation, 1);
}

static void lag_in_ms_is_the_age_of_what_is_missing(void **state)
{
	struct teller node = teller(1);

	(void)state;
	assert_int_equal(hello(&node, 1), CADRE_OK);
	for (unsigned i = 1; i <= 2000; i++)
		cadre_reports_committed(reports, i, 100000 + i * 10);
	assert_int_equal(fetch(&node, 1999, NULL, 2), CADRE_OK);
	assert_int_equal(list(NULL, 2000, 120000, 2, 1)[0]->lag_ms, 10);
	assert_int_equal(fetch(&node, 2000, NULL, 2), CADRE_OK);
	assert_int_equal(list(NULL, 2000, 120000, 2, 1)[0]->lag_ms, 0);
	/* Old commits are remembered by fewer and fewer of them. */
	assert_int_equal(fetch(&node, 500, NULL, 2), CADRE_OK);
	assert_in_range(list(NULL, 2000, 120000, 2, 1)[0]->lag_ms, 14500, 16000);
}

static void a_node_beyond_the_most_takes_the_place_of_a_silent_one(void **state)
{
	struct teller node;

	(void)state;
	for (unsigned i = 0; i < CADRE_REPORT_NODES_MAX; i++) {
		node = teller(i);
		assert_int_equal(hello(&node, 1000 + i), CADRE_OK);
		assert_int_equal(fetch(&node, 1, NULL, 1000 + i), CADRE_OK);
	}
	node = teller(60000);
	assert_int_equal(hello(&node, 1000 + SILENT), CADRE_TOO_MANY_REQUESTS);
	assert_int_equal(hello(&node, 1001 + SILENT), CADRE_OK);
	(void)list(NULL, 1, 0, 1, CADRE_REPORT_NODES_MAX);
	assert_string_equal(list(NULL, 1, 0, 1, CADRE_REPORT_NODES_MAX)[0]->name,
	                    "node-1");
}

static void ids_that_are_none_are_refused(void **state)
{
	Cadre__V1__Hello message = CADRE__V1__HELLO__INIT;
	Cadre__V1__Fetch other = CADRE__V1__FETCH__INIT;
	uint8_t bytes[16] = { 0 };

	(void)state;
	message.node_id = binary(bytes, 15);
	message.incarnation = binary(bytes, 16);
	assert_int_equal(cadre_reports_hello(reports, &message, 1),
	                 CADRE_INVALID_PARAMETER);
	other.node_id = binary(bytes, 0);
	assert_int_equal(cadre_reports_fetch(reports, &other, 1),
	                 CADRE_INVALID_PARAMETER);
	(void)list(NULL, 1, 0, 1, 0);
}

static void a_rollout_is_told_introductions_and_progress(void **state)
{
	struct teller node = teller(3);
	struct teller unmet = teller(4);
	struct cadre_reports_node *nodes;
	struct cadre_error err = CADRE_ERROR_INIT;
	size_t count;

	(void)state;
	assert_int_equal(hello(&node, 1), CADRE_OK);
	assert_int_equal(fetch(&node, 5, report_of("d1", 9, 4), 2), CADRE_OK);
	assert_int_equal(fetch(&unmet, 5, NULL, 2), CADRE_OK);
	assert_ok(cadre_reports_nodes(reports, 3, &arena, &nodes, &count, &err));
	assert_int_equal(count, 1);
	assert_true(nodes[0].heard);
	assert_string_equal(nodes[0].introduced->node_id,
	                    "00030000000000000000000000000000");
	assert_string_equal(nodes[0].introduced->labels[0]->value, "gpu.1");
	assert_int_equal(nodes[0].deployment_count, 1);
	assert_int_equal(nodes[0].deployments[0]->prepared_generation, 4);
	assert_ok(cadre_reports_nodes(reports, 3 + SILENT, &arena, &nodes, &count, &err));
	assert_false(nodes[0].heard);
}

static void a_full_arena_is_an_error_not_half_a_list(void **state)
{
	struct teller node = teller(3);
	struct cadre_arena small;
	Cadre__V1__NodeReport **nodes;
	struct cadre_error err = CADRE_ERROR_INIT;
	size_t count;

	(void)state;
	assert_int_equal(hello(&node, 1), CADRE_OK);
	assert_int_equal(fetch(&node, 5, report_of("d1", 1000, 4), 2), CADRE_OK);
	cadre_arena_init(&small, 16384);
	assert_int_equal(
	        cadre_reports_list(reports, NULL, 5, 0, 3, &small, &nodes, &count, &err),
	        CADRE_TOO_LARGE);
	cadre_arena_fini(&small);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_node_is_listed_with_what_it_told_last),
		CASE(members_of_a_silent_node_are_unknown),
		CASE(one_deployment_is_listed_with_its_nodes_only),
		CASE(a_fetch_without_a_report_keeps_the_last_one),
		CASE(a_new_incarnation_has_reported_nothing),
		CASE(a_report_over_the_limits_is_refused_and_the_last_one_stays),
		CASE(lag_in_ms_is_the_age_of_what_is_missing),
		CASE(a_node_beyond_the_most_takes_the_place_of_a_silent_one),
		CASE(ids_that_are_none_are_refused),
		CASE(a_rollout_is_told_introductions_and_progress),
		CASE(a_full_arena_is_an_error_not_half_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
