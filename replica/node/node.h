/*
 * A running node: store, RPC, replication and agent wired together.
 *
 *   leader     store loop + RPC server + source (replication socket) + rollout loop
 *   follower   store loop + RPC server (reads) + puller + agent with its workers and
 *              the prediction socket
 *
 * start: returns when the node serves: the leader decides, the follower answers reads
 *   from what it holds (perhaps nothing yet). A follower whose directory is empty or
 *   absent is made there and then. Recovery and rebuild happen inside start and tell `progress`.
 * stop: refuses new commands, finishes what is under way, ends waiting reads, stops
 *   aios before sockets, syncs the views and marks them clean.
 * Failure: after a failed write or sync of the log cadre_node_failed() turns true and
 *   the process must end with exit code 75: what the kernel says later does not count.
 *
 * Threads: start and stop on one thread; the rest on any.
 * Locks: replica/README.md.
 */
#ifndef CADRE_NODE_NODE_H
#define CADRE_NODE_NODE_H

#include "engine/base/bytes.h"
#include "engine/base/log_sink.h"
#include "engine/env/env.h"
#include "engine/snapshot/snapshot.h"
#include "replica/agent/agent.h"
#include "replica/transport/address.h"

#define CADRE_REPLICATION_PORT 7421u

enum cadre_node_role { CADRE_NODE_LEADER, CADRE_NODE_FOLLOWER };

struct cadre_node;

/* Zero and NULL mean the default. Ownership: borrowed until stop. */
struct cadre_node_options {
	const char *dir;
	enum cadre_node_role role;
	const char *listen;             /* RPC; tcp://127.0.0.1:7420 */
	const char *replication_listen; /* leader; tcp://127.0.0.1:7421 */
	const char *predict_listen;     /* follower; tcp://127.0.0.1:7422 */
	/* As others reach these sockets; the address that is listened on. */
	const char *advertise;         /* leader: of the RPC */
	const char *predict_advertise; /* follower */
	const char *join;              /* follower: the leader's replication address */
	const char *name;              /* the host's name */
	const Cadre__V1__NameValue *const *labels;
	size_t label_count;
	bool insecure; /* plain text on addresses that are not loopback */
	uint64_t segment_bytes;
	uint64_t map_bytes;
	unsigned snapshots_kept;
	bool rebuild_views;
	bool guard_crashes;     /* programs: as in struct cadre_store_options */
	uint32_t fetch_wait_ms; /* follower: a Fetch is parked so long; 10,000 */
	uint32_t answer_ms;     /* follower: the leader's time for an answer; 5,000 */
	/* agent.program.path NULL: no worker, no prediction socket. dir, log and names
	 * are filled by the node. */
	struct cadre_agent_options agent;
	struct cadre_log_sink *sink;
	cadre_progress_fn progress; /* of recovery, rebuild and bootstrap; any thread */
	void *progress_ctx;
	/* Something must be looked at: cadre_node_failed(). Any thread; may be NULL. */
	void (*attention)(void *ctx);
	void *attention_ctx;
};

/* Errors: as cadre_store_open(), cadre_rpc_listen(); CADRE_INVALID_PARAMETER names
 * the option. Nothing is left behind. */
CADRE_MUST_CHECK enum cadre_status
cadre_node_start(struct cadre_env *env, const struct cadre_node_options *options,
                 struct cadre_node **ret_node, struct cadre_error *err);
/* Takes NULL; nulls the pointer. At most about 5 s. */
void cadre_node_stop(struct cadre_node **node);

/* The log failed: exit with 75. */
bool cadre_node_failed(struct cadre_node *node);

enum cadre_node_socket { CADRE_NODE_RPC, CADRE_NODE_REPLICATION, CADRE_NODE_PREDICT };
/* With the port that was chosen for port 0; NULL when the node has no such socket. */
const struct cadre_address *cadre_node_address(const struct cadre_node *node,
                                               enum cadre_node_socket socket);

/* Whether to send requests here: a leader that decides; a follower that a leader has
 * accepted and whose views are at most 10 s behind, also when the leader went away after
 * that. Else a sentence that says why not and what is being done. */
bool cadre_node_ready(struct cadre_node *node, char *why, size_t capacity);
/* The Prometheus text of every part. CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadre_node_metrics_text(struct cadre_node *node,
                                                           struct cadre_buffer *out);
/* Takes over what may change while running: name and labels. What `options` points to
 * is borrowed until stop. */
void cadre_node_reload(struct cadre_node *node, const struct cadre_node_options *options);

#endif
