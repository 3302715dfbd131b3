/* What a node says of its own condition: alarms, readiness, digest. */
#include "replica/node/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define BIT(alarm) (UINT32_C(1) << (CADRE_ALARM_##alarm))

void node_leader_contact(struct cadre_node *node, struct puller_status *ret_status)
{
	memset(ret_status, 0, sizeof *ret_status);
	pthread_mutex_lock(&node->lock);
	if (node->puller)
		puller_status(node->puller, ret_status);
	pthread_mutex_unlock(&node->lock);
}

void node_leader_address(struct cadre_node *node, char text[CADRE_ADDRESS_BYTES])
{
	struct puller_status leader;

	if (!node->leader) {
		node_leader_contact(node, &leader);
		memcpy(text, leader.leader, CADRE_ADDRESS_BYTES);
		return;
	}
	pthread_mutex_lock(&node->lock);
	memcpy(text, node->rpc_address, CADRE_ADDRESS_BYTES);
	pthread_mutex_unlock(&node->lock);
}

static uint32_t store_alarms(const struct cadre_node *node,
                             const struct cadre_store_status *store)
{
	uint32_t set = 0;

	if (store->out_of_space)
		set |= BIT(OUT_OF_SPACE);
	if (atomic_load(&node->body.failed))
		set |= BIT(LOG_FAILED);
	if (store->state == CADRE_CONTROL_REBUILDING || !atomic_load(&node->body.open))
		set |= BIT(VIEWS_REBUILDING);
	if (store->state == CADRE_CONTROL_DIVERGED)
		set |= BIT(DIVERGED);
	if (store->leader_digest_seq > 0)
		set |= BIT(LEADER_DIGEST);
	return set;
}

static uint32_t leader_alarms(const struct puller_status *leader)
{
	uint32_t set = 0;

	if (leader->bootstrapping)
		set |= BIT(BOOTSTRAPPING);
	if (leader->refused)
		set |= BIT(LEADER_REFUSES);
	else if (leader->failure == CADRE_OUT_OF_SPACE)
		set |= BIT(OUT_OF_SPACE);
	else if (leader->failure == CADRE_UNAVAILABLE ||
	         leader->failure == CADRE_DEADLINE ||
	         (leader->contacted && !leader->bootstrapping &&
	          leader->contact_age_ms > NODE_SILENT_MS))
		set |= BIT(LEADER_SILENT);
	if (leader->contacted && llabs(leader->clock_ahead_ms) > NODE_CLOCK_OFF_MS)
		set |= BIT(CLOCK);
	return set;
}

uint32_t node_alarms(struct cadre_node *node, const struct cadre_store_status *store,
                     const struct puller_status *leader)
{
	uint32_t set = store_alarms(node, store);

	if (!node->leader)
		set |= leader_alarms(leader);
	if (atomic_load(&node->clock_off))
		set |= BIT(CLOCK);
	if (atomic_load(&node->exposed))
		set |= BIT(INSECURE);
	return set;
}

const char *node_digest_state(const struct cadre_store_status *store)
{
	if (store->state == CADRE_CONTROL_DIVERGED)
		return "diverged";
	/* A wrong digest of the leader's is noted; those behind it are not judged. */
	return store->state == CADRE_CONTROL_SERVING && store->leader_digest_seq == 0
	               ? "verified"
	               : "unverified";
}

static bool say(char *why, size_t capacity, const char *text)
{
	(void)snprintf(why, capacity, "%s", text);
	return false;
}

static bool follower_ready(const struct puller_status *leader, char *why, size_t capacity)
{
	if (leader->bootstrapping)
		return say(why, capacity,
		           "a snapshot of the leader is being taken: this node was too "
		           "far behind");
	if (leader->refused) {
		(void)snprintf(why, capacity, "the leader does not accept this node: %s",
		               leader->why);
		return false;
	}
	if (!leader->met) {
		(void)snprintf(why, capacity,
		               "no leader was met since the start, it is tried again%s%s",
		               leader->why[0] ? ": " : "", leader->why);
		return false;
	}
	/* Left alone with all that the leader had, a node serves on. */
	if (leader->lag_events > 0 && leader->lag_ms > NODE_READY_LAG_MS) {
		(void)snprintf(why, capacity,
		               "%llu events and %llu ms behind the leader, catching up",
		               (unsigned long long)leader->lag_events,
		               (unsigned long long)leader->lag_ms);
		return false;
	}
	return true;
}

bool cadre_node_ready(struct cadre_node *node, char *why, size_t capacity)
{
	struct cadre_store_status store;
	struct puller_status leader;

	body_status(&node->body, &store, NULL, NULL);
	node_leader_contact(node, &leader);
	if (atomic_load(&node->body.failed))
		return say(why, capacity, "the log failed: this process ends");
	if (store.state == CADRE_CONTROL_DIVERGED)
		return say(why, capacity,
		           "diverged from the leader: start this node with an empty "
		           "directory");
	if (!atomic_load(&node->body.open) || store.state == CADRE_CONTROL_REBUILDING)
		return say(why, capacity, "the views are being made again");
	if (node->leader && store.out_of_space)
		return say(why, capacity,
		           "the disk is full: reads only, until there is room");
	if (node->leader && atomic_load(&node->clock_off))
		return say(why, capacity,
		           "the clock jumped: nothing is decided until a restart");
	if (!node->leader && !follower_ready(&leader, why, capacity))
		return false;
	if (capacity > 0)
		why[0] = '\0';
	return true;
}
