#include "engine/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

static cadre_assert_hook_fn assert_hook;
static void *assert_hook_ctx;

void cadre_assert_set_hook(cadre_assert_hook_fn hook, void *ctx)
{
	assert_hook = hook;
	assert_hook_ctx = ctx;
}

_Noreturn void cadre_assert_failed(const char *condition, const char *file, int line)
{
	cadre_assert_hook_fn hook = assert_hook;

	assert_hook = NULL;
	fprintf(stderr, "cadre: assertion failed: %s (%s:%d)\n", condition, file, line);
	if (hook)
		hook(assert_hook_ctx);
	abort();
}
