/* What writer and reader of the dump's two forms share. */
#ifndef CADRE_TOOLS_DUMP_FORMAT_H
#define CADRE_TOOLS_DUMP_FORMAT_H

#include "tools/common/dump.h"

#define CADRE_DUMP_VERSION 0u

/* JSON. The widest line is an event whose payload stands in hex, or whose text is
 * all escapes of six characters a byte. */
#define CADRE_DUMP_LINE_BYTES_MAX (8u << 20)
#define CADRE_DUMP_END_PREFIX "{\"end\":"
#define CADRE_DUMP_SHA256_KEY ",\"sha256\":\""

/* Binary: magic, u32 version, u64 from seq, cluster id, timeline id, chain, u32 bytes
 * of the name; the name; u32 crc32c of all that. */
#define CADRE_DUMP_MAGIC \
	"\xC4"           \
	"ADREDMP"
#define CADRE_DUMP_MAGIC_BYTES 8u
#define CADRE_DUMP_HEADER_BYTES (CADRE_DUMP_MAGIC_BYTES + 4u + 8u + 16u + 16u + 32u + 4u)
/* A batch: u32 bytes, u32 crc32c of that number, the bytes. */
#define CADRE_DUMP_FRAME_BYTES 8u
/* The end: u32 0, u32 crc32c of it; u64 batches, u64 events, u64 last seq, chain, u8
 * has digest, digest; SHA-256 of all before. */
#define CADRE_DUMP_SUMS_BYTES (8u + 8u + 8u + 32u + 1u + 16u)

/* The window of a reader over its bytes. */
struct cadre_dump_reader {
	cadre_dump_read_fn read;
	void *ctx;
	unsigned flags;
	enum cadre_dump_format format;
	struct cadre_buffer window;
	size_t at; /* consumed of the window */
	bool ended;
	uint64_t offset;                   /* consumed of all bytes */
	uint64_t line;                     /* JSON: lines consumed */
	struct cadre_sha256_stream sha256; /* of what was consumed */
	struct cadre_dump_header header;
	struct cadre_dump_trailer trailer; /* counted while reading */
	struct cadre_arena arena;
	struct cadre_buffer batch; /* JSON: being rebuilt */
	struct cadre_buffer packed;
};

/* At least `length` bytes from `at` on, or fewer at the end of the bytes. */
CADRE_MUST_CHECK enum cadre_status
cadre_dump_fill(struct cadre_dump_reader *reader, size_t length, struct cadre_error *err);
/* Goes over `length` bytes of the window, into the hash. */
void cadre_dump_consume(struct cadre_dump_reader *reader, size_t length);
/* The bytes from `at` on. */
struct cadre_slice cadre_dump_rest(const struct cadre_dump_reader *reader);
/* CADRE_CORRUPT, prefixed with the line or offset. */
enum cadre_status cadre_dump_fail(const struct cadre_dump_reader *reader,
                                  struct cadre_error *err, const char *format, ...)
        CADRE_PRINTF(3, 4);
/* Checks what every batch must satisfy and counts it. */
CADRE_MUST_CHECK enum cadre_status cadre_dump_accept(struct cadre_dump_reader *reader,
                                                     const struct cadre_batch *batch,
                                                     struct cadre_error *err);
/* Compares sums as read with the counted ones and takes the digest over. */
CADRE_MUST_CHECK enum cadre_status
cadre_dump_finish(struct cadre_dump_reader *reader, const struct cadre_dump_trailer *sums,
                  struct cadre_error *err);

CADRE_MUST_CHECK enum cadre_status
cadre_dump_json_header(struct cadre_dump_reader *reader, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_dump_json_next(struct cadre_dump_reader *reader,
                                                        struct cadre_batch *ret_batch,
                                                        struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_dump_binary_header(struct cadre_dump_reader *reader, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_dump_binary_next(struct cadre_dump_reader *reader, struct cadre_batch *ret_batch,
                       struct cadre_error *err);

/* The digest as 16 bytes, high half first. */
void cadre_dump_put_digest(uint8_t bytes[16], struct cadre_hash128 digest);
struct cadre_hash128 cadre_dump_get_digest(const uint8_t bytes[16]);

#endif
