#include "engine/views/members.h"

/* One side of a merge of two walks in the same order. */
struct side {
	struct cadre_member_walk walk;
	struct cadre_member member;
	bool done;
};

static enum cadre_status advance(struct side *side, struct cadre_error *err)
{
	enum cadre_status status = cadre_member_walk_next(&side->walk, &side->member,
	                                                  err);

	side->done = status == CADRE_END;
	return side->done ? CADRE_OK : status;
}

static enum cadre_status start(struct side *side, struct cadre_view *view,
                               const Cadre__V1__GroupState *group,
                               struct cadre_error *err)
{
	enum cadre_status status = cadre_member_walk_init(
	        &side->walk, view, group->lineage, group->lineage_version, NULL, err);

	side->done = false;
	return status == CADRE_OK ? advance(side, err) : status;
}

/* Negative: `before` comes first; positive: `after`; zero: both name one model. */
static int order(const struct side *before, const struct side *after)
{
	if (before->done || after->done)
		return before->done ? 1 : -1;
	return cadre_slice_compare(before->member.model_id, after->member.model_id);
}

static bool same_key(const struct cadre_member *a, const struct cadre_member *b)
{
	return a->has_key == b->has_key && cadre_slice_equal(a->key, b->key);
}

static enum cadre_status step(struct side *before, struct side *after, cadre_diff_fn fn,
                              void *ctx, struct cadre_error *err)
{
	int which = order(before, after);
	enum cadre_status status = CADRE_OK;

	if (which != 0 || !same_key(&before->member, &after->member))
		status = fn(ctx, which <= 0 ? &before->member : NULL,
		            which >= 0 ? &after->member : NULL);
	if (status == CADRE_OK && which <= 0)
		status = advance(before, err);
	if (status == CADRE_OK && which >= 0)
		status = advance(after, err);
	return status;
}

enum cadre_status cadre_view_diff(struct cadre_view *view,
                                  const Cadre__V1__GroupState *from,
                                  const Cadre__V1__GroupState *to, cadre_diff_fn fn,
                                  void *ctx, struct cadre_error *err)
{
	struct side before = { .walk.rows.cursor = NULL };
	struct side after = { .walk.rows.cursor = NULL };
	enum cadre_status status = start(&before, view, from, err);

	if (status == CADRE_OK)
		status = start(&after, view, to, err);
	while (status == CADRE_OK && !(before.done && after.done))
		status = step(&before, &after, fn, ctx, err);
	cadre_member_walk_fini(&before.walk);
	cadre_member_walk_fini(&after.walk);
	return status == CADRE_END ? CADRE_OK : status;
}
