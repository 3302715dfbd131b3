/*
 * A frame: what one write to the active segment holds. Local to the node.
 *
 *   header, CADRE_FRAME_HEADER_BYTES (little-endian)
 *     u32 magic "CFRM"           u32 crc32c of header bytes 8..63
 *     u32 payload bytes          u32 crc32c of the payload
 *     u64 durable seq            u64 commit seq
 *     u64 first seq              u64 last seq (first - 1 in a SEAL)
 *     u32 flags                  u32 offset in the file / 4096
 *     u64 salt of the segment
 *   payload: whole batches
 *   end mark, 4 bytes, none of them zero
 *   zeros up to the next multiple of 4 KiB
 *
 * The salt is random for each segment and the offset is part of the header, so
 * that no bytes a client sends can pass for a frame. Each 512-byte sector inside
 * a frame's length (header, payload, end mark) has a non-zero byte.
 * Threads: pure functions.
 */
#ifndef CADRE_LOG_FRAME_H
#define CADRE_LOG_FRAME_H

#include "engine/base/status.h"
#include "engine/base/types.h"

#define CADRE_LOG_BLOCK_BYTES 4096u
#define CADRE_LOG_SECTOR_BYTES 512u
#define CADRE_FRAME_HEADER_BYTES 64u
#define CADRE_FRAME_END_BYTES 4u
/* A Fetch answer of several batches; well over the largest batch. */
#define CADRE_FRAME_PAYLOAD_BYTES_MAX (32u << 20)
#define CADRE_FRAME_SEAL 1u

struct cadre_frame {
	cadre_seq durable_seq; /* synced when the frame was written */
	cadre_seq commit_seq;
	cadre_seq first_seq;
	cadre_seq last_seq;
	uint32_t payload_bytes;
	uint32_t payload_crc;
	uint32_t flags;
};

/* Header, payload and end mark; and that up to the next multiple of 4 KiB. */
static inline size_t cadre_frame_bytes(size_t payload_bytes)
{
	return CADRE_FRAME_HEADER_BYTES + payload_bytes + CADRE_FRAME_END_BYTES;
}
static inline size_t cadre_frame_padded_bytes(size_t payload_bytes)
{
	size_t mask = CADRE_LOG_BLOCK_BYTES - 1;

	return (cadre_frame_bytes(payload_bytes) + mask) & ~mask;
}

/* Where a frame lies: part of what makes it valid. */
struct cadre_frame_place {
	uint64_t salt;
	uint64_t offset; /* bytes in the file, a multiple of 4 KiB */
};

/* Fills `out` (cadre_frame_padded_bytes()). `payload` may already lie at its
 * place in `out`. payload_bytes and payload_crc of `frame` are set here. */
void cadre_frame_encode(struct cadre_frame *frame, struct cadre_frame_place place,
                        struct cadre_slice payload, uint8_t *out);

/* Reads the header at the start of `data`; the payload need not be there.
 * Errors: CADRE_CORRUPT, also when `data` is shorter than a header. */
CADRE_MUST_CHECK enum cadre_status cadre_frame_scan_header(struct cadre_slice data,
                                                           struct cadre_frame_place place,
                                                           struct cadre_frame *ret_frame,
                                                           struct cadre_error *err);
/* Reads the frame at the start of `data`: header, payload checksum, end mark and
 * padding are checked; the batches are not. `*ret_payload` points into `data`.
 * Errors: CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status cadre_frame_scan(struct cadre_slice data,
                                                    struct cadre_frame_place place,
                                                    struct cadre_frame *ret_frame,
                                                    struct cadre_slice *ret_payload,
                                                    struct cadre_error *err);

/* True also when `length` is 0. */
bool cadre_log_all_zero(const uint8_t *data, size_t length);
/* True when a 512-byte sector (or the rest of one at the end) is all zero. */
bool cadre_log_has_zero_sector(const uint8_t *data, size_t length);

#endif
