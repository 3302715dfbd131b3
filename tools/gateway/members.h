/* Members of a group with what is known of each model. */
#ifndef CADRE_TOOLS_GATEWAY_MEMBERS_H
#define CADRE_TOOLS_GATEWAY_MEMBERS_H

#include "tools/gateway/ask.h"

struct gateway_member {
	const Cadre__V1__Member *member;
	const Cadre__V1__ResourceInfo *model; /* NULL: not registered */
	/* Shown; those of the group where the model has none. */
	const char *name;
	uint64_t created_ms;
	const char *state;
};

/* All of them, in the order of their models' OCIDs. In the request's arena. */
CADRE_MUST_CHECK enum cadre_status
gateway_load_members(struct gateway_request *request,
                     const Cadre__V1__ResourceInfo *group,
                     struct gateway_member **ret_members, size_t *ret_count);

/* Orders by the query's sortBy and sortOrder (timeCreated, newest first; else upwards). */
CADRE_MUST_CHECK enum cadre_status gateway_sort_members(struct gateway_request *request,
                                                        struct gateway_member *members,
                                                        size_t count);
/* The page of `count` rows that the query's limit and page name; the header of the next
 * one is set. */
CADRE_MUST_CHECK enum cadre_status gateway_cut_page(struct gateway_request *request,
                                                    size_t count, size_t *ret_first,
                                                    size_t *ret_end);

#endif
