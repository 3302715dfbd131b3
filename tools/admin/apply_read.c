#include "proto/codec/limits.h"
#include "tools/admin/apply.h"
#include "tools/common/json_message.h"

static enum cadre_status take_message(const json_t *value, const char *path,
                                      const ProtobufCMessageDescriptor *type,
                                      struct apply_item *item, void **ret_message,
                                      struct cadre_error *err)
{
	ProtobufCMessage *message = NULL;
	enum cadre_status status = cadre_json_get_message(value, type, path, item->arena,
	                                                  &message, err);

	*ret_message = message;
	return status;
}

static enum cadre_status one_command(struct apply_item *item, Cadre__V1__Command *command,
                                     struct cadre_error *err)
{
	Cadre__V1__Command **list = cadre_arena_alloc(item->arena,
	                                              sizeof(Cadre__V1__Command *));

	if (!list)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "command: out of memory");
	cadre__v1__batch__init(&item->batch);
	list[0] = command;
	item->batch.commands = list;
	item->batch.n_commands = 1;
	return CADRE_OK;
}

static enum cadre_status read_oci(const struct apply *apply, const json_t *value,
                                  enum cadre_oci_body body, struct apply_item *item,
                                  struct cadre_error *err)
{
	const struct cadre_oci_defaults *defaults = &apply->args->defaults;
	Cadre__V1__Command *command = cadre_arena_alloc(item->arena, sizeof(*command));
	enum cadre_status status = CADRE_INTERNAL;

	if (!command)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "command: out of memory");
	if (body == CADRE_OCI_CREATE_GROUP)
		status = cadre_oci_create_group(value, defaults, item->arena, command,
		                                err);
	else if (body == CADRE_OCI_CREATE_HISTORY)
		status = cadre_oci_create_history(value, defaults, item->arena, command,
		                                  err);
	else
		status = cadre_oci_create_deployment(value, defaults, item->arena,
		                                     command, err);
	return status == CADRE_OK ? one_command(item, command, err) : status;
}

enum cadre_status apply_read(const struct apply *apply, const json_t *value,
                             struct apply_item *item, struct cadre_error *err)
{
	const json_t *batch = json_object_get(value, "batch");
	enum cadre_oci_body body = cadre_oci_guess(value);
	void *message = NULL;
	enum cadre_status status;

	if (batch || json_object_get(value, "commands")) {
		if (batch && json_object_size(value) != 1)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "batch: nothing may stand beside it");
		status = take_message(batch ? batch : value, batch ? "batch" : "",
		                      &cadre__v1__batch__descriptor, item, &message, err);
		if (status == CADRE_OK)
			item->batch = *(Cadre__V1__Batch *)message;
	} else if (body != CADRE_OCI_UNKNOWN) {
		status = read_oci(apply, value, body, item, err);
	} else {
		status = take_message(value, "", &cadre__v1__command__descriptor, item,
		                      &message, err);
		if (status == CADRE_OK)
			status = one_command(item, message, err);
	}
	return status;
}

enum cadre_status apply_check(const struct apply_item *item, struct cadre_error *err)
{
	/* A single command may carry its own retry token, those of a batch may not. */
	if (item->batch.n_commands == 1 && !item->batch.retry_token)
		return cadre_command_check(item->batch.commands[0], err);
	return cadre_batch_check(&item->batch, err);
}
