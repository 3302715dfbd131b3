#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/reader/cadre.h"
#include "tests/crash/crash.h"

static bool input_open(void)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };

	return poll(&input, 1, 0) == 0;
}

/* No client gets this far ahead between two looks. */
#define AHEAD_MAX 1000000u

/* The newest member of a history only moves forward: a reader that goes back saw
 * something that was not committed, or lost something that was. Returns 0, or
 * what is wrong. */
static int look(struct cadre_scope *scope, uint64_t *newest, unsigned client)
{
	bool found = false;

	for (uint64_t n = *newest; n < *newest + AHEAD_MAX; n++) {
		char key[32];
		char model[256];
		char expected[96];
		int result;
		crash_key(n, key);
		result = cadre_scope_resolve(scope, key, strlen(key), model, sizeof model,
		                             NULL);
		if (result == CADRE_READER_UNAVAILABLE)
			return 0;
		if (result == CADRE_READER_NOT_FOUND && found) {
			*newest = n - 1;
			return 0;
		}
		if (result == CADRE_READER_NOT_FOUND)
			continue; /* pushed out of the window by newer ones */
		if (result != CADRE_READER_OK)
			return result;
		found = true;
		crash_model(client, n, expected);
		if (strcmp(model, expected) != 0)
			return 1;
	}
	return 2;
}

int crash_read(const char *dir)
{
	struct cadre_reader *reader = NULL;
	struct cadre_scope *scope = NULL;
	uint64_t newest = 0;
	uint64_t looks = 0;
	uint64_t last_seq = 0;
	char target[256];

	/* The first line of standard input: client 0's history. */
	if (!fgets(target, sizeof target, stdin))
		return 2;
	target[strcspn(target, "\n")] = '\0';
	while (input_open()) {
		uint64_t seq = 0;
		int result;
		if (!reader && cadre_reader_open(dir, &reader) != CADRE_READER_OK)
			continue;
		if (!scope && cadre_scope_open(reader, target, &scope) != CADRE_READER_OK)
			continue;
		result = look(scope, &newest, 0);
		if (result == 0 &&
		    cadre_reader_position(reader, &seq, NULL) == CADRE_READER_OK) {
			if (seq < last_seq)
				result = 3;
			last_seq = seq;
		}
		if (result != 0) {
			fprintf(stderr,
			        "reader: result %d at member %llu, seq %llu after %llu: %s\n",
			        result, (unsigned long long)newest,
			        (unsigned long long)seq, (unsigned long long)last_seq,
			        cadre_reader_message(reader));
			return 3;
		}
		looks++;
	}
	cadre_reader_close(reader);
	if (looks == 0 || newest == 0) {
		fprintf(stderr, "reader: saw nothing\n");
		return 4;
	}
	return 0;
}
