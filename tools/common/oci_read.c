#include "tools/common/oci_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/common/json_message.h"

void oci_fail(struct oci_reader *reader, const struct oci_at *at, const char *field,
              enum cadre_status status, const char *format, ...)
{
	char message[256];
	va_list args;

	if (reader->status != CADRE_OK)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	reader->status = cadre_error_set(reader->err, status, "%s%s%s%s%s", at->path,
	                                 field && at->path[0] ? "." : "",
	                                 field ? field : "",
	                                 field || at->path[0] ? ": " : "", message);
}

static void fail_type(struct oci_reader *reader, const struct oci_at *at,
                      const char *field, const char *expected, const json_t *value)
{
	oci_fail(reader, at, field, CADRE_INVALID_PARAMETER, "expected %s, got %s",
	         expected, cadre_json_type_name(value));
}

void *oci_alloc(struct oci_reader *reader, size_t bytes)
{
	void *memory = cadre_arena_alloc(reader->arena, bytes > 0 ? bytes : 1);

	if (memory) {
		memset(memory, 0, bytes);
		return memory;
	}
	if (reader->status != CADRE_OK)
		return NULL;
	if (reader->arena->failure == CADRE_ARENA_AT_CAP)
		reader->status =
		        cadre_error_set(reader->err, CADRE_TOO_LARGE,
		                        "the body needs more than %zu bytes of memory",
		                        reader->arena->bytes_max);
	else
		reader->status = cadre_error_set(reader->err, CADRE_OUT_OF_MEMORY,
		                                 "the body: out of memory");
	return NULL;
}

static const json_t *member(const struct oci_at *at, const char *field)
{
	const json_t *value = json_object_get(at->value, field);

	return json_is_null(value) ? NULL : value;
}

static struct oci_at child(const struct oci_at *at, const char *field,
                           const json_t *value)
{
	struct oci_at inner = { .value = value };

	snprintf(inner.path, sizeof(inner.path), "%.100s%s%s", at->path,
	         at->path[0] ? "." : "", field);
	return inner;
}

struct oci_at oci_object(struct oci_reader *reader, const struct oci_at *at,
                         const char *field)
{
	const json_t *value = member(at, field);

	if (value && !json_is_object(value)) {
		fail_type(reader, at, field, "an object", value);
		value = NULL;
	}
	return child(at, field, value);
}

struct oci_at oci_array(struct oci_reader *reader, const struct oci_at *at,
                        const char *field)
{
	const json_t *value = member(at, field);

	if (value && !json_is_array(value)) {
		fail_type(reader, at, field, "an array", value);
		value = NULL;
	}
	return child(at, field, value);
}

struct oci_at oci_element(struct oci_reader *reader, const struct oci_at *at,
                          size_t index)
{
	struct oci_at inner = { .value = json_array_get(at->value, index) };

	snprintf(inner.path, sizeof(inner.path), "%.120s[%zu]", at->path, index);
	if (!json_is_object(inner.value)) {
		fail_type(reader, &inner, NULL, "an object", inner.value);
		inner.value = NULL;
	}
	return inner;
}

bool oci_present(const struct oci_at *at)
{
	return at->value != NULL;
}

void oci_require(struct oci_reader *reader, const struct oci_at *parent,
                 const char *field)
{
	if (!member(parent, field))
		oci_fail(reader, parent, field, CADRE_MISSING_PARAMETER, "missing");
}

char *oci_copy(struct oci_reader *reader, const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = oci_alloc(reader, bytes);

	if (copy)
		memcpy(copy, text, bytes);
	return copy;
}

char *oci_text(struct oci_reader *reader, const struct oci_at *at, const char *field)
{
	const json_t *value = member(at, field);

	if (!value)
		return NULL;
	if (!json_is_string(value)) {
		fail_type(reader, at, field, "a string", value);
		return NULL;
	}
	return oci_copy(reader, json_string_value(value));
}

char *oci_required_text(struct oci_reader *reader, const struct oci_at *at,
                        const char *field, const char *fallback)
{
	char *text = oci_text(reader, at, field);

	if (!text && fallback)
		return oci_copy(reader, fallback);
	if (!text)
		oci_fail(reader, at, field, CADRE_MISSING_PARAMETER, "missing");
	return text;
}

bool oci_u32(struct oci_reader *reader, const struct oci_at *at, const char *field,
             uint32_t *ret_number)
{
	const json_t *value = member(at, field);

	if (!value)
		return false;
	if (!json_is_integer(value)) {
		fail_type(reader, at, field, "an integer", value);
		return false;
	}
	if (json_integer_value(value) < 0 || json_integer_value(value) > UINT32_MAX) {
		oci_fail(reader, at, field, CADRE_INVALID_PARAMETER,
		         "%" JSON_INTEGER_FORMAT ", must be 0..%u",
		         json_integer_value(value), UINT32_MAX);
		return false;
	}
	*ret_number = (uint32_t)json_integer_value(value);
	return true;
}

bool oci_real(struct oci_reader *reader, const struct oci_at *at, const char *field,
              double *ret_number)
{
	const json_t *value = member(at, field);

	if (!value)
		return false;
	if (!json_is_number(value)) {
		fail_type(reader, at, field, "a number", value);
		return false;
	}
	*ret_number = json_number_value(value);
	return true;
}

char **oci_texts(struct oci_reader *reader, const struct oci_at *at, const char *field,
                 size_t *ret_count)
{
	struct oci_at list = oci_array(reader, at, field);
	size_t count = json_array_size(list.value);
	char **texts = count > 0 ? oci_alloc(reader, count * sizeof(*texts)) : NULL;

	*ret_count = 0;
	for (size_t i = 0; i < count && texts; i++) {
		const json_t *value = json_array_get(list.value, i);

		if (!json_is_string(value)) {
			fail_type(reader, &list, NULL, "strings", value);
			return NULL;
		}
		texts[i] = oci_copy(reader, json_string_value(value));
		*ret_count = texts[i] ? i + 1 : *ret_count;
	}
	return texts;
}

static int compare_names(const void *a, const void *b)
{
	const Cadre__V1__NameValue *const *first = a;
	const Cadre__V1__NameValue *const *second = b;

	return strcmp((*first)->name, (*second)->name);
}

Cadre__V1__NameValue **oci_name_values(struct oci_reader *reader, const struct oci_at *at,
                                       const char *field, size_t *ret_count)
{
	struct oci_at map = oci_object(reader, at, field);
	size_t count = json_object_size(map.value);
	Cadre__V1__NameValue **list;
	size_t used = 0;
	const char *key;
	json_t *value;

	*ret_count = 0;
	list = count > 0 ? oci_alloc(reader, count * sizeof(*list)) : NULL;
	if (!list)
		return NULL;
	json_object_foreach((json_t *)(uintptr_t)map.value, key, value)
	{
		Cadre__V1__NameValue *entry = oci_alloc(reader, sizeof(*entry));

		if (!entry)
			return NULL;
		if (!json_is_string(value)) {
			fail_type(reader, &map, key, "a string", value);
			return NULL;
		}
		cadre__v1__name_value__init(entry);
		entry->name = oci_copy(reader, key);
		entry->value = oci_copy(reader, json_string_value(value));
		if (!entry->name || !entry->value)
			return NULL;
		list[used++] = entry;
	}
	qsort(list, used, sizeof(*list), compare_names);
	*ret_count = used;
	return list;
}

Cadre__V1__FreeformTags *oci_freeform_tags(struct oci_reader *reader,
                                           const struct oci_at *at)
{
	struct oci_at map = oci_object(reader, at, "freeformTags");
	Cadre__V1__FreeformTags *tags;
	Cadre__V1__NameValue **list;
	size_t count = 0;

	if (!oci_present(&map))
		return NULL;
	list = oci_name_values(reader, at, "freeformTags", &count);
	tags = oci_alloc(reader, sizeof(*tags));
	if (!tags)
		return NULL;
	cadre__v1__freeform_tags__init(tags);
	tags->tags = oci_alloc(reader, count * sizeof(*tags->tags));
	for (size_t i = 0; i < count && tags->tags; i++) {
		Cadre__V1__FreeformTag *tag = oci_alloc(reader, sizeof(*tag));

		if (!tag)
			return NULL;
		cadre__v1__freeform_tag__init(tag);
		tag->key = list[i]->name;
		tag->value = list[i]->value;
		tags->tags[tags->n_tags++] = tag;
	}
	return tags;
}

static int compare_tags(const void *a, const void *b)
{
	const Cadre__V1__DefinedTag *const *first = a;
	const Cadre__V1__DefinedTag *const *second = b;
	int order = strcmp((*first)->namespace_, (*second)->namespace_);

	return order != 0 ? order : strcmp((*first)->key, (*second)->key);
}

static Cadre__V1__DefinedTag *defined_tag(struct oci_reader *reader,
                                          const struct oci_at *space, const char *name,
                                          const char *key, const json_t *value)
{
	Cadre__V1__DefinedTag *tag = oci_alloc(reader, sizeof(*tag));

	if (!tag)
		return NULL;
	cadre__v1__defined_tag__init(tag);
	tag->namespace_ = oci_copy(reader, name);
	tag->key = oci_copy(reader, key);
	if (json_is_string(value)) {
		tag->value_case = CADRE__V1__DEFINED_TAG__VALUE_TEXT;
		tag->text = oci_copy(reader, json_string_value(value));
	} else if (json_is_integer(value)) {
		tag->value_case = CADRE__V1__DEFINED_TAG__VALUE_NUMBER;
		tag->number = json_integer_value(value);
	} else if (json_is_boolean(value)) {
		tag->value_case = CADRE__V1__DEFINED_TAG__VALUE_FLAG;
		tag->flag = json_is_true(value);
	} else {
		fail_type(reader, space, key, "a string, integer or boolean", value);
	}
	return reader->status == CADRE_OK ? tag : NULL;
}

Cadre__V1__DefinedTags *oci_defined_tags(struct oci_reader *reader,
                                         const struct oci_at *at)
{
	struct oci_at map = oci_object(reader, at, "definedTags");
	json_t *spaces = (json_t *)(uintptr_t)map.value;
	Cadre__V1__DefinedTags *tags;
	const char *name;
	const char *key;
	json_t *space;
	json_t *value;
	size_t count = 0;

	if (!oci_present(&map))
		return NULL;
	json_object_foreach(spaces, name, space)
	{
		if (!json_is_object(space))
			fail_type(reader, &map, name, "an object", space);
		count += json_object_size(space);
	}
	tags = oci_alloc(reader, sizeof(*tags));
	if (!tags || reader->status != CADRE_OK)
		return NULL;
	cadre__v1__defined_tags__init(tags);
	tags->tags = oci_alloc(reader, count * sizeof(*tags->tags));
	if (!tags->tags)
		return NULL;
	json_object_foreach(spaces, name, space)
	{
		struct oci_at inner = child(&map, name, space);

		json_object_foreach(space, key, value)
		{
			Cadre__V1__DefinedTag *tag = defined_tag(reader, &inner, name,
			                                         key, value);

			if (!tag)
				return NULL;
			tags->tags[tags->n_tags++] = tag;
		}
	}
	qsort(tags->tags, tags->n_tags, sizeof(*tags->tags), compare_tags);
	return tags;
}
