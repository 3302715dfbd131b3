#include "replica/node/source_ring.h"

#include <stdlib.h>

static const struct ring_batch *get(const struct source_ring *ring, size_t place)
{
	return ring->batches[(ring->first + place) % SOURCE_RING_BATCHES];
}

const struct ring_batch *ring_at(const struct source_ring *ring, size_t place)
{
	return place < ring->count ? get(ring, place) : NULL;
}

cadre_seq ring_last_seq(const struct source_ring *ring)
{
	return ring->count > 0 ? get(ring, ring->count - 1)->last_seq : 0;
}

static void drop_first(struct source_ring *ring)
{
	struct ring_batch *batch = ring->batches[ring->first];

	ring->batches[ring->first] = NULL;
	ring->first = (ring->first + 1) % SOURCE_RING_BATCHES;
	ring->count--;
	ring->bytes -= batch->length;
	free(batch);
}

void ring_clear(struct source_ring *ring)
{
	while (ring->count > 0)
		drop_first(ring);
}

enum cadre_status ring_push(struct source_ring *ring, const struct cadre_batch *batch)
{
	size_t length = batch->bytes.length;
	struct ring_batch *copy = malloc(sizeof *copy + length);

	if (!copy)
		return CADRE_OUT_OF_MEMORY;
	copy->first_seq = batch->header.first_seq;
	copy->last_seq = cadre_batch_last_seq(&batch->header);
	copy->chain = batch->header.chain;
	copy->length = length;
	memcpy(copy->bytes, batch->bytes.data, length);
	if (ring_last_seq(ring) + 1 != copy->first_seq)
		ring_clear(ring);
	while (ring->count == SOURCE_RING_BATCHES ||
	       (ring->count > 0 && ring->bytes + length > SOURCE_RING_BYTES_MAX))
		drop_first(ring);
	ring->batches[(ring->first + ring->count) % SOURCE_RING_BATCHES] = copy;
	ring->count++;
	ring->bytes += length;
	return CADRE_OK;
}

const struct ring_batch *ring_find(const struct source_ring *ring, cadre_seq seq,
                                   size_t *ret_place)
{
	size_t low = 0;
	size_t high = ring->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct ring_batch *batch = get(ring, middle);
		if (batch->last_seq < seq)
			low = middle + 1;
		else if (batch->first_seq > seq)
			high = middle;
		else {
			*ret_place = middle;
			return batch;
		}
	}
	return NULL;
}
