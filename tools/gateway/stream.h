/*
 * A body that is made while it is sent: chunks of a prediction, events of a watch. The
 * writer is a thread of a pool, the reader the HTTP library; between them lie at most
 * GATEWAY_STREAM_BYTES and one more piece, so that a slow reader slows the writer down.
 *
 * The answer is sent as soon as the stream is opened for reading; from then on the
 * request is the library's and the writer touches only the stream.
 *
 * Threads: one writer, one reader. Counted: the last reference frees.
 */
#ifndef CADRE_TOOLS_GATEWAY_STREAM_H
#define CADRE_TOOLS_GATEWAY_STREAM_H

#include <stdatomic.h>

#include "engine/base/bytes.h"

#define GATEWAY_STREAM_BYTES ((size_t)256 << 10)

struct MHD_Connection;
struct gateway_stream;

/* One reference. Once `stopping` is set the writer waits for nobody. NULL: out of
 * memory. */
struct gateway_stream *gateway_stream_create(struct MHD_Connection *connection,
                                             const atomic_bool *stopping);
struct gateway_stream *gateway_stream_ref(struct gateway_stream *stream);
/* Takes NULL. */
void gateway_stream_unref(struct gateway_stream *stream);

/* ---- the writer ---- */

/* Waits for room. CADRE_UNAVAILABLE: the reader is gone. */
CADRE_MUST_CHECK enum cadre_status gateway_stream_write(struct gateway_stream *stream,
                                                        struct cadre_slice bytes);
bool gateway_stream_is_abandoned(struct gateway_stream *stream);
/* Nothing more comes. `broken`: the connection is cut, so that the reader knows that
 * something is missing. */
void gateway_stream_end(struct gateway_stream *stream, bool broken);

/* ---- the reader ---- */

enum gateway_stream_state {
	GATEWAY_STREAM_OPEN,
	GATEWAY_STREAM_ENDED,
	GATEWAY_STREAM_BROKEN
};
/* Takes up to `capacity` bytes. When there are none and more will come, the connection
 * is put aside until there are. */
enum gateway_stream_state gateway_stream_read(struct gateway_stream *stream, void *bytes,
                                              size_t capacity, size_t *ret_length);
/* The writer is told to end. */
void gateway_stream_abandon(struct gateway_stream *stream);

#endif
