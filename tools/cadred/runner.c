#include "tools/cadred/runner.h"

#include "engine/base/assert.h"

static void change(struct cadred_runner *runner, enum cadred_run run,
                   struct cadre_node *node)
{
	pthread_mutex_lock(&runner->lock);
	runner->run = run;
	runner->node = node;
	pthread_mutex_unlock(&runner->lock);
	runner->wake(runner->wake_ctx);
}

static void wait_for_stop(struct cadred_runner *runner)
{
	pthread_mutex_lock(&runner->lock);
	while (!runner->stop_wanted)
		pthread_cond_wait(&runner->changed, &runner->lock);
	pthread_mutex_unlock(&runner->lock);
}

static void *run(void *ctx)
{
	struct cadred_runner *runner = ctx;
	struct cadre_node *node = NULL;

	if (cadre_node_start(runner->env, runner->options, &node, &runner->err) ==
	    CADRE_OK) {
		cadred_health_node(runner->health, node);
		change(runner, CADRED_RUN_SERVING, node);
		wait_for_stop(runner);
		cadred_health_node(runner->health, NULL);
		cadre_node_stop(&node);
	}
	change(runner, CADRED_RUN_ENDED, NULL);
	return NULL;
}

enum cadre_status cadred_runner_start(struct cadred_runner *runner,
                                      struct cadre_error *err)
{
	int code;

	CADRE_ASSERT(pthread_mutex_init(&runner->lock, NULL) == 0);
	CADRE_ASSERT(pthread_cond_init(&runner->changed, NULL) == 0);
	runner->err = (struct cadre_error)CADRE_ERROR_INIT;
	code = pthread_create(&runner->thread, NULL, run, runner);
	if (code != 0)
		return cadre_error_errno(err, code, "starting a thread");
	return CADRE_OK;
}

void cadred_runner_stop(struct cadred_runner *runner)
{
	atomic_store(&runner->health->stop_wanted, true);
	pthread_mutex_lock(&runner->lock);
	runner->stop_wanted = true;
	pthread_cond_signal(&runner->changed);
	pthread_mutex_unlock(&runner->lock);
}

void cadred_runner_join(struct cadred_runner *runner, struct cadre_error *ret_err)
{
	pthread_join(runner->thread, NULL);
	*ret_err = runner->err;
	pthread_cond_destroy(&runner->changed);
	pthread_mutex_destroy(&runner->lock);
}

enum cadred_run cadred_runner_state(struct cadred_runner *runner)
{
	enum cadred_run state;

	pthread_mutex_lock(&runner->lock);
	state = runner->run;
	pthread_mutex_unlock(&runner->lock);
	return state;
}

struct cadre_node *cadred_runner_node(struct cadred_runner *runner)
{
	struct cadre_node *node;

	pthread_mutex_lock(&runner->lock);
	node = runner->stop_wanted ? NULL : runner->node;
	pthread_mutex_unlock(&runner->lock);
	return node;
}
