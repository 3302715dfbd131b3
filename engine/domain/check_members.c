/* Group details and full member lists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cadre/v1/command.pb-c.h"
#include "engine/base/assert.h"
#include "engine/domain/check_metadata.h"
#include "engine/domain/field_rules.h"
#include "proto/codec/limits.h"

enum cadre_status cadre_check_details(const ProtobufCMessage *message,
                                      const struct cadre_path *path,
                                      struct cadre_error *err)
{
	const Cadre__V1__GroupDetails *details = (const void *)message;
	bool stacked = details->type == CADRE__V1__GROUP_TYPE__STACKED;

	if (stacked && !details->base_model_id)
		return cadre_path_refuse(path, "baseModelId", err,
		                         CADRE_MISSING_PARAMETER,
		                         "a STACKED group needs one");
	if (!stacked && details->base_model_id)
		return cadre_path_refuse(path, "baseModelId", err,
		                         CADRE_INVALID_PARAMETER,
		                         "only a STACKED group has one");
	return cadre_check_metadata(details->custom_metadata_list,
	                            details->n_custom_metadata_list, path, err);
}

/* A text that names a member: its OCID or its key. */
struct name {
	const char *text;
	size_t member;
	bool is_key;
};

static int compare_names(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;
	int order = strcmp(x->text, y->text);

	if (order != 0)
		return order;
	return (x->member > y->member) - (x->member < y->member);
}

/* Equal texts are neighbours: two names of one text must be of one member, its OCID
 * and its key. */
static enum cadre_status check_neighbours(const struct name *first,
                                          const struct name *second,
                                          const struct cadre_path *path,
                                          struct cadre_error *err)
{
	const char *field = second->is_key ? "inferenceKey" : "modelId";
	char tail[64];

	if (strcmp(first->text, second->text) != 0 || first->member == second->member)
		return CADRE_OK;
	snprintf(tail, sizeof tail, "members[%zu].%s", second->member, field);
	return cadre_path_refuse(path, tail, err, CADRE_INVALID_PARAMETER,
	                         "\"%s\" is the %s of members[%zu]", second->text,
	                         first->is_key ? "inferenceKey" : "modelId",
	                         first->member);
}

static enum cadre_status check_names(const Cadre__V1__CreateGroup *group,
                                     const struct cadre_path *path,
                                     struct cadre_error *err)
{
	struct name names[2 * CADRE_MEMBERS_MAX];
	size_t count = 0;

	CADRE_ASSERT(group->n_members <= CADRE_MEMBERS_MAX);
	for (size_t i = 0; i < group->n_members; i++) {
		const Cadre__V1__Member *member = group->members[i];
		names[count++] = (struct name){ member->model_id, i, false };
		if (member->inference_key)
			names[count++] = (struct name){ member->inference_key, i, true };
	}
	qsort(names, count, sizeof names[0], compare_names);
	for (size_t i = 1; i < count; i++) {
		enum cadre_status status = check_neighbours(&names[i - 1], &names[i],
		                                            path, err);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

static bool has_member(const Cadre__V1__CreateGroup *group, const char *model_id)
{
	for (size_t i = 0; i < group->n_members; i++) {
		if (strcmp(group->members[i]->model_id, model_id) == 0)
			return true;
	}
	return false;
}

enum cadre_status cadre_check_create_group(const ProtobufCMessage *message,
                                           const struct cadre_path *path,
                                           struct cadre_error *err)
{
	const Cadre__V1__CreateGroup *group = (const void *)message;
	const char *base = group->model_group_details->base_model_id;
	enum cadre_status status;

	if (group->n_members == 0)
		return cadre_path_refuse(path, "members", err, CADRE_MISSING_PARAMETER,
		                         "a group has at least one member");
	status = check_names(group, path, err);
	if (status != CADRE_OK)
		return status;
	if (base && !has_member(group, base))
		return cadre_path_refuse(path, "modelGroupDetails.baseModelId", err,
		                         CADRE_INVALID_PARAMETER, "\"%s\" is no member",
		                         base);
	return cadre_check_tags(message, path, err);
}
