/*
 * A TCP proxy on a loopback port of the system's choice, for tests of what a network
 * does: it passes bytes on, loses the answers of a server, or holds them back.
 *
 * Threads: one of its own; the calls from any.
 */
#ifndef TESTS_SUPPORT_PROXY_H
#define TESTS_SUPPORT_PROXY_H

#include <stdint.h>

enum proxy_mode {
	PROXY_PASS,
	PROXY_LOSE_ANSWER, /* the next message of the server is lost and its
	                    * connection cut; then PROXY_PASS */
	PROXY_HOLD,        /* messages of the server wait; handshakes pass */
};

struct proxy;

/* To 127.0.0.1:`port`. Fails the test when it cannot. */
struct proxy *proxy_start(uint16_t port);
uint16_t proxy_port(const struct proxy *proxy);
void proxy_set(struct proxy *proxy, enum proxy_mode mode);
/* Answers lost so far. */
unsigned proxy_lost(const struct proxy *proxy);
void proxy_stop(struct proxy *proxy);

#endif
