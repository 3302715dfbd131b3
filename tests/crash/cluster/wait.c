#include "tests/crash/cluster/wait.h"

#include <poll.h>
#include <time.h>

#include "tests/support/testing.h"

uint64_t wait_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void wait_turn(void)
{
	(void)poll(NULL, 0, 2);
}

void wait_for(uint64_t *io_since, unsigned seconds, const char *what)
{
	uint64_t now = wait_now_ms();

	if (*io_since == 0)
		*io_since = now;
	if (now - *io_since > (uint64_t)seconds * 1000u)
		fail_msg("not within %u s: %s", seconds, what);
	wait_turn();
}

void wait_elapse(uint64_t ms)
{
	uint64_t end = wait_now_ms() + ms;

	while (wait_now_ms() < end)
		wait_turn();
}
