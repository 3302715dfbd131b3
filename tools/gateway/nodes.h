/*
 * Prediction sockets of nodes, opened when they are first asked and kept.
 *
 * Threads: any.
 */
#ifndef CADRE_TOOLS_GATEWAY_NODES_H
#define CADRE_TOOLS_GATEWAY_NODES_H

#include "replica/agent/predict_client.h"

/* More nodes than serve one cluster; beyond, the one asked longest ago goes. */
#define GATEWAY_NODES_MAX 64u

struct gateway_nodes;

/* Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status gateway_nodes_create(struct gateway_nodes **ret_nodes,
                                                        struct cadre_error *err);
/* Nothing is borrowed. Takes NULL; nulls the pointer. */
void gateway_nodes_destroy(struct gateway_nodes **nodes);
/* Borrows the client of an address until it is given back by its slot.
 * Errors: as cadre_predict_client_open(); CADRE_TOO_MANY_REQUESTS: all are in use. */
CADRE_MUST_CHECK enum cadre_status
gateway_nodes_borrow(struct gateway_nodes *nodes, const char *address,
                     struct cadre_predict_client **ret_client, size_t *ret_slot,
                     struct cadre_error *err);
void gateway_nodes_give_back(struct gateway_nodes *nodes, size_t slot);

#endif
