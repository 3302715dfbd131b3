/* The machine around a measurement: what disturbed it, and what it is. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_DIRTY_BYTES_MAX (8u << 20)

uint64_t bench_now_ns(void);
/* Processor time of all threads. */
uint64_t bench_cpu_ns(void);

/* Processor time of another process and its children that still run; 0 for 0. */
uint64_t bench_process_cpu_ns(int pid);

/* Counters that only rise, but for `dirty_bytes`. */
struct bench_machine {
	uint64_t major_faults; /* of this process */
	uint64_t steal_ns;     /* of all cores: taken by the host */
	uint64_t wait_ns;      /* runnable without a core, this thread */
	uint64_t dirty_bytes;  /* Dirty and Writeback */
};
struct bench_machine bench_machine_now(void);

/* Syncs the file system of `dir` and waits until at most BENCH_DIRTY_BYTES_MAX
 * wait to be written, `limit_ms` at the longest; 0: does nothing. */
void bench_machine_settle(const char *dir, unsigned limit_ms);

struct bench_hardware {
	char cpu[128];
	char system[128];
	char file_system[32];
	unsigned cores;
	uint64_t memory_bytes;
};
void bench_hardware_read(const char *dir, struct bench_hardware *hardware);

/* Anonymous memory of a process; 0: unknown. */
uint64_t bench_private_bytes(int pid);

#endif
