/* Which command, and on what. */
#include "tests/property/generate.h"

#include "proto/codec/codec.h"
#include "tests/property/generate_command.h"
#include "tests/support/events.h"

#define KIND(name) CADRE__V1__KIND__KIND_##name

bool chance(struct generator *g, unsigned percent)
{
	return test_random_below(&g->random, 100) < percent;
}

uint64_t below(struct generator *g, uint64_t bound)
{
	return test_random_below(&g->random, bound);
}

const char *generated_compartment(unsigned number)
{
	static char lengthy[256];

	if (number == GENERATED_COMPARTMENTS - 1) {
		memset(lengthy, 'c', sizeof lengthy - 1);
		return lengthy;
	}
	return (const char *const[]){ "c0", "c1", "c2", "c22" }[number];
}

const char *generated_project(unsigned number)
{
	return (const char *const[]){ "p0", "p1", "p2" }[number];
}

const char *generated_principal(unsigned number)
{
	return (const char *const[]){ "ada", "bob", "carl" }[number];
}

char *generated_name(struct generator *g)
{
	unsigned number = (unsigned)below(g, 40);

	if (chance(g, 90))
		return test_text(g->arena, "name-%u", number);
	/* Longer than what an index row keeps, different behind it. */
	return test_text(g->arena, "%0210u-%u", number % 2, number % 5);
}

struct model_resource *pick(struct generator *g, Cadre__V1__Kind kind, bool live)
{
	size_t count = g->model->resource_count;
	size_t window = chance(g, 65) && count > 100 ? 100 : count;
	size_t at;

	if (count == 0)
		return NULL;
	at = count - 1 - below(g, window);
	for (size_t i = 0; i<count; i++, at = at> 0 ? at - 1 : count - 1) {
		struct model_resource *found = g->model->resources[at];
		bool deleted = found->row.lifecycle_state ==
		               CADRE__V1__LIFECYCLE_STATE__DELETED;
		if (found->row.kind == kind && !(live && deleted))
			return found;
	}
	return NULL;
}

char *pick_id(struct generator *g, Cadre__V1__Kind kind)
{
	static const Cadre__V1__Kind kinds[] = { KIND(GROUP), KIND(HISTORY),
		                                 KIND(DEPLOYMENT), KIND(MODEL) };
	struct model_resource *found;

	if (chance(g, 2))
		return test_text(g->arena, "ocid1.nothing.%u", (unsigned)below(g, 9));
	if (chance(g, 2))
		kind = kinds[below(g, 4)];
	found = pick(g, kind, chance(g, 94));
	return test_text(g->arena, "%s", found ? found->row.ocid : "ocid1.none");
}

/* ---- which command how often ---- */

static const struct {
	unsigned weight;
	generate_fn make;
	Cadre__V1__Command__BodyCase body;
} choices[] = {
#define CHOICE(weight, make, body)                            \
	{                                                     \
		weight, make, CADRE__V1__COMMAND__BODY_##body \
	}
	CHOICE(6, generate_create_group, CREATE_GROUP),
	CHOICE(11, generate_clone_group, CLONE_GROUP),
	CHOICE(34, generate_patch_group, PATCH_GROUP),
	CHOICE(8, generate_update_group, UPDATE_GROUP),
	CHOICE(3, generate_group_ref, ACTIVATE_GROUP),
	CHOICE(5, generate_group_ref, DEACTIVATE_GROUP),
	CHOICE(8, generate_group_ref, DELETE_GROUP),
	CHOICE(2, generate_group_move, MOVE_GROUP),
	CHOICE(2, generate_put_artifact, PUT_ARTIFACT),
	CHOICE(4, generate_create_history, CREATE_HISTORY),
	CHOICE(9, generate_update_history, UPDATE_HISTORY),
	CHOICE(3, generate_history_ref, DELETE_HISTORY),
	CHOICE(2, generate_history_move, MOVE_HISTORY),
	CHOICE(4, generate_register_model, REGISTER_MODEL),
	CHOICE(2, generate_model_ref, RETIRE_MODEL),
	CHOICE(4, generate_create_deployment, CREATE_DEPLOYMENT),
	CHOICE(6, generate_update_deployment, UPDATE_DEPLOYMENT),
	CHOICE(3, generate_deployment_ref, ACTIVATE_DEPLOYMENT),
	CHOICE(2, generate_deployment_ref, DEACTIVATE_DEPLOYMENT),
	CHOICE(2, generate_deployment_ref, DELETE_DEPLOYMENT),
	CHOICE(7, generate_cut_over, CUT_OVER),
	CHOICE(3, generate_finish_cut_over, FINISH_CUT_OVER),
	CHOICE(6, generate_place_deployment, PLACE_DEPLOYMENT),
	CHOICE(4, generate_register_node, REGISTER_NODE),
	CHOICE(1, generate_retire_node, RETIRE_NODE),
	CHOICE(2, generate_put_principal, PUT_PRINCIPAL),
	CHOICE(1, generate_remove_principal, REMOVE_PRINCIPAL),
	CHOICE(2, generate_put_policy, PUT_POLICY),
	CHOICE(1, generate_remove_policy, REMOVE_POLICY),
	CHOICE(1, generate_raise_feature_level, RAISE_FEATURE_LEVEL),
#undef CHOICE
};

static void fill(struct generator *g, Cadre__V1__Command *command)
{
	unsigned total = 0;
	unsigned at;
	size_t i = 0;

	for (size_t k = 0; k < sizeof choices / sizeof choices[0]; k++)
		total += choices[k].weight;
	at = (unsigned)below(g, total);
	/* A new world gets something to work on: models where they are asked for. */
	if (g->model->cluster.strict_members && g->model->resource_count < 60) {
		command->body_case = CADRE__V1__COMMAND__BODY_REGISTER_MODEL;
		generate_register_model(g, command);
		return;
	}
	if (g->model->resource_count < 80 && chance(g, 30))
		at = 0;
	for (; at >= choices[i].weight; i++)
		at -= choices[i].weight;
	command->body_case = choices[i].body;
	choices[i].make(g, command);
}

/* ---- what goes around it ---- */

/* The etag of what the command changes, or another one. */
static void put_if_match(struct generator *g, Cadre__V1__Command *command)
{
	const struct model_resource *target = generated_target(g, command);
	char *etag = cadre_arena_alloc(g->arena, CADRE_ETAG_CHARS + 1);

	assert_non_null(etag);
	if (!target || chance(g, 88))
		return;
	cadre_etag(g->model->cluster.cluster_id.data, target->row.id,
	           target->row.changed_seq - chance(g, 20), etag);
	command->if_match = etag;
}

static char *remembered_token(struct generator *g)
{
	struct remembered *kept = &g->remembered[below(g, g->remembered_count)];
	ProtobufCMessage *message;

	assert_int_equal(cadre_unpack(&cadre__v1__command__descriptor,
	                              cadre_buffer_slice(&kept->packed), g->arena,
	                              &message, NULL),
	                 CADRE_OK);
	return ((Cadre__V1__Command *)(void *)message)->retry_token;
}

static struct generated repeat(struct generator *g)
{
	struct remembered *kept = &g->remembered[below(g, g->remembered_count)];
	ProtobufCMessage *message;
	struct generated again = { .principal = kept->principal };

	assert_int_equal(cadre_unpack(&cadre__v1__command__descriptor,
	                              cadre_buffer_slice(&kept->packed), g->arena,
	                              &message, NULL),
	                 CADRE_OK);
	again.command = (Cadre__V1__Command *)(void *)message;
	if (chance(g, 10))
		again.principal = (unsigned)below(g, GENERATED_PRINCIPALS);
	return again;
}

/* Breaks what cadre_command_check() looks at; false when this command has nothing
 * to break. */
static bool break_form(struct generator *g, Cadre__V1__Command *command)
{
	Cadre__V1__CreateGroup *group = command->create_group;

	if (command->body_case == CADRE__V1__COMMAND__BODY_PATCH_GROUP) {
		command->patch_group->source_id = test_text(g->arena, "$0");
		return true;
	}
	if (command->body_case != CADRE__V1__COMMAND__BODY_CREATE_GROUP)
		return false;
	switch (below(g, 4)) {
	case 0:
		group->n_members = 0;
		break;
	case 1:
		group->members[0]->inference_key = test_text(g->arena, "%033u", 1u);
		break;
	case 2:
		group->model_group_details->type = CADRE__V1__GROUP_TYPE__STACKED;
		group->model_group_details->base_model_id = NULL;
		break;
	default:
		if (group->n_members < 2)
			return false;
		group->members[0]->model_id = group->members[1]->model_id;
		break;
	}
	return true;
}

struct generated generate_command(struct generator *g)
{
	struct generated made = { .principal = (unsigned)below(g, GENERATED_PRINCIPALS) };

	if (g->remembered_count > 0 && chance(g, 4))
		return repeat(g);
	made.command = test_message(g->arena, &cadre__v1__command__descriptor);
	fill(g, made.command);
	put_if_match(g, made.command);
	if (chance(g, 25))
		made.command->retry_token = test_text(g->arena, "token-%u", g->names++);
	else if (g->remembered_count > 0 && chance(g, 2))
		made.command->retry_token = remembered_token(g);
	made.malformed = chance(g, 5) && break_form(g, made.command);
	return made;
}

Cadre__V1__Command *generate_impossible(struct generator *g)
{
	Cadre__V1__Command *command = test_message(g->arena,
	                                           &cadre__v1__command__descriptor);

	command->body_case = CADRE__V1__COMMAND__BODY_DELETE_GROUP;
	command->delete_group = test_message(g->arena,
	                                     &cadre__v1__resource_ref__descriptor);
	command->delete_group->id = test_text(g->arena, "ocid1.never");
	return command;
}

void generator_remember(struct generator *g, const struct generated *generated)
{
	size_t slot = g->remembered_count < REMEMBERED ? g->remembered_count++
	                                               : below(g, REMEMBERED);
	struct remembered *kept = &g->remembered[slot];

	cadre_buffer_clear(&kept->packed);
	assert_int_equal(cadre_pack(&generated->command->base, &kept->packed, NULL),
	                 CADRE_OK);
	kept->principal = generated->principal;
}

void generator_fini(struct generator *g)
{
	for (size_t i = 0; i < REMEMBERED; i++)
		cadre_buffer_fini(&g->remembered[i].packed);
}
