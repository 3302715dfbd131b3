/* The simulated machine's state, shared by its files. */
#ifndef CADRE_ENV_SIM_MACHINE_H
#define CADRE_ENV_SIM_MACHINE_H

#include "engine/env/sim.h"
#include "engine/env/sim_disk.h"

struct cadre_env_sim {
	struct cadre_env env; /* first: cast from struct cadre_env */
	struct sim_disk disk;
	uint64_t random_state;
	uint64_t generation; /* raised by a crash: older open files are dead */
	uint64_t operations;
	struct cadre_env_sim_failure failure;
	uint64_t failure_seen; /* operations of its kinds since it was set */
	bool failed;
	cadre_time_ms wall_ms;
	uint64_t mono_ns;
	char boot_id[40];
};

extern const struct cadre_env_ops sim_env_ops;

/* `ctx`: a struct cadre_env_sim. 63 random bits. */
uint64_t sim_random_next(void *ctx);

#endif
