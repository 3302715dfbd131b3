/* A snapshot from elsewhere as the state of a follower's directory, with a death at
 * every operation on the disk. */
#include "engine/store/internal.h"
#include "tests/unit/store/store_fixture.h"

#define SNAPSHOTS "/data/snapshots"

static struct cadre_error err;

/* Where the snapshot comes from, on a machine of its own: other random bytes. */
struct origin {
	struct fixture fixture;
	struct cadre_view_head head; /* of the snapshot */
	struct cadre_buffer rows;
	struct cadre_buffer manifest;
	char path[2][96];
};

static void read_whole(struct cadre_env *env, const char *path, struct cadre_buffer *out)
{
	struct cadre_file *file;
	uint64_t size;

	assert_ok(cadre_file_open(env, path, CADRE_OPEN_READ, &file, &err));
	assert_ok(env->ops->size(file, &size, &err));
	assert_ok(cadre_buffer_reserve(out, (size_t)size));
	assert_ok(cadre_file_read_exact(file, 0, out->data, (size_t)size, &err));
	out->length = (size_t)size;
	cadre_file_close(file);
}

static void origin_init(struct origin *origin)
{
	struct cadre_snapshot_info info;

	memset(origin, 0, sizeof *origin);
	fixture_init(&origin->fixture);
	fixture_open(&origin->fixture);
	for (unsigned i = 0; i < 5; i++)
		fixture_do(&origin->fixture, NULL,
		           fixture_create_group(&origin->fixture, "theirs", i, 3));
	assert_ok(cadre_store_snapshot(origin->fixture.store, &info, &err));
	origin->head = info.head;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(origin->path[i], sizeof origin->path[i], SNAPSHOTS "/%016llx/%s",
		         (unsigned long long)info.head.applied_seq,
		         i == 0 ? "rows" : "manifest");
		read_whole(origin->fixture.env, origin->path[i],
		           i == 0 ? &origin->rows : &origin->manifest);
	}
	fixture_do(&origin->fixture, NULL,
	           fixture_create_group(&origin->fixture, "later", 9, 3));
}

static void origin_fini(struct origin *origin)
{
	cadre_buffer_fini(&origin->rows);
	cadre_buffer_fini(&origin->manifest);
	fixture_fini(&origin->fixture);
}

static void put_file(struct fixture *fixture, const char *path,
                     const struct cadre_buffer *bytes)
{
	struct cadre_env *env = fixture->env;
	struct cadre_file *file;

	assert_ok(cadre_file_open(env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE, &file,
	                          &err));
	assert_ok(env->ops->pwrite(file, 0, bytes->data, bytes->length, &err));
	assert_ok(env->ops->datasync(file, &err));
	cadre_file_close(file);
}

/* A follower with ten events of its own past, and a newer snapshot of them; the
 * origin's snapshot lies where a fetch leaves it. */
static void follower_init(struct fixture *follower, const struct origin *origin)
{
	char dir[64];

	fixture_init(follower);
	fixture_open(follower);
	for (unsigned i = 0; i < 9; i++)
		fixture_do(follower, NULL, fixture_create_group(follower, "ours", i, 2));
	assert_ok(cadre_store_snapshot(follower->store, NULL, &err));
	fixture_close(follower);
	follower->options.follower = true;
	snprintf(dir, sizeof dir, SNAPSHOTS "/%016llx",
	         (unsigned long long)origin->head.applied_seq);
	assert_ok(follower->env->ops->mkdir(follower->env, dir, &err));
	put_file(follower, origin->path[0], &origin->rows);
	put_file(follower, origin->path[1], &origin->manifest);
	assert_ok(follower->env->ops->sync_dir(follower->env, dir, &err));
	assert_ok(follower->env->ops->sync_dir(follower->env, SNAPSHOTS, &err));
}

static enum cadre_status adopt(struct fixture *follower, const struct origin *origin)
{
	return cadre_store_adopt(follower->env, "/data", origin->head.applied_seq,
	                         FIXTURE_SEGMENT_BYTES, &err);
}

static bool has_new_state(struct fixture *follower, const struct origin *origin)
{
	struct cadre_store_status at = fixture_status(follower);

	assert_int_equal(at.state, CADRE_CONTROL_SERVING);
	if (at.view.applied_seq != origin->head.applied_seq) {
		assert_int_equal(at.view.applied_seq, 10);
		return false;
	}
	assert_true(cadre_hash128_equal(at.view.digest, origin->head.digest));
	assert_int_equal(at.log.last_seq, origin->head.applied_seq);
	assert_memory_equal(&at.log.chain, &origin->head.chain, sizeof at.log.chain);
	return true;
}

/* The origin's next batch. */
static void assert_goes_on(struct fixture *follower, struct origin *origin)
{
	struct cadre_log_cursor *cursor;
	struct cadre_batch batch;

	assert_ok(cadre_log_cursor_open(cadre_store_log(origin->fixture.store),
	                                origin->head.applied_seq + 1, &cursor, &err));
	assert_ok(cadre_log_cursor_next(cursor, &batch, &err));
	assert_ok(cadre_store_append(follower->store, batch.bytes, CADRE_SEQ_MAX, &err));
	cadre_log_cursor_close(cursor);
	assert_ok(fixture_settle(follower, &err));
	assert_true(cadre_hash128_equal(fixture_status(follower).view.digest,
	                                fixture_status(&origin->fixture).view.digest));
}

static void an_adopted_snapshot_is_the_state_and_the_log_goes_on_behind_it(void **state)
{
	struct origin origin;
	struct fixture follower;
	struct cadre_snapshot_info info;
	uint8_t node_id[16];

	(void)state;
	origin_init(&origin);
	follower_init(&follower, &origin);
	fixture_open(&follower);
	memcpy(node_id, fixture_status(&follower).node_id, sizeof node_id);
	fixture_close(&follower);
	assert_ok(adopt(&follower, &origin));
	fixture_open(&follower);
	assert_true(has_new_state(&follower, &origin));
	assert_memory_equal(fixture_status(&follower).node_id, node_id, sizeof node_id);
	assert_goes_on(&follower, &origin);
	fixture_close(&follower);
	fixture_open(&follower);
	assert_int_equal(fixture_status(&follower).view.applied_seq,
	                 origin.head.applied_seq + 1);
	/* Kept, and no longer in the way of the one that is needed. */
	assert_ok(cadre_snapshot_newest(follower.env, SNAPSHOTS, CADRE_SEQ_MAX, &info,
	                                &err));
	assert_int_equal(info.head.applied_seq, origin.head.applied_seq);
	assert_ok(cadre_snapshot_newest(follower.env, SNAPSHOTS, CADRE_SEQ_MAX, &info,
	                                &err));
	fixture_fini(&follower);
	origin_fini(&origin);
}

static enum cadre_status count_kept(void *ctx, const char *name)
{
	unsigned *kept = ctx;

	*kept += strncmp(name, "log.before-", 11) == 0;
	*kept += strncmp(name, "snapshot.", 9) == 0;
	return CADRE_OK;
}

static void what_was_there_before_is_kept(void **state)
{
	struct origin origin;
	struct fixture follower;
	unsigned kept = 0;

	(void)state;
	origin_init(&origin);
	follower_init(&follower, &origin);
	assert_ok(adopt(&follower, &origin));
	assert_ok(adopt(&follower, &origin));
	assert_ok(follower.env->ops->list(follower.env, "/data/lost+found", count_kept,
	                                  &kept, &err));
	assert_int_equal(kept, 3);
	fixture_open(&follower);
	assert_true(has_new_state(&follower, &origin));
	fixture_fini(&follower);
	origin_fini(&origin);
}

static void only_a_closed_directory_adopts_and_only_what_is_there(void **state)
{
	struct origin origin;
	struct fixture follower;

	(void)state;
	origin_init(&origin);
	follower_init(&follower, &origin);
	assert_int_equal(
	        cadre_store_adopt(follower.env, "/data", 7, FIXTURE_SEGMENT_BYTES, &err),
	        CADRE_NOT_FOUND);
	assert_int_equal(cadre_store_adopt_snapshot(follower.env, "/none", 6, &err),
	                 CADRE_NOT_FOUND);
	fixture_open(&follower);
	assert_int_equal(adopt(&follower, &origin), CADRE_CONFLICT);
	assert_false(has_new_state(&follower, &origin));
	fixture_fini(&follower);
	origin_fini(&origin);
}

/* Dies at the nth operation, by power loss or as a process. `*ret_done`: there were
 * fewer. */
static void die_at(const struct origin *origin, uint64_t nth, bool power, bool *ret_done)
{
	struct cadre_env_sim_failure failure = { .nth = nth,
		                                 .errno_value = EIO,
		                                 .sticky = true };
	struct fixture follower;
	bool is_new;

	follower_init(&follower, origin);
	cadre_env_sim_fail(follower.sim, &failure);
	*ret_done = adopt(&follower, origin) == CADRE_OK &&
	            !cadre_env_sim_failed(follower.sim);
	if (power)
		cadre_env_sim_crash(follower.sim, nth);
	else
		cadre_env_sim_kill(follower.sim);
	fixture_open(&follower);
	is_new = has_new_state(&follower, origin);
	assert_true(is_new || !*ret_done);
	fixture_close(&follower);
	assert_ok(adopt(&follower, origin));
	fixture_open(&follower);
	assert_true(has_new_state(&follower, origin));
	fixture_fini(&follower);
}

static void a_death_anywhere_leaves_the_old_or_the_new_state(void **state)
{
	struct origin origin;
	bool done = false;

	(void)state;
	origin_init(&origin);
	for (uint64_t nth = 1; !done; nth++)
		die_at(&origin, nth, false, &done);
	done = false;
	for (uint64_t nth = 1; !done; nth++)
		die_at(&origin, nth, true, &done);
	origin_fini(&origin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		        an_adopted_snapshot_is_the_state_and_the_log_goes_on_behind_it),
		cmocka_unit_test(what_was_there_before_is_kept),
		cmocka_unit_test(only_a_closed_directory_adopts_and_only_what_is_there),
		cmocka_unit_test(a_death_anywhere_leaves_the_old_or_the_new_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
