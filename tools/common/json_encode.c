#include "tools/common/json_message.h"

#include <math.h>

#include "engine/base/assert.h"

/* Casts that keep alignment out of sight of -Wcast-align: protobuf-c lays the fields
 * out itself. */
#define MEMBER(type, message, offset) \
	((type const *)(const void *)((const char *)(message) + (offset)))

void cadre_json_name(const char *proto_name, char name[CADRE_JSON_NAME_BYTES])
{
	size_t length = 0;
	bool upper = false;

	for (const char *at = proto_name; *at; at++) {
		if (*at == '_') {
			upper = true;
			continue;
		}
		CADRE_ASSERT(length + 1 < CADRE_JSON_NAME_BYTES);
		name[length++] = upper && *at >= 'a' && *at <= 'z'
		                         ? (char)(*at - 'a' + 'A')
		                         : *at;
		upper = false;
	}
	name[length] = '\0';
}

size_t cadre_json_element_bytes(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_ENUM:
		return 4;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
		return sizeof(char *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(ProtobufCMessage *);
	default:
		CADRE_ASSERT(field->type <= PROTOBUF_C_TYPE_MESSAGE);
		return 0;
	}
}

static enum cadre_status put_real(struct cadre_json *json, double value,
                                  struct cadre_error *err)
{
	if (!isfinite(value))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "a number that is not finite has no JSON form");
	cadre_json_real(json, value);
	return CADRE_OK;
}

static enum cadre_status put_enum(struct cadre_json *json,
                                  const ProtobufCEnumDescriptor *type, int value,
                                  struct cadre_error *err)
{
	const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type,
	                                                                       value);

	if (!known)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER, "%s has no value %d",
		                       type->short_name, value);
	cadre_json_text(json, known->name);
	return CADRE_OK;
}

static enum cadre_status put_element(struct cadre_json *json,
                                     const ProtobufCFieldDescriptor *field,
                                     const void *at, struct cadre_error *err)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		cadre_json_i64(json, *(const int32_t *)at);
		return CADRE_OK;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		cadre_json_u64(json, *(const uint32_t *)at);
		return CADRE_OK;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		cadre_json_i64(json, *(const int64_t *)at);
		return CADRE_OK;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		cadre_json_u64(json, *(const uint64_t *)at);
		return CADRE_OK;
	case PROTOBUF_C_TYPE_FLOAT:
		return put_real(json, (double)*(const float *)at, err);
	case PROTOBUF_C_TYPE_DOUBLE:
		return put_real(json, *(const double *)at, err);
	case PROTOBUF_C_TYPE_BOOL:
		cadre_json_bool(json, *(const protobuf_c_boolean *)at != 0);
		return CADRE_OK;
	case PROTOBUF_C_TYPE_ENUM:
		return put_enum(json, field->descriptor, *(const int32_t *)at, err);
	case PROTOBUF_C_TYPE_STRING:
		cadre_json_text(json, *(char *const *)at);
		return CADRE_OK;
	case PROTOBUF_C_TYPE_BYTES: {
		const ProtobufCBinaryData *bytes = at;

		cadre_json_hex(json, bytes->data, bytes->len);
		return CADRE_OK;
	}
	case PROTOBUF_C_TYPE_MESSAGE:
		return cadre_json_put_message(json, *(ProtobufCMessage *const *)at, err);
	default:
		CADRE_ASSERT(field->type <= PROTOBUF_C_TYPE_MESSAGE);
		return CADRE_INTERNAL;
	}
}

static bool present(const ProtobufCMessage *message,
                    const ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return true;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *MEMBER(size_t, message, field->quantifier_offset) > 0;
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *MEMBER(uint32_t, message, field->quantifier_offset) == field->id;
	if (field->type == PROTOBUF_C_TYPE_STRING ||
	    field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *MEMBER(void *, message, field->offset) != NULL;
	return *MEMBER(protobuf_c_boolean, message, field->quantifier_offset) != 0;
}

static enum cadre_status put_repeated(struct cadre_json *json,
                                      const ProtobufCMessage *message,
                                      const ProtobufCFieldDescriptor *field,
                                      struct cadre_error *err)
{
	size_t count = *MEMBER(size_t, message, field->quantifier_offset);
	const char *elements = *MEMBER(char *, message, field->offset);
	size_t bytes = cadre_json_element_bytes(field);

	cadre_json_begin(json, '[');
	for (size_t i = 0; i < count; i++) {
		enum cadre_status status = put_element(json, field, elements + i * bytes,
		                                       err);

		if (status != CADRE_OK)
			return status;
	}
	cadre_json_end(json, ']');
	return CADRE_OK;
}

enum cadre_status cadre_json_put_message(struct cadre_json *json,
                                         const ProtobufCMessage *message,
                                         struct cadre_error *err)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;

	cadre_json_begin(json, '{');
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		char name[CADRE_JSON_NAME_BYTES];
		enum cadre_status status;

		if (!present(message, field))
			continue;
		cadre_json_name(field->name, name);
		cadre_json_key(json, name);
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			status = put_repeated(json, message, field, err);
		else
			status = put_element(json, field,
			                     MEMBER(char, message, field->offset), err);
		if (status != CADRE_OK)
			return status;
	}
	cadre_json_end(json, '}');
	return CADRE_OK;
}
