/* The options as a part of a manual page. */
#include <string.h>

#include "tools/common/config_internal.h"

/* Text as roff prints it unchanged. */
static void put_text(const char *text, FILE *stream)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stream);
	for (; *text != '\0'; text++) {
		if (*text == '-')
			fputs("\\-", stream);
		else if (*text == '\\')
			fputs("\\e", stream);
		else
			fputc(*text, stream);
	}
}

static void put_range(const struct cadre_config_row *row, FILE *stream)
{
	char least[CADRE_CONFIG_SHORT_BYTES];
	char most[CADRE_CONFIG_SHORT_BYTES];

	if (row->least == 0 && row->most == 0)
		return;
	cadre_config_number_text(row->type, row->least, least);
	cadre_config_number_text(row->type, row->most, most);
	if (row->most == 0)
		fprintf(stream, "At least %s.\n", least);
	else
		fprintf(stream, "%s to %s.\n", least, most);
}

static void put_head(const struct cadre_config_row *row, FILE *stream)
{
	bool optional = row->type == CADRE_CONFIG_SWITCH;

	fputs(".TP\n\\fB\\-\\-", stream);
	put_text(row->name, stream);
	fprintf(stream, "\\fR%s=\\fI", optional ? "[" : "");
	put_text(row->metavar, stream);
	fprintf(stream, "\\fR%s\n", optional ? "]" : "");
}

static void put_row(const struct cadre_config_program *program, size_t i, FILE *stream)
{
	const struct cadre_config_row *row = &program->rows[i];
	char roles[CADRE_CONFIG_NAME_BYTES];
	char variable[CADRE_CONFIG_NAME_BYTES];

	put_head(row, stream);
	put_text(row->help, stream);
	fputs(".\n", stream);
	if (*row->fallback) {
		fputs("Default: ", stream);
		put_text(row->fallback, stream);
		fputs(".\n", stream);
	}
	put_range(row, stream);
	if (row->roles) {
		cadre_config_roles_text(program, row->roles, roles);
		fprintf(stream, "For a %s.\n", roles);
	}
	if (row->flags & CADRE_CONFIG_REPEAT)
		fputs("May be given several times.\n", stream);
	if (row->flags & CADRE_CONFIG_RELOAD)
		fputs("A reload is enough.\n", stream);
	cadre_config_variable(program, i, variable);
	fprintf(stream, "Variable: %s%s.\n", variable,
	        row->flags & CADRE_CONFIG_NO_FILE ? "; not in the file" : "");
}

void cadre_config_man(const struct cadre_config_program *program, FILE *stream)
{
	for (size_t i = 0; i < program->count; i++) {
		if (program->rows[i].group) {
			fputs(".SS ", stream);
			put_text(program->rows[i].group, stream);
			fputc('\n', stream);
		}
		put_row(program, i, stream);
	}
}
