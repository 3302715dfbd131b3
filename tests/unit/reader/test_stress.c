/* Readers beside a writer that changes a pointer as fast as it can. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/reader/reader_fixture.h"

#define LOOKUPS 200000
#define THREADS 2

static struct node node;

static int start(void **state)
{
	(void)state;
	node_init(&node);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	node_fini(&node);
	return 0;
}

/* Whether the history's latest was `group` after one of these events. */
static bool was_latest_between(struct cadre_scope *scope, uint64_t group, uint64_t from,
                               uint64_t to)
{
	for (uint64_t seq = from; seq <= to; seq++) {
		uint64_t then = 0;

		assert_int_equal(resolve_at(scope, 1, seq, &then), CADRE_READER_OK);
		if (then == group)
			return true;
	}
	return false;
}

/* Latest goes round three groups, so that the one before it is not the one after
 * it. What `now` answers was the latest between two looks at the position, or is
 * the commit that is visible and not yet published. */
static void a_kept_pointer_was_right_during_the_call(void **state)
{
	struct made a = node_make(&node, "group 3");
	struct made history = node_make(&node, "history %s", a.ocid);
	struct made b = node_make(&node, "patch %s 40", history.ocid);
	struct made c = node_make(&node, "patch %s 41", history.ocid);
	struct cadre_reader *reader = reader_of(&node), *past = NULL;
	struct cadre_scope *scope = scope_of(reader, history.ocid), *then;
	uint64_t before, after, group, first, still = 0;

	(void)state;
	assert_int_equal(cadre_reader_clone(reader, &past), CADRE_READER_OK);
	then = scope_of(past, history.ocid);
	assert_int_equal(cadre_reader_position(past, &first, NULL), CADRE_READER_OK);
	node_tell(&node, "turn %s %s %s %s", history.ocid, a.ocid, b.ocid, c.ocid);
	for (int i = 0; i < LOOKUPS; i++) {
		assert_int_equal(cadre_reader_position(past, &before, NULL),
		                 CADRE_READER_OK);
		assert_int_equal(resolve(scope, 1, &group), CADRE_READER_OK);
		assert_int_equal(cadre_reader_position(past, &after, NULL),
		                 CADRE_READER_OK);
		still += before == after;
		if (was_latest_between(then, group, before, after))
			continue;
		before = after + 1;
		while (after < before)
			assert_int_equal(cadre_reader_position(past, &after, NULL),
			                 CADRE_READER_OK);
		assert_true(was_latest_between(then, group, before, before));
	}
	assert_int_equal(cadre_reader_position(past, &after, NULL), CADRE_READER_OK);
	assert_true(after > first);
	print_message("%llu changes of latest, %llu look-ups without one\n",
	              (unsigned long long)(after - first), (unsigned long long)still);
	node_tell(&node, "state %d", CADRE_CONTROL_SERVING);
	cadre_reader_close(past);
	cadre_reader_close(reader);
}

struct looker {
	struct cadre_reader *reader;
	struct cadre_scope *scope;
	struct cadre_scope *growing;
	_Atomic bool *stop;
	uint64_t looks;
	unsigned newest; /* of the growing history's members seen */
	int failure;     /* the first code that may not be */
};

/* A daemon that starts again takes the views over: unavailable for a moment. */
static void expect_there(struct looker *looker, struct cadre_scope *scope,
                         unsigned number)
{
	int code = resolve(scope, number, NULL);

	if (code != CADRE_READER_OK && code != CADRE_READER_UNAVAILABLE &&
	    looker->failure == 0)
		looker->failure = code;
}

/* Members of the growing history are added one by one: each seen stays. */
static void *look(void *ctx)
{
	struct looker *looker = ctx;

	while (!atomic_load(looker->stop)) {
		expect_there(looker, looker->scope, 2);
		if (resolve(looker->growing, looker->newest + 1, NULL) == CADRE_READER_OK)
			looker->newest++;
		expect_there(looker, looker->growing, looker->newest);
		looker->looks++;
	}
	return NULL;
}

static void threads_look_on_while_the_writer_writes_and_is_killed(void **state)
{
	struct made group = node_make(&node, "group 3");
	struct made history = node_make(&node, "history %s", group.ocid);
	struct cadre_reader *reader = reader_of(&node);
	struct looker lookers[THREADS];
	pthread_t threads[THREADS];
	_Atomic bool done = false;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		struct looker *looker = &lookers[i];

		*looker = (struct looker){ .stop = &done, .newest = 2 };
		assert_int_equal(cadre_reader_clone(reader, &looker->reader),
		                 CADRE_READER_OK);
		looker->scope = scope_of(looker->reader, group.ocid);
		looker->growing = scope_of(looker->reader, history.ocid);
		assert_int_equal(pthread_create(&threads[i], NULL, look, looker), 0);
	}
	for (unsigned n = 3; n < 60; n++)
		(void)node_make(&node, "patch %s %u", history.ocid, n);
	for (int round = 0; round < 3; round++) {
		node_stop(&node, true);
		node_start(&node);
	}
	for (unsigned n = 60; n < 100; n++)
		(void)node_make(&node, "patch %s %u", history.ocid, n);
	atomic_store(&done, true);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(lookers[i].failure, 0);
		assert_true(lookers[i].looks > 0);
		while (resolve(lookers[i].growing, lookers[i].newest + 1, NULL) ==
		       CADRE_READER_OK)
			lookers[i].newest++;
		assert_int_equal(lookers[i].newest, 99);
		cadre_reader_close(lookers[i].reader);
	}
	cadre_reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kept_pointer_was_right_during_the_call),
		cmocka_unit_test(threads_look_on_while_the_writer_writes_and_is_killed),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
