#include <inttypes.h>

#include "tools/admin/source.h"

static void print(const struct admin_args *args, const struct cadre_snapshot_info *info)
{
	struct cadre_json json = { 0 };
	char digest[33];
	char bytes[32];

	cadre_hash128_format(info->head.digest, digest);
	cadre_json_begin(&json, '{');
	cadre_json_key_u64(&json, "seq", info->head.applied_seq);
	cadre_json_key_u64(&json, "rows", info->rows);
	cadre_json_key_u64(&json, "bytes", info->bytes);
	cadre_json_key_text(&json, "digest", digest);
	cadre_json_end(&json, '}');
	if (args->mode == CADRE_OUTPUT_JSON)
		admin_print_json(&json);
	else if (args->mode == CADRE_OUTPUT_QUIET)
		printf("%s/snapshots/%016" PRIx64 "\n", args->words[0],
		       info->head.applied_seq);
	else
		printf("%s/snapshots/%016" PRIx64 ": seq %" PRIu64 ", %" PRIu64
		       " rows, %s\n  digest %s\n",
		       args->words[0], info->head.applied_seq, info->head.applied_seq,
		       info->rows, cadre_bytes_text(info->bytes, bytes), digest);
	cadre_json_fini(&json);
}

int admin_snapshot(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { NULL, NULL, 1, 1 };
	struct admin_args args = { 0 };
	struct cadre_progress progress;
	struct cadre_store_options open = { .no_snapshots = true,
		                            .progress = admin_progress,
		                            .progress_ctx = &progress };
	struct cadre_snapshot_info info;
	struct cadre_store *store = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;
	int code = 0;

	admin_parse(verb, &syntax, argc, argv, &args);
	admin_catch_signals();
	cadre_progress_begin(&progress, "writing a snapshot", "rows");
	open.dir = args.words[0];
	if (admin_store_open(&open, &store, &err) != CADRE_OK ||
	    cadre_store_snapshot(store, &info, &err) != CADRE_OK) {
		cadre_progress_end(&progress);
		code = admin_fail(&args, &err);
	} else {
		cadre_progress_end(&progress);
		print(&args, &info);
	}
	cadre_store_close(store);
	return code;
}
