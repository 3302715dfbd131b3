#include "tools/common/output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "tools/common/json_write.h"

#define REDRAW_NS 200000000u

bool cadre_colour_wanted(FILE *stream)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fileno(stream)) && !(no_colour && *no_colour) && term &&
	       strcmp(term, "dumb") != 0;
}

const char *cadre_colour(FILE *stream, enum cadre_colour colour)
{
	static const char *const sequences[] = { "\033[0m",  "\033[1m",  "\033[2m",
		                                 "\033[31m", "\033[32m", "\033[33m" };

	return cadre_colour_wanted(stream) ? sequences[colour] : "";
}

int cadre_report(const char *program, enum cadre_output_mode mode,
                 const struct cadre_error *err)
{
	if (mode == CADRE_OUTPUT_JSON) {
		struct cadre_json json = { 0 };

		cadre_json_begin(&json, '{');
		cadre_json_key_text(&json, "error", cadre_status_name(err->status));
		cadre_json_key_text(&json, "message", err->message);
		cadre_json_end(&json, '}');
		fprintf(stderr, "%.*s\n", (int)json.text.length,
		        (const char *)json.text.data);
		cadre_json_fini(&json);
	} else {
		fprintf(stderr, "%s: %s%s%s: %s\n", program,
		        cadre_colour(stderr, CADRE_RED), cadre_status_name(err->status),
		        cadre_colour(stderr, CADRE_PLAIN), err->message);
	}
	return cadre_status_exit_code(err->status);
}

void cadre_table_init(struct cadre_table *table, unsigned columns, unsigned right,
                      const char *const *titles)
{
	CADRE_ASSERT(columns > 0 && columns <= CADRE_TABLE_COLUMNS_MAX);
	*table = (struct cadre_table){ .columns = columns, .right = right };
	for (unsigned i = 0; titles && i < columns; i++)
		cadre_table_cell(table, "%s", titles[i]);
}

static size_t points_of(const char *text)
{
	size_t points = 0;

	for (; *text; text++)
		points += ((unsigned char)*text & 0xC0) != 0x80;
	return points;
}

void cadre_table_cell(struct cadre_table *table, const char *format, ...)
{
	char cell[1280];
	size_t points;
	va_list args;

	va_start(args, format);
	vsnprintf(cell, sizeof(cell), format, args);
	va_end(args);
	for (char *at = cell; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7F)
			*at = '?';
	points = points_of(cell);
	if (points > table->width[table->cells % table->columns])
		table->width[table->cells % table->columns] = points;
	if (cadre_buffer_append(&table->text, cell, strlen(cell) + 1) != CADRE_OK)
		table->failed = true;
	else
		table->cells++;
}

static void print_cell(const struct cadre_table *table, unsigned column, const char *cell,
                       FILE *stream)
{
	size_t pad = table->width[column] - points_of(cell);
	bool last = column + 1 == table->columns;

	if (table->right & (1u << column))
		fprintf(stream, "%*s%s%s", (int)pad, "", cell, last ? "\n" : "  ");
	else if (last)
		fprintf(stream, "%s\n", cell);
	else
		fprintf(stream, "%s%*s  ", cell, (int)pad, "");
}

void cadre_table_print(struct cadre_table *table, FILE *stream)
{
	const char *cell = (const char *)table->text.data;

	for (size_t i = 0; i < table->cells; i++) {
		print_cell(table, (unsigned)(i % table->columns), cell, stream);
		cell += strlen(cell) + 1;
	}
	if (table->failed)
		fputs("(out of memory: rows are missing)\n", stderr);
}

void cadre_table_fini(struct cadre_table *table)
{
	cadre_buffer_fini(&table->text);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void cadre_progress_begin(struct cadre_progress *progress, const char *label,
                          const char *unit)
{
	*progress = (struct cadre_progress){ .label = label, .unit = unit };
	progress->wanted = isatty(fileno(stderr));
	progress->started_ns = progress->wanted ? now_ns() : 0;
	progress->shown_ns = progress->started_ns;
}

void cadre_progress_show(struct cadre_progress *progress, uint64_t done, uint64_t total)
{
	uint64_t now;
	double seconds;
	double rate;

	if (!progress->wanted)
		return;
	now = now_ns();
	if (now - progress->shown_ns < REDRAW_NS)
		return;
	progress->shown_ns = now;
	progress->shown = true;
	seconds = (double)(now - progress->started_ns) / 1e9;
	rate = (double)done / seconds;
	if (total > 0 && done > 0 && done <= total)
		fprintf(stderr, "\r\033[K%s: %.1f %%, %.0f %s/s, %.0f s left",
		        progress->label, 100.0 * (double)done / (double)total, rate,
		        progress->unit, (double)(total - done) / rate);
	else
		fprintf(stderr, "\r\033[K%s: %" PRIu64 " %s, %.0f/s", progress->label,
		        done, progress->unit, rate);
}

void cadre_progress_end(struct cadre_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}

const char *cadre_bytes_text(uint64_t bytes, char text[32])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double amount = (double)bytes;
	size_t unit = 0;

	while (amount >= 1000.0 && unit < 4) {
		amount /= 1000.0;
		unit++;
	}
	snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", amount, units[unit]);
	return text;
}
