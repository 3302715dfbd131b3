/* Keys and differences: resolve, diff, outcome. */
#include "replica/rpc/query_internal.h"

#include <inttypes.h>
#include <string.h>

/* ---- resolve ---- */

static enum cadre_status moment(struct cadre_query *query, const Cadre__V1__Resolve *in,
                                cadre_seq *ret_at, struct cadre_error *err)
{
	cadre_seq applied = query->view->head.applied_seq;

	*ret_at = CADRE_SEQ_MAX;
	if (in->has_at_seq && in->has_at_time_ms)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "resolve.atTimeMs: not together with atSeq");
	if (in->has_at_seq) {
		*ret_at = in->at_seq;
		if (in->at_seq <= applied)
			return CADRE_OK;
		return cadre_error_set(err, CADRE_LAGGING,
		                       "resolve.atSeq: %" PRIu64
		                       " is not applied here yet, the last is %" PRIu64,
		                       in->at_seq, applied);
	}
	if (!in->has_at_time_ms)
		return CADRE_OK;
	if (in->at_time_ms > query->watermark_ms)
		return cadre_error_set(err, CADRE_LAGGING,
		                       "resolve.atTimeMs: %" PRIu64
		                       " ms is not settled here yet, times until %" PRIu64
		                       " ms are",
		                       in->at_time_ms, query->watermark_ms);
	return cadre_view_seq_at(query->view, in->at_time_ms, ret_at, err);
}

enum cadre_status query_resolve(struct cadre_query *query, const Cadre__V1__Op *op,
                                Cadre__V1__Result *result, struct cadre_error *err)
{
	const Cadre__V1__Resolve *in = op->resolve;
	struct cadre_pointer pointer;
	struct cadre_slice model;
	Cadre__V1__Resource *group;
	Cadre__V1__ResolveResult *out;
	cadre_seq at;
	enum cadre_status status = moment(query, in, &at, err);

	if (status == CADRE_OK)
		status = query_pointer(query, "resolve.target", in->target, at, &pointer,
		                       err);
	if (status != CADRE_OK)
		return status;
	status = cadre_view_resolve(query->view, pointer.lineage, pointer.version,
	                            cadre_slice_text(in->key), &model, err);
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(err, status,
		                       "resolve.key: no member \"%.255s\" in \"%.200s\"",
		                       in->key, in->target);
	if (status == CADRE_OK)
		status = query_group_by_id(query, pointer.group, &group, err);
	if (status != CADRE_OK)
		return status;
	out = query_alloc(query, sizeof *out);
	if (!out)
		return query_no_room(query, err);
	cadre__v1__resolve_result__init(out);
	out->model_id = query_text(query, model);
	if (!out->model_id)
		return query_no_room(query, err);
	out->group_id = group->ocid;
	out->version_id = group->group->version_id;
	out->seq = pointer.since;
	result->body_case = CADRE__V1__RESULT__BODY_RESOLVE;
	result->resolve = out;
	return CADRE_OK;
}

/* ---- diff ---- */

struct change_list {
	struct cadre_query *query;
	Cadre__V1__DiffResult *out;
	size_t room;
};

static enum cadre_status add_change(void *ctx, const struct cadre_member *before,
                                    const struct cadre_member *after)
{
	struct change_list *list = ctx;
	struct cadre_query *query = list->query;
	Cadre__V1__MemberChange *change = query_alloc(query, sizeof *change);

	if (!change || list->out->n_changes == list->room)
		return CADRE_OUT_OF_MEMORY;
	cadre__v1__member_change__init(change);
	change->model_id = query_text(query, before ? before->model_id : after->model_id);
	if (!change->model_id)
		return CADRE_OUT_OF_MEMORY;
	if (before && before->has_key)
		change->key_before = query_text(query, before->key);
	if (after && after->has_key)
		change->key_after = query_text(query, after->key);
	if (!before)
		change->has_added = change->added = true;
	if (!after)
		change->has_removed = change->removed = true;
	list->out->changes[list->out->n_changes++] = change;
	return CADRE_OK;
}

enum cadre_status query_diff(struct cadre_query *query, const Cadre__V1__Op *op,
                             Cadre__V1__Result *result, struct cadre_error *err)
{
	struct change_list list = { .query = query };
	Cadre__V1__Resource *from;
	Cadre__V1__Resource *to;
	enum cadre_status status = query_group(query, "diff.from", op->diff->from, &from,
	                                       err);

	if (status == CADRE_OK)
		status = query_group(query, "diff.to", op->diff->to, &to, err);
	if (status != CADRE_OK)
		return status;
	list.room = (size_t)from->group->member_count + to->group->member_count;
	list.out = query_alloc(query, sizeof *list.out);
	if (!list.out)
		return query_no_room(query, err);
	cadre__v1__diff_result__init(list.out);
	list.out->from_group_id = from->ocid;
	list.out->to_group_id = to->ocid;
	list.out->changes = query_alloc(query,
	                                (list.room + 1) * sizeof *list.out->changes);
	if (!list.out->changes)
		return query_no_room(query, err);
	status = cadre_view_diff(query->view, from->group, to->group, add_change, &list,
	                         err);
	result->body_case = CADRE__V1__RESULT__BODY_DIFF;
	result->diff = list.out;
	return status == CADRE_OUT_OF_MEMORY ? query_no_room(query, err) : status;
}

/* ---- outcome ---- */

enum cadre_status query_outcome(struct cadre_query *query, const Cadre__V1__Op *op,
                                Cadre__V1__Result *result, struct cadre_error *err)
{
	Cadre__V1__TokenRow *row;
	Cadre__V1__Resource *resource;
	Cadre__V1__ResourceInfo *info;
	Cadre__V1__CommandResult *out = query_alloc(query, sizeof *out);
	enum cadre_status status;

	if (!out)
		return query_no_room(query, err);
	cadre__v1__command_result__init(out);
	status = cadre_view_token(query->view, query->principal, op->outcome->retry_token,
	                          &row, err);
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(err, status,
		                       "outcome.retryToken: nothing took effect with "
		                       "\"%.64s\" until seq %" PRIu64,
		                       op->outcome->retry_token,
		                       query->view->head.applied_seq);
	if (status != CADRE_OK)
		return status;
	out->has_seq = out->has_changed = true;
	out->seq = row->seq;
	out->changed = true;
	out->has_version_id = row->has_version_id;
	out->version_id = row->version_id;
	if (row->has_resource &&
	    cadre_view_by_id(query->view, row->resource, &resource, NULL) == CADRE_OK) {
		out->id = resource->ocid;
		/* The etag of that moment, not of now. */
		resource->changed_seq = row->seq;
		resource->has_attributes = false;
		status = query_info(query, resource, &info, err);
		if (status != CADRE_OK)
			return status;
		out->etag = info->etag;
	}
	result->body_case = CADRE__V1__RESULT__BODY_OUTCOME;
	result->outcome = out;
	return CADRE_OK;
}
