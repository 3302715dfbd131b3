/* Principals, policies and what each operation needs, over a socket. */
#include <stdio.h>

#include "engine/base/rsa.h"
#include "tests/unit/rpc/rpc_node.h"
#include "tests/unit/rpc/rpc_ops.h"

#define COMMAND(name) CADRE__V1__COMMAND__BODY_##name
#define ADMINS "allow group Administrators to manage all-resources in tenancy"

struct bench {
	struct rpc_node node;
	struct rpc_ops ops;
	struct cadre_buffer private_pem, public_pem, other_pem, other_public;
	struct cadre_client *local;
	struct cadre_client *admin; /* NULL until secured */
	char *group, *history;
};

static void make_key(struct cadre_buffer *private_pem, struct cadre_buffer *public_pem)
{
	struct cadre_rsa_key *key = NULL;

	assert_int_equal(cadre_rsa_generate(private_pem, NULL), CADRE_OK);
	assert_int_equal(
	        cadre_rsa_private_key(cadre_buffer_slice(private_pem), &key, NULL),
	        CADRE_OK);
	assert_int_equal(cadre_rsa_public_pem(key, public_pem, NULL), CADRE_OK);
	assert_int_equal(cadre_buffer_append_zeros(private_pem, 1), CADRE_OK);
	assert_int_equal(cadre_buffer_append_zeros(public_pem, 1), CADRE_OK);
	cadre_rsa_key_destroy(&key);
}

static int setup(void **state)
{
	static struct bench bench;
	static struct cadre_buffer keys[4];

	memset(&bench, 0, sizeof bench);
	*state = &bench;
	if (!keys[0].data) {
		make_key(&keys[0], &keys[1]);
		make_key(&keys[2], &keys[3]);
	}
	bench.private_pem = keys[0];
	bench.public_pem = keys[1];
	bench.other_pem = keys[2];
	bench.other_public = keys[3];
	rpc_node_make(&bench.node);
	rpc_node_start(&bench.node);
	rpc_ops_init(&bench.ops);
	bench.local = rpc_client(&bench.node, NULL);
	bench.group = rpc_do(&bench.ops, bench.local,
	                     rpc_create_group(&bench.ops, "g", "m", 1, 3));
	bench.history = rpc_do(&bench.ops, bench.local,
	                       rpc_create_history(&bench.ops, "line", bench.group));
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	cadre_client_close(bench->local);
	cadre_client_close(bench->admin);
	rpc_ops_fini(&bench->ops);
	rpc_node_remove(&bench->node);
	return 0;
}

/* ---- commands ---- */

static Cadre__V1__Command *put_policy(struct bench *bench, const char *name,
                                      const char *statement)
{
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__Command *command = rpc_alloc(ops, sizeof *command);
	Cadre__V1__PutPolicy *put = rpc_alloc(ops, sizeof *put);

	cadre__v1__command__init(command);
	cadre__v1__put_policy__init(put);
	put->name = rpc_text(ops, "%s", name);
	put->statements = rpc_alloc(ops, sizeof *put->statements);
	put->statements[0] = rpc_text(ops, "%s", statement);
	put->n_statements = 1;
	command->body_case = COMMAND(PUT_POLICY);
	command->put_policy = put;
	return command;
}

static Cadre__V1__Command *put_principal(struct bench *bench, const char *name,
                                         const struct cadre_buffer *pem,
                                         const char *group, bool gateway)
{
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__Command *command = rpc_alloc(ops, sizeof *command);
	Cadre__V1__PutPrincipal *put = rpc_alloc(ops, sizeof *put);

	cadre__v1__command__init(command);
	cadre__v1__put_principal__init(put);
	put->name = rpc_text(ops, "%s", name);
	put->public_key_pem = pem ? (char *)pem->data : NULL;
	put->groups = rpc_alloc(ops, sizeof *put->groups);
	put->groups[0] = rpc_text(ops, "%s", group ? group : "");
	put->n_groups = group ? 1 : 0;
	put->has_may_act_for_others = gateway;
	put->may_act_for_others = gateway;
	command->body_case = COMMAND(PUT_PRINCIPAL);
	command->put_principal = put;
	return command;
}

static Cadre__V1__Command *by_id(struct bench *bench, Cadre__V1__Command__BodyCase body,
                                 const char *id)
{
	Cadre__V1__Command *command = rpc_alloc(&bench->ops, sizeof *command);
	Cadre__V1__ResourceRef *ref = rpc_alloc(&bench->ops, sizeof *ref);

	cadre__v1__command__init(command);
	cadre__v1__resource_ref__init(ref);
	ref->id = rpc_text(&bench->ops, "%s", id);
	command->body_case = body;
	command->delete_group = ref;
	return command;
}

static Cadre__V1__Op *op_of(struct bench *bench, Cadre__V1__Command *command)
{
	return rpc_op_batch(&bench->ops, &command, 1);
}

static struct cadre_client *client_as(struct bench *bench, const char *name,
                                      const struct cadre_buffer *private_pem,
                                      const char *on_behalf_of)
{
	const char *address = bench->node.address;
	const struct cadre_client_options options = {
		.addresses = &address,
		.address_count = 1,
		.compartment = RPC_COMPARTMENT,
		.principal = name,
		.private_key_pem = private_pem ? (const char *)private_pem->data : NULL,
		.on_behalf_of = on_behalf_of,
	};

	return rpc_client_with(&options);
}

/* An administrator with the bench's key; from here on keys count. */
static void secure(struct bench *bench)
{
	rpc_do(&bench->ops, bench->local, put_policy(bench, "admins", ADMINS));
	rpc_do(&bench->ops, bench->local,
	       put_principal(bench, "admin", &bench->public_pem, "Administrators",
	                     false));
	bench->admin = client_as(bench, "admin", &bench->private_pem, NULL);
}

/* A principal with the other key, in group "team", which one statement lets something. */
static struct cadre_client *member_with(struct bench *bench, const char *statement)
{
	rpc_do(&bench->ops, bench->admin,
	       put_principal(bench, "ann", &bench->other_public, "team", false));
	rpc_do(&bench->ops, bench->admin, put_policy(bench, "team", statement));
	return client_as(bench, "ann", &bench->other_pem, NULL);
}

static void done(struct cadre_client *client, const Cadre__V1__Op *op)
{
	struct cadre_client_answer *answer;

	(void)rpc_done(client, op, &answer);
	cadre_client_answer_free(answer);
}

/* ---- who ---- */

static void test_without_principals_everybody_local_may(void **state)
{
	struct bench *bench = *state;

	rpc_do(&bench->ops, bench->local, put_policy(bench, "admins", ADMINS));
	done(bench->local, rpc_op_members(&bench->ops, bench->group));
}

static void test_the_first_principal_is_an_administrator_with_a_key(void **state)
{
	struct bench *bench = *state;

	rpc_refused(bench->local,
	            op_of(bench, put_principal(bench, "ann", &bench->public_pem,
	                                       "Administrators", false)),
	            CADRE_CONFLICT, "putPrincipal");
	rpc_do(&bench->ops, bench->local, put_policy(bench, "admins", ADMINS));
	rpc_refused(
	        bench->local,
	        op_of(bench, put_principal(bench, "ann", NULL, "Administrators", false)),
	        CADRE_CONFLICT, "putPrincipal");
	rpc_refused(bench->local,
	            op_of(bench,
	                  put_principal(bench, "ann", &bench->public_pem, "team", false)),
	            CADRE_CONFLICT, "putPrincipal");
	rpc_do(&bench->ops, bench->local,
	       put_principal(bench, "ann", &bench->public_pem, "Administrators", false));
}

static void test_who_proves_nothing_gets_nothing_but_a_status(void **state)
{
	struct bench *bench = *state;
	struct cadre_client_answer *answer;
	const Cadre__V1__Result *result;

	secure(bench);
	rpc_refused(bench->local, rpc_op_get(&bench->ops, bench->group, false),
	            CADRE_NOT_AUTHENTICATED, "this cluster has principals");
	rpc_refused(bench->local,
	            op_of(bench, rpc_create_group(&bench->ops, "h", "m", 1, 1)),
	            CADRE_NOT_AUTHENTICATED, "this cluster has principals");
	result = rpc_done(bench->local, rpc_op_status(&bench->ops), &answer);
	assert_int_equal(result->node_status->n_nodes, 0);
	cadre_client_answer_free(answer);
}

static void test_a_key_proves_its_principal_alone(void **state)
{
	struct bench *bench = *state;
	struct cadre_client *wrong, *unknown;

	secure(bench);
	done(bench->admin, rpc_op_members(&bench->ops, bench->group));
	wrong = client_as(bench, "admin", &bench->other_pem, NULL);
	rpc_refused(wrong, rpc_op_get(&bench->ops, bench->group, false),
	            CADRE_NOT_AUTHENTICATED, "prove");
	unknown = client_as(bench, "nobody", &bench->private_pem, NULL);
	rpc_refused(unknown, rpc_op_get(&bench->ops, bench->group, false),
	            CADRE_NOT_AUTHENTICATED, "prove");
	cadre_client_close(wrong);
	cadre_client_close(unknown);
}

static void test_a_change_names_its_principal_and_the_proof(void **state)
{
	struct bench *bench = *state;
	struct cadre_client_answer *answer;
	const Cadre__V1__Result *result;
	const Cadre__V1__Actor *actor;

	secure(bench);
	rpc_do(&bench->ops, bench->admin,
	       rpc_patch(&bench->ops, bench->history, "k2", "n2", "m2"));
	result = rpc_done(bench->admin, rpc_op_history_log(&bench->ops, bench->history),
	                  &answer);
	actor = result->history_log->entries[0]->actor;
	assert_string_equal(actor->principal, "admin");
	assert_int_equal(actor->proof, CADRE__V1__PROOF__PROOF_KEY);
	cadre_client_answer_free(answer);
}

static void test_a_changed_or_removed_principal_is_out_at_once(void **state)
{
	struct bench *bench = *state;
	struct cadre_client *ann;
	Cadre__V1__Command *gone = rpc_alloc(&bench->ops, sizeof *gone);
	Cadre__V1__RemovePrincipal *body = rpc_alloc(&bench->ops, sizeof *body);

	secure(bench);
	ann = member_with(bench,
	                  "allow group team to read data-science-family in tenancy");
	done(ann, rpc_op_members(&bench->ops, bench->group));
	/* Another key: the session was proven with the old one. */
	rpc_do(&bench->ops, bench->admin,
	       put_principal(bench, "ann", &bench->public_pem, "team", false));
	rpc_refused(ann, rpc_op_members(&bench->ops, bench->group),
	            CADRE_NOT_AUTHENTICATED, "prove");
	rpc_do(&bench->ops, bench->admin,
	       put_principal(bench, "ann", &bench->other_public, "team", false));
	done(ann, rpc_op_members(&bench->ops, bench->group));
	cadre__v1__command__init(gone);
	cadre__v1__remove_principal__init(body);
	body->name = rpc_text(&bench->ops, "ann");
	gone->body_case = COMMAND(REMOVE_PRINCIPAL);
	gone->remove_principal = body;
	rpc_do(&bench->ops, bench->admin, gone);
	rpc_refused(ann, rpc_op_members(&bench->ops, bench->group),
	            CADRE_NOT_AUTHENTICATED, "prove");
	cadre_client_close(ann);
}

/* ---- acting for others ---- */

static void test_only_a_gateway_acts_for_others(void **state)
{
	struct bench *bench = *state;
	struct cadre_client *gateway, *admin;
	struct cadre_client_answer *answer;
	const Cadre__V1__Actor *actor;
	const Cadre__V1__Result *result;

	secure(bench);
	rpc_do(&bench->ops, bench->admin,
	       put_principal(bench, "gateway", &bench->other_public, NULL, true));
	admin = client_as(bench, "admin", &bench->private_pem, "gateway");
	rpc_refused(admin, rpc_op_get(&bench->ops, bench->group, false),
	            CADRE_NOT_AUTHORIZED, "onBehalfOf");
	gateway = client_as(bench, "gateway", &bench->other_pem, "admin");
	rpc_do(&bench->ops, gateway,
	       rpc_patch(&bench->ops, bench->history, "k2", "n2", "m2"));
	result = rpc_done(gateway, rpc_op_history_log(&bench->ops, bench->history),
	                  &answer);
	actor = result->history_log->entries[0]->actor;
	assert_string_equal(actor->principal, "admin");
	assert_string_equal(actor->via, "gateway");
	assert_int_equal(actor->proof, CADRE__V1__PROOF__PROOF_OCI_SIGNATURE);
	cadre_client_answer_free(answer);
	cadre_client_close(gateway);
	gateway = client_as(bench, "gateway", &bench->other_pem, "nobody");
	rpc_refused(gateway, rpc_op_get(&bench->ops, bench->group, false),
	            CADRE_NOT_AUTHENTICATED, "onBehalfOf");
	cadre_client_close(gateway);
	cadre_client_close(admin);
}

static void test_a_gateway_finds_principals_by_fingerprint_and_nothing_else(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Op *op = rpc_op(&bench->ops);
	Cadre__V1__FindPrincipal *find = rpc_alloc(&bench->ops, sizeof *find);
	char fingerprint[CADRE_FINGERPRINT_BYTES];
	struct cadre_rsa_key *key = NULL;
	struct cadre_client_answer *answer;
	struct cadre_client *gateway, *ann;
	const Cadre__V1__Result *result;

	secure(bench);
	rpc_do(&bench->ops, bench->admin,
	       put_principal(bench, "gateway", &bench->other_public, NULL, true));
	gateway = client_as(bench, "gateway", &bench->other_pem, NULL);
	assert_int_equal(
	        cadre_rsa_public_key(cadre_slice_text((char *)bench->public_pem.data),
	                             &key, NULL),
	        CADRE_OK);
	cadre_rsa_fingerprint(key, fingerprint);
	cadre_rsa_key_destroy(&key);
	cadre__v1__find_principal__init(find);
	find->fingerprint = fingerprint;
	op->body_case = CADRE__V1__OP__BODY_FIND_PRINCIPAL;
	op->find_principal = find;
	result = rpc_done(gateway, op, &answer);
	assert_string_equal(result->principal->name, "admin");
	assert_string_equal(result->principal->public_key_pem,
	                    (char *)bench->public_pem.data);
	cadre_client_answer_free(answer);
	rpc_refused(gateway, rpc_op_get(&bench->ops, bench->group, false),
	            CADRE_NOT_FOUND, "get.id");
	fingerprint[0] = fingerprint[0] == '0' ? '1' : '0';
	rpc_refused(gateway, op, CADRE_NOT_FOUND, "findPrincipal");
	cadre_client_close(gateway);
	ann = member_with(bench, "allow group team to manage data-science-family in "
	                         "tenancy");
	rpc_refused(ann, op, CADRE_NOT_AUTHORIZED, "findPrincipal");
	cadre_client_close(ann);
}

/* ---- what ---- */

static size_t listed(struct cadre_client *client, Cadre__V1__Op *op)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__Result *result = rpc_done(client, op, &answer);
	size_t count = result->list->n_resources;

	cadre_client_answer_free(answer);
	return count;
}

static void test_what_may_not_be_inspected_is_not_there(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	struct cadre_client *ann;

	secure(bench);
	ann = member_with(bench, "allow group team to manage data-science-family in "
	                         "compartment elsewhere");
	rpc_refused(ann, rpc_op_get(ops, bench->group, false), CADRE_NOT_FOUND,
	            "get.id: no id");
	rpc_refused(ann, rpc_op_get(ops, "line", false), CADRE_NOT_FOUND,
	            "get.id: no id");
	rpc_refused(ann, rpc_op_resolve(ops, bench->history, "k1"), CADRE_NOT_FOUND,
	            "resolve.target");
	rpc_refused(ann, rpc_op_history_log(ops, bench->history), CADRE_NOT_FOUND,
	            "historyLog.history");
	rpc_refused(ann, op_of(bench, by_id(bench, COMMAND(DELETE_GROUP), bench->group)),
	            CADRE_NOT_FOUND, "deleteGroup.id: no model group");
	rpc_refused(ann, op_of(bench, rpc_patch(ops, bench->history, "k1", "n", "m1")),
	            CADRE_NOT_FOUND, "patchGroup.sourceId");
	assert_int_equal(listed(ann, rpc_op_list(ops, CADRE__V1__KIND__KIND_GROUP)), 0);
	assert_int_equal(listed(ann, rpc_op_list(ops, CADRE__V1__KIND__KIND_PRINCIPAL)),
	                 0);
	assert_int_equal(
	        listed(bench->admin, rpc_op_list(ops, CADRE__V1__KIND__KIND_GROUP)), 1);
	assert_int_equal(
	        listed(bench->admin, rpc_op_list(ops, CADRE__V1__KIND__KIND_PRINCIPAL)),
	        2);
	cadre_client_close(ann);
}

static void test_inspect_shows_names_and_no_members(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	struct cadre_client *ann;

	secure(bench);
	ann = member_with(bench, "allow group team to inspect data-science-family in "
	                         "compartment " RPC_COMPARTMENT);
	done(ann, rpc_op_get(ops, bench->group, false));
	assert_int_equal(listed(ann, rpc_op_list(ops, CADRE__V1__KIND__KIND_GROUP)), 1);
	rpc_refused(ann, rpc_op_get(ops, bench->group, true), CADRE_NOT_AUTHORIZED,
	            "get.id: needs `read data-science-model-groups`");
	rpc_refused(ann, rpc_op_members(ops, bench->group), CADRE_NOT_AUTHORIZED,
	            "members.group");
	rpc_refused(ann, rpc_op_resolve(ops, bench->history, "k1"), CADRE_NOT_AUTHORIZED,
	            "resolve.target");
	rpc_refused(ann, rpc_op_diff(ops, bench->group, bench->group),
	            CADRE_NOT_AUTHORIZED, "diff.");
	rpc_refused(ann, rpc_op_key_log(ops, bench->history, "k1"), CADRE_NOT_AUTHORIZED,
	            "keyLog.target");
	rpc_refused(ann, op_of(bench, by_id(bench, COMMAND(DELETE_GROUP), bench->group)),
	            CADRE_NOT_AUTHORIZED, "deleteGroup.id: needs `manage");
	cadre_client_close(ann);
}

static Cadre__V1__Op *blob_stat(struct bench *bench)
{
	Cadre__V1__Op *op = rpc_op(&bench->ops);
	Cadre__V1__BlobStat *stat = rpc_alloc(&bench->ops, sizeof *stat);

	cadre__v1__blob_stat__init(stat);
	stat->sha256.data = rpc_alloc(&bench->ops, 32);
	stat->sha256.len = 32;
	op->body_case = CADRE__V1__OP__BODY_BLOB_STAT;
	op->blob_stat = stat;
	return op;
}

static void test_read_use_and_manage_allow_what_they_say(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	struct cadre_client *ann;

	secure(bench);
	ann = member_with(bench, "allow group team to read data-science-family in "
	                         "compartment " RPC_COMPARTMENT);
	done(ann, rpc_op_members(ops, bench->group));
	done(ann, rpc_op_resolve(ops, bench->history, "k1"));
	rpc_refused(ann,
	            op_of(bench, by_id(bench, COMMAND(DEACTIVATE_GROUP), bench->group)),
	            CADRE_NOT_AUTHORIZED, "deactivateGroup.id");
	rpc_do(ops, bench->admin,
	       put_policy(bench, "team",
	                  "allow group team to use data-science-family in tenancy"));
	rpc_refused(ann, op_of(bench, rpc_patch(ops, bench->history, "k1", "n", "m1")),
	            CADRE_NOT_AUTHORIZED, "patchGroup.sourceId");
	rpc_refused(ann, op_of(bench, rpc_create_group(ops, "h", "m", 1, 1)),
	            CADRE_NOT_AUTHORIZED, "createGroup.compartmentId");
	rpc_do(ops, bench->admin,
	       put_policy(bench, "team",
	                  "allow group team to manage data-science-family in tenancy"));
	rpc_do(ops, ann, rpc_patch(ops, bench->history, "k1", "n", "m1"));
	rpc_do(ops, ann, rpc_create_group(ops, "h", "m", 1, 1));
	rpc_refused(ann, op_of(bench, put_policy(bench, "mine", ADMINS)),
	            CADRE_NOT_AUTHORIZED, "putPolicy");
	rpc_refused(
	        ann,
	        op_of(bench, put_principal(bench, "eve", NULL, "Administrators", false)),
	        CADRE_NOT_AUTHORIZED, "putPrincipal");
	rpc_refused(ann, rpc_op_watch(ops, 1, 0), CADRE_NOT_AUTHORIZED, "watch");
	rpc_do(ops, bench->admin,
	       put_policy(bench, "team",
	                  "allow group team to manage cadre-nodes in tenancy"));
	rpc_refused(ann, blob_stat(bench), CADRE_NOT_AUTHORIZED, "blob");
	done(bench->admin, rpc_op_watch(ops, 1, 0));
	cadre_client_close(ann);
}

/* The whole batch is refused, and nothing of it done. */
static void test_one_forbidden_command_refuses_its_batch(void **state)
{
	struct bench *bench = *state;
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__Command *both[2];
	struct cadre_client *ann;

	secure(bench);
	ann = member_with(bench,
	                  "allow group team to manage data-science-model-groups in "
	                  "tenancy");
	both[0] = rpc_create_group(ops, "h", "m", 1, 1);
	both[1] = rpc_create_history(ops, "other", NULL);
	rpc_refused(ann, rpc_op_batch(ops, both, 2), CADRE_NOT_AUTHORIZED,
	            "createHistory.compartmentId");
	assert_int_equal(
	        listed(bench->admin, rpc_op_list(ops, CADRE__V1__KIND__KIND_GROUP)), 1);
	cadre_client_close(ann);
}

/* A new connection proves itself anew, and no call is lost by it. */
static void test_a_client_proves_itself_again_after_a_restart(void **state)
{
	struct bench *bench = *state;

	secure(bench);
	done(bench->admin, rpc_op_members(&bench->ops, bench->group));
	rpc_node_stop(&bench->node);
	rpc_node_start(&bench->node);
	done(bench->admin, rpc_op_members(&bench->ops, bench->group));
	rpc_do(&bench->ops, bench->admin,
	       rpc_patch(&bench->ops, bench->history, "k2", "n2", "m2"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_without_principals_everybody_local_may),
		CASE(test_the_first_principal_is_an_administrator_with_a_key),
		CASE(test_who_proves_nothing_gets_nothing_but_a_status),
		CASE(test_a_key_proves_its_principal_alone),
		CASE(test_a_change_names_its_principal_and_the_proof),
		CASE(test_a_changed_or_removed_principal_is_out_at_once),
		CASE(test_only_a_gateway_acts_for_others),
		CASE(test_a_gateway_finds_principals_by_fingerprint_and_nothing_else),
		CASE(test_what_may_not_be_inspected_is_not_there),
		CASE(test_inspect_shows_names_and_no_members),
		CASE(test_read_use_and_manage_allow_what_they_say),
		CASE(test_one_forbidden_command_refuses_its_batch),
		CASE(test_a_client_proves_itself_again_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
