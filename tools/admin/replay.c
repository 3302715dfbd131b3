#include "tools/admin/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/admin/source.h"

enum {
	KEY_UNTIL = 0x200,
	KEY_ONLY,
	KEY_DRY_RUN,
	KEY_VIEWS_ONLY,
	KEY_RATE,
	KEY_NEW_TIMELINE
};

static const struct argp_option options[] = {
	{ "until", KEY_UNTIL, "SEQ|TIME", 0, "End at the last whole batch not behind it",
	  0 },
	{ "only", KEY_ONLY, "OCID", 0,
	  "Only one group or history and its sources, as a new timeline", 0 },
	{ "dry-run", KEY_DRY_RUN, NULL, 0, "Read and check the dump, make nothing", 0 },
	{ "views-only", KEY_VIEWS_ONLY, NULL, 0,
	  "Build DIR's views anew from its own log", 0 },
	{ "rate", KEY_RATE, "N", 0, "At most N events a second", 0 },
	{ "new-timeline", KEY_NEW_TIMELINE, NULL, 0,
	  "Chain anew: the copy is not the same log any more", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct replay_args *args = state->input;
	char *end = NULL;

	switch (key) {
	case KEY_UNTIL:
		if (!admin_parse_moment(arg, &args->until))
			argp_error(state, "--until %s: neither a seq nor a time", arg);
		return 0;
	case KEY_ONLY:
		args->only = arg;
		return 0;
	case KEY_DRY_RUN:
		args->dry_run = true;
		return 0;
	case KEY_VIEWS_ONLY:
		args->views_only = true;
		return 0;
	case KEY_RATE:
		args->rate = strtoull(arg, &end, 10);
		if (args->rate == 0 || *end != '\0')
			argp_error(state, "--rate %s: not a number of events a second",
			           arg);
		return 0;
	case KEY_NEW_TIMELINE:
		args->new_timeline = true;
		return 0;
	case ARGP_KEY_END:
		if (args->views_only != (args->common.count == 1))
			argp_error(state, "needs DUMP DIR, or --views-only DIR");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

struct replay {
	const struct replay_args *args;
	int fd;
	uint64_t dump_bytes; /* 0: not known */
	struct cadre_dump_reader *reader;
	struct admin_target target;
	struct replay_selection *selection;
	struct replay_rewriter rewriter;
	bool rewrites;
	struct cadre_progress progress;
	uint64_t started_ns;
	/* What was written, or would be. */
	uint64_t batches, events;
	cadre_seq last_seq;
	struct cadre_sha256 chain;
	bool stopped; /* --until left something out */
	struct cadre_store_status at;
};

static enum cadre_status read_input(void *ctx, void *data, size_t capacity,
                                    size_t *ret_length, struct cadre_error *err)
{
	const struct replay *replay = ctx;
	ssize_t got;

	do {
		got = read(replay->fd, data, capacity);
	} while (got < 0 && errno == EINTR && !admin_interrupted());
	if (got < 0)
		return cadre_error_errno(err, errno, "reading \"%s\"",
		                         replay->args->dump);
	*ret_length = (size_t)got;
	return CADRE_OK;
}

static enum cadre_status open_input(struct replay *replay, struct cadre_error *err)
{
	struct stat info;

	replay->fd = STDIN_FILENO;
	if (strcmp(replay->args->dump, "-") != 0)
		replay->fd = open(replay->args->dump, O_RDONLY | O_CLOEXEC);
	if (replay->fd < 0)
		return cadre_error_errno(err, errno, "opening \"%s\"",
		                         replay->args->dump);
	if (fstat(replay->fd, &info) == 0 && S_ISREG(info.st_mode))
		replay->dump_bytes = (uint64_t)info.st_size;
	return CADRE_OK;
}

static enum cadre_status open_reader(struct replay *replay, struct cadre_error *err)
{
	unsigned flags = replay->args->new_timeline ? CADRE_DUMP_ANY_CHAIN : 0;
	cadre_seq from;
	enum cadre_status status = cadre_dump_reader_open(read_input, replay, flags,
	                                                  &replay->reader, err);

	if (status != CADRE_OK)
		return status;
	from = cadre_dump_reader_header(replay->reader)->from_seq;
	if (from != 1)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "the dump starts at seq %" PRIu64
		                       ": only one from seq 1 makes a directory",
		                       from);
	return CADRE_OK;
}

/* --only reads the dump twice. */
static enum cadre_status select_events(struct replay *replay, struct cadre_error *err)
{
	enum cadre_status status;

	if (replay->dump_bytes == 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "--only reads the dump twice and needs a file");
	status = replay_select(replay->reader, replay->args->only, &replay->selection,
	                       err);
	cadre_dump_reader_close(replay->reader);
	replay->reader = NULL;
	if (status != CADRE_OK)
		return status;
	if (lseek(replay->fd, 0, SEEK_SET) != 0)
		return cadre_error_errno(err, errno, "reading \"%s\" again",
		                         replay->args->dump);
	return open_reader(replay, err);
}

static bool is_behind(const struct admin_moment *until,
                      const struct cadre_batch_header *header)
{
	if (!until->given)
		return false;
	return until->is_time ? header->time_ms > until->time_ms
	                      : cadre_batch_last_seq(header) > until->seq;
}

/* Sleeps so that no more than --rate events a second have gone. */
static void keep_rate(const struct replay *replay)
{
	struct cadre_env *env = cadre_env_real();
	uint64_t gone = env->ops->mono_ns(env) - replay->started_ns;
	double due_ns = (double)replay->events / (double)replay->args->rate * 1e9;
	struct timespec pause;

	if (due_ns <= (double)gone)
		return;
	due_ns -= (double)gone;
	pause.tv_sec = (time_t)(due_ns / 1e9);
	pause.tv_nsec = (long)(due_ns - (double)pause.tv_sec * 1e9);
	nanosleep(&pause, NULL);
}

static enum cadre_status take_batch(struct replay *replay,
                                    const struct cadre_batch *batch,
                                    struct cadre_error *err)
{
	cadre_seq last = cadre_batch_last_seq(&batch->header);

	replay->stopped |= is_behind(&replay->args->until, &batch->header);
	if (replay->stopped)
		return CADRE_OK; /* the rest is read all the same: the trailer must agree */
	replay->batches++;
	replay->events += batch->header.count;
	replay->last_seq = last;
	replay->chain = batch->header.chain;
	if (replay->rewrites)
		return replay_rewrite(&replay->rewriter, batch, err);
	return replay->args->dry_run
	               ? CADRE_OK
	               : admin_target_add(&replay->target, batch->bytes, last, err);
}

static enum cadre_status take_batches(struct replay *replay, struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	struct cadre_batch batch;
	enum cadre_status status;

	replay->started_ns = env->ops->mono_ns(env);
	cadre_progress_begin(&replay->progress, "replaying", "bytes");
	for (;;) {
		status = cadre_dump_reader_next(replay->reader, &batch, err);
		if (status == CADRE_OK)
			status = take_batch(replay, &batch, err);
		if (status == CADRE_OK)
			status = admin_check_signals(err);
		if (status != CADRE_OK)
			break;
		if (replay->args->rate > 0)
			keep_rate(replay);
		cadre_progress_show(&replay->progress,
		                    cadre_dump_reader_bytes(replay->reader),
		                    replay->dump_bytes);
	}
	cadre_progress_end(&replay->progress);
	return status == CADRE_END ? CADRE_OK : status;
}

/* What stands in the new directory against what the dump says. */
static enum cadre_status compare(struct replay *replay, struct cadre_error *err)
{
	const struct cadre_dump_trailer *trailer =
	        cadre_dump_reader_trailer(replay->reader);
	struct cadre_store_status *at = &replay->at;
	enum cadre_status status = admin_target_flush(&replay->target, err);

	if (status != CADRE_OK)
		return status;
	cadre_store_status(replay->target.store, at);
	if (replay->rewrites) {
		replay->last_seq = replay->rewriter.last_seq;
		replay->chain = replay->rewriter.chain;
	}
	if (at->view.applied_seq != replay->last_seq ||
	    memcmp(at->view.chain.bytes, replay->chain.bytes, 32) != 0)
		return cadre_error_set(err, CADRE_DIVERGED,
		                       "the new directory stands at seq %" PRIu64
		                       ", expected %" PRIu64 " with its chain",
		                       at->view.applied_seq, replay->last_seq);
	if (!replay->rewrites && !replay->stopped && trailer->has_digest &&
	    !cadre_hash128_equal(trailer->digest, at->view.digest))
		return cadre_error_set(
		        err, CADRE_DIVERGED,
		        "the state's digest differs from the dump's at seq %" PRIu64,
		        replay->last_seq);
	return CADRE_OK;
}

static enum cadre_status run(struct replay *replay, struct cadre_error *err)
{
	const struct replay_args *args = replay->args;
	enum cadre_status status = open_input(replay, err);

	if (status == CADRE_OK)
		status = open_reader(replay, err);
	if (status == CADRE_OK && args->only)
		status = select_events(replay, err);
	if (status == CADRE_OK && !args->dry_run)
		status = admin_target_make(&replay->target, args->dir, err);
	if (status == CADRE_OK && !args->dry_run)
		status = admin_target_open(&replay->target, err);
	if (replay->rewrites)
		replay_rewriter_init(&replay->rewriter,
		                     args->dry_run ? NULL : &replay->target,
		                     replay->selection);
	if (status == CADRE_OK)
		status = take_batches(replay, err);
	if (status == CADRE_OK && !args->dry_run)
		status = compare(replay, err);
	if (status == CADRE_OK && !args->dry_run)
		status = admin_target_finish(&replay->target, err);
	return status;
}

static void print(const struct replay *replay)
{
	const struct cadre_dump_trailer *trailer =
	        cadre_dump_reader_trailer(replay->reader);
	const struct replay_args *args = replay->args;
	bool digest_known = !args->dry_run;
	bool compared = digest_known && !replay->rewrites && !replay->stopped &&
	                trailer->has_digest;
	struct cadre_json json = { 0 };
	char chain[65];
	char digest[33] = "";

	cadre_hex_encode(replay->chain.bytes, 32, chain);
	if (digest_known)
		cadre_hash128_format(replay->at.view.digest, digest);
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "directory", args->dry_run ? NULL : args->dir);
	cadre_json_key_u64(&json, "lastSeq", replay->last_seq);
	cadre_json_key_text(&json, "chain", chain);
	cadre_json_key_text(&json, "digest", digest_known ? digest : NULL);
	cadre_json_key_bool(&json, "digestCompared", compared);
	cadre_json_key_bool(&json, "newTimeline", replay->rewrites);
	cadre_json_key_bool(&json, "stoppedEarly", replay->stopped);
	cadre_json_end(&json, '}');
	if (args->common.mode == CADRE_OUTPUT_JSON)
		admin_print_json(&json);
	else if (args->common.mode == CADRE_OUTPUT_TEXT)
		printf("%s seq %" PRIu64 "%s\n  chain  %s%s\n  digest %s%s\n",
		       args->dry_run ? "sound to" : "replayed to", replay->last_seq,
		       replay->stopped ? " (--until: the last whole batch before it)"
		                       : "",
		       chain, replay->rewrites ? " (new timeline)" : " (as in the dump)",
		       digest_known ? digest : "(not computed in a dry run)",
		       compared ? " (as in the dump)" : "");
	cadre_json_fini(&json);
}

static int rebuild_views(const struct admin_args *args)
{
	struct cadre_progress progress;
	struct cadre_store_options open = { .dir = args->words[0],
		                            .no_snapshots = true,
		                            .rebuild_views = true,
		                            .progress = admin_progress,
		                            .progress_ctx = &progress };
	struct cadre_store_status at;
	struct cadre_store *store = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_json json = { 0 };
	char digest[33];

	cadre_progress_begin(&progress, "building views", "events");
	if (admin_store_open(&open, &store, &err) != CADRE_OK) {
		cadre_progress_end(&progress);
		return admin_fail(args, &err);
	}
	cadre_progress_end(&progress);
	cadre_store_status(store, &at);
	cadre_hash128_format(at.view.digest, digest);
	cadre_json_begin(&json, '{');
	cadre_json_key_u64(&json, "seq", at.view.applied_seq);
	cadre_json_key_text(&json, "digest", digest);
	cadre_json_end(&json, '}');
	if (args->mode == CADRE_OUTPUT_JSON)
		admin_print_json(&json);
	else if (args->mode == CADRE_OUTPUT_TEXT)
		printf("views built to seq %" PRIu64 "\n  digest %s\n",
		       at.view.applied_seq, digest);
	cadre_json_fini(&json);
	cadre_store_close(store);
	return 0;
}

int admin_replay(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { options, parse, 1, 2 };
	struct replay_args args = { 0 };
	struct replay replay = { .args = &args, .fd = -1 };
	struct cadre_error err = CADRE_ERROR_INIT;
	int code = 0;

	admin_parse(verb, &syntax, argc, argv, &args.common);
	admin_catch_signals();
	if (args.views_only)
		return rebuild_views(&args.common);
	args.dump = args.common.words[0];
	args.dir = args.common.words[1];
	replay.rewrites = args.new_timeline || args.only;
	if (run(&replay, &err) == CADRE_OK)
		print(&replay);
	else
		code = admin_fail(&args.common, &err);
	admin_target_discard(&replay.target, &args.common);
	replay_rewriter_fini(&replay.rewriter);
	replay_selection_free(replay.selection);
	cadre_dump_reader_close(replay.reader);
	if (replay.fd > STDIN_FILENO)
		close(replay.fd);
	return code;
}
