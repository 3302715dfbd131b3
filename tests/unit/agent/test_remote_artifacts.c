/* Artifacts of the leader: piece by piece, resumed, verified. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"
#include "engine/blob/blob.h"
#include "replica/agent/artifacts.h"
#include "tests/support/testing.h"

#define PIECE ((size_t)1 << 20)
#define BYTES (3 * PIECE + 17)

/* The other side, and how it misbehaves. */
struct leader {
	uint8_t *data;
	uint64_t bytes; /* as it says */
	unsigned asked;
	unsigned fail_at;   /* the n-th question, from 1; 0: none */
	size_t short_by;    /* of each answer */
	uint64_t grow_by;   /* of the size, with each answer */
	atomic_bool *stops; /* set by the second question */
};

struct fixture {
	char dir[256];
	char uri[100];
	struct leader leader;
	struct cadre_sha256 sha256;
	struct cadre_artifacts *artifacts;
	atomic_bool stopped;
};

static enum cadre_status read_piece(void *ctx, const struct cadre_sha256 *sha256,
                                    uint64_t offset, void *data, size_t capacity,
                                    size_t *ret_length, uint64_t *ret_bytes,
                                    struct cadre_error *err)
{
	struct leader *leader = ctx;
	size_t length = capacity;

	(void)sha256;
	if (++leader->asked == leader->fail_at)
		return cadre_error_set(err, CADRE_UNAVAILABLE, "the leader is away");
	if (leader->stops && leader->asked == 2)
		atomic_store(leader->stops, true);
	if (offset > leader->bytes)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER, "behind the end");
	if (leader->bytes - offset < length)
		length = (size_t)(leader->bytes - offset);
	length -= length < leader->short_by ? length : leader->short_by;
	memcpy(data, leader->data + offset, length);
	*ret_length = length;
	*ret_bytes = leader->bytes;
	leader->bytes += leader->grow_by;
	return CADRE_OK;
}

static void reopen(struct fixture *fixture)
{
	const struct cadre_artifact_remote remote = { .read = read_piece,
		                                      .ctx = &fixture->leader };
	struct cadre_error err = CADRE_ERROR_INIT;

	cadre_artifacts_close(&fixture->artifacts);
	assert_ok(cadre_artifacts_open(cadre_env_real(), fixture->dir,
	                               &fixture->artifacts, &err));
	cadre_artifacts_set_remote(fixture->artifacts, &remote);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	struct test_random random = { 5 };
	char hex[65];

	assert_non_null(fixture);
	test_make_dir(fixture->dir, sizeof fixture->dir);
	fixture->leader.data = malloc(BYTES);
	assert_non_null(fixture->leader.data);
	for (size_t i = 0; i < BYTES; i++)
		fixture->leader.data[i] = (uint8_t)test_random_next(&random);
	fixture->leader.bytes = BYTES;
	fixture->sha256 = cadre_sha256(fixture->leader.data, BYTES);
	cadre_hex_encode(fixture->sha256.bytes, 32, hex);
	snprintf(fixture->uri, sizeof fixture->uri, "%s%s", CADRE_BLOB_URI_PREFIX, hex);
	reopen(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	cadre_artifacts_close(&fixture->artifacts);
	test_remove_dir(fixture->dir);
	free(fixture->leader.data);
	free(fixture);
	return 0;
}

static enum cadre_status fetch(struct fixture *fixture, struct cadre_artifact *artifact,
                               struct cadre_error *err)
{
	const struct cadre_artifact_want want = { .uri = fixture->uri, .bytes = BYTES };

	fixture->leader.asked = 0;
	return cadre_artifacts_fetch(fixture->artifacts, &want, &fixture->stopped,
	                             artifact, err);
}

static uint64_t size_of(const struct fixture *fixture, const char *folder)
{
	char path[500];
	struct stat info;

	snprintf(path, sizeof path, "%s/artifacts/%s/%s", fixture->dir, folder,
	         fixture->uri + strlen(CADRE_BLOB_URI_PREFIX));
	return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

static void a_blob_is_fetched_once_and_then_used(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact artifact;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(fetch(fixture, &artifact, &err));
	assert_true(artifact.copied);
	assert_int_equal(artifact.bytes, BYTES);
	assert_int_equal(fixture->leader.asked, 4);
	assert_int_equal(size_of(fixture, "sha256"), BYTES);
	assert_int_equal(size_of(fixture, "part"), 0);
	assert_ok(fetch(fixture, &artifact, &err));
	assert_false(artifact.copied);
	assert_int_equal(fixture->leader.asked, 0);
}

static void an_interrupted_fetch_goes_on_behind_what_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact artifact;
	struct cadre_error err = CADRE_ERROR_INIT;

	fixture->leader.fail_at = 3;
	assert_int_equal(fetch(fixture, &artifact, &err), CADRE_UNAVAILABLE);
	assert_int_equal(size_of(fixture, "part"), 2 * PIECE);
	assert_int_equal(size_of(fixture, "sha256"), 0);
	/* Also as another process. */
	reopen(fixture);
	fixture->leader.fail_at = 0;
	assert_ok(fetch(fixture, &artifact, &err));
	assert_int_equal(fixture->leader.asked, 2);
	assert_int_equal(size_of(fixture, "sha256"), BYTES);
}

static void a_stop_ends_a_fetch_between_two_pieces(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact artifact;
	struct cadre_error err = CADRE_ERROR_INIT;

	fixture->leader.stops = &fixture->stopped;
	assert_int_equal(fetch(fixture, &artifact, &err), CADRE_UNAVAILABLE);
	assert_int_equal(fixture->leader.asked, 2);
}

static void another_content_is_never_named_and_fetched_anew(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact artifact;
	struct cadre_error err = CADRE_ERROR_INIT;

	fixture->leader.data[PIECE] ^= 1;
	assert_int_equal(fetch(fixture, &artifact, &err), CADRE_CORRUPT);
	assert_int_equal(size_of(fixture, "part"), 0);
	assert_int_equal(size_of(fixture, "sha256"), 0);
	fixture->leader.data[PIECE] ^= 1;
	assert_ok(fetch(fixture, &artifact, &err));
	assert_int_equal(fixture->leader.asked, 4);
}

static void a_leader_that_lies_about_sizes_is_not_believed(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact artifact;
	struct cadre_error err = CADRE_ERROR_INIT;

	fixture->leader.short_by = PIECE; /* nothing, for ever */
	assert_int_equal(fetch(fixture, &artifact, &err), CADRE_CORRUPT);
	fixture->leader.short_by = 0;
	fixture->leader.grow_by = 1; /* and no end */
	assert_int_equal(fetch(fixture, &artifact, &err), CADRE_CORRUPT);
	fixture->leader.grow_by = 0;
	fixture->leader.bytes = BYTES - 1; /* not as registered */
	assert_int_equal(fetch(fixture, &artifact, &err), CADRE_CORRUPT);
}

static void a_part_longer_than_the_blob_is_begun_anew(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact artifact;
	struct cadre_error err = CADRE_ERROR_INIT;
	char path[500];
	FILE *file;

	snprintf(path, sizeof path, "%s/artifacts/part/%s", fixture->dir,
	         fixture->uri + strlen(CADRE_BLOB_URI_PREFIX));
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), (off_t)BYTES + 1), 0);
	fclose(file);
	assert_ok(fetch(fixture, &artifact, &err));
	assert_int_equal(size_of(fixture, "sha256"), BYTES);
}

static void parts_that_nobody_wants_are_collected(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact artifact;
	struct cadre_error err = CADRE_ERROR_INIT;
	unsigned removed;

	fixture->leader.fail_at = 3;
	assert_int_equal(fetch(fixture, &artifact, &err), CADRE_UNAVAILABLE);
	assert_ok(cadre_artifacts_collect(fixture->artifacts, &fixture->sha256, 1,
	                                  &removed, &err));
	assert_int_equal(removed, 0);
	assert_ok(cadre_artifacts_collect(fixture->artifacts, NULL, 0, &removed, &err));
	assert_int_equal(removed, 1);
	assert_int_equal(size_of(fixture, "part"), 0);
}

static void a_uri_without_a_digest_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_artifact artifact;
	struct cadre_error err = CADRE_ERROR_INIT;

	snprintf(fixture->uri, sizeof fixture->uri, "cadre://sha256/12");
	assert_int_equal(fetch(fixture, &artifact, &err), CADRE_INVALID_PARAMETER);
	assert_int_equal(fixture->leader.asked, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_blob_is_fetched_once_and_then_used),
		CASE(an_interrupted_fetch_goes_on_behind_what_is_there),
		CASE(a_stop_ends_a_fetch_between_two_pieces),
		CASE(another_content_is_never_named_and_fetched_anew),
		CASE(a_leader_that_lies_about_sizes_is_not_believed),
		CASE(a_part_longer_than_the_blob_is_begun_anew),
		CASE(parts_that_nobody_wants_are_collected),
		CASE(a_uri_without_a_digest_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
