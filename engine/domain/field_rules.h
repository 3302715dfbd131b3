/*
 * The limits of every field of every command, as one table that a walk along the
 * descriptors applies. A string field without a row does not exist (a test walks
 * the schema), so no text enters unbounded.
 */
#ifndef CADRE_DOMAIN_FIELD_RULES_H
#define CADRE_DOMAIN_FIELD_RULES_H

#include <protobuf-c/protobuf-c.h>

#include "engine/domain/path.h"
#include "engine/domain/text.h"

/* Limits of one field. Text and bytes: `min`..`max` code points or bytes; numbers:
 * their value; `max` 0: not limited. Repeated fields: also `most` elements. */
struct cadre_field_rule {
	size_t offset; /* of the field in its struct: names the field */
	enum cadre_text_kind text;
	double min;
	double max;
	unsigned most;
};

/* What no single field says; NULL: nothing. */
typedef enum cadre_status (*cadre_message_check_fn)(const ProtobufCMessage *message,
                                                    const struct cadre_path *path,
                                                    struct cadre_error *err);

struct cadre_message_rules {
	const ProtobufCMessageDescriptor *type;
	const struct cadre_field_rule *fields;
	size_t field_count;
	cadre_message_check_fn check;
};

/* NULL when nothing of the message is limited. */
const struct cadre_message_rules *
cadre_rules_of_message(const ProtobufCMessageDescriptor *type);

/* NULL when the field has none. Members of a oneof share a rule. */
const struct cadre_field_rule *
cadre_rule_of_field(const struct cadre_message_rules *rules,
                    const ProtobufCFieldDescriptor *field);

/* The checks behind the table (check_values.c, check_metadata.c, check_members.c). */
enum cadre_status cadre_check_tags(const ProtobufCMessage *message,
                                   const struct cadre_path *path,
                                   struct cadre_error *err);
enum cadre_status cadre_check_overrides(const ProtobufCMessage *message,
                                        const struct cadre_path *path,
                                        struct cadre_error *err);
enum cadre_status cadre_check_details(const ProtobufCMessage *message,
                                      const struct cadre_path *path,
                                      struct cadre_error *err);
enum cadre_status cadre_check_create_group(const ProtobufCMessage *message,
                                           const struct cadre_path *path,
                                           struct cadre_error *err);
enum cadre_status cadre_check_instruction(const ProtobufCMessage *message,
                                          const struct cadre_path *path,
                                          struct cadre_error *err);
enum cadre_status cadre_check_register_model(const ProtobufCMessage *message,
                                             const struct cadre_path *path,
                                             struct cadre_error *err);
enum cadre_status cadre_check_infrastructure(const ProtobufCMessage *message,
                                             const struct cadre_path *path,
                                             struct cadre_error *err);
enum cadre_status cadre_check_environment(const ProtobufCMessage *message,
                                          const struct cadre_path *path,
                                          struct cadre_error *err);
enum cadre_status cadre_check_place_deployment(const ProtobufCMessage *message,
                                               const struct cadre_path *path,
                                               struct cadre_error *err);
enum cadre_status cadre_check_put_policy(const ProtobufCMessage *message,
                                         const struct cadre_path *path,
                                         struct cadre_error *err);
enum cadre_status cadre_check_register_node(const ProtobufCMessage *message,
                                            const struct cadre_path *path,
                                            struct cadre_error *err);

#endif
