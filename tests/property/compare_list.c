/* Pages of resources. */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "tests/property/compare.h"
#include "tests/property/generate.h"

#define KIND(name) CADRE__V1__KIND__KIND_##name
#define STATE(name) CADRE__V1__LIFECYCLE_STATE__##name
#define NAME_BYTES 200
#define POSITION_BYTES_MAX 300

static struct cadre_error err;

struct ids {
	uint64_t *at;
	size_t count;
	size_t capacity;
};

static void add_id(struct ids *ids, uint64_t id)
{
	if (ids->count == ids->capacity) {
		ids->capacity = ids->capacity ? 2 * ids->capacity : 64;
		ids->at = realloc(ids->at, ids->capacity * sizeof *ids->at);
		CADRE_ASSERT(ids->at);
	}
	ids->at[ids->count++] = id;
}

/* ---- what the model lists ---- */

static bool text_fits(const char *wanted, const char *text)
{
	return !wanted || (text && strcmp(wanted, text) == 0);
}

static bool is_listed(const struct cadre_list_query *query,
                      const struct model_resource *resource)
{
	const Cadre__V1__Resource *row = &resource->row;

	if (query->history != 0 &&
	    (row->kind != KIND(GROUP) || !resource->detail.group.has_history ||
	     resource->detail.group.history != query->history))
		return false;
	return row->kind == query->kind &&
	       text_fits(query->compartment_id, row->compartment_id) &&
	       text_fits(query->project_id, row->project_id) &&
	       text_fits(query->display_name, row->display_name) &&
	       text_fits(query->created_by, row->created_by) &&
	       (query->lifecycle_state == 0 ||
	        query->lifecycle_state == (int)row->lifecycle_state);
}

struct entry {
	const struct model_resource *resource;
	const struct cadre_list_query *query;
};

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Long names: the first 200 bytes, then by their hash. */
static int compare_names(const char *a, const char *b)
{
	int order = strncmp(a, b, NAME_BYTES);
	struct cadre_sha256 x = cadre_sha256(a, strlen(a));
	struct cadre_sha256 y = cadre_sha256(b, strlen(b));

	return order != 0 ? order : memcmp(x.bytes, y.bytes, 16);
}

static bool is_deleted(const Cadre__V1__Resource *row)
{
	return row->lifecycle_state == CADRE__V1__LIFECYCLE_STATE__DELETED;
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left;
	const struct entry *b = right;
	const struct cadre_list_query *query = a->query;
	const Cadre__V1__Resource *x = &a->resource->row;
	const Cadre__V1__Resource *y = &b->resource->row;
	int order = 0;

	if (query->history != 0)
		order = compare_u64(a->resource->detail.group.version_id,
		                    b->resource->detail.group.version_id);
	else if (query->sort == CADRE_SORT_STATE)
		order = compare_u64(x->lifecycle_state, y->lifecycle_state);
	else if (query->sort == CADRE_SORT_NAME)
		order = compare_names(x->display_name, y->display_name);
	/* Who had a name comes behind who has it. */
	if (order == 0 && query->sort == CADRE_SORT_NAME && query->history == 0 &&
	    query->kind == KIND(HISTORY))
		order = (int)is_deleted(x) - (int)is_deleted(y);
	if (order == 0)
		order = compare_u64(x->id, y->id);
	return query->descending ? -order : order;
}

static void list_model(const struct model_state *model,
                       const struct cadre_list_query *query, struct ids *ids)
{
	struct entry *entries = calloc(model->resource_count, sizeof *entries);
	size_t count = 0;

	CADRE_ASSERT(entries);
	for (size_t i = 0; i < model->resource_count; i++) {
		if (is_listed(query, model->resources[i]))
			entries[count++] = (struct entry){ model->resources[i], query };
	}
	qsort(entries, count, sizeof *entries, compare_entries);
	for (size_t i = 0; i < count; i++)
		add_id(ids, entries[i].resource->row.id);
	free(entries);
}

/* ---- what the views list ---- */

static enum cadre_status take(void *ctx, const Cadre__V1__Resource *resource)
{
	add_id(ctx, resource->id);
	return CADRE_OK;
}

static void list_view(const struct comparing *c, struct cadre_list_query query,
                      struct ids *ids)
{
	struct cadre_buffer next = { 0 };
	struct cadre_buffer position = { 0 };

	do {
		size_t before = ids->count;
		cadre_buffer_clear(&position);
		assert_ok(cadre_buffer_append(&position, next.data, next.length));
		query.after = cadre_buffer_slice(&position);
		cadre_arena_reset(c->view->arena);
		assert_ok(cadre_view_list(c->view, &query, take, ids, &next, &err));
		assert_true(ids->count - before <= query.limit);
		assert_true(next.length <= POSITION_BYTES_MAX);
		/* A page that is not the last is full. */
		assert_true(next.length == 0 || ids->count - before == query.limit);
	} while (next.length > 0);
	cadre_buffer_fini(&next);
	cadre_buffer_fini(&position);
}

static void compare_query(const struct comparing *c, const struct cadre_list_query *query)
{
	struct ids expected = { 0 };
	struct ids found = { 0 };
	size_t same = 0;

	list_model(c->model, query, &expected);
	list_view(c, *query, &found);
	while (same < expected.count && same < found.count &&
	       expected.at[same] == found.at[same])
		same++;
	if (same < expected.count || same < found.count)
		fail_msg("list: kind %d, compartment \"%s\", name \"%s\", history %llu, "
		         "sort %d, %s, state %d, pages of %u: entry %zu of %zu differs",
		         (int)query->kind,
		         query->compartment_id ? query->compartment_id : "",
		         query->display_name ? query->display_name : "",
		         (unsigned long long)query->history, (int)query->sort,
		         query->descending ? "down" : "up", query->lifecycle_state,
		         query->limit, same, expected.count);
	free(expected.at);
	free(found.at);
}

/* ---- random lists ---- */

static uint64_t below_of(const struct comparing *c, uint64_t bound)
{
	return test_random_below(c->random, bound);
}

static const struct model_resource *random_resource(const struct comparing *c,
                                                    Cadre__V1__Kind kind)
{
	size_t at = below_of(c, c->model->resource_count);

	for (size_t i = 0; i < c->model->resource_count; i++) {
		const struct model_resource *found = c->model->resources[at];
		if (found->row.kind == kind)
			return found;
		at = (at + 1) % c->model->resource_count;
	}
	return NULL;
}

static bool is_global(Cadre__V1__Kind kind)
{
	return kind == KIND(NODE) || kind == KIND(PRINCIPAL);
}

static void add_filters(const struct comparing *c, struct cadre_list_query *query)
{
	const struct model_resource *sample = random_resource(c, query->kind);

	if (sample && below_of(c, 4) == 0)
		query->project_id = sample->row.project_id;
	if (sample && below_of(c, 3) == 0)
		query->display_name = sample->row.display_name;
	if (sample && below_of(c, 4) == 0)
		query->created_by = sample->row.created_by;
	if (below_of(c, 3) == 0)
		query->lifecycle_state = 1 + (int)below_of(c, STATE(DELETED));
	if (query->kind == KIND(GROUP) && below_of(c, 4) == 0) {
		const struct model_resource *history = random_resource(c, KIND(HISTORY));
		query->history = history ? history->row.id : 0;
		if (query->history != 0 && below_of(c, 2) == 0)
			query->compartment_id = NULL;
	}
}

void compare_list(const struct comparing *c)
{
	static const unsigned limits[] = { 1, 7, 100 };
	struct cadre_list_query query = {
		.kind = (Cadre__V1__Kind)(1 + below_of(c, 6)),
		.sort = (enum cadre_sort)below_of(c, 3),
		.descending = below_of(c, 2) == 0,
		.limit = limits[below_of(c, 3)],
	};

	if (!is_global(query.kind))
		query.compartment_id = generated_compartment(
		        (unsigned)below_of(c, GENERATED_COMPARTMENTS));
	add_filters(c, &query);
	compare_query(c, &query);
}

void compare_all_lists(const struct comparing *c)
{
	for (int kind = 1; kind <= 6; kind++) {
		for (unsigned i = 0; i < GENERATED_COMPARTMENTS * 6; i++) {
			struct cadre_list_query query = {
				.kind = (Cadre__V1__Kind)kind,
				.sort = (enum cadre_sort)(i % 3),
				.descending = i / 3 % 2 == 0,
				.limit = 100,
			};
			if (!is_global(query.kind))
				query.compartment_id = generated_compartment(i / 6);
			compare_query(c, &query);
		}
	}
}

/* ---- by name ---- */

void compare_name(const struct comparing *c)
{
	Cadre__V1__Kind kind = (Cadre__V1__Kind)(1 + below_of(c, 6));
	const struct model_resource *sample = random_resource(c, kind);
	struct ids found = { 0 };
	size_t at = 0;

	if (!sample)
		return;
	cadre_arena_reset(c->view->arena);
	assert_ok(cadre_view_by_name(c->view, kind, sample->row.compartment_id,
	                             sample->row.display_name, take, &found, &err));
	for (size_t i = c->model->resource_count; i-- > 0;) {
		const Cadre__V1__Resource *row = &c->model->resources[i]->row;
		if (row->kind != kind || row->lifecycle_state == STATE(DELETED) ||
		    !text_fits(sample->row.compartment_id, row->compartment_id) ||
		    !text_fits(sample->row.display_name, row->display_name))
			continue;
		assert_true(at < found.count);
		assert_int_equal(found.at[at++], row->id);
	}
	assert_int_equal(at, found.count);
	free(found.at);
}
