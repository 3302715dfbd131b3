/* status: role, positions, alarms, nodes. */
#include <inttypes.h>
#include <string.h>

#include "replica/node/alarms.h"
#include "tools/cadre/cli.h"
#include "tools/common/json_message.h"

static void print_position(const Cadre__V1__StatusResult *status)
{
	char time[32];

	printf("%s of cluster \"%s\"\n", status->role, status->cluster_name);
	if (status->node_id[0])
		printf("  node         %s\n", status->node_id);
	if (status->version)
		printf("  version      %s\n", status->version);
	printf("  epoch        %" PRIu64 "\n", status->epoch);
	printf("  durable      %" PRIu64 "\n", status->durable_seq);
	printf("  committed    %" PRIu64 "\n", status->committed_seq);
	printf("  applied      %" PRIu64 "\n", status->applied_seq);
	if (status->has_lag_events && status->lag_events > 0)
		printf("  behind       %" PRIu64 " events, %" PRIu64 " ms\n",
		       status->lag_events, status->lag_ms);
	printf("  settled to   %s\n", cli_time(status->watermark_ms, time));
	if (status->leader_address && status->leader_address[0])
		printf("  leader       %s\n", status->leader_address);
	printf("  chain        %s\n  digest       %s\n", status->chain, status->digest);
	if (status->security)
		printf("  security     %s\n", status->security);
}

static void print_alarms(const struct cli *cli, const Cadre__V1__StatusResult *status)
{
	if (status->n_alarms == 0)
		puts("  alarms       none");
	for (size_t i = 0; i < status->n_alarms; i++) {
		const struct cadre_alarm_row *row = cadre_alarm_find(status->alarms[i]);

		printf("  alarm        %s%s%s\n", cadre_colour(stdout, CADRE_RED),
		       status->alarms[i], cadre_colour(stdout, CADRE_PLAIN));
		if (cli_has(cli, CLI_EXPLAIN) && row)
			printf("               %s\n               -> %s\n", row->meaning,
			       row->remedy);
	}
}

static void print_nodes(const Cadre__V1__StatusResult *status)
{
	static const char *const titles[] = { "NODE",   "HEARD",  "SEQ",
		                              "BEHIND", "DIGEST", "ADDRESS" };
	struct cadre_table table;

	if (status->n_nodes == 0)
		return;
	puts("");
	cadre_table_init(&table, 6, 1u << 2 | 1u << 3, titles);
	for (size_t i = 0; i < status->n_nodes; i++) {
		const Cadre__V1__NodeReport *node = status->nodes[i];

		cadre_table_cell(&table, "%s",
		                 node->name && *node->name ? node->name : node->node_id);
		cadre_table_cell(&table, "%s", node->connected ? "connected" : "silent");
		cadre_table_cell(&table, "%" PRIu64, node->applied_seq);
		cadre_table_cell(&table, "%" PRIu64, node->lag_events);
		cadre_table_cell(&table, "%s",
		                 node->digest_state ? node->digest_state : "");
		cadre_table_cell(&table, "%s", node->address ? node->address : "");
	}
	cadre_table_print(&table, stdout);
	cadre_table_fini(&table);
}

/* Every alarm there is: scripts and people learn the names before they need them. */
static void put_explanations(struct cadre_json *json)
{
	cadre_json_key(json, "explanations");
	cadre_json_begin(json, '[');
	for (size_t i = 0; i < CADRE_ALARM_COUNT; i++) {
		cadre_json_begin(json, '{');
		cadre_json_key_text(json, "alarm", cadre_alarms[i].name);
		cadre_json_key_text(json, "meaning", cadre_alarms[i].meaning);
		cadre_json_key_text(json, "remedy", cadre_alarms[i].remedy);
		cadre_json_end(json, '}');
	}
	cadre_json_end(json, ']');
}

static enum cadre_status print_json(struct cli *cli,
                                    const Cadre__V1__StatusResult *status)
{
	struct cadre_json json = { 0 };
	enum cadre_status outcome;

	cadre_json_begin(&json, '{');
	cadre_json_key(&json, "status");
	outcome = cadre_json_put_message(&json, &status->base, &cli->err);
	if (cli_has(cli, CLI_EXPLAIN))
		put_explanations(&json);
	cadre_json_end(&json, '}');
	if (outcome == CADRE_OK)
		cli_print_json(&json);
	cadre_json_fini(&json);
	return outcome;
}

enum cadre_status cli_status(struct cli *cli)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__StatusQuery query = CADRE__V1__STATUS_QUERY__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_STATUS;
	op.status = &query;
	status = cli_ask(cli, &op, &result);
	if (status != CADRE_OK)
		return status;
	if (cli->mode == CADRE_OUTPUT_JSON)
		return print_json(cli, result->node_status);
	if (cli->mode == CADRE_OUTPUT_QUIET) {
		printf("%" PRIu64 "\n", result->node_status->applied_seq);
		return CADRE_OK;
	}
	print_position(result->node_status);
	print_alarms(cli, result->node_status);
	print_nodes(result->node_status);
	return CADRE_OK;
}
