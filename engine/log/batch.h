/*
 * A batch: the unit of commit, shipping and apply; the same bytes on every node.
 *
 *   header, CADRE_BATCH_HEADER_BYTES (little-endian)
 *     u32 magic "CBAT"          u32 crc32c of header bytes 8..79
 *     u64 first seq             u64 epoch        u64 time, ms
 *     u32 count of records      u32 flags
 *     u32 body bytes            u32 crc32c of the body
 *     u8  chain[32]
 *   body: `count` records, each
 *     u32 payload bytes   u32 crc32c of type and payload   u16 type (not 0)   u16 zero
 *     payload (a protobuf Event, verbatim as decided)
 *
 *   chain = SHA-256(previous chain || header bytes 8..47 || SHA-256(body))
 *
 * The chain before seq 1 is 32 zero bytes. docs/format/batch.md has the bytes.
 * Threads: pure functions.
 */
#ifndef CADRE_LOG_BATCH_H
#define CADRE_LOG_BATCH_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

#define CADRE_BATCH_HEADER_BYTES 80u
#define CADRE_RECORD_HEADER_BYTES 12u

/* 4,096 commands or 4 MiB, one larger event alone. */
#define CADRE_BATCH_RECORDS_MAX 4096u
#define CADRE_BATCH_BODY_BYTES_TARGET (4u << 20)
#define CADRE_RECORD_PAYLOAD_BYTES_MAX (512u << 10)
#define CADRE_BATCH_BODY_BYTES_MAX (CADRE_BATCH_BODY_BYTES_TARGET + (600u << 10))
/* A payload never holds this many zero bytes in a row: recovery tells a torn
 * 512-byte sector by its zeros. Less than half a sector, so that each sector keeps
 * two non-zero bytes and no single flipped bit can empty one. */
#define CADRE_ZERO_RUN_BYTES 240u

struct cadre_batch_header {
	cadre_seq first_seq;
	cadre_epoch epoch;
	cadre_time_ms time_ms;
	uint32_t count;
	uint32_t flags; /* 0 */
	uint32_t body_bytes;
	struct cadre_sha256 chain; /* after this batch */
};

static inline cadre_seq cadre_batch_last_seq(const struct cadre_batch_header *header)
{
	return header->first_seq + header->count - 1;
}

/* Builds one batch at the end of `out`; `out` may already hold other batches.
 * Usage: begin, add…, finish; or abandon by truncating `out` to its old length. */
struct cadre_batch_builder {
	struct cadre_buffer *out;
	size_t start; /* offset of the header in out */
	struct cadre_batch_header header;
};

/* `first_seq` is at least 1. Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_batch_begin(struct cadre_batch_builder *builder, struct cadre_buffer *out,
                  cadre_seq first_seq, cadre_epoch epoch, cadre_time_ms time_ms);
/* Errors: CADRE_TOO_LARGE (payload over its maximum), CADRE_LIMIT_EXCEEDED (the
 * batch is full: finish it), CADRE_INVALID_PARAMETER (a run of
 * CADRE_ZERO_RUN_BYTES zero bytes), CADRE_OUT_OF_MEMORY; after an error the batch
 * is as before. `type` is not 0. */
CADRE_MUST_CHECK enum cadre_status cadre_batch_add(struct cadre_batch_builder *builder,
                                                   uint16_t type,
                                                   struct cadre_slice payload);
/* Drops records from the end so that `count` remain and the body has
 * `body_bytes` again (values that an earlier header held). */
void cadre_batch_rewind(struct cadre_batch_builder *builder, uint32_t count,
                        uint32_t body_bytes);
/* Writes the header; `builder->header.chain` then is the new chain. */
void cadre_batch_finish(struct cadre_batch_builder *builder,
                        const struct cadre_sha256 *previous_chain);

/* A batch found in bytes; slices point into them. */
struct cadre_batch {
	struct cadre_batch_header header;
	struct cadre_slice bytes; /* header and body */
	struct cadre_slice body;
};

struct cadre_record {
	cadre_seq seq;
	uint16_t type;
	struct cadre_slice payload;
};

/* Reads the batch at the start of `data`: every length, every crc and every
 * record boundary checked, the chain not (no predecessor here).
 * Errors: CADRE_END (no byte left), CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status cadre_batch_scan(struct cadre_slice data,
                                                    struct cadre_batch *ret_batch,
                                                    struct cadre_error *err);
/* CADRE_DIVERGED unless the batch's chain follows from `previous_chain`. */
CADRE_MUST_CHECK enum cadre_status
cadre_batch_check_chain(const struct cadre_batch *batch,
                        const struct cadre_sha256 *previous_chain,
                        struct cadre_error *err);

/* Walks the records of a scanned batch. `*offset` starts at 0; CADRE_END after
 * the last. */
CADRE_MUST_CHECK enum cadre_status
cadre_batch_next_record(const struct cadre_batch *batch, size_t *offset,
                        struct cadre_record *io_record);

#endif
