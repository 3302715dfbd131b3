/* What those who ask see when many answers go at once, and when the node stops. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assert.h"
#include "replica/transport/answerer.h"
#include "replica/transport/asker.h"
#include "tests/support/testing.h"

enum {
	EXCHANGES = 128,
	LANES = 64,
	MANY = 120,
	LARGE_BYTES = 1 << 17,
	QUIET_MS = 1000,
	UNDER_WAY = 2000
};
enum word { SERVED = 's', REFUSED = 'r' };

/* Answers with a word, at once or when it is let go. */
struct owner {
	struct cadre_answerer *answerer;
	char address[CADRE_ADDRESS_BYTES];
	size_t reply_bytes;
	atomic_bool refusing;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool holds;                             /* lock */
	struct cadre_exchange *held[EXCHANGES]; /* lock */
	unsigned held_count;                    /* lock */
};

/* Questions that follow each other, each behind the answer to the last. */
struct asking {
	struct cadre_asker *asker;
	bool again; /* until one is not served */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned under_way; /* lock */
	unsigned served;    /* lock */
	unsigned refused;   /* lock */
	unsigned broken;    /* lock; no answer came */
};

static void reply(struct owner *owner, struct cadre_exchange *exchange, enum word word)
{
	uint8_t *body = cadre_exchange_reply_begin(exchange, owner->reply_bytes);

	CADRE_ASSERT(body);
	memset(body, (int)word, owner->reply_bytes);
	cadre_exchange_reply_send(exchange);
}

static void answer(void *ctx, struct cadre_exchange *exchange)
{
	struct owner *owner = ctx;
	bool holds;

	pthread_mutex_lock(&owner->lock);
	holds = owner->holds;
	if (holds)
		owner->held[owner->held_count++] = exchange;
	pthread_cond_signal(&owner->changed);
	pthread_mutex_unlock(&owner->lock);
	if (!holds)
		reply(owner, exchange, atomic_load(&owner->refusing) ? REFUSED : SERVED);
}

static void wait_held(struct owner *owner, unsigned count)
{
	pthread_mutex_lock(&owner->lock);
	while (owner->held_count < count)
		pthread_cond_wait(&owner->changed, &owner->lock);
	pthread_mutex_unlock(&owner->lock);
}

static void let_go(struct owner *owner)
{
	pthread_mutex_lock(&owner->lock);
	owner->holds = false;
	pthread_mutex_unlock(&owner->lock);
	for (unsigned i = 0; i < owner->held_count; i++)
		reply(owner, owner->held[i], SERVED);
}

static void owner_start(struct owner *owner, size_t reply_bytes, bool holds)
{
	const struct cadre_answerer_options options = {
		.address = "tcp://127.0.0.1:0",
		.exchanges = EXCHANGES,
		.quiet_ms = QUIET_MS,
		.message_bytes_max = 4096,
		.answer = answer,
		.ctx = owner,
	};
	struct cadre_error err = CADRE_ERROR_INIT;

	memset(owner, 0, sizeof *owner);
	pthread_mutex_init(&owner->lock, NULL);
	pthread_cond_init(&owner->changed, NULL);
	owner->reply_bytes = reply_bytes;
	owner->holds = holds;
	assert_ok(cadre_answerer_start(&options, &owner->answerer, &err));
	cadre_address_format(cadre_answerer_address(owner->answerer), owner->address);
}

static void owner_stop(struct owner *owner)
{
	atomic_store(&owner->refusing, true);
	cadre_answerer_stop(owner->answerer);
	pthread_cond_destroy(&owner->changed);
	pthread_mutex_destroy(&owner->lock);
}

static bool ask(struct asking *asking);

static void answered(void *ctx, enum cadre_status status, bool sent,
                     struct cadre_slice bytes, const struct cadre_error *err)
{
	struct asking *asking = ctx;
	bool again;

	(void)err;
	pthread_mutex_lock(&asking->lock);
	asking->served += status == CADRE_OK && bytes.data[0] == SERVED ? 1 : 0;
	asking->refused += status == CADRE_OK && bytes.data[0] == REFUSED ? 1 : 0;
	asking->broken += status != CADRE_OK && sent ? 1 : 0;
	again = asking->again && status == CADRE_OK && bytes.data[0] == SERVED;
	asking->under_way -= again ? 0 : 1;
	pthread_cond_signal(&asking->changed);
	pthread_mutex_unlock(&asking->lock);
	if (again && !ask(asking)) {
		pthread_mutex_lock(&asking->lock);
		asking->under_way--;
		pthread_cond_signal(&asking->changed);
		pthread_mutex_unlock(&asking->lock);
	}
}

static bool ask(struct asking *asking)
{
	struct cadre_question *question;
	uint8_t *body;

	if (cadre_question_begin(asking->asker, 1, &question, &body, NULL) != CADRE_OK)
		return false;
	*body = '?';
	cadre_question_send(question, 20000, 60000, answered, asking);
	return true;
}

static void asking_start(struct asking *asking, const struct owner *owner, unsigned lanes,
                         bool again)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	memset(asking, 0, sizeof *asking);
	pthread_mutex_init(&asking->lock, NULL);
	pthread_cond_init(&asking->changed, NULL);
	asking->again = again;
	asking->under_way = lanes;
	assert_ok(cadre_asker_create(owner->address, 0, 2 * LARGE_BYTES, &asking->asker,
	                             &err));
	for (unsigned i = 0; i < lanes; i++)
		assert_true(ask(asking));
}

static void wait_served(struct asking *asking, unsigned count)
{
	pthread_mutex_lock(&asking->lock);
	while (asking->served < count && asking->broken == 0)
		pthread_cond_wait(&asking->changed, &asking->lock);
	pthread_mutex_unlock(&asking->lock);
}

static void asking_end(struct asking *asking)
{
	pthread_mutex_lock(&asking->lock);
	while (asking->under_way > 0)
		pthread_cond_wait(&asking->changed, &asking->lock);
	pthread_mutex_unlock(&asking->lock);
	cadre_asker_destroy(&asking->asker);
	pthread_cond_destroy(&asking->changed);
	pthread_mutex_destroy(&asking->lock);
}

static void test_many_replies_at_once_break_no_connection(void **state)
{
	struct owner owner;
	struct asking asking;

	(void)state;
	owner_start(&owner, 1, true);
	asking_start(&asking, &owner, MANY, false);
	wait_held(&owner, MANY);
	let_go(&owner);
	asking_end(&asking);
	assert_int_equal(asking.served, MANY);
	owner_stop(&owner);
}

static void test_replies_that_wait_for_the_network_arrive_before_the_end(void **state)
{
	struct owner owner;
	struct asking asking;

	(void)state;
	owner_start(&owner, LARGE_BYTES, true);
	asking_start(&asking, &owner, LANES, false);
	wait_held(&owner, LANES);
	let_go(&owner);
	owner_stop(&owner);
	asking_end(&asking);
	assert_int_equal(asking.served, LANES);
}

static void test_what_is_sent_into_a_stop_is_answered_with_a_refusal(void **state)
{
	struct owner owner;
	struct asking asking;

	(void)state;
	owner_start(&owner, 1, false);
	asking_start(&asking, &owner, LANES, true);
	wait_served(&asking, UNDER_WAY);
	owner_stop(&owner);
	asking_end(&asking);
	assert_int_equal(asking.broken, 0);
	assert_int_equal(asking.refused, LANES);
}

static void test_an_asker_can_go_while_every_answer_asks_again(void **state)
{
	struct owner owner;
	struct asking asking;
	struct cadre_asker *asker;

	(void)state;
	owner_start(&owner, 1, false);
	asking_start(&asking, &owner, LANES, true);
	wait_served(&asking, UNDER_WAY);
	/* Its answers go on to use it meanwhile. */
	asker = asking.asker;
	cadre_asker_destroy(&asker);
	asking.asker = NULL;
	assert_int_equal(asking.under_way, 0);
	asking_end(&asking);
	owner_stop(&owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_replies_at_once_break_no_connection),
		cmocka_unit_test(
		        test_replies_that_wait_for_the_network_arrive_before_the_end),
		cmocka_unit_test(
		        test_what_is_sent_into_a_stop_is_answered_with_a_refusal),
		cmocka_unit_test(test_an_asker_can_go_while_every_answer_asks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
