/* Names made by the leader: hashes of commands, etags, OCIDs. */
#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/base/checksum.h"
#include "engine/domain/domain.h"
#include "proto/codec/codec.h"

static enum cadre_status append_canonical(const Cadre__V1__Command *command,
                                          struct cadre_buffer *out,
                                          struct cadre_error *err)
{
	Cadre__V1__Command canonical = *command;

	canonical.retry_token = NULL;
	canonical.if_match = NULL;
	return cadre_pack(&canonical.base, out, err);
}

enum cadre_status cadre_command_hash(const Cadre__V1__Command *command,
                                     struct cadre_sha256 *ret_hash,
                                     struct cadre_error *err)
{
	struct cadre_buffer packed = { 0 };
	enum cadre_status status = append_canonical(command, &packed, err);

	if (status == CADRE_OK)
		*ret_hash = cadre_sha256(packed.data, packed.length);
	cadre_buffer_fini(&packed);
	return status;
}

/* Of the commands' hashes, one after the other: a batch of one command hashes
 * unlike the command. */
enum cadre_status cadre_batch_hash(const Cadre__V1__Batch *batch,
                                   struct cadre_sha256 *ret_hash, struct cadre_error *err)
{
	struct cadre_sha256_stream stream;
	enum cadre_status status = CADRE_OK;

	cadre_sha256_init(&stream);
	for (size_t i = 0; status == CADRE_OK && i < batch->n_commands; i++) {
		struct cadre_sha256 hash;
		status = cadre_command_hash(batch->commands[i], &hash, err);
		if (status == CADRE_OK)
			cadre_sha256_update(&stream, hash.bytes, sizeof hash.bytes);
	}
	struct cadre_sha256 whole = cadre_sha256_final(&stream);
	if (status == CADRE_OK)
		*ret_hash = whole;
	return status;
}

void cadre_etag(const uint8_t cluster_id[16], uint64_t resource, cadre_seq changed_seq,
                char etag[CADRE_ETAG_CHARS + 1])
{
	uint8_t bytes[32];
	struct cadre_sha256 hash;

	memcpy(bytes, cluster_id, 16);
	cadre_put_be64(bytes + 16, resource);
	cadre_put_be64(bytes + 24, changed_seq);
	hash = cadre_sha256(bytes, sizeof bytes);
	cadre_hex_encode(hash.bytes, CADRE_ETAG_CHARS / 2, etag);
}

/* Nodes and principals are named by those who register them. */
static const char *const ocid_types[] = {
	[CADRE__V1__KIND__KIND_GROUP] = "datasciencemodelgroup",
	[CADRE__V1__KIND__KIND_HISTORY] = "dscmodelgroupversionhistory",
	[CADRE__V1__KIND__KIND_DEPLOYMENT] = "datasciencemodeldeployment",
	[CADRE__V1__KIND__KIND_MODEL] = "datasciencemodel",
};

void cadre_make_ocid(Cadre__V1__Kind kind, cadre_time_ms time_ms, cadre_seq seq,
                     const uint8_t random[16], char ocid[CADRE_OCID_BYTES])
{
	uint8_t bytes[20]; /* 48 bits of time, 32 of seq, 80 random */
	char unique[33];

	CADRE_ASSERT((size_t)kind < sizeof ocid_types / sizeof ocid_types[0]);
	for (int i = 0; i < 6; i++)
		bytes[i] = (uint8_t)(time_ms >> (8 * (5 - i)));
	for (int i = 0; i < 4; i++)
		bytes[6 + i] = (uint8_t)(seq >> (8 * (3 - i)));
	memcpy(bytes + 10, random, 10);
	cadre_base32hex_encode(bytes, sizeof bytes, unique);
	snprintf(ocid, CADRE_OCID_BYTES, "ocid1.%s.oc1.cadre.%s", ocid_types[kind],
	         unique);
}
