/* Load for a daemon: `cadred_load ADDRESS` makes version histories, several at once,
 * until one is not acknowledged. Prints "under way" after the first hundred, and at the
 * end how many were acknowledged, and of how many it does not know. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/unit/rpc/rpc_ops.h"

enum { THREADS = 64, UNDER_WAY = 100 };

struct load {
	struct cadre_client *client;
	atomic_uint next;
	atomic_uint acknowledged;
	atomic_uint unknown;
	atomic_bool over;
};

static bool make_one(struct load *load)
{
	Cadre__V1__Command *command;
	struct rpc_ops ops;
	const Cadre__V1__Op *op;
	enum cadre_client_outcome outcome;

	rpc_ops_init(&ops);
	command = rpc_create_history(
	        &ops, rpc_text(&ops, "h%u", atomic_fetch_add(&load->next, 1)), NULL);
	op = rpc_op_batch(&ops, &command, 1);
	outcome = cadre_client_call(load->client, &op, 1, NULL, NULL);
	rpc_ops_fini(&ops);
	if (outcome == CADRE_CLIENT_UNKNOWN)
		atomic_fetch_add(&load->unknown, 1);
	return outcome == CADRE_CLIENT_DONE;
}

static void *run(void *ctx)
{
	struct load *load = ctx;

	while (!atomic_load(&load->over) && make_one(load)) {
		if (atomic_fetch_add(&load->acknowledged, 1) + 1 == UNDER_WAY) {
			puts("under way");
			fflush(stdout);
		}
	}
	atomic_store(&load->over, true);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *const addresses[] = { argc == 2 ? argv[1] : "" };
	const struct cadre_client_options options = { .addresses = addresses,
		                                      .address_count = 1,
		                                      .attempts_max = 1,
		                                      .timeout_ms = 2000 };
	struct load load = { 0 };
	pthread_t threads[THREADS];
	char message[300];

	if (argc != 2 ||
	    cadre_client_open(&options, &load.client, message, sizeof message) != 0)
		return 2;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, &load) != 0)
			return 2;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cadre_client_close(load.client);
	printf("%u %u\n", atomic_load(&load.acknowledged), atomic_load(&load.unknown));
	return 0;
}
