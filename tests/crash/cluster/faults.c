#include "tests/crash/cluster/faults.h"

#include <errno.h>
#include <signal.h>

#include "tests/crash/cluster/wait.h"
#include "tests/support/disk.h"

/* How long a pause or a disconnection lasts, ms. */
#define FAULT_MS_MIN 500u
#define FAULT_MS_MAX 3000u
#define LONG_MS 60000u
/* About what a start takes. */
#define START_MS_MAX 100u
/* How much is left on a full disk, at most: a batch fits, or does not. */
#define LEFT_BYTES_MAX 65536u

static bool toss(struct scene *scene)
{
	return test_random_below(&scene->random, 2) == 0;
}

/* Short ones are as good and more frequent. */
static uint64_t draw_ms(struct scene *scene)
{
	uint64_t span = FAULT_MS_MAX - FAULT_MS_MIN;

	if (!toss(scene))
		span /= 5;
	return FAULT_MS_MIN + test_random_below(&scene->random, span + 1);
}

/* Reads and predictions go on on the follower. */
static void assert_follower_goes_on(struct scene *scene)
{
	watched_wait(&scene->predicting, 5);
	watched_wait(&scene->reading, 5);
}

static void excuse_follower(struct scene *scene)
{
	watched_excuse(&scene->predicting);
	watched_excuse(&scene->reading);
}

static void expect_follower(struct scene *scene)
{
	watched_expect(&scene->reading);
	watched_expect(&scene->predicting);
}

/* ---- kills ---- */

/* Sometimes it dies again while it starts. */
static void restart(struct scene *scene, struct daemon *daemon)
{
	while (toss(scene)) {
		daemon_launch(daemon);
		wait_elapse(test_random_below(&scene->random, START_MS_MAX));
		daemon_kill(daemon);
	}
	daemon_launch(daemon);
	cluster_await(&scene->cluster, daemon);
}

static void kill_leader(struct scene *scene)
{
	daemon_kill(&scene->cluster.leader);
	assert_follower_goes_on(scene);
	restart(scene, &scene->cluster.leader);
}

static void kill_follower(struct scene *scene)
{
	excuse_follower(scene);
	daemon_kill(&scene->cluster.follower);
	load_wait(scene->load, 30);
	restart(scene, &scene->cluster.follower);
	expect_follower(scene);
}

/* The follower answers from what it has before there is a leader. */
static void start_follower_first(struct scene *scene)
{
	restart(scene, &scene->cluster.follower);
	expect_follower(scene);
	cluster_start_leader(&scene->cluster);
}

static void start_leader_first(struct scene *scene)
{
	cluster_start_leader(&scene->cluster);
	load_wait(scene->load, 10);
	cluster_start_follower(&scene->cluster);
	expect_follower(scene);
}

static void start_together(struct scene *scene)
{
	daemon_launch(&scene->cluster.leader);
	daemon_launch(&scene->cluster.follower);
	cluster_await(&scene->cluster, &scene->cluster.leader);
	cluster_await(&scene->cluster, &scene->cluster.follower);
	expect_follower(scene);
}

static void kill_both(struct scene *scene)
{
	static void (*const starts[])(struct scene *) = {
		start_follower_first,
		start_leader_first,
		start_together,
	};
	bool leader_first = toss(scene);

	excuse_follower(scene);
	daemon_kill(leader_first ? &scene->cluster.leader : &scene->cluster.follower);
	daemon_kill(leader_first ? &scene->cluster.follower : &scene->cluster.leader);
	starts[test_random_below(&scene->random, 3)](scene);
}

static void kill_worker(struct scene *scene)
{
	pid_t worker = daemon_worker(&scene->cluster.follower);

	assert_true(worker > 0);
	watched_excuse(&scene->predicting);
	assert_true(kill(worker, SIGKILL) == 0 || errno == ESRCH);
	watched_wait(&scene->reading, 5);
	watched_expect(&scene->predicting);
}

/* ---- standing still ---- */

static void freeze_leader_for(struct scene *scene, uint64_t ms)
{
	daemon_freeze(&scene->cluster.leader);
	assert_follower_goes_on(scene);
	wait_elapse(ms);
	assert_follower_goes_on(scene);
	daemon_thaw(&scene->cluster.leader);
}

static void freeze_leader(struct scene *scene)
{
	freeze_leader_for(scene, draw_ms(scene));
}

void fault_long_freeze(struct scene *scene)
{
	freeze_leader_for(scene, LONG_MS);
}

/* A local reader needs nothing of a daemon that stands still. */
static void freeze_follower(struct scene *scene)
{
	watched_excuse(&scene->predicting);
	daemon_freeze(&scene->cluster.follower);
	load_wait(scene->load, 10);
	wait_elapse(draw_ms(scene));
	watched_wait(&scene->reading, 5);
	daemon_thaw(&scene->cluster.follower);
	watched_expect(&scene->predicting);
}

/* ---- the network ---- */

static void part(struct scene *scene, enum proxy_mode mode)
{
	struct proxy *proxy = scene->cluster.proxies[LINK_REPLICATION];

	proxy_set(proxy, mode);
	load_wait(scene->load, 10);
	assert_follower_goes_on(scene);
	wait_elapse(draw_ms(scene));
	proxy_set(proxy, PROXY_PASS);
}

static void part_half_open(struct scene *scene)
{
	part(scene, PROXY_SILENT);
}

static void part_refused(struct scene *scene)
{
	part(scene, PROXY_REFUSE);
}

static void spoil(struct proxy *proxy, enum proxy_mode mode)
{
	unsigned before = proxy_lost(proxy);
	uint64_t since = 0;

	proxy_set(proxy, mode);
	while (proxy_lost(proxy) == before)
		wait_for(&since, WAIT_S, "an answer to be spoilt");
}

/* The follower's connection is cut in the middle of answers. */
static void cut_in_message(struct scene *scene)
{
	for (unsigned i = 0; i < 3; i++) {
		spoil(scene->cluster.proxies[LINK_REPLICATION], PROXY_CUT);
		load_wait(scene->load, 10);
	}
	assert_follower_goes_on(scene);
}

/* Clients lose answers, and then hear nothing for so long that they give up. */
static void lose_answers(struct scene *scene)
{
	struct proxy *proxy = scene->cluster.proxies[LINK_RPC];

	for (unsigned i = 0; i < 5; i++)
		spoil(proxy, toss(scene) ? PROXY_LOSE_ANSWER : PROXY_CUT);
	proxy_set(proxy, PROXY_HOLD);
	wait_elapse(1200);
	proxy_set(proxy, PROXY_PASS);
	load_wait(scene->load, 10);
}

/* ---- the disk ---- */

static void fill(struct scene *scene, const char *disk, struct cadre_client *client)
{
	disk_fill(disk, test_random_below(&scene->random, LEFT_BYTES_MAX));
	cluster_wait_alarm(client, "OUT_OF_SPACE", true);
	assert_follower_goes_on(scene);
	wait_elapse(draw_ms(scene) / 3);
	disk_relieve(disk);
	cluster_wait_alarm(client, "OUT_OF_SPACE", false);
}

static void fill_leader(struct scene *scene)
{
	fill(scene, scene->cluster.leader_disk, scene->cluster.to_leader);
}

static void fill_follower(struct scene *scene)
{
	fill(scene, scene->cluster.follower_disk, scene->cluster.to_follower);
}

/* What starts on a full disk serves what it has. */
static void kill_leader_when_full(struct scene *scene)
{
	struct cluster *cluster = &scene->cluster;

	disk_fill(cluster->leader_disk,
	          test_random_below(&scene->random, LEFT_BYTES_MAX));
	cluster_wait_alarm(cluster->to_leader, "OUT_OF_SPACE", true);
	daemon_kill(&cluster->leader);
	assert_follower_goes_on(scene);
	restart(scene, &cluster->leader);
	disk_relieve(cluster->leader_disk);
}

static void kill_follower_when_full(struct scene *scene)
{
	struct cluster *cluster = &scene->cluster;

	disk_fill(cluster->follower_disk,
	          test_random_below(&scene->random, LEFT_BYTES_MAX));
	cluster_wait_alarm(cluster->to_follower, "OUT_OF_SPACE", true);
	excuse_follower(scene);
	daemon_kill(&cluster->follower);
	restart(scene, &cluster->follower);
	expect_follower(scene);
	disk_relieve(cluster->follower_disk);
}

const struct fault faults[] = {
	{ "the leader is killed", kill_leader, false },
	{ "the follower is killed", kill_follower, false },
	{ "both are killed", kill_both, false },
	{ "the worker is killed", kill_worker, false },
	{ "the leader stands still", freeze_leader, false },
	{ "the follower stands still", freeze_follower, false },
	{ "the follower's connection is half open", part_half_open, false },
	{ "the follower is refused", part_refused, false },
	{ "the follower's connection is cut in mid-message", cut_in_message, false },
	{ "clients lose answers", lose_answers, false },
	{ "the leader's disk is full", fill_leader, true },
	{ "the follower's disk is full", fill_follower, true },
	{ "the leader is killed with a full disk", kill_leader_when_full, true },
	{ "the follower is killed with a full disk", kill_follower_when_full, true },
};
const unsigned fault_count = sizeof faults / sizeof *faults;
