#include <inttypes.h>

#include "proto/codec/limits.h"
#include "tools/admin/apply.h"

/* Longest pause while the store waits for disk space. */
#define WAIT_NS 5000000000u

static void completed(struct cadre_request *request)
{
	struct apply_item *item = request->ctx;

	item->done = true;
}

/* One command of a rehearsal. */
static enum cadre_status rehearse_command(struct apply *apply, struct cadre_view *view,
                                          struct apply_item *item, size_t index,
                                          const char *const *ids, struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	cadre_time_ms now = env->ops->wall_ms(env);
	uint8_t random[16];
	struct cadre_decision decision = { 0 };
	struct cadre_result *result = &item->request.results[index];
	struct cadre_decide decide = {
		.state = cadre_view_state(view),
		.arena = &apply->view_arena,
		.actor = &apply->actor,
		.seq = view->head.applied_seq + 1,
		.time_ms = now > view->head.time_ms ? now : view->head.time_ms,
		.random = random,
		.batch_ids = ids,
		.batch_ids_count = index,
		.ignore_token = item->batch.retry_token != NULL ||
		                item->batch.n_commands > 1,
	};
	enum cadre_status status;

	env->ops->random(env, random, sizeof(random));
	status = cadre_decide(&decide, item->batch.commands[index], &decision, err);
	if (status == CADRE_OK && decision.event)
		status = cadre_view_apply(view, decide.seq, decide.time_ms,
		                          decision.event, err);
	if (status != CADRE_OK)
		return status;
	*result = (struct cadre_result){ .version_id = decision.version_id,
		                         .seq = decision.seq,
		                         .changed = decision.event || decision.repeated };
	snprintf(result->ocid, sizeof(result->ocid), "%s", decision.ocid);
	return CADRE_OK;
}

static enum cadre_status rehearse_item(struct apply *apply, struct cadre_view *view,
                                       struct apply_item *item, struct cadre_error *err)
{
	const char *ids[CADRE_COMMANDS_PER_MESSAGE_MAX];
	struct cadre_view_mark mark;
	enum cadre_status status;

	cadre_arena_reset(&apply->view_arena);
	status = cadre_view_mark(view, &mark, err);
	if (status != CADRE_OK)
		return status;
	item->request.err = (struct cadre_error)CADRE_ERROR_INIT;
	for (size_t i = 0; i < item->batch.n_commands && status == CADRE_OK; i++) {
		status = rehearse_command(apply, view, item, i, ids, &item->request.err);
		if (status != CADRE_OK && item->batch.n_commands > 1)
			cadre_error_prefix(&item->request.err, "commands[%zu]: ", i);
		ids[i] = item->request.results[i].ocid;
	}
	item->request.status = status;
	if (status != CADRE_OK) {
		cadre_view_undo(view, &mark);
		return CADRE_OK;
	}
	return cadre_view_keep(view, &mark, err);
}

enum cadre_status apply_rehearse(struct apply *apply, size_t *ret_sound,
                                 struct cadre_error *err)
{
	struct cadre_view *view = &apply->rehearsal;
	size_t sound = apply->filled;
	enum cadre_status status = CADRE_OK;

	cadre_arena_reset(&apply->view_arena);
	if (!apply->rehearsing)
		status = cadre_view_begin(view, cadre_store_kv(apply->store),
		                          CADRE_KV_WRITE, &apply->view_arena, err);
	if (status != CADRE_OK)
		return status;
	apply->rehearsing = true;
	for (size_t i = 0; i < apply->filled && status == CADRE_OK; i++) {
		status = rehearse_item(apply, view, &apply->items[i], err);
		if (status == CADRE_OK && apply->items[i].request.status != CADRE_OK &&
		    sound == apply->filled)
			sound = i;
		if (sound < apply->filled && !apply->args->keep_going)
			break;
	}
	if (!apply->args->dry_run) {
		cadre_view_abort(view);
		apply->rehearsing = false;
	}
	*ret_sound = sound;
	return status;
}

static bool all_done(const struct apply *apply, size_t count)
{
	for (size_t i = count; i > 0; i--)
		if (!apply->items[i - 1].done)
			return false;
	return true;
}

enum cadre_status apply_submit(struct apply *apply, size_t count, struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	uint64_t idle_since = 0;
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < count; i++) {
		struct apply_item *item = &apply->items[i];

		item->done = false;
		item->request.batch = &item->batch;
		item->request.actor = &apply->actor;
		item->request.complete = completed;
		item->request.ctx = item;
		cadre_store_submit(apply->store, &item->request);
	}
	while (status == CADRE_OK && !all_done(apply, count)) {
		bool again = false;
		uint64_t now = env->ops->mono_ns(env);

		status = cadre_store_step(apply->store, &again, err);
		if (again)
			idle_since = 0;
		else if (idle_since == 0)
			idle_since = now;
		else if (now - idle_since > WAIT_NS)
			return cadre_error_set(
			        err, CADRE_UNAVAILABLE,
			        "the store makes no progress (disk full?)");
	}
	return status;
}

static void print_result(const struct apply *apply, const struct apply_item *item,
                         const struct cadre_result *result)
{
	struct cadre_json json = { 0 };

	switch (apply->args->common.mode) {
	case CADRE_OUTPUT_QUIET:
		printf("%s\n", result->ocid);
		break;
	case CADRE_OUTPUT_JSON:
		cadre_json_begin(&json, '{');
		cadre_json_key_u64(&json, "index", item->index);
		cadre_json_key_text(&json, "id", result->ocid);
		if (result->version_id)
			cadre_json_key_u64(&json, "versionId", result->version_id);
		cadre_json_key_u64(&json, "seq", result->seq);
		if (result->etag[0])
			cadre_json_key_text(&json, "etag", result->etag);
		cadre_json_key_bool(&json, "changed", result->changed);
		cadre_json_end(&json, '}');
		admin_print_json(&json);
		cadre_json_fini(&json);
		break;
	case CADRE_OUTPUT_TEXT:
	default:
		printf("%s", result->ocid[0] ? result->ocid : "done");
		if (result->version_id)
			printf("  version %" PRIu64, result->version_id);
		printf("  seq %" PRIu64, result->seq);
		if (result->etag[0])
			printf("  etag %s", result->etag);
		printf("%s\n", item->request.repeated ? "  (done before)"
		               : result->changed      ? ""
		                                      : "  (nothing to change)");
		break;
	}
}

void apply_print_refusal(struct apply *apply, const struct apply_item *item,
                         const struct cadre_error *err)
{
	struct cadre_error located = *err;

	apply->refused++;
	if (item->line > 0)
		cadre_error_prefix(&located, "%s:%zu: ", item->file, item->line);
	if (apply->code == 0)
		apply->code = admin_fail(&apply->args->common, &located);
	else
		admin_fail(&apply->args->common, &located);
}

void apply_print(struct apply *apply, const struct apply_item *item)
{
	struct cadre_error err = item->request.err;

	if (item->request.status != CADRE_OK) {
		err.status = item->request.status;
		apply_print_refusal(apply, item, &err);
		return;
	}
	apply->accepted++;
	for (size_t i = 0; i < item->batch.n_commands; i++)
		print_result(apply, item, &item->request.results[i]);
}
