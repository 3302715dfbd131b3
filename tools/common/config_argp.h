/*
 * Flags of a table of options, for argp.
 *
 * Threads: main only.
 */
#ifndef CADRE_TOOLS_CONFIG_ARGP_H
#define CADRE_TOOLS_CONFIG_ARGP_H

#include <argp.h>

#include "tools/common/config.h"

enum {
	CADRE_CONFIG_FLAGS_EXTRA = 8, /* the program's own */
	CADRE_CONFIG_FLAG_HELP_BYTES = 320,
	CADRE_CONFIG_FLAG_KEY = 0x1000, /* keys of the table begin here */
};

/* argp's list with headings, and the texts it points to. */
struct cadre_config_flags {
	struct argp_option
	        options[2 * CADRE_CONFIG_ROWS_MAX + CADRE_CONFIG_FLAGS_EXTRA + 1];
	char help[CADRE_CONFIG_ROWS_MAX][CADRE_CONFIG_FLAG_HELP_BYTES];
	size_t count;
};

/* `extra` ends with an empty row; their keys lie below CADRE_CONFIG_FLAG_KEY. */
void cadre_config_flags_init(struct cadre_config_flags *flags,
                             const struct cadre_config_program *program,
                             const struct argp_option *extra);
/* Looks for flags that do not exist, and names the nearest: argp would not.
 * CADRE_INVALID_PARAMETER. */
CADRE_MUST_CHECK enum cadre_status
cadre_config_flags_check(const struct cadre_config_flags *flags, int argc, char **argv,
                         struct cadre_error *err);
/* In the parser of argp: sets the option of a key of the table. */
CADRE_MUST_CHECK enum cadre_status cadre_config_flag(struct cadre_config *config, int key,
                                                     const char *argument,
                                                     struct cadre_error *err);

#endif
