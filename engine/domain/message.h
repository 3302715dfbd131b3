/* Reading protobuf-c messages along their descriptors. */
#ifndef CADRE_DOMAIN_MESSAGE_H
#define CADRE_DOMAIN_MESSAGE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <string.h>

/* The bytes of a field inside its message. */
static inline const void *cadre_field_at(const ProtobufCMessage *message,
                                         const ProtobufCFieldDescriptor *field)
{
	return (const char *)message + field->offset;
}

/* The pointer that a string, message or repeated field holds. */
static inline void *cadre_field_pointer(const void *at)
{
	void *pointer;

	memcpy(&pointer, at, sizeof pointer);
	return pointer;
}

/* Elements of a repeated field. */
static inline size_t cadre_field_count(const ProtobufCMessage *message,
                                       const ProtobufCFieldDescriptor *field)
{
	size_t count;

	memcpy(&count, (const char *)message + field->quantifier_offset, sizeof count);
	return count;
}

/* Bytes of one element in memory. */
size_t cadre_field_width(const ProtobufCFieldDescriptor *field);

/* Whether a singular field is there; a required message or string that is NULL is
 * not. */
bool cadre_field_present(const ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field);

/* Whether two messages of one type say the same; NULL equals NULL. */
bool cadre_message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b);

#endif
