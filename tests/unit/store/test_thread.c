#include <pthread.h>
#include <stdatomic.h>

#include "engine/store/thread.h"
#include "tests/unit/store/store_fixture.h"

#define CLIENTS 6
#define COMMANDS 40

struct world {
	char dir[256];
	struct cadre_store *store;
	struct cadre_store_thread *thread;
	_Atomic uint64_t told_seq;
	_Atomic unsigned changes;
};

static void changed(void *ctx, const struct cadre_store_status *status)
{
	struct world *world = ctx;

	atomic_store(&world->told_seq, status->view.applied_seq);
	atomic_fetch_add(&world->changes, 1);
}

static void world_init(struct world *world)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_init_options init = { .cluster_name = "threads",
		                           .segment_bytes = 1u << 20 };
	struct cadre_store_options options = { .no_snapshots = true,
		                               .segment_bytes = 1u << 20 };

	memset(world, 0, sizeof *world);
	test_make_dir(world->dir, sizeof world->dir);
	init.dir = world->dir;
	options.dir = world->dir;
	assert_ok(cadre_store_init(cadre_env_real(), &init, &err));
	assert_ok(cadre_store_open(cadre_env_real(), &options, &world->store, &err));
	assert_ok(cadre_store_thread_start(world->store, changed, world, &world->thread,
	                                   &err));
}

static void world_fini(struct world *world)
{
	cadre_store_thread_stop(world->thread);
	cadre_store_close(world->store);
	test_remove_dir(world->dir);
}

struct client {
	struct world *world;
	unsigned number;
	unsigned done;
	cadre_seq last_seq;
};

static void *client_run(void *ctx)
{
	struct client *client = ctx;
	struct fixture commands = { 0 }; /* only its arena */

	cadre_arena_init(&commands.arena, 16u << 20);
	for (unsigned i = 0; i < COMMANDS; i++) {
		Cadre__V1__Command *command = fixture_create_group(
		        &commands, "g", client->number * 1000 + i, 2);
		Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;
		Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
		char principal[] = "client";
		struct cadre_result result;
		struct cadre_request request = { .batch = &batch,
			                         .actor = &actor,
			                         .results = &result };
		actor.principal = principal;
		batch.commands = &command;
		batch.n_commands = 1;
		cadre_store_thread_call(client->world->thread, &request);
		if (request.status == CADRE_OK && request.visible &&
		    result.seq > client->last_seq)
			client->done++;
		client->last_seq = result.seq;
	}
	cadre_arena_fini(&commands.arena);
	return NULL;
}

static void read_seq(struct cadre_store *store, void *ctx)
{
	struct cadre_store_status status;

	cadre_store_status(store, &status);
	*(cadre_seq *)ctx = status.view.applied_seq;
}

static void many_clients_get_their_own_answers_in_order(void **state)
{
	struct world world;
	struct client clients[CLIENTS];
	pthread_t threads[CLIENTS];
	cadre_seq seq = 0;

	(void)state;
	world_init(&world);
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){ .world = &world, .number = i };
		assert_int_equal(
		        pthread_create(&threads[i], NULL, client_run, &clients[i]), 0);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(clients[i].done, COMMANDS);
	}
	/* A job runs after the change that it can see was told. */
	assert_true(cadre_store_thread_run(world.thread, read_seq, &seq));
	assert_int_equal(atomic_load(&world.told_seq), seq);
	assert_int_equal(seq, 1 + CLIENTS * COMMANDS);
	assert_true(atomic_load(&world.changes) <= 3 * CLIENTS * COMMANDS);
	world_fini(&world);
}

static void a_job_runs_on_the_loop_and_its_caller_waits_for_it(void **state)
{
	struct world world;
	cadre_seq seq = 0;

	(void)state;
	world_init(&world);
	assert_true(cadre_store_thread_run(world.thread, read_seq, &seq));
	assert_int_equal(seq, 1);
	world_fini(&world);
}

struct waiting {
	struct cadre_request request;
	struct cadre_result result;
	Cadre__V1__Batch batch;
	Cadre__V1__Command *command;
	unsigned completed;
};

static void count_completion(struct cadre_request *request)
{
	struct waiting *waiting = request->ctx;

	waiting->completed++;
}

static void stop_answers_everything_that_waits_exactly_once(void **state)
{
	static struct waiting waiting[200];
	struct world world;
	struct fixture commands = { 0 };
	Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
	char principal[] = "client";
	unsigned done = 0;

	(void)state;
	world_init(&world);
	cadre_arena_init(&commands.arena, 16u << 20);
	actor.principal = principal;
	for (unsigned i = 0; i < 200; i++) {
		struct waiting *one = &waiting[i];
		memset(one, 0, sizeof *one);
		cadre__v1__batch__init(&one->batch);
		one->command = fixture_create_group(&commands, "g", i, 1);
		one->batch.commands = &one->command;
		one->batch.n_commands = 1;
		one->request.batch = &one->batch;
		one->request.actor = &actor;
		one->request.results = &one->result;
		one->request.complete = count_completion;
		one->request.ctx = one;
		cadre_store_thread_submit(world.thread, &one->request);
	}
	cadre_store_thread_stop(world.thread);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(waiting[i].completed, 1);
		assert_true(waiting[i].request.status == CADRE_OK ||
		            waiting[i].request.status == CADRE_UNAVAILABLE);
		done += waiting[i].request.status == CADRE_OK;
	}
	/* Exactly what was answered OK is in the log, and the store is the caller's. */
	assert_int_equal(
	        fixture_status(&(struct fixture){ .store = world.store }).log.last_seq,
	        1 + done);
	cadre_arena_fini(&commands.arena);
	cadre_store_close(world.store);
	test_remove_dir(world.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_clients_get_their_own_answers_in_order),
		cmocka_unit_test(a_job_runs_on_the_loop_and_its_caller_waits_for_it),
		cmocka_unit_test(stop_answers_everything_that_waits_exactly_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
