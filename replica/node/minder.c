/* A look at the store every second, for what nobody is told of: time that passes while
 * nothing happens, a log that failed, a clock that jumped. */
#include "replica/node/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void look_at_clock(struct cadre_node *node)
{
	int64_t offset = (int64_t)node->env->ops->wall_ms(node->env) -
	                 (int64_t)node_now_ms(node);

	if (llabs(offset - node->clock_offset_ms) <= NODE_CLOCK_STEP_MS)
		return;
	if (!atomic_exchange(&node->clock_off, true))
		NODE_SAY(node, CADRE_LOG_ERROR, "node.clock", "jumped_ms=%lld",
		         (long long)(offset - node->clock_offset_ms));
}

static void look_at_log(struct cadre_node *node)
{
	if (!atomic_load(&node->body.failed) || node->told_failed)
		return;
	node->told_failed = true;
	NODE_SAY(node, CADRE_LOG_ERROR, "node.log_failed",
	         "note=\"nothing is acknowledged any more, this process must end\"");
	if (node->options.attention)
		node->options.attention(node->options.attention_ctx);
}

static void position_job(struct cadre_store *store, void *ctx)
{
	struct cadre_node *node = ctx;

	(void)store;
	if (node->joined)
		node_leader_position(node);
}

static void look(struct cadre_node *node)
{
	body_refresh(&node->body);
	/* The source's watermark goes with the clock while nothing is written. */
	if (node->leader && !body_run(&node->body, position_job, node))
		NODE_SAY(node, CADRE_LOG_DEBUG, "node.no_loop", "note=\"ended\"");
	look_at_clock(node);
	look_at_log(node);
}

/* Until the next look, or the end: false. */
static bool wait_a_while(struct cadre_node *node)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += NODE_MIND_MS / 1000;
	pthread_mutex_lock(&node->lock);
	while (!node->stopping) {
		if (pthread_cond_timedwait(&node->wake, &node->lock, &until) == ETIMEDOUT)
			break;
	}
	stopping = node->stopping;
	pthread_mutex_unlock(&node->lock);
	return !stopping;
}

static void *mind(void *ctx)
{
	struct cadre_node *node = ctx;

	while (wait_a_while(node))
		look(node);
	return NULL;
}

enum cadre_status node_minder_start(struct cadre_node *node, struct cadre_error *err)
{
	node->minding = pthread_create(&node->minder, NULL, mind, node) == 0;
	return node->minding ? CADRE_OK
	                     : cadre_error_set(err, CADRE_OUT_OF_MEMORY,
	                                       "the node's thread cannot start");
}

void node_minder_stop(struct cadre_node *node)
{
	pthread_mutex_lock(&node->lock);
	node->stopping = true;
	pthread_cond_broadcast(&node->wake);
	pthread_mutex_unlock(&node->lock);
	if (node->minding)
		pthread_join(node->minder, NULL);
	node->minding = false;
}
