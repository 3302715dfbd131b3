/*
 * The rules of model groups: decide(command, state) -> event, or nothing, or a
 * refusal. Pure: state is read through `struct cadre_state`, time, position and
 * randomness come in through `struct cadre_decide`.
 *
 * Order of one command: cadre_command_check() (no state needed), then
 * cadre_decide() inside the transaction that will apply the event, so that a
 * command sees all before it.
 *
 * Errors of both: the typed refusals of base/status.h; the message starts with
 * the field path in the command's lowerCamelCase spelling
 * (`createGroup.members[17].inferenceKey: 33 characters, at most 32`).
 * Threads: one decision at a time per struct.
 */
#ifndef CADRE_DOMAIN_DOMAIN_H
#define CADRE_DOMAIN_DOMAIN_H

#include "cadre/v1/command.pb-c.h"
#include "cadre/v1/event.pb-c.h"
#include "cadre/v1/state.pb-c.h"
#include "engine/base/status.h"
#include "engine/base/types.h"
#include "proto/codec/arena.h"

/* Characters an id is at most, with its NUL. */
#define CADRE_OCID_BYTES 256
#define CADRE_ETAG_CHARS 32

/* How decide reads what earlier events made. Results live in `arena` until it is
 * reset. Absent things are CADRE_NOT_FOUND; damage is CADRE_CORRUPT. */
struct cadre_state_ops {
	enum cadre_status (*by_ocid)(void *ctx, const char *ocid,
	                             Cadre__V1__Resource **ret_resource,
	                             struct cadre_error *err);
	enum cadre_status (*by_id)(void *ctx, uint64_t id,
	                           Cadre__V1__Resource **ret_resource,
	                           struct cadre_error *err);
	/* The member's model OCID. */
	enum cadre_status (*member_by_key)(void *ctx, const Cadre__V1__GroupState *group,
	                                   const char *key, const char **ret_model_id,
	                                   struct cadre_error *err);
	/* The member's key, NULL when it has none. */
	enum cadre_status (*member_by_model)(void *ctx,
	                                     const Cadre__V1__GroupState *group,
	                                     const char *model_id, const char **ret_key,
	                                     struct cadre_error *err);
	/* Attributes by id (tags, custom metadata). */
	enum cadre_status (*attributes)(void *ctx, uint64_t id,
	                                Cadre__V1__Attributes **ret_attributes,
	                                struct cadre_error *err);
	/* The live history of that name in that compartment. */
	enum cadre_status (*history_by_name)(void *ctx, const char *compartment_id,
	                                     const char *name,
	                                     Cadre__V1__Resource **ret_history,
	                                     struct cadre_error *err);
	/* A live deployment that names the group as target or serving. */
	enum cadre_status (*group_user)(void *ctx, uint64_t group_id,
	                                Cadre__V1__Resource **ret_deployment,
	                                struct cadre_error *err);
	/* Unexpired or not: decide judges the age. */
	enum cadre_status (*token)(void *ctx, const char *principal, const char *token,
	                           Cadre__V1__TokenRow **ret_row,
	                           struct cadre_error *err);
	enum cadre_status (*cluster)(void *ctx, Cadre__V1__ClusterRow **ret_row,
	                             struct cadre_error *err);
};

struct cadre_state {
	const struct cadre_state_ops *ops;
	void *ctx;
};

/* What one decision may use. */
struct cadre_decide {
	struct cadre_state state;
	struct cadre_arena *arena;     /* the event and lookups are made here */
	const Cadre__V1__Actor *actor; /* required with a retry token */
	cadre_seq seq;                 /* the event's, if there is one */
	cadre_time_ms time_ms;         /* the batch's */
	const uint8_t *random;         /* 16 fresh random bytes for a new OCID */
	/* Ids that the batch's earlier commands made or changed; `$0` is ids[0]. */
	const char *const *batch_ids;
	size_t batch_ids_count;
	/* Test of one command without its token row: set inside a batch, whose
	 * token is looked up once by cadre_decide_token(). */
	bool ignore_token;
};

struct cadre_decision {
	/* In the arena. NULL: nothing to do (a no-op or a repeated token). */
	Cadre__V1__Event *event;
	bool repeated;               /* an earlier command with this token: its answer */
	uint64_t resource;           /* id of what was made or changed, 0 for none */
	char ocid[CADRE_OCID_BYTES]; /* its OCID, "" for none */
	uint64_t version_id;         /* of a group made, 0 otherwise */
	cadre_seq seq;               /* the deciding event's (repeated: the first one's);
	                       * a no-op: the resource's last change */
	cadre_seq etag_seq;          /* cadre_etag() of resource and this */
};

/* Everything that needs no state: required fields, lengths, characters, counts,
 * duplicates inside the command, enum combinations. */
CADRE_MUST_CHECK enum cadre_status cadre_command_check(const Cadre__V1__Command *command,
                                                       struct cadre_error *err);
/* Count, per-command checks (prefix `commands[3].`), no tokens inside, `$n` only
 * backward. */
CADRE_MUST_CHECK enum cadre_status cadre_batch_check(const Cadre__V1__Batch *batch,
                                                     struct cadre_error *err);

/* `command` was checked. The event borrows from it and from the state: pack or
 * apply it before either goes. */
CADRE_MUST_CHECK enum cadre_status cadre_decide(const struct cadre_decide *decide,
                                                const Cadre__V1__Command *command,
                                                struct cadre_decision *ret_decision,
                                                struct cadre_error *err);
/* The token rule alone: CADRE_OK and `*ret_row` (NULL: unknown or expired, go
 * on), or CADRE_INVALIDATED_RETRY_TOKEN for another command. */
CADRE_MUST_CHECK enum cadre_status cadre_decide_token(const struct cadre_decide *decide,
                                                      const char *token,
                                                      const struct cadre_sha256 *hash,
                                                      Cadre__V1__TokenRow **ret_row,
                                                      struct cadre_error *err);

/* SHA-256 of the canonical command: packed without retry token and if-match. */
CADRE_MUST_CHECK enum cadre_status cadre_command_hash(const Cadre__V1__Command *command,
                                                      struct cadre_sha256 *ret_hash,
                                                      struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_batch_hash(const Cadre__V1__Batch *batch,
                                                    struct cadre_sha256 *ret_hash,
                                                    struct cadre_error *err);

/* 32 hex digits and a NUL: SHA-256(cluster id, resource id, changed seq). */
void cadre_etag(const uint8_t cluster_id[16], uint64_t resource, cadre_seq changed_seq,
                char etag[CADRE_ETAG_CHARS + 1]);

/* A time-ordered OCID for a resource of `kind`:
 * ocid1.<type>.oc1.cadre.<48 bits of ms, 32 of seq, 80 random, base32hex>. */
void cadre_make_ocid(Cadre__V1__Kind kind, cadre_time_ms time_ms, cadre_seq seq,
                     const uint8_t random[16], char ocid[CADRE_OCID_BYTES]);

/* How long a retry token is remembered, in log time. */
#define CADRE_TOKEN_AGE_MS (24u * 3600u * 1000u)

/* The highest feature level that this build decides and applies.
 * 1: everything but what is named below. 2: policies; the cluster's row tells when
 * principals and policies last changed. */
#define CADRE_FEATURE_LEVEL 2u

#endif
