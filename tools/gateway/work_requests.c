/* Work requests, made up from events and resources; see work_request.h. */
#include "tools/gateway/work_request.h"

#include <stdio.h>

#include "tools/gateway/operations.h"

struct work_kind {
	Cadre__V1__Event__BodyCase event;
	const char *operation;
	const char *action;
	const char *entity; /* Terraform looks for "model-group" in it */
};
#define GROUP_ENTITY "model-group"
#define HISTORY_ENTITY "model-group-version-history"
#define DEPLOYMENT_ENTITY "model-deployment"
#define EVENT(name) CADRE__V1__EVENT__BODY_##name

static const struct work_kind kinds[] = {
	{ EVENT(GROUP_CREATED), "MODEL_GROUP_CREATE", "CREATED", GROUP_ENTITY },
	{ EVENT(GROUP_CLONED), "MODEL_GROUP_CREATE", "CREATED", GROUP_ENTITY },
	{ EVENT(GROUP_PATCHED), "MODEL_GROUP_CREATE", "CREATED", GROUP_ENTITY },
	{ EVENT(GROUP_UPDATED), "MODEL_GROUP_UPDATE", "UPDATED", GROUP_ENTITY },
	{ EVENT(GROUP_ACTIVATED), "MODEL_GROUP_UPDATE", "UPDATED", GROUP_ENTITY },
	{ EVENT(GROUP_DEACTIVATED), "MODEL_GROUP_UPDATE", "UPDATED", GROUP_ENTITY },
	{ EVENT(GROUP_DELETED), "MODEL_GROUP_DELETE", "DELETED", GROUP_ENTITY },
	{ EVENT(HISTORY_DELETED), "MODEL_GROUP_VERSION_HISTORY_DELETE", "DELETED",
	  HISTORY_ENTITY },
	{ EVENT(DEPLOYMENT_CREATED), "MODEL_DEPLOYMENT_CREATE", "CREATED",
	  DEPLOYMENT_ENTITY },
	{ EVENT(DEPLOYMENT_UPDATED), "MODEL_DEPLOYMENT_UPDATE", "UPDATED",
	  DEPLOYMENT_ENTITY },
	{ EVENT(DEPLOYMENT_ACTIVATED), "MODEL_DEPLOYMENT_ACTIVATE", "UPDATED",
	  DEPLOYMENT_ENTITY },
	{ EVENT(DEPLOYMENT_DEACTIVATED), "MODEL_DEPLOYMENT_DEACTIVATE", "UPDATED",
	  DEPLOYMENT_ENTITY },
	{ EVENT(DEPLOYMENT_DELETED), "MODEL_DEPLOYMENT_DELETE", "DELETED",
	  DEPLOYMENT_ENTITY },
};

struct work {
	cadre_seq seq;
	cadre_time_ms accepted_ms;
	const struct work_kind *kind;
	const Cadre__V1__ResourceInfo *info;
	uint64_t generation; /* of a deployment that is to be served; 0: at once */
	const char *status;
	bool finished;
};

static const struct work_kind *kind_of(Cadre__V1__Event__BodyCase event)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].event == event)
			return &kinds[i];
	return NULL;
}

static const char *resource_of(const Cadre__V1__Event *event)
{
	switch ((int)event->body_case) {
	case EVENT(GROUP_CREATED):
		return event->group_created->id;
	case EVENT(GROUP_CLONED):
	case EVENT(GROUP_PATCHED):
		return event->group_cloned->id;
	case EVENT(GROUP_UPDATED):
		return event->group_updated->changes->id;
	case EVENT(DEPLOYMENT_CREATED):
		return event->deployment_created->id;
	case EVENT(DEPLOYMENT_UPDATED):
		return event->deployment_updated->changes->id;
	default:
		return event->group_deleted->id; /* all others refer */
	}
}

static uint64_t generation_of(const Cadre__V1__Event *event,
                              const Cadre__V1__ResourceInfo *info)
{
	switch ((int)event->body_case) {
	case EVENT(DEPLOYMENT_CREATED):
		return 1;
	case EVENT(DEPLOYMENT_UPDATED):
		return event->deployment_updated->generation;
	case EVENT(DEPLOYMENT_ACTIVATED):
		return info->resource->deployment->generation;
	default:
		return 0;
	}
}

/* How far it is: what waits for a generation ends when that, or a later one, is served,
 * or never will be. */
static void judge(struct work *work)
{
	const Cadre__V1__Resource *resource = work->info->resource;
	const Cadre__V1__DeploymentState *state = resource->deployment;

	work->status = "SUCCEEDED";
	work->finished = true;
	if (work->generation == 0 || resource->kind != CADRE__V1__KIND__KIND_DEPLOYMENT ||
	    state->serving_generation >= work->generation)
		return;
	work->status = "CANCELED";
	if (resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED ||
	    resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__INACTIVE ||
	    state->generation > work->generation)
		return;
	work->status = "IN_PROGRESS";
	work->finished = false;
}

/* ---- one ---- */

static enum cadre_status no_such(struct gateway_request *request)
{
	return cadre_error_set(&request->err, CADRE_NOT_FOUND,
	                       "work request \"%.255s\" does not exist, or is older than "
	                       "the log",
	                       request->ids[0]);
}

static enum cadre_status load_event(struct gateway_request *request, cadre_seq seq,
                                    const Cadre__V1__WatchEvent **ret_event)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__Watch watch = CADRE__V1__WATCH__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_WATCH;
	op.watch = &watch;
	watch.from_seq = seq;
	watch.has_max_events = watch.has_wait_ms = true;
	watch.max_events = 1;
	status = gateway_ask_one(request, &op, &result);
	if (status == CADRE_NOT_FOUND || status == CADRE_INVALID_PARAMETER)
		return no_such(request);
	if (status != CADRE_OK)
		return status;
	if (result->watch->n_events != 1 || result->watch->events[0]->seq != seq)
		return no_such(request);
	*ret_event = result->watch->events[0];
	return CADRE_OK;
}

static enum cadre_status load(struct gateway_request *request, struct work *work)
{
	const Cadre__V1__WatchEvent *event = NULL;
	enum cadre_status status;

	if (!gateway_work_request_parse(request->ids[0], &work->seq))
		return no_such(request);
	status = load_event(request, work->seq, &event);
	if (!event)
		return status;
	work->kind = kind_of(event->event->body_case);
	if (!work->kind)
		return no_such(request);
	status = gateway_get_any(request, resource_of(event->event), &work->info);
	if (status != CADRE_OK)
		return status;
	work->accepted_ms = event->time_ms;
	work->generation = generation_of(event->event, work->info);
	judge(work);
	return CADRE_OK;
}

static void put(struct cadre_json *json, const struct work *work)
{
	const Cadre__V1__Resource *resource = work->info->resource;
	char id[GATEWAY_WORK_REQUEST_BYTES];

	gateway_work_request_id(work->seq, id);
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "id", id);
	cadre_json_key_text(json, "operationType", work->kind->operation);
	cadre_json_key_text(json, "status", work->status);
	cadre_json_key_text(json, "compartmentId", resource->compartment_id);
	cadre_json_key(json, "percentComplete");
	cadre_json_real(json, work->finished ? 100.0 : 0.0);
	cadre_json_key(json, "resources");
	cadre_json_begin(json, '[');
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "entityType", work->kind->entity);
	cadre_json_key_text(json, "actionType",
	                    work->finished ? work->kind->action : "IN_PROGRESS");
	cadre_json_key_text(json, "identifier", resource->ocid);
	cadre_json_end(json, '}');
	cadre_json_end(json, ']');
	cadre_json_key_time(json, "timeAccepted", work->accepted_ms);
	cadre_json_key_time(json, "timeStarted", work->accepted_ms);
	if (work->finished)
		cadre_json_key_time(json, "timeFinished",
		                    work->generation ? resource->time_updated_ms
		                                     : work->accepted_ms);
	cadre_json_end(json, '}');
}

enum cadre_status gateway_get_work_request(struct gateway_request *request)
{
	struct work work = { 0 };
	enum cadre_status status = load(request, &work);

	if (status != CADRE_OK)
		return status;
	if (!work.finished)
		gateway_answer_header(request, "retry-after", "1");
	gateway_answer_header(
	        request, "etag",
	        gateway_text(request, "%s-%s", work.info->etag, work.status));
	put(gateway_answer_json(request, 200), &work);
	return CADRE_OK;
}

enum cadre_status gateway_cancel_work_request(struct gateway_request *request)
{
	struct work work = { 0 };
	enum cadre_status status = load(request, &work);

	if (status != CADRE_OK)
		return status;
	return cadre_error_set(&request->err, CADRE_CONFLICT,
	                       "work request \"%.200s\" is %s: what is in the log has "
	                       "happened and cannot be cancelled",
	                       request->ids[0], work.status);
}

enum cadre_status gateway_list_work_request_errors(struct gateway_request *request)
{
	struct work work = { 0 };
	enum cadre_status status = load(request, &work);
	const Cadre__V1__Resource *resource;
	struct cadre_json *json;

	if (status != CADRE_OK)
		return status;
	resource = work.info->resource;
	json = gateway_answer_json(request, 200);
	cadre_json_begin(json, '[');
	if (strcmp(work.status, "SUCCEEDED") != 0 && resource->lifecycle_details) {
		cadre_json_begin(json, '{');
		cadre_json_key_text(json, "code", "IncorrectState");
		cadre_json_key_text(json, "message", resource->lifecycle_details);
		cadre_json_key_time(json, "timestamp", resource->time_updated_ms);
		cadre_json_end(json, '}');
	}
	cadre_json_end(json, ']');
	return CADRE_OK;
}

static void put_log(struct cadre_json *json, const char *message, cadre_time_ms time)
{
	cadre_json_begin(json, '{');
	cadre_json_key_text(json, "message", message);
	cadre_json_key_time(json, "timestamp", time);
	cadre_json_end(json, '}');
}

enum cadre_status gateway_list_work_request_logs(struct gateway_request *request)
{
	struct work work = { 0 };
	enum cadre_status status = load(request, &work);
	struct cadre_json *json;
	char text[120];

	if (status != CADRE_OK)
		return status;
	json = gateway_answer_json(request, 200);
	cadre_json_begin(json, '[');
	snprintf(text, sizeof text, "%s is in the log as event %llu",
	         work.kind->operation, (unsigned long long)work.seq);
	put_log(json, text, work.accepted_ms);
	if (work.generation > 0) {
		snprintf(text, sizeof text, "generation %llu: %s",
		         (unsigned long long)work.generation, work.status);
		put_log(json, text, work.info->resource->time_updated_ms);
	}
	cadre_json_end(json, ']');
	return CADRE_OK;
}

/* ---- many: what made the resources of a compartment, and what ended them ---- */

struct listing {
	struct gateway_request *request;
	struct cadre_json *json;
	const char *id, *resource, *operation, *status;
};

static bool same(const char *wanted, const char *found)
{
	return !wanted || strcmp(wanted, found) == 0;
}

static void put_if_wanted(struct listing *listing, struct work *work)
{
	char id[GATEWAY_WORK_REQUEST_BYTES];

	judge(work);
	gateway_work_request_id(work->seq, id);
	if (same(listing->id, id) &&
	    same(listing->resource, work->info->resource->ocid) &&
	    same(listing->operation, work->kind->operation) &&
	    same(listing->status, work->status))
		put(listing->json, work);
}

static void put_resource(struct listing *listing, const Cadre__V1__ResourceInfo *info)
{
	const Cadre__V1__Resource *resource = info->resource;
	bool group = resource->kind == CADRE__V1__KIND__KIND_GROUP;
	struct work work = { .info = info };

	if (resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED) {
		work.seq = resource->changed_seq;
		work.accepted_ms = resource->time_updated_ms;
		work.kind = kind_of(group ? EVENT(GROUP_DELETED)
		                          : EVENT(DEPLOYMENT_DELETED));
		put_if_wanted(listing, &work);
	}
	/* A resource's number is the seq of the event that made it. */
	work.seq = resource->id;
	work.accepted_ms = resource->time_created_ms;
	work.kind = kind_of(group ? EVENT(GROUP_CREATED) : EVENT(DEPLOYMENT_CREATED));
	work.generation = group ? 0 : 1;
	put_if_wanted(listing, &work);
}

/* Pages of deployments, then of groups: the first byte of a page says which. */
static const Cadre__V1__Kind listed[] = { CADRE__V1__KIND__KIND_DEPLOYMENT,
	                                  CADRE__V1__KIND__KIND_GROUP };
#define LISTED (sizeof listed / sizeof *listed)

struct place {
	size_t index; /* in `listed` */
	struct cadre_slice page;
};

static void set_next(struct gateway_request *request, const struct place *place)
{
	uint8_t *bytes = gateway_alloc(request, place->page.length + 1);

	if (!bytes)
		return;
	bytes[0] = (uint8_t)place->index;
	if (place->page.length > 0)
		memcpy(bytes + 1, place->page.data, place->page.length);
	gateway_answer_header(request, "opc-next-page",
	                      gateway_page_text(request, bytes, place->page.length + 1));
}

/* One question: puts what it finds, and moves on behind it. */
static enum cadre_status list_some(struct listing *listing, const char *compartment,
                                   size_t limit, struct place *place, size_t *ret_count)
{
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	Cadre__V1__ListResources list = CADRE__V1__LIST_RESOURCES__INIT;
	const Cadre__V1__Result *result = NULL;
	enum cadre_status status;

	op.body_case = CADRE__V1__OP__BODY_LIST;
	op.list = &list;
	list.kind = listed[place->index];
	list.compartment_id = (char *)(uintptr_t)compartment;
	list.has_descending = list.has_limit = true;
	list.descending = true;
	list.limit = (uint32_t)limit;
	list.has_page = place->page.length > 0;
	list.page.data = (uint8_t *)(uintptr_t)place->page.data;
	list.page.len = place->page.length;
	status = gateway_ask_one(listing->request, &op, &result);
	if (status != CADRE_OK)
		return status;
	for (size_t i = 0; i < result->list->n_resources; i++)
		put_resource(listing, result->list->resources[i]);
	*ret_count = result->list->n_resources;
	place->page = cadre_slice(result->list->next_page.data,
	                          result->list->next_page.len);
	if (!result->list->has_next_page || place->page.length == 0) {
		place->index++;
		place->page = cadre_slice(NULL, 0);
	}
	return CADRE_OK;
}

static enum cadre_status list_page(struct listing *listing, const char *compartment,
                                   size_t limit, struct cadre_slice page)
{
	struct place place = { 0 };
	size_t count = 0;
	enum cadre_status status = CADRE_OK;

	if (page.length > 0) {
		place.index = page.data[0];
		place.page = cadre_slice(page.data + 1, page.length - 1);
	}
	if (place.index >= LISTED)
		return cadre_error_set(&listing->request->err, CADRE_INVALID_PARAMETER,
		                       "page: none that was given here");
	while (status == CADRE_OK && place.index < LISTED && limit > 0) {
		status = list_some(listing, compartment, limit, &place, &count);
		limit -= count < limit ? count : limit;
	}
	if (status == CADRE_OK && place.index < LISTED)
		set_next(listing->request, &place);
	return status;
}

/* What is known of one resource. */
static enum cadre_status list_resource(struct listing *listing, const char *compartment)
{
	const Cadre__V1__ResourceInfo *info = NULL;
	enum cadre_status status = gateway_get_any(listing->request, listing->resource,
	                                           &info);

	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	if ((info->resource->kind == CADRE__V1__KIND__KIND_GROUP ||
	     info->resource->kind == CADRE__V1__KIND__KIND_DEPLOYMENT) &&
	    strcmp(info->resource->compartment_id, compartment) == 0)
		put_resource(listing, info);
	return CADRE_OK;
}

enum cadre_status gateway_list_work_requests(struct gateway_request *request)
{
	struct listing listing = {
		.request = request,
		.id = gateway_query(request, "id"),
		.resource = gateway_query(request, "resourceId"),
		.operation = gateway_query(request, "operationType"),
		.status = gateway_query(request, "status"),
	};
	const char *compartment = NULL;
	struct cadre_slice page = { 0 };
	uint64_t limit = 0;
	enum cadre_status status = gateway_query_required(request, "compartmentId",
	                                                  &compartment);

	if (status == CADRE_OK)
		status = gateway_query_number(request, "limit", 50, 1, 100, &limit);
	if (status == CADRE_OK)
		status = gateway_page_read(request, &page);
	if (status != CADRE_OK)
		return status;
	listing.json = gateway_answer_json(request, 200);
	cadre_json_begin(listing.json, '[');
	status = listing.resource ? list_resource(&listing, compartment)
	                          : list_page(&listing, compartment, (size_t)limit, page);
	cadre_json_end(listing.json, ']');
	return status;
}
