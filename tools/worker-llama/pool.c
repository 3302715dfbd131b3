#include <stdlib.h>

#include "tools/worker-llama/llama_worker.h"

static struct llama_context *make_context(const struct llama_base *base)
{
	struct llama_context_params params = llama_context_default_params();

	params.n_ctx = base->context_tokens;
	params.n_batch = LLAMA_WORKER_BATCH_MAX;
	params.n_ubatch = LLAMA_WORKER_BATCH_MAX;
	params.n_seq_max = 1;
	params.n_threads = base->threads;
	params.n_threads_batch = base->threads;
	params.no_perf = true;
	return llama_init_from_model(base->model, params);
}

/* A free one with the adapter on it, else any free one. */
static struct llama_pooled *choose(struct llama_base *base,
                                   const struct llama_adapter_lora *adapter, float scale)
{
	struct llama_pooled *any = NULL;

	for (unsigned i = 0; i < base->pool_size; i++) {
		struct llama_pooled *pooled = &base->pool[i];
		if (pooled->busy)
			continue;
		if (pooled->ctx && pooled->adapter == adapter && pooled->scale == scale)
			return pooled;
		/* One that exists before one still to be made. */
		if (!any || (!any->ctx && pooled->ctx))
			any = pooled;
	}
	return any;
}

/* Under the lock: an adapter that is being unloaded comes off contexts that others have
 * just chosen. */
static bool set_adapter(struct llama_member *member, struct llama_pooled *pooled)
{
	bool done = true;

	pthread_mutex_lock(&member->base->lock);
	if (pooled->adapter != member->adapter || pooled->scale != member->scale)
		done = llama_set_adapters_lora(pooled->ctx, &member->adapter,
		                               member->adapter ? 1 : 0,
		                               &member->scale) == 0;
	if (done) {
		pooled->adapter = member->adapter;
		pooled->scale = member->scale;
	}
	pthread_mutex_unlock(&member->base->lock);
	return done;
}

static enum cadre_status prepare(struct llama_member *member, struct llama_pooled *pooled,
                                 struct cadre_error *err)
{
	llama_worker_take_error();
	if (!pooled->ctx)
		pooled->ctx = make_context(member->base);
	if (!pooled->ctx)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no context of %u tokens: %s",
		                       (unsigned)member->base->context_tokens,
		                       llama_worker_take_error());
	if (!set_adapter(member, pooled))
		return cadre_error_set(err, CADRE_INTERNAL, "the adapter was not set: %s",
		                       llama_worker_take_error());
	llama_memory_clear(llama_get_memory(pooled->ctx), false);
	return CADRE_OK;
}

enum cadre_status llama_pool_take(struct llama_member *member,
                                  struct llama_pooled **ret_pooled,
                                  struct cadre_error *err)
{
	struct llama_base *base = member->base;
	struct llama_pooled *pooled;
	enum cadre_status status;

	pthread_mutex_lock(&base->lock);
	pooled = choose(base, member->adapter, member->scale);
	if (pooled)
		pooled->busy = true;
	pthread_mutex_unlock(&base->lock);
	if (!pooled)
		return cadre_error_set(err, CADRE_TOO_MANY_REQUESTS,
		                       "all %u contexts are busy", base->pool_size);
	status = prepare(member, pooled, err);
	if (status == CADRE_OK)
		*ret_pooled = pooled;
	else
		llama_pool_give_back(base, pooled);
	return status;
}

void llama_pool_give_back(struct llama_base *base, struct llama_pooled *pooled)
{
	pthread_mutex_lock(&base->lock);
	pooled->busy = false;
	pthread_mutex_unlock(&base->lock);
}

void llama_pool_forget(struct llama_base *base, struct llama_adapter_lora *adapter)
{
	pthread_mutex_lock(&base->lock);
	for (unsigned i = 0; i < base->pool_size; i++) {
		struct llama_pooled *pooled = &base->pool[i];
		if (pooled->adapter != adapter)
			continue;
		llama_set_adapters_lora(pooled->ctx, NULL, 0, NULL);
		pooled->adapter = NULL;
	}
	pthread_mutex_unlock(&base->lock);
}

void llama_pool_fini(struct llama_base *base)
{
	for (unsigned i = 0; i < base->pool_size; i++)
		if (base->pool[i].ctx)
			llama_free(base->pool[i].ctx);
	free(base->pool);
	base->pool = NULL;
	base->pool_size = 0;
}
