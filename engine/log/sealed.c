#include "engine/log/sealed.h"

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/log/frame.h"

#include <zstd.h>

enum {
	AT_MAGIC = 0,
	AT_CRC = 4,
	AT_VERSION = 8,
	AT_BLOCKS = 12,
	AT_SEEK_OFFSET = 16,
	AT_SEEK_CRC = 24,
	AT_BATCHES = 28,
	AT_FIRST_SEQ = 32,
	AT_LAST_SEQ = 40,
	AT_EPOCH = 48,
	AT_TIME = 56,
	AT_COMMIT = 64,
	AT_BATCH_BYTES = 72,
	AT_RECORDS = 80,
	AT_ZERO = 88,
	AT_CHAIN = 96,
	AT_HASH = 128
};
#define MAGIC 0x52544643u /* "CFTR" */
_Static_assert(AT_HASH + 32 == CADRE_SEALED_FOOTER_BYTES, "the hash ends the footer");

void cadre_sealed_footer_encode(const struct cadre_sealed_footer *footer, uint8_t *out)
{
	memset(out, 0, CADRE_SEALED_FOOTER_BYTES);
	cadre_put_le32(out + AT_MAGIC, MAGIC);
	cadre_put_le32(out + AT_BLOCKS, footer->blocks);
	cadre_put_le64(out + AT_SEEK_OFFSET, footer->seek_offset);
	cadre_put_le32(out + AT_SEEK_CRC, footer->seek_crc);
	cadre_put_le32(out + AT_BATCHES, footer->batches);
	cadre_put_le64(out + AT_FIRST_SEQ, footer->first_seq);
	cadre_put_le64(out + AT_LAST_SEQ, footer->last_seq);
	cadre_put_le64(out + AT_EPOCH, footer->epoch);
	cadre_put_le64(out + AT_TIME, footer->time_ms);
	cadre_put_le64(out + AT_COMMIT, footer->commit_seq);
	cadre_put_le64(out + AT_BATCH_BYTES, footer->batch_bytes);
	cadre_put_le64(out + AT_RECORDS, footer->records);
	memcpy(out + AT_CHAIN, footer->chain.bytes, sizeof footer->chain.bytes);
	memcpy(out + AT_HASH, footer->hash.bytes, sizeof footer->hash.bytes);
	cadre_put_le32(out + AT_CRC,
	               cadre_crc32c(0, out + AT_VERSION,
	                            CADRE_SEALED_FOOTER_BYTES - AT_VERSION));
}

enum cadre_status cadre_sealed_footer_scan(struct cadre_slice data, uint64_t file_bytes,
                                           struct cadre_sealed_footer *ret_footer,
                                           struct cadre_error *err)
{
	const uint8_t *at = data.data;
	struct cadre_sealed_footer footer;

	if (data.length < CADRE_SEALED_FOOTER_BYTES ||
	    file_bytes < CADRE_SEGMENT_HEADER_BYTES + CADRE_SEALED_FOOTER_BYTES)
		return cadre_error_set(err, CADRE_CORRUPT, "file shorter than a footer");
	if (cadre_get_le32(at + AT_MAGIC) != MAGIC ||
	    cadre_get_le32(at + AT_CRC) !=
	            cadre_crc32c(0, at + AT_VERSION,
	                         CADRE_SEALED_FOOTER_BYTES - AT_VERSION))
		return cadre_error_set(err, CADRE_CORRUPT, "footer checksum mismatch");
	footer.blocks = cadre_get_le32(at + AT_BLOCKS);
	footer.seek_offset = cadre_get_le64(at + AT_SEEK_OFFSET);
	footer.seek_crc = cadre_get_le32(at + AT_SEEK_CRC);
	footer.batches = cadre_get_le32(at + AT_BATCHES);
	footer.first_seq = cadre_get_le64(at + AT_FIRST_SEQ);
	footer.last_seq = cadre_get_le64(at + AT_LAST_SEQ);
	footer.epoch = cadre_get_le64(at + AT_EPOCH);
	footer.time_ms = cadre_get_le64(at + AT_TIME);
	footer.commit_seq = cadre_get_le64(at + AT_COMMIT);
	footer.batch_bytes = cadre_get_le64(at + AT_BATCH_BYTES);
	footer.records = cadre_get_le64(at + AT_RECORDS);
	memcpy(footer.chain.bytes, at + AT_CHAIN, sizeof footer.chain.bytes);
	memcpy(footer.hash.bytes, at + AT_HASH, sizeof footer.hash.bytes);
	if (cadre_get_le32(at + AT_VERSION) != 0 || cadre_get_le64(at + AT_ZERO) != 0 ||
	    footer.first_seq == 0 || footer.last_seq < footer.first_seq ||
	    footer.records - 1 != footer.last_seq - footer.first_seq ||
	    footer.blocks == 0 || footer.blocks > CADRE_SEALED_BLOCKS_MAX ||
	    footer.seek_offset > file_bytes ||
	    file_bytes - footer.seek_offset !=
	            (uint64_t)footer.blocks * CADRE_SEALED_ENTRY_BYTES +
	                    CADRE_SEALED_FOOTER_BYTES)
		return cadre_error_set(err, CADRE_CORRUPT, "footer fields out of range");
	*ret_footer = footer;
	return CADRE_OK;
}

void cadre_sealed_entry_encode(const struct cadre_sealed_entry *entry, uint8_t *out)
{
	cadre_put_le64(out, entry->offset);
	cadre_put_le32(out + 8, entry->compressed_bytes);
	cadre_put_le32(out + 12, entry->packed_bytes);
	cadre_put_le64(out + 16, entry->first_seq);
	cadre_put_le32(out + 24, entry->batch_bytes);
	cadre_put_le32(out + 28, entry->crc);
}

struct cadre_sealed_entry cadre_sealed_entry_decode(const uint8_t *data)
{
	struct cadre_sealed_entry entry = {
		.offset = cadre_get_le64(data),
		.compressed_bytes = cadre_get_le32(data + 8),
		.packed_bytes = cadre_get_le32(data + 12),
		.first_seq = cadre_get_le64(data + 16),
		.batch_bytes = cadre_get_le32(data + 24),
		.crc = cadre_get_le32(data + 28),
	};

	return entry;
}

enum cadre_status cadre_sealed_table_check(struct cadre_slice table,
                                           const struct cadre_sealed_footer *footer,
                                           struct cadre_error *err)
{
	uint64_t offset = CADRE_SEGMENT_HEADER_BYTES;
	uint64_t batch_bytes = 0;
	cadre_seq seq_min = footer->first_seq;

	if (table.length != (uint64_t)footer->blocks * CADRE_SEALED_ENTRY_BYTES ||
	    cadre_crc32c(0, table.data, table.length) != footer->seek_crc)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "seek table checksum mismatch");
	for (uint32_t i = 0; i < footer->blocks; i++) {
		struct cadre_sealed_entry entry = cadre_sealed_entry_decode(
		        table.data + (size_t)i * CADRE_SEALED_ENTRY_BYTES);
		if (entry.offset != offset || entry.compressed_bytes == 0 ||
		    entry.compressed_bytes >
		            ZSTD_COMPRESSBOUND(CADRE_SEALED_PACKED_BYTES_MAX) ||
		    entry.packed_bytes > CADRE_SEALED_PACKED_BYTES_MAX ||
		    entry.batch_bytes > CADRE_SEALED_BATCH_BYTES_MAX ||
		    entry.first_seq < seq_min || entry.first_seq > footer->last_seq ||
		    (i == 0 && entry.first_seq != footer->first_seq))
			return cadre_error_set(err, CADRE_CORRUPT,
			                       "seek table entry %u out of range", i);
		offset += entry.compressed_bytes;
		batch_bytes += entry.batch_bytes;
		seq_min = entry.first_seq + 1;
	}
	if (offset != footer->seek_offset || batch_bytes != footer->batch_bytes)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "seek table does not cover the file");
	return CADRE_OK;
}

void cadre_sealed_fini(struct cadre_sealed *sealed)
{
	cadre_file_close(sealed->file);
	cadre_buffer_fini(&sealed->table);
	cadre_buffer_fini(&sealed->compressed);
	cadre_buffer_fini(&sealed->packed);
	ZSTD_freeDCtx(sealed->context);
	memset(sealed, 0, sizeof *sealed);
}

static enum cadre_status read_into(struct cadre_file *file, struct cadre_buffer *buffer,
                                   uint64_t offset, size_t length,
                                   struct cadre_error *err)
{
	enum cadre_status status;

	cadre_buffer_clear(buffer);
	status = cadre_buffer_reserve(buffer, length);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "reading %zu bytes", length);
	status = cadre_file_read_exact(file, offset, buffer->data, length, err);
	if (status == CADRE_OK)
		buffer->length = length;
	return status == CADRE_END ? CADRE_CORRUPT : status;
}

enum cadre_status cadre_sealed_open(struct cadre_sealed *sealed, struct cadre_file *file,
                                    uint64_t file_bytes, uint64_t *ret_offset,
                                    struct cadre_error *err)
{
	uint8_t data[CADRE_SEALED_FOOTER_BYTES];
	uint64_t length;
	enum cadre_status status;

	memset(sealed, 0, sizeof *sealed);
	sealed->file = file;
	*ret_offset = 0;
	if (file_bytes < CADRE_SEGMENT_HEADER_BYTES + CADRE_SEALED_FOOTER_BYTES)
		return cadre_error_set(err, CADRE_CORRUPT, "file shorter than a footer");
	*ret_offset = file_bytes - sizeof data;
	status = cadre_file_read_exact(file, *ret_offset, data, sizeof data, err);
	if (status != CADRE_OK)
		return status == CADRE_END ? CADRE_CORRUPT : status;
	status = cadre_sealed_footer_scan(cadre_slice(data, sizeof data), file_bytes,
	                                  &sealed->footer, err);
	if (status != CADRE_OK)
		return status;
	length = (uint64_t)sealed->footer.blocks * CADRE_SEALED_ENTRY_BYTES;
	*ret_offset = sealed->footer.seek_offset;
	status = read_into(file, &sealed->table, *ret_offset, (size_t)length, err);
	if (status == CADRE_OK)
		status = cadre_sealed_table_check(cadre_buffer_slice(&sealed->table),
		                                  &sealed->footer, err);
	return status;
}

struct cadre_sealed_entry cadre_sealed_entry_at(const struct cadre_sealed *sealed,
                                                uint32_t index)
{
	CADRE_ASSERT(index < sealed->footer.blocks);
	return cadre_sealed_entry_decode(sealed->table.data +
	                                 (size_t)index * CADRE_SEALED_ENTRY_BYTES);
}

uint32_t cadre_sealed_find(const struct cadre_sealed *sealed, cadre_seq seq)
{
	uint32_t low = 0;
	uint32_t high = sealed->footer.blocks;

	while (low + 1 < high) {
		uint32_t middle = low + (high - low) / 2;
		if (cadre_sealed_entry_at(sealed, middle).first_seq <= seq)
			low = middle;
		else
			high = middle;
	}
	return low;
}

cadre_seq cadre_sealed_block_last(const struct cadre_sealed *sealed, uint32_t index)
{
	if (index + 1 < sealed->footer.blocks)
		return cadre_sealed_entry_at(sealed, index + 1).first_seq - 1;
	return sealed->footer.last_seq;
}

static enum cadre_status decompress(struct cadre_sealed *sealed,
                                    const struct cadre_sealed_entry *entry,
                                    struct cadre_error *err)
{
	struct cadre_buffer *from = &sealed->compressed;
	size_t got;
	enum cadre_status status;

	if (cadre_crc32c(0, from->data, from->length) != entry->crc)
		return cadre_error_set(err, CADRE_CORRUPT, "block checksum mismatch");
	if (ZSTD_getFrameContentSize(from->data, from->length) != entry->packed_bytes)
		return cadre_error_set(err, CADRE_CORRUPT, "block of another size");
	if (!sealed->context)
		sealed->context = ZSTD_createDCtx();
	cadre_buffer_clear(&sealed->packed);
	status = cadre_buffer_reserve(&sealed->packed, entry->packed_bytes);
	if (!sealed->context || status != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "unpacking a block");
	got = ZSTD_decompressDCtx(sealed->context, sealed->packed.data,
	                          entry->packed_bytes, from->data, from->length);
	if (got != entry->packed_bytes)
		return cadre_error_set(err, CADRE_CORRUPT, "block does not decompress");
	sealed->packed.length = got;
	return CADRE_OK;
}

enum cadre_status cadre_sealed_read(struct cadre_sealed *sealed, uint32_t index,
                                    struct cadre_buffer *out,
                                    struct cadre_sha256 *ret_before,
                                    struct cadre_sha256 *ret_after,
                                    struct cadre_error *err)
{
	struct cadre_sealed_entry entry = cadre_sealed_entry_at(sealed, index);
	bool last = index + 1 == sealed->footer.blocks;
	enum cadre_status status = read_into(sealed->file, &sealed->compressed,
	                                     entry.offset, entry.compressed_bytes, err);

	cadre_buffer_clear(out);
	if (status == CADRE_OK)
		status = decompress(sealed, &entry, err);
	if (status == CADRE_OK)
		status = cadre_sealed_unpack(cadre_buffer_slice(&sealed->packed),
		                             entry.first_seq, out, ret_before, ret_after,
		                             err);
	if (status != CADRE_OK)
		return status;
	if (out->length != entry.batch_bytes)
		return cadre_error_set(err, CADRE_CORRUPT, "block of other batches");
	if (last && memcmp(ret_after->bytes, sealed->footer.chain.bytes,
	                   sizeof ret_after->bytes) != 0)
		return cadre_error_set(
		        err, CADRE_CORRUPT,
		        "the footer's chain does not follow from the batches");
	return CADRE_OK;
}
