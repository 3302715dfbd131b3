#include "replica/node/puller_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"
#include "replica/core/feed.h"

/* Of a Hello with its labels, or a Fetch with its report. */
#define REQUEST_ARENA_BYTES ((size_t)16 << 20)

#define SAY(puller, level, event, ...)                                           \
	cadre_log_line((puller)->options.sink,                                   \
	               (puller)->env->ops->wall_ms((puller)->env), level, event, \
	               __VA_ARGS__)

uint64_t puller_now_ms(const struct puller *puller)
{
	return puller->env->ops->mono_ns(puller->env) / 1000000;
}

bool puller_pause(struct puller *puller, uint64_t ms)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&puller->lock);
	while (!puller->stopping) {
		if (pthread_cond_timedwait(&puller->changed, &puller->lock, &until) ==
		    ETIMEDOUT)
			break;
	}
	stopping = puller->stopping;
	pthread_mutex_unlock(&puller->lock);
	return !stopping;
}

static bool is_stopping(struct puller *puller)
{
	bool stopping;

	pthread_mutex_lock(&puller->lock);
	stopping = puller->stopping;
	pthread_mutex_unlock(&puller->lock);
	return stopping;
}

static cadre_seq applied_seq(struct puller *puller)
{
	struct cadre_store_status status;

	body_status(puller->options.body, &status, NULL, NULL);
	return status.view.applied_seq;
}

/* ---- what others see ---- */

static void show(struct puller *puller, enum cadre_status failure)
{
	struct puller_shown *shown = &puller->shown;

	pthread_mutex_lock(&puller->lock);
	shown->follower = puller->follower;
	shown->failure = failure;
	shown->connected = puller->follower.state == CADRE_FOLLOWER_FETCH &&
	                   failure == CADRE_OK;
	shown->bootstrapping = puller->follower.state == CADRE_FOLLOWER_BOOTSTRAP;
	shown->met = shown->met || shown->connected;
	pthread_cond_broadcast(&puller->changed);
	pthread_mutex_unlock(&puller->lock);
}

/* A cause is logged when it is new, not each time it is met. */
static void say_cause(struct puller *puller)
{
	const char *why = puller->follower.why;

	if (strcmp(puller->said, why) == 0)
		return;
	(void)snprintf(puller->said, sizeof puller->said, "%s", why);
	if (why[0] != '\0')
		SAY(puller, CADRE_LOG_WARN, "follower.away", "why=\"%s\"", why);
	else
		SAY(puller, CADRE_LOG_INFO, "follower.follows",
		    "leader=\"%s\" epoch=%" PRIu64 " seq=%" PRIu64, puller->shown.leader,
		    puller->follower.epoch, puller->shown.head.last_seq);
}

static void fail(struct puller *puller, const struct cadre_error *err)
{
	if (is_stopping(puller))
		return;
	cadre_follower_on_failure(&puller->follower, err, puller_now_ms(puller));
	show(puller, err->status);
	say_cause(puller);
}

/* ---- Hello ---- */

static void note_head(struct puller *puller, const struct cadre_log_head *head)
{
	pthread_mutex_lock(&puller->lock);
	puller->shown.head = *head;
	pthread_mutex_unlock(&puller->lock);
}

static bool any_set(const uint8_t id[16])
{
	static const uint8_t zero[16];

	return memcmp(id, zero, sizeof zero) != 0;
}

static ProtobufCBinaryData bytes_of(const void *data, size_t length)
{
	ProtobufCBinaryData bytes = { .data = (uint8_t *)(uintptr_t)data, .len = length };

	return bytes;
}

static void fill_hello(struct puller *puller, const struct body_identity *identity,
                       Cadre__V1__Hello *hello)
{
	const struct cadre_log_head *head = &puller->shown.head;

	cadre__v1__hello__init(hello);
	if (any_set(identity->cluster_id))
		hello->cluster_id = bytes_of(identity->cluster_id, 16);
	hello->has_timeline_id = any_set(identity->timeline_id);
	if (hello->has_timeline_id)
		hello->timeline_id = bytes_of(identity->timeline_id, 16);
	hello->node_id = bytes_of(identity->node_id, 16);
	hello->incarnation = bytes_of(puller->incarnation, 16);
	hello->last_seq = head->last_seq;
	hello->has_last_epoch = true;
	hello->last_epoch = head->epoch;
	hello->has_chain = true;
	hello->chain = bytes_of(head->chain.bytes, sizeof head->chain.bytes);
	puller->options.introduce(puller->options.ctx, &puller->arena, hello);
}

static enum cadre_status ask_hello(struct puller *puller, struct cadre_error *err)
{
	Cadre__V1__ReplicationRequest request = CADRE__V1__REPLICATION_REQUEST__INIT;
	Cadre__V1__Hello hello;
	struct cadre_store_status store;
	struct body_identity identity;
	enum cadre_status status;

	body_refresh(puller->options.body);
	body_status(puller->options.body, &store, &identity, NULL);
	note_head(puller, &store.log);
	cadre_arena_reset(&puller->arena);
	fill_hello(puller, &identity, &hello);
	request.version = 1;
	request.body_case = CADRE__V1__REPLICATION_REQUEST__BODY_HELLO;
	request.hello = &hello;
	status = cadre_link_ask(puller->link, &request, puller->options.answer_ms,
	                        &puller->answer, err);
	if (status == CADRE_OK && puller->answer.message->body_case !=
	                                  CADRE__V1__REPLICATION_ANSWER__BODY_HELLO)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "the leader answered something else to a hello");
	return status;
}

static void say_hello(struct puller *puller)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const Cadre__V1__HelloAnswer *answer;
	enum cadre_status refusal = CADRE_CONFLICT;

	if (ask_hello(puller, &err) != CADRE_OK) {
		fail(puller, &err);
		return;
	}
	answer = puller->answer.message->hello;
	cadre_follower_on_hello(&puller->follower, answer, puller->shown.head.last_seq,
	                        puller_now_ms(puller));
	if (puller->follower.state == CADRE_FOLLOWER_FETCH ||
	    puller->follower.state == CADRE_FOLLOWER_BOOTSTRAP)
		refusal = CADRE_OK;
	pthread_mutex_lock(&puller->lock);
	puller->dirty = true; /* a leader that is met knows nothing of this node */
	puller->reintroduce = false;
	if (answer->leader)
		(void)snprintf(puller->shown.leader, sizeof puller->shown.leader, "%s",
		               answer->leader);
	pthread_mutex_unlock(&puller->lock);
	show(puller, refusal);
	if (puller->follower.state == CADRE_FOLLOWER_FETCH)
		puller->said[0] = '\1'; /* said again, with every leader that is met */
	say_cause(puller);
}

/* ---- Fetch ---- */

enum cadre_status puller_ask_fetch(struct puller *puller, const struct puller_shown *at,
                                   uint32_t max_bytes, uint32_t wait_ms,
                                   Cadre__V1__NodeReport *report,
                                   struct cadre_link_answer *answer,
                                   struct cadre_error *err)
{
	Cadre__V1__ReplicationRequest request = CADRE__V1__REPLICATION_REQUEST__INIT;
	Cadre__V1__Fetch fetch = CADRE__V1__FETCH__INIT;
	struct body_identity identity;
	enum cadre_status status;

	body_status(puller->options.body, NULL, &identity, NULL);
	fetch.node_id = bytes_of(identity.node_id, 16);
	fetch.incarnation = bytes_of(puller->incarnation, 16);
	fetch.epoch = at->follower.epoch;
	fetch.next_seq = at->head.last_seq + 1;
	fetch.chain = bytes_of(at->head.chain.bytes, sizeof at->head.chain.bytes);
	fetch.max_bytes = max_bytes;
	fetch.wait_ms = wait_ms;
	fetch.durable_seq = at->head.durable_seq;
	fetch.applied_seq = applied_seq(puller);
	fetch.has_clock_ms = true;
	fetch.clock_ms = puller->env->ops->wall_ms(puller->env);
	fetch.report = report;
	request.version = 1;
	request.body_case = CADRE__V1__REPLICATION_REQUEST__BODY_FETCH;
	request.fetch = &fetch;
	status = cadre_link_ask(puller->link, &request,
	                        wait_ms + puller->options.answer_ms, answer, err);
	if (status == CADRE_OK &&
	    answer->message->body_case != CADRE__V1__REPLICATION_ANSWER__BODY_FETCH)
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "the leader answered something else to a fetch");
	return status;
}

/* For the store's loop. */
struct append {
	struct body *body;
	const Cadre__V1__FetchAnswer *answer;
	struct cadre_log_head head; /* behind it */
	enum cadre_status status;
	struct cadre_error err;
};

static void append_job(struct cadre_store *store, void *ctx)
{
	struct append *append = ctx;
	const Cadre__V1__FetchAnswer *answer = append->answer;

	append->status = CADRE_OK;
	if (answer->batches.len > 0)
		append->status = cadre_store_append(
		        store, cadre_slice(answer->batches.data, answer->batches.len),
		        answer->committed_seq, &append->err);
	else
		cadre_store_commit(store, answer->committed_seq);
	if (append->status == CADRE_OK)
		cadre_store_watermark_at(store, answer->committed_seq,
		                         answer->watermark_ms);
	if (answer->batches.len == 0)
		body_note(append->body, store);
	append->head = cadre_log_head(cadre_store_log(store));
}

static enum cadre_status append_answer(struct puller *puller,
                                       const Cadre__V1__FetchAnswer *answer,
                                       struct cadre_error *err)
{
	struct append append = { .body = puller->options.body,
		                 .answer = answer,
		                 .err = CADRE_ERROR_INIT };

	if (!body_run(puller->options.body, append_job, &append))
		return cadre_error_set(err, CADRE_UNAVAILABLE, "the store has stopped");
	note_head(puller, &append.head);
	if (append.status != CADRE_OK)
		*err = append.err;
	return append.status;
}

/* Times for the lag: until this answer came, nothing was missing here. */
static void note_answer(struct puller *puller, const Cadre__V1__FetchAnswer *answer)
{
	bool had_all = applied_seq(puller) >= puller->follower.leader_seq;

	pthread_mutex_lock(&puller->lock);
	if (had_all)
		puller->shown.fresh_ms = puller_now_ms(puller);
	puller->shown.clock_ahead_ms = (int64_t)answer->leader_time_ms -
	                               (int64_t)puller->env->ops->wall_ms(puller->env);
	pthread_mutex_unlock(&puller->lock);
}

static void take_answer(struct puller *puller)
{
	const Cadre__V1__FetchAnswer *answer = puller->answer.message->fetch;
	struct cadre_error err = CADRE_ERROR_INIT;

	if (answer->verdict == CADRE__V1__HELLO_VERDICT__HELLO_OK) {
		note_answer(puller, answer);
		if (append_answer(puller, answer, &err) != CADRE_OK) {
			fail(puller, &err);
			return;
		}
	}
	cadre_follower_on_fetch(&puller->follower, answer, puller_now_ms(puller));
	show(puller, CADRE_OK);
	say_cause(puller);
}

static void fetch(struct puller *puller)
{
	Cadre__V1__NodeReport *report = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;
	bool telling = puller_take_dirty(puller);
	enum cadre_status status = CADRE_OK;

	if (telling) {
		cadre_arena_reset(&puller->arena);
		status = puller->options.report(puller->options.ctx, &puller->arena,
		                                &report, &err);
	}
	if (status == CADRE_OK)
		status = puller_ask_fetch(puller, &puller->shown, PULLER_FETCH_BYTES_MAX,
		                          puller->options.wait_ms, report,
		                          &puller->answer, &err);
	if (status != CADRE_OK && telling)
		puller_give_dirty(puller);
	if (status != CADRE_OK)
		fail(puller, &err);
	else
		take_answer(puller);
}

/* ---- the loop ---- */

static void bootstrap(struct puller *puller)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	show(puller, CADRE_OK);
	if (puller->options.bootstrap(puller->options.ctx, puller->link, &err) !=
	    CADRE_OK) {
		fail(puller, &err);
		return;
	}
	cadre_follower_on_snapshot(&puller->follower);
	show(puller, CADRE_OK);
}

/* A store that could not be opened again after a bootstrap is tried again. */
static bool has_store(struct puller *puller)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	if (atomic_load(&puller->options.body->open) ||
	    body_open(puller->options.body, &err) == CADRE_OK)
		return true;
	fail(puller, &err);
	return false;
}

/* Says so to the leader instead of fetching; whoever mends the directory restarts. */
static bool is_diverged(struct puller *puller)
{
	struct cadre_store_status status;

	body_status(puller->options.body, &status, NULL, NULL);
	if (status.state != CADRE_CONTROL_DIVERGED)
		return false;
	if (!puller->follower.diverged) {
		bool connected = puller->shown.connected;

		cadre_follower_on_divergence(&puller->follower, NULL);
		show(puller, CADRE_DIVERGED);
		say_cause(puller);
		pthread_mutex_lock(&puller->lock);
		puller->shown.connected = connected;
		pthread_mutex_unlock(&puller->lock);
	}
	puller_poke(puller);
	return true;
}

static void step(struct puller *puller)
{
	uint64_t wait_ms = 0;
	bool reintroduce;

	pthread_mutex_lock(&puller->lock);
	reintroduce = puller->reintroduce;
	pthread_mutex_unlock(&puller->lock);
	if (is_diverged(puller)) {
		(void)puller_pause(puller, PULLER_DIVERGED_MS);
		return;
	}
	if (reintroduce && puller->follower.state == CADRE_FOLLOWER_FETCH)
		puller->follower.state = CADRE_FOLLOWER_HELLO;
	switch (cadre_follower_next(&puller->follower, puller_now_ms(puller), &wait_ms)) {
	case CADRE_FOLLOWER_WAIT:
		(void)puller_pause(puller, wait_ms);
		return;
	case CADRE_FOLLOWER_SEND_HELLO:
		if (has_store(puller))
			say_hello(puller);
		return;
	case CADRE_FOLLOWER_TAKE_SNAPSHOT:
		bootstrap(puller);
		return;
	case CADRE_FOLLOWER_SEND_FETCH:
	default:
		fetch(puller);
	}
}

static void *ask_loop(void *ctx)
{
	struct puller *puller = ctx;

	while (!is_stopping(puller))
		step(puller);
	return NULL;
}

/* ---- life ---- */

static void puller_free(struct puller *puller)
{
	cadre_link_destroy(&puller->link);
	cadre_link_answer_fini(&puller->answer);
	cadre_arena_fini(&puller->arena);
	pthread_cond_destroy(&puller->changed);
	pthread_mutex_destroy(&puller->lock);
	free(puller);
}

/* One directory on one booted machine, which the store's lock gives to one process: a
 * process started again is the same, a copy of the directory is another. */
static void make_incarnation(struct puller *puller)
{
	const char *dir = puller->options.body->options.store.dir;
	struct cadre_place place;
	struct cadre_sha256 hash;
	uint8_t bytes[sizeof place.boot_id + 16] = { 0 };

	puller->env->ops->random(puller->env, puller->incarnation,
	                         sizeof puller->incarnation);
	if (puller->env->ops->place(puller->env, dir, &place, NULL) != CADRE_OK)
		return;
	(void)snprintf((char *)bytes, sizeof place.boot_id, "%s", place.boot_id);
	cadre_put_le64(bytes + sizeof place.boot_id, place.device);
	cadre_put_le64(bytes + sizeof place.boot_id + 8, place.inode);
	hash = cadre_sha256(bytes, sizeof bytes);
	memcpy(puller->incarnation, hash.bytes, sizeof puller->incarnation);
}

static struct puller *make(const struct puller_options *options)
{
	struct puller *puller = calloc(1, sizeof *puller);
	pthread_condattr_t attributes;
	uint64_t seed;

	if (!puller)
		return NULL;
	puller->options = *options;
	puller->env = options->env;
	if (puller->options.wait_ms == 0)
		puller->options.wait_ms = CADRE_FEED_PARK_MS;
	if (puller->options.answer_ms == 0)
		puller->options.answer_ms = PULLER_ANSWER_MS;
	pthread_mutex_init(&puller->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&puller->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	cadre_link_answer_init(&puller->answer);
	cadre_arena_init(&puller->arena, REQUEST_ARENA_BYTES);
	make_incarnation(puller);
	puller->env->ops->random(puller->env, &seed, sizeof seed);
	cadre_follower_init(&puller->follower, seed);
	puller->shown.follower = puller->follower;
	return puller;
}

enum cadre_status puller_start(const struct puller_options *options,
                               struct puller **ret_puller, struct cadre_error *err)
{
	struct puller *puller = make(options);
	enum cadre_status status;

	*ret_puller = NULL;
	if (!puller)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory to follow");
	status = cadre_link_create(options->join, options->default_port, &puller->link,
	                           err);
	if (status != CADRE_OK) {
		puller_free(puller);
		return status;
	}
	if (pthread_create(&puller->reporting, NULL, puller_report_loop, puller) == 0)
		puller->reporting_started = true;
	if (!puller->reporting_started ||
	    pthread_create(&puller->asking, NULL, ask_loop, puller) != 0) {
		pthread_mutex_lock(&puller->lock);
		puller->stopping = true;
		pthread_cond_broadcast(&puller->changed);
		pthread_mutex_unlock(&puller->lock);
		if (puller->reporting_started)
			pthread_join(puller->reporting, NULL);
		puller_free(puller);
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "the follower's threads cannot start");
	}
	*ret_puller = puller;
	return CADRE_OK;
}

void puller_stop(struct puller **puller_at)
{
	struct puller *puller = *puller_at;

	*puller_at = NULL;
	if (!puller)
		return;
	pthread_mutex_lock(&puller->lock);
	puller->stopping = true;
	pthread_cond_broadcast(&puller->changed);
	pthread_mutex_unlock(&puller->lock);
	cadre_link_cancel(puller->link);
	pthread_join(puller->asking, NULL);
	pthread_join(puller->reporting, NULL);
	puller_free(puller);
}

void puller_reintroduce(struct puller *puller)
{
	pthread_mutex_lock(&puller->lock);
	puller->reintroduce = true;
	pthread_mutex_unlock(&puller->lock);
}

static uint64_t lag_ms(const struct puller_shown *shown, uint64_t now_ms,
                       const struct cadre_store_status *store)
{
	const struct cadre_follower *follower = &shown->follower;

	if (shown->connected && store->view.applied_seq >= follower->leader_seq)
		return 0;
	/* Both clocks are read, one may be read before the other is noted. */
	if (shown->fresh_ms > 0)
		return now_ms > shown->fresh_ms ? now_ms - shown->fresh_ms : 0;
	return follower->leader_time_ms > store->view.time_ms
	               ? follower->leader_time_ms - store->view.time_ms
	               : 0;
}

void puller_status(struct puller *puller, struct puller_status *ret_status)
{
	struct cadre_store_status store;
	struct puller_shown shown;
	uint64_t now_ms = puller_now_ms(puller);

	body_status(puller->options.body, &store, NULL, NULL);
	pthread_mutex_lock(&puller->lock);
	shown = puller->shown;
	pthread_mutex_unlock(&puller->lock);
	memset(ret_status, 0, sizeof *ret_status);
	memcpy(ret_status->leader, shown.leader, sizeof ret_status->leader);
	memcpy(ret_status->why, shown.follower.why, sizeof ret_status->why);
	ret_status->met = shown.met;
	ret_status->connected = shown.connected;
	ret_status->refused = shown.follower.state == CADRE_FOLLOWER_STOPPED &&
	                      !shown.follower.diverged;
	ret_status->bootstrapping = shown.bootstrapping;
	ret_status->contacted = shown.follower.heard_ms > 0;
	if (ret_status->contacted && now_ms > shown.follower.heard_ms)
		ret_status->contact_age_ms = now_ms - shown.follower.heard_ms;
	if (shown.follower.leader_seq > store.view.applied_seq)
		ret_status->lag_events = shown.follower.leader_seq -
		                         store.view.applied_seq;
	ret_status->lag_ms = lag_ms(&shown, now_ms, &store);
	ret_status->clock_ahead_ms = shown.clock_ahead_ms;
	ret_status->failure = shown.failure;
}
