/*
 * A deployment on the follower, and its rolling updates: generation g answers for the
 * key "moving" with the model gen<g>, and for the key "steady" always with the same.
 *
 * Threads: an update has one of its own; the calls from one.
 */
#ifndef TESTS_CRASH_CLUSTER_ROLLOUT_H
#define TESTS_CRASH_CLUSTER_ROLLOUT_H

#include "tests/crash/cluster/cluster.h"

struct rollout;

/* Makes models, group, history and deployment; until the follower serves it. */
struct rollout *rollout_make(struct cluster *cluster);
/* Ends an update under way. Takes NULL. */
void rollout_destroy(struct rollout *rollout);

const char *rollout_deployment(const struct rollout *rollout);
/* The newest generation that was asked for. */
uint64_t rollout_generation(const struct rollout *rollout);

/* Registers a model, patches the group, updates the deployment, in the background, and
 * for as long as it takes. Ends the one before it first. */
void rollout_begin(struct rollout *rollout);
/* Until the update is done and the leader says that its cut-over ended everywhere. */
void rollout_end(struct rollout *rollout);

/* What a generation answers with, and as the worker names it. */
void rollout_model(bool moving, uint64_t generation, char text[96]);
void rollout_worker_name(bool moving, uint64_t generation, char text[96]);

#endif
