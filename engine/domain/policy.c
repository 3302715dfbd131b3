#include "engine/domain/policy.h"

#include <stdio.h>
#include <strings.h>

#include "engine/domain/field_rules.h"

#include "cadre/v1/command.pb-c.h"

#define DS "data-science-"

static const struct {
	const char *name; /* the first of a resource is the one that is told */
	unsigned resources;
} resource_words[] = {
	{ DS "model-groups", CADRE_GROUPS },
	{ DS "model-group", CADRE_GROUPS },
	{ DS "model-group-version-histories", CADRE_HISTORIES },
	{ DS "model-group-version-history", CADRE_HISTORIES },
	{ DS "model-deployments", CADRE_DEPLOYMENTS },
	{ DS "model-deployment", CADRE_DEPLOYMENTS },
	{ DS "models", CADRE_MODELS },
	{ DS "model", CADRE_MODELS },
	{ DS "work-requests", CADRE_WORK_REQUESTS },
	{ DS "work-request", CADRE_WORK_REQUESTS },
	{ DS "family", CADRE_FAMILY },
	{ "cadre-nodes", CADRE_NODES },
	{ "cadre-node", CADRE_NODES },
	{ "cadre-principals", CADRE_PRINCIPALS },
	{ "cadre-principal", CADRE_PRINCIPALS },
	{ "cadre-policies", CADRE_POLICIES },
	{ "cadre-policy", CADRE_POLICIES },
	{ "cadre-cluster", CADRE_CLUSTER },
	{ "all-resources", CADRE_ALL_RESOURCES },
};
static const char *const verb_words[] = {
	[CADRE_INSPECT] = "inspect",
	[CADRE_READ] = "read",
	[CADRE_USE] = "use",
	[CADRE_MANAGE] = "manage",
};

static bool is_word(struct cadre_slice slice, const char *word)
{
	return slice.length == strlen(word) &&
	       strncasecmp((const char *)slice.data, word, slice.length) == 0;
}

enum cadre_verb cadre_verb_named(struct cadre_slice word)
{
	for (int i = CADRE_INSPECT; i <= CADRE_MANAGE; i++) {
		if (is_word(word, verb_words[i]))
			return (enum cadre_verb)i;
	}
	return (enum cadre_verb)0;
}

unsigned cadre_resource_named(struct cadre_slice word)
{
	for (size_t i = 0; i < sizeof resource_words / sizeof *resource_words; i++) {
		if (is_word(word, resource_words[i].name))
			return resource_words[i].resources;
	}
	return 0;
}

const char *cadre_verb_name(enum cadre_verb verb)
{
	return verb_words[verb];
}

const char *cadre_resource_name(unsigned resource)
{
	for (size_t i = 0; i < sizeof resource_words / sizeof *resource_words; i++) {
		if (resource_words[i].resources == resource)
			return resource_words[i].name;
	}
	return "resources";
}

unsigned cadre_resource_of(Cadre__V1__Kind kind)
{
	static const unsigned resources[] = {
		[CADRE__V1__KIND__KIND_GROUP] = CADRE_GROUPS,
		[CADRE__V1__KIND__KIND_HISTORY] = CADRE_HISTORIES,
		[CADRE__V1__KIND__KIND_DEPLOYMENT] = CADRE_DEPLOYMENTS,
		[CADRE__V1__KIND__KIND_MODEL] = CADRE_MODELS,
		[CADRE__V1__KIND__KIND_NODE] = CADRE_NODES,
		[CADRE__V1__KIND__KIND_PRINCIPAL] = CADRE_PRINCIPALS,
		[CADRE__V1__KIND__KIND_POLICY] = CADRE_POLICIES,
	};

	return (size_t)kind < sizeof resources / sizeof *resources ? resources[kind]
	                                                           : CADRE_ALL_RESOURCES;
}

/* ---- parsing ---- */

static enum cadre_status refuse(struct cadre_error *err, const char *what)
{
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "%s", what);
}

/* The next word, or what stands in single quotes; empty at the end. */
static struct cadre_slice take(const char **in)
{
	static const char space[] = " \t\r\n";
	const char *at = *in + strspn(*in, space);
	size_t length = at[0] == '\'' ? strcspn(at + 1, "'") : strcspn(at, space);

	if (at[0] == '\'' && at[1 + length] == '\'') {
		*in = at + length + 2;
		return cadre_slice(at + 1, length);
	}
	*in = at + length;
	return cadre_slice(at, length);
}

static bool expect(const char **in, const char *word)
{
	return is_word(take(in), word);
}

static bool is_name(struct cadre_slice name)
{
	return name.length > 0 && memchr(name.data, ',', name.length) == NULL &&
	       memchr(name.data, '\'', name.length) == NULL;
}

static enum cadre_status take_subject(const char **in, struct cadre_statement *ret,
                                      struct cadre_error *err)
{
	struct cadre_slice word = take(in);

	if (is_word(word, "any-user"))
		return CADRE_OK;
	if (!is_word(word, "group"))
		return refuse(err, "expected `group NAME` or `any-user` after `allow`");
	ret->group = take(in);
	return is_name(ret->group) ? CADRE_OK
	                           : refuse(err, "expected the name of one group");
}

static enum cadre_status take_place(const char **in, struct cadre_statement *ret,
                                    struct cadre_error *err)
{
	struct cadre_slice word = take(in);

	if (is_word(word, "tenancy"))
		return CADRE_OK;
	if (!is_word(word, "compartment"))
		return refuse(err, "expected `tenancy` or `compartment NAME` after `in`");
	ret->compartment = take(in);
	if (is_word(ret->compartment, "id")) {
		const char *behind = *in;
		word = take(&behind);
		if (word.length > 0 && !is_word(word, "where")) {
			ret->compartment = word;
			*in = behind;
		}
	}
	return is_name(ret->compartment)
	               ? CADRE_OK
	               : refuse(err, "expected the name of one compartment");
}

enum cadre_status cadre_statement_parse(const char *text, struct cadre_statement *ret,
                                        struct cadre_error *err)
{
	const char *in = text;
	enum cadre_status status;

	memset(ret, 0, sizeof *ret);
	if (strlen(text) > CADRE_STATEMENT_BYTES_MAX)
		return refuse(err, "longer than 512 bytes");
	if (!expect(&in, "allow"))
		return refuse(err, "a statement begins with `allow`");
	status = take_subject(&in, ret, err);
	if (status != CADRE_OK)
		return status;
	if (!expect(&in, "to"))
		return refuse(err, "expected `to` behind who is allowed");
	ret->verb = cadre_verb_named(take(&in));
	if (ret->verb == 0)
		return refuse(err, "the verb is none of inspect, read, use, manage");
	ret->resources = cadre_resource_named(take(&in));
	if (ret->resources == 0)
		return refuse(err, "the resource is not known, as in "
		                   "`data-science-model-groups` or `all-resources`");
	if (!expect(&in, "in"))
		return refuse(err, "expected `in` behind the resource");
	status = take_place(&in, ret, err);
	if (status == CADRE_OK && take(&in).length > 0)
		return refuse(err, "something stands behind the place; conditions are "
		                   "not known here");
	return status;
}

enum cadre_status cadre_check_put_policy(const ProtobufCMessage *message,
                                         const struct cadre_path *path,
                                         struct cadre_error *err)
{
	const Cadre__V1__PutPolicy *policy = (const void *)message;
	struct cadre_statement statement;
	struct cadre_error why = CADRE_ERROR_INIT;
	char tail[48];

	if (policy->n_statements == 0)
		return cadre_path_refuse(path, "statements", err, CADRE_MISSING_PARAMETER,
		                         "no statement");
	for (size_t i = 0; i < policy->n_statements; i++) {
		if (cadre_statement_parse(policy->statements[i], &statement, &why) ==
		    CADRE_OK)
			continue;
		snprintf(tail, sizeof tail, "statements[%zu]", i);
		return cadre_path_refuse(path, tail, err, CADRE_INVALID_PARAMETER, "%s",
		                         why.message);
	}
	return CADRE_OK;
}

/* ---- evaluation ---- */

static bool names(struct cadre_slice slice, const char *text)
{
	return cadre_slice_equal(slice, cadre_slice_text(text));
}

static bool concerns(const struct cadre_statement *statement,
                     const struct cadre_wish *wish)
{
	if (statement->group.length == 0)
		return true;
	for (size_t i = 0; i < wish->group_count; i++) {
		if (names(statement->group, wish->groups[i]))
			return true;
	}
	return false;
}

bool cadre_statement_grants(const struct cadre_statement *statement,
                            const struct cadre_wish *wish)
{
	if (statement->verb < wish->verb ||
	    (statement->resources & wish->resources) != wish->resources)
		return false;
	if (statement->compartment.length > 0 &&
	    (!wish->compartment || !names(statement->compartment, wish->compartment)))
		return false;
	return concerns(statement, wish);
}
