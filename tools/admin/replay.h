/* replay: a dump into a new data directory. */
#ifndef CADRE_TOOLS_ADMIN_REPLAY_H
#define CADRE_TOOLS_ADMIN_REPLAY_H

#include "tools/admin/target.h"
#include "tools/common/dump.h"

struct replay_args {
	struct admin_args common;
	const char *dump; /* "-": standard input */
	const char *dir;
	struct admin_moment until;
	const char *only; /* OCID of a group or history */
	uint64_t rate;    /* events a second; 0: as fast as it goes */
	bool dry_run, views_only, new_timeline;
};

/* The events of one resource and what they need: a first reading of the dump marks
 * them. */
struct replay_selection;
CADRE_MUST_CHECK enum cadre_status replay_select(struct cadre_dump_reader *reader,
                                                 const char *ocid,
                                                 struct replay_selection **ret_selection,
                                                 struct cadre_error *err);
void replay_selection_free(struct replay_selection *selection); /* takes NULL */

/* Batches of a new timeline: another timeline id in the configuration event, other
 * digests, a chain of its own; with a selection only its events, renumbered. */
struct replay_rewriter {
	struct admin_target *target;              /* NULL: a dry run */
	const struct replay_selection *selection; /* NULL: all events */
	uint8_t timeline_id[16];
	struct cadre_sha256 chain;
	cadre_seq last_seq;
	uint64_t batches;
	struct cadre_buffer out;
	struct cadre_buffer payload;
	struct cadre_arena arena;
};
void replay_rewriter_init(struct replay_rewriter *rewriter, struct admin_target *target,
                          const struct replay_selection *selection);
CADRE_MUST_CHECK enum cadre_status replay_rewrite(struct replay_rewriter *rewriter,
                                                  const struct cadre_batch *batch,
                                                  struct cadre_error *err);
void replay_rewriter_fini(struct replay_rewriter *rewriter);

/* Changes the event so that it stands without the rest; false: it does not belong. */
bool replay_keep_event(const struct replay_selection *selection, Cadre__V1__Event *event);

#endif
