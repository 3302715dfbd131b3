/* Uploads at once, interrupted, large, and by way of others. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "tests/support/disk.h"
#include "tests/unit/rpc/rpc_blobs.h"
#include "tests/unit/rpc/rpc_ops.h"
#include "tests/unit/rpc/rpc_process.h"

/* Asked before there are threads. */
static bool may_mount;

struct bench {
	struct rpc_node node;
	struct rpc_ops ops;
	struct cadre_client *client;
};

static int setup(void **state)
{
	static struct bench bench;

	*state = &bench;
	rpc_node_make(&bench.node);
	rpc_node_start(&bench.node);
	rpc_ops_init(&bench.ops);
	bench.client = rpc_client(&bench.node, NULL);
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	cadre_client_close(bench->client);
	rpc_ops_fini(&bench->ops);
	rpc_node_remove(&bench->node);
	return 0;
}

/* ---- two at once ---- */

struct uploader {
	struct bench *bench;
	struct source source;
	struct cadre_sha256 sha256;
	bool streams;
	pthread_t thread;
};

static void *upload(void *ctx)
{
	struct uploader *uploader = ctx;
	struct cadre_client *client = rpc_client(&uploader->bench->node, NULL);

	assert_put(client, &uploader->source,
	           uploader->streams ? NULL : &uploader->sha256);
	cadre_client_close(client);
	return NULL;
}

static void uploads_of_one_content_at_once_all_end_well(void **state)
{
	struct bench *bench = *state;
	struct uploader uploaders[4];

	for (int i = 0; i < 4; i++) {
		uploaders[i] = (struct uploader){ .bench = bench, .streams = i % 2 == 1 };
		uploaders[i].source = (struct source){ .bytes = 8 * PIECE, .seed = 6 };
		uploaders[i].sha256 = source_hash(&uploaders[i].source);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		        pthread_create(&uploaders[i].thread, NULL, upload, &uploaders[i]),
		        0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(uploaders[i].thread, NULL), 0);
	assert_got(bench->client, &uploaders[0].source, &uploaders[0].sha256);
}

/* ---- a leader that dies ---- */

struct killing {
	struct rpc_process process;
	const char *dir;
};

static void kill_and_revive(void *ctx)
{
	struct killing *killing = ctx;
	unsigned port = killing->process.port;

	rpc_process_end(&killing->process, true);
	rpc_process_start(&killing->process, RPC_NODE, killing->dir, port);
}

static struct cadre_client *start_process(struct bench *bench, struct killing *killing)
{
	char *address;

	killing->dir = bench->node.data;
	rpc_node_stop(&bench->node);
	rpc_process_start(&killing->process, RPC_NODE, killing->dir, 0);
	address = rpc_text(&bench->ops, "tcp://127.0.0.1:%u", killing->process.port);
	return rpc_client(&bench->node, address);
}

static void end_process(struct bench *bench, struct killing *killing,
                        struct cadre_client *client)
{
	cadre_client_close(client);
	rpc_process_end(&killing->process, false);
	rpc_node_start(&bench->node);
}

static void an_upload_goes_on_when_the_leader_was_killed(void **state)
{
	struct bench *bench = *state;
	struct killing killing;
	struct cadre_client *client = start_process(bench, &killing);
	struct source source = { .bytes = 12 * PIECE,
		                 .seed = 9,
		                 .stop_at = 7 * PIECE,
		                 .stop = kill_and_revive,
		                 .ctx = &killing };
	struct cadre_sha256 sha256 = source_hash(&source);

	assert_put(client, &source, &sha256);
	/* No piece went twice but perhaps the one under way. */
	assert_in_range(source.asked, 12, 13);
	assert_got(client, &source, &sha256);
	end_process(bench, &killing, client);
}

static int give_up(void *ctx, uint64_t done, uint64_t total)
{
	(void)ctx;
	(void)total;
	return done >= 4 * PIECE ? 1 : 0;
}

static void another_process_goes_on_with_what_one_gave_up(void **state)
{
	struct bench *bench = *state;
	struct source source = { .bytes = 8 * PIECE, .seed = 10 };
	struct cadre_sha256 sha256 = source_hash(&source);
	const struct cadre_client_blob_put put = { .bytes = source.bytes,
		                                   .sha256 = sha256.bytes,
		                                   .read = source_read,
		                                   .progress = give_up,
		                                   .ctx = &source };
	struct cadre_client_blob blob;

	assert_int_equal(cadre_client_blob_put(bench->client, &put, &blob),
	                 CADRE_CLIENT_REFUSED);
	assert_int_equal(blob.status, CADRE_UNAVAILABLE);
	rpc_node_stop(&bench->node);
	rpc_node_start(&bench->node);
	source.asked = 0;
	assert_put(bench->client, &source, &sha256);
	assert_int_equal(source.asked, 4);
	assert_got(bench->client, &source, &sha256);
}

static void a_large_blob_costs_neither_side_memory(void **state)
{
	struct bench *bench = *state;
	struct killing killing;
	struct cadre_client *client = start_process(bench, &killing);
	struct source warm = { .bytes = 4 * PIECE, .seed = 11 };
	struct source source = { .bytes = 64 * PIECE, .seed = 12 };
	struct cadre_sha256 warm_sha256 = source_hash(&warm);
	struct cadre_sha256 sha256 = source_hash(&source);
	const uint64_t growth = (uint64_t)32 << 20;
	uint64_t here;
	uint64_t there;

	assert_put(client, &warm, &warm_sha256);
	assert_got(client, &warm, &warm_sha256);
	here = rpc_process_memory(getpid());
	there = rpc_process_memory(killing.process.pid);
	assert_put(client, &source, &sha256);
	assert_in_range(rpc_process_memory(getpid()), 0, here + growth);
	assert_in_range(rpc_process_memory(killing.process.pid), 0, there + growth);
	assert_got(client, &source, &sha256);
	assert_in_range(rpc_process_memory(getpid()), 0, here + growth);
	assert_in_range(rpc_process_memory(killing.process.pid), 0, there + growth);
	end_process(bench, &killing, client);
}

/* ---- a disk that is full ---- */

static void an_upload_waits_outside_of_a_full_disk(void **state)
{
	struct bench *bench = *state;
	struct source source = { .bytes = 8 * PIECE, .seed = 15 };
	struct cadre_sha256 sha256 = source_hash(&source);
	const struct cadre_client_blob_put put = { .bytes = source.bytes,
		                                   .sha256 = sha256.bytes,
		                                   .read = source_read,
		                                   .ctx = &source };
	struct cadre_init_options init = { .cluster_name = "full",
		                           .segment_bytes = 1u << 20 };
	struct cadre_client_blob blob;
	struct cadre_client *client;
	struct rpc_process process;
	struct cadre_error err = CADRE_ERROR_INIT;
	char disk[300];
	char data[320];

	if (!may_mount)
		skip();
	snprintf(disk, sizeof disk, "%s/disk", bench->node.dir);
	snprintf(data, sizeof data, "%s/data", disk);
	disk_make(disk);
	init.dir = data;
	assert_ok(cadre_store_init(cadre_env_real(), &init, &err));
	rpc_process_start(&process, RPC_NODE, data, 0);
	client = rpc_client(&bench->node,
	                    rpc_text(&bench->ops, "tcp://127.0.0.1:%u", process.port));
	disk_fill(disk, (uint64_t)60 << 20);
	assert_int_equal(cadre_client_blob_put(client, &put, &blob),
	                 CADRE_CLIENT_REFUSED);
	assert_int_equal(blob.status, CADRE_OUT_OF_SPACE);
	disk_relieve(disk);
	assert_put(client, &source, &sha256);
	assert_got(client, &source, &sha256);
	cadre_client_close(client);
	rpc_process_end(&process, false);
	disk_remove(disk);
}

/* ---- other nodes ---- */

static const char *leader_hint(void *ctx, struct cadre_arena *arena)
{
	(void)arena;
	return ctx;
}

static void a_follower_sends_whoever_asks_for_blobs_to_the_leader(void **state)
{
	struct bench *bench = *state;
	struct source source = { .bytes = PIECE + 1, .seed = 13 };
	struct cadre_sha256 sha256 = source_hash(&source);
	struct rpc_node follower;
	struct cadre_client *client;

	rpc_node_make(&follower);
	follower.follower = true;
	follower.options.hooks.leader = leader_hint;
	follower.options.hooks.ctx = bench->node.address;
	rpc_node_start(&follower);
	client = rpc_client(&follower, NULL);
	assert_put(client, &source, &sha256);
	assert_got(bench->client, &source, &sha256);
	cadre_client_close(client);
	rpc_node_remove(&follower);
}

static void a_damaged_copy_is_noticed_by_who_downloads_it(void **state)
{
	struct bench *bench = *state;
	struct source source = { .bytes = 1000, .seed = 14 };
	struct cadre_sha256 sha256 = source_hash(&source);
	const struct cadre_client_blob_get get = { .sha256 = sha256.bytes,
		                                   .write = source_compare,
		                                   .ctx = &source };
	struct cadre_client_blob blob;
	char path[500];
	char hex[65];

	assert_put(bench->client, &source, &sha256);
	cadre_hex_encode(sha256.bytes, 32, hex);
	snprintf(path, sizeof path, "%s/blobs/sha256/%s", bench->node.data, hex);
	/* Shorter, so that what arrives compares well. */
	assert_int_equal(truncate(path, 999), 0);
	assert_int_equal(cadre_client_blob_get(bench->client, &get, &blob),
	                 CADRE_CLIENT_REFUSED);
	assert_int_equal(blob.status, CADRE_CORRUPT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(uploads_of_one_content_at_once_all_end_well),
		CASE(an_upload_goes_on_when_the_leader_was_killed),
		CASE(another_process_goes_on_with_what_one_gave_up),
		CASE(a_large_blob_costs_neither_side_memory),
		CASE(an_upload_waits_outside_of_a_full_disk),
		CASE(a_follower_sends_whoever_asks_for_blobs_to_the_leader),
		CASE(a_damaged_copy_is_noticed_by_who_downloads_it),
	};
	may_mount = disk_permitted();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
