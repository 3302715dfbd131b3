/*
 * The file. inih splits lines into names and values; what it would pass over in
 * silence (too long a line, a line that goes on, the number of the line) is looked at
 * where it asks for lines.
 */
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/config_internal.h"
#include "tools/common/nearest.h"

struct reading {
	struct cadre_config *config;
	const char *path;
	FILE *file;
	char *line; /* getline()'s */
	size_t capacity;
	unsigned number;                       /* of the line, from 1 */
	unsigned given[CADRE_CONFIG_ROWS_MAX]; /* line of the row, 0: not yet */
	enum cadre_status status;              /* of the first line that is wrong */
	struct cadre_error *err;
};

#define WRONG(reading, ...)                                                           \
	((reading)->status = cadre_error_set((reading)->err, CADRE_INVALID_PARAMETER, \
	                                     __VA_ARGS__))

/* Where a comment behind a value begins; the end when there is none. */
static char *comment_of(char *line)
{
	char *at = line;

	while (*at != '\0' &&
	       !(*at == ';' && at > line && (at[-1] == ' ' || at[-1] == '\t')))
		at++;
	return at;
}

/* Blanks in front would make inih take the line as more of the one before. */
static char *next_line(char *buffer, int capacity, void *ctx)
{
	struct reading *reading = ctx;
	char *start;
	ssize_t length;

	if (reading->status != CADRE_OK)
		return NULL;
	length = getline(&reading->line, &reading->capacity, reading->file);
	if (length < 0)
		return NULL;
	reading->number++;
	if (strlen(reading->line) != (size_t)length) {
		WRONG(reading, "%s:%u: holds a zero byte", reading->path,
		      reading->number);
		return NULL;
	}
	start = reading->line + strspn(reading->line, " \t");
	if (*start == '#' || *start == ';')
		*start = '\0';
	*comment_of(start) = '\0';
	if (strlen(start) + 2 > (size_t)capacity) {
		WRONG(reading,
		      "%s:%u: %zu characters, at most %d; "
		      "give this option as a flag or in the environment",
		      reading->path, reading->number, strlen(start), capacity - 2);
		return NULL;
	}
	snprintf(buffer, (size_t)capacity, "%s", start);
	return buffer;
}

static void unknown_name(struct reading *reading, const char *name)
{
	const struct cadre_config_program *program = reading->config->program;
	struct cadre_nearest nearest;
	char hint[96];

	cadre_nearest_init(&nearest, name);
	for (size_t i = 0; i < program->count; i++)
		if (!(program->rows[i].flags & CADRE_CONFIG_NO_FILE))
			cadre_nearest_offer(&nearest, program->rows[i].name);
	WRONG(reading, "%s:%u: no option \"%.60s\"%s", reading->path, reading->number,
	      name, cadre_nearest_hint(&nearest, hint));
}

static void take(struct reading *reading, size_t row, const char *value)
{
	const struct cadre_config_row *rows = reading->config->program->rows;
	char where[CADRE_CONFIG_WHERE_BYTES];

	if (reading->given[row] != 0 && !(rows[row].flags & CADRE_CONFIG_REPEAT)) {
		WRONG(reading, "%s:%u: %s stands in line %u already; keep one of them",
		      reading->path, reading->number, rows[row].name,
		      reading->given[row]);
		return;
	}
	reading->given[row] = reading->number;
	snprintf(where, sizeof where, "%.200s:%u: %s", reading->path, reading->number,
	         rows[row].name);
	reading->status = cadre_config_set(reading->config, row, CADRE_CONFIG_FILE, where,
	                                   value, reading->err);
}

static int take_pair(void *ctx, const char *section, const char *name, const char *value)
{
	struct reading *reading = ctx;
	const struct cadre_config_program *program = reading->config->program;
	size_t row = cadre_config_find(program, name);

	if (reading->status != CADRE_OK)
		return 0;
	if (*section != '\0' && strcmp(section, program->name) != 0)
		WRONG(reading, "%s:%u: in a section [%.40s]; there is only [%s]",
		      reading->path, reading->number, section, program->name);
	else if (row == program->count || program->rows[row].flags & CADRE_CONFIG_NO_FILE)
		unknown_name(reading, name);
	else
		take(reading, row, value);
	return reading->status == CADRE_OK;
}

static enum cadre_status open_file(struct reading *reading)
{
	reading->file = fopen(reading->path, "re");
	if (reading->file)
		return CADRE_OK;
	if (errno == ENOENT)
		return cadre_error_set(reading->err, CADRE_NOT_FOUND,
		                       "\"%s\": no such file", reading->path);
	return cadre_error_errno(reading->err, errno, "opening \"%s\"", reading->path);
}

enum cadre_status cadre_config_read_file(struct cadre_config *config, const char *path,
                                         struct cadre_error *err)
{
	struct reading reading = { .config = config, .path = path, .err = err };
	enum cadre_status status = open_file(&reading);
	int line;

	if (status != CADRE_OK)
		return status;
	line = ini_parse_stream(next_line, &reading, take_pair, &reading);
	if (reading.status == CADRE_OK && ferror(reading.file))
		reading.status = cadre_error_errno(err, errno, "reading \"%s\"", path);
	if (reading.status == CADRE_OK && line != 0)
		WRONG(&reading, "%s:%d: neither \"name = value\" nor a comment", path,
		      line);
	free(reading.line);
	fclose(reading.file);
	return reading.status;
}
