/*
 * A naive model of the state: every group holds its whole member list, every pointer
 * its whole past. It says what the views must say, and is the state of decide's
 * tests. Slow on purpose, simple on purpose.
 *
 * Events are copied in; nothing is freed before model_state_fini(). Events that cannot
 * apply are programming errors of the test: assertions.
 */
#ifndef TESTS_SUPPORT_MODEL_STATE_H
#define TESTS_SUPPORT_MODEL_STATE_H

#include "engine/domain/domain.h"

struct model_member {
	const char *model_id;
	const char *key; /* NULL: none */
};

/* What a history's latest or a deployment's serving was from a seq on. */
struct model_pointer {
	cadre_seq since;
	uint64_t group; /* id; 0: none */
	uint64_t generation;
};

struct model_resource {
	/* As the row of the views, but that a group's lineage is its own id. */
	Cadre__V1__Resource row;
	union {
		Cadre__V1__GroupState group;
		Cadre__V1__HistoryState history;
		Cadre__V1__DeploymentState deployment;
		Cadre__V1__ModelState model;
		Cadre__V1__NodeState node;
		Cadre__V1__PrincipalState principal;
		Cadre__V1__PolicyState policy;
	} detail;
	char *name; /* the OCID with the prefix of nodes and principals */
	Cadre__V1__Attributes attributes; /* of row.attributes */
	struct model_member *members;     /* groups: in the order of the OCIDs */
	size_t member_count;
	struct model_pointer *pointers; /* histories, deployments: oldest first */
	size_t pointer_count;
};

struct model_token {
	const char *principal;
	const char *token;
	Cadre__V1__TokenRow row;
};

struct model_state {
	struct cadre_arena arena;
	struct model_resource **resources; /* in the order of their ids */
	size_t resource_count;
	size_t *slots; /* by hash of the name: index + 1 into resources */
	size_t slot_count;
	struct model_token *tokens;
	size_t token_count;
	Cadre__V1__ClusterRow cluster;
	bool configured;
	cadre_seq applied_seq;
};

void model_state_init(struct model_state *model);
void model_state_fini(struct model_state *model);

/* Applies one event and gives it the next seq, which is returned. */
cadre_seq model_state_apply(struct model_state *model, cadre_time_ms time_ms,
                            const Cadre__V1__Event *event);

/* decide's window. `model` outlives it. */
struct cadre_state model_state_of(struct model_state *model);

/* NULL when absent. Names of nodes and principals have their prefix. */
struct model_resource *model_find(const struct model_state *model, const char *name);
struct model_resource *model_find_id(const struct model_state *model, uint64_t id);

/* The member by key, or by model OCID; NULL when absent. */
const struct model_member *model_member_by_key(const struct model_resource *group,
                                               const char *key);
const struct model_member *model_member_by_model(const struct model_resource *group,
                                                 const char *model_id);

/* The group that a history or deployment meant at `at`, 0 for none. */
uint64_t model_pointer_at(const struct model_resource *resource, cadre_seq at);

#endif
