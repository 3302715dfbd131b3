/*
 * How command-line programs speak: tables for people, one JSON object with --json,
 * ids only with --quiet; colour only on a terminal and without NO_COLOR; progress on
 * standard error when that is a terminal; one place that prints errors.
 *
 * Threads: main only.
 */
#ifndef CADRE_TOOLS_OUTPUT_H
#define CADRE_TOOLS_OUTPUT_H

#include <stdio.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

enum cadre_output_mode { CADRE_OUTPUT_TEXT, CADRE_OUTPUT_JSON, CADRE_OUTPUT_QUIET };

enum cadre_colour {
	CADRE_PLAIN,
	CADRE_BOLD,
	CADRE_DIM,
	CADRE_RED,
	CADRE_GREEN,
	CADRE_YELLOW
};

/* Whether `stream` gets colour: a terminal, no NO_COLOR, TERM not "dumb". */
bool cadre_colour_wanted(FILE *stream);
/* The escape sequence, or "" when `stream` gets none. */
const char *cadre_colour(FILE *stream, enum cadre_colour colour);

/* Prints `program: NAME message` (JSON: an object {status, message}) to standard
 * error and returns the exit code of err->status. */
int cadre_report(const char *program, enum cadre_output_mode mode,
                 const struct cadre_error *err);

/* An aligned table: collects cells, prints with columns as wide as their widest
 * cell (in code points). Control characters are shown as '?'.
 * Ownership: `{0}` plus init; fini frees. */
#define CADRE_TABLE_COLUMNS_MAX 12u
struct cadre_table {
	unsigned columns;
	unsigned right; /* bit n: column n is aligned to the right */
	size_t width[CADRE_TABLE_COLUMNS_MAX];
	struct cadre_buffer text; /* cells, a NUL behind each */
	size_t cells;
	bool failed;
};
/* `titles` are `columns` texts; NULL: no title row. */
void cadre_table_init(struct cadre_table *table, unsigned columns, unsigned right,
                      const char *const *titles);
void cadre_table_cell(struct cadre_table *table, const char *format, ...)
        CADRE_PRINTF(2, 3);
void cadre_table_print(struct cadre_table *table, FILE *stream);
void cadre_table_fini(struct cadre_table *table);

/* A line that is written over: label, percent, rate, time left. */
struct cadre_progress {
	const char *label;
	const char *unit; /* "events" */
	uint64_t started_ns;
	uint64_t shown_ns;
	bool shown;
	bool wanted;
};
void cadre_progress_begin(struct cadre_progress *progress, const char *label,
                          const char *unit);
/* Cheap; writes at most five times a second. `total` 0: unknown. */
void cadre_progress_show(struct cadre_progress *progress, uint64_t done, uint64_t total);
/* Takes the line away. */
void cadre_progress_end(struct cadre_progress *progress);

/* "3.4 MB"; `text` holds 32 bytes. */
const char *cadre_bytes_text(uint64_t bytes, char text[32]);

#endif
