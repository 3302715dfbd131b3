#include "tools/admin/apply.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/codec/limits.h"
#include "tools/common/json_stream.h"

enum {
	KEY_TYPE = 0x200,
	KEY_NAME,
	KEY_HISTORY,
	KEY_AS,
	KEY_DRY_RUN,
	KEY_KEEP_GOING,
	KEY_SET
};

/* A list of 256 large commands; one command needs a few KiB. */
#define ITEM_ARENA_BYTES (64u << 20)
#define VIEW_ARENA_BYTES (256u << 20)

static const struct argp_option options[] = {
	{ "type", KEY_TYPE, "TYPE", 0,
	  "Type of a group whose body has none: HOMOGENEOUS (default), HETEROGENEOUS, STACKED",
	  0 },
	{ "name", KEY_NAME, "NAME", 0, "Display name of what a body without one makes",
	  0 },
	{ "history", KEY_HISTORY, "ID|NAME", 0,
	  "History that a new group joins, or that a clone without source comes from",
	  0 },
	{ "as", KEY_AS, "PRINCIPAL", 0, "Who does it (default: you)", 0 },
	{ "set", KEY_SET, "NAME=VALUE", 0, "Value of a placeholder in the input", 0 },
	{ "dry-run", KEY_DRY_RUN, NULL, 0, "Say what would happen, change nothing", 0 },
	{ "keep-going", KEY_KEEP_GOING, NULL, 0, "Go on after a refusal", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct apply_args *args = state->input;

	switch (key) {
	case KEY_TYPE:
		args->defaults.type = arg;
		return 0;
	case KEY_NAME:
		args->defaults.display_name = arg;
		return 0;
	case KEY_HISTORY:
		args->defaults.history = arg;
		return 0;
	case KEY_AS:
		args->principal = arg;
		return 0;
	case KEY_SET:
		if (!strchr(arg, '=') || args->variables_count == APPLY_VARIABLES_MAX)
			argp_error(state, "--set needs NAME=VALUE, at most %u times",
			           APPLY_VARIABLES_MAX);
		else
			args->variables[args->variables_count++] = arg;
		return 0;
	case KEY_DRY_RUN:
		args->dry_run = true;
		return 0;
	case KEY_KEEP_GOING:
		args->keep_going = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char *lookup_variable(void *ctx, const char *name)
{
	const struct apply_args *args = ctx;
	size_t length = strlen(name);

	for (size_t i = 0; i < args->variables_count; i++)
		if (strncmp(args->variables[i], name, length) == 0 &&
		    args->variables[i][length] == '=')
			return args->variables[i] + length + 1;
	if (strcmp(name, "compartment_id") == 0)
		return args->common.compartment;
	return strcmp(name, "project_id") == 0 ? args->common.project : NULL;
}

static enum cadre_status read_file(void *ctx, void *data, size_t capacity,
                                   size_t *ret_length, struct cadre_error *err)
{
	FILE *file = ctx;
	ssize_t got;

	do {
		got = read(fileno(file), data, capacity);
	} while (got < 0 && errno == EINTR && !admin_interrupted());
	if (got < 0)
		return cadre_error_errno(err, errno, "reading the input");
	*ret_length = (size_t)got;
	return CADRE_OK;
}

/* Runs the window and empties it. CADRE_END: a refusal ends the run. */
static enum cadre_status flush_window(struct apply *apply, struct cadre_error *err)
{
	size_t count = apply->filled;
	size_t sound = count;
	bool rehearse = apply->args->dry_run || (!apply->args->keep_going && count > 1);
	enum cadre_status status = CADRE_OK;

	if (count == 0)
		return CADRE_OK;
	if (rehearse)
		status = apply_rehearse(apply, &sound, err);
	if (status == CADRE_OK && !apply->args->dry_run)
		status = apply_submit(apply, apply->args->keep_going ? count : sound,
		                      err);
	if (status != CADRE_OK)
		return status;
	for (size_t i = 0; i < count; i++) {
		apply_print(apply, &apply->items[i]);
		if (apply->refused > 0 && !apply->args->keep_going) {
			status = CADRE_END;
			break;
		}
	}
	cadre_kv_relax(cadre_store_kv(apply->store));
	if (!apply->args->dry_run)
		admin_store_upkeep(apply->store, APPLY_WINDOW_BYTES);
	apply->filled = 0;
	apply->commands = 0;
	apply->history_leaves = false;
	cadre_progress_show(&apply->progress, apply->values, 0);
	return status;
}

static enum cadre_status prepare_item(struct apply *apply, const json_t *value,
                                      struct apply_item *item, struct cadre_error *err)
{
	size_t bytes;
	enum cadre_status status = apply_read(apply, value, item, err);

	if (status == CADRE_OK && !apply->history_leaves && apply_needs_names(item))
		status = apply_history_names(apply, item, err);
	if (status == CADRE_OK && apply_needs_names(item)) {
		/* A name may mean what an earlier command makes. */
		status = flush_window(apply, err);
		if (status != CADRE_OK)
			return status;
	}
	if (status == CADRE_OK)
		status = apply_names(apply, item, err);
	if (status == CADRE_OK)
		status = apply_check(item, err);
	if (status != CADRE_OK)
		return status;
	bytes = item->batch.n_commands * sizeof(struct cadre_result);
	item->request.results = cadre_arena_alloc(item->arena, bytes);
	if (!item->request.results)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "results: out of memory");
	memset(item->request.results, 0, bytes);
	return CADRE_OK;
}

/* Whether the error says that the store or machine failed, not the command. */
static bool is_fatal(enum cadre_status status)
{
	return status > CADRE_TOO_MANY_REQUESTS;
}

/* One JSON value into the window. CADRE_END: stop. */
static enum cadre_status take_value(struct apply *apply, const char *file, size_t line,
                                    const json_t *value, struct cadre_error *err)
{
	/* The last item is only a place to read into: what is read may empty the window
	 * before it goes in. */
	struct apply_item *item = &apply->items[APPLY_WINDOW];
	struct apply_item free_item;
	struct cadre_error cause = CADRE_ERROR_INIT;
	enum cadre_status status;

	cadre_arena_reset(item->arena);
	item->file = file;
	item->line = line;
	item->index = ++apply->values;
	memset(&item->request, 0, sizeof(item->request));
	status = prepare_item(apply, value, item, &cause);
	if (status == CADRE_END || is_fatal(status)) {
		*err = cause;
		return status;
	}
	if (status != CADRE_OK) {
		/* What stands before it takes effect first. */
		status = flush_window(apply, err);
		if (status == CADRE_OK)
			apply_print_refusal(apply, item, &cause);
		return status == CADRE_OK && !apply->args->keep_going ? CADRE_END
		                                                      : status;
	}
	free_item = apply->items[apply->filled];
	apply->items[apply->filled] = *item;
	*item = free_item;
	apply->filled++;
	apply->commands += apply->items[apply->filled - 1].batch.n_commands;
	apply->history_leaves |=
	        apply_takes_history_away(&apply->items[apply->filled - 1]);
	return apply->commands >= APPLY_WINDOW - CADRE_COMMANDS_PER_MESSAGE_MAX
	               ? flush_window(apply, err)
	               : CADRE_OK;
}

static enum cadre_status apply_stream(struct apply *apply, const char *name, FILE *file,
                                      struct cadre_error *err)
{
	struct cadre_json_stream stream;
	enum cadre_status status = CADRE_OK;

	cadre_json_stream_init(&stream, read_file, file);
	stream.lookup = lookup_variable;
	stream.lookup_ctx = (void *)(uintptr_t)apply->args;
	while (status == CADRE_OK) {
		json_t *value = NULL;

		status = cadre_json_stream_next(&stream, &value, err);
		if (status == CADRE_END) {
			status = CADRE_OK;
			break;
		}
		if (status == CADRE_OK)
			status = take_value(apply, name, stream.line, value, err);
		else
			cadre_error_prefix(err, "%s: ", name);
		json_decref(value);
		if (status == CADRE_OK)
			status = admin_check_signals(err);
	}
	cadre_json_stream_fini(&stream);
	return status;
}

static enum cadre_status apply_files(struct apply *apply, struct cadre_error *err)
{
	const struct admin_args *args = &apply->args->common;
	enum cadre_status status = CADRE_OK;
	struct cadre_error flush_err = CADRE_ERROR_INIT;

	for (unsigned i = 1; i < args->count && status == CADRE_OK; i++) {
		bool standard = strcmp(args->words[i], "-") == 0;
		FILE *file = standard ? stdin : fopen(args->words[i], "re");

		if (!file) {
			status = cadre_error_errno(err, errno, "opening \"%s\"",
			                           args->words[i]);
			break;
		}
		status = apply_stream(apply, standard ? "standard input" : args->words[i],
		                      file, err);
		if (!standard)
			fclose(file);
	}
	/* What was read before a syntax error or ^C still takes effect, in order. */
	if (status != CADRE_END && !is_fatal(status)) {
		enum cadre_status flushed = flush_window(apply, &flush_err);

		if (status == CADRE_OK && flushed != CADRE_OK) {
			*err = flush_err;
			status = flushed;
		}
	}
	return status == CADRE_END ? CADRE_OK : status;
}

static const char *login_name(void)
{
	const struct passwd *entry = getpwuid(geteuid());

	return entry ? entry->pw_name : "unknown";
}

static enum cadre_status make_items(struct apply *apply, struct cadre_error *err)
{
	apply->items = calloc(APPLY_WINDOW + 1, sizeof(*apply->items));
	apply->arenas = calloc(APPLY_WINDOW + 1, sizeof(*apply->arenas));
	if (!apply->items || !apply->arenas)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "apply: out of memory");
	for (size_t i = 0; i <= APPLY_WINDOW; i++) {
		cadre_arena_init(&apply->arenas[i], ITEM_ARENA_BYTES);
		apply->items[i].arena = &apply->arenas[i];
	}
	return CADRE_OK;
}

static void summarise(const struct apply *apply)
{
	if (apply->args->dry_run)
		admin_note(&apply->args->common,
		           "dry run: %" PRIu64 " accepted, %" PRIu64
		           " refused, nothing changed",
		           apply->accepted, apply->refused);
	else if (apply->values > 1)
		admin_note(&apply->args->common,
		           "%" PRIu64 " accepted, %" PRIu64 " refused", apply->accepted,
		           apply->refused);
}

int admin_apply(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { options, parse, 2, ADMIN_WORDS_MAX };
	struct apply_args args = { .defaults.type = "HOMOGENEOUS" };
	struct apply apply = { .args = &args };
	struct cadre_store_options open = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;

	admin_parse(verb, &syntax, argc, argv, &args.common);
	admin_catch_signals();
	args.defaults.compartment_id = args.common.compartment;
	args.defaults.project_id = args.common.project;
	cadre__v1__actor__init(&apply.actor);
	apply.actor.principal = (char *)(uintptr_t)(args.principal ? args.principal
	                                                           : login_name());
	apply.actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	cadre_arena_init(&apply.view_arena, VIEW_ARENA_BYTES);
	cadre_progress_begin(&apply.progress, "applying", "commands");
	open.dir = args.common.words[0];
	open.no_snapshots = true; /* its own verb, or the daemon's business */
	apply.noted = json_object();
	status = make_items(&apply, &err);
	if (status == CADRE_OK)
		status = admin_store_open(&open, &apply.store, &err);
	if (status == CADRE_OK)
		status = apply_files(&apply, &err);
	cadre_progress_end(&apply.progress);
	if (status != CADRE_OK)
		apply.code = admin_fail(&args.common, &err);
	if (apply.rehearsing)
		cadre_view_abort(&apply.rehearsal);
	cadre_store_close(apply.store);
	if (status == CADRE_OK)
		summarise(&apply);
	for (size_t i = 0; apply.arenas && i <= APPLY_WINDOW; i++)
		cadre_arena_fini(&apply.arenas[i]);
	json_decref(apply.noted);
	free(apply.arenas);
	free(apply.items);
	cadre_arena_fini(&apply.view_arena);
	return apply.code;
}
