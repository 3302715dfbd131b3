/* Decide's window on the rows. Results live in the view's arena. */
#include "engine/views/members.h"

static enum cadre_status state_by_ocid(void *ctx, const char *ocid,
                                       Cadre__V1__Resource **ret_resource,
                                       struct cadre_error *err)
{
	return cadre_view_by_ocid(ctx, ocid, ret_resource, err);
}

static enum cadre_status state_by_id(void *ctx, uint64_t id,
                                     Cadre__V1__Resource **ret_resource,
                                     struct cadre_error *err)
{
	return cadre_view_by_id(ctx, id, ret_resource, err);
}

static enum cadre_status copy_text(struct cadre_view *view, struct cadre_slice text,
                                   const char **ret_text, struct cadre_error *err)
{
	*ret_text = cadre_arena_strdup(view->arena, text);
	if (*ret_text)
		return CADRE_OK;
	return cadre_error_set(err,
	                       view->arena->failure == CADRE_ARENA_AT_CAP
	                               ? CADRE_TOO_LARGE
	                               : CADRE_OUT_OF_MEMORY,
	                       "no memory for a member of %zu bytes", text.length);
}

/* By key alone: cadre_view_resolve() would take an OCID for a key as well. */
static enum cadre_status state_member_by_key(void *ctx,
                                             const Cadre__V1__GroupState *group,
                                             const char *key, const char **ret_model_id,
                                             struct cadre_error *err)
{
	struct cadre_slice name = cadre_slice_text(key);
	struct cadre_row_key row;
	struct cadre_slice value;
	enum cadre_status status;

	if (name.length - 1 >= CADRE_MEMBER_KEY_BYTES_MAX)
		return CADRE_NOT_FOUND;
	row = cadre_key_member(group->lineage, 'k', name, group->lineage_version);
	status = cadre_member_seek(ctx, &row, &value, err);
	if (status == CADRE_OK && value.length == 0)
		return CADRE_NOT_FOUND;
	if (status != CADRE_OK)
		return status;
	return copy_text(ctx, value, ret_model_id, err);
}

static enum cadre_status state_member_by_model(void *ctx,
                                               const Cadre__V1__GroupState *group,
                                               const char *model_id, const char **ret_key,
                                               struct cadre_error *err)
{
	struct cadre_slice key;
	bool has_key;
	enum cadre_status status =
	        cadre_view_member_key(ctx, group->lineage, group->lineage_version,
	                              cadre_slice_text(model_id), &has_key, &key, err);

	*ret_key = NULL;
	if (status != CADRE_OK || !has_key)
		return status;
	return copy_text(ctx, key, ret_key, err);
}

static enum cadre_status state_attributes(void *ctx, uint64_t id,
                                          Cadre__V1__Attributes **ret_attributes,
                                          struct cadre_error *err)
{
	return cadre_view_attributes(ctx, id, ret_attributes, err);
}

static enum cadre_status take_first(void *ctx, const Cadre__V1__Resource *resource)
{
	const Cadre__V1__Resource **found = ctx;

	*found = resource;
	return CADRE_END;
}

static enum cadre_status state_history_by_name(void *ctx, const char *compartment_id,
                                               const char *name,
                                               Cadre__V1__Resource **ret_history,
                                               struct cadre_error *err)
{
	const Cadre__V1__Resource *found = NULL;
	enum cadre_status status = cadre_view_by_name(ctx, CADRE__V1__KIND__KIND_HISTORY,
	                                              compartment_id, name, take_first,
	                                              &found, err);

	if (status != CADRE_OK)
		return status;
	*ret_history = (Cadre__V1__Resource *)(uintptr_t)found;
	return found ? CADRE_OK : CADRE_NOT_FOUND;
}

static enum cadre_status state_group_user(void *ctx, uint64_t group_id,
                                          Cadre__V1__Resource **ret_deployment,
                                          struct cadre_error *err)
{
	struct cadre_row_key key = cadre_key_u64('u', group_id);
	struct cadre_slice found, value;
	enum cadre_status status = cadre_row_seek(ctx, &key, key.length, &found, &value,
	                                          err);

	if (status != CADRE_OK)
		return status;
	if (found.length != 17)
		return cadre_row_damaged(found, "wrong size", err);
	return cadre_view_by_id(ctx, cadre_get_be64(found.data + 9), ret_deployment, err);
}

static enum cadre_status state_token(void *ctx, const char *principal, const char *token,
                                     Cadre__V1__TokenRow **ret_row,
                                     struct cadre_error *err)
{
	return cadre_view_token(ctx, principal, token, ret_row, err);
}

static enum cadre_status state_cluster(void *ctx, Cadre__V1__ClusterRow **ret_row,
                                       struct cadre_error *err)
{
	return cadre_view_cluster(ctx, ret_row, err);
}

struct cadre_state cadre_view_state(struct cadre_view *view)
{
	static const struct cadre_state_ops ops = {
		.by_ocid = state_by_ocid,
		.by_id = state_by_id,
		.member_by_key = state_member_by_key,
		.member_by_model = state_member_by_model,
		.attributes = state_attributes,
		.history_by_name = state_history_by_name,
		.group_user = state_group_user,
		.token = state_token,
		.cluster = state_cluster,
	};

	return (struct cadre_state){ .ops = &ops, .ctx = view };
}
