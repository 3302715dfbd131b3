#include "replica/agent/plan.h"

#include "engine/base/assert.h"

enum { NO = -1 };

#define A PLAN_ABSENT
#define F PLAN_FETCHING
#define L PLAN_LOADING
#define R PLAN_READY
#define D PLAN_DRAINING
#define X PLAN_FAILED
static const short moves[PLAN_STATES][PLAN_EVENTS] = {
	/*          begun fetched loaded unload unloaded broke retried dropped lost */
	[A] = { F, NO, NO, NO, NO, X, NO, NO, A },
	[F] = { NO, L, NO, NO, NO, X, NO, A, F },
	[L] = { NO, NO, R, D, NO, X, NO, A, L },
	[R] = { NO, NO, NO, D, NO, NO, NO, NO, L },
	[D] = { NO, NO, NO, NO, A, NO, NO, NO, A },
	[X] = { NO, NO, NO, NO, NO, X, A, A, X },
};
#undef A
#undef F
#undef L
#undef R
#undef D
#undef X

void plan_move(struct plan_model *model, enum plan_event event)
{
	int next = moves[model->state][event];

	CADRE_ASSERT(next != NO);
	model->state = (enum plan_state)next;
	if (event == PLAN_UNLOADED || event == PLAN_LOST || event == PLAN_BROKE)
		model->asked = false;
}

const char *plan_state_name(enum plan_state state)
{
	static const char *const names[PLAN_STATES] = {
		"ABSENT", "FETCHING", "LOADING", "READY", "DRAINING", "FAILED",
	};

	return names[state];
}

uint64_t plan_back_off_ms(uint32_t attempts, uint32_t min_ms, uint32_t max_ms)
{
	uint64_t delay = min_ms;

	for (uint32_t i = 1; i < attempts && delay < max_ms; i++)
		delay *= 2;
	return delay < max_ms ? delay : max_ms;
}

uint64_t plan_crash_back_off_ms(uint32_t crashes, uint32_t min_ms, uint32_t max_ms)
{
	if (crashes < 2)
		return min_ms;
	return (uint64_t)max_ms << (crashes < 8 ? crashes - 2 : 6);
}

static bool is_kept(const struct plan_model *model, uint64_t now_ms)
{
	return model->wanted || model->routed || model->held > 0 ||
	       now_ms < model->linger_until_ms;
}

static void wake_at(struct plan_step *step, uint64_t at_ms)
{
	if (at_ms < step->wake_ms)
		step->wake_ms = at_ms;
}

static void move_by_time(struct plan_model *model, uint64_t now_ms,
                         struct plan_step *step)
{
	bool failed = model->state == PLAN_FAILED;
	bool idle_here = failed || (model->state == PLAN_LOADING && !model->asked);

	if (model->busy)
		return;
	if (!model->wanted && idle_here) {
		plan_move(model, PLAN_DROPPED);
		step->moved = true;
	} else if (failed && model->until_ms <= now_ms) {
		plan_move(model, PLAN_RETRIED);
		step->moved = true;
	} else if (failed) {
		wake_at(step, model->until_ms);
	}
}

/* What is in the worker and should not be. */
static bool may_unload(const struct plan_model *model, uint64_t now_ms)
{
	if (model->state == PLAN_DRAINING)
		return model->until_ms <= now_ms && model->adapters == 0;
	return (model->state == PLAN_READY ||
	        (model->state == PLAN_LOADING && model->asked)) &&
	       !is_kept(model, now_ms) && model->adapters == 0;
}

static bool may_load(const struct plan_model *model)
{
	return model->state == PLAN_LOADING && model->wanted &&
	       (!model->base || model->base->state == PLAN_READY);
}

/* What is under way first, then what is served, then bases. */
static unsigned rank(const struct plan_model *model)
{
	return (model->asked ? 0u : 4u) + (model->serving ? 0u : 2u) +
	       (model->base ? 1u : 0u);
}

static void prefer(struct plan_model **best, struct plan_model *model)
{
	if (!*best || rank(model) < rank(*best))
		*best = model;
}

static void count_adapters(struct plan_model *const *models, size_t count)
{
	for (size_t i = 0; i < count; i++)
		models[i]->adapters = 0;
	for (size_t i = 0; i < count; i++) {
		if (models[i]->base && models[i]->asked)
			models[i]->base->adapters++;
	}
}

static void wait_for(const struct plan_model *model, uint64_t now_ms,
                     struct plan_step *step)
{
	if (model->state == PLAN_DRAINING && model->until_ms > now_ms)
		wake_at(step, model->until_ms);
	if (model->state == PLAN_READY && !model->wanted &&
	    model->linger_until_ms > now_ms)
		wake_at(step, model->linger_until_ms);
}

static void consider(struct plan_model *model, const struct plan_facts *facts,
                     struct plan_step *step)
{
	if (model->state == PLAN_FETCHING && !model->wanted)
		step->no_fetch = model;
	if (model->busy)
		return;
	if (model->state == PLAN_ABSENT && model->wanted && facts->may_fetch)
		prefer(&step->fetch, model);
	if (!facts->worker_up || !facts->may_load)
		return;
	if (may_unload(model, facts->now_ms))
		prefer(&step->unload, model);
	else if (may_load(model))
		prefer(&step->load, model);
}

void plan_next(struct plan_model *const *models, size_t count,
               const struct plan_facts *facts, struct plan_step *ret_step)
{
	*ret_step = (struct plan_step){ .wake_ms = UINT64_MAX };
	count_adapters(models, count);
	for (size_t i = 0; i < count; i++) {
		move_by_time(models[i], facts->now_ms, ret_step);
		wait_for(models[i], facts->now_ms, ret_step);
		consider(models[i], facts, ret_step);
	}
	if (ret_step->unload)
		ret_step->load = NULL;
}
