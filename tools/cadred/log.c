#include "tools/cadred/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/env/env.h"

/* "2026-11-22T14:40:24.123Z " */
enum { TIME_CHARS = 25, EVIDENCE_FILES_MAX = 100 };

cadre_time_ms cadred_now_ms(void)
{
	struct cadre_env *env = cadre_env_real();

	return env->ops->wall_ms(env);
}

/* JOURNAL_STREAM has device and inode of the stream that journald reads. */
static bool to_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat info;

	if (!text || fstat(STDERR_FILENO, &info) != 0)
		return false;
	snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)info.st_dev,
	         (uintmax_t)info.st_ino);
	return strcmp(text, own) == 0;
}

static void emit(void *ctx, enum cadre_log_level level, const char *line)
{
	static const int priorities[] = {
		[CADRE_LOG_DEBUG] = 7,
		[CADRE_LOG_INFO] = 6,
		[CADRE_LOG_WARN] = 4,
		[CADRE_LOG_ERROR] = 3,
	};
	struct cadred_log *log = ctx;

	if ((int)level < atomic_load(&log->level))
		return;
	if (log->journal)
		fprintf(stderr, "<%d>%s\n", priorities[level], line + TIME_CHARS);
	else
		fprintf(stderr, "%s\n", line);
}

bool cadred_log_keep(struct cadred_log *log, char path[1100])
{
	int fd = -1;

	snprintf(path, 1100, "%s/lost+found", log->dir);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return false;
	for (int i = 1; fd < 0 && i <= EVIDENCE_FILES_MAX; i++) {
		snprintf(path, 1100, "%s/lost+found/decisions-%ld-%d.log", log->dir,
		         (long)getpid(), i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			return false;
	}
	if (fd < 0)
		return false;
	cadre_log_sink_dump(log->sink, fd);
	return close(fd) == 0;
}

static void on_failed_assertion(void *ctx)
{
	char path[1100];

	if (cadred_log_keep(ctx, path))
		fprintf(stderr, "decisions before this are in \"%s\"\n", path);
}

enum cadre_status cadred_log_open(struct cadred_log *log, enum cadre_log_level level,
                                  const char *data_dir, struct cadre_error *err)
{
	atomic_init(&log->level, (int)level);
	log->journal = to_journal();
	snprintf(log->dir, sizeof log->dir, "%s", data_dir);
	if (cadre_log_sink_create(CADRE_LOG_DEBUG, emit, log, &log->sink) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "log lines: out of memory");
	cadre_assert_set_hook(on_failed_assertion, log);
	return CADRE_OK;
}

void cadred_log_close(struct cadred_log *log)
{
	cadre_assert_set_hook(NULL, NULL);
	cadre_log_sink_destroy(&log->sink);
}
