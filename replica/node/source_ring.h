/* The ring of recent batches; see source_log.h. Not locked here. */
#ifndef CADRE_NODE_SOURCE_RING_H
#define CADRE_NODE_SOURCE_RING_H

#include "replica/node/source_log.h"

void ring_clear(struct source_ring *ring);
/* 0 while empty. */
cadre_seq ring_last_seq(const struct source_ring *ring);
/* A copy, behind the last; what does not follow empties the ring first. Old ones make
 * room. CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status ring_push(struct source_ring *ring,
                                             const struct cadre_batch *batch);
/* The batch that holds `seq`, or NULL; `*ret_place` for ring_at(). */
const struct ring_batch *ring_find(const struct source_ring *ring, cadre_seq seq,
                                   size_t *ret_place);
/* NULL behind the last. */
const struct ring_batch *ring_at(const struct source_ring *ring, size_t place);

#endif
