/* Model deployments of the type MODEL_GROUP. */
#include "tools/common/oci_read.h"

#include <stdlib.h>

#define TYPE_FIELD "deploymentType"

/* The only kind of each that Cadre serves. */
static void check_type(struct oci_reader *reader, const struct oci_at *at,
                       const char *field, const char *only)
{
	char *type = oci_required_text(reader, at, field, NULL);

	if (type && strcmp(type, only) != 0)
		oci_fail(reader, at, field, CADRE_INVALID_PARAMETER,
		         "\"%.64s\" is not supported, only %s", type, only);
}

/* The policy as it came: what an autoscaler would need. */
static char *policy_text(struct oci_reader *reader, const struct oci_at *policy)
{
	char *text = json_dumps(policy->value, JSON_COMPACT);
	char *copy = text ? oci_copy(reader, text) : NULL;

	free(text);
	return copy;
}

static void read_scaling(struct oci_reader *reader, const struct oci_at *infrastructure,
                         Cadre__V1__Infrastructure *out)
{
	struct oci_at at = oci_object(reader, infrastructure, "scalingPolicy");
	struct oci_at policies = oci_array(reader, &at, "autoScalingPolicies");
	char *type;

	if (!oci_present(&at))
		return;
	type = oci_required_text(reader, &at, "policyType", NULL);
	if (!type)
		return;
	out->scaling_policy_type = type;
	if (strcmp(type, "FIXED_SIZE") == 0) {
		oci_require(reader, &at, "instanceCount");
		out->has_instance_count = oci_u32(reader, &at, "instanceCount",
		                                  &out->instance_count);
		return;
	}
	if (strcmp(type, "AUTOSCALING") != 0) {
		oci_fail(reader, &at, "policyType", CADRE_INVALID_PARAMETER,
		         "\"%.64s\" is none of FIXED_SIZE, AUTOSCALING", type);
		return;
	}
	out->scaling_policy_json = policy_text(reader, &at);
	if (json_array_size(policies.value) > 0) {
		struct oci_at policy = oci_element(reader, &policies, 0);

		out->has_instance_count = oci_u32(reader, &policy, "minimumInstanceCount",
		                                  &out->instance_count);
		out->has_maximum_instance_count = oci_u32(reader, &policy,
		                                          "maximumInstanceCount",
		                                          &out->maximum_instance_count);
	}
}

static Cadre__V1__Infrastructure *read_infrastructure(struct oci_reader *reader,
                                                      const struct oci_at *configuration)
{
	struct oci_at at = oci_object(reader, configuration,
	                              "infrastructureConfigurationDetails");
	struct oci_at instance = oci_object(reader, &at, "instanceConfiguration");
	struct oci_at shape = oci_object(reader, &instance,
	                                 "modelDeploymentInstanceShapeConfigDetails");
	Cadre__V1__Infrastructure *out;

	if (!oci_present(&at))
		return NULL;
	out = oci_alloc(reader, sizeof(*out));
	if (!out)
		return NULL;
	cadre__v1__infrastructure__init(out);
	check_type(reader, &at, "infrastructureType", "INSTANCE_POOL");
	out->instance_shape_name = oci_text(reader, &instance, "instanceShapeName");
	out->has_ocpus = oci_real(reader, &shape, "ocpus", &out->ocpus);
	out->has_memory_in_gbs = oci_real(reader, &shape, "memoryInGBs",
	                                  &out->memory_in_gbs);
	out->cpu_baseline = oci_text(reader, &shape, "cpuBaseline");
	out->subnet_id = oci_text(reader, &instance, "subnetId");
	out->private_endpoint_id = oci_text(reader, &instance, "privateEndpointId");
	out->network_access_type = oci_text(reader, &instance, "networkAccessType");
	read_scaling(reader, &at, out);
	out->has_bandwidth_mbps = oci_u32(reader, &at, "bandwidthMbps",
	                                  &out->bandwidth_mbps);
	out->has_maximum_bandwidth_mbps = oci_u32(reader, &at, "maximumBandwidthMbps",
	                                          &out->maximum_bandwidth_mbps);
	return out;
}

static Cadre__V1__Environment *read_environment(struct oci_reader *reader,
                                                const struct oci_at *configuration)
{
	struct oci_at at = oci_object(reader, configuration,
	                              "environmentConfigurationDetails");
	Cadre__V1__Environment *out;

	if (!oci_present(&at))
		return NULL;
	out = oci_alloc(reader, sizeof(*out));
	if (!out)
		return NULL;
	cadre__v1__environment__init(out);
	out->type = oci_required_text(reader, &at, "environmentConfigurationType", NULL);
	if (out->type && strcmp(out->type, "DEFAULT") != 0 &&
	    strcmp(out->type, "OCIR_CONTAINER") != 0)
		oci_fail(reader, &at, "environmentConfigurationType",
		         CADRE_INVALID_PARAMETER,
		         "\"%.64s\" is none of DEFAULT, OCIR_CONTAINER", out->type);
	out->variables = oci_name_values(reader, &at, "environmentVariables",
	                                 &out->n_variables);
	out->image = oci_text(reader, &at, "image");
	out->image_digest = oci_text(reader, &at, "imageDigest");
	out->image_signature_id = oci_text(reader, &at, "imageSignatureId");
	out->cmd = oci_texts(reader, &at, "cmd", &out->n_cmd);
	out->entrypoint = oci_texts(reader, &at, "entrypoint", &out->n_entrypoint);
	out->has_server_port = oci_u32(reader, &at, "serverPort", &out->server_port);
	out->has_health_check_port = oci_u32(reader, &at, "healthCheckPort",
	                                     &out->health_check_port);
	return out;
}

static Cadre__V1__LogTarget *read_log_target(struct oci_reader *reader,
                                             const struct oci_at *logs, const char *field)
{
	struct oci_at at = oci_object(reader, logs, field);
	Cadre__V1__LogTarget *target;

	if (!oci_present(&at))
		return NULL;
	target = oci_alloc(reader, sizeof(*target));
	if (!target)
		return NULL;
	cadre__v1__log_target__init(target);
	target->log_group_id = oci_required_text(reader, &at, "logGroupId", NULL);
	target->log_id = oci_required_text(reader, &at, "logId", NULL);
	return target;
}

static Cadre__V1__CategoryLogs *read_logs(struct oci_reader *reader,
                                          const struct oci_at *body)
{
	struct oci_at at = oci_object(reader, body, "categoryLogDetails");
	Cadre__V1__CategoryLogs *logs;

	if (!oci_present(&at))
		return NULL;
	logs = oci_alloc(reader, sizeof(*logs));
	if (!logs)
		return NULL;
	cadre__v1__category_logs__init(logs);
	logs->access = read_log_target(reader, &at, "access");
	logs->predict = read_log_target(reader, &at, "predict");
	return logs;
}

enum cadre_status cadre_oci_create_deployment(const json_t *body,
                                              const struct cadre_oci_defaults *defaults,
                                              struct cadre_arena *arena,
                                              Cadre__V1__Command *command,
                                              struct cadre_error *err)
{
	static const struct cadre_oci_defaults none = { 0 };
	struct oci_reader reader = { .arena = arena, .err = err };
	struct oci_at at = { .value = body };
	struct oci_at configuration = oci_object(&reader, &at,
	                                         "modelDeploymentConfigurationDetails");
	struct oci_at group = oci_object(&reader, &configuration,
	                                 "modelGroupConfigurationDetails");
	Cadre__V1__CreateDeployment *out = oci_alloc(&reader, sizeof(*out));

	cadre__v1__command__init(command);
	if (!out)
		return reader.status;
	if (!defaults)
		defaults = &none;
	cadre__v1__create_deployment__init(out);
	oci_require(&reader, &at, "modelDeploymentConfigurationDetails");
	check_type(&reader, &configuration, TYPE_FIELD, "MODEL_GROUP");
	out->compartment_id = oci_required_text(&reader, &at, "compartmentId",
	                                        defaults->compartment_id);
	out->project_id = oci_required_text(&reader, &at, "projectId",
	                                    defaults->project_id);
	out->display_name = oci_text(&reader, &at, "displayName");
	if (!out->display_name && defaults->display_name)
		out->display_name = oci_copy(&reader, defaults->display_name);
	out->description = oci_text(&reader, &at, "description");
	out->model_group_id = oci_required_text(&reader, &group, "modelGroupId", NULL);
	out->infrastructure = read_infrastructure(&reader, &configuration);
	out->environment = read_environment(&reader, &configuration);
	out->category_log_details = read_logs(&reader, &at);
	out->freeform_tags = oci_freeform_tags(&reader, &at);
	out->defined_tags = oci_defined_tags(&reader, &at);
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_DEPLOYMENT;
	command->create_deployment = out;
	return reader.status;
}

static void read_update_type(struct oci_reader *reader,
                             const struct oci_at *configuration,
                             Cadre__V1__UpdateDeployment *out)
{
	char *type = oci_text(reader, configuration, "updateType");

	if (!type)
		return;
	out->has_update_type = 1;
	if (strcmp(type, "LIVE") == 0)
		out->update_type = CADRE__V1__UPDATE_TYPE__LIVE;
	else if (strcmp(type, "ZDT") == 0)
		out->update_type = CADRE__V1__UPDATE_TYPE__ZDT;
	else
		oci_fail(reader, configuration, "updateType", CADRE_INVALID_PARAMETER,
		         "\"%.64s\" is none of ZDT, LIVE", type);
}

enum cadre_status cadre_oci_update_deployment(const json_t *body, const char *id,
                                              struct cadre_arena *arena,
                                              Cadre__V1__Command *command,
                                              struct cadre_error *err)
{
	struct oci_reader reader = { .arena = arena, .err = err };
	struct oci_at at = { .value = body };
	struct oci_at configuration = oci_object(&reader, &at,
	                                         "modelDeploymentConfigurationDetails");
	struct oci_at group = oci_object(&reader, &configuration,
	                                 "modelGroupConfigurationDetails");
	Cadre__V1__UpdateDeployment *out = oci_alloc(&reader, sizeof(*out));

	cadre__v1__command__init(command);
	if (!out)
		return reader.status;
	cadre__v1__update_deployment__init(out);
	out->id = oci_copy(&reader, id);
	out->display_name = oci_text(&reader, &at, "displayName");
	out->description = oci_text(&reader, &at, "description");
	if (oci_present(&configuration)) {
		check_type(&reader, &configuration, TYPE_FIELD, "MODEL_GROUP");
		read_update_type(&reader, &configuration, out);
		out->infrastructure = read_infrastructure(&reader, &configuration);
		out->environment = read_environment(&reader, &configuration);
	}
	if (oci_present(&group))
		out->model_group_id = oci_required_text(&reader, &group, "modelGroupId",
		                                        NULL);
	out->category_log_details = read_logs(&reader, &at);
	out->freeform_tags = oci_freeform_tags(&reader, &at);
	out->defined_tags = oci_defined_tags(&reader, &at);
	command->body_case = CADRE__V1__COMMAND__BODY_UPDATE_DEPLOYMENT;
	command->update_deployment = out;
	return reader.status;
}
