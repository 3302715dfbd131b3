/*
 * Protobuf messages from and to JSON, along their descriptors.
 *
 * Field names are the proto names in lowerCamelCase, in the order of the field
 * numbers; absent fields are left out, present ones written even when zero or empty
 * (repeated fields: when not empty); a oneof is its member; enums are their names,
 * bytes lower-case hex digits, 64-bit integers JSON integers (strings of digits
 * above 2^63 - 1), doubles the shortest digits that read back equal.
 *
 * What the scan of proto/codec/wire.h passed, and packs back to the same bytes, goes
 * through JSON and back without a change (non-finite doubles aside, which the writer
 * refuses).
 */
#ifndef CADRE_TOOLS_JSON_MESSAGE_H
#define CADRE_TOOLS_JSON_MESSAGE_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "engine/base/status.h"
#include "proto/codec/arena.h"
#include "tools/common/json_write.h"

/* Writes the message as one object.
 * Errors: CADRE_INVALID_PARAMETER for what JSON cannot hold (an enum value without a
 * name, a double that is not finite); the text then ends anywhere. Running out of
 * memory latches in `json`. */
CADRE_MUST_CHECK enum cadre_status cadre_json_put_message(struct cadre_json *json,
                                                          const ProtobufCMessage *message,
                                                          struct cadre_error *err);

/*
 * Reads an object as a message of `type`. `path` stands in front of every path in an
 * error ("" or NULL: nothing).
 * Ownership: the message and all it points to live in `arena`.
 * Errors, each with the path of the field: CADRE_INVALID_PARAMETER (unknown field,
 * with the nearest name; another type than the field's; a number out of range; an
 * unknown enum name; two members of one oneof; deeper than CADRE_WIRE_DEPTH_MAX),
 * CADRE_MISSING_PARAMETER (a required field), CADRE_TOO_LARGE (the arena's cap),
 * CADRE_OUT_OF_MEMORY.
 */
CADRE_MUST_CHECK enum cadre_status
cadre_json_get_message(const json_t *value, const ProtobufCMessageDescriptor *type,
                       const char *path, struct cadre_arena *arena,
                       ProtobufCMessage **ret_message, struct cadre_error *err);

/* One JSON value and nothing behind it; a key given twice is an error, and numbers
 * outside 64 bits are.
 * Ownership: json_decref() by the caller. `line` is where `text` starts in its file,
 * for the message (0: leave lines out). */
CADRE_MUST_CHECK enum cadre_status cadre_json_parse(struct cadre_slice text, size_t line,
                                                    json_t **ret_value,
                                                    struct cadre_error *err);

/* Room for the lowerCamelCase form of any proto name, with its NUL. */
#define CADRE_JSON_NAME_BYTES 64u
/* "inference_key" -> "inferenceKey" */
void cadre_json_name(const char *proto_name, char name[CADRE_JSON_NAME_BYTES]);
/* "object", "integer", …, for messages. */
const char *cadre_json_type_name(const json_t *value);

/* Bytes of one element of the field in its struct. */
size_t cadre_json_element_bytes(const ProtobufCFieldDescriptor *field);

#endif
