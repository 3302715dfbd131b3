/*
 * The daemon's part for the reader's tests: a store in its own process, told what
 * to do by lines on standard input, with one line of answer each.
 *
 *   group N          a group of the members key-0 … key-<N-1>      ocid seq time
 *   history OCID     a history with that group as its latest       ocid seq time
 *   deployment OCID  a deployment, cut over to that group          ocid seq time
 *   cutover OCID G   its generation G serves                       ocid seq time
 *   target OCID OCID a deployment's new target group               ocid seq time
 *   patch OCID N     the history's next version, with key-N        ocid seq time
 *   latest OCID OCID the history's latest is that group            ocid seq time
 *   turn OCID A B C  latest is A, B, C, A, … until the next line   ok
 *   state S          the control page says S                       ok
 *   damage KEY       one bit of each row of that key is flipped    ok
 *   rebuild          closed, opened with a new generation          ok
 *   reopen           closed, opened                                ok
 *   close            closed                                        ok
 */
#include <poll.h>
#include <unistd.h>

#include "tests/unit/store/store_fixture.h"

static struct fixture fixture;
static struct cadre_error err;

static Cadre__V1__Command *new_command(Cadre__V1__Command__BodyCase body_case)
{
	Cadre__V1__Command *command = fixture_alloc(&fixture, sizeof *command);

	cadre__v1__command__init(command);
	command->body_case = body_case;
	return command;
}

static Cadre__V1__Command *create_deployment(const char *group)
{
	Cadre__V1__Command *command =
	        new_command(CADRE__V1__COMMAND__BODY_CREATE_DEPLOYMENT);
	Cadre__V1__CreateDeployment *body = fixture_alloc(&fixture, sizeof *body);

	cadre__v1__create_deployment__init(body);
	body->compartment_id = fixture_text(&fixture, "c");
	body->project_id = fixture_text(&fixture, "p");
	body->model_group_id = fixture_text(&fixture, "%s", group);
	command->create_deployment = body;
	return command;
}

static Cadre__V1__Command *update_deployment(const char *deployment, const char *group)
{
	Cadre__V1__Command *command =
	        new_command(CADRE__V1__COMMAND__BODY_UPDATE_DEPLOYMENT);
	Cadre__V1__UpdateDeployment *body = fixture_alloc(&fixture, sizeof *body);

	cadre__v1__update_deployment__init(body);
	body->id = fixture_text(&fixture, "%s", deployment);
	body->model_group_id = fixture_text(&fixture, "%s", group);
	command->update_deployment = body;
	return command;
}

static Cadre__V1__Command *cut_over(const char *deployment, unsigned generation)
{
	Cadre__V1__Command *command = new_command(CADRE__V1__COMMAND__BODY_CUT_OVER);
	Cadre__V1__CutOver *body = fixture_alloc(&fixture, sizeof *body);

	cadre__v1__cut_over__init(body);
	body->deployment_id = fixture_text(&fixture, "%s", deployment);
	body->generation = generation;
	command->cut_over = body;
	return command;
}

static Cadre__V1__Command *set_latest(const char *history, const char *group)
{
	Cadre__V1__Command *command =
	        new_command(CADRE__V1__COMMAND__BODY_UPDATE_HISTORY);
	Cadre__V1__UpdateHistory *body = fixture_alloc(&fixture, sizeof *body);

	cadre__v1__update_history__init(body);
	body->id = fixture_text(&fixture, "%s", history);
	body->latest_model_group_id = fixture_text(&fixture, "%s", group);
	command->update_history = body;
	return command;
}

static void answer(struct cadre_result result)
{
	struct cadre_store_status status = fixture_status(&fixture);

	printf("%s %llu %llu\n", result.ocid, (unsigned long long)result.seq,
	       (unsigned long long)status.view.time_ms);
}

static void turn(const char *history, char *const groups[3])
{
	struct pollfd input = { .fd = 0, .events = POLLIN };

	printf("ok\n");
	fflush(stdout);
	for (unsigned i = 0; poll(&input, 1, 0) == 0; i++) {
		(void)fixture_do(&fixture, NULL, set_latest(history, groups[i % 3]));
		cadre_arena_reset(&fixture.arena);
	}
}

static void damage(const char *name)
{
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor;
	struct cadre_slice key, value;
	uint8_t keys[64][CADRE_KV_KEY_BYTES_MAX], values[64][1024];
	size_t lengths[64], sizes[64], count = 0;

	assert_ok(cadre_kv_begin(cadre_store_kv(fixture.store), CADRE_KV_WRITE, &txn,
	                         &err));
	assert_ok(cadre_kv_cursor_open(txn, &cursor, &err));
	for (enum cadre_status s =
	             cadre_kv_seek(cursor, cadre_slice("m", 1), &key, &value);
	     s == CADRE_OK && key.data[0] == 'm' && count < 64;
	     s = cadre_kv_next(cursor, &key, &value)) {
		if (!memmem(key.data, key.length, name, strlen(name)) ||
		    value.length > 1024)
			continue;
		memcpy(keys[count], key.data, key.length);
		memcpy(values[count], value.data, value.length);
		values[count][0] ^= 1;
		lengths[count] = key.length;
		sizes[count++] = value.length;
	}
	cadre_kv_cursor_close(cursor);
	for (size_t i = 0; i < count; i++)
		assert_ok(cadre_kv_put(txn, cadre_slice(keys[i], lengths[i]),
		                       cadre_slice(values[i], sizes[i]), CADRE_KV_PUT,
		                       &err));
	assert_ok(cadre_kv_commit(txn, &err));
}

static void obey(char *words[5])
{
	const char *verb = words[0];

	if (strcmp(verb, "group") == 0)
		answer(fixture_do(&fixture, NULL,
		                  fixture_create_group(&fixture, "g", 0,
		                                       (unsigned)atoi(words[1]))));
	else if (strcmp(verb, "history") == 0)
		answer(fixture_do(
		        &fixture, NULL,
		        fixture_create_history(&fixture, words[1] + 30, words[1])));
	else if (strcmp(verb, "deployment") == 0)
		answer(fixture_do(&fixture, NULL, create_deployment(words[1])));
	else if (strcmp(verb, "cutover") == 0)
		answer(fixture_do(&fixture, NULL,
		                  cut_over(words[1], (unsigned)atoi(words[2]))));
	else if (strcmp(verb, "target") == 0)
		answer(fixture_do(&fixture, NULL, update_deployment(words[1], words[2])));
	else if (strcmp(verb, "patch") == 0)
		answer(fixture_do(
		        &fixture, NULL,
		        fixture_patch(&fixture, words[1], (unsigned)atoi(words[2]))));
	else if (strcmp(verb, "latest") == 0)
		answer(fixture_do(&fixture, NULL, set_latest(words[1], words[2])));
	else if (strcmp(verb, "turn") == 0)
		turn(words[1], words + 2);
	else if (strcmp(verb, "state") == 0)
		atomic_store(&cadre_store_control_page(fixture.store)->state,
		             (uint32_t)atoi(words[1]));
	else if (strcmp(verb, "damage") == 0)
		damage(words[1]);
	else if (strcmp(verb, "rebuild") == 0 || strcmp(verb, "reopen") == 0 ||
	         strcmp(verb, "close") == 0)
		fixture_close(&fixture);
	fixture.options.rebuild_views = strcmp(verb, "rebuild") == 0;
	if (!fixture.store && strcmp(verb, "close") != 0)
		fixture_open(&fixture);
	if (strchr("sdrc", verb[0]) && strcmp(verb, "cutover") != 0 &&
	    strcmp(verb, "deployment") != 0)
		printf("ok\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct cadre_init_options init = { .cluster_name = "test" };
	char line[1200];

	if (argc != 2)
		return 2;
	cadre_arena_init(&fixture.arena, 64u << 20);
	cadre__v1__actor__init(&fixture.actor);
	snprintf(fixture.principal, sizeof fixture.principal, "tester");
	fixture.actor.principal = fixture.principal;
	fixture.actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	fixture.env = cadre_env_real();
	fixture.options.dir = argv[1];
	fixture.options.no_snapshots = true;
	init.dir = argv[1];
	if (access(argv[1], F_OK) != 0)
		assert_ok(cadre_store_init(fixture.env, &init, &err));
	fixture_open(&fixture);
	printf("ok\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		char *words[5] = { NULL };
		char *rest = line;

		for (int i = 0; i < 5; i++)
			words[i] = strtok_r(NULL, " \n", &rest);
		obey(words);
		cadre_arena_reset(&fixture.arena);
	}
	cadre_store_close(fixture.store);
	cadre_arena_fini(&fixture.arena);
	return 0;
}
