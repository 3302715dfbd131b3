/*
 * The store: one data directory with its log, views and snapshots, as a step
 * function. It has no thread, no lock and no queue between threads:
 * store/thread.h is the loop around it; tests and the simulator call
 * cadre_store_step() themselves.
 *
 * Directory: log/ views/ snapshots/ lost+found/ node.meta lock
 *
 * Normal sequence of a command on the leader:
 *   submit -> [step] decide and apply inside one write transaction together with
 *   all waiting commands -> append one batch -> sync: durable -> commit the
 *   transaction when the batch is committed: visible -> complete().
 * With `auto_commit` (one voter) a batch is committed when it is durable; else
 * cadre_store_commit() says so.
 * A follower gets batches through cadre_store_append(), verbatim; they are
 * applied once committed.
 *
 * Failures. Refusals undo their command only. No space: every waiting command is
 * refused with CADRE_OUT_OF_SPACE before anything is written; clears by itself.
 * A failed log write or sync: the batch's commands end with CADRE_DEADLINE
 * (outcome unknown), everything later with CADRE_IO_ERROR; cadre_store_failed()
 * then says that the process must end (exit code 75). Views that cannot be
 * committed after the log is durable: the commands are answered with
 * visible = false, and the store re-applies with back-off before it decides
 * again. Damaged views: rebuilt from snapshot and log into the next generation.
 * A follower whose state contradicts the log does not commit that batch: diverge.c
 * says what then; at the end it goes on, or is DIVERGED, which is no failure of open
 * or step.
 *
 * Close: finishes nothing. Waiting commands end with CADRE_UNAVAILABLE. A clean
 * close syncs the views and marks them clean.
 *
 * Threads: one thread at a time. Read views (cadre_store_kv) may be begun by any
 * thread while the store is open.
 */
#ifndef CADRE_STORE_STORE_H
#define CADRE_STORE_STORE_H

#include "engine/base/log_sink.h"
#include "engine/log/log.h"
#include "engine/snapshot/snapshot.h"
#include "engine/store/control.h"
#include "engine/views/views.h"

struct cadre_store;

struct cadre_store_options {
	const char *dir;
	bool follower;           /* decides nothing */
	bool no_auto_commit;     /* several voters: cadre_store_commit() decides */
	bool memory_views;       /* tests and simulation: no LMDB, rebuilt at each open */
	bool rebuild_views;      /* discard the present generation */
	uint64_t segment_bytes;  /* of the log; 0: 64 MiB */
	uint64_t map_bytes;      /* of the views; 0: 256 GiB */
	unsigned snapshots_kept; /* 0: 2 */
	bool no_snapshots;       /* never write one by itself */
	bool guard_crashes;      /* programs: arms guard.h from before the views are first
	                          * touched until close; takes signals */
	struct cadre_log_sink *sink; /* gets a line a decision; may be NULL */
	cadre_progress_fn progress;  /* of a rebuild at open: events done, of total */
	void *progress_ctx;
};

/* Makes a new data directory: node.meta with a random node id, and seq 1, the
 * cluster's configuration. CADRE_CONFLICT when `dir` holds one already. */
struct cadre_init_options {
	const char *dir;
	const char *cluster_name; /* 1..255 */
	bool strict_members;
	uint64_t segment_bytes; /* 0: 64 MiB */
};
CADRE_MUST_CHECK enum cadre_status
cadre_store_init(struct cadre_env *env, const struct cadre_init_options *options,
                 struct cadre_error *err);
/* The same without an event: an empty directory for replay or a follower. */
CADRE_MUST_CHECK enum cadre_status
cadre_store_init_empty(struct cadre_env *env, const char *dir, struct cadre_error *err);

/* The snapshot `<dir>/snapshots/<seq, 16 hex>/`, checked by whoever put it there,
 * becomes the state of a directory that nobody has open: the next open makes the views
 * from it and the log goes on behind it. The old log and newer snapshots are kept in
 * `lost+found/`; the node keeps its id.
 * Durability: whole or not at all. After a death the next open has the old state, or
 * the new one; the call may be repeated.
 * Errors: CADRE_CONFLICT (the directory is open), CADRE_NOT_FOUND (no data directory,
 * no such snapshot), those of the disk. */
CADRE_MUST_CHECK enum cadre_status cadre_store_adopt_snapshot(struct cadre_env *env,
                                                              const char *dir,
                                                              cadre_seq seq,
                                                              struct cadre_error *err);

/* Recovers the log, opens or rebuilds the views, applies what is committed.
 * On a full disk it opens with what the views hold, when they can be believed: the rest
 * follows when there is room (out_of_space, and applied_seq behind the log's).
 * Errors: CADRE_CONFLICT (another process has the directory), CADRE_NOT_FOUND
 * (no data directory), CADRE_CORRUPT (the log is damaged: file, offset, seqs). */
CADRE_MUST_CHECK enum cadre_status
cadre_store_open(struct cadre_env *env, const struct cadre_store_options *options,
                 struct cadre_store **ret_store, struct cadre_error *err);
/* Syncs and marks clean unless failed; frees. Takes NULL. */
void cadre_store_close(struct cadre_store *store);

/* The answer to one command. */
struct cadre_result {
	char ocid[CADRE_OCID_BYTES]; /* made or changed; "" for none */
	char etag[CADRE_ETAG_CHARS + 1];
	uint64_t version_id;
	cadre_seq seq; /* of the event; a no-op: the resource's last change */
	bool changed;  /* an event was written (now, or by the repeated command) */
};

struct cadre_request;
/* Called once for each request, from submit, step or close. */
typedef void (*cadre_complete_fn)(struct cadre_request *request);

/* Commands to decide together: one, or a batch of up to 256.
 * Ownership: of the caller, untouched from submit until complete() has run. */
struct cadre_request {
	/* Checked by cadre_batch_check(); one command alone (which may have its own
	 * retry token) by cadre_command_check(). */
	const Cadre__V1__Batch *batch;
	const Cadre__V1__Actor *actor;
	uint64_t deadline_ns;         /* on the env's mono clock; 0: none */
	struct cadre_result *results; /* one per command */
	cadre_complete_fn complete;   /* called from submit, step or close */
	void *ctx;
	/* Set before complete(): */
	enum cadre_status status;
	struct cadre_error err;
	bool durable;
	bool visible;
	bool repeated; /* the first answer to this retry token */
	/* The store's: */
	struct cadre_request *next;
};

/* Queues; the deciding happens in step. A failed or closing store completes at
 * once. A follower completes with CADRE_NOT_LEADER. */
void cadre_store_submit(struct cadre_store *store, struct cadre_request *request);

/* One unit of work: a batch's decide and append, its sync, its commit, or a slice
 * of upkeep (segments, seal marks, reader check, snapshots). `*ret_again`: more
 * can be done at once. */
CADRE_MUST_CHECK enum cadre_status
cadre_store_step(struct cadre_store *store, bool *ret_again, struct cadre_error *err);
/* How long the step may be put off when nothing is submitted, ns. */
uint64_t cadre_store_idle_ns(const struct cadre_store *store);

/* Everything up to `seq` is committed. Never goes back. */
void cadre_store_commit(struct cadre_store *store, cadre_seq seq);
/* Followers, replay: whole batches behind the head, verbatim; written and synced
 * on return, not yet applied. `commit_seq` as cadre_store_commit(). */
CADRE_MUST_CHECK enum cadre_status cadre_store_append(struct cadre_store *store,
                                                      struct cadre_slice batches,
                                                      cadre_seq commit_seq,
                                                      struct cadre_error *err);

struct cadre_store_status {
	struct cadre_log_head log;
	struct cadre_log_stat log_stat;
	struct cadre_view_head view; /* last committed */
	cadre_seq committed_seq;
	uint64_t generation;
	uint64_t snapshot_seq;
	uint8_t cluster_id[16];
	uint8_t node_id[16];
	bool failed;
	bool out_of_space;
	uint64_t recovered_torn_bytes;
	uint64_t rebuilt_events; /* applied at open */
	enum cadre_control_state state;
	cadre_seq leader_digest_seq; /* newest of the leader's digests that contradicts
	                              * sound rows (LEADER_DIGEST); 0: none */
	cadre_seq diverged_seq; /* first that could not be applied; 0: not DIVERGED */
};
/* Positions and conditions now. */
void cadre_store_status(struct cadre_store *store, struct cadre_store_status *ret_status);
/* The log failed: the process must end, exit code 75. */
bool cadre_store_failed(const struct cadre_store *store);

/* What a retry token did: CADRE_OK with the first answer, CADRE_NOT_FOUND. Holds
 * for `principal`'s token; `results` as the request had. */
CADRE_MUST_CHECK enum cadre_status
cadre_store_outcome(struct cadre_store *store, const char *principal, const char *token,
                    struct cadre_result *ret_result, struct cadre_error *err);

/*
 * Who reads beside the loop is told. Both are called on the stepping thread, with
 * no lock held, and must not block for long.
 */
struct cadre_store_watch {
	/* Everything up to `seq` is visible to read views. */
	void (*applied)(void *ctx, cadre_seq seq);
	/* Read views are to be begun in `kv` from now on; NULL: there are none to read,
	 * the views are being made again. No transaction in an earlier map may be
	 * live when it returns. */
	void (*views)(void *ctx, struct cadre_kv *kv);
	void *ctx;
};
/* Not while another thread steps. Calls both at once; `watch` NULL ends it, with
 * a last views(NULL). Ownership: copied. */
void cadre_store_watch(struct cadre_store *store, const struct cadre_store_watch *watch);

/* For read views. Valid until the next step (a rebuild may replace it). */
struct cadre_kv *cadre_store_kv(struct cadre_store *store);
struct cadre_log *cadre_store_log(struct cadre_store *store);
/* For cadre_guard_arm(); NULL with memory views. Mapped until close. */
struct cadre_control_page *cadre_store_control_page(struct cadre_store *store);
/* No event stamped at or before this can still come. */
cadre_time_ms cadre_store_watermark(struct cadre_store *store);
/* Followers: the leader said that nothing behind `seq` is stamped at or before `ms`. It
 * counts once `seq` is applied, also on the control page; the highest `ms` wins. */
void cadre_store_watermark_at(struct cadre_store *store, cadre_seq seq, cadre_time_ms ms);
/* Writes a snapshot now. */
CADRE_MUST_CHECK enum cadre_status
cadre_store_snapshot(struct cadre_store *store, struct cadre_snapshot_info *ret_info,
                     struct cadre_error *err);

#endif
