/*
 * Conditions that a person should know of. Their names are stable: `cadre status`
 * prints them, scripts look for them. In a status an alarm is its name, with ": " and
 * the cause of the moment where there is one to tell.
 */
#ifndef CADRE_NODE_ALARMS_H
#define CADRE_NODE_ALARMS_H

#include "engine/base/types.h"

enum cadre_alarm {
	CADRE_ALARM_OUT_OF_SPACE,
	CADRE_ALARM_LOG_FAILED,
	CADRE_ALARM_VIEWS_REBUILDING,
	CADRE_ALARM_CLOCK,
	CADRE_ALARM_INSECURE,
	CADRE_ALARM_LEADER_SILENT,
	CADRE_ALARM_LEADER_REFUSES,
	CADRE_ALARM_BOOTSTRAPPING,
	CADRE_ALARM_DIVERGED,
	CADRE_ALARM_LEADER_DIGEST,
	CADRE_ALARM_COUNT
};

struct cadre_alarm_row {
	const char *name;
	const char *meaning; /* one sentence */
	const char *remedy;  /* what to do, one sentence */
};

/* The table, by enum cadre_alarm. */
extern const struct cadre_alarm_row cadre_alarms[CADRE_ALARM_COUNT];

/* The row of an alarm as a status says it; NULL when the name is unknown. */
const struct cadre_alarm_row *cadre_alarm_find(const char *text);

#endif
