#include <stdlib.h>
#include <string.h>

#include "tools/admin/admin.h"

enum { KEY_JSON = 0x100, KEY_QUIET, KEY_COMPARTMENT, KEY_PROJECT };

static const struct argp_option common_options[] = {
	{ "json", KEY_JSON, NULL, 0, "Print one JSON object", 90 },
	{ "quiet", KEY_QUIET, NULL, 0, "Print ids only", 90 },
	{ "compartment", KEY_COMPARTMENT, "ID", 0,
	  "Compartment of names and of what is made ($CADRE_COMPARTMENT, default)", 90 },
	{ "project", KEY_PROJECT, "ID", 0,
	  "Project of what is made ($CADRE_PROJECT, default)", 90 },
	{ 0 }
};

struct parse {
	const struct admin_syntax *syntax;
	struct admin_args *args;
};

static const char *from_environment(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct admin_args *args = parse->args;

	switch (key) {
	case ARGP_KEY_INIT:
		if (parse->syntax->parser)
			state->child_inputs[0] = args;
		return 0;
	case KEY_JSON:
		args->mode = CADRE_OUTPUT_JSON;
		return 0;
	case KEY_QUIET:
		args->mode = CADRE_OUTPUT_QUIET;
		return 0;
	case KEY_COMPARTMENT:
		args->compartment = arg;
		return 0;
	case KEY_PROJECT:
		args->project = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (args->count == parse->syntax->most)
			argp_error(state, "too many words: \"%s\"", arg);
		else
			args->words[args->count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->count < parse->syntax->least)
			argp_error(state, "needs %s", args->verb->usage);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void admin_parse(const struct admin_verb *verb, const struct admin_syntax *syntax,
                 int argc, char **argv, struct admin_args *args)
{
	struct argp own = { .options = syntax->options, .parser = syntax->parser };
	struct argp_child children[] = { { .argp = &own }, { 0 } };
	struct parse parse = { .syntax = syntax, .args = args };
	struct argp argp = { .options = common_options,
		             .parser = parse_common,
		             .args_doc = verb->usage,
		             .children = syntax->parser ? children : NULL };
	char doc[512];
	char name[64];

	snprintf(doc, sizeof(doc), "%s.\vExample:\n  %s\n", verb->summary, verb->example);
	snprintf(name, sizeof(name), ADMIN_PROGRAM " %s", verb->name);
	argp.doc = doc;
	args->verb = verb;
	args->compartment = from_environment("CADRE_COMPARTMENT", "default");
	args->project = from_environment("CADRE_PROJECT", "default");
	argv[0] = name;
	if (argp_parse(&argp, argc, argv, 0, NULL, &parse) != 0)
		exit(ADMIN_EXIT_USAGE);
}

int admin_fail(const struct admin_args *args, const struct cadre_error *err)
{
	fflush(stdout);
	return cadre_report(ADMIN_PROGRAM, args->mode, err);
}

void admin_print_json(struct cadre_json *json)
{
	fwrite(json->text.data, 1, json->text.length, stdout);
	fputc('\n', stdout);
}

void admin_note(const struct admin_args *args, const char *format, ...)
{
	va_list list;

	if (args->mode != CADRE_OUTPUT_TEXT)
		return;
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

enum cadre_status admin_path(char path[ADMIN_PATH_BYTES], const char *dir,
                             const char *name, struct cadre_error *err)
{
	int length = snprintf(path, ADMIN_PATH_BYTES, "%s%s%s", dir, *name ? "/" : "",
	                      name);

	if (length < 0 || (unsigned)length >= ADMIN_PATH_BYTES)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.200s…\": path too long", dir);
	return CADRE_OK;
}

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

void admin_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal,
		                    .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool admin_interrupted(void)
{
	return interrupted != 0;
}

enum cadre_status admin_check_signals(struct cadre_error *err)
{
	if (!admin_interrupted())
		return CADRE_OK;
	return cadre_error_set(err, CADRE_UNAVAILABLE, "interrupted");
}

bool admin_parse_moment(const char *text, struct admin_moment *ret_moment)
{
	struct admin_moment moment = { .given = true };
	char *end = NULL;

	moment.seq = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0') {
		moment.is_time = true;
		if (!cadre_time_parse(text, &moment.time_ms))
			return false;
	}
	*ret_moment = moment;
	return true;
}
