/*
 * The scan of protobuf bytes from outside before protobuf-c may see them.
 *
 * protobuf-c recurses without a limit, merges repeated singular messages in
 * quadratic time, keeps unknown fields, and takes NUL and invalid UTF-8 inside
 * strings. The scan walks the bytes once along the message's descriptor, allocates
 * nothing, and refuses all of that; what passes has one meaning.
 */
#ifndef CADRE_PROTO_WIRE_H
#define CADRE_PROTO_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "engine/base/status.h"
#include "engine/base/types.h"

struct cadre_wire_limits {
	size_t bytes_max;   /* of the whole message */
	unsigned depth_max; /* messages inside each other, the outermost is 1; <= 16 */
	size_t fields_base; /* fields of one message: at most this many ... */
	size_t bytes_per_field; /* ... and one more for each so many of its bytes */
};

/* The limits of limits.h for a message of the RPC. */
extern const struct cadre_wire_limits cadre_wire_limits_default;

/*
 * Refuses: bytes, depth or fields over the limits; unknown fields; a wire type
 * other than the field's (packable repeated fields may come packed or not); groups;
 * field number 0; varints cut short, over 64 bits or longer than needed; lengths
 * past the end; a singular field, or two members of one oneof, given twice; missing
 * required fields; strings with NUL or invalid UTF-8; numbers outside their 32-bit
 * type; enum values the descriptor lacks; bools other than 0 and 1. Fields may come
 * in any order. `limits` NULL: the default.
 *
 * Errors: CADRE_TOO_LARGE (bytes), else CADRE_INVALID_PARAMETER; the message starts
 * with the field's path, `createGroup.members[17].inferenceKey: `.
 * Threads: pure.
 */
CADRE_MUST_CHECK enum cadre_status cadre_wire_scan(const ProtobufCMessageDescriptor *type,
                                                   struct cadre_slice bytes,
                                                   const struct cadre_wire_limits *limits,
                                                   struct cadre_error *err);

#endif
