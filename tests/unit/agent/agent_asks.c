#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "engine/base/bytes.h"
#include "engine/base/checksum.h"
#include "tests/unit/agent/agent_node.h"

#define DEADLINE_S 60
#define ARENA_BYTES_MAX ((size_t)16 << 20)

/* ---- waiting ---- */

static time_t deadline(void)
{
	return time(NULL) + DEADLINE_S;
}

static void turn(time_t until, const char *what)
{
	if (time(NULL) > until)
		fail_msg("not within %d s: %s", DEADLINE_S, what);
	(void)sched_yield();
}

/* ---- reports ---- */

static void ask_report(struct agent_node *node, struct cadre_arena *arena,
                       Cadre__V1__NodeReport *report)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	uint64_t version;

	cadre__v1__node_report__init(report);
	assert_ok(cadre_agent_report(node->agent, arena, report, &version, &err));
}

static const Cadre__V1__DeploymentReport *
deployment_in(const Cadre__V1__NodeReport *report, const char *deployment)
{
	for (size_t i = 0; i < report->n_deployments; i++) {
		if (strcmp(report->deployments[i]->deployment_id, deployment) == 0)
			return report->deployments[i];
	}
	return NULL;
}

static const Cadre__V1__MemberReport *member_in(const Cadre__V1__NodeReport *report,
                                                const char *deployment,
                                                uint64_t generation, const char *id)
{
	for (size_t i = 0; i < report->n_members; i++) {
		const Cadre__V1__MemberReport *member = report->members[i];
		if (strcmp(member->deployment_id, deployment) == 0 &&
		    member->generation == generation && strcmp(member->model_id, id) == 0)
			return member;
	}
	return NULL;
}

const Cadre__V1__DeploymentReport *agent_report(struct agent_node *node,
                                                const char *deployment)
{
	Cadre__V1__NodeReport report;

	ask_report(node, &node->arena, &report);
	return deployment_in(&report, deployment);
}

const Cadre__V1__MemberReport *agent_member(struct agent_node *node,
                                            const char *deployment, uint64_t generation,
                                            const char *model)
{
	Cadre__V1__NodeReport report;

	ask_report(node, &node->arena, &report);
	return member_in(&report, deployment, generation, agent_ocid(node, model));
}

enum aspect { PREPARED, SERVING };

static void wait_deployment(struct agent_node *node, const char *deployment,
                            enum aspect aspect, uint64_t generation)
{
	time_t until = deadline();
	uint64_t found = UINT64_MAX;

	while (found != generation) {
		const Cadre__V1__DeploymentReport *got;
		Cadre__V1__NodeReport report;
		struct cadre_arena arena;
		turn(until, aspect == PREPARED ? "prepared" : "serving");
		cadre_arena_init(&arena, ARENA_BYTES_MAX);
		ask_report(node, &arena, &report);
		got = deployment_in(&report, deployment);
		if (got)
			found = aspect == PREPARED ? got->prepared_generation
			                           : got->serving_generation;
		cadre_arena_fini(&arena);
	}
}

void agent_wait_prepared(struct agent_node *node, const char *deployment,
                         uint64_t generation)
{
	wait_deployment(node, deployment, PREPARED, generation);
}

void agent_wait_serving(struct agent_node *node, const char *deployment,
                        uint64_t generation)
{
	wait_deployment(node, deployment, SERVING, generation);
}

void agent_wait_member(struct agent_node *node, const char *deployment,
                       uint64_t generation, const char *model,
                       Cadre__V1__MemberState state, const char *reason)
{
	const char *id = agent_ocid(node, model);
	time_t until = deadline();
	char last[400] = "absent from the report";
	bool found = false;

	while (!found) {
		const Cadre__V1__MemberReport *member;
		Cadre__V1__NodeReport report;
		struct cadre_arena arena;
		turn(until, last);
		cadre_arena_init(&arena, ARENA_BYTES_MAX);
		ask_report(node, &arena, &report);
		member = member_in(&report, deployment, generation, id);
		if (member) {
			const char *text = member->reason ? member->reason : "";
			snprintf(last, sizeof last, "%s is %d, %s", id, member->state,
			         text);
			found = member->state == state && strstr(text, reason);
		}
		cadre_arena_fini(&arena);
	}
}

uint64_t agent_metric(struct agent_node *node, unsigned row)
{
	return cadre_metric_value(cadre_agent_metrics(node->agent), row);
}

void agent_wait_metric(struct agent_node *node, unsigned row, uint64_t value)
{
	time_t until = deadline();

	while (agent_metric(node, row) != value)
		turn(until, "a metric");
}

char *agent_artifact_path(struct agent_node *node, const char *content)
{
	struct cadre_sha256 sha256 = cadre_sha256(content, strlen(content));
	char hex[65];

	cadre_hex_encode(sha256.bytes, sizeof sha256.bytes, hex);
	return agent_text(node, "%s/artifacts/sha256/%s", node->agent_dir, hex);
}

unsigned agent_artifacts(struct agent_node *node)
{
	DIR *dir = opendir(agent_text(node, "%s/artifacts/sha256", node->agent_dir));
	unsigned count = 0;

	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

void agent_wait_artifacts(struct agent_node *node, unsigned count)
{
	time_t until = deadline();

	while (agent_artifacts(node) != count)
		turn(until, "artifacts");
}

/* ---- requests ---- */

void agent_hold(struct agent_node *node, const char *deployment, const char *key,
                struct cadre_agent_route *route)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(cadre_agent_route(node->agent, NULL, deployment, key, route, &err));
}

static char *ask_on(struct agent_node *node, const struct cadre_agent_route *route,
                    struct cadre_error *err)
{
	struct cadre_worker_piece piece = { 0 };
	enum cadre_status status = cadre_worker_infer(route->client, route->name,
	                                              cadre_slice_text("echo ?"), 20000,
	                                              &piece, err);
	char *answer = NULL;

	while (status == CADRE_OK && piece.number == 0)
		status = cadre_worker_next(route->client, 1, 1000, &piece, err);
	if (status == CADRE_OK) {
		assert_true(piece.data.length > 2);
		answer = agent_text(node, "%.*s", (int)piece.data.length - 2,
		                    (const char *)piece.data.data);
	}
	cadre_buffer_fini(&piece.data);
	return answer;
}

char *agent_ask(struct agent_node *node, const struct cadre_agent_route *route)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	char *answer = ask_on(node, route, &err);

	if (!answer)
		fail_msg("asking \"%s\": %s", route->name, err.message);
	return answer;
}

char *agent_answer(struct agent_node *node, const char *deployment, const char *key,
                   struct cadre_error *err)
{
	struct cadre_agent_route route;
	char *answer;

	if (cadre_agent_route(node->agent, NULL, deployment, key, &route, err) !=
	    CADRE_OK)
		return NULL;
	answer = ask_on(node, &route, err);
	cadre_agent_release(node->agent, &route);
	return answer;
}

void agent_wait_answer(struct agent_node *node, const char *deployment, const char *key)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	time_t until = deadline();

	while (!agent_answer(node, deployment, key, &err))
		turn(until, err.message);
}

char *agent_name_of(struct agent_node *node, const char *model, const char *content)
{
	struct cadre_sha256 sha256 = cadre_sha256(content, strlen(content));
	char digits[13];

	cadre_hex_encode(sha256.bytes, 6, digits);
	return agent_text(node, "%s@%s", model, digits);
}

pid_t agent_worker_pid(struct agent_node *node, const char *deployment, const char *key)
{
	struct cadre_agent_route route;
	pid_t pid;

	agent_hold(node, deployment, key, &route);
	pid = cadre_worker_pid(route.client);
	cadre_agent_release(node->agent, &route);
	return pid;
}
