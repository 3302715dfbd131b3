#include "tools/gateway/gateway.h"

#include <stdlib.h>
#include <time.h>

#include "engine/env/env.h"
#include "tools/common/key_text.h"
#include "tools/gateway/auth.h"
#include "tools/gateway/exchange.h"
#include "tools/gateway/http.h"
#include "tools/gateway/nodes.h"
#include "tools/gateway/pool.h"

#define ADDRESSES_MAX 16u

uint64_t gateway_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

cadre_time_ms gateway_now_ms(void)
{
	struct cadre_env *env = cadre_env_real();

	return env->ops->wall_ms(env);
}

/* Who this gateway is to the cluster. */
static enum cadre_status read_key(const struct cadre_config *config,
                                  struct cadre_client_options *options,
                                  struct cadre_key_text *key, struct cadre_error *err)
{
	const char *principal = cadre_config_text(config, GATEWAY_PRINCIPAL);
	const char *path = cadre_config_text(config, GATEWAY_KEY_FILE);
	enum cadre_status status;

	if ((*principal == '\0') != (*path == '\0'))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "principal and key-file go together");
	if (*path == '\0')
		return CADRE_OK;
	status = cadre_key_text_read(path, true, key, err);
	if (status != CADRE_OK)
		return status;
	options->principal = principal;
	options->private_key_pem = key->text;
	return CADRE_OK;
}

static enum cadre_status open_client(struct gateway *gateway, struct cadre_error *err)
{
	const char *addresses[ADDRESSES_MAX];
	struct cadre_client_options options = {
		.addresses = addresses,
		.timeout_ms = gateway->call_ms,
		/* The deadline ends a call, not a count. */
		.attempts_max = UINT32_MAX,
	};
	size_t count = cadre_config_count(gateway->config, GATEWAY_ADDRESS);
	struct cadre_key_text key = { 0 };
	char message[400];
	enum cadre_status status;

	if (count > ADDRESSES_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "address: more than %u", ADDRESSES_MAX);
	for (size_t i = 0; i < count; i++)
		addresses[i] = cadre_config_item(gateway->config, GATEWAY_ADDRESS, i);
	options.address_count = count;
	status = read_key(gateway->config, &options, &key, err);
	if (status == CADRE_OK &&
	    cadre_client_open(&options, &gateway->client, message, sizeof message) != 0)
		status = cadre_error_set(err, CADRE_INVALID_PARAMETER, "%s", message);
	cadre_key_text_free(&key);
	return status;
}

static enum cadre_status open_pools(struct gateway *gateway, struct cadre_error *err)
{
	unsigned calls = (unsigned)cadre_config_number(gateway->config, GATEWAY_CALLS);
	unsigned streams = (unsigned)cadre_config_number(gateway->config,
	                                                 GATEWAY_STREAMS);
	enum cadre_status status =
	        gateway_pool_create(calls, calls * GATEWAY_QUEUED_PER_THREAD,
	                            gateway_exchange_run, &gateway->calls, err);

	/* These last: who finds no thread is told so at once. */
	if (status == CADRE_OK)
		status = gateway_pool_create(streams, 0, gateway_exchange_run,
		                             &gateway->predicts, err);
	if (status == CADRE_OK)
		status = gateway_pool_create(streams, 0, gateway_exchange_run,
		                             &gateway->watches, err);
	return status;
}

static void read_limits(struct gateway *gateway)
{
	const struct cadre_config *config = gateway->config;

	gateway->body_max = (size_t)cadre_config_number(config, GATEWAY_BODY_SIZE);
	gateway->predict_max = (size_t)cadre_config_number(config, GATEWAY_PREDICT_SIZE);
	gateway->call_ms = (uint32_t)cadre_config_number(config, GATEWAY_CALL_TIME);
	gateway->predict_ms = (uint32_t)cadre_config_number(config, GATEWAY_PREDICT_TIME);
	gateway->request_ms = (uint32_t)cadre_config_number(config, GATEWAY_REQUEST_TIME);
	gateway->idle_ms = (uint32_t)cadre_config_number(config, GATEWAY_IDLE_TIME);
	gateway->no_auth = cadre_config_on(config, GATEWAY_INSECURE_NO_AUTH);
}

enum cadre_status gateway_start(const struct cadre_config *config,
                                struct cadre_log_sink *log, struct gateway **ret_gateway,
                                struct cadre_address *ret_listen, struct cadre_error *err)
{
	struct gateway *gateway = calloc(1, sizeof *gateway);
	enum cadre_status status;

	if (!gateway)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "out of memory");
	gateway->config = config;
	gateway->log = log;
	read_limits(gateway);
	status = gateway_check_options(config, ret_listen, err);
	if (status == CADRE_OK) {
		gateway->tls = ret_listen->tls;
		status = open_client(gateway, err);
	}
	if (status == CADRE_OK)
		status = gateway_auth_create(&gateway->auth, err);
	if (status == CADRE_OK)
		status = gateway_nodes_create(&gateway->nodes, err);
	if (status == CADRE_OK)
		status = open_pools(gateway, err);
	if (status == CADRE_OK)
		status = gateway_http_start(gateway, ret_listen, &gateway->http, err);
	if (status != CADRE_OK)
		gateway_stop(&gateway);
	*ret_gateway = gateway;
	return status;
}

void gateway_stop(struct gateway **gateway)
{
	struct gateway *old = *gateway;

	if (!old)
		return;
	atomic_store(&old->stopping, true);
	gateway_http_quiesce(old->http);
	gateway_pool_destroy(&old->watches);
	gateway_pool_destroy(&old->predicts);
	gateway_pool_destroy(&old->calls);
	gateway_http_stop(&old->http);
	gateway_nodes_destroy(&old->nodes);
	gateway_auth_destroy(&old->auth);
	cadre_client_close(old->client);
	free(old);
	*gateway = NULL;
}
