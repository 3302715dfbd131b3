#include "replica/node/reports.h"

#include <stdlib.h>

#include "engine/base/bytes.h"
#include "replica/node/reports_internal.h"

struct cadre_reports *cadre_reports_create(void)
{
	struct cadre_reports *reports = calloc(1, sizeof *reports);

	if (reports)
		pthread_mutex_init(&reports->lock, NULL);
	return reports;
}

void reports_blob_unref(struct blob *blob)
{
	if (blob && atomic_fetch_sub(&blob->references, 1) == 1)
		free(blob);
}

void cadre_reports_destroy(struct cadre_reports *reports)
{
	if (!reports)
		return;
	for (size_t i = 0; i < reports->count; i++) {
		reports_blob_unref(reports->nodes[i].introduced);
		reports_blob_unref(reports->nodes[i].report);
	}
	pthread_mutex_destroy(&reports->lock);
	free(reports->nodes);
	free(reports);
}

uint64_t cadre_reports_version(struct cadre_reports *reports)
{
	uint64_t version;

	pthread_mutex_lock(&reports->lock);
	version = reports->version;
	pthread_mutex_unlock(&reports->lock);
	return version;
}

/* ---- messages, packed ---- */

static enum cadre_status make_blob(const ProtobufCMessage *message,
                                   struct blob **ret_blob)
{
	struct cadre_buffer packed = { 0 };
	enum cadre_status status = cadre_pack(message, &packed, NULL);

	if (status == CADRE_OK && packed.length > CADRE_REPORT_BYTES_MAX)
		status = CADRE_LIMIT_EXCEEDED;
	if (status == CADRE_OK) {
		*ret_blob = malloc(sizeof **ret_blob + packed.length);
		status = *ret_blob ? CADRE_OK : CADRE_OUT_OF_MEMORY;
	}
	if (status == CADRE_OK) {
		atomic_init(&(*ret_blob)->references, 1);
		(*ret_blob)->length = packed.length;
		if (packed.length > 0)
			memcpy((*ret_blob)->bytes, packed.data, packed.length);
	}
	cadre_buffer_fini(&packed);
	return status;
}

static bool same_blob(const struct blob *a, const struct blob *b)
{
	if (!a || !b)
		return a == b;
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Under the lock. Takes `blob`; `*io_kept` is let go when it is not the same. */
static enum cadre_status keep(struct cadre_reports *reports, struct blob **io_kept,
                              struct blob *blob)
{
	size_t before = *io_kept ? (*io_kept)->length : 0;

	if (same_blob(*io_kept, blob)) {
		reports_blob_unref(blob);
		return CADRE_OK;
	}
	if (reports->bytes - before + blob->length > CADRE_REPORTS_BYTES_MAX) {
		reports_blob_unref(blob);
		return CADRE_LIMIT_EXCEEDED;
	}
	reports->bytes += blob->length - before;
	reports_blob_unref(*io_kept);
	*io_kept = blob;
	reports->version++;
	return CADRE_OK;
}

static void drop(struct cadre_reports *reports, struct blob **io_kept)
{
	if (!*io_kept)
		return;
	reports->bytes -= (*io_kept)->length;
	reports_blob_unref(*io_kept);
	*io_kept = NULL;
	reports->version++;
}

/* ---- nodes, under the lock ---- */

/* The place of `id`, or the one where it belongs. */
static size_t locate(const struct cadre_reports *reports, const uint8_t *id)
{
	size_t low = 0;
	size_t high = reports->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(reports->nodes[middle].id, id, 16) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void remove_at(struct cadre_reports *reports, size_t at)
{
	struct reporter *node = &reports->nodes[at];

	drop(reports, &node->introduced);
	drop(reports, &node->report);
	reports->count--;
	memmove(node, node + 1, (reports->count - at) * sizeof *node);
}

static bool gives_way(const struct reporter *node, uint64_t now_ms)
{
	uint64_t limit_ms = node->fetched ? CADRE_REPORT_SILENT_MS : CADRE_FEED_MUTE_MS;

	return reports_age_ms(node, now_ms) > limit_ms;
}

/* The one that was silent for longest goes, first of all of those that said no more than
 * hello. False when all were heard lately. */
static bool make_room(struct cadre_reports *reports, uint64_t now_ms)
{
	const struct reporter *chosen = NULL;

	for (size_t i = 0; i < reports->count; i++) {
		const struct reporter *node = &reports->nodes[i];
		if (!gives_way(node, now_ms))
			continue;
		if (!chosen || (chosen->fetched && !node->fetched) ||
		    (chosen->fetched == node->fetched &&
		     node->heard_ms < chosen->heard_ms))
			chosen = node;
	}
	if (!chosen)
		return false;
	remove_at(reports, (size_t)(chosen - reports->nodes));
	return true;
}

static enum cadre_status reserve(struct cadre_reports *reports, uint64_t now_ms)
{
	size_t capacity = reports->capacity ? 2 * reports->capacity : 16;
	struct reporter *grown;

	if (reports->count == CADRE_REPORT_NODES_MAX)
		return make_room(reports, now_ms) ? CADRE_OK : CADRE_TOO_MANY_REQUESTS;
	if (reports->count < reports->capacity)
		return CADRE_OK;
	grown = realloc(reports->nodes, capacity * sizeof *grown);
	if (!grown)
		return CADRE_OUT_OF_MEMORY;
	reports->nodes = grown;
	reports->capacity = capacity;
	return CADRE_OK;
}

/* The node, made when it is new. */
static enum cadre_status find_or_add(struct cadre_reports *reports,
                                     const ProtobufCBinaryData *id, uint64_t now_ms,
                                     struct reporter **ret_node)
{
	size_t at = locate(reports, id->data);
	struct reporter *node;
	enum cadre_status status;

	if (at == reports->count || memcmp(reports->nodes[at].id, id->data, 16) != 0) {
		status = reserve(reports, now_ms);
		if (status != CADRE_OK)
			return status;
		at = locate(reports, id->data);
		node = &reports->nodes[at];
		memmove(node + 1, node, (reports->count - at) * sizeof *node);
		reports->count++;
		memset(node, 0, sizeof *node);
		memcpy(node->id, id->data, sizeof node->id);
		reports->version++;
	}
	*ret_node = &reports->nodes[at];
	(*ret_node)->heard_ms = now_ms;
	return CADRE_OK;
}

/* ---- what nodes tell ---- */

static enum cadre_status pack_introduction(const Cadre__V1__Hello *hello,
                                           struct blob **ret_blob)
{
	Cadre__V1__RegisterNode node = CADRE__V1__REGISTER_NODE__INIT;
	char id[33];

	cadre_hex_encode(hello->node_id.data, 16, id);
	node.node_id = id;
	node.name = hello->name && hello->name[0] ? hello->name : NULL;
	node.address = hello->address && hello->address[0] ? hello->address : NULL;
	node.n_labels = hello->n_labels;
	node.labels = hello->labels;
	return make_blob(&node.base, ret_blob);
}

enum cadre_status cadre_reports_hello(struct cadre_reports *reports,
                                      const Cadre__V1__Hello *hello, uint64_t now_ms)
{
	struct reporter *node;
	struct blob *blob;
	enum cadre_status status;

	if (hello->node_id.len != 16 || hello->incarnation.len != 16)
		return CADRE_INVALID_PARAMETER;
	status = pack_introduction(hello, &blob);
	if (status != CADRE_OK)
		return status;
	pthread_mutex_lock(&reports->lock);
	status = find_or_add(reports, &hello->node_id, now_ms, &node);
	if (status == CADRE_OK) {
		if (memcmp(node->incarnation, hello->incarnation.data, 16) != 0)
			drop(reports, &node->report);
		memcpy(node->incarnation, hello->incarnation.data, 16);
		node->durable_seq = hello->last_seq;
		status = keep(reports, &node->introduced, blob);
		reports->version++;
	} else {
		reports_blob_unref(blob);
	}
	pthread_mutex_unlock(&reports->lock);
	return status;
}

/* What the node knows of itself; the leader fills in the rest. */
static enum cadre_status pack_report(const Cadre__V1__NodeReport *report,
                                     struct blob **ret_blob)
{
	Cadre__V1__NodeReport kept = CADRE__V1__NODE_REPORT__INIT;
	char no_id[] = "";

	if (report->n_members > CADRE_REPORT_MEMBERS_MAX ||
	    report->n_deployments > CADRE_REPORT_DEPLOYMENTS_MAX)
		return CADRE_LIMIT_EXCEEDED;
	kept.node_id = no_id;
	kept.digest_state = report->digest_state;
	kept.n_members = report->n_members;
	kept.members = report->members;
	kept.n_deployments = report->n_deployments;
	kept.deployments = report->deployments;
	return make_blob(&kept.base, ret_blob);
}

enum cadre_status cadre_reports_fetch(struct cadre_reports *reports,
                                      const Cadre__V1__Fetch *fetch, uint64_t now_ms)
{
	enum cadre_status packed = CADRE_OK;
	struct blob *blob = NULL;
	struct reporter *node;
	enum cadre_status status;

	if (fetch->node_id.len != 16)
		return CADRE_INVALID_PARAMETER;
	if (fetch->report)
		packed = pack_report(fetch->report, &blob);
	pthread_mutex_lock(&reports->lock);
	status = find_or_add(reports, &fetch->node_id, now_ms, &node);
	if (status == CADRE_OK) {
		node->fetched = true;
		node->durable_seq = fetch->durable_seq;
		node->applied_seq = fetch->applied_seq;
	}
	if (status == CADRE_OK && packed == CADRE_OK && blob)
		status = keep(reports, &node->report, blob);
	else if (packed == CADRE_OK)
		reports_blob_unref(blob);
	pthread_mutex_unlock(&reports->lock);
	return status == CADRE_OK ? packed : status;
}

/* ---- times of commits ---- */

static void forget_every_other(struct cadre_reports *reports)
{
	size_t count = reports->commit_count / 2;

	for (size_t i = 0; i < count; i++)
		reports->commits[i] = reports->commits[2 * i];
	reports->commit_count = count;
}

void cadre_reports_committed(struct cadre_reports *reports, cadre_seq seq,
                             cadre_time_ms time_ms)
{
	pthread_mutex_lock(&reports->lock);
	if (reports->commit_count == COMMITS_KEPT)
		forget_every_other(reports);
	reports->commits[reports->commit_count++] =
	        (struct commit_time){ .seq = seq, .time_ms = time_ms };
	pthread_mutex_unlock(&reports->lock);
}
