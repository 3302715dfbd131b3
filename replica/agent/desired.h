/*
 * What a node should do, copied out of the views: the deployments placed on it that
 * live and are not INACTIVE, with the members of what they serve and of their target.
 *
 * An identity stands for one thing to load: model, content, base, kind and parameters. Two
 * members with one identity, in whatever groups, are loaded once.
 */
#ifndef CADRE_AGENT_DESIRED_H
#define CADRE_AGENT_DESIRED_H

#include "engine/views/views.h"
#include "replica/agent/worker.h"

enum {
	/* Of one node, whose worker holds 4,096 models; a look-up by name passes all. */
	DESIRED_DEPLOYMENTS_MAX = 1024,
	DESIRED_ARENA_BYTES_MAX = 64 * 1024 * 1024,
};

struct desired_model {
	const char *id;
	bool registered;
	const char *uri; /* NULL: none */
	bool has_sha256;
	struct cadre_sha256 sha256;
	uint64_t bytes; /* 0: not known */
	Cadre__V1__ModelKind kind;
	struct desired_model *next; /* of its bucket */
};

struct desired_member {
	const char *key; /* NULL: none */
	struct desired_model *model;
	const struct desired_member *base; /* of an adapter */
	enum cadre_worker_kind kind;
	struct cadre_worker_parameter *parameters;
	size_t parameter_count;
	struct cadre_sha256 identity;
};

struct desired_group {
	uint64_t generation;
	struct desired_member *members; /* a base first, else by model OCID */
	size_t member_count;
};

struct desired_deployment {
	const char *id; /* OCID */
	const char *compartment;
	const char *name;
	struct desired_group *target;
	struct desired_group *serving; /* may be the target; NULL: none so far */
};

struct desired {
	struct cadre_arena arena;
	struct desired_deployment *deployments; /* by id */
	size_t deployment_count;
	cadre_seq seq; /* applied when it was read */
};

/* Reads all with one read view on `kv`. `node_id`: 32 hex digits.
 * Ownership: `desired` (also after an error) goes to desired_fini().
 * Errors: those of views; CADRE_LIMIT_EXCEEDED, CADRE_TOO_LARGE, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status desired_read(struct desired *desired,
                                                struct cadre_kv *kv, const char *node_id,
                                                struct cadre_error *err);
void desired_fini(struct desired *desired);

#endif
