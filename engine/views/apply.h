/*
 * What the apply functions share. One event at a time; each function reads the
 * event and writes rows. A failing apply leaves rows half changed: the caller
 * undoes its mark or aborts.
 *
 * Internal to engine/views. Errors: CADRE_DIVERGED, naming seq and cause, when
 * the event cannot apply to this state.
 */
#ifndef CADRE_VIEWS_APPLY_H
#define CADRE_VIEWS_APPLY_H

#include "engine/views/rowio.h"

struct cadre_apply {
	struct cadre_view *view;
	cadre_seq seq;
	cadre_time_ms time_ms;
	const Cadre__V1__Event *event;
	struct cadre_error *err;
	/* For the retry token's row. */
	uint64_t resource;   /* id of what was made or changed; 0: none */
	uint64_t version_id; /* of a group made; 0 otherwise */
	cadre_seq etag_seq;  /* of the answer; 0: the event's */
};

/* Writes what the event's body means. */
typedef enum cadre_status (*cadre_apply_fn)(struct cadre_apply *apply);

/* A resource about to change, with its row's share of the digest. */
struct cadre_loaded {
	Cadre__V1__Resource *resource;
	struct cadre_hash128 term;
};

/* CADRE_DIVERGED: "seq 7: " and the text. */
enum cadre_status cadre_apply_diverged(struct cadre_apply *apply, const char *format, ...)
        CADRE_PRINTF(2, 3);
/* A row that must be there is not: CADRE_NOT_FOUND becomes CADRE_DIVERGED. */
enum cadre_status cadre_apply_required(struct cadre_apply *apply,
                                       enum cadre_status status, const char *what,
                                       const char *id);
enum cadre_status cadre_apply_no_memory(struct cadre_apply *apply);

/* A resource that must be there and of that kind, by OCID or id. */
CADRE_MUST_CHECK enum cadre_status cadre_apply_load(struct cadre_apply *apply,
                                                    Cadre__V1__Kind kind,
                                                    const char *ocid,
                                                    struct cadre_loaded *ret_loaded);
CADRE_MUST_CHECK enum cadre_status cadre_apply_load_id(struct cadre_apply *apply,
                                                       Cadre__V1__Kind kind, uint64_t id,
                                                       struct cadre_loaded *ret_loaded);
CADRE_MUST_CHECK enum cadre_status cadre_apply_store(struct cadre_apply *apply,
                                                     const struct cadre_loaded *loaded);
/* Sets what an etag and the time of change are made of. */
void cadre_apply_touch(struct cadre_apply *apply, Cadre__V1__Resource *resource);

/* Fills the common fields of a new resource (id, seqs, times, creator). */
void cadre_apply_init(struct cadre_apply *apply, Cadre__V1__Resource *resource,
                      Cadre__V1__Kind kind, const char *ocid, const char *compartment_id,
                      const char *project_id, const char *display_name);
/* Writes a new resource with its OCID and index rows. `prefix` is put before the
 * OCID in its row: "", "node:", "principal:", "policy:". */
/* A history that ends: its row goes behind those that look-ups by name read. */
CADRE_MUST_CHECK enum cadre_status
cadre_apply_free_name(struct cadre_apply *apply, const Cadre__V1__Resource *resource);
CADRE_MUST_CHECK enum cadre_status
cadre_apply_create(struct cadre_apply *apply, const char *prefix,
                   const Cadre__V1__Resource *resource);
/* Change name or compartment, and with them the index rows. The caller stores. */
CADRE_MUST_CHECK enum cadre_status cadre_apply_rename(struct cadre_apply *apply,
                                                      Cadre__V1__Resource *resource,
                                                      const char *display_name);
CADRE_MUST_CHECK enum cadre_status cadre_apply_move(struct cadre_apply *apply,
                                                    Cadre__V1__Resource *resource,
                                                    const char *compartment_id);
/* Prefix and id as one text in the view's arena; NULL when it is full. */
char *cadre_apply_join(struct cadre_apply *apply, const char *prefix, const char *id);

/* What an event says about attributes; absent parts are kept. */
struct cadre_attribute_change {
	bool has_metadata; /* also when it becomes empty */
	Cadre__V1__CustomMetadata **metadata;
	size_t metadata_count;
	Cadre__V1__FreeformTags *freeform_tags;
	Cadre__V1__DefinedTags *defined_tags;
};
/* Gives `resource` a new Attributes row (or none) made of its present one and the
 * change; nothing when the change is empty. */
CADRE_MUST_CHECK enum cadre_status
cadre_apply_attributes(struct cadre_apply *apply, Cadre__V1__Resource *resource,
                       const struct cadre_attribute_change *change);

/* Writes the pointer of a history ('h') or deployment ('s') from this seq on. A
 * NULL group empties it. */
CADRE_MUST_CHECK enum cadre_status cadre_apply_point(struct cadre_apply *apply,
                                                     char table, uint64_t id,
                                                     const Cadre__V1__Resource *group,
                                                     uint32_t generation);

/* The retry token's rows, and expired ones of earlier events. */
CADRE_MUST_CHECK enum cadre_status cadre_apply_token(struct cadre_apply *apply);
CADRE_MUST_CHECK enum cadre_status cadre_apply_expire_tokens(struct cadre_apply *apply);

/* ---- the lineage (lineage.c) ---- */

struct cadre_lineage_ref {
	uint64_t lineage;
	uint32_t version;
	uint32_t member_count;
};
/* A new group's members from a full list. */
CADRE_MUST_CHECK enum cadre_status
cadre_lineage_create(struct cadre_apply *apply, Cadre__V1__Member *const *members,
                     size_t count, struct cadre_lineage_ref *ret_ref);
/* A new group's members as the difference to `source`. */
CADRE_MUST_CHECK enum cadre_status
cadre_lineage_derive(struct cadre_apply *apply, const Cadre__V1__Resource *source,
                     const Cadre__V1__GroupDerived *derived,
                     struct cadre_lineage_ref *ret_ref);

/* ---- histories (apply_history.c) ---- */

/* Puts `group` (not in a history yet, not stored by this) into a history as
 * `version_id`, and moves latest when told to. */
CADRE_MUST_CHECK enum cadre_status cadre_history_link(struct cadre_apply *apply,
                                                      Cadre__V1__Resource *group,
                                                      struct cadre_loaded *history,
                                                      uint64_t version_id, bool latest);
/* The group stops being live in its history or leaves it: empties latest when it
 * was that. Loads and stores the history; nothing without one. */
enum cadre_history_leave {
	CADRE_LEAVE_DEACTIVATED,
	CADRE_LEAVE_DELETED,
	CADRE_LEAVE_UNLINKED
};
CADRE_MUST_CHECK enum cadre_status cadre_history_leave(struct cadre_apply *apply,
                                                       const Cadre__V1__Resource *group,
                                                       enum cadre_history_leave how);

/* One for each event body; `derived` and `state` take several. */
enum cadre_status cadre_apply_group_created(struct cadre_apply *apply);
enum cadre_status cadre_apply_group_derived(struct cadre_apply *apply);
enum cadre_status cadre_apply_group_updated(struct cadre_apply *apply);
enum cadre_status cadre_apply_group_state(struct cadre_apply *apply);
enum cadre_status cadre_apply_group_moved(struct cadre_apply *apply);
enum cadre_status cadre_apply_artifact_put(struct cadre_apply *apply);
enum cadre_status cadre_apply_history_created(struct cadre_apply *apply);
enum cadre_status cadre_apply_history_updated(struct cadre_apply *apply);
enum cadre_status cadre_apply_history_deleted(struct cadre_apply *apply);
enum cadre_status cadre_apply_history_moved(struct cadre_apply *apply);
enum cadre_status cadre_apply_deployment_created(struct cadre_apply *apply);
enum cadre_status cadre_apply_deployment_updated(struct cadre_apply *apply);
enum cadre_status cadre_apply_deployment_state(struct cadre_apply *apply);
enum cadre_status cadre_apply_cut_over(struct cadre_apply *apply);
enum cadre_status cadre_apply_cut_over_finished(struct cadre_apply *apply);
enum cadre_status cadre_apply_deployment_placed(struct cadre_apply *apply);
enum cadre_status cadre_apply_model_registered(struct cadre_apply *apply);
enum cadre_status cadre_apply_model_retired(struct cadre_apply *apply);
enum cadre_status cadre_apply_node_registered(struct cadre_apply *apply);
enum cadre_status cadre_apply_node_retired(struct cadre_apply *apply);
enum cadre_status cadre_apply_principal_put(struct cadre_apply *apply);
enum cadre_status cadre_apply_principal_removed(struct cadre_apply *apply);
enum cadre_status cadre_apply_policy_put(struct cadre_apply *apply);
enum cadre_status cadre_apply_policy_removed(struct cadre_apply *apply);
enum cadre_status cadre_apply_cluster_configured(struct cadre_apply *apply);
enum cadre_status cadre_apply_epoch_started(struct cadre_apply *apply);
enum cadre_status cadre_apply_digest_recorded(struct cadre_apply *apply);
enum cadre_status cadre_apply_feature_level_raised(struct cadre_apply *apply);

#endif
