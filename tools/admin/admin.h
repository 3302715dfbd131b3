/*
 * cadre-admin: works on a data directory without a daemon. One file a verb; verbs.c
 * has the table of them.
 *
 * Every verb: parses its words, opens what it needs, does its work, prints, and
 * returns an exit code. Whatever fails is printed in one place, admin_fail().
 */
#ifndef CADRE_TOOLS_ADMIN_H
#define CADRE_TOOLS_ADMIN_H

#include <argp.h>
#include <signal.h>

#include "engine/store/store.h"
#include "tools/common/json_write.h"
#include "tools/common/output.h"

#define ADMIN_PROGRAM "cadre-admin"
#define ADMIN_WORDS_MAX 64u
/* Room for a path with what is put behind it. */
#define ADMIN_PATH_BYTES 1024u
#define ADMIN_EXIT_USAGE 2

/* What every verb's arguments begin with. */
struct admin_args {
	const struct admin_verb *verb;
	enum cadre_output_mode mode;
	const char *compartment; /* $CADRE_COMPARTMENT, or "default" */
	const char *project;     /* $CADRE_PROJECT, or "default" */
	const char *words[ADMIN_WORDS_MAX];
	unsigned count;
};

struct admin_verb {
	const char *name;
	const char *summary;
	const char *usage;   /* behind "cadre-admin NAME " */
	const char *example; /* lines that run as they stand */
	int (*run)(const struct admin_verb *verb, int argc, char **argv);
};
extern const struct admin_verb admin_verbs[];
extern const size_t admin_verbs_count;

/* A verb's own options; `parser` sees the keys of `options` with state->input at the
 * verb's arguments, whose first member is `struct admin_args`. */
struct admin_syntax {
	const struct argp_option *options; /* may be NULL */
	argp_parser_t parser;              /* may be NULL */
	unsigned least, most;              /* words */
};
/* Fills `args`; exits with ADMIN_EXIT_USAGE on a usage error and 0 after --help. */
void admin_parse(const struct admin_verb *verb, const struct admin_syntax *syntax,
                 int argc, char **argv, struct admin_args *args);

/* cadre_store_open() on this machine, as every verb does it: warnings of the store go to
 * standard error, and views that crash the process are thrown away at the third time. */
CADRE_MUST_CHECK enum cadre_status admin_store_open(struct cadre_store_options *options,
                                                    struct cadre_store **ret_store,
                                                    struct cadre_error *err);
/* A bulk verb never leaves the store idle: lets it zero and seal segments for so many
 * bytes that were written. What fails is put off. */
void admin_store_upkeep(struct cadre_store *store, size_t bytes_written);
/* Prints the error and returns its exit code. */
int admin_fail(const struct admin_args *args, const struct cadre_error *err);
/* Prints the JSON object and a newline to standard output. */
void admin_print_json(struct cadre_json *json);
/* A note for people on standard error; nothing with --json or --quiet. */
void admin_note(const struct admin_args *args, const char *format, ...)
        CADRE_PRINTF(2, 3);

/* `dir`/`name`. CADRE_INVALID_PARAMETER when too long. */
CADRE_MUST_CHECK enum cadre_status admin_path(char path[ADMIN_PATH_BYTES],
                                              const char *dir, const char *name,
                                              struct cadre_error *err);

/* SIGINT and SIGTERM set the flag; long work looks at it and ends in order. */
void admin_catch_signals(void);
bool admin_interrupted(void);
/* CADRE_UNAVAILABLE once interrupted. */
CADRE_MUST_CHECK enum cadre_status admin_check_signals(struct cadre_error *err);

/* A number of digits is a seq, anything else an ISO 8601 time. */
struct admin_moment {
	bool given;
	bool is_time;
	uint64_t seq;
	cadre_time_ms time_ms;
};
CADRE_MUST_CHECK bool admin_parse_moment(const char *text,
                                         struct admin_moment *ret_moment);

int admin_init(const struct admin_verb *verb, int argc, char **argv);
int admin_apply(const struct admin_verb *verb, int argc, char **argv);
int admin_resolve(const struct admin_verb *verb, int argc, char **argv);
int admin_history(const struct admin_verb *verb, int argc, char **argv);
int admin_key_log(const struct admin_verb *verb, int argc, char **argv);
int admin_list(const struct admin_verb *verb, int argc, char **argv);
int admin_show(const struct admin_verb *verb, int argc, char **argv);
int admin_diff(const struct admin_verb *verb, int argc, char **argv);
int admin_dump(const struct admin_verb *verb, int argc, char **argv);
int admin_replay(const struct admin_verb *verb, int argc, char **argv);
int admin_verify(const struct admin_verb *verb, int argc, char **argv);
int admin_stat(const struct admin_verb *verb, int argc, char **argv);
int admin_snapshot(const struct admin_verb *verb, int argc, char **argv);
int admin_restore(const struct admin_verb *verb, int argc, char **argv);
int admin_repair(const struct admin_verb *verb, int argc, char **argv);

#endif
