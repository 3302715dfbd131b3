/*
 * A prediction socket in front of a stub worker (tests/unit/agent/stub_worker.h), with a
 * router in the agent's place: deployment "d" has key "k" on model "m" and key "cold",
 * which is not ready.
 */
#ifndef TESTS_UNIT_PREDICT_PREDICT_NODE_H
#define TESTS_UNIT_PREDICT_PREDICT_NODE_H

#include <pthread.h>

#include "replica/agent/predict_client.h"
#include "replica/agent/predict_server.h"
#include "replica/transport/asker.h"
#include "tests/support/testing.h"
#include "tests/unit/agent/stub_worker.h"

#define LONG_MS 20000u

struct predict_node {
	struct stub_worker stub;
	struct cadre_worker_options worker_options; /* changed between make and start */
	struct cadre_predict_options options;
	struct cadre_worker *worker; /* NULL: the test brings its own client */
	struct cadre_worker_client *client;
	struct cadre_predict_server *server;
	char address[64];
	atomic_uint routes_held;
	atomic_uint routed;
};

void predict_node_make(struct predict_node *node);
/* Starts a worker unless there is a client, loads "m", listens. */
void predict_node_start(struct predict_node *node);
/* Fails the test when a route is still held behind the stop. */
void predict_node_stop(struct predict_node *node);

/* Until the worker's routes that are held are so many. */
void predict_node_wait_held(struct predict_node *node, unsigned count);
/* Until `counter` is at least `count`. */
void predict_wait_for(const atomic_uint *counter, unsigned count);
uint64_t predict_metric(struct predict_node *node, unsigned row);

struct cadre_predict_client *predict_client(const struct predict_node *node);
/* A request for key "k" with this text as payload. */
struct cadre_prediction_request predict_request(const char *payload);

/* What came of a whole prediction. */
struct predict_outcome {
	enum cadre_status status;
	struct cadre_error err;
	struct cadre_prediction_facts facts;
	struct cadre_buffer bytes; /* all chunks */
	unsigned chunks;
};
void predict_run(struct cadre_predict_client *client,
                 const struct cadre_prediction_request *request,
                 struct predict_outcome *outcome);
void predict_outcome_fini(struct predict_outcome *outcome);
/* A short question with a short answer: the node is alive. */
void predict_is_served(struct predict_node *node);
/* The text that the stub answers to "count N". */
void predict_expect_count(struct cadre_slice bytes, unsigned long count);

/* One message and its answer, without the client library. */
struct predict_said {
	struct cadre_arena arena;
	const Cadre__V1__PredictAnswer *answer;
};
void predict_say_start(struct predict_node *node, const char *payload,
                       struct predict_said *ret_said);
void predict_say_next(struct predict_node *node, uint64_t stream, uint32_t after,
                      uint32_t wait_ms, struct predict_said *ret_said);
void predict_say_cancel(struct predict_node *node, uint64_t stream,
                        struct predict_said *ret_said);
void predict_said_fini(struct predict_said *said);

#endif
