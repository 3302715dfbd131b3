#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/store/thread.h"
#include "tests/crash/crash.h"

struct client {
	struct cadre_store_thread *thread;
	unsigned number;
	uint64_t next;
	int ack_fd;
};

static Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;

static void run_batch(struct client *client, Cadre__V1__Batch *batch, unsigned answer)
{
	struct cadre_result results[2];
	struct cadre_request request = { .batch = batch,
		                         .actor = &actor,
		                         .results = results };
	struct crash_ack ack = { .client = client->number, .n = client->next };

	cadre_store_thread_call(client->thread, &request);
	if (request.status != CADRE_OK || !request.durable) {
		fprintf(stderr, "client %u command %llu: %s %s\n", client->number,
		        (unsigned long long)client->next,
		        cadre_status_name(request.status), request.err.message);
		_exit(3);
	}
	ack.seq = results[answer].seq;
	snprintf(ack.ocid, sizeof ack.ocid, "%s", results[answer].ocid);
	if (write(client->ack_fd, &ack, sizeof ack) != (ssize_t)sizeof ack)
		_exit(4);
	client->next++;
}

static void make_history(struct client *client)
{
	char name[64];
	char token[64];
	char model[96];
	char key[32];
	char zero[] = "$0";
	char compartment[] = "crash";
	char project[] = "crash";
	Cadre__V1__Member member = CADRE__V1__MEMBER__INIT;
	Cadre__V1__Member *members[] = { &member };
	Cadre__V1__GroupDetails details = CADRE__V1__GROUP_DETAILS__INIT;
	Cadre__V1__CreateGroup group = CADRE__V1__CREATE_GROUP__INIT;
	Cadre__V1__CreateHistory history = CADRE__V1__CREATE_HISTORY__INIT;
	Cadre__V1__Command commands[2] = { CADRE__V1__COMMAND__INIT,
		                           CADRE__V1__COMMAND__INIT };
	Cadre__V1__Command *list[] = { &commands[0], &commands[1] };
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;

	crash_history_name(client->number, name);
	crash_token(client->number, 0, token);
	crash_model(client->number, 0, model);
	crash_key(0, key);
	member.model_id = model;
	member.inference_key = key;
	details.type = CADRE__V1__GROUP_TYPE__HOMOGENEOUS;
	group.compartment_id = compartment;
	group.project_id = project;
	group.model_group_details = &details;
	group.members = members;
	group.n_members = 1;
	commands[0].body_case = CADRE__V1__COMMAND__BODY_CREATE_GROUP;
	commands[0].create_group = &group;
	history.compartment_id = compartment;
	history.project_id = project;
	history.display_name = name;
	history.latest_model_group_id = zero;
	commands[1].body_case = CADRE__V1__COMMAND__BODY_CREATE_HISTORY;
	commands[1].create_history = &history;
	batch.retry_token = token;
	batch.commands = list;
	batch.n_commands = 2;
	run_batch(client, &batch, 1);
}

static void patch_history(struct client *client, const char *history_id)
{
	char token[64];
	char new_model[96];
	char old_model[96];
	char key[32];
	Cadre__V1__Member inserted = CADRE__V1__MEMBER__INIT;
	Cadre__V1__Member removed = CADRE__V1__MEMBER__INIT;
	Cadre__V1__Member *insert_values[] = { &inserted };
	Cadre__V1__Member *remove_values[] = { &removed };
	Cadre__V1__PatchInstruction insert = CADRE__V1__PATCH_INSTRUCTION__INIT;
	Cadre__V1__PatchInstruction removal = CADRE__V1__PATCH_INSTRUCTION__INIT;
	Cadre__V1__PatchInstruction *instructions[] = { &insert, &removal };
	Cadre__V1__PatchGroup patch = CADRE__V1__PATCH_GROUP__INIT;
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__Command *list[] = { &command };
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;

	crash_token(client->number, client->next, token);
	crash_model(client->number, client->next, new_model);
	crash_key(client->next, key);
	inserted.model_id = new_model;
	inserted.inference_key = key;
	insert.operation = CADRE__V1__PATCH_OPERATION__INSERT;
	insert.values = insert_values;
	insert.n_values = 1;
	patch.source_id = (char *)(uintptr_t)history_id;
	patch.patch = instructions;
	patch.n_patch = 1;
	if (client->next >= CRASH_WINDOW) {
		crash_model(client->number, client->next - CRASH_WINDOW, old_model);
		removed.model_id = old_model;
		removal.operation = CADRE__V1__PATCH_OPERATION__REMOVE;
		removal.values = remove_values;
		removal.n_values = 1;
		patch.n_patch = 2;
	}
	command.body_case = CADRE__V1__COMMAND__BODY_PATCH_GROUP;
	command.patch_group = &patch;
	command.retry_token = token;
	batch.commands = list;
	batch.n_commands = 1;
	run_batch(client, &batch, 0);
}

/* The client's history from the answer to its first command, sent again. */
static void *client_run(void *ctx)
{
	struct client *client = ctx;
	char *history = NULL;
	uint64_t next = client->next;
	struct crash_ack ack;
	int pipe_ends[2];
	int real_fd = client->ack_fd;

	if (pipe(pipe_ends) != 0)
		_exit(5);
	client->next = 0;
	client->ack_fd = next == 0 ? real_fd : pipe_ends[1];
	if (next == 0) {
		/* The first answer goes to the supervisor; a second one comes here. */
		make_history(client);
		client->next = 0;
		client->ack_fd = pipe_ends[1];
		next = 1;
	}
	make_history(client);
	if (read(pipe_ends[0], &ack, sizeof ack) != (ssize_t)sizeof ack)
		_exit(5);
	history = ack.ocid;
	client->ack_fd = real_fd;
	client->next = next;
	for (;;)
		patch_history(client, history);
	return NULL;
}

int crash_work(const char *dir, const uint64_t next[CRASH_CLIENTS], int ack_fd)
{
	struct cadre_store_options options = {
		.dir = dir,
		.segment_bytes = 1u << 20, /* small: kills hit rolling and sealing too */
		.no_snapshots = true,
	};
	struct cadre_store *store;
	struct cadre_store_thread *thread;
	struct cadre_error err = CADRE_ERROR_INIT;
	static struct client clients[CRASH_CLIENTS];
	pthread_t threads[CRASH_CLIENTS];
	char principal[] = "crash-test";

	actor.principal = principal;
	actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	if (cadre_store_open(cadre_env_real(), &options, &store, &err) != CADRE_OK ||
	    cadre_store_thread_start(store, NULL, NULL, &thread, &err) != CADRE_OK) {
		fprintf(stderr, "worker: %s %s\n", cadre_status_name(err.status),
		        err.message);
		return 2;
	}
	for (unsigned i = 0; i < CRASH_CLIENTS; i++) {
		clients[i] = (struct client){
			.thread = thread, .number = i, .next = next[i], .ack_fd = ack_fd
		};
		if (pthread_create(&threads[i], NULL, client_run, &clients[i]) != 0)
			return 2;
	}
	for (unsigned i = 0; i < CRASH_CLIENTS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
