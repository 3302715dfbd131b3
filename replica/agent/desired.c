#include "replica/agent/desired.h"

#include <stdlib.h>

#include "engine/base/checksum.h"

#define BUCKETS 1024u
/* Rows of one look-up; a group's metadata is the largest. */
#define SCRATCH_BYTES_MAX ((size_t)4 << 20)

struct reading {
	struct desired *desired;
	struct cadre_view view;
	struct cadre_arena scratch; /* the view's */
	const char *node_id;
	struct desired_model *buckets[BUCKETS];
	struct cadre_error *err;
};

static enum cadre_status fail_memory(struct reading *reading)
{
	enum cadre_status status = CADRE_OUT_OF_MEMORY;

	if (reading->desired->arena.failure == CADRE_ARENA_AT_CAP)
		status = CADRE_TOO_LARGE;
	return cadre_error_set(reading->err, status,
	                       "the deployments of this node do not fit into %d bytes",
	                       (int)DESIRED_ARENA_BYTES_MAX);
}

static void *take(struct reading *reading, size_t size)
{
	void *memory = cadre_arena_alloc(&reading->desired->arena, size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

/* NULL stays NULL; false when there is no memory. */
static bool keep_text(struct reading *reading, const char *text, const char **ret)
{
	*ret = NULL;
	if (text)
		*ret = cadre_arena_strdup(&reading->desired->arena,
		                          cadre_slice_text(text));
	return *ret || !text;
}

/* ---- models ---- */

static struct desired_model **bucket_of(struct reading *reading, const char *id)
{
	struct cadre_hash128 hash = cadre_xxh128(id, strlen(id));

	return &reading->buckets[hash.low % BUCKETS];
}

static enum cadre_status fill_model(struct reading *reading, struct desired_model *model,
                                    const Cadre__V1__ModelState *state)
{
	model->registered = true;
	model->kind = state->has_kind ? state->kind : CADRE__V1__MODEL_KIND__MODEL_OTHER;
	model->bytes = state->has_artifact_bytes ? state->artifact_bytes : 0;
	model->has_sha256 = state->has_artifact_sha256 &&
	                    state->artifact_sha256.len == sizeof model->sha256.bytes;
	if (model->has_sha256)
		memcpy(model->sha256.bytes, state->artifact_sha256.data,
		       sizeof model->sha256.bytes);
	return keep_text(reading, state->artifact_uri, &model->uri)
	               ? CADRE_OK
	               : fail_memory(reading);
}

/* A retired model is still what the group means. */
static enum cadre_status read_model(struct reading *reading, struct desired_model *model)
{
	Cadre__V1__Resource *row;
	enum cadre_status status;

	model->kind = CADRE__V1__MODEL_KIND__MODEL_OTHER;
	cadre_arena_reset(&reading->scratch);
	status = cadre_view_by_ocid(&reading->view, model->id, &row, reading->err);
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK || !row->model)
		return status;
	return row->detail_case == CADRE__V1__RESOURCE__DETAIL_MODEL
	               ? fill_model(reading, model, row->model)
	               : CADRE_OK;
}

static enum cadre_status find_model(struct reading *reading, const char *id,
                                    struct desired_model **ret_model)
{
	struct desired_model **bucket = bucket_of(reading, id);
	struct desired_model *model = *bucket;

	while (model && strcmp(model->id, id) != 0)
		model = model->next;
	*ret_model = model;
	if (model)
		return CADRE_OK;
	model = take(reading, sizeof *model);
	if (!model)
		return fail_memory(reading);
	model->id = id;
	model->next = *bucket;
	*bucket = *ret_model = model;
	return read_model(reading, model);
}

/* ---- members ---- */

struct listing {
	struct reading *reading;
	struct desired_group *group;
	size_t capacity;
	const char **ids;
};

static enum cadre_status list_member(void *ctx, const struct cadre_member *member)
{
	struct listing *listing = ctx;
	struct desired_group *group = listing->group;
	struct cadre_arena *arena = &listing->reading->desired->arena;
	struct desired_member *to = &group->members[group->member_count];

	if (group->member_count >= listing->capacity)
		return cadre_error_set(listing->reading->err, CADRE_CORRUPT,
		                       "a group of %zu members has more",
		                       listing->capacity);
	listing->ids[group->member_count] = cadre_arena_strdup(arena, member->model_id);
	if (member->has_key)
		to->key = cadre_arena_strdup(arena, member->key);
	if (!listing->ids[group->member_count] || (member->has_key && !to->key))
		return fail_memory(listing->reading);
	group->member_count++;
	return CADRE_OK;
}

static enum cadre_status list_members(struct reading *reading,
                                      const Cadre__V1__GroupState *state,
                                      struct desired_group *group)
{
	struct listing listing = {
		.reading = reading,
		.group = group,
		.capacity = state->member_count,
		.ids = take(reading, state->member_count * sizeof(char *) + 1),
	};
	uint64_t lineage = state->lineage;
	uint32_t version = state->lineage_version;
	enum cadre_status status;

	group->members = take(reading, listing.capacity * sizeof group->members[0] + 1);
	if (!listing.ids || !group->members)
		return fail_memory(reading);
	status = cadre_view_members(&reading->view, lineage, version, NULL, list_member,
	                            &listing, reading->err);
	for (size_t i = 0; i < group->member_count && status == CADRE_OK; i++)
		status = find_model(reading, listing.ids[i], &group->members[i].model);
	return status;
}

static void put_base_first(struct desired_group *group, const char *base_id)
{
	for (size_t i = 1; i < group->member_count; i++) {
		if (strcmp(group->members[i].model->id, base_id) == 0) {
			struct desired_member base = group->members[i];
			memmove(&group->members[1], &group->members[0],
			        i * sizeof group->members[0]);
			group->members[0] = base;
			return;
		}
	}
}

/* In a STACKED group a model of no particular kind is what its place says. */
static void set_kinds(struct desired_group *group, bool stacked)
{
	for (size_t i = 0; i < group->member_count; i++) {
		struct desired_member *member = &group->members[i];
		member->kind = (enum cadre_worker_kind)member->model->kind;
		if (stacked && i > 0)
			member->base = &group->members[0];
		if (stacked && member->kind == CADRE_WORKER_MODEL_OTHER)
			member->kind = i == 0 ? CADRE_WORKER_MODEL_BASE
			                      : CADRE_WORKER_MODEL_LORA;
	}
}

/* ---- parameters ---- */

static bool is_of(const Cadre__V1__CustomMetadata *row,
                  const struct desired_member *member)
{
	return row->category && row->key &&
	       (strcmp(row->category, member->model->id) == 0 ||
	        (member->key && strcmp(row->category, member->key) == 0));
}

static enum cadre_status keep_parameter(struct reading *reading,
                                        const Cadre__V1__CustomMetadata *row,
                                        struct cadre_worker_parameter *parameter)
{
	if (!keep_text(reading, row->key, &parameter->name) ||
	    !keep_text(reading, row->value ? row->value : "", &parameter->value))
		return fail_memory(reading);
	return CADRE_OK;
}

static enum cadre_status set_parameters(struct reading *reading,
                                        const Cadre__V1__Attributes *attributes,
                                        struct desired_member *member)
{
	size_t count = 0;

	for (size_t i = 0; i < attributes->n_custom_metadata_list; i++)
		count += is_of(attributes->custom_metadata_list[i], member);
	if (count == 0)
		return CADRE_OK;
	member->parameters = take(reading, count * sizeof member->parameters[0]);
	if (!member->parameters)
		return fail_memory(reading);
	for (size_t i = 0; i < attributes->n_custom_metadata_list; i++) {
		const Cadre__V1__CustomMetadata *row =
		        attributes->custom_metadata_list[i];
		enum cadre_status status;
		if (!is_of(row, member))
			continue;
		status = keep_parameter(reading, row,
		                        &member->parameters[member->parameter_count++]);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

static enum cadre_status read_parameters(struct reading *reading, uint64_t attributes_id,
                                         struct desired_group *group)
{
	Cadre__V1__Attributes *attributes;
	enum cadre_status status;

	cadre_arena_reset(&reading->scratch);
	status = cadre_view_attributes(&reading->view, attributes_id, &attributes,
	                               reading->err);
	for (size_t i = 0; i < group->member_count && status == CADRE_OK; i++)
		status = set_parameters(reading, attributes, &group->members[i]);
	return status;
}

/* ---- identities ---- */

static void hash_text(struct cadre_sha256_stream *stream, const char *text)
{
	cadre_sha256_update(stream, text ? text : "", text ? strlen(text) + 1 : 0);
	cadre_sha256_update(stream, text ? "+" : "-", 1);
}

static void identify(struct desired_member *member)
{
	const struct desired_model *model = member->model;
	struct cadre_sha256_stream stream;
	uint8_t kind = (uint8_t)member->kind;

	cadre_sha256_init(&stream);
	hash_text(&stream, model->id);
	cadre_sha256_update(&stream, &kind, 1);
	if (model->has_sha256)
		cadre_sha256_update(&stream, model->sha256.bytes, 32);
	else
		hash_text(&stream, model->uri);
	cadre_sha256_update(&stream, model->registered ? "r" : "u", 1);
	for (size_t i = 0; i < member->parameter_count; i++) {
		hash_text(&stream, member->parameters[i].name);
		hash_text(&stream, member->parameters[i].value);
	}
	if (member->base)
		cadre_sha256_update(&stream, member->base->identity.bytes, 32);
	member->identity = cadre_sha256_final(&stream);
}

/* ---- deployments ---- */

static enum cadre_status read_group(struct reading *reading, uint64_t id,
                                    uint64_t generation, struct desired_group **ret)
{
	struct desired_group *group = take(reading, sizeof *group);
	Cadre__V1__GroupState state;
	Cadre__V1__Resource *row;
	const char *base = NULL;
	uint64_t attributes;
	enum cadre_status status;

	if (!group)
		return fail_memory(reading);
	cadre_arena_reset(&reading->scratch);
	status = cadre_view_by_id(&reading->view, id, &row, reading->err);
	if (status != CADRE_OK)
		return status;
	state = *row->group;
	attributes = row->has_attributes ? row->attributes : 0;
	if (state.type == CADRE__V1__GROUP_TYPE__STACKED &&
	    !keep_text(reading, state.base_model_id, &base))
		return fail_memory(reading);
	group->generation = generation;
	status = list_members(reading, &state, group);
	if (status != CADRE_OK)
		return status;
	if (base)
		put_base_first(group, base);
	set_kinds(group, base != NULL);
	if (attributes > 0)
		status = read_parameters(reading, attributes, group);
	for (size_t i = 0; i < group->member_count; i++)
		identify(&group->members[i]);
	*ret = group;
	return status;
}

static enum cadre_status read_groups(struct reading *reading,
                                     const Cadre__V1__DeploymentState *state,
                                     struct desired_deployment *deployment)
{
	enum cadre_status status = read_group(reading, state->target_group,
	                                      state->generation, &deployment->target);

	if (status != CADRE_OK || !state->has_serving_group)
		return status;
	deployment->serving = deployment->target;
	if (state->serving_generation == state->generation)
		return CADRE_OK;
	return read_group(reading, state->serving_group, state->serving_generation,
	                  &deployment->serving);
}

static bool is_placed(const struct reading *reading,
                      const Cadre__V1__Resource *deployment)
{
	const Cadre__V1__DeploymentState *state = deployment->deployment;

	if (deployment->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__INACTIVE)
		return false;
	for (size_t i = 0; i < state->n_nodes; i++) {
		if (strcmp(state->nodes[i], reading->node_id) == 0)
			return true;
	}
	return false;
}

static enum cadre_status read_deployment(void *ctx, const Cadre__V1__Resource *row)
{
	struct reading *reading = ctx;
	struct desired *desired = reading->desired;
	struct desired_deployment *to = &desired->deployments[desired->deployment_count];

	if (!is_placed(reading, row))
		return CADRE_OK;
	if (desired->deployment_count >= DESIRED_DEPLOYMENTS_MAX)
		return cadre_error_set(reading->err, CADRE_LIMIT_EXCEEDED,
		                       "a node takes at most %d deployments",
		                       (int)DESIRED_DEPLOYMENTS_MAX);
	if (!keep_text(reading, row->ocid, &to->id) ||
	    !keep_text(reading, row->compartment_id ? row->compartment_id : "",
	               &to->compartment) ||
	    !keep_text(reading, row->display_name ? row->display_name : "", &to->name))
		return fail_memory(reading);
	desired->deployment_count++;
	return read_groups(reading, row->deployment, to);
}

static int compare_deployments(const void *a, const void *b)
{
	const struct desired_deployment *left = a;
	const struct desired_deployment *right = b;

	return strcmp(left->id, right->id);
}

enum cadre_status desired_read(struct desired *desired, struct cadre_kv *kv,
                               const char *node_id, struct cadre_error *err)
{
	struct reading *reading = calloc(1, sizeof *reading);
	enum cadre_status status;

	memset(desired, 0, sizeof *desired);
	cadre_arena_init(&desired->arena, DESIRED_ARENA_BYTES_MAX);
	if (!reading)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory to read deployments");
	*reading = (struct reading){
		.desired = desired,
		.node_id = node_id,
		.err = err,
	};
	cadre_arena_init(&reading->scratch, SCRATCH_BYTES_MAX);
	desired->deployments =
	        take(reading, DESIRED_DEPLOYMENTS_MAX * sizeof desired->deployments[0]);
	if (desired->deployments)
		status = cadre_view_begin(&reading->view, kv, CADRE_KV_READ,
		                          &reading->scratch, err);
	else
		status = fail_memory(reading);
	if (status == CADRE_OK) {
		desired->seq = reading->view.head.applied_seq;
		status = cadre_view_each(&reading->view, CADRE__V1__KIND__KIND_DEPLOYMENT,
		                         read_deployment, reading, err);
		cadre_view_abort(&reading->view);
		qsort(desired->deployments, desired->deployment_count,
		      sizeof desired->deployments[0], compare_deployments);
	}
	cadre_arena_fini(&reading->scratch);
	free(reading);
	return status;
}

void desired_fini(struct desired *desired)
{
	cadre_arena_fini(&desired->arena);
}
