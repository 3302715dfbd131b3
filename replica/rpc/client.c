#include "replica/rpc/client_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/bytes.h"
#include "proto/codec/limits.h"

/* ---- nodes ---- */

static enum cadre_status add_node(struct cadre_client *client, const char *address,
                                  struct cadre_error *err)
{
	struct client_node *node = &client->nodes[client->node_count];
	struct cadre_address parsed;
	enum cadre_status status = cadre_address_parse(address, CLIENT_PORT, &parsed,
	                                               err);

	if (status == CADRE_OK)
		status = cadre_asker_create(address, CLIENT_PORT, CADRE_MESSAGE_BYTES_MAX,
		                            &node->asker, err);
	if (status != CADRE_OK)
		return status;
	cadre_address_format(&parsed, node->address);
	client->node_count++;
	return CADRE_OK;
}

unsigned client_node_named(struct cadre_client *client, const char *address,
                           unsigned fallback)
{
	char text[CADRE_ADDRESS_BYTES];
	struct cadre_address parsed;
	unsigned found = CLIENT_NODES_MAX;

	if (cadre_address_parse(address, CLIENT_PORT, &parsed, NULL) != CADRE_OK)
		return fallback;
	cadre_address_format(&parsed, text);
	pthread_mutex_lock(&client->lock);
	for (unsigned i = 0; i < client->node_count; i++)
		if (strcmp(client->nodes[i].address, text) == 0)
			found = i;
	if (found == CLIENT_NODES_MAX && !client->closing &&
	    client->node_count < CLIENT_NODES_MAX &&
	    add_node(client, address, NULL) == CADRE_OK)
		found = client->node_count - 1;
	if (found < CLIENT_NODES_MAX)
		client->preferred = found;
	pthread_mutex_unlock(&client->lock);
	return found < CLIENT_NODES_MAX ? found : fallback;
}

struct cadre_asker *client_acquire(struct cadre_client *client, unsigned *io_node)
{
	struct cadre_asker *asker = NULL;

	pthread_mutex_lock(&client->lock);
	if (*io_node == CLIENT_NODES_MAX)
		*io_node = client->preferred;
	*io_node %= client->node_count;
	if (!client->closing) {
		asker = client->nodes[*io_node].asker;
		client->asking++;
	}
	pthread_mutex_unlock(&client->lock);
	return asker;
}

void client_release(struct cadre_client *client)
{
	pthread_mutex_lock(&client->lock);
	client->asking--;
	if (client->closing)
		pthread_cond_broadcast(&client->wake);
	pthread_mutex_unlock(&client->lock);
}

/* ---- positions ---- */

void client_note_position(struct cadre_client *client,
                          const Cadre__V1__Response *response, bool from_batch)
{
	const Cadre__V1__Position *position = response->position;

	if (!position || position->timeline_id.len != sizeof client->timeline_id ||
	    (!from_batch && client->reads != CADRE_CLIENT_MONOTONIC))
		return;
	cadre_client_read_after(client, position->timeline_id.data, position->seq);
}

void cadre_client_read_after(struct cadre_client *client, const uint8_t timeline_id[16],
                             uint64_t seq)
{
	pthread_mutex_lock(&client->lock);
	/* Another timeline: what was known of the old one means nothing there. */
	if (!client->positioned ||
	    memcmp(client->timeline_id, timeline_id, sizeof client->timeline_id) != 0) {
		memcpy(client->timeline_id, timeline_id, sizeof client->timeline_id);
		client->seq = seq;
	}
	if (seq > client->seq)
		client->seq = seq;
	client->positioned = true;
	pthread_mutex_unlock(&client->lock);
}

void client_forget_position(struct cadre_client *client)
{
	pthread_mutex_lock(&client->lock);
	client->positioned = false;
	pthread_mutex_unlock(&client->lock);
}

bool client_position(struct cadre_client *client, Cadre__V1__Position *position,
                     uint8_t timeline_id[16])
{
	bool positioned;

	cadre__v1__position__init(position);
	pthread_mutex_lock(&client->lock);
	positioned = client->positioned && client->reads != CADRE_CLIENT_ANY;
	memcpy(timeline_id, client->timeline_id, sizeof client->timeline_id);
	position->seq = client->seq;
	pthread_mutex_unlock(&client->lock);
	position->timeline_id.data = timeline_id;
	position->timeline_id.len = sizeof client->timeline_id;
	return positioned;
}

/* ---- the thread that tries again ---- */

bool client_try_later(struct cadre_client_answer *call, uint64_t due_ns)
{
	struct cadre_client *client = call->client;
	bool closing;

	call->due_ns = due_ns;
	pthread_mutex_lock(&client->lock);
	closing = client->closing;
	if (!closing) {
		call->next = client->later;
		client->later = call;
		pthread_cond_broadcast(&client->wake);
	}
	pthread_mutex_unlock(&client->lock);
	return !closing;
}

/* Under the lock. One call that is due (all are, when closing), or NULL and the
 * time of the next. */
static struct cadre_client_answer *take_due(struct cadre_client *client, uint64_t now,
                                            uint64_t *ret_next_ns)
{
	*ret_next_ns = UINT64_MAX;
	for (struct cadre_client_answer **at = &client->later; *at; at = &(*at)->next) {
		struct cadre_client_answer *call = *at;
		if (call->due_ns <= now || client->closing) {
			*at = call->next;
			return call;
		}
		if (call->due_ns < *ret_next_ns)
			*ret_next_ns = call->due_ns;
	}
	return NULL;
}

static void pause_thread(struct cadre_client *client, uint64_t now, uint64_t next_ns)
{
	struct timespec until;

	if (next_ns == UINT64_MAX) {
		pthread_cond_wait(&client->wake, &client->lock);
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)((next_ns - now) / 1000000000u);
	until.tv_nsec += (long)((next_ns - now) % 1000000000u);
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&client->wake, &client->lock, &until);
}

static void *run(void *ctx)
{
	struct cadre_client *client = ctx;

	pthread_mutex_lock(&client->lock);
	while (!client->closing || client->later) {
		uint64_t now = client->env->ops->mono_ns(client->env);
		uint64_t next_ns;
		struct cadre_client_answer *call = take_due(client, now, &next_ns);
		if (!call) {
			pause_thread(client, now, next_ns);
			continue;
		}
		pthread_mutex_unlock(&client->lock);
		client_attempt(call);
		pthread_mutex_lock(&client->lock);
	}
	pthread_mutex_unlock(&client->lock);
	return NULL;
}

/* ---- open and close ---- */

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void init_locks(struct cadre_client *client)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&client->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&client->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void set_options(struct cadre_client *client,
                        const struct cadre_client_options *options)
{
	uint8_t random[4];

	client->env = cadre_env_real();
	client->env->ops->random(client->env, random, sizeof random);
	cadre_hex_encode(random, sizeof random, client->id);
	client->compartment = copy(options->compartment);
	client->on_behalf_of = copy(options->on_behalf_of);
	client->principal = copy(options->principal);
	client->timeout_ms = options->timeout_ms ? options->timeout_ms
	                                         : CLIENT_TIMEOUT_MS;
	client->connect_ms = options->connect_ms ? options->connect_ms
	                                         : CLIENT_CONNECT_MS;
	client->attempts_max = options->attempts_max ? options->attempts_max
	                                             : CLIENT_ATTEMPTS_MAX;
	client->reads = options->reads;
}

static enum cadre_status open_client(struct cadre_client *client,
                                     const struct cadre_client_options *options,
                                     struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	set_options(client, options);
	if (options->address_count < 1 || options->address_count > 16)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "%zu addresses, 1 to 16", options->address_count);
	if (!options->principal != !options->private_key_pem)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "a principal and its key go together");
	if ((options->compartment && !client->compartment) ||
	    (options->principal && !client->principal) ||
	    (options->on_behalf_of && !client->on_behalf_of))
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a client");
	if (options->private_key_pem)
		status = cadre_rsa_private_key(cadre_slice_text(options->private_key_pem),
		                               &client->key, err);
	for (size_t i = 0; i < options->address_count && status == CADRE_OK; i++)
		status = add_node(client, options->addresses[i], err);
	if (status != CADRE_OK)
		return status;
	client->running = pthread_create(&client->thread, NULL, run, client) == 0;
	if (!client->running)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "the client's thread does not start");
	return CADRE_OK;
}

int cadre_client_open(const struct cadre_client_options *options,
                      struct cadre_client **ret_client, char *message, size_t capacity)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_client *client = calloc(1, sizeof *client);
	enum cadre_status status;

	*ret_client = NULL;
	if (client) {
		init_locks(client);
		status = open_client(client, options, &err);
	} else {
		status = cadre_error_set(&err, CADRE_OUT_OF_MEMORY,
		                         "no memory for a client");
	}
	if (message && capacity > 0)
		(void)snprintf(message, capacity, "%s", err.message);
	if (status != CADRE_OK) {
		cadre_client_close(client);
		return -1;
	}
	*ret_client = client;
	return 0;
}

/* No call starts an attempt any more, and none is inside an asker. */
static void stop_asking(struct cadre_client *client)
{
	pthread_mutex_lock(&client->lock);
	client->closing = true;
	pthread_cond_broadcast(&client->wake);
	pthread_mutex_unlock(&client->lock);
	if (client->running)
		(void)pthread_join(client->thread, NULL);
	pthread_mutex_lock(&client->lock);
	while (client->asking > 0)
		pthread_cond_wait(&client->wake, &client->lock);
	pthread_mutex_unlock(&client->lock);
}

void cadre_client_close(struct cadre_client *client)
{
	if (!client)
		return;
	stop_asking(client);
	for (unsigned i = 0; i < client->node_count; i++)
		cadre_asker_destroy(&client->nodes[i].asker);
	pthread_mutex_lock(&client->lock);
	while (client->active > 0)
		pthread_cond_wait(&client->wake, &client->lock);
	pthread_mutex_unlock(&client->lock);
	pthread_cond_destroy(&client->wake);
	pthread_mutex_destroy(&client->lock);
	free(client->compartment);
	free(client->on_behalf_of);
	free(client->principal);
	cadre_rsa_key_destroy(&client->key);
	free(client);
}
