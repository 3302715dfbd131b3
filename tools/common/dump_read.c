#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/codec/limits.h"
#include "tools/common/dump_format.h"

/* One read from the source. */
#define CHUNK_BYTES (256u << 10)

struct cadre_slice cadre_dump_rest(const struct cadre_dump_reader *reader)
{
	return cadre_slice(reader->window.data + reader->at,
	                   reader->window.length - reader->at);
}

enum cadre_status cadre_dump_fill(struct cadre_dump_reader *reader, size_t length,
                                  struct cadre_error *err)
{
	struct cadre_buffer *window = &reader->window;

	if (reader->at > 0 && window->length - reader->at < length) {
		memmove(window->data, window->data + reader->at,
		        window->length - reader->at);
		window->length -= reader->at;
		reader->at = 0;
	}
	while (!reader->ended && window->length - reader->at < length) {
		size_t got = 0;
		enum cadre_status status;

		if (cadre_buffer_reserve(window, CHUNK_BYTES) != CADRE_OK)
			return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
			                       "dump: out of memory");
		status = reader->read(reader->ctx, window->data + window->length,
		                      CHUNK_BYTES, &got, err);
		if (status != CADRE_OK)
			return status;
		window->length += got;
		reader->ended = got == 0;
	}
	return CADRE_OK;
}

void cadre_dump_consume(struct cadre_dump_reader *reader, size_t length)
{
	cadre_sha256_update(&reader->sha256, reader->window.data + reader->at, length);
	reader->at += length;
	reader->offset += length;
}

enum cadre_status cadre_dump_fail(const struct cadre_dump_reader *reader,
                                  struct cadre_error *err, const char *format, ...)
{
	char message[320];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (reader->format == CADRE_DUMP_JSON)
		return cadre_error_set(err, CADRE_CORRUPT, "dump, line %" PRIu64 ": %s",
		                       reader->line + 1, message);
	return cadre_error_set(err, CADRE_CORRUPT, "dump, byte %" PRIu64 ": %s",
	                       reader->offset, message);
}

enum cadre_status cadre_dump_accept(struct cadre_dump_reader *reader,
                                    const struct cadre_batch *batch,
                                    struct cadre_error *err)
{
	struct cadre_dump_trailer *counted = &reader->trailer;
	enum cadre_status status;

	if (batch->header.first_seq != counted->last_seq + 1)
		return cadre_dump_fail(
		        reader, err, "batch starts at seq %" PRIu64 ", expected %" PRIu64,
		        batch->header.first_seq, counted->last_seq + 1);
	if (!(reader->flags & CADRE_DUMP_ANY_CHAIN)) {
		status = cadre_batch_check_chain(batch, &counted->chain, NULL);
		if (status != CADRE_OK)
			return cadre_error_set(
			        err, CADRE_DIVERGED,
			        "dump: the chain does not follow at seq %" PRIu64,
			        batch->header.first_seq);
	}
	counted->batches++;
	counted->events += batch->header.count;
	counted->last_seq = cadre_batch_last_seq(&batch->header);
	counted->chain = batch->header.chain;
	return CADRE_OK;
}

enum cadre_status cadre_dump_finish(struct cadre_dump_reader *reader,
                                    const struct cadre_dump_trailer *sums,
                                    struct cadre_error *err)
{
	struct cadre_dump_trailer *counted = &reader->trailer;

	if (sums->batches != counted->batches || sums->events != counted->events ||
	    sums->last_seq != counted->last_seq)
		return cadre_dump_fail(reader, err,
		                       "the end counts %" PRIu64 " events to seq %" PRIu64
		                       ", read were %" PRIu64 " to seq %" PRIu64,
		                       sums->events, sums->last_seq, counted->events,
		                       counted->last_seq);
	if (!(reader->flags & CADRE_DUMP_ANY_CHAIN) &&
	    memcmp(sums->chain.bytes, counted->chain.bytes, 32) != 0)
		return cadre_dump_fail(reader, err, "the end names another chain");
	counted->has_digest = sums->has_digest;
	counted->digest = sums->digest;
	return CADRE_OK;
}

static enum cadre_status read_header(struct cadre_dump_reader *reader,
                                     struct cadre_error *err)
{
	enum cadre_status status = cadre_dump_fill(reader, 1, err);

	if (status != CADRE_OK)
		return status;
	if (cadre_dump_rest(reader).length == 0)
		return cadre_error_set(err, CADRE_CORRUPT, "dump: empty");
	if (cadre_dump_rest(reader).data[0] == (uint8_t)CADRE_DUMP_MAGIC[0])
		reader->format = CADRE_DUMP_BINARY;
	status = reader->format == CADRE_DUMP_JSON
	                 ? cadre_dump_json_header(reader, err)
	                 : cadre_dump_binary_header(reader, err);
	if (status != CADRE_OK)
		return status;
	if (reader->header.from_seq == 0)
		return cadre_dump_fail(reader, err, "starts at seq 0");
	reader->trailer.last_seq = reader->header.from_seq - 1;
	reader->trailer.chain = reader->header.chain_before;
	return CADRE_OK;
}

enum cadre_status cadre_dump_reader_open(cadre_dump_read_fn read, void *ctx,
                                         unsigned flags,
                                         struct cadre_dump_reader **ret_reader,
                                         struct cadre_error *err)
{
	struct cadre_dump_reader *reader = calloc(1, sizeof(*reader));
	enum cadre_status status;

	if (!reader)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "dump: out of memory");
	reader->read = read;
	reader->ctx = ctx;
	reader->flags = flags;
	cadre_sha256_init(&reader->sha256);
	cadre_arena_init(&reader->arena, CADRE_ARENA_BYTES_MAX);
	status = read_header(reader, err);
	if (status != CADRE_OK) {
		cadre_dump_reader_close(reader);
		return status;
	}
	*ret_reader = reader;
	return CADRE_OK;
}

const struct cadre_dump_header *
cadre_dump_reader_header(const struct cadre_dump_reader *reader)
{
	return &reader->header;
}

const struct cadre_dump_trailer *
cadre_dump_reader_trailer(const struct cadre_dump_reader *reader)
{
	return &reader->trailer;
}

uint64_t cadre_dump_reader_bytes(const struct cadre_dump_reader *reader)
{
	return reader->offset;
}

enum cadre_status cadre_dump_reader_next(struct cadre_dump_reader *reader,
                                         struct cadre_batch *ret_batch,
                                         struct cadre_error *err)
{
	if (reader->format == CADRE_DUMP_JSON)
		return cadre_dump_json_next(reader, ret_batch, err);
	return cadre_dump_binary_next(reader, ret_batch, err);
}

void cadre_dump_reader_close(struct cadre_dump_reader *reader)
{
	if (!reader)
		return;
	cadre_buffer_fini(&reader->window);
	cadre_buffer_fini(&reader->batch);
	cadre_buffer_fini(&reader->packed);
	cadre_arena_fini(&reader->arena);
	free(reader);
}
