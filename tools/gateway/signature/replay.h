/*
 * Signatures that were seen: a request that changes something is taken once.
 *
 * A client that got no answer sends again: dates have whole seconds and RSA signs alike,
 * so an honest repeat within the second looks like a copy. A repeat with the same retry
 * token can do nothing twice and passes; anything else with a known signature is refused.
 *
 * A signature is kept until its date is too old to be taken. The store is bounded; when
 * it is full of such, new ones are refused rather than old ones forgotten.
 *
 * Threads: any.
 */
#ifndef CADRE_TOOLS_GATEWAY_REPLAY_H
#define CADRE_TOOLS_GATEWAY_REPLAY_H

#include "tools/gateway/signature/signature.h"

/* About 200 changes a second over the ten minutes that a date can be taken. */
#define REPLAY_ENTRIES 262144u

struct replay;

/* `entries` is a power of two, at least 16. Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
replay_create(size_t entries, struct replay **ret_replay, struct cadre_error *err);
/* Takes NULL; nulls the pointer. */
void replay_destroy(struct replay **replay);

/* After the signature was verified. `retry_token` may be NULL.
 * Errors: CADRE_NOT_AUTHENTICATED: seen; CADRE_TOO_MANY_REQUESTS: full. */
CADRE_MUST_CHECK enum cadre_status
replay_note(struct replay *replay, const struct signature *signature,
            const char *retry_token, cadre_time_ms date_ms, cadre_time_ms now_ms,
            struct cadre_error *err);

#endif
