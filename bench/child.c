#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/drive.h"

#define WRITE_BATCH 64u
#define WRITE_HISTORIES 50u

/* ---- parent ---- */

static enum cadre_status spawn(struct bench_child *child, char *const argv[],
                               struct cadre_error *err)
{
	posix_spawn_file_actions_t actions;
	int in[2];
	int out[2];
	int rc;

	if (pipe2(in, O_CLOEXEC) != 0)
		return cadre_error_errno(err, errno, "pipe");
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return cadre_error_errno(err, errno, "pipe");
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	rc = posix_spawn(&child->pid, "/proc/self/exe", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	child->input = in[1];
	child->output = out[0];
	if (rc != 0) {
		close(in[1]);
		close(out[0]);
		child->pid = 0;
		return cadre_error_errno(err, rc, "starting a child");
	}
	return CADRE_OK;
}

static bool says_ready(struct bench_child *child)
{
	char line[2 * sizeof child->address + 8];
	size_t length = 0;

	while (length < sizeof line - 1) {
		ssize_t got = read(child->output, line + length, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		if (line[length++] == '\n')
			break;
	}
	line[length] = '\0';
	if (sscanf(line, "ready %63s %63s", child->address, child->replication) >= 1)
		return true;
	return strcmp(line, "ready\n") == 0;
}

enum cadre_status bench_child_start(struct bench_child *child, const char *role,
                                    const char *dir, const char *a, const char *b,
                                    struct cadre_error *err)
{
	const char *const texts[] = {
		"cadre-bench",
		bench_segment_bytes ? BENCH_CHILD_QUICK : BENCH_CHILD,
		role,
		dir,
		a,
		b,
		NULL
	};
	char *argv[sizeof texts / sizeof *texts];
	enum cadre_status status;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		argv[i] = (char *)(uintptr_t)texts[i];
	memset(child, 0, sizeof *child);
	status = spawn(child, argv, err);
	if (status != CADRE_OK)
		return status;
	if (!says_ready(child)) {
		bench_child_stop(child);
		return cadre_error_set(err, CADRE_INTERNAL,
		                       "child \"%s\" of \"%s\" failed", role, dir);
	}
	return CADRE_OK;
}

static void wait_for(struct bench_child *child)
{
	close(child->input);
	close(child->output);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	memset(child, 0, sizeof *child);
}

void bench_child_stop(struct bench_child *child)
{
	if (child->pid > 0)
		wait_for(child);
}

void bench_child_kill(struct bench_child *child)
{
	if (child->pid <= 0)
		return;
	kill(child->pid, SIGKILL);
	wait_for(child);
}

/* ---- child ---- */

static enum cadre_status resolve_one(struct bench_lab *lab, const char *target,
                                     const char *key, struct cadre_error *err)
{
	struct cadre_arena arena;
	struct cadre_view view;
	struct cadre_pointer pointer;
	struct cadre_slice model;
	Cadre__V1__Resource *resource;
	enum cadre_status status;

	cadre_arena_init(&arena, 1u << 20);
	status = cadre_view_begin(&view, cadre_store_kv(lab->store), CADRE_KV_READ,
	                          &arena, err);
	if (status == CADRE_OK) {
		status = cadre_view_by_ocid(&view, target, &resource, err);
		if (status == CADRE_OK)
			status = cadre_view_pointer(&view, resource->kind, resource->id,
			                            CADRE_SEQ_MAX, &pointer, err);
		if (status == CADRE_OK)
			status = cadre_view_resolve(&view, pointer.lineage,
			                            pointer.version,
			                            cadre_slice_text(key), &model, err);
		cadre_view_abort(&view);
	}
	cadre_arena_fini(&arena);
	return status;
}

static enum cadre_status write_some(struct bench_lab *lab, const char *commands,
                                    struct cadre_error *err)
{
	struct bench_workload_options options = bench_workload_mms((uint64_t)getpid(),
	                                                           WRITE_HISTORIES);
	struct bench_drive drive = { .commands = strtoull(commands, NULL, 10),
		                     .batch = WRITE_BATCH };

	if (bench_workload_create(&options, &lab->workload) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "workload: out of memory");
	return bench_drive(lab, &drive, err);
}

static enum cadre_status tend(struct bench_lab *lab, struct cadre_error *err)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	bool again = true;
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK) {
		uint64_t idle = cadre_store_idle_ns(lab->store) / 1000000u;
		if (poll(&input, 1, again ? 0 : (int)idle + 1) > 0)
			return CADRE_OK;
		status = cadre_store_step(lab->store, &again, err);
	}
	return status;
}

void bench_child_serve(const char *addresses)
{
	char byte;

	printf("ready %s\n", addresses);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
}

static int store_child(int argc, char **argv)
{
	struct bench_lab lab;
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;

	memset(&lab, 0, sizeof lab);
	bench_env_init(&lab.env, (uint64_t)getpid());
	snprintf(lab.dir, sizeof lab.dir, "%s", argv[3]);
	status = bench_lab_open(&lab, &err);
	if (status == CADRE_OK && strcmp(argv[2], "write") == 0 && argc == 5)
		status = write_some(&lab, argv[4], &err);
	if (status == CADRE_OK && strcmp(argv[2], "serve") == 0 && argc == 6)
		status = resolve_one(&lab, argv[4], argv[5], &err);
	if (status == CADRE_OK) {
		if (write(STDOUT_FILENO, "ready\n", 6) != 6)
			return 1;
		status = tend(&lab, &err);
	}
	bench_lab_close(&lab);
	bench_workload_destroy(lab.workload);
	if (status != CADRE_OK)
		fprintf(stderr, "cadre-bench --child %s: %s\n", argv[2], err.message);
	return status == CADRE_OK ? 0 : 1;
}

int bench_child_main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	if (strcmp(argv[1], BENCH_CHILD_QUICK) == 0)
		bench_segment_bytes = BENCH_SEGMENT_BYTES_QUICK;
	if (strcmp(argv[2], "rpc") == 0)
		return bench_rpc_child(argv[3]);
	if (strcmp(argv[2], "leader") == 0)
		return bench_node_child(argv[3], NULL);
	if (strcmp(argv[2], "follower") == 0 && argc == 5)
		return bench_node_child(argv[3], argv[4]);
	if (strcmp(argv[2], "worker") == 0)
		return bench_worker_child();
	if (strcmp(argv[2], "predict") == 0)
		return bench_predict_child(argv[3]);
	if (strcmp(argv[2], "echo") == 0 && argc == 6)
		return bench_echo_child(argv[3], strtoul(argv[4], NULL, 10),
		                        strtoul(argv[5], NULL, 10));
	return store_child(argc, argv);
}
