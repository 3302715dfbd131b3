/*
 * What the service manager is told: the protocol of sd_notify(3), one datagram a
 * message, to the socket that $NOTIFY_SOCKET names. Without one nothing is sent.
 *
 * Threads: main only.
 */
#ifndef CADRE_TOOLS_CADRED_NOTIFY_H
#define CADRE_TOOLS_CADRED_NOTIFY_H

#include "engine/base/status.h"
#include "engine/base/types.h"

/* Sends `NAME=value` lines. A message that cannot be sent is dropped: the manager's
 * time-outs are the answer to that. */
void cadred_notify(const char *format, ...) CADRE_PRINTF(1, 2);
/* How often the watchdog wants to hear, ms: half of what the manager waits; 0: never. */
uint64_t cadred_watchdog_ms(void);

#endif
