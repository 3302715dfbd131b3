/* principal put, list, remove: who may ask, and with which key. */
#include <inttypes.h>

#include "engine/base/rsa.h"
#include "tools/cadre/cli.h"
#include "tools/common/key_text.h"

/* The public half in PEM, whatever half the file holds: a private key never goes on. */
static enum cadre_status read_public(struct cli *cli, const char *path,
                                     const char **ret_pem)
{
	struct cadre_key_text text = { 0 };
	struct cadre_rsa_key *key = NULL;
	struct cadre_buffer pem = { 0 };
	enum cadre_status status = cadre_key_text_read(path, false, &text, &cli->err);

	if (status == CADRE_OK)
		status = cadre_rsa_public_key(cadre_slice_text(text.text), &key,
		                              &cli->err);
	if (status == CADRE_OK)
		status = cadre_rsa_public_pem(key, &pem, &cli->err);
	else
		cadre_error_prefix(&cli->err, "--public-key: ");
	if (status == CADRE_OK)
		*ret_pem = cli_text(cli, "%.*s", (int)pem.length, (char *)pem.data);
	cadre_buffer_fini(&pem);
	cadre_rsa_key_destroy(&key);
	cadre_key_text_free(&text);
	return status;
}

static void add_groups(struct cli *cli, Cadre__V1__PutPrincipal *put)
{
	put->groups = cli_alloc(cli, (cli->given_count + 1) * sizeof(char *));
	for (size_t i = 0; i < cli->given_count; i++)
		if (cli->given[i].option == CLI_GROUP)
			put->groups[put->n_groups++] =
			        (char *)(uintptr_t)cli->given[i].value;
}

enum cadre_status cli_principal_put(struct cli *cli)
{
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_PUT_PRINCIPAL);
	Cadre__V1__PutPrincipal *put = cli_alloc(cli, sizeof(*put));
	const char *path = cli_value(cli, CLI_PUBLIC_KEY);
	const char *pem = NULL;
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK && !path)
		return cli_usage(cli, "--public-key is missing");
	if (status == CADRE_OK)
		status = read_public(cli, path, &pem);
	if (status != CADRE_OK)
		return status;
	cadre__v1__put_principal__init(put);
	put->name = (char *)(uintptr_t)cli->words[0];
	put->public_key_pem = (char *)(uintptr_t)pem;
	put->has_may_act_for_others = cli_has(cli, CLI_GATEWAY);
	put->may_act_for_others = put->has_may_act_for_others;
	add_groups(cli, put);
	command->put_principal = put;
	return cli_submit(cli, command, "principal");
}

enum cadre_status cli_principal_remove(struct cli *cli)
{
	Cadre__V1__Command *command =
	        cli_command(cli, CADRE__V1__COMMAND__BODY_REMOVE_PRINCIPAL);
	Cadre__V1__RemovePrincipal *gone = cli_alloc(cli, sizeof(*gone));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status != CADRE_OK)
		return status;
	cadre__v1__remove_principal__init(gone);
	gone->name = (char *)(uintptr_t)cli->words[0];
	command->remove_principal = gone;
	return cli_submit(cli, command, "principal");
}

/* ---- list ---- */

struct listing {
	struct cadre_table table;
	struct cadre_json json;
	uint64_t rows;
};

static void key_name(const Cadre__V1__PrincipalState *state,
                     char text[CADRE_FINGERPRINT_BYTES])
{
	struct cadre_rsa_key *key = NULL;

	text[0] = '\0';
	if (!state->public_key_pem ||
	    cadre_rsa_public_key(cadre_slice_text(state->public_key_pem), &key, NULL) !=
	            CADRE_OK)
		return;
	cadre_rsa_fingerprint(key, text);
	cadre_rsa_key_destroy(&key);
}

static const char *join_groups(struct cli *cli, const Cadre__V1__PrincipalState *state)
{
	const char *text = "";

	for (size_t i = 0; i < state->n_groups; i++)
		text = cli_text(cli, "%s%s%s", text, i > 0 ? "," : "", state->groups[i]);
	return text;
}

static enum cadre_status add_row(struct cli *cli, void *ctx,
                                 const Cadre__V1__ResourceInfo *info)
{
	struct listing *listing = ctx;
	const Cadre__V1__PrincipalState *state = info->resource->principal;
	char fingerprint[CADRE_FINGERPRINT_BYTES];

	listing->rows++;
	key_name(state, fingerprint);
	if (cli->mode == CADRE_OUTPUT_QUIET)
		puts(info->resource->ocid);
	cadre_json_begin(&listing->json, '{');
	cadre_json_key_text(&listing->json, "name", info->resource->ocid);
	cadre_json_key_text(&listing->json, "fingerprint", fingerprint);
	cadre_json_key(&listing->json, "groups");
	cadre_json_begin(&listing->json, '[');
	for (size_t i = 0; i < state->n_groups; i++)
		cadre_json_text(&listing->json, state->groups[i]);
	cadre_json_end(&listing->json, ']');
	cadre_json_key_bool(&listing->json, "gateway",
	                    state->has_may_act_for_others && state->may_act_for_others);
	cadre_json_end(&listing->json, '}');
	cadre_table_cell(&listing->table, "%s", info->resource->ocid);
	cadre_table_cell(&listing->table, "%s", join_groups(cli, state));
	cadre_table_cell(&listing->table, "%s",
	                 state->may_act_for_others ? "acts for others" : "");
	cadre_table_cell(&listing->table, "%s", fingerprint);
	return CADRE_OK;
}

enum cadre_status cli_principal_list(struct cli *cli)
{
	static const char *const titles[] = { "NAME", "GROUPS", "GATEWAY", "KEY" };
	Cadre__V1__ListResources filter = CADRE__V1__LIST_RESOURCES__INIT;
	struct listing listing = { 0 };
	enum cadre_status status;

	filter.kind = CADRE__V1__KIND__KIND_PRINCIPAL;
	filter.has_lifecycle_state = true;
	filter.lifecycle_state = CADRE__V1__LIFECYCLE_STATE__ACTIVE;
	cadre_table_init(&listing.table, 4, 0, titles);
	cadre_json_begin(&listing.json, '{');
	cadre_json_key(&listing.json, "principals");
	cadre_json_begin(&listing.json, '[');
	status = cli_each(cli, &filter, add_row, &listing);
	cadre_json_end(&listing.json, ']');
	cadre_json_end(&listing.json, '}');
	if (status == CADRE_OK && cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&listing.json);
	if (status == CADRE_OK && cli->mode == CADRE_OUTPUT_TEXT && listing.rows > 0)
		cadre_table_print(&listing.table, stdout);
	if (status == CADRE_OK)
		cli_note(cli, "%" PRIu64 " principals", listing.rows);
	cadre_table_fini(&listing.table);
	cadre_json_fini(&listing.json);
	return status;
}
