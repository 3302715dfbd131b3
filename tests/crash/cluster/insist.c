#include "tests/crash/cluster/insist.h"

#include <stdio.h>

#include "tests/crash/cluster/wait.h"

/* Refusals that pass: what a node says that is away, busy, full, or not the leader. */
static bool passes(int status)
{
	static const enum cadre_status passing[] = {
		CADRE_NOT_LEADER,   CADRE_LAGGING,     CADRE_TOO_MANY_REQUESTS,
		CADRE_OUT_OF_SPACE, CADRE_UNAVAILABLE, CADRE_DEADLINE,
	};

	for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
		if ((int)passing[i] == status)
			return true;
	return false;
}

static bool gives_up(const struct insist *insist)
{
	return insist->wrong[0] != '\0' ||
	       (insist->stopping && atomic_load(insist->stopping));
}

static void go_wrong(struct insist *insist, const char *token, const char *what,
                     const struct cadre_client_answer *answer)
{
	(void)snprintf(insist->wrong, sizeof insist->wrong, "%s: %s: %s %.200s", token,
	               what, cadre_client_answer_status_name(answer),
	               cadre_client_answer_message(answer));
}

static void take(const Cadre__V1__CommandResult *from, struct insist_result *result)
{
	result->seq = from->seq;
	(void)snprintf(result->id, sizeof result->id, "%s", from->id ? from->id : "");
}

/* What Outcome says: true and the result, or false: it did not happen so far. */
static bool ask_outcome(struct insist *insist, const char *token,
                        struct insist_result *ret_result)
{
	bool known = false;
	bool answered = false;

	while (!answered && !gives_up(insist)) {
		struct cadre_client_answer *answer;
		struct rpc_ops ops;
		const Cadre__V1__Op *op;
		rpc_ops_init(&ops);
		op = rpc_op_outcome(&ops, token);
		if (cadre_client_call(insist->client, &op, 1, NULL, &answer) ==
		    CADRE_CLIENT_DONE) {
			take(cadre_client_answer_response(answer)->results[0]->outcome,
			     ret_result);
			answered = known = true;
		} else if (cadre_client_answer_status(answer) == CADRE_NOT_FOUND) {
			answered = true;
		} else if (!passes(cadre_client_answer_status(answer))) {
			go_wrong(insist, token, "Outcome", answer);
		}
		cadre_client_answer_free(answer);
		rpc_ops_fini(&ops);
		if (!answered)
			wait_turn();
	}
	return known;
}

static void take_answer(const struct cadre_client_answer *answer,
                        struct insist_result *result)
{
	const Cadre__V1__Result *first = cadre_client_answer_response(answer)->results[0];

	if (cadre_client_answer_by_token(answer))
		take(first->outcome, result);
	else
		take(first->batch->results[0], result);
}

/* One attempt; true when it is done. */
static bool attempt(struct insist *insist, const Cadre__V1__Op *op,
                    struct insist_result *known, bool *io_known)
{
	struct cadre_client_answer *answer;
	struct insist_result result = { 0 };
	const char *token = op->batch->retry_token;
	enum cadre_client_outcome outcome = cadre_client_call(insist->client, &op, 1,
	                                                      NULL, &answer);

	if (outcome == CADRE_CLIENT_DONE)
		take_answer(answer, &result);
	else if (outcome == CADRE_CLIENT_REFUSED &&
	         !passes(cadre_client_answer_status(answer)))
		go_wrong(insist, token, "refused", answer);
	cadre_client_answer_free(answer);
	if (outcome == CADRE_CLIENT_REFUSED)
		insist->refused++;
	if (outcome == CADRE_CLIENT_UNKNOWN) {
		insist->unknown++;
		*io_known = ask_outcome(insist, token, known);
		insist->settled += *io_known;
	}
	if (outcome != CADRE_CLIENT_DONE)
		return false;
	if (*io_known && op->batch->n_commands == 1 &&
	    (known->seq != result.seq || strcmp(known->id, result.id) != 0))
		(void)snprintf(
		        insist->wrong, sizeof insist->wrong,
		        "%s: Outcome said seq %llu %.150s, sent again it is seq %llu %.150s",
		        token, (unsigned long long)known->seq, known->id,
		        (unsigned long long)result.seq, result.id);
	*known = result;
	return true;
}

bool insist_on(struct insist *insist, const Cadre__V1__Op *op,
               struct insist_result *ret_result)
{
	bool known = false;

	while (!attempt(insist, op, ret_result, &known)) {
		if (gives_up(insist))
			return false;
		wait_turn();
	}
	return insist->wrong[0] == '\0';
}
