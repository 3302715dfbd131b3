/*
 * The daemon around one node: signals, service manager, HTTP, log.
 *
 *   start   log -> HTTP (tells that it is not ready) -> the runner starts the node
 *   serves  ready file, READY=1; a look once a second
 *   stops   SIGTERM or SIGINT: not ready, the node drains; a second one, or `drain` over:
 *           the process ends at once, as after a crash: nothing acknowledged is lost
 *   SIGHUP  file and environment again; what cannot change while running is named
 *   SIGUSR1 the last decisions go to lost+found/
 *
 * Threads: main; the runner's; HTTP's; the node's own.
 */
#ifndef CADRE_TOOLS_CADRED_DAEMON_H
#define CADRE_TOOLS_CADRED_DAEMON_H

#include "tools/cadred/http.h"
#include "tools/cadred/log.h"
#include "tools/cadred/options.h"
#include "tools/cadred/runner.h"

enum {
	/* A reload keeps what nodes may still point to until the end; a file is changed by
	 * hand, so this is more than a life's. */
	CADRED_RELOADS_MAX = 10000,
};

/* What one reading of the options gave; the newest first. */
struct cadred_edition {
	struct cadre_config *config;
	struct cadred_setup *setup;
	struct cadred_edition *older;
};

struct cadred {
	struct cadred_edition *edition;     /* what holds */
	const struct cadre_config *started; /* what the node was started with */
	unsigned editions;
	struct cadred_log log;
	struct cadred_health health;
	struct cadred_http *http;
	struct cadre_address http_address;
	struct cadred_runner runner;
	int signal_fd, wake_fd;
	bool announced; /* the node serves, and everyone was told */
	bool stopping;
	bool cut_short;
	int failed_code;      /* of the process, when the end was not wanted; else 0 */
	uint64_t deadline_ns; /* of the stop */
	uint64_t extended_ns; /* when the manager was last asked for more time */
	uint64_t watchdog_ms, watchdog_ns;
	uint64_t progress_ns; /* when a line told the progress last */
	char said[400];       /* the reason that the log told last */
	char told[400];       /* the state that the manager was told last */
};

/* Runs until it is told to stop; returns the exit code. Ownership: takes `config` and
 * `setup`. */
int cadred_run(struct cadre_config *config, struct cadred_setup *setup);

/* reload.c: SIGHUP. */
void cadred_reload(struct cadred *daemon);
/* File (when there is one) and environment into `config`. */
CADRE_MUST_CHECK enum cadre_status cadred_read_sources(struct cadre_config *config,
                                                       struct cadre_error *err);

/* announce.c: what starts, serves, stops is said in the log, to the manager, and in the
 * ready file. */
void cadred_announce_start(struct cadred *daemon);
CADRE_MUST_CHECK enum cadre_status cadred_announce_serving(struct cadred *daemon,
                                                           struct cadre_error *err);
/* Once a second: state to the manager, a line when it changed. */
void cadred_announce_state(struct cadred *daemon);
/* Says why the node did not start; returns the exit code. */
int cadred_explain(struct cadred *daemon, struct cadre_error *err);

#endif
