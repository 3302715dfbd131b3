#include <math.h>
#include <stdlib.h>

#include "tools/worker-llama/llama_worker.h"

/* One inference in a context. */
struct generating {
	struct llama_base *base;
	struct llama_context *ctx;
	struct cadre_worker_stream *stream;
	const struct llama_request *request;
	struct llama_sampler *sampler;
	struct llama_answer answer;
};

static bool aborted(void *ctx)
{
	return cadre_worker_stopped(ctx);
}

static enum cadre_status decode(struct generating *g, llama_token *tokens, size_t count,
                                struct cadre_error *err)
{
	int32_t result = 0;

	llama_worker_take_error();
	if (!cadre_worker_stopped(g->stream))
		result = llama_decode(g->ctx,
		                      llama_batch_get_one(tokens, (int32_t)count));
	/* What it answers to the library is then replaced by the reason of the stop. */
	if (cadre_worker_stopped(g->stream))
		return cadre_error_set(err, CADRE_UNAVAILABLE, "stopped");
	if (result == 0)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INTERNAL, "llama_decode answered %d: %s",
	                       (int)result, llama_worker_take_error());
}

static enum cadre_status decode_prompt(struct generating *g, struct cadre_error *err)
{
	size_t count = g->request->token_count;
	enum cadre_status status = CADRE_OK;

	for (size_t at = 0; at < count && status == CADRE_OK;
	     at += LLAMA_WORKER_BATCH_MAX) {
		size_t part = count - at < LLAMA_WORKER_BATCH_MAX
		                      ? count - at
		                      : LLAMA_WORKER_BATCH_MAX;
		status = decode(g, g->request->tokens + at, part, err);
	}
	return status;
}

static enum cadre_status keep_logits(struct generating *g, struct cadre_error *err)
{
	size_t count = (size_t)g->base->vocab_size;
	const float *logits = llama_get_logits_ith(g->ctx, -1);

	if (!logits)
		return cadre_error_set(err, CADRE_INTERNAL, "llama.cpp gave no logits");
	g->answer.logits = calloc(count, sizeof g->answer.logits[0]);
	if (!g->answer.logits)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %zu logits", count);
	for (size_t i = 0; i < count; i++) {
		if (!isfinite(logits[i]))
			return cadre_error_set(err, CADRE_INTERNAL,
			                       "the logit of token %zu is no number", i);
		g->answer.logits[i] = logits[i];
	}
	return CADRE_OK;
}

static enum cadre_status predict(struct generating *g, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (uint32_t i = 0; i < g->request->predict && status == CADRE_OK; i++) {
		llama_token token = llama_sampler_sample(g->sampler, g->ctx, -1);
		if (g->base->has_text && llama_vocab_is_eog(g->base->vocab, token)) {
			g->answer.stop = "end";
			return CADRE_OK;
		}
		status = llama_answer_add(&g->answer, token, g->request->stream, err);
		if (status == CADRE_OK && i + 1 < g->request->predict)
			status = decode(g, &token, 1, err);
	}
	return status;
}

static struct llama_sampler *make_sampler(const struct llama_request *request)
{
	struct llama_sampler *chain =
	        llama_sampler_chain_init(llama_sampler_chain_default_params());

	if (!chain)
		return NULL;
	if (request->temperature > 0) {
		llama_sampler_chain_add(chain,
		                        llama_sampler_init_temp(request->temperature));
		llama_sampler_chain_add(chain, llama_sampler_init_dist(request->seed));
	} else {
		llama_sampler_chain_add(chain, llama_sampler_init_greedy());
	}
	return chain;
}

static enum cadre_status generate(struct generating *g, struct cadre_error *err)
{
	enum cadre_status status = decode_prompt(g, err);

	if (status == CADRE_OK && g->request->logits)
		status = keep_logits(g, err);
	if (status == CADRE_OK)
		status = predict(g, err);
	return status == CADRE_OK ? llama_answer_end(&g->answer, err) : status;
}

static enum cadre_status infer(struct llama_member *member,
                               const struct llama_request *request,
                               struct llama_pooled *pooled,
                               struct cadre_worker_stream *stream,
                               struct cadre_error *err)
{
	struct generating g = {
		.base = member->base,
		.ctx = pooled->ctx,
		.stream = stream,
		.request = request,
		.sampler = make_sampler(request),
	};
	enum cadre_status status;

	if (!g.sampler)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a sampler");
	llama_answer_init(&g.answer, member->base, stream);
	g.answer.prompt_tokens = request->token_count;
	llama_set_abort_callback(pooled->ctx, aborted, stream);
	status = generate(&g, err);
	llama_set_abort_callback(pooled->ctx, NULL, NULL);
	llama_answer_fini(&g.answer);
	llama_sampler_free(g.sampler);
	return status;
}

enum cadre_status llama_worker_infer(void *ctx, void *model, struct cadre_slice payload,
                                     struct cadre_worker_stream *stream,
                                     struct cadre_error *err)
{
	struct llama_member *member = model;
	struct llama_pooled *pooled;
	struct llama_request request;
	enum cadre_status status = llama_request_read(member->base, payload, &request,
	                                              err);

	(void)ctx;
	if (status != CADRE_OK)
		return status;
	status = llama_pool_take(member, &pooled, err);
	if (status == CADRE_OK) {
		status = infer(member, &request, pooled, stream, err);
		llama_pool_give_back(member->base, pooled);
	}
	llama_request_fini(&request);
	return status;
}
