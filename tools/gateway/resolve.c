/* What OCI does not have: what a key means and meant, and what differs. Targets are
 * groups, histories (their latest) and deployments (what they serve). */
#include <stdlib.h>

#include "tools/common/json_message.h"
#include "tools/gateway/operations.h"

static enum cadre_status answer_message(struct gateway_request *request,
                                        const ProtobufCMessage *message)
{
	return cadre_json_put_message(gateway_answer_json(request, 200), message,
	                              &request->err);
}

/* A seq, or a time as 2026-11-22T14:40:24Z. */
static enum cadre_status read_moment(struct gateway_request *request,
                                     Cadre__V1__Resolve *resolve)
{
	const char *text = gateway_query(request, "at");
	cadre_time_ms time = 0;
	char *end = NULL;

	if (!text)
		return CADRE_OK;
	if (cadre_time_parse(text, &time)) {
		resolve->has_at_time_ms = true;
		resolve->at_time_ms = time;
		return CADRE_OK;
	}
	resolve->has_at_seq = true;
	resolve->at_seq = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && strlen(text) < 20)
		return CADRE_OK;
	return cadre_error_set(&request->err, CADRE_INVALID_PARAMETER,
	                       "at: \"%.64s\" is neither a seq nor a time such as "
	                       "2026-11-22T14:40:24Z",
	                       text);
}

static enum cadre_status required(struct gateway_request *request, const char *name,
                                  char **ret_text)
{
	const char *text = NULL;
	enum cadre_status status = gateway_query_required(request, name, &text);

	*ret_text = (char *)(uintptr_t)text;
	return status;
}

enum cadre_status gateway_resolve(struct gateway_request *request)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Resolve resolve = CADRE__V1__RESOLVE__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status = required(request, "target", &resolve.target);

	if (status == CADRE_OK)
		status = required(request, "key", &resolve.key);
	if (status == CADRE_OK)
		status = read_moment(request, &resolve);
	if (status != CADRE_OK)
		return status;
	op.body_case = CADRE__V1__OP__BODY_RESOLVE;
	op.resolve = &resolve;
	status = gateway_ask_one(request, &op, &result);
	return status == CADRE_OK ? answer_message(request, &result->resolve->base)
	                          : status;
}

enum cadre_status gateway_key_log(struct gateway_request *request)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__KeyLog log = CADRE__V1__KEY_LOG__INIT;
	const Cadre__V1__Result *result = NULL;
	uint64_t limit = 0;
	enum cadre_status status = required(request, "target", &log.target);

	if (status == CADRE_OK)
		status = required(request, "key", &log.key);
	if (status == CADRE_OK)
		status = gateway_query_number(request, "limit", 100, 1, 1000, &limit);
	if (status == CADRE_OK)
		status = gateway_query_number(request, "page", 0, 1, UINT64_MAX,
		                              &log.before_seq);
	if (status != CADRE_OK)
		return status;
	log.has_before_seq = log.before_seq > 0;
	log.has_limit = true;
	log.limit = (uint32_t)limit;
	op.body_case = CADRE__V1__OP__BODY_KEY_LOG;
	op.key_log = &log;
	status = gateway_ask_one(request, &op, &result);
	if (status != CADRE_OK)
		return status;
	if (result->key_log->has_next_before_seq)
		gateway_answer_header(
		        request, "opc-next-page",
		        gateway_text(
		                request, "%llu",
		                (unsigned long long)result->key_log->next_before_seq));
	return answer_message(request, &result->key_log->base);
}

enum cadre_status gateway_diff(struct gateway_request *request)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Diff diff = CADRE__V1__DIFF__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status = required(request, "from", &diff.from);

	if (status == CADRE_OK)
		status = required(request, "to", &diff.to);
	if (status != CADRE_OK)
		return status;
	op.body_case = CADRE__V1__OP__BODY_DIFF;
	op.diff = &diff;
	status = gateway_ask_one(request, &op, &result);
	return status == CADRE_OK ? answer_message(request, &result->diff->base) : status;
}

enum cadre_status gateway_status(struct gateway_request *request)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__StatusQuery query = CADRE__V1__STATUS_QUERY__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_STATUS;
	op.status = &query;
	status = gateway_ask_one(request, &op, &result);
	return status == CADRE_OK ? answer_message(request, &result->node_status->base)
	                          : status;
}
