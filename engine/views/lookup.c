#include "engine/views/rowio.h"

/* One candidate: an event's bytes at most, unpacked. */
#define CANDIDATE_BYTES_MAX ((size_t)8 << 20)

enum cadre_status cadre_view_by_id(struct cadre_view *view, uint64_t id,
                                   Cadre__V1__Resource **ret_resource,
                                   struct cadre_error *err)
{
	struct cadre_row_key key = cadre_key_u64('r', id);
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(view, &key, &value, err);

	if (status != CADRE_OK)
		return status;
	return cadre_row_unpack(&key, &cadre__v1__resource__descriptor, value,
	                        view->arena, (ProtobufCMessage **)(void *)ret_resource,
	                        err);
}

enum cadre_status cadre_view_by_ocid(struct cadre_view *view, const char *ocid,
                                     Cadre__V1__Resource **ret_resource,
                                     struct cadre_error *err)
{
	Cadre__V1__Kind kind;
	uint64_t id;
	enum cadre_status status = cadre_view_find(view, ocid, &kind, &id, err);

	if (status != CADRE_OK)
		return status;
	return cadre_view_by_id(view, id, ret_resource, err);
}

enum cadre_status cadre_view_attributes(struct cadre_view *view, uint64_t id,
                                        Cadre__V1__Attributes **ret_attributes,
                                        struct cadre_error *err)
{
	struct cadre_row_key key = cadre_key_u64('A', id);
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(view, &key, &value, err);

	if (status != CADRE_OK)
		return status;
	return cadre_row_unpack(&key, &cadre__v1__attributes__descriptor, value,
	                        view->arena, (ProtobufCMessage **)(void *)ret_attributes,
	                        err);
}

enum cadre_status cadre_view_cluster(struct cadre_view *view,
                                     Cadre__V1__ClusterRow **ret_row,
                                     struct cadre_error *err)
{
	struct cadre_row_key key;
	struct cadre_slice value;
	enum cadre_status status;

	cadre_row_key_init(&key, 'K');
	status = cadre_row_get(view, &key, &value, err);
	if (status != CADRE_OK)
		return status;
	return cadre_row_unpack(&key, &cadre__v1__cluster_row__descriptor, value,
	                        view->arena, (ProtobufCMessage **)(void *)ret_row, err);
}

enum cadre_status cadre_view_token(struct cadre_view *view, const char *principal,
                                   const char *token, Cadre__V1__TokenRow **ret_row,
                                   struct cadre_error *err)
{
	struct cadre_row_key key = cadre_key_token(principal, token);
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(view, &key, &value, err);

	if (status != CADRE_OK)
		return status;
	return cadre_row_unpack(&key, &cadre__v1__token_row__descriptor, value,
	                        view->arena, (ProtobufCMessage **)(void *)ret_row, err);
}

enum cadre_status cadre_view_seq_at(struct cadre_view *view, cadre_time_ms time_ms,
                                    cadre_seq *ret_seq, struct cadre_error *err)
{
	struct cadre_row_key prefix;
	struct cadre_row_walk walk;
	struct cadre_slice rest, value;
	uint8_t behind[8];
	enum cadre_status status;

	/* The walk goes down from before `behind`: all times when nothing is behind. */
	cadre_row_key_init(&prefix, 'b');
	cadre_put_be64(behind, time_ms + 1);
	status = cadre_row_walk_init(&walk, view, &prefix,
	                             cadre_slice(behind, time_ms == UINT64_MAX ? 0 : 8),
	                             true, err);
	if (status == CADRE_OK)
		status = cadre_row_walk_next(&walk, &rest, &value, err);
	*ret_seq = 0;
	if (status == CADRE_OK && value.length == 8)
		*ret_seq = cadre_get_le64(value.data);
	cadre_row_walk_fini(&walk);
	return status == CADRE_END ? CADRE_OK : status;
}

/* ---- pointers ---- */

/* The newest pointer row at or before `at`, empty ones too. */
static enum cadre_status seek_pointer(struct cadre_view *view, char table, uint64_t id,
                                      cadre_seq at, struct cadre_pointer *ret_pointer,
                                      struct cadre_error *err)
{
	struct cadre_row_key key = cadre_key_u64_u64(table, id, ~at);
	struct cadre_slice found, value;
	enum cadre_status status = cadre_row_seek(view, &key, 9, &found, &value, err);

	if (status != CADRE_OK)
		return status;
	if (found.length != key.length ||
	    cadre_pointer_decode(value, ret_pointer) != CADRE_OK)
		return cadre_row_damaged(found, "not a pointer", err);
	ret_pointer->since = ~cadre_get_be64(found.data + 9);
	return CADRE_OK;
}

static enum cadre_status group_pointer(struct cadre_view *view, uint64_t id, cadre_seq at,
                                       struct cadre_pointer *ret_pointer,
                                       struct cadre_error *err)
{
	Cadre__V1__Resource *resource;
	enum cadre_status status;

	if (at < id)
		return CADRE_NOT_FOUND;
	status = cadre_view_by_id(view, id, &resource, err);
	if (status != CADRE_OK)
		return status;
	if (resource->detail_case != CADRE__V1__RESOURCE__DETAIL_GROUP)
		return CADRE_NOT_FOUND;
	*ret_pointer = (struct cadre_pointer){
		.since = id,
		.group = id,
		.lineage = resource->group->lineage,
		.version = resource->group->lineage_version,
	};
	return CADRE_OK;
}

static char pointer_table(Cadre__V1__Kind kind)
{
	if (kind == CADRE__V1__KIND__KIND_HISTORY)
		return 'h';
	return kind == CADRE__V1__KIND__KIND_DEPLOYMENT ? 's' : '\0';
}

enum cadre_status cadre_view_pointer(struct cadre_view *view, Cadre__V1__Kind kind,
                                     uint64_t id, cadre_seq at,
                                     struct cadre_pointer *ret_pointer,
                                     struct cadre_error *err)
{
	char table = pointer_table(kind);
	enum cadre_status status;

	if (kind == CADRE__V1__KIND__KIND_GROUP)
		return group_pointer(view, id, at, ret_pointer, err);
	if (table == '\0')
		return CADRE_NOT_FOUND;
	status = seek_pointer(view, table, id, at, ret_pointer, err);
	if (status == CADRE_OK && ret_pointer->group == 0)
		return CADRE_NOT_FOUND;
	return status;
}

enum cadre_status cadre_view_pointer_before(struct cadre_view *view, Cadre__V1__Kind kind,
                                            uint64_t id, cadre_seq before,
                                            struct cadre_pointer *ret_pointer,
                                            struct cadre_error *err)
{
	char table = pointer_table(kind);
	enum cadre_status status;

	if (before == 0 || table == '\0')
		return CADRE_END;
	status = seek_pointer(view, table, id, before - 1, ret_pointer, err);
	return status == CADRE_NOT_FOUND ? CADRE_END : status;
}

/* ---- names, and events of a deployment ---- */

/* `candidates` takes what is looked at and not given: many may have had the name. */
static enum cadre_status give_named(struct cadre_view *view, uint64_t id,
                                    const char *name, struct cadre_arena *candidates,
                                    cadre_resource_fn fn, void *ctx,
                                    struct cadre_error *err)
{
	struct cadre_arena *kept = view->arena;
	Cadre__V1__Resource *resource;
	enum cadre_status status;

	cadre_arena_reset(candidates);
	view->arena = candidates;
	status = cadre_view_by_id(view, id, &resource, err);
	view->arena = kept;
	/* Half of a SHA-256 agrees: the whole name decides. */
	if (status != CADRE_OK || !resource->display_name ||
	    strcmp(resource->display_name, name) != 0 ||
	    resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		return status;
	status = cadre_view_by_id(view, id, &resource, err);
	return status == CADRE_OK ? fn(ctx, resource) : status;
}

enum cadre_status cadre_view_by_name(struct cadre_view *view, Cadre__V1__Kind kind,
                                     const char *compartment_id, const char *name,
                                     cadre_resource_fn fn, void *ctx,
                                     struct cadre_error *err)
{
	static const uint8_t behind_live[1] = { CADRE_NAME_FREED };
	struct cadre_arena candidates;
	struct cadre_row_key prefix;
	struct cadre_row_walk walk;
	struct cadre_slice rest, value;
	uint64_t compartment = 0;
	enum cadre_status status = CADRE_OK;

	if (compartment_id)
		status = cadre_view_compartment(view, compartment_id, &compartment, err);
	if (status != CADRE_OK)
		return status == CADRE_NOT_FOUND ? CADRE_OK : status;
	prefix = cadre_key_listed('n', compartment, kind);
	cadre_row_key_name(&prefix, cadre_slice_text(name));
	/* Newest first: of equal names the live one is mostly the last. */
	cadre_arena_init(&candidates, CANDIDATE_BYTES_MAX);
	status = cadre_row_walk_init(&walk, view, &prefix, cadre_slice(behind_live, 1),
	                             true, err);
	while (status == CADRE_OK) {
		status = cadre_row_walk_next(&walk, &rest, &value, err);
		if (status == CADRE_OK && rest.length == 8)
			status = give_named(view, cadre_get_be64(rest.data), name,
			                    &candidates, fn, ctx, err);
	}
	cadre_row_walk_fini(&walk);
	cadre_arena_fini(&candidates);
	return status == CADRE_END ? CADRE_OK : status;
}

enum cadre_status cadre_view_deployment_events(struct cadre_view *view,
                                               uint64_t deployment, cadre_seq after,
                                               cadre_seq_fn fn, void *ctx,
                                               struct cadre_error *err)
{
	struct cadre_row_key prefix = cadre_key_u64('e', deployment);
	struct cadre_row_walk walk;
	struct cadre_slice rest, value;
	uint8_t behind[8];
	enum cadre_status status;

	cadre_put_be64(behind, after);
	status = cadre_row_walk_init(&walk, view, &prefix, cadre_slice(behind, 8), false,
	                             err);
	while (status == CADRE_OK) {
		status = cadre_row_walk_next(&walk, &rest, &value, err);
		if (status == CADRE_OK && rest.length == 8 && value.length == 2)
			status = fn(ctx, cadre_get_be64(rest.data),
			            cadre_get_le16(value.data));
	}
	cadre_row_walk_fini(&walk);
	return status == CADRE_END ? CADRE_OK : status;
}
