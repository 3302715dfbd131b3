/* policy put, list, remove, check: who may do what. */
#include <inttypes.h>
#include <string.h>

#include "engine/domain/policy.h"
#include "tools/cadre/cli.h"

enum cadre_status cli_policy_put(struct cli *cli)
{
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_PUT_POLICY);
	Cadre__V1__PutPolicy *put = cli_alloc(cli, sizeof(*put));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status != CADRE_OK)
		return status;
	cadre__v1__put_policy__init(put);
	put->name = (char *)(uintptr_t)cli->words[0];
	put->statements = cli_alloc(cli, (cli->given_count + 1) * sizeof(char *));
	for (size_t i = 0; i < cli->given_count; i++)
		if (cli->given[i].option == CLI_STATEMENT)
			put->statements[put->n_statements++] =
			        (char *)(uintptr_t)cli->given[i].value;
	if (put->n_statements == 0)
		return cli_usage(cli, "--statement is missing");
	command->put_policy = put;
	return cli_submit(cli, command, "policy");
}

enum cadre_status cli_policy_remove(struct cli *cli)
{
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_REMOVE_POLICY);
	Cadre__V1__RemovePolicy *gone = cli_alloc(cli, sizeof(*gone));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status != CADRE_OK)
		return status;
	cadre__v1__remove_policy__init(gone);
	gone->name = (char *)(uintptr_t)cli->words[0];
	command->remove_policy = gone;
	return cli_submit(cli, command, "policy");
}

static enum cadre_status each_live(struct cli *cli, Cadre__V1__Kind kind, cli_row_fn fn,
                                   void *ctx)
{
	Cadre__V1__ListResources filter = CADRE__V1__LIST_RESOURCES__INIT;

	filter.kind = kind;
	filter.has_lifecycle_state = true;
	filter.lifecycle_state = CADRE__V1__LIFECYCLE_STATE__ACTIVE;
	return cli_each(cli, &filter, fn, ctx);
}

/* ---- list ---- */

struct listing {
	struct cadre_table table;
	struct cadre_json json;
	uint64_t rows;
};

static enum cadre_status add_row(struct cli *cli, void *ctx,
                                 const Cadre__V1__ResourceInfo *info)
{
	struct listing *listing = ctx;
	const Cadre__V1__PolicyState *state = info->resource->policy;

	listing->rows++;
	if (cli->mode == CADRE_OUTPUT_QUIET)
		puts(info->resource->ocid);
	cadre_json_begin(&listing->json, '{');
	cadre_json_key_text(&listing->json, "name", info->resource->ocid);
	cadre_json_key(&listing->json, "statements");
	cadre_json_begin(&listing->json, '[');
	for (size_t i = 0; i < state->n_statements; i++) {
		cadre_json_text(&listing->json, state->statements[i]);
		cadre_table_cell(&listing->table, "%s",
		                 i == 0 ? info->resource->ocid : "");
		cadre_table_cell(&listing->table, "%s", state->statements[i]);
	}
	cadre_json_end(&listing->json, ']');
	cadre_json_end(&listing->json, '}');
	return CADRE_OK;
}

enum cadre_status cli_policy_list(struct cli *cli)
{
	static const char *const titles[] = { "POLICY", "STATEMENT" };
	struct listing listing = { 0 };
	enum cadre_status status;

	cadre_table_init(&listing.table, 2, 0, titles);
	cadre_json_begin(&listing.json, '{');
	cadre_json_key(&listing.json, "policies");
	cadre_json_begin(&listing.json, '[');
	status = each_live(cli, CADRE__V1__KIND__KIND_POLICY, add_row, &listing);
	cadre_json_end(&listing.json, ']');
	cadre_json_end(&listing.json, '}');
	if (status == CADRE_OK && cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&listing.json);
	if (status == CADRE_OK && cli->mode == CADRE_OUTPUT_TEXT && listing.rows > 0)
		cadre_table_print(&listing.table, stdout);
	if (status == CADRE_OK)
		cli_note(cli, "%" PRIu64 " policies", listing.rows);
	cadre_table_fini(&listing.table);
	cadre_json_fini(&listing.json);
	return status;
}

/* ---- check ---- */

struct checking {
	struct cadre_wish wish;
	const Cadre__V1__Resource *principal; /* NULL: not found */
	const char *policy, *statement;       /* that decided; NULL: none */
};

static enum cadre_status take_principal(struct cli *cli, void *ctx,
                                        const Cadre__V1__ResourceInfo *info)
{
	struct checking *checking = ctx;

	if (strcmp(info->resource->ocid, cli->words[0]) != 0)
		return CADRE_OK;
	checking->principal = info->resource;
	checking->wish.groups = info->resource->principal->groups;
	checking->wish.group_count = info->resource->principal->n_groups;
	return CADRE_END;
}

static enum cadre_status try_policy(struct cli *cli, void *ctx,
                                    const Cadre__V1__ResourceInfo *info)
{
	struct checking *checking = ctx;
	const Cadre__V1__PolicyState *state = info->resource->policy;
	struct cadre_statement statement;

	(void)cli;
	for (size_t i = 0; i < state->n_statements; i++) {
		if (cadre_statement_parse(state->statements[i], &statement, NULL) !=
		            CADRE_OK ||
		    !cadre_statement_grants(&statement, &checking->wish))
			continue;
		checking->policy = info->resource->ocid;
		checking->statement = state->statements[i];
		return CADRE_END;
	}
	return CADRE_OK;
}

static enum cadre_status read_wish(struct cli *cli, struct cadre_wish *wish)
{
	wish->verb = cadre_verb_named(cadre_slice_text(cli->words[1]));
	wish->resources = cadre_resource_named(cadre_slice_text(cli->words[2]));
	wish->compartment = strcmp(cli->words[3], "tenancy") == 0 ? NULL : cli->words[3];
	if (wish->verb == 0)
		return cli_usage(cli, "\"%s\" is no verb: inspect, read, use or manage",
		                 cli->words[1]);
	if (wish->resources == 0)
		return cli_usage(cli,
		                 "\"%s\" is no resource, as data-science-model-groups",
		                 cli->words[2]);
	return CADRE_OK;
}

static void print_verdict(struct cli *cli, const struct checking *checking)
{
	struct cadre_json json = { 0 };

	cadre_json_begin(&json, '{');
	cadre_json_key_bool(&json, "allowed", checking->policy != NULL);
	cadre_json_key_text(&json, "policy", checking->policy);
	cadre_json_key_text(&json, "statement", checking->statement);
	cadre_json_end(&json, '}');
	if (cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&json);
	else if (cli->mode == CADRE_OUTPUT_TEXT && checking->policy)
		printf("allowed by policy %s: %s\n", checking->policy,
		       checking->statement);
	cadre_json_fini(&json);
}

enum cadre_status cli_policy_check(struct cli *cli)
{
	struct checking checking = { 0 };
	enum cadre_status status = read_wish(cli, &checking.wish);

	if (status == CADRE_OK)
		status = each_live(cli, CADRE__V1__KIND__KIND_PRINCIPAL, take_principal,
		                   &checking);
	if (status == CADRE_OK && !checking.principal)
		return cadre_error_set(&cli->err, CADRE_NOT_FOUND, "no principal \"%s\"",
		                       cli->words[0]);
	if (status == CADRE_OK)
		status = each_live(cli, CADRE__V1__KIND__KIND_POLICY, try_policy,
		                   &checking);
	if (status != CADRE_OK)
		return status;
	print_verdict(cli, &checking);
	if (checking.policy)
		return CADRE_OK;
	return cadre_error_set(&cli->err, CADRE_NOT_AUTHORIZED,
	                       "no statement lets \"%s\" %s %s in %s", cli->words[0],
	                       cli->words[1], cli->words[2], cli->words[3]);
}
