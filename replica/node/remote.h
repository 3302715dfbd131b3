/*
 * Blobs of the leader, for the artifacts of a follower: asked over its RPC, at the
 * address that its leader told. A connection of its own, made with the first question.
 *
 * Threads: one asks; create and destroy when nobody does.
 */
#ifndef CADRE_NODE_REMOTE_H
#define CADRE_NODE_REMOTE_H

#include "replica/agent/artifacts.h"
#include "replica/transport/address.h"

struct node_remote;

/* `leader` fills in the address, "" when it is not known.
 * NULL: out of memory. */
struct node_remote *
node_remote_create(void (*leader)(void *ctx, char text[CADRE_ADDRESS_BYTES]), void *ctx);
/* Takes NULL; nulls the pointer. */
void node_remote_destroy(struct node_remote **remote);
/* For the agent. */
struct cadre_artifact_remote node_remote_artifacts(struct node_remote *remote);

#endif
