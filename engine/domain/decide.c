/*
 * decide(command, state) -> event. One table says for each command which resource
 * it changes, which function decides, and which event it makes; this file does what
 * all have in common: retry token, ids of the batch, target, if-match, the event
 * around the body.
 */
#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/domain/deciding.h"
#include "engine/domain/message.h"
#include "engine/domain/path.h"
#include "proto/codec/limits.h"

#define NO_TARGET 0

struct command_row {
	Cadre__V1__Event__BodyCase event;
	int target;   /* kind of the resource that field 1 names; NO_TARGET */
	bool upserts; /* the target may be absent, or deleted */
	cadre_decide_fn decide;
};

#define ROW(command, event, target, function)                                            \
	[CADRE__V1__COMMAND__BODY_##command] = { CADRE__V1__EVENT__BODY_##event, target, \
		                                 false, cadre_decide_##function }
#define UPSERT(command, event, target, function)                                         \
	[CADRE__V1__COMMAND__BODY_##command] = { CADRE__V1__EVENT__BODY_##event, target, \
		                                 true, cadre_decide_##function }
#define GROUP CADRE__V1__KIND__KIND_GROUP
#define HISTORY CADRE__V1__KIND__KIND_HISTORY
#define DEPLOYMENT CADRE__V1__KIND__KIND_DEPLOYMENT
#define MODEL CADRE__V1__KIND__KIND_MODEL
#define NODE CADRE__V1__KIND__KIND_NODE
#define PRINCIPAL CADRE__V1__KIND__KIND_PRINCIPAL
#define POLICY CADRE__V1__KIND__KIND_POLICY

static const struct command_row rows[] = {
	ROW(CREATE_GROUP, GROUP_CREATED, NO_TARGET, create_group),
	ROW(CLONE_GROUP, GROUP_CLONED, NO_TARGET, clone_group),
	ROW(PATCH_GROUP, GROUP_PATCHED, NO_TARGET, patch_group),
	ROW(UPDATE_GROUP, GROUP_UPDATED, GROUP, update_group),
	ROW(ACTIVATE_GROUP, GROUP_ACTIVATED, GROUP, activate_group),
	ROW(DEACTIVATE_GROUP, GROUP_DEACTIVATED, GROUP, deactivate_group),
	ROW(DELETE_GROUP, GROUP_DELETED, GROUP, delete_group),
	ROW(MOVE_GROUP, GROUP_MOVED, GROUP, move_group),
	ROW(PUT_ARTIFACT, ARTIFACT_PUT, GROUP, put_artifact),
	ROW(CREATE_HISTORY, HISTORY_CREATED, NO_TARGET, create_history),
	ROW(UPDATE_HISTORY, HISTORY_UPDATED, HISTORY, update_history),
	ROW(DELETE_HISTORY, HISTORY_DELETED, HISTORY, delete_history),
	ROW(MOVE_HISTORY, HISTORY_MOVED, HISTORY, move_history),
	ROW(REGISTER_MODEL, MODEL_REGISTERED, NO_TARGET, register_model),
	ROW(RETIRE_MODEL, MODEL_RETIRED, MODEL, retire_model),
	ROW(CREATE_DEPLOYMENT, DEPLOYMENT_CREATED, NO_TARGET, create_deployment),
	ROW(UPDATE_DEPLOYMENT, DEPLOYMENT_UPDATED, DEPLOYMENT, update_deployment),
	ROW(ACTIVATE_DEPLOYMENT, DEPLOYMENT_ACTIVATED, DEPLOYMENT, activate_deployment),
	ROW(DEACTIVATE_DEPLOYMENT, DEPLOYMENT_DEACTIVATED, DEPLOYMENT,
	    deactivate_deployment),
	ROW(DELETE_DEPLOYMENT, DEPLOYMENT_DELETED, DEPLOYMENT, delete_deployment),
	ROW(CUT_OVER, CUT_OVER, DEPLOYMENT, cut_over),
	ROW(FINISH_CUT_OVER, CUT_OVER_FINISHED, DEPLOYMENT, finish_cut_over),
	ROW(PLACE_DEPLOYMENT, DEPLOYMENT_PLACED, DEPLOYMENT, place_deployment),
	UPSERT(REGISTER_NODE, NODE_REGISTERED, NODE, register_node),
	ROW(RETIRE_NODE, NODE_RETIRED, NODE, retire_node),
	UPSERT(PUT_PRINCIPAL, PRINCIPAL_PUT, PRINCIPAL, put_principal),
	ROW(REMOVE_PRINCIPAL, PRINCIPAL_REMOVED, PRINCIPAL, remove_principal),
	UPSERT(PUT_POLICY, POLICY_PUT, POLICY, put_policy),
	ROW(REMOVE_POLICY, POLICY_REMOVED, POLICY, remove_policy),
	ROW(RAISE_FEATURE_LEVEL, FEATURE_LEVEL_RAISED, NO_TARGET, raise_feature_level),
};

enum cadre_status cadre_decide_token(const struct cadre_decide *decide, const char *token,
                                     const struct cadre_sha256 *hash,
                                     Cadre__V1__TokenRow **ret_row,
                                     struct cadre_error *err)
{
	const struct cadre_state *state = &decide->state;
	Cadre__V1__TokenRow *row = NULL;
	enum cadre_status status;

	CADRE_ASSERT(decide->actor != NULL);
	*ret_row = NULL;
	status = state->ops->token(state->ctx, decide->actor->principal, token, &row,
	                           err);
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	if (decide->time_ms >= row->time_ms &&
	    decide->time_ms - row->time_ms >= CADRE_TOKEN_AGE_MS)
		return CADRE_OK;
	if (row->command_sha256.len != sizeof hash->bytes ||
	    memcmp(row->command_sha256.data, hash->bytes, sizeof hash->bytes) != 0)
		return cadre_error_set(err, CADRE_INVALIDATED_RETRY_TOKEN,
		                       "retryToken: \"%s\" was used for another command, "
		                       "seq %llu",
		                       token, (unsigned long long)row->seq);
	*ret_row = row;
	return CADRE_OK;
}

/* The first answer once more. */
static enum cadre_status repeat(struct cadre_deciding *d, const Cadre__V1__TokenRow *row)
{
	Cadre__V1__Resource *resource;
	enum cadre_status status;

	d->out->repeated = true;
	d->out->seq = row->seq;
	d->out->etag_seq = row->has_etag_seq ? row->etag_seq : row->seq;
	d->out->version_id = row->version_id;
	if (!row->has_resource)
		return CADRE_OK;
	d->out->resource = row->resource;
	status = cadre_find_row(d, row->resource, &resource);
	if (status == CADRE_OK)
		snprintf(d->out->ocid, sizeof d->out->ocid, "%s", resource->ocid);
	return status;
}

static enum cadre_status decide_token(struct cadre_deciding *d,
                                      Cadre__V1__RetryToken **ret_token)
{
	const char *token = d->command->retry_token;
	struct cadre_sha256 hash;
	Cadre__V1__TokenRow *row;
	uint8_t *bytes;
	enum cadre_status status;

	*ret_token = NULL;
	if (!token || d->in->ignore_token)
		return CADRE_OK;
	status = cadre_command_hash(d->command, &hash, d->err);
	if (status == CADRE_OK)
		status = cadre_decide_token(d->in, token, &hash, &row, d->err);
	if (status != CADRE_OK)
		return status;
	if (row)
		return repeat(d, row);
	status = cadre_new_message(d, &cadre__v1__retry_token__descriptor, ret_token);
	if (status == CADRE_OK)
		status = cadre_new_array(d, 1, sizeof hash.bytes, &bytes);
	if (status != CADRE_OK)
		return status;
	memcpy(bytes, hash.bytes, sizeof hash.bytes);
	(*ret_token)->token = d->command->retry_token;
	(*ret_token)->command_sha256.data = bytes;
	(*ret_token)->command_sha256.len = sizeof hash.bytes;
	return CADRE_OK;
}

/* Before the cluster is configured its id is zero and nothing is strict. */
static enum cadre_status load_cluster(struct cadre_deciding *d)
{
	static uint8_t no_id[16];
	const struct cadre_state *state = &d->in->state;
	Cadre__V1__ClusterRow *row = NULL;
	enum cadre_status status = state->ops->cluster(state->ctx, &row, d->err);

	cadre__v1__cluster_row__init(&d->cluster);
	if (status == CADRE_OK) {
		d->cluster = *row;
		if (row->cluster_id.len != sizeof no_id)
			return cadre_error_set(d->err, CADRE_CORRUPT,
			                       "cluster: an id of %zu bytes",
			                       row->cluster_id.len);
		return CADRE_OK;
	}
	d->cluster.cluster_id.data = no_id;
	d->cluster.cluster_id.len = sizeof no_id;
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

static const char *key_prefix(int kind)
{
	if (kind == NODE)
		return "node:";
	if (kind == POLICY)
		return "policy:";
	return kind == PRINCIPAL ? "principal:" : "";
}

/* Field 1 of a command that changes a resource names it. */
static enum cadre_status find_target(struct cadre_deciding *d,
                                     const struct command_row *row,
                                     const ProtobufCMessage *body)
{
	const ProtobufCFieldDescriptor *field = &body->descriptor->fields[0];
	const struct cadre_state *state = &d->in->state;
	char ocid[CADRE_OCID_BYTES + 16];
	char name[32];
	enum cadre_status status;

	CADRE_ASSERT(field->id == 1 && field->type == PROTOBUF_C_TYPE_STRING);
	snprintf(ocid, sizeof ocid, "%s%s", key_prefix(row->target),
	         (const char *)cadre_field_pointer(cadre_field_at(body, field)));
	cadre_path_camel(field->name, name, sizeof name);
	if (row->upserts)
		status = state->ops->by_ocid(state->ctx, ocid, &d->target, d->err);
	else
		status = cadre_find(d, (Cadre__V1__Kind)row->target, ocid, name,
		                    CADRE_NOT_FOUND, &d->target);
	if (row->upserts && status == CADRE_NOT_FOUND) {
		d->target = NULL;
		return CADRE_OK;
	}
	if (status != CADRE_OK)
		return status;
	d->out->resource = d->target->id;
	snprintf(d->out->ocid, sizeof d->out->ocid, "%s", d->target->ocid);
	return cadre_check_if_match(d, d->target);
}

/* What fits into the log; the body was bounded field by field before. */
static enum cadre_status check_size(struct cadre_deciding *d)
{
	size_t bytes = cadre__v1__event__get_packed_size(d->out->event);

	if (bytes <= CADRE_EVENT_BYTES_MAX)
		return CADRE_OK;
	return cadre_error_set(d->err, CADRE_TOO_LARGE,
	                       "%s: an event of %zu bytes, at most %d", d->path, bytes,
	                       CADRE_EVENT_BYTES_MAX);
}

static enum cadre_status make_event(struct cadre_deciding *d,
                                    const struct command_row *row, ProtobufCMessage *body,
                                    Cadre__V1__RetryToken *token)
{
	Cadre__V1__Actor *actor = NULL;
	Cadre__V1__Event *event;
	enum cadre_status status = cadre_new_message(d, &cadre__v1__event__descriptor,
	                                             &event);

	if (status == CADRE_OK && d->in->actor) {
		status = cadre_new_message(d, &cadre__v1__actor__descriptor, &actor);
		if (status == CADRE_OK)
			*actor = *d->in->actor;
	}
	if (status != CADRE_OK)
		return status;
	event->actor = actor;
	event->retry_token = token;
	event->body_case = row->event;
	/* All bodies are pointers at one place. */
	memcpy(&event->group_created, &body, sizeof body);
	d->out->event = event;
	d->out->seq = d->in->seq;
	if (d->out->etag_seq == 0)
		d->out->etag_seq = d->in->seq;
	return check_size(d);
}

static enum cadre_status decide_body(struct cadre_deciding *d,
                                     Cadre__V1__RetryToken *token)
{
	const struct command_row *row = &rows[d->command->body_case];
	const ProtobufCMessage *in = &d->command->create_group->base;
	ProtobufCMessage *body = NULL;
	enum cadre_status status = load_cluster(d);

	if (status == CADRE_OK && row->target != NO_TARGET)
		status = find_target(d, row, in);
	if (status == CADRE_OK)
		status = row->decide(d, &body);
	if (status != CADRE_OK)
		return status;
	if (body)
		return make_event(d, row, body, token);
	d->out->seq = d->target ? d->target->changed_seq : 0;
	d->out->etag_seq = d->out->seq;
	return CADRE_OK;
}

enum cadre_status cadre_decide(const struct cadre_decide *decide,
                               const Cadre__V1__Command *command,
                               struct cadre_decision *ret_decision,
                               struct cadre_error *err)
{
	struct cadre_deciding d = {
		.in = decide, .command = command, .out = ret_decision, .err = err
	};
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
	        command->base.descriptor, (unsigned)command->body_case);
	Cadre__V1__RetryToken *token;
	enum cadre_status status;

	CADRE_ASSERT(field && command->body_case < sizeof rows / sizeof rows[0] &&
	             rows[command->body_case].decide);
	memset(ret_decision, 0, sizeof *ret_decision);
	cadre_path_camel(field->name, d.path, sizeof d.path);
	status = decide_token(&d, &token);
	if (status != CADRE_OK || ret_decision->repeated)
		return status;
	status = cadre_resolve_refs(decide, command, &d.command, err);
	return status == CADRE_OK ? decide_body(&d, token) : status;
}
