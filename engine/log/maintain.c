/* Background work of the log, in slices. */
#include "engine/log/internal.h"

#include "engine/base/assert.h"

enum cadre_status cadre_log_maintain(struct cadre_log *log, size_t budget_bytes,
                                     bool *ret_more, struct cadre_error *err)
{
	bool prepared;
	enum cadre_status status;

	CADRE_ASSERT(!log->read_only && budget_bytes > 0);
	*ret_more = false;
	if (log->latched)
		return CADRE_OK;
	/* Room for the next roll first: an append without it has to wait. */
	prepared = log->next_bytes >= log->segment_bytes;
	if (prepared)
		return cadre_log_seal_step(log, budget_bytes, ret_more, err);
	status = cadre_log_prepare_step(log, log->segment_bytes, budget_bytes, err);
	*ret_more = status == CADRE_OK;
	return status;
}
