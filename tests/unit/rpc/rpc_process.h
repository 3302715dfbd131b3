/* A node as a process of its own, to be killed and watched. */
#ifndef TESTS_UNIT_RPC_RPC_PROCESS_H
#define TESTS_UNIT_RPC_RPC_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rpc_process {
	pid_t pid;
	int in;
	unsigned port;
};

/* Starts `program` (node_main.c) on a data directory; serves on return. Port 0: any. */
void rpc_process_start(struct rpc_process *process, const char *program, const char *dir,
                       unsigned port);
/* Kills it, or asks it to end; waits. */
void rpc_process_end(struct rpc_process *process, bool by_kill);
/* Anonymous memory that is resident, in bytes. */
uint64_t rpc_process_memory(pid_t pid);

#endif
