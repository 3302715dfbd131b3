/*
 * What the outside is told about the node: whether it serves, why not, how far a
 * recovery is, and its metrics.
 *
 * Locks: `node_lock` is held while the node is asked, so that it is not stopped
 * meanwhile; `lock` is a leaf and guards the progress, which the node tells from
 * inside its own locks.
 * Threads: any, but init and fini.
 */
#ifndef CADRE_TOOLS_CADRED_HEALTH_H
#define CADRE_TOOLS_CADRED_HEALTH_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/metrics.h"
#include "replica/node/node.h"

enum cadred_phase { CADRED_STARTING, CADRED_SERVING, CADRED_STOPPING };

enum cadred_metric {
	CADRED_METRIC_READY,
	CADRED_METRIC_STARTED,
	CADRED_METRIC_PERCENT,
	CADRED_METRIC_RELOADS,
	CADRED_METRIC_RELOADS_REFUSED,
	CADRED_METRIC_REQUESTS,
	CADRED_METRIC_COUNT
};

/* Of what runs at the moment: recovery, rebuild, bootstrap. */
struct cadred_progress {
	uint64_t done, total; /* total 0: unknown */
	uint64_t first_done;  /* when it was first heard of */
	uint64_t first_ns, last_ns;
};

struct cadred_health {
	struct cadre_env *env;
	struct cadre_metrics *metrics;
	pthread_mutex_t node_lock;
	struct cadre_node *node; /* NULL while there is none to ask; node_lock */
	pthread_mutex_t lock;
	struct cadred_progress progress; /* lock */
	_Atomic int phase;               /* enum cadred_phase */
	atomic_bool stop_wanted;         /* a start gives up */
};

struct cadred_state {
	bool ready;
	enum cadred_phase phase;
	char reason[300];
	bool percent_known, left_known;
	double percent;
	uint64_t left_s;
};

CADRE_MUST_CHECK enum cadre_status cadred_health_init(struct cadred_health *health,
                                                      struct cadre_env *env,
                                                      struct cadre_error *err);
void cadred_health_fini(struct cadred_health *health);

/* A cadre_progress_fn; `ctx` is the health. CADRE_UNAVAILABLE once a stop is wanted. */
enum cadre_status cadred_health_progress(void *ctx, uint64_t done, uint64_t total);
/* The node may be asked from now on; NULL: no more, and nobody asks it any longer. */
void cadred_health_node(struct cadred_health *health, struct cadre_node *node);

void cadred_health_state(struct cadred_health *health, struct cadred_state *ret_state);
/* "starting: 43 %, about 12 s left" */
void cadred_state_text(const struct cadred_state *state, char *text, size_t capacity);
/* Prometheus text of daemon and node. CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadred_health_metrics(struct cadred_health *health,
                                                         struct cadre_buffer *out);

#endif
