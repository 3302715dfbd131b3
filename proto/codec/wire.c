/*
 * The path of a field in an error is found only when there is an error: each level
 * of nesting remembers where its current field starts, and the index inside a
 * repeated field is counted again from the start of the message.
 */
#include "proto/codec/wire.h"

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "proto/codec/limits.h"

#include <stdio.h>

#define DEPTH_CAP 16   /* of limits->depth_max; bounds the path array */
#define FIELDS_CAP 256 /* fields a message type may declare */
#define NO_INDEX UINT32_MAX

const struct cadre_wire_limits cadre_wire_limits_default = {
	.bytes_max = CADRE_MESSAGE_BYTES_MAX,
	.depth_max = CADRE_WIRE_DEPTH_MAX,
	.fields_base = CADRE_WIRE_FIELDS_BASE,
	.bytes_per_field = CADRE_WIRE_BYTES_PER_FIELD,
};

/* One message being scanned. */
struct level {
	const struct level *outer;
	const ProtobufCMessageDescriptor *type;
	const struct cadre_wire_limits *limits;
	struct cadre_error *err;
	const uint8_t *start;
	const uint8_t *end;
	const uint8_t *field_at;               /* where the current field's tag starts */
	const ProtobufCFieldDescriptor *field; /* NULL: none known yet */
	unsigned depth;
	uint64_t seen[FIELDS_CAP / 64]; /* by index in type->fields */
};

static const uint8_t wire_types[] = {
	[PROTOBUF_C_TYPE_INT32] = PROTOBUF_C_WIRE_TYPE_VARINT,
	[PROTOBUF_C_TYPE_SINT32] = PROTOBUF_C_WIRE_TYPE_VARINT,
	[PROTOBUF_C_TYPE_SFIXED32] = PROTOBUF_C_WIRE_TYPE_32BIT,
	[PROTOBUF_C_TYPE_INT64] = PROTOBUF_C_WIRE_TYPE_VARINT,
	[PROTOBUF_C_TYPE_SINT64] = PROTOBUF_C_WIRE_TYPE_VARINT,
	[PROTOBUF_C_TYPE_SFIXED64] = PROTOBUF_C_WIRE_TYPE_64BIT,
	[PROTOBUF_C_TYPE_UINT32] = PROTOBUF_C_WIRE_TYPE_VARINT,
	[PROTOBUF_C_TYPE_FIXED32] = PROTOBUF_C_WIRE_TYPE_32BIT,
	[PROTOBUF_C_TYPE_UINT64] = PROTOBUF_C_WIRE_TYPE_VARINT,
	[PROTOBUF_C_TYPE_FIXED64] = PROTOBUF_C_WIRE_TYPE_64BIT,
	[PROTOBUF_C_TYPE_FLOAT] = PROTOBUF_C_WIRE_TYPE_32BIT,
	[PROTOBUF_C_TYPE_DOUBLE] = PROTOBUF_C_WIRE_TYPE_64BIT,
	[PROTOBUF_C_TYPE_BOOL] = PROTOBUF_C_WIRE_TYPE_VARINT,
	[PROTOBUF_C_TYPE_ENUM] = PROTOBUF_C_WIRE_TYPE_VARINT,
	[PROTOBUF_C_TYPE_STRING] = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
	[PROTOBUF_C_TYPE_BYTES] = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
	[PROTOBUF_C_TYPE_MESSAGE] = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
};

/* NULL, or why the bytes at `*at` are no varint. */
static inline const char *read_varint(const uint8_t **at, const uint8_t *end,
                                      uint64_t *ret_value)
{
	const uint8_t *next = *at;
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;
		if (next == end)
			return "number cut short";
		byte = *next++;
		if (shift == 63 && byte > 1)
			return "number over 64 bits";
		value |= (uint64_t)(byte & 0x7F) << shift;
		if (byte < 0x80) {
			if (byte == 0 && shift > 0)
				return "number longer than needed";
			*at = next;
			*ret_value = value;
			return NULL;
		}
	}
	return "number over 10 bytes";
}

/* Moves over the value of a field that passed before. */
static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end, unsigned wire)
{
	uint64_t value = 0;

	if (wire == PROTOBUF_C_WIRE_TYPE_64BIT)
		return at + 8;
	if (wire == PROTOBUF_C_WIRE_TYPE_32BIT)
		return at + 4;
	CADRE_ASSERT(!read_varint(&at, end, &value));
	return wire == PROTOBUF_C_WIRE_TYPE_VARINT ? at : at + value;
}

/* How often the current field came before, in this message. */
static unsigned count_before(const struct level *level)
{
	const uint8_t *at = level->start;
	unsigned count = 0;

	while (at < level->field_at) {
		uint64_t tag = 0;
		CADRE_ASSERT(!read_varint(&at, level->field_at, &tag));
		count += tag >> 3 == level->field->id;
		at = skip_value(at, level->field_at, tag & 7);
	}
	return count;
}

/* Appends `name` in lowerCamelCase; returns the new length, always < capacity. */
static size_t append_camel(char *text, size_t length, size_t capacity, const char *name)
{
	bool upper = false;

	for (; *name && length + 1 < capacity; name++) {
		char letter = *name;
		if (letter == '_') {
			upper = true;
			continue;
		}
		if (upper && letter >= 'a' && letter <= 'z')
			letter = (char)(letter - 'a' + 'A');
		upper = false;
		text[length++] = letter;
	}
	text[length] = '\0';
	return length;
}

static void format_path(const struct level *level, char *text, size_t capacity)
{
	const struct level *levels[DEPTH_CAP];
	unsigned count = 0;
	size_t length = 0;

	for (const struct level *at = level; at; at = at->outer)
		levels[count++] = at;
	text[0] = '\0';
	while (count-- > 0 && length + 16 < capacity) {
		const struct level *at = levels[count];
		if (!at->field)
			break;
		if (length > 0)
			text[length++] = '.';
		length = append_camel(text, length, capacity - 16, at->field->name);
		if (at->field->label == PROTOBUF_C_LABEL_REPEATED)
			length += (size_t)snprintf(text + length, capacity - length,
			                           "[%u]", count_before(at));
	}
	if (length == 0)
		snprintf(text, capacity, "%s", level->type->short_name);
}

CADRE_PRINTF(2, 3)
static enum cadre_status refuse(const struct level *level, const char *format, ...)
{
	char path[256];
	char reason[128];
	va_list args;

	if (!level->err)
		return CADRE_INVALID_PARAMETER;
	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	format_path(level, path, sizeof path);
	cadre_error_set(level->err, CADRE_INVALID_PARAMETER, "%s: %s", path, reason);
	return CADRE_INVALID_PARAMETER;
}

/* Index of `value` in the sorted array that `ranges` describes, or NO_INDEX. */
static inline uint32_t range_lookup(const ProtobufCIntRange *ranges, unsigned count,
                                    int32_t value)
{
	unsigned low = 0;

	while (count > 1) {
		unsigned half = count / 2;
		if (value >= ranges[low + half].start_value)
			low += half;
		count -= half;
	}
	if (count == 0 || value < ranges[low].start_value)
		return NO_INDEX;
	uint32_t offset = (uint32_t)value - (uint32_t)ranges[low].start_value;
	if (offset >= ranges[low + 1].orig_index - ranges[low].orig_index)
		return NO_INDEX;
	return ranges[low].orig_index + offset;
}

static bool enum_has(const ProtobufCEnumDescriptor *type, int32_t value)
{
	return range_lookup(type->value_ranges, type->n_value_ranges, value) != NO_INDEX;
}

static enum cadre_status check_varint(const struct level *level, uint64_t value)
{
	const ProtobufCFieldDescriptor *field = level->field;
	bool is_int32 = (int64_t)value == (int32_t)value;

	if (field->type == PROTOBUF_C_TYPE_BOOL && value > 1)
		return refuse(level, "%llu is neither 0 nor 1",
		              (unsigned long long)value);
	if (field->type == PROTOBUF_C_TYPE_ENUM &&
	    !(is_int32 && enum_has(field->descriptor, (int32_t)value)))
		return refuse(level, "unknown value %lld", (long long)value);
	if (field->type == PROTOBUF_C_TYPE_INT32 && !is_int32)
		return refuse(level, "%lld does not fit 32 bits", (long long)value);
	if ((field->type == PROTOBUF_C_TYPE_UINT32 ||
	     field->type == PROTOBUF_C_TYPE_SINT32) &&
	    value > UINT32_MAX)
		return refuse(level, "%llu does not fit 32 bits",
		              (unsigned long long)value);
	return CADRE_OK;
}

/* One value that is not length-prefixed. */
static enum cadre_status scan_scalar(const struct level *level, const uint8_t **at,
                                     const uint8_t *end)
{
	unsigned wire = wire_types[level->field->type];
	uint64_t value = 0;
	const char *fault;

	if (wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
		fault = read_varint(at, end, &value);
		return fault ? refuse(level, "%s", fault) : check_varint(level, value);
	}
	size_t width = wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
	if ((size_t)(end - *at) < width)
		return refuse(level, "%zu bytes, %zu left", width, (size_t)(end - *at));
	*at += width;
	return CADRE_OK;
}

/* True when all 8 bytes at `at` are ASCII other than NUL. */
static inline bool plain_text(const uint8_t *at)
{
	const uint64_t ones = 0x0101010101010101u;
	const uint64_t highs = 0x8080808080808080u;
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return (((word - ones) | word) & highs) == 0;
}

static enum cadre_status check_text(const struct level *level, const uint8_t *at,
                                    size_t length)
{
	while (length >= 8 && plain_text(at)) {
		at += 8;
		length -= 8;
	}
	if (length > 0 && memchr(at, '\0', length))
		return refuse(level, "has a NUL character");
	if (!cadre_utf8_check(at, length, NULL))
		return refuse(level, "is not valid UTF-8");
	return CADRE_OK;
}

static enum cadre_status scan_message(struct level *level);

static enum cadre_status scan_nested(const struct level *level, const uint8_t *at,
                                     const uint8_t *end)
{
	struct level inner = {
		.outer = level,
		.type = level->field->descriptor,
		.limits = level->limits,
		.err = level->err,
		.start = at,
		.end = end,
		.depth = level->depth + 1,
	};

	if (inner.depth > level->limits->depth_max)
		return refuse(level, "nested %u deep, at most %u", inner.depth,
		              level->limits->depth_max);
	return scan_message(&inner);
}

static enum cadre_status scan_packed(const struct level *level, const uint8_t *at,
                                     const uint8_t *end)
{
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK && at < end)
		status = scan_scalar(level, &at, end);
	return status;
}

static enum cadre_status scan_prefixed(const struct level *level, const uint8_t **at)
{
	uint64_t length = 0;
	const char *fault = read_varint(at, level->end, &length);
	const uint8_t *value = *at;

	if (fault)
		return refuse(level, "%s", fault);
	if (length > (uint64_t)(level->end - value))
		return refuse(level, "%llu bytes, %zu left", (unsigned long long)length,
		              (size_t)(level->end - value));
	*at = value + length;
	if (level->field->type == PROTOBUF_C_TYPE_STRING)
		return check_text(level, value, length);
	if (level->field->type == PROTOBUF_C_TYPE_MESSAGE)
		return scan_nested(level, value, *at);
	if (level->field->type == PROTOBUF_C_TYPE_BYTES)
		return CADRE_OK;
	return scan_packed(level, value, *at);
}

/* A singular field comes once, and of a oneof only one member comes. */
static enum cadre_status note_seen(struct level *level, uint32_t index)
{
	const ProtobufCFieldDescriptor *field = level->field;
	uint64_t bit = (uint64_t)1 << (index % 64);

	if (field->label != PROTOBUF_C_LABEL_REPEATED && (level->seen[index / 64] & bit))
		return refuse(level, "given twice");
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		for (uint32_t i = 0; i < level->type->n_fields; i++) {
			const ProtobufCFieldDescriptor *other = &level->type->fields[i];
			if (!(level->seen[i / 64] >> (i % 64) & 1))
				continue;
			if ((other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
			    other->quantifier_offset == field->quantifier_offset)
				return refuse(level, "given beside \"%s\"", other->name);
		}
	}
	level->seen[index / 64] |= bit;
	return CADRE_OK;
}

/* Reads a tag, finds its field and checks the wire type. */
static enum cadre_status scan_tag(struct level *level, const uint8_t **at,
                                  unsigned *ret_wire)
{
	const ProtobufCMessageDescriptor *type = level->type;
	uint64_t tag = 0;
	const char *fault = read_varint(at, level->end, &tag);
	unsigned wire = tag & 7;
	uint32_t index;

	if (fault)
		return refuse(level, "tag: %s", fault);
	if (tag > UINT32_MAX || tag >> 3 == 0)
		return refuse(level, "tag: no field number %llu",
		              (unsigned long long)tag >> 3);
	index = range_lookup(type->field_ranges, type->n_field_ranges,
	                     (int32_t)(tag >> 3));
	if (index == NO_INDEX)
		return refuse(level, "unknown field %u of wire type %u",
		              (unsigned)(tag >> 3), wire);
	level->field = &type->fields[index];
	if (wire != wire_types[level->field->type] &&
	    !(wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
	      level->field->label == PROTOBUF_C_LABEL_REPEATED))
		return refuse(level, "wire type %u, expected %u", wire,
		              wire_types[level->field->type]);
	*ret_wire = wire;
	return note_seen(level, index);
}

static enum cadre_status check_required(struct level *level)
{
	for (uint32_t i = 0; i < level->type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &level->type->fields[i];
		if (field->label != PROTOBUF_C_LABEL_REQUIRED)
			continue;
		if (level->seen[i / 64] >> (i % 64) & 1)
			continue;
		level->field = field;
		return refuse(level, "is missing");
	}
	return CADRE_OK;
}

static enum cadre_status scan_message(struct level *level)
{
	const uint8_t *at = level->start;
	size_t bytes = (size_t)(level->end - at);
	size_t room = level->limits->fields_base + bytes / level->limits->bytes_per_field;

	CADRE_ASSERT(level->type->n_fields <= FIELDS_CAP);
	while (at < level->end) {
		unsigned wire = 0;
		enum cadre_status status;
		level->field_at = at;
		level->field = NULL;
		if (room-- == 0)
			return refuse(level, "too many fields for %zu bytes", bytes);
		status = scan_tag(level, &at, &wire);
		if (status != CADRE_OK)
			return status;
		CADRE_ASSERT(level->field);
		if (wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			status = scan_prefixed(level, &at);
		else
			status = scan_scalar(level, &at, level->end);
		if (status != CADRE_OK)
			return status;
	}
	return check_required(level);
}

enum cadre_status cadre_wire_scan(const ProtobufCMessageDescriptor *type,
                                  struct cadre_slice bytes,
                                  const struct cadre_wire_limits *limits,
                                  struct cadre_error *err)
{
	struct level outermost = {
		.type = type,
		.limits = limits ? limits : &cadre_wire_limits_default,
		.err = err,
		.start = bytes.data,
		.end = bytes.data ? bytes.data + bytes.length : NULL,
		.depth = 1,
	};

	CADRE_ASSERT(outermost.limits->depth_max <= DEPTH_CAP);
	CADRE_ASSERT(outermost.limits->bytes_per_field > 0);
	if (bytes.length > outermost.limits->bytes_max)
		return cadre_error_set(err, CADRE_TOO_LARGE, "%s: %zu bytes, at most %zu",
		                       type->short_name, bytes.length,
		                       outermost.limits->bytes_max);
	return scan_message(&outermost);
}
