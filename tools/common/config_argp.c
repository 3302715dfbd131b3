#include "tools/common/config_argp.h"

#include <string.h>

#include "engine/base/assert.h"
#include "tools/common/config_internal.h"
#include "tools/common/nearest.h"

static struct argp_option *add(struct cadre_config_flags *flags)
{
	CADRE_ASSERT(flags->count + 1 < sizeof flags->options / sizeof *flags->options);
	return &flags->options[flags->count++];
}

static void add_row(struct cadre_config_flags *flags,
                    const struct cadre_config_program *program, size_t i, int group)
{
	const struct cadre_config_row *row = &program->rows[i];
	char roles[CADRE_CONFIG_NAME_BYTES];
	char *help = flags->help[i];

	cadre_config_roles_text(program, row->roles, roles);
	snprintf(help, CADRE_CONFIG_FLAG_HELP_BYTES, "%s%s%s%s%s%s", row->help,
	         row->roles ? "; " : "", row->roles ? roles : "",
	         *row->fallback ? " (" : "", row->fallback, *row->fallback ? ")" : "");
	*add(flags) = (struct argp_option){
		.name = row->name,
		.key = CADRE_CONFIG_FLAG_KEY + (int)i,
		.arg = row->metavar,
		.flags = row->type == CADRE_CONFIG_SWITCH ? OPTION_ARG_OPTIONAL : 0,
		.doc = help,
		.group = group,
	};
}

void cadre_config_flags_init(struct cadre_config_flags *flags,
                             const struct cadre_config_program *program,
                             const struct argp_option *extra)
{
	int group = 0;

	memset(flags, 0, sizeof *flags);
	for (size_t i = 0; i < program->count; i++) {
		if (program->rows[i].group)
			*add(flags) = (struct argp_option){ .doc = program->rows[i].group,
				                            .group = ++group };
		add_row(flags, program, i, group);
	}
	*add(flags) = (struct argp_option){ .doc = "What else it prints",
		                            .group = ++group };
	for (; extra->name; extra++) {
		struct argp_option *option = add(flags);

		*option = *extra;
		option->group = group;
	}
}

/* The option of a word's name, abbreviated or whole; NULL when none. */
static const struct argp_option *option_of(const struct cadre_config_flags *flags,
                                           const char *name, size_t length)
{
	for (size_t i = 0; i < flags->count; i++)
		if (flags->options[i].name &&
		    strncmp(flags->options[i].name, name, length) == 0)
			return &flags->options[i];
	return NULL;
}

static bool is_argps(const char *name, size_t length)
{
	static const char *const names[] = { "help", "usage", "version" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(names[i], name, length) == 0)
			return true;
	return false;
}

static enum cadre_status unknown(const struct cadre_config_flags *flags, const char *word,
                                 size_t length, struct cadre_error *err)
{
	struct cadre_nearest nearest;
	char name[CADRE_NEAREST_BYTES];
	char hint[96];

	snprintf(name, sizeof name, "%.*s", (int)length, word);
	cadre_nearest_init(&nearest, name);
	for (size_t i = 0; i < flags->count; i++)
		if (flags->options[i].name)
			cadre_nearest_offer(&nearest, flags->options[i].name);
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "no option --%s%s", name,
	                       cadre_nearest_hint(&nearest, hint));
}

enum cadre_status cadre_config_flags_check(const struct cadre_config_flags *flags,
                                           int argc, char **argv, struct cadre_error *err)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *name = argv[i] + 2;
		size_t length = strncmp(argv[i], "--", 2) == 0 ? strcspn(name, "=") : 0;
		const struct argp_option *option;

		if (length == 0 || is_argps(name, length))
			continue;
		option = option_of(flags, name, length);
		if (!option)
			return unknown(flags, name, length, err);
		if (option->arg && !(option->flags & OPTION_ARG_OPTIONAL) &&
		    name[length] == '\0')
			i++; /* the next word is its value */
	}
	return CADRE_OK;
}

enum cadre_status cadre_config_flag(struct cadre_config *config, int key,
                                    const char *argument, struct cadre_error *err)
{
	size_t row = (size_t)(key - CADRE_CONFIG_FLAG_KEY);
	char where[CADRE_CONFIG_NAME_BYTES];

	CADRE_ASSERT(key >= CADRE_CONFIG_FLAG_KEY && row < config->program->count);
	snprintf(where, sizeof where, "--%s", config->program->rows[row].name);
	return cadre_config_set(config, row, CADRE_CONFIG_FLAG, where,
	                        argument ? argument : "yes", err);
}
