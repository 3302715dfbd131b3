/* Members and patches out of flags. */
#include <string.h>

#include "tools/cadre/cli.h"

enum cadre_status cli_split_member(struct cli *cli, const char *text,
                                   const char **ret_key, const char **ret_model)
{
	const char *equals = strchr(text, '=');

	*ret_key = equals ? cli_text(cli, "%.*s", (int)(equals - text), text) : NULL;
	*ret_model = equals ? equals + 1 : text;
	if (**ret_model == '\0' || equals == text)
		return cli_usage(cli, "\"%s\" is not [KEY=]OCID", text);
	return CADRE_OK;
}

/* ---- names of models ---- */

static enum cadre_status take_live(struct cli *cli, void *ctx,
                                   const Cadre__V1__ResourceInfo *info)
{
	char **text = ctx;

	(void)cli;
	if (info->resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		return CADRE_OK;
	*text = info->resource->ocid;
	return CADRE_END;
}

/* A registered model's name becomes its OCID; what nobody knows is an id from
 * elsewhere. */
static enum cadre_status name_to_model(struct cli *cli, char **text)
{
	Cadre__V1__ListResources filter = CADRE__V1__LIST_RESOURCES__INIT;
	const char *name = *text;
	enum cadre_status status;

	if (!name || strncmp(name, "ocid1.", 6) == 0)
		return CADRE_OK;
	filter.kind = CADRE__V1__KIND__KIND_MODEL;
	filter.display_name = *text;
	filter.has_descending = filter.descending = true;
	status = cli_each(cli, &filter, take_live, text);
	if (status == CADRE_OK && *text != name)
		cli_note(cli, "\"%s\" is the model %s", name, *text);
	return status;
}

static enum cadre_status names_in_list(struct cli *cli, Cadre__V1__Member **members,
                                       size_t count)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < count && status == CADRE_OK; i++)
		status = name_to_model(cli, &members[i]->model_id);
	return status;
}

enum cadre_status cli_model_names(struct cli *cli, Cadre__V1__Command *command)
{
	Cadre__V1__GroupDetails *details = NULL;
	Cadre__V1__CloneGroup *clone;
	enum cadre_status status = CADRE_OK;

	if (command->body_case == CADRE__V1__COMMAND__BODY_CREATE_GROUP) {
		details = command->create_group->model_group_details;
		status = names_in_list(cli, command->create_group->members,
		                       command->create_group->n_members);
	} else {
		clone = command->clone_group;
		details = clone->overrides ? clone->overrides->model_group_details : NULL;
		for (size_t i = 0; i < clone->n_patch && status == CADRE_OK; i++)
			status = names_in_list(cli, clone->patch[i]->values,
			                       clone->patch[i]->n_values);
	}
	if (status == CADRE_OK && details)
		status = name_to_model(cli, &details->base_model_id);
	return status;
}

/* ---- lists ---- */

static json_t *member_json(const char *key, const char *model)
{
	json_t *member = json_object();

	if (key)
		json_object_set_new(member, "inferenceKey", json_string(key));
	json_object_set_new(member, "modelId", json_string(model));
	return member;
}

enum cadre_status cli_member_list(struct cli *cli, enum cli_option option,
                                  json_t **ret_list)
{
	json_t *list = json_array();
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < cli->given_count && status == CADRE_OK; i++) {
		const char *key = NULL;
		const char *model = NULL;

		if (cli->given[i].option != option)
			continue;
		status = cli_split_member(cli, cli->given[i].value, &key, &model);
		if (status == CADRE_OK)
			json_array_append_new(list, member_json(key, model));
	}
	if (status != CADRE_OK || json_array_size(list) == 0) {
		json_decref(list);
		list = NULL;
	}
	*ret_list = list;
	return status;
}

/* The model that a key or OCID means in the source. */
static enum cadre_status look_key_up(struct cli *cli, const char *source, const char *key,
                                     const char **ret_model)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Resolve resolve = CADRE__V1__RESOLVE__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_RESOLVE;
	op.resolve = &resolve;
	resolve.target = (char *)(uintptr_t)source;
	resolve.key = (char *)(uintptr_t)key;
	resolve.has_at_seq = cli->as_of > 0;
	resolve.at_seq = cli->as_of;
	status = cli_ask(cli, &op, &result);
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(
		        &cli->err, CADRE_INVALID_PARAMETER,
		        "--remove: \"%.200s\" has no key or model \"%.200s\"", source,
		        key);
	if (status == CADRE_OK)
		*ret_model = result->resolve->model_id;
	return status;
}

static enum cadre_status removal_list(struct cli *cli, const char *source,
                                      json_t **ret_list)
{
	json_t *list = json_array();
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < cli->given_count && status == CADRE_OK; i++) {
		const char *text = cli->given[i].value;
		const char *model = NULL;

		if (cli->given[i].option != CLI_REMOVE)
			continue;
		status = look_key_up(cli, source, text, &model);
		if (status == CADRE_OK)
			json_array_append_new(
			        list, member_json(strcmp(text, model) == 0 ? NULL : text,
			                          model));
	}
	if (status != CADRE_OK || json_array_size(list) == 0) {
		json_decref(list);
		list = NULL;
	}
	*ret_list = list;
	return status;
}

static void add_item(json_t *items, const char *operation, json_t *values)
{
	json_t *item;

	if (!values)
		return;
	item = json_object();
	json_object_set_new(item, "operation", json_string(operation));
	json_object_set_new(item, "values", values);
	json_array_append_new(items, item);
}

enum cadre_status cli_patch_items(struct cli *cli, const char *source, json_t **ret_items)
{
	json_t *removed = NULL;
	json_t *inserted = NULL;
	json_t *items;
	enum cadre_status status = removal_list(cli, source, &removed);

	*ret_items = NULL;
	if (status == CADRE_OK)
		status = cli_member_list(cli, CLI_INSERT, &inserted);
	if (status != CADRE_OK || (!removed && !inserted)) {
		json_decref(removed);
		json_decref(inserted);
		return status;
	}
	items = json_array();
	add_item(items, "REMOVE", removed);
	add_item(items, "INSERT", inserted);
	*ret_items = items;
	return CADRE_OK;
}
