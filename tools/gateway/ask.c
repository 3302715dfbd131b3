#include "tools/gateway/ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/domain/domain.h"
#include "tools/gateway/position.h"

static enum cadre_status keep(struct gateway_request *request,
                              struct cadre_client_answer *answer)
{
	if (!answer)
		return cadre_error_set(&request->err, CADRE_OUT_OF_MEMORY,
		                       "out of memory");
	if (request->answer_count == GATEWAY_ANSWERS_MAX) {
		cadre_client_answer_free(answer);
		return cadre_error_set(&request->err, CADRE_INTERNAL,
		                       "more than %u questions for one request",
		                       GATEWAY_ANSWERS_MAX);
	}
	request->answers[request->answer_count++] = answer;
	return CADRE_OK;
}

static enum cadre_status call(struct gateway_request *request,
                              const Cadre__V1__Op *const *ops, size_t count,
                              struct cadre_client_answer **ret_answer)
{
	const struct cadre_client_call_options options = {
		.timeout_ms = request->gateway->call_ms,
		.on_behalf_of = request->actor.local ? NULL : request->actor.principal,
	};
	struct cadre_client_answer *answer = NULL;
	const Cadre__V1__Response *response;
	enum cadre_status status = gateway_position_wait(request);

	if (status != CADRE_OK)
		return status;
	cadre_client_call(request->gateway->client, ops, count, &options, &answer);
	status = keep(request, answer);
	if (status != CADRE_OK)
		return status;
	response = cadre_client_answer_response(answer);
	if (response)
		gateway_position_note(request, response->position);
	*ret_answer = answer;
	return CADRE_OK;
}

/* A refusal of the first operation that was refused. */
static enum cadre_status judge(struct gateway_request *request,
                               const struct cadre_client_answer *answer)
{
	enum cadre_status status = (enum cadre_status)cadre_client_answer_status(answer);

	if (status == CADRE_OK)
		return CADRE_OK;
	return cadre_error_set(&request->err, status, "%s",
	                       cadre_client_answer_message(answer));
}

static enum cadre_status take_results(struct gateway_request *request,
                                      const struct cadre_client_answer *answer,
                                      size_t count, Cadre__V1__Result ***ret_results)
{
	const Cadre__V1__Response *response = cadre_client_answer_response(answer);
	enum cadre_status status;

	if (response && response->n_results == count) {
		*ret_results = response->results;
		return CADRE_OK;
	}
	status = judge(request, answer);
	if (status != CADRE_OK)
		return status;
	return cadre_error_set(&request->err, CADRE_INTERNAL,
	                       "an answer without results");
}

enum cadre_status gateway_ask_each(struct gateway_request *request,
                                   const Cadre__V1__Op *const *ops, size_t count,
                                   Cadre__V1__Result ***ret_results)
{
	struct cadre_client_answer *answer = NULL;
	enum cadre_status status = call(request, ops, count, &answer);

	if (status == CADRE_OK)
		status = take_results(request, answer, count, ret_results);
	return status;
}

enum cadre_status gateway_ask(struct gateway_request *request,
                              const Cadre__V1__Op *const *ops, size_t count,
                              Cadre__V1__Result ***ret_results)
{
	struct cadre_client_answer *answer = NULL;
	enum cadre_status status = call(request, ops, count, &answer);

	if (status == CADRE_OK)
		status = judge(request, answer);
	if (status == CADRE_OK)
		status = take_results(request, answer, count, ret_results);
	return status;
}

enum cadre_status gateway_ask_one(struct gateway_request *request,
                                  const Cadre__V1__Op *op,
                                  const Cadre__V1__Result **ret_result)
{
	const Cadre__V1__Op *const ops[] = { op };
	Cadre__V1__Result **results = NULL;
	enum cadre_status status = gateway_ask(request, ops, 1, &results);

	if (status == CADRE_OK)
		*ret_result = results[0];
	return status;
}

/* ---- resources ---- */

static enum cadre_status not_found(struct gateway_request *request, const char *id)
{
	return cadre_error_set(&request->err, CADRE_NOT_FOUND,
	                       "\"%.255s\" does not exist, or you may not see it", id);
}

enum cadre_status gateway_get_any(struct gateway_request *request, const char *id,
                                  const Cadre__V1__ResourceInfo **ret_info)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Get get = CADRE__V1__GET__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_GET;
	op.get = &get;
	get.id = (char *)(uintptr_t)id;
	get.has_with_members = true;
	get.with_members = true;
	status = gateway_ask_one(request, &op, &result);
	if (status == CADRE_NOT_FOUND)
		return not_found(request, id);
	if (status != CADRE_OK)
		return status;
	/* The RPC takes names too; a path does not. */
	if (strcmp(result->resource->resource->ocid, id) != 0)
		return not_found(request, id);
	*ret_info = result->resource;
	return CADRE_OK;
}

enum cadre_status gateway_get(struct gateway_request *request, const char *id,
                              Cadre__V1__Kind kind,
                              const Cadre__V1__ResourceInfo **ret_info)
{
	enum cadre_status status = gateway_get_any(request, id, ret_info);

	if (status == CADRE_OK && (*ret_info)->resource->kind != kind)
		return not_found(request, id);
	return status;
}

/* ---- changes ---- */

/* Some clients put quotes around an etag, "*" means any. */
static enum cadre_status if_match(struct gateway_request *request,
                                  Cadre__V1__Command *command)
{
	const char *given = gateway_header(request, "if-match");
	size_t length = given ? strlen(given) : 0;
	struct cadre_slice etag = cadre_slice(given, length);

	if (length == 0 || strcmp(given, "*") == 0)
		return CADRE_OK;
	if (length >= 2 && given[0] == '"' && given[length - 1] == '"')
		etag = cadre_slice(given + 1, length - 2);
	command->if_match = cadre_arena_strdup(&request->arena, etag);
	return command->if_match ? CADRE_OK
	                         : cadre_error_set(&request->err, CADRE_OUT_OF_MEMORY,
	                                           "out of memory");
}

/* Whoever sends the same again with it gets to know. */
static void tell_token(struct gateway_request *request,
                       const struct cadre_client_answer *answer)
{
	const char *token = cadre_client_answer_retry_token(answer, 0);

	if (token)
		cadre_error_prefix(&request->err,
		                   "it is not known whether this took effect: send it "
		                   "again with opc-retry-token: %.64s; ",
		                   token);
}

static enum cadre_status send(struct gateway_request *request, Cadre__V1__Batch *batch,
                              const Cadre__V1__CommandResult **ret_result)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	const Cadre__V1__Op *const ops[] = { &op };
	struct cadre_client_answer *answer = NULL;
	Cadre__V1__Result **results = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_BATCH;
	op.batch = batch;
	status = call(request, ops, 1, &answer);
	if (status == CADRE_OK)
		status = judge(request, answer);
	if (cadre_client_answer_outcome(answer) == CADRE_CLIENT_UNKNOWN)
		tell_token(request, answer);
	if (status == CADRE_OK)
		status = take_results(request, answer, 1, &results);
	if (status != CADRE_OK)
		return status;
	if (cadre_client_answer_by_token(answer))
		*ret_result = results[0]->outcome;
	else if (results[0]->batch->n_results == 1)
		*ret_result = results[0]->batch->results[0];
	else
		return cadre_error_set(&request->err, CADRE_INTERNAL,
		                       "a change without a result");
	return CADRE_OK;
}

enum cadre_status gateway_submit(struct gateway_request *request,
                                 Cadre__V1__Command *command,
                                 const Cadre__V1__CommandResult **ret_result)
{
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;
	enum cadre_status status = if_match(request, command);

	if (status == CADRE_OK)
		status = cadre_command_check(command, &request->err);
	if (status != CADRE_OK)
		return status;
	batch.commands = &command;
	batch.n_commands = 1;
	batch.retry_token = (char *)(uintptr_t)gateway_header(request, "opc-retry-token");
	return send(request, &batch, ret_result);
}

enum cadre_status gateway_submit_and_get(struct gateway_request *request,
                                         Cadre__V1__Command *command,
                                         Cadre__V1__Kind kind,
                                         const Cadre__V1__CommandResult **ret_result,
                                         const Cadre__V1__ResourceInfo **ret_info)
{
	enum cadre_status status = gateway_submit(request, command, ret_result);

	if (status != CADRE_OK)
		return status;
	status = gateway_get(request, (*ret_result)->id, kind, ret_info);
	/* What is done is done: a client that sends again with its token sees it. */
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(&request->err, CADRE_INCORRECT_STATE,
		                       "\"%.255s\" is gone again", (*ret_result)->id);
	return status;
}
