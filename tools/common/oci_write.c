#include "tools/common/oci_write.h"

#include <string.h>

static const char *enum_name(const ProtobufCEnumDescriptor *type, int number)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type,
	                                                                       number);

	return value ? value->name : "?";
}

static void put_text(struct cadre_json *json, const char *name, const char *value)
{
	if (value)
		cadre_json_key_text(json, name, value);
}

void cadre_oci_put_member(struct cadre_json *json, const Cadre__V1__Member *member)
{
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "modelId", member->model_id);
	put_text(json, "inferenceKey", member->inference_key);
	cadre_json_end(json, '}');
}

static void put_metadata(struct cadre_json *json, const Cadre__V1__Attributes *attributes)
{
	if (!attributes || attributes->n_custom_metadata_list == 0)
		return;
	cadre_json_key(json, "customMetadataList");
	cadre_json_begin(json, '[');
	for (size_t i = 0; i < attributes->n_custom_metadata_list; i++) {
		const Cadre__V1__CustomMetadata *entry =
		        attributes->custom_metadata_list[i];

		cadre_json_begin(json, '{');
		put_text(json, "key", entry->key);
		put_text(json, "value", entry->value);
		put_text(json, "description", entry->description);
		put_text(json, "category", entry->category);
		cadre_json_end(json, '}');
	}
	cadre_json_end(json, ']');
}

/* ---- tags ---- */

static void put_tag_value(struct cadre_json *json, const Cadre__V1__DefinedTag *tag)
{
	cadre_json_key(json, tag->key);
	if (tag->value_case == CADRE__V1__DEFINED_TAG__VALUE_NUMBER)
		cadre_json_i64(json, tag->number);
	else if (tag->value_case == CADRE__V1__DEFINED_TAG__VALUE_FLAG)
		cadre_json_bool(json, tag->flag);
	else
		cadre_json_text(json, tag->text);
}

static bool is_first_of_namespace(const Cadre__V1__DefinedTags *tags, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(tags->tags[i]->namespace_, tags->tags[index]->namespace_) == 0)
			return false;
	return true;
}

static void put_defined_tags(struct cadre_json *json, const Cadre__V1__DefinedTags *tags)
{
	cadre_json_key(json, "definedTags");
	cadre_json_begin(json, '{');
	for (size_t i = 0; tags && i < tags->n_tags; i++) {
		if (!is_first_of_namespace(tags, i))
			continue;
		cadre_json_key(json, tags->tags[i]->namespace_);
		cadre_json_begin(json, '{');
		for (size_t j = i; j < tags->n_tags; j++)
			if (strcmp(tags->tags[i]->namespace_,
			           tags->tags[j]->namespace_) == 0)
				put_tag_value(json, tags->tags[j]);
		cadre_json_end(json, '}');
	}
	cadre_json_end(json, '}');
}

void cadre_oci_put_tags(struct cadre_json *json, const Cadre__V1__Attributes *attributes)
{
	const Cadre__V1__FreeformTags *tags = attributes ? attributes->freeform_tags
	                                                 : NULL;

	cadre_json_key(json, "freeformTags");
	cadre_json_begin(json, '{');
	for (size_t i = 0; tags && i < tags->n_tags; i++)
		cadre_json_key_text(json, tags->tags[i]->key, tags->tags[i]->value);
	cadre_json_end(json, '}');
	put_defined_tags(json, attributes ? attributes->defined_tags : NULL);
}

/* ---- groups ---- */

static void put_members(struct cadre_json *json, const Cadre__V1__ResourceInfo *info)
{
	cadre_json_key(json, "memberModelEntries");
	cadre_json_begin(json, '{');
	cadre_json_key(json, "memberModelDetails");
	cadre_json_begin(json, '[');
	for (size_t i = 0; i < info->n_members; i++)
		cadre_oci_put_member(json, info->members[i]);
	cadre_json_end(json, ']');
	cadre_json_end(json, '}');
}

static void put_group(struct cadre_json *json, const Cadre__V1__ResourceInfo *info,
                      const struct cadre_oci_style *style)
{
	const Cadre__V1__GroupState *group = info->resource->group;

	if (!style->summary) {
		cadre_json_key_text(json, "createType",
		                    group->has_source_group ? "CLONE" : "CREATE");
		put_text(json, "sourceModelGroupId", info->source_group_id);
	}
	put_text(json, "modelGroupVersionHistoryId", info->history_id);
	put_text(json, "modelGroupVersionHistoryName", info->history_name);
	cadre_json_key_u64(json, "versionId", group->version_id);
	put_text(json, "versionLabel", group->version_label);
	cadre_json_key(json, "modelGroupDetails");
	cadre_json_begin(json, '{');
	cadre_json_key_text(
	        json, "type",
	        enum_name(&cadre__v1__group_type__descriptor, (int)group->type));
	put_text(json, "baseModelId", group->base_model_id);
	put_metadata(json, info->attributes);
	cadre_json_end(json, '}');
	cadre_json_key_u64(json, "memberCount", group->member_count);
	cadre_json_key_u64(json, "deployments", group->deployments);
	if (info->n_members > 0 && !style->summary)
		put_members(json, info);
}

static void put_history(struct cadre_json *json, const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__HistoryState *history = info->resource->history;

	put_text(json, "latestModelGroupId", info->latest_group_id);
	cadre_json_key_u64(json, "lastVersionId", history->last_version_id);
	cadre_json_key_u64(json, "liveGroups", history->live_groups);
}

/* ---- deployments ---- */

static void put_instance(struct cadre_json *json, const Cadre__V1__Infrastructure *in)
{
	cadre_json_key(json, "instanceConfiguration");
	cadre_json_begin(json, '{');
	put_text(json, "instanceShapeName", in->instance_shape_name);
	if (in->has_ocpus || in->has_memory_in_gbs || in->cpu_baseline) {
		cadre_json_key(json, "modelDeploymentInstanceShapeConfigDetails");
		cadre_json_begin(json, '{');
		if (in->has_ocpus) {
			cadre_json_key(json, "ocpus");
			cadre_json_real(json, in->ocpus);
		}
		if (in->has_memory_in_gbs) {
			cadre_json_key(json, "memoryInGBs");
			cadre_json_real(json, in->memory_in_gbs);
		}
		put_text(json, "cpuBaseline", in->cpu_baseline);
		cadre_json_end(json, '}');
	}
	put_text(json, "subnetId", in->subnet_id);
	put_text(json, "privateEndpointId", in->private_endpoint_id);
	put_text(json, "networkAccessType", in->network_access_type);
	cadre_json_end(json, '}');
}

/* An autoscaling policy is kept as the text that came. */
static void put_scaling(struct cadre_json *json, const Cadre__V1__Infrastructure *in)
{
	if (in->scaling_policy_json) {
		cadre_json_key(json, "scalingPolicy");
		cadre_json_raw(json, in->scaling_policy_json);
		json->comma = true;
	} else if (in->scaling_policy_type) {
		cadre_json_key(json, "scalingPolicy");
		cadre_json_begin(json, '{');
		cadre_json_key_text(json, "policyType", in->scaling_policy_type);
		if (in->has_instance_count)
			cadre_json_key_u64(json, "instanceCount", in->instance_count);
		cadre_json_end(json, '}');
	}
}

static void put_infrastructure(struct cadre_json *json,
                               const Cadre__V1__Infrastructure *in)
{
	cadre_json_key(json, "infrastructureConfigurationDetails");
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "infrastructureType", "INSTANCE_POOL");
	put_instance(json, in);
	put_scaling(json, in);
	if (in->has_bandwidth_mbps)
		cadre_json_key_u64(json, "bandwidthMbps", in->bandwidth_mbps);
	if (in->has_maximum_bandwidth_mbps)
		cadre_json_key_u64(json, "maximumBandwidthMbps",
		                   in->maximum_bandwidth_mbps);
	cadre_json_end(json, '}');
}

static void put_texts(struct cadre_json *json, const char *name, char **texts,
                      size_t count)
{
	if (count == 0)
		return;
	cadre_json_key(json, name);
	cadre_json_begin(json, '[');
	for (size_t i = 0; i < count; i++)
		cadre_json_text(json, texts[i]);
	cadre_json_end(json, ']');
}

static void put_environment(struct cadre_json *json, const Cadre__V1__Environment *in)
{
	cadre_json_key(json, "environmentConfigurationDetails");
	cadre_json_begin(json, '{');
	put_text(json, "environmentConfigurationType", in->type);
	cadre_json_key(json, "environmentVariables");
	cadre_json_begin(json, '{');
	for (size_t i = 0; i < in->n_variables; i++)
		cadre_json_key_text(json, in->variables[i]->name,
		                    in->variables[i]->value);
	cadre_json_end(json, '}');
	put_text(json, "image", in->image);
	put_text(json, "imageDigest", in->image_digest);
	put_text(json, "imageSignatureId", in->image_signature_id);
	put_texts(json, "cmd", in->cmd, in->n_cmd);
	put_texts(json, "entrypoint", in->entrypoint, in->n_entrypoint);
	if (in->has_server_port)
		cadre_json_key_u64(json, "serverPort", in->server_port);
	if (in->has_health_check_port)
		cadre_json_key_u64(json, "healthCheckPort", in->health_check_port);
	cadre_json_end(json, '}');
}

static void put_log(struct cadre_json *json, const char *name,
                    const Cadre__V1__LogTarget *target)
{
	if (!target)
		return;
	cadre_json_key(json, name);
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "logGroupId", target->log_group_id);
	cadre_json_key_text(json, "logId", target->log_id);
	cadre_json_end(json, '}');
}

static void put_serving(struct cadre_json *json, const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__DeploymentState *deployment = info->resource->deployment;

	cadre_json_key_u64(json, "generation", deployment->generation);
	put_text(json, "servingModelGroupId", info->serving_group_id);
	if (deployment->has_serving_generation)
		cadre_json_key_u64(json, "servingGeneration",
		                   deployment->serving_generation);
	put_texts(json, "nodes", deployment->nodes, deployment->n_nodes);
}

/* What OCI tells of the machines behind a deployment. */
static void put_system_data(struct cadre_json *json,
                            const Cadre__V1__DeploymentState *deployment)
{
	cadre_json_key(json, "modelDeploymentSystemData");
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "systemInfraType", "INSTANCE_POOL");
	cadre_json_key_text(json, "modelType", "MANAGED_MODEL");
	cadre_json_key_u64(json, "currentInstanceCount", deployment->n_nodes);
	cadre_json_end(json, '}');
}

static void put_deployment(struct cadre_json *json, const Cadre__V1__ResourceInfo *info,
                           const struct cadre_oci_style *style)
{
	const Cadre__V1__DeploymentState *deployment = info->resource->deployment;

	cadre_json_key(json, "modelDeploymentConfigurationDetails");
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "deploymentType", "MODEL_GROUP");
	cadre_json_key(json, "modelGroupConfigurationDetails");
	cadre_json_begin(json, '{');
	put_text(json, "modelGroupId", info->target_group_id);
	cadre_json_end(json, '}');
	if (deployment->infrastructure)
		put_infrastructure(json, deployment->infrastructure);
	if (deployment->environment)
		put_environment(json, deployment->environment);
	cadre_json_end(json, '}');
	if (deployment->category_log_details) {
		cadre_json_key(json, "categoryLogDetails");
		cadre_json_begin(json, '{');
		put_log(json, "access", deployment->category_log_details->access);
		put_log(json, "predict", deployment->category_log_details->predict);
		cadre_json_end(json, '}');
	}
	put_text(json, "modelDeploymentUrl", style->deployment_url);
	put_system_data(json, deployment);
	put_serving(json, info);
}

/* ---- models and nodes ---- */

static void put_model(struct cadre_json *json, const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__ModelState *model = info->resource->model;

	put_text(json, "framework", model->framework);
	if (model->has_kind)
		cadre_json_key_text(
		        json, "kind",
		        enum_name(&cadre__v1__model_kind__descriptor, (int)model->kind));
	put_text(json, "artifactUri", model->artifact_uri);
	if (model->has_artifact_sha256)
		cadre_json_key_hex(json, "artifactSha256", model->artifact_sha256.data,
		                   model->artifact_sha256.len);
	if (model->has_artifact_bytes)
		cadre_json_key_u64(json, "artifactBytes", model->artifact_bytes);
	put_metadata(json, info->attributes);
}

static void put_node(struct cadre_json *json, const Cadre__V1__NodeState *node)
{
	put_text(json, "address", node->address);
	cadre_json_key(json, "labels");
	cadre_json_begin(json, '{');
	for (size_t i = 0; i < node->n_labels; i++)
		cadre_json_key_text(json, node->labels[i]->name, node->labels[i]->value);
	cadre_json_end(json, '}');
}

static void put_detail(struct cadre_json *json, const Cadre__V1__ResourceInfo *info,
                       const struct cadre_oci_style *style)
{
	switch ((int)info->resource->detail_case) {
	case CADRE__V1__RESOURCE__DETAIL_GROUP:
		put_group(json, info, style);
		break;
	case CADRE__V1__RESOURCE__DETAIL_HISTORY:
		put_history(json, info);
		break;
	case CADRE__V1__RESOURCE__DETAIL_DEPLOYMENT:
		put_deployment(json, info, style);
		break;
	case CADRE__V1__RESOURCE__DETAIL_MODEL:
		put_model(json, info);
		break;
	case CADRE__V1__RESOURCE__DETAIL_NODE:
		put_node(json, info->resource->node);
		break;
	default:
		break;
	}
}

void cadre_oci_put_resource(struct cadre_json *json, const Cadre__V1__ResourceInfo *info)
{
	static const struct cadre_oci_style full = { .summary = false };

	cadre_oci_put_styled(json, info, &full);
}

void cadre_oci_put_styled(struct cadre_json *json, const Cadre__V1__ResourceInfo *info,
                          const struct cadre_oci_style *style)
{
	const Cadre__V1__Resource *resource = info->resource;

	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "id", resource->ocid);
	put_text(json, "compartmentId", resource->compartment_id);
	put_text(json, "projectId", resource->project_id);
	put_text(json, "displayName", resource->display_name);
	if (!style->summary)
		put_text(json, "description", resource->description);
	put_detail(json, info, style);
	cadre_oci_put_tags(json, info->attributes);
	cadre_json_key_text(json, "lifecycleState",
	                    enum_name(&cadre__v1__lifecycle_state__descriptor,
	                              (int)resource->lifecycle_state));
	put_text(json, "lifecycleDetails", resource->lifecycle_details);
	put_text(json, "createdBy", resource->created_by);
	cadre_json_key_time(json, "timeCreated", resource->time_created_ms);
	cadre_json_key_time(json, "timeUpdated", resource->time_updated_ms);
	cadre_json_key_text(json, "etag", info->etag);
	cadre_json_end(json, '}');
}
