#include "tests/unit/replication/cluster.h"

#include <sched.h>
#include <stdio.h>

#define DEADLINE_MS 60000u
#define COMMANDS 200u

static uint64_t now_ms(void)
{
	struct cadre_env *env = cadre_env_real();

	return env->ops->mono_ns(env) / 1000000;
}

void cluster_tick(uint64_t *io_until)
{
	if (*io_until == 0)
		*io_until = now_ms() + DEADLINE_MS;
	if (now_ms() > *io_until)
		fail_msg("nothing came of it in %u s", DEADLINE_MS / 1000);
	(void)sched_yield();
}

static void common_options(struct cluster_node *node, enum cadre_node_role role)
{
	node->options.dir = node->dir;
	node->options.role = role;
	node->options.listen = "tcp://127.0.0.1:0";
	node->options.replication_listen = "tcp://127.0.0.1:0";
	node->options.name = role == CADRE_NODE_LEADER ? "leader" : "follower";
	node->options.segment_bytes = 4u << 20;
	node->options.map_bytes = (uint64_t)1 << 30;
	node->options.fetch_wait_ms = CLUSTER_FETCH_WAIT_MS;
	node->options.answer_ms = CLUSTER_ANSWER_MS;
}

void cluster_init_leader(struct cluster_node *node, const char *dir, const char *name)
{
	struct cadre_init_options init = { .dir = dir,
		                           .cluster_name = name,
		                           .segment_bytes = 4u << 20 };
	struct cadre_error err = CADRE_ERROR_INIT;

	memset(node, 0, sizeof *node);
	(void)snprintf(node->dir, sizeof node->dir, "%s", dir);
	assert_ok(cadre_store_init(cadre_env_real(), &init, &err));
	common_options(node, CADRE_NODE_LEADER);
}

void cluster_make(struct cluster *cluster)
{
	char dir[300];

	memset(cluster, 0, sizeof *cluster);
	test_make_dir(cluster->dir, sizeof cluster->dir);
	rpc_ops_init(&cluster->ops);
	(void)snprintf(dir, sizeof dir, "%s/leader", cluster->dir);
	cluster_init_leader(&cluster->leader, dir, "test");
	for (unsigned i = 0; i < CLUSTER_FOLLOWERS; i++) {
		struct cluster_node *follower = &cluster->followers[i];

		(void)snprintf(follower->dir, sizeof follower->dir, "%s/follower%u",
		               cluster->dir, i);
		common_options(follower, CADRE_NODE_FOLLOWER);
	}
	cluster_start(&cluster->leader);
}

void cluster_remove(struct cluster *cluster)
{
	for (unsigned i = 0; i < CLUSTER_FOLLOWERS; i++)
		cluster_stop(&cluster->followers[i]);
	cluster_stop(&cluster->leader);
	rpc_ops_fini(&cluster->ops);
	test_remove_dir(cluster->dir);
}

static void keep_port(struct cluster_node *node, enum cadre_node_socket socket,
                      char text[64])
{
	const struct cadre_address *address = cadre_node_address(node->node, socket);

	if (address)
		(void)snprintf(text, 64, "tcp://127.0.0.1:%u", (unsigned)address->port);
}

void cluster_start(struct cluster_node *node)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	if (node->rpc[0])
		node->options.listen = node->rpc;
	if (node->replication[0])
		node->options.replication_listen = node->replication;
	assert_ok(cadre_node_start(cadre_env_real(), &node->options, &node->node, &err));
	keep_port(node, CADRE_NODE_RPC, node->rpc);
	keep_port(node, CADRE_NODE_REPLICATION, node->replication);
}

void cluster_stop(struct cluster_node *node)
{
	cadre_node_stop(&node->node);
}

void cluster_follow(struct cluster *cluster, struct cluster_node *follower)
{
	follower->options.join = cluster->leader.replication;
	cluster_start(follower);
}

struct cadre_client *cluster_client(const struct cluster_node *node)
{
	const char *addresses[] = { node->rpc };
	const struct cadre_client_options options = { .addresses = addresses,
		                                      .address_count = 1,
		                                      .compartment = "c",
		                                      .timeout_ms = 30000 };
	struct cadre_client *client = NULL;
	char message[512];

	if (cadre_client_open(&options, &client, message, sizeof message) != 0)
		fail_msg("client: %s", message);
	return client;
}

static void write_some(struct cluster *cluster, struct cadre_client *client,
                       unsigned count)
{
	Cadre__V1__Command *commands[COMMANDS];
	struct cadre_client_answer *answer;
	char name[32];

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(name, sizeof name, "g%u", cluster->made++);
		commands[i] = rpc_create_group(&cluster->ops, name, "m", 1, 1);
	}
	(void)rpc_done(client, rpc_op_batch(&cluster->ops, commands, count), &answer);
	cadre_client_answer_free(answer);
	cadre_arena_reset(&cluster->ops.arena);
}

cadre_seq cluster_write(struct cluster *cluster, unsigned count)
{
	struct cadre_client *client = cluster_client(&cluster->leader);
	struct cadre_store_status status;

	while (count > 0) {
		unsigned some = count < COMMANDS ? count : COMMANDS;

		write_some(cluster, client, some);
		count -= some;
	}
	cadre_client_close(client);
	cluster_positions(&cluster->leader, &status);
	return status.committed_seq;
}

void cluster_positions(struct cluster_node *node, struct cadre_store_status *ret_status)
{
	body_refresh(&node->node->body);
	body_status(&node->node->body, ret_status, NULL, NULL);
}

void cluster_wait_applied(struct cluster_node *node, cadre_seq seq)
{
	struct cadre_store_status status;
	uint64_t until = 0;

	for (;;) {
		body_status(&node->node->body, &status, NULL, NULL);
		if (status.view.applied_seq >= seq)
			return;
		cluster_tick(&until);
	}
}

static bool has_alarm(struct cadre_client *client, const char *text)
{
	struct rpc_ops ops;
	struct cadre_client_answer *answer;
	const Cadre__V1__StatusResult *status;
	bool found = false;

	rpc_ops_init(&ops);
	status = rpc_done(client, rpc_op_status(&ops), &answer)->node_status;
	for (size_t i = 0; i < status->n_alarms; i++)
		found |= strncmp(status->alarms[i], text, strlen(text)) == 0;
	cadre_client_answer_free(answer);
	rpc_ops_fini(&ops);
	return found;
}

void cluster_wait_alarm(struct cluster_node *node, const char *text, bool raised)
{
	struct cadre_client *client = cluster_client(node);
	uint64_t until = 0;

	while (has_alarm(client, text) != raised)
		cluster_tick(&until);
	cadre_client_close(client);
}

void cluster_assert_same(struct cluster *cluster, struct cluster_node *follower)
{
	struct cadre_store_status leader, other;
	uint64_t until = 0;

	/* The leader writes by itself too: it notes nodes that it met. */
	do {
		cluster_tick(&until);
		cluster_positions(&cluster->leader, &leader);
		cluster_positions(follower, &other);
	} while (other.view.applied_seq != leader.view.applied_seq ||
	         other.log.last_seq != leader.log.last_seq);
	assert_memory_equal(&other.view.chain, &leader.view.chain,
	                    sizeof leader.view.chain);
	assert_memory_equal(&other.view.digest, &leader.view.digest,
	                    sizeof leader.view.digest);
	assert_memory_equal(&other.log.chain, &leader.log.chain, sizeof leader.log.chain);
}
