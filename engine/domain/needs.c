#include "engine/domain/needs.h"

#define BODY(name) CADRE__V1__COMMAND__BODY_##name

struct walk {
	cadre_need_fn fn;
	void *ctx;
};

static const char *const words[] = {
	[CADRE__V1__KIND__KIND_GROUP] = "model group",
	[CADRE__V1__KIND__KIND_HISTORY] = "version history",
	[CADRE__V1__KIND__KIND_DEPLOYMENT] = "model deployment",
	[CADRE__V1__KIND__KIND_MODEL] = "model",
};
#define GROUP CADRE__V1__KIND__KIND_GROUP
#define HISTORY CADRE__V1__KIND__KIND_HISTORY
#define DEPLOYMENT CADRE__V1__KIND__KIND_DEPLOYMENT
#define MODEL CADRE__V1__KIND__KIND_MODEL

static enum cadre_status in_compartment(const struct walk *walk, enum cadre_verb verb,
                                        Cadre__V1__Kind kind, const char *compartment,
                                        const char *field)
{
	const struct cadre_need need = { .verb = verb,
		                         .resources = cadre_resource_of(kind),
		                         .compartment = compartment,
		                         .field = field,
		                         .what = words[kind] };

	return walk->fn(walk->ctx, &need);
}

static enum cadre_status of(const struct walk *walk, enum cadre_verb verb,
                            Cadre__V1__Kind kind, const char *id, const char *field,
                            bool related)
{
	const struct cadre_need need = { .verb = verb,
		                         .resources = cadre_resource_of(kind),
		                         .id = id,
		                         .field = field,
		                         .what = words[kind],
		                         .related = related };

	if (!id || id[0] == '\0' || id[0] == '$')
		return CADRE_OK;
	return walk->fn(walk->ctx, &need);
}

static enum cadre_status in_tenancy(const struct walk *walk, unsigned resources,
                                    const char *field)
{
	const struct cadre_need need = { .verb = CADRE_MANAGE,
		                         .resources = resources,
		                         .field = field };

	return walk->fn(walk->ctx, &need);
}

/* ---- groups ---- */

static enum cadre_status of_members(const struct walk *walk, Cadre__V1__Member **members,
                                    size_t count, const char *field)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < count && status == CADRE_OK; i++)
		status = of(walk, CADRE_READ, MODEL, members[i]->model_id, field, true);
	return status;
}

static enum cadre_status of_create(const struct walk *walk,
                                   const Cadre__V1__CreateGroup *in)
{
	enum cadre_status status = in_compartment(walk, CADRE_MANAGE, GROUP,
	                                          in->compartment_id,
	                                          "createGroup.compartmentId");

	if (status == CADRE_OK)
		status = of(walk, CADRE_USE, HISTORY, in->model_group_version_history_id,
		            "createGroup.modelGroupVersionHistoryId", true);
	if (status == CADRE_OK)
		status = of_members(walk, in->members, in->n_members,
		                    "createGroup.members");
	return status;
}

/* What a source is, its id does not tell: a group or a history. */
static enum cadre_status of_source(const struct walk *walk, enum cadre_verb verb,
                                   unsigned resources, const char *id, const char *field)
{
	const struct cadre_need need = { .verb = verb,
		                         .resources = resources,
		                         .id = id,
		                         .field = field,
		                         .what = "model group or version history" };

	return id[0] == '$' ? CADRE_OK : walk->fn(walk->ctx, &need);
}

static enum cadre_status of_patch(const struct walk *walk,
                                  Cadre__V1__PatchInstruction **patch, size_t count,
                                  const Cadre__V1__GroupOverrides *overrides,
                                  const char *field)
{
	enum cadre_status status = CADRE_OK;

	if (overrides)
		status = of(walk, CADRE_USE, HISTORY,
		            overrides->model_group_version_history_id,
		            "overrides.modelGroupVersionHistoryId", true);
	for (size_t i = 0; i < count && status == CADRE_OK; i++)
		status = of_members(walk, patch[i]->values, patch[i]->n_values, field);
	return status;
}

static enum cadre_status of_clone(const struct walk *walk,
                                  const Cadre__V1__CloneGroup *in)
{
	enum cadre_status status = in_compartment(walk, CADRE_MANAGE, GROUP,
	                                          in->compartment_id,
	                                          "cloneGroup.compartmentId");

	if (status == CADRE_OK)
		status = of_source(walk, CADRE_READ, 0, in->source_id,
		                   "cloneGroup.sourceId");
	if (status == CADRE_OK)
		status = of_patch(walk, in->patch, in->n_patch, in->overrides,
		                  "cloneGroup.patch");
	return status;
}

/* The new version lands beside its source. */
static enum cadre_status of_patch_group(const struct walk *walk,
                                        const Cadre__V1__PatchGroup *in)
{
	enum cadre_status status = of_source(walk, CADRE_MANAGE, CADRE_GROUPS,
	                                     in->source_id, "patchGroup.sourceId");

	if (status == CADRE_OK)
		status = of_patch(walk, in->patch, in->n_patch, in->overrides,
		                  "patchGroup.patch");
	return status;
}

static enum cadre_status of_update_group(const struct walk *walk,
                                         const Cadre__V1__UpdateGroup *in)
{
	enum cadre_status status = of(walk, CADRE_USE, GROUP, in->id, "updateGroup.id",
	                              false);

	if (status == CADRE_OK)
		status = of(walk, CADRE_USE, HISTORY, in->model_group_version_history_id,
		            "updateGroup.modelGroupVersionHistoryId", true);
	return status;
}

static enum cadre_status of_move(const struct walk *walk, Cadre__V1__Kind kind,
                                 const Cadre__V1__MoveResource *in, const char *id_field,
                                 const char *compartment_field)
{
	enum cadre_status status = of(walk, CADRE_MANAGE, kind, in->id, id_field, false);

	if (status == CADRE_OK)
		status = in_compartment(walk, CADRE_MANAGE, kind, in->compartment_id,
		                        compartment_field);
	return status;
}

static enum cadre_status of_group(const struct walk *walk,
                                  const Cadre__V1__Command *command)
{
	switch ((int)command->body_case) {
	case BODY(CREATE_GROUP):
		return of_create(walk, command->create_group);
	case BODY(CLONE_GROUP):
		return of_clone(walk, command->clone_group);
	case BODY(PATCH_GROUP):
		return of_patch_group(walk, command->patch_group);
	case BODY(UPDATE_GROUP):
		return of_update_group(walk, command->update_group);
	case BODY(ACTIVATE_GROUP):
		return of(walk, CADRE_USE, GROUP, command->activate_group->id,
		          "activateGroup.id", false);
	case BODY(DEACTIVATE_GROUP):
		return of(walk, CADRE_USE, GROUP, command->deactivate_group->id,
		          "deactivateGroup.id", false);
	case BODY(DELETE_GROUP):
		return of(walk, CADRE_MANAGE, GROUP, command->delete_group->id,
		          "deleteGroup.id", false);
	case BODY(MOVE_GROUP):
		return of_move(walk, GROUP, command->move_group, "moveGroup.id",
		               "moveGroup.compartmentId");
	case BODY(PUT_ARTIFACT):
		return of(walk, CADRE_USE, GROUP, command->put_artifact->id,
		          "putArtifact.id", false);
	default:
		return CADRE_END;
	}
}

/* ---- histories and models ---- */

static enum cadre_status of_create_history(const struct walk *walk,
                                           const Cadre__V1__CreateHistory *in)
{
	enum cadre_status status = in_compartment(walk, CADRE_MANAGE, HISTORY,
	                                          in->compartment_id,
	                                          "createHistory.compartmentId");

	if (status == CADRE_OK)
		status = of(walk, CADRE_USE, GROUP, in->latest_model_group_id,
		            "createHistory.latestModelGroupId", true);
	return status;
}

static enum cadre_status of_update_history(const struct walk *walk,
                                           const Cadre__V1__UpdateHistory *in)
{
	enum cadre_status status = of(walk, CADRE_USE, HISTORY, in->id,
	                              "updateHistory.id", false);

	if (status == CADRE_OK)
		status = of(walk, CADRE_USE, GROUP, in->latest_model_group_id,
		            "updateHistory.latestModelGroupId", true);
	return status;
}

static enum cadre_status of_register(const struct walk *walk,
                                     const Cadre__V1__RegisterModel *in)
{
	enum cadre_status status = in_compartment(walk, CADRE_MANAGE, MODEL,
	                                          in->compartment_id,
	                                          "registerModel.compartmentId");

	/* A retired one comes back under its id, perhaps elsewhere. */
	if (status == CADRE_OK)
		status = of(walk, CADRE_MANAGE, MODEL, in->id, "registerModel.id", false);
	return status;
}

static enum cadre_status of_history(const struct walk *walk,
                                    const Cadre__V1__Command *command)
{
	switch ((int)command->body_case) {
	case BODY(CREATE_HISTORY):
		return of_create_history(walk, command->create_history);
	case BODY(UPDATE_HISTORY):
		return of_update_history(walk, command->update_history);
	case BODY(DELETE_HISTORY):
		return of(walk, CADRE_MANAGE, HISTORY, command->delete_history->id,
		          "deleteHistory.id", false);
	case BODY(MOVE_HISTORY):
		return of_move(walk, HISTORY, command->move_history, "moveHistory.id",
		               "moveHistory.compartmentId");
	case BODY(REGISTER_MODEL):
		return of_register(walk, command->register_model);
	case BODY(RETIRE_MODEL):
		return of(walk, CADRE_MANAGE, MODEL, command->retire_model->id,
		          "retireModel.id", false);
	default:
		return CADRE_END;
	}
}

/* ---- deployments ---- */

static enum cadre_status of_create_deployment(const struct walk *walk,
                                              const Cadre__V1__CreateDeployment *in)
{
	enum cadre_status status = in_compartment(walk, CADRE_MANAGE, DEPLOYMENT,
	                                          in->compartment_id,
	                                          "createDeployment.compartmentId");

	if (status == CADRE_OK)
		status = of(walk, CADRE_READ, GROUP, in->model_group_id,
		            "createDeployment.modelGroupId", true);
	return status;
}

static enum cadre_status of_update_deployment(const struct walk *walk,
                                              const Cadre__V1__UpdateDeployment *in)
{
	enum cadre_status status = of(walk, CADRE_USE, DEPLOYMENT, in->id,
	                              "updateDeployment.id", false);

	if (status == CADRE_OK)
		status = of(walk, CADRE_READ, GROUP, in->model_group_id,
		            "updateDeployment.modelGroupId", true);
	return status;
}

static enum cadre_status of_deployment(const struct walk *walk,
                                       const Cadre__V1__Command *command)
{
	switch ((int)command->body_case) {
	case BODY(CREATE_DEPLOYMENT):
		return of_create_deployment(walk, command->create_deployment);
	case BODY(UPDATE_DEPLOYMENT):
		return of_update_deployment(walk, command->update_deployment);
	case BODY(ACTIVATE_DEPLOYMENT):
		return of(walk, CADRE_USE, DEPLOYMENT, command->activate_deployment->id,
		          "activateDeployment.id", false);
	case BODY(DEACTIVATE_DEPLOYMENT):
		return of(walk, CADRE_USE, DEPLOYMENT, command->deactivate_deployment->id,
		          "deactivateDeployment.id", false);
	case BODY(DELETE_DEPLOYMENT):
		return of(walk, CADRE_MANAGE, DEPLOYMENT, command->delete_deployment->id,
		          "deleteDeployment.id", false);
	default:
		return CADRE_END;
	}
}

/* ---- all of them ---- */

static enum cadre_status of_cluster(const struct walk *walk,
                                    const Cadre__V1__Command *command)
{
	switch ((int)command->body_case) {
	case BODY(REGISTER_NODE):
		return in_tenancy(walk, CADRE_NODES, "registerNode");
	case BODY(RETIRE_NODE):
		return in_tenancy(walk, CADRE_NODES, "retireNode");
	case BODY(PUT_PRINCIPAL):
		return in_tenancy(walk, CADRE_PRINCIPALS, "putPrincipal");
	case BODY(REMOVE_PRINCIPAL):
		return in_tenancy(walk, CADRE_PRINCIPALS, "removePrincipal");
	case BODY(PUT_POLICY):
		return in_tenancy(walk, CADRE_POLICIES, "putPolicy");
	case BODY(REMOVE_POLICY):
		return in_tenancy(walk, CADRE_POLICIES, "removePolicy");
	default:
		/* What nobody thought of needs everything. */
		return in_tenancy(walk, CADRE_ALL_RESOURCES, "command");
	}
}

enum cadre_status cadre_command_needs(const Cadre__V1__Command *command, cadre_need_fn fn,
                                      void *ctx)
{
	const struct walk walk = { .fn = fn, .ctx = ctx };
	enum cadre_status status = of_group(&walk, command);

	if (status == CADRE_END)
		status = of_history(&walk, command);
	if (status == CADRE_END)
		status = of_deployment(&walk, command);
	if (status == CADRE_END)
		status = of_cluster(&walk, command);
	return status;
}
