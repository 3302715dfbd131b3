#include "engine/base/log_sink.h"

#include "engine/base/assert.h"
#include "engine/base/bytes.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct kept_line {
	char text[CADRE_LOG_LINE_BYTES_MAX + 1];
};

struct cadre_log_sink {
	pthread_mutex_t lock;
	enum cadre_log_level level_min;
	cadre_log_sink_fn emit;
	void *ctx;
	uint64_t count; /* lines so far; the next goes to count % LINES_KEPT; lock */
	struct kept_line lines[CADRE_LOG_LINES_KEPT]; /* lock */
};

static const char *const level_names[] = {
	[CADRE_LOG_DEBUG] = "debug",
	[CADRE_LOG_INFO] = "info",
	[CADRE_LOG_WARN] = "warn",
	[CADRE_LOG_ERROR] = "error",
};

enum cadre_status cadre_log_sink_create(enum cadre_log_level level_min,
                                        cadre_log_sink_fn emit, void *ctx,
                                        struct cadre_log_sink **ret_sink)
{
	/* calloc: pages of lines not yet written cost nothing. */
	struct cadre_log_sink *sink = calloc(1, sizeof *sink);

	if (!sink)
		return CADRE_OUT_OF_MEMORY;
	CADRE_ASSERT(pthread_mutex_init(&sink->lock, NULL) == 0);
	sink->level_min = level_min;
	sink->emit = emit;
	sink->ctx = ctx;
	*ret_sink = sink;
	return CADRE_OK;
}

void cadre_log_sink_destroy(struct cadre_log_sink **sink)
{
	if (!sink || !*sink)
		return;
	pthread_mutex_destroy(&(*sink)->lock);
	free(*sink);
	*sink = NULL;
}

/* One line of visible characters; a longer one shows that it was cut. */
static void tidy(char *text, bool cut)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
			text[i] = '?';
	}
	if (cut)
		memcpy(text + length - 3, "...", 3);
}

void cadre_log_line(struct cadre_log_sink *sink, cadre_time_ms now,
                    enum cadre_log_level level, const char *event, const char *format,
                    ...)
{
	struct kept_line line;
	char time[25];
	va_list args;
	int used;
	int more;

	if (!sink)
		return;
	cadre_time_format(now, time);
	used = snprintf(line.text, sizeof line.text, "%s %s %.100s ", time,
	                level_names[level], event);
	CADRE_ASSERT(used > 0 && (size_t)used < sizeof line.text);
	va_start(args, format);
	more = vsnprintf(line.text + used, sizeof line.text - (size_t)used, format, args);
	va_end(args);
	tidy(line.text, more >= 0 && used + more > CADRE_LOG_LINE_BYTES_MAX);

	pthread_mutex_lock(&sink->lock);
	sink->lines[sink->count++ % CADRE_LOG_LINES_KEPT] = line;
	if (sink->emit && level >= sink->level_min)
		sink->emit(sink->ctx, level, line.text);
	pthread_mutex_unlock(&sink->lock);
}

static bool write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, text, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text += written;
		length -= (size_t)written;
	}
	return true;
}

void cadre_log_sink_dump(struct cadre_log_sink *sink, int fd)
{
	uint64_t kept;
	bool locked;

	if (!sink)
		return;
	locked = pthread_mutex_trylock(&sink->lock) == 0;
	kept = sink->count < CADRE_LOG_LINES_KEPT ? sink->count : CADRE_LOG_LINES_KEPT;
	for (uint64_t i = sink->count - kept; i < sink->count; i++) {
		const char *text = sink->lines[i % CADRE_LOG_LINES_KEPT].text;
		if (!write_all(fd, text, strnlen(text, CADRE_LOG_LINE_BYTES_MAX)) ||
		    !write_all(fd, "\n", 1))
			break;
	}
	if (locked)
		pthread_mutex_unlock(&sink->lock);
}
