/*
 * Principals and policies as one table, made from the views when they changed, shared by
 * all calls.
 *
 * Threads: any. A table does not change while it is referenced.
 */
#ifndef CADRE_RPC_ACCESS_H
#define CADRE_RPC_ACCESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/rsa.h"
#include "engine/domain/policy.h"
#include "replica/rpc/readers.h"

/* Memory of one table: some ten thousands of principals. */
#define ACCESS_ARENA_BYTES ((size_t)256 << 20)

struct access_principal {
	uint64_t id;
	cadre_seq changed_seq;
	char *name;
	char *public_key_pem; /* NULL: none, can prove nothing */
	char **groups;
	size_t group_count;
	bool may_act_for_others;
	/* Of the key, found when first asked for; under the cache's key_lock. */
	bool fingerprinted;
	char fingerprint[CADRE_FINGERPRINT_BYTES]; /* "": no usable key */
};

struct access_statement {
	struct cadre_statement parsed;
	const char *policy;
};

struct access_table {
	atomic_uint references;
	cadre_seq access_seq; /* ClusterRow's */
	cadre_seq
	        applied_seq; /* seen unchanged up to here; under the lock of the cache */
	struct cadre_arena arena;
	struct access_principal *principals; /* in the order of their ids */
	size_t principal_count;
	struct access_statement *statements;
	size_t statement_count;
};

struct access_cache {
	pthread_mutex_t lock;
	pthread_mutex_t key_lock;   /* behind the other */
	struct access_table *table; /* lock; a reference; NULL: none yet */
};

void access_init(struct access_cache *cache);
void access_fini(struct access_cache *cache);
/* The table as of at least `applied_seq`, referenced. While there are no views the last
 * one. Errors: those of readers_enter(); CADRE_OUT_OF_MEMORY; CADRE_LIMIT_EXCEEDED. */
CADRE_MUST_CHECK enum cadre_status
access_get(struct access_cache *cache, struct readers *readers, cadre_seq applied_seq,
           struct access_table **ret_table, struct cadre_error *err);
/* Takes NULL. */
void access_unref(struct access_table *table);

/* NULL: no such live principal. */
const struct access_principal *access_find(const struct access_table *table,
                                           const char *name);
/* By the fingerprint of its key, in lower case. */
const struct access_principal *access_by_fingerprint(struct access_cache *cache,
                                                     struct access_table *table,
                                                     const char *fingerprint);
/* Whether the statements grant `resources` together, each perhaps by another one. */
bool access_allows(const struct access_table *table, const struct access_principal *who,
                   enum cadre_verb verb, unsigned resources, const char *compartment);
/* Whether any of them does so in any place. */
bool access_allows_somewhere(const struct access_table *table,
                             const struct access_principal *who, enum cadre_verb verb,
                             unsigned resources);

#endif
