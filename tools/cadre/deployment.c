/* deployment create, update, show, list, rollback, activate, deactivate, delete. */
#include <stdlib.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/oci_json.h"

#define CONFIGURATION "modelDeploymentConfigurationDetails."
#define GROUP_ID CONFIGURATION "modelGroupConfigurationDetails.modelGroupId"
#define INFRASTRUCTURE CONFIGURATION "infrastructureConfigurationDetails."
#define ENVIRONMENT CONFIGURATION "environmentConfigurationDetails."
#define SHAPE                    \
	INFRASTRUCTURE           \
	"instanceConfiguration." \
	"modelDeploymentInstanceShapeConfigDetails."
/* Members asked for the group before; one that both have is mostly among the first. */
#define ROLLBACK_MEMBERS_MAX 64u

static enum cadre_status find_deployment(struct cli *cli,
                                         const Cadre__V1__ResourceInfo **ret_deployment)
{
	return cli_find(cli, cli->words[0], CLI_K_DEPLOYMENT, ret_deployment);
}

/* ---- bodies ---- */

static enum cadre_status fill_real(struct cli *cli, enum cli_option option,
                                   const char *path)
{
	const char *text = cli_value(cli, option);
	char *end = NULL;
	double number;

	if (!text)
		return CADRE_OK;
	number = strtod(text, &end);
	if (end == text || *end != '\0' || !(number >= 0 && number < 1e9))
		return cli_usage(cli, "--%s: \"%s\" is no number",
		                 cli_options[option].name, text);
	cli_body_fill_json(cli, path, json_real(number));
	return CADRE_OK;
}

static enum cadre_status fill_infrastructure(struct cli *cli)
{
	uint64_t count = 0;
	enum cadre_status status = cli_number(cli, CLI_INSTANCES, 1, &count);

	if (status != CADRE_OK)
		return status;
	if (!cli_has(cli, CLI_SHAPE) && !cli_has(cli, CLI_OCPUS) &&
	    !cli_has(cli, CLI_MEMORY) && !cli_has(cli, CLI_INSTANCES))
		return CADRE_OK;
	cli_body_fill(cli, INFRASTRUCTURE "infrastructureType", "INSTANCE_POOL");
	cli_body_fill(cli, INFRASTRUCTURE "instanceConfiguration.instanceShapeName",
	              cli_value(cli, CLI_SHAPE));
	status = fill_real(cli, CLI_OCPUS, SHAPE "ocpus");
	if (status == CADRE_OK)
		status = fill_real(cli, CLI_MEMORY, SHAPE "memoryInGBs");
	if (cli_has(cli, CLI_INSTANCES)) {
		cli_body_fill(cli, INFRASTRUCTURE "scalingPolicy.policyType",
		              "FIXED_SIZE");
		cli_body_fill_json(cli, INFRASTRUCTURE "scalingPolicy.instanceCount",
		                   json_integer((json_int_t)count));
	}
	return status;
}

static enum cadre_status fill_environment(struct cli *cli)
{
	json_t *variables = NULL;

	for (size_t i = 0; i < cli->given_count; i++) {
		const char *value = cli->given[i].value;
		const char *equals;

		if (cli->given[i].option != CLI_ENV)
			continue;
		equals = strchr(value, '=');
		if (!equals) {
			json_decref(variables);
			return cli_usage(cli, "--env: \"%s\" is not NAME=VALUE", value);
		}
		if (!variables)
			variables = json_object();
		json_object_set_new(variables,
		                    cli_text(cli, "%.*s", (int)(equals - value), value),
		                    json_string(equals + 1));
	}
	if (!variables)
		return CADRE_OK;
	cli_body_fill(cli, ENVIRONMENT "environmentConfigurationType", "DEFAULT");
	cli_body_fill_json(cli, ENVIRONMENT "environmentVariables", variables);
	return CADRE_OK;
}

/* The group's name becomes the id of the group that it means at this moment. */
static enum cadre_status resolve_group(struct cli *cli)
{
	const char *text = cli_body_text(cli, GROUP_ID);
	const Cadre__V1__ResourceInfo *group = NULL;
	enum cadre_status status;

	if (!text)
		return CADRE_OK;
	status = cli_find_group(cli, text, &group);
	if (status == CADRE_OK)
		cli_body_replace(cli, GROUP_ID, group->resource->ocid);
	return status;
}

static enum cadre_status fill_body(struct cli *cli)
{
	enum cadre_status status = cli_body_read(cli);

	if (status == CADRE_OK)
		status = fill_infrastructure(cli);
	if (status == CADRE_OK)
		status = fill_environment(cli);
	if (status == CADRE_OK)
		status = cli_body_tags(cli, "");
	if (status != CADRE_OK)
		return status;
	cli_body_fill(cli, "displayName", cli_value(cli, CLI_NAME));
	cli_body_fill(cli, "description", cli_value(cli, CLI_DESCRIPTION));
	cli_body_fill(cli, GROUP_ID, cli_value(cli, CLI_GROUP));
	cli_body_fill(cli, CONFIGURATION "updateType", cli_value(cli, CLI_UPDATE_TYPE));
	if (json_object_get(cli->body, "modelDeploymentConfigurationDetails"))
		cli_body_fill(cli, CONFIGURATION "deploymentType", "MODEL_GROUP");
	return resolve_group(cli);
}

enum cadre_status cli_deployment_create(struct cli *cli)
{
	struct cadre_oci_defaults defaults = { .compartment_id = cli->context.compartment,
		                               .project_id = cli->context.project };
	Cadre__V1__Command command;
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = fill_body(cli);
	if (status == CADRE_OK && !cli_body_text(cli, GROUP_ID))
		return cli_usage(cli, "no group: give --group GROUP or --from-json FILE");
	if (status == CADRE_OK)
		status = cadre_oci_create_deployment(cli->body, &defaults, &cli->arena,
		                                     &command, &cli->err);
	return status == CADRE_OK ? cli_submit(cli, &command, "deployment") : status;
}

enum cadre_status cli_deployment_update(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *deployment = NULL;
	Cadre__V1__Command command;
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = find_deployment(cli, &deployment);
	if (status == CADRE_OK)
		status = fill_body(cli);
	if (status == CADRE_OK)
		status = cadre_oci_update_deployment(cli->body,
		                                     deployment->resource->ocid,
		                                     &cli->arena, &command, &cli->err);
	return status == CADRE_OK ? cli_submit(cli, &command, "deployment") : status;
}

enum cadre_status cli_deployment_show(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *deployment = NULL;
	enum cadre_status status = find_deployment(cli, &deployment);

	return status == CADRE_OK ? cli_show(cli, deployment) : status;
}

enum cadre_status cli_deployment_list(struct cli *cli)
{
	return cli_list(cli, CADRE__V1__KIND__KIND_DEPLOYMENT, "deployments");
}

/* ---- lifecycle ---- */

static enum cadre_status submit_ref(struct cli *cli, Cadre__V1__Command__BodyCase body)
{
	const Cadre__V1__ResourceInfo *deployment = NULL;
	Cadre__V1__Command *command = cli_command(cli, body);
	Cadre__V1__ResourceRef *ref = cli_alloc(cli, sizeof(*ref));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = find_deployment(cli, &deployment);
	if (status != CADRE_OK)
		return status;
	cadre__v1__resource_ref__init(ref);
	ref->id = deployment->resource->ocid;
	command->activate_deployment = ref; /* one union for all of this form */
	return cli_submit(cli, command, "deployment");
}

enum cadre_status cli_deployment_activate(struct cli *cli)
{
	return submit_ref(cli, CADRE__V1__COMMAND__BODY_ACTIVATE_DEPLOYMENT);
}

enum cadre_status cli_deployment_deactivate(struct cli *cli)
{
	return submit_ref(cli, CADRE__V1__COMMAND__BODY_DEACTIVATE_DEPLOYMENT);
}

enum cadre_status cli_deployment_delete(struct cli *cli)
{
	return submit_ref(cli, CADRE__V1__COMMAND__BODY_DELETE_DEPLOYMENT);
}

/* ---- rollback ---- */

static enum cadre_status resolve_at(struct cli *cli, const char *deployment,
                                    const char *key, uint64_t at_seq,
                                    const Cadre__V1__ResolveResult **ret_result)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Resolve resolve = CADRE__V1__RESOLVE__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_RESOLVE;
	op.resolve = &resolve;
	resolve.target = (char *)(uintptr_t)deployment;
	resolve.key = (char *)(uintptr_t)key;
	resolve.has_at_seq = at_seq > 0;
	resolve.at_seq = at_seq;
	status = cli_ask(cli, &op, &result);
	if (status == CADRE_OK)
		*ret_result = result->resolve;
	return status;
}

/* The group that was served before the one that is: found by a member of both. */
static enum cadre_status served_before(struct cli *cli, const char *deployment,
                                       const char *serving, const char **ret_group)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	const Cadre__V1__ResolveResult *now = NULL;
	const Cadre__V1__ResolveResult *before = NULL;
	enum cadre_status status = cli_get(cli, serving, true, &group);

	for (size_t i = 0;
	     status == CADRE_OK && i < group->n_members && i < ROLLBACK_MEMBERS_MAX;
	     i++) {
		const Cadre__V1__Member *member = group->members[i];
		const char *key = member->inference_key ? member->inference_key
		                                        : member->model_id;

		if (!now)
			status = resolve_at(cli, deployment, key, 0, &now);
		if (status == CADRE_OK)
			status = resolve_at(cli, deployment, key, now->seq - 1, &before);
		if (status == CADRE_OK) {
			*ret_group = before->group_id;
			return CADRE_OK;
		}
		if (status == CADRE_NOT_FOUND)
			status = CADRE_OK;
	}
	if (status != CADRE_OK)
		return status;
	return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
	                       "what \"%.200s\" served before is not known: say --to "
	                       "GROUP",
	                       cli->words[0]);
}

static enum cadre_status choose_group(struct cli *cli,
                                      const Cadre__V1__ResourceInfo *deployment,
                                      const char **ret_group)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	const char *to = cli_value(cli, CLI_TO);
	enum cadre_status status;

	if (to) {
		status = cli_find_group(cli, to, &group);
		if (status == CADRE_OK)
			*ret_group = group->resource->ocid;
		return status;
	}
	if (!deployment->serving_group_id)
		return cadre_error_set(&cli->err, CADRE_CONFLICT,
		                       "\"%.200s\" never served anything: there is no "
		                       "group to go back to",
		                       cli->words[0]);
	/* On its way to another group: back to what it serves. */
	if (strcmp(deployment->serving_group_id, deployment->target_group_id) != 0) {
		*ret_group = deployment->serving_group_id;
		return CADRE_OK;
	}
	return served_before(cli, deployment->resource->ocid,
	                     deployment->serving_group_id, ret_group);
}

enum cadre_status cli_deployment_rollback(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *deployment = NULL;
	const char *group = NULL;
	Cadre__V1__Command *command =
	        cli_command(cli, CADRE__V1__COMMAND__BODY_UPDATE_DEPLOYMENT);
	Cadre__V1__UpdateDeployment *update = cli_alloc(cli, sizeof(*update));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = find_deployment(cli, &deployment);
	if (status == CADRE_OK)
		status = choose_group(cli, deployment, &group);
	if (status != CADRE_OK)
		return status;
	cli_note(cli, "its group becomes %s", group);
	cadre__v1__update_deployment__init(update);
	update->id = deployment->resource->ocid;
	update->model_group_id = (char *)(uintptr_t)group;
	command->update_deployment = update;
	return cli_submit(cli, command, "deployment");
}
