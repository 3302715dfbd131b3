/* What a deployment answers with: looked up under one lock, changed by the loop. */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "replica/agent/agent_internal.h"

/* ---- flips; the loop's ---- */

size_t agent_ready_count(const struct agent_generation *generation)
{
	size_t ready = 0;

	for (size_t i = 0; i < generation->count; i++)
		ready += generation->entries[i].model->plan.state == PLAN_READY;
	return ready;
}

static void tell_prepared(struct cadre_agent *agent, struct agent_generation *generation)
{
	if (!generation || generation->told ||
	    agent_ready_count(generation) < generation->count)
		return;
	generation->told = true;
	agent_log(agent, CADRE_LOG_INFO, "agent.prepared",
	          "deployment=\"%s\" generation=%llu members=%zu",
	          generation->deployment_id, (unsigned long long)generation->number,
	          generation->count);
}

/* What was served here goes on until all of the next is ready. What never was, whole,
 * gives way to what has as much. */
static struct agent_generation *choose(const struct agent_deployment *deployment)
{
	struct agent_generation *serving = deployment->serving;
	struct agent_generation *routed = deployment->routed;
	size_t ready;

	if (!serving || serving == routed)
		return routed;
	ready = agent_ready_count(serving);
	if (!routed || ready == serving->count ||
	    (!deployment->flipped && ready >= agent_ready_count(routed)))
		return serving;
	return routed;
}

static void set_route(struct cadre_agent *agent, struct agent_deployment *deployment,
                      struct agent_generation *routed, bool flipped)
{
	uint64_t from = deployment->routed ? deployment->routed->number : 0;
	bool flips = flipped && (!deployment->flipped || deployment->routed != routed);

	pthread_mutex_lock(&agent->lock);
	if (deployment->routed)
		deployment->routed->refs--;
	routed->refs++;
	deployment->routed = routed;
	deployment->flipped = flipped;
	if (flips)
		deployment->flipped_ms = agent->env->ops->wall_ms(agent->env);
	pthread_mutex_unlock(&agent->lock);
	agent->marks_stale = agent->changed = true;
	if (!flips)
		return;
	cadre_metric_add(agent->metrics, AGENT_METRIC_FLIPS, 1);
	agent_log(agent, CADRE_LOG_INFO, "agent.flipped",
	          "deployment=\"%s\" generation=%llu from=%llu", deployment->id,
	          (unsigned long long)routed->number, (unsigned long long)from);
}

void agent_flip(struct cadre_agent *agent)
{
	for (size_t i = 0; i < agent->deployment_count; i++) {
		struct agent_deployment *deployment = &agent->deployments[i];
		struct agent_generation *routed = choose(deployment);
		bool whole;
		tell_prepared(agent, deployment->target);
		if (!routed)
			continue;
		whole = agent_ready_count(routed) == routed->count;
		if (routed != deployment->routed || (whole && !deployment->flipped))
			set_route(agent, deployment, routed, whole);
	}
}

/* ---- look-ups; lock held ---- */

static int compare_id(const void *id, const void *deployment)
{
	return strcmp(id, ((const struct agent_deployment *)deployment)->id);
}

static enum cadre_status find_by_name(struct cadre_agent *agent, const char *compartment,
                                      const char *name,
                                      struct agent_deployment **ret_deployment,
                                      struct cadre_error *err)
{
	size_t found = 0;

	for (size_t i = 0; i < agent->deployment_count; i++) {
		struct agent_deployment *deployment = &agent->deployments[i];
		if (strcmp(deployment->name, name) != 0 ||
		    (compartment && strcmp(deployment->compartment, compartment) != 0))
			continue;
		*ret_deployment = deployment;
		found++;
	}
	if (found == 1)
		return CADRE_OK;
	if (found > 1)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "%zu deployments on this node are named \"%s\": "
		                       "give an OCID",
		                       found, name);
	return cadre_error_set(err, CADRE_NOT_FOUND,
	                       "deployment \"%s\" is not on this node, or is INACTIVE",
	                       name);
}

static enum cadre_status find_deployment(struct cadre_agent *agent,
                                         const char *compartment, const char *id,
                                         struct agent_deployment **ret_deployment,
                                         struct cadre_error *err)
{
	if (!agent->known)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "this node does not know its deployments yet");
	*ret_deployment = bsearch(id, agent->deployments, agent->deployment_count,
	                          sizeof agent->deployments[0], compare_id);
	return *ret_deployment
	               ? CADRE_OK
	               : find_by_name(agent, compartment, id, ret_deployment, err);
}

static int compare_key(const void *key, const void *entry)
{
	return strcmp(key, (*(const struct agent_entry *const *)entry)->key);
}

static int compare_model(const void *id, const void *entry)
{
	return strcmp(id, (*(const struct agent_entry *const *)entry)->model->id);
}

/* No key is another member's OCID, so the order does not matter. */
static struct agent_entry *find_entry(const struct agent_generation *generation,
                                      const char *key)
{
	struct agent_entry **found = bsearch(key, generation->by_key,
	                                     generation->key_count,
	                                     sizeof(struct agent_entry *), compare_key);

	if (!found)
		found = bsearch(key, generation->by_model, generation->count,
		                sizeof(struct agent_entry *), compare_model);
	return found ? *found : NULL;
}

static enum cadre_status find_member(const struct agent_deployment *deployment,
                                     const char *key, struct agent_entry **ret_entry,
                                     struct cadre_error *err)
{
	struct agent_generation *generation = deployment->routed;

	if (!generation)
		return cadre_error_set(
		        err, CADRE_UNAVAILABLE,
		        "deployment \"%s\" serves nothing yet: generation %llu has %zu "
		        "of %zu members ready here",
		        deployment->id, (unsigned long long)deployment->target->number,
		        agent_ready_count(deployment->target), deployment->target->count);
	*ret_entry = find_entry(generation, key);
	if (*ret_entry)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_NOT_FOUND,
	                       "generation %llu of deployment \"%s\" has no member "
	                       "\"%s\"",
	                       (unsigned long long)generation->number, deployment->id,
	                       key);
}

static enum cadre_status check_ready(struct cadre_agent *agent,
                                     const struct agent_entry *entry, const char *key,
                                     struct cadre_error *err)
{
	char reason[256];
	enum plan_state state;

	if (agent->worker && entry->model->plan.state == PLAN_READY)
		return CADRE_OK;
	state = agent_model_shown(agent, entry->model, reason, sizeof reason);
	cadre_metric_add(agent->metrics, AGENT_METRIC_NOT_READY, 1);
	return cadre_error_set(err, CADRE_UNAVAILABLE,
	                       "member \"%s\" of deployment \"%s\" is %s here%s%s", key,
	                       entry->generation->deployment_id, plan_state_name(state),
	                       reason[0] ? ": " : "", reason);
}

static void hold(struct cadre_agent *agent, struct agent_entry *entry,
                 struct cadre_agent_route *route)
{
	*route = (struct cadre_agent_route){
		.client = agent->worker->client,
		.name = entry->model->name,
		.model_id = entry->model->id,
		.deployment_id = entry->generation->deployment_id,
		.generation = entry->generation->number,
		.held = entry,
	};
	agent->worker->refs++;
	entry->model->plan.held++;
	entry->generation->refs++;
	entry->generation->held++;
	cadre_metric_move(agent->metrics, AGENT_METRIC_ROUTES_HELD, 1);
}

enum cadre_status cadre_agent_route(struct cadre_agent *agent, const char *compartment,
                                    const char *deployment, const char *key,
                                    struct cadre_agent_route *ret_route,
                                    struct cadre_error *err)
{
	struct agent_deployment *found = NULL;
	struct agent_entry *entry = NULL;
	enum cadre_status status;

	pthread_mutex_lock(&agent->lock);
	status = find_deployment(agent, compartment, deployment, &found, err);
	if (status == CADRE_OK)
		status = find_member(found, key, &entry, err);
	if (status == CADRE_OK)
		status = check_ready(agent, entry, key, err);
	if (status == CADRE_OK)
		hold(agent, entry, ret_route);
	pthread_mutex_unlock(&agent->lock);
	return status;
}

/* ---- release ---- */

static struct agent_worker *worker_of(struct cadre_agent *agent,
                                      const struct cadre_worker_client *client)
{
	struct agent_worker *worker = agent->worker;

	if (worker && worker->client == client)
		return worker;
	for (worker = agent->dead; worker; worker = worker->next) {
		if (worker->client == client)
			return worker;
	}
	return NULL;
}

void cadre_agent_release(struct cadre_agent *agent, struct cadre_agent_route *route)
{
	struct agent_entry *entry = route->held;
	struct agent_worker *worker;
	bool last;

	pthread_mutex_lock(&agent->lock);
	worker = worker_of(agent, route->client);
	CADRE_ASSERT(worker && worker->refs > 0 && entry->model->plan.held > 0);
	worker->refs--;
	entry->model->plan.held--;
	entry->generation->held--;
	entry->generation->refs--;
	last = worker->refs == 0 || entry->generation->refs == 0 ||
	       (entry->model->plan.held == 0 && !entry->model->plan.routed);
	pthread_mutex_unlock(&agent->lock);
	cadre_metric_move(agent->metrics, AGENT_METRIC_ROUTES_HELD, -1);
	*route = (struct cadre_agent_route){ .held = NULL };
	if (last)
		agent_wake(agent);
}
