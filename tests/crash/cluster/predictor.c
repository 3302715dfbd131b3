#include "tests/crash/cluster/predictor.h"

#include <stdio.h>
#include <stdlib.h>

#include "replica/agent/predict_client.h"
#include "tests/crash/cluster/wait.h"

/* Of one prediction: more than a busy machine needs, less than what a node that is
 * stopped for a while makes wait. */
#define DEADLINE_MS 8000u

struct predictor {
	struct cadre_predict_client *client;
	const struct rollout *rollout;
	struct watched *watched;
	pthread_t thread;
	_Atomic uint64_t generation; /* that answered last */
	unsigned count;              /* the thread's */
};

struct answer {
	char text[300];
	size_t length;
};

static enum cadre_status gather(void *ctx, struct cadre_slice chunk,
                                struct cadre_error *err)
{
	struct answer *answer = ctx;

	if (chunk.length >= sizeof answer->text - answer->length)
		return cadre_error_set(err, CADRE_TOO_LARGE, "a long answer");
	memcpy(answer->text + answer->length, chunk.data, chunk.length);
	answer->length += chunk.length;
	answer->text[answer->length] = '\0';
	return CADRE_OK;
}

static void check(struct predictor *predictor, bool moving,
                  const struct cadre_prediction_facts *facts, const char *text)
{
	uint64_t before = atomic_load(&predictor->generation);
	char model[96];
	char name[96];
	char expected[160];

	rollout_model(moving, facts->generation, model);
	rollout_worker_name(moving, facts->generation, name);
	(void)snprintf(expected, sizeof expected, "%s %u", name, predictor->count);
	if (facts->generation < before ||
	    facts->generation > rollout_generation(predictor->rollout))
		watched_wrong(
		        predictor->watched, "generation %llu answers, after %llu of %llu",
		        (unsigned long long)facts->generation, (unsigned long long)before,
		        (unsigned long long)rollout_generation(predictor->rollout));
	else if (strcmp(text, expected) != 0 || strcmp(facts->model_id, model) != 0)
		watched_wrong(predictor->watched,
		              "generation %llu answers \"%.80s\" by %.80s, not \"%s\"",
		              (unsigned long long)facts->generation, text,
		              facts->model_id, expected);
	atomic_store(&predictor->generation, facts->generation);
}

static void predict_once(struct predictor *predictor)
{
	struct watched *watched = predictor->watched;
	bool excused = atomic_load(&watched->excused);
	bool moving = ++predictor->count % 2 == 0;
	struct cadre_prediction_facts facts = { 0 };
	struct cadre_prediction_request request = {
		.deployment = rollout_deployment(predictor->rollout),
		.key = moving ? "moving" : "steady",
		.deadline_ms = DEADLINE_MS,
	};
	struct cadre_error err = CADRE_ERROR_INIT;
	struct answer answer = { .length = 0 };
	enum cadre_status status;
	char payload[32];

	(void)snprintf(payload, sizeof payload, "echo %u", predictor->count);
	request.payload = cadre_slice_text(payload);
	status = cadre_predict(predictor->client, &request, gather, &answer, &facts,
	                       &err);
	if (status == CADRE_OK) {
		check(predictor, moving, &facts, answer.text);
		atomic_fetch_add(&watched->well, 1);
	} else if (status == CADRE_UNAVAILABLE || status == CADRE_DEADLINE) {
		watched_refused(watched, excused, "refused: %s %s",
		                cadre_status_name(status), err.message);
	} else {
		watched_wrong(watched, "%s %s", cadre_status_name(status), err.message);
	}
}

static void *run(void *ctx)
{
	struct predictor *predictor = ctx;

	while (!atomic_load(&predictor->watched->stopping)) {
		predict_once(predictor);
		wait_turn();
	}
	return NULL;
}

struct predictor *predictor_start(const struct cluster *cluster,
                                  const struct rollout *rollout, struct watched *watched)
{
	struct predictor *predictor = calloc(1, sizeof *predictor);
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_non_null(predictor);
	predictor->rollout = rollout;
	predictor->watched = watched;
	assert_ok(cadre_predict_client_open(cluster->addresses[LINK_PREDICT],
	                                    &predictor->client, &err));
	assert_int_equal(pthread_create(&predictor->thread, NULL, run, predictor), 0);
	return predictor;
}

void predictor_stop(struct predictor *predictor)
{
	if (!predictor)
		return;
	atomic_store(&predictor->watched->stopping, true);
	(void)pthread_join(predictor->thread, NULL);
	cadre_predict_client_close(&predictor->client);
	free(predictor);
}

void predictor_wait_newest(struct predictor *predictor)
{
	uint64_t since = 0;

	while (atomic_load(&predictor->generation) !=
	       rollout_generation(predictor->rollout)) {
		watched_check(predictor->watched);
		wait_for(&since, WAIT_S, "the newest generation to answer");
	}
}
