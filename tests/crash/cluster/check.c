#include "tests/crash/cluster/check.h"

#include <stdio.h>

#include "tests/crash/cluster/wait.h"

#define EVENTS_PER_QUESTION 1000u
#define OUTCOMES_PER_QUESTION 200u

/* ---- the log ---- */

static const struct load_ack *ack_of(const struct load *load, unsigned client, uint64_t n)
{
	size_t count;
	uint64_t done;
	const struct load_ack *fresh = load_fresh(load, client, &count, &done);

	if (count == 0 || n < fresh[0].n || n >= fresh[0].n + count)
		return NULL;
	return &fresh[n - fresh[0].n];
}

static void check_event(struct check *check, const struct load *load,
                        const Cadre__V1__WatchEvent *event)
{
	const Cadre__V1__RetryToken *token = event->event->retry_token;
	const struct load_ack *ack;
	unsigned client;
	unsigned long long n;

	assert_int_equal(event->seq, check->next_seq);
	check->next_seq++;
	if (!token || sscanf(token->token, "crash-%u-%llu", &client, &n) != 2)
		return;
	assert_true(client < LOAD_CLIENTS);
	if (n != check->next[client])
		fail_msg("client %u: command %llu in the log, %llu expected", client, n,
		         (unsigned long long)check->next[client]);
	ack = ack_of(load, client, n);
	if (ack && n > 0 && ack->seq != event->seq)
		fail_msg("client %u: command %llu at seq %llu, acknowledged as %llu",
		         client, n, (unsigned long long)event->seq,
		         (unsigned long long)ack->seq);
	check->next[client]++;
}

/* True when there may be more. */
static bool check_events(struct check *check, struct cluster *cluster,
                         const struct load *load)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__WatchResult *watched;
	struct rpc_ops ops;
	Cadre__V1__Op *op;
	bool more;

	rpc_ops_init(&ops);
	op = rpc_op_watch(&ops, check->next_seq, 1);
	op->watch->has_max_events = true;
	op->watch->max_events = EVENTS_PER_QUESTION;
	watched = rpc_done(cluster->to_leader, op, &answer)->watch;
	for (size_t i = 0; i < watched->n_events; i++)
		check_event(check, load, watched->events[i]);
	more = watched->n_events > 0;
	cadre_client_answer_free(answer);
	rpc_ops_fini(&ops);
	return more;
}

static void check_counts(const struct check *check, const struct load *load)
{
	for (unsigned client = 0; client < LOAD_CLIENTS; client++) {
		size_t count;
		uint64_t done;
		(void)load_fresh(load, client, &count, &done);
		if (check->next[client] != done)
			fail_msg("client %u: %llu acknowledged, %llu in the log", client,
			         (unsigned long long)done,
			         (unsigned long long)check->next[client]);
	}
}

/* ---- outcomes ---- */

static void check_outcome(const struct load_ack *ack, unsigned client,
                          const Cadre__V1__Result *result)
{
	const Cadre__V1__CommandResult *outcome = result->outcome;

	if (ack->n > 0 && (outcome->seq != ack->seq || strcmp(outcome->id, ack->id) != 0))
		fail_msg("client %u: command %llu acknowledged as seq %llu %s, its "
		         "outcome is seq %llu %s",
		         client, (unsigned long long)ack->n, (unsigned long long)ack->seq,
		         ack->id, (unsigned long long)outcome->seq, outcome->id);
}

static void check_some_outcomes(struct cluster *cluster, unsigned client,
                                const struct load_ack *acks, size_t count)
{
	const Cadre__V1__Op *list[OUTCOMES_PER_QUESTION];
	const Cadre__V1__Response *response;
	struct cadre_client_answer *answer;
	struct rpc_ops ops;

	rpc_ops_init(&ops);
	for (size_t i = 0; i < count; i++) {
		char token[LOAD_TEXT_BYTES];
		load_token(client, acks[i].n, token);
		list[i] = rpc_op_outcome(&ops, token);
	}
	if (cadre_client_call(cluster->to_leader, list, count, NULL, &answer) !=
	    CADRE_CLIENT_DONE)
		fail_msg("outcomes of client %u from command %llu on: %s", client,
		         (unsigned long long)acks[0].n,
		         cadre_client_answer_message(answer));
	response = cadre_client_answer_response(answer);
	for (size_t i = 0; i < count; i++)
		check_outcome(&acks[i], client, response->results[i]);
	cadre_client_answer_free(answer);
	rpc_ops_fini(&ops);
}

static void check_outcomes(struct cluster *cluster, const struct load *load)
{
	for (unsigned client = 0; client < LOAD_CLIENTS; client++) {
		size_t count;
		uint64_t done;
		const struct load_ack *acks = load_fresh(load, client, &count, &done);
		for (size_t at = 0; at < count; at += OUTCOMES_PER_QUESTION) {
			size_t some = count - at < OUTCOMES_PER_QUESTION
			                      ? count - at
			                      : OUTCOMES_PER_QUESTION;
			check_some_outcomes(cluster, client, acks + at, some);
		}
	}
}

/* ---- members ---- */

static void check_member(const Cadre__V1__Member *member, unsigned client, uint64_t low,
                         uint64_t high, uint64_t *io_seen)
{
	char expected[LOAD_TEXT_BYTES];

	for (uint64_t n = low; n <= high; n++) {
		char key[LOAD_TEXT_BYTES];
		load_model(client, n, expected);
		load_key(n, key);
		if (strcmp(member->model_id, expected) == 0) {
			assert_string_equal(member->inference_key, key);
			*io_seen |= 1u << (n - low);
			return;
		}
	}
	fail_msg("client %u: member %s should be gone", client, member->model_id);
}

static void check_members(const struct check *check, struct cluster *cluster,
                          unsigned client)
{
	uint64_t done = check->next[client];
	uint64_t low = done > LOAD_WINDOW ? done - LOAD_WINDOW : 0;
	uint64_t seen = 0;
	char name[LOAD_TEXT_BYTES];
	struct cadre_client_answer *answer;
	const Cadre__V1__MembersResult *members;
	struct rpc_ops ops;

	if (done == 0)
		return;
	rpc_ops_init(&ops);
	load_history(client, name);
	members = rpc_done(cluster->to_leader, rpc_op_members(&ops, name), &answer)
	                  ->members;
	assert_int_equal(members->n_members, done - low);
	for (size_t i = 0; i < members->n_members; i++)
		check_member(members->members[i], client, low, done - 1, &seen);
	assert_int_equal(seen, (1u << (done - low)) - 1);
	cadre_client_answer_free(answer);
	rpc_ops_fini(&ops);
}

void check_leader(struct check *check, struct cluster *cluster, const struct load *load)
{
	if (check->next_seq == 0)
		check->next_seq = 1;
	while (check_events(check, cluster, load))
		continue;
	check_counts(check, load);
	check_outcomes(cluster, load);
	for (unsigned client = 0; client < LOAD_CLIENTS; client++)
		check_members(check, cluster, client);
}
