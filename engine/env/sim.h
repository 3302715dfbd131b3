/*
 * A machine in memory for tests. Its disk tells what was written from what would
 * survive power loss:
 *   - content: cadre_env_sim_crash() keeps or loses each unsynced 512-byte sector
 *     by itself, at random; synced sectors stay;
 *   - names: creations, renames and removals are lost from the newest back to a
 *     random one of those after the last sync_dir() of their directory (the order
 *     within a directory holds, as on a journaling file system);
 *   - a failed datasync() marks the sectors clean as Linux does: a later datasync()
 *     succeeds without writing them.
 * One seed gives one run.
 *
 * Threads: one thread at a time.
 */
#ifndef CADRE_ENV_SIM_H
#define CADRE_ENV_SIM_H

#include "engine/env/env.h"

struct cadre_env_sim;

/* NULL when out of memory. Clocks start at 1,000,000 ms and 1 s. */
struct cadre_env_sim *cadre_env_sim_create(uint64_t seed);
/* Takes NULL. Every file must be closed. */
void cadre_env_sim_destroy(struct cadre_env_sim *sim);
struct cadre_env *cadre_env_sim_env(struct cadre_env_sim *sim);

/* Power loss now. Open files answer CADRE_IO_ERROR from here on and must still be
 * closed; locks are gone; failures set below are off; the boot id changes. */
void cadre_env_sim_crash(struct cadre_env_sim *sim, uint64_t seed);
/* The process dies, the machine lives: as above, but nothing is lost and the boot
 * id stays. */
void cadre_env_sim_kill(struct cadre_env_sim *sim);

/* Operations that count: open, pread, pwrite, datasync, truncate, size, rename,
 * remove, mkdir, list, sync_dir, map, lock. */
enum cadre_env_sim_kind {
	CADRE_ENV_SIM_OPEN = 1 << 0,
	CADRE_ENV_SIM_READ = 1 << 1,  /* pread, size, list, map */
	CADRE_ENV_SIM_WRITE = 1 << 2, /* pwrite, truncate */
	CADRE_ENV_SIM_SYNC = 1 << 3,  /* datasync, sync_dir */
	CADRE_ENV_SIM_NAME = 1 << 4,  /* rename, remove, mkdir, lock */
	CADRE_ENV_SIM_ALL = (1 << 5) - 1
};
struct cadre_env_sim_failure {
	uint64_t nth;   /* of the operations of `kinds` from now on, first is 1; 0: off */
	unsigned kinds; /* 0: all */
	int errno_value; /* EIO, ENOSPC, … */
	bool sticky;     /* every later operation of `kinds` fails too */
};
/* A failing pwrite writes a part of its sectors. Starts counting anew. */
void cadre_env_sim_fail(struct cadre_env_sim *sim,
                        const struct cadre_env_sim_failure *failure);
/* Whether the failure set last has happened. */
bool cadre_env_sim_failed(const struct cadre_env_sim *sim);
/* All operations since creation. */
uint64_t cadre_env_sim_operations(const struct cadre_env_sim *sim);

/* Bytes of all files together; growing a file beyond gives ENOSPC. Starts at 16
 * GiB; may be raised and lowered at any time. */
void cadre_env_sim_set_capacity(struct cadre_env_sim *sim, uint64_t bytes);
uint64_t cadre_env_sim_used(const struct cadre_env_sim *sim);

/* Flips one bit of a file, durably. CADRE_NOT_FOUND when there is no such byte. */
CADRE_MUST_CHECK enum cadre_status cadre_env_sim_flip(struct cadre_env_sim *sim,
                                                      const char *path, uint64_t offset,
                                                      unsigned bit);

/* Clocks and boot id, from now on. */
void cadre_env_sim_set_wall_ms(struct cadre_env_sim *sim, cadre_time_ms wall_ms);
void cadre_env_sim_set_mono_ns(struct cadre_env_sim *sim, uint64_t mono_ns);
/* Both clocks. */
void cadre_env_sim_advance_ms(struct cadre_env_sim *sim, uint64_t ms);
/* At most 39 characters. */
void cadre_env_sim_set_boot_id(struct cadre_env_sim *sim, const char *boot_id);

#endif
