/*
 * What followers last told this leader about themselves: soft state, gone with the
 * process, told again within seconds. Nothing here is in the log.
 *
 * Bounds: CADRE_REPORT_NODES_MAX nodes (one long silent gives its place up), of each its
 * introduction and its last report, within the limits below; a report over them is
 * refused and the last good one stays.
 *
 * `now_ms` is the environment's monotonic clock in ms.
 * Threads: any; one lock, nothing is called with it held.
 */
#ifndef CADRE_NODE_REPORTS_H
#define CADRE_NODE_REPORTS_H

#include "cadre/v1/replication.pb-c.h"
#include "engine/base/status.h"
#include "engine/base/types.h"
#include "proto/codec/codec.h"
#include "replica/core/feed.h"

/* A node that was not heard from for so long is not counted on: its members' state is
 * UNKNOWN. */
#define CADRE_REPORT_SILENT_MS 30000u
/* As many as one leader serves. */
#define CADRE_REPORT_NODES_MAX 4096u
/* Ten deployments of the largest groups, old and new generation. */
#define CADRE_REPORT_MEMBERS_MAX 5000u
#define CADRE_REPORT_DEPLOYMENTS_MAX 1000u
#define CADRE_REPORT_BYTES_MAX ((size_t)1 << 20)
/* Of all reports and introductions. */
#define CADRE_REPORTS_BYTES_MAX ((size_t)256 << 20)

struct cadre_reports;

/* NULL when out of memory. */
struct cadre_reports *cadre_reports_create(void);
void cadre_reports_destroy(struct cadre_reports *reports); /* takes NULL */

/* A Hello: name, labels and address of a node that is here now. A new incarnation has
 * reported nothing yet. Errors: CADRE_INVALID_PARAMETER (an id that is none),
 * CADRE_LIMIT_EXCEEDED, CADRE_TOO_MANY_REQUESTS, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadre_reports_hello(struct cadre_reports *reports,
                                                       const Cadre__V1__Hello *hello,
                                                       uint64_t now_ms);
/* A Fetch: positions, and the report when it carries one. Errors: as hello; the
 * positions then count all the same. */
CADRE_MUST_CHECK enum cadre_status cadre_reports_fetch(struct cadre_reports *reports,
                                                       const Cadre__V1__Fetch *fetch,
                                                       uint64_t now_ms);
/* Everything up to `seq` was committed by `time_ms`: what lag in ms is counted by. */
void cadre_reports_committed(struct cadre_reports *reports, cadre_seq seq,
                             cadre_time_ms time_ms);

/* All nodes in the order of their ids, newest facts, `age_ms` and `connected` filled,
 * members of silent nodes UNKNOWN; copies in `arena`, lag counted against the leader's
 * `committed_seq`, in ms against `committed_ms` (both of its newest commit; a node that
 * lags by more than is remembered shows less).
 * `deployment_id` NULL: members of all, else only of that one and only nodes that have
 * any. Ids of nodes are 32 hex digits. Errors: CADRE_OUT_OF_MEMORY, CADRE_TOO_LARGE
 * (the arena's cap). */
CADRE_MUST_CHECK enum cadre_status
cadre_reports_list(struct cadre_reports *reports, const char *deployment_id,
                   cadre_seq committed_seq, cadre_time_ms committed_ms, uint64_t now_ms,
                   struct cadre_arena *arena, Cadre__V1__NodeReport ***ret_nodes,
                   size_t *ret_count, struct cadre_error *err);

/* What a rollout goes by: a node as it introduced itself, and how far it is. */
struct cadre_reports_node {
	Cadre__V1__RegisterNode *introduced;
	bool heard; /* within CADRE_REPORT_SILENT_MS */
	Cadre__V1__DeploymentReport **deployments;
	size_t deployment_count;
};
/* All nodes that said hello, in the order of their ids; copies in `arena`. Errors: as
 * list. */
CADRE_MUST_CHECK enum cadre_status
cadre_reports_nodes(struct cadre_reports *reports, uint64_t now_ms,
                    struct cadre_arena *arena, struct cadre_reports_node **ret_nodes,
                    size_t *ret_count, struct cadre_error *err);

/* Rises with every hello and every report that changed something. */
uint64_t cadre_reports_version(struct cadre_reports *reports);

#endif
