/* What a client's retries keep: once, or a truth that can be asked for. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/proxy.h"
#include "tests/unit/rpc/rpc_node.h"
#include "tests/unit/rpc/rpc_ops.h"
#include "tests/unit/rpc/rpc_process.h"

struct bench {
	struct rpc_node node;
	struct rpc_ops ops;
	struct proxy *proxy;
	char proxied[64];
};

static int setup(void **state)
{
	static struct bench bench;

	*state = &bench;
	rpc_node_make(&bench.node);
	rpc_node_start(&bench.node);
	rpc_ops_init(&bench.ops);
	bench.proxy = proxy_start(cadre_rpc_address(bench.node.server)->port);
	snprintf(bench.proxied, sizeof bench.proxied, "tcp://127.0.0.1:%u",
	         (unsigned)proxy_port(bench.proxy));
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	proxy_stop(bench->proxy);
	rpc_ops_fini(&bench->ops);
	rpc_node_remove(&bench->node);
	return 0;
}

static size_t groups_named(struct bench *bench, struct cadre_client *client,
                           const char *name)
{
	Cadre__V1__Op *op = rpc_op_list(&bench->ops, CADRE__V1__KIND__KIND_GROUP);
	struct cadre_client_answer *answer;
	size_t count;

	op->list->display_name = rpc_text(&bench->ops, "%s", name);
	count = rpc_done(client, op, &answer)->list->n_resources;
	cadre_client_answer_free(answer);
	return count;
}

static void test_a_lost_answer_is_asked_for_again_and_nothing_happens_twice(void **state)
{
	struct bench *bench = *state;
	struct cadre_client *client = rpc_client(&bench->node, bench->proxied);
	Cadre__V1__Command *command = rpc_create_group(&bench->ops, "once", "m", 1, 2);
	struct cadre_client_answer *answer;
	const Cadre__V1__Result *result;

	proxy_set(bench->proxy, PROXY_LOSE_ANSWER);
	result = rpc_done(client, rpc_op_batch(&bench->ops, &command, 1), &answer);
	assert_int_equal(proxy_lost(bench->proxy), 1);
	assert_int_equal(cadre_client_answer_attempts(answer), 2);
	assert_true(result->batch->repeated_token);
	assert_int_equal(groups_named(bench, client, "once"), 1);
	cadre_client_answer_free(answer);
	cadre_client_close(client);
}

static void test_a_lost_read_is_asked_for_again(void **state)
{
	struct bench *bench = *state;
	struct cadre_client *client = rpc_client(&bench->node, bench->proxied);
	struct cadre_client_answer *answer;

	proxy_set(bench->proxy, PROXY_LOSE_ANSWER);
	(void)rpc_done(client, rpc_op_status(&bench->ops), &answer);
	assert_int_equal(proxy_lost(bench->proxy), 1);
	cadre_client_answer_free(answer);
	cadre_client_close(client);
}

static void test_nothing_was_done_when_nobody_was_reached(void **state)
{
	struct bench *bench = *state;
	const char *addresses[] = { bench->node.address };
	const struct cadre_client_options options = { .addresses = addresses,
		                                      .address_count = 1,
		                                      .timeout_ms = 300 };
	Cadre__V1__Command *command = rpc_create_group(&bench->ops, "never", "m", 1, 2);
	const Cadre__V1__Op *ops[] = { rpc_op_batch(&bench->ops, &command, 1) };
	struct cadre_client *client;
	struct cadre_client_answer *answer;

	rpc_node_stop(&bench->node);
	client = rpc_client_with(&options);
	assert_int_equal(cadre_client_call(client, ops, 1, NULL, &answer),
	                 CADRE_CLIENT_REFUSED);
	assert_string_equal(cadre_client_answer_status_name(answer), "UNAVAILABLE");
	assert_int_equal(cadre_client_answer_attempts(answer), 0);
	cadre_client_answer_free(answer);
	cadre_client_close(client);
	rpc_node_start(&bench->node);
}

/* ---- a leader that is another one ---- */

static const char *leader_hint(void *ctx, struct cadre_arena *arena)
{
	(void)arena;
	return ctx;
}

static void test_a_follower_names_the_leader_and_the_client_goes_there(void **state)
{
	struct bench *bench = *state;
	struct rpc_node follower;
	struct cadre_client *client;

	rpc_node_make(&follower);
	follower.follower = true;
	follower.options.hooks.leader = leader_hint;
	follower.options.hooks.ctx = bench->node.address;
	rpc_node_start(&follower);
	client = rpc_client(&follower, NULL);
	rpc_do(&bench->ops, client, rpc_create_group(&bench->ops, "there", "m", 1, 2));
	cadre_client_close(client);
	client = rpc_client(&bench->node, NULL);
	assert_int_equal(groups_named(bench, client, "there"), 1);
	cadre_client_close(client);
	rpc_node_remove(&follower);
}

/* ---- a server that dies ---- */

/* Until the node has the token: it took effect, whatever became of the answer. */
static void wait_for_token(struct rpc_ops *ops, const char *address, const char *token)
{
	const Cadre__V1__Response *response;

	do
		response = rpc_ask(ops, address,
		                   rpc_request(ops, rpc_op_outcome(ops, token)));
	while (response->results[0]->status != CADRE_OK);
}

struct pending {
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct cadre_client_answer *answer;
};

static void take_answer(void *ctx, struct cadre_client_answer *answer)
{
	struct pending *pending = ctx;

	pthread_mutex_lock(&pending->lock);
	pending->answer = answer;
	pthread_cond_signal(&pending->done);
	pthread_mutex_unlock(&pending->lock);
}

static struct cadre_client_answer *wait_for(struct pending *pending)
{
	pthread_mutex_lock(&pending->lock);
	while (!pending->answer)
		pthread_cond_wait(&pending->done, &pending->lock);
	pthread_mutex_unlock(&pending->lock);
	return pending->answer;
}

/* A batch through the proxy to a process that is killed when it has done it. With
 * `revive` it starts again before the client gives up. */
static struct cadre_client_answer *kill_behind_a_batch(struct bench *bench,
                                                       struct rpc_process *process,
                                                       uint32_t timeout_ms, bool revive)
{
	struct proxy *proxy = proxy_start((uint16_t)process->port);
	char *proxied = rpc_text(&bench->ops, "tcp://127.0.0.1:%u",
	                         (unsigned)proxy_port(proxy));
	char *direct = rpc_text(&bench->ops, "tcp://127.0.0.1:%u", process->port);
	const char *addresses[] = { proxied };
	const struct cadre_client_options options = { .addresses = addresses,
		                                      .address_count = 1,
		                                      .attempts_max = 1,
		                                      .connect_ms = 50,
		                                      .timeout_ms = timeout_ms };
	struct cadre_client *client = rpc_client_with(&options);
	Cadre__V1__Command *command = rpc_create_group(&bench->ops, "g", "m", 1, 2);
	Cadre__V1__Op *op = rpc_op_batch(&bench->ops, &command, 1);
	struct pending pending = { .lock = PTHREAD_MUTEX_INITIALIZER,
		                   .done = PTHREAD_COND_INITIALIZER };
	const Cadre__V1__Op *ops[] = { op };

	op->batch->retry_token = rpc_text(&bench->ops, "token-1");
	proxy_set(proxy, PROXY_HOLD);
	assert_int_equal(cadre_client_start(client, ops, 1, NULL, take_answer, &pending),
	                 0);
	wait_for_token(&bench->ops, direct, "token-1");
	rpc_process_end(process, true);
	proxy_set(proxy, PROXY_PASS);
	if (revive)
		rpc_process_start(process, RPC_NODE, bench->node.data, process->port);
	(void)wait_for(&pending);
	cadre_client_close(client);
	proxy_stop(proxy);
	return pending.answer;
}

static void start_process(struct bench *bench, struct rpc_process *process)
{
	rpc_node_stop(&bench->node);
	rpc_process_start(process, RPC_NODE, bench->node.data, 0);
}

static void test_killed_before_its_answer_unknown_and_then_the_token_tells(void **state)
{
	struct bench *bench = *state;
	struct rpc_process process;
	struct cadre_client_answer *answer;
	const Cadre__V1__Response *response;
	char *direct;

	start_process(bench, &process);
	answer = kill_behind_a_batch(bench, &process, 1500, false);
	assert_int_equal(cadre_client_answer_outcome(answer), CADRE_CLIENT_UNKNOWN);
	assert_string_equal(cadre_client_answer_retry_token(answer, 0), "token-1");
	cadre_client_answer_free(answer);
	rpc_process_start(&process, RPC_NODE, bench->node.data, process.port);
	direct = rpc_text(&bench->ops, "tcp://127.0.0.1:%u", process.port);
	response =
	        rpc_ask(&bench->ops, direct,
	                rpc_request(&bench->ops, rpc_op_outcome(&bench->ops, "token-1")));
	assert_int_equal(response->results[0]->status, CADRE_OK);
	assert_true(response->results[0]->outcome->changed);
	assert_non_null(response->results[0]->outcome->id);
	response =
	        rpc_ask(&bench->ops, direct,
	                rpc_request(&bench->ops, rpc_op_outcome(&bench->ops, "token-2")));
	assert_int_equal(response->results[0]->status, CADRE_NOT_FOUND);
	rpc_process_end(&process, false);
	rpc_node_start(&bench->node);
}

static void test_back_within_the_deadline_the_client_asks_by_token_itself(void **state)
{
	struct bench *bench = *state;
	struct rpc_process process;
	struct cadre_client_answer *answer;

	start_process(bench, &process);
	answer = kill_behind_a_batch(bench, &process, 20000, true);
	assert_int_equal(cadre_client_answer_outcome(answer), CADRE_CLIENT_DONE);
	assert_true(cadre_client_answer_by_token(answer));
	assert_non_null(cadre_client_answer_response(answer)->results[0]->outcome->id);
	cadre_client_answer_free(answer);
	rpc_process_end(&process, false);
	rpc_node_start(&bench->node);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_lost_answer_is_asked_for_again_and_nothing_happens_twice),
		CASE(test_a_lost_read_is_asked_for_again),
		CASE(test_nothing_was_done_when_nobody_was_reached),
		CASE(test_a_follower_names_the_leader_and_the_client_goes_there),
		CASE(test_killed_before_its_answer_unknown_and_then_the_token_tells),
		CASE(test_back_within_the_deadline_the_client_asks_by_token_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
