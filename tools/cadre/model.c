/* model register, show, list, retire. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/checksum.h"
#include "tools/cadre/cli.h"
#include "tools/common/json_message.h"

#define READ_BYTES 65536u

/* Path as a file URI: what a URI reserves is escaped. */
static const char *file_uri(struct cli *cli, const char *path)
{
	char *text = cli_alloc(cli, 3 * strlen(path) + 8);
	char *at = text + snprintf(text, 8, "file://");

	for (; *path; path++) {
		if (strchr(" %?#\"<>", *path) || (unsigned char)*path < 0x21)
			at += snprintf(at, 4, "%%%02X", (unsigned)(unsigned char)*path);
		else
			*at++ = *path;
	}
	*at = '\0';
	return text;
}

static enum cadre_status hash_file(struct cli *cli, FILE *file, const char *name)
{
	struct cadre_sha256_stream stream;
	struct cadre_sha256 sum;
	static uint8_t bytes[READ_BYTES];
	char hex[65];
	uint64_t total = 0;
	size_t got;

	cadre_sha256_init(&stream);
	while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		cadre_sha256_update(&stream, bytes, got);
		total += got;
	}
	sum = cadre_sha256_final(&stream);
	if (ferror(file))
		return cadre_error_errno(&cli->err, errno, "\"%.300s\"", name);
	cadre_hex_encode(sum.bytes, sizeof(sum.bytes), hex);
	cli_body_fill(cli, "artifactSha256", hex);
	cli_body_fill_json(cli, "artifactBytes", json_integer((json_int_t)total));
	return CADRE_OK;
}

/* URI, hash and size of a file on this machine. */
static enum cadre_status take_artifact(struct cli *cli, const char *name)
{
	char path[PATH_MAX];
	FILE *file;
	enum cadre_status status;

	if (!realpath(name, path))
		return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
		                       "--artifact: \"%.300s\": no such file", name);
	file = fopen(path, "rb");
	if (!file)
		return cadre_error_errno(&cli->err, errno, "--artifact: \"%.300s\"",
		                         name);
	status = hash_file(cli, file, name);
	fclose(file);
	if (status == CADRE_OK)
		cli_body_fill(cli, "artifactUri", file_uri(cli, path));
	return status;
}

static enum cadre_status take_kind(struct cli *cli)
{
	static const char *const kinds[][2] = { { "base", "MODEL_BASE" },
		                                { "lora", "MODEL_LORA" },
		                                { "onnx", "MODEL_ONNX" },
		                                { "other", "MODEL_OTHER" } };
	const char *kind = cli_value(cli, CLI_KIND);

	if (!kind)
		return CADRE_OK;
	for (size_t i = 0; i < 4; i++) {
		if (strcmp(kind, kinds[i][0]) != 0)
			continue;
		cli_body_fill(cli, "kind", kinds[i][1]);
		return CADRE_OK;
	}
	return cli_usage(cli, "--kind: \"%s\" is none of base, lora, onnx, other", kind);
}

/* OCI's map of tags as the list of a command. */
static void list_tags(struct cli *cli)
{
	json_t *map = json_object_get(cli->body, "freeformTags");
	json_t *list;
	json_t *value;
	const char *key;

	if (!json_is_object(map) || json_object_get(map, "tags"))
		return;
	list = json_array();
	json_object_foreach(map, key, value)
	{
		json_t *tag = json_object();

		json_object_set_new(tag, "key", json_string(key));
		json_object_set(tag, "value", value);
		json_array_append_new(list, tag);
	}
	map = json_object();
	json_object_set_new(map, "tags", list);
	json_object_set_new(cli->body, "freeformTags", map);
}

static enum cadre_status fill_body(struct cli *cli)
{
	const char *file = cli_value(cli, CLI_ARTIFACT);
	uint64_t bytes = 0;
	enum cadre_status status = take_kind(cli);

	if (status == CADRE_OK)
		status = cli_body_metadata(cli, "customMetadataList");
	if (status == CADRE_OK)
		status = cli_body_tags(cli, "");
	list_tags(cli);

	if (status == CADRE_OK && file)
		status = take_artifact(cli, file);
	if (status == CADRE_OK)
		status = cli_number(cli, CLI_BYTES, 0, &bytes);
	if (cli_has(cli, CLI_BYTES))
		cli_body_fill_json(cli, "artifactBytes", json_integer((json_int_t)bytes));
	cli_body_fill(cli, "compartmentId", cli->context.compartment);
	cli_body_fill(cli, "projectId", cli->context.project);
	cli_body_fill(cli, "id", cli_value(cli, CLI_ID));
	cli_body_fill(cli, "displayName", cli_value(cli, CLI_NAME));
	cli_body_fill(cli, "description", cli_value(cli, CLI_DESCRIPTION));
	cli_body_fill(cli, "framework", cli_value(cli, CLI_FRAMEWORK));
	cli_body_fill(cli, "artifactUri", cli_value(cli, CLI_URI));
	cli_body_fill(cli, "artifactSha256", cli_value(cli, CLI_SHA256));
	return status;
}

enum cadre_status cli_model_register(struct cli *cli)
{
	Cadre__V1__Command *command =
	        cli_command(cli, CADRE__V1__COMMAND__BODY_REGISTER_MODEL);
	ProtobufCMessage *message = NULL;
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = cli_body_read(cli);
	if (status == CADRE_OK)
		status = fill_body(cli);
	if (status == CADRE_OK)
		status = cadre_json_get_message(cli->body,
		                                &cadre__v1__register_model__descriptor,
		                                "", &cli->arena, &message, &cli->err);
	if (status != CADRE_OK)
		return status;
	command->register_model = (Cadre__V1__RegisterModel *)message;
	return cli_submit(cli, command, "model");
}

enum cadre_status cli_model_show(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *model = NULL;
	enum cadre_status status = cli_find(cli, cli->words[0], CLI_K_MODEL, &model);

	return status == CADRE_OK ? cli_show(cli, model) : status;
}

enum cadre_status cli_model_list(struct cli *cli)
{
	return cli_list(cli, CADRE__V1__KIND__KIND_MODEL, "models");
}

enum cadre_status cli_model_retire(struct cli *cli)
{
	const Cadre__V1__ResourceInfo *model = NULL;
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_RETIRE_MODEL);
	Cadre__V1__ResourceRef *ref = cli_alloc(cli, sizeof(*ref));
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = cli_find(cli, cli->words[0], CLI_K_MODEL, &model);
	if (status != CADRE_OK)
		return status;
	cadre__v1__resource_ref__init(ref);
	ref->id = model->resource->ocid;
	command->retire_model = ref;
	return cli_submit(cli, command, "model");
}
