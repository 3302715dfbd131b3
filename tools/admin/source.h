/*
 * A data directory opened for looking at it: through the store when nobody has it
 * open (which recovers and brings the views up to date), beside the process that has
 * it otherwise.
 */
#ifndef CADRE_TOOLS_ADMIN_SOURCE_H
#define CADRE_TOOLS_ADMIN_SOURCE_H

#include "engine/base/checksum.h"
#include "engine/store/store.h"
#include "tools/admin/admin.h"

struct admin_source {
	struct cadre_store *store; /* NULL: beside a live process */
	struct cadre_log *log;
	struct cadre_kv *kv;
	cadre_time_ms watermark_ms;
	bool open;                /* the view is */
	struct cadre_view view;   /* for reading */
	struct cadre_arena arena; /* of the view */
	struct cadre_progress progress;
};

/* Opens, with a read view begun. Errors: those of cadre_store_open() but
 * CADRE_CONFLICT; CADRE_UNAVAILABLE (the live process rebuilds its views). */
CADRE_MUST_CHECK enum cadre_status
admin_source_open(struct admin_source *source, const char *dir, struct cadre_error *err);
void admin_source_close(struct admin_source *source); /* takes one of zeros */

/* Shows the progress as a cadre_progress_fn; stops when interrupted. */
enum cadre_status admin_progress(void *ctx, uint64_t done, uint64_t total);

/* The views as the last process left them, when they may be believed: their path.
 * CADRE_NOT_FOUND otherwise. Takes no lock. */
CADRE_MUST_CHECK enum cadre_status
admin_views_path(const char *dir, char path[ADMIN_PATH_BYTES], struct cadre_error *err);

enum admin_kinds {
	ADMIN_GROUP = 1,
	ADMIN_HISTORY = 2,
	ADMIN_DEPLOYMENT = 4,
	ADMIN_MODEL = 8,
	ADMIN_ANY = 15
};
/* A resource by OCID, or by name in the compartment: histories first, then groups
 * (the newest), deployments, models. Lives in the view's arena.
 * Errors: CADRE_NOT_FOUND. */
CADRE_MUST_CHECK enum cadre_status
admin_find(struct cadre_view *view, const char *compartment, const char *text,
           unsigned kinds, Cadre__V1__Resource **ret_resource, struct cadre_error *err);
/* "version history", … */
const char *admin_kind_name(Cadre__V1__Kind kind);
/* Says what a name meant, unless it was an OCID. */
void admin_note_name(const struct admin_args *args, const char *text,
                     const Cadre__V1__Resource *resource);

/* The group that a target means at `at` (CADRE_SEQ_MAX: now), as a resource. */
CADRE_MUST_CHECK enum cadre_status
admin_group_of(struct cadre_view *view, const Cadre__V1__Resource *target, cadre_seq at,
               struct cadre_pointer *ret_pointer, Cadre__V1__Resource **ret_group,
               struct cadre_error *err);
/* A seq or time as a seq. CADRE_LAGGING for a moment that is not settled yet. */
CADRE_MUST_CHECK enum cadre_status admin_moment_seq(struct admin_source *source,
                                                    const struct admin_moment *moment,
                                                    cadre_seq *ret_seq,
                                                    struct cadre_error *err);

/* One event out of the log. The event lives in `arena`. */
CADRE_MUST_CHECK enum cadre_status admin_event_at(struct cadre_log *log, cadre_seq seq,
                                                  struct cadre_arena *arena,
                                                  Cadre__V1__Event **ret_event,
                                                  cadre_time_ms *ret_time,
                                                  struct cadre_error *err);

#endif
