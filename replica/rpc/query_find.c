/* From an id or a name to a resource, and from a target to the group it means. */
#include "replica/rpc/query_internal.h"

#include <inttypes.h>
#include <string.h>

static enum cadre_status take_first(void *ctx, const Cadre__V1__Resource *resource)
{
	const Cadre__V1__Resource **found = ctx;

	*found = resource;
	return CADRE_END;
}

static enum cadre_status find_name(struct cadre_query *query, const char *name,
                                   Cadre__V1__Resource **ret_resource,
                                   struct cadre_error *err)
{
	static const Cadre__V1__Kind kinds[] = {
		CADRE__V1__KIND__KIND_HISTORY,
		CADRE__V1__KIND__KIND_DEPLOYMENT,
		CADRE__V1__KIND__KIND_GROUP,
		CADRE__V1__KIND__KIND_MODEL,
	};
	Cadre__V1__Resource *found = NULL;
	enum cadre_status status = CADRE_OK;

	if (!query->compartment)
		return CADRE_NOT_FOUND;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !found; i++) {
		status = cadre_view_by_name(query->view, kinds[i], query->compartment,
		                            name, take_first, &found, err);
		if (status != CADRE_OK)
			return status;
	}
	*ret_resource = found;
	return found ? CADRE_OK : CADRE_NOT_FOUND;
}

static bool may(const struct cadre_query *query, enum cadre_verb verb,
                const Cadre__V1__Resource *resource)
{
	return !query->may || query->may(query->may_ctx, verb, resource);
}

/* By id or name; hidden ones are not there. */
static enum cadre_status find_shown(struct cadre_query *query, const char *id_or_name,
                                    Cadre__V1__Resource **ret_resource,
                                    struct cadre_error *err)
{
	enum cadre_status status = cadre_view_by_ocid(query->view, id_or_name,
	                                              ret_resource, err);

	if (status == CADRE_NOT_FOUND)
		status = find_name(query, id_or_name, ret_resource, err);
	if (status == CADRE_OK && !may(query, CADRE_INSPECT, *ret_resource))
		return CADRE_NOT_FOUND;
	return status;
}

enum cadre_status cadre_query_find(struct cadre_query *query, const char *field,
                                   const char *id_or_name,
                                   Cadre__V1__Resource **ret_resource,
                                   struct cadre_error *err)
{
	enum cadre_status status;

	if (id_or_name[0] == '\0')
		return cadre_error_set(err, CADRE_MISSING_PARAMETER, "%s: empty", field);
	status = find_shown(query, id_or_name, ret_resource, err);
	if (status == CADRE_OK && !may(query, query->need, *ret_resource)) {
		if (query->not_allowed != CADRE_NOT_FOUND)
			return cadre_error_set(err, query->not_allowed,
			                       "%s: needs `%s %s` there", field,
			                       cadre_verb_name(query->need),
			                       cadre_resource_name(cadre_resource_of(
			                               (*ret_resource)->kind)));
		status = CADRE_NOT_FOUND;
	}
	if (status != CADRE_NOT_FOUND)
		return status;
	if (query->compartment)
		return cadre_error_set(err, status,
		                       "%s: no id \"%.200s\", nor a name in compartment "
		                       "\"%.200s\"",
		                       field, id_or_name, query->compartment);
	return cadre_error_set(err, status,
	                       "%s: no id \"%.200s\" (a name needs a compartment)", field,
	                       id_or_name);
}

static bool is_target(Cadre__V1__Kind kind)
{
	return kind == CADRE__V1__KIND__KIND_GROUP ||
	       kind == CADRE__V1__KIND__KIND_HISTORY ||
	       kind == CADRE__V1__KIND__KIND_DEPLOYMENT;
}

enum cadre_status query_target(struct cadre_query *query, const char *field,
                               const char *target, Cadre__V1__Resource **ret_resource,
                               struct cadre_error *err)
{
	enum cadre_status status = cadre_query_find(query, field, target, ret_resource,
	                                            err);

	if (status == CADRE_OK && !is_target((*ret_resource)->kind))
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "%s: \"%.200s\" is no group, version history or deployment",
		        field, target);
	return status;
}

/* What a target means now. A group means itself: it is at hand already. */
static enum cadre_status load_pointer(struct cadre_query *query,
                                      Cadre__V1__Resource *target,
                                      struct cadre_error *err)
{
	enum cadre_status status;

	if (target->detail_case == CADRE__V1__RESOURCE__DETAIL_GROUP) {
		query->group = target;
		query->target_now = (struct cadre_pointer){
			.since = target->id,
			.group = target->id,
			.lineage = target->group->lineage,
			.version = target->group->lineage_version,
		};
		return CADRE_OK;
	}
	status = cadre_view_pointer(query->view, target->kind, target->id, CADRE_SEQ_MAX,
	                            &query->target_now, err);
	if (status == CADRE_NOT_FOUND) {
		memset(&query->target_now, 0, sizeof query->target_now);
		return CADRE_OK;
	}
	return status;
}

/* Finds the target and what it means now, unless it was the last one asked for. */
static enum cadre_status enter_target(struct cadre_query *query, const char *field,
                                      const char *target, struct cadre_error *err)
{
	Cadre__V1__Resource *resource;
	enum cadre_status status;

	if (query->target && strcmp(query->target, target) == 0)
		return CADRE_OK;
	query->target = NULL;
	status = query_target(query, field, target, &resource, err);
	if (status == CADRE_OK)
		status = load_pointer(query, resource, err);
	if (status != CADRE_OK)
		return status;
	query->target_kind = resource->kind;
	query->target_id = resource->id;
	query->target = target;
	return CADRE_OK;
}

enum cadre_status query_group_by_id(struct cadre_query *query, uint64_t id,
                                    Cadre__V1__Resource **ret_group,
                                    struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	if (!query->group || query->group->id != id) {
		query->group = NULL;
		status = cadre_view_by_id(query->view, id, ret_group, err);
		if (status == CADRE_OK &&
		    (*ret_group)->detail_case != CADRE__V1__RESOURCE__DETAIL_GROUP)
			status = cadre_error_set(err, CADRE_CORRUPT,
			                         "id %" PRIu64 " is no group", id);
		if (status != CADRE_OK)
			return status;
		query->group = *ret_group;
	}
	*ret_group = query->group;
	return status;
}

enum cadre_status query_pointer(struct cadre_query *query, const char *field,
                                const char *target, cadre_seq at,
                                struct cadre_pointer *ret_pointer,
                                struct cadre_error *err)
{
	enum cadre_status status = enter_target(query, field, target, err);

	if (status != CADRE_OK)
		return status;
	if (at == CADRE_SEQ_MAX) {
		*ret_pointer = query->target_now;
		status = query->target_now.group == 0 ? CADRE_NOT_FOUND : CADRE_OK;
	} else {
		status = cadre_view_pointer(query->view, query->target_kind,
		                            query->target_id, at, ret_pointer, err);
	}
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(err, status,
		                       "%s: \"%.200s\" means no group at that moment",
		                       field, target);
	return status;
}

enum cadre_status query_group(struct cadre_query *query, const char *field,
                              const char *target, Cadre__V1__Resource **ret_group,
                              struct cadre_error *err)
{
	struct cadre_pointer pointer;
	enum cadre_status status = query_pointer(query, field, target, CADRE_SEQ_MAX,
	                                         &pointer, err);

	if (status == CADRE_OK)
		status = query_group_by_id(query, pointer.group, ret_group, err);
	return status;
}
