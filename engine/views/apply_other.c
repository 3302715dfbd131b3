/* Models, nodes, principals, policies, and what concerns the log itself. */
#include "engine/views/apply.h"

/* Nodes, principals and models may come back after their end under the same id:
 * the resource is then changed in place. `*ret_found` says whether it exists. */
static enum cadre_status find_again(struct cadre_apply *apply, Cadre__V1__Kind kind,
                                    const char *name, struct cadre_loaded *ret_loaded,
                                    bool *ret_found)
{
	Cadre__V1__Kind found;
	uint64_t id;
	enum cadre_status status;

	*ret_found = false;
	if (!name)
		return cadre_apply_no_memory(apply);
	status = cadre_view_find(apply->view, name, &found, &id, apply->err);
	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	*ret_found = true;
	status = cadre_apply_load_id(apply, kind, id, ret_loaded);
	if (status == CADRE_OK) {
		apply->resource = id;
		cadre_apply_touch(apply, ret_loaded->resource);
	}
	return status;
}

/* The end of a model, node or principal. */
static enum cadre_status end_resource(struct cadre_apply *apply, Cadre__V1__Kind kind,
                                      const char *name)
{
	struct cadre_loaded loaded;
	enum cadre_status status;

	if (!name)
		return cadre_apply_no_memory(apply);
	status = cadre_apply_load(apply, kind, name, &loaded);
	if (status != CADRE_OK)
		return status;
	apply->resource = loaded.resource->id;
	cadre_apply_touch(apply, loaded.resource);
	loaded.resource->lifecycle_state = CADRE__V1__LIFECYCLE_STATE__DELETED;
	return cadre_apply_store(apply, &loaded);
}

/* ---- models ---- */

static void fill_model(Cadre__V1__ModelState *state, const Cadre__V1__RegisterModel *body)
{
	state->framework = body->framework;
	state->has_kind = body->has_kind;
	state->kind = body->kind;
	state->artifact_uri = body->artifact_uri;
	state->has_artifact_sha256 = body->has_artifact_sha256;
	state->artifact_sha256 = body->artifact_sha256;
	state->has_artifact_bytes = body->has_artifact_bytes;
	state->artifact_bytes = body->artifact_bytes;
}

/* A retired model that is registered again. */
static enum cadre_status revive_model(struct cadre_apply *apply,
                                      struct cadre_loaded *model,
                                      Cadre__V1__ModelState *state,
                                      const struct cadre_attribute_change *attributes)
{
	const Cadre__V1__RegisterModel *body = apply->event->model_registered->model;
	Cadre__V1__Resource *resource = model->resource;
	enum cadre_status status;

	if (resource->lifecycle_state != CADRE__V1__LIFECYCLE_STATE__DELETED)
		return cadre_apply_diverged(apply, "model \"%.255s\" exists already",
		                            resource->ocid);
	status = cadre_apply_move(apply, resource, body->compartment_id);
	if (status == CADRE_OK)
		status = cadre_apply_rename(apply, resource,
		                            body->display_name ? body->display_name : "");
	resource->has_attributes = false;
	if (status == CADRE_OK)
		status = cadre_apply_attributes(apply, resource, attributes);
	if (status != CADRE_OK)
		return status;
	resource->project_id = body->project_id;
	resource->description = body->description;
	resource->lifecycle_state = CADRE__V1__LIFECYCLE_STATE__ACTIVE;
	resource->model = state;
	return cadre_apply_store(apply, model);
}

enum cadre_status cadre_apply_model_registered(struct cadre_apply *apply)
{
	const Cadre__V1__ModelRegistered *event = apply->event->model_registered;
	const Cadre__V1__RegisterModel *body = event->model;
	struct cadre_attribute_change attributes = {
		.has_metadata = body->n_custom_metadata_list > 0,
		.metadata = body->custom_metadata_list,
		.metadata_count = body->n_custom_metadata_list,
		.freeform_tags = body->freeform_tags,
		.defined_tags = body->defined_tags,
	};
	Cadre__V1__ModelState state = CADRE__V1__MODEL_STATE__INIT;
	Cadre__V1__Resource resource;
	struct cadre_loaded model;
	bool found;
	enum cadre_status status = find_again(apply, CADRE__V1__KIND__KIND_MODEL,
	                                      event->id, &model, &found);

	if (status != CADRE_OK)
		return status;
	fill_model(&state, body);
	if (found)
		return revive_model(apply, &model, &state, &attributes);
	cadre_apply_init(apply, &resource, CADRE__V1__KIND__KIND_MODEL, event->id,
	                 body->compartment_id, body->project_id, body->display_name);
	resource.description = body->description;
	resource.detail_case = CADRE__V1__RESOURCE__DETAIL_MODEL;
	resource.model = &state;
	status = cadre_apply_attributes(apply, &resource, &attributes);
	if (status != CADRE_OK)
		return status;
	return cadre_apply_create(apply, "", &resource);
}

enum cadre_status cadre_apply_model_retired(struct cadre_apply *apply)
{
	return end_resource(apply, CADRE__V1__KIND__KIND_MODEL,
	                    apply->event->model_retired->id);
}

/* ---- nodes, principals, policies ---- */

static enum cadre_status put_cluster(struct cadre_apply *apply,
                                     const Cadre__V1__ClusterRow *row)
{
	struct cadre_row_key key;

	if (row->feature_level > CADRE_FEATURE_LEVEL)
		return cadre_apply_diverged(
		        apply, "feature level %u, this build applies up to %u",
		        row->feature_level, CADRE_FEATURE_LEVEL);
	cadre_row_key_init(&key, 'K');
	return cadre_row_put_message(apply->view, &key, &row->base, NULL, apply->err);
}

/* A resource without a compartment: new, or changed in place. `detail` holds the
 * filled detail of `sample`. */
static enum cadre_status put_global(struct cadre_apply *apply, const char *prefix,
                                    Cadre__V1__Resource *sample)
{
	struct cadre_loaded loaded;
	bool found;
	enum cadre_status status = find_again(
	        apply, sample->kind, cadre_apply_join(apply, prefix, sample->ocid),
	        &loaded, &found);

	if (status != CADRE_OK)
		return status;
	if (!found)
		return cadre_apply_create(apply, prefix, sample);
	status = cadre_apply_rename(apply, loaded.resource, sample->display_name);
	if (status != CADRE_OK)
		return status;
	loaded.resource->lifecycle_state = sample->lifecycle_state;
	/* The oneof is a union of pointers: any member carries it. */
	loaded.resource->node = sample->node;
	return cadre_apply_store(apply, &loaded);
}

enum cadre_status cadre_apply_node_registered(struct cadre_apply *apply)
{
	const Cadre__V1__RegisterNode *event = apply->event->node_registered;
	Cadre__V1__NodeState state = CADRE__V1__NODE_STATE__INIT;
	Cadre__V1__Resource node;

	cadre_apply_init(apply, &node, CADRE__V1__KIND__KIND_NODE, event->node_id, NULL,
	                 NULL, event->name ? event->name : event->node_id);
	node.detail_case = CADRE__V1__RESOURCE__DETAIL_NODE;
	node.node = &state;
	state.labels = event->labels;
	state.n_labels = event->n_labels;
	state.address = event->address;
	return put_global(apply, "node:", &node);
}

enum cadre_status cadre_apply_node_retired(struct cadre_apply *apply)
{
	return end_resource(
	        apply, CADRE__V1__KIND__KIND_NODE,
	        cadre_apply_join(apply, "node:", apply->event->node_retired->node_id));
}

/* Level 2: who caches principals and policies sees that they changed. */
static enum cadre_status note_access(struct cadre_apply *apply, enum cadre_status status)
{
	Cadre__V1__ClusterRow *row;

	if (status != CADRE_OK)
		return status;
	status = cadre_view_cluster(apply->view, &row, apply->err);
	if (status == CADRE_NOT_FOUND || (status == CADRE_OK && row->feature_level < 2))
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	row->has_access_seq = true;
	row->access_seq = apply->seq;
	return put_cluster(apply, row);
}

enum cadre_status cadre_apply_principal_put(struct cadre_apply *apply)
{
	const Cadre__V1__PutPrincipal *event = apply->event->principal_put;
	Cadre__V1__PrincipalState state = CADRE__V1__PRINCIPAL_STATE__INIT;
	Cadre__V1__Resource principal;

	cadre_apply_init(apply, &principal, CADRE__V1__KIND__KIND_PRINCIPAL, event->name,
	                 NULL, NULL, event->name);
	principal.detail_case = CADRE__V1__RESOURCE__DETAIL_PRINCIPAL;
	principal.principal = &state;
	state.public_key_pem = event->public_key_pem;
	state.groups = event->groups;
	state.n_groups = event->n_groups;
	state.has_may_act_for_others = event->has_may_act_for_others;
	state.may_act_for_others = event->may_act_for_others;
	return note_access(apply, put_global(apply, "principal:", &principal));
}

enum cadre_status cadre_apply_principal_removed(struct cadre_apply *apply)
{
	const char *name = cadre_apply_join(
	        apply, "principal:", apply->event->principal_removed->name);

	return note_access(apply,
	                   end_resource(apply, CADRE__V1__KIND__KIND_PRINCIPAL, name));
}

enum cadre_status cadre_apply_policy_put(struct cadre_apply *apply)
{
	const Cadre__V1__PutPolicy *event = apply->event->policy_put;
	Cadre__V1__PolicyState state = CADRE__V1__POLICY_STATE__INIT;
	Cadre__V1__Resource policy;

	cadre_apply_init(apply, &policy, CADRE__V1__KIND__KIND_POLICY, event->name, NULL,
	                 NULL, event->name);
	policy.detail_case = CADRE__V1__RESOURCE__DETAIL_POLICY;
	policy.policy = &state;
	state.statements = event->statements;
	state.n_statements = event->n_statements;
	return note_access(apply, put_global(apply, "policy:", &policy));
}

enum cadre_status cadre_apply_policy_removed(struct cadre_apply *apply)
{
	const char *name =
	        cadre_apply_join(apply, "policy:", apply->event->policy_removed->name);

	return note_access(apply,
	                   end_resource(apply, CADRE__V1__KIND__KIND_POLICY, name));
}

/* ---- the cluster and the log ---- */

enum cadre_status cadre_apply_cluster_configured(struct cadre_apply *apply)
{
	const Cadre__V1__ClusterConfigured *event = apply->event->cluster_configured;
	Cadre__V1__ClusterRow row = CADRE__V1__CLUSTER_ROW__INIT;

	row.cluster_id = event->cluster_id;
	row.timeline_id = event->timeline_id;
	row.name = event->name;
	row.feature_level = event->feature_level;
	row.voter_node_ids = event->voter_node_ids;
	row.n_voter_node_ids = event->n_voter_node_ids;
	row.has_strict_members = event->has_strict_members;
	row.strict_members = event->strict_members;
	row.has_access_seq = event->feature_level >= 2;
	row.access_seq = row.has_access_seq ? apply->seq : 0;
	return put_cluster(apply, &row);
}

enum cadre_status cadre_apply_feature_level_raised(struct cadre_apply *apply)
{
	Cadre__V1__ClusterRow *row;
	enum cadre_status status = cadre_view_cluster(apply->view, &row, apply->err);

	if (status != CADRE_OK)
		return cadre_apply_required(apply, status, "row of", "the cluster");
	row->feature_level = apply->event->feature_level_raised->level;
	if (row->feature_level >= 2) {
		row->has_access_seq = true;
		row->access_seq = apply->seq;
	}
	return put_cluster(apply, row);
}

enum cadre_status cadre_apply_epoch_started(struct cadre_apply *apply)
{
	cadre_epoch epoch = apply->event->epoch_started->epoch;

	if (epoch < apply->view->head.epoch)
		return cadre_apply_diverged(apply, "epoch %llu after %llu",
		                            (unsigned long long)epoch,
		                            (unsigned long long)apply->view->head.epoch);
	apply->view->head.epoch = epoch;
	return CADRE_OK;
}

enum cadre_status cadre_apply_digest_recorded(struct cadre_apply *apply)
{
	const Cadre__V1__DigestRecorded *event = apply->event->digest_recorded;
	struct cadre_view *view = apply->view;
	struct cadre_hash128 recorded;

	/* Digests of another version are not ours to judge. */
	if (event->version != CADRE_DIGEST_VERSION)
		return CADRE_OK;
	if (event->seq != apply->seq - 1 || event->digest.len != 16)
		return cadre_apply_diverged(apply, "digest of seq %llu out of its place",
		                            (unsigned long long)event->seq);
	recorded.high = cadre_get_be64(event->digest.data);
	recorded.low = cadre_get_be64(event->digest.data + 8);
	view->digest_seq = apply->seq;
	if (cadre_hash128_equal(recorded, view->head.digest))
		return CADRE_OK;
	view->difference = (struct cadre_digest_difference){ .seq = apply->seq,
		                                             .recorded = recorded,
		                                             .own = view->head.digest };
	if (view->digests_may_differ)
		return CADRE_OK;
	return cadre_apply_diverged(apply, "digest of seq %llu differs",
	                            (unsigned long long)event->seq);
}
