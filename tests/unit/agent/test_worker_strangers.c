/* Strangers at a worker's socket: whoever may reach it may send anything. */
#include <dirent.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "replica/agent/worker_client.h"
#include "replica/agent/worker_socket.h"
#include "tests/support/testing.h"
#include "tests/unit/agent/stub_worker.h"

#define LONG_MS 20000u
#define ROUNDS 60

static unsigned open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int connect_raw(const char *address)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(to.sun_path, sizeof to.sun_path, "%s", cadre_worker_ipc_path(address));
	if (connect(fd, (const struct sockaddr *)(const void *)&to, sizeof to) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void test_hostile_bytes_and_early_hang_ups_leave_the_worker_reachable(void **state)
{
	static const uint8_t greeting[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };
	struct cadre_worker_options options = { .probe_ms = 20 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct test_random random = { test_seed(7) };
	struct cadre_worker_piece piece = { 0 };
	struct stub_worker stub = { 0 };
	struct cadre_worker *worker = NULL;
	struct cadre_worker_client *client = NULL;
	const struct cadre_worker_load load = {
		.name = "m",
		.path = "/m",
		.kind = CADRE_WORKER_MODEL_BASE,
	};
	unsigned before;

	(void)state;
	assert_ok(cadre_worker_open(&options, &stub_worker_callbacks, &stub, &worker,
	                            &err));
	before = open_files();
	for (int round = 0; round < ROUNDS; round++) {
		uint8_t bytes[64];
		int fd = connect_raw(cadre_worker_address(worker));
		if (fd < 0)
			continue; /* just being renewed */
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)test_random_next(&random);
		if (round % 3 == 1)
			(void)!send(fd, greeting, sizeof greeting, MSG_NOSIGNAL);
		if (round % 3 > 0)
			(void)!send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
		close(fd); /* at once: the connection that kills an nng listener */
	}
	assert_ok(cadre_worker_connect(cadre_worker_address(worker), &client, &err));
	assert_ok(cadre_worker_load(client, &load, LONG_MS, NULL, &err));
	/* A renewal may still break the connection under an inference. */
	while (cadre_worker_infer(client, "m", cadre_slice_text("echo here"), LONG_MS,
	                          &piece, &err) != CADRE_OK)
		assert_int_equal(err.status, CADRE_UNAVAILABLE);
	assert_int_equal(piece.data.length, 6);
	assert_memory_equal(piece.data.data, "m here", 6);
	print_message("%u files open before, %u after\n", before, open_files());
	assert_true(open_files() < before + ROUNDS / 2);
	cadre_buffer_fini(&piece.data);
	cadre_worker_stop(&client, 0);
	cadre_worker_close(&worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		        test_hostile_bytes_and_early_hang_ups_leave_the_worker_reachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
