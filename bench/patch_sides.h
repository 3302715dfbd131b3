/* Sides of W1 and W2: patches over RPC, and what is compared with them. */
#ifndef BENCH_PATCH_SIDES_H
#define BENCH_PATCH_SIDES_H

#include "bench/patchers.h"

struct bench_patches {
	struct bench *bench;
	struct bench_patchers patchers;
	unsigned clients;
	uint64_t count; /* patches of one measurement */
	/* Of one patch: what its frame takes in the log, its messages. */
	size_t frame_bytes;
	size_t request_bytes;
	size_t reply_bytes;
};

/* The store, and the sizes by a few patches. */
CADRE_MUST_CHECK enum cadre_status bench_patches_create(struct bench_patches *patches,
                                                        struct bench *bench,
                                                        unsigned clients, uint64_t count,
                                                        struct cadre_error *err);
void bench_patches_destroy(struct bench_patches *patches);

/* ctx is a struct bench_patches. */
CADRE_MUST_CHECK enum cadre_status
bench_patches_ours(void *ctx, struct bench_measure *measure, struct cadre_error *err);
/* A message there, fdatasync of a frame of as many bytes, a message back. */
CADRE_MUST_CHECK enum cadre_status
bench_patches_synced_echo(void *ctx, struct bench_measure *measure,
                          struct cadre_error *err);

#endif
