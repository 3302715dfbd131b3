#include <stdio.h>
#include <stdlib.h>

#include "engine/base/checksum.h"
#include "engine/store/store.h"
#include "proto/codec/codec.h"
#include "tests/crash/crash.h"

#define FAIL(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), 1)

/* How often each client's tokens stand in the log: once each, none missing up to
 * the highest. */
struct token_count {
	uint64_t next[CRASH_CLIENTS];
};

static int count_record(struct token_count *count, struct cadre_arena *arena,
                        const struct cadre_record *record)
{
	ProtobufCMessage *message;
	struct cadre_error err = CADRE_ERROR_INIT;
	const Cadre__V1__Event *event;
	unsigned client;
	unsigned long long n;

	cadre_arena_reset(arena);
	if (cadre_unpack(&cadre__v1__event__descriptor, record->payload, arena, &message,
	                 &err) != CADRE_OK)
		return FAIL("seq %llu: %s", (unsigned long long)record->seq, err.message);
	event = (const Cadre__V1__Event *)message;
	if (!event->retry_token)
		return 0;
	if (sscanf(event->retry_token->token, "crash-%u-%llu", &client, &n) != 2 ||
	    client >= CRASH_CLIENTS)
		return FAIL("token %s", event->retry_token->token);
	if (n != count->next[client])
		return FAIL("client %u: command %llu in the log, %llu expected", client,
		            n, (unsigned long long)count->next[client]);
	count->next[client]++;
	return 0;
}

static int count_tokens(struct cadre_log *log, struct token_count *count)
{
	struct cadre_log_cursor *cursor;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	struct cadre_batch batch;
	int wrong = 0;
	enum cadre_status status = cadre_log_cursor_open(log, 1, &cursor, &err);

	cadre_arena_init(&arena, 1u << 24);
	while (status == CADRE_OK && !wrong) {
		size_t offset = 0;
		struct cadre_record record = { 0 };
		status = cadre_log_cursor_next(cursor, &batch, &err);
		while (status == CADRE_OK && !wrong &&
		       cadre_batch_next_record(&batch, &offset, &record) == CADRE_OK)
			wrong = count_record(count, &arena, &record);
	}
	cadre_log_cursor_close(cursor);
	cadre_arena_fini(&arena);
	if (!wrong && status != CADRE_END)
		return FAIL("log: %s", err.message);
	return wrong;
}

struct member_check {
	unsigned client;
	uint64_t low;
	uint64_t high;
	uint64_t seen;
};

static enum cadre_status check_member(void *ctx, const struct cadre_member *member)
{
	struct member_check *check = ctx;
	char model[96];
	char key[32];

	crash_model(check->client, check->low + check->seen, model);
	crash_key(check->low + check->seen, key);
	check->seen++;
	if (!cadre_slice_equal(member->model_id, cadre_slice_text(model)) ||
	    !cadre_slice_equal(member->key, cadre_slice_text(key)))
		return CADRE_DIVERGED;
	return CADRE_OK;
}

static enum cadre_status check_history(void *ctx, const Cadre__V1__Resource *resource)
{
	*(uint64_t *)ctx = resource->id;
	return CADRE_OK;
}

/* The members of each client's latest version are exactly what its commands in
 * the log make. */
static int check_members(struct cadre_view *view, const struct token_count *count)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	for (unsigned client = 0; client < CRASH_CLIENTS; client++) {
		uint64_t done = count->next[client];
		struct member_check check = { .client = client };
		struct cadre_pointer pointer;
		uint64_t history = 0;
		char name[64];
		if (done == 0)
			continue;
		crash_history_name(client, name);
		check.high = done - 1;
		check.low = done > CRASH_WINDOW ? done - CRASH_WINDOW : 0;
		if (cadre_view_by_name(view, CADRE__V1__KIND__KIND_HISTORY, "crash", name,
		                       check_history, &history, &err) != CADRE_OK ||
		    cadre_view_pointer(view, CADRE__V1__KIND__KIND_HISTORY, history,
		                       CADRE_SEQ_MAX, &pointer, &err) != CADRE_OK ||
		    cadre_view_members(view, pointer.lineage, pointer.version, NULL,
		                       check_member, &check, &err) != CADRE_OK)
			return FAIL("client %u: %s", client, err.message);
		if (check.seen != check.high - check.low + 1)
			return FAIL("client %u: %llu members, expected %llu to %llu",
			            client, (unsigned long long)check.seen,
			            (unsigned long long)check.low,
			            (unsigned long long)check.high);
	}
	return 0;
}

static int check_acks(struct cadre_store *store, const struct crash_ack *fresh,
                      size_t count)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	for (size_t i = 0; i < count; i++) {
		struct cadre_result result;
		char token[64];
		crash_token(fresh[i].client, fresh[i].n, token);
		if (cadre_store_outcome(store, "crash-test", token, &result, &err) !=
		    CADRE_OK)
			return FAIL("acknowledged %s: %s", token, err.message);
		if (fresh[i].n > 0 && (result.seq != fresh[i].seq ||
		                       strcmp(result.ocid, fresh[i].ocid) != 0))
			return FAIL("acknowledged %s: seq %llu %s, now seq %llu %s",
			            token, (unsigned long long)fresh[i].seq,
			            fresh[i].ocid, (unsigned long long)result.seq,
			            result.ocid);
	}
	return 0;
}

/* The digest of the views on disk against one of views made anew in memory. */
static int check_digest(const char *dir, const struct cadre_store_status *disk)
{
	struct cadre_store_options options = { .dir = dir, .memory_views = true };
	struct cadre_store *store;
	struct cadre_store_status memory;
	struct cadre_error err = CADRE_ERROR_INIT;

	if (cadre_store_open(cadre_env_real(), &options, &store, &err) != CADRE_OK)
		return FAIL("replay: %s", err.message);
	cadre_store_status(store, &memory);
	cadre_store_close(store);
	if (memory.view.applied_seq != disk->view.applied_seq ||
	    !cadre_hash128_equal(memory.view.digest, disk->view.digest))
		return FAIL("digest at seq %llu differs from a replay's at seq %llu",
		            (unsigned long long)disk->view.applied_seq,
		            (unsigned long long)memory.view.applied_seq);
	return 0;
}

int crash_check(const char *dir, const uint64_t acked[CRASH_CLIENTS],
                const struct crash_ack *fresh, size_t fresh_count, bool replay)
{
	struct cadre_store_options options = { .dir = dir, .no_snapshots = true };
	struct cadre_store *store;
	struct cadre_store_status disk;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct token_count count = { { 0 } };
	struct cadre_arena arena;
	struct cadre_view view;
	int wrong;

	if (cadre_store_open(cadre_env_real(), &options, &store, &err) != CADRE_OK)
		return FAIL("start: %s %s", cadre_status_name(err.status), err.message);
	cadre_store_status(store, &disk);
	wrong = check_acks(store, fresh, fresh_count);
	if (!wrong)
		wrong = count_tokens(cadre_store_log(store), &count);
	for (unsigned i = 0; i < CRASH_CLIENTS && !wrong; i++) {
		/* The one in flight may have been logged too. */
		if (count.next[i] < acked[i] || count.next[i] > acked[i] + 1)
			wrong = FAIL("client %u: %llu acknowledged, %llu in the log", i,
			             (unsigned long long)acked[i],
			             (unsigned long long)count.next[i]);
	}
	cadre_arena_init(&arena, 1u << 24);
	if (!wrong && cadre_view_begin(&view, cadre_store_kv(store), CADRE_KV_READ,
	                               &arena, &err) == CADRE_OK) {
		wrong = check_members(&view, &count);
		cadre_view_abort(&view);
	}
	cadre_arena_fini(&arena);
	/* As after a crash again: the next start must not lean on a clean close. */
	cadre_store_close(store);
	return wrong || !replay ? wrong : check_digest(dir, &disk);
}
