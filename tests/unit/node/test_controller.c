#include "replica/node/controller.h"

#include <sched.h>

#include "tests/unit/node/leader_world.h"

#define NODE_ID "00112233445566778899aabbccddeeff"
#define DEADLINE_MS 30000u

struct rollout {
	struct world world;
	struct cadre_controller *controller;
	struct cadre_store_watch watch;
	struct peer peers[3];
	char *label; /* `shape` of who says hello; NULL: none */
	char *name;  /* of who says hello; NULL: one of its own */
};

static uint64_t now_ms(void)
{
	return cadre_env_real()->ops->mono_ns(cadre_env_real()) / 1000000u;
}

static void applied(void *ctx, cadre_seq seq)
{
	struct rollout *rollout = ctx;

	cadre_controller_applied(rollout->controller, seq);
}

static void views(void *ctx, struct cadre_kv *kv)
{
	struct rollout *rollout = ctx;

	cadre_controller_views(rollout->controller, kv);
}

static void watch(struct cadre_store *store, void *ctx)
{
	struct rollout *rollout = ctx;

	rollout->watch.applied = applied;
	rollout->watch.views = views;
	rollout->watch.ctx = rollout;
	cadre_store_watch(store, &rollout->watch);
}

static void unwatch(struct cadre_store *store, void *ctx)
{
	(void)ctx;
	cadre_store_watch(store, NULL);
}

static int set_up(void **state)
{
	static struct rollout rollout;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_controller_options options = { .env = cadre_env_real(),
		                                    .node_id = NODE_ID };

	memset(&rollout, 0, sizeof rollout);
	world_init(&rollout.world);
	world_serve(&rollout.world);
	options.thread = rollout.world.thread;
	options.reports = rollout.world.reports;
	assert_ok(cadre_controller_start(&options, &rollout.controller, &err));
	assert_true(cadre_store_thread_run(rollout.world.thread, watch, &rollout));
	for (unsigned i = 0; i < 3; i++)
		rollout.peers[i] = world_peer(i + 1);
	*state = &rollout;
	return 0;
}

static int tear_down(void **state)
{
	struct rollout *rollout = *state;

	assert_true(cadre_store_thread_run(rollout->world.thread, unwatch, NULL));
	cadre_controller_stop(&rollout->controller);
	world_fini(&rollout->world);
	return 0;
}

/* ---- nodes ---- */

static char *id_of(struct rollout *rollout, unsigned node)
{
	char id[33];

	cadre_hex_encode(rollout->peers[node].id, 16, id);
	return fixture_text(&rollout->world.commands, "%s", id);
}

static void say_hello(struct rollout *rollout, unsigned node)
{
	Cadre__V1__Hello *hello =
	        peer_hello(&rollout->world, &rollout->peers[node])->hello;
	Cadre__V1__NameValue label = CADRE__V1__NAME_VALUE__INIT;
	Cadre__V1__NameValue *labels[] = { &label };
	char name[] = "shape";

	if (rollout->name)
		hello->name = rollout->name;
	label.name = name;
	label.value = rollout->label;
	hello->labels = labels;
	hello->n_labels = rollout->label ? 1 : 0;
	assert_int_equal(cadre_reports_hello(rollout->world.reports, hello, now_ms()),
	                 CADRE_OK);
	cadre_controller_poke(rollout->controller);
}

/* What a node reports on one deployment, heard at `heard_ms`. */
static void report_at(struct rollout *rollout, unsigned node,
                      const Cadre__V1__DeploymentReport *about, uint64_t heard_ms)
{
	Cadre__V1__Fetch *fetch =
	        peer_fetch(&rollout->world, &rollout->peers[node], 1, 0)->fetch;
	Cadre__V1__NodeReport report = CADRE__V1__NODE_REPORT__INIT;
	Cadre__V1__DeploymentReport one = *about;
	Cadre__V1__DeploymentReport *deployments[] = { &one };

	report.node_id = one.deployment_id;
	report.deployments = deployments;
	report.n_deployments = 1;
	fetch->report = &report;
	assert_int_equal(cadre_reports_fetch(rollout->world.reports, fetch, heard_ms),
	                 CADRE_OK);
	cadre_controller_poke(rollout->controller);
}

static Cadre__V1__DeploymentReport about(char *deployment)
{
	Cadre__V1__DeploymentReport report = CADRE__V1__DEPLOYMENT_REPORT__INIT;

	report.deployment_id = deployment;
	return report;
}

static void report_prepared(struct rollout *rollout, unsigned node, char *deployment,
                            uint64_t generation)
{
	Cadre__V1__DeploymentReport report = about(deployment);

	report.has_prepared_generation = true;
	report.prepared_generation = generation;
	report_at(rollout, node, &report, now_ms());
}

static void report_serving(struct rollout *rollout, unsigned node, char *deployment,
                           uint64_t generation)
{
	Cadre__V1__DeploymentReport report = about(deployment);

	report.has_prepared_generation = report.has_serving_generation = true;
	report.prepared_generation = report.serving_generation = generation;
	report.has_flipped_ms = true;
	report.flipped_ms = 1000 + node;
	report_at(rollout, node, &report, now_ms());
}

/* ---- deployments ---- */

static char *make_group(struct rollout *rollout, unsigned first)
{
	struct cadre_result result =
	        world_do(&rollout->world,
	                 fixture_create_group(&rollout->world.commands, "g", first, 2));

	return fixture_text(&rollout->world.commands, "%s", result.ocid);
}

static char *make_deployment(struct rollout *rollout, uint32_t instances)
{
	struct fixture *commands = &rollout->world.commands;
	Cadre__V1__Command *command = fixture_alloc(commands, sizeof *command);
	Cadre__V1__CreateDeployment *create = fixture_alloc(commands, sizeof *create);
	Cadre__V1__Infrastructure *infrastructure = fixture_alloc(commands,
	                                                          sizeof *infrastructure);
	struct cadre_result result;

	cadre__v1__command__init(command);
	cadre__v1__create_deployment__init(create);
	cadre__v1__infrastructure__init(infrastructure);
	infrastructure->has_instance_count = true;
	infrastructure->instance_count = instances;
	create->compartment_id = fixture_text(commands, "c");
	create->project_id = fixture_text(commands, "p");
	create->model_group_id = make_group(rollout, 1);
	create->infrastructure = infrastructure;
	command->body_case = CADRE__V1__COMMAND__BODY_CREATE_DEPLOYMENT;
	command->create_deployment = create;
	result = world_do(&rollout->world, command);
	return fixture_text(commands, "%s", result.ocid);
}

static void update_deployment(struct rollout *rollout, char *deployment)
{
	struct fixture *commands = &rollout->world.commands;
	Cadre__V1__Command *command = fixture_alloc(commands, sizeof *command);
	Cadre__V1__UpdateDeployment *update = fixture_alloc(commands, sizeof *update);

	cadre__v1__command__init(command);
	cadre__v1__update_deployment__init(update);
	update->id = deployment;
	update->model_group_id = make_group(rollout, 5);
	command->body_case = CADRE__V1__COMMAND__BODY_UPDATE_DEPLOYMENT;
	command->update_deployment = update;
	(void)world_do(&rollout->world, command);
}

/* ---- what became of it ---- */

typedef bool (*seen_fn)(const Cadre__V1__Resource *row, uint64_t number);

static bool see(struct rollout *rollout, const char *ocid, seen_fn seen, uint64_t number)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	Cadre__V1__Resource *row;
	struct cadre_arena arena;
	struct cadre_view view;
	enum cadre_status status;
	bool yes;

	cadre_arena_init(&arena, 1u << 20);
	assert_ok(cadre_view_begin(&view, cadre_store_kv(rollout->world.store),
	                           CADRE_KV_READ, &arena, &err));
	status = cadre_view_by_ocid(&view, ocid, &row, &err);
	yes = status == CADRE_OK && seen(row, number);
	cadre_view_abort(&view);
	cadre_arena_fini(&arena);
	return yes;
}

static void wait_to_see(struct rollout *rollout, const char *ocid, seen_fn seen,
                        uint64_t number)
{
	uint64_t deadline_ms = now_ms() + DEADLINE_MS;

	while (!see(rollout, ocid, seen, number)) {
		if (now_ms() > deadline_ms)
			fail_msg("not seen in time: %s", ocid);
		(void)sched_yield();
	}
}

static bool has_labels(const Cadre__V1__Resource *row, uint64_t number)
{
	return row->node->n_labels == number;
}

static bool is_placed_on(const Cadre__V1__Resource *row, uint64_t count)
{
	return row->deployment->n_nodes == count;
}

static bool serves(const Cadre__V1__Resource *row, uint64_t generation)
{
	return row->deployment->serving_generation == generation;
}

static bool finished(const Cadre__V1__Resource *row, uint64_t generation)
{
	return row->deployment->finished_generation == generation;
}

static char *node_name(struct rollout *rollout, unsigned node)
{
	return fixture_text(&rollout->world.commands, "node:%s", id_of(rollout, node));
}

/* The nodes are registered, and a deployment is placed on as many. */
static char *place_on(struct rollout *rollout, unsigned nodes)
{
	char *deployment;

	for (unsigned i = 0; i < nodes; i++)
		say_hello(rollout, i);
	deployment = make_deployment(rollout, nodes);
	wait_to_see(rollout, deployment, is_placed_on, nodes);
	return deployment;
}

/* The last event of a type in the log; in the world's arena. NULL when none. */
static Cadre__V1__Event *last_event(struct rollout *rollout,
                                    Cadre__V1__Event__BodyCase type, unsigned *ret_count)
{
	const struct cadre_log_options options = { .dir = rollout->world.log_dir };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_log_cursor *cursor;
	struct cadre_log *log;
	struct cadre_batch batch;
	ProtobufCMessage *found = NULL;

	*ret_count = 0;
	assert_ok(cadre_log_open_read(cadre_env_real(), &options, &log, NULL, &err));
	assert_ok(cadre_log_cursor_open(log, 1, &cursor, &err));
	while (cadre_log_cursor_next(cursor, &batch, &err) == CADRE_OK) {
		struct cadre_record record = { 0 };
		size_t offset = 0;
		while (cadre_batch_next_record(&batch, &offset, &record) == CADRE_OK) {
			if (record.type != type)
				continue;
			assert_ok(cadre_unpack(
			        &cadre__v1__event__descriptor, record.payload,
			        &rollout->world.commands.arena, &found, &err));
			++*ret_count;
		}
	}
	cadre_log_cursor_close(cursor);
	cadre_log_close(log);
	return (Cadre__V1__Event *)(void *)found;
}

/* ---- laws ---- */

static void a_node_that_says_hello_is_registered_and_anew_when_it_changed(void **state)
{
	struct rollout *rollout = *state;
	Cadre__V1__Event *event;
	unsigned count;
	char shape[] = "gpu";

	say_hello(rollout, 0);
	wait_to_see(rollout, node_name(rollout, 0), has_labels, 0);
	rollout->label = shape;
	say_hello(rollout, 0);
	wait_to_see(rollout, node_name(rollout, 0), has_labels, 1);
	event = last_event(rollout, CADRE__V1__EVENT__BODY_NODE_REGISTERED, &count);
	assert_int_equal(count, 2);
	assert_string_equal(event->actor->principal, "cadre");
	assert_int_equal(event->actor->proof, CADRE__V1__PROOF__PROOF_NONE);
	assert_string_equal(event->actor->via, NODE_ID);
	assert_string_equal(event->node_registered->labels[0]->value, "gpu");
}

static void a_deployment_finds_its_nodes_when_they_come(void **state)
{
	struct rollout *rollout = *state;
	char *deployment = make_deployment(rollout, 2);

	say_hello(rollout, 0);
	wait_to_see(rollout, deployment, is_placed_on, 1);
	say_hello(rollout, 1);
	wait_to_see(rollout, deployment, is_placed_on, 2);
}

static void prepared_everywhere_is_cut_over_and_its_end_recorded(void **state)
{
	struct rollout *rollout = *state;
	char *deployment = place_on(rollout, 2);
	Cadre__V1__Event *event;
	unsigned count;

	report_prepared(rollout, 0, deployment, 1);
	report_prepared(rollout, 1, deployment, 1);
	wait_to_see(rollout, deployment, serves, 1);
	event = last_event(rollout, CADRE__V1__EVENT__BODY_CUT_OVER, &count);
	assert_int_equal(count, 1);
	assert_string_equal(event->cut_over->deployment_id, deployment);
	assert_int_equal(event->cut_over->n_participants, 2);
	report_serving(rollout, 0, deployment, 1);
	assert_false(see(rollout, deployment, finished, 1));
	report_serving(rollout, 1, deployment, 1);
	wait_to_see(rollout, deployment, finished, 1);
	event = last_event(rollout, CADRE__V1__EVENT__BODY_CUT_OVER_FINISHED, &count);
	assert_int_equal(count, 1);
	assert_int_equal(event->cut_over_finished->n_nodes, 2);
	assert_int_equal(event->cut_over_finished->first_flip_ms, 1000);
	assert_int_equal(event->cut_over_finished->last_flip_ms, 1001);
}

static void a_silent_node_is_not_waited_for(void **state)
{
	struct rollout *rollout = *state;
	char *deployment = place_on(rollout, 2);
	Cadre__V1__DeploymentReport report = about(deployment);
	Cadre__V1__Event *event;
	unsigned count;

	report_at(rollout, 1, &report, now_ms() - CADRE_REPORT_SILENT_MS - 1);
	report_prepared(rollout, 0, deployment, 1);
	wait_to_see(rollout, deployment, serves, 1);
	event = last_event(rollout, CADRE__V1__EVENT__BODY_CUT_OVER, &count);
	assert_int_equal(event->cut_over->n_participants, 1);
	assert_string_equal(event->cut_over->participants[0], id_of(rollout, 0));
	/* It stays placed: nothing moves by itself. */
	assert_true(see(rollout, deployment, is_placed_on, 2));
}

/* Whatever was reported before has been decided on: a deployment that came later is
 * placed. */
static void wait_for_a_round(struct rollout *rollout)
{
	wait_to_see(rollout, make_deployment(rollout, 1), is_placed_on, 1);
}

static void a_failed_member_holds_the_old_generation_in_place(void **state)
{
	struct rollout *rollout = *state;
	char *deployment = place_on(rollout, 2);
	Cadre__V1__DeploymentReport failed = about(deployment);

	report_prepared(rollout, 0, deployment, 1);
	report_prepared(rollout, 1, deployment, 1);
	wait_to_see(rollout, deployment, serves, 1);
	update_deployment(rollout, deployment);
	failed.has_prepared_generation = failed.has_failed_generation = true;
	failed.prepared_generation = 1;
	failed.failed_generation = 2;
	report_at(rollout, 1, &failed, now_ms());
	report_prepared(rollout, 0, deployment, 2);
	wait_for_a_round(rollout);
	assert_true(see(rollout, deployment, serves, 1));
	report_prepared(rollout, 1, deployment, 2);
	wait_to_see(rollout, deployment, serves, 2);
}

static void a_newer_update_takes_the_place_of_the_one_being_prepared(void **state)
{
	struct rollout *rollout = *state;
	char *deployment = place_on(rollout, 2);
	Cadre__V1__Event *event;
	unsigned count;

	report_prepared(rollout, 0, deployment, 1);
	update_deployment(rollout, deployment);
	report_prepared(rollout, 1, deployment, 1);
	wait_for_a_round(rollout);
	assert_true(see(rollout, deployment, serves, 0));
	report_prepared(rollout, 0, deployment, 2);
	report_prepared(rollout, 1, deployment, 2);
	wait_to_see(rollout, deployment, serves, 2);
	event = last_event(rollout, CADRE__V1__EVENT__BODY_CUT_OVER, &count);
	assert_int_equal(count, 1);
	assert_int_equal(event->cut_over->generation, 2);
}

static void a_node_that_cannot_be_registered_holds_nobody_up(void **state)
{
	struct rollout *rollout = *state;
	char *deployment = make_deployment(rollout, 1);
	char *name = fixture_alloc(&rollout->world.commands, 1000);

	memset(name, 'x', 999); /* longer than a name may be */
	rollout->name = name;
	say_hello(rollout, 0);
	rollout->name = NULL;
	say_hello(rollout, 1);
	wait_to_see(rollout, node_name(rollout, 1), has_labels, 0);
	wait_to_see(rollout, deployment, is_placed_on, 1);
	assert_false(see(rollout, node_name(rollout, 0), has_labels, 0));
}

static void a_retired_node_is_not_taken_back_by_its_hello(void **state)
{
	struct rollout *rollout = *state;
	struct fixture *commands = &rollout->world.commands;
	Cadre__V1__Command *command = fixture_alloc(commands, sizeof *command);
	Cadre__V1__RetireNode *retire = fixture_alloc(commands, sizeof *retire);
	unsigned count;

	say_hello(rollout, 0);
	wait_to_see(rollout, node_name(rollout, 0), has_labels, 0);
	cadre__v1__command__init(command);
	cadre__v1__retire_node__init(retire);
	retire->node_id = id_of(rollout, 0);
	command->body_case = CADRE__V1__COMMAND__BODY_RETIRE_NODE;
	command->retire_node = retire;
	(void)world_do(&rollout->world, command);
	say_hello(rollout, 0);
	say_hello(rollout, 1);
	wait_to_see(rollout, node_name(rollout, 1), has_labels, 0);
	(void)last_event(rollout, CADRE__V1__EVENT__BODY_NODE_REGISTERED, &count);
	assert_int_equal(count, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_node_that_says_hello_is_registered_and_anew_when_it_changed),
		CASE(a_deployment_finds_its_nodes_when_they_come),
		CASE(prepared_everywhere_is_cut_over_and_its_end_recorded),
		CASE(a_silent_node_is_not_waited_for),
		CASE(a_failed_member_holds_the_old_generation_in_place),
		CASE(a_newer_update_takes_the_place_of_the_one_being_prepared),
		CASE(a_node_that_cannot_be_registered_holds_nobody_up),
		CASE(a_retired_node_is_not_taken_back_by_its_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
