/* Shared by the files of the model; tests include model_state.h. */
#ifndef TESTS_SUPPORT_MODEL_APPLY_H
#define TESTS_SUPPORT_MODEL_APPLY_H

#include "tests/support/model_state.h"

#define STATE(name) CADRE__V1__LIFECYCLE_STATE__##name
#define KIND(name) CADRE__V1__KIND__KIND_##name

/* One event being applied. */
struct applying {
	struct model_state *model;
	cadre_seq seq;
	cadre_time_ms time_ms;
	const Cadre__V1__Event *event;
	struct model_resource *resource; /* made or changed: for the token */
	uint64_t version_id;             /* of a group made */
};

/* Zeroed memory that lives as long as the model. */
void *model_alloc(struct model_state *model, size_t bytes);
/* Registers a new resource with a name that none has. */
void model_add(struct model_state *model, struct model_resource *resource);
/* Whether it is a live deployment with the group as target or serving. */
bool model_uses(const struct model_resource *deployment, uint64_t group_id);

/* The resource of that kind and name, which must exist. */
struct model_resource *model_find_kind(struct applying *a, Cadre__V1__Kind kind,
                                       const char *name);
/* The same, changed by this event. */
struct model_resource *model_find_changed(struct applying *a, Cadre__V1__Kind kind,
                                          const char *name);
void model_touch(struct applying *a, struct model_resource *resource);
char *model_join(struct applying *a, const char *prefix, const char *id);
/* A new resource made by this event. */
struct model_resource *model_make(struct applying *a, Cadre__V1__Kind kind,
                                  const char *prefix, char *ocid);
void model_own(struct model_resource *resource, char *compartment, char *project,
               char *name, char *description);
/* NULL tags and absent metadata stay as they are. */
void model_set_tags(struct applying *a, struct model_resource *resource,
                    Cadre__V1__FreeformTags *freeform, Cadre__V1__DefinedTags *defined,
                    bool has_metadata, Cadre__V1__CustomMetadata **metadata,
                    size_t metadata_count);
/* What the resource means from this event on. */
void model_point(struct applying *a, struct model_resource *resource, uint64_t group,
                 uint64_t generation);

/* One for each event body. */
void model_apply_group_created(struct applying *a);
void model_apply_group_derived(struct applying *a);
void model_apply_group_updated(struct applying *a);
void model_apply_group_activated(struct applying *a);
void model_apply_group_deactivated(struct applying *a);
void model_apply_group_deleted(struct applying *a);
void model_apply_moved(struct applying *a);
void model_apply_artifact_put(struct applying *a);
void model_apply_history_created(struct applying *a);
void model_apply_history_updated(struct applying *a);
void model_apply_history_deleted(struct applying *a);
void model_apply_deployment_created(struct applying *a);
void model_apply_deployment_updated(struct applying *a);
void model_apply_deployment_activated(struct applying *a);
void model_apply_deployment_deactivated(struct applying *a);
void model_apply_deployment_deleted(struct applying *a);
void model_apply_cut_over(struct applying *a);
void model_apply_cut_over_finished(struct applying *a);
void model_apply_deployment_placed(struct applying *a);
void model_apply_model_registered(struct applying *a);
void model_apply_node_registered(struct applying *a);
void model_apply_principal_put(struct applying *a);
void model_apply_model_retired(struct applying *a);
void model_apply_node_retired(struct applying *a);
void model_apply_principal_removed(struct applying *a);
void model_apply_policy_put(struct applying *a);
void model_apply_policy_removed(struct applying *a);
void model_apply_cluster_configured(struct applying *a);
void model_apply_feature_level(struct applying *a);
void model_apply_nothing(struct applying *a);

#endif
