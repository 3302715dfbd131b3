#include <stdio.h>

#include "replica/agent/agent_internal.h"

struct reporting {
	struct cadre_agent *agent;
	struct cadre_arena *arena;
	Cadre__V1__NodeReport *report;
	bool failed; /* out of memory */
};

static void *take(struct reporting *reporting, size_t size)
{
	void *memory = cadre_arena_alloc(reporting->arena, size);

	reporting->failed = reporting->failed || !memory;
	return memory;
}

static char *keep(struct reporting *reporting, const char *text)
{
	char *copy = cadre_arena_strdup(reporting->arena, cadre_slice_text(text));

	reporting->failed = reporting->failed || !copy;
	return copy;
}

/* Target, serving and routed, each once; newest number first. */
static size_t generations_of(const struct agent_deployment *deployment,
                             const struct agent_generation *ret[3])
{
	const struct agent_generation *const all[] = {
		deployment->target,
		deployment->serving,
		deployment->routed,
	};
	size_t count = 0;

	for (size_t i = 0; i < 3; i++) {
		bool known = !all[i];
		for (size_t k = 0; k < count; k++)
			known = known || all[i] == ret[k];
		if (!known)
			ret[count++] = all[i];
	}
	return count;
}

/* ---- members ---- */

static Cadre__V1__MemberState wire_state(enum plan_state state)
{
	static const Cadre__V1__MemberState states[PLAN_STATES] = {
		[PLAN_ABSENT] = CADRE__V1__MEMBER_STATE__MEMBER_ABSENT,
		[PLAN_FETCHING] = CADRE__V1__MEMBER_STATE__MEMBER_FETCHING,
		[PLAN_LOADING] = CADRE__V1__MEMBER_STATE__MEMBER_LOADING,
		[PLAN_READY] = CADRE__V1__MEMBER_STATE__MEMBER_READY,
		[PLAN_DRAINING] = CADRE__V1__MEMBER_STATE__MEMBER_DRAINING,
		[PLAN_FAILED] = CADRE__V1__MEMBER_STATE__MEMBER_FAILED,
	};

	return states[state];
}

static void fill_worker(struct reporting *reporting, const struct agent_model *model,
                        Cadre__V1__MemberReport *to)
{
	char text[48];

	if (model->plan.state != PLAN_READY || !reporting->agent->worker)
		return;
	snprintf(text, sizeof text, "slot 0, process %ld",
	         (long)reporting->agent->worker->pid);
	to->worker = keep(reporting, text);
	to->has_bytes = model->bytes > 0;
	to->bytes = model->bytes;
}

static void fill_member(struct reporting *reporting, const struct agent_entry *entry,
                        Cadre__V1__MemberReport *to)
{
	const struct agent_model *model = entry->model;
	char reason[256];

	cadre__v1__member_report__init(to);
	to->deployment_id = keep(reporting, entry->generation->deployment_id);
	to->generation = entry->generation->number;
	to->model_id = keep(reporting, model->id);
	if (entry->key)
		to->inference_key = keep(reporting, entry->key);
	to->state = wire_state(
	        agent_model_shown(reporting->agent, model, reason, sizeof reason));
	if (reason[0])
		to->reason = keep(reporting, reason);
	to->has_attempts = model->plan.attempts > 0;
	to->attempts = model->plan.attempts;
	to->has_as_of_seq = true;
	to->as_of_seq = reporting->agent->seq;
	fill_worker(reporting, model, to);
}

static void add_members(struct reporting *reporting,
                        const struct agent_generation *generation)
{
	Cadre__V1__NodeReport *report = reporting->report;

	for (size_t i = 0; i < generation->count && !reporting->failed; i++) {
		Cadre__V1__MemberReport *to = take(reporting, sizeof *to);
		if (!to)
			return;
		fill_member(reporting, &generation->entries[i], to);
		report->members[report->n_members++] = to;
	}
}

/* ---- deployments ---- */

/* How many members failed; the first one's reason. */
static size_t count_failed(const struct cadre_agent *agent,
                           const struct agent_generation *generation, char *first,
                           size_t capacity)
{
	char reason[256];
	size_t failed = 0;

	for (size_t i = 0; i < generation->count; i++) {
		const struct agent_entry *entry = &generation->entries[i];
		if (agent_model_shown(agent, entry->model, reason, sizeof reason) !=
		            PLAN_FAILED ||
		    failed++ > 0)
			continue;
		snprintf(first, capacity, "\"%s\": %s",
		         entry->key ? entry->key : entry->model->id, reason);
	}
	return failed;
}

static void fill_failure(struct reporting *reporting,
                         const struct agent_generation *generation,
                         Cadre__V1__DeploymentReport *to)
{
	char first[512];
	char text[640];
	size_t failed;

	if (to->has_failed_generation && to->failed_generation >= generation->number)
		return;
	failed = count_failed(reporting->agent, generation, first, sizeof first);
	if (failed == 0)
		return;
	snprintf(text, sizeof text, "%zu of %zu members failed, %s", failed,
	         generation->count, first);
	to->has_failed_generation = true;
	to->failed_generation = generation->number;
	to->reason = keep(reporting, text);
}

static unsigned routes_held(const struct cadre_agent *agent, const char *deployment_id)
{
	unsigned held = 0;

	for (const struct agent_generation *generation = agent->generations; generation;
	     generation = generation->next) {
		if (generation->held > 0 &&
		    strcmp(generation->deployment_id, deployment_id) == 0)
			held += generation->held;
	}
	return held;
}

static void fill_deployment(struct reporting *reporting,
                            const struct agent_deployment *from,
                            Cadre__V1__DeploymentReport *to)
{
	const struct agent_generation *generations[3];
	size_t count = generations_of(from, generations);

	cadre__v1__deployment_report__init(to);
	to->deployment_id = keep(reporting, from->id);
	for (size_t i = 0; i < count; i++) {
		const struct agent_generation *generation = generations[i];
		fill_failure(reporting, generation, to);
		if (generation->number <= to->prepared_generation ||
		    agent_ready_count(generation) < generation->count)
			continue;
		to->has_prepared_generation = true;
		to->prepared_generation = generation->number;
	}
	to->has_serving_generation = true;
	if (from->flipped) {
		to->serving_generation = from->routed->number;
		to->has_flipped_ms = true;
		to->flipped_ms = from->flipped_ms;
	}
	to->has_in_flight = true;
	to->in_flight = routes_held(reporting->agent, from->id);
}

static void add_deployment(struct reporting *reporting,
                           const struct agent_deployment *deployment)
{
	Cadre__V1__NodeReport *report = reporting->report;
	Cadre__V1__DeploymentReport *to = take(reporting, sizeof *to);
	const struct agent_generation *generations[3];
	size_t count = generations_of(deployment, generations);

	if (!to)
		return;
	fill_deployment(reporting, deployment, to);
	report->deployments[report->n_deployments++] = to;
	for (size_t i = 0; i < count; i++)
		add_members(reporting, generations[i]);
}

/* ---- all ---- */

static size_t count_members(const struct cadre_agent *agent)
{
	const struct agent_generation *generations[3];
	size_t members = 0;

	for (size_t i = 0; i < agent->deployment_count; i++) {
		size_t count = generations_of(&agent->deployments[i], generations);
		for (size_t k = 0; k < count; k++)
			members += generations[k]->count;
	}
	return members;
}

enum cadre_status cadre_agent_report(struct cadre_agent *agent, struct cadre_arena *arena,
                                     Cadre__V1__NodeReport *report, uint64_t *ret_version,
                                     struct cadre_error *err)
{
	struct reporting reporting = {
		.agent = agent,
		.arena = arena,
		.report = report,
	};
	size_t pointer = sizeof(void *);

	report->n_members = report->n_deployments = 0;
	pthread_mutex_lock(&agent->lock);
	*ret_version = agent->version;
	report->members = take(&reporting, (count_members(agent) + 1) * pointer);
	report->deployments = take(&reporting, (agent->deployment_count + 1) * pointer);
	for (size_t i = 0; i < agent->deployment_count && !reporting.failed; i++)
		add_deployment(&reporting, &agent->deployments[i]);
	pthread_mutex_unlock(&agent->lock);
	if (!reporting.failed)
		return CADRE_OK;
	report->n_members = report->n_deployments = 0;
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a node's report");
}
