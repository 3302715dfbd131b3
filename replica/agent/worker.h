/*
 * The worker's side of cadre/v1/worker.proto: what holds models and infers.
 *
 * An author writes five callbacks. The library owns everything else: the socket, the
 * names, the order of loads, the threads, the streams of chunks, deadlines and cancels.
 *
 *	open -> (Load: load)* (Infer: infer)* (Status: status)* (Unload: unload)* -> close
 *
 * Threads: `load` and `unload` run on one thread, never beside each other; `infer` runs
 * on up to `inferences_max` threads at once, beside loads of other models; `hello` and
 * `status` on any thread. A model is unloaded only when none of its inferences runs.
 */
#ifndef CADRE_AGENT_WORKER_H
#define CADRE_AGENT_WORKER_H

#include "engine/base/log_sink.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

enum {
	CADRE_WORKER_VERSION = 1,
	CADRE_WORKER_DEVICES_MAX = 16, /* cards of one machine */
};

/* The values are those of ModelKind in types.proto. */
enum cadre_worker_kind {
	CADRE_WORKER_MODEL_OTHER = 1,
	CADRE_WORKER_MODEL_BASE = 2,
	CADRE_WORKER_MODEL_LORA = 3,
	CADRE_WORKER_MODEL_ONNX = 4,
};

struct cadre_worker_device {
	char id[96]; /* "cpu", or a GPU's uuid */
	char name[128];
	uint64_t bytes_total;
	uint64_t bytes_free;
};

struct cadre_worker_facts {
	char engine[128]; /* the engine and its release */
	struct cadre_worker_device devices[CADRE_WORKER_DEVICES_MAX];
	size_t device_count;
};

struct cadre_worker_parameter {
	const char *name;
	const char *value;
};

struct cadre_worker_task;   /* a load under way */
struct cadre_worker_stream; /* an inference under way */

/* What to load. Ownership: borrowed for the call. */
struct cadre_worker_load {
	const char *name; /* immutable: another content has another name */
	const char *path; /* of a file that whoever asked has verified */
	struct cadre_sha256 sha256;
	enum cadre_worker_kind kind;
	const char *base_name; /* of an adapter, else NULL */
	void *base;            /* what `load` returned for it, else NULL */
	const struct cadre_worker_parameter *parameters;
	size_t parameter_count;
	struct cadre_worker_task *task;
};

struct cadre_worker_callbacks {
	/* The engine and its devices; called for every Hello. */
	enum cadre_status (*hello)(void *ctx, struct cadre_worker_facts *ret_facts,
	                           struct cadre_error *err);
	/* Makes a model ready. `*ret_model` is the author's; `*ret_bytes` what it
	 * occupies, 0 when unknown. Asks cadre_worker_load_stopped() now and then. */
	enum cadre_status (*load)(void *ctx, const struct cadre_worker_load *load,
	                          void **ret_model, uint64_t *ret_bytes,
	                          struct cadre_error *err);
	/* A base goes after all its adapters. */
	void (*unload)(void *ctx, void *model);
	/* Answers with any number of cadre_worker_emit(), best with a last one by
	 * cadre_worker_emit_last(); the return ends the stream.
	 * Asks cadre_worker_stopped() now and then and then returns what it likes. */
	enum cadre_status (*infer)(void *ctx, void *model, struct cadre_slice payload,
	                           struct cadre_worker_stream *stream,
	                           struct cadre_error *err);
	/* The devices' bytes as they are now. */
	enum cadre_status (*status)(void *ctx, struct cadre_worker_facts *ret_facts,
	                            struct cadre_error *err);
};

/* True once the model is no longer wanted: return any error. Threads: any. */
bool cadre_worker_load_stopped(struct cadre_worker_task *task);
/* Shown by Status. 0..1. Threads: any. */
void cadre_worker_load_progress(struct cadre_worker_task *task, double done);

/* True once the stream was cancelled or its deadline passed. Threads: any. */
bool cadre_worker_stopped(struct cadre_worker_stream *stream);
/*
 * Hands bytes to the stream. The bytes of one call stay together: a chunk holds those
 * of one or more calls. Blocks while the client is more than 1 MiB behind.
 * Errors: CADRE_DEADLINE or CADRE_UNAVAILABLE once stopped: return it;
 * CADRE_TOO_LARGE, CADRE_OUT_OF_MEMORY.
 */
CADRE_MUST_CHECK enum cadre_status cadre_worker_emit(struct cadre_worker_stream *stream,
                                                     struct cadre_slice bytes,
                                                     struct cadre_error *err);
/* The same for the last bytes: the client learns with them that this is the end, which
 * saves it a question. What `infer` then returns no longer matters. */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_emit_last(struct cadre_worker_stream *stream, struct cadre_slice bytes,
                       struct cadre_error *err);

/* 0 and NULL mean the default. */
struct cadre_worker_options {
	/* "ipc:///dir/worker.sock" with a directory of mode 0700 of this user, or any
	 * other nng address. NULL: a new private directory below $TMPDIR or /tmp. */
	const char *address;
	unsigned inferences_max; /* at once; default 4 */
	unsigned streams_max;    /* running, waiting or not fetched to the end; 64 */
	unsigned idle_ms;        /* a stream nobody asks for is dropped; 30,000 */
	unsigned probe_ms;       /* between two checks of an ipc listener; 1,000 */
	struct cadre_log_sink *log;
};

struct cadre_worker;

/*
 * Listens and answers until close.
 * Ownership: `callbacks` is copied, `ctx` outlives the worker.
 * Errors: CADRE_INVALID_PARAMETER (address), CADRE_NOT_AUTHORIZED (the socket's
 * directory is open to others), CADRE_IO_ERROR, CADRE_OUT_OF_MEMORY.
 */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_open(const struct cadre_worker_options *options,
                  const struct cadre_worker_callbacks *callbacks, void *ctx,
                  struct cadre_worker **ret_worker, struct cadre_error *err);
/* Lives as long as the worker. */
const char *cadre_worker_address(const struct cadre_worker *worker);
/* Stops answering, cancels what runs, unloads all, removes a directory of its own.
 * Blocks until the last callback has returned. Takes NULL; nulls the pointer. */
void cadre_worker_close(struct cadre_worker **worker);

/*
 * The main loop of a worker program: dies with the process that started it (also when
 * that is killed), opens, calls `listening` (may be NULL), waits for SIGTERM or SIGINT,
 * closes.
 * Threads: the calling thread is the only one so far: the signals are blocked here.
 * Errors: those of open.
 */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_serve(const struct cadre_worker_options *options,
                   const struct cadre_worker_callbacks *callbacks, void *ctx,
                   void (*listening)(void *ctx, const char *address),
                   struct cadre_error *err);

#endif
