/*
 * Predictions through the follower's socket, one after the other, all the time: a thread
 * that checks who answers. It must be answered while the follower and its worker run,
 * whatever the leader does; the answer must be that of the model which the generation
 * gives to the key; and the generation never goes back.
 *
 * Threads: one of its own; the calls from one.
 */
#ifndef TESTS_CRASH_CLUSTER_PREDICTOR_H
#define TESTS_CRASH_CLUSTER_PREDICTOR_H

#include "tests/crash/cluster/rollout.h"
#include "tests/crash/cluster/watched.h"

struct predictor;

struct predictor *predictor_start(const struct cluster *cluster,
                                  const struct rollout *rollout, struct watched *watched);
/* Takes NULL. */
void predictor_stop(struct predictor *predictor);
/* Until the newest generation of the rollout answers. */
void predictor_wait_newest(struct predictor *predictor);

#endif
