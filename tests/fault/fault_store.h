/*
 * Stores in real directories: made, copied, damaged, opened by a child.
 */
#ifndef TESTS_FAULT_FAULT_STORE_H
#define TESTS_FAULT_FAULT_STORE_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store/store_fixture.h"

#define FAULT_SEGMENT_BYTES (128u << 10)
#define FAULT_MAP_BYTES (UINT64_C(256) << 20)

static struct cadre_error err;

static inline void real_prepare(struct fixture *fixture, const char *dir)
{
	memset(fixture, 0, sizeof *fixture);
	fixture->env = cadre_env_real();
	cadre_arena_init(&fixture->arena, 64u << 20);
	cadre__v1__actor__init(&fixture->actor);
	snprintf(fixture->principal, sizeof fixture->principal, "tester");
	fixture->actor.principal = fixture->principal;
	fixture->actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	fixture->options.dir = dir;
	fixture->options.no_snapshots = true;
	fixture->options.segment_bytes = FAULT_SEGMENT_BYTES;
	fixture->options.map_bytes = FAULT_MAP_BYTES;
}

static inline void real_init(struct fixture *fixture, const char *dir)
{
	struct cadre_init_options init = { .dir = dir,
		                           .cluster_name = "fault",
		                           .segment_bytes = FAULT_SEGMENT_BYTES };

	real_prepare(fixture, dir);
	assert_ok(cadre_store_init(fixture->env, &init, &err));
}

static inline void real_fini(struct fixture *fixture)
{
	fixture_close(fixture);
	cadre_arena_fini(&fixture->arena);
}

/* Groups, and a history with many versions. */
static inline void real_fill(struct fixture *fixture, unsigned patches)
{
	struct cadre_result group;
	struct cadre_result history;

	for (unsigned i = 0; i < 8; i++)
		fixture_do(fixture, NULL,
		           fixture_create_group(fixture, "group", 1000 + 40 * i, 40));
	group = fixture_do(fixture, NULL, fixture_create_group(fixture, "first", 0, 4));
	history = fixture_do(fixture, NULL,
	                     fixture_create_history(fixture, "line", group.ocid));
	for (unsigned i = 0; i < patches; i++) {
		fixture_do(fixture, NULL, fixture_patch(fixture, history.ocid, 10 + i));
		if (i % 16 == 0)
			cadre_arena_reset(&fixture->arena);
	}
}

/* A store closed clean: several segments, a snapshot, events behind it. */
static inline void real_base(const char *dir)
{
	struct fixture fixture;
	struct cadre_snapshot_info info;

	real_init(&fixture, dir);
	fixture_open(&fixture);
	real_fill(&fixture, 60);
	assert_ok(cadre_store_snapshot(fixture.store, &info, &err));
	for (unsigned i = 0; i < 10; i++)
		fixture_do(&fixture, NULL,
		           fixture_create_group(&fixture, "late", 5000 + 9 * i, 9));
	assert_true(fixture_status(&fixture).log_stat.segments >= 2);
	real_fini(&fixture);
}

/* What the log means, without any LMDB. */
static inline struct cadre_view_head real_replay(const char *dir)
{
	struct fixture fixture;
	struct cadre_view_head head;

	real_prepare(&fixture, dir);
	fixture.options.memory_views = true;
	fixture_open(&fixture);
	head = fixture_status(&fixture).view;
	real_fini(&fixture);
	return head;
}

/* ---- files ---- */

static inline void path_in(char path[512], const char *dir, const char *name)
{
	snprintf(path, 512, "%s/%s", dir, name);
}

static inline size_t file_bytes(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

static inline void flip_bit(const char *path, uint64_t offset, unsigned bit)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= (uint8_t)(1u << bit);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

static inline void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* The path of the index-th name that starts with `prefix`, "" for none. */
static inline void find_file(const char *dir, const char *prefix, unsigned index,
                             char path[512])
{
	struct dirent **entries;
	int count = scandir(dir, &entries, NULL, alphasort);
	unsigned at = 0;

	path[0] = '\0';
	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		if (strncmp(entries[i]->d_name, prefix, strlen(prefix)) == 0 &&
		    entries[i]->d_name[0] != '.' && at++ == index)
			assert_true(snprintf(path, 512, "%.300s/%.100s", dir,
			                     entries[i]->d_name) > 0);
		free(entries[i]);
	}
	free(entries);
}

/* Copies the store `from`, which is closed, to `to`, which does not exist. */
static inline void copy_store(const char *from, const char *to)
{
	char command[1200];

	snprintf(command, sizeof command, "cp -a '%s' '%s' && rm -f '%s/views/ballast'",
	         from, to, to);
	assert_int_equal(system(command), 0);
}

#endif
