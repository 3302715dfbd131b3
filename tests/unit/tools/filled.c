#include "tests/unit/tools/filled.h"

#include <string.h>

#define MEMBER(type, message, offset) ((type *)(void *)((char *)(message) + (offset)))

struct filler {
	struct test_random *random;
	struct cadre_arena *arena;
	unsigned chance;
};

static void *make(struct filler *filler, size_t bytes)
{
	void *memory = cadre_arena_alloc(filler->arena, bytes > 0 ? bytes : 1);

	assert_non_null(memory);
	memset(memory, 0, bytes > 0 ? bytes : 1);
	return memory;
}

/* Text of the kinds that need care: quotes, controls, two to four bytes, empty. */
static char *some_text(struct filler *filler)
{
	static const char *const parts[] = { "key-1",
		                             "\"",
		                             "\\",
		                             "\n\t\x01\x1F",
		                             "\xC3\xA9",
		                             "\xE2\x80\xA8",
		                             "\xF0\x9F\x98\x80",
		                             "\x7F",
		                             "/" };
	char *text = make(filler, 64);
	uint64_t count = test_random_below(filler->random, 5);

	for (uint64_t i = 0; i < count; i++)
		strncat(text, parts[test_random_below(filler->random, 9)],
		        63 - strlen(text));
	return text;
}

static ProtobufCMessage *fill(struct filler *filler,
                              const ProtobufCMessageDescriptor *type, unsigned member);

static uint64_t some_number(struct filler *filler)
{
	static const uint64_t edges[] = { 0,         1,
		                          127,       128,
		                          INT32_MAX, UINT32_MAX,
		                          INT64_MAX, (uint64_t)INT64_MAX + 1,
		                          UINT64_MAX };

	if (test_random_below(filler->random, 2) == 0)
		return edges[test_random_below(filler->random, 9)];
	return test_random_next(filler->random);
}

static double some_double(struct filler *filler)
{
	static const double edges[] = { 0.0,   -0.0,   0.1,   1.0 / 3.0,
		                        1e300, 5e-324, 128.0, -2.5 };

	return edges[test_random_below(filler->random, 8)];
}

static void fill_element(struct filler *filler, const ProtobufCFieldDescriptor *field,
                         void *at)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		*(uint64_t *)at = some_number(filler);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		*(double *)at = some_double(filler);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		*(float *)at = (float)some_double(filler);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at =
		        (protobuf_c_boolean)test_random_below(filler->random, 2);
		break;
	case PROTOBUF_C_TYPE_ENUM: {
		const ProtobufCEnumDescriptor *type = field->descriptor;

		*(int32_t *)at =
		        type->values[test_random_below(filler->random, type->n_values)]
		                .value;
		break;
	}
	case PROTOBUF_C_TYPE_STRING:
		*(char **)at = some_text(filler);
		break;
	case PROTOBUF_C_TYPE_BYTES: {
		ProtobufCBinaryData *bytes = at;

		bytes->len = (size_t)test_random_below(filler->random, 40);
		bytes->data = make(filler, bytes->len);
		for (size_t i = 0; i < bytes->len; i++)
			bytes->data[i] = (uint8_t)test_random_next(filler->random);
		break;
	}
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)at = fill(filler, field->descriptor, 0);
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	default:
		*(uint32_t *)at = (uint32_t)some_number(filler);
		break;
	}
}

static size_t element_bytes(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : 8;
}

static bool by_chance(struct filler *filler)
{
	return test_random_below(filler->random, 256) < filler->chance;
}

static void fill_field(struct filler *filler, const ProtobufCFieldDescriptor *field,
                       ProtobufCMessage *message)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		size_t count = 1 + (size_t)test_random_below(filler->random, 3);
		size_t bytes = element_bytes(field);
		char *elements = make(filler, count * bytes);

		/* Only 8-byte and binary elements are repeated in this schema. */
		assert_true(field->type == PROTOBUF_C_TYPE_MESSAGE ||
		            field->type == PROTOBUF_C_TYPE_STRING ||
		            field->type == PROTOBUF_C_TYPE_BYTES);
		for (size_t i = 0; i < count; i++)
			fill_element(filler, field, elements + i * bytes);
		*MEMBER(size_t, message, field->quantifier_offset) = count;
		*MEMBER(char *, message, field->offset) = elements;
		return;
	}
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		*MEMBER(uint32_t, message, field->quantifier_offset) = field->id;
	else if (field->label == PROTOBUF_C_LABEL_OPTIONAL &&
	         field->quantifier_offset != 0)
		*MEMBER(protobuf_c_boolean, message, field->quantifier_offset) = 1;
	fill_element(filler, field, MEMBER(char, message, field->offset));
}

/* Field number of the oneof's member to set: `member`, or one at random. */
static unsigned pick_member(struct filler *filler, const ProtobufCMessageDescriptor *type,
                            unsigned member)
{
	unsigned picked = 0;
	unsigned seen = 0;

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
			continue;
		if (field->id == member)
			return member;
		if (test_random_below(filler->random, ++seen) == 0)
			picked = field->id;
	}
	return picked;
}

static ProtobufCMessage *fill(struct filler *filler,
                              const ProtobufCMessageDescriptor *type, unsigned member)
{
	ProtobufCMessage *message = make(filler, type->sizeof_message);
	unsigned picked = pick_member(filler, type, member);

	protobuf_c_message_init(type, message);
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF  ? field->id == picked
		    : field->label == PROTOBUF_C_LABEL_REQUIRED ? true
		                                                : by_chance(filler))
			fill_field(filler, field, message);
	}
	return message;
}

ProtobufCMessage *filled_message(const ProtobufCMessageDescriptor *type, unsigned member,
                                 unsigned chance, struct test_random *random,
                                 struct cadre_arena *arena)
{
	struct filler filler = { .random = random, .arena = arena, .chance = chance };

	return fill(&filler, type, member);
}
