/* The table of options: flags, file, environment and manual follow it. */
#include "tools/cadred/options.h"

#include <string.h>

#include "engine/base/assert.h"

enum { LEADER = 1u << CADRE_NODE_LEADER, FOLLOWER = 1u << CADRE_NODE_FOLLOWER };

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)
#define HOUR_MS UINT64_C(3600000)

static enum cadre_status check_address(const char *text, struct cadre_error *err)
{
	struct cadre_address address;

	return cadre_address_parse(text, 1, &address, err);
}

static enum cadre_status check_http(const char *text, struct cadre_error *err)
{
	struct cadre_address address;
	enum cadre_status status = CADRE_OK;

	if (cadred_is_none(text))
		return CADRE_OK;
	status = cadre_address_parse(text, 1, &address, err);
	if (status == CADRE_OK && address.tls)
		status = cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                         "\"%.100s\": health and metrics have no TLS; "
		                         "put a proxy in front",
		                         text);
	return status;
}

static enum cadre_status check_segment(const char *text, struct cadre_error *err)
{
	static const struct cadre_config_row bytes = { .type = CADRE_CONFIG_BYTES };
	uint64_t number = 0;
	enum cadre_status status = cadre_config_parse(&bytes, text, &number, err);

	if (status == CADRE_OK && number % (4 * KIB) != 0)
		status = cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                         "\"%.100s\" is no multiple of 4KiB", text);
	return status;
}

static const struct cadre_config_row rows[CADRED_OPTION_COUNT] = {
	[CADRED_ROLE] = { .name = "role",
	                  .type = CADRE_CONFIG_CHOICE,
	                  .metavar = "ROLE",
	                  .fallback = "",
	                  .choices = "leader|follower",
	                  .group = "Identity",
	                  .help = "What this node is: leader or follower; the word behind "
	                          "the program's name says the same" },
	[CADRED_DATA_DIR] = { .name = "data-dir",
	                      .metavar = "DIR",
	                      .fallback = "/var/lib/cadre",
	                      .help = "Where log, views and snapshots lie; cadre-admin "
	                              "init makes a leader's, a follower makes its own" },
	[CADRED_NAME] = { .name = "name",
	                  .flags = CADRE_CONFIG_RELOAD,
	                  .metavar = "NAME",
	                  .fallback = "",
	                  .help = "What the node is called in listings; without it the "
	                          "name of the host" },
	[CADRED_LABEL] = { .name = "label",
	                   .type = CADRE_CONFIG_PAIR,
	                   .flags = CADRE_CONFIG_REPEAT | CADRE_CONFIG_RELOAD,
	                   .metavar = "NAME=VALUE",
	                   .fallback = "",
	                   .help = "What placement may ask for" },
	[CADRED_CONFIG] = { .name = "config",
	                    .flags = CADRE_CONFIG_NO_FILE,
	                    .metavar = "FILE",
	                    .fallback = "",
	                    .help = "File with options; without it " CADRED_CONFIG_PATH
	                            " when there is one" },
	[CADRED_LISTEN] = { .name = "listen",
	                    .metavar = "ADDRESS",
	                    .fallback = "tcp://127.0.0.1:7420",
	                    .group = "Network",
	                    .help = "Where commands and queries are answered; port 0 "
	                            "takes a free one, here and below",
	                    .check = check_address },
	[CADRED_REPLICATION_LISTEN] = { .name = "replication-listen",
	                                .roles = LEADER,
	                                .metavar = "ADDRESS",
	                                .fallback = "tcp://127.0.0.1:7421",
	                                .help = "Where followers are fed",
	                                .check = check_address },
	[CADRED_PREDICT_LISTEN] = { .name = "predict-listen",
	                            .roles = FOLLOWER,
	                            .metavar = "ADDRESS",
	                            .fallback = "tcp://127.0.0.1:7422",
	                            .help = "Where predictions are answered, with a worker",
	                            .check = check_address },
	[CADRED_HTTP_LISTEN] = { .name = "http-listen",
	                         .metavar = "ADDRESS",
	                         .fallback = "127.0.0.1:7423",
	                         .help = "Where /healthz, /readyz and /metrics are "
	                                 "answered; \"none\" switches them off",
	                         .check = check_http },
	[CADRED_JOIN] = { .name = "join",
	                  .roles = FOLLOWER,
	                  .metavar = "ADDRESS",
	                  .fallback = "",
	                  .help = "Replication address of the leader",
	                  .check = check_address },
	[CADRED_ADVERTISE] = { .name = "advertise",
	                       .roles = LEADER,
	                       .metavar = "ADDRESS",
	                       .fallback = "",
	                       .help = "What others are told to reach --listen by; without "
	                               "it the address that is listened on",
	                       .check = check_address },
	[CADRED_PREDICT_ADVERTISE] = { .name = "predict-advertise",
	                               .roles = FOLLOWER,
	                               .metavar = "ADDRESS",
	                               .fallback = "",
	                               .help = "What others are told to reach "
	                                       "--predict-listen by; without it the "
	                                       "address that is listened on",
	                               .check = check_address },
	[CADRED_INSECURE] = { .name = "insecure",
	                      .type = CADRE_CONFIG_SWITCH,
	                      .metavar = "yes|no",
	                      .fallback = "no",
	                      .help = "Whether addresses that are not loopback may be "
	                              "listened on in plain text" },
	[CADRED_SEGMENT_SIZE] = { .name = "segment-size",
	                          .type = CADRE_CONFIG_BYTES,
	                          .metavar = "BYTES",
	                          .fallback = "64MiB",
	                          .least = 64 * KIB,
	                          .most = GIB,
	                          .group = "Storage",
	                          .help = "Size of one file of the log",
	                          .check = check_segment },
	[CADRED_MAP_SIZE] = { .name = "map-size",
	                      .type = CADRE_CONFIG_BYTES,
	                      .metavar = "BYTES",
	                      .fallback = "256GiB",
	                      .least = 16 * MIB,
	                      .most = 64 * TIB,
	                      .help = "Up to where the views may grow: address space, "
	                              "not memory" },
	[CADRED_SNAPSHOTS_KEPT] = { .name = "snapshots-kept",
	                            .type = CADRE_CONFIG_COUNT,
	                            .metavar = "COUNT",
	                            .fallback = "2",
	                            .least = 1,
	                            .most = 1000,
	                            .help = "How many snapshots are kept" },
	[CADRED_REBUILD_VIEWS] = { .name = "rebuild-views",
	                           .type = CADRE_CONFIG_SWITCH,
	                           .flags = CADRE_CONFIG_NO_FILE,
	                           .metavar = "yes|no",
	                           .fallback = "no",
	                           .help = "Whether this start makes the views again from "
	                                   "snapshot and log" },
	[CADRED_WORKER] = { .name = "worker",
	                    .roles = FOLLOWER,
	                    .metavar = "PROGRAM",
	                    .fallback = "",
	                    .group = "Serving models",
	                    .help = "Inference worker; without it cadre-worker-llama beside "
	                            "cadred or in ../libexec/cadre; \"none\": this node "
	                            "loads no models" },
	[CADRED_WORKER_ARGS] = { .name = "worker-args",
	                         .flags = CADRE_CONFIG_REPEAT,
	                         .roles = FOLLOWER,
	                         .metavar = "WORDS",
	                         .fallback = "",
	                         .help = "Arguments of the worker, parted by spaces" },
	[CADRED_LINGER] = { .name = "linger",
	                    .type = CADRE_CONFIG_TIME,
	                    .roles = FOLLOWER,
	                    .metavar = "TIME",
	                    .fallback = "60s",
	                    .least = 1,
	                    .most = 24 * HOUR_MS,
	                    .help = "How long models stay loaded after a cut-over took "
	                            "them out of use" },
	[CADRED_DRAIN] = { .name = "drain",
	                   .type = CADRE_CONFIG_TIME,
	                   .flags = CADRE_CONFIG_RELOAD,
	                   .metavar = "TIME",
	                   .fallback = "5s",
	                   .least = 100,
	                   .most = HOUR_MS,
	                   .group = "Running",
	                   .help = "How long a stop may take before the process ends "
	                           "anyway" },
	[CADRED_LOG_LEVEL] = { .name = "log-level",
	                       .type = CADRE_CONFIG_CHOICE,
	                       .flags = CADRE_CONFIG_RELOAD,
	                       .metavar = "LEVEL",
	                       .fallback = "info",
	                       .choices = "debug|info|warn|error",
	                       .help = "Least of debug, info, warn, error that is written "
	                               "to standard error" },
	[CADRED_READY_FILE] = { .name = "ready-file",
	                        .metavar = "FILE",
	                        .fallback = "",
	                        .help = "Gets addresses and pid as JSON once the node "
	                                "serves; is gone while it does not" },
};

static const char *const role_names[] = {
	[CADRE_NODE_LEADER] = "leader",
	[CADRE_NODE_FOLLOWER] = "follower",
	NULL,
};

const struct cadre_config_program cadred_options = {
	.name = CADRED_PROGRAM,
	.prefix = "CADRE_",
	.role_names = role_names,
	.rows = rows,
	.count = CADRED_OPTION_COUNT,
};

unsigned cadred_role_bit(const struct cadre_config *config)
{
	const char *text = cadre_config_text(config, CADRED_ROLE);

	for (unsigned i = 0; role_names[i]; i++)
		if (strcmp(text, role_names[i]) == 0)
			return 1u << i;
	return 0;
}

bool cadred_is_none(const char *text)
{
	return *text == '\0' || strcmp(text, "none") == 0;
}

enum cadre_log_level cadred_log_level(const char *text)
{
	static const char *const names[] = {
		[CADRE_LOG_DEBUG] = "debug",
		[CADRE_LOG_INFO] = "info",
		[CADRE_LOG_WARN] = "warn",
		[CADRE_LOG_ERROR] = "error",
	};
	unsigned level = CADRE_LOG_DEBUG;

	while (level < CADRE_LOG_ERROR && strcmp(text, names[level]) != 0)
		level++;
	return (enum cadre_log_level)level;
}
