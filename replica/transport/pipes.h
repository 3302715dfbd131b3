/*
 * The connections of a listener: how many there are, and how many replies each has
 * waiting.
 *
 * Internal to replica/transport.
 * Threads: the caller's lock.
 */
#ifndef CADRE_TRANSPORT_PIPES_H
#define CADRE_TRANSPORT_PIPES_H

#include "engine/base/status.h"
#include "engine/base/types.h"

struct cadre_pipe {
	uint32_t id;     /* nng's, 0: free */
	unsigned queued; /* replies given to nng and not taken yet */
};

/* Open addressing; at most half full. */
struct cadre_pipes {
	struct cadre_pipe *slots;
	unsigned mask;
	unsigned count;
	unsigned count_max;
};

CADRE_MUST_CHECK enum cadre_status
cadre_pipes_init(struct cadre_pipes *pipes, unsigned count_max, struct cadre_error *err);
void cadre_pipes_fini(struct cadre_pipes *pipes);
/* False when there are `count_max` already. */
bool cadre_pipes_add(struct cadre_pipes *pipes, uint32_t id);
void cadre_pipes_remove(struct cadre_pipes *pipes, uint32_t id);
/* NULL when it is gone. */
struct cadre_pipe *cadre_pipes_find(struct cadre_pipes *pipes, uint32_t id);

#endif
