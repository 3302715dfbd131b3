/*
 * The prediction socket of a node: PredictStart, PredictNext, PredictCancel over nng
 * REQ/REP, apart from the RPC so that large bodies never stand before commands.
 *
 * A start resolves deployment and key through the agent's routes and holds the route
 * until the stream has ended: a request ends on the version it resolved. Chunks are
 * numbered from 1 and may be asked for again; a stream nobody asks for is cancelled
 * after 30 s.
 *
 * Statuses: NOT_FOUND (deployment or key), UNAVAILABLE (member not ready: its state;
 * nothing was started), TOO_LARGE, TOO_MANY_REQUESTS (256 MiB of bodies or all workers'
 * places taken; nothing was started), DEADLINE, and what the worker says.
 * `started` of an answer says whether a worker may have begun: only when it did not,
 * asking elsewhere is safe.
 *
 * Threads: a pool of its own calls workers; nng's threads never wait for one.
 */
#ifndef CADRE_AGENT_PREDICT_SERVER_H
#define CADRE_AGENT_PREDICT_SERVER_H

#include "engine/base/metrics.h"
#include "replica/agent/agent.h"
#include "replica/transport/address.h"

#define CADRE_PREDICT_PORT 7422u
#define CADRE_PREDICT_BODY_BYTES_MAX ((size_t)10 << 20)
#define CADRE_PREDICT_MESSAGE_BYTES_MAX \
	(CADRE_PREDICT_BODY_BYTES_MAX + ((size_t)64 << 10))
#define CADRE_PREDICT_BYTES_IN_FLIGHT_MAX ((size_t)256 << 20)

struct cadre_predict_server;

/* Zero and NULL mean the default. */
struct cadre_predict_options {
	const char *address;
	bool insecure;
	unsigned threads; /* inferences asked for at once; 64 */
	struct cadre_agent *agent;
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
