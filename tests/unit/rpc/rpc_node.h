/* A data directory with a store, its loop and an RPC server in this process. */
#ifndef TESTS_UNIT_RPC_RPC_NODE_H
#define TESTS_UNIT_RPC_RPC_NODE_H

#include "replica/rpc/cadre_client.h"
#include "replica/rpc/server.h"
#include "tests/support/testing.h"

#define RPC_COMPARTMENT "c"

struct rpc_node {
	char dir[256];
	char data[280];
	char log_dir[300];
	char address[64]; /* "" until the first start; then always the same port */
	struct cadre_store *store;
	struct cadre_store_thread *thread;
	struct cadre_rpc_server *server;
	struct cadre_blobs *blobs;        /* of a leader */
	struct cadre_rpc_options options; /* changed between make and start */
	bool follower;
};

void rpc_node_make(struct rpc_node *node);
void rpc_node_start(struct rpc_node *node);
void rpc_node_stop(struct rpc_node *node);
void rpc_node_remove(struct rpc_node *node);

/* Until so many calls wait in the server. */
void rpc_node_wait_parked(struct rpc_node *node, unsigned count);

/* A client of `address`, of the node's when NULL. */
struct cadre_client *rpc_client(const struct rpc_node *node, const char *address);
struct cadre_client *rpc_client_with(const struct cadre_client_options *options);

#endif
