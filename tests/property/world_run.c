/* Commands alone and in batches, judged by the rules before they are decided. */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "proto/codec/codec.h"
#include "tests/property/rules.h"
#include "tests/property/world.h"
#include "tests/support/events.h"

#define BATCH_MAX 6

static struct cadre_error err;

/* ---- a command alone ---- */

static char *keep_text(struct world *w, const char *text)
{
	char *kept = cadre_arena_strdup(&w->model.arena, cadre_slice_text(text));

	CADRE_ASSERT(kept);
	return kept;
}

static void note_answer(struct world *w, const char *principal, const char *token,
                        const struct cadre_decision *decision)
{
	w->answers = realloc(w->answers, (w->answer_count + 1) * sizeof *w->answers);
	CADRE_ASSERT(w->answers);
	w->answers[w->answer_count++] = (struct answer){ keep_text(w, principal),
		                                         keep_text(w, token), *decision };
}

/* The same ids, version, seq and etag as the first time. */
static void check_repeated(struct world *w, const char *principal, const char *token,
                           const struct cadre_decision *decision)
{
	for (size_t i = w->answer_count; i-- > 0;) {
		const struct answer *first = &w->answers[i];
		if (strcmp(first->principal, principal) != 0 ||
		    strcmp(first->token, token) != 0)
			continue;
		assert_string_equal(decision->ocid, first->decision.ocid);
		assert_int_equal(decision->resource, first->decision.resource);
		assert_int_equal(decision->version_id, first->decision.version_id);
		assert_int_equal(decision->seq, first->decision.seq);
		assert_int_equal(decision->etag_seq, first->decision.etag_seq);
		return;
	}
	fail_msg("token \"%s\" of \"%s\" was never answered", token, principal);
}

/* What the answer says of the resource is what the model has. */
static void check_answer(struct world *w, const struct cadre_decision *decision)
{
	const struct model_resource *resource = model_find_id(&w->model,
	                                                      decision->resource);

	if (decision->resource == 0) {
		assert_string_equal(decision->ocid, "");
		return;
	}
	assert_non_null(resource);
	assert_string_equal(decision->ocid, resource->row.ocid);
	assert_int_equal(decision->etag_seq, resource->row.changed_seq);
	if (decision->version_id != 0)
		assert_int_equal(decision->version_id, resource->detail.group.version_id);
}

static void check_verdict(const struct verdict *verdict, enum cadre_status status,
                          const struct cadre_decision *decision, size_t event_bytes,
                          const Cadre__V1__Command *command)
{
	if (status != verdict->status)
		fail_msg("command of type %d: %s, the rules say %s: %s",
		         (int)command->body_case, cadre_status_name(status),
		         cadre_status_name(verdict->status),
		         status == CADRE_OK ? "" : err.message);
	if (status != CADRE_OK)
		return;
	if (decision->repeated != verdict->repeated ||
	    (event_bytes > 0) != verdict->event)
		fail_msg("command of type %d: %s, the rules say %s",
		         (int)command->body_case,
		         decision->repeated ? "repeated"
		         : event_bytes      ? "event"
		                            : "nothing",
		         verdict->repeated ? "repeated"
		         : verdict->event  ? "event"
		                           : "nothing");
}

static void check_outcome(struct world *w, const struct verdict *verdict,
                          uint64_t resource)
{
	const char *wrong = rules_check_outcome(&w->model, verdict, resource);

	if (wrong)
		fail_msg("seq %llu: %s of what changed is not as the rules say",
		         (unsigned long long)w->model.applied_seq, wrong);
}

static void count(struct world *w, enum cadre_status status, bool repeated, bool event)
{
	w->tally.refused += status != CADRE_OK;
	w->tally.repeated += status == CADRE_OK && repeated;
	w->tally.events += event;
	w->tally.nothing += status == CADRE_OK && !repeated && !event;
}

static void run_command(struct world *w, const struct generated *generated)
{
	const Cadre__V1__Command *command = generated->command;
	const char *principal = generated_principal(generated->principal);
	struct deciding_in in = { .command = command,
		                  .principal = principal,
		                  .with_model = true };
	struct cadre_buffer event = { 0 };
	struct cadre_decision decision;
	struct verdict verdict = rules_judge(&w->model, command, principal, w->time_ms);
	enum cadre_status status = world_decide(w, &in, &decision, &event);

	check_verdict(&verdict, status, &decision, event.length, command);
	count(w, status, decision.repeated, event.length > 0);
	if (status == CADRE_OK && decision.repeated)
		check_repeated(w, principal, command->retry_token, &decision);
	if (event.length > 0) {
		world_apply(w, cadre_buffer_slice(&event));
		world_apply_model(w, cadre_buffer_slice(&event));
		if (command->retry_token) {
			note_answer(w, principal, command->retry_token, &decision);
			generator_remember(&w->generator, generated);
		}
	}
	if (status == CADRE_OK && !decision.repeated) {
		check_answer(w, &decision);
		check_outcome(w, &verdict, decision.resource);
	}
	verdict_fini(&verdict);
	cadre_buffer_fini(&event);
}

void world_single(struct world *w)
{
	struct generated generated;
	enum cadre_status status;

	cadre_arena_reset(&w->command_arena);
	generated = generate_command(&w->generator);
	status = cadre_command_check(generated.command, &err);
	if (generated.malformed) {
		assert_int_not_equal(status, CADRE_OK);
		w->tally.malformed++;
		return;
	}
	assert_ok(status);
	run_command(w, &generated);
}

/* ---- a batch ---- */

struct together {
	struct world *w;
	const char *principal;
	Cadre__V1__Batch *batch;
	Cadre__V1__Command *list[BATCH_MAX];
	/* Where a command says `$<n>`, and what n is. */
	char **ref_at[BATCH_MAX];
	size_t ref[BATCH_MAX];
	size_t poison; /* the command that cannot be; BATCH_MAX: none */
	char ids[BATCH_MAX][CADRE_OCID_BYTES];
	uint64_t resources[BATCH_MAX];
	struct cadre_buffer events[BATCH_MAX]; /* empty: nothing changed */
};

static bool makes_group(const Cadre__V1__Command *command)
{
	return command->body_case == CADRE__V1__COMMAND__BODY_CREATE_GROUP ||
	       command->body_case == CADRE__V1__COMMAND__BODY_CLONE_GROUP ||
	       command->body_case == CADRE__V1__COMMAND__BODY_PATCH_GROUP;
}

/* Goes on with the group that command `n` makes. */
static void follow_up(struct together *t, size_t at, size_t n)
{
	struct cadre_arena *arena = &t->w->command_arena;
	Cadre__V1__Command *command = test_message(arena,
	                                           &cadre__v1__command__descriptor);

	t->ref[at] = n;
	if (test_random_below(&t->w->random, 2) == 0) {
		Cadre__V1__PatchGroup *patch =
		        test_message(arena, &cadre__v1__patch_group__descriptor);
		command->body_case = CADRE__V1__COMMAND__BODY_PATCH_GROUP;
		command->patch_group = patch;
		patch->has_branch = true;
		patch->branch = true;
		t->ref_at[at] = &patch->source_id;
	} else {
		Cadre__V1__CreateHistory *history =
		        test_message(arena, &cadre__v1__create_history__descriptor);
		command->body_case = CADRE__V1__COMMAND__BODY_CREATE_HISTORY;
		command->create_history = history;
		history->compartment_id = test_text(arena, "c1");
		history->project_id = test_text(arena, "p1");
		t->ref_at[at] = &history->latest_model_group_id;
	}
	*t->ref_at[at] = test_text(arena, "$%zu", n);
	t->list[at] = command;
}

/* Mostly one that the state before the batch allows: else few would go through. */
static bool is_allowed(struct together *t, const Cadre__V1__Command *command)
{
	struct verdict verdict = rules_judge(&t->w->model, command, t->principal,
	                                     t->w->time_ms);

	verdict_fini(&verdict);
	return verdict.status == CADRE_OK;
}

static Cadre__V1__Command *likely_command(struct together *t)
{
	bool any = chance(&t->w->generator, 4);
	struct generated made;

	do {
		made = generate_command(&t->w->generator);
		made.command->retry_token = NULL;
	} while (made.malformed || (!any && !is_allowed(t, made.command)));
	return made.command;
}

static void make_batch(struct together *t)
{
	struct generator *g = &t->w->generator;
	size_t wanted = 2 + below(g, BATCH_MAX - 1);

	t->batch = test_message(g->arena, &cadre__v1__batch__descriptor);
	t->batch->commands = t->list;
	t->poison = chance(g, 30) ? below(g, wanted) : BATCH_MAX;
	for (size_t i = 0; i < wanted; i++) {
		if (i == t->poison) {
			t->list[i] = generate_impossible(g);
			continue;
		}
		if (i > 0 && makes_group(t->list[i - 1]) && chance(g, 60)) {
			follow_up(t, i, i - 1);
			continue;
		}
		t->list[i] = likely_command(t);
	}
	t->batch->n_commands = wanted;
	if (chance(g, 35))
		t->batch->retry_token = test_text(g->arena, "batch-%u", g->names++);
	assert_ok(cadre_batch_check(t->batch, &err));
}

/* On the maps only. `*ret_refused`: the command that was, or their number. */
static enum cadre_status decide_all(struct together *t, size_t *ret_refused)
{
	const char *ids[BATCH_MAX];
	struct deciding_in in = { .principal = t->principal, .batch_ids = ids };
	size_t i;

	for (i = 0; i < t->batch->n_commands; i++) {
		struct cadre_decision decision;
		enum cadre_status status;
		in.command = t->list[i];
		in.batch_ids_count = i;
		status = world_decide(t->w, &in, &decision, &t->events[i]);
		*ret_refused = i;
		if (status != CADRE_OK)
			return status;
		if (t->events[i].length > 0)
			world_apply(t->w, cadre_buffer_slice(&t->events[i]));
		memcpy(t->ids[i], decision.ocid, sizeof t->ids[i]);
		ids[i] = t->ids[i];
		t->resources[i] = decision.resource;
	}
	*ret_refused = i;
	return CADRE_OK;
}

struct undo {
	struct cadre_view_mark marks[TWINS];
	struct cadre_hash128 digest;
	uint32_t count;
	uint32_t body_bytes;
	cadre_seq next_seq;
};

static void undo_begin(struct world *w, struct undo *undo)
{
	undo->count = w->builder.header.count;
	undo->body_bytes = w->builder.header.body_bytes;
	undo->next_seq = w->next_seq;
	undo->digest = w->twins[0].view.head.digest;
	for (int i = 0; i < TWINS; i++)
		assert_ok(cadre_view_mark(&w->twins[i].view, &undo->marks[i], &err));
}

static void undo_all(struct world *w, struct undo *undo)
{
	for (int i = 0; i < TWINS; i++) {
		cadre_view_undo(&w->twins[i].view, &undo->marks[i]);
		assert_true(
		        cadre_hash128_equal(w->twins[i].view.head.digest, undo->digest));
		assert_int_equal(w->twins[i].view.head.applied_seq, undo->next_seq - 1);
	}
	cadre_batch_rewind(&w->builder, undo->count, undo->body_bytes);
	w->next_seq = undo->next_seq;
}

/* Puts the token, which needs the number of events, on the first of them. */
static void add_token(struct together *t)
{
	Cadre__V1__RetryToken token = CADRE__V1__RETRY_TOKEN__INIT;
	struct cadre_sha256 hash;
	ProtobufCMessage *message;
	size_t first = BATCH_MAX;

	for (size_t i = t->batch->n_commands; i-- > 0;) {
		if (t->events[i].length > 0) {
			first = i;
			token.events++;
		}
	}
	if (first == BATCH_MAX)
		return;
	assert_ok(cadre_batch_hash(t->batch, &hash, &err));
	token.token = t->batch->retry_token;
	token.has_events = true;
	token.command_sha256.data = hash.bytes;
	token.command_sha256.len = sizeof hash.bytes;
	assert_ok(cadre_unpack(&cadre__v1__event__descriptor,
	                       cadre_buffer_slice(&t->events[first]),
	                       &t->w->command_arena, &message, &err));
	((Cadre__V1__Event *)(void *)message)->retry_token = &token;
	cadre_buffer_clear(&t->events[first]);
	assert_ok(cadre_pack(message, &t->events[first], &err));
}

/* The model goes the way the maps went, and the rules with it. */
static void follow_with_model(struct together *t)
{
	for (size_t i = 0; i < t->batch->n_commands; i++) {
		struct verdict verdict;
		if (t->ref_at[i])
			*t->ref_at[i] = t->ids[t->ref[i]];
		verdict = rules_judge(&t->w->model, t->list[i], t->principal,
		                      t->w->time_ms);
		assert_int_equal(verdict.status, CADRE_OK);
		assert_int_equal(verdict.event, t->events[i].length > 0);
		if (t->events[i].length > 0) {
			world_apply_model(t->w, cadre_buffer_slice(&t->events[i]));
			check_outcome(t->w, &verdict, t->resources[i]);
		}
		verdict_fini(&verdict);
		count(t->w, CADRE_OK, false, t->events[i].length > 0);
	}
}

static void finish_batch(struct together *t, struct undo *undo)
{
	struct world *w = t->w;

	if (t->batch->retry_token) {
		undo_all(w, undo);
		undo_begin(w, undo);
		add_token(t);
		for (size_t i = 0; i < t->batch->n_commands; i++) {
			if (t->events[i].length > 0)
				world_apply(w, cadre_buffer_slice(&t->events[i]));
		}
	}
	for (int i = 0; i < TWINS; i++)
		assert_ok(cadre_view_keep(&w->twins[i].view, &undo->marks[i], &err));
	follow_with_model(t);
	w->tally.batches++;
}

void world_batch(struct world *w)
{
	struct together t = { .w = w,
		              .principal =
		                      generated_principal((unsigned)test_random_below(
		                              &w->random, GENERATED_PRINCIPALS)) };
	struct undo undo;
	bool first;
	size_t refused;
	enum cadre_status status;

	cadre_arena_reset(&w->command_arena);
	make_batch(&t);
	first = is_allowed(&t, t.list[0]);
	undo_begin(w, &undo);
	status = decide_all(&t, &refused);
	/* The rules know the first command, and the one that cannot be. */
	assert_int_equal(status != CADRE_OK && refused == 0, !first);
	assert_true(refused <= t.poison);
	if (status == CADRE_OK) {
		finish_batch(&t, &undo);
	} else {
		undo_all(w, &undo);
		w->tally.undone++;
	}
	for (size_t i = 0; i < BATCH_MAX; i++)
		cadre_buffer_fini(&t.events[i]);
}
