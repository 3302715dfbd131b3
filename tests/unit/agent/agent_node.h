/*
 * A store with its loop, and an agent that reads it, in this process; commands that make
 * deployments, and what the agent answers. The worker is the program `stub_worker`.
 *
 * A model "a" has the file "a" in the directory and the OCID "ocid1.datasciencemodel.a".
 * A group is written as one text, "key=a other=b c": key and model, or a model alone.
 */
#ifndef TESTS_UNIT_AGENT_AGENT_NODE_H
#define TESTS_UNIT_AGENT_AGENT_NODE_H

#include "engine/store/thread.h"
#include "replica/agent/agent.h"
#include "tests/support/testing.h"

#define AGENT_NODE_ID "000102030405060708090a0b0c0d0e0f"
#define AGENT_COMPARTMENT "c"

struct agent_node {
	char dir[256];
	char data[280];
	char agent_dir[280];
	struct cadre_store *store;
	struct cadre_store_thread *thread;
	struct cadre_agent *agent;
	struct cadre_agent_options options; /* changed between make and start */
	struct cadre_arena arena;           /* commands and reports */
	struct cadre_kv *kv;
	atomic_uint changes; /* times changed() was called */
	bool watching;
};

/* The store runs, the node is registered, the agent's directory is made. */
void agent_node_make(struct agent_node *node, const char *worker_path);
/* The agent, anew each time: what it knew is gone but for its directory. */
void agent_node_start(struct agent_node *node);
void agent_node_stop(struct agent_node *node);
void agent_node_remove(struct agent_node *node);

/* ---- what there is; texts live in the arena ---- */

char *agent_text(struct agent_node *node, const char *format, ...) CADRE_PRINTF(2, 3);
char *agent_ocid(struct agent_node *node, const char *model);
void agent_write(struct agent_node *node, const char *file, const char *content);
void agent_delete(struct agent_node *node, const char *file);
/* Registers what the file should hold; NULL: without digest and size. */
void agent_register(struct agent_node *node, const char *model, const char *content);
/* The same with the content of another file. */
void agent_register_at(struct agent_node *node, const char *model, const char *file,
                       const char *content);
/* Both. */
void agent_model(struct agent_node *node, const char *model, const char *content);
/* Retires it, so that it may be registered anew. */
void agent_retire(struct agent_node *node, const char *model);

char *agent_group(struct agent_node *node, const char *members);
char *agent_stacked(struct agent_node *node, const char *base, const char *members);
/* With one row of custom metadata. */
char *agent_group_with(struct agent_node *node, const char *members, const char *category,
                       const char *key, const char *value);
/* Of so many models `first`, "m1"… with keys "k0", "k1"… */
char *agent_group_of(struct agent_node *node, unsigned count, const char *first);

/* Made and placed here; not cut over. */
char *agent_deploy(struct agent_node *node, const char *name, const char *group);
void agent_retarget(struct agent_node *node, const char *deployment, const char *group);
void agent_cut_over(struct agent_node *node, const char *deployment, uint64_t generation);
/* Deploys, waits until prepared, cuts over, waits until served. */
char *agent_serve(struct agent_node *node, const char *name, const char *group);
void agent_place(struct agent_node *node, const char *deployment, bool here);
void agent_end(struct agent_node *node, const char *deployment, bool deleted);

/* ---- what the agent says; all wait until it is so, or fail ---- */

const Cadre__V1__DeploymentReport *agent_report(struct agent_node *node,
                                                const char *deployment);
const Cadre__V1__MemberReport *agent_member(struct agent_node *node,
                                            const char *deployment, uint64_t generation,
                                            const char *model);
void agent_wait_prepared(struct agent_node *node, const char *deployment,
                         uint64_t generation);
void agent_wait_serving(struct agent_node *node, const char *deployment,
                        uint64_t generation);
/* Until the member is in that state with that text in its reason ("" any). */
void agent_wait_member(struct agent_node *node, const char *deployment,
                       uint64_t generation, const char *model,
                       Cadre__V1__MemberState state, const char *reason);
void agent_wait_metric(struct agent_node *node, unsigned row, uint64_t value);
uint64_t agent_metric(struct agent_node *node, unsigned row);
/* Where it keeps that content. */
char *agent_artifact_path(struct agent_node *node, const char *content);
/* How many artifacts it keeps. */
unsigned agent_artifacts(struct agent_node *node);
void agent_wait_artifacts(struct agent_node *node, unsigned count);

/* ---- requests ---- */

void agent_hold(struct agent_node *node, const char *deployment, const char *key,
                struct cadre_agent_route *route);
/* The name of the model that answers on a held route. */
char *agent_ask(struct agent_node *node, const struct cadre_agent_route *route);
/* The name of the model that answers for a key, or NULL with `err`. */
char *agent_answer(struct agent_node *node, const char *deployment, const char *key,
                   struct cadre_error *err);
void agent_wait_answer(struct agent_node *node, const char *deployment, const char *key);
/* "a" with content "x" in a worker. */
char *agent_name_of(struct agent_node *node, const char *model, const char *content);
pid_t agent_worker_pid(struct agent_node *node, const char *deployment, const char *key);

#endif
