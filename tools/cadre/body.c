/* Request bodies: JSON of a file, filled up from flags. */
#include <errno.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/json_stream.h"

#define PATH_PARTS_MAX 8u

static enum cadre_status read_file(void *ctx, void *data, size_t capacity,
                                   size_t *ret_length, struct cadre_error *err)
{
	FILE *file = ctx;

	*ret_length = fread(data, 1, capacity, file);
	if (*ret_length < capacity && ferror(file))
		return cadre_error_errno(err, errno, "read");
	return CADRE_OK;
}

/* A bare name in the JSON: --set, else what the context knows by this name. */
static const char *lookup(void *ctx, const char *name)
{
	const struct cli *cli = ctx;
	size_t length = strlen(name);

	for (size_t i = 0; i < cli->given_count; i++) {
		const char *value = cli->given[i].value;

		if (cli->given[i].option == CLI_SET &&
		    strncmp(value, name, length) == 0 && value[length] == '=')
			return value + length + 1;
	}
	if (strcmp(name, "compartment_id") == 0)
		return cli->context.compartment;
	if (strcmp(name, "project_id") == 0)
		return cli->context.project;
	if (strcmp(name, "model_group_id") == 0)
		return cli_value(cli, CLI_GROUP);
	return NULL;
}

static enum cadre_status read_stream(struct cli *cli, FILE *file, const char *name,
                                     cli_value_fn fn, void *ctx)
{
	struct cadre_json_stream stream;
	enum cadre_status status = CADRE_OK;

	cadre_json_stream_init(&stream, read_file, file);
	stream.lookup = lookup;
	stream.lookup_ctx = cli;
	while (status == CADRE_OK) {
		json_t *value = NULL;

		status = cadre_json_stream_next(&stream, &value, &cli->err);
		if (status == CADRE_OK)
			status = fn(cli, ctx, value, stream.line);
		else if (status != CADRE_END)
			cadre_error_prefix(&cli->err, "%s: ", name);
		json_decref(value);
	}
	cadre_json_stream_fini(&stream);
	return status == CADRE_END ? CADRE_OK : status;
}

enum cadre_status cli_read_values(struct cli *cli, const char *name, cli_value_fn fn,
                                  void *ctx)
{
	bool standard = strcmp(name, "-") == 0;
	FILE *file = standard ? stdin : fopen(name, "r");
	enum cadre_status status;

	if (!file)
		return errno == ENOENT
		               ? cadre_error_set(&cli->err, CADRE_NOT_FOUND,
		                                 "\"%.300s\": no such file", name)
		               : cadre_error_errno(&cli->err, errno, "\"%.300s\"", name);
	status = read_stream(cli, file, standard ? "standard input" : name, fn, ctx);
	if (!standard)
		fclose(file);
	return status;
}

static enum cadre_status take_body(struct cli *cli, void *ctx, json_t *value, size_t line)
{
	(void)ctx;
	if (!json_is_object(value))
		return cadre_error_set(&cli->err, CADRE_INVALID_PARAMETER,
		                       "line %zu: an object is expected", line);
	if (cli->body)
		return cadre_error_set(&cli->err, CADRE_INVALID_PARAMETER,
		                       "line %zu: a second body; --from-json takes one",
		                       line);
	cli->body = json_incref(value);
	return CADRE_OK;
}

enum cadre_status cli_body_read(struct cli *cli)
{
	const char *name = cli_value(cli, CLI_FROM_JSON);
	enum cadre_status status = CADRE_OK;

	if (name) {
		status = cli_read_values(cli, name, take_body, NULL);
		if (status == CADRE_OK && !cli->body)
			status = cadre_error_set(&cli->err, CADRE_INVALID_PARAMETER,
			                         "\"%.300s\" holds no body", name);
	} else {
		cli->body = json_object();
	}
	return status;
}

/* ---- paths ---- */

/* The object that holds the path's last part, which `*ret_last` is. NULL when it is
 * not there (`make` false), or something else stands in the way. */
static json_t *holder(const struct cli *cli, const char *path, bool make, char *last,
                      size_t capacity)
{
	json_t *at = cli->body;

	for (unsigned i = 0; i < PATH_PARTS_MAX && json_is_object(at); i++) {
		size_t length = strcspn(path, ".");
		json_t *inner;

		snprintf(last, capacity, "%.*s", (int)length, path);
		if (path[length] == '\0')
			return at;
		inner = json_object_get(at, last);
		if (make && (!inner || json_is_null(inner))) {
			inner = json_object();
			json_object_set_new(at, last, inner);
		}
		at = inner;
		path += length + 1;
	}
	return NULL;
}

void cli_body_fill_json(struct cli *cli, const char *path, json_t *value)
{
	char last[64];
	json_t *object = value ? holder(cli, path, true, last, sizeof(last)) : NULL;
	json_t *present = object ? json_object_get(object, last) : NULL;

	if (object && (!present || json_is_null(present)))
		json_object_set_new(object, last, value);
	else
		json_decref(value);
}

void cli_body_fill(struct cli *cli, const char *path, const char *value)
{
	if (value)
		cli_body_fill_json(cli, path, json_string(value));
}

const char *cli_body_text(const struct cli *cli, const char *path)
{
	char last[64];
	json_t *object = holder(cli, path, false, last, sizeof(last));

	return object ? json_string_value(json_object_get(object, last)) : NULL;
}

void cli_body_replace(struct cli *cli, const char *path, const char *text)
{
	char last[64];
	json_t *object = text ? holder(cli, path, true, last, sizeof(last)) : NULL;

	if (object)
		json_object_set_new(object, last, json_string(text));
}

/* ---- tags and metadata ---- */

enum cadre_status cli_body_tags(struct cli *cli, const char *prefix)
{
	json_t *tags = NULL;

	for (size_t i = 0; i < cli->given_count; i++) {
		const char *value = cli->given[i].value;
		const char *equals;

		if (cli->given[i].option != CLI_TAG)
			continue;
		equals = strchr(value, '=');
		if (!equals)
			return cli_usage(cli, "--tag: \"%s\" is not KEY=VALUE", value);
		if (!tags)
			tags = json_object();
		json_object_set_new(tags,
		                    cli_text(cli, "%.*s", (int)(equals - value), value),
		                    json_string(equals + 1));
	}
	if (tags)
		cli_body_fill_json(cli, cli_text(cli, "%sfreeformTags", prefix), tags);
	return CADRE_OK;
}

/* "[CATEGORY:]KEY=VALUE". */
static enum cadre_status add_metadata(struct cli *cli, json_t *list, const char *text)
{
	const char *equals = strchr(text, '=');
	const char *colon = strchr(text, ':');
	json_t *entry;

	if (!equals)
		return cli_usage(cli, "--metadata: \"%s\" is not [CATEGORY:]KEY=VALUE",
		                 text);
	entry = json_object();
	if (colon && colon < equals) {
		json_object_set_new(entry, "category",
		                    json_stringn(text, (size_t)(colon - text)));
		text = colon + 1;
	}
	json_object_set_new(entry, "key", json_stringn(text, (size_t)(equals - text)));
	json_object_set_new(entry, "value", json_string(equals + 1));
	json_array_append_new(list, entry);
	return CADRE_OK;
}

enum cadre_status cli_body_metadata(struct cli *cli, const char *path)
{
	json_t *metadata = NULL;
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < cli->given_count && status == CADRE_OK; i++) {
		if (cli->given[i].option != CLI_METADATA)
			continue;
		if (!metadata)
			metadata = json_array();
		status = add_metadata(cli, metadata, cli->given[i].value);
	}
	cli_body_fill_json(cli, path, metadata);
	return status;
}

enum cadre_status cli_body_details(struct cli *cli, const char *prefix)
{
	cli_body_fill(cli, cli_text(cli, "%smodelGroupDetails.type", prefix),
	              cli_value(cli, CLI_TYPE));
	cli_body_fill(cli, cli_text(cli, "%smodelGroupDetails.baseModelId", prefix),
	              cli_value(cli, CLI_BASE));
	return cli_body_metadata(
	        cli, cli_text(cli, "%smodelGroupDetails.customMetadataList", prefix));
}
