/* What the files of config share. */
#ifndef CADRE_TOOLS_CONFIG_INTERNAL_H
#define CADRE_TOOLS_CONFIG_INTERNAL_H

#include "tools/common/config.h"

struct cadre_config_value {
	enum cadre_config_source source;
	char where[CADRE_CONFIG_WHERE_BYTES];
	char *texts[CADRE_CONFIG_VALUES_MAX];
	size_t count;
	uint64_t number;
};

struct cadre_config {
	const struct cadre_config_program *program;
	struct cadre_config_value values[CADRE_CONFIG_ROWS_MAX];
};

#endif
