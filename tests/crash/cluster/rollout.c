#include "tests/crash/cluster/rollout.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"
#include "tests/crash/cluster/insist.h"
#include "tests/crash/cluster/wait.h"

#define BODY(name) CADRE__V1__COMMAND__BODY_##name

struct rollout {
	struct cluster *cluster;
	struct insist insist;
	atomic_bool stopping;
	atomic_bool done;
	_Atomic uint64_t generation;
	pthread_t thread;
	bool under_way;
	char history[256];
	char deployment[256];
};

/* ---- names ---- */

static void short_name(bool moving, uint64_t generation, char text[32])
{
	if (moving)
		(void)snprintf(text, 32, "gen%llu", (unsigned long long)generation);
	else
		(void)snprintf(text, 32, "steady");
}

void rollout_model(bool moving, uint64_t generation, char text[96])
{
	char name[32];

	short_name(moving, generation, name);
	(void)snprintf(text, 96, "ocid1.datasciencemodel.%s", name);
}

/* The file of a model holds its name. */
void rollout_worker_name(bool moving, uint64_t generation, char text[96])
{
	char name[32];
	char digits[13];
	struct cadre_sha256 sha256;

	short_name(moving, generation, name);
	sha256 = cadre_sha256(name, strlen(name));
	cadre_hex_encode(sha256.bytes, 6, digits);
	(void)snprintf(text, 96, "%s@%s", name, digits);
}

/* ---- commands ---- */

static Cadre__V1__Command *command_of(struct rpc_ops *ops,
                                      Cadre__V1__Command__BodyCase body_case)
{
	Cadre__V1__Command *command = rpc_alloc(ops, sizeof *command);

	cadre__v1__command__init(command);
	command->body_case = body_case;
	return command;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static Cadre__V1__Command *register_model(struct rollout *rollout, struct rpc_ops *ops,
                                          bool moving, uint64_t generation)
{
	Cadre__V1__Command *command = command_of(ops, BODY(REGISTER_MODEL));
	Cadre__V1__RegisterModel *body = rpc_alloc(ops, sizeof *body);
	struct cadre_sha256 sha256;
	char name[32];
	char id[96];
	char *path;

	short_name(moving, generation, name);
	rollout_model(moving, generation, id);
	path = rpc_text(ops, "%s/%s", rollout->cluster->dir, name);
	write_file(path, name);
	sha256 = cadre_sha256(name, strlen(name));
	cadre__v1__register_model__init(body);
	body->compartment_id = rpc_text(ops, "c");
	body->project_id = rpc_text(ops, "p");
	body->id = rpc_text(ops, "%s", id);
	body->artifact_uri = rpc_text(ops, "file://%s", path);
	body->has_artifact_sha256 = body->has_artifact_bytes = true;
	body->artifact_bytes = strlen(name);
	body->artifact_sha256.len = sizeof sha256.bytes;
	body->artifact_sha256.data = rpc_alloc(ops, sizeof sha256.bytes);
	memcpy(body->artifact_sha256.data, sha256.bytes, sizeof sha256.bytes);
	command->register_model = body;
	return command;
}

static Cadre__V1__Member *member(struct rpc_ops *ops, bool moving)
{
	Cadre__V1__Member *made = rpc_alloc(ops, sizeof *made);
	char id[96];

	rollout_model(moving, 1, id);
	cadre__v1__member__init(made);
	made->model_id = rpc_text(ops, "%s", id);
	made->inference_key = rpc_text(ops, moving ? "moving" : "steady");
	return made;
}

static Cadre__V1__Command *create_group(struct rpc_ops *ops)
{
	Cadre__V1__Command *command = rpc_create_group(ops, "crash-serving", "", 0, 0);
	Cadre__V1__CreateGroup *group = command->create_group;

	group->n_members = 2;
	group->members = rpc_alloc(ops, 2 * sizeof *group->members);
	group->members[0] = member(ops, true);
	group->members[1] = member(ops, false);
	return command;
}

static Cadre__V1__Command *create_deployment(struct rpc_ops *ops, const char *group)
{
	Cadre__V1__Command *command = command_of(ops, BODY(CREATE_DEPLOYMENT));
	Cadre__V1__CreateDeployment *body = rpc_alloc(ops, sizeof *body);

	cadre__v1__create_deployment__init(body);
	body->compartment_id = rpc_text(ops, "c");
	body->project_id = rpc_text(ops, "p");
	body->display_name = rpc_text(ops, "crash");
	body->model_group_id = rpc_text(ops, "%s", group);
	command->create_deployment = body;
	return command;
}

static Cadre__V1__Command *update_deployment(struct rollout *rollout, struct rpc_ops *ops,
                                             const char *group)
{
	Cadre__V1__Command *command = command_of(ops, BODY(UPDATE_DEPLOYMENT));
	Cadre__V1__UpdateDeployment *body = rpc_alloc(ops, sizeof *body);

	cadre__v1__update_deployment__init(body);
	body->id = rpc_text(ops, "%s", rollout->deployment);
	body->model_group_id = rpc_text(ops, "%s", group);
	command->update_deployment = body;
	return command;
}

/* Until it is done; "" when the rollout ends before. */
static void insist(struct rollout *rollout, struct rpc_ops *ops, const char *step,
                   Cadre__V1__Command *command, char id[256])
{
	Cadre__V1__Op *op = rpc_op_batch(ops, &command, 1);
	struct insist_result result = { 0 };

	op->batch->retry_token =
	        rpc_text(ops, "rollout-%s-%llu", step,
	                 (unsigned long long)atomic_load(&rollout->generation));
	(void)insist_on(&rollout->insist, op, &result);
	(void)snprintf(id, 256, "%s", result.id);
}

/* ---- the first generation ---- */

static void assert_right(const struct rollout *rollout)
{
	if (rollout->insist.wrong[0])
		fail_msg("rollout: %s", rollout->insist.wrong);
}

/* Behind the end of a cut-over the leader writes nothing by itself. */
static bool serves(struct rollout *rollout, uint64_t generation)
{
	struct cadre_client_answer *answer;
	struct rpc_ops ops;
	const Cadre__V1__Op *op;
	bool yes = false;

	rpc_ops_init(&ops);
	op = rpc_op_get(&ops, rollout->deployment, false);
	if (cadre_client_call(rollout->cluster->to_leader, &op, 1, NULL, &answer) ==
	    CADRE_CLIENT_DONE) {
		const Cadre__V1__DeploymentState *state =
		        cadre_client_answer_response(answer)
		                ->results[0]
		                ->resource->resource->deployment;
		yes = state->serving_generation == generation &&
		      state->finished_generation == generation;
	}
	cadre_client_answer_free(answer);
	rpc_ops_fini(&ops);
	return yes;
}

static void wait_serves(struct rollout *rollout)
{
	uint64_t since = 0;
	char text[64];

	(void)snprintf(text, sizeof text, "generation %llu to be served",
	               (unsigned long long)rollout_generation(rollout));
	while (!serves(rollout, rollout_generation(rollout)))
		wait_for(&since, WAIT_S, text);
}

struct rollout *rollout_make(struct cluster *cluster)
{
	struct rollout *rollout = calloc(1, sizeof *rollout);
	struct rpc_ops ops;
	char group[256];
	char ignored[256];

	assert_non_null(rollout);
	rollout->cluster = cluster;
	rollout->insist.client = cluster_client(cluster->addresses[LINK_RPC], NULL, 2000);
	rollout->insist.stopping = &rollout->stopping;
	atomic_store(&rollout->generation, 1);
	rpc_ops_init(&ops);
	insist(rollout, &ops, "steady", register_model(rollout, &ops, false, 1), ignored);
	insist(rollout, &ops, "model", register_model(rollout, &ops, true, 1), ignored);
	insist(rollout, &ops, "group", create_group(&ops), group);
	insist(rollout, &ops, "history", rpc_create_history(&ops, "crash-serving", group),
	       rollout->history);
	insist(rollout, &ops, "deployment", create_deployment(&ops, group),
	       rollout->deployment);
	rpc_ops_fini(&ops);
	assert_right(rollout);
	wait_serves(rollout);
	return rollout;
}

void rollout_destroy(struct rollout *rollout)
{
	if (!rollout)
		return;
	atomic_store(&rollout->stopping, true);
	if (rollout->under_way)
		(void)pthread_join(rollout->thread, NULL);
	cadre_client_close(rollout->insist.client);
	free(rollout);
}

const char *rollout_deployment(const struct rollout *rollout)
{
	return rollout->deployment;
}

uint64_t rollout_generation(const struct rollout *rollout)
{
	return atomic_load(&rollout->generation);
}

/* ---- updates ---- */

static void *run(void *ctx)
{
	struct rollout *rollout = ctx;
	uint64_t generation = rollout_generation(rollout);
	struct rpc_ops ops;
	char model[96];
	char old[96];
	char group[256];
	char ignored[256];

	rpc_ops_init(&ops);
	rollout_model(true, generation, model);
	rollout_model(true, generation - 1, old);
	insist(rollout, &ops, "model", register_model(rollout, &ops, true, generation),
	       ignored);
	insist(rollout, &ops, "patch",
	       rpc_patch(&ops, rollout->history, "moving", model, old), group);
	insist(rollout, &ops, "update", update_deployment(rollout, &ops, group), ignored);
	rpc_ops_fini(&ops);
	atomic_store(&rollout->done, true);
	return NULL;
}

void rollout_begin(struct rollout *rollout)
{
	rollout_end(rollout);
	atomic_fetch_add(&rollout->generation, 1);
	atomic_store(&rollout->done, false);
	assert_int_equal(pthread_create(&rollout->thread, NULL, run, rollout), 0);
	rollout->under_way = true;
}

void rollout_end(struct rollout *rollout)
{
	uint64_t since = 0;

	if (!rollout->under_way)
		return;
	while (!atomic_load(&rollout->done))
		wait_for(&since, WAIT_S, "an update of the deployment");
	(void)pthread_join(rollout->thread, NULL);
	rollout->under_way = false;
	assert_right(rollout);
	wait_serves(rollout);
}
