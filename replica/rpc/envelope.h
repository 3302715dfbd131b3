/* The request inside a message. */
#ifndef CADRE_RPC_ENVELOPE_H
#define CADRE_RPC_ENVELOPE_H

#include "cadre/v1/rpc.pb-c.h"
#include "engine/base/status.h"
#include "proto/codec/arena.h"

/* Scans, unpacks and checks what needs no state. `*ret_request` is set as soon as
 * it is unpacked, also when a check then fails, so that its id can be answered;
 * NULL before.
 * Ownership: it lives in the arena, `bytes` may go.
 * Errors: CADRE_INVALID_PARAMETER with the field first, CADRE_TOO_LARGE,
 * CADRE_OUT_OF_MEMORY. Threads: pure. */
CADRE_MUST_CHECK enum cadre_status rpc_request_read(struct cadre_slice bytes,
                                                    struct cadre_arena *arena,
                                                    Cadre__V1__Request **ret_request,
                                                    struct cadre_error *err);

#endif
