#include "tools/gateway/http.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tools/gateway/connections.h"
#include "tools/gateway/exchange.h"

/* Descriptors for other things than connections. */
#define DESCRIPTORS_BESIDES 200u
#define BLOCK_BYTES 16384u
#define TLS_FILE_BYTES_MAX ((size_t)1 << 20)

struct gateway_http {
	struct MHD_Daemon *daemon;
	struct gateway *gateway;
	struct gateway_connections *connections;
	struct cadre_buffer certificate, key; /* NUL at the end */
	MHD_socket listener;                  /* after quiesce */
};

static struct gateway_connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void expect(struct gateway_http *http, struct MHD_Connection *connection,
                   uint32_t ms)
{
	gateway_connection_expect(http->connections, connection_of(connection), ms);
}

/* ---- answers ---- */

static ssize_t read_stream(void *ctx, uint64_t position, char *bytes, size_t capacity)
{
	size_t length = 0;

	(void)position;
	switch (gateway_stream_read(ctx, bytes, capacity, &length)) {
	case GATEWAY_STREAM_ENDED:
		return MHD_CONTENT_READER_END_OF_STREAM;
	case GATEWAY_STREAM_BROKEN:
		return MHD_CONTENT_READER_END_WITH_ERROR;
	case GATEWAY_STREAM_OPEN:
		break;
	}
	return (ssize_t)length;
}

static void close_stream(void *ctx)
{
	gateway_stream_abandon(ctx);
	gateway_stream_unref(ctx);
}

static struct MHD_Response *make_response(struct gateway_answer *answer)
{
	struct cadre_buffer *body = &answer->json.text;
	struct MHD_Response *response;

	if (!answer->stream)
		return MHD_create_response_from_buffer(answer->type ? body->length : 0,
		                                       body->data,
		                                       MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_callback(
	        MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream,
	        gateway_stream_ref(answer->stream), close_stream);
	if (!response)
		close_stream(answer->stream);
	return response;
}

static enum MHD_Result send_answer(struct gateway_http *http,
                                   struct gateway_request *request)
{
	struct gateway_answer *answer = &request->answer;
	struct MHD_Response *response = make_response(answer);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	expect(http, request->connection,
	       answer->stream ? 0 : 2 * http->gateway->request_ms);
	if (answer->type)
		MHD_add_response_header(response, "content-type", answer->type);
	MHD_add_response_header(response, "opc-request-id", request->id);
	MHD_add_response_header(response, "cache-control", "no-store");
	MHD_add_response_header(response, "x-content-type-options", "nosniff");
	for (size_t i = 0; i < answer->header_count; i++)
		MHD_add_response_header(response, answer->headers[i].name,
		                        answer->headers[i].value);
	result = MHD_queue_response(request->connection, answer->http, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- requests ---- */

/* The request line is read: what the library hands over is still encoded. */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
	struct gateway_http *http = ctx;
	struct gateway_request *request = gateway_request_create(http->gateway, target);

	if (request)
		request->connection = connection;
	expect(http, connection, http->gateway->request_ms);
	return request;
}

static enum MHD_Result take_turn(struct gateway_http *http,
                                 struct gateway_request *request, enum gateway_turn turn)
{
	switch (turn) {
	case GATEWAY_TURN_SEND:
		return send_answer(http, request);
	case GATEWAY_TURN_CUT:
		return MHD_NO;
	case GATEWAY_TURN_READ:
	case GATEWAY_TURN_WAIT:
		break;
	}
	return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *bytes, size_t *length,
                                  void **context)
{
	struct gateway_http *http = ctx;
	struct gateway_request *request = *context;

	(void)url;
	(void)version;
	if (!request)
		return MHD_NO;
	if (!request->begun) {
		request->method = method;
		expect(http, connection, http->gateway->request_ms);
		return take_turn(http, request, gateway_exchange_begin(request));
	}
	if (*length > 0) {
		enum gateway_turn turn = gateway_exchange_body(request, bytes, *length);

		*length = 0;
		return take_turn(http, request, turn);
	}
	if (request->queued)
		return send_answer(http, request);
	expect(http, connection, 0);
	return take_turn(http, request, gateway_exchange_end(request));
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
	struct gateway_http *http = ctx;

	(void)code;
	gateway_request_unref(*context);
	*context = NULL;
	expect(http, connection, http->gateway->idle_ms);
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
	struct gateway_http *http = ctx;
	const union MHD_ConnectionInfo *info;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		gateway_connection_remove(http->connections, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info)
		*context = gateway_connection_add(http->connections, info->connect_fd,
		                                  http->gateway->idle_ms);
}

/* Ids and values are decoded by us: "%2F" inside an id is no slash. */
static size_t leave_escapes(void *ctx, struct MHD_Connection *connection, char *text)
{
	(void)ctx;
	(void)connection;
	return strlen(text);
}

/* ---- start ---- */

static enum cadre_status read_pem(const char *option, const char *path,
                                  struct cadre_buffer *out, struct cadre_error *err)
{
	uint8_t bytes[4096];
	FILE *file = fopen(path, "re");
	enum cadre_status status = CADRE_OK;
	size_t got = 1;

	if (!file)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER, "%s: \"%.300s\": %s",
		                       option, path, strerror(errno));
	while (got > 0 && status == CADRE_OK) {
		got = fread(bytes, 1, sizeof bytes, file);
		status = cadre_buffer_append(out, bytes, got);
		if (status == CADRE_OK && out->length > TLS_FILE_BYTES_MAX)
			status = cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                         "%s: \"%.300s\": larger than 1 MiB",
			                         option, path);
	}
	fclose(file);
	if (status == CADRE_OK)
		status = cadre_buffer_append_zeros(out, 1);
	return status;
}

static enum cadre_status read_keys(struct gateway_http *http, struct cadre_error *err)
{
	const struct cadre_config *config = http->gateway->config;
	enum cadre_status status = read_pem(
	        "tls-certificate", cadre_config_text(config, GATEWAY_TLS_CERTIFICATE),
	        &http->certificate, err);

	if (status == CADRE_OK)
		status = read_pem("tls-key", cadre_config_text(config, GATEWAY_TLS_KEY),
		                  &http->key, err);
	return status;
}

/* As many descriptors as connections are wanted, or as the system lets us have. */
static unsigned connections_possible(struct gateway *gateway)
{
	uint64_t wanted = cadre_config_number(gateway->config, GATEWAY_CONNECTIONS);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return (unsigned)wanted;
	if (limit.rlim_cur < wanted + DESCRIPTORS_BESIDES) {
		limit.rlim_cur = limit.rlim_max < wanted + DESCRIPTORS_BESIDES
		                         ? limit.rlim_max
		                         : wanted + DESCRIPTORS_BESIDES;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0 ||
		    getrlimit(RLIMIT_NOFILE, &limit) != 0)
			return (unsigned)wanted;
	}
	if (limit.rlim_cur >= wanted + DESCRIPTORS_BESIDES)
		return (unsigned)wanted;
	GATEWAY_SAY(gateway, WARN, "gateway.fewer_connections",
	            "wanted=%" PRIu64 " descriptors=%ju remedy=\"raise the limit of open "
	            "files\"",
	            wanted, (uintmax_t)limit.rlim_cur);
	return limit.rlim_cur > 2 * DESCRIPTORS_BESIDES
	               ? (unsigned)(limit.rlim_cur - DESCRIPTORS_BESIDES)
	               : DESCRIPTORS_BESIDES;
}

static enum cadre_status listen_failed(const struct cadre_address *address, int cause,
                                       struct cadre_error *err)
{
	if (cause == 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "listen: the HTTP library refuses \"%.200s:%u\"%s",
		                       address->host, address->port,
		                       address->tls ? " with this certificate and key"
		                                    : "");
	return cadre_error_set(err,
	                       cause == EADDRINUSE ? CADRE_CONFLICT : CADRE_UNAVAILABLE,
	                       "listen: \"%.200s:%u\": %s", address->host, address->port,
	                       strerror(cause));
}

static struct MHD_Daemon *start_daemon(struct gateway_http *http,
                                       const struct cadre_address *listen,
                                       const struct addrinfo *found)
{
	const struct cadre_config *config = http->gateway->config;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, http->certificate.data },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, http->key.data },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

	if (found->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (listen->tls)
		flags |= MHD_USE_TLS;
	return MHD_start_daemon(
	        flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR,
	        found->ai_addr, MHD_OPTION_CONNECTION_LIMIT,
	        connections_possible(http->gateway), MHD_OPTION_CONNECTION_TIMEOUT,
	        (http->gateway->idle_ms + 999) / 1000, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	        (size_t)cadre_config_number(config, GATEWAY_HEADER_SIZE),
	        MHD_OPTION_THREAD_POOL_SIZE,
	        (unsigned)cadre_config_number(config, GATEWAY_THREADS),
	        MHD_OPTION_URI_LOG_CALLBACK, on_target, http, MHD_OPTION_NOTIFY_COMPLETED,
	        on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
	        MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL,
	        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u,
	        MHD_OPTION_ARRAY, listen->tls ? tls : none, MHD_OPTION_END);
}

static enum cadre_status listen_on(struct gateway_http *http,
                                   struct cadre_address *listen, struct cadre_error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		                        .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	const union MHD_DaemonInfo *info;
	struct addrinfo *found = NULL;
	char port[8];
	int code;

	snprintf(port, sizeof port, "%u", listen->port);
	code = getaddrinfo(listen->host, port, &hints, &found);
	if (code != 0)
		return cadre_error_set(err, CADRE_UNAVAILABLE, "looking up \"%s\": %s",
		                       listen->host, gai_strerror(code));
	errno = 0;
	http->daemon = start_daemon(http, listen, found);
	code = errno;
	freeaddrinfo(found);
	if (!http->daemon)
		return listen_failed(listen, code, err);
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
	if (info)
		listen->port = info->port;
	return CADRE_OK;
}

enum cadre_status gateway_http_start(struct gateway *gateway,
                                     struct cadre_address *listen,
                                     struct gateway_http **ret_http,
                                     struct cadre_error *err)
{
	struct gateway_http *http = calloc(1, sizeof *http);
	enum cadre_status status = CADRE_OK;

	if (!http)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "out of memory");
	http->gateway = gateway;
	http->listener = MHD_INVALID_SOCKET;
	if (listen->tls)
		status = read_keys(http, err);
	if (status == CADRE_OK)
		status = gateway_connections_create(&http->connections, err);
	if (status == CADRE_OK)
		status = listen_on(http, listen, err);
	if (status != CADRE_OK)
		gateway_http_stop(&http);
	*ret_http = http;
	return status;
}

void gateway_http_quiesce(struct gateway_http *http)
{
	if (http && http->daemon)
		http->listener = MHD_quiesce_daemon(http->daemon);
}

void gateway_http_stop(struct gateway_http **http)
{
	struct gateway_http *old = *http;

	if (!old)
		return;
	if (old->daemon)
		MHD_stop_daemon(old->daemon);
	if (old->listener != MHD_INVALID_SOCKET)
		close(old->listener);
	gateway_connections_destroy(&old->connections);
	cadre_buffer_fini(&old->certificate);
	cadre_buffer_fini(&old->key);
	free(old);
	*http = NULL;
}
