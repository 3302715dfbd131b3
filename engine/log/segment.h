/*
 * Segment files: their names, their 128-byte header, and reading them in large
 * pieces.
 *
 *   header (little-endian), the same in both kinds of segment
 *     u32 magic "CSEG" (frames) or "CSLD" (sealed)
 *     u32 crc32c of header bytes 8..127
 *     u32 version (0)            u32 zero
 *     u64 first seq              u64 salt
 *     u64 file bytes (frames) or 0 (sealed)
 *     u64 epoch, u64 time, u64 commit seq: before first seq
 *     u8  chain[32] before first seq
 *     zeros
 *   A segment of frames pads the header with zeros to 4 KiB.
 */
#ifndef CADRE_LOG_SEGMENT_H
#define CADRE_LOG_SEGMENT_H

#include "engine/base/bytes.h"
#include "engine/env/env.h"

#define CADRE_SEGMENT_HEADER_BYTES 128u
#define CADRE_SEGMENT_NAME_BYTES 32u

struct cadre_segment_header {
	cadre_seq first_seq;
	uint64_t salt;
	uint64_t file_bytes;
	cadre_epoch epoch;
	cadre_time_ms time_ms;
	cadre_seq commit_seq;
	struct cadre_sha256 chain;
	bool sealed;
};

/* Fills CADRE_SEGMENT_HEADER_BYTES. */
void cadre_segment_header_encode(const struct cadre_segment_header *header, uint8_t *out);
/* Errors: CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status
cadre_segment_header_scan(struct cadre_slice data,
                          struct cadre_segment_header *ret_header,
                          struct cadre_error *err);

/* "<first seq, 16 hex>.seg" to at least CADRE_SEGMENT_NAME_BYTES. */
void cadre_segment_name(cadre_seq first_seq, char *name);
/* False unless `name` is such a name. */
CADRE_MUST_CHECK bool cadre_segment_name_parse(const char *name,
                                               cadre_seq *ret_first_seq);

/* A file read in pieces of at least CADRE_WINDOW_BYTES. Ownership: fini frees the
 * memory and closes the file. */
#define CADRE_WINDOW_BYTES (1u << 20)
struct cadre_window {
	struct cadre_file *file;
	uint64_t limit;  /* bytes behind it are not read, nor kept */
	uint64_t offset; /* of data[0] */
	struct cadre_buffer buffer;
};
void cadre_window_fini(struct cadre_window *window);
/* Forgets what was read. */
void cadre_window_reset(struct cadre_window *window);
/* `length` bytes at `offset`, valid until the next call; CADRE_END when they
 * reach behind the limit or the end of the file. */
CADRE_MUST_CHECK enum cadre_status cadre_window_get(struct cadre_window *window,
                                                    uint64_t offset, size_t length,
                                                    const uint8_t **ret_data,
                                                    struct cadre_error *err);

#endif
