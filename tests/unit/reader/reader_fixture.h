/* A directory with a writer process on it (writer.c), and a reader here. */
#ifndef TESTS_UNIT_READER_READER_FIXTURE_H
#define TESTS_UNIT_READER_READER_FIXTURE_H

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/reader/cadre.h"
#include "engine/store/control.h"
#include "tests/support/testing.h"

struct made {
	char ocid[256];
	unsigned long long seq;
	unsigned long long time_ms;
};

struct node {
	char base[256];
	char dir[300];
	pid_t writer; /* 0: none */
	FILE *to;
	FILE *from;
};

static inline void node_answer(struct node *node, char *line, size_t capacity)
{
	if (!fgets(line, (int)capacity, node->from))
		fail_msg("the writer is gone");
}

/* Starts the writer and waits until it serves. */
static inline void node_start(struct node *node)
{
	int to[2], from[2];
	char program[] = WRITER;
	char *arguments[] = { program, node->dir, NULL };
	char line[64];
	posix_spawn_file_actions_t actions;

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	posix_spawn_file_actions_adddup2(&actions, to[0], 0);
	posix_spawn_file_actions_adddup2(&actions, from[1], 1);
	assert_int_equal(
	        posix_spawn(&node->writer, program, &actions, NULL, arguments, environ),
	        0);
	posix_spawn_file_actions_destroy(&actions);
	close(to[0]);
	close(from[1]);
	node->to = fdopen(to[1], "w");
	node->from = fdopen(from[0], "r");
	node_answer(node, line, sizeof line);
	assert_string_equal(line, "ok\n");
}

static inline void node_init(struct node *node)
{
	memset(node, 0, sizeof *node);
	test_make_dir(node->base, sizeof node->base);
	snprintf(node->dir, sizeof node->dir, "%s/data", node->base);
	node_start(node);
}

/* kill -9, or the end of its input and a clean close. */
static inline void node_stop(struct node *node, bool kill_it)
{
	int status;

	if (node->writer == 0)
		return;
	if (kill_it)
		kill(node->writer, SIGKILL);
	fclose(node->to);
	assert_int_equal(waitpid(node->writer, &status, 0), node->writer);
	if (!kill_it)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fclose(node->from);
	node->writer = 0;
}

static inline void node_fini(struct node *node)
{
	node_stop(node, false);
	test_remove_dir(node->base);
}

static inline void node_tell(struct node *node, const char *format, ...)
        CADRE_PRINTF(2, 3);
static inline void node_tell(struct node *node, const char *format, ...)
{
	char line[1300];
	va_list args;

	va_start(args, format);
	vfprintf(node->to, format, args);
	va_end(args);
	fputc('\n', node->to);
	fflush(node->to);
	node_answer(node, line, sizeof line);
	assert_string_equal(line, "ok\n");
}

static inline struct made node_make(struct node *node, const char *format, ...)
        CADRE_PRINTF(2, 3);
static inline struct made node_make(struct node *node, const char *format, ...)
{
	char line[1300];
	struct made made;
	va_list args;

	va_start(args, format);
	vfprintf(node->to, format, args);
	va_end(args);
	fputc('\n', node->to);
	fflush(node->to);
	node_answer(node, line, sizeof line);
	assert_int_equal(
	        sscanf(line, "%255s %llu %llu", made.ocid, &made.seq, &made.time_ms), 3);
	return made;
}

static inline struct cadre_reader *reader_of(const struct node *node)
{
	struct cadre_reader *reader = NULL;
	int code = cadre_reader_open(node->dir, &reader);

	if (code != CADRE_READER_OK)
		fail_msg("open: %d %s", code, cadre_reader_message(NULL));
	return reader;
}

static inline struct cadre_scope *scope_of(struct cadre_reader *reader, const char *ocid)
{
	struct cadre_scope *scope = NULL;
	int code = cadre_scope_open(reader, ocid, &scope);

	if (code != CADRE_READER_OK)
		fail_msg("scope \"%s\": %d %s", ocid, code, cadre_reader_message(reader));
	return scope;
}

/* What key-<number> is now; `*ret_group` the group's seq. */
static inline int resolve(struct cadre_scope *scope, unsigned number, uint64_t *ret_group)
{
	char key[32], model[256], expected[64];
	int code;

	snprintf(key, sizeof key, "key-%u", number);
	code = cadre_scope_resolve(scope, key, strlen(key), model, sizeof model,
	                           ret_group);
	if (code != CADRE_READER_OK)
		return code;
	snprintf(expected, sizeof expected, "ocid1.datasciencemodel.oc1.iad.m%u", number);
	assert_string_equal(model, expected);
	return code;
}

static inline int resolve_at(struct cadre_scope *scope, unsigned number, uint64_t seq,
                             uint64_t *ret_group)
{
	char key[32], model[256];

	snprintf(key, sizeof key, "key-%u", number);
	return cadre_scope_resolve_at(scope, key, strlen(key), seq, model, sizeof model,
	                              ret_group);
}

#endif
