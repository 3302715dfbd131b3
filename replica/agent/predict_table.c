/* The table of streams: by id, and in the order of their start. Lock held throughout. */
#include "replica/agent/predict_internal.h"

#include <stdlib.h>

#include "engine/base/assert.h"

static struct predict_stream **bucket_of(struct cadre_predict_server *server, uint64_t id)
{
	return &server->buckets[id % PREDICT_BUCKETS];
}

struct predict_stream *predict_table_find(struct cadre_predict_server *server,
                                          uint64_t id)
{
	struct predict_stream *stream = *bucket_of(server, id);

	while (stream && stream->id != id)
		stream = stream->next;
	return stream;
}

static uint64_t new_id(struct cadre_predict_server *server)
{
	uint64_t id;

	do {
		server->env->ops->random(server->env, &id, sizeof id);
	} while (id == 0 || predict_table_find(server, id));
	return id;
}

void predict_table_add(struct cadre_predict_server *server, struct predict_stream *stream)
{
	struct predict_stream **bucket;

	stream->id = new_id(server);
	bucket = bucket_of(server, stream->id);
	stream->next = *bucket;
	*bucket = stream;
	stream->older = server->newest;
	if (server->newest)
		server->newest->newer = stream;
	else
		server->oldest = stream;
	server->newest = stream;
	server->streams++;
	stream->refs++;
	/* The keeper sleeps without end while there is none. */
	if (server->streams == 1)
		pthread_cond_broadcast(&server->changed);
	cadre_metric_set(server->metrics, METRIC_STREAMS, server->streams);
}

void predict_table_remove(struct cadre_predict_server *server,
                          struct predict_stream *stream)
{
	struct predict_stream **at = bucket_of(server, stream->id);

	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	*(stream->older ? &stream->older->newer : &server->oldest) = stream->newer;
	*(stream->newer ? &stream->newer->older : &server->newest) = stream->older;
	server->streams--;
	if (server->refusing)
		pthread_cond_broadcast(&server->changed);
	cadre_metric_set(server->metrics, METRIC_STREAMS, server->streams);
}

unsigned predict_table_live(const struct cadre_predict_server *server)
{
	unsigned live = 0;

	for (const struct predict_stream *at = server->oldest; at; at = at->newer)
		live += at->ended ? 0 : 1;
	return live;
}

/* ---- chunks ---- */

struct predict_chunk *predict_chunk_make(struct cadre_worker_piece *piece)
{
	struct predict_chunk *chunk = calloc(1, sizeof *chunk);

	if (!chunk)
		return NULL;
	chunk->refs = 1;
	chunk->number = piece->number;
	chunk->end = piece->end;
	chunk->data = piece->data;
	piece->data = (struct cadre_buffer){ 0 };
	return chunk;
}

void predict_chunk_let_go(struct predict_chunk *chunk)
{
	if (!chunk || --chunk->refs > 0)
		return;
	cadre_buffer_fini(&chunk->data);
	free(chunk);
}

void predict_hold(struct cadre_predict_server *server, struct predict_stream *stream,
                  struct predict_chunk *chunk)
{
	struct predict_chunk *before = stream->chunk;

	server->bytes += chunk ? chunk->data.length : 0;
	server->bytes -= before ? before->data.length : 0;
	stream->chunk = chunk;
	predict_chunk_let_go(before);
	cadre_metric_set(server->metrics, METRIC_BYTES, (int64_t)server->bytes);
}

/* ---- room ---- */

static bool has_room(const struct cadre_predict_server *server, size_t bytes)
{
	return server->starts + server->streams < server->places_max &&
	       server->bytes <= server->bytes_max &&
	       bytes <= server->bytes_max - server->bytes;
}

bool predict_make_room(struct cadre_predict_server *server, size_t bytes)
{
	struct predict_stream *newer;

	for (struct predict_stream *at = server->oldest; at && !has_room(server, bytes);
	     at = newer) {
		newer = at->newer;
		/* With one more reference its last answer is being made. */
		if (!at->ended || at->refs > 1)
			continue;
		predict_table_remove(server, at);
		CADRE_ASSERT(!at->route_held);
		predict_hold(server, at, NULL);
		free(at);
	}
	return has_room(server, bytes);
}
