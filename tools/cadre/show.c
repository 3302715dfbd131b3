/* One resource, for people or as OCI returns it. */
#include <inttypes.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "tools/cadre/cli.h"
#include "tools/common/oci_write.h"

static void line(const char *name, const char *value)
{
	if (value && *value)
		printf("  %-14s %s\n", name, value);
}

static void line_u64(const char *name, uint64_t value)
{
	printf("  %-14s %" PRIu64 "\n", name, value);
}

static void line_artifact(const Cadre__V1__Artifact *artifact)
{
	char hex[65];
	char size[32];

	if (artifact->sha256.len != 32)
		return;
	cadre_hex_encode(artifact->sha256.data, 32, hex);
	printf("  %-14s sha256:%s, %s\n", "artifact", hex,
	       cadre_bytes_text(artifact->bytes, size));
}

static const char *group_type_name(Cadre__V1__GroupType type)
{
	static const char *const names[] = { "?", "HOMOGENEOUS", "HETEROGENEOUS",
		                             "STACKED" };

	return type >= 1 && type <= 3 ? names[type] : names[0];
}

static void show_group(const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__GroupState *group = info->resource->group;

	line("type", group_type_name(group->type));
	line("base model", group->base_model_id);
	line("history", info->history_name ? info->history_name : info->history_id);
	line_u64("version", group->version_id);
	line("label", group->version_label);
	line("source", info->source_group_id);
	line_u64("deployments", group->deployments);
	line_u64("members", group->member_count);
	if (group->artifact)
		line_artifact(group->artifact);
}

static void show_deployment(const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__DeploymentState *deployment = info->resource->deployment;

	line("target", info->target_group_id);
	line_u64("generation", deployment->generation);
	line("serving", info->serving_group_id ? info->serving_group_id : "nothing yet");
	if (info->serving_group_id)
		line_u64("  generation", deployment->serving_generation);
	for (size_t i = 0; i < deployment->n_nodes; i++)
		line("node", deployment->nodes[i]);
}

static void show_model(const Cadre__V1__ModelState *model)
{
	char hex[65] = "";
	char bytes[32];

	if (model->artifact_sha256.len == 32)
		cadre_hex_encode(model->artifact_sha256.data, 32, hex);
	line("framework", model->framework);
	line("artifact", model->artifact_uri);
	line("sha256", hex);
	if (model->has_artifact_bytes)
		line("size", cadre_bytes_text(model->artifact_bytes, bytes));
}

static void show_detail(const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__Resource *resource = info->resource;

	switch ((int)resource->detail_case) {
	case CADRE__V1__RESOURCE__DETAIL_GROUP:
		show_group(info);
		break;
	case CADRE__V1__RESOURCE__DETAIL_HISTORY:
		line("latest",
		     info->latest_group_id ? info->latest_group_id : "none: it is empty");
		line_u64("versions", resource->history->last_version_id);
		line_u64("live groups", resource->history->live_groups);
		break;
	case CADRE__V1__RESOURCE__DETAIL_DEPLOYMENT:
		show_deployment(info);
		break;
	case CADRE__V1__RESOURCE__DETAIL_MODEL:
		show_model(resource->model);
		break;
	case CADRE__V1__RESOURCE__DETAIL_NODE:
		line("address", resource->node->address);
		for (size_t i = 0; i < resource->node->n_labels; i++)
			printf("  %-14s %s=%s\n", "label",
			       resource->node->labels[i]->name,
			       resource->node->labels[i]->value);
		break;
	default:
		break;
	}
}

static void show_attributes(const Cadre__V1__Attributes *attributes)
{
	for (size_t i = 0; attributes && i < attributes->n_custom_metadata_list; i++) {
		const Cadre__V1__CustomMetadata *entry =
		        attributes->custom_metadata_list[i];

		printf("  %-14s %s%s%s = %s\n", "metadata",
		       entry->category ? entry->category : "", entry->category ? ":" : "",
		       entry->key ? entry->key : "", entry->value ? entry->value : "");
	}
	for (size_t i = 0; attributes && attributes->freeform_tags &&
	                   i < attributes->freeform_tags->n_tags;
	     i++)
		printf("  %-14s %s = %s\n", "tag",
		       attributes->freeform_tags->tags[i]->key,
		       attributes->freeform_tags->tags[i]->value);
}

static void show_members(const Cadre__V1__ResourceInfo *info)
{
	static const char *const titles[] = { "KEY", "MODEL" };
	struct cadre_table table;

	if (info->n_members == 0)
		return;
	puts("");
	cadre_table_init(&table, 2, 0, titles);
	for (size_t i = 0; i < info->n_members; i++) {
		const Cadre__V1__Member *member = info->members[i];

		cadre_table_cell(&table, "%s",
		                 member->inference_key ? member->inference_key : "");
		cadre_table_cell(&table, "%s", member->model_id);
	}
	cadre_table_print(&table, stdout);
	cadre_table_fini(&table);
}

enum cadre_status cli_show(struct cli *cli, const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__Resource *resource = info->resource;
	struct cadre_json json = { 0 };
	char time[32];

	if (cli->mode == CADRE_OUTPUT_QUIET) {
		puts(resource->ocid);
		return CADRE_OK;
	}
	if (cli->mode == CADRE_OUTPUT_JSON) {
		cadre_oci_put_resource(&json, info);
		cli_print_json(&json);
		cadre_json_fini(&json);
		return CADRE_OK;
	}
	printf("%s %s\n", cli_kind_name(resource->kind), cli_name_of(info));
	line("id", resource->ocid);
	line("state", cli_state_name(resource->lifecycle_state));
	line("details", resource->lifecycle_details);
	line("description", resource->description);
	line("compartment", resource->compartment_id);
	line("project", resource->project_id);
	show_detail(info);
	show_attributes(info->attributes);
	line("created", cli_time(resource->time_created_ms, time));
	line("by", resource->created_by);
	line("changed", cli_time(resource->time_updated_ms, time));
	line("etag", info->etag);
	show_members(info);
	return CADRE_OK;
}
