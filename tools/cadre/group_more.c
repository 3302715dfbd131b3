/* group show, list, members, activate, deactivate, delete, move; diff. */
#include <inttypes.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/oci_write.h"

enum cadre_status cli_group_show(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	enum cadre_status status = cli_find_group(cli, cli->words[0], &group);

	return status == CADRE_OK ? cli_show(cli, group) : status;
}

enum cadre_status cli_group_list(struct cli *cli)
{
	return cli_list(cli, CADRE__V1__KIND__KIND_GROUP, "groups");
}

static void print_members_json(const Cadre__V1__ResourceInfo *group)
{
	struct cadre_json json = { 0 };

	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "modelGroupId", group->resource->ocid);
	cadre_json_key_u64(&json, "versionId", group->resource->group->version_id);
	cadre_json_key(&json, "members");
	cadre_json_begin(&json, '[');
	for (size_t i = 0; i < group->n_members; i++)
		cadre_oci_put_member(&json, group->members[i]);
	cadre_json_end(&json, ']');
	cadre_json_end(&json, '}');
	cli_print_json(&json);
	cadre_json_fini(&json);
}

static void print_members_table(const Cadre__V1__ResourceInfo *group)
{
	static const char *const titles[] = { "KEY", "MODEL" };
	struct cadre_table table;

	cadre_table_init(&table, 2, 0, titles);
	for (size_t i = 0; i < group->n_members; i++) {
		const Cadre__V1__Member *member = group->members[i];

		cadre_table_cell(&table, "%s",
		                 member->inference_key ? member->inference_key : "");
		cadre_table_cell(&table, "%s", member->model_id);
	}
	cadre_table_print(&table, stdout);
	cadre_table_fini(&table);
}

enum cadre_status cli_group_members(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	enum cadre_status status = cli_find_group(cli, cli->words[0], &group);

	if (status != CADRE_OK)
		return status;
	if (cli->mode == CADRE_OUTPUT_JSON)
		print_members_json(group);
	else if (cli->mode == CADRE_OUTPUT_TEXT)
		print_members_table(group);
	else
		for (size_t i = 0; i < group->n_members; i++)
			puts(group->members[i]->model_id);
	return CADRE_OK;
}

/* ---- lifecycle ---- */

static enum cadre_status submit_ref(struct cli *cli, Cadre__V1__Command__BodyCase body)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	Cadre__V1__Command *command = cli_command(cli, body);
	Cadre__V1__ResourceRef *ref = cli_alloc(cli, sizeof(*ref));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = cli_find_group(cli, cli->words[0], &group);
	if (status != CADRE_OK)
		return status;
	cadre__v1__resource_ref__init(ref);
	ref->id = group->resource->ocid;
	command->activate_group = ref; /* one union for all of this form */
	return cli_submit(cli, command, "model group");
}

enum cadre_status cli_group_activate(struct cli *cli)
{
	return submit_ref(cli, CADRE__V1__COMMAND__BODY_ACTIVATE_GROUP);
}

enum cadre_status cli_group_deactivate(struct cli *cli)
{
	return submit_ref(cli, CADRE__V1__COMMAND__BODY_DEACTIVATE_GROUP);
}

enum cadre_status cli_group_delete(struct cli *cli)
{
	return submit_ref(cli, CADRE__V1__COMMAND__BODY_DELETE_GROUP);
}

enum cadre_status cli_group_move(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_MOVE_GROUP);
	Cadre__V1__MoveResource *move = cli_alloc(cli, sizeof(*move));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = cli_find_group(cli, cli->words[0], &group);
	if (status != CADRE_OK)
		return status;
	cadre__v1__move_resource__init(move);
	move->id = group->resource->ocid;
	move->compartment_id = (char *)(uintptr_t)cli->words[1];
	command->move_group = move;
	return cli_submit(cli, command, "model group");
}

/* ---- diff ---- */

static const char *key_on(bool absent, const char *key)
{
	if (absent)
		return NULL;
	return key ? key : "";
}

static void print_diff(struct cli *cli, const Cadre__V1__DiffResult *diff)
{
	struct cli_changes changes;
	struct cadre_json json = { 0 };

	cli_changes_begin(&changes);
	for (size_t i = 0; i < diff->n_changes; i++) {
		const Cadre__V1__MemberChange *change = diff->changes[i];

		cli_changes_add(&changes, change->model_id,
		                key_on(change->added, change->key_before),
		                key_on(change->removed, change->key_after));
		if (cli->mode == CADRE_OUTPUT_QUIET)
			puts(change->model_id);
	}
	cli_changes_print(cli, &changes);
	cadre_json_end(&changes.json, ']');
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "from", diff->from_group_id);
	cadre_json_key_text(&json, "to", diff->to_group_id);
	cadre_json_key_u64(&json, "added", changes.added);
	cadre_json_key_u64(&json, "removed", changes.removed);
	cadre_json_key_u64(&json, "rekeyed", changes.rekeyed);
	cadre_json_key(&json, "changes");
	cadre_json_raw(&json, cli_text(cli, "%.*s", (int)changes.json.text.length,
	                               (const char *)changes.json.text.data));
	cadre_json_end(&json, '}');
	if (cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&json);
	cadre_json_fini(&json);
	cli_changes_fini(&changes);
}

enum cadre_status cli_diff(struct cli *cli)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Diff diff = CADRE__V1__DIFF__INIT;
	const Cadre__V1__ResourceInfo *from = NULL;
	const Cadre__V1__ResourceInfo *to = NULL;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status = cli_find_group(cli, cli->words[0], &from);

	if (status == CADRE_OK)
		status = cli_find_group(cli, cli->words[1], &to);
	if (status != CADRE_OK)
		return status;
	op.body_case = CADRE__V1__OP__BODY_DIFF;
	op.diff = &diff;
	diff.from = from->resource->ocid;
	diff.to = to->resource->ocid;
	status = cli_ask(cli, &op, &result);
	if (status == CADRE_OK)
		print_diff(cli, result->diff);
	return status;
}
