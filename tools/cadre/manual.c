/* The manual page, from the tables. */
#include <string.h>

#include "tools/cadre/cli.h"

#define DOTS "…"

/* Bytes to skip behind the first of the character. */
static size_t put_dots(void)
{
	fputs("...", stdout);
	return strlen(DOTS) - 1;
}

/* A text in troff: hyphens stay hyphens, no line becomes a request. */
static void put(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (*at == '\\')
			fputs("\\e", stdout);
		else if (*at == '-')
			fputs("\\-", stdout);
		else if (*at == '\'')
			fputs("\\(aq", stdout);
		else if (strncmp(at, DOTS, strlen(DOTS)) == 0)
			at += put_dots();
		else if (*at == '.' && (at == text || at[-1] == '\n'))
			fputs("\\&.", stdout);
		else
			fputc(*at, stdout);
	}
}

static void put_verb(const struct cli_verb *verb)
{
	char name[64];

	fputs(".SS ", stdout);
	put(cli_verb_name(verb, name));
	fputs("\n.B " CLI_PROGRAM " ", stdout);
	put(name);
	if (*verb->words) {
		fputs("\n.I ", stdout);
		put(verb->words);
	}
	fputs("\n.PP\n", stdout);
	put(verb->summary);
	fputs(".\n", stdout);
	if (verb->options & ~CLI_BIT(CLI_HELP))
		fputs("Options:\n", stdout);
	for (unsigned i = CLI_HELP + 1; i < CLI_OPTIONS; i++) {
		if (!(verb->options & CLI_BIT(i)))
			continue;
		fputs(".B ", stdout);
		put("--");
		put(cli_options[i].name);
		fputc('\n', stdout);
	}
	fputs(".PP\nExample:\n.PP\n.RS\n.nf\n", stdout);
	put(verb->example);
	fputs("\n.fi\n.RE\n", stdout);
}

static void put_options(void)
{
	fputs(".SH OPTIONS\n", stdout);
	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		fputs(".TP\n.B ", stdout);
		put("--");
		put(cli_options[i].name);
		if (cli_options[i].argument) {
			fputs(" \\fI", stdout);
			put(cli_options[i].argument);
			fputs("\\fR", stdout);
		}
		fputc('\n', stdout);
		put(cli_options[i].help);
		fputs(".\n", stdout);
	}
}

static void put_end(void)
{
	fputs(".SH ENVIRONMENT\n"
	      "CADRE_CONTEXT, CADRE_ADDRESS (several with commas), CADRE_COMPARTMENT, "
	      "CADRE_PROJECT: as the options of these names. NO_COLOR: no colour.\n"
	      ".SH FILES\n"
	      "~/.config/cadre/config: contexts, written by \"cadre config use\".\n"
	      ".SH EXIT STATUS\n"
	      "0 done, 1 refused by rules, 2 usage, 3 not found, 4 conflict, 5 "
	      "unavailable or deadline (the message says what is known), 6 damaged "
	      "data.\n"
	      ".SH SEE ALSO\n.BR cadre\\-admin (8)\n",
	      stdout);
}

enum cadre_status cli_manual(struct cli *cli)
{
	(void)cli;
	fputs(".TH CADRE 1 \"\" \"cadre " CADRE_VERSION "\" \"User Commands\"\n"
	      ".SH NAME\ncadre \\- asks and changes a Cadre cluster\n"
	      ".SH SYNOPSIS\n.B cadre\n.I VERB\n[\\fIOPTIONS\\fR]\n"
	      ".SH DESCRIPTION\n"
	      "A name, or a prefix that only one resource has, works wherever an OCID "
	      "does; a version history means its latest group. Changes print a token; "
	      "reads with \\fB\\-\\-after\\fR \\fITOKEN\\fR see them on any node.\n"
	      ".SH VERBS\n",
	      stdout);
	for (size_t i = 0; i < cli_verbs_count; i++)
		put_verb(&cli_verbs[i]);
	put_options();
	put_end();
	return CADRE_OK;
}
