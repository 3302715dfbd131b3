/* From what a person typed to a resource. */
#include <inttypes.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/nearest.h"

/* Names shown when a prefix has several. */
#define CANDIDATES_SHOWN 6u

static const struct {
	unsigned bit;
	Cadre__V1__Kind kind;
	const char *name;
} kinds_table[] = {
	{ CLI_K_HISTORY, CADRE__V1__KIND__KIND_HISTORY, "version history" },
	{ CLI_K_DEPLOYMENT, CADRE__V1__KIND__KIND_DEPLOYMENT, "deployment" },
	{ CLI_K_GROUP, CADRE__V1__KIND__KIND_GROUP, "model group" },
	{ CLI_K_MODEL, CADRE__V1__KIND__KIND_MODEL, "model" },
	{ CLI_K_NODE, CADRE__V1__KIND__KIND_NODE, "node" },
};
#define KINDS (sizeof(kinds_table) / sizeof(kinds_table[0]))

const char *cli_kind_name(Cadre__V1__Kind kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds_table[i].kind == kind)
			return kinds_table[i].name;
	return "principal";
}

static unsigned bit_of(Cadre__V1__Kind kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds_table[i].kind == kind)
			return kinds_table[i].bit;
	return 0;
}

static const char *kinds_text(unsigned kinds, char text[128])
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < KINDS; i++)
		if (kinds & kinds_table[i].bit)
			length += (size_t)snprintf(text + length, 128 - length, "%s%s",
			                           length > 0 ? " or " : "",
			                           kinds_table[i].name);
	return text;
}

const char *cli_name_of(const Cadre__V1__ResourceInfo *info)
{
	return info->resource->display_name ? info->resource->display_name
	                                    : info->resource->ocid;
}

enum cadre_status cli_get(struct cli *cli, const char *id, bool members,
                          const Cadre__V1__ResourceInfo **ret_info)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Get get = CADRE__V1__GET__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_GET;
	op.get = &get;
	get.id = (char *)(uintptr_t)id;
	get.has_with_members = members;
	get.with_members = members;
	status = cli_ask(cli, &op, &result);
	if (status == CADRE_OK)
		*ret_info = result->resource;
	return status;
}

/* ---- names and prefixes among a listing ---- */

struct search {
	const char *text;
	size_t length;
	bool exact;
	const Cadre__V1__ResourceInfo *found;
	unsigned names; /* different ones with the prefix */
	char shown[256];
	struct cadre_nearest nearest;
};

static bool is_live(const Cadre__V1__ResourceInfo *info)
{
	return info->resource->lifecycle_state != CADRE__V1__LIFECYCLE_STATE__DELETED;
}

static void note_candidate(struct search *search, const char *name)
{
	size_t length = strlen(search->shown);

	search->names++;
	if (search->names <= CANDIDATES_SHOWN)
		snprintf(search->shown + length, sizeof(search->shown) - length,
		         "%s%.60s", length > 0 ? ", " : "", name);
	else if (search->names == CANDIDATES_SHOWN + 1)
		snprintf(search->shown + length, sizeof(search->shown) - length, ", …");
}

/* Rows come newest first: of one name the first stands. */
static enum cadre_status consider(struct cli *cli, void *ctx,
                                  const Cadre__V1__ResourceInfo *info)
{
	struct search *search = ctx;
	const char *name = info->resource->display_name;
	bool by_name = name && strncmp(name, search->text, search->length) == 0;

	(void)cli;
	if (!is_live(info))
		return CADRE_OK;
	if (name)
		cadre_nearest_offer(&search->nearest, name);
	if (by_name && name[search->length] == '\0') {
		if (!search->exact)
			search->found = info;
		search->exact = true;
		return CADRE_OK;
	}
	if (search->exact)
		return CADRE_OK;
	if (!by_name) {
		if (strncmp(info->resource->ocid, search->text, search->length) != 0)
			return CADRE_OK;
		name = info->resource->ocid;
	}
	if (search->found && by_name && search->found->resource->display_name &&
	    search->found->resource->kind == info->resource->kind &&
	    strcmp(search->found->resource->display_name, name) == 0)
		return CADRE_OK;
	search->found = info;
	note_candidate(search, name);
	return CADRE_OK;
}

static enum cadre_status fail_search(struct cli *cli, const struct search *search,
                                     unsigned kinds)
{
	char kinds_names[128];
	char hint[96];

	kinds_text(kinds, kinds_names);
	if (search->names > 1)
		return cadre_error_set(
		        &cli->err, CADRE_INVALID_PARAMETER,
		        "\"%.100s\" begins the names of several: %s; write "
		        "more of it",
		        search->text, search->shown);
	return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
	                       "no %s \"%.200s\" in compartment \"%.100s\"%s",
	                       kinds_names, search->text, cli->context.compartment,
	                       cadre_nearest_hint(&search->nearest, hint));
}

static enum cadre_status find_listed(struct cli *cli, const char *text, unsigned kinds,
                                     const Cadre__V1__ResourceInfo **ret_info)
{
	struct search search = { .text = text, .length = strlen(text) };
	enum cadre_status status = CADRE_OK;

	cadre_nearest_init(&search.nearest, text);
	for (size_t i = 0; i < KINDS && status == CADRE_OK && !search.exact; i++) {
		Cadre__V1__ListResources filter = CADRE__V1__LIST_RESOURCES__INIT;

		if (!(kinds & kinds_table[i].bit))
			continue;
		filter.kind = kinds_table[i].kind;
		filter.has_descending = filter.descending = true;
		status = cli_each(cli, &filter, consider, &search);
	}
	if (status != CADRE_OK)
		return status;
	if (!search.exact && search.names != 1)
		return fail_search(cli, &search, kinds);
	*ret_info = search.found;
	return CADRE_OK;
}

/* A prefix stands for more than was typed. */
static void note_meaning(const struct cli *cli, const char *text,
                         const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__Resource *resource = info->resource;

	if (strcmp(text, resource->ocid) != 0 && strcmp(text, cli_name_of(info)) != 0)
		cli_note(cli, "\"%s\" is the %s %s", text, cli_kind_name(resource->kind),
		         resource->ocid);
}

enum cadre_status cli_find(struct cli *cli, const char *text, unsigned kinds,
                           const Cadre__V1__ResourceInfo **ret_info)
{
	char names[128];
	enum cadre_status status;

	if (*text == '\0')
		return cli_usage(cli, "an empty name");
	status = cli_get(cli, text, false, ret_info);
	if (status == CADRE_OK && (kinds & bit_of((*ret_info)->resource->kind))) {
		note_meaning(cli, text, *ret_info);
		return CADRE_OK;
	}
	if (status == CADRE_OK && strcmp((*ret_info)->resource->ocid, text) == 0)
		return cadre_error_set(&cli->err, CADRE_INVALID_PARAMETER,
		                       "\"%.200s\" is a %s, not a %s", text,
		                       cli_kind_name((*ret_info)->resource->kind),
		                       kinds_text(kinds, names));
	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	status = find_listed(cli, text, kinds, ret_info);
	if (status == CADRE_OK)
		note_meaning(cli, text, *ret_info);
	return status;
}

enum cadre_status cli_find_group(struct cli *cli, const char *text,
                                 const Cadre__V1__ResourceInfo **ret_group)
{
	const Cadre__V1__ResourceInfo *info = NULL;
	const char *id;
	enum cadre_status status = cli_find(cli, text, CLI_K_TARGET, &info);

	if (status != CADRE_OK || !info)
		return status;
	id = info->resource->kind == CADRE__V1__KIND__KIND_GROUP ? info->resource->ocid
	     : info->resource->kind == CADRE__V1__KIND__KIND_HISTORY
	             ? info->latest_group_id
	             : info->serving_group_id;
	if (!id)
		return cadre_error_set(&cli->err, CADRE_NOT_FOUND, "the %s \"%.200s\" %s",
		                       cli_kind_name(info->resource->kind), text,
		                       info->resource->kind ==
		                                       CADRE__V1__KIND__KIND_HISTORY
		                               ? "is empty"
		                               : "serves nothing yet");
	status = cli_get(cli, id, true, ret_group);
	if (status == CADRE_OK && info->resource->kind != CADRE__V1__KIND__KIND_GROUP)
		cli_note(cli, "it means version %" PRIu64 " \"%s\" (%s)",
		         (*ret_group)->resource->group->version_id,
		         cli_name_of(*ret_group), id);
	return status;
}
