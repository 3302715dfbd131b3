/* Groups and histories. */
#include "tests/property/generate_command.h"

#include "engine/domain/message.h"
#include "tests/property/generate_parts.h"
#include "tests/support/events.h"

#define KIND(name) CADRE__V1__KIND__KIND_##name

/* ---- groups ---- */

static Cadre__V1__GroupDetails *make_details(struct generator *g, const char *base)
{
	Cadre__V1__GroupDetails *details = NEW(g, group_details);

	details->type = chance(g, 70) ? CADRE__V1__GROUP_TYPE__HOMOGENEOUS
	                              : CADRE__V1__GROUP_TYPE__HETEROGENEOUS;
	if (base && chance(g, 25)) {
		details->type = CADRE__V1__GROUP_TYPE__STACKED;
		details->base_model_id = test_text(g->arena, "%s", base);
	}
	if (chance(g, 25))
		details->custom_metadata_list =
		        generate_metadata(g, &details->n_custom_metadata_list);
	return details;
}

void generate_create_group(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__CreateGroup *group = NEW(g, create_group);

	generate_owner(g, &group->compartment_id, &group->project_id);
	group->display_name = chance(g, 90) ? generated_name(g) : NULL;
	group->description = generate_description(g);
	group->members = generate_members(g, &group->n_members);
	group->model_group_details = make_details(g, group->members[0]->model_id);
	if (chance(g, 30))
		group->model_group_version_history_id = pick_id(g, KIND(HISTORY));
	group->version_label = generate_description(g);
	generate_tags(g, &group->freeform_tags, &group->defined_tags);
	command->create_group = group;
}

/* The group that a clone's or patch's source means; NULL for none. */
static const struct model_resource *source_of(struct generator *g, const char *id)
{
	const struct model_resource *found = model_find(g->model, id);

	if (found && found->row.kind == KIND(HISTORY))
		found = model_find_id(g->model, found->detail.history.latest_group);
	return found && found->row.kind == KIND(GROUP) ? found : NULL;
}

static Cadre__V1__GroupOverrides *make_overrides(struct generator *g,
                                                 const struct model_resource *source)
{
	Cadre__V1__GroupOverrides *overrides = NEW(g, group_overrides);

	if (!chance(g, 25))
		return NULL;
	if (chance(g, 40))
		overrides->display_name = generated_name(g);
	overrides->description = generate_description(g);
	overrides->version_label = generate_description(g);
	if (chance(g, 30))
		overrides->model_group_details = make_details(
		        g,
		        source && chance(g, 90)
		                ? source->members[below(g, source->member_count)].model_id
		                : "m7");
	if (chance(g, 30))
		overrides->model_group_version_history_id = pick_id(g, KIND(HISTORY));
	generate_tags(g, &overrides->freeform_tags, &overrides->defined_tags);
	return overrides;
}

void generate_clone_group(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__CloneGroup *clone = NEW(g, clone_group);
	const struct model_resource *source;

	generate_owner(g, &clone->compartment_id, &clone->project_id);
	clone->source_id = pick_id(g, chance(g, 30) ? KIND(HISTORY) : KIND(GROUP));
	source = source_of(g, clone->source_id);
	clone->overrides = make_overrides(g, source);
	if (source && chance(g, 60))
		clone->patch = generate_patch(g, source, &clone->n_patch);
	command->clone_group = clone;
}

/* One line gets many patches, so that its lineage fills with dead rows. */
static const struct model_resource *busy_history(struct generator *g)
{
	for (size_t i = 0; i < g->model->resource_count; i++) {
		const struct model_resource *history = g->model->resources[i];
		if (history->row.kind == KIND(HISTORY) &&
		    history->detail.history.has_latest_group)
			return history;
	}
	return NULL;
}

static char *patch_source(struct generator *g, Cadre__V1__PatchGroup *patch)
{
	const struct model_resource *history = chance(g, 55)
	                                               ? busy_history(g)
	                                               : pick(g, KIND(HISTORY), true);

	if (history && chance(g, 45))
		return history->row.ocid;
	if (history && history->detail.history.has_latest_group && chance(g, 45))
		return model_find_id(g->model, history->detail.history.latest_group)
		        ->row.ocid;
	patch->has_branch = chance(g, 60);
	patch->branch = patch->has_branch && chance(g, 90);
	return pick_id(g, KIND(GROUP));
}

void generate_patch_group(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__PatchGroup *patch = NEW(g, patch_group);
	const struct model_resource *source;

	patch->source_id = test_text(g->arena, "%s", patch_source(g, patch));
	source = source_of(g, patch->source_id);
	patch->overrides = make_overrides(g, source);
	if (source)
		patch->patch = generate_patch(g, source, &patch->n_patch);
	command->patch_group = patch;
}

void generate_update_group(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__UpdateGroup *update = NEW(g, update_group);

	update->id = pick_id(g, KIND(GROUP));
	if (chance(g, 40))
		update->display_name = generated_name(g);
	update->description = generate_description(g);
	update->version_label = generate_description(g);
	if (chance(g, 30))
		update->model_group_version_history_id = pick_id(g, KIND(HISTORY));
	else if (chance(g, 35))
		update->model_group_version_history_id = test_text(g->arena, "%s", "");
	generate_tags(g, &update->freeform_tags, &update->defined_tags);
	command->update_group = update;
}

static void make_ref(struct generator *g, Cadre__V1__Command *command,
                     Cadre__V1__Kind kind)
{
	command->delete_group = NEW(g, resource_ref);
	command->delete_group->id = pick_id(g, kind);
}

static void make_move(struct generator *g, Cadre__V1__Command *command,
                      Cadre__V1__Kind kind)
{
	unsigned number = (unsigned)below(g, GENERATED_COMPARTMENTS);

	command->move_group = NEW(g, move_resource);
	command->move_group->id = pick_id(g, kind);
	command->move_group->compartment_id = test_text(g->arena, "%s",
	                                                generated_compartment(number));
}

void generate_group_ref(struct generator *g, Cadre__V1__Command *command)
{
	make_ref(g, command, KIND(GROUP));
}

void generate_group_move(struct generator *g, Cadre__V1__Command *command)
{
	make_move(g, command, KIND(GROUP));
}

void generate_put_artifact(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__PutArtifact *put = NEW(g, put_artifact);

	put->id = pick_id(g, KIND(GROUP));
	put->artifact = NEW(g, artifact);
	put->artifact->sha256.len = 32;
	put->artifact->sha256.data = (uint8_t *)test_text(g->arena, "%032u",
	                                                  (unsigned)below(g, 3));
	put->artifact->bytes = below(g, 3);
	command->put_artifact = put;
}

/* ---- histories ---- */

/* A group that is in no history yet, if one is found. */
static char *unlinked_group(struct generator *g)
{
	for (int i = 0; i < 8; i++) {
		struct model_resource *group = pick(g, KIND(GROUP), true);
		if (group && !group->detail.group.has_history)
			return group->row.ocid;
	}
	return pick_id(g, KIND(GROUP));
}

void generate_create_history(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__CreateHistory *history = NEW(g, create_history);

	generate_owner(g, &history->compartment_id, &history->project_id);
	if (chance(g, 85))
		history->display_name = chance(g, 20) ? generated_name(g)
		                                      : test_text(g->arena, "line-%u",
		                                                  g->names++);
	history->description = generate_description(g);
	if (chance(g, 70))
		history->latest_model_group_id = test_text(g->arena, "%s",
		                                           unlinked_group(g));
	generate_tags(g, &history->freeform_tags, &history->defined_tags);
	command->create_history = history;
}

/* A group of the history, any version. */
static char *member_of(struct generator *g, const struct model_resource *history)
{
	for (int i = 0; i < 200; i++) {
		struct model_resource *group = pick(g, KIND(GROUP), true);
		if (group && group->detail.group.has_history &&
		    group->detail.group.history == history->row.id)
			return group->row.ocid;
	}
	return unlinked_group(g);
}

void generate_update_history(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__UpdateHistory *update = NEW(g, update_history);
	const struct model_resource *history;

	update->id = pick_id(g, KIND(HISTORY));
	history = model_find(g->model, update->id);
	if (history && chance(g, 15))
		update->display_name = history->row.display_name;
	else if (chance(g, 4))
		update->display_name = generated_name(g);
	update->description = generate_description(g);
	if (chance(g, 85))
		update->latest_model_group_id =
		        history && history->row.kind == KIND(HISTORY) && chance(g, 70)
		                ? member_of(g, history)
		                : unlinked_group(g);
	generate_tags(g, &update->freeform_tags, &update->defined_tags);
	command->update_history = update;
}

void generate_history_ref(struct generator *g, Cadre__V1__Command *command)
{
	make_ref(g, command, KIND(HISTORY));
}

void generate_history_move(struct generator *g, Cadre__V1__Command *command)
{
	make_move(g, command, KIND(HISTORY));
}

void generate_model_ref(struct generator *g, Cadre__V1__Command *command)
{
	make_ref(g, command, KIND(MODEL));
}

void generate_deployment_ref(struct generator *g, Cadre__V1__Command *command)
{
	make_ref(g, command, KIND(DEPLOYMENT));
}

const struct model_resource *generated_target(struct generator *g,
                                              const Cadre__V1__Command *command)
{
	switch ((int)command->body_case) {
	case CADRE__V1__COMMAND__BODY_CLONE_GROUP:
		return model_find(g->model, command->clone_group->source_id);
	case CADRE__V1__COMMAND__BODY_PATCH_GROUP:
		return model_find(g->model, command->patch_group->source_id);
	case CADRE__V1__COMMAND__BODY_UPDATE_GROUP:
		return model_find(g->model, command->update_group->id);
	case CADRE__V1__COMMAND__BODY_DELETE_GROUP:
		return model_find(g->model, command->delete_group->id);
	case CADRE__V1__COMMAND__BODY_UPDATE_HISTORY:
		return model_find(g->model, command->update_history->id);
	case CADRE__V1__COMMAND__BODY_CUT_OVER:
		return model_find(g->model, command->cut_over->deployment_id);
	case CADRE__V1__COMMAND__BODY_PLACE_DEPLOYMENT:
		return model_find(g->model, command->place_deployment->deployment_id);
	case CADRE__V1__COMMAND__BODY_UPDATE_DEPLOYMENT:
		return model_find(g->model, command->update_deployment->id);
	default:
		return NULL;
	}
}
