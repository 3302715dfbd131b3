/*
 * The prediction socket of a node: PredictStart, PredictNext, PredictCancel over nng
 * REQ/REP, apart from the RPC so that large bodies never stand before commands.
 *
 * A start resolves deployment and key through the agent's routes and holds the route
 * until the stream has ended: a request ends on the version it resolved. Chunks are
 * numbered from 1 and may be asked for again; a stream nobody asks for is cancelled
 * after 30 s.
 *
 * Statuses: NOT_FOUND (deployment or key; of a Next: the stream), UNAVAILABLE (member not
 * ready: its state; nothing was started; or the worker died: started), TOO_LARGE,
 * TOO_MANY_REQUESTS (256 MiB of bodies or all workers' places taken; nothing was
 * started), DEADLINE, and what the worker says.
 * `started` of an answer says whether a worker may have begun: only when it did not,
 * asking elsewhere is safe. docs/PREDICT.md is the contract for clients.
 *
 * Threads: a pool of its own calls workers; nng's threads never wait for one.
 */
#ifndef CADRE_AGENT_PREDICT_SERVER_H
#define CADRE_AGENT_PREDICT_SERVER_H

#include "engine/base/metrics.h"
#include "replica/agent/agent.h"
#include "replica/agent/predict_wire.h"
#include "replica/transport/address.h"

/* Bodies whose inference has not answered yet, and chunks that are kept. */
#define CADRE_PREDICT_BYTES_IN_FLIGHT_MAX ((size_t)256 << 20)
/* Predictions that are being started or streamed. Each parks one exchange at most; the
 * 128 that are left are for repeated questions and cancels. */
#define CADRE_PREDICT_PLACES_MAX 896u
/* Clients ask many questions over one connection: gateways and command lines. */
#define CADRE_PREDICT_CONNECTIONS_MAX 256u

struct cadre_predict_server;

/* Which model answers a key: cadre_agent_route() and cadre_agent_release(). Called on
 * the pool's threads, many at once. */
struct cadre_predict_router {
	enum cadre_status (*route)(void *ctx, const char *compartment,
	                           const char *deployment, const char *key,
	                           struct cadre_agent_route *ret_route,
	                           struct cadre_error *err);
	void (*release)(void *ctx, struct cadre_agent_route *route);
	void *ctx;
};

/* Zero and NULL mean the default. */
struct cadre_predict_options {
	const char *address; /* tcp://127.0.0.1:7422 */
	bool insecure;
	unsigned threads;         /* inferences asked for at once; 64 */
	unsigned connections_max; /* CADRE_PREDICT_CONNECTIONS_MAX */
	unsigned places_max;      /* CADRE_PREDICT_PLACES_MAX, and at most that */
	uint32_t idle_ms;         /* a stream nobody asks for is cancelled; 30,000 */
	size_t bytes_max;         /* CADRE_PREDICT_BYTES_IN_FLIGHT_MAX */
	struct cadre_agent *agent;
	struct cadre_predict_router router; /* instead of the agent */
	struct cadre_log_sink *sink;
};

/* Listens on return. Errors: as cadre_answerer_start(). */
CADRE_MUST_CHECK enum cadre_status
cadre_predict_start(const struct cadre_predict_options *options,
                    struct cadre_predict_server **ret_server, struct cadre_error *err);
/* Refuses new starts, gives what runs `grace_ms`, then cancels it. Takes NULL; nulls the
 * pointer. Before cadre_agent_stop(). */
void cadre_predict_stop(struct cadre_predict_server **server, uint32_t grace_ms);
const struct cadre_address *
cadre_predict_address(const struct cadre_predict_server *server);
struct cadre_metrics *cadre_predict_metrics(struct cadre_predict_server *server);

#endif
