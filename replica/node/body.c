#include "replica/node/body.h"

/* Of one look at the cluster's row. */
#define LOOK_ARENA_BYTES ((size_t)1 << 20)

void body_init(struct body *body, const struct body_options *options)
{
	memset(body, 0, sizeof *body);
	body->options = *options;
	pthread_rwlock_init(&body->swap, NULL);
	pthread_mutex_init(&body->lock, NULL);
}

void body_fini(struct body *body)
{
	pthread_mutex_destroy(&body->lock);
	pthread_rwlock_destroy(&body->swap);
}

static void copy_id(uint8_t to[16], const ProtobufCBinaryData *from)
{
	if (from->len == 16)
		memcpy(to, from->data, 16);
}

/* Whose the rows are: it may change with any batch, and is asked for seldom. */
static void look(struct cadre_store *store, struct body_identity *identity)
{
	struct cadre_kv *kv = cadre_store_kv(store);
	struct cadre_arena arena;
	struct cadre_view view;
	Cadre__V1__ClusterRow *row;

	if (!kv)
		return;
	cadre_arena_init(&arena, LOOK_ARENA_BYTES);
	if (cadre_view_begin(&view, kv, CADRE_KV_READ, &arena, NULL) == CADRE_OK) {
		if (cadre_view_cluster(&view, &row, NULL) == CADRE_OK) {
			copy_id(identity->cluster_id, &row->cluster_id);
			copy_id(identity->timeline_id, &row->timeline_id);
		}
		cadre_view_abort(&view);
	}
	cadre_arena_fini(&arena);
}

static void take_copy(struct body *body, struct cadre_store *store,
                      const struct cadre_store_status *status)
{
	cadre_time_ms watermark_ms = cadre_store_watermark(store);

	pthread_mutex_lock(&body->lock);
	body->status = *status;
	body->watermark_ms = watermark_ms;
	memcpy(body->identity.node_id, status->node_id, sizeof body->identity.node_id);
	pthread_mutex_unlock(&body->lock);
	atomic_store(&body->page.watermark_ms, watermark_ms);
	atomic_store(&body->page.applied_seq, status->view.applied_seq);
	atomic_store(&body->page.committed_seq, status->committed_seq);
	if (status->failed)
		atomic_store(&body->failed, true);
}

void body_note(struct body *body, struct cadre_store *store)
{
	struct cadre_store_status status;

	cadre_store_status(store, &status);
	take_copy(body, store, &status);
}

static void loop_changed(void *ctx, const struct cadre_store_status *status)
{
	struct body *body = ctx;

	take_copy(body, body->store, status);
	if (body->options.changed)
		body->options.changed(body->options.ctx, status);
}

static void note_identity(struct body *body, struct cadre_store *store)
{
	struct body_identity identity = { 0 };

	look(store, &identity);
	pthread_mutex_lock(&body->lock);
	memcpy(identity.node_id, body->identity.node_id, sizeof identity.node_id);
	body->identity = identity;
	pthread_mutex_unlock(&body->lock);
}

static void refresh_job(struct cadre_store *store, void *ctx)
{
	body_note(ctx, store);
	note_identity(ctx, store);
}

enum cadre_status body_open(struct body *body, struct cadre_error *err)
{
	struct cadre_store *store = NULL;
	enum cadre_status status = cadre_store_open(body->options.env,
	                                            &body->options.store, &store, err);

	if (status != CADRE_OK)
		return status;
	refresh_job(store, body);
	cadre_store_watch(store, &body->options.watch);
	pthread_rwlock_wrlock(&body->swap);
	body->store = store;
	status = cadre_store_thread_start(store, loop_changed, body, &body->thread, err);
	if (status != CADRE_OK)
		body->store = NULL;
	pthread_rwlock_unlock(&body->swap);
	if (status != CADRE_OK) {
		cadre_store_watch(store, NULL);
		cadre_store_close(store);
		return status;
	}
	atomic_store(&body->open, true);
	return CADRE_OK;
}

void body_close(struct body *body)
{
	struct cadre_store *store;

	atomic_store(&body->open, false);
	pthread_rwlock_wrlock(&body->swap);
	store = body->store;
	if (body->thread)
		cadre_store_thread_stop(body->thread);
	body->thread = NULL;
	body->store = NULL;
	pthread_rwlock_unlock(&body->swap);
	if (!store)
		return;
	cadre_store_watch(store, NULL);
	cadre_store_close(store);
}

bool body_run(struct body *body, cadre_store_job_fn job, void *ctx)
{
	bool ran;

	pthread_rwlock_rdlock(&body->swap);
	ran = body->thread && cadre_store_thread_run(body->thread, job, ctx);
	pthread_rwlock_unlock(&body->swap);
	return ran;
}

void body_refresh(struct body *body)
{
	pthread_rwlock_rdlock(&body->swap);
	if (body->thread && !cadre_store_thread_run(body->thread, refresh_job, body) &&
	    cadre_store_thread_failed(body->thread))
		atomic_store(&body->failed, true);
	pthread_rwlock_unlock(&body->swap);
}

void body_status(struct body *body, struct cadre_store_status *ret_status,
                 struct body_identity *ret_identity, cadre_time_ms *ret_watermark_ms)
{
	pthread_mutex_lock(&body->lock);
	if (ret_status)
		*ret_status = body->status;
	if (ret_identity)
		*ret_identity = body->identity;
	if (ret_watermark_ms)
		*ret_watermark_ms = body->watermark_ms;
	pthread_mutex_unlock(&body->lock);
}
