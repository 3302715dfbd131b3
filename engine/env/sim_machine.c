#include "engine/env/sim_machine.h"

#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#define WALL_MS_START 1000000u
#define MONO_NS_START 1000000000u

/* xorshift64* */
uint64_t sim_random_next(void *ctx)
{
	struct cadre_env_sim *sim = ctx;
	uint64_t x = sim->random_state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	sim->random_state = x;
	return x * 0x2545F4914F6CDD1Du >> 1;
}

static void seed_random(struct cadre_env_sim *sim, uint64_t seed)
{
	sim->random_state = (seed + 1) * 0x9E3779B97F4A7C15u;
	if (sim->random_state == 0)
		sim->random_state = 1;
	for (int i = 0; i < 4; i++)
		sim_random_next(sim);
}

static void new_boot(struct cadre_env_sim *sim)
{
	unsigned long long high = sim_random_next(sim);
	unsigned long long low = sim_random_next(sim);

	snprintf(sim->boot_id, sizeof sim->boot_id, "%016llx-%016llx", high, low);
}

struct cadre_env_sim *cadre_env_sim_create(uint64_t seed)
{
	struct cadre_env_sim *sim = calloc(1, sizeof *sim);

	if (!sim)
		return NULL;
	sim->env.ops = &sim_env_ops;
	sim_disk_init(&sim->disk);
	sim->disk.random = sim_random_next;
	sim->disk.random_ctx = sim;
	seed_random(sim, seed);
	sim->wall_ms = WALL_MS_START;
	sim->mono_ns = MONO_NS_START;
	new_boot(sim);
	return sim;
}

void cadre_env_sim_destroy(struct cadre_env_sim *sim)
{
	if (!sim)
		return;
	sim_disk_fini(&sim->disk);
	free(sim);
}

struct cadre_env *cadre_env_sim_env(struct cadre_env_sim *sim)
{
	return &sim->env;
}

void cadre_env_sim_kill(struct cadre_env_sim *sim)
{
	sim->generation++;
	memset(&sim->failure, 0, sizeof sim->failure);
	for (struct sim_node *node = sim->disk.nodes; node; node = node->next)
		node->locked = false;
}

void cadre_env_sim_crash(struct cadre_env_sim *sim, uint64_t seed)
{
	cadre_env_sim_kill(sim);
	seed_random(sim, seed);
	sim_disk_crash(&sim->disk);
	new_boot(sim);
}

void cadre_env_sim_fail(struct cadre_env_sim *sim,
                        const struct cadre_env_sim_failure *failure)
{
	sim->failure = *failure;
	sim->failure_seen = 0;
	sim->failed = false;
}

bool cadre_env_sim_failed(const struct cadre_env_sim *sim)
{
	return sim->failed;
}

uint64_t cadre_env_sim_operations(const struct cadre_env_sim *sim)
{
	return sim->operations;
}

void cadre_env_sim_set_capacity(struct cadre_env_sim *sim, uint64_t bytes)
{
	sim->disk.limit_bytes = bytes;
}

uint64_t cadre_env_sim_used(const struct cadre_env_sim *sim)
{
	return sim_disk_used(&sim->disk);
}

enum cadre_status cadre_env_sim_flip(struct cadre_env_sim *sim, const char *path,
                                     uint64_t offset, unsigned bit)
{
	struct sim_node *node = sim_disk_find(&sim->disk, path);

	CADRE_ASSERT(bit < 8);
	if (!node || node->directory || offset >= node->size)
		return CADRE_NOT_FOUND;
	node->data[offset] = (uint8_t)(node->data[offset] ^ 1u << bit);
	node->durable[offset] = (uint8_t)(node->durable[offset] ^ 1u << bit);
	return CADRE_OK;
}

void cadre_env_sim_set_wall_ms(struct cadre_env_sim *sim, cadre_time_ms wall_ms)
{
	sim->wall_ms = wall_ms;
}

void cadre_env_sim_set_mono_ns(struct cadre_env_sim *sim, uint64_t mono_ns)
{
	sim->mono_ns = mono_ns;
}

void cadre_env_sim_advance_ms(struct cadre_env_sim *sim, uint64_t ms)
{
	sim->wall_ms += ms;
	sim->mono_ns += ms * 1000000u;
}

void cadre_env_sim_set_boot_id(struct cadre_env_sim *sim, const char *boot_id)
{
	snprintf(sim->boot_id, sizeof sim->boot_id, "%s", boot_id);
}
