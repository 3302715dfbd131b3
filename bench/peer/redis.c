#include "bench/peer/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the server ---- */

static enum cadre_status wait_until_ready(struct bench_peer *peer, const char *address,
                                          struct cadre_error *err)
{
	static const struct bench_protocol none;
	uint64_t since = 0;

	for (;;) {
		struct bench_wire wire;
		enum cadre_status status = bench_wire_open(&wire, address, &none, err);
		bench_wire_close(&wire);
		if (status != CADRE_UNAVAILABLE)
			return status;
		if (!bench_peer_try_again(peer, &since, err))
			return err->status;
	}
}

const char *bench_redis_missing(const struct bench *bench)
{
	char path[BENCH_PATH_BYTES];

	return bench_peer_find(bench, "redis-server", NULL, path)
	               ? NULL
	               : "install redis-server";
}

enum cadre_status bench_redis_start(struct bench_peer *peer, const struct bench *bench,
                                    bool durable, char address[BENCH_PATH_BYTES],
                                    struct cadre_error *err)
{
	char program[BENCH_PATH_BYTES];
	const char *const argv[] = { program,
		                     "--port",
		                     "0",
		                     "--unixsocket",
		                     address + 5,
		                     "--dir",
		                     peer->dir,
		                     "--save",
		                     "",
		                     "--appendonly",
		                     durable ? "yes" : "no",
		                     "--appendfsync",
		                     "always",
		                     "--auto-aof-rewrite-percentage",
		                     "0",
		                     "--loglevel",
		                     "warning",
		                     NULL };
	enum cadre_status status;

	memset(peer, 0, sizeof *peer);
	if (!bench_peer_find(bench, "redis-server", NULL, program))
		return cadre_error_set(err, CADRE_NOT_FOUND, "no redis-server");
	status = bench_peer_prepare(peer, bench, "redis", false, err);
	if (status != CADRE_OK)
		return status;
	(void)snprintf(address, BENCH_PATH_BYTES, "unix:%s/redis", peer->sockets);
	status = bench_peer_start(peer, argv, err);
	return status == CADRE_OK ? wait_until_ready(peer, address, err) : status;
}

/* ---- the protocol ---- */

/* Number of the reply's head and where the head ends; false: not all there. */
static bool read_head(const uint8_t *in, size_t length, long *ret_number, size_t *ret_end)
{
	const uint8_t *end = memchr(in, '\n', length);

	if (!end)
		return false;
	*ret_number = strtol((const char *)in + 1, NULL, 10);
	*ret_end = (size_t)(end - in) + 1;
	return true;
}

/* Bytes of the whole reply in front; 0: not all there. An error is told in `*ret_bad`. */
static size_t reply_bytes(const uint8_t *in, size_t length, bool *ret_bad)
{
	size_t open = 1; /* replies that are still to be passed over */
	size_t at = 0;

	while (open > 0) {
		long number;
		size_t end;
		if (at >= length || !read_head(in + at, length - at, &number, &end))
			return 0;
		*ret_bad |= in[at] == '-' || (in[at] != ':' && number < 0);
		open--;
		if (in[at] == '*' && number > 0)
			open += (size_t)number;
		if (in[at] == '$' && number >= 0)
			end += (size_t)number + 2;
		at += end;
	}
	return at <= length ? at : 0;
}

static enum cadre_status refused(struct cadre_slice reply, struct cadre_error *err)
{
	size_t shown = reply.length < 80 ? reply.length : 80;

	return cadre_error_set(err, CADRE_INTERNAL, "redis: %.*s", (int)shown,
	                       (const char *)reply.data);
}

static enum cadre_status take(struct bench_wire *wire, struct cadre_error *err)
{
	size_t at = 0;

	while (wire->replies > 0) {
		bool bad = false;
		size_t bytes = reply_bytes(wire->in + at, wire->in_length - at, &bad);
		if (bad)
			return refused(cadre_slice(wire->in + at, wire->in_length - at),
			               err);
		if (bytes == 0)
			break;
		at += bytes;
		wire->replies--;
	}
	wire->in_length -= at;
	memmove(wire->in, wire->in + at, wire->in_length);
	return CADRE_OK;
}

enum cadre_status bench_redis_open(struct bench_wire *wire, const char *address,
                                   struct cadre_error *err)
{
	static const struct bench_protocol protocol = { NULL, take };

	return bench_wire_open(wire, address, &protocol, err);
}

bool bench_redis_command(struct bench_requests *requests, unsigned count,
                         const struct cadre_slice *words)
{
	char head[32];
	int length = snprintf(head, sizeof head, "*%u\r\n", count);
	bool done = bench_requests_add(requests, head, (size_t)length);

	for (unsigned i = 0; i < count && done; i++) {
		length = snprintf(head, sizeof head, "$%zu\r\n", words[i].length);
		done = bench_requests_add(requests, head, (size_t)length) &&
		       bench_requests_add(requests, words[i].data, words[i].length) &&
		       bench_requests_add(requests, "\r\n", 2);
	}
	return done;
}
