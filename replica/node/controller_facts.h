/* What a rollout is decided by, read out of views and reports. */
#ifndef CADRE_NODE_CONTROLLER_FACTS_H
#define CADRE_NODE_CONTROLLER_FACTS_H

#include "engine/views/views.h"
#include "replica/core/rollout.h"
#include "replica/node/reports.h"

/* 4,096 nodes with their labels and progress, 10,000 deployments. */
#define FACTS_ARENA_BYTES_MAX ((size_t)256 << 20)
/* One row at a time. */
#define FACTS_ROW_BYTES_MAX ((size_t)4 << 20)

/* Ownership: the caller's storage, which may not move. */
struct controller_facts {
	struct cadre_arena arena; /* texts of both arrays */
	struct cadre_arena rows;  /* the view's */
	struct cadre_buffer nodes;
	struct cadre_buffer deployments;
	struct cadre_rollout_facts facts;
};

void facts_init(struct controller_facts *facts);
void facts_fini(struct controller_facts *facts);
/* Replaces what was there. Begins and ends a read view. Errors: those of views and
 * reports. */
CADRE_MUST_CHECK enum cadre_status facts_read(struct controller_facts *facts,
                                              struct cadre_kv *kv,
                                              struct cadre_reports *reports,
                                              uint64_t now_ms, struct cadre_error *err);

#endif
