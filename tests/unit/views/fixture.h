/*
 * A write view over a map of either kind, with events applied to it one after the
 * other. Each law runs over both kinds: `VIEW_TESTS(tests)` in main.
 */
#ifndef TESTS_UNIT_VIEWS_FIXTURE_H
#define TESTS_UNIT_VIEWS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/checksum.h"
#include "engine/views/views.h"
#include "tests/support/events.h"
#include "tests/support/testing.h"

#define BODY(name) CADRE__V1__EVENT__BODY_##name
#define STATE(name) CADRE__V1__LIFECYCLE_STATE__##name
#define KIND(name) CADRE__V1__KIND__KIND_##name

struct fixture {
	struct cadre_kv *kv;
	struct cadre_arena arena;
	struct cadre_view view;
	cadre_time_ms time_ms;
	char dir[256];
};

static struct cadre_error err;

static inline void begin_view(struct fixture *f)
{
	assert_ok(cadre_view_begin(&f->view, f->kv, CADRE_KV_WRITE, &f->arena, &err));
}

static inline int setup_kind(void **state, bool lmdb)
{
	struct cadre_kv_options options = { .map_bytes = UINT64_C(1) << 30 };
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	if (lmdb) {
		test_make_dir(f->dir, sizeof f->dir);
		assert_ok(cadre_kv_open_lmdb(f->dir, &options, &f->kv, &err));
	} else {
		assert_ok(cadre_kv_open_memory(&f->kv, &err));
	}
	cadre_arena_init(&f->arena, (size_t)256 << 20);
	f->time_ms = UINT64_C(1800000000000);
	begin_view(f);
	*state = f;
	return 0;
}

static inline int setup_memory(void **state)
{
	return setup_kind(state, false);
}

static inline int setup_lmdb(void **state)
{
	return setup_kind(state, true);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	cadre_view_abort(&f->view);
	cadre_kv_close(f->kv);
	cadre_arena_fini(&f->arena);
	if (f->dir[0])
		test_remove_dir(f->dir);
	free(f);
	return 0;
}

static inline void commit(struct fixture *f)
{
	assert_ok(cadre_view_commit(&f->view, &err));
	begin_view(f);
}

static inline enum cadre_status try_apply(struct fixture *f,
                                          const Cadre__V1__Event *event)
{
	return cadre_view_apply(&f->view, f->view.head.applied_seq + 1, f->time_ms, event,
	                        &err);
}

/* Applies, and recounts the digest from the rows. Returns the event's seq. */
static inline cadre_seq apply(struct fixture *f, const Cadre__V1__Event *event)
{
	uint64_t rows;

	assert_ok(try_apply(f, event));
	assert_ok(cadre_view_recount(&f->view, &rows, &err));
	return f->view.head.applied_seq;
}

/* The event is refused as divergence, and leaves nothing behind. */
static inline void assert_diverges(struct fixture *f, const Cadre__V1__Event *event,
                                   const char *words)
{
	struct cadre_view_mark mark;

	assert_ok(cadre_view_mark(&f->view, &mark, &err));
	assert_int_equal(try_apply(f, event), CADRE_DIVERGED);
	if (!strstr(err.message, words))
		fail_msg("\"%s\" lacks \"%s\"", err.message, words);
	cadre_view_undo(&f->view, &mark);
}

static inline Cadre__V1__Resource *get(struct fixture *f, const char *ocid)
{
	Cadre__V1__Resource *resource = NULL;

	assert_ok(cadre_view_by_ocid(&f->view, ocid, &resource, &err));
	return resource;
}

/* The key's model in a group's version, "" when it has none. */
static inline const char *resolved(struct fixture *f, const Cadre__V1__GroupState *group,
                                   const char *key)
{
	struct cadre_slice model;
	enum cadre_status status =
	        cadre_view_resolve(&f->view, group->lineage, group->lineage_version,
	                           cadre_slice_text(key), &model, &err);

	if (status == CADRE_NOT_FOUND)
		return "";
	assert_ok(status);
	return cadre_arena_strdup(&f->arena, model);
}

struct joined {
	char text[4096];
};

static inline void join_text(struct joined *joined, const char *text)
{
	size_t length = strlen(joined->text);

	snprintf(joined->text + length, sizeof joined->text - length, "%s", text);
}

static inline enum cadre_status join_member(void *ctx, const struct cadre_member *member)
{
	struct joined *joined = ctx;
	size_t length = strlen(joined->text);

	snprintf(joined->text + length, sizeof joined->text - length, "%s%.*s%s%.*s",
	         length > 0 ? " " : "", (int)member->key.length,
	         member->has_key ? (const char *)member->key.data : "",
	         member->has_key ? "=" : "", (int)member->model_id.length,
	         (const char *)member->model_id.data);
	return CADRE_OK;
}

/* The members as test_members() takes them, and each of them by key and OCID. */
static inline void assert_members(struct fixture *f, const char *ocid,
                                  const char *expected)
{
	Cadre__V1__GroupState *group = get(f, ocid)->group;
	struct joined joined = { "" };
	size_t count;
	Cadre__V1__Member **members = test_members(&f->arena, expected, &count);

	assert_ok(cadre_view_members(&f->view, group->lineage, group->lineage_version,
	                             NULL, join_member, &joined, &err));
	assert_string_equal(joined.text, expected);
	assert_int_equal(group->member_count, count);
	for (size_t i = 0; i < count; i++) {
		if (members[i]->inference_key)
			assert_string_equal(resolved(f, group, members[i]->inference_key),
			                    members[i]->model_id);
		assert_string_equal(resolved(f, group, members[i]->model_id),
		                    members[i]->model_id);
	}
}

#define VIEW_TEST(test)                                            \
	{ #test " (memory)", test, setup_memory, teardown, NULL }, \
	{                                                          \
#test " (lmdb)", test, setup_lmdb, teardown, NULL  \
	}

#endif
