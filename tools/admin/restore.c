/* A snapshot directory, or a dump, as a new data directory. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tools/admin/source.h"
#include "tools/admin/target.h"

#define COPY_BYTES (1u << 20)

static enum cadre_status copy_file(const char *from_dir, const char *to_dir,
                                   const char *name, struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	struct cadre_file *in = NULL;
	struct cadre_file *out = NULL;
	uint8_t *bytes = malloc(COPY_BYTES);
	char path[ADMIN_PATH_BYTES];
	uint64_t offset = 0;
	size_t got = COPY_BYTES;
	enum cadre_status status = bytes ? admin_path(path, from_dir, name, err)
	                                 : cadre_error_set(err, CADRE_OUT_OF_MEMORY,
	                                                   "copying: out of memory");

	if (status == CADRE_OK)
		status = cadre_file_open(env, path, CADRE_OPEN_READ, &in, err);
	if (status == CADRE_OK)
		status = admin_path(path, to_dir, name, err);
	if (status == CADRE_OK)
		status = cadre_file_open(env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
		                         &out, err);
	while (status == CADRE_OK && got == COPY_BYTES) {
		status = env->ops->pread(in, offset, bytes, COPY_BYTES, &got, err);
		if (status == CADRE_OK && got > 0)
			status = env->ops->pwrite(out, offset, bytes, got, err);
		if (status == CADRE_OK)
			status = admin_check_signals(err);
		offset += got;
	}
	if (status == CADRE_OK)
		status = env->ops->datasync(out, err);
	cadre_file_close(in);
	cadre_file_close(out);
	free(bytes);
	return status;
}

/* "…/<seq, 16 hex>": the folder and the seq. */
static enum cadre_status split_path(const char *path, char parent[ADMIN_PATH_BYTES],
                                    cadre_seq *ret_seq, struct cadre_error *err)
{
	char *slash;
	char *end = NULL;
	enum cadre_status status = admin_path(parent, path, "", err);

	if (status != CADRE_OK)
		return status;
	for (size_t length = strlen(parent); length > 1 && parent[length - 1] == '/';
	     length--)
		parent[length - 1] = '\0';
	slash = strrchr(parent, '/');
	if (!slash || strlen(slash + 1) != 16)
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "\"%s\" is no snapshot: its name is not 16 hex digits", path);
	*ret_seq = strtoull(slash + 1, &end, 16);
	if (*end != '\0')
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "\"%s\" is no snapshot: its name is not 16 hex digits", path);
	*slash = '\0';
	return CADRE_OK;
}

static enum cadre_status find_info(const char *parent, cadre_seq seq,
                                   struct cadre_snapshot_info *ret_info,
                                   struct cadre_error *err)
{
	enum cadre_status status = cadre_snapshot_newest(cadre_env_real(), parent, seq,
	                                                 ret_info, err);

	if (status == CADRE_OK && ret_info->head.applied_seq != seq)
		status = cadre_error_set(err, CADRE_CORRUPT,
		                         "the snapshot of seq %" PRIu64 " is damaged",
		                         seq);
	return status;
}

/* The snapshot in its place, and adopted; opening the store then loads it. */
static enum cadre_status fill(struct admin_target *target, const char *snapshot,
                              const struct cadre_snapshot_info *info,
                              struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	char copy[ADMIN_PATH_BYTES];
	char name[64];
	enum cadre_status status;

	snprintf(name, sizeof(name), "snapshots/%016" PRIx64, info->head.applied_seq);
	status = admin_path(copy, target->partial, name, err);
	if (status == CADRE_OK)
		status = env->ops->mkdir(env, copy, err);
	if (status == CADRE_OK)
		status = copy_file(snapshot, copy, "rows", err);
	if (status == CADRE_OK)
		status = copy_file(snapshot, copy, "manifest", err);
	if (status == CADRE_OK)
		status = env->ops->sync_dir(env, copy, err);
	if (status == CADRE_OK)
		status = admin_path(copy, target->partial, "snapshots", err);
	if (status == CADRE_OK)
		status = env->ops->sync_dir(env, copy, err);
	if (status != CADRE_OK)
		return status;
	return cadre_store_adopt_snapshot(env, target->partial, info->head.applied_seq,
	                                  err);
}

static enum cadre_status restore_snapshot(struct admin_target *target,
                                          const struct admin_args *args,
                                          struct cadre_store_status *ret_at,
                                          struct cadre_error *err)
{
	struct cadre_snapshot_info info;
	char parent[ADMIN_PATH_BYTES];
	cadre_seq seq = 0;
	enum cadre_status status = split_path(args->words[0], parent, &seq, err);

	if (status == CADRE_OK)
		status = find_info(parent, seq, &info, err);
	if (status == CADRE_OK)
		status = admin_target_make(target, args->words[1], err);
	if (status == CADRE_OK)
		status = fill(target, args->words[0], &info, err);
	if (status == CADRE_OK)
		status = admin_target_open(target, err);
	if (status != CADRE_OK)
		return status;
	cadre_store_status(target->store, ret_at);
	if (ret_at->view.applied_seq != seq ||
	    !cadre_hash128_equal(ret_at->view.digest, info.head.digest))
		return cadre_error_set(err, CADRE_DIVERGED,
		                       "restored to seq %" PRIu64
		                       ", the snapshot says %" PRIu64,
		                       ret_at->view.applied_seq, seq);
	return admin_target_finish(target, err);
}

int admin_restore(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { NULL, NULL, 2, 2 };
	struct admin_args args = { 0 };
	struct admin_target target = { 0 };
	struct cadre_store_status at;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_json json = { 0 };
	struct stat info;
	char digest[33];
	int code = 0;

	/* A dump is replay's work; its own words are the same two. */
	if (argc > 1 && (stat(argv[1], &info) != 0 || !S_ISDIR(info.st_mode)))
		return admin_replay(verb, argc, argv);
	admin_parse(verb, &syntax, argc, argv, &args);
	admin_catch_signals();
	if (restore_snapshot(&target, &args, &at, &err) == CADRE_OK) {
		cadre_hash128_format(at.view.digest, digest);
		cadre_json_begin(&json, '{');
		cadre_json_key_text(&json, "directory", args.words[1]);
		cadre_json_key_u64(&json, "seq", at.view.applied_seq);
		cadre_json_key_text(&json, "digest", digest);
		cadre_json_end(&json, '}');
		if (args.mode == CADRE_OUTPUT_JSON)
			admin_print_json(&json);
		else if (args.mode == CADRE_OUTPUT_TEXT)
			printf("restored to seq %" PRIu64
			       "\n  digest %s (as in the snapshot)\n",
			       at.view.applied_seq, digest);
		cadre_json_fini(&json);
	} else {
		code = admin_fail(&args, &err);
	}
	admin_target_discard(&target, &args);
	return code;
}
