/*
 * The asking side: one nng REQ socket to one address, many questions under way at
 * once, each with a context of its own.
 *
 * A question ends exactly once, on a thread of nng's: with the reply, with
 * CADRE_UNAVAILABLE (not connected within the connect time-out: nothing was sent;
 * or the connection broke), or with CADRE_DEADLINE. `sent` tells whether a byte of
 * it may have reached the peer. nng never repeats a question by itself
 * (NNG_OPT_REQ_RESENDTIME is infinite): who asks decides.
 *
 * Close: stop every aio (questions under way end with CADRE_UNAVAILABLE), then
 * contexts, then the socket.
 *
 * Threads: any; a completion must not block and must not destroy the asker.
 */
#ifndef CADRE_TRANSPORT_ASKER_H
#define CADRE_TRANSPORT_ASKER_H

#include "engine/base/status.h"
#include "engine/base/types.h"
#include "replica/transport/address.h"

struct cadre_asker;
struct cadre_question;

/* `reply` lives until the call returns. */
typedef void (*cadre_reply_fn)(void *ctx, enum cadre_status status, bool sent,
                               struct cadre_slice reply, const struct cadre_error *err);

/* Dials in the background, again and again while the asker lives.
 * Errors: as cadre_address_parse() and cadre_nng_error(). */
CADRE_MUST_CHECK enum cadre_status
cadre_asker_create(const char *address, uint16_t default_port, size_t reply_bytes_max,
                   struct cadre_asker **ret_asker, struct cadre_error *err);
/* Ends what is under way; every completion has run on return. Takes NULL; nulls
 * the pointer. */
void cadre_asker_destroy(struct cadre_asker **asker);

/* A question of exactly `bytes`, to be filled through `*ret_body`.
 * Errors: CADRE_OUT_OF_MEMORY, CADRE_UNAVAILABLE (the asker is closing). */
CADRE_MUST_CHECK enum cadre_status
cadre_question_begin(struct cadre_asker *asker, size_t bytes,
                     struct cadre_question **ret_question, uint8_t **ret_body,
                     struct cadre_error *err);
/* Sends it. Waits at most `connect_ms` for a connection and `timeout_ms` for the
 * reply after that. The question is no longer the caller's. */
void cadre_question_send(struct cadre_question *question, uint32_t connect_ms,
                         uint32_t timeout_ms, cadre_reply_fn done, void *ctx);

#endif
