/* Checks of whole messages: what their fields say together. */
#include <stdio.h>

#include "cadre/v1/command.pb-c.h"
#include "engine/domain/check_metadata.h"
#include "engine/domain/field_rules.h"
#include "engine/domain/message.h"
#include "proto/codec/limits.h"

enum {
	VARIABLES_BYTES_MAX = 2048,
	VARIABLE_NAME_BYTES_MIN = 2,
	VARIABLE_NAME_BYTES_MAX = 31,
};

static size_t text_bytes(const char *text)
{
	return text ? strlen(text) : 0;
}

static enum cadre_status check_freeform(const Cadre__V1__FreeformTags *tags,
                                        size_t *bytes, const struct cadre_path *path,
                                        struct cadre_error *err)
{
	char tail[64];

	for (size_t i = 0; tags && i < tags->n_tags; i++) {
		*bytes += text_bytes(tags->tags[i]->key) +
		          text_bytes(tags->tags[i]->value);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(tags->tags[i]->key, tags->tags[k]->key) != 0)
				continue;
			snprintf(tail, sizeof tail, "freeformTags.tags[%zu].key", i);
			return cadre_path_refuse(path, tail, err, CADRE_INVALID_PARAMETER,
			                         "\"%s\" stands twice",
			                         tags->tags[i]->key);
		}
	}
	return CADRE_OK;
}

static bool same_defined(const Cadre__V1__DefinedTag *a, const Cadre__V1__DefinedTag *b)
{
	return strcmp(a->namespace_, b->namespace_) == 0 && strcmp(a->key, b->key) == 0;
}

static enum cadre_status check_defined(const Cadre__V1__DefinedTags *tags, size_t *bytes,
                                       const struct cadre_path *path,
                                       struct cadre_error *err)
{
	char tail[64];

	for (size_t i = 0; tags && i < tags->n_tags; i++) {
		const Cadre__V1__DefinedTag *tag = tags->tags[i];
		*bytes += text_bytes(tag->namespace_) + text_bytes(tag->key);
		*bytes += tag->value_case == CADRE__V1__DEFINED_TAG__VALUE_TEXT
		                  ? text_bytes(tag->text)
		                  : sizeof tag->number;
		snprintf(tail, sizeof tail, "definedTags.tags[%zu]", i);
		if (tag->value_case == CADRE__V1__DEFINED_TAG__VALUE__NOT_SET)
			return cadre_path_refuse(path, tail, err, CADRE_MISSING_PARAMETER,
			                         "has no value");
		for (size_t k = 0; k < i; k++) {
			if (same_defined(tag, tags->tags[k]))
				return cadre_path_refuse(path, tail, err,
				                         CADRE_INVALID_PARAMETER,
				                         "\"%s.%s\" stands twice",
				                         tag->namespace_, tag->key);
		}
	}
	return CADRE_OK;
}

/* The two fields stand under the same names in every message that has them. */
static const void *field_named(const ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
	        protobuf_c_message_descriptor_get_field_by_name(message->descriptor,
	                                                        name);

	return field ? cadre_field_pointer(cadre_field_at(message, field)) : NULL;
}

enum cadre_status cadre_check_tags(const ProtobufCMessage *message,
                                   const struct cadre_path *path, struct cadre_error *err)
{
	size_t bytes = 0;
	enum cadre_status status = check_freeform(field_named(message, "freeform_tags"),
	                                          &bytes, path, err);

	if (status == CADRE_OK)
		status = check_defined(field_named(message, "defined_tags"), &bytes, path,
		                       err);
	if (status == CADRE_OK && bytes > CADRE_TAGS_BYTES_MAX)
		return cadre_path_refuse(path, "freeformTags, definedTags", err,
		                         CADRE_LIMIT_EXCEEDED, "%zu bytes, at most %d",
		                         bytes, CADRE_TAGS_BYTES_MAX);
	return status;
}

enum cadre_status cadre_check_instruction(const ProtobufCMessage *message,
                                          const struct cadre_path *path,
                                          struct cadre_error *err)
{
	const Cadre__V1__PatchInstruction *instruction = (const void *)message;

	if (instruction->n_values > 0)
		return CADRE_OK;
	return cadre_path_refuse(path, "values", err, CADRE_MISSING_PARAMETER,
	                         "needs at least one");
}

enum cadre_status cadre_check_register_model(const ProtobufCMessage *message,
                                             const struct cadre_path *path,
                                             struct cadre_error *err)
{
	const Cadre__V1__RegisterModel *model = (const void *)message;
	enum cadre_status status = cadre_check_metadata(
	        model->custom_metadata_list, model->n_custom_metadata_list, path, err);

	return status == CADRE_OK ? cadre_check_tags(message, path, err) : status;
}

static bool one_of(const char *text, const char *const *values)
{
	for (; *values; values++) {
		if (strcmp(text, *values) == 0)
			return true;
	}
	return false;
}

enum cadre_status cadre_check_infrastructure(const ProtobufCMessage *message,
                                             const struct cadre_path *path,
                                             struct cadre_error *err)
{
	static const char *const policies[] = { "FIXED_SIZE", "AUTOSCALING", NULL };
	const Cadre__V1__Infrastructure *infra = (const void *)message;

	if (infra->scaling_policy_type && !one_of(infra->scaling_policy_type, policies))
		return cadre_path_refuse(path, "scalingPolicyType", err,
		                         CADRE_INVALID_PARAMETER,
		                         "\"%s\" is neither FIXED_SIZE nor AUTOSCALING",
		                         infra->scaling_policy_type);
	if (infra->has_maximum_instance_count && infra->has_instance_count &&
	    infra->maximum_instance_count < infra->instance_count)
		return cadre_path_refuse(
		        path, "maximumInstanceCount", err, CADRE_INVALID_PARAMETER,
		        "%u, less than instanceCount %u", infra->maximum_instance_count,
		        infra->instance_count);
	if (infra->has_maximum_bandwidth_mbps && infra->has_bandwidth_mbps &&
	    infra->maximum_bandwidth_mbps < infra->bandwidth_mbps)
		return cadre_path_refuse(
		        path, "maximumBandwidthMbps", err, CADRE_INVALID_PARAMETER,
		        "%u, less than bandwidthMbps %u", infra->maximum_bandwidth_mbps,
		        infra->bandwidth_mbps);
	return CADRE_OK;
}

static enum cadre_status check_variable_name(const char *name, const char *tail,
                                             const struct cadre_path *path,
                                             struct cadre_error *err)
{
	size_t bytes = strlen(name);
	uint32_t point;
	const char *wrong;

	if (bytes < VARIABLE_NAME_BYTES_MIN || bytes > VARIABLE_NAME_BYTES_MAX)
		return cadre_path_refuse(path, tail, err, CADRE_INVALID_PARAMETER,
		                         "%zu characters, must be %d to %d", bytes,
		                         VARIABLE_NAME_BYTES_MIN,
		                         VARIABLE_NAME_BYTES_MAX);
	if (cadre_text_find_forbidden(CADRE_TEXT_VARIABLE, name, &point))
		return cadre_path_refuse(path, tail, err, CADRE_INVALID_PARAMETER,
		                         "U+%04X is not allowed", (unsigned)point);
	wrong = cadre_text_form(CADRE_TEXT_VARIABLE, name);
	if (wrong)
		return cadre_path_refuse(path, tail, err, CADRE_INVALID_PARAMETER,
		                         "\"%s\" %s", name, wrong);
	return CADRE_OK;
}

static enum cadre_status check_variables(const Cadre__V1__Environment *environment,
                                         const struct cadre_path *path,
                                         struct cadre_error *err)
{
	size_t bytes = 0;
	char tail[64];

	for (size_t i = 0; i < environment->n_variables; i++) {
		const Cadre__V1__NameValue *variable = environment->variables[i];
		enum cadre_status status;
		snprintf(tail, sizeof tail, "variables[%zu].name", i);
		status = check_variable_name(variable->name, tail, path, err);
		if (status != CADRE_OK)
			return status;
		bytes += strlen(variable->name) + strlen(variable->value);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(variable->name, environment->variables[k]->name) == 0)
				return cadre_path_refuse(
				        path, tail, err, CADRE_INVALID_PARAMETER,
				        "\"%s\" stands twice", variable->name);
		}
	}
	if (bytes > VARIABLES_BYTES_MAX)
		return cadre_path_refuse(path, "variables", err, CADRE_LIMIT_EXCEEDED,
		                         "%zu bytes, at most %d", bytes,
		                         VARIABLES_BYTES_MAX);
	return CADRE_OK;
}

static enum cadre_status check_start(const Cadre__V1__Environment *environment,
                                     const struct cadre_path *path,
                                     struct cadre_error *err)
{
	size_t bytes = 0;

	for (size_t i = 0; i < environment->n_cmd; i++)
		bytes += strlen(environment->cmd[i]);
	for (size_t i = 0; i < environment->n_entrypoint; i++)
		bytes += strlen(environment->entrypoint[i]);
	if (bytes > VARIABLES_BYTES_MAX)
		return cadre_path_refuse(path, "cmd, entrypoint", err,
		                         CADRE_LIMIT_EXCEEDED, "%zu bytes, at most %d",
		                         bytes, VARIABLES_BYTES_MAX);
	return CADRE_OK;
}

/* Ports that the platform's own agents listen on. */
static bool reserved_port(uint32_t port)
{
	return port == 24224 || port == 8446 || port == 8447;
}

enum cadre_status cadre_check_environment(const ProtobufCMessage *message,
                                          const struct cadre_path *path,
                                          struct cadre_error *err)
{
	static const char *const types[] = { "DEFAULT", "OCIR_CONTAINER", NULL };
	const Cadre__V1__Environment *environment = (const void *)message;
	enum cadre_status status;

	if (environment->type && !one_of(environment->type, types))
		return cadre_path_refuse(path, "type", err, CADRE_INVALID_PARAMETER,
		                         "\"%s\" is neither DEFAULT nor OCIR_CONTAINER",
		                         environment->type);
	if (environment->has_server_port && reserved_port(environment->server_port))
		return cadre_path_refuse(path, "serverPort", err, CADRE_INVALID_PARAMETER,
		                         "%u is reserved", environment->server_port);
	if (environment->has_health_check_port &&
	    reserved_port(environment->health_check_port))
		return cadre_path_refuse(path, "healthCheckPort", err,
		                         CADRE_INVALID_PARAMETER, "%u is reserved",
		                         environment->health_check_port);
	status = check_variables(environment, path, err);
	return status == CADRE_OK ? check_start(environment, path, err) : status;
}

enum cadre_status cadre_check_register_node(const ProtobufCMessage *message,
                                            const struct cadre_path *path,
                                            struct cadre_error *err)
{
	const Cadre__V1__RegisterNode *node = (const void *)message;
	char tail[64];

	for (size_t i = 0; i < node->n_labels; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(node->labels[i]->name, node->labels[k]->name) != 0)
				continue;
			snprintf(tail, sizeof tail, "labels[%zu].name", i);
			return cadre_path_refuse(path, tail, err, CADRE_INVALID_PARAMETER,
			                         "\"%s\" stands twice",
			                         node->labels[i]->name);
		}
	}
	return CADRE_OK;
}

enum cadre_status cadre_check_place_deployment(const ProtobufCMessage *message,
                                               const struct cadre_path *path,
                                               struct cadre_error *err)
{
	const Cadre__V1__PlaceDeployment *place = (const void *)message;
	char tail[64];

	for (size_t i = 0; i < place->n_nodes; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(place->nodes[i], place->nodes[k]) != 0)
				continue;
			snprintf(tail, sizeof tail, "nodes[%zu]", i);
			return cadre_path_refuse(path, tail, err, CADRE_INVALID_PARAMETER,
			                         "\"%s\" stands twice", place->nodes[i]);
		}
	}
	return CADRE_OK;
}
