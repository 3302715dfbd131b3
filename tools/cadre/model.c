/* model register, show, list, retire. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/blob/blob.h"
#include "tools/cadre/cli.h"
#include "tools/common/json_message.h"

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

static enum cadre_status hash_artifact(struct cli *cli, const char *option,
                                       const char *name, struct cli_file *file)
{
	char hex[65];
	enum cadre_status status = cli_hash_file(cli, name, file);

	if (status != CADRE_OK) {
		cadre_error_prefix(&cli->err, "%s: ", option);
		return status;
	}
	cadre_hex_encode(file->sha256, sizeof(file->sha256), hex);
	cli_body_fill(cli, "artifactSha256", hex);
	cli_body_fill_json(cli, "artifactBytes", json_integer((json_int_t)file->bytes));
	return CADRE_OK;
}

/* URI, hash and size of a file on this machine. */
static enum cadre_status take_artifact(struct cli *cli, const char *name)
{
	struct cli_file file;
	char path[PATH_MAX];
	enum cadre_status status;

	if (!realpath(name, path))
		return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
		                       "--artifact: \"%.300s\": no such file", name);
	status = hash_artifact(cli, "--artifact", name, &file);
	if (status == CADRE_OK)
		cli_body_fill(cli, "artifactUri", file_uri(cli, path));
	return status;
}

/* The same for one that is going to the leader. */
static enum cadre_status take_upload(struct cli *cli, const char *name,
                                     struct cli_file *file)
{
	char hex[65];
	enum cadre_status status;

	if (cli_has(cli, CLI_ARTIFACT) || cli_has(cli, CLI_URI) ||
	    cli_has(cli, CLI_SHA256) || cli_has(cli, CLI_BYTES))
		return cli_usage(cli, "--upload gives URI, SHA-256 and size: leave out "
		                      "--artifact, --uri, --sha256 and --bytes");
	if (cli_body_text(cli, "artifactUri"))
		return cli_usage(cli, "--upload: the JSON has an artifactUri already");
	status = hash_artifact(cli, "--upload", name, file);
	if (status != CADRE_OK)
		return status;
	cadre_hex_encode(file->sha256, sizeof(file->sha256), hex);
	cli_body_fill(cli, "artifactUri",
	              cli_text(cli, "%s%s", CADRE_BLOB_URI_PREFIX, hex));
	return CADRE_OK;
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

static enum cadre_status fill_body(struct cli *cli, struct cli_file *upload)
{
	const char *file = cli_value(cli, CLI_ARTIFACT);
	uint64_t bytes = 0;
	enum cadre_status status = take_kind(cli);

	if (status == CADRE_OK)
		status = cli_body_metadata(cli, "customMetadataList");
	if (status == CADRE_OK)
		status = cli_body_tags(cli, "");
	list_tags(cli);

	if (status == CADRE_OK && cli_has(cli, CLI_UPLOAD))
		status = take_upload(cli, cli_value(cli, CLI_UPLOAD), upload);
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
	struct cli_file upload = { .fd = -1 };
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = cli_body_read(cli);
	if (status == CADRE_OK)
		status = fill_body(cli, &upload);
	if (status == CADRE_OK)
		status = cadre_json_get_message(cli->body,
		                                &cadre__v1__register_model__descriptor,
		                                "", &cli->arena, &message, &cli->err);
	if (status == CADRE_OK && upload.fd >= 0)
		status = cli_upload(cli, &upload);
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
