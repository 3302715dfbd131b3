/* Parts of commands; models, deployments, nodes, principals. */
#include "tests/property/generate_command.h"
#include "tests/property/generate_parts.h"

#define KIND(name) CADRE__V1__KIND__KIND_##name

void generate_owner(struct generator *g, char **compartment, char **project)
{
	unsigned number = (unsigned)below(g, GENERATED_COMPARTMENTS);

	*compartment = test_text(g->arena, "%s", generated_compartment(number));
	number = (unsigned)below(g, GENERATED_PROJECTS);
	*project = test_text(g->arena, "%s", generated_project(number));
}

char *generate_description(struct generator *g)
{
	return chance(g, 30) ? test_text(g->arena, "text %u", (unsigned)below(g, 4))
	                     : NULL;
}

void generate_tags(struct generator *g, Cadre__V1__FreeformTags **freeform,
                   Cadre__V1__DefinedTags **defined)
{
	if (chance(g, 20)) {
		Cadre__V1__FreeformTags *tags = NEW(g, freeform_tags);
		tags->n_tags = below(g, 3);
		tags->tags = cadre_arena_alloc(g->arena, 3 * sizeof(void *));
		assert_non_null(tags->tags);
		for (size_t i = 0; i < tags->n_tags; i++) {
			tags->tags[i] = NEW(g, freeform_tag);
			tags->tags[i]->key = test_text(g->arena, "key-%zu", i);
			tags->tags[i]->value = test_text(g->arena, "%u",
			                                 (unsigned)below(g, 2));
		}
		*freeform = tags;
	}
	if (chance(g, 10)) {
		Cadre__V1__DefinedTags *tags = NEW(g, defined_tags);
		tags->tags = cadre_arena_alloc(g->arena, sizeof(void *));
		assert_non_null(tags->tags);
		tags->n_tags = 1;
		tags->tags[0] = NEW(g, defined_tag);
		tags->tags[0]->namespace_ = test_text(g->arena, "space");
		tags->tags[0]->key = test_text(g->arena, "cost");
		tags->tags[0]->value_case = CADRE__V1__DEFINED_TAG__VALUE_NUMBER;
		tags->tags[0]->number = (int64_t)below(g, 3);
		*defined = tags;
	}
}

Cadre__V1__CustomMetadata **generate_metadata(struct generator *g, size_t *ret_count)
{
	Cadre__V1__CustomMetadata **rows = cadre_arena_alloc(g->arena,
	                                                     2 * sizeof(void *));

	assert_non_null(rows);
	*ret_count = 1 + below(g, 2);
	for (size_t i = 0; i < *ret_count; i++) {
		rows[i] = NEW(g, custom_metadata);
		rows[i]->category = test_text(g->arena, "Other");
		rows[i]->key = test_text(g->arena, "key-%zu", i);
		rows[i]->value = test_text(g->arena, "%u", (unsigned)below(g, 3));
	}
	return rows;
}

char *generate_node_id(struct generator *g)
{
	return test_text(g->arena, "%032x", (unsigned)below(g, 12));
}

/* ---- models ---- */

void generate_register_model(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__RegisterModel *model = NEW(g, register_model);

	generate_owner(g, &model->compartment_id, &model->project_id);
	if (chance(g, 80))
		model->id = chance(g, 95)
		                    ? test_text(g->arena, "m%u", (unsigned)below(g, 400))
		                    : pick_id(g, KIND(GROUP));
	if (chance(g, 90))
		model->display_name = generated_name(g);
	model->description = generate_description(g);
	model->framework = generate_description(g);
	model->has_kind = chance(g, 50);
	model->kind = CADRE__V1__MODEL_KIND__MODEL_LORA;
	if (chance(g, 50))
		model->artifact_uri = test_text(g->arena, "file:///m/%u",
		                                (unsigned)below(g, 5));
	if (chance(g, 30))
		model->custom_metadata_list =
		        generate_metadata(g, &model->n_custom_metadata_list);
	generate_tags(g, &model->freeform_tags, &model->defined_tags);
	command->register_model = model;
}

/* ---- deployments ---- */

static Cadre__V1__Infrastructure *make_infrastructure(struct generator *g)
{
	Cadre__V1__Infrastructure *infra = NEW(g, infrastructure);

	if (!chance(g, 40))
		return NULL;
	infra->instance_shape_name = generate_description(g);
	infra->has_ocpus = chance(g, 50);
	infra->ocpus = 1 + (double)below(g, 2);
	infra->has_instance_count = true;
	infra->instance_count = 1 + (uint32_t)below(g, 3);
	return infra;
}

static Cadre__V1__Environment *make_environment(struct generator *g)
{
	Cadre__V1__Environment *environment = NEW(g, environment);

	if (!chance(g, 20))
		return NULL;
	environment->variables = cadre_arena_alloc(g->arena, sizeof(void *));
	assert_non_null(environment->variables);
	environment->n_variables = 1;
	environment->variables[0] = NEW(g, name_value);
	environment->variables[0]->name = test_text(g->arena, "LEVEL");
	environment->variables[0]->value = test_text(g->arena, "%u",
	                                             (unsigned)below(g, 2));
	return environment;
}

static Cadre__V1__CategoryLogs *make_logs(struct generator *g)
{
	Cadre__V1__CategoryLogs *logs = NEW(g, category_logs);

	if (!chance(g, 20))
		return NULL;
	logs->access = NEW(g, log_target);
	logs->access->log_group_id = test_text(g->arena, "lg");
	logs->access->log_id = test_text(g->arena, "log-%u", (unsigned)below(g, 2));
	return logs;
}

void generate_create_deployment(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__CreateDeployment *made = NEW(g, create_deployment);

	generate_owner(g, &made->compartment_id, &made->project_id);
	made->display_name = chance(g, 90) ? generated_name(g) : NULL;
	made->description = generate_description(g);
	made->model_group_id = pick_id(g, KIND(GROUP));
	made->infrastructure = make_infrastructure(g);
	made->environment = make_environment(g);
	made->category_log_details = make_logs(g);
	generate_tags(g, &made->freeform_tags, &made->defined_tags);
	command->create_deployment = made;
}

void generate_update_deployment(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__UpdateDeployment *update = NEW(g, update_deployment);

	update->id = pick_id(g, KIND(DEPLOYMENT));
	if (chance(g, 20))
		update->display_name = generated_name(g);
	update->description = generate_description(g);
	update->has_update_type = chance(g, 30);
	update->update_type = chance(g, 50) ? CADRE__V1__UPDATE_TYPE__LIVE
	                                    : CADRE__V1__UPDATE_TYPE__ZDT;
	if (chance(g, 75))
		update->model_group_id = pick_id(g, KIND(GROUP));
	update->infrastructure = make_infrastructure(g);
	update->environment = make_environment(g);
	update->category_log_details = make_logs(g);
	generate_tags(g, &update->freeform_tags, &update->defined_tags);
	command->update_deployment = update;
}

static uint64_t newest_generation(struct generator *g, const char *id)
{
	const struct model_resource *deployment = model_find(g->model, id);

	return deployment && deployment->row.kind == KIND(DEPLOYMENT)
	               ? deployment->detail.deployment.generation
	               : 1;
}

static char **make_nodes(struct generator *g, size_t *ret_count)
{
	char **nodes = cadre_arena_alloc(g->arena, sizeof(void *));

	assert_non_null(nodes);
	nodes[0] = generate_node_id(g);
	*ret_count = 1;
	return nodes;
}

void generate_cut_over(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__CutOver *cut = NEW(g, cut_over);

	cut->deployment_id = pick_id(g, KIND(DEPLOYMENT));
	cut->generation = newest_generation(g, cut->deployment_id) + chance(g, 5);
	cut->participants = make_nodes(g, &cut->n_participants);
	command->cut_over = cut;
}

void generate_finish_cut_over(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__FinishCutOver *finish = NEW(g, finish_cut_over);

	finish->deployment_id = pick_id(g, KIND(DEPLOYMENT));
	finish->generation = newest_generation(g, finish->deployment_id);
	finish->nodes = make_nodes(g, &finish->n_nodes);
	command->finish_cut_over = finish;
}

/* At most three different ids, mostly of nodes that live. */
static char **make_places(struct generator *g, size_t *ret_count)
{
	char **nodes = cadre_arena_alloc(g->arena, 3 * sizeof(void *));
	size_t count = 0;

	assert_non_null(nodes);
	for (size_t wanted = below(g, 4); wanted > 0; wanted--) {
		struct model_resource *node = pick(g, KIND(NODE), chance(g, 90));
		char *id = node && !chance(g, 5)
		                   ? test_text(g->arena, "%s", node->row.ocid)
		                   : generate_node_id(g);
		bool again = false;
		for (size_t i = 0; i < count; i++)
			again = again || strcmp(nodes[i], id) == 0;
		if (!again)
			nodes[count++] = id;
	}
	*ret_count = count;
	return nodes;
}

void generate_place_deployment(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__PlaceDeployment *place = NEW(g, place_deployment);

	place->deployment_id = pick_id(g, KIND(DEPLOYMENT));
	place->nodes = make_places(g, &place->n_nodes);
	command->place_deployment = place;
}

/* ---- nodes, principals, the level ---- */

void generate_register_node(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__RegisterNode *node = NEW(g, register_node);

	node->node_id = generate_node_id(g);
	if (chance(g, 50))
		node->name = generated_name(g);
	if (chance(g, 50))
		node->address = test_text(g->arena, "tcp://host:%u",
		                          (unsigned)below(g, 3));
	node->labels = cadre_arena_alloc(g->arena, sizeof(void *));
	assert_non_null(node->labels);
	node->n_labels = below(g, 2);
	if (node->n_labels > 0) {
		node->labels[0] = NEW(g, name_value);
		node->labels[0]->name = test_text(g->arena, "shape");
		node->labels[0]->value = test_text(g->arena, "%u", (unsigned)below(g, 2));
	}
	command->register_node = node;
}

void generate_retire_node(struct generator *g, Cadre__V1__Command *command)
{
	command->retire_node = NEW(g, retire_node);
	command->retire_node->node_id = generate_node_id(g);
}

void generate_put_principal(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__PutPrincipal *put = NEW(g, put_principal);

	put->name = test_text(g->arena, "user %u", (unsigned)below(g, 8));
	put->public_key_pem = generate_description(g);
	put->groups = cadre_arena_alloc(g->arena, sizeof(void *));
	assert_non_null(put->groups);
	put->groups[0] = test_text(g->arena, "admins");
	put->n_groups = below(g, 2);
	put->has_may_act_for_others = chance(g, 50);
	put->may_act_for_others = chance(g, 50);
	command->put_principal = put;
}

void generate_remove_principal(struct generator *g, Cadre__V1__Command *command)
{
	command->remove_principal = NEW(g, remove_principal);
	command->remove_principal->name = test_text(g->arena, "user %u",
	                                            (unsigned)below(g, 8));
}

void generate_put_policy(struct generator *g, Cadre__V1__Command *command)
{
	static const char *const verbs[] = { "inspect", "read", "use", "manage" };
	Cadre__V1__PutPolicy *put = NEW(g, put_policy);

	put->name = test_text(g->arena, "policy %u", (unsigned)below(g, 8));
	put->statements = cadre_arena_alloc(g->arena, sizeof(void *));
	assert_non_null(put->statements);
	put->statements[0] = test_text(g->arena,
	                               "allow any-user to %s all-resources in tenancy",
	                               verbs[below(g, 4)]);
	put->n_statements = 1;
	command->put_policy = put;
}

void generate_remove_policy(struct generator *g, Cadre__V1__Command *command)
{
	command->remove_policy = NEW(g, remove_policy);
	command->remove_policy->name = test_text(g->arena, "policy %u",
	                                         (unsigned)below(g, 8));
}

void generate_raise_feature_level(struct generator *g, Cadre__V1__Command *command)
{
	command->raise_feature_level = NEW(g, raise_feature_level);
	command->raise_feature_level->level = 1 + (uint32_t)below(g, 3);
}
