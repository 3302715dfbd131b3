/* The difference between two member lists, and what a patch makes of one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cadre/cli.h"

void cli_changes_begin(struct cli_changes *changes)
{
	*changes = (struct cli_changes){ 0 };
	cadre_table_init(&changes->table, 3, 0, NULL);
	cadre_json_begin(&changes->json, '[');
}

static void put_side(struct cadre_json *json, const char *name, const char *key)
{
	if (key && *key)
		cadre_json_key_text(json, name, key);
}

void cli_changes_add(struct cli_changes *changes, const char *model_id,
                     const char *key_before, const char *key_after)
{
	const char *what = !key_before ? "added" : !key_after ? "removed" : "rekeyed";

	changes->added += !key_before;
	changes->removed += !key_after;
	changes->rekeyed += key_before && key_after;
	cadre_table_cell(&changes->table, "%s",
	                 !key_before  ? "+"
	                 : !key_after ? "-"
	                              : "~");
	if (key_before && key_after)
		cadre_table_cell(&changes->table, "%s -> %s", key_before, key_after);
	else
		cadre_table_cell(&changes->table, "%s",
		                 key_before ? key_before : key_after);
	cadre_table_cell(&changes->table, "%s", model_id);
	cadre_json_begin(&changes->json, '{');
	cadre_json_key_text(&changes->json, "change", what);
	cadre_json_key_text(&changes->json, "modelId", model_id);
	put_side(&changes->json, "keyBefore", key_before);
	put_side(&changes->json, "keyAfter", key_after);
	cadre_json_end(&changes->json, '}');
}

void cli_changes_print(struct cli *cli, struct cli_changes *changes)
{
	if (cli->mode != CADRE_OUTPUT_TEXT)
		return;
	cadre_table_print(&changes->table, stdout);
	printf("+%" PRIu64 " -%" PRIu64 " ~%" PRIu64 "\n", changes->added,
	       changes->removed, changes->rekeyed);
}

void cli_changes_fini(struct cli_changes *changes)
{
	cadre_table_fini(&changes->table);
	cadre_json_fini(&changes->json);
}

/* ---- a patch, applied here ---- */

/* The members, first as they are in the source. */
struct rehearsal {
	struct cli *cli;
	struct member {
		const char *model_id;
		const char *before; /* key, "" for none; NULL: not a member */
		const char *after;
	} * members;
	size_t count, room;
};

static const char *key_of(const Cadre__V1__Member *member)
{
	return member->inference_key ? member->inference_key : "";
}

static struct member *find(struct rehearsal *rehearsal, const char *model_id)
{
	for (size_t i = 0; i < rehearsal->count; i++)
		if (strcmp(rehearsal->members[i].model_id, model_id) == 0)
			return &rehearsal->members[i];
	return NULL;
}

static bool key_taken(const struct rehearsal *rehearsal, const char *key)
{
	for (size_t i = 0; *key && i < rehearsal->count; i++)
		if (rehearsal->members[i].after &&
		    strcmp(rehearsal->members[i].after, key) == 0)
			return true;
	return false;
}

static enum cadre_status insert(struct rehearsal *rehearsal,
                                const Cadre__V1__Member *value)
{
	struct member *member = find(rehearsal, value->model_id);

	if (member && member->after)
		return cadre_error_set(&rehearsal->cli->err, CADRE_CONFLICT,
		                       "the model \"%.200s\" is a member already",
		                       value->model_id);
	if (key_taken(rehearsal, key_of(value)))
		return cadre_error_set(
		        &rehearsal->cli->err, CADRE_CONFLICT,
		        "the key \"%.100s\" is taken; remove its member too",
		        value->inference_key);
	if (!member)
		member = &rehearsal->members[rehearsal->count++];
	member->model_id = value->model_id;
	member->after = key_of(value);
	return CADRE_OK;
}

static enum cadre_status take_out(struct rehearsal *rehearsal,
                                  const Cadre__V1__Member *value)
{
	struct member *member = find(rehearsal, value->model_id);

	if (!member || !member->after)
		return cadre_error_set(&rehearsal->cli->err, CADRE_INVALID_PARAMETER,
		                       "the model \"%.200s\" is no member",
		                       value->model_id);
	if (value->inference_key && strcmp(value->inference_key, member->after) != 0)
		return cadre_error_set(
		        &rehearsal->cli->err, CADRE_INVALID_PARAMETER,
		        "the key of \"%.200s\" is \"%.100s\", not \"%.100s\"",
		        value->model_id, member->after, value->inference_key);
	member->after = NULL;
	return CADRE_OK;
}

static enum cadre_status apply_patch(struct rehearsal *rehearsal,
                                     Cadre__V1__PatchInstruction **patch, size_t count)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < patch[i]->n_values && status == CADRE_OK; j++)
			status = patch[i]->operation == CADRE__V1__PATCH_OPERATION__INSERT
			                 ? insert(rehearsal, patch[i]->values[j])
			                 : take_out(rehearsal, patch[i]->values[j]);
	return status;
}

static void tell(const struct rehearsal *rehearsal, struct cli_changes *changes)
{
	for (size_t i = 0; i < rehearsal->count; i++) {
		const struct member *member = &rehearsal->members[i];
		bool same = member->before && member->after &&
		            strcmp(member->before, member->after) == 0;

		if ((member->before || member->after) && !same)
			cli_changes_add(changes, member->model_id, member->before,
			                member->after);
	}
}

enum cadre_status cli_rehearse_patch(struct cli *cli,
                                     const Cadre__V1__ResourceInfo *source,
                                     Cadre__V1__PatchInstruction **patch, size_t count,
                                     struct cli_changes *changes)
{
	struct rehearsal rehearsal = { .cli = cli, .room = source->n_members };
	enum cadre_status status;

	for (size_t i = 0; i < count; i++)
		rehearsal.room += patch[i]->n_values;
	rehearsal.members = cli_alloc(cli, rehearsal.room * sizeof(*rehearsal.members));
	for (size_t i = 0; i < source->n_members; i++) {
		const char *key = key_of(source->members[i]);

		rehearsal.members[rehearsal.count++] =
		        (struct member){ .model_id = source->members[i]->model_id,
			                 .before = key,
			                 .after = key };
	}
	status = apply_patch(&rehearsal, patch, count);
	if (status == CADRE_OK)
		tell(&rehearsal, changes);
	return status;
}
