/*
 * Log lines of the daemon: to standard error, and the last ones in memory.
 *
 * Under journald a line goes without its time, which the journal has, and with its
 * level as a priority.
 * Threads: any; open and close on main.
 */
#ifndef CADRE_TOOLS_CADRED_LOG_H
#define CADRE_TOOLS_CADRED_LOG_H

#include <stdatomic.h>

#include "engine/base/log_sink.h"

struct cadred_log {
	struct cadre_log_sink *sink;
	_Atomic int level; /* enum cadre_log_level: lines below are only kept */
	bool journal;
	char dir[1024]; /* where evidence goes */
};

/* From now on a failed assertion writes the kept lines to `<data_dir>/lost+found/`. */
CADRE_MUST_CHECK enum cadre_status cadred_log_open(struct cadred_log *log,
                                                   enum cadre_log_level level,
                                                   const char *data_dir,
                                                   struct cadre_error *err);
void cadred_log_close(struct cadred_log *log);
/* A line of the daemon's own. */
#define CADRED_SAY(log, level, event, ...)                                     \
	cadre_log_line((log)->sink, cadred_now_ms(), CADRE_LOG_##level, event, \
	               __VA_ARGS__)
cadre_time_ms cadred_now_ms(void);

/* Writes the kept lines to a new file `<data_dir>/lost+found/decisions-<pid>-<n>.log`;
 * its path goes to `path` (1,100 bytes). False when that fails. */
CADRE_MUST_CHECK bool cadred_log_keep(struct cadred_log *log, char path[1100]);

#endif
