/*
 * The options of cadred, and what a node is started with.
 *
 * Threads: main only; what a setup holds is read by the node's threads.
 */
#ifndef CADRE_TOOLS_CADRED_OPTIONS_H
#define CADRE_TOOLS_CADRED_OPTIONS_H

#include "replica/node/node.h"
#include "tools/common/config.h"

#define CADRED_PROGRAM "cadred"
#define CADRED_CONFIG_PATH "/etc/cadre/cadre.conf"
#define CADRED_HTTP_PORT 7423u

enum {
	CADRED_EXIT_USAGE = 2,
	CADRED_EXIT_UNAVAILABLE = 5,
	CADRED_EXIT_LOG_FAILED = 75,
	CADRED_WORDS_MAX = 64, /* of worker-args */
	CADRED_PATH_BYTES = 1024,
};

/* Rows of cadred_options. */
enum cadred_option {
	CADRED_ROLE,
	CADRED_DATA_DIR,
	CADRED_NAME,
	CADRED_LABEL,
	CADRED_CONFIG,
	CADRED_LISTEN,
	CADRED_REPLICATION_LISTEN,
	CADRED_PREDICT_LISTEN,
	CADRED_HTTP_LISTEN,
	CADRED_JOIN,
	CADRED_ADVERTISE,
	CADRED_PREDICT_ADVERTISE,
	CADRED_INSECURE,
	CADRED_SEGMENT_SIZE,
	CADRED_MAP_SIZE,
	CADRED_SNAPSHOTS_KEPT,
	CADRED_REBUILD_VIEWS,
	CADRED_WORKER,
	CADRED_WORKER_ARGS,
	CADRED_LINGER,
	CADRED_DRAIN,
	CADRED_LOG_LEVEL,
	CADRED_READY_FILE,
	CADRED_OPTION_COUNT
};
extern const struct cadre_config_program cadred_options;

/* The bit of CADRED_ROLE in the table; 0 while no role is given. */
unsigned cadred_role_bit(const struct cadre_config *config);
/* "none" switches a thing off; unset is the same. */
bool cadred_is_none(const char *text);
/* "debug" and so on, as the table allows. */
enum cadre_log_level cadred_log_level(const char *text);

/* Options of a node with the room for what they point to.
 * Ownership: texts are the config's, which outlives the setup. */
struct cadred_setup {
	struct cadre_node_options options;
	char worker[CADRED_PATH_BYTES];
	const char *worker_words[CADRED_WORDS_MAX + 1];
	char *worker_text; /* of the words */
	Cadre__V1__NameValue labels[CADRE_CONFIG_VALUES_MAX];
	const Cadre__V1__NameValue *label_list[CADRE_CONFIG_VALUES_MAX];
	char *label_names[CADRE_CONFIG_VALUES_MAX];
};
/* Checks what the table alone cannot: role, what a follower needs, addresses that
 * others may reach, the worker's program.
 * Errors: CADRE_INVALID_PARAMETER, CADRE_NOT_AUTHORIZED, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadred_setup_create(const struct cadre_config *config,
                                                       struct cadred_setup **ret_setup,
                                                       struct cadre_error *err);
/* Takes NULL; nulls the pointer. */
void cadred_setup_destroy(struct cadred_setup **setup);

#endif
