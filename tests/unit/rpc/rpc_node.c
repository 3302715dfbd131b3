#include "tests/unit/rpc/rpc_node.h"

#include <sched.h>
#include <stdio.h>

#include "replica/rpc/internal.h"

void rpc_node_make(struct rpc_node *node)
{
	struct cadre_init_options init = { .cluster_name = "test",
		                           .segment_bytes = 1u << 20 };
	struct cadre_error err = CADRE_ERROR_INIT;

	memset(node, 0, sizeof *node);
	test_make_dir(node->dir, sizeof node->dir);
	snprintf(node->data, sizeof node->data, "%s/data", node->dir);
	snprintf(node->log_dir, sizeof node->log_dir, "%s/log", node->data);
	init.dir = node->data;
	assert_ok(cadre_store_init(cadre_env_real(), &init, &err));
	node->options.env = cadre_env_real();
	node->options.log_dir = node->log_dir;
	node->options.address = "tcp://127.0.0.1:0";
}

void rpc_node_start(struct rpc_node *node)
{
	struct cadre_store_options options = { .dir = node->data,
		                               .follower = node->follower,
		                               .segment_bytes = 1u << 20,
		                               .map_bytes = 1u << 30,
		                               .no_snapshots = true };
	struct cadre_store_watch watch;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(cadre_store_open(cadre_env_real(), &options, &node->store, &err));
	node->options.page = cadre_store_control_page(node->store);
	if (!node->follower)
		assert_ok(cadre_blobs_open(cadre_env_real(), node->data, NULL,
		                           &node->blobs, &err));
	node->options.blobs = node->blobs;
	if (node->address[0])
		node->options.address = node->address;
	assert_ok(cadre_rpc_create(&node->options, &node->server, &err));
	watch = cadre_rpc_watch(node->server);
	cadre_store_watch(node->store, &watch);
	assert_ok(cadre_store_thread_start(node->store, NULL, NULL, &node->thread, &err));
	assert_ok(cadre_rpc_listen(node->server, node->thread, &err));
	snprintf(node->address, sizeof node->address, "tcp://127.0.0.1:%u",
	         (unsigned)cadre_rpc_address(node->server)->port);
}

void rpc_node_stop(struct rpc_node *node)
{
	cadre_rpc_stop(node->server);
	cadre_store_thread_stop(node->thread);
	if (node->store)
		cadre_store_watch(node->store, NULL);
	cadre_rpc_destroy(&node->server);
	cadre_blobs_close(&node->blobs);
	cadre_store_close(node->store);
	node->thread = NULL;
	node->store = NULL;
}

void rpc_node_remove(struct rpc_node *node)
{
	rpc_node_stop(node);
	test_remove_dir(node->dir);
}

void rpc_node_wait_parked(struct rpc_node *node, unsigned count)
{
	struct cadre_metrics *metrics = cadre_rpc_metrics(node->server);

	while (cadre_metric_value(metrics, METRIC_PARKED) != count)
		(void)sched_yield();
}

struct cadre_client *rpc_client_with(const struct cadre_client_options *options)
{
	struct cadre_client *client = NULL;
	char message[512];

	if (cadre_client_open(options, &client, message, sizeof message) != 0)
		fail_msg("client: %s", message);
	return client;
}

struct cadre_client *rpc_client(const struct rpc_node *node, const char *address)
{
	const char *addresses[] = { address ? address : node->address };
	const struct cadre_client_options options = {
		.addresses = addresses,
		.address_count = 1,
		.compartment = RPC_COMPARTMENT,
		.timeout_ms = 20000,
	};

	return rpc_client_with(&options);
}
