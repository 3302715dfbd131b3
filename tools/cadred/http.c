#include "tools/cadred/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/common/json_write.h"

enum {
	CONNECTIONS_MAX = 64,
	/* From here on the oldest connection gives its place up to the next: no place is
	 * ever waited for, whoever sends how slowly. */
	CONNECTIONS_KEPT = CONNECTIONS_MAX - 8,
	SILENCE_S = 10,
	CONNECTION_BYTES = 16384,
};

/* In the order of their start; the library's thread alone touches them. */
struct connection {
	struct connection *older;
	struct connection *newer;
	int fd;
	bool ending;
};

struct cadred_http {
	struct MHD_Daemon *daemon;
	struct cadred_health *health;
	struct connection *oldest;
	struct connection *newest;
	unsigned kept; /* without those that are ending */
};

#define JSON_TYPE "application/json"
#define TEXT_TYPE "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Sends a copy of the body. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned code,
                              const char *type, const void *body, size_t length)
{
	/* A copy of our own: the library's call that copies takes no const. */
	void *copy = malloc(length + 1);
	enum MHD_Result result = MHD_NO;
	struct MHD_Response *response;

	if (!copy)
		return MHD_NO;
	memcpy(copy, body, length);
	response = MHD_create_response_from_buffer(length, copy, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(copy);
		return MHD_NO;
	}
	if (MHD_add_response_header(response, "Content-Type", type) == MHD_YES &&
	    MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
	    (code != MHD_HTTP_METHOD_NOT_ALLOWED ||
	     MHD_add_response_header(response, "Allow", "GET, HEAD") == MHD_YES))
		result = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned code,
                                   const char *text)
{
	return answer(connection, code, TEXT_TYPE, text, strlen(text));
}

static void write_state(struct cadre_json *json, const struct cadred_state *state)
{
	static const char *const phases[] = {
		[CADRED_STARTING] = "starting",
		[CADRED_SERVING] = "serving",
		[CADRED_STOPPING] = "stopping",
	};

	cadre_json_begin(json, '{');
	cadre_json_key_bool(json, "ready", state->ready);
	cadre_json_key_text(json, "phase", phases[state->phase]);
	if (!state->ready)
		cadre_json_key_text(json, "reason", state->reason);
	if (state->percent_known) {
		cadre_json_key(json, "percent");
		cadre_json_real(json, (double)(int)(state->percent * 10) / 10);
	}
	if (state->left_known)
		cadre_json_key_u64(json, "secondsLeft", state->left_s);
	cadre_json_end(json, '}');
	cadre_json_raw(json, "\n");
}

static enum MHD_Result answer_ready(struct cadred_http *http,
                                    struct MHD_Connection *connection)
{
	struct cadre_json json = { 0 };
	struct cadred_state state;
	enum MHD_Result result = MHD_NO;

	cadred_health_state(http->health, &state);
	write_state(&json, &state);
	if (cadre_json_status(&json, NULL) == CADRE_OK)
		result = answer(connection,
		                state.ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
		                JSON_TYPE, json.text.data, json.text.length);
	cadre_json_fini(&json);
	return result;
}

static enum MHD_Result answer_metrics(struct cadred_http *http,
                                      struct MHD_Connection *connection)
{
	struct cadre_buffer text = { 0 };
	enum MHD_Result result = MHD_NO;

	if (cadred_health_metrics(http->health, &text) == CADRE_OK)
		result = answer(connection, MHD_HTTP_OK, METRICS_TYPE, text.data,
		                text.length);
	else
		result = answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
		                     "out of memory\n");
	cadre_buffer_fini(&text);
	return result;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection,
                              const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **request)
{
	struct cadred_http *http = ctx;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	cadre_metric_add(http->health->metrics, CADRED_METRIC_REQUESTS, 1);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
		                   "GET and HEAD only\n");
	if (strcmp(url, "/healthz") == 0)
		return answer_text(connection, MHD_HTTP_OK, "alive\n");
	if (strcmp(url, "/readyz") == 0)
		return answer_ready(http, connection);
	if (strcmp(url, "/metrics") == 0)
		return answer_metrics(http, connection);
	return answer_text(connection, MHD_HTTP_NOT_FOUND,
	                   "there are /healthz, /readyz and /metrics\n");
}

/* ---- connections ---- */

static void end_oldest(struct cadred_http *http)
{
	struct connection *at = http->oldest;

	while (at && at->ending)
		at = at->newer;
	if (!at)
		return;
	at->ending = true;
	http->kept--;
	/* The library finds its end, and closes it. */
	(void)shutdown(at->fd, SHUT_RDWR);
}

static void keep_connection(struct cadred_http *http, struct MHD_Connection *connection,
                            void **socket_context)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *at = info ? calloc(1, sizeof *at) : NULL;

	*socket_context = at;
	if (!at)
		return;
	at->fd = info->connect_fd;
	at->older = http->newest;
	*(http->newest ? &http->newest->newer : &http->oldest) = at;
	http->newest = at;
	if (++http->kept > CONNECTIONS_KEPT)
		end_oldest(http);
}

static void forget_connection(struct cadred_http *http, struct connection *at)
{
	*(at->older ? &at->older->newer : &http->oldest) = at->newer;
	*(at->newer ? &at->newer->older : &http->newest) = at->older;
	http->kept -= at->ending ? 0 : 1;
	free(at);
}

static void connection_event(void *ctx, struct MHD_Connection *connection,
                             void **socket_context,
                             enum MHD_ConnectionNotificationCode event)
{
	if (event == MHD_CONNECTION_NOTIFY_STARTED)
		keep_connection(ctx, connection, socket_context);
	else if (*socket_context)
		forget_connection(ctx, *socket_context);
}

/* ---- start and stop ---- */

static enum cadre_status look_up(const struct cadre_address *address,
                                 struct addrinfo **ret_found, struct cadre_error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		                        .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	char port[8];
	int code;

	snprintf(port, sizeof port, "%u", address->port);
	code = getaddrinfo(address->host, port, &hints, ret_found);
	if (code == 0)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_UNAVAILABLE, "looking up \"%s\": %s",
	                       address->host, gai_strerror(code));
}

static enum cadre_status listen_failed(const struct cadre_address *address, int cause,
                                       struct cadre_error *err)
{
	enum cadre_status status = cause == EADDRINUSE ? CADRE_CONFLICT
	                                               : CADRE_UNAVAILABLE;

	return cadre_error_set(err, status, "http-listen: listening on \"%s:%u\": %s",
	                       address->host, address->port, strerror(cause));
}

static enum cadre_status start_on(struct cadred_http *http,
                                  const struct cadre_address *address,
                                  const struct addrinfo *found, struct cadre_error *err)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;

	if (found->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	errno = 0;
	http->daemon = MHD_start_daemon(
	        flags, 0, NULL, NULL, handle, http, MHD_OPTION_SOCK_ADDR, found->ai_addr,
	        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
	        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
	        MHD_OPTION_NOTIFY_CONNECTION, connection_event, http, MHD_OPTION_END);
	return http->daemon ? CADRE_OK : listen_failed(address, errno, err);
}

enum cadre_status cadred_http_start(const struct cadre_address *address,
                                    struct cadred_health *health,
                                    struct cadred_http **ret_http,
                                    struct cadre_address *ret_address,
                                    struct cadre_error *err)
{
	struct cadred_http *http = calloc(1, sizeof *http);
	const union MHD_DaemonInfo *info;
	struct addrinfo *found = NULL;
	enum cadre_status status;

	if (!http)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "http: out of memory");
	http->health = health;
	status = look_up(address, &found, err);
	if (status == CADRE_OK)
		status = start_on(http, address, found, err);
	if (found)
		freeaddrinfo(found);
	if (status != CADRE_OK) {
		free(http);
		return status;
	}
	*ret_address = *address;
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
	if (info)
		ret_address->port = info->port;
	*ret_http = http;
	return CADRE_OK;
}

void cadred_http_stop(struct cadred_http **http)
{
	if (!http || !*http)
		return;
	MHD_stop_daemon((*http)->daemon);
	free(*http);
	*http = NULL;
}
