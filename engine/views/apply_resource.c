/* Resources and their index rows: what every apply function is made of. */
#include "engine/views/apply.h"

#include <stdio.h>

enum cadre_status cadre_apply_diverged(struct cadre_apply *apply, const char *format, ...)
{
	va_list args;
	char text[400];

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return cadre_error_set(apply->err, CADRE_DIVERGED, "seq %llu: %s",
	                       (unsigned long long)apply->seq, text);
}

enum cadre_status cadre_apply_required(struct cadre_apply *apply,
                                       enum cadre_status status, const char *what,
                                       const char *id)
{
	if (status != CADRE_NOT_FOUND)
		return status;
	return cadre_apply_diverged(apply, "%s \"%.255s\" is missing", what, id);
}

enum cadre_status cadre_apply_no_memory(struct cadre_apply *apply)
{
	const struct cadre_arena *arena = apply->view->arena;

	if (arena->failure == CADRE_ARENA_AT_CAP)
		return cadre_error_set(apply->err, CADRE_TOO_LARGE,
		                       "seq %llu: needs more than %zu bytes of memory",
		                       (unsigned long long)apply->seq, arena->bytes_max);
	return cadre_error_set(apply->err, CADRE_OUT_OF_MEMORY, "seq %llu: out of memory",
	                       (unsigned long long)apply->seq);
}

/* ---- loading and storing ---- */

static const char *kind_name(Cadre__V1__Kind kind)
{
	static const char *const names[] = { "resource",   "group", "history",
		                             "deployment", "model", "node",
		                             "principal",  "policy" };

	return names[kind >= 1 && (size_t)kind < sizeof names / sizeof *names ? kind : 0];
}

static bool detail_fits(const Cadre__V1__Resource *resource, Cadre__V1__Kind kind)
{
	/* The oneof's field numbers follow the kinds. */
	return resource->kind == kind && (int)resource->detail_case == 19 + (int)kind;
}

static enum cadre_status load(struct cadre_apply *apply, Cadre__V1__Kind kind,
                              uint64_t id, struct cadre_loaded *ret_loaded)
{
	struct cadre_view *view = apply->view;
	struct cadre_row_key key = cadre_key_u64('r', id);
	struct cadre_slice value;
	ProtobufCMessage *message;
	enum cadre_status status = cadre_row_get(view, &key, &value, apply->err);

	if (status == CADRE_OK)
		status = cadre_row_term(view, &key, value, &ret_loaded->term, apply->err);
	if (status == CADRE_OK)
		status = cadre_row_unpack(&key, &cadre__v1__resource__descriptor, value,
		                          view->arena, &message, apply->err);
	if (status != CADRE_OK)
		return status;
	ret_loaded->resource = (Cadre__V1__Resource *)(void *)message;
	if (!detail_fits(ret_loaded->resource, kind))
		return cadre_apply_diverged(apply, "\"%.255s\" is not a %s",
		                            ret_loaded->resource->ocid, kind_name(kind));
	return CADRE_OK;
}

enum cadre_status cadre_apply_load(struct cadre_apply *apply, Cadre__V1__Kind kind,
                                   const char *ocid, struct cadre_loaded *ret_loaded)
{
	Cadre__V1__Kind found;
	uint64_t id;
	enum cadre_status status = cadre_view_find(apply->view, ocid, &found, &id,
	                                           apply->err);

	if (status == CADRE_OK)
		status = load(apply, kind, id, ret_loaded);
	return cadre_apply_required(apply, status, kind_name(kind), ocid);
}

enum cadre_status cadre_apply_load_id(struct cadre_apply *apply, Cadre__V1__Kind kind,
                                      uint64_t id, struct cadre_loaded *ret_loaded)
{
	enum cadre_status status = load(apply, kind, id, ret_loaded);
	char text[24];

	if (status != CADRE_NOT_FOUND)
		return status;
	snprintf(text, sizeof text, "%llu", (unsigned long long)id);
	return cadre_apply_required(apply, status, kind_name(kind), text);
}

enum cadre_status cadre_apply_store(struct cadre_apply *apply,
                                    const struct cadre_loaded *loaded)
{
	struct cadre_row_key key = cadre_key_u64('r', loaded->resource->id);

	return cadre_row_put_message(apply->view, &key, &loaded->resource->base,
	                             &loaded->term, apply->err);
}

void cadre_apply_touch(struct cadre_apply *apply, Cadre__V1__Resource *resource)
{
	resource->changed_seq = apply->seq;
	resource->time_updated_ms = apply->time_ms;
}

/* ---- index rows ---- */

/* The compartment's id, made at its first mention. */
static enum cadre_status use_compartment(struct cadre_apply *apply,
                                         const char *compartment, uint64_t *ret_id)
{
	struct cadre_row_key key;
	uint8_t value[8];
	enum cadre_status status;

	*ret_id = 0;
	if (!compartment)
		return CADRE_OK;
	status = cadre_view_compartment(apply->view, compartment, ret_id, apply->err);
	if (status != CADRE_NOT_FOUND)
		return status;
	*ret_id = apply->seq;
	key = cadre_key_text('C', cadre_slice_text(compartment));
	cadre_put_le64(value, apply->seq);
	return cadre_row_put(apply->view, &key, cadre_slice(value, sizeof value),
	                     &cadre_row_absent, apply->err);
}

static struct cadre_row_key name_key(uint64_t compartment,
                                     const Cadre__V1__Resource *resource)
{
	struct cadre_row_key key = cadre_key_listed('n', compartment, resource->kind);

	cadre_row_key_name(&key, cadre_slice_text(resource->display_name));
	cadre_row_key_u64(&key, resource->id);
	return key;
}

static enum cadre_status put_empty(struct cadre_apply *apply,
                                   const struct cadre_row_key *key)
{
	return cadre_row_put(apply->view, key, cadre_slice(NULL, 0), &cadre_row_absent,
	                     apply->err);
}

static enum cadre_status drop(struct cadre_apply *apply, const struct cadre_row_key *key,
                              const Cadre__V1__Resource *resource)
{
	return cadre_apply_required(apply, cadre_row_del(apply->view, key, apply->err),
	                            "index row of", resource->ocid);
}

static enum cadre_status put_listed(struct cadre_apply *apply, uint64_t compartment,
                                    const Cadre__V1__Resource *resource)
{
	struct cadre_row_key key = cadre_key_listed('i', compartment, resource->kind);
	enum cadre_status status;

	cadre_row_key_u64(&key, resource->id);
	status = put_empty(apply, &key);
	if (status != CADRE_OK)
		return status;
	key = name_key(compartment, resource);
	return put_empty(apply, &key);
}

enum cadre_status cadre_apply_rename(struct cadre_apply *apply,
                                     Cadre__V1__Resource *resource,
                                     const char *display_name)
{
	struct cadre_row_key key;
	uint64_t compartment;
	enum cadre_status status;

	if (resource->display_name && strcmp(resource->display_name, display_name) == 0)
		return CADRE_OK;
	status = use_compartment(apply, resource->compartment_id, &compartment);
	if (status != CADRE_OK)
		return status;
	key = name_key(compartment, resource);
	status = drop(apply, &key, resource);
	if (status != CADRE_OK)
		return status;
	resource->display_name = (char *)(uintptr_t)display_name;
	key = name_key(compartment, resource);
	return put_empty(apply, &key);
}

enum cadre_status cadre_apply_free_name(struct cadre_apply *apply,
                                        const Cadre__V1__Resource *resource)
{
	struct cadre_row_key key;
	uint64_t compartment;
	enum cadre_status status = use_compartment(apply, resource->compartment_id,
	                                           &compartment);

	if (status != CADRE_OK)
		return status;
	key = name_key(compartment, resource);
	status = drop(apply, &key, resource);
	if (status != CADRE_OK)
		return status;
	key.length -= 8;
	cadre_row_key_u8(&key, CADRE_NAME_FREED);
	cadre_row_key_u64(&key, resource->id);
	return put_empty(apply, &key);
}

enum cadre_status cadre_apply_move(struct cadre_apply *apply,
                                   Cadre__V1__Resource *resource,
                                   const char *compartment_id)
{
	struct cadre_row_key key;
	uint64_t from, to;
	enum cadre_status status = use_compartment(apply, resource->compartment_id,
	                                           &from);

	if (status == CADRE_OK)
		status = use_compartment(apply, compartment_id, &to);
	if (status != CADRE_OK || from == to)
		return status;
	key = cadre_key_listed('i', from, resource->kind);
	cadre_row_key_u64(&key, resource->id);
	status = drop(apply, &key, resource);
	if (status != CADRE_OK)
		return status;
	key = name_key(from, resource);
	status = drop(apply, &key, resource);
	if (status != CADRE_OK)
		return status;
	resource->compartment_id = (char *)(uintptr_t)compartment_id;
	return put_listed(apply, to, resource);
}

/* ---- new resources ---- */

void cadre_apply_init(struct cadre_apply *apply, Cadre__V1__Resource *resource,
                      Cadre__V1__Kind kind, const char *ocid, const char *compartment_id,
                      const char *project_id, const char *display_name)
{
	const Cadre__V1__Actor *actor = apply->event->actor;

	cadre__v1__resource__init(resource);
	resource->kind = kind;
	resource->id = apply->seq;
	resource->ocid = (char *)(uintptr_t)ocid;
	resource->changed_seq = apply->seq;
	resource->compartment_id = (char *)(uintptr_t)compartment_id;
	resource->project_id = (char *)(uintptr_t)project_id;
	resource->display_name = (char *)(uintptr_t)display_name;
	resource->lifecycle_state = CADRE__V1__LIFECYCLE_STATE__ACTIVE;
	resource->time_created_ms = apply->time_ms;
	resource->time_updated_ms = apply->time_ms;
	resource->created_by = actor ? actor->principal : NULL;
}

char *cadre_apply_join(struct cadre_apply *apply, const char *prefix, const char *id)
{
	size_t prefix_length = strlen(prefix);
	size_t id_length = strlen(id);
	char *joined = cadre_arena_alloc(apply->view->arena,
	                                 prefix_length + id_length + 1);

	if (!joined)
		return NULL;
	memcpy(joined, prefix, prefix_length);
	memcpy(joined + prefix_length, id, id_length + 1);
	return joined;
}

enum cadre_status cadre_apply_create(struct cadre_apply *apply, const char *prefix,
                                     const Cadre__V1__Resource *resource)
{
	struct cadre_view *view = apply->view;
	const char *name = cadre_apply_join(apply, prefix, resource->ocid);
	struct cadre_row_key key;
	struct cadre_slice present;
	uint64_t compartment;
	uint8_t value[9];
	enum cadre_status status;

	if (!name)
		return cadre_apply_no_memory(apply);
	key = cadre_key_text('o', cadre_slice_text(name));
	status = cadre_row_get(view, &key, &present, apply->err);
	if (status == CADRE_OK)
		return cadre_apply_diverged(apply, "\"%.255s\" exists already",
		                            resource->ocid);
	if (status != CADRE_NOT_FOUND)
		return status;
	value[0] = (uint8_t)resource->kind;
	cadre_put_le64(value + 1, resource->id);
	status = cadre_row_put(view, &key, cadre_slice(value, sizeof value),
	                       &cadre_row_absent, apply->err);
	if (status != CADRE_OK)
		return status;
	key = cadre_key_u64('r', resource->id);
	status = cadre_row_put_message(view, &key, &resource->base, &cadre_row_absent,
	                               apply->err);
	if (status == CADRE_OK)
		status = use_compartment(apply, resource->compartment_id, &compartment);
	if (status != CADRE_OK)
		return status;
	apply->resource = resource->id;
	return put_listed(apply, compartment, resource);
}

/* ---- attributes ---- */

static bool attributes_empty(const Cadre__V1__Attributes *attributes)
{
	return attributes->n_custom_metadata_list == 0 && !attributes->freeform_tags &&
	       !attributes->defined_tags;
}

static void merge_attributes(Cadre__V1__Attributes *merged,
                             const struct cadre_attribute_change *change)
{
	if (change->has_metadata) {
		merged->custom_metadata_list = change->metadata;
		merged->n_custom_metadata_list = change->metadata_count;
	}
	/* No tags and an empty list of tags are one state. */
	if (change->freeform_tags)
		merged->freeform_tags = change->freeform_tags->n_tags > 0
		                                ? change->freeform_tags
		                                : NULL;
	if (change->defined_tags)
		merged->defined_tags = change->defined_tags->n_tags > 0
		                               ? change->defined_tags
		                               : NULL;
}

enum cadre_status cadre_apply_attributes(struct cadre_apply *apply,
                                         Cadre__V1__Resource *resource,
                                         const struct cadre_attribute_change *change)
{
	Cadre__V1__Attributes merged = CADRE__V1__ATTRIBUTES__INIT;
	Cadre__V1__Attributes *present;
	struct cadre_row_key key;
	enum cadre_status status;

	if (!change->has_metadata && !change->freeform_tags && !change->defined_tags)
		return CADRE_OK;
	if (resource->has_attributes) {
		status = cadre_view_attributes(apply->view, resource->attributes,
		                               &present, apply->err);
		if (status != CADRE_OK)
			return cadre_apply_required(apply, status, "attributes of",
			                            resource->ocid);
		merged = *present;
	}
	merge_attributes(&merged, change);
	resource->has_attributes = !attributes_empty(&merged);
	resource->attributes = resource->has_attributes ? apply->seq : 0;
	if (!resource->has_attributes)
		return CADRE_OK;
	key = cadre_key_u64('A', apply->seq);
	return cadre_row_put_message(apply->view, &key, &merged.base, &cadre_row_absent,
	                             apply->err);
}

/* ---- pointers ---- */

enum cadre_status cadre_apply_point(struct cadre_apply *apply, char table, uint64_t id,
                                    const Cadre__V1__Resource *group, uint32_t generation)
{
	struct cadre_row_key key = cadre_key_u64_u64(table, id, ~apply->seq);
	struct cadre_pointer pointer = { .since = apply->seq, .generation = generation };
	uint8_t value[CADRE_POINTER_BYTES];

	if (group) {
		pointer.group = group->id;
		pointer.lineage = group->group->lineage;
		pointer.version = group->group->lineage_version;
	}
	cadre_pointer_encode(&pointer, value);
	apply->view->pointers_changed = true;
	return cadre_row_put(apply->view, &key, cadre_slice(value, sizeof value),
	                     &cadre_row_absent, apply->err);
}
