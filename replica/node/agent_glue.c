#include "replica/node/agent_glue.h"

#include <stdlib.h>

#include "replica/agent/predict_server.h"

/* Of a node's stop, for predictions that run. */
#define DRAIN_MS 2000u

struct node_agent {
	struct cadre_agent *agent;
	struct cadre_predict_server *predict;
};

enum cadre_status node_agent_create(const struct node_agent_options *options,
                                    struct node_agent **ret_agent,
                                    struct cadre_error *err)
{
	struct node_agent *agent = calloc(1, sizeof *agent);
	struct cadre_predict_options predict = { .address = options->predict_listen,
		                                 .insecure = options->insecure,
		                                 .sink = options->agent.sink };
	enum cadre_status status;

	*ret_agent = NULL;
	if (!agent)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the agent");
	status = cadre_agent_create(options->env, &options->agent, &agent->agent, err);
	predict.agent = agent->agent;
	if (status == CADRE_OK)
		status = cadre_agent_start(agent->agent, err);
	if (status == CADRE_OK)
		status = cadre_predict_start(&predict, &agent->predict, err);
	if (status != CADRE_OK) {
		node_agent_stop(agent);
		node_agent_destroy(&agent);
		return status;
	}
	*ret_agent = agent;
	return CADRE_OK;
}

void node_agent_drain(struct node_agent *agent)
{
	if (agent)
		cadre_predict_stop(&agent->predict, DRAIN_MS);
}

void node_agent_stop(struct node_agent *agent)
{
	if (agent && agent->agent)
		cadre_agent_stop(agent->agent);
}

void node_agent_destroy(struct node_agent **agent_at)
{
	struct node_agent *agent = *agent_at;

	*agent_at = NULL;
	if (!agent)
		return;
	cadre_agent_destroy(&agent->agent);
	free(agent);
}

void node_agent_views(struct node_agent *agent, struct cadre_kv *kv)
{
	if (agent)
		cadre_agent_views(agent->agent, kv);
}

void node_agent_applied(struct node_agent *agent, cadre_seq seq)
{
	if (agent)
		cadre_agent_applied(agent->agent, seq);
}

enum cadre_status node_agent_report(struct node_agent *agent, struct cadre_arena *arena,
                                    Cadre__V1__NodeReport *report,
                                    struct cadre_error *err)
{
	uint64_t version;

	if (!agent)
		return CADRE_OK;
	return cadre_agent_report(agent->agent, arena, report, &version, err);
}

const struct cadre_address *node_agent_address(const struct node_agent *agent)
{
	return agent && agent->predict ? cadre_predict_address(agent->predict) : NULL;
}

enum cadre_status node_agent_metrics_text(struct node_agent *agent,
                                          struct cadre_buffer *out)
{
	enum cadre_status status;

	if (!agent)
		return CADRE_OK;
	status = cadre_metrics_text(cadre_agent_metrics(agent->agent), out);
	if (status == CADRE_OK && agent->predict)
		status = cadre_metrics_text(cadre_predict_metrics(agent->predict), out);
	return status;
}
