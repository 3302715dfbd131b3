#include "tests/property/compare.h"

#include "engine/base/bytes.h"
#include "proto/codec/codec.h"

#define KIND(name) CADRE__V1__KIND__KIND_##name
#define ABSENT_TRIES 3

static struct cadre_error err;

static void assert_same(const ProtobufCMessage *expected, const ProtobufCMessage *found,
                        const char *what, const char *ocid)
{
	struct cadre_buffer x = { 0 };
	struct cadre_buffer y = { 0 };
	bool same;

	assert_ok(cadre_pack(expected, &x, &err));
	assert_ok(cadre_pack(found, &y, &err));
	same = cadre_slice_equal(cadre_buffer_slice(&x), cadre_buffer_slice(&y));
	cadre_buffer_fini(&x);
	cadre_buffer_fini(&y);
	if (!same)
		fail_msg("%s of \"%s\" differs from the model", what, ocid);
}

static void assert_text(struct cadre_slice found, const char *expected, const char *what,
                        const char *ocid)
{
	if (!cadre_slice_equal(found, cadre_slice_text(expected)))
		fail_msg("%s: \"%.*s\" instead of \"%s\" in \"%s\"", what,
		         (int)found.length, (const char *)found.data, expected, ocid);
}

/* ---- members ---- */

struct member_walk {
	const struct model_resource *group;
	size_t at;
	bool differs;
};

static bool same_member(const struct cadre_member *found,
                        const struct model_member *expected)
{
	return cadre_slice_equal(found->model_id, cadre_slice_text(expected->model_id)) &&
	       found->has_key == (expected->key != NULL) &&
	       (!expected->key ||
	        cadre_slice_equal(found->key, cadre_slice_text(expected->key)));
}

static enum cadre_status next_member(void *ctx, const struct cadre_member *member)
{
	struct member_walk *walk = ctx;

	if (walk->at >= walk->group->member_count ||
	    !same_member(member, &walk->group->members[walk->at])) {
		walk->differs = true;
		return CADRE_END;
	}
	walk->at++;
	return CADRE_OK;
}

static void compare_members_after(const struct comparing *c,
                                  const struct model_resource *group, size_t first,
                                  uint64_t lineage, uint32_t version)
{
	struct member_walk walk = { .group = group, .at = first };
	const char *after = first > 0 ? group->members[first - 1].model_id : NULL;

	assert_ok(cadre_view_members(c->view, lineage, version, after, next_member, &walk,
	                             &err));
	if (walk.differs || walk.at != group->member_count)
		fail_msg("member %zu of \"%s\" (from %zu on) differs from the model",
		         walk.at, group->row.ocid, first);
}

static void compare_one_member(const struct comparing *c,
                               const struct model_resource *group,
                               const struct model_member *member, uint64_t lineage,
                               uint32_t version)
{
	struct cadre_slice found;
	bool has_key;

	assert_ok(cadre_view_resolve(c->view, lineage, version,
	                             cadre_slice_text(member->model_id), &found, &err));
	assert_text(found, member->model_id, "resolved OCID", group->row.ocid);
	if (member->key) {
		assert_ok(cadre_view_resolve(c->view, lineage, version,
		                             cadre_slice_text(member->key), &found,
		                             &err));
		assert_text(found, member->model_id, "resolved key", group->row.ocid);
	}
	assert_ok(cadre_view_member_key(c->view, lineage, version,
	                                cadre_slice_text(member->model_id), &has_key,
	                                &found, &err));
	assert_int_equal(has_key, member->key != NULL);
	if (has_key)
		assert_text(found, member->key, "member's key", group->row.ocid);
}

/* Names that other groups have, and this one perhaps not. */
static void compare_foreign(const struct comparing *c, const struct model_resource *group,
                            const char *name, uint64_t lineage, uint32_t version)
{
	const struct model_member *expected = model_member_by_key(group, name);
	struct cadre_slice found;
	enum cadre_status status = cadre_view_resolve(
	        c->view, lineage, version, cadre_slice_text(name), &found, &err);

	if (!expected)
		expected = model_member_by_model(group, name);
	if (!expected && status != CADRE_NOT_FOUND)
		fail_msg("\"%s\" is no member of \"%s\", resolved with %s to \"%.*s\"",
		         name, group->row.ocid, cadre_status_name(status),
		         (int)found.length, (const char *)found.data);
	if (expected && status == CADRE_OK)
		assert_text(found, expected->model_id, "resolved name", group->row.ocid);
	if (expected)
		assert_int_equal(status, CADRE_OK);
}

static const struct model_resource *random_group(const struct comparing *c)
{
	const struct model_state *model = c->model;
	size_t at = test_random_below(c->random, model->resource_count);

	while (model->resources[at]->row.kind != KIND(GROUP))
		at = (at + 1) % model->resource_count;
	return model->resources[at];
}

static void compare_members(const struct comparing *c, const struct model_resource *group,
                            uint64_t lineage, uint32_t version)
{
	compare_members_after(c, group, 0, lineage, version);
	compare_members_after(c, group, test_random_below(c->random, group->member_count),
	                      lineage, version);
	for (size_t i = 0; i < group->member_count; i++)
		compare_one_member(c, group, &group->members[i], lineage, version);
	for (int i = 0; i < ABSENT_TRIES; i++) {
		const struct model_resource *other = random_group(c);
		const struct model_member *member = &other->members[test_random_below(
		        c->random, other->member_count)];
		compare_foreign(c, group, member->model_id, lineage, version);
		if (member->key)
			compare_foreign(c, group, member->key, lineage, version);
	}
	compare_foreign(c, group, "no such name", lineage, version);
}

/* ---- differences ---- */

struct difference {
	const struct model_resource *from;
	const struct model_resource *to;
	size_t count;
	bool wrong;
};

static enum cadre_status next_difference(void *ctx, const struct cadre_member *before,
                                         const struct cadre_member *after)
{
	struct difference *d = ctx;
	struct cadre_slice model = before ? before->model_id : after->model_id;
	char text[256] = "";
	const struct model_member *from;
	const struct model_member *to;

	memcpy(text, model.data, model.length);
	from = model_member_by_model(d->from, text);
	to = model_member_by_model(d->to, text);
	if (!before != !from || !after != !to || (before && !same_member(before, from)) ||
	    (after && !same_member(after, to)))
		d->wrong = true;
	d->count++;
	return CADRE_OK;
}

static bool same_keys(const struct model_member *a, const struct model_member *b)
{
	return a->key && b->key ? strcmp(a->key, b->key) == 0 : a->key == b->key;
}

static size_t count_differences(const struct model_resource *from,
                                const struct model_resource *to)
{
	size_t count = 0;

	for (size_t i = 0; i < from->member_count; i++) {
		const struct model_member *other =
		        model_member_by_model(to, from->members[i].model_id);
		count += !other || !same_keys(&from->members[i], other);
	}
	for (size_t i = 0; i < to->member_count; i++)
		count += !model_member_by_model(from, to->members[i].model_id);
	return count;
}

void compare_difference(const struct comparing *c, const struct model_resource *from,
                        const struct model_resource *to)
{
	struct difference d = { .from = from, .to = to };
	Cadre__V1__Resource *a, *b;

	cadre_arena_reset(c->view->arena);
	assert_ok(cadre_view_by_id(c->view, from->row.id, &a, &err));
	assert_ok(cadre_view_by_id(c->view, to->row.id, &b, &err));
	assert_ok(
	        cadre_view_diff(c->view, a->group, b->group, next_difference, &d, &err));
	if (d.wrong || d.count != count_differences(from, to))
		fail_msg("the difference from \"%s\" to \"%s\" is not the model's",
		         from->row.ocid, to->row.ocid);
}

/* ---- pointers ---- */

static void compare_pointer_at(const struct comparing *c,
                               const struct model_resource *resource, cadre_seq at,
                               bool members)
{
	uint64_t expected = model_pointer_at(resource, at);
	struct cadre_pointer found;
	enum cadre_status status = cadre_view_pointer(c->view, resource->row.kind,
	                                              resource->row.id, at, &found, &err);

	if (expected == 0) {
		assert_int_equal(status, CADRE_NOT_FOUND);
		return;
	}
	assert_ok(status);
	if (found.group != expected || found.since > at)
		fail_msg("\"%s\" at seq %llu: group %llu instead of %llu",
		         resource->row.ocid, (unsigned long long)at,
		         (unsigned long long)found.group, (unsigned long long)expected);
	if (members)
		compare_members(c, model_find_id(c->model, expected), found.lineage,
		                found.version);
}

static void compare_key_log(const struct comparing *c,
                            const struct model_resource *resource)
{
	cadre_seq before = CADRE_SEQ_MAX;
	struct cadre_pointer found;

	for (size_t i = resource->pointer_count; i-- > 0;) {
		const struct model_pointer *expected = &resource->pointers[i];
		/* Several moves in one event cannot be; each has a seq of its own. */
		assert_ok(cadre_view_pointer_before(c->view, resource->row.kind,
		                                    resource->row.id, before, &found,
		                                    &err));
		if (found.since != expected->since || found.group != expected->group ||
		    found.generation != expected->generation)
			fail_msg("pointer %zu of \"%s\" differs from the model", i,
			         resource->row.ocid);
		before = found.since;
	}
	assert_int_equal(cadre_view_pointer_before(c->view, resource->row.kind,
	                                           resource->row.id, before, &found,
	                                           &err),
	                 CADRE_END);
}

static cadre_seq seq_at(const struct comparing *c, cadre_time_ms time_ms)
{
	cadre_seq seq = 0;

	for (size_t i = 0; i < c->moment_count && c->moments[i].time_ms <= time_ms; i++)
		seq = c->moments[i].last_seq;
	return seq;
}

void compare_time(const struct comparing *c, cadre_time_ms time_ms)
{
	cadre_seq found;

	assert_ok(cadre_view_seq_at(c->view, time_ms, &found, &err));
	if (found != seq_at(c, time_ms))
		fail_msg("at %llu ms: seq %llu instead of %llu",
		         (unsigned long long)time_ms, (unsigned long long)found,
		         (unsigned long long)seq_at(c, time_ms));
}

static cadre_time_ms random_time(const struct comparing *c)
{
	size_t at = test_random_below(c->random, c->moment_count);

	return c->moments[at].time_ms - 1 + test_random_below(c->random, 3);
}

static void compare_pointers(const struct comparing *c,
                             const struct model_resource *resource)
{
	cadre_time_ms time_ms = random_time(c);
	cadre_seq seq;

	compare_pointer_at(c, resource, CADRE_SEQ_MAX, true);
	for (size_t i = 0; i < resource->pointer_count; i++) {
		compare_pointer_at(c, resource, resource->pointers[i].since, false);
		compare_pointer_at(c, resource, resource->pointers[i].since - 1, false);
	}
	compare_pointer_at(c, resource,
	                   test_random_below(c->random, c->model->applied_seq + 2), true);
	compare_time(c, time_ms);
	assert_ok(cadre_view_seq_at(c->view, time_ms, &seq, &err));
	compare_pointer_at(c, resource, seq, true);
	compare_key_log(c, resource);
}

/* ---- events of a deployment ---- */

struct touch_walk {
	const struct comparing *c;
	uint64_t deployment;
	size_t at;
	bool differs;
};

static void skip_others(struct touch_walk *walk)
{
	while (walk->at < walk->c->touch_count &&
	       walk->c->touches[walk->at].deployment != walk->deployment)
		walk->at++;
}

static enum cadre_status next_touch(void *ctx, cadre_seq seq, uint16_t type)
{
	struct touch_walk *walk = ctx;
	const struct touch *expected = &walk->c->touches[walk->at];

	if (walk->at >= walk->c->touch_count || expected->seq != seq ||
	    expected->type != type)
		walk->differs = true;
	walk->at++;
	skip_others(walk);
	return walk->differs ? CADRE_END : CADRE_OK;
}

static void compare_events(const struct comparing *c,
                           const struct model_resource *deployment)
{
	struct touch_walk walk = { .c = c, .deployment = deployment->row.id };
	cadre_seq after = test_random_below(c->random, 2) == 0 ? 0 : deployment->row.id;

	while (walk.at < c->touch_count && c->touches[walk.at].seq <= after)
		walk.at++;
	skip_others(&walk);
	assert_ok(cadre_view_deployment_events(c->view, deployment->row.id, after,
	                                       next_touch, &walk, &err));
	if (walk.differs || walk.at != c->touch_count)
		fail_msg("the events of \"%s\" differ from the model",
		         deployment->row.ocid);
}

/* ---- a resource ---- */

static void compare_group(const struct comparing *c, const struct model_resource *group,
                          const Cadre__V1__GroupState *state)
{
	struct cadre_pointer pointer;

	assert_ok(cadre_view_pointer(c->view, KIND(GROUP), group->row.id, CADRE_SEQ_MAX,
	                             &pointer, &err));
	assert_int_equal(pointer.group, group->row.id);
	assert_int_equal(pointer.lineage, state->lineage);
	assert_int_equal(pointer.version, state->lineage_version);
	assert_int_equal(cadre_view_pointer(c->view, KIND(GROUP), group->row.id,
	                                    group->row.id - 1, &pointer, &err),
	                 CADRE_NOT_FOUND);
	compare_members(c, group, state->lineage, state->lineage_version);
}

void compare_resource(const struct comparing *c, const struct model_resource *expected)
{
	Cadre__V1__Resource *found;
	Cadre__V1__Attributes *attributes;
	Cadre__V1__GroupState state = CADRE__V1__GROUP_STATE__INIT;

	cadre_arena_reset(c->view->arena);
	assert_ok(cadre_view_by_ocid(c->view, expected->name, &found, &err));
	if (found->kind == KIND(GROUP) && found->group) {
		state = *found->group;
		found->group->lineage = expected->detail.group.lineage;
		found->group->lineage_version = expected->detail.group.lineage_version;
	}
	assert_same(&expected->row.base, &found->base, "the row", expected->row.ocid);
	if (found->has_attributes) {
		assert_ok(cadre_view_attributes(c->view, found->attributes, &attributes,
		                                &err));
		assert_same(&expected->attributes.base, &attributes->base, "attributes",
		            expected->row.ocid);
	}
	if (expected->row.kind == KIND(GROUP))
		compare_group(c, expected, &state);
	if (expected->row.kind == KIND(HISTORY) || expected->row.kind == KIND(DEPLOYMENT))
		compare_pointers(c, expected);
	if (expected->row.kind == KIND(DEPLOYMENT))
		compare_events(c, expected);
}

void compare_token(const struct comparing *c, const struct model_token *expected,
                   cadre_time_ms now_ms)
{
	Cadre__V1__TokenRow *found;
	enum cadre_status status;

	cadre_arena_reset(c->view->arena);
	status = cadre_view_token(c->view, expected->principal, expected->token, &found,
	                          &err);
	/* Expired rows go when there is time for it. */
	if (now_ms - expected->row.time_ms >= CADRE_TOKEN_AGE_MS) {
		assert_true(status == CADRE_OK || status == CADRE_NOT_FOUND);
		return;
	}
	assert_ok(status);
	if (found->seq == expected->row.seq)
		assert_same(&expected->row.base, &found->base, "token", expected->token);
	else
		assert_true(found->seq > expected->row.seq);
}

void compare_absent(const struct comparing *c)
{
	Cadre__V1__Resource *found;

	assert_int_equal(cadre_view_by_ocid(c->view, "ocid1.never", &found, &err),
	                 CADRE_NOT_FOUND);
	assert_int_equal(
	        cadre_view_by_id(c->view, c->model->applied_seq + 1, &found, &err),
	        CADRE_NOT_FOUND);
}
