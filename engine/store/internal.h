/* The store's parts among themselves. See store.h for the normal sequence. */
#ifndef CADRE_STORE_INTERNAL_H
#define CADRE_STORE_INTERNAL_H

#include "engine/store/control.h"
#include "engine/store/store.h"

#define CADRE_PATH_BYTES 1024u
/* Random bytes are drawn in blocks: one system call for many commands. */
#define CADRE_RANDOM_BLOCK 4096u
/* A state digest goes into the log after this many events. */
#define CADRE_DIGEST_EVENTS 1024u
/* A SEAL follows the last frame after this pause. */
#define CADRE_SEAL_PAUSE_NS 5000000u
/* Slots of dead readers are freed this often. */
#define CADRE_READER_CHECK_NS 10000000000u
/* Work of one upkeep slice on the log: a few milliseconds. */
#define CADRE_UPKEEP_BYTES (1u << 20)
/* The same on a busy store, between two batches: about two milliseconds. */
#define CADRE_PACE_SLICE_BYTES (256u << 10)
/* Frames begin on multiples of this. */
#define CADRE_FRAME_STEP_BYTES 4096u
/* Events re-applied in one transaction; bounds its dirty pages. */
#define CADRE_APPLY_EVENTS 8192u
/* Kept beside the views, and given up when a full disk stops a commit whose log
 * is durable. */
#define CADRE_BALLAST_BYTES (16u << 20)
/* The wall clock may step this far against the boot-time clock. */
#define CADRE_CLOCK_STEP_MS 60000u
/* Pause between attempts to re-apply after a failed commit of the views. */
#define CADRE_REAPPLY_PAUSE_NS 100000000u

enum store_phase {
	PHASE_IDLE,
	PHASE_SYNC,  /* a batch is written, not synced */
	PHASE_COMMIT /* a batch is durable, not committed */
};

struct store_paths {
	char dir[CADRE_PATH_BYTES];
	char log[CADRE_PATH_BYTES];
	char views[CADRE_PATH_BYTES];
	char snapshots[CADRE_PATH_BYTES];
	char lost_found[CADRE_PATH_BYTES];
};

struct request_list {
	struct cadre_request *first;
	struct cadre_request *last;
};

/* A contradiction to the leader's log, and what was done about it (diverge.c). */
struct store_doubt {
	cadre_seq failed_seq;                 /* what could not be applied last, */
	struct cadre_digest_difference found; /* and why, when it was a digest */
	cadre_seq seq;                        /* the views were made again for; 0: none */
	struct cadre_hash128 own;             /* digest there, before */
	bool is_of_leader; /* the rows were sound: does the log give them, too? */
	bool open;         /* the views are not made again yet */
	unsigned rebuilds; /* since a digest agreed */
	cadre_seq leader_digest_seq; /* newest that is known to be wrong; 0: none */
};
enum store_verdict { VERDICT_GO_ON, VERDICT_REBUILD, VERDICT_DIVERGED };

struct cadre_store {
	struct cadre_env *env;
	struct cadre_store_options options;
	struct store_paths paths;
	struct cadre_file *lock;
	struct cadre_log *log;
	struct cadre_kv *kv;
	struct cadre_kv *retired_kv; /* an older generation that readers may still use */
	uint64_t generation;
	bool served; /* the present generation was published */
	struct cadre_control control;
	uint8_t node_id[16];
	uint8_t cluster_id[16];
	struct cadre_view_head view_head; /* last committed */
	cadre_seq committed_seq;

	struct request_list waiting;
	struct request_list flight; /* decided in the batch under way */
	enum store_phase phase;
	struct cadre_view view; /* write view of the batch under way */
	bool view_open;
	struct cadre_arena arena;
	struct cadre_buffer batch;
	struct cadre_buffer event_bytes;
	struct cadre_batch_header batch_header;

	uint8_t random[CADRE_RANDOM_BLOCK];
	size_t random_left;
	bool failed;       /* a write or sync of the log failed */
	bool out_of_space; /* the last batch was refused for it */
	bool clock_alarm;
	int64_t clock_offset_ms; /* wall minus boot-time clock */
	bool behind;             /* views are not at the committed seq */
	bool rebuild;            /* views are damaged */
	bool diverged;           /* a follower that must not be believed */
	struct store_doubt doubt;
	bool ballast;
	uint64_t retry_at_ns;
	uint64_t last_sync_ns;
	uint64_t last_reader_check_ns;
	uint64_t log_bytes; /* of batches appended since open */
	bool sealed_tail;
	bool upkeep_fails;          /* the last slice did; said once */
	uint64_t upkeep_debt;       /* bytes of upkeep that a busy store owes */
	cadre_time_ms watermark_ms; /* nothing is stamped at or before it any more */
	cadre_time_ms told_ms;      /* the leader's, */
	cadre_seq told_seq;         /* once this is applied */
	struct cadre_snapshot_schedule snapshots;
	uint64_t torn_bytes;
	uint64_t rebuilt_events;
	struct cadre_store_watch watch;
};

/* paths.c, node.c */
CADRE_MUST_CHECK enum cadre_status
cadre_store_paths(struct store_paths *paths, const char *dir, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_store_path(char path[CADRE_PATH_BYTES],
                                                    const char *dir, const char *name,
                                                    struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_node_read(struct cadre_env *env,
                                                   const struct store_paths *paths,
                                                   uint8_t node_id[16],
                                                   struct cadre_error *err);

/* open.c: on error `*ret_lock` is to be closed all the same. */
CADRE_MUST_CHECK enum cadre_status cadre_store_take_lock(struct cadre_env *env,
                                                         const struct store_paths *paths,
                                                         struct cadre_file **ret_lock,
                                                         struct cadre_error *err);

/* adopt.c */

/* Ends an adoption that a death cut off; nothing when there is none. Locked. */
CADRE_MUST_CHECK enum cadre_status
cadre_store_resume_adoption(struct cadre_env *env, const struct store_paths *paths,
                            struct cadre_error *err);
/* cadre_store_adopt_snapshot() with segments of that size (0: 64 MiB). */
CADRE_MUST_CHECK enum cadre_status cadre_store_adopt(struct cadre_env *env,
                                                     const char *dir, cadre_seq seq,
                                                     uint64_t segment_bytes,
                                                     struct cadre_error *err);

/* generation.c: which generation of the views serves, and may it be believed. */

/* Opens the present generation when the boot-id rule allows (`*ret_usable`), else
 * leaves no kv open. */
CADRE_MUST_CHECK enum cadre_status cadre_generation_open(struct cadre_store *store,
                                                         bool *ret_usable,
                                                         struct cadre_error *err);
/* Makes the next generation, empty, and opens it; the old one stays open in
 * `retired_kv` when there was one. */
CADRE_MUST_CHECK enum cadre_status cadre_generation_next(struct cadre_store *store,
                                                         struct cadre_error *err);
/* Publishes the generation to local readers; drops older ones' files. */
void cadre_generation_serve(struct cadre_store *store);
/* Syncs and closes; STATE says clean when everything went well. */
void cadre_generation_close(struct cadre_store *store, bool clean);

/* apply.c */

/* Brings the views from their head to the committed seq; `slice_events` bounds
 * the work of one call (0: all). `*ret_more`: not there yet. */
CADRE_MUST_CHECK enum cadre_status cadre_store_catch_up(struct cadre_store *store,
                                                        uint64_t slice_events,
                                                        bool *ret_more,
                                                        struct cadre_error *err);
/* The same, not beyond `target`: ends with the last whole batch before it. */
CADRE_MUST_CHECK enum cadre_status
cadre_store_catch_up_to(struct cadre_store *store, cadre_seq target,
                        uint64_t slice_events, bool *ret_more, struct cadre_error *err);
/* New generation from the newest usable snapshot and the log. A follower that cannot
 * apply its log ends DIVERGED, with CADRE_OK. */
CADRE_MUST_CHECK enum cadre_status cadre_store_rebuild(struct cadre_store *store,
                                                       struct cadre_error *err);
/* Whether the log goes on from the head (or ends there), with its chain. */
bool cadre_store_fits_log(struct cadre_store *store, const struct cadre_view_head *view);
/* Commits the write view, with the sequence lock of the control page. */
CADRE_MUST_CHECK enum cadre_status cadre_store_commit_view(struct cadre_store *store,
                                                           struct cadre_view *view,
                                                           struct cadre_error *err);
void cadre_store_publish(struct cadre_store *store);
/* Says which map read views are for; `serving` false: none. */
void cadre_store_say_views(struct cadre_store *store, bool serving);
/* Reads cluster id from the rows; zero when there is none yet. */
CADRE_MUST_CHECK enum cadre_status cadre_store_read_cluster(struct cadre_store *store,
                                                            struct cadre_error *err);

/* commit.c */
CADRE_MUST_CHECK enum cadre_status cadre_store_decide_waiting(struct cadre_store *store,
                                                              struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_store_sync_batch(struct cadre_store *store,
                                                          struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status cadre_store_commit_batch(struct cadre_store *store,
                                                            struct cadre_error *err);

/* Ends the batch under way, on the thread that began it; its commands' outcome is
 * unknown. */
void cadre_store_abandon_batch(struct cadre_store *store);

/* diverge.c */

/* The write view that failed with CADRE_DIVERGED, before it is aborted. */
void cadre_store_note_failure(struct cadre_store *store, const struct cadre_view *view);
/* After a commit: the last digest that was compared, and the last that differed. */
void cadre_store_note_digests(struct cadre_store *store, cadre_seq compared,
                              cadre_seq differing);
/* Followers, after a failure that was noted: apply it once more, make the views again,
 * or neither; then the store is DIVERGED and has said so with `err`'s message. */
enum store_verdict cadre_store_judge(struct cadre_store *store,
                                     const struct cadre_error *err);
/* The newest snapshot that may be loaded, of those up to `limit`. */
cadre_seq cadre_store_trusted_limit(struct cadre_store *store, cadre_seq limit);

/* watermark.c: what the control page says at open. */
void cadre_store_watermark_of_page(struct cadre_store *store);

/* upkeep.c */
CADRE_MUST_CHECK enum cadre_status
cadre_store_upkeep(struct cadre_store *store, bool *ret_again, struct cadre_error *err);
void cadre_ballast_make(struct cadre_store *store);
bool cadre_ballast_release(struct cadre_store *store);
/* False when the wall clock jumped: the alarm stays until the next open. */
bool cadre_store_clock_ok(struct cadre_store *store);

/* One line to the sink: `event` is "store.<what happened>". */
#define STORE_SAY(store, level, event, ...)                                             \
	cadre_log_line((store)->options.sink, (store)->env->ops->wall_ms((store)->env), \
	               level, event, __VA_ARGS__)
/* Space ran out, or is there again. */
void cadre_store_set_out_of_space(struct cadre_store *store, bool out,
                                  const struct cadre_error *err);
/* Takes it back when there is room for what was refused last: without a command to try
 * it, nobody else would. */
void cadre_store_recheck_space(struct cadre_store *store);

/* request.c */
void cadre_request_push(struct request_list *list, struct cadre_request *request);
struct cadre_request *cadre_request_pop(struct request_list *list);
void cadre_request_finish(struct cadre_request *request, enum cadre_status status,
                          const char *format, ...) CADRE_PRINTF(3, 4);
/* Finishes all with one status. */
void cadre_request_fail_all(struct request_list *list, enum cadre_status status,
                            const char *message);

#endif
