/* Laws of the real environment and of the helpers, on a private directory. */
#include "engine/env/env.h"
#include "tests/support/testing.h"

#include <stdio.h>

static char base[256];

static int make_base(void **state)
{
	(void)state;
	test_make_dir(base, sizeof base);
	return 0;
}

static int remove_base(void **state)
{
	(void)state;
	test_remove_dir(base);
	return 0;
}

static const char *in_base(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", base, name);
	return path;
}

static void what_was_written_is_read(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env *env = cadre_env_real();
	struct cadre_file *file;
	char text[8];
	size_t got;
	uint64_t size;

	(void)state;
	assert_ok(cadre_file_open(env, in_base("a"), CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
	                          &file, &err));
	assert_ok(env->ops->pwrite(file, 3, "hello", 5, &err));
	assert_ok(env->ops->datasync(file, &err));
	assert_ok(env->ops->size(file, &size, &err));
	assert_int_equal(size, 8);
	assert_ok(cadre_file_read_exact(file, 3, text, 5, &err));
	assert_memory_equal(text, "hello", 5);
	assert_ok(env->ops->pread(file, 6, text, 8, &got, &err));
	assert_int_equal(got, 2);
	assert_int_equal(cadre_file_read_exact(file, 6, text, 8, &err), CADRE_END);
	cadre_file_close(file);
}

static void a_missing_file_is_not_found_and_an_exclusive_one_conflicts(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env *env = cadre_env_real();
	unsigned create = CADRE_OPEN_WRITE | CADRE_OPEN_CREATE | CADRE_OPEN_EXCL;
	struct cadre_file *file;

	(void)state;
	assert_int_equal(
	        cadre_file_open(env, in_base("no"), CADRE_OPEN_READ, &file, &err),
	        CADRE_NOT_FOUND);
	assert_non_null(strstr(err.message, in_base("no")));
	assert_int_equal(env->ops->remove(env, in_base("no"), &err), CADRE_NOT_FOUND);
	assert_ok(cadre_file_open(env, in_base("x"), create, &file, &err));
	cadre_file_close(file);
	assert_int_equal(cadre_file_open(env, in_base("x"), create, &file, &err),
	                 CADRE_CONFLICT);
}

static void a_second_open_file_cannot_lock(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env *env = cadre_env_real();
	unsigned flags = CADRE_OPEN_WRITE | CADRE_OPEN_CREATE;
	struct cadre_file *first;
	struct cadre_file *second;

	(void)state;
	assert_ok(cadre_file_open(env, in_base("l"), flags, &first, &err));
	assert_ok(cadre_file_open(env, in_base("l"), flags, &second, &err));
	assert_ok(env->ops->lock(first, &err));
	assert_int_equal(env->ops->lock(second, &err), CADRE_CONFLICT);
	cadre_file_close(first);
	assert_ok(env->ops->lock(second, &err));
	cadre_file_close(second);
}

static void write_atomic_replaces_the_whole_file(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env *env = cadre_env_real();
	char text[16];
	size_t length;

	(void)state;
	assert_ok(cadre_env_write_atomic(env, base, "s", "long content", 12, &err));
	assert_ok(cadre_env_write_atomic(env, base, "s", "new", 3, &err));
	assert_ok(
	        cadre_env_read_file(env, in_base("s"), text, sizeof text, &length, &err));
	assert_int_equal(length, 3);
	assert_memory_equal(text, "new", 3);
	assert_int_equal(cadre_env_read_file(env, in_base("s"), text, 2, &length, &err),
	                 CADRE_TOO_LARGE);
	assert_int_equal(
	        cadre_env_read_file(env, in_base("s.tmp"), text, 2, &length, &err),
	        CADRE_NOT_FOUND);
}

static void remove_tree_removes_files_and_one_level_of_directories(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env *env = cadre_env_real();
	struct cadre_place place;
	char sub[512];

	(void)state;
	assert_ok(env->ops->mkdir(env, in_base("t"), &err));
	assert_ok(env->ops->mkdir(env, in_base("t"), &err));
	snprintf(sub, sizeof sub, "%s", in_base("t/sub"));
	assert_ok(env->ops->mkdir(env, sub, &err));
	assert_ok(cadre_env_write_atomic(env, sub, "f", "1", 1, &err));
	assert_ok(cadre_env_write_atomic(env, in_base("t"), "g", "1", 1, &err));
	assert_int_equal(env->ops->remove(env, in_base("t"), &err),
	                 CADRE_INCORRECT_STATE);
	assert_ok(cadre_env_remove_tree(env, in_base("t"), &err));
	assert_int_equal(env->ops->place(env, in_base("t"), &place, &err),
	                 CADRE_NOT_FOUND);
	assert_ok(cadre_env_remove_tree(env, in_base("t"), &err));
}

static void a_mapping_shows_what_is_written_to_the_file(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env *env = cadre_env_real();
	struct cadre_file *file;
	void *memory;

	(void)state;
	assert_ok(cadre_file_open(env, in_base("m"), CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
	                          &file, &err));
	assert_ok(env->ops->truncate(file, 4096, &err));
	assert_ok(env->ops->map(file, 4096, true, &memory, &err));
	assert_ok(env->ops->pwrite(file, 10, "x", 1, &err));
	assert_int_equal(((char *)memory)[10], 'x');
	env->ops->unmap(file, memory, 4096);
	cadre_file_close(file);
}

static void the_place_names_boot_device_and_directory(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env *env = cadre_env_real();
	struct cadre_place place;
	struct cadre_space space;

	(void)state;
	assert_ok(env->ops->place(env, base, &place, &err));
	assert_int_equal(strlen(place.boot_id), 36);
	assert_int_not_equal(place.inode, 0);
	assert_ok(env->ops->space(env, base, &space, &err));
	assert_true(space.free_bytes <= space.total_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(
		        a_missing_file_is_not_found_and_an_exclusive_one_conflicts),
		cmocka_unit_test(a_second_open_file_cannot_lock),
		cmocka_unit_test(write_atomic_replaces_the_whole_file),
		cmocka_unit_test(remove_tree_removes_files_and_one_level_of_directories),
		cmocka_unit_test(a_mapping_shows_what_is_written_to_the_file),
		cmocka_unit_test(the_place_names_boot_device_and_directory),
	};

	return cmocka_run_group_tests(tests, make_base, remove_base);
}
