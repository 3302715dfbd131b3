#include "tools/gateway/nodes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "replica/transport/address.h"

struct node {
	char address[CADRE_ADDRESS_BYTES]; /* "": free */
	struct cadre_predict_client *client;
	unsigned borrowed;
	uint64_t asked; /* count of borrowings when it was last */
};

struct gateway_nodes {
	pthread_mutex_t lock;
	uint64_t borrowings;
	struct node slots[GATEWAY_NODES_MAX];
};

enum cadre_status gateway_nodes_create(struct gateway_nodes **ret_nodes,
                                       struct cadre_error *err)
{
	struct gateway_nodes *nodes = calloc(1, sizeof *nodes);

	if (!nodes)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "out of memory");
	pthread_mutex_init(&nodes->lock, NULL);
	*ret_nodes = nodes;
	return CADRE_OK;
}

void gateway_nodes_destroy(struct gateway_nodes **nodes)
{
	if (!*nodes)
		return;
	for (size_t i = 0; i < GATEWAY_NODES_MAX; i++)
		cadre_predict_client_close(&(*nodes)->slots[i].client);
	pthread_mutex_destroy(&(*nodes)->lock);
	free(*nodes);
	*nodes = NULL;
}

/* The slot of the address, or the free or longest unused one; NULL: all are in use. */
static struct node *find(struct gateway_nodes *nodes, const char *address)
{
	struct node *oldest = NULL;

	for (size_t i = 0; i < GATEWAY_NODES_MAX; i++) {
		struct node *node = &nodes->slots[i];

		if (strcmp(node->address, address) == 0)
			return node;
		if (node->borrowed == 0 && (!oldest || node->asked < oldest->asked))
			oldest = node;
	}
	return oldest;
}

static enum cadre_status open_slot(struct node *node, const char *address,
                                   struct cadre_error *err)
{
	enum cadre_status status;

	if (strcmp(node->address, address) == 0)
		return CADRE_OK;
	cadre_predict_client_close(&node->client);
	node->address[0] = '\0';
	status = cadre_predict_client_open(address, &node->client, err);
	if (status == CADRE_OK)
		snprintf(node->address, sizeof node->address, "%s", address);
	return status;
}

enum cadre_status gateway_nodes_borrow(struct gateway_nodes *nodes, const char *address,
                                       struct cadre_predict_client **ret_client,
                                       size_t *ret_slot, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;
	struct node *node;

	pthread_mutex_lock(&nodes->lock);
	node = find(nodes, address);
	if (!node)
		status = cadre_error_set(err, CADRE_TOO_MANY_REQUESTS,
		                         "more than %u nodes are asked at a time",
		                         GATEWAY_NODES_MAX);
	else
		status = open_slot(node, address, err);
	if (node && status == CADRE_OK) {
		node->borrowed++;
		node->asked = ++nodes->borrowings;
		*ret_client = node->client;
		*ret_slot = (size_t)(node - nodes->slots);
	}
	pthread_mutex_unlock(&nodes->lock);
	return status;
}

void gateway_nodes_give_back(struct gateway_nodes *nodes, size_t slot)
{
	pthread_mutex_lock(&nodes->lock);
	nodes->slots[slot].borrowed--;
	pthread_mutex_unlock(&nodes->lock);
}
