/* Operations as bytes: packed once, sent in every attempt. */
#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "proto/codec/limits.h"
#include "replica/rpc/client_internal.h"

/* Field 10 of Request, length-delimited. */
#define OPS_TAG 0x52u

static size_t varint_bytes(size_t value)
{
	size_t bytes = 1;

	for (; value >= 0x80; value >>= 7)
		bytes++;
	return bytes;
}

static uint8_t *put_varint(uint8_t *at, size_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static enum cadre_status no_memory(struct cadre_client_answer *call)
{
	return cadre_error_set(&call->err, CADRE_OUT_OF_MEMORY,
	                       "no memory for the operations");
}

static enum cadre_status pack(struct cadre_client_answer *call, const Cadre__V1__Op *ops,
                              size_t count)
{
	size_t total = 0;
	uint8_t *at;

	for (size_t i = 0; i < count; i++) {
		size_t size;
		if (!protobuf_c_message_check(&ops[i].base))
			return cadre_error_set(&call->err, CADRE_INVALID_PARAMETER,
			                       "ops[%zu]: a required field is missing",
			                       i);
		size = protobuf_c_message_get_packed_size(&ops[i].base);
		total += 1 + varint_bytes(size) + size;
	}
	if (total > CADRE_MESSAGE_BYTES_MAX - 4096)
		return cadre_error_set(&call->err, CADRE_TOO_LARGE,
		                       "operations of %zu bytes, at most %d", total,
		                       CADRE_MESSAGE_BYTES_MAX - 4096);
	at = cadre_arena_alloc(&call->arena, total + 1);
	if (!at)
		return no_memory(call);
	call->ops = at;
	call->ops_bytes = total;
	call->op_count = count;
	for (size_t i = 0; i < count; i++) {
		*at++ = OPS_TAG;
		at = put_varint(at, protobuf_c_message_get_packed_size(&ops[i].base));
		at += protobuf_c_message_pack(&ops[i].base, at);
	}
	CADRE_ASSERT(at == call->ops + total);
	return CADRE_OK;
}

static char *make_token(struct cadre_client_answer *call)
{
	struct cadre_env *env = call->client->env;
	uint8_t random[CLIENT_TOKEN_CHARS / 2];
	char *token = cadre_arena_alloc(&call->arena, CLIENT_TOKEN_CHARS + 1);

	env->ops->random(env, random, sizeof random);
	if (token)
		cadre_hex_encode(random, sizeof random, token);
	return token;
}

/* The batch's token, or that of its only command; made when there is none. */
static enum cadre_status give_token(struct cadre_client_answer *call, Cadre__V1__Op *op,
                                    const char **ret_token)
{
	Cadre__V1__Batch *batch;

	*ret_token = op->batch->retry_token;
	if (!*ret_token && op->batch->n_commands == 1)
		*ret_token = op->batch->commands[0]->retry_token;
	if (*ret_token) {
		*ret_token = cadre_arena_strdup(&call->arena,
		                                cadre_slice_text(*ret_token));
		return *ret_token ? CADRE_OK : no_memory(call);
	}
	batch = cadre_arena_alloc(&call->arena, sizeof *batch);
	if (!batch)
		return no_memory(call);
	*batch = *op->batch;
	batch->retry_token = make_token(call);
	op->batch = batch;
	*ret_token = batch->retry_token;
	return *ret_token ? CADRE_OK : no_memory(call);
}

enum cadre_status client_pack_ops(struct cadre_client_answer *call,
                                  const Cadre__V1__Op *const *ops, size_t count)
{
	Cadre__V1__Op *copies;

	if (count < 1 || count > CADRE_COMMANDS_PER_MESSAGE_MAX)
		return cadre_error_set(&call->err, CADRE_INVALID_PARAMETER,
		                       "%zu operations, 1 to %d", count,
		                       CADRE_COMMANDS_PER_MESSAGE_MAX);
	copies = cadre_arena_alloc(&call->arena, count * sizeof *copies);
	call->tokens = cadre_arena_alloc(&call->arena, count * sizeof *call->tokens);
	if (!copies || !call->tokens)
		return no_memory(call);
	call->token_count = count;
	for (size_t i = 0; i < count; i++) {
		bool batch = ops[i]->body_case == CADRE__V1__OP__BODY_BATCH;
		copies[i] = *ops[i];
		call->tokens[i] = NULL;
		call->has_batch = call->has_batch || batch;
		call->has_read = call->has_read || !batch;
		if (batch && give_token(call, &copies[i], &call->tokens[i]) != CADRE_OK)
			return call->err.status;
	}
	return pack(call, copies, count);
}

enum cadre_status client_pack_outcomes(struct cadre_client_answer *call)
{
	size_t count = 0;
	Cadre__V1__Op *ops = cadre_arena_alloc(&call->arena,
	                                       call->op_count * sizeof *ops);
	Cadre__V1__Outcome *outcomes =
	        cadre_arena_alloc(&call->arena, call->op_count * sizeof *outcomes);

	if (!ops || !outcomes)
		return no_memory(call);
	for (size_t i = 0; i < call->token_count; i++) {
		if (!call->tokens[i])
			continue;
		cadre__v1__op__init(&ops[count]);
		cadre__v1__outcome__init(&outcomes[count]);
		outcomes[count].retry_token = (char *)(uintptr_t)call->tokens[i];
		ops[count].body_case = CADRE__V1__OP__BODY_OUTCOME;
		ops[count].outcome = &outcomes[count];
		count++;
	}
	return pack(call, ops, count);
}
