/* Completion for bash, from the tables. */
#include <string.h>

#include "tools/cadre/cli.h"

static void put_first_words(void)
{
	const char *before = "";

	fputs("\tlocal first='", stdout);
	for (size_t i = 0; i < cli_verbs_count; i++) {
		const struct cli_verb *verb = &cli_verbs[i];
		const char *word = verb->noun ? verb->noun : verb->name;

		if (strcmp(word, before) != 0)
			printf("%s ", word);
		before = word;
	}
	fputs("'\n", stdout);
}

static void put_second_words(const char *noun)
{
	printf("\t%s) second='", noun);
	for (size_t i = 0; i < cli_verbs_count; i++)
		if (cli_verbs[i].noun && strcmp(cli_verbs[i].noun, noun) == 0)
			printf("%s ", cli_verbs[i].name);
	fputs("' ;;\n", stdout);
}

static void put_options(const struct cli_verb *verb)
{
	char name[64];

	printf("\t'%s') options='", cli_verb_name(verb, name));
	for (unsigned i = 0; i < CLI_OPTIONS; i++)
		if (verb->options & CLI_BIT(i))
			printf("--%s ", cli_options[i].name);
	fputs("' ;;\n", stdout);
}

/* Finds the verb among the words before the cursor, then offers nouns, verbs, options,
 * or files. */
enum cadre_status cli_completion(struct cli *cli)
{
	const char *before = NULL;

	(void)cli;
	fputs("_cadre() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} second='' options=''\n",
	      stdout);
	put_first_words();
	fputs("\tlocal verb=${COMP_WORDS[1]}\n\tcase $verb in\n", stdout);
	for (size_t i = 0; i < cli_verbs_count; i++) {
		const char *noun = cli_verbs[i].noun;

		if (noun && (!before || strcmp(noun, before) != 0))
			put_second_words(noun);
		before = noun;
	}
	fputs("\tesac\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$first\" -- \"$word\"))\n\t\treturn\n\tfi\n"
	      "\tif [ -n \"$second\" ]; then\n"
	      "\t\tif [ \"$COMP_CWORD\" = 2 ]; then\n"
	      "\t\t\tCOMPREPLY=($(compgen -W \"$second\" -- \"$word\"))\n"
	      "\t\t\treturn\n\t\tfi\n"
	      "\t\tverb=\"$verb ${COMP_WORDS[2]}\"\n\tfi\n\tcase $verb in\n",
	      stdout);
	for (size_t i = 0; i < cli_verbs_count; i++)
		put_options(&cli_verbs[i]);
	fputs("\tesac\n"
	      "\tif [[ $word == -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
	      "\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n\tfi\n}\n"
	      "complete -o filenames -F _cadre cadre\n",
	      stdout);
	return CADRE_OK;
}
