#include "tests/crash/cluster/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/reader/cadre.h"
#include "tests/crash/cluster/load.h"
#include "tests/crash/cluster/wait.h"
#include "tests/support/testing.h"

struct reader {
	char data_dir[300];
	char history[256];
	struct watched *watched;
	pthread_t thread;
	struct cadre_reader *reader; /* the rest: the thread's */
	struct cadre_scope *scope;
	uint64_t newest; /* member that was seen last */
	uint64_t seq;
};

/* The newest member that a look finds, from the one seen last on: a reader that goes
 * back saw what was not committed, or lost what was. */
static int look(struct reader *reader)
{
	bool found = false;

	for (uint64_t n = reader->newest;; n++) {
		char key[LOAD_TEXT_BYTES];
		char expected[LOAD_TEXT_BYTES];
		char model[256];
		int result;
		load_key(n, key);
		result = cadre_scope_resolve(reader->scope, key, strlen(key), model,
		                             sizeof model, NULL);
		if (result == CADRE_READER_NOT_FOUND && found) {
			reader->newest = n - 1;
			return CADRE_READER_OK;
		}
		if (result == CADRE_READER_NOT_FOUND &&
		    n < reader->newest + LOAD_AHEAD_MAX)
			continue; /* pushed out of the window by newer ones */
		if (result != CADRE_READER_OK)
			return result;
		found = true;
		load_model(0, n, expected);
		if (strcmp(model, expected) != 0)
			watched_wrong(reader->watched, "key %s means %s", key, model);
	}
}

static int look_and_position(struct reader *reader)
{
	uint64_t seq = 0;
	int result = look(reader);

	if (result == CADRE_READER_OK)
		result = cadre_reader_position(reader->reader, &seq, NULL);
	if (result != CADRE_READER_OK)
		return result;
	if (seq < reader->seq)
		watched_wrong(reader->watched, "at seq %llu after %llu",
		              (unsigned long long)seq, (unsigned long long)reader->seq);
	reader->seq = seq;
	return CADRE_READER_OK;
}

static int look_once(struct reader *reader)
{
	int result = CADRE_READER_OK;

	if (!reader->reader)
		result = cadre_reader_open(reader->data_dir, &reader->reader);
	if (result == CADRE_READER_OK && !reader->scope)
		result = cadre_scope_open(reader->reader, reader->history,
		                          &reader->scope);
	return result == CADRE_READER_OK ? look_and_position(reader) : result;
}

static void *run(void *ctx)
{
	struct reader *reader = ctx;
	struct watched *watched = reader->watched;

	while (!atomic_load(&watched->stopping)) {
		bool excused = atomic_load(&watched->excused);
		int result = look_once(reader);
		if (result == CADRE_READER_OK)
			atomic_fetch_add(&watched->well, 1);
		else if (result == CADRE_READER_UNAVAILABLE)
			watched_refused(watched, excused, "refused: %s",
			                cadre_reader_message(reader->reader));
		else
			watched_wrong(watched, "result %d behind member %llu: %s", result,
			              (unsigned long long)reader->newest,
			              cadre_reader_message(reader->reader));
		wait_turn();
	}
	cadre_reader_close(reader->reader);
	return NULL;
}

struct reader *reader_start(const char *data_dir, const char *history,
                            struct watched *watched)
{
	struct reader *reader = calloc(1, sizeof *reader);

	assert_non_null(reader);
	(void)snprintf(reader->data_dir, sizeof reader->data_dir, "%s", data_dir);
	(void)snprintf(reader->history, sizeof reader->history, "%s", history);
	reader->watched = watched;
	assert_int_equal(pthread_create(&reader->thread, NULL, run, reader), 0);
	return reader;
}

void reader_stop(struct reader *reader)
{
	if (!reader)
		return;
	atomic_store(&reader->watched->stopping, true);
	(void)pthread_join(reader->thread, NULL);
	free(reader);
}
