#include "tests/crash/cluster/watched.h"

#include <stdio.h>

#include "tests/crash/cluster/wait.h"
#include "tests/support/testing.h"

void watched_init(struct watched *watched, const char *name)
{
	memset(watched, 0, sizeof *watched);
	watched->name = name;
	assert_int_equal(pthread_mutex_init(&watched->lock, NULL), 0);
}

void watched_fini(struct watched *watched)
{
	(void)pthread_mutex_destroy(&watched->lock);
}

static void note(struct watched *watched, const char *format, va_list arguments)
{
	pthread_mutex_lock(&watched->lock);
	if (!atomic_load(&watched->wrong)) {
		(void)vsnprintf(watched->text, sizeof watched->text, format, arguments);
		atomic_store(&watched->wrong, true);
	}
	pthread_mutex_unlock(&watched->lock);
}

void watched_wrong(struct watched *watched, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	note(watched, format, arguments);
	va_end(arguments);
}

void watched_refused(struct watched *watched, bool excused_before, const char *format,
                     ...)
{
	va_list arguments;

	if (excused_before || atomic_load(&watched->excused)) {
		atomic_fetch_add(&watched->refused, 1);
		return;
	}
	va_start(arguments, format);
	note(watched, format, arguments);
	va_end(arguments);
}

void watched_check(struct watched *watched)
{
	char text[500];

	if (!atomic_load(&watched->wrong))
		return;
	pthread_mutex_lock(&watched->lock);
	(void)snprintf(text, sizeof text, "%s", watched->text);
	pthread_mutex_unlock(&watched->lock);
	fail_msg("%s: %s", watched->name, text);
}

void watched_wait(struct watched *watched, unsigned times)
{
	unsigned before = atomic_load(&watched->well);
	uint64_t since = 0;

	while (atomic_load(&watched->well) - before < times) {
		watched_check(watched);
		wait_for(&since, WAIT_S, watched->name);
	}
	watched_check(watched);
}

void watched_excuse(struct watched *watched)
{
	atomic_store(&watched->excused, true);
}

void watched_expect(struct watched *watched)
{
	watched_wait(watched, 3);
	atomic_store(&watched->excused, false);
}
