#include <stdlib.h>

#include "replica/agent/agent_internal.h"

/* ---- generations ---- */

static void free_generation(struct agent_generation *generation)
{
	for (size_t i = 0; i < generation->count; i++) {
		if (generation->entries[i].model)
			generation->entries[i].model->refs--;
		free(generation->entries[i].key);
	}
	free(generation->entries);
	free(generation->by_key);
	free(generation->by_model);
	free(generation->deployment_id);
	free(generation);
}

static int compare_keys(const void *a, const void *b)
{
	const struct agent_entry *const *left = a;
	const struct agent_entry *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

static int compare_models(const void *a, const void *b)
{
	const struct agent_entry *const *left = a;
	const struct agent_entry *const *right = b;

	return strcmp((*left)->model->id, (*right)->model->id);
}

static bool make_index(struct agent_generation *generation)
{
	size_t count = generation->count;

	generation->by_key = calloc(count + 1, sizeof(struct agent_entry *));
	generation->by_model = calloc(count + 1, sizeof(struct agent_entry *));
	if (!generation->by_key || !generation->by_model)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct agent_entry *entry = &generation->entries[i];
		if (entry->key)
			generation->by_key[generation->key_count++] = entry;
		generation->by_model[i] = entry;
	}
	qsort(generation->by_key, generation->key_count, sizeof(struct agent_entry *),
	      compare_keys);
	qsort(generation->by_model, count, sizeof(struct agent_entry *), compare_models);
	return true;
}

static bool fill_entries(struct cadre_agent *agent, const struct desired_group *group,
                         struct agent_generation *generation)
{
	generation->entries = calloc(group->member_count + 1,
	                             sizeof generation->entries[0]);
	if (!generation->entries)
		return false;
	for (size_t i = 0; i < group->member_count; i++) {
		struct agent_entry *entry = &generation->entries[i];
		const struct desired_member *member = &group->members[i];
		generation->count++;
		entry->generation = generation;
		entry->key = member->key ? strdup(member->key) : NULL;
		entry->model = agent_model_get(agent, member);
		if (!entry->model || (member->key && !entry->key))
			return false;
		entry->model->refs++;
	}
	return make_index(generation);
}

static struct agent_generation *make_generation(struct cadre_agent *agent,
                                                const char *deployment_id,
                                                const struct desired_group *group)
{
	struct agent_generation *generation = calloc(1, sizeof *generation);

	if (!generation)
		return NULL;
	generation->number = group->generation;
	generation->deployment_id = strdup(deployment_id);
	if (!generation->deployment_id || !fill_entries(agent, group, generation)) {
		free_generation(generation);
		return NULL;
	}
	pthread_mutex_lock(&agent->lock);
	generation->next = agent->generations;
	agent->generations = generation;
	pthread_mutex_unlock(&agent->lock);
	return generation;
}

static bool is_same(const struct agent_generation *generation,
                    const struct desired_group *group)
{
	if (generation->number != group->generation ||
	    generation->count != group->member_count)
		return false;
	for (size_t i = 0; i < group->member_count; i++) {
		if (memcmp(generation->entries[i].model->identity.bytes,
		           group->members[i].identity.bytes, 32) != 0)
			return false;
	}
	return true;
}

static bool refresh(struct cadre_agent *agent, const struct agent_generation *generation,
                    const struct desired_group *group)
{
	for (size_t i = 0; i < group->member_count; i++) {
		if (!agent_model_refresh(agent, generation->entries[i].model,
		                         group->members[i].model))
			return false;
	}
	return true;
}

/* A model that is registered anew makes another generation of the same number. */
static struct agent_generation *get_generation(struct cadre_agent *agent,
                                               const struct agent_deployment *old,
                                               const struct desired_deployment *of,
                                               const struct desired_group *group)
{
	struct agent_generation *const places[] = {
		old ? old->target : NULL,
		old ? old->serving : NULL,
		old ? old->routed : NULL,
	};

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (places[i] && is_same(places[i], group))
			return refresh(agent, places[i], group) ? places[i] : NULL;
	}
	return make_generation(agent, of->id, group);
}

/* ---- deployments ---- */

static void free_deployments(struct agent_deployment *deployments, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(deployments[i].id);
		free(deployments[i].compartment);
		free(deployments[i].name);
	}
	free(deployments);
}

static void count_refs(const struct agent_deployment *deployments, size_t count,
                       bool more)
{
	for (size_t i = 0; i < count; i++) {
		struct agent_generation *const places[] = {
			deployments[i].target,
			deployments[i].serving,
			deployments[i].routed,
		};
		for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
			if (places[k] && more)
				places[k]->refs++;
			else if (places[k])
				places[k]->refs--;
		}
	}
}

static int compare_id(const void *id, const void *deployment)
{
	return strcmp(id, ((const struct agent_deployment *)deployment)->id);
}

static bool fill_deployment(struct cadre_agent *agent,
                            const struct desired_deployment *from,
                            struct agent_deployment *to)
{
	const struct agent_deployment *old = NULL;

	if (agent->deployment_count > 0)
		old = bsearch(from->id, agent->deployments, agent->deployment_count,
		              sizeof agent->deployments[0], compare_id);
	to->id = strdup(from->id);
	to->compartment = strdup(from->compartment);
	to->name = strdup(from->name);
	to->target = get_generation(agent, old, from, from->target);
	to->serving = to->target;
	if (from->serving != from->target)
		to->serving = from->serving
		                      ? get_generation(agent, old, from, from->serving)
		                      : NULL;
	if (old) {
		to->routed = old->routed;
		to->flipped = old->flipped;
		to->flipped_ms = old->flipped_ms;
	}
	return to->id && to->compartment && to->name && to->target &&
	       (to->serving || !from->serving);
}

static bool differs(const struct cadre_agent *agent,
                    const struct agent_deployment *deployments, size_t count)
{
	if (!agent->known || count != agent->deployment_count)
		return true;
	for (size_t i = 0; i < count; i++) {
		const struct agent_deployment *a = &agent->deployments[i];
		const struct agent_deployment *b = &deployments[i];
		if (strcmp(a->id, b->id) != 0 || a->target != b->target ||
		    a->serving != b->serving)
			return true;
	}
	return false;
}

static void log_desired(struct cadre_agent *agent)
{
	for (size_t i = 0; i < agent->deployment_count; i++) {
		const struct agent_deployment *deployment = &agent->deployments[i];
		agent_log(agent, CADRE_LOG_INFO, "agent.desired",
		          "deployment=\"%s\" target=%llu serving=%llu members=%zu "
		          "seq=%llu",
		          deployment->id, (unsigned long long)deployment->target->number,
		          deployment->serving
		                  ? (unsigned long long)deployment->serving->number
		                  : 0ull,
		          deployment->target->count, (unsigned long long)agent->seq);
	}
}

static void publish(struct cadre_agent *agent, struct agent_deployment *deployments,
                    size_t count, cadre_seq seq)
{
	struct agent_deployment *old = agent->deployments;
	size_t old_count = agent->deployment_count;
	bool changed = differs(agent, deployments, count);

	pthread_mutex_lock(&agent->lock);
	count_refs(deployments, count, true);
	count_refs(old, old_count, false);
	agent->deployments = deployments;
	agent->deployment_count = count;
	agent->known = true;
	agent->seq = seq;
	pthread_mutex_unlock(&agent->lock);
	free_deployments(old, old_count);
	agent->marks_stale = true;
	if (changed) {
		agent->changed = agent->garbage = true;
		log_desired(agent);
	}
}

enum cadre_status agent_take_desired(struct cadre_agent *agent,
                                     const struct desired *desired,
                                     struct cadre_error *err)
{
	size_t count = desired->deployment_count;
	struct agent_deployment *deployments = calloc(count + 1,
	                                              sizeof(struct agent_deployment));

	for (size_t i = 0; deployments && i < count; i++) {
		if (!fill_deployment(agent, &desired->deployments[i], &deployments[i])) {
			free_deployments(deployments, count);
			deployments = NULL;
		}
	}
	if (!deployments)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the deployments of this node");
	publish(agent, deployments, count, desired->seq);
	return CADRE_OK;
}

/* ---- marks ---- */

static void mark(const struct agent_generation *generation, bool serving, bool routed)
{
	for (size_t i = 0; generation && i < generation->count; i++) {
		struct plan_model *plan = &generation->entries[i].model->plan;
		plan->wanted = true;
		plan->serving = plan->serving || serving;
		plan->routed = plan->routed || routed;
	}
}

void agent_mark(struct cadre_agent *agent, uint64_t now_ms)
{
	pthread_mutex_lock(&agent->lock);
	for (size_t i = 0; i < agent->model_count; i++) {
		struct plan_model *plan = agent->models[i];
		agent_model_of(plan)->was_routed = plan->routed;
		plan->wanted = plan->serving = plan->routed = false;
	}
	for (size_t i = 0; i < agent->deployment_count; i++) {
		const struct agent_deployment *deployment = &agent->deployments[i];
		mark(deployment->target, false, false);
		mark(deployment->serving, true, false);
		mark(deployment->routed, true, true);
	}
	for (size_t i = 0; i < agent->model_count; i++) {
		struct plan_model *plan = agent->models[i];
		if (agent_model_of(plan)->was_routed && !plan->routed)
			plan->linger_until_ms = now_ms + agent->options.linger_ms;
	}
	pthread_mutex_unlock(&agent->lock);
	agent->marks_stale = false;
}

/* ---- sweeping ---- */

static struct agent_generation *take_unkept(struct cadre_agent *agent)
{
	struct agent_generation **link = &agent->generations;
	struct agent_generation *unkept = NULL;

	pthread_mutex_lock(&agent->lock);
	while (*link) {
		struct agent_generation *generation = *link;
		if (generation->refs > 0) {
			link = &generation->next;
			continue;
		}
		*link = generation->next;
		generation->next = unkept;
		unkept = generation;
	}
	pthread_mutex_unlock(&agent->lock);
	return unkept;
}

static bool is_unkept(const struct agent_model *model)
{
	bool rests = model->plan.state == PLAN_ABSENT || model->plan.state == PLAN_FAILED;

	return model->refs == 0 && rests && !model->plan.busy;
}

/* An adapter's end may free its base: until nothing goes. */
static bool sweep_models(struct cadre_agent *agent)
{
	bool any = false;

	for (size_t i = agent->model_count; i-- > 0;) {
		struct agent_model *model = agent_model_of(agent->models[i]);
		if (!is_unkept(model))
			continue;
		agent->models[i] = agent->models[--agent->model_count];
		if (model->base)
			model->base->refs--;
		agent_model_free(model);
		any = true;
	}
	return any;
}

bool agent_sweep(struct cadre_agent *agent)
{
	struct agent_generation *unkept = take_unkept(agent);
	bool any = false;

	while (unkept) {
		struct agent_generation *next = unkept->next;
		free_generation(unkept);
		unkept = next;
	}
	while (sweep_models(agent))
		any = true;
	return any;
}

void agent_free_tables(struct cadre_agent *agent)
{
	free_deployments(agent->deployments, agent->deployment_count);
	while (agent->generations) {
		struct agent_generation *next = agent->generations->next;
		free_generation(agent->generations);
		agent->generations = next;
	}
	for (size_t i = 0; i < agent->model_count; i++)
		agent_model_free(agent_model_of(agent->models[i]));
	free(agent->models);
}
