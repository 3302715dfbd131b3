#include <inttypes.h>

#include "tools/admin/source.h"
#include "tools/common/json_message.h"

struct members {
	struct cadre_table table;
	struct cadre_json *json;
};

static enum cadre_status add_member(void *ctx, const struct cadre_member *member)
{
	struct members *members = ctx;

	if (members->json) {
		cadre_json_begin(members->json, '{');
		cadre_json_key(members->json, "modelId");
		cadre_json_string(members->json, member->model_id);
		if (member->has_key) {
			cadre_json_key(members->json, "inferenceKey");
			cadre_json_string(members->json, member->key);
		}
		cadre_json_end(members->json, '}');
		return CADRE_OK;
	}
	cadre_table_cell(&members->table, "%.*s",
	                 member->has_key ? (int)member->key.length : 0,
	                 member->has_key ? (const char *)member->key.data : "");
	cadre_table_cell(&members->table, "%.*s", (int)member->model_id.length,
	                 (const char *)member->model_id.data);
	return CADRE_OK;
}

/* OCID of a row that another one names by id; "" when it is gone. */
static const char *ocid_of(struct cadre_view *view, uint64_t id)
{
	Cadre__V1__Resource *resource = NULL;

	return cadre_view_by_id(view, id, &resource, NULL) == CADRE_OK ? resource->ocid
	                                                               : "";
}

static enum cadre_status show_json(struct admin_source *source,
                                   const Cadre__V1__Resource *resource,
                                   struct cadre_error *err)
{
	struct cadre_json json = { 0 };
	struct members members = { .json = &json };
	Cadre__V1__Attributes *attributes = NULL;
	enum cadre_status status;

	cadre_json_begin(&json, '{');
	cadre_json_key(&json, "resource");
	status = cadre_json_put_message(&json, &resource->base, err);
	if (status == CADRE_OK && resource->has_attributes) {
		status = cadre_view_attributes(&source->view, resource->attributes,
		                               &attributes, err);
		cadre_json_key(&json, "attributes");
		if (status == CADRE_OK)
			status = cadre_json_put_message(&json, &attributes->base, err);
	}
	if (status == CADRE_OK &&
	    resource->detail_case == CADRE__V1__RESOURCE__DETAIL_GROUP) {
		cadre_json_key(&json, "members");
		cadre_json_begin(&json, '[');
		status = cadre_view_members(&source->view, resource->group->lineage,
		                            resource->group->lineage_version, NULL,
		                            add_member, &members, err);
		cadre_json_end(&json, ']');
	}
	cadre_json_end(&json, '}');
	if (status == CADRE_OK)
		status = cadre_json_status(&json, err);
	if (status == CADRE_OK)
		admin_print_json(&json);
	cadre_json_fini(&json);
	return status;
}

static void line(const char *label, const char *value)
{
	if (value && *value)
		printf("%-12s %s\n", label, value);
}

static void show_common(const Cadre__V1__Resource *resource)
{
	const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value(
	        &cadre__v1__lifecycle_state__descriptor, (int)resource->lifecycle_state);
	char time[32];

	printf("%-12s %s\n", admin_kind_name(resource->kind), resource->ocid);
	line("name", resource->display_name);
	line("description", resource->description);
	line("state", state ? state->name : "?");
	line("compartment", resource->compartment_id);
	line("project", resource->project_id);
	cadre_time_format(resource->time_created_ms, time);
	line("created", time);
	line("by", resource->created_by);
	printf("%-12s seq %" PRIu64 ", last changed by seq %" PRIu64 "\n", "log",
	       resource->id, resource->changed_seq);
}

static enum cadre_status show_group(struct admin_source *source,
                                    const Cadre__V1__GroupState *group,
                                    struct cadre_error *err)
{
	static const char *const titles[] = { "KEY", "MODEL" };
	struct members members = { 0 };
	const ProtobufCEnumValue *type = protobuf_c_enum_descriptor_get_value(
	        &cadre__v1__group_type__descriptor, (int)group->type);
	enum cadre_status status;

	line("type", type ? type->name : "?");
	line("base model", group->base_model_id);
	printf("%-12s %" PRIu64 "%s%s\n", "version", group->version_id,
	       group->version_label ? " " : "",
	       group->version_label ? group->version_label : "");
	if (group->has_history)
		line("history", ocid_of(&source->view, group->history));
	if (group->has_source_group)
		line(group->patched ? "patched from" : "cloned from",
		     ocid_of(&source->view, group->source_group));
	printf("%-12s %" PRIu32 "\n\n", "members", group->member_count);
	cadre_table_init(&members.table, 2, 0, titles);
	status = cadre_view_members(&source->view, group->lineage, group->lineage_version,
	                            NULL, add_member, &members, err);
	if (status == CADRE_OK)
		cadre_table_print(&members.table, stdout);
	cadre_table_fini(&members.table);
	return status;
}

static enum cadre_status show(struct admin_source *source, const struct admin_args *args,
                              struct cadre_error *err)
{
	Cadre__V1__Resource *resource = NULL;
	enum cadre_status status = admin_find(&source->view, args->compartment,
	                                      args->words[1], ~0u, &resource, err);

	if (status != CADRE_OK)
		return status;
	if (args->mode == CADRE_OUTPUT_JSON)
		return show_json(source, resource, err);
	if (args->mode == CADRE_OUTPUT_QUIET) {
		printf("%s\n", resource->ocid);
		return CADRE_OK;
	}
	show_common(resource);
	if (resource->detail_case == CADRE__V1__RESOURCE__DETAIL_GROUP)
		return show_group(source, resource->group, err);
	if (resource->detail_case == CADRE__V1__RESOURCE__DETAIL_HISTORY) {
		printf("%-12s %" PRIu64 ", %" PRIu32 " live\n", "versions",
		       resource->history->last_version_id,
		       resource->history->live_groups);
		if (resource->history->has_latest_group)
			line("latest",
			     ocid_of(&source->view, resource->history->latest_group));
	}
	if (resource->detail_case == CADRE__V1__RESOURCE__DETAIL_DEPLOYMENT) {
		line("target",
		     ocid_of(&source->view, resource->deployment->target_group));
		if (resource->deployment->has_serving_group)
			line("serving",
			     ocid_of(&source->view, resource->deployment->serving_group));
	}
	return CADRE_OK;
}

int admin_show(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { NULL, NULL, 2, 2 };
	struct admin_args args = { 0 };
	struct admin_source source;
	struct cadre_error err = CADRE_ERROR_INIT;
	int code = 0;

	admin_parse(verb, &syntax, argc, argv, &args);
	if (admin_source_open(&source, args.words[0], &err) != CADRE_OK)
		return admin_fail(&args, &err);
	if (show(&source, &args, &err) != CADRE_OK)
		code = admin_fail(&args, &err);
	admin_source_close(&source);
	return code;
}
