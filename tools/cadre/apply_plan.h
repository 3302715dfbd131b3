/* What apply does for one wanted group. */
#ifndef CADRE_TOOLS_CLI_APPLY_PLAN_H
#define CADRE_TOOLS_CLI_APPLY_PLAN_H

#include "tools/cadre/cli.h"

struct cli_plan {
	const char *history_name;
	uint64_t version_id; /* of the latest; 0: there is none */
	bool details;        /* type, base or metadata change */
	Cadre__V1__Command *commands[2];
	size_t count; /* 0: nothing to do */
	struct cli_changes changes;
	const Cadre__V1__CommandResult *result; /* once it was sent */
};

/* Reads the wanted group and compares it with what is there; `plan` is of zeros. */
CADRE_MUST_CHECK enum cadre_status cli_plan_make(struct cli *cli, json_t *value,
                                                 struct cli_plan *plan);

#endif
