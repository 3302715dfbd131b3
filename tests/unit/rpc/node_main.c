/* A node as a process, to be killed: `rpc_node DIR PORT`. Prints its port and serves
 * until standard input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "replica/rpc/server.h"

static int failed(const char *what, const struct cadre_error *err)
{
	fprintf(stderr, "%s: %s\n", what, err->message);
	return 1;
}

static int serve(struct cadre_store *store, struct cadre_rpc_server *server)
{
	struct cadre_store_watch watch = cadre_rpc_watch(server);
	struct cadre_store_thread *thread;
	struct cadre_error err = CADRE_ERROR_INIT;
	char byte;

	cadre_store_watch(store, &watch);
	if (cadre_store_thread_start(store, NULL, NULL, &thread, &err) != CADRE_OK)
		return failed("thread", &err);
	if (cadre_rpc_listen(server, thread, &err) != CADRE_OK)
		return failed("listen", &err);
	printf("%u\n", (unsigned)cadre_rpc_address(server)->port);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	cadre_rpc_stop(server);
	cadre_store_thread_stop(thread);
	cadre_store_watch(store, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	struct cadre_store_options options = { .map_bytes = 1u << 30,
		                               .segment_bytes = 1u << 20,
		                               .no_snapshots = true };
	struct cadre_rpc_options rpc = { .env = cadre_env_real() };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_rpc_server *server;
	struct cadre_store *store;
	char address[64];
	int rc;

	if (argc != 3)
		return 2;
	options.dir = argv[1];
	snprintf(address, sizeof address, "tcp://127.0.0.1:%s", argv[2]);
	rpc.address = address;
	if (cadre_store_open(cadre_env_real(), &options, &store, &err) != CADRE_OK)
		return failed("open", &err);
	if (cadre_blobs_open(rpc.env, options.dir, NULL, &rpc.blobs, &err) != CADRE_OK)
		return failed("blobs", &err);
	rpc.page = cadre_store_control_page(store);
	if (cadre_rpc_create(&rpc, &server, &err) != CADRE_OK)
		return failed("create", &err);
	rc = serve(store, server);
	cadre_rpc_destroy(&server);
	cadre_blobs_close(&rpc.blobs);
	cadre_store_close(store);
	return rc;
}
