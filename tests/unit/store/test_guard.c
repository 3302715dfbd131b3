#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/store/guard.h"
#include "tests/support/testing.h"

static struct cadre_control_page *page;

static int map_page(void **state)
{
	(void)state;
	page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE,
	            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED;
}

static int unmap_page(void **state)
{
	(void)state;
	return munmap(page, sizeof *page);
}

/* A child with the guard armed that ends by `signal_number`. */
static void die_by(int signal_number)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		/* The test framework's own handlers and core files are in the way. */
		signal(signal_number, SIG_DFL);
		cadre_guard_arm(page);
		if (signal_number == SIGABRT)
			abort();
		raise(signal_number);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal_number);
}

static cadre_time_ms first(void)
{
	return atomic_load(&page->crash_first_ms);
}

static void three_crashes_within_a_minute_trip_it(void **state)
{
	static const int signals[] = { SIGBUS, SIGFPE, SIGABRT };

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_false(cadre_guard_tripped(page, first()));
		die_by(signals[i]);
		assert_int_equal(atomic_load(&page->crash_count), i + 1);
	}
	assert_true(cadre_guard_tripped(page, first() + 60000));
	assert_true(cadre_guard_tripped(page, first() + 86400000));
	cadre_guard_reset(page);
	assert_false(cadre_guard_tripped(page, 1));
}

static void crashes_apart_do_not_add_up(void **state)
{
	(void)state;
	die_by(SIGILL);
	die_by(SIGFPE);
	assert_int_equal(atomic_load(&page->crash_count), 2);
	/* As if those two were long ago: the next starts a new minute. */
	atomic_store(&page->crash_first_ms, first() - 60001);
	die_by(SIGBUS);
	assert_int_equal(atomic_load(&page->crash_count), 1);
	assert_false(cadre_guard_tripped(page, first() + 60001));
	assert_int_equal(atomic_load(&page->crash_count), 0);
}

/* There when AddressSanitizer is, which keeps SIGSEGV for itself. */
extern void __asan_init(void) __attribute__((weak));

static void a_segmentation_fault_counts(void **state)
{
	(void)state;
	if (__asan_init)
		skip();
	die_by(SIGSEGV);
	assert_int_equal(atomic_load(&page->crash_count), 1);
}

static void a_kill_does_not_count(void **state)
{
	(void)state;
	die_by(SIGKILL);
	die_by(SIGTERM);
	assert_int_equal(atomic_load(&page->crash_count), 0);
}

static void disarm_gives_the_signals_back(void **state)
{
	struct sigaction before, after;

	(void)state;
	assert_int_equal(sigaction(SIGFPE, NULL, &before), 0);
	cadre_guard_arm(page);
	cadre_guard_disarm();
	cadre_guard_disarm();
	assert_int_equal(sigaction(SIGFPE, NULL, &after), 0);
	assert_ptr_equal(before.sa_handler, after.sa_handler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(three_crashes_within_a_minute_trip_it,
		                                map_page, unmap_page),
		cmocka_unit_test_setup_teardown(crashes_apart_do_not_add_up, map_page,
		                                unmap_page),
		cmocka_unit_test_setup_teardown(a_segmentation_fault_counts, map_page,
		                                unmap_page),
		cmocka_unit_test_setup_teardown(a_kill_does_not_count, map_page,
		                                unmap_page),
		cmocka_unit_test_setup_teardown(disarm_gives_the_signals_back, map_page,
		                                unmap_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
