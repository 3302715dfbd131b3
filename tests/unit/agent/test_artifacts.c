/* The store of artifacts: what comes in is what was registered, or does not. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/checksum.h"
#include "replica/agent/artifacts.h"
#include "tests/support/testing.h"

struct fixture {
	char dir[256];
	char source[300];
	char uri[320];
	struct cadre_artifacts *artifacts;
	atomic_bool stopped;
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static bool holds(const char *path, const char *text)
{
	char found[256] = "";
	FILE *file = fopen(path, "rb");

	if (!file)
		return false;
	(void)!fread(found, 1, sizeof found - 1, file);
	fclose(file);
	return strcmp(found, text) == 0;
}

static void reopen(struct fixture *fixture)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	cadre_artifacts_close(&fixture->artifacts);
	assert_ok(cadre_artifacts_open(cadre_env_real(), fixture->dir,
	                               &fixture->artifacts, &err));
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	test_make_dir(fixture->dir, sizeof fixture->dir);
	snprintf(fixture->source, sizeof fixture->source, "%s/a model", fixture->dir);
	snprintf(fixture->uri, sizeof fixture->uri, "file://%s/a%%20model", fixture->dir);
	write_file(fixture->source, "weights");
	reopen(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	cadre_artifacts_close(&fixture->artifacts);
	test_remove_dir(fixture->dir);
	free(fixture);
	return 0;
}

static struct cadre_artifact_want want_text(const struct fixture *fixture,
                                            const char *text)
{
	return (struct cadre_artifact_want){
		.uri = fixture->uri,
		.has_sha256 = true,
		.sha256 = cadre_sha256(text, strlen(text)),
		.bytes = strlen(text),
	};
}

static enum cadre_status fetch(struct fixture *fixture,
                               const struct cadre_artifact_want *want,
                               struct cadre_artifact *artifact, struct cadre_error *err)
{
	return cadre_artifacts_fetch(fixture->artifacts, want, &fixture->stopped,
	                             artifact, err);
}

static void test_a_file_is_copied_under_its_digest_and_then_used(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact_want want = want_text(fixture, "weights");
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_artifact artifact;
	char *path = cadre_artifacts_path(fixture->artifacts, &want.sha256);

	assert_ok(fetch(fixture, &want, &artifact, &err));
	assert_true(artifact.copied);
	assert_int_equal(artifact.bytes, 7);
	assert_true(holds(path, "weights"));
	/* What its owner does to it later does not reach the copy. */
	assert_int_equal(unlink(fixture->source), 0);
	assert_ok(fetch(fixture, &want, &artifact, &err));
	assert_false(artifact.copied);
	reopen(fixture);
	assert_ok(fetch(fixture, &want, &artifact, &err));
	assert_false(artifact.copied);
	free(path);
}

static void test_without_a_digest_the_content_names_itself(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact_want want = { .uri = fixture->uri };
	struct cadre_sha256 expected = cadre_sha256("weights", 7);
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_artifact artifact;

	assert_ok(fetch(fixture, &want, &artifact, &err));
	assert_memory_equal(artifact.sha256.bytes, expected.bytes, 32);
}

static void test_another_content_or_size_than_registered_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact_want want = want_text(fixture, "WEIGHTS");
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_artifact artifact;
	char temporary[300];

	assert_int_equal(fetch(fixture, &want, &artifact, &err), CADRE_CORRUPT);
	assert_non_null(strstr(err.message, "not the registered one"));
	want = want_text(fixture, "weights and more");
	assert_int_equal(fetch(fixture, &want, &artifact, &err), CADRE_CORRUPT);
	assert_non_null(strstr(err.message, "7 bytes, registered with 16"));
	snprintf(temporary, sizeof temporary, "%s/artifacts/fetch.tmp", fixture->dir);
	assert_int_equal(access(temporary, F_OK), -1);
}

static void test_a_stored_file_that_changed_is_fetched_again(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact_want want = want_text(fixture, "weights");
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_artifact artifact;
	char *path = cadre_artifacts_path(fixture->artifacts, &want.sha256);

	assert_ok(fetch(fixture, &want, &artifact, &err));
	/* While this process runs, and between two. */
	for (int round = 0; round < 2; round++) {
		write_file(path, round == 0 ? "short" : "waights");
		if (round == 1)
			reopen(fixture);
		assert_ok(fetch(fixture, &want, &artifact, &err));
		assert_true(artifact.copied);
		assert_true(holds(path, "weights"));
	}
	/* Damaged and gone at its source: the damage is not used. */
	write_file(path, "waights");
	assert_int_equal(unlink(fixture->source), 0);
	assert_int_equal(fetch(fixture, &want, &artifact, &err), CADRE_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
	free(path);
}

static void test_a_doubted_file_is_hashed_again(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact_want want = want_text(fixture, "weights");
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_artifact artifact;

	assert_ok(fetch(fixture, &want, &artifact, &err));
	want.again = true;
	atomic_store(&fixture->stopped, true);
	assert_int_equal(fetch(fixture, &want, &artifact, &err), CADRE_UNAVAILABLE);
	atomic_store(&fixture->stopped, false);
	assert_ok(fetch(fixture, &want, &artifact, &err));
	assert_false(artifact.copied);
}

static void test_what_is_no_regular_file_is_refused_without_waiting(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact_want want = { .uri = fixture->uri };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_artifact artifact;

	assert_int_equal(unlink(fixture->source), 0);
	assert_int_equal(fetch(fixture, &want, &artifact, &err), CADRE_NOT_FOUND);
	assert_int_equal(mkfifo(fixture->source, 0600), 0);
	assert_int_equal(fetch(fixture, &want, &artifact, &err), CADRE_INVALID_PARAMETER);
	assert_int_equal(unlink(fixture->source), 0);
	assert_int_equal(mkdir(fixture->source, 0700), 0);
	assert_int_equal(fetch(fixture, &want, &artifact, &err), CADRE_INVALID_PARAMETER);
	assert_int_equal(rmdir(fixture->source), 0);
	want.uri = NULL;
	assert_int_equal(fetch(fixture, &want, &artifact, &err), CADRE_NOT_FOUND);
	assert_non_null(strstr(err.message, "without an artifact"));
}

static void test_a_file_larger_than_the_disk_is_refused_before_it_is_copied(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact_want want = { .uri = fixture->uri };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_artifact artifact;

	/* Sparse: it has the size and takes no room. */
	assert_int_equal(truncate(fixture->source, (off_t)1 << 42), 0);
	assert_int_equal(fetch(fixture, &want, &artifact, &err), CADRE_OUT_OF_SPACE);
	assert_non_null(strstr(err.message, "4398046511104 bytes are needed"));
}

static void test_collection_keeps_what_is_named_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact_want want = want_text(fixture, "weights");
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_artifact artifact;
	char *kept = cadre_artifacts_path(fixture->artifacts, &want.sha256);
	unsigned removed = 0;
	char stray[400];

	assert_ok(fetch(fixture, &want, &artifact, &err));
	snprintf(stray, sizeof stray, "%s/artifacts/sha256/stray", fixture->dir);
	write_file(stray, "x");
	assert_ok(cadre_artifacts_collect(fixture->artifacts, &want.sha256, 1, &removed,
	                                  &err));
	assert_int_equal(removed, 1);
	assert_true(holds(kept, "weights"));
	assert_ok(cadre_artifacts_collect(fixture->artifacts, NULL, 0, &removed, &err));
	assert_int_equal(removed, 1);
	assert_int_equal(access(kept, F_OK), -1);
	free(kept);
}

static void test_uris_are_decoded_and_other_schemes_named(void **state)
{
	static const struct {
		const char *uri;
		const char *path; /* NULL: refused with `message` */
		const char *message;
	} cases[] = {
		{ "file:///a/b%20c%25", "/a/b c%", NULL },
		{ "FILE://localhost/x", "/x", NULL },
		{ "https://h/x", NULL, "scheme not supported yet" },
		{ "/plain/path", NULL, "scheme not supported yet" },
		{ "file://host/x", NULL, "not an absolute path" },
		{ "file://", NULL, "not an absolute path" },
		{ "file:///a%0", NULL, "bad percent escape" },
		{ "file:///a%zz", NULL, "bad percent escape" },
		{ "file:///a%00b", NULL, "bad percent escape" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cadre_error err = CADRE_ERROR_INIT;
		char *path = NULL;
		enum cadre_status status = cadre_artifact_uri_path(cases[i].uri, &path,
		                                                   &err);
		if (cases[i].path) {
			assert_int_equal(status, CADRE_OK);
			assert_string_equal(path, cases[i].path);
		} else {
			assert_int_equal(status, CADRE_INVALID_PARAMETER);
			assert_non_null(strstr(err.message, cases[i].message));
		}
		free(path);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_file_is_copied_under_its_digest_and_then_used),
		CASE(test_without_a_digest_the_content_names_itself),
		CASE(test_another_content_or_size_than_registered_is_refused),
		CASE(test_a_stored_file_that_changed_is_fetched_again),
		CASE(test_a_doubted_file_is_hashed_again),
		CASE(test_what_is_no_regular_file_is_refused_without_waiting),
		CASE(test_a_file_larger_than_the_disk_is_refused_before_it_is_copied),
		CASE(test_collection_keeps_what_is_named_and_nothing_else),
		cmocka_unit_test(test_uris_are_decoded_and_other_schemes_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
