#include "tests/unit/blob/blob_fixture.h"

struct fixture {
	struct cadre_env_sim *sim;
	struct cadre_blobs *blobs;
	struct content content; /* a piece and a half */
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	assert_non_null(fixture);
	fixture->sim = sim_make(1);
	fixture->blobs = blobs_open(fixture->sim);
	fixture->content = content_make(PIECE + PIECE / 2, 7);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	cadre_blobs_close(&fixture->blobs);
	cadre_env_sim_destroy(fixture->sim);
	free(fixture->content.data);
	free(fixture);
	return 0;
}

static void reopen(struct fixture *fixture)
{
	cadre_blobs_close(&fixture->blobs);
	fixture->blobs = blobs_open(fixture->sim);
}

static void what_was_put_is_read_back_at_any_offset(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	uint8_t *read = malloc(PIECE);
	struct cadre_error err = CADRE_ERROR_INIT;
	const size_t offsets[] = {
		0, 1, PIECE - 3, PIECE, content->length - 1, content->length
	};

	assert_ok(put(fixture->blobs, &upload_a, content, &err));
	assert_stored(fixture->sim, fixture->blobs, content);
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		size_t left = content->length - offsets[i];
		size_t length = 0;
		uint64_t bytes = 0;

		assert_ok(cadre_blob_read(fixture->blobs, &content->sha256, offsets[i],
		                          read, PIECE, &length, &bytes, &err));
		assert_int_equal(bytes, content->length);
		assert_int_equal(length, left < PIECE ? left : PIECE);
		assert_memory_equal(read, content->data + offsets[i], length);
	}
	free(read);
}

static void a_read_behind_the_end_and_of_an_unknown_blob_are_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	struct cadre_sha256 other = { { 9 } };
	struct cadre_error err = CADRE_ERROR_INIT;
	uint8_t byte;
	uint64_t bytes;
	size_t length;

	assert_ok(put(fixture->blobs, &upload_a, content, &err));
	assert_int_equal(cadre_blob_read(fixture->blobs, &content->sha256,
	                                 content->length + 1, &byte, 1, &length, &bytes,
	                                 &err),
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(cadre_blob_read(fixture->blobs, &content->sha256, UINT64_MAX,
	                                 &byte, 1, &length, &bytes, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(cadre_blob_read(fixture->blobs, &other, 0, &byte, 1, &length,
	                                 &bytes, &err),
	                 CADRE_NOT_FOUND);
	assert_non_null(strstr(err.message, "sha256:0900"));
}

static void an_upload_goes_on_where_a_dead_process_left_it(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	struct cadre_blob_state at;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(send_until(fixture->blobs, &upload_a, content, PIECE, &err));
	reopen(fixture);
	assert_int_equal(cadre_blob_append(fixture->blobs, &upload_a, PIECE,
	                                   cadre_slice(content->data, 1), &at, &err),
	                 CADRE_INCORRECT_STATE);
	assert_ok(cadre_blob_begin(fixture->blobs, &upload_a, content->length, NULL, &at,
	                           &err));
	assert_int_equal(at.next_offset, PIECE);
	assert_ok(put(fixture->blobs, &upload_a, content, &err));
	assert_stored(fixture->sim, fixture->blobs, content);
}

static void a_repeated_chunk_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	struct cadre_blob_state at;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(send_until(fixture->blobs, &upload_a, content, PIECE, &err));
	assert_ok(cadre_blob_append(fixture->blobs, &upload_a, 0,
	                            cadre_slice(content->data, PIECE), &at, &err));
	assert_int_equal(at.next_offset, PIECE);
	/* One that overlaps: only its end is new. */
	assert_ok(cadre_blob_append(fixture->blobs, &upload_a, PIECE / 2,
	                            cadre_slice(content->data + PIECE / 2, PIECE), &at,
	                            &err));
	assert_int_equal(at.next_offset, content->length);
	assert_ok(finish_all(fixture->blobs, &upload_a, content, &err));
	assert_stored(fixture->sim, fixture->blobs, content);
}

static void hostile_offsets_are_refused_and_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	const struct {
		uint64_t offset;
		size_t length;
		enum cadre_status status;
	} rows[] = {
		{ PIECE + 1, 1, CADRE_INCORRECT_STATE },
		{ content->length, 1, CADRE_INVALID_PARAMETER },
		{ content->length - 1, 2, CADRE_INVALID_PARAMETER },
		{ UINT64_MAX, 1, CADRE_INVALID_PARAMETER },
		{ UINT64_MAX - 10, 100, CADRE_INVALID_PARAMETER },
		{ (uint64_t)1 << 63, PIECE, CADRE_INVALID_PARAMETER },
		{ PIECE, 0, CADRE_INVALID_PARAMETER },
		{ 0, PIECE + 1, CADRE_TOO_LARGE },
	};
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(send_until(fixture->blobs, &upload_a, content, PIECE, &err));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cadre_blob_state at;

		assert_int_equal(
		        cadre_blob_append(fixture->blobs, &upload_a, rows[i].offset,
		                          cadre_slice(content->data, rows[i].length), &at,
		                          &err),
		        rows[i].status);
		assert_int_equal(at.next_offset, PIECE);
	}
	assert_ok(put(fixture->blobs, &upload_a, content, &err));
	assert_stored(fixture->sim, fixture->blobs, content);
}

static void another_content_than_promised_is_refused_and_removed(void **state)
{
	struct fixture *fixture = *state;
	struct content wrong = fixture->content;
	struct cadre_blob_state at;
	struct cadre_error err = CADRE_ERROR_INIT;

	wrong.sha256.bytes[0] ^= 1;
	assert_int_equal(put(fixture->blobs, &upload_a, &wrong, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_non_null(strstr(err.message, "begin it anew"));
	assert_absent(fixture->blobs, &wrong);
	assert_absent(fixture->blobs, &fixture->content);
	assert_ok(cadre_blob_begin(fixture->blobs, &upload_a, 10, NULL, &at, &err));
	assert_int_equal(at.next_offset, 0);
}

static void sizes_are_kept_to(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	struct cadre_blob_state at;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_int_equal(cadre_blob_begin(fixture->blobs, &upload_a, 0, NULL, &at, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(cadre_blob_begin(fixture->blobs, &upload_a,
	                                  CADRE_BLOB_BYTES_MAX + 1, NULL, &at, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_ok(send_until(fixture->blobs, &upload_a, content, PIECE, &err));
	assert_int_equal(cadre_blob_begin(fixture->blobs, &upload_a, content->length + 1,
	                                  NULL, &at, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(
	        cadre_blob_finish(fixture->blobs, &upload_a, &content->sha256, &at, &err),
	        CADRE_INCORRECT_STATE);
	assert_int_equal(at.next_offset, PIECE);
	assert_ok(put(fixture->blobs, &upload_a, content, &err));
}

static void two_uploads_of_one_content_both_end_well(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	struct cadre_error err = CADRE_ERROR_INIT;

	/* The same id is another upload for another owner. */
	assert_ok(send_until(fixture->blobs, &upload_a, content, PIECE, &err));
	assert_ok(send_until(fixture->blobs, &upload_b, content, content->length, &err));
	assert_ok(send_until(fixture->blobs, &upload_a, content, content->length, &err));
	assert_ok(finish_all(fixture->blobs, &upload_b, content, &err));
	assert_ok(finish_all(fixture->blobs, &upload_a, content, &err));
	assert_stored(fixture->sim, fixture->blobs, content);
	/* Each once more: a repeat of what is done. */
	assert_ok(finish_all(fixture->blobs, &upload_a, content, &err));
}

static void a_content_that_is_here_needs_no_upload(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	struct cadre_blob_state at;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(put(fixture->blobs, &upload_a, content, &err));
	assert_ok(cadre_blob_begin(fixture->blobs, &upload_b, content->length,
	                           &content->sha256, &at, &err));
	assert_true(at.durable);
	assert_int_equal(at.next_offset, content->length);
}

static void one_owner_has_a_quarter_of_the_uploads_and_his_share_of_bytes(void **state)
{
	struct fixture *fixture = *state;
	const struct cadre_blob_options options = { .uploads_max = 8,
		                                    .owner_bytes_max = 1000 };
	struct cadre_blob_upload upload = { .owner = "ann" };
	struct cadre_blob_state at;
	struct cadre_error err = CADRE_ERROR_INIT;

	cadre_blobs_close(&fixture->blobs);
	assert_ok(cadre_blobs_open(cadre_env_sim_env(fixture->sim), DIR, &options,
	                           &fixture->blobs, &err));
	assert_int_equal(cadre_blob_begin(fixture->blobs, &upload, 1001, NULL, &at, &err),
	                 CADRE_LIMIT_EXCEEDED);
	for (upload.id[0] = 1; upload.id[0] <= 2; upload.id[0]++)
		assert_ok(
		        cadre_blob_begin(fixture->blobs, &upload, 500, NULL, &at, &err));
	assert_int_equal(cadre_blob_begin(fixture->blobs, &upload, 1, NULL, &at, &err),
	                 CADRE_TOO_MANY_REQUESTS);
	assert_ok(cadre_blob_begin(fixture->blobs, &upload_b, 1000, NULL, &at, &err));
	upload.owner = "local";
	upload.shared_owner = true;
	for (upload.id[0] = 1; upload.id[0] <= 5; upload.id[0]++)
		assert_ok(
		        cadre_blob_begin(fixture->blobs, &upload, 4000, NULL, &at, &err));
	assert_int_equal(cadre_blob_begin(fixture->blobs, &upload, 1, NULL, &at, &err),
	                 CADRE_TOO_MANY_REQUESTS);
}

static void what_nobody_goes_on_with_is_removed_after_a_day(void **state)
{
	struct fixture *fixture = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_blob_state at;
	unsigned removed;

	assert_ok(send_until(fixture->blobs, &upload_a, &fixture->content, PIECE, &err));
	cadre_env_sim_advance_ms(fixture->sim, CADRE_BLOB_ABANDONED_MS);
	assert_ok(send_until(fixture->blobs, &upload_b, &fixture->content, PIECE, &err));
	/* Begun long ago, but gone on with. */
	assert_ok(send_until(fixture->blobs, &upload_a, &fixture->content, PIECE, &err));
	cadre_env_sim_advance_ms(fixture->sim, 1000);
	assert_ok(cadre_blobs_tend(fixture->blobs, &removed, &err));
	assert_int_equal(removed, 0);
	cadre_env_sim_advance_ms(fixture->sim, CADRE_BLOB_IDLE_MS);
	assert_ok(cadre_blobs_tend(fixture->blobs, &removed, &err));
	assert_int_equal(removed, 1);
	assert_ok(cadre_blob_begin(fixture->blobs, &upload_a, fixture->content.length,
	                           NULL, &at, &err));
	assert_int_equal(at.next_offset, 0);
	/* After a restart it is the time it was begun that counts. */
	cadre_env_sim_advance_ms(fixture->sim, CADRE_BLOB_ABANDONED_MS + 1);
	reopen(fixture);
	assert_ok(cadre_blobs_tend(fixture->blobs, &removed, &err));
	assert_int_equal(removed, 2);
	assert_ok(cadre_blob_begin(fixture->blobs, &upload_b, fixture->content.length,
	                           NULL, &at, &err));
	assert_int_equal(at.next_offset, 0);
}

static void hashing_goes_on_step_by_step(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	const struct cadre_blob_options options = { .step_bytes = PIECE / 2 };
	struct cadre_blob_state at = { .durable = false };
	struct cadre_error err = CADRE_ERROR_INIT;
	unsigned steps = 0;

	assert_ok(send_until(fixture->blobs, &upload_a, content, content->length, &err));
	cadre_blobs_close(&fixture->blobs);
	assert_ok(cadre_blobs_open(cadre_env_sim_env(fixture->sim), DIR, &options,
	                           &fixture->blobs, &err));
	assert_ok(send_until(fixture->blobs, &upload_a, content, content->length, &err));
	for (; !at.durable; steps++)
		assert_ok(cadre_blob_finish(fixture->blobs, &upload_a, &content->sha256,
		                            &at, &err));
	assert_int_equal(steps, 3);
	assert_stored(fixture->sim, fixture->blobs, content);
}

static enum cadre_status count_blob(void *ctx, const struct cadre_sha256 *sha256,
                                    uint64_t bytes)
{
	uint64_t *total = ctx;

	(void)sha256;
	*total += bytes;
	return CADRE_OK;
}

static void blobs_are_listed_and_removed(void **state)
{
	struct fixture *fixture = *state;
	struct content other = content_make(100, 8);
	struct cadre_env *env = cadre_env_sim_env(fixture->sim);
	struct cadre_error err = CADRE_ERROR_INIT;
	uint64_t total = 0;

	assert_ok(cadre_blobs_list(env, "/", count_blob, &total, &err));
	assert_ok(put(fixture->blobs, &upload_a, &fixture->content, &err));
	assert_ok(put(fixture->blobs, &upload_a, &other, &err));
	assert_ok(cadre_blobs_list(env, DIR, count_blob, &total, &err));
	assert_int_equal(total, fixture->content.length + 100);
	assert_ok(cadre_blob_remove(fixture->blobs, &other.sha256, &err));
	assert_absent(fixture->blobs, &other);
	assert_int_equal(cadre_blob_remove(fixture->blobs, &other.sha256, &err),
	                 CADRE_NOT_FOUND);
	free(other.data);
}

static void a_flipped_bit_is_found(void **state)
{
	struct fixture *fixture = *state;
	const struct content *content = &fixture->content;
	struct cadre_error err = CADRE_ERROR_INIT;
	char path[200] = DIR "/blobs/sha256/";

	assert_ok(put(fixture->blobs, &upload_a, content, &err));
	cadre_hex_encode(content->sha256.bytes, 32, path + strlen(path));
	assert_ok(cadre_env_sim_flip(fixture->sim, path, PIECE + 5, 3));
	assert_int_equal(cadre_blob_verify(cadre_env_sim_env(fixture->sim), DIR,
	                                   &content->sha256, NULL, NULL, &err),
	                 CADRE_CORRUPT);
}

static void only_whole_uris_are_read(void **state)
{
	struct cadre_sha256 sha256;
	char uri[100] = CADRE_BLOB_URI_PREFIX;

	(void)state;
	memset(uri + strlen(uri), 'a', 64);
	assert_true(cadre_blob_uri_parse(uri, &sha256));
	assert_int_equal(sha256.bytes[31], 0xaa);
	uri[20] = 'g';
	assert_false(cadre_blob_uri_parse(uri, &sha256));
	assert_false(cadre_blob_uri_parse("cadre://sha256/aa", &sha256));
	assert_false(cadre_blob_uri_parse("file:///x", &sha256));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_put_is_read_back_at_any_offset),
		CASE(a_read_behind_the_end_and_of_an_unknown_blob_are_refused),
		CASE(an_upload_goes_on_where_a_dead_process_left_it),
		CASE(a_repeated_chunk_changes_nothing),
		CASE(hostile_offsets_are_refused_and_change_nothing),
		CASE(another_content_than_promised_is_refused_and_removed),
		CASE(sizes_are_kept_to),
		CASE(two_uploads_of_one_content_both_end_well),
		CASE(a_content_that_is_here_needs_no_upload),
		CASE(one_owner_has_a_quarter_of_the_uploads_and_his_share_of_bytes),
		CASE(what_nobody_goes_on_with_is_removed_after_a_day),
		CASE(hashing_goes_on_step_by_step),
		CASE(blobs_are_listed_and_removed),
		CASE(a_flipped_bit_is_found),
		cmocka_unit_test(only_whole_uris_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
