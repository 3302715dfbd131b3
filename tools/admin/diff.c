/* Members of two versions; heads of two directories. */
#include <inttypes.h>
#include <sys/stat.h>

#include "tools/admin/source.h"

struct changes {
	struct cadre_json *json;
	struct cadre_table table;
	uint64_t added, removed, rekeyed;
};

static void json_side(struct cadre_json *json, const char *name,
                      const struct cadre_member *member)
{
	if (!member || !member->has_key)
		return;
	cadre_json_key(json, name);
	cadre_json_string(json, member->key);
}

static enum cadre_status add_change(void *ctx, const struct cadre_member *before,
                                    const struct cadre_member *after)
{
	struct changes *changes = ctx;
	const struct cadre_member *any = after ? after : before;
	const char *what = !before ? "added" : !after ? "removed" : "rekeyed";

	changes->added += !before;
	changes->removed += !after;
	changes->rekeyed += before && after;
	if (changes->json) {
		cadre_json_begin(changes->json, '{');
		cadre_json_key_text(changes->json, "change", what);
		cadre_json_key(changes->json, "modelId");
		cadre_json_string(changes->json, any->model_id);
		json_side(changes->json, "keyBefore", before);
		json_side(changes->json, "keyAfter", after);
		cadre_json_end(changes->json, '}');
		return CADRE_OK;
	}
	cadre_table_cell(&changes->table, "%s", !before ? "+" : !after ? "-" : "~");
	if (before && after)
		cadre_table_cell(&changes->table, "%.*s -> %.*s",
		                 before->has_key ? (int)before->key.length : 0,
		                 (const char *)before->key.data,
		                 after->has_key ? (int)after->key.length : 0,
		                 (const char *)after->key.data);
	else
		cadre_table_cell(&changes->table, "%.*s",
		                 any->has_key ? (int)any->key.length : 0,
		                 (const char *)any->key.data);
	cadre_table_cell(&changes->table, "%.*s", (int)any->model_id.length,
	                 (const char *)any->model_id.data);
	return CADRE_OK;
}

/* A word as a group: itself, or what a history or deployment means now. */
static enum cadre_status find_group(struct admin_source *source,
                                    const struct admin_args *args, const char *word,
                                    Cadre__V1__Resource **ret_group,
                                    struct cadre_error *err)
{
	Cadre__V1__Resource *target = NULL;
	struct cadre_pointer pointer;
	enum cadre_status status =
	        admin_find(&source->view, args->compartment, word,
	                   ADMIN_GROUP | ADMIN_HISTORY | ADMIN_DEPLOYMENT, &target, err);

	if (status == CADRE_OK)
		status = admin_group_of(&source->view, target, CADRE_SEQ_MAX, &pointer,
		                        ret_group, err);
	if (status == CADRE_OK)
		admin_note_name(args, word, target);
	return status;
}

static enum cadre_status diff_groups(struct admin_source *source,
                                     const struct admin_args *args,
                                     struct cadre_error *err)
{
	struct cadre_json json = { 0 };
	struct changes changes = { .json = args->mode == CADRE_OUTPUT_JSON ? &json
		                                                           : NULL };
	Cadre__V1__Resource *from = NULL;
	Cadre__V1__Resource *to = NULL;
	enum cadre_status status = find_group(source, args, args->words[1], &from, err);

	if (status == CADRE_OK)
		status = find_group(source, args, args->words[2], &to, err);
	if (status != CADRE_OK)
		return status;
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "from", from->ocid);
	cadre_json_key_text(&json, "to", to->ocid);
	cadre_json_key(&json, "changes");
	cadre_json_begin(&json, '[');
	cadre_table_init(&changes.table, 3, 0, NULL);
	status = cadre_view_diff(&source->view, from->group, to->group, add_change,
	                         &changes, err);
	cadre_json_end(&json, ']');
	cadre_json_end(&json, '}');
	if (status == CADRE_OK && changes.json) {
		admin_print_json(&json);
	} else if (status == CADRE_OK) {
		printf("version %" PRIu64 " \"%s\" -> version %" PRIu64
		       " \"%s\": +%" PRIu64 " -%" PRIu64 " ~%" PRIu64 "\n",
		       from->group->version_id,
		       from->display_name ? from->display_name : "",
		       to->group->version_id, to->display_name ? to->display_name : "",
		       changes.added, changes.removed, changes.rekeyed);
		cadre_table_print(&changes.table, stdout);
	}
	cadre_table_fini(&changes.table);
	cadre_json_fini(&json);
	return status;
}

struct directory {
	const char *dir;
	struct cadre_log *log;
	struct cadre_log_head head;
	bool has_digest;
	struct cadre_hash128 digest;
};

/* The digest of the views when they stand at the log's head. */
static void read_digest(struct directory *directory)
{
	struct cadre_kv_options options = { .read_only = true };
	struct cadre_arena arena;
	struct cadre_view view;
	struct cadre_kv *kv = NULL;
	char path[ADMIN_PATH_BYTES];

	if (admin_views_path(directory->dir, path, NULL) != CADRE_OK ||
	    cadre_kv_open_lmdb(path, &options, &kv, NULL) != CADRE_OK)
		return;
	cadre_arena_init(&arena, 1u << 20);
	if (cadre_view_begin(&view, kv, CADRE_KV_READ, &arena, NULL) == CADRE_OK) {
		directory->has_digest = view.head.applied_seq == directory->head.last_seq;
		directory->digest = view.head.digest;
		cadre_view_abort(&view);
	}
	cadre_arena_fini(&arena);
	cadre_kv_close(kv);
}

static enum cadre_status open_directory(struct directory *directory, const char *dir,
                                        struct cadre_error *err)
{
	struct cadre_log_options options = { 0 };
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(path, dir, "log", err);

	directory->dir = dir;
	options.dir = path;
	if (status == CADRE_OK)
		status = cadre_log_open_read(cadre_env_real(), &options, &directory->log,
		                             NULL, err);
	if (status != CADRE_OK)
		return status;
	directory->head = cadre_log_head(directory->log);
	read_digest(directory);
	return CADRE_OK;
}

/* First seq of the first batch that differs; 0 when one log is the other's beginning.
 * CADRE_OK in both cases. */
static enum cadre_status first_difference(struct directory *a, struct directory *b,
                                          cadre_seq *ret_seq, struct cadre_error *err)
{
	struct cadre_log_cursor *first = NULL;
	struct cadre_log_cursor *second = NULL;
	struct cadre_batch one;
	struct cadre_batch two;
	cadre_seq from_a = cadre_log_stat(a->log).first_seq;
	cadre_seq from_b = cadre_log_stat(b->log).first_seq;
	cadre_seq from = from_a > from_b ? from_a : from_b;
	enum cadre_status status = CADRE_END;

	*ret_seq = 0;
	if (from_a > 0 && from_b > 0)
		status = cadre_log_cursor_open(a->log, from, &first, err);
	if (status == CADRE_OK)
		status = cadre_log_cursor_open(b->log, from, &second, err);
	while (status == CADRE_OK) {
		status = cadre_log_cursor_next(first, &one, err);
		if (status == CADRE_OK)
			status = cadre_log_cursor_next(second, &two, err);
		if (status == CADRE_OK &&
		    memcmp(&one.header.chain, &two.header.chain, 32) != 0) {
			*ret_seq = one.header.first_seq;
			break;
		}
	}
	cadre_log_cursor_close(first);
	cadre_log_cursor_close(second);
	return status == CADRE_END ? CADRE_OK : status;
}

static void print_directory(const struct admin_args *args, struct cadre_json *json,
                            const struct directory *directory)
{
	char chain[65];
	char digest[33] = "";

	cadre_hex_encode(directory->head.chain.bytes, 32, chain);
	if (directory->has_digest)
		cadre_hash128_format(directory->digest, digest);
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "directory", directory->dir);
	cadre_json_key_u64(json, "seq", directory->head.last_seq);
	cadre_json_key_text(json, "chain", chain);
	if (directory->has_digest)
		cadre_json_key_text(json, "digest", digest);
	cadre_json_end(json, '}');
	if (args->mode == CADRE_OUTPUT_TEXT)
		printf("%s: seq %" PRIu64 "\n  chain  %s\n  digest %s\n", directory->dir,
		       directory->head.last_seq, chain,
		       directory->has_digest ? digest : "(views not at the head)");
}

static enum cadre_status compare(const struct admin_args *args, struct directory *a,
                                 struct directory *b, int *ret_code,
                                 struct cadre_error *err)
{
	struct cadre_json json = { 0 };
	cadre_seq differs = 0;
	bool same = a->head.last_seq == b->head.last_seq &&
	            memcmp(&a->head.chain, &b->head.chain, 32) == 0;
	bool digests = !a->has_digest || !b->has_digest || !same ||
	               cadre_hash128_equal(a->digest, b->digest);
	enum cadre_status status = same ? CADRE_OK
	                                : first_difference(a, b, &differs, err);

	if (status != CADRE_OK)
		return status;
	cadre_json_begin(&json, '{');
	cadre_json_key(&json, "directories");
	cadre_json_begin(&json, '[');
	print_directory(args, &json, a);
	print_directory(args, &json, b);
	cadre_json_end(&json, ']');
	cadre_json_key_bool(&json, "equal", same && digests);
	if (differs > 0)
		cadre_json_key_u64(&json, "firstDifferentSeq", differs);
	cadre_json_end(&json, '}');
	if (args->mode == CADRE_OUTPUT_JSON)
		admin_print_json(&json);
	else if (args->mode == CADRE_OUTPUT_TEXT && !digests)
		printf("same log, other digest: the views of one diverged (run verify)\n");
	else if (args->mode == CADRE_OUTPUT_TEXT && same)
		printf("equal\n");
	else if (args->mode == CADRE_OUTPUT_TEXT && differs > 0)
		printf("they differ from the batch of seq %" PRIu64 " on\n", differs);
	else if (args->mode == CADRE_OUTPUT_TEXT)
		printf("one is the beginning of the other\n");
	cadre_json_fini(&json);
	*ret_code = !digests ? 6 : same ? 0 : 1;
	return CADRE_OK;
}

static int diff_directories(const struct admin_args *args)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct directory a = { 0 };
	struct directory b = { 0 };
	int code = 0;

	if (open_directory(&a, args->words[0], &err) != CADRE_OK ||
	    open_directory(&b, args->words[1], &err) != CADRE_OK ||
	    compare(args, &a, &b, &code, &err) != CADRE_OK)
		code = admin_fail(args, &err);
	cadre_log_close(a.log);
	cadre_log_close(b.log);
	return code;
}

int admin_diff(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { NULL, NULL, 2, 3 };
	struct admin_args args = { 0 };
	struct admin_source source;
	struct cadre_error err = CADRE_ERROR_INIT;
	int code = 0;

	admin_parse(verb, &syntax, argc, argv, &args);
	if (args.count == 2)
		return diff_directories(&args);
	if (admin_source_open(&source, args.words[0], &err) != CADRE_OK)
		return admin_fail(&args, &err);
	if (diff_groups(&source, &args, &err) != CADRE_OK)
		code = admin_fail(&args, &err);
	admin_source_close(&source);
	return code;
}
