#include <fcntl.h>

#include "tests/unit/reader/reader_fixture.h"

static struct node node;
static struct made group;

static int start(void **state)
{
	(void)state;
	node_init(&node);
	group = node_make(&node, "group 3");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	node_fini(&node);
	return 0;
}

static void each_state_of_the_control_page_is_told_apart(void **state)
{
	struct cadre_reader *reader = reader_of(&node);
	struct cadre_scope *scope = scope_of(reader, group.ocid);

	(void)state;
	assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_OK);
	node_tell(&node, "state %d", CADRE_CONTROL_DIVERGED);
	assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_DIVERGED);
	node_tell(&node, "state %d", CADRE_CONTROL_REBUILDING);
	assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_UNAVAILABLE);
	node_tell(&node, "state %d", CADRE_CONTROL_CLOSED);
	assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_UNAVAILABLE);
	assert_non_null(strstr(cadre_reader_message(reader), "closed clean"));
	assert_int_equal(cadre_reader_position(reader, NULL, NULL),
	                 CADRE_READER_UNAVAILABLE);
	node_tell(&node, "state %d", CADRE_CONTROL_SERVING);
	assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_OK);
	cadre_reader_close(reader);
}

static void a_closed_daemon_is_unavailable_until_it_is_back(void **state)
{
	struct cadre_reader *reader = reader_of(&node), *other = NULL;
	struct cadre_scope *scope = scope_of(reader, group.ocid);

	(void)state;
	node_tell(&node, "close");
	assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_UNAVAILABLE);
	assert_int_equal(cadre_reader_open(node.dir, &other), CADRE_READER_UNAVAILABLE);
	assert_non_null(strstr(cadre_reader_message(NULL), "not running"));
	node_tell(&node, "reopen");
	assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_OK);
	cadre_reader_close(reader);
}

static void a_killed_daemon_leaves_readers_answering(void **state)
{
	struct cadre_reader *reader = reader_of(&node), *other;
	struct cadre_scope *scope = scope_of(reader, group.ocid);

	(void)state;
	node_stop(&node, true);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(resolve(scope, (unsigned)i % 3, NULL), CADRE_READER_OK);
	other = reader_of(&node);
	assert_int_equal(resolve(scope_of(other, group.ocid), 1, NULL), CADRE_READER_OK);
	cadre_reader_close(other);
	node_start(&node);
	assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_OK);
	cadre_reader_close(reader);
}

static void scopes_follow_into_a_new_generation(void **state)
{
	struct made history = node_make(&node, "history %s", group.ocid);
	struct cadre_reader *reader = reader_of(&node), *clone = NULL;
	struct cadre_scope *scope = scope_of(reader, history.ocid);
	struct cadre_scope *twin;

	(void)state;
	assert_int_equal(cadre_reader_clone(reader, &clone), CADRE_READER_OK);
	twin = scope_of(clone, group.ocid);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_OK);
		assert_int_equal(resolve(twin, 1, NULL), CADRE_READER_OK);
		node_tell(&node, "rebuild");
		assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_OK);
		(void)node_make(&node, "patch %s %u", history.ocid, 50 + i);
		assert_int_equal(resolve(scope, 50 + i, NULL), CADRE_READER_OK);
	}
	assert_int_equal(resolve(twin, 2, NULL), CADRE_READER_OK);
	cadre_reader_close(reader);
	assert_int_equal(resolve(twin, 2, NULL), CADRE_READER_OK);
	cadre_reader_close(clone);
}

/* Changes the control page as another kind of owner would have left it. */
static void change_page(void (*change)(struct cadre_control_page *page))
{
	struct cadre_error err = CADRE_ERROR_INIT;
	char path[400];
	struct cadre_file *file;
	void *memory;

	snprintf(path, sizeof path, "%s/views/control", node.dir);
	assert_ok(cadre_file_open(cadre_env_real(), path, CADRE_OPEN_WRITE, &file, &err));
	assert_ok(file->env->ops->map(file, CADRE_CONTROL_BYTES, true, &memory, &err));
	change(memory);
	file->env->ops->unmap(file, memory, CADRE_CONTROL_BYTES);
	cadre_file_close(file);
}

static void flip_magic(struct cadre_control_page *page)
{
	page->magic ^= 1;
}

static void flip_namespace(struct cadre_control_page *page)
{
	page->pid_namespace ^= 1;
}

static void a_damaged_page_is_unavailable_until_the_owner_makes_it_anew(void **state)
{
	struct cadre_reader *reader = NULL;

	(void)state;
	change_page(flip_magic);
	assert_int_equal(cadre_reader_open(node.dir, &reader), CADRE_READER_UNAVAILABLE);
	assert_non_null(strstr(cadre_reader_message(NULL), "damaged"));
	change_page(flip_magic);
	change_page(flip_namespace); /* its checksum does not match then */
	assert_int_equal(cadre_reader_open(node.dir, &reader), CADRE_READER_UNAVAILABLE);
	node_tell(&node, "reopen");
	reader = reader_of(&node);
	cadre_reader_close(reader);
}

static void odd_epoch(struct cadre_control_page *page)
{
	atomic_store(&page->pointer_epoch, 1);
}

static void even_epoch(struct cadre_control_page *page)
{
	atomic_store(&page->pointer_epoch, 2);
}

/* As while a commit of pointers runs. */
static void under_an_odd_epoch_pointers_are_looked_up_each_time(void **state)
{
	struct made fresh = node_make(&node, "group 3");
	struct made history = node_make(&node, "history %s", fresh.ocid);
	struct cadre_reader *reader = reader_of(&node);
	struct cadre_scope *scope = scope_of(reader, history.ocid);

	(void)state;
	change_page(odd_epoch);
	assert_int_equal(resolve(scope, 1, NULL), CADRE_READER_OK);
	(void)node_make(&node, "patch %s 70", history.ocid);
	change_page(odd_epoch);
	assert_int_equal(resolve(scope, 70, NULL), CADRE_READER_OK);
	change_page(even_epoch);
	assert_int_equal(resolve(scope, 70, NULL), CADRE_READER_OK);
	cadre_reader_close(reader);
}

static void a_directory_without_a_daemon_is_unavailable(void **state)
{
	struct cadre_reader *reader = NULL;
	char path[400];

	(void)state;
	snprintf(path, sizeof path, "%s/none", node.base);
	assert_int_equal(cadre_reader_open(path, &reader), CADRE_READER_UNAVAILABLE);
	assert_int_equal(cadre_reader_open(NULL, &reader), CADRE_READER_INVALID);
	assert_null(reader);
	cadre_reader_close(NULL);
	cadre_scope_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_of_the_control_page_is_told_apart),
		cmocka_unit_test(a_closed_daemon_is_unavailable_until_it_is_back),
		cmocka_unit_test(a_killed_daemon_leaves_readers_answering),
		cmocka_unit_test(scopes_follow_into_a_new_generation),
		cmocka_unit_test(
		        a_damaged_page_is_unavailable_until_the_owner_makes_it_anew),
		cmocka_unit_test(under_an_odd_epoch_pointers_are_looked_up_each_time),
		cmocka_unit_test(a_directory_without_a_daemon_is_unavailable),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
