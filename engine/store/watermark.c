/*
 * The watermark: no event stamped at or before it can still come. It never goes back.
 *
 * A leader stamps no earlier than what it once answered here, so that an answer about
 * the past stays true; a batch under way is stamped already. A leader whose views are
 * behind its log knows the last applied batch only. So does a follower, which besides
 * is told the leader's watermark: that holds once everything is applied that the
 * leader had committed when it said so.
 */
#include "engine/base/assert.h"
#include "engine/store/internal.h"

static cadre_time_ms decided_until(struct cadre_store *store)
{
	cadre_time_ms settled = store->view_head.time_ms;
	cadre_time_ms wall;

	if (!store->options.follower && !store->options.no_auto_commit &&
	    !store->behind && !store->rebuild) {
		wall = store->env->ops->wall_ms(store->env);
		if (store->phase != PHASE_IDLE)
			wall = store->batch_header.time_ms;
		if (wall > settled)
			settled = wall;
	}
	return settled > 0 ? settled - 1 : 0;
}

cadre_time_ms cadre_store_watermark(struct cadre_store *store)
{
	cadre_time_ms settled = decided_until(store);

	if (store->view_head.applied_seq >= store->told_seq && store->told_ms > settled)
		settled = store->told_ms;
	if (settled > store->watermark_ms)
		store->watermark_ms = settled;
	return store->watermark_ms;
}

void cadre_store_watermark_at(struct cadre_store *store, cadre_seq seq, cadre_time_ms ms)
{
	CADRE_ASSERT(store->options.follower);
	/* The newest word only: what is being applied settles the time before it. */
	if (ms <= store->told_ms)
		return;
	store->told_seq = seq;
	store->told_ms = ms;
	cadre_store_publish(store);
}

/* Only as far as the clock is damage, and would stamp all events to come with it. A
 * follower may have lost some of what the page's owner had applied. */
void cadre_store_watermark_of_page(struct cadre_store *store)
{
	const struct cadre_control_page *page = store->control.page;
	cadre_time_ms watermark = atomic_load(&page->watermark_ms);

	if (watermark > store->env->ops->wall_ms(store->env) + CADRE_CLOCK_STEP_MS)
		return;
	if (store->options.follower) {
		store->told_seq = atomic_load(&page->applied_seq);
		store->told_ms = watermark;
	} else {
		store->watermark_ms = watermark;
	}
}
