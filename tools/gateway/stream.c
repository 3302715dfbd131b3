#include "tools/gateway/stream.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* A writer that waits looks so often whether the gateway stops. */
#define LOOK_MS 250u

struct gateway_stream {
	struct MHD_Connection *connection;
	const atomic_bool *stopping;
	pthread_mutex_t lock;
	pthread_cond_t room;
	unsigned references; /* lock, and what follows */
	struct cadre_buffer bytes;
	size_t taken;   /* of those */
	bool suspended; /* the connection waits for bytes */
	bool ended, broken, abandoned;
};

struct gateway_stream *gateway_stream_create(struct MHD_Connection *connection,
                                             const atomic_bool *stopping)
{
	struct gateway_stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return NULL;
	stream->connection = connection;
	stream->stopping = stopping;
	stream->references = 1;
	pthread_mutex_init(&stream->lock, NULL);
	pthread_cond_init(&stream->room, NULL);
	return stream;
}

struct gateway_stream *gateway_stream_ref(struct gateway_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	stream->references++;
	pthread_mutex_unlock(&stream->lock);
	return stream;
}

void gateway_stream_unref(struct gateway_stream *stream)
{
	bool last;

	if (!stream)
		return;
	pthread_mutex_lock(&stream->lock);
	last = --stream->references == 0;
	pthread_mutex_unlock(&stream->lock);
	if (!last)
		return;
	pthread_cond_destroy(&stream->room);
	pthread_mutex_destroy(&stream->lock);
	cadre_buffer_fini(&stream->bytes);
	free(stream);
}

/* The lock is held: the connection cannot end in between. */
static void wake_reader(struct gateway_stream *stream)
{
	if (!stream->suspended)
		return;
	stream->suspended = false;
	MHD_resume_connection(stream->connection);
}

static size_t waiting(const struct gateway_stream *stream)
{
	return stream->bytes.length - stream->taken;
}

static void compact(struct gateway_stream *stream)
{
	size_t left = waiting(stream);

	if (stream->taken == 0)
		return;
	memmove(stream->bytes.data, stream->bytes.data + stream->taken, left);
	stream->bytes.length = left;
	stream->taken = 0;
}

/* For a while; the lock is held. */
static void wait_for_room(struct gateway_stream *stream)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += (long)LOOK_MS * 1000000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&stream->room, &stream->lock, &end);
}

enum cadre_status gateway_stream_write(struct gateway_stream *stream,
                                       struct cadre_slice bytes)
{
	enum cadre_status status = CADRE_UNAVAILABLE;

	pthread_mutex_lock(&stream->lock);
	while (waiting(stream) >= GATEWAY_STREAM_BYTES && !stream->abandoned &&
	       !atomic_load(stream->stopping))
		wait_for_room(stream);
	if (!stream->abandoned && waiting(stream) < GATEWAY_STREAM_BYTES) {
		compact(stream);
		status = cadre_buffer_append(&stream->bytes, bytes.data, bytes.length);
		wake_reader(stream);
	}
	pthread_mutex_unlock(&stream->lock);
	return status;
}

bool gateway_stream_is_abandoned(struct gateway_stream *stream)
{
	bool abandoned;

	pthread_mutex_lock(&stream->lock);
	abandoned = stream->abandoned;
	pthread_mutex_unlock(&stream->lock);
	return abandoned;
}

void gateway_stream_end(struct gateway_stream *stream, bool broken)
{
	pthread_mutex_lock(&stream->lock);
	stream->ended = true;
	stream->broken = broken;
	wake_reader(stream);
	pthread_mutex_unlock(&stream->lock);
}

enum gateway_stream_state gateway_stream_read(struct gateway_stream *stream, void *bytes,
                                              size_t capacity, size_t *ret_length)
{
	enum gateway_stream_state state = GATEWAY_STREAM_OPEN;
	size_t length;

	pthread_mutex_lock(&stream->lock);
	length = waiting(stream) < capacity ? waiting(stream) : capacity;
	if (length > 0) {
		memcpy(bytes, stream->bytes.data + stream->taken, length);
		stream->taken += length;
		pthread_cond_signal(&stream->room);
	} else if (stream->ended) {
		state = stream->broken ? GATEWAY_STREAM_BROKEN : GATEWAY_STREAM_ENDED;
	} else {
		stream->suspended = true;
		MHD_suspend_connection(stream->connection);
	}
	pthread_mutex_unlock(&stream->lock);
	*ret_length = length;
	return state;
}

void gateway_stream_abandon(struct gateway_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	stream->abandoned = true;
	pthread_cond_signal(&stream->room);
	pthread_mutex_unlock(&stream->lock);
}
