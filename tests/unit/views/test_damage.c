/* Digest, checksums, undo, retry tokens, and events that do not fit. */
#include "tests/unit/views/fixture.h"

#define HOUR_MS (UINT64_C(3600) * 1000)

static void create(struct fixture *f, const char *id)
{
	apply(f, test_event_group_created(&f->arena, id, "c1", "a=m1 b=m2"));
}

/* A little of everything; apply() recounts the digest behind each. */
static void scripted_history(struct fixture *f)
{
	struct cadre_arena *arena = &f->arena;
	Cadre__V1__Event *event = test_event_group_created(arena, "g1", "c1",
	                                                   "a=m1 b=m2");

	apply(f, test_event_cluster_configured(arena));
	apply(f, test_event_history_created(arena, "h1", "c1", "line"));
	test_event_link(arena, event, "h1", 1, true);
	test_event_token(arena, event, "t1");
	apply(f, event);
	event = test_event_group_patched(arena, "g2", "g1", "a=m1", "a=m3 c=m1");
	test_event_link(arena, event, "h1", 2, true);
	apply(f, event);
	apply(f, test_event_group_cloned(arena, "g3", "g1", "", "z=m9"));
	apply(f, test_event_artifact_put(arena, "g3"));
	apply(f, test_event_deployment_created(arena, "d1", "c1", "g1"));
	apply(f, test_event_cut_over(arena, "d1", 1, "g1"));
	apply(f, test_event_deployment_updated(arena, "d1", "g2", 2));
	apply(f, test_event_cut_over(arena, "d1", 2, "g2"));
	apply(f, test_event_digest_recorded(arena, f->view.head.applied_seq,
	                                    f->view.head.digest));
	apply(f, test_event_model_registered(arena, "m1", "c1"));
	apply(f, test_event_node_registered(arena, "n1"));
	apply(f, test_event_principal_put(arena, "alice"));
	apply(f, test_event_history_latest(arena, "h1", "g1", 0));
	apply(f, test_event_moved(arena, BODY(HISTORY_MOVED), "h1", "c2"));
	apply(f, test_event_ref(arena, BODY(GROUP_DEACTIVATED), "g3"));
	apply(f, test_event_ref(arena, BODY(GROUP_ACTIVATED), "g3"));
	apply(f, test_event_ref(arena, BODY(GROUP_DELETED), "g3"));
	apply(f, test_event_ref(arena, BODY(DEPLOYMENT_DELETED), "d1"));
}

static void the_digest_equals_a_recount_after_every_event(void **state)
{
	struct fixture *f = *state;
	struct cadre_hash128 digest;
	uint64_t rows;

	scripted_history(f);
	digest = f->view.head.digest;
	commit(f);
	assert_true(cadre_hash128_equal(digest, f->view.head.digest));
	assert_ok(cadre_view_recount(&f->view, &rows, &err));
	assert_true(rows > 50);
}

static void equal_logs_give_equal_digests_on_both_kinds(void **state)
{
	static struct cadre_hash128 first;
	static bool known;
	struct fixture *f = *state;

	scripted_history(f);
	if (known)
		assert_true(cadre_hash128_equal(first, f->view.head.digest));
	first = f->view.head.digest;
	known = true;
}

/* Behind the view's back: the rows of a table change, or go. */
static unsigned count_rows(struct fixture *f)
{
	struct cadre_kv_stat stat;

	assert_ok(cadre_kv_stat(f->kv, &stat, &err));
	return (unsigned)stat.entries;
}

static void nth_row(struct fixture *f, unsigned n, struct cadre_row_key *key,
                    struct cadre_buffer *value)
{
	struct cadre_kv_cursor *cursor;
	struct cadre_slice at_key, at_value;
	static const uint8_t zero[1] = { 0 };

	assert_ok(cadre_kv_cursor_open(f->view.txn, &cursor, &err));
	assert_ok(cadre_kv_seek(cursor, cadre_slice(zero, 1), &at_key, &at_value));
	while (n-- > 0)
		assert_ok(cadre_kv_next(cursor, &at_key, &at_value));
	key->length = 0;
	cadre_row_key_bytes(key, at_key.data, at_key.length);
	cadre_buffer_clear(value);
	assert_ok(cadre_buffer_append(value, at_value.data, at_value.length));
	cadre_kv_cursor_close(cursor);
}

static void the_digest_differs_when_one_row_is_gone(void **state)
{
	struct fixture *f = *state;
	struct cadre_buffer value = { NULL, 0, 0 };
	struct cadre_row_key key;
	unsigned rows, judged = 0;
	uint64_t counted;

	scripted_history(f);
	commit(f);
	rows = count_rows(f);
	for (unsigned i = 0; i < rows; i++) {
		struct cadre_view_mark mark;

		assert_ok(cadre_view_mark(&f->view, &mark, &err));
		nth_row(f, i, &key, &value);
		assert_ok(cadre_kv_del(f->view.txn, cadre_row_key_slice(&key), &err));
		if (cadre_row_in_digest((char)key.bytes[0])) {
			assert_int_equal(cadre_view_recount(&f->view, &counted, &err),
			                 CADRE_DIVERGED);
			judged++;
		}
		cadre_view_undo(&f->view, &mark);
	}
	assert_true(judged > 20);
	cadre_buffer_fini(&value);
}

static void a_flipped_bit_in_any_value_is_corruption(void **state)
{
	struct fixture *f = *state;
	struct cadre_buffer value = { NULL, 0, 0 };
	struct test_random random = { test_seed(7) };
	struct cadre_row_key key;
	unsigned rows;
	uint64_t counted;

	scripted_history(f);
	commit(f);
	rows = count_rows(f);
	for (unsigned i = 0; i < rows; i++) {
		struct cadre_view_mark mark;
		size_t bit;

		assert_ok(cadre_view_mark(&f->view, &mark, &err));
		nth_row(f, i, &key, &value);
		bit = (size_t)test_random_below(&random, value.length * 8);
		value.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_ok(cadre_kv_put(f->view.txn, cadre_row_key_slice(&key),
		                       cadre_buffer_slice(&value), 0, &err));
		assert_int_equal(cadre_view_recount(&f->view, &counted, &err),
		                 CADRE_CORRUPT);
		cadre_view_undo(&f->view, &mark);
	}
	assert_ok(cadre_view_recount(&f->view, &counted, &err));
	cadre_buffer_fini(&value);
}

/* Puts a value with a flipped bit under the n-th row whose key starts so. */
static void damage(struct fixture *f, char table, char part)
{
	struct cadre_buffer value = { NULL, 0, 0 };
	struct cadre_row_key key;

	for (unsigned i = 0;; i++) {
		nth_row(f, i, &key, &value);
		if (key.bytes[0] == table && (!part || key.bytes[9] == part))
			break;
	}
	value.data[value.length - 1] ^= 1;
	assert_ok(cadre_kv_put(f->view.txn, cadre_row_key_slice(&key),
	                       cadre_buffer_slice(&value), 0, &err));
	cadre_buffer_fini(&value);
}

static void every_look_up_notices_damage(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__Resource *resource;
	struct cadre_pointer pointer;
	struct cadre_slice model;
	Cadre__V1__Event *event = test_event_group_created(&f->arena, "g1", "c1", "a=m1");

	apply(f, test_event_history_created(&f->arena, "h1", "c1", "line"));
	test_event_link(&f->arena, event, "h1", 1, true);
	apply(f, event);
	damage(f, 'm', 'k');
	assert_int_equal(
	        cadre_view_resolve(&f->view, 2, 1, cadre_slice_text("a"), &model, &err),
	        CADRE_CORRUPT);
	assert_non_null(strstr(err.message, "checksum"));
	damage(f, 'h', 0);
	assert_int_equal(cadre_view_pointer(&f->view, KIND(HISTORY), 1, CADRE_SEQ_MAX,
	                                    &pointer, &err),
	                 CADRE_CORRUPT);
	damage(f, 'r', 0);
	assert_int_equal(cadre_view_by_ocid(&f->view, "h1", &resource, &err),
	                 CADRE_CORRUPT);
	damage(f, 'o', 0);
	assert_int_equal(cadre_view_by_ocid(&f->view, "g1", &resource, &err),
	                 CADRE_CORRUPT);
}

static void undo_leaves_digest_head_and_rows_as_before(void **state)
{
	struct fixture *f = *state;
	struct cadre_view_mark mark;
	struct cadre_view_head head;
	Cadre__V1__Resource *resource;
	uint64_t rows, rows_after;

	create(f, "g1");
	head = f->view.head;
	assert_ok(cadre_view_recount(&f->view, &rows, &err));
	f->view.pointers_changed = false;
	assert_ok(cadre_view_mark(&f->view, &mark, &err));
	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	apply(f, test_event_cut_over(&f->arena, "d1", 1, "g1"));
	assert_true(f->view.pointers_changed);
	cadre_view_undo(&f->view, &mark);
	assert_memory_equal(&f->view.head, &head, sizeof head);
	assert_false(f->view.pointers_changed);
	assert_ok(cadre_view_recount(&f->view, &rows_after, &err));
	assert_int_equal(rows, rows_after);
	assert_int_equal(cadre_view_by_ocid(&f->view, "d1", &resource, &err),
	                 CADRE_NOT_FOUND);
	assert_ok(cadre_view_mark(&f->view, &mark, &err));
	apply(f, test_event_group_patched(&f->arena, "g2", "g1", "a=m1", ""));
	assert_ok(cadre_view_keep(&f->view, &mark, &err));
	assert_members(f, "g2", "b=m2");
}

static void events_that_do_not_fit_diverge(void **state)
{
	struct fixture *f = *state;
	struct cadre_arena *arena = &f->arena;
	Cadre__V1__Event *event;

	create(f, "g1");
	apply(f, test_event_history_created(arena, "h1", "c1", "line"));
	assert_diverges(f, test_event(arena), "unknown type 0");
	assert_diverges(f, test_event_group_created(arena, "g1", "c1", "m1"), "exists");
	assert_diverges(f, test_event_group_created(arena, "g2", "c1", "m1 m1"), "twice");
	assert_diverges(f, test_event_group_created(arena, "g2", "c1", "a=m1 a=m2"),
	                "\"a\" twice");
	assert_diverges(f, test_event_group_created(arena, "g2", "c1", ""), "0 members");
	assert_diverges(f, test_event_group_patched(arena, "g2", "none", "", ""),
	                "group \"none\" is missing");
	assert_diverges(f, test_event_group_patched(arena, "g2", "h1", "", ""),
	                "not a group");
	assert_diverges(f, test_event_group_patched(arena, "g2", "g1", "m7", ""),
	                "member \"m7\" is missing");
	assert_diverges(f, test_event_group_patched(arena, "g2", "g1", "x=m1", ""),
	                "another key");
	assert_diverges(f, test_event_group_patched(arena, "g2", "g1", "", "x=m1"),
	                "is present");
	assert_diverges(f, test_event_group_patched(arena, "g2", "g1", "", "a=m7"),
	                "is present");
	assert_diverges(f,
	                test_event_group_patched(arena, "g2", "g1", "a=m1", "a=m7 a=m8"),
	                "is present");
	assert_diverges(f, test_event_group_patched(arena, "g2", "g1", "a=m1 b=m2", ""),
	                "0 members");
	event = test_event_group_patched(arena, "g2", "g1", "", "");
	test_event_link(arena, event, "h1", 2, true);
	assert_diverges(f, event, "version 2");
	event = test_event_group_patched(arena, "g2", "g1", "", "");
	test_event_link(arena, event, "h9", 1, true);
	assert_diverges(f, event, "history \"h9\" is missing");
	assert_diverges(f, test_event_history_latest(arena, "h1", "g1", 0), "not in");
	assert_diverges(f, test_event_deployment_created(arena, "d1", "c1", "g9"), "g9");
	assert_diverges(f, test_event_ref(arena, BODY(MODEL_RETIRED), "m9"), "m9");
	assert_diverges(f, test_event_feature_level_raised(arena, 1), "cluster");
	apply(f, test_event_cluster_configured(arena));
	assert_diverges(f, test_event_feature_level_raised(arena, 99),
	                "feature level 99");
	apply(f, test_event_epoch_started(arena, 3));
	assert_diverges(f, test_event_epoch_started(arena, 2), "epoch 2");
	assert_int_equal(
	        cadre_view_apply(&f->view, 99, f->time_ms, test_event(arena), &err),
	        CADRE_DIVERGED);
}

static void a_cut_over_to_another_generation_diverges(void **state)
{
	struct fixture *f = *state;

	create(f, "g1");
	create(f, "g2");
	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	assert_diverges(f, test_event_cut_over(&f->arena, "d1", 2, "g1"), "generation 2");
	assert_diverges(f, test_event_cut_over(&f->arena, "d1", 1, "g2"), "generation 1");
	assert_diverges(f, test_event_deployment_updated(&f->arena, "d1", "g2", 5), "5");
	apply(f, test_event_ref(&f->arena, BODY(DEPLOYMENT_DELETED), "d1"));
	assert_diverges(f, test_event_cut_over(&f->arena, "d1", 1, "g1"), "deleted");
}

static void a_recorded_digest_that_differs_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct cadre_hash128 digest;
	Cadre__V1__Event *event;

	create(f, "g1");
	digest = f->view.head.digest;
	digest.low ^= 1;
	assert_diverges(f, test_event_digest_recorded(&f->arena, 1, digest),
	                "digest of seq 1 differs");
	event = test_event_digest_recorded(&f->arena, 1, digest);
	event->digest_recorded->version = 2;
	apply(f, event);
	apply(f, test_event_digest_recorded(&f->arena, 2, f->view.head.digest));
}

/* ---- retry tokens ---- */

static void use_token(struct fixture *f, const char *token)
{
	static unsigned made;
	Cadre__V1__Event *event = test_event_group_created(
	        &f->arena, test_text(&f->arena, "tok%u", made++), "c1", "m1");

	test_event_token(&f->arena, event, token);
	apply(f, event);
}

static bool remembered(struct fixture *f, const char *token)
{
	Cadre__V1__TokenRow *row;
	enum cadre_status status = cadre_view_token(&f->view, "tester", token, &row,
	                                            &err);

	if (status == CADRE_NOT_FOUND)
		return false;
	assert_ok(status);
	return true;
}

static void a_token_remembers_what_its_event_made(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__TokenRow *row;

	create(f, "g1");
	use_token(f, "t1");
	assert_ok(cadre_view_token(&f->view, "tester", "t1", &row, &err));
	assert_int_equal(row->seq, 2);
	assert_int_equal(row->resource, 2);
	assert_int_equal(row->version_id, 1);
	assert_int_equal(row->time_ms, f->time_ms);
	assert_int_equal(cadre_view_token(&f->view, "other", "t1", &row, &err),
	                 CADRE_NOT_FOUND);
}

/* What the answer's etag was made of is the deployment's last change, not this. */
static void a_token_remembers_the_etag_of_what_its_event_left_alone(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__TokenRow *row = NULL;
	Cadre__V1__Event *event;
	cadre_seq cut_over;

	apply(f, test_event_group_created(&f->arena, "g1", "c1", "a=m1"));
	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	cut_over = apply(f, test_event_cut_over(&f->arena, "d1", 1, "g1"));
	event = test_event_cut_over_finished(&f->arena, "d1", 1);
	test_event_token(&f->arena, event, "t1");
	apply(f, event);
	assert_ok(cadre_view_token(&f->view, "tester", "t1", &row, &err));
	assert_true(row->has_etag_seq);
	assert_int_equal(row->etag_seq, cut_over);
	assert_true(row->seq > cut_over);
}

static void tokens_expire_by_log_time_eight_an_event(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++)
		use_token(f, test_text(&f->arena, "t%02d", i));
	f->time_ms += 24 * HOUR_MS;
	create(f, "g1");
	assert_true(remembered(f, "t00"));
	f->time_ms++;
	create(f, "g2");
	assert_false(remembered(f, "t07"));
	assert_true(remembered(f, "t08"));
	commit(f);
	create(f, "g3");
	assert_false(remembered(f, "t15"));
	assert_true(remembered(f, "t16"));
	create(f, "g4");
	assert_false(remembered(f, "t19"));
	create(f, "g5");
}

static void a_token_taken_again_outlives_its_first_expiry(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 10; i++)
		use_token(f, test_text(&f->arena, "t%02d", i));
	f->time_ms += 25 * HOUR_MS;
	/* t09 is expired and not deleted yet. */
	use_token(f, "t09");
	create(f, "g1");
	assert_true(remembered(f, "t09"));
	assert_false(remembered(f, "t08"));
	f->time_ms += 25 * HOUR_MS;
	create(f, "g2");
	assert_false(remembered(f, "t09"));
}

static void expiry_that_is_undone_happens_again(void **state)
{
	struct fixture *f = *state;
	struct cadre_view_mark mark;

	use_token(f, "t1");
	f->time_ms += 25 * HOUR_MS;
	assert_ok(cadre_view_mark(&f->view, &mark, &err));
	create(f, "g1");
	create(f, "g2");
	assert_false(remembered(f, "t1"));
	cadre_view_undo(&f->view, &mark);
	assert_true(remembered(f, "t1"));
	create(f, "g1");
	assert_false(remembered(f, "t1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEW_TEST(the_digest_equals_a_recount_after_every_event),
		VIEW_TEST(equal_logs_give_equal_digests_on_both_kinds),
		VIEW_TEST(the_digest_differs_when_one_row_is_gone),
		VIEW_TEST(a_flipped_bit_in_any_value_is_corruption),
		VIEW_TEST(every_look_up_notices_damage),
		VIEW_TEST(undo_leaves_digest_head_and_rows_as_before),
		VIEW_TEST(events_that_do_not_fit_diverge),
		VIEW_TEST(a_cut_over_to_another_generation_diverges),
		VIEW_TEST(a_recorded_digest_that_differs_is_noticed),
		VIEW_TEST(a_token_remembers_what_its_event_made),
		VIEW_TEST(a_token_remembers_the_etag_of_what_its_event_left_alone),
		VIEW_TEST(tokens_expire_by_log_time_eight_an_event),
		VIEW_TEST(a_token_taken_again_outlives_its_first_expiry),
		VIEW_TEST(expiry_that_is_undone_happens_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
