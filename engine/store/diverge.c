/*
 * A follower whose state contradicts its leader's log.
 *
 * The batch is not committed. Then, once for each seq that cannot be applied:
 *
 *   found                        does                      afterwards, at the same seq
 *   a digest differs, and the    makes the views again     they agree: mended
 *   rows are not what their      from the log              else: DIVERGED
 *   own digest says
 *   a digest differs, and the    the same, to see what     they agree: mended
 *   rows are sound               the log gives             the same digest again: the
 *                                                          leader's is wrong, go on
 *                                                          another one: DIVERGED
 *   an event cannot be applied   the same                  applied: mended
 *                                                          else: DIVERGED
 *
 * A snapshot that may be younger than the fault is left out when the views are made
 * again. Once the leader's digest is known to be wrong, those that follow are noted
 * and not judged, until one agrees. DIVERGED lasts until the store is opened again:
 * batches are still appended, nothing is applied, nobody is given views to read.
 */
#include "engine/base/checksum.h"
#include "engine/store/internal.h"

/* Digests are at most this many events apart: CADRE_DIGEST_EVENTS, a batch, and a
 * few batches that were too full for one. */
#define DIGEST_SPAN_EVENTS 16384u
/* A machine that fails at another seq each time is not to be believed. */
#define REBUILDS_MAX 3u

static bool rows_are_sound(struct cadre_store *store)
{
	struct cadre_view view;
	uint64_t rows;
	enum cadre_status status = cadre_view_begin(&view, store->kv, CADRE_KV_READ,
	                                            &store->arena, NULL);

	if (status != CADRE_OK)
		return false;
	status = cadre_view_recount(&view, &rows, NULL);
	cadre_view_abort(&view);
	return status == CADRE_OK;
}

static enum store_verdict begin_doubt(struct cadre_store *store)
{
	struct store_doubt *doubt = &store->doubt;
	bool digest = doubt->found.seq != 0;

	doubt->seq = doubt->failed_seq;
	doubt->own = doubt->found.own;
	doubt->is_of_leader = digest && rows_are_sound(store);
	doubt->rebuilds++;
	doubt->open = true;
	STORE_SAY(store, CADRE_LOG_WARN, "store.contradiction",
	          "seq=%llu kind=%s rows=%s", (unsigned long long)doubt->seq,
	          digest ? "digest" : "event",
	          doubt->is_of_leader ? "sound" : "in_doubt");
	return VERDICT_REBUILD;
}

static enum store_verdict give_up(struct cadre_store *store, const char *cause)
{
	cadre_seq seq = store->doubt.failed_seq;
	bool more;
	enum cadre_status status;

	/* As far as it can be believed. Nobody reads it: a failure changes nothing. */
	status = cadre_store_catch_up_to(store, seq - 1, 0, &more, NULL);
	store->doubt.failed_seq = seq;
	store->diverged = true;
	store->doubt.open = false;
	store->rebuild = false;
	store->behind = false;
	if (store->control.page)
		atomic_store(&store->control.page->state, CADRE_CONTROL_DIVERGED);
	cadre_store_say_views(store, false);
	STORE_SAY(store, CADRE_LOG_ERROR, "store.diverged",
	          "seq=%llu applied=%s cause=\"%s\"", (unsigned long long)seq,
	          status == CADRE_OK ? "up_to_there" : "less", cause);
	return VERDICT_DIVERGED;
}

enum store_verdict cadre_store_judge(struct cadre_store *store,
                                     const struct cadre_error *err)
{
	struct store_doubt *doubt = &store->doubt;

	if (doubt->seq != doubt->failed_seq && doubt->rebuilds < REBUILDS_MAX)
		return begin_doubt(store);
	if (doubt->seq != doubt->failed_seq || !doubt->is_of_leader ||
	    doubt->found.seq == 0 || !cadre_hash128_equal(doubt->own, doubt->found.own))
		return give_up(store, err ? err->message : "");
	doubt->leader_digest_seq = doubt->found.seq;
	STORE_SAY(store, CADRE_LOG_ERROR, "store.leader_digest",
	          "seq=%llu note=\"the leader's state is not what its log says\"",
	          (unsigned long long)doubt->found.seq);
	return VERDICT_GO_ON;
}

void cadre_store_note_failure(struct cadre_store *store, const struct cadre_view *view)
{
	store->doubt.failed_seq = view->head.applied_seq + 1;
	store->doubt.found = view->difference;
}

void cadre_store_note_digests(struct cadre_store *store, cadre_seq compared,
                              cadre_seq differing)
{
	struct store_doubt *doubt = &store->doubt;

	if (compared == 0)
		return;
	if (compared > doubt->seq)
		doubt->rebuilds = 0;
	if (doubt->leader_digest_seq == 0 || compared <= doubt->leader_digest_seq)
		return;
	if (differing == compared) {
		doubt->leader_digest_seq = compared;
		return;
	}
	doubt->leader_digest_seq = 0;
	STORE_SAY(store, CADRE_LOG_INFO, "store.leader_digest_agrees", "seq=%llu",
	          (unsigned long long)compared);
}

cadre_seq cadre_store_trusted_limit(struct cadre_store *store, cadre_seq limit)
{
	cadre_seq first = cadre_log_stat(store->log).first_seq;
	cadre_seq trusted = 0;

	if (!store->doubt.open)
		return limit;
	if (store->doubt.seq > DIGEST_SPAN_EVENTS)
		trusted = store->doubt.seq - DIGEST_SPAN_EVENTS;
	/* What a log begins behind there is nothing else for. */
	if (first > 0 && trusted < first - 1)
		trusted = first - 1;
	return trusted < limit ? trusted : limit;
}
