#include "engine/snapshot/scan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/checksum.h"

/* Reads are short enough to stay in the processor's cache; one frame of the
 * largest kind always fits. */
#define READ_BYTES (128u << 10)
#define PACKED_BYTES (SNAPSHOT_FRAME_BYTES_MAX + READ_BYTES)

struct walk {
	const struct snapshot_scan *scan;
	const Cadre__V1__SnapshotManifest *manifest;
	struct cadre_file *file;
	ZSTD_DCtx *context;
	uint8_t *packed; /* PACKED_BYTES; [at, end) is read and not yet taken */
	size_t at;
	size_t end;
	uint64_t offset;             /* in the file, of packed[at] */
	uint8_t *raw;                /* SNAPSHOT_FRAME_RAW_MAX */
	struct cadre_slice last_key; /* in `raw`, or in `kept_key` between frames */
	struct cadre_row_key kept_key;
	struct cadre_hash128 digest;
	uint64_t rows;
};

static enum cadre_status walk_init(struct walk *walk, const struct snapshot_scan *scan,
                                   const char *path, struct cadre_error *err)
{
	*walk = (struct walk){ .scan = scan, .manifest = scan->manifest->message };
	walk->context = ZSTD_createDCtx();
	walk->packed = malloc(PACKED_BYTES);
	walk->raw = malloc(SNAPSHOT_FRAME_RAW_MAX);
	if (!walk->context || !walk->packed || !walk->raw)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory to read \"%s\"", path);
	return cadre_file_open(scan->env, path, CADRE_OPEN_READ, &walk->file, err);
}

static void walk_fini(struct walk *walk)
{
	cadre_file_close(walk->file);
	ZSTD_freeDCtx(walk->context);
	free(walk->packed);
	free(walk->raw);
}

/* Moves what is left to the front and reads behind it, up to the chunk's end. */
static enum cadre_status refill(struct walk *walk, uint64_t chunk_left,
                                struct cadre_error *err)
{
	size_t held = walk->end - walk->at;
	size_t room = PACKED_BYTES - held;
	size_t got = 0;
	uint64_t missing = chunk_left - held;
	enum cadre_status status;

	memmove(walk->packed, walk->packed + walk->at, held);
	walk->at = 0;
	walk->end = held;
	if (room > READ_BYTES)
		room = READ_BYTES;
	if (missing < room)
		room = (size_t)missing;
	status = walk->file->env->ops->pread(walk->file, walk->offset + held,
	                                     walk->packed + held, room, &got, err);
	if (status != CADRE_OK)
		return status;
	if (got == 0)
		return cadre_error_set(err, CADRE_CORRUPT, "a frame cut short");
	walk->end += got;
	return CADRE_OK;
}

static enum cadre_status next_frame(struct walk *walk, uint64_t chunk_left,
                                    struct snapshot_frame *frame, struct cadre_error *err)
{
	for (;;) {
		struct cadre_slice held = cadre_slice(walk->packed + walk->at,
		                                      walk->end - walk->at);
		enum cadre_status status = snapshot_frame_scan(held, frame, err);

		if (status != CADRE_END)
			return status;
		status = refill(walk, chunk_left, err);
		if (status != CADRE_OK)
			return status;
	}
}

static enum cadre_status take_row(struct walk *walk, const struct snapshot_row *row,
                                  struct cadre_error *err)
{
	if (cadre_slice_compare(row->key, walk->last_key) <= 0)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a row of table \"%c\" out of order",
		                       row->key.data[0]);
	walk->last_key = row->key;
	snapshot_row_count(row, &walk->digest);
	walk->rows++;
	return walk->scan->fn ? walk->scan->fn(walk->scan->ctx, row, err) : CADRE_OK;
}

/* The next frame overwrites the buffer that the last key lies in. */
static void keep_last_key(struct walk *walk)
{
	walk->kept_key.length = 0;
	cadre_row_key_bytes(&walk->kept_key, walk->last_key.data, walk->last_key.length);
	walk->last_key = cadre_row_key_slice(&walk->kept_key);
}

static enum cadre_status take_frame(struct walk *walk, const struct snapshot_frame *frame,
                                    struct cadre_error *err)
{
	struct cadre_slice rest = cadre_slice(walk->raw, frame->raw_bytes);
	struct snapshot_row row;
	enum cadre_status status = snapshot_frame_unpack(walk->context, frame, walk->raw,
	                                                 err);

	while (status == CADRE_OK) {
		status = snapshot_row_next(&rest, &row, err);
		if (status == CADRE_OK)
			status = take_row(walk, &row, err);
	}
	if (status != CADRE_END)
		return status;
	keep_last_key(walk);
	return CADRE_OK;
}

static enum cadre_status report(struct walk *walk, struct cadre_error *err)
{
	const struct snapshot_scan *scan = walk->scan;
	enum cadre_status status = CADRE_OK;

	if (scan->progress)
		status = scan->progress(scan->progress_ctx, walk->rows,
		                        walk->manifest->rows);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "stopped after %" PRIu64 " rows",
		                       walk->rows);
	return CADRE_OK;
}

static enum cadre_status check_chunk(const Cadre__V1__SnapshotChunk *chunk, uint64_t rows,
                                     struct cadre_sha256_stream *stream,
                                     struct cadre_error *err)
{
	struct cadre_sha256 hash = cadre_sha256_final(stream);

	if (memcmp(hash.bytes, chunk->sha256.data, sizeof hash.bytes) != 0)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a chunk of %" PRIu64
		                       " bytes whose SHA-256 differs",
		                       chunk->bytes);
	if (rows != chunk->rows)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "a chunk of %" PRIu64 " rows, must be %" PRIu64,
		                       rows, chunk->rows);
	return CADRE_OK;
}

static enum cadre_status take_chunk(struct walk *walk,
                                    const Cadre__V1__SnapshotChunk *chunk,
                                    struct cadre_error *err)
{
	uint64_t left = chunk->bytes;
	uint64_t rows = walk->rows;
	struct cadre_sha256_stream stream;
	enum cadre_status status = CADRE_OK;

	cadre_sha256_init(&stream);
	while (status == CADRE_OK && left > 0) {
		struct snapshot_frame frame;

		status = next_frame(walk, left, &frame, err);
		if (status != CADRE_OK)
			break;
		cadre_sha256_update(&stream, walk->packed + walk->at, frame.bytes);
		status = take_frame(walk, &frame, err);
		if (status != CADRE_OK)
			break;
		walk->at += frame.bytes;
		walk->offset += frame.bytes;
		left -= frame.bytes;
		status = report(walk, err);
	}
	if (status != CADRE_OK) {
		(void)cadre_sha256_final(&stream);
		return status;
	}
	return check_chunk(chunk, walk->rows - rows, &stream, err);
}

static enum cadre_status check_digest(const struct walk *walk, struct cadre_error *err)
{
	struct cadre_hash128 expected = walk->scan->manifest->info.head.digest;
	char is[33], must[33];

	if (cadre_hash128_equal(walk->digest, expected))
		return CADRE_OK;
	cadre_hash128_format(walk->digest, is);
	cadre_hash128_format(expected, must);
	return cadre_error_set(err, CADRE_CORRUPT, "rows of digest %s, must be %s", is,
	                       must);
}

enum cadre_status snapshot_scan_run(const struct snapshot_scan *scan,
                                    struct cadre_error *err)
{
	const Cadre__V1__SnapshotManifest *manifest = scan->manifest->message;
	char path[SNAPSHOT_PATH_BYTES];
	struct walk walk = { 0 };
	enum cadre_status status = snapshot_path(path, scan->dir, manifest->seq, "/rows",
	                                         err);

	if (status == CADRE_OK)
		status = walk_init(&walk, scan, path, err);
	for (size_t i = 0; status == CADRE_OK && i < manifest->n_chunks; i++)
		status = take_chunk(&walk, manifest->chunks[i], err);
	if (status == CADRE_OK)
		status = check_digest(&walk, err);
	if (status == CADRE_CORRUPT)
		cadre_error_prefix(err, "\"%s\" at offset %" PRIu64 ": ", path,
		                   walk.offset);
	walk_fini(&walk);
	return status;
}
