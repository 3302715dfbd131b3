#include "engine/domain/field_rules.h"

#include "cadre/v1/command.pb-c.h"
#include "engine/domain/policy.h"
#include "proto/codec/limits.h"

#define ROWS(type) (sizeof(type) / sizeof(type[0]))

enum {
	LABEL_NAME_CHARS_MAX = 100,
	TAG_KEY_CHARS_MAX = 100,
	TAG_VALUE_CHARS_MAX = 256,
	FREEFORM_TAGS_MAX = 10,
	DEFINED_TAGS_MAX = 64,
	METADATA_ROWS_MAX = 1000,
	VARIABLES_BYTES_MAX = 2048,
	URI_BYTES_MAX = 2048,
	PEM_CHARS_MAX = 8192,
	POLICY_CHARS_MAX = 16 * 1024,
	LABELS_MAX = 64,
	NODES_MAX = 10000,
	PLACED_NODES_MAX = 10,
	NODE_ID_CHARS = 32,
	SHA256_BYTES = 32,
};

/* One line a field: T(field, kind, min, max), N(field, min, max) for numbers and
 * bytes, R(field, most) for repeated messages, RT for repeated texts. */
#define T(field, kind, least, max_)                                                    \
	{                                                                              \
		.offset = offsetof(M, field), .text = CADRE_TEXT_##kind, .min = least, \
		.max = max_                                                            \
	}
#define N(field, least, max_)                                           \
	{                                                               \
		.offset = offsetof(M, field), .min = least, .max = max_ \
	}
#define R(field, most_)                                     \
	{                                                   \
		.offset = offsetof(M, field), .most = most_ \
	}
#define RT(field, kind, least, max_, most_)                                            \
	{                                                                              \
		.offset = offsetof(M, field), .text = CADRE_TEXT_##kind, .min = least, \
		.max = max_, .most = most_                                             \
	}

#define ID(field) T(field, ID, 1, CADRE_OCID_CHARS_MAX)
#define REF(field) T(field, REF, 1, CADRE_OCID_CHARS_MAX)
#define NAME(field) T(field, ANY, 1, CADRE_NAME_CHARS_MAX)
#define DESCRIPTION(field) T(field, ANY, 1, CADRE_DESCRIPTION_CHARS_MAX)
#define LABEL(field) T(field, ANY, 1, CADRE_VERSION_LABEL_CHARS_MAX)
#define NODE_ID(field) T(field, HEX, NODE_ID_CHARS, NODE_ID_CHARS)
#define OWNER                                                  \
	T(compartment_id, ID, 1, CADRE_COMPARTMENT_CHARS_MAX), \
	        T(project_id, ID, 1, CADRE_PROJECT_CHARS_MAX)

#define M Cadre__V1__CreateGroup
static const struct cadre_field_rule create_group[] = {
	OWNER,
	NAME(display_name),
	DESCRIPTION(description),
	LABEL(version_label),
	R(members, CADRE_MEMBERS_MAX),
	REF(model_group_version_history_id),
};
#undef M
#define M Cadre__V1__GroupOverrides
static const struct cadre_field_rule overrides[] = {
	NAME(display_name),
	DESCRIPTION(description),
	LABEL(version_label),
	REF(model_group_version_history_id),
};
#undef M
#define M Cadre__V1__CloneGroup
static const struct cadre_field_rule clone_group[] = {
	OWNER,
	REF(source_id),
	R(patch, CADRE_PATCH_INSTRUCTIONS_MAX),
};
#undef M
#define M Cadre__V1__PatchGroup
static const struct cadre_field_rule patch_group[] = {
	REF(source_id),
	R(patch, CADRE_PATCH_INSTRUCTIONS_MAX),
};
#undef M
#define M Cadre__V1__UpdateGroup
static const struct cadre_field_rule update_group[] = {
	REF(id),
	NAME(display_name),
	DESCRIPTION(description),
	LABEL(version_label),
	T(model_group_version_history_id, REF, 0, CADRE_OCID_CHARS_MAX),
};
#undef M
#define M Cadre__V1__ResourceRef
static const struct cadre_field_rule resource_ref[] = { REF(id) };
#undef M
#define M Cadre__V1__MoveResource
static const struct cadre_field_rule move_resource[] = {
	REF(id),
	T(compartment_id, ID, 1, CADRE_COMPARTMENT_CHARS_MAX),
};
#undef M
#define M Cadre__V1__PutArtifact
static const struct cadre_field_rule put_artifact[] = { REF(id) };
#undef M
#define M Cadre__V1__Artifact
static const struct cadre_field_rule artifact[] = {
	N(sha256, SHA256_BYTES, SHA256_BYTES),
	T(content_disposition, KEY, 1, CADRE_NAME_CHARS_MAX),
};
#undef M
#define M Cadre__V1__CreateHistory
static const struct cadre_field_rule create_history[] = {
	OWNER,
	NAME(display_name),
	DESCRIPTION(description),
	REF(latest_model_group_id),
};
#undef M
#define M Cadre__V1__UpdateHistory
static const struct cadre_field_rule update_history[] = {
	REF(id),
	NAME(display_name),
	DESCRIPTION(description),
	REF(latest_model_group_id),
};
#undef M
#define M Cadre__V1__RegisterModel
static const struct cadre_field_rule register_model[] = {
	OWNER,
	ID(id),
	NAME(display_name),
	DESCRIPTION(description),
	T(framework, ANY, 1, CADRE_NAME_CHARS_MAX),
	T(artifact_uri, URI, 1, URI_BYTES_MAX),
	N(artifact_sha256, SHA256_BYTES, SHA256_BYTES),
	R(custom_metadata_list, METADATA_ROWS_MAX),
};
#undef M
#define M Cadre__V1__CreateDeployment
static const struct cadre_field_rule create_deployment[] = {
	OWNER,
	NAME(display_name),
	DESCRIPTION(description),
	REF(model_group_id),
};
#undef M
#define M Cadre__V1__UpdateDeployment
static const struct cadre_field_rule update_deployment[] = {
	REF(id),
	NAME(display_name),
	DESCRIPTION(description),
	REF(model_group_id),
};
#undef M
#define M Cadre__V1__CutOver
static const struct cadre_field_rule cut_over[] = {
	REF(deployment_id),
	RT(participants, HEX, NODE_ID_CHARS, NODE_ID_CHARS, NODES_MAX),
};
#undef M
#define M Cadre__V1__FinishCutOver
static const struct cadre_field_rule finish_cut_over[] = {
	REF(deployment_id),
	RT(nodes, HEX, NODE_ID_CHARS, NODE_ID_CHARS, NODES_MAX),
};
#undef M
#define M Cadre__V1__PlaceDeployment
static const struct cadre_field_rule place_deployment[] = {
	REF(deployment_id),
	RT(nodes, HEX, NODE_ID_CHARS, NODE_ID_CHARS, PLACED_NODES_MAX),
};
#undef M
#define M Cadre__V1__RegisterNode
static const struct cadre_field_rule register_node[] = {
	NODE_ID(node_id),
	NAME(name),
	T(address, ID, 1, CADRE_NAME_CHARS_MAX),
	R(labels, LABELS_MAX),
};
#undef M
#define M Cadre__V1__RetireNode
static const struct cadre_field_rule retire_node[] = { NODE_ID(node_id) };
#undef M
/* A principal's name is part of a key of the views: bytes count. */
#define M Cadre__V1__PutPrincipal
static const struct cadre_field_rule put_principal[] = {
	T(name, NAME_BYTES, 1, CADRE_NAME_CHARS_MAX),
	T(public_key_pem, ANY, 1, PEM_CHARS_MAX),
	RT(groups, KEY, 1, CADRE_NAME_CHARS_MAX, LABELS_MAX),
};
#undef M
#define M Cadre__V1__RemovePrincipal
static const struct cadre_field_rule remove_principal[] = {
	T(name, NAME_BYTES, 1, CADRE_NAME_CHARS_MAX),
};
#undef M
#define M Cadre__V1__PutPolicy
static const struct cadre_field_rule put_policy[] = {
	T(name, NAME_BYTES, 1, CADRE_NAME_CHARS_MAX),
	RT(statements, ANY, 1, CADRE_STATEMENT_BYTES_MAX, CADRE_STATEMENTS_MAX),
};
#undef M
#define M Cadre__V1__RemovePolicy
static const struct cadre_field_rule remove_policy[] = {
	T(name, NAME_BYTES, 1, CADRE_NAME_CHARS_MAX),
};
#undef M
#define M Cadre__V1__RaiseFeatureLevel
static const struct cadre_field_rule raise_feature_level[] = { N(level, 1, UINT32_MAX) };
#undef M
#define M Cadre__V1__Command
static const struct cadre_field_rule command[] = {
	T(retry_token, KEY, 1, CADRE_RETRY_TOKEN_CHARS_MAX),
	T(if_match, ANY, 1, CADRE_NAME_CHARS_MAX),
};
#undef M
#define M Cadre__V1__Member
static const struct cadre_field_rule member[] = {
	REF(model_id),
	T(inference_key, KEY, 1, CADRE_INFERENCE_KEY_CHARS_MAX),
};
#undef M
/* The metadata's own limit is on all rows together. */
#define M Cadre__V1__CustomMetadata
static const struct cadre_field_rule custom_metadata[] = {
	T(key, ANY, 1, CADRE_CUSTOM_METADATA_BYTES_MAX),
	T(value, ANY, 1, CADRE_CUSTOM_METADATA_BYTES_MAX),
	T(description, ANY, 1, CADRE_CUSTOM_METADATA_BYTES_MAX),
	T(category, ANY, 1, CADRE_CUSTOM_METADATA_BYTES_MAX),
};
#undef M
#define M Cadre__V1__GroupDetails
static const struct cadre_field_rule details[] = {
	REF(base_model_id),
	R(custom_metadata_list, METADATA_ROWS_MAX),
};
#undef M
#define M Cadre__V1__FreeformTags
static const struct cadre_field_rule freeform_tags[] = { R(tags, FREEFORM_TAGS_MAX) };
#undef M
#define M Cadre__V1__FreeformTag
static const struct cadre_field_rule freeform_tag[] = {
	T(key, ANY, 1, TAG_KEY_CHARS_MAX),
	T(value, ANY, 0, TAG_VALUE_CHARS_MAX),
};
#undef M
#define M Cadre__V1__DefinedTags
static const struct cadre_field_rule defined_tags[] = { R(tags, DEFINED_TAGS_MAX) };
#undef M
#define M Cadre__V1__DefinedTag
static const struct cadre_field_rule defined_tag[] = {
	T(namespace_, ANY, 1, TAG_KEY_CHARS_MAX),
	T(key, ANY, 1, TAG_KEY_CHARS_MAX),
	T(text, ANY, 0, TAG_VALUE_CHARS_MAX),
};
#undef M
#define M Cadre__V1__PatchInstruction
static const struct cadre_field_rule instruction[] = { R(values,
	                                                 CADRE_PATCH_VALUES_MAX) };
#undef M
#define M Cadre__V1__NameValue
static const struct cadre_field_rule name_value[] = {
	T(name, KEY, 1, LABEL_NAME_CHARS_MAX),
	T(value, ANY, 0, VARIABLES_BYTES_MAX),
};
#undef M
#define M Cadre__V1__Infrastructure
static const struct cadre_field_rule infrastructure[] = {
	NAME(instance_shape_name),
	N(ocpus, 1, 64),
	N(memory_in_gbs, 6, 1024),
	NAME(cpu_baseline),
	ID(subnet_id),
	ID(private_endpoint_id),
	NAME(network_access_type),
	NAME(scaling_policy_type),
	N(instance_count, 1, 10),
	N(maximum_instance_count, 1, 10),
	N(bandwidth_mbps, 10, 8192),
	N(maximum_bandwidth_mbps, 10, 8192),
	T(scaling_policy_json, ANY, 1, POLICY_CHARS_MAX),
};
#undef M
#define M Cadre__V1__Environment
static const struct cadre_field_rule environment[] = {
	NAME(type),
	R(variables, VARIABLES_BYTES_MAX / 4),
	NAME(image),
	NAME(image_digest),
	NAME(image_signature_id),
	RT(cmd, ANY, 0, VARIABLES_BYTES_MAX, VARIABLES_BYTES_MAX),
	RT(entrypoint, ANY, 0, VARIABLES_BYTES_MAX, VARIABLES_BYTES_MAX),
	N(server_port, 1024, 65535),
	N(health_check_port, 1024, 65535),
};
#undef M
#define M Cadre__V1__LogTarget
static const struct cadre_field_rule log_target[] = { ID(log_group_id), ID(log_id) };
#undef M

#define MESSAGE(name, fields_, check_)                                       \
	{                                                                    \
		.type = &cadre__v1__##name##__descriptor, .fields = fields_, \
		.field_count = ROWS(fields_), .check = check_                \
	}

/* Ordered by how often a command holds them. */
static const struct cadre_message_rules messages[] = {
	MESSAGE(member, member, NULL),
	MESSAGE(patch_instruction, instruction, cadre_check_instruction),
	MESSAGE(command, command, NULL),
	MESSAGE(patch_group, patch_group, NULL),
	MESSAGE(custom_metadata, custom_metadata, NULL),
	MESSAGE(name_value, name_value, NULL),
	MESSAGE(freeform_tag, freeform_tag, NULL),
	MESSAGE(freeform_tags, freeform_tags, NULL),
	MESSAGE(defined_tag, defined_tag, NULL),
	MESSAGE(defined_tags, defined_tags, NULL),
	MESSAGE(create_group, create_group, cadre_check_create_group),
	MESSAGE(clone_group, clone_group, NULL),
	MESSAGE(group_overrides, overrides, cadre_check_tags),
	MESSAGE(group_details, details, cadre_check_details),
	MESSAGE(update_group, update_group, cadre_check_tags),
	MESSAGE(resource_ref, resource_ref, NULL),
	MESSAGE(move_resource, move_resource, NULL),
	MESSAGE(put_artifact, put_artifact, NULL),
	MESSAGE(artifact, artifact, NULL),
	MESSAGE(create_history, create_history, cadre_check_tags),
	MESSAGE(update_history, update_history, cadre_check_tags),
	MESSAGE(register_model, register_model, cadre_check_register_model),
	MESSAGE(create_deployment, create_deployment, cadre_check_tags),
	MESSAGE(update_deployment, update_deployment, cadre_check_tags),
	MESSAGE(cut_over, cut_over, NULL),
	MESSAGE(finish_cut_over, finish_cut_over, NULL),
	MESSAGE(place_deployment, place_deployment, cadre_check_place_deployment),
	MESSAGE(register_node, register_node, cadre_check_register_node),
	MESSAGE(retire_node, retire_node, NULL),
	MESSAGE(put_principal, put_principal, NULL),
	MESSAGE(remove_principal, remove_principal, NULL),
	MESSAGE(put_policy, put_policy, cadre_check_put_policy),
	MESSAGE(remove_policy, remove_policy, NULL),
	MESSAGE(raise_feature_level, raise_feature_level, NULL),
	MESSAGE(infrastructure, infrastructure, cadre_check_infrastructure),
	MESSAGE(environment, environment, cadre_check_environment),
	MESSAGE(log_target, log_target, NULL),
};

const struct cadre_message_rules *
cadre_rules_of_message(const ProtobufCMessageDescriptor *type)
{
	for (size_t i = 0; i < ROWS(messages); i++) {
		if (messages[i].type == type)
			return &messages[i];
	}
	return NULL;
}

const struct cadre_field_rule *
cadre_rule_of_field(const struct cadre_message_rules *rules,
                    const ProtobufCFieldDescriptor *field)
{
	for (size_t i = 0; rules && i < rules->field_count; i++) {
		if (rules->fields[i].offset == field->offset)
			return &rules->fields[i];
	}
	return NULL;
}
