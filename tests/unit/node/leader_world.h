/* A leader's store with its loop and replication socket in this process, and ways to ask
 * it as a follower does. */
#ifndef TESTS_UNIT_NODE_LEADER_WORLD_H
#define TESTS_UNIT_NODE_LEADER_WORLD_H

#include <pthread.h>
#include <stdatomic.h>

#include "replica/node/source_internal.h"
#include "replica/transport/asker.h"
#include "tests/unit/store/store_fixture.h"

#define WORLD_LEADER "tcp://127.0.0.1:1"

struct world {
	char dir[256];
	char data[300];
	char log_dir[320];
	char snapshot_dir[320];
	char address[64];
	struct cadre_store *store;
	struct cadre_store_thread *thread;
	struct cadre_reports *reports;
	struct cadre_source *source;
	struct cadre_asker *asker;
	struct fixture commands; /* its arena */
	_Atomic(struct cadre_source *) told;
	atomic_uint met;
	struct cadre_feed_position position; /* the loop's alone */
	_Atomic cadre_epoch epoch;
	_Atomic cadre_seq committed_seq;
};

/* Store, loop and reports. */
void world_init(struct world *world);
/* The socket; its position is told from here on. */
void world_serve(struct world *world);
/* The socket, without a position. */
void world_listen(struct world *world);
void world_stop_serving(struct world *world);
void world_fini(struct world *world);

/* So many groups made by one batch of commands. */
void world_write(struct world *world, unsigned count);
/* One command, done. */
struct cadre_result world_do(struct world *world, Cadre__V1__Command *command);

/* ---- a follower ---- */

struct peer {
	uint8_t id[16];
	uint8_t incarnation[16];
	cadre_seq last_seq;
	struct cadre_sha256 chain;
};
struct peer world_peer(unsigned number);
/* Questions of it; what they hold lives in `peer` and the world. */
Cadre__V1__ReplicationRequest *peer_hello(struct world *world, struct peer *peer);
Cadre__V1__ReplicationRequest *peer_fetch(struct world *world, struct peer *peer,
                                          uint32_t max_bytes, uint32_t wait_ms);

struct asking {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
	enum cadre_status status; /* of the transport */
	struct cadre_buffer reply;
	Cadre__V1__ReplicationAnswer *answer;
};
/* Sends; ends with world_answer(). */
struct asking *world_ask(struct world *world,
                         const Cadre__V1__ReplicationRequest *request);
struct asking *world_ask_bytes(struct world *world, struct cadre_slice bytes);
/* Waits. NULL when there is no answer; lives in the world's arena. */
Cadre__V1__ReplicationAnswer *world_answer(struct world *world, struct asking *asking);
/* Both, and there is an answer of the kind that was asked for. */
Cadre__V1__HelloAnswer *world_say_hello(struct world *world, struct peer *peer);
Cadre__V1__FetchAnswer *world_fetch(struct world *world, struct peer *peer,
                                    uint32_t max_bytes, uint32_t wait_ms);
/* Checks and takes the batches of an answer: how many. */
unsigned peer_take(struct peer *peer, const Cadre__V1__FetchAnswer *answer);

/* Until so many are parked. */
void world_wait_parked(struct world *world, unsigned count);

#endif
