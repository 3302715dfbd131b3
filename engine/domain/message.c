#include "engine/domain/message.h"

#include <stdint.h>

size_t cadre_field_width(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return sizeof(uint32_t);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		break;
	}
	return sizeof(uint64_t);
}

static bool is_pointer(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_STRING ||
	       field->type == PROTOBUF_C_TYPE_MESSAGE;
}

bool cadre_field_present(const ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field)
{
	const char *quantifier = (const char *)message + field->quantifier_offset;

	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t chosen;
		memcpy(&chosen, quantifier, sizeof chosen);
		if (chosen != field->id)
			return false;
	} else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !is_pointer(field)) {
		protobuf_c_boolean has;
		memcpy(&has, quantifier, sizeof has);
		return has;
	}
	return !is_pointer(field) ||
	       cadre_field_pointer(cadre_field_at(message, field)) != NULL;
}

static bool equal_values(const ProtobufCFieldDescriptor *field, const void *a,
                         const void *b)
{
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return strcmp(cadre_field_pointer(a), cadre_field_pointer(b)) == 0;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return cadre_message_equal(cadre_field_pointer(a),
		                           cadre_field_pointer(b));
	if (field->type == PROTOBUF_C_TYPE_BYTES) {
		ProtobufCBinaryData x;
		ProtobufCBinaryData y;
		memcpy(&x, a, sizeof x);
		memcpy(&y, b, sizeof y);
		return x.len == y.len &&
		       (x.len == 0 || memcmp(x.data, y.data, x.len) == 0);
	}
	return memcmp(a, b, cadre_field_width(field)) == 0;
}

static bool equal_repeated(const ProtobufCFieldDescriptor *field,
                           const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t count = cadre_field_count(a, field);
	size_t width = cadre_field_width(field);
	const char *x = cadre_field_pointer(cadre_field_at(a, field));
	const char *y = cadre_field_pointer(cadre_field_at(b, field));

	if (count != cadre_field_count(b, field))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!equal_values(field, x + i * width, y + i * width))
			return false;
	}
	return true;
}

static bool equal_field(const ProtobufCFieldDescriptor *field, const ProtobufCMessage *a,
                        const ProtobufCMessage *b)
{
	bool present;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return equal_repeated(field, a, b);
	present = cadre_field_present(a, field);
	if (present != cadre_field_present(b, field))
		return false;
	return !present ||
	       equal_values(field, cadre_field_at(a, field), cadre_field_at(b, field));
}

bool cadre_message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	if (!a || !b)
		return a == b;
	for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
		if (!equal_field(&a->descriptor->fields[i], a, b))
			return false;
	}
	return true;
}
