#include "replica/node/alarms.h"

const struct cadre_alarm_row cadre_alarms[CADRE_ALARM_COUNT] = {
	[CADRE_ALARM_OUT_OF_SPACE] = {
		.name = "OUT_OF_SPACE",
		.meaning = "The disk of the data directory is full: nothing new is taken, "
		           "reads and predictions go on.",
		.remedy = "Make room on that disk; the node goes on by itself.",
	},
	[CADRE_ALARM_LOG_FAILED] = {
		.name = "LOG_FAILED",
		.meaning = "A write or sync of the log failed: nothing is acknowledged any "
		           "more and the process ends with code 75.",
		.remedy = "Look at the kernel's log for the disk, then start the node "
		          "again: it recovers what is sound.",
	},
	[CADRE_ALARM_VIEWS_REBUILDING] = {
		.name = "VIEWS_REBUILDING",
		.meaning = "The views are being made again from snapshot and log: reads "
		           "answer UNAVAILABLE until that is done.",
		.remedy = "Wait; ask another node meanwhile.",
	},
	[CADRE_ALARM_CLOCK] = {
		.name = "CLOCK",
		.meaning = "The wall clock jumped, or differs from the leader's by more "
		           "than 5 s. A leader whose clock jumped by 60 s decides nothing.",
		.remedy = "Set the clock right (NTP); restart a leader after that.",
	},
	[CADRE_ALARM_INSECURE] = {
		.name = "INSECURE",
		.meaning = "The node listens in plain text on an address that other "
		           "machines reach.",
		.remedy = "Listen on loopback or on tls+tcp, or keep the network private.",
	},
	[CADRE_ALARM_LEADER_SILENT] = {
		.name = "LEADER_SILENT",
		.meaning = "The leader does not answer: this node serves what it has, "
		           "which grows older.",
		.remedy = "See that the leader runs and that its replication address can "
		          "be reached from here; the node finds it again by itself.",
	},
	[CADRE_ALARM_LEADER_REFUSES] = {
		.name = "LEADER_REFUSES",
		.meaning = "The leader answers and does not accept this node: another "
		           "cluster or timeline, a copied directory, or no leader.",
		.remedy = "Correct what the cause names: the address to join, or start "
		          "this node with an empty directory.",
	},
	[CADRE_ALARM_BOOTSTRAPPING] = {
		.name = "BOOTSTRAPPING",
		.meaning = "The node takes a snapshot from the leader because it is too "
		           "far behind its log.",
		.remedy = "Wait; progress is in the log and in the metrics.",
	},
	[CADRE_ALARM_DIVERGED] = {
		.name = "DIVERGED",
		.meaning = "This node's content contradicts the leader's: reads are "
		           "refused, predictions go on with the models that are loaded.",
		.remedy = "Keep the directory as evidence, and start the node with an "
		          "empty one.",
	},
	[CADRE_ALARM_LEADER_DIGEST] = {
		.name = "LEADER_DIGEST",
		.meaning = "The leader recorded a digest that its own log does not give: "
		           "this node recounted and goes on.",
		.remedy = "Run cadre-admin verify on the leader's directory; its views "
		          "are to be rebuilt.",
	},
};

const struct cadre_alarm_row *cadre_alarm_find(const char *text)
{
	size_t length = strcspn(text, ":");

	for (size_t i = 0; i < CADRE_ALARM_COUNT; i++) {
		if (strlen(cadre_alarms[i].name) == length &&
		    memcmp(cadre_alarms[i].name, text, length) == 0)
			return &cadre_alarms[i];
	}
	return NULL;
}
