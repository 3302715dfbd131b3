/* Get, list and members: resources with their internal ids spelled out. */
#include "replica/rpc/query_internal.h"

#include <string.h>

#include "proto/codec/limits.h"

/* ---- resource info ---- */

static enum cadre_status load_cluster(struct cadre_query *query, struct cadre_error *err)
{
	Cadre__V1__ClusterRow *row;
	enum cadre_status status;

	if (query->cluster_known)
		return CADRE_OK;
	status = cadre_view_cluster(query->view, &row, err);
	if (status == CADRE_OK && row->cluster_id.len == sizeof query->cluster_id)
		memcpy(query->cluster_id, row->cluster_id.data, sizeof query->cluster_id);
	else if (status == CADRE_OK || status == CADRE_NOT_FOUND)
		memset(query->cluster_id, 0, sizeof query->cluster_id);
	else
		return status;
	query->cluster_known = true;
	return CADRE_OK;
}

static void spell_group(struct cadre_query *query, const Cadre__V1__GroupState *group,
                        Cadre__V1__ResourceInfo *info)
{
	Cadre__V1__Resource *history;

	if (group->has_history &&
	    cadre_view_by_id(query->view, group->history, &history, NULL) == CADRE_OK) {
		info->history_id = history->ocid;
		info->history_name = history->display_name;
	}
	if (group->has_source_group)
		info->source_group_id = query_ocid(query, group->source_group);
}

static void spell_out(struct cadre_query *query, Cadre__V1__Resource *resource,
                      Cadre__V1__ResourceInfo *info)
{
	switch ((int)resource->detail_case) {
	case CADRE__V1__RESOURCE__DETAIL_GROUP:
		spell_group(query, resource->group, info);
		break;
	case CADRE__V1__RESOURCE__DETAIL_HISTORY:
		if (resource->history->has_latest_group)
			info->latest_group_id =
			        query_ocid(query, resource->history->latest_group);
		break;
	case CADRE__V1__RESOURCE__DETAIL_DEPLOYMENT:
		info->target_group_id = query_ocid(query,
		                                   resource->deployment->target_group);
		if (resource->deployment->has_serving_group)
			info->serving_group_id =
			        query_ocid(query, resource->deployment->serving_group);
		break;
	default:
		break;
	}
}

enum cadre_status query_info(struct cadre_query *query, Cadre__V1__Resource *resource,
                             Cadre__V1__ResourceInfo **ret_info, struct cadre_error *err)
{
	Cadre__V1__ResourceInfo *info = query_alloc(query, sizeof *info);
	enum cadre_status status = CADRE_OK;

	if (!info)
		return query_no_room(query, err);
	cadre__v1__resource_info__init(info);
	info->resource = resource;
	info->etag = query_alloc(query, CADRE_ETAG_CHARS + 1);
	if (!info->etag)
		return query_no_room(query, err);
	status = load_cluster(query, err);
	if (status == CADRE_OK && resource->has_attributes) {
		status = cadre_view_attributes(query->view, resource->attributes,
		                               &info->attributes, err);
		if (status == CADRE_NOT_FOUND)
			status = CADRE_OK;
	}
	if (status != CADRE_OK)
		return status;
	cadre_etag(query->cluster_id, resource->id, resource->changed_seq, info->etag);
	spell_out(query, resource, info);
	*ret_info = info;
	return CADRE_OK;
}

/* ---- members ---- */

struct member_list {
	struct cadre_query *query;
	Cadre__V1__Member **members;
	size_t count;
	size_t limit;
	bool more;
};

static enum cadre_status add_member(void *ctx, const struct cadre_member *member)
{
	struct member_list *list = ctx;
	Cadre__V1__Member *copy;

	if (list->count == list->limit) {
		list->more = true;
		return CADRE_END;
	}
	copy = query_alloc(list->query, sizeof *copy);
	if (!copy)
		return CADRE_OUT_OF_MEMORY;
	cadre__v1__member__init(copy);
	copy->model_id = query_text(list->query, member->model_id);
	if (member->has_key)
		copy->inference_key = query_text(list->query, member->key);
	if (!copy->model_id || (member->has_key && !copy->inference_key))
		return CADRE_OUT_OF_MEMORY;
	list->members[list->count++] = copy;
	return CADRE_OK;
}

enum cadre_status query_member_list(struct cadre_query *query,
                                    const Cadre__V1__GroupState *group, const char *after,
                                    size_t limit, Cadre__V1__Member ***ret_members,
                                    size_t *ret_count, bool *ret_more,
                                    struct cadre_error *err)
{
	struct member_list list = {
		.query = query,
		.limit = limit ? limit : group->member_count,
	};
	size_t room = list.limit < group->member_count ? list.limit : group->member_count;
	enum cadre_status status;

	list.members = query_alloc(query, (room + 1) * sizeof *list.members);
	if (!list.members)
		return query_no_room(query, err);
	status = cadre_view_members(query->view, group->lineage, group->lineage_version,
	                            after, add_member, &list, err);
	if (status == CADRE_OUT_OF_MEMORY)
		return query_no_room(query, err);
	if (status != CADRE_OK)
		return status;
	*ret_members = list.members;
	*ret_count = list.count;
	if (ret_more)
		*ret_more = list.more;
	return CADRE_OK;
}

enum cadre_status query_members(struct cadre_query *query, const Cadre__V1__Op *op,
                                Cadre__V1__Result *result, struct cadre_error *err)
{
	const Cadre__V1__ListMembers *in = op->members;
	Cadre__V1__MembersResult *out = query_alloc(query, sizeof *out);
	Cadre__V1__Resource *group;
	uint32_t limit;
	bool more = false;
	enum cadre_status status;

	if (!out)
		return query_no_room(query, err);
	cadre__v1__members_result__init(out);
	status = query_limit("members.limit", in->has_limit, in->limit,
	                     CADRE_PAGE_ROWS_MAX, &limit, err);
	if (status == CADRE_OK)
		status = query_group(query, "members.group", in->group, &group, err);
	if (status != CADRE_OK)
		return status;
	out->group_id = group->ocid;
	status = query_member_list(query, group->group, in->after, limit, &out->members,
	                           &out->n_members, &more, err);
	out->has_more = true;
	out->more = more;
	result->body_case = CADRE__V1__RESULT__BODY_MEMBERS;
	result->members = out;
	return status;
}

/* ---- get ---- */

enum cadre_status query_get(struct cadre_query *query, const Cadre__V1__Op *op,
                            Cadre__V1__Result *result, struct cadre_error *err)
{
	const Cadre__V1__Get *in = op->get;
	Cadre__V1__Resource *resource;
	Cadre__V1__ResourceInfo *info = NULL;
	enum cadre_status status = cadre_query_find(query, "get.id", in->id, &resource,
	                                            err);

	if (status == CADRE_OK)
		status = query_info(query, resource, &info, err);
	if (status == CADRE_OK && info && in->with_members &&
	    resource->detail_case == CADRE__V1__RESOURCE__DETAIL_GROUP)
		status = query_member_list(query, resource->group, NULL, 0,
		                           &info->members, &info->n_members, NULL, err);
	result->body_case = CADRE__V1__RESULT__BODY_RESOURCE;
	result->resource = info;
	return status;
}

/* ---- list ---- */

struct resource_list {
	struct cadre_query *query;
	Cadre__V1__ListResult *out;
	struct cadre_error *err;
};

static enum cadre_status add_resource(void *ctx, const Cadre__V1__Resource *resource)
{
	struct resource_list *list = ctx;
	Cadre__V1__ResourceInfo *info = NULL;
	/* It lives in the arena and is ours from here on. */
	Cadre__V1__Resource *mine = (Cadre__V1__Resource *)(uintptr_t)resource;
	enum cadre_status status;

	if (list->query->may &&
	    !list->query->may(list->query->may_ctx, CADRE_INSPECT, mine))
		return CADRE_OK;
	status = query_info(list->query, mine, &info, list->err);
	if (status == CADRE_OK)
		list->out->resources[list->out->n_resources++] = info;
	return status;
}

static enum cadre_status list_filter(struct cadre_query *query,
                                     const Cadre__V1__ListResources *in,
                                     struct cadre_list_query *filter,
                                     struct cadre_error *err)
{
	Cadre__V1__Resource *history;
	enum cadre_status status;

	*filter = (struct cadre_list_query){
		.kind = in->kind,
		.compartment_id = in->compartment_id ? in->compartment_id
		                                     : query->compartment,
		.project_id = in->project_id,
		.display_name = in->display_name,
		.created_by = in->created_by,
		.lifecycle_state = in->has_lifecycle_state ? (int)in->lifecycle_state : 0,
		.sort = (enum cadre_sort)in->sort,
		.descending = in->descending,
		.after = in->has_page ? cadre_slice(in->page.data, in->page.len)
		                      : cadre_slice(NULL, 0),
	};
	/* None belongs to a compartment. */
	if (in->kind == CADRE__V1__KIND__KIND_NODE ||
	    in->kind == CADRE__V1__KIND__KIND_PRINCIPAL ||
	    in->kind == CADRE__V1__KIND__KIND_POLICY)
		filter->compartment_id = NULL;
	status = query_limit("list.limit", in->has_limit, in->limit, 50, &filter->limit,
	                     err);
	if (status != CADRE_OK)
		return status;
	if (in->sort > CADRE_SORT_STATE)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "list.sort: %u, 0 time, 1 name, 2 state",
		                       in->sort);
	if (!in->history)
		return CADRE_OK;
	status = cadre_query_find(query, "list.history", in->history, &history, err);
	if (status != CADRE_OK)
		return status;
	if (history->kind != CADRE__V1__KIND__KIND_HISTORY ||
	    in->kind != CADRE__V1__KIND__KIND_GROUP)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "list.history: lists the groups of a history");
	filter->history = history->id;
	filter->compartment_id = in->compartment_id;
	return CADRE_OK;
}

static enum cadre_status set_page(struct cadre_query *query,
                                  const struct cadre_buffer *next,
                                  Cadre__V1__ListResult *out, struct cadre_error *err)
{
	if (next->length == 0)
		return CADRE_OK;
	out->has_next_page = true;
	out->next_page.len = next->length;
	out->next_page.data = query_alloc(query, next->length);
	if (!out->next_page.data)
		return query_no_room(query, err);
	memcpy(out->next_page.data, next->data, next->length);
	return CADRE_OK;
}

enum cadre_status query_list(struct cadre_query *query, const Cadre__V1__Op *op,
                             Cadre__V1__Result *result, struct cadre_error *err)
{
	struct cadre_list_query filter;
	struct resource_list list = { .query = query, .err = err };
	struct cadre_buffer next = { 0 };
	enum cadre_status status = list_filter(query, op->list, &filter, err);

	if (status != CADRE_OK)
		return status;
	list.out = query_alloc(query, sizeof *list.out);
	if (!list.out)
		return query_no_room(query, err);
	cadre__v1__list_result__init(list.out);
	list.out->resources = query_alloc(query,
	                                  filter.limit * sizeof *list.out->resources);
	if (!list.out->resources)
		return query_no_room(query, err);
	status = cadre_view_list(query->view, &filter, add_resource, &list, &next, err);
	if (status == CADRE_OK)
		status = set_page(query, &next, list.out, err);
	cadre_buffer_fini(&next);
	result->body_case = CADRE__V1__RESULT__BODY_LIST;
	result->list = list.out;
	return status;
}
