/* cadre-worker-llama with real GGUF files, tiny ones, through the agent's client. */
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replica/agent/worker_client.h"
#include "tests/support/testing.h"

#define LONG_MS 60000u
#define GREEDY "{\"prompt\":\"hello\",\"n_predict\":24}"

/* The files, made once. */
static char dir[256];

struct fixture {
	struct cadre_worker_client *client;
};

static char *file(const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

static void make(const char *kind, const char *name, const char *seed, const char *width)
{
	char *const arguments[] = {
		(char *)(uintptr_t)PYTHON,
		(char *)(uintptr_t)MAKE_GGUF,
		(char *)(uintptr_t)kind,
		file(name),
		(char *)(uintptr_t) "--seed",
		(char *)(uintptr_t)seed,
		(char *)(uintptr_t) "--width",
		(char *)(uintptr_t)width,
		NULL,
	};
	int status;
	pid_t pid;

	assert_int_equal(posix_spawn(&pid, PYTHON, NULL, NULL, arguments, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The first `length` bytes of a file, the byte at `flip` changed. */
static void copy_part(const char *from, const char *to, size_t length, size_t flip)
{
	FILE *in = fopen(file(from), "rb");
	FILE *out = fopen(file(to), "wb");

	assert_true(in && out);
	for (size_t i = 0; i < length; i++) {
		int byte = getc(in);
		if (byte == EOF)
			break;
		putc(i == flip ? byte ^ 0xFF : byte, out);
	}
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static int make_files(void **state)
{
	(void)state;
	test_make_dir(dir, sizeof dir);
	make("base", "base", "1", "32");
	make("base", "wide", "2", "64");
	make("adapter", "one", "1", "32");
	make("adapter", "two", "2", "32");
	make("adapter", "other", "1", "64");
	copy_part("base", "short", 100000, SIZE_MAX);
	copy_part("base", "magic", SIZE_MAX, 1);
	copy_part("one", "short-one", 10000, SIZE_MAX);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	test_remove_dir(dir);
	return 0;
}

static void start(struct fixture *fixture)
{
	static const char *const arguments[] = { "--devices", "cpu", "--threads", "1",
		                                 NULL };
	const struct cadre_worker_program program = {
		.path = WORKER_PATH,
		.arguments = arguments,
		.log_path = file("worker.log"),
		.devices = "",
	};
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(cadre_worker_start(&program, &fixture->client, &err));
}

static void stop(struct fixture *fixture)
{
	cadre_worker_stop(&fixture->client, LONG_MS);
}

static enum cadre_status load(struct fixture *fixture, const char *name, const char *path,
                              const char *base, struct cadre_error *err)
{
	struct cadre_worker_load wanted = {
		.name = name,
		.path = path,
		.kind = base ? CADRE_WORKER_MODEL_LORA : CADRE_WORKER_MODEL_BASE,
		.base_name = base,
	};

	snprintf((char *)wanted.sha256.bytes, sizeof wanted.sha256.bytes, "%s", name);
	return cadre_worker_load(fixture->client, &wanted, LONG_MS, NULL, err);
}

/* The whole answer, to json_decref(); of a streamed one the last line. */
static json_t *ask(struct fixture *fixture, const char *name, const char *payload,
                   unsigned *ret_lines)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct cadre_buffer all = { 0 };
	uint32_t held = 0;
	const char *last;
	json_t *answer;

	assert_ok(cadre_worker_infer(fixture->client, name, cadre_slice_text(payload),
	                             LONG_MS, &piece, &err));
	for (;;) {
		if (piece.number == held + 1) {
			held++;
			assert_int_equal(cadre_buffer_append(&all, piece.data.data,
			                                     piece.data.length),
			                 CADRE_OK);
			if (piece.end)
				break;
		}
		assert_ok(
		        cadre_worker_next(fixture->client, held + 1, 1000, &piece, &err));
	}
	assert_true(all.length > 1 && all.data[all.length - 1] == '\n');
	all.data[all.length - 1] = '\0';
	*ret_lines = 1;
	for (size_t i = 0; i < all.length; i++)
		*ret_lines += all.data[i] == '\n';
	last = strrchr((const char *)all.data, '\n');
	answer = json_loads(last ? last + 1 : (const char *)all.data, 0, NULL);
	assert_non_null(answer);
	assert_true(json_is_true(json_object_get(answer, "done")));
	cadre_buffer_fini(&all);
	cadre_buffer_fini(&piece.data);
	return answer;
}

/* The tokens as text, to free(). */
static char *tokens_of(struct fixture *fixture, const char *name, const char *payload)
{
	unsigned lines;
	json_t *answer = ask(fixture, name, payload, &lines);
	char *text = json_dumps(json_object_get(answer, "tokens"), JSON_COMPACT);

	assert_non_null(text);
	assert_int_equal(lines, 1);
	json_decref(answer);
	return text;
}

static void test_base_and_adapters_each_have_their_own_answer(void **state)
{
	static const char *const names[] = { "b@1", "one@1", "two@1" };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct fixture fixture;
	char *first[3];

	(void)state;
	start(&fixture);
	assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
	assert_ok(load(&fixture, "one@1", file("one"), "b@1", &err));
	assert_ok(load(&fixture, "two@1", file("two"), "b@1", &err));
	for (int i = 0; i < 3; i++)
		first[i] = tokens_of(&fixture, names[i], GREEDY);
	assert_string_not_equal(first[0], first[1]);
	assert_string_not_equal(first[0], first[2]);
	assert_string_not_equal(first[1], first[2]);
	/* In the same contexts again, in another order: nothing of the others is left. */
	for (int i = 2; i >= 0; i--) {
		char *again = tokens_of(&fixture, names[i], GREEDY);
		assert_string_equal(again, first[i]);
		free(again);
	}
	/* An adapter gone, the base is as it was. */
	assert_ok(cadre_worker_unload(fixture.client, "one@1", 0, LONG_MS, &err));
	for (int i = 0; i < 3; i += 2) {
		char *again = tokens_of(&fixture, names[i], GREEDY);
		assert_string_equal(again, first[i]);
		free(again);
	}
	for (int i = 0; i < 3; i++)
		free(first[i]);
	stop(&fixture);
}

static void test_a_new_process_gives_the_same_answer(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct fixture fixture;
	char *answers[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		start(&fixture);
		assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
		answers[i] = tokens_of(&fixture, "b@1",
		                       "{\"prompt\":\"x\",\"temperature\":1,\"seed\":7}");
		stop(&fixture);
	}
	assert_string_equal(answers[0], answers[1]);
	free(answers[0]);
	free(answers[1]);
}

static void test_tokens_logits_and_streams_agree_with_the_plain_answer(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct fixture fixture;
	json_t *answer;
	json_t *logits;
	size_t best = 0;
	unsigned lines;
	char *plain;
	char *streamed;

	(void)state;
	start(&fixture);
	assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
	answer = ask(&fixture, "b@1",
	             "{\"tokens\":[1,300,301],\"n_predict\":9,\"logits\":true}", &lines);
	logits = json_object_get(answer, "logits");
	assert_true(json_array_size(logits) > 300);
	for (size_t i = 0; i < json_array_size(logits); i++)
		if (json_real_value(json_array_get(logits, i)) >
		    json_real_value(json_array_get(logits, best)))
			best = i;
	assert_int_equal(
	        json_integer_value(json_array_get(json_object_get(answer, "tokens"), 0)),
	        best);
	assert_int_equal(json_integer_value(json_object_get(answer, "prompt_tokens")), 3);
	assert_string_equal(json_string_value(json_object_get(answer, "stop")), "length");
	assert_true(json_is_string(json_object_get(answer, "text")));
	plain = json_dumps(json_object_get(answer, "tokens"), JSON_COMPACT);
	json_decref(answer);
	answer = ask(&fixture, "b@1",
	             "{\"tokens\":[1,300,301],\"n_predict\":9,\"stream\":true}", &lines);
	streamed = json_dumps(json_object_get(answer, "tokens"), JSON_COMPACT);
	assert_int_equal(lines, 10);
	assert_string_equal(plain, streamed);
	json_decref(answer);
	free(plain);
	free(streamed);
	stop(&fixture);
}

static void test_requests_that_make_no_sense_say_why(void **state)
{
	static const struct {
		const char *payload;
		const char *reason;
	} cases[] = {
		{ "", "JSON object" },
		{ "[]", "JSON object" },
		{ "{}", "give tokens or prompt" },
		{ "{\"tokens\":[]}", "at least one" },
		{ "{\"tokens\":[1,99999]}", "tokens[1]" },
		{ "{\"tokens\":[1],\"prompt\":\"x\"}", "not both" },
		{ "{\"tokens\":[1],\"n_predict\":100000}", "the context holds" },
		{ "{\"tokens\":[1],\"temperature\":-1}", "temperature" },
		{ "{\"tokens\":[1],\"max_tokens\":3}", "\"max_tokens\" is unknown" },
	};
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct fixture fixture;

	(void)state;
	start(&fixture);
	assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_not_equal(
		        cadre_worker_infer(fixture.client, "b@1",
		                           cadre_slice_text(cases[i].payload), LONG_MS,
		                           &piece, &err),
		        CADRE_OK);
		if (!strstr(err.message, cases[i].reason))
			fail_msg("%s: %s", cases[i].payload, err.message);
	}
	stop(&fixture);
}

static void
test_an_adapter_for_another_base_is_refused_and_the_base_serves_on(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct fixture fixture;
	char *before;
	char *after;

	(void)state;
	start(&fixture);
	assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
	before = tokens_of(&fixture, "b@1", GREEDY);
	assert_int_equal(load(&fixture, "other@1", file("other"), "b@1", &err),
	                 CADRE_CONFLICT);
	assert_non_null(strstr(err.message, "no adapter for \"b@1\""));
	assert_int_equal(load(&fixture, "base@2", file("base"), "b@1", &err),
	                 CADRE_CORRUPT);
	assert_int_equal(load(&fixture, "other@1", file("other"), "wide@1", &err),
	                 CADRE_RELATED_NOT_FOUND);
	/* On its own base it is welcome, beside the first. */
	assert_ok(load(&fixture, "wide@1", file("wide"), NULL, &err));
	assert_ok(load(&fixture, "other@1", file("other"), "wide@1", &err));
	after = tokens_of(&fixture, "b@1", GREEDY);
	assert_string_equal(before, after);
	free(before);
	free(after);
	stop(&fixture);
}

static void test_damaged_and_missing_files_are_refused_by_a_living_worker(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct fixture fixture;
	char *answer;

	(void)state;
	start(&fixture);
	assert_int_equal(load(&fixture, "short@1", file("short"), NULL, &err),
	                 CADRE_CORRUPT);
	assert_non_null(strstr(err.message, "short"));
	assert_int_equal(load(&fixture, "magic@1", file("magic"), NULL, &err),
	                 CADRE_CORRUPT);
	assert_int_equal(load(&fixture, "none@1", file("none"), NULL, &err),
	                 CADRE_CORRUPT);
	assert_int_equal(load(&fixture, "one@1", file("one"), NULL, &err), CADRE_CORRUPT);
	assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
	assert_int_equal(load(&fixture, "so@1", file("short-one"), "b@1", &err),
	                 CADRE_CORRUPT);
	answer = tokens_of(&fixture, "b@1", GREEDY);
	free(answer);
	stop(&fixture);
}

static void test_unload_frees_the_name_and_load_brings_it_back(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_report report;
	struct cadre_worker_piece piece = { 0 };
	struct fixture fixture;
	char *before;
	char *after;

	(void)state;
	start(&fixture);
	assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
	before = tokens_of(&fixture, "b@1", GREEDY);
	assert_ok(cadre_worker_status(fixture.client, LONG_MS, &report, &err));
	assert_int_equal(report.model_count, 1);
	assert_true(report.models[0].bytes > 100000);
	assert_string_equal(report.facts.devices[0].id, "cpu");
	assert_true(report.facts.devices[0].bytes_total > 0);
	cadre_worker_report_fini(&report);
	assert_ok(cadre_worker_unload(fixture.client, "b@1", 0, LONG_MS, &err));
	assert_int_equal(cadre_worker_infer(fixture.client, "b@1",
	                                    cadre_slice_text(GREEDY), LONG_MS, &piece,
	                                    &err),
	                 CADRE_NOT_FOUND);
	assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
	after = tokens_of(&fixture, "b@1", GREEDY);
	assert_string_equal(before, after);
	free(before);
	free(after);
	stop(&fixture);
}

static void assert_serves_after_restart(struct fixture *fixture)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	char *answer;

	stop(fixture);
	start(fixture);
	assert_ok(load(fixture, "b@1", file("base"), NULL, &err));
	answer = tokens_of(fixture, "b@1", GREEDY);
	free(answer);
	stop(fixture);
}

static void test_killed_during_a_load_is_told_and_a_restart_works(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_load wanted = { .name = "p@1",
		                            .kind = CADRE_WORKER_MODEL_BASE };
	struct fixture fixture;
	int writer = -1;

	(void)state;
	start(&fixture);
	/* A pipe without content holds the worker inside llama.cpp's load. */
	wanted.path = file("pipe");
	assert_int_equal(mkfifo(wanted.path, 0600), 0);
	while (writer < 0) {
		assert_int_equal(
		        cadre_worker_load(fixture.client, &wanted, 100, NULL, &err),
		        CADRE_DEADLINE);
		writer = open(wanted.path, O_WRONLY | O_NONBLOCK); /* once it reads */
	}
	assert_int_equal(kill(cadre_worker_pid(fixture.client), SIGKILL), 0);
	assert_int_equal(cadre_worker_load(fixture.client, &wanted, LONG_MS, NULL, &err),
	                 CADRE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "killed by signal 9"));
	close(writer);
	assert_serves_after_restart(&fixture);
}

static void test_killed_during_an_inference_is_told_and_a_restart_works(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct fixture fixture;
	enum cadre_status status = CADRE_OK;

	(void)state;
	start(&fixture);
	assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
	assert_ok(cadre_worker_infer(
	        fixture.client, "b@1",
	        cadre_slice_text("{\"prompt\":\"x\",\"n_predict\":2000,\"stream\":true}"),
	        LONG_MS, &piece, &err));
	assert_int_equal(piece.number, 1);
	assert_false(piece.end);
	assert_int_equal(kill(cadre_worker_pid(fixture.client), SIGKILL), 0);
	status = cadre_worker_next(fixture.client, 2, 10000, &piece, &err);
	assert_int_equal(status, CADRE_UNAVAILABLE);
	assert_non_null(strstr(err.message, "killed by signal 9"));
	cadre_buffer_fini(&piece.data);
	assert_serves_after_restart(&fixture);
}

static void test_a_deadline_stops_the_generation(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_worker_piece piece = { 0 };
	struct fixture fixture;
	char *answer;

	(void)state;
	start(&fixture);
	assert_ok(load(&fixture, "b@1", file("base"), NULL, &err));
	assert_int_equal(
	        cadre_worker_infer(
	                fixture.client, "b@1",
	                cadre_slice_text("{\"prompt\":\"x\",\"n_predict\":2000}"), 5,
	                &piece, &err),
	        CADRE_DEADLINE);
	answer = tokens_of(&fixture, "b@1", GREEDY);
	free(answer);
	stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base_and_adapters_each_have_their_own_answer),
		cmocka_unit_test(test_a_new_process_gives_the_same_answer),
		cmocka_unit_test(
		        test_tokens_logits_and_streams_agree_with_the_plain_answer),
		cmocka_unit_test(test_requests_that_make_no_sense_say_why),
		cmocka_unit_test(
		        test_an_adapter_for_another_base_is_refused_and_the_base_serves_on),
		cmocka_unit_test(
		        test_damaged_and_missing_files_are_refused_by_a_living_worker),
		cmocka_unit_test(test_unload_frees_the_name_and_load_brings_it_back),
		cmocka_unit_test(test_killed_during_a_load_is_told_and_a_restart_works),
		cmocka_unit_test(
		        test_killed_during_an_inference_is_told_and_a_restart_works),
		cmocka_unit_test(test_a_deadline_stops_the_generation),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
