/*
 * What the leader does next to bring deployments to nodes, as a pure decision: facts of
 * the views and of what nodes report go in, one action comes out. Done again after each
 * action, so that nothing is remembered that a restart would miss.
 *
 *   register   a node says hello as somebody that the log does not know, or not so; one
 *              that was retired stays so; beyond CADRE_ROLLOUT_REGISTERED_MAX nobody new
 *   place      a live deployment has fewer live nodes than instances, and there are
 *              nodes, registered and heard, whose label `shape` (when they have one) is
 *              the shape asked for: those with the fewest placements first, then in the
 *              order of ids. A placed node that goes silent stays placed: nothing moves
 *              by itself
 *   cut over   every participant (placed, live, heard; at least one) has the newest
 *              generation prepared, and none failed it. Silent nodes are not waited
 *              for; an update replaces the generation that is prepared before it
 *   finish     every participant serves the generation that was cut over to
 *
 * Threads: pure functions.
 */
#ifndef CADRE_REPLICA_CORE_ROLLOUT_H
#define CADRE_REPLICA_CORE_ROLLOUT_H

#include "cadre/v1/replication.pb-c.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

/* Nodes of one deployment: as many as its infrastructure may ask for. */
#define CADRE_ROLLOUT_NODES_MAX 10u
/* The log takes no more nodes by their own wish; twice what one leader serves. */
#define CADRE_ROLLOUT_REGISTERED_MAX 8192u

struct cadre_rollout_node {
	const char *id; /* 32 hex digits */
	/* As it introduced itself; NULL: not met by this leader. */
	const Cadre__V1__RegisterNode *introduced;
	/* As the log knows it; NULL: not, or no longer. */
	const Cadre__V1__RegisterNode *registered;
	bool retired;
	bool heard;   /* lately */
	bool put_off; /* its registration was refused just now */
	Cadre__V1__DeploymentReport *const *reports;
	size_t report_count;
	unsigned placements; /* set by cadre_rollout_next() */
};

struct cadre_rollout_deployment {
	const char *id;
	bool live; /* neither INACTIVE nor deleted */
	uint64_t generation;
	uint64_t serving_generation;  /* 0: none yet */
	uint64_t finished_generation; /* 0: none yet */
	char *const *nodes;
	size_t node_count;
	uint32_t instance_count; /* 0: not given, 1 */
	const char *shape;       /* NULL: any */
	bool put_off;            /* what was decided for it was refused just now */
};

struct cadre_rollout_facts {
	struct cadre_rollout_node *nodes; /* rising ids */
	size_t node_count;
	const struct cadre_rollout_deployment *deployments;
	size_t deployment_count;
};

enum cadre_rollout_verb {
	CADRE_ROLLOUT_NOTHING,
	CADRE_ROLLOUT_REGISTER,
	CADRE_ROLLOUT_PLACE,
	CADRE_ROLLOUT_CUT_OVER,
	CADRE_ROLLOUT_FINISH
};

/* Points into the facts. */
struct cadre_rollout_action {
	enum cadre_rollout_verb verb;
	const char *subject;                 /* id of the node, else of the deployment */
	const Cadre__V1__RegisterNode *node; /* REGISTER */
	uint64_t generation;                 /* CUT_OVER, FINISH */
	const char *nodes[CADRE_ROLLOUT_NODES_MAX]; /* PLACE: all; else participants */
	size_t node_count;
	bool has_flips; /* FINISH: some node told when */
	uint64_t first_flip_ms;
	uint64_t last_flip_ms;
};

/* What to do next; NOTHING when all is as it should be, or cannot be helped now. */
void cadre_rollout_next(struct cadre_rollout_facts *facts,
                        struct cadre_rollout_action *ret_action);

#endif
