/* The stores and look-ups of lookups.h. */
#include "bench/lookups.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/views/rows.h"

/* Of a group, about: the mean of the workload's sizes. */
#define MEMBERS_MEAN 78u
#define VERSIONS 10u
#define BUILD_BATCH 512u

static enum cadre_status no_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "look-ups: out of memory");
}

/* One version of one history, as answered. */
struct version {
	char ocid[CADRE_OCID_BYTES];
	cadre_seq seq;
};
struct versions {
	struct version *at; /* VERSIONS for each history */
	unsigned *counts;
};

static void note_version(void *ctx, const struct bench_command *command,
                         const struct cadre_result *result)
{
	struct versions *versions = ctx;
	unsigned *count = &versions->counts[command->history];

	if ((command->kind != BENCH_CREATE_GROUP && command->kind != BENCH_PATCH) ||
	    *count >= VERSIONS)
		return;
	struct version *version = &versions->at[command->history * VERSIONS + *count];
	memcpy(version->ocid, result->ocid, sizeof version->ocid);
	version->seq = result->seq;
	++*count;
}

/* ---- asks ---- */

struct asking {
	struct bench_lookups *lookups;
	struct cadre_view view;
	struct cadre_arena arena;
	struct cadre_kv_cursor *cursor;
	uint64_t seed;
	size_t capacity;
};

static enum cadre_status asking_begin(struct asking *asking,
                                      struct bench_lookups *lookups, uint64_t seed,
                                      struct cadre_error *err)
{
	enum cadre_status status;

	memset(asking, 0, sizeof *asking);
	asking->lookups = lookups;
	asking->seed = seed;
	cadre_arena_init(&asking->arena, 1u << 20);
	status = cadre_view_begin(&asking->view, cadre_store_kv(lookups->lab.store),
	                          CADRE_KV_READ, &asking->arena, err);
	if (status == CADRE_OK)
		status = cadre_kv_cursor_open(asking->view.txn, &asking->cursor, err);
	return status;
}

static void asking_end(struct asking *asking)
{
	cadre_kv_cursor_close(asking->cursor);
	cadre_view_abort(&asking->view);
	cadre_arena_fini(&asking->arena);
}

/* The row that answers: of the newest version up to the group's. */
static enum cadre_status find_row(struct asking *asking,
                                  const Cadre__V1__GroupState *group,
                                  struct bench_ask *ask, struct cadre_error *err)
{
	struct cadre_row_key row;
	struct cadre_slice found;
	struct cadre_slice value;
	enum cadre_status status;

	cadre_row_key_init(&row, 'm');
	cadre_row_key_u64(&row, group->lineage);
	cadre_row_key_u8(&row, 'k');
	cadre_row_key_bytes(&row, ask->key, ask->length);
	cadre_row_key_u8(&row, 0);
	cadre_row_key_u32(&row, ~group->lineage_version);
	status = cadre_kv_seek(asking->cursor, cadre_row_key_slice(&row), &found, &value);
	if (status != CADRE_OK || found.length != row.length ||
	    memcmp(found.data, row.bytes, row.length - 4) != 0)
		return cadre_error_set(err, CADRE_INTERNAL, "no row for key \"%s\"",
		                       ask->key);
	CADRE_ASSERT(found.length <= sizeof ask->row);
	ask->row_length = (uint8_t)found.length;
	memcpy(ask->row, found.data, found.length);
	return CADRE_OK;
}

/* All keys of the history, in the version that `group` is, asked of `target`. */
static enum cadre_status ask_group(struct asking *asking,
                                   const struct bench_history *history, const char *group,
                                   cadre_seq seq, uint32_t target,
                                   struct cadre_error *err)
{
	struct bench_lookups *lookups = asking->lookups;
	Cadre__V1__Resource *resource;
	enum cadre_status status = cadre_view_by_ocid(&asking->view, group, &resource,
	                                              err);

	if (status != CADRE_OK)
		return status;
	if (lookups->count + history->member_count > asking->capacity) {
		size_t capacity = 2 * (lookups->count + history->member_count);
		struct bench_ask *grown = realloc(lookups->asks,
		                                  capacity * sizeof *grown);
		if (!grown)
			return no_memory(err);
		lookups->asks = grown;
		asking->capacity = capacity;
	}
	for (unsigned i = 0; i < history->member_count && status == CADRE_OK; i++) {
		struct bench_ask *ask = &lookups->asks[lookups->count++];
		ask->seq = seq;
		ask->target = target;
		ask->length = (uint8_t)bench_key_text(asking->seed, history->keys[i],
		                                      ask->key);
		status = find_row(asking, resource->group, ask, err);
	}
	cadre_arena_reset(&asking->arena);
	return status;
}

static void shuffle(struct bench_lookups *lookups, uint64_t seed)
{
	for (size_t i = lookups->count; i > 1; i--) {
		size_t other = bench_mix(seed++) % i;
		struct bench_ask saved = lookups->asks[i - 1];
		lookups->asks[i - 1] = lookups->asks[other];
		lookups->asks[other] = saved;
	}
}

/* ---- stores ---- */

static enum cadre_status build(struct bench_lookups *lookups, const struct bench *bench,
                               const struct bench_workload_options *options,
                               struct bench_drive *drive, struct cadre_error *err)
{
	char dir[BENCH_PATH_BYTES];
	enum cadre_status status;

	memset(lookups, 0, sizeof *lookups);
	lookups->threads = 1;
	bench_progress(bench, "look-ups: %llu commands to make the store",
	               (unsigned long long)drive->commands);
	bench_path(dir, bench->dir, "lookups");
	status = bench_lab_create(&lookups->lab, dir, options, err);
	if (status == CADRE_OK)
		status = bench_lab_open(&lookups->lab, err);
	if (status == CADRE_OK)
		status = bench_drive(&lookups->lab, drive, err);
	return status;
}

/* Closes the store here and opens it in a process of its own. */
static enum cadre_status hand_over(struct bench_lookups *lookups, struct cadre_error *err)
{
	enum cadre_status status;

	bench_lab_close(&lookups->lab);
	status = bench_child_start(&lookups->server, "serve", lookups->lab.dir, NULL,
	                           NULL, err);
	if (status == CADRE_OK)
		status = bench_views_dir(&lookups->lab, lookups->views, err);
	return status;
}

enum cadre_status bench_lookups_retarget(struct bench_lookups *lookups,
                                         enum bench_scope_kind kind,
                                         struct cadre_error *err)
{
	unsigned count = bench_workload_histories(lookups->lab.workload);
	char(*targets)[CADRE_OCID_BYTES] = calloc(count, sizeof *targets);

	if (!targets)
		return no_memory(err);
	free(lookups->targets);
	lookups->targets = targets;
	lookups->target_count = count;
	for (unsigned i = 0; i < count; i++) {
		const struct bench_history *history =
		        bench_workload_history(lookups->lab.workload, i);
		const char *ocid = kind == BENCH_GROUPS      ? history->group
		                   : kind == BENCH_HISTORIES ? history->ocid
		                                             : history->deployment;
		memcpy(targets[i], ocid, sizeof targets[i]);
	}
	return CADRE_OK;
}

/* Asks for every key of every history's latest group. */
static enum cadre_status ask_latest(struct bench_lookups *lookups,
                                    const struct bench *bench, enum bench_scope_kind kind,
                                    struct cadre_error *err)
{
	struct asking asking;
	cadre_seq now;
	enum cadre_status status = asking_begin(&asking, lookups, bench->seed, err);

	if (status != CADRE_OK)
		return status;
	now = asking.view.head.applied_seq;
	for (unsigned i = 0;
	     i < bench_workload_histories(lookups->lab.workload) && status == CADRE_OK;
	     i++) {
		const struct bench_history *history =
		        bench_workload_history(lookups->lab.workload, i);
		status = ask_group(&asking, history, history->group, now, i, err);
	}
	asking_end(&asking);
	if (status == CADRE_OK)
		status = bench_lookups_retarget(lookups, kind, err);
	if (status != CADRE_OK)
		return status;
	shuffle(lookups, bench->seed);
	return hand_over(lookups, err);
}

enum cadre_status bench_lookups_plain(struct bench_lookups *lookups,
                                      const struct bench *bench, uint64_t keys,
                                      enum bench_scope_kind kind, struct cadre_error *err)
{
	struct bench_workload_options options =
	        bench_workload_mms(bench->seed, (unsigned)(keys / MEMBERS_MEAN) + 1);
	struct bench_drive drive = { .batch = BUILD_BATCH };
	enum cadre_status status;

	options.deployments = true;
	drive.commands = bench_workload_setup_commands(&options);
	status = build(lookups, bench, &options, &drive, err);
	return status == CADRE_OK ? ask_latest(lookups, bench, kind, err) : status;
}

enum cadre_status bench_lookups_mixed(struct bench_lookups *lookups,
                                      const struct bench *bench, uint64_t events,
                                      struct cadre_error *err)
{
	struct bench_workload_options options =
	        bench_workload_mms(bench->seed, (unsigned)(events / 20) + 1);
	struct bench_drive drive = { .commands = events, .batch = BUILD_BATCH };
	enum cadre_status status = build(lookups, bench, &options, &drive, err);

	return status == CADRE_OK ? ask_latest(lookups, bench, BENCH_GROUPS, err)
	                          : status;
}

static enum cadre_status ask_versions(struct bench_lookups *lookups,
                                      const struct bench *bench,
                                      const struct versions *versions,
                                      enum bench_scope_kind kind, struct cadre_error *err)
{
	unsigned histories = bench_workload_histories(lookups->lab.workload);
	struct asking asking;
	enum cadre_status status = asking_begin(&asking, lookups, bench->seed, err);

	if (status != CADRE_OK)
		return status;
	for (unsigned i = 0; i < histories * VERSIONS && status == CADRE_OK; i++) {
		const struct version *version = &versions->at[i];
		status = ask_group(
		        &asking,
		        bench_workload_history(lookups->lab.workload, i / VERSIONS),
		        version->ocid, version->seq,
		        kind == BENCH_GROUPS ? i : i / VERSIONS, err);
		if (status == CADRE_OK && kind == BENCH_GROUPS)
			memcpy(lookups->targets[i], version->ocid,
			       sizeof lookups->targets[i]);
	}
	asking_end(&asking);
	return status;
}

enum cadre_status bench_lookups_versions(struct bench_lookups *lookups,
                                         const struct bench *bench, uint64_t keys,
                                         enum bench_scope_kind kind,
                                         struct cadre_error *err)
{
	unsigned histories = (unsigned)(keys / VERSIONS / MEMBERS_MEAN) + 1;
	struct bench_workload_options options = bench_workload_mms(bench->seed,
	                                                           histories);
	struct versions versions = {
		.at = calloc(histories * VERSIONS, sizeof *versions.at),
		.counts = calloc(histories, sizeof *versions.counts)
	};
	struct bench_drive drive = { .batch = BUILD_BATCH / 8,
		                     .answer = note_version,
		                     .ctx = &versions };
	enum cadre_status status = CADRE_OK;

	options.in_turn = true;
	options.clone_percent = options.create_percent = 0;
	options.changed_members = UINT_MAX;
	drive.commands = (uint64_t)histories * (1 + VERSIONS);
	if (!versions.at || !versions.counts)
		status = no_memory(err);
	if (status == CADRE_OK)
		status = build(lookups, bench, &options, &drive, err);
	if (status == CADRE_OK)
		status = bench_lookups_retarget(lookups, BENCH_HISTORIES, err);
	if (status == CADRE_OK && kind == BENCH_GROUPS) {
		free(lookups->targets);
		lookups->target_count = histories * VERSIONS;
		lookups->targets = calloc(lookups->target_count,
		                          sizeof *lookups->targets);
		if (!lookups->targets)
			status = no_memory(err);
	}
	if (status == CADRE_OK)
		status = ask_versions(lookups, bench, &versions, kind, err);
	free(versions.at);
	free(versions.counts);
	if (status != CADRE_OK)
		return status;
	shuffle(lookups, bench->seed);
	return hand_over(lookups, err);
}

void bench_lookups_destroy(struct bench_lookups *lookups)
{
	bench_child_stop(&lookups->server);
	bench_lab_destroy(&lookups->lab);
	free(lookups->targets);
	free(lookups->asks);
	memset(lookups, 0, sizeof *lookups);
}
