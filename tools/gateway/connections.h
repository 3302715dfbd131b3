/*
 * Deadlines of connections. The HTTP library ends a connection that is silent; here one
 * ends also when bytes come, but too slowly for what they belong to.
 *
 * Threads: any.
 */
#ifndef CADRE_TOOLS_GATEWAY_CONNECTIONS_H
#define CADRE_TOOLS_GATEWAY_CONNECTIONS_H

#include "engine/base/status.h"
#include "engine/base/types.h"

struct gateway_connections;
struct gateway_connection;

/* Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
gateway_connections_create(struct gateway_connections **ret_connections,
                           struct cadre_error *err);
/* All are removed. Takes NULL; nulls the pointer. */
void gateway_connections_destroy(struct gateway_connections **connections);

/* NULL: out of memory, the connection has no deadline. */
struct gateway_connection *gateway_connection_add(struct gateway_connections *connections,
                                                  int fd, uint32_t ms);
/* Before the descriptor is closed. Takes NULL. */
void gateway_connection_remove(struct gateway_connections *connections,
                               struct gateway_connection *connection);
/* Shut down so long from now unless told otherwise before; 0: never. Takes NULL. */
void gateway_connection_expect(struct gateway_connections *connections,
                               struct gateway_connection *connection, uint32_t ms);

#endif
