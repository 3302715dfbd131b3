/*
 * A TCP proxy on a loopback port of the system's choice, for tests of what a network
 * does: it passes bytes on, loses the answers of a server, holds them back, cuts
 * connections or falls silent. Its port stays the same while servers come and go.
 *
 * Threads: one of its own; the calls from any.
 */
#ifndef TESTS_SUPPORT_PROXY_H
#define TESTS_SUPPORT_PROXY_H

#include <stdint.h>

enum proxy_mode {
	PROXY_PASS,
	PROXY_LOSE_ANSWER,  /* the next message of the server is lost and its
	                    * connection cut; then PROXY_PASS */
	PROXY_LOSE_ANSWERS, /* the same with every message, until set otherwise */
	PROXY_HOLD,         /* messages of the server wait; handshakes pass */
	PROXY_CUT,          /* half of what the server says next passes, then its
	                    * connection is cut; then PROXY_PASS */
	PROXY_SILENT,       /* half open: connections stay, nothing passes either way */
	PROXY_REFUSE,       /* connections are cut, new ones refused */
};

struct proxy;

/* To 127.0.0.1:`port`. Fails the test when it cannot. */
struct proxy *proxy_start(uint16_t port);
uint16_t proxy_port(const struct proxy *proxy);
void proxy_set(struct proxy *proxy, enum proxy_mode mode);
/* New connections go to 127.0.0.1:`port` from now on. */
void proxy_aim(struct proxy *proxy, uint16_t port);
/* Answers lost or cut so far. */
unsigned proxy_lost(const struct proxy *proxy);
void proxy_stop(struct proxy *proxy);

#endif
