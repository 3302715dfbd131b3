#include "tools/cadre/apply_plan.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/oci_json.h"

/* A new group's history field names the batch's first command. */
#define FIRST_OF_BATCH "$0"

struct wanted {
	const char *history; /* name or id */
	const char *name;    /* for people */
	bool has_details;
	Cadre__V1__CreateGroup *group;
};

static enum cadre_status read_wanted(struct cli *cli, json_t *value,
                                     struct wanted *wanted)
{
	const struct cadre_oci_defaults defaults = { .compartment_id =
		                                             cli->context.compartment,
		                                     .project_id = cli->context.project,
		                                     .type = "HOMOGENEOUS" };
	Cadre__V1__Command *command = cli_alloc(cli, sizeof(*command));
	const char *name =
	        json_string_value(json_object_get(value, "modelGroupVersionHistoryName"));
	const char *id =
	        json_string_value(json_object_get(value, "modelGroupVersionHistoryId"));
	enum cadre_status status;

	if (!json_is_object(value) || (!name && !id))
		return cadre_error_set(
		        &cli->err, CADRE_MISSING_PARAMETER,
		        "modelGroupVersionHistoryName: missing; it names the "
		        "history that shall have these members");
	wanted->history = cli_text(cli, "%s", id ? id : name);
	wanted->name = name ? cli_text(cli, "%s", name) : wanted->history;
	wanted->has_details = json_object_get(value, "modelGroupDetails") != NULL;
	json_object_set_new(value, "createType", json_string("CREATE"));
	json_object_del(value, "modelGroupVersionHistoryId");
	status = cadre_oci_create_group(value, &defaults, &cli->arena, command,
	                                &cli->err);
	if (status == CADRE_OK)
		status = cli_model_names(cli, command);
	if (status == CADRE_OK)
		wanted->group = command->create_group;
	return status;
}

/* ---- the first version ---- */

static void tell_new_members(struct cli_plan *plan, const Cadre__V1__CreateGroup *group)
{
	for (size_t i = 0; i < group->n_members; i++)
		cli_changes_add(&plan->changes, group->members[i]->model_id, NULL,
		                group->members[i]->inference_key
		                        ? group->members[i]->inference_key
		                        : "");
}

static void plan_first(struct cli *cli, const Cadre__V1__ResourceInfo *history,
                       const struct wanted *wanted, struct cli_plan *plan)
{
	Cadre__V1__Command *create = cli_command(cli,
	                                         CADRE__V1__COMMAND__BODY_CREATE_GROUP);

	if (!history) {
		Cadre__V1__Command *command =
		        cli_command(cli, CADRE__V1__COMMAND__BODY_CREATE_HISTORY);
		Cadre__V1__CreateHistory *made = cli_alloc(cli, sizeof(*made));

		cadre__v1__create_history__init(made);
		made->compartment_id = wanted->group->compartment_id;
		made->project_id = wanted->group->project_id;
		made->display_name = (char *)(uintptr_t)wanted->history;
		command->create_history = made;
		plan->commands[plan->count++] = command;
	}
	wanted->group->model_group_version_history_id =
	        history ? history->resource->ocid
	                : (char *)(uintptr_t)cli_text(cli, FIRST_OF_BATCH);
	create->create_group = wanted->group;
	plan->commands[plan->count++] = create;
	tell_new_members(plan, wanted->group);
}

/* ---- a further version ---- */

static int compare_members(const void *a, const void *b)
{
	const Cadre__V1__Member *const *first = a;
	const Cadre__V1__Member *const *second = b;

	return strcmp((*first)->model_id, (*second)->model_id);
}

static bool same_key(const Cadre__V1__Member *a, const Cadre__V1__Member *b)
{
	if (!a->inference_key || !b->inference_key)
		return a->inference_key == b->inference_key;
	return strcmp(a->inference_key, b->inference_key) == 0;
}

static const char *key_of(const Cadre__V1__Member *member)
{
	return member->inference_key ? member->inference_key : "";
}

/* The members that go and those that come, of two lists in the order of their ids. */
struct difference {
	Cadre__V1__PatchInstruction *removed, *inserted;
};

static void init_instruction(struct cli *cli, Cadre__V1__PatchInstruction **instruction,
                             Cadre__V1__PatchOperation operation, size_t room)
{
	*instruction = cli_alloc(cli, sizeof(**instruction));
	cadre__v1__patch_instruction__init(*instruction);
	(*instruction)->operation = operation;
	(*instruction)->values = cli_alloc(cli, room * sizeof(Cadre__V1__Member *));
}

static void go(struct difference *difference, Cadre__V1__Member *member)
{
	difference->removed->values[difference->removed->n_values++] = member;
}

static void come(struct difference *difference, Cadre__V1__Member *member)
{
	difference->inserted->values[difference->inserted->n_values++] = member;
}

static void compare_lists(Cadre__V1__Member **before, size_t before_count,
                          Cadre__V1__Member **after, size_t after_count,
                          struct difference *difference, struct cli_changes *changes)
{
	size_t i = 0;
	size_t j = 0;

	while (i < before_count || j < after_count) {
		int order = i == before_count  ? 1
		            : j == after_count ? -1
		                               : compare_members(&before[i], &after[j]);

		if (order < 0) {
			cli_changes_add(changes, before[i]->model_id, key_of(before[i]),
			                NULL);
			go(difference, before[i++]);
		} else if (order > 0) {
			cli_changes_add(changes, after[j]->model_id, NULL,
			                key_of(after[j]));
			come(difference, after[j++]);
		} else {
			if (!same_key(before[i], after[j])) {
				cli_changes_add(changes, before[i]->model_id,
				                key_of(before[i]), key_of(after[j]));
				go(difference, before[i]);
				come(difference, after[j]);
			}
			i++;
			j++;
		}
	}
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_details(const Cadre__V1__GroupDetails *wanted,
                         const Cadre__V1__ResourceInfo *latest)
{
	const Cadre__V1__GroupState *group = latest->resource->group;
	const Cadre__V1__Attributes *attributes = latest->attributes;
	size_t count = attributes ? attributes->n_custom_metadata_list : 0;

	if (wanted->type != group->type ||
	    !same_text(wanted->base_model_id, group->base_model_id) ||
	    wanted->n_custom_metadata_list != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const Cadre__V1__CustomMetadata *a = wanted->custom_metadata_list[i];
		const Cadre__V1__CustomMetadata *b = attributes->custom_metadata_list[i];

		if (!same_text(a->key, b->key) || !same_text(a->value, b->value) ||
		    !same_text(a->description, b->description) ||
		    !same_text(a->category, b->category))
			return false;
	}
	return true;
}

static Cadre__V1__GroupOverrides *overrides_of(struct cli *cli,
                                               const struct wanted *wanted, bool details)
{
	Cadre__V1__GroupOverrides *overrides = cli_alloc(cli, sizeof(*overrides));

	cadre__v1__group_overrides__init(overrides);
	overrides->display_name = wanted->group->display_name;
	overrides->description = wanted->group->description;
	overrides->version_label = wanted->group->version_label;
	if (details)
		overrides->model_group_details = wanted->group->model_group_details;
	return overrides;
}

static void plan_patch(struct cli *cli, const Cadre__V1__ResourceInfo *latest,
                       const struct wanted *wanted, const struct difference *difference,
                       struct cli_plan *plan)
{
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_PATCH_GROUP);
	Cadre__V1__PatchGroup *patch = cli_alloc(cli, sizeof(*patch));

	cadre__v1__patch_group__init(patch);
	patch->source_id = latest->resource->ocid;
	patch->overrides = overrides_of(cli, wanted, plan->details);
	patch->patch = cli_alloc(cli, 2 * sizeof(Cadre__V1__PatchInstruction *));
	if (difference->removed->n_values > 0)
		patch->patch[patch->n_patch++] = difference->removed;
	if (difference->inserted->n_values > 0)
		patch->patch[patch->n_patch++] = difference->inserted;
	command->patch_group = patch;
	plan->commands[plan->count++] = command;
}

static void plan_next(struct cli *cli, const Cadre__V1__ResourceInfo *latest,
                      const struct wanted *wanted, struct cli_plan *plan)
{
	Cadre__V1__CreateGroup *group = wanted->group;
	Cadre__V1__Member **before = cli_alloc(cli,
	                                       (latest->n_members + 1) * sizeof(*before));
	struct difference difference;

	if (latest->n_members > 0)
		memcpy(before, latest->members, latest->n_members * sizeof(*before));
	qsort(before, latest->n_members, sizeof(*before), compare_members);
	qsort(group->members, group->n_members, sizeof(*before), compare_members);
	init_instruction(cli, &difference.removed, CADRE__V1__PATCH_OPERATION__REMOVE,
	                 latest->n_members + 1);
	init_instruction(cli, &difference.inserted, CADRE__V1__PATCH_OPERATION__INSERT,
	                 group->n_members + 1);
	compare_lists(before, latest->n_members, group->members, group->n_members,
	              &difference, &plan->changes);
	plan->version_id = latest->resource->group->version_id;
	plan->details = wanted->has_details &&
	                !same_details(group->model_group_details, latest);
	if (plan->details || difference.removed->n_values > 0 ||
	    difference.inserted->n_values > 0)
		plan_patch(cli, latest, wanted, &difference, plan);
}

enum cadre_status cli_plan_make(struct cli *cli, json_t *value, struct cli_plan *plan)
{
	const Cadre__V1__ResourceInfo *history = NULL;
	const Cadre__V1__ResourceInfo *latest = NULL;
	struct wanted wanted = { 0 };
	enum cadre_status status = read_wanted(cli, value, &wanted);

	if (status != CADRE_OK)
		return status;
	plan->history_name = wanted.name;
	/* A prefix would make a new history's name mean another one. */
	status = cli_get(cli, wanted.history, false, &history);
	if (status == CADRE_NOT_FOUND && strncmp(wanted.history, "ocid1.", 6) != 0)
		status = CADRE_OK;
	if (status == CADRE_OK && history &&
	    history->resource->kind != CADRE__V1__KIND__KIND_HISTORY)
		history = NULL;
	if (status == CADRE_OK && history && history->latest_group_id)
		status = cli_get(cli, history->latest_group_id, true, &latest);
	if (status != CADRE_OK)
		return status;
	cli_changes_begin(&plan->changes);
	if (latest)
		plan_next(cli, latest, &wanted, plan);
	else
		plan_first(cli, history, &wanted, plan);
	return CADRE_OK;
}
