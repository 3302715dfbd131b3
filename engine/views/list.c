/*
 * Pages of resources. A page walks the rows of one index in key order and leaves a
 * position behind: what followed the prefix in the last row given. New rows sort
 * in between without moving it.
 *
 *   index                          position
 *   v  history                     version id
 *   n  compartment, kind, a name   id
 *   n  compartment, kind           name[200], 0x00, hash, id
 *   i  compartment, kind           id
 *
 * Sorted by state, the page makes one pass over the index for each state, and a
 * byte with the state stands before the position.
 */
#include "engine/views/rowio.h"

#include "proto/codec/limits.h"

#define STATES (CADRE__V1__LIFECYCLE_STATE__DELETED)
/* One candidate: an event's bytes at most, unpacked. */
#define CANDIDATE_BYTES_MAX ((size_t)8 << 20)

struct listing {
	struct cadre_view *view;
	const struct cadre_list_query *query;
	cadre_resource_fn fn;
	void *ctx;
	struct cadre_error *err;
	struct cadre_arena candidates; /* what the filters refuse goes with it */
	struct cadre_row_key prefix;
	struct cadre_row_key position; /* of the last row given; length 0: none */
	int state;                     /* of this pass; 0: any */
	unsigned given;
	bool more;
};

static bool text_fits(const char *wanted, const char *text)
{
	return !wanted || (text && strcmp(wanted, text) == 0);
}

static bool is_filtered(const struct listing *list)
{
	const struct cadre_list_query *query = list->query;

	return query->history != 0 || query->project_id || query->display_name ||
	       query->created_by || query->lifecycle_state != 0 || list->state != 0;
}

static bool fits(const struct listing *list, const Cadre__V1__Resource *resource)
{
	const struct cadre_list_query *query = list->query;
	int state = (int)resource->lifecycle_state;

	return text_fits(query->compartment_id, resource->compartment_id) &&
	       text_fits(query->project_id, resource->project_id) &&
	       text_fits(query->display_name, resource->display_name) &&
	       text_fits(query->created_by, resource->created_by) &&
	       (query->lifecycle_state == 0 || query->lifecycle_state == state) &&
	       (list->state == 0 || list->state == state);
}

static enum cadre_status load(struct listing *list, uint64_t id,
                              struct cadre_arena *arena,
                              Cadre__V1__Resource **ret_resource)
{
	struct cadre_row_key key = cadre_key_u64('r', id);
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(list->view, &key, &value, list->err);

	if (status == CADRE_NOT_FOUND)
		return cadre_row_damaged(cadre_row_key_slice(&key), "missing", list->err);
	if (status != CADRE_OK)
		return status;
	return cadre_row_unpack(&key, &cadre__v1__resource__descriptor, value, arena,
	                        (ProtobufCMessage **)(void *)ret_resource, list->err);
}

static void remember(struct listing *list, struct cadre_slice rest)
{
	uint8_t state = (uint8_t)list->state;

	list->position.length = 0;
	if (list->state != 0)
		cadre_row_key_u8(&list->position, state);
	cadre_row_key_bytes(&list->position, rest.data, rest.length);
}

/* CADRE_END when the page is full or the callback has enough. */
static enum cadre_status give(struct listing *list, uint64_t id, struct cadre_slice rest)
{
	Cadre__V1__Resource *resource;
	enum cadre_status status;

	if (is_filtered(list)) {
		cadre_arena_reset(&list->candidates);
		status = load(list, id, &list->candidates, &resource);
		if (status != CADRE_OK || !fits(list, resource))
			return status;
	}
	if (list->given == list->query->limit) {
		list->more = true;
		return CADRE_END;
	}
	status = load(list, id, list->view->arena, &resource);
	if (status != CADRE_OK)
		return status;
	list->given++;
	remember(list, rest);
	status = list->fn(list->ctx, resource);
	list->more = status == CADRE_END;
	return status;
}

/* The id of a row: in the value of `v` rows, else the last eight bytes of its key. */
static enum cadre_status row_id(struct listing *list, struct cadre_slice rest,
                                struct cadre_slice value, uint64_t *ret_id)
{
	if (list->query->history != 0 ? value.length != 8 : rest.length < 8)
		return cadre_row_damaged(cadre_row_key_slice(&list->prefix),
		                         "an index row is malformed", list->err);
	*ret_id = list->query->history != 0 ? cadre_get_le64(value.data)
	                                    : cadre_get_be64(rest.data + rest.length - 8);
	return CADRE_OK;
}

/* CADRE_END behind the last row, or when give() says so. */
static enum cadre_status pass(struct listing *list, struct cadre_slice behind)
{
	struct cadre_row_walk walk;
	struct cadre_slice rest, value;
	uint64_t id = 0;
	enum cadre_status status = cadre_row_walk_init(&walk, list->view, &list->prefix,
	                                               behind, list->query->descending,
	                                               list->err);

	while (status == CADRE_OK) {
		status = cadre_row_walk_next(&walk, &rest, &value, list->err);
		if (status == CADRE_OK)
			status = row_id(list, rest, value, &id);
		if (status == CADRE_OK)
			status = give(list, id, rest);
	}
	cadre_row_walk_fini(&walk);
	return status;
}

static enum cadre_status passes_by_state(struct listing *list)
{
	struct cadre_slice behind = list->query->after;
	bool down = list->query->descending;
	int state = down ? STATES : 1;

	if (behind.length > 0) {
		state = behind.data[0];
		behind = cadre_slice(behind.data + 1, behind.length - 1);
	}
	while (state >= 1 && state <= STATES && !list->more) {
		enum cadre_status status;

		list->state = state;
		status = pass(list, behind);
		if (status != CADRE_END)
			return status;
		behind = cadre_slice(NULL, 0);
		state += down ? -1 : 1;
	}
	return CADRE_END;
}

/* The index and its prefix. CADRE_NOT_FOUND for an unknown compartment. */
static enum cadre_status choose(struct listing *list)
{
	const struct cadre_list_query *query = list->query;
	uint64_t compartment = 0;
	enum cadre_status status;

	if (query->history != 0) {
		list->prefix = cadre_key_u64('v', query->history);
		return CADRE_OK;
	}
	if (query->compartment_id) {
		status = cadre_view_compartment(list->view, query->compartment_id,
		                                &compartment, list->err);
		if (status != CADRE_OK)
			return status;
	}
	if (query->display_name) {
		list->prefix = cadre_key_listed('n', compartment, query->kind);
		cadre_row_key_name(&list->prefix, cadre_slice_text(query->display_name));
	} else {
		list->prefix = cadre_key_listed(query->sort == CADRE_SORT_NAME ? 'n'
		                                                               : 'i',
		                                compartment, query->kind);
	}
	return CADRE_OK;
}

static enum cadre_status check_query(const struct cadre_list_query *query,
                                     struct cadre_error *err)
{
	bool global = query->kind == CADRE__V1__KIND__KIND_NODE ||
	              query->kind == CADRE__V1__KIND__KIND_PRINCIPAL ||
	              query->kind == CADRE__V1__KIND__KIND_POLICY;

	if (query->limit < 1 || query->limit > CADRE_PAGE_ROWS_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER, "limit: %u, 1 to %d",
		                       query->limit, CADRE_PAGE_ROWS_MAX);
	if (!query->compartment_id && !global && query->history == 0)
		return cadre_error_set(err, CADRE_MISSING_PARAMETER,
		                       "compartmentId: missing");
	return CADRE_OK;
}

static enum cadre_status leave_position(struct listing *list, struct cadre_buffer *next)
{
	cadre_buffer_clear(next);
	if (!list->more)
		return CADRE_OK;
	if (cadre_buffer_append(next, list->position.bytes, list->position.length) !=
	    CADRE_OK)
		return cadre_error_set(list->err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a page position");
	return CADRE_OK;
}

enum cadre_status cadre_view_list(struct cadre_view *view,
                                  const struct cadre_list_query *query,
                                  cadre_resource_fn fn, void *ctx,
                                  struct cadre_buffer *next, struct cadre_error *err)
{
	struct listing list = {
		.view = view, .query = query, .fn = fn, .ctx = ctx, .err = err
	};
	enum cadre_status status = check_query(query, err);

	if (status != CADRE_OK)
		return status;
	cadre_arena_init(&list.candidates, CANDIDATE_BYTES_MAX);
	status = choose(&list);
	if (status == CADRE_NOT_FOUND)
		status = CADRE_END;
	else if (status == CADRE_OK && query->sort == CADRE_SORT_STATE &&
	         query->history == 0)
		status = passes_by_state(&list);
	else if (status == CADRE_OK)
		status = pass(&list, query->after);
	cadre_arena_fini(&list.candidates);
	return status == CADRE_END ? leave_position(&list, next) : status;
}
