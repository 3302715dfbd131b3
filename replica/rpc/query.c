#include "replica/rpc/query_internal.h"

#include <string.h>

#include "proto/codec/limits.h"

void *query_alloc(struct cadre_query *query, size_t size)
{
	void *memory = cadre_arena_alloc(query->view->arena, size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

char *query_text(struct cadre_query *query, struct cadre_slice text)
{
	return cadre_arena_strdup(query->view->arena, text);
}

enum cadre_status query_no_room(struct cadre_query *query, struct cadre_error *err)
{
	if (query->view->arena->failure == CADRE_ARENA_NO_MEMORY)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the answer");
	return cadre_error_set(err, CADRE_LIMIT_EXCEEDED,
	                       "the answer is larger than %zu bytes of memory: ask for a "
	                       "smaller page, or in several messages",
	                       query->view->arena->bytes_max);
}

char *query_ocid(struct cadre_query *query, uint64_t id)
{
	Cadre__V1__Resource *resource;

	if (cadre_view_by_id(query->view, id, &resource, NULL) != CADRE_OK)
		return NULL;
	return resource->ocid;
}

enum cadre_status query_limit(const char *field, bool has, uint32_t given,
                              uint32_t absent, uint32_t *ret_limit,
                              struct cadre_error *err)
{
	*ret_limit = has ? given : absent;
	if (*ret_limit >= 1 && *ret_limit <= CADRE_PAGE_ROWS_MAX)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "%s: %u, 1 to %d", field,
	                       given, CADRE_PAGE_ROWS_MAX);
}

static query_fn operation(const Cadre__V1__Op *op)
{
	switch ((int)op->body_case) {
	case CADRE__V1__OP__BODY_GET:
		return query_get;
	case CADRE__V1__OP__BODY_RESOLVE:
		return query_resolve;
	case CADRE__V1__OP__BODY_LIST:
		return query_list;
	case CADRE__V1__OP__BODY_MEMBERS:
		return query_members;
	case CADRE__V1__OP__BODY_DIFF:
		return query_diff;
	case CADRE__V1__OP__BODY_KEY_LOG:
		return query_key_log;
	case CADRE__V1__OP__BODY_HISTORY_LOG:
		return query_history_log;
	case CADRE__V1__OP__BODY_OUTCOME:
		return query_outcome;
	case CADRE__V1__OP__BODY_WATCH:
		return query_watch;
	default:
		return NULL;
	}
}

/* Names and states are for who may inspect; members are not. */
static enum cadre_verb need_of(const Cadre__V1__Op *op)
{
	if (op->body_case == CADRE__V1__OP__BODY_LIST ||
	    (op->body_case == CADRE__V1__OP__BODY_GET && !op->get->with_members))
		return CADRE_INSPECT;
	return CADRE_READ;
}

bool cadre_query_answers(const Cadre__V1__Op *op)
{
	return operation(op) != NULL;
}

void cadre_query(struct cadre_query *query, const Cadre__V1__Op *op,
                 Cadre__V1__Result *result)
{
	struct cadre_error err;
	query_fn fn = operation(op);
	enum cadre_status status;

	err.status = CADRE_OK;
	err.message[0] = '\0';
	query->need = need_of(op);
	status = fn ? fn(query, op, result, &err)
	            : cadre_error_set(&err, CADRE_INVALID_PARAMETER,
	                              "an operation that is unknown here");
	result->status = (uint32_t)status;
	if (status == CADRE_OK)
		return;
	result->body_case = CADRE__V1__RESULT__BODY__NOT_SET;
	/* Without room for the words the status must do. */
	result->message = query_text(query, cadre_slice_text(err.message));
}
