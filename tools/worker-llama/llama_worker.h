/*
 * An inference worker on llama.cpp's C API.
 *
 *	main.c      the command line
 *	devices.c   what ggml can compute on
 *	models.c    bases and adapters: load, unload
 *	pool.c      contexts of a base, one for each inference under way
 *	request.c   the JSON of a request
 *	generate.c  prompt and tokens through a context
 *	answer.c    the JSON of an answer
 *
 * A base is loaded once; adapters share its weights. An adapter is set on a whole
 * context, so requests for different adapters never share a batch.
 */
#ifndef TOOLS_WORKER_LLAMA_LLAMA_WORKER_H
#define TOOLS_WORKER_LLAMA_LLAMA_WORKER_H

#include <llama.h>
#include <pthread.h>

#include "engine/base/bytes.h"
#include "replica/agent/worker.h"

enum {
	LLAMA_WORKER_CONTEXT_DEFAULT = 4096, /* tokens; memory grows with it */
	LLAMA_WORKER_BATCH_MAX = 512,        /* tokens of one decode */
	LLAMA_WORKER_PREDICT_DEFAULT = 16,
};

/* The program. */
struct llama_worker {
	/* To offload to, NULL at the end; used unless `all_devices`. */
	ggml_backend_dev_t offload[CADRE_WORKER_DEVICES_MAX + 1];
	bool all_devices;
	unsigned inferences_max;
	int32_t threads; /* of one inference */
};

struct llama_pooled {
	struct llama_context *ctx;
	struct llama_adapter_lora *adapter; /* set on it; NULL: none */
	float scale;
	bool busy;
};

/* A base model's weights and the contexts on them. */
struct llama_base {
	struct llama_model *model;
	const struct llama_vocab *vocab;
	int32_t vocab_size;
	bool has_text;
	uint32_t context_tokens;
	int32_t threads;
	pthread_mutex_t lock; /* pool */
	struct llama_pooled *pool;
	unsigned pool_size;
};

/* What a name stands for: a base, or a base with an adapter on it. */
struct llama_member {
	struct llama_base *base;
	struct llama_adapter_lora *adapter; /* NULL: this is the base itself */
	float scale;
};

/* ---- devices.c ---- */

/* Loads ggml's backends; `names` is "cpu", or ggml's names with commas, or NULL for
 * all. */
CADRE_MUST_CHECK enum cadre_status llama_worker_devices_init(struct llama_worker *worker,
                                                             const char *names,
                                                             struct cadre_error *err);
/* Hello and Status. */
enum cadre_status llama_worker_facts(void *ctx, struct cadre_worker_facts *ret_facts,
                                     struct cadre_error *err);
/* Writes llama.cpp's warnings and errors to standard error. */
void llama_worker_log_init(void);
/* The first error that llama.cpp has logged on this thread since the last call; "" when
 * there is none. */
const char *llama_worker_take_error(void);

/* ---- models.c ---- */

enum cadre_status llama_worker_load(void *ctx, const struct cadre_worker_load *load,
                                    void **ret_model, uint64_t *ret_bytes,
                                    struct cadre_error *err);
void llama_worker_unload(void *ctx, void *model);

/* ---- pool.c ---- */

/* A cleared context with the member's adapter; at most `pool_size` at once. */
CADRE_MUST_CHECK enum cadre_status llama_pool_take(struct llama_member *member,
                                                   struct llama_pooled **ret_pooled,
                                                   struct cadre_error *err);
void llama_pool_give_back(struct llama_base *base, struct llama_pooled *pooled);
/* Takes an adapter off all contexts; none of them is busy with it. */
void llama_pool_forget(struct llama_base *base, struct llama_adapter_lora *adapter);
void llama_pool_fini(struct llama_base *base);

/* ---- request.c ---- */

struct llama_request {
	llama_token *tokens; /* of the prompt */
	size_t token_count;
	uint32_t predict; /* at most so many */
	bool logits;
	bool stream;
	float temperature; /* 0: always the most likely token */
	uint32_t seed;
};

/* Reads and checks; a prompt becomes tokens. */
CADRE_MUST_CHECK enum cadre_status llama_request_read(const struct llama_base *base,
                                                      struct cadre_slice payload,
                                                      struct llama_request *ret_request,
                                                      struct cadre_error *err);
void llama_request_fini(struct llama_request *request);

/* ---- generate.c ---- */

enum cadre_status llama_worker_infer(void *ctx, void *model, struct cadre_slice payload,
                                     struct cadre_worker_stream *stream,
                                     struct cadre_error *err);

/* ---- answer.c ---- */

/* An answer being made: a line of JSON for each token when streaming, one at the end. */
struct llama_answer {
	const struct llama_base *base;
	struct cadre_worker_stream *stream;
	llama_token *tokens;
	size_t count;
	size_t capacity;
	struct cadre_buffer text;  /* all of it, valid UTF-8 */
	struct cadre_buffer piece; /* bytes whose character is not complete */
	float *logits;             /* of the first token; NULL: not asked for */
	size_t prompt_tokens;
	const char *stop; /* "length" or "end" */
};

void llama_answer_init(struct llama_answer *answer, const struct llama_base *base,
                       struct cadre_worker_stream *stream);
void llama_answer_fini(struct llama_answer *answer);
/* Adds a token; with `send` also emits its line. */
CADRE_MUST_CHECK enum cadre_status llama_answer_add(struct llama_answer *answer,
                                                    llama_token token, bool send,
                                                    struct cadre_error *err);
/* Emits the last line. */
CADRE_MUST_CHECK enum cadre_status llama_answer_end(struct llama_answer *answer,
                                                    struct cadre_error *err);

#endif
