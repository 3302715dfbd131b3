/* Pages, filters, names. */
#include "tests/unit/views/fixture.h"

static void create(struct fixture *f, const char *id, const char *name)
{
	Cadre__V1__Event *event = test_event_group_created(&f->arena, id, "c1", "m1");

	event->group_created->group->display_name = (char *)(uintptr_t)name;
	apply(f, event);
}

static enum cadre_status join_id(void *ctx, const Cadre__V1__Resource *resource)
{
	struct joined *joined = ctx;

	join_text(joined, joined->text[0] ? " " : "");
	join_text(joined, resource->ocid);
	return CADRE_OK;
}

/* Every page of the query, pages divided by "|". */
static void assert_pages(struct fixture *f, struct cadre_list_query query,
                         const char *expected)
{
	struct joined all = { "" };
	struct cadre_buffer next = { NULL, 0, 0 };

	for (int page = 0; page < 50; page++) {
		struct joined joined = { "" };

		assert_ok(
		        cadre_view_list(&f->view, &query, join_id, &joined, &next, &err));
		join_text(&all, page > 0 ? " | " : "");
		join_text(&all, joined.text);
		if (next.length == 0)
			break;
		query.after = cadre_buffer_slice(&next);
	}
	cadre_buffer_fini(&next);
	assert_string_equal(all.text, expected);
}

static struct cadre_list_query groups(unsigned limit)
{
	return (struct cadre_list_query){ .kind = KIND(GROUP),
		                          .compartment_id = "c1",
		                          .limit = limit };
}

static void pages_cover_all_rows_in_either_direction(void **state)
{
	struct fixture *f = *state;
	struct cadre_list_query query = groups(2);

	create(f, "g1", "delta");
	create(f, "g2", "alpha");
	create(f, "g3", "charlie");
	create(f, "g4", "bravo");
	create(f, "g5", "alpha");
	apply(f, test_event_group_created(&f->arena, "x1", "c2", "m1"));
	assert_pages(f, query, "g1 g2 | g3 g4 | g5");
	query.descending = true;
	assert_pages(f, query, "g5 g4 | g3 g2 | g1");
	query.sort = CADRE_SORT_NAME;
	assert_pages(f, query, "g1 g3 | g4 g5 | g2");
	query.descending = false;
	assert_pages(f, query, "g2 g5 | g4 g3 | g1");
	query.limit = 5;
	assert_pages(f, query, "g2 g5 g4 g3 g1");
	query.compartment_id = "nowhere";
	assert_pages(f, query, "");
}

static void pages_by_state_go_through_the_states(void **state)
{
	struct fixture *f = *state;
	struct cadre_list_query query = groups(2);

	create(f, "g1", "a");
	create(f, "g2", "b");
	create(f, "g3", "c");
	create(f, "g4", "d");
	apply(f, test_event_ref(&f->arena, BODY(GROUP_DELETED), "g1"));
	apply(f, test_event_ref(&f->arena, BODY(GROUP_DEACTIVATED), "g3"));
	query.sort = CADRE_SORT_STATE;
	assert_pages(f, query, "g2 g4 | g3 g1");
	query.descending = true;
	assert_pages(f, query, "g1 g3 | g4 g2");
	query.limit = 1;
	assert_pages(f, query, "g1 | g3 | g4 | g2");
	query.lifecycle_state = STATE(ACTIVE);
	assert_pages(f, query, "g4 | g2");
}

static void filters_agree_with_the_pages(void **state)
{
	struct fixture *f = *state;
	struct cadre_list_query query = groups(1);

	create(f, "g1", "same");
	create(f, "g2", "other");
	create(f, "g3", "same");
	query.display_name = "same";
	assert_pages(f, query, "g1 | g3");
	query.descending = true;
	assert_pages(f, query, "g3 | g1");
	query.created_by = "nobody";
	assert_pages(f, query, "");
	query.created_by = "tester";
	query.project_id = "p1";
	assert_pages(f, query, "g3 | g1");
	query.project_id = "p2";
	assert_pages(f, query, "");
}

static void a_page_is_stable_while_rows_come(void **state)
{
	struct fixture *f = *state;
	struct cadre_list_query query = groups(2);
	struct cadre_buffer next = { NULL, 0, 0 };
	struct joined joined = { "" };

	create(f, "g1", "b");
	create(f, "g2", "d");
	create(f, "g3", "f");
	query.sort = CADRE_SORT_NAME;
	assert_ok(cadre_view_list(&f->view, &query, join_id, &joined, &next, &err));
	assert_string_equal(joined.text, "g1 g2");
	create(f, "g4", "a");
	create(f, "g5", "e");
	joined.text[0] = '\0';
	query.after = cadre_buffer_slice(&next);
	assert_ok(cadre_view_list(&f->view, &query, join_id, &joined, &next, &err));
	assert_string_equal(joined.text, "g5 g3");
	assert_int_equal(next.length, 0);
	cadre_buffer_fini(&next);
}

static void versions_of_a_history_list_in_order(void **state)
{
	struct fixture *f = *state;
	struct cadre_list_query query = groups(2);

	apply(f, test_event_history_created(&f->arena, "h1", "c1", "line"));
	for (uint64_t i = 1; i <= 3; i++) {
		Cadre__V1__Event *event = test_event_group_created(
		        &f->arena, test_text(&f->arena, "g%d", (int)i), "c1", "m1");

		test_event_link(&f->arena, event, "h1", i, true);
		apply(f, event);
		create(f, test_text(&f->arena, "x%d", (int)i), "else");
	}
	query.history = get(f, "h1")->id;
	assert_pages(f, query, "g1 g2 | g3");
	query.descending = true;
	assert_pages(f, query, "g3 g2 | g1");
}

static char *long_name(struct fixture *f, char fill, char last)
{
	char name[252];

	memset(name, fill, 250);
	name[250] = last;
	name[251] = '\0';
	return test_text(&f->arena, "%s", name);
}

static void names_beyond_the_keys_length_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct cadre_list_query query = groups(1);
	struct joined joined = { "" };

	create(f, "g1", long_name(f, 'n', '1'));
	create(f, "g2", long_name(f, 'n', '2'));
	create(f, "g3", long_name(f, 'n', '2'));
	assert_ok(cadre_view_by_name(&f->view, KIND(GROUP), "c1", long_name(f, 'n', '1'),
	                             join_id, &joined, &err));
	assert_string_equal(joined.text, "g1");
	query.display_name = long_name(f, 'n', '2');
	assert_pages(f, query, "g2 | g3");
	/* Equal first 200 bytes: in the order of their hashes. */
	query.display_name = NULL;
	query.sort = CADRE_SORT_NAME;
	assert_pages(f, query, "g1 | g2 | g3");
}

static void a_name_is_a_whole_name_and_of_the_living(void **state)
{
	struct fixture *f = *state;
	struct cadre_state window = cadre_view_state(&f->view);
	struct joined joined = { "" };
	Cadre__V1__Resource *found;

	create(f, "g1", "name");
	create(f, "g2", "name2");
	create(f, "g3", "name");
	apply(f, test_event_ref(&f->arena, BODY(GROUP_DELETED), "g1"));
	assert_ok(cadre_view_by_name(&f->view, KIND(GROUP), "c1", "name", join_id,
	                             &joined, &err));
	assert_string_equal(joined.text, "g3");
	apply(f, test_event_history_created(&f->arena, "h1", "c1", "line"));
	assert_ok(window.ops->history_by_name(window.ctx, "c1", "line", &found, &err));
	assert_string_equal(found->ocid, "h1");
	assert_int_equal(
	        window.ops->history_by_name(window.ctx, "c2", "line", &found, &err),
	        CADRE_NOT_FOUND);
	apply(f, test_event_ref(&f->arena, BODY(HISTORY_DELETED), "h1"));
	assert_int_equal(
	        window.ops->history_by_name(window.ctx, "c1", "line", &found, &err),
	        CADRE_NOT_FOUND);
}

/* As bounded as a store's look-up is: memory for some resources, not for all that
 * ever had the name; and a deleted history's row is out of the way of look-ups. */
static void those_who_had_a_name_do_not_weigh_on_who_has_it(void **state)
{
	struct fixture *f = *state;
	struct cadre_list_query query = groups(1000);
	struct cadre_arena small;
	struct cadre_buffer next = { NULL, 0, 0 };
	struct joined joined = { "" };
	struct cadre_kv_cursor *cursor;
	struct cadre_slice key, value;
	unsigned rows = 0, freed = 0;

	for (unsigned i = 0; i < 300; i++) {
		char *id = test_text(&f->arena, "h%u", i);
		apply(f, test_event_history_created(&f->arena, id, "c1", "line"));
		apply(f, test_event_ref(&f->arena, BODY(HISTORY_DELETED), id));
		id = test_text(&f->arena, "g%u", i);
		create(f, id, "line");
		apply(f, test_event_ref(&f->arena, BODY(GROUP_DELETED), id));
	}
	create(f, "last", "line");
	cadre_arena_init(&small, 4096);
	f->view.arena = &small;
	assert_ok(cadre_view_by_name(&f->view, KIND(GROUP), "c1", "line", join_id,
	                             &joined, &err));
	assert_ok(cadre_view_by_name(&f->view, KIND(HISTORY), "c1", "line", join_id,
	                             &joined, &err));
	assert_string_equal(joined.text, "last");
	f->view.arena = &f->arena;
	cadre_arena_fini(&small);

	assert_ok(cadre_kv_cursor_open(f->view.txn, &cursor, &err));
	assert_ok(cadre_kv_seek(cursor, cadre_slice_text("n"), &key, &value));
	do {
		if (key.data[0] != 'n')
			break;
		rows++;
		freed += key.data[key.length - 9] == 0xff;
	} while (cadre_kv_next(cursor, &key, &value) == CADRE_OK);
	cadre_kv_cursor_close(cursor);
	assert_int_equal(rows, 601);
	assert_int_equal(freed, 300);
	query.kind = KIND(HISTORY);
	query.display_name = "line";
	query.limit = 2;
	query.descending = true;
	joined.text[0] = '\0';
	assert_ok(cadre_view_list(&f->view, &query, join_id, &joined, &next, &err));
	assert_string_equal(joined.text, "h299 h298");
	cadre_buffer_fini(&next);
}

static void renamed_and_moved_rows_are_listed_where_they_are(void **state)
{
	struct fixture *f = *state;
	Cadre__V1__Event *event;
	struct cadre_list_query query = groups(5);

	create(f, "g1", "a");
	create(f, "g2", "b");
	event = test_event_group_updated(&f->arena, "g1");
	event->group_updated->changes->display_name = test_text(&f->arena, "z");
	apply(f, event);
	query.sort = CADRE_SORT_NAME;
	assert_pages(f, query, "g2 g1");
	apply(f, test_event_moved(&f->arena, BODY(GROUP_MOVED), "g2", "c2"));
	assert_pages(f, query, "g1");
	query.compartment_id = "c2";
	assert_pages(f, query, "g2");
}

static void nodes_list_without_a_compartment(void **state)
{
	struct fixture *f = *state;
	struct cadre_list_query query = { .kind = KIND(NODE), .limit = 10 };
	struct cadre_buffer next = { NULL, 0, 0 };

	apply(f, test_event_node_registered(&f->arena, "n2"));
	apply(f, test_event_principal_put(&f->arena, "p"));
	apply(f, test_event_node_registered(&f->arena, "n1"));
	assert_pages(f, query, "n2 n1");
	query.kind = KIND(GROUP);
	assert_int_equal(cadre_view_list(&f->view, &query, join_id, NULL, &next, &err),
	                 CADRE_MISSING_PARAMETER);
}

static void each_visits_the_live_of_a_kind_in_every_compartment(void **state)
{
	struct fixture *f = *state;
	struct joined joined = { "" };

	assert_ok(cadre_view_each(&f->view, KIND(DEPLOYMENT), join_id, &joined, &err));
	assert_string_equal(joined.text, "");
	apply(f, test_event_node_registered(&f->arena, "n1"));
	apply(f, test_event_group_created(&f->arena, "g1", "c1", "m1"));
	apply(f, test_event_group_created(&f->arena, "g2", "c2", "m1"));
	apply(f, test_event_deployment_created(&f->arena, "d1", "c3", "g1"));
	apply(f, test_event_deployment_created(&f->arena, "d2", "c1", "g1"));
	apply(f, test_event_deployment_created(&f->arena, "d3", "c3", "g2"));
	apply(f, test_event_deployment_created(&f->arena, "d4", "c1", "g2"));
	apply(f, test_event_model_registered(&f->arena, "m1", "c4"));
	apply(f, test_event_node_registered(&f->arena, "n2"));
	apply(f, test_event_node_registered(&f->arena, "n3"));
	apply(f, test_event_ref(&f->arena, BODY(DEPLOYMENT_DELETED), "d2"));
	apply(f, test_event_node_retired(&f->arena, "n2"));
	assert_ok(cadre_view_each(&f->view, KIND(DEPLOYMENT), join_id, &joined, &err));
	assert_string_equal(joined.text, "d4 d1 d3");
	joined.text[0] = '\0';
	assert_ok(cadre_view_each(&f->view, KIND(NODE), join_id, &joined, &err));
	assert_string_equal(joined.text, "n1 n3");
}

static enum cadre_status stop_at_d1(void *ctx, const Cadre__V1__Resource *resource)
{
	enum cadre_status status = join_id(ctx, resource);

	return strcmp(resource->ocid, "d1") == 0 ? CADRE_END : status;
}

static enum cadre_status say_lagging(void *ctx, const Cadre__V1__Resource *resource)
{
	(void)ctx;
	(void)resource;
	return CADRE_LAGGING;
}

static void each_stops_when_its_callback_says_so(void **state)
{
	struct fixture *f = *state;
	struct joined joined = { "" };

	apply(f, test_event_group_created(&f->arena, "g1", "c1", "m1"));
	apply(f, test_event_deployment_created(&f->arena, "d1", "c1", "g1"));
	apply(f, test_event_deployment_created(&f->arena, "d2", "c1", "g1"));
	apply(f, test_event_deployment_created(&f->arena, "d3", "c2", "g1"));
	assert_ok(cadre_view_each(&f->view, KIND(DEPLOYMENT), stop_at_d1, &joined, &err));
	assert_string_equal(joined.text, "d1");
	assert_int_equal(
	        cadre_view_each(&f->view, KIND(DEPLOYMENT), say_lagging, NULL, &err),
	        CADRE_LAGGING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEW_TEST(pages_cover_all_rows_in_either_direction),
		VIEW_TEST(pages_by_state_go_through_the_states),
		VIEW_TEST(filters_agree_with_the_pages),
		VIEW_TEST(a_page_is_stable_while_rows_come),
		VIEW_TEST(versions_of_a_history_list_in_order),
		VIEW_TEST(names_beyond_the_keys_length_are_told_apart),
		VIEW_TEST(a_name_is_a_whole_name_and_of_the_living),
		VIEW_TEST(those_who_had_a_name_do_not_weigh_on_who_has_it),
		VIEW_TEST(renamed_and_moved_rows_are_listed_where_they_are),
		VIEW_TEST(nodes_list_without_a_compartment),
		VIEW_TEST(each_visits_the_live_of_a_kind_in_every_compartment),
		VIEW_TEST(each_stops_when_its_callback_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
