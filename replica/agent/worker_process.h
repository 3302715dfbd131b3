/* A worker's process: started in a private directory, watched, ended by its own id. */
#ifndef CADRE_AGENT_WORKER_PROCESS_H
#define CADRE_AGENT_WORKER_PROCESS_H

#include <pthread.h>

#include "replica/agent/worker_client.h"

/* Zeros but `pidfd` -1: no process. */
struct worker_process {
	pid_t pid; /* 0 once reaped */
	int pidfd; /* readable once dead */
	char *dir;
	char *address;
	char death[96];       /* "ended with status 1"; empty while alive */
	pthread_mutex_t lock; /* pid, death */
};

CADRE_MUST_CHECK enum cadre_status
worker_process_start(const struct cadre_worker_program *program,
                     struct worker_process *process, struct cadre_error *err);
/* Reaps it when it is dead. Threads: any. */
bool worker_process_alive(struct worker_process *process, struct cadre_error *ret_err);
/* Waits for its death, at most `wait_ms`. */
bool worker_process_died(struct worker_process *process, int wait_ms);
/* Frees everything but the lock. */
void worker_process_stop(struct worker_process *process, uint32_t grace_ms);

#endif
