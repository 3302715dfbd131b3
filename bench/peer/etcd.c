#include "bench/peer/etcd.h"

#include <stdlib.h>
#include <string.h>

enum {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RESET = 3,
	FRAME_SETTINGS = 4,
	FRAME_PING = 6,
	FRAME_GOAWAY = 7,
	FRAME_WINDOW_UPDATE = 8
};
#define FLAG_END_STREAM 0x1u /* of SETTINGS and PING: ACK */
#define FLAG_END_HEADERS 0x4u
#define FRAME_HEAD_BYTES 9u
/* In front of a gRPC message: not compressed, its length. */
#define MESSAGE_HEAD_BYTES 5u
/* The window is opened by so much at first, and again when half is used. */
#define WINDOW_BYTES (1u << 30)
/* How much the server takes of a call, and of all, before it says that there is room
 * again. */
#define SERVER_WINDOW_BYTES 65535
/* Of a frame, unless the server says otherwise. */
#define FRAME_BYTES_MAX (16u << 10)
#define HEADERS_BYTES_MAX 128u

struct call_state {
	uint32_t stream;
	uint32_t window_used;
	enum bench_etcd_call call;
	bool has_message;
	uint8_t headers[HEADERS_BYTES_MAX];
	size_t headers_bytes;
	/* The call's message, how much of it is sent, and may be. */
	struct cadre_slice request;
	size_t sent;
	int64_t call_window;
	int64_t window;
	uint8_t out[FRAME_BYTES_MAX + HEADERS_BYTES_MAX + 64];
};

/* ---- messages of etcd ---- */

static size_t put_varint(uint8_t *at, uint64_t value)
{
	size_t length = 0;

	while (value >= 128) {
		at[length++] = (uint8_t)(value | 128u);
		value >>= 7;
	}
	at[length++] = (uint8_t)value;
	return length;
}

static size_t varint_bytes(uint64_t value)
{
	uint8_t bytes[10];

	return put_varint(bytes, value);
}

static bool add_field(struct bench_requests *requests, unsigned field, size_t length)
{
	uint8_t head[16];
	size_t bytes = put_varint(head, field << 3 | 2);

	bytes += put_varint(head + bytes, length);
	return bench_requests_add(requests, head, bytes);
}

static bool add_bytes(struct bench_requests *requests, unsigned field,
                      struct cadre_slice value)
{
	return add_field(requests, field, value.length) &&
	       bench_requests_add(requests, value.data, value.length);
}

static size_t field_bytes(size_t length)
{
	return 1 + varint_bytes(length) + length;
}

/* RangeRequest { key = 1; serializable = 7 } */
bool bench_etcd_get(struct bench_requests *requests, struct cadre_slice key)
{
	static const uint8_t serializable[] = { 7 << 3, 1 };

	return add_bytes(requests, 1, key) &&
	       bench_requests_add(requests, serializable, sizeof serializable);
}

/* TxnRequest.success = 2 { RequestOp.request_put = 2 { key = 1; value = 2 } } */
bool bench_etcd_put(struct bench_requests *requests, struct cadre_slice key,
                    struct cadre_slice value)
{
	size_t put = field_bytes(key.length) + field_bytes(value.length);

	return add_field(requests, 2, field_bytes(put)) && add_field(requests, 2, put) &&
	       add_bytes(requests, 1, key) && add_bytes(requests, 2, value);
}

/* TxnRequest.success = 2 { RequestOp.request_delete_range = 3 { key = 1 } } */
bool bench_etcd_delete(struct bench_requests *requests, struct cadre_slice key)
{
	size_t range = field_bytes(key.length);

	return add_field(requests, 2, field_bytes(range)) &&
	       add_field(requests, 3, range) && add_bytes(requests, 1, key);
}

/* Whether the message has the field, a number that is not zero, at its top. */
static bool has_number(const uint8_t *at, size_t length, unsigned field)
{
	const uint8_t *end = at + length;

	while (at < end) {
		unsigned tag = *at++;
		uint64_t value = 0;
		for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
			value |= (uint64_t)(*at & 127u) << shift;
			if (*at++ < 128)
				break;
		}
		if (tag == field << 3)
			return value != 0;
		if ((tag & 7u) == 2 && value <= (uint64_t)(end - at))
			at += value;
		else if ((tag & 7u) != 0)
			return false;
	}
	return false;
}

/* ---- frames ---- */

static size_t put_frame(uint8_t *at, size_t length, uint8_t type, unsigned flags,
                        uint32_t stream)
{
	const uint8_t head[FRAME_HEAD_BYTES] = {
		(uint8_t)(length >> 16), (uint8_t)(length >> 8),
		(uint8_t)length,         type,
		(uint8_t)flags,          (uint8_t)(stream >> 24),
		(uint8_t)(stream >> 16), (uint8_t)(stream >> 8),
		(uint8_t)stream
	};

	memcpy(at, head, sizeof head);
	return sizeof head;
}

static uint32_t get_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	       at[3];
}

static void put_be32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static enum cadre_status open_window(struct bench_wire *wire, uint32_t bytes,
                                     struct cadre_error *err)
{
	uint8_t frame[FRAME_HEAD_BYTES + 4];

	(void)put_frame(frame, 4, FRAME_WINDOW_UPDATE, 0, 0);
	put_be32(frame + FRAME_HEAD_BYTES, bytes);
	return bench_wire_send(wire, frame, sizeof frame, err);
}

static enum cadre_status acknowledge(struct bench_wire *wire, uint8_t type,
                                     const uint8_t *body, size_t length,
                                     struct cadre_error *err)
{
	uint8_t frame[FRAME_HEAD_BYTES + 8];

	(void)put_frame(frame, length, type, FLAG_END_STREAM, 0);
	memcpy(frame + FRAME_HEAD_BYTES, body, length);
	return bench_wire_send(wire, frame, FRAME_HEAD_BYTES + length, err);
}

/* As much of the message as there is room for, behind what state->out holds. */
static enum cadre_status send_message(struct bench_wire *wire, size_t at,
                                      struct cadre_error *err)
{
	struct call_state *state = wire->state;
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK && state->sent < state->request.length) {
		size_t part = state->request.length - state->sent;
		int64_t room = state->call_window < state->window ? state->call_window
		                                                  : state->window;
		if (part > FRAME_BYTES_MAX)
			part = FRAME_BYTES_MAX;
		if (room <= 0)
			break;
		if ((int64_t)part > room)
			part = (size_t)room;
		at += put_frame(
		        state->out + at, part, FRAME_DATA,
		        state->sent + part == state->request.length ? FLAG_END_STREAM : 0,
		        state->stream);
		memcpy(state->out + at, state->request.data + state->sent, part);
		state->sent += part;
		state->call_window -= (int64_t)part;
		state->window -= (int64_t)part;
		status = bench_wire_send(wire, state->out, at + part, err);
		at = 0;
	}
	return status == CADRE_OK && at > 0 ? bench_wire_send(wire, state->out, at, err)
	                                    : status;
}

static enum cadre_status more_room(struct bench_wire *wire, uint32_t stream,
                                   const uint8_t *body, struct cadre_error *err)
{
	struct call_state *state = wire->state;

	if (stream == 0)
		state->window += get_be32(body);
	else if (stream == state->stream)
		state->call_window += get_be32(body);
	return send_message(wire, 0, err);
}

/* A whole message in one frame, as etcd's small answers come. */
static enum cadre_status take_message(struct bench_wire *wire, const uint8_t *body,
                                      size_t length, struct cadre_error *err)
{
	struct call_state *state = wire->state;
	unsigned field = state->call == BENCH_ETCD_RANGE ? 4u /* count */
	                                                 : 2u /* succeeded */;

	state->window_used += (uint32_t)length;
	if (length > 0) {
		if (length < MESSAGE_HEAD_BYTES ||
		    get_be32(body + 1) != length - MESSAGE_HEAD_BYTES)
			return cadre_error_set(err, CADRE_INTERNAL,
			                       "etcd: an answer in parts");
		if (!has_number(body + MESSAGE_HEAD_BYTES, length - MESSAGE_HEAD_BYTES,
		                field))
			return cadre_error_set(err, CADRE_INTERNAL,
			                       "etcd: an answer without a result");
		state->has_message = true;
	}
	if (state->window_used < WINDOW_BYTES / 2)
		return CADRE_OK;
	length = state->window_used;
	state->window_used = 0;
	return open_window(wire, (uint32_t)length, err);
}

static enum cadre_status take_frame(struct bench_wire *wire, const uint8_t *frame,
                                    size_t length, struct cadre_error *err)
{
	struct call_state *state = wire->state;
	const uint8_t *body = frame + FRAME_HEAD_BYTES;
	unsigned flags = frame[4];
	enum cadre_status status = CADRE_OK;

	if (frame[3] == FRAME_SETTINGS && !(flags & FLAG_END_STREAM))
		return acknowledge(wire, FRAME_SETTINGS, body, 0, err);
	if (frame[3] == FRAME_PING && !(flags & FLAG_END_STREAM) && length == 8)
		return acknowledge(wire, FRAME_PING, body, length, err);
	if (frame[3] == FRAME_WINDOW_UPDATE && length == 4)
		return more_room(wire, get_be32(frame + 5), body, err);
	/* Without an error it only says that nobody waits for the rest of a request whose
	 * end the server had not seen when it answered. */
	if (frame[3] == FRAME_RESET && length == 4 && get_be32(body) == 0)
		return CADRE_OK;
	if (frame[3] == FRAME_GOAWAY || frame[3] == FRAME_RESET)
		return cadre_error_set(err, CADRE_INTERNAL, "etcd: frame %u, error %u",
		                       frame[3],
		                       length >= 8   ? get_be32(body + 4)
		                       : length >= 4 ? get_be32(body)
		                                     : 0);
	if (frame[3] == FRAME_DATA)
		status = take_message(wire, body, length, err);
	if (status == CADRE_OK && flags & FLAG_END_STREAM &&
	    (frame[3] == FRAME_HEADERS || frame[3] == FRAME_DATA)) {
		if (!state->has_message)
			return cadre_error_set(err, CADRE_INTERNAL,
			                       "etcd: a call was refused");
		wire->replies--;
	}
	return status;
}

static enum cadre_status take(struct bench_wire *wire, struct cadre_error *err)
{
	size_t at = 0;
	enum cadre_status status = CADRE_OK;

	while (status == CADRE_OK && wire->in_length - at >= FRAME_HEAD_BYTES) {
		const uint8_t *frame = wire->in + at;
		size_t length = get_be32(frame) >> 8;
		if (wire->in_length - at < FRAME_HEAD_BYTES + length)
			break;
		status = take_frame(wire, frame, length, err);
		at += FRAME_HEAD_BYTES + length;
	}
	wire->in_length -= at;
	memmove(wire->in, wire->in + at, wire->in_length);
	return status;
}

/* ---- a call ---- */

static enum cadre_status begin(struct bench_wire *wire, struct cadre_slice request,
                               struct cadre_error *err)
{
	struct call_state *state = wire->state;
	size_t at;

	state->stream += 2;
	state->has_message = false;
	state->request = request;
	state->sent = 0;
	state->call_window = SERVER_WINDOW_BYTES - MESSAGE_HEAD_BYTES;
	state->window -= MESSAGE_HEAD_BYTES;
	at = put_frame(state->out, state->headers_bytes, FRAME_HEADERS, FLAG_END_HEADERS,
	               state->stream);
	memcpy(state->out + at, state->headers, state->headers_bytes);
	at += state->headers_bytes;
	at += put_frame(state->out + at, MESSAGE_HEAD_BYTES, FRAME_DATA, 0,
	                state->stream);
	state->out[at] = 0;
	put_be32(state->out + at + 1, (uint32_t)request.length);
	return send_message(wire, at + MESSAGE_HEAD_BYTES, err);
}

static void add_header(struct call_state *state, const char *name, const char *value)
{
	const char *const texts[] = { name, value };

	state->headers[state->headers_bytes++] = 0; /* literal, not remembered */
	for (size_t i = 0; i < 2; i++) {
		size_t length = strlen(texts[i]);
		state->headers[state->headers_bytes++] = (uint8_t)length;
		memcpy(state->headers + state->headers_bytes, texts[i], length);
		state->headers_bytes += length;
	}
}

enum cadre_status bench_etcd_open(struct bench_wire *wire, const char *address,
                                  enum bench_etcd_call call, struct cadre_error *err)
{
	static const struct bench_protocol protocol = { begin, take };
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	static const uint8_t settings[FRAME_HEAD_BYTES] = { 0, 0, 0, FRAME_SETTINGS };
	struct call_state *state;
	enum cadre_status status = bench_wire_open(wire, address, &protocol, err);

	if (status != CADRE_OK)
		return status;
	state = calloc(1, sizeof *state);
	if (!state)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "etcd: out of memory");
	wire->state = state;
	state->stream = (uint32_t)-1; /* the first call is 1 */
	state->window = SERVER_WINDOW_BYTES;
	state->call = call;
	/* From the fixed table: POST, http. */
	state->headers[state->headers_bytes++] = 0x83;
	state->headers[state->headers_bytes++] = 0x86;
	add_header(state, ":path",
	           call == BENCH_ETCD_RANGE ? "/etcdserverpb.KV/Range"
	                                    : "/etcdserverpb.KV/Txn");
	add_header(state, ":authority", "127.0.0.1");
	add_header(state, "content-type", "application/grpc");
	add_header(state, "te", "trailers");
	status = bench_wire_send(wire, preface, sizeof preface - 1, err);
	if (status == CADRE_OK)
		status = bench_wire_send(wire, settings, sizeof settings, err);
	return status == CADRE_OK ? open_window(wire, WINDOW_BYTES, err) : status;
}
