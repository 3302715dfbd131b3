/* Instructions, one after the other, on a whole list. */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "tests/property/rules.h"

#define MEMBERS_MAX 1000

struct list {
	struct model_member *members;
	size_t count;
};

static struct model_member *by_model(const struct list *list, const char *model)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->members[i].model_id, model) == 0)
			return &list->members[i];
	}
	return NULL;
}

static struct model_member *by_key(const struct list *list, const char *key)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->members[i].key && strcmp(list->members[i].key, key) == 0)
			return &list->members[i];
	}
	return NULL;
}

static enum cadre_status insert(const struct judging *j, struct list *list,
                                const Cadre__V1__Member *member)
{
	const char *key = member->inference_key;
	enum cadre_status status;

	if (by_model(list, member->model_id) || by_key(list, member->model_id))
		return CADRE_CONFLICT;
	status = rule_strict(j, member->model_id);
	if (status != CADRE_OK)
		return status;
	if (key && (by_key(list, key) || by_model(list, key)))
		return CADRE_CONFLICT;
	list->members[list->count++] = (struct model_member){ member->model_id, key };
	return CADRE_OK;
}

static enum cadre_status take_out(struct list *list, const Cadre__V1__Member *member)
{
	struct model_member *found = by_model(list, member->model_id);

	if (!found)
		return CADRE_INVALID_PARAMETER;
	if (member->inference_key &&
	    (!found->key || strcmp(found->key, member->inference_key) != 0))
		return CADRE_INVALID_PARAMETER;
	*found = list->members[--list->count];
	return CADRE_OK;
}

static enum cadre_status run(const struct judging *j, struct list *list,
                             Cadre__V1__PatchInstruction **patch, size_t count)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < patch[i]->n_values && status == CADRE_OK; k++)
			status = patch[i]->operation == CADRE__V1__PATCH_OPERATION__INSERT
			                 ? insert(j, list, patch[i]->values[k])
			                 : take_out(list, patch[i]->values[k]);
	}
	return status;
}

enum cadre_status rule_patch(struct judging *j, const struct model_resource *source,
                             Cadre__V1__PatchInstruction **patch, size_t count,
                             const char *base)
{
	struct list list = { .count = source->member_count };
	size_t most = source->member_count + 1;
	enum cadre_status status;

	for (size_t i = 0; i < count; i++)
		most += patch[i]->n_values;
	list.members = calloc(most, sizeof *list.members);
	CADRE_ASSERT(list.members);
	memcpy(list.members, source->members,
	       source->member_count * sizeof *list.members);
	status = run(j, &list, patch, count);
	if (status == CADRE_OK && list.count == 0)
		status = CADRE_INVALID_PARAMETER;
	if (status == CADRE_OK && list.count > MEMBERS_MAX)
		status = CADRE_LIMIT_EXCEEDED;
	if (status == CADRE_OK && base && !by_model(&list, base))
		status = CADRE_INVALID_PARAMETER;
	j->outcome.has_members = true;
	j->outcome.members = list.members;
	j->outcome.member_count = list.count;
	return status;
}
