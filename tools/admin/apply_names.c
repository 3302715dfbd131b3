/*
 * Names in the place of ids. The fields that hold ids are found along the descriptors
 * by their names, so that a new command needs nothing here.
 */
#include <string.h>

#include "tools/admin/apply.h"
#include "tools/admin/source.h"

#define MEMBER(type, message, offset) ((type *)(void *)((char *)(message) + (offset)))

/* Which kinds an id field may name, by the field's name and the command around it. */
static unsigned kinds_of(const char *field, const char *command)
{
	static const struct {
		const char *field;
		unsigned kinds;
	} fields[] = {
		{ "source_id", ADMIN_HISTORY | ADMIN_GROUP },
		{ "latest_model_group_id", ADMIN_GROUP },
		{ "model_group_id", ADMIN_GROUP },
		{ "model_group_version_history_id", ADMIN_HISTORY },
		{ "deployment_id", ADMIN_DEPLOYMENT },
		{ "base_model_id", ADMIN_MODEL },
		{ "model_id", ADMIN_MODEL },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(field, fields[i].field) == 0)
			return fields[i].kinds;
	if (strcmp(field, "id") != 0 || strcmp(command, "register_model") == 0)
		return 0;
	if (strstr(command, "history"))
		return ADMIN_HISTORY;
	if (strstr(command, "deployment"))
		return ADMIN_DEPLOYMENT;
	return strstr(command, "model") ? ADMIN_MODEL : ADMIN_GROUP;
}

static bool is_name(const char *text)
{
	return *text != '\0' && *text != '$' && strncmp(text, "ocid1.", 6) != 0;
}

/* Calls for every id field that holds a name; `fn` may replace it. */
typedef enum cadre_status (*name_fn)(void *ctx, char **text, const char *field,
                                     unsigned kinds, struct cadre_error *err);

struct walk {
	name_fn fn;
	void *ctx;
	const char *command;
	struct cadre_error *err;
};

static enum cadre_status walk_message(const struct walk *walk, ProtobufCMessage *message);

static enum cadre_status walk_field(const struct walk *walk,
                                    const ProtobufCFieldDescriptor *field,
                                    ProtobufCMessage *message)
{
	bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
	size_t count = repeated ? *MEMBER(size_t, message, field->quantifier_offset) : 1;
	void **elements = repeated ? *MEMBER(void **, message, field->offset)
	                           : MEMBER(void *, message, field->offset);
	unsigned kinds;

	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
	    *MEMBER(uint32_t, message, field->quantifier_offset) != field->id)
		return CADRE_OK;
	for (size_t i = 0; i < count; i++) {
		enum cadre_status status = CADRE_OK;

		if (!elements[i])
			continue;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
			status = walk_message(walk, elements[i]);
		} else {
			char **text = (char **)&elements[i];

			kinds = kinds_of(field->name, walk->command);
			if (kinds != 0 && is_name(*text))
				status = walk->fn(walk->ctx, text, field->name, kinds,
				                  walk->err);
		}
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

static enum cadre_status walk_message(const struct walk *walk, ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		struct walk inner = *walk;
		enum cadre_status status;

		if (field->type != PROTOBUF_C_TYPE_MESSAGE &&
		    field->type != PROTOBUF_C_TYPE_STRING)
			continue;
		if (type == &cadre__v1__command__descriptor)
			inner.command = field->name;
		status = walk_field(&inner, field, message);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

static enum cadre_status walk_batch(const struct apply_item *item, name_fn fn, void *ctx,
                                    struct cadre_error *err)
{
	struct walk walk = { .fn = fn, .ctx = ctx, .command = "", .err = err };
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < item->batch.n_commands && status == CADRE_OK; i++) {
		status = walk_message(&walk, &item->batch.commands[i]->base);
		if (status != CADRE_OK && item->batch.n_commands > 1)
			cadre_error_prefix(err, "commands[%zu]: ", i);
	}
	return status;
}

static enum cadre_status stop_at_first(void *ctx, char **text, const char *field,
                                       unsigned kinds, struct cadre_error *err)
{
	(void)ctx;
	(void)text;
	(void)field;
	(void)err;
	return kinds == ADMIN_MODEL ? CADRE_OK : CADRE_END;
}

/* Models need no waiting: an unknown one stays as it is, and names of models are rare. */
bool apply_needs_names(const struct apply_item *item)
{
	return walk_batch(item, stop_at_first, NULL, NULL) == CADRE_END;
}

bool apply_takes_history_away(const struct apply_item *item)
{
	for (size_t i = 0; i < item->batch.n_commands; i++) {
		Cadre__V1__Command__BodyCase body = item->batch.commands[i]->body_case;

		if (body == CADRE__V1__COMMAND__BODY_DELETE_HISTORY ||
		    body == CADRE__V1__COMMAND__BODY_MOVE_HISTORY)
			return true;
	}
	return false;
}

struct lookup {
	struct apply *apply;
	struct cadre_view *view;
	struct apply_item *item;
};

/* Says once what a name means. */
static void note(struct apply *apply, const char *text,
                 const Cadre__V1__Resource *resource)
{
	if (json_object_get(apply->noted, text))
		return;
	json_object_set_new(apply->noted, text, json_true());
	admin_note_name(&apply->args->common, text, resource);
}

static enum cadre_status replace(struct lookup *lookup, char **text, const char *ocid,
                                 struct cadre_error *err)
{
	char *copy = cadre_arena_strdup(lookup->item->arena, cadre_slice_text(ocid));

	if (!copy)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "name: out of memory");
	*text = copy;
	return CADRE_OK;
}

static enum cadre_status look_up(void *ctx, char **text, const char *field,
                                 unsigned kinds, struct cadre_error *err)
{
	struct lookup *lookup = ctx;
	Cadre__V1__Resource *resource = NULL;
	struct cadre_error cause = CADRE_ERROR_INIT;
	enum cadre_status status = admin_find(lookup->view,
	                                      lookup->apply->args->common.compartment,
	                                      *text, kinds, &resource, &cause);

	if (status == CADRE_NOT_FOUND && kinds == ADMIN_MODEL)
		return CADRE_OK; /* an id from elsewhere; strict clusters refuse it */
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(err, CADRE_RELATED_NOT_FOUND, "%s", cause.message);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "%s", cause.message);
	if (strcmp(field, "model_id") != 0)
		note(lookup->apply, *text, resource);
	return replace(lookup, text, resource->ocid, err);
}

static enum cadre_status look_history_up(void *ctx, char **text, const char *field,
                                         unsigned kinds, struct cadre_error *err)
{
	struct lookup *lookup = ctx;
	Cadre__V1__Resource *resource = NULL;
	enum cadre_status status = CADRE_NOT_FOUND;

	(void)field;
	if (kinds & ADMIN_HISTORY)
		status = admin_find(lookup->view, lookup->apply->args->common.compartment,
		                    *text, ADMIN_HISTORY, &resource, err);
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	note(lookup->apply, *text, resource);
	return replace(lookup, text, resource->ocid, err);
}

/* Looks names up in what is committed, or in what a dry run has made. */
static enum cadre_status look_all_up(struct apply *apply, struct apply_item *item,
                                     name_fn fn, struct cadre_error *err)
{
	struct cadre_view view;
	struct lookup lookup = { .apply = apply,
		                 .view = &apply->rehearsal,
		                 .item = item };
	enum cadre_status status;

	cadre_arena_reset(&apply->view_arena);
	if (apply->rehearsing)
		return walk_batch(item, fn, &lookup, err);
	status = cadre_view_begin(&view, cadre_store_kv(apply->store), CADRE_KV_READ,
	                          &apply->view_arena, err);
	if (status != CADRE_OK)
		return status;
	lookup.view = &view;
	status = walk_batch(item, fn, &lookup, err);
	cadre_view_abort(&view);
	return status;
}

enum cadre_status apply_history_names(struct apply *apply, struct apply_item *item,
                                      struct cadre_error *err)
{
	return look_all_up(apply, item, look_history_up, err);
}

enum cadre_status apply_names(struct apply *apply, struct apply_item *item,
                              struct cadre_error *err)
{
	return look_all_up(apply, item, look_up, err);
}
