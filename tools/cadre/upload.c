/* Files that go to the leader and come from it; group artifact put, get. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"
#include "tools/cadre/cli.h"

#define READ_BYTES 65536u

/* A file on its way, and the line that shows it. */
struct moving {
	struct cli_file *file;
	struct cadre_progress progress;
};

static int show_moving(void *ctx, uint64_t done, uint64_t total)
{
	struct moving *moving = ctx;

	cadre_progress_show(&moving->progress, done, total);
	return 0;
}

/* ---- up ---- */

static enum cadre_status hash_all(struct cli *cli, struct cli_file *file)
{
	static uint8_t bytes[READ_BYTES];
	struct cadre_sha256_stream stream;
	struct cadre_sha256 sum;
	ssize_t got;

	cadre_sha256_init(&stream);
	while ((got = read(file->fd, bytes, sizeof(bytes))) > 0) {
		cadre_sha256_update(&stream, bytes, (size_t)got);
		file->bytes += (uint64_t)got;
	}
	sum = cadre_sha256_final(&stream);
	memcpy(file->sha256, sum.bytes, sizeof(file->sha256));
	if (got < 0)
		return cadre_error_errno(&cli->err, errno, "\"%.300s\"", file->name);
	return CADRE_OK;
}

enum cadre_status cli_hash_file(struct cli *cli, const char *name,
                                struct cli_file *ret_file)
{
	*ret_file = (struct cli_file){ .name = name };
	ret_file->fd = open(name, O_RDONLY | O_CLOEXEC);
	if (ret_file->fd < 0 && errno == ENOENT)
		return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
		                       "\"%.300s\": no such file", name);
	if (ret_file->fd < 0)
		return cadre_error_errno(&cli->err, errno, "\"%.300s\"", name);
	return hash_all(cli, ret_file);
}

static int64_t read_file(void *ctx, uint64_t offset, void *data, size_t capacity)
{
	const struct moving *moving = ctx;
	ssize_t got;

	do {
		got = pread(moving->file->fd, data, capacity, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	return got;
}

static enum cadre_status send(struct cli *cli, struct cli_file *file)
{
	struct moving moving = { .file = file };
	const uint32_t remaining_ms = cli_remaining_ms(cli);
	const struct cadre_client_blob_put put = { .bytes = file->bytes,
		                                   .sha256 = file->sha256,
		                                   .read = read_file,
		                                   .progress = show_moving,
		                                   .ctx = &moving,
		                                   .stall_ms = remaining_ms };
	struct cadre_client_blob blob;
	enum cadre_client_outcome outcome;

	cadre_progress_begin(&moving.progress, "uploading", "bytes");
	outcome = cadre_client_blob_put(cli->client, &put, &blob);
	cadre_progress_end(&moving.progress);
	cli_set_remaining_ms(cli, remaining_ms);
	if (outcome == CADRE_CLIENT_DONE)
		return CADRE_OK;
	return cadre_error_set(&cli->err, (enum cadre_status)blob.status,
	                       "uploading \"%.100s\": %s", file->name, blob.message);
}

enum cadre_status cli_upload(struct cli *cli, struct cli_file *file)
{
	enum cadre_status status = cli_open(cli);

	if (status == CADRE_OK && file->bytes == 0)
		status = cadre_error_set(&cli->err, CADRE_INVALID_PARAMETER,
		                         "\"%.300s\": empty: nothing to upload",
		                         file->name);
	if (status == CADRE_OK && !cli_has(cli, CLI_DRY_RUN))
		status = send(cli, file);
	(void)close(file->fd);
	file->fd = -1;
	return status;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static enum cadre_status put_artifact(struct cli *cli, const char *target,
                                      const char *name)
{
	Cadre__V1__Command *command = cli_command(cli,
	                                          CADRE__V1__COMMAND__BODY_PUT_ARTIFACT);
	Cadre__V1__PutArtifact *put = cli_alloc(cli, sizeof(*put));
	Cadre__V1__Artifact *artifact = cli_alloc(cli, sizeof(*artifact));
	const Cadre__V1__ResourceInfo *group = NULL;
	struct cli_file file = { .fd = -1 };
	enum cadre_status status = cli_begin_mutation(cli);

	if (status == CADRE_OK)
		status = cli_find_group(cli, target, &group);
	if (status == CADRE_OK)
		status = cli_hash_file(cli, name, &file);
	if (status == CADRE_OK)
		status = cli_upload(cli, &file);
	if (status != CADRE_OK)
		return status;
	cadre__v1__put_artifact__init(put);
	cadre__v1__artifact__init(artifact);
	put->id = group->resource->ocid;
	put->artifact = artifact;
	artifact->sha256.data = file.sha256;
	artifact->sha256.len = sizeof(file.sha256);
	artifact->bytes = file.bytes;
	artifact->content_disposition = (char *)(uintptr_t)cli_text(
	        cli, "attachment; filename=%s", base_name(name));
	command->put_artifact = put;
	return cli_submit(cli, command, "model group");
}

/* ---- down ---- */

static int write_file(void *ctx, uint64_t offset, const void *data, size_t length)
{
	const struct moving *moving = ctx;
	const uint8_t *at = data;

	(void)offset;
	while (length > 0) {
		ssize_t put = write(moving->file->fd, at, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		at += put;
		length -= (size_t)put;
	}
	return 0;
}

static enum cadre_status receive(struct cli *cli, struct cli_file *file)
{
	struct moving moving = { .file = file };
	const struct cadre_client_blob_get get = { .sha256 = file->sha256,
		                                   .write = write_file,
		                                   .progress = show_moving,
		                                   .ctx = &moving,
		                                   .stall_ms = cli_remaining_ms(cli) };
	struct cadre_client_blob blob;
	enum cadre_client_outcome outcome;

	cadre_progress_begin(&moving.progress, "downloading", "bytes");
	outcome = cadre_client_blob_get(cli->client, &get, &blob);
	cadre_progress_end(&moving.progress);
	if (outcome == CADRE_CLIENT_DONE)
		return CADRE_OK;
	return cadre_error_set(&cli->err, (enum cadre_status)blob.status, "%s",
	                       blob.message);
}

/* Beside its place first: a file of that name is the whole artifact or what it was. */
static enum cadre_status receive_into(struct cli *cli, struct cli_file *file)
{
	const char *part = cli_text(cli, "%s.part", file->name);
	enum cadre_status status;

	file->fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (file->fd < 0)
		return cadre_error_errno(&cli->err, errno, "\"%.300s\"", part);
	status = receive(cli, file);
	if (close(file->fd) != 0 && status == CADRE_OK)
		status = cadre_error_errno(&cli->err, errno, "\"%.300s\"", part);
	if (status == CADRE_OK && rename(part, file->name) != 0)
		status = cadre_error_errno(&cli->err, errno, "\"%.300s\"", file->name);
	if (status != CADRE_OK)
		(void)unlink(part);
	return status;
}

static void print_got(struct cli *cli, const struct cli_file *file)
{
	struct cadre_json json = { 0 };
	char hex[65];
	char size[32];

	cadre_hex_encode(file->sha256, sizeof(file->sha256), hex);
	if (cli->mode != CADRE_OUTPUT_JSON) {
		cli_note(cli, "%s: %s, sha256:%s", file->name,
		         cadre_bytes_text(file->bytes, size), hex);
		return;
	}
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "file", file->name);
	cadre_json_key_u64(&json, "bytes", file->bytes);
	cadre_json_key_text(&json, "sha256", hex);
	cadre_json_end(&json, '}');
	cli_print_json(&json);
	cadre_json_fini(&json);
}

static enum cadre_status get_artifact(struct cli *cli, const char *target,
                                      const char *name)
{
	const Cadre__V1__ResourceInfo *group = NULL;
	const Cadre__V1__Artifact *artifact;
	struct cli_file file = { .name = name };
	enum cadre_status status = cli_find_group(cli, target, &group);

	if (status != CADRE_OK)
		return status;
	artifact = group->resource->group->artifact;
	if (!artifact || artifact->sha256.len != sizeof(file.sha256))
		return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
		                       "\"%.200s\" has no artifact", target);
	memcpy(file.sha256, artifact->sha256.data, sizeof(file.sha256));
	file.bytes = artifact->bytes;
	if (strcmp(name, "-") == 0) {
		file.fd = STDOUT_FILENO;
		return receive(cli, &file);
	}
	status = receive_into(cli, &file);
	if (status == CADRE_OK)
		print_got(cli, &file);
	return status;
}

enum cadre_status cli_group_artifact(struct cli *cli)
{
	const char *verb = cli->words[0];

	if (strcmp(verb, "put") == 0)
		return put_artifact(cli, cli->words[1], cli->words[2]);
	if (strcmp(verb, "get") == 0)
		return get_artifact(cli, cli->words[1], cli->words[2]);
	return cli_usage(cli, "group artifact: \"%s\" is neither put nor get", verb);
}
