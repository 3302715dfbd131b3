/*
 * The limits on everything that comes from outside: one table, each with its
 * reason. Sizes are bytes unless the name says otherwise; `_CHARS` counts code
 * points.
 */
#ifndef CADRE_PROTO_LIMITS_H
#define CADRE_PROTO_LIMITS_H

#include <stddef.h>
#include <stdint.h>

enum {
	/* A full member list (1,000 x ~200 bytes), metadata and tags fit twice. */
	CADRE_EVENT_BYTES_MAX = 512 * 1024,
	/* One message of the transport: a Batch of several large commands. */
	CADRE_MESSAGE_BYTES_MAX = 4 * 1024 * 1024,
	/* The OCI prediction endpoint takes bodies of this size. */
	CADRE_PREDICT_BYTES_MAX = 10 * 1024 * 1024,
	/* Bounds the time one client can hold the writer. */
	CADRE_COMMANDS_PER_MESSAGE_MAX = 256,

	/* The schema nests 5 deep; protobuf-c itself recurses without a limit. */
	CADRE_WIRE_DEPTH_MAX = 6,
	/* Fields of one message: this many, and one more for each so many bytes. Small
	 * fields amplify: an empty sub-message is 2 bytes here and 50 in memory. */
	CADRE_WIRE_FIELDS_BASE = 16,
	CADRE_WIRE_BYTES_PER_FIELD = 8,

	/* Memory of one unpacked message; honest ones need about three times their
	 * bytes. */
	CADRE_ARENA_BYTES_PER_BYTE = 8,
	CADRE_ARENA_BYTES_BASE = 64 * 1024,
	CADRE_ARENA_BYTES_MAX = 16 * 1024 * 1024,

	/* One commit: bounds the time to a group's acknowledgement and the pages one
	 * LMDB transaction dirties. One larger event may go alone. */
	CADRE_BATCH_COMMANDS_MAX = 4096,
	CADRE_BATCH_BYTES_MAX = 4 * 1024 * 1024,

	/* OCI's limits of the model-group API. */
	CADRE_CUSTOM_METADATA_BYTES_MAX = 64 * 1024,
	CADRE_TAGS_BYTES_MAX = 10 * 1024,
	CADRE_MEMBERS_MAX = 1000,
	CADRE_DEPLOYED_MEMBERS_MAX = 500,
	CADRE_INFERENCE_KEY_CHARS_MAX = 32,
	CADRE_NAME_CHARS_MAX = 255,
	CADRE_DESCRIPTION_CHARS_MAX = 400,
	CADRE_VERSION_LABEL_CHARS_MAX = 400,
	CADRE_OCID_CHARS_MAX = 255,
	CADRE_COMPARTMENT_CHARS_MAX = 255,
	CADRE_PROJECT_CHARS_MAX = 255,
	CADRE_RETRY_TOKEN_CHARS_MAX = 64,

	/* A patch: 100 x 1,000 would not fit into an event; each bound is for itself. */
	CADRE_PATCH_INSTRUCTIONS_MAX = 100,
	CADRE_PATCH_VALUES_MAX = 1000,

	/* Rows of one page of a listing: about 1 MiB of answers. */
	CADRE_PAGE_ROWS_MAX = 1000,
};

/* Memory allowed for the unpacked form of a message of `message_bytes`. */
static inline size_t cadre_arena_bytes_for(size_t message_bytes)
{
	const size_t most = CADRE_ARENA_BYTES_MAX;
	const size_t base = CADRE_ARENA_BYTES_BASE;

	if (message_bytes > (most - base) / CADRE_ARENA_BYTES_PER_BYTE)
		return most;
	return base + message_bytes * CADRE_ARENA_BYTES_PER_BYTE;
}

#endif
