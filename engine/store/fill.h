/* A batch of the log while it is being filled with events. */
#ifndef CADRE_STORE_FILL_H
#define CADRE_STORE_FILL_H

#include "engine/store/internal.h"

/* One batch being filled. */
struct fill {
	struct cadre_store *store;
	struct cadre_batch_builder builder;
	cadre_seq next_seq;
	cadre_time_ms time_ms;
	cadre_seq digest_due; /* a digest record is due at this seq */
	bool full;            /* the last event found no room */
};

/* Whether a status is the command's own refusal, or a failure of the store. */
static inline bool fill_is_refusal(enum cadre_status status)
{
	return status >= CADRE_INVALID_PARAMETER && status <= CADRE_TOO_MANY_REQUESTS;
}

/* Packs, adds and applies one event. CADRE_LIMIT_EXCEEDED: the batch is full and
 * nothing happened. Any other failure: the transaction must be given up. */
CADRE_MUST_CHECK enum cadre_status cadre_fill_put_event(struct fill *fill,
                                                        const Cadre__V1__Event *event,
                                                        struct cadre_error *err);
/* Decides one request. CADRE_LIMIT_EXCEEDED and fill->full: the batch is full,
 * the request stays waiting. */
CADRE_MUST_CHECK enum cadre_status cadre_fill_decide(struct fill *fill,
                                                     struct cadre_request *request);

#endif
