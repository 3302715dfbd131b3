/* Beginning and end of a world and of its batches. */
#include "tests/property/world.h"

#include <stdlib.h>

#include "engine/base/assert.h"
#include "proto/codec/codec.h"
#include "tests/support/events.h"

#define MAP_BYTES (UINT64_C(4) << 30)
#define ARENA_BYTES ((size_t)64 << 20)
#define FIRST_MS UINT64_C(1800000000000)

static struct cadre_error err;

static void put_event(struct world *w, const Cadre__V1__Event *event)
{
	struct cadre_buffer packed = { 0 };

	assert_ok(cadre_pack(&event->base, &packed, &err));
	world_apply(w, cadre_buffer_slice(&packed));
	world_apply_model(w, cadre_buffer_slice(&packed));
	cadre_buffer_fini(&packed);
}

void world_init(struct world *w, uint64_t seed, bool strict_members)
{
	struct cadre_kv_options options = { .map_bytes = MAP_BYTES };
	Cadre__V1__Event *first;

	memset(w, 0, sizeof *w);
	test_make_dir(w->dir, sizeof w->dir);
	assert_ok(cadre_kv_open_lmdb(w->dir, &options, &w->twins[0].kv, &err));
	assert_ok(cadre_kv_open_memory(&w->twins[1].kv, &err));
	for (int i = 0; i < TWINS; i++)
		cadre_arena_init(&w->twins[i].arena, ARENA_BYTES);
	cadre_arena_init(&w->model_arena, ARENA_BYTES);
	cadre_arena_init(&w->command_arena, ARENA_BYTES);
	model_state_init(&w->model);
	w->generator.random.state = seed;
	w->generator.model = &w->model;
	w->generator.arena = &w->command_arena;
	w->random.state = seed ^ 0x5DEECE66D;
	w->next_seq = 1;
	w->time_ms = FIRST_MS;
	world_begin(w);
	first = test_event_cluster_configured(&w->command_arena);
	first->cluster_configured->feature_level = 0;
	first->cluster_configured->has_strict_members = true;
	first->cluster_configured->strict_members = strict_members;
	put_event(w, first);
	world_end(w);
}

void world_fini(struct world *w)
{
	for (int i = 0; i < TWINS; i++) {
		cadre_kv_close(w->twins[i].kv);
		cadre_arena_fini(&w->twins[i].arena);
	}
	model_state_fini(&w->model);
	cadre_arena_fini(&w->model_arena);
	cadre_arena_fini(&w->command_arena);
	generator_fini(&w->generator);
	cadre_buffer_fini(&w->log);
	free(w->moments);
	free(w->touches);
	free(w->answers);
	test_remove_dir(w->dir);
}

/* Mostly the same or the next millisecond; sometimes past what tokens live. */
static cadre_time_ms time_passes(struct world *w)
{
	uint64_t what = test_random_below(&w->random, 1000);

	if (what < 700)
		return test_random_below(&w->random, 3);
	if (what < 950)
		return test_random_below(&w->random, 1000);
	if (what < 995)
		return test_random_below(&w->random, 600 * 1000);
	return test_random_below(&w->random, 26u * 3600 * 1000);
}

void world_begin(struct world *w)
{
	w->time_ms += time_passes(w);
	for (int i = 0; i < TWINS; i++)
		assert_ok(cadre_view_begin(&w->twins[i].view, w->twins[i].kv,
		                           CADRE_KV_WRITE, &w->twins[i].arena, &err));
	assert_ok(cadre_batch_begin(&w->builder, &w->log, w->next_seq, 1, w->time_ms));
}

/* As the store does now and then. */
static void record_digest(struct world *w)
{
	Cadre__V1__Event *event;

	cadre_arena_reset(&w->command_arena);
	event = test_event_digest_recorded(&w->command_arena, w->next_seq - 1,
	                                   w->twins[0].view.head.digest);
	event->actor = NULL;
	put_event(w, event);
}

static void note_moment(struct world *w)
{
	w->moments = realloc(w->moments, (w->moment_count + 1) * sizeof *w->moments);
	CADRE_ASSERT(w->moments);
	w->moments[w->moment_count++] = (struct moment){ w->time_ms, w->next_seq - 1 };
}

void world_end(struct world *w)
{
	if (w->builder.header.count == 0) {
		for (int i = 0; i < TWINS; i++)
			cadre_view_abort(&w->twins[i].view);
		w->log.length = w->builder.start;
		return;
	}
	if (w->next_seq > 2 && test_random_below(&w->random, 50) == 0)
		record_digest(w);
	cadre_batch_finish(&w->builder, &w->chain);
	w->chain = w->builder.header.chain;
	for (int i = 0; i < TWINS; i++)
		assert_ok(cadre_view_end_batch(&w->twins[i].view, &w->builder.header,
		                               &err));
	assert_true(cadre_hash128_equal(w->twins[0].view.head.digest,
	                                w->twins[1].view.head.digest));
	for (int i = 0; i < TWINS; i++)
		assert_ok(cadre_view_commit(&w->twins[i].view, &err));
	note_moment(w);
	assert_int_equal(w->model.applied_seq, w->next_seq - 1);
}
