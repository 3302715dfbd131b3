/* Batches of the log, from bytes to rows. */
#include "proto/codec/codec.h"
#include "tests/unit/views/fixture.h"

static void add(struct cadre_batch_builder *builder, const Cadre__V1__Event *event)
{
	struct cadre_buffer bytes = { NULL, 0, 0 };

	assert_ok(cadre_pack(&event->base, &bytes, &err));
	assert_ok(cadre_batch_add(builder, (uint16_t)event->body_case,
	                          cadre_buffer_slice(&bytes)));
	cadre_buffer_fini(&bytes);
}

/* Groups `first`, `first` + 1, ... as one batch; `chain` moves on. */
static struct cadre_batch make(struct fixture *f, struct cadre_buffer *out,
                               cadre_seq first, unsigned count,
                               struct cadre_sha256 *chain)
{
	struct cadre_batch_builder builder;
	struct cadre_batch batch;
	size_t start = out->length;

	assert_ok(cadre_batch_begin(&builder, out, first, 4, f->time_ms));
	for (unsigned i = 0; i < count; i++)
		add(&builder,
		    test_event_group_created(
		            &f->arena, test_text(&f->arena, "g%u", (unsigned)first + i),
		            "c1", "a=m1 b=m2"));
	cadre_batch_finish(&builder, chain);
	*chain = builder.header.chain;
	assert_ok(cadre_batch_scan(cadre_slice(out->data + start, out->length - start),
	                           &batch, &err));
	return batch;
}

static void a_batch_applies_whole_and_moves_the_head(void **state)
{
	struct fixture *f = *state;
	struct cadre_buffer out = { NULL, 0, 0 };
	struct cadre_sha256 chain = { { 0 } };
	struct cadre_batch batch = make(f, &out, 1, 3, &chain);
	cadre_seq seq;

	assert_ok(cadre_view_apply_batch(&f->view, &batch, &err));
	assert_int_equal(f->view.head.applied_seq, 3);
	assert_int_equal(f->view.head.epoch, 4);
	assert_int_equal(f->view.head.time_ms, f->time_ms);
	assert_memory_equal(&f->view.head.chain, &chain, sizeof chain);
	assert_ok(cadre_view_seq_at(&f->view, f->time_ms, &seq, &err));
	assert_int_equal(seq, 3);
	commit(f);
	assert_int_equal(f->view.head.applied_seq, 3);
	assert_int_equal(f->view.head.epoch, 4);
	assert_int_equal(f->view.head.schema, CADRE_VIEWS_SCHEMA);
	assert_memory_equal(&f->view.head.chain, &chain, sizeof chain);
	assert_members(f, "g3", "a=m1 b=m2");
	cadre_buffer_fini(&out);
}

static void a_batch_that_does_not_follow_is_refused(void **state)
{
	struct fixture *f = *state;
	struct cadre_buffer out = { NULL, 0, 0 };
	struct cadre_sha256 chain = { { 0 } }, other = { { 1 } };
	struct cadre_batch batch = make(f, &out, 1, 1, &other);

	assert_int_equal(cadre_view_apply_batch(&f->view, &batch, &err), CADRE_DIVERGED);
	assert_int_equal(f->view.head.applied_seq, 0);
	batch = make(f, &out, 7, 1, &chain);
	assert_int_equal(cadre_view_apply_batch(&f->view, &batch, &err), CADRE_DIVERGED);
	assert_int_equal(f->view.head.applied_seq, 0);
	cadre_buffer_fini(&out);
}

static void time_does_not_go_back_between_batches(void **state)
{
	struct fixture *f = *state;
	struct cadre_buffer out = { NULL, 0, 0 };
	struct cadre_sha256 chain = { { 0 } };
	struct cadre_batch batch = make(f, &out, 1, 1, &chain);

	assert_ok(cadre_view_apply_batch(&f->view, &batch, &err));
	f->time_ms--;
	batch = make(f, &out, 2, 1, &chain);
	assert_int_equal(cadre_view_apply_batch(&f->view, &batch, &err), CADRE_DIVERGED);
	cadre_buffer_fini(&out);
}

static void readers_see_whole_commits_only(void **state)
{
	struct fixture *f = *state;
	struct cadre_view reader;
	struct cadre_arena arena;
	Cadre__V1__Resource *resource;

	apply(f, test_event_group_created(&f->arena, "g1", "c1", "m1"));
	cadre_arena_init(&arena, 1 << 20);
	assert_ok(cadre_view_begin(&reader, f->kv, CADRE_KV_READ, &arena, &err));
	assert_int_equal(reader.head.applied_seq, 0);
	assert_int_equal(cadre_view_by_ocid(&reader, "g1", &resource, &err),
	                 CADRE_NOT_FOUND);
	cadre_view_abort(&reader);
	commit(f);
	assert_ok(cadre_view_begin(&reader, f->kv, CADRE_KV_READ, &arena, &err));
	assert_int_equal(reader.head.applied_seq, 1);
	assert_ok(cadre_view_by_ocid(&reader, "g1", &resource, &err));
	cadre_view_abort(&reader);
	cadre_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEW_TEST(a_batch_applies_whole_and_moves_the_head),
		VIEW_TEST(a_batch_that_does_not_follow_is_refused),
		VIEW_TEST(time_does_not_go_back_between_batches),
		VIEW_TEST(readers_see_whole_commits_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
