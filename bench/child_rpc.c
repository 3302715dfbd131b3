/* The role `rpc`: a store, its loop and the RPC server, as a node runs them. */
#include <stdio.h>
#include <string.h>

#include "bench/child.h"
#include "bench/drive.h"
#include "replica/rpc/server.h"

static enum cadre_status serve(struct cadre_store *store, struct cadre_rpc_server *server,
                               struct cadre_error *err)
{
	struct cadre_store_watch watch = cadre_rpc_watch(server);
	struct cadre_store_thread *thread;
	char address[CADRE_ADDRESS_BYTES];
	enum cadre_status status;

	cadre_store_watch(store, &watch);
	status = cadre_store_thread_start(store, NULL, NULL, &thread, err);
	if (status != CADRE_OK)
		return status;
	status = cadre_rpc_listen(server, thread, err);
	if (status == CADRE_OK) {
		cadre_address_format(cadre_rpc_address(server), address);
		bench_child_serve(address);
	}
	cadre_rpc_stop(server);
	cadre_store_thread_stop(thread);
	cadre_store_watch(store, NULL);
	return status;
}

int bench_rpc_child(const char *dir)
{
	struct cadre_store_options options = { .dir = dir,
		                               .segment_bytes = bench_segment_bytes,
		                               .no_snapshots = true };
	struct cadre_rpc_options rpc = { .env = cadre_env_real(),
		                         .address = "tcp://127.0.0.1:0" };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_rpc_server *server = NULL;
	struct cadre_store *store = NULL;
	char log_dir[BENCH_PATH_BYTES];
	enum cadre_status status = cadre_store_open(cadre_env_real(), &options, &store,
	                                            &err);

	bench_path(log_dir, dir, "log");
	rpc.log_dir = log_dir;
	if (status == CADRE_OK) {
		rpc.page = cadre_store_control_page(store);
		status = cadre_rpc_create(&rpc, &server, &err);
	}
	if (status == CADRE_OK)
		status = serve(store, server, &err);
	cadre_rpc_destroy(&server);
	cadre_store_close(store);
	if (status != CADRE_OK)
		fprintf(stderr, "cadre-bench --child rpc: %s\n", err.message);
	return status == CADRE_OK ? 0 : 1;
}
