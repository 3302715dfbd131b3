/*
 * A bounded bump arena: everything unpacked from one message lives in it and
 * goes with it at once. The bound turns hostile amplification into a refusal.
 */
#ifndef CADRE_PROTO_ARENA_H
#define CADRE_PROTO_ARENA_H

#include <protobuf-c/protobuf-c.h>

#include "engine/base/status.h"
#include "engine/base/types.h"

struct cadre_arena_chunk;

/* Why the last failing allocation failed. */
enum cadre_arena_failure {
	CADRE_ARENA_SOUND = 0,
	CADRE_ARENA_AT_CAP,
	CADRE_ARENA_NO_MEMORY,
};

/* Fields are private.
 * Ownership: the caller's storage; it may not move between init and fini, since
 * the allocator points at it.
 * Threads: one at a time. */
struct cadre_arena {
	uint8_t *at;      /* next free byte of the chunk in use */
	uint8_t *end;     /* its end */
	size_t bytes_max; /* most bytes of all chunks together */
	size_t bytes_held;
	struct cadre_arena_chunk *chunks; /* from the heap, newest first */
	uint8_t *storage;                 /* the caller's first chunk, or NULL */
	size_t storage_bytes;
	enum cadre_arena_failure failure;
	ProtobufCAllocator allocator;
};

/* An empty arena that takes at most `bytes_max` bytes from the heap, in chunks
 * from 4 KiB on, doubling. Allocates nothing yet. */
void cadre_arena_init(struct cadre_arena *arena, size_t bytes_max);

/* The same, with `storage` as the first chunk; it counts towards `bytes_max`.
 * Ownership: `storage` stays the caller's and outlives the arena. */
void cadre_arena_init_storage(struct cadre_arena *arena, size_t bytes_max, void *storage,
                              size_t storage_bytes);

/* `size` bytes aligned to 8, or NULL at the cap or when the heap is empty
 * (`arena->failure` tells which). Not zeroed.
 * Ownership: the arena's, until its reset or fini. */
void *cadre_arena_alloc(struct cadre_arena *arena, size_t size);

/* A copy of `text` with a NUL behind it; NULL as cadre_arena_alloc(). */
char *cadre_arena_strdup(struct cadre_arena *arena, struct cadre_slice text);

/* Forgets everything allocated; keeps the largest chunk for the next message. */
void cadre_arena_reset(struct cadre_arena *arena);

/* Frees all chunks. Takes NULL and an arena of zeros. */
void cadre_arena_fini(struct cadre_arena *arena);

/* For protobuf-c; its free does nothing.
 * Ownership: part of the arena. */
ProtobufCAllocator *cadre_arena_allocator(struct cadre_arena *arena);

#endif
