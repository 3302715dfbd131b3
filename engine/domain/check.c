/*
 * Everything about a command that needs no state. One walk along the descriptors
 * applies the table of field_rules.c to each field, then the check of each whole
 * message, innermost first.
 */
#include "engine/domain/check.h"

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/domain/field_rules.h"
#include "engine/domain/message.h"
#include "proto/codec/limits.h"

struct walk {
	size_t known; /* earlier commands of the batch: what `$n` may name */
	struct cadre_error *err;
};

static enum cadre_status check_length(const struct cadre_path *path, size_t length,
                                      const char *unit,
                                      const struct cadre_field_rule *rule,
                                      struct cadre_error *err)
{
	if ((double)length < rule->min)
		return cadre_path_refuse(path, NULL, err, CADRE_INVALID_PARAMETER,
		                         "%zu %s, at least %.0f", length, unit,
		                         rule->min);
	if ((double)length > rule->max)
		return cadre_path_refuse(path, NULL, err, CADRE_INVALID_PARAMETER,
		                         "%zu %s, at most %.0f", length, unit, rule->max);
	return CADRE_OK;
}

static enum cadre_status check_ref(const struct walk *walk, const struct cadre_path *path,
                                   const char *text)
{
	size_t index;

	if (!cadre_text_batch_ref(text, &index) || index < walk->known)
		return CADRE_OK;
	return cadre_path_refuse(path, NULL, walk->err, CADRE_INVALID_PARAMETER,
	                         "\"%s\" names no earlier command of a batch", text);
}

static enum cadre_status check_text(const struct walk *walk,
                                    const struct cadre_path *path,
                                    const struct cadre_field_rule *rule, const char *text)
{
	size_t bytes = strlen(text);
	size_t points = 0;
	uint32_t point;
	const char *wrong;
	enum cadre_status status;

	if (!cadre_utf8_check(text, bytes, &points))
		return cadre_path_refuse(path, NULL, walk->err, CADRE_INVALID_PARAMETER,
		                         "not valid UTF-8");
	status = cadre_text_in_bytes(rule->text)
	                 ? check_length(path, bytes, "bytes", rule, walk->err)
	                 : check_length(path, points, "characters", rule, walk->err);
	if (status != CADRE_OK || bytes == 0)
		return status;
	if (cadre_text_find_forbidden(rule->text, text, &point))
		return cadre_path_refuse(path, NULL, walk->err, CADRE_INVALID_PARAMETER,
		                         "U+%04X is not allowed", (unsigned)point);
	wrong = cadre_text_form(rule->text, text);
	if (wrong)
		return cadre_path_refuse(path, NULL, walk->err, CADRE_INVALID_PARAMETER,
		                         "%s", wrong);
	return rule->text == CADRE_TEXT_REF ? check_ref(walk, path, text) : CADRE_OK;
}

static double number_at(const ProtobufCFieldDescriptor *field, const void *at)
{
	if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
		double value;
		memcpy(&value, at, sizeof value);
		return value;
	}
	if (cadre_field_width(field) == sizeof(uint32_t)) {
		uint32_t value;
		memcpy(&value, at, sizeof value);
		return value;
	}
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return (double)value;
}

static enum cadre_status check_number(const struct walk *walk,
                                      const struct cadre_path *path,
                                      const struct cadre_field_rule *rule, double value)
{
	if (value >= rule->min && value <= rule->max)
		return CADRE_OK;
	return cadre_path_refuse(path, NULL, walk->err, CADRE_INVALID_PARAMETER,
	                         "%.15g, must be %.0f to %.0f", value, rule->min,
	                         rule->max);
}

static enum cadre_status check_enum(const struct walk *walk,
                                    const struct cadre_path *path, const void *at)
{
	int value;

	memcpy(&value, at, sizeof value);
	if (protobuf_c_enum_descriptor_get_value(path->field->descriptor, value))
		return CADRE_OK;
	return cadre_path_refuse(path, NULL, walk->err, CADRE_INVALID_PARAMETER,
	                         "%d is not one of its values", value);
}

static enum cadre_status check_message(const struct walk *walk,
                                       const ProtobufCMessage *message,
                                       const struct cadre_path *path);

/* One value: a singular field's or an element. */
static enum cadre_status check_value(const struct walk *walk,
                                     const struct cadre_path *path,
                                     const struct cadre_field_rule *rule, const void *at)
{
	ProtobufCType type = path->field->type;

	if (type == PROTOBUF_C_TYPE_MESSAGE)
		return check_message(walk, cadre_field_pointer(at), path);
	if (type == PROTOBUF_C_TYPE_ENUM)
		return check_enum(walk, path, at);
	if (type == PROTOBUF_C_TYPE_STRING) {
		CADRE_ASSERT(rule != NULL);
		return check_text(walk, path, rule, cadre_field_pointer(at));
	}
	if (type == PROTOBUF_C_TYPE_BYTES) {
		ProtobufCBinaryData bytes;
		CADRE_ASSERT(rule != NULL);
		memcpy(&bytes, at, sizeof bytes);
		return check_length(path, bytes.len, "bytes", rule, walk->err);
	}
	/* Members of a oneof share their offset, which names rules. */
	if (!rule || type == PROTOBUF_C_TYPE_BOOL ||
	    (path->field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return CADRE_OK;
	return check_number(walk, path, rule, number_at(path->field, at));
}

static enum cadre_status check_repeated(const struct walk *walk,
                                        const ProtobufCMessage *message,
                                        struct cadre_path *path,
                                        const struct cadre_field_rule *rule)
{
	size_t count = cadre_field_count(message, path->field);
	size_t width = cadre_field_width(path->field);
	const char *elements = cadre_field_pointer(cadre_field_at(message, path->field));

	CADRE_ASSERT(rule != NULL && rule->most > 0);
	if (count > rule->most)
		return cadre_path_refuse(path, NULL, walk->err, CADRE_LIMIT_EXCEEDED,
		                         "%zu elements, at most %u", count, rule->most);
	for (size_t i = 0; i < count; i++) {
		enum cadre_status status;
		path->index = i;
		status = check_value(walk, path, rule, elements + i * width);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

static enum cadre_status check_field(const struct walk *walk,
                                     const ProtobufCMessage *message,
                                     const struct cadre_path *parent,
                                     const struct cadre_message_rules *rules,
                                     const ProtobufCFieldDescriptor *field)
{
	struct cadre_path path = { parent, field, CADRE_PATH_NO_INDEX };
	const struct cadre_field_rule *rule = cadre_rule_of_field(rules, field);

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return check_repeated(walk, message, &path, rule);
	if (cadre_field_present(message, field))
		return check_value(walk, &path, rule, cadre_field_at(message, field));
	if (field->label != PROTOBUF_C_LABEL_REQUIRED)
		return CADRE_OK;
	return cadre_path_refuse(&path, NULL, walk->err, CADRE_MISSING_PARAMETER,
	                         "is required");
}

static enum cadre_status check_message(const struct walk *walk,
                                       const ProtobufCMessage *message,
                                       const struct cadre_path *path)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const struct cadre_message_rules *rules = cadre_rules_of_message(type);

	for (unsigned i = 0; i < type->n_fields; i++) {
		enum cadre_status status = check_field(walk, message, path, rules,
		                                       &type->fields[i]);
		if (status != CADRE_OK)
			return status;
	}
	return rules && rules->check ? rules->check(message, path, walk->err) : CADRE_OK;
}

enum cadre_status cadre_command_check_after(const Cadre__V1__Command *command,
                                            size_t known, struct cadre_error *err)
{
	struct walk walk = { known, err };

	if (command->body_case == CADRE__V1__COMMAND__BODY__NOT_SET ||
	    !command->create_group)
		return cadre_error_set(err, CADRE_MISSING_PARAMETER,
		                       "command: nothing is asked for");
	return check_message(&walk, &command->base, NULL);
}

enum cadre_status cadre_command_check(const Cadre__V1__Command *command,
                                      struct cadre_error *err)
{
	return cadre_command_check_after(command, 0, err);
}

static enum cadre_status check_batch_command(const Cadre__V1__Batch *batch, size_t i,
                                             struct cadre_error *err)
{
	const Cadre__V1__Command *command = batch->commands[i];

	if (command->retry_token)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "retryToken: a batch has one token for all");
	return cadre_command_check_after(command, i, err);
}

static enum cadre_status check_batch_token(const Cadre__V1__Batch *batch,
                                           struct cadre_error *err)
{
	Cadre__V1__Command probe = CADRE__V1__COMMAND__INIT;
	struct walk walk = { 0, err };

	probe.retry_token = batch->retry_token;
	return check_message(&walk, &probe.base, NULL);
}

enum cadre_status cadre_batch_check(const Cadre__V1__Batch *batch,
                                    struct cadre_error *err)
{
	enum cadre_status status = check_batch_token(batch, err);

	if (status != CADRE_OK)
		return status;
	if (batch->n_commands == 0)
		return cadre_error_set(err, CADRE_MISSING_PARAMETER, "commands: none");
	if (batch->n_commands > CADRE_COMMANDS_PER_MESSAGE_MAX)
		return cadre_error_set(err, CADRE_LIMIT_EXCEEDED,
		                       "commands: %zu elements, at most %d",
		                       batch->n_commands, CADRE_COMMANDS_PER_MESSAGE_MAX);
	for (size_t i = 0; i < batch->n_commands; i++) {
		status = check_batch_command(batch, i, err);
		if (status != CADRE_OK) {
			cadre_error_prefix(err, "commands[%zu].", i);
			return status;
		}
	}
	return CADRE_OK;
}
