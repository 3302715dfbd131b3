/*
 * A leader and a follower with a worker as processes, everything on loopback. Each
 * connection between two of them, and each of the test's, goes through a proxy whose
 * port stays the same while processes come and go.
 *
 *     clients -> proxies[RPC] -> leader <- proxies[REPLICATION] <- follower
 *     queries -> proxies[COPY] -> follower <- proxies[PREDICT] <- predictions
 *
 * Threads: one; a cadre_client may be used by any.
 */
#ifndef TESTS_CRASH_CLUSTER_CLUSTER_H
#define TESTS_CRASH_CLUSTER_CLUSTER_H

#include "tests/crash/cluster/daemon.h"
#include "tests/support/proxy.h"
#include "tests/unit/rpc/rpc_ops.h"

enum cluster_link { LINK_RPC, LINK_REPLICATION, LINK_COPY, LINK_PREDICT, LINK_COUNT };

struct cluster {
	char dir[256];
	bool passed; /* else what it leaves behind is kept, to be looked at */
	bool disks;  /* each data directory has a disk that can be filled */
	char leader_disk[280];
	char follower_disk[280];
	struct daemon leader;
	struct daemon follower;
	struct proxy *proxies[LINK_COUNT];
	char addresses[LINK_COUNT][64];
	char advertised[LINK_COUNT][80];
	struct cadre_client *to_leader; /* through the proxies */
	struct cadre_client *to_follower;
};

/* Makes directories and a leader's data; starts nothing. `disks`: disk_permitted(). */
void cluster_make(struct cluster *cluster, bool disks);
/* Kills what runs; removes all, unless the test did not pass. */
void cluster_remove(struct cluster *cluster);

/* Start and wait until it serves; its proxies lead to it. */
void cluster_start_leader(struct cluster *cluster);
void cluster_start_follower(struct cluster *cluster);
/* In two steps, so that both can start at once. */
void cluster_await(struct cluster *cluster, struct daemon *daemon);

/* A client of one address, or of two, asked in this order. */
struct cadre_client *cluster_client(const char *first, const char *second,
                                    uint32_t timeout_ms);

/* What a node says of itself. */
struct cluster_state {
	bool answered;
	uint64_t durable_seq;
	uint64_t applied_seq;
	uint8_t timeline_id[16];
	char chain[80];
	char digest[80];
	char alarms[400]; /* "" when there is none */
};
void cluster_ask(struct cadre_client *client, struct cluster_state *ret_state);
/* Until both answer and agree on seq, chain and digest, without an alarm. */
void cluster_wait_same(struct cluster *cluster);
/* Until the node's alarms hold `text`; `raised` false: no longer. */
void cluster_wait_alarm(struct cadre_client *client, const char *text, bool raised);

/* Both stopped: logs and views are sound, a dump replays to the same digest, and the
 * follower is the leader's copy. */
void cluster_verify(struct cluster *cluster);

#endif
