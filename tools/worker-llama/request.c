#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "tools/worker-llama/llama_worker.h"

#define TEMPERATURE_MAX 100.0

static enum cadre_status read_tokens(const struct llama_base *base, const json_t *list,
                                     struct llama_request *request,
                                     struct cadre_error *err)
{
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count == 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "tokens: must be a list with at least one token");
	if (count > base->context_tokens)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "tokens: %zu, the context holds %u", count,
		                       (unsigned)base->context_tokens);
	request->tokens = calloc(count, sizeof request->tokens[0]);
	if (!request->tokens)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %zu tokens", count);
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);
		json_int_t token = json_is_integer(item) ? json_integer_value(item) : -1;
		if (token < 0 || token >= base->vocab_size)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "tokens[%zu]: must be 0 to %d", i,
			                       (int)base->vocab_size - 1);
		request->tokens[i] = (llama_token)token;
	}
	request->token_count = count;
	return CADRE_OK;
}

static enum cadre_status read_prompt(const struct llama_base *base, const json_t *prompt,
                                     struct llama_request *request,
                                     struct cadre_error *err)
{
	size_t length = json_string_length(prompt);
	int32_t capacity = (int32_t)base->context_tokens;
	int32_t count;

	if (!json_is_string(prompt))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "prompt: must be a text");
	if (!base->has_text)
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "prompt: this model has no tokenizer, give tokens");
	request->tokens = calloc((size_t)capacity, sizeof request->tokens[0]);
	if (!request->tokens)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %d tokens", (int)capacity);
	count = llama_tokenize(base->vocab, json_string_value(prompt), (int32_t)length,
	                       request->tokens, capacity, true, false);
	if (count < 0)
		return cadre_error_set(err, CADRE_TOO_LARGE,
		                       "prompt: %ld tokens, the context holds %d",
		                       -(long)count, (int)capacity);
	if (count == 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER, "prompt: is empty");
	request->token_count = (size_t)count;
	return CADRE_OK;
}

static enum cadre_status read_flag(const json_t *value, const char *name, bool *ret,
                                   struct cadre_error *err)
{
	if (!json_is_boolean(value))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "%s: must be true or false", name);
	*ret = json_is_true(value);
	return CADRE_OK;
}

static enum cadre_status read_count(const json_t *value, const char *name, uint32_t *ret,
                                    struct cadre_error *err)
{
	json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;

	if (number < 0 || number > UINT32_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "%s: must be an integer from 0 to 4294967295",
		                       name);
	*ret = (uint32_t)number;
	return CADRE_OK;
}

static enum cadre_status read_temperature(const json_t *value,
                                          struct llama_request *request,
                                          struct cadre_error *err)
{
	double number = json_is_number(value) ? json_number_value(value) : -1;

	if (!(number >= 0 && number <= TEMPERATURE_MAX))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "temperature: must be a number from 0 to %g",
		                       TEMPERATURE_MAX);
	request->temperature = (float)number;
	return CADRE_OK;
}

static enum cadre_status read_field(const struct llama_base *base, const char *name,
                                    const json_t *value, struct llama_request *request,
                                    struct cadre_error *err)
{
	if (strcmp(name, "tokens") == 0 || strcmp(name, "prompt") == 0) {
		if (request->tokens)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "give tokens or prompt, not both");
		return name[0] == 't' ? read_tokens(base, value, request, err)
		                      : read_prompt(base, value, request, err);
	}
	if (strcmp(name, "n_predict") == 0)
		return read_count(value, name, &request->predict, err);
	if (strcmp(name, "seed") == 0)
		return read_count(value, name, &request->seed, err);
	if (strcmp(name, "logits") == 0)
		return read_flag(value, name, &request->logits, err);
	if (strcmp(name, "stream") == 0)
		return read_flag(value, name, &request->stream, err);
	if (strcmp(name, "temperature") == 0)
		return read_temperature(value, request, err);
	if (strcmp(name, "model") == 0) /* whoever routed the request has read it */
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "\"%.64s\" is unknown; there are tokens, prompt, "
	                       "n_predict, logits, stream, temperature, seed",
	                       name);
}

static enum cadre_status read_fields(const struct llama_base *base, json_t *root,
                                     struct llama_request *request,
                                     struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (void *at = json_object_iter(root); at && status == CADRE_OK;
	     at = json_object_iter_next(root, at))
		status = read_field(base, json_object_iter_key(at),
		                    json_object_iter_value(at), request, err);
	if (status != CADRE_OK)
		return status;
	if (!request->tokens)
		return cadre_error_set(err, CADRE_MISSING_PARAMETER,
		                       "give tokens or prompt");
	if (request->token_count + request->predict > base->context_tokens)
		return cadre_error_set(
		        err, CADRE_TOO_LARGE,
		        "%zu tokens and %u to predict, the context holds %u",
		        request->token_count, (unsigned)request->predict,
		        (unsigned)base->context_tokens);
	return CADRE_OK;
}

enum cadre_status llama_request_read(const struct llama_base *base,
                                     struct cadre_slice payload,
                                     struct llama_request *ret_request,
                                     struct cadre_error *err)
{
	struct llama_request request = { .predict = LLAMA_WORKER_PREDICT_DEFAULT };
	json_error_t error;
	json_t *root = json_loadb((const char *)payload.data, payload.length,
	                          JSON_REJECT_DUPLICATES, &error);
	enum cadre_status status;

	if (!json_is_object(root)) {
		json_decref(root);
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "the payload must be a JSON object%s%s",
		                       root ? "" : ": ", root ? "" : error.text);
	}
	status = read_fields(base, root, &request, err);
	json_decref(root);
	if (status == CADRE_OK)
		*ret_request = request;
	else
		llama_request_fini(&request);
	return status;
}

void llama_request_fini(struct llama_request *request)
{
	free(request->tokens);
	request->tokens = NULL;
}
