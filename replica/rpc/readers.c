#include "replica/rpc/readers.h"

#include <stdio.h>

/* A thread mostly finds its own slot free, with warm caches. */
static atomic_uint next_hint;
static _Thread_local unsigned hint_plus_one;

void readers_init(struct readers *readers)
{
	memset(readers, 0, sizeof *readers);
	for (unsigned i = 0; i < READERS; i++)
		pthread_mutex_init(&readers->slots[i].lock, NULL);
}

static void close_slot(struct reader *reader)
{
	if (reader->open)
		cadre_view_abort(&reader->view);
	reader->open = false;
	reader->cluster_known = false;
}

void readers_switch(struct readers *readers, struct cadre_kv *kv)
{
	/* First the map, then the slots: who enters behind the sweep finds the new
	 * one, who entered before is waited for. */
	atomic_store(&readers->kv, kv);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_mutex_lock(&readers->slots[i].lock);
		close_slot(&readers->slots[i]);
		pthread_mutex_unlock(&readers->slots[i].lock);
	}
}

void readers_fini(struct readers *readers)
{
	readers_switch(readers, NULL);
	for (unsigned i = 0; i < READERS; i++)
		pthread_mutex_destroy(&readers->slots[i].lock);
}

static struct reader *take_slot(struct readers *readers)
{
	unsigned first;

	if (hint_plus_one == 0)
		hint_plus_one = 1 + atomic_fetch_add(&next_hint, 1) % READERS;
	first = hint_plus_one - 1;
	for (unsigned i = 0; i < READERS; i++) {
		struct reader *reader = &readers->slots[(first + i) % READERS];
		if (pthread_mutex_trylock(&reader->lock) == 0)
			return reader;
	}
	pthread_mutex_lock(&readers->slots[first].lock);
	return &readers->slots[first];
}

static enum cadre_status load_cluster(struct reader *reader, struct cadre_error *err)
{
	Cadre__V1__ClusterRow *row;
	enum cadre_status status;

	if (reader->cluster_known && reader->cluster_seq == reader->view.head.applied_seq)
		return CADRE_OK;
	status = cadre_view_cluster(&reader->view, &row, err);
	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	reader->cluster_known = true;
	reader->cluster_seq = reader->view.head.applied_seq;
	memset(reader->timeline_id, 0, sizeof reader->timeline_id);
	memset(reader->cluster_id, 0, sizeof reader->cluster_id);
	reader->cluster_name[0] = '\0';
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (row->timeline_id.len == sizeof reader->timeline_id)
		memcpy(reader->timeline_id, row->timeline_id.data,
		       sizeof reader->timeline_id);
	if (row->cluster_id.len == sizeof reader->cluster_id)
		memcpy(reader->cluster_id, row->cluster_id.data,
		       sizeof reader->cluster_id);
	(void)snprintf(reader->cluster_name, sizeof reader->cluster_name, "%s",
	               row->name);
	return CADRE_OK;
}

static enum cadre_status refresh(struct readers *readers, struct reader *reader,
                                 struct cadre_arena *arena, struct cadre_error *err)
{
	struct cadre_kv *kv = atomic_load(&readers->kv);
	enum cadre_status status;

	if (!kv)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "the views are being made ready");
	if (reader->open) {
		reader->view.arena = arena;
		status = cadre_view_renew(&reader->view, err);
	} else {
		status = cadre_view_begin(&reader->view, kv, CADRE_KV_READ, arena, err);
	}
	reader->open = status == CADRE_OK;
	if (status != CADRE_OK)
		return status;
	status = load_cluster(reader, err);
	if (status != CADRE_OK)
		close_slot(reader);
	return status;
}

enum cadre_status readers_enter(struct readers *readers, struct cadre_arena *arena,
                                struct reader **ret_reader, struct cadre_error *err)
{
	struct reader *reader = take_slot(readers);
	enum cadre_status status = refresh(readers, reader, arena, err);

	*ret_reader = status == CADRE_OK ? reader : NULL;
	if (status != CADRE_OK)
		pthread_mutex_unlock(&reader->lock);
	return status;
}

void readers_leave(struct reader *reader)
{
	cadre_view_reset(&reader->view);
	reader->view.arena = NULL;
	pthread_mutex_unlock(&reader->lock);
}
