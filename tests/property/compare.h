/*
 * The views against the naive model: each function fails the test where a look-up
 * says something else. Arenas are reset inside.
 */
#ifndef TESTS_PROPERTY_COMPARE_H
#define TESTS_PROPERTY_COMPARE_H

#include "engine/views/views.h"
#include "tests/support/model_state.h"
#include "tests/support/testing.h"

/* A batch: its time and last seq. */
struct moment {
	cadre_time_ms time_ms;
	cadre_seq last_seq;
};

/* An event that touched a deployment. */
struct touch {
	uint64_t deployment;
	cadre_seq seq;
	uint16_t type;
};

struct comparing {
	struct cadre_view *view;
	const struct model_state *model;
	struct test_random *random;
	const struct moment *moments; /* in order of time */
	size_t moment_count;
	const struct touch *touches; /* in order of seq */
	size_t touch_count;
};

/* The row, its attributes, and what depends on its kind. */
void compare_resource(const struct comparing *c, const struct model_resource *expected);
/* The members of two groups, one against the other. */
void compare_difference(const struct comparing *c, const struct model_resource *from,
                        const struct model_resource *to);
void compare_token(const struct comparing *c, const struct model_token *expected,
                   cadre_time_ms now_ms);
void compare_absent(const struct comparing *c);
/* The last seq at or before a time. */
void compare_time(const struct comparing *c, cadre_time_ms time_ms);

/* One random list with all its pages; names. compare_list.c */
void compare_list(const struct comparing *c);
void compare_name(const struct comparing *c);
/* Every list of every compartment, unfiltered. */
void compare_all_lists(const struct comparing *c);

#endif
