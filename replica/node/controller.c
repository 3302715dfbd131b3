#include "replica/node/controller.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "replica/node/controller_facts.h"

#define PRINCIPAL "cadre"
/* Nodes that fall silent are noticed by the clock alone. */
#define ROUND_MS 1000u
/* Facts are read at most so often: every commit wakes the loop. */
#define ROUND_PAUSE_MS 20u
/* One round ends after so many commands, so that a stop is not kept waiting. */
#define ROUND_COMMANDS_MAX 256u
/* What was refused is tried again after this; others go on meanwhile. Facts that were
 * overtaken are right at the next look. */
#define PUT_OFF_MS 10000u
#define PUT_OFF_OVERTAKEN_MS 500u
#define PUT_OFF_MAX 256u

/* A node or deployment that is left alone for a while. */
struct put_off {
	char subject[CADRE_OCID_BYTES];
	uint64_t until_ms; /* 0: free */
};

struct cadre_controller {
	struct cadre_controller_options options;
	char node_id[64];
	pthread_t loop;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool poked;                 /* lock */
	bool stopping;              /* lock */
	pthread_mutex_t views_lock; /* held while a view lives; a leaf */
	struct cadre_kv *kv;        /* views_lock */
	/* The loop's alone. */
	struct controller_facts facts;
	struct put_off put_offs[PUT_OFF_MAX];
};

static uint64_t now_ms(const struct cadre_controller *controller)
{
	return controller->options.env->ops->mono_ns(controller->options.env) / 1000000u;
}

/* ---- what was refused ---- */

static bool is_put_off(const struct cadre_controller *controller, const char *subject,
                       uint64_t now)
{
	for (unsigned i = 0; i < PUT_OFF_MAX; i++)
		if (controller->put_offs[i].until_ms > now &&
		    strcmp(controller->put_offs[i].subject, subject) == 0)
			return true;
	return false;
}

/* The command itself is wrong, and will be. */
static bool is_lasting(enum cadre_status status)
{
	return status == CADRE_INVALID_PARAMETER || status == CADRE_MISSING_PARAMETER ||
	       status == CADRE_LIMIT_EXCEEDED || status == CADRE_TOO_LARGE;
}

static void put_off(struct cadre_controller *controller, const char *subject,
                    uint64_t pause_ms)
{
	struct put_off *oldest = &controller->put_offs[0];

	for (unsigned i = 1; i < PUT_OFF_MAX; i++)
		if (controller->put_offs[i].until_ms < oldest->until_ms)
			oldest = &controller->put_offs[i];
	(void)snprintf(oldest->subject, sizeof oldest->subject, "%s", subject);
	oldest->until_ms = now_ms(controller) + pause_ms;
}

static bool has_put_offs(const struct cadre_controller *controller, uint64_t now)
{
	for (unsigned i = 0; i < PUT_OFF_MAX; i++)
		if (controller->put_offs[i].until_ms > now)
			return true;
	return false;
}

static void mark_put_offs(struct cadre_controller *controller)
{
	struct cadre_rollout_facts *facts = &controller->facts.facts;
	struct cadre_rollout_deployment *deployments =
	        (struct cadre_rollout_deployment *)(void *)
	                controller->facts.deployments.data;
	uint64_t now = now_ms(controller);

	if (!has_put_offs(controller, now))
		return;
	for (size_t i = 0; i < facts->node_count; i++)
		facts->nodes[i].put_off = is_put_off(controller, facts->nodes[i].id, now);
	for (size_t i = 0; i < facts->deployment_count; i++)
		deployments[i].put_off = is_put_off(controller, deployments[i].id, now);
}

/* ---- commands ---- */

/* An action as a command; all that it points to lives as long. */
struct order {
	Cadre__V1__Command command;
	char *nodes[CADRE_ROLLOUT_NODES_MAX];
	union {
		Cadre__V1__RegisterNode register_node;
		Cadre__V1__PlaceDeployment place;
		Cadre__V1__CutOver cut_over;
		Cadre__V1__FinishCutOver finish;
	} body;
};

static char *text(const char *from)
{
	return (char *)(uintptr_t)from;
}

static void order_register(struct order *order, const struct cadre_rollout_action *action)
{
	order->body.register_node = *action->node;
	order->command.body_case = CADRE__V1__COMMAND__BODY_REGISTER_NODE;
	order->command.register_node = &order->body.register_node;
}

static void order_place(struct order *order, const struct cadre_rollout_action *action)
{
	Cadre__V1__PlaceDeployment *place = &order->body.place;

	cadre__v1__place_deployment__init(place);
	place->deployment_id = text(action->subject);
	place->nodes = order->nodes;
	place->n_nodes = action->node_count;
	order->command.body_case = CADRE__V1__COMMAND__BODY_PLACE_DEPLOYMENT;
	order->command.place_deployment = place;
}

static void order_cut_over(struct order *order, const struct cadre_rollout_action *action)
{
	Cadre__V1__CutOver *cut_over = &order->body.cut_over;

	cadre__v1__cut_over__init(cut_over);
	cut_over->deployment_id = text(action->subject);
	cut_over->generation = action->generation;
	cut_over->participants = order->nodes;
	cut_over->n_participants = action->node_count;
	order->command.body_case = CADRE__V1__COMMAND__BODY_CUT_OVER;
	order->command.cut_over = cut_over;
}

static void order_finish(struct order *order, const struct cadre_rollout_action *action)
{
	Cadre__V1__FinishCutOver *finish = &order->body.finish;

	cadre__v1__finish_cut_over__init(finish);
	finish->deployment_id = text(action->subject);
	finish->generation = action->generation;
	finish->nodes = order->nodes;
	finish->n_nodes = action->node_count;
	finish->has_first_flip_ms = finish->has_last_flip_ms = action->has_flips;
	finish->first_flip_ms = action->first_flip_ms;
	finish->last_flip_ms = action->last_flip_ms;
	order->command.body_case = CADRE__V1__COMMAND__BODY_FINISH_CUT_OVER;
	order->command.finish_cut_over = finish;
}

static void fill_order(struct order *order, const struct cadre_rollout_action *action)
{
	static void (*const fills[])(struct order *,
	                             const struct cadre_rollout_action *) = {
		[CADRE_ROLLOUT_REGISTER] = order_register,
		[CADRE_ROLLOUT_PLACE] = order_place,
		[CADRE_ROLLOUT_CUT_OVER] = order_cut_over,
		[CADRE_ROLLOUT_FINISH] = order_finish,
	};

	memset(order, 0, sizeof *order);
	cadre__v1__command__init(&order->command);
	for (size_t i = 0; i < action->node_count; i++)
		order->nodes[i] = text(action->nodes[i]);
	fills[action->verb](order, action);
}

/* Checked, submitted, and waited for. */
static enum cadre_status submit(struct cadre_controller *controller,
                                Cadre__V1__Command *command, bool *ret_changed,
                                struct cadre_error *err)
{
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;
	Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
	char principal[] = PRINCIPAL;
	struct cadre_result result = { .changed = false };
	struct cadre_request request = { .batch = &batch,
		                         .actor = &actor,
		                         .results = &result };
	enum cadre_status status = cadre_command_check(command, err);

	*ret_changed = false;
	if (status != CADRE_OK)
		return status;
	actor.principal = principal;
	actor.proof = CADRE__V1__PROOF__PROOF_NONE;
	actor.via = controller->node_id;
	batch.commands = &command;
	batch.n_commands = 1;
	cadre_store_thread_call(controller->options.thread, &request);
	*err = request.err;
	*ret_changed = result.changed;
	return request.status;
}

static void log_action(const struct cadre_controller *controller,
                       const struct cadre_rollout_action *action,
                       enum cadre_status status, const struct cadre_error *err)
{
	static const char *const names[] = {
		[CADRE_ROLLOUT_REGISTER] = "rollout.register",
		[CADRE_ROLLOUT_PLACE] = "rollout.place",
		[CADRE_ROLLOUT_CUT_OVER] = "rollout.cut_over",
		[CADRE_ROLLOUT_FINISH] = "rollout.finish",
	};
	struct cadre_env *env = controller->options.env;

	if (status == CADRE_OK)
		cadre_log_line(controller->options.sink, env->ops->wall_ms(env),
		               CADRE_LOG_INFO, names[action->verb],
		               "id=\"%s\" generation=%llu nodes=%zu", action->subject,
		               (unsigned long long)action->generation,
		               action->node_count);
	else
		cadre_log_line(controller->options.sink, env->ops->wall_ms(env),
		               CADRE_LOG_WARN, names[action->verb],
		               "id=\"%s\" generation=%llu refused=%s why=\"%.200s\"",
		               action->subject, (unsigned long long)action->generation,
		               cadre_status_name(status), err->message);
}

/* False: the store takes nothing now, the round ends. */
static bool perform(struct cadre_controller *controller,
                    const struct cadre_rollout_action *action)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;
	struct order order;
	bool changed;

	fill_order(&order, action);
	status = submit(controller, &order.command, &changed, &err);
	log_action(controller, action, status, &err);
	/* What changes nothing would be decided again at once. */
	if (status != CADRE_OK || !changed)
		put_off(controller, action->subject,
		        is_lasting(status) ? PUT_OFF_MS : PUT_OFF_OVERTAKEN_MS);
	return status < CADRE_NOT_LEADER;
}

/* ---- the loop ---- */

static bool is_stopping(struct cadre_controller *controller)
{
	bool stopping;

	pthread_mutex_lock(&controller->lock);
	stopping = controller->stopping;
	pthread_mutex_unlock(&controller->lock);
	return stopping;
}

/* False: there is nothing to decide by. */
static bool read_facts(struct cadre_controller *controller)
{
	struct cadre_env *env = controller->options.env;
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status = CADRE_UNAVAILABLE;

	pthread_mutex_lock(&controller->views_lock);
	if (controller->kv)
		status = facts_read(&controller->facts, controller->kv,
		                    controller->options.reports, now_ms(controller),
		                    &err);
	pthread_mutex_unlock(&controller->views_lock);
	if (status != CADRE_OK && err.message[0])
		cadre_log_line(controller->options.sink, env->ops->wall_ms(env),
		               CADRE_LOG_WARN, "rollout.facts",
		               "status=%s why=\"%.300s\"", cadre_status_name(status),
		               err.message);
	return status == CADRE_OK;
}

static void run_round(struct cadre_controller *controller)
{
	struct cadre_rollout_action action;

	for (unsigned i = 0; i < ROUND_COMMANDS_MAX && !is_stopping(controller); i++) {
		if (!read_facts(controller))
			return;
		mark_put_offs(controller);
		cadre_rollout_next(&controller->facts.facts, &action);
		if (action.verb == CADRE_ROLLOUT_NOTHING || !perform(controller, &action))
			return;
	}
	cadre_controller_poke(controller);
}

static struct timespec in_ms(unsigned ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000u);
	until.tv_nsec += (long)(ms % 1000u) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return until;
}

/* At least ROUND_PAUSE_MS, at most ROUND_MS; false: stop. */
static bool wait_for_round(struct cadre_controller *controller)
{
	struct timespec pause = in_ms(ROUND_PAUSE_MS);
	struct timespec tick = in_ms(ROUND_MS);
	bool stopping;
	int rc = 0;

	pthread_mutex_lock(&controller->lock);
	while (!controller->stopping && rc == 0)
		rc = pthread_cond_timedwait(&controller->wake, &controller->lock, &pause);
	rc = 0;
	while (!controller->stopping && !controller->poked && rc == 0)
		rc = pthread_cond_timedwait(&controller->wake, &controller->lock, &tick);
	controller->poked = false;
	stopping = controller->stopping;
	pthread_mutex_unlock(&controller->lock);
	return !stopping;
}

static void *run(void *ctx)
{
	struct cadre_controller *controller = ctx;

	do
		run_round(controller);
	while (wait_for_round(controller));
	return NULL;
}

/* ---- from outside ---- */

static struct cadre_controller *make(const struct cadre_controller_options *options)
{
	struct cadre_controller *controller = calloc(1, sizeof *controller);
	pthread_condattr_t attributes;

	if (!controller)
		return NULL;
	controller->options = *options;
	(void)snprintf(controller->node_id, sizeof controller->node_id, "%s",
	               options->node_id);
	pthread_mutex_init(&controller->lock, NULL);
	pthread_mutex_init(&controller->views_lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&controller->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	facts_init(&controller->facts);
	return controller;
}

static void destroy(struct cadre_controller *controller)
{
	facts_fini(&controller->facts);
	pthread_cond_destroy(&controller->wake);
	pthread_mutex_destroy(&controller->views_lock);
	pthread_mutex_destroy(&controller->lock);
	free(controller);
}

enum cadre_status cadre_controller_start(const struct cadre_controller_options *options,
                                         struct cadre_controller **ret_controller,
                                         struct cadre_error *err)
{
	struct cadre_controller *controller = make(options);
	int rc;

	*ret_controller = NULL;
	if (!controller)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for the rollout loop");
	rc = pthread_create(&controller->loop, NULL, run, controller);
	if (rc != 0) {
		destroy(controller);
		return cadre_error_errno(err, rc, "starting the rollout loop");
	}
	*ret_controller = controller;
	return CADRE_OK;
}

void cadre_controller_stop(struct cadre_controller **controller_at)
{
	struct cadre_controller *controller = *controller_at;

	*controller_at = NULL;
	if (!controller)
		return;
	pthread_mutex_lock(&controller->lock);
	controller->stopping = true;
	pthread_cond_signal(&controller->wake);
	pthread_mutex_unlock(&controller->lock);
	(void)pthread_join(controller->loop, NULL);
	destroy(controller);
}

void cadre_controller_poke(struct cadre_controller *controller)
{
	pthread_mutex_lock(&controller->lock);
	controller->poked = true;
	pthread_cond_signal(&controller->wake);
	pthread_mutex_unlock(&controller->lock);
}

void cadre_controller_views(struct cadre_controller *controller, struct cadre_kv *kv)
{
	pthread_mutex_lock(&controller->views_lock);
	controller->kv = kv;
	pthread_mutex_unlock(&controller->views_lock);
	if (kv)
		cadre_controller_poke(controller);
}

void cadre_controller_applied(struct cadre_controller *controller, cadre_seq seq)
{
	(void)seq;
	cadre_controller_poke(controller);
}
