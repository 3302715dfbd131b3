/* Worker processes: started, watched, ended. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replica/agent/worker_client.h"
#include "replica/agent/worker_socket.h"
#include "tests/support/testing.h"

#define LONG_MS 20000u

static struct cadre_worker_client *start(const char *devices, const char *log_path)
{
	const struct cadre_worker_program program = {
		.path = STUB_WORKER_PATH,
		.devices = devices,
		.log_path = log_path,
	};
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_client *client = NULL;

	assert_ok(cadre_worker_start(&program, &client, &err));
	return client;
}

static void load_model(struct cadre_worker_client *client)
{
	const struct cadre_worker_load load = {
		.name = "m",
		.path = "/m",
		.kind = CADRE_WORKER_MODEL_BASE,
	};
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(cadre_worker_load(client, &load, LONG_MS, NULL, &err));
}

static void test_a_worker_sees_its_cards_and_writes_to_its_log(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_client *client;
	struct cadre_worker_facts facts;
	char dir[256];
	char log_path[300];
	char line[256] = "";
	FILE *file;

	(void)state;
	test_make_dir(dir, sizeof dir);
	snprintf(log_path, sizeof log_path, "%s/worker.log", dir);
	client = start("GPU-1,GPU-2", log_path);
	assert_ok(cadre_worker_hello(client, LONG_MS, &facts, &err));
	assert_string_equal(facts.devices[0].name, "GPU-1,GPU-2");
	cadre_worker_stop(&client, LONG_MS);
	assert_null(client);
	file = fopen(log_path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof line, file));
	fclose(file);
	assert_non_null(strstr(line, "stub listens at ipc://"));
	test_remove_dir(dir);
}

static void test_a_missing_program_is_refused_and_leaves_nothing(void **state)
{
	char dir[256];
	struct cadre_worker_program program = { .path = "/nonexistent/worker" };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_client *client = NULL;

	(void)state;
	test_make_dir(dir, sizeof dir);
	program.run_dir = dir;
	assert_int_equal(cadre_worker_start(&program, &client, &err), CADRE_NOT_FOUND);
	assert_null(client);
	assert_int_equal(rmdir(dir), 0);
}

static void test_a_program_that_ends_at_once_is_told_without_waiting(void **state)
{
	const struct cadre_worker_program program = { .path = "/bin/false" };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_client *client = NULL;
	struct cadre_worker_facts facts;

	(void)state;
	assert_ok(cadre_worker_start(&program, &client, &err));
	assert_int_equal(cadre_worker_hello(client, 600 * 1000, &facts, &err),
	                 CADRE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "ended with status 1"));
	assert_false(cadre_worker_alive(client, &err));
	cadre_worker_stop(&client, 0);
}

static void test_death_during_an_inference_is_told_and_a_new_worker_serves(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct cadre_worker_client *client = start(NULL, NULL);
	enum cadre_status status;
	struct pollfd fd;

	(void)state;
	load_model(client);
	assert_ok(cadre_worker_infer(client, "m", cadre_slice_text("wait"), LONG_MS,
	                             &piece, &err));
	fd = (struct pollfd){ .fd = cadre_worker_pidfd(client), .events = POLLIN };
	assert_int_equal(poll(&fd, 1, 0), 0);
	assert_int_equal(kill(cadre_worker_pid(client), SIGKILL), 0);
	assert_int_equal(cadre_worker_next(client, 1, 10000, &piece, &err),
	                 CADRE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "killed by signal 9"));
	assert_int_equal(poll(&fd, 1, 0), 1);
	assert_int_equal(cadre_worker_next(client, 1, 10000, &piece, &err),
	                 CADRE_UNAVAILABLE);
	cadre_worker_stop(&client, 0);

	client = start(NULL, NULL);
	load_model(client);
	assert_ok(cadre_worker_infer(client, "m", cadre_slice_text("echo x"), LONG_MS,
	                             &piece, &err));
	/* A process that is slow to end may still say "nothing yet". */
	status = cadre_worker_infer(client, "m", cadre_slice_text("die"), LONG_MS, &piece,
	                            &err);
	if (status == CADRE_OK)
		status = cadre_worker_next(client, 1, 10000, &piece, &err);
	assert_int_equal(status, CADRE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "ended with status 3"));
	cadre_buffer_fini(&piece.data);
	cadre_worker_stop(&client, 0);
}

static void test_stop_removes_the_private_directory(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_client *client = start(NULL, NULL);
	struct cadre_worker_facts facts;
	struct stat info;
	char path[256];

	(void)state;
	assert_ok(cadre_worker_hello(client, LONG_MS, &facts, &err));
	snprintf(path, sizeof path, "%s",
	         cadre_worker_ipc_path(cadre_worker_client_address(client)));
	assert_int_equal(stat(path, &info), 0);
	cadre_worker_stop(&client, LONG_MS);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &info), -1);
}

/* In a child: starts a worker, tells its id, and dies without a word to it. */
static void start_and_die(const char *run_dir, int out)
{
	const struct cadre_worker_program program = {
		.path = STUB_WORKER_PATH,
		.run_dir = run_dir,
	};
	struct cadre_worker_client *client = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_facts facts;
	pid_t pid;

	assert_ok(cadre_worker_start(&program, &client, &err));
	pid = cadre_worker_pid(client);
	if (cadre_worker_hello(client, LONG_MS, &facts, &err) != CADRE_OK)
		pid = 0;
	(void)!write(out, &pid, sizeof pid);
	kill(getpid(), SIGKILL);
}

static void test_a_worker_dies_with_who_started_it(void **state)
{
	struct pollfd fd;
	pid_t worker = 0;
	pid_t child;
	int pipe_fds[2];
	char dir[256];

	(void)state;
	test_make_dir(dir, sizeof dir);
	assert_int_equal(pipe(pipe_fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		start_and_die(dir, pipe_fds[1]);
	close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &worker, sizeof worker), sizeof worker);
	assert_true(worker > 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	/* The worker holds no end of the pipe; its end is seen by its id. */
	fd = (struct pollfd){ .fd = pipe_fds[0] };
	for (int turns = 0; kill(worker, 0) == 0; turns++) {
		assert_true(turns < 20000);
		poll(&fd, 0, 1);
	}
	close(pipe_fds[0]);
	test_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: it forks, before this process has threads. */
		cmocka_unit_test(test_a_worker_dies_with_who_started_it),
		cmocka_unit_test(test_a_worker_sees_its_cards_and_writes_to_its_log),
		cmocka_unit_test(test_a_missing_program_is_refused_and_leaves_nothing),
		cmocka_unit_test(
		        test_a_program_that_ends_at_once_is_told_without_waiting),
		cmocka_unit_test(
		        test_death_during_an_inference_is_told_and_a_new_worker_serves),
		cmocka_unit_test(test_stop_removes_the_private_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
