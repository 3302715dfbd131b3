/*
 * A sealed segment: the batches of a closed one, compressed and indexed.
 *
 *   header, 128 bytes (segment.h), magic "CSLD"
 *   blocks: zstd frames back to back, each with its content size
 *   seek table: for each block, CADRE_SEALED_ENTRY_BYTES
 *     u64 offset in the file     u32 compressed bytes   u32 packed bytes
 *     u64 first seq              u32 bytes of its batches
 *     u32 crc32c of the compressed bytes
 *   footer, CADRE_SEALED_FOOTER_BYTES, at the end of the file
 *     u32 magic "CFTR"           u32 crc32c of footer bytes 8..159
 *     u32 version (0)            u32 blocks
 *     u64 offset of the seek table
 *     u32 crc32c of the seek table   u32 batches
 *     u64 first seq              u64 last seq
 *     u64 epoch   u64 time, of the last batch   u64 commit seq
 *     u64 bytes of all batches
 *     u64 records
 *     u64 zero
 *     u8  chain[32] after the last batch
 *     u8  sha256[32] of everything before the footer
 *
 * A block decompresses to a packed form of whole batches, which leaves out what
 * can be computed (lengths, checksums, all chains but one):
 *     u8  chain[32] before its first batch
 *     u64 epoch   u64 time, of its first batch
 *     u32 batches   u32 bytes of the numbers
 *     numbers, as varints: for each batch the change of epoch and of time from the
 *       batch before (zigzag), the count of records, then type and payload bytes
 *       of each record
 *     payloads
 * Unpacking gives the batches back byte for byte.
 *
 * Threads: pure functions; one struct cadre_sealed by one thread at a time.
 */
#ifndef CADRE_LOG_SEALED_H
#define CADRE_LOG_SEALED_H

#include "engine/log/batch.h"
#include "engine/log/segment.h"

#define CADRE_SEALED_ENTRY_BYTES 32u
#define CADRE_SEALED_FOOTER_BYTES 160u
#define CADRE_SEALED_BLOCK_BYTES (64u << 10)
/* One batch of the largest size, packed; more is not believed. */
#define CADRE_SEALED_PACKED_BYTES_MAX (CADRE_BATCH_BODY_BYTES_MAX + (64u << 10))
/* Batches of one event without payload are what grows most by unpacking. */
#define CADRE_SEALED_BATCH_BYTES_MAX (16u << 20)
/* 16 TiB of batches in one segment. */
#define CADRE_SEALED_BLOCKS_MAX (1u << 28)

struct cadre_sealed_footer {
	uint64_t seek_offset;
	uint32_t seek_crc;
	uint32_t blocks;
	uint32_t batches;
	cadre_seq first_seq;
	cadre_seq last_seq;
	cadre_epoch epoch;
	cadre_time_ms time_ms;
	cadre_seq commit_seq;
	uint64_t batch_bytes;
	uint64_t records;
	struct cadre_sha256 chain;
	struct cadre_sha256 hash;
};

struct cadre_sealed_entry {
	uint64_t offset;
	uint32_t compressed_bytes;
	uint32_t packed_bytes;
	cadre_seq first_seq;
	uint32_t batch_bytes;
	uint32_t crc;
};

/* Fills CADRE_SEALED_FOOTER_BYTES. */
void cadre_sealed_footer_encode(const struct cadre_sealed_footer *footer, uint8_t *out);
/* `file_bytes` bounds the offsets. Errors: CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status
cadre_sealed_footer_scan(struct cadre_slice data, uint64_t file_bytes,
                         struct cadre_sealed_footer *ret_footer, struct cadre_error *err);
/* CADRE_SEALED_ENTRY_BYTES; decode checks nothing, see cadre_sealed_table_check(). */
void cadre_sealed_entry_encode(const struct cadre_sealed_entry *entry, uint8_t *out);
struct cadre_sealed_entry cadre_sealed_entry_decode(const uint8_t *data);
/* Checks the whole table: checksum, order, no gap, every length within its limit.
 * Errors: CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status
cadre_sealed_table_check(struct cadre_slice table,
                         const struct cadre_sealed_footer *footer,
                         struct cadre_error *err);

/* Builds the packed form of one block. `{0}` is empty. */
struct cadre_sealed_packer {
	struct cadre_buffer numbers;
	struct cadre_buffer payloads;
	struct cadre_buffer batches; /* the bytes that went in */
	struct cadre_sha256 chain;   /* before the first batch */
	cadre_seq first_seq;
	cadre_epoch epoch, first_epoch;
	cadre_time_ms time_ms, first_time_ms;
	uint32_t count;
};
void cadre_sealed_packer_fini(struct cadre_sealed_packer *packer);
void cadre_sealed_packer_clear(struct cadre_sealed_packer *packer);
size_t cadre_sealed_packer_bytes(const struct cadre_sealed_packer *packer);
/* `chain`: before this batch. Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadre_sealed_pack(struct cadre_sealed_packer *packer,
                                                     const struct cadre_batch *batch,
                                                     const struct cadre_sha256 *chain);
/* Appends the packed form to `out`. Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_sealed_packer_finish(const struct cadre_sealed_packer *packer,
                           struct cadre_buffer *out);

/* Appends the batches of a packed block, the first of them at `first_seq`, to
 * `out`; `ret_before` and `ret_after` are the chains around them.
 * Errors: CADRE_CORRUPT, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_sealed_unpack(struct cadre_slice packed, cadre_seq first_seq,
                    struct cadre_buffer *out, struct cadre_sha256 *ret_before,
                    struct cadre_sha256 *ret_after, struct cadre_error *err);

/* An open sealed segment. `{0}` is closed. */
struct cadre_sealed {
	struct cadre_file *file;
	struct cadre_sealed_footer footer;
	struct cadre_buffer table;
	struct cadre_buffer compressed;
	struct cadre_buffer packed;
	void *context; /* ZSTD_DCtx */
};
/* Reads footer and seek table. Ownership: takes `file` in any case; fini closes it.
 * Errors: CADRE_CORRUPT, `*ret_offset` then is where. */
CADRE_MUST_CHECK enum cadre_status
cadre_sealed_open(struct cadre_sealed *sealed, struct cadre_file *file,
                  uint64_t file_bytes, uint64_t *ret_offset, struct cadre_error *err);
void cadre_sealed_fini(struct cadre_sealed *sealed);
struct cadre_sealed_entry cadre_sealed_entry_at(const struct cadre_sealed *sealed,
                                                uint32_t index);
/* The block that holds `seq`. */
uint32_t cadre_sealed_find(const struct cadre_sealed *sealed, cadre_seq seq);
/* Last seq of a block. */
cadre_seq cadre_sealed_block_last(const struct cadre_sealed *sealed, uint32_t index);
/* Replaces the content of `out` by the batches of a block.
 * Errors: CADRE_CORRUPT, CADRE_OUT_OF_MEMORY, CADRE_IO_ERROR. */
CADRE_MUST_CHECK enum cadre_status
cadre_sealed_read(struct cadre_sealed *sealed, uint32_t index, struct cadre_buffer *out,
                  struct cadre_sha256 *ret_before, struct cadre_sha256 *ret_after,
                  struct cadre_error *err);

#endif
