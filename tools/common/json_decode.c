#include "tools/common/json_message.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "proto/codec/limits.h"
#include "tools/common/nearest.h"

/* Sized for the widest message: Event and Command have about thirty fields. */
#define FIELDS_MAX 128u
#define PATH_BYTES 256u

#define MEMBER(type, message, offset) ((type *)(void *)((char *)(message) + (offset)))

/* Where we are, as a list on the stack from the innermost part outwards. */
struct place {
	const struct place *parent;
	const char *prefix; /* of the outermost place */
	const char *field;  /* in proto spelling */
	const char *key;    /* as it stands in the JSON, for unknown fields */
	bool indexed;
	size_t index;
};

struct decoder {
	struct cadre_arena *arena;
	struct cadre_error *err;
	unsigned depth;
};

static size_t place_format(const struct place *place, char *text, size_t capacity)
{
	char name[CADRE_JSON_NAME_BYTES];
	size_t at;
	int more;

	if (!place) {
		text[0] = '\0';
		return 0;
	}
	at = place_format(place->parent, text, capacity);
	if (place->indexed) {
		more = snprintf(text + at, capacity - at, "[%zu]", place->index);
	} else if (place->prefix) {
		more = snprintf(text + at, capacity - at, "%s", place->prefix);
	} else {
		if (place->field)
			cadre_json_name(place->field, name);
		more = snprintf(text + at, capacity - at, "%s%.100s", at > 0 ? "." : "",
		                place->field ? name : place->key);
	}
	at += (size_t)more;
	return at < capacity ? at : capacity - 1;
}

static enum cadre_status fail(const struct decoder *decoder, const struct place *place,
                              enum cadre_status status, const char *format, ...)
        CADRE_PRINTF(4, 5);

static enum cadre_status fail(const struct decoder *decoder, const struct place *place,
                              enum cadre_status status, const char *format, ...)
{
	char path[PATH_BYTES];
	char message[256];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (place_format(place, path, sizeof(path)) == 0)
		return cadre_error_set(decoder->err, status, "%s", message);
	return cadre_error_set(decoder->err, status, "%s: %s", path, message);
}

static enum cadre_status fail_type(const struct decoder *decoder,
                                   const struct place *place, const char *expected,
                                   const json_t *value)
{
	return fail(decoder, place, CADRE_INVALID_PARAMETER, "expected %s, got %s",
	            expected, cadre_json_type_name(value));
}

static enum cadre_status fail_memory(const struct decoder *decoder,
                                     const struct place *place)
{
	if (decoder->arena->failure == CADRE_ARENA_AT_CAP)
		return fail(decoder, place, CADRE_TOO_LARGE,
		            "needs more than %zu bytes of memory",
		            decoder->arena->bytes_max);
	return fail(decoder, place, CADRE_OUT_OF_MEMORY, "out of memory");
}

const char *cadre_json_type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	default:
		return "something else";
	}
}

static enum cadre_status get_signed(struct decoder *decoder, const struct place *place,
                                    const json_t *value, int64_t least, int64_t most,
                                    int64_t *ret_number)
{
	json_int_t number;

	if (!json_is_integer(value))
		return fail_type(decoder, place, "an integer", value);
	number = json_integer_value(value);
	if (number < least || number > most)
		return fail(decoder, place, CADRE_INVALID_PARAMETER,
		            "%" JSON_INTEGER_FORMAT ", must be %" PRId64 "..%" PRId64,
		            number, least, most);
	*ret_number = number;
	return CADRE_OK;
}

/* Beyond 2^63 - 1 a number is a string of its digits, and only there: one number has
 * one form. */
static bool parse_large(const char *text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (*text < '1' || *text > '9')
		return false;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return number > INT64_MAX;
}

static enum cadre_status get_unsigned(struct decoder *decoder, const struct place *place,
                                      const json_t *value, uint64_t most,
                                      uint64_t *ret_number)
{
	json_int_t number;

	if (json_is_string(value) && most > INT64_MAX) {
		if (!parse_large(json_string_value(value), ret_number))
			return fail(
			        decoder, place, CADRE_INVALID_PARAMETER,
			        "expected an integer (as a string only above 2^63 - 1)");
		return CADRE_OK;
	}
	if (!json_is_integer(value))
		return fail_type(decoder, place, "an integer", value);
	number = json_integer_value(value);
	if (number < 0 || (uint64_t)number > most)
		return fail(decoder, place, CADRE_INVALID_PARAMETER,
		            "%" JSON_INTEGER_FORMAT ", must be 0..%" PRIu64, number,
		            most);
	*ret_number = (uint64_t)number;
	return CADRE_OK;
}

static enum cadre_status get_enum(struct decoder *decoder, const struct place *place,
                                  const json_t *value,
                                  const ProtobufCEnumDescriptor *type,
                                  int32_t *ret_number)
{
	struct cadre_nearest nearest;
	char hint[96];

	if (!json_is_string(value))
		return fail_type(decoder, place, "a string", value);
	cadre_nearest_init(&nearest, json_string_value(value));
	for (unsigned i = 0; i < type->n_values; i++) {
		if (strcmp(type->values[i].name, json_string_value(value)) == 0) {
			*ret_number = type->values[i].value;
			return CADRE_OK;
		}
		cadre_nearest_offer(&nearest, type->values[i].name);
	}
	return fail(decoder, place, CADRE_INVALID_PARAMETER, "\"%.64s\" is not a %s%s",
	            json_string_value(value), type->short_name,
	            cadre_nearest_hint(&nearest, hint));
}

static enum cadre_status get_bytes(struct decoder *decoder, const struct place *place,
                                   const json_t *value, ProtobufCBinaryData *ret_bytes)
{
	size_t length;

	if (!json_is_string(value))
		return fail_type(decoder, place, "a string of hex digits", value);
	length = json_string_length(value) / 2;
	ret_bytes->len = length;
	ret_bytes->data = cadre_arena_alloc(decoder->arena, length + 1);
	if (!ret_bytes->data)
		return fail_memory(decoder, place);
	if (json_string_length(value) % 2 != 0 ||
	    !cadre_hex_decode(json_string_value(value), ret_bytes->data, length))
		return fail(decoder, place, CADRE_INVALID_PARAMETER,
		            "expected pairs of hex digits");
	return CADRE_OK;
}

static enum cadre_status get_string(struct decoder *decoder, const struct place *place,
                                    const json_t *value, char **ret_text)
{
	if (!json_is_string(value))
		return fail_type(decoder, place, "a string", value);
	*ret_text = cadre_arena_strdup(
	        decoder->arena,
	        cadre_slice(json_string_value(value), json_string_length(value)));
	return *ret_text ? CADRE_OK : fail_memory(decoder, place);
}

static enum cadre_status get_number(struct decoder *decoder, const struct place *place,
                                    const json_t *value, ProtobufCType type, void *at)
{
	bool wide = type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_SINT64 ||
	            type == PROTOBUF_C_TYPE_SFIXED64;
	int64_t number = 0;
	enum cadre_status status;

	if (type == PROTOBUF_C_TYPE_DOUBLE || type == PROTOBUF_C_TYPE_FLOAT) {
		if (!json_is_number(value))
			return fail_type(decoder, place, "a number", value);
		if (type == PROTOBUF_C_TYPE_DOUBLE)
			*(double *)at = json_number_value(value);
		else
			*(float *)at = (float)json_number_value(value);
		return CADRE_OK;
	}
	status = get_signed(decoder, place, value, wide ? INT64_MIN : INT32_MIN,
	                    wide ? INT64_MAX : INT32_MAX, &number);
	if (status == CADRE_OK && wide)
		*(int64_t *)at = number;
	else if (status == CADRE_OK)
		*(int32_t *)at = (int32_t)number;
	return status;
}

static enum cadre_status get_message(struct decoder *decoder, const struct place *place,
                                     const json_t *value,
                                     const ProtobufCMessageDescriptor *type,
                                     ProtobufCMessage **ret_message);

static enum cadre_status get_element(struct decoder *decoder, const struct place *place,
                                     const json_t *value,
                                     const ProtobufCFieldDescriptor *field, void *at)
{
	uint64_t number = 0;
	enum cadre_status status;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		status = get_unsigned(decoder, place, value, UINT32_MAX, &number);
		if (status == CADRE_OK)
			*(uint32_t *)at = (uint32_t)number;
		return status;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return get_unsigned(decoder, place, value, UINT64_MAX, at);
	case PROTOBUF_C_TYPE_BOOL:
		if (!json_is_boolean(value))
			return fail_type(decoder, place, "a boolean", value);
		*(protobuf_c_boolean *)at = json_is_true(value);
		return CADRE_OK;
	case PROTOBUF_C_TYPE_ENUM:
		return get_enum(decoder, place, value, field->descriptor, at);
	case PROTOBUF_C_TYPE_STRING:
		return get_string(decoder, place, value, at);
	case PROTOBUF_C_TYPE_BYTES:
		return get_bytes(decoder, place, value, at);
	case PROTOBUF_C_TYPE_MESSAGE:
		return get_message(decoder, place, value, field->descriptor, at);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
	default:
		return get_number(decoder, place, value, field->type, at);
	}
}

static enum cadre_status get_repeated(struct decoder *decoder, const struct place *place,
                                      const json_t *value,
                                      const ProtobufCFieldDescriptor *field,
                                      ProtobufCMessage *message)
{
	size_t bytes = cadre_json_element_bytes(field);
	size_t count;
	char *elements;

	if (!json_is_array(value))
		return fail_type(decoder, place, "an array", value);
	count = json_array_size(value);
	if (count == 0)
		return CADRE_OK;
	elements = cadre_arena_alloc(decoder->arena, count * bytes);
	if (!elements)
		return fail_memory(decoder, place);
	memset(elements, 0, count * bytes);
	for (size_t i = 0; i < count; i++) {
		struct place element = { .parent = place, .indexed = true, .index = i };
		enum cadre_status status = get_element(decoder, &element,
		                                       json_array_get(value, i), field,
		                                       elements + i * bytes);

		if (status != CADRE_OK)
			return status;
	}
	*MEMBER(size_t, message, field->quantifier_offset) = count;
	*MEMBER(char *, message, field->offset) = elements;
	return CADRE_OK;
}

/* Whether `camel` is the lowerCamelCase form of `snake`. */
static bool names_match(const char *snake, const char *camel)
{
	bool upper = false;

	for (; *snake; snake++) {
		char letter = *snake;

		if (letter == '_') {
			upper = true;
			continue;
		}
		if (upper && letter >= 'a' && letter <= 'z')
			letter = (char)(letter - 'a' + 'A');
		upper = false;
		if (*camel++ != letter)
			return false;
	}
	return *camel == '\0';
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type,
                                                  const char *key)
{
	for (unsigned i = 0; i < type->n_fields; i++)
		if (names_match(type->fields[i].name, key))
			return &type->fields[i];
	return NULL;
}

static enum cadre_status fail_unknown(const struct decoder *decoder,
                                      const struct place *place,
                                      const ProtobufCMessageDescriptor *type)
{
	struct cadre_nearest nearest;
	char hint[96];

	cadre_nearest_init(&nearest, place->key);
	for (unsigned i = 0; i < type->n_fields; i++) {
		char name[CADRE_JSON_NAME_BYTES];

		cadre_json_name(type->fields[i].name, name);
		cadre_nearest_offer(&nearest, name);
	}
	return fail(decoder, place, CADRE_INVALID_PARAMETER, "unknown field%s",
	            cadre_nearest_hint(&nearest, hint));
}

/* Sets the mark that makes an optional field present. */
static enum cadre_status mark_present(const struct decoder *decoder,
                                      const struct place *place,
                                      const ProtobufCFieldDescriptor *field,
                                      ProtobufCMessage *message)
{
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t *which = MEMBER(uint32_t, message, field->quantifier_offset);

		if (*which != 0)
			return fail(decoder, place, CADRE_INVALID_PARAMETER,
			            "only one of the alternatives may be given");
		*which = field->id;
		return CADRE_OK;
	}
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
	    field->type != PROTOBUF_C_TYPE_STRING &&
	    field->type != PROTOBUF_C_TYPE_MESSAGE)
		*MEMBER(protobuf_c_boolean, message, field->quantifier_offset) = 1;
	return CADRE_OK;
}

static enum cadre_status get_field(struct decoder *decoder, const struct place *place,
                                   const json_t *value,
                                   const ProtobufCFieldDescriptor *field,
                                   ProtobufCMessage *message)
{
	enum cadre_status status;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return get_repeated(decoder, place, value, field, message);
	status = mark_present(decoder, place, field, message);
	if (status != CADRE_OK)
		return status;
	return get_element(decoder, place, value, field,
	                   MEMBER(char, message, field->offset));
}

static enum cadre_status check_required(const struct decoder *decoder,
                                        const struct place *place, const json_t *value,
                                        const ProtobufCMessageDescriptor *type)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		struct place missing = { .parent = place, .field = field->name };
		char name[CADRE_JSON_NAME_BYTES];

		if (field->label != PROTOBUF_C_LABEL_REQUIRED)
			continue;
		cadre_json_name(field->name, name);
		if (!json_object_get(value, name))
			return fail(decoder, &missing, CADRE_MISSING_PARAMETER,
			            "missing");
	}
	return CADRE_OK;
}

static enum cadre_status get_message(struct decoder *decoder, const struct place *place,
                                     const json_t *value,
                                     const ProtobufCMessageDescriptor *type,
                                     ProtobufCMessage **ret_message)
{
	enum cadre_status status = CADRE_OK;
	ProtobufCMessage *message;
	const char *key;
	json_t *member;

	if (!json_is_object(value))
		return fail_type(decoder, place, "an object", value);
	if (decoder->depth == CADRE_WIRE_DEPTH_MAX)
		return fail(decoder, place, CADRE_INVALID_PARAMETER,
		            "nested deeper than %d", CADRE_WIRE_DEPTH_MAX);
	message = cadre_arena_alloc(decoder->arena, type->sizeof_message);
	if (!message)
		return fail_memory(decoder, place);
	protobuf_c_message_init(type, message);
	decoder->depth++;
	/* jansson's loop casts const away. */
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		const ProtobufCFieldDescriptor *field = find_field(type, key);
		struct place inner = { .parent = place,
			               .field = field ? field->name : NULL,
			               .key = key };

		status = field ? get_field(decoder, &inner, member, field, message)
		               : fail_unknown(decoder, &inner, type);
		if (status != CADRE_OK)
			break;
	}
	decoder->depth--;
	if (status == CADRE_OK)
		status = check_required(decoder, place, value, type);
	*ret_message = message;
	return status;
}

enum cadre_status cadre_json_get_message(const json_t *value,
                                         const ProtobufCMessageDescriptor *type,
                                         const char *path, struct cadre_arena *arena,
                                         ProtobufCMessage **ret_message,
                                         struct cadre_error *err)
{
	struct decoder decoder = { .arena = arena, .err = err };
	struct place root = { .prefix = path ? path : "" };

	return get_message(&decoder, &root, value, type, ret_message);
}

enum cadre_status cadre_json_parse(struct cadre_slice text, size_t line,
                                   json_t **ret_value, struct cadre_error *err)
{
	json_error_t error;
	json_t *value = json_loadb((const char *)text.data, text.length,
	                           JSON_REJECT_DUPLICATES, &error);

	if (value) {
		*ret_value = value;
		return CADRE_OK;
	}
	if (json_error_code(&error) == json_error_out_of_memory)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "JSON: out of memory");
	if (line == 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER, "JSON: %s",
		                       error.text);
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "JSON: %s (line %zu, column %d)", error.text,
	                       line + (size_t)error.line - 1, error.column);
}
