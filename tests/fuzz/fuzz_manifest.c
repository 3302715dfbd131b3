/*
 * A snapshot's manifest, as it is and with its checksum made right. What passes
 * has all its fields, and packs again into the same.
 */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/snapshot/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(struct cadre_slice bytes)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	Cadre__V1__SnapshotManifest *manifest = NULL;
	struct cadre_arena arena;
	enum cadre_status status;

	cadre_arena_init(&arena, cadre_arena_bytes_for(bytes.length));
	status = snapshot_manifest_parse(bytes, &arena, &manifest, &err);
	if (status == CADRE_OK) {
		uint64_t rows = 0;
		for (size_t i = 0; i < manifest->n_chunks; i++)
			rows += manifest->chunks[i]->rows;
		CADRE_ASSERT(rows == manifest->rows);
		CADRE_ASSERT(manifest->chain.len == 32 && manifest->digest.len == 16);
	} else {
		CADRE_ASSERT(err.message[0]);
		CADRE_ASSERT(status == CADRE_CORRUPT || status == CADRE_INCORRECT_STATE);
	}
	cadre_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 4);

	CADRE_ASSERT(copy);
	parse(cadre_slice(data, size));
	memcpy(copy, data, size);
	cadre_put_le32(copy + size, cadre_crc32c(0, data, size));
	parse(cadre_slice(copy, size + 4));
	free(copy);
	return 0;
}
