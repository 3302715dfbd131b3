#include "tests/support/testing.h"

#include "proto/codec/arena.h"

static void allocations_are_aligned_to_8_and_apart(void **state)
{
	struct cadre_arena arena;
	uint8_t *previous = NULL;

	(void)state;
	cadre_arena_init(&arena, 1 << 20);
	for (size_t size = 0; size < 300; size++) {
		uint8_t *at = cadre_arena_alloc(&arena, size);
		assert_non_null(at);
		assert_int_equal((uintptr_t)at % 8, 0);
		assert_ptr_not_equal(at, previous);
		memset(at, (int)size, size);
		previous = at;
	}
	cadre_arena_fini(&arena);
}

static void no_more_than_the_cap_is_handed_out(void **state)
{
	const size_t cap = 100000;
	struct cadre_arena arena;
	size_t total = 0;

	(void)state;
	cadre_arena_init(&arena, cap);
	while (cadre_arena_alloc(&arena, 40))
		total += 40;
	assert_in_range(total, cap - cap / 20, cap);
	assert_int_equal(arena.failure, CADRE_ARENA_AT_CAP);
	assert_null(cadre_arena_alloc(&arena, SIZE_MAX));
	cadre_arena_fini(&arena);
}

static void one_allocation_may_take_the_whole_cap(void **state)
{
	struct cadre_arena arena;

	(void)state;
	cadre_arena_init(&arena, 1 << 20);
	assert_null(cadre_arena_alloc(&arena, (1 << 20) + 1));
	assert_non_null(cadre_arena_alloc(&arena, 1 << 20));
	assert_null(cadre_arena_alloc(&arena, 1));
	cadre_arena_fini(&arena);
}

static void the_callers_storage_is_used_first(void **state)
{
	_Alignas(8) uint8_t storage[128];
	struct cadre_arena arena;
	uint8_t *at;

	(void)state;
	cadre_arena_init_storage(&arena, 4096, storage + 1, sizeof storage - 1);
	at = cadre_arena_alloc(&arena, 100);
	assert_ptr_equal(at, storage + 8);
	at = cadre_arena_alloc(&arena, 100);
	assert_false(at >= storage && at < storage + sizeof storage);
	cadre_arena_fini(&arena);
}

static void storage_alone_serves_a_cap_of_its_size(void **state)
{
	_Alignas(8) uint8_t storage[64];
	struct cadre_arena arena;

	(void)state;
	cadre_arena_init_storage(&arena, sizeof storage, storage, sizeof storage);
	assert_non_null(cadre_arena_alloc(&arena, 64));
	assert_null(cadre_arena_alloc(&arena, 1));
	cadre_arena_reset(&arena);
	assert_ptr_equal(cadre_arena_alloc(&arena, 64), storage);
	cadre_arena_fini(&arena);
}

static void a_reset_keeps_the_largest_chunk_only(void **state)
{
	struct cadre_arena arena;
	void *large;

	(void)state;
	cadre_arena_init(&arena, 1 << 20);
	assert_non_null(cadre_arena_alloc(&arena, 8));
	large = cadre_arena_alloc(&arena, 100000);
	assert_non_null(cadre_arena_alloc(&arena, 4096));
	cadre_arena_reset(&arena);
	assert_int_equal(arena.failure, CADRE_ARENA_SOUND);
	assert_in_range(arena.bytes_held, 100000, 300000);
	assert_non_null(large);
	assert_non_null(cadre_arena_alloc(&arena, 100000));
	assert_in_range(arena.bytes_held, 100000, 300000);
	cadre_arena_fini(&arena);
}

static void a_copied_text_ends_in_nul(void **state)
{
	struct cadre_arena arena;

	(void)state;
	cadre_arena_init(&arena, 4096);
	assert_string_equal(cadre_arena_strdup(&arena, cadre_slice("abcd", 3)), "abc");
	assert_string_equal(cadre_arena_strdup(&arena, cadre_slice(NULL, 0)), "");
	cadre_arena_fini(&arena);
}

static void fini_takes_null_and_zeros(void **state)
{
	struct cadre_arena arena = { 0 };

	(void)state;
	cadre_arena_fini(NULL);
	cadre_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_aligned_to_8_and_apart),
		cmocka_unit_test(no_more_than_the_cap_is_handed_out),
		cmocka_unit_test(one_allocation_may_take_the_whole_cap),
		cmocka_unit_test(the_callers_storage_is_used_first),
		cmocka_unit_test(storage_alone_serves_a_cap_of_its_size),
		cmocka_unit_test(a_reset_keeps_the_largest_chunk_only),
		cmocka_unit_test(a_copied_text_ends_in_nul),
		cmocka_unit_test(fini_takes_null_and_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
