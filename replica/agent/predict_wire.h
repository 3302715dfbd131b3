/*
 * Messages of the prediction socket from and to bytes, and the limits that client and
 * node share. Both sides scan what the other sent.
 */
#ifndef CADRE_AGENT_PREDICT_WIRE_H
#define CADRE_AGENT_PREDICT_WIRE_H

#include "cadre/v1/worker.pb-c.h"
#include "proto/codec/codec.h"

#define CADRE_PREDICT_PORT 7422u
#define CADRE_PREDICT_BODY_BYTES_MAX ((size_t)10 << 20)
/* Besides the body: names, and a message of 512 bytes. */
#define CADRE_PREDICT_MESSAGE_BYTES_MAX \
	(CADRE_PREDICT_BODY_BYTES_MAX + ((size_t)64 << 10))
/* Memory of one unpacked message: its body, and what is around it. */
#define CADRE_PREDICT_ARENA_BYTES_MAX (2 * CADRE_PREDICT_MESSAGE_BYTES_MAX)

enum {
	CADRE_PREDICT_NAME_BYTES_MAX = 1024, /* 255 characters of at most four bytes */
	CADRE_PREDICT_DEADLINE_MS_DEFAULT = 60 * 1000,
	CADRE_PREDICT_DEADLINE_MS_MAX = 3600 * 1000,
	/* A question that waits holds a place in the node no longer than this. */
	CADRE_PREDICT_WAIT_MS_MAX = 10 * 1000,
};

/* Errors: those of cadre_unpack(); CADRE_TOO_LARGE for the payload,
 * CADRE_INVALID_PARAMETER for an empty body and for names over their limit. */
CADRE_MUST_CHECK enum cadre_status
cadre_predict_unpack_request(struct cadre_slice bytes, struct cadre_arena *arena,
                             const Cadre__V1__PredictRequest **ret_request,
                             struct cadre_error *err);
/* What passes with status OK has a chunk, and a stream unless it is the last one. */
CADRE_MUST_CHECK enum cadre_status
cadre_predict_unpack_answer(struct cadre_slice bytes, struct cadre_arena *arena,
                            const Cadre__V1__PredictAnswer **ret_answer,
                            struct cadre_error *err);

#endif
