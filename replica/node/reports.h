/*
 * What followers last told this leader about themselves: soft state, gone with the
 * process, told again within seconds. Nothing here is in the log.
 *
 * Threads: any; one lock, nothing is called with it held.
 */
#ifndef CADRE_NODE_REPORTS_H
#define CADRE_NODE_REPORTS_H

#include "cadre/v1/replication.pb-c.h"
#include "engine/base/status.h"
#include "engine/base/types.h"
#include "proto/codec/codec.h"

/* A node that was not heard from for so long is not counted on: its members' state is
 * UNKNOWN. */
#define CADRE_REPORT_SILENT_MS 30000u

struct cadre_reports;

/* NULL when out of memory. */
struct cadre_reports *cadre_reports_create(void);
void cadre_reports_destroy(struct cadre_reports *reports); /* takes NULL */

/* A Hello: name, labels and address of a node that is here now. */
CADRE_MUST_CHECK enum cadre_status cadre_reports_hello(struct cadre_reports *reports,
                                                       const Cadre__V1__Hello *hello,
                                                       uint64_t now_ms);
/* A Fetch: positions, and the report when it carries one. */
CADRE_MUST_CHECK enum cadre_status cadre_reports_fetch(struct cadre_reports *reports,
                                                       const Cadre__V1__Fetch *fetch,
                                                       uint64_t now_ms);
/* All nodes, newest facts, `age_ms` and `connected` filled, members of silent nodes
 * UNKNOWN; copies in `arena`, lag counted against the leader's `committed_seq`.
 * `deployment_id` NULL: members of all, else only of that one and only nodes that have
 * any. Ids of nodes are 32 hex digits. */
CADRE_MUST_CHECK enum cadre_status
cadre_reports_list(struct cadre_reports *reports, const char *deployment_id,
                   cadre_seq committed_seq, cadre_time_ms committed_ms, uint64_t now_ms,
                   struct cadre_arena *arena, Cadre__V1__NodeReport ***ret_nodes,
                   size_t *ret_count, struct cadre_error *err);
/* Rises with every hello and every report that changed something. */
uint64_t cadre_reports_version(struct cadre_reports *reports);

#endif
