/* The second thread: tells a changed report while the first one's Fetch is parked. */
#include "replica/node/puller_internal.h"

/* A report of 1,000 members is about 300 KiB. */
#define REPORT_ARENA_BYTES ((size_t)16 << 20)
/* After a report that did not arrive. */
#define REPORT_RETRY_MS 1000u

void puller_poke(struct puller *puller)
{
	pthread_mutex_lock(&puller->lock);
	puller->dirty = true;
	pthread_cond_broadcast(&puller->changed);
	pthread_mutex_unlock(&puller->lock);
}

bool puller_take_dirty(struct puller *puller)
{
	bool dirty;

	pthread_mutex_lock(&puller->lock);
	dirty = puller->dirty;
	puller->dirty = false;
	pthread_mutex_unlock(&puller->lock);
	return dirty;
}

void puller_give_dirty(struct puller *puller)
{
	pthread_mutex_lock(&puller->lock);
	puller->dirty = true;
	pthread_mutex_unlock(&puller->lock);
}

/* Waits for something to tell to a leader that listens; false: the puller stops. */
static bool wait_for_report(struct puller *puller, struct puller_shown *ret_at)
{
	bool stopping;

	pthread_mutex_lock(&puller->lock);
	while (!puller->stopping && !(puller->dirty && puller->shown.connected))
		pthread_cond_wait(&puller->changed, &puller->lock);
	stopping = puller->stopping;
	*ret_at = puller->shown;
	pthread_mutex_unlock(&puller->lock);
	return !stopping;
}

static enum cadre_status tell(struct puller *puller, const struct puller_shown *at,
                              struct cadre_arena *arena, struct cadre_link_answer *answer)
{
	Cadre__V1__NodeReport *report = NULL;
	enum cadre_status status;

	cadre_arena_reset(arena);
	status = puller->options.report(puller->options.ctx, arena, &report, NULL);
	if (status != CADRE_OK)
		return status;
	/* What it brings is left to the parked Fetch, which gets the same. */
	status = puller_ask_fetch(puller, at, 1, 0, report, answer, NULL);
	if (status == CADRE_OK &&
	    answer->message->fetch->verdict != CADRE__V1__HELLO_VERDICT__HELLO_OK)
		status = CADRE_UNAVAILABLE;
	return status;
}

void *puller_report_loop(void *ctx)
{
	struct puller *puller = ctx;
	struct cadre_link_answer answer;
	struct cadre_arena arena;
	struct puller_shown at;

	cadre_link_answer_init(&answer);
	cadre_arena_init(&arena, REPORT_ARENA_BYTES);
	while (wait_for_report(puller, &at)) {
		if (!puller_take_dirty(puller) ||
		    tell(puller, &at, &arena, &answer) == CADRE_OK)
			continue;
		puller_give_dirty(puller);
		if (!puller_pause(puller, REPORT_RETRY_MS))
			break;
	}
	cadre_arena_fini(&arena);
	cadre_link_answer_fini(&answer);
	return NULL;
}
