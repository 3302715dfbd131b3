/*
 * apply: JSON values become batches of commands, batches go through the store in
 * windows: everything of a window is decided together and shares few syncs, in the
 * order of the input.
 *
 * Without --keep-going a window is first rehearsed (decided and applied in a
 * transaction that is given up), and only what stands before its first refusal is
 * submitted: nothing behind a refusal takes effect.
 */
#ifndef CADRE_TOOLS_ADMIN_APPLY_H
#define CADRE_TOOLS_ADMIN_APPLY_H

#include <jansson.h>

#include "engine/store/store.h"
#include "tools/admin/admin.h"
#include "tools/common/oci_json.h"

/* Commands in flight: a batch of the log is about this many. */
#define APPLY_WINDOW 4000u
/* What a full one writes to the log, about. */
#define APPLY_WINDOW_BYTES (2u << 20)
#define APPLY_VARIABLES_MAX 32u

struct apply_args {
	struct admin_args common;
	struct cadre_oci_defaults defaults;
	const char *principal;
	const char *variables[APPLY_VARIABLES_MAX]; /* NAME=VALUE */
	size_t variables_count;
	bool dry_run;
	bool keep_going;
};

/* One JSON value of the input. */
struct apply_item {
	struct cadre_request request;
	struct cadre_arena *arena; /* of apply->arenas; goes along when the item moves */
	Cadre__V1__Batch batch;
	const char *file;
	size_t line;
	uint64_t index; /* of all values, from 1 */
	bool done;
};

struct apply {
	const struct apply_args *args;
	struct cadre_store *store;
	Cadre__V1__Actor actor;
	struct apply_item *items;   /* APPLY_WINDOW, and one to read into */
	struct cadre_arena *arenas; /* as many */
	size_t filled;
	size_t commands;     /* in the filled items */
	bool history_leaves; /* one of them takes a history's name away */
	json_t *noted;       /* names whose meaning was told already */
	struct cadre_arena view_arena;
	struct cadre_view rehearsal; /* stays open through a whole dry run */
	bool rehearsing;
	struct cadre_progress progress;
	uint64_t values;
	uint64_t accepted;
	uint64_t refused;
	int code; /* of the first refusal */
};

/* JSON -> item->batch, checked, names not yet looked up. */
CADRE_MUST_CHECK enum cadre_status apply_read(const struct apply *apply,
                                              const json_t *value,
                                              struct apply_item *item,
                                              struct cadre_error *err);
/* Whether a name stands where an id belongs. */
bool apply_needs_names(const struct apply_item *item);
/* Whether the item may end what a history's name means. */
bool apply_takes_history_away(const struct apply_item *item);
/* Puts OCIDs in the place of names of histories that exist already: what waits in
 * the window cannot change them, since such a name is unique and is not changed. */
CADRE_MUST_CHECK enum cadre_status apply_history_names(struct apply *apply,
                                                       struct apply_item *item,
                                                       struct cadre_error *err);
/* Puts OCIDs in the place of names. Everything before must be decided. */
CADRE_MUST_CHECK enum cadre_status
apply_names(struct apply *apply, struct apply_item *item, struct cadre_error *err);
/* The static rules. */
CADRE_MUST_CHECK enum cadre_status apply_check(const struct apply_item *item,
                                               struct cadre_error *err);

/* Decides the items in a transaction that is given up. Each gets its request's status
 * and results; `*ret_sound` is the number before the first refusal. */
CADRE_MUST_CHECK enum cadre_status apply_rehearse(struct apply *apply, size_t *ret_sound,
                                                  struct cadre_error *err);
/* Submits the first `count` items and steps until all are complete. */
CADRE_MUST_CHECK enum cadre_status apply_submit(struct apply *apply, size_t count,
                                                struct cadre_error *err);

/* Prints an item's results, or its refusal; counts it. */
void apply_print(struct apply *apply, const struct apply_item *item);
void apply_print_refusal(struct apply *apply, const struct apply_item *item,
                         const struct cadre_error *err);

#endif
