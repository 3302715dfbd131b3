/*
 * The leader's own commands: registers nodes that said hello, places deployments on
 * nodes, cuts over when every participant is ready, records the end of a cut-over.
 *
 * One loop: something changed (events applied, a report, a hello) or a second passed ->
 * facts from the views and reports -> core/rollout.h decides -> commands are submitted
 * as principal `cadre` (proof NONE, via the node's id). A refusal is logged and decided
 * anew: the loop holds no state that a restart would miss.
 *
 * Threads: one of its own; the calls below from any.
 */
#ifndef CADRE_NODE_CONTROLLER_H
#define CADRE_NODE_CONTROLLER_H

#include "engine/store/thread.h"
#include "replica/node/reports.h"

struct cadre_controller;

struct cadre_controller_options {
	struct cadre_env *env;
	struct cadre_store_thread *thread;
	struct cadre_reports *reports;
	const char *node_id; /* 32 hex digits, of this leader */
	struct cadre_log_sink *sink;
};

CADRE_MUST_CHECK enum cadre_status
cadre_controller_start(const struct cadre_controller_options *options,
                       struct cadre_controller **ret_controller, struct cadre_error *err);
/* While the store's loop still runs. Takes NULL; nulls the pointer. */
void cadre_controller_stop(struct cadre_controller **controller);
/* For struct cadre_store_watch. */
void cadre_controller_views(struct cadre_controller *controller, struct cadre_kv *kv);
void cadre_controller_applied(struct cadre_controller *controller, cadre_seq seq);
/* A report or a hello came. Must not block and does not. */
void cadre_controller_poke(struct cadre_controller *controller);

#endif
