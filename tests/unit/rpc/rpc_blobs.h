/* Contents that need no memory, put and got through a client. */
#ifndef TESTS_UNIT_RPC_RPC_BLOBS_H
#define TESTS_UNIT_RPC_RPC_BLOBS_H

#include "engine/base/checksum.h"
#include "tests/unit/rpc/rpc_node.h"

#define PIECE ((size_t)1 << 20)

/* Every piece is the same but for its number. */
struct source {
	uint64_t bytes;
	uint64_t seed;
	unsigned asked; /* reads so far */
	/* Called once, before the piece at this offset is read. */
	uint64_t stop_at;
	void (*stop)(void *ctx);
	void *ctx;
};
void source_fill(const struct source *source, uint64_t offset, uint8_t *data,
                 size_t length);
struct cadre_sha256 source_hash(const struct source *source);
/* For struct cadre_client_blob_put and _get; `ctx` is the source. */
int64_t source_read(void *ctx, uint64_t offset, void *data, size_t capacity);
int source_compare(void *ctx, uint64_t offset, const void *data, size_t length);

/* `sha256` NULL: not told in advance. */
void assert_put(struct cadre_client *client, struct source *source,
                const struct cadre_sha256 *sha256);
void assert_got(struct cadre_client *client, struct source *source,
                const struct cadre_sha256 *sha256);

#endif
