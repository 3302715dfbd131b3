/* What all events of the model have in common, and the table of them. */
#include "tests/support/model_apply.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "proto/codec/codec.h"

struct model_resource *model_find_kind(struct applying *a, Cadre__V1__Kind kind,
                                       const char *name)
{
	struct model_resource *found = model_find(a->model, name);

	CADRE_ASSERT(found && found->row.kind == kind);
	return found;
}

void model_touch(struct applying *a, struct model_resource *resource)
{
	resource->row.changed_seq = a->seq;
	resource->row.time_updated_ms = a->time_ms;
}

struct model_resource *model_find_changed(struct applying *a, Cadre__V1__Kind kind,
                                          const char *name)
{
	struct model_resource *found = model_find_kind(a, kind, name);

	model_touch(a, found);
	a->resource = found;
	return found;
}

char *model_join(struct applying *a, const char *prefix, const char *id)
{
	size_t bytes = strlen(prefix) + strlen(id) + 1;
	char *text = model_alloc(a->model, bytes);

	snprintf(text, bytes, "%s%s", prefix, id);
	return text;
}

struct model_resource *model_make(struct applying *a, Cadre__V1__Kind kind,
                                  const char *prefix, char *ocid)
{
	struct model_resource *made = model_alloc(a->model, sizeof *made);
	Cadre__V1__Resource *row = &made->row;

	cadre__v1__resource__init(row);
	cadre__v1__attributes__init(&made->attributes);
	row->kind = kind;
	row->id = a->seq;
	row->ocid = ocid;
	row->lifecycle_state = STATE(ACTIVE);
	row->time_created_ms = a->time_ms;
	row->created_by = a->event->actor ? a->event->actor->principal : NULL;
	/* The oneof's field numbers follow the kinds; its members share one place. */
	row->detail_case = (Cadre__V1__Resource__DetailCase)(19 + (int)kind);
	row->group = &made->detail.group;
	made->name = model_join(a, prefix, ocid);
	model_touch(a, made);
	model_add(a->model, made);
	a->resource = made;
	return made;
}

void model_own(struct model_resource *resource, char *compartment, char *project,
               char *name, char *description)
{
	resource->row.compartment_id = compartment;
	resource->row.project_id = project;
	resource->row.display_name = name;
	resource->row.description = description;
}

void model_set_tags(struct applying *a, struct model_resource *resource,
                    Cadre__V1__FreeformTags *freeform, Cadre__V1__DefinedTags *defined,
                    bool has_metadata, Cadre__V1__CustomMetadata **metadata,
                    size_t metadata_count)
{
	Cadre__V1__Attributes *mine = &resource->attributes;

	if (!freeform && !defined && !has_metadata)
		return;
	if (freeform)
		mine->freeform_tags = freeform->n_tags > 0 ? freeform : NULL;
	if (defined)
		mine->defined_tags = defined->n_tags > 0 ? defined : NULL;
	if (has_metadata) {
		mine->custom_metadata_list = metadata;
		mine->n_custom_metadata_list = metadata_count;
	}
	resource->row.has_attributes = mine->freeform_tags || mine->defined_tags ||
	                               mine->n_custom_metadata_list > 0;
	resource->row.attributes = resource->row.has_attributes ? a->seq : 0;
}

void model_point(struct applying *a, struct model_resource *resource, uint64_t group,
                 uint64_t generation)
{
	size_t count = resource->pointer_count;
	struct model_pointer *longer = model_alloc(a->model,
	                                           (count + 1) * sizeof *longer);

	if (count > 0)
		memcpy(longer, resource->pointers, count * sizeof *longer);
	longer[count] = (struct model_pointer){ a->seq, group, generation };
	resource->pointers = longer;
	resource->pointer_count = count + 1;
}

#define BODY(name) [CADRE__V1__EVENT__BODY_##name]
static void (*const bodies[])(struct applying *a) = {
	BODY(GROUP_CREATED) = model_apply_group_created,
	BODY(GROUP_CLONED) = model_apply_group_derived,
	BODY(GROUP_PATCHED) = model_apply_group_derived,
	BODY(GROUP_UPDATED) = model_apply_group_updated,
	BODY(GROUP_ACTIVATED) = model_apply_group_activated,
	BODY(GROUP_DEACTIVATED) = model_apply_group_deactivated,
	BODY(GROUP_DELETED) = model_apply_group_deleted,
	BODY(GROUP_MOVED) = model_apply_moved,
	BODY(ARTIFACT_PUT) = model_apply_artifact_put,
	BODY(HISTORY_CREATED) = model_apply_history_created,
	BODY(HISTORY_UPDATED) = model_apply_history_updated,
	BODY(HISTORY_DELETED) = model_apply_history_deleted,
	BODY(HISTORY_MOVED) = model_apply_moved,
	BODY(MODEL_REGISTERED) = model_apply_model_registered,
	BODY(MODEL_RETIRED) = model_apply_model_retired,
	BODY(DEPLOYMENT_CREATED) = model_apply_deployment_created,
	BODY(DEPLOYMENT_UPDATED) = model_apply_deployment_updated,
	BODY(DEPLOYMENT_ACTIVATED) = model_apply_deployment_activated,
	BODY(DEPLOYMENT_DEACTIVATED) = model_apply_deployment_deactivated,
	BODY(DEPLOYMENT_DELETED) = model_apply_deployment_deleted,
	BODY(CUT_OVER) = model_apply_cut_over,
	BODY(CUT_OVER_FINISHED) = model_apply_cut_over_finished,
	BODY(DEPLOYMENT_PLACED) = model_apply_deployment_placed,
	BODY(NODE_REGISTERED) = model_apply_node_registered,
	BODY(NODE_RETIRED) = model_apply_node_retired,
	BODY(PRINCIPAL_PUT) = model_apply_principal_put,
	BODY(PRINCIPAL_REMOVED) = model_apply_principal_removed,
	BODY(POLICY_PUT) = model_apply_policy_put,
	BODY(POLICY_REMOVED) = model_apply_policy_removed,
	BODY(CLUSTER_CONFIGURED) = model_apply_cluster_configured,
	BODY(EPOCH_STARTED) = model_apply_nothing,
	BODY(DIGEST_RECORDED) = model_apply_nothing,
	BODY(FEATURE_LEVEL_RAISED) = model_apply_feature_level,
};

static const Cadre__V1__Event *keep(struct model_state *model,
                                    const Cadre__V1__Event *event)
{
	struct cadre_buffer packed = { 0 };
	ProtobufCMessage *kept = NULL;

	CADRE_ASSERT(cadre_pack(&event->base, &packed, NULL) == CADRE_OK);
	CADRE_ASSERT(cadre_unpack(event->base.descriptor, cadre_buffer_slice(&packed),
	                          &model->arena, &kept, NULL) == CADRE_OK);
	cadre_buffer_fini(&packed);
	return (const Cadre__V1__Event *)(const void *)kept;
}

static void put_token(struct applying *a)
{
	const Cadre__V1__RetryToken *token = a->event->retry_token;
	struct model_state *model = a->model;
	struct model_token *kept;

	if (!token)
		return;
	model->tokens = realloc(model->tokens,
	                        (model->token_count + 1) * sizeof *model->tokens);
	CADRE_ASSERT(model->tokens && a->event->actor);
	kept = &model->tokens[model->token_count++];
	kept->principal = a->event->actor->principal;
	kept->token = token->token;
	cadre__v1__token_row__init(&kept->row);
	kept->row.seq = a->seq;
	kept->row.time_ms = a->time_ms;
	kept->row.command_sha256 = token->command_sha256;
	kept->row.has_resource = a->resource != NULL;
	kept->row.resource = a->resource ? a->resource->row.id : 0;
	kept->row.has_version_id = a->version_id != 0;
	kept->row.version_id = a->version_id;
	kept->row.has_etag_seq = a->event->body_case ==
	                         CADRE__V1__EVENT__BODY_CUT_OVER_FINISHED;
	kept->row.etag_seq = kept->row.has_etag_seq ? a->resource->row.changed_seq : 0;
	kept->row.has_count = token->has_events;
	kept->row.count = token->events;
}

cadre_seq model_state_apply(struct model_state *model, cadre_time_ms time_ms,
                            const Cadre__V1__Event *event)
{
	struct applying a = { .model = model,
		              .seq = model->applied_seq + 1,
		              .time_ms = time_ms,
		              .event = keep(model, event) };

	CADRE_ASSERT((size_t)event->body_case < sizeof bodies / sizeof bodies[0] &&
	             bodies[event->body_case]);
	bodies[event->body_case](&a);
	put_token(&a);
	model->applied_seq = a.seq;
	return a.seq;
}
