/*
 * The operations of a query among themselves.
 *
 * Internal to replica/rpc.
 */
#ifndef CADRE_RPC_QUERY_INTERNAL_H
#define CADRE_RPC_QUERY_INTERNAL_H

#include "replica/rpc/query.h"

/* Zeroed memory in the arena; NULL without room. */
void *query_alloc(struct cadre_query *query, size_t size);
/* The status for an arena without room: LIMIT_EXCEEDED, with advice. */
enum cadre_status query_no_room(struct cadre_query *query, struct cadre_error *err);
char *query_text(struct cadre_query *query, struct cadre_slice text);
/* The OCID of a resource by its id; NULL when there is none. */
char *query_ocid(struct cadre_query *query, uint64_t id);

/* ---- query_find.c ---- */

/* A target's resource; CADRE_INVALID_PARAMETER for what is none. */
CADRE_MUST_CHECK enum cadre_status query_target(struct cadre_query *query,
                                                const char *field, const char *target,
                                                Cadre__V1__Resource **ret_resource,
                                                struct cadre_error *err);
/* A group by its id, kept for the next time. */
CADRE_MUST_CHECK enum cadre_status query_group_by_id(struct cadre_query *query,
                                                     uint64_t id,
                                                     Cadre__V1__Resource **ret_group,
                                                     struct cadre_error *err);
/* What a target means at `at`. */
CADRE_MUST_CHECK enum cadre_status
query_pointer(struct cadre_query *query, const char *field, const char *target,
              cadre_seq at, struct cadre_pointer *ret_pointer, struct cadre_error *err);
/* The group that a target means now. */
CADRE_MUST_CHECK enum cadre_status query_group(struct cadre_query *query,
                                               const char *field, const char *target,
                                               Cadre__V1__Resource **ret_group,
                                               struct cadre_error *err);

/* ---- query_resource.c ---- */

CADRE_MUST_CHECK enum cadre_status query_info(struct cadre_query *query,
                                              Cadre__V1__Resource *resource,
                                              Cadre__V1__ResourceInfo **ret_info,
                                              struct cadre_error *err);

/* ---- query_event.c ---- */

/* The event at `seq` and its batch's time and epoch. CADRE_NOT_FOUND without a log,
 * or when it is older than the log. */
struct query_event {
	Cadre__V1__Event *event;
	cadre_time_ms time_ms;
	cadre_epoch epoch;
};
CADRE_MUST_CHECK enum cadre_status query_event(struct cadre_query *query, cadre_seq seq,
                                               struct query_event *ret_event,
                                               struct cadre_error *err);

/* ---- operations ---- */

typedef enum cadre_status (*query_fn)(struct cadre_query *query, const Cadre__V1__Op *op,
                                      Cadre__V1__Result *result, struct cadre_error *err);
enum cadre_status query_get(struct cadre_query *query, const Cadre__V1__Op *op,
                            Cadre__V1__Result *result, struct cadre_error *err);
enum cadre_status query_resolve(struct cadre_query *query, const Cadre__V1__Op *op,
                                Cadre__V1__Result *result, struct cadre_error *err);
enum cadre_status query_list(struct cadre_query *query, const Cadre__V1__Op *op,
                             Cadre__V1__Result *result, struct cadre_error *err);
enum cadre_status query_members(struct cadre_query *query, const Cadre__V1__Op *op,
                                Cadre__V1__Result *result, struct cadre_error *err);
enum cadre_status query_diff(struct cadre_query *query, const Cadre__V1__Op *op,
                             Cadre__V1__Result *result, struct cadre_error *err);
enum cadre_status query_key_log(struct cadre_query *query, const Cadre__V1__Op *op,
                                Cadre__V1__Result *result, struct cadre_error *err);
enum cadre_status query_history_log(struct cadre_query *query, const Cadre__V1__Op *op,
                                    Cadre__V1__Result *result, struct cadre_error *err);
enum cadre_status query_outcome(struct cadre_query *query, const Cadre__V1__Op *op,
                                Cadre__V1__Result *result, struct cadre_error *err);
enum cadre_status query_watch(struct cadre_query *query, const Cadre__V1__Op *op,
                              Cadre__V1__Result *result, struct cadre_error *err);

/* Reads up to `limit` members behind `after` into an array of the arena. `limit` 0:
 * all. `*ret_more` may be NULL. */
CADRE_MUST_CHECK enum cadre_status
query_member_list(struct cadre_query *query, const Cadre__V1__GroupState *group,
                  const char *after, size_t limit, Cadre__V1__Member ***ret_members,
                  size_t *ret_count, bool *ret_more, struct cadre_error *err);
/* `given` when it is 1..max, `absent` when it is not there. */
CADRE_MUST_CHECK enum cadre_status query_limit(const char *field, bool has,
                                               uint32_t given, uint32_t absent,
                                               uint32_t *ret_limit,
                                               struct cadre_error *err);

#endif
