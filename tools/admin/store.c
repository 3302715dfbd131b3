#include <stdio.h>

#include "tools/admin/admin.h"

static void print_line(void *ctx, enum cadre_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	fprintf(stderr, ADMIN_PROGRAM ": %s\n", line);
}

enum cadre_status admin_store_open(struct cadre_store_options *options,
                                   struct cadre_store **ret_store,
                                   struct cadre_error *err)
{
	/* Lives as long as the process: stores write to it until they are closed. */
	static struct cadre_log_sink *sink;

	if (!sink &&
	    cadre_log_sink_create(CADRE_LOG_WARN, print_line, NULL, &sink) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "log lines: out of memory");
	options->sink = sink;
	options->guard_crashes = true;
	return cadre_store_open(cadre_env_real(), options, ret_store, err);
}

void admin_store_upkeep(struct cadre_store *store, size_t bytes_written)
{
	/* A slice is 1 MiB; a byte is zeroed once and sealed once. */
	size_t slices = 1 + 3 * (bytes_written >> 20);
	bool again = true;

	for (; slices > 0 && again; slices--)
		if (cadre_store_step(store, &again, NULL) != CADRE_OK)
			return;
}
