/*
 * Contexts: $XDG_CONFIG_HOME/cadre/config, else ~/.config/cadre/config.
 *
 *     current = local
 *
 *     [local]
 *     address = tcp://127.0.0.1:7420
 *     compartment = default
 *     project = default
 *     principal = ann
 *     key = ann.pem
 *
 * Flags win over the environment, that over the file, that over the defaults. The file
 * is replaced as a whole: written beside, then renamed.
 */
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/cadre/cli.h"
#include "tools/common/nearest.h"

#define CONTEXTS_MAX 64u
#define DEFAULT_ADDRESS "tcp://127.0.0.1:7420"

struct context {
	const char *name;
	const char *address; /* several with commas; NULL: none given */
	const char *compartment;
	const char *project;
	const char *principal;
	const char *key; /* a file */
};

struct config {
	struct cli *cli;
	char path[CLI_PATH_BYTES];
	struct context contexts[CONTEXTS_MAX];
	size_t count;
	const char *current;
	enum cadre_status status;
};

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static bool set_path(struct config *config)
{
	const char *base = environment("XDG_CONFIG_HOME");
	const char *home = environment("HOME");
	int length = 0;

	if (base)
		length = snprintf(config->path, sizeof(config->path), "%s/cadre/config",
		                  base);
	else if (home)
		length = snprintf(config->path, sizeof(config->path),
		                  "%s/.config/cadre/config", home);
	return length > 0 && (size_t)length < sizeof(config->path);
}

static struct context *context_named(struct config *config, const char *name, bool make)
{
	for (size_t i = 0; i < config->count; i++)
		if (strcmp(config->contexts[i].name, name) == 0)
			return &config->contexts[i];
	if (!make || config->count == CONTEXTS_MAX)
		return NULL;
	config->contexts[config->count].name = cli_text(config->cli, "%s", name);
	return &config->contexts[config->count++];
}

static const char **field_of(struct context *context, const char *name)
{
	if (strcmp(name, "address") == 0)
		return &context->address;
	if (strcmp(name, "compartment") == 0)
		return &context->compartment;
	if (strcmp(name, "principal") == 0)
		return &context->principal;
	if (strcmp(name, "key") == 0)
		return &context->key;
	return strcmp(name, "project") == 0 ? &context->project : NULL;
}

static int refuse(struct config *config, const char *what, const char *name)
{
	config->status = cadre_error_set(&config->cli->err, CADRE_INVALID_PARAMETER,
	                                 "%s: %s \"%.100s\"", config->path, what, name);
	return 0;
}

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct config *config = user;
	struct context *context;
	const char **field;

	if (config->status != CADRE_OK)
		return 0;
	if (*section == '\0') {
		if (strcmp(name, "current") != 0)
			return refuse(config, "unknown field", name);
		config->current = cli_text(config->cli, "%s", value);
		return 1;
	}
	context = context_named(config, section, true);
	if (!context)
		return refuse(config, "too many contexts at", section);
	field = field_of(context, name);
	if (!field)
		return refuse(
		        config,
		        "unknown field (address, compartment, project, principal, key)",
		        name);
	*field = cli_text(config->cli, "%s", value);
	return 1;
}

static enum cadre_status read_config(struct cli *cli, struct config *config)
{
	int line;

	memset(config, 0, sizeof(*config));
	config->cli = cli;
	if (!set_path(config))
		return CADRE_OK;
	line = access(config->path, F_OK) == 0 ? ini_parse(config->path, take, config)
	                                       : 0;
	if (config->status != CADRE_OK || line == 0)
		return config->status;
	if (line < 0)
		return cadre_error_errno(&cli->err, errno, "%s", config->path);
	return cadre_error_set(&cli->err, CADRE_INVALID_PARAMETER, "%s:%d: not INI",
	                       config->path, line);
}

static const char *first_of(const char *flag, const char *variable, const char *file,
                            const char *fallback)
{
	const char *value = environment(variable);

	if (flag)
		return flag;
	if (value)
		return value;
	return file ? file : fallback;
}

static enum cadre_status add_addresses(struct cli *cli, const char *list)
{
	struct cli_context *context = &cli->context;

	for (const char *at = list; *at;) {
		size_t length = strcspn(at, ", ");

		if (length > 0 && context->address_count == CLI_ADDRESSES_MAX)
			return cli_usage(cli, "more than %u addresses",
			                 CLI_ADDRESSES_MAX);
		if (length > 0)
			context->addresses[context->address_count++] =
			        cli_text(cli, "%.*s", (int)length, at);
		at += length;
		at += strspn(at, ", ");
	}
	return CADRE_OK;
}

static enum cadre_status set_addresses(struct cli *cli, const struct context *context)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < cli->given_count && status == CADRE_OK; i++)
		if (cli->given[i].option == CLI_ADDRESS)
			status = add_addresses(cli, cli->given[i].value);
	if (status == CADRE_OK && cli->context.address_count == 0)
		status = add_addresses(cli, first_of(NULL, "CADRE_ADDRESS",
		                                     context ? context->address : NULL,
		                                     DEFAULT_ADDRESS));
	if (status == CADRE_OK && cli->context.address_count == 0)
		return cli_usage(cli, "no address to ask");
	return status;
}

static enum cadre_status fail_context(struct cli *cli, const struct config *config,
                                      const char *name)
{
	struct cadre_nearest nearest;
	char hint[96];

	cadre_nearest_init(&nearest, name);
	for (size_t i = 0; i < config->count; i++)
		cadre_nearest_offer(&nearest, config->contexts[i].name);
	return cli_usage(cli,
	                 "no context \"%s\" in %s%s; \"cadre config use %s\" makes it",
	                 name, config->path, cadre_nearest_hint(&nearest, hint), name);
}

enum cadre_status cli_context_load(struct cli *cli)
{
	struct config config;
	struct context *context = NULL;
	const char *name;
	enum cadre_status status = read_config(cli, &config);

	if (status != CADRE_OK)
		return status;
	name = first_of(cli_value(cli, CLI_CONTEXT), "CADRE_CONTEXT", config.current,
	                NULL);
	if (name) {
		context = context_named(&config, name, false);
		if (!context)
			return fail_context(cli, &config, name);
		snprintf(cli->context.name, sizeof(cli->context.name), "%s", name);
	}
	cli->context.compartment =
	        first_of(cli_value(cli, CLI_COMPARTMENT), "CADRE_COMPARTMENT",
	                 context ? context->compartment : NULL, "default");
	cli->context.project = first_of(cli_value(cli, CLI_PROJECT), "CADRE_PROJECT",
	                                context ? context->project : NULL, "default");
	cli->context.principal = first_of(cli_value(cli, CLI_PRINCIPAL),
	                                  "CADRE_PRINCIPAL",
	                                  context ? context->principal : NULL, NULL);
	cli->context.key = first_of(cli_value(cli, CLI_KEY), "CADRE_KEY",
	                            context ? context->key : NULL, NULL);
	return set_addresses(cli, context);
}

/* ---- config use ---- */

static enum cadre_status make_folders(struct cli *cli, const char *path)
{
	char folder[CLI_PATH_BYTES];

	snprintf(folder, sizeof(folder), "%s", path);
	for (char *at = folder + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(folder, 0700) != 0 && errno != EEXIST)
			return cadre_error_errno(&cli->err, errno, "\"%s\"", folder);
		*at = '/';
	}
	return CADRE_OK;
}

static void write_field(FILE *file, const char *name, const char *value)
{
	if (value)
		fprintf(file, "%s = %s\n", name, value);
}

static enum cadre_status write_config(struct cli *cli, const struct config *config)
{
	char beside[CLI_PATH_BYTES + 8];
	enum cadre_status status = make_folders(cli, config->path);
	FILE *file;
	bool failed;

	if (status != CADRE_OK)
		return status;
	snprintf(beside, sizeof(beside), "%s.new", config->path);
	file = fopen(beside, "w");
	if (!file)
		return cadre_error_errno(&cli->err, errno, "\"%s\"", beside);
	write_field(file, "current", config->current);
	for (size_t i = 0; i < config->count; i++) {
		fprintf(file, "\n[%s]\n", config->contexts[i].name);
		write_field(file, "address", config->contexts[i].address);
		write_field(file, "compartment", config->contexts[i].compartment);
		write_field(file, "project", config->contexts[i].project);
		write_field(file, "principal", config->contexts[i].principal);
		write_field(file, "key", config->contexts[i].key);
	}
	failed = ferror(file) != 0;
	failed |= fclose(file) != 0;
	if (failed || rename(beside, config->path) != 0)
		return cadre_error_errno(&cli->err, errno, "\"%s\"", config->path);
	return CADRE_OK;
}

static void print_context(const struct context *context, bool current,
                          struct cadre_json *json, struct cadre_table *table)
{
	const char *address = context->address ? context->address : DEFAULT_ADDRESS;
	const char *compartment = context->compartment ? context->compartment : "default";
	const char *project = context->project ? context->project : "default";

	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "name", context->name);
	cadre_json_key_bool(json, "current", current);
	cadre_json_key_text(json, "address", address);
	cadre_json_key_text(json, "compartment", compartment);
	cadre_json_key_text(json, "project", project);
	cadre_json_end(json, '}');
	cadre_table_cell(table, "%s", current ? "*" : "");
	cadre_table_cell(table, "%s", context->name);
	cadre_table_cell(table, "%s", address);
	cadre_table_cell(table, "%s", compartment);
	cadre_table_cell(table, "%s", project);
}

static void print_contexts(struct cli *cli, const struct config *config)
{
	static const char *const titles[] = { "", "CONTEXT", "ADDRESS", "COMPARTMENT",
		                              "PROJECT" };
	struct cadre_json json = { 0 };
	struct cadre_table table;

	cadre_table_init(&table, 5, 0, titles);
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "file", config->path);
	cadre_json_key(&json, "contexts");
	cadre_json_begin(&json, '[');
	for (size_t i = 0; i < config->count; i++) {
		const struct context *context = &config->contexts[i];
		bool current = config->current &&
		               strcmp(config->current, context->name) == 0;

		print_context(context, current, &json, &table);
		if (cli->mode == CADRE_OUTPUT_QUIET)
			printf("%s\n", context->name);
	}
	cadre_json_end(&json, ']');
	cadre_json_end(&json, '}');
	if (cli->mode == CADRE_OUTPUT_JSON)
		cli_print_json(&json);
	else if (cli->mode == CADRE_OUTPUT_TEXT && config->count > 0)
		cadre_table_print(&table, stdout);
	else if (cli->mode == CADRE_OUTPUT_TEXT)
		printf("no contexts in %s: asking %s, compartment and project \"default\"\n",
		       config->path, DEFAULT_ADDRESS);
	cadre_table_fini(&table);
	cadre_json_fini(&json);
}

static bool is_name(const char *text)
{
	return *text && strlen(text) < sizeof(((struct cli_context *)0)->name) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                    "0123456789._-") == strlen(text);
}

static bool set_field(struct cli *cli, enum cli_option option, const char **field)
{
	const char *value = cli_value(cli, option);

	if (value)
		*field = value;
	return value != NULL;
}

enum cadre_status cli_config_use(struct cli *cli)
{
	const char *name = cli->words[0];
	struct config config;
	struct context *context;
	bool existed;
	enum cadre_status status = read_config(cli, &config);

	if (status != CADRE_OK)
		return status;
	if (!is_name(name))
		return cli_usage(
		        cli, "\"%s\": a context's name has letters, digits, . _ - only",
		        name);
	if (!config.path[0])
		return cli_usage(cli, "neither $XDG_CONFIG_HOME nor $HOME is set");
	existed = context_named(&config, name, false) != NULL;
	context = context_named(&config, name, true);
	if (!context)
		return cli_usage(cli, "more than %u contexts", CONTEXTS_MAX);
	existed |= set_field(cli, CLI_ADDRESS, &context->address);
	existed |= set_field(cli, CLI_COMPARTMENT, &context->compartment);
	existed |= set_field(cli, CLI_PROJECT, &context->project);
	existed |= set_field(cli, CLI_PRINCIPAL, &context->principal);
	existed |= set_field(cli, CLI_KEY, &context->key);
	if (!existed)
		return cli_usage(cli, "no context \"%s\"; make it with --address ADDRESS",
		                 name);
	if (!context->address)
		context->address = DEFAULT_ADDRESS;
	config.current = context->name;
	status = write_config(cli, &config);
	if (status == CADRE_OK)
		print_contexts(cli, &config);
	return status;
}

enum cadre_status cli_config_show(struct cli *cli)
{
	struct config config;
	enum cadre_status status = read_config(cli, &config);

	if (status == CADRE_OK)
		print_contexts(cli, &config);
	return status;
}
