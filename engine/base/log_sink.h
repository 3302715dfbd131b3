/*
 * One line a decision, `key=value`, for the people on call.
 *
 *   2026-11-22T14:40:24.123Z info log.recovered segments=3 torn_bytes=512
 *
 * A library never prints: the program gives a callback, or none. The last lines of
 * every level stay in memory and can be written out when something goes wrong.
 * Threads: any; lines are whole. A NULL sink swallows everything.
 */
#ifndef CADRE_BASE_LOG_SINK_H
#define CADRE_BASE_LOG_SINK_H

#include "engine/base/status.h"
#include "engine/base/types.h"

enum cadre_log_level {
	CADRE_LOG_DEBUG,
	CADRE_LOG_INFO,
	CADRE_LOG_WARN,
	CADRE_LOG_ERROR,
};

enum {
	CADRE_LOG_LINE_BYTES_MAX = 480, /* longer lines end in "..." */
	CADRE_LOG_LINES_KEPT = 10000,   /* about an hour of a busy node, 5 MB */
};

/* `line` has no newline and ends in NUL. Called with the sink's lock held, so lines
 * arrive in order; it must not log. */
typedef void (*cadre_log_sink_fn)(void *ctx, enum cadre_log_level level,
                                  const char *line);

struct cadre_log_sink;

/* `emit` NULL: lines are only kept. Lines below `level_min` are kept, not emitted.
 * Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_sink_create(enum cadre_log_level level_min, cadre_log_sink_fn emit, void *ctx,
                      struct cadre_log_sink **ret_sink);
/* Takes NULL; nulls the pointer. */
void cadre_log_sink_destroy(struct cadre_log_sink **sink);

/* `event` is `<module>.<what happened>`; `format` makes the `key=value` pairs (text
 * values in double quotes). Control characters become '?', so that a value from
 * outside cannot start a line. */
void cadre_log_line(struct cadre_log_sink *sink, cadre_time_ms now,
                    enum cadre_log_level level, const char *event, const char *format,
                    ...) CADRE_PRINTF(5, 6);

/* Writes the kept lines to `fd`, oldest first. Meant for the hook of a failed
 * assertion too: goes on without the lock when it cannot have it. */
void cadre_log_sink_dump(struct cadre_log_sink *sink, int fd);

#endif
