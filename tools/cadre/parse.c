/* Words and options of the command line, along the two tables. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cadre/cli.h"
#include "tools/common/nearest.h"

/* An option of the command line, split at "=". */
struct piece {
	char name[64];
	const char *value; /* NULL: none behind "=" */
};

static void split(const char *word, struct piece *piece)
{
	const char *name = word + 2;
	size_t length = strcspn(name, "=");

	snprintf(piece->name, sizeof(piece->name), "%.*s", (int)length, name);
	piece->value = name[length] == '=' ? name + length + 1 : NULL;
}

static enum cli_option option_of(const char *name)
{
	for (unsigned i = 0; i < CLI_OPTIONS; i++)
		if (strcmp(cli_options[i].name, name) == 0)
			return (enum cli_option)i;
	return CLI_OPTIONS;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

static bool takes_next(const char *word)
{
	struct piece piece;
	enum cli_option option;

	if (strncmp(word, "--", 2) != 0)
		return false;
	split(word, &piece);
	option = option_of(piece.name);
	return option != CLI_OPTIONS && cli_options[option].argument && !piece.value;
}

/* The first two words that are no options: where the verb is. */
static void find_words(int argc, char **argv, int places[2])
{
	unsigned found = 0;

	places[0] = places[1] = argc;
	for (int i = 1; i < argc && found < 2; i++) {
		if (strcmp(argv[i], "--") == 0)
			break;
		if (!is_option(argv[i]))
			places[found++] = i;
		else if (takes_next(argv[i]))
			i++;
	}
}

const struct cli_verb *cli_find_verb(const char *first, const char *second)
{
	for (size_t i = 0; i < cli_verbs_count; i++) {
		const struct cli_verb *verb = &cli_verbs[i];

		if (!verb->noun ? strcmp(verb->name, first) == 0
		                : second && strcmp(verb->noun, first) == 0 &&
		                          strcmp(verb->name, second) == 0)
			return verb;
	}
	return NULL;
}

static int fail_verb(const char *noun, const char *word)
{
	struct cadre_nearest nearest;
	char hint[96];

	cadre_nearest_init(&nearest, word);
	for (size_t i = 0; i < cli_verbs_count; i++)
		if (noun ? cli_verbs[i].noun && strcmp(cli_verbs[i].noun, noun) == 0
		         : !cli_verbs[i].noun)
			cadre_nearest_offer(&nearest, cli_verbs[i].name);
		else if (!noun)
			cadre_nearest_offer(&nearest, cli_verbs[i].noun);
	fprintf(stderr, "%s%s%s: no verb \"%s\"%s\n", CLI_PROGRAM, noun ? " " : "",
	        noun ? noun : "", word, cadre_nearest_hint(&nearest, hint));
	fprintf(stderr, "\"%s help%s%s\" lists them\n", CLI_PROGRAM, noun ? " " : "",
	        noun ? noun : "");
	return CLI_EXIT_USAGE;
}

/* Prints help or an error in the place of a verb. */
static int without_verb(int argc, char **argv, const int places[2])
{
	const char *first = places[0] < argc ? argv[places[0]] : NULL;
	const char *second = places[1] < argc ? argv[places[1]] : NULL;
	bool help = false;

	for (int i = 1; i < argc; i++) {
		help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
		if (!first && strcmp(argv[i], "--version") == 0) {
			puts(CLI_PROGRAM " " CADRE_VERSION);
			return 0;
		}
	}
	if (!first) {
		cli_print_help(help ? stdout : stderr);
		return help ? 0 : CLI_EXIT_USAGE;
	}
	if (!cli_noun_summary(first))
		return fail_verb(NULL, first);
	if (second)
		return fail_verb(first, second);
	cli_print_noun_help(help ? stdout : stderr, first);
	return help ? 0 : CLI_EXIT_USAGE;
}

static int fail_usage(const struct cli_verb *verb, const char *message, const char *word,
                      const char *hint)
{
	char name[64];

	cli_verb_name(verb, name);
	fprintf(stderr, CLI_PROGRAM " %s: %s \"%s\"%s\n", name, message, word, hint);
	fprintf(stderr,
	        "usage: " CLI_PROGRAM " %s %s\n\"" CLI_PROGRAM
	        " help %s\" has the options\n",
	        name, verb->words, name);
	return CLI_EXIT_USAGE;
}

static int fail_option(const struct cli_verb *verb, const char *name)
{
	struct cadre_nearest nearest;
	char hint[96];

	cadre_nearest_init(&nearest, name);
	for (unsigned i = 0; i < CLI_OPTIONS; i++)
		if (verb->options & CLI_BIT(i))
			cadre_nearest_offer(&nearest, cli_options[i].name);
	return fail_usage(verb, "no option", name, cadre_nearest_hint(&nearest, hint));
}

/* Takes argv[*io_at], and the next word when the option needs it. */
static int take_option(struct cli *cli, int argc, char **argv, int *io_at)
{
	const char *word = argv[*io_at];
	enum cli_option option;
	struct piece piece;

	if (strcmp(word, "-h") == 0)
		word = "--help";
	if (strncmp(word, "--", 2) != 0)
		return fail_option(cli->verb, word);
	split(word, &piece);
	option = option_of(piece.name);
	if (option == CLI_OPTIONS || !(cli->verb->options & CLI_BIT(option)))
		return fail_option(cli->verb, piece.name);
	if (cli_options[option].argument && !piece.value) {
		if (*io_at + 1 == argc)
			return fail_usage(cli->verb, "a value is missing behind", word,
			                  "");
		piece.value = argv[++*io_at];
	} else if (!cli_options[option].argument && piece.value) {
		return fail_usage(cli->verb, "no value belongs behind", piece.name, "");
	}
	if (cli_has(cli, option) && !cli_options[option].many)
		return fail_usage(cli->verb, "given twice:", piece.name, "");
	if (cli->given_count == CLI_GIVEN_MAX)
		return fail_usage(cli->verb, "too many options at", word, "");
	cli->given[cli->given_count++] = (struct cli_given){ option, piece.value };
	return 0;
}

static int take_all(struct cli *cli, int argc, char **argv, const int places[2])
{
	bool only_words = false;

	for (int i = 1; i < argc; i++) {
		int code = 0;

		if (i == places[0] || (cli->verb->noun && i == places[1]))
			continue;
		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (!only_words && is_option(argv[i]))
			code = take_option(cli, argc, argv, &i);
		else if (cli->count == cli->verb->most)
			code = fail_usage(cli->verb, "one word too many:", argv[i], "");
		else
			cli->words[cli->count++] = argv[i];
		if (code != 0)
			return code;
	}
	return 0;
}

static enum cadre_output_mode mode_of(const struct cli *cli)
{
	if (cli_has(cli, CLI_JSON))
		return CADRE_OUTPUT_JSON;
	return cli_has(cli, CLI_QUIET) ? CADRE_OUTPUT_QUIET : CADRE_OUTPUT_TEXT;
}

bool cli_parse(struct cli *cli, int argc, char **argv, int *ret_code)
{
	int places[2];

	find_words(argc, argv, places);
	cli->verb = places[0] < argc
	                    ? cli_find_verb(argv[places[0]],
	                                    places[1] < argc ? argv[places[1]] : NULL)
	                    : NULL;
	if (!cli->verb) {
		*ret_code = without_verb(argc, argv, places);
		return false;
	}
	*ret_code = take_all(cli, argc, argv, places);
	if (*ret_code != 0)
		return false;
	if (cli_has(cli, CLI_HELP)) {
		cli_print_verb_help(stdout, cli->verb);
		return false;
	}
	cli->mode = mode_of(cli);
	if (cli->count < cli->verb->least) {
		*ret_code = fail_usage(cli->verb, "missing:", cli->verb->words, "");
		return false;
	}
	return true;
}

bool cli_has(const struct cli *cli, enum cli_option option)
{
	for (size_t i = 0; i < cli->given_count; i++)
		if (cli->given[i].option == option)
			return true;
	return false;
}

const char *cli_value(const struct cli *cli, enum cli_option option)
{
	for (size_t i = cli->given_count; i > 0; i--)
		if (cli->given[i - 1].option == option)
			return cli->given[i - 1].value;
	return NULL;
}

enum cadre_status cli_number(struct cli *cli, enum cli_option option, uint64_t fallback,
                             uint64_t *ret_number)
{
	const char *text = cli_value(cli, option);
	char *end = NULL;

	*ret_number = fallback;
	if (!text)
		return CADRE_OK;
	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
		return cli_usage(cli, "--%s: \"%s\" is no number",
		                 cli_options[option].name, text);
	return CADRE_OK;
}

enum cadre_status cli_usage(struct cli *cli, const char *format, ...)
{
	char message[400];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	cli->usage = true;
	return cadre_error_set(&cli->err, CADRE_INVALID_PARAMETER, "%s", message);
}
