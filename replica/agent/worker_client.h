/*
 * The agent's side of a worker: its process and its contract.
 *
 *	start -> hello -> load… -> infer, next… -> unload… -> stop
 *
 * Every call has a deadline and ends at once with CADRE_UNAVAILABLE when the process
 * dies. All but infer are idempotent, by name or chunk number, and are asked again by
 * themselves when only the connection breaks. An infer then fails: it may have begun, and
 * the worker drops its stream by itself.
 *
 * Threads: any number at once, but start and stop. A worker dies with the thread that
 * started it: start from one that lives as long.
 */
#ifndef CADRE_AGENT_WORKER_CLIENT_H
#define CADRE_AGENT_WORKER_CLIENT_H

#include <sys/types.h>

#include "engine/base/bytes.h"
#include "replica/agent/worker.h"

struct cadre_worker_client;

/* Texts are borrowed for the call. */
struct cadre_worker_program {
	const char *path;
	/* After the path, up to a NULL; may be NULL. "--listen ADDRESS" is appended. */
	const char *const *arguments;
	/* Where the private directory is made; NULL: $TMPDIR or /tmp. Who is killed leaves
	 * those of its workers behind: empty it at the start. */
	const char *run_dir;
	const char *log_path; /* gets standard output and error; NULL: /dev/null */
	/* CUDA_VISIBLE_DEVICES: uuids with commas, "" for no card; NULL: as here. */
	const char *devices;
};

/* Starts the process; it may still be on its way to listening: hello waits for that.
 * Errors: CADRE_NOT_FOUND (no such program), CADRE_IO_ERROR, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_start(const struct cadre_worker_program *program,
                   struct cadre_worker_client **ret_client, struct cadre_error *err);
/* A worker that someone else runs. */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_connect(const char *address, struct cadre_worker_client **ret_client,
                     struct cadre_error *err);
/* Ends the process, if it was started here: SIGTERM, SIGKILL after `grace_ms`. No call
 * may be under way. Takes NULL; nulls the pointer. */
void cadre_worker_stop(struct cadre_worker_client **client, uint32_t grace_ms);

/* 0 for a worker that someone else runs. */
pid_t cadre_worker_pid(struct cadre_worker_client *client);
/* Readable once the process is dead: for poll(). -1 for someone else's. */
int cadre_worker_pidfd(const struct cadre_worker_client *client);
/* False once the process is dead; `ret_err` (may be NULL) then says of what. */
bool cadre_worker_alive(struct cadre_worker_client *client, struct cadre_error *ret_err);
const char *cadre_worker_client_address(const struct cadre_worker_client *client);

/* All below, errors: CADRE_UNAVAILABLE (dead; infer: the connection broke), CADRE_DEADLINE,
 * CADRE_CORRUPT (an answer that breaks the contract), CADRE_OUT_OF_MEMORY, and what the
 * worker says. */

CADRE_MUST_CHECK enum cadre_status
cadre_worker_hello(struct cadre_worker_client *client, uint32_t deadline_ms,
                   struct cadre_worker_facts *ret_facts, struct cadre_error *err);

/* Returns when the model is ready, has failed, or the deadline passed; then the load
 * goes on, and the same call asks for it again. `load->base` and `->task` are not used.
 * `ret_bytes` may be NULL. */
CADRE_MUST_CHECK enum cadre_status cadre_worker_load(struct cadre_worker_client *client,
                                                     const struct cadre_worker_load *load,
                                                     uint32_t deadline_ms,
                                                     uint64_t *ret_bytes,
                                                     struct cadre_error *err);
/* Returns when it is gone (also when it was never there). What runs may go on for
 * `drain_ms`, then it is cancelled. */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_unload(struct cadre_worker_client *client, const char *name,
                    uint32_t drain_ms, uint32_t deadline_ms, struct cadre_error *err);

/* A piece of an answer. Number 0: there is none yet. */
struct cadre_worker_piece {
	uint64_t stream;
	uint32_t number;
	bool end;
	struct cadre_buffer data; /* the caller's: starts as {0}, fini when done */
};

/* Starts an inference and waits about a second for its first piece. `deadline_ms` holds
 * for the whole inference, in the worker. */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_infer(struct cadre_worker_client *client, const char *name,
                   struct cadre_slice payload, uint32_t deadline_ms,
                   struct cadre_worker_piece *piece, struct cadre_error *err);
/* Piece `number` (from 1, each one after the last, the last again) of `piece->stream`;
 * waits at most `wait_ms` (10 s at most) for it. */
CADRE_MUST_CHECK enum cadre_status cadre_worker_next(struct cadre_worker_client *client,
                                                     uint32_t number, uint32_t wait_ms,
                                                     struct cadre_worker_piece *piece,
                                                     struct cadre_error *err);
/* Unknown streams are no error. */
CADRE_MUST_CHECK enum cadre_status cadre_worker_cancel(struct cadre_worker_client *client,
                                                       uint64_t stream,
                                                       struct cadre_error *err);

struct cadre_worker_model {
	char *name;
	char *error; /* NULL: none */
	bool ready;
	uint64_t bytes; /* 0: not known */
	uint32_t in_flight;
	uint32_t percent; /* while loading */
};

struct cadre_worker_report {
	struct cadre_worker_model *models;
	size_t model_count;
	struct cadre_worker_facts facts; /* without the engine */
	uint64_t inferences;             /* ended since the start */
};

/* Ownership: the report goes to cadre_worker_report_fini(). */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_status(struct cadre_worker_client *client, uint32_t deadline_ms,
                    struct cadre_worker_report *ret_report, struct cadre_error *err);
void cadre_worker_report_fini(struct cadre_worker_report *report);

#endif
