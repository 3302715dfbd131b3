/* A log on the simulated disk. */
#ifndef TESTS_UNIT_LOG_SIM_FIXTURE_H
#define TESTS_UNIT_LOG_SIM_FIXTURE_H

#include "engine/env/sim.h"
#include "tests/unit/log/log_fixture.h"

#define SIM_LOG_DIR "/data/log"
#define SIM_LOST_DIR "/data/lost+found"

struct sim_log {
	struct cadre_env_sim *sim;
	struct cadre_env *env;
	struct cadre_log_options options;
	struct cadre_log *log;
};

static inline void sim_log_init(struct sim_log *it, uint64_t seed)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	memset(it, 0, sizeof *it);
	it->sim = cadre_env_sim_create(seed);
	assert_non_null(it->sim);
	it->env = cadre_env_sim_env(it->sim);
	it->options.dir = SIM_LOG_DIR;
	it->options.lost_found_dir = SIM_LOST_DIR;
	it->options.segment_bytes = 64 << 10;
	assert_ok(it->env->ops->mkdir(it->env, "/data", &err));
}

static inline void sim_log_open(struct sim_log *it, struct cadre_log_report *report)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_ok(cadre_log_open(it->env, &it->options, &it->log, report, &err));
}

static inline void sim_log_close(struct sim_log *it)
{
	cadre_log_close(it->log);
	it->log = NULL;
}

static inline void sim_log_fini(struct sim_log *it)
{
	sim_log_close(it);
	cadre_env_sim_destroy(it->sim);
}

/* Appends a batch of `count` records, not synced. */
static inline enum cadre_status sim_log_append(struct sim_log *it, uint32_t count)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer bytes = { 0 };
	struct cadre_log_head head = cadre_log_head(it->log);
	enum cadre_status status;

	fixture_batch(&bytes, &head, count);
	status = cadre_log_append(it->log, cadre_buffer_slice(&bytes), 0, &err);
	cadre_buffer_fini(&bytes);
	return status;
}

static inline void sim_log_append_synced(struct sim_log *it, uint32_t count)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_int_equal(sim_log_append(it, count), CADRE_OK);
	assert_ok(cadre_log_sync(it->log, &err));
}

struct sim_finding {
	unsigned count;
	char file[64];
	uint64_t offset;
	cadre_seq first_seq, last_seq;
};

static inline void sim_keep_finding(void *ctx, const struct cadre_log_finding *finding)
{
	struct sim_finding *first = ctx;

	if (!finding->message)
		return;
	if (first->count++ > 0)
		return;
	strncpy(first->file, finding->file, sizeof first->file - 1);
	first->offset = finding->offset;
	first->first_seq = finding->first_seq;
	first->last_seq = finding->last_seq;
}

#endif
