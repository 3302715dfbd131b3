/*
 * Members as lineages: a straight line of versions whose rows hold only what each
 * version changed.
 *
 * A group without a difference to its source shares the source's version: no row is
 * written. Else a new group extends its source's lineage if and only if the source
 * stands at the lineage's head version and the dead rows (rows under 'o' that do not
 * speak for a live member) are at most DEAD_ROWS_FACTOR * max(DEAD_ROWS_MIN, live).
 * Otherwise it starts a lineage of its own with the source's members, the difference
 * worked in, as version 1.
 *
 * head row value, little-endian: u32 head version, u32 live, u32 dead.
 */
#include "engine/views/apply.h"
#include "engine/views/members.h"

#include <stdlib.h>

#include "proto/codec/limits.h"

/* A copy of all members is paid for by so many changes, and a walk over a version's
 * members passes so many rows in vain at most. */
#define DEAD_ROWS_FACTOR 4u
#define DEAD_ROWS_MIN 64u
#define HEAD_BYTES 12u

struct head {
	uint64_t lineage;
	uint32_t version;
	uint32_t live;
	uint32_t dead;
};

static struct cadre_row_key head_key(uint64_t lineage)
{
	return cadre_key_u64('l', lineage);
}

static enum cadre_status read_head(struct cadre_apply *apply, uint64_t lineage,
                                   struct head *ret_head, struct cadre_hash128 *ret_term)
{
	struct cadre_row_key key = head_key(lineage);
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(apply->view, &key, &value, apply->err);

	if (status != CADRE_OK)
		return cadre_apply_required(apply, status, "head row of", "a lineage");
	if (value.length != HEAD_BYTES)
		return cadre_row_damaged(cadre_row_key_slice(&key), "wrong size",
		                         apply->err);
	*ret_head = (struct head){
		.lineage = lineage,
		.version = cadre_get_le32(value.data),
		.live = cadre_get_le32(value.data + 4),
		.dead = cadre_get_le32(value.data + 8),
	};
	return cadre_row_term(apply->view, &key, value, ret_term, apply->err);
}

static enum cadre_status write_head(struct cadre_apply *apply, const struct head *head,
                                    const struct cadre_hash128 *old_term)
{
	struct cadre_row_key key = head_key(head->lineage);
	uint8_t value[HEAD_BYTES];

	cadre_put_le32(value, head->version);
	cadre_put_le32(value + 4, head->live);
	cadre_put_le32(value + 8, head->dead);
	return cadre_row_put(apply->view, &key, cadre_slice(value, sizeof value),
	                     old_term, apply->err);
}

/* ---- rows of one member ---- */

static struct cadre_member member_of(const Cadre__V1__Member *member)
{
	return (struct cadre_member){
		.model_id = cadre_slice_text(member->model_id),
		.key = cadre_slice_text(member->inference_key),
		.has_key = member->inference_key != NULL,
	};
}

static enum cadre_status check_member(struct cadre_apply *apply,
                                      const struct cadre_member *member)
{
	if (member->model_id.length - 1 < CADRE_MEMBER_KEY_BYTES_MAX &&
	    (!member->has_key || member->key.length - 1 < CADRE_MEMBER_KEY_BYTES_MAX))
		return CADRE_OK;
	return cadre_apply_diverged(apply, "a member's OCID of %zu and key of %zu bytes",
	                            member->model_id.length, member->key.length);
}

static enum cadre_status put_model_row(struct cadre_apply *apply, const struct head *head,
                                       const struct cadre_member *member,
                                       const struct cadre_hash128 *old_term)
{
	struct cadre_row_key key = cadre_key_member(head->lineage, 'o', member->model_id,
	                                            head->version);
	uint8_t value[1 + CADRE_KV_KEY_BYTES_MAX];
	size_t length = 1;

	value[0] = member->has_key ? CADRE_MEMBER_KEY : CADRE_MEMBER_NO_KEY;
	if (member->has_key) {
		memcpy(value + 1, member->key.data, member->key.length);
		length += member->key.length;
	}
	return cadre_row_put(apply->view, &key, cadre_slice(value, length), old_term,
	                     apply->err);
}

static enum cadre_status put_key_row(struct cadre_apply *apply, const struct head *head,
                                     const struct cadre_member *member,
                                     const struct cadre_hash128 *old_term)
{
	struct cadre_row_key key = cadre_key_member(head->lineage, 'k', member->key,
	                                            head->version);

	return cadre_row_put(apply->view, &key, member->model_id, old_term, apply->err);
}

/* A member where no row of its names can be. */
static enum cadre_status add_first(struct cadre_apply *apply, const struct head *head,
                                   const struct cadre_member *member)
{
	enum cadre_status status = check_member(apply, member);

	if (status == CADRE_OK)
		status = put_model_row(apply, head, member, &cadre_row_absent);
	if (status == CADRE_OK && member->has_key)
		status = put_key_row(apply, head, member, &cadre_row_absent);
	return status;
}

/* ---- full lists ---- */

static int compare_models(const void *a, const void *b)
{
	const struct cadre_member *left = a;
	const struct cadre_member *right = b;

	return cadre_slice_compare(left->model_id, right->model_id);
}

/* Keys met so far, by their hash: 0 is free, else an index + 1. At most half full. */
#define KEY_SLOTS 2048u
_Static_assert(2 * CADRE_MEMBERS_MAX <= KEY_SLOTS, "free slots end every search");

static enum cadre_status check_keys(struct cadre_apply *apply,
                                    const struct cadre_member *members, size_t count)
{
	uint16_t slots[KEY_SLOTS] = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct cadre_slice key = members[i].key;
		size_t at;
		if (!members[i].has_key)
			continue;
		at = cadre_crc32c(0, key.data, key.length) % KEY_SLOTS;
		for (; slots[at] != 0; at = (at + 1) % KEY_SLOTS) {
			if (cadre_slice_equal(members[slots[at] - 1].key, key))
				return cadre_apply_diverged(apply, "key \"%.*s\" twice",
				                            (int)key.length,
				                            (const char *)key.data);
		}
		slots[at] = (uint16_t)(i + 1);
	}
	return CADRE_OK;
}

static bool in_order(const struct cadre_member *members, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (compare_models(&members[i - 1], &members[i]) >= 0)
			return false;
	}
	return true;
}

/* Sorts by OCID; refuses equal OCIDs and equal keys. */
static enum cadre_status check_unique(struct cadre_apply *apply,
                                      struct cadre_member *members, size_t count)
{
	enum cadre_status status = check_keys(apply, members, count);

	if (status != CADRE_OK || in_order(members, count))
		return status;
	qsort(members, count, sizeof *members, compare_models);
	for (size_t i = 1; i < count; i++) {
		if (compare_models(&members[i - 1], &members[i]) == 0)
			return cadre_apply_diverged(
			        apply, "member \"%.*s\" twice",
			        (int)members[i].model_id.length,
			        (const char *)members[i].model_id.data);
	}
	return CADRE_OK;
}

/* A lineage of this event's seq with `members` as version 1. */
static enum cadre_status start(struct cadre_apply *apply, struct cadre_member *members,
                               size_t count, struct cadre_lineage_ref *ret_ref)
{
	struct head head = { .lineage = apply->seq,
		             .version = 1,
		             .live = (uint32_t)count };
	enum cadre_status status;

	if (count < 1 || count > CADRE_MEMBERS_MAX)
		return cadre_apply_diverged(apply, "a group of %zu members", count);
	status = check_unique(apply, members, count);
	for (size_t i = 0; i < count && status == CADRE_OK; i++)
		status = add_first(apply, &head, &members[i]);
	if (status == CADRE_OK)
		status = write_head(apply, &head, &cadre_row_absent);
	*ret_ref = (struct cadre_lineage_ref){ head.lineage, head.version, head.live };
	return status;
}

enum cadre_status cadre_lineage_create(struct cadre_apply *apply,
                                       Cadre__V1__Member *const *members, size_t count,
                                       struct cadre_lineage_ref *ret_ref)
{
	struct cadre_member *list = cadre_arena_alloc(apply->view->arena,
	                                              (count + 1) * sizeof *list);

	if (!list)
		return cadre_apply_no_memory(apply);
	for (size_t i = 0; i < count; i++)
		list[i] = member_of(members[i]);
	return start(apply, list, count, ret_ref);
}

/* ---- the source's list with the difference worked in ---- */

struct gathered {
	struct cadre_apply *apply;
	struct cadre_member *members;
	size_t count, capacity;
	const struct cadre_member *removed; /* by OCID */
	size_t removed_count;
	size_t removed_found;
};

static enum cadre_status copy_slice(struct cadre_apply *apply, struct cadre_slice *slice)
{
	char *copy = cadre_arena_strdup(apply->view->arena, *slice);

	if (!copy)
		return cadre_apply_no_memory(apply);
	*slice = cadre_slice(copy, slice->length);
	return CADRE_OK;
}

static enum cadre_status gather(void *ctx, const struct cadre_member *member)
{
	struct gathered *all = ctx;
	struct cadre_member *copy = &all->members[all->count];
	enum cadre_status status;

	/* Both lists run in the order of OCIDs. */
	if (all->removed_found < all->removed_count &&
	    compare_models(&all->removed[all->removed_found], member) == 0) {
		all->removed_found++;
		return CADRE_OK;
	}
	if (all->count == all->capacity)
		return cadre_apply_diverged(all->apply, "a group of over %zu members",
		                            all->capacity);
	*copy = *member;
	status = copy_slice(all->apply, &copy->model_id);
	if (status == CADRE_OK && copy->has_key)
		status = copy_slice(all->apply, &copy->key);
	all->count++;
	return status;
}

static enum cadre_status fresh(struct cadre_apply *apply,
                               const Cadre__V1__GroupState *source,
                               const Cadre__V1__GroupDerived *derived,
                               struct cadre_lineage_ref *ret_ref)
{
	struct cadre_arena *arena = apply->view->arena;
	size_t capacity = CADRE_MEMBERS_MAX + derived->n_inserted;
	struct cadre_member *removed =
	        cadre_arena_alloc(arena, (derived->n_removed + 1) * sizeof *removed);
	struct gathered all = { .apply = apply,
		                .members = cadre_arena_alloc(
		                        arena, (capacity + 1) * sizeof *all.members),
		                .capacity = CADRE_MEMBERS_MAX,
		                .removed = removed,
		                .removed_count = derived->n_removed };
	enum cadre_status status;

	if (!removed || !all.members)
		return cadre_apply_no_memory(apply);
	for (size_t i = 0; i < derived->n_removed; i++)
		removed[i] = member_of(derived->removed[i]);
	qsort(removed, derived->n_removed, sizeof *removed, compare_models);
	status = cadre_view_members(apply->view, source->lineage, source->lineage_version,
	                            NULL, gather, &all, apply->err);
	if (status != CADRE_OK)
		return status;
	if (all.removed_found < all.removed_count)
		return cadre_apply_required(
		        apply, CADRE_NOT_FOUND, "member",
		        (const char *)removed[all.removed_found].model_id.data);
	for (size_t i = 0; i < derived->n_inserted; i++)
		all.members[all.count++] = member_of(derived->inserted[i]);
	return start(apply, all.members, all.count, ret_ref);
}

/* ---- the next version of a lineage ---- */

/* A key that one event takes from one member and gives to another has one row, the
 * new one. Looked for in short lists only, which is nearly all. */
#define SHORT_LIST 8u

static bool has_key(Cadre__V1__Member *const *members, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (members[i]->inference_key &&
		    strcmp(members[i]->inference_key, key) == 0)
			return true;
	}
	return false;
}

static bool changes_hands(const Cadre__V1__GroupDerived *derived, const char *key)
{
	return derived->n_removed <= SHORT_LIST && derived->n_inserted <= SHORT_LIST &&
	       has_key(derived->removed, derived->n_removed, key) &&
	       has_key(derived->inserted, derived->n_inserted, key);
}

static enum cadre_status remove_member(struct cadre_apply *apply, struct head *head,
                                       const Cadre__V1__GroupDerived *derived,
                                       const Cadre__V1__Member *gone)
{
	static const uint8_t tombstone[1] = { CADRE_MEMBER_REMOVED };
	struct cadre_member member = member_of(gone);
	struct cadre_member present;
	struct cadre_row_key key;
	struct cadre_slice value;
	enum cadre_status status = check_member(apply, &member);

	if (status != CADRE_OK)
		return status;
	key = cadre_key_member(head->lineage, 'o', member.model_id, head->version);
	status = cadre_member_seek(apply->view, &key, &value, apply->err);
	if (status == CADRE_OK)
		status = cadre_member_decode(value, &present);
	if (status != CADRE_OK)
		return cadre_apply_required(apply, status, "member", gone->model_id);
	if (present.has_key != member.has_key ||
	    !cadre_slice_equal(present.key, member.key))
		return cadre_apply_diverged(apply, "member \"%.255s\" has another key",
		                            gone->model_id);
	/* A tombstone beside the row it ends: two rows speak for nobody. */
	head->live--;
	head->dead += 2;
	status = cadre_row_put(apply->view, &key, cadre_slice(tombstone, 1),
	                       &cadre_row_absent, apply->err);
	if (status != CADRE_OK || !member.has_key ||
	    changes_hands(derived, gone->inference_key))
		return status;
	key = cadre_key_member(head->lineage, 'k', member.key, head->version);
	return cadre_row_put(apply->view, &key, cadre_slice(NULL, 0), &cadre_row_absent,
	                     apply->err);
}

/* Whether the name of `key` is free, and the present row's share of the digest when
 * this version wrote one already (the tombstone of a re-keyed member). */
static enum cadre_status check_free(struct cadre_apply *apply,
                                    const struct cadre_row_key *key,
                                    struct cadre_hash128 *ret_term, bool *ret_rewrite)
{
	struct cadre_slice found, value;
	enum cadre_status status = cadre_row_seek(apply->view, key, key->length - 4,
	                                          &found, &value, apply->err);

	*ret_term = cadre_row_absent;
	*ret_rewrite = false;
	if (status == CADRE_NOT_FOUND ||
	    (status == CADRE_OK && found.length != key->length))
		return CADRE_OK;
	if (status != CADRE_OK)
		return status;
	if (value.length > 0 && value.data[0] != CADRE_MEMBER_REMOVED)
		return CADRE_CONFLICT;
	*ret_rewrite = cadre_slice_equal(found, cadre_row_key_slice(key));
	if (!*ret_rewrite)
		return CADRE_OK;
	return cadre_row_term(apply->view, key, value, ret_term, apply->err);
}

static enum cadre_status insert_key(struct cadre_apply *apply, const struct head *head,
                                    const Cadre__V1__GroupDerived *derived, size_t index,
                                    const struct cadre_member *member)
{
	const char *text = derived->inserted[index]->inference_key;
	struct cadre_row_key key;
	struct cadre_hash128 term;
	bool rewrite;
	enum cadre_status status;

	if (changes_hands(derived, text)) {
		/* It was free when it was removed: not twice. */
		if (has_key(derived->inserted, index, text))
			return cadre_apply_diverged(apply, "key \"%.128s\" is present",
			                            text);
		return put_key_row(apply, head, member, &cadre_row_absent);
	}
	key = cadre_key_member(head->lineage, 'k', member->key, head->version);
	status = check_free(apply, &key, &term, &rewrite);
	if (status == CADRE_CONFLICT)
		return cadre_apply_diverged(apply, "key \"%.128s\" is present", text);
	return status == CADRE_OK ? put_key_row(apply, head, member, &term) : status;
}

static enum cadre_status insert_member(struct cadre_apply *apply, struct head *head,
                                       const Cadre__V1__GroupDerived *derived,
                                       size_t index)
{
	struct cadre_member member = member_of(derived->inserted[index]);
	struct cadre_row_key key;
	struct cadre_hash128 term;
	bool rewrite;
	enum cadre_status status = check_member(apply, &member);

	if (status != CADRE_OK)
		return status;
	key = cadre_key_member(head->lineage, 'o', member.model_id, head->version);
	status = check_free(apply, &key, &term, &rewrite);
	if (status == CADRE_CONFLICT)
		return cadre_apply_diverged(apply, "member \"%.255s\" is present",
		                            derived->inserted[index]->model_id);
	if (status == CADRE_OK)
		status = put_model_row(apply, head, &member, &term);
	if (status != CADRE_OK)
		return status;
	head->live++;
	/* The tombstone became the live row. */
	if (rewrite)
		head->dead--;
	return member.has_key ? insert_key(apply, head, derived, index, &member)
	                      : CADRE_OK;
}

static enum cadre_status extend(struct cadre_apply *apply, struct head *head,
                                const struct cadre_hash128 *head_term,
                                const Cadre__V1__GroupDerived *derived,
                                struct cadre_lineage_ref *ret_ref)
{
	enum cadre_status status = CADRE_OK;

	head->version++;
	if (derived->n_removed > head->live)
		return cadre_apply_diverged(apply, "%zu members removed of %u",
		                            derived->n_removed, head->live);
	for (size_t i = 0; i < derived->n_removed && status == CADRE_OK; i++)
		status = remove_member(apply, head, derived, derived->removed[i]);
	for (size_t i = 0; i < derived->n_inserted && status == CADRE_OK; i++)
		status = insert_member(apply, head, derived, i);
	if (status != CADRE_OK)
		return status;
	if (head->live < 1 || head->live > CADRE_MEMBERS_MAX)
		return cadre_apply_diverged(apply, "a group of %u members", head->live);
	*ret_ref = (struct cadre_lineage_ref){ head->lineage, head->version, head->live };
	return write_head(apply, head, head_term);
}

static bool extends(const struct head *head, const Cadre__V1__Resource *source)
{
	uint32_t live = head->live > DEAD_ROWS_MIN ? head->live : DEAD_ROWS_MIN;

	return head->version == source->group->lineage_version &&
	       head->version < UINT32_MAX - 1 && head->dead <= DEAD_ROWS_FACTOR * live;
}

enum cadre_status cadre_lineage_derive(struct cadre_apply *apply,
                                       const Cadre__V1__Resource *source,
                                       const Cadre__V1__GroupDerived *derived,
                                       struct cadre_lineage_ref *ret_ref)
{
	const Cadre__V1__GroupState *group = source->group;
	struct head head;
	struct cadre_hash128 head_term;
	enum cadre_status status;

	if (derived->n_removed == 0 && derived->n_inserted == 0) {
		*ret_ref = (struct cadre_lineage_ref){ group->lineage,
			                               group->lineage_version,
			                               group->member_count };
		return CADRE_OK;
	}
	status = read_head(apply, group->lineage, &head, &head_term);
	if (status != CADRE_OK)
		return status;
	if (extends(&head, source))
		return extend(apply, &head, &head_term, derived, ret_ref);
	return fresh(apply, source->group, derived, ret_ref);
}
