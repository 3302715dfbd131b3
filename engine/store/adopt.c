/*
 * A snapshot from elsewhere becomes the state of a data directory.
 *
 *   1. log.new/     an empty log that goes on behind the snapshot, synced
 *   2. adopt        names the seq; from here on the new state counts
 *   3. views/STATE  goes: nobody believes the old views any more
 *   4. snapshots/   newer ones, of the events left behind, go to lost+found/
 *   5. log/         goes to lost+found/, log.new/ takes its name
 *   6. adopt        goes
 *
 * A death before 2 leaves the old state, with a log.new/ that the next adoption
 * removes. After 2, cadre_store_open() does the rest before it looks at anything; each
 * step may be done again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/store/internal.h"

#define MARK "adopt"
/* What bears one name in lost+found. */
#define KEPT_MAX 1000u

static enum cadre_status ignore_name(void *ctx, const char *name)
{
	bool *found = ctx;

	(void)name;
	if (found)
		*found = true;
	return CADRE_OK;
}

/* CADRE_OK or CADRE_NOT_FOUND; `found` (may be NULL): something is in it. */
static enum cadre_status look_into(struct cadre_env *env, const char *path, bool *found,
                                   struct cadre_error *err)
{
	return env->ops->list(env, path, ignore_name, found, err);
}

/* Durability: the new name survives. */
static enum cadre_status keep_away(struct cadre_env *env, const struct store_paths *paths,
                                   const char *from_dir, const char *name,
                                   const char *kept_name, struct cadre_error *err)
{
	char from[CADRE_PATH_BYTES];
	char numbered[128];
	char to[CADRE_PATH_BYTES];
	enum cadre_status status = cadre_store_path(from, from_dir, name, err);

	if (status == CADRE_OK)
		status = env->ops->mkdir(env, paths->lost_found, err);
	for (unsigned i = 0; status == CADRE_OK && i < KEPT_MAX; i++) {
		snprintf(numbered, sizeof numbered, "%s.%u", kept_name, i);
		status = cadre_store_path(to, paths->lost_found, numbered, err);
		if (status != CADRE_OK || look_into(env, to, NULL, NULL) == CADRE_OK)
			continue;
		status = env->ops->rename(env, from, to, err);
		if (status == CADRE_OK)
			status = env->ops->sync_dir(env, paths->lost_found, err);
		return status == CADRE_OK ? env->ops->sync_dir(env, from_dir, err)
		                          : status;
	}
	if (status != CADRE_OK)
		return status;
	return cadre_error_set(err, CADRE_CONFLICT,
	                       "\"%s\" holds %u of \"%s\"; remove some",
	                       paths->lost_found, KEPT_MAX, kept_name);
}

static enum cadre_status forget_views(struct cadre_env *env,
                                      const struct store_paths *paths,
                                      struct cadre_error *err)
{
	char path[CADRE_PATH_BYTES];
	enum cadre_status status = cadre_store_path(path, paths->views, "STATE", err);

	if (status == CADRE_OK)
		status = env->ops->remove(env, path, err);
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	return status == CADRE_OK ? env->ops->sync_dir(env, paths->views, err) : status;
}

struct newer {
	cadre_seq than;
	char name[32];
};

static enum cadre_status find_newer(void *ctx, const char *name)
{
	struct newer *newer = ctx;
	char *end;
	cadre_seq seq = strtoull(name, &end, 16);

	if (end == name + 16 && *end == '\0' && seq > newer->than)
		snprintf(newer->name, sizeof newer->name, "%s", name);
	return CADRE_OK;
}

static enum cadre_status move_newer_snapshots(struct cadre_env *env,
                                              const struct store_paths *paths,
                                              cadre_seq seq, struct cadre_error *err)
{
	struct newer newer = { .than = seq };
	char kept[64];
	enum cadre_status status;

	do {
		newer.name[0] = '\0';
		status = env->ops->list(env, paths->snapshots, find_newer, &newer, err);
		if (status != CADRE_OK || newer.name[0] == '\0')
			return status;
		snprintf(kept, sizeof kept, "snapshot.%s", newer.name);
		status = keep_away(env, paths, paths->snapshots, newer.name, kept, err);
	} while (status == CADRE_OK);
	return status;
}

static enum cadre_status change_logs(struct cadre_env *env,
                                     const struct store_paths *paths, cadre_seq seq,
                                     struct cadre_error *err)
{
	char fresh[CADRE_PATH_BYTES];
	char kept[64];
	bool filled = false;
	enum cadre_status status = cadre_store_path(fresh, paths->dir, "log.new", err);

	if (status == CADRE_OK)
		status = look_into(env, fresh, NULL, err);
	if (status != CADRE_OK)
		return status == CADRE_NOT_FOUND ? CADRE_OK : status;
	status = look_into(env, paths->log, &filled, err);
	snprintf(kept, sizeof kept, "log.before-%016" PRIx64, seq);
	if (status == CADRE_OK)
		status = filled ? keep_away(env, paths, paths->dir, "log", kept, err)
		                : cadre_env_remove_tree(env, paths->log, err);
	if (status == CADRE_OK || status == CADRE_NOT_FOUND)
		status = env->ops->rename(env, fresh, paths->log, err);
	return status == CADRE_OK ? env->ops->sync_dir(env, paths->dir, err) : status;
}

static enum cadre_status read_mark(struct cadre_env *env, const struct store_paths *paths,
                                   cadre_seq *ret_seq, struct cadre_error *err)
{
	char path[CADRE_PATH_BYTES];
	char text[64];
	size_t length;
	unsigned long long seq;
	enum cadre_status status = cadre_store_path(path, paths->dir, MARK, err);

	if (status == CADRE_OK)
		status = cadre_env_read_file(env, path, text, sizeof text - 1, &length,
		                             err);
	if (status != CADRE_OK)
		return status;
	text[length] = '\0';
	if (sscanf(text, "format 0\nseq %llu\n", &seq) != 1)
		return cadre_error_set(err, CADRE_CORRUPT, "\"%s\" cannot be read", path);
	*ret_seq = seq;
	return CADRE_OK;
}

enum cadre_status cadre_store_resume_adoption(struct cadre_env *env,
                                              const struct store_paths *paths,
                                              struct cadre_error *err)
{
	char mark[CADRE_PATH_BYTES];
	cadre_seq seq = 0;
	enum cadre_status status = read_mark(env, paths, &seq, err);

	if (status != CADRE_OK)
		return status == CADRE_NOT_FOUND ? CADRE_OK : status;
	status = forget_views(env, paths, err);
	if (status == CADRE_OK)
		status = move_newer_snapshots(env, paths, seq, err);
	if (status == CADRE_OK)
		status = change_logs(env, paths, seq, err);
	if (status == CADRE_OK)
		status = cadre_store_path(mark, paths->dir, MARK, err);
	if (status == CADRE_OK)
		status = env->ops->remove(env, mark, err);
	return status == CADRE_OK ? env->ops->sync_dir(env, paths->dir, err) : status;
}

static enum cadre_status make_log(struct cadre_env *env, const struct store_paths *paths,
                                  const struct cadre_view_head *head,
                                  uint64_t segment_bytes, struct cadre_error *err)
{
	char fresh[CADRE_PATH_BYTES];
	struct cadre_log_options options = { .dir = fresh,
		                             .lost_found_dir = paths->lost_found,
		                             .segment_bytes = segment_bytes };
	enum cadre_status status = cadre_store_path(fresh, paths->dir, "log.new", err);

	if (status == CADRE_OK)
		status = cadre_env_remove_tree(env, fresh, err);
	if (status != CADRE_OK)
		return status;
	return cadre_log_create_at(env, &options, head->applied_seq + 1, head->epoch,
	                           head->time_ms, &head->chain, err);
}

static enum cadre_status find_snapshot(struct cadre_env *env,
                                       const struct store_paths *paths, cadre_seq seq,
                                       struct cadre_snapshot_info *ret_info,
                                       struct cadre_error *err)
{
	enum cadre_status status = cadre_snapshot_newest(env, paths->snapshots, seq,
	                                                 ret_info, err);

	if (status == CADRE_OK && ret_info->head.applied_seq != seq)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "\"%s\": no sound snapshot of seq %" PRIu64,
		                       paths->snapshots, seq);
	return status;
}

static enum cadre_status adopt_locked(struct cadre_env *env,
                                      const struct store_paths *paths, cadre_seq seq,
                                      uint64_t segment_bytes, struct cadre_error *err)
{
	struct cadre_snapshot_info info;
	char text[64];
	int length = snprintf(text, sizeof text, "format 0\nseq %" PRIu64 "\n", seq);
	enum cadre_status status = cadre_store_resume_adoption(env, paths, err);

	if (status == CADRE_OK)
		status = find_snapshot(env, paths, seq, &info, err);
	if (status == CADRE_OK)
		status = make_log(env, paths, &info.head, segment_bytes, err);
	if (status == CADRE_OK)
		status = cadre_env_write_atomic(env, paths->dir, MARK, text,
		                                (size_t)length, err);
	if (status == CADRE_OK)
		status = cadre_store_resume_adoption(env, paths, err);
	return status;
}

enum cadre_status cadre_store_adopt(struct cadre_env *env, const char *dir, cadre_seq seq,
                                    uint64_t segment_bytes, struct cadre_error *err)
{
	struct store_paths paths;
	struct cadre_file *lock = NULL;
	uint8_t node_id[16];
	enum cadre_status status = cadre_store_paths(&paths, dir, err);

	if (status == CADRE_OK)
		status = cadre_node_read(env, &paths, node_id, err);
	if (status == CADRE_OK)
		status = cadre_store_take_lock(env, &paths, &lock, err);
	if (status == CADRE_OK)
		status = adopt_locked(env, &paths, seq, segment_bytes, err);
	cadre_file_close(lock);
	return status;
}

enum cadre_status cadre_store_adopt_snapshot(struct cadre_env *env, const char *dir,
                                             cadre_seq seq, struct cadre_error *err)
{
	return cadre_store_adopt(env, dir, seq, 0, err);
}
