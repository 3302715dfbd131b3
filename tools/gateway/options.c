/* The table of options: flags, file, environment and manual follow it. */
#include "tools/gateway/options.h"

#include <string.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define HOUR_MS UINT64_C(3600000)

static enum cadre_status check_address(const char *text, struct cadre_error *err)
{
	struct cadre_address address;

	return cadre_address_parse(text, 1, &address, err);
}

static const struct cadre_config_row rows[GATEWAY_OPTION_COUNT] = {
	[GATEWAY_CONFIG] = { .name = "config",
	                     .flags = CADRE_CONFIG_NO_FILE,
	                     .metavar = "FILE",
	                     .fallback = "",
	                     .group = "Network",
	                     .help = "File with options; without it " GATEWAY_CONFIG_PATH
	                             " when there is one" },
	[GATEWAY_LISTEN] = { .name = "listen",
	                     .metavar = "ADDRESS",
	                     .fallback = "127.0.0.1:7480",
	                     .help = "Where HTTP is answered; port 0 takes a free one",
	                     .check = check_address },
	[GATEWAY_TLS_CERTIFICATE] = { .name = "tls-certificate",
	                              .metavar = "FILE",
	                              .fallback = "",
	                              .help = "Certificate chain in PEM: HTTPS instead of "
	                                      "HTTP" },
	[GATEWAY_TLS_KEY] = { .name = "tls-key",
	                      .metavar = "FILE",
	                      .fallback = "",
	                      .help = "Its private key in PEM" },
	[GATEWAY_ADDRESS] = { .name = "address",
	                      .flags = CADRE_CONFIG_REPEAT,
	                      .metavar = "ADDRESS",
	                      .fallback = "tcp://127.0.0.1:7420",
	                      .help = "RPC of a node; several are asked in turn",
	                      .check = check_address },
	[GATEWAY_PRINCIPAL] = { .name = "principal",
	                        .metavar = "NAME",
	                        .fallback = "",
	                        .help = "Who this gateway is to the cluster, where it has "
	                                "principals: one put with --gateway" },
	[GATEWAY_KEY_FILE] = { .name = "key-file",
	                       .metavar = "FILE",
	                       .fallback = "",
	                       .help = "Its private key in PEM, readable by its owner "
	                               "alone" },
	[GATEWAY_INSECURE] = { .name = "insecure",
	                       .type = CADRE_CONFIG_SWITCH,
	                       .metavar = "yes|no",
	                       .fallback = "no",
	                       .group = "Security",
	                       .help = "Allow plain HTTP on other addresses than loopback, "
	                               "behind a proxy that speaks TLS" },
	[GATEWAY_INSECURE_NO_AUTH] = { .name = "insecure-no-auth",
	                               .type = CADRE_CONFIG_SWITCH,
	                               .metavar = "yes|no",
	                               .fallback = "no",
	                               .help = "Take requests without looking at their "
	                                       "signature; only on loopback" },
	[GATEWAY_CONNECTIONS] = { .name = "connections",
	                          .type = CADRE_CONFIG_COUNT,
	                          .metavar = "NUMBER",
	                          .fallback = "12000",
	                          .least = 8,
	                          .most = 1000000,
	                          .group = "Limits",
	                          .help = "Connections at a time" },
	[GATEWAY_HEADER_SIZE] = { .name = "header-size",
	                          .type = CADRE_CONFIG_BYTES,
	                          .metavar = "SIZE",
	                          .fallback = "32KiB",
	                          .least = 8 * KIB,
	                          .most = MIB,
	                          .help = "Request line and headers of a request" },
	[GATEWAY_BODY_SIZE] = { .name = "body-size",
	                        .type = CADRE_CONFIG_BYTES,
	                        .metavar = "SIZE",
	                        .fallback = "1MiB",
	                        .least = 1 * KIB,
	                        .most = 4 * MIB,
	                        .help = "Body of a request" },
	[GATEWAY_PREDICT_SIZE] = { .name = "predict-size",
	                           .type = CADRE_CONFIG_BYTES,
	                           .metavar = "SIZE",
	                           .fallback = "10MiB",
	                           .least = 1 * KIB,
	                           .most = 10 * MIB,
	                           .help = "Body of a prediction, both ways" },
	[GATEWAY_REQUEST_TIME] = { .name = "request-time",
	                           .type = CADRE_CONFIG_TIME,
	                           .metavar = "TIME",
	                           .fallback = "30s",
	                           .least = 100,
	                           .most = HOUR_MS,
	                           .help = "In which headers must have come, and again the "
	                                   "body, however steadily bytes arrive" },
	[GATEWAY_IDLE_TIME] = { .name = "idle-time",
	                        .type = CADRE_CONFIG_TIME,
	                        .metavar = "TIME",
	                        .fallback = "75s",
	                        .least = 100,
	                        .most = HOUR_MS,
	                        .help = "How long a connection without a request is kept" },
	[GATEWAY_CALL_TIME] = { .name = "call-time",
	                        .type = CADRE_CONFIG_TIME,
	                        .metavar = "TIME",
	                        .fallback = "10s",
	                        .least = 100,
	                        .most = HOUR_MS / 60,
	                        .help = "In which the cluster must answer" },
	[GATEWAY_PREDICT_TIME] = { .name = "predict-time",
	                           .type = CADRE_CONFIG_TIME,
	                           .metavar = "TIME",
	                           .fallback = "60s",
	                           .least = 100,
	                           .most = HOUR_MS,
	                           .help = "In which a prediction must end" },
	[GATEWAY_THREADS] = { .name = "threads",
	                      .type = CADRE_CONFIG_COUNT,
	                      .metavar = "NUMBER",
	                      .fallback = "2",
	                      .least = 1,
	                      .most = 64,
	                      .help = "Threads that serve connections" },
	[GATEWAY_CALLS] = { .name = "calls",
	                    .type = CADRE_CONFIG_COUNT,
	                    .metavar = "NUMBER",
	                    .fallback = "16",
	                    .least = 1,
	                    .most = 256,
	                    .help = "Requests that wait for the cluster at a time; 64 times "
	                            "as many may queue" },
	[GATEWAY_STREAMS] = { .name = "streams",
	                      .type = CADRE_CONFIG_COUNT,
	                      .metavar = "NUMBER",
	                      .fallback = "64",
	                      .least = 1,
	                      .most = 1024,
	                      .help = "Predictions, and again watches, at a time" },
	[GATEWAY_LOG_LEVEL] = { .name = "log-level",
	                        .type = CADRE_CONFIG_CHOICE,
	                        .metavar = "LEVEL",
	                        .fallback = "info",
	                        .choices = "debug|info|warn|error",
	                        .group = "Running",
	                        .help = "Least of debug, info, warn, error that is written "
	                                "to standard error; debug has a line a request" },
	[GATEWAY_READY_FILE] = { .name = "ready-file",
	                         .metavar = "FILE",
	                         .fallback = "",
	                         .help = "Gets address and pid as JSON once requests are "
	                                 "answered; is gone afterwards" },
};

static const char *const role_names[] = { NULL };

const struct cadre_config_program gateway_options = {
	.name = GATEWAY_PROGRAM,
	.prefix = "CADRE_GATEWAY_",
	.role_names = role_names,
	.rows = rows,
	.count = GATEWAY_OPTION_COUNT,
};

enum cadre_status gateway_read_sources(struct cadre_config *config,
                                       struct cadre_error *err)
{
	enum cadre_status status = cadre_config_read_environment(config, environ, err);
	const char *path = cadre_config_text(config, GATEWAY_CONFIG);

	if (status != CADRE_OK)
		return status;
	if (*path != '\0')
		return cadre_config_read_file(config, path, err);
	status = cadre_config_read_file(config, GATEWAY_CONFIG_PATH, err);
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

enum cadre_status gateway_check_options(const struct cadre_config *config,
                                        struct cadre_address *ret_listen,
                                        struct cadre_error *err)
{
	const char *listen = cadre_config_text(config, GATEWAY_LISTEN);
	bool certificate = *cadre_config_text(config, GATEWAY_TLS_CERTIFICATE) != '\0';
	bool key = *cadre_config_text(config, GATEWAY_TLS_KEY) != '\0';
	enum cadre_status status = cadre_address_parse(listen, GATEWAY_PORT, ret_listen,
	                                               err);

	if (status != CADRE_OK)
		return status;
	if (certificate != key)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "tls-certificate and tls-key go together");
	ret_listen->tls = certificate;
	if (cadre_config_on(config, GATEWAY_INSECURE_NO_AUTH) && !ret_listen->loopback)
		return cadre_error_set(
		        err, CADRE_NOT_AUTHORIZED,
		        "insecure-no-auth: only on loopback, \"%.200s\" is "
		        "not",
		        listen);
	return cadre_address_check_exposure(
	        ret_listen, cadre_config_on(config, GATEWAY_INSECURE), err);
}
