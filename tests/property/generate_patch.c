/* Member lists and instructions. */
#include "tests/property/generate.h"
#include "tests/support/events.h"

#define VALUES_MAX 64

char *generated_model(struct generator *g)
{
	unsigned pool = chance(g, 85) ? 90 : 3000;
	unsigned number = (unsigned)below(g, pool);
	const struct model_resource *known =
	        g->model->cluster.strict_members && chance(g, 98)
	                ? pick(g, CADRE__V1__KIND__KIND_MODEL, chance(g, 99))
	                : NULL;

	if (known)
		return test_text(g->arena, "%s", known->row.ocid);

	/* Short ones fit into a key; "m1" is a prefix of "m10". */
	return number % 2 ? test_text(g->arena, "m%u", number)
	                  : test_text(g->arena, "ocid1.datasciencemodel.oc1.iad.m%u",
	                              number);
}

char *generated_key(struct generator *g)
{
	unsigned number = (unsigned)below(g, chance(g, 80) ? 60 : 2000);

	switch (below(g, 10)) {
	case 0:
	case 1:
		return NULL;
	case 2:
		return test_text(g->arena, "m%u", number); /* perhaps somebody's OCID */
	case 3:
		return test_text(g->arena, "\xd0\xba\xd0\xbb-%u", number);
	case 4:
		return test_text(g->arena, "%u", number % 10);
	default:
		return test_text(g->arena, "k%u", number);
	}
}

static Cadre__V1__Member *make_member(struct generator *g, const char *model,
                                      const char *key)
{
	Cadre__V1__Member *member = test_message(g->arena,
	                                         &cadre__v1__member__descriptor);

	member->model_id = test_text(g->arena, "%s", model);
	member->inference_key = key ? test_text(g->arena, "%s", key) : NULL;
	return member;
}

/* Neither text names another member of the list. */
static bool fits(Cadre__V1__Member **members, size_t count, const char *model,
                 const char *key)
{
	for (size_t i = 0; i < count; i++) {
		const char *other = members[i]->inference_key;
		if (strcmp(members[i]->model_id, model) == 0 ||
		    (other && strcmp(other, model) == 0))
			return false;
		if (key && (strcmp(members[i]->model_id, key) == 0 ||
		            (other && strcmp(other, key) == 0)))
			return false;
	}
	return true;
}

Cadre__V1__Member **generate_members(struct generator *g, size_t *ret_count)
{
	size_t wanted = 1 + below(g, chance(g, 90) ? 8 : 60);
	Cadre__V1__Member **members;
	size_t count = 0;

	/* More than a deployment takes. */
	if (below(g, 200) == 0)
		wanted = 510;
	members = cadre_arena_alloc(g->arena, (wanted + 1) * sizeof(void *));
	assert_non_null(members);
	for (size_t tries = 0; count < wanted && tries < 3 * wanted; tries++) {
		char *model = wanted > 100 ? test_text(g->arena, "large-%zu", tries)
		                           : generated_model(g);
		char *key = generated_key(g);
		if (key && chance(g, 5) && strlen(model) <= 32)
			key = model;
		if (fits(members, count, model, key))
			members[count++] = make_member(g, model, key);
	}
	if (count == 0)
		members[count++] = make_member(g, "m1", NULL);
	*ret_count = count;
	return members;
}

struct script {
	struct generator *g;
	Cadre__V1__PatchInstruction **list;
	size_t count;
	const struct model_resource *source;
};

static void put(struct script *s, Cadre__V1__PatchOperation operation, const char *model,
                const char *key)
{
	Cadre__V1__PatchInstruction *last = s->count > 0 ? s->list[s->count - 1] : NULL;

	if (!last || last->operation != operation || last->n_values == VALUES_MAX ||
	    chance(s->g, 30)) {
		last = test_message(s->g->arena,
		                    &cadre__v1__patch_instruction__descriptor);
		last->operation = operation;
		last->values = cadre_arena_alloc(s->g->arena,
		                                 VALUES_MAX * sizeof(void *));
		assert_non_null(last->values);
		s->list[s->count++] = last;
	}
	last->values[last->n_values++] = make_member(s->g, model, key);
}

static void insert(struct script *s, const char *model, const char *key)
{
	put(s, CADRE__V1__PATCH_OPERATION__INSERT, model, key);
}

static void take_out(struct script *s, const struct model_member *member)
{
	put(s, CADRE__V1__PATCH_OPERATION__REMOVE, member->model_id,
	    chance(s->g, 40) ? member->key : NULL);
}

static const struct model_member *any_member(struct script *s)
{
	return &s->source->members[below(s->g, s->source->member_count)];
}

static bool absent(const struct model_resource *source, const char *text)
{
	return !model_member_by_model(source, text) && !model_member_by_key(source, text);
}

static void insert_new(struct script *s)
{
	char *model = generated_model(s->g);
	char *key = generated_key(s->g);

	for (int i = 0; i < 20 && !absent(s->source, model); i++)
		model = generated_model(s->g);
	if (key && chance(s->g, 95) && !absent(s->source, key))
		key = NULL;
	if (key && chance(s->g, 5) && strlen(model) <= 32)
		key = model;
	insert(s, model, key);
}

static void swap_keys(struct script *s)
{
	const struct model_member *a = any_member(s);
	const struct model_member *b = any_member(s);

	if (a == b) {
		insert_new(s);
		return;
	}
	take_out(s, a);
	take_out(s, b);
	insert(s, a->model_id, b->key);
	insert(s, b->model_id, a->key);
}

static void re_key(struct script *s)
{
	const struct model_member *member = any_member(s);
	char *key = generated_key(s->g);

	if (key && chance(s->g, 90) && !absent(s->source, key))
		key = NULL;
	take_out(s, member);
	insert(s, member->model_id, chance(s->g, 15) ? member->key : key);
}

static void replace(struct script *s)
{
	const struct model_member *member = any_member(s);

	take_out(s, member);
	insert(s,
	       s->g->model->cluster.strict_members
	               ? generated_model(s->g)
	               : test_text(s->g->arena, "n%u", s->g->names++),
	       member->key);
}

/* What the rules refuse, mostly. */
static void go_wrong(struct script *s)
{
	const struct model_member *member = any_member(s);

	switch (below(s->g, 5)) {
	case 0:
		insert(s, member->model_id, NULL);
		break;
	case 1:
		put(s, CADRE__V1__PATCH_OPERATION__REMOVE, generated_model(s->g), NULL);
		break;
	case 2:
		put(s, CADRE__V1__PATCH_OPERATION__REMOVE, member->model_id,
		    generated_key(s->g));
		break;
	case 3:
		insert(s, generated_model(s->g), member->key);
		break;
	default:
		for (size_t i = 0; i < s->source->member_count && i < VALUES_MAX; i++)
			take_out(s, &s->source->members[i]);
		break;
	}
}

Cadre__V1__PatchInstruction **generate_patch(struct generator *g,
                                             const struct model_resource *source,
                                             size_t *ret_count)
{
	struct script s = { .g = g, .source = source };
	size_t steps = 1 + (chance(g, 25) ? below(g, 6) : 0);

	s.list = cadre_arena_alloc(g->arena, 2 * VALUES_MAX * sizeof(void *));
	assert_non_null(s.list);
	if (chance(g, 6))
		steps = 0;
	for (size_t i = 0; i < steps && s.count < VALUES_MAX / 2; i++) {
		unsigned what = (unsigned)below(g, 100);
		if (what < 30)
			insert_new(&s);
		else if (what < 45)
			take_out(&s, any_member(&s));
		else if (what < 60)
			swap_keys(&s);
		else if (what < 75)
			re_key(&s);
		else if (what < 94)
			replace(&s);
		else
			go_wrong(&s);
	}
	*ret_count = s.count;
	return s.list;
}
