#include "tests/unit/blob/blob_fixture.h"

/* Whatever is named is whole. */
static void assert_none_or_whole(struct cadre_env_sim *sim, struct cadre_blobs *blobs,
                                 const struct content *content, bool expect_whole)
{
	uint64_t bytes;

	if (expect_whole ||
	    cadre_blob_stat(blobs, &content->sha256, &bytes, NULL) == CADRE_OK)
		assert_stored(sim, blobs, content);
}

static enum cadre_status open_and_put(struct cadre_env *env, struct cadre_blobs **blobs,
                                      const struct content *content,
                                      struct cadre_error *err)
{
	enum cadre_status status = cadre_blobs_open(env, DIR, NULL, blobs, err);

	return status == CADRE_OK ? put(*blobs, &upload_a, content, err) : status;
}

static void no_failing_operation_names_half_a_blob(void **state)
{
	struct content content = content_make(2 * PIECE + 77, 3);
	struct cadre_error err = CADRE_ERROR_INIT;
	bool triggered = true;

	(void)state;
	for (uint64_t nth = 1; triggered; nth++) {
		struct cadre_env_sim *sim = sim_make(nth);
		struct cadre_env_sim_failure off = { 0 };
		struct cadre_env_sim_failure failure = {
			.nth = nth,
			.errno_value = nth % 2 ? EIO : ENOSPC,
			.sticky = nth % 3 == 0,
		};
		struct cadre_blobs *blobs = NULL;
		enum cadre_status status;

		cadre_env_sim_fail(sim, &failure);
		status = open_and_put(cadre_env_sim_env(sim), &blobs, &content, &err);
		triggered = cadre_env_sim_failed(sim);
		cadre_env_sim_fail(sim, &off);
		if (!blobs)
			blobs = blobs_open(sim);
		assert_none_or_whole(sim, blobs, &content, status == CADRE_OK);
		/* And it goes on as if nothing had been. */
		assert_ok(put(blobs, &upload_a, &content, &err));
		assert_stored(sim, blobs, &content);
		cadre_blobs_close(&blobs);
		cadre_env_sim_destroy(sim);
	}
	free(content.data);
}

/* Sent again to the end; bytes that the disk did not keep cost one more time. */
static void put_after_crash(struct cadre_blobs *blobs, const struct content *content)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status = put(blobs, &upload_a, content, &err);

	if (status == CADRE_INVALID_PARAMETER)
		status = put(blobs, &upload_a, content, &err);
	assert_ok(status);
}

static void power_loss_at_any_operation_leaves_none_or_a_whole_one(void **state)
{
	struct content content = content_make(2 * PIECE + 77, 5);
	struct cadre_error err = CADRE_ERROR_INIT;
	bool triggered = true;

	(void)state;
	for (uint64_t nth = 1; triggered; nth++) {
		struct cadre_env_sim *sim = sim_make(nth);
		struct cadre_env_sim_failure failure = { .nth = nth,
			                                 .errno_value = EIO,
			                                 .sticky = true };
		struct cadre_blobs *blobs = NULL;
		enum cadre_status status;

		cadre_env_sim_fail(sim, &failure);
		status = open_and_put(cadre_env_sim_env(sim), &blobs, &content, &err);
		triggered = cadre_env_sim_failed(sim);
		cadre_blobs_close(&blobs);
		cadre_env_sim_crash(sim, nth * 31);
		blobs = blobs_open(sim);
		assert_none_or_whole(sim, blobs, &content, status == CADRE_OK);
		put_after_crash(blobs, &content);
		assert_stored(sim, blobs, &content);
		cadre_blobs_close(&blobs);
		cadre_env_sim_destroy(sim);
	}
	free(content.data);
}

static void a_finished_blob_survives_power_loss(void **state)
{
	struct content content = content_make(PIECE + 1, 6);
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct cadre_env_sim *sim = sim_make(seed);
		struct cadre_blobs *blobs = blobs_open(sim);

		assert_ok(put(blobs, &upload_a, &content, &err));
		cadre_blobs_close(&blobs);
		cadre_env_sim_crash(sim, seed);
		blobs = blobs_open(sim);
		assert_stored(sim, blobs, &content);
		cadre_blobs_close(&blobs);
		cadre_env_sim_destroy(sim);
	}
	free(content.data);
}

static void without_room_for_all_of_it_an_upload_is_not_begun(void **state)
{
	struct cadre_env_sim *sim = sim_make(1);
	struct cadre_blobs *blobs = blobs_open(sim);
	struct cadre_blob_state at;
	struct cadre_error err = CADRE_ERROR_INIT;
	const uint64_t room = (uint64_t)200 << 20;

	(void)state;
	cadre_env_sim_set_capacity(sim, room);
	assert_int_equal(cadre_blob_begin(blobs, &upload_a, room, NULL, &at, &err),
	                 CADRE_OUT_OF_SPACE);
	assert_ok(cadre_blob_begin(blobs, &upload_a, room / 2, NULL, &at, &err));
	/* What is still to come of one is not there for another. */
	assert_int_equal(cadre_blob_begin(blobs, &upload_b, room / 2, NULL, &at, &err),
	                 CADRE_OUT_OF_SPACE);
	cadre_blobs_close(&blobs);
	cadre_env_sim_destroy(sim);
}

static void an_upload_on_a_full_disk_goes_on_when_there_is_room(void **state)
{
	struct content content = content_make(2 * PIECE, 4);
	struct cadre_env_sim *sim = sim_make(1);
	struct cadre_blobs *blobs = blobs_open(sim);
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	assert_ok(send_until(blobs, &upload_a, &content, PIECE, &err));
	cadre_env_sim_set_capacity(sim, cadre_env_sim_used(sim) + 1000);
	assert_int_equal(put(blobs, &upload_a, &content, &err), CADRE_OUT_OF_SPACE);
	assert_non_null(strstr(err.message, "when there is room"));
	cadre_env_sim_set_capacity(sim, (uint64_t)1 << 30);
	assert_ok(put(blobs, &upload_a, &content, &err));
	assert_stored(sim, blobs, &content);
	cadre_blobs_close(&blobs);
	cadre_env_sim_destroy(sim);
	free(content.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_failing_operation_names_half_a_blob),
		cmocka_unit_test(power_loss_at_any_operation_leaves_none_or_a_whole_one),
		cmocka_unit_test(a_finished_blob_survives_power_loss),
		cmocka_unit_test(without_room_for_all_of_it_an_upload_is_not_begun),
		cmocka_unit_test(an_upload_on_a_full_disk_goes_on_when_there_is_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
