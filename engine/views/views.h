/*
 * The views: what the log means, as rows (rows.h) in an ordered map. A pure
 * function of the log: apply() is the only writer.
 *
 * A `struct cadre_view` is one transaction with the head it started from. The
 * leader decides and applies in a write view, whose rows later commands of the
 * same batch see, and commits it when the batch is committed.
 *
 * Threads: a view is used by one thread; write views as cadre_kv demands.
 * Errors: CADRE_CORRUPT for a row whose checksum fails (rebuild the generation),
 * CADRE_NOT_FOUND for what is absent; CADRE_DIVERGED when an event cannot apply
 * to this state, which a sound log never causes.
 */
#ifndef CADRE_VIEWS_VIEWS_H
#define CADRE_VIEWS_VIEWS_H

#include "engine/domain/domain.h"
#include "engine/kv/kv.h"
#include "engine/log/batch.h"
#include "engine/views/rows.h"

/* What the rows stand for; kept in the meta row of the same transaction. */
struct cadre_view_head {
	cadre_seq applied_seq;
	cadre_epoch epoch;
	cadre_time_ms time_ms;     /* of the last batch */
	struct cadre_sha256 chain; /* after applied_seq */
	struct cadre_hash128 digest;
	uint32_t schema;
};

/* A digest that the log recorded and the rows do not have. */
struct cadre_digest_difference {
	cadre_seq seq; /* of the record; 0: none */
	struct cadre_hash128 recorded;
	struct cadre_hash128 own;
};

struct cadre_view {
	struct cadre_kv *kv;
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor; /* opened on demand, read views keep it */
	struct cadre_arena *arena;      /* results of look-ups; of the caller */
	struct cadre_view_head head;
	bool writable;
	bool pointers_changed;   /* a latest or serving row was written */
	uint64_t rows_written;   /* puts and deletes */
	uint64_t bytes_written;  /* keys and values put */
	bool digests_may_differ; /* of the caller: a difference is noted, no error */
	cadre_seq digest_seq;    /* of the last record that was compared; 0: none */
	struct cadre_digest_difference difference; /* the last one found */
	/* Private. */
	cadre_time_ms oldest_token_ms; /* of the first t row; see token.c */
	struct cadre_buffer scratch;   /* key and value of the row being written */
};

/* `arena` must outlive the view. An empty map has a zero head. */
CADRE_MUST_CHECK enum cadre_status
cadre_view_begin(struct cadre_view *view, struct cadre_kv *kv, unsigned kv_flags,
                 struct cadre_arena *arena, struct cadre_error *err);
/* Undo point inside a write view: nested transaction; exactly one of the two
 * ends it. `saved` is the caller's. */
struct cadre_view_mark {
	struct cadre_kv_txn *outer;
	struct cadre_view_head head;
	bool pointers_changed;
	cadre_time_ms oldest_token_ms;
};
CADRE_MUST_CHECK enum cadre_status cadre_view_mark(struct cadre_view *view,
                                                   struct cadre_view_mark *saved,
                                                   struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_view_keep(struct cadre_view *view,
                                                   struct cadre_view_mark *saved,
                                                   struct cadre_error *err);
void cadre_view_undo(struct cadre_view *view, struct cadre_view_mark *saved);
/* Writes the meta row and commits. The view is ended whatever it returns. */
CADRE_MUST_CHECK enum cadre_status cadre_view_commit(struct cadre_view *view,
                                                     struct cadre_error *err);
void cadre_view_abort(struct cadre_view *view); /* also ends a read view */

/* Read views only. Gives the snapshot back but keeps what makes the next begin
 * cheap; renew then sees the newest commit. Between the two only renew and abort
 * are allowed. A renew that fails ends the view. */
void cadre_view_reset(struct cadre_view *view);
CADRE_MUST_CHECK enum cadre_status cadre_view_renew(struct cadre_view *view,
                                                    struct cadre_error *err);

/* Applies one event; advances head.applied_seq to `seq` (which must follow). */
CADRE_MUST_CHECK enum cadre_status cadre_view_apply(struct cadre_view *view,
                                                    cadre_seq seq, cadre_time_ms time_ms,
                                                    const Cadre__V1__Event *event,
                                                    struct cadre_error *err);
/* After the events of a batch: time row, epoch, time and chain of the head. */
CADRE_MUST_CHECK enum cadre_status
cadre_view_end_batch(struct cadre_view *view, const struct cadre_batch_header *header,
                     struct cadre_error *err);
/* Unpacks and applies every record of a batch whose chain follows from the
 * head's, then ends it. Resets the arena between events. */
CADRE_MUST_CHECK enum cadre_status cadre_view_apply_batch(struct cadre_view *view,
                                                          const struct cadre_batch *batch,
                                                          struct cadre_error *err);

/* Decide's window on the rows. */
struct cadre_state cadre_view_state(struct cadre_view *view);

/* Look-ups; results live in the view's arena. */
CADRE_MUST_CHECK enum cadre_status cadre_view_by_ocid(struct cadre_view *view,
                                                      const char *ocid,
                                                      Cadre__V1__Resource **ret_resource,
                                                      struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_view_by_id(struct cadre_view *view, uint64_t id,
                                                    Cadre__V1__Resource **ret_resource,
                                                    struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_view_attributes(struct cadre_view *view, uint64_t id,
                      Cadre__V1__Attributes **ret_attributes, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_view_cluster(struct cadre_view *view,
                                                      Cadre__V1__ClusterRow **ret_row,
                                                      struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_view_token(struct cadre_view *view, const char *principal, const char *token,
                 Cadre__V1__TokenRow **ret_row, struct cadre_error *err);
/* The last seq whose batch time is at or before `time_ms`; 0 when none. The
 * caller checks its watermark first. */
CADRE_MUST_CHECK enum cadre_status cadre_view_seq_at(struct cadre_view *view,
                                                     cadre_time_ms time_ms,
                                                     cadre_seq *ret_seq,
                                                     struct cadre_error *err);

/* What a target (group, history, deployment) meant at `at` (CADRE_SEQ_MAX: now).
 * A group always means itself once it exists. CADRE_NOT_FOUND before it existed
 * or while the pointer is empty. */
CADRE_MUST_CHECK enum cadre_status cadre_view_pointer(struct cadre_view *view,
                                                      Cadre__V1__Kind kind, uint64_t id,
                                                      cadre_seq at,
                                                      struct cadre_pointer *ret_pointer,
                                                      struct cadre_error *err);
/* The previous pointer of a history or deployment: the newest older than `before`.
 * CADRE_END when none: walks a key log backward. */
CADRE_MUST_CHECK enum cadre_status
cadre_view_pointer_before(struct cadre_view *view, Cadre__V1__Kind kind, uint64_t id,
                          cadre_seq before, struct cadre_pointer *ret_pointer,
                          struct cadre_error *err);
/* Key (or model OCID) -> model OCID in one version of a lineage: one seek, two
 * for an OCID. The result points into the map: valid until the view ends or
 * writes. CADRE_NOT_FOUND when the version has no such member. */
CADRE_MUST_CHECK enum cadre_status cadre_view_resolve(struct cadre_view *view,
                                                      uint64_t lineage, uint32_t version,
                                                      struct cadre_slice key,
                                                      struct cadre_slice *ret_model_id,
                                                      struct cadre_error *err);
/* The same for a model OCID: its key, or empty with `*ret_has_key` false. */
CADRE_MUST_CHECK enum cadre_status
cadre_view_member_key(struct cadre_view *view, uint64_t lineage, uint32_t version,
                      struct cadre_slice model_id, bool *ret_has_key,
                      struct cadre_slice *ret_key, struct cadre_error *err);

/* A member as iterated: slices valid during the callback. */
struct cadre_member {
	struct cadre_slice model_id;
	struct cadre_slice key;
	bool has_key;
};
typedef enum cadre_status (*cadre_member_fn)(void *ctx,
                                             const struct cadre_member *member);
/* Members in the order of their model OCIDs, behind `after` ("" or NULL: from the
 * first). A callback that returns CADRE_END stops with CADRE_OK; another status
 * is returned. */
CADRE_MUST_CHECK enum cadre_status cadre_view_members(struct cadre_view *view,
                                                      uint64_t lineage, uint32_t version,
                                                      const char *after,
                                                      cadre_member_fn fn, void *ctx,
                                                      struct cadre_error *err);
/* What differs between two groups' members: `before` or `after` is NULL when
 * absent on that side; both set when only the key differs. In model OCID order. */
typedef enum cadre_status (*cadre_diff_fn)(void *ctx, const struct cadre_member *before,
                                           const struct cadre_member *after);
CADRE_MUST_CHECK enum cadre_status cadre_view_diff(struct cadre_view *view,
                                                   const Cadre__V1__GroupState *from,
                                                   const Cadre__V1__GroupState *to,
                                                   cadre_diff_fn fn, void *ctx,
                                                   struct cadre_error *err);

enum cadre_sort { CADRE_SORT_TIME, CADRE_SORT_NAME, CADRE_SORT_STATE };
/* One page of resources of a kind. Unset filters (NULL or 0) match all. */
struct cadre_list_query {
	Cadre__V1__Kind kind;
	const char *compartment_id; /* required, but for nodes and principals */
	const char *project_id;
	const char *display_name; /* exact */
	const char *created_by;
	uint64_t history;    /* groups of that history, in version order */
	int lifecycle_state; /* Cadre__V1__LifecycleState */
	enum cadre_sort sort;
	bool descending;
	unsigned limit;           /* 1..1000 */
	struct cadre_slice after; /* the last page's `next`, empty for the first */
};
/* The callback's resource lives in the arena until the call returns. `next` is
 * opaque bytes for the next page (at most 300), empty at the end. */
typedef enum cadre_status (*cadre_resource_fn)(void *ctx,
                                               const Cadre__V1__Resource *resource);
CADRE_MUST_CHECK enum cadre_status cadre_view_list(struct cadre_view *view,
                                                   const struct cadre_list_query *query,
                                                   cadre_resource_fn fn, void *ctx,
                                                   struct cadre_buffer *next,
                                                   struct cadre_error *err);
/* All live resources of a kind, whatever their compartment, in no order to rely on.
 * A resource lives during its callback, which may look things up in the view; one
 * that returns CADRE_END stops with CADRE_OK, another status is returned. Memory: of
 * one resource. Time: of every resource of the kind that was ever made, and two seeks
 * a compartment. */
CADRE_MUST_CHECK enum cadre_status cadre_view_each(struct cadre_view *view,
                                                   Cadre__V1__Kind kind,
                                                   cadre_resource_fn fn, void *ctx,
                                                   struct cadre_error *err);
/* Resources of a kind by exact name in a compartment, live ones only. */
CADRE_MUST_CHECK enum cadre_status
cadre_view_by_name(struct cadre_view *view, Cadre__V1__Kind kind,
                   const char *compartment_id, const char *name, cadre_resource_fn fn,
                   void *ctx, struct cadre_error *err);
/* Seqs of the events that touched a deployment, oldest first, behind `after`. */
typedef enum cadre_status (*cadre_seq_fn)(void *ctx, cadre_seq seq, uint16_t type);
CADRE_MUST_CHECK enum cadre_status
cadre_view_deployment_events(struct cadre_view *view, uint64_t deployment,
                             cadre_seq after, cadre_seq_fn fn, void *ctx,
                             struct cadre_error *err);

/* ---- whole-map checks ---- */

/* Checks every row's checksum and recounts the digest from the rows.
 * CADRE_CORRUPT (the message names the row), CADRE_DIVERGED (digest differs from
 * the head's). */
CADRE_MUST_CHECK enum cadre_status
cadre_view_recount(struct cadre_view *view, uint64_t *ret_rows, struct cadre_error *err);

#endif
