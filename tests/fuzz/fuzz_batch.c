/* Batches as they come from disk and from peers: scan, walk, check the chain. */
#include "engine/base/assert.h"
#include "engine/log/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_slice rest = cadre_slice(data, size);
	struct cadre_sha256 chain = { { 0 } };
	struct cadre_batch batch;

	while (cadre_batch_scan(rest, &batch, NULL) == CADRE_OK) {
		struct cadre_record record = { 0 };
		size_t offset = 0;
		uint32_t count = 0;
		while (cadre_batch_next_record(&batch, &offset, &record) == CADRE_OK)
			count++;
		CADRE_ASSERT(count == batch.header.count);
		CADRE_ASSERT(record.seq == cadre_batch_last_seq(&batch.header));
		if (cadre_batch_check_chain(&batch, &chain, NULL) == CADRE_OK)
			chain = batch.header.chain;
		rest.data += batch.bytes.length;
		rest.length -= batch.bytes.length;
	}
	return 0;
}
