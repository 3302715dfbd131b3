/* What a key meant, and what became of a history: newest first. */
#include "replica/rpc/query_internal.h"

#include <string.h>

#include "proto/codec/limits.h"

/* ---- key log ---- */

struct key_log {
	struct cadre_query *query;
	const Cadre__V1__KeyLog *in;
	Cadre__V1__KeyLogResult *out;
	Cadre__V1__Kind kind;
	uint64_t target;
	uint32_t limit;
	struct cadre_error *err;
};

/* The key's model under a pointer, in the arena; NULL for none. */
static enum cadre_status model_under(struct key_log *log,
                                     const struct cadre_pointer *pointer,
                                     struct cadre_slice *ret_model)
{
	enum cadre_status status;

	*ret_model = cadre_slice(NULL, 0);
	if (pointer->group == 0)
		return CADRE_OK;
	status = cadre_view_resolve(log->query->view, pointer->lineage, pointer->version,
	                            cadre_slice_text(log->in->key), ret_model, log->err);
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

static enum cadre_status set_moment(struct key_log *log, Cadre__V1__KeyLogEntry *entry,
                                    const Cadre__V1__Resource *group)
{
	struct query_event event;
	enum cadre_status status = query_event(log->query, entry->seq, &event, log->err);

	if (status == CADRE_OK) {
		entry->time_ms = event.time_ms;
		entry->actor = event.event->actor;
		return CADRE_OK;
	}
	/* Older than the log that is left: the group knows when it was made. */
	entry->time_ms = group ? group->time_created_ms : 0;
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

static enum cadre_status add_entry(struct key_log *log,
                                   const struct cadre_pointer *pointer,
                                   struct cadre_slice before, struct cadre_slice after)
{
	struct cadre_query *query = log->query;
	Cadre__V1__KeyLogEntry *entry = query_alloc(query, sizeof *entry);
	Cadre__V1__Resource *group = NULL;
	enum cadre_status status = CADRE_OK;

	if (!entry)
		return query_no_room(query, log->err);
	cadre__v1__key_log_entry__init(entry);
	entry->seq = pointer->since;
	if (before.length > 0)
		entry->model_before = query_text(query, before);
	if (after.length > 0)
		entry->model_after = query_text(query, after);
	if ((before.length > 0 && !entry->model_before) ||
	    (after.length > 0 && !entry->model_after))
		return query_no_room(query, log->err);
	if (pointer->group != 0)
		status = cadre_view_by_id(query->view, pointer->group, &group, log->err);
	if (status == CADRE_OK && group && group->group) {
		entry->group_id = group->ocid;
		entry->has_version_id = true;
		entry->version_id = group->group->version_id;
	}
	if (status == CADRE_OK)
		status = set_moment(log, entry, group);
	log->out->entries[log->out->n_entries++] = entry;
	return status;
}

/* From one pointer to the older one, and an entry where the model differs. */
static enum cadre_status walk_back(struct key_log *log, struct cadre_pointer newer)
{
	struct cadre_pointer older;
	struct cadre_slice after;
	struct cadre_slice before;
	enum cadre_status status = model_under(log, &newer, &after);

	for (unsigned steps = 0; status == CADRE_OK; steps++) {
		bool last;
		if (log->out->n_entries == log->limit ||
		    steps == CADRE_KEY_LOG_STEPS_MAX) {
			log->out->has_more = log->out->more = true;
			log->out->has_next_before_seq = true;
			log->out->next_before_seq = newer.since + 1;
			break;
		}
		memset(&older, 0, sizeof older);
		status = cadre_view_pointer_before(log->query->view, log->kind,
		                                   log->target, newer.since, &older,
		                                   log->err);
		last = status == CADRE_END;
		if (last)
			status = CADRE_OK;
		if (status == CADRE_OK)
			status = model_under(log, &older, &before);
		if (status == CADRE_OK && !cadre_slice_equal(before, after))
			status = add_entry(log, &newer, before, after);
		if (last)
			break;
		newer = older;
		after = before;
	}
	return status;
}

enum cadre_status query_key_log(struct cadre_query *query, const Cadre__V1__Op *op,
                                Cadre__V1__Result *result, struct cadre_error *err)
{
	struct key_log log = { .query = query, .in = op->key_log, .err = err };
	struct cadre_pointer newest;
	Cadre__V1__Resource *target;
	cadre_seq before = log.in->has_before_seq ? log.in->before_seq : CADRE_SEQ_MAX;
	enum cadre_status status = query_limit("keyLog.limit", log.in->has_limit,
	                                       log.in->limit, 100, &log.limit, err);

	if (status == CADRE_OK)
		status = query_target(query, "keyLog.target", log.in->target, &target,
		                      err);
	if (status != CADRE_OK)
		return status;
	log.kind = target->kind;
	log.target = target->id;
	if (log.kind == CADRE__V1__KIND__KIND_GROUP)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "keyLog.target: a group never changes; ask its "
		                       "history or a deployment");
	log.out = query_alloc(query, sizeof *log.out);
	if (!log.out)
		return query_no_room(query, err);
	cadre__v1__key_log_result__init(log.out);
	log.out->entries = query_alloc(query, log.limit * sizeof *log.out->entries);
	if (!log.out->entries)
		return query_no_room(query, err);
	status = cadre_view_pointer_before(query->view, log.kind, log.target, before,
	                                   &newest, err);
	if (status == CADRE_OK)
		status = walk_back(&log, newest);
	result->body_case = CADRE__V1__RESULT__BODY_KEY_LOG;
	result->key_log = log.out;
	return status == CADRE_END ? CADRE_OK : status;
}

/* ---- history log ---- */

struct history_log {
	struct cadre_query *query;
	Cadre__V1__HistoryLogResult *out;
	uint64_t latest;
	struct cadre_error *err;
};

static bool same_model(const Cadre__V1__Member *a, const Cadre__V1__Member *b)
{
	return strcmp(a->model_id, b->model_id) == 0;
}

/* A re-keyed member stands in both lists of the event. */
static uint32_t rekeyed(const Cadre__V1__GroupDerived *derived)
{
	uint32_t count = 0;

	for (size_t i = 0; i < derived->n_inserted; i++)
		for (size_t j = 0; j < derived->n_removed; j++)
			count += same_model(derived->inserted[i], derived->removed[j]);
	return count;
}

static void set_counts(Cadre__V1__HistoryLogEntry *entry, uint32_t added,
                       uint32_t removed, uint32_t keys)
{
	entry->has_added = entry->has_removed = entry->has_rekeyed = true;
	entry->added = added - keys;
	entry->removed = removed - keys;
	entry->rekeyed = keys;
}

static void set_change(Cadre__V1__HistoryLogEntry *entry, const Cadre__V1__Event *event)
{
	const Cadre__V1__GroupDerived *derived = NULL;

	entry->actor = event->actor;
	if (event->body_case == CADRE__V1__EVENT__BODY_GROUP_CLONED)
		derived = event->group_cloned;
	if (event->body_case == CADRE__V1__EVENT__BODY_GROUP_PATCHED)
		derived = event->group_patched;
	if (derived)
		set_counts(entry, (uint32_t)derived->n_inserted,
		           (uint32_t)derived->n_removed, rekeyed(derived));
}

static enum cadre_status count_change(void *ctx, const struct cadre_member *before,
                                      const struct cadre_member *after)
{
	Cadre__V1__HistoryLogEntry *entry = ctx;

	entry->added += before ? 0 : 1;
	entry->removed += after ? 0 : 1;
	entry->rekeyed += before && after ? 1 : 0;
	return CADRE_OK;
}

/* Without the event: from the members of both. */
static enum cadre_status count_by_rows(struct cadre_query *query,
                                       const Cadre__V1__Resource *group,
                                       Cadre__V1__HistoryLogEntry *entry,
                                       struct cadre_error *err)
{
	Cadre__V1__Resource *source;
	enum cadre_status status;

	if (!group->group->has_source_group)
		return CADRE_OK;
	status = cadre_view_by_id(query->view, group->group->source_group, &source, err);
	if (status != CADRE_OK || !source->group)
		return status == CADRE_NOT_FOUND ? CADRE_OK : status;
	return cadre_view_diff(query->view, source->group, group->group, count_change,
	                       entry, err);
}

static enum cadre_status add_version(void *ctx, const Cadre__V1__Resource *resource)
{
	struct history_log *log = ctx;
	struct cadre_query *query = log->query;
	Cadre__V1__Resource *group = (Cadre__V1__Resource *)(uintptr_t)resource;
	Cadre__V1__HistoryLogEntry *entry = query_alloc(query, sizeof *entry);
	struct query_event event;
	enum cadre_status status;

	if (!entry)
		return query_no_room(query, log->err);
	cadre__v1__history_log_entry__init(entry);
	status = query_info(query, group, &entry->group, log->err);
	if (status != CADRE_OK)
		return status;
	entry->has_latest = entry->has_deployments = true;
	entry->latest = group->id == log->latest;
	entry->deployments = group->group->deployments;
	set_counts(entry, group->group->has_source_group ? 0 : group->group->member_count,
	           0, 0);
	/* A group's id is the seq of the event that made it. */
	status = query_event(query, group->id, &event, log->err);
	if (status == CADRE_OK)
		set_change(entry, event.event);
	else if (status == CADRE_NOT_FOUND)
		status = count_by_rows(query, group, entry, log->err);
	log->out->entries[log->out->n_entries++] = entry;
	return status;
}

enum cadre_status query_history_log(struct cadre_query *query, const Cadre__V1__Op *op,
                                    Cadre__V1__Result *result, struct cadre_error *err)
{
	const Cadre__V1__HistoryLog *in = op->history_log;
	struct history_log log = { .query = query, .err = err };
	struct cadre_list_query filter = { .kind = CADRE__V1__KIND__KIND_GROUP,
		                           .descending = true };
	struct cadre_buffer next = { 0 };
	Cadre__V1__Resource *history;
	uint8_t behind[8];
	enum cadre_status status = query_limit("historyLog.limit", in->has_limit,
	                                       in->limit, 100, &filter.limit, err);

	if (status == CADRE_OK)
		status = cadre_query_find(query, "historyLog.history", in->history,
		                          &history, err);
	if (status != CADRE_OK)
		return status;
	if (history->detail_case != CADRE__V1__RESOURCE__DETAIL_HISTORY)
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "historyLog.history: \"%.200s\" is no version history",
		        in->history);
	log.latest = history->history->latest_group;
	filter.history = history->id;
	if (in->has_before_version) {
		cadre_put_be64(behind, in->before_version);
		filter.after = cadre_slice(behind, sizeof behind);
	}
	log.out = query_alloc(query, sizeof *log.out);
	if (!log.out)
		return query_no_room(query, err);
	cadre__v1__history_log_result__init(log.out);
	log.out->entries = query_alloc(query, filter.limit * sizeof *log.out->entries);
	if (!log.out->entries)
		return query_no_room(query, err);
	status = query_info(query, history, &log.out->history, err);
	if (status == CADRE_OK)
		status = cadre_view_list(query->view, &filter, add_version, &log, &next,
		                         err);
	log.out->has_more = true;
	log.out->more = next.length > 0;
	cadre_buffer_fini(&next);
	result->body_case = CADRE__V1__RESULT__BODY_HISTORY_LOG;
	result->history_log = log.out;
	return status;
}
