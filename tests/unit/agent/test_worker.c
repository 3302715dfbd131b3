/* The worker contract over a real socket: a stub worker and its client in one process. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replica/agent/worker_client.h"
#include "replica/agent/worker_socket.h"
#include "replica/agent/worker_wire.h"
#include "tests/support/testing.h"
#include "tests/unit/agent/stub_worker.h"

#define LONG_MS 20000u

struct fixture {
	struct stub_worker stub;
	struct cadre_worker *worker;
	struct cadre_worker_client *client;
};

static struct fixture *open_fixture(struct fixture *fixture,
                                    const struct cadre_worker_options *options)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	memset(fixture, 0, sizeof *fixture);
	assert_ok(cadre_worker_open(options, &stub_worker_callbacks, &fixture->stub,
	                            &fixture->worker, &err));
	assert_ok(cadre_worker_connect(cadre_worker_address(fixture->worker),
	                               &fixture->client, &err));
	return fixture;
}

static void close_fixture(struct fixture *fixture)
{
	cadre_worker_stop(&fixture->client, 0);
	cadre_worker_close(&fixture->worker);
	assert_int_equal(fixture->stub.loads >= fixture->stub.unloads, 1);
}

static struct cadre_worker_load load_of(const char *name, const char *path)
{
	struct cadre_worker_load load = {
		.name = name,
		.path = path,
		.kind = CADRE_WORKER_MODEL_BASE,
	};

	memset(load.sha256.bytes, name[0], sizeof load.sha256.bytes);
	return load;
}

static enum cadre_status load(struct fixture *fixture, const char *name, const char *path,
                              struct cadre_error *err)
{
	const struct cadre_worker_load wanted = load_of(name, path);

	return cadre_worker_load(fixture->client, &wanted, LONG_MS, NULL, err);
}

static enum cadre_status infer(struct fixture *fixture, const char *payload,
                               uint32_t deadline_ms, struct cadre_worker_piece *piece,
                               struct cadre_error *err)
{
	return cadre_worker_infer(fixture->client, "m", cadre_slice_text(payload),
	                          deadline_ms, piece, err);
}

/* Asks on from `piece` to the end, appending to `out`; the number of pieces. */
static uint32_t read_on(struct fixture *fixture, struct cadre_worker_piece *piece,
                        struct cadre_buffer *out)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	uint32_t held = 0;

	for (;;) {
		if (piece->number == held + 1) {
			held = piece->number;
			assert_int_equal(cadre_buffer_append(out, piece->data.data,
			                                     piece->data.length),
			                 CADRE_OK);
		}
		if (held > 0 && piece->end)
			return held;
		assert_ok(
		        cadre_worker_next(fixture->client, held + 1, 1000, piece, &err));
		assert_true(piece->number == 0 || piece->number == held + 1);
	}
}

static void answer_of(struct fixture *fixture, const char *name, const char *payload,
                      char *text, size_t capacity)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct cadre_buffer out = { 0 };

	assert_ok(cadre_worker_infer(fixture->client, name, cadre_slice_text(payload),
	                             LONG_MS, &piece, &err));
	read_on(fixture, &piece, &out);
	snprintf(text, capacity, "%.*s", (int)out.length, (const char *)out.data);
	cadre_buffer_fini(&out);
	cadre_buffer_fini(&piece.data);
}

static void test_hello_tells_engine_and_devices(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_facts facts;
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, &options);
	assert_ok(cadre_worker_hello(fixture.client, LONG_MS, &facts, &err));
	assert_string_equal(facts.engine, "stub 1");
	assert_int_equal(facts.device_count, 1);
	assert_string_equal(facts.devices[0].id, "cpu");
	assert_int_equal(facts.devices[0].bytes_free, 1024);
	close_fixture(&fixture);
}

static void test_a_load_asked_twice_happens_once(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_report report;
	struct fixture fixture;
	struct cadre_worker_load other;
	uint64_t bytes = 0;

	(void)state;
	open_fixture(&fixture, &options);
	assert_ok(load(&fixture, "m", "/m", &err));
	other = load_of("m", "/elsewhere");
	assert_ok(cadre_worker_load(fixture.client, &other, LONG_MS, &bytes, &err));
	assert_int_equal(bytes, 1000);
	assert_int_equal(fixture.stub.loads, 1);
	other.sha256.bytes[0]++;
	assert_int_equal(cadre_worker_load(fixture.client, &other, LONG_MS, NULL, &err),
	                 CADRE_CONFLICT);
	assert_ok(cadre_worker_status(fixture.client, LONG_MS, &report, &err));
	assert_int_equal(report.model_count, 1);
	assert_string_equal(report.models[0].name, "m");
	assert_true(report.models[0].ready);
	assert_int_equal(report.models[0].bytes, 1000);
	cadre_worker_report_fini(&report);
	close_fixture(&fixture);
	assert_int_equal(fixture.stub.unloads, 1);
}

static void test_a_failed_load_says_why_and_may_be_tried_again(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_report report;
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, &options);
	assert_int_equal(load(&fixture, "m", "bad:tensor 3", &err), CADRE_CORRUPT);
	assert_string_equal(err.message, "tensor 3");
	assert_ok(cadre_worker_status(fixture.client, LONG_MS, &report, &err));
	assert_false(report.models[0].ready);
	assert_string_equal(report.models[0].error, "tensor 3");
	cadre_worker_report_fini(&report);
	assert_ok(load(&fixture, "m", "/m", &err));
	close_fixture(&fixture);
}

static void test_an_adapter_needs_its_base_and_keeps_it(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_load adapter = load_of("a", "/a");
	struct fixture fixture;

	(void)state;
	adapter.kind = CADRE_WORKER_MODEL_LORA;
	adapter.base_name = "m";
	open_fixture(&fixture, &options);
	assert_int_equal(cadre_worker_load(fixture.client, &adapter, LONG_MS, NULL, &err),
	                 CADRE_RELATED_NOT_FOUND);
	assert_ok(load(&fixture, "m", "/m", &err));
	assert_ok(cadre_worker_load(fixture.client, &adapter, LONG_MS, NULL, &err));
	assert_int_equal(cadre_worker_unload(fixture.client, "m", 0, LONG_MS, &err),
	                 CADRE_INCORRECT_STATE);
	assert_ok(cadre_worker_unload(fixture.client, "a", 0, LONG_MS, &err));
	assert_ok(cadre_worker_unload(fixture.client, "m", 0, LONG_MS, &err));
	assert_int_equal(fixture.stub.unloads, 2);
	close_fixture(&fixture);
}

static void test_unload_twice_is_once_and_stops_a_load_under_way(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	const struct cadre_worker_load slow = load_of("m", "slow:600000");
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, &options);
	while (fixture.stub.loads == 0)
		assert_int_equal(cadre_worker_load(fixture.client, &slow, 10, NULL, &err),
		                 CADRE_DEADLINE);
	assert_ok(cadre_worker_unload(fixture.client, "m", 0, LONG_MS, &err));
	assert_ok(cadre_worker_unload(fixture.client, "m", 0, LONG_MS, &err));
	assert_int_equal(fixture.stub.loads, 1);
	assert_int_equal(fixture.stub.unloads, 0);
	assert_ok(load(&fixture, "m", "/m", &err));
	close_fixture(&fixture);
}

static void test_answers_come_from_the_model_asked_for(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct fixture fixture;
	char text[64];

	(void)state;
	open_fixture(&fixture, &options);
	assert_int_equal(infer(&fixture, "echo x", LONG_MS, &piece, &err),
	                 CADRE_NOT_FOUND);
	assert_ok(load(&fixture, "m", "/m", &err));
	assert_ok(load(&fixture, "n", "/n", &err));
	answer_of(&fixture, "m", "echo one", text, sizeof text);
	assert_string_equal(text, "m one");
	answer_of(&fixture, "n", "echo two", text, sizeof text);
	assert_string_equal(text, "n two");
	answer_of(&fixture, "m", "count 5", text, sizeof text);
	assert_string_equal(text, "0;1;2;3;4;");
	/* The author said that this is the last: no second question is needed. */
	assert_ok(infer(&fixture, "echo x", LONG_MS, &piece, &err));
	assert_int_equal(piece.number, 1);
	assert_true(piece.end);
	cadre_buffer_fini(&piece.data);
	assert_int_equal(infer(&fixture, "nonsense", LONG_MS, &piece, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_string_equal(err.message, "no such request");
	close_fixture(&fixture);
}

static void test_a_chunk_is_repeated_until_the_next_is_asked_for(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct cadre_worker_piece again = { 0 };
	struct fixture fixture;
	size_t total = 0;

	(void)state;
	open_fixture(&fixture, &options);
	assert_ok(load(&fixture, "m", "/m", &err));
	assert_ok(infer(&fixture, "flood 5000", LONG_MS, &piece, &err));
	for (uint32_t number = 1; number == 1 || !piece.end; number++) {
		do
			assert_ok(cadre_worker_next(fixture.client, number, 1000, &piece,
			                            &err));
		while (piece.number == 0);
		assert_int_equal(piece.number, number);
		again.stream = piece.stream;
		assert_ok(cadre_worker_next(fixture.client, number, 1000, &again, &err));
		assert_true(cadre_slice_equal(cadre_buffer_slice(&piece.data),
		                              cadre_buffer_slice(&again.data)));
		assert_int_equal(piece.end, again.end);
		total += piece.data.length;
	}
	assert_int_equal(total, 5000 * 1024);
	assert_true(again.number > 3);
	assert_int_equal(
	        cadre_worker_next(fixture.client, again.number - 1, 0, &again, &err),
	        CADRE_INVALID_PARAMETER);
	cadre_buffer_fini(&piece.data);
	cadre_buffer_fini(&again.data);
	close_fixture(&fixture);
}

static void test_cancel_stops_the_author_and_forgets_the_stream(void **state)
{
	struct cadre_worker_options options = { .inferences_max = 1 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct fixture fixture;
	char text[64];

	(void)state;
	open_fixture(&fixture, &options);
	assert_ok(load(&fixture, "m", "/m", &err));
	assert_ok(infer(&fixture, "wait", LONG_MS, &piece, &err));
	assert_int_equal(piece.number, 0);
	assert_ok(cadre_worker_cancel(fixture.client, piece.stream, &err));
	assert_int_equal(cadre_worker_next(fixture.client, 1, 0, &piece, &err),
	                 CADRE_NOT_FOUND);
	/* One at a time: this one runs only when the other has stopped. */
	answer_of(&fixture, "m", "echo on", text, sizeof text);
	assert_string_equal(text, "m on");
	assert_int_equal(fixture.stub.stopped, 1);
	assert_ok(cadre_worker_cancel(fixture.client, 12345, &err));
	close_fixture(&fixture);
}

static void test_a_deadline_ends_what_runs_and_what_waits_for_its_turn(void **state)
{
	struct cadre_worker_options options = { .inferences_max = 1 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece running = { 0 };
	struct cadre_worker_piece waiting = { 0 };
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, &options);
	assert_ok(load(&fixture, "m", "/m", &err));
	assert_int_equal(infer(&fixture, "wait", 50, &running, &err), CADRE_DEADLINE);
	assert_non_null(strstr(err.message, "50 ms"));
	assert_ok(infer(&fixture, "wait", LONG_MS, &running, &err));
	assert_int_equal(infer(&fixture, "echo x", 50, &waiting, &err), CADRE_DEADLINE);
	assert_ok(cadre_worker_cancel(fixture.client, running.stream, &err));
	close_fixture(&fixture);
	assert_int_equal(fixture.stub.stopped, 2);
	assert_int_equal(fixture.stub.infers, 2);
}

static void test_streams_are_bounded_and_ended_ones_make_room(void **state)
{
	struct cadre_worker_options options = { .inferences_max = 2, .streams_max = 2 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece pieces[3] = { 0 };
	struct fixture fixture;
	char text[64];

	(void)state;
	open_fixture(&fixture, &options);
	assert_ok(load(&fixture, "m", "/m", &err));
	for (int i = 0; i < 5; i++)
		answer_of(&fixture, "m", "echo x", text, sizeof text);
	assert_ok(infer(&fixture, "wait", LONG_MS, &pieces[0], &err));
	assert_ok(infer(&fixture, "wait", LONG_MS, &pieces[1], &err));
	assert_int_equal(infer(&fixture, "wait", LONG_MS, &pieces[2], &err),
	                 CADRE_TOO_MANY_REQUESTS);
	assert_ok(cadre_worker_cancel(fixture.client, pieces[0].stream, &err));
	while (infer(&fixture, "echo x", LONG_MS, &pieces[2], &err) != CADRE_OK)
		assert_int_equal(err.status, CADRE_TOO_MANY_REQUESTS);
	cadre_buffer_fini(&pieces[2].data);
	close_fixture(&fixture);
}

static void test_a_stream_nobody_asks_for_is_dropped(void **state)
{
	struct cadre_worker_options options = { .idle_ms = 20, .probe_ms = 20 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct cadre_worker_report report = { 0 };
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, &options);
	assert_ok(load(&fixture, "m", "/m", &err));
	/* More than a stream holds, so that it cannot end by itself. */
	assert_ok(infer(&fixture, "flood 100000", LONG_MS, &piece, &err));
	do {
		cadre_worker_report_fini(&report);
		assert_ok(cadre_worker_status(fixture.client, LONG_MS, &report, &err));
	} while (report.models[0].in_flight > 0);
	assert_int_equal(report.inferences, 1);
	cadre_worker_report_fini(&report);
	cadre_buffer_fini(&piece.data);
	close_fixture(&fixture);
}

static void test_an_unload_drains_and_then_cancels(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, &options);
	assert_ok(load(&fixture, "m", "/m", &err));
	assert_ok(infer(&fixture, "wait", LONG_MS, &piece, &err));
	assert_int_equal(cadre_worker_unload(fixture.client, "m", LONG_MS, 10, &err),
	                 CADRE_DEADLINE);
	assert_int_equal(infer(&fixture, "echo x", LONG_MS, &piece, &err),
	                 CADRE_INCORRECT_STATE);
	assert_int_equal(fixture.stub.stopped, 0);
	assert_ok(cadre_worker_cancel(fixture.client, piece.stream, &err));
	assert_ok(cadre_worker_unload(fixture.client, "m", LONG_MS, LONG_MS, &err));
	assert_ok(load(&fixture, "m", "/m", &err));
	assert_ok(infer(&fixture, "wait", LONG_MS, &piece, &err));
	assert_ok(cadre_worker_unload(fixture.client, "m", 20, LONG_MS, &err));
	assert_int_equal(fixture.stub.stopped, 2);
	assert_int_equal(fixture.stub.unloads, 2);
	close_fixture(&fixture);
}

static void test_close_ends_what_runs(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, &options);
	assert_ok(load(&fixture, "m", "/m", &err));
	assert_ok(infer(&fixture, "wait", LONG_MS, &piece, &err));
	close_fixture(&fixture);
	assert_int_equal(fixture.stub.stopped, 1);
	assert_int_equal(fixture.stub.unloads, 1);
}

static void test_a_payload_over_the_limit_is_refused(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct fixture fixture;
	size_t length = (size_t)CADRE_PREDICT_BYTES_MAX + 1;
	char *payload = calloc(1, length);

	(void)state;
	assert_non_null(payload);
	open_fixture(&fixture, &options);
	assert_ok(load(&fixture, "m", "/m", &err));
	memcpy(payload, "echo ", 5);
	assert_int_equal(cadre_worker_infer(fixture.client, "m",
	                                    cadre_slice(payload, length), LONG_MS, &piece,
	                                    &err),
	                 CADRE_TOO_LARGE);
	assert_ok(cadre_worker_infer(fixture.client, "m",
	                             cadre_slice(payload, length - 1), LONG_MS, &piece,
	                             &err));
	free(payload);
	cadre_buffer_fini(&piece.data);
	close_fixture(&fixture);
}

static void test_the_socket_lies_in_a_private_directory(void **state)
{
	struct cadre_worker_options options = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct fixture fixture;
	struct cadre_worker *worker = NULL;
	struct stat info;
	char dir[256];
	char address[300];

	(void)state;
	open_fixture(&fixture, &options);
	snprintf(dir, sizeof dir, "%s",
	         cadre_worker_ipc_path(cadre_worker_address(fixture.worker)));
	*strrchr(dir, '/') = '\0';
	assert_int_equal(stat(dir, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
	close_fixture(&fixture);
	assert_int_equal(stat(dir, &info), -1);

	test_make_dir(dir, sizeof dir);
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(address, sizeof address, "ipc://%s/worker.sock", dir);
	options.address = address;
	assert_int_equal(cadre_worker_open(&options, &stub_worker_callbacks,
	                                   &fixture.stub, &worker, &err),
	                 CADRE_NOT_AUTHORIZED);
	assert_null(worker);
	test_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello_tells_engine_and_devices),
		cmocka_unit_test(test_a_load_asked_twice_happens_once),
		cmocka_unit_test(test_a_failed_load_says_why_and_may_be_tried_again),
		cmocka_unit_test(test_an_adapter_needs_its_base_and_keeps_it),
		cmocka_unit_test(test_unload_twice_is_once_and_stops_a_load_under_way),
		cmocka_unit_test(test_answers_come_from_the_model_asked_for),
		cmocka_unit_test(test_a_chunk_is_repeated_until_the_next_is_asked_for),
		cmocka_unit_test(test_cancel_stops_the_author_and_forgets_the_stream),
		cmocka_unit_test(
		        test_a_deadline_ends_what_runs_and_what_waits_for_its_turn),
		cmocka_unit_test(test_streams_are_bounded_and_ended_ones_make_room),
		cmocka_unit_test(test_a_stream_nobody_asks_for_is_dropped),
		cmocka_unit_test(test_an_unload_drains_and_then_cancels),
		cmocka_unit_test(test_close_ends_what_runs),
		cmocka_unit_test(test_a_payload_over_the_limit_is_refused),
		cmocka_unit_test(test_the_socket_lies_in_a_private_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
