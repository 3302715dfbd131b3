/* Every operation over a socket, answered and refused. */
#include <stdio.h>

#include "tests/unit/rpc/rpc_node.h"
#include "tests/unit/rpc/rpc_ops.h"

struct bench {
	struct rpc_node node;
	struct rpc_ops ops;
	struct cadre_client *client;
	char *group;   /* k1=m1 k2=m2 k3=m3, latest of "line" at first */
	char *history; /* "line" */
	char *second;  /* k2 means n2 */
};

static int setup(void **state)
{
	static struct bench bench;

	*state = &bench;
	rpc_node_make(&bench.node);
	rpc_node_start(&bench.node);
	rpc_ops_init(&bench.ops);
	bench.client = rpc_client(&bench.node, NULL);
	bench.group = rpc_do(&bench.ops, bench.client,
	                     rpc_create_group(&bench.ops, "g", "m", 1, 3));
	bench.history = rpc_do(&bench.ops, bench.client,
	                       rpc_create_history(&bench.ops, "line", bench.group));
	bench.second = rpc_do(&bench.ops, bench.client,
	                      rpc_patch(&bench.ops, bench.history, "k2", "n2", "m2"));
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	cadre_client_close(bench->client);
	rpc_ops_fini(&bench->ops);
	rpc_node_remove(&bench->node);
	return 0;
}

static void expect_model(struct bench *bench, Cadre__V1__Op *op, const char *model)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__Result *result = rpc_done(bench->client, op, &answer);

	assert_int_equal(result->body_case, CADRE__V1__RESULT__BODY_RESOLVE);
	assert_string_equal(result->resolve->model_id, model);
	cadre_client_answer_free(answer);
}

static void test_resolve_by_id_and_by_name_of_what_it_is(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;

	expect_model(bench, rpc_op_resolve(ops, bench->group, "k2"), "m2");
	expect_model(bench, rpc_op_resolve(ops, bench->history, "k2"), "n2");
	expect_model(bench, rpc_op_resolve(ops, "line", "k2"), "n2");
	expect_model(bench, rpc_op_resolve(ops, "line", "m1"), "m1");
}

static void test_resolve_in_the_past_by_seq_and_by_time(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__Op *op = rpc_op_resolve(ops, bench->history, "k2");
	struct cadre_client_answer *answer;
	uint64_t since = rpc_done(bench->client, op, &answer)->resolve->seq;

	cadre_client_answer_free(answer);
	op->resolve->has_at_seq = true;
	op->resolve->at_seq = since - 1;
	expect_model(bench, op, "m2");
	op->resolve->at_seq = since;
	expect_model(bench, op, "n2");
	op->resolve->at_seq = 1u << 30;
	rpc_refused(bench->client, op, CADRE_LAGGING, "resolve.atSeq: ");
	op->resolve->has_at_seq = false;
	op->resolve->has_at_time_ms = true;
	op->resolve->at_time_ms = 1;
	rpc_refused(bench->client, op, CADRE_NOT_FOUND, "resolve.target: ");
	op->resolve->at_time_ms = UINT64_MAX;
	rpc_refused(bench->client, op, CADRE_LAGGING, "resolve.atTimeMs: ");
	op->resolve->has_at_seq = true;
	rpc_refused(bench->client, op, CADRE_INVALID_PARAMETER, "resolve.atTimeMs: ");
}

static void test_a_time_that_is_settled_is_answered(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Op *op = rpc_op_resolve(&bench->ops, bench->history, "k2");

	/* Retried by the client until the watermark has passed it. */
	op->resolve->has_at_time_ms = true;
	op->resolve->at_time_ms = cadre_env_real()->ops->wall_ms(cadre_env_real());
	expect_model(bench, op, "n2");
}

static void test_refusals_name_the_field(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__Command *command = rpc_create_group(ops, "x", "m", 1, 2);
	Cadre__V1__Op *op;

	rpc_refused(bench->client, rpc_op_resolve(ops, "nothing", "k1"), CADRE_NOT_FOUND,
	            "resolve.target: ");
	rpc_refused(bench->client, rpc_op_resolve(ops, "line", "k9"), CADRE_NOT_FOUND,
	            "resolve.key: ");
	rpc_refused(bench->client, rpc_op_get(ops, "", false), CADRE_MISSING_PARAMETER,
	            "get.id: ");
	rpc_refused(bench->client, rpc_op_key_log(ops, bench->group, "k1"),
	            CADRE_INVALID_PARAMETER, "keyLog.target: ");
	rpc_refused(bench->client, rpc_op_history_log(ops, bench->group),
	            CADRE_INVALID_PARAMETER, "historyLog.history: ");
	rpc_refused(bench->client, rpc_op_outcome(ops, "no such token"), CADRE_NOT_FOUND,
	            "outcome.retryToken: ");
	op = rpc_op_members(ops, "line");
	op->members->has_limit = true;
	rpc_refused(bench->client, op, CADRE_INVALID_PARAMETER, "members.limit: ");
	command->create_group->members[1]->inference_key = rpc_text(ops, "k1");
	rpc_refused(bench->client, rpc_op_batch(ops, &command, 1),
	            CADRE_INVALID_PARAMETER,
	            "commands[0].createGroup.members[1].inferenceKey: ");
	command->retry_token = rpc_text(ops, "own token");
	rpc_refused(bench->client, rpc_op_batch(ops, &command, 1),
	            CADRE_INVALID_PARAMETER, "createGroup.members[1].inferenceKey: ");
	rpc_refused(bench->client, rpc_op_batch(ops, &command, 0),
	            CADRE_MISSING_PARAMETER, "commands: ");
}

static void test_the_leaders_own_commands_come_from_nobody_else(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__CutOver cut = CADRE__V1__CUT_OVER__INIT;
	Cadre__V1__FinishCutOver finish = CADRE__V1__FINISH_CUT_OVER__INIT;
	Cadre__V1__PlaceDeployment place = CADRE__V1__PLACE_DEPLOYMENT__INIT;
	Cadre__V1__Command *commands[2] = { rpc_create_group(ops, "x", "m", 1, 2),
		                            rpc_alloc(ops, sizeof **commands) };

	cadre__v1__command__init(commands[1]);
	cut.deployment_id = finish.deployment_id = place.deployment_id = rpc_text(ops,
	                                                                          "d");
	commands[1]->body_case = CADRE__V1__COMMAND__BODY_CUT_OVER;
	commands[1]->cut_over = &cut;
	rpc_refused(bench->client, rpc_op_batch(ops, commands, 2), CADRE_NOT_AUTHORIZED,
	            "commands[1].cutOver: ");
	commands[1]->body_case = CADRE__V1__COMMAND__BODY_FINISH_CUT_OVER;
	commands[1]->finish_cut_over = &finish;
	rpc_refused(bench->client, rpc_op_batch(ops, &commands[1], 1),
	            CADRE_NOT_AUTHORIZED, "commands[0].finishCutOver: ");
	commands[1]->body_case = CADRE__V1__COMMAND__BODY_PLACE_DEPLOYMENT;
	commands[1]->place_deployment = &place;
	commands[1]->retry_token = rpc_text(ops, "own token");
	rpc_refused(bench->client, rpc_op_batch(ops, &commands[1], 1),
	            CADRE_NOT_AUTHORIZED, "commands[0].placeDeployment: ");
}

static void test_get_spells_internal_ids_out(void **state)
{
	struct bench *bench = *state;
	struct cadre_client_answer *answer;
	const Cadre__V1__ResourceInfo *info =
	        rpc_done(bench->client, rpc_op_get(&bench->ops, bench->second, true),
	                 &answer)
	                ->resource;

	assert_string_equal(info->history_id, bench->history);
	assert_string_equal(info->history_name, "line");
	assert_string_equal(info->source_group_id, bench->group);
	assert_int_equal(strlen(info->etag), CADRE_ETAG_CHARS);
	assert_int_equal(info->n_members, 3);
	assert_int_equal(info->resource->group->version_id, 2);
	cadre_client_answer_free(answer);
	info = rpc_done(bench->client, rpc_op_get(&bench->ops, "line", false), &answer)
	               ->resource;
	assert_string_equal(info->resource->ocid, bench->history);
	assert_string_equal(info->latest_group_id, bench->second);
	cadre_client_answer_free(answer);
}

static void test_list_pages_until_the_end(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Op *op = rpc_op_list(&bench->ops, CADRE__V1__KIND__KIND_GROUP);
	struct cadre_client_answer *answer;
	const Cadre__V1__ListResult *page = rpc_done(bench->client, op, &answer)->list;

	assert_int_equal(page->n_resources, 2);
	assert_false(page->has_next_page);
	cadre_client_answer_free(answer);
	op->list->has_limit = true;
	op->list->limit = 1;
	op->list->history = rpc_text(&bench->ops, "line");
	page = rpc_done(bench->client, op, &answer)->list;
	assert_int_equal(page->n_resources, 1);
	assert_string_equal(page->resources[0]->resource->ocid, bench->group);
	assert_true(page->has_next_page);
	op->list->has_page = true;
	op->list->page.len = page->next_page.len;
	op->list->page.data = rpc_alloc(&bench->ops, page->next_page.len);
	memcpy(op->list->page.data, page->next_page.data, page->next_page.len);
	cadre_client_answer_free(answer);
	page = rpc_done(bench->client, op, &answer)->list;
	assert_int_equal(page->n_resources, 1);
	assert_string_equal(page->resources[0]->resource->ocid, bench->second);
	assert_false(page->has_next_page);
	cadre_client_answer_free(answer);
}

static void test_members_page_behind_the_last(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Op *op = rpc_op_members(&bench->ops, "line");
	struct cadre_client_answer *answer;
	const Cadre__V1__MembersResult *page;

	op->members->has_limit = true;
	op->members->limit = 2;
	page = rpc_done(bench->client, op, &answer)->members;
	assert_string_equal(page->group_id, bench->second);
	assert_int_equal(page->n_members, 2);
	assert_true(page->more);
	assert_string_equal(page->members[1]->model_id, "m3");
	cadre_client_answer_free(answer);
	op->members->after = rpc_text(&bench->ops, "m3");
	page = rpc_done(bench->client, op, &answer)->members;
	assert_int_equal(page->n_members, 1);
	assert_false(page->more);
	assert_string_equal(page->members[0]->model_id, "n2");
	assert_string_equal(page->members[0]->inference_key, "k2");
	cadre_client_answer_free(answer);
}

static void test_diff_says_what_came_and_went(void **state)
{
	struct bench *bench = *state;
	struct cadre_client_answer *answer;
	const Cadre__V1__DiffResult *diff =
	        rpc_done(bench->client, rpc_op_diff(&bench->ops, bench->group, "line"),
	                 &answer)
	                ->diff;

	assert_string_equal(diff->from_group_id, bench->group);
	assert_string_equal(diff->to_group_id, bench->second);
	assert_int_equal(diff->n_changes, 2);
	assert_string_equal(diff->changes[0]->model_id, "m2");
	assert_true(diff->changes[0]->removed);
	assert_string_equal(diff->changes[0]->key_before, "k2");
	assert_string_equal(diff->changes[1]->model_id, "n2");
	assert_true(diff->changes[1]->added);
	cadre_client_answer_free(answer);
}

static void test_key_log_tells_when_who_from_and_to(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Op *op = rpc_op_key_log(&bench->ops, "line", "k2");
	struct cadre_client_answer *answer;
	const Cadre__V1__KeyLogResult *log =
	        rpc_done(bench->client, op, &answer)->key_log;

	assert_int_equal(log->n_entries, 2);
	assert_false(log->more);
	assert_string_equal(log->entries[0]->model_before, "m2");
	assert_string_equal(log->entries[0]->model_after, "n2");
	assert_string_equal(log->entries[0]->actor->principal, "local");
	assert_true(log->entries[0]->time_ms > 0);
	assert_string_equal(log->entries[0]->group_id, bench->second);
	assert_null(log->entries[1]->model_before);
	assert_string_equal(log->entries[1]->model_after, "m2");
	cadre_client_answer_free(answer);
	op->key_log->has_limit = true;
	op->key_log->limit = 1;
	log = rpc_done(bench->client, op, &answer)->key_log;
	assert_int_equal(log->n_entries, 1);
	assert_true(log->more);
	op->key_log->has_before_seq = true;
	op->key_log->before_seq = log->next_before_seq;
	cadre_client_answer_free(answer);
	log = rpc_done(bench->client, op, &answer)->key_log;
	assert_int_equal(log->n_entries, 1);
	assert_string_equal(log->entries[0]->model_after, "m2");
	cadre_client_answer_free(answer);
}

static void test_history_log_counts_each_versions_change(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Op *op = rpc_op_history_log(&bench->ops, "line");
	struct cadre_client_answer *answer;
	const Cadre__V1__HistoryLogResult *log =
	        rpc_done(bench->client, op, &answer)->history_log;

	assert_int_equal(log->n_entries, 2);
	assert_string_equal(log->history->resource->ocid, bench->history);
	assert_string_equal(log->entries[0]->group->resource->ocid, bench->second);
	assert_true(log->entries[0]->latest);
	assert_int_equal(log->entries[0]->added, 1);
	assert_int_equal(log->entries[0]->removed, 1);
	assert_string_equal(log->entries[0]->actor->principal, "local");
	assert_false(log->entries[1]->latest);
	assert_int_equal(log->entries[1]->added, 3);
	cadre_client_answer_free(answer);
	op->history_log->has_before_version = true;
	op->history_log->before_version = 2;
	log = rpc_done(bench->client, op, &answer)->history_log;
	assert_int_equal(log->n_entries, 1);
	assert_string_equal(log->entries[0]->group->resource->ocid, bench->group);
	cadre_client_answer_free(answer);
}

static void test_outcome_tells_what_a_token_did(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__Command *command = rpc_create_group(ops, "t", "m", 1, 1);
	struct cadre_client_answer *answer;
	const Cadre__V1__CommandResult *outcome;
	char *id;

	command->retry_token = rpc_text(ops, "t-1");
	id = rpc_do(ops, bench->client, command);
	outcome = rpc_done(bench->client, rpc_op_outcome(ops, "t-1"), &answer)->outcome;
	assert_string_equal(outcome->id, id);
	assert_true(outcome->changed);
	cadre_client_answer_free(answer);
}

static void test_watch_gives_events_in_order(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Op *op = rpc_op_watch(&bench->ops, 1, 0);
	struct cadre_client_answer *answer;
	const Cadre__V1__WatchResult *watch;

	op->watch->has_max_events = true;
	op->watch->max_events = 3;
	watch = rpc_done(bench->client, op, &answer)->watch;
	assert_int_equal(watch->n_events, 3);
	assert_int_equal(watch->next_seq, 4);
	assert_int_equal(watch->events[0]->event->body_case,
	                 CADRE__V1__EVENT__BODY_CLUSTER_CONFIGURED);
	assert_int_equal(watch->events[1]->event->body_case,
	                 CADRE__V1__EVENT__BODY_GROUP_CREATED);
	cadre_client_answer_free(answer);
	op->watch->from_seq = 4;
	watch = rpc_done(bench->client, op, &answer)->watch;
	assert_int_equal(watch->events[0]->event->body_case,
	                 CADRE__V1__EVENT__BODY_GROUP_PATCHED);
	cadre_client_answer_free(answer);
}

static void test_status_knows_cluster_and_position(void **state)
{
	struct bench *bench = *state;
	struct cadre_client_answer *answer;
	const Cadre__V1__StatusResult *status =
	        rpc_done(bench->client, rpc_op_status(&bench->ops), &answer)->node_status;

	assert_string_equal(status->cluster_name, "test");
	assert_int_equal(status->applied_seq, 4);
	assert_int_equal(strlen(status->digest), 32);
	assert_int_equal(status->timeline_id.len, 16);
	cadre_client_answer_free(answer);
}

static void test_operations_of_a_message_are_independent_and_in_order(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__Command *first = rpc_create_group(ops, "a", "m", 1, 1);
	Cadre__V1__Command *bad = rpc_create_group(ops, "b", "m", 1, 0);
	Cadre__V1__Command *last = rpc_create_group(ops, "d", "m", 1, 1);
	const Cadre__V1__Op *list[] = {
		rpc_op_get(ops, "a", false), rpc_op_batch(ops, &first, 1),
		rpc_op_batch(ops, &bad, 1),  rpc_op_batch(ops, &last, 1),
		rpc_op_get(ops, "a", false),
	};
	struct cadre_client_answer *answer;
	const Cadre__V1__Response *response;

	assert_int_equal(cadre_client_call(bench->client, list, 5, NULL, &answer),
	                 CADRE_CLIENT_REFUSED);
	response = cadre_client_answer_response(answer);
	assert_int_equal(response->n_results, 5);
	assert_int_equal(response->results[0]->status, CADRE_NOT_FOUND);
	assert_int_equal(response->results[1]->status, CADRE_OK);
	assert_int_not_equal(response->results[2]->status, CADRE_OK);
	assert_int_equal(response->results[3]->status, CADRE_OK);
	/* A read behind a batch sees what it did. */
	assert_int_equal(response->results[4]->status, CADRE_OK);
	assert_string_equal(response->results[4]->resource->resource->ocid,
	                    response->results[1]->batch->results[0]->id);
	assert_true(response->position->seq >=
	            response->results[3]->batch->results[0]->seq);
	cadre_client_answer_free(answer);
}

static void test_answers_over_the_limit_are_refused_one_by_one(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	const Cadre__V1__Op *list[60];
	struct cadre_client_answer *answer;
	const Cadre__V1__Response *response;
	size_t done = 0;
	size_t refused = 0;
	char *big =
	        rpc_do(ops, bench->client,
	               rpc_create_group(ops, "big",
	                                "ocid1.datasciencemodel.oc1.iad.with.a.long.name."
	                                "that.fills.the.answer.up.to.its.limit.of.4.MiB.",
	                                100000, 1000));

	for (size_t i = 0; i < 60; i++)
		list[i] = rpc_op_members(ops, big);
	assert_int_equal(cadre_client_call(bench->client, list, 60, NULL, &answer),
	                 CADRE_CLIENT_REFUSED);
	response = cadre_client_answer_response(answer);
	assert_int_equal(response->n_results, 60);
	for (size_t i = 0; i < 60; i++) {
		done += response->results[i]->status == CADRE_OK;
		refused += response->results[i]->status == CADRE_LIMIT_EXCEEDED;
	}
	assert_int_equal(done + refused, 60);
	assert_true(done > 10 && refused > 10);
	cadre_client_answer_free(answer);
}

static void expect_envelope(struct bench *bench, Cadre__V1__Request *request,
                            enum cadre_status status, const char *path)
{
	const Cadre__V1__Response *response = rpc_ask(&bench->ops, bench->node.address,
	                                              request);

	assert_true(response->has_status);
	assert_int_equal(response->status, status);
	assert_int_equal(strncmp(response->message, path, strlen(path)), 0);
}

static void test_envelopes_are_refused_with_the_field(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__Request *request = rpc_request(ops, rpc_op_status(ops));

	request->version = 2;
	expect_envelope(bench, request, CADRE_INVALID_PARAMETER, "version: ");
	request->version = 1;
	request->request_id = rpc_text(ops, "%080d", 1);
	expect_envelope(bench, request, CADRE_INVALID_PARAMETER, "requestId: ");
	request->request_id = rpc_text(ops, "\xff");
	expect_envelope(bench, request, CADRE_INVALID_PARAMETER, "requestId: ");
	request->request_id = rpc_text(ops, "id");
	request->n_ops = 0;
	expect_envelope(bench, request, CADRE_INVALID_PARAMETER, "ops: ");
	request->n_ops = 1;
	request->ops[0] = rpc_op(ops);
	expect_envelope(bench, request, CADRE_INVALID_PARAMETER, "ops[0]: ");
}

static void test_who_acts_for_another_is_written_down(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	const struct cadre_client_call_options options = { .on_behalf_of = "alice" };
	Cadre__V1__Command *command = rpc_patch(ops, "line", "k2", "o2", "n2");
	const Cadre__V1__Op *list[1];
	struct cadre_client_answer *answer;
	const Cadre__V1__Actor *actor;

	command->patch_group->source_id = bench->history;
	list[0] = rpc_op_batch(ops, &command, 1);
	assert_int_equal(cadre_client_call(bench->client, list, 1, &options, &answer),
	                 CADRE_CLIENT_DONE);
	cadre_client_answer_free(answer);
	actor = rpc_done(bench->client, rpc_op_key_log(ops, "line", "k2"), &answer)
	                ->key_log->entries[0]
	                ->actor;
	assert_string_equal(actor->principal, "alice");
	assert_string_equal(actor->via, "local");
	cadre_client_answer_free(answer);
}

static void test_plain_helpers_need_no_protobuf(void **state)
{
	struct bench *bench = *state;
	struct cadre_client_answer *answer;
	Cadre__V1__Command *command = rpc_create_group(&bench->ops, "plain", "m", 1, 2);
	Cadre__V1__Op *op = rpc_op_batch(&bench->ops, &command, 1);
	uint8_t packed[1024];
	char model[256];
	char small[2];

	assert_int_equal(cadre_client_resolve(bench->client, "line", "k2", 0, model,
	                                      sizeof model, NULL),
	                 CADRE_CLIENT_DONE);
	assert_string_equal(model, "n2");
	assert_int_equal(cadre_client_resolve(bench->client, "line", "k2", 3, model,
	                                      sizeof model, NULL),
	                 CADRE_CLIENT_DONE);
	assert_string_equal(model, "m2");
	assert_int_equal(cadre_client_resolve(bench->client, "line", "k2", 0, small,
	                                      sizeof small, &answer),
	                 CADRE_CLIENT_REFUSED);
	assert_string_equal(cadre_client_answer_status_name(answer), "TOO_LARGE");
	cadre_client_answer_free(answer);
	assert_int_equal(cadre_client_batch(bench->client, packed,
	                                    cadre__v1__batch__pack(op->batch, packed),
	                                    NULL),
	                 CADRE_CLIENT_DONE);
	assert_int_equal(cadre_client_batch(bench->client, "garbage", 7, &answer),
	                 CADRE_CLIENT_REFUSED);
	cadre_client_answer_free(answer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_resolve_by_id_and_by_name_of_what_it_is),
		CASE(test_resolve_in_the_past_by_seq_and_by_time),
		CASE(test_a_time_that_is_settled_is_answered),
		CASE(test_refusals_name_the_field),
		CASE(test_the_leaders_own_commands_come_from_nobody_else),
		CASE(test_get_spells_internal_ids_out),
		CASE(test_list_pages_until_the_end),
		CASE(test_members_page_behind_the_last),
		CASE(test_diff_says_what_came_and_went),
		CASE(test_key_log_tells_when_who_from_and_to),
		CASE(test_history_log_counts_each_versions_change),
		CASE(test_outcome_tells_what_a_token_did),
		CASE(test_watch_gives_events_in_order),
		CASE(test_status_knows_cluster_and_position),
		CASE(test_operations_of_a_message_are_independent_and_in_order),
		CASE(test_answers_over_the_limit_are_refused_one_by_one),
		CASE(test_envelopes_are_refused_with_the_field),
		CASE(test_who_acts_for_another_is_written_down),
		CASE(test_plain_helpers_need_no_protobuf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
