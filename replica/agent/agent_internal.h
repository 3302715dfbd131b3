/*
 * Inside the agent.
 *
 * Three threads: the loop decides and is the only one that changes the tables; two hands
 * (agent_hands.c) do one job at a time for it, one fetches artifacts, one talks to the
 * worker. The loop starts and stops the worker: a worker dies with its thread.
 *
 * `lock` guards what routes and reports read: the loop changes it with the lock held and
 * reads it without. Nothing that waits is called with it held. `view_lock` is held while the views are read, so that
 * cadre_agent_views() waits for the end of that. Order: view_lock before lock.
 *
 * Who keeps what alive: a deployment its generations, a held route its generation and
 * worker, a generation its models, an adapter its base. The loop frees what nobody keeps.
 */
#ifndef CADRE_AGENT_AGENT_INTERNAL_H
#define CADRE_AGENT_AGENT_INTERNAL_H

#include <pthread.h>

#include "replica/agent/agent.h"
#include "replica/agent/artifacts.h"
#include "replica/agent/desired.h"
#include "replica/agent/plan.h"

#define AGENT_NS_PER_MS UINT64_C(1000000)

/* One thing to load: a desired member's identity. */
struct agent_model {
	struct plan_model plan; /* first: cast from struct plan_model */
	struct cadre_sha256 identity;
	char *id;   /* OCID */
	char *name; /* in the worker; NULL until its digest is known */
	char *uri;
	uint64_t registered_bytes;
	struct cadre_sha256 sha256;
	bool registered;
	bool has_sha256;     /* registered, or seen */
	bool sha256_is_ours; /* not registered with it */
	enum cadre_worker_kind kind;
	struct agent_model *base;
	struct cadre_worker_parameter *parameters; /* texts owned */
	size_t parameter_count;
	unsigned refs;    /* entries and adapters; the loop's */
	bool was_routed;  /* the loop's */
	bool doubted;     /* its artifact is to be hashed again */
	uint32_t crashes; /* of the worker, while it was being loaded, in a row */
	uint64_t bytes;   /* in the worker */
	char reason[256];
};

struct agent_entry {
	char *key; /* NULL: none */
	struct agent_model *model;
	struct agent_generation *generation;
};

struct agent_generation {
	struct agent_generation *next; /* all of them */
	char *deployment_id;
	uint64_t number;
	struct agent_entry *entries;
	size_t count;
	struct agent_entry **by_key; /* those with one, sorted */
	size_t key_count;
	struct agent_entry **by_model; /* sorted by OCID */
	unsigned refs;                 /* lock: places in deployments, and routes */
	unsigned held;                 /* lock: routes */
	bool told;                     /* its being prepared was logged */
};

/* The three may be one. */
struct agent_deployment {
	char *id;
	char *compartment;
	char *name;
	struct agent_generation *target;
	struct agent_generation *serving;
	struct agent_generation *routed; /* NULL: nothing is served */
	bool flipped;                    /* every member of `routed` was READY at once */
	cadre_time_ms flipped_ms;
};

/* A worker's life, from its start to the end of the last call on it. */
struct agent_worker {
	struct agent_worker *next;
	struct cadre_worker_client *client;
	unsigned refs; /* lock: the agent's and routes' */
	pid_t pid;
	bool used; /* a hand has a job on it; the loop's */
};

enum agent_worker_state { WORKER_DOWN, WORKER_STARTING, WORKER_UP };

enum agent_job_kind { JOB_FETCH, JOB_COLLECT, JOB_HELLO, JOB_LOAD, JOB_UNLOAD };

struct agent_job {
	enum agent_job_kind kind;
	struct agent_model *model; /* its constant part */
	struct agent_worker *worker;
	char *uri; /* owned */
	struct cadre_artifact_want want;
	struct cadre_sha256 *keep; /* owned */
	size_t keep_count;
	atomic_bool stopped;
	/* The outcome. */
	enum cadre_status status;
	struct cadre_error err;
	struct cadre_artifact artifact;
	struct cadre_worker_facts facts;
	uint64_t bytes;
	unsigned removed;
	uint64_t took_us;
};

enum agent_hand_state { HAND_IDLE, HAND_GIVEN, HAND_DONE };

struct agent_hand {
	struct cadre_agent *agent;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* guards state and stopping */
	pthread_cond_t given;
	enum agent_hand_state state;
	bool stopping;
	struct agent_job job; /* the loop's but while GIVEN */
};

enum agent_metric {
	AGENT_METRIC_DEPLOYMENTS,
	AGENT_METRIC_READY,
	AGENT_METRIC_PENDING,
	AGENT_METRIC_FAILED,
	AGENT_METRIC_WORKER_UP,
	AGENT_METRIC_ROUTES_HELD,
	AGENT_METRIC_FETCHES,
	AGENT_METRIC_FETCH_FAILURES,
	AGENT_METRIC_FETCHED_BYTES,
	AGENT_METRIC_COLLECTED,
	AGENT_METRIC_LOADS,
	AGENT_METRIC_LOAD_FAILURES,
	AGENT_METRIC_LOAD_US,
	AGENT_METRIC_UNLOADS,
	AGENT_METRIC_WORKER_STARTS,
	AGENT_METRIC_WORKER_DEATHS,
	AGENT_METRIC_FLIPS,
	AGENT_METRIC_NOT_READY,
	AGENT_METRICS
};

struct cadre_agent {
	struct cadre_env *env;
	struct cadre_agent_options options;
	char node_id[33];
	struct cadre_metrics *metrics;
	struct cadre_artifacts *artifacts; /* the fetching hand's */
	int event;                         /* eventfd: wakes the loop */
	pthread_t loop;
	bool started;
	atomic_bool stopping;
	struct agent_hand fetcher;
	struct agent_hand loader;

	pthread_mutex_t view_lock;
	struct cadre_kv *kv;       /* view_lock */
	atomic_bool views_changed; /* they are to be read */

	pthread_mutex_t lock;
	struct agent_deployment *deployments; /* by id */
	size_t deployment_count;
	bool known; /* the views were read once */
	cadre_seq seq;
	uint64_t version;
	struct agent_worker *worker; /* NULL while down */
	struct agent_worker *dead;   /* ended once no route uses them */
	enum agent_worker_state worker_state;
	char worker_reason[256]; /* why it is down */
	bool worker_hopeless;    /* down for a reason that a person must see to */

	/* The loop's alone. */
	struct plan_model **models;
	size_t model_count;
	size_t model_capacity;
	struct agent_generation *generations;
	uint64_t read_after_ms;   /* views are not read more often */
	uint64_t worker_start_ms; /* the next one, while down */
	uint64_t worker_born_ms;
	unsigned worker_deaths;         /* in a row */
	unsigned worker_start_failures; /* in a row */
	uint64_t hello_until_ms;
	bool changed;     /* since the last report */
	bool marks_stale; /* who is wanted and routed to */
	bool garbage;     /* files nobody names may be there */
};

/* ---- agent.c ---- */

uint64_t agent_now_ms(const struct cadre_agent *agent);
void agent_wake(struct cadre_agent *agent);
void agent_log(struct cadre_agent *agent, enum cadre_log_level level, const char *event,
               const char *format, ...) CADRE_PRINTF(4, 5);
static inline struct agent_model *agent_model_of(struct plan_model *plan)
{
	return (struct agent_model *)(void *)plan;
}

/* ---- agent_loop.c ---- */

void *agent_run_loop(void *agent);

/* ---- agent_tables.c; the loop's ---- */

/* Makes the tables name what `desired` does. After an error they are as before. */
CADRE_MUST_CHECK enum cadre_status agent_take_desired(struct cadre_agent *agent,
                                                      const struct desired *desired,
                                                      struct cadre_error *err);
/* Who is wanted, served and routed to; starts lingers. */
void agent_mark(struct cadre_agent *agent, uint64_t now_ms);
/* Frees generations and models that nobody keeps; true when a model was. */
bool agent_sweep(struct cadre_agent *agent);
/* All, with no lock needed any more. */
void agent_free_tables(struct cadre_agent *agent);

/* ---- agent_models.c; the loop's ---- */

/* The model of the member's identity, found or made; refs is the caller's to raise. */
struct agent_model *agent_model_get(struct cadre_agent *agent,
                                    const struct desired_member *member);
/* Takes over where its content comes from; a change is worth a try at once. False when
 * out of memory. */
CADRE_MUST_CHECK bool agent_model_refresh(struct cadre_agent *agent,
                                          struct agent_model *model,
                                          const struct desired_model *wanted);
void agent_model_free(struct agent_model *model);
/* Takes the digest that was seen and the name that follows; false when out of memory. */
CADRE_MUST_CHECK bool agent_model_seen(struct cadre_agent *agent,
                                       struct agent_model *model,
                                       const struct cadre_sha256 *sha256);
/* Another model that is in the worker under the same name, or NULL. */
const struct agent_model *agent_model_clash(const struct cadre_agent *agent,
                                            const struct agent_model *model);
void agent_model_loaded(struct cadre_agent *agent, struct agent_model *model,
                        uint64_t bytes);
/* A fetch or load went wrong: FAILED until its next try. */
void agent_model_broke(struct cadre_agent *agent, struct agent_model *model,
                       const char *reason);
void agent_model_move(struct cadre_agent *agent, struct agent_model *model,
                      enum plan_event event);
/* What is reported: what stands in a model's way counts as its own failure. Lock held. */
enum plan_state agent_model_shown(const struct cadre_agent *agent,
                                  const struct agent_model *model, char *reason,
                                  size_t capacity);

/* ---- agent_worker.c; the loop's ---- */

/* Starts a worker when its time has come, notices its death. */
void agent_tend_worker(struct cadre_agent *agent, uint64_t now_ms);
void agent_worker_met(struct cadre_agent *agent, const struct agent_job *job,
                      uint64_t now_ms);
/* Ends those that nothing uses any more; `all`: whatever uses them. */
void agent_bury_workers(struct cadre_agent *agent, bool all);
/* Tells the worker to end, for agent_bury_workers() behind it. */
void agent_dismiss_worker(struct cadre_agent *agent);

/* ---- agent_hands.c ---- */

CADRE_MUST_CHECK bool agent_hand_start(struct agent_hand *hand,
                                       struct cadre_agent *agent);
/* Waits for the end of the job. */
void agent_hand_stop(struct agent_hand *hand);
bool agent_hand_idle(struct agent_hand *hand);
/* `hand->job` was filled. */
void agent_hand_give(struct agent_hand *hand);
/* The job that is done, or NULL; agent_hand_clear() behind it. */
struct agent_job *agent_hand_done(struct agent_hand *hand);
void agent_hand_clear(struct agent_hand *hand);

/* ---- agent_routes.c; the loop's ---- */

/* Every deployment answers with the generation that it can; logs and counts. */
void agent_flip(struct cadre_agent *agent);
/* READY members. */
size_t agent_ready_count(const struct agent_generation *generation);

#endif
