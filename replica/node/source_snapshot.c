#include <stdio.h>

#include "replica/node/source_internal.h"

void source_maker_init(struct snapshot_maker *maker, struct cadre_store_thread *store)
{
	memset(maker, 0, sizeof *maker);
	pthread_mutex_init(&maker->lock, NULL);
	maker->store = store;
}

/* A failure shows when the follower comes again: there still is none. */
static void write_snapshot(struct cadre_store *store, void *ctx)
{
	struct cadre_snapshot_info info;
	struct cadre_error *err = ctx;

	if (cadre_store_snapshot(store, &info, err) == CADRE_OK)
		err->message[0] = '\0';
}

/* The maker's thread: the store's loop writes, this one waits for it. */
static void *make(void *ctx)
{
	struct snapshot_maker *maker = ctx;
	struct cadre_error err = CADRE_ERROR_INIT;
	bool ran = cadre_store_thread_run(maker->store, write_snapshot, &err);

	pthread_mutex_lock(&maker->lock);
	maker->done = true;
	(void)snprintf(maker->why, sizeof maker->why, "%.255s",
	               ran ? err.message : "the store has ended");
	pthread_mutex_unlock(&maker->lock);
	return NULL;
}

static void join(struct snapshot_maker *maker)
{
	if (maker->started)
		(void)pthread_join(maker->thread, NULL);
	maker->started = false;
	maker->done = false;
}

void source_maker_fini(struct snapshot_maker *maker)
{
	join(maker);
	pthread_mutex_destroy(&maker->lock);
}

/* Starts one unless one is under way. `err`: what to tell the follower. */
static void start_making(struct snapshot_maker *maker, struct cadre_error *err)
{
	pthread_mutex_lock(&maker->lock);
	(void)cadre_error_set(err, CADRE_UNAVAILABLE,
	                      "the leader is making a snapshot: ask again%s%s",
	                      maker->why[0] ? "; the last try: " : "", maker->why);
	if (maker->done)
		join(maker);
	if (!maker->started && maker->store)
		maker->started = pthread_create(&maker->thread, NULL, make, maker) == 0;
	pthread_mutex_unlock(&maker->lock);
}

void source_snapshot_open(struct cadre_source *source, struct cadre_exchange *exchange)
{
	struct source_position position = source_position_now(source);
	cadre_seq seq_min = position.feed.first_seq > 0 ? position.feed.first_seq - 1 : 0;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer manifest = { 0 };
	Cadre__V1__SnapshotInfo info;
	enum cadre_status status = cadre_snapshot_source_open(source->snapshots, seq_min,
	                                                      source_now_ms(source),
	                                                      &info, &manifest, &err);

	if (status == CADRE_NOT_FOUND)
		start_making(&source->maker, &err);
	if (status == CADRE_OK)
		source_send_snapshot_info(exchange, &info);
	else
		source_send_error(source, exchange, &err);
	cadre_buffer_fini(&manifest);
}

void source_snapshot_chunk(struct cadre_source *source, struct cadre_exchange *exchange,
                           const Cadre__V1__SnapshotChunkRequest *request)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer bytes = { 0 };
	enum cadre_status status = cadre_snapshot_source_read(
	        source->snapshots, request, source_now_ms(source), &bytes, &err);

	if (status == CADRE_OK)
		source_send_snapshot_bytes(source, exchange, request->offset,
		                           cadre_buffer_slice(&bytes));
	else
		source_send_error(source, exchange, &err);
	cadre_buffer_fini(&bytes);
}
