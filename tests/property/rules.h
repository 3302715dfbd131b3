/*
 * What the rules of model groups say to a command, read off the naive model: an
 * independent second opinion on whether there is an event, on the status of a
 * refusal, and on the members and the place in a history that come of it.
 */
#ifndef TESTS_PROPERTY_RULES_H
#define TESTS_PROPERTY_RULES_H

#include "tests/support/model_state.h"

/* What a group or history is after its command, as far as the rules say. */
struct outcome {
	bool links;            /* the four below are said */
	uint64_t history;      /* of the group; 0: none */
	bool is_latest;        /* of that history afterwards */
	uint64_t latest_group; /* what else is, 0: none */
	uint64_t version_id;   /* of the group */
	bool moves_latest;     /* the history that is made or changed gets latest_group */
	bool has_members;      /* of the group that is made */
	struct model_member *members; /* in any order; of the verdict */
	size_t member_count;
};

struct verdict {
	enum cadre_status status;
	bool event;    /* something changes */
	bool repeated; /* of the retry token's first answer */
	struct outcome outcome;
};
void verdict_fini(struct verdict *verdict);

/* NULL, or what of the resource, made or changed by the command, is not as the
 * verdict says. */
const char *rules_check_outcome(const struct model_state *model,
                                const struct verdict *verdict, uint64_t resource);

/* `command` is well-formed and without `$n`. */
struct verdict rules_judge(const struct model_state *model,
                           const Cadre__V1__Command *command, const char *principal,
                           cadre_time_ms time_ms);

/* Internal: rules_patch.c, rules_group.c, rules_other.c. */
struct judging {
	const struct model_state *model;
	const Cadre__V1__Command *command;
	bool event;
	struct outcome outcome;
};
typedef enum cadre_status (*rule_fn)(struct judging *j);

enum cadre_status rule_create_group(struct judging *j);
enum cadre_status rule_clone_group(struct judging *j);
enum cadre_status rule_patch_group(struct judging *j);
enum cadre_status rule_update_group(struct judging *j);
enum cadre_status rule_activate_group(struct judging *j);
enum cadre_status rule_deactivate_group(struct judging *j);
enum cadre_status rule_delete_group(struct judging *j);
enum cadre_status rule_move_group(struct judging *j);
enum cadre_status rule_put_artifact(struct judging *j);
enum cadre_status rule_create_history(struct judging *j);
enum cadre_status rule_update_history(struct judging *j);
enum cadre_status rule_delete_history(struct judging *j);
enum cadre_status rule_move_history(struct judging *j);

/* The live resource of a kind; `absent` or CADRE_CONFLICT. */
enum cadre_status rule_find(const struct judging *j, Cadre__V1__Kind kind, const char *id,
                            enum cadre_status absent, struct model_resource **ret);
/* The same for what the command changes, with its if-match. */
enum cadre_status rule_target(const struct judging *j, Cadre__V1__Kind kind,
                              const char *id, struct model_resource **ret);
enum cadre_status rule_if_match(const struct judging *j,
                                const struct model_resource *resource);
bool rule_text_changes(const char *wanted, const char *present);
/* Any of the four differs from the target's. */
bool rule_common_changes(const struct model_resource *target, const char *name,
                         const char *description, const Cadre__V1__FreeformTags *freeform,
                         const Cadre__V1__DefinedTags *defined);
bool rule_same(const ProtobufCMessage *a, const ProtobufCMessage *b);
enum cadre_status rule_strict(const struct judging *j, const char *model_id);
/* The instructions on the source's whole list, which goes into the outcome. */
enum cadre_status rule_patch(struct judging *j, const struct model_resource *source,
                             Cadre__V1__PatchInstruction **patch, size_t count,
                             const char *base);

#endif
