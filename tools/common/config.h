/*
 * Options of a daemon. One table says what each is called, takes and means; flags,
 * file, environment, the listing of what holds, example file and manual follow from it.
 *
 * Usage: create, then file, environment and flags in any order: a value from a lower
 * rank never replaces one from a higher (flag > environment > file > default). Then
 * check_role, then the getters.
 *
 * Whoever gives a bad value is told where it stands, what is wrong and what would do:
 *   /etc/cadre/cadre.conf:7: segment-size: "64 potatoes": no unit "potatoes"; …
 *
 * Threads: one config from one thread at a time; reading from many.
 */
#ifndef CADRE_TOOLS_CONFIG_H
#define CADRE_TOOLS_CONFIG_H

#include <stdio.h>

#include "engine/base/status.h"
#include "engine/base/types.h"

enum {
	CADRE_CONFIG_ROWS_MAX = 48,     /* rows of a table */
	CADRE_CONFIG_VALUES_MAX = 64,   /* of one option that may be repeated */
	CADRE_CONFIG_TEXT_MAX = 1000,   /* bytes of a value */
	CADRE_CONFIG_NAME_BYTES = 48,   /* of an option, with NUL */
	CADRE_CONFIG_SHORT_BYTES = 32,  /* a number with its unit */
	CADRE_CONFIG_WHERE_BYTES = 320, /* "path:line" */
};

enum cadre_config_type {
	CADRE_CONFIG_TEXT,
	CADRE_CONFIG_SWITCH, /* yes or no */
	CADRE_CONFIG_CHOICE, /* one of `choices` */
	CADRE_CONFIG_COUNT,
	CADRE_CONFIG_BYTES, /* B, KiB, MiB, GiB, TiB */
	CADRE_CONFIG_TIME,  /* ms, s, min, h; kept as ms */
	CADRE_CONFIG_PAIR,  /* NAME=VALUE */
};

enum cadre_config_traits {
	CADRE_CONFIG_REPEAT = 1, /* may be given several times; all count */
	CADRE_CONFIG_RELOAD = 2, /* takes effect without a restart */
	CADRE_CONFIG_NO_FILE = 4 /* means nothing inside the file */
};

/* One row of the table. Static storage. */
struct cadre_config_row {
	const char *name; /* "data-dir": key, flag, and CADRE_DATA_DIR */
	enum cadre_config_type type;
	unsigned flags;
	unsigned roles;       /* bits of who has it; 0: all */
	const char *metavar;  /* "DIR" */
	const char *fallback; /* default as text; "": unset */
	uint64_t least, most; /* of numbers: bytes, ms; most 0: no limit */
	const char *choices;  /* "leader|follower" */
	const char *group; /* heading in help and manual, of this row and those below */
	const char *help;  /* one sentence without full stop */
	/* Beyond the type; may be NULL. The message begins with the value. */
	enum cadre_status (*check)(const char *text, struct cadre_error *err);
};

struct cadre_config_program {
	const char *name;              /* also of the file's section */
	const char *prefix;            /* of variables: "CADRE_" */
	const char *const *role_names; /* of the bits, up to a NULL */
	const struct cadre_config_row *rows;
	size_t count;
};

/* Rising rank. */
enum cadre_config_source {
	CADRE_CONFIG_DEFAULT,
	CADRE_CONFIG_FILE,
	CADRE_CONFIG_ENVIRONMENT,
	CADRE_CONFIG_FLAG,
};

struct cadre_config;

/* All at their defaults. Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_config_create(const struct cadre_config_program *program,
                    struct cadre_config **ret_config, struct cadre_error *err);
/* Takes NULL; nulls the pointer. */
void cadre_config_destroy(struct cadre_config **config);

/* `where` is how the user finds it: "--listen", "$CADRE_LISTEN", "path:7: listen".
 * A repeatable option gets one more value, others of the same rank are replaced.
 * Errors: CADRE_INVALID_PARAMETER, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_config_set(struct cadre_config *config, size_t row, enum cadre_config_source source,
                 const char *where, const char *text, struct cadre_error *err);
/* INI: `name = value`, comments behind ; or #, an optional section with the program's
 * name. Errors: CADRE_NOT_FOUND (no such file), CADRE_INVALID_PARAMETER with the line:
 * unknown names (with the nearest), values, names given twice. */
CADRE_MUST_CHECK enum cadre_status cadre_config_read_file(struct cadre_config *config,
                                                          const char *path,
                                                          struct cadre_error *err);
/* `environment` as environ. Other programs' variables share the prefix: unknown ones
 * are passed over, and so are empty ones. Several values stand with commas between. */
CADRE_MUST_CHECK enum cadre_status
cadre_config_read_environment(struct cadre_config *config, char *const *environment,
                              struct cadre_error *err);
/* What `from` has of flags, for a second reading of file and environment. */
CADRE_MUST_CHECK enum cadre_status
cadre_config_copy_flags(struct cadre_config *config, const struct cadre_config *from,
                        struct cadre_error *err);
/* Refuses what was given and is for other roles than `role` (a bit). */
CADRE_MUST_CHECK enum cadre_status
cadre_config_check_role(const struct cadre_config *config, unsigned role,
                        struct cadre_error *err);

/* The row of that name, or program->count. */
size_t cadre_config_find(const struct cadre_config_program *program, const char *name);

/* The value; "" when unset. */
const char *cadre_config_text(const struct cadre_config *config, size_t row);
/* COUNT, BYTES, TIME (ms). */
uint64_t cadre_config_number(const struct cadre_config *config, size_t row);
bool cadre_config_on(const struct cadre_config *config, size_t row);
size_t cadre_config_count(const struct cadre_config *config, size_t row);
const char *cadre_config_item(const struct cadre_config *config, size_t row, size_t item);
enum cadre_config_source cadre_config_source(const struct cadre_config *config,
                                             size_t row);
/* Whether both hold the same values. */
bool cadre_config_same(const struct cadre_config *a, const struct cadre_config *b,
                       size_t row);

/* Every option of `role` (0: all) with its value and where it came from, as a file
 * that gives the same values again. */
void cadre_config_show(const struct cadre_config *config, unsigned role, FILE *stream);
/* A file in which every option is explained and none is set. */
void cadre_config_example(const struct cadre_config_program *program, FILE *stream);
/* The options as part of a manual page: roff, macros of man(7). */
void cadre_config_man(const struct cadre_config_program *program, FILE *stream);

/* "CADRE_DATA_DIR" */
void cadre_config_variable(const struct cadre_config_program *program, size_t row,
                           char text[CADRE_CONFIG_NAME_BYTES]);
/* "leader and follower", "follower" */
void cadre_config_roles_text(const struct cadre_config_program *program, unsigned roles,
                             char text[CADRE_CONFIG_NAME_BYTES]);
/* "64MiB", "500ms", "7" */
void cadre_config_number_text(enum cadre_config_type type, uint64_t number,
                              char text[CADRE_CONFIG_SHORT_BYTES]);
/* Reads a value of the row's type and checks it; `*ret_number` only for numbers and
 * switches. The message begins with the value. */
CADRE_MUST_CHECK enum cadre_status cadre_config_parse(const struct cadre_config_row *row,
                                                      const char *text,
                                                      uint64_t *ret_number,
                                                      struct cadre_error *err);

#endif
