#include "proto/codec/codec.h"
#include "tools/admin/replay.h"

void replay_rewriter_init(struct replay_rewriter *rewriter, struct admin_target *target,
                          const struct replay_selection *selection)
{
	struct cadre_env *env = cadre_env_real();

	*rewriter = (struct replay_rewriter){ .target = target, .selection = selection };
	env->ops->random(env, rewriter->timeline_id, sizeof(rewriter->timeline_id));
	cadre_arena_init(&rewriter->arena, CADRE_ARENA_BYTES_MAX);
}

void replay_rewriter_fini(struct replay_rewriter *rewriter)
{
	cadre_buffer_fini(&rewriter->out);
	cadre_buffer_fini(&rewriter->payload);
	cadre_arena_fini(&rewriter->arena);
}

/* Ends the batch under way and hands it on; nothing when it is empty. */
static enum cadre_status finish_batch(struct replay_rewriter *rewriter,
                                      struct cadre_batch_builder *builder,
                                      struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	if (builder->header.count > 0) {
		cadre_batch_finish(builder, &rewriter->chain);
		rewriter->chain = builder->header.chain;
		rewriter->last_seq = cadre_batch_last_seq(&builder->header);
		rewriter->batches++;
		if (rewriter->target)
			status = admin_target_add(rewriter->target,
			                          cadre_buffer_slice(&rewriter->out),
			                          rewriter->last_seq, err);
	}
	cadre_buffer_clear(&rewriter->out);
	return status;
}

static enum cadre_status begin_batch(struct replay_rewriter *rewriter,
                                     struct cadre_batch_builder *builder,
                                     const struct cadre_batch_header *like,
                                     struct cadre_error *err)
{
	enum cadre_status status;

	cadre_buffer_clear(&rewriter->out);
	status = cadre_batch_begin(builder, &rewriter->out, rewriter->last_seq + 1,
	                           like->epoch, like->time_ms);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "batch: out of memory");
	builder->header.flags = like->flags;
	return CADRE_OK;
}

/* The digest of the new timeline's own state: all before it is applied first, and it
 * opens a batch of its own. */
static enum cadre_status rewrite_digest(struct replay_rewriter *rewriter,
                                        struct cadre_batch_builder *builder,
                                        const struct cadre_batch_header *like,
                                        Cadre__V1__DigestRecorded *record,
                                        struct cadre_error *err)
{
	struct cadre_store_status at = { 0 };
	enum cadre_status status = finish_batch(rewriter, builder, err);

	if (status == CADRE_OK)
		status = begin_batch(rewriter, builder, like, err);
	if (status == CADRE_OK && rewriter->target)
		status = admin_target_flush(rewriter->target, err);
	if (status != CADRE_OK)
		return status;
	record->seq = rewriter->last_seq;
	if (!rewriter->target)
		return CADRE_OK;
	cadre_store_status(rewriter->target->store, &at);
	if (record->version != CADRE_DIGEST_VERSION || record->digest.len != 16)
		return CADRE_OK;
	cadre_put_be64(record->digest.data, at.view.digest.high);
	cadre_put_be64(record->digest.data + 8, at.view.digest.low);
	return CADRE_OK;
}

static enum cadre_status rewrite_event(struct replay_rewriter *rewriter,
                                       struct cadre_batch_builder *builder,
                                       const struct cadre_batch_header *like,
                                       const struct cadre_record *record, bool *ret_kept,
                                       struct cadre_error *err)
{
	ProtobufCMessage *message = NULL;
	Cadre__V1__Event *event;
	enum cadre_status status;

	cadre_arena_reset(&rewriter->arena);
	cadre_buffer_clear(&rewriter->payload);
	*ret_kept = true;
	status = cadre_unpack(&cadre__v1__event__descriptor, record->payload,
	                      &rewriter->arena, &message, err);
	if (status != CADRE_OK)
		return status;
	event = (Cadre__V1__Event *)(void *)message;
	if (rewriter->selection && !replay_keep_event(rewriter->selection, event)) {
		*ret_kept = false;
		return CADRE_OK;
	}
	if (event->body_case == CADRE__V1__EVENT__BODY_CLUSTER_CONFIGURED &&
	    event->cluster_configured->timeline_id.len == 16)
		memcpy(event->cluster_configured->timeline_id.data, rewriter->timeline_id,
		       16);
	if (event->body_case == CADRE__V1__EVENT__BODY_DIGEST_RECORDED)
		status = rewrite_digest(rewriter, builder, like, event->digest_recorded,
		                        err);
	return status == CADRE_OK ? cadre_pack(message, &rewriter->payload, err) : status;
}

/* Whether the event must be looked into: most go over as they are. */
static bool needs_rewrite(const struct replay_rewriter *rewriter, uint16_t type)
{
	return rewriter->selection || type == CADRE__V1__EVENT__BODY_CLUSTER_CONFIGURED ||
	       type == CADRE__V1__EVENT__BODY_DIGEST_RECORDED;
}

enum cadre_status replay_rewrite(struct replay_rewriter *rewriter,
                                 const struct cadre_batch *batch, struct cadre_error *err)
{
	struct cadre_batch_builder builder;
	struct cadre_record record = { 0 };
	size_t offset = 0;
	enum cadre_status status = begin_batch(rewriter, &builder, &batch->header, err);

	while (status == CADRE_OK) {
		bool kept = true;
		struct cadre_slice payload;

		status = cadre_batch_next_record(batch, &offset, &record);
		if (status == CADRE_END)
			return finish_batch(rewriter, &builder, err);
		payload = record.payload;
		if (status == CADRE_OK && needs_rewrite(rewriter, record.type)) {
			status = rewrite_event(rewriter, &builder, &batch->header,
			                       &record, &kept, err);
			payload = cadre_buffer_slice(&rewriter->payload);
		}
		if (status == CADRE_OK && kept)
			status = cadre_batch_add(&builder, record.type, payload);
	}
	return status;
}
