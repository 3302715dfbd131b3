/*
 * Assertions stay on in release builds: a broken invariant must stop the
 * process before it reaches the disk. For programming errors only; damage and
 * bad input are statuses.
 */
#ifndef CADRE_BASE_ASSERT_H
#define CADRE_BASE_ASSERT_H

#define CADRE_ASSERT(condition) \
	((condition) ? (void)0 : cadre_assert_failed(#condition, __FILE__, __LINE__))

/* Runs the hook, prints one line to standard error and aborts. */
_Noreturn void cadre_assert_failed(const char *condition, const char *file, int line);

/* `hook` runs once before the abort (a daemon writes its decision ring there).
 * Threads: set it before any thread starts. */
typedef void (*cadre_assert_hook_fn)(void *ctx);
void cadre_assert_set_hook(cadre_assert_hook_fn hook, void *ctx);

#endif
