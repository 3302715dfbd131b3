/*
 * A slot makes a call, starts it, and goes on from the callback of its answer, until
 * the round's calls are used up.
 */
#include "bench/rpc_load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"
#include "engine/base/assert.h"

#define SLOT_ARENA_BYTES (16u << 20)
#define TIMEOUT_MS 30000u

struct slot {
	struct bench_rpc_load *load;
	unsigned number;
	struct cadre_client *client;
	struct cadre_arena arena;
	uint64_t asked_ns;
	struct bench_histogram latency;
};

struct bench_rpc_load {
	struct bench_rpc_options options;
	struct cadre_client **clients;
	struct slot *slots;
	atomic_ullong left; /* calls to make */
	pthread_mutex_t lock;
	pthread_cond_t done;
	unsigned running;           /* lock; slots */
	struct cadre_error failure; /* lock; of the first that failed */
};

static void end_slot(struct slot *slot, const struct cadre_error *failure)
{
	struct bench_rpc_load *load = slot->load;

	pthread_mutex_lock(&load->lock);
	if (failure) {
		atomic_store(&load->left, 0);
		if (load->failure.status == CADRE_OK)
			load->failure = *failure;
	}
	if (--load->running == 0)
		pthread_cond_signal(&load->done);
	pthread_mutex_unlock(&load->lock);
}

static bool take_one(atomic_ullong *left)
{
	unsigned long long seen = atomic_load(left);

	while (seen > 0)
		if (atomic_compare_exchange_weak(left, &seen, seen - 1))
			return true;
	return false;
}

static void answered(void *ctx, struct cadre_client_answer *answer);

static void ask(struct slot *slot)
{
	struct bench_rpc_load *load = slot->load;
	const struct bench_rpc_options *options = &load->options;
	const struct cadre_client_call_options call = { .ack_local = options->local };
	struct cadre_error err = CADRE_ERROR_INIT;
	const Cadre__V1__Op **ops = NULL;
	size_t count = 0;
	enum cadre_status status;

	if (!take_one(&load->left)) {
		end_slot(slot, NULL);
		return;
	}
	cadre_arena_reset(&slot->arena);
	status = options->make(options->ctx, slot->number, &slot->arena, &ops, &count);
	slot->asked_ns = bench_now_ns();
	if (status == CADRE_OK &&
	    cadre_client_start(slot->client, ops, count, &call, answered, slot) == 0)
		return;
	(void)cadre_error_set(&err, status == CADRE_OK ? CADRE_OUT_OF_MEMORY : status,
	                      "a call could not be made");
	end_slot(slot, &err);
}

static void answered(void *ctx, struct cadre_client_answer *answer)
{
	struct slot *slot = ctx;
	const struct bench_rpc_options *options = &slot->load->options;
	struct cadre_error err = CADRE_ERROR_INIT;

	bench_histogram_add(&slot->latency, bench_now_ns() - slot->asked_ns);
	if (cadre_client_answer_outcome(answer) != CADRE_CLIENT_DONE) {
		(void)cadre_error_set(
		        &err, (enum cadre_status)cadre_client_answer_status(answer),
		        "a call: %s", cadre_client_answer_message(answer));
		cadre_client_answer_free(answer);
		end_slot(slot, &err);
		return;
	}
	if (options->take)
		options->take(options->ctx, slot->number,
		              cadre_client_answer_response(answer));
	cadre_client_answer_free(answer);
	ask(slot);
}

static enum cadre_status open_clients(struct bench_rpc_load *load,
                                      struct cadre_error *err)
{
	const struct cadre_client_options options = { .addresses = &load->options.address,
		                                      .address_count = 1,
		                                      .timeout_ms = TIMEOUT_MS };
	char message[256];

	CADRE_ASSERT(load->options.clients > 0);
	for (unsigned i = 0; i < load->options.clients; i++)
		if (cadre_client_open(&options, &load->clients[i], message,
		                      sizeof message) != 0)
			return cadre_error_set(err, CADRE_UNAVAILABLE, "client: %s",
			                       message);
	for (unsigned i = 0; i < load->options.slots; i++) {
		struct slot *slot = &load->slots[i];
		slot->load = load;
		slot->number = i;
		slot->client = load->clients[i % load->options.clients];
		cadre_arena_init(&slot->arena, SLOT_ARENA_BYTES);
	}
	return CADRE_OK;
}

enum cadre_status bench_rpc_load_open(const struct bench_rpc_options *options,
                                      struct bench_rpc_load **ret_load,
                                      struct cadre_error *err)
{
	struct bench_rpc_load *load = calloc(1, sizeof *load);
	enum cadre_status status = CADRE_OK;

	*ret_load = NULL;
	if (load) {
		load->options = *options;
		load->clients = calloc(options->clients, sizeof *load->clients);
		load->slots = calloc(options->slots, sizeof *load->slots);
		pthread_mutex_init(&load->lock, NULL);
		pthread_cond_init(&load->done, NULL);
	}
	if (!load || !load->clients || !load->slots)
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                         "calls: out of memory");
	if (status == CADRE_OK)
		status = open_clients(load, err);
	if (status != CADRE_OK) {
		bench_rpc_load_close(load);
		return status;
	}
	*ret_load = load;
	return CADRE_OK;
}

enum cadre_status bench_rpc_load_run(struct bench_rpc_load *load, uint64_t calls,
                                     struct bench_histogram *latency,
                                     struct cadre_error *err)
{
	unsigned slots = load->options.slots;

	memset(&load->failure, 0, sizeof load->failure);
	atomic_store(&load->left, calls);
	load->running = slots;
	for (unsigned i = 0; i < slots; i++) {
		memset(&load->slots[i].latency, 0, sizeof load->slots[i].latency);
		ask(&load->slots[i]);
	}
	pthread_mutex_lock(&load->lock);
	while (load->running > 0)
		pthread_cond_wait(&load->done, &load->lock);
	pthread_mutex_unlock(&load->lock);
	for (unsigned i = 0; latency && i < slots; i++)
		bench_histogram_merge(latency, &load->slots[i].latency);
	if (load->failure.status != CADRE_OK)
		return cadre_error_set(err, load->failure.status, "%s",
		                       load->failure.message);
	return CADRE_OK;
}

void bench_rpc_load_close(struct bench_rpc_load *load)
{
	if (!load)
		return;
	for (unsigned i = 0; load->clients && i < load->options.clients; i++)
		cadre_client_close(load->clients[i]);
	for (unsigned i = 0; load->slots && i < load->options.slots; i++)
		cadre_arena_fini(&load->slots[i].arena);
	pthread_cond_destroy(&load->done);
	pthread_mutex_destroy(&load->lock);
	free(load->clients);
	free(load->slots);
	free(load);
}
