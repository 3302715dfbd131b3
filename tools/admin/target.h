/*
 * A new data directory being filled: made as `DIR.partial`, renamed to DIR when
 * complete, removed when anything fails or is interrupted.
 */
#ifndef CADRE_TOOLS_ADMIN_TARGET_H
#define CADRE_TOOLS_ADMIN_TARGET_H

#include "engine/base/checksum.h"
#include "engine/store/store.h"
#include "tools/admin/admin.h"

struct admin_target {
	const char *dir;
	char partial[ADMIN_PATH_BYTES];
	struct cadre_store *store;   /* follows: takes batches verbatim */
	struct cadre_buffer pending; /* whole batches, not yet appended */
	cadre_seq pending_last;
	bool made;
};

/* Makes the directory; opens nothing yet. CADRE_CONFLICT when DIR or DIR.partial is
 * there. */
CADRE_MUST_CHECK enum cadre_status
admin_target_make(struct admin_target *target, const char *dir, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status admin_target_open(struct admin_target *target,
                                                     struct cadre_error *err);
/* Adds a batch; many share one write and sync. */
CADRE_MUST_CHECK enum cadre_status admin_target_add(struct admin_target *target,
                                                    struct cadre_slice batch,
                                                    cadre_seq last,
                                                    struct cadre_error *err);
/* Everything added is durable and applied. */
CADRE_MUST_CHECK enum cadre_status admin_target_flush(struct admin_target *target,
                                                      struct cadre_error *err);
/* Flushes, closes, renames. Durability: DIR survives after CADRE_OK. */
CADRE_MUST_CHECK enum cadre_status admin_target_finish(struct admin_target *target,
                                                       struct cadre_error *err);
/* Removes what is not finished, and says so. Takes a finished or empty one. */
void admin_target_discard(struct admin_target *target, const struct admin_args *args);

/* Removes a directory and all in it; absent is CADRE_OK. */
CADRE_MUST_CHECK enum cadre_status admin_remove_tree(const char *path,
                                                     struct cadre_error *err);

#endif
