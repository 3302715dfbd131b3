#include "tools/cadred/daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tools/cadred/notify.h"
#include "tools/cadred/places.h"

enum { LOOK_MS = 1000 };
#define MS_NS UINT64_C(1000000)
/* The manager is asked for a minute more, every ten seconds of a start. */
#define EXTEND_EVERY_NS UINT64_C(10000000000)
#define EXTEND_US 60000000

static uint64_t now_ns(struct cadred *daemon)
{
	return daemon->health.env->ops->mono_ns(daemon->health.env);
}

static void wake(void *ctx)
{
	struct cadred *daemon = ctx;
	const uint64_t one = 1;

	/* Full means that it will wake anyway. */
	if (write(daemon->wake_fd, &one, sizeof one) < 0)
		return;
}

/* Before any thread starts: all of them inherit the mask. */
static enum cadre_status catch_signals(struct cadred *daemon, struct cadre_error *err)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
		sigaddset(&set, caught[i]);
	signal(SIGPIPE, SIG_IGN);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	daemon->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	daemon->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (daemon->signal_fd < 0 || daemon->wake_fd < 0)
		return cadre_error_errno(err, errno, "signals");
	return CADRE_OK;
}

static enum cadre_status start_http(struct cadred *daemon, struct cadre_error *err)
{
	const char *text = cadre_config_text(daemon->started, CADRED_HTTP_LISTEN);
	struct cadre_address address;
	enum cadre_status status;

	if (cadred_is_none(text))
		return CADRE_OK;
	status = cadre_address_parse(text, CADRED_HTTP_PORT, &address, err);
	if (status == CADRE_OK)
		status = cadred_http_start(&address, &daemon->health, &daemon->http,
		                           &daemon->http_address, err);
	return status;
}

static enum cadre_status start_node(struct cadred *daemon, struct cadre_error *err)
{
	struct cadre_node_options *options = &daemon->edition->setup->options;

	options->sink = daemon->log.sink;
	options->agent.sink = daemon->log.sink;
	options->progress = cadred_health_progress;
	options->progress_ctx = &daemon->health;
	options->attention = wake;
	options->attention_ctx = daemon;
	daemon->runner.env = daemon->health.env;
	daemon->runner.options = options;
	daemon->runner.health = &daemon->health;
	daemon->runner.wake = wake;
	daemon->runner.wake_ctx = daemon;
	return cadred_runner_start(&daemon->runner, err);
}

static void begin_stop(struct cadred *daemon, const char *cause)
{
	uint64_t drain_ms = cadre_config_number(daemon->edition->config, CADRED_DRAIN);

	daemon->stopping = true;
	daemon->deadline_ns = now_ns(daemon) + drain_ms * MS_NS;
	CADRED_SAY(&daemon->log, INFO, "daemon.stopping", "cause=%s drain_ms=%llu", cause,
	           (unsigned long long)drain_ms);
	cadred_notify("STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=%llu",
	              (unsigned long long)(drain_ms + LOOK_MS) * 1000);
	cadred_runner_stop(&daemon->runner);
}

static void keep_decisions(struct cadred *daemon)
{
	char path[1100];

	if (cadred_log_keep(&daemon->log, path))
		CADRED_SAY(&daemon->log, INFO, "daemon.decisions_kept", "file=\"%s\"",
		           path);
	else
		CADRED_SAY(&daemon->log, WARN, "daemon.decisions_not_kept",
		           "file=\"%s\" reason=\"%s\"", path, strerror(errno));
}

static void on_signal(struct cadred *daemon, unsigned number)
{
	if (number == SIGHUP && !daemon->stopping)
		cadred_reload(daemon);
	else if (number == SIGUSR1)
		keep_decisions(daemon);
	else if ((number == SIGTERM || number == SIGINT) && daemon->stopping)
		daemon->cut_short = true;
	else if (number == SIGTERM || number == SIGINT)
		begin_stop(daemon, number == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void read_signals(struct cadred *daemon)
{
	struct signalfd_siginfo info;

	while (read(daemon->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		on_signal(daemon, info.ssi_signo);
}

/* The node serves since the last look. */
static void announce(struct cadred *daemon)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_node *node = cadred_runner_node(&daemon->runner);

	daemon->announced = true;
	if (daemon->edition->config != daemon->started)
		cadre_node_reload(node, &daemon->edition->setup->options);
	if (cadred_announce_serving(daemon, &err) == CADRE_OK)
		return;
	CADRED_SAY(&daemon->log, ERROR, "daemon.ready_file", "reason=\"%s\"",
	           err.message);
	begin_stop(daemon, "ready-file");
	daemon->failed_code = CADRED_EXIT_UNAVAILABLE;
}

static void look_after_node(struct cadred *daemon)
{
	struct cadre_node *node = cadred_runner_node(&daemon->runner);

	if (!node)
		return;
	if (!daemon->announced)
		announce(daemon);
	if (daemon->stopping || !cadre_node_failed(node))
		return;
	daemon->failed_code = CADRED_EXIT_LOG_FAILED;
	CADRED_SAY(&daemon->log, ERROR, "daemon.log_failed",
	           "exit=%d meaning=\"what the kernel says about these files no longer "
	           "counts; a start reads them again\"",
	           CADRED_EXIT_LOG_FAILED);
	keep_decisions(daemon);
	begin_stop(daemon, "log_failed");
}

static void look_after_manager(struct cadred *daemon)
{
	uint64_t now = now_ns(daemon);

	cadred_announce_state(daemon);
	if (daemon->watchdog_ms > 0 &&
	    now - daemon->watchdog_ns >= daemon->watchdog_ms * MS_NS) {
		daemon->watchdog_ns = now;
		cadred_notify("WATCHDOG=1");
	}
	if (!daemon->announced && !daemon->stopping &&
	    now - daemon->extended_ns >= EXTEND_EVERY_NS) {
		daemon->extended_ns = now;
		cadred_notify("EXTEND_TIMEOUT_USEC=%d", EXTEND_US);
	}
}

/* How long the loop may sleep. */
static int sleep_ms(struct cadred *daemon)
{
	uint64_t sleep = LOOK_MS;
	uint64_t now = now_ns(daemon);

	if (daemon->watchdog_ms > 0 && daemon->watchdog_ms / 2 < sleep)
		sleep = daemon->watchdog_ms / 2 + 1;
	if (daemon->stopping && daemon->deadline_ns < now + sleep * MS_NS)
		sleep = daemon->deadline_ns > now
		                ? (daemon->deadline_ns - now) / MS_NS + 1
		                : 0;
	return (int)sleep;
}

static void wait_for_news(struct cadred *daemon)
{
	struct pollfd fds[] = { { .fd = daemon->signal_fd, .events = POLLIN },
		                { .fd = daemon->wake_fd, .events = POLLIN } };
	uint64_t count;

	(void)poll(fds, 2, sleep_ms(daemon));
	while (read(daemon->wake_fd, &count, sizeof count) > 0)
		continue;
	read_signals(daemon);
}

static void remove_ready_file(struct cadred *daemon)
{
	const char *path = cadre_config_text(daemon->started, CADRED_READY_FILE);

	if (*path != '\0')
		(void)unlink(path);
}

/* What a killed process left; never that of a node that has the directory now. */
static void remove_stale_ready_file(struct cadred *daemon)
{
	if (cadred_lock_owner(daemon->edition->setup->options.dir) == 0)
		remove_ready_file(daemon);
}

/* As after a crash: the next start recovers. Threads still run, so nothing is freed. */
static _Noreturn void end_at_once(struct cadred *daemon, const char *cause)
{
	CADRED_SAY(&daemon->log, WARN, "daemon.stop_cut_short", "cause=\"%s\"", cause);
	if (daemon->announced)
		remove_ready_file(daemon);
	_exit(daemon->failed_code ? daemon->failed_code : CADRED_EXIT_UNAVAILABLE);
}

static void loop(struct cadred *daemon)
{
	while (cadred_runner_state(&daemon->runner) != CADRED_RUN_ENDED) {
		look_after_node(daemon);
		look_after_manager(daemon);
		wait_for_news(daemon);
		if (daemon->cut_short)
			end_at_once(daemon, "second signal");
		if (daemon->stopping && now_ns(daemon) >= daemon->deadline_ns)
			end_at_once(daemon, "drain is over");
	}
}

static int serve(struct cadred *daemon)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	daemon->watchdog_ms = cadred_watchdog_ms();
	daemon->extended_ns = now_ns(daemon);
	if (start_http(daemon, &err) != CADRE_OK)
		return cadred_explain(daemon, &err);
	cadred_announce_start(daemon);
	if (start_node(daemon, &err) != CADRE_OK)
		return cadred_explain(daemon, &err);
	loop(daemon);
	cadred_runner_join(&daemon->runner, &err);
	if (daemon->announced)
		remove_ready_file(daemon);
	if (err.status != CADRE_OK && !daemon->stopping)
		return cadred_explain(daemon, &err);
	CADRED_SAY(&daemon->log, INFO, "daemon.stopped", "exit=%d", daemon->failed_code);
	return daemon->failed_code;
}

static void fini(struct cadred *daemon)
{
	cadred_http_stop(&daemon->http);
	cadred_health_fini(&daemon->health);
	cadred_log_close(&daemon->log);
	close(daemon->signal_fd);
	close(daemon->wake_fd);
	while (daemon->edition) {
		struct cadred_edition *edition = daemon->edition;

		daemon->edition = edition->older;
		cadred_setup_destroy(&edition->setup);
		cadre_config_destroy(&edition->config);
		free(edition);
	}
}

static enum cadre_status init(struct cadred *daemon, struct cadre_config *config,
                              struct cadred_setup *setup, struct cadre_error *err)
{
	const char *level = cadre_config_text(config, CADRED_LOG_LEVEL);
	enum cadre_status status;

	daemon->started = config;
	daemon->edition = calloc(1, sizeof *daemon->edition);
	if (!daemon->edition)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "out of memory");
	daemon->edition->config = config;
	daemon->edition->setup = setup;
	status = catch_signals(daemon, err);
	if (status == CADRE_OK)
		status = cadred_log_open(&daemon->log, cadred_log_level(level),
		                         setup->options.dir, err);
	if (status == CADRE_OK)
		status = cadred_health_init(&daemon->health, cadre_env_real(), err);
	return status;
}

int cadred_run(struct cadre_config *config, struct cadred_setup *setup)
{
	struct cadred daemon = { .signal_fd = -1, .wake_fd = -1 };
	struct cadre_error err = CADRE_ERROR_INIT;
	int code;

	if (init(&daemon, config, setup, &err) != CADRE_OK) {
		fprintf(stderr, CADRED_PROGRAM ": %s\n", err.message);
		code = cadre_status_exit_code(err.status);
	} else {
		remove_stale_ready_file(&daemon);
		code = serve(&daemon);
	}
	fini(&daemon);
	return code;
}
