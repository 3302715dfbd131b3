#include "tests/support/testing.h"

#include <stdio.h>

#include "engine/base/bytes.h"
#include "tests/support/events.h"

#define BODY(name) CADRE__V1__EVENT__BODY_##name

static char *kept(const char *text)
{
	return (char *)(uintptr_t)text;
}

void *test_message(struct cadre_arena *arena, const ProtobufCMessageDescriptor *type)
{
	void *message = cadre_arena_alloc(arena, type->sizeof_message);

	assert_non_null(message);
	protobuf_c_message_init(type, message);
	return message;
}

char *test_text(struct cadre_arena *arena, const char *format, ...)
{
	char text[1024];
	va_list args;
	char *copy;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	copy = cadre_arena_strdup(arena, cadre_slice_text(text));
	assert_non_null(copy);
	return copy;
}

static Cadre__V1__Member *member(struct cadre_arena *arena, const char *text,
                                 size_t length)
{
	Cadre__V1__Member *made = test_message(arena, &cadre__v1__member__descriptor);
	const char *equals = memchr(text, '=', length);

	if (equals) {
		made->inference_key = cadre_arena_strdup(
		        arena, cadre_slice(text, (size_t)(equals - text)));
		length -= (size_t)(equals + 1 - text);
		text = equals + 1;
	}
	made->model_id = cadre_arena_strdup(arena, cadre_slice(text, length));
	assert_non_null(made->model_id);
	return made;
}

char **test_words(struct cadre_arena *arena, const char *text, size_t *ret_count)
{
	char **words = cadre_arena_alloc(arena, (strlen(text) + 1) * sizeof *words);
	size_t count = 0;

	assert_non_null(words);
	while (*text) {
		size_t length = strcspn(text, " ");
		if (length > 0)
			words[count++] = test_text(arena, "%.*s", (int)length, text);
		text += length + (text[length] == ' ');
	}
	*ret_count = count;
	return words;
}

Cadre__V1__Member **test_members(struct cadre_arena *arena, const char *text,
                                 size_t *ret_count)
{
	size_t room = strlen(text) + 1;
	Cadre__V1__Member **list = cadre_arena_alloc(arena, room * sizeof(*list));
	size_t count = 0;

	assert_non_null(list);
	for (;;) {
		size_t length;

		text += strspn(text, " ");
		length = strcspn(text, " ");
		if (length == 0)
			break;
		list[count++] = member(arena, text, length);
		text += length;
	}
	*ret_count = count;
	return list;
}

Cadre__V1__Member **test_members_many(struct cadre_arena *arena, const char *prefix,
                                      size_t first, size_t count)
{
	Cadre__V1__Member **list = cadre_arena_alloc(arena, (count + 1) * sizeof(*list));

	assert_non_null(list);
	for (size_t i = 0; i < count; i++) {
		list[i] = test_message(arena, &cadre__v1__member__descriptor);
		list[i]->inference_key = test_text(arena, "k%zu", first + i);
		list[i]->model_id = test_text(arena, "%s%zu", prefix, first + i);
	}
	return list;
}

Cadre__V1__Event *test_event(struct cadre_arena *arena)
{
	Cadre__V1__Event *event = test_message(arena, &cadre__v1__event__descriptor);

	event->actor = test_message(arena, &cadre__v1__actor__descriptor);
	event->actor->principal = kept("tester");
	event->actor->proof = CADRE__V1__PROOF__PROOF_LOCAL;
	return event;
}

void test_event_token(struct cadre_arena *arena, Cadre__V1__Event *event,
                      const char *token)
{
	static uint8_t hash[32] = { 7 };

	event->retry_token = test_message(arena, &cadre__v1__retry_token__descriptor);
	event->retry_token->token = kept(token);
	event->retry_token->command_sha256.data = hash;
	event->retry_token->command_sha256.len = sizeof hash;
}

/* An event with a body of `type`; every body is one pointer of the union. */
static Cadre__V1__Event *event_of(struct cadre_arena *arena,
                                  Cadre__V1__Event__BodyCase body,
                                  const ProtobufCMessageDescriptor *type)
{
	Cadre__V1__Event *event = test_event(arena);

	event->body_case = body;
	event->group_created = test_message(arena, type);
	return event;
}

void test_event_link(struct cadre_arena *arena, Cadre__V1__Event *event,
                     const char *history, uint64_t version_id, bool latest)
{
	Cadre__V1__HistoryLink *link = test_message(arena,
	                                            &cadre__v1__history_link__descriptor);

	link->history_id = kept(history);
	link->version_id = version_id;
	link->latest = latest;
	if (event->body_case == BODY(GROUP_CREATED))
		event->group_created->link = link;
	else if (event->body_case == BODY(GROUP_UPDATED))
		event->group_updated->link = link;
	else
		event->group_patched->link = link;
}

/* ---- groups ---- */

Cadre__V1__Event *test_event_group_created(struct cadre_arena *arena, const char *id,
                                           const char *compartment, const char *members)
{
	Cadre__V1__Event *event = event_of(arena, BODY(GROUP_CREATED),
	                                   &cadre__v1__group_created__descriptor);
	Cadre__V1__CreateGroup *group =
	        test_message(arena, &cadre__v1__create_group__descriptor);

	event->group_created->id = kept(id);
	event->group_created->group = group;
	group->compartment_id = kept(compartment);
	group->project_id = kept("p1");
	group->display_name = test_text(arena, "name of %s", id);
	group->model_group_details = test_message(arena,
	                                          &cadre__v1__group_details__descriptor);
	group->model_group_details->type = CADRE__V1__GROUP_TYPE__HETEROGENEOUS;
	group->members = test_members(arena, members, &group->n_members);
	return event;
}

static Cadre__V1__Event *derived(struct cadre_arena *arena,
                                 Cadre__V1__Event__BodyCase body, const char *id,
                                 const char *source, const char *removed,
                                 const char *inserted)
{
	Cadre__V1__Event *event = event_of(arena, body,
	                                   &cadre__v1__group_derived__descriptor);
	Cadre__V1__GroupDerived *group = event->group_patched;

	group->id = kept(id);
	group->source_group_id = kept(source);
	group->compartment_id = kept("c1");
	group->project_id = kept("p1");
	group->display_name = test_text(arena, "name of %s", id);
	group->removed = test_members(arena, removed, &group->n_removed);
	group->inserted = test_members(arena, inserted, &group->n_inserted);
	return event;
}

Cadre__V1__Event *test_event_group_patched(struct cadre_arena *arena, const char *id,
                                           const char *source, const char *removed,
                                           const char *inserted)
{
	return derived(arena, BODY(GROUP_PATCHED), id, source, removed, inserted);
}

Cadre__V1__Event *test_event_group_cloned(struct cadre_arena *arena, const char *id,
                                          const char *source, const char *removed,
                                          const char *inserted)
{
	return derived(arena, BODY(GROUP_CLONED), id, source, removed, inserted);
}

Cadre__V1__Event *test_event_group_updated(struct cadre_arena *arena, const char *id)
{
	Cadre__V1__Event *event = event_of(arena, BODY(GROUP_UPDATED),
	                                   &cadre__v1__group_updated__descriptor);

	event->group_updated->changes =
	        test_message(arena, &cadre__v1__update_group__descriptor);
	event->group_updated->changes->id = kept(id);
	return event;
}

Cadre__V1__Event *test_event_artifact_put(struct cadre_arena *arena, const char *id)
{
	static uint8_t hash[32] = { 9 };
	Cadre__V1__Event *event = event_of(arena, BODY(ARTIFACT_PUT),
	                                   &cadre__v1__put_artifact__descriptor);
	Cadre__V1__Artifact *artifact = test_message(arena,
	                                             &cadre__v1__artifact__descriptor);

	event->artifact_put->id = kept(id);
	event->artifact_put->artifact = artifact;
	artifact->sha256.data = hash;
	artifact->sha256.len = sizeof hash;
	artifact->bytes = 4096;
	return event;
}

/* ---- histories ---- */

Cadre__V1__Event *test_event_history_created(struct cadre_arena *arena, const char *id,
                                             const char *compartment, const char *name)
{
	Cadre__V1__Event *event = event_of(arena, BODY(HISTORY_CREATED),
	                                   &cadre__v1__history_created__descriptor);
	Cadre__V1__CreateHistory *history =
	        test_message(arena, &cadre__v1__create_history__descriptor);

	event->history_created->id = kept(id);
	event->history_created->history = history;
	history->compartment_id = kept(compartment);
	history->project_id = kept("p1");
	history->display_name = kept(name);
	return event;
}

Cadre__V1__Event *test_event_history_latest(struct cadre_arena *arena, const char *id,
                                            const char *group, uint64_t linked_version_id)
{
	Cadre__V1__Event *event = event_of(arena, BODY(HISTORY_UPDATED),
	                                   &cadre__v1__history_updated__descriptor);

	event->history_updated->changes =
	        test_message(arena, &cadre__v1__update_history__descriptor);
	event->history_updated->changes->id = kept(id);
	event->history_updated->changes->latest_model_group_id = kept(group);
	event->history_updated->has_linked_version_id = linked_version_id != 0;
	event->history_updated->linked_version_id = linked_version_id;
	return event;
}

/* ---- deployments ---- */

Cadre__V1__Event *test_event_deployment_created(struct cadre_arena *arena, const char *id,
                                                const char *compartment,
                                                const char *group)
{
	Cadre__V1__Event *event = event_of(arena, BODY(DEPLOYMENT_CREATED),
	                                   &cadre__v1__deployment_created__descriptor);
	Cadre__V1__CreateDeployment *deployment =
	        test_message(arena, &cadre__v1__create_deployment__descriptor);

	event->deployment_created->id = kept(id);
	event->deployment_created->deployment = deployment;
	deployment->compartment_id = kept(compartment);
	deployment->project_id = kept("p1");
	deployment->display_name = test_text(arena, "name of %s", id);
	deployment->model_group_id = kept(group);
	return event;
}

Cadre__V1__Event *test_event_deployment_updated(struct cadre_arena *arena, const char *id,
                                                const char *group, uint64_t generation)
{
	Cadre__V1__Event *event = event_of(arena, BODY(DEPLOYMENT_UPDATED),
	                                   &cadre__v1__deployment_updated__descriptor);

	event->deployment_updated->changes =
	        test_message(arena, &cadre__v1__update_deployment__descriptor);
	event->deployment_updated->changes->id = kept(id);
	event->deployment_updated->changes->model_group_id = kept(group);
	event->deployment_updated->has_generation = true;
	event->deployment_updated->generation = generation;
	return event;
}

Cadre__V1__Event *test_event_cut_over(struct cadre_arena *arena, const char *id,
                                      uint64_t generation, const char *group)
{
	Cadre__V1__Event *event = event_of(arena, BODY(CUT_OVER),
	                                   &cadre__v1__cut_over_decided__descriptor);

	event->cut_over->deployment_id = kept(id);
	event->cut_over->generation = generation;
	event->cut_over->group_id = kept(group);
	return event;
}

Cadre__V1__Event *test_event_deployment_placed(struct cadre_arena *arena, const char *id,
                                               const char *nodes)
{
	Cadre__V1__Event *event = event_of(arena, BODY(DEPLOYMENT_PLACED),
	                                   &cadre__v1__place_deployment__descriptor);
	Cadre__V1__PlaceDeployment *placed = event->deployment_placed;

	placed->deployment_id = kept(id);
	placed->nodes = test_words(arena, nodes, &placed->n_nodes);
	return event;
}

Cadre__V1__Event *test_event_cut_over_finished(struct cadre_arena *arena, const char *id,
                                               uint64_t generation)
{
	Cadre__V1__Event *event = event_of(arena, BODY(CUT_OVER_FINISHED),
	                                   &cadre__v1__finish_cut_over__descriptor);

	event->cut_over_finished->deployment_id = kept(id);
	event->cut_over_finished->generation = generation;
	return event;
}

/* ---- short bodies ---- */

Cadre__V1__Event *test_event_ref(struct cadre_arena *arena,
                                 Cadre__V1__Event__BodyCase body, const char *id)
{
	Cadre__V1__Event *event = event_of(arena, body,
	                                   &cadre__v1__resource_ref__descriptor);

	event->group_deleted->id = kept(id);
	return event;
}

Cadre__V1__Event *test_event_moved(struct cadre_arena *arena,
                                   Cadre__V1__Event__BodyCase body, const char *id,
                                   const char *compartment)
{
	Cadre__V1__Event *event = event_of(arena, body,
	                                   &cadre__v1__move_resource__descriptor);

	event->group_moved->id = kept(id);
	event->group_moved->compartment_id = kept(compartment);
	return event;
}

Cadre__V1__Event *test_event_model_registered(struct cadre_arena *arena, const char *id,
                                              const char *compartment)
{
	Cadre__V1__Event *event = event_of(arena, BODY(MODEL_REGISTERED),
	                                   &cadre__v1__model_registered__descriptor);
	Cadre__V1__RegisterModel *model =
	        test_message(arena, &cadre__v1__register_model__descriptor);

	event->model_registered->id = kept(id);
	event->model_registered->model = model;
	model->compartment_id = kept(compartment);
	model->project_id = kept("p1");
	model->display_name = test_text(arena, "name of %s", id);
	return event;
}

Cadre__V1__Event *test_event_node_registered(struct cadre_arena *arena, const char *id)
{
	Cadre__V1__Event *event = event_of(arena, BODY(NODE_REGISTERED),
	                                   &cadre__v1__register_node__descriptor);

	event->node_registered->node_id = kept(id);
	return event;
}

Cadre__V1__Event *test_event_node_retired(struct cadre_arena *arena, const char *id)
{
	Cadre__V1__Event *event = event_of(arena, BODY(NODE_RETIRED),
	                                   &cadre__v1__retire_node__descriptor);

	event->node_retired->node_id = kept(id);
	return event;
}

Cadre__V1__Event *test_event_principal_put(struct cadre_arena *arena, const char *name)
{
	Cadre__V1__Event *event = event_of(arena, BODY(PRINCIPAL_PUT),
	                                   &cadre__v1__put_principal__descriptor);

	event->principal_put->name = kept(name);
	return event;
}

Cadre__V1__Event *test_event_principal_removed(struct cadre_arena *arena,
                                               const char *name)
{
	Cadre__V1__Event *event = event_of(arena, BODY(PRINCIPAL_REMOVED),
	                                   &cadre__v1__remove_principal__descriptor);

	event->principal_removed->name = kept(name);
	return event;
}

/* ---- the cluster and the log ---- */

Cadre__V1__Event *test_event_cluster_configured(struct cadre_arena *arena)
{
	static uint8_t id[16] = { 1, 2, 3 };
	Cadre__V1__Event *event = event_of(arena, BODY(CLUSTER_CONFIGURED),
	                                   &cadre__v1__cluster_configured__descriptor);

	event->cluster_configured->cluster_id.data = id;
	event->cluster_configured->cluster_id.len = sizeof id;
	event->cluster_configured->timeline_id.data = id;
	event->cluster_configured->timeline_id.len = sizeof id;
	event->cluster_configured->name = kept("test");
	event->cluster_configured->feature_level = 1;
	return event;
}

Cadre__V1__Event *test_event_epoch_started(struct cadre_arena *arena, uint64_t epoch)
{
	Cadre__V1__Event *event = event_of(arena, BODY(EPOCH_STARTED),
	                                   &cadre__v1__epoch_started__descriptor);

	event->epoch_started->epoch = epoch;
	event->epoch_started->node_id = kept("0123456789abcdef0123456789abcdef");
	return event;
}

Cadre__V1__Event *test_event_digest_recorded(struct cadre_arena *arena, cadre_seq seq,
                                             struct cadre_hash128 digest)
{
	Cadre__V1__Event *event = event_of(arena, BODY(DIGEST_RECORDED),
	                                   &cadre__v1__digest_recorded__descriptor);
	uint8_t *bytes = cadre_arena_alloc(arena, 16);

	assert_non_null(bytes);
	cadre_put_be64(bytes, digest.high);
	cadre_put_be64(bytes + 8, digest.low);
	event->digest_recorded->seq = seq;
	event->digest_recorded->version = 1;
	event->digest_recorded->digest.data = bytes;
	event->digest_recorded->digest.len = 16;
	return event;
}

Cadre__V1__Event *test_event_feature_level_raised(struct cadre_arena *arena,
                                                  uint32_t level)
{
	Cadre__V1__Event *event = event_of(arena, BODY(FEATURE_LEVEL_RAISED),
	                                   &cadre__v1__feature_level_raised__descriptor);

	event->feature_level_raised->level = level;
	return event;
}
