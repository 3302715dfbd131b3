#include "tests/support/testing.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void test_assert_ok(enum cadre_status status, const struct cadre_error *err,
                    const char *call, const char *file, int line)
{
	if (status == CADRE_OK)
		return;
	print_error("%s: %s %s\n", call, cadre_status_name(status),
	            err ? err->message : "");
	_fail(file, line);
}

void test_make_dir(char *path, size_t capacity)
{
	const char *base = getenv("TMPDIR");

	snprintf(path, capacity, "%s/cadre-test-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(path));
}

static int remove_entry(const char *path, const struct stat *info, int type,
                        struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

void test_remove_dir(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

uint64_t test_random_next(struct test_random *random)
{
	uint64_t x = random->state ? random->state : 0x9E3779B97F4A7C15u;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random->state = x;
	return x * 0x2545F4914F6CDD1Du;
}

uint64_t test_random_below(struct test_random *random, uint64_t bound)
{
	return test_random_next(random) % bound;
}

uint64_t test_seed(uint64_t fallback)
{
	const char *text = getenv("CADRE_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : fallback;

	print_message("seed %llu (set CADRE_TEST_SEED to repeat)\n",
	              (unsigned long long)seed);
	return seed;
}
