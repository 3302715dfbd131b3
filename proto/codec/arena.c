#include "proto/codec/arena.h"

#include <stdlib.h>

#define CHUNK_BYTES_MIN ((size_t)4096)
#define ALIGNMENT ((size_t)8)

struct cadre_arena_chunk {
	struct cadre_arena_chunk *older;
	size_t bytes; /* behind this header */
};

_Static_assert(sizeof(struct cadre_arena_chunk) % ALIGNMENT == 0,
               "a chunk's bytes start aligned");

static uint8_t *chunk_bytes(struct cadre_arena_chunk *chunk)
{
	return (uint8_t *)(chunk + 1);
}

static void *allocator_alloc(void *ctx, size_t size)
{
	return cadre_arena_alloc(ctx, size);
}

static void allocator_free(void *ctx, void *pointer)
{
	(void)ctx;
	(void)pointer;
}

void cadre_arena_init(struct cadre_arena *arena, size_t bytes_max)
{
	*arena = (struct cadre_arena){
		.bytes_max = bytes_max,
		.allocator = { allocator_alloc, allocator_free, arena },
	};
}

static void use_storage(struct cadre_arena *arena)
{
	arena->at = arena->storage;
	arena->end = arena->storage ? arena->storage + arena->storage_bytes : NULL;
}

void cadre_arena_init_storage(struct cadre_arena *arena, size_t bytes_max, void *storage,
                              size_t storage_bytes)
{
	size_t skip = -(uintptr_t)storage & (ALIGNMENT - 1);

	cadre_arena_init(arena, bytes_max);
	if (!storage || storage_bytes <= skip)
		return;
	arena->storage = (uint8_t *)storage + skip;
	arena->storage_bytes = (storage_bytes - skip) & ~(ALIGNMENT - 1);
	if (arena->storage_bytes > bytes_max)
		arena->storage_bytes = bytes_max & ~(ALIGNMENT - 1);
	arena->bytes_held = arena->storage_bytes;
	use_storage(arena);
}

/* Chunks double, so their number is logarithmic; the last one takes what the cap
 * leaves. */
static size_t next_chunk_bytes(const struct cadre_arena *arena, size_t size)
{
	size_t rest = arena->bytes_max - arena->bytes_held;
	size_t bytes = arena->chunks ? arena->chunks->bytes * 2 : CHUNK_BYTES_MIN;

	if (bytes < size)
		bytes = size;
	return bytes < rest ? bytes : rest & ~(ALIGNMENT - 1);
}

static bool add_chunk(struct cadre_arena *arena, size_t size)
{
	struct cadre_arena_chunk *chunk;
	size_t bytes = next_chunk_bytes(arena, size);

	if (bytes < size) {
		arena->failure = CADRE_ARENA_AT_CAP;
		return false;
	}
	chunk = malloc(sizeof *chunk + bytes);
	if (!chunk) {
		arena->failure = CADRE_ARENA_NO_MEMORY;
		return false;
	}
	chunk->older = arena->chunks;
	chunk->bytes = bytes;
	arena->chunks = chunk;
	arena->bytes_held += bytes;
	arena->at = chunk_bytes(chunk);
	arena->end = arena->at + bytes;
	return true;
}

void *cadre_arena_alloc(struct cadre_arena *arena, size_t size)
{
	uint8_t *result;

	if (size > arena->bytes_max) {
		arena->failure = CADRE_ARENA_AT_CAP;
		return NULL;
	}
	size = size ? (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1) : ALIGNMENT;
	if (size > (size_t)(arena->end - arena->at) && !add_chunk(arena, size))
		return NULL;
	result = arena->at;
	arena->at += size;
	return result;
}

char *cadre_arena_strdup(struct cadre_arena *arena, struct cadre_slice text)
{
	char *copy;

	if (text.length == SIZE_MAX)
		return NULL;
	copy = cadre_arena_alloc(arena, text.length + 1);
	if (!copy)
		return NULL;
	if (text.length > 0)
		memcpy(copy, text.data, text.length);
	copy[text.length] = '\0';
	return copy;
}

static struct cadre_arena_chunk *largest(struct cadre_arena_chunk *chunks)
{
	struct cadre_arena_chunk *best = chunks;

	for (; chunks; chunks = chunks->older) {
		if (chunks->bytes > best->bytes)
			best = chunks;
	}
	return best;
}

static void free_chunks(struct cadre_arena *arena, struct cadre_arena_chunk *keep)
{
	struct cadre_arena_chunk *older;

	for (struct cadre_arena_chunk *chunk = arena->chunks; chunk; chunk = older) {
		older = chunk->older;
		if (chunk != keep)
			free(chunk);
	}
	arena->chunks = keep;
	arena->bytes_held = arena->storage_bytes;
	if (keep) {
		keep->older = NULL;
		arena->bytes_held += keep->bytes;
	}
}

void cadre_arena_reset(struct cadre_arena *arena)
{
	free_chunks(arena, largest(arena->chunks));
	arena->failure = CADRE_ARENA_SOUND;
	if (arena->chunks) {
		arena->at = chunk_bytes(arena->chunks);
		arena->end = arena->at + arena->chunks->bytes;
	} else {
		use_storage(arena);
	}
}

void cadre_arena_fini(struct cadre_arena *arena)
{
	if (!arena)
		return;
	free_chunks(arena, NULL);
	memset(arena, 0, sizeof *arena);
}

ProtobufCAllocator *cadre_arena_allocator(struct cadre_arena *arena)
{
	return &arena->allocator;
}
