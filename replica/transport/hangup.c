#include "replica/transport/hangup.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <nng/nng.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Of one call; more are ended in several. */
#define PEERS_MAX 32u

/* Where a connection comes from; an IPv4 address is mapped into IPv6. */
struct peer {
	uint8_t address[16];
	uint16_t port; /* network order */
};

static struct peer peer_of_v4(uint32_t address, uint16_t port)
{
	struct peer peer = { .address = { [10] = 0xFF, [11] = 0xFF }, .port = port };

	memcpy(peer.address + 12, &address, sizeof address);
	return peer;
}

static bool peer_of_pipe(uint32_t id, struct peer *ret_peer)
{
	const nng_pipe pipe = { .id = id };
	nng_sockaddr address;

	if (nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &address) != 0)
		return false;
	if (address.s_family == NNG_AF_INET) {
		*ret_peer = peer_of_v4(address.s_in.sa_addr, address.s_in.sa_port);
		return true;
	}
	if (address.s_family != NNG_AF_INET6)
		return false;
	memcpy(ret_peer->address, address.s_in6.sa_addr, sizeof ret_peer->address);
	ret_peer->port = address.s_in6.sa_port;
	return true;
}

static bool peer_of_sockaddr(const struct sockaddr_storage *from, struct peer *ret_peer)
{
	if (from->ss_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, from, sizeof v4);
		*ret_peer = peer_of_v4(v4.sin_addr.s_addr, v4.sin_port);
		return true;
	}
	if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, from, sizeof v6);
		memcpy(ret_peer->address, &v6.sin6_addr, sizeof ret_peer->address);
		ret_peer->port = v6.sin6_port;
		return true;
	}
	return false;
}

static bool same_peer(const struct peer *a, const struct peer *b)
{
	return a->port == b->port && memcmp(a->address, b->address, 16) == 0;
}

static bool peer_of_socket(int fd, struct peer *ret_peer)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;

	return getpeername(fd, (struct sockaddr *)&address, &length) == 0 &&
	       peer_of_sockaddr(&address, ret_peer);
}

/* A client of this very process has the same pair of addresses, the other way round. */
static bool is_accepted(int fd, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	struct peer own;

	return getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
	       peer_of_sockaddr(&address, &own) && own.port == htons(port);
}

static void shut_down(int fd, const struct peer *peers, unsigned count, uint16_t port)
{
	struct peer peer;

	if (!peer_of_socket(fd, &peer))
		return;
	for (unsigned i = 0; i < count; i++)
		if (same_peer(&peer, &peers[i]) && is_accepted(fd, port))
			(void)shutdown(fd, SHUT_RDWR);
}

void cadre_hang_up(const uint32_t *ids, unsigned count, uint16_t port)
{
	struct peer peers[PEERS_MAX];
	const struct dirent *entry;
	unsigned found = 0;
	DIR *dir;

	for (unsigned i = 0; i < count && found < PEERS_MAX; i++)
		found += peer_of_pipe(ids[i], &peers[found]) ? 1 : 0;
	dir = found > 0 ? opendir("/proc/self/fd") : NULL;
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			shut_down((int)strtol(entry->d_name, NULL, 10), peers, found,
			          port);
	(void)closedir(dir);
}
