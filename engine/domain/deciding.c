#include "engine/domain/deciding.h"

#include <stdio.h>
#include <time.h>

#include "engine/domain/message.h"

static const char *kind_word(Cadre__V1__Kind kind)
{
	static const char *const words[] = {
		[CADRE__V1__KIND__KIND_GROUP] = "model group",
		[CADRE__V1__KIND__KIND_HISTORY] = "version history",
		[CADRE__V1__KIND__KIND_DEPLOYMENT] = "model deployment",
		[CADRE__V1__KIND__KIND_MODEL] = "model",
		[CADRE__V1__KIND__KIND_NODE] = "node",
		[CADRE__V1__KIND__KIND_PRINCIPAL] = "principal",
		[CADRE__V1__KIND__KIND_POLICY] = "policy",
	};

	return words[kind];
}

enum cadre_status cadre_refuse(const struct cadre_deciding *d, enum cadre_status status,
                               const char *field, const char *format, ...)
{
	char what[420];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	return cadre_error_set(d->err, status, "%s.%s: %s", d->path, field, what);
}

enum cadre_status cadre_arena_refused(const struct cadre_deciding *d)
{
	if (d->in->arena->failure == CADRE_ARENA_AT_CAP)
		return cadre_error_set(d->err, CADRE_TOO_LARGE,
		                       "%s: needs more than %zu bytes of memory", d->path,
		                       d->in->arena->bytes_max);
	return cadre_error_set(d->err, CADRE_OUT_OF_MEMORY, "%s: out of memory", d->path);
}

enum cadre_status cadre_new_array(struct cadre_deciding *d, size_t count, size_t width,
                                  void *ret_array)
{
	void *array = cadre_arena_alloc(d->in->arena, count * width);

	if (!array)
		return cadre_arena_refused(d);
	memset(array, 0, count * width);
	memcpy(ret_array, &array, sizeof array);
	return CADRE_OK;
}

enum cadre_status cadre_new_message(struct cadre_deciding *d,
                                    const ProtobufCMessageDescriptor *type,
                                    void *ret_message)
{
	ProtobufCMessage *message = cadre_arena_alloc(d->in->arena, type->sizeof_message);

	if (!message)
		return cadre_arena_refused(d);
	protobuf_c_message_init(type, message);
	memcpy(ret_message, &message, sizeof message);
	return CADRE_OK;
}

enum cadre_status cadre_find(struct cadre_deciding *d, Cadre__V1__Kind kind,
                             const char *ocid, const char *field,
                             enum cadre_status absent, Cadre__V1__Resource **ret_resource)
{
	Cadre__V1__Resource *resource = NULL;
	const struct cadre_state *state = &d->in->state;
	enum cadre_status status = state->ops->by_ocid(state->ctx, ocid, &resource,
	                                               d->err);

	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	if (status == CADRE_NOT_FOUND || resource->kind != kind)
		return cadre_refuse(d, absent, field, "no %s \"%s\"", kind_word(kind),
		                    ocid);
	if (resource->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED)
		return cadre_refuse(d, CADRE_CONFLICT, field, "%s \"%s\" is deleted",
		                    kind_word(kind), ocid);
	*ret_resource = resource;
	return CADRE_OK;
}

enum cadre_status cadre_find_row(struct cadre_deciding *d, uint64_t id,
                                 Cadre__V1__Resource **ret_resource)
{
	const struct cadre_state *state = &d->in->state;
	enum cadre_status status = state->ops->by_id(state->ctx, id, ret_resource,
	                                             d->err);

	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(d->err, CADRE_CORRUPT,
		                       "%s: a row names resource %llu, which is absent",
		                       d->path, (unsigned long long)id);
	return status;
}

enum cadre_status cadre_find_attributes(struct cadre_deciding *d,
                                        const Cadre__V1__Resource *resource,
                                        Cadre__V1__Attributes **ret)
{
	const struct cadre_state *state = &d->in->state;

	*ret = NULL;
	if (!resource->has_attributes)
		return CADRE_OK;
	return state->ops->attributes(state->ctx, resource->attributes, ret, d->err);
}

enum cadre_status cadre_check_if_match(struct cadre_deciding *d,
                                       const Cadre__V1__Resource *resource)
{
	const char *wanted = d->command->if_match;
	char etag[CADRE_ETAG_CHARS + 1];

	if (!wanted)
		return CADRE_OK;
	cadre_etag(d->cluster.cluster_id.data, resource->id, resource->changed_seq, etag);
	if (strcmp(wanted, etag) == 0)
		return CADRE_OK;
	return cadre_error_set(
	        d->err, CADRE_ETAG_MISMATCH,
	        "ifMatch: \"%.64s\" is not the etag of %s \"%s\", it is \"%s\"", wanted,
	        kind_word(resource->kind), resource->ocid, etag);
}

enum cadre_status cadre_made(struct cadre_deciding *d, Cadre__V1__Kind kind,
                             const char *ocid, char **ret_ocid)
{
	d->out->resource = d->in->seq;
	if (ocid)
		snprintf(d->out->ocid, sizeof d->out->ocid, "%s", ocid);
	else
		cadre_make_ocid(kind, d->in->time_ms, d->in->seq, d->in->random,
		                d->out->ocid);
	if (!ret_ocid)
		return CADRE_OK;
	*ret_ocid = cadre_arena_strdup(d->in->arena, cadre_slice_text(d->out->ocid));
	return *ret_ocid ? CADRE_OK : cadre_arena_refused(d);
}

enum cadre_status cadre_name_or_made_up(struct cadre_deciding *d, const char *name,
                                        const char *prefix, char **ret_name)
{
	time_t seconds = (time_t)(d->in->time_ms / 1000);
	struct tm parts = { 0 };
	char text[96];

	if (!name) {
		size_t length;
		gmtime_r(&seconds, &parts);
		length = (size_t)snprintf(text, sizeof text, "%s-", prefix);
		strftime(text + length, sizeof text - length, "%Y%m%d%H%M%S", &parts);
		name = text;
	}
	*ret_name = cadre_arena_strdup(d->in->arena, cadre_slice_text(name));
	return *ret_name ? CADRE_OK : cadre_arena_refused(d);
}

bool cadre_text_changes(const char *wanted, const char *present)
{
	return wanted && (!present || strcmp(wanted, present) != 0);
}

/* Both hold a tag once, so equal counts and inclusion make equal sets. */
static bool same_tags(const void *a, size_t a_count, const void *b, size_t b_count)
{
	const char *x = a;
	const char *y = b;

	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		size_t k = 0;
		while (k < b_count &&
		       !cadre_message_equal(cadre_field_pointer(x + i * sizeof(void *)),
		                            cadre_field_pointer(y + k * sizeof(void *))))
			k++;
		if (k == b_count)
			return false;
	}
	return true;
}

bool cadre_freeform_change(const Cadre__V1__FreeformTags *wanted,
                           const Cadre__V1__Attributes *present)
{
	const Cadre__V1__FreeformTags *tags = present ? present->freeform_tags : NULL;

	return wanted && !same_tags(wanted->tags, wanted->n_tags,
	                            tags ? tags->tags : NULL, tags ? tags->n_tags : 0);
}

bool cadre_defined_change(const Cadre__V1__DefinedTags *wanted,
                          const Cadre__V1__Attributes *present)
{
	const Cadre__V1__DefinedTags *tags = present ? present->defined_tags : NULL;

	return wanted && !same_tags(wanted->tags, wanted->n_tags,
	                            tags ? tags->tags : NULL, tags ? tags->n_tags : 0);
}

static void keep_text(char **wanted, const char *present, unsigned *changes)
{
	if (cadre_text_changes(*wanted, present))
		++*changes;
	else
		*wanted = NULL;
}

enum cadre_status cadre_keep_changes(struct cadre_deciding *d,
                                     const struct cadre_common_changes *fields,
                                     unsigned *changes)
{
	Cadre__V1__Attributes *present;
	enum cadre_status status = cadre_find_attributes(d, d->target, &present);

	if (status != CADRE_OK)
		return status;
	keep_text(fields->display_name, d->target->display_name, changes);
	keep_text(fields->description, d->target->description, changes);
	if (cadre_freeform_change(*fields->freeform_tags, present))
		++*changes;
	else
		*fields->freeform_tags = NULL;
	if (cadre_defined_change(*fields->defined_tags, present))
		++*changes;
	else
		*fields->defined_tags = NULL;
	return CADRE_OK;
}
