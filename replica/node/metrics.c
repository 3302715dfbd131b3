#include "replica/node/internal.h"

#define GAUGE(row, text_name, text_unit, text_help) \
	[row] = { .name = (text_name),              \
		  .kind = CADRE_METRIC_GAUGE,       \
		  .unit = (text_unit),              \
		  .help = (text_help) }

static const struct cadre_metric_row rows[NODE_METRIC_COUNT] = {
	GAUGE(NODE_METRIC_DURABLE_SEQ, "cadre_node_durable_seq", "seq",
	      "Last event that is synced here."),
	GAUGE(NODE_METRIC_COMMITTED_SEQ, "cadre_node_committed_seq", "seq",
	      "Last event that is committed, as far as is known here."),
	GAUGE(NODE_METRIC_APPLIED_SEQ, "cadre_node_applied_seq", "seq",
	      "Last event that reads see."),
	GAUGE(NODE_METRIC_LOG_BYTES, "cadre_node_log_bytes", "bytes",
	      "Log on disk, without prepared room."),
	GAUGE(NODE_METRIC_SNAPSHOT_SEQ, "cadre_node_snapshot_seq", "seq",
	      "Of the newest snapshot."),
	GAUGE(NODE_METRIC_ALARMS, "cadre_node_alarms", "alarms",
	      "Conditions that a person should look at: see cadre status."),
	GAUGE(NODE_METRIC_FOLLOWERS, "cadre_node_followers", "nodes",
	      "Leader: nodes heard within 30 s."),
	GAUGE(NODE_METRIC_LAG_EVENTS, "cadre_node_lag_events", "events",
	      "Follower: events committed at the leader and not visible here."),
	GAUGE(NODE_METRIC_LAG_MS, "cadre_node_lag_ms", "ms",
	      "Follower: how old what is visible here may be."),
	GAUGE(NODE_METRIC_CONTACT_AGE_MS, "cadre_node_leader_contact_age_ms", "ms",
	      "Follower: since the leader's last answer."),
	[NODE_METRIC_BOOTSTRAPS] = { .name = "cadre_node_bootstraps_total",
	                             .kind = CADRE_METRIC_COUNTER,
	                             .unit = "snapshots",
	                             .help = "Follower: snapshots taken over." },
	GAUGE(NODE_METRIC_BOOTSTRAP_DONE, "cadre_node_bootstrap_done_bytes", "bytes",
	      "Follower: of the snapshot that is being taken."),
	GAUGE(NODE_METRIC_BOOTSTRAP_TOTAL, "cadre_node_bootstrap_total_bytes", "bytes",
	      "Follower: its size."),
};

enum cadre_status node_metrics_make(struct cadre_node *node, struct cadre_error *err)
{
	if (cadre_metrics_create(rows, NODE_METRIC_COUNT, &node->metrics) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for metrics");
	return CADRE_OK;
}

static void set(struct cadre_node *node, enum node_metric row, uint64_t value)
{
	cadre_metric_set(node->metrics, row,
	                 value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static int64_t count_bits(uint32_t set)
{
	int64_t count = 0;

	for (; set; set &= set - 1)
		count++;
	return count;
}

static uint64_t count_followers(struct cadre_node *node)
{
	struct cadre_arena arena;
	Cadre__V1__NodeReport **nodes;
	size_t count = 0;
	uint64_t heard = 0;

	cadre_arena_init(&arena, CADRE_REPORTS_BYTES_MAX);
	/* Of no deployment: positions without members. */
	if (cadre_reports_list(node->reports, NULL, 0, 0, node_now_ms(node), &arena,
	                       &nodes, &count, NULL) == CADRE_OK) {
		for (size_t i = 0; i < count; i++)
			heard += nodes[i]->connected ? 1 : 0;
	}
	cadre_arena_fini(&arena);
	return heard;
}

static void take_values(struct cadre_node *node)
{
	struct cadre_store_status store;
	struct puller_status leader;

	body_status(&node->body, &store, NULL, NULL);
	node_leader_contact(node, &leader);
	set(node, NODE_METRIC_DURABLE_SEQ, store.log.durable_seq);
	set(node, NODE_METRIC_COMMITTED_SEQ, store.committed_seq);
	set(node, NODE_METRIC_APPLIED_SEQ, store.view.applied_seq);
	set(node, NODE_METRIC_LOG_BYTES,
	    store.log_stat.sealed_bytes + store.log_stat.active_bytes);
	set(node, NODE_METRIC_SNAPSHOT_SEQ, store.snapshot_seq);
	cadre_metric_set(node->metrics, NODE_METRIC_ALARMS,
	                 count_bits(node_alarms(node, &store, &leader)));
	if (node->leader) {
		set(node, NODE_METRIC_FOLLOWERS, count_followers(node));
		return;
	}
	set(node, NODE_METRIC_LAG_EVENTS, leader.lag_events);
	set(node, NODE_METRIC_LAG_MS, leader.lag_ms);
	set(node, NODE_METRIC_CONTACT_AGE_MS, leader.contact_age_ms);
}

enum cadre_status cadre_node_metrics_text(struct cadre_node *node,
                                          struct cadre_buffer *out)
{
	enum cadre_status status;

	take_values(node);
	status = cadre_metrics_text(node->metrics, out);
	if (status == CADRE_OK)
		status = cadre_metrics_text(cadre_rpc_metrics(node->rpc), out);
	if (status == CADRE_OK && node->source)
		status = cadre_metrics_text(cadre_source_metrics(node->source), out);
	if (status == CADRE_OK)
		status = node_agent_metrics_text(node->agent, out);
	return status;
}
