/* Whether the model has become what the rules said. */
#include <stdlib.h>

#include "tests/property/rules.h"

void verdict_fini(struct verdict *verdict)
{
	free(verdict->outcome.members);
	verdict->outcome.members = NULL;
}

static bool same_members(const struct model_resource *group,
                         const struct outcome *outcome)
{
	if (group->member_count != outcome->member_count)
		return false;
	for (size_t i = 0; i < outcome->member_count; i++) {
		const struct model_member *wanted = &outcome->members[i];
		const struct model_member *found =
		        model_member_by_model(group, wanted->model_id);
		if (!found || !found->key != !wanted->key ||
		    (found->key && strcmp(found->key, wanted->key) != 0))
			return false;
	}
	return true;
}

static const char *check_link(const struct model_state *model,
                              const struct model_resource *group,
                              const struct outcome *outcome)
{
	const Cadre__V1__GroupState *state = &group->detail.group;
	const struct model_resource *history;
	uint64_t latest = outcome->is_latest ? group->row.id : outcome->latest_group;

	if (state->has_history != (outcome->history != 0))
		return "in a history or not";
	if (state->version_id != outcome->version_id)
		return "the version id";
	if (outcome->history == 0)
		return NULL;
	history = model_find_id(model, outcome->history);
	if (state->history != outcome->history)
		return "the history";
	return history->detail.history.latest_group == latest ? NULL
	                                                      : "the history's latest";
}

const char *rules_check_outcome(const struct model_state *model,
                                const struct verdict *verdict, uint64_t resource)
{
	const struct outcome *outcome = &verdict->outcome;
	const struct model_resource *changed = model_find_id(model, resource);

	if (verdict->status != CADRE_OK || !verdict->event)
		return NULL;
	if (outcome->has_members && !same_members(changed, outcome))
		return "the members";
	if (outcome->moves_latest &&
	    changed->detail.history.latest_group != outcome->latest_group)
		return "the latest";
	return outcome->links ? check_link(model, changed, outcome) : NULL;
}
