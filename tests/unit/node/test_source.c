#include "tests/unit/node/leader_world.h"

#include <sched.h>

#include "replica/node/source_ring.h"

#define MANY ((uint32_t)1 << 20)
#define LONG_MS 10000

static void meet(struct world *world, struct peer *peer)
{
	Cadre__V1__HelloAnswer *hello = world_say_hello(world, peer);

	assert_int_equal(hello->verdict, CADRE__V1__HELLO_VERDICT__HELLO_OK);
}

/* Everything up to now; how many answers it took. */
static unsigned catch_up(struct world *world, struct peer *peer, uint32_t max_bytes)
{
	cadre_seq committed = atomic_load(&world->committed_seq);
	unsigned answers = 0;

	for (; peer->last_seq < committed; answers++)
		assert_true(peer_take(peer,
		                      world_fetch(world, peer, max_bytes, LONG_MS)) > 0);
	return answers;
}

static uint64_t metric(struct world *world, enum source_metric row)
{
	return cadre_metric_value(cadre_source_metrics(world->source), row);
}

static void a_leader_that_starts_asks_to_come_again(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	Cadre__V1__ReplicationAnswer *answer;

	(void)state;
	world_init(&world);
	world_listen(&world);
	answer = world_answer(&world, world_ask(&world, peer_hello(&world, &peer)));
	assert_int_equal(answer->status, CADRE_UNAVAILABLE);
	world_fini(&world);
}

static void a_new_follower_gets_the_whole_log_batch_by_batch(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	struct cadre_store_status status;
	unsigned answers;

	(void)state;
	world_init(&world);
	for (unsigned i = 0; i < 20; i++)
		world_write(&world, 3);
	world_serve(&world);
	meet(&world, &peer);
	/* Each is larger than a byte, and comes all the same. */
	answers = catch_up(&world, &peer, 1);
	assert_int_equal(answers, 21);
	cadre_store_status(world.store, &status);
	assert_int_equal(peer.last_seq, status.log.last_seq);
	assert_memory_equal(peer.chain.bytes, status.log.chain.bytes, 32);
	world_fini(&world);
}

static void a_follower_far_behind_reads_the_log_and_a_near_one_the_ring(void **state)
{
	struct world world;
	struct peer far = world_peer(1);
	struct peer near = world_peer(2);
	uint64_t from_log;

	(void)state;
	world_init(&world);
	for (unsigned i = 0; i < 2 * SOURCE_RING_EVENTS / 256; i++)
		world_write(&world, 256);
	world_serve(&world);
	meet(&world, &far);
	(void)catch_up(&world, &far, 64u << 10);
	from_log = metric(&world, SOURCE_FROM_LOG);
	assert_true(from_log > 0);
	near = far;
	near.id[0]++;
	meet(&world, &near);
	world_write(&world, 1);
	(void)catch_up(&world, &near, MANY);
	(void)catch_up(&world, &far, MANY);
	assert_int_equal(metric(&world, SOURCE_FROM_LOG), from_log);
	assert_true(metric(&world, SOURCE_FROM_RING) >= 2);
	world_fini(&world);
}

#define WRITES 60

static void *write_on(void *ctx)
{
	struct world *world = ctx;

	for (unsigned i = 0; i < WRITES; i++)
		world_write(world, 1 + i % 7 * 40);
	atomic_store(&world->met, 1);
	return NULL;
}

/* Segments are of 64 KiB: many are begun, closed and sealed meanwhile. */
static void followers_catch_up_while_the_log_grows_and_is_sealed(void **state)
{
	struct world world;
	static struct world writer;
	struct peer peers[3];
	pthread_t thread;

	(void)state;
	world_init(&world);
	world_serve(&world);
	for (unsigned i = 0; i < 3; i++) {
		peers[i] = world_peer(i);
		meet(&world, &peers[i]);
	}
	writer.thread = world.thread;
	cadre_arena_init(&writer.commands.arena, 64u << 20);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
	while (!atomic_load(&writer.met)) {
		for (unsigned i = 0; i < 3; i++)
			(void)peer_take(&peers[i], world_fetch(&world, &peers[i],
			                                       (i + 1) * 10000, 50));
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		(void)catch_up(&world, &peers[i], MANY);
		assert_memory_equal(peers[i].chain.bytes, peers[0].chain.bytes, 32);
	}
	cadre_arena_fini(&writer.commands.arena);
	world_fini(&world);
}

static void batches_of_an_answer_stay_below_what_was_asked_for(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	Cadre__V1__FetchAnswer *answer;

	(void)state;
	world_init(&world);
	for (unsigned i = 0; i < 50; i++)
		world_write(&world, 2);
	world_serve(&world);
	meet(&world, &peer);
	while (peer.last_seq < atomic_load(&world.committed_seq)) {
		answer = world_fetch(&world, &peer, 4000, LONG_MS);
		assert_true(answer->batches.len <= 4000);
		assert_true(peer_take(&peer, answer) > 0);
	}
	world_fini(&world);
}

static void a_follower_that_has_everything_waits_for_the_next_commit(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	struct asking *asking;
	Cadre__V1__ReplicationAnswer *answer;

	(void)state;
	world_init(&world);
	world_serve(&world);
	meet(&world, &peer);
	(void)catch_up(&world, &peer, MANY);
	asking = world_ask(&world, peer_fetch(&world, &peer, MANY, LONG_MS));
	world_wait_parked(&world, 1);
	world_write(&world, 2);
	answer = world_answer(&world, asking);
	assert_int_equal(peer_take(&peer, answer->fetch), 1);
	assert_int_equal(answer->fetch->committed_seq, peer.last_seq);
	assert_true(answer->fetch->leader_time_ms > 0);
	world_wait_parked(&world, 0);
	world_fini(&world);
}

static void a_wait_without_a_commit_ends_with_nothing(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	Cadre__V1__FetchAnswer *answer;

	(void)state;
	world_init(&world);
	world_serve(&world);
	meet(&world, &peer);
	(void)catch_up(&world, &peer, MANY);
	answer = world_fetch(&world, &peer, MANY, 0);
	assert_int_equal(answer->verdict, CADRE__V1__HELLO_VERDICT__HELLO_OK);
	assert_int_equal(answer->batches.len, 0);
	answer = world_fetch(&world, &peer, MANY, 20);
	assert_int_equal(answer->verdict, CADRE__V1__HELLO_VERDICT__HELLO_OK);
	assert_int_equal(answer->batches.len, 0);
	world_fini(&world);
}

#define FOLLOWERS 300

static void one_commit_wakes_every_follower(void **state)
{
	static struct peer peers[FOLLOWERS];
	static struct asking *asking[FOLLOWERS];
	struct world world;

	(void)state;
	world_init(&world);
	world_serve(&world);
	for (unsigned i = 0; i < FOLLOWERS; i++) {
		peers[i] = world_peer(i);
		meet(&world, &peers[i]);
		(void)catch_up(&world, &peers[i], MANY);
	}
	for (unsigned i = 0; i < FOLLOWERS; i++)
		asking[i] = world_ask(&world,
		                      peer_fetch(&world, &peers[i], MANY, LONG_MS));
	world_wait_parked(&world, FOLLOWERS);
	world_write(&world, 1);
	for (unsigned i = 0; i < FOLLOWERS; i++)
		assert_int_equal(
		        peer_take(&peers[i], world_answer(&world, asking[i])->fetch), 1);
	world_fini(&world);
}

static void stop_answers_who_waits(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	struct asking *asking;
	Cadre__V1__ReplicationAnswer *answer;

	(void)state;
	world_init(&world);
	world_serve(&world);
	meet(&world, &peer);
	(void)catch_up(&world, &peer, MANY);
	asking = world_ask(&world, peer_fetch(&world, &peer, MANY, LONG_MS));
	world_wait_parked(&world, 1);
	world_stop_serving(&world);
	answer = world_answer(&world, asking);
	assert_true(!answer || answer->status == CADRE_UNAVAILABLE);
	world_fini(&world);
}

static void a_verdict_names_the_leader_and_the_reason(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	struct peer other;
	Cadre__V1__HelloAnswer *answer;

	(void)state;
	world_init(&world);
	world_write(&world, 3);
	world_serve(&world);
	meet(&world, &peer);
	(void)catch_up(&world, &peer, MANY);

	other = peer;
	other.id[0]++;
	meet(&world, &other);
	other.chain.bytes[0] ^= 1;
	answer = world_say_hello(&world, &other);
	assert_int_equal(answer->verdict, CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED);
	assert_string_equal(answer->leader, WORLD_LEADER);
	assert_non_null(answer->message);
	assert_int_equal(answer->committed_seq, peer.last_seq);
	/* Inside a batch. */
	other.last_seq = peer.last_seq - 1;
	answer = world_say_hello(&world, &other);
	assert_int_equal(answer->verdict, CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED);
	/* More than there is. */
	other.last_seq = CADRE_SEQ_MAX;
	answer = world_say_hello(&world, &other);
	assert_int_equal(answer->verdict, CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED);
	world_fini(&world);
}

static void a_fetch_from_inside_a_batch_is_divergence(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	Cadre__V1__FetchAnswer *answer;

	(void)state;
	world_init(&world);
	world_write(&world, 5);
	world_serve(&world);
	meet(&world, &peer);
	peer.last_seq = atomic_load(&world.committed_seq) - 2;
	answer = world_fetch(&world, &peer, MANY, 0);
	assert_int_equal(answer->verdict, CADRE__V1__HELLO_VERDICT__HELLO_DIVERGED);
	assert_int_equal(answer->batches.len, 0);
	world_fini(&world);
}

static void a_fetch_without_a_hello_is_refused(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);

	(void)state;
	world_init(&world);
	world_serve(&world);
	assert_int_equal(world_fetch(&world, &peer, MANY, LONG_MS)->verdict,
	                 CADRE__V1__HELLO_VERDICT__HELLO_NOT_LEADER);
	world_fini(&world);
}

static void what_a_follower_tells_reaches_the_reports(void **state)
{
	struct world world;
	struct peer peer = world_peer(7);
	Cadre__V1__ReplicationRequest *request;
	Cadre__V1__NodeReport report = CADRE__V1__NODE_REPORT__INIT;
	Cadre__V1__DeploymentReport one = CADRE__V1__DEPLOYMENT_REPORT__INIT;
	Cadre__V1__DeploymentReport *deployments[] = { &one };
	Cadre__V1__NodeReport **nodes;
	struct cadre_error err = CADRE_ERROR_INIT;
	char id[] = "d1";
	size_t count;

	(void)state;
	world_init(&world);
	world_serve(&world);
	meet(&world, &peer);
	assert_int_equal(atomic_load(&world.met), 1);
	request = peer_fetch(&world, &peer, MANY, 0);
	report.node_id = id;
	one.deployment_id = id;
	report.deployments = deployments;
	report.n_deployments = 1;
	request->fetch->report = &report;
	assert_non_null(world_answer(&world, world_ask(&world, request)));
	assert_int_equal(atomic_load(&world.met), 2);
	assert_non_null(world_answer(&world, world_ask(&world, request)));
	assert_int_equal(atomic_load(&world.met), 2); /* nothing new */
	assert_ok(cadre_reports_list(world.reports, NULL, 1, 0,
	                             source_now_ms(world.source), &world.commands.arena,
	                             &nodes, &count, &err));
	assert_int_equal(count, 1);
	assert_string_equal(nodes[0]->name, "node-7");
	assert_string_equal(nodes[0]->deployments[0]->deployment_id, "d1");
	world_fini(&world);
}

static void bytes_that_are_no_question_are_refused_and_hurt_nobody(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	struct test_random random = { .state = 5 };
	struct cadre_buffer good = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	world_init(&world);
	world_serve(&world);
	assert_ok(cadre_pack(&peer_hello(&world, &peer)->base, &good, &err));
	for (unsigned i = 0; i < 500; i++) {
		size_t at = test_random_below(&random, good.length);
		uint8_t before = good.data[at];
		size_t length = i % 2 ? good.length
		                      : test_random_below(&random, good.length);
		Cadre__V1__ReplicationAnswer *answer;
		good.data[at] = (uint8_t)test_random_next(&random);
		answer = world_answer(
		        &world, world_ask_bytes(&world, cadre_slice(good.data, length)));
		assert_non_null(answer);
		assert_true(answer->has_status ||
		            answer->body_case ==
		                    CADRE__V1__REPLICATION_ANSWER__BODY_HELLO);
		good.data[at] = before;
	}
	meet(&world, &peer);
	cadre_buffer_fini(&good);
	world_fini(&world);
}

static void a_question_over_the_cap_is_not_even_read(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	Cadre__V1__ReplicationAnswer *answer;
	size_t bytes = CADRE_REPLICATION_QUESTION_BYTES_MAX + 1;
	uint8_t *large = calloc(1, bytes);

	(void)state;
	assert_non_null(large);
	world_init(&world);
	world_serve(&world);
	meet(&world, &peer);
	assert_null(
	        world_answer(&world, world_ask_bytes(&world, cadre_slice(large, bytes))));
	/* The connection went with it; a new one may take more than one question. */
	do
		answer = world_answer(&world,
		                      world_ask(&world, peer_hello(&world, &peer)));
	while (!answer);
	assert_int_equal(answer->hello->verdict, CADRE__V1__HELLO_VERDICT__HELLO_OK);
	free(large);
	world_fini(&world);
}

static Cadre__V1__ReplicationAnswer *open_snapshot(struct world *world, struct peer *peer)
{
	Cadre__V1__ReplicationRequest request = CADRE__V1__REPLICATION_REQUEST__INIT;
	Cadre__V1__SnapshotOpen open = CADRE__V1__SNAPSHOT_OPEN__INIT;

	request.version = 1;
	request.body_case = CADRE__V1__REPLICATION_REQUEST__BODY_SNAPSHOT_OPEN;
	request.snapshot_open = &open;
	open.node_id.data = peer->id;
	open.node_id.len = sizeof peer->id;
	return world_answer(world, world_ask(world, &request));
}

static Cadre__V1__ReplicationAnswer *read_chunk(struct world *world, cadre_seq seq,
                                                uint64_t offset, uint32_t bytes)
{
	Cadre__V1__ReplicationRequest request = CADRE__V1__REPLICATION_REQUEST__INIT;
	Cadre__V1__SnapshotChunkRequest chunk = CADRE__V1__SNAPSHOT_CHUNK_REQUEST__INIT;

	request.version = 1;
	request.body_case = CADRE__V1__REPLICATION_REQUEST__BODY_SNAPSHOT_CHUNK;
	request.snapshot_chunk = &chunk;
	chunk.seq = seq;
	chunk.offset = offset;
	chunk.bytes = bytes;
	return world_answer(world, world_ask(world, &request));
}

static void a_snapshot_is_made_when_somebody_asks_and_sent_in_chunks(void **state)
{
	struct world world;
	struct peer peer = world_peer(1);
	Cadre__V1__ReplicationAnswer *answer;
	Cadre__V1__SnapshotInfo *info;
	uint64_t offset = 0;

	(void)state;
	world_init(&world);
	world_write(&world, 40);
	world_serve(&world);
	answer = open_snapshot(&world, &peer);
	assert_int_equal(answer->status, CADRE_UNAVAILABLE);
	while (answer->has_status) {
		assert_int_equal(answer->status, CADRE_UNAVAILABLE);
		(void)sched_yield();
		answer = open_snapshot(&world, &peer);
	}
	info = answer->snapshot_info;
	assert_int_equal(info->seq, atomic_load(&world.committed_seq));
	assert_true(info->manifest.len > 0);
	while (offset < info->rows_bytes) {
		answer = read_chunk(&world, info->seq, offset, 100);
		assert_int_equal(answer->snapshot_bytes->offset, offset);
		assert_in_range(answer->snapshot_bytes->data.len, 1, 100);
		offset += answer->snapshot_bytes->data.len;
	}
	assert_int_equal(read_chunk(&world, info->seq, UINT64_MAX, 1)->status,
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(read_chunk(&world, info->seq + 1, 0, 1)->status,
	                 CADRE_NOT_FOUND);
	world_fini(&world);
}

/* ---- the ring ---- */

static struct cadre_batch batch_of(uint8_t *bytes, size_t length, cadre_seq first,
                                   uint32_t count)
{
	struct cadre_batch batch = { .header = { .first_seq = first, .count = count },
		                     .bytes = { .data = bytes, .length = length } };

	return batch;
}

static void the_ring_forgets_the_oldest_and_never_has_a_gap(void **state)
{
	static struct source_ring ring;
	static uint8_t bytes[SOURCE_RING_BYTES_MAX / 4];
	struct cadre_batch batch;
	size_t place;

	(void)state;
	for (cadre_seq seq = 1; seq <= 20; seq += 2) {
		batch = batch_of(bytes, sizeof bytes, seq, 2);
		assert_int_equal(ring_push(&ring, &batch), CADRE_OK);
		assert_true(ring.bytes <= SOURCE_RING_BYTES_MAX);
	}
	assert_int_equal(ring.count, 4);
	assert_int_equal(ring_last_seq(&ring), 20);
	assert_null(ring_find(&ring, 12, &place));
	assert_null(ring_find(&ring, 21, &place));
	assert_int_equal(ring_find(&ring, 14, &place)->first_seq, 13);
	assert_int_equal(ring_at(&ring, place + 1)->first_seq, 15);
	/* A batch may be larger than all of it. */
	batch = batch_of(bytes, 10, 30, 1);
	assert_int_equal(ring_push(&ring, &batch), CADRE_OK);
	assert_int_equal(ring.count, 1);
	assert_null(ring_find(&ring, 20, &place));
	for (cadre_seq seq = 31; seq <= 2 * SOURCE_RING_BATCHES; seq++) {
		batch = batch_of(bytes, 10, seq, 1);
		assert_int_equal(ring_push(&ring, &batch), CADRE_OK);
	}
	assert_int_equal(ring.count, SOURCE_RING_BATCHES);
	assert_int_equal(ring_find(&ring, SOURCE_RING_BATCHES + 1, &place)->last_seq,
	                 SOURCE_RING_BATCHES + 1);
	assert_null(ring_find(&ring, SOURCE_RING_BATCHES, &place));
	ring_clear(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leader_that_starts_asks_to_come_again),
		cmocka_unit_test(a_new_follower_gets_the_whole_log_batch_by_batch),
		cmocka_unit_test(
		        a_follower_far_behind_reads_the_log_and_a_near_one_the_ring),
		cmocka_unit_test(followers_catch_up_while_the_log_grows_and_is_sealed),
		cmocka_unit_test(batches_of_an_answer_stay_below_what_was_asked_for),
		cmocka_unit_test(
		        a_follower_that_has_everything_waits_for_the_next_commit),
		cmocka_unit_test(a_wait_without_a_commit_ends_with_nothing),
		cmocka_unit_test(one_commit_wakes_every_follower),
		cmocka_unit_test(stop_answers_who_waits),
		cmocka_unit_test(a_verdict_names_the_leader_and_the_reason),
		cmocka_unit_test(a_fetch_from_inside_a_batch_is_divergence),
		cmocka_unit_test(a_fetch_without_a_hello_is_refused),
		cmocka_unit_test(what_a_follower_tells_reaches_the_reports),
		cmocka_unit_test(bytes_that_are_no_question_are_refused_and_hurt_nobody),
		cmocka_unit_test(a_question_over_the_cap_is_not_even_read),
		cmocka_unit_test(
		        a_snapshot_is_made_when_somebody_asks_and_sent_in_chunks),
		cmocka_unit_test(the_ring_forgets_the_oldest_and_never_has_a_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
