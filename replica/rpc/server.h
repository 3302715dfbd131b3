/*
 * The RPC server: envelopes in, answers out.
 *
 * Normal sequence of an envelope: scanned and unpacked into a bounded arena, version
 * and actor checked; a read-your-writes token waited for; then its operations in
 * order. Reads run on the thread that received them (nng's), each in a fresh
 * snapshot of a kept read view. Neighbouring batches are submitted to the store
 * together; a read behind them sees what they did. The answer is packed straight
 * into the message that is sent.
 *
 * Waiting (for the store, for a position, for an event) blocks no thread: the call
 * is parked, and the server's one thread, the keeper, goes on with it.
 *
 * Operations on blobs touch the disk: a small pool of threads runs them, one a call.
 *
 * Limits: CADRE_RPC_PARKED_MAX calls and CADRE_RPC_PARKED_BYTES_MAX of their memory
 * may be parked, half of them to wait for a position or an event, and a quarter per
 * principal who is named; beyond that CADRE_TOO_MANY_REQUESTS at once, so that reads
 * always find an exchange. A wait ends with its caller's connection. Answers are at most CADRE_MESSAGE_BYTES_MAX: larger results are refused one by one with
 * CADRE_LIMIT_EXCEEDED.
 *
 * Order of life: store open -> create -> cadre_store_watch(store, watch) -> store
 * thread start -> listen -> ... -> stop (drains: commands under way are answered,
 * waiting reads end) -> store thread stop -> cadre_store_watch(store, NULL) ->
 * destroy -> store close.
 *
 * Locks: replica/README.md.
 */
#ifndef CADRE_RPC_SERVER_H
#define CADRE_RPC_SERVER_H

#include "cadre/v1/rpc.pb-c.h"
#include "engine/base/metrics.h"
#include "engine/blob/blob.h"
#include "engine/store/thread.h"
#include "replica/transport/address.h"

#define CADRE_RPC_PORT 7420u
#define CADRE_RPC_VERSION 1u
/* Three quarters of the exchanges: the rest is for reads. */
#define CADRE_RPC_PARKED_MAX 768u
#define CADRE_RPC_PARKED_BYTES_MAX ((size_t)512 << 20)
/* Of an envelope that gives no deadline, and the most one may give. */
#define CADRE_RPC_DEADLINE_MS 60000u
#define CADRE_RPC_DEADLINE_MS_MAX 600000u
#define CADRE_RPC_WATCH_MS_MAX 30000u
/* Calls about blobs that wait for the pool: half of the parked bytes at most. */
#define CADRE_RPC_BLOB_CALLS_MAX 32u
/* Of a principal's unfinished uploads. */
#define CADRE_RPC_BLOB_OWNER_BYTES_MAX ((uint64_t)1 << 40)

struct cadre_rpc_server;

/* What the daemon knows and the views do not. Each may be NULL. Called on any
 * thread; results live in `arena`; must not block. */
struct cadre_rpc_hooks {
	/* Who asks. `io_actor` holds the answer of open mode: "local", or whom it acts
	 * for. A refusal refuses the envelope. */
	enum cadre_status (*actor)(void *ctx, uint32_t peer,
	                           const Cadre__V1__Request *request,
	                           struct cadre_arena *arena, Cadre__V1__Actor *io_actor,
	                           struct cadre_error *err);
	/* Completes what views and control page told. */
	enum cadre_status (*status)(void *ctx, struct cadre_arena *arena,
	                            Cadre__V1__StatusResult *io_status,
	                            struct cadre_error *err);
	enum cadre_status (*model_states)(void *ctx, struct cadre_arena *arena,
	                                  const Cadre__V1__Resource *deployment,
	                                  Cadre__V1__ModelStatesResult *io_states,
	                                  struct cadre_error *err);
	enum cadre_status (*endpoints)(void *ctx, struct cadre_arena *arena,
	                               const Cadre__V1__Resource *deployment,
	                               Cadre__V1__EndpointsResult *io_endpoints,
	                               struct cadre_error *err);
	/* The leader's address, in the arena; NULL when unknown. */
	const char *(*leader)(void *ctx, struct cadre_arena *arena);
	/* Instead of cadre_store_thread_submit(). */
	void (*submit)(void *ctx, Cadre__V1__AckLevel ack, struct cadre_request *request);
	void *ctx;
};

struct cadre_rpc_options {
	const char *address; /* port CADRE_RPC_PORT unless it says otherwise */
	bool insecure;
	unsigned exchanges;       /* 0: CADRE_EXCHANGES_MAX */
	unsigned connections_max; /* 0: CADRE_CONNECTIONS_MAX */
	unsigned parked_max;      /* 0: CADRE_RPC_PARKED_MAX */
	struct cadre_env *env;
	const char *log_dir; /* for watch and logs; NULL: they are not answered */
	/* Where artifacts are kept; a command that names one is decided only when it is
	 * durable there. NULL: no blobs are kept here, who asks for them is sent to the
	 * leader. Not closed before destroy. */
	struct cadre_blobs *blobs;
	/* The store's; its watermark is what resolve at a time goes by. Mapped until
	 * destroy. */
	const struct cadre_control_page *page;
	struct cadre_rpc_hooks hooks;
};

/* Ownership: `options` and its texts are copied. */
CADRE_MUST_CHECK enum cadre_status
cadre_rpc_create(const struct cadre_rpc_options *options,
                 struct cadre_rpc_server **ret_server, struct cadre_error *err);
/* For cadre_store_watch(), directly or out of the daemon's own watch. */
struct cadre_store_watch cadre_rpc_watch(struct cadre_rpc_server *server);
/* Serves from here on. `thread` may be NULL with a submit hook.
 * Errors: as cadre_answerer_start(). */
CADRE_MUST_CHECK enum cadre_status cadre_rpc_listen(struct cadre_rpc_server *server,
                                                    struct cadre_store_thread *thread,
                                                    struct cadre_error *err);
const struct cadre_address *cadre_rpc_address(const struct cadre_rpc_server *server);
/* New envelopes are refused with CADRE_UNAVAILABLE; returns when every call under
 * way is answered. The store's loop must still run. Takes NULL. */
void cadre_rpc_stop(struct cadre_rpc_server *server);
/* After stop. Takes NULL; nulls the pointer. */
void cadre_rpc_destroy(struct cadre_rpc_server **server);
/* Counters of the server. Ownership: the server's. */
struct cadre_metrics *cadre_rpc_metrics(struct cadre_rpc_server *server);

#endif
