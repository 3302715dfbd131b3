/* Readers on their own threads beside the writer, LMDB kind. */
#include <pthread.h>
#include <stdatomic.h>

#include "engine/kv/kv.h"
#include "tests/support/testing.h"

#define READERS 3
#define COMMITS 2000
#define ROWS 50

struct shared {
	struct cadre_kv *kv;
	atomic_bool done;
	atomic_uint
	        broken; /* laws seen broken: cmocka's assertions are the main thread's */
};

/* Every row of a commit holds its number. */
static void write_commit(struct cadre_kv *kv, uint64_t number)
{
	struct cadre_error err;
	struct cadre_kv_txn *txn;
	struct cadre_slice value = cadre_slice(&number, sizeof number);

	assert_ok(cadre_kv_begin(kv, CADRE_KV_WRITE, &txn, &err));
	for (uint8_t row = 0; row < ROWS; row++)
		assert_ok(cadre_kv_put(txn, cadre_slice(&row, 1), value, CADRE_KV_PUT,
		                       &err));
	assert_ok(cadre_kv_commit(txn, &err));
}

/* The number all rows of the snapshot agree on, 0 when they do not. */
static uint64_t read_snapshot(struct cadre_kv_cursor *cursor)
{
	struct cadre_slice key;
	struct cadre_slice value;
	uint64_t first = 0;
	int rows = 0;
	enum cadre_status status = cadre_kv_seek(cursor, cadre_slice(NULL, 0), &key,
	                                         &value);

	while (status == CADRE_OK) {
		uint64_t number;
		memcpy(&number, value.data, sizeof number);
		if (rows++ == 0)
			first = number;
		else if (number != first)
			return 0;
		status = cadre_kv_next(cursor, &key, &value);
	}
	return status == CADRE_END && rows == ROWS ? first : 0;
}

static void *read_until_done(void *ctx)
{
	struct shared *shared = ctx;
	struct cadre_kv_txn *txn;
	struct cadre_kv_cursor *cursor = NULL;
	uint64_t last = 0;

	if (cadre_kv_begin(shared->kv, CADRE_KV_READ, &txn, NULL) != CADRE_OK ||
	    cadre_kv_cursor_open(txn, &cursor, NULL) != CADRE_OK) {
		shared->broken++;
		return NULL;
	}
	while (!shared->done) {
		uint64_t number;
		cadre_kv_reset(txn);
		if (cadre_kv_renew(txn, NULL) != CADRE_OK ||
		    cadre_kv_cursor_renew(cursor, txn) != CADRE_OK) {
			shared->broken++;
			break;
		}
		number = read_snapshot(cursor);
		if (number < last || number == 0)
			shared->broken++;
		last = number;
	}
	cadre_kv_cursor_close(cursor);
	cadre_kv_abort(txn);
	return NULL;
}

static void readers_see_whole_commits_and_never_go_back(void **state)
{
	struct shared shared = { 0 };
	struct cadre_error err;
	pthread_t threads[READERS];
	char dir[256];
	(void)state;

	test_make_dir(dir, sizeof dir);
	assert_ok(cadre_kv_open_lmdb(dir, NULL, &shared.kv, &err));
	write_commit(shared.kv, 1);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(
		        pthread_create(&threads[i], NULL, read_until_done, &shared), 0);
	for (uint64_t i = 2; i <= COMMITS; i++)
		write_commit(shared.kv, i);
	shared.done = true;
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(shared.broken, 0);
	cadre_kv_close(shared.kv);
	test_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_see_whole_commits_and_never_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
