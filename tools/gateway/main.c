#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/env/env.h"
#include "tools/common/config_argp.h"
#include "tools/common/json_write.h"
#include "tools/gateway/gateway.h"
#include "tools/gateway/router.h"

enum { KEY_SHOW = 1, KEY_EXAMPLE, KEY_OPENAPI, KEY_MAN };

static const struct argp_option extra[] = {
	{ "show-config", KEY_SHOW, NULL, 0, "Every option, its value and its source", 0 },
	{ "example-config", KEY_EXAMPLE, NULL, 0, "A file that explains every option",
	  0 },
	{ "openapi", KEY_OPENAPI, NULL, 0, "The operations, as an OpenAPI document", 0 },
	{ "man-page", KEY_MAN, NULL, 0, "The manual page, as roff", 0 },
	{ 0 }
};

static const char doc[] =
        "Answers the model-group part of OCI's Data Science API from a Cadre cluster.\v"
        "A flag goes before the variable CADRE_GATEWAY_<NAME>, that before the file, "
        "that before the default.\n\n"
        "Example:\n"
        "  cadre-gateway --insecure-no-auth\n";

struct arguments {
	struct cadre_config *config;
	int print; /* a key of `extra`, 0: none */
};

static int fail(const struct cadre_error *err)
{
	bool usage = err->status == CADRE_INVALID_PARAMETER ||
	             err->status == CADRE_NOT_AUTHORIZED ||
	             err->status == CADRE_NOT_FOUND;

	fprintf(stderr, GATEWAY_PROGRAM ": %s\n", err->message);
	return usage ? GATEWAY_EXIT_USAGE : GATEWAY_EXIT_UNAVAILABLE;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct cadre_error err = CADRE_ERROR_INIT;

	if (key >= CADRE_CONFIG_FLAG_KEY &&
	    key < CADRE_CONFIG_FLAG_KEY + GATEWAY_OPTION_COUNT) {
		if (cadre_config_flag(arguments->config, key, text, &err) != CADRE_OK)
			exit(fail(&err));
		return 0;
	}
	if (key >= KEY_SHOW && key <= KEY_MAN) {
		arguments->print = key;
		return 0;
	}
	if (key == ARGP_KEY_ARG)
		argp_error(state, "too many words: \"%s\"", text);
	return ARGP_ERR_UNKNOWN;
}

static enum cadre_status read_arguments(struct arguments *arguments, int argc,
                                        char **argv, struct cadre_error *err)
{
	static struct cadre_config_flags flags;
	const struct argp argp = { .options = flags.options,
		                   .parser = parse,
		                   .doc = doc };
	enum cadre_status status = cadre_config_create(&gateway_options,
	                                               &arguments->config, err);

	if (status != CADRE_OK)
		return status;
	cadre_config_flags_init(&flags, &gateway_options, extra);
	status = cadre_config_flags_check(&flags, argc, argv, err);
	if (status != CADRE_OK)
		return status;
	if (argp_parse(&argp, argc, argv, 0, NULL, arguments) != 0)
		exit(GATEWAY_EXIT_USAGE);
	if (arguments->print > KEY_SHOW)
		return CADRE_OK;
	return gateway_read_sources(arguments->config, err);
}

static void print_openapi(void)
{
	struct cadre_json json = { 0 };

	gateway_put_openapi(&json);
	if (cadre_json_status(&json, NULL) == CADRE_OK)
		printf("%.*s\n", (int)json.text.length, (const char *)json.text.data);
	cadre_json_fini(&json);
}

static int print(const struct arguments *arguments)
{
	if (arguments->print == KEY_MAN)
		gateway_man(stdout);
	else if (arguments->print == KEY_EXAMPLE)
		cadre_config_example(&gateway_options, stdout);
	else if (arguments->print == KEY_OPENAPI)
		print_openapi();
	else
		cadre_config_show(arguments->config, 0, stdout);
	return fflush(stdout) == 0 ? 0 : GATEWAY_EXIT_UNAVAILABLE;
}

/* ---- running ---- */

static void emit(void *ctx, enum cadre_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	fprintf(stderr, "%s\n", line);
}

static enum cadre_log_level log_level(const char *text)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	int level = CADRE_LOG_DEBUG;

	while (level < CADRE_LOG_ERROR && strcmp(names[level], text) != 0)
		level++;
	return (enum cadre_log_level)level;
}

static void url_of(const struct cadre_address *address, char text[CADRE_ADDRESS_BYTES])
{
	bool v6 = strchr(address->host, ':') != NULL;

	snprintf(text, CADRE_ADDRESS_BYTES, "%s://%s%s%s:%u",
	         address->tls ? "https" : "http", v6 ? "[" : "", address->host,
	         v6 ? "]" : "", address->port);
}

static enum cadre_status write_ready(const char *path, const char *url,
                                     struct cadre_error *err)
{
	const char *slash = strrchr(path, '/');
	struct cadre_json json = { 0 };
	enum cadre_status status;
	char dir[1100];

	snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1,
	         slash ? path : ".");
	cadre_json_begin(&json, '{');
	cadre_json_key_u64(&json, "pid", (uint64_t)getpid());
	cadre_json_key_text(&json, "url", url);
	cadre_json_end(&json, '}');
	cadre_json_raw(&json, "\n");
	status = cadre_json_status(&json, err);
	if (status == CADRE_OK)
		status = cadre_env_write_atomic(cadre_env_real(), *dir ? dir : "/",
		                                slash ? slash + 1 : path, json.text.data,
		                                json.text.length, err);
	cadre_json_fini(&json);
	return status;
}

static void announce(struct gateway *gateway, const char *url)
{
	GATEWAY_SAY(gateway, INFO, "gateway.start",
	            "version=%s url=\"%s\" cluster=\"%s\"", CADRE_VERSION, url,
	            cadre_config_item(gateway->config, GATEWAY_ADDRESS, 0));
	if (gateway->no_auth)
		GATEWAY_SAY(gateway, WARN, "gateway.security",
		            "mode=open meaning=\"anyone on this machine may do "
		            "anything\"");
}

/* Serves until a signal. */
static enum cadre_status serve(const struct cadre_config *config,
                               struct cadre_log_sink *log, struct cadre_error *err)
{
	const char *ready = cadre_config_text(config, GATEWAY_READY_FILE);
	struct cadre_address listen;
	struct gateway *gateway = NULL;
	char url[CADRE_ADDRESS_BYTES];
	enum cadre_status status;
	int number = 0;
	sigset_t set;

	/* Before any thread: they inherit it. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	status = gateway_start(config, log, &gateway, &listen, err);
	if (status != CADRE_OK)
		return status;
	url_of(&listen, url);
	announce(gateway, url);
	if (*ready != '\0')
		status = write_ready(ready, url, err);
	while (status == CADRE_OK && sigwait(&set, &number) != 0)
		;
	if (*ready != '\0')
		unlink(ready);
	GATEWAY_SAY(gateway, INFO, "gateway.stop", "signal=%d", number);
	/* A second one ends at once. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	gateway_stop(&gateway);
	return status;
}

static int run(const struct arguments *arguments)
{
	const char *level = cadre_config_text(arguments->config, GATEWAY_LOG_LEVEL);
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_sink *log = NULL;
	enum cadre_status status = cadre_log_sink_create(log_level(level), emit, NULL,
	                                                 &log);

	if (status == CADRE_OK)
		status = serve(arguments->config, log, &err);
	cadre_log_sink_destroy(&log);
	return status == CADRE_OK ? 0 : fail(&err);
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	int code;

	argp_err_exit_status = GATEWAY_EXIT_USAGE;
	argp_program_version = GATEWAY_PROGRAM " " CADRE_VERSION;
	if (read_arguments(&arguments, argc, argv, &err) != CADRE_OK)
		code = fail(&err);
	else if (arguments.print)
		code = print(&arguments);
	else
		code = run(&arguments);
	cadre_config_destroy(&arguments.config);
	return code;
}
