#include <stdio.h>
#include <stdlib.h>

#include "replica/agent/agent_internal.h"

#define NAME_DIGITS_BYTES 6u    /* of the content's digest */
#define VARIANT_DIGITS_BYTES 4u /* of the identity, where it says more */

/* ---- made and freed ---- */

static bool copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return *ret || !text;
}

static bool copy_parameters(struct agent_model *model,
                            const struct desired_member *member)
{
	if (member->parameter_count == 0)
		return true;
	model->parameters = calloc(member->parameter_count, sizeof model->parameters[0]);
	if (!model->parameters)
		return false;
	for (size_t i = 0; i < member->parameter_count; i++) {
		struct cadre_worker_parameter *to = &model->parameters[i];
		model->parameter_count++;
		to->name = strdup(member->parameters[i].name);
		to->value = strdup(member->parameters[i].value);
		if (!to->name || !to->value)
			return false;
	}
	return true;
}

void agent_model_free(struct agent_model *model)
{
	for (size_t i = 0; i < model->parameter_count; i++) {
		free((void *)(uintptr_t)model->parameters[i].name);
		free((void *)(uintptr_t)model->parameters[i].value);
	}
	free(model->parameters);
	free(model->id);
	free(model->name);
	free(model->uri);
	free(model);
}

/* An OCID's unique part; another id as a whole. */
static const char *unique_part(const char *id)
{
	const char *dot = strncmp(id, "ocid1.", 6) == 0 ? strrchr(id, '.') : NULL;

	return dot && dot[1] ? dot + 1 : id;
}

static char *make_name(const struct agent_model *model, const struct cadre_sha256 *sha256)
{
	char digits[2 * NAME_DIGITS_BYTES + 1];
	char variant[2 * VARIANT_DIGITS_BYTES + 1] = "";
	bool varies = model->base || model->parameter_count > 0;
	char *name;

	cadre_hex_encode(sha256->bytes, NAME_DIGITS_BYTES, digits);
	if (varies)
		cadre_hex_encode(model->identity.bytes, VARIANT_DIGITS_BYTES, variant);
	if (asprintf(&name, "%s@%s%s%s", unique_part(model->id), digits,
	             varies ? "+" : "", variant) < 0)
		return NULL;
	return name;
}

bool agent_model_seen(struct cadre_agent *agent, struct agent_model *model,
                      const struct cadre_sha256 *sha256)
{
	char *name = make_name(model, sha256);

	if (!name)
		return false;
	pthread_mutex_lock(&agent->lock);
	free(model->name);
	model->name = name;
	model->sha256 = *sha256;
	model->has_sha256 = true;
	pthread_mutex_unlock(&agent->lock);
	return true;
}

const struct agent_model *agent_model_clash(const struct cadre_agent *agent,
                                            const struct agent_model *model)
{
	for (size_t i = 0; i < agent->model_count; i++) {
		const struct agent_model *other = agent_model_of(agent->models[i]);
		if (other != model && other->plan.asked &&
		    strcmp(other->name, model->name) == 0)
			return other;
	}
	return NULL;
}

static struct agent_model *make_model(const struct desired_member *member,
                                      struct agent_model *base)
{
	const struct desired_model *wanted = member->model;
	struct agent_model *model = calloc(1, sizeof *model);

	if (!model)
		return NULL;
	model->identity = member->identity;
	model->kind = member->kind;
	model->registered = wanted->registered;
	model->has_sha256 = wanted->has_sha256;
	model->sha256_is_ours = !wanted->has_sha256;
	model->sha256 = wanted->sha256;
	model->registered_bytes = wanted->bytes;
	if (!copy_text(wanted->id, &model->id) || !copy_text(wanted->uri, &model->uri) ||
	    !copy_parameters(model, member)) {
		agent_model_free(model);
		return NULL;
	}
	if (!model->registered) {
		model->plan.state = PLAN_FAILED;
		model->plan.until_ms = UINT64_MAX;
		snprintf(model->reason, sizeof model->reason, "not registered");
	}
	model->base = base;
	model->plan.base = base ? &base->plan : NULL;
	if (base)
		base->refs++;
	return model;
}

/* ---- the table ---- */

static struct agent_model *find_model(const struct cadre_agent *agent,
                                      const struct cadre_sha256 *identity)
{
	for (size_t i = 0; i < agent->model_count; i++) {
		struct agent_model *model = agent_model_of(agent->models[i]);
		if (memcmp(model->identity.bytes, identity->bytes,
		           sizeof identity->bytes) == 0)
			return model;
	}
	return NULL;
}

static bool make_room(struct cadre_agent *agent)
{
	size_t capacity = agent->model_capacity ? 2 * agent->model_capacity : 64;
	struct plan_model **models;

	if (agent->model_count < agent->model_capacity)
		return true;
	models = realloc(agent->models, capacity * sizeof(struct plan_model *));
	if (!models)
		return false;
	agent->models = models;
	agent->model_capacity = capacity;
	return true;
}

bool agent_model_refresh(struct cadre_agent *agent, struct agent_model *model,
                         const struct desired_model *wanted)
{
	bool same_uri = model->uri && wanted->uri ? strcmp(model->uri, wanted->uri) == 0
	                                          : model->uri == wanted->uri;
	char *uri;

	if (same_uri && model->registered_bytes == wanted->bytes)
		return true;
	if (!copy_text(wanted->uri, &uri))
		return false;
	free(model->uri);
	model->uri = uri;
	model->registered_bytes = wanted->bytes;
	pthread_mutex_lock(&agent->lock);
	if (model->plan.state == PLAN_FAILED)
		model->plan.until_ms = 0;
	pthread_mutex_unlock(&agent->lock);
	return true;
}

struct agent_model *agent_model_get(struct cadre_agent *agent,
                                    const struct desired_member *member)
{
	struct agent_model *model = find_model(agent, &member->identity);
	struct agent_model *base = NULL;

	if (model)
		return agent_model_refresh(agent, model, member->model) ? model : NULL;
	if (member->base) {
		base = agent_model_get(agent, member->base);
		if (!base)
			return NULL;
	}
	model = make_room(agent) ? make_model(member, base) : NULL;
	if (model)
		agent->models[agent->model_count++] = &model->plan;
	return model;
}

/* ---- moves ---- */

void agent_model_move(struct cadre_agent *agent, struct agent_model *model,
                      enum plan_event event)
{
	pthread_mutex_lock(&agent->lock);
	plan_move(&model->plan, event);
	if (event != PLAN_LOST)
		model->reason[0] = '\0';
	pthread_mutex_unlock(&agent->lock);
	agent->changed = true;
}

void agent_model_loaded(struct cadre_agent *agent, struct agent_model *model,
                        uint64_t bytes)
{
	pthread_mutex_lock(&agent->lock);
	plan_move(&model->plan, PLAN_LOADED);
	model->plan.attempts = 0;
	model->crashes = 0;
	model->bytes = bytes;
	model->reason[0] = '\0';
	pthread_mutex_unlock(&agent->lock);
	agent->changed = true;
}

void agent_model_broke(struct cadre_agent *agent, struct agent_model *model,
                       const char *reason)
{
	const struct cadre_agent_options *options = &agent->options;
	uint64_t delay;

	pthread_mutex_lock(&agent->lock);
	plan_move(&model->plan, PLAN_BROKE);
	model->plan.attempts++;
	delay = plan_back_off_ms(model->plan.attempts, options->retry_min_ms,
	                         options->retry_max_ms);
	if (model->crashes > 0)
		delay = plan_crash_back_off_ms(model->crashes, options->retry_min_ms,
		                               options->retry_max_ms);
	model->plan.until_ms = agent_now_ms(agent) + delay;
	snprintf(model->reason, sizeof model->reason, "%s", reason);
	pthread_mutex_unlock(&agent->lock);
	agent->changed = true;
}

/* ---- shown ---- */

static enum plan_state show_worker(const struct cadre_agent *agent,
                                   const struct agent_model *model, char *reason,
                                   size_t capacity)
{
	snprintf(reason, capacity, "%s", agent->worker_reason);
	return agent->worker_hopeless ? PLAN_FAILED : model->plan.state;
}

enum plan_state agent_model_shown(const struct cadre_agent *agent,
                                  const struct agent_model *model, char *reason,
                                  size_t capacity)
{
	enum plan_state state = model->plan.state;
	char deeper[256];

	snprintf(reason, capacity, "%s", model->reason);
	if (state == PLAN_READY || state == PLAN_FAILED || state == PLAN_DRAINING)
		return state;
	if (model->base &&
	    agent_model_shown(agent, model->base, deeper, sizeof deeper) == PLAN_FAILED) {
		snprintf(reason, capacity, "its base \"%s\": %s", model->base->id,
		         deeper);
		return PLAN_FAILED;
	}
	if (agent->worker_state != WORKER_UP && agent->worker_reason[0])
		return show_worker(agent, model, reason, capacity);
	return state;
}
