#include "tests/support/proxy.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/testing.h"

#define PAIRS_MAX 64
#define BACKLOG 64
/* Both sides of nng's SP protocol start with so many bytes. */
#define HANDSHAKE_BYTES 8u

struct pair {
	int client;
	int server;
	size_t from_server; /* bytes passed on */
};

struct proxy {
	int listener;
	uint16_t port;
	_Atomic uint16_t target;
	int wake[2];
	atomic_int mode;
	atomic_uint lost;
	atomic_bool stopping;
	pthread_t thread;
	struct pair pairs[PAIRS_MAX]; /* the thread's */
	int count;
	bool listening; /* the thread's */
};

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static bool write_all(int fd, const uint8_t *data, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, data, length, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}

static void cut(struct proxy *proxy, int at)
{
	(void)close(proxy->pairs[at].client);
	(void)close(proxy->pairs[at].server);
	proxy->pairs[at] = proxy->pairs[--proxy->count];
}

static void accept_one(struct proxy *proxy)
{
	struct sockaddr_in target = loopback(atomic_load(&proxy->target));
	/* Not for processes that a test starts: one that holds the other end open keeps
	 * a cut connection alive. */
	int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (client < 0 || server < 0 || proxy->count == PAIRS_MAX ||
	    connect(server, (const struct sockaddr *)&target, sizeof target) != 0) {
		(void)close(client);
		(void)close(server);
		return;
	}
	proxy->pairs[proxy->count++] = (struct pair){ .client = client,
		                                      .server = server };
}

/* Whether the answer at hand is the one to be spoilt, and then if half of it passes. */
static bool spoils_answer(struct proxy *proxy, bool *ret_half)
{
	int mode = atomic_load(&proxy->mode);

	if (mode != PROXY_LOSE_ANSWER && mode != PROXY_LOSE_ANSWERS && mode != PROXY_CUT)
		return false;
	*ret_half = mode == PROXY_CUT;
	atomic_fetch_add(&proxy->lost, 1);
	/* Not over a mode that was set meanwhile. */
	if (mode != PROXY_LOSE_ANSWERS)
		(void)atomic_compare_exchange_strong(&proxy->mode, &mode, PROXY_PASS);
	return true;
}

/* False when the connection ended or is to be cut. */
static bool pass_answer(struct proxy *proxy, struct pair *pair)
{
	uint8_t bytes[65536];
	size_t shaken = pair->from_server < HANDSHAKE_BYTES
	                        ? HANDSHAKE_BYTES - pair->from_server
	                        : 0;
	ssize_t n = recv(pair->server, bytes, shaken > 0 ? shaken : sizeof bytes, 0);
	bool pass;

	if (n <= 0)
		return false;
	if (shaken == 0 && spoils_answer(proxy, &pass)) {
		if (pass)
			(void)write_all(pair->client, bytes, (size_t)n / 2);
		return false;
	}
	pair->from_server += (size_t)n;
	return write_all(pair->client, bytes, (size_t)n);
}

static bool pass_question(struct pair *pair)
{
	uint8_t bytes[65536];
	ssize_t n = recv(pair->client, bytes, sizeof bytes, 0);

	return n > 0 && write_all(pair->server, bytes, (size_t)n);
}

static int set_polls(struct proxy *proxy, struct pollfd *polls)
{
	int mode = atomic_load(&proxy->mode);

	polls[0] = (struct pollfd){ .fd = proxy->wake[0], .events = POLLIN };
	polls[1] = (struct pollfd){ .fd = proxy->listening ? proxy->listener : -1,
		                    .events = POLLIN };
	for (int i = 0; i < proxy->count; i++) {
		struct pair *pair = &proxy->pairs[i];
		bool silent = mode == PROXY_SILENT;
		bool held = mode == PROXY_HOLD && pair->from_server >= HANDSHAKE_BYTES;
		polls[2 + 2 * i] = (struct pollfd){ .fd = silent ? -1 : pair->client,
			                            .events = POLLIN };
		polls[3 + 2 * i] = (struct pollfd){ .fd = silent ? -1 : pair->server,
			                            .events = held ? POLLRDHUP : POLLIN };
	}
	return proxy->count;
}

static void serve_pairs(struct proxy *proxy, const struct pollfd *polls, int count)
{
	for (int i = count - 1; i >= 0; i--) {
		const struct pollfd *client = &polls[2 + 2 * i];
		const struct pollfd *server = &polls[3 + 2 * i];
		bool alive = true;
		if (client->revents)
			alive = pass_question(&proxy->pairs[i]);
		if (alive && server->revents & (POLLHUP | POLLERR | POLLRDHUP) &&
		    !(server->events & POLLIN))
			alive = false;
		if (alive && server->revents & POLLIN)
			alive = pass_answer(proxy, &proxy->pairs[i]);
		else if (alive && server->revents)
			alive = false;
		if (!alive)
			cut(proxy, i);
	}
}

/* Cuts and refuses, or listens again, as the mode says. A socket that is shut down keeps
 * its port. */
static void keep_listening(struct proxy *proxy)
{
	bool wanted = atomic_load(&proxy->mode) != PROXY_REFUSE;

	if (wanted == proxy->listening)
		return;
	if (wanted)
		proxy->listening = listen(proxy->listener, BACKLOG) == 0;
	else
		proxy->listening = shutdown(proxy->listener, SHUT_RD) != 0;
	while (!wanted && proxy->count > 0)
		cut(proxy, proxy->count - 1);
}

static void *run(void *arg)
{
	struct proxy *proxy = arg;
	struct pollfd polls[2 + 2 * PAIRS_MAX];
	char woken;

	while (!atomic_load(&proxy->stopping)) {
		int count;
		keep_listening(proxy);
		count = set_polls(proxy, polls);
		if (poll(polls, (nfds_t)(2 + 2 * count), -1) < 0)
			continue;
		if (polls[0].revents && read(proxy->wake[0], &woken, 1) != 1)
			break;
		serve_pairs(proxy, polls, count);
		if (polls[1].revents)
			accept_one(proxy);
	}
	while (proxy->count > 0)
		cut(proxy, proxy->count - 1);
	return NULL;
}

static int bound_socket(uint16_t port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* Bound by number: only then does a socket that is shut down keep its port. */
static void make_listener(struct proxy *proxy)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	int chosen = bound_socket(0);

	assert_int_equal(getsockname(chosen, (struct sockaddr *)&address, &length), 0);
	proxy->port = ntohs(address.sin_port);
	proxy->listener = bound_socket(proxy->port);
	(void)close(chosen);
	assert_int_equal(listen(proxy->listener, BACKLOG), 0);
	proxy->listening = true;
}

struct proxy *proxy_start(uint16_t port)
{
	struct proxy *proxy = calloc(1, sizeof *proxy);

	assert_non_null(proxy);
	atomic_init(&proxy->target, port);
	make_listener(proxy);
	assert_int_equal(pipe2(proxy->wake, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
	return proxy;
}

uint16_t proxy_port(const struct proxy *proxy)
{
	return proxy->port;
}

static void wake_up(struct proxy *proxy)
{
	assert_int_equal(write(proxy->wake[1], "w", 1), 1);
}

void proxy_set(struct proxy *proxy, enum proxy_mode mode)
{
	atomic_store(&proxy->mode, (int)mode);
	wake_up(proxy);
}

void proxy_aim(struct proxy *proxy, uint16_t port)
{
	atomic_store(&proxy->target, port);
}

unsigned proxy_lost(const struct proxy *proxy)
{
	return atomic_load(&proxy->lost);
}

void proxy_stop(struct proxy *proxy)
{
	atomic_store(&proxy->stopping, true);
	wake_up(proxy);
	(void)pthread_join(proxy->thread, NULL);
	(void)close(proxy->listener);
	(void)close(proxy->wake[0]);
	(void)close(proxy->wake[1]);
	free(proxy);
}
