/* An event as a line for people. */
#ifndef CADRE_TOOLS_CLI_EVENT_TEXT_H
#define CADRE_TOOLS_CLI_EVENT_TEXT_H

#include "cadre/v1/event.pb-c.h"

#define CLI_EVENT_BYTES 1024u

/* "groupPatched version 4 of … +1 -1 -> ocid…". */
const char *cli_event_text(const Cadre__V1__Event *event, char text[CLI_EVENT_BYTES]);

#endif
