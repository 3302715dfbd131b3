/*
 * predict: asks the leader which nodes have the key ready, then one of them; another one
 * only while it is certain that no worker has begun.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/codec/limits.h"
#include "replica/agent/predict_choose.h"
#include "replica/agent/predict_client.h"
#include "tools/cadre/cli.h"

struct prediction {
	struct cli *cli;
	const char *deployment; /* id */
	const char *key;
	struct cadre_buffer payload;
	struct cadre_prediction_facts facts;
};

static enum cadre_status read_payload(struct prediction *prediction)
{
	struct cli *cli = prediction->cli;
	const char *name = cli_value(cli, CLI_DATA);
	bool standard = !name || strcmp(name, "-") == 0;
	FILE *file = standard ? stdin : fopen(name, "rb");
	uint8_t bytes[8192];
	enum cadre_status status = CADRE_OK;
	size_t got = 1;

	if (!file)
		return cadre_error_set(&cli->err, CADRE_NOT_FOUND,
		                       "--data: \"%.300s\": %s", name, strerror(errno));
	while (got > 0 && status == CADRE_OK) {
		got = fread(bytes, 1, sizeof(bytes), file);
		if (prediction->payload.length + got > CADRE_PREDICT_BYTES_MAX)
			status = cadre_error_set(&cli->err, CADRE_TOO_LARGE,
			                         "--data: more than %d bytes",
			                         CADRE_PREDICT_BYTES_MAX);
		else if (cadre_buffer_append(&prediction->payload, bytes, got) !=
		         CADRE_OK)
			status = cadre_error_set(&cli->err, CADRE_OUT_OF_MEMORY,
			                         "--data: out of memory");
	}
	if (!standard)
		fclose(file);
	return status;
}

static enum cadre_status ask_endpoints(struct cli *cli, const char *deployment,
                                       const Cadre__V1__EndpointsResult **ret_endpoints)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Endpoints endpoints = CADRE__V1__ENDPOINTS__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_ENDPOINTS;
	op.endpoints = &endpoints;
	endpoints.deployment = (char *)(uintptr_t)deployment;
	status = cli_ask(cli, &op, &result);
	if (status == CADRE_OK)
		*ret_endpoints = result->endpoints;
	return status;
}

/* Chunks go out as they come. */
static enum cadre_status print_chunk(void *ctx, struct cadre_slice chunk,
                                     struct cadre_error *err)
{
	(void)ctx;
	if (fwrite(chunk.data, 1, chunk.length, stdout) < chunk.length ||
	    fflush(stdout) != 0)
		return cadre_error_errno(err, errno, "standard output");
	return CADRE_OK;
}

static enum cadre_status ask_node(struct prediction *prediction, const char *address)
{
	struct cli *cli = prediction->cli;
	struct cadre_predict_client *client = NULL;
	const struct cadre_prediction_request request = {
		.deployment = prediction->deployment,
		.key = prediction->key,
		.payload = cadre_buffer_slice(&prediction->payload),
		.deadline_ms = cli_remaining_ms(cli),
	};
	enum cadre_status status = cadre_predict_client_open(address, &client, &cli->err);

	memset(&prediction->facts, 0, sizeof(prediction->facts));
	if (status == CADRE_OK)
		status = cadre_predict(client, &request, print_chunk, NULL,
		                       &prediction->facts, &cli->err);
	cadre_predict_client_close(&client);
	return status;
}

static enum cadre_status ask_nodes(struct prediction *prediction,
                                   const Cadre__V1__EndpointsResult *endpoints)
{
	struct cli *cli = prediction->cli;
	bool *tried = cli_alloc(cli, endpoints->n_endpoints * sizeof(*tried));
	uint64_t spread = (uint64_t)time(NULL) ^ (uint64_t)getpid();
	enum cadre_status last = CADRE_OK;

	for (;;) {
		struct cadre_error before = cli->err;
		size_t index = 0;
		enum cadre_status status = cadre_predict_choose(
		        endpoints, prediction->key, tried, spread, &index, &cli->err);

		if (status != CADRE_OK && last != CADRE_OK) {
			cli->err = before; /* why the last one refused */
			return last;
		}
		if (status != CADRE_OK)
			return status;
		last = ask_node(prediction, endpoints->endpoints[index]->address);
		if (last == CADRE_OK ||
		    !cadre_predict_may_ask_elsewhere(last, prediction->facts.started))
			return last;
		tried[index] = true;
	}
}

enum cadre_status cli_predict(struct cli *cli)
{
	struct prediction prediction = { .cli = cli, .key = cli->words[1] };
	const Cadre__V1__ResourceInfo *deployment = NULL;
	const Cadre__V1__EndpointsResult *endpoints = NULL;
	enum cadre_status status = read_payload(&prediction);

	if (status == CADRE_OK)
		status = cli_find(cli, cli->words[0], CLI_K_DEPLOYMENT, &deployment);
	if (status == CADRE_OK) {
		prediction.deployment = deployment->resource->ocid;
		status = ask_endpoints(cli, prediction.deployment, &endpoints);
	}
	if (status == CADRE_OK)
		status = ask_nodes(&prediction, endpoints);
	if (status == CADRE_OK)
		cli_note(cli, "answered by %s, generation %llu",
		         prediction.facts.model_id,
		         (unsigned long long)prediction.facts.generation);
	cadre_buffer_fini(&prediction.payload);
	return status;
}
