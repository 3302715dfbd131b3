/*
 * The node agent: makes the workers of this node match the views and says truthfully
 * how far they are. It goes on with the leader away.
 *
 * Normal sequence: applied() or a tick -> desired (deployments placed on this node,
 * from the views) -> plan (pure: desired against actual -> actions) -> artifacts,
 * load, unload on the agent's own threads -> report() changes -> the leader appends
 * CUTOVER -> applied() -> the deployment's route here is the new generation's.
 * What a deployment answers with is a table in memory: predictions never touch the
 * views, and go on while these are rebuilt or replaced.
 *
 * A model is known to a worker as `<unique part of its OCID>@<12 hex of its SHA-256>`,
 * with `+<8 hex>` behind it where it has a base or parameters, never by its inference
 * key: a cut-over changes a route, nothing is reloaded. Members that are one model with
 * one content are loaded once for all groups.
 *
 * The route of a deployment is the views' serving generation once every member was READY
 * here, else what was served here before. Before anything was, each member of it
 * answers as soon as it is READY.
 *
 * Worker dead: started again with back-off and given its models back; what it was just
 * loading waits longer each time. Artifact absent, short or corrupt, adapter refused by
 * its engine: FAILED with the reason until the next try; the old generation goes on
 * serving. Agent stopped: workers end.
 *
 * One slot so far: one worker process a node.
 * Threads: any, but create, start and stop.
 */
#ifndef CADRE_AGENT_AGENT_H
#define CADRE_AGENT_AGENT_H

#include "cadre/v1/rpc.pb-c.h"
#include "engine/base/log_sink.h"
#include "engine/base/metrics.h"
#include "engine/env/env.h"
#include "engine/kv/kv.h"
#include "proto/codec/arena.h"
#include "replica/agent/artifacts.h"
#include "replica/agent/worker_client.h"

struct cadre_agent;

/* Zero and NULL mean the default. Texts are borrowed until destroy. */
struct cadre_agent_options {
	struct cadre_worker_program program; /* path NULL: nothing can be loaded */
	const char *dir; /* artifacts are kept in `<dir>/artifacts/sha256/` */
	struct cadre_artifact_remote remote; /* where cadre:// comes from */
	uint8_t node_id[16];                 /* whose placements count */
	uint32_t linger_ms;    /* the old generation stays resident; 60,000 */
	uint32_t retry_min_ms; /* after a failed load or a dead worker, doubling; 500 */
	uint32_t retry_max_ms; /* 60,000 */
	uint32_t drain_ms;     /* what runs on an unloaded model may go on; 60,000 */
	struct cadre_log_sink *sink;
	/* The report changed: ask cadre_agent_report(). Any thread, must not block. */
	void (*changed)(void *ctx);
	void *changed_ctx;
};

CADRE_MUST_CHECK enum cadre_status
cadre_agent_create(struct cadre_env *env, const struct cadre_agent_options *options,
                   struct cadre_agent **ret_agent, struct cadre_error *err);
/* The agent's own thread starts; the worker is started by it. */
CADRE_MUST_CHECK enum cadre_status cadre_agent_start(struct cadre_agent *agent,
                                                     struct cadre_error *err);
/* Stops worker and threads; routes that are held must have been let go. */
void cadre_agent_stop(struct cadre_agent *agent);
/* Takes NULL; nulls the pointer. */
void cadre_agent_destroy(struct cadre_agent **agent);

/* For struct cadre_store_watch: where read views begin (NULL: none for now; returns
 * when none is live), and up to where they are applied. */
void cadre_agent_views(struct cadre_agent *agent, struct cadre_kv *kv);
void cadre_agent_applied(struct cadre_agent *agent, cadre_seq seq);

/* Fills members, deployments of `report` (the rest is the node's); results live in
 * `arena`. `*ret_version` rises with every change. CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadre_agent_report(struct cadre_agent *agent,
                                                      struct cadre_arena *arena,
                                                      Cadre__V1__NodeReport *report,
                                                      uint64_t *ret_version,
                                                      struct cadre_error *err);

/* ---- prediction ---- */

/* Which model of which worker answers a key of a deployment, now. */
struct cadre_agent_route {
	struct cadre_worker_client *client;
	const char *name;     /* in the worker */
	const char *model_id; /* OCID */
	const char *deployment_id;
	uint64_t generation;
	void *held; /* the agent's */
};
/* `deployment`: OCID, or a display name of one placed here (`compartment` may be NULL).
 * `key`: inference key or model OCID. What is held stays loaded, and the client alive
 * (calls on it may end with CADRE_UNAVAILABLE), until the release.
 * Errors: CADRE_NOT_FOUND (deployment or key; the message says which),
 * CADRE_UNAVAILABLE (known, not ready: the message has the member's state). */
CADRE_MUST_CHECK enum cadre_status
cadre_agent_route(struct cadre_agent *agent, const char *compartment,
                  const char *deployment, const char *key,
                  struct cadre_agent_route *ret_route, struct cadre_error *err);
void cadre_agent_release(struct cadre_agent *agent, struct cadre_agent_route *route);

struct cadre_metrics *cadre_agent_metrics(struct cadre_agent *agent);

#endif
