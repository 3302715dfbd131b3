#include "tests/support/model_state.h"

#include <stdlib.h>

#include "engine/base/assert.h"
#include "tests/support/model_apply.h"

#define MODEL_BYTES_MAX ((size_t)1 << 30)
#define SLOTS_MIN ((size_t)256)

void *model_alloc(struct model_state *model, size_t bytes)
{
	void *memory = cadre_arena_alloc(&model->arena, bytes);

	CADRE_ASSERT(memory != NULL);
	memset(memory, 0, bytes);
	return memory;
}

void model_state_init(struct model_state *model)
{
	memset(model, 0, sizeof *model);
	cadre_arena_init(&model->arena, MODEL_BYTES_MAX);
	cadre__v1__cluster_row__init(&model->cluster);
}

void model_state_fini(struct model_state *model)
{
	free(model->resources);
	free(model->slots);
	free(model->tokens);
	cadre_arena_fini(&model->arena);
	memset(model, 0, sizeof *model);
}

/* FNV-1a; no test attacks it. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0xCBF29CE484222325u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001B3u;
	return hash;
}

static size_t *find_slot(const struct model_state *model, const char *name)
{
	size_t at = hash_name(name) & (model->slot_count - 1);

	while (model->slots[at] != 0 &&
	       strcmp(model->resources[model->slots[at] - 1]->name, name) != 0)
		at = (at + 1) & (model->slot_count - 1);
	return &model->slots[at];
}

struct model_resource *model_find(const struct model_state *model, const char *name)
{
	size_t slot = model->slot_count > 0 ? *find_slot(model, name) : 0;

	return slot > 0 ? model->resources[slot - 1] : NULL;
}

static int compare_id(const void *key, const void *element)
{
	const uint64_t *id = key;
	struct model_resource *const *resource = element;

	return (*id > (*resource)->row.id) - (*id < (*resource)->row.id);
}

struct model_resource *model_find_id(const struct model_state *model, uint64_t id)
{
	struct model_resource **found =
	        model->resource_count == 0
	                ? NULL
	                : bsearch(&id, model->resources, model->resource_count,
	                          sizeof *model->resources, compare_id);

	return found ? *found : NULL;
}

static void grow(struct model_state *model)
{
	size_t count = model->slot_count ? 2 * model->slot_count : SLOTS_MIN;

	free(model->slots);
	model->slots = calloc(count, sizeof *model->slots);
	model->slot_count = count;
	model->resources = realloc(model->resources, count * sizeof(void *));
	CADRE_ASSERT(model->slots && model->resources);
	for (size_t i = 0; i < model->resource_count; i++)
		*find_slot(model, model->resources[i]->name) = i + 1;
}

void model_add(struct model_state *model, struct model_resource *resource)
{
	if (2 * (model->resource_count + 1) > model->slot_count)
		grow(model);
	CADRE_ASSERT(*find_slot(model, resource->name) == 0);
	model->resources[model->resource_count++] = resource;
	*find_slot(model, resource->name) = model->resource_count;
}

const struct model_member *model_member_by_key(const struct model_resource *group,
                                               const char *key)
{
	for (size_t i = 0; i < group->member_count; i++) {
		if (group->members[i].key && strcmp(group->members[i].key, key) == 0)
			return &group->members[i];
	}
	return NULL;
}

static int compare_model(const void *key, const void *element)
{
	const struct model_member *member = element;

	return strcmp(key, member->model_id);
}

const struct model_member *model_member_by_model(const struct model_resource *group,
                                                 const char *model_id)
{
	return group->member_count == 0
	               ? NULL
	               : bsearch(model_id, group->members, group->member_count,
	                         sizeof *group->members, compare_model);
}

uint64_t model_pointer_at(const struct model_resource *resource, cadre_seq at)
{
	uint64_t group = 0;

	for (size_t i = 0; i < resource->pointer_count; i++) {
		if (resource->pointers[i].since <= at)
			group = resource->pointers[i].group;
	}
	return group;
}

/* ---- decide's window ---- */

static enum cadre_status by_ocid(void *ctx, const char *ocid,
                                 Cadre__V1__Resource **ret_resource,
                                 struct cadre_error *err)
{
	struct model_resource *found = model_find(ctx, ocid);

	(void)err;
	if (!found)
		return CADRE_NOT_FOUND;
	*ret_resource = &found->row;
	return CADRE_OK;
}

static enum cadre_status by_id(void *ctx, uint64_t id, Cadre__V1__Resource **ret_resource,
                               struct cadre_error *err)
{
	struct model_resource *found = model_find_id(ctx, id);

	(void)err;
	if (!found)
		return CADRE_NOT_FOUND;
	*ret_resource = &found->row;
	return CADRE_OK;
}

static enum cadre_status member_by_key(void *ctx, const Cadre__V1__GroupState *group,
                                       const char *key, const char **ret_model_id,
                                       struct cadre_error *err)
{
	const struct model_member *member =
	        model_member_by_key(model_find_id(ctx, group->lineage), key);

	(void)err;
	if (!member)
		return CADRE_NOT_FOUND;
	*ret_model_id = member->model_id;
	return CADRE_OK;
}

static enum cadre_status member_by_model(void *ctx, const Cadre__V1__GroupState *group,
                                         const char *model_id, const char **ret_key,
                                         struct cadre_error *err)
{
	const struct model_member *member =
	        model_member_by_model(model_find_id(ctx, group->lineage), model_id);

	(void)err;
	if (!member)
		return CADRE_NOT_FOUND;
	*ret_key = member->key;
	return CADRE_OK;
}

static enum cadre_status attributes(void *ctx, uint64_t id,
                                    Cadre__V1__Attributes **ret_attributes,
                                    struct cadre_error *err)
{
	const struct model_state *model = ctx;

	(void)err;
	for (size_t i = 0; i < model->resource_count; i++) {
		struct model_resource *resource = model->resources[i];
		if (resource->row.has_attributes && resource->row.attributes == id) {
			*ret_attributes = &resource->attributes;
			return CADRE_OK;
		}
	}
	return CADRE_NOT_FOUND;
}

static bool is_deleted(const struct model_resource *resource)
{
	return resource->row.lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED;
}

static enum cadre_status history_by_name(void *ctx, const char *compartment_id,
                                         const char *name,
                                         Cadre__V1__Resource **ret_history,
                                         struct cadre_error *err)
{
	const struct model_state *model = ctx;

	(void)err;
	for (size_t i = 0; i < model->resource_count; i++) {
		struct model_resource *history = model->resources[i];
		if (history->row.kind == CADRE__V1__KIND__KIND_HISTORY &&
		    !is_deleted(history) &&
		    strcmp(history->row.compartment_id, compartment_id) == 0 &&
		    strcmp(history->row.display_name, name) == 0) {
			*ret_history = &history->row;
			return CADRE_OK;
		}
	}
	return CADRE_NOT_FOUND;
}

bool model_uses(const struct model_resource *deployment, uint64_t group_id)
{
	const Cadre__V1__DeploymentState *state = &deployment->detail.deployment;

	return deployment->row.kind == CADRE__V1__KIND__KIND_DEPLOYMENT &&
	       !is_deleted(deployment) &&
	       (state->target_group == group_id ||
	        (state->has_serving_group && state->serving_group == group_id));
}

static enum cadre_status group_user(void *ctx, uint64_t group_id,
                                    Cadre__V1__Resource **ret_deployment,
                                    struct cadre_error *err)
{
	const struct model_state *model = ctx;

	(void)err;
	for (size_t i = 0; i < model->resource_count; i++) {
		if (model_uses(model->resources[i], group_id)) {
			*ret_deployment = &model->resources[i]->row;
			return CADRE_OK;
		}
	}
	return CADRE_NOT_FOUND;
}

static enum cadre_status token(void *ctx, const char *principal, const char *text,
                               Cadre__V1__TokenRow **ret_row, struct cadre_error *err)
{
	struct model_state *model = ctx;

	(void)err;
	for (size_t i = model->token_count; i-- > 0;) {
		if (strcmp(model->tokens[i].principal, principal) == 0 &&
		    strcmp(model->tokens[i].token, text) == 0) {
			*ret_row = &model->tokens[i].row;
			return CADRE_OK;
		}
	}
	return CADRE_NOT_FOUND;
}

static enum cadre_status cluster(void *ctx, Cadre__V1__ClusterRow **ret_row,
                                 struct cadre_error *err)
{
	struct model_state *model = ctx;

	(void)err;
	if (!model->configured)
		return CADRE_NOT_FOUND;
	*ret_row = &model->cluster;
	return CADRE_OK;
}

struct cadre_state model_state_of(struct model_state *model)
{
	static const struct cadre_state_ops ops = {
		.by_ocid = by_ocid,
		.by_id = by_id,
		.member_by_key = member_by_key,
		.member_by_model = member_by_model,
		.attributes = attributes,
		.history_by_name = history_by_name,
		.group_user = group_user,
		.token = token,
		.cluster = cluster,
	};

	return (struct cadre_state){ .ops = &ops, .ctx = model };
}
