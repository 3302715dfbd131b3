/* `$n`: the id that the batch's command n made, wherever an id may stand. */
#include "engine/base/bytes.h"
#include "engine/domain/check.h"
#include "engine/domain/deciding.h"
#include "engine/domain/field_rules.h"
#include "engine/domain/message.h"
#include "proto/codec/codec.h"

struct resolve {
	const struct cadre_decide *in;
	size_t found;
	bool replace; /* false: only count */
	struct cadre_error *err;
};

static enum cadre_status resolve_text(struct resolve *r, const struct cadre_path *path,
                                      char *at)
{
	const char *text = cadre_field_pointer(at);
	char *id;
	size_t index;

	if (!cadre_text_batch_ref(text, &index))
		return CADRE_OK;
	r->found++;
	if (!r->replace)
		return CADRE_OK;
	if (index >= r->in->batch_ids_count || !r->in->batch_ids[index] ||
	    r->in->batch_ids[index][0] == '\0')
		return cadre_path_refuse(path, NULL, r->err, CADRE_INVALID_PARAMETER,
		                         "\"%s\": that command made no id", text);
	id = cadre_arena_strdup(r->in->arena, cadre_slice_text(r->in->batch_ids[index]));
	if (!id)
		return cadre_path_refuse(path, NULL, r->err, CADRE_TOO_LARGE,
		                         "no room for the id of \"%s\"", text);
	memcpy(at, &id, sizeof id);
	return CADRE_OK;
}

static enum cadre_status resolve_message(struct resolve *r, ProtobufCMessage *message,
                                         const struct cadre_path *path);

static enum cadre_status resolve_values(struct resolve *r, struct cadre_path *path,
                                        char *at, size_t count)
{
	for (size_t i = 0; i < count; i++, at += sizeof(void *)) {
		enum cadre_status status;
		if (path->field->label == PROTOBUF_C_LABEL_REPEATED)
			path->index = i;
		if (path->field->type == PROTOBUF_C_TYPE_STRING)
			status = resolve_text(r, path, at);
		else
			status = resolve_message(r, cadre_field_pointer(at), path);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

static bool may_hold_refs(const struct cadre_message_rules *rules,
                          const ProtobufCFieldDescriptor *field)
{
	const struct cadre_field_rule *rule;

	if (field->type != PROTOBUF_C_TYPE_STRING)
		return field->type == PROTOBUF_C_TYPE_MESSAGE;
	rule = cadre_rule_of_field(rules, field);
	return rule && rule->text == CADRE_TEXT_REF;
}

static enum cadre_status resolve_message(struct resolve *r, ProtobufCMessage *message,
                                         const struct cadre_path *path)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const struct cadre_message_rules *rules = cadre_rules_of_message(type);

	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		struct cadre_path here = { path, field, CADRE_PATH_NO_INDEX };
		char *at = (char *)message + field->offset;
		enum cadre_status status = CADRE_OK;
		if (!may_hold_refs(rules, field))
			continue;
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			status = resolve_values(r, &here, cadre_field_pointer(at),
			                        cadre_field_count(message, field));
		else if (cadre_field_present(message, field))
			status = resolve_values(r, &here, at, 1);
		if (status != CADRE_OK)
			return status;
	}
	return CADRE_OK;
}

static enum cadre_status copy_command(const struct cadre_decide *in,
                                      const Cadre__V1__Command *command,
                                      Cadre__V1__Command **ret_copy,
                                      struct cadre_error *err)
{
	struct cadre_buffer packed = { 0 };
	ProtobufCMessage *copy = NULL;
	enum cadre_status status = cadre_pack(&command->base, &packed, err);

	if (status == CADRE_OK)
		status = cadre_unpack(command->base.descriptor,
		                      cadre_buffer_slice(&packed), in->arena, &copy, err);
	cadre_buffer_fini(&packed);
	if (status == CADRE_OK)
		*ret_copy = (Cadre__V1__Command *)copy;
	return status;
}

enum cadre_status cadre_resolve_refs(const struct cadre_decide *in,
                                     const Cadre__V1__Command *command,
                                     const Cadre__V1__Command **ret_command,
                                     struct cadre_error *err)
{
	struct resolve r = { .in = in, .err = err };
	Cadre__V1__Command counted = *command;
	Cadre__V1__Command *copy;
	enum cadre_status status;

	*ret_command = command;
	if (in->batch_ids_count == 0)
		return CADRE_OK;
	status = resolve_message(&r, &counted.base, NULL);
	if (status != CADRE_OK || r.found == 0)
		return status;
	status = copy_command(in, command, &copy, err);
	if (status != CADRE_OK)
		return status;
	r.replace = true;
	status = resolve_message(&r, &copy->base, NULL);
	if (status != CADRE_OK)
		return status;
	*ret_command = copy;
	/* Two names may have become one: what the check saw as `$0` and as an OCID. */
	return cadre_command_check(copy, err);
}
