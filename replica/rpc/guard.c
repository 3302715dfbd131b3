/*
 * Who asks, and whether they may.
 *
 * Open mode, with no principals: everybody local may everything. Else a connection is
 * its principal's (sessions.h), and before each operation the policies say whether it is
 * allowed: reads where resources are found (query_find.c), batches here, command by
 * command (engine/domain/needs.h).
 */
#include "replica/rpc/internal.h"

#include "engine/domain/needs.h"

/* Before somebody proved who they are. */
static const struct access_principal nobody;

/* ---- who ---- */

static bool needs_no_proof(const Cadre__V1__Request *request)
{
	for (size_t i = 0; i < request->n_ops; i++) {
		int body = (int)request->ops[i]->body_case;
		if (body != CADRE__V1__OP__BODY_CHALLENGE &&
		    body != CADRE__V1__OP__BODY_PROVE &&
		    body != CADRE__V1__OP__BODY_STATUS)
			return false;
	}
	return true;
}

/* The principal behind the connection; NULL: nobody yet. */
static const struct access_principal *find_prover(struct call *call)
{
	const struct access_principal *prover;
	char name[256];
	cadre_seq changed_seq;

	if (!sessions_find(&call->server->sessions, cadre_exchange_peer(call->exchange),
	                   name, &changed_seq))
		return NULL;
	prover = access_find(call->access, name);
	return prover && prover->changed_seq == changed_seq ? prover : NULL;
}

static enum cadre_status act_for(struct call *call, const struct access_principal *prover,
                                 const char *other, struct cadre_error *err)
{
	const struct access_principal *subject = access_find(call->access, other);

	if (!prover->may_act_for_others)
		return cadre_error_set(err, CADRE_NOT_AUTHORIZED,
		                       "onBehalfOf: principal \"%.255s\" may not act for "
		                       "others",
		                       prover->name);
	if (!subject)
		return cadre_error_set(err, CADRE_NOT_AUTHENTICATED,
		                       "onBehalfOf: there is no such principal");
	call->who = subject;
	call->actor.principal = subject->name;
	call->actor.via = prover->name;
	call->actor.proof = CADRE__V1__PROOF__PROOF_OCI_SIGNATURE;
	return CADRE_OK;
}

static enum cadre_status find_subject(struct call *call, struct cadre_error *err)
{
	const struct access_principal *prover = find_prover(call);

	if (!prover && needs_no_proof(call->request)) {
		call->who = &nobody;
		call->actor.proof = CADRE__V1__PROOF__PROOF_NONE;
		return CADRE_OK;
	}
	if (!prover)
		return cadre_error_set(err, CADRE_NOT_AUTHENTICATED,
		                       "this cluster has principals: say which one you "
		                       "are, and with which key");
	if (call->request->on_behalf_of)
		return act_for(call, prover, call->request->on_behalf_of, err);
	call->who = prover;
	call->actor.principal = prover->name;
	call->actor.proof = CADRE__V1__PROOF__PROOF_KEY;
	return CADRE_OK;
}

enum cadre_status rpc_admit(struct call *call, struct cadre_error *err)
{
	struct cadre_rpc_server *server = call->server;
	struct cadre_error why = CADRE_ERROR_INIT;
	enum cadre_status status = access_get(&server->access, &server->readers,
	                                      atomic_load(&server->applied_seq),
	                                      &call->access, &why);

	/* Never had views: nothing can be read or decided here. */
	if (status == CADRE_UNAVAILABLE)
		return CADRE_OK;
	if (status != CADRE_OK) {
		if (err)
			*err = why;
		return status;
	}
	return call->access->principal_count == 0 ? CADRE_OK : find_subject(call, err);
}

/* ---- reads ---- */

bool rpc_may(const struct call *call, enum cadre_verb verb, unsigned resources,
             const char *compartment)
{
	const struct access_principal *who = call->who;

	if (!who)
		return true;
	/* A gateway looks up the keys of those for whom it acts. */
	if (who->may_act_for_others && verb <= CADRE_READ &&
	    resources == CADRE_PRINCIPALS)
		return true;
	return access_allows(call->access, who, verb, resources, compartment);
}

bool rpc_may_resource(void *ctx, enum cadre_verb verb,
                      const Cadre__V1__Resource *resource)
{
	return rpc_may(ctx, verb, cadre_resource_of(resource->kind),
	               resource->compartment_id);
}

enum cadre_status rpc_not_allowed(const struct call *call)
{
	return call->actor.proof == CADRE__V1__PROOF__PROOF_OCI_SIGNATURE
	               ? CADRE_NOT_FOUND
	               : CADRE_NOT_AUTHORIZED;
}

static bool may_somewhere(const struct call *call, enum cadre_verb verb)
{
	return access_allows_somewhere(call->access, call->who, verb,
	                               CADRE_GROUPS | CADRE_MODELS);
}

enum cadre_status rpc_check_op(const struct call *call, const Cadre__V1__Op *op,
                               struct cadre_error *err)
{
	const char *what = NULL;

	if (!call->who)
		return CADRE_OK;
	switch ((int)op->body_case) {
	case CADRE__V1__OP__BODY_WATCH:
		/* Events tell of everything. */
		if (!rpc_may(call, CADRE_READ, CADRE_ALL_RESOURCES, NULL))
			what = "watch: needs `read all-resources` in tenancy";
		break;
	case CADRE__V1__OP__BODY_FIND_PRINCIPAL:
		if (!rpc_may(call, CADRE_READ, CADRE_PRINCIPALS, NULL))
			what = "findPrincipal: needs `read cadre-principals` in tenancy";
		break;
	/* Bytes belong to no compartment; who knows their hash was told it. */
	case CADRE__V1__OP__BODY_BLOB_BEGIN:
	case CADRE__V1__OP__BODY_BLOB_CHUNK:
	case CADRE__V1__OP__BODY_BLOB_FINISH:
		if (!may_somewhere(call, CADRE_USE))
			what = "blob: needs `use` of model groups or models somewhere";
		break;
	case CADRE__V1__OP__BODY_BLOB_STAT:
	case CADRE__V1__OP__BODY_BLOB_READ:
		if (!may_somewhere(call, CADRE_READ))
			what = "blob: needs `read` of model groups or models somewhere";
		break;
	default:
		break;
	}
	return what ? cadre_error_set(err, rpc_not_allowed(call), "%s", what) : CADRE_OK;
}

/* ---- batches ---- */

struct checking {
	struct call *call;
	struct cadre_view *view;
	struct cadre_error *err;
};

static enum cadre_status refuse_hidden(const struct checking *checking,
                                       const struct cadre_need *need)
{
	return cadre_error_set(checking->err,
	                       need->related ? CADRE_RELATED_NOT_FOUND : CADRE_NOT_FOUND,
	                       "%s: no %s \"%.255s\"", need->field,
	                       need->what ? need->what : "resource", need->id);
}

static enum cadre_status refuse_verb(const struct checking *checking,
                                     const struct cadre_need *need, unsigned resources)
{
	const char *place = need->compartment ? need->compartment : "tenancy";

	return cadre_error_set(
	        checking->err, rpc_not_allowed(checking->call),
	        "%s: needs `%s %s` in %.255s", need->field, cadre_verb_name(need->verb),
	        cadre_resource_name(resources), need->id ? "its compartment" : place);
}

static enum cadre_status refuse_there(const struct checking *checking,
                                      const struct cadre_need *need, unsigned resources)
{
	if (rpc_not_allowed(checking->call) == CADRE_NOT_FOUND)
		return refuse_hidden(checking, need);
	return refuse_verb(checking, need, resources);
}

static enum cadre_status check_resource(const struct checking *checking,
                                        const struct cadre_need *need)
{
	Cadre__V1__Resource *found;
	unsigned resources;
	enum cadre_status status = cadre_view_by_ocid(checking->view, need->id, &found,
	                                              checking->err);

	/* Whoever decides the command says that it is not there. */
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	if (!rpc_may_resource(checking->call, CADRE_INSPECT, found))
		return refuse_hidden(checking, need);
	resources = cadre_resource_of(found->kind);
	/* What is asked of a history concerns its latest group: the history is used. */
	if (need->resources != 0 && need->resources != resources &&
	    !rpc_may(checking->call, need->verb < CADRE_USE ? need->verb : CADRE_USE,
	             resources, found->compartment_id))
		return refuse_there(checking, need, resources);
	if (need->resources != 0)
		resources = need->resources;
	if (rpc_may(checking->call, need->verb, resources, found->compartment_id))
		return CADRE_OK;
	return refuse_there(checking, need, resources);
}

static enum cadre_status check_need(void *ctx, const struct cadre_need *need)
{
	const struct checking *checking = ctx;

	if (need->id)
		return check_resource(checking, need);
	if (rpc_may(checking->call, need->verb, need->resources, need->compartment))
		return CADRE_OK;
	return refuse_verb(checking, need, need->resources);
}

static bool makes_administrator(const struct call *call, const Cadre__V1__Batch *batch,
                                const Cadre__V1__PutPrincipal *put)
{
	const struct access_principal who = { .groups = put->groups,
		                              .group_count = put->n_groups };
	const struct cadre_wish wish = { .groups = put->groups,
		                         .group_count = put->n_groups,
		                         .verb = CADRE_MANAGE,
		                         .resources = CADRE_PRINCIPALS | CADRE_POLICIES };
	struct cadre_statement statement;

	for (size_t i = 0; i < batch->n_commands; i++) {
		const Cadre__V1__Command *command = batch->commands[i];
		if (command->body_case != CADRE__V1__COMMAND__BODY_PUT_POLICY)
			continue;
		for (size_t k = 0; k < command->put_policy->n_statements; k++) {
			if (cadre_statement_parse(command->put_policy->statements[k],
			                          &statement, NULL) == CADRE_OK &&
			    cadre_statement_grants(&statement, &wish))
				return true;
		}
	}
	return access_allows(call->access, &who, wish.verb, wish.resources, NULL);
}

/* The first principal ends open mode: it must be able to let others in. */
static enum cadre_status check_first_principal(const struct call *call,
                                               const Cadre__V1__Batch *batch,
                                               struct cadre_error *err)
{
	const Cadre__V1__PutPrincipal *first = NULL;

	for (size_t i = 0; i < batch->n_commands && !first; i++) {
		if (batch->commands[i]->body_case ==
		    CADRE__V1__COMMAND__BODY_PUT_PRINCIPAL)
			first = batch->commands[i]->put_principal;
	}
	if (!first || !call->access || call->access->access_seq == 0 ||
	    (first->public_key_pem && makes_administrator(call, batch, first)))
		return CADRE_OK;
	return cadre_error_set(
	        err, CADRE_CONFLICT,
	        "putPrincipal: from the first principal on policies count, "
	        "and none lets this one manage principals and policies with "
	        "a key: first put a policy like `allow group Administrators "
	        "to manage all-resources in tenancy`");
}

enum cadre_status rpc_check_rights(struct call *call, const Cadre__V1__Batch *batch,
                                   struct cadre_error *err)
{
	struct checking checking = { .call = call, .err = err };
	struct reader *reader;
	enum cadre_status status;

	if (!call->who)
		return check_first_principal(call, batch, err);
	status = readers_enter(&call->server->readers, &call->arena, &reader, err);
	if (status != CADRE_OK)
		return status;
	checking.view = &reader->view;
	for (size_t i = 0; i < batch->n_commands && status == CADRE_OK; i++)
		status = cadre_command_needs(batch->commands[i], check_need, &checking);
	readers_leave(reader);
	return status;
}
