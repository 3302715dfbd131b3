/*
 * All live resources of a kind. Index rows are ordered by compartment before kind,
 * so the walk goes from compartment to compartment: two seeks for each, and one step
 * for each resource of the kind, the deleted ones too.
 */
#include "engine/views/rowio.h"

/* One resource: an event's bytes at most, unpacked. */
#define RESOURCE_BYTES_MAX ((size_t)8 << 20)

struct each {
	struct cadre_view *view;
	Cadre__V1__Kind kind;
	cadre_resource_fn fn;
	void *ctx;
	struct cadre_error *err;
	struct cadre_arena arena; /* of one resource at a time */
};

static enum cadre_status load(struct each *each, uint64_t id,
                              Cadre__V1__Resource **ret_resource)
{
	struct cadre_row_key key = cadre_key_u64('r', id);
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(each->view, &key, &value, each->err);

	if (status == CADRE_NOT_FOUND)
		return cadre_row_damaged(cadre_row_key_slice(&key), "missing", each->err);
	if (status != CADRE_OK)
		return status;
	cadre_arena_reset(&each->arena);
	return cadre_row_unpack(&key, &cadre__v1__resource__descriptor, value,
	                        &each->arena, (ProtobufCMessage **)(void *)ret_resource,
	                        each->err);
}

static enum cadre_status give(struct each *each, const struct cadre_row_key *prefix,
                              struct cadre_slice rest)
{
	Cadre__V1__Resource *resource;
	enum cadre_status status;

	if (rest.length != 8)
		return cadre_row_damaged(cadre_row_key_slice(prefix),
		                         "an index row is malformed", each->err);
	status = load(each, cadre_get_be64(rest.data), &resource);
	if (status != CADRE_OK)
		return status;
	if (resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		return CADRE_OK;
	return each->fn(each->ctx, resource);
}

/* `*ret_stop`: the callback has enough. */
static enum cadre_status in_compartment(struct each *each, uint64_t compartment,
                                        bool *ret_stop)
{
	struct cadre_row_key prefix = cadre_key_listed('i', compartment, each->kind);
	struct cadre_row_walk walk;
	struct cadre_slice rest, value;
	enum cadre_status status = cadre_row_walk_init(
	        &walk, each->view, &prefix, cadre_slice(NULL, 0), false, each->err);

	while (status == CADRE_OK) {
		status = cadre_row_walk_next(&walk, &rest, &value, each->err);
		if (status == CADRE_END)
			break;
		if (status == CADRE_OK)
			status = give(each, &prefix, rest);
		*ret_stop = status == CADRE_END;
	}
	cadre_row_walk_fini(&walk);
	return status == CADRE_END ? CADRE_OK : status;
}

/* The first compartment from `*compartment` on that lists anything. CADRE_NOT_FOUND
 * when none. */
static enum cadre_status next_compartment(struct each *each, uint64_t *compartment)
{
	struct cadre_row_key from = cadre_key_u64('i', *compartment);
	struct cadre_slice key, value;
	enum cadre_status status = cadre_row_seek(each->view, &from, 1, &key, &value,
	                                          each->err);

	if (status != CADRE_OK)
		return status;
	if (key.length < 9)
		return cadre_row_damaged(key, "an index row is malformed", each->err);
	*compartment = cadre_get_be64(key.data + 1);
	return CADRE_OK;
}

enum cadre_status cadre_view_each(struct cadre_view *view, Cadre__V1__Kind kind,
                                  cadre_resource_fn fn, void *ctx,
                                  struct cadre_error *err)
{
	struct each each = {
		.view = view, .kind = kind, .fn = fn, .ctx = ctx, .err = err
	};
	uint64_t compartment = 0;
	bool stop = false;
	enum cadre_status status;

	cadre_arena_init(&each.arena, RESOURCE_BYTES_MAX);
	do {
		status = next_compartment(&each, &compartment);
		if (status == CADRE_OK)
			status = in_compartment(&each, compartment++, &stop);
	} while (status == CADRE_OK && !stop);
	cadre_arena_fini(&each.arena);
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}
