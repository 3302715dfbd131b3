#ifndef CADRE_TRANSPORT_START_H
#define CADRE_TRANSPORT_START_H

/*
 * Makes nng ready, on this thread, once: nng 1.5.2 does that at its first use, and two
 * threads that use it first at the same moment race. Programs call it before they start
 * threads that open sockets.
 */
void cadre_transport_start(void);

#endif
