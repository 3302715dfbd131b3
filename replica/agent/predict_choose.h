/*
 * Which node to ask for a prediction. Pure.
 *
 *	while (choose(...) == OK) { ask it; if (!may_ask_elsewhere(...)) break; tried[i] = true; }
 */
#ifndef CADRE_AGENT_PREDICT_CHOOSE_H
#define CADRE_AGENT_PREDICT_CHOOSE_H

#include "cadre/v1/rpc.pb-c.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

/* A node that was not heard from for so long is asked only when no other is left. */
#define CADRE_PREDICT_SILENT_MS 30000u

/* The node with the least under way that has `key` ready and was not tried; among equals
 * `spread` (any number, another one each time) decides, so that not everybody goes to the
 * first.
 * Errors: CADRE_UNAVAILABLE, how many nodes there are and how many were tried. */
CADRE_MUST_CHECK enum cadre_status
cadre_predict_choose(const Cadre__V1__EndpointsResult *endpoints, const char *key,
                     const bool *tried, uint64_t spread, size_t *ret_index,
                     struct cadre_error *err);

/* Whether another node may be asked after this failure: the prediction was provably not
 * started, and another node could answer otherwise. */
bool cadre_predict_may_ask_elsewhere(enum cadre_status status, bool started);

#endif
