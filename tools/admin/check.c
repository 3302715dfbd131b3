#include "tools/admin/check.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "tools/admin/source.h"
#include "tools/admin/target.h"

/* Events of one transaction of the replay: bounds its dirty pages. */
#define APPLY_EVENTS 8192u
#define ARENA_BYTES (64u << 20)

const char *check_verdict_name(enum check_verdict verdict)
{
	static const char *const names[] = { "sound", "torn", "diverged", "damaged" };

	return names[verdict];
}

enum check_verdict check_verdict(const struct check *check)
{
	enum check_verdict worst = check->log;

	if (check->snapshots > worst)
		worst = check->snapshots;
	if (check->blobs > worst)
		worst = check->blobs;
	return check->views > worst ? check->views : worst;
}

struct check_finding *check_add_finding(struct check *check, const char *part)
{
	static struct check_finding surplus;
	struct check_finding *finding = check->finding_count < CHECK_FINDINGS_MAX
	                                        ? &check->findings[check->finding_count]
	                                        : &surplus;

	check->finding_count++;
	*finding = (struct check_finding){ 0 };
	snprintf(finding->part, sizeof(finding->part), "%s", part);
	return finding;
}

struct log_check {
	struct check *check;
	struct cadre_progress progress;
};

static void on_finding(void *ctx, const struct cadre_log_finding *found)
{
	struct log_check *log_check = ctx;
	struct check_finding *finding;

	if (!found->message) {
		cadre_progress_show(&log_check->progress, found->bytes_done,
		                    found->bytes_total);
		return;
	}
	finding = check_add_finding(log_check->check, "log");
	snprintf(finding->file, sizeof(finding->file), "log/%s",
	         found->file ? found->file : "");
	snprintf(finding->message, sizeof(finding->message), "%s", found->message);
	finding->offset = found->offset;
	finding->first_seq = found->first_seq;
	finding->last_seq = found->last_seq;
}

static enum cadre_status check_log(struct check *check, struct cadre_error *err)
{
	struct log_check log_check = { .check = check };
	struct cadre_log_options options = { 0 };
	struct cadre_log *log = NULL;
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(path, check->dir, "log", err);

	options.dir = path;
	if (status == CADRE_OK)
		status = cadre_log_open_read(cadre_env_real(), &options, &log,
		                             &check->report, err);
	if (status != CADRE_OK)
		return status;
	check->head = cadre_log_head(log);
	cadre_log_close(log);
	cadre_progress_begin(&log_check.progress, "checking the log", "bytes");
	status = cadre_log_verify(cadre_env_real(), &options, on_finding, &log_check,
	                          NULL, err);
	cadre_progress_end(&log_check.progress);
	if (status == CADRE_TORN)
		check->log = CHECK_TORN;
	else if (status == CADRE_CORRUPT || status == CADRE_DIVERGED)
		check->log = CHECK_DAMAGED;
	else if (status != CADRE_OK)
		return status;
	if (check->log == CHECK_DAMAGED && check->finding_count == 0)
		snprintf(check_add_finding(check, "log")->message, 256, "%.255s",
		         err->message);
	return CADRE_OK;
}

struct snapshot_list {
	cadre_seq seqs[CHECK_FINDINGS_MAX];
	size_t count;
};

static enum cadre_status note_snapshot(void *ctx, const struct cadre_snapshot_info *info)
{
	struct snapshot_list *list = ctx;

	if (list->count < CHECK_FINDINGS_MAX)
		list->seqs[list->count++] = info->head.applied_seq;
	return CADRE_OK;
}

static enum cadre_status check_snapshots(struct check *check, struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	struct snapshot_list list = { 0 };
	struct cadre_progress progress;
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(path, check->dir, "snapshots", err);

	if (status == CADRE_OK)
		status = cadre_snapshot_list(env, path, note_snapshot, &list, err);
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	cadre_progress_begin(&progress, "checking snapshots", "rows");
	for (size_t i = 0; i < list.count && status == CADRE_OK; i++) {
		struct cadre_error cause = CADRE_ERROR_INIT;
		struct check_finding *finding;

		status = cadre_snapshot_verify(env, path, list.seqs[i], admin_progress,
		                               &progress, &cause);
		check->snapshots_checked++;
		if (status != CADRE_CORRUPT && status != CADRE_DIVERGED) {
			if (status != CADRE_OK)
				*err = cause;
			continue;
		}
		status = CADRE_OK;
		check->snapshots = CHECK_DAMAGED;
		check->bad_snapshots[check->bad_snapshot_count++] = list.seqs[i];
		finding = check_add_finding(check, "snapshots");
		snprintf(finding->file, sizeof(finding->file), "snapshots/%016" PRIx64,
		         list.seqs[i]);
		snprintf(finding->message, sizeof(finding->message), "%.255s",
		         cause.message);
		finding->first_seq = finding->last_seq = list.seqs[i];
	}
	cadre_progress_end(&progress);
	return status;
}

/* The rows as they are: every checksum, and the digest counted anew. */
static enum cadre_status recount(struct check *check, const char *path,
                                 struct cadre_error *err)
{
	struct cadre_kv_options options = { .read_only = true };
	struct cadre_error cause = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	struct cadre_view view;
	struct cadre_kv *kv = NULL;
	enum cadre_status status = cadre_kv_open_lmdb(path, &options, &kv, &cause);

	cadre_arena_init(&arena, ARENA_BYTES);
	if (status == CADRE_OK)
		status = cadre_view_begin(&view, kv, CADRE_KV_READ, &arena, &cause);
	if (status == CADRE_OK) {
		check->has_views = true;
		check->view = view.head;
		status = cadre_view_recount(&view, &check->view_rows, &cause);
		cadre_view_abort(&view);
	}
	cadre_kv_close(kv);
	cadre_arena_fini(&arena);
	if (status == CADRE_CORRUPT || status == CADRE_DIVERGED) {
		struct check_finding *finding = check_add_finding(check, "views");

		check->views = status == CADRE_CORRUPT ? CHECK_DAMAGED : CHECK_DIVERGED;
		snprintf(finding->message, sizeof(finding->message), "%.255s",
		         cause.message);
		finding->last_seq = check->view.applied_seq;
		return CADRE_OK;
	}
	if (status != CADRE_OK)
		*err = cause;
	return status;
}

struct rebuild {
	struct check *check;
	struct cadre_kv *kv;
	struct cadre_log_cursor *cursor;
	struct cadre_arena arena;
	struct cadre_progress progress;
	struct cadre_view_head head;
};

/* One transaction's worth. CADRE_END when the wanted seq is reached. */
static enum cadre_status rebuild_slice(struct rebuild *rebuild, struct cadre_error *err)
{
	cadre_seq wanted = rebuild->check->view.applied_seq;
	struct cadre_view view;
	struct cadre_batch batch;
	cadre_seq start;
	enum cadre_status status = cadre_view_begin(&view, rebuild->kv, CADRE_KV_WRITE,
	                                            &rebuild->arena, err);

	if (status != CADRE_OK)
		return status;
	start = view.head.applied_seq;
	while (view.head.applied_seq < wanted &&
	       view.head.applied_seq < start + APPLY_EVENTS) {
		status = cadre_log_cursor_next(rebuild->cursor, &batch, err);
		if (status == CADRE_OK &&
		    cadre_batch_last_seq(&batch.header) > view.head.applied_seq)
			status = cadre_view_apply_batch(&view, &batch, err);
		if (status != CADRE_OK)
			break;
	}
	rebuild->head = view.head;
	if (status != CADRE_OK) {
		cadre_view_abort(&view);
		return status;
	}
	status = cadre_view_commit(&view, err);
	cadre_kv_relax(rebuild->kv);
	cadre_progress_show(&rebuild->progress, rebuild->head.applied_seq, wanted);
	if (status == CADRE_OK)
		status = admin_check_signals(err);
	return status == CADRE_OK && rebuild->head.applied_seq >= wanted ? CADRE_END
	                                                                 : status;
}

/* Starts from the log's beginning, or from a snapshot when the log starts later. */
static enum cadre_status rebuild_start(struct rebuild *rebuild, struct cadre_log *log,
                                       struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	struct check *check = rebuild->check;
	cadre_seq first = cadre_log_stat(log).first_seq;
	struct cadre_snapshot_info info = { 0 };
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(path, check->dir, "snapshots", err);

	if (status == CADRE_OK && first != 1) {
		status = cadre_snapshot_newest(env, path, check->view.applied_seq, &info,
		                               err);
		if (status == CADRE_OK)
			status = cadre_snapshot_load(env, path, info.head.applied_seq,
			                             rebuild->kv, admin_progress,
			                             &rebuild->progress, err);
		first = info.head.applied_seq + 1;
	}
	rebuild->head = info.head;
	if (status != CADRE_OK || first > check->view.applied_seq)
		return status;
	return cadre_log_cursor_open(log, first, &rebuild->cursor, err);
}

static enum cadre_status rebuild_all(struct rebuild *rebuild, const char *path,
                                     struct cadre_error *err)
{
	struct check *check = rebuild->check;
	struct cadre_log_options options = { 0 };
	struct cadre_log *log = NULL;
	char log_path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(log_path, check->dir, "log", err);

	options.dir = log_path;
	if (status == CADRE_OK)
		status = cadre_log_open_read(cadre_env_real(), &options, &log, NULL, err);
	if (status == CADRE_OK)
		status = cadre_kv_open_lmdb(path, &(struct cadre_kv_options){ 0 },
		                            &rebuild->kv, err);
	if (status == CADRE_OK)
		status = rebuild_start(rebuild, log, err);
	while (status == CADRE_OK && rebuild->cursor)
		status = rebuild_slice(rebuild, err);
	cadre_log_cursor_close(rebuild->cursor);
	cadre_kv_close(rebuild->kv);
	cadre_log_close(log);
	return status == CADRE_END ? CADRE_OK : status;
}

static void compare(struct check *check, const struct cadre_view_head *head)
{
	struct check_finding *finding;
	char found[33];
	char replayed[33];

	check->rebuilt = head->digest;
	if (cadre_hash128_equal(head->digest, check->view.digest) &&
	    memcmp(head->chain.bytes, check->view.chain.bytes, 32) == 0)
		return;
	check->views = CHECK_DIVERGED;
	finding = check_add_finding(check, "views");
	cadre_hash128_format(check->view.digest, found);
	cadre_hash128_format(head->digest, replayed);
	snprintf(finding->message, sizeof(finding->message),
	         "digest %s, a replay of the log gives %s", found, replayed);
	finding->first_seq = 1;
	finding->last_seq = check->view.applied_seq;
}

static enum cadre_status replay_views(struct check *check, struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	struct rebuild rebuild = { .check = check };
	struct cadre_error cause = CADRE_ERROR_INIT;
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(path, check->dir, "verify.tmp", err);

	if (status == CADRE_OK)
		status = admin_remove_tree(path, err);
	if (status == CADRE_OK)
		status = env->ops->mkdir(env, path, err);
	if (status != CADRE_OK)
		return status;
	cadre_arena_init(&rebuild.arena, ARENA_BYTES);
	cadre_progress_begin(&rebuild.progress, "replaying", "events");
	status = rebuild_all(&rebuild, path, &cause);
	cadre_progress_end(&rebuild.progress);
	cadre_arena_fini(&rebuild.arena);
	if (status == CADRE_OK) {
		compare(check, &rebuild.head);
	} else if (status == CADRE_DIVERGED || status == CADRE_CORRUPT) {
		struct check_finding *finding = check_add_finding(check, "log");

		check->log = status == CADRE_CORRUPT ? CHECK_DAMAGED : CHECK_DIVERGED;
		snprintf(finding->message, sizeof(finding->message), "%.255s",
		         cause.message);
		finding->first_seq = finding->last_seq = rebuild.head.applied_seq + 1;
		status = CADRE_OK;
	} else {
		*err = cause;
	}
	if (status != CADRE_OK) {
		(void)!admin_remove_tree(path, NULL);
		return status;
	}
	return admin_remove_tree(path, err);
}

static enum cadre_status check_views(struct check *check, struct cadre_error *err)
{
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_views_path(check->dir, path, NULL);

	if (status != CADRE_OK)
		return CADRE_OK; /* none that count: the next start builds them */
	status = recount(check, path, err);
	if (status != CADRE_OK || !check->has_views || check->view.applied_seq == 0)
		return status;
	if (check->view.applied_seq > check->head.last_seq) {
		if (check->log == CHECK_DAMAGED)
			return CADRE_OK; /* nothing to compare with */
		check->views = CHECK_DIVERGED;
		snprintf(check_add_finding(check, "views")->message, 256,
		         "they stand at seq %" PRIu64 ", the log ends at %" PRIu64,
		         check->view.applied_seq, check->head.last_seq);
		return CADRE_OK;
	}
	return replay_views(check, err);
}

enum cadre_status admin_check(const char *dir, struct check *check,
                              struct cadre_error *err)
{
	char path[ADMIN_PATH_BYTES];
	struct stat info;
	enum cadre_status status = admin_path(path, dir, "node.meta", err);

	*check = (struct check){ .dir = dir };
	if (status == CADRE_OK && stat(path, &info) != 0)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "\"%s\" is no Cadre data directory", dir);
	if (status == CADRE_OK)
		status = check_log(check, err);
	if (status == CADRE_OK)
		status = check_snapshots(check, err);
	if (status == CADRE_OK)
		status = check_views(check, err);
	if (status == CADRE_OK)
		status = check_blobs(check, err);
	return status;
}
