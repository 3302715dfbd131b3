#include "tools/gateway/members.h"

#include <stdlib.h>

#include "proto/codec/limits.h"
#include "tools/gateway/operations.h"

#define LIMIT_DEFAULT 50u
#define LIMIT_MAX 100u

/* One message of questions, from `first` on. */
static enum cadre_status ask_models(struct gateway_request *request,
                                    struct gateway_member *members, size_t first,
                                    size_t count)
{
	Cadre__V1__Op *ops = gateway_alloc(request, count * sizeof *ops);
	Cadre__V1__Get *gets = gateway_alloc(request, count * sizeof *gets);
	const Cadre__V1__Op **list = gateway_alloc(request, count * sizeof *list);
	Cadre__V1__Result **results = NULL;
	enum cadre_status status;

	if (!ops || !gets || !list)
		return request->err.status;
	for (size_t i = 0; i < count; i++) {
		cadre__v1__op__init(&ops[i]);
		cadre__v1__get__init(&gets[i]);
		ops[i].body_case = CADRE__V1__OP__BODY_GET;
		ops[i].get = &gets[i];
		gets[i].id = members[first + i].member->model_id;
		list[i] = &ops[i];
	}
	status = gateway_ask_each(request, list, count, &results);
	if (status != CADRE_OK)
		return status;
	for (size_t i = 0; i < count; i++)
		if (results[i]->status == CADRE_OK && results[i]->resource &&
		    strcmp(results[i]->resource->resource->ocid, gets[i].id) == 0)
			members[first + i].model = results[i]->resource;
	return CADRE_OK;
}

static void complete(const Cadre__V1__ResourceInfo *group, struct gateway_member *member)
{
	const Cadre__V1__Resource *model = member->model ? member->model->resource : NULL;
	bool deleted = model &&
	               model->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED;

	member->name = model && model->display_name ? model->display_name
	                                            : member->member->model_id;
	member->created_ms = model ? model->time_created_ms
	                           : group->resource->time_created_ms;
	member->state = deleted ? "DELETED" : "ACTIVE";
}

enum cadre_status gateway_load_members(struct gateway_request *request,
                                       const Cadre__V1__ResourceInfo *group,
                                       struct gateway_member **ret_members,
                                       size_t *ret_count)
{
	size_t count = group->n_members;
	struct gateway_member *members = gateway_alloc(request, count * sizeof *members);
	enum cadre_status status = CADRE_OK;

	if (!members)
		return request->err.status;
	for (size_t i = 0; i < count; i++)
		members[i].member = group->members[i];
	for (size_t i = 0; i < count && status == CADRE_OK;
	     i += CADRE_COMMANDS_PER_MESSAGE_MAX) {
		size_t left = count - i;

		status = ask_models(request, members, i,
		                    left < CADRE_COMMANDS_PER_MESSAGE_MAX
		                            ? left
		                            : CADRE_COMMANDS_PER_MESSAGE_MAX);
	}
	for (size_t i = 0; i < count; i++)
		complete(group, &members[i]);
	*ret_members = members;
	*ret_count = count;
	return status;
}

/* ---- order ---- */

static int by_id(const struct gateway_member *a, const struct gateway_member *b)
{
	return strcmp(a->member->model_id, b->member->model_id);
}

static int by_time(const void *a, const void *b)
{
	const struct gateway_member *first = a;
	const struct gateway_member *second = b;

	if (first->created_ms != second->created_ms)
		return first->created_ms < second->created_ms ? -1 : 1;
	return by_id(first, second);
}

static int by_name(const void *a, const void *b)
{
	const struct gateway_member *first = a;
	const struct gateway_member *second = b;
	int order = strcmp(first->name, second->name);

	return order != 0 ? order : by_id(first, second);
}

static int by_state(const void *a, const void *b)
{
	const struct gateway_member *first = a;
	const struct gateway_member *second = b;
	int order = strcmp(first->state, second->state);

	return order != 0 ? order : by_id(first, second);
}

static void reverse(struct gateway_member *members, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct gateway_member other = members[i];

		members[i] = members[count - 1 - i];
		members[count - 1 - i] = other;
	}
}

enum cadre_status gateway_sort_members(struct gateway_request *request,
                                       struct gateway_member *members, size_t count)
{
	static const char *const keys[] = { "timeCreated", "displayName",
		                            "lifecycleState", NULL };
	static const char *const orders[] = { "ASC", "DESC", NULL };
	static int (*const compare[])(const void *, const void *) = { by_time, by_name,
		                                                      by_state };
	int key = 0;
	int order = 0;
	enum cadre_status status = gateway_query_choice(request, "sortBy", keys, 0, &key);

	if (status == CADRE_OK)
		status = gateway_query_choice(request, "sortOrder", orders,
		                              key == 0 ? 1 : 0, &order);
	if (status != CADRE_OK)
		return status;
	qsort(members, count, sizeof *members, compare[key]);
	if (order == 1)
		reverse(members, count);
	return CADRE_OK;
}

/* ---- pages: members never change, so a number will do ---- */

enum cadre_status gateway_cut_page(struct gateway_request *request, size_t count,
                                   size_t *ret_first, size_t *ret_end)
{
	uint64_t limit = 0;
	uint64_t first = 0;
	enum cadre_status status = gateway_query_number(request, "limit", LIMIT_DEFAULT,
	                                                1, LIMIT_MAX, &limit);

	if (status == CADRE_OK)
		status = gateway_query_number(request, "page", 0, 1, CADRE_MEMBERS_MAX,
		                              &first);
	if (status != CADRE_OK)
		return status;
	*ret_first = first < count ? (size_t)first : count;
	*ret_end = count - *ret_first > limit ? *ret_first + (size_t)limit : count;
	if (*ret_end < count)
		gateway_answer_header(request, "opc-next-page",
		                      gateway_text(request, "%zu", *ret_end));
	return CADRE_OK;
}
