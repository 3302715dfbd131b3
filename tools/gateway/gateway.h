/*
 * The gateway as a whole: HTTP in front, the cluster behind, nothing kept between
 * requests but connections and the position of the last write.
 *
 * Normal sequence of a request: a thread of the HTTP library reads headers and body
 * (http.c), the connection is put aside and the request queued (pool.c); a thread of
 * the pool finds who asks (auth.h), runs the route's handler (router.h), which asks the
 * cluster and writes the answer; the connection goes on and the answer is sent. An
 * answer may be a stream (stream.h): its handler then goes on while it is sent.
 *
 * Stop: no more connections, streams end, what is under way is answered, then the
 * library's threads and the client end.
 */
#ifndef CADRE_TOOLS_GATEWAY_H
#define CADRE_TOOLS_GATEWAY_H

#include <stdatomic.h>

#include "engine/base/log_sink.h"
#include "replica/rpc/cadre_client.h"
#include "tools/gateway/options.h"

/* Requests that wait for a thread of the pool, for each of its threads. */
#define GATEWAY_QUEUED_PER_THREAD 64u

struct gateway_auth;
struct gateway_nodes;
struct gateway_pool;
struct gateway_http;

struct gateway {
	const struct cadre_config *config;
	struct cadre_log_sink *log;
	struct cadre_client *client;
	struct gateway_auth *auth;
	struct gateway_nodes *nodes;   /* prediction sockets; nodes.h */
	struct gateway_pool *calls;    /* threads that wait for the cluster */
	struct gateway_pool *predicts; /* and for workers */
	struct gateway_pool *watches;  /* and for events */
	struct gateway_http *http;
	size_t body_max, predict_max;
	uint32_t call_ms, predict_ms, request_ms, idle_ms;
	bool no_auth;
	bool tls;
	atomic_bool stopping;
	atomic_ullong requests; /* makes request ids unlike */
};

/* Serves until gateway_stop(). `config` is borrowed. `ret_listen` is where it listens.
 * Errors: CADRE_INVALID_PARAMETER, CADRE_NOT_AUTHORIZED, CADRE_CONFLICT (the port is
 * taken), CADRE_UNAVAILABLE, CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status gateway_start(const struct cadre_config *config,
                                                 struct cadre_log_sink *log,
                                                 struct gateway **ret_gateway,
                                                 struct cadre_address *ret_listen,
                                                 struct cadre_error *err);
/* Takes NULL; nulls the pointer. */
void gateway_stop(struct gateway **gateway);

uint64_t gateway_now_ns(void);
cadre_time_ms gateway_now_ms(void);
#define GATEWAY_SAY(gateway, level, event, ...)                                    \
	cadre_log_line((gateway)->log, gateway_now_ms(), CADRE_LOG_##level, event, \
	               __VA_ARGS__)

#endif
