/*
 * The options of cadre-gateway.
 *
 * Threads: main only.
 */
#ifndef CADRE_TOOLS_GATEWAY_OPTIONS_H
#define CADRE_TOOLS_GATEWAY_OPTIONS_H

#include "replica/transport/address.h"
#include "tools/common/config.h"

#define GATEWAY_PROGRAM "cadre-gateway"
#define GATEWAY_CONFIG_PATH "/etc/cadre/gateway.conf"
#define GATEWAY_PORT 7480u

enum { GATEWAY_EXIT_USAGE = 2, GATEWAY_EXIT_UNAVAILABLE = 5 };

/* Rows of gateway_options. */
enum gateway_option {
	GATEWAY_CONFIG,
	GATEWAY_LISTEN,
	GATEWAY_TLS_CERTIFICATE,
	GATEWAY_TLS_KEY,
	GATEWAY_ADDRESS,
	GATEWAY_PRINCIPAL,
	GATEWAY_KEY_FILE,
	GATEWAY_INSECURE,
	GATEWAY_INSECURE_NO_AUTH,
	GATEWAY_CONNECTIONS,
	GATEWAY_HEADER_SIZE,
	GATEWAY_BODY_SIZE,
	GATEWAY_PREDICT_SIZE,
	GATEWAY_REQUEST_TIME,
	GATEWAY_IDLE_TIME,
	GATEWAY_CALL_TIME,
	GATEWAY_PREDICT_TIME,
	GATEWAY_THREADS,
	GATEWAY_CALLS,
	GATEWAY_STREAMS,
	GATEWAY_LOG_LEVEL,
	GATEWAY_READY_FILE,
	GATEWAY_OPTION_COUNT
};
extern const struct cadre_config_program gateway_options;

/* Flags are set already; adds environment and file. */
CADRE_MUST_CHECK enum cadre_status gateway_read_sources(struct cadre_config *config,
                                                        struct cadre_error *err);
/* What the table alone cannot say: certificate and key belong together, plain text and
 * requests without proof stay on this machine. `ret_listen` is where to listen.
 * Errors: CADRE_INVALID_PARAMETER, CADRE_NOT_AUTHORIZED. */
CADRE_MUST_CHECK enum cadre_status
gateway_check_options(const struct cadre_config *config, struct cadre_address *ret_listen,
                      struct cadre_error *err);
/* The manual page, roff. */
void gateway_man(FILE *stream);

#endif
