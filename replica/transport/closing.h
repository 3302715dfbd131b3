/*
 * Closing a socket of nng's without being held by it.
 *
 * nng 1.5.2 may lose the end of a receive when a connection breaks in the moment in
 * which its last message was handed over. Its one thread that frees connections then
 * waits for good, and every nng_close() behind it. A socket that is not closed in time
 * is left to itself: closed for its peers, a few KiB that are not given back.
 */
#ifndef CADRE_TRANSPORT_CLOSING_H
#define CADRE_TRANSPORT_CLOSING_H

#include <nng/nng.h>
#include <stdbool.h>

/* A sound close takes a few ms. */
#define CADRE_CLOSE_WAIT_MS 2000u

/* False: it is not closed in time; what its callbacks use must stay.
 * Threads: any. */
bool cadre_socket_close(nng_socket socket);

#endif
