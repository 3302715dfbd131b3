/*
 * Members of a version of a lineage, one after the other.
 *
 * Internal to engine/views.
 */
#ifndef CADRE_VIEWS_MEMBERS_H
#define CADRE_VIEWS_MEMBERS_H

#include "engine/views/rowio.h"

/* Values of `m` rows under 'o'. */
enum { CADRE_MEMBER_REMOVED = 0, CADRE_MEMBER_NO_KEY = 1, CADRE_MEMBER_KEY = 2 };

/* lineage, part ('k' or 'o'), name, 0x00, inverted version. The name must not be
 * longer than CADRE_MEMBER_KEY_BYTES_MAX. */
struct cadre_row_key cadre_key_member(uint64_t lineage, char part,
                                      struct cadre_slice name, uint32_t version);
/* The newest row of a name at or before `version`. CADRE_NOT_FOUND when none; a
 * removal is found. */
CADRE_MUST_CHECK enum cadre_status cadre_member_seek(struct cadre_view *view,
                                                     const struct cadre_row_key *key,
                                                     struct cadre_slice *ret_value,
                                                     struct cadre_error *err);
/* Reads an 'o' value into key and has_key; CADRE_NOT_FOUND for a removal, which
 * anything malformed counts as. */
CADRE_MUST_CHECK enum cadre_status cadre_member_decode(struct cadre_slice value,
                                                       struct cadre_member *io_member);

/* One version's members in the order of their OCIDs. fini always. */
struct cadre_member_walk {
	struct cadre_row_walk rows;
	uint32_t version;
	uint8_t seen[CADRE_KV_KEY_BYTES_MAX]; /* the name decided last */
	size_t seen_length;                   /* SIZE_MAX: none yet */
};
CADRE_MUST_CHECK enum cadre_status
cadre_member_walk_init(struct cadre_member_walk *walk, struct cadre_view *view,
                       uint64_t lineage, uint32_t version, const char *after,
                       struct cadre_error *err);
/* CADRE_END behind the last. The member's slices live until the next call. */
CADRE_MUST_CHECK enum cadre_status cadre_member_walk_next(struct cadre_member_walk *walk,
                                                          struct cadre_member *ret_member,
                                                          struct cadre_error *err);
void cadre_member_walk_fini(struct cadre_member_walk *walk);

#endif
