#include "tests/crash/cluster/load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/crash/cluster/insist.h"
#include "tests/crash/cluster/wait.h"

struct client {
	struct load *load;
	unsigned number;
	struct insist insist;
	pthread_t thread;
	uint64_t next;
	char history[256]; /* its OCID */
	struct load_ack *fresh;
	size_t fresh_count;
	bool waiting; /* the load's lock */
};

struct load {
	struct client clients[LOAD_CLIENTS];
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool running; /* lock */
	atomic_bool stopping;
	atomic_bool wrong;
	atomic_uint acknowledged;
};

void load_history(unsigned client, char text[LOAD_TEXT_BYTES])
{
	(void)snprintf(text, LOAD_TEXT_BYTES, "crash-history-%u", client);
}

void load_token(unsigned client, uint64_t n, char text[LOAD_TEXT_BYTES])
{
	(void)snprintf(text, LOAD_TEXT_BYTES, "crash-%u-%llu", client,
	               (unsigned long long)n);
}

void load_model(unsigned client, uint64_t n, char text[LOAD_TEXT_BYTES])
{
	(void)snprintf(text, LOAD_TEXT_BYTES, "crash-%u-model-%llu", client,
	               (unsigned long long)n);
}

void load_key(uint64_t n, char text[LOAD_TEXT_BYTES])
{
	(void)snprintf(text, LOAD_TEXT_BYTES, "k%llu", (unsigned long long)n);
}

/* ---- a client ---- */

static Cadre__V1__Op *first_batch(struct client *client, struct rpc_ops *ops)
{
	char name[LOAD_TEXT_BYTES];
	Cadre__V1__Command *commands[2];

	load_history(client->number, name);
	commands[0] = rpc_create_group(
	        ops, name, rpc_text(ops, "crash-%u-model-", client->number), 0, 1);
	commands[1] = rpc_create_history(ops, name, "$0");
	return rpc_op_batch(ops, commands, 2);
}

static Cadre__V1__Op *next_patch(struct client *client, struct rpc_ops *ops)
{
	char key[LOAD_TEXT_BYTES];
	char model[LOAD_TEXT_BYTES];
	char old[LOAD_TEXT_BYTES];
	bool full = client->next >= LOAD_WINDOW;
	Cadre__V1__Command *command;

	load_key(client->next, key);
	load_model(client->number, client->next, model);
	if (full)
		load_model(client->number, client->next - LOAD_WINDOW, old);
	command = rpc_patch(ops, client->history, key, model, full ? old : NULL);
	return rpc_op_batch(ops, &command, 1);
}

/* The OCID of its history, by name. */
static bool find_history(struct client *client, struct rpc_ops *ops)
{
	struct cadre_client_answer *answer;
	char name[LOAD_TEXT_BYTES];
	const Cadre__V1__Op *op;

	load_history(client->number, name);
	op = rpc_op_get(ops, name, false);
	if (cadre_client_call(client->insist.client, &op, 1, NULL, &answer) ==
	    CADRE_CLIENT_DONE)
		(void)snprintf(client->history, sizeof client->history, "%s",
		               cadre_client_answer_response(answer)
		                       ->results[0]
		                       ->resource->resource->ocid);
	cadre_client_answer_free(answer);
	return client->history[0] != '\0';
}

static bool do_command(struct client *client)
{
	char token[LOAD_TEXT_BYTES];
	struct insist_result result = { 0 };
	struct rpc_ops ops;
	Cadre__V1__Op *op;
	bool done;

	rpc_ops_init(&ops);
	load_token(client->number, client->next, token);
	op = client->next == 0 ? first_batch(client, &ops) : next_patch(client, &ops);
	op->batch->retry_token = token;
	done = insist_on(&client->insist, op, &result);
	while (done && client->next == 0 && !find_history(client, &ops))
		wait_turn();
	rpc_ops_fini(&ops);
	if (!done)
		return false;
	if (client->fresh_count < LOAD_FRESH_MAX) {
		struct load_ack *ack = &client->fresh[client->fresh_count++];
		*ack = (struct load_ack){ .n = client->next, .seq = result.seq };
		(void)snprintf(ack->id, sizeof ack->id, "%s", result.id);
	}
	client->next++;
	atomic_fetch_add(&client->load->acknowledged, 1);
	return true;
}

/* False when it is to end. */
static bool may_go_on(struct client *client)
{
	struct load *load = client->load;

	pthread_mutex_lock(&load->lock);
	while (!load->running && !atomic_load(&load->stopping)) {
		client->waiting = true;
		pthread_cond_broadcast(&load->changed);
		pthread_cond_wait(&load->changed, &load->lock);
	}
	client->waiting = false;
	pthread_mutex_unlock(&load->lock);
	return !atomic_load(&load->stopping);
}

static void *run(void *ctx)
{
	struct client *client = ctx;

	while (may_go_on(client)) {
		if (!do_command(client) && client->insist.wrong[0]) {
			atomic_store(&client->load->wrong, true);
			return NULL;
		}
		/* Leaves room for what else goes on: it is order that counts here, and
		 * how long a log gets. */
		wait_turn();
	}
	return NULL;
}

/* ---- all of them ---- */

struct load *load_start(struct cluster *cluster)
{
	struct load *load = calloc(1, sizeof *load);

	assert_non_null(load);
	assert_int_equal(pthread_mutex_init(&load->lock, NULL), 0);
	assert_int_equal(pthread_cond_init(&load->changed, NULL), 0);
	for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
		struct client *client = &load->clients[i];
		const char *leader = cluster->addresses[LINK_RPC];
		const char *follower = cluster->addresses[LINK_COPY];
		bool astray = i % 3 == 2;
		client->load = load;
		client->number = i;
		client->fresh = calloc(LOAD_FRESH_MAX, sizeof *client->fresh);
		assert_non_null(client->fresh);
		/* Short: what hangs becomes UNKNOWN. */
		client->insist.client = cluster_client(astray ? follower : leader,
		                                       astray ? leader : NULL, 1000);
		client->insist.stopping = &load->stopping;
		assert_int_equal(pthread_create(&client->thread, NULL, run, client), 0);
	}
	return load;
}

void load_stop(struct load *load)
{
	if (!load)
		return;
	pthread_mutex_lock(&load->lock);
	atomic_store(&load->stopping, true);
	pthread_cond_broadcast(&load->changed);
	pthread_mutex_unlock(&load->lock);
	for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
		(void)pthread_join(load->clients[i].thread, NULL);
		cadre_client_close(load->clients[i].insist.client);
		free(load->clients[i].fresh);
	}
	(void)pthread_cond_destroy(&load->changed);
	(void)pthread_mutex_destroy(&load->lock);
	free(load);
}

void load_run(struct load *load)
{
	pthread_mutex_lock(&load->lock);
	for (unsigned i = 0; i < LOAD_CLIENTS; i++)
		load->clients[i].fresh_count = 0;
	load->running = true;
	pthread_cond_broadcast(&load->changed);
	pthread_mutex_unlock(&load->lock);
}

static bool all_wait(struct load *load)
{
	bool all = true;

	pthread_mutex_lock(&load->lock);
	load->running = false;
	for (unsigned i = 0; i < LOAD_CLIENTS; i++)
		all = all && load->clients[i].waiting;
	pthread_mutex_unlock(&load->lock);
	return all;
}

void load_pause(struct load *load)
{
	uint64_t since = 0;

	while (!all_wait(load)) {
		load_check(load);
		wait_for(&since, WAIT_S, "the load to settle");
	}
	load_check(load);
}

void load_wait(struct load *load, unsigned count)
{
	unsigned before = atomic_load(&load->acknowledged);
	uint64_t since = 0;

	while (atomic_load(&load->acknowledged) - before < count) {
		load_check(load);
		wait_for(&since, WAIT_S, "commands to be acknowledged");
	}
}

void load_check(struct load *load)
{
	if (!atomic_load(&load->wrong))
		return;
	for (unsigned i = 0; i < LOAD_CLIENTS; i++)
		if (load->clients[i].insist.wrong[0])
			fail_msg("%s", load->clients[i].insist.wrong);
}

uint64_t load_total(struct load *load)
{
	return atomic_load(&load->acknowledged);
}

uint64_t load_unknown(struct load *load, uint64_t *ret_settled)
{
	uint64_t unknown = 0;

	*ret_settled = 0;
	for (unsigned i = 0; i < LOAD_CLIENTS; i++) {
		unknown += load->clients[i].insist.unknown;
		*ret_settled += load->clients[i].insist.settled;
	}
	return unknown;
}

const struct load_ack *load_fresh(const struct load *load, unsigned client,
                                  size_t *ret_count, uint64_t *ret_done)
{
	const struct client *of = &load->clients[client];

	*ret_count = of->fresh_count;
	*ret_done = of->next;
	return of->fresh;
}
