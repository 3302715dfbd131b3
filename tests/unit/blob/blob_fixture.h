/* A blob store on a simulated disk, and contents to put into it. */
#ifndef TESTS_UNIT_BLOB_BLOB_FIXTURE_H
#define TESTS_UNIT_BLOB_BLOB_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"
#include "engine/blob/blob.h"
#include "engine/env/sim.h"
#include "tests/support/testing.h"

#define DIR "/data"
#define PIECE ((size_t)1 << 20)

static const struct cadre_blob_upload upload_a = { .owner = "ann", .id = "upload-a" };
static const struct cadre_blob_upload upload_b = { .owner = "ben", .id = "upload-a" };

struct content {
	uint8_t *data;
	size_t length;
	struct cadre_sha256 sha256;
};

static inline struct content content_make(size_t length, uint64_t seed)
{
	struct test_random random = { seed };
	struct content content = { .data = malloc(length + 8), .length = length };

	assert_non_null(content.data);
	for (size_t at = 0; at < length; at += 8) {
		uint64_t bits = test_random_next(&random);
		memcpy(content.data + at, &bits, 8);
	}
	content.sha256 = cadre_sha256(content.data, length);
	return content;
}

/* With the directory, durable. */
static inline struct cadre_env_sim *sim_make(uint64_t seed)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env_sim *sim = cadre_env_sim_create(seed);
	struct cadre_env *env = cadre_env_sim_env(sim);

	assert_non_null(sim);
	assert_ok(env->ops->mkdir(env, DIR, &err));
	assert_ok(env->ops->sync_dir(env, "/", &err));
	return sim;
}

static inline struct cadre_blobs *blobs_open(struct cadre_env_sim *sim)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_blobs *blobs = NULL;

	assert_ok(cadre_blobs_open(cadre_env_sim_env(sim), DIR, NULL, &blobs, &err));
	return blobs;
}

/* From where the store says, up to `until`. */
static inline enum cadre_status send_until(struct cadre_blobs *blobs,
                                           const struct cadre_blob_upload *upload,
                                           const struct content *content, size_t until,
                                           struct cadre_error *err)
{
	struct cadre_blob_state state;
	enum cadre_status status = cadre_blob_begin(blobs, upload, content->length, NULL,
	                                            &state, err);

	while (status == CADRE_OK && !state.durable && state.next_offset < until) {
		size_t at = (size_t)state.next_offset;
		size_t length = until - at < PIECE ? until - at : PIECE;

		status = cadre_blob_append(blobs, upload, at,
		                           cadre_slice(content->data + at, length),
		                           &state, err);
	}
	return status;
}

static inline enum cadre_status finish_all(struct cadre_blobs *blobs,
                                           const struct cadre_blob_upload *upload,
                                           const struct content *content,
                                           struct cadre_error *err)
{
	struct cadre_blob_state state = { .durable = false };
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK && !state.durable)
		status = cadre_blob_finish(blobs, upload, &content->sha256, &state, err);
	return status;
}

static inline enum cadre_status put(struct cadre_blobs *blobs,
                                    const struct cadre_blob_upload *upload,
                                    const struct content *content,
                                    struct cadre_error *err)
{
	enum cadre_status status = send_until(blobs, upload, content, content->length,
	                                      err);

	return status == CADRE_OK ? finish_all(blobs, upload, content, err) : status;
}

/* It is there, and what its name says. */
static inline void assert_stored(struct cadre_env_sim *sim, struct cadre_blobs *blobs,
                                 const struct content *content)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	uint64_t bytes = 0;

	assert_ok(cadre_blob_stat(blobs, &content->sha256, &bytes, &err));
	assert_int_equal(bytes, content->length);
	assert_ok(cadre_blob_verify(cadre_env_sim_env(sim), DIR, &content->sha256, NULL,
	                            NULL, &err));
}

static inline void assert_absent(struct cadre_blobs *blobs, const struct content *content)
{
	uint64_t bytes;

	assert_int_equal(cadre_blob_stat(blobs, &content->sha256, &bytes, NULL),
	                 CADRE_NOT_FOUND);
}

#endif
