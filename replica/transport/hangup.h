/*
 * Ends connections of a listener as if their peers had.
 *
 * nng_pipe_close() of 1.5.2 must not be used on a connection that receives: when it comes
 * between the header of a message and its body, the body's receive never ends, nng's one
 * reaper waits for it for ever, and no connection of the process is let go any more. An
 * end that comes from the wire has no such moment. So the descriptor is found by its
 * addresses, and shut down; nng then closes it.
 *
 * Internal to replica/transport.
 */
#ifndef CADRE_TRANSPORT_HANGUP_H
#define CADRE_TRANSPORT_HANGUP_H

#include "engine/base/types.h"

/* The connections with these ids of nng's, accepted on `port`; those that are gone are
 * passed over. Looks at every descriptor of the process: for few and seldom.
 * Threads: any. */
void cadre_hang_up(const uint32_t *ids, unsigned count, uint16_t port);

#endif
