#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/peer/etcd.h"

/* Bytes: the largest that etcd's documentation suggests. */
#define QUOTA "8589934592"
/* A patch that copies a lineage writes more than the default of 128. */
#define TXN_OPS "4096"

/* A port that was free a moment ago; 0: none. */
static unsigned free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned port = 0;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &length) == 0)
		port = ntohs(address.sin_port);
	if (fd >= 0)
		close(fd);
	return port;
}

/* It listens before it is ready: a get tells. */
static enum cadre_status wait_until_ready(struct bench_peer *peer, const char *address,
                                          struct cadre_error *err)
{
	static const char key[] = "ready";
	struct bench_requests requests = { .count = 0 };
	uint64_t since = 0;
	enum cadre_status status;
	bool again = true;

	if (!bench_etcd_put(&requests, cadre_slice_text(key), cadre_slice_text(key)) ||
	    !bench_requests_end(&requests, 1))
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "etcd: out of memory");
	do {
		struct bench_wire wire;
		status = bench_etcd_open(&wire, address, BENCH_ETCD_TXN, err);
		if (status == CADRE_OK)
			status = bench_wire_run(&wire, &requests, 0, 1, NULL, err);
		bench_wire_close(&wire);
		if (status != CADRE_OK)
			again = bench_peer_try_again(peer, &since, err);
	} while (status != CADRE_OK && again);
	bench_requests_fini(&requests);
	return status;
}

const char *bench_etcd_missing(const struct bench *bench)
{
	char path[BENCH_PATH_BYTES];

	return bench_peer_find(bench, "etcd", NULL, path) ? NULL : "install etcd-server";
}

enum cadre_status bench_etcd_start(struct bench_peer *peer, const struct bench *bench,
                                   char address[BENCH_PATH_BYTES],
                                   struct cadre_error *err)
{
	char program[BENCH_PATH_BYTES];
	char client_url[64];
	char peer_url[64];
	char cluster[80];
	unsigned port = free_port();
	const char *const argv[] = { program,    "--name",
		                     "bench",    "--data-dir",
		                     peer->dir,  "--listen-client-urls",
		                     client_url, "--advertise-client-urls",
		                     client_url, "--listen-peer-urls",
		                     peer_url,   "--initial-advertise-peer-urls",
		                     peer_url,   "--initial-cluster",
		                     cluster,    "--quota-backend-bytes",
		                     QUOTA,      "--max-txn-ops",
		                     TXN_OPS,    "--log-level",
		                     "error",    NULL };
	enum cadre_status status;

	memset(peer, 0, sizeof *peer);
	if (!bench_peer_find(bench, "etcd", NULL, program))
		return cadre_error_set(err, CADRE_NOT_FOUND, "no etcd");
	status = bench_peer_prepare(peer, bench, "etcd", false, err);
	if (status != CADRE_OK)
		return status;
	(void)snprintf(address, BENCH_PATH_BYTES, "tcp:%u", port);
	(void)snprintf(client_url, sizeof client_url, "http://127.0.0.1:%u", port);
	(void)snprintf(peer_url, sizeof peer_url, "http://127.0.0.1:%u", free_port());
	(void)snprintf(cluster, sizeof cluster, "bench=%s", peer_url);
	status = bench_peer_start(peer, argv, err);
	return status == CADRE_OK ? wait_until_ready(peer, address, err) : status;
}
