#include "tests/crash/cluster/cluster.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/cluster/wait.h"
#include "tests/support/disk.h"

/* ---- making ---- */

static void place(struct daemon *daemon, const char *role, const char *dir,
                  const char *disk)
{
	daemon->role = role;
	(void)snprintf(daemon->data, sizeof daemon->data, "%s/data", disk);
	(void)snprintf(daemon->ready, sizeof daemon->ready, "%s/%s.json", dir, role);
	(void)snprintf(daemon->log, sizeof daemon->log, "%s/%s.log", dir, role);
}

static void make_disk(struct cluster *cluster, const char *name, char path[280])
{
	(void)snprintf(path, 280, "%s/%s", cluster->dir, name);
	if (cluster->disks)
		disk_make(path);
	else
		assert_int_equal(mkdir(path, 0700), 0);
}

static void make_links(struct cluster *cluster)
{
	for (int i = 0; i < LINK_COUNT; i++) {
		cluster->proxies[i] = proxy_start(0);
		(void)snprintf(cluster->addresses[i], sizeof cluster->addresses[i],
		               "tcp://127.0.0.1:%u", proxy_port(cluster->proxies[i]));
	}
}

/* Arguments of one role; `values` are pairs. */
static void set_arguments(struct daemon *daemon, const char *const *values, size_t count)
{
	assert_true(count < DAEMON_ARGUMENTS_MAX);
	for (size_t i = 0; i < count; i++)
		daemon->more[i] = values[i];
}

static void set_roles(struct cluster *cluster)
{
	const char *const leader[] = { "--replication-listen", "tcp://127.0.0.1:0",
		                       "--advertise", cluster->addresses[LINK_RPC] };
	const char *const follower[] = { "--join",
		                         cluster->addresses[LINK_REPLICATION],
		                         "--predict-listen",
		                         "tcp://127.0.0.1:0",
		                         "--predict-advertise",
		                         cluster->addresses[LINK_PREDICT],
		                         "--worker",
		                         STUB_WORKER,
		                         "--linger",
		                         "1s" };

	set_arguments(&cluster->leader, leader, sizeof leader / sizeof *leader);
	set_arguments(&cluster->follower, follower, sizeof follower / sizeof *follower);
}

void cluster_make(struct cluster *cluster, bool disks)
{
	const char *init[] = { "cadre-admin", "init",  cluster->leader.data,
		               "--cluster",   "crash", NULL };

	memset(cluster, 0, sizeof *cluster);
	cluster->disks = disks;
	test_make_dir(cluster->dir, sizeof cluster->dir);
	make_disk(cluster, "leader", cluster->leader_disk);
	make_disk(cluster, "follower", cluster->follower_disk);
	place(&cluster->leader, "leader", cluster->dir, cluster->leader_disk);
	place(&cluster->follower, "follower", cluster->dir, cluster->follower_disk);
	make_links(cluster);
	set_roles(cluster);
	assert_int_equal(admin_run(init, "/dev/null"), 0);
	cluster->to_leader = cluster_client(cluster->addresses[LINK_RPC], NULL, 5000);
	cluster->to_follower = cluster_client(cluster->addresses[LINK_COPY], NULL, 5000);
}

static void end(struct cluster *cluster)
{
	daemon_kill(&cluster->follower);
	daemon_kill(&cluster->leader);
	cadre_client_close(cluster->to_leader);
	cadre_client_close(cluster->to_follower);
	for (int i = 0; i < LINK_COUNT; i++)
		proxy_stop(cluster->proxies[i]);
}

void cluster_remove(struct cluster *cluster)
{
	end(cluster);
	if (!cluster->passed)
		print_message("kept: %s\n", cluster->dir);
	if (cluster->disks) {
		disk_remove(cluster->leader_disk);
		disk_remove(cluster->follower_disk);
	}
	if (cluster->passed)
		test_remove_dir(cluster->dir);
}

/* ---- starting ---- */

void cluster_await(struct cluster *cluster, struct daemon *daemon)
{
	daemon_wait_serving(daemon);
	if (daemon == &cluster->leader) {
		proxy_aim(cluster->proxies[LINK_RPC], daemon->rpc);
		proxy_aim(cluster->proxies[LINK_REPLICATION], daemon->replication);
		return;
	}
	proxy_aim(cluster->proxies[LINK_COPY], daemon->rpc);
	proxy_aim(cluster->proxies[LINK_PREDICT], daemon->predict);
}

void cluster_start_leader(struct cluster *cluster)
{
	daemon_launch(&cluster->leader);
	cluster_await(cluster, &cluster->leader);
}

void cluster_start_follower(struct cluster *cluster)
{
	daemon_launch(&cluster->follower);
	cluster_await(cluster, &cluster->follower);
}

struct cadre_client *cluster_client(const char *first, const char *second,
                                    uint32_t timeout_ms)
{
	const char *const addresses[] = { first, second };
	const struct cadre_client_options options = {
		.addresses = addresses,
		.address_count = second ? 2 : 1,
		.compartment = "c",
		.timeout_ms = timeout_ms,
		.reads = CADRE_CLIENT_ANY,
	};
	struct cadre_client *client = NULL;
	char message[300] = "";

	if (cadre_client_open(&options, &client, message, sizeof message) != 0)
		fail_msg("client of \"%s\": %s", first, message);
	return client;
}

/* ---- states ---- */

static void take_state(const Cadre__V1__StatusResult *from, struct cluster_state *state)
{
	size_t length = 0;

	state->answered = true;
	state->durable_seq = from->durable_seq;
	state->applied_seq = from->applied_seq;
	memcpy(state->timeline_id, from->timeline_id.data, 16);
	(void)snprintf(state->chain, sizeof state->chain, "%s", from->chain);
	(void)snprintf(state->digest, sizeof state->digest, "%s", from->digest);
	for (size_t i = 0; i < from->n_alarms && length < sizeof state->alarms; i++)
		length += (size_t)snprintf(state->alarms + length,
		                           sizeof state->alarms - length, "[%s]",
		                           from->alarms[i]);
}

void cluster_ask(struct cadre_client *client, struct cluster_state *ret_state)
{
	struct cadre_client_answer *answer;
	const Cadre__V1__Response *response;
	const Cadre__V1__Op *op;
	struct rpc_ops ops;

	memset(ret_state, 0, sizeof *ret_state);
	rpc_ops_init(&ops);
	op = rpc_op_status(&ops);
	if (cadre_client_call(client, &op, 1, NULL, &answer) == CADRE_CLIENT_DONE) {
		response = cadre_client_answer_response(answer);
		take_state(response->results[0]->node_status, ret_state);
	}
	cadre_client_answer_free(answer);
	rpc_ops_fini(&ops);
}

static bool same(const struct cluster_state *a, const struct cluster_state *b)
{
	return a->answered && b->answered && a->applied_seq == b->applied_seq &&
	       a->durable_seq == b->durable_seq && strcmp(a->chain, b->chain) == 0 &&
	       strcmp(a->digest, b->digest) == 0;
}

static void describe(const struct cluster_state *leader,
                     const struct cluster_state *follower, char text[400])
{
	(void)snprintf(text, 400,
	               "leader and follower agree: seq %llu and %llu, chain %.12s and "
	               "%.12s, digest %.12s and %.12s, alarms %.80s and %.80s",
	               (unsigned long long)leader->applied_seq,
	               (unsigned long long)follower->applied_seq, leader->chain,
	               follower->chain, leader->digest, follower->digest, leader->alarms,
	               follower->alarms);
}

void cluster_wait_same(struct cluster *cluster)
{
	struct cluster_state leader;
	struct cluster_state follower;
	uint64_t since = 0;
	char text[400];

	for (;;) {
		cluster_ask(cluster->to_leader, &leader);
		cluster_ask(cluster->to_follower, &follower);
		if (same(&leader, &follower) && !*leader.alarms && !*follower.alarms)
			return;
		describe(&leader, &follower, text);
		wait_for(&since, WAIT_S, text);
	}
}

void cluster_wait_alarm(struct cadre_client *client, const char *text, bool raised)
{
	struct cluster_state state;
	uint64_t since = 0;

	for (;;) {
		char what[600];
		cluster_ask(client, &state);
		if (state.answered && (strstr(state.alarms, text) != NULL) == raised)
			return;
		(void)snprintf(what, sizeof what, "alarm %s%s: seq %llu, alarms %s",
		               raised ? "" : "no more ", text,
		               (unsigned long long)state.applied_seq, state.alarms);
		wait_for(&since, WAIT_S, what);
	}
}

/* ---- the end ---- */

static void admin(const char *verb, const char *a, const char *b, const char *c)
{
	const char *arguments[] = { "cadre-admin", verb, a, b, c, NULL };
	int code = admin_run(arguments, NULL);

	if (code != 0)
		fail_msg("cadre-admin %s %s %s %s: exit code %d", verb, a, b ? b : "",
		         c ? c : "", code);
}

void cluster_verify(struct cluster *cluster)
{
	char dump[300];
	char copy[300];

	(void)snprintf(dump, sizeof dump, "%s/dump", cluster->dir);
	(void)snprintf(copy, sizeof copy, "%s/copy", cluster->dir);
	admin("verify", cluster->leader.data, NULL, NULL);
	admin("verify", cluster->follower.data, NULL, NULL);
	admin("diff", cluster->leader.data, cluster->follower.data, NULL);
	admin("dump", cluster->leader.data, "--output", dump);
	admin("replay", dump, copy, NULL);
	admin("diff", cluster->leader.data, copy, NULL);
	cluster->passed = true;
}
