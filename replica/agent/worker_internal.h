/*
 * Inside a worker.
 *
 * One mutex guards the tables of models and streams and is never held over a callback.
 * Threads: the socket's handlers read and change the tables and wait on conditions; one
 * loader calls `load` and `unload`; `inferences_max` inferers call `infer`; one keeper
 * probes the socket and drops what nobody asks for.
 *
 *	model:  WAITING -> LOADING -> READY -> LEAVING -> gone
 *	                          \-> FAILED -> gone, or WAITING when asked for again
 *	stream: QUEUED -> RUNNING -> ENDED -> gone
 */
#ifndef CADRE_AGENT_WORKER_INTERNAL_H
#define CADRE_AGENT_WORKER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "replica/agent/worker.h"
#include "replica/agent/worker_socket.h"
#include "replica/agent/worker_wire.h"

enum worker_model_state {
	MODEL_WAITING, /* for the loader */
	MODEL_LOADING,
	MODEL_READY,
	MODEL_LEAVING, /* no new inferences; unloaded when the last one has ended */
	MODEL_FAILED,
};

struct cadre_worker_task {
	atomic_bool stopped;
	atomic_uint percent;
};

struct worker_model {
	struct worker_model *next; /* in the order of their Load */
	char *name;
	char *path;
	char *base_name; /* NULL: none */
	struct cadre_sha256 sha256;
	enum cadre_worker_kind kind;
	struct cadre_worker_parameter *parameters; /* texts owned */
	size_t parameter_count;
	enum worker_model_state state;
	struct cadre_worker_task task;
	struct worker_model *base; /* while loaded */
	unsigned adapters;         /* models that have it as base */
	unsigned in_flight;        /* streams queued or running */
	uint64_t leave_ns;         /* LEAVING: when its streams are cancelled */
	void *handle;              /* the author's */
	uint64_t bytes;
	struct cadre_error failure;
	bool failure_told;
};

enum worker_stream_state { STREAM_QUEUED, STREAM_RUNNING, STREAM_ENDED };

struct cadre_worker_stream {
	struct cadre_worker_stream *next; /* in the order of their Infer */
	struct cadre_worker *worker;
	uint64_t id;
	struct worker_model *model; /* until ENDED */
	uint8_t *payload;
	size_t payload_length;
	enum worker_stream_state state;
	pthread_cond_t changed;
	unsigned waiters; /* handlers that hold a pointer */
	uint64_t deadline_ns;
	uint32_t deadline_ms; /* for the message */
	uint64_t asked_ns;
	atomic_bool cancelled;
	/* The chunk handed out last, kept until the next is asked for. */
	uint32_t handed; /* its number; 0: none yet */
	struct cadre_buffer handed_data;
	bool handed_end;
	struct cadre_buffer pending;
	bool complete;              /* nothing comes behind what is pending */
	struct cadre_error outcome; /* ENDED */
	bool failure_told;
};

struct cadre_worker {
	struct cadre_worker_callbacks callbacks;
	void *ctx;
	struct cadre_log_sink *log;
	char *address;
	char *own_dir; /* made by open, removed by close; NULL: none */
	struct cadre_worker_socket *socket;
	unsigned inferences_max;
	unsigned streams_max;
	unsigned idle_ms;
	unsigned probe_ms;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t models_changed;
	pthread_cond_t work; /* a stream is queued */
	pthread_cond_t tick; /* ends the keeper's sleep */
	struct worker_model *models;
	unsigned model_count;
	struct cadre_worker_stream *streams;
	unsigned stream_count;
	uint64_t last_stream;
	uint64_t inferences; /* ended since open */
	bool stopping;

	pthread_t loader;
	pthread_t keeper;
	pthread_t *inferers;
	bool has_loader;
	bool has_keeper;
	unsigned inferer_count;
};

/* CLOCK_MONOTONIC, as the conditions. */
uint64_t worker_now_ns(void);
/* Waits at most until `until_ns`; false when that has passed. Lock held. */
bool worker_wait(struct cadre_worker *worker, pthread_cond_t *cond, uint64_t until_ns);
void worker_cond_init(pthread_cond_t *cond);
void worker_log(struct cadre_worker *worker, enum cadre_log_level level,
                const char *event, const char *format, ...) CADRE_PRINTF(4, 5);

/* ---- worker_models.c; all with the lock held ---- */

struct worker_model *worker_model_find(struct cadre_worker *worker, const char *name);
/* Load: waits until the model is ready or CADRE_WORKER_ANSWER_MS have passed. OK with
 * a model that is not ready means: ask again. */
CADRE_MUST_CHECK enum cadre_status
worker_model_load(struct cadre_worker *worker, const Cadre__V1__WorkerLoad *load,
                  const struct worker_model **ret_model, struct cadre_error *err);
/* Unload: likewise; NULL once it is gone. */
CADRE_MUST_CHECK enum cadre_status
worker_model_unload(struct cadre_worker *worker, const Cadre__V1__WorkerUnload *unload,
                    const struct worker_model **ret_model, struct cadre_error *err);
/* A stream of the model has ended. */
void worker_model_released(struct cadre_worker *worker, struct worker_model *model);
/* The loader's thread. Lock not held. Unloads everything once stopping. */
void *worker_run_loader(void *worker);

/* ---- worker_streams.c; with the lock held unless said otherwise ---- */

/* Infer and Next: fills `chunk`, whose data live while the lock is held. `*ret_stream`
 * goes to worker_stream_let_go(), after an error too (untouched when there is none).
 * Chunk number 0 means: none yet, ask again. */
CADRE_MUST_CHECK enum cadre_status
worker_stream_start(struct cadre_worker *worker, const Cadre__V1__WorkerInfer *infer,
                    Cadre__V1__WorkerChunk *chunk,
                    struct cadre_worker_stream **ret_stream, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
worker_stream_next(struct cadre_worker *worker, const Cadre__V1__WorkerNext *next,
                   Cadre__V1__WorkerChunk *chunk, struct cadre_worker_stream **ret_stream,
                   struct cadre_error *err);
/* Takes NULL. */
void worker_stream_let_go(struct cadre_worker_stream *stream);
/* Unknown streams are no error. */
void worker_stream_cancel(struct cadre_worker *worker, uint64_t id);
void worker_stream_cancel_model(struct cadre_worker *worker,
                                const struct worker_model *model);
void worker_stream_cancel_all(struct cadre_worker *worker);
/* Drops ended streams that nobody has asked for in a while; cancels running ones. */
void worker_streams_expire(struct cadre_worker *worker);
/* All of them; each has ended. */
void worker_streams_drop(struct cadre_worker *worker);
/* An inferer's thread. Lock not held. */
void *worker_run_inferer(void *worker);

/* ---- worker_answer.c ---- */

/* Handles one request; the socket's cadre_worker_handle_fn. Lock not held. */
void worker_answer(void *worker, struct cadre_slice request, struct cadre_buffer *answer);

#endif
