/*
 * From events to rows: one table from body to function, and the order around it.
 *
 * An event: body, then expired retry tokens, then its own token, so that the
 * digest that a DigestRecorded body compares is the one before the event.
 */
#include "engine/views/apply.h"

#include "proto/codec/codec.h"

#define BODY(name) CADRE__V1__EVENT__BODY_##name

static const struct {
	Cadre__V1__Event__BodyCase body;
	cadre_apply_fn apply;
} bodies[] = {
	{ BODY(GROUP_CREATED), cadre_apply_group_created },
	{ BODY(GROUP_CLONED), cadre_apply_group_derived },
	{ BODY(GROUP_PATCHED), cadre_apply_group_derived },
	{ BODY(GROUP_UPDATED), cadre_apply_group_updated },
	{ BODY(GROUP_ACTIVATED), cadre_apply_group_state },
	{ BODY(GROUP_DEACTIVATED), cadre_apply_group_state },
	{ BODY(GROUP_DELETED), cadre_apply_group_state },
	{ BODY(GROUP_MOVED), cadre_apply_group_moved },
	{ BODY(ARTIFACT_PUT), cadre_apply_artifact_put },
	{ BODY(HISTORY_CREATED), cadre_apply_history_created },
	{ BODY(HISTORY_UPDATED), cadre_apply_history_updated },
	{ BODY(HISTORY_DELETED), cadre_apply_history_deleted },
	{ BODY(HISTORY_MOVED), cadre_apply_history_moved },
	{ BODY(MODEL_REGISTERED), cadre_apply_model_registered },
	{ BODY(MODEL_RETIRED), cadre_apply_model_retired },
	{ BODY(DEPLOYMENT_CREATED), cadre_apply_deployment_created },
	{ BODY(DEPLOYMENT_UPDATED), cadre_apply_deployment_updated },
	{ BODY(DEPLOYMENT_ACTIVATED), cadre_apply_deployment_state },
	{ BODY(DEPLOYMENT_DEACTIVATED), cadre_apply_deployment_state },
	{ BODY(DEPLOYMENT_DELETED), cadre_apply_deployment_state },
	{ BODY(CUT_OVER), cadre_apply_cut_over },
	{ BODY(CUT_OVER_FINISHED), cadre_apply_cut_over_finished },
	{ BODY(DEPLOYMENT_PLACED), cadre_apply_deployment_placed },
	{ BODY(NODE_REGISTERED), cadre_apply_node_registered },
	{ BODY(NODE_RETIRED), cadre_apply_node_retired },
	{ BODY(PRINCIPAL_PUT), cadre_apply_principal_put },
	{ BODY(PRINCIPAL_REMOVED), cadre_apply_principal_removed },
	{ BODY(POLICY_PUT), cadre_apply_policy_put },
	{ BODY(POLICY_REMOVED), cadre_apply_policy_removed },
	{ BODY(CLUSTER_CONFIGURED), cadre_apply_cluster_configured },
	{ BODY(EPOCH_STARTED), cadre_apply_epoch_started },
	{ BODY(DIGEST_RECORDED), cadre_apply_digest_recorded },
	{ BODY(FEATURE_LEVEL_RAISED), cadre_apply_feature_level_raised },
};

static enum cadre_status apply_body(struct cadre_apply *apply)
{
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		if (bodies[i].body == apply->event->body_case)
			return bodies[i].apply(apply);
	}
	return cadre_apply_diverged(apply, "an event of unknown type %d",
	                            (int)apply->event->body_case);
}

enum cadre_status cadre_view_apply(struct cadre_view *view, cadre_seq seq,
                                   cadre_time_ms time_ms, const Cadre__V1__Event *event,
                                   struct cadre_error *err)
{
	struct cadre_apply apply = {
		.view = view, .seq = seq, .time_ms = time_ms, .event = event, .err = err
	};
	enum cadre_status status;

	if (seq != view->head.applied_seq + 1)
		return cadre_apply_diverged(&apply, "does not follow seq %llu",
		                            (unsigned long long)view->head.applied_seq);
	status = apply_body(&apply);
	if (status == CADRE_OK)
		status = cadre_apply_expire_tokens(&apply);
	if (status == CADRE_OK)
		status = cadre_apply_token(&apply);
	if (status == CADRE_OK)
		view->head.applied_seq = seq;
	return status;
}

enum cadre_status cadre_view_end_batch(struct cadre_view *view,
                                       const struct cadre_batch_header *header,
                                       struct cadre_error *err)
{
	cadre_seq last = cadre_batch_last_seq(header);
	struct cadre_row_key key = cadre_key_u64('b', header->time_ms);
	uint8_t value[8];

	if (last != view->head.applied_seq)
		return cadre_error_set(err, CADRE_DIVERGED,
		                       "batch up to seq %llu ends at seq %llu",
		                       (unsigned long long)last,
		                       (unsigned long long)view->head.applied_seq);
	if (header->time_ms < view->head.time_ms)
		return cadre_error_set(
		        err, CADRE_DIVERGED, "seq %llu: time %llu ms after %llu ms",
		        (unsigned long long)last, (unsigned long long)header->time_ms,
		        (unsigned long long)view->head.time_ms);
	view->head.epoch = header->epoch;
	view->head.time_ms = header->time_ms;
	view->head.chain = header->chain;
	cadre_put_le64(value, last);
	return cadre_row_put(view, &key, cadre_slice(value, sizeof value), NULL, err);
}

static enum cadre_status apply_record(struct cadre_view *view, cadre_time_ms time_ms,
                                      const struct cadre_record *record,
                                      struct cadre_error *err)
{
	ProtobufCMessage *message;
	enum cadre_status status;

	cadre_arena_reset(view->arena);
	status = cadre_unpack(&cadre__v1__event__descriptor, record->payload, view->arena,
	                      &message, err);
	if (status == CADRE_INVALID_PARAMETER)
		status = cadre_error_set(err, CADRE_DIVERGED,
		                         "seq %llu: not an event that this build knows",
		                         (unsigned long long)record->seq);
	if (status != CADRE_OK)
		return status;
	return cadre_view_apply(view, record->seq, time_ms,
	                        (const Cadre__V1__Event *)(const void *)message, err);
}

enum cadre_status cadre_view_apply_batch(struct cadre_view *view,
                                         const struct cadre_batch *batch,
                                         struct cadre_error *err)
{
	struct cadre_record record = { .seq = 0 };
	size_t offset = 0;
	enum cadre_status status = cadre_batch_check_chain(batch, &view->head.chain, err);

	while (status == CADRE_OK) {
		status = cadre_batch_next_record(batch, &offset, &record);
		if (status == CADRE_OK)
			status = apply_record(view, batch->header.time_ms, &record, err);
	}
	if (status != CADRE_END)
		return status;
	return cadre_view_end_batch(view, &batch->header, err);
}
