#include "tests/unit/node/leader_world.h"

#include <sched.h>

static void fill_position(struct world *world, const struct cadre_store_status *status)
{
	struct cadre_feed_position *position = &world->position;

	memcpy(position->cluster_id, status->cluster_id, 16);
	memset(position->timeline_id, 't', 16);
	position->epoch = status->log.epoch;
	position->first_seq = status->log_stat.first_seq;
	position->committed_seq = status->committed_seq;
}

static void changed(void *ctx, const struct cadre_store_status *status)
{
	struct world *world = ctx;
	struct cadre_source *source = atomic_load(&world->told);

	fill_position(world, status);
	atomic_store(&world->epoch, status->log.epoch);
	atomic_store(&world->committed_seq, status->committed_seq);
	if (source)
		cadre_source_position(source, &world->position,
		                      cadre_store_watermark(world->store));
}

static void tell(struct cadre_store *store, void *ctx)
{
	struct world *world = ctx;
	struct cadre_store_status status;

	cadre_store_status(store, &status);
	atomic_store(&world->told, world->source);
	changed(world, &status);
}

void world_init(struct world *world)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_init_options init = { .cluster_name = "test",
		                           .segment_bytes = FIXTURE_SEGMENT_BYTES };
	struct cadre_store_options options = { .no_snapshots = true,
		                               .map_bytes = 1u << 30,
		                               .segment_bytes = FIXTURE_SEGMENT_BYTES };

	memset(world, 0, sizeof *world);
	test_make_dir(world->dir, sizeof world->dir);
	snprintf(world->data, sizeof world->data, "%s/data", world->dir);
	snprintf(world->log_dir, sizeof world->log_dir, "%s/log", world->data);
	snprintf(world->snapshot_dir, sizeof world->snapshot_dir, "%s/snapshots",
	         world->data);
	init.dir = options.dir = world->data;
	cadre_arena_init(&world->commands.arena, 256u << 20);
	assert_ok(cadre_store_init(cadre_env_real(), &init, &err));
	assert_ok(cadre_store_open(cadre_env_real(), &options, &world->store, &err));
	assert_ok(cadre_store_thread_start(world->store, changed, world, &world->thread,
	                                   &err));
	world->reports = cadre_reports_create();
	assert_non_null(world->reports);
}

static void count_met(void *ctx)
{
	struct world *world = ctx;

	atomic_fetch_add(&world->met, 1);
}

void world_listen(struct world *world)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const struct cadre_source_options options = {
		.env = cadre_env_real(),
		.address = "tcp://127.0.0.1:0",
		.log_dir = world->log_dir,
		.snapshot_dir = world->snapshot_dir,
		.rpc_address = WORLD_LEADER,
		.thread = world->thread,
		.reports = world->reports,
		.met = count_met,
		.ctx = world,
	};

	assert_ok(cadre_source_start(&options, &world->source, &err));
	snprintf(world->address, sizeof world->address, "tcp://127.0.0.1:%u",
	         (unsigned)cadre_source_address(world->source)->port);
	assert_ok(cadre_asker_create(world->address, 1, 64u << 20, &world->asker, &err));
}

void world_serve(struct world *world)
{
	world_listen(world);
	assert_true(cadre_store_thread_run(world->thread, tell, world));
}

static void untell(struct cadre_store *store, void *ctx)
{
	struct world *world = ctx;

	(void)store;
	atomic_store(&world->told, NULL);
}

void world_stop_serving(struct world *world)
{
	assert_true(cadre_store_thread_run(world->thread, untell, world));
	cadre_source_stop(&world->source);
}

void world_fini(struct world *world)
{
	world_stop_serving(world);
	cadre_asker_destroy(&world->asker);
	cadre_store_thread_stop(world->thread);
	cadre_store_close(world->store);
	cadre_reports_destroy(world->reports);
	cadre_arena_fini(&world->commands.arena);
	test_remove_dir(world->dir);
}

static void call(struct world *world, Cadre__V1__Command **commands, size_t count,
                 struct cadre_result *results)
{
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;
	Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
	struct cadre_request request = { .batch = &batch,
		                         .actor = &actor,
		                         .results = results };
	char principal[] = "tester";

	actor.principal = principal;
	batch.commands = commands;
	batch.n_commands = count;
	cadre_store_thread_call(world->thread, &request);
	test_assert_ok(request.status, &request.err, "command", __FILE__, __LINE__);
}

void world_write(struct world *world, unsigned count)
{
	static struct cadre_result results[256];
	Cadre__V1__Command *commands[256];

	assert_true(count <= 256);
	for (unsigned i = 0; i < count; i++)
		commands[i] = fixture_create_group(&world->commands, "g", i, 1);
	call(world, commands, count, results);
}

struct cadre_result world_do(struct world *world, Cadre__V1__Command *command)
{
	struct cadre_result result;

	call(world, &command, 1, &result);
	return result;
}

/* ---- a follower ---- */

struct peer world_peer(unsigned number)
{
	struct peer peer = { .incarnation = "first" };

	peer.id[0] = (uint8_t)number;
	peer.id[1] = (uint8_t)(number >> 8);
	return peer;
}

static ProtobufCBinaryData binary(uint8_t *data, size_t length)
{
	ProtobufCBinaryData bytes = { .data = data, .len = length };

	return bytes;
}

static Cadre__V1__ReplicationRequest *request_new(struct world *world)
{
	Cadre__V1__ReplicationRequest *request = fixture_alloc(&world->commands,
	                                                       sizeof *request);

	cadre__v1__replication_request__init(request);
	request->version = 1;
	return request;
}

Cadre__V1__ReplicationRequest *peer_hello(struct world *world, struct peer *peer)
{
	Cadre__V1__ReplicationRequest *request = request_new(world);
	Cadre__V1__Hello *hello = fixture_alloc(&world->commands, sizeof *hello);

	cadre__v1__hello__init(hello);
	hello->node_id = binary(peer->id, 16);
	hello->incarnation = binary(peer->incarnation, 16);
	hello->last_seq = peer->last_seq;
	hello->has_chain = true;
	hello->chain = binary(peer->chain.bytes, 32);
	hello->name = fixture_text(&world->commands, "node-%u", (unsigned)peer->id[0]);
	hello->address = fixture_text(&world->commands, "tcp://127.0.0.1:7422");
	request->body_case = CADRE__V1__REPLICATION_REQUEST__BODY_HELLO;
	request->hello = hello;
	return request;
}

Cadre__V1__ReplicationRequest *peer_fetch(struct world *world, struct peer *peer,
                                          uint32_t max_bytes, uint32_t wait_ms)
{
	Cadre__V1__ReplicationRequest *request = request_new(world);
	Cadre__V1__Fetch *fetch = fixture_alloc(&world->commands, sizeof *fetch);

	cadre__v1__fetch__init(fetch);
	fetch->node_id = binary(peer->id, 16);
	fetch->incarnation = binary(peer->incarnation, 16);
	fetch->epoch = atomic_load(&world->epoch);
	fetch->next_seq = peer->last_seq + 1;
	fetch->chain = binary(peer->chain.bytes, 32);
	fetch->max_bytes = max_bytes;
	fetch->wait_ms = wait_ms;
	fetch->durable_seq = fetch->applied_seq = peer->last_seq;
	request->body_case = CADRE__V1__REPLICATION_REQUEST__BODY_FETCH;
	request->fetch = fetch;
	return request;
}

static void ended(void *ctx, enum cadre_status status, bool sent,
                  struct cadre_slice reply, const struct cadre_error *err)
{
	struct asking *asking = ctx;

	(void)sent;
	(void)err;
	pthread_mutex_lock(&asking->lock);
	asking->status = status;
	if (status == CADRE_OK &&
	    cadre_buffer_append(&asking->reply, reply.data, reply.length) != CADRE_OK)
		asking->status = CADRE_OUT_OF_MEMORY;
	asking->done = true;
	pthread_cond_signal(&asking->ended);
	pthread_mutex_unlock(&asking->lock);
}

struct asking *world_ask_bytes(struct world *world, struct cadre_slice bytes)
{
	struct asking *asking = calloc(1, sizeof *asking);
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_question *question;
	uint8_t *body;

	assert_non_null(asking);
	pthread_mutex_init(&asking->lock, NULL);
	pthread_cond_init(&asking->ended, NULL);
	assert_ok(
	        cadre_question_begin(world->asker, bytes.length, &question, &body, &err));
	if (bytes.length > 0)
		memcpy(body, bytes.data, bytes.length);
	cadre_question_send(question, 20000, 60000, ended, asking);
	return asking;
}

struct asking *world_ask(struct world *world,
                         const Cadre__V1__ReplicationRequest *request)
{
	struct cadre_buffer packed = { 0 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct asking *asking;

	assert_ok(cadre_pack(&request->base, &packed, &err));
	asking = world_ask_bytes(world, cadre_buffer_slice(&packed));
	cadre_buffer_fini(&packed);
	return asking;
}

Cadre__V1__ReplicationAnswer *world_answer(struct world *world, struct asking *asking)
{
	const struct cadre_wire_limits limits = { .bytes_max = 64u << 20,
		                                  .depth_max = CADRE_WIRE_DEPTH_MAX,
		                                  .fields_base = 1024,
		                                  .bytes_per_field = 8 };
	ProtobufCMessage *message = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;

	pthread_mutex_lock(&asking->lock);
	while (!asking->done)
		pthread_cond_wait(&asking->ended, &asking->lock);
	pthread_mutex_unlock(&asking->lock);
	if (asking->status == CADRE_OK)
		assert_ok(cadre_unpack_within(&cadre__v1__replication_answer__descriptor,
		                              cadre_buffer_slice(&asking->reply), &limits,
		                              &world->commands.arena, &message, &err));
	pthread_cond_destroy(&asking->ended);
	pthread_mutex_destroy(&asking->lock);
	cadre_buffer_fini(&asking->reply);
	free(asking);
	return (Cadre__V1__ReplicationAnswer *)(void *)message;
}

Cadre__V1__HelloAnswer *world_say_hello(struct world *world, struct peer *peer)
{
	Cadre__V1__ReplicationAnswer *answer =
	        world_answer(world, world_ask(world, peer_hello(world, peer)));

	assert_non_null(answer);
	assert_int_equal(answer->body_case, CADRE__V1__REPLICATION_ANSWER__BODY_HELLO);
	return answer->hello;
}

Cadre__V1__FetchAnswer *world_fetch(struct world *world, struct peer *peer,
                                    uint32_t max_bytes, uint32_t wait_ms)
{
	Cadre__V1__ReplicationAnswer *answer = world_answer(
	        world, world_ask(world, peer_fetch(world, peer, max_bytes, wait_ms)));

	assert_non_null(answer);
	if (answer->has_status)
		fail_msg("fetch: %s", answer->message);
	assert_int_equal(answer->body_case, CADRE__V1__REPLICATION_ANSWER__BODY_FETCH);
	return answer->fetch;
}

unsigned peer_take(struct peer *peer, const Cadre__V1__FetchAnswer *answer)
{
	struct cadre_slice left = cadre_slice(answer->batches.data, answer->batches.len);
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_batch batch;
	unsigned count = 0;

	while (left.length > 0) {
		assert_ok(cadre_batch_scan(left, &batch, &err));
		assert_int_equal(batch.header.first_seq, peer->last_seq + 1);
		assert_ok(cadre_batch_check_chain(&batch, &peer->chain, &err));
		peer->last_seq = cadre_batch_last_seq(&batch.header);
		peer->chain = batch.header.chain;
		left.data += batch.bytes.length;
		left.length -= batch.bytes.length;
		count++;
	}
	return count;
}

void world_wait_parked(struct world *world, unsigned count)
{
	struct cadre_metrics *metrics = cadre_source_metrics(world->source);

	while (cadre_metric_value(metrics, SOURCE_PARKED) != count)
		(void)sched_yield();
}
