#include "engine/store/guard.h"

#include <signal.h>
#include <time.h>

#include "engine/base/assert.h"

static const int guarded[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE };

enum { GUARDED_COUNT = sizeof guarded / sizeof *guarded };

static struct sigaction saved[GUARDED_COUNT];
static _Atomic(struct cadre_control_page *) armed_page;

static bool window_over(uint64_t first_ms, uint64_t now_ms)
{
	/* A clock set back makes the first crash lie in the future. */
	return now_ms < first_ms || now_ms - first_ms > CADRE_GUARD_WINDOW_MS;
}

/* Async-signal-safe: clock_gettime, lock-free atomics and raise only. */
static void on_crash(int signal_number)
{
	struct cadre_control_page *page = atomic_load(&armed_page);
	struct timespec now;

	if (page && clock_gettime(CLOCK_REALTIME, &now) == 0) {
		uint64_t now_ms = (uint64_t)now.tv_sec * 1000u +
		                  (uint64_t)now.tv_nsec / 1000000u;
		uint64_t count = atomic_load(&page->crash_count);
		if (count == 0 ||
		    (count < CADRE_GUARD_CRASHES_MAX &&
		     window_over(atomic_load(&page->crash_first_ms), now_ms))) {
			atomic_store(&page->crash_first_ms, now_ms);
			atomic_store(&page->crash_count, 0);
		}
		atomic_fetch_add(&page->crash_count, 1);
	}
	/* SA_RESETHAND: pending until the handler returns, then the default action. */
	raise(signal_number);
}

void cadre_guard_arm(struct cadre_control_page *page)
{
	struct sigaction action = { .sa_handler = on_crash,
		                    .sa_flags = (int)SA_RESETHAND | SA_ONSTACK };

	CADRE_ASSERT(!atomic_load(&armed_page));
	sigemptyset(&action.sa_mask);
	atomic_store(&armed_page, page);
	for (int i = 0; i < GUARDED_COUNT; i++)
		CADRE_ASSERT(sigaction(guarded[i], &action, &saved[i]) == 0);
}

void cadre_guard_disarm(void)
{
	if (!atomic_load(&armed_page))
		return;
	for (int i = 0; i < GUARDED_COUNT; i++)
		CADRE_ASSERT(sigaction(guarded[i], &saved[i], NULL) == 0);
	atomic_store(&armed_page, NULL);
}

bool cadre_guard_tripped(struct cadre_control_page *page, cadre_time_ms now_ms)
{
	uint64_t count = atomic_load(&page->crash_count);

	if (count >= CADRE_GUARD_CRASHES_MAX)
		return true;
	if (count > 0 && window_over(atomic_load(&page->crash_first_ms), now_ms))
		cadre_guard_reset(page);
	return false;
}

void cadre_guard_reset(struct cadre_control_page *page)
{
	atomic_store(&page->crash_count, 0);
	atomic_store(&page->crash_first_ms, 0);
}
