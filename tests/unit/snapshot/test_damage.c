#include "tests/unit/snapshot/snapshot_fixture.h"

#define DIR "/snapshots"
#define ROWS DIR "/0000000000000007/rows"
#define MANIFEST DIR "/0000000000000007/manifest"

static struct cadre_env_sim *sim;
static struct cadre_env *env;

static int make_snapshot(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct test_random random = { 21 };
	struct cadre_kv *kv = memory_open();
	struct cadre_snapshot_info info;

	(void)state;
	sim = cadre_env_sim_create(1);
	env = cadre_env_sim_env(sim);
	rows_commit(kv, 7, 30, 40, &random);
	assert_ok(cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info, &err));
	cadre_kv_close(kv);
	return 0;
}

static int drop_snapshot(void **state)
{
	(void)state;
	cadre_env_sim_destroy(sim);
	return 0;
}

static void every_flipped_bit_of(const char *path)
{
	uint64_t size = file_bytes(env, path);

	assert_true(size > 50);
	for (uint64_t at = 0; at < size; at++) {
		unsigned bit = (unsigned)(at % 8);
		struct cadre_error err = CADRE_ERROR_INIT;

		assert_ok(cadre_env_sim_flip(sim, path, at, bit));
		if (load_anew(env, DIR, 7) != CADRE_CORRUPT)
			fail_msg("\"%s\" with bit %u of byte %llu flipped was loaded",
			         path, bit, (unsigned long long)at);
		assert_int_equal(cadre_snapshot_verify(env, DIR, 7, NULL, NULL, &err),
		                 CADRE_CORRUPT);
		assert_ok(cadre_env_sim_flip(sim, path, at, bit));
	}
	assert_int_equal(load_anew(env, DIR, 7), CADRE_OK);
}

static void a_flipped_bit_in_the_rows_is_refused(void **state)
{
	(void)state;
	every_flipped_bit_of(ROWS);
}

static void a_flipped_bit_in_the_manifest_is_refused(void **state)
{
	(void)state;
	every_flipped_bit_of(MANIFEST);
}

/* Before anything of it is unpacked, and without the manifest. */
static void a_frame_with_a_flipped_bit_is_refused_by_its_own_checksum(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer frame = { 0 };
	struct snapshot_frame scanned;
	ZSTD_CCtx *context = ZSTD_createCCtx();
	uint8_t raw[300];

	(void)state;
	for (size_t i = 0; i < sizeof raw; i++)
		raw[i] = (uint8_t)(i * i);
	assert_ok(
	        snapshot_frame_pack(context, cadre_slice(raw, sizeof raw), &frame, &err));
	assert_ok(snapshot_frame_scan(cadre_buffer_slice(&frame), &scanned, &err));
	for (size_t bit = 0; bit < 8 * frame.length; bit++) {
		frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(
		        snapshot_frame_scan(cadre_buffer_slice(&frame), &scanned, &err),
		        CADRE_OK);
		frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cadre_buffer_fini(&frame);
	ZSTD_freeCCtx(context);
}

static void a_cut_or_grown_file_is_refused(void **state)
{
	static const char *const paths[] = { ROWS, MANIFEST };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint64_t size = file_bytes(env, paths[i]);

		for (uint64_t cut = 0; cut <= size; cut += cut < size - 9 ? 7 : 1) {
			enum cadre_status status;

			drop_snapshot(NULL);
			make_snapshot(NULL);
			file_truncate(env, paths[i], cut == size ? size + 1 : cut);
			status = load_anew(env, DIR, 7);
			if (status != CADRE_CORRUPT)
				fail_msg("\"%s\" of %llu bytes: %s", paths[i],
				         (unsigned long long)cut,
				         cadre_status_name(status));
		}
	}
}

/* Writes the manifest anew as `change` leaves it, with a right checksum. */
static void change_manifest(void (*change)(Cadre__V1__SnapshotManifest *message))
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct snapshot_manifest manifest;
	uint8_t bytes[4096];
	size_t length;
	struct cadre_file *file;

	assert_ok(snapshot_manifest_open(env, DIR, 7, &manifest, &err));
	change(manifest.message);
	length = cadre__v1__snapshot_manifest__get_packed_size(manifest.message);
	assert_true(length + 4 <= sizeof bytes);
	cadre__v1__snapshot_manifest__pack(manifest.message, bytes);
	cadre_put_le32(bytes + length, cadre_crc32c(0, bytes, length));
	assert_ok(cadre_file_open(env, MANIFEST, CADRE_OPEN_WRITE, &file, &err));
	assert_ok(env->ops->pwrite(file, 0, bytes, length + 4, &err));
	assert_ok(env->ops->truncate(file, length + 4, &err));
	cadre_file_close(file);
	snapshot_manifest_close(&manifest);
}

static void other_digest(Cadre__V1__SnapshotManifest *message)
{
	message->digest.data[3] ^= 1;
}

static void other_chain(Cadre__V1__SnapshotManifest *message)
{
	message->chain.data[3] ^= 1;
}

static void other_rows(Cadre__V1__SnapshotManifest *message)
{
	message->rows++;
}

static void other_chunk_rows(Cadre__V1__SnapshotManifest *message)
{
	message->rows++;
	message->chunks[0]->rows++;
}

static void other_hash(Cadre__V1__SnapshotManifest *message)
{
	message->chunks[0]->sha256.data[0] ^= 1;
}

static void other_seq(Cadre__V1__SnapshotManifest *message)
{
	message->seq++;
}

static void shorter_chunk(Cadre__V1__SnapshotManifest *message)
{
	message->chunks[0]->bytes--;
}

static void other_schema(Cadre__V1__SnapshotManifest *message)
{
	message->schema++;
}

static void a_manifest_that_does_not_fit_its_rows_is_refused(void **state)
{
	static void (*const changes[])(Cadre__V1__SnapshotManifest *) = {
		other_digest, other_chain, other_rows,    other_chunk_rows,
		other_hash,   other_seq,   shorter_chunk,
	};
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		change_manifest(changes[i]);
		if (load_anew(env, DIR, 7) != CADRE_CORRUPT)
			fail_msg("change %zu was loaded", i);
		/* The meta row's chain is compared by a load only. */
		if (changes[i] != other_chain)
			assert_int_equal(
			        cadre_snapshot_verify(env, DIR, 7, NULL, NULL, &err),
			        CADRE_CORRUPT);
		drop_snapshot(NULL);
		make_snapshot(NULL);
	}
	change_manifest(other_schema);
	assert_int_equal(load_anew(env, DIR, 7), CADRE_INCORRECT_STATE);
}

static void damaged_views_do_not_become_a_snapshot(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct test_random random = { 2 };
	struct cadre_kv *kv = memory_open();
	struct cadre_kv_txn *txn;
	struct cadre_snapshot_info info;
	struct cadre_slice key, value, content;
	struct cadre_kv_cursor *cursor;
	uint8_t copy[256], name[64];

	(void)state;
	rows_commit(kv, 9, 50, 40, &random);
	assert_ok(cadre_kv_begin(kv, CADRE_KV_WRITE, &txn, &err));
	assert_ok(cadre_kv_cursor_open(txn, &cursor, &err));
	assert_ok(cadre_kv_seek(cursor, cadre_slice("m", 1), &key, &value));
	assert_ok(cadre_row_check(key, value, &content));
	memcpy(name, key.data, key.length);
	memcpy(copy, value.data, value.length);
	copy[0] ^= 4;
	key = cadre_slice(name, key.length);
	cadre_kv_cursor_close(cursor);
	assert_ok(cadre_kv_put(txn, key, cadre_slice(copy, value.length), CADRE_KV_PUT,
	                       &err));
	assert_ok(cadre_kv_commit(txn, &err));
	assert_int_equal(cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info, &err),
	                 CADRE_CORRUPT);
	/* A sound row that no event put there: the digest knows. */
	assert_ok(cadre_kv_begin(kv, CADRE_KV_WRITE, &txn, &err));
	assert_ok(cadre_kv_del(txn, key, &err));
	assert_ok(cadre_kv_commit(txn, &err));
	assert_int_equal(cadre_snapshot_write(env, DIR, kv, NULL, NULL, &info, &err),
	                 CADRE_DIVERGED);
	cadre_kv_close(kv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_flipped_bit_in_the_rows_is_refused,
		                                make_snapshot, drop_snapshot),
		cmocka_unit_test_setup_teardown(a_flipped_bit_in_the_manifest_is_refused,
		                                make_snapshot, drop_snapshot),
		cmocka_unit_test(
		        a_frame_with_a_flipped_bit_is_refused_by_its_own_checksum),
		cmocka_unit_test_setup_teardown(a_cut_or_grown_file_is_refused,
		                                make_snapshot, drop_snapshot),
		cmocka_unit_test_setup_teardown(
		        a_manifest_that_does_not_fit_its_rows_is_refused, make_snapshot,
		        drop_snapshot),
		cmocka_unit_test_setup_teardown(damaged_views_do_not_become_a_snapshot,
		                                make_snapshot, drop_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
