/*
 * repair: says what is wrong and what it would do; does it only with --yes.
 *   views, snapshots   are thrown away: the next start builds them from the log;
 *   damaged blobs      are thrown away: who has the content uploads it again;
 *   a damaged log      is completed from a sound copy (--from), whose chain must go on
 *                      where ours is sound, or cut there (--i-accept-loss-after SEQ).
 * What is cut goes to lost+found first.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/admin/check.h"
#include "tools/admin/target.h"

enum { KEY_YES = 0x200, KEY_FROM, KEY_LOSS };

/* One write while completing a log. */
#define APPEND_BYTES (2u << 20)

static const struct argp_option options[] = {
	{ "yes", KEY_YES, NULL, 0, "Do what is said", 0 },
	{ "from", KEY_FROM, "OTHER_DIR", 0, "Take what is damaged from a sound copy", 0 },
	{ "i-accept-loss-after", KEY_LOSS, "SEQ", 0,
	  "Cut the log behind SEQ: everything later is lost", 0 },
	{ 0 }
};

struct repair_args {
	struct admin_args common;
	bool yes;
	const char *from;
	bool cut;
	cadre_seq keep;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct repair_args *args = state->input;
	struct admin_moment moment;

	switch (key) {
	case KEY_YES:
		args->yes = true;
		return 0;
	case KEY_FROM:
		args->from = arg;
		return 0;
	case KEY_LOSS:
		if (!admin_parse_moment(arg, &moment) || moment.is_time)
			argp_error(state, "--i-accept-loss-after %s: not a seq", arg);
		args->cut = true;
		args->keep = moment.seq;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

struct repair {
	const struct repair_args *args;
	struct check check;
	struct cadre_file *lock;
	char log[ADMIN_PATH_BYTES];
	char lost_found[ADMIN_PATH_BYTES];
};

static void say(const struct repair *repair, const char *format, ...) CADRE_PRINTF(2, 3);

static void say(const struct repair *repair, const char *format, ...)
{
	va_list list;

	if (repair->args->common.mode != CADRE_OUTPUT_TEXT)
		return;
	printf("%s: ", repair->args->yes ? "doing" : "would do (with --yes)");
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
}

static enum cadre_status take_lock(struct repair *repair, struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(path, repair->check.dir, "lock", err);

	if (status == CADRE_OK)
		status = cadre_file_open(env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
		                         &repair->lock, err);
	if (status == CADRE_OK)
		status = env->ops->lock(repair->lock, err);
	if (status == CADRE_CONFLICT)
		cadre_error_set(err, status, "\"%s\" is in use by another process",
		                repair->check.dir);
	return status;
}

static struct cadre_log_options log_options(const struct repair *repair)
{
	struct cadre_log_options made = { .dir = repair->log,
		                          .lost_found_dir = repair->lost_found };

	return made;
}

/* A cursor on the other log behind our last sound batch, when its chain is ours there. */
static enum cadre_status find_rest(const struct repair *repair, struct cadre_log *other,
                                   struct cadre_log_cursor **ret_cursor,
                                   struct cadre_batch *batch, struct cadre_error *err)
{
	cadre_seq last = repair->check.head.last_seq;
	struct cadre_sha256 chain = { { 0 } };
	enum cadre_status status = cadre_log_cursor_open(other, last > 0 ? last : 1,
	                                                 ret_cursor, err);

	if (status == CADRE_OK && last > 0) {
		status = cadre_log_cursor_next(*ret_cursor, batch, err);
		if (status == CADRE_OK)
			chain = batch->header.chain;
		if (status == CADRE_OK &&
		    (cadre_batch_last_seq(&batch->header) != last ||
		     memcmp(&chain, &repair->check.head.chain, 32) != 0))
			return cadre_error_set(
			        err, CADRE_CONFLICT,
			        "\"%s\" has another log: its chain differs at seq "
			        "%" PRIu64,
			        repair->args->from, last);
	}
	if (status == CADRE_OK)
		status = cadre_log_cursor_next(*ret_cursor, batch, err);
	if (status == CADRE_END || status == CADRE_NOT_FOUND)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "\"%s\" has nothing behind seq %" PRIu64,
		                       repair->args->from, last);
	return status;
}

static enum cadre_status append_rest(struct cadre_log *log,
                                     struct cadre_log_cursor *cursor,
                                     struct cadre_batch *batch, struct cadre_error *err)
{
	struct cadre_buffer pending = { 0 };
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK) {
		status = cadre_buffer_append(&pending, batch->bytes.data,
		                             batch->bytes.length);
		if (status == CADRE_OK)
			status = cadre_log_cursor_next(cursor, batch, err);
		if ((status == CADRE_OK && pending.length >= APPEND_BYTES) ||
		    status == CADRE_END) {
			enum cadre_status written = cadre_log_prepare(log, pending.length,
			                                              err);

			if (written == CADRE_OK)
				written = cadre_log_append(
				        log, cadre_buffer_slice(&pending), 0, err);
			if (written == CADRE_OK)
				written = cadre_log_sync(log, err);
			cadre_buffer_clear(&pending);
			if (written != CADRE_OK)
				status = written;
		}
	}
	cadre_buffer_fini(&pending);
	return status == CADRE_END ? CADRE_OK : status;
}

static enum cadre_status complete_log(struct repair *repair, struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	struct cadre_log_options ours = log_options(repair);
	struct cadre_log_options theirs = { 0 };
	struct cadre_log *other = NULL;
	struct cadre_log *log = NULL;
	struct cadre_log_cursor *cursor = NULL;
	struct cadre_batch batch;
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(path, repair->args->from, "log", err);

	theirs.dir = path;
	if (status == CADRE_OK)
		status = cadre_log_open_read(env, &theirs, &other, NULL, err);
	if (status == CADRE_OK)
		status = find_rest(repair, other, &cursor, &batch, err);
	if (status == CADRE_OK)
		say(repair, "take seq %" PRIu64 "..%" PRIu64 " from \"%s\"",
		    repair->check.head.last_seq + 1, cadre_log_head(other).last_seq,
		    repair->args->from);
	if (status == CADRE_OK && repair->args->yes) {
		status = cadre_log_cut(env, &ours, repair->check.head.last_seq, err);
		if (status == CADRE_OK)
			status = cadre_log_open(env, &ours, &log, NULL, err);
		if (status == CADRE_OK)
			status = append_rest(log, cursor, &batch, err);
		if (status == CADRE_OK)
			status = cadre_log_seal_mark(log, cadre_log_head(log).last_seq,
			                             err);
	}
	cadre_log_cursor_close(cursor);
	cadre_log_close(other);
	cadre_log_close(log);
	return status;
}

static enum cadre_status cut_log(struct repair *repair, struct cadre_error *err)
{
	struct cadre_log_options ours = log_options(repair);
	const struct cadre_log_report *report = &repair->check.report;

	if (repair->args->keep != repair->check.head.last_seq)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "--i-accept-loss-after %" PRIu64
		                       ": the log is sound to seq %" PRIu64
		                       ", name that one",
		                       repair->args->keep, repair->check.head.last_seq);
	say(repair, "cut the log behind seq %" PRIu64 "; \"%s\" goes to lost+found",
	    repair->args->keep, report->file);
	return repair->args->yes
	               ? cadre_log_cut(cadre_env_real(), &ours, repair->args->keep, err)
	               : CADRE_OK;
}

static enum cadre_status repair_log(struct repair *repair, bool *ret_left,
                                    struct cadre_error *err)
{
	const struct check *check = &repair->check;

	if (check->log != CHECK_DAMAGED)
		return CADRE_OK;
	admin_note(&repair->args->common,
	           "the log is damaged: \"%s\", byte %" PRIu64 ", seq %" PRIu64
	           "..%" PRIu64 "; sound to seq %" PRIu64,
	           check->report.file, check->report.offset, check->report.first_bad,
	           check->report.last_bad, check->head.last_seq);
	if (repair->args->from)
		return complete_log(repair, err);
	if (repair->args->cut)
		return cut_log(repair, err);
	admin_note(
	        &repair->args->common,
	        "either --from OTHER_DIR (a sound copy), or --i-accept-loss-after %" PRIu64,
	        check->head.last_seq);
	*ret_left = true;
	return CADRE_OK;
}

static enum cadre_status drop(struct repair *repair, const char *name, const char *why,
                              struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(path, repair->check.dir, name, err);

	say(repair, "remove \"%s\": %s", name, why);
	if (status == CADRE_OK && repair->args->yes)
		status = admin_remove_tree(path, err);
	if (status == CADRE_OK && repair->args->yes && strcmp(name, "views") == 0)
		status = env->ops->mkdir(env, path, err);
	return status;
}

static enum cadre_status repair_blobs(struct repair *repair, struct cadre_error *err)
{
	const struct check *check = &repair->check;
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0;
	     i < check->bad_blob_count && i < CHECK_FINDINGS_MAX && status == CADRE_OK;
	     i++) {
		char name[96] = "blobs/sha256/";

		cadre_hex_encode(check->bad_blobs[i].bytes, 32, name + strlen(name));
		status = drop(repair, name, "it is damaged: upload it again", err);
	}
	return status;
}

static enum cadre_status repair_rest(struct repair *repair, struct cadre_error *err)
{
	const struct check *check = &repair->check;
	enum cadre_status status = CADRE_OK;

	/* Views that saw what is cut away would be ahead of the log. */
	if (check->views >= CHECK_DIVERGED ||
	    (check->log == CHECK_DAMAGED && (repair->args->from || repair->args->cut)))
		status = drop(repair, "views", "the next start builds them from the log",
		              err);
	for (size_t i = 0; i < check->bad_snapshot_count && status == CADRE_OK; i++) {
		char name[64];

		snprintf(name, sizeof(name), "snapshots/%016" PRIx64,
		         check->bad_snapshots[i]);
		status = drop(repair, name, "it is damaged", err);
	}
	return status == CADRE_OK ? repair_blobs(repair, err) : status;
}

static int conclude(const struct repair *repair, bool left)
{
	bool sound = check_verdict(&repair->check) <= CHECK_TORN;
	struct cadre_json json = { 0 };

	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "verdict",
	                    check_verdict_name(check_verdict(&repair->check)));
	cadre_json_key_bool(&json, "repaired", !sound && repair->args->yes && !left);
	cadre_json_key_u64(&json, "soundToSeq", repair->check.head.last_seq);
	cadre_json_end(&json, '}');
	if (repair->args->common.mode == CADRE_OUTPUT_JSON)
		admin_print_json(&json);
	else if (repair->args->common.mode == CADRE_OUTPUT_TEXT && sound)
		printf("nothing to repair: %s\n",
		       check_verdict_name(check_verdict(&repair->check)));
	else if (repair->args->common.mode == CADRE_OUTPUT_TEXT && repair->args->yes &&
	         !left)
		printf("done; check with: cadre-admin verify %s\n", repair->check.dir);
	cadre_json_fini(&json);
	return sound || (repair->args->yes && !left)
	               ? 0
	               : cadre_status_exit_code(CADRE_CORRUPT);
}

int admin_repair(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { options, parse, 1, 1 };
	struct repair_args args = { 0 };
	struct repair repair = { .args = &args };
	struct cadre_error err = CADRE_ERROR_INIT;
	bool left = false;
	enum cadre_status status;
	int code;

	admin_parse(verb, &syntax, argc, argv, &args.common);
	admin_catch_signals();
	status = admin_check(args.common.words[0], &repair.check, &err);
	if (status == CADRE_OK)
		status = admin_path(repair.log, args.common.words[0], "log", &err);
	if (status == CADRE_OK)
		status = admin_path(repair.lost_found, args.common.words[0], "lost+found",
		                    &err);
	if (status == CADRE_OK)
		status = take_lock(&repair, &err);
	if (status == CADRE_OK)
		status = repair_log(&repair, &left, &err);
	if (status == CADRE_OK)
		status = repair_rest(&repair, &err);
	code = status == CADRE_OK ? conclude(&repair, left)
	                          : admin_fail(&args.common, &err);
	cadre_file_close(repair.lock);
	return code;
}
