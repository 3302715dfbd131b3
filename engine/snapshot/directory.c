#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/snapshot/format.h"

/* Kept are two; a directory of more has something wrong with it. */
#define NAMES_MAX 4096u

struct names {
	struct cadre_buffer seqs;    /* cadre_seq each: names of whole snapshots */
	struct cadre_buffer aborted; /* names ending in .tmp, each with its NUL */
};

static void names_fini(struct names *names)
{
	cadre_buffer_fini(&names->seqs);
	cadre_buffer_fini(&names->aborted);
}

static bool parse_seq(const char *name, cadre_seq *ret_seq)
{
	cadre_seq seq = 0;
	size_t i;

	for (i = 0; name[i] != '\0' && i < SNAPSHOT_NAME_CHARS; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit = strchr(digits, name[i]);
		if (!digit)
			return false;
		seq = seq << 4 | (cadre_seq)(digit - digits);
	}
	*ret_seq = seq;
	return i == SNAPSHOT_NAME_CHARS && name[i] == '\0';
}

static bool is_aborted(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && strcmp(name + length - 4, ".tmp") == 0;
}

static enum cadre_status note_name(void *ctx, const char *name)
{
	struct names *names = ctx;
	cadre_seq seq;

	if (names->seqs.length >= NAMES_MAX * sizeof seq)
		return CADRE_LIMIT_EXCEEDED;
	if (is_aborted(name))
		return cadre_buffer_append(&names->aborted, name, strlen(name) + 1);
	if (!parse_seq(name, &seq))
		return CADRE_OK;
	return cadre_buffer_append(&names->seqs, &seq, sizeof seq);
}

static int compare_seqs(const void *a, const void *b)
{
	cadre_seq left, right;

	memcpy(&left, a, sizeof left);
	memcpy(&right, b, sizeof right);
	return left < right ? -1 : left > right;
}

/* Oldest first. A missing directory has none. */
static enum cadre_status names_read(struct cadre_env *env, const char *dir,
                                    struct names *names, struct cadre_error *err)
{
	enum cadre_status status = env->ops->list(env, dir, note_name, names, err);

	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status == CADRE_OK && names->seqs.length > 0)
		qsort(names->seqs.data, names->seqs.length / sizeof(cadre_seq),
		      sizeof(cadre_seq), compare_seqs);
	return status;
}

static size_t names_count(const struct names *names)
{
	return names->seqs.length / sizeof(cadre_seq);
}

static cadre_seq names_at(const struct names *names, size_t index)
{
	cadre_seq seq;

	memcpy(&seq, names->seqs.data + index * sizeof seq, sizeof seq);
	return seq;
}

/* Of another version, damaged, or gone meanwhile: not this one. */
static bool passed_over(enum cadre_status status)
{
	return status == CADRE_CORRUPT || status == CADRE_INCORRECT_STATE ||
	       status == CADRE_NOT_FOUND;
}

static enum cadre_status read_info(struct cadre_env *env, const char *dir, cadre_seq seq,
                                   struct cadre_snapshot_info *ret_info,
                                   struct cadre_error *err)
{
	struct snapshot_manifest manifest;
	enum cadre_status status = snapshot_manifest_open(env, dir, seq, &manifest, err);

	if (status != CADRE_OK)
		return status;
	*ret_info = manifest.info;
	snapshot_manifest_close(&manifest);
	return CADRE_OK;
}

static enum cadre_status newest_of(struct cadre_env *env, const char *dir,
                                   const struct names *names, cadre_seq seq_max,
                                   struct cadre_snapshot_info *ret_info,
                                   struct cadre_error *err)
{
	struct cadre_error damage = CADRE_ERROR_INIT;

	for (size_t i = names_count(names); i-- > 0;) {
		cadre_seq seq = names_at(names, i);
		struct cadre_error here = CADRE_ERROR_INIT;
		enum cadre_status status;

		if (seq > seq_max)
			continue;
		status = read_info(env, dir, seq, ret_info, &here);
		if (status != CADRE_OK && !passed_over(status)) {
			if (err)
				*err = here;
			return status;
		}
		if (status == CADRE_OK)
			return CADRE_OK;
		if (damage.status == CADRE_OK)
			damage = here;
	}
	if (damage.status != CADRE_OK)
		return cadre_error_set(err, CADRE_NOT_FOUND, "no sound snapshot: %s",
		                       damage.message);
	return cadre_error_set(err, CADRE_NOT_FOUND,
	                       "no snapshot at or below seq %" PRIu64 " in \"%s\"",
	                       seq_max, dir);
}

enum cadre_status cadre_snapshot_newest(struct cadre_env *env, const char *dir,
                                        cadre_seq seq_max,
                                        struct cadre_snapshot_info *ret_info,
                                        struct cadre_error *err)
{
	struct names names = { 0 };
	enum cadre_status status = names_read(env, dir, &names, err);

	if (status == CADRE_OK)
		status = newest_of(env, dir, &names, seq_max, ret_info, err);
	names_fini(&names);
	return status;
}

enum cadre_status cadre_snapshot_list(struct cadre_env *env, const char *dir,
                                      cadre_snapshot_fn fn, void *ctx,
                                      struct cadre_error *err)
{
	struct names names = { 0 };
	enum cadre_status status = names_read(env, dir, &names, err);

	for (size_t i = 0; status == CADRE_OK && i < names_count(&names); i++) {
		struct cadre_snapshot_info info;

		status = read_info(env, dir, names_at(&names, i), &info, err);
		if (status == CADRE_OK)
			status = fn(ctx, &info);
		else if (passed_over(status))
			status = CADRE_OK;
	}
	names_fini(&names);
	return status;
}

/* ---- pruning ---- */

/* Under another name first: half of it removed must not look like a snapshot. */
static enum cadre_status remove_one(struct cadre_env *env, const char *dir, cadre_seq seq,
                                    struct cadre_error *err)
{
	char path[SNAPSHOT_PATH_BYTES], tmp[SNAPSHOT_PATH_BYTES];
	enum cadre_status status = snapshot_path(path, dir, seq, "", err);

	if (status == CADRE_OK)
		status = snapshot_path(tmp, dir, seq, ".tmp", err);
	if (status == CADRE_OK)
		status = env->ops->rename(env, path, tmp, err);
	if (status == CADRE_OK)
		status = cadre_env_remove_tree(env, tmp, err);
	return status;
}

static enum cadre_status remove_aborted(struct cadre_env *env, const char *dir,
                                        const struct names *names,
                                        struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (size_t at = 0; status == CADRE_OK && at < names->aborted.length;) {
		const char *name = (const char *)names->aborted.data + at;
		char path[SNAPSHOT_PATH_BYTES];

		at += strlen(name) + 1;
		if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "\"%.64s...\": path longer than %u bytes",
			                       dir, SNAPSHOT_PATH_BYTES - 1);
		status = cadre_env_remove_tree(env, path, err);
	}
	return status;
}

/* Damaged ones do not count among those kept, or they would push sound ones out. */
static enum cadre_status remove_old(struct cadre_env *env, const char *dir,
                                    const struct names *names, unsigned keep,
                                    struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;
	unsigned kept = 0;

	for (size_t i = names_count(names); status == CADRE_OK && i-- > 0;) {
		cadre_seq seq = names_at(names, i);
		struct cadre_snapshot_info info;

		if (kept < keep) {
			status = read_info(env, dir, seq, &info, err);
			if (status == CADRE_OK) {
				kept++;
				continue;
			}
			if (!passed_over(status))
				return status;
		}
		status = remove_one(env, dir, seq, err);
	}
	return status;
}

enum cadre_status cadre_snapshot_prune(struct cadre_env *env, const char *dir,
                                       unsigned keep, struct cadre_error *err)
{
	struct names names = { 0 };
	enum cadre_status status = names_read(env, dir, &names, err);

	if (status == CADRE_OK)
		status = remove_aborted(env, dir, &names, err);
	if (status == CADRE_OK)
		status = remove_old(env, dir, &names, keep, err);
	names_fini(&names);
	return status;
}
