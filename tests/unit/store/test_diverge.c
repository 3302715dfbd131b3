/* A follower whose state contradicts its leader's log: what it mends, what it notes,
 * and when it must not be believed. Batches are made by hand, as a leader's. */
#include "engine/store/internal.h"
#include "engine/views/rowio.h"
#include "proto/codec/codec.h"
#include "tests/support/events.h"
#include "tests/unit/store/store_fixture.h"

static struct cadre_error err;

struct follower {
	struct fixture fixture;
	struct cadre_buffer batch;
	struct cadre_kv *kv; /* what readers were told to use */
};

static void told_views(void *ctx, struct cadre_kv *kv)
{
	struct follower *follower = ctx;

	follower->kv = kv;
}

static void open_follower(struct follower *follower)
{
	struct cadre_store_watch watch = { .views = told_views, .ctx = follower };

	fixture_open(&follower->fixture);
	cadre_store_watch(follower->fixture.store, &watch);
	cadre_store_commit(follower->fixture.store, CADRE_SEQ_MAX);
	assert_ok(fixture_settle(&follower->fixture, &err));
}

static int setup(void **state)
{
	static struct follower follower;

	memset(&follower, 0, sizeof follower);
	fixture_init(&follower.fixture);
	follower.fixture.options.follower = true;
	open_follower(&follower);
	*state = &follower;
	return 0;
}

static int teardown(void **state)
{
	struct follower *follower = *state;

	cadre_buffer_fini(&follower->batch);
	fixture_fini(&follower->fixture);
	return 0;
}

static struct cadre_store_status status_of(struct follower *follower)
{
	return fixture_status(&follower->fixture);
}

/* Appends one batch with the events and applies it. */
static void receive(struct follower *follower, Cadre__V1__Event *const *events,
                    size_t count)
{
	struct cadre_store_status at = status_of(follower);
	struct cadre_buffer payload = { 0 };
	struct cadre_batch_builder builder;

	cadre_buffer_clear(&follower->batch);
	assert_ok(cadre_batch_begin(&builder, &follower->batch, at.log.last_seq + 1, 1,
	                            at.log.time_ms + 1));
	for (size_t i = 0; i < count; i++) {
		cadre_buffer_clear(&payload);
		assert_ok(cadre_pack(&events[i]->base, &payload, &err));
		assert_ok(cadre_batch_add(&builder, (uint16_t)events[i]->body_case,
		                          cadre_buffer_slice(&payload)));
	}
	cadre_buffer_fini(&payload);
	cadre_batch_finish(&builder, &at.log.chain);
	assert_ok(cadre_store_append(follower->fixture.store,
	                             cadre_buffer_slice(&follower->batch), CADRE_SEQ_MAX,
	                             &err));
	assert_ok(fixture_settle(&follower->fixture, &err));
}

static void receive_group(struct follower *follower, const char *id)
{
	Cadre__V1__Event *event = test_event_group_created(&follower->fixture.arena, id,
	                                                   "c1", "a=m1 b=m2");

	receive(follower, &event, 1);
}

/* A batch that ends with the leader's digest, `wrong` beside the right one. */
static cadre_seq receive_digest(struct follower *follower, struct cadre_hash128 digest,
                                uint64_t wrong)
{
	cadre_seq last = status_of(follower).log.last_seq;
	Cadre__V1__Event *event;

	digest.low += wrong;
	event = test_event_digest_recorded(&follower->fixture.arena, last, digest);
	receive(follower, &event, 1);
	return last + 1;
}

static struct cadre_hash128 digest_of(struct follower *follower)
{
	return status_of(follower).view.digest;
}

static void assert_rows_are_sound(struct follower *follower)
{
	struct cadre_view view;
	uint64_t rows;

	assert_ok(cadre_view_begin(&view, cadre_store_kv(follower->fixture.store),
	                           CADRE_KV_READ, &follower->fixture.arena, &err));
	assert_ok(cadre_view_recount(&view, &rows, &err));
	cadre_view_abort(&view);
}

static void assert_goes_on(struct follower *follower)
{
	char id[32];

	assert_int_equal(status_of(follower).state, CADRE_CONTROL_SERVING);
	snprintf(id, sizeof id, "after-%llu",
	         (unsigned long long)status_of(follower).log.last_seq);
	receive_group(follower, id);
	assert_int_equal(status_of(follower).view.applied_seq,
	                 status_of(follower).log.last_seq);
	assert_ptr_equal(follower->kv, cadre_store_kv(follower->fixture.store));
	assert_rows_are_sound(follower);
}

static void assert_diverged(struct follower *follower, cadre_seq seq)
{
	assert_int_equal(status_of(follower).state, CADRE_CONTROL_DIVERGED);
	assert_int_equal(status_of(follower).diverged_seq, seq);
	assert_true(status_of(follower).view.applied_seq < seq);
	assert_null(follower->kv);
}

/* Another content under a right checksum; `digest` says whether the state's digest
 * follows it. */
static void change_row(struct follower *follower, const char *id, bool digest)
{
	struct cadre_view view;
	struct cadre_hash128 before;
	Cadre__V1__Resource *resource;
	struct cadre_row_key key;

	assert_ok(cadre_view_begin(&view, cadre_store_kv(follower->fixture.store),
	                           CADRE_KV_WRITE, &follower->fixture.arena, &err));
	before = view.head.digest;
	assert_ok(cadre_view_by_ocid(&view, id, &resource, &err));
	resource->time_created_ms ^= 1;
	key = cadre_key_u64('r', resource->id);
	assert_ok(cadre_row_put_message(&view, &key, &resource->base, NULL, &err));
	if (!digest)
		view.head.digest = before;
	follower->fixture.store->view_head.digest = view.head.digest;
	assert_ok(cadre_view_commit(&view, &err));
}

/* What the log says, applied by nobody's rows but its own. */
static struct cadre_hash128 digest_of_log(struct follower *follower)
{
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;
	struct cadre_view view;
	struct cadre_hash128 digest;
	struct cadre_kv *kv;

	assert_ok(cadre_kv_open_memory(&kv, &err));
	assert_ok(cadre_view_begin(&view, kv, CADRE_KV_WRITE, &follower->fixture.arena,
	                           &err));
	assert_ok(cadre_log_cursor_open(cadre_store_log(follower->fixture.store), 1,
	                                &cursor, &err));
	while (cadre_log_cursor_next(cursor, &batch, &err) == CADRE_OK)
		assert_ok(cadre_view_apply_batch(&view, &batch, &err));
	cadre_log_cursor_close(cursor);
	digest = view.head.digest;
	cadre_view_abort(&view);
	cadre_kv_close(kv);
	return digest;
}

static void rows_that_rotted_are_made_again(void **state)
{
	struct follower *follower = *state;
	Cadre__V1__Event *event;
	struct cadre_hash128 right;

	receive_group(follower, "g1");
	receive_group(follower, "g2");
	change_row(follower, "g1", false);
	change_row(follower, "g2", false);
	/* The row that is written again takes its wrong share out of the digest. */
	event = test_event_ref(&follower->fixture.arena,
	                       CADRE__V1__EVENT__BODY_GROUP_DELETED, "g1");
	receive(follower, &event, 1);
	right = digest_of_log(follower);
	assert_false(cadre_hash128_equal(right, digest_of(follower)));
	receive_digest(follower, right, 0);
	assert_int_equal(status_of(follower).leader_digest_seq, 0);
	assert_true(cadre_hash128_equal(right, digest_of(follower)));
	assert_goes_on(follower);
}

static void still_wrong_after_the_rebuild_is_diverged(void **state)
{
	struct follower *follower = *state;
	cadre_seq seq;

	receive_group(follower, "g1");
	change_row(follower, "g1", false);
	seq = receive_digest(follower, digest_of(follower), 5);
	assert_diverged(follower, seq);
}

static void rows_that_were_applied_wrongly_are_made_again(void **state)
{
	struct follower *follower = *state;
	struct cadre_hash128 right;

	receive_group(follower, "g1");
	right = digest_of(follower);
	change_row(follower, "g1", true);
	assert_false(cadre_hash128_equal(right, digest_of(follower)));
	receive_digest(follower, right, 0);
	assert_int_equal(status_of(follower).leader_digest_seq, 0);
	assert_true(cadre_hash128_equal(right, digest_of(follower)));
	assert_goes_on(follower);
}

static void a_snapshot_that_may_hold_the_fault_is_left_out(void **state)
{
	struct follower *follower = *state;
	struct cadre_hash128 right;

	receive_group(follower, "g1");
	right = digest_of(follower);
	change_row(follower, "g1", true);
	assert_ok(cadre_store_snapshot(follower->fixture.store, NULL, &err));
	receive_digest(follower, right, 0);
	assert_int_equal(status_of(follower).leader_digest_seq, 0);
	assert_true(cadre_hash128_equal(right, digest_of(follower)));
	assert_goes_on(follower);
}

static void a_wrong_digest_of_the_leader_is_noted_and_passed(void **state)
{
	struct follower *follower = *state;
	cadre_seq seq;

	receive_group(follower, "g1");
	seq = receive_digest(follower, digest_of(follower), 1);
	assert_int_equal(status_of(follower).leader_digest_seq, seq);
	assert_int_equal(status_of(follower).diverged_seq, 0);
	assert_goes_on(follower);
	assert_int_equal(status_of(follower).leader_digest_seq, seq);
}

static void later_wrong_digests_cost_nothing_until_one_agrees(void **state)
{
	struct follower *follower = *state;
	uint64_t generation;
	cadre_seq seq;

	receive_group(follower, "g1");
	receive_digest(follower, digest_of(follower), 1);
	generation = status_of(follower).generation;
	receive_group(follower, "g2");
	seq = receive_digest(follower, digest_of(follower), 2);
	assert_int_equal(status_of(follower).leader_digest_seq, seq);
	assert_int_equal(status_of(follower).generation, generation);
	receive_digest(follower, digest_of(follower), 0);
	assert_int_equal(status_of(follower).leader_digest_seq, 0);
	seq = receive_digest(follower, digest_of(follower), 3);
	assert_int_equal(status_of(follower).leader_digest_seq, seq);
	assert_true(status_of(follower).generation > generation);
	assert_goes_on(follower);
}

static void a_wrong_digest_in_the_log_is_found_out_again_at_open(void **state)
{
	struct follower *follower = *state;
	cadre_seq seq;

	receive_group(follower, "g1");
	seq = receive_digest(follower, digest_of(follower), 1);
	receive_group(follower, "g2");
	fixture_close(&follower->fixture);
	open_follower(follower);
	assert_int_equal(status_of(follower).leader_digest_seq, seq);
	assert_goes_on(follower);
}

static void an_event_that_cannot_be_applied_ends_in_diverged(void **state)
{
	struct follower *follower = *state;
	Cadre__V1__Event *events[2];
	bool again;

	receive_group(follower, "g1");
	events[0] = test_event_group_created(&follower->fixture.arena, "g2", "c1", "m1");
	events[1] = test_event_ref(&follower->fixture.arena,
	                           CADRE__V1__EVENT__BODY_GROUP_DELETED, "nothing");
	receive(follower, events, 2);
	assert_diverged(follower, 4);
	assert_int_equal(status_of(follower).view.applied_seq, 2);
	/* It goes on keeping the log. */
	receive_group(follower, "g3");
	assert_diverged(follower, 4);
	assert_int_equal(status_of(follower).log.durable_seq, 5);
	assert_ok(cadre_store_step(follower->fixture.store, &again, &err));
	assert_int_equal(cadre_store_snapshot(follower->fixture.store, NULL, &err),
	                 CADRE_DIVERGED);
}

static void a_diverged_store_opens_again_and_says_so(void **state)
{
	struct follower *follower = *state;
	struct cadre_result outcome;
	Cadre__V1__Event *event = test_event_ref(&follower->fixture.arena,
	                                         CADRE__V1__EVENT__BODY_GROUP_DELETED,
	                                         "nothing");

	receive_group(follower, "g1");
	receive(follower, &event, 1);
	for (unsigned i = 0; i < 2; i++) {
		fixture_close(&follower->fixture);
		open_follower(follower);
		assert_diverged(follower, 3);
	}
	assert_int_equal(cadre_store_outcome(follower->fixture.store, "tester", "t1",
	                                     &outcome, &err),
	                 CADRE_DIVERGED);
}

static void a_missing_row_that_an_event_needs_is_made_again(void **state)
{
	struct follower *follower = *state;
	Cadre__V1__Event *event = test_event_ref(
	        &follower->fixture.arena, CADRE__V1__EVENT__BODY_GROUP_DELETED, "g1");
	struct cadre_row_key key = cadre_key_text('o', cadre_slice_text("g1"));
	struct cadre_view view;

	receive_group(follower, "g1");
	assert_ok(cadre_view_begin(&view, cadre_store_kv(follower->fixture.store),
	                           CADRE_KV_WRITE, &follower->fixture.arena, &err));
	assert_ok(cadre_row_del(&view, &key, &err));
	assert_ok(cadre_view_commit(&view, &err));
	receive(follower, &event, 1);
	assert_goes_on(follower);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(rows_that_rotted_are_made_again),
		CASE(still_wrong_after_the_rebuild_is_diverged),
		CASE(rows_that_were_applied_wrongly_are_made_again),
		CASE(a_snapshot_that_may_hold_the_fault_is_left_out),
		CASE(a_wrong_digest_of_the_leader_is_noted_and_passed),
		CASE(later_wrong_digests_cost_nothing_until_one_agrees),
		CASE(a_wrong_digest_in_the_log_is_found_out_again_at_open),
		CASE(an_event_that_cannot_be_applied_ends_in_diverged),
		CASE(a_diverged_store_opens_again_and_says_so),
		CASE(a_missing_row_that_an_event_needs_is_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
