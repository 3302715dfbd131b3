#include <stdlib.h>
#include <string.h>

#include "tools/admin/admin.h"
#include "tools/common/nearest.h"

static void print_help(FILE *stream)
{
	fputs("Usage: " ADMIN_PROGRAM " VERB DIR …\n"
	      "Works on a data directory of Cadre without a daemon.\n\n",
	      stream);
	for (size_t i = 0; i < admin_verbs_count; i++)
		fprintf(stream, "  %-9s %s\n", admin_verbs[i].name,
		        admin_verbs[i].summary);
	fputs("\n" ADMIN_PROGRAM " VERB --help has the options and an example.\n"
	      "Exit codes: 0 done, 1 refused, 2 usage, 3 not found, 4 conflict,\n"
	      "5 unavailable or outcome unknown, 6 damaged data.\n",
	      stream);
}

static int fail_unknown(const char *word)
{
	struct cadre_nearest nearest;
	char hint[96];

	cadre_nearest_init(&nearest, word);
	for (size_t i = 0; i < admin_verbs_count; i++)
		cadre_nearest_offer(&nearest, admin_verbs[i].name);
	fprintf(stderr, ADMIN_PROGRAM ": no verb \"%s\"%s\n", word,
	        cadre_nearest_hint(&nearest, hint));
	return ADMIN_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	argp_err_exit_status = ADMIN_EXIT_USAGE;
	if (argc < 2) {
		print_help(stderr);
		return ADMIN_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts(ADMIN_PROGRAM " " CADRE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < admin_verbs_count; i++)
		if (strcmp(argv[1], admin_verbs[i].name) == 0)
			return admin_verbs[i].run(&admin_verbs[i], argc - 1, argv + 1);
	return fail_unknown(argv[1]);
}
