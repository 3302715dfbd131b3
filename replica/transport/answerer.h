/*
 * The answering side: one nng REP socket with N contexts ("exchanges"), each with
 * one aio.
 *
 * Normal sequence of an exchange: receive -> handler(exchange), on a thread of
 * nng's -> the handler, or anyone later, makes the reply and sends it -> receive.
 * An exchange that waits for its reply blocks no thread and no other exchange; the
 * number of exchanges is the number of requests that can be under way.
 *
 * Failures. A peer that left: its reply vanishes. A peer that does not read its
 * replies: after 5 s its connection is closed; after 250 ms, when its replies hold an
 * eighth of the exchanges while half of all wait to be sent. When
 * all replies that wait exceed `reply_bytes_max`, the connection that holds most of them
 * is closed. Connections beyond the cap are closed at once, unless others have been
 * silent (pipes.h): those give their places up. A connection with a request under way
 * keeps its own.
 *
 * Close: the owner's handler refuses from now on, by answering so, also on new
 * connections; the owner ends what is under way; stop (serves on until 100 ms
 * brought no request and all replies are taken, at most ten times that; stops every
 * aio, then closes the socket). The listener is not closed before: nng closes its
 * connections with it, replies under way included. And nng 1.5.2 hangs when a busy
 * socket is closed first.
 *
 * Threads: the handler runs on several threads at once, once per exchange. A reply
 * may be sent from any thread, also from inside the handler.
 */
#ifndef CADRE_TRANSPORT_ANSWERER_H
#define CADRE_TRANSPORT_ANSWERER_H

#include "engine/base/status.h"
#include "engine/base/types.h"
#include "replica/transport/address.h"

/* A peer that takes no byte of its reply for so long is not reading. */
#define CADRE_SEND_TIMEOUT_MS 5000
/* On a busy machine a request that was sent is read within this. */
#define CADRE_QUIET_MS 100
#define CADRE_CONNECTIONS_MAX 1024u
#define CADRE_EXCHANGES_MAX 1024u
/* Of replies that peers have not taken yet, in all. */
#define CADRE_REPLY_BYTES_MAX ((size_t)256 << 20)

struct cadre_answerer;
struct cadre_exchange;

typedef void (*cadre_answer_fn)(void *ctx, struct cadre_exchange *exchange);

struct cadre_answerer_options {
	const char *address;
	uint16_t default_port;
	bool insecure;            /* plain text on an address that is not loopback */
	unsigned exchanges;       /* 0: CADRE_EXCHANGES_MAX */
	unsigned connections_max; /* 0: CADRE_CONNECTIONS_MAX */
	unsigned quiet_ms;        /* 0: CADRE_QUIET_MS; of a stop */
	size_t message_bytes_max; /* of a request; larger ones close the connection */
	size_t reply_bytes_max;   /* 0: CADRE_REPLY_BYTES_MAX */
	size_t storage_bytes;     /* of the owner's, per exchange, zeroed at start */
	cadre_answer_fn answer;
	void *ctx;
};

/* Listens on return.
 * Errors: as cadre_address_parse(), cadre_address_check_exposure() and
 * cadre_nng_error(). */
CADRE_MUST_CHECK enum cadre_status
cadre_answerer_start(const struct cadre_answerer_options *options,
                     struct cadre_answerer **ret_answerer, struct cadre_error *err);
/* With the port that was chosen for port 0. */
const struct cadre_address *cadre_answerer_address(const struct cadre_answerer *answerer);
/* Goes on until nobody asks any more, as above; what comes later finds its connection
 * closed. Waits until every exchange that the handler got is answered or dropped: the
 * owner sees to that. Frees. Takes NULL. Not from the handler. */
void cadre_answerer_stop(struct cadre_answerer *answerer);

struct cadre_answerer_stat {
	unsigned connections;
	uint64_t connections_refused; /* over the cap, or silent ones that gave way */
	uint64_t slow_peers_closed;
	unsigned handling; /* exchanges between handler and reply */
};
/* Threads: any. */
void cadre_answerer_stat(struct cadre_answerer *answerer,
                         struct cadre_answerer_stat *ret_stat);

/* The request. Ownership: the exchange's, until reply_begin, reply or drop. */
struct cadre_slice cadre_exchange_request(const struct cadre_exchange *exchange);
/* The owner's bytes of this exchange, aligned for any type. Kept from request to
 * request. */
void *cadre_exchange_storage(struct cadre_exchange *exchange);
/* Names the connection while it lives. */
uint32_t cadre_exchange_peer(const struct cadre_exchange *exchange);
/* Its connection is gone: nobody would hear a reply. */
bool cadre_exchange_peer_left(struct cadre_exchange *exchange);
/* Room for a reply of exactly `bytes`; the request is gone. NULL: out of memory,
 * the exchange must be dropped. */
uint8_t *cadre_exchange_reply_begin(struct cadre_exchange *exchange, size_t bytes);
/* Sends it. The exchange is no longer the caller's. */
void cadre_exchange_reply_send(struct cadre_exchange *exchange);
/* No reply: closes the connection, so that the peer need not wait. */
void cadre_exchange_drop(struct cadre_exchange *exchange);

#endif
