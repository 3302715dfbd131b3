/*
 * Messages of the worker contract from and to bytes, and their limits. Both sides scan
 * what the other sent: a worker is a process that reads files from elsewhere.
 */
#ifndef CADRE_AGENT_WORKER_WIRE_H
#define CADRE_AGENT_WORKER_WIRE_H

#include "cadre/v1/worker.pb-c.h"
#include "engine/base/bytes.h"
#include "proto/codec/codec.h"

enum {
	/* What is around a payload: names, a path, parameters. */
	CADRE_WORKER_ENVELOPE_BYTES_MAX = 64 * 1024,
	CADRE_WORKER_MESSAGE_BYTES_MAX = CADRE_PREDICT_BYTES_MAX +
	                                 CADRE_WORKER_ENVELOPE_BYTES_MAX,
	/* The status of 4,096 models is the widest answer besides a payload. */
	CADRE_WORKER_ARENA_BYTES_MAX = CADRE_WORKER_MESSAGE_BYTES_MAX +
	                               2 * CADRE_MESSAGE_BYTES_MAX,

	CADRE_WORKER_MODELS_MAX = 4096,
	CADRE_WORKER_NAME_BYTES_MAX = 512, /* an OCID, "@" and 12 digits */
	CADRE_WORKER_PARAMETERS_MAX = 256,
	CADRE_WORKER_DEADLINE_MS_DEFAULT = 60 * 1000,
	CADRE_WORKER_DEADLINE_MS_MAX = 3600 * 1000,
	/* A request parks a thread of the worker no longer than this. */
	CADRE_WORKER_WAIT_MS_MAX = 10 * 1000,
	/* Load, Unload and Infer answer "not yet" after it. */
	CADRE_WORKER_ANSWER_MS = 1000,
};

/* Errors: those of cadre_unpack(); CADRE_INVALID_PARAMETER also for an empty body and
 * for values over the limits above. */
CADRE_MUST_CHECK enum cadre_status
cadre_worker_unpack_request(struct cadre_slice bytes, struct cadre_arena *arena,
                            const Cadre__V1__WorkerRequest **ret_request,
                            struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_worker_unpack_answer(struct cadre_slice bytes, struct cadre_arena *arena,
                           const Cadre__V1__WorkerAnswer **ret_answer,
                           struct cadre_error *err);

#endif
