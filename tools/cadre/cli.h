/*
 * cadre: the client command for people and scripts. One file a noun; verbs.c has the
 * table of verbs and options.c that of options: help, manual page, completion and
 * parsing follow these two tables, and nothing else lists verbs.
 *
 * Order of a run: parse the words, read the context, run the verb's handler, report.
 * A handler looks names up, asks, prints, and returns a status; what went wrong stands
 * in cli->err and is printed in one place, cli_report().
 *
 * Memory: everything lives in cli->arena or in an answer that cli keeps, until the
 * program ends.
 */
#ifndef CADRE_TOOLS_CLI_H
#define CADRE_TOOLS_CLI_H

#include <jansson.h>

#include "cadre/v1/rpc.pb-c.h"
#include "proto/codec/arena.h"
#include "replica/rpc/cadre_client.h"
#include "tools/common/json_write.h"
#include "tools/common/output.h"

#define CLI_PROGRAM "cadre"
#define CLI_EXIT_USAGE 2
#define CLI_EXIT_UNAVAILABLE 5
/* A full member list as flags, and its verb's others. */
#define CLI_GIVEN_MAX 2048u
#define CLI_WORDS_MAX 64u
#define CLI_ADDRESSES_MAX 16u
#define CLI_PATH_BYTES 1024u
/* The largest answers of a run that reads page after page. */
#define CLI_ARENA_BYTES ((size_t)256 << 20)

/* The rows of cli_options, in their order. */
enum cli_option {
	CLI_HELP,
	CLI_JSON,
	CLI_QUIET,
	CLI_CONTEXT,
	CLI_ADDRESS,
	CLI_COMPARTMENT,
	CLI_PROJECT,
	CLI_TIMEOUT,
	CLI_AS,
	CLI_PRINCIPAL,
	CLI_KEY,
	CLI_AFTER,
	CLI_RETRY_TOKEN,
	CLI_IF_MATCH,
	CLI_ACK,
	CLI_DRY_RUN,
	CLI_FROM_JSON,
	CLI_SET,
	CLI_NAME,
	CLI_DESCRIPTION,
	CLI_LABEL,
	CLI_TYPE,
	CLI_BASE,
	CLI_MEMBER,
	CLI_HISTORY,
	CLI_UNLINK,
	CLI_TAG,
	CLI_METADATA,
	CLI_INSERT,
	CLI_REMOVE,
	CLI_BRANCH,
	CLI_LATEST,
	CLI_TO,
	CLI_ID,
	CLI_FRAMEWORK,
	CLI_KIND,
	CLI_ARTIFACT,
	CLI_UPLOAD,
	CLI_URI,
	CLI_SHA256,
	CLI_BYTES,
	CLI_GROUP,
	CLI_SHAPE,
	CLI_OCPUS,
	CLI_MEMORY,
	CLI_INSTANCES,
	CLI_ENV,
	CLI_UPDATE_TYPE,
	CLI_AT,
	CLI_FROM,
	CLI_LIMIT,
	CLI_STATE,
	CLI_DATA,
	CLI_YES,
	CLI_EXPLAIN,
	CLI_PUBLIC_KEY,
	CLI_GATEWAY,
	CLI_STATEMENT,
	CLI_OPTIONS
};
#define CLI_BIT(option) ((uint64_t)1 << (option))

struct cli_option_row {
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;
	bool many; /* may be given more than once */
};
extern const struct cli_option_row cli_options[CLI_OPTIONS];

struct cli;
struct cli_verb {
	const char *noun; /* NULL: the verb stands alone */
	const char *name;
	const char *words; /* arguments, for the usage line */
	const char *summary;
	const char *example;
	unsigned least, most; /* words */
	uint64_t options;
	enum cadre_status (*run)(struct cli *cli);
};
extern const struct cli_verb cli_verbs[];
extern const size_t cli_verbs_count;
/* What a noun is about; NULL for none of that name. */
const char *cli_noun_summary(const char *noun);

/* Where to ask, and where names are looked up. */
struct cli_context {
	char name[64]; /* "" when no file gives one */
	const char *addresses[CLI_ADDRESSES_MAX];
	size_t address_count;
	const char *compartment;
	const char *project;
	const char *principal; /* NULL: none */
	const char *key;       /* file of its private key; NULL: none */
};

struct cli_given {
	enum cli_option option;
	const char *value;
};

struct cli {
	const struct cli_verb *verb;
	enum cadre_output_mode mode;
	const char *words[CLI_WORDS_MAX];
	unsigned count;
	struct cli_given given[CLI_GIVEN_MAX]; /* in their order */
	size_t given_count;
	struct cli_context context;
	struct cadre_client *client;          /* opened by the first question */
	uint64_t deadline_ns;                 /* by the monotonic clock */
	struct cadre_client_answer **answers; /* kept to the end */
	size_t answer_count;
	struct cadre_arena arena;
	json_t *body;   /* of --from-json and flags */
	uint64_t as_of; /* keys mean what they meant at this seq; 0: now */
	const Cadre__V1__CommandResult
	        *repeated; /* what --retry-token did; NULL: nothing */
	struct cadre_error err;
	bool usage;             /* err is a usage error */
	bool silent;            /* no node answered */
	bool sending;           /* a batch is under way or failed */
	bool unknown;           /* nobody can tell what became of it */
	const char *made_token; /* stands for --retry-token; NULL: none */
	unsigned done;          /* changes made before that */
	char retry_token[80];   /* of that batch */
};

/* ---- parse.c ---- */

/* Finds the verb and takes words and options; false: printed, the program ends with
 * `*ret_code`. */
bool cli_parse(struct cli *cli, int argc, char **argv, int *ret_code);
bool cli_has(const struct cli *cli, enum cli_option option);
/* The last one given; NULL when there is none. */
const char *cli_value(const struct cli *cli, enum cli_option option);
/* A number of digits. Absent: `fallback`. */
CADRE_MUST_CHECK enum cadre_status cli_number(struct cli *cli, enum cli_option option,
                                              uint64_t fallback, uint64_t *ret_number);
/* Usage error: exit code 2. */
CADRE_MUST_CHECK enum cadre_status cli_usage(struct cli *cli, const char *format, ...)
        CADRE_PRINTF(2, 3);
const struct cli_verb *cli_find_verb(const char *first, const char *second);

/* ---- help.c, manual.c, completion.c ---- */

void cli_print_help(FILE *stream);
void cli_print_noun_help(FILE *stream, const char *noun);
void cli_print_verb_help(FILE *stream, const struct cli_verb *verb);
/* "group create", for messages. */
const char *cli_verb_name(const struct cli_verb *verb, char text[64]);

/* ---- config.c ---- */

CADRE_MUST_CHECK enum cadre_status cli_context_load(struct cli *cli);

/* ---- ask.c ---- */

/* One question, asked until answered or out of time. The result lives to the end.
 * Errors: what the operation was refused with; UNAVAILABLE and its like when nobody
 * answered. */
CADRE_MUST_CHECK enum cadre_status cli_ask(struct cli *cli, const Cadre__V1__Op *op,
                                           const Cadre__V1__Result **ret_result);
CADRE_MUST_CHECK enum cadre_status cli_open(struct cli *cli);
/* Of --timeout, which runs from the first question on; at least 1. */
uint32_t cli_remaining_ms(const struct cli *cli);
/* As much is left as there was at another moment. */
void cli_set_remaining_ms(struct cli *cli, uint32_t remaining_ms);
/* An answer to keep; takes NULL. */
CADRE_MUST_CHECK enum cadre_status cli_keep(struct cli *cli,
                                            struct cadre_client_answer *answer);
/* Zeroed bytes of the arena. Never NULL: out of memory ends the program. */
void *cli_alloc(struct cli *cli, size_t bytes);
const char *cli_text(struct cli *cli, const char *format, ...) CADRE_PRINTF(2, 3);

/* ---- submit.c ---- */

/* Before any look-up: asks what --retry-token did. If something, then keys mean what
 * they meant just before it, so that the same words make the same command. */
CADRE_MUST_CHECK enum cadre_status cli_begin_mutation(struct cli *cli);
/* Prints what --retry-token did: for words that mean nothing any more because of it. */
void cli_print_repeated(struct cli *cli);
/* Checks, sends (with --dry-run shows instead), prints what was made. `what` names it
 * for people: "model group". */
CADRE_MUST_CHECK enum cadre_status
cli_submit(struct cli *cli, Cadre__V1__Command *command, const char *what);
/* Several commands, together or not at all; the last one's result is printed. */
CADRE_MUST_CHECK enum cadre_status cli_submit_all(struct cli *cli,
                                                  Cadre__V1__Command **commands,
                                                  size_t count, const char *what);
/* The same, nothing printed. */
CADRE_MUST_CHECK enum cadre_status cli_send(struct cli *cli,
                                            Cadre__V1__Command **commands, size_t count,
                                            const Cadre__V1__CommandResult **ret_result);
Cadre__V1__Command *cli_command(struct cli *cli, Cadre__V1__Command__BodyCase body);

/* ---- upload.c ---- */

struct cli_file {
	int fd; /* -1: none */
	const char *name;
	uint8_t sha256[32];
	uint64_t bytes;
};
/* Opens and hashes a file. Ownership: closed by cli_upload(), or with the program. */
CADRE_MUST_CHECK enum cadre_status cli_hash_file(struct cli *cli, const char *name,
                                                 struct cli_file *ret_file);
/* Durable on the leader on return; not with --dry-run. Goes on with what an earlier run
 * left. --timeout counts what stands still, and starts anew behind it. */
CADRE_MUST_CHECK enum cadre_status cli_upload(struct cli *cli, struct cli_file *file);

/* ---- find.c ---- */

enum cli_kinds {
	CLI_K_GROUP = 1,
	CLI_K_HISTORY = 2,
	CLI_K_DEPLOYMENT = 4,
	CLI_K_MODEL = 8,
	CLI_K_NODE = 16,
	CLI_K_TARGET = 7
};
/* A resource by OCID, by name in the compartment, or by a prefix of either that only
 * one of `kinds` has. Says on standard error what a name meant.
 * Errors: CADRE_NOT_FOUND (with the nearest name), CADRE_INVALID_PARAMETER (a prefix
 * of several, which are listed; of another kind). */
CADRE_MUST_CHECK enum cadre_status cli_find(struct cli *cli, const char *text,
                                            unsigned kinds,
                                            const Cadre__V1__ResourceInfo **ret_info);
/* The same for a group, where a history means its latest and a deployment what it
 * serves; with members. */
CADRE_MUST_CHECK enum cadre_status
cli_find_group(struct cli *cli, const char *text,
               const Cadre__V1__ResourceInfo **ret_group);
CADRE_MUST_CHECK enum cadre_status cli_get(struct cli *cli, const char *id, bool members,
                                           const Cadre__V1__ResourceInfo **ret_info);
const char *cli_kind_name(Cadre__V1__Kind kind);
/* Its name, or its OCID. */
const char *cli_name_of(const Cadre__V1__ResourceInfo *info);

/* ---- list.c ---- */

typedef enum cadre_status (*cli_row_fn)(struct cli *cli, void *ctx,
                                        const Cadre__V1__ResourceInfo *info);
/* Every resource that the filter takes, page after page; `fn` may end it with
 * CADRE_END. */
CADRE_MUST_CHECK enum cadre_status cli_each(struct cli *cli,
                                            const Cadre__V1__ListResources *filter,
                                            cli_row_fn fn, void *ctx);
/* A listing verb: prints all of `kind` in the compartment, --name, --state, --history
 * and --limit heeded. */
CADRE_MUST_CHECK enum cadre_status cli_list(struct cli *cli, Cadre__V1__Kind kind,
                                            const char *plural);

/* ---- show.c ---- */

CADRE_MUST_CHECK enum cadre_status cli_show(struct cli *cli,
                                            const Cadre__V1__ResourceInfo *info);

/* ---- body.c: flags and --from-json as one OCI body ---- */

/* --from-json's value, or an empty object; into cli->body. */
CADRE_MUST_CHECK enum cadre_status cli_body_read(struct cli *cli);
/* Sets `path` ("a.b.c", objects are made) unless the body has it. `value` NULL: does
 * nothing. */
void cli_body_fill(struct cli *cli, const char *path, const char *value);
void cli_body_fill_json(struct cli *cli, const char *path, json_t *value);
const char *cli_body_text(const struct cli *cli, const char *path);
/* Puts another text in its place; `text` NULL: leaves it. */
void cli_body_replace(struct cli *cli, const char *path, const char *text);
/* --tag as freeformTags below `prefix` ("" or "a.b."). */
CADRE_MUST_CHECK enum cadre_status cli_body_tags(struct cli *cli, const char *prefix);
/* --metadata as a list. */
CADRE_MUST_CHECK enum cadre_status cli_body_metadata(struct cli *cli, const char *path);
/* --type, --base and --metadata as modelGroupDetails below `prefix`. */
CADRE_MUST_CHECK enum cadre_status cli_body_details(struct cli *cli, const char *prefix);
/* One or several JSON values of a file ("-": standard input), one after another.
 * `line` is where each begins. */
typedef enum cadre_status (*cli_value_fn)(struct cli *cli, void *ctx, json_t *value,
                                          size_t line);
CADRE_MUST_CHECK enum cadre_status cli_read_values(struct cli *cli, const char *file,
                                                   cli_value_fn fn, void *ctx);

/* ---- members.c ---- */

/* "key=ocid" or "ocid". */
CADRE_MUST_CHECK enum cadre_status cli_split_member(struct cli *cli, const char *text,
                                                    const char **ret_key,
                                                    const char **ret_model);
/* A list of members as OCI writes it, of all `option`s given. */
CADRE_MUST_CHECK enum cadre_status
cli_member_list(struct cli *cli, enum cli_option option, json_t **ret_list);
/* Names of registered models in the members and base of a CreateGroup or CloneGroup
 * become their OCIDs. */
CADRE_MUST_CHECK enum cadre_status cli_model_names(struct cli *cli,
                                                   Cadre__V1__Command *command);
/* --remove and --insert as OCI patch items (removals first); keys in --remove are
 * looked up in `source`. NULL when neither is given. */
CADRE_MUST_CHECK enum cadre_status cli_patch_items(struct cli *cli, const char *source,
                                                   json_t **ret_items);

/* ---- change.c: the difference that a patch makes ---- */

struct cli_changes {
	struct cadre_table table;
	struct cadre_json json; /* an array */
	uint64_t added, removed, rekeyed;
};
void cli_changes_begin(struct cli_changes *changes);
/* One member; a key is "" when it has none, NULL on the side where it is not. */
void cli_changes_add(struct cli_changes *changes, const char *model_id,
                     const char *key_before, const char *key_after);
void cli_changes_print(struct cli *cli, struct cli_changes *changes);
void cli_changes_fini(struct cli_changes *changes);
/* Applies the patch to the members of `source`, by the rules of the leader. */
CADRE_MUST_CHECK enum cadre_status
cli_rehearse_patch(struct cli *cli, const Cadre__V1__ResourceInfo *source,
                   Cadre__V1__PatchInstruction **patch, size_t count,
                   struct cli_changes *changes);

/* ---- main.c ---- */

/* Prints the JSON object and a newline to standard output. */
void cli_print_json(struct cadre_json *json);
/* For people, on standard error; nothing with --json or --quiet. */
void cli_note(const struct cli *cli, const char *format, ...) CADRE_PRINTF(2, 3);
/* "2026-…Z", or "-" for 0. `text` holds 32 bytes. */
const char *cli_time(uint64_t time_ms, char text[32]);
/* The name of an enum's value. */
const char *cli_state_name(Cadre__V1__LifecycleState state);
const char *cli_member_state_name(Cadre__V1__MemberState state);

/* ---- one a verb ---- */

enum cadre_status cli_help(struct cli *cli);
enum cadre_status cli_manual(struct cli *cli);
enum cadre_status cli_completion(struct cli *cli);
enum cadre_status cli_config_use(struct cli *cli);
enum cadre_status cli_config_show(struct cli *cli);
enum cadre_status cli_group_create(struct cli *cli);
enum cadre_status cli_group_clone(struct cli *cli);
enum cadre_status cli_group_patch(struct cli *cli);
enum cadre_status cli_group_update(struct cli *cli);
enum cadre_status cli_group_show(struct cli *cli);
enum cadre_status cli_group_list(struct cli *cli);
enum cadre_status cli_group_members(struct cli *cli);
enum cadre_status cli_group_activate(struct cli *cli);
enum cadre_status cli_group_deactivate(struct cli *cli);
enum cadre_status cli_group_delete(struct cli *cli);
enum cadre_status cli_group_move(struct cli *cli);
enum cadre_status cli_group_artifact(struct cli *cli);
enum cadre_status cli_diff(struct cli *cli);
enum cadre_status cli_history_create(struct cli *cli);
enum cadre_status cli_history_show(struct cli *cli);
enum cadre_status cli_history_list(struct cli *cli);
enum cadre_status cli_history_log(struct cli *cli);
enum cadre_status cli_history_rollback(struct cli *cli);
enum cadre_status cli_history_update(struct cli *cli);
enum cadre_status cli_history_delete(struct cli *cli);
enum cadre_status cli_history_move(struct cli *cli);
enum cadre_status cli_model_register(struct cli *cli);
enum cadre_status cli_model_show(struct cli *cli);
enum cadre_status cli_model_list(struct cli *cli);
enum cadre_status cli_model_retire(struct cli *cli);
enum cadre_status cli_deployment_create(struct cli *cli);
enum cadre_status cli_deployment_update(struct cli *cli);
enum cadre_status cli_deployment_show(struct cli *cli);
enum cadre_status cli_deployment_list(struct cli *cli);
enum cadre_status cli_deployment_models(struct cli *cli);
enum cadre_status cli_deployment_wait(struct cli *cli);
enum cadre_status cli_deployment_rollback(struct cli *cli);
enum cadre_status cli_deployment_activate(struct cli *cli);
enum cadre_status cli_deployment_deactivate(struct cli *cli);
enum cadre_status cli_deployment_delete(struct cli *cli);
enum cadre_status cli_node_list(struct cli *cli);
enum cadre_status cli_node_show(struct cli *cli);
enum cadre_status cli_node_retire(struct cli *cli);
enum cadre_status cli_principal_put(struct cli *cli);
enum cadre_status cli_principal_list(struct cli *cli);
enum cadre_status cli_principal_remove(struct cli *cli);
enum cadre_status cli_policy_put(struct cli *cli);
enum cadre_status cli_policy_list(struct cli *cli);
enum cadre_status cli_policy_remove(struct cli *cli);
enum cadre_status cli_policy_check(struct cli *cli);
enum cadre_status cli_resolve(struct cli *cli);
enum cadre_status cli_key_log(struct cli *cli);
enum cadre_status cli_watch(struct cli *cli);
enum cadre_status cli_apply(struct cli *cli);
enum cadre_status cli_import(struct cli *cli);
enum cadre_status cli_predict(struct cli *cli);
enum cadre_status cli_outcome(struct cli *cli);
enum cadre_status cli_status(struct cli *cli);

#endif
