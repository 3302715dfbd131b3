#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "tools/worker-llama/llama_worker.h"

#define PIECE_BYTES_MAX 512
#define REPLACEMENT "\xEF\xBF\xBD"

void llama_answer_init(struct llama_answer *answer, const struct llama_base *base,
                       struct cadre_worker_stream *stream)
{
	*answer =
	        (struct llama_answer){ .base = base, .stream = stream, .stop = "length" };
}

void llama_answer_fini(struct llama_answer *answer)
{
	free(answer->tokens);
	free(answer->logits);
	cadre_buffer_fini(&answer->text);
	cadre_buffer_fini(&answer->piece);
}

static enum cadre_status no_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for an answer");
}

/* The bytes that a character with this first byte has; 0: it begins none. */
static size_t character_bytes(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xC2 && first < 0xE0)
		return 2;
	if (first >= 0xE0 && first < 0xF0)
		return 3;
	return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

/* Moves whole characters from `piece` to `text`, something else as U+FFFD; the rest may
 * become one, unless this is the `end`. */
static enum cadre_status settle_text(struct llama_answer *answer, bool end)
{
	const uint8_t *data = answer->piece.data;
	size_t length = answer->piece.length;
	size_t at = 0;
	enum cadre_status status = CADRE_OK;

	while (at < length && status == CADRE_OK) {
		size_t bytes = character_bytes(data[at]);
		if (bytes > length - at && !end)
			break;
		if (bytes > 0 && bytes <= length - at &&
		    cadre_utf8_check(data + at, bytes, NULL)) {
			status = cadre_buffer_append(&answer->text, data + at, bytes);
			at += bytes;
		} else {
			status = cadre_buffer_append(&answer->text, REPLACEMENT,
			                             sizeof REPLACEMENT - 1);
			at++;
		}
	}
	if (at > 0) {
		memmove(answer->piece.data, data + at, length - at);
		answer->piece.length = length - at;
	}
	return status;
}

static enum cadre_status add_text(struct llama_answer *answer, llama_token token)
{
	char piece[PIECE_BYTES_MAX];
	int32_t length;

	if (!answer->base->has_text)
		return CADRE_OK;
	length = llama_token_to_piece(answer->base->vocab, token, piece, sizeof piece, 0,
	                              false);
	if (length <= 0)
		return CADRE_OK;
	if (cadre_buffer_append(&answer->piece, piece, (size_t)length) != CADRE_OK)
		return CADRE_OUT_OF_MEMORY;
	return settle_text(answer, false);
}

/* Takes `object`; NULL is a failure before. */
static enum cadre_status emit(struct llama_answer *answer, json_t *object, bool last,
                              struct cadre_error *err)
{
	char *line = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9))
	                    : NULL;
	size_t length = line ? strlen(line) : 0;
	enum cadre_status status;

	json_decref(object);
	if (!line)
		return no_memory(err);
	line[length] = '\n'; /* in place of the NUL */
	status = last ? cadre_worker_emit_last(answer->stream,
	                                       cadre_slice(line, length + 1), err)
	              : cadre_worker_emit(answer->stream, cadre_slice(line, length + 1),
	                                  err);
	free(line);
	return status;
}

static bool set_tokens(json_t *object, const llama_token *tokens, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++) {
		if (json_array_append_new(list, json_integer(tokens[i])) != 0) {
			json_decref(list);
			return false;
		}
	}
	return json_object_set_new(object, "tokens", list) == 0;
}

static bool set_text(json_t *object, const struct llama_answer *answer, size_t from)
{
	if (!answer->base->has_text)
		return true;
	return json_object_set_new(object, "text",
	                           json_stringn((const char *)answer->text.data + from,
	                                        answer->text.length - from)) == 0;
}

static enum cadre_status emit_token(struct llama_answer *answer, size_t text_from,
                                    struct cadre_error *err)
{
	json_t *object = json_object();

	if (object && set_tokens(object, &answer->tokens[answer->count - 1], 1) &&
	    set_text(object, answer, text_from))
		return emit(answer, object, false, err);
	json_decref(object);
	return no_memory(err);
}

enum cadre_status llama_answer_add(struct llama_answer *answer, llama_token token,
                                   bool send, struct cadre_error *err)
{
	size_t text_from = answer->text.length;

	if (answer->count == answer->capacity) {
		size_t capacity = answer->capacity ? answer->capacity * 2 : 64;
		llama_token *tokens = realloc(answer->tokens,
		                              capacity * sizeof tokens[0]);
		if (!tokens)
			return no_memory(err);
		answer->tokens = tokens;
		answer->capacity = capacity;
	}
	answer->tokens[answer->count++] = token;
	if (add_text(answer, token) != CADRE_OK)
		return no_memory(err);
	return send ? emit_token(answer, text_from, err) : CADRE_OK;
}

static bool set_logits(json_t *object, const struct llama_answer *answer)
{
	json_t *list = answer->logits ? json_array() : NULL;

	if (!answer->logits)
		return true;
	for (int32_t i = 0; list && i < answer->base->vocab_size; i++) {
		if (json_array_append_new(list, json_real((double)answer->logits[i])) !=
		    0) {
			json_decref(list);
			return false;
		}
	}
	return json_object_set_new(object, "logits", list) == 0;
}

enum cadre_status llama_answer_end(struct llama_answer *answer, struct cadre_error *err)
{
	json_t *object = json_object();

	if (settle_text(answer, true) == CADRE_OK && object &&
	    json_object_set_new(object, "done", json_true()) == 0 &&
	    set_tokens(object, answer->tokens, answer->count) &&
	    set_text(object, answer, 0) &&
	    json_object_set_new(object, "prompt_tokens",
	                        json_integer((json_int_t)answer->prompt_tokens)) == 0 &&
	    json_object_set_new(object, "stop", json_string(answer->stop)) == 0 &&
	    set_logits(object, answer))
		return emit(answer, object, true, err);
	json_decref(object);
	return no_memory(err);
}
