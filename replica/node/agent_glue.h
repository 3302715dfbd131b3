/*
 * The agent of a follower with its prediction socket, as the node sees it: one thing
 * that is there or not.
 *
 * Order of life: create (agent and its thread, socket) -> views and applied, told by the
 * store's watch -> drain (the socket: what runs has a grace) -> stop -> destroy, once
 * the store is closed.
 * Threads: create, drain, stop and destroy on one; the rest on any. All take NULL.
 */
#ifndef CADRE_NODE_AGENT_GLUE_H
#define CADRE_NODE_AGENT_GLUE_H

#include "cadre/v1/rpc.pb-c.h"
#include "engine/base/bytes.h"
#include "replica/agent/agent.h"
#include "replica/transport/address.h"

struct node_agent;

struct node_agent_options {
	struct cadre_env *env;
	struct cadre_agent_options agent; /* all filled */
	const char *predict_listen;
	bool insecure;
};

CADRE_MUST_CHECK enum cadre_status
node_agent_create(const struct node_agent_options *options, struct node_agent **ret_agent,
                  struct cadre_error *err);
void node_agent_drain(struct node_agent *agent);
void node_agent_stop(struct node_agent *agent);
void node_agent_destroy(struct node_agent **agent);
void node_agent_views(struct node_agent *agent, struct cadre_kv *kv);
void node_agent_applied(struct node_agent *agent, cadre_seq seq);
/* Fills members and deployments; without an agent there are none. */
CADRE_MUST_CHECK enum cadre_status node_agent_report(struct node_agent *agent,
                                                     struct cadre_arena *arena,
                                                     Cadre__V1__NodeReport *report,
                                                     struct cadre_error *err);
/* NULL without an agent. */
const struct cadre_address *node_agent_address(const struct node_agent *agent);
CADRE_MUST_CHECK enum cadre_status node_agent_metrics_text(struct node_agent *agent,
                                                           struct cadre_buffer *out);

#endif
