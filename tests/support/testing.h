/* cmocka with its required headers in order, and the helpers all tests share. */
#ifndef TESTS_SUPPORT_TESTING_H
#define TESTS_SUPPORT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/status.h"
#include "engine/base/types.h"

/* Fails the test with the error's message unless `call` is CADRE_OK. A variable
 * `struct cadre_error err` is in scope. */
#define assert_ok(call) test_assert_ok((call), &err, #call, __FILE__, __LINE__)
void test_assert_ok(enum cadre_status status, const struct cadre_error *err,
                    const char *call, const char *file, int line);

/* A new empty private directory below $TMPDIR or /tmp; test_remove_dir() removes
 * it with its content. */
void test_make_dir(char *path, size_t capacity);
void test_remove_dir(const char *path);

/* xorshift64*: the tests' seeded random numbers. */
struct test_random {
	uint64_t state;
};
uint64_t test_random_next(struct test_random *random);
/* 0 .. bound - 1 */
uint64_t test_random_below(struct test_random *random, uint64_t bound);
/* The seed from $CADRE_TEST_SEED, else `fallback`; printed. */
uint64_t test_seed(uint64_t fallback);

#endif
