#include "tests/unit/agent/agent_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"

#define ARENA_BYTES_MAX ((size_t)256 << 20)
#define BODY(name) CADRE__V1__COMMAND__BODY_##name

/* ---- the node ---- */

static void on_applied(void *ctx, cadre_seq seq)
{
	struct agent_node *node = ctx;

	if (node->agent)
		cadre_agent_applied(node->agent, seq);
}

static void on_views(void *ctx, struct cadre_kv *kv)
{
	struct agent_node *node = ctx;

	node->kv = kv;
	if (node->agent)
		cadre_agent_views(node->agent, kv);
}

static void on_changed(void *ctx)
{
	struct agent_node *node = ctx;

	atomic_fetch_add(&node->changes, 1);
}

static struct cadre_result submit(struct agent_node *node, Cadre__V1__Command *command)
{
	Cadre__V1__Command *commands[] = { command };
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;
	Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
	struct cadre_result result = { .seq = 0 };
	struct cadre_request request = {
		.batch = &batch,
		.actor = &actor,
		.results = &result,
	};
	char principal[] = "tester";

	batch.commands = commands;
	batch.n_commands = 1;
	actor.principal = principal;
	actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	cadre_store_thread_call(node->thread, &request);
	if (request.status != CADRE_OK)
		fail_msg("refused: %s", request.err.message);
	return result;
}

static void register_node(struct agent_node *node)
{
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__RegisterNode body = CADRE__V1__REGISTER_NODE__INIT;
	char id[] = AGENT_NODE_ID;

	body.node_id = id;
	command.body_case = BODY(REGISTER_NODE);
	command.register_node = &body;
	submit(node, &command);
}

void agent_node_make(struct agent_node *node, const char *worker_path)
{
	struct cadre_init_options init = { .cluster_name = "test",
		                           .segment_bytes = 1u << 20 };
	struct cadre_store_options options = { .segment_bytes = 1u << 20,
		                               .map_bytes = 1u << 30,
		                               .no_snapshots = true };
	struct cadre_store_watch watch = { on_applied, on_views, node };
	struct cadre_error err = CADRE_ERROR_INIT;

	memset(node, 0, sizeof *node);
	cadre_arena_init(&node->arena, ARENA_BYTES_MAX);
	test_make_dir(node->dir, sizeof node->dir);
	snprintf(node->data, sizeof node->data, "%s/data", node->dir);
	snprintf(node->agent_dir, sizeof node->agent_dir, "%s/agent", node->dir);
	assert_int_equal(mkdir(node->agent_dir, 0700), 0);
	init.dir = options.dir = node->data;
	assert_ok(cadre_store_init(cadre_env_real(), &init, &err));
	assert_ok(cadre_store_open(cadre_env_real(), &options, &node->store, &err));
	cadre_store_watch(node->store, &watch);
	assert_ok(cadre_store_thread_start(node->store, NULL, NULL, &node->thread, &err));
	register_node(node);
	node->options.program.path = worker_path;
	node->options.program.run_dir = node->dir;
	node->options.dir = node->agent_dir;
	node->options.linger_ms = 50;
	node->options.retry_min_ms = 10;
	node->options.retry_max_ms = 100;
	node->options.drain_ms = 5000;
	node->options.changed = on_changed;
	node->options.changed_ctx = node;
	assert_true(cadre_hex_decode(AGENT_NODE_ID, node->options.node_id, 16));
}

struct handing {
	struct agent_node *node;
	struct cadre_agent *agent;
};

/* On the store's loop, as all that concerns its views. */
static void hand_over(struct cadre_store *store, void *ctx)
{
	struct handing *handing = ctx;

	(void)store;
	if (handing->node->agent)
		cadre_agent_views(handing->node->agent, NULL);
	handing->node->agent = handing->agent;
	if (handing->agent)
		cadre_agent_views(handing->agent, handing->node->kv);
}

void agent_node_start(struct agent_node *node)
{
	struct handing handing = { .node = node };
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(cadre_agent_create(cadre_env_real(), &node->options, &handing.agent,
	                             &err));
	assert_ok(cadre_agent_start(handing.agent, &err));
	assert_true(cadre_store_thread_run(node->thread, hand_over, &handing));
}

void agent_node_stop(struct agent_node *node)
{
	struct handing handing = { .node = node };
	struct cadre_agent *agent = node->agent;

	if (!agent)
		return;
	assert_true(cadre_store_thread_run(node->thread, hand_over, &handing));
	cadre_agent_stop(agent);
	cadre_agent_destroy(&agent);
	assert_null(agent);
}

void agent_node_remove(struct agent_node *node)
{
	agent_node_stop(node);
	cadre_store_thread_stop(node->thread);
	cadre_store_watch(node->store, NULL);
	cadre_store_close(node->store);
	cadre_arena_fini(&node->arena);
	test_remove_dir(node->dir);
}

/* ---- texts and files ---- */

static void *take(struct agent_node *node, size_t size)
{
	void *memory = cadre_arena_alloc(&node->arena, size);

	assert_non_null(memory);
	memset(memory, 0, size);
	return memory;
}

char *agent_text(struct agent_node *node, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	char *copy;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	copy = cadre_arena_strdup(&node->arena, cadre_slice_text(text));
	assert_non_null(copy);
	return copy;
}

char *agent_ocid(struct agent_node *node, const char *model)
{
	return agent_text(node, "ocid1.datasciencemodel.%s", model);
}

void agent_write(struct agent_node *node, const char *file, const char *content)
{
	FILE *out = fopen(agent_text(node, "%s/%s", node->dir, file), "wb");

	assert_non_null(out);
	assert_true(fputs(content, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

void agent_delete(struct agent_node *node, const char *file)
{
	assert_int_equal(unlink(agent_text(node, "%s/%s", node->dir, file)), 0);
}

/* ---- commands ---- */

void agent_register_at(struct agent_node *node, const char *model, const char *file,
                       const char *content)
{
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__RegisterModel body = CADRE__V1__REGISTER_MODEL__INIT;
	struct cadre_sha256 sha256;

	body.compartment_id = agent_text(node, AGENT_COMPARTMENT);
	body.project_id = agent_text(node, "p");
	body.id = agent_ocid(node, model);
	body.artifact_uri = agent_text(node, "file://%s/%s", node->dir, file);
	if (content) {
		sha256 = cadre_sha256(content, strlen(content));
		body.has_artifact_sha256 = body.has_artifact_bytes = true;
		body.artifact_sha256.data = sha256.bytes;
		body.artifact_sha256.len = sizeof sha256.bytes;
		body.artifact_bytes = strlen(content);
	}
	command.body_case = BODY(REGISTER_MODEL);
	command.register_model = &body;
	submit(node, &command);
}

void agent_register(struct agent_node *node, const char *model, const char *content)
{
	agent_register_at(node, model, model, content);
}

void agent_model(struct agent_node *node, const char *model, const char *content)
{
	agent_write(node, model, content);
	agent_register(node, model, content);
}

static void refer(struct agent_node *node, Cadre__V1__Command__BodyCase body_case,
                  const char *id)
{
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__ResourceRef body = CADRE__V1__RESOURCE_REF__INIT;

	body.id = agent_text(node, "%s", id);
	command.body_case = body_case;
	/* One member of the union for all commands that are a reference. */
	command.delete_deployment = &body;
	submit(node, &command);
}

void agent_retire(struct agent_node *node, const char *model)
{
	refer(node, BODY(RETIRE_MODEL), agent_ocid(node, model));
}

static size_t read_members(struct agent_node *node, const char *text,
                           Cadre__V1__Member ***ret_members)
{
	size_t count = 1;
	size_t filled = 0;
	char *copy = cadre_arena_strdup(&node->arena, cadre_slice_text(text));

	assert_non_null(copy);
	for (const char *at = text; *at; at++)
		count += *at == ' ';
	*ret_members = take(node, count * sizeof(void *));
	for (char *word = copy; word;) {
		char *space = strchr(word, ' ');
		char *equals;
		Cadre__V1__Member *member = take(node, sizeof *member);
		if (space)
			*space++ = '\0';
		cadre__v1__member__init(member);
		equals = strchr(word, '=');
		if (equals) {
			*equals = '\0';
			member->inference_key = word;
		}
		member->model_id = agent_ocid(node, equals ? equals + 1 : word);
		(*ret_members)[filled++] = member;
		word = space;
	}
	return filled;
}

static char *make_group(struct agent_node *node, const char *members,
                        Cadre__V1__GroupDetails *details)
{
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__CreateGroup body = CADRE__V1__CREATE_GROUP__INIT;
	struct cadre_result result;

	body.compartment_id = agent_text(node, AGENT_COMPARTMENT);
	body.project_id = agent_text(node, "p");
	body.model_group_details = details;
	body.n_members = read_members(node, members, &body.members);
	command.body_case = BODY(CREATE_GROUP);
	command.create_group = &body;
	result = submit(node, &command);
	return agent_text(node, "%s", result.ocid);
}

char *agent_group(struct agent_node *node, const char *members)
{
	Cadre__V1__GroupDetails details = CADRE__V1__GROUP_DETAILS__INIT;

	details.type = CADRE__V1__GROUP_TYPE__HOMOGENEOUS;
	return make_group(node, members, &details);
}

char *agent_stacked(struct agent_node *node, const char *base, const char *members)
{
	Cadre__V1__GroupDetails details = CADRE__V1__GROUP_DETAILS__INIT;

	details.type = CADRE__V1__GROUP_TYPE__STACKED;
	details.base_model_id = agent_ocid(node, base);
	return make_group(node, members, &details);
}

char *agent_group_with(struct agent_node *node, const char *members, const char *category,
                       const char *key, const char *value)
{
	Cadre__V1__GroupDetails details = CADRE__V1__GROUP_DETAILS__INIT;
	Cadre__V1__CustomMetadata row = CADRE__V1__CUSTOM_METADATA__INIT;
	Cadre__V1__CustomMetadata *rows[] = { &row };

	row.category = agent_text(node, "%s", category);
	row.key = agent_text(node, "%s", key);
	row.value = agent_text(node, "%s", value);
	details.type = CADRE__V1__GROUP_TYPE__HOMOGENEOUS;
	details.custom_metadata_list = rows;
	details.n_custom_metadata_list = 1;
	return make_group(node, members, &details);
}

char *agent_group_of(struct agent_node *node, unsigned count, const char *first)
{
	char *text = take(node, count * 16u);
	size_t length = (size_t)snprintf(text, 16, "k0=%s", first);

	for (unsigned i = 1; i < count; i++)
		length += (size_t)snprintf(text + length, 16, " k%u=m%u", i, i);
	return agent_group(node, text);
}

void agent_place(struct agent_node *node, const char *deployment, bool here)
{
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__PlaceDeployment body = CADRE__V1__PLACE_DEPLOYMENT__INIT;
	char *nodes[] = { agent_text(node, AGENT_NODE_ID) };

	body.deployment_id = agent_text(node, "%s", deployment);
	body.nodes = nodes;
	body.n_nodes = here ? 1 : 0;
	command.body_case = BODY(PLACE_DEPLOYMENT);
	command.place_deployment = &body;
	submit(node, &command);
}

char *agent_deploy(struct agent_node *node, const char *name, const char *group)
{
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__CreateDeployment body = CADRE__V1__CREATE_DEPLOYMENT__INIT;
	struct cadre_result result;
	char *id;

	body.compartment_id = agent_text(node, AGENT_COMPARTMENT);
	body.project_id = agent_text(node, "p");
	body.display_name = agent_text(node, "%s", name);
	body.model_group_id = agent_text(node, "%s", group);
	command.body_case = BODY(CREATE_DEPLOYMENT);
	command.create_deployment = &body;
	result = submit(node, &command);
	id = agent_text(node, "%s", result.ocid);
	agent_place(node, id, true);
	return id;
}

void agent_retarget(struct agent_node *node, const char *deployment, const char *group)
{
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__UpdateDeployment body = CADRE__V1__UPDATE_DEPLOYMENT__INIT;

	body.id = agent_text(node, "%s", deployment);
	body.model_group_id = agent_text(node, "%s", group);
	command.body_case = BODY(UPDATE_DEPLOYMENT);
	command.update_deployment = &body;
	submit(node, &command);
}

void agent_cut_over(struct agent_node *node, const char *deployment, uint64_t generation)
{
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__CutOver body = CADRE__V1__CUT_OVER__INIT;
	char *nodes[] = { agent_text(node, AGENT_NODE_ID) };

	body.deployment_id = agent_text(node, "%s", deployment);
	body.generation = generation;
	body.participants = nodes;
	body.n_participants = 1;
	command.body_case = BODY(CUT_OVER);
	command.cut_over = &body;
	submit(node, &command);
}

char *agent_serve(struct agent_node *node, const char *name, const char *group)
{
	char *deployment = agent_deploy(node, name, group);

	agent_wait_prepared(node, deployment, 1);
	agent_cut_over(node, deployment, 1);
	agent_wait_serving(node, deployment, 1);
	return deployment;
}

void agent_end(struct agent_node *node, const char *deployment, bool deleted)
{
	refer(node, deleted ? BODY(DELETE_DEPLOYMENT) : BODY(DEACTIVATE_DEPLOYMENT),
	      deployment);
}
