#include <inttypes.h>

#include "tools/admin/check.h"

static void print_findings(const struct check *check)
{
	size_t kept = check->finding_count < CHECK_FINDINGS_MAX ? check->finding_count
	                                                        : CHECK_FINDINGS_MAX;

	for (size_t i = 0; i < kept; i++) {
		const struct check_finding *finding = &check->findings[i];

		printf("  %s: ", finding->part);
		if (finding->file[0])
			printf("\"%s\", byte %" PRIu64 ": ", finding->file,
			       finding->offset);
		printf("%s", finding->message);
		if (finding->last_seq > 0)
			printf(" (seq %" PRIu64 "..%" PRIu64 ")", finding->first_seq,
			       finding->last_seq);
		printf("\n");
	}
	if (check->finding_count > kept)
		printf("  … and %zu more\n", check->finding_count - kept);
}

static void print_text(const struct check *check)
{
	enum check_verdict verdict = check_verdict(check);
	char chain[65];
	char digest[33];

	cadre_hex_encode(check->head.chain.bytes, 32, chain);
	cadre_hash128_format(check->view.digest, digest);
	printf("%s%s%s: seq %" PRIu64 "\n",
	       cadre_colour(stdout, verdict <= CHECK_TORN ? CADRE_GREEN : CADRE_RED),
	       check_verdict_name(verdict), cadre_colour(stdout, CADRE_PLAIN),
	       check->head.last_seq);
	printf("  log        %s, chain %s\n", check_verdict_name(check->log), chain);
	printf("  snapshots  %s, %" PRIu64 " checked\n",
	       check_verdict_name(check->snapshots), check->snapshots_checked);
	if (check->has_views)
		printf("  views      %s, %" PRIu64 " rows at seq %" PRIu64
		       ", digest %s\n",
		       check_verdict_name(check->views), check->view_rows,
		       check->view.applied_seq, digest);
	else
		printf("  views      none that count: the next start builds them\n");
	if (check->blobs_checked > 0)
		printf("  blobs      %s, %" PRIu64 " checked\n",
		       check_verdict_name(check->blobs), check->blobs_checked);
	print_findings(check);
	if (verdict == CHECK_TORN)
		printf("the tail was never durable: the next start cuts it\n");
	else if (verdict > CHECK_TORN)
		printf("run: cadre-admin repair %s\n", check->dir);
}

static void json_finding(struct cadre_json *json, const struct check_finding *finding)
{
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "part", finding->part);
	cadre_json_key_text(json, "file", finding->file[0] ? finding->file : NULL);
	cadre_json_key_u64(json, "offset", finding->offset);
	cadre_json_key_u64(json, "firstSeq", finding->first_seq);
	cadre_json_key_u64(json, "lastSeq", finding->last_seq);
	cadre_json_key_text(json, "message", finding->message);
	cadre_json_end(json, '}');
}

static void print_json(const struct check *check)
{
	struct cadre_json json = { 0 };
	char digest[33];

	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "verdict", check_verdict_name(check_verdict(check)));
	cadre_json_key_text(&json, "log", check_verdict_name(check->log));
	cadre_json_key_text(&json, "snapshots", check_verdict_name(check->snapshots));
	cadre_json_key_text(&json, "views",
	                    check->has_views ? check_verdict_name(check->views) : NULL);
	cadre_json_key_text(&json, "blobs", check_verdict_name(check->blobs));
	cadre_json_key_u64(&json, "blobsChecked", check->blobs_checked);
	cadre_json_key_u64(&json, "seq", check->head.last_seq);
	cadre_json_key_hex(&json, "chain", check->head.chain.bytes, 32);
	cadre_hash128_format(check->view.digest, digest);
	cadre_json_key_text(&json, "digest", check->has_views ? digest : NULL);
	cadre_json_key(&json, "findings");
	cadre_json_begin(&json, '[');
	for (size_t i = 0; i < check->finding_count && i < CHECK_FINDINGS_MAX; i++)
		json_finding(&json, &check->findings[i]);
	cadre_json_end(&json, ']');
	cadre_json_end(&json, '}');
	admin_print_json(&json);
	cadre_json_fini(&json);
}

int admin_verify(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { NULL, NULL, 1, 1 };
	struct admin_args args = { 0 };
	struct check check;
	struct cadre_error err = CADRE_ERROR_INIT;

	admin_parse(verb, &syntax, argc, argv, &args);
	admin_catch_signals();
	if (admin_check(args.words[0], &check, &err) != CADRE_OK)
		return admin_fail(&args, &err);
	if (args.mode == CADRE_OUTPUT_JSON)
		print_json(&check);
	else if (args.mode == CADRE_OUTPUT_QUIET)
		printf("%s\n", check_verdict_name(check_verdict(&check)));
	else
		print_text(&check);
	return check_verdict(&check) <= CHECK_TORN
	               ? 0
	               : cadre_status_exit_code(CADRE_CORRUPT);
}
