/*
 * Dumps: a range of the log as a stream, in JSON Lines or binary. docs/format/dump.md
 * has both forms.
 *
 * Writer: init, begin (header), batch…, end (trailer), fini. Reader: open (reads the
 * header), next until CADRE_END, which comes only after the trailer was read, agreed
 * with everything before it, and was the end of the bytes; close.
 * Both need memory for one batch, whatever the length of the dump.
 *
 * The trailer ends in the SHA-256 of all bytes before it, so that any changed byte
 * is found; the reader hands out batches before it knows that, and the caller keeps
 * nothing of a dump that did not end with CADRE_END.
 */
#ifndef CADRE_TOOLS_DUMP_H
#define CADRE_TOOLS_DUMP_H

#include "engine/base/checksum.h"
#include "engine/log/batch.h"
#include "proto/codec/arena.h"
#include "tools/common/json_write.h"

enum cadre_dump_format { CADRE_DUMP_JSON, CADRE_DUMP_BINARY };

/* A name is at most 255 code points of 4 bytes. */
#define CADRE_DUMP_NAME_BYTES 1021u

struct cadre_dump_header {
	char cluster[CADRE_DUMP_NAME_BYTES];
	uint8_t cluster_id[16];
	uint8_t timeline_id[16];
	cadre_seq from_seq;               /* first seq of the first batch */
	struct cadre_sha256 chain_before; /* zeros for from_seq 1 */
};

struct cadre_dump_trailer {
	uint64_t batches;
	uint64_t events;
	cadre_seq last_seq;        /* from_seq - 1 when empty */
	struct cadre_sha256 chain; /* after last_seq */
	bool has_digest;           /* of the state after last_seq, when it was known */
	struct cadre_hash128 digest;
};

typedef enum cadre_status (*cadre_dump_write_fn)(void *ctx, struct cadre_slice bytes,
                                                 struct cadre_error *err);
/* Fills at most `capacity` bytes; `*ret_length` 0 means the end. */
typedef enum cadre_status (*cadre_dump_read_fn)(void *ctx, void *data, size_t capacity,
                                                size_t *ret_length,
                                                struct cadre_error *err);

/* Fields are private. */
struct cadre_dump_writer {
	enum cadre_dump_format format;
	cadre_dump_write_fn write;
	void *ctx;
	struct cadre_sha256_stream sha256;
	struct cadre_arena arena;
	struct cadre_json json;
	struct cadre_buffer packed;
	struct cadre_dump_trailer trailer;
	uint64_t bytes; /* written */
};

void cadre_dump_writer_init(struct cadre_dump_writer *writer,
                            enum cadre_dump_format format, cadre_dump_write_fn write,
                            void *ctx);
CADRE_MUST_CHECK enum cadre_status
cadre_dump_writer_begin(struct cadre_dump_writer *writer,
                        const struct cadre_dump_header *header, struct cadre_error *err);
/* `batch` was scanned and follows the one before. */
CADRE_MUST_CHECK enum cadre_status
cadre_dump_writer_batch(struct cadre_dump_writer *writer, const struct cadre_batch *batch,
                        struct cadre_error *err);
/* `digest` may be NULL. The sums stay readable in writer->trailer. */
CADRE_MUST_CHECK enum cadre_status
cadre_dump_writer_end(struct cadre_dump_writer *writer,
                      const struct cadre_hash128 *digest, struct cadre_error *err);
void cadre_dump_writer_fini(struct cadre_dump_writer *writer);

struct cadre_dump_reader;

enum cadre_dump_reader_flags {
	/* A batch whose chain does not follow is handed out all the same: for a new
	 * timeline, which chains anew. */
	CADRE_DUMP_ANY_CHAIN = 1
};

/* Tells the format by the first byte and reads the header.
 * Errors: CADRE_CORRUPT (not a dump, or a damaged one; the message says where),
 * CADRE_INVALID_PARAMETER (of another format version), what `read` returns. */
CADRE_MUST_CHECK enum cadre_status
cadre_dump_reader_open(cadre_dump_read_fn read, void *ctx, unsigned flags,
                       struct cadre_dump_reader **ret_reader, struct cadre_error *err);
const struct cadre_dump_header *
cadre_dump_reader_header(const struct cadre_dump_reader *reader);
/* The next batch, scanned; it lives until the next call.
 * Errors: CADRE_END (all read, trailer sound), CADRE_DIVERGED (the chain does not
 * follow), CADRE_CORRUPT, what `read` returns. After an error only close. */
CADRE_MUST_CHECK enum cadre_status
cadre_dump_reader_next(struct cadre_dump_reader *reader, struct cadre_batch *ret_batch,
                       struct cadre_error *err);
/* Valid after CADRE_END. */
const struct cadre_dump_trailer *
cadre_dump_reader_trailer(const struct cadre_dump_reader *reader);
uint64_t cadre_dump_reader_bytes(const struct cadre_dump_reader *reader); /* consumed */
void cadre_dump_reader_close(struct cadre_dump_reader *reader);           /* takes NULL */

#endif
