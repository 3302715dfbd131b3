/*
 * One decision in progress, and what the decide functions share.
 *
 * A decide function answers with the body of its event, or NULL for a no-op. The
 * body may borrow from the command: the event is packed while the command lives.
 */
#ifndef CADRE_DOMAIN_DECIDING_H
#define CADRE_DOMAIN_DECIDING_H

#include "engine/domain/domain.h"

struct cadre_deciding {
	const struct cadre_decide *in;
	const Cadre__V1__Command *command; /* `$n` resolved */
	char path[64];                     /* `createGroup` */
	Cadre__V1__Resource *target; /* what the command changes; NULL: nothing yet */
	Cadre__V1__ClusterRow cluster;
	struct cadre_decision *out;
	struct cadre_error *err;
};

/* Decides one command; `*ret_body` stays NULL for a no-op. */
typedef enum cadre_status (*cadre_decide_fn)(struct cadre_deciding *d,
                                             ProtobufCMessage **ret_body);

/* Sets "<path>.<field>: <message>"; returns `status`. */
enum cadre_status cadre_refuse(const struct cadre_deciding *d, enum cadre_status status,
                               const char *field, const char *format, ...)
        CADRE_PRINTF(4, 5);

/* CADRE_TOO_LARGE or CADRE_OUT_OF_MEMORY, as the arena says. */
enum cadre_status cadre_arena_refused(const struct cadre_deciding *d);

/* An empty message in the arena. */
CADRE_MUST_CHECK enum cadre_status
cadre_new_message(struct cadre_deciding *d, const ProtobufCMessageDescriptor *type,
                  void *ret_message);
/* Zeroed storage in the arena. */
CADRE_MUST_CHECK enum cadre_status cadre_new_array(struct cadre_deciding *d, size_t count,
                                                   size_t width, void *ret_array);

/* The live resource of a kind by its id. Errors: `absent` when there is none of the
 * kind, CADRE_CONFLICT when it is deleted. */
CADRE_MUST_CHECK enum cadre_status cadre_find(struct cadre_deciding *d,
                                              Cadre__V1__Kind kind, const char *ocid,
                                              const char *field, enum cadre_status absent,
                                              Cadre__V1__Resource **ret_resource);
/* By row id: CADRE_CORRUPT when absent. */
CADRE_MUST_CHECK enum cadre_status cadre_find_row(struct cadre_deciding *d, uint64_t id,
                                                  Cadre__V1__Resource **ret_resource);
/* NULL when the resource has none. */
CADRE_MUST_CHECK enum cadre_status
cadre_find_attributes(struct cadre_deciding *d, const Cadre__V1__Resource *resource,
                      Cadre__V1__Attributes **ret);
/* if-match against a resource that is there. */
CADRE_MUST_CHECK enum cadre_status
cadre_check_if_match(struct cadre_deciding *d, const Cadre__V1__Resource *resource);

/* Names the resource that the event makes: its id, and a new OCID, or `ocid`.
 * `*ret_ocid` (may be NULL) is the event's copy. */
CADRE_MUST_CHECK enum cadre_status cadre_made(struct cadre_deciding *d,
                                              Cadre__V1__Kind kind, const char *ocid,
                                              char **ret_ocid);

/* `name`, or "<prefix>-<yyyymmddhhmmss>" of the batch's time. */
CADRE_MUST_CHECK enum cadre_status cadre_name_or_made_up(struct cadre_deciding *d,
                                                         const char *name,
                                                         const char *prefix,
                                                         char **ret_name);

/* Whether `wanted` is there and differs from `present` (which may be NULL). */
bool cadre_text_changes(const char *wanted, const char *present);
/* The tags as a set; NULL wanted: unchanged; absent and empty are the same. */
bool cadre_freeform_change(const Cadre__V1__FreeformTags *wanted,
                           const Cadre__V1__Attributes *present);
bool cadre_defined_change(const Cadre__V1__DefinedTags *wanted,
                          const Cadre__V1__Attributes *present);

/* Leaves in an update's common fields what differs from the target; counts it. */
struct cadre_common_changes {
	char **display_name;
	char **description;
	Cadre__V1__FreeformTags **freeform_tags;
	Cadre__V1__DefinedTags **defined_tags;
};
CADRE_MUST_CHECK enum cadre_status
cadre_keep_changes(struct cadre_deciding *d, const struct cadre_common_changes *fields,
                   unsigned *changes);

/* ---- groups and histories (link.c) ---- */

/* A history that a group may join: live. */
CADRE_MUST_CHECK enum cadre_status cadre_find_history(struct cadre_deciding *d,
                                                      const char *ocid, const char *field,
                                                      Cadre__V1__Resource **ret_history);
/* The group's next place in the history. */
CADRE_MUST_CHECK enum cadre_status cadre_make_link(struct cadre_deciding *d,
                                                   const Cadre__V1__Resource *history,
                                                   bool latest,
                                                   Cadre__V1__HistoryLink **ret_link);
/* As cadre_make_link() for a named history, NULL for none: latest when it is empty. */
CADRE_MUST_CHECK enum cadre_status cadre_join_history(struct cadre_deciding *d,
                                                      const char *ocid, const char *field,
                                                      Cadre__V1__HistoryLink **ret_link);
/* The group is not the latest of a history with other live groups, and no live
 * deployment names it: it may be deleted or deactivated. */
CADRE_MUST_CHECK enum cadre_status cadre_check_unused(struct cadre_deciding *d,
                                                      const Cadre__V1__Resource *group,
                                                      const char *verb);
/* The group may be what a history's latest, or a deployment, points at: ACTIVE. */
CADRE_MUST_CHECK enum cadre_status cadre_check_active(struct cadre_deciding *d,
                                                      const Cadre__V1__Resource *group,
                                                      const char *field);
/* With strict members: the model is registered and live. */
CADRE_MUST_CHECK enum cadre_status cadre_check_member_model(struct cadre_deciding *d,
                                                            const char *model_id,
                                                            const char *field);

/* ---- patches (patch.c) ---- */

/* The net difference, both lists in the order of the model OCIDs. */
struct cadre_difference {
	Cadre__V1__Member **removed;
	size_t removed_count;
	Cadre__V1__Member **inserted;
	size_t inserted_count;
};
/* `base`: the model that must be in the result, NULL for none. */
CADRE_MUST_CHECK enum cadre_status cadre_patch(struct cadre_deciding *d,
                                               const Cadre__V1__GroupState *source,
                                               Cadre__V1__PatchInstruction *const *patch,
                                               size_t patch_count, const char *base,
                                               const char *base_field,
                                               struct cadre_difference *ret_difference);

/* ---- `$n` (refs.c) ---- */

/* `*ret_command` is `command` itself when it holds none. */
CADRE_MUST_CHECK enum cadre_status
cadre_resolve_refs(const struct cadre_decide *in, const Cadre__V1__Command *command,
                   const Cadre__V1__Command **ret_command, struct cadre_error *err);

/* ---- one function a command ---- */
enum cadre_status cadre_decide_create_group(struct cadre_deciding *d,
                                            ProtobufCMessage **ret);
enum cadre_status cadre_decide_clone_group(struct cadre_deciding *d,
                                           ProtobufCMessage **ret);
enum cadre_status cadre_decide_patch_group(struct cadre_deciding *d,
                                           ProtobufCMessage **ret);
enum cadre_status cadre_decide_update_group(struct cadre_deciding *d,
                                            ProtobufCMessage **ret);
enum cadre_status cadre_decide_activate_group(struct cadre_deciding *d,
                                              ProtobufCMessage **ret);
enum cadre_status cadre_decide_deactivate_group(struct cadre_deciding *d,
                                                ProtobufCMessage **ret);
enum cadre_status cadre_decide_delete_group(struct cadre_deciding *d,
                                            ProtobufCMessage **ret);
enum cadre_status cadre_decide_move_group(struct cadre_deciding *d,
                                          ProtobufCMessage **ret);
enum cadre_status cadre_decide_put_artifact(struct cadre_deciding *d,
                                            ProtobufCMessage **ret);
enum cadre_status cadre_decide_create_history(struct cadre_deciding *d,
                                              ProtobufCMessage **ret);
enum cadre_status cadre_decide_update_history(struct cadre_deciding *d,
                                              ProtobufCMessage **ret);
enum cadre_status cadre_decide_delete_history(struct cadre_deciding *d,
                                              ProtobufCMessage **ret);
enum cadre_status cadre_decide_move_history(struct cadre_deciding *d,
                                            ProtobufCMessage **ret);
enum cadre_status cadre_decide_register_model(struct cadre_deciding *d,
                                              ProtobufCMessage **ret);
enum cadre_status cadre_decide_retire_model(struct cadre_deciding *d,
                                            ProtobufCMessage **ret);
enum cadre_status cadre_decide_create_deployment(struct cadre_deciding *d,
                                                 ProtobufCMessage **ret);
enum cadre_status cadre_decide_update_deployment(struct cadre_deciding *d,
                                                 ProtobufCMessage **ret);
enum cadre_status cadre_decide_activate_deployment(struct cadre_deciding *d,
                                                   ProtobufCMessage **ret);
enum cadre_status cadre_decide_deactivate_deployment(struct cadre_deciding *d,
                                                     ProtobufCMessage **ret);
enum cadre_status cadre_decide_delete_deployment(struct cadre_deciding *d,
                                                 ProtobufCMessage **ret);
enum cadre_status cadre_decide_cut_over(struct cadre_deciding *d, ProtobufCMessage **ret);
enum cadre_status cadre_decide_finish_cut_over(struct cadre_deciding *d,
                                               ProtobufCMessage **ret);
enum cadre_status cadre_decide_place_deployment(struct cadre_deciding *d,
                                                ProtobufCMessage **ret);
enum cadre_status cadre_decide_register_node(struct cadre_deciding *d,
                                             ProtobufCMessage **ret);
enum cadre_status cadre_decide_retire_node(struct cadre_deciding *d,
                                           ProtobufCMessage **ret);
enum cadre_status cadre_decide_put_principal(struct cadre_deciding *d,
                                             ProtobufCMessage **ret);
enum cadre_status cadre_decide_remove_principal(struct cadre_deciding *d,
                                                ProtobufCMessage **ret);
enum cadre_status cadre_decide_put_policy(struct cadre_deciding *d,
                                          ProtobufCMessage **ret);
enum cadre_status cadre_decide_remove_policy(struct cadre_deciding *d,
                                             ProtobufCMessage **ret);
enum cadre_status cadre_decide_raise_feature_level(struct cadre_deciding *d,
                                                   ProtobufCMessage **ret);

#endif
