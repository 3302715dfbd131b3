#include "engine/env/sim_disk.h"

#include "engine/base/assert.h"

#include <stdlib.h>

static void grow(struct sim_node *node, uint64_t size)
{
	uint64_t capacity = node->capacity ? node->capacity : 4096;

	if (size <= node->capacity)
		return;
	/* A mapping is this memory: it must not move. */
	CADRE_ASSERT(node->maps == 0);
	while (capacity < size)
		capacity *= 2;
	node->data = realloc(node->data, (size_t)capacity);
	node->durable = realloc(node->durable, (size_t)capacity);
	node->sectors = realloc(node->sectors, (size_t)(capacity / SIM_SECTOR_BYTES));
	CADRE_ASSERT(node->data && node->durable && node->sectors);
	memset(node->data + node->capacity, 0, (size_t)(capacity - node->capacity));
	memset(node->durable + node->capacity, 0, (size_t)(capacity - node->capacity));
	memset(node->sectors + node->capacity / SIM_SECTOR_BYTES, SIM_CLEAN,
	       (size_t)((capacity - node->capacity) / SIM_SECTOR_BYTES));
	node->capacity = capacity;
}

static void mark(struct sim_node *node, uint64_t from, uint64_t to, enum sim_sector state)
{
	if (from >= to)
		return;
	from /= SIM_SECTOR_BYTES;
	to = (to + SIM_SECTOR_BYTES - 1) / SIM_SECTOR_BYTES;
	memset(node->sectors + from, (int)state, (size_t)(to - from));
}

bool sim_node_resize(struct sim_disk *disk, struct sim_node *node, uint64_t size)
{
	if (size > node->size &&
	    sim_disk_used(disk) + (size - node->size) > disk->limit_bytes)
		return false;
	grow(node, size);
	if (size < node->size) {
		memset(node->data + size, 0, (size_t)(node->size - size));
		mark(node, size, node->size, SIM_DIRTY);
	}
	node->size = size;
	return true;
}

void sim_node_write(struct sim_node *node, uint64_t offset, const void *data,
                    size_t length)
{
	CADRE_ASSERT(offset + length <= node->size);
	if (length == 0)
		return;
	memcpy(node->data + offset, data, length);
	mark(node, offset, offset + length, SIM_DIRTY);
}

/* Writes through a mapping are not seen one by one. */
static void catch_mapped(struct sim_node *node)
{
	if (node->maps > 0)
		mark(node, 0, node->size, SIM_DIRTY);
}

void sim_node_sync(struct sim_node *node)
{
	uint64_t count = node->capacity / SIM_SECTOR_BYTES;

	catch_mapped(node);
	for (uint64_t i = 0; i < count; i++) {
		if (node->sectors[i] != SIM_DIRTY)
			continue;
		memcpy(node->durable + i * SIM_SECTOR_BYTES,
		       node->data + i * SIM_SECTOR_BYTES, SIM_SECTOR_BYTES);
		node->sectors[i] = SIM_CLEAN;
	}
	node->durable_size = node->size;
}

void sim_node_fail_sync(struct sim_node *node)
{
	uint64_t count = node->capacity / SIM_SECTOR_BYTES;

	catch_mapped(node);
	for (uint64_t i = 0; i < count; i++)
		if (node->sectors[i] == SIM_DIRTY)
			node->sectors[i] = SIM_LOST;
}
