/*
 * Policies in OCI's form: who may do what, where. Pure: from texts to a verdict.
 *
 *   allow group G to VERB RESOURCE in compartment C
 *   allow any-user to VERB RESOURCE in tenancy
 *
 * Words are of any case; a name with spaces stands in single quotes; `compartment id C`
 * says the same as `compartment C`. Verbs include those before them: inspect (lists,
 * names and states), read (members and look-ups too), use (changes, predictions), manage
 * (make, move, delete). There is no deny: what no statement allows is refused.
 *
 * Compartments are flat: a statement in one says nothing about another; `in tenancy`
 * speaks of all, and alone of what is in none (nodes, principals, policies, the cluster).
 *
 * Threads: all functions are pure.
 */
#ifndef CADRE_DOMAIN_POLICY_H
#define CADRE_DOMAIN_POLICY_H

#include "cadre/v1/state.pb-c.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

#define CADRE_STATEMENTS_MAX 50
#define CADRE_STATEMENT_BYTES_MAX 512

enum cadre_verb {
	CADRE_INSPECT = 1,
	CADRE_READ,
	CADRE_USE,
	CADRE_MANAGE,
};

enum cadre_resource {
	CADRE_GROUPS = 1 << 0,
	CADRE_HISTORIES = 1 << 1,
	CADRE_DEPLOYMENTS = 1 << 2,
	CADRE_MODELS = 1 << 3,
	CADRE_WORK_REQUESTS = 1 << 4,
	CADRE_FAMILY = (1 << 5) - 1, /* those of OCI's Data Science */
	CADRE_NODES = 1 << 5,
	CADRE_PRINCIPALS = 1 << 6,
	CADRE_POLICIES = 1 << 7,
	CADRE_CLUSTER = 1 << 8, /* settings, events, states of nodes */
	CADRE_ALL_RESOURCES = (1 << 9) - 1,
};

struct cadre_statement {
	struct cadre_slice group; /* of principals; empty: any-user */
	enum cadre_verb verb;
	unsigned resources;             /* enum cadre_resource, several */
	struct cadre_slice compartment; /* empty: tenancy */
};

/* Who wants what. */
struct cadre_wish {
	char *const *groups; /* of the principal */
	size_t group_count;
	enum cadre_verb verb;
	unsigned resources;      /* one; of several, all are needed */
	const char *compartment; /* NULL: in none */
};

/* The statement's names point into `text`.
 * Errors: CADRE_INVALID_PARAMETER: what is wrong, without a field. */
CADRE_MUST_CHECK enum cadre_status cadre_statement_parse(const char *text,
                                                         struct cadre_statement *ret,
                                                         struct cadre_error *err);
/* Whether this statement alone grants the wish. */
bool cadre_statement_grants(const struct cadre_statement *statement,
                            const struct cadre_wish *wish);

/* By a word of a statement, in singular or plural; 0: none has that name. */
enum cadre_verb cadre_verb_named(struct cadre_slice word);
unsigned cadre_resource_named(struct cadre_slice word);
/* "read"; "data-science-model-groups". */
const char *cadre_verb_name(enum cadre_verb verb);
const char *cadre_resource_name(unsigned resource);
/* What rows of a kind are to a policy. */
unsigned cadre_resource_of(Cadre__V1__Kind kind);

#endif
