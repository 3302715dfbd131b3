/* Help, from the tables. */
#include <string.h>

#include "tools/cadre/cli.h"

/* Where the second column of a listing begins. */
#define COLUMN 24

const char *cli_verb_name(const struct cli_verb *verb, char text[64])
{
	snprintf(text, 64, "%s%s%s", verb->noun ? verb->noun : "", verb->noun ? " " : "",
	         verb->name);
	return text;
}

static void print_verb_line(FILE *stream, const struct cli_verb *verb)
{
	char name[64];

	fprintf(stream, "  %-*s %s\n", COLUMN, cli_verb_name(verb, name), verb->summary);
}

static void print_footer(FILE *stream)
{
	fputs("\nA name or a prefix that only one has works wherever an id does; a history "
	      "means\nits latest. \"" CLI_PROGRAM " VERB --help\" has options and an "
	      "example.\n\nExit codes: 0 done, 1 refused by rules, 2 usage, 3 not found, "
	      "4 conflict,\n5 unavailable or deadline (the message says what is known), "
	      "6 damaged data.\n",
	      stream);
}

void cli_print_help(FILE *stream)
{
	fputs("usage: " CLI_PROGRAM " VERB … [OPTIONS]\n"
	      "Asks and changes a Cadre cluster.\n",
	      stream);
	for (size_t i = 0; i < cli_verbs_count; i++) {
		const char *noun = cli_verbs[i].noun;
		const char *before = i > 0 ? cli_verbs[i - 1].noun : NULL;

		if (noun && (!before || strcmp(noun, before) != 0))
			fprintf(stream, "\n%s\n", cli_noun_summary(noun));
		else if (i == 0 || (!noun && before))
			fputc('\n', stream);
		print_verb_line(stream, &cli_verbs[i]);
	}
	print_footer(stream);
}

void cli_print_noun_help(FILE *stream, const char *noun)
{
	fprintf(stream, "usage: " CLI_PROGRAM " %s VERB … [OPTIONS]\n%s\n\n", noun,
	        cli_noun_summary(noun));
	for (size_t i = 0; i < cli_verbs_count; i++)
		if (cli_verbs[i].noun && strcmp(cli_verbs[i].noun, noun) == 0)
			print_verb_line(stream, &cli_verbs[i]);
	print_footer(stream);
}

void cli_print_verb_help(FILE *stream, const struct cli_verb *verb)
{
	char name[64];

	fprintf(stream, "usage: " CLI_PROGRAM " %s%s%s [OPTIONS]\n%s\n\n",
	        cli_verb_name(verb, name), *verb->words ? " " : "", verb->words,
	        verb->summary);
	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		const struct cli_option_row *row = &cli_options[i];

		if (!(verb->options & CLI_BIT(i)))
			continue;
		snprintf(name, sizeof(name), "--%s%s%s%s", row->name,
		         row->argument ? " " : "", row->argument ? row->argument : "",
		         row->many ? " …" : "");
		/* The ellipsis takes three bytes and one column. */
		fprintf(stream, "  %-*s %s\n", COLUMN + 8 + (row->many ? 2 : 0), name,
		        row->help);
	}
	fprintf(stream, "\nExample:\n  %s\n", verb->example);
}

enum cadre_status cli_help(struct cli *cli)
{
	const struct cli_verb *verb;

	if (cli->count == 0) {
		cli_print_help(stdout);
		return CADRE_OK;
	}
	verb = cli_find_verb(cli->words[0], cli->count > 1 ? cli->words[1] : NULL);
	if (verb) {
		cli_print_verb_help(stdout, verb);
		return CADRE_OK;
	}
	if (cli->count == 1 && cli_noun_summary(cli->words[0])) {
		cli_print_noun_help(stdout, cli->words[0]);
		return CADRE_OK;
	}
	return cli_usage(cli, "no verb \"%s%s%s\"", cli->words[0],
	                 cli->count > 1 ? " " : "", cli->count > 1 ? cli->words[1] : "");
}
