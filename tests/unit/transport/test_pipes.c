/* Who gives way when connections, or the bytes that they do not take, are too many. */
#include "replica/transport/pipes.h"
#include "tests/support/testing.h"

enum { COUNT = 40, BYTES = 1000 };

static struct cadre_pipes *make(void **state)
{
	static struct cadre_pipes pipes;
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	memset(&pipes, 0, sizeof pipes);
	assert_ok(cadre_pipes_init(&pipes, COUNT, BYTES, &err));
	return &pipes;
}

static void fill(struct cadre_pipes *pipes, uint64_t now_ms)
{
	for (uint32_t id = 1; id <= COUNT; id++)
		assert_true(cadre_pipes_add(pipes, id, now_ms));
	assert_false(cadre_pipes_add(pipes, COUNT + 1, now_ms));
}

static void connections_that_never_asked_give_way_after_a_moment(void **state)
{
	struct cadre_pipes *pipes = make(state);
	uint32_t ids[CADRE_PIPES_ROOM];
	unsigned count;

	fill(pipes, 100);
	cadre_pipes_asked(pipes, 1, 100);
	cadre_pipes_replied(pipes, 1, 0);
	assert_int_equal(cadre_pipes_make_room(pipes, 101, ids), 0);
	count = cadre_pipes_make_room(pipes, 100 + CADRE_PIPES_MUTE_MS, ids);
	assert_int_equal(count, CADRE_PIPES_ROOM);
	for (unsigned i = 0; i < count; i++)
		assert_int_not_equal(ids[i], 1);
	for (unsigned i = 0; i < count; i++)
		assert_true(cadre_pipes_add(pipes, 1000 + i, 2000));
	assert_false(cadre_pipes_add(pipes, 2000, 2000));
	cadre_pipes_fini(pipes);
}

static void a_connection_with_a_request_under_way_keeps_its_place(void **state)
{
	struct cadre_pipes *pipes = make(state);
	uint32_t ids[CADRE_PIPES_ROOM];

	fill(pipes, 100);
	for (uint32_t id = 1; id <= COUNT; id++)
		cadre_pipes_asked(pipes, id, 100 + id);
	assert_int_equal(cadre_pipes_make_room(pipes, 1000000, ids), 0);
	cadre_pipes_replied(pipes, 9, 0);
	cadre_pipes_replied(pipes, 7, 0);
	/* The longest silent one, and it alone. */
	assert_int_equal(cadre_pipes_make_room(pipes, 2000000, ids), 1);
	assert_int_equal(ids[0], 7);
	cadre_pipes_fini(pipes);
}

static void the_heaviest_gives_way_when_replies_are_too_many(void **state)
{
	struct cadre_pipes *pipes = make(state);

	fill(pipes, 100);
	assert_non_null(cadre_pipes_replying(pipes, 3, 400));
	assert_non_null(cadre_pipes_replying(pipes, 4, 500));
	assert_int_equal(cadre_pipes_relieve(pipes), 0);
	assert_non_null(cadre_pipes_replying(pipes, 5, 101));
	assert_int_equal(cadre_pipes_relieve(pipes), 4);
	assert_int_equal(cadre_pipes_relieve(pipes), 0);
	assert_int_equal(pipes->bytes, 501);
	/* Counted once: when it gave way. */
	assert_null(cadre_pipes_replying(pipes, 4, 500));
	cadre_pipes_replied(pipes, 4, 500);
	cadre_pipes_remove(pipes, 4);
	cadre_pipes_replied(pipes, 3, 400);
	cadre_pipes_remove(pipes, 5);
	assert_int_equal(pipes->bytes, 0);
	assert_int_equal(pipes->count, COUNT - 2);
	cadre_pipes_fini(pipes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_that_never_asked_give_way_after_a_moment),
		cmocka_unit_test(a_connection_with_a_request_under_way_keeps_its_place),
		cmocka_unit_test(the_heaviest_gives_way_when_replies_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
