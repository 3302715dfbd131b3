#include "replica/node/remote.h"

#include <stdio.h>
#include <stdlib.h>

#include "replica/rpc/cadre_client.h"

/* Of one piece: the agent tries again later, and a stop does not wait long. */
#define PIECE_MS 3000u
#define PIECE_ATTEMPTS 3u

struct node_remote {
	void (*leader)(void *ctx, char text[CADRE_ADDRESS_BYTES]);
	void *ctx;
	char address[CADRE_ADDRESS_BYTES]; /* the client's */
	struct cadre_client *client;
};

struct node_remote *
node_remote_create(void (*leader)(void *ctx, char text[CADRE_ADDRESS_BYTES]), void *ctx)
{
	struct node_remote *remote = calloc(1, sizeof *remote);

	if (remote) {
		remote->leader = leader;
		remote->ctx = ctx;
	}
	return remote;
}

void node_remote_destroy(struct node_remote **remote)
{
	if (!*remote)
		return;
	cadre_client_close((*remote)->client);
	free(*remote);
	*remote = NULL;
}

/* A client of the node that leads now. */
static enum cadre_status meet(struct node_remote *remote, struct cadre_error *err)
{
	char address[CADRE_ADDRESS_BYTES] = "";
	const char *const addresses[] = { address };
	const struct cadre_client_options options = { .addresses = addresses,
		                                      .address_count = 1,
		                                      .timeout_ms = PIECE_MS,
		                                      .attempts_max = PIECE_ATTEMPTS,
		                                      .reads = CADRE_CLIENT_ANY };
	char message[400];

	remote->leader(remote->ctx, address);
	if (address[0] == '\0')
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "the leader has not told its address yet");
	if (remote->client && strcmp(address, remote->address) == 0)
		return CADRE_OK;
	cadre_client_close(remote->client);
	remote->client = NULL;
	if (cadre_client_open(&options, &remote->client, message, sizeof message) != 0)
		return cadre_error_set(err, CADRE_UNAVAILABLE, "the leader at \"%s\": %s",
		                       address, message);
	memcpy(remote->address, address, sizeof remote->address);
	return CADRE_OK;
}

static enum cadre_status read_piece(void *ctx, const struct cadre_sha256 *sha256,
                                    uint64_t offset, void *data, size_t capacity,
                                    size_t *ret_length, uint64_t *ret_bytes,
                                    struct cadre_error *err)
{
	struct node_remote *remote = ctx;
	struct cadre_client_blob blob;
	enum cadre_status status = meet(remote, err);

	if (status != CADRE_OK)
		return status;
	if (cadre_client_blob_read(remote->client, sha256->bytes, offset, data, capacity,
	                           ret_length, &blob) == CADRE_CLIENT_DONE) {
		*ret_bytes = blob.bytes;
		return CADRE_OK;
	}
	return cadre_error_set(err, (enum cadre_status)blob.status,
	                       "the leader at \"%s\": %s", remote->address, blob.message);
}

struct cadre_artifact_remote node_remote_artifacts(struct node_remote *remote)
{
	return (struct cadre_artifact_remote){ .read = read_piece, .ctx = remote };
}
