/* Calls that wait: for a position, an event, the store; and how many may. */
#include <pthread.h>
#include <stdio.h>

#include "tests/unit/rpc/rpc_node.h"
#include "tests/unit/rpc/rpc_ops.h"

#define PARKED_MAX 8u

/* Holds requests back instead of handing them to the store. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	bool closed;
	unsigned held;
	struct cadre_request *first;
	struct rpc_node *node;
};

struct bench {
	struct rpc_node node;
	struct rpc_ops ops;
	struct gate gate;
};

static void submit(void *ctx, Cadre__V1__AckLevel ack, struct cadre_request *request)
{
	struct gate *gate = ctx;
	bool closed;

	(void)ack;
	pthread_mutex_lock(&gate->lock);
	closed = gate->closed;
	if (closed) {
		request->next = gate->first;
		gate->first = request;
		gate->held++;
		pthread_cond_broadcast(&gate->arrived);
	}
	pthread_mutex_unlock(&gate->lock);
	if (!closed)
		cadre_store_thread_submit(gate->node->thread, request);
}

static void gate_close(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->closed = true;
	pthread_mutex_unlock(&gate->lock);
}

static void gate_wait(struct gate *gate, unsigned held)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->held < held)
		pthread_cond_wait(&gate->arrived, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate)
{
	struct cadre_request *request;

	pthread_mutex_lock(&gate->lock);
	gate->closed = false;
	request = gate->first;
	gate->first = NULL;
	gate->held = 0;
	pthread_mutex_unlock(&gate->lock);
	while (request) {
		struct cadre_request *next = request->next;
		cadre_store_thread_submit(gate->node->thread, request);
		request = next;
	}
}

static int setup(void **state)
{
	static struct bench bench;

	*state = &bench;
	memset(&bench.gate, 0, sizeof bench.gate);
	pthread_mutex_init(&bench.gate.lock, NULL);
	pthread_cond_init(&bench.gate.arrived, NULL);
	bench.gate.node = &bench.node;
	rpc_node_make(&bench.node);
	bench.node.options.parked_max = PARKED_MAX;
	bench.node.options.hooks.submit = submit;
	bench.node.options.hooks.ctx = &bench.gate;
	rpc_node_start(&bench.node);
	rpc_ops_init(&bench.ops);
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	rpc_ops_fini(&bench->ops);
	rpc_node_remove(&bench->node);
	return 0;
}

static Cadre__V1__Request *write_request(struct bench *bench)
{
	Cadre__V1__Command *command = rpc_create_group(&bench->ops, "g", "m", 1, 1);

	return rpc_request(&bench->ops, rpc_op_batch(&bench->ops, &command, 1));
}

static void write_one(struct bench *bench)
{
	const Cadre__V1__Response *response = rpc_ask(&bench->ops, bench->node.address,
	                                              write_request(bench));

	assert_int_equal(response->results[0]->status, CADRE_OK);
}

/* The position that status answers from. */
static Cadre__V1__Position *position_now(struct bench *bench)
{
	return rpc_ask(&bench->ops, bench->node.address,
	               rpc_request(&bench->ops, rpc_op_status(&bench->ops)))
	        ->position;
}

static void test_a_read_with_a_token_waits_for_it(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Request *request = rpc_request(&bench->ops,
	                                          rpc_op_status(&bench->ops));
	struct rpc_burst *burst;

	request->after = position_now(bench);
	request->after->seq++;
	burst = rpc_burst_start(bench->node.address, request, 1);
	rpc_node_wait_parked(&bench->node, 1);
	write_one(bench);
	rpc_burst_wait(burst, 1);
	assert_int_equal(rpc_burst_count(burst, CADRE_OK), 1);
	rpc_burst_end(burst);
}

static void test_a_token_that_does_not_come_is_lagging(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Request *request = rpc_request(&bench->ops,
	                                          rpc_op_status(&bench->ops));
	const Cadre__V1__Response *response;

	request->after = position_now(bench);
	request->after->seq += 100;
	request->remaining_ms = 50;
	response = rpc_ask(&bench->ops, bench->node.address, request);
	assert_int_equal(response->status, CADRE_LAGGING);
	assert_int_equal(strncmp(response->message, "after: ", 7), 0);
}

static void test_a_token_of_another_timeline_is_lost(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Request *request = rpc_request(&bench->ops,
	                                          rpc_op_status(&bench->ops));
	const Cadre__V1__Response *response;

	request->after = position_now(bench);
	request->after->timeline_id.data[3] ^= 1;
	response = rpc_ask(&bench->ops, bench->node.address, request);
	assert_int_equal(response->status, CADRE_TOKEN_LOST);
}

static void test_a_watch_wakes_at_the_commit(void **state)
{
	struct bench *bench = *state;
	uint64_t next = position_now(bench)->seq + 1;
	Cadre__V1__Request *request = rpc_request(&bench->ops,
	                                          rpc_op_watch(&bench->ops, next, 30000));
	struct rpc_burst *burst = rpc_burst_start(bench->node.address, request,
	                                          PARKED_MAX / 2);

	rpc_node_wait_parked(&bench->node, PARKED_MAX / 2);
	write_one(bench);
	rpc_burst_wait(burst, PARKED_MAX / 2);
	assert_int_equal(rpc_burst_count(burst, CADRE_OK), PARKED_MAX / 2);
	rpc_burst_end(burst);
	assert_true(position_now(bench)->seq >= next);
}

static void test_those_who_wait_leave_half_of_the_places_to_writers(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Request *request = rpc_request(&bench->ops,
	                                          rpc_op_watch(&bench->ops, 0, 30000));
	struct rpc_burst *burst = rpc_burst_start(bench->node.address, request,
	                                          PARKED_MAX);

	rpc_burst_wait(burst, PARKED_MAX / 2);
	rpc_node_wait_parked(&bench->node, PARKED_MAX / 2);
	write_one(bench);
	rpc_burst_wait(burst, PARKED_MAX);
	rpc_burst_end(burst);
}

static void test_a_watch_ends_empty_when_its_time_is_over(void **state)
{
	struct bench *bench = *state;
	const Cadre__V1__Response *response =
	        rpc_ask(&bench->ops, bench->node.address,
	                rpc_request(&bench->ops, rpc_op_watch(&bench->ops, 0, 20)));

	assert_int_equal(response->results[0]->status, CADRE_OK);
	assert_int_equal(response->results[0]->watch->n_events, 0);
	assert_int_equal(response->results[0]->watch->next_seq,
	                 response->position->seq + 1);
}

static void test_beyond_the_limit_writes_are_refused_and_reads_served(void **state)
{
	struct bench *bench = *state;
	struct rpc_burst *burst;

	gate_close(&bench->gate);
	burst = rpc_burst_start(bench->node.address, write_request(bench),
	                        PARKED_MAX + 5);
	/* Those that found no place are answered while the others wait. */
	rpc_burst_wait(burst, 5);
	assert_int_equal(rpc_burst_count(burst, CADRE_TOO_MANY_REQUESTS), 5);
	gate_wait(&bench->gate, PARKED_MAX);
	(void)position_now(bench);
	gate_open(&bench->gate);
	rpc_burst_wait(burst, PARKED_MAX + 5);
	assert_int_equal(rpc_burst_count(burst, CADRE_OK), PARKED_MAX);
	rpc_burst_end(burst);
}

static void test_a_named_principal_gets_a_quarter(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Request *request = write_request(bench);
	struct rpc_burst *burst;
	struct rpc_burst *other;

	gate_close(&bench->gate);
	request->on_behalf_of = rpc_text(&bench->ops, "alice");
	burst = rpc_burst_start(bench->node.address, request, PARKED_MAX);
	rpc_burst_wait(burst, PARKED_MAX - PARKED_MAX / 4);
	assert_int_equal(rpc_burst_count(burst, CADRE_TOO_MANY_REQUESTS),
	                 PARKED_MAX - PARKED_MAX / 4);
	request->on_behalf_of = rpc_text(&bench->ops, "bob");
	other = rpc_burst_start(bench->node.address, request, 1);
	gate_wait(&bench->gate, PARKED_MAX / 4 + 1);
	gate_open(&bench->gate);
	rpc_burst_wait(burst, PARKED_MAX);
	rpc_burst_wait(other, 1);
	assert_int_equal(rpc_burst_count(burst, CADRE_OK), PARKED_MAX / 4);
	assert_int_equal(rpc_burst_count(other, CADRE_OK), 1);
	rpc_burst_end(burst);
	rpc_burst_end(other);
}

static void test_a_command_past_its_deadline_is_not_decided(void **state)
{
	struct bench *bench = *state;
	struct cadre_env *env = cadre_env_real();
	Cadre__V1__Request *request = write_request(bench);
	uint64_t seq = position_now(bench)->seq;
	uint64_t late;
	struct rpc_burst *burst;

	gate_close(&bench->gate);
	request->remaining_ms = 1;
	burst = rpc_burst_start(bench->node.address, request, 1);
	gate_wait(&bench->gate, 1);
	late = env->ops->mono_ns(env) + 2000000;
	while (env->ops->mono_ns(env) < late)
		;
	gate_open(&bench->gate);
	rpc_burst_wait(burst, 1);
	assert_int_equal(rpc_burst_count(burst, CADRE_UNAVAILABLE), 1);
	rpc_burst_end(burst);
	assert_int_equal(position_now(bench)->seq, seq);
}

static void test_a_stop_answers_what_is_under_way(void **state)
{
	struct bench *bench = *state;
	uint64_t next = position_now(bench)->seq + 1;
	struct rpc_burst *watch = rpc_burst_start(
	        bench->node.address,
	        rpc_request(&bench->ops, rpc_op_watch(&bench->ops, next + 10, 30000)), 1);
	struct rpc_burst *burst;

	rpc_node_wait_parked(&bench->node, 1);
	gate_close(&bench->gate);
	burst = rpc_burst_start(bench->node.address, write_request(bench), 3);
	gate_wait(&bench->gate, 3);
	gate_open(&bench->gate);
	rpc_node_stop(&bench->node);
	rpc_burst_wait(burst, 3);
	rpc_burst_wait(watch, 1);
	assert_int_equal(rpc_burst_count(burst, CADRE_OK), 3);
	assert_int_equal(rpc_burst_count(watch, CADRE_OK), 1);
	rpc_burst_end(burst);
	rpc_burst_end(watch);
	rpc_node_start(&bench->node);
	assert_int_equal(position_now(bench)->seq, next + 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_read_with_a_token_waits_for_it),
		CASE(test_a_token_that_does_not_come_is_lagging),
		CASE(test_a_token_of_another_timeline_is_lost),
		CASE(test_a_watch_wakes_at_the_commit),
		CASE(test_those_who_wait_leave_half_of_the_places_to_writers),
		CASE(test_a_watch_ends_empty_when_its_time_is_over),
		CASE(test_beyond_the_limit_writes_are_refused_and_reads_served),
		CASE(test_a_named_principal_gets_a_quarter),
		CASE(test_a_command_past_its_deadline_is_not_decided),
		CASE(test_a_stop_answers_what_is_under_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
