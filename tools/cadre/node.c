/* node list, show, retire. */
#include <inttypes.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/json_message.h"

static enum cadre_status ask_status(struct cli *cli,
                                    const Cadre__V1__StatusResult **ret_status)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__StatusQuery query = CADRE__V1__STATUS_QUERY__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_STATUS;
	op.status = &query;
	status = cli_ask(cli, &op, &result);
	if (status == CADRE_OK)
		*ret_status = result->node_status;
	return status;
}

/* What the node last told the leader; NULL when nothing was heard. */
static const Cadre__V1__NodeReport *report_of(const Cadre__V1__StatusResult *status,
                                              const char *node_id)
{
	for (size_t i = 0; i < status->n_nodes; i++)
		if (strcmp(status->nodes[i]->node_id, node_id) == 0)
			return status->nodes[i];
	return NULL;
}

struct listing {
	const Cadre__V1__StatusResult *status;
	struct cadre_table table;
	struct cadre_json json;
	uint64_t rows;
};

static void put_report(struct cadre_json *json, const Cadre__V1__NodeReport *report)
{
	if (!report)
		return;
	cadre_json_key_bool(json, "connected", report->connected);
	cadre_json_key_u64(json, "appliedSeq", report->applied_seq);
	cadre_json_key_u64(json, "lagEvents", report->lag_events);
	cadre_json_key_u64(json, "lagMs", report->lag_ms);
	cadre_json_key_u64(json, "ageMs", report->age_ms);
	cadre_json_key_text(json, "digestState", report->digest_state);
}

static void put_node(struct cadre_json *json, const Cadre__V1__Resource *resource,
                     const Cadre__V1__NodeReport *report)
{
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "id", resource->ocid);
	cadre_json_key_text(json, "displayName", resource->display_name);
	cadre_json_key_text(json, "lifecycleState",
	                    cli_state_name(resource->lifecycle_state));
	cadre_json_key_text(json, "address", resource->node->address);
	cadre_json_key(json, "labels");
	cadre_json_begin(json, '{');
	for (size_t i = 0; i < resource->node->n_labels; i++)
		cadre_json_key_text(json, resource->node->labels[i]->name,
		                    resource->node->labels[i]->value);
	cadre_json_end(json, '}');
	put_report(json, report);
	cadre_json_end(json, '}');
}

static enum cadre_status add_row(struct cli *cli, void *ctx,
                                 const Cadre__V1__ResourceInfo *info)
{
	struct listing *listing = ctx;
	const Cadre__V1__Resource *resource = info->resource;
	const Cadre__V1__NodeReport *report = report_of(listing->status, resource->ocid);

	listing->rows++;
	if (cli->mode == CADRE_OUTPUT_QUIET)
		puts(resource->ocid);
	put_node(&listing->json, resource, report);
	cadre_table_cell(&listing->table, "%s", cli_name_of(info));
	cadre_table_cell(&listing->table, "%s",
	                 cli_state_name(resource->lifecycle_state));
	cadre_table_cell(&listing->table, "%s",
	                 !report             ? "not heard of"
	                 : report->connected ? "connected"
	                                     : "silent");
	if (report) {
		cadre_table_cell(&listing->table, "%" PRIu64, report->applied_seq);
		cadre_table_cell(&listing->table, "%" PRIu64, report->lag_events);
	} else {
		cadre_table_cell(&listing->table, "%s", "-");
		cadre_table_cell(&listing->table, "%s", "-");
	}
	cadre_table_cell(&listing->table, "%s",
	                 resource->node->address ? resource->node->address : "");
	cadre_table_cell(&listing->table, "%s", resource->ocid);
	return CADRE_OK;
}

enum cadre_status cli_node_list(struct cli *cli)
{
	static const char *const titles[] = { "NAME", "STATE",   "HEARD", "SEQ",
		                              "LAG",  "ADDRESS", "ID" };
	Cadre__V1__ListResources filter = CADRE__V1__LIST_RESOURCES__INIT;
	struct listing listing = { 0 };
	enum cadre_status status = ask_status(cli, &listing.status);

	if (status != CADRE_OK)
		return status;
	filter.kind = CADRE__V1__KIND__KIND_NODE;
	cadre_table_init(&listing.table, 7, 1u << 3 | 1u << 4, titles);
	cadre_json_begin(&listing.json, '{');
	cadre_json_key(&listing.json, "nodes");
	cadre_json_begin(&listing.json, '[');
	status = cli_each(cli, &filter, add_row, &listing);
	cadre_json_end(&listing.json, ']');
	cadre_json_end(&listing.json, '}');
	if (status == CADRE_OK && cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&listing.json);
	if (status == CADRE_OK && cli->mode == CADRE_OUTPUT_TEXT && listing.rows > 0)
		cadre_table_print(&listing.table, stdout);
	if (status == CADRE_OK)
		cli_note(cli, "%" PRIu64 " registered nodes", listing.rows);
	cadre_table_fini(&listing.table);
	cadre_json_fini(&listing.json);
	return status;
}

/* ---- show ---- */

static void show_members(const Cadre__V1__NodeReport *report)
{
	static const char *const titles[] = { "DEPLOYMENT", "KEY", "STATE", "MODEL" };
	struct cadre_table table;

	if (report->n_members == 0)
		return;
	puts("");
	cadre_table_init(&table, 4, 0, titles);
	for (size_t i = 0; i < report->n_members; i++) {
		const Cadre__V1__MemberReport *member = report->members[i];

		cadre_table_cell(&table, "%s", member->deployment_id);
		cadre_table_cell(&table, "%s",
		                 member->inference_key ? member->inference_key : "");
		cadre_table_cell(&table, "%s", cli_member_state_name(member->state));
		cadre_table_cell(&table, "%s", member->model_id);
	}
	cadre_table_print(&table, stdout);
	cadre_table_fini(&table);
}

static enum cadre_status show_json(struct cli *cli, const Cadre__V1__ResourceInfo *node,
                                   const Cadre__V1__NodeReport *report)
{
	struct cadre_json json = { 0 };
	enum cadre_status status = CADRE_OK;

	cadre_json_begin(&json, '{');
	cadre_json_key(&json, "node");
	put_node(&json, node->resource, report);
	if (report) {
		cadre_json_key(&json, "report");
		status = cadre_json_put_message(&json, &report->base, &cli->err);
	}
	cadre_json_end(&json, '}');
	if (status == CADRE_OK)
		cli_print_json(&json);
	cadre_json_fini(&json);
	return status;
}

enum cadre_status cli_node_show(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *node = NULL;
	const Cadre__V1__StatusResult *cluster = NULL;
	const Cadre__V1__NodeReport *report;
	enum cadre_status status = cli_find(cli, cli->words[0], CLI_K_NODE, &node);

	if (status == CADRE_OK)
		status = ask_status(cli, &cluster);
	if (status != CADRE_OK)
		return status;
	report = report_of(cluster, node->resource->ocid);
	if (cli->mode == CADRE_OUTPUT_JSON)
		return show_json(cli, node, report);
	status = cli_show(cli, node);
	if (status != CADRE_OK || cli->mode != CADRE_OUTPUT_TEXT)
		return status;
	if (!report) {
		cli_note(cli, "this node was not heard of since the leader started");
		return CADRE_OK;
	}
	printf("  %-14s %s, applied %" PRIu64 ", %" PRIu64 " events behind\n", "report",
	       report->connected ? "connected" : "silent", report->applied_seq,
	       report->lag_events);
	show_members(report);
	return CADRE_OK;
}

enum cadre_status cli_node_retire(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *node = NULL;
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_RETIRE_NODE);
	Cadre__V1__RetireNode *retire = cli_alloc(cli, sizeof(*retire));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = cli_find(cli, cli->words[0], CLI_K_NODE, &node);
	if (status != CADRE_OK)
		return status;
	cadre__v1__retire_node__init(retire);
	retire->node_id = node->resource->ocid;
	command->retire_node = retire;
	return cli_submit(cli, command, "node");
}
