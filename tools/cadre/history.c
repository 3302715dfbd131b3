/* history create, show, list, rollback, update, delete, move. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/oci_json.h"

static enum cadre_status find_history(struct cli *cli,
                                      const Cadre__V1__ResourceInfo **ret_history)
{
	return cli_find(cli, cli->words[0], CLI_K_HISTORY, ret_history);
}

/* Flags and --from-json, with the latest group's name looked up. */
static enum cadre_status fill_body(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	const char *latest;
	enum cadre_status status = cli_body_read(cli);

	if (status == CADRE_OK)
		status = cli_body_tags(cli, "");
	if (status != CADRE_OK)
		return status;
	cli_body_fill(cli, "displayName", cli_value(cli, CLI_NAME));
	cli_body_fill(cli, "description", cli_value(cli, CLI_DESCRIPTION));
	cli_body_fill(cli, "latestModelGroupId", cli_value(cli, CLI_LATEST));
	latest = cli_body_text(cli, "latestModelGroupId");
	if (!latest)
		return CADRE_OK;
	status = cli_find(cli, latest, CLI_K_GROUP, &group);
	if (status == CADRE_OK)
		cli_body_replace(cli, "latestModelGroupId", group->resource->ocid);
	return status;
}

enum cadre_status cli_history_create(struct cli *cli)
{
	struct cadre_oci_defaults defaults = { .compartment_id = cli->context.compartment,
		                               .project_id = cli->context.project };
	Cadre__V1__Command command;
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = fill_body(cli);
	if (status == CADRE_OK)
		status = cadre_oci_create_history(cli->body, &defaults, &cli->arena,
		                                  &command, &cli->err);
	return status == CADRE_OK ? cli_submit(cli, &command, "version history") : status;
}

enum cadre_status cli_history_update(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *history = NULL;
	Cadre__V1__Command command;
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = find_history(cli, &history);
	if (status == CADRE_OK)
		status = fill_body(cli);
	if (status == CADRE_OK)
		status = cadre_oci_update_history(cli->body, history->resource->ocid,
		                                  &cli->arena, &command, &cli->err);
	return status == CADRE_OK ? cli_submit(cli, &command, "version history") : status;
}

enum cadre_status cli_history_show(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *history = NULL;
	enum cadre_status status = find_history(cli, &history);

	return status == CADRE_OK ? cli_show(cli, history) : status;
}

enum cadre_status cli_history_list(struct cli *cli)
{
	return cli_list(cli, CADRE__V1__KIND__KIND_HISTORY, "histories");
}

enum cadre_status cli_history_delete(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *history = NULL;
	Cadre__V1__Command *command =
	        cli_command(cli, CADRE__V1__COMMAND__BODY_DELETE_HISTORY);
	Cadre__V1__ResourceRef *ref = cli_alloc(cli, sizeof(*ref));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = find_history(cli, &history);
	if (status != CADRE_OK)
		return status;
	cadre__v1__resource_ref__init(ref);
	ref->id = history->resource->ocid;
	command->delete_history = ref;
	return cli_submit(cli, command, "version history");
}

enum cadre_status cli_history_move(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *history = NULL;
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_MOVE_HISTORY);
	Cadre__V1__MoveResource *move = cli_alloc(cli, sizeof(*move));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = find_history(cli, &history);
	if (status != CADRE_OK)
		return status;
	cadre__v1__move_resource__init(move);
	move->id = history->resource->ocid;
	move->compartment_id = (char *)(uintptr_t)cli->words[1];
	command->move_history = move;
	return cli_submit(cli, command, "version history");
}

/* ---- rollback ---- */

/* The version to go back to, among a history's groups. */
struct choice {
	uint64_t wanted; /* 0: the newest live one below `latest` */
	uint64_t latest; /* version id */
	const Cadre__V1__ResourceInfo *found;
};

static enum cadre_status choose(struct cli *cli, void *ctx,
                                const Cadre__V1__ResourceInfo *info)
{
	struct choice *choice = ctx;
	uint64_t version = info->resource->group->version_id;
	bool live = info->resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__ACTIVE;

	(void)cli;
	if (choice->wanted > 0 ? version != choice->wanted
	                       : !live || version >= choice->latest)
		return CADRE_OK;
	choice->found = info;
	return CADRE_END;
}

static enum cadre_status choose_version(struct cli *cli,
                                        const Cadre__V1__ResourceInfo *history,
                                        struct choice *choice)
{
	const Cadre__V1__ResourceInfo *latest = NULL;
	Cadre__V1__ListResources filter = CADRE__V1__LIST_RESOURCES__INIT;
	enum cadre_status status = CADRE_OK;

	if (choice->wanted == 0 && history->latest_group_id) {
		status = cli_get(cli, history->latest_group_id, false, &latest);
		if (status == CADRE_OK)
			choice->latest = latest->resource->group->version_id;
	}
	filter.kind = CADRE__V1__KIND__KIND_GROUP;
	filter.history = history->resource->ocid;
	filter.has_descending = filter.descending = true;
	if (status == CADRE_OK)
		status = cli_each(cli, &filter, choose, choice);
	if (status != CADRE_OK || choice->found)
		return status;
	if (choice->wanted > 0)
		return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
		                       "\"%.200s\" has no version %" PRIu64,
		                       cli_name_of(history), choice->wanted);
	return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
	                       "\"%.200s\" has no active version before the latest",
	                       cli_name_of(history));
}

static enum cadre_status find_version(struct cli *cli,
                                      const Cadre__V1__ResourceInfo *history,
                                      const Cadre__V1__ResourceInfo **ret_group)
{
	const char *to = cli_value(cli, CLI_TO);
	struct choice choice = { 0 };
	char *end = NULL;
	enum cadre_status status;

	if (to && (*to < '1' || *to > '9'))
		return cli_find(cli, to, CLI_K_GROUP, ret_group);
	if (to) {
		choice.wanted = strtoull(to, &end, 10);
		if (*end != '\0')
			return cli_find(cli, to, CLI_K_GROUP, ret_group);
	}
	status = choose_version(cli, history, &choice);
	*ret_group = choice.found;
	return status;
}

enum cadre_status cli_history_rollback(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *history = NULL;
	const Cadre__V1__ResourceInfo *group = NULL;
	Cadre__V1__Command *command =
	        cli_command(cli, CADRE__V1__COMMAND__BODY_UPDATE_HISTORY);
	Cadre__V1__UpdateHistory *update = cli_alloc(cli, sizeof(*update));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = find_history(cli, &history);
	if (status == CADRE_OK)
		status = find_version(cli, history, &group);
	if (status != CADRE_OK)
		return status;
	cli_note(cli, "the latest becomes version %" PRIu64 " \"%s\" (%s)",
	         group->resource->group->version_id, cli_name_of(group),
	         group->resource->ocid);
	cadre__v1__update_history__init(update);
	update->id = history->resource->ocid;
	update->latest_model_group_id = group->resource->ocid;
	command->update_history = update;
	return cli_submit(cli, command, "version history");
}
