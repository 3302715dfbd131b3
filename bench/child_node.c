/* The roles `leader` and `follower`: nodes as cadred runs them, without workers. */
#include <stdio.h>

#include "bench/child.h"
#include "bench/drive.h"
#include "replica/node/node.h"

static void add_address(char *text, size_t capacity, const struct cadre_node *node,
                        enum cadre_node_socket socket)
{
	const struct cadre_address *address = cadre_node_address(node, socket);
	size_t length = strlen(text);

	if (address)
		(void)snprintf(text + length, capacity - length, "%stcp://127.0.0.1:%u",
		               length > 0 ? " " : "", (unsigned)address->port);
}

int bench_node_child(const char *dir, const char *join)
{
	const struct cadre_node_options options = {
		.dir = dir,
		.role = join ? CADRE_NODE_FOLLOWER : CADRE_NODE_LEADER,
		.listen = "tcp://127.0.0.1:0",
		.replication_listen = "tcp://127.0.0.1:0",
		.join = join,
		.name = join ? "follower" : "leader",
		.segment_bytes = bench_segment_bytes,
	};
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_node *node;
	char addresses[160] = "";

	if (cadre_node_start(cadre_env_real(), &options, &node, &err) != CADRE_OK) {
		fprintf(stderr, "cadre-bench --child: %s\n", err.message);
		return 1;
	}
	add_address(addresses, sizeof addresses, node, CADRE_NODE_RPC);
	add_address(addresses, sizeof addresses, node, CADRE_NODE_REPLICATION);
	bench_child_serve(addresses);
	cadre_node_stop(&node);
	return 0;
}
