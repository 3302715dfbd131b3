/*
 * What the RPC answers from views and log, without a socket: the server, cadre-admin
 * and tests call it with a read view of their own.
 *
 * Where an operation asks for an id, a display name works too: looked up in the
 * query's compartment, histories first, then deployments, groups and models, the
 * newest first. Groups, histories (their latest) and deployments (what they serve)
 * are targets: what is asked of members is asked of the group they mean.
 *
 * Errors: the message starts with the field at fault (`resolve.key: ...`).
 * Threads: one query on one thread.
 */
#ifndef CADRE_RPC_QUERY_H
#define CADRE_RPC_QUERY_H

#include "cadre/v1/rpc.pb-c.h"
#include "engine/domain/policy.h"
#include "engine/log/log.h"
#include "engine/views/views.h"

/* Bytes of memory that one query's result may take; about as much as fits into one
 * answer. */
#define CADRE_QUERY_ARENA_BYTES ((size_t)16 << 20)
/* Changes of a pointer that one KeyLog looks at: bounds the life of its snapshot. */
#define CADRE_KEY_LOG_STEPS_MAX 100000u

struct cadre_query {
	struct cadre_view *view; /* a read view; results live in its arena */
	/* A read handle, for who and when; NULL: answered without them, and Watch
	 * not at all. */
	struct cadre_log *log;
	const char *compartment;    /* where names are looked up; may be NULL */
	const char *principal;      /* whose retry tokens Outcome sees */
	cadre_time_ms watermark_ms; /* loaded before the view began */
	/* Whether the asker may; NULL: anything. What may not even be inspected is not
	 * found. */
	bool (*may)(void *ctx, enum cadre_verb verb, const Cadre__V1__Resource *resource);
	void *may_ctx;
	enum cadre_verb need;          /* of what is found; set by cadre_query() */
	enum cadre_status not_allowed; /* for what may be inspected, and not more */
	/* Private: the last target, asked again and again by one message. */
	const char *target;
	Cadre__V1__Kind target_kind;
	uint64_t target_id;
	struct cadre_pointer target_now;
	Cadre__V1__Resource *group; /* that answered last */
	bool cluster_known;
	uint8_t cluster_id[16];
};

/* Operations that this file knows: all but Batch, StatusQuery, ModelStates and
 * Endpoints. */
bool cadre_query_answers(const Cadre__V1__Op *op);

/*
 * Fills `result`, which the caller initialised. A refusal is an answer: status and
 * message are set in it.
 * Ownership: what the result points to lives in the view's arena and in `op`.
 */
void cadre_query(struct cadre_query *query, const Cadre__V1__Op *op,
                 Cadre__V1__Result *result);

/* The resource of an id or name, as the operations find it. */
CADRE_MUST_CHECK enum cadre_status
cadre_query_find(struct cadre_query *query, const char *field, const char *id_or_name,
                 Cadre__V1__Resource **ret_resource, struct cadre_error *err);

#endif
