/* A segment file of any bytes: frames are scanned, and a log is opened over it. */
#include "engine/base/assert.h"
#include "engine/env/sim.h"
#include "engine/log/frame.h"
#include "engine/log/log.h"

#define FILE_BYTES_MAX (256u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_file(struct cadre_env *env, const char *path, const uint8_t *data,
                     size_t size)
{
	struct cadre_file *file;

	CADRE_ASSERT(cadre_file_open(env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE,
	                             &file, NULL) == CADRE_OK);
	CADRE_ASSERT(env->ops->pwrite(file, 0, data, size, NULL) == CADRE_OK);
	cadre_file_close(file);
}

/* What a log shows, it can read; and recovery is done once. */
static void open_log(struct cadre_env *env)
{
	struct cadre_log_options options = { .dir = "/log",
		                             .lost_found_dir = "/lost",
		                             .segment_bytes = 65536 };
	struct cadre_log *log;
	struct cadre_log_report report;
	cadre_seq last;

	enum cadre_status status = cadre_log_verify(env, &options, NULL, NULL, NULL,
	                                            NULL);
	if (cadre_log_open(env, &options, &log, &report, NULL) != CADRE_OK)
		return;
	CADRE_ASSERT(status == CADRE_OK || status == CADRE_TORN ||
	             report.torn_bytes == 0);
	last = cadre_log_head(log).last_seq;
	cadre_log_close(log);
	CADRE_ASSERT(cadre_log_open(env, &options, &log, &report, NULL) == CADRE_OK);
	CADRE_ASSERT(report.torn_bytes == 0 && cadre_log_head(log).last_seq == last);
	cadre_log_close(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_frame_place place = { 0x5a5a5a5a5a5a5a5a, 4096 };
	struct cadre_frame frame;
	struct cadre_slice payload;
	struct cadre_env_sim *sim;
	struct cadre_env *env;

	if (size > FILE_BYTES_MAX)
		return 0;
	if (cadre_frame_scan(cadre_slice(data, size), place, &frame, &payload, NULL) ==
	    CADRE_OK)
		CADRE_ASSERT(payload.length <= size);
	sim = cadre_env_sim_create(1);
	CADRE_ASSERT(sim);
	env = cadre_env_sim_env(sim);
	CADRE_ASSERT(env->ops->mkdir(env, "/log", NULL) == CADRE_OK);
	put_file(env, "/log/0000000000000001.seg", data, size);
	open_log(env);
	cadre_env_sim_destroy(sim);
	return 0;
}
