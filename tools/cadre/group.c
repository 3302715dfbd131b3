/* group create, clone, patch, update. */
#include <inttypes.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/oci_json.h"

#define OVERRIDES "modelGroupCloneSourceDetails.modifyModelGroupDetails."
#define PATCH_ITEMS "modelGroupCloneSourceDetails.patchModelGroupMemberModelDetails.items"

static struct cadre_oci_defaults defaults_of(const struct cli *cli)
{
	return (struct cadre_oci_defaults){ .compartment_id = cli->context.compartment,
		                            .project_id = cli->context.project };
}

/* A name or prefix at `path` becomes the OCID. */
static enum cadre_status name_to_id(struct cli *cli, const char *path, unsigned kinds)
{
	const char *text = cli_body_text(cli, path);
	const Cadre__V1__ResourceInfo *info = NULL;
	enum cadre_status status;

	if (!text || *text == '\0')
		return CADRE_OK;
	status = cli_find(cli, text, kinds, &info);
	if (status == CADRE_OK)
		cli_body_replace(cli, path, info->resource->ocid);
	return status == CADRE_NOT_FOUND
	               ? cadre_error_set(&cli->err, CADRE_RELATED_NOT_FOUND, "%s",
	                                 cli_text(cli, "%s", cli->err.message))
	               : status;
}

/* ---- create ---- */

static enum cadre_status fill_create(struct cli *cli)
{
	json_t *members = NULL;
	enum cadre_status status = cli_member_list(cli, CLI_MEMBER, &members);

	if (status == CADRE_OK)
		status = cli_body_details(cli, "");
	if (status == CADRE_OK)
		status = cli_body_tags(cli, "");
	cli_body_fill(cli, "modelGroupDetails.type", "HOMOGENEOUS");
	cli_body_fill(cli, "displayName", cli_value(cli, CLI_NAME));
	cli_body_fill(cli, "description", cli_value(cli, CLI_DESCRIPTION));
	cli_body_fill(cli, "versionLabel", cli_value(cli, CLI_LABEL));
	cli_body_fill(cli, "modelGroupVersionHistoryId", cli_value(cli, CLI_HISTORY));
	if (members)
		cli_body_fill_json(cli, "memberModelEntries.memberModelDetails", members);
	if (status == CADRE_OK && !json_object_get(cli->body, "memberModelEntries"))
		return cli_usage(cli,
		                 "no members: give --member [KEY=]OCID or --from-json "
		                 "FILE");
	return status;
}

static enum cadre_status submit_body(struct cli *cli)
{
	struct cadre_oci_defaults defaults = defaults_of(cli);
	Cadre__V1__Command command;
	enum cadre_status status = cadre_oci_create_group(
	        cli->body, &defaults, &cli->arena, &command, &cli->err);

	if (status == CADRE_OK)
		status = cli_model_names(cli, &command);
	return status == CADRE_OK ? cli_submit(cli, &command, "model group") : status;
}

static bool is_clone(const struct cli *cli)
{
	const char *type = cli_body_text(cli, "createType");

	return type ? strcmp(type, "CLONE") == 0
	            : json_object_get(cli->body, "modelGroupCloneSourceDetails") ||
	                       json_object_get(cli->body, "modelGroupCloneSourceType") ||
	                       json_object_get(cli->body,
	                                       "patchModelGroupMemberModelDetails");
}

enum cadre_status cli_group_create(struct cli *cli)
{
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = cli_body_read(cli);
	if (status != CADRE_OK)
		return status;
	if (is_clone(cli))
		return cli_group_clone(cli);
	status = fill_create(cli);
	if (status == CADRE_OK)
		status = name_to_id(cli, "modelGroupVersionHistoryId", CLI_K_HISTORY);
	return status == CADRE_OK ? submit_body(cli) : status;
}

/* ---- clone and patch: one body, two commands ---- */

/* A fragment's members go where the whole body has them. */
static void wrap_fragment(struct cli *cli)
{
	static const char *const fields[] = { "modelGroupCloneSourceType", "sourceId",
		                              "modifyModelGroupDetails",
		                              "patchModelGroupMemberModelDetails" };
	json_t *inner = json_object_get(cli->body, "modelGroupCloneSourceDetails");

	if (!inner) {
		inner = json_object();
		json_object_set_new(cli->body, "modelGroupCloneSourceDetails", inner);
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		json_t *value = json_object_get(cli->body, fields[i]);

		if (!value)
			continue;
		json_object_set(inner, fields[i], value);
		json_object_del(cli->body, fields[i]);
	}
}

/* Type and base that are not given are the source's: OCI's details replace as a whole. */
static void complete_details(struct cli *cli, const Cadre__V1__ResourceInfo *source)
{
	static const char *const types[] = { NULL, "HOMOGENEOUS", "HETEROGENEOUS",
		                             "STACKED" };
	const Cadre__V1__GroupState *group = source->resource->group;
	const char *type;

	if (!cli_has(cli, CLI_TYPE) && !cli_has(cli, CLI_BASE) &&
	    !cli_has(cli, CLI_METADATA))
		return;
	cli_body_fill(cli, OVERRIDES "modelGroupDetails.type", types[group->type]);
	type = cli_body_text(cli, OVERRIDES "modelGroupDetails.type");
	if (type && strcmp(type, "STACKED") == 0)
		cli_body_fill(cli, OVERRIDES "modelGroupDetails.baseModelId",
		              group->base_model_id);
}

static enum cadre_status fill_overrides(struct cli *cli,
                                        const Cadre__V1__ResourceInfo *source)
{
	enum cadre_status status = CADRE_OK;

	if (cli_has(cli, CLI_TYPE) || cli_has(cli, CLI_BASE) ||
	    cli_has(cli, CLI_METADATA))
		status = cli_body_details(cli, OVERRIDES);
	complete_details(cli, source);
	if (status == CADRE_OK)
		status = cli_body_tags(cli, OVERRIDES);
	cli_body_fill(cli, OVERRIDES "displayName", cli_value(cli, CLI_NAME));
	cli_body_fill(cli, OVERRIDES "description", cli_value(cli, CLI_DESCRIPTION));
	cli_body_fill(cli, OVERRIDES "versionLabel", cli_value(cli, CLI_LABEL));
	cli_body_fill(cli, OVERRIDES "modelGroupVersionHistoryId",
	              cli_value(cli, CLI_HISTORY));
	if (status == CADRE_OK)
		status = name_to_id(cli, OVERRIDES "modelGroupVersionHistoryId",
		                    CLI_K_HISTORY);
	return status;
}

/* Puts the source's id into the body; the group it means now, with its members. */
static enum cadre_status take_source(struct cli *cli, const char *text,
                                     const Cadre__V1__ResourceInfo **ret_group)
{
	const Cadre__V1__ResourceInfo *source = NULL;
	const char *group;
	bool history;
	enum cadre_status status = cli_find(cli, text, CLI_K_HISTORY | CLI_K_GROUP,
	                                    &source);

	if (status != CADRE_OK)
		return status;
	history = source->resource->kind == CADRE__V1__KIND__KIND_HISTORY;
	group = history ? source->latest_group_id : source->resource->ocid;
	if (!group)
		return cadre_error_set(
		        &cli->err, CADRE_CONFLICT,
		        "the history \"%.200s\" is empty: there is nothing "
		        "to start from",
		        text);
	cli_body_replace(cli, "modelGroupCloneSourceDetails.sourceId",
	                 source->resource->ocid);
	cli_body_fill(cli, "modelGroupCloneSourceDetails.modelGroupCloneSourceType",
	              history ? "MODEL_GROUP_VERSION_HISTORY" : "MODEL_GROUP");
	status = cli_get(cli, group, true, ret_group);
	if (status == CADRE_OK)
		cli_note(cli, "source: version %" PRIu64 " \"%s\" (%s)%s",
		         (*ret_group)->resource->group->version_id,
		         cli_name_of(*ret_group), group, history ? ", the latest" : "");
	return status;
}

/* The body of a clone, names looked up, and the command it makes. */
static enum cadre_status build_clone(struct cli *cli, Cadre__V1__Command *command,
                                     const Cadre__V1__ResourceInfo **ret_group)
{
	const char *source = cli->count > 0 ? cli->words[0] : NULL;
	struct cadre_oci_defaults defaults = defaults_of(cli);
	json_t *items = NULL;
	enum cadre_status status;

	wrap_fragment(cli);
	cli_body_fill(cli, "createType", "CLONE");
	if (!source)
		source = cli_body_text(cli, "modelGroupCloneSourceDetails.sourceId");
	if (!source)
		return cli_usage(cli, "no source: name a group or a history");
	status = take_source(cli, source, ret_group);
	if (status == CADRE_OK)
		status = fill_overrides(cli, *ret_group);
	if (status == CADRE_OK)
		status = cli_patch_items(
		        cli, cli_body_text(cli, "modelGroupCloneSourceDetails.sourceId"),
		        &items);
	cli_body_fill_json(cli, PATCH_ITEMS, items);
	if (status == CADRE_OK)
		status = cadre_oci_create_group(cli->body, &defaults, &cli->arena,
		                                command, &cli->err);
	if (status == CADRE_OK &&
	    command->body_case != CADRE__V1__COMMAND__BODY_CLONE_GROUP)
		return cadre_error_set(
		        &cli->err, CADRE_INVALID_PARAMETER,
		        "createType: \"CREATE\", a clone or patch has none "
		        "or \"CLONE\"");
	if (status == CADRE_OK)
		status = cli_model_names(cli, command);
	return status;
}

/* With --dry-run: what would become of the members, and the command. */
static enum cadre_status show_difference(struct cli *cli,
                                         const Cadre__V1__ResourceInfo *group,
                                         Cadre__V1__PatchInstruction **patch,
                                         size_t count)
{
	struct cli_changes changes;
	enum cadre_status status;

	cli_changes_begin(&changes);
	status = cli_rehearse_patch(cli, group, patch, count, &changes);
	if (status == CADRE_OK)
		cli_changes_print(cli, &changes);
	cli_changes_fini(&changes);
	return status;
}

enum cadre_status cli_group_clone(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	enum cadre_status status = CADRE_OK;

	if (!cli->body) {
		status = cli_begin_mutation(cli);
		if (status == CADRE_OK)
			status = cli_body_read(cli);
	}
	if (status == CADRE_OK)
		status = build_clone(cli, &command, &group);
	if (status == CADRE_OK && cli_has(cli, CLI_DRY_RUN))
		status = show_difference(cli, group, command.clone_group->patch,
		                         command.clone_group->n_patch);
	return status == CADRE_OK ? cli_submit(cli, &command, "model group") : status;
}

enum cadre_status cli_group_patch(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	Cadre__V1__Command clone = CADRE__V1__COMMAND__INIT;
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_PATCH_GROUP);
	Cadre__V1__PatchGroup *patch = cli_alloc(cli, sizeof(*patch));
	enum cadre_status status = cli_begin_mutation(cli);

	cadre__v1__patch_group__init(patch);
	command->patch_group = patch;
	if (status == CADRE_OK)
		status = cli_body_read(cli);
	if (status == CADRE_OK)
		status = build_clone(cli, &clone, &group);
	if (status != CADRE_OK || !clone.clone_group)
		return status;
	patch->source_id = clone.clone_group->source_id;
	patch->overrides = clone.clone_group->overrides;
	patch->patch = clone.clone_group->patch;
	patch->n_patch = clone.clone_group->n_patch;
	patch->has_branch = patch->branch = cli_has(cli, CLI_BRANCH);
	if (cli_has(cli, CLI_DRY_RUN))
		status = show_difference(cli, group, patch->patch, patch->n_patch);
	return status == CADRE_OK ? cli_submit(cli, command, "model group") : status;
}

/* ---- update ---- */

enum cadre_status cli_group_update(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	Cadre__V1__Command command;
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = cli_find_group(cli, cli->words[0], &group);
	if (status == CADRE_OK)
		status = cli_body_read(cli);
	if (status == CADRE_OK)
		status = cli_body_tags(cli, "");
	if (status != CADRE_OK)
		return status;
	if (cli_has(cli, CLI_UNLINK) && cli_has(cli, CLI_HISTORY))
		return cli_usage(cli, "--unlink and --history exclude each other");
	cli_body_fill(cli, "displayName", cli_value(cli, CLI_NAME));
	cli_body_fill(cli, "description", cli_value(cli, CLI_DESCRIPTION));
	cli_body_fill(cli, "versionLabel", cli_value(cli, CLI_LABEL));
	cli_body_fill(cli, "modelGroupVersionHistoryId",
	              cli_has(cli, CLI_UNLINK) ? "" : cli_value(cli, CLI_HISTORY));
	status = name_to_id(cli, "modelGroupVersionHistoryId", CLI_K_HISTORY);
	if (status == CADRE_OK)
		status = cadre_oci_update_group(cli->body, group->resource->ocid,
		                                &cli->arena, &command, &cli->err);
	return status == CADRE_OK ? cli_submit(cli, &command, "model group") : status;
}
