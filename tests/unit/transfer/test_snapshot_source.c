#include "replica/transfer/snapshot_source.h"

#include "tests/unit/snapshot/snapshot_fixture.h"

struct world {
	char dir[256];
	struct cadre_env *env;
	struct cadre_kv *kv;
	struct test_random random;
	struct cadre_snapshot_source *source;
	struct cadre_buffer manifest;
	Cadre__V1__SnapshotInfo info;
};

static void world_init(struct world *world)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	memset(world, 0, sizeof *world);
	test_make_dir(world->dir, sizeof world->dir);
	world->env = cadre_env_real();
	world->kv = memory_open();
	world->random.state = 11;
	assert_ok(cadre_snapshot_source_create(world->env, world->dir, &world->source,
	                                       &err));
}

static void world_fini(struct world *world)
{
	cadre_snapshot_source_destroy(&world->source);
	cadre_buffer_fini(&world->manifest);
	cadre_kv_close(world->kv);
	test_remove_dir(world->dir);
}

static void write_snapshot(struct world *world, cadre_seq seq, unsigned rows)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_snapshot_info info;

	rows_commit(world->kv, seq, rows, 400, &world->random);
	assert_ok(cadre_snapshot_write(world->env, world->dir, world->kv, NULL, NULL,
	                               &info, &err));
}

static enum cadre_status open_at(struct world *world, cadre_seq seq_min, uint64_t now_ms)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;

	cadre_buffer_clear(&world->manifest);
	status = cadre_snapshot_source_open(world->source, seq_min, now_ms, &world->info,
	                                    &world->manifest, &err);
	assert_true(status == CADRE_OK || err.message[0] != '\0');
	return status;
}

static enum cadre_status read_at(struct world *world, cadre_seq seq, uint64_t offset,
                                 uint32_t bytes, uint64_t now_ms,
                                 struct cadre_buffer *out)
{
	Cadre__V1__SnapshotChunkRequest request = CADRE__V1__SNAPSHOT_CHUNK_REQUEST__INIT;
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;

	request.seq = seq;
	request.offset = offset;
	request.bytes = bytes;
	status = cadre_snapshot_source_read(world->source, &request, now_ms, out, &err);
	assert_true(status == CADRE_OK || err.message[0] != '\0');
	return status;
}

/* All of it, `bytes` at a time. */
static void read_all(struct world *world, uint32_t bytes, uint64_t now_ms,
                     struct cadre_buffer *out)
{
	while (out->length < world->info.rows_bytes) {
		size_t before = out->length;
		assert_int_equal(
		        read_at(world, world->info.seq, before, bytes, now_ms, out),
		        CADRE_OK);
		assert_true(out->length > before);
		assert_true(out->length - before <= bytes);
	}
}

static void put_file(const char *dir, const char *name, const void *data, size_t length)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_env *env = cadre_env_real();
	struct cadre_file *file;
	char path[600];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_ok(cadre_file_open(env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE, &file,
	                          &err));
	assert_ok(env->ops->pwrite(file, 0, data, length, &err));
	cadre_file_close(file);
}

static void what_was_fetched_in_chunks_loads_as_the_snapshot(void **state)
{
	struct world world;
	struct cadre_buffer rows = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	char base[256];
	char dir[300];

	(void)state;
	world_init(&world);
	write_snapshot(&world, 70, 2000);
	assert_int_equal(open_at(&world, 0, 1), CADRE_OK);
	assert_int_equal(world.info.seq, 70);
	assert_int_equal(world.info.lease_ms, CADRE_SNAPSHOT_LEASE_MS);
	assert_ptr_equal(world.info.manifest.data, world.manifest.data);
	read_all(&world, 10007, 2, &rows);
	assert_int_equal(rows.length, world.info.rows_bytes);

	test_make_dir(base, sizeof base);
	snprintf(dir, sizeof dir, "%s/%016x", base, 70);
	assert_ok(world.env->ops->mkdir(world.env, dir, &err));
	put_file(dir, "manifest", world.info.manifest.data, world.info.manifest.len);
	put_file(dir, "rows", rows.data, rows.length);
	assert_ok(cadre_snapshot_verify(world.env, base, 70, NULL, NULL, &err));
	test_remove_dir(base);
	cadre_buffer_fini(&rows);
	world_fini(&world);
}

static void without_a_snapshot_new_enough_one_is_to_be_made(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	assert_int_equal(open_at(&world, 0, 1), CADRE_NOT_FOUND);
	write_snapshot(&world, 70, 20);
	assert_int_equal(open_at(&world, 71, 1), CADRE_NOT_FOUND);
	assert_int_equal(world.manifest.length, 0);
	assert_int_equal(open_at(&world, 70, 1), CADRE_OK);
	write_snapshot(&world, 80, 20);
	assert_int_equal(open_at(&world, 70, 1), CADRE_OK);
	assert_int_equal(world.info.seq, 80);
	world_fini(&world);
}

static void a_snapshot_that_is_pruned_meanwhile_is_read_to_its_end(void **state)
{
	struct world world;
	struct cadre_buffer whole = { 0 };
	struct cadre_buffer rows = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	cadre_seq seq;

	(void)state;
	world_init(&world);
	write_snapshot(&world, 70, 500);
	assert_int_equal(open_at(&world, 0, 1), CADRE_OK);
	seq = world.info.seq;
	read_all(&world, 1000, 2, &whole);
	write_snapshot(&world, 80, 20);
	assert_ok(cadre_snapshot_prune(world.env, world.dir, 1, &err));
	assert_int_equal(
	        cadre_snapshot_verify(world.env, world.dir, 70, NULL, NULL, NULL),
	        CADRE_NOT_FOUND);
	assert_int_equal(world.info.seq, seq);
	read_all(&world, 1000, 3, &rows);
	assert_true(
	        cadre_slice_equal(cadre_buffer_slice(&whole), cadre_buffer_slice(&rows)));
	cadre_buffer_fini(&whole);
	cadre_buffer_fini(&rows);
	world_fini(&world);
}

static void a_lease_ends_unless_chunks_renew_it(void **state)
{
	const uint64_t lease = CADRE_SNAPSHOT_LEASE_MS;
	struct world world;
	struct cadre_buffer out = { 0 };

	(void)state;
	world_init(&world);
	write_snapshot(&world, 70, 20);
	assert_int_equal(open_at(&world, 0, 1), CADRE_OK);
	assert_int_equal(read_at(&world, 70, 0, 8, lease, &out), CADRE_OK);
	assert_int_equal(read_at(&world, 70, 0, 8, 2 * lease - 1, &out), CADRE_OK);
	assert_int_equal(read_at(&world, 70, 0, 8, 3 * lease - 1, &out), CADRE_NOT_FOUND);
	assert_int_equal(out.length, 16);

	assert_int_equal(open_at(&world, 0, 3 * lease), CADRE_OK);
	cadre_snapshot_source_tend(world.source, 4 * lease - 1);
	assert_int_equal(read_at(&world, 70, 0, 8, 3 * lease, &out), CADRE_OK);
	cadre_snapshot_source_tend(world.source, 4 * lease);
	assert_int_equal(read_at(&world, 70, 0, 8, 3 * lease, &out), CADRE_NOT_FOUND);
	cadre_buffer_fini(&out);
	world_fini(&world);
}

static void only_so_many_snapshots_are_held_at_once(void **state)
{
	struct world world;
	cadre_seq seq;

	(void)state;
	world_init(&world);
	for (seq = 1; seq <= CADRE_SNAPSHOT_LEASES_MAX; seq++) {
		write_snapshot(&world, seq, 2);
		assert_int_equal(open_at(&world, 0, 1), CADRE_OK);
		/* Who fetches the same one shares the lease. */
		assert_int_equal(open_at(&world, 0, 1), CADRE_OK);
	}
	write_snapshot(&world, seq, 2);
	assert_int_equal(open_at(&world, 0, 1), CADRE_TOO_MANY_REQUESTS);
	assert_int_equal(open_at(&world, 0, 1 + CADRE_SNAPSHOT_LEASE_MS), CADRE_OK);
	assert_int_equal(world.info.seq, seq);
	world_fini(&world);
}

static void hostile_offsets_and_sizes_get_nothing_that_is_not_there(void **state)
{
	struct world world;
	struct cadre_buffer out = { 0 };
	uint64_t bytes;

	(void)state;
	world_init(&world);
	write_snapshot(&world, 70, 20000);
	assert_int_equal(open_at(&world, 0, 1), CADRE_OK);
	bytes = world.info.rows_bytes;
	assert_true(bytes > CADRE_SNAPSHOT_CHUNK_BYTES_MAX);
	assert_int_equal(read_at(&world, 70, bytes + 1, 1, 1, &out),
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(read_at(&world, 70, UINT64_MAX, UINT32_MAX, 1, &out),
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(read_at(&world, 71, 0, 1, 1, &out), CADRE_NOT_FOUND);
	assert_int_equal(out.length, 0);
	assert_int_equal(read_at(&world, 70, bytes, UINT32_MAX, 1, &out), CADRE_OK);
	assert_int_equal(read_at(&world, 70, 0, 0, 1, &out), CADRE_OK);
	assert_int_equal(out.length, 0);
	assert_int_equal(read_at(&world, 70, bytes - 3, UINT32_MAX, 1, &out), CADRE_OK);
	assert_int_equal(out.length, 3);
	assert_int_equal(read_at(&world, 70, 0, UINT32_MAX, 1, &out), CADRE_OK);
	assert_int_equal(out.length, 3 + CADRE_SNAPSHOT_CHUNK_BYTES_MAX);
	cadre_buffer_fini(&out);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_fetched_in_chunks_loads_as_the_snapshot),
		cmocka_unit_test(without_a_snapshot_new_enough_one_is_to_be_made),
		cmocka_unit_test(a_snapshot_that_is_pruned_meanwhile_is_read_to_its_end),
		cmocka_unit_test(a_lease_ends_unless_chunks_renew_it),
		cmocka_unit_test(only_so_many_snapshots_are_held_at_once),
		cmocka_unit_test(hostile_offsets_and_sizes_get_nothing_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
