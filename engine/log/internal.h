/* The log's own state, shared by the files of this folder only. */
#ifndef CADRE_LOG_INTERNAL_H
#define CADRE_LOG_INTERNAL_H

#include "engine/log/log.h"
#include "engine/log/segment.h"
#include "engine/log/tail.h"

#define CADRE_LOG_DIR_BYTES 3072u
#define CADRE_LOG_PATH_BYTES (CADRE_LOG_DIR_BYTES + 128u)
#define CADRE_LOG_NEXT "next.seg"
#define CADRE_LOG_NEXT_TEMP "next.tmp"

struct cadre_segment {
	struct cadre_segment_header header;
	cadre_seq last_seq; /* header.first_seq - 1 while empty */
	uint64_t end;       /* frames: first free byte; sealed: bytes of the file */
	uint64_t batch_bytes;
};

/* The next segment in the making. */
struct cadre_preparation {
	struct cadre_file *file; /* open while zeros are written, else NULL */
	uint64_t bytes;          /* to reach */
	uint64_t written;
};

struct cadre_sealer;

struct cadre_log {
	struct cadre_env *env;
	char dir[CADRE_LOG_DIR_BYTES];
	char lost_found_dir[CADRE_LOG_DIR_BYTES]; /* empty: torn bytes are not kept */
	uint64_t segment_bytes;
	bool read_only;
	bool latched;     /* a write or sync failed: nothing is acknowledged any more */
	bool unsynced;    /* a frame was written since the last sync */
	bool unpublished; /* the active segment's name is perhaps not durable yet */
	bool last_is_seal;

	struct cadre_log_head head;
	struct cadre_segment *segments; /* by seq; the last one may be active */
	size_t count;
	size_t capacity;
	struct cadre_file *active; /* of the last segment; NULL: none takes frames */
	struct cadre_window tail;  /* read handles: of the last segment */
	struct cadre_buffer frame; /* the frame being written */

	uint64_t next_bytes; /* size of next.seg, 0 when there is none */
	struct cadre_preparation preparation;
	struct cadre_sealer *sealer;
};

static inline struct cadre_segment *cadre_log_last_segment(struct cadre_log *log)
{
	return log->count > 0 ? &log->segments[log->count - 1] : NULL;
}

/* "<dir>/<name>" to CADRE_LOG_PATH_BYTES. */
void cadre_log_path(const char *dir, const char *name, char *path);
void cadre_log_segment_path(const struct cadre_log *log, cadre_seq first_seq, char *path);

/* create.c: memory only; fini as cadre_log_close. */
CADRE_MUST_CHECK enum cadre_status cadre_log_new(struct cadre_env *env,
                                                 const struct cadre_log_options *options,
                                                 struct cadre_log **ret_log,
                                                 struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_log_reserve_segment(struct cadre_log *log,
                                                             struct cadre_error *err);

/* load.c: the first seqs of the segment files, rising. */
struct cadre_log_names {
	cadre_seq *first_seqs;
	size_t count;
	size_t capacity;
};
CADRE_MUST_CHECK enum cadre_status cadre_log_list(const struct cadre_log *log,
                                                  struct cadre_log_names *ret_names,
                                                  struct cadre_error *err);
void cadre_log_names_fini(struct cadre_log_names *names);

/* load.c: finds the segments, trusts footers, walks unsealed segments. The
 * judgement about the last one is in `ret_tail`; with damage, the segments and the
 * head up to it are loaded and report->file is set.
 * Errors: CADRE_CORRUPT with the report filled, or reading failed. */
CADRE_MUST_CHECK enum cadre_status cadre_log_load(struct cadre_log *log,
                                                  cadre_seq durable_floor,
                                                  struct cadre_tail *ret_tail,
                                                  struct cadre_log_report *report,
                                                  struct cadre_error *err);
/* Makes segment and head what the footer says. */
struct cadre_sealed_footer;
void cadre_log_take_footer(struct cadre_log_head *head, struct cadre_segment *segment,
                           const struct cadre_sealed_footer *footer, uint64_t file_bytes);
/* Opens a segment's file and reads its header. Errors: CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_open_segment(const struct cadre_log *log, cadre_seq first_seq,
                       struct cadre_window *ret_window,
                       struct cadre_segment_header *ret_header, struct cadre_error *err);

/* open.c: makes the directory when it is not there, removes what unfinished work
 * left. */
CADRE_MUST_CHECK enum cadre_status cadre_log_open_dir(struct cadre_log *log,
                                                      struct cadre_error *err);
/* open.c: copies a range of a segment to a new file in lost+found, synced. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_keep_lost(struct cadre_log *log, struct cadre_file *from, cadre_seq first_seq,
                    uint64_t offset, uint64_t length, struct cadre_error *err);

/* prepare.c */
CADRE_MUST_CHECK enum cadre_status cadre_log_prepare_step(struct cadre_log *log,
                                                          uint64_t bytes, size_t budget,
                                                          struct cadre_error *err);
/* Turns next.seg into the segment that follows the head. */
CADRE_MUST_CHECK enum cadre_status cadre_log_roll(struct cadre_log *log,
                                                  struct cadre_error *err);
/* Makes room for one frame of `padded` bytes in the active segment. */
CADRE_MUST_CHECK enum cadre_status
cadre_log_make_room(struct cadre_log *log, size_t padded, struct cadre_error *err);
void cadre_log_abandon_preparation(struct cadre_log *log);

/* seal.c: about `budget` bytes of sealing the first closed segment. */
CADRE_MUST_CHECK enum cadre_status cadre_log_seal_step(struct cadre_log *log,
                                                       size_t budget, bool *ret_more,
                                                       struct cadre_error *err);
/* Frees the sealer and removes its file; memory only when nothing is under way. */
void cadre_log_abandon_sealer(struct cadre_log *log);

#endif
