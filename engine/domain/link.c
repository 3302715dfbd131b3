/* The rules between groups, histories and deployments. */
#include "engine/domain/deciding.h"

enum cadre_status cadre_find_history(struct cadre_deciding *d, const char *ocid,
                                     const char *field, Cadre__V1__Resource **ret_history)
{
	return cadre_find(d, CADRE__V1__KIND__KIND_HISTORY, ocid, field,
	                  CADRE_RELATED_NOT_FOUND, ret_history);
}

enum cadre_status cadre_make_link(struct cadre_deciding *d,
                                  const Cadre__V1__Resource *history, bool latest,
                                  Cadre__V1__HistoryLink **ret_link)
{
	Cadre__V1__HistoryLink *link;
	enum cadre_status status =
	        cadre_new_message(d, &cadre__v1__history_link__descriptor, &link);

	if (status != CADRE_OK)
		return status;
	link->history_id = history->ocid;
	link->version_id = history->history->last_version_id + 1;
	link->latest = latest;
	*ret_link = link;
	return CADRE_OK;
}

enum cadre_status cadre_join_history(struct cadre_deciding *d, const char *ocid,
                                     const char *field, Cadre__V1__HistoryLink **ret_link)
{
	Cadre__V1__Resource *history;
	enum cadre_status status;

	*ret_link = NULL;
	if (!ocid)
		return CADRE_OK;
	status = cadre_find_history(d, ocid, field, &history);
	if (status != CADRE_OK)
		return status;
	return cadre_make_link(d, history, !history->history->has_latest_group, ret_link);
}

static enum cadre_status check_not_latest(struct cadre_deciding *d,
                                          const Cadre__V1__Resource *group,
                                          const char *verb)
{
	Cadre__V1__Resource *history;
	enum cadre_status status;

	if (!group->group->has_history)
		return CADRE_OK;
	status = cadre_find_row(d, group->group->history, &history);
	if (status != CADRE_OK)
		return status;
	if (!history->history->has_latest_group ||
	    history->history->latest_group != group->id ||
	    history->history->live_groups <= 1)
		return CADRE_OK;
	return cadre_refuse(
	        d, CADRE_CONFLICT, "id",
	        "\"%s\" cannot be %s: it is the latest of version history \"%s\" "
	        "with %u live groups",
	        group->ocid, verb, history->ocid, history->history->live_groups);
}

static enum cadre_status check_not_deployed(struct cadre_deciding *d,
                                            const Cadre__V1__Resource *group,
                                            const char *verb)
{
	const struct cadre_state *state = &d->in->state;
	Cadre__V1__Resource *deployment = NULL;
	enum cadre_status status = state->ops->group_user(state->ctx, group->id,
	                                                  &deployment, d->err);

	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	return cadre_refuse(d, CADRE_CONFLICT, "id",
	                    "\"%s\" cannot be %s: model deployment \"%s\" names it",
	                    group->ocid, verb, deployment->ocid);
}

enum cadre_status cadre_check_unused(struct cadre_deciding *d,
                                     const Cadre__V1__Resource *group, const char *verb)
{
	enum cadre_status status = check_not_deployed(d, group, verb);

	return status == CADRE_OK ? check_not_latest(d, group, verb) : status;
}

enum cadre_status cadre_check_active(struct cadre_deciding *d,
                                     const Cadre__V1__Resource *group, const char *field)
{
	if (group->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__ACTIVE)
		return CADRE_OK;
	return cadre_refuse(d, CADRE_CONFLICT, field, "model group \"%s\" is not ACTIVE",
	                    group->ocid);
}

enum cadre_status cadre_check_member_model(struct cadre_deciding *d, const char *model_id,
                                           const char *field)
{
	Cadre__V1__Resource *model;

	if (!d->cluster.strict_members)
		return CADRE_OK;
	return cadre_find(d, CADRE__V1__KIND__KIND_MODEL, model_id, field,
	                  CADRE_RELATED_NOT_FOUND, &model);
}
