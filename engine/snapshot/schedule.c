#include "engine/snapshot/snapshot.h"

/* What a start has to replay at most: some seconds. */
#define DUE_LOG_BYTES (UINT64_C(256) << 20)
#define DUE_EVENTS 500000u
#define PAUSE_NS (UINT64_C(600) * 1000000000)

bool cadre_snapshot_due(const struct cadre_snapshot_schedule *schedule, cadre_seq seq,
                        uint64_t log_bytes, uint64_t mono_ns, bool stopping)
{
	/* The log may have been cut at its old end: fewer bytes than last time. */
	uint64_t bytes = log_bytes > schedule->last_log_bytes
	                         ? log_bytes - schedule->last_log_bytes
	                         : 0;

	if (seq <= schedule->last_seq)
		return false;
	if (stopping)
		return true;
	if (schedule->last_mono_ns != 0 && mono_ns - schedule->last_mono_ns < PAUSE_NS)
		return false;
	return bytes >= DUE_LOG_BYTES || seq - schedule->last_seq >= DUE_EVENTS;
}
