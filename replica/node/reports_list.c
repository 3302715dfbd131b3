#include <stdlib.h>

#include "engine/base/bytes.h"
#include "replica/node/reports_internal.h"

/* A report is unpacked here before its wanted parts are copied. */
#define SCRATCH_BYTES_MAX ((size_t)16 << 20)

/* What is kept was packed here, from messages that had passed the scan. */
static const struct cadre_wire_limits kept_limits = {
	.bytes_max = CADRE_REPORT_BYTES_MAX,
	.depth_max = CADRE_WIRE_DEPTH_MAX,
	.fields_base = CADRE_REPORT_MEMBERS_MAX + CADRE_REPORT_DEPLOYMENTS_MAX + 64,
	.bytes_per_field = CADRE_WIRE_BYTES_PER_FIELD,
};

/* Nodes as they were at one moment. */
struct listing {
	struct cadre_arena *arena;
	struct cadre_arena scratch;
	struct reporter *nodes;
	size_t count;
	struct commit_time *commits;
	size_t commit_count;
	struct cadre_error *err;
};

static enum cadre_status no_room(const struct listing *listing)
{
	if (listing->arena->failure == CADRE_ARENA_NO_MEMORY)
		return cadre_error_set(listing->err, CADRE_OUT_OF_MEMORY,
		                       "no memory for what nodes reported");
	return cadre_error_set(listing->err, CADRE_TOO_LARGE,
	                       "what nodes reported needs more than %zu bytes: ask for "
	                       "one deployment",
	                       listing->arena->bytes_max);
}

static struct blob *ref(struct blob *blob)
{
	if (blob)
		atomic_fetch_add(&blob->references, 1);
	return blob;
}

static enum cadre_status listing_begin(struct listing *listing,
                                       struct cadre_reports *reports)
{
	cadre_arena_init(&listing->scratch, SCRATCH_BYTES_MAX);
	pthread_mutex_lock(&reports->lock);
	listing->nodes = malloc((reports->count + 1) * sizeof *listing->nodes);
	listing->commits = malloc(sizeof reports->commits);
	if (listing->nodes && listing->commits) {
		listing->count = reports->count;
		for (size_t i = 0; i < reports->count; i++) {
			listing->nodes[i] = reports->nodes[i];
			(void)ref(listing->nodes[i].introduced);
			(void)ref(listing->nodes[i].report);
		}
		listing->commit_count = reports->commit_count;
		memcpy(listing->commits, reports->commits, sizeof reports->commits);
	}
	pthread_mutex_unlock(&reports->lock);
	if (listing->nodes && listing->commits)
		return CADRE_OK;
	return cadre_error_set(listing->err, CADRE_OUT_OF_MEMORY,
	                       "no memory for what nodes reported");
}

static void listing_end(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		reports_blob_unref(listing->nodes[i].introduced);
		reports_blob_unref(listing->nodes[i].report);
	}
	free(listing->nodes);
	free(listing->commits);
	cadre_arena_fini(&listing->scratch);
}

/* `blob` NULL: `*ret_message` is NULL. */
static enum cadre_status unpack(const ProtobufCMessageDescriptor *type,
                                const struct blob *blob, struct cadre_arena *arena,
                                ProtobufCMessage **ret_message, struct cadre_error *err)
{
	*ret_message = NULL;
	if (!blob)
		return CADRE_OK;
	return cadre_unpack_within(type, cadre_slice(blob->bytes, blob->length),
	                           &kept_limits, arena, ret_message, err);
}

/* ---- copies ---- */

static bool copy_text(struct cadre_arena *arena, char **io_text)
{
	if (*io_text)
		*io_text = cadre_arena_strdup(arena, cadre_slice_text(*io_text));
	return *io_text != NULL;
}

/* Absent texts stay absent. */
static bool copy_optional(struct cadre_arena *arena, char **io_text)
{
	return !*io_text || copy_text(arena, io_text);
}

static Cadre__V1__MemberReport *
copy_member(struct cadre_arena *arena, const Cadre__V1__MemberReport *member, bool silent)
{
	Cadre__V1__MemberReport *copy = cadre_arena_alloc(arena, sizeof *copy);

	if (!copy)
		return NULL;
	*copy = *member;
	if (silent)
		copy->state = CADRE__V1__MEMBER_STATE__MEMBER_UNKNOWN;
	if (!copy_text(arena, &copy->deployment_id) ||
	    !copy_text(arena, &copy->model_id) ||
	    !copy_optional(arena, &copy->inference_key) ||
	    !copy_optional(arena, &copy->reason) || !copy_optional(arena, &copy->worker))
		return NULL;
	return copy;
}

static Cadre__V1__DeploymentReport *
copy_deployment(struct cadre_arena *arena, const Cadre__V1__DeploymentReport *deployment)
{
	Cadre__V1__DeploymentReport *copy = cadre_arena_alloc(arena, sizeof *copy);

	if (!copy)
		return NULL;
	*copy = *deployment;
	if (!copy_text(arena, &copy->deployment_id) ||
	    !copy_optional(arena, &copy->reason))
		return NULL;
	return copy;
}

static bool is_wanted(const char *deployment_id, const char *wanted)
{
	return !wanted || strcmp(deployment_id, wanted) == 0;
}

static bool copy_members(struct cadre_arena *arena, const Cadre__V1__NodeReport *from,
                         const char *wanted, bool silent, Cadre__V1__NodeReport *to)
{
	to->members = cadre_arena_alloc(arena, from->n_members * sizeof *to->members + 1);
	for (size_t i = 0; to->members && i < from->n_members; i++) {
		if (!is_wanted(from->members[i]->deployment_id, wanted))
			continue;
		to->members[to->n_members] = copy_member(arena, from->members[i], silent);
		if (!to->members[to->n_members++])
			return false;
	}
	return to->members != NULL;
}

static bool copy_deployments(struct cadre_arena *arena, const Cadre__V1__NodeReport *from,
                             const char *wanted,
                             Cadre__V1__DeploymentReport ***ret_deployments,
                             size_t *ret_count)
{
	Cadre__V1__DeploymentReport **copies =
	        cadre_arena_alloc(arena, from->n_deployments * sizeof *copies + 1);

	*ret_count = 0;
	for (size_t i = 0; copies && i < from->n_deployments; i++) {
		if (!is_wanted(from->deployments[i]->deployment_id, wanted))
			continue;
		copies[*ret_count] = copy_deployment(arena, from->deployments[i]);
		if (!copies[(*ret_count)++])
			return false;
	}
	*ret_deployments = copies;
	return copies != NULL;
}

/* ---- one node ---- */

/* Age of what the node has not applied: the newest commit's time against that of the
 * newest commit that it has. */
static uint64_t lag_ms(const struct listing *listing, cadre_seq applied_seq,
                       cadre_time_ms committed_ms)
{
	cadre_time_ms since = committed_ms;

	for (size_t i = listing->commit_count; i-- > 0;) {
		since = listing->commits[i].time_ms;
		if (listing->commits[i].seq <= applied_seq)
			break;
	}
	return committed_ms > since ? committed_ms - since : 0;
}

static void set_lag(const struct listing *listing, const struct reporter *node,
                    cadre_seq committed_seq, cadre_time_ms committed_ms,
                    Cadre__V1__NodeReport *out)
{
	bool behind = node->applied_seq < committed_seq;

	out->has_lag_events = out->has_lag_ms = true;
	out->lag_events = behind ? committed_seq - node->applied_seq : 0;
	out->lag_ms = behind ? lag_ms(listing, node->applied_seq, committed_ms) : 0;
}

static bool set_names(struct listing *listing, const struct reporter *node,
                      const Cadre__V1__RegisterNode *introduced,
                      const Cadre__V1__NodeReport *report, Cadre__V1__NodeReport *out)
{
	out->node_id = cadre_arena_alloc(listing->arena, 33);
	if (!out->node_id)
		return false;
	cadre_hex_encode(node->id, sizeof node->id, out->node_id);
	out->name = introduced ? introduced->name : NULL;
	out->address = introduced ? introduced->address : NULL;
	out->digest_state = report ? report->digest_state : NULL;
	return copy_optional(listing->arena, &out->name) &&
	       copy_optional(listing->arena, &out->address) &&
	       copy_optional(listing->arena, &out->digest_state);
}

static bool copy_report(struct listing *listing, const Cadre__V1__NodeReport *report,
                        const char *wanted, bool silent, Cadre__V1__NodeReport *out)
{
	return !report || (copy_members(listing->arena, report, wanted, silent, out) &&
	                   copy_deployments(listing->arena, report, wanted,
	                                    &out->deployments, &out->n_deployments));
}

static enum cadre_status unpack_node(struct listing *listing, const struct reporter *node,
                                     Cadre__V1__RegisterNode **ret_introduced,
                                     Cadre__V1__NodeReport **ret_report)
{
	ProtobufCMessage *introduced = NULL;
	ProtobufCMessage *report = NULL;
	enum cadre_status status;

	cadre_arena_reset(&listing->scratch);
	status = unpack(&cadre__v1__register_node__descriptor, node->introduced,
	                &listing->scratch, &introduced, listing->err);
	if (status == CADRE_OK)
		status = unpack(&cadre__v1__node_report__descriptor, node->report,
		                &listing->scratch, &report, listing->err);
	if (status != CADRE_OK)
		return status;
	*ret_introduced = (Cadre__V1__RegisterNode *)(void *)introduced;
	*ret_report = (Cadre__V1__NodeReport *)(void *)report;
	return CADRE_OK;
}

static enum cadre_status list_node(struct listing *listing, const struct reporter *node,
                                   const char *wanted, uint64_t now_ms,
                                   Cadre__V1__NodeReport *out)
{
	Cadre__V1__RegisterNode *introduced;
	Cadre__V1__NodeReport *report;
	bool silent = reports_age_ms(node, now_ms) > CADRE_REPORT_SILENT_MS;
	enum cadre_status status = unpack_node(listing, node, &introduced, &report);

	if (status != CADRE_OK)
		return status;
	cadre__v1__node_report__init(out);
	if (!set_names(listing, node, introduced, report, out) ||
	    !copy_report(listing, report, wanted, silent, out))
		return no_room(listing);
	out->has_durable_seq = out->has_applied_seq = true;
	out->durable_seq = node->durable_seq;
	out->applied_seq = node->applied_seq;
	out->has_age_ms = out->has_connected = true;
	out->age_ms = reports_age_ms(node, now_ms);
	out->connected = !silent;
	return CADRE_OK;
}

static enum cadre_status list_all(struct listing *listing, const char *wanted,
                                  cadre_seq committed_seq, cadre_time_ms committed_ms,
                                  uint64_t now_ms, Cadre__V1__NodeReport **nodes,
                                  size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = 0; i < listing->count; i++) {
		Cadre__V1__NodeReport *out = cadre_arena_alloc(listing->arena,
		                                               sizeof *out);
		enum cadre_status status = out ? list_node(listing, &listing->nodes[i],
		                                           wanted, now_ms, out)
		                               : no_room(listing);
		if (status != CADRE_OK)
			return status;
		set_lag(listing, &listing->nodes[i], committed_seq, committed_ms, out);
		if (!wanted || out->n_members > 0 || out->n_deployments > 0)
			nodes[count++] = out;
	}
	*ret_count = count;
	return CADRE_OK;
}

enum cadre_status cadre_reports_list(struct cadre_reports *reports,
                                     const char *deployment_id, cadre_seq committed_seq,
                                     cadre_time_ms committed_ms, uint64_t now_ms,
                                     struct cadre_arena *arena,
                                     Cadre__V1__NodeReport ***ret_nodes,
                                     size_t *ret_count, struct cadre_error *err)
{
	struct listing listing = { .arena = arena, .err = err };
	enum cadre_status status = listing_begin(&listing, reports);

	if (status == CADRE_OK) {
		*ret_nodes = cadre_arena_alloc(arena,
		                               listing.count * sizeof **ret_nodes + 1);
		status = *ret_nodes
		                 ? list_all(&listing, deployment_id, committed_seq,
		                            committed_ms, now_ms, *ret_nodes, ret_count)
		                 : no_room(&listing);
	}
	listing_end(&listing);
	return status;
}

/* ---- for a rollout ---- */

static enum cadre_status tell_node(struct listing *listing, const struct reporter *node,
                                   uint64_t now_ms, struct cadre_reports_node *out)
{
	Cadre__V1__RegisterNode *unused;
	Cadre__V1__NodeReport *report;
	ProtobufCMessage *introduced;
	enum cadre_status status = unpack_node(listing, node, &unused, &report);

	if (status == CADRE_OK)
		status = unpack(&cadre__v1__register_node__descriptor, node->introduced,
		                listing->arena, &introduced, listing->err);
	if (status != CADRE_OK)
		return status;
	memset(out, 0, sizeof *out);
	out->introduced = (Cadre__V1__RegisterNode *)(void *)introduced;
	out->heard = reports_age_ms(node, now_ms) <= CADRE_REPORT_SILENT_MS;
	if (report && !copy_deployments(listing->arena, report, NULL, &out->deployments,
	                                &out->deployment_count))
		return no_room(listing);
	return CADRE_OK;
}

enum cadre_status cadre_reports_nodes(struct cadre_reports *reports, uint64_t now_ms,
                                      struct cadre_arena *arena,
                                      struct cadre_reports_node **ret_nodes,
                                      size_t *ret_count, struct cadre_error *err)
{
	struct listing listing = { .arena = arena, .err = err };
	enum cadre_status status = listing_begin(&listing, reports);
	size_t count = 0;

	if (status == CADRE_OK) {
		*ret_nodes = cadre_arena_alloc(arena,
		                               listing.count * sizeof **ret_nodes + 1);
		status = *ret_nodes ? CADRE_OK : no_room(&listing);
	}
	for (size_t i = 0; status == CADRE_OK && i < listing.count; i++)
		if (listing.nodes[i].introduced)
			status = tell_node(&listing, &listing.nodes[i], now_ms,
			                   &(*ret_nodes)[count++]);
	listing_end(&listing);
	*ret_count = count;
	return status;
}
