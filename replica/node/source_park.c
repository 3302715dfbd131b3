/*
 * Fetches that wait for a commit, and the thread that answers them. Who parks looks at
 * the position under the lock that the position is set under: no commit is missed.
 */
#include <time.h>

#include "replica/node/source_internal.h"

static void push(struct question_list *list, struct question *question)
{
	question->next = NULL;
	question->previous = list->last;
	if (list->last)
		list->last->next = question;
	else
		list->first = question;
	list->last = question;
}

static void unlink_question(struct question_list *list, struct question *question)
{
	if (question->previous)
		question->previous->next = question->next;
	else
		list->first = question->next;
	if (question->next)
		question->next->previous = question->previous;
	else
		list->last = question->previous;
}

/* Under the lock. The longest parked come again, those who just came have a place: a
 * stranger who asks a thousand times keeps no follower out. */
static void hurry_oldest(struct cadre_source *source)
{
	struct question *question = source->parked.first;

	for (unsigned i = SOURCE_PARKED_MAX; question && i < source->parked_count; i++) {
		question->until_ms = 0;
		question = question->next;
	}
}

enum cadre_status source_park(struct cadre_source *source, struct question *question,
                              struct cadre_error *err)
{
	if (source->position.stopping)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "the leader is shutting down");
	if (source->parked_count >= SOURCE_PARKED_MAX + SOURCE_PARKED_EXTRA)
		return cadre_error_set(err, CADRE_TOO_MANY_REQUESTS,
		                       "%u followers wait here already",
		                       SOURCE_PARKED_MAX);
	push(&source->parked, question);
	source->parked_count++;
	hurry_oldest(source);
	cadre_metric_set(source->metrics, SOURCE_PARKED, source->parked_count);
	pthread_cond_signal(&source->wake); /* perhaps an earlier end */
	return CADRE_OK;
}

/* ---- the keeper ---- */

static bool is_due(const struct cadre_source *source, const struct question *question,
                   uint64_t now_ms)
{
	return question->next_seq <= source->position.feed.committed_seq ||
	       question->epoch != source->position.feed.epoch ||
	       now_ms >= question->until_ms || source->position.stopping;
}

/* Under the lock. Moves what is due to `due`; how long until the next one is, ms. */
static uint64_t take_due(struct cadre_source *source, struct question_list *due)
{
	uint64_t now_ms = source_now_ms(source);
	uint64_t wait_ms = SOURCE_TEND_MS;
	struct question *next;

	for (struct question *question = source->parked.first; question;
	     question = next) {
		next = question->next;
		if (is_due(source, question, now_ms)) {
			unlink_question(&source->parked, question);
			push(due, question);
		} else if (question->until_ms - now_ms < wait_ms) {
			wait_ms = question->until_ms - now_ms;
		}
	}
	return wait_ms;
}

/* Without the lock. */
static void answer_parked(struct cadre_source *source, struct question *question,
                          const struct source_position *position)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	if (question->epoch != position->feed.epoch) {
		source_send_fetch(source, question->exchange, position,
		                  CADRE__V1__HELLO_VERDICT__HELLO_NOT_LEADER,
		                  "the leader's epoch changed: say hello");
	} else if (question->next_seq <= position->feed.committed_seq) {
		source_send_batches(source, question, position);
	} else if (position->stopping) {
		(void)cadre_error_set(&err, CADRE_UNAVAILABLE,
		                      "the leader is shutting down");
		source_send_error(source, question->exchange, &err);
	} else {
		source_send_fetch(source, question->exchange, position,
		                  CADRE__V1__HELLO_VERDICT__HELLO_OK, NULL);
	}
}

static unsigned answer_due(struct cadre_source *source, struct question_list *due,
                           const struct source_position *position)
{
	unsigned count = 0;

	for (struct question *question = due->first; question; count++) {
		/* The answered exchange may carry another question at once. */
		struct question *next = question->next;
		answer_parked(source, question, position);
		question = next;
	}
	return count;
}

/* Under the lock. */
static void pause_keeper(struct cadre_source *source, uint64_t pause_ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(pause_ms / 1000u);
	until.tv_nsec += (long)(pause_ms % 1000u) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&source->wake, &source->lock, &until);
}

/* Without the lock. */
static void tend(struct cadre_source *source, const struct source_position *position,
                 cadre_seq *io_told_seq)
{
	struct cadre_env *env = source->env;

	cadre_snapshot_source_tend(source->snapshots, source_now_ms(source));
	if (!position->known || position->feed.committed_seq == *io_told_seq)
		return;
	*io_told_seq = position->feed.committed_seq;
	cadre_reports_committed(source->reports, *io_told_seq, env->ops->wall_ms(env));
}

static void *keep(void *ctx)
{
	struct cadre_source *source = ctx;
	cadre_seq told_seq = 0;

	pthread_mutex_lock(&source->lock);
	for (;;) {
		struct question_list due = { 0 };
		uint64_t pause_ms = take_due(source, &due);
		struct source_position position = source->position;
		unsigned answered;
		if (!due.first && position.feed.committed_seq == told_seq) {
			if (position.stopping && source->parked_count == 0)
				break;
			pause_keeper(source, pause_ms);
			position = source->position;
		}
		pthread_mutex_unlock(&source->lock);
		answered = answer_due(source, &due, &position);
		tend(source, &position, &told_seq);
		pthread_mutex_lock(&source->lock);
		source->parked_count -= answered;
		cadre_metric_set(source->metrics, SOURCE_PARKED, source->parked_count);
	}
	pthread_mutex_unlock(&source->lock);
	return NULL;
}

enum cadre_status source_keeper_start(struct cadre_source *source,
                                      struct cadre_error *err)
{
	int rc = pthread_create(&source->keeper, NULL, keep, source);

	if (rc != 0)
		return cadre_error_errno(err, rc, "starting the source's keeper");
	source->keeping = true;
	return CADRE_OK;
}

void source_keeper_stop(struct cadre_source *source)
{
	if (!source->keeping)
		return;
	pthread_mutex_lock(&source->lock);
	source->position.stopping = true;
	pthread_cond_signal(&source->wake);
	pthread_mutex_unlock(&source->lock);
	(void)pthread_join(source->keeper, NULL);
	source->keeping = false;
}
