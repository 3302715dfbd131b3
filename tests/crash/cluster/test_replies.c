/* Answers that do not arrive, from real servers: what the client is told, and what is
 * true. */
#include <stdatomic.h>
#include <stdio.h>

#include "tests/crash/cluster/cluster.h"
#include "tests/crash/cluster/wait.h"

#define TOKEN "crash-reply"
#define REPLIES_LOST 4u

/* One call under way. */
struct call {
	struct rpc_ops ops;
	const Cadre__V1__Op *op;
	_Atomic(struct cadre_client_answer *) answer;
};

static int setup(void **state)
{
	static struct cluster cluster;

	cluster_make(&cluster, false);
	cluster_start_leader(&cluster);
	*state = &cluster;
	return 0;
}

static int teardown(void **state)
{
	cluster_remove(*state);
	return 0;
}

static void on_answer(void *ctx, struct cadre_client_answer *answer)
{
	struct call *call = ctx;

	atomic_store(&call->answer, answer);
}

static void call_make(struct call *call)
{
	Cadre__V1__Command *command;
	Cadre__V1__Op *op;

	rpc_ops_init(&call->ops);
	command = rpc_create_history(&call->ops, "once", NULL);
	op = rpc_op_batch(&call->ops, &command, 1);
	op->batch->retry_token = rpc_text(&call->ops, TOKEN);
	call->op = op;
	atomic_store(&call->answer, NULL);
}

static void call_begin(struct call *call, struct cadre_client *client)
{
	assert_int_equal(cadre_client_start(client, &call->op, 1, NULL, on_answer, call),
	                 0);
}

static struct cadre_client_answer *call_end(struct call *call)
{
	uint64_t since = 0;

	while (!atomic_load(&call->answer))
		wait_for(&since, WAIT_S, "an answer");
	return atomic_load(&call->answer);
}

static void call_free(struct call *call)
{
	cadre_client_answer_free(atomic_load(&call->answer));
	rpc_ops_fini(&call->ops);
}

/* A client that gives up soon; it is connected. */
static struct cadre_client *hasty_client(const struct cluster *cluster)
{
	struct cadre_client *client = cluster_client(cluster->addresses[LINK_RPC], NULL,
	                                             2000);
	struct cluster_state state;

	cluster_ask(client, &state);
	assert_true(state.answered);
	return client;
}

/* Around the proxy. */
static struct cadre_client *direct_client(const struct cluster *cluster)
{
	char address[64];

	(void)snprintf(address, sizeof address, "tcp://127.0.0.1:%u",
	               cluster->leader.rpc);
	return cluster_client(address, NULL, 5000);
}

static void wait_durable(struct cadre_client *client, uint64_t seq)
{
	struct cluster_state state;
	uint64_t since = 0;

	for (;;) {
		cluster_ask(client, &state);
		if (state.durable_seq >= seq)
			return;
		wait_for(&since, WAIT_S, "the batch to be durable");
	}
}

/* Events in the log that have the token. */
static unsigned count_in_log(struct cluster *cluster, uint64_t *ret_seq)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__WatchResult *watched;
	struct rpc_ops ops;
	unsigned count = 0;

	rpc_ops_init(&ops);
	watched = rpc_done(cluster->to_leader, rpc_op_watch(&ops, 1, 0), &answer)->watch;
	for (size_t i = 0; i < watched->n_events; i++) {
		const Cadre__V1__RetryToken *token =
		        watched->events[i]->event->retry_token;
		if (!token || strcmp(token->token, TOKEN) != 0)
			continue;
		count++;
		*ret_seq = watched->events[i]->seq;
	}
	cadre_client_answer_free(answer);
	rpc_ops_fini(&ops);
	return count;
}

static void assert_unknown(struct call *call)
{
	assert_int_equal(cadre_client_answer_outcome(call_end(call)),
	                 CADRE_CLIENT_UNKNOWN);
}

static void restart_leader(struct cluster *cluster)
{
	proxy_set(cluster->proxies[LINK_RPC], PROXY_PASS);
	cluster_start_leader(cluster);
}

/* Sent again it gives the first answer, and is in the log once. */
static void assert_took_effect_once(struct cluster *cluster, const struct call *call,
                                    bool repeated)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__BatchResult *batch;
	uint64_t seq = 0;

	batch = rpc_done(cluster->to_leader, call->op, &answer)->batch;
	assert_int_equal(batch->repeated_token, repeated);
	assert_int_equal(count_in_log(cluster, &seq), 1);
	assert_int_equal(batch->results[0]->seq, seq);
	cadre_client_answer_free(answer);
	cluster->passed = true;
}

static void
a_server_killed_behind_the_commit_leaves_UNKNOWN_and_Outcome_tells_the_truth(void **state)
{
	struct cluster *cluster = *state;
	struct cadre_client *client = hasty_client(cluster);
	struct cadre_client *direct = direct_client(cluster);
	struct cadre_client_answer *answer;
	struct cluster_state before;
	struct call call;

	cluster_ask(direct, &before);
	call_make(&call);
	proxy_set(cluster->proxies[LINK_RPC], PROXY_HOLD);
	call_begin(&call, client);
	wait_durable(direct, before.durable_seq + 1);
	daemon_kill(&cluster->leader);
	assert_unknown(&call);
	restart_leader(cluster);
	assert_int_equal(
	        rpc_done(cluster->to_leader, rpc_op_outcome(&call.ops, TOKEN), &answer)
	                ->outcome->seq,
	        before.durable_seq + 1);
	cadre_client_answer_free(answer);
	assert_took_effect_once(cluster, &call, true);
	call_free(&call);
	cadre_client_close(direct);
	cadre_client_close(client);
}

static void
a_server_killed_before_it_decides_leaves_UNKNOWN_and_Outcome_says_that_it_did_not_happen(
        void **state)
{
	struct cluster *cluster = *state;
	struct cadre_client *client = hasty_client(cluster);
	struct call call;

	call_make(&call);
	daemon_freeze(&cluster->leader);
	call_begin(&call, client);
	assert_unknown(&call);
	daemon_kill(&cluster->leader);
	restart_leader(cluster);
	rpc_refused(cluster->to_leader, rpc_op_outcome(&call.ops, TOKEN), CADRE_NOT_FOUND,
	            "");
	assert_took_effect_once(cluster, &call, false);
	call_free(&call);
	cadre_client_close(client);
}

static void a_reply_lost_again_and_again_takes_effect_once(void **state)
{
	struct cluster *cluster = *state;
	struct proxy *proxy = cluster->proxies[LINK_RPC];
	struct call call;
	uint64_t since = 0;

	call_make(&call);
	proxy_set(proxy, PROXY_LOSE_ANSWERS);
	call_begin(&call, cluster->to_leader);
	while (proxy_lost(proxy) < REPLIES_LOST)
		wait_for(&since, WAIT_S, "answers to be lost");
	proxy_set(proxy, PROXY_PASS);
	assert_int_equal(cadre_client_answer_outcome(call_end(&call)), CADRE_CLIENT_DONE);
	assert_true(cadre_client_answer_attempts(call_end(&call)) > REPLIES_LOST);
	assert_took_effect_once(cluster, &call, true);
	call_free(&call);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_server_killed_behind_the_commit_leaves_UNKNOWN_and_Outcome_tells_the_truth),
		CASE(a_server_killed_before_it_decides_leaves_UNKNOWN_and_Outcome_says_that_it_did_not_happen),
		CASE(a_reply_lost_again_and_again_takes_effect_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
