#include "tools/common/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/admin/source.h"

enum { KEY_FORMAT = 0x200, KEY_FROM, KEY_TO, KEY_OUTPUT };

static const struct argp_option options[] = {
	{ "format", KEY_FORMAT, "json|binary", 0, "json when not given", 0 },
	{ "from", KEY_FROM, "SEQ", 0, "From the batch that holds it", 0 },
	{ "to", KEY_TO, "SEQ|TIME", 0, "Up to the last whole batch not behind it", 0 },
	{ "output", KEY_OUTPUT, "FILE", 0, "To a file instead of standard output", 0 },
	{ 0 }
};

struct dump_args {
	struct admin_args common;
	enum cadre_dump_format format;
	struct admin_moment from;
	struct admin_moment to;
	const char *output;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct dump_args *args = state->input;

	switch (key) {
	case KEY_FORMAT:
		if (strcmp(arg, "binary") == 0)
			args->format = CADRE_DUMP_BINARY;
		else if (strcmp(arg, "json") != 0)
			argp_error(state, "--format %s: json or binary", arg);
		return 0;
	case KEY_FROM:
		if (!admin_parse_moment(arg, &args->from) || args->from.is_time ||
		    args->from.seq == 0)
			argp_error(state, "--from %s: not a seq", arg);
		return 0;
	case KEY_TO:
		if (!admin_parse_moment(arg, &args->to))
			argp_error(state, "--to %s: neither a seq nor a time", arg);
		return 0;
	case KEY_OUTPUT:
		args->output = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

struct dump {
	const struct dump_args *args;
	struct cadre_log *log;
	cadre_seq last; /* to dump at most */
	bool has_digest;
	struct cadre_view_head head; /* of the views */
	FILE *out;
	struct cadre_dump_writer writer;
};

static enum cadre_status write_out(void *ctx, struct cadre_slice bytes,
                                   struct cadre_error *err)
{
	FILE *out = ctx;

	if (fwrite(bytes.data, 1, bytes.length, out) != bytes.length)
		return cadre_error_errno(err, errno, "writing the dump");
	return CADRE_OK;
}

/* Where the views stand, and the cluster's name. No lock, and no long transaction. */
static void read_views(struct dump *dump, struct cadre_dump_header *header)
{
	struct cadre_kv_options kv_options = { .read_only = true };
	struct cadre_arena arena;
	struct cadre_view view;
	struct cadre_kv *kv = NULL;
	Cadre__V1__ClusterRow *row = NULL;
	char path[ADMIN_PATH_BYTES];

	if (admin_views_path(dump->args->common.words[0], path, NULL) != CADRE_OK ||
	    cadre_kv_open_lmdb(path, &kv_options, &kv, NULL) != CADRE_OK)
		return;
	cadre_arena_init(&arena, 1u << 20);
	if (cadre_view_begin(&view, kv, CADRE_KV_READ, &arena, NULL) == CADRE_OK) {
		dump->head = view.head;
		dump->has_digest = view.head.applied_seq > 0;
		if (cadre_view_cluster(&view, &row, NULL) == CADRE_OK) {
			snprintf(header->cluster, sizeof(header->cluster), "%s",
			         row->name);
			memcpy(header->cluster_id, row->cluster_id.data, 16);
			memcpy(header->timeline_id, row->timeline_id.data, 16);
		}
		cadre_view_abort(&view);
	}
	cadre_arena_fini(&arena);
	cadre_kv_close(kv);
}

/* Without views the first event says who the cluster is. */
static enum cadre_status read_cluster(struct dump *dump, struct cadre_dump_header *header,
                                      struct cadre_error *err)
{
	Cadre__V1__Event *event = NULL;
	struct cadre_arena arena;
	cadre_time_ms time;
	enum cadre_status status;

	if (header->cluster[0] != '\0')
		return CADRE_OK;
	cadre_arena_init(&arena, 1u << 20);
	status = admin_event_at(dump->log, 1, &arena, &event, &time, err);
	if (status == CADRE_OK &&
	    event->body_case == CADRE__V1__EVENT__BODY_CLUSTER_CONFIGURED &&
	    event->cluster_configured->cluster_id.len == 16 &&
	    event->cluster_configured->timeline_id.len == 16) {
		snprintf(header->cluster, sizeof(header->cluster), "%s",
		         event->cluster_configured->name);
		memcpy(header->cluster_id, event->cluster_configured->cluster_id.data,
		       16);
		memcpy(header->timeline_id, event->cluster_configured->timeline_id.data,
		       16);
	}
	cadre_arena_fini(&arena);
	return status;
}

/* The last committed seq: what a frame says, or what the views have applied. */
static cadre_seq committed_seq(const struct dump *dump)
{
	struct cadre_log_head head = cadre_log_head(dump->log);
	cadre_seq seq = head.commit_seq;

	if (dump->has_digest && dump->head.applied_seq > seq)
		seq = dump->head.applied_seq;
	return seq < head.last_seq ? seq : head.last_seq;
}

static bool past_end(const struct dump *dump, const struct cadre_batch_header *header)
{
	const struct admin_moment *to = &dump->args->to;

	if (cadre_batch_last_seq(header) > dump->last)
		return true;
	if (!to->given)
		return false;
	return to->is_time ? header->time_ms > to->time_ms
	                   : cadre_batch_last_seq(header) > to->seq;
}

/* Finds the batch that holds `from` and the chain before it, which the batch before
 * carries. Leaves the cursor's first batch in `batch`. */
static enum cadre_status first_batch(struct dump *dump,
                                     struct cadre_log_cursor **ret_cursor,
                                     struct cadre_batch *batch,
                                     struct cadre_sha256 *ret_chain,
                                     struct cadre_error *err)
{
	cadre_seq from = dump->args->from.given ? dump->args->from.seq : 1;
	cadre_seq first = cadre_log_stat(dump->log).first_seq;
	struct cadre_log_cursor *cursor = NULL;
	cadre_seq start;
	enum cadre_status status;

	*ret_chain = (struct cadre_sha256){ { 0 } };
	if (from < first && dump->args->from.given)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "the log starts at seq %" PRIu64, first);
	if (from < first)
		from = first;
	status = cadre_log_cursor_open(dump->log, from, ret_cursor, err);
	if (status == CADRE_OK)
		status = cadre_log_cursor_next(*ret_cursor, batch, err);
	if (status != CADRE_OK || batch->header.first_seq == 1)
		return status;
	start = batch->header.first_seq;
	if (start == first)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "the chain before seq %" PRIu64
		                       " is not in this log: use "
		                       "--from with a later one",
		                       start);
	cadre_log_cursor_close(*ret_cursor);
	*ret_cursor = NULL;
	status = cadre_log_cursor_open(dump->log, start - 1, &cursor, err);
	*ret_cursor = cursor;
	if (status == CADRE_OK)
		status = cadre_log_cursor_next(cursor, batch, err);
	if (status == CADRE_OK) {
		*ret_chain = batch->header.chain;
		status = cadre_log_cursor_next(cursor, batch, err);
	}
	return status;
}

static void close_cursor(struct cadre_log_cursor **cursor)
{
	cadre_log_cursor_close(*cursor);
}

static enum cadre_status write_batches(struct dump *dump,
                                       struct cadre_dump_header *header,
                                       struct cadre_error *err)
{
	__attribute__((cleanup(close_cursor))) struct cadre_log_cursor *cursor = NULL;
	struct cadre_dump_writer *writer = &dump->writer;
	struct cadre_batch batch = { 0 };
	struct cadre_progress progress;
	enum cadre_status status = first_batch(dump, &cursor, &batch,
	                                       &header->chain_before, err);

	if (status != CADRE_OK && status != CADRE_END)
		return status;
	header->from_seq = status == CADRE_OK ? batch.header.first_seq : 1;
	cadre_progress_begin(&progress, "dumping", "events");
	if (status == CADRE_OK || status == CADRE_END) {
		enum cadre_status begun = cadre_dump_writer_begin(writer, header, err);

		status = begun == CADRE_OK ? status : begun;
	}
	while (status == CADRE_OK && !past_end(dump, &batch.header)) {
		status = cadre_dump_writer_batch(writer, &batch, err);
		if (status == CADRE_OK)
			status = admin_check_signals(err);
		if (status == CADRE_OK)
			status = cadre_log_cursor_next(cursor, &batch, err);
		cadre_progress_show(&progress, writer->trailer.events,
		                    dump->last + 1 - header->from_seq);
	}
	cadre_progress_end(&progress);
	if (status != CADRE_OK && status != CADRE_END)
		return status;
	return cadre_dump_writer_end(writer,
	                             dump->has_digest && dump->head.applied_seq ==
	                                                         writer->trailer.last_seq
	                                     ? &dump->head.digest
	                                     : NULL,
	                             err);
}

static void print(const struct dump *dump)
{
	const struct cadre_dump_trailer *trailer = &dump->writer.trailer;
	const struct admin_args *args = &dump->args->common;
	struct cadre_json json = { 0 };
	char chain[65];
	char digest[33] = "";

	cadre_hex_encode(trailer->chain.bytes, 32, chain);
	if (trailer->has_digest)
		cadre_hash128_format(trailer->digest, digest);
	if (args->mode == CADRE_OUTPUT_JSON) {
		cadre_json_begin(&json, '{');
		cadre_json_key_u64(&json, "batches", trailer->batches);
		cadre_json_key_u64(&json, "events", trailer->events);
		cadre_json_key_u64(&json, "lastSeq", trailer->last_seq);
		cadre_json_key_text(&json, "chain", chain);
		cadre_json_key_text(&json, "digest", digest[0] ? digest : NULL);
		cadre_json_end(&json, '}');
		cadre_json_raw(&json, "\n");
		/* Standard output may be the dump. */
		fwrite(json.text.data, 1, json.text.length,
		       dump->args->output ? stdout : stderr);
		cadre_json_fini(&json);
		return;
	}
	admin_note(args,
	           "dumped %" PRIu64 " events in %" PRIu64 " batches to seq %" PRIu64
	           "\n  chain  %s\n  digest %s",
	           trailer->events, trailer->batches, trailer->last_seq, chain,
	           digest[0] ? digest : "(not known here)");
}

static enum cadre_status open_output(struct dump *dump, struct cadre_error *err)
{
	dump->out = stdout;
	if (!dump->args->output)
		return CADRE_OK;
	dump->out = fopen(dump->args->output, "we");
	if (!dump->out)
		return cadre_error_errno(err, errno, "opening \"%s\"",
		                         dump->args->output);
	return CADRE_OK;
}

/* A dump that is not whole is taken away. */
static enum cadre_status close_output(struct dump *dump, enum cadre_status status,
                                      struct cadre_error *err)
{
	if (dump->out && status == CADRE_OK && fflush(dump->out) != 0)
		status = cadre_error_errno(err, errno, "writing the dump");
	if (dump->out && dump->args->output) {
		if (status == CADRE_OK && fsync(fileno(dump->out)) != 0)
			status = cadre_error_errno(err, errno, "syncing \"%s\"",
			                           dump->args->output);
		fclose(dump->out);
		if (status != CADRE_OK)
			remove(dump->args->output);
	}
	return status;
}

int admin_dump(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { options, parse, 1, 1 };
	struct dump_args args = { .format = CADRE_DUMP_JSON };
	struct dump dump = { .args = &args };
	struct cadre_dump_header header = { 0 };
	struct cadre_log_options log_options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status;
	int code = 0;

	admin_parse(verb, &syntax, argc, argv, &args.common);
	admin_catch_signals();
	read_views(&dump, &header);
	status = admin_path(path, args.common.words[0], "log", &err);
	log_options.dir = path;
	if (status == CADRE_OK)
		status = cadre_log_open_read(cadre_env_real(), &log_options, &dump.log,
		                             NULL, &err);
	if (status == CADRE_OK) {
		dump.last = committed_seq(&dump);
		status = read_cluster(&dump, &header, &err);
	}
	if (status == CADRE_OK)
		status = open_output(&dump, &err);
	cadre_dump_writer_init(&dump.writer, args.format, write_out, dump.out);
	if (status == CADRE_OK)
		status = write_batches(&dump, &header, &err);
	status = close_output(&dump, status, &err);
	if (status == CADRE_OK)
		print(&dump);
	else
		code = admin_fail(&args.common, &err);
	cadre_dump_writer_fini(&dump.writer);
	cadre_log_close(dump.log);
	return code;
}
