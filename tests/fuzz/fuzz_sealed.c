/* A sealed segment of any bytes: footer, seek table, packed blocks. */
#include "engine/base/assert.h"
#include "engine/env/sim.h"
#include "engine/log/sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What unpacks is made of sound batches. */
static void unpack(const uint8_t *data, size_t size)
{
	struct cadre_buffer out = { 0 };
	struct cadre_sha256 before;
	struct cadre_sha256 after;

	if (cadre_sealed_unpack(cadre_slice(data, size), 5, &out, &before, &after,
	                        NULL) == CADRE_OK) {
		struct cadre_slice rest = cadre_buffer_slice(&out);
		struct cadre_batch batch;
		while (rest.length > 0) {
			CADRE_ASSERT(cadre_batch_scan(rest, &batch, NULL) == CADRE_OK);
			rest.data += batch.bytes.length;
			rest.length -= batch.bytes.length;
		}
	}
	cadre_buffer_fini(&out);
}

static void read_blocks(struct cadre_env *env, const uint8_t *data, size_t size)
{
	struct cadre_sealed sealed;
	struct cadre_file *file;
	struct cadre_buffer out = { 0 };
	uint64_t offset;

	CADRE_ASSERT(cadre_file_open(env, "/f", CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
	                             &file, NULL) == CADRE_OK);
	CADRE_ASSERT(env->ops->pwrite(file, 0, data, size, NULL) == CADRE_OK);
	if (cadre_sealed_open(&sealed, file, size, &offset, NULL) == CADRE_OK) {
		for (uint32_t i = 0; i < sealed.footer.blocks; i++) {
			struct cadre_sha256 before;
			struct cadre_sha256 after;
			if (cadre_sealed_read(&sealed, i, &out, &before, &after, NULL) !=
			    CADRE_OK)
				break;
		}
	}
	cadre_buffer_fini(&out);
	cadre_sealed_fini(&sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_segment_header header;
	struct cadre_env_sim *sim = cadre_env_sim_create(1);

	CADRE_ASSERT(sim);
	if (cadre_segment_header_scan(cadre_slice(data, size), &header, NULL) == CADRE_OK)
		CADRE_ASSERT(header.first_seq > 0);
	unpack(data, size);
	read_blocks(cadre_env_sim_env(sim), data, size);
	cadre_env_sim_destroy(sim);
	return 0;
}
