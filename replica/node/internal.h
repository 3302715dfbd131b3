/* The parts of a running node among themselves. */
#ifndef CADRE_NODE_INTERNAL_H
#define CADRE_NODE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/metrics.h"
#include "replica/node/agent_glue.h"
#include "replica/node/alarms.h"
#include "replica/node/body.h"
#include "replica/node/controller.h"
#include "replica/node/node.h"
#include "replica/node/puller.h"
#include "replica/node/remote.h"
#include "replica/node/reports.h"
#include "replica/node/source.h"
#include "replica/rpc/server.h"

/* A follower further behind than this is not ready. */
#define NODE_READY_LAG_MS 10000u
/* The leader counts as silent after this without a word: a Fetch is parked for 10 s. */
#define NODE_SILENT_MS 15000u
/* A wall clock further off than this raises an alarm: against the leader's, and against
 * its own past. */
#define NODE_CLOCK_OFF_MS 5000
#define NODE_CLOCK_STEP_MS 60000
/* The minder looks this often. */
#define NODE_MIND_MS 1000u

enum node_metric {
	NODE_METRIC_DURABLE_SEQ,
	NODE_METRIC_COMMITTED_SEQ,
	NODE_METRIC_APPLIED_SEQ,
	NODE_METRIC_LOG_BYTES,
	NODE_METRIC_SNAPSHOT_SEQ,
	NODE_METRIC_ALARMS,
	NODE_METRIC_FOLLOWERS,
	NODE_METRIC_LAG_EVENTS,
	NODE_METRIC_LAG_MS,
	NODE_METRIC_CONTACT_AGE_MS,
	NODE_METRIC_BOOTSTRAPS,
	NODE_METRIC_BOOTSTRAP_DONE,
	NODE_METRIC_BOOTSTRAP_TOTAL,
	NODE_METRIC_COUNT
};

struct cadre_node {
	struct cadre_env *env;
	struct cadre_node_options options; /* name and labels: lock */
	bool leader;
	char log_dir[1024];
	char snapshot_dir[1024];
	char rpc_address[CADRE_ADDRESS_BYTES]; /* as others reach it; lock */
	char predict_address[CADRE_ADDRESS_BYTES];
	struct body body;
	struct cadre_rpc_server *rpc;
	struct cadre_store_watch rpc_watch;
	struct cadre_metrics *metrics;
	bool joined; /* the loop's alone: controller and source are told */
	/* leader */
	struct cadre_blobs *blobs;
	struct cadre_reports *reports;
	struct cadre_controller *controller;
	struct cadre_source *source;
	/* follower */
	struct node_agent *agent; /* written on the loop */
	struct node_remote *remote;
	struct puller *puller; /* lock */

	pthread_t minder;
	bool minding;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;       /* lock */
	atomic_bool ending;  /* stop was called: long work gives up */
	atomic_bool exposed; /* in plain text, to other machines */
	atomic_bool clock_off;
	int64_t clock_offset_ms; /* wall minus boot-time clock, at the start */
	bool told_failed;        /* the minder's alone */
	const char *told_digest; /* the loop's alone: what the leader was last told */
};

uint64_t node_now_ms(const struct cadre_node *node);
#define NODE_SAY(node, level, event, ...)                                            \
	cadre_log_line((node)->options.sink, (node)->env->ops->wall_ms((node)->env), \
	               level, event, __VA_ARGS__)

/* node_leader.c, node_follower.c: everything but the store's options. */
CADRE_MUST_CHECK enum cadre_status node_leader_start(struct cadre_node *node,
                                                     struct cadre_error *err);
void node_leader_stop(struct cadre_node *node);
/* Makes the directory of a node that has none yet. */
CADRE_MUST_CHECK enum cadre_status node_follower_prepare(struct cadre_node *node,
                                                         struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status node_follower_start(struct cadre_node *node,
                                                       struct cadre_error *err);
/* The report changed. Threads: any. */
void node_follower_poke(struct cadre_node *node);
void node_follower_stop(struct cadre_node *node);
/* The source hears where the log stands; on the store's loop. */
void node_leader_position(struct cadre_node *node);
/* What this follower tells of itself; in `arena`. */
CADRE_MUST_CHECK enum cadre_status node_own_report(struct cadre_node *node,
                                                   struct cadre_arena *arena,
                                                   Cadre__V1__NodeReport **ret_report,
                                                   struct cadre_error *err);

/* bootstrap.c: for struct puller_options. */
CADRE_MUST_CHECK enum cadre_status node_bootstrap(void *ctx, struct cadre_link *link,
                                                  struct cadre_error *err);

/* The leader's RPC as others reach it, "" when not known. */
void node_leader_address(struct cadre_node *node, char text[CADRE_ADDRESS_BYTES]);

/* hooks.c */
void node_hooks(struct cadre_node *node, struct cadre_rpc_hooks *ret_hooks);

/* conditions.c */

/* Which alarms are raised, as a set of bits by enum cadre_alarm. */
uint32_t node_alarms(struct cadre_node *node, const struct cadre_store_status *store,
                     const struct puller_status *leader);
/* The puller's, or zeros on a leader. */
void node_leader_contact(struct cadre_node *node, struct puller_status *ret_status);
/* verified, unverified or diverged. */
const char *node_digest_state(const struct cadre_store_status *store);

/* minder.c: a look at the store every second, for what nobody is told of. */
CADRE_MUST_CHECK enum cadre_status node_minder_start(struct cadre_node *node,
                                                     struct cadre_error *err);
void node_minder_stop(struct cadre_node *node);

/* metrics.c */
CADRE_MUST_CHECK enum cadre_status node_metrics_make(struct cadre_node *node,
                                                     struct cadre_error *err);

#endif
