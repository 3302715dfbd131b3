/* Model groups and version histories. */
#include "tools/common/oci_read.h"

#define GROUP_PREFIX "ocid1.datasciencemodelgroup."
#define HISTORY_PREFIX "ocid1.dscmodelgroupversionhistory."

static int enum_value(struct oci_reader *reader, const struct oci_at *at,
                      const char *field, const char *name,
                      const ProtobufCEnumDescriptor *type)
{
	if (!name)
		return 0;
	for (unsigned i = 0; i < type->n_values; i++)
		if (strcmp(type->values[i].name, name) == 0)
			return type->values[i].value;
	oci_fail(reader, at, field, CADRE_INVALID_PARAMETER,
	         type->n_values == 3 ? "\"%.64s\" is none of %s, %s, %s"
	                             : "\"%.64s\" is none of %s, %s",
	         name, type->values[0].name, type->values[1].name,
	         type->n_values == 3 ? type->values[2].name : "");
	return 0;
}

static Cadre__V1__Member *read_member(struct oci_reader *reader,
                                      const struct oci_at *list, size_t index)
{
	struct oci_at at = oci_element(reader, list, index);
	Cadre__V1__Member *member = oci_alloc(reader, sizeof(*member));

	if (!member || !oci_present(&at))
		return NULL;
	cadre__v1__member__init(member);
	member->model_id = oci_required_text(reader, &at, "modelId", NULL);
	member->inference_key = oci_text(reader, &at, "inferenceKey");
	return member;
}

static Cadre__V1__Member **read_members(struct oci_reader *reader,
                                        const struct oci_at *at, const char *field,
                                        size_t *ret_count)
{
	struct oci_at list = oci_array(reader, at, field);
	size_t count = json_array_size(list.value);
	Cadre__V1__Member **members;

	*ret_count = 0;
	members = oci_alloc(reader, count * sizeof(*members));
	for (size_t i = 0; i < count && reader->status == CADRE_OK; i++) {
		members[i] = read_member(reader, &list, i);
		*ret_count = i + 1;
	}
	return members;
}

Cadre__V1__CustomMetadata **oci_metadata(struct oci_reader *reader,
                                         const struct oci_at *at, size_t *ret_count)
{
	struct oci_at list = oci_array(reader, at, "customMetadataList");
	size_t count = json_array_size(list.value);
	Cadre__V1__CustomMetadata **entries;

	*ret_count = 0;
	entries = oci_alloc(reader, count * sizeof(*entries));
	for (size_t i = 0; i < count && reader->status == CADRE_OK; i++) {
		struct oci_at entry = oci_element(reader, &list, i);

		entries[i] = oci_alloc(reader, sizeof(*entries[i]));
		if (!entries[i])
			break;
		cadre__v1__custom_metadata__init(entries[i]);
		entries[i]->key = oci_text(reader, &entry, "key");
		entries[i]->value = oci_text(reader, &entry, "value");
		entries[i]->description = oci_text(reader, &entry, "description");
		entries[i]->category = oci_text(reader, &entry, "category");
		*ret_count = i + 1;
	}
	return entries;
}

/* NULL when the body has none and there is no default type. */
static Cadre__V1__GroupDetails *read_details(struct oci_reader *reader,
                                             const struct oci_at *body,
                                             const char *type_default)
{
	struct oci_at at = oci_object(reader, body, "modelGroupDetails");
	Cadre__V1__GroupDetails *details;
	char *type;

	if (!oci_present(&at) && !type_default)
		return NULL;
	details = oci_alloc(reader, sizeof(*details));
	if (!details)
		return NULL;
	cadre__v1__group_details__init(details);
	type = oci_required_text(reader, &at, "type", type_default);
	details->type = (Cadre__V1__GroupType)enum_value(
	        reader, &at, "type", type, &cadre__v1__group_type__descriptor);
	details->base_model_id = oci_text(reader, &at, "baseModelId");
	details->custom_metadata_list = oci_metadata(reader, &at,
	                                             &details->n_custom_metadata_list);
	return details;
}

static void read_create(struct oci_reader *reader, const struct oci_at *body,
                        const struct cadre_oci_defaults *defaults,
                        Cadre__V1__Command *command)
{
	Cadre__V1__CreateGroup *group = oci_alloc(reader, sizeof(*group));
	struct oci_at entries = oci_object(reader, body, "memberModelEntries");

	if (!group)
		return;
	cadre__v1__create_group__init(group);
	oci_require(reader, body, "memberModelEntries");
	group->compartment_id = oci_required_text(reader, body, "compartmentId",
	                                          defaults->compartment_id);
	group->project_id = oci_required_text(reader, body, "projectId",
	                                      defaults->project_id);
	group->display_name = oci_text(reader, body, "displayName");
	if (!group->display_name && defaults->display_name)
		group->display_name = oci_copy(reader, defaults->display_name);
	group->description = oci_text(reader, body, "description");
	group->model_group_details = read_details(reader, body, defaults->type);
	oci_require(reader, body,
	            group->model_group_details ? "memberModelEntries"
	                                       : "modelGroupDetails");
	group->members = read_members(reader, &entries, "memberModelDetails",
	                              &group->n_members);
	group->model_group_version_history_id = oci_text(reader, body,
	                                                 "modelGroupVersionHistoryId");
	if (!group->model_group_version_history_id && defaults->history)
		group->model_group_version_history_id = oci_copy(reader,
		                                                 defaults->history);
	group->version_label = oci_text(reader, body, "versionLabel");
	group->freeform_tags = oci_freeform_tags(reader, body);
	group->defined_tags = oci_defined_tags(reader, body);
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_GROUP;
	command->create_group = group;
}

static Cadre__V1__GroupOverrides *read_overrides(struct oci_reader *reader,
                                                 const struct oci_at *source,
                                                 const char *display_name)
{
	struct oci_at at = oci_object(reader, source, "modifyModelGroupDetails");
	Cadre__V1__GroupOverrides *overrides;

	if (!oci_present(&at) && !display_name)
		return NULL;
	overrides = oci_alloc(reader, sizeof(*overrides));
	if (!overrides)
		return NULL;
	cadre__v1__group_overrides__init(overrides);
	overrides->display_name = oci_text(reader, &at, "displayName");
	if (!overrides->display_name && display_name)
		overrides->display_name = oci_copy(reader, display_name);
	overrides->description = oci_text(reader, &at, "description");
	overrides->model_group_details = read_details(reader, &at, NULL);
	overrides->model_group_version_history_id =
	        oci_text(reader, &at, "modelGroupVersionHistoryId");
	overrides->version_label = oci_text(reader, &at, "versionLabel");
	overrides->freeform_tags = oci_freeform_tags(reader, &at);
	overrides->defined_tags = oci_defined_tags(reader, &at);
	return overrides;
}

static void read_patch(struct oci_reader *reader, const struct oci_at *source,
                       Cadre__V1__CloneGroup *clone)
{
	struct oci_at at = oci_object(reader, source,
	                              "patchModelGroupMemberModelDetails");
	struct oci_at items = oci_array(reader, &at, "items");
	size_t count = json_array_size(items.value);

	clone->patch = oci_alloc(reader, count * sizeof(*clone->patch));
	for (size_t i = 0; i < count && reader->status == CADRE_OK; i++) {
		struct oci_at item = oci_element(reader, &items, i);
		Cadre__V1__PatchInstruction *instruction =
		        oci_alloc(reader, sizeof(*instruction));
		char *operation = oci_required_text(reader, &item, "operation", NULL);

		if (!instruction)
			return;
		cadre__v1__patch_instruction__init(instruction);
		instruction->operation = (Cadre__V1__PatchOperation)enum_value(
		        reader, &item, "operation", operation,
		        &cadre__v1__patch_operation__descriptor);
		oci_require(reader, &item, "values");
		instruction->values = read_members(reader, &item, "values",
		                                   &instruction->n_values);
		clone->patch[i] = instruction;
		clone->n_patch = i + 1;
	}
}

/* The discriminator must not contradict the kind that an OCID names. */
static void check_source(struct oci_reader *reader, const struct oci_at *source,
                         const char *type, const char *id)
{
	bool history = type && strcmp(type, "MODEL_GROUP_VERSION_HISTORY") == 0;
	const char *other = history ? GROUP_PREFIX : HISTORY_PREFIX;

	if (!type || !id)
		return;
	if (!history && strcmp(type, "MODEL_GROUP") != 0)
		oci_fail(reader, source, "modelGroupCloneSourceType",
		         CADRE_INVALID_PARAMETER,
		         "\"%.64s\" is none of MODEL_GROUP, MODEL_GROUP_VERSION_HISTORY",
		         type);
	if (strncmp(id, other, strlen(other)) == 0)
		oci_fail(reader, source, "sourceId", CADRE_INVALID_PARAMETER,
		         "\"%.200s\" is not a %s", id, type);
}

static void read_clone(struct oci_reader *reader, const struct oci_at *body,
                       const struct cadre_oci_defaults *defaults, bool lenient,
                       Cadre__V1__Command *command)
{
	struct oci_at source = oci_object(reader, body, "modelGroupCloneSourceDetails");
	Cadre__V1__CloneGroup *clone = oci_alloc(reader, sizeof(*clone));
	char *type;

	if (!clone)
		return;
	cadre__v1__clone_group__init(clone);
	if (!oci_present(&source) && lenient)
		source = *body;
	else
		oci_require(reader, body, "modelGroupCloneSourceDetails");
	clone->compartment_id = oci_required_text(reader, body, "compartmentId",
	                                          defaults->compartment_id);
	clone->project_id = oci_required_text(reader, body, "projectId",
	                                      defaults->project_id);
	type = oci_required_text(reader, &source, "modelGroupCloneSourceType",
	                         lenient ? "MODEL_GROUP_VERSION_HISTORY" : NULL);
	clone->source_id = oci_required_text(reader, &source, "sourceId",
	                                     defaults->history);
	if (json_object_get(source.value, "modelGroupCloneSourceType"))
		check_source(reader, &source, type, clone->source_id);
	clone->overrides = read_overrides(reader, &source, defaults->display_name);
	read_patch(reader, &source, clone);
	command->body_case = CADRE__V1__COMMAND__BODY_CLONE_GROUP;
	command->clone_group = clone;
}

static bool has(const json_t *body, const char *field)
{
	return json_object_get(body, field) != NULL;
}

enum cadre_oci_body cadre_oci_guess(const json_t *body)
{
	if (has(body, "modelDeploymentConfigurationDetails"))
		return CADRE_OCI_CREATE_DEPLOYMENT;
	if (has(body, "createType") || has(body, "memberModelEntries") ||
	    has(body, "modelGroupCloneSourceDetails") ||
	    has(body, "modelGroupCloneSourceType") ||
	    has(body, "patchModelGroupMemberModelDetails") ||
	    has(body, "modelGroupDetails"))
		return CADRE_OCI_CREATE_GROUP;
	if (has(body, "latestModelGroupId") ||
	    (has(body, "displayName") && has(body, "compartmentId")))
		return CADRE_OCI_CREATE_HISTORY;
	return CADRE_OCI_UNKNOWN;
}

static const char *guess_create_type(const json_t *body)
{
	bool clone = has(body, "modelGroupCloneSourceDetails") ||
	             has(body, "modelGroupCloneSourceType") ||
	             has(body, "patchModelGroupMemberModelDetails");

	return clone ? "CLONE" : "CREATE";
}

enum cadre_status cadre_oci_create_group(const json_t *body,
                                         const struct cadre_oci_defaults *defaults,
                                         struct cadre_arena *arena,
                                         Cadre__V1__Command *command,
                                         struct cadre_error *err)
{
	static const struct cadre_oci_defaults none = { 0 };
	struct oci_reader reader = { .arena = arena, .err = err };
	struct oci_at at = { .value = body };
	const char *type;

	cadre__v1__command__init(command);
	if (!json_is_object(body))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "the body is not an object");
	type = oci_required_text(&reader, &at, "createType",
	                         defaults ? guess_create_type(body) : NULL);
	if (!type)
		return reader.status;
	if (strcmp(type, "CREATE") == 0)
		read_create(&reader, &at, defaults ? defaults : &none, command);
	else if (strcmp(type, "CLONE") == 0)
		read_clone(&reader, &at, defaults ? defaults : &none, defaults != NULL,
		           command);
	else
		oci_fail(&reader, &at, "createType", CADRE_INVALID_PARAMETER,
		         "\"%.64s\" is none of CREATE, CLONE", type);
	return reader.status;
}

enum cadre_status cadre_oci_create_history(const json_t *body,
                                           const struct cadre_oci_defaults *defaults,
                                           struct cadre_arena *arena,
                                           Cadre__V1__Command *command,
                                           struct cadre_error *err)
{
	static const struct cadre_oci_defaults none = { 0 };
	struct oci_reader reader = { .arena = arena, .err = err };
	struct oci_at at = { .value = body };
	Cadre__V1__CreateHistory *history = oci_alloc(&reader, sizeof(*history));

	cadre__v1__command__init(command);
	if (!history)
		return reader.status;
	if (!defaults)
		defaults = &none;
	cadre__v1__create_history__init(history);
	history->compartment_id = oci_required_text(&reader, &at, "compartmentId",
	                                            defaults->compartment_id);
	history->project_id = oci_required_text(&reader, &at, "projectId",
	                                        defaults->project_id);
	history->display_name = oci_text(&reader, &at, "displayName");
	if (!history->display_name && defaults->display_name)
		history->display_name = oci_copy(&reader, defaults->display_name);
	history->description = oci_text(&reader, &at, "description");
	history->latest_model_group_id = oci_text(&reader, &at, "latestModelGroupId");
	history->freeform_tags = oci_freeform_tags(&reader, &at);
	history->defined_tags = oci_defined_tags(&reader, &at);
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_HISTORY;
	command->create_history = history;
	return reader.status;
}

enum cadre_status cadre_oci_update_group(const json_t *body, const char *id,
                                         struct cadre_arena *arena,
                                         Cadre__V1__Command *command,
                                         struct cadre_error *err)
{
	struct oci_reader reader = { .arena = arena, .err = err };
	struct oci_at at = { .value = body };
	Cadre__V1__UpdateGroup *update = oci_alloc(&reader, sizeof(*update));

	cadre__v1__command__init(command);
	if (!update)
		return reader.status;
	cadre__v1__update_group__init(update);
	update->id = oci_copy(&reader, id);
	update->display_name = oci_text(&reader, &at, "displayName");
	update->description = oci_text(&reader, &at, "description");
	update->version_label = oci_text(&reader, &at, "versionLabel");
	update->model_group_version_history_id = oci_text(&reader, &at,
	                                                  "modelGroupVersionHistoryId");
	update->freeform_tags = oci_freeform_tags(&reader, &at);
	update->defined_tags = oci_defined_tags(&reader, &at);
	command->body_case = CADRE__V1__COMMAND__BODY_UPDATE_GROUP;
	command->update_group = update;
	return reader.status;
}

enum cadre_status cadre_oci_update_history(const json_t *body, const char *id,
                                           struct cadre_arena *arena,
                                           Cadre__V1__Command *command,
                                           struct cadre_error *err)
{
	struct oci_reader reader = { .arena = arena, .err = err };
	struct oci_at at = { .value = body };
	Cadre__V1__UpdateHistory *update = oci_alloc(&reader, sizeof(*update));

	cadre__v1__command__init(command);
	if (!update)
		return reader.status;
	cadre__v1__update_history__init(update);
	update->id = oci_copy(&reader, id);
	update->display_name = oci_text(&reader, &at, "displayName");
	update->description = oci_text(&reader, &at, "description");
	update->latest_model_group_id = oci_text(&reader, &at, "latestModelGroupId");
	update->freeform_tags = oci_freeform_tags(&reader, &at);
	update->defined_tags = oci_defined_tags(&reader, &at);
	command->body_case = CADRE__V1__COMMAND__BODY_UPDATE_HISTORY;
	command->update_history = update;
	return reader.status;
}
