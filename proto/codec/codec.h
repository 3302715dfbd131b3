/*
 * Messages from and to bytes. Unpacking always goes through the scan of wire.h and
 * into a bounded arena; packing checks the message first.
 */
#ifndef CADRE_PROTO_CODEC_H
#define CADRE_PROTO_CODEC_H

#include <protobuf-c/protobuf-c.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "proto/codec/arena.h"
#include "proto/codec/limits.h"
#include "proto/codec/wire.h"

/*
 * Size check (CADRE_MESSAGE_BYTES_MAX), scan, unpack.
 * Ownership: `*ret_message` and all it points to live in `arena` and hold copies:
 * `bytes` may go. Not to be given to protobuf_c_message_free_unpacked().
 * Errors: CADRE_TOO_LARGE (bytes, or the arena's cap), CADRE_INVALID_PARAMETER
 * (what the scan refuses, with the field's path), CADRE_OUT_OF_MEMORY.
 * Threads: pure, one thread an arena.
 */
CADRE_MUST_CHECK enum cadre_status cadre_unpack(const ProtobufCMessageDescriptor *type,
                                                struct cadre_slice bytes,
                                                struct cadre_arena *arena,
                                                ProtobufCMessage **ret_message,
                                                struct cadre_error *err);

/* The same with limits of one's own, for sockets that carry larger messages. */
CADRE_MUST_CHECK enum cadre_status
cadre_unpack_within(const ProtobufCMessageDescriptor *type, struct cadre_slice bytes,
                    const struct cadre_wire_limits *limits, struct cadre_arena *arena,
                    ProtobufCMessage **ret_message, struct cadre_error *err);

/*
 * Appends the message's bytes to `out`, fields in the order of their numbers: equal
 * messages give equal bytes.
 * Errors: CADRE_INTERNAL (a required field is missing or a string is NULL),
 * CADRE_OUT_OF_MEMORY; `out` is then unchanged.
 */
CADRE_MUST_CHECK enum cadre_status cadre_pack(const ProtobufCMessage *message,
                                              struct cadre_buffer *out,
                                              struct cadre_error *err);

#endif
