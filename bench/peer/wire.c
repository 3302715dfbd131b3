#include "bench/peer/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/assert.h"

/* ---- requests ---- */

bool bench_requests_add(struct bench_requests *requests, const void *data, size_t length)
{
	return cadre_buffer_append(&requests->bytes, data, length) == CADRE_OK;
}

bool bench_requests_end(struct bench_requests *requests, unsigned replies)
{
	struct bench_request_end end = { requests->bytes.length, replies };

	requests->count++;
	return cadre_buffer_append(&requests->ends, &end, sizeof end) == CADRE_OK;
}

struct cadre_slice bench_requests_at(const struct bench_requests *requests, size_t number,
                                     unsigned *ret_replies)
{
	const struct bench_request_end *ends =
	        (const struct bench_request_end *)(const void *)requests->ends.data;
	size_t from = number > 0 ? ends[number - 1].end : 0;

	CADRE_ASSERT(number < requests->count);
	*ret_replies = ends[number].replies;
	return cadre_slice(requests->bytes.data + from, ends[number].end - from);
}

void bench_requests_fini(struct bench_requests *requests)
{
	cadre_buffer_fini(&requests->bytes);
	cadre_buffer_fini(&requests->ends);
	requests->count = 0;
}

/* ---- one connection ---- */

static int connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int connect_loopback(unsigned port)
{
	const int one = 1;
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_port = htons((uint16_t)port),
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static enum cadre_status ask(struct bench_client *client, uint64_t number,
                             struct cadre_error *err)
{
	struct bench_wire *wire = (struct bench_wire *)client;
	struct cadre_slice request = bench_requests_at(
	        wire->requests, (size_t)(number % wire->requests->count), &wire->replies);

	if (wire->protocol->begin)
		return wire->protocol->begin(wire, request, err);
	return bench_wire_send(wire, request.data, request.length, err);
}

static enum cadre_status read_some(struct bench_client *client, bool *ret_done,
                                   struct cadre_error *err)
{
	struct bench_wire *wire = (struct bench_wire *)client;
	enum cadre_status status;
	ssize_t got = recv(client->fd, wire->in + wire->in_length,
	                   BENCH_WIRE_BYTES - wire->in_length,
	                   wire->blocking ? 0 : MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return CADRE_OK;
	if (got <= 0)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "a peer closed the connection");
	wire->in_length += (size_t)got;
	status = wire->protocol->take(wire, err);
	*ret_done = wire->replies == 0;
	return status;
}

enum cadre_status bench_wire_open(struct bench_wire *wire, const char *address,
                                  const struct bench_protocol *protocol,
                                  struct cadre_error *err)
{
	static const struct bench_client_ops ops = { ask, read_some };

	memset(wire, 0, sizeof *wire);
	wire->client.ops = &ops;
	wire->protocol = protocol;
	wire->client.fd = strncmp(address, "unix:", 5) == 0
	                          ? connect_unix(address + 5)
	                          : connect_loopback((unsigned)atoi(address + 4));
	if (wire->client.fd < 0) {
		wire->client.fd = 0;
		return cadre_error_set(err, CADRE_UNAVAILABLE, "nobody at \"%s\"",
		                       address);
	}
	wire->in = malloc(BENCH_WIRE_BYTES);
	return wire->in ? CADRE_OK
	                : cadre_error_set(err, CADRE_OUT_OF_MEMORY,
	                                  "a connection: out of memory");
}

void bench_wire_close(struct bench_wire *wire)
{
	if (wire->client.fd > 0)
		close(wire->client.fd);
	free(wire->in);
	free(wire->state);
	memset(wire, 0, sizeof *wire);
}

enum cadre_status bench_wire_send(struct bench_wire *wire, const void *data,
                                  size_t length, struct cadre_error *err)
{
	const uint8_t *at = data;

	while (length > 0) {
		ssize_t sent = send(wire->client.fd, at, length, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return cadre_error_errno(err, errno, "sending to a peer");
		at += sent;
		length -= (size_t)sent;
	}
	return CADRE_OK;
}

enum cadre_status bench_wire_run(struct bench_wire *wire,
                                 const struct bench_requests *requests, uint64_t first,
                                 uint64_t count, struct bench_histogram *latency,
                                 struct cadre_error *err)
{
	struct bench_client *clients[] = { &wire->client };

	wire->requests = requests;
	wire->blocking = true;
	return bench_clients_run(clients, 1, first, count, latency, err);
}
