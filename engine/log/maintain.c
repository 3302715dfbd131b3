/* Background work of the log, in slices. */
#include "engine/log/internal.h"

#include "engine/base/assert.h"

enum cadre_status cadre_log_maintain(struct cadre_log *log, size_t budget_bytes,
                                     bool *ret_more, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	CADRE_ASSERT(!log->read_only && budget_bytes > 0);
	*ret_more = false;
	if (log->latched)
		return CADRE_OK;
	if (log->next_bytes < log->segment_bytes)
		status = cadre_log_prepare_step(log, log->segment_bytes, budget_bytes, err);
	*ret_more = status == CADRE_OK && log->next_bytes < log->segment_bytes;
	return status;
}
