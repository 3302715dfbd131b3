/* One request to a worker and its answer. */
#ifndef CADRE_AGENT_WORKER_CALL_H
#define CADRE_AGENT_WORKER_CALL_H

#include "replica/agent/worker_process.h"
#include "replica/agent/worker_wire.h"

struct worker_link; /* the nng socket to one worker */

struct cadre_worker_client {
	struct worker_process process;
	char *address;
	struct worker_link *link;
};

CADRE_MUST_CHECK enum cadre_status worker_link_open(const char *address,
                                                    struct worker_link **ret_link,
                                                    struct cadre_error *err);
/* No call may be under way. Takes NULL. */
void worker_link_close(struct worker_link *link);

/*
 * Sends the request and waits until the answer is there, the worker is dead or
 * `deadline_ms` have passed. When the connection breaks the request is sent again on the
 * next one; but an Infer, which would run twice, fails.
 * Ownership: `*ret_answer` lives in `arena`.
 * Errors: those above cadre_worker_hello(); an answer that says a failure is one.
 */
CADRE_MUST_CHECK enum cadre_status
worker_call(struct cadre_worker_client *client, const Cadre__V1__WorkerRequest *request,
            uint32_t deadline_ms, struct cadre_arena *arena,
            const Cadre__V1__WorkerAnswer **ret_answer, struct cadre_error *err);

#endif
