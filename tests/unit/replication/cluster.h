/* A leader and followers inside the test's process, each with its own directory. */
#ifndef TESTS_UNIT_REPLICATION_CLUSTER_H
#define TESTS_UNIT_REPLICATION_CLUSTER_H

#include "replica/node/internal.h"
#include "tests/unit/rpc/rpc_ops.h"

#define CLUSTER_FOLLOWERS 2u
/* A Fetch is parked this long: short, so that what only time brings comes soon. */
#define CLUSTER_FETCH_WAIT_MS 300u
#define CLUSTER_ANSWER_MS 1500u

struct cluster_node {
	char dir[300];
	char rpc[64];         /* "" until the first start; then always the same port */
	char replication[64]; /* leader: the same */
	struct cadre_node_options options; /* changed between make and start */
	struct cadre_node *node;           /* NULL while stopped */
};

struct cluster {
	char dir[256];
	struct cluster_node leader;
	struct cluster_node followers[CLUSTER_FOLLOWERS];
	struct rpc_ops ops;
	unsigned made; /* groups, for their names */
};

/* The leader runs, the followers do not yet; their directories do not exist. */
void cluster_make(struct cluster *cluster);
/* Stops what runs. */
void cluster_remove(struct cluster *cluster);

/* A leader's directory of another cluster, to be started. */
void cluster_init_leader(struct cluster_node *node, const char *dir, const char *name);
/* Fails the test when it cannot. A follower joins what its options say. */
void cluster_start(struct cluster_node *node);
void cluster_stop(struct cluster_node *node);
/* Joins the cluster's leader and starts. */
void cluster_follow(struct cluster *cluster, struct cluster_node *follower);

struct cadre_client *cluster_client(const struct cluster_node *node);
/* `count` groups of one member each, in batches; the leader's last seq. */
cadre_seq cluster_write(struct cluster *cluster, unsigned count);
void cluster_positions(struct cluster_node *node, struct cadre_store_status *ret_status);
/* Until the node's reads see `seq`; fails the test after 60 s. */
void cluster_wait_applied(struct cluster_node *node, cadre_seq seq);
/* Until its status has an alarm that starts with `text`, or has none such. */
void cluster_wait_alarm(struct cluster_node *node, const char *text, bool raised);
/* Follower is at the leader's head, with its chain and its digest. */
void cluster_assert_same(struct cluster *cluster, struct cluster_node *follower);

/* For loops on a condition: fails the test when `*io_until` (0 at first) passed. */
void cluster_tick(uint64_t *io_until);

#endif
