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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		        test_resolve_by_id_and_by_name_of_what_it_is, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
