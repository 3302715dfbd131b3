#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/cadred/daemon.h"
#include "tools/cadred/man.h"
#include "tools/cadred/places.h"
#include "tools/common/config_argp.h"

enum { MAPPED_BYTES_MIN = 256 << 10 };
enum { KEY_SHOW = 1, KEY_EXAMPLE, KEY_MAN };

static const struct argp_option extra[] = {
	{ "show-config", KEY_SHOW, NULL, 0, "Every option, its value and its source", 0 },
	{ "example-config", KEY_EXAMPLE, NULL, 0, "A file that explains every option",
	  0 },
	{ "man-page", KEY_MAN, NULL, 0, "The manual page, as roff", 0 },
	{ 0 }
};

static const char doc[] =
        "Runs one node of Cadre on one data directory.\v"
        "A flag goes before the variable CADRE_<NAME>, that before the file, that "
        "before the default.\n\n"
        "Example:\n"
        "  cadre-admin init /var/lib/cadre --cluster demo\n"
        "  cadred leader\n";

struct arguments {
	struct cadre_config *config;
	int print; /* a key of `extra`, 0: none */
	bool role_given;
};

static int fail(const struct cadre_error *err)
{
	fprintf(stderr, CADRED_PROGRAM ": %s\n", err->message);
	return err->status == CADRE_OUT_OF_MEMORY ? CADRED_EXIT_UNAVAILABLE
	                                          : CADRED_EXIT_USAGE;
}

static void take(struct arguments *arguments, int key, const char *text)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	if (cadre_config_flag(arguments->config, key, text, &err) != CADRE_OK)
		exit(fail(&err));
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	if (key >= CADRE_CONFIG_FLAG_KEY &&
	    key < CADRE_CONFIG_FLAG_KEY + CADRED_OPTION_COUNT) {
		take(arguments, key, text);
		return 0;
	}
	if (key >= KEY_SHOW && key <= KEY_MAN) {
		arguments->print = key;
		return 0;
	}
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (arguments->role_given)
		argp_error(state, "too many words: \"%s\"", text);
	arguments->role_given = true;
	take(arguments, CADRE_CONFIG_FLAG_KEY + CADRED_ROLE, text);
	return 0;
}

/* Fills the config from flags, environment and file. */
static enum cadre_status read_arguments(struct arguments *arguments, int argc,
                                        char **argv, struct cadre_error *err)
{
	static struct cadre_config_flags flags;
	const struct argp argp = { .options = flags.options,
		                   .parser = parse,
		                   .args_doc = "leader|follower",
		                   .doc = doc };
	enum cadre_status status = cadre_config_create(&cadred_options,
	                                               &arguments->config, err);

	if (status != CADRE_OK)
		return status;
	cadre_config_flags_init(&flags, &cadred_options, extra);
	status = cadre_config_flags_check(&flags, argc, argv, err);
	if (status != CADRE_OK)
		return status;
	if (argp_parse(&argp, argc, argv, 0, NULL, arguments) != 0)
		exit(CADRED_EXIT_USAGE);
	if (arguments->print == KEY_EXAMPLE || arguments->print == KEY_MAN)
		return CADRE_OK;
	return cadred_read_sources(arguments->config, err);
}

static int print(struct arguments *arguments)
{
	unsigned role = cadred_role_bit(arguments->config);
	struct cadre_error err = CADRE_ERROR_INIT;

	if (arguments->print == KEY_MAN)
		cadred_man(stdout);
	else if (arguments->print == KEY_EXAMPLE)
		cadre_config_example(&cadred_options, stdout);
	else if (role != 0 &&
	         cadre_config_check_role(arguments->config, role, &err) != CADRE_OK)
		return fail(&err);
	else
		cadre_config_show(arguments->config, role, stdout);
	return fflush(stdout) == 0 ? 0 : CADRED_EXIT_UNAVAILABLE;
}

static int run(struct arguments *arguments)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_config *config = arguments->config;
	struct cadred_setup *setup = NULL;
	const char *dir = cadre_config_text(config, CADRED_DATA_DIR);

	if (cadred_setup_create(config, &setup, &err) != CADRE_OK)
		return fail(&err);
	if (setup->options.role == CADRE_NODE_LEADER && !cadred_is_data_dir(dir)) {
		fprintf(stderr,
		        CADRED_PROGRAM ": \"%s\" is no data directory; make one with\n"
		                       "  cadre-admin init %s --cluster NAME\n",
		        dir, dir);
		cadred_setup_destroy(&setup);
		return cadre_status_exit_code(CADRE_NOT_FOUND);
	}
	arguments->config = NULL; /* the daemon's */
	return cadred_run(config, setup);
}

/* What large messages took goes back when they are done, and one that was announced but
 * did not come takes nothing: without this the allocator keeps places of up to 32 MiB, and
 * clears them for every announcement. */
static void bound_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * MAPPED_BYTES_MIN);
}

/* Connections that have not shaken hands yet are counted by nobody, for 10 s each: they
 * must not take the descriptors that the log needs. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	int code;

	bound_memory();
	raise_file_limit();
	argp_err_exit_status = CADRED_EXIT_USAGE;
	argp_program_version = CADRED_PROGRAM " " CADRE_VERSION;
	if (read_arguments(&arguments, argc, argv, &err) != CADRE_OK)
		code = fail(&err);
	else if (arguments.print)
		code = print(&arguments);
	else
		code = run(&arguments);
	cadre_config_destroy(&arguments.config);
	return code;
}
