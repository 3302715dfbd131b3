/* Listings: OCI's filters, order and pages. */
#include <stdlib.h>

#include "tools/common/oci_write.h"
#include "tools/gateway/operations.h"

#define LIMIT_DEFAULT 50u
#define LIMIT_MAX 100u
#define PAGE_BYTES_MAX 512u

const char *gateway_page_text(struct gateway_request *request, const void *bytes,
                              size_t length)
{
	char *text = gateway_alloc(request, 2 * length + 1);

	if (text)
		cadre_hex_encode(bytes, length, text);
	return text;
}

enum cadre_status gateway_page_read(struct gateway_request *request,
                                    struct cadre_slice *ret_page)
{
	const char *text = gateway_query(request, "page");
	size_t length = text ? strlen(text) : 0;
	uint8_t *bytes;

	*ret_page = cadre_slice(NULL, 0);
	if (!text)
		return CADRE_OK;
	bytes = gateway_alloc(request, length / 2 + 1);
	if (!bytes)
		return request->err.status;
	if (length % 2 != 0 || length > 2 * (size_t)PAGE_BYTES_MAX ||
	    !cadre_hex_decode(text, bytes, length / 2))
		return cadre_error_set(&request->err, CADRE_INVALID_PARAMETER,
		                       "page: \"%.80s\" is no page that was given here",
		                       text);
	*ret_page = cadre_slice(bytes, length / 2);
	return CADRE_OK;
}

static enum cadre_status read_order(struct gateway_request *request,
                                    Cadre__V1__ListResources *list)
{
	static const char *const keys[] = { "timeCreated", "displayName",
		                            "lifecycleState", NULL };
	static const char *const orders[] = { "ASC", "DESC", NULL };
	int key = 0;
	int order = 0;
	enum cadre_status status = gateway_query_choice(request, "sortBy", keys, 0, &key);

	if (status == CADRE_OK)
		status = gateway_query_choice(request, "sortOrder", orders,
		                              key == 0 ? 1 : 0, &order);
	list->has_sort = list->has_descending = true;
	list->sort = (uint32_t)key;
	list->descending = order == 1;
	return status;
}

static enum cadre_status read_state(struct gateway_request *request,
                                    Cadre__V1__ListResources *list)
{
	const ProtobufCEnumDescriptor *states = &cadre__v1__lifecycle_state__descriptor;
	const char *text = gateway_query(request, "lifecycleState");
	const ProtobufCEnumValue *value;

	if (!text)
		return CADRE_OK;
	value = protobuf_c_enum_descriptor_get_value_by_name(states, text);
	if (!value)
		return cadre_error_set(&request->err, CADRE_INVALID_PARAMETER,
		                       "lifecycleState: \"%.64s\" is no state", text);
	list->has_lifecycle_state = true;
	list->lifecycle_state = (Cadre__V1__LifecycleState)value->value;
	return CADRE_OK;
}

static char *text_of(const struct gateway_request *request, const char *name)
{
	return (char *)(uintptr_t)gateway_query(request, name);
}

static enum cadre_status read_query(struct gateway_request *request,
                                    Cadre__V1__ListResources *list)
{
	const char *compartment = NULL;
	uint64_t limit = 0;
	struct cadre_slice page;
	enum cadre_status status = gateway_query_required(request, "compartmentId",
	                                                  &compartment);

	if (status == CADRE_OK)
		status = gateway_query_number(request, "limit", LIMIT_DEFAULT, 1,
		                              LIMIT_MAX, &limit);
	if (status == CADRE_OK)
		status = read_order(request, list);
	if (status == CADRE_OK)
		status = read_state(request, list);
	if (status == CADRE_OK)
		status = gateway_page_read(request, &page);
	if (status != CADRE_OK)
		return status;
	list->compartment_id = (char *)(uintptr_t)compartment;
	list->project_id = text_of(request, "projectId");
	list->display_name = text_of(request, "displayName");
	list->created_by = text_of(request, "createdBy");
	if (list->kind == CADRE__V1__KIND__KIND_GROUP)
		list->history = text_of(request, "modelGroupVersionHistoryId");
	list->has_limit = true;
	list->limit = (uint32_t)limit;
	list->has_page = page.length > 0;
	list->page.data = (uint8_t *)(uintptr_t)page.data;
	list->page.len = page.length;
	return CADRE_OK;
}

static bool same(const char *wanted, const char *found)
{
	return !wanted || (found && strcmp(wanted, found) == 0);
}

/* The filters that the cluster would look at. */
static bool passes(const Cadre__V1__ListResources *list,
                   const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__Resource *resource = info->resource;

	return resource->kind == list->kind &&
	       same(list->compartment_id, resource->compartment_id) &&
	       same(list->project_id, resource->project_id) &&
	       same(list->display_name, resource->display_name) &&
	       same(list->created_by, resource->created_by) &&
	       same(list->history, info->history_id) &&
	       (!list->has_lifecycle_state ||
	        list->lifecycle_state == resource->lifecycle_state);
}

static void put(struct gateway_request *request, const Cadre__V1__ResourceInfo *info)
{
	struct cadre_oci_style style = { .summary = true };

	if (info->resource->kind == CADRE__V1__KIND__KIND_DEPLOYMENT)
		style.deployment_url = gateway_deployment_url(request,
		                                              info->resource->ocid);
	cadre_oci_put_styled(&request->answer.json, info, &style);
}

/* `id` in the query: none or one. */
static enum cadre_status list_one(struct gateway_request *request, const char *id,
                                  const Cadre__V1__ListResources *list)
{
	const Cadre__V1__ResourceInfo *info = NULL;
	enum cadre_status status = gateway_get_any(request, id, &info);
	struct cadre_json *json;

	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	json = gateway_answer_json(request, 200);
	cadre_json_begin(json, '[');
	if (status == CADRE_OK && passes(list, info))
		put(request, info);
	cadre_json_end(json, ']');
	return CADRE_OK;
}

enum cadre_status gateway_list_resources(struct gateway_request *request,
                                         Cadre__V1__Kind kind)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__ListResources list = CADRE__V1__LIST_RESOURCES__INIT;
	const Cadre__V1__Result *result = NULL;
	struct cadre_json *json;
	enum cadre_status status;

	list.kind = kind;
	status = read_query(request, &list);
	if (status != CADRE_OK)
		return status;
	if (gateway_query(request, "id"))
		return list_one(request, gateway_query(request, "id"), &list);
	op.body_case = CADRE__V1__OP__BODY_LIST;
	op.list = &list;
	status = gateway_ask_one(request, &op, &result);
	if (status != CADRE_OK)
		return status;
	json = gateway_answer_json(request, 200);
	cadre_json_begin(json, '[');
	for (size_t i = 0; i < result->list->n_resources; i++)
		put(request, result->list->resources[i]);
	cadre_json_end(json, ']');
	if (result->list->has_next_page)
		gateway_answer_header(request, "opc-next-page",
		                      gateway_page_text(request,
		                                        result->list->next_page.data,
		                                        result->list->next_page.len));
	return CADRE_OK;
}
