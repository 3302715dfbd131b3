/* The versions of a history, newest first, and what each came from. */
#include "tools/gateway/operations.h"

static void put_version(struct cadre_json *json, const Cadre__V1__HistoryLogEntry *entry)
{
	const Cadre__V1__ResourceInfo *info = entry->group;
	const Cadre__V1__Resource *group = info->resource;
	const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value(
	        &cadre__v1__lifecycle_state__descriptor, (int)group->lifecycle_state);

	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "id", group->ocid);
	cadre_json_key_text(json, "displayName", group->display_name);
	cadre_json_key_u64(json, "versionId", group->group->version_id);
	if (group->group->version_label)
		cadre_json_key_text(json, "versionLabel", group->group->version_label);
	if (info->source_group_id)
		cadre_json_key_text(json, "sourceModelGroupId", info->source_group_id);
	cadre_json_key_bool(json, "patched", group->group->patched);
	cadre_json_key_text(json, "lifecycleState", state ? state->name : "?");
	cadre_json_key_time(json, "timeCreated", group->time_created_ms);
	if (entry->actor)
		cadre_json_key_text(json, "actor", entry->actor->principal);
	cadre_json_key_u64(json, "members", group->group->member_count);
	cadre_json_key_u64(json, "added", entry->added);
	cadre_json_key_u64(json, "removed", entry->removed);
	cadre_json_key_u64(json, "rekeyed", entry->rekeyed);
	cadre_json_key_bool(json, "latest", entry->latest);
	cadre_json_key_u64(json, "deployments", entry->deployments);
	cadre_json_end(json, '}');
}

static void put(struct cadre_json *json, const Cadre__V1__HistoryLogResult *log)
{
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "id", log->history->resource->ocid);
	cadre_json_key_text(json, "displayName", log->history->resource->display_name);
	cadre_json_key(json, "versions");
	cadre_json_begin(json, '[');
	for (size_t i = 0; i < log->n_entries; i++)
		put_version(json, log->entries[i]);
	cadre_json_end(json, ']');
	cadre_json_end(json, '}');
}

enum cadre_status gateway_history_graph(struct gateway_request *request)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__HistoryLog query = CADRE__V1__HISTORY_LOG__INIT;
	const Cadre__V1__Result *result = NULL;
	const Cadre__V1__HistoryLogResult *log;
	uint64_t limit = 0;
	enum cadre_status status = gateway_query_number(request, "limit", 100, 1, 1000,
	                                                &limit);

	if (status == CADRE_OK)
		status = gateway_query_number(request, "page", 0, 1, UINT64_MAX,
		                              &query.before_version);
	if (status != CADRE_OK)
		return status;
	query.has_before_version = query.before_version > 0;
	query.has_limit = true;
	query.limit = (uint32_t)limit;
	query.history = (char *)(uintptr_t)request->ids[0];
	op.body_case = CADRE__V1__OP__BODY_HISTORY_LOG;
	op.history_log = &query;
	status = gateway_ask_one(request, &op, &result);
	if (status != CADRE_OK)
		return status;
	log = result->history_log;
	if (log->more && log->n_entries > 0)
		gateway_answer_header(
		        request, "opc-next-page",
		        gateway_text(request, "%llu",
		                     (unsigned long long)log->entries[log->n_entries - 1]
		                             ->group->resource->group->version_id));
	put(gateway_answer_json(request, 200), log);
	return CADRE_OK;
}
