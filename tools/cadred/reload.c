#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cadred/daemon.h"

enum cadre_status cadred_read_sources(struct cadre_config *config,
                                      struct cadre_error *err)
{
	enum cadre_status status = cadre_config_read_environment(config, environ, err);
	const char *path = cadre_config_text(config, CADRED_CONFIG);

	if (status != CADRE_OK)
		return status;
	if (*path != '\0')
		return cadre_config_read_file(config, path, err);
	status = cadre_config_read_file(config, CADRED_CONFIG_PATH, err);
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

static enum cadre_status read_again(struct cadred *daemon, struct cadred_edition *edition,
                                    struct cadre_error *err)
{
	enum cadre_status status = cadre_config_create(&cadred_options, &edition->config,
	                                               err);

	if (status == CADRE_OK)
		status = cadre_config_copy_flags(edition->config, daemon->started, err);
	if (status == CADRE_OK)
		status = cadred_read_sources(edition->config, err);
	if (status == CADRE_OK)
		status = cadred_setup_create(edition->config, &edition->setup, err);
	return status;
}

static void drop(struct cadred_edition *edition)
{
	cadred_setup_destroy(&edition->setup);
	cadre_config_destroy(&edition->config);
	free(edition);
}

static const char *shown(const struct cadre_config *config, size_t row)
{
	return cadre_config_count(config, row) > 1 ? "(several)"
	                                           : cadre_config_text(config, row);
}

/* A line an option; returns how many need a restart. */
static unsigned say_changes(struct cadred *daemon, const struct cadre_config *now,
                            unsigned *ret_changed)
{
	const struct cadre_config *before = daemon->edition->config;
	unsigned restarts = 0;

	*ret_changed = 0;
	for (size_t i = 0; i < CADRED_OPTION_COUNT; i++) {
		const struct cadre_config_row *row = &cadred_options.rows[i];

		if (row->flags & CADRE_CONFIG_RELOAD &&
		    !cadre_config_same(before, now, i)) {
			++*ret_changed;
			CADRED_SAY(&daemon->log, INFO, "daemon.option_changed",
			           "name=%s value=\"%s\"", row->name, shown(now, i));
		} else if (!(row->flags & CADRE_CONFIG_RELOAD) &&
		           !cadre_config_same(daemon->started, now, i)) {
			restarts++;
			CADRED_SAY(&daemon->log, WARN, "daemon.option_needs_restart",
			           "name=%s value=\"%s\" still=\"%s\"", row->name,
			           shown(now, i), shown(daemon->started, i));
		}
	}
	return restarts;
}

static void take_over(struct cadred *daemon, struct cadred_edition *edition)
{
	struct cadre_node *node = cadred_runner_node(&daemon->runner);

	edition->older = daemon->edition;
	daemon->edition = edition;
	daemon->editions++;
	atomic_store(&daemon->log.level, (int)cadred_log_level(cadre_config_text(
	                                         edition->config, CADRED_LOG_LEVEL)));
	if (node)
		cadre_node_reload(node, &edition->setup->options);
}

static void refuse(struct cadred *daemon, const char *reason)
{
	cadre_metric_add(daemon->health.metrics, CADRED_METRIC_RELOADS_REFUSED, 1);
	CADRED_SAY(&daemon->log, ERROR, "daemon.reload_refused",
	           "meaning=\"nothing has changed\" reason=\"%s\"", reason);
}

void cadred_reload(struct cadred *daemon)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadred_edition *edition = calloc(1, sizeof *edition);
	unsigned changed, restarts;

	if (!edition || daemon->editions == CADRED_RELOADS_MAX) {
		free(edition);
		refuse(daemon, "too many reloads: restart");
		return;
	}
	if (read_again(daemon, edition, &err) != CADRE_OK) {
		refuse(daemon, err.message);
		drop(edition);
		return;
	}
	restarts = say_changes(daemon, edition->config, &changed);
	CADRED_SAY(&daemon->log, INFO, "daemon.reloaded", "changed=%u need_restart=%u",
	           changed, restarts);
	cadre_metric_add(daemon->health.metrics, CADRED_METRIC_RELOADS, 1);
	if (changed > 0)
		take_over(daemon, edition);
	else
		drop(edition);
}
