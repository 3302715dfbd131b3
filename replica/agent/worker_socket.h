/*
 * The listening socket of a worker: a fixed number of threads, each of which receives,
 * handles and answers one request at a time (nng REP contexts).
 *
 * An ipc listener of nng 1.5.2 stops accepting for good after one connection that hangs
 * up before its greeting. cadre_worker_socket_probe() connects and, when that does not
 * become a connection, makes the listener anew; connections that stood then break and
 * their requests end with an error at the client.
 */
#ifndef CADRE_AGENT_WORKER_SOCKET_H
#define CADRE_AGENT_WORKER_SOCKET_H

#include "engine/base/bytes.h"

/* Replaces the content of `answer`. May block. */
typedef void (*cadre_worker_handle_fn)(void *ctx, struct cadre_slice request,
                                       struct cadre_buffer *answer);

struct cadre_worker_socket;

/* Errors: CADRE_INVALID_PARAMETER (address), CADRE_CONFLICT (in use), CADRE_IO_ERROR,
 * CADRE_OUT_OF_MEMORY. Threads: `handle` runs on `threads` threads at once. */
CADRE_MUST_CHECK enum cadre_status cadre_worker_socket_open(
        const char *address, unsigned threads, cadre_worker_handle_fn handle, void *ctx,
        struct cadre_worker_socket **ret_socket, struct cadre_error *err);
/* Returns once every `handle` has returned. Takes NULL; nulls the pointer. */
void cadre_worker_socket_close(struct cadre_worker_socket **socket);

/* `*ret_renewed`: the listener was dead and is new. An address other than ipc is not
 * probed. Threads: one at a time, not beside close. */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_socket_probe(struct cadre_worker_socket *socket, bool *ret_renewed,
                          struct cadre_error *err);

/* The path behind "ipc://", or NULL. */
const char *cadre_worker_ipc_path(const char *address);

#endif
